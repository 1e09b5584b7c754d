/*
 * test_source.c --- SQL access to the source interface, for the tests
 *
 * Compiled with SYNCHDB_TEST only; test_source.sql declares the functions.
 * Each call opens the source of a connector, does one thing with it, and
 * closes it.  No worker and no local table is involved.
 */
#include "postgres.h"

#include <malloc.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "change/change.h"
#include "checkpoint/connector.h"

/* Trial --- one use of a source from start to end, with an error on the way */
typedef struct Trial
{
	Source	   *source;
	const SourceRoutine *routine;
	int			ncalls;
	int			fail_at;		/* the number of the call that fails */
	bool		cancel;			/* by a cancel that is pending in it, not
								 * after it */
} Trial;

/* Do a call of the routine, and fail if it is its turn. */
#define TRY_CALL(trial, call) \
	(before_call(trial), (call), after_call(trial))

PG_FUNCTION_INFO_V1(sdb_test_source_check);
PG_FUNCTION_INFO_V1(sdb_test_source_describe);
PG_FUNCTION_INFO_V1(sdb_test_source_position);
PG_FUNCTION_INFO_V1(sdb_test_source_snapshot);
PG_FUNCTION_INFO_V1(sdb_test_source_stream);
PG_FUNCTION_INFO_V1(sdb_test_source_follow);
PG_FUNCTION_INFO_V1(sdb_test_source_idle);
PG_FUNCTION_INFO_V1(sdb_test_source_fail);
PG_FUNCTION_INFO_V1(sdb_test_position_covers);
PG_FUNCTION_INFO_V1(sdb_test_position_check);
PG_FUNCTION_INFO_V1(sdb_test_heap);

static Source *open_source(Datum connector);
static List *text_list(Datum array);
static List *read_tables(Datum array);
static void put_texts(ReturnSetInfo *result, int n, char **texts);
static void copy_table(ReturnSetInfo *result, Source *source,
					   SourceTable *table, int parts);
static List *follow_schema(List *tables, const SchemaChange *schema);
static bool wait_until_ready(Source *source, Change *change, long wait_ms);
static void try_snapshot(Trial *trial, List *tables);
static void try_stream(Trial *trial, const char *position, List *tables);
static void before_call(Trial *trial);
static void after_call(Trial *trial);
static const SourceRoutine *find_routine(Datum type);

/* (connector) -> setof (name, passed, fatal, detail, hint) */
Datum
sdb_test_source_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Source	   *source = open_source(PG_GETARG_DATUM(0));
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, source->routine->check(source))
	{
		CheckItem  *item = lfirst(cell);
		char	   *texts[5];

		texts[0] = pstrdup(item->name);
		texts[1] = item->passed ? "true" : "false";
		texts[2] = item->fatal ? "true" : "false";
		texts[3] = item->detail;
		texts[4] = item->hint;
		put_texts(result, 5, texts);
	}
	sdb_source_close(source);
	return (Datum) 0;
}

/* (connector, ids or NULL) -> setof (id, definition) */
Datum
sdb_test_source_describe(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Source	   *source = open_source(PG_GETARG_DATUM(0));
	List	   *ids = PG_ARGISNULL(1) ? NIL : text_list(PG_GETARG_DATUM(1));
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, source->routine->describe(source, ids))
	{
		SourceTable *table = lfirst(cell);
		StringInfoData definition;
		char	   *texts[2];

		initStringInfo(&definition);
		sdb_table_to_json(&definition, table);
		texts[0] = table->id;
		texts[1] = definition.data;
		put_texts(result, 2, texts);
	}
	sdb_source_close(source);
	return (Datum) 0;
}

/* (connector) -> text */
Datum
sdb_test_source_position(PG_FUNCTION_ARGS)
{
	Source	   *source = open_source(PG_GETARG_DATUM(0));
	char	   *position = source->routine->current_position(source);

	sdb_source_close(source);
	PG_RETURN_TEXT_P(cstring_to_text(position));
}

/*
 * (connector, parts) -> setof (id, copied_from, copied_until, row)
 *
 * A row is an INSERT as text; each table ends with a line without row, which
 * has the points.
 */
