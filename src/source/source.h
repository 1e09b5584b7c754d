/*
 * source.h --- what a source database must do for the engine
 *
 * A source is one folder below source/ that fills one SourceRoutine; the
 * registry in source.c lists them.  Everything that is special to a database
 * stays in its folder.  The engine pulls: waiting, interrupts and local
 * transactions stay with the worker, which calls the routine only through
 * the wrappers at the end of this file.
 *
 * Rules that every source keeps:
 *
 * - All memory and all handles of a source hang on source->context, released
 *   by reset callbacks, so an error anywhere leaks nothing.
 * - No function touches a relation or a local transaction.
 * - A wait inside a call ends at once when an interrupt is pending.
 * - Errors: connect 08001, lost link 08006, protocol 08P01, login 28000,
 *   malformed data XX001, missing prerequisite or purged log 55000.  They name
 *   host and port, never a password.  Malformed bytes are an error with event
 *   type and offset, never a crash.
 */
#ifndef SDB_SOURCE_H
#define SDB_SOURCE_H

#include "change/change.h"
#include "change/source_type.h"
#include "nodes/pg_list.h"
#include "source/filter.h"

typedef enum SourceResult
{
	SOURCE_READY,				/* the out argument is filled */
	SOURCE_WAIT,				/* nothing now; see stream_wait */
	SOURCE_END					/* no more rows (snapshot only) */
} SourceResult;

/* TlsMode --- the five modes of synchdb_add_extra_conninfo */
typedef enum TlsMode
{
	TLS_DISABLED,
	TLS_PREFERRED,
	TLS_REQUIRED,
	TLS_VERIFY_CA,
	TLS_VERIFY_IDENTITY
} TlsMode;

/* SourceOptions --- how to reach a source and what to take from it */
typedef struct SourceOptions
{
	const char *connector;		/* its name */
	const char *host;
	int			port;
	const char *user;
	const char *password;
	const char *database;		/* at the source; NULL if none was given */
	const TableFilter *filter;	/* which tables are captured */
	TlsMode		tls_mode;
	const char *tls_keystore;	/* PEM: certificate and key; NULL if none */
	const char *tls_keystore_password;	/* NULL if none */
	const char *tls_truststore; /* PEM: authorities; NULL if none */
	const char *tls_truststore_password;	/* NULL if none */
	int			connect_timeout_ms;
	int			query_timeout_ms;
	uint32		client_id;		/* of a session: no other one open has it; a
								 * connector's stream always has the same */
} SourceOptions;

/* CheckItem --- one prerequisite, as `check` found it */
typedef struct CheckItem
{
	const char *name;			/* short: "binlog_format" */
	bool		passed;
	bool		fatal;			/* the connector cannot work without it */
	char	   *detail;			/* what was found, a full sentence */
	char	   *hint;			/* the statement that mends it, or what to do as
								 * a full sentence; NULL if passed */
} CheckItem;

/*
 * KeyRange --- a part of a table, by its first key column: lower <= key and
 * key < upper.  The texts come from the source's split_table.
 */
typedef struct KeyRange
{
	const char *lower;			/* NULL: from the start */
	const char *upper;			/* NULL: to the end */
} KeyRange;

/*
 * SnapshotPoint --- what a copied table contains
 *
 * Every transaction that `from` covers is in the copy.  If `until` is NULL, no
 * other is.  Otherwise those up to `until` may or may not be: between the two
 * the engine applies changes so that either comes out right.
 */
typedef struct SnapshotPoint
{
	char	   *from;
	char	   *until;			/* NULL if the point is exact */
} SnapshotPoint;

/* SourceWait --- what to wait for when a stream has nothing ready */
typedef struct SourceWait
{
	pgsocket	socket;			/* readable when there is more;
								 * PGINVALID_SOCKET if only time helps */
	long		timeout_ms;		/* call stream_next again after this at the
								 * latest; -1 for never */
} SourceWait;

typedef struct Source Source;

