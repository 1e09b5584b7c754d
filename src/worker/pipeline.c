/*
 * pipeline.c --- the stream: source changes in, local transactions out
 *
 * The one place where a source and the apply engine meet.  A source
 * transaction is applied inside one local transaction, which also stores the
 * position reached and the counters; one local transaction may carry many
 * whole source transactions.  It commits when the source has nothing more
 * ready, or when it has grown to a limit.
 *
 * Tables whose copy is newer than the stream (tables.c) are skipped until the
 * stream has reached their point.
 *
 * The same loop catches up with one table that was copied beside the stream
 * (join.c): its changes are all that the source gives then, what is stored is
 * the table's point, and the loop ends at session->until.
 *
 * After a batch failed, the worker runs it again with session->careful set:
 * then each source transaction is a local one and each row a subtransaction,
 * so that the change at fault is known, and with the strategy "skip" is
 * recorded and left out.
 *
 * Memory: a step of the source in `step_context`, reset before the next; the
 * rest lives as long as the session.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "ddl/ddl.h"
#include "guc.h"
#include "util/error_position.h"
#include "util/failpoint.h"
#include "worker/sequences.h"
#include "worker/tables.h"
#include "worker/worker_internal.h"

/* a busy source is committed at least this often */
#define BATCH_MS			500

/* how often an idle stream looks whether a failed copy is to be tried again */
#define COPY_RETRY_CHECK_MS	500

/* an idle connector stores its position at most this often */
#define IDLE_CHECKPOINT_MS	10000

typedef struct Pipeline
{
	StreamSession *session;
	const SourceRoutine *routine;
	Apply	   *apply;
	TableProgress *progress;
	Sequences  *sequences;
	MemoryContext step_context;
	MemoryContext session_context;

	bool		in_source_transaction;
	Counters	counters;		/* of the open local transaction */
	int64		batch_bytes;
	int64		batch_rows;
	TimestampTz batch_started;

	bool		caught_up;		/* with session->until */
	bool		apart_is_gone;	/* session->apart was dropped at the source */
	int			reloads;		/* of the configuration, seen so far */

	char	   *stored_position;	/* as in the catalog; NULL if unknown */
	TimestampTz stored_at;
} Pipeline;

static Pipeline *make_pipeline(StreamSession *session);
static void take_step(Pipeline *p, const Change *change);
static bool has_caught_up(Pipeline *p);
static void store_caught_up(Pipeline *p);
static void open_batch(Pipeline *p);
static void begin_source_transaction(Pipeline *p);
static void commit_source_transaction(Pipeline *p);
static void apply_row(Pipeline *p, const Change *change);
static void apply_row_carefully(Pipeline *p, const Change *change,
								ApplyMode mode);
static void log_change(const Change *change);
static void record_bad_row(Pipeline *p, const Change *change,
						   const ErrorData *error);
static char *key_text(const Change *change);
static void apply_schema_change(Pipeline *p, const SchemaChange *schema);
static bool may_copy(Pipeline *p, const SchemaChange *schema);
static void follow_apart_table(Pipeline *p, const SourceTable *after);
static void commit_batch(Pipeline *p);
static void store_apart_progress(Pipeline *p, const char *position);
static bool ends_careful(const StreamSession *session);
static bool batch_is_full(const Pipeline *p);
static void wait_for_source(Pipeline *p);
static void store_idle_position(Pipeline *p);
static void store_position(Pipeline *p);
static bool take_request(Pipeline *p, PipelineEnd *end);
static bool has_news(Pipeline *p);
static bool definition_changed(Pipeline *p);
static void count_row(Pipeline *p, const Change *change);
static char *current_position(void *arg);

PipelineEnd
sdb_pipeline_run(StreamSession *session)
{
	Pipeline   *p = make_pipeline(session);
	PipelineEnd end = PIPELINE_AGAIN;

	while (p->in_source_transaction || !take_request(p, &end))
	{
		SourceResult result;
		Change		change;

		sdb_process_check();
		MemoryContextReset(p->step_context);
		MemoryContextSwitchTo(p->step_context);
		result = p->routine->stream_next(session->source, &change);

		if (!p->in_source_transaction && session->apart != NULL &&
			has_caught_up(p))
		{
			store_caught_up(p);
			return PIPELINE_CAUGHT_UP;
		}
		if (result == SOURCE_READY)
			take_step(p, &change);
		else if (!p->in_source_transaction && IsTransactionState())
			commit_batch(p);
		else
			wait_for_source(p);
	}
	return end;
}

