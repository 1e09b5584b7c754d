/*
 * sqlserver_log.h --- state of a stream, shared by the files that make it
 *
 * sqlserver_log.c makes changes of rows and merges tables, sqlserver_page.c
 * reads rows of change tables, sqlserver_poll.c asks how far the log goes,
 * sqlserver_instances.c knows the capture instances, sqlserver_tables.c which
 * of them each table is read from, sqlserver_ddl.c what becomes of a table
 * whose definition changed.
 */
#ifndef SDB_SQLSERVER_LOG_H
#define SDB_SQLSERVER_LOG_H

#include "lib/binaryheap.h"

#include "source/sqlserver/sqlserver_internal.h"
#include "util/compat.h"

/* __$operation of a change table */
typedef enum LogOperation
{
	LOG_DELETE = 1,
	LOG_INSERT = 2,
	LOG_BEFORE = 3,				/* of an update */
	LOG_AFTER = 4
} LogOperation;

/* LogKey --- where a row stands in the order of the stream */
typedef struct LogKey
{
	SqlServerLsn commit;		/* of its transaction */
	int32		command_id;		/* 0 where change tables have none */
	SqlServerLsn seqval;
	int			operation;		/* LogOperation */
} LogKey;

/* LogRow --- a change that was read and not yet delivered */
typedef struct LogRow
{
	LogKey		key;			/* of LOG_AFTER where it is an update */
	SourceValue *before;		/* NULL of an insert */
	SourceValue *after;			/* NULL of a delete */
	int			nbytes;
} LogRow;

/* LogInstance --- a capture instance */
typedef struct LogInstance
{
	int32		object_id;		/* of its change table */
	int32		source_object_id;	/* of the table */
	char	   *schema;			/* of the table; NULL if it is gone */
	char	   *table;			/* likewise */
	char	   *name;			/* capture_instance */
	char	   *identity;		/* tells it from another one of that name that
								 * was made after this one was disabled */
	bool		has_start;		/* the source knows where it begins */
	SqlServerLsn start;			/* the first LSN that it has */
	bool		has_command_id;
	int			ncolumns;		/* captured */
	char	  **columns;		/* their names */
	int		   *ordinals;		/* their places in __$update_mask, from 1 */
} LogInstance;

/* LogTable --- a captured table */
typedef struct LogTable
{
	SourceTable *table;
	MemoryContext table_context;	/* of table; NULL if it came with
									 * stream_begin */
	int32		source_object_id;	/* 0 while unknown */
	LogInstance *instance;		/* read from now; NULL if none */
	char	   *identity;		/* of the instance; NULL if there was none */
	SqlServerLsn point;			/* what its copy contains, so that older
								 * changes are not missed; zero if none */
	bool		is_due;			/* its definition is to be followed once the
								 * stream is at `point` */
	bool		is_new;			/* just met: no older changes are missed */
	bool		awaits_start;	/* the capture job had not come to its instance
								 * yet, so that it lost nothing */
	bool		seen;			/* has instances; while settling */
	bool		lost;			/* reported that it is no longer captured */

	/* how it is read; made for one table and instance */
	MemoryContext plan_context; /* of the fields below; NULL if not made */
	SqlServerPlan *plan;
	int		   *fields;			/* of each column in a result; -1 if none */
	int		   *ordinals;		/* of each column; 0 if not captured */
	char	   *columns;		/* select list behind the five fixed fields */
	char	   *join;			/* "" or what brings computed columns */
	SourceValue *scratch;		/* one row as decoded */

	/* the rows at hand */
	MemoryContext page_context;
	LogRow	   *rows;
	int			nrows;
	int			max_rows;		/* room in rows */
	int			next;			/* idx0 of the next to be delivered */
	bool		more;			/* there may be rows behind them */
	bool		started;		/* `last` is set */
	LogKey		last;			/* of the last row that was read */
	int			row_bytes;		/* average, of the rows read last */
} LogTable;

/* LogDdl --- a statement that changed a captured table, from ddl_history */
typedef struct LogDdl
{
	int32		source_object_id;
	SqlServerLsn lsn;
} LogDdl;

/* LogTransaction --- one of the source's, as lsn_time_mapping has it */
typedef struct LogTransaction
{
	SqlServerLsn commit;
	TimestampTz time;
} LogTransaction;

struct SqlServerStream
{
	SqlServerSource *source;
	MemoryContext context;		/* this struct and all it points to */
	MemoryContext step_context; /* of queries; reset before each step */
	SqlServerLsn position;		/* reached: all up to it is delivered; inside
								 * a transaction, just before it */

	/* tables */
	List	   *tables;			/* of LogTable * */
	List	   *instances;		/* of LogInstance *, all of the database */
	MemoryContext instance_context; /* of instances and ddl */
	bool		has_hidden;		/* there are instances whose table we may not
								 * see */
	List	   *described;		/* while beginning: of SourceTable *, as they
								 * are at the source now */
	char	   *fingerprint;	/* of what the list was read from */
	int			utc_offset_s;	/* of the source's clock */
	List	   *ddl;			/* of LogDdl *, behind position, by lsn */
	bool		has_turn;		/* definitions change at `turn` */
	bool		turn_scanned;	/* the capture job is past it */
	SqlServerLsn turn;			/* the first LSN that is read differently */

