/*
 * mysql_event.c --- events of the binary log, parsed from their bytes
 *
 * Each kind of body has one function, which reads it from front to end through
 * a ByteCursor.  Nothing here keeps state or talks to a server, and nothing
 * decides what an event means for the stream.  GTIDs are read in mysql_gtid.c,
 * rows in mysql_rows.c.
 *
 * Formats: the comments in MySQL's libs/mysql/binlog/event and the MariaDB
 * manual's "Replication Protocol"; checked against captures of both servers
 * in test/golden/mysql.
 *
 * Known limits: binary log version 4 only (MySQL 5.0 and later).
 */
#include "postgres.h"

#include <libdeflate.h>
#include <limits.h>

#include "lib/stringinfo.h"

#include "source/mysql/mysql_event.h"
#include "source/mysql/mysql_wire.h"

#define BINLOG_VERSION			4
#define HEADER_LEN				19
#define FLAGS_OFFSET			17	/* in the header */
#define FLAG_BINLOG_IN_USE		0x01	/* in the low byte of the flags */
#define CHECKSUM_LEN			4
#define CHECKSUM_OFF			0
#define CHECKSUM_CRC32			1
#define SERVER_VERSION_LEN		50

/* optional blocks of TABLE_MAP */
#define METADATA_SIGNEDNESS		1
#define METADATA_COLUMN_NAME	4

/* StatusLayout --- how the value of a status variable of QUERY lies there */
typedef enum StatusLayout
{
	STATUS_UNKNOWN,				/* ends the parsing */
	STATUS_FIXED,				/* size bytes */
	STATUS_STRING,				/* length, so many bytes, then size more */
	STATUS_TWO_STRINGS,			/* twice length and so many bytes */
	STATUS_NAMES,				/* a count, and so many names with NUL */
	STATUS_ARRAY				/* a count, and so many times size bytes */
} StatusLayout;

#define STATUS_FLAGS		0
#define STATUS_SQL_MODE		1
#define STATUS_CHARSET		4
#define STATUS_TIME_ZONE	5
#define STATUS_TIMESTAMPS	16

/* a count of STATUS_NAMES that stands for too many to list */
#define STATUS_TOO_MANY		254

/* session flag of MariaDB: explicit_defaults_for_timestamp */
#define FLAG_EXPLICIT_TIMESTAMPS	0x1000000

static const struct
{
	StatusLayout layout;
	uint8		size;			/* bytes */
}			status_vars[] =
{
	[STATUS_FLAGS] = {STATUS_FIXED, 4}, /* of the session */
	[STATUS_SQL_MODE] = {STATUS_FIXED, 8},
	[2] = {STATUS_STRING, 1},	/* catalog with NUL */
	[3] = {STATUS_FIXED, 4},	/* auto_increment_increment and _offset */
	[STATUS_CHARSET] = {STATUS_FIXED, 6},
	[STATUS_TIME_ZONE] = {STATUS_STRING, 0},
	[6] = {STATUS_STRING, 0},	/* catalog */
	[7] = {STATUS_FIXED, 2},	/* lc_time_names */
	[8] = {STATUS_FIXED, 2},	/* collation_database */
	[9] = {STATUS_FIXED, 8},	/* tables of a multi-table UPDATE */
	[10] = {STATUS_FIXED, 4},	/* length of the event at its origin */
	[11] = {STATUS_TWO_STRINGS, 0}, /* invoker */
	[12] = {STATUS_NAMES, 0},	/* databases */
	[13] = {STATUS_FIXED, 3},	/* microseconds */
	[STATUS_TIMESTAMPS] = {STATUS_FIXED, 1},
	[131] = {STATUS_ARRAY, 4}	/* MariaDB 11.2: character_set_collations */
};

