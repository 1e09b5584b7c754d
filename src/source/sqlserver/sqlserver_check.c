/*
 * sqlserver_check.c --- is the server set up for a connector?
 *
 * Each item reads one thing and says what was found and which statement mends
 * it.  Nothing is changed at the server.  What the user may not see is said,
 * and no reason to stop.
 */
#include "postgres.h"

#include "source/sqlserver/sqlserver_internal.h"

#define MINUTES_PER_DAY		1440

/* An idle database has an entry every five minutes. */
#define MAX_CAPTURE_LAG_S	900

/* Checking --- state of one check */
typedef struct Checking
{
	SqlServerSource *source;
	SqlServerConn *conn;
	char	   *use;			/* "USE [db];" for hints */
	char	   *user;			/* [user] for hints */
	List	   *items;
} Checking;

static void add_item(Checking *checking, const char *name, bool passed,
						   bool fatal, char *detail, char *hint);
static bool check_database(Checking *checking);
static void check_permissions(Checking *checking);
static void check_tables(Checking *checking);
static void check_table(Checking *checking, const char *schema,
						const char *table, bool is_tracked, bool may_select);
static void check_capture(Checking *checking);
static void check_jobs(Checking *checking);
static void check_job(Checking *checking, const char *type);
static void check_versions(Checking *checking);
static void check_lob_size(Checking *checking);

List *
sdb_sqlserver_check(Source *base)
{
	SqlServerSource *source = (SqlServerSource *) base;
	Checking	checking = {0};

	checking.source = source;
	checking.conn = sdb_sqlserver_source_conn(source);
	checking.use = psprintf("USE %s;",
							sdb_sqlserver_conn_identifier(source->database));
	checking.user = sdb_sqlserver_conn_identifier(source->options.user);

	if (check_database(&checking))
	{
		check_permissions(&checking);
		check_tables(&checking);
		check_capture(&checking);
		if (!source->is_azure && !source->is_secondary)
			check_jobs(&checking);
	}
	check_versions(&checking);
	if (!source->is_azure)
		check_lob_size(&checking);
	return checking.items;
}

static void
add_item(Checking *checking, const char *name, bool passed, bool fatal,
		 char *detail, char *hint)
{
	CheckItem  *item = palloc(sizeof(CheckItem));

	item->name = name;
	item->passed = passed;
	item->fatal = fatal;
	item->detail = detail;
	item->hint = passed ? NULL : hint;
	checking->items = lappend(checking->items, item);
}

static bool
check_database(Checking *checking)
{
	const char *database = checking->source->database;
	bool		enabled = false;

	sdb_sqlserver_conn_query(checking->conn,
							 "SELECT d.is_cdc_enabled FROM sys.databases d"
							 " WHERE d.name = DB_NAME()");
	while (sdb_sqlserver_conn_fetch(checking->conn))
		enabled = sdb_sqlserver_conn_int(checking->conn, 0) != 0;
	add_item(checking, "change data capture", enabled, true,
			 psprintf("Change data capture is %s on database \"%s\".",
					  enabled ? "enabled" : "not enabled", database),
			 psprintf("%s EXEC sys.sp_cdc_enable_db;", checking->use));
	return enabled;
}

static void
check_permissions(Checking *checking)
{
	bool		may_read = false;
	bool		may_see_log = false;
	const char *user = checking->source->options.user;

	sdb_sqlserver_conn_query(checking->conn,
							 "SELECT HAS_PERMS_BY_NAME(N'cdc', N'SCHEMA', N'SELECT'),"
							 " HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'VIEW DATABASE STATE')");
	while (sdb_sqlserver_conn_fetch(checking->conn))
	{
		may_read = sdb_sqlserver_conn_int(checking->conn, 0) == 1;
		may_see_log = sdb_sqlserver_conn_int(checking->conn, 1) == 1;
	}
	add_item(checking, "SELECT on schema cdc", may_read, true,
			 psprintf("User \"%s\" %s read the change tables.", user,
					  may_read ? "may" : "may not"),
			 psprintf("%s GRANT SELECT ON SCHEMA::cdc TO %s;", checking->use,
					  checking->user));
	add_item(checking, "VIEW DATABASE STATE", may_see_log, false,
			 may_see_log ?
			 psprintf("User \"%s\" may see the end of the log.", user) :
			 psprintf("User \"%s\" may not see the end of the log: a snapshot waits for the capture job, and tables without a primary key cannot be copied.",
					  user),
			 psprintf("%s GRANT VIEW DATABASE STATE TO %s;", checking->use,
					  checking->user));
}

/*
 * Tables that the list names must be captured; without a list those that are
 * not captured are left out.
 */
static void
check_tables(Checking *checking)
{
	SqlServerSource *source = checking->source;
	SqlServerConn *conn = checking->conn;
	bool		is_all = sdb_filter_is_all(source->options.filter);
	int			nuntracked = 0;

	sdb_sqlserver_conn_query(conn,
							 "SELECT s.name, t.name, t.is_tracked_by_cdc,"
							 " HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(t.name), N'OBJECT', N'SELECT')"
							 " FROM sys.tables t"
							 " JOIN sys.schemas s ON s.schema_id = t.schema_id"
							 " WHERE t.is_ms_shipped = 0 ORDER BY s.name, t.name");
	while (sdb_sqlserver_conn_fetch(conn))
	{
		char	   *schema = sdb_sqlserver_conn_text(conn, 0);
		char	   *table = sdb_sqlserver_conn_text(conn, 1);
		bool		is_tracked = sdb_sqlserver_conn_int(conn, 2) != 0;

		if (is_all && !is_tracked)
			nuntracked++;
		else if (sdb_sqlserver_source_captures(source, schema, table))
			check_table(checking, schema, table, is_tracked,
						sdb_sqlserver_conn_int(conn, 3) == 1);
	}
	if (nuntracked > 0)
		add_item(checking, "captured tables", false, false,
				 psprintf("%d tables of database \"%s\" have no change data capture and are left out.",
						  nuntracked, source->database),
				 psprintf("%s EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'...', @role_name = NULL; for each that shall be captured.",
						  checking->use));
}

