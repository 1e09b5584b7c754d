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
#include "checkpoint/connector.h"

typedef struct TableProgress TableProgress;

/*
 * sdb_tables_load --- from the stored states, a List of TableState *, which
 * must live as long as the result (in CurrentMemoryContext).
 */
extern TableProgress *sdb_tables_load(const SourceRoutine *routine,
									  List *states);

/* A source transaction begins; source is between its BEGIN and COMMIT. */
extern void sdb_tables_begin(TableProgress *progress, Source *source);

/*
 * sdb_tables_mode --- how a change of this table in the present transaction is
 * applied; false if it is not, since the copy contains it.
 */
extern bool sdb_tables_mode(TableProgress *progress, const SourceTable *table,
							ApplyMode *mode);

/* True once, when the stream has passed the points of all tables. */
extern bool sdb_tables_settle(TableProgress *progress);

/* Stores a table that the stream created, or forgets one that it dropped. */
extern void sdb_tables_add(Connector *connector, SourceTable *table);
extern void sdb_tables_drop(Connector *connector, const SourceTable *table);

/* Records the columns of a target table in synchdb_attribute. */
extern void sdb_tables_record_attributes(const Connector *connector,
										 const SourceTable *table);

#endif							/* SDB_TABLES_H */
