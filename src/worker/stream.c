/*
 * stream.c --- the process of a connector
 *
 * One worker per connector.  It runs sessions: a session connects to the
 * source, copies what is still to be copied, and streams until it is paused,
 * restarted or fails.  What a failure means is decided here, and only here:
 *
 *		stop requested		exit with code 0
 *		passing trouble		(the link to the source, mostly) try again after a
 *							back-off, always, unless somebody waits for the
 *							outcome of the first try
 *		batch of changes	again, change by change, to find the one at fault
 *		anything else		the strategy: exit with code 0, or back-off
 *
 * The postmaster starts a worker that crashed again; one that exits with
 * code 0 stays down.  A crash takes the whole server through recovery, so
 * after MAX_UNFINISHED_STARTS of them in a row, without anything applied in
 * between, the worker stays down.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "checkpoint/catalog.h"
#include "guc.h"
#include "util/error_position.h"
#include "util/failpoint.h"
#include "worker/control.h"
#include "worker/tables.h"
#include "worker/worker_internal.h"

#define MAX_UNFINISHED_STARTS	10

typedef struct StreamWorker
{
	WorkerArguments arguments;
	MemoryContext context;		/* as long as the process */
	MemoryContext session_context;
	char		mode[SDB_MODE_LEN]; /* snapshot mode of the next session */
	bool		attended;		/* somebody waits for the first connection */
	bool		begun;			/* a session was begun before */
	bool		counted;		/* its start stands in the catalog as
								 * unfinished */
	bool		reloading;		/* REQUEST_RELOAD is to be finished */
	int			tries;			/* failed sessions in a row */
	TimestampTz streaming_since;	/* this session; 0 if it does not stream */
	int			strategy;		/* of the connector, ErrorStrategy */
	bool		begins_stream;	/* it failed before the stream gave anything */
	bool		when_needed;	/* the stream goes on from an earlier session,
								 * and the mode allows to start over */
	CopyHelpers helpers;		/* that copy beside the stream */
	int			copy_tries;		/* failed copies in a row */
	TimestampTz copy_at;		/* when to try the next */
	StreamSession session;
} StreamWorker;

/* How a session ended */
typedef enum SessionEnd
{
	SESSION_AGAIN,				/* with worker->mode */
	SESSION_OVER				/* the worker has nothing more to do */
} SessionEnd;

static void detach(int code, Datum slot);
static SessionEnd guarded_session(StreamWorker *worker);
static SessionEnd run_session(StreamWorker *worker);
static bool count_start(StreamWorker *worker);
static Connector *load_connector(StreamWorker *worker, bool *paused);
static void check_source(Source *source);
static SessionEnd stream(StreamWorker *worker);
static void open_stream(StreamWorker *worker);
static void end_snapshot(StreamWorker *worker, AfterSnapshot after);
static void copy_beside(StreamWorker *worker, int npending);
static void set_paused(StreamWorker *worker, bool paused);
static void wait_paused(StreamWorker *worker);
static SessionEnd handle_failure(StreamWorker *worker,
								 const ErrorData *error);
static bool extension_is_gone(StreamWorker *worker);
static bool has_lasted(const StreamWorker *worker);
static bool starts_over(StreamWorker *worker, const ErrorData *error);
static void forget_position(const char *connector, const char *unused);
static void back_off(StreamWorker *worker);
static bool take_request(StreamWorker *worker);
static void wait_until(TimestampTz until);
static bool nap(TimestampTz until);
static void record_error(StreamWorker *worker, int sqlerrcode,
						 const char *text);
static void store_good_end(const char *connector, const char *unused);
static void store_safely(StreamWorker *worker,
						 void (*store) (const char *connector,
										const char *text),
						 const char *text);

