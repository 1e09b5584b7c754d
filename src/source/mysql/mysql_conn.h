/*
 * mysql_conn.h --- one connection to a MySQL or MariaDB server
 *
 * A firewall: mysql_conn.c, mysql_error.c and mysql_tls.c alone include
 * mysql.h, whose names clash with the server's lists, and this header shows
 * none of it.  Calls that may block wait on the process latch and end at an
 * interrupt.  Errors of the server go through one function that keeps code,
 * message and statement.
 *
 * Statements are given in the server encoding; results arrive as UTF-8.
 */
#ifndef SDB_MYSQL_CONN_H
#define SDB_MYSQL_CONN_H

typedef struct MysqlConn MysqlConn;

/* MysqlConnOptions --- how to connect; must outlive sdb_mysql_conn_open only */
typedef struct MysqlConnOptions
{
	const char *host;
	int			port;
	const char *user;
	const char *password;
	const char *database;		/* NULL for none */
	bool		tls_try;		/* encrypt if the server can */
	bool		tls_require;	/* fail unless encrypted */
	bool		tls_verify_ca;	/* check the certificate's signers */
	bool		tls_verify_host;	/* and the host name in it */
	const char *tls_cert;		/* PEM file with certificate and key; or NULL */
	const char *tls_cert_password;	/* or NULL */
	const char *tls_ca;			/* PEM file; or NULL */
	int			connect_timeout_ms;
	int			query_timeout_ms;	/* for the first and for each further part
									 * of a result */
} MysqlConnOptions;

/*
 * sdb_mysql_conn_open --- connect and log in.
 *
 * memory: in CurrentMemoryContext, whose reset callback closes it
 * errors: 08001 unreachable, 28000 login refused, 3D000 no such database, each
 *         with host and port
 */
extern MysqlConn *sdb_mysql_conn_open(const MysqlConnOptions *options);
extern void sdb_mysql_conn_close(MysqlConn *conn);

extern bool sdb_mysql_conn_is_mariadb(const MysqlConn *conn);

/* 101103 for 10.11.3 */
extern int	sdb_mysql_conn_version(const MysqlConn *conn);
extern const char *sdb_mysql_conn_version_text(const MysqlConn *conn);

/*
 * sdb_mysql_conn_execute --- run a statement without result.
 * sdb_mysql_conn_query --- run one with a result, read row by row.
 *
 * A result must be read to its end or closed before the next statement.
 *
 * errors: the server's, with its code and SQLSTATE in the message's detail;
 *         08006 if the link is lost
 */
extern void sdb_mysql_conn_execute(MysqlConn *conn, const char *sql);
extern void sdb_mysql_conn_query(MysqlConn *conn, const char *sql);

/* Like execute, but false (and *code the server's) where the server refuses. */
extern bool sdb_mysql_conn_try(MysqlConn *conn, const char *sql, int *code);

/* Like query, but false (and *code the server's) where the server refuses. */
extern bool sdb_mysql_conn_try_query(MysqlConn *conn, const char *sql,
									 int *code);

/*
 * sdb_mysql_conn_fetch --- the next row, NULL at the end (the result is then
 * closed).  Valid until the next call.  A NULL field is SQL NULL; fields are
 * NUL-terminated besides having *lengths.
 */
extern char **sdb_mysql_conn_fetch(MysqlConn *conn, unsigned long **lengths);
extern int	sdb_mysql_conn_nfields(MysqlConn *conn);
extern const char *sdb_mysql_conn_field_name(MysqlConn *conn, int idx0);

/*
 * sdb_mysql_conn_query_binary --- run a query whose rows come in the
 * protocol's binary form, which costs both sides less than text.
 *
 * They must be read to the end before the next statement.
 */
extern void sdb_mysql_conn_query_binary(MysqlConn *conn, const char *sql);

/* Of a column of that query: its type, by the protocol's number. */
extern int	sdb_mysql_conn_column_type(MysqlConn *conn, int idx0,
									   bool *is_unsigned);

/*
 * sdb_mysql_conn_fetch_binary --- the next row of that query.
 *
 * out:    *data[0 .. *len-1], a packet, valid until the next call
 * result: false at the end
 */
extern bool sdb_mysql_conn_fetch_binary(MysqlConn *conn, const uint8 **data,
										Size *len);

/* Ends a result early, by reading what is left of it. */
extern void sdb_mysql_conn_close_result(MysqlConn *conn);

/*
 * One value of one row, palloc'd, in the server encoding; NULL if NULL or no
 * row.
 */
extern char *sdb_mysql_conn_scalar(MysqlConn *conn, const char *sql);

/* Quoted forms, palloc'd: `a``b` and 'it''s' (safe in any sql_mode). */
extern char *sdb_mysql_conn_identifier(const char *name);
extern char *sdb_mysql_conn_literal(MysqlConn *conn, const char *text);

/*
 * sdb_mysql_conn_dump --- ask for the binary log from (file, position) on.
 * After this only the functions below may be used.
 *
 * The server ends an earlier dump with the same server id.  Where somebody
 * else's ended ours, the next dumps of this process take another id.
 */
extern void sdb_mysql_conn_dump(MysqlConn *conn, uint32 server_id,
								const char *file, uint32 position);

/*
 * sdb_mysql_conn_packet --- the next event, if it has arrived whole.
 *
 * out:    *data[0 .. *len-1], valid until the next call
 * result: false at once if it has not; the socket is readable when there is
 *         more of it
 * errors: 08006 link lost, or silent for several heartbeats; the server's
 *         (purged log: 55000)
 */
extern bool sdb_mysql_conn_packet(MysqlConn *conn, const uint8 **data,
								  Size *len);
extern pgsocket sdb_mysql_conn_socket(MysqlConn *conn);

/* How long a dump may stay silent from now on before it counts as lost. */
extern long sdb_mysql_conn_silence_ms(MysqlConn *conn);

/* Waits until the socket of a dump is readable or it counts as lost. */
extern void sdb_mysql_conn_wait_packet(MysqlConn *conn);

#endif							/* SDB_MYSQL_CONN_H */
