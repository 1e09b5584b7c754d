/*
 * sqlserver_internal.h --- what the files of this folder share
 */
#ifndef SDB_SQLSERVER_INTERNAL_H
#define SDB_SQLSERVER_INTERNAL_H

#include "source/source.h"
#include "source/sqlserver/sqlserver_conn.h"
#include "source/sqlserver/sqlserver_position.h"
#include "source/sqlserver/sqlserver_types.h"
#include "source/sqlserver/sqlserver_values.h"

typedef struct SqlServerSnapshot SqlServerSnapshot;
typedef struct SqlServerStream SqlServerStream;

typedef struct SqlServerSource
{
	Source		base;
	SourceOptions options;		/* deep copy, but for the filter */
	char	   *database;		/* as the server spells it */
	int			version;		/* major: 13 is 2016, 16 is 2022 */
	bool		is_azure;		/* Azure SQL Database: no agent, no msdb */
	bool		is_secondary;	/* read-only replica: reads see versions and
								 * take no locks */
	bool		has_snapshots;	/* ALLOW_SNAPSHOT_ISOLATION is on */
	SqlServerConn *conn;		/* queries and snapshot; NULL when closed, see
								 * sdb_sqlserver_source_conn */
	SqlServerSnapshot *snapshot;	/* NULL outside snapshot_begin/_end */
	SqlServerStream *stream;	/* NULL before stream_begin */
} SqlServerSource;

/* Each in the file of its name. */
extern List *sdb_sqlserver_check(Source *source);
extern List *sdb_sqlserver_catalog_describe(Source *source, List *ids);

extern char *sdb_sqlserver_current_position(Source *source);
extern void sdb_sqlserver_snapshot_begin(Source *source, List *tables);
extern List *sdb_sqlserver_split_table(Source *source, SourceTable *table,
									   int parts);
extern SourceResult sdb_sqlserver_snapshot_next(Source *source,
												SourceTable *table,
												const KeyRange *range,
												SourceValue *row);
extern void sdb_sqlserver_snapshot_point(Source *source, SourceTable *table,
										 SnapshotPoint *point);
extern void sdb_sqlserver_snapshot_end(Source *source);
extern void sdb_sqlserver_stream_begin(Source *source, const char *position,
									   List *tables);
extern SourceResult sdb_sqlserver_stream_next(Source *source, Change *change);
extern void sdb_sqlserver_stream_wait(Source *source, SourceWait *wait);
extern char *sdb_sqlserver_stream_position(Source *source);

/*
 * sdb_sqlserver_catalog_describe_instance --- the table of a capture instance
 * with the columns that this instance captures; NULL if there is none.
 */
extern SourceTable *sdb_sqlserver_catalog_describe_instance(SqlServerSource *source,
															const char *capture_instance);

/*
 * sdb_sqlserver_source_connect --- another connection with the same options,
 * in CurrentMemoryContext.
 */
extern SqlServerConn *sdb_sqlserver_source_connect(SqlServerSource *source);

/* The source's own connection, opened anew if it was closed. */
extern SqlServerConn *sdb_sqlserver_source_conn(SqlServerSource *source);

/* Closes it; the next sdb_sqlserver_source_conn opens it again. */
extern void sdb_sqlserver_source_release(SqlServerSource *source);

/* Is schema.table one that the connector captures? */
extern bool sdb_sqlserver_source_captures(const SqlServerSource *source,
										  const char *schema,
										  const char *table);

/* [schema].[table], in CurrentMemoryContext; the login is in the database. */
extern char *sdb_sqlserver_table_name(const SourceTable *table);

#endif							/* SDB_SQLSERVER_INTERNAL_H */
