/*
 * mysql_stream.c --- from events of the binary log to changes
 *
 * The log is a sequence of groups, each one transaction: a GTID event (or
 * none, on old servers), then either one statement, or BEGIN, table maps with
 * their rows, and an end (XID, COMMIT, XA PREPARE).  BEGIN is delivered once
 * there is something inside, so a group without captured rows costs nothing
 * but advances the position.
 *
 * The position moves only between groups: a stream that begins there sees the
 * next group whole.  Inside a group it stands where the group began.
 *
 * Memory: events and changes live in event_context and row_context, so a
 * transaction of any size takes what its largest event takes.
 *
 * Known limits: positions beyond 4 GB in one file are refused.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "source/mysql/mysql_failover.h"
#include "source/mysql/mysql_stream.h"

/* So much may be read without a change before the worker gets a turn. */
#define SCAN_BYTES	(8 * 1024 * 1024)

/* Servers give a new table id whenever they reopen a table. */
#define MAX_MAP_BYTES	(4 * 1024 * 1024)

/* the id in a ROWS event without rows that only ends a statement */
#define DUMMY_TABLE_ID	UINT64CONST(0xFFFFFF)

static void find_place(MysqlStream *stream);
static void push_begin(MysqlStream *stream);
static void append_change(MysqlStream *stream, ChangeKind kind,
						  SourceTable *table, SchemaChange *schema);
static bool take_pending(MysqlStream *stream, Change *change);
static bool next_row(MysqlStream *stream, Change *change);
static SourceResult next_event(MysqlStream *stream);
static void handle_event(MysqlStream *stream, const MysqlEvent *event);
static void handle_gtid(MysqlStream *stream, const MysqlEvent *event);
static void handle_rows(MysqlStream *stream, const MysqlEvent *event);
static void handle_xa_prepare(MysqlStream *stream, const MysqlEvent *event);
static void learn_applied(MysqlStream *stream, const MysqlEvent *event);
static void handle_load(MysqlStream *stream, const MysqlEvent *event);
pg_noreturn static void refuse_event(MysqlStream *stream,
									 const MysqlEvent *event);
static void begin_group(MysqlStream *stream, const MysqlEvent *event);
static void finish_group(MysqlStream *stream);
static void check_no_group(MysqlStream *stream);
static void begin_file(MysqlStream *stream, const MysqlEvent *event);
static void reach(MysqlStream *stream);
static bool is_left_out(const MysqlStream *stream);

void
sdb_mysql_stream_begin(Source *base, const char *position, List *tables)
{
	MysqlSource *source = (MysqlSource *) base;
	MemoryContext context;
	MemoryContext old_context;
	MysqlStream *stream;
	MysqlPosition *start;
	char	   *reason;

	if (source->stream != NULL)
		MemoryContextDelete(source->stream->context);
	source->stream = NULL;
	context = AllocSetContextCreate(source->base.context, "MySQL stream",
									ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(context);
	start = sdb_mysql_position_parse(position, &reason);
	if (start == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid position \"%s\"", position),
				 errdetail("%s", reason)));

	stream = palloc0(sizeof(MysqlStream));
	stream->source = source;
	stream->context = context;
	stream->event_context = AllocSetContextCreate(context, "MySQL event",
												  ALLOCSET_DEFAULT_SIZES);
	stream->row_context = AllocSetContextCreate(context, "MySQL row",
												ALLOCSET_DEFAULT_SIZES);
	stream->position = *start;
	if (start->gtids != NULL)
		stream->applied = sdb_mysql_gtidset_parse(start->gtids, &reason);
	find_place(stream);
	sdb_mysql_tables_init(stream, tables);

	sdb_mysql_source_release(source);
	stream->main = sdb_mysql_reader_open(source, source->options.client_id,
										 stream->position.file,
										 stream->position.pos);
	source->stream = stream;
	MemoryContextSwitchTo(old_context);
}