typedef struct SourceRoutine
{
	const char *name;			/* as written in SQL: "mysql" */
	const char *serves;			/* which databases, for hints */
	const SourceType *types;	/* default mappings, ends with name NULL */

	/*
	 * open --- connect.  The result, everything it holds included, lives in a
	 * new child of CurrentMemoryContext; deleting that context closes it.
	 */
	Source	   *(*open) (const SourceOptions *options);

	/* List of CheckItem *, changes nothing at the source. */
	List	   *(*check) (Source *source);

	/*
	 * describe --- List of SourceTable *, in CurrentMemoryContext.
	 *
	 * ids: List of char * (SourceTable.id), or NIL for all captured tables.
	 * A table that does not exist is left out.  Views, sequences and system
	 * tables are never listed.  A column whose values cannot be converted
	 * (an unknown character set) is an error that names it.
	 */
	List	   *(*describe) (Source *source, List *ids);

	/*
	 * current_position --- a position from which a stream delivers at least
	 * every transaction that a snapshot begun later would not contain.
	 */
	char	   *(*current_position) (Source *source);

	/*
	 * snapshot_begin --- fix one consistent point for these tables.
	 *
	 * tables: List of SourceTable *.  Locks, if any, are brief and gone on
	 * return.  A table that cannot be copied correctly is an error that says
	 * why.  Ended by snapshot_end; not to be mixed with a stream on the same
	 * Source.
	 */
	void		(*snapshot_begin) (Source *source, List *tables);

	/*
	 * split_table --- List of KeyRange * that together are the whole table,
	 * at most `parts`; one whole range if it cannot be split.
	 */
	List	   *(*split_table) (Source *source, SourceTable *table, int parts);

	/*
	 * snapshot_next --- the next row: table->ncolumns values, valid until the
	 * next call.  READY or END, never WAIT.  The first call for a table (and
	 * range) starts reading it; range NULL is the whole table.  After END
	 * another table may follow.
	 */
	SourceResult (*snapshot_next) (Source *source, SourceTable *table,
								   const KeyRange *range, SourceValue *row);

	/*
	 * snapshot_point --- what the copy of that table contains; to be called
	 * after its END.
	 */
	void		(*snapshot_point) (Source *source, SourceTable *table,
								   SnapshotPoint *point);
	void		(*snapshot_end) (Source *source);

	/*
	 * stream_begin --- deliver what follows position.
	 *
	 * tables: List of SourceTable *, the stored definitions as of position;
	 * the source keeps and maintains them (schema changes replace them).
	 * Purged position: 55000, with what can be done.
	 */
	void		(*stream_begin) (Source *source, const char *position,
								 List *tables);

	/*
	 * stream_next --- the next step of the stream; see change.h.
	 *
	 * READY or WAIT; WAIT at once if nothing is ready, never inside a row.
	 */
	SourceResult (*stream_next) (Source *source, Change *change);

	/* What to wait for after WAIT. */
	void		(*stream_wait) (Source *source, SourceWait *wait);

	/*
	 * stream_position --- the position reached, in CurrentMemoryContext.
	 *
	 * After COMMIT (or idle): stream_begin from it delivers exactly what
	 * follows.  Between BEGIN and COMMIT: the position just before that
	 * transaction.  Its JSON is what users see and may set.
	 */
	char	   *(*stream_position) (Source *source);

	/*
	 * position_covers --- is the transaction that begins at `before` (a
	 * stream_position taken at its BEGIN) contained in the state at position?
	 * Pure: needs no connection.
	 */
	bool		(*position_covers) (const char *position, const char *before);

	/*
	 * position_check --- validate what a user wrote.  NULL if it is a position,
	 * else the reason, in sentences.  Pure.
	 */
	char	   *(*position_check) (const char *position);
} SourceRoutine;

/* Source --- common head of every source's own struct */
struct Source
{
	const SourceRoutine *routine;
	MemoryContext context;		/* holds everything; deleting it closes */
	char	   *address;		/* "host:port", for messages */
};

/* The routine of that name (any case); NULL if there is none. */
extern const SourceRoutine *sdb_source_find(const char *name);

/* The known names as a list for hints: "mysql" (MySQL and MariaDB), ... */
extern char *sdb_source_names(void);

/*
 * A copy in CurrentMemoryContext, but for the filter: that stays the caller's
 * and must live as long as the source.
 */
extern void sdb_source_copy_options(SourceOptions *to,
									const SourceOptions *from);

/* Closes: deletes source->context.  NULL is allowed. */
extern void sdb_source_close(Source *source);

#endif							/* SDB_SOURCE_H */
