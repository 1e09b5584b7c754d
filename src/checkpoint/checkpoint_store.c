/*
 * checkpoint_store.c --- the row of synchdb_checkpoint, in every commit
 *
 * At a thousand small transactions a second, an UPDATE in SQL of this one row
 * was a third of a worker's work, most of it to start an executor for some
 * twenty expressions.  So the row is updated in place of that by the
 * functions below the executor.  SQL is left what is rare: a connector's
 * first row, and a row that another session is changing.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "checkpoint/catalog.h"
#include "checkpoint/checkpoint.h"
#include "util/compat.h"

#define TABLE_NAME	"synchdb_checkpoint"

/* CheckpointTable --- where the row lies */
typedef struct CheckpointTable
{
	Oid			relid;			/* InvalidOid if not known */
	AttrNumber	name;
	AttrNumber	position;
	AttrNumber	unfinished_starts;
	AttrNumber	counters[NCOUNTERS];
} CheckpointTable;

static const char *const counter_columns[NCOUNTERS] = {
	[COUNTER_DDLS] = "ddls",
	[COUNTER_DMLS] = "dmls",
	[COUNTER_READS] = "reads",
	[COUNTER_CREATES] = "creates",
	[COUNTER_UPDATES] = "updates",
	[COUNTER_DELETES] = "deletes",
	[COUNTER_TXS] = "txs",
	[COUNTER_TRUNCATES] = "truncates",
	[COUNTER_BAD_EVENTS] = "bad_events",
	[COUNTER_TOTAL_EVENTS] = "total_events",
	[COUNTER_BATCHES_DONE] = "batches_done",
	[COUNTER_TABLES] = "tables",
	[COUNTER_FIRST_SRC_TS] = "first_src_ts",
	[COUNTER_FIRST_DBZ_TS] = "first_dbz_ts",
	[COUNTER_FIRST_PG_TS] = "first_pg_ts",
	[COUNTER_LAST_SRC_TS] = "last_src_ts",
	[COUNTER_LAST_DBZ_TS] = "last_dbz_ts",
	[COUNTER_LAST_PG_TS] = "last_pg_ts",
	[COUNTER_SNAPSHOT_BEGIN_TS] = "snapshot_begin_ts",
	[COUNTER_SNAPSHOT_END_TS] = "snapshot_end_ts"
};

static CheckpointTable known;

static Relation open_table(void);
static bool update_row(Relation rel, const char *connector,
					   const char *position, const Counters *counters);
static HeapTuple changed_row(Relation rel, HeapTuple row,
							 const char *position, const Counters *counters);
static bool write_row(Relation rel, HeapTuple old, HeapTuple row);
static void insert_index_entries(Relation rel, TupleTableSlot *slot);
static void upsert(const char *connector, const char *position,
				   const Counters *counters);
static SPIPlanPtr upsert_plan(void);

void
sdb_checkpoint_store(const char *connector, const char *position,
					 const Counters *counters)
{
	static const Counters no_counters;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "synchdb checkpoint",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(context);
	Relation	rel = open_table();
	bool		done;

	if (counters == NULL)
		counters = &no_counters;
	done = update_row(rel, connector, position, counters);
	relation_close(rel, NoLock);
	if (done)
		CommandCounterIncrement();
	else
		upsert(connector, position, counters);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(context);
}

/* The table may have been dropped and created since we knew it. */
static Relation
open_table(void)
{
	Relation	rel = NULL;

	if (OidIsValid(known.relid))
		rel = try_relation_open(known.relid, RowExclusiveLock);
	if (rel != NULL && strcmp(RelationGetRelationName(rel), TABLE_NAME) == 0)
		return rel;
	if (rel != NULL)
		relation_close(rel, RowExclusiveLock);

	known.relid = InvalidOid;
	rel = relation_open(sdb_catalog_relation(TABLE_NAME), RowExclusiveLock);
	known.name = get_attnum(RelationGetRelid(rel), "name");
	known.position = get_attnum(RelationGetRelid(rel), "position");
	known.unfinished_starts = get_attnum(RelationGetRelid(rel),
										 "unfinished_starts");
	for (int i = 0; i < NCOUNTERS; i++)
		known.counters[i] = get_attnum(RelationGetRelid(rel),
									   counter_columns[i]);
	known.relid = RelationGetRelid(rel);
	return rel;
}

/* False if there is no row, or another session has just changed it. */
static bool
update_row(Relation rel, const char *connector, const char *position,
		   const Counters *counters)
{
	TupleDesc	desc = RelationGetDescr(rel);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		done;

	ScanKeyEntryInitialize(&key, 0, known.name, BTEqualStrategyNumber,
						   InvalidOid,
						   TupleDescAttr(desc, known.name - 1)->attcollation,
						   F_TEXTEQ, CStringGetTextDatum(connector));
	scan = systable_beginscan(rel, sdb_primary_key_index(rel), true, NULL, 1,
							  &key);
	row = systable_getnext(scan);
	done = HeapTupleIsValid(row) &&
		write_row(rel, row, changed_row(rel, row, position, counters));
	systable_endscan(scan);
	return done;
}

