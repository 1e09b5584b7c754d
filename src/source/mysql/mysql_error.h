/*
 * mysql_error.h --- errors of a MySQL or MariaDB server and of its client
 * library
 *
 * For mysql_conn.c only.
 */
#ifndef SDB_MYSQL_ERROR_H
#define SDB_MYSQL_ERROR_H

#include "util/compat.h"

struct st_mysql;

/*
 * Does the last error say that another session, begun later, asked for the
 * binary log with the same server id?
 */
extern bool sdb_mysql_error_is_same_id(struct st_mysql *mysql);

/*
 * sdb_mysql_error_raise --- raise the last error as one of ours.
 *
 * in:     address is "host:port"; connected is false while it is being
 *         connected; statement is what was run, NULL if nothing was
 * errors: SQLSTATE of the table in mysql_error.c; the server's code and
 *         SQLSTATE in the detail
 */
pg_noreturn extern void sdb_mysql_error_raise(struct st_mysql *mysql,
											  const char *address,
											  bool connected,
											  const char *statement);

#endif							/* SDB_MYSQL_ERROR_H */
