/*
 * mysql_failover.h --- which server, and where in its log
 */
#ifndef SDB_MYSQL_FAILOVER_H
#define SDB_MYSQL_FAILOVER_H

#include "source/mysql/mysql_gtidset.h"
#include "source/mysql/mysql_internal.h"

/* What tells a server from all others, palloc'd: uuid, MariaDB's server id. */
extern char *sdb_mysql_server_name(bool is_mariadb, MysqlConn *conn);

/* Must the position be found by its GTIDs? */
extern bool sdb_mysql_failover_needed(const MysqlSource *source,
									  const MysqlPosition *position);

/*
 * sdb_mysql_failover_locate --- where the transactions begin that are not
 * applied.
 *
 * applied: NULL if it is not known
 * out:     file and pos of position
 * errors:  55000 if the server lacks something applied, or its log something
 *          that is not
 */
extern void sdb_mysql_failover_locate(MysqlSource *source, MysqlConn *conn,
									  const MysqlGtidSet *applied,
									  MysqlPosition *position);

/* 55000 if the log file is gone; a WARNING if it is the next to go. */
extern void sdb_mysql_failover_check_file(MysqlSource *source, MysqlConn *conn,
										  const MysqlPosition *position);

/*
 * sdb_mysql_failover_check_begin --- is the file of the position, which was
 * begun then, still the one that the position was made in?
 *
 * errors: 55000 if the log was reset since
 */
extern void sdb_mysql_failover_check_begin(MysqlSource *source,
										   const MysqlPosition *position,
										   int64 begun);

#endif							/* SDB_MYSQL_FAILOVER_H */