/* The statement of upsert_plan says the same in SQL. */
static HeapTuple
changed_row(Relation rel, HeapTuple row, const char *position,
			const Counters *counters)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Datum	   *values = palloc_array(Datum, desc->natts);
	bool	   *isnull = palloc_array(bool, desc->natts);

	heap_deform_tuple(row, desc, values, isnull);
	if (position != NULL)
	{
		values[known.position - 1] = CStringGetTextDatum(position);
		isnull[known.position - 1] = false;
	}
	values[known.unfinished_starts - 1] = Int32GetDatum(0);
	for (int i = 0; i < NCOUNTERS; i++)
	{
		Datum	   *value = &values[known.counters[i] - 1];

		if (i < NCOUNTERS_ADDED)
			*value = Int64GetDatum(DatumGetInt64(*value) +
								   counters->value[i]);
		else if (counters->value[i] != 0)
			*value = Int64GetDatum(counters->value[i]);
	}
	return heap_form_tuple(desc, values, isnull);
}

static bool
write_row(Relation rel, HeapTuple old, HeapTuple row)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel),
													&TTSOpsHeapTuple);
	TM_FailureData failure;
	LockTupleMode lockmode;
	TU_UpdateIndexes update_indexes;
	TM_Result	result;

	ExecStoreHeapTuple(row, slot, false);
	result = table_tuple_update(rel, &old->t_self, slot,
								GetCurrentCommandId(true), InvalidSnapshot,
								InvalidSnapshot, true, &failure, &lockmode,
								&update_indexes);
	if (result == TM_Ok && update_indexes != TU_None)
		insert_index_entries(rel, slot);
	ExecDropSingleTupleTableSlot(slot);
	return result == TM_Ok;
}

/* Plain indexes on plain columns: no expressions, no predicates */
static void
insert_index_entries(Relation rel, TupleTableSlot *slot)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), RowExclusiveLock);
		IndexInfo  *info = BuildIndexInfo(index);
		Datum		values[INDEX_MAX_KEYS];
		bool		isnull[INDEX_MAX_KEYS];

		FormIndexDatum(info, slot, NULL, values, isnull);
		index_insert(index, values, isnull, &slot->tts_tid, rel,
					 info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
					 false, info);
		index_close(index, NoLock);
	}
}

static void
upsert(const char *connector, const char *position, const Counters *counters)
{
	CatalogAccess access;
	Datum		values[2 + NCOUNTERS];
	char		nulls[2 + NCOUNTERS + 1];

	sdb_catalog_enter(&access);
	memset(nulls, ' ', sizeof(nulls));
	values[0] = CStringGetTextDatum(connector);
	if (position != NULL)
		values[1] = CStringGetTextDatum(position);
	else
		nulls[1] = 'n';
	for (int i = 0; i < NCOUNTERS; i++)
		values[2 + i] = Int64GetDatum(counters->value[i]);
	if (SPI_execute_plan(upsert_plan(), values, nulls, false, 0) < 0)
		elog(ERROR, "could not store the checkpoint");
	sdb_catalog_leave(&access);
}

static SPIPlanPtr
upsert_plan(void)
{
	static SPIPlanPtr plan = NULL;
	StringInfoData sql;
	Oid			types[2 + NCOUNTERS] = {TEXTOID, TEXTOID};

	if (plan != NULL)
		return plan;

	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   "INSERT INTO @extschema@." TABLE_NAME " AS c"
						   " (name, position");
	for (int i = 0; i < NCOUNTERS; i++)
		appendStringInfo(&sql, ", %s", counter_columns[i]);
	appendStringInfoString(&sql, ") VALUES ($1, $2");
	for (int i = 0; i < NCOUNTERS; i++)
	{
		appendStringInfo(&sql, ", $%d", 3 + i);
		types[2 + i] = INT8OID;
	}
	appendStringInfoString(&sql, ") ON CONFLICT (name) DO UPDATE SET"
						   " position = coalesce($2, c.position),"
						   " unfinished_starts = 0");
	for (int i = 0; i < NCOUNTERS; i++)
		appendStringInfo(&sql,
						 i < NCOUNTERS_ADDED ? ", %1$s = c.%1$s + $%2$d"
						 : ", %1$s = coalesce(nullif($%2$d, 0), c.%1$s)",
						 counter_columns[i], 3 + i);
	plan = SPI_prepare(sdb_catalog_sql(sql.data), 2 + NCOUNTERS, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql.data,
			 SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	return plan;
}