static Pipeline *
make_pipeline(StreamSession *session)
{
	Pipeline   *p = palloc0(sizeof(Pipeline));

	p->session = session;
	p->routine = session->source->routine;
	p->session_context = CurrentMemoryContext;
	p->apply = sdb_apply_create();
	p->progress = sdb_tables_load(session->source->routine,
											session->tables);
	p->sequences = sdb_sequences_create();
	p->step_context = AllocSetContextCreate(CurrentMemoryContext,
											"synchdb step",
											ALLOCSET_DEFAULT_SIZES);
	p->stored_at = GetCurrentTimestamp();
	p->reloads = sdb_process_reloads;
	sdb_error_position.position = current_position;
	sdb_error_position.position_arg = session->source;
	return p;
}

/*
 * Is all that follows beyond the position to reach?  Asked at a BEGIN, or when
 * the source has nothing ready.
 */
static bool
has_caught_up(Pipeline *p)
{
	StreamSession *session = p->session;
	char	   *position = p->routine->stream_position(session->source);

	p->caught_up = !p->routine->position_covers(session->until, position);
	return p->caught_up;
}

static void
store_caught_up(Pipeline *p)
{
	if (!IsTransactionState())
		open_batch(p);
	commit_batch(p);
}

static void
take_step(Pipeline *p, const Change *change)
{
	switch (change->kind)
	{
		case CHANGE_BEGIN:
			begin_source_transaction(p);
			break;
		case CHANGE_INSERT:
		case CHANGE_UPDATE:
		case CHANGE_DELETE:
		case CHANGE_TRUNCATE:
			apply_row(p, change);
			break;
		case CHANGE_SCHEMA:
			apply_schema_change(p, change->schema);
			break;
		case CHANGE_COMMIT:
			commit_source_transaction(p);
			break;
	}
}

/* Begin a local transaction. */
static void
open_batch(Pipeline *p)
{
	sdb_process_begin_transaction();
	sdb_apply_begin(p->apply, p->session->careful > 0);
	p->batch_rows = 0;
	p->batch_bytes = 0;
	p->batch_started = GetCurrentTimestamp();
	p->counters.value[COUNTER_FIRST_DBZ_TS] =
		sdb_process_time_ms(p->batch_started);
}

static void
begin_source_transaction(Pipeline *p)
{
	Assert(!p->in_source_transaction);
	if (!IsTransactionState())
		open_batch(p);
	p->in_source_transaction = true;
	p->session->applied++;
	sdb_tables_begin(p->progress, p->session->source);
}

static void
commit_source_transaction(Pipeline *p)
{
	p->in_source_transaction = false;
	p->counters.value[COUNTER_TXS]++;
	if (batch_is_full(p))
		commit_batch(p);
}

static void
apply_row(Pipeline *p, const Change *change)
{
	ApplyMode	mode;

	if (!sdb_tables_mode(p->progress, change->table, &mode))
		return;
	if (sdb_guc_skips_operation(change->kind))
		return;

	sdb_error_position.action = sdb_change_kind_name(change->kind);
	sdb_error_position.table = change->table->id;
	SDB_FAILPOINT("pipeline-before-apply");
	if (p->session->careful > 0)
		apply_row_carefully(p, change, mode);
	else
	{
		sdb_apply_change(p->apply, change, mode);
		count_row(p, change);
	}
	SDB_FAILPOINT("pipeline-after-apply");
	sdb_error_position.table = NULL;
	sdb_error_position.column = NULL;
	sdb_error_position.action = NULL;
}

