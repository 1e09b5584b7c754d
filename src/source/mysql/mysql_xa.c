/*
 * mysql_xa.c --- transactions that are prepared now and committed later
 *
 * XA PREPARE ends a group with rows that must not be applied: that is decided
 * by XA COMMIT or XA ROLLBACK, groups of their own, maybe days and files
 * later.  So the group's place is remembered, as part of the position, and at
 * XA COMMIT a second dump goes back for its rows, which are then delivered as
 * the contents of the committing group.
 *
 * A transaction that was prepared before the stream's first position is not
 * among those remembered, and neither is it in the snapshot.  The log is then
 * searched for it, file by file, backwards.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "source/mysql/mysql_ddl.h"
#include "source/mysql/mysql_stream.h"

/* Two dumps with one server id would end each other. */
#define DUMP_ID(stream) ((stream)->source->options.client_id ^ 0x80000000)

static char *normal(const char *xid);
static MysqlXaPosition *find(MysqlStream *stream, const char *xid);
static MysqlXaPosition *search(MysqlStream *stream, const char *xid);
static bool search_file(MysqlStream *stream, const char *file,
						MysqlXaPosition *xa);

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

	stream->decided = xa;
	if (xa == NULL && xid != NULL)
		xa = search(stream, xid);
	if (xa == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot find the transaction that was committed at %s",
						sdb_mysql_stream_where(stream)),
				 errdetail("XA transaction %s was prepared in a part of the binary log that was purged.",
						   xid ? xid : "?"),
				 errhint("Take a new snapshot.")));
	sdb_mysql_xa_commit_at(stream, xa->file, xa->pos);
}

void
sdb_mysql_xa_commit_at(MysqlStream *stream, const char *file, uint64 pos)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->context);

	stream->xa = sdb_mysql_reader_open(stream->source, DUMP_ID(stream), file,
									   pos);
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

/* The last place in the log where it was prepared, before here. */
static MysqlXaPosition *
search(MysqlStream *stream, const char *xid)
{
	MysqlConn  *conn = sdb_mysql_source_conn(stream->source);
	MysqlXaPosition *xa = palloc0(sizeof(MysqlXaPosition));
	MysqlPosition here = stream->position;
	List	   *files = NIL;
	ListCell   *lc;
	char	  **row;

	/* newest first; those after the stream's own do not count */
	sdb_mysql_conn_query(conn, "SHOW BINARY LOGS");
	while ((row = sdb_mysql_conn_fetch(conn, NULL)) != NULL)
	{
		MysqlPosition head = {0};

		head.file = pstrdup(row[0]);
		if (sdb_mysql_position_before(&head, &here))
			files = lcons(head.file, files);
	}
	sdb_mysql_source_release(stream->source);

	xa->xid = pstrdup(xid);
	foreach(lc, files)
	{
		if (search_file(stream, lfirst(lc), xa))
			return xa;
	}
	return NULL;
}

static bool
search_file(MysqlStream *stream, const char *file, MysqlXaPosition *xa)
{
	bool		is_here = strcmp(file, stream->position.file) == 0;
	bool		at_end = false;
	bool		found = false;
	uint64		group = 4;
	MysqlReader *reader;

	reader = sdb_mysql_reader_open(stream->source, DUMP_ID(stream), file, 4);
	while (!at_end && !(is_here && reader->end >= stream->position.pos))
	{
		uint64		start = reader->end;
		MysqlEvent	event;
		MysqlXaPrepare prepare;

		CHECK_FOR_INTERRUPTS();
		if (!sdb_mysql_reader_next(reader, &event))
		{
			sdb_mysql_conn_wait_packet(reader->conn);
			continue;
		}
		switch ((int) event.type)
		{
			case MYSQL_EVENT_GTID:
			case MYSQL_EVENT_ANONYMOUS_GTID:
			case MYSQL_EVENT_GTID_TAGGED:
			case MARIADB_EVENT_GTID:
				group = start;
				break;
			case MYSQL_EVENT_XA_PREPARE:
				sdb_mysql_event_xa_prepare(&event, &prepare);
				if (strcmp(normal(prepare.xid), xa->xid) == 0)
				{
					found = true;
					xa->file = pstrdup(file);
					xa->pos = group;
				}
				break;
			case MYSQL_EVENT_ROTATE:
				at_end = strcmp(reader->file, file) != 0;
				break;
			default:
				break;
		}
	}
	MemoryContextDelete(reader->context);
	return found;
}
