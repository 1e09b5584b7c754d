/*
 * mysql_source.c --- the MySQL and MariaDB source: opening it, its routine
 *
 * A MysqlSource holds one connection for queries and snapshots; a stream
 * opens its own and closes this one, since a stream lasts for months and
 * asks next to nothing.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "source/hosts.h"
#include "source/mysql/mysql_failover.h"
#include "source/mysql/mysql_source.h"

static Source *open_source(const SourceOptions *options);
static void connect_to_any(MysqlSource *source);
static bool try_to_connect(MysqlSource *source, bool is_last);
static void find_database(MysqlSource *source);

const SourceRoutine sdb_mysql_source = {
	.name = "mysql",
	.serves = "MySQL and MariaDB",
	.types = sdb_mysql_source_types,
	.open = open_source,
	.check = sdb_mysql_check,
	.describe = sdb_mysql_catalog_describe,
	.current_position = sdb_mysql_current_position,
	.snapshot_begin = sdb_mysql_snapshot_begin,
	.split_table = sdb_mysql_split_table,
	.snapshot_next = sdb_mysql_snapshot_next,
	.snapshot_point = sdb_mysql_snapshot_point,
	.snapshot_end = sdb_mysql_snapshot_end,
	.stream_begin = sdb_mysql_stream_begin,
	.stream_next = sdb_mysql_stream_next,
	.stream_wait = sdb_mysql_stream_wait,
	.stream_position = sdb_mysql_stream_position,
	.position_covers = sdb_mysql_position_covers,
	.position_check = sdb_mysql_position_check
};

/* What every session needs to see exact values and to be left alone. */
static const char *const session_settings[] = {
	"SET NAMES utf8mb4",
	"SET SESSION time_zone = '+00:00', sql_mode = '', autocommit = 1,"
	" net_write_timeout = 28800, net_read_timeout = 28800,"
	" wait_timeout = 28800"
};

static Source *
open_source(const SourceOptions *options)
{
	MemoryContext context;
	MemoryContext old_context;
	MysqlSource *source;

	if (options->database == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no source database was given for connector \"%s\"",
						options->connector),
				 errhint("A MySQL connector captures tables of one database; name it in synchdb_add_conninfo.")));

	context = AllocSetContextCreate(CurrentMemoryContext, "MySQL source",
									ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(context);
	source = palloc0(sizeof(MysqlSource));
	source->base.routine = &sdb_mysql_source;
	source->base.context = context;
	sdb_source_copy_options(&source->options, options);
	connect_to_any(source);
	source->is_mariadb = sdb_mysql_conn_is_mariadb(source->conn);
	source->version = sdb_mysql_conn_version(source->conn);
	source->server = sdb_mysql_server_name(source->is_mariadb, source->conn);
	find_database(source);
	MemoryContextSwitchTo(old_context);
	return &source->base;
}

/*
 * Connect to the first host that can be reached.  From then on it is the only
 * one: what follows must see one server.
 */
static void
connect_to_any(MysqlSource *source)
{
	List	   *hosts = sdb_hosts_parse(source->options.host,
										source->options.port);
	ListCell   *cell;

	foreach(cell, hosts)
	{
		const SourceHost *host = lfirst(cell);
		bool		is_last = lnext(hosts, cell) == NULL;

		source->options.host = host->name;
		source->options.port = host->port;
		source->base.address = psprintf("%s:%d", host->name, host->port);
		if (try_to_connect(source, is_last))
			return;
	}
}

/* An error unless there are other hosts and this one cannot be reached. */
static bool
try_to_connect(MysqlSource *source, bool is_last)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext attempt = AllocSetContextCreate(context, "MySQL connect",
												  ALLOCSET_SMALL_SIZES);

	MemoryContextSwitchTo(attempt);
	PG_TRY();
	{
		source->conn = sdb_mysql_source_connect(source);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (is_last || ERRCODE_TO_CATEGORY(error->sqlerrcode) !=
			ERRCODE_CONNECTION_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		ereport(LOG,
				(errmsg("connector \"%s\" tries its next host: %s",
						source->options.connector, error->message)));
		MemoryContextDelete(attempt);
		source->conn = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return source->conn != NULL;
}

MysqlConn *
sdb_mysql_source_connect(MysqlSource *source)
{
	const SourceOptions *from = &source->options;
	MysqlConnOptions options;
	MysqlConn  *conn;
	Size		i;
	int			code;

	options.host = from->host;
	options.port = from->port;
	options.user = from->user;
	options.password = from->password;
	options.database = from->database;
	options.tls_try = from->tls_mode != TLS_DISABLED;
	options.tls_require = from->tls_mode >= TLS_REQUIRED;
	options.tls_verify_ca = from->tls_mode >= TLS_VERIFY_CA;
	options.tls_verify_host = from->tls_mode == TLS_VERIFY_IDENTITY;
	options.tls_cert = from->tls_keystore;
	options.tls_cert_password = from->tls_keystore_password;
	options.tls_ca = from->tls_truststore;
	options.connect_timeout_ms = from->connect_timeout_ms;
	options.query_timeout_ms = from->query_timeout_ms;

	conn = sdb_mysql_conn_open(&options);
	for (i = 0; i < lengthof(session_settings); i++)
		sdb_mysql_conn_execute(conn, session_settings[i]);
	/* else tables might show what they were at some time */
	if (sdb_mysql_conn_is_mariadb(conn))
		sdb_mysql_conn_execute(conn,
							   "SET SESSION system_versioning_asof = DEFAULT");
	/* servers may cut long reads short; not all know the setting */
	(void) sdb_mysql_conn_try(conn,
							  sdb_mysql_conn_is_mariadb(conn) ?
							  "SET SESSION max_statement_time = 0" :
							  "SET SESSION max_execution_time = 0", &code);
	return conn;
}

MysqlConn *
sdb_mysql_source_conn(MysqlSource *source)
{
	if (source->conn == NULL)
	{
		MemoryContext old_context = MemoryContextSwitchTo(source->base.context);

		source->conn = sdb_mysql_source_connect(source);
		MemoryContextSwitchTo(old_context);
	}
	return source->conn;
}

void
sdb_mysql_source_release(MysqlSource *source)
{
	sdb_mysql_conn_close(source->conn);
	source->conn = NULL;
}

bool
sdb_mysql_source_same_name(const MysqlSource *source, const char *a,
						   const char *b)
{
	if (source->ignores_case)
		return pg_strcasecmp(a, b) == 0;
	return strcmp(a, b) == 0;
}

bool
sdb_mysql_source_captures(const MysqlSource *source, const char *database,
						  const char *table)
{
	return sdb_mysql_source_same_name(source, database, source->database) &&
		sdb_filter_matches(source->options.filter, source->database, NULL,
						   table);
}

char *
sdb_mysql_from_utf8(const char *text)
{
	return pg_any_to_server(unconstify(char *, text), strlen(text), PG_UTF8);
}

/* How the server compares names, and spells the database's. */
static void
find_database(MysqlSource *source)
{
	char	   *mode;

	mode = sdb_mysql_conn_scalar(source->conn,
								 "SELECT @@lower_case_table_names");
	source->ignores_case = mode != NULL && strcmp(mode, "0") != 0;
	source->database = sdb_mysql_conn_scalar(source->conn,
											 "SELECT DATABASE()");
	if (source->database == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CATALOG_NAME),
				 errmsg("database \"%s\" does not exist at \"%s\"",
						source->options.database, source->base.address)));
}
