/*
 * filter.h --- which tables of a source are captured
 *
 * The table list that users write: comma separated regular expressions, each
 * anchored at both ends and blind to case, matched against database.table (or,
 * where databases have schemas, schema.table and database.schema.table).
 * "null" or "" captures all.
 */
#ifndef SDB_FILTER_H
#define SDB_FILTER_H

#include "change/table.h"
#include "nodes/pg_list.h"

typedef struct TableFilter TableFilter;

/*
 * sdb_filter_make --- compile a list, in CurrentMemoryContext.
 *
 * list:   NULL, "" or "null" for all tables.
 * errors: 22023 naming the entry and the reason.
 */
extern TableFilter *sdb_filter_make(const char *list);

/*
 * sdb_filter_without --- all that `filter` matches but these names.
 * sdb_filter_only --- one name.  Names are those of sdb_table_plain_name.
 *
 * memory: CurrentMemoryContext; point to their arguments
 */
extern TableFilter *sdb_filter_without(const TableFilter *filter,
									   List *names);
extern TableFilter *sdb_filter_only(const char *name);

/*
 * sdb_filter_idle_entries --- the entries (char *) of a list that match none of
 * these tables (SourceTable *).
 */
extern List *sdb_filter_idle_entries(const TableFilter *filter, List *tables);

/* Does the list capture all tables? */
extern bool sdb_filter_is_all(const TableFilter *filter);

/*
 * sdb_filter_matches --- does the list name this table?
 *
 * schema: NULL where databases have none
 */
extern bool sdb_filter_matches(const TableFilter *filter, const char *database,
							   const char *schema, const char *table);

#endif							/* SDB_FILTER_H */
