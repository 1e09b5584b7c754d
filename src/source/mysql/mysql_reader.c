/*
 * mysql_reader.c --- one dump of the binary log: its events and table maps
 *
 * A reader knows the file and offset that it has reached and the format of
 * the events.  It keeps table maps, each with the decoder made from it, under
 * their table ids.  Statements repeat them all the time, so a map is compared
 * byte by byte with the one kept, and reuse of an id is harmless.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "source/mysql/mysql_stream.h"

static void resolve_map(MysqlStream *stream, StreamMap *map,
						const MysqlEvent *event);
static HTAB *make_maps(MysqlReader *reader);
static void open_payload(MysqlReader *reader, const MysqlEvent *event);

MysqlReader *
sdb_mysql_reader_open(MysqlSource *source, uint32 server_id, const char *file,
					  uint64 pos)
{
	MemoryContext context;
	MemoryContext old_context;
	MysqlReader *reader;

	if (pos > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot read file \"%s\" of \"%s\" from offset " UINT64_FORMAT,
						file, source->base.address, pos),
				 errdetail("Offsets in the binary log are sent with 32 bits.")));
	context = AllocSetContextCreate(CurrentMemoryContext, "MySQL reader",
									ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(context);
	reader = palloc0(sizeof(MysqlReader));
	reader->context = context;
	strlcpy(reader->file, file, sizeof(reader->file));
	reader->end = pos;
	reader->conn = sdb_mysql_source_connect(source);
	sdb_mysql_conn_dump(reader->conn, server_id, file, (uint32) pos);
	MemoryContextSwitchTo(old_context);
	return reader;
}

bool
sdb_mysql_reader_next(MysqlReader *reader, MysqlEvent *event)
{
	const uint8 *data;
	Size		len;

	/* its bytes lie in the packet, which stays until the next one */
	if (reader->in_payload)
	{
		reader->in_payload = sdb_mysql_payload_next(reader->payload, event);
		if (reader->in_payload)
			return true;
	}
	if (!sdb_mysql_conn_packet(reader->conn, &data, &len))
		return false;
	sdb_mysql_event_parse(&reader->format, data, len, event);
	switch ((int) event->type)
	{
		case MYSQL_EVENT_ROTATE:
			{
				MysqlRotate rotate;

				sdb_mysql_event_rotate(event, &rotate);
				memcpy(reader->file, rotate.file, rotate.file_len);
				reader->file[rotate.file_len] = '\0';
				reader->end = rotate.position;
				return true;
			}
		case MYSQL_EVENT_FORMAT_DESCRIPTION:
			sdb_mysql_event_format(event, &reader->format);
			break;
		case MYSQL_EVENT_HEARTBEAT:
		case MYSQL_EVENT_HEARTBEAT_V2:
			return true;
		default:
			break;
	}
	if (event->type == MYSQL_EVENT_TRANSACTION_PAYLOAD)
		open_payload(reader, event);
	if (event->log_pos != 0 && !(event->flags & MYSQL_EVENT_FLAG_ARTIFICIAL))
	{
		uint64		high = reader->end & ~UINT64CONST(0xFFFFFFFF);

		/* the header has 32 bits of it, and a file may be larger */
		if ((high | event->log_pos) < reader->end)
			high += UINT64CONST(1) << 32;
		reader->end = high | event->log_pos;
	}
	return true;
}

void
sdb_mysql_reader_map(MysqlStream *stream, const MysqlEvent *event)
{
	MysqlReader *reader = stream->xa ? stream->xa : stream->main;
	ByteCursor	cur = event->body;
	Size		nbytes = sdb_bytes_left(&cur);
	StreamMap  *map;
	uint64		table_id;
	bool		found;

	if (reader->maps == NULL)
		reader->maps = make_maps(reader);
	table_id = sdb_bytes_le48(&cur);
	map = hash_search(reader->maps, &table_id, HASH_ENTER, &found);
	if (found && !map->skipped && map->nbytes == nbytes &&
		memcmp(map->bytes, event->body.pos, nbytes) == 0)
		return;

	if (found)
	{
		MemoryContextDelete(map->context);
		reader->map_bytes -= map->taken;
	}
	memset(map, 0, sizeof(StreamMap));
	map->table_id = table_id;
	map->context = AllocSetContextCreate(reader->map_context, "MySQL map",
										 ALLOCSET_SMALL_SIZES);
	map->nbytes = nbytes;
	map->bytes = memcpy(MemoryContextAlloc(map->context, nbytes),
						event->body.pos, nbytes);
	resolve_map(stream, map, event);
	map->taken = MemoryContextMemAllocated(map->context, true);
	reader->map_bytes += map->taken;
}

StreamMap *
sdb_mysql_reader_find_map(const MysqlReader *reader, uint64 table_id)
{
	if (reader->maps == NULL)
		return NULL;
	return hash_search(reader->maps, &table_id, HASH_FIND, NULL);
}

void
sdb_mysql_reader_forget_maps(MysqlReader *reader)
{
	if (reader->maps != NULL)
		MemoryContextDelete(reader->map_context);
	reader->maps = NULL;
	reader->map_bytes = 0;
}

/* Which table is it, and how are its rows decoded? */
static void
resolve_map(MysqlStream *stream, StreamMap *map, const MysqlEvent *event)
{
	MysqlReader *reader = stream->xa ? stream->xa : stream->main;
	MemoryContext old_context = MemoryContextSwitchTo(map->context);
	MysqlTableMap *parsed;
	char	   *name;
	int			ncolumns;

	parsed = sdb_mysql_event_table_map(&reader->format, event);
	name = sdb_mysql_from_utf8(parsed->table);
	if (!sdb_mysql_source_captures(stream->source,
								   sdb_mysql_from_utf8(parsed->database),
								   name))
	{
		MemoryContextSwitchTo(old_context);
		return;
	}
	MemoryContextSwitchTo(stream->event_context);
	map->table = sdb_mysql_tables_meet(stream, name);
	MemoryContextSwitchTo(map->context);
	if (map->table != NULL && sdb_mysql_tables_skips_rows(stream, map->table))
	{
		map->table = NULL;
		map->skipped = true;
	}
	if (map->table != NULL)
	{
		map->plan = sdb_mysql_tables_may_misfit(stream, map->table) ?
			sdb_mysql_rows_try_plan(parsed, map->table) :
			sdb_mysql_rows_plan(parsed, map->table);
		map->skipped = map->plan == NULL;
		if (map->skipped)
			map->table = NULL;
	}
	if (map->table != NULL)
	{
		ncolumns = sdb_mysql_rows_plan_columns(map->plan);
		map->before = palloc0(ncolumns * sizeof(SourceValue));
		map->after = palloc0(ncolumns * sizeof(SourceValue));
	}
	MemoryContextSwitchTo(old_context);
}

static HTAB *
make_maps(MysqlReader *reader)
{
	HASHCTL		ctl;

	reader->map_context = AllocSetContextCreate(reader->context, "MySQL maps",
												ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(StreamMap);
	ctl.hcxt = reader->map_context;
	return hash_create("MySQL table maps", 64, &ctl,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The next events come from inside of this one. */
static void
open_payload(MysqlReader *reader, const MysqlEvent *event)
{
	MemoryContext old_context = MemoryContextSwitchTo(reader->context);

	if (reader->payload == NULL)
		reader->payload = sdb_mysql_payload_create();
	MemoryContextSwitchTo(old_context);
	sdb_mysql_payload_open(reader->payload, &reader->format, event);
	reader->in_payload = true;
}
