/*
 * shmem.c --- the slots of shmem.h
 *
 * One LWLock guards all slots; it is held only to copy.  Changes that others
 * wait for broadcast the slot's condition variable.
 *
 * A slot's life: free -> reserved (pid 0, starting) -> running (pid) ->
 * stopped (pid 0), and it keeps its name until forgotten.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"

#include "guc.h"
#include "util/wait_event.h"
#include "worker/shmem.h"
#include "worker/worker_internal.h"

typedef struct ConnectorSlot
{
	bool		in_use;
	Oid			database;
	char		name[NAMEDATALEN];

	bool		starting;		/* reserved, its worker not attached yet */
	bool		connected;		/* the worker reached the source */
	bool		attended;		/* a session waits for the start's outcome */
	pid_t		pid;			/* 0 if not running */
	char		mode[SDB_MODE_LEN]; /* asked for by the start; "" if none */

	ConnectorStage stage;
	ConnectorState state;
	int			sqlerrcode;		/* of error */
	char		error[SDB_ERROR_LEN];

	bool		poked;			/* look at the catalog */
	ConnectorRequest request;
	char		argument[SDB_MODE_LEN];
	char		refusal[SDB_ERROR_LEN]; /* of the last request; "" if done */

	ConditionVariable changed;
} ConnectorSlot;

typedef struct SharedState
{
	LWLock		lock;
	int			nslots;
	ConnectorSlot slots[FLEXIBLE_ARRAY_MEMBER];
} SharedState;

/* how often a start looks whether its worker died unheard */
#define DEAD_WORKER_CHECK_MS	200

static const char *const state_names[] = {
	[STATE_STOPPED] = "stopped",
	[STATE_INITIALIZING] = "initializing",
	[STATE_PAUSED] = "paused",
	[STATE_POLLING] = "polling",
	[STATE_RESTARTING] = "restarting",
	[STATE_SCHEMA_SYNC] = "schema sync",
	[STATE_RELOADING] = "reloading objmap"
};

static const char *const stage_names[] = {
	[STAGE_UNKNOWN] = "unknown",
	[STAGE_INITIAL_SNAPSHOT] = "initial snapshot",
	[STAGE_CHANGE_DATA_CAPTURE] = "change data capture",
	[STAGE_SCHEMA_SYNC] = "schema sync"
};

/* What a request wants of its connector, for messages */
static const char *const request_verbs[] = {
	[REQUEST_PAUSE] = "pause",
	[REQUEST_RESUME] = "resume",
	[REQUEST_RESTART] = "restart",
	[REQUEST_RELOAD] = "reload the object mapping of",
	[REQUEST_MEMORY] = "log the memory of"
};

static SharedState *shared = NULL;
static shmem_request_hook_type prev_shmem_request = NULL;
static shmem_startup_hook_type prev_shmem_startup = NULL;

static void await_request(ConnectorSlot *slot, pid_t pid,
						  char refusal[SDB_ERROR_LEN]);
static Size shared_size(void);
static void request_shared(void);
static void startup_shared(void);
static void attach_shared(void);
static ConnectorSlot *find_slot(Oid database, const char *name);
static ConnectorSlot *take_slot(Oid database, const char *name);
static ConnectorSlot *find_free_slot(void);
static bool slot_is_alive(const ConnectorSlot *slot);
static void copy_cut(char to[SDB_ERROR_LEN], const char *text);

const char *
sdb_state_name(ConnectorState state)
{
	return state_names[state];
}

const char *
sdb_stage_name(ConnectorStage stage)
{
	return stage_names[stage];
}

void
sdb_shmem_register(void)
{
	prev_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shared;
	prev_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup_shared;
}

bool
sdb_shmem_status(const char *name, ConnectorStatus *status)
{
	ConnectorSlot *slot;

	attach_shared();
	LWLockAcquire(&shared->lock, LW_SHARED);
	slot = find_slot(MyDatabaseId, name);
	if (slot != NULL)
	{
		strlcpy(status->name, slot->name, sizeof(status->name));
		status->pid = slot->pid != 0 ? slot->pid : -1;
		status->stage = slot->stage;
		status->state = slot->state;
		strlcpy(status->error, slot->error, sizeof(status->error));
	}
	LWLockRelease(&shared->lock);
	return slot != NULL;
}