/* Bytes of metadata in TABLE_MAP, by stored type */
static const uint8 metadata_len[256] =
{
	[MYSQL_STORED_FLOAT] = 1,
	[MYSQL_STORED_DOUBLE] = 1,
	[MYSQL_STORED_VARCHAR] = 2,
	[MYSQL_STORED_BIT] = 2,
	[MYSQL_STORED_TIMESTAMP2] = 1,
	[MYSQL_STORED_DATETIME2] = 1,
	[MYSQL_STORED_TIME2] = 1,
	[MYSQL_STORED_BLOB_COMPRESSED] = 1,
	[MYSQL_STORED_VARCHAR_COMPRESSED] = 2,
	[MYSQL_STORED_VECTOR] = 1,
	[MYSQL_STORED_JSON] = 1,
	[MYSQL_STORED_NEWDECIMAL] = 2,
	[MYSQL_STORED_ENUM] = 2,
	[MYSQL_STORED_SET] = 2,
	[MYSQL_STORED_TINY_BLOB] = 1,
	[MYSQL_STORED_MEDIUM_BLOB] = 1,
	[MYSQL_STORED_LONG_BLOB] = 1,
	[MYSQL_STORED_BLOB] = 1,
	[MYSQL_STORED_VAR_STRING] = 2,
	[MYSQL_STORED_STRING] = 2,
	[MYSQL_STORED_GEOMETRY] = 1
};

static const char *const event_names[256] =
{
	[MYSQL_EVENT_QUERY] = "QUERY",
	[MYSQL_EVENT_STOP] = "STOP",
	[MYSQL_EVENT_ROTATE] = "ROTATE",
	[MYSQL_EVENT_INTVAR] = "INTVAR",
	[MYSQL_EVENT_RAND] = "RAND",
	[MYSQL_EVENT_USER_VAR] = "USER_VAR",
	[MYSQL_EVENT_FORMAT_DESCRIPTION] = "FORMAT_DESCRIPTION",
	[MYSQL_EVENT_XID] = "XID",
	[MYSQL_EVENT_BEGIN_LOAD_QUERY] = "BEGIN_LOAD_QUERY",
	[MYSQL_EVENT_EXECUTE_LOAD_QUERY] = "EXECUTE_LOAD_QUERY",
	[MYSQL_EVENT_TABLE_MAP] = "TABLE_MAP",
	[MYSQL_EVENT_WRITE_ROWS_V1] = "WRITE_ROWS_V1",
	[MYSQL_EVENT_UPDATE_ROWS_V1] = "UPDATE_ROWS_V1",
	[MYSQL_EVENT_DELETE_ROWS_V1] = "DELETE_ROWS_V1",
	[MYSQL_EVENT_INCIDENT] = "INCIDENT",
	[MYSQL_EVENT_HEARTBEAT] = "HEARTBEAT",
	[MYSQL_EVENT_IGNORABLE] = "IGNORABLE",
	[MYSQL_EVENT_ROWS_QUERY] = "ROWS_QUERY",
	[MYSQL_EVENT_WRITE_ROWS] = "WRITE_ROWS",
	[MYSQL_EVENT_UPDATE_ROWS] = "UPDATE_ROWS",
	[MYSQL_EVENT_DELETE_ROWS] = "DELETE_ROWS",
	[MYSQL_EVENT_GTID] = "GTID",
	[MYSQL_EVENT_ANONYMOUS_GTID] = "ANONYMOUS_GTID",
	[MYSQL_EVENT_PREVIOUS_GTIDS] = "PREVIOUS_GTIDS",
	[MYSQL_EVENT_TRANSACTION_CONTEXT] = "TRANSACTION_CONTEXT",
	[MYSQL_EVENT_VIEW_CHANGE] = "VIEW_CHANGE",
	[MYSQL_EVENT_XA_PREPARE] = "XA_PREPARE",
	[MYSQL_EVENT_PARTIAL_UPDATE_ROWS] = "PARTIAL_UPDATE_ROWS",
	[MYSQL_EVENT_TRANSACTION_PAYLOAD] = "TRANSACTION_PAYLOAD",
	[MYSQL_EVENT_HEARTBEAT_V2] = "HEARTBEAT_V2",
	[MYSQL_EVENT_GTID_TAGGED] = "GTID_TAGGED",
	[MARIADB_EVENT_ANNOTATE_ROWS] = "ANNOTATE_ROWS",
	[MARIADB_EVENT_BINLOG_CHECKPOINT] = "BINLOG_CHECKPOINT",
	[MARIADB_EVENT_GTID] = "MARIADB_GTID",
	[MARIADB_EVENT_GTID_LIST] = "GTID_LIST",
	[MARIADB_EVENT_START_ENCRYPTION] = "START_ENCRYPTION",
	[MARIADB_EVENT_QUERY_COMPRESSED] = "QUERY_COMPRESSED",
	[MARIADB_EVENT_WRITE_ROWS_COMPRESSED_V1] = "WRITE_ROWS_COMPRESSED_V1",
	[MARIADB_EVENT_UPDATE_ROWS_COMPRESSED_V1] = "UPDATE_ROWS_COMPRESSED_V1",
	[MARIADB_EVENT_DELETE_ROWS_COMPRESSED_V1] = "DELETE_ROWS_COMPRESSED_V1",
	[MARIADB_EVENT_WRITE_ROWS_COMPRESSED] = "WRITE_ROWS_COMPRESSED",
	[MARIADB_EVENT_UPDATE_ROWS_COMPRESSED] = "UPDATE_ROWS_COMPRESSED",
	[MARIADB_EVENT_DELETE_ROWS_COMPRESSED] = "DELETE_ROWS_COMPRESSED"
};