SourceResult
sdb_mysql_stream_next(Source *base, Change *change)
{
	MysqlStream *stream = ((MysqlSource *) base)->stream;

	if (stream->failed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the stream from \"%s\" has ended with an error",
						stream->source->base.address)));
	stream->failed = true;		/* unless this returns */
	stream->yielded = false;
	while (!take_pending(stream, change) && !next_row(stream, change))
	{
		if (next_event(stream) == SOURCE_WAIT)
		{
			stream->failed = false;
			return SOURCE_WAIT;
		}
	}
	stream->scanned = 0;
	stream->failed = false;
	return SOURCE_READY;
}

void
sdb_mysql_stream_wait(Source *base, SourceWait *wait)
{
	MysqlStream *stream = ((MysqlSource *) base)->stream;
	MysqlReader *reader = stream->xa ? stream->xa : stream->main;

	wait->socket = sdb_mysql_conn_socket(reader->conn);
	wait->timeout_ms = stream->yielded ? 0 :
		sdb_mysql_conn_silence_ms(reader->conn);
}

char *
sdb_mysql_stream_position(Source *base)
{
	MysqlStream *stream = ((MysqlSource *) base)->stream;
	MysqlPosition position = stream->position;

	position.gtids = stream->applied == NULL ? NULL :
		sdb_mysql_gtidset_to_text(stream->applied);
	/* file and offset alone would not say what is left out */
	position.server = stream->locate_end != NULL ? NULL :
		stream->source->server;
	return sdb_mysql_position_to_text(&position);
}

void
sdb_mysql_stream_push(MysqlStream *stream, ChangeKind kind,
					  SourceTable *table, SchemaChange *schema)
{
	push_begin(stream);
	append_change(stream, kind, table, schema);
}

void
sdb_mysql_stream_end_group(MysqlStream *stream)
{
	if (stream->begun)
		sdb_mysql_stream_push(stream, CHANGE_COMMIT, NULL, NULL);
	else
		finish_group(stream);
}

char *
sdb_mysql_stream_where(const MysqlStream *stream)
{
	const MysqlReader *reader = stream->xa ? stream->xa : stream->main;

	return psprintf("%s:" UINT64_FORMAT, reader->file, reader->end);
}

/* In the log of this server, which may not be the one we come from. */
static void
find_place(MysqlStream *stream)
{
	MysqlSource *source = stream->source;
	MysqlConn  *conn = sdb_mysql_source_conn(source);

	if (!sdb_mysql_failover_needed(source, &stream->position))
	{
		sdb_mysql_failover_check_file(source, conn, &stream->position);
		return;
	}
	sdb_mysql_failover_locate(source, conn, stream->applied,
							  &stream->position);
	stream->locate_end = sdb_mysql_log_position(source, conn);
}

static void
push_begin(MysqlStream *stream)
{
	if (!stream->begun)
		append_change(stream, CHANGE_BEGIN, NULL, NULL);
	stream->begun = true;
}

static void
append_change(MysqlStream *stream, ChangeKind kind, SourceTable *table,
			  SchemaChange *schema)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->event_context);
	Change	   *change = palloc0(sizeof(Change));

	change->kind = kind;
	change->table = table;
	change->schema = schema;
	change->source_time = stream->time;
	stream->pending = lappend(stream->pending, change);
	MemoryContextSwitchTo(old_context);
}

static bool
take_pending(MysqlStream *stream, Change *change)
{
	if (stream->pending == NIL)
		return false;
	*change = *(Change *) linitial(stream->pending);
	stream->pending = list_delete_first(stream->pending);
	if (change->kind == CHANGE_COMMIT)
		finish_group(stream);
	return true;
}

static bool
next_row(MysqlStream *stream, Change *change)
{
	StreamMap  *map = stream->map;
	MemoryContext old_context;
	Size		before_row;

	if (map == NULL)
		return false;
	if (!stream->begun)
	{
		push_begin(stream);
		return take_pending(stream, change);
	}

	MemoryContextReset(stream->row_context);
	old_context = MemoryContextSwitchTo(stream->row_context);
	before_row = sdb_bytes_left(&stream->rows.rows);
	if (!sdb_mysql_rows_next(&stream->rows, map->plan, map->before,
							 map->after))
	{
		stream->map = NULL;
		MemoryContextSwitchTo(old_context);
		return false;
	}
	MemoryContextSwitchTo(old_context);

	memset(change, 0, sizeof(Change));
	change->kind = stream->rows.kind;
	change->table = map->table;
	change->before = change->kind != CHANGE_INSERT ? map->before : NULL;
	change->after = change->kind != CHANGE_DELETE ? map->after : NULL;
	change->nbytes = (int) (before_row - sdb_bytes_left(&stream->rows.rows));
	change->source_time = stream->time;
	return true;
}

