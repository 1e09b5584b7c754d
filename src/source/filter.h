/*
 * filter.h --- which tables of a source are captured
 *
 * The table list that users write: comma separated regular expressions, each
 * anchored at both ends and blind to case, matched against database.table (or
 * schema.table where databases have schemas).  "null" or "" captures all.
 */
#ifndef SDB_FILTER_H
#define SDB_FILTER_H

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
 * sdb_filter_only --- one name.
 *
 * memory: CurrentMemoryContext; point to their arguments
 */
extern TableFilter *sdb_filter_without(const TableFilter *filter,
									   List *names);
extern TableFilter *sdb_filter_only(const char *name);

/* The entries (char *) of a list that match none of these names. */
extern List *sdb_filter_idle_entries(const TableFilter *filter, List *names);

/* Does the list capture all tables? */
extern bool sdb_filter_is_all(const TableFilter *filter);

/* Does the list name this table?  name is "database.table". */
extern bool sdb_filter_matches(const TableFilter *filter, const char *name);

#endif							/* SDB_FILTER_H */
