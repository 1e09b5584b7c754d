/*
 * sqlserver_error.c --- errors of the server and of the client library
 *
 * The library reports both through two handlers of the whole process.  They
 * only note down what they are told; each call clears the note first and looks
 * at it afterwards.  Nothing is raised inside a handler, since the library
 * must not be left by a jump.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "source/sqlserver/sqlserver_dblib.h"
#include "util/charset_backend.h"

/* Errors up to this severity are messages that nobody asked for. */
#define MAX_INFO_SEVERITY	10

/* of the library: text could not be converted, whole or in part */
#define FIRST_ERROR_ICONV	2400
#define LAST_ERROR_ICONV	2404

#define ERROR_LOGIN_FAILED	18456
#define ERROR_NO_DATABASE	4060

/* ErrorClass --- SQLSTATE for an error number of the server */
typedef struct ErrorClass
{
	int			number;
	int			sqlstate;
} ErrorClass;

static const ErrorClass error_classes[] = {
	{SQLSERVER_INVALID_COLUMN, ERRCODE_UNDEFINED_COLUMN},
	{SQLSERVER_INVALID_OBJECT, ERRCODE_UNDEFINED_TABLE},
	{SQLSERVER_NO_PERMISSION, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{SQLSERVER_NO_COLUMN_PERMISSION, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{262, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{297, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{300, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{371, ERRCODE_INSUFFICIENT_PRIVILEGE},
	{596, ERRCODE_CONNECTION_FAILURE},	/* session killed */
	{601, ERRCODE_T_R_SERIALIZATION_FAILURE},	/* data movement */
	{916, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{SQLSERVER_DEADLOCK, ERRCODE_T_R_DEADLOCK_DETECTED},
	{SQLSERVER_LOCK_TIMEOUT, ERRCODE_T_R_SERIALIZATION_FAILURE},
	{3952, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE},	/* no snapshots */
	{3960, ERRCODE_T_R_SERIALIZATION_FAILURE},
	{3961, ERRCODE_T_R_SERIALIZATION_FAILURE},	/* DDL under a snapshot */
	{ERROR_NO_DATABASE, ERRCODE_INVALID_CATALOG_NAME},
	{4064, ERRCODE_INVALID_CATALOG_NAME},
	{6005, ERRCODE_CONNECTION_FAILURE}, /* shutdown */
	{10928, ERRCODE_CONNECTION_FAILURE},	/* Azure: limits, failover */
	{10929, ERRCODE_CONNECTION_FAILURE},
	{18401, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION},
	{18452, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{ERROR_LOGIN_FAILED, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{18470, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{18486, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{18487, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{18488, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{40197, ERRCODE_CONNECTION_FAILURE},
	{40501, ERRCODE_CONNECTION_FAILURE},
	{40613, ERRCODE_CONNECTION_FAILURE},
	{49918, ERRCODE_CONNECTION_FAILURE},
	{49919, ERRCODE_CONNECTION_FAILURE},
	{49920, ERRCODE_CONNECTION_FAILURE},
	{0, 0}
};

/* The library's texts name another product, and a section of its file */
static const struct
{
	int			number;
	const char *text;
}			client_reasons[] = {
	{SYBEFCON, "the login failed"},
	{SYBETIME, "timeout"},
	{SYBEUHST, "unknown host"},
	{SYBESEOF, "the server closed the connection"},
	{SYBEBTOK, "malformed answer"},
	{SYBESYNC, "malformed answer"},
};

SqlServerNoted sdb_sqlserver_noted;

static SqlServerNoted *const noted = &sdb_sqlserver_noted;

static int	handle_error(DBPROCESS *process, int severity, int number,
						 int os_error, char *message, char *os_message);
static int	handle_message(DBPROCESS *process, DBINT number, int state,
						   int severity, char *text, char *server,
						   char *procedure, int line);
static char *client_reason(void);

void
sdb_sqlserver_error_clear(void)
{
	memset(noted, 0, sizeof(*noted));
	dberrhandle(handle_error);
	dbmsghandle(handle_message);
}

int
sdb_sqlserver_error_class(int number)
{
	const ErrorClass *class;

	for (class = error_classes; class->number != 0; class++)
	{
		if (class->number == number)
			return class->sqlstate;
	}
	return ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
}

bool
sdb_sqlserver_conn_is_denial(int number)
{
	return sdb_sqlserver_error_class(number) ==
		ERRCODE_INSUFFICIENT_PRIVILEGE;
}

void
sdb_sqlserver_error_login(const SqlServerConnOptions *options,
						  const char *address)
{
	int			sqlstate = sdb_sqlserver_error_class(noted->number);

	if (noted->number != 0)
	{
		/* what has no class of its own says that there is no connection */
		if (sqlstate != ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION &&
			sqlstate != ERRCODE_INVALID_CATALOG_NAME)
			sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("could not connect to \"%s\": %s", address,
						sdb_charset_printable(noted->message)),
				 errdetail("Error %d, severity %d, state %d.", noted->number,
						   noted->severity, noted->state),
				 sqlstate == ERRCODE_INVALID_CATALOG_NAME ?
				 errhint("Create the database at the source, correct the connector's source database, or let the login in: CREATE USER ... FOR LOGIN ...;") : 0));
	}
	ereport(ERROR,
			(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
			 errmsg("could not connect to \"%s\": %s", address,
					client_reason()),
			 errdetail("Error %d of the client library.",
					   noted->client_number),
			 options->tls >= SQLSERVER_TLS_VERIFY_CA ?
			 errhint("Check that a SQL Server listens there, that its certificate is signed by an authority in the truststore, and that it names this host if the TLS mode is \"verify_identity\".") :
			 options->tls == SQLSERVER_TLS_REQUIRE ?
			 errhint("Check that a SQL Server listens there and offers TLS.") :
			 errhint("Check that a SQL Server listens there.")));
}

void
sdb_sqlserver_conn_report(SqlServerConn *conn)
{
	const char *statement = conn->statement;
	bool		dead = DBDEAD(conn->process);
	int			sqlstate = sdb_sqlserver_error_class(noted->number);

	conn->nfields = 0;
	if (noted->number == 0)
	{
		conn->broken = dead;
		ereport(ERROR,
				(errcode(dead ? ERRCODE_CONNECTION_FAILURE :
						 ERRCODE_PROTOCOL_VIOLATION),
				 dead ? errmsg("lost the connection to \"%s\": %s",
							   conn->address, client_reason()) :
				 errmsg("unexpected answer from \"%s\": %s", conn->address,
						client_reason()),
				 statement != NULL ?
				 errdetail("Error %d of the client library. Statement: %.500s",
						   noted->client_number, statement) :
				 errdetail("Error %d of the client library.",
						   noted->client_number)));
	}

	if (dead)
	{
		conn->broken = true;
		sqlstate = ERRCODE_CONNECTION_FAILURE;
	}
	ereport(ERROR,
			(errcode(sqlstate),
			 sqlstate == ERRCODE_CONNECTION_FAILURE ?
			 errmsg("lost the connection to \"%s\": %s", conn->address,
					sdb_charset_printable(noted->message)) :
			 errmsg("error from \"%s\": %s", conn->address,
					sdb_charset_printable(noted->message)),
			 errdetail("Error %d, severity %d, state %d. Statement: %.500s",
					   noted->number, noted->severity, noted->state,
					   statement ? statement : "none")));
}

/* The library's handler of its own errors; any other result may abort. */
static int
handle_error(DBPROCESS *process, int severity, int number, int os_error,
			 char *message, char *os_message)
{
	if (number >= FIRST_ERROR_ICONV && number <= LAST_ERROR_ICONV)
		noted->damaged = true;
	else if (number != SYBESMSG && noted->client_number == 0)
	{
		noted->client_number = number;
		noted->os_error = os_error;
		strlcpy(noted->client_message, message ? message : "",
				sizeof(noted->client_message));
	}
	return INT_CANCEL;
}

/* The library's handler of what the server says. */
static int
handle_message(DBPROCESS *process, DBINT number, int state, int severity,
			   char *text, char *server, char *procedure, int line)
{
	if (severity > MAX_INFO_SEVERITY && noted->number == 0)
	{
		noted->number = number;
		noted->severity = severity;
		noted->state = state;
		strlcpy(noted->message, text ? text : "", sizeof(noted->message));
	}
	return 0;
}

/* What the library's error means, in words of ours where we have them */
static char *
client_reason(void)
{
	for (int i = 0; i < lengthof(client_reasons); i++)
	{
		if (client_reasons[i].number == noted->client_number)
			return pstrdup(client_reasons[i].text);
	}
	if (noted->os_error > 0 && (noted->client_number == SYBECONN ||
							   noted->client_number == SYBEREAD ||
							   noted->client_number == SYBEWRIT))
		return pstrdup(strerror(noted->os_error));
	return sdb_charset_printable(noted->client_message);
}