/* Reads one event and does what it says; WAIT if there is none. */
static SourceResult
next_event(MysqlStream *stream)
{
	MemoryContext old_context;
	MysqlEvent	event;
	bool		ready;

	if (stream->scanned > SCAN_BYTES)
	{
		stream->scanned = 0;
		stream->yielded = true;
		return SOURCE_WAIT;
	}
	MemoryContextReset(stream->event_context);
	old_context = MemoryContextSwitchTo(stream->event_context);
	ready = sdb_mysql_reader_next(stream->xa ? stream->xa : stream->main,
								   &event);
	if (ready)
	{
		stream->scanned += event.size;
		handle_event(stream, &event);
	}
	MemoryContextSwitchTo(old_context);
	return ready ? SOURCE_READY : SOURCE_WAIT;
}

static void
handle_event(MysqlStream *stream, const MysqlEvent *event)
{
	switch ((int) event->type)
	{
		case MYSQL_EVENT_GTID:
		case MYSQL_EVENT_ANONYMOUS_GTID:
		case MYSQL_EVENT_GTID_TAGGED:
		case MARIADB_EVENT_GTID:
			handle_gtid(stream, event);
			break;

		case MYSQL_EVENT_QUERY:
		case MARIADB_EVENT_QUERY_COMPRESSED:
			begin_group(stream, event);
			sdb_mysql_statement(stream, event);
			break;

		case MYSQL_EVENT_TABLE_MAP:
			if (!is_left_out(stream))
				sdb_mysql_reader_map(stream, event);
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
			handle_rows(stream, event);
			break;

		case MYSQL_EVENT_XID:
			sdb_mysql_stream_end_group(stream);
			break;

		case MYSQL_EVENT_XA_PREPARE:
			handle_xa_prepare(stream, event);
			break;

		case MYSQL_EVENT_ROTATE:
		case MYSQL_EVENT_FORMAT_DESCRIPTION:
			if (!(event->flags & MYSQL_EVENT_FLAG_ARTIFICIAL) &&
				event->log_pos != 0)
				check_no_group(stream);
			reach(stream);
			if (event->type == MYSQL_EVENT_FORMAT_DESCRIPTION)
				begin_file(stream, event);
			break;

		case MYSQL_EVENT_PREVIOUS_GTIDS:
		case MARIADB_EVENT_GTID_LIST:
			learn_applied(stream, event);
			reach(stream);
			break;

		case MYSQL_EVENT_STOP:
		case MYSQL_EVENT_TRANSACTION_CONTEXT:
		case MYSQL_EVENT_VIEW_CHANGE:
		case MARIADB_EVENT_BINLOG_CHECKPOINT:
		case MARIADB_EVENT_START_ENCRYPTION:
			reach(stream);
			break;

		case MYSQL_EVENT_HEARTBEAT:
		case MYSQL_EVENT_HEARTBEAT_V2:
		case MYSQL_EVENT_INTVAR:
		case MYSQL_EVENT_RAND:
		case MYSQL_EVENT_USER_VAR:
		case MYSQL_EVENT_BEGIN_LOAD_QUERY:
		case MYSQL_EVENT_ROWS_QUERY:
		case MYSQL_EVENT_IGNORABLE:
		case MARIADB_EVENT_ANNOTATE_ROWS:
			break;

		case MYSQL_EVENT_EXECUTE_LOAD_QUERY:
			handle_load(stream, event);
			break;

		case MYSQL_EVENT_INCIDENT:
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the source reports that changes before %s are missing in its binary log",
							sdb_mysql_stream_where(stream)),
					 errhint("Take a new snapshot.")));
			break;

		case MYSQL_EVENT_TRANSACTION_PAYLOAD:
			/* its events follow */
			begin_group(stream, event);
			break;

		default:
			if (!(event->flags & MYSQL_EVENT_FLAG_IGNORABLE))
				refuse_event(stream, event);
			break;
	}
}