/* One row in a subtransaction of its own. */
static void
apply_row_carefully(Pipeline *p, const Change *change, ApplyMode mode)
{
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(p->step_context);
	PG_TRY();
	{
		sdb_apply_change(p->apply, change, mode);
		sdb_apply_end(p->apply);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(p->step_context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		sdb_apply_abort(p->apply);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(p->step_context);
	CurrentResourceOwner = owner;
	sdb_apply_begin(p->apply, true);

	if (error == NULL)
	{
		count_row(p, change);
		return;
	}
	if (sdb_guc_log_change_on_error)
		log_change(change);
	if (sdb_retry_strategy(p->session->connector) != ERROR_STRATEGY_SKIP ||
		sdb_retry_is_transient(error->sqlerrcode) || sdb_stop_requested)
		ReThrowError(error);
	record_bad_row(p, change, error);
}

static void
log_change(const Change *change)
{
	StringInfoData text;

	initStringInfo(&text);
	sdb_change_to_text(&text, change);
	ereport(DEBUG1,
			(errmsg_internal("change that could not be applied: %s",
							 text.data)));
}

static void
record_bad_row(Pipeline *p, const Change *change, const ErrorData *error)
{
	StringInfoData text;
	StringInfoData kept;
	BadChange	bad;

	initStringInfo(&text);
	initStringInfo(&kept);
	sdb_change_to_text(&text, change);
	sdb_change_pack(&kept, change);
	bad.position = p->routine->stream_position(p->session->source);
	bad.table_id = change->table->id;
	bad.key = key_text(change);
	bad.change = text.data;
	bad.kept = &kept;
	bad.sqlstate = unpack_sql_state(error->sqlerrcode);
	bad.message = error->message;
	bad.detail = error->detail;
	sdb_checkpoint_add_error(p->session->connector->name, &bad);
	p->counters.value[COUNTER_BAD_EVENTS]++;
	p->counters.value[COUNTER_TOTAL_EVENTS]++;
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("connector \"%s\" left out a change of table \"%s\": %s",
					p->session->connector->name, change->table->id,
					error->message),
			 errdetail("The change is kept in synchdb_error."),
			 errhint("When the cause is mended, synchdb_retry_error() applies it.")));
}

/* "id=5 part='a'"; NULL without a key */
static char *
key_text(const Change *change)
{
	const SourceTable *table = change->table;
	const SourceValue *row = change->before ? change->before : change->after;
	StringInfoData text;

	if (row == NULL || table->nkeys == 0)
		return NULL;
	initStringInfo(&text);
	for (int i = 0; i < table->nkeys; i++)
	{
		appendStringInfo(&text, "%s%s=", i > 0 ? " " : "",
						 table->columns[table->keys[i]].name);
		sdb_value_to_text(&text, &row[table->keys[i]]);
	}
	return text.data;
}

static void
apply_schema_change(Pipeline *p, const SchemaChange *schema)
{
	SourceTable *table = schema->before ? schema->before : schema->after;
	bool		complete;

	if (!sdb_tables_schema_applies(p->progress, schema))
		return;

	sdb_error_position.action = "schema change";
	sdb_error_position.table = table->id;
	sdb_apply_end(p->apply);
	if (schema->before != NULL)
	{
		sdb_apply_forget(p->apply, schema->before);
		sdb_sequences_forget(p->sequences, schema->before);
	}
	SDB_FAILPOINT("pipeline-before-schema-change");
	complete = sdb_ddl_apply(schema, p->routine->types);
	SDB_FAILPOINT("pipeline-after-schema-change");
	if (sdb_tables_follow(p->progress, p->session->connector, schema, complete,
						  !complete && may_copy(p, schema)))
		p->session->resync = true;
	if (p->session->apart != NULL)
		follow_apart_table(p, schema->after);
	CommandCounterIncrement();
	sdb_apply_begin(p->apply, p->session->careful > 0);
	p->counters.value[COUNTER_DDLS]++;
	p->counters.value[COUNTER_TOTAL_EVENTS]++;
	sdb_error_position.table = NULL;
	sdb_error_position.action = NULL;
}

/*
 * Is a table that does not have all rows to be copied again?  One that is being
 * copied anyway is, whatever the reason.
 */
static bool
may_copy(Pipeline *p, const SchemaChange *schema)
{
	if (p->session->apart != NULL)
		return true;
	return schema->incomplete && sdb_guc_resync_incomplete &&
		sdb_snapshot_copies(p->session->connector, schema->after);
}

/* The definition of the table that is caught up with; NULL: it is gone. */
static void
follow_apart_table(Pipeline *p, const SourceTable *after)
{
	MemoryContext old = MemoryContextSwitchTo(p->session_context);

	if (after != NULL)
		p->session->apart->table = sdb_table_copy(after);
	else
		p->apart_is_gone = true;
	MemoryContextSwitchTo(old);
}

