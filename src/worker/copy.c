/*
 * copy.c --- snapshots: source rows into target tables
 *
 * The tables to be copied stand in the catalog.  Each process that copies
 * claims one piece of work at a time, by locking its row there, and does it in
 * one local transaction:
 *
 *		a table		is created, loaded, gets its key, and its definition and
 *					the point that its rows show are stored
 *		a range		of a table that was split is loaded, and marked as done
 *		completion	of a split table, when its last range is done: its key,
 *					and the point
 *
 * So a table, or a range, is copied as a whole or not at all, and an
 * interrupted snapshot goes on with what is left.  The stream worker copies
 * itself, helped by copy workers where there is more than one piece.  Each
 * process has a source session and a point of its own.
 *
 * The point of a split table is a window.  It begins at a position taken
 * before any of its ranges was read, which all of them cover; and it ends at
 * the point of a snapshot made after the last one, which contains all that any
 * of them may contain.  No two points have to be compared for that.  Only
 * tables with a key are split, since only they can have a window.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "checkpoint/ranges.h"
#include "ddl/ddl.h"
#include "guc.h"
#include "util/error_position.h"
#include "util/failpoint.h"
#include "worker/control.h"
#include "worker/copy_session.h"
#include "worker/tables.h"
#include "worker/worker_internal.h"

/* more ranges of one table serve nobody */
#define MAX_RANGES	1000

static void copy_as_worker(const WorkerArguments *arguments);
static void report_failure(const WorkerArguments *arguments,
						   const ErrorData *error);
static void link_tables(Connector *connector);
static int	split_tables(Connector *connector);
static bool pays_to_split(const TableState *state);
static int	split_table(Connector *connector, Source *source,
						TableState *state, char *position);
static bool copy_next(CopySession *session);
static bool complete_next_table(CopySession *session);
static bool copy_next_range(CopySession *session);
static bool copy_next_table(CopySession *session);
static void report_work(const CopySession *session, const SourceTable *table);
static void copy_table(CopySession *session, TableState *state);
static bool prepare_target(const TableState *state,
						   const TargetTable *target,
						   const SourceType *types);
static void follow_definition(const TableState *state,
							  const SourceType *types);
static int64 copy_rows(CopySession *session, SourceTable *table,
					   const KeyRange *range, bool created);
static void store_copy(CopySession *session, TableState *state);
static void count_rows(CopySession *session, int ntables, int64 nrows);
static bool target_has_rows(const TargetTable *target);

