/*
 * heap_write.c --- writing rows and their index entries
 *
 * Inserts are gathered in runs, one for each heap, and written by
 * table_multi_insert: one WAL record and one buffer lock for a page of rows.
 * A run ends at RUN_MAX_ROWS, at RUN_MAX_BYTES, when all runs together hold
 * PENDING_MAX_BYTES, or when a row is looked for that may be in it.  A pending
 * row exists once, as a heap tuple in its slot; generated columns and
 * constraints are seen to before it gets there.
 *
 * Updates and deletes do not lock the row first: table_tuple_update and
 * _delete notice a row that changed since it was found, and the caller then
 * searches again.  That saves a WAL record and a snapshot a row.
 *
 * Rows of a heap with row triggers that fire go one by one through the
 * executor's own functions, which know about triggers; all other runs are
 * written before, so a trigger sees the changes in order.
 *
 * Command ids are advanced only before touching a row that this transaction
 * itself wrote: each pair of them costs memory until the end of transaction.
 *
 * Known limit: as with PostgreSQL's own logical replication, deferrable unique
 * constraints are not rechecked under session_replication_role = replica.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "apply/apply_internal.h"
#include "util/compat.h"

#define RUN_MAX_BYTES		(256 * 1024)
#define PENDING_MAX_BYTES	(2 * 1024 * 1024)
#define FIRST_SLOTS			8

static void grow_slots(ApplyTarget *target);
static void check_row(ApplyTarget *target, TupleTableSlot *row,
					  CmdType operation);
static void insert_with_triggers(ApplyTarget *target, TupleTableSlot *row);
static bool update_with_triggers(ApplyTarget *target, TupleTableSlot *row);
static bool delete_with_triggers(ApplyTarget *target);
static void triggers_begin(ApplyTarget *target);
static void triggers_end(ApplyTarget *target);
static bool lock_found(ApplyTarget *target);
static void see_own_row(ApplyTarget *target);
static bool was_done(ApplyTarget *target, TM_Result result);
static uint64 identity_hash(const ApplyTarget *target,
							const TupleTableSlot *row);
static void remember(ApplyTarget *target, uint64 hash, ItemPointer tid);

void
sdb_heap_fill_insert(ApplyTarget *target, const RowImage *image,
					 TupleTableSlot *slot)
{
	int			natts = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	if (target->from_root == NULL)
	{
		memcpy(slot->tts_values, image->values, natts * sizeof(Datum));
		memcpy(slot->tts_isnull, image->isnull, natts * sizeof(bool));
	}
	else
	{
		for (int i = 0; i < natts; i++)
		{
			int			from = target->from_root->attnums[i] - 1;

			slot->tts_isnull[i] = from < 0 || image->isnull[from];
			slot->tts_values[i] = from < 0 ? (Datum) 0 : image->values[from];
		}
	}
	ExecStoreVirtualTuple(slot);
}

void
sdb_heap_fill_update(ApplyTarget *target, const RowImage *image,
					 TupleTableSlot *slot)
{
	TupleTableSlot *found = target->found;
	int			natts = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	for (int i = 0; i < natts; i++)
	{
		int			from = target->from_root == NULL ? i :
			target->from_root->attnums[i] - 1;

		if (from >= 0 && image->sent[from])
		{
			slot->tts_values[i] = image->values[from];
			slot->tts_isnull[i] = image->isnull[from];
		}
		else
			slot->tts_values[i] = slot_getattr(found, i + 1,
											   &slot->tts_isnull[i]);
	}
	ExecStoreVirtualTuple(slot);
}

TupleTableSlot *
sdb_heap_next_slot(ApplyTarget *target)
{
	if (target->npending == target->nslots)
	{
		MemoryContext oldcxt = MemoryContextSwitchTo(target->context);

		Assert(target->nslots < target->max_slots);
		if (target->nslots == target->slots_size)
			grow_slots(target);
		target->slots[target->nslots++] =
			MakeSingleTupleTableSlot(target->found->tts_tupleDescriptor,
									 target->found->tts_ops);
		MemoryContextSwitchTo(oldcxt);
	}
	return target->slots[target->npending];
}

void
sdb_heap_append(ApplyTarget *target)
{
	Apply	   *apply = target->table->apply;
	TupleTableSlot *row = target->slots[target->npending];
	Size		nbytes;

	if (target->triggers)
	{
		insert_with_triggers(target, row);
		ExecClearTuple(row);
		return;
	}

	target->hashes[target->npending] = identity_hash(target, row);
	check_row(target, row, CMD_INSERT);
	ExecMaterializeSlot(row);
	nbytes = ExecFetchSlotHeapTuple(row, false, NULL)->t_len;

	if (target->npending++ == 0)
		dlist_push_tail(&apply->pending, &target->pending_node);
	target->pending_bytes += nbytes;
	apply->pending_bytes += nbytes;

	if (apply->careful || target->npending == target->max_slots ||
		target->pending_bytes >= RUN_MAX_BYTES)
		sdb_heap_flush(target);
	else if (apply->pending_bytes >= PENDING_MAX_BYTES)
		sdb_heap_flush_all(apply);
}

void
sdb_heap_flush(ApplyTarget *target)
{
	Apply	   *apply = target->table->apply;
	EState	   *estate = target->table->estate;
	int			n = target->npending;
	MemoryContext oldcxt;

	if (n == 0)
		return;

	/* both leak into the context they are called in */
	oldcxt = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	table_multi_insert(target->rel, target->slots, n,
					   GetCurrentCommandId(true), target->insert_options,
					   target->bistate);
	for (int i = 0; i < n; i++)
	{
		ResetPerTupleExprContext(estate);
		if (target->rri->ri_NumIndices > 0)
			sdb_insert_index_tuples(target->rri, target->slots[i], estate,
									false, false);
		remember(target, target->hashes[i], &target->slots[i]->tts_tid);
		ExecClearTuple(target->slots[i]);
	}
	MemoryContextSwitchTo(oldcxt);
	ResetPerTupleExprContext(estate);

	dlist_delete(&target->pending_node);
	apply->pending_bytes -= target->pending_bytes;
	target->npending = 0;
	target->pending_bytes = 0;
}

