/*
 * fake_source.c --- a source that plays a script, for the tests
 *
 * The script (see fake_script.h) is the source's log from its very beginning,
 * so what a copy contains is found by replaying it.  A stream reads on from an
 * offset as the file grows; its positions are {"pos":offset}.
 *
 * Memory: a stream's step lives in its step context, a copy in the snapshot
 * context, tables that the stream meets as long as the source.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "fake_replay.h"
#include "fake_source.h"

/* how soon a stream looks whether the script has grown */
#define POLL_MS			10

typedef struct FakeSource
{
	Source		base;
	const TableFilter *filter;
	Script	   *script;

	/* snapshot */
	MemoryContext snapshot_context; /* NULL outside of one */
	Replay	   *replay;
	ReplayedTable *reading;		/* NULL before the first and after END */
	int			next_row;

	/* stream */
	MemoryContext step_context; /* NULL before stream_begin */
	List	   *tables;			/* of SourceTable * */
	bool		in_transaction;
	uint64		before;			/* where the transaction begins */
} FakeSource;

static const SourceType types[] = {
	{"int", -1, true, "serial"},
	{"int", -1, false, "integer"},
	{"bigint", -1, false, "bigint"},
	{"text", -1, false, "text"},
	{"varchar", -1, false, "character varying", TYPMOD_LENGTH},
	{NULL}
};

static Source *open_source(const SourceOptions *options);
static List *check(Source *base);
static List *describe(Source *base, List *ids);
static char *current_position(Source *base);
static void snapshot_begin(Source *base, List *tables);
static List *split_table(Source *base, SourceTable *table, int parts);
static SourceResult snapshot_next(Source *base, SourceTable *table,
								  const KeyRange *range, SourceValue *row);
static void snapshot_point(Source *base, SourceTable *table,
						   SnapshotPoint *point);
static void snapshot_end(Source *base);
static void stream_begin(Source *base, const char *position, List *tables);
static SourceResult stream_next(Source *base, Change *change);
static void stream_wait(Source *base, SourceWait *wait);
static char *stream_position(Source *base);
static bool position_covers(const char *position, const char *before);
static char *position_check(const char *position);

static bool in_range(const SourceTable *table, char **row,
					 const KeyRange *range);
static bool play(FakeSource *source, const Statement *statement,
				 Change *change);
static bool captures(const FakeSource *source, const char *id);
static bool play_row(FakeSource *source, const Statement *statement,
					 Change *change);
static bool play_schema(FakeSource *source, const Statement *statement,
						Change *change);
static SourceTable *forget_table(FakeSource *source, const char *id);
static void play_error(FakeSource *source, const Statement *statement);
static SourceTable *find_table(List *tables, const char *id);
static char *make_position(uint64 pos);
static bool parse_position(const char *text, uint64 *pos);
static uint64 read_position(const char *text);

const SourceRoutine sdb_fake_source = {
	.name = "fake",
	.serves = "a script",
	.types = types,
	.open = open_source,
	.check = check,
	.describe = describe,
	.current_position = current_position,
	.snapshot_begin = snapshot_begin,
	.split_table = split_table,
	.snapshot_next = snapshot_next,
	.snapshot_point = snapshot_point,
	.snapshot_end = snapshot_end,
	.stream_begin = stream_begin,
	.stream_next = stream_next,
	.stream_wait = stream_wait,
	.stream_position = stream_position,
	.position_covers = position_covers,
	.position_check = position_check
};

static Source *
open_source(const SourceOptions *options)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "fake source",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	FakeSource *source = palloc0(sizeof(FakeSource));

	source->base.routine = &sdb_fake_source;
	source->base.context = context;
	source->base.address = psprintf("%s:%d", options->host, options->port);
	source->filter = options->filter;
	source->script = sdb_script_open(options->host);
	MemoryContextSwitchTo(old);
	return &source->base;
}

static List *
check(Source *base)
{
	CheckItem  *item = palloc0(sizeof(CheckItem));

	item->name = "script";
	item->passed = true;
	item->fatal = true;
	item->detail = pstrdup("The script can be read.");
	return list_make1(item);
}

