/*
 * sqlserver_snapshot.c --- copying tables as of a known position
 *
 * What a copy contains (SnapshotPoint) is told by log sequence numbers: the
 * last one that was captured, and the end of the log (sys.dm_db_log_stats).
 * The capture job lags behind the log, so only these two together bound what
 * a reader sees.
 *
 * Where the database allows SNAPSHOT isolation, one transaction serves all
 * tables and no lock is held while rows are read:
 *
 * - Tables with a primary key get a window.  It begins at the last LSN that
 *   was captured before the transaction, since all of that had committed, and
 *   ends at the end of the log after it.
 *
 * - Tables without one are locked for the moment in which the transaction
 *   begins and the end of the log is read, which is their exact point.
 *
 * A readable secondary shows versions anyway, and takes no locks: there,
 * tables without a primary key are refused.
 *
 * Otherwise each table is locked against writers for as long as it is read,
 * and the end of the log, read before the lock is released, is its point.
 *
 * A user who may not see the end of the log has to wait, after the copy, until
 * the capture job has come past the time at which the copy was fixed; this
 * then ends the window, and tables without a primary key are refused.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "source/sqlserver/sqlserver_internal.h"
#include "util/compat.h"
#include "util/wait_event.h"

#define CAPTURE_POLL_MS		1000

struct SqlServerSnapshot
{
	MemoryContext context;		/* this struct and what it points to */
	MemoryContext row_context;	/* of the row last returned */
	SqlServerConn *helper;		/* takes locks and reads the end of the log */
	bool		has_versions;	/* one transaction for all tables */
	SnapshotPoint keyed;		/* of tables with a primary key, if so */
	SnapshotPoint keyless;		/* of those without */
	char	   *fixed_at;		/* server's time after a transaction began, if
								 * the end of the log is hidden; else NULL */

	/* the table being read */
	bool		reading;		/* a result is open */
	MemoryContext table_context;	/* of plan and locked */
	SqlServerPlan *plan;
	SnapshotPoint locked;		/* of the table last read, without versions */
};

static void check_keyless(SqlServerSource *source,
						  SqlServerSnapshot *snapshot, List *tables);
static void begin_versions(SqlServerSource *source,
						   SqlServerSnapshot *snapshot, List *tables);
static bool lock_keyless(SqlServerSnapshot *snapshot, List *tables);
static void lock_table(SqlServerConn *conn, const SourceTable *table);
static void begin_reading(SqlServerSource *source, SourceTable *table,
						  const KeyRange *range);
static void end_reading(SqlServerSource *source, SourceTable *table);
static char *captured_position(SqlServerConn *conn);
static char *end_of_log(SqlServerConn *conn);
static char *server_time(SqlServerConn *conn);
static char *await_capture(SqlServerSnapshot *snapshot);
static bool has_integer_key(const SourceTable *table);
pg_noreturn static void refuse_keyless(SqlServerSource *source,
									   const SourceTable *table);

