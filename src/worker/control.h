/*
 * control.h --- starting, stopping and asking connectors
 *
 * Called by the SQL functions and the launcher.  Callers have checked that
 * the connector exists and that the role may control it.
 */
#ifndef SDB_CONTROL_H
#define SDB_CONTROL_H

#include "worker/shmem.h"

/*
 * sdb_worker_start --- start a connector's stream worker and wait until it
 * has reached the source.
 *
 * If this transaction created or changed the connector's definition, a worker
 * could not see it yet: then the start happens at commit, without waiting,
 * and a NOTICE says so.
 *
 * mode:   snapshot mode, validated
 * owner:  role that the worker acts as
 * errors: 55006 already running (names the pid); 53400 no free worker process;
 *         whatever made the worker fail
 */
extern void sdb_worker_start(const char *name, Oid owner, const char *mode,
							 bool at_commit);

/*
 * sdb_worker_poke --- when this transaction commits, tell the connector's
 * worker to look at its definition and at what is to be copied again.
 */
extern void sdb_worker_poke(const char *name);

/* Starts without waiting; false (and a WARNING) if that is not possible. */
extern bool sdb_worker_launch(Oid database, const char *name, Oid owner);

/* Stops and waits; false if it was not running. */
extern bool sdb_worker_stop(const char *name);

/* See sdb_shmem_request. */
extern void sdb_worker_request(const char *name, ConnectorRequest request,
							   const char *argument);

/* The snapshot modes: is this one, and all of them as a list for hints. */
extern bool sdb_snapshot_mode_is_valid(const char *mode);
extern char *sdb_snapshot_modes(void);

/*
 * sdb_rules_load --- read the user's rules about names, types and values in the
 * caller's transaction; they count in this process from now on.
 */
extern void sdb_rules_load(const char *connector);

/* Registers the launcher; from _PG_init when preloaded. */
extern void sdb_launcher_register(void);

/* Entry points of background workers. */
extern PGDLLEXPORT void sdb_stream_main(Datum arg);
extern PGDLLEXPORT void sdb_copy_main(Datum arg);
extern PGDLLEXPORT void sdb_launcher_main(Datum arg);
extern PGDLLEXPORT void sdb_starter_main(Datum arg);

#endif							/* SDB_CONTROL_H */
