/*
 * routing.c --- partitioned targets
 *
 * Rows go to their leaf the way the executor sends them.  The row that an
 * UPDATE or DELETE is about is looked for in the leaf that its old values
 * lead to, if all columns that decide that were sent, and in every leaf
 * otherwise.  A new row that does not fit its old leaf moves.
 *
 * A leaf may have its columns in another order than the root: row images are
 * then translated through ApplyTarget.from_root.
 *
 * Leaves are opened when first used and stay open until the end of the
 * transaction.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tupconvert.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"

#include "apply/apply_internal.h"
#include "util/compat.h"

struct Routing
{
	ApplyTable *table;
	ResultRelInfo *rri;			/* of root */
	ModifyTableState *mtstate;
	PartitionTupleRouting *tuple_routing;
	TupleTableSlot *row;		/* in the root's columns */
	List	   *all_leaves;		/* Oids; NIL until needed */
	HTAB	   *leaves;			/* of LeafEntry */
};

typedef struct LeafEntry
{
	Oid			relid;			/* hash key */
	ApplyTarget *target;
} LeafEntry;

static ApplyTarget *get_leaf(Routing *routing, Oid relid);
static ApplyTarget *route(Routing *routing, TupleTableSlot *row);
static const RowImage *image_in_leaf(ApplyTarget *leaf, const RowImage *image);
static bool decides(const Routing *routing, const RowImage *image);
static List *list_leaves(Routing *routing);
static void append_to(ApplyTarget *leaf, TupleTableSlot *row);

Routing *
sdb_routing_open(ApplyTable *table)
{
	Relation	rel = table->rel;
	EState	   *estate = table->estate;
	MemoryContext oldcxt = MemoryContextSwitchTo(estate->es_query_cxt);
	Routing    *routing = palloc0_object(Routing);
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(LeafEntry),
		.hcxt = estate->es_query_cxt
	};

	routing->table = table;
	routing->rri = makeNode(ResultRelInfo);
	InitResultRelInfo(routing->rri, rel, 1, NULL, 0);
	routing->mtstate = makeNode(ModifyTableState);
	routing->mtstate->ps.state = estate;
	routing->mtstate->operation = CMD_INSERT;
	routing->mtstate->mt_nrels = 1;
	routing->mtstate->resultRelInfo = routing->rri;
	routing->mtstate->rootResultRelInfo = routing->rri;
	routing->tuple_routing = ExecSetupPartitionTupleRouting(estate, rel);
	routing->row = MakeSingleTupleTableSlot(table->desc, &TTSOpsVirtual);
	routing->leaves = hash_create("partitions of a target", 32, &ctl,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	MemoryContextSwitchTo(oldcxt);
	return routing;
}

void
sdb_routing_close(Routing *routing)
{
	HASH_SEQ_STATUS status;
	LeafEntry  *entry;

	hash_seq_init(&status, routing->leaves);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		Relation	rel = entry->target->rel;

		sdb_relation_close_target(entry->target);
		table_close(rel, NoLock);
	}
	ExecCleanupTupleRouting(routing->mtstate, routing->tuple_routing);
}

void
sdb_routing_flush(Routing *routing)
{
	HASH_SEQ_STATUS status;
	LeafEntry  *entry;

	hash_seq_init(&status, routing->leaves);
	while ((entry = hash_seq_search(&status)) != NULL)
		sdb_heap_flush(entry->target);
}

Bitmapset *
sdb_routing_columns(Relation rel)
{
	List	   *relids = find_all_inheritors(RelationGetRelid(rel),
											 RowExclusiveLock, NULL);
	Bitmapset  *result = NULL;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Relation	part = table_open(lfirst_oid(lc), NoLock);
		PartitionKey key = RelationGetPartitionKey(part);
		Bitmapset  *used = NULL;
		int			member = -1;

		for (int i = 0; key != NULL && i < key->partnatts; i++)
			if (key->partattrs[i] != 0)
				used = bms_add_member(used, key->partattrs[i] -
									  FirstLowInvalidHeapAttributeNumber);
		if (key != NULL)
			pull_varattnos((Node *) key->partexprs, 1, &used);

		while ((member = bms_next_member(used, member)) >= 0)
		{
			AttrNumber	attnum = member + FirstLowInvalidHeapAttributeNumber;
			char	   *name = get_attname(lfirst_oid(lc), attnum, false);

			attnum = get_attnum(RelationGetRelid(rel), name);
			result = bms_add_member(result, attnum);
		}
		table_close(part, NoLock);
	}
	return result;
}

void
sdb_routing_insert(Routing *routing, const RowImage *row)
{
	TupleDesc	desc = routing->row->tts_tupleDescriptor;

	ExecClearTuple(routing->row);
	memcpy(routing->row->tts_values, row->values, desc->natts * sizeof(Datum));
	memcpy(routing->row->tts_isnull, row->isnull, desc->natts * sizeof(bool));
	ExecStoreVirtualTuple(routing->row);
	append_to(route(routing, routing->row), routing->row);
}

