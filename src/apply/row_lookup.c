/*
 * row_lookup.c --- finding the row that a change is about
 *
 * A row is found by what the source sent of it.  An index that identifies
 * rows (Lookup.unique) and whose columns were all sent gives the row itself.
 * Without one, any btree index narrows the search as far as its leading
 * columns were sent, and every candidate is compared in all sent columns;
 * without an index the table is scanned.  Of several equal rows one is taken:
 * the source's log says for a table without key how many rows changed, never
 * which.
 *
 * Pending inserts of the heap are written when the row may be among them: before
 * a search that does not go by identity, and when one that does finds nothing.
 * So an insert may come after changes of other rows that followed it.  Unique
 * indexes bear that: while the insert waits, its row is at the source and holds
 * its values there, so no other row can have taken them.
 *
 * A key that was met lately has its TID in a cache, which saves the search.
 *
 * Scans use a dirty snapshot: they see what this transaction did, command ids
 * aside, and tell when another transaction is at work on a row, which is
 * waited for.  Index scans stay open until sdb_lookup_end and are started
 * over for each row.  The slot must be cleared before that: a page that is
 * pinned twice by us could not be pruned.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "apply/apply_internal.h"
#include "util/compat.h"

/* Outcome of looking at what one scan has to offer */
typedef enum ScanOutcome
{
	SCAN_FOUND,
	SCAN_NOTHING,
	SCAN_AGAIN					/* another transaction was waited for */
} ScanOutcome;

static bool make_lookup(Lookup *lookup, Relation rel, Relation index);
static int	rank(const Lookup *lookup, Oid primary_key);
static const Lookup *choose(ApplyTarget *target, const RowImage *image,
							int *nkeys);
static bool is_exact(const Lookup *lookup, int nkeys, const RowImage *image);
static bool look(ApplyTarget *target, Lookup *lookup, int nkeys, bool exact,
				 const RowImage *image);
static ScanOutcome index_lookup(ApplyTarget *target, Lookup *lookup, int nkeys,
								bool exact, const RowImage *image);
static bool fetch_cached(ApplyTarget *target, const Lookup *lookup,
						 uint64 hash, const RowImage *image);
static bool fetch_next(IndexScanDesc scan, TupleTableSlot *slot,
					   ItemPointer tid);
static ScanOutcome heap_lookup(ApplyTarget *target, const RowImage *image);
static bool wait_for_others(ApplyTarget *target);
static bool matches(ApplyTarget *target, const RowImage *image);
static bool equal_in_sent(ApplyTarget *target, const RowImage *image);
static FmgrInfo *equality(ApplyTarget *target, Form_pg_attribute att);

Lookup *
sdb_lookup_list(Relation rel, int *nlookups)
{
	List	   *indexes = RelationGetIndexList(rel);
	Oid			primary_key = sdb_primary_key_index(rel);
	Lookup	   *result = palloc0_array(Lookup, list_length(indexes));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Lookup		lookup = {.indexid = lfirst_oid(lc)};
		int			at;

		if (make_lookup(&lookup, rel, index))
		{
			for (at = n; at > 0 && rank(&lookup, primary_key) <
				 rank(&result[at - 1], primary_key); at--)
				result[at] = result[at - 1];
			result[at] = lookup;
			n++;
		}
		index_close(index, NoLock);
	}
	list_free(indexes);
	*nlookups = n;
	return result;
}

bool
sdb_lookup_row(ApplyTarget *target, const RowImage *image)
{
	int			nkeys = 0;
	Lookup	   *lookup = unconstify(Lookup *, choose(target, image, &nkeys));
	bool		exact = is_exact(lookup, nkeys, image);

	if (!exact)
		sdb_heap_flush(target);
	if (look(target, lookup, nkeys, exact, image))
		return true;
	if (target->npending == 0)
		return false;
	sdb_heap_flush(target);
	return look(target, lookup, nkeys, exact, image);
}

void
sdb_lookup_end(ApplyTarget *target)
{
	for (int i = 0; i < target->nlookups; i++)
	{
		if (target->lookups[i].scan != NULL)
			index_endscan(target->lookups[i].scan);
		target->lookups[i].scan = NULL;
	}
}

/* Can the index find rows by plain equality? */
static bool
make_lookup(Lookup *lookup, Relation rel, Relation index)
{
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;

	lookup->unique = form->indisunique && form->indimmediate;
	lookup->attnums = palloc_array(AttrNumber, form->indnkeyatts);
	lookup->keys = palloc_array(ScanKeyData, form->indnkeyatts);
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];
		Oid			opcintype = index->rd_opcintype[i];
		Oid			operator;

		if (attnum <= 0)
			break;
		operator = get_opfamily_member(index->rd_opfamily[i], opcintype,
									   opcintype, BTEqualStrategyNumber);
		if (!OidIsValid(operator))
			elog(ERROR, "index \"%s\" has no equality operator",
				 RelationGetRelationName(index));
		ScanKeyEntryInitialize(&lookup->keys[i], 0, i + 1,
							   BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[i],
							   get_opcode(operator), (Datum) 0);
		lookup->attnums[i] = attnum;
		lookup->nkeys++;
		if (!TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attnotnull)
			lookup->unique = false;
	}
	if (lookup->nkeys < form->indnkeyatts)
		lookup->unique = false;
	return lookup->nkeys > 0;
}