void
sdb_sqlserver_snapshot_begin(Source *base, List *tables)
{
	SqlServerSource *source = (SqlServerSource *) base;
	MemoryContext context;
	MemoryContext old_context;
	SqlServerSnapshot *snapshot;

	if (source->snapshot != NULL)
		sdb_sqlserver_snapshot_end(base);

	context = AllocSetContextCreate(source->base.context,
									"SQL Server snapshot",
									ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(context);
	snapshot = palloc0(sizeof(SqlServerSnapshot));
	snapshot->context = context;
	snapshot->row_context = AllocSetContextCreate(context, "SQL Server row",
												  ALLOCSET_DEFAULT_SIZES);
	snapshot->table_context = AllocSetContextCreate(context,
													"SQL Server table",
													ALLOCSET_DEFAULT_SIZES);
	snapshot->helper = sdb_sqlserver_source_connect(source);
	snapshot->has_versions = source->has_snapshots || source->is_secondary;
	source->snapshot = snapshot;
	check_keyless(source, snapshot, tables);
	if (snapshot->has_versions)
		begin_versions(source, snapshot, tables);
	MemoryContextSwitchTo(old_context);
}

List *
sdb_sqlserver_split_table(Source *base, SourceTable *table, int parts)
{
	SqlServerSource *source = (SqlServerSource *) base;
	SqlServerConn *conn = sdb_sqlserver_source_conn(source);
	KeyRange   *range = palloc0(sizeof(KeyRange));
	List	   *ranges = list_make1(range);
	char	   *key;
	uint64		low = 0;
	uint64		step = 0;		/* both may wrap around: all 64 bits count */

	if (parts < 2 || !has_integer_key(table))
		return ranges;
	key = sdb_sqlserver_conn_identifier(table->columns[table->keys[0]].name);
	sdb_sqlserver_conn_query(conn,
							 psprintf("SELECT CONVERT(bigint, MIN(%s)),"
									  " CONVERT(bigint, MAX(%s)) FROM %s",
									  key, key,
									  sdb_sqlserver_table_name(table)));
	while (sdb_sqlserver_conn_fetch(conn))
	{
		/* an empty table has NULL, which reads as 0 */
		low = (uint64) sdb_sqlserver_conn_int(conn, 0);
		step = ((uint64) sdb_sqlserver_conn_int(conn, 1) - low) / parts;
	}
	if (step == 0)
		return ranges;
	for (int i = 1; i < parts; i++)
	{
		range->upper = psprintf(INT64_FORMAT, (int64) (low + step * i));
		range = palloc0(sizeof(KeyRange));
		range->lower = ((KeyRange *) llast(ranges))->upper;
		ranges = lappend(ranges, range);
	}
	return ranges;
}

SourceResult
sdb_sqlserver_snapshot_next(Source *base, SourceTable *table,
							const KeyRange *range, SourceValue *row)
{
	SqlServerSource *source = (SqlServerSource *) base;
	SqlServerSnapshot *snapshot = source->snapshot;
	MemoryContext old_context;

	if (!snapshot->reading)
		begin_reading(source, table, range);
	if (!sdb_sqlserver_conn_fetch(source->conn))
	{
		end_reading(source, table);
		return SOURCE_END;
	}
	MemoryContextReset(snapshot->row_context);
	old_context = MemoryContextSwitchTo(snapshot->row_context);
	sdb_sqlserver_values_row(snapshot->plan, row);
	MemoryContextSwitchTo(old_context);
	return SOURCE_READY;
}

void
sdb_sqlserver_snapshot_point(Source *base, SourceTable *table,
							 SnapshotPoint *point)
{
	SqlServerSource *source = (SqlServerSource *) base;
	SqlServerSnapshot *snapshot = source->snapshot;

	if (!snapshot->has_versions)
		*point = snapshot->locked;
	else if (table->nkeys == 0)
		*point = snapshot->keyless;
	else
	{
		if (snapshot->keyed.until == NULL)
		{
			char	   *until = await_capture(snapshot);

			snapshot->keyed.until = MemoryContextStrdup(snapshot->context,
														until);
		}
		*point = snapshot->keyed;
	}
	point->from = pstrdup(point->from);
	if (point->until != NULL)
		point->until = pstrdup(point->until);
}

void
sdb_sqlserver_snapshot_end(Source *base)
{
	SqlServerSource *source = (SqlServerSource *) base;
	SqlServerSnapshot *snapshot = source->snapshot;

	if (snapshot == NULL)
		return;
	/* the rest of a result is not worth reading */
	if (snapshot->reading)
		sdb_sqlserver_source_release(source);
	else if (snapshot->has_versions)
		sdb_sqlserver_conn_execute(sdb_sqlserver_source_conn(source),
								   "COMMIT TRANSACTION;"
								   " SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
	source->snapshot = NULL;
	MemoryContextDelete(snapshot->context);
}

/* A table without a primary key needs an exact point. */
static void
check_keyless(SqlServerSource *source, SqlServerSnapshot *snapshot,
			  List *tables)
{
	ListCell   *cell;

	foreach(cell, tables)
	{
		SourceTable *table = lfirst(cell);

		if (table->nkeys > 0)
			continue;
		if (source->is_secondary || end_of_log(snapshot->helper) == NULL)
			refuse_keyless(source, table);
		return;
	}
}

static void
begin_versions(SqlServerSource *source, SqlServerSnapshot *snapshot,
			   List *tables)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(source);
	bool		locked = lock_keyless(snapshot, tables);
	char	   *end;

	snapshot->keyed.from = captured_position(snapshot->helper);
	sdb_sqlserver_conn_execute(conn,
							   "SET TRANSACTION ISOLATION LEVEL SNAPSHOT;"
							   " BEGIN TRANSACTION");
	/* it is the first row read that fixes what it sees */
	if (tables != NIL)
	{
		char	   *first = sdb_sqlserver_table_name(linitial(tables));

		sdb_sqlserver_conn_execute(conn, psprintf("SELECT TOP (1) 1 FROM %s",
												  first));
	}
	end = end_of_log(snapshot->helper);
	if (end == NULL)
		snapshot->fixed_at = server_time(snapshot->helper);
	snapshot->keyed.until = end;
	snapshot->keyless.from = end;
	if (locked)
		sdb_sqlserver_conn_execute(snapshot->helper, "COMMIT TRANSACTION");
}

/* Locks tables without a primary key against writers; are there any? */
static bool
lock_keyless(SqlServerSnapshot *snapshot, List *tables)
{
	ListCell   *cell;
	bool		locked = false;

	foreach(cell, tables)
	{
		SourceTable *table = lfirst(cell);

		if (table->nkeys > 0)
			continue;
		if (!locked)
			sdb_sqlserver_conn_execute(snapshot->helper, "BEGIN TRANSACTION");
		lock_table(snapshot->helper, table);
		locked = true;
	}
	return locked;
}

/* Until the end of the transaction nobody else writes to it. */
static void
lock_table(SqlServerConn *conn, const SourceTable *table)
{
	char	   *sql = psprintf("SELECT TOP (1) 1 FROM %s"
							   " WITH (TABLOCK, HOLDLOCK)",
							   sdb_sqlserver_table_name(table));
	int			number;

	if (sdb_sqlserver_conn_try(conn, sql, &number))
		return;
	if (number != SQLSERVER_LOCK_TIMEOUT)
		sdb_sqlserver_conn_report(conn);
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not lock table \"%s\" at \"%s\" within %d seconds",
					table->id, sdb_sqlserver_conn_address(conn),
					SQLSERVER_LOCK_SECONDS),
			 errdetail("The copy of a table needs a shared lock, and a transaction at the source holds it back."),
			 errhint("See sys.dm_tran_locks at the source.")));
}

