/*
 * apply_internal.h --- what the files of apply/ share
 *
 * An Apply holds one ApplyTable for each source table it has met.  The plain
 * case has one ApplyTarget, its heap; a partitioned table has one for each
 * leaf in use, found through its Routing; anything else has an SpiTable.
 *
 *		apply.c			the operations: strict and idempotent, order, limits
 *		relation.c		opening and closing targets, what is cached
 *		row_lookup.c	finding the row that a change is about
 *		tid_cache.c		where the rows of recent changes are
 *		heap_write.c	writing rows and their index entries
 *		routing.c		partitioned targets
 *		truncate.c		emptying a target
 *		spi_apply.c		targets that only SQL can write
 *		bulk.c			snapshots
 *
 * Memory: Apply.context holds the ApplyTable structs.  ApplyTable.context
 * holds what is learned from the catalogs, until a relcache invalidation.
 * Apply.txn_context holds all that is open in a local transaction,
 * Apply.change_context what one change needs.
 */
#ifndef SDB_APPLY_INTERNAL_H
#define SDB_APPLY_INTERNAL_H

#include "access/genam.h"
#include "access/tableam.h"
#include "apply/apply.h"
#include "convert/plan.h"
#include "ddl/naming.h"
#include "lib/ilist.h"
#include "nodes/execnodes.h"

typedef struct ApplyTable ApplyTable;
typedef struct Routing Routing;
typedef struct SpiTable SpiTable;
typedef struct TidCache TidCache;

/* RowImage --- a row in the columns of a relation; entries [attnum - 1] */
typedef struct RowImage
{
	Datum	   *values;
	bool	   *isnull;
	bool	   *sent;			/* false: not known, keep or default */
} RowImage;

/* Lookup --- a btree index that can find rows */
typedef struct Lookup
{
	Oid			indexid;
	int			position;		/* in ResultRelInfo; -1 if it went away */
	bool		unique;			/* equal in all keys is the row: unique, not
								 * deferrable, nothing nullable, no WHERE */
	int			nkeys;			/* leading plain columns of the index */
	AttrNumber *attnums;		/* of the relation, for each key */
	ScanKey		keys;			/* without flags and arguments */
	IndexScanDesc scan;			/* NULL until used in this transaction */
	int			scan_nkeys;		/* keys that scan was begun with */
} Lookup;

/* ApplyTarget --- one heap that rows are written to */
typedef struct ApplyTarget
{
	ApplyTable *table;
	MemoryContext context;		/* slots; lives as long as the target */
	Relation	rel;			/* NULL while closed */
	ResultRelInfo *rri;			/* likewise */
	bool		triggers;		/* row triggers fire: no buffering */
	bool		published_update;	/* CheckCmdReplicaIdentity was passed */
	bool		published_delete;
	AttrMap    *from_root;		/* NULL unless a leaf of different layout */
	RowImage	image;			/* of from_root: a converted image */

	/* finding rows */
	int			nlookups;
	Lookup	   *lookups;		/* the primary key first, then unique ones */
	FmgrInfo  **equals;			/* [attnum - 1], made when first needed */
	SnapshotData dirty;			/* of the scans */
	BlockNumber nblocks;		/* blocks that rel is known to have */
	TupleTableSlot *found;		/* the row found */
	TupleTableSlot *row;		/* the row to write instead */

	/* the pending run of inserts */
	dlist_node	pending_node;	/* in Apply.pending while npending > 0 */
	int			npending;
	int			nslots;			/* made so far */
	int			slots_size;		/* room in slots */
	int			max_slots;
	TupleTableSlot **slots;
	uint64	   *hashes;			/* likewise: of the keys, for the TID cache */
	Size		pending_bytes;
	int			insert_options; /* of table_multi_insert */
	struct BulkInsertStateData *bistate;	/* NULL but in a bulk load */
} ApplyTarget;

