/*
 * mysql_snapshot.c --- copying tables as of a known position
 *
 * One transaction with a consistent snapshot serves all tables, and no lock
 * is held while rows are read.  What the copy contains (SnapshotPoint) is
 * found in the best way that the server and the user's privileges offer:
 *
 * - MariaDB says itself which position a snapshot stands for.
 *
 * - MySQL: FLUSH TABLES WITH READ LOCK for the moment in which the snapshot
 *   is opened and the position read.
 *
 * - Without that privilege, a second connection locks just the tables to be
 *   copied, for the same moment.
 *
 * - Without any lock, a window.  Its end is the position read after the
 *   snapshot was opened.  Its start is the head of the log file that was
 *   current before: MySQL rotates only when every transaction of the old file
 *   is committed in the engine, while the last ones of the current file may
 *   have been written to it and not be visible yet.
 *
 * Tables of engines without transactions are not part of the snapshot: each
 * gets a window from just before to just after it is read.
 *
 * Only tables with a primary key can have a window.  Which way is taken
 * depends on privileges alone, so all copy workers of a connector take the
 * same; a lock that is not granted in time is an error.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "source/mysql/mysql_internal.h"
#include "util/wait_event.h"

/*
 * The server stalls writers while it waits for a lock, so not for long.  A
 * writer that waits for a row of another one, which our lock stalls, is not
 * seen as a deadlock by the server: giving way for a moment resolves it.
 */
#define LOCK_WAIT_SECONDS	1
#define LOCK_ATTEMPTS		10
#define LOCK_PAUSE_MS		100 /* times the number of attempts so far */

#define SERVER_LOCK_WAIT_TIMEOUT	1205

struct MysqlSnapshot
{
	MemoryContext context;		/* this struct and what it points to */
	MemoryContext row_context;	/* of the row last returned */
	SnapshotPoint point;		/* of tables in the transaction */
	List	   *bare;			/* ids of tables without transactions */

	/* the table being read */
	bool		reading;		/* a result is open */
	MysqlResultPlan *plan;
	MemoryContext table_context;	/* of plan and bare_point */
	SnapshotPoint bare_point;	/* of the last table without transactions */
};

static void find_bare_tables(MysqlSource *source, MysqlSnapshot *snapshot,
							 List *tables);
static void open_at_server(MysqlSource *source, MysqlSnapshot *snapshot);
static bool open_under_global_lock(MysqlSource *source,
								   MysqlSnapshot *snapshot);
static bool open_under_table_locks(MysqlSource *source,
								   MysqlSnapshot *snapshot, List *tables);
static void open_with_window(MysqlSource *source, MysqlSnapshot *snapshot,
							 List *tables);
static void start_transaction(MysqlConn *conn);
static bool try_lock(MysqlSource *source, MysqlConn *conn, const char *sql);
static void give_way(int ms);
static char *head_of_log(MysqlSource *source, MysqlConn *conn);
static char *log_position_text(MysqlSource *source);
static bool is_bare(const MysqlSnapshot *snapshot, const SourceTable *table);
static void require_key(const SourceTable *table, const char *reason,
						char *hint);
static void hold_definition(MysqlSource *source, const SourceTable *table);
static void start_reading(MysqlSource *source, SourceTable *table,
						  const KeyRange *range);

char *
sdb_mysql_current_position(Source *base)
{
	MysqlSource *source = (MysqlSource *) base;
	MysqlConn  *conn = sdb_mysql_source_conn(source);

	if (source->is_mariadb)
		return log_position_text(source);
	if (try_lock(source, conn, "FLUSH TABLES WITH READ LOCK"))
	{
		sdb_mysql_conn_execute(conn, "UNLOCK TABLES");
		return log_position_text(source);
	}
	/* the snapshot may have to begin its window there */
	return head_of_log(source, conn);
}