/* Order of trying: primary key, unique indexes, others with more keys first */
static int
rank(const Lookup *lookup, Oid primary_key)
{
	if (lookup->unique)
		return lookup->indexid == primary_key ? 0 : 1;
	return 2 + INDEX_MAX_KEYS - lookup->nkeys;
}

/*
 * The index to use for this image and how many of its keys; NULL if none.
 */
static const Lookup *
choose(ApplyTarget *target, const RowImage *image, int *nkeys)
{
	const Lookup *narrowing = NULL;

	for (int i = 0; i < target->nlookups; i++)
	{
		const Lookup *lookup = &target->lookups[i];
		int			n = 0;

		if (lookup->position < 0)
			continue;
		while (n < lookup->nkeys && image->sent[lookup->attnums[n] - 1])
			n++;
		if (lookup->unique && n == lookup->nkeys)
		{
			*nkeys = n;
			return lookup;
		}
		if (n > 0 && narrowing == NULL)
		{
			narrowing = lookup;
			*nkeys = n;
		}
	}
	return narrowing;
}

/* Can the index, by so many of its keys, find no other row than the one? */
static bool
is_exact(const Lookup *lookup, int nkeys, const RowImage *image)
{
	if (lookup == NULL || !lookup->unique || nkeys < lookup->nkeys)
		return false;
	for (int i = 0; i < nkeys; i++)
		if (image->isnull[lookup->attnums[i] - 1])
			return false;
	return true;
}

/* Find the row among those that are written. */
static bool
look(ApplyTarget *target, Lookup *lookup, int nkeys, bool exact,
	 const RowImage *image)
{
	ScanOutcome outcome;
	MemoryContext oldcxt;

	/* an open scan keeps what it allocates on the way */
	oldcxt = MemoryContextSwitchTo(target->table->estate->es_query_cxt);
	do
	{
		CHECK_FOR_INTERRUPTS();
		ExecClearTuple(target->found);
		outcome = lookup == NULL ? heap_lookup(target, image) :
			index_lookup(target, lookup, nkeys, exact, image);
	} while (outcome == SCAN_AGAIN);
	MemoryContextSwitchTo(oldcxt);
	return outcome == SCAN_FOUND;
}

static ScanOutcome
index_lookup(ApplyTarget *target, Lookup *lookup, int nkeys, bool exact,
			 const RowImage *image)
{
	ScanKeyData keys[INDEX_MAX_KEYS];
	ResultRelInfo *rri = target->rri;
	ItemPointerData tid;
	uint64		hash = 0;

	for (int i = 0; i < nkeys; i++)
	{
		int			column = lookup->attnums[i] - 1;

		keys[i] = lookup->keys[i];
		keys[i].sk_argument = image->values[column];
		if (image->isnull[column])
		{
			keys[i].sk_flags = SK_ISNULL | SK_SEARCHNULL;
			keys[i].sk_argument = (Datum) 0;
		}
	}

	if (lookup->scan != NULL && lookup->scan_nkeys != nkeys)
	{
		index_endscan(lookup->scan);
		lookup->scan = NULL;
	}
	if (lookup->scan == NULL)
	{
		Relation	index = rri->ri_IndexRelationDescs[lookup->position];

		lookup->scan = sdb_index_beginscan(target->rel, index,
										   &target->dirty, nkeys);
		lookup->scan_nkeys = nkeys;
	}

	if (exact)
	{
		hash = sdb_tid_cache_hash(lookup, RelationGetDescr(target->rel),
								  image->values);
		if (fetch_cached(target, lookup, hash, image))
			return wait_for_others(target) ? SCAN_AGAIN : SCAN_FOUND;
	}
	index_rescan(lookup->scan, keys, nkeys, NULL, 0);
	while (fetch_next(lookup->scan, target->found, &tid))
	{
		if (exact)
			sdb_tid_cache_put(target->table->apply, hash, &tid);
		else if (!matches(target, image))
			continue;
		return wait_for_others(target) ? SCAN_AGAIN : SCAN_FOUND;
	}
	return SCAN_NOTHING;
}

