/*
 * event_stream.c --- a captured binary log through the decoder
 *
 * Keeps what the real stream keeps, format and table maps, and nothing else:
 * transactions, positions and schema changes are not its matter.
 */
#include "postgres.h"

#include <libdeflate.h>

#include "utils/memutils.h"

#include "change/change.h"
#include "event_stream.h"
#include "pg_shim.h"
#include "source/mysql/mysql_payload.h"
#include "source/mysql/mysql_rows.h"
#include "source/mysql/mysql_types.h"
#include "source/mysql/mysql_wire.h"

#define HEADER_LEN			19
#define CHECKSUM_LEN		4
#define MAX_TABLES			64
#define MAX_MAPS			16
#define MAX_FIELD			65536
#define NFIELDS				10

typedef struct OpenMap
{
	const uint8 *bytes;			/* of the event it was made from */
	Size		nbytes;
	MysqlTableMap *map;
	SourceTable *table;
	MysqlRowPlan *plan;
} OpenMap;

struct EventStream
{
	MysqlFormat format;
	MysqlPayload *payload;
	int			ntables;
	SourceTable tables[MAX_TABLES];
	int			nmaps;
	OpenMap		maps[MAX_MAPS];
	MemoryContext definitions;
	MemoryContext map_context;	/* maps and plans */
	MemoryContext event_context;
};

static int	show_event(EventStream *stream, const MysqlEvent *event,
					   StringInfo out);
static int	show_payload(EventStream *stream, const MysqlEvent *event,
						 StringInfo out);
static void read_definitions(EventStream *stream, const char *path);
static char *next_field(const char **pos, const char *end);
static void add_column(EventStream *stream, char **fields);
static void add_map(EventStream *stream, const MysqlEvent *event);
static OpenMap *find_map(EventStream *stream, uint64 table_id);
static int	decode_rows(EventStream *stream, const MysqlEvent *event,
						StringInfo out);
static void show_query(EventStream *stream, const MysqlEvent *event,
					   StringInfo out);
static void show_gtid(const MysqlEvent *event, StringInfo out);
static void show_hex(StringInfo out, const char *label, const void *data,
					 int len);

EventStream *
event_stream_open(const char *definitions)
{
	EventStream *stream = calloc(1, sizeof(EventStream));

	stream->definitions = shim_context_create();
	stream->map_context = shim_context_create();
	stream->event_context = shim_context_create();
	CurrentMemoryContext = stream->definitions;
	stream->payload = sdb_mysql_payload_create();
	if (definitions)
		read_definitions(stream, definitions);
	return stream;
}

void
event_stream_close(EventStream *stream)
{
	MemoryContextDelete(stream->definitions);
	MemoryContextDelete(stream->map_context);
	MemoryContextDelete(stream->event_context);
	free(stream);
}

void
event_stream_rewind(EventStream *stream)
{
	memset(&stream->format, 0, sizeof(stream->format));
	stream->nmaps = 0;
	MemoryContextReset(stream->map_context);
	MemoryContextReset(stream->event_context);
}

int
event_stream_event(EventStream *stream, const uint8 *data, Size len,
				   StringInfo out)
{
	MysqlEvent	event;

	CurrentMemoryContext = stream->event_context;
	MemoryContextReset(stream->event_context);
	sdb_mysql_event_parse(&stream->format, data, len, &event);
	return show_event(stream, &event, out);
}

void
event_stream_repair(const EventStream *stream, uint8 *data, Size len)
{
	uint32		size = (uint32) len;
	uint32		crc;

	if (len < HEADER_LEN + CHECKSUM_LEN)
		return;
	for (int i = 0; i < 4; i++)
		data[9 + i] = (uint8) (size >> (8 * i));
	if (!stream->format.checksums && data[4] != MYSQL_EVENT_FORMAT_DESCRIPTION)
		return;
	if (data[4] == MYSQL_EVENT_FORMAT_DESCRIPTION)
		data[17] &= ~1;
	crc = libdeflate_crc32(0, data, len - CHECKSUM_LEN);
	for (int i = 0; i < 4; i++)
		data[len - CHECKSUM_LEN + i] = (uint8) (crc >> (8 * i));
}

uint8 *
read_file(const char *path, Size *len)
{
	FILE	   *file = fopen(path, "rb");
	uint8	   *data;

	if (file == NULL)
	{
		perror(path);
		exit(2);
	}
	fseek(file, 0, SEEK_END);
	*len = ftell(file);
	rewind(file);
	data = malloc(*len + 1);
	if (fread(data, 1, *len, file) != *len)
		abort();
	fclose(file);
	return data;
}