void
sdb_mysql_snapshot_begin(Source *base, List *tables)
{
	MysqlSource *source = (MysqlSource *) base;
	MemoryContext context;
	MemoryContext old_context;
	MysqlSnapshot *snapshot;

	if (source->snapshot != NULL)
		sdb_mysql_snapshot_end(base);

	context = AllocSetContextCreate(source->base.context, "MySQL snapshot",
									ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(context);
	snapshot = palloc0(sizeof(MysqlSnapshot));
	snapshot->context = context;
	snapshot->row_context = AllocSetContextCreate(context, "MySQL row",
												  ALLOCSET_DEFAULT_SIZES);
	snapshot->table_context = AllocSetContextCreate(context, "MySQL table",
													ALLOCSET_DEFAULT_SIZES);
	source->snapshot = snapshot;

	find_bare_tables(source, snapshot, tables);
	sdb_mysql_conn_execute(sdb_mysql_source_conn(source),
						   "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
	if (source->is_mariadb)
		open_at_server(source, snapshot);
	else if (!open_under_global_lock(source, snapshot) &&
			 !open_under_table_locks(source, snapshot, tables))
		open_with_window(source, snapshot, tables);
	MemoryContextSwitchTo(old_context);
}

SourceResult
sdb_mysql_snapshot_next(Source *base, SourceTable *table,
						const KeyRange *range, SourceValue *row)
{
	MysqlSource *source = (MysqlSource *) base;
	MysqlSnapshot *snapshot = source->snapshot;
	MemoryContext old_context;
	const uint8 *data;
	Size		len;

	if (!snapshot->reading)
		start_reading(source, table, range);
	if (!sdb_mysql_conn_fetch_binary(source->conn, &data, &len))
	{
		snapshot->reading = false;
		if (is_bare(snapshot, table))
		{
			old_context = MemoryContextSwitchTo(snapshot->table_context);
			snapshot->bare_point.until = log_position_text(source);
			MemoryContextSwitchTo(old_context);
		}
		return SOURCE_END;
	}
	MemoryContextReset(snapshot->row_context);
	old_context = MemoryContextSwitchTo(snapshot->row_context);
	sdb_mysql_result_row(snapshot->plan, data, len, row);
	MemoryContextSwitchTo(old_context);
	return SOURCE_READY;
}

void
sdb_mysql_snapshot_point(Source *base, SourceTable *table,
						 SnapshotPoint *point)
{
	MysqlSnapshot *snapshot = ((MysqlSource *) base)->snapshot;

	*point = is_bare(snapshot, table) ? snapshot->bare_point : snapshot->point;
	point->from = pstrdup(point->from);
	if (point->until != NULL)
		point->until = pstrdup(point->until);
}

void
sdb_mysql_snapshot_end(Source *base)
{
	MysqlSource *source = (MysqlSource *) base;
	MysqlSnapshot *snapshot = source->snapshot;

	if (snapshot == NULL)
		return;
	/* the rest of a result is not worth reading */
	if (snapshot->reading)
		sdb_mysql_source_release(source);
	else
		sdb_mysql_conn_execute(sdb_mysql_source_conn(source), "COMMIT");
	source->snapshot = NULL;
	MemoryContextDelete(snapshot->context);
}

/* Which of these tables lie outside of every transaction? */
static void
find_bare_tables(MysqlSource *source, MysqlSnapshot *snapshot, List *tables)
{
	MysqlConn  *conn = sdb_mysql_source_conn(source);
	ListCell   *lc;
	char	  **row;

	/* engines that take part in START TRANSACTION WITH CONSISTENT SNAPSHOT */
	sdb_mysql_conn_query(conn,
						 psprintf("SELECT table_name FROM information_schema.tables"
								  " WHERE table_schema = %s"
								  " AND table_type <> 'VIEW' AND engine NOT IN"
								  " ('InnoDB', 'ROCKSDB', 'TokuDB')",
								  sdb_mysql_conn_literal(conn,
														 source->database)));
	while ((row = sdb_mysql_conn_fetch(conn, NULL)) != NULL)
		snapshot->bare = lappend(snapshot->bare,
								 sdb_table_make_id(source->database, NULL,
												   sdb_mysql_from_utf8(row[0])));

	foreach(lc, tables)
	{
		SourceTable *table = lfirst(lc);

		if (is_bare(snapshot, table))
			require_key(table, "its storage engine has no transactions",
						psprintf("ALTER TABLE %s ENGINE = InnoDB, or add a primary key.",
								 sdb_mysql_table_name(table)));
	}
}

static void
open_at_server(MysqlSource *source, MysqlSnapshot *snapshot)
{
	MysqlPosition *position =
		sdb_mysql_log_snapshot(source, sdb_mysql_source_conn(source),
							   start_transaction);

	snapshot->point.from = sdb_mysql_position_to_text(position);
}

static bool
open_under_global_lock(MysqlSource *source, MysqlSnapshot *snapshot)
{
	MysqlConn  *conn = sdb_mysql_source_conn(source);

	if (!try_lock(source, conn, "FLUSH TABLES WITH READ LOCK"))
		return false;
	start_transaction(conn);
	snapshot->point.from = log_position_text(source);
	sdb_mysql_conn_execute(conn, "UNLOCK TABLES");
	return true;
}

/* A lock by LOCK TABLES ends with START TRANSACTION, hence two connections. */
static bool
open_under_table_locks(MysqlSource *source, MysqlSnapshot *snapshot,
					   List *tables)
{
	MysqlConn  *conn = sdb_mysql_source_conn(source);
	MysqlConn  *locker;
	StringInfoData sql;
	ListCell   *lc;
	bool		locked;

	if (tables == NIL)
		return false;
	initStringInfo(&sql);
	foreach(lc, tables)
		appendStringInfo(&sql, "%s %s READ",
						 sql.len == 0 ? "LOCK TABLES" : ",",
						 sdb_mysql_table_name(lfirst(lc)));

	locker = sdb_mysql_source_connect(source);
	locked = try_lock(source, locker, sql.data);
	if (locked)
	{
		start_transaction(conn);
		snapshot->point.from = log_position_text(source);
	}
	sdb_mysql_conn_close(locker);
	return locked;
}

static void
open_with_window(MysqlSource *source, MysqlSnapshot *snapshot, List *tables)
{
	MysqlConn  *conn = sdb_mysql_source_conn(source);
	ListCell   *lc;

	foreach(lc, tables)
		require_key(lfirst(lc), "no lock may be taken to fix the position of its copy",
					psprintf("GRANT LOCK TABLES ON %s.* TO the user \"%s\", or add a primary key.",
							 sdb_mysql_conn_identifier(source->database),
							 source->options.user));
	snapshot->point.from = head_of_log(source, conn);
	start_transaction(conn);
	snapshot->point.until = log_position_text(source);
}

static void
start_transaction(MysqlConn *conn)
{
	sdb_mysql_conn_execute(conn,
						   "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
}

/* False if the user may not; an error if the lock is not granted in time. */
static bool
try_lock(MysqlSource *source, MysqlConn *conn, const char *sql)
{
	sdb_mysql_conn_execute(conn, psprintf("SET SESSION lock_wait_timeout = %d",
										  LOCK_WAIT_SECONDS));
	for (int attempt = 1; attempt <= LOCK_ATTEMPTS; attempt++)
	{
		int			code;

		if (attempt > 1)
			give_way((attempt - 1) * LOCK_PAUSE_MS);
		if (sdb_mysql_conn_try(conn, sql, &code))
			return true;
		if (code != SERVER_LOCK_WAIT_TIMEOUT)
			return false;
	}
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("could not lock tables at \"%s\" in %d attempts of %d s",
					source->base.address, LOCK_ATTEMPTS, LOCK_WAIT_SECONDS),
			 errdetail("A snapshot needs a read lock for a moment, and a statement or transaction that runs at the source holds it back."),
			 errhint("See SHOW PROCESSLIST at the source; start again when it has ended.")));
}

/* Let the source's writers go on. */
static void
give_way(int ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 ms, sdb_wait_event(WAIT_SOURCE));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static char *
head_of_log(MysqlSource *source, MysqlConn *conn)
{
	MysqlPosition *position = sdb_mysql_log_position(source, conn);

	position->pos = 4;
	position->gtids = NULL;
	return sdb_mysql_position_to_text(position);
}

static char *
log_position_text(MysqlSource *source)
{
	MysqlConn  *conn = sdb_mysql_source_conn(source);

	return sdb_mysql_position_to_text(sdb_mysql_log_position(source, conn));
}

static bool
is_bare(const MysqlSnapshot *snapshot, const SourceTable *table)
{
	ListCell   *lc;

	foreach(lc, snapshot->bare)
	{
		if (strcmp(lfirst(lc), table->id) == 0)
			return true;
	}
	return false;
}

/* A window needs a key, or changes inside it cannot be told apart. */
static void
require_key(const SourceTable *table, const char *reason, char *hint)
{
	if (table->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot copy table \"%s\", which has no primary key",
						table->id),
				 errdetail("There is no single position that its copy stands for: %s.",
						   reason),
				 errhint("%s", hint)));
}

