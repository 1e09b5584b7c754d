/*
 * checkpoint.c --- position, table states and counters of a connector
 *
 * Plain SQL on the extension's tables, prepared once per process.  What runs
 * in every batch, sdb_checkpoint_store, is in checkpoint_store.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "checkpoint/catalog.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/ranges.h"

#define MAX_ARGUMENTS	9

/* Statement --- one statement on our tables; plan made at first use */
typedef struct Statement
{
	const char *sql;
	int			narguments;
	Oid			types[MAX_ARGUMENTS];
	SPIPlanPtr	plan;
} Statement;

static const char *const stage_texts[] = {
	[TABLE_PENDING] = "pending",
	[TABLE_RECOPY] = "recopy",
	[TABLE_COPYING] = "copying",
	[TABLE_READY] = "ready",
	[TABLE_COPIED] = "copied",
	[TABLE_STREAMING] = "streaming",
	[TABLE_PARTIAL] = "partial"
};

static void run(Statement *statement, const Datum *values, const char *nulls);
static char *text_of(Statement *statement, const char *connector);
static SPIPlanPtr prepare(const char *sql, int narguments, const Oid *types);
static char *first_row_text(int column, MemoryContext context);
static Datum nullable_text(const char *text, char *null);
static TableState *read_state(HeapTuple tuple, TupleDesc desc,
							  MemoryContext context);
static TableStage parse_stage(const char *text);

char *
sdb_checkpoint_position(const char *connector)
{
	static Statement statement = {
		"SELECT position FROM @extschema@.synchdb_checkpoint WHERE name = $1",
		1, {TEXTOID}
	};

	return text_of(&statement, connector);
}

char *
sdb_checkpoint_error(const char *connector)
{
	static Statement statement = {
		"SELECT error FROM @extschema@.synchdb_checkpoint WHERE name = $1",
		1, {TEXTOID}
	};

	return text_of(&statement, connector);
}

void
sdb_checkpoint_set_error(const char *connector, const char *error)
{
	static Statement statement = {
		"INSERT INTO @extschema@.synchdb_checkpoint AS c (name, error, error_at)"
		" VALUES ($1, $2, CASE WHEN $2 IS NOT NULL THEN now() END)"
		" ON CONFLICT (name) DO UPDATE"
		" SET error = excluded.error, error_at = excluded.error_at"
		" WHERE c.error IS DISTINCT FROM excluded.error",
		2, {TEXTOID, TEXTOID}
	};
	CatalogAccess access;
	Datum		values[2];
	char		nulls[3] = "  ";

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	values[1] = nullable_text(error, &nulls[1]);
	run(&statement, values, nulls);
	sdb_catalog_leave(&access);
}

bool
sdb_checkpoint_is_paused(const char *connector)
{
	static Statement statement = {
		"SELECT 1 FROM @extschema@.synchdb_checkpoint"
		" WHERE name = $1 AND paused",
		1, {TEXTOID}
	};
	CatalogAccess access;
	Datum		values[1];
	bool		paused;

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	run(&statement, values, NULL);
	paused = SPI_processed > 0;
	sdb_catalog_leave(&access);
	return paused;
}

void
sdb_checkpoint_set_paused(const char *connector, bool paused)
{
	static Statement statement = {
		"INSERT INTO @extschema@.synchdb_checkpoint (name, paused)"
		" VALUES ($1, $2) ON CONFLICT (name) DO UPDATE"
		" SET paused = excluded.paused",
		2, {TEXTOID, BOOLOID}
	};
	CatalogAccess access;
	Datum		values[2];

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	values[1] = BoolGetDatum(paused);
	run(&statement, values, NULL);
	sdb_catalog_leave(&access);
}

void
sdb_checkpoint_get_snapshot(const char *connector, SnapshotRecord *record)
{
	static Statement statement = {
		"SELECT snapshot_mode, snapshot_done, table_list"
		" FROM @extschema@.synchdb_checkpoint WHERE name = $1",
		1, {TEXTOID}
	};
	MemoryContext context = CurrentMemoryContext;
	CatalogAccess access;
	Datum		values[1];

	MemSet(record, 0, sizeof(SnapshotRecord));
	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	run(&statement, values, NULL);
	if (SPI_processed > 0)
	{
		record->mode = first_row_text(1, context);
		record->done = first_row_text(2, context)[0] == 't';
		record->table_list = first_row_text(3, context);
	}
	sdb_catalog_leave(&access);
}

void
sdb_checkpoint_set_snapshot(const char *connector,
							const SnapshotRecord *record)
{
	static Statement statement = {
		"INSERT INTO @extschema@.synchdb_checkpoint"
		" (name, snapshot_mode, snapshot_done, table_list)"
		" VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE"
		" SET snapshot_mode = excluded.snapshot_mode,"
		" snapshot_done = excluded.snapshot_done,"
		" table_list = excluded.table_list",
		4, {TEXTOID, TEXTOID, BOOLOID, TEXTOID}
	};
	CatalogAccess access;
	Datum		values[4];
	char		nulls[5] = "    ";

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	values[1] = nullable_text(record->mode, &nulls[1]);
	values[2] = BoolGetDatum(record->done);
	values[3] = nullable_text(record->table_list, &nulls[3]);
	run(&statement, values, nulls);
	sdb_catalog_leave(&access);
}