int
sdb_shmem_reserve(Oid database, const char *name, const char *mode)
{
	ConnectorStatus status;
	int			index = sdb_shmem_try_reserve(database, name, mode);

	if (index >= 0)
		return index;

	if (!sdb_shmem_status(name, &status))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("max number of connectors reached"),
				 errdetail("All %d places for connectors are taken.",
						   shared->nslots),
				 errhint("Delete a connector, or raise \"synchdb.max_connector_workers\" and restart the server.")));
	if (status.pid <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("connector \"%s\" is being started already", name)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("connector \"%s\" is already running under PID %d",
					name, (int) status.pid),
			 errhint("To start it anew with another mode, use synchdb_restart_connector().")));
}

int
sdb_shmem_try_reserve(Oid database, const char *name, const char *mode)
{
	ConnectorSlot *slot;
	int			index = -1;

	attach_shared();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = take_slot(database, name);
	if (slot != NULL && !slot_is_alive(slot))
	{
		slot->starting = true;
		slot->connected = false;
		slot->attended = true;
		slot->state = STATE_INITIALIZING;
		slot->stage = STAGE_UNKNOWN;
		slot->sqlerrcode = 0;
		slot->error[0] = '\0';
		strlcpy(slot->mode, mode, sizeof(slot->mode));
		index = slot - shared->slots;
	}
	LWLockRelease(&shared->lock);
	return index;
}

void
sdb_shmem_unreserve(int index)
{
	ConnectorSlot *slot = &shared->slots[index];

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot->starting = false;
	slot->attended = false;
	slot->state = STATE_STOPPED;
	LWLockRelease(&shared->lock);
	ConditionVariableBroadcast(&slot->changed);
}

int
sdb_shmem_attach(Oid database, const char *name, char mode[SDB_MODE_LEN],
				 bool *attended)
{
	ConnectorSlot *slot;
	int			index = -1;

	attach_shared();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = take_slot(database, name);
	if (slot != NULL && slot->pid == 0)
	{
		slot->pid = MyProcPid;
		slot->connected = false;
		slot->state = STATE_INITIALIZING;
		slot->stage = STAGE_UNKNOWN;
		slot->request = REQUEST_NONE;
		slot->poked = false;
		strlcpy(mode, slot->mode, SDB_MODE_LEN);
		slot->mode[0] = '\0';
		*attended = slot->attended;
		slot->attended = false;
		slot->starting = false;
		index = slot - shared->slots;
	}
	LWLockRelease(&shared->lock);
	return index;
}

void
sdb_shmem_detach(int index)
{
	ConnectorSlot *slot = &shared->slots[index];

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot->pid = 0;
	slot->state = STATE_STOPPED;
	if (slot->request != REQUEST_NONE)
	{
		slot->request = REQUEST_NONE;
		copy_cut(slot->refusal,
				 sdb_failure_reason("It stopped meanwhile.",
									"synchdb_state_view says why."));
	}
	LWLockRelease(&shared->lock);
	ConditionVariableBroadcast(&slot->changed);
}

void
sdb_shmem_set_state(int index, ConnectorStage stage, ConnectorState state)
{
	ConnectorSlot *slot = &shared->slots[index];

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot->stage = stage;
	slot->state = state;
	LWLockRelease(&shared->lock);
}

void
sdb_shmem_set_error(int index, int sqlerrcode, const char *error)
{
	ConnectorSlot *slot;

	attach_shared();			/* a copy worker has no slot of its own */
	slot = &shared->slots[index];
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot->sqlerrcode = sqlerrcode;
	copy_cut(slot->error, error ? error : "");
	LWLockRelease(&shared->lock);
}

void
sdb_shmem_set_connected(int index)
{
	ConnectorSlot *slot = &shared->slots[index];

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot->connected = true;
	LWLockRelease(&shared->lock);
	ConditionVariableBroadcast(&slot->changed);
}

