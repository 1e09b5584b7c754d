/*
 * tables.c --- how far each table is, beside the stream
 *
 * Only tables that need attention are kept: those whose copy the stream has
 * not passed, and partial ones.  The stream passes all copies at once, at the
 * first transaction that none of the points covers; from then on the set is
 * empty but for partial tables, and a change costs no lookup.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "checkpoint/checkpoint.h"
#include "ddl/ddl.h"
#include "guc.h"
#include "worker/tables.h"

#define COPY_HINT \
	"Use synchdb_resync_table() to copy it."

/* Entry --- a table that needs attention */
typedef struct Entry
{
	const char *id;				/* hash key */
	TableState *state;
	uint64		transaction;	/* that the two below hold for */
	bool		applies;
	ApplyMode	mode;
} Entry;

struct TableProgress
{
	MemoryContext context;		/* that it lives in */
	const SourceRoutine *routine;
	HTAB	   *entries;
	int			ncopied;		/* entries of TABLE_COPIED */
	char	   *last_point;		/* the latest of their points; NULL if none */
	bool		passed;			/* the stream passed it, not yet reported */
	List	   *reconciled;		/* of TableState *, whose window it passed */
	uint64		transaction;	/* counts source transactions */
	char	   *before;			/* position before the present one */
	MemoryContext before_context;
};

static bool shows_not(TableProgress *progress, const SourceTable *table,
					  const SourceTable *after);
static void remove_entry(TableProgress *progress, Entry *entry);
static void keep_entry(TableProgress *progress, const TableState *state);
static void warn_incomplete(const SchemaChange *change);
static void ask_for_copy(Connector *connector, const SourceTable *table);
static Oid	find_target(const TargetTable *target);
static bool concerns(const SourceTable *table, const SourceTable *changed);
static bool is_there(const TableState *state);
static bool waits(const SourceTable *table, List *states);
static uint32 hash_id(const void *key, Size size);
static int	match_ids(const void *a, const void *b, Size size);
static void add_entry(TableProgress *progress, TableState *state);
static void raise_last_point(TableProgress *progress, char *point);
static void decide(TableProgress *progress, Entry *entry);
static void drop_copied(TableProgress *progress);

TableProgress *
sdb_tables_load(const SourceRoutine *routine, List *states)
{
	TableProgress *progress = palloc0(sizeof(TableProgress));
	HASHCTL		ctl = {0};
	ListCell   *cell;

	ctl.keysize = sizeof(char *);
	ctl.entrysize = sizeof(Entry);
	ctl.hash = hash_id;
	ctl.match = match_ids;
	ctl.hcxt = CurrentMemoryContext;
	progress->entries = hash_create("synchdb tables", 64, &ctl,
									HASH_ELEM | HASH_FUNCTION |
									HASH_COMPARE | HASH_CONTEXT);
	progress->context = CurrentMemoryContext;
	progress->routine = routine;
	progress->before_context = AllocSetContextCreate(CurrentMemoryContext,
													 "synchdb position",
													 ALLOCSET_SMALL_SIZES);
	foreach(cell, states)
		add_entry(progress, lfirst(cell));
	return progress;
}

void
sdb_tables_set_point(TableState *state)
{
	SourceTable *table = state->table;

	if (state->stage != TABLE_COPIED && state->stage != TABLE_READY)
		return;
	table->copied_at = state->from;
	table->described_at = state->until != NULL ? state->until : state->from;
}

void
sdb_tables_begin(TableProgress *progress, Source *source)
{
	progress->transaction++;
	(void) sdb_tables_reach(progress, source);
}

bool
sdb_tables_reach(TableProgress *progress, Source *source)
{
	MemoryContext old;
	bool		passes;

	if (progress->ncopied == 0)
		return false;

	MemoryContextReset(progress->before_context);
	old = MemoryContextSwitchTo(progress->before_context);
	progress->before = progress->routine->stream_position(source);
	passes = !progress->routine->position_covers(progress->last_point,
												 progress->before);
	MemoryContextSwitchTo(old);
	if (passes)
		drop_copied(progress);
	progress->passed |= passes;
	return passes;
}

bool
sdb_tables_mode(TableProgress *progress, const SourceTable *table,
				ApplyMode *mode)
{
	Entry	   *entry = NULL;

	*mode = APPLY_STRICT;
	if (hash_get_num_entries(progress->entries) > 0)
		entry = hash_search(progress->entries, &table->id, HASH_FIND, NULL);
	if (entry == NULL)
		return true;

	if (entry->transaction != progress->transaction)
		decide(progress, entry);
	*mode = entry->mode;
	return entry->applies;
}

bool
sdb_tables_settle(TableProgress *progress)
{
	bool		passed = progress->passed;

	progress->passed = false;
	return passed;
}