/* Entry point of a stream worker. */
void
sdb_stream_main(Datum arg)
{
	StreamWorker worker = {0};
	ErrorContextCallback callback;

	sdb_process_begin(&worker.arguments);
	worker.session.slot = sdb_shmem_attach(MyDatabaseId,
										   worker.arguments.name,
										   worker.mode, &worker.attended);
	if (worker.session.slot < 0)
	{
		ereport(LOG,
				(errmsg("connector \"%s\" is running already, or there is no place for it",
						worker.arguments.name)));
		proc_exit(0);
	}
	before_shmem_exit(detach, Int32GetDatum(worker.session.slot));

	worker.strategy = sdb_guc_error_handling_strategy;
	worker.context = AllocSetContextCreate(TopMemoryContext, "synchdb stream",
										   ALLOCSET_DEFAULT_SIZES);
	worker.session_context = AllocSetContextCreate(worker.context,
												   "synchdb session",
												   ALLOCSET_DEFAULT_SIZES);
	sdb_error_position.connector = worker.arguments.name;
	callback.callback = sdb_error_position_callback;
	callback.arg = NULL;
	callback.previous = NULL;

	do
		error_context_stack = &callback;
	while (guarded_session(&worker) == SESSION_AGAIN);
	QueryCancelPending = false;
	sdb_helpers_end(&worker.helpers, true);
	proc_exit(0);
}

static void
detach(int code, Datum slot)
{
	sdb_shmem_detach(DatumGetInt32(slot));
}

/* One session; an error in it is dealt with here. */
static SessionEnd
guarded_session(StreamWorker *worker)
{
	volatile SessionEnd end = SESSION_AGAIN;
	ErrorData  *volatile error = NULL;

	MemoryContextReset(worker->session_context);
	MemoryContextSwitchTo(worker->session_context);
	PG_TRY();
	{
		end = run_session(worker);
	}
	PG_CATCH();
	{
		error = sdb_process_catch_error(worker->context);
	}
	PG_END_TRY();

	MemoryContextSwitchTo(worker->context);
	MemoryContextReset(worker->session_context);
	worker->session.source = NULL;
	memset(&sdb_error_position, 0, sizeof(sdb_error_position));
	sdb_error_position.connector = worker->arguments.name;

	if (sdb_stop_requested)
	{
		QueryCancelPending = false;
		if (worker->counted && !worker->session.committed)
			store_safely(worker, store_good_end, NULL);
		return SESSION_OVER;
	}
	if (error == NULL)
		return end;
	end = handle_failure(worker, error);
	FreeErrorData(error);
	return end;
}

static SessionEnd
run_session(StreamWorker *worker)
{
	StreamSession *session = &worker->session;
	SnapshotPlan plan;
	bool		paused;

	sdb_process_reload();
	if (!worker->begun && !worker->attended && !count_start(worker))
		return SESSION_OVER;
	/* first, since what is changed from now on may not be seen here */
	(void) sdb_shmem_take_poke(session->slot);
	session->connector = load_connector(worker, &paused);
	worker->strategy = sdb_retry_strategy(session->connector);
	if (!session->connector->active && !worker->attended && !worker->begun)
		return SESSION_OVER;
	worker->begun = true;
	if (paused && !worker->attended)
		wait_paused(worker);
	sdb_shmem_set_state(session->slot, STAGE_UNKNOWN, STATE_INITIALIZING);
	sdb_process_report("connecting");

	session->source =
		session->connector->routine->open(&session->connector->options);
	check_source(session->source);
	sdb_rules_follow(session->connector);
	if (worker->mode[0] != '\0')
		sdb_helpers_end(&worker->helpers, true);
	sdb_snapshot_prepare(session->connector, session->source, worker->mode,
						 &plan);
	sdb_rules_report(session->connector);
	if (worker->reloading)
		sdb_shmem_finish(session->slot);
	worker->reloading = false;
	worker->mode[0] = '\0';		/* it is stored now */
	worker->when_needed = plan.may_start_over;
	worker->attended = false;
	sdb_shmem_set_state(session->slot, STAGE_INITIAL_SNAPSHOT, STATE_POLLING);
	if (worker->copy_tries == 0)
		sdb_shmem_set_error(session->slot, 0, NULL);
	sdb_shmem_set_connected(session->slot);

	if (plan.napart > 0)
	{
		/* copies and the stream without their tables connect themselves */
		sdb_source_close(session->source);
		session->source = NULL;
	}
	if (plan.npending > 0 && !plan.beside)
	{
		sdb_copy_all(session->connector, session->slot);
		if (sdb_guc_cdc_start_delay_ms > 0)
			wait_until(TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
												   sdb_guc_cdc_start_delay_ms));
	}
	if (!plan.beside)
		end_snapshot(worker, plan.after);

	switch (plan.after)
	{
		case AFTER_STOP:
			return SESSION_OVER;
		case AFTER_PAUSE:
			sdb_shmem_set_state(session->slot, STAGE_SCHEMA_SYNC,
								STATE_SCHEMA_SYNC);
			return SESSION_AGAIN;
		case AFTER_STREAM:
			break;
	}
	copy_beside(worker, plan.beside ? plan.npending : 0);
	return stream(worker);
}