	/* the interval at work: (position, until] */
	bool		in_interval;
	SqlServerLsn until;
	LogTransaction *transactions;	/* in it, by commit */
	int			ntransactions;
	int			at_transaction; /* idx0 of the present one */
	MemoryContext interval_context;
	binaryheap *heap;			/* of LogTable * with rows at hand; by key */
	int			nactive;		/* tables with rows in the interval */
	LogTable   *open_table;		/* whose rows come from an open result */
	LogTable   *delivered;		/* whose next row is with the worker */

	/* the transaction at work */
	bool		in_transaction;
	SqlServerLsn commit;
	TimestampTz time;

	/* schema changes, in a transaction of their own between intervals */
	bool		in_schema;		/* BEGIN is delivered, or is pending */
	List	   *pending;		/* of Change *, in schema_context */
	List	   *rereads;		/* of LogReread *, delivered after them */
	List	   *dropped;		/* contexts to be deleted after all that */
	MemoryContext schema_context;

	TimestampTz next_poll;		/* not before */
	long		idle_ms;		/* between polls, grows; 0 while busy */
	bool		failed;			/* an error left it in an unknown state */
};

/* Order of two keys, like memcmp. */
extern int	sdb_sqlserver_log_compare(const LogKey *a, const LogKey *b);

/* Queue a schema change, in stream->schema_context; the first brings BEGIN. */
extern void sdb_sqlserver_log_push(SqlServerStream *stream,
								   SchemaChange *schema);

/*
 * sdb_sqlserver_instances_load --- read all capture instances again into
 * stream->instances; what pointed to the old ones is to be set anew.
 */
extern void sdb_sqlserver_instances_load(SqlServerStream *stream);

/* Read stream->ddl, what was done to tables behind the position. */
extern void sdb_sqlserver_instances_load_ddl(SqlServerStream *stream);

/* idx0 of a column among those captured; -1 if it is none of them */
extern int	sdb_sqlserver_instances_find_column(const LogInstance *instance,
												const char *name);

/* The change table of an instance, quoted and with its schema. */
extern char *sdb_sqlserver_instances_change_table(const LogInstance *instance);

/* The tables known at the start: List of SourceTable *. */
extern void sdb_sqlserver_tables_init(SqlServerStream *stream, List *tables);

extern LogTable *sdb_sqlserver_tables_add(SqlServerStream *stream,
										  SourceTable *table,
										  MemoryContext context);
extern void sdb_sqlserver_tables_remove(SqlServerStream *stream,
										LogTable *entry);

/*
 * sdb_sqlserver_tables_settle --- for each table choose the instance to be
 * read at stream->position, follow what changed, and find the next turn.
 *
 * Queues schema changes, as a transaction of their own.
 *
 * errors: 55000 if changes of a table are lost
 */
extern void sdb_sqlserver_tables_settle(SqlServerStream *stream);

/* Is stream->turn behind the next LSN, so that an interval fits before it? */
extern bool sdb_sqlserver_tables_turn_is_ahead(const SqlServerStream *stream);

/* The error for changes that were removed at the source before `start`. */
pg_noreturn extern void sdb_sqlserver_tables_report_cleanup(SqlServerStream *stream,
															const LogTable *entry,
															const SqlServerLsn *start);

/*
 * sdb_sqlserver_poll --- look how far the log goes.
 *
 * result: true, with the next interval in the stream, if there is one
 */
extern bool sdb_sqlserver_poll(SqlServerStream *stream);

/* Have the instances changed since they were loaded? */
extern bool sdb_sqlserver_poll_instances(SqlServerStream *stream);

/* The tables with rows in the interval: List of LogTable *. */
extern List *sdb_sqlserver_poll_tables(SqlServerStream *stream);

/* Error 55000 if the instance's changes from `from` on are not all there. */
extern void sdb_sqlserver_poll_check_cleanup(SqlServerStream *stream,
											 LogTable *entry,
											 SqlServerLsn from);

/* Forget the rows at hand, before an interval. */
extern void sdb_sqlserver_page_reset(LogTable *entry);

/*
 * sdb_sqlserver_page_fill --- read the next rows of a table in the interval.
 *
 * result: false if there are none
 */
extern bool sdb_sqlserver_page_fill(SqlServerStream *stream, LogTable *entry);

/*
 * Is a captured column marked as changed?  ordinal: from 1; the mask is read
 * from its last byte.
 */
extern bool sdb_sqlserver_mask_is_set(const uint8 *mask, int len,
									  int ordinal);

/* Forget how a table is read, since it or its instance changed. */
extern void sdb_sqlserver_page_forget_plan(LogTable *entry);

/*
 * sdb_sqlserver_ddl_follow --- bring a table's definition up to date with
 * what the source and the instance have, and queue the difference.
 */
extern void sdb_sqlserver_ddl_follow(SqlServerStream *stream,
									 LogTable *entry);

/*
 * sdb_sqlserver_ddl_follow_types --- likewise, but the types of known columns
 * only.  A change table's columns change with the table's, whatever the
 * changes in it are; the rest has its place in the log.
 */
extern void sdb_sqlserver_ddl_follow_types(SqlServerStream *stream,
										   LogTable *entry);

/* A table that is new to the stream; NULL if the source no longer has it. */
extern LogTable *sdb_sqlserver_ddl_create(SqlServerStream *stream,
										  LogInstance *instance);
extern void sdb_sqlserver_ddl_drop(SqlServerStream *stream, LogTable *entry);

/*
 * sdb_sqlserver_ddl_reread --- the next row of the first of stream->rereads,
 * as a change; false at its end, it is then removed.
 */
extern bool sdb_sqlserver_ddl_reread(SqlServerStream *stream,
									 Change *change);

#endif							/* SDB_SQLSERVER_LOG_H */