struct ApplyTable
{
	Apply	   *apply;
	SourceTable *source;
	MemoryContext context;
	dlist_node	node;			/* in relation.c's list of all */
	dlist_node	open_node;		/* in Apply.open while open */
	dlist_node	ready_node;		/* in Apply.ready while ready */
	Size		nbytes;			/* known and open; 0 if not ready */
	bool		open;			/* in this transaction */
	bool		ready;			/* the fields below are filled */
	bool		stale;			/* since then the relation has changed */

	/* learned from the catalogs */
	Oid			relid;
	char		relkind;
	bool		use_spi;		/* synchdb.dml_use_spi when this was made */
	char	   *name;			/* quoted and qualified, for messages */
	TargetTable *names;
	TupleDesc	desc;			/* a copy */
	ConvertPlan *plan;			/* columns to write */
	ConvertPlan *key_plan;		/* columns that find a row */
	Bitmapset  *key_columns;	/* attnums that key_plan converts; NULL: there
								 * is no key, whole rows */
	AttrNumber *attnums;		/* of source columns, idx0 */
	Bitmapset  *routing_columns;	/* attnums that decide, at any level of
									 * partitioning, where a row goes */
	RowImage	key;			/* what key_plan gave */
	RowImage	row;			/* what plan gave */
	ApplyTarget *main;			/* NULL unless a plain table */
	SpiTable   *spi;			/* NULL unless written through SQL */

	/* open in this transaction; all NULL for SPI */
	Relation	rel;
	EState	   *estate;
	ExprState **defaults;		/* [attnum - 1]; NULL until needed */
	bool	   *default_known;
	int			granted;		/* AclMode bits already checked */
	Routing    *routing;		/* NULL unless partitioned */
};

struct Apply
{
	MemoryContext context;
	MemoryContext txn_context;
	MemoryContext change_context;
	dlist_head	open;			/* ApplyTable.open_node */
	dlist_head	ready;			/* ApplyTable.ready_node, the one that was
								 * opened longest ago first */
	Size		ready_bytes;	/* sum of their nbytes */
	int			nforgotten;		/* tables since catalog caches were reset */
	dlist_head	pending;		/* ApplyTarget.pending_node */
	Size		pending_bytes;
	TidCache   *tids;			/* NULL until something is put there */
	bool		careful;
	bool		active;			/* the snapshot is pushed */
};

/* --- apply.c --- */

/* Pushes the snapshot that functions in defaults and the like need. */
extern void sdb_apply_activate(Apply *apply);

/* INSERT of a row into an open table, strictly. */
extern void sdb_apply_insert(ApplyTable *table, const SourceValue *row);

/* --- relation.c --- */

extern ApplyTable *sdb_relation_make(Apply *apply, SourceTable *source);
extern void sdb_relation_drop(ApplyTable *table);

/*
 * sdb_relation_open --- open the target for the rest of the transaction.
 *
 * Opens again at no cost, and cheaply in the next transaction unless the
 * relation has changed.  Locks with RowExclusiveLock.
 */
extern void sdb_relation_open(ApplyTable *table);

/* Writes what is pending; locks stay until the end of the transaction. */
extern void sdb_relation_close(ApplyTable *table);

/* Forgets what an aborted transaction left behind, for all tables of apply. */
extern void sdb_relation_abort(Apply *apply);

/* Is it a table of the heap access method? */
extern bool sdb_relation_is_heap(Relation rel);

/* The Apply's memory is about to go. */
extern void sdb_relation_unlink(Apply *apply);

/* Errors as core words them unless the current role may do that. */
extern void sdb_relation_check_access(ApplyTable *table, AclMode mode);

/*
 * Fills a target whose fields table, context and rel are set: ResultRelInfo
 * with indexes, lookups, slots.  root is NULL but for a leaf.
 */
extern void sdb_relation_open_target(ApplyTarget *target,
									 ResultRelInfo *root);
extern void sdb_relation_close_target(ApplyTarget *target);