static void
handle_gtid(MysqlStream *stream, const MysqlEvent *event)
{
	MysqlGtid	gtid;
	char	   *uuid;

	if (stream->xa != NULL)
		return;
	check_no_group(stream);
	begin_group(stream, event);
	sdb_mysql_event_gtid(event, &gtid);
	if (gtid.committed != 0)
		stream->time = gtid.committed;

	stream->gtid_number = gtid.sequence;
	stream->gtid_server = gtid.server_id;
	if (gtid.is_mariadb)
	{
		snprintf(stream->gtid_source, sizeof(stream->gtid_source), "%u",
				 gtid.domain);
		if (!(gtid.flags2 & MARIADB_GTID_STANDALONE))
			stream->group = GROUP_BODY;
		stream->in_xa = (gtid.flags2 & MARIADB_GTID_PREPARED_XA) != 0;
	}
	else if (gtid.sid != NULL)
	{
		uuid = DatumGetCString(DirectFunctionCall1(uuid_out,
												   PointerGetDatum(gtid.sid)));
		snprintf(stream->gtid_source, sizeof(stream->gtid_source), "%s%s%.*s",
				 uuid, gtid.tag_len > 0 ? ":" : "", gtid.tag_len,
				 gtid.tag ? gtid.tag : "");
	}
	stream->skipped = stream->locate_end != NULL &&
		stream->gtid_source[0] != '\0' &&
		sdb_mysql_gtidset_has(stream->applied, stream->gtid_source,
							  stream->gtid_number);
}

static void
handle_rows(MysqlStream *stream, const MysqlEvent *event)
{
	MysqlReader *reader = stream->xa ? stream->xa : stream->main;
	StreamMap  *map;

	if (is_left_out(stream))
		return;
	sdb_mysql_rows_open(&reader->format, event, &stream->rows);
	map = sdb_mysql_reader_find_map(reader, stream->rows.table_id);
	if (map == NULL && stream->rows.table_id != DUMMY_TABLE_ID)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("malformed %s event at %s: its table id " UINT64_FORMAT " has no table map",
						sdb_mysql_event_name(event->type),
						sdb_mysql_stream_where(stream),
						stream->rows.table_id)));
	if (map != NULL && map->table != NULL)
		stream->map = map;
}

static void
handle_xa_prepare(MysqlStream *stream, const MysqlEvent *event)
{
	MysqlXaPrepare xa;

	if (stream->xa != NULL)
	{
		sdb_mysql_xa_end(stream);
		return;
	}
	sdb_mysql_event_xa_prepare(event, &xa);
	if (stream->skipped)
		sdb_mysql_stream_end_group(stream);
	else if (!xa.one_phase)
		sdb_mysql_xa_prepared(stream, xa.xid);
	else if (stream->in_xa)
		sdb_mysql_xa_commit_at(stream, stream->position.file,
							   stream->position.pos);
	else
		sdb_mysql_stream_end_group(stream);
}

/*
 * A log file begins with the transactions of all files before it.  If ours are
 * not known, they are now.
 */
static void
learn_applied(MysqlStream *stream, const MysqlEvent *event)
{
	MemoryContext old_context;

	if (stream->applied != NULL || stream->group != GROUP_NONE ||
		stream->xa != NULL)
		return;
	old_context = MemoryContextSwitchTo(stream->context);
	stream->applied = sdb_mysql_gtidset_read(event);
	MemoryContextSwitchTo(old_context);
}

/* LOAD DATA as a statement: which database does it work in? */
static void
handle_load(MysqlStream *stream, const MysqlEvent *event)
{
	ByteCursor	cur = event->body;
	uint8		database_len;
	uint16		status_len;
	char	   *database;

	begin_group(stream, event);
	sdb_bytes_take(&cur, 8);	/* thread id, duration */
	database_len = sdb_bytes_u8(&cur);
	sdb_bytes_take(&cur, 2);	/* error code */
	status_len = sdb_bytes_le16(&cur);
	sdb_bytes_take(&cur, 13);	/* file id, where its name is, duplicates */
	sdb_bytes_take(&cur, status_len);
	database = pnstrdup((const char *) sdb_bytes_take(&cur, database_len),
						database_len);
	if (sdb_mysql_source_same_name(stream->source,
								   sdb_mysql_from_utf8(database),
								   stream->source->database))
		sdb_mysql_statement_refuse(stream, "LOAD DATA");
}

