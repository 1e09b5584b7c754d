/*
 * sqlserver_log.c --- from rows of change tables to changes
 *
 * The stream goes through the log in intervals of LSNs.  How far one may go is
 * read from lsn_time_mapping before any change table is (sqlserver_poll.c),
 * so everything in the interval is there.  The tables with changes in it are
 * merged by (commit LSN, command, sequence, operation), which is the order in
 * which the source made them, and delivered as whole transactions.
 *
 * Definitions change between intervals only (sqlserver_tables.c), in a
 * transaction that leaves the position as it is: should the stream begin
 * again there, the tables are known as they are after the change.
 *
 * An update of a column that a unique index has arrives as a delete and an
 * insert, all deletes of a statement before its inserts; it is delivered so.
 * Change tables of old builds lack the command's number: there, rows of a
 * statement that shifts unique values are delivered in an order that may meet
 * values not yet free.
 *
 * Memory: pages of rows (sqlserver_page.c) and at most so many commit times as
 * an interval has transactions; no transaction is ever held as a whole.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "source/sqlserver/sqlserver_log.h"

/* an idle source is asked at least this often, unless the setting says less */
#define LONGEST_IDLE_MS		1000

static SqlServerStream *make_stream(SqlServerSource *source);
static void check_ahead(SqlServerStream *stream);
static int	compare_heads(Datum a, Datum b, void *arg);
static bool next_schema(SqlServerStream *stream, Change *change);
static bool next_row(SqlServerStream *stream, Change *change);
static void begin_transaction(SqlServerStream *stream, const LogKey *key,
							  Change *change);
static void commit_transaction(SqlServerStream *stream, Change *change);
static void step_over(SqlServerStream *stream);
static bool advance(SqlServerStream *stream);
static void begin_interval(SqlServerStream *stream);
static void load_and_settle(SqlServerStream *stream);

void
sdb_sqlserver_stream_begin(Source *base, const char *position, List *tables)
{
	SqlServerSource *source = (SqlServerSource *) base;
	SqlServerStream *stream;
	SqlServerLsn start;
	MemoryContext old_context;
	char	   *reason;

	if (source->stream != NULL)
		MemoryContextDelete(source->stream->context);
	source->stream = NULL;
	sdb_sqlserver_source_release(source);
	if (!sdb_sqlserver_position_parse(position, &start, &reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid position \"%s\"", position),
				 errdetail("%s", reason)));

	stream = make_stream(source);
	stream->position = start;
	sdb_sqlserver_tables_init(stream, tables);
	old_context = MemoryContextSwitchTo(stream->step_context);
	check_ahead(stream);
	(void) sdb_sqlserver_poll_instances(stream);
	stream->described = sdb_sqlserver_catalog_describe(base, NIL);
	load_and_settle(stream);
	stream->described = NIL;
	MemoryContextSwitchTo(old_context);
	source->stream = stream;
}

SourceResult
sdb_sqlserver_stream_next(Source *base, Change *change)
{
	SqlServerStream *stream = ((SqlServerSource *) base)->stream;

	if (stream->failed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the stream from \"%s\" has ended with an error",
						base->address)));
	stream->failed = true;		/* unless this returns */
	while (!next_schema(stream, change) && !next_row(stream, change))
	{
		if (!advance(stream))
		{
			stream->failed = false;
			return SOURCE_WAIT;
		}
	}
	stream->failed = false;
	return SOURCE_READY;
}

void
sdb_sqlserver_stream_wait(Source *base, SourceWait *wait)
{
	SqlServerStream *stream = ((SqlServerSource *) base)->stream;

	wait->socket = PGINVALID_SOCKET;
	wait->timeout_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
													   stream->next_poll);
}

char *
sdb_sqlserver_stream_position(Source *base)
{
	const SqlServerStream *stream = ((SqlServerSource *) base)->stream;

	return sdb_sqlserver_position_to_text(&stream->position);
}

int
sdb_sqlserver_log_compare(const LogKey *a, const LogKey *b)
{
	int			order = sdb_sqlserver_lsn_compare(&a->commit, &b->commit);

	if (order != 0)
		return order;
	if (a->command_id != b->command_id)
		return a->command_id < b->command_id ? -1 : 1;
	order = sdb_sqlserver_lsn_compare(&a->seqval, &b->seqval);
	return order != 0 ? order : a->operation - b->operation;
}