/* False if this would be one crash after another. */
static bool
count_start(StreamWorker *worker)
{
	char	   *text;
	int			count;

	sdb_process_begin_transaction();
	count = sdb_checkpoint_count_start(worker->arguments.name);
	ForceSyncCommit();
	sdb_process_commit_transaction();
	worker->counted = true;
	if (count <= MAX_UNFINISHED_STARTS)
		return true;

	text = psprintf("the worker crashed %d times in a row and is not started again by itself",
					count - 1);
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("connector \"%s\": %s", worker->arguments.name, text),
			 errhint("Look for the cause in the server log, then use synchdb_start_engine_bgw().")));
	store_safely(worker, sdb_checkpoint_set_error, text);
	return false;
}

static Connector *
load_connector(StreamWorker *worker, bool *paused)
{
	Connector  *connector;

	sdb_process_begin_transaction();
	connector = sdb_connector_load(worker->arguments.name);
	sdb_rules_load(connector->name);
	*paused = sdb_checkpoint_is_paused(connector->name);
	if (worker->attended)
	{
		sdb_checkpoint_store(connector->name, NULL, NULL);
		sdb_checkpoint_set_paused(connector->name, false);
	}
	sdb_process_commit_transaction();
	return connector;
}

/* Raise what makes the source unusable, all of it at once. */
static void
check_source(Source *source)
{
	StringInfoData details;
	StringInfoData hints;
	ListCell   *cell;

	initStringInfo(&details);
	initStringInfo(&hints);
	foreach(cell, source->routine->check(source))
	{
		CheckItem  *item = lfirst(cell);

		if (item->passed)
			continue;
		if (!item->fatal)
		{
			ereport(WARNING,
					(errmsg("source %s: %s", source->address, item->detail),
					 item->hint ? errhint("%s", item->hint) : 0));
			continue;
		}
		appendStringInfo(&details, "%s%s", details.len > 0 ? " " : "",
						 item->detail);
		if (item->hint)
			appendStringInfo(&hints, "%s%s", hints.len > 0 ? " " : "",
							 item->hint);
	}
	if (details.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("source %s is not ready for change data capture",
						source->address),
				 errdetail("%s", details.data),
				 hints.len > 0 ? errhint("At the source: %s", hints.data) : 0));
}

