/*
 * copy_helper.c --- the processes that copy beside the stream worker
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"

#include "worker/worker_internal.h"

void
sdb_helpers_start(CopyHelpers *helpers, const Connector *connector,
				  int wanted, int slot)
{
	WorkerArguments arguments;
	BackgroundWorker worker;

	helpers->n = 0;
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

	wanted = Min(wanted, MAX_COPY_HELPERS);
	while (helpers->n < wanted &&
		   RegisterDynamicBackgroundWorker(&worker,
										   &helpers->handles[helpers->n]))
		helpers->n++;
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
