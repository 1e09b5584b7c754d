/*
 * sqlserver_conn.c --- one connection to a SQL Server
 *
 * Everything goes through db-lib of FreeTDS, which this file and its two
 * neighbours, sqlserver_login.c and sqlserver_error.c, are the only ones to
 * see.
 *
 * Waiting for the answer to a batch is done here, on latch and socket.  Where
 * the library waits by itself, between rows, it asks once a second, and
 * whenever a signal arrives, whether to go on; a wait that is ended so closes
 * the socket.
 *
 * States of a connection: idle; in a result (conn->nfields > 0); broken, where
 * only closing is left.
 *
 * Memory: a SqlServerConn is its own memory context, with a reset callback
 * that closes the socket.  The row last fetched is the library's.
 *
 * Known limits: resolving the host's name, connecting and logging in block, at
 * most for the connect timeout.  Why TLS failed is not told.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "source/sqlserver/sqlserver_dblib.h"
#include "util/wait_event.h"

/* types that the library passes on without a name of its own */
#define TDS_UNIQUEIDENTIFIER	36
#define TDS_UDT					240
#define TDS_XML					241

/* What each session needs to see exact values and to be left alone. */
static const char session_settings[] =
"SET TEXTSIZE 2147483647;"
" SET ANSI_NULLS, ANSI_WARNINGS, ANSI_PADDING, QUOTED_IDENTIFIER,"
" CONCAT_NULL_YIELDS_NULL, ARITHABORT ON;"
" SET NUMERIC_ROUNDABORT, IMPLICIT_TRANSACTIONS OFF;"
" SET NOCOUNT ON;"
" SET DATEFORMAT ymd;"
" SET LOCK_TIMEOUT " CppAsString2(SQLSERVER_LOCK_SECONDS) "000;"
" SET DEADLOCK_PRIORITY LOW";

static SqlServerNoted *const noted = &sdb_sqlserver_noted;

static void close_connection(void *arg);
static void start(SqlServerConn *conn);
static void check_interrupts(SqlServerConn *conn);
static bool run_batch(SqlServerConn *conn, const char *sql);
static void await_answer(SqlServerConn *conn);
static bool next_result(SqlServerConn *conn);
static bool drain(SqlServerConn *conn);
static void describe_fields(SqlServerConn *conn);
static SqlServerWireType wire_type(int type);
static bool refused(SqlServerConn *conn, int *number);

SqlServerConn *
sdb_sqlserver_conn_open(const SqlServerConnOptions *options)
{
	MemoryContext context;
	MemoryContext old_context;
	SqlServerConn *conn;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"SQL Server connection",
									ALLOCSET_SMALL_SIZES);
	old_context = MemoryContextSwitchTo(context);
	conn = palloc0(sizeof(SqlServerConn));
	conn->context = context;
	conn->query_timeout_ms = options->query_timeout_ms;
	conn->callback.func = close_connection;
	conn->callback.arg = conn;
	MemoryContextRegisterResetCallback(context, &conn->callback);

	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not connect to \"%s\": too many open files",
						options->hosts)));
	conn->has_fd = true;
	sdb_sqlserver_login(conn, options);
	sdb_sqlserver_conn_execute(conn, session_settings);
	MemoryContextSwitchTo(old_context);
	return conn;
}

void
sdb_sqlserver_conn_close(SqlServerConn *conn)
{
	if (conn != NULL)
		MemoryContextDelete(conn->context);
}

const char *
sdb_sqlserver_conn_address(const SqlServerConn *conn)
{
	return conn->address;
}

void
sdb_sqlserver_conn_execute(SqlServerConn *conn, const char *sql)
{
	if (!run_batch(conn, sql) || !drain(conn))
		sdb_sqlserver_conn_report(conn);
}

void
sdb_sqlserver_conn_query(SqlServerConn *conn, const char *sql)
{
	if (!run_batch(conn, sql))
		sdb_sqlserver_conn_report(conn);
}

bool
sdb_sqlserver_conn_try(SqlServerConn *conn, const char *sql, int *number)
{
	if (!run_batch(conn, sql) || !drain(conn))
		return refused(conn, number);
	return true;
}

bool
sdb_sqlserver_conn_try_query(SqlServerConn *conn, const char *sql, int *number)
{
	return run_batch(conn, sql) || refused(conn, number);
}

bool
sdb_sqlserver_conn_fetch(SqlServerConn *conn)
{
	STATUS		status;

	Assert(conn->nfields > 0);
	noted->number = noted->client_number = 0;
	noted->damaged = false;
	status = dbnextrow(conn->process);
	conn->damaged = noted->damaged;
	if (status == REG_ROW && noted->number == 0)
		return true;

	check_interrupts(conn);
	if (status != NO_MORE_ROWS || noted->number != 0 || !drain(conn))
		sdb_sqlserver_conn_report(conn);
	return false;
}

void
sdb_sqlserver_conn_cancel(SqlServerConn *conn)
{
	if (conn->nfields == 0)
		return;
	conn->nfields = 0;
	start(conn);
	if (dbcancel(conn->process) == FAIL)
	{
		check_interrupts(conn);
		sdb_sqlserver_conn_report(conn);
	}
}

