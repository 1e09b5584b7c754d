/*
 * mysql_internal.h --- what the files of this folder share
 */
#ifndef SDB_MYSQL_INTERNAL_H
#define SDB_MYSQL_INTERNAL_H

#include "source/mysql/mysql_conn.h"
#include "source/mysql/mysql_event.h"
#include "source/mysql/mysql_position.h"
#include "source/mysql/mysql_rows.h"
#include "source/mysql/mysql_text.h"
#include "source/mysql/mysql_types.h"
#include "source/source.h"

typedef struct MysqlSnapshot MysqlSnapshot;
typedef struct MysqlStream MysqlStream;

typedef struct MysqlSource
{
	Source		base;
	SourceOptions options;		/* deep copy */
	MysqlConn  *conn;			/* queries and snapshot */
	MysqlSnapshot *snapshot;	/* NULL outside snapshot_begin/_end */
	MysqlStream *stream;		/* NULL before stream_begin */
} MysqlSource;

/* Each in the file of its name. */
extern List *sdb_mysql_check(Source *source);
extern List *sdb_mysql_catalog_describe(Source *source, List *ids);
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

/* Opens another connection with the same options. */
extern MysqlConn *sdb_mysql_source_connect(MysqlSource *source);

#endif							/* SDB_MYSQL_INTERNAL_H */
