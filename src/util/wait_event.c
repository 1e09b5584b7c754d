/*
 * wait_event.c --- what our processes show as wait_event
 */
#include "postgres.h"

#include "utils/wait_event.h"

#include "util/compat.h"
#include "util/wait_event.h"

static const char *const names[] = {
	[WAIT_SOURCE] = "SynchdbSource",
	[WAIT_REQUEST] = "SynchdbRequest",
	[WAIT_RETRY] = "SynchdbRetry",
	[WAIT_WORKER] = "SynchdbWorker"
};

uint32
sdb_wait_event(WaitReason reason)
{
	static uint32 numbers[lengthof(names)];

	if (numbers[reason] == 0)
		numbers[reason] = sdb_wait_event_new(names[reason]);
	return numbers[reason];
}