/* Follow what the cache has; false if the row of the key is not there. */
static bool
fetch_cached(ApplyTarget *target, const Lookup *lookup, uint64 hash,
			 const RowImage *image)
{
	TupleDesc	desc = RelationGetDescr(target->rel);
	ItemPointerData tid;
	bool		call_again = false;
	bool		all_dead = false;

	if (!sdb_tid_cache_get(target->table->apply, hash, &tid))
		return false;
	/* nobody can cut the table off while it is open here */
	if (ItemPointerGetBlockNumber(&tid) >= target->nblocks)
		target->nblocks = RelationGetNumberOfBlocks(target->rel);
	if (ItemPointerGetBlockNumber(&tid) >= target->nblocks ||
		!table_index_fetch_tuple(lookup->scan->xs_heapfetch, &tid,
								 &target->dirty, target->found, &call_again,
								 &all_dead))
		return false;

	for (int i = 0; i < lookup->nkeys; i++)
	{
		int			column = lookup->attnums[i] - 1;
		Form_pg_attribute att = TupleDescAttr(desc, column);
		bool		isnull;
		Datum		value = slot_getattr(target->found, column + 1, &isnull);

		if (isnull || !datum_image_eq(value, image->values[column],
									  att->attbyval, att->attlen))
		{
			ExecClearTuple(target->found);
			return false;
		}
	}
	return true;
}

/*
 * index_getnext_slot, which also tells the TID that the index has: where a
 * chain of versions begins.
 */
static bool
fetch_next(IndexScanDesc scan, TupleTableSlot *slot, ItemPointer tid)
{
	for (;;)
	{
		if (!scan->xs_heap_continue)
		{
			ItemPointer next = index_getnext_tid(scan, ForwardScanDirection);

			if (next == NULL)
				return false;
			*tid = *next;
		}
		if (index_fetch_heap(scan, slot))
			return true;
	}
}

static ScanOutcome
heap_lookup(ApplyTarget *target, const RowImage *image)
{
	TableScanDesc scan = table_beginscan(target->rel, &target->dirty, 0, NULL);
	ScanOutcome outcome = SCAN_NOTHING;

	while (outcome == SCAN_NOTHING &&
		   table_scan_getnextslot(scan, ForwardScanDirection, target->found))
	{
		CHECK_FOR_INTERRUPTS();
		if (matches(target, image))
			outcome = wait_for_others(target) ? SCAN_AGAIN : SCAN_FOUND;
	}
	table_endscan(scan);
	return outcome;
}

/*
 * Is another transaction making or removing the row just found?  Waits for
 * its end if so.
 */
static bool
wait_for_others(ApplyTarget *target)
{
	TransactionId other = TransactionIdIsValid(target->dirty.xmin) ?
		target->dirty.xmin : target->dirty.xmax;

	if (!TransactionIdIsValid(other))
		return false;
	ExecClearTuple(target->found);
	XactLockTableWait(other, NULL, NULL, XLTW_None);
	return true;
}

/* Is the row found equal to the image in all that was sent? */
static bool
matches(ApplyTarget *target, const RowImage *image)
{
	EState	   *estate = target->table->estate;
	MemoryContext oldcxt;
	bool		result;

	oldcxt = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	result = equal_in_sent(target, image);
	MemoryContextSwitchTo(oldcxt);
	ResetPerTupleExprContext(estate);
	return result;
}

static bool
equal_in_sent(ApplyTarget *target, const RowImage *image)
{
	TupleDesc	desc = RelationGetDescr(target->rel);
	TupleTableSlot *found = target->found;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		FmgrInfo   *equal;
		bool		isnull;
		Datum		value;

		if (!image->sent[i] || att->attisdropped)
			continue;
		value = slot_getattr(found, i + 1, &isnull);
		if (isnull != image->isnull[i])
			return false;
		if (isnull)
			continue;
		equal = equality(target, att);
		if (equal->fn_oid == InvalidOid ?
			!datum_image_eq(value, image->values[i], att->attbyval,
							att->attlen) :
			!DatumGetBool(FunctionCall2Coll(equal, att->attcollation, value,
											image->values[i])))
			return false;
	}
	return true;
}

/*
 * The equality of a column's type; fn_oid is InvalidOid if it has none, like
 * json, whose values are then compared as they are stored.
 */
static FmgrInfo *
equality(ApplyTarget *target, Form_pg_attribute att)
{
	int			column = att->attnum - 1;
	MemoryContext oldcxt;
	TypeCacheEntry *type;

	if (target->equals != NULL && target->equals[column] != NULL)
		return target->equals[column];

	oldcxt = MemoryContextSwitchTo(target->context);
	if (target->equals == NULL)
		target->equals = palloc0_array(FmgrInfo *,
									   RelationGetDescr(target->rel)->natts);
	target->equals[column] = palloc0_object(FmgrInfo);
	type = lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR);
	if (OidIsValid(type->eq_opr))
		fmgr_info_cxt(get_opcode(type->eq_opr), target->equals[column],
					  target->context);
	MemoryContextSwitchTo(oldcxt);
	return target->equals[column];
}
