/*
 * copy.c --- snapshots: source rows into target tables
 *
 * The tables to be copied stand in the catalog.  Each process that copies
 * claims one at a time and copies it in one local transaction, which creates
 * the table, loads it, builds its key, and stores its definition and the
 * point that its rows show.  So a table is copied as a whole or not at all,
 * and an interrupted snapshot goes on with the next table.
 *
 * The stream worker copies itself, helped by copy workers where there is more
 * than one table.  Each process has a source session and a point of its own.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ddl/ddl.h"
#include "guc.h"
#include "util/error_position.h"
#include "util/failpoint.h"
#include "worker/control.h"
#include "worker/tables.h"
#include "worker/worker_internal.h"

typedef struct CopyHelpers
{
	int			n;
	BackgroundWorkerHandle **handles;
} CopyHelpers;

static List *pending_tables(const char *connector);
static bool copy_next_table(Connector *connector, Source *source,
							List *tables, MemoryContext row_context);
static SourceTable *find_table(List *tables, const char *id);
static void copy_table(Connector *connector, Source *source,
					   const TableState *claimed, SourceTable *table,
					   MemoryContext row_context);
static bool prepare_target(const TableState *claimed,
						   const TargetTable *target,
						   const SourceType *types);
static int64 copy_rows(Source *source, SourceTable *table, bool created,
					   MemoryContext row_context);
static void store_copy(Connector *connector, Source *source,
					   SourceTable *table, int64 nrows);
static bool target_has_rows(const TargetTable *target);
static void start_helpers(CopyHelpers *helpers, const Connector *connector,
						  int wanted, int slot);
static void end_helpers(CopyHelpers *helpers, bool terminate);

void
sdb_copy_all(Connector *connector, int ntables, int slot)
{
	CopyHelpers helpers = {0};

	start_helpers(&helpers, connector,
				  Min(sdb_guc_snapshot_workers, ntables) - 1, slot);
	PG_TRY();
	{
		sdb_copy_run(connector);
		end_helpers(&helpers, false);
		sdb_copy_run(connector);	/* what a helper that failed has left */
	}
	PG_CATCH();
	{
		end_helpers(&helpers, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

void
sdb_copy_run(Connector *connector)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(old, "synchdb copy",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext row_context = AllocSetContextCreate(context,
													  "synchdb copied row",
													  ALLOCSET_DEFAULT_SIZES);
	Source	   *source;
	List	   *tables;

	MemoryContextSwitchTo(context);
	tables = pending_tables(connector->name);
	if (tables != NIL)
	{
		source = connector->routine->open(&connector->options);
		source->routine->snapshot_begin(source, tables);
		while (copy_next_table(connector, source, tables, row_context))
			;
		source->routine->snapshot_end(source);
		sdb_source_close(source);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
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
		Connector  *connector;

		sdb_process_begin_transaction();
		connector = sdb_connector_load(arguments.name);
		sdb_process_commit_transaction();
		sdb_copy_run(connector);
	}
	PG_CATCH();
	{
		error = sdb_process_catch_error(TopMemoryContext);
	}
	PG_END_TRY();
	if (error != NULL && !sdb_stop_requested)
		sdb_shmem_set_error(arguments.slot, sdb_process_error_text(error));
	proc_exit(0);
}

static List *
pending_tables(const char *connector)
{
	List	   *tables = NIL;
	ListCell   *cell;

	sdb_process_begin_transaction();
	foreach(cell, sdb_checkpoint_tables(connector))
	{
		TableState *state = lfirst(cell);

		if (state->stage == TABLE_PENDING || state->stage == TABLE_RECOPY)
			tables = lappend(tables, state->table);
	}
	sdb_process_commit_transaction();
	return tables;
}

/* Copies one table in one local transaction; false if none is left. */
static bool
copy_next_table(Connector *connector, Source *source, List *tables,
				MemoryContext row_context)
{
	MemoryContext old = CurrentMemoryContext;
	TableState *claimed;

	sdb_process_begin_transaction();
	MemoryContextSwitchTo(TopTransactionContext);
	claimed = sdb_checkpoint_claim_table(connector->name);
	if (claimed != NULL)
		copy_table(connector, source, claimed,
				   find_table(tables, claimed->table->id), row_context);
	MemoryContextSwitchTo(old);
	SDB_FAILPOINT("copy-before-commit");
	ForceSyncCommit();			/* a copy is dear, a flush is not */
	sdb_process_commit_transaction();
	return claimed != NULL;
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
	elog(ERROR, "table \"%s\" was not pending when the copy began", id);
}

static void
copy_table(Connector *connector, Source *source, const TableState *claimed,
		   SourceTable *table, MemoryContext row_context)
{
	TargetTable *target = sdb_naming_target(table);
	bool		created;
	int64		nrows;

	sdb_error_position.connector = connector->name;
	sdb_error_position.action = "snapshot";
	sdb_error_position.table = table->id;
	sdb_process_report(psprintf("copying %s", table->id));

	created = prepare_target(claimed, target, connector->routine->types);
	SDB_FAILPOINT("copy-before-load");
	nrows = copy_rows(source, table, created, row_context);
	if (created)
		sdb_ddl_create_key(table, target);
	sdb_ddl_set_identity(table, target);
	CommandCounterIncrement();
	store_copy(connector, source, table, nrows);

	sdb_error_position.table = NULL;
	sdb_error_position.column = NULL;
	sdb_error_position.action = NULL;
}

/*
 * Make the target ready for the load.  True if it was created here, so that
 * its key is still to be built.
 */
static bool
prepare_target(const TableState *claimed, const TargetTable *target,
			   const SourceType *types)
{
	Oid			relid;

	sdb_ddl_create_schema(target->schema);
	relid = sdb_ddl_create_table(claimed->table, target, types, KEY_LATER);
	CommandCounterIncrement();
	if (OidIsValid(relid))
		return true;

	if (claimed->stage == TABLE_RECOPY)
		sdb_ddl_truncate(target);
	else if (target_has_rows(target))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s.%s\" already holds rows",
						target->schema, target->name),
				 errdetail("Table \"%s\" of the source cannot be copied into it.",
						   claimed->table->id),
				 errhint("Empty or drop it, or start the connector with snapshot mode \"always\" to replace its rows, or \"no_data\" to keep them.")));
	return false;
}