/* Commit the local transaction together with position and counters. */
static void
commit_batch(Pipeline *p)
{
	const char *name = p->session->connector->name;
	Counters   *counters = &p->counters;
	char	   *position;

	Assert(!p->in_source_transaction);
	sdb_apply_end(p->apply);
	sdb_sequences_catch_up(p->sequences);

	SDB_FAILPOINT("pipeline-before-checkpoint");
	position = p->routine->stream_position(p->session->source);
	counters->value[COUNTER_BATCHES_DONE] = 1;
	counters->value[COUNTER_FIRST_PG_TS] =
		sdb_process_time_ms(p->batch_started);
	counters->value[COUNTER_LAST_PG_TS] =
		sdb_process_time_ms(GetCurrentTimestamp());
	counters->value[COUNTER_LAST_DBZ_TS] = counters->value[COUNTER_LAST_PG_TS];
	if (p->session->apart != NULL)
		store_apart_progress(p, position);
	else if (sdb_tables_settle(p->progress))
		sdb_checkpoint_settle_tables(name);
	sdb_tables_reconcile(p->progress, p->session->connector);
	sdb_checkpoint_store(name, p->session->apart ? NULL : position, counters);
	if (ends_careful(p->session))
		sdb_checkpoint_set_error(name, NULL);
	SDB_FAILPOINT("pipeline-before-commit");
	sdb_process_commit_transaction();
	SDB_FAILPOINT("pipeline-after-commit");
	sdb_process_reload();
	pgstat_report_stat(false);

	MemSet(counters, 0, sizeof(Counters));
	if (ends_careful(p->session))
		sdb_shmem_set_error(p->session->slot, 0, NULL);
	p->session->careful = Max(p->session->careful - p->session->applied, 0);
	p->session->committed = true;
	p->session->applied = 0;
	p->stored_at = GetCurrentTimestamp();
	if (p->stored_position)
		pfree(p->stored_position);
	p->stored_position = MemoryContextStrdup(p->session_context, position);
	if (p->apart_is_gone)
		p->session->apart = NULL;
}

/* The point of the table that is caught up with moves along. */
static void
store_apart_progress(Pipeline *p, const char *position)
{
	TableState *apart = p->session->apart;

	if (p->apart_is_gone)
		return;
	apart->stage = TABLE_READY;
	apart->from = MemoryContextStrdup(p->session_context,
									  p->caught_up ? p->session->until :
									  position);
	if (sdb_tables_settle(p->progress))
		apart->until = NULL;
	sdb_checkpoint_put_table(p->session->connector->name, apart);
}

/* Does this commit end what had to be applied with care? */
static bool
ends_careful(const StreamSession *session)
{
	return session->careful > 0 && session->careful <= session->applied;
}

static bool
batch_is_full(const Pipeline *p)
{
	return p->session->careful > 0 ||
		p->batch_rows >= sdb_guc_dbz_batch_size ||
		p->batch_bytes >= (int64) sdb_guc_batch_bytes * 1024 ||
		TimestampDifferenceExceeds(p->batch_started, GetCurrentTimestamp(),
								   BATCH_MS);
}

static void
wait_for_source(Pipeline *p)
{
	SourceWait	wait = {PGINVALID_SOCKET, -1};
	long		stats_ms = 0;

	if (!p->in_source_transaction && p->session->apart == NULL)
	{
		if (sdb_tables_reach(p->progress, p->session->source))
		{
			open_batch(p);
			commit_batch(p);
		}
		store_idle_position(p);
		stats_ms = pgstat_report_stat(false);
	}
	p->routine->stream_wait(p->session->source, &wait);
	if (p->session->copy_at != 0)
		stats_ms = COPY_RETRY_CHECK_MS;
	if (stats_ms > 0 && (wait.timeout_ms < 0 || stats_ms < wait.timeout_ms))
		wait.timeout_ms = stats_ms;
	sdb_process_wait(WAIT_SOURCE, wait.socket, wait.timeout_ms);
}

/*
 * A source that changes only tables we do not capture moves on all the same;
 * its logs may be purged, so our position must follow.
 */
static void
store_idle_position(Pipeline *p)
{
	if (!TimestampDifferenceExceeds(p->stored_at, GetCurrentTimestamp(),
									IDLE_CHECKPOINT_MS))
		return;
	sdb_process_check_extension();
	store_position(p);
}