static void
begin_reading(SqlServerSource *source, SourceTable *table,
			  const KeyRange *range)
{
	SqlServerSnapshot *snapshot = source->snapshot;
	SqlServerConn *conn = sdb_sqlserver_source_conn(source);
	MemoryContext old_context;
	StringInfoData sql;
	const char *separator = " WHERE";
	char	   *key;

	MemoryContextReset(snapshot->table_context);
	old_context = MemoryContextSwitchTo(snapshot->table_context);
	snapshot->plan = sdb_sqlserver_values_plan(table);

	initStringInfo(&sql);
	for (int i = 0; i < table->ncolumns; i++)
	{
		appendStringInfoString(&sql, i == 0 ? "SELECT " : ", ");
		sdb_sqlserver_values_select(&sql, &table->columns[i], "t");
	}
	appendStringInfo(&sql, " FROM %s AS t", sdb_sqlserver_table_name(table));
	if (!snapshot->has_versions)
	{
		snapshot->locked.from = captured_position(snapshot->helper);
		snapshot->locked.until = NULL;
		sdb_sqlserver_conn_execute(conn, "BEGIN TRANSACTION");
		lock_table(conn, table);
	}
	if (range != NULL && (range->lower != NULL || range->upper != NULL))
	{
		const SourceColumn *column = &table->columns[table->keys[0]];

		key = sdb_sqlserver_conn_identifier(column->name);
		if (range->lower != NULL)
		{
			appendStringInfo(&sql, "%s t.%s >= %s", separator, key,
							 range->lower);
			separator = " AND";
		}
		if (range->upper != NULL)
			appendStringInfo(&sql, "%s t.%s < %s", separator, key,
							 range->upper);
	}
	snapshot->reading = true;
	sdb_sqlserver_conn_query(conn, sql.data);
	sdb_sqlserver_values_begin(snapshot->plan, conn, NULL);
	MemoryContextSwitchTo(old_context);
}

static void
end_reading(SqlServerSource *source, SourceTable *table)
{
	SqlServerSnapshot *snapshot = source->snapshot;
	MemoryContext old_context;
	char	   *end;

	if (!snapshot->has_versions)
	{
		old_context = MemoryContextSwitchTo(snapshot->table_context);
		end = end_of_log(snapshot->helper);
		if (end == NULL && table->nkeys == 0)
			refuse_keyless(source, table);
		if (end != NULL)
			snapshot->locked.from = end;
		else
			snapshot->fixed_at = server_time(snapshot->helper);
		sdb_sqlserver_conn_execute(source->conn, "COMMIT TRANSACTION");
		if (end == NULL)
			snapshot->locked.until = await_capture(snapshot);
		MemoryContextSwitchTo(old_context);
	}
	snapshot->reading = false;
}

