/*
 * mysql_resolve.h --- what a statement makes of a definition
 *
 * Says what the server's information_schema would say after the statement, so
 * that a definition is the same whether it was described or followed.
 */
#ifndef SDB_MYSQL_RESOLVE_H
#define SDB_MYSQL_RESOLVE_H

#include "change/table.h"
#include "source/mysql/mysql_ddl.h"

/* MysqlResolver --- what a statement does not say */
typedef struct MysqlResolver
{
	const MysqlDialect *dialect;
	const char *database_charset;	/* default of the table's database */
	bool		explicit_timestamps;	/* explicit_defaults_for_timestamp */

	/*
	 * YYYY-MM-DD HH:MM:SS in the statement's time zone as the same in UTC;
	 * NULL if that cannot be told.
	 */
	char	   *(*to_utc) (void *arg, const char *local);
	void	   *arg;
} MysqlResolver;

/* MysqlAltered --- what ALTER TABLE comes to */
typedef struct MysqlAltered
{
	SourceTable *after;			/* its name is that of before */
	int		   *origins;		/* see SchemaChange */
	bool		moves_rows;		/* rows came, went or changed without being
								 * logged */
} MysqlAltered;

/*
 * sdb_mysql_resolve_create --- the table that CREATE TABLE (columns) makes.
 *
 * database, name: as they are to be written in the definition
 * result: NULL if that cannot be told, with the reason in *reason
 * memory: CurrentMemoryContext
 * errors: 0A000 for a column that cannot be captured, 22021 for text that the
 *         server encoding cannot hold; likewise below
 */
extern SourceTable *sdb_mysql_resolve_create(const MysqlResolver *resolver,
											 const MysqlStatement *statement,
											 const char *database,
											 const char *name,
											 char **reason);

/* The table that CREATE TABLE name LIKE other makes. */
extern SourceTable *sdb_mysql_resolve_like(const SourceTable *other,
										   const char *name);

/*
 * sdb_mysql_resolve_alter --- what ALTER TABLE makes of `before`.
 *
 * result: false if that cannot be told, with the reason in *reason
 */
extern bool sdb_mysql_resolve_alter(const MysqlResolver *resolver,
									const SourceTable *before,
									const MysqlStatement *statement,
									MysqlAltered *altered, char **reason);

/*
 * The character set of a table or column: what was written, else `inherited`;
 * NULL if that is not known.
 */
extern const char *sdb_mysql_resolve_charset(const MysqlResolver *resolver,
											 const MysqlCharset *charset,
											 const char *inherited);

/*
 * sdb_mysql_resolve_column --- a column as a definition says it.
 *
 * table_id: for messages; table_charset: of the table, NULL if not known
 * out:    *zero_default: it is a TIMESTAMP that is zero by default, unless it is
 *         the first one of the table, which is then kept up to date
 * result: false if it cannot be told, with the reason in *reason
 */
extern bool sdb_mysql_resolve_column(const MysqlResolver *resolver,
									 const MysqlColumnDef *def,
									 const char *table_id,
									 const char *table_charset,
									 SourceColumn *column, bool *zero_default,
									 char **reason);

/* What CONVERT TO CHARACTER SET does to a column. */
extern void sdb_mysql_resolve_convert(SourceColumn *column,
									  const char *charset);

/* Set a column's default to what was written. */
extern void sdb_mysql_resolve_default(const MysqlResolver *resolver,
									  const MysqlDefault *value,
									  SourceColumn *column);

/* Are digits of a second that a type has not cut off, rather than rounded? */
extern bool sdb_mysql_resolve_cuts_fractions(const MysqlDialect *dialect);

/* A literal in the server encoding. */
extern char *sdb_mysql_resolve_text(const MysqlResolver *resolver,
									const MysqlText *text);

#endif							/* SDB_MYSQL_RESOLVE_H */
