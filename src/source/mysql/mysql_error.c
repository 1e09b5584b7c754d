/*
 * mysql_error.c --- errors of a MySQL or MariaDB server and of its client
 * library: their SQLSTATE here, and what to do about them
 */
#include "postgres.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>

#include "source/mysql/mysql_error.h"
#include "util/charset_backend.h"

/* server errors that the library's headers do not name */
#define SERVER_ERROR_DUMP_FAILED	1236	/* all that can go wrong with one */
#define SERVER_ERROR_SAME_ID		4052	/* MariaDB; MySQL has it in 1236 */

/* MysqlError --- SQLSTATE for an error code of the server or the library */
typedef struct MysqlError
{
	int			code;
	int			sqlstate;
} MysqlError;

static const MysqlError mysql_errors[] = {
	{CR_SERVER_GONE_ERROR, ERRCODE_CONNECTION_FAILURE},
	{CR_SERVER_LOST, ERRCODE_CONNECTION_FAILURE},
	{CR_MALFORMED_PACKET, ERRCODE_PROTOCOL_VIOLATION},
	{CR_COMMANDS_OUT_OF_SYNC, ERRCODE_PROTOCOL_VIOLATION},
	{CR_NET_PACKET_TOO_LARGE, ERRCODE_PROGRAM_LIMIT_EXCEEDED},
	{CR_OUT_OF_MEMORY, ERRCODE_OUT_OF_MEMORY},
	{ER_SERVER_SHUTDOWN, ERRCODE_CONNECTION_FAILURE},
	{ER_NORMAL_SHUTDOWN, ERRCODE_CONNECTION_FAILURE},
	{ER_CONNECTION_KILLED, ERRCODE_CONNECTION_FAILURE},
	{ER_NEW_ABORTING_CONNECTION, ERRCODE_CONNECTION_FAILURE},
	{ER_ABORTING_CONNECTION, ERRCODE_CONNECTION_FAILURE},
	{ER_ACCESS_DENIED_ERROR, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{ER_DBACCESS_DENIED_ERROR, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{ER_HOST_NOT_PRIVILEGED, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{ER_HOST_IS_BLOCKED, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{ER_ACCESS_DENIED_NO_PASSWORD_ERROR, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{ER_MUST_CHANGE_PASSWORD, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{ER_MUST_CHANGE_PASSWORD_LOGIN, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{CR_AUTH_PLUGIN_CANNOT_LOAD, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{CR_AUTH_PLUGIN_ERR, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{CR_PLUGIN_NOT_ALLOWED, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{ER_BAD_DB_ERROR, ERRCODE_INVALID_CATALOG_NAME},
	{ER_TABLEACCESS_DENIED_ERROR, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{ER_COLUMNACCESS_DENIED_ERROR, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{ER_SPECIFIC_ACCESS_DENIED_ERROR, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{ER_NO_SUCH_TABLE, ERRCODE_T_R_SERIALIZATION_FAILURE},
	{ER_BAD_FIELD_ERROR, ERRCODE_T_R_SERIALIZATION_FAILURE},
	{ER_LOCK_WAIT_TIMEOUT, ERRCODE_LOCK_NOT_AVAILABLE},
	{ER_TABLE_DEF_CHANGED, ERRCODE_T_R_SERIALIZATION_FAILURE},
	{ER_LOCK_DEADLOCK, ERRCODE_T_R_DEADLOCK_DETECTED},
	{ER_QUERY_INTERRUPTED, ERRCODE_QUERY_CANCELED},
	{SERVER_ERROR_DUMP_FAILED, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE},
	{0, 0}
};

static int	sqlstate_of(struct st_mysql *mysql);
pg_noreturn static void raise_unconnected(struct st_mysql *mysql,
										  const char *address);
static const char *login_hint(int code);
static const char *dump_hint(struct st_mysql *mysql);

bool
sdb_mysql_error_is_same_id(struct st_mysql *mysql)
{
	int			code = (int) mysql_errno(mysql);
	const char *message = mysql_error(mysql);

	return code == SERVER_ERROR_SAME_ID ||
		(code == SERVER_ERROR_DUMP_FAILED &&
		 strstr(message, "with the same server") != NULL);
}

void
sdb_mysql_error_raise(struct st_mysql *mysql, const char *address,
					  bool connected, const char *statement)
{
	int			code = (int) mysql_errno(mysql);
	const char *message = sdb_charset_printable(mysql_error(mysql));
	const char *hint = dump_hint(mysql);
	int			sqlstate = sqlstate_of(mysql);

	if (!connected)
		raise_unconnected(mysql, address);
	ereport(ERROR,
			(errcode(sqlstate),
			 sqlstate == ERRCODE_CONNECTION_FAILURE ?
			 errmsg("lost the connection to \"%s\": %s", address, message) :
			 errmsg("error from \"%s\": %s", address, message),
			 statement != NULL ?
			 errdetail("Error %d, SQLSTATE %s. Statement: %.500s", code,
					   mysql_sqlstate(mysql), statement) :
			 errdetail("Error %d, SQLSTATE %s.", code, mysql_sqlstate(mysql)),
			 hint != NULL ? errhint("%s", hint) : 0));
}

static int
sqlstate_of(struct st_mysql *mysql)
{
	int			code = (int) mysql_errno(mysql);

	if (sdb_mysql_error_is_same_id(mysql))
		return ERRCODE_CONNECTION_FAILURE;
	for (const MysqlError *e = mysql_errors; e->code != 0; e++)
	{
		if (e->code == code)
			return e->sqlstate;
	}
	return ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
}

/* What has no class of its own says that there is no connection. */
static void
raise_unconnected(struct st_mysql *mysql, const char *address)
{
	int			code = (int) mysql_errno(mysql);
	int			sqlstate = sqlstate_of(mysql);

	if (sqlstate != ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION &&
		sqlstate != ERRCODE_INVALID_CATALOG_NAME)
		sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("could not connect to \"%s\": %s", address,
					sdb_charset_printable(mysql_error(mysql))),
			 errdetail("Error %d, SQLSTATE %s.", code, mysql_sqlstate(mysql)),
			 login_hint(code) ? errhint("%s", login_hint(code)) : 0));
}

/* NULL if the message says it all. */
static const char *
login_hint(int code)
{
	switch (code)
	{
		case ER_ACCESS_DENIED_ERROR:
		case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
			return "Check the user, and from which hosts it may log in; synchdb_set_password() stores another password.";
		case ER_DBACCESS_DENIED_ERROR:
			return "Check the connector's source database, or grant the user SELECT on it.";
		case ER_BAD_DB_ERROR:
			return "Create the database at the source, or correct the connector's source database.";
		case CR_CONNECTION_ERROR:
		case CR_CONN_HOST_ERROR:
		case CR_SERVER_LOST:
		case CR_UNKNOWN_HOST:
			return "Check host and port, that the server listens there, and that no firewall is between.";
		default:
			return NULL;
	}
}

/* NULL if the error is not one of a dump. */
static const char *
dump_hint(struct st_mysql *mysql)
{
	if (sdb_mysql_error_is_same_id(mysql))
		return "The connector goes on with another server id. If this PostgreSQL server was copied, the same connector runs in both: stop it in one of them.";
	if (mysql_errno(mysql) == SERVER_ERROR_DUMP_FAILED)
		return "The source may have purged that part of its binary log, or reset it. Take a new snapshot with mode \"always\" or \"when_needed\", and keep the binary log longer (binlog_expire_logs_seconds, expire_logs_days).";
	return NULL;
}
