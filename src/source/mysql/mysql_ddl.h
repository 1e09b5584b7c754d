/*
 * mysql_ddl.h --- statements in the binary log as trees
 *
 * Trees hold what was written, resolved against nothing: mysql_resolve.c
 * applies them to definitions.  Names are in the server encoding; other text
 * stays in its own character set until somebody needs it.
 */
#ifndef SDB_MYSQL_DDL_H
#define SDB_MYSQL_DDL_H

#include "nodes/pg_list.h"
#include "source/mysql/mysql_lexer.h"

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
	STATEMENT_DML,				/* rows, logged as a statement */
	STATEMENT_TRUNCATE,			/* DELETE without any condition as well */
	STATEMENT_CREATE_TABLE,
	STATEMENT_DROP_TABLE,
	STATEMENT_RENAME_TABLE,
	STATEMENT_ALTER_TABLE,		/* CREATE and DROP INDEX as well */
	STATEMENT_CREATE_DATABASE,
	STATEMENT_ALTER_DATABASE,
	STATEMENT_DROP_DATABASE
} MysqlStatementKind;

typedef struct MysqlTableName
{
	char	   *database;		/* the default one if none was written */
	char	   *table;
} MysqlTableName;

/* MysqlRename --- one pair of RENAME TABLE */
typedef struct MysqlRename
{
	MysqlTableName *from;
	MysqlTableName *to;
} MysqlRename;

/* MysqlText --- a literal, in the character set that it was written in */
typedef struct MysqlText
{
	const char *bytes;			/* NUL-terminated */
	int			len;
	const char *charset;		/* of its introducer; NULL: the statement's */
} MysqlText;

/* What DEFAULT was written as */
typedef enum MysqlDefaultKind
{
	MYSQL_DEFAULT_ABSENT,
	MYSQL_DEFAULT_NULL,
	MYSQL_DEFAULT_TEXT,			/* value: 'abc' */
	MYSQL_DEFAULT_NUMBER,		/* value: -12.5 */
	MYSQL_DEFAULT_HEX,			/* value: digits of X'4F' */
	MYSQL_DEFAULT_BITS,			/* value: digits of B'101' */
	MYSQL_DEFAULT_NOW,
	MYSQL_DEFAULT_EXPRESSION
} MysqlDefaultKind;

typedef struct MysqlDefault
{
	MysqlDefaultKind kind;
	MysqlText  *value;			/* NULL if the kind has none */
} MysqlDefault;

typedef enum MysqlNullness
{
	MYSQL_NULL_ABSENT,
	MYSQL_NULL,
	MYSQL_NOT_NULL
} MysqlNullness;

/* Where a column goes */
typedef enum MysqlPlaceKind
{
	MYSQL_PLACE_ABSENT,			/* stays, or the end for a new one */
	MYSQL_PLACE_FIRST,
	MYSQL_PLACE_AFTER
} MysqlPlaceKind;

typedef struct MysqlPlace
{
	MysqlPlaceKind kind;
	char	   *after;			/* NULL unless MYSQL_PLACE_AFTER */
} MysqlPlace;

/* MysqlCharset --- CHARACTER SET and COLLATE, of a column or a table */
typedef struct MysqlCharset
{
	char	   *charset;		/* lower case; NULL if not written; "default" as
								 * written */
	char	   *collation;		/* likewise */
	bool		is_binary;		/* the attribute BINARY */
} MysqlCharset;

typedef struct MysqlKeyDef MysqlKeyDef;

typedef struct MysqlColumnDef
{
	char	   *name;
	const char *type;			/* the server's own word: "int", "varchar" */
	int			nargs;
	int64		args[2];
	List	   *labels;			/* of MysqlText *, of ENUM and SET */
	bool		is_unsigned;	/* or zerofill */
	MysqlCharset charset;
	MysqlNullness nullness;
	MysqlDefault value;
	bool		on_update_now;
	bool		auto_increment;
	bool		is_primary;
	bool		is_unique;
	bool		is_generated;
	bool		is_json;		/* MariaDB: the type JSON, or its check */
	const char *period;			/* MariaDB: "ROW START" or "ROW END", constant;
								 * NULL otherwise */
	bool		is_versioned;	/* MariaDB: WITH SYSTEM VERSIONING, which goes
								 * for its table */
	MysqlText  *comment;		/* NULL if not written */
	MysqlKeyDef *references;	/* MYSQL_KEY_FOREIGN; NULL if none */
	MysqlPlace	place;
} MysqlColumnDef;

typedef enum MysqlKeyKind
{
	MYSQL_KEY_PRIMARY,
	MYSQL_KEY_UNIQUE,
	MYSQL_KEY_INDEX,
	MYSQL_KEY_SPECIAL,			/* FULLTEXT, SPATIAL, VECTOR */
	MYSQL_KEY_FOREIGN,
	MYSQL_KEY_CHECK,
	MYSQL_KEY_PERIOD			/* MariaDB: PERIOD FOR ... */
} MysqlKeyKind;

