/*
 * mysql_failover.c --- going on at another server
 *
 * File and offset mean something at one server only.  Where a position comes
 * from another one, its GTID set says which transactions are applied: the
 * stream begins in the newest log file that holds all others, and leaves out
 * what is in the set until it has passed what the log held at its begin.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "source/mysql/mysql_failover.h"

static void require_transactions(MysqlSource *source, MysqlConn *conn,
								 const MysqlGtidSet *applied);
static char *find_file(MysqlSource *source, MysqlConn *conn,
					   const MysqlGtidSet *applied);
static MysqlGtidSet *set_before_file(MysqlSource *source, MysqlConn *conn,
									 const char *file);
static MysqlGtidSet *parse_own(MysqlSource *source, const char *text);
static List *log_files(MysqlConn *conn);
static char *time_text(int64 seconds);

char *
sdb_mysql_server_name(bool is_mariadb, MysqlConn *conn)
{
	/* MariaDB has no other name that is sure to be there */
	return sdb_mysql_conn_scalar(conn, is_mariadb ?
								 "SELECT @@global.server_id" :
								 "SELECT @@global.server_uuid");
}

bool
sdb_mysql_failover_needed(const MysqlSource *source,
						  const MysqlPosition *position)
{
	if (position->server != NULL)
		return strcmp(position->server, source->server) != 0;
	/* written by hand, or while a stream was still finding its place */
	return position->gtids != NULL;
}

void
sdb_mysql_failover_locate(MysqlSource *source, MysqlConn *conn,
						  const MysqlGtidSet *applied,
						  MysqlPosition *position)
{
	if (applied == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is not the server that the position comes from",
						source->base.address),
				 errdetail("The position is file \"%s\", offset " UINT64_FORMAT " of server %s; this is server %s. Without GTIDs it cannot be found here.",
						   position->file, position->pos, position->server,
						   source->server),
				 errhint("Connect to the former server, or take a new snapshot with mode \"always\"; turn on gtid_mode at the source for the next time.")));
	if (position->prepared != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot go on at \"%s\" while XA transactions are prepared",
						source->base.address),
				 errdetail("Their changes stand in the log of the former server only."),
				 errhint("Connect to the former server, or take a new snapshot with mode \"always\".")));

	require_transactions(source, conn, applied);
	position->file = find_file(source, conn, applied);
	position->pos = 4;
	position->file_sec = 0;
	ereport(LOG,
			(errmsg("connector \"%s\" goes on at \"%s\" in file \"%s\", after the transactions \"%s\"",
					source->options.connector, source->base.address,
					position->file, sdb_mysql_gtidset_to_text(applied))));
}

void
sdb_mysql_failover_check_file(MysqlSource *source, MysqlConn *conn,
							  const MysqlPosition *position)
{
	List	   *files = log_files(conn);
	ListCell   *cell;

	foreach(cell, files)
	{
		if (strcmp(lfirst(cell), position->file) == 0)
			break;
	}
	if (cell == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the binary log of \"%s\" no longer has file \"%s\"",
						source->base.address, position->file),
				 errdetail("Its files are \"%s\" to \"%s\".",
						   files == NIL ? "" : (char *) linitial(files),
						   files == NIL ? "" : (char *) llast(files)),
				 errhint("Changes since then are lost: take a new snapshot with mode \"always\" or \"when_needed\", and keep the log longer (binlog_expire_logs_seconds, expire_logs_days).")));
	if (list_length(files) > 1 && strcmp(linitial(files), position->file) == 0)
		ereport(WARNING,
				(errmsg("connector \"%s\" needs the oldest file that the binary log of \"%s\" has",
						source->options.connector, source->base.address),
				 errdetail("It is file \"%s\".", position->file),
				 errhint("Let the connector catch up before it is purged, or keep the log longer (binlog_expire_logs_seconds, expire_logs_days).")));
}

