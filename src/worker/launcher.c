/*
 * launcher.c --- starts the active connectors of all databases at boot
 *
 * Only with shared_preload_libraries.  The launcher has no database; for each
 * one it runs a starter, a short-lived worker that looks into
 * synchdb_conninfo there, if the extension is installed, and launches its
 * active connectors.  On a standby nothing of this runs before promotion.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "checkpoint/catalog.h"
#include "guc.h"
#include "util/compat.h"
#include "worker/control.h"
#include "worker/worker_internal.h"

/* Connectors start one after the other, so that sources are not rushed. */
#define STAGGER_MS	200

static void launch_connector(const char *name);
static List *connectable_databases(void);
static void run_starter(Oid database);

void
sdb_launcher_register(void)
{
	BackgroundWorker worker;

	if (!sdb_guc_synchdb_auto_launcher)
		return;

	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "synchdb", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "sdb_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "synchdb launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "synchdb launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* Entry point of the launcher. */
void
sdb_launcher_main(Datum arg)
{
	ListCell   *cell;

	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	foreach(cell, connectable_databases())
	{
		CHECK_FOR_INTERRUPTS();
		run_starter(lfirst_oid(cell));
	}
	proc_exit(0);
}

/* Entry point of a starter; its database is the argument. */
void
sdb_starter_main(Datum arg)
{
	List	   *names = NIL;
	ListCell   *cell;

	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg),
											  InvalidOid, 0);
	sdb_process_begin_transaction();
	if (sdb_catalog_installed())
		names = sdb_connector_active_names();
	sdb_process_commit_transaction();
	foreach(cell, names)
	{
		launch_connector(lfirst(cell));
		if (lnext(names, cell) != NULL)
			sdb_process_wait(WAIT_RETRY, PGINVALID_SOCKET, STAGGER_MS);
	}
	proc_exit(0);
}

/* A connector that cannot be started must not hinder the others. */
static void
launch_connector(const char *name)
{
	PG_TRY();
	{
		sdb_process_begin_transaction();
		sdb_worker_launch(MyDatabaseId, name, sdb_connector_owner(name));
		sdb_process_commit_transaction();
	}
	PG_CATCH();
	{
		FreeErrorData(sdb_process_catch_error(TopMemoryContext));
	}
	PG_END_TRY();
}

static List *
connectable_databases(void)
{
	List	   *databases = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	sdb_process_begin_transaction();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (database->datallowconn && !database->datistemplate)
			databases = lappend_oid(databases, database->oid);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	sdb_process_commit_transaction();
	return databases;
}

/* Starts a starter and waits for its end, so that few run at a time. */
static void
run_starter(Oid database)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "synchdb", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "sdb_starter_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "synchdb starter for database %u",
			 database);
	strlcpy(worker.bgw_type, "synchdb starter", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("could not look for connectors in database %u: no free worker process",
						database),
				 errhint("You may need to increase \"max_worker_processes\".")));
		return;
	}
	WaitForBackgroundWorkerShutdown(handle);
}