int
sdb_checkpoint_count_start(const char *connector)
{
	static Statement statement = {
		"INSERT INTO @extschema@.synchdb_checkpoint AS c"
		" (name, unfinished_starts) VALUES ($1, 1)"
		" ON CONFLICT (name) DO UPDATE"
		" SET unfinished_starts = c.unfinished_starts + 1"
		" RETURNING unfinished_starts",
		1, {TEXTOID}
	};
	CatalogAccess access;
	Datum		values[1];
	int			count;

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	run(&statement, values, NULL);
	count = atoi(SPI_getvalue(SPI_tuptable->vals[0],
							  SPI_tuptable->tupdesc, 1));
	sdb_catalog_leave(&access);
	return count;
}

void
sdb_checkpoint_reset(const char *connector)
{
	static Statement forget = {
		"UPDATE @extschema@.synchdb_checkpoint"
		" SET position = NULL, error = NULL, error_at = NULL WHERE name = $1",
		1, {TEXTOID}
	};
	static Statement drop = {
		"DELETE FROM @extschema@.synchdb_table WHERE name = $1",
		1, {TEXTOID}
	};
	CatalogAccess access;
	Datum		values[1];

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	run(&forget, values, NULL);
	run(&drop, values, NULL);
	sdb_catalog_leave(&access);
	sdb_ranges_drop(connector, NULL);
}

List *
sdb_checkpoint_tables(const char *connector)
{
	static Statement statement = {
		"SELECT definition, stage, copied_from, copied_until, estimated_rows,"
		" created"
		" FROM @extschema@.synchdb_table WHERE name = $1 ORDER BY source_table",
		1, {TEXTOID}
	};
	MemoryContext context = CurrentMemoryContext;
	CatalogAccess access;
	Datum		values[1];
	List	   *states = NIL;

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	run(&statement, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		TableState *state = read_state(SPI_tuptable->vals[i],
									   SPI_tuptable->tupdesc, context);
		MemoryContext old = MemoryContextSwitchTo(context);

		states = lappend(states, state);
		MemoryContextSwitchTo(old);
	}
	sdb_catalog_leave(&access);
	return states;
}

void
sdb_checkpoint_put_table(const char *connector, const TableState *state)
{
	static Statement statement = {
		"INSERT INTO @extschema@.synchdb_table (name, source_table, definition,"
		" stage, copied_from, copied_until, estimated_rows, created)"
		" VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7, $8)"
		" ON CONFLICT (name, source_table) DO UPDATE SET"
		" definition = excluded.definition, stage = excluded.stage,"
		" copied_from = excluded.copied_from,"
		" copied_until = excluded.copied_until,"
		" estimated_rows = excluded.estimated_rows,"
		" created = excluded.created",
		8, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID,
		BOOLOID}
	};
	CatalogAccess access;
	StringInfoData definition;
	Datum		values[8];
	char		nulls[9] = "        ";

	sdb_catalog_enter(&access);
	initStringInfo(&definition);
	sdb_table_to_json(&definition, state->table);
	values[0] = CStringGetTextDatum(connector);
	values[1] = CStringGetTextDatum(state->table->id);
	values[2] = CStringGetTextDatum(definition.data);
	values[3] = CStringGetTextDatum(stage_texts[state->stage]);
	values[4] = nullable_text(state->from, &nulls[4]);
	values[5] = nullable_text(state->until, &nulls[5]);
	values[6] = Int64GetDatum(state->table->estimated_rows);
	values[7] = BoolGetDatum(state->created);
	run(&statement, values, nulls);
	sdb_catalog_leave(&access);
}

void
sdb_checkpoint_rename_table(const char *connector, const char *id,
							const char *new_id)
{
	static Statement statement = {
		"UPDATE @extschema@.synchdb_table SET source_table = $3"
		" WHERE name = $1 AND source_table = $2",
		3, {TEXTOID, TEXTOID, TEXTOID}
	};
	CatalogAccess access;
	Datum		values[3];

	sdb_checkpoint_drop_table(connector, new_id);
	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	values[1] = CStringGetTextDatum(id);
	values[2] = CStringGetTextDatum(new_id);
	run(&statement, values, NULL);
	sdb_catalog_leave(&access);
}

void
sdb_checkpoint_drop_table(const char *connector, const char *id)
{
	static Statement statement = {
		"DELETE FROM @extschema@.synchdb_table"
		" WHERE name = $1 AND source_table = $2",
		2, {TEXTOID, TEXTOID}
	};
	CatalogAccess access;
	Datum		values[2];

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	values[1] = CStringGetTextDatum(id);
	run(&statement, values, NULL);
	sdb_catalog_leave(&access);
	sdb_ranges_drop(connector, id);
}

