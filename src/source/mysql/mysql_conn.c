/*
 * mysql_conn.c --- one connection to a MySQL or MariaDB server
 *
 * Everything goes through MariaDB Connector/C, which only this file,
 * mysql_error.c and mysql_tls.c see.  The library's calls run as its own
 * coroutines: each either ends or says what it waits for, and the wait is
 * ours, on latch and socket.  So no call blocks, an interrupt ends every wait,
 * and bytes that TLS holds back are never overlooked.
 *
 * A dump of the binary log has no coroutine in the library.  What it has is
 * one around mysql_read_query_result, which calls a function of the
 * connection's method table; a dump puts a reader of packets there.  So does a
 * query in binary form, a prepared statement, until its last row: the rows are
 * decoded elsewhere, and the library would look at each field.
 *
 * States of a connection: idle; in a call (conn->op, suspended); in a result
 * (conn->result, or conn->statement); in a dump.  An error raised inside a
 * wait leaves the call suspended, and the connection is then good for nothing
 * but closing.
 *
 * Memory: a MysqlConn is its own memory context; a reset callback of it shuts
 * the socket down first, so that closing never waits for the server.
 *
 * Known limits: resolving the host's name blocks, as does the TLS handshake
 * (at most for the connect timeout).
 */
#include "postgres.h"

#include <sys/socket.h>
#include <errmsg.h>
#include <mysql.h>
#include <ma_pvio.h>

#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "source/mysql/mysql_conn.h"
#include "source/mysql/mysql_error.h"
#include "source/mysql/mysql_tls.h"
#include "util/wait_event.h"
#include "util/compat.h"

/* The server sends something at least this often during a dump. */
#define HEARTBEAT_MS	5000
#define SILENCE_MS		(3 * HEARTBEAT_MS)

/* TLS needs more than the library's default. */
#define COROUTINE_STACK_BYTES	(256 * 1024)

#define MAX_PACKET_BYTES	(1024UL * 1024 * 1024)

/* Only what does not hand the password to whoever answers. */
#define ALLOWED_PLUGINS \
	"mysql_native_password,caching_sha2_password,sha256_password," \
	"client_ed25519,parsec"

/* first byte of the packet behind the last row; a row's is 0 */
#define END_OF_ROWS			0xFE

typedef enum ConnOp
{
	OP_NONE,
	OP_CONNECT,
	OP_QUERY,
	OP_FETCH,
	OP_PREPARE,
	OP_EXECUTE,
	OP_CLOSE,
	OP_PACKET
} ConnOp;

struct MysqlConn
{
	MemoryContext context;		/* this struct and all it points to */
	MemoryContextCallback callback;
	MYSQL	   *mysql;
	MYSQL_RES  *result;			/* NULL outside a result */
	MYSQL_STMT *statement;		/* of a query in binary form; NULL if none */
	struct st_mariadb_methods methods;	/* in use while packets are read */
	const struct st_mariadb_methods *library_methods;	/* otherwise */
	char	   *address;		/* "host:port" */
	int			query_timeout_ms;
	bool		has_fd;			/* AcquireExternalFD was called */
	bool		dumping;
	MysqlTls   *tls;			/* NULL before the attempt to connect */

	/* the call at work */
	ConnOp		op;
	int			status;			/* what it waits for: MYSQL_WAIT_xxx */
	MYSQL	   *connected;		/* result of OP_CONNECT */
	int			failed;			/* of OP_QUERY, OP_PREPARE, OP_EXECUTE */
	my_bool		packet_failed;	/* of OP_PACKET, and of OP_CLOSE */
	MYSQL_ROW	row;			/* of OP_FETCH */

	/* of a dump */
	size_t		bytes_seen;		/* read from the socket when last looked */
	TimestampTz last_seen;		/* when that changed */
};

/*
 * How often this process was told that somebody else reads with the server id
 * of a dump.  The next dump takes another one.
 */