void
sdb_heap_flush_all(Apply *apply)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &apply->pending)
		sdb_heap_flush(dlist_container(ApplyTarget, pending_node, iter.cur));
}

bool
sdb_heap_update(ApplyTarget *target, TupleTableSlot *row)
{
	EState	   *estate = target->table->estate;
	TM_FailureData failure;
	LockTupleMode lockmode;
	TU_UpdateIndexes update_indexes;
	uint64		hash = identity_hash(target, row);

	if (!target->published_update)
		CheckCmdReplicaIdentity(target->rel, CMD_UPDATE);
	target->published_update = true;

	if (target->triggers)
		return update_with_triggers(target, row);

	see_own_row(target);
	check_row(target, row, CMD_UPDATE);
	if (!was_done(target,
				  table_tuple_update(target->rel, &target->found->tts_tid,
									 row, GetCurrentCommandId(true),
									 estate->es_snapshot, InvalidSnapshot,
									 true, &failure, &lockmode,
									 &update_indexes)))
		return false;

	if (target->rri->ri_NumIndices > 0 && update_indexes != TU_None)
	{
		bool		only_summarizing = sdb_only_summarizing(update_indexes);

		sdb_insert_index_tuples(target->rri, row, estate, true,
								only_summarizing);
		if (!only_summarizing)
			remember(target, hash, &row->tts_tid);
	}
	ResetPerTupleExprContext(estate);
	return true;
}

bool
sdb_heap_delete(ApplyTarget *target)
{
	TM_FailureData failure;

	if (!target->published_delete)
		CheckCmdReplicaIdentity(target->rel, CMD_DELETE);
	target->published_delete = true;

	if (target->triggers)
		return delete_with_triggers(target);

	see_own_row(target);
	return was_done(target,
					table_tuple_delete(target->rel, &target->found->tts_tid,
									   GetCurrentCommandId(true),
									   target->table->estate->es_snapshot,
									   InvalidSnapshot, true, &failure,
									   false));
}

/* Room for more slots; most targets never need many. */
static void
grow_slots(ApplyTarget *target)
{
	int			size = Max(FIRST_SLOTS, 2 * target->slots_size);

	size = Min(size, target->max_slots);
	if (target->slots == NULL)
	{
		target->slots = palloc_array(TupleTableSlot *, size);
		target->hashes = palloc_array(uint64, size);
	}
	else
	{
		target->slots = repalloc(target->slots, size * sizeof(TupleTableSlot *));
		target->hashes = repalloc(target->hashes, size * sizeof(uint64));
	}
	target->slots_size = size;
}

