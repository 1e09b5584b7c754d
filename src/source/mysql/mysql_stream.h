/*
 * mysql_stream.h --- state of a stream, shared by the files that make it
 *
 * mysql_stream.c makes changes of events, mysql_reader.c reads events and
 * keeps table maps, mysql_tables.c knows the tables, mysql_statement.c does
 * what statements say, mysql_schema.c those that change tables, mysql_xa.c goes
 * back for prepared transactions.
 */
#ifndef SDB_MYSQL_STREAM_H
#define SDB_MYSQL_STREAM_H

#include "utils/hsearch.h"

#include "source/mysql/mysql_ddl.h"
#include "source/mysql/mysql_gtidset.h"
#include "source/mysql/mysql_internal.h"
#include "source/mysql/mysql_payload.h"
#include "util/compat.h"

/* MysqlReader --- one dump of the binary log */
typedef struct MysqlReader
{
	MemoryContext context;		/* this struct, its connection and maps */
	MysqlConn  *conn;
	MysqlFormat format;
	char		file[MAXPGPATH];
	uint64		end;			/* offset behind the last event in file */
	HTAB	   *maps;			/* of StreamMap, by table id; NULL if none */
	MysqlPayload *payload;		/* NULL until the first one comes */
	bool		in_payload;		/* the next event is taken from it */
	MemoryContext map_context;	/* of maps and what they point to */
	Size		map_bytes;		/* that the maps take */
} MysqlReader;

/* StreamMap --- one TABLE_MAP, kept since statements repeat it */
typedef struct StreamMap
{
	uint64		table_id;		/* hash key */
	MemoryContext context;		/* of the fields below */
	Size		taken;			/* bytes, by that context */
	const uint8 *bytes;			/* the event's body */
	Size		nbytes;
	SourceTable *table;			/* NULL if its rows are left out */
	bool		skipped;		/* that is so for now */
	MysqlRowPlan *plan;			/* NULL likewise, as the rest */
	SourceValue *before;
	SourceValue *after;
} StreamMap;

/* StreamTable --- a captured table */
typedef struct StreamTable
{
	const char *name;			/* hash key: see table_key */
	SourceTable *table;
	MemoryContext context;		/* of table; NULL if it came with
								 * stream_begin */
	MysqlPosition known_from;	/* file and pos: the definition holds from
								 * there on; file NULL if it holds now */
	MysqlPosition copied;		/* likewise: rows up to there are in its copy;
								 * file NULL if it has none */
	bool		not_seen;		/* rows before that need not be: they are in a
								 * copy, or the table is incomplete */
} StreamTable;

/* StreamDefinition --- a definition that a table is to have */
typedef struct StreamDefinition
{
	SourceTable *table;			/* in the caller's context */
	MysqlPosition *known_from;	/* where it was read, if that is ahead of the
								 * stream; NULL if it holds now */
	bool		cuts_fractions; /* see SchemaChange */
	bool		incomplete;
} StreamDefinition;

typedef enum GroupState
{
	GROUP_NONE,					/* between transactions */
	GROUP_OPEN,					/* its GTID was seen: one statement follows,
								 * or BEGIN */
	GROUP_BODY					/* until XID, COMMIT, ROLLBACK, XA PREPARE */
} GroupState;

struct MysqlStream
{
	MysqlSource *source;
	MemoryContext context;		/* this struct and all it points to */
	MemoryContext event_context;	/* reset before each event */
	MemoryContext row_context;	/* reset before each row */
	MysqlReader *main;
	MysqlReader *xa;			/* reads a prepared transaction that is being
								 * committed; NULL otherwise */
	HTAB	   *tables;			/* of StreamTable */
	List	   *absent;			/* names of captured tables that the source no
								 * longer had when their rows came */
	List	   *dropped;		/* contexts of tables dropped in this group */
	char	   *database_charset;	/* of new tables; NULL until needed */

	/* reached position: between transactions */
	MysqlPosition position;		/* but gtids: they are in applied */
	MysqlGtidSet *applied;		/* all transactions before it; NULL if not
								 * known */
	MysqlPosition *locate_end;	/* up to there, what is in applied may come
								 * again and is left out; NULL if past it */

	/* the transaction at work, also called group */
	GroupState	group;
	bool		begun;			/* BEGIN was delivered, or is pending */
	bool		in_xa;			/* it will be prepared: deliver nothing yet */
	MysqlXaPosition *decided;	/* of position.prepared: this group commits it
								 * or rolls it back; else NULL */
	bool		skipped;		/* it is in applied already */
	char		gtid_source[72];	/* uuid, uuid:tag or domain; "" if it has
									 * none */
	uint64		gtid_number;
	uint32		gtid_server;
	int64		ts_sec;
	uint32		server_id;
	TimestampTz time;

	/* what is ready to be delivered */
	List	   *pending;		/* of Change *, in event_context */
	StreamMap  *map;			/* of rows; NULL if no rows are at work */
	MysqlRows	rows;
	Size		scanned;		/* bytes since something was delivered */
	bool		failed;			/* an error left it in an unknown state */
	bool		yielded;		/* WAIT was only to let the worker breathe */
};