void
sdb_tables_reconcile(TableProgress *progress, Connector *connector)
{
	ListCell   *cell;

	foreach(cell, progress->reconciled)
	{
		const SourceTable *table = ((TableState *) lfirst(cell))->table;

		sdb_ddl_create_unique_indexes(table, sdb_naming_target(table));
		CommandCounterIncrement();
		sdb_tables_link(connector, table);
	}
	progress->reconciled = NIL;
}

bool
sdb_tables_schema_applies(TableProgress *progress, const SchemaChange *change)
{
	return shows_not(progress, change->before, change->after) &&
		shows_not(progress, change->after, change->after);
}

bool
sdb_tables_follow(TableProgress *progress, Connector *connector,
				  const SchemaChange *change, bool complete, bool may_copy)
{
	const SourceTable *before = change->before;
	SourceTable *after = change->after;
	TableState	state = {.table = after, .stage = TABLE_STREAMING};
	Entry	   *entry = NULL;
	bool		copies;

	if (before != NULL)
		entry = hash_search(progress->entries, &before->id, HASH_FIND, NULL);
	if (entry != NULL)
	{
		state = *entry->state;
		state.table = after;
		remove_entry(progress, entry);
	}
	if (after == NULL)
	{
		sdb_tables_drop(connector, before);
		return false;
	}

	copies = !complete && may_copy && state.stage != TABLE_PARTIAL;
	if (!complete)
	{
		if (!copies)
			warn_incomplete(change);
		state.stage = TABLE_PARTIAL;
		state.from = NULL;
		state.until = NULL;
	}
	if (before != NULL && strcmp(before->id, after->id) != 0)
		sdb_checkpoint_rename_table(connector->name, before->id, after->id);
	if (state.until != NULL)
		sdb_ddl_drop_unique_indexes(after, sdb_naming_target(after));
	keep_entry(progress, &state);
	sdb_checkpoint_put_table(connector->name, &state);
	sdb_tables_record_attributes(connector, after);
	sdb_tables_link(connector, after);
	if (copies)
		ask_for_copy(connector, after);
	return copies;
}

void
sdb_tables_link(Connector *connector, const SourceTable *changed)
{
	List	   *states;
	ListCell   *cell;

	if (!sdb_guc_replicate_indexes)
		return;
	states = sdb_checkpoint_tables(connector->name);
	foreach(cell, states)
	{
		const TableState *state = lfirst(cell);

		if (is_there(state) && !waits(state->table, states) &&
			(changed == NULL || concerns(state->table, changed)))
			sdb_ddl_create_foreign_keys(state->table);
	}
}

void
sdb_tables_drop(Connector *connector, const SourceTable *table)
{
	sdb_checkpoint_drop_table(connector->name, table->id);
	sdb_checkpoint_drop_attributes(connector->name, connector->routine->name,
								   table->id);
}

void
sdb_tables_record_attributes(const Connector *connector,
							 const SourceTable *table)
{
	TargetTable *target = sdb_naming_target(table);
	Oid			relid = find_target(target);
	AttrNumber *attnums = palloc(table->ncolumns * sizeof(AttrNumber));

	for (int i = 0; i < table->ncolumns; i++)
		attnums[i] = get_attnum(relid, target->columns[i]);
	sdb_checkpoint_put_attributes(connector->name, connector->routine->name,
								  table, relid, attnums);
}

void
sdb_tables_check_attributes(const Connector *connector, List *states)
{
	int			max = list_length(states);
	SourceTable **tables = palloc(max * sizeof(SourceTable *));
	const char **ids = palloc(max * sizeof(char *));
	Oid		   *relids = palloc(max * sizeof(Oid));
	bool	   *missing = palloc(max * sizeof(bool));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, states)
	{
		const TableState *state = lfirst(cell);
		Oid			relid = find_target(sdb_naming_target(state->table));

		if (!OidIsValid(relid) || !is_there(state))
			continue;
		tables[n] = state->table;
		ids[n] = state->table->id;
		relids[n++] = relid;
	}
	sdb_checkpoint_check_attributes(connector->name, connector->routine->name,
									n, ids, relids, missing);
	for (int i = 0; i < n; i++)
	{
		if (missing[i])
			sdb_tables_record_attributes(connector, tables[i]);
	}
}

/*
 * Does a schema change that makes `after` of a table still have to be applied
 * to it?  Inside a window the definition of the copy tells.
 */
static bool
shows_not(TableProgress *progress, const SourceTable *table,
		  const SourceTable *after)
{
	ApplyMode	mode;
	Entry	   *entry;

	if (table == NULL)
		return true;
	if (!sdb_tables_mode(progress, table, &mode))
		return false;
	entry = hash_search(progress->entries, &table->id, HASH_FIND, NULL);
	return entry == NULL || entry->state->stage != TABLE_COPIED ||
		mode == APPLY_STRICT || after == NULL ||
		!sdb_table_equal(entry->state->table, after);
}