void
sdb_mysql_failover_check_begin(MysqlSource *source,
							   const MysqlPosition *position, int64 begun)
{
	if (position->file_sec == 0 || position->file_sec == begun)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("file \"%s\" in the binary log of \"%s\" is not the one that the position comes from",
					position->file, source->base.address),
			 errdetail("It was begun at %s, not at %s: the log was reset.",
					   time_text(begun), time_text(position->file_sec)),
			 errhint("Changes since then are lost: take a new snapshot with mode \"always\" or \"when_needed\".")));
}

static char *
time_text(int64 seconds)
{
	return pstrdup(timestamptz_to_str(time_t_to_timestamptz((pg_time_t) seconds)));
}

/* All that was applied must have happened at this server as well. */
static void
require_transactions(MysqlSource *source, MysqlConn *conn,
					 const MysqlGtidSet *applied)
{
	char	   *text = sdb_mysql_conn_scalar(conn, source->is_mariadb ?
											 "SELECT @@global.gtid_binlog_pos" :
											 "SELECT @@global.gtid_executed");

	if (sdb_mysql_gtidset_includes(parse_own(source, text), applied))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("\"%s\" lacks transactions that are applied here",
					source->base.address),
			 errdetail("Applied are \"%s\"; its binary log has \"%s\".",
					   sdb_mysql_gtidset_to_text(applied), text),
			 errhint("If it is a replica that is behind, wait or connect to the former server. If those transactions are lost at the source, take a new snapshot with mode \"always\". A replica must write what it receives to its log (log_replica_updates, log_slave_updates).")));
}

/* The newest file before which nothing happened that is not applied. */
static char *
find_file(MysqlSource *source, MysqlConn *conn, const MysqlGtidSet *applied)
{
	List	   *files = log_files(conn);

	for (int i = list_length(files) - 1; i >= 0; i--)
	{
		char	   *file = list_nth(files, i);
		MysqlGtidSet *before = set_before_file(source, conn, file);

		if (before != NULL && sdb_mysql_gtidset_includes(applied, before))
			return file;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the binary log of \"%s\" no longer has all that is not yet applied",
					source->base.address),
			 errdetail("Applied are the transactions \"%s\".",
					   sdb_mysql_gtidset_to_text(applied)),
			 errhint("Take a new snapshot with mode \"always\" or \"when_needed\", and keep the log longer (binlog_expire_logs_seconds, expire_logs_days).")));
}

/* What a log file says of the files before it; NULL if it does not. */
static MysqlGtidSet *
set_before_file(MysqlSource *source, MysqlConn *conn, const char *file)
{
	MysqlGtidSet *set = NULL;
	char	  **row;

	/* it stands behind the format, and in encrypted logs behind the key */
	sdb_mysql_conn_query(conn,
						 psprintf("SHOW BINLOG EVENTS IN %s LIMIT 4",
								  sdb_mysql_conn_literal(conn, file)));
	while ((row = sdb_mysql_conn_fetch(conn, NULL)) != NULL)
	{
		char	   *info = row[5] ? pstrdup(row[5]) : NULL;

		if (info == NULL || (strcmp(row[2], "Previous_gtids") != 0 &&
							 strcmp(row[2], "Gtid_list") != 0))
			continue;
		/* MariaDB: [0-1-5] */
		if (info[0] == '[')
		{
			info++;
			info[strcspn(info, "]")] = '\0';
		}
		set = parse_own(source, info);
	}
	return set;
}

/* Sets that the server itself gave; an empty one shows no flavour. */
static MysqlGtidSet *
parse_own(MysqlSource *source, const char *text)
{
	char	   *reason;
	MysqlGtidSet *set = sdb_mysql_gtidset_parse(text ? text : "", &reason);

	if (set == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("\"%s\" sent something unexpected",
						source->base.address),
				 errdetail("%s", reason)));
	return set;
}

static List *
log_files(MysqlConn *conn)
{
	List	   *files = NIL;
	char	  **row;

	sdb_mysql_conn_query(conn, "SHOW BINARY LOGS");
	while ((row = sdb_mysql_conn_fetch(conn, NULL)) != NULL)
		files = lappend(files, pstrdup(row[0]));
	return files;
}