void
sdb_sqlserver_log_push(SqlServerStream *stream, SchemaChange *schema)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->schema_context);
	Change	   *change;

	if (!stream->in_schema)
	{
		change = palloc0(sizeof(Change));
		change->kind = CHANGE_BEGIN;
		stream->pending = lappend(stream->pending, change);
	}
	stream->in_schema = true;
	change = palloc0(sizeof(Change));
	change->kind = CHANGE_SCHEMA;
	change->schema = schema;
	stream->pending = lappend(stream->pending, change);
	MemoryContextSwitchTo(old_context);
}

static SqlServerStream *
make_stream(SqlServerSource *source)
{
	MemoryContext context;
	SqlServerStream *stream;

	context = AllocSetContextCreate(source->base.context, "SQL Server stream",
									ALLOCSET_DEFAULT_SIZES);
	stream = MemoryContextAllocZero(context, sizeof(SqlServerStream));
	stream->source = source;
	stream->context = context;
	stream->step_context = AllocSetContextCreate(context, "SQL Server step",
												 ALLOCSET_DEFAULT_SIZES);
	stream->instance_context = AllocSetContextCreate(context,
													 "SQL Server instances",
													 ALLOCSET_DEFAULT_SIZES);
	stream->interval_context = AllocSetContextCreate(context,
													 "SQL Server interval",
													 ALLOCSET_DEFAULT_SIZES);
	stream->schema_context = AllocSetContextCreate(context,
												   "SQL Server schema change",
												   ALLOCSET_DEFAULT_SIZES);
	return stream;
}

/*
 * A position behind the end of the log is of another database, or of this one
 * before it was restored: what follows it is not what we lack.  Not everybody
 * may see the end of the log.
 */
static void
check_ahead(SqlServerStream *stream)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	SqlServerLsn end;
	char	   *text = NULL;
	int			number;

	if (!sdb_sqlserver_conn_try_query(conn,
									  "SELECT log_end_lsn"
									  " FROM sys.dm_db_log_stats(DB_ID())",
									  &number))
		return;
	while (sdb_sqlserver_conn_fetch(conn))
		text = sdb_sqlserver_conn_text(conn, 0);
	if (text == NULL || !sdb_sqlserver_lsn_parse(text, &end) ||
		sdb_sqlserver_lsn_compare(&stream->position, &end) <= 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the source \"%s\" has not come as far as the connector",
					stream->source->base.address),
			 errdetail("The connector is at %s, the log of database \"%s\" ends at %s.",
					   sdb_sqlserver_lsn_to_text(&stream->position),
					   stream->source->database,
					   sdb_sqlserver_lsn_to_text(&end)),
			 errhint("If the database was restored from a backup, copy its tables again: restart the connector with snapshot mode \"always\".")));
}

/* A heap has its largest element first; ours is to be the first row. */
static int
compare_heads(Datum a, Datum b, void *arg)
{
	const LogTable *one = (const LogTable *) DatumGetPointer(a);
	const LogTable *other = (const LogTable *) DatumGetPointer(b);

	return sdb_sqlserver_log_compare(&other->rows[other->next].key,
									 &one->rows[one->next].key);
}

/* The next step of a transaction of schema changes. */
static bool
next_schema(SqlServerStream *stream, Change *change)
{
	ListCell   *lc;

	if (!stream->in_schema)
		return false;
	if (stream->pending != NIL)
	{
		*change = *(Change *) linitial(stream->pending);
		stream->pending = list_delete_first(stream->pending);
		return true;
	}
	while (stream->rereads != NIL)
	{
		if (sdb_sqlserver_ddl_reread(stream, change))
			return true;
	}

	memset(change, 0, sizeof(Change));
	change->kind = CHANGE_COMMIT;
	stream->in_schema = false;
	foreach(lc, stream->dropped)
		MemoryContextDelete(lfirst(lc));
	stream->dropped = NIL;
	MemoryContextReset(stream->schema_context);
	return true;
}

/* The next step of the interval at work; false at its end. */
static bool
next_row(SqlServerStream *stream, Change *change)
{
	LogTable   *entry;
	LogRow	   *row;

	if (!stream->in_interval)
		return false;
	step_over(stream);
	if (binaryheap_empty(stream->heap))
	{
		if (stream->in_transaction)
		{
			commit_transaction(stream, change);
			return true;
		}
		stream->in_interval = false;
		stream->position = stream->until;
		return false;
	}

	entry = (LogTable *) DatumGetPointer(binaryheap_first(stream->heap));
	row = &entry->rows[entry->next];
	if (!stream->in_transaction)
		begin_transaction(stream, &row->key, change);
	else if (sdb_sqlserver_lsn_compare(&row->key.commit, &stream->commit) != 0)
		commit_transaction(stream, change);
	else
	{
		memset(change, 0, sizeof(Change));
		change->kind = row->before == NULL ? CHANGE_INSERT :
			row->after == NULL ? CHANGE_DELETE : CHANGE_UPDATE;
		change->table = entry->table;
		change->before = row->before;
		change->after = row->after;
		change->nbytes = row->nbytes;
		change->source_time = stream->time;
		stream->delivered = entry;
	}
	return true;
}

