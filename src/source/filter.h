/*
 * filter.h --- which tables of a source are captured
 *
 * The table list that users write: comma separated regular expressions, each
 * anchored at both ends and blind to case, matched against database.table (or
 * schema.table where databases have schemas).  "null" or "" captures all.
 */
#ifndef SDB_FILTER_H
#define SDB_FILTER_H

typedef struct TableFilter TableFilter;

/*
 * sdb_filter_make --- compile a list, in CurrentMemoryContext.
 *
 * list:   NULL, "" or "null" for all tables.
 * errors: 22023 naming the entry and the reason.
 */
extern TableFilter *sdb_filter_make(const char *list);

/* Does the list capture all tables? */
extern bool sdb_filter_is_all(const TableFilter *filter);

/* Does the list name this table?  name is "database.table". */
extern bool sdb_filter_matches(const TableFilter *filter, const char *name);

#endif							/* SDB_FILTER_H */
