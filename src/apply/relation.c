/*
 * relation.c --- opening and closing the targets of changes
 *
 * What the catalogs say about a target --- its Oid, the column each source
 * column goes to, the converters, the usable indexes --- is learned once and
 * kept across transactions until a relcache invalidation says that it may
 * have changed.  Opening the target in a transaction then takes a lock, the
 * relcache entries and an executor state, which end with the transaction.
 *
 * Memory is bounded: when what is known of all tables and open in them takes
 * more than READY_MAX_BYTES, those opened longest ago are closed, if they are
 * open, and forgotten, also by the server's caches, which never do so by
 * themselves.
 *
 * How a target is written is decided here: heap tables directly, partitioned
 * tables whose leaves are all heap tables through routing.c, all else (or
 * everything, by synchdb.dml_use_spi) through spi_apply.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_relation.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "apply/apply_internal.h"
#include "guc.h"
#include "util/compat.h"

/* Rows of a run, and the memory its empty slots may take */
#define RUN_MAX_ROWS	500
#define RUN_SLOT_BYTES	(256 * 1024)

#define READY_MAX_BYTES	(8 * 1024 * 1024)

/* Tables to forget before the catalog caches are reset */
#define FORGOTTEN_MAX	500

static dlist_head all_tables = DLIST_STATIC_INIT(all_tables);

static void relcache_changed(Datum arg, Oid relid);
static void make_room(Apply *apply);
static void measure(ApplyTable *table);
static void forget(ApplyTable *table);
static void drop_relcache_entries(const ApplyTable *table);
static void learn(ApplyTable *table);
static Oid	find_relation(ApplyTable *table);
static bool only_heaps(Relation rel);
static void map_columns(ApplyTable *table, Relation rel);
static AttrNumber find_column(TupleDesc desc, const char *name, int hint);
static Bitmapset *key_columns(ApplyTable *table, Relation rel,
							  const AttrNumber *attnums);
static void make_image(RowImage *image, int natts);
static void check_row_security(ApplyTable *table);
static EState *make_estate(ApplyTable *table);
static bool row_triggers_fire(Relation rel);
static void make_slots(ApplyTarget *target);

ApplyTable *
sdb_relation_make(Apply *apply, SourceTable *source)
{
	static bool registered = false;
	ApplyTable *table = MemoryContextAllocZero(apply->context,
											   sizeof(ApplyTable));

	if (!registered)
		CacheRegisterRelcacheCallback(relcache_changed, (Datum) 0);
	registered = true;

	table->apply = apply;
	table->source = source;
	table->context = AllocSetContextCreate(apply->context, "synchdb target",
										   ALLOCSET_SMALL_SIZES);
	dlist_push_tail(&all_tables, &table->node);
	return table;
}

void
sdb_relation_drop(ApplyTable *table)
{
	sdb_relation_close(table);
	forget(table);
	dlist_delete(&table->node);
	MemoryContextDelete(table->context);
	pfree(table);
}

void
sdb_relation_open(ApplyTable *table)
{
	if (table->open)
		return;

	make_room(table->apply);
	if (table->ready && table->use_spi == sdb_guc_dml_use_spi)
	{
		LockRelationOid(table->relid, RowExclusiveLock);
		if (table->stale)
			UnlockRelationOid(table->relid, RowExclusiveLock);
	}
	if (!table->ready || table->stale ||
		table->use_spi != sdb_guc_dml_use_spi)
		learn(table);

	table->granted = 0;
	if (table->spi == NULL)
	{
		check_row_security(table);
		table->rel = table_open(table->relid, NoLock);
		table->estate = make_estate(table);
		if (table->main != NULL)
		{
			table->main->rel = table->rel;
			sdb_relation_open_target(table->main, NULL);
		}
		else
			table->routing = sdb_routing_open(table);
	}
	table->open = true;
	dlist_push_tail(&table->apply->open, &table->open_node);
	measure(table);
}

void
sdb_relation_close(ApplyTable *table)
{
	if (!table->open)
		return;

	if (table->main != NULL)
	{
		sdb_heap_flush(table->main);
		sdb_relation_close_target(table->main);
	}
	if (table->routing != NULL)
	{
		sdb_routing_flush(table->routing);
		sdb_routing_close(table->routing);
		table->routing = NULL;
	}
	if (table->estate != NULL)
	{
		ExecResetTupleTable(table->estate->es_tupleTable, false);
		FreeExecutorState(table->estate);
		table_close(table->rel, NoLock);
		table->estate = NULL;
		table->rel = NULL;
	}
	table->defaults = NULL;
	table->open = false;
	dlist_delete(&table->open_node);
	table->apply->ready_bytes -= table->nbytes;
	table->nbytes = MemoryContextMemAllocated(table->context, true);
	table->apply->ready_bytes += table->nbytes;
}