static SessionEnd
stream(StreamWorker *worker)
{
	StreamSession *session = &worker->session;

	session->committed = false;
	session->applied = 0;
	session->resync = false;
	sdb_join_tables(session);
	worker->streaming_since = GetCurrentTimestamp();
	open_stream(worker);
	if (session->careful == 0 && worker->copy_tries == 0)
		record_error(worker, 0, NULL);
	sdb_shmem_set_state(session->slot, STAGE_CHANGE_DATA_CAPTURE,
						STATE_POLLING);
	sdb_process_report("streaming");

	switch (sdb_pipeline_run(session))
	{
		case PIPELINE_PAUSE:
			set_paused(worker, true);
			sdb_shmem_set_state(session->slot, STAGE_CHANGE_DATA_CAPTURE,
								STATE_PAUSED);
			sdb_shmem_finish(session->slot);
			break;
		case PIPELINE_RESTART:
			strlcpy(worker->mode, session->mode, sizeof(worker->mode));
			sdb_shmem_set_state(session->slot, STAGE_UNKNOWN,
								STATE_RESTARTING);
			sdb_shmem_finish(session->slot);
			break;
		case PIPELINE_RELOAD:
			sdb_shmem_set_state(session->slot, STAGE_CHANGE_DATA_CAPTURE,
								STATE_RELOADING);
			worker->reloading = true;
			break;
		case PIPELINE_AGAIN:
		case PIPELINE_CAUGHT_UP:
			break;
	}
	return SESSION_AGAIN;
}

/* Begin the stream at the stored position, with the tables that are in it. */
static void
open_stream(StreamWorker *worker)
{
	StreamSession *session = &worker->session;
	Connector  *connector = session->connector;
	SourceOptions options = connector->options;
	List	   *tables = NIL;
	List	   *apart = NIL;
	List	   *states;
	char	   *position;
	ListCell   *cell;

	sdb_process_begin_transaction();
	position = sdb_checkpoint_position(connector->name);
	states = sdb_checkpoint_tables(connector->name);
	sdb_tables_check_attributes(connector, states);
	sdb_process_commit_transaction();

	session->tables = NIL;
	foreach(cell, states)
	{
		TableState *state = lfirst(cell);

		if (sdb_table_is_apart(state))
		{
			apart = lappend(apart, sdb_table_plain_name(state->table));
			continue;
		}
		sdb_tables_set_point(state);
		session->tables = lappend(session->tables, state);
		tables = lappend(tables, state->table);
	}
	if (session->source == NULL)
	{
		if (apart != NIL)
			options.filter = sdb_filter_without(options.filter, apart);
		session->source = connector->routine->open(&options);
	}
	session->source->routine->stream_begin(session->source, position, tables);
}

/* All is copied: store that, and what the mode asks for now. */
static void
end_snapshot(StreamWorker *worker, AfterSnapshot after)
{
	Connector  *connector = worker->session.connector;

	SDB_FAILPOINT("snapshot-before-end");
	sdb_process_begin_transaction();
	sdb_snapshot_complete(connector);
	if (after == AFTER_PAUSE)
		sdb_checkpoint_set_paused(connector->name, true);
	if (after == AFTER_STOP)
		sdb_connector_set_active(connector->name, false);
	sdb_process_commit_transaction();
	if (after == AFTER_STOP)
		ereport(LOG,
				(errmsg("connector \"%s\" ends after its snapshot, as snapshot mode \"initial_only\" asks",
						connector->name)));
}

/*
 * See to it that a copy runs beside the stream if there is something to be
 * copied.  One that failed is tried again after a back-off, whatever the
 * strategy: the stream needs not suffer for it.
 */
static void
copy_beside(StreamWorker *worker, int npending)
{
	StreamSession *session = &worker->session;

	session->helpers = &worker->helpers;
	session->copy_at = 0;
	if (sdb_helpers_are_done(&worker->helpers) && worker->helpers.n > 0)
	{
		sdb_helpers_end(&worker->helpers, false);
		worker->copy_tries = npending > 0 ? worker->copy_tries + 1 : 0;
		worker->copy_at =
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
										sdb_retry_delay_ms(worker->copy_tries));
	}
	if (npending == 0 || worker->helpers.n > 0)
		return;
	if (worker->copy_tries > 0 && GetCurrentTimestamp() < worker->copy_at)
	{
		session->copy_at = worker->copy_at;
		return;
	}
	sdb_helpers_start_leader(&worker->helpers, session->connector,
							 session->slot);
	if (worker->helpers.n > 0)
		return;
	ereport(WARNING,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("connector \"%s\" could not start to copy: no free worker process",
					session->connector->name),
			 errhint("You may need to increase \"max_worker_processes\".")));
	worker->copy_tries++;
	worker->copy_at =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									sdb_retry_delay_ms(worker->copy_tries));
	session->copy_at = worker->copy_at;
}