static List *
describe(Source *base, List *ids)
{
	FakeSource *source = (FakeSource *) base;
	List	   *result = NIL;
	ListCell   *cell;
	ListCell   *wanted;

	foreach(cell, sdb_fake_replay(source->script)->tables)
	{
		ReplayedTable *replayed = lfirst(cell);
		bool		found = ids == NIL;

		foreach(wanted, ids)
			found |= strcmp(lfirst(wanted), replayed->table->id) == 0;
		if (!found ||
			!captures(source, replayed->table->id))
			continue;
		replayed->table->estimated_rows = list_length(replayed->rows);
		result = lappend(result, replayed->table);
	}
	return result;
}

/* Not after the earliest point that a copy may have. */
static char *
current_position(Source *base)
{
	FakeSource *source = (FakeSource *) base;
	Replay	   *replay = sdb_fake_replay(source->script);
	uint64		pos = replay->end;
	ListCell   *cell;

	foreach(cell, replay->points)
		pos = Min(pos, ((ScriptPoint *) lfirst(cell))->from);
	return make_position(pos);
}

static void
snapshot_begin(Source *base, List *tables)
{
	FakeSource *source = (FakeSource *) base;
	MemoryContext old;
	ListCell   *cell;

	source->snapshot_context = AllocSetContextCreate(base->context,
													 "fake snapshot",
													 ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(source->snapshot_context);
	source->replay = sdb_fake_replay(source->script);
	foreach(cell, tables)
	{
		SourceTable *table = lfirst(cell);
		const ScriptPoint *point = sdb_fake_point(source->replay, table->id);

		if (point != NULL && point->until > 0 && table->nkeys == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" cannot be copied: it has no key, and the script gives it a window",
							table->id)));
	}
	MemoryContextSwitchTo(old);
}

/* Ranges of equal width. */
static List *
split_table(Source *base, SourceTable *table, int parts)
{
	FakeSource *source = (FakeSource *) base;
	ReplayedTable *replayed = sdb_fake_replayed_table(source->replay, table->id);
	KeyRange   *range = palloc0(sizeof(KeyRange));
	List	   *result = list_make1(range);
	int64		lowest = PG_INT64_MAX;
	int64		highest = PG_INT64_MIN;
	ListCell   *cell;

	if (replayed == NULL || table->nkeys == 0 || replayed->rows == NIL)
		return result;
	foreach(cell, replayed->rows)
	{
		int64		key = sdb_fake_key(table, lfirst(cell));

		lowest = Min(lowest, key);
		highest = Max(highest, key);
	}
	for (int i = 1; i < parts && lowest + i <= highest; i++)
	{
		char	   *bound = psprintf(INT64_FORMAT,
									 lowest + Max(i, (highest - lowest) * i / parts));

		range->upper = bound;
		range = palloc0(sizeof(KeyRange));
		range->lower = bound;
		result = lappend(result, range);
	}
	return result;
}

static SourceResult
snapshot_next(Source *base, SourceTable *table, const KeyRange *range,
			  SourceValue *row)
{
	FakeSource *source = (FakeSource *) base;
	ReplayedTable *reading = source->reading;

	if (reading == NULL)
	{
		reading = sdb_fake_replayed_table(source->replay, table->id);
		if (reading == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("table \"%s\" is not in the script", table->id)));
		source->reading = reading;
		source->next_row = 0;
	}
	while (source->next_row < list_length(reading->rows))
	{
		char	  **fields = list_nth(reading->rows, source->next_row++);

		if (range != NULL && !in_range(table, fields, range))
			continue;
		for (int i = 0; i < table->ncolumns; i++)
			sdb_script_value(&table->columns[i], fields[i], &row[i]);
		return SOURCE_READY;
	}
	source->reading = NULL;
	return SOURCE_END;
}

static bool
in_range(const SourceTable *table, char **row, const KeyRange *range)
{
	int64		key;

	if (range->lower == NULL && range->upper == NULL)
		return true;
	key = sdb_fake_key(table, row);
	return (range->lower == NULL ||
			key >= strtoi64(range->lower, NULL, 10)) &&
		(range->upper == NULL ||
		 key < strtoi64(range->upper, NULL, 10));
}