static void
remove_entry(TableProgress *progress, Entry *entry)
{
	if (entry->state->stage == TABLE_COPIED)
		progress->ncopied--;
	hash_search(progress->entries, &entry->id, HASH_REMOVE, NULL);
}

/* As add_entry, of a state and a table that may go at any time. */
static void
keep_entry(TableProgress *progress, const TableState *state)
{
	MemoryContext old = MemoryContextSwitchTo(progress->context);
	TableState *kept = palloc(sizeof(TableState));

	*kept = *state;
	kept->table = sdb_table_copy(state->table);
	add_entry(progress, kept);
	MemoryContextSwitchTo(old);
}

static void
warn_incomplete(const SchemaChange *change)
{
	if (change->kind == SCHEMA_CREATE_TABLE)
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" was not copied: only its changes from now on are here",
						change->after->id),
				 errhint(COPY_HINT)));
	else
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rows of table \"%s\" may differ from the source's since it was altered",
						change->after->id),
				 errdetail("Only the source knows which values they got."),
				 errhint(COPY_HINT)));
}

static void
ask_for_copy(Connector *connector, const SourceTable *table)
{
	ereport(LOG,
			(errmsg("table \"%s\" is to be copied, since it got or lost rows that the source did not log",
					table->id)));
	sdb_checkpoint_ask_resync(connector->name, table->id);
}

/* InvalidOid if it is not there. */
static Oid
find_target(const TargetTable *target)
{
	Oid			namespace = get_namespace_oid(target->schema, true);

	return OidIsValid(namespace) ?
		get_relname_relid(target->name, namespace) : InvalidOid;
}

/* Is it that table, or has it a foreign key to it? */
static bool
concerns(const SourceTable *table, const SourceTable *changed)
{
	if (strcmp(table->id, changed->id) == 0)
		return true;
	for (int i = 0; i < table->nforeign_keys; i++)
	{
		const SourceForeignKey *key = &table->foreign_keys[i];

		if (strcmp(changed->id, sdb_table_make_id(key->catalog, key->schema,
												  key->table)) == 0)
			return true;
	}
	return false;
}

/* Is the target made, and not to be made anew? */
static bool
is_there(const TableState *state)
{
	return state->stage == TABLE_COPIED || state->stage == TABLE_STREAMING ||
		state->stage == TABLE_PARTIAL;
}

/*
 * Does a table whose unique indexes are still to come stand at the other end of
 * a foreign key?
 */
static bool
waits(const SourceTable *table, List *states)
{
	ListCell   *cell;

	foreach(cell, states)
	{
		const TableState *state = lfirst(cell);

		if (state->until != NULL && strcmp(state->table->id, table->id) != 0 &&
			concerns(table, state->table))
			return true;
	}
	return false;
}

static uint32
hash_id(const void *key, Size size)
{
	const char *id = *(const char *const *) key;

	return hash_bytes((const unsigned char *) id, strlen(id));
}

static int
match_ids(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
add_entry(TableProgress *progress, TableState *state)
{
	const char *id = state->table->id;
	Entry	   *entry;

	if (state->stage != TABLE_COPIED && state->stage != TABLE_PARTIAL)
		return;

	entry = hash_search(progress->entries, &id, HASH_ENTER, NULL);
	entry->state = state;
	entry->transaction = 0;
	if (state->stage == TABLE_COPIED)
	{
		progress->ncopied++;
		raise_last_point(progress, state->from);
		if (state->until)
			raise_last_point(progress, state->until);
	}
}

static void
raise_last_point(TableProgress *progress, char *point)
{
	if (progress->last_point == NULL ||
		progress->routine->position_covers(point, progress->last_point))
		progress->last_point = point;
}

/* What the present transaction means for a table. */
static void
decide(TableProgress *progress, Entry *entry)
{
	const SourceRoutine *routine = progress->routine;
	const TableState *state = entry->state;

	entry->transaction = progress->transaction;
	entry->applies = true;
	entry->mode = APPLY_IDEMPOTENT;
	if (state->stage == TABLE_PARTIAL)
		return;
	if (routine->position_covers(state->from, progress->before))
		entry->applies = false;
	else if (state->until == NULL ||
			 !routine->position_covers(state->until, progress->before))
		entry->mode = APPLY_STRICT;
}

static void
drop_copied(TableProgress *progress)
{
	MemoryContext old = MemoryContextSwitchTo(progress->context);
	HASH_SEQ_STATUS scan;
	Entry	   *entry;

	hash_seq_init(&scan, progress->entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		TableState *state = entry->state;

		if (state->stage != TABLE_COPIED)
			continue;
		hash_search(progress->entries, &entry->id, HASH_REMOVE, NULL);
		if (state->until != NULL)
			progress->reconciled = lappend(progress->reconciled, state);
	}
	progress->ncopied = 0;
	MemoryContextSwitchTo(old);
}