static Size checksum_len(const MysqlFormat *format, MysqlEventType type,
						 const ByteCursor *cur);
static bool checksum_matches(const ByteCursor *cur, MysqlEventType type);
static void query_status_vars(ByteCursor cur, bool is_mariadb,
							  MysqlQuery *query);
static void skip_names(ByteCursor *cur);
static void append_hex(StringInfo buf, const uint8 *data, uint32 len);
static char *take_name(ByteCursor *cur);
static void table_map_metadata(ByteCursor cur, MysqlTableMap *map);
static void table_map_signedness(ByteCursor cur, bool is_mariadb,
								 MysqlTableMap *map);
static void table_map_names(ByteCursor cur, MysqlTableMap *map);
static bool is_numeric(uint8 stored);

void
sdb_mysql_event_parse(const MysqlFormat *format, const uint8 *data, Size len,
					  MysqlEvent *event)
{
	ByteCursor	cur;

	sdb_bytes_init(&cur, data, len, "event header");
	event->timestamp = sdb_bytes_le32(&cur);
	event->type = sdb_bytes_u8(&cur);
	event->server_id = sdb_bytes_le32(&cur);
	event->size = sdb_bytes_le32(&cur);
	event->log_pos = sdb_bytes_le32(&cur);
	event->flags = sdb_bytes_le16(&cur);

	cur.what = sdb_mysql_event_name(event->type);
	if (event->size != len)
		sdb_mysql_malformed(&cur, "%u bytes were announced, %zu received.",
							event->size, len);

	len -= checksum_len(format, event->type, &cur);
	sdb_bytes_init(&event->body, data + HEADER_LEN, len - HEADER_LEN,
				   cur.what);
}

const char *
sdb_mysql_event_name(MysqlEventType type)
{
	const char *name = event_names[type & 0xff];

	return name ? name : psprintf("event %d", (int) type);
}

void
sdb_mysql_event_format(const MysqlEvent *event, MysqlFormat *format)
{
	ByteCursor	cur = event->body;
	uint16		binlog_version = sdb_bytes_le16(&cur);
	const uint8 *version = sdb_bytes_take(&cur, SERVER_VERSION_LEN);
	char		version_text[SERVER_VERSION_LEN + 1];
	uint8		header_len;

	sdb_bytes_take(&cur, 4);	/* when the server started */
	header_len = sdb_bytes_u8(&cur);
	if (binlog_version != BINLOG_VERSION || header_len != HEADER_LEN)
		sdb_mysql_malformed(&cur,
							"Version %u with headers of %u bytes is not known.",
							binlog_version, header_len);

	/* one byte for each type of event, then one for the checksum */
	if (sdb_bytes_left(&cur) < 1 ||
		sdb_bytes_left(&cur) > lengthof(format->post_header_len))
		sdb_mysql_malformed(&cur, "%zu bytes cannot describe the events.",
							sdb_bytes_left(&cur));

	memset(format, 0, sizeof(*format));
	format->known = true;
	memcpy(version_text, version, SERVER_VERSION_LEN);
	version_text[SERVER_VERSION_LEN] = '\0';
	format->is_mariadb = strstr(version_text, "MariaDB") != NULL;
	format->npost_headers = (int) sdb_bytes_left(&cur) - 1;
	memcpy(format->post_header_len,
		   sdb_bytes_take(&cur, format->npost_headers), format->npost_headers);
	format->checksums = sdb_bytes_u8(&cur) == CHECKSUM_CRC32;
}