/* All that was captured by now has committed. */
static char *
captured_position(SqlServerConn *conn)
{
	SqlServerLsn lsn = {{0}};
	const uint8 *data;
	int			len;

	sdb_sqlserver_conn_query(conn, "SELECT sys.fn_cdc_get_max_lsn()");
	while (sdb_sqlserver_conn_fetch(conn))
	{
		data = sdb_sqlserver_conn_field(conn, 0, &len);
		if (data != NULL)
			lsn = sdb_sqlserver_lsn_read(data, len, "fn_cdc_get_max_lsn");
	}
	return sdb_sqlserver_position_to_text(&lsn);
}

/* Nothing that commits later is below; NULL if the user may not see it. */
static char *
end_of_log(SqlServerConn *conn)
{
	SqlServerLsn lsn;
	char	   *text = NULL;
	int			number;

	if (!sdb_sqlserver_conn_try_query(conn,
									  "SELECT log_end_lsn"
									  " FROM sys.dm_db_log_stats(DB_ID())",
									  &number))
	{
		/* the first version that has it is 2016 SP2 */
		if (!sdb_sqlserver_conn_is_denial(number) &&
			number != SQLSERVER_INVALID_OBJECT)
			sdb_sqlserver_conn_report(conn);
		return NULL;
	}
	while (sdb_sqlserver_conn_fetch(conn))
		text = sdb_sqlserver_conn_text(conn, 0);
	if (text == NULL || !sdb_sqlserver_lsn_parse(text, &lsn))
		return NULL;
	return sdb_sqlserver_position_to_text(&lsn);
}

/* As cdc.lsn_time_mapping has it: local, to the next 3 ms */
static char *
server_time(SqlServerConn *conn)
{
	return sdb_sqlserver_conn_scalar(conn,
									 "SELECT CONVERT(nvarchar(40), GETDATE(), 126)");
}

/*
 * The position of the first transaction that ended after snapshot->fixed_at,
 * once the capture job has met one.  An idle database has one every five
 * minutes.
 */
static char *
await_capture(SqlServerSnapshot *snapshot)
{
	SqlServerConn *conn = snapshot->helper;
	char	   *sql;

	sql = psprintf("SELECT TOP (1) start_lsn FROM cdc.lsn_time_mapping"
				   " WHERE tran_end_time > CONVERT(datetime, N'%s', 126)"
				   " ORDER BY start_lsn", snapshot->fixed_at);
	for (;;)
	{
		SqlServerLsn lsn = {{0}};
		bool		found = false;

		sdb_sqlserver_conn_query(conn, sql);
		while (sdb_sqlserver_conn_fetch(conn))
		{
			int			len;
			const uint8 *data = sdb_sqlserver_conn_field(conn, 0, &len);

			lsn = sdb_sqlserver_lsn_read(data, len, "start_lsn");
			found = true;
		}
		if (found)
			return sdb_sqlserver_position_to_text(&lsn);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT |
						 WL_EXIT_ON_PM_DEATH, CAPTURE_POLL_MS,
						 sdb_wait_event(WAIT_SOURCE));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Ranges are made for, and their bounds written as, plain integers only. */
static bool
has_integer_key(const SourceTable *table)
{
	return table->nkeys > 0 &&
		table->columns[table->keys[0]].kind == VALUE_INT;
}

static void
refuse_keyless(SqlServerSource *source, const SourceTable *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot copy table \"%s\", which has no primary key",
					table->id),
			 source->is_secondary ?
			 errdetail("There is no single position that its copy stands for: a read-only replica takes no locks.") :
			 errdetail("There is no single position that its copy stands for: user \"%s\" may not see the end of the log.",
					   source->options.user),
			 source->is_secondary ?
			 errhint("Copy it from the primary replica, or add a primary key.") :
			 errhint("USE %s; GRANT VIEW DATABASE STATE TO %s; or add a primary key.",
					 sdb_sqlserver_conn_identifier(source->database),
					 sdb_sqlserver_conn_identifier(source->options.user))));
}
