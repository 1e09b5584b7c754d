/*
 * copy_session.h --- a source inside a snapshot, and the tables it is for
 */
#ifndef SDB_COPY_SESSION_H
#define SDB_COPY_SESSION_H

#include "worker/worker_internal.h"

typedef struct CopySession
{
	Connector  *connector;
	Source	   *source;			/* NULL if there was nothing to be copied */
	List	   *states;			/* of TableState *, that the snapshot is for */
	bool		beside;			/* the stream goes on meanwhile */
	bool		outdated;		/* another session has to go on */
	MemoryContext context;		/* of all this */
	MemoryContext row_context;
} CopySession;

/*
 * sdb_copy_pending --- List of TableState *: what is still to be copied.
 *
 * beside: does the stream go on meanwhile?
 */
extern List *sdb_copy_pending(const char *connector, bool *beside);

/* Connects only if there is something to be copied. */
extern CopySession *sdb_copy_session_open(Connector *connector);

/*
 * sdb_copy_session_begin --- fix a point, and the definitions that hold there:
 * a table that is altered while the point is made is looked at again.
 *
 * position: unless NULL, becomes one before the point, where the same
 *           definitions hold
 */
extern void sdb_copy_session_begin(CopySession *session, char **position);

/*
 * The state of that table; NULL for one that was not yet pending when the
 * session began, which is outdated then.
 */
extern TableState *sdb_copy_session_find(CopySession *session,
										 const char *id);

/* Has the source that definition of the table now? */
extern bool sdb_copy_session_holds(CopySession *session, SourceTable *table);

/* The table was altered while it was copied in ranges: forget them. */
extern void sdb_copy_session_again(CopySession *session, TableState *state);

extern void sdb_copy_session_close(CopySession *session);

#endif							/* SDB_COPY_SESSION_H */