static void
refuse_event(MysqlStream *stream, const MysqlEvent *event)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot read the %s event at %s",
					sdb_mysql_event_name(event->type),
					sdb_mysql_stream_where(stream))));
}

/* An event that belongs to a group: if none is open, it begins one. */
static void
begin_group(MysqlStream *stream, const MysqlEvent *event)
{
	if (stream->group != GROUP_NONE)
		return;
	stream->group = GROUP_OPEN;
	stream->begun = false;
	stream->in_xa = false;
	stream->skipped = false;
	stream->gtid_source[0] = '\0';
	stream->ts_sec = event->timestamp;
	stream->server_id = event->server_id;
	stream->time = event->timestamp == 0 ? 0 :
		time_t_to_timestamptz((pg_time_t) event->timestamp);
}

static void
finish_group(MysqlStream *stream)
{
	MysqlPosition *position = &stream->position;
	ListCell   *lc;

	stream->group = GROUP_NONE;
	stream->begun = false;
	stream->in_xa = false;
	reach(stream);

	position->ts_sec = stream->ts_sec;
	position->server_id = stream->server_id;
	if (stream->applied != NULL && stream->gtid_source[0] != '\0' &&
		!stream->skipped)
		sdb_mysql_gtidset_add(stream->applied, stream->gtid_source,
							  stream->gtid_server, stream->gtid_number);

	if (stream->main->map_bytes > MAX_MAP_BYTES)
		sdb_mysql_reader_forget_maps(stream->main);
	position->prepared = list_delete_ptr(position->prepared, stream->decided);
	if (stream->decided != NULL)
	{
		pfree(stream->decided->xid);
		pfree(stream->decided->file);
		pfree(stream->decided);
	}
	stream->decided = NULL;
	foreach(lc, stream->dropped)
		MemoryContextDelete(lfirst(lc));
	list_free(stream->dropped);
	stream->dropped = NIL;
}

/*
 * A group that has no end is the trace of a server that crashed while it
 * wrote.  It never happened, which cannot be said after it was delivered.
 */
static void
check_no_group(MysqlStream *stream)
{
	if (stream->group == GROUP_NONE && stream->xa == NULL)
		return;
	if (stream->begun || stream->xa != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the transaction at %s:" UINT64_FORMAT " has no end",
						stream->position.file, stream->position.pos),
				 errdetail("The binary log goes on at %s.",
						   sdb_mysql_stream_where(stream)),
				 errhint("The source crashed while it wrote. Set the position behind that transaction, or take a new snapshot.")));
	stream->group = GROUP_NONE;
}

/* The first event of a file comes also to who reads on in its midst. */
static void
begin_file(MysqlStream *stream, const MysqlEvent *event)
{
	MysqlPosition *position = &stream->position;

	if (stream->group != GROUP_NONE || stream->xa != NULL ||
		event->timestamp == 0)
		return;
	sdb_mysql_failover_check_begin(stream->source, position,
								   event->timestamp);
	position->file_sec = event->timestamp;
}

/* Between groups, the position follows the dump. */
static void
reach(MysqlStream *stream)
{
	if (stream->group != GROUP_NONE)
		return;
	if (strcmp(stream->position.file, stream->main->file) != 0)
	{
		pfree(stream->position.file);
		stream->position.file = MemoryContextStrdup(stream->context,
													stream->main->file);
		stream->position.file_sec = 0;
	}
	stream->position.pos = stream->main->end;
	if (stream->locate_end != NULL &&
		!sdb_mysql_position_before(&stream->position, stream->locate_end))
		stream->locate_end = NULL;
}

/* Rows that count only once their transaction is committed, or not at all. */
static bool
is_left_out(const MysqlStream *stream)
{
	return stream->skipped || (stream->in_xa && stream->xa == NULL);
}