bool
sdb_shmem_wait_connected(int index, BackgroundWorkerHandle *handle,
						 int *sqlerrcode, char error[SDB_ERROR_LEN])
{
	ConnectorSlot *slot = &shared->slots[index];
	bool		connected;

	ConditionVariablePrepareToSleep(&slot->changed);
	for (;;)
	{
		bool		ended;
		pid_t		pid;

		LWLockAcquire(&shared->lock, LW_SHARED);
		connected = slot->connected;
		ended = !slot->starting && slot->pid == 0;
		*sqlerrcode = slot->sqlerrcode;
		strlcpy(error, slot->error, SDB_ERROR_LEN);
		LWLockRelease(&shared->lock);
		if (connected || ended ||
			GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED)
			break;
		ConditionVariableTimedSleep(&slot->changed, DEAD_WORKER_CHECK_MS,
									sdb_wait_event(WAIT_WORKER));
	}
	ConditionVariableCancelSleep();
	return connected;
}

void
sdb_shmem_request(Oid database, const char *name, ConnectorRequest request,
				  const char *argument)
{
	ConnectorSlot *slot;
	pid_t		pid = 0;
	bool		busy = false;
	char		refusal[SDB_ERROR_LEN] = "";

	attach_shared();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = find_slot(database, name);
	if (slot != NULL && slot->pid != 0)
	{
		PGPROC	   *proc;

		pid = slot->pid;
		busy = slot->request != REQUEST_NONE;
		if (!busy)
		{
			slot->request = request;
			slot->refusal[0] = '\0';
			strlcpy(slot->argument, argument ? argument : "",
					sizeof(slot->argument));
			proc = BackendPidGetProc(pid);
			if (proc != NULL)
				SetLatch(&proc->procLatch);
		}
	}
	LWLockRelease(&shared->lock);

	if (pid == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("dbz connector (%s) is not running", name),
				 errhint("Start it with synchdb_start_engine_bgw().")));
	if (busy)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("an active request is currently active for connector %s",
						name),
				 errhint("Try again when it is done.")));

	PG_TRY();
	{
		await_request(slot, pid, refusal);
	}
	PG_CATCH();
	{
		/* nobody waits for it any more: it shall not happen later */
		LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
		if (slot->pid == pid && slot->request == request)
			slot->request = REQUEST_NONE;
		LWLockRelease(&shared->lock);
		PG_RE_THROW();
	}
	PG_END_TRY();

	if (refusal[0] != '\0')
		sdb_failure_raise(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, name,
						  request_verbs[request], refusal);
}

/* Sleep until the request is done or refused, or its worker is gone. */
static void
await_request(ConnectorSlot *slot, pid_t pid, char refusal[SDB_ERROR_LEN])
{
	bool		done = false;

	ConditionVariablePrepareToSleep(&slot->changed);
	for (;;)
	{
		LWLockAcquire(&shared->lock, LW_SHARED);
		done = slot->request == REQUEST_NONE || slot->pid != pid;
		strlcpy(refusal, slot->refusal, SDB_ERROR_LEN);
		LWLockRelease(&shared->lock);
		if (done)
			break;
		ConditionVariableSleep(&slot->changed, sdb_wait_event(WAIT_WORKER));
	}
	ConditionVariableCancelSleep();
}

ConnectorRequest
sdb_shmem_pending(int index, char argument[SDB_MODE_LEN])
{
	ConnectorSlot *slot = &shared->slots[index];
	ConnectorRequest request;

	LWLockAcquire(&shared->lock, LW_SHARED);
	request = slot->request;
	strlcpy(argument, slot->argument, SDB_MODE_LEN);
	LWLockRelease(&shared->lock);
	return request;
}

void
sdb_shmem_finish(int index)
{
	sdb_shmem_refuse(index, "");
}

void
sdb_shmem_refuse(int index, const char *refusal)
{
	ConnectorSlot *slot = &shared->slots[index];

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot->request = REQUEST_NONE;
	copy_cut(slot->refusal, refusal);
	LWLockRelease(&shared->lock);
	ConditionVariableBroadcast(&slot->changed);
}

void
sdb_shmem_poke(Oid database, const char *name)
{
	ConnectorSlot *slot;

	attach_shared();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = find_slot(database, name);
	if (slot != NULL && slot->pid != 0)
	{
		PGPROC	   *proc = BackendPidGetProc(slot->pid);

		slot->poked = true;
		if (proc != NULL)
			SetLatch(&proc->procLatch);
	}
	LWLockRelease(&shared->lock);
}

bool
sdb_shmem_take_poke(int index)
{
	ConnectorSlot *slot = &shared->slots[index];
	bool		poked;

	/* most of the time there is none, and the stream must not wait */
	if (!slot->poked)
		return false;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	poked = slot->poked;
	slot->poked = false;
	LWLockRelease(&shared->lock);
	return poked;
}

