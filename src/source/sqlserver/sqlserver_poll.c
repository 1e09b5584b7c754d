/*
 * sqlserver_poll.c --- how far the log goes, and what in it concerns us
 *
 * The capture job copies changes from the transaction log to change tables
 * some seconds after they were made.  It commits the rows of a scan together
 * with one row in lsn_time_mapping for each source transaction, so whatever
 * stands there is complete in all change tables.  An idle database gets such
 * rows as well, every few minutes, for no transaction at all.
 *
 * So one look at that table bounds the next interval, and only if it names a
 * transaction are change tables asked, all of them in a few statements.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "source/sqlserver/sqlserver_log.h"

/* transactions in an interval, at most */
#define INTERVAL_TRANSACTIONS	1000

/* change tables that are looked at in one statement */
#define TABLES_PER_STATEMENT	100


static void query_capture(SqlServerStream *stream, const char *sql);
static void add_transaction(SqlServerStream *stream, SqlServerConn *conn,
							SqlServerLsn commit);
static void ask_tables(SqlServerStream *stream, LogTable **asked, int n,
					   List **active);

bool
sdb_sqlserver_poll(SqlServerStream *stream)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	bool		moved = false;

	MemoryContextReset(stream->interval_context);
	stream->transactions = NULL;
	stream->ntransactions = 0;
	stream->at_transaction = 0;

	query_capture(stream,
				  psprintf("SELECT TOP (%d) start_lsn, tran_id,"
						   " DATEDIFF(second, '20000101', tran_end_time),"
						   " DATEPART(millisecond, tran_end_time)"
						   " FROM cdc.lsn_time_mapping WHERE start_lsn > %s"
						   " ORDER BY start_lsn", INTERVAL_TRANSACTIONS,
						   sdb_sqlserver_lsn_literal(&stream->position)));
	while (sdb_sqlserver_conn_fetch(conn))
	{
		const uint8 *data;
		int			len;
		SqlServerLsn commit;

		data = sdb_sqlserver_conn_field(conn, 0, &len);
		commit = sdb_sqlserver_lsn_read(data, len, "start_lsn");
		moved = true;
		if (stream->has_turn &&
			sdb_sqlserver_lsn_compare(&commit, &stream->turn) >= 0)
		{
			stream->until = sdb_sqlserver_lsn_previous(stream->turn);
			sdb_sqlserver_conn_cancel(conn);
			break;
		}
		stream->until = commit;
		data = sdb_sqlserver_conn_field(conn, 1, &len);
		if (data != NULL && (len != 1 || data[0] != 0))
			add_transaction(stream, conn, commit);
	}
	if (!moved && stream->has_turn && stream->turn_scanned)
	{
		stream->until = sdb_sqlserver_lsn_previous(stream->turn);
		moved = true;
	}
	return moved;
}

bool
sdb_sqlserver_poll_instances(SqlServerStream *stream)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	SqlServerLsn next = sdb_sqlserver_lsn_next(stream->position);
	MemoryContext old_context;
	StringInfoData buf;
	char	   *newest;

	query_capture(stream,
				  psprintf("SELECT DATEPART(TZOFFSET, SYSDATETIMEOFFSET()),"
						   " COUNT(*), SUM(CONVERT(bigint, object_id)),"
						   " SUM(CASE WHEN start_lsn IS NULL THEN 1 ELSE 0 END),"
						   " SUM(CASE WHEN start_lsn > %s THEN 1 ELSE 0 END),"
						   " (SELECT COUNT(*) FROM cdc.ddl_history),"
						   " CONVERT(nvarchar(40), MAX(create_date), 126)"
						   " FROM cdc.change_tables",
						   sdb_sqlserver_lsn_literal(&next)));
	initStringInfo(&buf);
	while (sdb_sqlserver_conn_fetch(conn))
	{
		stream->utc_offset_s = (int) sdb_sqlserver_conn_int(conn, 0) * 60;
		for (int i = 1; i <= 5; i++)
			appendStringInfo(&buf, INT64_FORMAT " ",
							 sdb_sqlserver_conn_int(conn, i));
		newest = sdb_sqlserver_conn_text(conn, 6);
		appendStringInfoString(&buf, newest != NULL ? newest : "");
	}
	if (stream->fingerprint != NULL &&
		strcmp(stream->fingerprint, buf.data) == 0)
		return false;

	old_context = MemoryContextSwitchTo(stream->context);
	if (stream->fingerprint != NULL)
		pfree(stream->fingerprint);
	stream->fingerprint = pstrdup(buf.data);
	MemoryContextSwitchTo(old_context);
	return true;
}