Datum
sdb_test_source_snapshot(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Source	   *source = open_source(PG_GETARG_DATUM(0));
	List	   *tables;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	tables = source->routine->describe(source, NIL);
	source->routine->snapshot_begin(source, tables);
	foreach(cell, tables)
		copy_table(result, source, lfirst(cell), PG_GETARG_INT32(1));
	source->routine->snapshot_end(source);
	sdb_source_close(source);
	return (Datum) 0;
}

/*
 * (connector, position, max_steps, wait_ms, definitions or NULL)
 *		-> setof (position, change)
 *
 * Ends after max_steps, or when nothing was ready for wait_ms.  The position
 * is the one after the step.
 */
Datum
sdb_test_source_stream(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Source	   *source = open_source(PG_GETARG_DATUM(0));
	const SourceRoutine *routine = source->routine;
	int			max_steps = PG_GETARG_INT32(2);
	MemoryContext step_context;
	MemoryContext old;
	List	   *tables;
	Change		change;

	InitMaterializedSRF(fcinfo, 0);
	tables = PG_ARGISNULL(4) ? routine->describe(source, NIL) :
		read_tables(PG_GETARG_DATUM(4));
	routine->stream_begin(source, text_to_cstring(PG_GETARG_TEXT_PP(1)),
						  tables);

	step_context = AllocSetContextCreate(CurrentMemoryContext, "step",
										 ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(step_context);
	for (int step = 0; step < max_steps; step++)
	{
		StringInfoData text;
		char	   *texts[2];

		MemoryContextReset(step_context);
		if (!wait_until_ready(source, &change, PG_GETARG_INT32(3)))
			break;
		initStringInfo(&text);
		sdb_change_to_text(&text, &change);
		texts[0] = routine->stream_position(source);
		texts[1] = text.data;
		put_texts(result, 2, texts);
	}
	MemoryContextSwitchTo(old);
	sdb_source_close(source);
	return (Datum) 0;
}

/*
 * (connector, position, definitions) -> setof (id, definition)
 *
 * What the definitions have become by now, according to the stream; one line
 * with id NULL has the position reached.
 */
Datum
sdb_test_source_follow(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Source	   *source = open_source(PG_GETARG_DATUM(0));
	const SourceRoutine *routine = source->routine;
	List	   *tables = read_tables(PG_GETARG_DATUM(2));
	char	   *end = routine->current_position(source);
	char	   *texts[2];
	Change		change;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	routine->stream_begin(source, text_to_cstring(PG_GETARG_TEXT_PP(1)),
						  read_tables(PG_GETARG_DATUM(2)));
	while (routine->position_covers(end, routine->stream_position(source)))
	{
		if (!wait_until_ready(source, &change, 200))
			continue;
		if (change.kind == CHANGE_SCHEMA)
			tables = follow_schema(tables, change.schema);
	}
	texts[0] = NULL;
	texts[1] = routine->stream_position(source);
	put_texts(result, 2, texts);
	foreach(cell, tables)
	{
		SourceTable *table = lfirst(cell);
		StringInfoData definition;

		initStringInfo(&definition);
		sdb_table_to_json(&definition, table);
		texts[0] = table->id;
		texts[1] = definition.data;
		put_texts(result, 2, texts);
	}
	sdb_source_close(source);
	return (Datum) 0;
}

/*
 * (connector, position, ncalls) -> float8
 *
 * At the end of the stream, the longest time in ms that one of so many calls
 * took that had nothing ready.
 */
Datum
sdb_test_source_idle(PG_FUNCTION_ARGS)
{
	Source	   *source = open_source(PG_GETARG_DATUM(0));
	const SourceRoutine *routine = source->routine;
	int			ncalls = PG_GETARG_INT32(2);
	double		longest = 0;
	Change		change;

	routine->stream_begin(source, text_to_cstring(PG_GETARG_TEXT_PP(1)),
						  routine->describe(source, NIL));
	for (int i = 0; i < ncalls;)
	{
		instr_time	start;
		instr_time	end;
		SourceWait	wait = {PGINVALID_SOCKET, -1};

		CHECK_FOR_INTERRUPTS();
		INSTR_TIME_SET_CURRENT(start);
		if (routine->stream_next(source, &change) == SOURCE_READY)
			continue;
		INSTR_TIME_SET_CURRENT(end);
		INSTR_TIME_SUBTRACT(end, start);
		longest = Max(longest, INSTR_TIME_GET_MILLISEC(end));
		i++;
		/* what a source does on a readable socket counts as well */
		routine->stream_wait(source, &wait);
		(void) WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT |
								 WL_EXIT_ON_PM_DEATH |
								 (wait.socket == PGINVALID_SOCKET ? 0 :
								  WL_SOCKET_READABLE),
								 wait.socket, 100, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	sdb_source_close(source);
	PG_RETURN_FLOAT8(longest);
}

/*
 * (connector, position, call, cancel) -> int
 *
 * Uses everything of a source and raises an error in the given call of the
 * routine.  The number of calls if there are fewer.
 */
Datum
sdb_test_source_fail(PG_FUNCTION_ARGS)
{
	char	   *position = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Connector  *connector;
	Trial		trial = {NULL};
	List	   *tables;
	char	   *now;

	connector = sdb_connector_load(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	trial.routine = connector->routine;
	trial.fail_at = PG_GETARG_INT32(2);
	trial.cancel = PG_GETARG_BOOL(3);

	TRY_CALL(&trial, trial.source = trial.routine->open(&connector->options));
	TRY_CALL(&trial, (void) trial.routine->check(trial.source));
	TRY_CALL(&trial, tables = trial.routine->describe(trial.source, NIL));
	TRY_CALL(&trial, now = trial.routine->current_position(trial.source));
	(void) trial.routine->position_covers(now, position);
	try_snapshot(&trial, tables);
	try_stream(&trial, position, tables);
	TRY_CALL(&trial, sdb_source_close(trial.source));
	PG_RETURN_INT32(trial.ncalls);
}

/* (type, position, before) -> bool */
Datum
sdb_test_position_covers(PG_FUNCTION_ARGS)
{
	const SourceRoutine *routine = find_routine(PG_GETARG_DATUM(0));

	PG_RETURN_BOOL(routine->position_covers(text_to_cstring(PG_GETARG_TEXT_PP(1)),
											text_to_cstring(PG_GETARG_TEXT_PP(2))));
}

/* (type, position) -> text, NULL if it is one */
Datum
sdb_test_position_check(PG_FUNCTION_ARGS)
{
	const SourceRoutine *routine = find_routine(PG_GETARG_DATUM(0));
	char	   *reason;

	reason = routine->position_check(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (reason == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(reason));
}

/* () -> bigint: bytes that this process has from malloc */
Datum
sdb_test_heap(PG_FUNCTION_ARGS)
{
	struct mallinfo2 info = mallinfo2();

	PG_RETURN_INT64((int64) (info.uordblks + info.hblkhd));
}

/* In CurrentMemoryContext. */
static Source *
open_source(Datum connector)
{
	Connector  *loaded = sdb_connector_load(TextDatumGetCString(connector));

	return loaded->routine->open(&loaded->options);
}

static List *
text_list(Datum array)
{
	Datum	   *texts;
	int			n;
	List	   *list = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &texts, NULL, &n);
	for (int i = 0; i < n; i++)
		list = lappend(list, TextDatumGetCString(texts[i]));
	return list;
}

static List *
read_tables(Datum array)
{
	List	   *tables = NIL;
	ListCell   *cell;

	foreach(cell, text_list(array))
		tables = lappend(tables, sdb_table_from_json(lfirst(cell)));
	return tables;
}

/* A row of the result; NULL is NULL. */
static void
put_texts(ReturnSetInfo *result, int n, char **texts)
{
	AttInMetadata *input = TupleDescGetAttInMetadata(result->setDesc);

	Assert(n == result->setDesc->natts);
	tuplestore_puttuple(result->setResult,
						BuildTupleFromCStrings(input, texts));
}

static void
copy_table(ReturnSetInfo *result, Source *source, SourceTable *table,
		   int parts)
{
	SourceValue *row = palloc(table->ncolumns * sizeof(SourceValue));
	Change		insert = {.kind = CHANGE_INSERT, .table = table, .after = row};
	SnapshotPoint point;
	char	   *texts[4] = {table->id};
	ListCell   *cell;

	foreach(cell, source->routine->split_table(source, table, parts))
	{
		while (source->routine->snapshot_next(source, table, lfirst(cell),
											  row) == SOURCE_READY)
		{
			StringInfoData text;

			CHECK_FOR_INTERRUPTS();
			initStringInfo(&text);
			sdb_change_to_text(&text, &insert);
			texts[3] = text.data;
			put_texts(result, 4, texts);
		}
	}
	source->routine->snapshot_point(source, table, &point);
	texts[1] = point.from;
	texts[2] = point.until;
	texts[3] = NULL;
	put_texts(result, 4, texts);
}

static List *
follow_schema(List *tables, const SchemaChange *schema)
{
	ListCell   *cell;

	foreach(cell, tables)
	{
		SourceTable *table = lfirst(cell);

		if (schema->before != NULL &&
			strcmp(table->id, schema->before->id) == 0)
		{
			if (!sdb_table_equal(table, schema->before))
				elog(ERROR, "table \"%s\" was another one", table->id);
			tables = foreach_delete_current(tables, cell);
		}
	}
	if (schema->after != NULL)
		tables = lappend(tables, sdb_table_copy(schema->after));
	return tables;
}

/* False if nothing was ready for that long. */
static bool
wait_until_ready(Source *source, Change *change, long wait_ms)
{
	TimestampTz until =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_ms);

	for (;;)
	{
		SourceWait	wait = {PGINVALID_SOCKET, -1};
		int			events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;
		long		left;

		CHECK_FOR_INTERRUPTS();
		if (source->routine->stream_next(source, change) == SOURCE_READY)
			return true;
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
		if (left <= 0)
			return false;
		source->routine->stream_wait(source, &wait);
		if (wait.timeout_ms >= 0)
			left = Min(left, wait.timeout_ms);
		if (wait.socket != PGINVALID_SOCKET)
			events |= WL_SOCKET_READABLE;
		(void) WaitLatchOrSocket(MyLatch, events, wait.socket, left,
								 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/* Two rows of the first table, all of the second. */
static void
try_snapshot(Trial *trial, List *tables)
{
	Source	   *source = trial->source;
	SnapshotPoint point;
	SourceTable *table = NULL;
	SourceValue *row;
	List	   *ranges;
	int			nrows = 0;
	SourceResult got;

	TRY_CALL(trial, trial->routine->snapshot_begin(source, tables));
	table = linitial(tables);
	row = palloc(table->ncolumns * sizeof(SourceValue));
	TRY_CALL(trial, ranges = trial->routine->split_table(source, table, 2));
	do
		TRY_CALL(trial, got = trial->routine->snapshot_next(source, table,
															linitial(ranges),
															row));
	while (got != SOURCE_END && ++nrows < 2);

	/* a copy that somebody gives up, and another one */
	TRY_CALL(trial, trial->routine->snapshot_end(source));
	TRY_CALL(trial, trial->routine->snapshot_begin(source, tables));
	table = llast(tables);
	row = palloc(table->ncolumns * sizeof(SourceValue));
	while (trial->routine->snapshot_next(source, table, NULL, row) !=
		   SOURCE_END)
		CHECK_FOR_INTERRUPTS();
	TRY_CALL(trial, trial->routine->snapshot_point(source, table, &point));
	TRY_CALL(trial, trial->routine->snapshot_end(source));
}

static void
try_stream(Trial *trial, const char *position, List *tables)
{
	Source	   *source = trial->source;
	SourceWait	wait;
	Change		change;

	TRY_CALL(trial, trial->routine->stream_begin(source, position, tables));
	for (int i = 0; i < 5; i++)
		TRY_CALL(trial, (void) wait_until_ready(source, &change, 1000));
	TRY_CALL(trial, trial->routine->stream_wait(source, &wait));
	TRY_CALL(trial, (void) trial->routine->stream_position(source));
}

static void
before_call(Trial *trial)
{
	trial->ncalls++;
	if (trial->ncalls != trial->fail_at || !trial->cancel)
		return;
	QueryCancelPending = true;
	InterruptPending = true;
}

static void
after_call(Trial *trial)
{
	if (trial->ncalls != trial->fail_at)
		return;
	CHECK_FOR_INTERRUPTS();
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("call %d fails, as it should", trial->ncalls)));
}

static const SourceRoutine *
find_routine(Datum type)
{
	char	   *name = TextDatumGetCString(type);
	const SourceRoutine *routine = sdb_source_find(name);

	if (routine == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown connector type \"%s\"", name)));
	return routine;
}
