/*
 * mysql_internal.h --- what the files of this folder share
 */
#ifndef SDB_MYSQL_INTERNAL_H
#define SDB_MYSQL_INTERNAL_H

#include "source/mysql/mysql_conn.h"
#include "source/mysql/mysql_event.h"
#include "source/mysql/mysql_position.h"
#include "source/mysql/mysql_result.h"
#include "source/mysql/mysql_rows.h"
#include "source/mysql/mysql_types.h"
#include "source/source.h"

typedef struct MysqlSnapshot MysqlSnapshot;
typedef struct MysqlStream MysqlStream;

typedef struct MysqlSource
{
	Source		base;
	SourceOptions options;		/* deep copy, but for the filter */
	char	   *database;		/* as the server spells it */
	bool		ignores_case;	/* names of databases and tables are compared
								 * without case (lower_case_table_names) */
	char	   *server;			/* see sdb_mysql_server_name */
	bool		is_mariadb;
	int			version;		/* 101103 for 10.11.3 */
	MysqlConn  *conn;			/* queries and snapshot; NULL when closed, see
								 * sdb_mysql_source_conn */
	MysqlSnapshot *snapshot;	/* NULL outside snapshot_begin/_end */
	MysqlStream *stream;		/* NULL before stream_begin */
} MysqlSource;

/* Each in the file of its name. */
extern List *sdb_mysql_check(Source *source);
extern List *sdb_mysql_catalog_describe(Source *source, List *ids);

/*
 * sdb_mysql_catalog_describe_one --- one table by name, captured or not; NULL
 * if there is none.
 */
extern SourceTable *sdb_mysql_catalog_describe_one(MysqlSource *source,
												   const char *name);

extern char *sdb_mysql_current_position(Source *source);
extern void sdb_mysql_snapshot_begin(Source *source, List *tables);
extern List *sdb_mysql_split_table(Source *source, SourceTable *table,
								   int parts);
extern SourceResult sdb_mysql_snapshot_next(Source *source, SourceTable *table,
											const KeyRange *range,
											SourceValue *row);
extern void sdb_mysql_snapshot_point(Source *source, SourceTable *table,
									 SnapshotPoint *point);
extern void sdb_mysql_snapshot_end(Source *source);
extern void sdb_mysql_stream_begin(Source *source, const char *position,
								   List *tables);
extern SourceResult sdb_mysql_stream_next(Source *source, Change *change);
extern void sdb_mysql_stream_wait(Source *source, SourceWait *wait);
extern char *sdb_mysql_stream_position(Source *source);

/*
 * sdb_mysql_source_connect --- another connection with the same options, its
 * session set up; in CurrentMemoryContext.
 */
extern MysqlConn *sdb_mysql_source_connect(MysqlSource *source);

/* The source's own connection, opened anew if it was closed. */
extern MysqlConn *sdb_mysql_source_conn(MysqlSource *source);

/* Closes it; the next sdb_mysql_source_conn opens it again. */
extern void sdb_mysql_source_release(MysqlSource *source);

/* Do two names of databases or tables mean the same one? */
extern bool sdb_mysql_source_same_name(const MysqlSource *source,
									   const char *a, const char *b);

/* Is database.table one that the connector captures? */
extern bool sdb_mysql_source_captures(const MysqlSource *source,
									  const char *database,
									  const char *table);

/* Where the server writes its log now, in CurrentMemoryContext. */
extern MysqlPosition *sdb_mysql_log_position(MysqlSource *source,
											 MysqlConn *conn);

/*
 * sdb_mysql_log_snapshot --- begin a consistent snapshot at MariaDB, by
 * `start`, which is called again until the position is known in full.
 */
extern MysqlPosition *sdb_mysql_log_snapshot(MysqlSource *source,
											 MysqlConn *conn,
											 void (*start) (MysqlConn *conn));

/* `database`.`table` */
extern char *sdb_mysql_table_name(const SourceTable *table);

/* Append WHERE with the bounds of a range, if it has any. */
extern void sdb_mysql_range_condition(StringInfo sql, const SourceTable *table,
									  const KeyRange *range);

/*
 * A server's identifiers are UTF-8; what is kept of them is in the server
 * encoding.  Without a conversion the result is text itself.
 */
extern char *sdb_mysql_from_utf8(const char *text);

#endif							/* SDB_MYSQL_INTERNAL_H */