static uint32 ids_in_use = 0;

static void set_options(MysqlConn *conn, const MysqlConnOptions *options);
static void close_connection(void *arg);
static void start(MysqlConn *conn, ConnOp op);
static void run(MysqlConn *conn, int status);
static int	resume(MysqlConn *conn, int ready);
static int	resume_connect(MysqlConn *conn, int ready);
static int	wait_for(MysqlConn *conn, int status, TimestampTz deadline);
static int	read_packet(MYSQL *mysql);
static void take_packets(MysqlConn *conn);
static void close_statement(MysqlConn *conn);
static bool run_query(MysqlConn *conn, const char *sql);
pg_noreturn static void report(MysqlConn *conn, const char *statement);

MysqlConn *
sdb_mysql_conn_open(const MysqlConnOptions *options)
{
	MemoryContext context;
	MysqlConn  *conn;

	context = AllocSetContextCreate(CurrentMemoryContext, "MySQL connection",
									ALLOCSET_SMALL_SIZES);
	conn = MemoryContextAllocZero(context, sizeof(MysqlConn));
	conn->context = context;
	conn->address = MemoryContextStrdup(context, psprintf("%s:%d",
														  options->host,
														  options->port));
	conn->query_timeout_ms = options->connect_timeout_ms;

	conn->callback.func = close_connection;
	conn->callback.arg = conn;
	MemoryContextRegisterResetCallback(context, &conn->callback);
	conn->mysql = mysql_init(NULL);
	if (conn->mysql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not connect to \"%s\": too many open files",
						conn->address)));
	conn->has_fd = true;

	set_options(conn, options);
	conn->tls = sdb_mysql_tls_begin(conn->mysql, conn->context, conn->address,
									options);
	start(conn, OP_CONNECT);
	run(conn, mysql_real_connect_start(&conn->connected, conn->mysql,
									   options->host, options->user,
									   options->password, options->database,
									   options->port, NULL, 0));
	sdb_mysql_tls_end(conn->tls, conn->connected != NULL);
	if (conn->connected == NULL)
		report(conn, NULL);

	conn->query_timeout_ms = options->query_timeout_ms;
	return conn;
}

void
sdb_mysql_conn_close(MysqlConn *conn)
{
	if (conn != NULL)
		MemoryContextDelete(conn->context);
}

bool
sdb_mysql_conn_is_mariadb(const MysqlConn *conn)
{
	return mariadb_connection(conn->mysql);
}

int
sdb_mysql_conn_version(const MysqlConn *conn)
{
	return (int) mysql_get_server_version(conn->mysql);
}

const char *
sdb_mysql_conn_version_text(const MysqlConn *conn)
{
	return mysql_get_server_info(conn->mysql);
}

void
sdb_mysql_conn_execute(MysqlConn *conn, const char *sql)
{
	if (!run_query(conn, sql))
		report(conn, sql);
	sdb_mysql_conn_close_result(conn);
}

void
sdb_mysql_conn_query(MysqlConn *conn, const char *sql)
{
	if (!run_query(conn, sql))
		report(conn, sql);
}

bool
sdb_mysql_conn_try(MysqlConn *conn, const char *sql, int *code)
{
	bool		ok = sdb_mysql_conn_try_query(conn, sql, code);

	if (ok)
		sdb_mysql_conn_close_result(conn);
	return ok;
}

bool
sdb_mysql_conn_try_query(MysqlConn *conn, const char *sql, int *code)
{
	if (run_query(conn, sql))
		return true;
	*code = (int) mysql_errno(conn->mysql);
	/* what the library says is about the link, not about the statement */
	if (*code >= CR_MIN_ERROR && *code <= CR_MYSQL_LAST_ERROR)
		report(conn, sql);
	return false;
}