/* --- row_lookup.c --- */

/* The usable indexes of rel, in CurrentMemoryContext. */
extern Lookup *sdb_lookup_list(Relation rel, int *nlookups);

/*
 * sdb_lookup_row --- find a row equal to what the image holds.
 *
 * Sees rows of this transaction, and waits for other transactions that are
 * changing the row.  Indexes are used as far as their columns were sent.
 *
 * out: target->found
 */
extern bool sdb_lookup_row(ApplyTarget *target, const RowImage *image);

/* Ends the scans; the target is about to be closed. */
extern void sdb_lookup_end(ApplyTarget *target);

/* --- tid_cache.c --- */

/*
 * A hash for a key of an index that identifies rows; values [attnum - 1] are
 * of a row in desc, and not null in the key's columns.
 */
extern uint64 sdb_tid_cache_hash(const Lookup *lookup, TupleDesc desc,
								 const Datum *values);

/* The TID that the index may still have for the key.  out: tid */
extern bool sdb_tid_cache_get(const Apply *apply, uint64 hash,
							  ItemPointer tid);
extern void sdb_tid_cache_put(Apply *apply, uint64 hash,
							  const ItemPointerData *tid);

/* --- heap_write.c --- */

/*
 * Store a row of the root's columns in slot, a slot of target.  For an update
 * what was not sent comes from target->found.
 */
extern void sdb_heap_fill_insert(ApplyTarget *target, const RowImage *image,
								 TupleTableSlot *slot);
extern void sdb_heap_fill_update(ApplyTarget *target, const RowImage *image,
								 TupleTableSlot *slot);

/* A free slot at the end of the run; count it in by sdb_heap_append. */
extern TupleTableSlot *sdb_heap_next_slot(ApplyTarget *target);

/*
 * sdb_heap_append --- insert the row in the slot of sdb_heap_next_slot.
 *
 * It is checked now and written with its run, or at once where triggers, the
 * careful mode or the row's size demand it.
 */
extern void sdb_heap_append(ApplyTarget *target);

/* Writes the run. */
extern void sdb_heap_flush(ApplyTarget *target);
extern void sdb_heap_flush_all(Apply *apply);

/*
 * Replace, or delete, the row in target->found.  False if another session
 * changed it since it was found: then search again.
 */
extern bool sdb_heap_update(ApplyTarget *target, TupleTableSlot *row);
extern bool sdb_heap_delete(ApplyTarget *target);

/* --- routing.c --- */

extern Routing *sdb_routing_open(ApplyTable *table);
extern void sdb_routing_close(Routing *routing);
extern void sdb_routing_flush(Routing *routing);

/* ApplyTable.routing_columns of a partitioned table */
extern Bitmapset *sdb_routing_columns(Relation rel);

/* INSERT of a row in the root's columns. */
extern void sdb_routing_insert(Routing *routing, const RowImage *row);

/*
 * Find a row; its leaf, with found filled, or NULL.  missing_ok: a key that
 * no partition takes is no error.
 */
extern ApplyTarget *sdb_routing_lookup(Routing *routing, const RowImage *key,
									   bool missing_ok);

/* As sdb_heap_update; row is in the root's columns. */
extern bool sdb_routing_update(Routing *routing, ApplyTarget *leaf,
							   const RowImage *row);

/* --- truncate.c --- */

/* Nothing may be pending.  Closes the table. */
extern void sdb_truncate_table(ApplyTable *table);

/* --- spi_apply.c --- */

/* All else that is learned from the catalogs is filled. */
extern SpiTable *sdb_spi_make(ApplyTable *table);

extern void sdb_spi_insert(ApplyTable *table);

/* By table->key; false if there is no such row. */
extern bool sdb_spi_update(ApplyTable *table);
extern bool sdb_spi_delete(ApplyTable *table);
extern void sdb_spi_truncate(ApplyTable *table);

#endif							/* SDB_APPLY_INTERNAL_H */