ApplyTarget *
sdb_routing_lookup(Routing *routing, const RowImage *key, bool missing_ok)
{
	ListCell   *lc;

	/* where no partition would take the row, routing raises an error */
	if (!missing_ok && decides(routing, key))
	{
		ApplyTarget *leaf;

		ExecClearTuple(routing->row);
		for (int i = 0; i < routing->row->tts_tupleDescriptor->natts; i++)
		{
			routing->row->tts_isnull[i] = !key->sent[i] || key->isnull[i];
			routing->row->tts_values[i] = key->values[i];
		}
		ExecStoreVirtualTuple(routing->row);
		leaf = route(routing, routing->row);
		return sdb_lookup_row(leaf, image_in_leaf(leaf, key)) ? leaf : NULL;
	}

	foreach(lc, list_leaves(routing))
	{
		ApplyTarget *leaf = get_leaf(routing, lfirst_oid(lc));

		if (sdb_lookup_row(leaf, image_in_leaf(leaf, key)))
			return leaf;
	}
	return NULL;
}

bool
sdb_routing_update(Routing *routing, ApplyTarget *leaf, const RowImage *row)
{
	EState	   *estate = routing->table->estate;
	MemoryContext oldcxt;
	TupleConversionMap *to_root;

	sdb_heap_fill_update(leaf, row, leaf->row);
	if (ExecPartitionCheck(leaf->rri, leaf->row, estate, false))
		return sdb_heap_update(leaf, leaf->row);

	/* the row moves; it may refer to the old one, which stays pinned */
	if (!sdb_heap_delete(leaf))
		return false;
	oldcxt = MemoryContextSwitchTo(estate->es_query_cxt);
	to_root = ExecGetChildToRootMap(leaf->rri);
	MemoryContextSwitchTo(oldcxt);
	if (to_root != NULL)
	{
		execute_attr_map_slot(to_root->attrMap, leaf->row, routing->row);
		append_to(route(routing, routing->row), routing->row);
	}
	else
		append_to(route(routing, leaf->row), leaf->row);
	return true;
}

/* The leaf of that Oid, opened if need be. */
static ApplyTarget *
get_leaf(Routing *routing, Oid relid)
{
	EState	   *estate = routing->table->estate;
	MemoryContext oldcxt;
	LeafEntry  *entry;
	ApplyTarget *leaf;
	TupleConversionMap *map;

	entry = hash_search(routing->leaves, &relid, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->target;

	oldcxt = MemoryContextSwitchTo(estate->es_query_cxt);
	leaf = palloc0_object(ApplyTarget);
	leaf->table = routing->table;
	leaf->context = estate->es_query_cxt;
	leaf->rel = table_open(relid, RowExclusiveLock);
	if (!sdb_relation_is_heap(leaf->rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot write to partition \"%s\" of table %s",
						RelationGetRelationName(leaf->rel),
						routing->table->name),
				 errdetail_relkind_not_supported(leaf->rel->rd_rel->relkind),
				 errhint("Set synchdb.dml_use_spi to apply changes through SQL.")));
	sdb_relation_open_target(leaf, routing->rri);
	map = sdb_root_to_child_map(leaf->rri, estate);
	if (map != NULL)
	{
		int			natts = RelationGetDescr(leaf->rel)->natts;

		leaf->from_root = map->attrMap;
		leaf->image.values = palloc_array(Datum, natts);
		leaf->image.isnull = palloc_array(bool, natts);
		leaf->image.sent = palloc_array(bool, natts);
	}
	MemoryContextSwitchTo(oldcxt);

	entry = hash_search(routing->leaves, &relid, HASH_ENTER, NULL);
	entry->target = leaf;
	return leaf;
}

/* The leaf that takes a row of the root's columns. */
static ApplyTarget *
route(Routing *routing, TupleTableSlot *row)
{
	EState	   *estate = routing->table->estate;
	ResultRelInfo *rri = ExecFindPartition(routing->mtstate, routing->rri,
										   routing->tuple_routing, row,
										   estate);

	ResetPerTupleExprContext(estate);
	return get_leaf(routing, RelationGetRelid(rri->ri_RelationDesc));
}

static const RowImage *
image_in_leaf(ApplyTarget *leaf, const RowImage *image)
{
	RowImage   *result = &leaf->image;

	if (leaf->from_root == NULL)
		return image;
	for (int i = 0; i < RelationGetDescr(leaf->rel)->natts; i++)
	{
		int			from = leaf->from_root->attnums[i] - 1;

		result->sent[i] = from >= 0 && image->sent[from];
		if (result->sent[i])
		{
			result->values[i] = image->values[from];
			result->isnull[i] = image->isnull[from];
		}
	}
	return result;
}

/* Does the image tell which leaf the row is in? */
static bool
decides(const Routing *routing, const RowImage *image)
{
	Bitmapset  *columns = routing->table->routing_columns;
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		if (!image->sent[attnum - 1])
			return false;
	return true;
}

static List *
list_leaves(Routing *routing)
{
	MemoryContext oldcxt;
	List	   *relids;
	ListCell   *lc;

	if (routing->all_leaves != NIL)
		return routing->all_leaves;

	oldcxt = MemoryContextSwitchTo(routing->table->estate->es_query_cxt);
	relids = find_all_inheritors(routing->table->relid,
								 RowExclusiveLock, NULL);
	foreach(lc, relids)
	{
		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_PARTITIONED_TABLE)
			routing->all_leaves = lappend_oid(routing->all_leaves,
											  lfirst_oid(lc));
	}
	MemoryContextSwitchTo(oldcxt);
	return routing->all_leaves;
}

/* Insert a row of the root's columns into a leaf. */
static void
append_to(ApplyTarget *leaf, TupleTableSlot *row)
{
	RowImage	image = {.values = row->tts_values, .isnull = row->tts_isnull};

	slot_getallattrs(row);
	sdb_heap_fill_insert(leaf, &image, sdb_heap_next_slot(leaf));
	sdb_heap_append(leaf);
}
