/*
 * apply.h --- changes into heap
 *
 * Applies rows and truncates to the target tables inside the caller's local
 * transaction.  Inserts are buffered and written in runs; sdb_apply_flush
 * writes what is pending.  Relations, indexes and executor state stay open
 * until sdb_apply_end.
 */
#ifndef SDB_APPLY_H
#define SDB_APPLY_H

#include "change/change.h"

/* How a row meets what is already there */
typedef enum ApplyMode
{
	APPLY_STRICT,				/* a missing or doubled row is an error */
	APPLY_IDEMPOTENT			/* inside a table's window: insert or
								 * overwrite, delete if present */
} ApplyMode;

typedef struct Apply Apply;

/* An Apply lives in a new child of CurrentMemoryContext. */
extern Apply *sdb_apply_create(void);

/*
 * sdb_apply_begin --- to be called once in each local transaction, first.
 *
 * What is open belongs to the subtransaction it was opened in: one that may
 * be rolled back alone is bracketed by a begin and end (or abort) of its own.
 *
 * careful: write each row at once, so that an error names its change.
 */
extern void sdb_apply_begin(Apply *apply, bool careful);

/*
 * sdb_apply_change --- INSERT, UPDATE, DELETE or TRUNCATE.
 *
 * Uses change->table->engine_private to keep its state of the table.
 *
 * errors: 42P01 if the target table is missing, 42703 if a column is, 23505
 *         and others from the heap, P0002 (no_data_found) if a row to update
 *         or delete is not there; all with table and key in the detail
 */
extern void sdb_apply_change(Apply *apply, const Change *change,
							 ApplyMode mode);

/* Writes pending rows. */
extern void sdb_apply_flush(Apply *apply);

/* Bytes held in memory by rows not yet written. */
extern Size sdb_apply_pending_bytes(const Apply *apply);

/* Flushes and closes all relations; call before commit and before DDL. */
extern void sdb_apply_end(Apply *apply);

/* Forgets all state after the local transaction was aborted. */
extern void sdb_apply_abort(Apply *apply);

/* Forget a table whose definition changed (its engine_private). */
extern void sdb_apply_forget(Apply *apply, SourceTable *table);

/*
 * Bulk load of one table (snapshot).  The target relation must have been
 * opened by the load and, if `created`, been created in this transaction: its
 * rows are then written frozen and without WAL where the settings allow.
 */
typedef struct BulkLoad BulkLoad;

extern BulkLoad *sdb_bulk_begin(SourceTable *table, bool created);
extern void sdb_bulk_row(BulkLoad *load, const SourceValue *row);
extern int64 sdb_bulk_end(BulkLoad *load);	/* rows written */

#endif							/* SDB_APPLY_H */