void
sdb_copy_all(Connector *connector, int slot)
{
	CopyHelpers helpers = {0};
	int			npieces = split_tables(connector);

	sdb_helpers_start(&helpers, connector,
					  Min(sdb_guc_snapshot_workers, npieces) - 1, slot);
	PG_TRY();
	{
		sdb_copy_run(connector);
		sdb_helpers_end(&helpers, false);
		sdb_copy_run(connector);	/* what a helper that failed has left */
		link_tables(connector);
	}
	PG_CATCH();
	{
		sdb_helpers_end(&helpers, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

void
sdb_copy_run(Connector *connector)
{
	bool		outdated;

	do
	{
		CopySession *session = sdb_copy_session_open(connector);

		if (session->states != NIL)
			sdb_copy_session_begin(session, NULL);
		while (session->states != NIL && copy_next(session))
			;
		outdated = session->outdated;
		sdb_copy_session_close(session);
	} while (outdated);
}

/* Foreign keys come when both their tables are there. */
static void
link_tables(Connector *connector)
{
	MemoryContext old;

	sdb_process_begin_transaction();
	old = MemoryContextSwitchTo(TopTransactionContext);
	sdb_tables_link(connector, NULL);
	MemoryContextSwitchTo(old);
	sdb_process_commit_transaction();
}

/* Entry point of a copy worker. */
void
sdb_copy_main(Datum arg)
{
	WorkerArguments arguments;
	ErrorData  *volatile error = NULL;

	sdb_process_begin(&arguments);
	sdb_process_report("connecting");
	PG_TRY();
	{
		copy_as_worker(&arguments);
	}
	PG_CATCH();
	{
		error = sdb_process_catch_error(TopMemoryContext);
	}
	PG_END_TRY();
	if (error != NULL && !sdb_stop_requested)
		report_failure(&arguments, error);
	proc_exit(0);
}

static void
copy_as_worker(const WorkerArguments *arguments)
{
	Connector  *connector;

	sdb_process_begin_transaction();
	connector = sdb_connector_load(arguments->name);
	sdb_rules_load(connector->name);
	sdb_process_commit_transaction();
	if (arguments->leads)
	{
		StreamSession session = {.connector = connector,
		.slot = arguments->slot};

		sdb_copy_all(connector, arguments->slot);
		sdb_join_approach(&session);
	}
	else
		sdb_copy_run(connector);
}

/* Nobody waits for a leader, so what befell it must be seen. */
static void
report_failure(const WorkerArguments *arguments, const ErrorData *error)
{
	char	   *text = sdb_failure_text(error);

	sdb_shmem_set_error(arguments->slot, error->sqlerrcode, text);
	if (!arguments->leads)
		return;
	sdb_process_begin_transaction();
	sdb_checkpoint_set_error(arguments->name, text);
	sdb_process_commit_transaction();
}

/*
 * Splits the tables for which it pays.  Gives the number of pieces of work
 * that there are then.
 */
static int
split_tables(Connector *connector)
{
	CopySession *session;
	bool		pays = false;
	bool		beside;
	List	   *states = sdb_copy_pending(connector->name, &beside);
	int			npieces;
	char	   *position;
	ListCell   *cell;

	sdb_process_begin_transaction();
	npieces = sdb_ranges_count(connector->name);
	sdb_process_commit_transaction();
	foreach(cell, states)
	{
		TableState *state = lfirst(cell);

		pays |= pays_to_split(state);
		npieces += state->stage != TABLE_COPYING;
	}
	if (!pays)
		return npieces;

	session = sdb_copy_session_open(connector);
	/* before any snapshot: what it covers will be in all of them */
	sdb_copy_session_begin(session, &position);
	foreach(cell, session->states)
	{
		TableState *state = lfirst(cell);

		if (pays_to_split(state))
			npieces += split_table(connector, session->source, state,
								   position) - 1;
	}
	sdb_copy_session_close(session);
	return npieces;
}

static bool
pays_to_split(const TableState *state)
{
	return sdb_guc_snapshot_workers > 1 && sdb_guc_snapshot_range_size > 0 &&
		(state->stage == TABLE_PENDING || state->stage == TABLE_RECOPY) &&
		state->table->nkeys > 0 &&
		state->table->estimated_rows > sdb_guc_snapshot_range_size;
}

/* Gives the number of ranges; 1 if the source cannot split the table. */
static int
split_table(Connector *connector, Source *source, TableState *state,
			char *position)
{
	SourceTable *table = state->table;
	TargetTable *target = sdb_naming_target(table);
	int64		nparts = table->estimated_rows / sdb_guc_snapshot_range_size + 1;
	int			nworkers = sdb_guc_snapshot_workers;
	List	   *ranges;

	/* as many for each worker, so that none waits for the last range */
	nparts = (nparts + nworkers - 1) / nworkers * nworkers;
	ranges = source->routine->split_table(source, table,
										  Min(nparts, MAX_RANGES));
	if (list_length(ranges) < 2)
		return 1;
	sdb_process_begin_transaction();
	/* rows that were read at different moments might break it */
	if (sdb_ddl_has_own_unique(target))
	{
		sdb_process_commit_transaction();
		return 1;
	}
	state->created = prepare_target(state, target, connector->routine->types);
	if (!state->created)
		sdb_ddl_drop_unique_indexes(table, target);
	state->stage = TABLE_COPYING;
	state->from = position;
	sdb_checkpoint_put_table(connector->name, state);
	sdb_ranges_put(connector->name, table->id, ranges);
	SDB_FAILPOINT("copy-before-split");
	sdb_process_commit_transaction();
	return list_length(ranges);
}

/* One piece of work; false if none is left that nobody else has. */
static bool
copy_next(CopySession *session)
{
	MemoryContext old = CurrentMemoryContext;
	bool		found;

	sdb_process_begin_transaction();
	MemoryContextSwitchTo(TopTransactionContext);
	found = complete_next_table(session) ||
		(!session->outdated &&
		 (copy_next_range(session) || copy_next_table(session)));
	MemoryContextSwitchTo(old);
	SDB_FAILPOINT("copy-before-commit");
	ForceSyncCommit();			/* a copy is dear, a flush is not */
	sdb_process_commit_transaction();
	SDB_FAILPOINT("copy-after-commit");
	sdb_error_position.table = NULL;
	sdb_error_position.column = NULL;
	sdb_error_position.action = NULL;
	return found;
}

/* Ends the session if there was one. */
static bool
complete_next_table(CopySession *session)
{
	const SourceRoutine *routine = session->source->routine;
	ClaimedRange claimed;
	TableState *state;
	SourceValue *row;

	if (!sdb_ranges_claim_complete(session->connector->name, &claimed))
		return false;
	state = sdb_copy_session_find(session, claimed.id);
	if (state == NULL)
		return false;
	report_work(session, state->table);

	/* a point that contains all that any of the ranges may contain */
	routine->snapshot_end(session->source);
	routine->snapshot_begin(session->source, list_make1(state->table));
	session->outdated = true;	/* that was for this table alone */
	if (!sdb_copy_session_holds(session, state->table))
	{
		sdb_copy_session_again(session, state);
		return false;
	}
	row = palloc(state->table->ncolumns * sizeof(SourceValue));
	while (routine->snapshot_next(session->source, state->table,
								  &claimed.range, row) != SOURCE_END)
		;

	SDB_FAILPOINT("copy-before-completion");
	store_copy(session, state);
	sdb_ranges_drop(session->connector->name, claimed.id);
	count_rows(session, 1, 0);
	return false;
}

static bool
copy_next_range(CopySession *session)
{
	ClaimedRange claimed;
	TableState *state;

	if (!sdb_ranges_claim(session->connector->name, &claimed))
		return false;
	state = sdb_copy_session_find(session, claimed.id);
	if (state == NULL)
		return false;
	report_work(session, state->table);
	SDB_FAILPOINT("copy-before-range");
	count_rows(session, 0, copy_rows(session, state->table, &claimed.range,
									 false));
	sdb_ranges_mark_done(session->connector->name, &claimed);
	return true;
}

static bool
copy_next_table(CopySession *session)
{
	TableState *claimed =
		sdb_checkpoint_claim_table(session->connector->name);
	TableState *state;

	if (claimed == NULL)
		return false;
	state = sdb_copy_session_find(session, claimed->table->id);
	if (state == NULL)
		return false;
	state->stage = claimed->stage;
	state->stored = claimed->table;
	copy_table(session, state);
	return true;
}

static void
report_work(const CopySession *session, const SourceTable *table)
{
	sdb_error_position.connector = session->connector->name;
	sdb_error_position.action = "snapshot";
	sdb_error_position.table = table->id;
	sdb_process_report(psprintf("copying %s", table->id));
}

static void
copy_table(CopySession *session, TableState *state)
{
	SourceTable *table = state->table;
	TargetTable *target = sdb_naming_target(table);
	int64		nrows;

	report_work(session, table);
	state->created = prepare_target(state, target,
									session->connector->routine->types);
	SDB_FAILPOINT("copy-before-load");
	nrows = copy_rows(session, table, NULL, state->created);
	store_copy(session, state);
	count_rows(session, 1, nrows);
}

/*
 * Make the target ready for the load.  True if it was created here, so that
 * its key is still to be built.
 */
static bool
prepare_target(const TableState *state, const TargetTable *target,
			   const SourceType *types)
{
	Oid			relid;

	sdb_ddl_create_schema(target->schema);
	relid = sdb_ddl_create_table(state->table, target, types, KEY_LATER);
	CommandCounterIncrement();
	if (OidIsValid(relid))
		return true;

	if (state->stage == TABLE_RECOPY)
	{
		sdb_ddl_truncate(target);
		follow_definition(state, types);
	}
	else if (target_has_rows(target))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s.%s\" already holds rows",
						target->schema, target->name),
				 errdetail("Table \"%s\" of the source cannot be copied into it.",
						   state->table->id),
				 errhint("Empty or drop it, or start the connector with snapshot mode \"always\" to replace its rows, or \"no_data\" to keep them.")));
	return false;
}