char	  **
sdb_mysql_conn_fetch(MysqlConn *conn, unsigned long **lengths)
{
	Assert(conn->result != NULL);
	start(conn, OP_FETCH);
	run(conn, mysql_fetch_row_start(&conn->row, conn->result));
	if (conn->row != NULL)
	{
		if (lengths != NULL)
			*lengths = mysql_fetch_lengths(conn->result);
		return conn->row;
	}
	if (mysql_errno(conn->mysql) != 0)
		report(conn, NULL);
	mysql_free_result(conn->result);
	conn->result = NULL;
	return NULL;
}

void
sdb_mysql_conn_query_binary(MysqlConn *conn, const char *sql)
{
	char	   *utf8 = pg_server_to_any(sql, strlen(sql), PG_UTF8);

	Assert(conn->result == NULL && !conn->dumping);
	close_statement(conn);		/* of a query that failed */
	conn->statement = mysql_stmt_init(conn->mysql);
	if (conn->statement == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	start(conn, OP_PREPARE);
	run(conn, mysql_stmt_prepare_start(&conn->failed, conn->statement, utf8,
									   strlen(utf8)));
	if (conn->failed)
		report(conn, sql);
	start(conn, OP_EXECUTE);
	run(conn, mysql_stmt_execute_start(&conn->failed, conn->statement));
	if (conn->failed)
		report(conn, sql);

	take_packets(conn);
}

int
sdb_mysql_conn_column_type(MysqlConn *conn, int idx0, bool *is_unsigned)
{
	MYSQL_FIELD *field = &mariadb_stmt_fetch_fields(conn->statement)[idx0];

	*is_unsigned = (field->flags & UNSIGNED_FLAG) != 0;
	return (int) field->type;
}

bool
sdb_mysql_conn_fetch_binary(MysqlConn *conn, const uint8 **data, Size *len)
{
	Assert(conn->statement != NULL);
	start(conn, OP_PACKET);
	run(conn, mysql_read_query_result_start(&conn->packet_failed,
											conn->mysql));
	if (conn->packet_failed)
		report(conn, NULL);
	*data = conn->mysql->net.read_pos;
	*len = conn->mysql->packet_length;
	if ((*data)[0] != END_OF_ROWS)
		return true;

	/* what the library would have done */
	conn->mysql->status = MYSQL_STATUS_READY;
	conn->mysql->methods = conn->library_methods;
	close_statement(conn);
	return false;
}

int
sdb_mysql_conn_nfields(MysqlConn *conn)
{
	return conn->result != NULL ? (int) mysql_num_fields(conn->result) : 0;
}

const char *
sdb_mysql_conn_field_name(MysqlConn *conn, int idx0)
{
	return mysql_fetch_field_direct(conn->result, idx0)->name;
}

void
sdb_mysql_conn_close_result(MysqlConn *conn)
{
	while (conn->result != NULL)
		(void) sdb_mysql_conn_fetch(conn, NULL);
}

char *
sdb_mysql_conn_scalar(MysqlConn *conn, const char *sql)
{
	char	  **row;
	char	   *value = NULL;

	sdb_mysql_conn_query(conn, sql);
	if (conn->result == NULL)
		return NULL;
	row = sdb_mysql_conn_fetch(conn, NULL);
	if (row == NULL)
		return NULL;
	if (row[0] != NULL)
	{
		char	   *copy = pstrdup(row[0]);

		value = pg_any_to_server(copy, strlen(copy), PG_UTF8);
	}
	sdb_mysql_conn_close_result(conn);
	return value;
}

char *
sdb_mysql_conn_identifier(const char *name)
{
	char	   *result = palloc(2 * strlen(name) + 3);
	char	   *p = result;

	*p++ = '`';
	for (; *name; name++)
	{
		if (*name == '`')
			*p++ = '`';
		*p++ = *name;
	}
	*p++ = '`';
	*p = '\0';
	return result;
}

char *
sdb_mysql_conn_literal(MysqlConn *conn, const char *text)
{
	bool		escapes = !(conn->mysql->server_status &
							SERVER_STATUS_NO_BACKSLASH_ESCAPES);
	char	   *result = palloc(2 * strlen(text) + 3);
	char	   *p = result;

	*p++ = '\'';
	for (; *text; text++)
	{
		if (*text == '\'' || (*text == '\\' && escapes))
			*p++ = *text;
		*p++ = *text;
	}
	*p++ = '\'';
	*p = '\0';
	return result;
}

void
sdb_mysql_conn_dump(MysqlConn *conn, uint32 server_id, const char *file,
					uint32 position)
{
	Size		file_len = strlen(file);
	Size		len = 4 + 2 + 4 + file_len;
	uint8	   *arg = palloc(len);
	int			i;

	/* both spellings: MySQL 8.0.26 renamed them, older servers know but one */
	sdb_mysql_conn_execute(conn,
						   "SET @master_binlog_checksum = @@global.binlog_checksum,"
						   " @source_binlog_checksum = @@global.binlog_checksum,"
						   " @mariadb_slave_capability = 4");
	sdb_mysql_conn_execute(conn,
						   psprintf("SET @master_heartbeat_period = %lld,"
									" @source_heartbeat_period = %lld",
									HEARTBEAT_MS * 1000000LL,
									HEARTBEAT_MS * 1000000LL));

	for (i = 0; i < 4; i++)
	{
		arg[i] = (position >> (8 * i)) & 0xFF;
		arg[6 + i] = ((server_id + ids_in_use) >> (8 * i)) & 0xFF;
	}
	arg[4] = arg[5] = 0;		/* flags: wait for more at the end */
	memcpy(arg + 10, file, file_len);
	if (conn->mysql->methods->db_command(conn->mysql, COM_BINLOG_DUMP,
										 (const char *) arg, len, 1, NULL))
		report(conn, NULL);
	/* a call without coroutine leaves the socket blocking, also for TLS */
	if (!pg_set_noblock(sdb_mysql_conn_socket(conn)))
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("could not set the connection to \"%s\" to nonblocking mode: %m",
						conn->address)));

	take_packets(conn);
	conn->dumping = true;
	conn->last_seen = GetCurrentTimestamp();
}

