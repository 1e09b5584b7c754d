/*
 * worker_internal.h --- what the files of this folder share
 */
#ifndef SDB_WORKER_INTERNAL_H
#define SDB_WORKER_INTERNAL_H

#include <signal.h>

#include "apply/apply.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/connector.h"
#include "util/compat.h"
#include "util/wait_event.h"
#include "worker/shmem.h"

/* WorkerArguments --- travels in bgw_extra, so at most BGW_EXTRALEN bytes */
typedef struct WorkerArguments
{
	Oid			database;
	Oid			owner;			/* role that the worker acts as */
	int			slot;			/* in shared memory; for copy workers only */
	bool		leads;			/* copy workers only: gets helpers of its own */
	char		name[NAMEDATALEN];	/* of the connector */
} WorkerArguments;

extern void sdb_worker_arguments(WorkerArguments *arguments, Oid database,
								 Oid owner, const char *name);

/*
 * process.c: what every worker process does first and last
 */

/* SIGTERM arrived: the current work is cancelled, the process shall end. */
extern volatile sig_atomic_t sdb_stop_requested;

/*
 * sdb_process_begin --- signals, database connection, session settings.
 *
 * out: the arguments from MyBgworkerEntry
 */
extern void sdb_process_begin(WorkerArguments *arguments);

/*
 * sdb_process_reload --- read the configuration again if it was asked for; for
 * points where a changed setting does no harm.
 */
extern void sdb_process_reload(void);

/* How often this process has read the configuration again. */
extern int	sdb_process_reloads;

/* What the process does, for pg_stat_activity and the process title. */
extern void sdb_process_report(const char *activity);

/*
 * sdb_process_check --- what a busy loop must notice: interrupts, and the
 * death of the postmaster (a process that never waits would outlive it).
 */
extern void sdb_process_check(void);

/*
 * sdb_process_wait --- wait for the latch, a socket and time.
 *
 * socket: PGINVALID_SOCKET for none; timeout_ms: -1 for none.  Handles
 * interrupts and reloads of the configuration (callers are outside of a local
 * transaction or at a point where a changed setting does no harm).
 */
extern void sdb_process_wait(WaitReason reason, pgsocket socket,
							 long timeout_ms);

/*
 * sdb_process_check_extension --- an error if the extension is no longer there:
 * DROP EXTENSION knows nothing of workers, so idle ones look now and then.
 */
#define EXTENSION_CHECK_MS	10000
extern void sdb_process_check_extension(void);

/*
 * Begin and commit a local transaction, with an active snapshot in between,
 * as SQL and DDL need it.  CurrentMemoryContext stays what it was.
 */
extern void sdb_process_begin_transaction(void);
extern void sdb_process_commit_transaction(void);

/*
 * sdb_process_catch_error --- for PG_CATCH at the outermost level: report the
 * error (unless it is the cancel of a requested stop), abort the local
 * transaction, and return a copy in the given context.
 */
extern ErrorData *sdb_process_catch_error(MemoryContext context);

/* Milliseconds since 1970, for Counters. */
extern int64 sdb_process_time_ms(TimestampTz time);

/*
 * failure.c: errors that another process waits for
 */

/* The message, detail, hint and context of an error as one text, palloc'd. */
extern char *sdb_failure_text(const ErrorData *error);

/* Likewise of a reason that has no message; hint may be NULL. */
extern char *sdb_failure_reason(const char *detail, const char *hint);

/*
 * sdb_failure_raise --- raise such a text, which may have been cut, as "could
 * not <what> connector ...".
 */
pg_noreturn extern void sdb_failure_raise(int sqlerrcode,
										  const char *connector,
										  const char *what, const char *text);

/*
 * copy.c: snapshots
 */

/*
 * sdb_copy_run --- copy what is pending of the connector until nothing is
 * left, piece by piece, each in a local transaction of its own.
 */
extern void sdb_copy_run(Connector *connector);

/*
 * sdb_copy_all --- likewise, large tables split, with the help of copy workers
 * where it pays; returns when every table is copied or raises the first error.
 */
extern void sdb_copy_all(Connector *connector, int slot);

/*
 * copy_helper.c: the processes that copy beside the stream worker
 */
#define MAX_COPY_HELPERS	16

typedef struct CopyHelpers
{
	int			n;
	struct BackgroundWorkerHandle *handles[MAX_COPY_HELPERS];
} CopyHelpers;

/*
 * sdb_helpers_start --- start `wanted` copy workers, or as many as there are
 * free processes for.
 */
extern void sdb_helpers_start(CopyHelpers *helpers,
							  const Connector *connector, int wanted,
							  int slot);

/* Starts one that leads: it copies all there is, with helpers of its own. */
extern void sdb_helpers_start_leader(CopyHelpers *helpers,
									 const Connector *connector, int slot);

