/*
 * mysql_gtidset.h --- sets of global transaction identifiers
 *
 * What makes a position mean something at another server.  MySQL's are
 * intervals of numbers for each uuid (or uuid:tag), MariaDB's the last number
 * for each domain, which stands for all before it.
 */
#ifndef SDB_MYSQL_GTIDSET_H
#define SDB_MYSQL_GTIDSET_H

#include "nodes/pg_list.h"
#include "source/mysql/mysql_event.h"

/* MysqlGtidInterval --- numbers from first to last, both included */
typedef struct MysqlGtidInterval
{
	uint64		first;
	uint64		last;
} MysqlGtidInterval;

typedef struct MysqlGtidSource
{
	char	   *name;			/* uuid, uuid:tag, or domain */
	uint32		server_id;		/* MariaDB: where the last one comes from */
	int			nintervals;
	int			max_intervals;
	MysqlGtidInterval *intervals;	/* in order, with gaps in between */
} MysqlGtidSource;

typedef struct MysqlGtidSet
{
	MemoryContext context;		/* of all it holds */
	bool		is_mariadb;
	List	   *sources;		/* of MysqlGtidSource * */
} MysqlGtidSet;

/* An empty set in CurrentMemoryContext. */
extern MysqlGtidSet *sdb_mysql_gtidset_make(bool is_mariadb);

/*
 * sdb_mysql_gtidset_parse --- read "uuid:1-5:7,uuid:tag:2" or "0-1-5,1-2-7".
 *
 * result: NULL and *reason (words, palloc'd) if it is neither
 */
extern MysqlGtidSet *sdb_mysql_gtidset_parse(const char *text, char **reason);
extern char *sdb_mysql_gtidset_to_text(const MysqlGtidSet *set);

/*
 * sdb_mysql_gtidset_read --- the set that a PREVIOUS_GTIDS or GTID_LIST event
 * holds; NULL if it is in a form not known.
 */
extern MysqlGtidSet *sdb_mysql_gtidset_read(const MysqlEvent *event);

extern void sdb_mysql_gtidset_add(MysqlGtidSet *set, const char *name,
								  uint32 server_id, uint64 number);
extern bool sdb_mysql_gtidset_has(const MysqlGtidSet *set, const char *name,
								  uint64 number);

/* Is all of part in set? */
extern bool sdb_mysql_gtidset_includes(const MysqlGtidSet *set,
									   const MysqlGtidSet *part);

#endif							/* SDB_MYSQL_GTIDSET_H */