/* The table may have been altered at the source since its target was made. */
static void
follow_definition(const TableState *state, const SourceType *types)
{
	SchemaChange change = {.kind = SCHEMA_ALTER_TABLE};

	if (sdb_table_equal(state->stored, state->table))
		return;
	change.before = state->stored;
	change.after = state->table;
	change.origins = sdb_table_match(change.before, change.after);
	(void) sdb_ddl_apply(&change, types);
	CommandCounterIncrement();
}

static int64
copy_rows(CopySession *session, SourceTable *table, const KeyRange *range,
		  bool created)
{
	Source	   *source = session->source;
	BulkLoad   *load = sdb_bulk_begin(table, created);
	MemoryContext old = MemoryContextSwitchTo(session->row_context);
	SourceValue *row = MemoryContextAlloc(old, table->ncolumns *
										  sizeof(SourceValue));

	while (source->routine->snapshot_next(source, table, range, row) !=
		   SOURCE_END)
	{
		sdb_process_check();
		sdb_bulk_row(load, row);
		MemoryContextReset(session->row_context);
	}
	MemoryContextSwitchTo(old);
	return sdb_bulk_end(load);
}

/*
 * All rows are there: what comes after them, and what they show.  The point
 * is that of what was read last; where ranges were read before, it only ends
 * their window.
 */
