/*
 * mysql_tls.h --- encryption of a connection to MySQL or MariaDB
 *
 * For mysql_conn.c only.
 */
#ifndef SDB_MYSQL_TLS_H
#define SDB_MYSQL_TLS_H

#include "source/mysql/mysql_conn.h"

typedef struct MysqlTls MysqlTls;

struct st_mysql;

/*
 * sdb_mysql_tls_begin --- prepare a connection that is about to be made: give
 * the library its options, and be there when the server answers.
 *
 * in:     address is "host:port", for messages; address and options->host must
 *         outlive the result
 * memory: in the given context
 * errors: 22023 a truststore is needed; 0A000 the library cannot do what the
 *         mode asks
 */
extern MysqlTls *sdb_mysql_tls_begin(struct st_mysql *mysql,
									 MemoryContext context,
									 const char *address,
									 const MysqlConnOptions *options);

/*
 * sdb_mysql_tls_end --- the attempt has ended, well or not.
 *
 * errors: 08001 if the server offers no TLS and it is required, or if its
 *         certificate is not what the mode asks for
 */
extern void sdb_mysql_tls_end(MysqlTls *tls, bool connected);

/* The connection is closed, maybe in the middle of an attempt. */
extern void sdb_mysql_tls_forget(const MysqlTls *tls);

#endif							/* SDB_MYSQL_TLS_H */
