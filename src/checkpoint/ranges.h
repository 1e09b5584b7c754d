/*
 * ranges.h --- the key ranges of tables that are copied in parts
 *
 * A large table is split into ranges, each copied in a local transaction of
 * its own that also marks it as done: a crash costs the ranges under way and
 * no others.  Who copies a range holds the lock of its row; who completes a
 * table, after the last range, that of the table.
 *
 * All functions run in the caller's transaction.
 */
#ifndef SDB_RANGES_H
#define SDB_RANGES_H

#include "source/source.h"

/* ClaimedRange --- what a process is to copy; in CurrentMemoryContext */
typedef struct ClaimedRange
{
	char	   *id;				/* SourceTable.id */
	int			number;			/* of the range within the table */
	KeyRange	range;
} ClaimedRange;

/* Stores the ranges (List of KeyRange *) of a table that has none. */
extern void sdb_ranges_put(const char *connector, const char *id,
						   List *ranges);

/*
 * sdb_ranges_claim --- lock one range that is still to be copied and that
 * nobody else has locked.  False if there is none.
 */
extern bool sdb_ranges_claim(const char *connector, ClaimedRange *claimed);

/* The claimed range is copied. */
extern void sdb_ranges_mark_done(const char *connector,
								 const ClaimedRange *claimed);

/*
 * sdb_ranges_claim_complete --- lock one table all of whose ranges are copied.
 *
 * out:    claimed->range is one that holds no row
 * result: false if there is none
 */
extern bool sdb_ranges_claim_complete(const char *connector,
									  ClaimedRange *claimed);

/* The number of ranges still to be copied. */
extern int	sdb_ranges_count(const char *connector);

/* Forgets the ranges of one table, or (NULL) of all. */
extern void sdb_ranges_drop(const char *connector, const char *id);

#endif							/* SDB_RANGES_H */