/* Queue a change behind what is pending; the first brings BEGIN. */
extern void sdb_mysql_stream_push(MysqlStream *stream, ChangeKind kind,
								  SourceTable *table, SchemaChange *schema);

/* The group is complete: COMMIT if anything of it was delivered. */
extern void sdb_mysql_stream_end_group(MysqlStream *stream);

/* "file:offset" of the event at work, for messages */
extern char *sdb_mysql_stream_where(const MysqlStream *stream);

/* The tables known at the start: List of SourceTable *. */
extern void sdb_mysql_tables_init(MysqlStream *stream, List *tables);

/* The captured table of that name; NULL if it is not known. */
extern SourceTable *sdb_mysql_tables_find(MysqlStream *stream,
										  const char *name);

/*
 * sdb_mysql_tables_meet --- rows of a captured table come: which is it?
 *
 * Describes it if it is new; NULL if its rows are to be left out.
 */
extern SourceTable *sdb_mysql_tables_meet(MysqlStream *stream,
										  const char *name);

/*
 * Is its definition one that the stream has not reached?  The statement or row
 * at work, that is: one that ends where the definition was read is in it.
 */
extern bool sdb_mysql_tables_is_ahead(const MysqlStream *stream,
									  const SourceTable *table);

/* Are its rows here in its copy? */
extern bool sdb_mysql_tables_skips_rows(const MysqlStream *stream,
										const SourceTable *table);

/* Are rows here that do not fit its definition to be left out? */
extern bool sdb_mysql_tables_may_misfit(const MysqlStream *stream,
										const SourceTable *table);

/* Names of all that are known, and of those that are absent. */
extern List *sdb_mysql_tables_names(const MysqlStream *stream);

/*
 * sdb_mysql_tables_describe --- read a definition from the source, and where
 * in the log it was read; false if the source has no such table.
 */
extern bool sdb_mysql_tables_describe(MysqlStream *stream, const char *name,
									  StreamDefinition *definition);

/*
 * Deliver that a table is there, is another now (perhaps under another name),
 * or is gone.  Results live as long as the stream has the table.
 */
extern SourceTable *sdb_mysql_tables_create(MysqlStream *stream,
											const StreamDefinition *definition);
extern SourceTable *sdb_mysql_tables_alter(MysqlStream *stream,
										   SourceTable *before,
										   const StreamDefinition *definition,
										   const int *origins);
extern void sdb_mysql_tables_drop(MysqlStream *stream, SourceTable *table);

/* The source has no definition for rows that come: leave them out. */
extern void sdb_mysql_tables_set_absent(MysqlStream *stream,
										const char *name);

/* Forget that a table was absent, since it was dropped. */
extern void sdb_mysql_tables_forget_absent(MysqlStream *stream,
										   const char *name);

/* Do what a statement says that changes tables or databases. */
extern void sdb_mysql_schema_follow(MysqlStream *stream,
									const MysqlStatement *statement,
									const MysqlDialect *dialect,
									const MysqlQuery *query);

/* A new dump from (file, pos) on, in a child of CurrentMemoryContext. */
extern MysqlReader *sdb_mysql_reader_open(MysqlSource *source,
										  uint32 server_id, const char *file,
										  uint64 pos);

/*
 * sdb_mysql_reader_next --- the next event of a dump, rotation and format
 * already taken note of.
 *
 * result: false at once if none is there
 */
extern bool sdb_mysql_reader_next(MysqlReader *reader, MysqlEvent *event);

/* Keep a TABLE_MAP event of the dump at work, and what its table is. */
extern void sdb_mysql_reader_map(MysqlStream *stream, const MysqlEvent *event);

/* The map with that table id; NULL if there is none. */
extern StreamMap *sdb_mysql_reader_find_map(const MysqlReader *reader,
											uint64 table_id);

/* Forget all table maps, since tables have changed. */
extern void sdb_mysql_reader_forget_maps(MysqlReader *reader);

/* Do what a QUERY event says. */
extern void sdb_mysql_statement(MysqlStream *stream, const MysqlEvent *event);

/* The error for rows that were logged as a statement. */
pg_noreturn extern void sdb_mysql_statement_refuse(MysqlStream *stream,
												   const char *what);

/* A group of the main dump ended with XA PREPARE. */
extern void sdb_mysql_xa_prepared(MysqlStream *stream, const char *xid);

/*
 * Go back for the rows of a prepared transaction that is now committed; its
 * events come from stream->xa until sdb_mysql_xa_event says that it is over.
 */
extern void sdb_mysql_xa_commit(MysqlStream *stream, const char *xid);
extern void sdb_mysql_xa_commit_at(MysqlStream *stream, const char *file,
								   uint64 pos);
extern void sdb_mysql_xa_rollback(MysqlStream *stream, const char *xid);
extern void sdb_mysql_xa_end(MysqlStream *stream);

#endif							/* SDB_MYSQL_STREAM_H */
