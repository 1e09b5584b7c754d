/*
 * naming.h --- where a source table lands
 *
 * database.table of the source becomes schema "database", table "table";
 * database.schema.table likewise, without the schema.  Letters follow
 * synchdb.letter_casing_strategy, and rules of the user's come first.  Names
 * are never cut or merged.
 */
#ifndef SDB_NAMING_H
#define SDB_NAMING_H

#include "change/table.h"
#include "nodes/pg_list.h"

typedef struct TargetTable
{
	char	   *schema;
	char	   *name;
	char	  **columns;		/* of each source column, by idx0 */
} TargetTable;

/*
 * sdb_naming_target --- schema, table and column names for a source table.
 *
 * memory: CurrentMemoryContext
 * errors: 42622 if a name is longer than PostgreSQL allows (names it);
 *         42701 if two columns land on one name
 */
extern TargetTable *sdb_naming_target(const SourceTable *table);

/*
 * sdb_naming_check_collisions --- 42P07 listing the source tables that would
 * land on one target.  tables: List of SourceTable *.
 */
extern void sdb_naming_check_collisions(List *tables);

#endif							/* SDB_NAMING_H */