bool
sdb_mysql_conn_packet(MysqlConn *conn, const uint8 **data, Size *len)
{
	const uint8 *packet;

	if (conn->op == OP_PACKET)
		conn->status = resume(conn, conn->status);
	else
	{
		start(conn, OP_PACKET);
		conn->status = mysql_read_query_result_start(&conn->packet_failed,
													 conn->mysql);
	}
	if (conn->status != 0)
	{
		if (sdb_mysql_conn_silence_ms(conn) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("lost the connection to \"%s\": no sign of life for %d seconds",
							conn->address, SILENCE_MS / 1000)));
		return false;
	}

	conn->op = OP_NONE;
	conn->last_seen = 0;		/* looked up when there is silence */
	if (conn->packet_failed)
		report(conn, NULL);
	packet = conn->mysql->net.read_pos;
	*len = conn->mysql->packet_length;
	if (packet[0] == 0xFE && *len < 9)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("lost the connection to \"%s\": the server ended the stream",
						conn->address)));
	if (packet[0] != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("unexpected packet of type 0x%02X in the stream from \"%s\"",
						packet[0], conn->address)));
	*data = packet + 1;
	*len -= 1;
	return true;
}

pgsocket
sdb_mysql_conn_socket(MysqlConn *conn)
{
	return mysql_get_socket(conn->mysql);
}

long
sdb_mysql_conn_silence_ms(MysqlConn *conn)
{
	TimestampTz now = GetCurrentTimestamp();
	size_t		bytes = 0;
	long		silent_ms;

	/* a packet that takes long to arrive is a sign of life as well */
	if (conn->mysql->net.pvio != NULL)
		bytes = conn->mysql->net.pvio->bytes_read;
	if (conn->last_seen == 0 || bytes != conn->bytes_seen)
	{
		conn->bytes_seen = bytes;
		conn->last_seen = now;
	}
	silent_ms = TimestampDifferenceMilliseconds(conn->last_seen, now);
	return Max(SILENCE_MS - silent_ms, 0);
}