/* Has the last of them ended? */
extern bool sdb_helpers_are_done(const CopyHelpers *helpers);

/* Waits for their end, which `terminate` brings about. */
extern void sdb_helpers_end(CopyHelpers *helpers, bool terminate);

/*
 * snapshot.c: which tables there are and what a start has to do
 */

/* What follows the snapshot */
typedef enum AfterSnapshot
{
	AFTER_STREAM,
	AFTER_PAUSE,				/* the user resumes it */
	AFTER_STOP
} AfterSnapshot;

/* SnapshotPlan --- what a session has to do before it streams */
typedef struct SnapshotPlan
{
	int			npending;		/* tables to be copied */
	int			napart;			/* these, and those that wait for the stream */
	bool		beside;			/* the copy goes on beside the stream */
	bool		may_start_over; /* mode "when_needed" */
	AfterSnapshot after;
} SnapshotPlan;

/*
 * sdb_snapshot_prepare --- bring the stored tables in line with the snapshot
 * mode and the table list; on return the catalog says which tables are to be
 * copied and from which position the stream starts.  Runs a local transaction
 * of its own.
 *
 * mode: "" if nobody asked for one: that of the last snapshot
 */
extern void sdb_snapshot_prepare(Connector *connector, Source *source,
								 const char *mode, SnapshotPlan *plan);

/*
 * sdb_snapshot_copies --- does the connector copy such a table at all?  Its mode
 * and its snapshot list say so; in the caller's transaction.
 */
extern bool sdb_snapshot_copies(Connector *connector,
								const SourceTable *table);

/* All is copied; in the caller's transaction. */
extern void sdb_snapshot_complete(Connector *connector);

/*
 * pipeline.c: the stream
 */

/* Why sdb_pipeline_run returned */
typedef enum PipelineEnd
{
	PIPELINE_PAUSE,
	PIPELINE_RESTART,			/* mode in the session */
	PIPELINE_RELOAD,			/* to be finished by the next session */
	PIPELINE_AGAIN,				/* the definition or the tables have changed */
	PIPELINE_CAUGHT_UP			/* with session->until */
} PipelineEnd;

/* StreamSession --- one uninterrupted use of a source by a stream worker */
typedef struct StreamSession
{
	Connector  *connector;
	Source	   *source;
	int			slot;
	List	   *tables;			/* of TableState *, as stored at its begin */
	int			careful;		/* source transactions still to be applied one
								 * by one, after a batch failed */
	int			applied;		/* source transactions in the open local one;
								 * for `careful` after an error */
	bool		committed;		/* it stored a position since its begin */
	char		mode[SDB_MODE_LEN]; /* of PIPELINE_RESTART */

	/* tables that are copied beside the stream, see join.c */
	List	   *ready;			/* of TableState *: the stream has not reached
								 * their points */
	CopyHelpers *helpers;		/* that copy now */
	TimestampTz copy_at;		/* when to try a copy again; 0 for never */
	bool		resync;			/* a table is to be copied again, which the
								 * next session takes up */

	/* catching up with one table instead of streaming */
	TableState *apart;			/* that table; NULL in a stream */
	const char *until;			/* position to reach */
} StreamSession;

extern PipelineEnd sdb_pipeline_run(StreamSession *session);

/*
 * join.c: tables that were copied beside the stream come into it
 */

/*
 * sdb_join_tables --- bring every TABLE_READY table that the stream has
 * reached up to the stream's position, and make it TABLE_COPIED: from now on
 * it is one of the stream's.  session is used for catching up; on return,
 * session->ready has the tables that the stream has not reached.
 */
extern void sdb_join_tables(StreamSession *session);

/*
 * sdb_join_approach --- bring them nearer to where the stream is now, without
 * letting them in: by the copy worker, so that the stream has less to wait for.
 */
extern void sdb_join_approach(StreamSession *session);

/*
 * request.c: serves a request that needs no change of state, and refuses the
 * others.
 */
extern void sdb_request_serve(int slot, ConnectorRequest request);

/*
 * rules.c: the user's rules about names, types and values
 */

/* Renames and retypes the targets that stand under other rules. */
extern void sdb_rules_follow(const Connector *connector);

/* WARNINGs about rules that match no table of the connector. */
extern void sdb_rules_report(const Connector *connector);

/*
 * retry.c: what to do about errors
 */

/*
 * sdb_retry_is_transient --- does trying again help by itself?  So it is with
 * a lost link (class 08), and with a transaction that another one disturbed,
 * here or at the source (class 40).
 */
extern bool sdb_retry_is_transient(int sqlerrcode);

/* The ErrorStrategy of a connector: its own, or the setting. */
extern int	sdb_retry_strategy(const Connector *connector);

/* Back-off before try number `tries` (from 1): 1 s doubling to 60 s. */
extern long sdb_retry_delay_ms(int tries);

#endif							/* SDB_WORKER_INTERNAL_H */