static void
check_table(Checking *checking, const char *schema, const char *table,
			bool is_tracked, bool may_select)
{
	char	   *name = psprintf("%s.%s", sdb_sqlserver_conn_identifier(schema),
								sdb_sqlserver_conn_identifier(table));

	add_item(checking, "captured table", is_tracked, true,
			 psprintf("Change data capture is %s on table %s.",
					  is_tracked ? "enabled" : "not enabled", name),
			 psprintf("%s EXEC sys.sp_cdc_enable_table @source_schema = %s, @source_name = %s, @role_name = NULL;",
					  checking->use, sdb_sqlserver_conn_literal(schema),
					  sdb_sqlserver_conn_literal(table)));
	add_item(checking, "SELECT on table", may_select, true,
			 psprintf("User \"%s\" %s read table %s.",
					  checking->source->options.user,
					  may_select ? "may" : "may not", name),
			 psprintf("%s GRANT SELECT ON %s TO %s;", checking->use, name,
					  checking->user));
}

/* Is the capture job at work?  Azure captures without a job. */
static void
check_capture(Checking *checking)
{
	SqlServerConn *conn = checking->conn;
	bool		any = false;
	int64		lag_s = 0;
	int			number;
	char	   *hint;

	if (!sdb_sqlserver_conn_try_query(conn,
									  "SELECT DATEDIFF(second, MAX(m.tran_end_time), GETDATE())"
									  " FROM cdc.lsn_time_mapping m", &number))
		return;
	while (sdb_sqlserver_conn_fetch(conn))
	{
		int			len;

		any = sdb_sqlserver_conn_field(conn, 0, &len) != NULL;
		lag_s = sdb_sqlserver_conn_int(conn, 0);
	}
	hint = checking->source->is_azure ?
		psprintf("%s SELECT * FROM sys.dm_cdc_errors;", checking->use) :
		psprintf("Start the SQL Server Agent, then: %s EXEC sys.sp_cdc_start_job @job_type = N'capture';",
				 checking->use);
	add_item(checking, "capture job", any && lag_s <= MAX_CAPTURE_LAG_S, false,
			 any ?
			 psprintf("The capture job has come to %lld seconds before now.",
					  (long long) lag_s) :
			 psprintf("The capture job has captured nothing yet."), hint);
}

/* What the jobs are set to, where the user may see it. */
static void
check_jobs(Checking *checking)
{
	SqlServerConn *conn = checking->conn;
	int			number;
	bool		has_capture = false;
	bool		has_cleanup = false;

	if (!sdb_sqlserver_conn_try_query(conn, "EXEC sys.sp_cdc_help_jobs",
									  &number))
		return;
	while (sdb_sqlserver_conn_fetch(conn))
	{
		char	   *type = sdb_sqlserver_conn_text(conn, 1);
		int64		retention;

		if (type == NULL)
			continue;
		has_capture |= strcmp(type, "capture") == 0;
		if (strcmp(type, "cleanup") != 0)
			continue;
		has_cleanup = true;
		retention = sdb_sqlserver_conn_int(conn, 7);
		add_item(checking, "retention", retention >= MINUTES_PER_DAY, false,
				 psprintf("Changes are kept for %.1f hours; a connector that is stopped for longer needs a new snapshot.",
						  retention / 60.0),
				 psprintf("%s EXEC sys.sp_cdc_change_job @job_type = N'cleanup', @retention = 4320;",
						  checking->use));
	}
	if (!has_capture)
		check_job(checking, "capture");
	if (!has_cleanup)
		check_job(checking, "cleanup");
}

static void
check_job(Checking *checking, const char *type)
{
	add_item(checking, "job", false, false,
			 psprintf("The %s job of database \"%s\" does not exist.", type,
					  checking->source->database),
			 psprintf("%s EXEC sys.sp_cdc_add_job @job_type = N'%s';",
					  checking->use, type));
}

static void
check_versions(Checking *checking)
{
	SqlServerSource *source = checking->source;
	bool		allowed = source->has_snapshots || source->is_secondary;

	add_item(checking, "snapshot isolation", allowed, false,
			 allowed ?
			 psprintf("Tables are copied without locks.") :
			 psprintf("Database \"%s\" does not allow snapshot isolation: each table is locked against writers while it is copied.",
					  source->database),
			 psprintf("ALTER DATABASE %s SET ALLOW_SNAPSHOT_ISOLATION ON;",
					  sdb_sqlserver_conn_identifier(source->database)));
}

/* Larger values cannot be written to captured tables at all. */
static void
check_lob_size(Checking *checking)
{
	SqlServerConn *conn = checking->conn;
	int			number;
	int64		limit = -1;

	if (!sdb_sqlserver_conn_try_query(conn,
									  "SELECT CONVERT(int, c.value_in_use) FROM sys.configurations c"
									  " WHERE c.name = N'max text repl size (B)'",
									  &number))
		return;
	while (sdb_sqlserver_conn_fetch(conn))
		limit = sdb_sqlserver_conn_int(conn, 0);
	add_item(checking, "max text repl size", limit == -1, false,
			 limit == -1 ? psprintf("Values of any size can be captured.") :
			 psprintf("Statements that write a value of more than %lld bytes to a captured table fail at the source.",
					  (long long) limit),
			 "EXEC sp_configure N'max text repl size', -1; RECONFIGURE;");
}
