/*
 * copy_helper.c --- the processes that copy beside the stream worker
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"

#include "worker/worker_internal.h"

static void start(CopyHelpers *helpers, WorkerArguments *arguments,
				  int wanted);

void
sdb_helpers_start(CopyHelpers *helpers, const Connector *connector,
				  int wanted, int slot)
{
	WorkerArguments arguments;

	sdb_worker_arguments(&arguments, MyDatabaseId, GetUserId(),
						 connector->name);
	arguments.slot = slot;
	start(helpers, &arguments, wanted);
}

void
sdb_helpers_start_leader(CopyHelpers *helpers, const Connector *connector,
						 int slot)
{
	WorkerArguments arguments;

	sdb_worker_arguments(&arguments, MyDatabaseId, GetUserId(),
						 connector->name);
	arguments.slot = slot;
	arguments.leads = true;
	start(helpers, &arguments, 1);
}

bool
sdb_helpers_are_done(const CopyHelpers *helpers)
{
	for (int i = 0; i < helpers->n; i++)
	{
		pid_t		pid;

		if (GetBackgroundWorkerPid(helpers->handles[i], &pid) != BGWH_STOPPED)
			return false;
	}
	return true;
}

void
sdb_helpers_end(CopyHelpers *helpers, bool terminate)
{
	for (int i = 0; terminate && i < helpers->n; i++)
		TerminateBackgroundWorker(helpers->handles[i]);
	for (int i = 0; i < helpers->n; i++)
	{
		WaitForBackgroundWorkerShutdown(helpers->handles[i]);
		pfree(helpers->handles[i]);
	}
	helpers->n = 0;
}

static void
start(CopyHelpers *helpers, WorkerArguments *arguments, int wanted)
{
	BackgroundWorker worker;
	MemoryContext old;

	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "synchdb", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "sdb_copy_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "synchdb copy %s",
			 arguments->name);
	strlcpy(worker.bgw_type, "synchdb copy", BGW_MAXLEN);
	memcpy(worker.bgw_extra, arguments, sizeof(WorkerArguments));
	worker.bgw_notify_pid = MyProcPid;

	/* a copy beside the stream outlives the session that began it */
	old = MemoryContextSwitchTo(TopMemoryContext);
	helpers->n = 0;
	while (helpers->n < Min(wanted, MAX_COPY_HELPERS) &&
		   RegisterDynamicBackgroundWorker(&worker,
										   &helpers->handles[helpers->n]))
		helpers->n++;
	MemoryContextSwitchTo(old);
}
