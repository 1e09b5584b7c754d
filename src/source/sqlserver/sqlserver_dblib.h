/*
 * sqlserver_dblib.h --- what the files around the client library share
 *
 * The only header that includes sybdb.h; sqlserver_conn.h is what the others
 * include.
 */
#ifndef SDB_SQLSERVER_DBLIB_H
#define SDB_SQLSERVER_DBLIB_H

#include <sqlfront.h>
#include <sybdb.h>

#include "source/sqlserver/sqlserver_conn.h"
#include "util/compat.h"

/* SqlServerNoted --- what the library's handlers were told of one call */
typedef struct SqlServerNoted
{
	int			number;			/* of the server's first error; 0 if none */
	int			severity;
	int			state;
	char		message[2048];	/* its text */
	int			client_number;	/* of the library's first error; 0 if none */
	int			os_error;
	char		client_message[512];
	bool		damaged;		/* text could not be converted */
} SqlServerNoted;

struct SqlServerConn
{
	MemoryContext context;		/* this struct and all it points to */
	MemoryContextCallback callback;
	DBPROCESS  *process;		/* NULL until logged in */
	char	   *address;		/* "host:port" */
	int			query_timeout_ms;
	bool		has_fd;			/* AcquireExternalFD was called */
	bool		broken;			/* good for nothing but closing */
	bool		damaged;		/* of the row last fetched */
	char	   *statement;		/* the last batch; NULL before the first */

	/* the open result */
	int			nfields;		/* 0 outside of one */
	SqlServerWireType *types;
	int			allocated;		/* length of types */
};

/* Of the call at work; cleared by sdb_sqlserver_error_clear. */
extern SqlServerNoted sdb_sqlserver_noted;

/*
 * Every call of the library that may fail comes after this, which also puts
 * our handlers in place: another user of the library may have set its own.
 */
extern void sdb_sqlserver_error_clear(void);

/* SQLSTATE for an error number of the server */
extern int	sdb_sqlserver_error_class(int number);

/* Raises what was noted of a login. */
pg_noreturn extern void sdb_sqlserver_error_login(const SqlServerConnOptions *options,
												  const char *address);

/*
 * sdb_sqlserver_login --- log in at the first host that lets us.
 *
 * out: conn->process and conn->address
 */
extern void sdb_sqlserver_login(SqlServerConn *conn,
								const SqlServerConnOptions *options);

#endif							/* SDB_SQLSERVER_DBLIB_H */