static void
begin_transaction(SqlServerStream *stream, const LogKey *key, Change *change)
{
	stream->in_transaction = true;
	stream->commit = key->commit;
	stream->position = sdb_sqlserver_lsn_previous(key->commit);
	stream->time = 0;
	while (stream->at_transaction < stream->ntransactions)
	{
		LogTransaction *one = &stream->transactions[stream->at_transaction];
		int			order = sdb_sqlserver_lsn_compare(&one->commit,
													  &key->commit);

		if (order == 0)
			stream->time = one->time;
		if (order >= 0)
			break;
		stream->at_transaction++;
	}
	memset(change, 0, sizeof(Change));
	change->kind = CHANGE_BEGIN;
	change->source_time = stream->time;
}

static void
commit_transaction(SqlServerStream *stream, Change *change)
{
	stream->in_transaction = false;
	stream->position = stream->commit;
	memset(change, 0, sizeof(Change));
	change->kind = CHANGE_COMMIT;
	change->source_time = stream->time;
}

/* The worker is done with the row it was given: go to the one behind it. */
static void
step_over(SqlServerStream *stream)
{
	LogTable   *entry = stream->delivered;

	if (entry == NULL)
		return;
	stream->delivered = NULL;
	entry->next++;
	if (entry->next < entry->nrows || sdb_sqlserver_page_fill(stream, entry))
		binaryheap_replace_first(stream->heap, PointerGetDatum(entry));
	else
		(void) binaryheap_remove_first(stream->heap);
}

/*
 * Go on to the next interval, or to the definitions behind this one.  False if
 * there is nothing more, or nothing that concerns us: the worker gets a turn.
 */
static bool
advance(SqlServerStream *stream)
{
	TimestampTz now = GetCurrentTimestamp();
	MemoryContext old_context;
	bool		moved = false;
	bool		result = true;

	if (now < stream->next_poll)
		return false;
	MemoryContextReset(stream->step_context);
	old_context = MemoryContextSwitchTo(stream->step_context);
	if (stream->has_turn && !sdb_sqlserver_tables_turn_is_ahead(stream))
		load_and_settle(stream);
	else
	{
		moved = sdb_sqlserver_poll(stream);
		if (sdb_sqlserver_poll_instances(stream))
			load_and_settle(stream);	/* which the poll did not know of */
		else if (moved)
		{
			begin_interval(stream);
			stream->idle_ms = 0;
			result = stream->in_interval;
		}
		else
		{
			stream->idle_ms = stream->idle_ms == 0 ? sdb_guc_naptime :
				Min(2 * stream->idle_ms,
					Max(sdb_guc_naptime, LONGEST_IDLE_MS));
			stream->next_poll = TimestampTzPlusMilliseconds(now,
															stream->idle_ms);
			result = false;
		}
	}
	MemoryContextSwitchTo(old_context);
	return result;
}

/* Read the first rows of each table that has any in it. */
static void
begin_interval(SqlServerStream *stream)
{
	List	   *active = sdb_sqlserver_poll_tables(stream);
	ListCell   *lc;

	if (stream->fingerprint == NULL)
		return;					/* a change table is gone: settle first */
	stream->nactive = list_length(active);
	stream->heap = NULL;
	if (active == NIL)
	{
		stream->position = stream->until;
		return;
	}

	MemoryContextSwitchTo(stream->interval_context);
	active = list_copy(active);
	stream->heap = binaryheap_allocate(stream->nactive, compare_heads, NULL);
	foreach(lc, active)
	{
		LogTable   *entry = lfirst(lc);

		sdb_sqlserver_page_reset(entry);
		if (sdb_sqlserver_page_fill(stream, entry))
			binaryheap_add_unordered(stream->heap, PointerGetDatum(entry));
	}
	binaryheap_build(stream->heap);
	stream->in_interval = true;
}

static void
load_and_settle(SqlServerStream *stream)
{
	sdb_sqlserver_instances_load(stream);
	sdb_sqlserver_instances_load_ddl(stream);
	sdb_sqlserver_tables_settle(stream);
}
