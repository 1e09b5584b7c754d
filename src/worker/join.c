/*
 * join.c --- tables that were copied beside the stream come into it
 *
 * A table that is met later (a longer table list, a copy that somebody asked
 * for) is copied while the stream goes on.  Until it is one of the stream's,
 * the stream does not know it at all: it is kept out of the source's filter
 * and of the tables that a stream begins with.  So each side decodes with the
 * definition that holds where it reads, whatever is altered meanwhile.
 *
 *		pending, recopy, copying	being copied
 *		ready						copied; its point `from` is where a stream
 *									of it alone would begin
 *		copied						one of the stream's
 *
 * Let S be the position that the connector has stored.  While S is before
 * `from`, nothing is done: all that the stream leaves out of the table is in
 * its copy.  Once S has reached `from`, the stream ends its session at S, and
 * the changes of this one table from `from` to S, which it has left out, are
 * read by a session of their own: catching up.  It is an ordinary pipeline
 * over one table, which moves `from` along with the data in each of its local
 * transactions, so it may be interrupted anywhere.  At S the table contains
 * all that S covers; that becomes its point, and the stream begins again at S
 * with the table in it.
 *
 * The stream waits while a table catches up.  So that this is short, the copy
 * worker approaches first: it catches up with where the stream is while that
 * goes on.  A lock of the connector lets one of the two move tables at a time;
 * while the copy worker does, the stream goes on without them, and the worker's
 * end begins another session.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"

#include "util/error_position.h"
#include "worker/tables.h"
#include "worker/worker_internal.h"

/* Class of our locks among advisory ones; those of users have 1 and 2. */
#define JOIN_LOCK_CLASS		3

static void load_ready(StreamSession *session, char **position);
static LOCKTAG lock_tag(const StreamSession *session);
static void catch_up(StreamSession *session, TableState *state,
					 const char *until);
static void let_in(StreamSession *session, TableState *state,
				   char *position);

void
sdb_join_tables(StreamSession *session)
{
	const SourceRoutine *routine = session->connector->routine;
	List	   *waiting = NIL;
	char	   *position;
	LOCKTAG		tag = lock_tag(session);
	ListCell   *cell;

	session->ready = NIL;
	session->apart = NULL;		/* the last session may have ended in an error */
	if (LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return;
	load_ready(session, &position);
	foreach(cell, session->ready)
	{
		TableState *state = lfirst(cell);

		if (routine->position_covers(state->from, position))
		{
			waiting = lappend(waiting, state);
			continue;
		}
		catch_up(session, state, position);
		if (session->apart != NULL)
			let_in(session, state, position);
	}
	(void) LockRelease(&tag, ExclusiveLock, true);
	session->apart = NULL;
	session->ready = waiting;
}

void
sdb_join_approach(StreamSession *session)
{
	char	   *position;
	LOCKTAG		tag = lock_tag(session);
	ListCell   *cell;

	if (LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return;
	load_ready(session, &position);
	foreach(cell, session->ready)
		catch_up(session, lfirst(cell), position);
	(void) LockRelease(&tag, ExclusiveLock, true);
	session->apart = NULL;
}

static void
load_ready(StreamSession *session, char **position)
{
	ListCell   *cell;

	session->ready = NIL;
	sdb_process_begin_transaction();
	*position = sdb_checkpoint_position(session->connector->name);
	foreach(cell, sdb_checkpoint_tables(session->connector->name))
	{
		TableState *state = lfirst(cell);

		if (state->stage == TABLE_READY)
			session->ready = lappend(session->ready, state);
	}
	sdb_process_commit_transaction();
}

/* For the session that holds it; an error ends it too. */
static LOCKTAG
lock_tag(const StreamSession *session)
{
	const char *name = session->connector->name;
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0,
						 hash_bytes((const unsigned char *) name, strlen(name)),
						 JOIN_LOCK_CLASS);
	return tag;
}

/*
 * Applies the table's changes up to that position; on return session->apart is
 * NULL if the table was dropped on the way.
 */
static void
catch_up(StreamSession *session, TableState *state, const char *until)
{
	Connector  *connector = session->connector;
	SourceOptions options = connector->options;
	TableState *progress = palloc(sizeof(TableState));

	session->apart = state;
	if (!connector->routine->position_covers(until, state->from))
		return;

	sdb_process_report(psprintf("catching up with %s", state->table->id));
	options.filter = sdb_filter_only(sdb_table_plain_name(state->table));
	/* the stream may be connected too, and other workers */
	options.client_id = hash_combine(options.client_id, MyProcPid);
	session->source = connector->routine->open(&options);
	sdb_tables_set_point(state);
	connector->routine->stream_begin(session->source, state->from,
									 list_make1(state->table));
	*progress = *state;
	progress->stage = TABLE_COPIED;
	session->tables = list_make1(progress);
	session->until = until;
	(void) sdb_pipeline_run(session);
	sdb_source_close(session->source);
	session->source = NULL;
	sdb_error_position.position = NULL;
}

/* The table contains all that the position covers. */
static void
let_in(StreamSession *session, TableState *state, char *position)
{
	state->stage = TABLE_COPIED;
	state->from = position;
	sdb_process_begin_transaction();
	sdb_checkpoint_put_table(session->connector->name, state);
	sdb_process_commit_transaction();
}