void
sdb_mysql_event_rotate(const MysqlEvent *event, MysqlRotate *rotate)
{
	ByteCursor	cur = event->body;
	Size		len;

	rotate->position = sdb_bytes_le64(&cur);
	len = sdb_bytes_left(&cur);
	if (len == 0 || len >= MAXPGPATH || memchr(cur.pos, '\0', len) != NULL)
		sdb_mysql_malformed(&cur, "The next file has no usable name.");
	rotate->file_len = (int) len;
	rotate->file = (const char *) sdb_bytes_take(&cur, len);
}

void
sdb_mysql_event_query(const MysqlFormat *format, const MysqlEvent *event,
					  MysqlQuery *query)
{
	ByteCursor	cur = event->body;
	ByteCursor	status;
	uint16		status_len;

	memset(query, 0, sizeof(*query));
	sdb_bytes_take(&cur, 8);	/* thread id, duration */
	query->database_len = sdb_bytes_u8(&cur);
	query->failed = sdb_bytes_le16(&cur) != 0;
	status_len = sdb_bytes_le16(&cur);

	status = cur;
	sdb_bytes_take(&cur, status_len);
	status.end = cur.pos;
	query->explicit_timestamps = !format->is_mariadb;
	query_status_vars(status, format->is_mariadb, query);

	query->database = (const char *) sdb_bytes_take(&cur, query->database_len);
	sdb_bytes_take(&cur, 1);	/* its NUL */

	if (event->type == MARIADB_EVENT_QUERY_COMPRESSED)
		sdb_mysql_inflate_event(&cur);
	if (sdb_bytes_left(&cur) > INT_MAX)
		sdb_mysql_malformed(&cur, "A statement cannot have %zu bytes.",
							sdb_bytes_left(&cur));
	query->sql_len = (int) sdb_bytes_left(&cur);
	query->sql = (const char *) sdb_bytes_take(&cur, query->sql_len);
}

void
sdb_mysql_event_xa_prepare(const MysqlEvent *event, MysqlXaPrepare *xa)
{
	ByteCursor	cur = event->body;
	int32		format_id;
	uint32		gtrid_len;
	uint32		bqual_len;
	StringInfoData buf;

	xa->one_phase = sdb_bytes_u8(&cur) != 0;
	format_id = (int32) sdb_bytes_le32(&cur);
	gtrid_len = sdb_bytes_le32(&cur);
	bqual_len = sdb_bytes_le32(&cur);

	initStringInfo(&buf);
	append_hex(&buf, sdb_bytes_take(&cur, gtrid_len), gtrid_len);
	appendStringInfoChar(&buf, ',');
	append_hex(&buf, sdb_bytes_take(&cur, bqual_len), bqual_len);
	appendStringInfo(&buf, ",%d", format_id);
	xa->xid = buf.data;
}

MysqlTableMap *
sdb_mysql_event_table_map(const MysqlFormat *format, const MysqlEvent *event)
{
	ByteCursor	cur = event->body;
	MysqlTableMap *map = palloc0(sizeof(MysqlTableMap));

	map->table_id = sdb_mysql_table_id(&cur, format, event->type);
	sdb_bytes_take(&cur, 2);	/* flags */
	map->database = take_name(&cur);
	map->table = take_name(&cur);
	map->ncolumns = sdb_mysql_packed_columns(&cur);

	map->types = palloc(map->ncolumns + 1);
	memcpy(map->types, sdb_bytes_take(&cur, map->ncolumns), map->ncolumns);
	map->meta = palloc0((map->ncolumns + 1) * sizeof(uint16));
	table_map_metadata(sdb_mysql_packed_block(&cur), map);
	sdb_bytes_take(&cur, (map->ncolumns + 7) / 8);	/* which may be null */

	while (sdb_bytes_left(&cur) > 0)
	{
		uint8		kind = sdb_bytes_u8(&cur);
		ByteCursor	block = sdb_mysql_packed_block(&cur);

		if (kind == METADATA_SIGNEDNESS)
			table_map_signedness(block, format->is_mariadb, map);
		else if (kind == METADATA_COLUMN_NAME)
			table_map_names(block, map);
	}
	return map;
}