static void
store_position(Pipeline *p)
{
	char	   *position;

	p->stored_at = GetCurrentTimestamp();
	position = p->routine->stream_position(p->session->source);
	if (p->stored_position && strcmp(position, p->stored_position) == 0)
		return;

	sdb_process_begin_transaction();
	sdb_checkpoint_store(p->session->connector->name, position, NULL);
	sdb_process_commit_transaction();
	p->session->committed = true;
	if (p->stored_position)
		pfree(p->stored_position);
	p->stored_position = MemoryContextStrdup(p->session_context, position);
	MemoryContextSwitchTo(p->step_context);
}

/*
 * Look at what the control functions ask for, between local transactions.
 * True if the stream has to end for it.
 */
static bool
take_request(Pipeline *p, PipelineEnd *end)
{
	StreamSession *session = p->session;
	ConnectorRequest request;

	if (IsTransactionState())
		return false;
	if (p->apart_is_gone)
	{
		*end = PIPELINE_CAUGHT_UP;
		return true;
	}
	if (session->apart != NULL)
		return false;
	if (has_news(p))
	{
		/* the next session looks at what is stored */
		store_position(p);
		*end = PIPELINE_AGAIN;
		return true;
	}
	request = sdb_shmem_pending(session->slot, session->mode);
	switch (request)
	{
		case REQUEST_NONE:
			return false;
		case REQUEST_PAUSE:
			*end = PIPELINE_PAUSE;
			return true;
		case REQUEST_RESTART:
			*end = PIPELINE_RESTART;
			return true;
		case REQUEST_RELOAD:
			*end = PIPELINE_RELOAD;
			return true;
		default:
			sdb_request_serve(session->slot, request);
			return false;
	}
}

/* Is there something that only a new session can take up? */
static bool
has_news(Pipeline *p)
{
	StreamSession *session = p->session;
	ListCell   *cell;

	if (session->resync)
		return true;
	if (session->helpers->n > 0 && sdb_helpers_are_done(session->helpers))
		return true;
	if (session->copy_at != 0 && GetCurrentTimestamp() >= session->copy_at)
		return true;
	foreach(cell, session->ready)
	{
		TableState *state = lfirst(cell);
		char	   *position =
			p->routine->stream_position(session->source);

		if (!p->routine->position_covers(state->from, position))
			return true;
	}
	if (!sdb_shmem_take_poke(session->slot) &&
		p->reloads == sdb_process_reloads)
		return false;
	p->reloads = sdb_process_reloads;
	return definition_changed(p);
}

/*
 * Is there another table list, or a table to be copied again?  A definition
 * that is broken now is no reason to stop.
 */
static bool
definition_changed(Pipeline *p)
{
	const Connector *connector = p->session->connector;
	MemoryContext old = CurrentMemoryContext;
	volatile bool changed = false;

	PG_TRY();
	{
		sdb_process_begin_transaction();
		changed = sdb_checkpoint_has_resync(connector->name) ||
			strcmp(sdb_connector_load(connector->name)->table_list,
				   connector->table_list) != 0;
		sdb_process_commit_transaction();
	}
	PG_CATCH();
	{
		ErrorData  *error = sdb_process_catch_error(p->session_context);

		if (sdb_stop_requested)
			ReThrowError(error);
		sdb_shmem_set_error(p->session->slot, error->sqlerrcode,
							error->message);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	return changed;
}

static void
count_row(Pipeline *p, const Change *change)
{
	static const Counter counter_of[] = {
		[CHANGE_INSERT] = COUNTER_CREATES,
		[CHANGE_UPDATE] = COUNTER_UPDATES,
		[CHANGE_DELETE] = COUNTER_DELETES,
		[CHANGE_TRUNCATE] = COUNTER_TRUNCATES
	};
	int64	   *value = p->counters.value;

	sdb_sequences_note(p->sequences, change);
	value[counter_of[change->kind]]++;
	if (change->kind != CHANGE_TRUNCATE)
		value[COUNTER_DMLS]++;
	value[COUNTER_TOTAL_EVENTS]++;
	if (change->source_time != 0)
	{
		value[COUNTER_LAST_SRC_TS] = sdb_process_time_ms(change->source_time);
		if (value[COUNTER_FIRST_SRC_TS] == 0)
			value[COUNTER_FIRST_SRC_TS] = value[COUNTER_LAST_SRC_TS];
	}
	p->batch_rows++;
	p->batch_bytes += change->nbytes;
}

static char *
current_position(void *arg)
{
	Source	   *source = arg;

	return source->routine->stream_position(source);
}