bool
sdb_sqlserver_conn_in_result(const SqlServerConn *conn)
{
	return conn->nfields > 0;
}

const uint8 *
sdb_sqlserver_conn_field(SqlServerConn *conn, int idx0, int *len)
{
	const uint8 *data = dbdata(conn->process, idx0 + 1);

	*len = data != NULL ? dbdatlen(conn->process, idx0 + 1) : 0;
	return data;
}

int
sdb_sqlserver_conn_nfields(const SqlServerConn *conn)
{
	return conn->nfields;
}

SqlServerWireType
sdb_sqlserver_conn_type(const SqlServerConn *conn, int idx0)
{
	Assert(idx0 >= 0 && idx0 < conn->nfields);
	return conn->types[idx0];
}

bool
sdb_sqlserver_conn_damaged(const SqlServerConn *conn)
{
	return conn->damaged;
}

char *
sdb_sqlserver_conn_text(SqlServerConn *conn, int idx0)
{
	int			len;
	const uint8 *data = sdb_sqlserver_conn_field(conn, idx0, &len);
	char	   *text;

	if (data == NULL)
		return NULL;
	if (sdb_sqlserver_conn_type(conn, idx0) != WIRE_TEXT)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("unexpected answer from \"%s\"", conn->address),
				 errdetail("Field %d is not text. Statement: %.500s",
						   idx0 + 1, conn->statement)));
	text = pnstrdup((const char *) data, len);
	return pg_any_to_server(text, strlen(text), PG_UTF8);
}

int64
sdb_sqlserver_conn_int(SqlServerConn *conn, int idx0)
{
	int			len;
	const uint8 *data = sdb_sqlserver_conn_field(conn, idx0, &len);
	int16		value16;
	int32		value32;
	int64		value64;

	if (data == NULL)
		return 0;
	switch (sdb_sqlserver_conn_type(conn, idx0))
	{
		case WIRE_BIT:
		case WIRE_TINYINT:
			return data[0];
		case WIRE_SMALLINT:
			memcpy(&value16, data, sizeof(value16));
			return value16;
		case WIRE_INT:
			memcpy(&value32, data, sizeof(value32));
			return value32;
		case WIRE_BIGINT:
			memcpy(&value64, data, sizeof(value64));
			return value64;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_PROTOCOL_VIOLATION),
					 errmsg("unexpected answer from \"%s\"", conn->address),
					 errdetail("Field %d is not an integer. Statement: %.500s",
							   idx0 + 1, conn->statement)));
	}
}

char *
sdb_sqlserver_conn_scalar(SqlServerConn *conn, const char *sql)
{
	char	   *value = NULL;
	bool		first = true;

	sdb_sqlserver_conn_query(conn, sql);
	while (conn->nfields > 0 && sdb_sqlserver_conn_fetch(conn))
	{
		if (first)
			value = sdb_sqlserver_conn_text(conn, 0);
		first = false;
	}
	return value;
}

char *
sdb_sqlserver_conn_identifier(const char *name)
{
	char	   *result = palloc(2 * strlen(name) + 3);
	char	   *p = result;

	*p++ = '[';
	for (; *name; name++)
	{
		if (*name == ']')
			*p++ = ']';
		*p++ = *name;
	}
	*p++ = ']';
	*p = '\0';
	return result;
}

char *
sdb_sqlserver_conn_literal(const char *text)
{
	char	   *result = palloc(2 * strlen(text) + 4);
	char	   *p = result;

	*p++ = 'N';
	*p++ = '\'';
	for (; *text; text++)
	{
		if (*text == '\'')
			*p++ = '\'';
		*p++ = *text;
	}
	*p++ = '\'';
	*p = '\0';
	return result;
}

/* Reset callback. */
static void
close_connection(void *arg)
{
	SqlServerConn *conn = arg;

	if (conn->process != NULL)
	{
		sdb_sqlserver_error_clear();
		dbclose(conn->process);
	}
	conn->process = NULL;
	if (conn->has_fd)
		ReleaseExternalFD();
	conn->has_fd = false;
}

/* Every call of the library that may fail begins here. */
static void
start(SqlServerConn *conn)
{
	if (conn->broken)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_DOES_NOT_EXIST),
				 errmsg("the connection to \"%s\" was interrupted before",
						conn->address)));
	sdb_sqlserver_error_clear();
}

/* After a call that failed, perhaps because must_stop said so. */
static void
check_interrupts(SqlServerConn *conn)
{
	if (noted->client_number != 0)
		conn->broken = conn->process == NULL || DBDEAD(conn->process);
	if (!PostmasterIsAlive())
		proc_exit(1);
	CHECK_FOR_INTERRUPTS();
}