static int
show_event(EventStream *stream, const MysqlEvent *event, StringInfo out)
{
	MysqlRotate rotate;
	MysqlXaPrepare xa;

	switch (event->type)
	{
		case MYSQL_EVENT_FORMAT_DESCRIPTION:
			sdb_mysql_event_format(event, &stream->format);
			break;
		case MYSQL_EVENT_ROTATE:
			sdb_mysql_event_rotate(event, &rotate);
			if (out)
				appendStringInfo(out, "-- rotate to %.*s " UINT64_FORMAT "\n",
								 rotate.file_len, rotate.file,
								 rotate.position);
			break;
		case MYSQL_EVENT_QUERY:
		case MARIADB_EVENT_QUERY_COMPRESSED:
			show_query(stream, event, out);
			break;
		case MYSQL_EVENT_GTID:
		case MYSQL_EVENT_ANONYMOUS_GTID:
		case MYSQL_EVENT_GTID_TAGGED:
		case MARIADB_EVENT_GTID:
			show_gtid(event, out);
			break;
		case MYSQL_EVENT_XA_PREPARE:
			sdb_mysql_event_xa_prepare(event, &xa);
			if (out)
				appendStringInfo(out, "-- xa prepare %s%s\n", xa.xid,
								 xa.one_phase ? " one phase" : "");
			break;
		case MYSQL_EVENT_TABLE_MAP:
			add_map(stream, event);
			break;
		case MYSQL_EVENT_WRITE_ROWS_V1:
		case MYSQL_EVENT_UPDATE_ROWS_V1:
		case MYSQL_EVENT_DELETE_ROWS_V1:
		case MYSQL_EVENT_WRITE_ROWS:
		case MYSQL_EVENT_UPDATE_ROWS:
		case MYSQL_EVENT_DELETE_ROWS:
		case MYSQL_EVENT_PARTIAL_UPDATE_ROWS:
		case MARIADB_EVENT_WRITE_ROWS_COMPRESSED_V1:
		case MARIADB_EVENT_UPDATE_ROWS_COMPRESSED_V1:
		case MARIADB_EVENT_DELETE_ROWS_COMPRESSED_V1:
		case MARIADB_EVENT_WRITE_ROWS_COMPRESSED:
		case MARIADB_EVENT_UPDATE_ROWS_COMPRESSED:
		case MARIADB_EVENT_DELETE_ROWS_COMPRESSED:
			return decode_rows(stream, event, out);
		case MYSQL_EVENT_TRANSACTION_PAYLOAD:
			return show_payload(stream, event, out);
		default:
			break;
	}
	return 0;
}

static int
show_payload(EventStream *stream, const MysqlEvent *event, StringInfo out)
{
	MysqlEvent	inside;
	int			nrows = 0;

	sdb_mysql_payload_open(stream->payload, &stream->format, event);
	if (out)
		appendStringInfoString(out, "-- payload\n");
	while (sdb_mysql_payload_next(stream->payload, &inside))
		nrows += show_event(stream, &inside, out);
	if (out)
		appendStringInfoString(out, "-- end of payload\n");
	return nrows;
}

static void
read_definitions(EventStream *stream, const char *path)
{
	Size		len;
	uint8	   *data = read_file(path, &len);
	const char *pos = (const char *) data;
	const char *end = pos + len;

	while (pos < end)
	{
		char	   *fields[NFIELDS];

		for (int i = 0; i < NFIELDS; i++)
			fields[i] = next_field(&pos, end);
		add_column(stream, fields);
	}
	free(data);
}

/* Up to a tab or newline, with the client's backslash escapes undone. */
static char *
next_field(const char **pos, const char *end)
{
	StringInfoData buf;

	initStringInfo(&buf);
	while (*pos < end && **pos != '\t' && **pos != '\n')
	{
		char		c = *(*pos)++;

		if (c == '\\' && *pos < end)
		{
			c = *(*pos)++;
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c;
		}
		appendStringInfoChar(&buf, c);
	}
	(*pos)++;
	return strcmp(buf.data, "NULL") == 0 ? NULL : buf.data;
}

/* Columns of a table come together, in order. */
static void
add_column(EventStream *stream, char **fields)
{
	char	   *id = sdb_table_make_id(fields[0], NULL, fields[1]);
	MysqlColumnInfo info = {0};
	SourceTable *table = &stream->tables[Max(stream->ntables, 1) - 1];

	if (table->id == NULL || strcmp(table->id, id) != 0)
	{
		if (stream->ntables == MAX_TABLES)
			abort();
		table = &stream->tables[stream->ntables++];
		table->catalog = fields[0];
		table->name = fields[1];
		table->id = id;
		table->columns = palloc0(256 * sizeof(SourceColumn));
	}

	info.table_id = id;
	info.column_name = fields[2];
	info.column_type = fields[3];
	info.charset = fields[4];
	info.is_nullable = fields[5];
	info.extra = fields[6];
	info.comment = fields[7];
	info.is_mariadb = fields[8][0] == '1';
	info.is_json = fields[9][0] == '1';
	if (table->ncolumns == 256)
		abort();
	sdb_mysql_types_column(&info, &table->columns[table->ncolumns++]);
}