/*
 * The length of the checksum at the event's end, verified; 0 if it has none.
 *
 * FORMAT_DESCRIPTION always has room for one and names the algorithm itself.
 * A ROTATE that the server makes up before it has told its format has one or
 * not: there the bytes themselves are asked.
 */
static Size
checksum_len(const MysqlFormat *format, MysqlEventType type,
			 const ByteCursor *cur)
{
	Size		left = sdb_bytes_left(cur);

	if (type == MYSQL_EVENT_FORMAT_DESCRIPTION)
	{
		uint8		algorithm;

		if (left < 1 + CHECKSUM_LEN)
			sdb_bytes_overrun(cur, 1 + CHECKSUM_LEN);
		algorithm = cur->end[-CHECKSUM_LEN - 1];
		if (algorithm == CHECKSUM_OFF)
			return CHECKSUM_LEN;
		if (algorithm != CHECKSUM_CRC32)
			sdb_mysql_malformed(cur, "Checksum algorithm %u is not known.",
								algorithm);
	}
	else if (!format->known && type == MYSQL_EVENT_ROTATE)
		return left >= CHECKSUM_LEN && checksum_matches(cur, type) ?
			CHECKSUM_LEN : 0;
	else if (!format->checksums)
		return 0;

	if (left < CHECKSUM_LEN)
		sdb_bytes_overrun(cur, CHECKSUM_LEN);
	if (!checksum_matches(cur, type))
		sdb_mysql_malformed(cur, "The checksum does not match.");
	return CHECKSUM_LEN;
}

static bool
checksum_matches(const ByteCursor *cur, MysqlEventType type)
{
	const uint8 *sum = cur->end - CHECKSUM_LEN;
	uint8		flags[2];
	uint32		crc;

	if (type != MYSQL_EVENT_FORMAT_DESCRIPTION)
		return libdeflate_crc32(0, cur->start, sum - cur->start) ==
			sdb_load_le32(sum);

	/* a file being written is marked so after its sum was made */
	memcpy(flags, cur->start + FLAGS_OFFSET, sizeof(flags));
	flags[0] &= ~FLAG_BINLOG_IN_USE;
	crc = libdeflate_crc32(0, cur->start, FLAGS_OFFSET);
	crc = libdeflate_crc32(crc, flags, sizeof(flags));
	crc = libdeflate_crc32(crc, cur->start + HEADER_LEN,
						   sum - (cur->start + HEADER_LEN));
	return crc == sdb_load_le32(sum);
}

/*
 * Variables come in the order of their codes and do not tell their lengths, so
 * the first unknown one ends the list; those of interest come early.
 */
static void
query_status_vars(ByteCursor cur, bool is_mariadb, MysqlQuery *query)
{
	while (sdb_bytes_left(&cur) > 0)
	{
		uint8		code = sdb_bytes_u8(&cur);
		const uint8 *value = NULL;
		uint8		len;

		if (code >= lengthof(status_vars))
			return;

		switch (status_vars[code].layout)
		{
			case STATUS_UNKNOWN:
				return;
			case STATUS_FIXED:
				value = sdb_bytes_take(&cur, status_vars[code].size);
				break;
			case STATUS_STRING:
				len = sdb_bytes_u8(&cur);
				value = sdb_bytes_take(&cur, len);
				sdb_bytes_take(&cur, status_vars[code].size);
				if (code == STATUS_TIME_ZONE)
				{
					query->time_zone = (const char *) value;
					query->time_zone_len = len;
				}
				break;
			case STATUS_TWO_STRINGS:
				sdb_bytes_take(&cur, sdb_bytes_u8(&cur));
				sdb_bytes_take(&cur, sdb_bytes_u8(&cur));
				break;
			case STATUS_NAMES:
				skip_names(&cur);
				break;
			case STATUS_ARRAY:
				sdb_bytes_take(&cur, sdb_bytes_u8(&cur) *
							   status_vars[code].size);
				break;
		}
		if (code == STATUS_FLAGS && is_mariadb)
			query->explicit_timestamps =
				(sdb_load_le32(value) & FLAG_EXPLICIT_TIMESTAMPS) != 0;
		else if (code == STATUS_TIMESTAMPS)
			query->explicit_timestamps = *value != 0;
		else if (code == STATUS_SQL_MODE)
			query->sql_mode = sdb_load_le64(value);
		else if (code == STATUS_CHARSET)
		{
			query->client_collation = sdb_load_le16(value);
			query->server_collation = sdb_load_le16(value + 4);
		}
	}
}

