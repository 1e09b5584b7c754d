/*
 * checkpoint.h --- position, table states and counters of a connector
 *
 * Everything here is written in the local transaction that applies the data,
 * so data and checkpoint agree after any crash (ARCHITECTURE.md, invariant 1).
 * What a position means is known to sources only; here it is text.
 */
#ifndef SDB_CHECKPOINT_H
#define SDB_CHECKPOINT_H

#include "access/attnum.h"
#include "nodes/pg_list.h"

#include "change/table.h"

/* Counter --- cumulative numbers and times (ms since 1970) of a connector */
typedef enum Counter
{
	/* added up */
	COUNTER_DDLS,
	COUNTER_DMLS,
	COUNTER_READS,				/* rows copied by snapshots */
	COUNTER_CREATES,
	COUNTER_UPDATES,
	COUNTER_DELETES,
	COUNTER_TXS,
	COUNTER_TRUNCATES,
	COUNTER_BAD_EVENTS,
	COUNTER_TOTAL_EVENTS,
	COUNTER_BATCHES_DONE,
	COUNTER_TABLES,				/* tables copied by snapshots */
	/* overwritten, unless 0 */
	COUNTER_FIRST_SRC_TS,
	COUNTER_FIRST_DBZ_TS,
	COUNTER_FIRST_PG_TS,
	COUNTER_LAST_SRC_TS,
	COUNTER_LAST_DBZ_TS,
	COUNTER_LAST_PG_TS,
	COUNTER_SNAPSHOT_BEGIN_TS,
	COUNTER_SNAPSHOT_END_TS
} Counter;

#define NCOUNTERS (COUNTER_SNAPSHOT_END_TS + 1)
#define NCOUNTERS_ADDED (COUNTER_TABLES + 1)

typedef struct Counters
{
	int64		value[NCOUNTERS];
} Counters;

/* TableStage --- how far a table is */
typedef enum TableStage
{
	TABLE_PENDING,				/* to be copied */
	TABLE_RECOPY,				/* to be copied, replacing what is there */
	TABLE_COPYING,				/* in parts, see ranges.h; some may be there */
	TABLE_READY,				/* copied beside the stream, which does not
								 * know it yet */
	TABLE_COPIED,				/* copied; changes up to its point are skipped */
	TABLE_STREAMING,			/* past its point: every change is applied */
	TABLE_PARTIAL				/* never copied: holds what changed since, and
								 * changes of rows that are not there are no
								 * error */
} TableStage;

typedef struct TableState
{
	SourceTable *table;
	TableStage	stage;
	char	   *from;			/* of SnapshotPoint; NULL but in TABLE_COPYING,
								 * TABLE_READY and TABLE_COPIED */
	char	   *until;			/* NULL if the point is exact, or not known
								 * yet */
	bool		created;		/* TABLE_COPYING: by the copy, which builds
								 * its key at the end */
	SourceTable *stored;		/* in a copy: the definition before it, which
								 * a target that is there has; not stored */
} TableState;

/* Is the table still to be copied, or to be copied further? */
static inline bool
sdb_table_is_pending(const TableState *state)
{
	return state->stage <= TABLE_COPYING;
}

/* Is the stream to leave it alone, for the time being? */
static inline bool
sdb_table_is_apart(const TableState *state)
{
	return state->stage <= TABLE_READY;
}

/* SnapshotRecord --- what a start has to know of earlier ones */
typedef struct SnapshotRecord
{
	char	   *mode;			/* of the last snapshot; NULL if none */
	bool		done;			/* it is complete */
	char	   *table_list;		/* as it was looked at last; NULL if never */
} SnapshotRecord;

/*
 * All functions run in the caller's transaction and in CurrentMemoryContext.
 */

/* The stored position; NULL if none was ever stored. */
extern char *sdb_checkpoint_position(const char *connector);

/*
 * sdb_checkpoint_store --- write position and add counters.
 *
 * position: NULL leaves it
 * counters: NULL for none; the caller zeroes its copy after commit
 */
extern void sdb_checkpoint_store(const char *connector, const char *position,
								 const Counters *counters);

/* The stored error text, NULL if there is none. */
extern char *sdb_checkpoint_error(const char *connector);

/* Stores or clears (NULL) the error text that synchdb_state_view shows. */
extern void sdb_checkpoint_set_error(const char *connector, const char *error);

/* Pause is a wish of the user's that outlives the server. */
extern bool sdb_checkpoint_is_paused(const char *connector);
extern void sdb_checkpoint_set_paused(const char *connector, bool paused);

