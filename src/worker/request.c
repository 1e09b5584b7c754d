/*
 * request.c --- requests of the control functions that change no state
 *
 * Pause, resume and restart end or begin a session and are stream.c's; what is
 * left can be served anywhere between two local transactions.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "worker/worker_internal.h"

void
sdb_request_serve(int slot, ConnectorRequest request)
{
	switch (request)
	{
		case REQUEST_MEMORY:
			MemoryContextStats(TopMemoryContext);
			sdb_shmem_finish(slot);
			break;
		case REQUEST_RELOAD:
			/* no session is open: the next one reads them */
			sdb_shmem_finish(slot);
			break;
		case REQUEST_RESUME:
			sdb_shmem_refuse(slot, sdb_failure_reason("It is not paused.", NULL));
			break;
		default:
			sdb_shmem_refuse(slot, sdb_failure_reason("It is between two sessions.",
													  "Try again."));
			break;
	}
}
