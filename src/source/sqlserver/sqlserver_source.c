/*
 * sqlserver_source.c --- the SQL Server source: opening it, its routine
 *
 * A SqlServerSource holds one connection for queries and snapshots; a stream
 * opens its own and closes this one, since a stream lasts for months and asks
 * next to nothing.
 *
 * The login goes into the database, and statements name tables by schema and
 * name only: Azure SQL Database knows no other way.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "source/sqlserver/sqlserver_internal.h"
#include "source/sqlserver/sqlserver_source.h"

/* What may follow the host, as in connection strings of other clients */
#define READ_ONLY_INTENT ";ApplicationIntent=ReadOnly"

#define EDITION_AZURE_DATABASE	5

static Source *open_source(const SourceOptions *options);
static void find_server(SqlServerSource *source);

const SourceRoutine sdb_sqlserver_source = {
	.name = "sqlserver",
	.serves = "SQL Server",
	.types = sdb_sqlserver_source_types,
	.open = open_source,
	.check = sdb_sqlserver_check,
	.describe = sdb_sqlserver_catalog_describe,
	.current_position = sdb_sqlserver_current_position,
	.snapshot_begin = sdb_sqlserver_snapshot_begin,
	.split_table = sdb_sqlserver_split_table,
	.snapshot_next = sdb_sqlserver_snapshot_next,
	.snapshot_point = sdb_sqlserver_snapshot_point,
	.snapshot_end = sdb_sqlserver_snapshot_end,
	.stream_begin = sdb_sqlserver_stream_begin,
	.stream_next = sdb_sqlserver_stream_next,
	.stream_wait = sdb_sqlserver_stream_wait,
	.stream_position = sdb_sqlserver_stream_position,
	.position_covers = sdb_sqlserver_position_covers,
	.position_check = sdb_sqlserver_position_check
};

static const SqlServerTls tls_modes[] = {
	[TLS_DISABLED] = SQLSERVER_TLS_OFF,
	[TLS_PREFERRED] = SQLSERVER_TLS_TRY,
	[TLS_REQUIRED] = SQLSERVER_TLS_REQUIRE,
	[TLS_VERIFY_CA] = SQLSERVER_TLS_VERIFY_CA,
	[TLS_VERIFY_IDENTITY] = SQLSERVER_TLS_VERIFY_HOST
};

static Source *
open_source(const SourceOptions *options)
{
	MemoryContext context;
	MemoryContext old_context;
	SqlServerSource *source;

	if (options->database == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no source database was given for connector \"%s\"",
						options->connector),
				 errhint("A SQL Server connector captures tables of one database; name it in synchdb_add_conninfo.")));

	context = AllocSetContextCreate(CurrentMemoryContext, "SQL Server source",
									ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(context);
	source = palloc0(sizeof(SqlServerSource));
	source->base.routine = &sdb_sqlserver_source;
	source->base.context = context;
	source->base.address = psprintf("%s:%d", options->host, options->port);
	sdb_source_copy_options(&source->options, options);
	source->conn = sdb_sqlserver_source_connect(source);
	source->base.address = pstrdup(sdb_sqlserver_conn_address(source->conn));
	find_server(source);
	MemoryContextSwitchTo(old_context);
	return &source->base;
}

SqlServerConn *
sdb_sqlserver_source_connect(SqlServerSource *source)
{
	const SourceOptions *from = &source->options;
	SqlServerConnOptions options;
	const char *semicolon = strchr(from->host, ';');

	options.hosts = from->host;
	options.read_only = false;
	if (semicolon != NULL &&
		pg_strcasecmp(semicolon, READ_ONLY_INTENT) == 0)
	{
		options.hosts = pnstrdup(from->host, semicolon - from->host);
		options.read_only = true;
	}
	options.port = from->port;
	options.user = from->user;
	options.password = from->password;
	options.database = from->database;
	options.tls = tls_modes[from->tls_mode];
	options.tls_ca = from->tls_truststore;
	options.connect_timeout_ms = from->connect_timeout_ms;
	options.query_timeout_ms = from->query_timeout_ms;
	return sdb_sqlserver_conn_open(&options);
}

SqlServerConn *
sdb_sqlserver_source_conn(SqlServerSource *source)
{
	if (source->conn == NULL)
	{
		MemoryContext old_context;

		old_context = MemoryContextSwitchTo(source->base.context);
		source->conn = sdb_sqlserver_source_connect(source);
		MemoryContextSwitchTo(old_context);
	}
	return source->conn;
}

void
sdb_sqlserver_source_release(SqlServerSource *source)
{
	sdb_sqlserver_conn_close(source->conn);
	source->conn = NULL;
}

bool
sdb_sqlserver_source_captures(const SqlServerSource *source,
							  const char *schema, const char *table)
{
	return sdb_filter_matches(source->options.filter, source->database,
							  schema, table);
}

char *
sdb_sqlserver_table_name(const SourceTable *table)
{
	return psprintf("%s.%s", sdb_sqlserver_conn_identifier(table->schema),
					sdb_sqlserver_conn_identifier(table->name));
}

/* What kind of server it is, and how it spells the database's name. */
static void
find_server(SqlServerSource *source)
{
	SqlServerConn *conn = source->conn;
	char	   *version;

	version = sdb_sqlserver_conn_scalar(conn,
										"SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion'))");
	source->version = version != NULL ? atoi(version) : 0;

	sdb_sqlserver_conn_query(conn,
							 "SELECT d.name, d.snapshot_isolation_state,"
							 " CONVERT(int, SERVERPROPERTY('EngineEdition')),"
							 " CONVERT(nvarchar(128), DATABASEPROPERTYEX(d.name, 'Updateability'))"
							 " FROM sys.databases d WHERE d.name = DB_NAME()");
	while (sdb_sqlserver_conn_fetch(conn))
	{
		char	   *updateability = sdb_sqlserver_conn_text(conn, 3);

		source->database = sdb_sqlserver_conn_text(conn, 0);
		source->has_snapshots = sdb_sqlserver_conn_int(conn, 1) == 1;
		source->is_azure =
			sdb_sqlserver_conn_int(conn, 2) == EDITION_AZURE_DATABASE;
		source->is_secondary = updateability != NULL &&
			strcmp(updateability, "READ_ONLY") == 0;
	}
	if (source->database == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CATALOG_NAME),
				 errmsg("database \"%s\" does not exist at \"%s\"",
						source->options.database, source->base.address)));
}
