/*
 * mysql_position.h --- positions in the binary log
 */
#ifndef SDB_MYSQL_POSITION_H
#define SDB_MYSQL_POSITION_H

#include "nodes/pg_list.h"

/* MysqlXaPosition --- where a prepared, not yet decided XA transaction began */
typedef struct MysqlXaPosition
{
	char	   *xid;			/* as MysqlXaPrepare.xid */
	char	   *file;
	uint64		pos;
} MysqlXaPosition;

typedef struct MysqlPosition
{
	char	   *file;			/* NULL if only gtids are known */
	uint64		pos;
	int64		file_sec;		/* when file was begun, which tells it from
								 * one of its name after a reset of the log; 0
								 * if not known */
	char	   *gtids;			/* all transactions up to here, see
								 * mysql_gtidset.h; NULL if not known */
	char	   *server;			/* that file and pos belong to; NULL if not
								 * known */
	int64		ts_sec;			/* of the last transaction; 0 if none */
	uint32		server_id;		/* of the last transaction; 0 if none */
	List	   *prepared;		/* of MysqlXaPosition * */
} MysqlPosition;

/*
 * Text form: {"ts_sec":1725644339,"file":"mysql-bin.000004","pos":138466,
 * "file_sec":1725640000,"gtids":"...","server":"...","server_id":223344}, with
 * "prepared":[{"xid":"...","file":"...","pos":N}] if there are any.  Reading
 * accepts any JSON object with file and pos, or with gtids, or both.
 */
extern char *sdb_mysql_position_to_text(const MysqlPosition *position);

/* NULL and *reason (words, palloc'd) if it is not a position. */
extern MysqlPosition *sdb_mysql_position_parse(const char *text,
											   char **reason);

/* Is a before b, in the log of one server?  Compares (file number, pos). */
extern bool sdb_mysql_position_before(const MysqlPosition *a,
									  const MysqlPosition *b);

/* SourceRoutine.position_covers and .position_check */
extern bool sdb_mysql_position_covers(const char *position,
									  const char *before);
extern char *sdb_mysql_position_check(const char *position);

#endif							/* SDB_MYSQL_POSITION_H */
