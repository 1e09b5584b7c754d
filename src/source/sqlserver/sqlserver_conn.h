/*
 * sqlserver_conn.h --- one connection to a SQL Server
 *
 * A firewall: sqlserver_conn.c alone includes sybdb.h, whose names are all
 * over the place, and this header shows none of it.  Calls that may block end
 * at an interrupt.  Errors of the server go through one function that keeps
 * number, message and statement.
 *
 * Statements are given in the server encoding.  Fields of a result are the
 * client library's bytes: text is UTF-8, see sqlserver_values.h for the rest.
 */
#ifndef SDB_SQLSERVER_CONN_H
#define SDB_SQLSERVER_CONN_H

#include "util/compat.h"

typedef struct SqlServerConn SqlServerConn;

/* Statements at the source wait no longer for a lock. */
#define SQLSERVER_LOCK_SECONDS	10

/* How much is checked of the server's certificate */
typedef enum SqlServerTls
{
	SQLSERVER_TLS_OFF,
	SQLSERVER_TLS_TRY,			/* encrypt if the server can */
	SQLSERVER_TLS_REQUIRE,		/* fail unless encrypted */
	SQLSERVER_TLS_VERIFY_CA,	/* check the certificate's signers */
	SQLSERVER_TLS_VERIFY_HOST	/* and the host name in it */
} SqlServerTls;

/* SqlServerConnOptions --- how to connect; must outlive the call only */
typedef struct SqlServerConnOptions
{
	const char *hosts;			/* "h1,h2": the first that answers is taken */
	int			port;
	const char *user;
	const char *password;
	const char *database;
	SqlServerTls tls;
	const char *tls_ca;			/* PEM file; NULL for the system's */
	bool		read_only;		/* a readable secondary will do */
	int			connect_timeout_ms;
	int			query_timeout_ms;	/* silence for that long is a lost link */
} SqlServerConnOptions;

/* Server error numbers that callers of the functions below look for */
#define SQLSERVER_INVALID_OBJECT		208
#define SQLSERVER_INVALID_COLUMN		207
#define SQLSERVER_NO_PERMISSION			229
#define SQLSERVER_NO_COLUMN_PERMISSION	230
#define SQLSERVER_DEADLOCK				1205
#define SQLSERVER_LOCK_TIMEOUT			1222

/* What a field's bytes are, as far as it matters to a decoder */
typedef enum SqlServerWireType
{
	WIRE_BIT,
	WIRE_TINYINT,
	WIRE_SMALLINT,
	WIRE_INT,
	WIRE_BIGINT,
	WIRE_REAL,
	WIRE_FLOAT,
	WIRE_MONEY,
	WIRE_SMALLMONEY,
	WIRE_DECIMAL,
	WIRE_TEXT,
	WIRE_BYTES,
	WIRE_UUID,
	WIRE_DATETIME,
	WIRE_SMALLDATETIME,
	WIRE_DATE,
	WIRE_TIME,
	WIRE_DATETIME2,
	WIRE_DATETIMEOFFSET,
	WIRE_OTHER
} SqlServerWireType;

/*
 * sdb_sqlserver_conn_open --- connect, log in and set the session up.
 *
 * memory: in CurrentMemoryContext, whose reset callback closes it
 * errors: 08001 unreachable, 28000 login refused, 3D000 no such database, each
 *         with host and port
 */
extern SqlServerConn *sdb_sqlserver_conn_open(const SqlServerConnOptions *options);

/* NULL is allowed. */
extern void sdb_sqlserver_conn_close(SqlServerConn *conn);

/* "host:port" of the host that answered */
extern const char *sdb_sqlserver_conn_address(const SqlServerConn *conn);

/*
 * sdb_sqlserver_conn_execute --- run a batch, its results are dropped.
 * sdb_sqlserver_conn_query --- run one whose first result is read row by row.
 *
 * Any number of results may be open on different connections, one on each.  A
 * result must be read to its end or cancelled before the next batch.
 *
 * errors: the server's, with number, severity and state in the detail; 08006
 *         if the link is lost; 42P01 for SQLSERVER_INVALID_OBJECT, 42501
 *         where a permission is missing, class 40 where trying again helps
 */
extern void sdb_sqlserver_conn_execute(SqlServerConn *conn, const char *sql);
extern void sdb_sqlserver_conn_query(SqlServerConn *conn, const char *sql);

/*
 * Like execute and query, but false (and *number the server's) where the
 * server refuses.  The connection can be used further.
 */
extern bool sdb_sqlserver_conn_try(SqlServerConn *conn, const char *sql,
								   int *number);
extern bool sdb_sqlserver_conn_try_query(SqlServerConn *conn, const char *sql,
										 int *number);

/* Is that error of the server the lack of a permission? */
extern bool sdb_sqlserver_conn_is_denial(int number);

/* Raises the error after which one of these two was false. */
pg_noreturn extern void sdb_sqlserver_conn_report(SqlServerConn *conn);

/*
 * sdb_sqlserver_conn_fetch --- go to the next row; false at the end, the
 * result is then closed.  An error in the middle is raised.
 */
extern bool sdb_sqlserver_conn_fetch(SqlServerConn *conn);

/* Drops the rest of a result without reading it. */
extern void sdb_sqlserver_conn_cancel(SqlServerConn *conn);

/* Is a result open? */
extern bool sdb_sqlserver_conn_in_result(const SqlServerConn *conn);

/*
 * sdb_sqlserver_conn_field --- a field of the row, valid until the next fetch.
 *
 * result: NULL for SQL NULL; else *len bytes, which may be none
 */
extern const uint8 *sdb_sqlserver_conn_field(SqlServerConn *conn, int idx0,
											 int *len);
extern int	sdb_sqlserver_conn_nfields(const SqlServerConn *conn);
extern SqlServerWireType sdb_sqlserver_conn_type(const SqlServerConn *conn,
												 int idx0);

/*
 * Did a text of this row hold what is no character (half of a surrogate
 * pair)?  It reads as a question mark then, or is cut before it.
 */
extern bool sdb_sqlserver_conn_damaged(const SqlServerConn *conn);

/* A field that is text, palloc'd, in the server encoding; NULL if NULL. */
extern char *sdb_sqlserver_conn_text(SqlServerConn *conn, int idx0);

/* A field of an integer type or bit; 0 if NULL. */
extern int64 sdb_sqlserver_conn_int(SqlServerConn *conn, int idx0);

/* The first field of the first row as text; NULL if NULL or no row. */
extern char *sdb_sqlserver_conn_scalar(SqlServerConn *conn, const char *sql);

/* Quoted forms, palloc'd: [a]]b] and N'it''s'. */
extern char *sdb_sqlserver_conn_identifier(const char *name);
extern char *sdb_sqlserver_conn_literal(const char *text);

#endif							/* SDB_SQLSERVER_CONN_H */