void
sdb_relation_abort(Apply *apply)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all_tables)
	{
		ApplyTable *table = dlist_container(ApplyTable, node, iter.cur);

		if (table->apply != apply)
			continue;

		/* slots may still think that they have a buffer pinned */
		MemoryContextReset(table->context);
		table->nbytes = 0;
		table->ready = false;
		table->open = false;
		table->main = NULL;
		table->spi = NULL;
		table->rel = NULL;
		table->estate = NULL;
		table->defaults = NULL;
		table->routing = NULL;
	}
	dlist_init(&apply->open);
	dlist_init(&apply->ready);
	dlist_init(&apply->pending);
	apply->ready_bytes = 0;
	apply->pending_bytes = 0;
}

bool
sdb_relation_is_heap(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_rel->relam == HEAP_TABLE_AM_OID;
}

void
sdb_relation_unlink(Apply *apply)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &all_tables)
	{
		if (dlist_container(ApplyTable, node, iter.cur)->apply == apply)
			dlist_delete(iter.cur);
	}
}

void
sdb_relation_check_access(ApplyTable *table, AclMode mode)
{
	AclResult	result;

	if (table->granted & mode)
		return;
	result = pg_class_aclcheck(table->relid, GetUserId(), mode);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(table->relkind),
					   get_rel_name(table->relid));
	table->granted |= mode;
}

void
sdb_relation_open_target(ApplyTarget *target, ResultRelInfo *root)
{
	EState	   *estate = target->table->estate;
	MemoryContext oldcxt = MemoryContextSwitchTo(estate->es_query_cxt);
	ResultRelInfo *rri = makeNode(ResultRelInfo);

	InitResultRelInfo(rri, target->rel, root == NULL ? 1 : 0, root, 0);
	ExecOpenIndices(rri, false);
	target->triggers = row_triggers_fire(target->rel);
	if (!target->triggers)
		rri->ri_TrigDesc = NULL;

	/* where the executor looks for it when it fires a trigger */
	estate->es_opened_result_relations =
		lappend(estate->es_opened_result_relations, rri);
	target->rri = rri;
	target->nblocks = 0;
	target->published_update = false;
	target->published_delete = false;

	MemoryContextSwitchTo(target->context);
	if (target->found == NULL)
		make_slots(target);
	MemoryContextSwitchTo(oldcxt);

	for (int i = 0; i < target->nlookups; i++)
	{
		Lookup	   *lookup = &target->lookups[i];
		int			n = rri->ri_NumIndices - 1;

		while (n >= 0 && lookup->indexid !=
			   RelationGetRelid(rri->ri_IndexRelationDescs[n]))
			n--;
		lookup->position = n;
	}
}

void
sdb_relation_close_target(ApplyTarget *target)
{
	sdb_lookup_end(target);
	ExecClearTuple(target->found);
	ExecClearTuple(target->row);
	ExecCloseIndices(target->rri);
	target->rri = NULL;
	target->rel = NULL;
}

/* Relcache callback; InvalidOid is every relation. */
static void
relcache_changed(Datum arg, Oid relid)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all_tables)
	{
		ApplyTable *table = dlist_container(ApplyTable, node, iter.cur);

		if (relid == InvalidOid || relid == table->relid)
			table->stale = true;
	}
}

static void
make_room(Apply *apply)
{
	while (apply->ready_bytes > READY_MAX_BYTES)
	{
		ApplyTable *table = dlist_head_element(ApplyTable, ready_node,
											   &apply->ready);

		sdb_relation_close(table);
		drop_relcache_entries(table);
		forget(table);
		apply->nforgotten++;
	}
	if (apply->nforgotten > FORGOTTEN_MAX)
	{
		ResetCatalogCaches();
		apply->nforgotten = 0;
	}
}

/* Of a table that is closed; entries in use elsewhere stay. */
static void
drop_relcache_entries(const ApplyTable *table)
{
	for (int i = 0; table->main != NULL && i < table->main->nlookups; i++)
		RelationCacheInvalidateEntry(table->main->lookups[i].indexid);
	RelationCacheInvalidateEntry(table->relid);
}

/* Of a table that was just opened */
static void
measure(ApplyTable *table)
{
	Apply	   *apply = table->apply;

	if (table->nbytes > 0)
		dlist_delete(&table->ready_node);
	dlist_push_tail(&apply->ready, &table->ready_node);
	apply->ready_bytes -= table->nbytes;
	table->nbytes = MemoryContextMemAllocated(table->context, true);
	if (table->estate != NULL)
		table->nbytes +=
			MemoryContextMemAllocated(table->estate->es_query_cxt, true);
	apply->ready_bytes += table->nbytes;
}