void
sdb_mysql_conn_wait_packet(MysqlConn *conn)
{
	int			rc;

	rc = WaitLatchOrSocket(MyLatch,
						   WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT |
						   WL_EXIT_ON_PM_DEATH,
						   sdb_mysql_conn_socket(conn),
						   sdb_mysql_conn_silence_ms(conn),
						   sdb_wait_event(WAIT_SOURCE));
	if (rc & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
set_options(MysqlConn *conn, const MysqlConnOptions *options)
{
	MYSQL	   *mysql = conn->mysql;
	unsigned int timeout_s = Max(1, (options->connect_timeout_ms + 999) / 1000);
	size_t		stack_size = COROUTINE_STACK_BYTES;
	unsigned int protocol = MYSQL_PROTOCOL_TCP;
	unsigned int no_local_infile = 0;
	unsigned long max_packet = MAX_PACKET_BYTES;

	mysql_options(mysql, MYSQL_OPT_NONBLOCK, &stack_size);
	mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout_s);
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no_local_infile);
	mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &max_packet);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, ALLOWED_PLUGINS);
	mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name",
				   "synchdb");
}

/*
 * Reset callback.  With the socket shut down, a suspended call ends with an
 * error as soon as it is resumed and gives back what it holds, and nothing
 * here waits for the server.
 */
static void
close_connection(void *arg)
{
	MysqlConn  *conn = arg;

	if (conn->tls != NULL)
		sdb_mysql_tls_forget(conn->tls);
	if (conn->mysql != NULL)
	{
		if (conn->op != OP_NONE || conn->result != NULL ||
			conn->statement != NULL || conn->dumping)
			(void) shutdown(mysql_get_socket(conn->mysql), SHUT_RDWR);
		while (conn->op != OP_NONE)
		{
			if (resume(conn, MYSQL_WAIT_TIMEOUT) != 0)
				continue;
			if (conn->op == OP_CLOSE)
				conn->statement = NULL;
			conn->op = OP_NONE;
		}
		if (conn->result != NULL)
			mysql_free_result(conn->result);
		mysql_close(conn->mysql);
		conn->mysql = NULL;
		if (conn->statement != NULL)
			mysql_stmt_close(conn->statement);	/* only its memory now */
		conn->statement = NULL;
	}
	if (conn->has_fd)
		ReleaseExternalFD();
	conn->has_fd = false;
}

/* Every call begins here. */
static void
start(MysqlConn *conn, ConnOp op)
{
	if (conn->op != OP_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_DOES_NOT_EXIST),
				 errmsg("the connection to \"%s\" was interrupted before",
						conn->address)));
	conn->op = op;
}

/* Runs the call that was started to its end. */
static void
run(MysqlConn *conn, int status)
{
	TimestampTz deadline;

	if (status != 0)
	{
		deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
											   conn->query_timeout_ms);
		while (status != 0)
			status = resume(conn, wait_for(conn, status, deadline));
	}
	conn->op = OP_NONE;
}

/* Continues the suspended call; 0 if it ended, else what it waits for. */
static int
resume(MysqlConn *conn, int ready)
{
	switch (conn->op)
	{
		case OP_CONNECT:
			return resume_connect(conn, ready);
		case OP_QUERY:
			return mysql_real_query_cont(&conn->failed, conn->mysql, ready);
		case OP_FETCH:
			return mysql_fetch_row_cont(&conn->row, conn->result, ready);
		case OP_PREPARE:
			return mysql_stmt_prepare_cont(&conn->failed, conn->statement,
										   ready);
		case OP_EXECUTE:
			return mysql_stmt_execute_cont(&conn->failed, conn->statement,
										   ready);
		case OP_CLOSE:
			return mysql_stmt_close_cont(&conn->packet_failed,
										 conn->statement, ready);
		case OP_PACKET:
			return mysql_read_query_result_cont(&conn->packet_failed,
												conn->mysql, ready);
		case OP_NONE:
			break;
	}
	return 0;
}