/* Generated columns and constraints of a row about to be written */
static void
check_row(ApplyTarget *target, TupleTableSlot *row, CmdType operation)
{
	TupleConstr *constr = RelationGetDescr(target->rel)->constr;
	EState	   *estate = target->table->estate;

	row->tts_tableOid = RelationGetRelid(target->rel);
	if (constr != NULL)
	{
		if (constr->has_generated_stored)
			ExecComputeStoredGenerated(target->rri, estate, row, operation);
		ExecConstraints(target->rri, row, estate);
	}

	/* rows that were routed here fit */
	if (target->rel->rd_rel->relispartition && target->table->routing == NULL)
		ExecPartitionCheck(target->rri, row, estate, true);
	if (constr != NULL)
		ResetPerTupleExprContext(estate);
}

static void
insert_with_triggers(ApplyTarget *target, TupleTableSlot *row)
{
	triggers_begin(target);
	ExecSimpleRelationInsert(target->rri, target->table->estate, row);
	triggers_end(target);
}

static bool
update_with_triggers(ApplyTarget *target, TupleTableSlot *row)
{
	EState	   *estate = target->table->estate;
	EPQState	epqstate;

	if (!lock_found(target))
		return false;
	sdb_eval_plan_qual_init(&epqstate, estate);
	triggers_begin(target);
	ExecSimpleRelationUpdate(target->rri, estate, &epqstate, target->found,
							 row);
	triggers_end(target);
	EvalPlanQualEnd(&epqstate);
	return true;
}

static bool
delete_with_triggers(ApplyTarget *target)
{
	EState	   *estate = target->table->estate;
	EPQState	epqstate;

	if (!lock_found(target))
		return false;
	sdb_eval_plan_qual_init(&epqstate, estate);
	triggers_begin(target);
	ExecSimpleRelationDelete(target->rri, estate, &epqstate, target->found);
	triggers_end(target);
	EvalPlanQualEnd(&epqstate);
	return true;
}

static void
triggers_begin(ApplyTarget *target)
{
	sdb_heap_flush_all(target->table->apply);
	CommandCounterIncrement();
	target->table->estate->es_output_cid = GetCurrentCommandId(true);
	AfterTriggerBeginQuery();
}

static void
triggers_end(ApplyTarget *target)
{
	EState	   *estate = target->table->estate;

	AfterTriggerEndQuery(estate);
	ResetPerTupleExprContext(estate);
	CommandCounterIncrement();
}

/* Lock the row found, as the executor's functions expect. */
static bool
lock_found(ApplyTarget *target)
{
	TM_FailureData failure;
	TM_Result	result;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	result = table_tuple_lock(target->rel, &target->found->tts_tid,
							  GetActiveSnapshot(), target->found,
							  GetCurrentCommandId(false), LockTupleExclusive,
							  LockWaitBlock, 0, &failure);
	PopActiveSnapshot();
	return was_done(target, result);
}

/*
 * A row that this very command wrote cannot be updated or deleted by it: if
 * this transaction wrote the row found, begin a new command.
 */
static void
see_own_row(ApplyTarget *target)
{
	HeapTuple	tuple = ExecFetchSlotHeapTuple(target->found, false, NULL);
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

	if (TransactionIdIsCurrentTransactionId(xmin))
		CommandCounterIncrement();
}

static bool
was_done(ApplyTarget *target, TM_Result result)
{
	if (result == TM_Ok)
		return true;
	if (result != TM_Updated && result != TM_Deleted)
		elog(ERROR, "unexpected state %d of a row in table \"%s\"",
			 (int) result, target->table->name);
	return false;
}

/*
 * For the TID cache, of a row whose values stand in the slot's arrays; 0 if
 * there is nothing to remember it by, or too much, as in a load.
 */
static uint64
identity_hash(const ApplyTarget *target, const TupleTableSlot *row)
{
	const Lookup *lookup = target->lookups;

	if (target->nlookups == 0 || !lookup->unique || target->bistate != NULL)
		return 0;
	/* what is generated is not there yet */
	for (int i = 0; i < lookup->nkeys; i++)
		if (row->tts_isnull[lookup->attnums[i] - 1])
			return 0;
	return sdb_tid_cache_hash(lookup, row->tts_tupleDescriptor,
							  row->tts_values);
}

static void
remember(ApplyTarget *target, uint64 hash, ItemPointer tid)
{
	if (hash != 0)
		sdb_tid_cache_put(target->table->apply, hash, tid);
}
