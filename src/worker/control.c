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

/* What waits for the end of its transaction */
typedef struct PendingCall
{
	struct PendingCall *next;
	SubTransactionId subid;		/* that it belongs to */
	bool		starts;			/* else it pokes */
	WorkerArguments arguments;
	char		mode[SDB_MODE_LEN]; /* of a start */
} PendingCall;

static PendingCall *pending_calls = NULL;

static PendingCall *defer_call(const WorkerArguments *arguments);
static void end_transaction(XactEvent event, void *arg);
static void end_subtransaction(SubXactEvent event, SubTransactionId subid,
							   SubTransactionId parent, void *arg);
static void start_pending(const PendingCall *call);
static bool register_worker(const WorkerArguments *arguments,
							BackgroundWorkerHandle **handle);

void
sdb_worker_start(const char *name, Oid owner, const char *mode, bool at_commit)
{
	WorkerArguments arguments;
	BackgroundWorkerHandle *handle;
	char		error[SDB_ERROR_LEN];
	int			sqlerrcode;
	bool		connected;
	int			slot;

	sdb_worker_arguments(&arguments, MyDatabaseId, owner, name);
	if (at_commit)
	{
		PendingCall *call = defer_call(&arguments);

		call->starts = true;
		strlcpy(call->mode, mode, sizeof(call->mode));
		ereport(NOTICE,
				(errmsg("connector \"%s\" will start when this transaction commits",
						name),
				 errdetail("Its definition was made or changed in this transaction, and no other process can see it yet.")));
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

	connected = sdb_shmem_wait_connected(slot, handle, &sqlerrcode, error);
	if (connected)
		return;

	TerminateBackgroundWorker(handle);
	sdb_shmem_unreserve(slot);
	if (error[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("could not start connector \"%s\"", name),
				 errdetail("Its worker ended unexpectedly."),
				 errhint("See the server log.")));
	sdb_failure_raise(sqlerrcode, name, "start", error);
}

void
sdb_worker_poke(const char *name)
{
	WorkerArguments arguments;

	sdb_worker_arguments(&arguments, MyDatabaseId, InvalidOid, name);
	(void) defer_call(&arguments);
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

/* Remember something for the commit of this transaction. */
static PendingCall *
defer_call(const WorkerArguments *arguments)
{
	static bool registered = false;
	PendingCall *call;

	if (!registered)
	{
		RegisterXactCallback(end_transaction, NULL);
		RegisterSubXactCallback(end_subtransaction, NULL);
		registered = true;
	}
	call = MemoryContextAllocZero(TopTransactionContext, sizeof(PendingCall));
	call->arguments = *arguments;
	call->subid = GetCurrentSubTransactionId();
	call->next = pending_calls;
	pending_calls = call;
	return call;
}

static void
end_transaction(XactEvent event, void *arg)
{
	PendingCall *call = pending_calls;

	for (; call != NULL && event == XACT_EVENT_PRE_PREPARE; call = call->next)
		if (call->starts)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot PREPARE a transaction that starts a connector")));
	if (event == XACT_EVENT_PREPARE || event == XACT_EVENT_ABORT)
		pending_calls = NULL;
	if (event != XACT_EVENT_COMMIT)
		return;
	pending_calls = NULL;
	for (; call != NULL; call = call->next)
	{
		if (call->starts)
			start_pending(call);
		else
			sdb_shmem_poke(call->arguments.database, call->arguments.name);
	}
}

/* What a subtransaction asked for is its parent's, or goes with it. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId subid,
				   SubTransactionId parent, void *arg)
{
	PendingCall **link = &pending_calls;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (*link != NULL)
	{
		if ((*link)->subid == subid && event == SUBXACT_EVENT_ABORT_SUB)
		{
			*link = (*link)->next;
			continue;
		}
		if ((*link)->subid == subid)
			(*link)->subid = parent;
		link = &(*link)->next;
	}
}

/* After commit nothing may fail any more: what is not possible is a warning. */
static void
start_pending(const PendingCall *call)
{
	int			slot = sdb_shmem_try_reserve(call->arguments.database,
											 call->arguments.name, call->mode);
	BackgroundWorkerHandle *handle;

	if (slot >= 0 && register_worker(&call->arguments, &handle))
		return;
	if (slot >= 0)
		sdb_shmem_unreserve(slot);
	ereport(WARNING,
			(errmsg("could not start connector \"%s\"",
					call->arguments.name),
			 errhint("Start it again with synchdb_start_engine_bgw().")));
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