/* What was learned; the table is not open. */
static void
forget(ApplyTable *table)
{
	if (table->nbytes > 0)
		dlist_delete(&table->ready_node);
	table->apply->ready_bytes -= table->nbytes;
	table->nbytes = 0;
	table->ready = false;
	table->main = NULL;
	table->spi = NULL;
	MemoryContextReset(table->context);
}

/* Look at the catalogs and decide how the target is written; locks it. */
static void
learn(ApplyTable *table)
{
	MemoryContext oldcxt;
	Relation	rel;

	forget(table);
	oldcxt = MemoryContextSwitchTo(table->context);

	table->names = sdb_naming_target(table->source);
	table->name = quote_qualified_identifier(table->names->schema,
											 table->names->name);
	table->relid = find_relation(table);
	table->stale = false;
	table->use_spi = sdb_guc_dml_use_spi;

	rel = relation_open(table->relid, NoLock);
	table->relkind = rel->rd_rel->relkind;
	table->desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	map_columns(table, rel);
	if (table->use_spi || !only_heaps(rel))
		table->spi = sdb_spi_make(table);
	else if (table->relkind == RELKIND_RELATION)
	{
		table->main = palloc0_object(ApplyTarget);
		table->main->table = table;
		table->main->context = table->context;
	}
	relation_close(rel, NoLock);
	MemoryContextSwitchTo(oldcxt);
	table->ready = true;
}

static Oid
find_relation(ApplyTable *table)
{
	RangeVar   *name = makeRangeVar(table->names->schema, table->names->name,
									-1);
	Oid			relid = RangeVarGetRelidExtended(name, RowExclusiveLock,
												 RVR_MISSING_OK, NULL, NULL);

	if (OidIsValid(relid))
		return relid;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("table \"%s.%s\" does not exist", table->names->schema,
					table->names->name),
			 errdetail("It is the target of source table \"%s\".",
					   table->source->id),
			 errhint("Create it again with its columns, or take the table out of the connector.")));
}

/* Is rel a heap table, or partitioned with heap tables as leaves only? */
static bool
only_heaps(Relation rel)
{
	List	   *relids;
	ListCell   *lc;
	bool		result = true;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return sdb_relation_is_heap(rel);

	relids = find_all_inheritors(RelationGetRelid(rel), RowExclusiveLock,
								 NULL);
	foreach(lc, relids)
	{
		Relation	part = table_open(lfirst_oid(lc), NoLock);

		if (part->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
			!sdb_relation_is_heap(part))
			result = false;
		table_close(part, NoLock);
	}
	return result;
}

/* Decide which columns to write and by which to find a row. */
static void
map_columns(ApplyTable *table, Relation rel)
{
	SourceTable *source = table->source;
	AttrNumber *attnums = palloc_array(AttrNumber, source->ncolumns + 1);
	AttrNumber *to_write = palloc_array(AttrNumber, source->ncolumns + 1);
	AttrNumber *to_find = palloc_array(AttrNumber, source->ncolumns + 1);
	Bitmapset  *keys;

	for (int i = 0; i < source->ncolumns; i++)
	{
		attnums[i] = find_column(table->desc, table->names->columns[i], i);
		if (attnums[i] == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of table \"%s.%s\" does not exist",
							table->names->columns[i], table->names->schema,
							table->names->name),
					 errdetail("It is the target of column \"%s\" of source table \"%s\".",
							   source->columns[i].name, source->id),
					 errhint("Add the column with a type that fits the source's, or resume the connector after renaming it back.")));
	}

	table->routing_columns = NULL;
	if (table->relkind == RELKIND_PARTITIONED_TABLE)
		table->routing_columns = sdb_routing_columns(rel);
	keys = key_columns(table, rel, attnums);
	for (int i = 0; i < source->ncolumns; i++)
	{
		/* without a key, what is generated tells no rows apart */
		bool		is_key = keys != NULL ?
			bms_is_member(attnums[i], keys) : !source->columns[i].generated;
		bool		generated = TupleDescAttr(table->desc,
											  attnums[i] - 1)->attgenerated;

		to_find[i] = is_key ? attnums[i] : InvalidAttrNumber;
		to_write[i] = generated ? InvalidAttrNumber : attnums[i];
	}
	table->attnums = attnums;
	table->key_columns = keys;
	table->plan = sdb_plan_make(source, table->desc, to_write);
	table->key_plan = sdb_plan_make(source, table->desc, to_find);
	make_image(&table->key, table->desc->natts);
	make_image(&table->row, table->desc->natts);
	for (int i = 0; i < table->desc->natts; i++)
		if (TupleDescAttr(table->desc, i)->attisdropped)
			table->row.sent[i] = true;
}

/*
 * The attnum of a live column.  hint: where it may be, idx0.  The system
 * cache would do as well, and keep an entry for each column of each table.
 */