static void
skip_names(ByteCursor *cur)
{
	uint8		count = sdb_bytes_u8(cur);

	if (count == STATUS_TOO_MANY)
		return;
	for (; count > 0; count--)
	{
		while (sdb_bytes_u8(cur) != '\0')
			 /* next */ ;
	}
}

static void
append_hex(StringInfo buf, const uint8 *data, uint32 len)
{
	appendStringInfoString(buf, "X'");
	for (uint32 i = 0; i < len; i++)
		appendStringInfo(buf, "%02x", data[i]);
	appendStringInfoChar(buf, '\'');
}

/* Length, bytes, NUL */
static char *
take_name(ByteCursor *cur)
{
	uint8		len = sdb_bytes_u8(cur);
	const char *name = (const char *) sdb_bytes_take(cur, len + 1);

	if (strnlen(name, len + 1) != len)
		sdb_mysql_malformed(cur, "A name does not have the length announced.");
	return pstrdup(name);
}

static void
table_map_metadata(ByteCursor cur, MysqlTableMap *map)
{
	for (int i = 0; i < map->ncolumns; i++)
	{
		uint8		type = map->types[i];

		if (metadata_len[type] == 1)
			map->meta[i] = sdb_bytes_u8(&cur);
		else if (metadata_len[type] == 2)
			map->meta[i] = sdb_bytes_le16(&cur);

		/* in these two separate bytes follow each other */
		if (type == MYSQL_STORED_STRING || type == MYSQL_STORED_NEWDECIMAL ||
			type == MYSQL_STORED_ENUM || type == MYSQL_STORED_SET)
			map->meta[i] = (uint16) ((map->meta[i] << 8) | (map->meta[i] >> 8));
	}
	if (sdb_bytes_left(&cur) > 0)
		sdb_mysql_malformed(&cur, "%zu bytes of metadata belong to no column.",
							sdb_bytes_left(&cur));
}

/*
 * One bit for each numeric column, the first one highest.  YEAR counts in
 * MariaDB and in new versions of MySQL, but not in older ones: for MySQL a
 * table with one is left as if nothing had been sent.
 */
static void
table_map_signedness(ByteCursor cur, bool is_mariadb, MysqlTableMap *map)
{
	uint8		bits = 0;
	int			nbits = 0;

	if (!is_mariadb &&
		memchr(map->types, MYSQL_STORED_YEAR, map->ncolumns) != NULL)
		return;

	map->is_unsigned = palloc0((map->ncolumns + 1) * sizeof(bool));
	for (int i = 0; i < map->ncolumns; i++)
	{
		if (!is_numeric(map->types[i]))
			continue;
		if (nbits++ % 8 == 0)
			bits = sdb_bytes_u8(&cur);
		map->is_unsigned[i] = (bits & 0x80) != 0;
		bits <<= 1;
	}
}

static bool
is_numeric(uint8 stored)
{
	switch (stored)
	{
		case MYSQL_STORED_TINY:
		case MYSQL_STORED_SHORT:
		case MYSQL_STORED_INT24:
		case MYSQL_STORED_LONG:
		case MYSQL_STORED_LONGLONG:
		case MYSQL_STORED_FLOAT:
		case MYSQL_STORED_DOUBLE:
		case MYSQL_STORED_NEWDECIMAL:
		case MYSQL_STORED_YEAR:
			return true;
		default:
			return false;
	}
}

static void
table_map_names(ByteCursor cur, MysqlTableMap *map)
{
	map->names = palloc0((map->ncolumns + 1) * sizeof(char *));
	for (int i = 0; i < map->ncolumns; i++)
	{
		ByteCursor	name = sdb_mysql_packed_block(&cur);

		map->names[i] = pnstrdup((const char *) name.pos,
								 sdb_bytes_left(&name));
	}
}
