/*
 * fake_replay.c --- what a copy made from a script contains
 */
#include "postgres.h"

#include "fake_replay.h"

static void find_end(Script *script, Replay *replay);
static void replay_statement(Replay *replay, Statement *statement);
static void replay_create(Replay *replay, const char *json);
static void replay_alter(Replay *replay, Statement *statement);
static void replay_change(Replay *replay, Statement *statement);
static void require_values(const SourceTable *table,
						   const Statement *statement, int nrows);
static void replay_update(ReplayedTable *replayed, char **old, char **new,
						  uint64 pos);
static bool contains(const ReplayedTable *replayed, char **row, uint64 pos);
static char **find_row(const ReplayedTable *replayed, char **wanted);
static void remove_row(ReplayedTable *replayed, char **wanted, uint64 pos);
static void remove_all_rows(ReplayedTable *replayed, uint64 pos);

Replay *
sdb_fake_replay(Script *script)
{
	Replay	   *replay = palloc0(sizeof(Replay));
	Statement	statement;

	find_end(script, replay);
	sdb_script_seek(script, 0);
	while (script->pos < replay->end &&
		   sdb_script_next(script, &statement))
		replay_statement(replay, &statement);
	return replay;
}

/* Find the last COMMIT, and the points, wherever they stand. */
static void
find_end(Script *script, Replay *replay)
{
	bool		in_transaction = false;
	Statement	statement;

	sdb_script_seek(script, 0);
	while (sdb_script_next(script, &statement))
	{
		if (statement.verb == VERB_BEGIN)
			in_transaction = true;
		else if (statement.verb == VERB_COMMIT)
			in_transaction = false;
		else if (statement.verb == VERB_SNAPSHOT)
		{
			ScriptPoint *point = palloc0(sizeof(ScriptPoint));

			point->id = statement.fields[0];
			point->from = strtou64(statement.fields[1], NULL, 10);
			if (statement.nfields > 2)
				point->until = strtou64(statement.fields[2], NULL, 10);
			replay->points = lappend(replay->points, point);
		}
		if (!in_transaction)
			replay->end = script->pos;
	}
}

static void
replay_statement(Replay *replay, Statement *statement)
{
	switch (statement->verb)
	{
		case VERB_TABLE:
		case VERB_CREATE:
			replay_create(replay, statement->fields[0]);
			break;
		case VERB_ALTER:
			replay_alter(replay, statement);
			break;
		case VERB_INSERT:
		case VERB_UPDATE:
		case VERB_DELETE:
		case VERB_TRUNCATE:
		case VERB_DROP:
			replay_change(replay, statement);
			break;
		default:
			break;
	}
}

static void
replay_create(Replay *replay, const char *json)
{
	ReplayedTable *replayed = palloc0(sizeof(ReplayedTable));

	replayed->table = sdb_table_from_json(json);
	replayed->point = sdb_fake_point(replay, replayed->table->id);
	replay->tables = lappend(replay->tables, replayed);
}

/* Whatever the table's point is, its copy has the last definition. */
static void
replay_alter(Replay *replay, Statement *statement)
{
	ReplayedTable *replayed = sdb_fake_replayed_table(replay,
													  statement->fields[0]);
	SourceTable *after = sdb_table_from_json(statement->fields[1]);
	int		   *origins;
	ListCell   *cell;

	if (replayed == NULL)
		sdb_script_malformed(statement, "there is no such table");
	origins = sdb_script_origins(replayed->table, after, statement);
	foreach(cell, replayed->rows)
	{
		char	  **row = palloc(after->ncolumns * sizeof(char *));

		for (int i = 0; i < after->ncolumns; i++)
		{
			if (origins[i] >= 0)
				row[i] = ((char **) lfirst(cell))[origins[i]];
			else if (after->columns[i].default_value != NULL)
				row[i] = after->columns[i].default_value;
			else
				row[i] = "\\N";
		}
		lfirst(cell) = row;
	}
	replayed->table = after;
}