void
sdb_checkpoint_settle_tables(const char *connector)
{
	static Statement statement = {
		"UPDATE @extschema@.synchdb_table SET stage = 'streaming',"
		" copied_from = NULL, copied_until = NULL"
		" WHERE name = $1 AND stage = 'copied'",
		1, {TEXTOID}
	};
	CatalogAccess access;
	Datum		values[1];

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	run(&statement, values, NULL);
	sdb_catalog_leave(&access);
}

TableState *
sdb_checkpoint_claim_table(const char *connector)
{
	static Statement statement = {
		"SELECT definition, stage, copied_from, copied_until, estimated_rows,"
		" created"
		" FROM @extschema@.synchdb_table"
		" WHERE name = $1 AND stage IN ('pending', 'recopy')"
		" ORDER BY estimated_rows DESC, source_table"
		" LIMIT 1 FOR UPDATE SKIP LOCKED",
		1, {TEXTOID}
	};
	MemoryContext context = CurrentMemoryContext;
	CatalogAccess access;
	Datum		values[1];
	TableState *state = NULL;

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	run(&statement, values, NULL);
	if (SPI_processed > 0)
		state = read_state(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
						   context);
	sdb_catalog_leave(&access);
	return state;
}

void
sdb_checkpoint_add_error(const char *connector, const BadChange *bad)
{
	static Statement statement = {
		"INSERT INTO @extschema@.synchdb_error (name, position, source_table,"
		" key, change, sqlstate, message, detail, kept)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		9, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		TEXTOID, BYTEAOID}
	};
	const char *texts[] = {connector, bad->position, bad->table_id, bad->key,
		bad->change, bad->sqlstate, bad->message, bad->detail};
	CatalogAccess access;
	Datum		values[9];
	char		nulls[10] = "         ";

	sdb_catalog_enter(&access);
	for (int i = 0; i < lengthof(texts); i++)
		values[i] = nullable_text(texts[i], &nulls[i]);
	values[8] = PointerGetDatum(cstring_to_text_with_len(bad->kept->data,
														 bad->kept->len));
	run(&statement, values, nulls);
	sdb_catalog_leave(&access);
}

static void
run(Statement *statement, const Datum *values, const char *nulls)
{
	int			result;

	if (statement->plan == NULL)
		statement->plan = prepare(statement->sql, statement->narguments,
								  statement->types);
	result = SPI_execute_plan(statement->plan, (Datum *) values, nulls,
							  false, 0);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", statement->sql,
			 SPI_result_code_string(result));
}

/* The text in the first column of the connector's row; NULL if none. */
static char *
text_of(Statement *statement, const char *connector)
{
	MemoryContext context = CurrentMemoryContext;
	CatalogAccess access;
	char	   *text = NULL;
	Datum		values[1];

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	run(statement, values, NULL);
	if (SPI_processed > 0)
		text = first_row_text(1, context);
	sdb_catalog_leave(&access);
	return text;
}

static SPIPlanPtr
prepare(const char *sql, int narguments, const Oid *types)
{
	SPIPlanPtr	plan = SPI_prepare(sdb_catalog_sql(sql), narguments,
								   (Oid *) types);

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql,
			 SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	return plan;
}

/* A column of the first row, or NULL. */
static char *
first_row_text(int column, MemoryContext context)
{
	char	   *text = SPI_getvalue(SPI_tuptable->vals[0],
									SPI_tuptable->tupdesc, column);

	return text != NULL ? MemoryContextStrdup(context, text) : NULL;
}

static Datum
nullable_text(const char *text, char *null)
{
	if (text != NULL)
		return CStringGetTextDatum(text);
	*null = 'n';
	return (Datum) 0;
}

/* Parsing takes many times the memory of what it yields. */
static TableState *
read_state(HeapTuple tuple, TupleDesc desc, MemoryContext context)
{
	MemoryContext parsing = AllocSetContextCreate(CurrentMemoryContext,
												  "synchdb definition",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(parsing);
	char	   *rows = SPI_getvalue(tuple, desc, 5);
	SourceTable *table = sdb_table_from_json(SPI_getvalue(tuple, desc, 1));
	TableState *state;

	table->estimated_rows = strtoll(rows, NULL, 10);
	MemoryContextSwitchTo(context);
	state = palloc0(sizeof(TableState));
	state->table = sdb_table_copy(table);
	state->stage = parse_stage(SPI_getvalue(tuple, desc, 2));
	state->from = SPI_getvalue(tuple, desc, 3);
	state->until = SPI_getvalue(tuple, desc, 4);
	state->created = SPI_getvalue(tuple, desc, 6)[0] == 't';
	MemoryContextSwitchTo(old);
	MemoryContextDelete(parsing);
	return state;
}

static TableStage
parse_stage(const char *text)
{
	for (int i = 0; i < lengthof(stage_texts); i++)
		if (strcmp(text, stage_texts[i]) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("unknown table stage \"%s\" in synchdb_table", text)));
}