static AttrNumber
find_column(TupleDesc desc, const char *name, int hint)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, (hint + i) % desc->natts);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return att->attnum;
	}
	return InvalidAttrNumber;
}

/*
 * The columns (attnum) that find a row: the source's key, the columns of the
 * unique indexes here, and those that decide on the partition.  NULL if there
 * is no key: then rows are compared as a whole.
 */
static Bitmapset *
key_columns(ApplyTable *table, Relation rel, const AttrNumber *attnums)
{
	SourceTable *source = table->source;
	Bitmapset  *mapped = NULL;
	Bitmapset  *result = NULL;
	int			nlookups = 0;
	Lookup	   *lookups = NULL;

	for (int i = 0; i < source->ncolumns; i++)
		mapped = bms_add_member(mapped, attnums[i]);
	for (int i = 0; i < source->nkeys; i++)
		result = bms_add_member(result, attnums[source->keys[i]]);

	if (table->relkind == RELKIND_RELATION ||
		table->relkind == RELKIND_PARTITIONED_TABLE)
		lookups = sdb_lookup_list(rel, &nlookups);
	for (int i = 0; i < nlookups; i++)
	{
		Bitmapset  *columns = NULL;

		for (int k = 0; k < lookups[i].nkeys; k++)
			columns = bms_add_member(columns, lookups[i].attnums[k]);
		if (lookups[i].unique && bms_is_subset(columns, mapped))
			result = bms_add_members(result, columns);
	}

	return result == NULL ? NULL :
		bms_join(result, bms_intersect(table->routing_columns, mapped));
}

static void
make_image(RowImage *image, int natts)
{
	image->values = palloc0_array(Datum, natts + 1);
	image->isnull = palloc_array(bool, natts + 1);
	image->sent = palloc0_array(bool, natts + 1);
	memset(image->isnull, true, natts);
}

/* Rows written to the heap directly would pass its policies by. */
static void
check_row_security(ApplyTable *table)
{
	if (check_enable_rls(table->relid, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("user \"%s\" cannot replicate into relation with row-level security enabled: \"%s\"",
						GetUserNameFromId(GetUserId(), true),
						get_rel_name(table->relid))));
}

/*
 * The updated columns are left open unless triggers may ask for them: every
 * generated column is then computed, and index insertion assumes that an
 * UPDATE left the index's columns alone, which is nearly always so.
 */
static EState *
make_estate(ApplyTable *table)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(table->apply->txn_context);
	EState	   *estate = CreateExecutorState();
	RangeTblEntry *rte;
	Bitmapset  *updated = NULL;

	MemoryContextSwitchTo(estate->es_query_cxt);
	rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_RELATION;
	rte->relid = table->relid;
	rte->relkind = table->relkind;
	rte->rellockmode = RowExclusiveLock;
	if (table->rel->trigdesc != NULL)
	{
		for (int i = 1; i <= table->desc->natts; i++)
			updated = bms_add_member(updated, i -
									 FirstLowInvalidHeapAttributeNumber);
	}
	sdb_init_range_table(estate, rte, updated);
	MemoryContextSwitchTo(oldcxt);
	return estate;
}

/* Would any row trigger of rel fire under session_replication_role? */
static bool
row_triggers_fire(Relation rel)
{
	TriggerDesc *desc = rel->trigdesc;
	char		other = SessionReplicationRole ==
		SESSION_REPLICATION_ROLE_REPLICA ?
		TRIGGER_FIRES_ON_REPLICA : TRIGGER_FIRES_ON_ORIGIN;

	for (int i = 0; desc != NULL && i < desc->numtriggers; i++)
	{
		Trigger    *trigger = &desc->triggers[i];

		if (TRIGGER_FOR_ROW(trigger->tgtype) &&
			(trigger->tgenabled == TRIGGER_FIRES_ALWAYS ||
			 trigger->tgenabled == other))
			return true;
	}
	return false;
}

/* What a target keeps as long as it lives */
static void
make_slots(ApplyTarget *target)
{
	TupleDesc	desc = target->table->main == target ? target->table->desc :
		CreateTupleDescCopyConstr(RelationGetDescr(target->rel));
	const TupleTableSlotOps *ops = table_slot_callbacks(target->rel);
	Size		slot_bytes = sizeof(BufferHeapTupleTableSlot) +
		desc->natts * (sizeof(Datum) + sizeof(bool));

	target->found = MakeSingleTupleTableSlot(desc, ops);
	target->row = MakeSingleTupleTableSlot(desc, ops);
	target->max_slots = Max(1, Min(RUN_MAX_ROWS, RUN_SLOT_BYTES / slot_bytes));
	target->lookups = sdb_lookup_list(target->rel, &target->nlookups);
	InitDirtySnapshot(target->dirty);
}
