/*
 * control.c --- starting, stopping and asking connectors
 *
 * A connector runs in one dynamic background worker, which the postmaster
 * restarts after a crash.  What the worker must know before it can read the
 * catalog travels in bgw_extra; what holds for one start only (the snapshot
 * mode) in the connector's slot.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"

#include "worker/control.h"
#include "worker/worker_internal.h"

/* seconds until the postmaster restarts a worker that crashed */
#define RESTART_SECONDS		5

/* A start that waits for the end of its transaction */
typedef struct PendingStart
{
	struct PendingStart *next;
	WorkerArguments arguments;
	char		mode[SDB_MODE_LEN];
} PendingStart;

static PendingStart *pending_starts = NULL;

static void defer_start(const WorkerArguments *arguments, const char *mode);
static void start_pending(XactEvent event, void *arg);
static bool register_worker(const WorkerArguments *arguments,
							BackgroundWorkerHandle **handle);

void
sdb_worker_start(const char *name, Oid owner, const char *mode, bool at_commit)
{
	WorkerArguments arguments;
	BackgroundWorkerHandle *handle;
	char		error[SDB_ERROR_LEN];
	bool		connected;
	int			slot;

	sdb_worker_arguments(&arguments, MyDatabaseId, owner, name);
	if (at_commit)
	{
		defer_start(&arguments, mode);
		return;
	}

	slot = sdb_shmem_reserve(MyDatabaseId, name, mode);
	if (!register_worker(&arguments, &handle))
	{
		sdb_shmem_unreserve(slot);
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("could not register background process"),
				 errhint("You may need to increase \"max_worker_processes\".")));
	}

	connected = sdb_shmem_wait_connected(slot, handle, error);
	if (connected)
		return;

	TerminateBackgroundWorker(handle);
	sdb_shmem_unreserve(slot);
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("could not start connector \"%s\": %s", name,
					error[0] ? error : "its worker ended unexpectedly"),
			 error[0] ? 0 : errhint("See the server log.")));
}

bool
sdb_worker_launch(Oid database, const char *name, Oid owner)
{
	WorkerArguments arguments;
	BackgroundWorkerHandle *handle;

	sdb_worker_arguments(&arguments, database, owner, name);
	if (register_worker(&arguments, &handle))
		return true;
	ereport(WARNING,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("could not start connector \"%s\": no free worker process",
					name),
			 errhint("You may need to increase \"max_worker_processes\".")));
	return false;
}

bool
sdb_worker_stop(const char *name)
{
	ConnectorStatus status;

	if (!sdb_shmem_status(name, &status) || status.pid <= 0)
		return false;
	if (kill(status.pid, SIGTERM) != 0 && errno != ESRCH)
		ereport(WARNING,
				(errmsg("could not signal process %d: %m", (int) status.pid)));
	sdb_shmem_wait_stopped(MyDatabaseId, name);
	return true;
}

void
sdb_worker_request(const char *name, ConnectorRequest request,
				   const char *argument)
{
	sdb_shmem_request(MyDatabaseId, name, request, argument);
}

void
sdb_worker_arguments(WorkerArguments *arguments, Oid database, Oid owner,
					 const char *name)
{
	MemSet(arguments, 0, sizeof(WorkerArguments));
	arguments->database = database;
	arguments->owner = owner;
	strlcpy(arguments->name, name, sizeof(arguments->name));
}

/* Remember a start for the commit of this transaction. */
static void
defer_start(const WorkerArguments *arguments, const char *mode)
{
	static bool registered = false;
	PendingStart *start;

	if (!registered)
	{
		RegisterXactCallback(start_pending, NULL);
		registered = true;
	}
	start = MemoryContextAllocZero(TopTransactionContext,
								   sizeof(PendingStart));
	start->arguments = *arguments;
	strlcpy(start->mode, mode, sizeof(start->mode));
	start->next = pending_starts;
	pending_starts = start;

	ereport(NOTICE,
			(errmsg("connector \"%s\" will start when this transaction commits",
					arguments->name),
			 errdetail("Its definition was made or changed in this transaction, and no other process can see it yet.")));
}

/*
 * Transaction callback.  After commit nothing may fail any more, so a start
 * that is not possible is a warning.
 */
static void
start_pending(XactEvent event, void *arg)
{
	PendingStart *start = pending_starts;

	if (event == XACT_EVENT_PRE_PREPARE && start != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that starts a connector")));
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT)
		return;
	pending_starts = NULL;
	if (event == XACT_EVENT_ABORT)
		return;
	for (; start != NULL; start = start->next)
	{
		int			slot = sdb_shmem_try_reserve(start->arguments.database,
												 start->arguments.name,
												 start->mode);
		BackgroundWorkerHandle *handle;

		if (slot >= 0 && register_worker(&start->arguments, &handle))
			continue;
		if (slot >= 0)
			sdb_shmem_unreserve(slot);
		ereport(WARNING,
				(errmsg("could not start connector \"%s\"",
						start->arguments.name),
				 errhint("Start it again with synchdb_start_engine_bgw().")));
	}
}

static bool
register_worker(const WorkerArguments *arguments,
				BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker;

	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	strlcpy(worker.bgw_library_name, "synchdb", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "sdb_stream_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "synchdb stream %s",
			 arguments->name);
	strlcpy(worker.bgw_type, "synchdb stream", BGW_MAXLEN);
	memcpy(worker.bgw_extra, arguments, sizeof(WorkerArguments));
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, handle);
}