/*
 * The plan is made here, so a map that does not fit is an error of its own.
 * As in the real stream, one that comes again as it was costs nothing.
 */
static void
add_map(EventStream *stream, const MysqlEvent *event)
{
	OpenMap		open = {0};
	OpenMap    *slot;
	ByteCursor	cur = event->body;

	open.nbytes = sdb_bytes_left(&cur);
	slot = find_map(stream, sdb_mysql_table_id(&cur, &stream->format,
											   event->type));
	if (slot != NULL && slot->nbytes == open.nbytes &&
		memcmp(slot->bytes, event->body.pos, open.nbytes) == 0)
		return;

	if (stream->nmaps == MAX_MAPS)
	{
		stream->nmaps = 0;
		MemoryContextReset(stream->map_context);
	}
	CurrentMemoryContext = stream->map_context;
	open.bytes = memcpy(palloc(open.nbytes + 1), event->body.pos,
						open.nbytes);
	open.map = sdb_mysql_event_table_map(&stream->format, event);
	for (int i = 0; i < stream->ntables; i++)
	{
		if (strcmp(stream->tables[i].name, open.map->table) == 0 &&
			strcmp(stream->tables[i].catalog, open.map->database) == 0)
			open.table = &stream->tables[i];
	}
	if (open.table != NULL)
		open.plan = sdb_mysql_rows_plan(open.map, open.table);
	CurrentMemoryContext = stream->event_context;

	slot = find_map(stream, open.map->table_id);
	if (slot == NULL)
		slot = &stream->maps[stream->nmaps++];
	*slot = open;
}

static OpenMap *
find_map(EventStream *stream, uint64 table_id)
{
	for (int i = 0; i < stream->nmaps; i++)
	{
		if (stream->maps[i].map->table_id == table_id)
			return &stream->maps[i];
	}
	return NULL;
}

static int
decode_rows(EventStream *stream, const MysqlEvent *event, StringInfo out)
{
	MysqlRows	rows;
	OpenMap    *open;
	Change		change = {0};
	int			nrows = 0;
	int			ncolumns;

	sdb_mysql_rows_open(&stream->format, event, &rows);
	open = find_map(stream, rows.table_id);
	if (open == NULL || open->plan == NULL)
		return 0;

	change.table = open->table;
	ncolumns = sdb_mysql_rows_plan_columns(open->plan);
	change.before = palloc0(ncolumns * sizeof(SourceValue));
	change.after = palloc0(ncolumns * sizeof(SourceValue));
	while (sdb_mysql_rows_next(&rows, open->plan, change.before, change.after))
	{
		nrows++;
		change.kind = rows.kind;
		if (out)
		{
			sdb_change_to_text(out, &change);
			if (out->len > 0 && out->data[out->len - 1] != '\n')
				appendStringInfoChar(out, '\n');
		}
	}
	return nrows;
}

static void
show_query(EventStream *stream, const MysqlEvent *event, StringInfo out)
{
	MysqlQuery	query;

	sdb_mysql_event_query(&stream->format, event, &query);
	if (out)
		appendStringInfo(out, "-- query in \"%.*s\", mode %llx, collation %d: %.*s\n",
						 query.database_len, query.database,
						 (unsigned long long) query.sql_mode,
						 query.client_collation, query.sql_len, query.sql);
}

static void
show_gtid(const MysqlEvent *event, StringInfo out)
{
	MysqlGtid	gtid;

	sdb_mysql_event_gtid(event, &gtid);
	if (out == NULL)
		return;
	if (gtid.is_mariadb)
		appendStringInfo(out, "-- gtid %u-%u-" UINT64_FORMAT " flags %02x",
						 gtid.domain, gtid.server_id, gtid.sequence,
						 gtid.flags2);
	else
		appendStringInfo(out, "-- gtid " UINT64_FORMAT, gtid.sequence);
	show_hex(out, "sid", gtid.sid, 16);
	if (gtid.tag)
		appendStringInfo(out, " tag %.*s", gtid.tag_len, gtid.tag);
	show_hex(out, "xid", gtid.xid, gtid.xid_len);
	if (gtid.committed)
	{
		SourceValue when = {VALUE_TIMESTAMPTZ};

		when.u.sint = gtid.committed;
		appendStringInfoString(out, " committed ");
		sdb_value_to_text(out, &when);
	}
	appendStringInfoChar(out, '\n');
}

static void
show_hex(StringInfo out, const char *label, const void *data, int len)
{
	SourceValue value = {VALUE_BYTES};

	if (data == NULL)
		return;
	value.u.bytes.data = data;
	value.u.bytes.len = len;
	appendStringInfo(out, " %s ", label);
	sdb_value_to_text(out, &value);
}