static void
store_copy(CopySession *session, TableState *state)
{
	Connector  *connector = session->connector;
	TargetTable *target = sdb_naming_target(state->table);
	SnapshotPoint point;

	session->source->routine->snapshot_point(session->source, state->table,
											 &point);
	if (state->stage == TABLE_COPYING)
		state->until = point.until ? point.until : point.from;
	else
	{
		state->from = point.from;
		state->until = point.until;
	}
	if (state->created)
		sdb_ddl_create_key(state->table, target);
	sdb_ddl_set_identity(state->table, target);
	sdb_ddl_create_plain_indexes(state->table, target);
	if (state->until == NULL)
		sdb_ddl_create_unique_indexes(state->table, target);
	else
		sdb_ddl_drop_unique_indexes(state->table, target);
	CommandCounterIncrement();
	state->stage = session->beside ? TABLE_READY : TABLE_COPIED;
	state->created = false;
	sdb_checkpoint_put_table(connector->name, state);
	sdb_tables_record_attributes(connector, state->table);
}

/* For the commit that makes them visible. */
static void
count_rows(CopySession *session, int ntables, int64 nrows)
{
	Counters	counters = {{0}};

	counters.value[COUNTER_TABLES] = ntables;
	counters.value[COUNTER_READS] = nrows;
	counters.value[COUNTER_TOTAL_EVENTS] = nrows;
	counters.value[COUNTER_SNAPSHOT_END_TS] =
		sdb_process_time_ms(GetCurrentTimestamp());
	sdb_checkpoint_store(session->connector->name, NULL, &counters);
}

static bool
target_has_rows(const TargetTable *target)
{
	bool		has_rows;

	SPI_connect();
	if (SPI_execute(psprintf("SELECT 1 FROM %s LIMIT 1",
							 quote_qualified_identifier(target->schema,
														target->name)),
					false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look into table \"%s\"", target->name);
	has_rows = SPI_processed > 0;
	SPI_finish();
	return has_rows;
}
