/*
 * shmem.h --- what connectors share with the backends that watch them
 *
 * Fixed slots, one per connector that ran since the server started.  A slot
 * holds states only; counters and positions live in the catalog.  Works
 * without shared_preload_libraries: whoever comes first makes the segment.
 */
#ifndef SDB_SHMEM_H
#define SDB_SHMEM_H

#include "postmaster/bgworker.h"

#define SDB_MODE_LEN	32
#define SDB_ERROR_LEN	1024

/* The names shown in synchdb_state_view, in sdb_state_name's order */
typedef enum ConnectorState
{
	STATE_STOPPED,
	STATE_INITIALIZING,
	STATE_PAUSED,
	STATE_POLLING,
	STATE_RESTARTING,
	STATE_SCHEMA_SYNC,
	STATE_RELOADING
} ConnectorState;

typedef enum ConnectorStage
{
	STAGE_UNKNOWN,
	STAGE_INITIAL_SNAPSHOT,
	STAGE_CHANGE_DATA_CAPTURE,
	STAGE_SCHEMA_SYNC
} ConnectorStage;

typedef enum ConnectorRequest
{
	REQUEST_NONE,
	REQUEST_PAUSE,
	REQUEST_RESUME,
	REQUEST_RESTART,			/* argument: snapshot mode */
	REQUEST_RELOAD,				/* read the object mapping rules again */
	REQUEST_MEMORY				/* log memory contexts */
} ConnectorRequest;

/* ConnectorStatus --- a copy of what a slot says */
typedef struct ConnectorStatus
{
	char		name[NAMEDATALEN];
	pid_t		pid;			/* -1 if not running */
	ConnectorStage stage;
	ConnectorState state;
	char		error[SDB_ERROR_LEN];	/* "" if none; cut to fit */
} ConnectorStatus;

extern const char *sdb_state_name(ConnectorState state);
extern const char *sdb_stage_name(ConnectorStage stage);

/* Installs the hooks for shared_preload_libraries; from _PG_init. */
extern void sdb_shmem_register(void);

/*
 * sdb_shmem_status --- copy the slot of a connector of this database.
 *
 * result: false if it never ran since the server started
 */
extern bool sdb_shmem_status(const char *name, ConnectorStatus *status);

/*
 * The rest is for the worker folder.  Slots are named by index.
 */

/*
 * sdb_shmem_reserve --- take the slot of a connector of this database for a
 * start that somebody asked for.
 *
 * mode:   the snapshot mode asked for
 * errors: 55006 naming the pid if it runs or is being started already; 53400
 *         if all slots are taken
 */
extern int	sdb_shmem_reserve(Oid database, const char *name,
							  const char *mode);

/* As sdb_shmem_reserve, but -1 instead of an error. */
extern int	sdb_shmem_try_reserve(Oid database, const char *name,
								  const char *mode);

/* Gives a reserved slot back when no worker could be started for it. */
extern void sdb_shmem_unreserve(int slot);

/*
 * sdb_shmem_attach --- the worker takes its slot, made if need be.
 *
 * out:    mode ("" if nobody asked for one), attended
 * result: -1 if another process runs this connector
 */
extern int	sdb_shmem_attach(Oid database, const char *name,
							 char mode[SDB_MODE_LEN], bool *attended);

/* Marks the slot stopped; called at worker exit. */
extern void sdb_shmem_detach(int slot);

extern void sdb_shmem_set_state(int slot, ConnectorStage stage,
								ConnectorState state);

/* The error that the connector is in, a text of failure.c; NULL clears. */
extern void sdb_shmem_set_error(int slot, int sqlerrcode, const char *error);

/* The worker reached the source: whoever waits for its start may go on. */
extern void sdb_shmem_set_connected(int slot);

/*
 * sdb_shmem_wait_connected --- wait until the worker of a reserved slot has
 * connected (true) or ended (false; error filled, "" if it left none, and cut to
 * fit).
 *
 * handle: of the worker, to notice one that dies before it takes its slot
 */
extern bool sdb_shmem_wait_connected(int slot, BackgroundWorkerHandle *handle,
									 int *sqlerrcode,
									 char error[SDB_ERROR_LEN]);

/*
 * sdb_shmem_request --- hand a request to a running worker and wait until it
 * is done.
 *
 * errors: 55000 if it is not running, does another request, or refuses (with
 *         its reason)
 */
extern void sdb_shmem_request(Oid database, const char *name,
							  ConnectorRequest request, const char *argument);

/* Worker: the pending request, REQUEST_NONE if there is none. */
extern ConnectorRequest sdb_shmem_pending(int slot,
										  char argument[SDB_MODE_LEN]);

/* Worker: the request is done, or refused with a text of failure.c. */
extern void sdb_shmem_finish(int slot);
extern void sdb_shmem_refuse(int slot, const char *refusal);

/*
 * sdb_shmem_poke --- tell a running worker that its definition or a wish in
 * the catalog has changed.  Does not wait; nothing if it is not running.
 */
extern void sdb_shmem_poke(Oid database, const char *name);

/* Worker: was it poked since the last call? */
extern bool sdb_shmem_take_poke(int slot);

/* Waits until no process holds the connector's slot. */
extern void sdb_shmem_wait_stopped(Oid database, const char *name);

/* Drops the slot of a deleted connector; it must be stopped. */
extern void sdb_shmem_forget(Oid database, const char *name);

#endif							/* SDB_SHMEM_H */
