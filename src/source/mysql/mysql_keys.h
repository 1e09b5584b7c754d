/*
 * mysql_keys.h --- indexes and foreign keys, from statements to definitions
 *
 * Definitions have them with synchdb.replicate_indexes only.  Names that a
 * statement leaves out are made as the servers make them.
 */
#ifndef SDB_MYSQL_KEYS_H
#define SDB_MYSQL_KEYS_H

#include "change/table.h"
#include "source/mysql/mysql_ddl.h"

/*
 * sdb_mysql_keys_create --- give a table what CREATE TABLE says.
 *
 * in:     table with its columns and primary key
 * memory: CurrentMemoryContext, likewise below
 */
extern void sdb_mysql_keys_create(const MysqlDialect *dialect,
								  const MysqlStatement *statement,
								  SourceTable *table);

/*
 * sdb_mysql_keys_alter --- give `after` what ALTER TABLE makes of those of
 * `before`, whatever after has; origins as in SchemaChange.
 */
extern void sdb_mysql_keys_alter(const MysqlDialect *dialect,
								 const MysqlStatement *statement,
								 const SourceTable *before,
								 const int *origins, SourceTable *after);

#endif							/* SDB_MYSQL_KEYS_H */
