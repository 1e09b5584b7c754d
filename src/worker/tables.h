/*
 * tables.h --- how far each table is, beside the stream
 *
 * Invariant 2 of ARCHITECTURE.md: a change is applied to a table unless the
 * table's copy already contains it; inside the window of a copy whose point is
 * not exact, changes are applied idempotently.
 */
#ifndef SDB_TABLES_H
#define SDB_TABLES_H

#include "apply/apply.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/connector.h"

typedef struct TableProgress TableProgress;

/*
 * sdb_tables_load --- from the stored states, a List of TableState *, which
 * must live as long as the result (in CurrentMemoryContext).
 */
extern TableProgress *sdb_tables_load(const SourceRoutine *routine,
									  List *states);

/* For stream_begin: tells the table what its copy contains. */
extern void sdb_tables_set_point(TableState *state);

/* A source transaction begins; source is between its BEGIN and COMMIT. */
extern void sdb_tables_begin(TableProgress *progress, Source *source);

/*
 * sdb_tables_mode --- how a change of this table in the present transaction is
 * applied; false if it is not, since the copy contains it.
 */
extern bool sdb_tables_mode(TableProgress *progress, const SourceTable *table,
							ApplyMode *mode);

/*
 * sdb_tables_reach --- the source stands between two transactions: does the
 * stream pass the points of all tables here?  True once.
 */
extern bool sdb_tables_reach(TableProgress *progress, Source *source);

/* True once, when the stream has passed the points of all tables. */
extern bool sdb_tables_settle(TableProgress *progress);

/*
 * sdb_tables_reconcile --- tables whose window the stream has passed, which is
 * stored already, get what had to wait for that: their unique indexes.
 */
extern void sdb_tables_reconcile(TableProgress *progress,
								 Connector *connector);

/*
 * sdb_tables_schema_applies --- is a schema change in the present transaction
 * applied?  Not if the copy of its table was made after it.
 */
extern bool sdb_tables_schema_applies(TableProgress *progress,
									  const SchemaChange *change);

/*
 * sdb_tables_follow --- store what a schema change that was applied made of
 * its table.
 *
 * complete: as sdb_ddl_apply says.  If false, from now on changes of rows that
 *           are not there are no error, and there is a WARNING, or
 * may_copy: the table is asked to be copied again, if it was complete before
 * result: was it?
 */
extern bool sdb_tables_follow(TableProgress *progress, Connector *connector,
							  const SchemaChange *change, bool complete,
							  bool may_copy);

/*
 * sdb_tables_link --- create the foreign keys that are wanted and missing, of
 * all tables whose target is there.
 *
 * changed: only those of this table or to it; NULL for all
 */
extern void sdb_tables_link(Connector *connector, const SourceTable *changed);

/* Forgets a table. */
extern void sdb_tables_drop(Connector *connector, const SourceTable *table);

/* Records the columns of a target table in synchdb_attribute. */
extern void sdb_tables_record_attributes(const Connector *connector,
										 const SourceTable *table);

/*
 * sdb_tables_check_attributes --- put synchdb_attribute right where targets
 * were made anew since it was written, by users or by a restore of a dump.
 *
 * states: List of TableState *; those that are not copied yet are left out
 */
extern void sdb_tables_check_attributes(const Connector *connector,
										List *states);

#endif							/* SDB_TABLES_H */