/* What is stored of the last snapshot; all empty if there was none. */
extern void sdb_checkpoint_get_snapshot(const char *connector,
										SnapshotRecord *record);
extern void sdb_checkpoint_set_snapshot(const char *connector,
										const SnapshotRecord *record);

/*
 * sdb_checkpoint_ask_resync --- ask for a table to be copied again.
 *
 * Nothing but a NOTICE if it is still to be copied anyway.
 *
 * errors: 42P01 if the connector has no such table; 55006 if it is being
 *         copied in ranges
 */
extern void sdb_checkpoint_ask_resync(const char *connector, const char *id);

/* Is there a table that somebody asked for, not yet begun? */
extern bool sdb_checkpoint_has_resync(const char *connector);

/* Makes the tables that were asked for TABLE_RECOPY. */
extern void sdb_checkpoint_begin_resync(const char *connector);

/*
 * sdb_checkpoint_count_start --- count a start of the connector's process that
 * nobody asked for, as after a crash.
 *
 * result: how many of them in a row ended before anything was stored: the next
 *         sdb_checkpoint_store ends the count
 */
extern int	sdb_checkpoint_count_start(const char *connector);

/* Forgets the position alone: the next start copies again. */
extern void sdb_checkpoint_forget_position(const char *connector);

/* Forgets position, tables and error; counters stay. */
extern void sdb_checkpoint_reset(const char *connector);

/* List of TableState *, ordered by id. */
extern List *sdb_checkpoint_tables(const char *connector);

/* Inserts or replaces a table's definition and state. */
extern void sdb_checkpoint_put_table(const char *connector,
									 const TableState *state);
/* Its row is that of new_id from now on; what that had is forgotten. */
extern void sdb_checkpoint_rename_table(const char *connector,
										const char *id, const char *new_id);
extern void sdb_checkpoint_drop_table(const char *connector, const char *id);

/* Makes all TABLE_COPIED tables TABLE_STREAMING: the stream is past them. */
extern void sdb_checkpoint_settle_tables(const char *connector);

/*
 * sdb_checkpoint_claim_table --- lock one table that is to be copied, largest
 * first, that no other worker has locked; NULL if none is left.  The lock
 * lasts until the end of the transaction.
 */
extern TableState *sdb_checkpoint_claim_table(const char *connector);

/*
 * attribute.c: synchdb_attribute, the columns at the source and here.  type is
 * the connector's, id a SourceTable.id.
 */

/*
 * sdb_checkpoint_put_attributes --- record a table's columns.
 *
 * attnums: of table's columns here, InvalidAttrNumber for those that are not
 *          here.  Columns of relid that were recorded and are not among them
 *          are marked as dropped.
 */
extern void sdb_checkpoint_put_attributes(const char *connector,
										  const char *type,
										  const SourceTable *table,
										  Oid relid, const AttrNumber *attnums);

/*
 * sdb_checkpoint_attributes --- read them back.
 *
 * out:    relid; attnums[0 .. table->ncolumns-1], InvalidAttrNumber for a
 *         column that is not recorded
 * result: false if none is recorded of a relation that exists
 */
extern bool sdb_checkpoint_attributes(const char *connector, const char *type,
									  const SourceTable *table, Oid *relid,
									  AttrNumber *attnums);

/* Removes what is recorded of a table, and of relations that are gone. */
extern void sdb_checkpoint_drop_attributes(const char *connector,
										   const char *type, const char *id);

/*
 * sdb_checkpoint_check_attributes --- remove what is recorded of other
 * relations than these tables now have, as after a restore of a dump, and of
 * relations that are gone.
 *
 * in:     ids[n], relids[n]
 * out:    missing[n]: nothing is recorded of that table
 */
extern void sdb_checkpoint_check_attributes(const char *connector,
											const char *type, int n,
											const char *const *ids,
											const Oid *relids, bool *missing);

/* BadChange --- a row of synchdb_error; texts may be NULL */
typedef struct BadChange
{
	const char *position;
	const char *table_id;
	const char *key;			/* of the row: "id=5" */
	const char *change;			/* for people */
	StringInfo	kept;			/* for sdb_change_unpack */
	const char *sqlstate;
	const char *message;
	const char *detail;
} BadChange;

/* Adds a row to synchdb_error. */
extern void sdb_checkpoint_add_error(const char *connector,
									 const BadChange *bad);

#endif							/* SDB_CHECKPOINT_H */