static void
snapshot_point(Source *base, SourceTable *table, SnapshotPoint *point)
{
	FakeSource *source = (FakeSource *) base;
	const ScriptPoint *scripted = sdb_fake_point(source->replay, table->id);

	point->from = make_position(scripted ? scripted->from :
								source->replay->end);
	point->until = scripted != NULL && scripted->until > 0 ?
		make_position(scripted->until) : NULL;
}

static void
snapshot_end(Source *base)
{
	FakeSource *source = (FakeSource *) base;

	MemoryContextDelete(source->snapshot_context);
	source->snapshot_context = NULL;
	source->replay = NULL;
	source->reading = NULL;
}

static void
stream_begin(Source *base, const char *position, List *tables)
{
	FakeSource *source = (FakeSource *) base;
	MemoryContext old;

	sdb_script_seek(source->script, read_position(position));
	source->step_context = AllocSetContextCreate(base->context, "fake step",
												 ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(base->context);
	source->tables = list_copy(tables);
	MemoryContextSwitchTo(old);
}

static SourceResult
stream_next(Source *base, Change *change)
{
	FakeSource *source = (FakeSource *) base;
	MemoryContext old;
	SourceResult result = SOURCE_WAIT;
	Statement	statement;

	MemoryContextReset(source->step_context);
	old = MemoryContextSwitchTo(source->step_context);
	while (sdb_script_next(source->script, &statement) &&
		   statement.verb != VERB_WAIT)
	{
		memset(change, 0, sizeof(Change));
		change->nbytes = statement.nbytes;
		if (play(source, &statement, change))
		{
			result = SOURCE_READY;
			break;
		}
	}
	MemoryContextSwitchTo(old);
	return result;
}

static void
stream_wait(Source *base, SourceWait *wait)
{
	wait->socket = PGINVALID_SOCKET;
	wait->timeout_ms = POLL_MS;
}

static char *
stream_position(Source *base)
{
	FakeSource *source = (FakeSource *) base;

	return make_position(source->in_transaction ? source->before :
						 source->script->pos);
}

static bool
position_covers(const char *position, const char *before)
{
	return read_position(before) < read_position(position);
}

static char *
position_check(const char *position)
{
	uint64		pos;

	return parse_position(position, &pos) ? NULL :
		pstrdup("It is not of the form {\"pos\":N}.");
}

/*
 * Streaming
 */

/* False if the statement is no step of the stream. */
static bool
play(FakeSource *source, const Statement *statement, Change *change)
{
	switch (statement->verb)
	{
		case VERB_NOTHING:
		case VERB_TABLE:
		case VERB_SNAPSHOT:
		case VERB_WAIT:
			return false;
		case VERB_BEGIN:
			if (source->in_transaction)
				sdb_script_malformed(statement, "it is inside a transaction");
			source->in_transaction = true;
			source->before = statement->pos;
			change->kind = CHANGE_BEGIN;
			return true;
		case VERB_INSERT:
		case VERB_UPDATE:
		case VERB_DELETE:
		case VERB_TRUNCATE:
			return play_row(source, statement, change);
		case VERB_CREATE:
		case VERB_ALTER:
		case VERB_DROP:
			return play_schema(source, statement, change);
		case VERB_COMMIT:
			if (!source->in_transaction)
				sdb_script_malformed(statement, "it is outside of a transaction");
			source->in_transaction = false;
			change->kind = CHANGE_COMMIT;
			return true;
		case VERB_ERROR:
			play_error(source, statement);
			return false;
	}
	return false;
}

/* By an id of two plain parts, as scripts have them. */
static bool
captures(const FakeSource *source, const char *id)
{
	const char *dot = strchr(id, '.');

	return sdb_filter_matches(source->filter, pnstrdup(id, dot - id), NULL,
							  dot + 1);
}

static bool
play_row(FakeSource *source, const Statement *statement, Change *change)
{
	const char *id = statement->fields[0];
	SourceTable *table = find_table(source->tables, id);

	if (!source->in_transaction)
		sdb_script_malformed(statement, "it is outside of a transaction");
	if (!captures(source, id))
		return false;
	if (table == NULL)
		sdb_script_malformed(statement, "there is no such table");

	change->table = table;
	switch (statement->verb)
	{
		case VERB_INSERT:
			change->kind = CHANGE_INSERT;
			change->after = sdb_script_row(table, statement, 1);
			break;
		case VERB_UPDATE:
			change->kind = CHANGE_UPDATE;
			change->before = sdb_script_row(table, statement, 1);
			change->after = sdb_script_row(table, statement,
										   1 + table->ncolumns);
			break;
		case VERB_DELETE:
			change->kind = CHANGE_DELETE;
			change->before = sdb_script_row(table, statement, 1);
			break;
		default:
			change->kind = CHANGE_TRUNCATE;
			break;
	}
	return true;
}

/* Tables live as long as the source, since others point to them. */
static bool
play_schema(FakeSource *source, const Statement *statement, Change *change)
{
	SchemaChange *schema = palloc0(sizeof(SchemaChange));
	MemoryContext old = MemoryContextSwitchTo(source->base.context);
	bool		captured;

	switch (statement->verb)
	{
		case VERB_CREATE:
			schema->kind = SCHEMA_CREATE_TABLE;
			schema->after = sdb_table_from_json(statement->fields[0]);
			schema->incomplete = sdb_script_incomplete(statement, 1);
			forget_table(source, schema->after->id);
			break;
		case VERB_ALTER:
			schema->kind = SCHEMA_ALTER_TABLE;
			schema->before = forget_table(source, statement->fields[0]);
			schema->after = sdb_table_from_json(statement->fields[1]);
			schema->incomplete = sdb_script_incomplete(statement, 3);
			if (schema->before != NULL)
				schema->origins = sdb_script_origins(schema->before,
													 schema->after, statement);
			break;
		default:
			schema->kind = SCHEMA_DROP_TABLE;
			schema->before = forget_table(source, statement->fields[0]);
			break;
	}
	captured = schema->kind == SCHEMA_CREATE_TABLE ?
		captures(source, schema->after->id) :
		schema->before != NULL;
	if (captured && schema->after != NULL)
		source->tables = lappend(source->tables, schema->after);
	MemoryContextSwitchTo(old);

	change->kind = CHANGE_SCHEMA;
	change->schema = schema;
	return captured;
}

/* Takes a table out of those that are known; NULL if it was none of them. */
static SourceTable *
forget_table(FakeSource *source, const char *id)
{
	SourceTable *table = find_table(source->tables, id);

	source->tables = list_delete_ptr(source->tables, table);
	return table;
}

/* Only as long as nothing follows: appending mends the source. */
static void
play_error(FakeSource *source, const Statement *statement)
{
	Statement	following;

	if (sdb_script_next(source->script, &following))
	{
		sdb_script_seek(source->script, following.pos);
		return;
	}
	if (strcmp(statement->fields[0], "link") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("lost connection to %s", source->base.address)));
	sdb_script_malformed(statement, "it says so");
}

static SourceTable *
find_table(List *tables, const char *id)
{
	ListCell   *cell;

	foreach(cell, tables)
	{
		SourceTable *table = lfirst(cell);

		if (strcmp(table->id, id) == 0)
			return table;
	}
	return NULL;
}

/*
 * Positions
 */

static char *
make_position(uint64 pos)
{
	return psprintf("{\"pos\":" UINT64_FORMAT "}", pos);
}

static bool
parse_position(const char *text, uint64 *pos)
{
	char		digits[19];
	int			len = 0;

	if (sscanf(text, " { \"pos\" : %18[0-9] } %n", digits, &len) != 1 ||
		len == 0 || text[len] != '\0')
		return false;
	*pos = strtou64(digits, NULL, 10);
	return true;
}

static uint64
read_position(const char *text)
{
	uint64		pos;

	if (!parse_position(text, &pos))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid position \"%s\"", text)));
	return pos;
}
