/*
 * mysql_xa.c --- transactions that are prepared now and committed later
 *
 * XA PREPARE ends a group with rows that must not be applied: that is decided
 * by XA COMMIT or XA ROLLBACK, groups of their own, maybe days and files
 * later.  So the group's place is remembered, as part of the position, and at
 * XA COMMIT a second dump goes back for its rows, which are then delivered as
 * the contents of the committing group.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "source/mysql/mysql_ddl.h"
#include "source/mysql/mysql_stream.h"

static char *normal(const char *xid);
static MysqlXaPosition *find(MysqlStream *stream, const char *xid);

void
sdb_mysql_xa_prepared(MysqlStream *stream, const char *xid)
{
	MemoryContext old_context;
	MysqlXaPosition *xa;

	xid = normal(xid);
	stream->decided = find(stream, xid);	/* a stale one of the same name */
	old_context = MemoryContextSwitchTo(stream->context);
	xa = palloc(sizeof(MysqlXaPosition));
	xa->xid = pstrdup(xid);
	xa->file = pstrdup(stream->position.file);
	xa->pos = stream->position.pos;
	stream->position.prepared = lappend(stream->position.prepared, xa);
	MemoryContextSwitchTo(old_context);
	sdb_mysql_stream_end_group(stream);
}

void
sdb_mysql_xa_commit(MysqlStream *stream, const char *xid)
{
	MysqlXaPosition *xa = find(stream, xid);

	if (xa == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot find the transaction that was committed at %s",
						sdb_mysql_stream_where(stream)),
				 errdetail("XA transaction %s was prepared before the position at which this stream began.",
						   xid),
				 errhint("Take a new snapshot while no XA transaction is prepared (XA RECOVER).")));
	sdb_mysql_xa_commit_at(stream, xa->file, xa->pos);
	stream->decided = xa;
}

void
sdb_mysql_xa_commit_at(MysqlStream *stream, const char *file, uint64 pos)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->context);

	/* two dumps with one server id would end each other */
	stream->xa = sdb_mysql_stream_read(stream->source,
									   stream->source->options.client_id ^ 0x80000000,
									   file, pos);
	MemoryContextSwitchTo(old_context);
}

void
sdb_mysql_xa_rollback(MysqlStream *stream, const char *xid)
{
	stream->decided = find(stream, xid);
	sdb_mysql_stream_end_group(stream);
}

void
sdb_mysql_xa_end(MysqlStream *stream)
{
	MemoryContextDelete(stream->xa->context);
	stream->xa = NULL;
	sdb_mysql_stream_end_group(stream);
}

static char *
normal(const char *xid)
{
	char	   *result = sdb_mysql_ddl_xid(xid, strlen(xid));

	return result != NULL ? result : pstrdup(xid);
}

/* xid in its normal form; NULL is allowed and found nowhere */
static MysqlXaPosition *
find(MysqlStream *stream, const char *xid)
{
	ListCell   *lc;

	foreach(lc, stream->position.prepared)
	{
		MysqlXaPosition *xa = lfirst(lc);

		if (xid != NULL && strcmp(normal(xa->xid), xid) == 0)
			return xa;
	}
	return NULL;
}
