/*
 * mysql_ddl.h --- what a statement in the binary log does, as far as needed
 */
#ifndef SDB_MYSQL_DDL_H
#define SDB_MYSQL_DDL_H

#include "nodes/pg_list.h"

typedef enum MysqlStatementKind
{
	STATEMENT_OTHER,			/* touches no table's rows or definition */
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_ROLLBACK_TO,
	STATEMENT_XA_START,
	STATEMENT_XA_PREPARE,
	STATEMENT_XA_COMMIT,
	STATEMENT_XA_ROLLBACK,
	STATEMENT_CREATE_TABLE,
	STATEMENT_DROP_TABLE,
	STATEMENT_DROP_DATABASE,	/* tables: one entry, its table NULL */
	STATEMENT_ALTER_TABLE,		/* CREATE and DROP INDEX as well */
	STATEMENT_MOVE_ROWS,		/* ALTER and RENAME that take rows in or out
								 * without logging them */
	STATEMENT_TRUNCATE,			/* DELETE without any condition as well */
	STATEMENT_DML				/* rows, logged as a statement */
} MysqlStatementKind;

typedef struct MysqlTableName
{
	char	   *database;		/* the default one if none was written */
	char	   *table;
} MysqlTableName;

typedef struct MysqlStatement
{
	MysqlStatementKind kind;
	bool		replaces;		/* CREATE OR REPLACE TABLE */
	List	   *tables;			/* of MysqlTableName * */
	char	   *xid;			/* of XA COMMIT and XA ROLLBACK, see
								 * sdb_mysql_ddl_xid; else NULL */
} MysqlStatement;

/*
 * sdb_mysql_ddl_parse --- classify a statement and find its tables.
 *
 * in:     sql[0 .. len-1] as the client sent it, database the default one (in
 *         the server encoding)
 * out:    names in the server encoding, in CurrentMemoryContext
 * errors: none; a statement that is not understood is STATEMENT_OTHER
 * limits: temporary tables are ignored.  Text that is not UTF-8 is taken for
 *         latin1.
 */
extern void sdb_mysql_ddl_parse(const char *sql, int len, const char *database,
								MysqlStatement *statement);

/*
 * sdb_mysql_ddl_xid --- the one spelling of an XA transaction's id.
 *
 * 'ab' and X'6162',X'',1 are both X'6162',X'',1.  NULL if it is no xid.
 */
extern char *sdb_mysql_ddl_xid(const char *text, int len);

#endif							/* SDB_MYSQL_DDL_H */