static void
set_paused(StreamWorker *worker, bool paused)
{
	sdb_process_begin_transaction();
	sdb_checkpoint_set_paused(worker->arguments.name, paused);
	sdb_process_commit_transaction();
}

/* Without a connection to the source, until somebody resumes. */
static void
wait_paused(StreamWorker *worker)
{
	int			slot = worker->session.slot;

	sdb_helpers_end(&worker->helpers, true);
	sdb_shmem_set_state(slot, STAGE_CHANGE_DATA_CAPTURE, STATE_PAUSED);
	sdb_process_report("paused");
	for (;;)
	{
		ConnectorRequest request = sdb_shmem_pending(slot, worker->mode);

		worker->mode[0] = '\0';
		if (request == REQUEST_RESUME)
			break;
		else if (request == REQUEST_RESTART)
			sdb_shmem_refuse(slot, sdb_failure_reason("It is paused.",
													  "Resume it first with synchdb_resume_engine()."));
		else if (request == REQUEST_PAUSE)
			sdb_shmem_refuse(slot, sdb_failure_reason("It is paused already.",
													  NULL));
		else if (request != REQUEST_NONE)
			sdb_request_serve(slot, request);
		sdb_process_wait(WAIT_REQUEST, PGINVALID_SOCKET, EXTENSION_CHECK_MS);
		sdb_process_check_extension();
	}
	set_paused(worker, false);
	sdb_shmem_finish(slot);
}

static SessionEnd
handle_failure(StreamWorker *worker, const ErrorData *error)
{
	StreamSession *session = &worker->session;
	bool		attended = worker->attended;
	bool		is_transient = sdb_retry_is_transient(error->sqlerrcode);
	char	   *text;

	if (extension_is_gone(worker))
		return SESSION_OVER;
	worker->attended = false;
	worker->begins_stream = worker->streaming_since != 0 &&
		!session->committed && session->applied == 0;
	if (session->committed || (is_transient && has_lasted(worker)))
		worker->tries = 0;
	session->committed = false;
	worker->streaming_since = 0;
	if (!is_transient && session->applied > 0 && session->careful == 0)
	{
		session->careful = session->applied;
		ereport(LOG,
				(errmsg("connector \"%s\" applies the last %d source transactions again, change by change",
						worker->arguments.name, session->careful)));
		return SESSION_AGAIN;
	}

	text = sdb_failure_text(error);
	record_error(worker, error->sqlerrcode, text);
	if (worker->reloading)
		sdb_shmem_refuse(session->slot, text);
	worker->reloading = false;
	if (starts_over(worker, error))
	{
		store_safely(worker, forget_position, NULL);
		back_off(worker);
		return sdb_stop_requested ? SESSION_OVER : SESSION_AGAIN;
	}
	if (attended ||
		(!is_transient && worker->strategy != ERROR_STRATEGY_RETRY))
		return SESSION_OVER;
	back_off(worker);
	return sdb_stop_requested ? SESSION_OVER : SESSION_AGAIN;
}

/* DROP EXTENSION took all that a connector is. */
static bool
extension_is_gone(StreamWorker *worker)
{
	volatile bool gone = false;

	PG_TRY();
	{
		sdb_process_begin_transaction();
		gone = !sdb_catalog_installed();
		sdb_process_commit_transaction();
	}
	PG_CATCH();
	{
		FreeErrorData(sdb_process_catch_error(worker->context));
	}
	PG_END_TRY();
	if (gone)
		ereport(LOG,
				(errmsg("connector \"%s\" ends: extension \"synchdb\" was dropped",
						worker->arguments.name)));
	return gone;
}

