/*
 * tables.c --- how far each table is, beside the stream
 *
 * Only tables that need attention are kept: those whose copy the stream has
 * not passed, and partial ones.  The stream passes all copies at once, at the
 * first transaction that none of the points covers; from then on the set is
 * empty but for partial tables, and a change costs no lookup.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "checkpoint/checkpoint.h"
#include "ddl/naming.h"
#include "worker/tables.h"

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
	const SourceRoutine *routine;
	HTAB	   *entries;
	int			ncopied;		/* entries of TABLE_COPIED */
	char	   *last_point;		/* the latest of their points; NULL if none */
	bool		passed;			/* the stream passed it, not yet reported */
	uint64		transaction;	/* counts source transactions */
	char	   *before;			/* position before the present one */
	MemoryContext before_context;
};

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
	progress->routine = routine;
	progress->before_context = AllocSetContextCreate(CurrentMemoryContext,
													 "synchdb position",
													 ALLOCSET_SMALL_SIZES);
	foreach(cell, states)
		add_entry(progress, lfirst(cell));
	return progress;
}

void
sdb_tables_begin(TableProgress *progress, Source *source)
{
	MemoryContext old;

	progress->transaction++;
	if (progress->ncopied == 0)
		return;

	MemoryContextReset(progress->before_context);
	old = MemoryContextSwitchTo(progress->before_context);
	progress->before = progress->routine->stream_position(source);
	if (!progress->routine->position_covers(progress->last_point,
											progress->before))
	{
		drop_copied(progress);
		progress->passed = true;
	}
	MemoryContextSwitchTo(old);
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
sdb_tables_add(Connector *connector, SourceTable *table)
{
	TableState	state = {table, TABLE_STREAMING, NULL, NULL};

	sdb_checkpoint_put_table(connector->name, &state);
	sdb_tables_record_attributes(connector, table);
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
	Oid			namespace = get_namespace_oid(target->schema, false);
	Oid			relid = get_relname_relid(target->name, namespace);
	AttrNumber *attnums = palloc(table->ncolumns * sizeof(AttrNumber));

	for (int i = 0; i < table->ncolumns; i++)
		attnums[i] = get_attnum(relid, target->columns[i]);
	sdb_checkpoint_put_attributes(connector->name, connector->routine->name,
								  table, relid, attnums);
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
	HASH_SEQ_STATUS scan;
	Entry	   *entry;

	hash_seq_init(&scan, progress->entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
		if (entry->state->stage == TABLE_COPIED)
			hash_search(progress->entries, &entry->id, HASH_REMOVE, NULL);
	progress->ncopied = 0;
}