void
sdb_shmem_wait_stopped(Oid database, const char *name)
{
	ConnectorSlot *slot;

	attach_shared();
	LWLockAcquire(&shared->lock, LW_SHARED);
	slot = find_slot(database, name);
	LWLockRelease(&shared->lock);
	if (slot == NULL)
		return;

	ConditionVariablePrepareToSleep(&slot->changed);
	for (;;)
	{
		bool		alive;

		LWLockAcquire(&shared->lock, LW_SHARED);
		alive = slot_is_alive(slot);
		LWLockRelease(&shared->lock);
		if (!alive)
			break;
		ConditionVariableSleep(&slot->changed, sdb_wait_event(WAIT_WORKER));
	}
	ConditionVariableCancelSleep();
}

void
sdb_shmem_forget(Oid database, const char *name)
{
	ConnectorSlot *slot;

	attach_shared();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = find_slot(database, name);
	if (slot != NULL && !slot_is_alive(slot))
		slot->in_use = false;
	LWLockRelease(&shared->lock);
}

static Size
shared_size(void)
{
	return add_size(offsetof(SharedState, slots),
					mul_size(sdb_guc_max_connector_workers,
							 sizeof(ConnectorSlot)));
}

static void
request_shared(void)
{
	if (prev_shmem_request)
		prev_shmem_request();
	RequestAddinShmemSpace(shared_size());
}

static void
startup_shared(void)
{
	if (prev_shmem_startup)
		prev_shmem_startup();
	shared = NULL;
	attach_shared();
}

/* Find the segment, or make it. */
static void
attach_shared(void)
{
	bool		found;

	if (shared != NULL)
		return;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("synchdb", shared_size(), &found);
	if (!found)
	{
		MemSet(shared, 0, shared_size());
		shared->nslots = sdb_guc_max_connector_workers;
		LWLockInitialize(&shared->lock, LWLockNewTrancheId());
		for (int i = 0; i < shared->nslots; i++)
			ConditionVariableInit(&shared->slots[i].changed);
	}
	LWLockRelease(AddinShmemInitLock);
	LWLockRegisterTranche(shared->lock.tranche, "synchdb");
}

static ConnectorSlot *
find_slot(Oid database, const char *name)
{
	for (int i = 0; i < shared->nslots; i++)
	{
		ConnectorSlot *slot = &shared->slots[i];

		if (slot->in_use && slot->database == database &&
			strcmp(slot->name, name) == 0)
			return slot;
	}
	return NULL;
}

/* Find the connector's slot or give it a free one; NULL if there is none. */
static ConnectorSlot *
take_slot(Oid database, const char *name)
{
	ConnectorSlot *slot = find_slot(database, name);

	if (slot != NULL)
		return slot;
	slot = find_free_slot();
	if (slot == NULL)
		return NULL;
	slot->in_use = true;
	slot->database = database;
	strlcpy(slot->name, name, sizeof(slot->name));
	slot->starting = false;
	slot->pid = 0;
	slot->state = STATE_STOPPED;
	slot->stage = STAGE_UNKNOWN;
	slot->sqlerrcode = 0;
	slot->error[0] = '\0';
	slot->mode[0] = '\0';
	slot->attended = false;
	slot->request = REQUEST_NONE;
	return slot;
}

/*
 * One never used, else that of a connector that does not run: it may be gone
 * with its database, and what the catalog knows of it is enough.
 */
static ConnectorSlot *
find_free_slot(void)
{
	for (int i = 0; i < shared->nslots; i++)
		if (!shared->slots[i].in_use)
			return &shared->slots[i];
	for (int i = 0; i < shared->nslots; i++)
		if (!slot_is_alive(&shared->slots[i]))
			return &shared->slots[i];
	return NULL;
}

static bool
slot_is_alive(const ConnectorSlot *slot)
{
	return slot->in_use && (slot->starting || slot->pid != 0);
}

/* Cuts between characters. */
static void
copy_cut(char to[SDB_ERROR_LEN], const char *text)
{
	int			len = strlen(text);

	if (len >= SDB_ERROR_LEN)
		len = pg_mbcliplen(text, len, SDB_ERROR_LEN - 1);
	memcpy(to, text, len);
	to[len] = '\0';
}