/*
 * Did the session stream for longer than we waited before it?  Then this is a
 * new failure, even if the source had nothing to say meanwhile.
 */
static bool
has_lasted(const StreamWorker *worker)
{
	return worker->streaming_since != 0 &&
		TimestampDifferenceExceeds(worker->streaming_since,
								   GetCurrentTimestamp(),
								   sdb_retry_delay_ms(worker->tries));
}

/*
 * Snapshot mode "when_needed": can the stream not begin where it was, and is
 * this not already the consequence of starting over?
 */
static bool
starts_over(StreamWorker *worker, const ErrorData *error)
{
	if (error->sqlerrcode != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		!worker->begins_stream || !worker->when_needed)
		return false;
	ereport(LOG,
			(errmsg("connector \"%s\" copies all tables again, as snapshot mode \"when_needed\" asks",
					worker->arguments.name)));
	return true;
}

static void
forget_position(const char *connector, const char *unused)
{
	sdb_checkpoint_forget_position(connector);
}

/* Wait before the next session. */
static void
back_off(StreamWorker *worker)
{
	TimestampTz until =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									sdb_retry_delay_ms(++worker->tries));

	sdb_shmem_set_state(worker->session.slot, STAGE_UNKNOWN,
						STATE_INITIALIZING);
	while (!sdb_stop_requested && !take_request(worker) && nap(until))
		;
}

/* Serve a request between two sessions.  True if the next is to begin now. */
static bool
take_request(StreamWorker *worker)
{
	int			slot = worker->session.slot;
	char		mode[SDB_MODE_LEN];
	ConnectorRequest request = sdb_shmem_pending(slot, mode);

	switch (request)
	{
		case REQUEST_NONE:
			return false;
		case REQUEST_PAUSE:
			set_paused(worker, true);
			sdb_shmem_set_state(slot, STAGE_UNKNOWN, STATE_PAUSED);
			sdb_shmem_finish(slot);
			return true;
		case REQUEST_RESTART:
			strlcpy(worker->mode, mode, sizeof(worker->mode));
			sdb_shmem_finish(slot);
			return true;
		default:
			sdb_request_serve(slot, request);
			return false;
	}
}

/* Sleep; ends early when the worker shall stop. */
static void
wait_until(TimestampTz until)
{
	while (!sdb_stop_requested && nap(until))
		;
}

/* Sleep until something happens.  False if it is time already. */
static bool
nap(TimestampTz until)
{
	long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
													   until);

	if (left <= 0)
		return false;
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 left, sdb_wait_event(WAIT_RETRY));
	ResetLatch(MyLatch);
	return true;
}

/* Store or clear (NULL) the error that synchdb_state_view shows. */
static void
record_error(StreamWorker *worker, int sqlerrcode, const char *text)
{
	sdb_shmem_set_error(worker->session.slot, sqlerrcode, text);
	store_safely(worker, sdb_checkpoint_set_error, text);
}

/* The process ends as it should: its start was no crash. */
static void
store_good_end(const char *connector, const char *unused)
{
	sdb_checkpoint_store(connector, NULL, NULL);
}

/*
 * Store something outside of a session.  If that is not possible, the log must
 * do.  Whoever waits for this process may hold the row, hence the timeout.
 */
static void
store_safely(StreamWorker *worker,
			 void (*store) (const char *connector, const char *text),
			 const char *text)
{
	MemoryContext context = CurrentMemoryContext;

	SetConfigOption("lock_timeout", "500", PGC_SUSET, PGC_S_OVERRIDE);
	PG_TRY();
	{
		sdb_process_begin_transaction();
		store(worker->arguments.name, text);
		sdb_process_commit_transaction();
	}
	PG_CATCH();
	{
		sdb_process_catch_error(context);
	}
	PG_END_TRY();
	SetConfigOption("lock_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
	MemoryContextSwitchTo(context);
}