static int64
copy_rows(Source *source, SourceTable *table, bool created,
		  MemoryContext row_context)
{
	BulkLoad   *load = sdb_bulk_begin(table, created);
	MemoryContext old = MemoryContextSwitchTo(row_context);
	SourceValue *row = MemoryContextAlloc(old, table->ncolumns *
										  sizeof(SourceValue));

	while (source->routine->snapshot_next(source, table, NULL, row) !=
		   SOURCE_END)
	{
		sdb_process_check();
		sdb_bulk_row(load, row);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	return sdb_bulk_end(load);
}

/* What the table's rows show, and the counters, for the same commit. */
static void
store_copy(Connector *connector, Source *source, SourceTable *table,
		   int64 nrows)
{
	TableState	state = {table, TABLE_COPIED, NULL, NULL};
	Counters	counters = {{0}};
	SnapshotPoint point;

	source->routine->snapshot_point(source, table, &point);
	state.from = point.from;
	state.until = point.until;
	sdb_checkpoint_put_table(connector->name, &state);
	sdb_tables_record_attributes(connector, table);

	counters.value[COUNTER_TABLES] = 1;
	counters.value[COUNTER_READS] = nrows;
	counters.value[COUNTER_TOTAL_EVENTS] = nrows;
	counters.value[COUNTER_SNAPSHOT_END_TS] =
		sdb_process_time_ms(GetCurrentTimestamp());
	sdb_checkpoint_store(connector->name, NULL, &counters);
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

/* As many helpers as there are free worker processes for. */
static void
start_helpers(CopyHelpers *helpers, const Connector *connector, int wanted,
			  int slot)
{
	WorkerArguments arguments;
	BackgroundWorker worker;

	if (wanted <= 0)
		return;
	sdb_worker_arguments(&arguments, MyDatabaseId, GetUserId(),
						 connector->name);
	arguments.slot = slot;

	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "synchdb", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "sdb_copy_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "synchdb copy %s", connector->name);
	strlcpy(worker.bgw_type, "synchdb copy", BGW_MAXLEN);
	memcpy(worker.bgw_extra, &arguments, sizeof(arguments));
	worker.bgw_notify_pid = MyProcPid;

	helpers->handles = palloc(wanted * sizeof(BackgroundWorkerHandle *));
	while (helpers->n < wanted &&
		   RegisterDynamicBackgroundWorker(&worker,
										   &helpers->handles[helpers->n]))
		helpers->n++;
}

static void
end_helpers(CopyHelpers *helpers, bool terminate)
{
	for (int i = 0; terminate && i < helpers->n; i++)
		TerminateBackgroundWorker(helpers->handles[i]);
	for (int i = 0; i < helpers->n; i++)
		WaitForBackgroundWorkerShutdown(helpers->handles[i]);
}