/*
 * A table that a transaction has used is not altered until its end.  It may
 * have been before: columns that were renamed would be read as each other.
 */
static void
hold_definition(MysqlSource *source, const SourceTable *table)
{
	SourceTable *now;

	sdb_mysql_conn_execute(source->conn, psprintf("DO (SELECT 1 FROM %s LIMIT 0)",
												  sdb_mysql_table_name(table)));
	now = sdb_mysql_catalog_describe_one(source, table->name);
	if (now == NULL || !sdb_table_equal(now, table))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("table \"%s\" was altered at the source before it could be copied",
						table->id)));
}

static void
start_reading(MysqlSource *source, SourceTable *table, const KeyRange *range)
{
	MysqlSnapshot *snapshot = source->snapshot;
	MemoryContext old_context;
	StringInfoData sql;
	bool		is_unsigned;

	MemoryContextReset(snapshot->table_context);
	old_context = MemoryContextSwitchTo(snapshot->table_context);
	hold_definition(source, table);
	snapshot->plan = sdb_mysql_result_plan(table);
	if (is_bare(snapshot, table))
		snapshot->bare_point.from = log_position_text(source);

	initStringInfo(&sql);
	for (int i = 0; i < table->ncolumns; i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? "SELECT " : ", ",
						 sdb_mysql_conn_identifier(table->columns[i].name));
	appendStringInfo(&sql, " FROM %s", sdb_mysql_table_name(table));
	if (range != NULL)
		sdb_mysql_range_condition(&sql, table, range);
	sdb_mysql_conn_query_binary(source->conn, sql.data);
	snapshot->reading = true;
	for (int i = 0; i < table->ncolumns; i++)
	{
		int			type = sdb_mysql_conn_column_type(source->conn, i,
													  &is_unsigned);

		sdb_mysql_result_check(snapshot->plan, i, type, is_unsigned);
	}
	MemoryContextSwitchTo(old_context);
}

char *
sdb_mysql_table_name(const SourceTable *table)
{
	return psprintf("%s.%s", sdb_mysql_conn_identifier(table->catalog),
					sdb_mysql_conn_identifier(table->name));
}
