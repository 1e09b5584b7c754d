/*
 * sqlserver_position.h --- log sequence numbers, and positions as text
 *
 * A position is the commit LSN of a transaction: the state that contains it
 * and all before it.  Just before a transaction the position is one less than
 * its LSN, so that comparing two positions tells whether it is contained.
 */
#ifndef SDB_SQLSERVER_POSITION_H
#define SDB_SQLSERVER_POSITION_H

#define SQLSERVER_LSN_BYTES	10

/* SqlServerLsn --- binary(10), most significant byte first */
typedef struct SqlServerLsn
{
	uint8		bytes[SQLSERVER_LSN_BYTES];
} SqlServerLsn;

/* Like memcmp. */
extern int	sdb_sqlserver_lsn_compare(const SqlServerLsn *a,
									  const SqlServerLsn *b);

/* Is it all zero, which is before everything? */
extern bool sdb_sqlserver_lsn_is_zero(const SqlServerLsn *lsn);

/* The LSN one above or below; the ends stay what they are. */
extern SqlServerLsn sdb_sqlserver_lsn_next(SqlServerLsn lsn);
extern SqlServerLsn sdb_sqlserver_lsn_previous(SqlServerLsn lsn);

/*
 * sdb_sqlserver_lsn_read --- from a field of a result.
 *
 * what:   names the field, for messages
 * errors: XX001 if it is not a whole LSN (NULL, or of another length)
 */
extern SqlServerLsn sdb_sqlserver_lsn_read(const uint8 *data, int len,
										   const char *what);

/* "00000025:00000ef8:0048", as people write it */
extern char *sdb_sqlserver_lsn_to_text(const SqlServerLsn *lsn);

/* False if it is none. */
extern bool sdb_sqlserver_lsn_parse(const char *text, SqlServerLsn *lsn);

/* 0x0000002500000ef80048, as statements have it */
extern char *sdb_sqlserver_lsn_literal(const SqlServerLsn *lsn);

/* {"commit_lsn":"00000025:00000ef8:0048"} */
extern char *sdb_sqlserver_position_to_text(const SqlServerLsn *lsn);

/*
 * sdb_sqlserver_position_parse --- read what the function above wrote, or a
 * user; keys that other engines add are allowed and mean nothing.
 *
 * result: false, and *reason why, if it is no position
 */
extern bool sdb_sqlserver_position_parse(const char *text, SqlServerLsn *lsn,
										 char **reason);

/* SourceRoutine.position_covers and .position_check */
extern bool sdb_sqlserver_position_covers(const char *position,
										  const char *before);
extern char *sdb_sqlserver_position_check(const char *position);

#endif							/* SDB_SQLSERVER_POSITION_H */