/* MysqlKeyPart --- one column of a key */
typedef struct MysqlKeyPart
{
	char	   *column;			/* NULL for an expression */
	int			prefix;			/* characters or bytes; 0 for all */
	bool		descending;
	bool		is_period;		/* MariaDB: WITHOUT OVERLAPS, column is a
								 * period's name */
} MysqlKeyPart;

/* MysqlKeyDef --- a key or a constraint */
struct MysqlKeyDef
{
	MysqlKeyKind kind;
	char	   *name;			/* of the index; NULL if none was written */
	char	   *constraint;		/* of CONSTRAINT; NULL likewise */
	List	   *parts;			/* of MysqlKeyPart * */
	bool		if_not_exists;	/* MariaDB */
	bool		without_overlaps;	/* MariaDB: a part is_period */

	/* MYSQL_KEY_FOREIGN */
	MysqlTableName *references;
	List	   *referenced;		/* of char *, columns; NIL if none written */
	const char *on_delete;		/* "CASCADE", ..., constant; NULL if none */
	const char *on_update;

	/* MYSQL_KEY_CHECK: the column of json_valid(column), NULL for others */
	char	   *json_column;
};

/* MysqlOptions --- options of a table or database that matter */
typedef struct MysqlOptions
{
	MysqlCharset charset;
	MysqlText  *comment;		/* NULL if not written */
	bool		system_versioning;
	bool		is_sequence;	/* MariaDB: it is no table */
	char	   *engine;			/* NULL if not written */
} MysqlOptions;

typedef enum MysqlAlterKind
{
	ALTER_ADD_COLUMN,			/* column, if_exists: IF NOT EXISTS */
	ALTER_CHANGE_COLUMN,		/* name: the old one; column */
	ALTER_DROP_COLUMN,			/* name */
	ALTER_RENAME_COLUMN,		/* name, new_name */
	ALTER_SET_DEFAULT,			/* name, value */
	ALTER_DROP_DEFAULT,			/* name */
	ALTER_ADD_KEY,				/* key */
	ALTER_DROP_KEY,				/* name: of an index */
	ALTER_DROP_PRIMARY,
	ALTER_DROP_FOREIGN,			/* name */
	ALTER_DROP_CONSTRAINT,		/* name: of whatever constraint */
	ALTER_RENAME_KEY,			/* name, new_name */
	ALTER_RENAME_TABLE,			/* table */
	ALTER_CONVERT_CHARSET,		/* options.charset */
	ALTER_OPTIONS,				/* options */
	ALTER_ADD_VERSIONING,		/* MariaDB: rows get a history */
	ALTER_DROP_VERSIONING,
	ALTER_MOVE_ROWS				/* takes rows in or out without logging them */
} MysqlAlterKind;

typedef struct MysqlAlterAction
{
	MysqlAlterKind kind;
	bool		if_exists;		/* IF EXISTS, IF NOT EXISTS */
	char	   *name;
	char	   *new_name;
	MysqlColumnDef *column;
	MysqlDefault value;
	MysqlKeyDef *key;
	MysqlTableName *table;		/* new name; the one of EXCHANGE PARTITION or
								 * CONVERT PARTITION, NULL if none */
	MysqlOptions options;
} MysqlAlterAction;

typedef struct MysqlStatement
{
	MysqlStatementKind kind;
	char	   *failure;		/* NULL if all of it was understood; else what
								 * was not.  kind and what was read of the
								 * rest are there, all the same */
	bool		is_temporary;
	bool		if_exists;		/* IF EXISTS, IF NOT EXISTS */
	bool		replaces;		/* CREATE OR REPLACE */
	List	   *tables;			/* of MysqlTableName *; of a database: one,
								 * its table NULL */
	List	   *renames;		/* of MysqlRename *, STATEMENT_RENAME_TABLE */

	/* STATEMENT_CREATE_TABLE */
	List	   *columns;		/* of MysqlColumnDef * */
	List	   *keys;			/* of MysqlKeyDef * */
	MysqlTableName *like;		/* NULL if not LIKE */
	bool		has_select;

	MysqlOptions options;		/* of CREATE and ALTER DATABASE as well */
	List	   *actions;		/* of MysqlAlterAction *, in order */
	char	   *xid;			/* of XA COMMIT and XA ROLLBACK, see
								 * sdb_mysql_ddl_xid; else NULL */
} MysqlStatement;

/*
 * sdb_mysql_ddl_parse --- make a tree of a statement.
 *
 * in:     sql[0 .. len-1] as the client sent it, database the default one (in
 *         the server encoding)
 * memory: CurrentMemoryContext
 * errors: none for what is not understood, see MysqlStatement.failure; 22021
 *         for a name that the server encoding cannot hold
 */
extern void sdb_mysql_ddl_parse(const MysqlDialect *dialect, const char *sql,
								int len, const char *database,
								MysqlStatement *statement);

/*
 * sdb_mysql_ddl_xid --- the one spelling of an XA transaction's id.
 *
 * 'ab' and X'6162',X'',1 are both X'6162',X'',1.  NULL if it is no xid.
 */
extern char *sdb_mysql_ddl_xid(const char *text, int len);

#endif							/* SDB_MYSQL_DDL_H */