/* Sends a batch and opens its first result that has fields, if any. */
static bool
run_batch(SqlServerConn *conn, const char *sql)
{
	char	   *utf8;

	Assert(conn->nfields == 0);
	utf8 = pg_server_to_any(unconstify(char *, sql), strlen(sql), PG_UTF8);
	start(conn);
	if (conn->statement != NULL)
		pfree(conn->statement);
	conn->statement = MemoryContextStrdup(conn->context, sql);
	dbfreebuf(conn->process);
	if (dbcmd(conn->process, utf8) == FAIL || dbsqlsend(conn->process) == FAIL)
	{
		check_interrupts(conn);
		return false;
	}
	await_answer(conn);
	if (dbsqlok(conn->process) == FAIL && noted->number == 0)
	{
		check_interrupts(conn);
		return false;
	}
	return next_result(conn);
}

/* Until the first bytes of the answer are there. */
static void
await_answer(SqlServerConn *conn)
{
	TimestampTz deadline;
	bool		latched = false;

	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
										   conn->query_timeout_ms);
	for (;;)
	{
		long		left_ms;
		int			rc;

		left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
												  deadline);
		/* an error here leaves the batch at work */
		conn->broken = true;
		rc = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE |
							   WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							   DBIORDESC(conn->process), left_ms,
							   sdb_wait_event(WAIT_SOURCE));
		if (rc & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
			latched = true;
		}
		if (rc & WL_SOCKET_READABLE)
		{
			conn->broken = false;
			if (latched)
				SetLatch(MyLatch);	/* a request to the worker is not lost */
			return;
		}
		if (left_ms == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("no answer from \"%s\" within %d ms",
							conn->address, conn->query_timeout_ms),
					 errdetail("Statement: %.500s", conn->statement)));
	}
}

/*
 * Goes to the next result that has fields; without one conn->nfields is 0.
 * False after an error, the batch is then over.
 */
static bool
next_result(SqlServerConn *conn)
{
	RETCODE		rc;

	conn->nfields = 0;
	while ((rc = dbresults(conn->process)) != NO_MORE_RESULTS)
	{
		if (DBDEAD(conn->process))
			break;
		if (rc == SUCCEED && dbnumcols(conn->process) > 0 &&
			noted->number == 0)
		{
			describe_fields(conn);
			return true;
		}
		/* what follows an error is of no interest */
		if (rc == SUCCEED && dbnumcols(conn->process) > 0)
			(void) dbcanquery(conn->process);
	}
	if (noted->number == 0 && noted->client_number == 0)
		return true;
	check_interrupts(conn);
	return false;
}

/* Reads the rest of a batch and forgets it; false after an error. */
static bool
drain(SqlServerConn *conn)
{
	do
	{
		if (conn->nfields > 0)
			(void) dbcanquery(conn->process);
		if (!next_result(conn))
			return false;
	} while (conn->nfields > 0);
	return true;
}

static void
describe_fields(SqlServerConn *conn)
{
	int			nfields = dbnumcols(conn->process);
	int			i;

	if (nfields > conn->allocated)
	{
		if (conn->types != NULL)
			pfree(conn->types);
		conn->types = MemoryContextAlloc(conn->context,
										 nfields * sizeof(SqlServerWireType));
		conn->allocated = nfields;
	}
	for (i = 0; i < nfields; i++)
		conn->types[i] = wire_type(dbcoltype(conn->process, i + 1));
	conn->nfields = nfields;
}

static SqlServerWireType
wire_type(int type)
{
	switch (type)
	{
		case SYBBIT:
			return WIRE_BIT;
		case SYBINT1:
			return WIRE_TINYINT;
		case SYBINT2:
			return WIRE_SMALLINT;
		case SYBINT4:
			return WIRE_INT;
		case SYBINT8:
			return WIRE_BIGINT;
		case SYBREAL:
			return WIRE_REAL;
		case SYBFLT8:
			return WIRE_FLOAT;
		case SYBMONEY:
			return WIRE_MONEY;
		case SYBMONEY4:
			return WIRE_SMALLMONEY;
		case SYBDECIMAL:
		case SYBNUMERIC:
			return WIRE_DECIMAL;
		case SYBCHAR:
		case SYBVARCHAR:
		case SYBTEXT:
		case SYBNTEXT:
		case SYBNVARCHAR:
		case TDS_XML:
			return WIRE_TEXT;
		case SYBBINARY:
		case SYBVARBINARY:
		case SYBIMAGE:
		case TDS_UDT:
			return WIRE_BYTES;
		case TDS_UNIQUEIDENTIFIER:
			return WIRE_UUID;
		case SYBDATETIME:
			return WIRE_DATETIME;
		case SYBDATETIME4:
			return WIRE_SMALLDATETIME;
		case SYBMSDATE:
			return WIRE_DATE;
		case SYBMSTIME:
			return WIRE_TIME;
		case SYBMSDATETIME2:
			return WIRE_DATETIME2;
		case SYBMSDATETIMEOFFSET:
			return WIRE_DATETIMEOFFSET;
		default:
			return WIRE_OTHER;
	}
}

/* The server's error as the result of a try; other errors are raised. */
static bool
refused(SqlServerConn *conn, int *number)
{
	if (noted->number == 0 || DBDEAD(conn->process) ||
		sdb_sqlserver_error_class(noted->number) ==
		ERRCODE_CONNECTION_FAILURE)
		sdb_sqlserver_conn_report(conn);
	*number = noted->number;
	conn->nfields = 0;
	return false;
}

