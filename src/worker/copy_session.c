/*
 * copy_session.c --- a source inside a snapshot, and the tables it is for
 *
 * Tables are described when a session begins, and have that definition as long
 * as it lasts.  One that is altered between two sessions while it is copied in
 * ranges is copied from the start; its target is brought in line then
 * (copy.c).
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "checkpoint/ranges.h"
#include "util/failpoint.h"
#include "worker/copy_session.h"
#include "worker/tables.h"

static List *describe(CopySession *session);
static bool have_changed(List *before, List *after);
static void take_definitions(CopySession *session, List *tables);
static SourceTable *find_table(List *tables, const char *id);

List *
sdb_copy_pending(const char *connector, bool *beside)
{
	List	   *states = NIL;
	SnapshotRecord record;
	ListCell   *cell;

	sdb_process_begin_transaction();
	sdb_checkpoint_get_snapshot(connector, &record);
	*beside = record.done;
	foreach(cell, sdb_checkpoint_tables(connector))
	{
		TableState *state = lfirst(cell);

		if (sdb_table_is_pending(state))
			states = lappend(states, state);
	}
	sdb_process_commit_transaction();
	return states;
}

CopySession *
sdb_copy_session_open(Connector *connector)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "synchdb copy",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CopySession *session = palloc0(sizeof(CopySession));

	session->connector = connector;
	session->context = context;
	session->row_context = AllocSetContextCreate(context, "synchdb copied row",
												 ALLOCSET_DEFAULT_SIZES);
	session->states = sdb_copy_pending(connector->name, &session->beside);
	if (session->states != NIL)
		session->source = connector->routine->open(&connector->options);
	MemoryContextSwitchTo(old);
	return session;
}

void
sdb_copy_session_begin(CopySession *session, char **position)
{
	const SourceRoutine *routine = session->source->routine;
	MemoryContext old = MemoryContextSwitchTo(session->context);
	List	   *before;
	List	   *after = describe(session);

	do
	{
		SDB_FAILPOINT("copy-before-snapshot");
		before = after;
		if (position != NULL)
			*position = routine->current_position(session->source);
		routine->snapshot_begin(session->source, before);
		after = describe(session);
		if (!have_changed(before, after))
			break;
		routine->snapshot_end(session->source);
	} while (true);

	take_definitions(session, before);
	MemoryContextSwitchTo(old);
}

TableState *
sdb_copy_session_find(CopySession *session, const char *id)
{
	ListCell   *cell;

	foreach(cell, session->states)
	{
		TableState *state = lfirst(cell);

		if (strcmp(state->table->id, id) == 0)
			return state;
	}
	session->outdated = true;
	return NULL;
}

bool
sdb_copy_session_holds(CopySession *session, SourceTable *table)
{
	List	   *now = session->source->routine->describe(session->source,
														 list_make1(table->id));

	return !have_changed(list_make1(table), now);
}

void
sdb_copy_session_again(CopySession *session, TableState *state)
{
	const char *connector = session->connector->name;

	ereport(LOG,
			(errmsg("table \"%s\" was altered at the source while it was copied in ranges, and is copied again",
					state->table->id)));
	state->stage = TABLE_RECOPY;
	sdb_checkpoint_put_table(connector, state);
	sdb_ranges_drop(connector, state->table->id);
}

void
sdb_copy_session_close(CopySession *session)
{
	if (session->source != NULL)
	{
		session->source->routine->snapshot_end(session->source);
		sdb_source_close(session->source);
	}
	MemoryContextDelete(session->context);
}

/* The session's tables as they are at the source. */
static List *
describe(CopySession *session)
{
	List	   *ids = NIL;
	ListCell   *cell;

	foreach(cell, session->states)
		ids = lappend(ids, ((TableState *) lfirst(cell))->table->id);
	return session->source->routine->describe(session->source, ids);
}

static bool
have_changed(List *before, List *after)
{
	ListCell   *a;
	ListCell   *b;

	if (list_length(before) != list_length(after))
		return true;
	forboth(a, before, b, after)
	{
		if (!sdb_table_equal(lfirst(a), lfirst(b)))
			return true;
	}
	return false;
}

/*
 * The tables' definitions are those that were found now.  A table that was
 * dropped at the source cannot be copied any more, and must not stand in the
 * way of the others.  One that was altered between two of its ranges is to be
 * copied from the start.
 */
static void
take_definitions(CopySession *session, List *tables)
{
	ListCell   *cell;

	sdb_process_begin_transaction();
	foreach(cell, session->states)
	{
		TableState *state = lfirst(cell);
		SourceTable *table = find_table(tables, state->table->id);

		if (table == NULL)
		{
			ereport(WARNING,
					(errmsg("table \"%s\" is not copied: the source no longer has it",
							state->table->id),
					 errhint("What is here of it stays as it was; drop it before the source has another table of that name.")));
			sdb_tables_drop(session->connector, state->table);
			session->states = foreach_delete_current(session->states, cell);
			continue;
		}
		if (state->stage == TABLE_COPYING &&
			!sdb_table_equal(state->table, table))
			sdb_copy_session_again(session, state);
		state->stored = state->table;
		state->table = table;
	}
	sdb_process_commit_transaction();
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