/*
 * The library takes a signal in the middle of a TLS handshake for the end of
 * its time.  So all wait until it is over, but for those that are to end it.
 */
static int
resume_connect(MysqlConn *conn, int ready)
{
	sigset_t	mask = BlockSig;
	sigset_t	saved;
	int			status;

	sigdelset(&mask, SIGTERM);
	sigdelset(&mask, SIGINT);
	sigprocmask(SIG_SETMASK, &mask, &saved);
	status = mysql_real_connect_cont(&conn->connected, conn->mysql, ready);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	return status;
}

/* Waits for what the library wants; returns what of it is there. */
static int
wait_for(MysqlConn *conn, int status, TimestampTz deadline)
{
	int			events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;

	if (status & MYSQL_WAIT_READ)
		events |= WL_SOCKET_READABLE;
	if (status & MYSQL_WAIT_WRITE)
		events |= WL_SOCKET_WRITEABLE;

	for (;;)
	{
		long		left_ms;
		int			ready = 0;
		int			rc;

		left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
												  deadline);
		rc = WaitLatchOrSocket(MyLatch, events,
							   mysql_get_socket(conn->mysql), left_ms,
							   sdb_wait_event(WAIT_SOURCE));
		if (rc & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
		if (rc & WL_SOCKET_READABLE)
			ready |= MYSQL_WAIT_READ;
		if (rc & WL_SOCKET_WRITEABLE)
			ready |= MYSQL_WAIT_WRITE;
		if (ready != 0)
			return ready;
		if (left_ms == 0 && conn->op == OP_CONNECT)
			ereport(ERROR,
					(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
					 errmsg("could not connect to \"%s\": timeout",
							conn->address)));
		if (left_ms == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("no answer from \"%s\" within %d ms",
							conn->address, conn->query_timeout_ms)));
	}
}

/* What comes next is read packet by packet. */
static void
take_packets(MysqlConn *conn)
{
	conn->library_methods = conn->mysql->methods;
	conn->methods = *conn->mysql->methods;
	conn->methods.db_read_query_result = read_packet;
	conn->mysql->methods = &conn->methods;
}

/* In our method table; runs on the library's coroutine. */
static int
read_packet(MYSQL *mysql)
{
	mysql->packet_length = mysql_net_read_packet(mysql);
	return mysql->packet_length == packet_error;
}

static void
close_statement(MysqlConn *conn)
{
	if (conn->statement == NULL)
		return;
	start(conn, OP_CLOSE);
	run(conn, mysql_stmt_close_start(&conn->packet_failed, conn->statement));
	conn->statement = NULL;
}

/* Sends a statement and leaves conn->result open if it has one. */
static bool
run_query(MysqlConn *conn, const char *sql)
{
	char	   *utf8;

	Assert(conn->result == NULL && !conn->dumping);
	utf8 = pg_server_to_any(sql, strlen(sql), PG_UTF8);
	start(conn, OP_QUERY);
	run(conn, mysql_real_query_start(&conn->failed, conn->mysql, utf8,
									 strlen(utf8)));
	if (conn->failed)
		return false;
	if (mysql_field_count(conn->mysql) > 0)
		conn->result = mysql_use_result(conn->mysql);
	return true;
}

static void
report(MysqlConn *conn, const char *statement)
{
	if (sdb_mysql_error_is_same_id(conn->mysql))
		ids_in_use++;
	sdb_mysql_error_raise(conn->mysql, conn->address, conn->connected != NULL,
						  statement);
}