static void
replay_change(Replay *replay, Statement *statement)
{
	ReplayedTable *replayed = sdb_fake_replayed_table(replay, statement->fields[0]);
	char	  **row = statement->fields + 1;
	uint64		pos = statement->pos;

	if (replayed == NULL)
		sdb_script_malformed(statement, "there is no such table");
	switch (statement->verb)
	{
		case VERB_INSERT:
			require_values(replayed->table, statement, 1);
			if (contains(replayed, row, pos))
				replayed->rows = lappend(replayed->rows, row);
			break;
		case VERB_UPDATE:
			require_values(replayed->table, statement, 2);
			replay_update(replayed, row, row + replayed->table->ncolumns, pos);
			break;
		case VERB_DELETE:
			require_values(replayed->table, statement, 1);
			remove_row(replayed, row, pos);
			break;
		case VERB_TRUNCATE:
			remove_all_rows(replayed, pos);
			break;
		default:
			replay->tables = list_delete_ptr(replay->tables, replayed);
			break;
	}
}

static void
require_values(const SourceTable *table, const Statement *statement, int nrows)
{
	if (statement->nfields != 1 + nrows * table->ncolumns)
		sdb_script_malformed(statement,
							 "it does not have one value a column");
}

/* The old and the new row may be copied at different moments. */
static void
replay_update(ReplayedTable *replayed, char **old, char **new, uint64 pos)
{
	char	  **found = find_row(replayed, old);

	for (int i = 0; i < replayed->table->ncolumns; i++)
	{
		if (FIELD_IS_UNCHANGED(new[i]))
			new[i] = found != NULL ? found[i] : old[i];
	}
	remove_row(replayed, old, pos);
	if (contains(replayed, new, pos))
		replayed->rows = lappend(replayed->rows, new);
}

ReplayedTable *
sdb_fake_replayed_table(const Replay *replay, const char *id)
{
	ListCell   *cell;

	foreach(cell, replay->tables)
	{
		ReplayedTable *replayed = lfirst(cell);

		if (strcmp(replayed->table->id, id) == 0)
			return replayed;
	}
	return NULL;
}

const ScriptPoint *
sdb_fake_point(const Replay *replay, const char *id)
{
	ListCell   *cell;

	foreach(cell, replay->points)
	{
		const ScriptPoint *point = lfirst(cell);

		if (strcmp(point->id, id) == 0)
			return point;
	}
	return NULL;
}

/* Does a copy contain what the statement at pos did to that row? */
static bool
contains(const ReplayedTable *replayed, char **row, uint64 pos)
{
	const ScriptPoint *point = replayed->point;

	if (point == NULL)
		return true;
	if (point->until > 0 && sdb_fake_key(replayed->table, row) % 2 != 0)
		return pos < point->until;
	return pos < point->from;
}

/* By the key, or by all columns that are known if there is none. */
static char **
find_row(const ReplayedTable *replayed, char **wanted)
{
	const SourceTable *table = replayed->table;
	int			n = table->nkeys > 0 ? table->nkeys : table->ncolumns;
	ListCell   *cell;

	foreach(cell, replayed->rows)
	{
		char	  **row = lfirst(cell);
		bool		equal = true;

		for (int i = 0; i < n && equal; i++)
		{
			int			column = table->nkeys > 0 ? table->keys[i] : i;

			equal = FIELD_IS_UNCHANGED(wanted[column]) ||
				strcmp(row[column], wanted[column]) == 0;
		}
		if (equal)
			return row;
	}
	return NULL;
}

static void
remove_row(ReplayedTable *replayed, char **wanted, uint64 pos)
{
	char	  **row = find_row(replayed, wanted);

	if (row != NULL && contains(replayed, row, pos))
		replayed->rows = list_delete_ptr(replayed->rows, row);
}

static void
remove_all_rows(ReplayedTable *replayed, uint64 pos)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, replayed->rows)
	{
		char	  **row = lfirst(cell);

		if (!contains(replayed, row, pos))
			kept = lappend(kept, row);
	}
	replayed->rows = kept;
}

int64
sdb_fake_key(const SourceTable *table, char **row)
{
	return strtoi64(row[table->keys[0]], NULL, 10);
}