List *
sdb_sqlserver_poll_tables(SqlServerStream *stream)
{
	LogTable  **asked = palloc_array(LogTable *, TABLES_PER_STATEMENT);
	List	   *active = NIL;
	ListCell   *lc;
	int			n = 0;

	if (stream->ntransactions == 0)
		return NIL;
	foreach(lc, stream->tables)
	{
		LogTable   *entry = lfirst(lc);

		if (entry->instance == NULL)
			continue;
		asked[n++] = entry;
		if (n == TABLES_PER_STATEMENT)
		{
			ask_tables(stream, asked, n, &active);
			n = 0;
		}
	}
	if (n > 0)
		ask_tables(stream, asked, n, &active);
	return active;
}

void
sdb_sqlserver_poll_check_cleanup(SqlServerStream *stream, LogTable *entry,
								 SqlServerLsn from)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);

	if (sdb_sqlserver_lsn_compare(&entry->point, &from) >= 0)
		from = sdb_sqlserver_lsn_next(entry->point);
	sdb_sqlserver_conn_query(conn,
							 psprintf("SELECT start_lsn FROM cdc.change_tables"
									  " WHERE object_id = %d",
									  entry->instance->object_id));
	while (sdb_sqlserver_conn_fetch(conn))
	{
		int			len;
		const uint8 *data = sdb_sqlserver_conn_field(conn, 0, &len);
		SqlServerLsn start;

		if (data == NULL)
			continue;
		start = sdb_sqlserver_lsn_read(data, len, "start_lsn");
		if (sdb_sqlserver_lsn_compare(&start, &from) > 0)
			sdb_sqlserver_tables_report_cleanup(stream, entry, &start);
	}
}

char *
sdb_sqlserver_current_position(Source *base)
{
	SqlServerSource *source = (SqlServerSource *) base;
	SqlServerConn *conn = sdb_sqlserver_source_conn(source);
	SqlServerLsn reached = {{0}};

	sdb_sqlserver_conn_query(conn,
							 "SELECT MAX(start_lsn) FROM cdc.lsn_time_mapping"
							 " UNION ALL SELECT MAX(start_lsn) FROM cdc.change_tables");
	while (sdb_sqlserver_conn_fetch(conn))
	{
		int			len;
		const uint8 *data = sdb_sqlserver_conn_field(conn, 0, &len);
		SqlServerLsn lsn;

		if (data == NULL)
			continue;
		lsn = sdb_sqlserver_lsn_read(data, len, "start_lsn");
		if (sdb_sqlserver_lsn_compare(&lsn, &reached) > 0)
			reached = lsn;
	}
	return sdb_sqlserver_position_to_text(&reached);
}

/* A query of tables that exist while the database has change data capture. */
static void
query_capture(SqlServerStream *stream, const char *sql)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	int			number;

	if (sdb_sqlserver_conn_try_query(conn, sql, &number))
		return;
	if (number != SQLSERVER_INVALID_OBJECT)
		sdb_sqlserver_conn_query(conn, sql);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("change data capture was disabled in database \"%s\"",
					stream->source->database),
			 errdetail("All changes that it had recorded are gone."),
			 errhint("EXEC sys.sp_cdc_enable_db, enable it for each table, and copy the tables again: restart the connector with snapshot mode \"always\".")));
}

static void
add_transaction(SqlServerStream *stream, SqlServerConn *conn,
				SqlServerLsn commit)
{
	LogTransaction *transaction;
	int64		seconds = sdb_sqlserver_conn_int(conn, 2);

	if (stream->transactions == NULL)
		stream->transactions =
			MemoryContextAlloc(stream->interval_context,
							   INTERVAL_TRANSACTIONS * sizeof(LogTransaction));
	transaction = &stream->transactions[stream->ntransactions++];
	transaction->commit = commit;
	transaction->time = (seconds - stream->utc_offset_s) * USECS_PER_SEC +
		sdb_sqlserver_conn_int(conn, 3) * 1000;
}

/* Which of these tables have rows in the interval? */
static void
ask_tables(SqlServerStream *stream, LogTable **asked, int n, List **active)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	char	   *from = sdb_sqlserver_lsn_literal(&stream->position);
	char	   *until = sdb_sqlserver_lsn_literal(&stream->until);
	StringInfoData buf;
	int			number;

	initStringInfo(&buf);
	for (int i = 0; i < n; i++)
	{
		const LogInstance *instance = asked[i]->instance;

		appendStringInfo(&buf, "%sSELECT %d WHERE EXISTS (SELECT * FROM %s"
						 " WHERE [__$start_lsn] > %s AND [__$start_lsn] <= %s)",
						 i > 0 ? " UNION ALL " : "", i,
						 sdb_sqlserver_instances_change_table(instance),
						 from, until);
	}
	if (!sdb_sqlserver_conn_try_query(conn, buf.data, &number))
	{
		if (number != SQLSERVER_INVALID_OBJECT)
			sdb_sqlserver_conn_query(conn, buf.data);
		stream->fingerprint = NULL; /* one of them is gone: look again */
		return;
	}
	while (sdb_sqlserver_conn_fetch(conn))
	{
		int			i = (int) sdb_sqlserver_conn_int(conn, 0);

		if (i >= 0 && i < n)
			*active = lappend(*active, asked[i]);
	}
}
