/*
 * mysql_log.c --- where the binary log of a server ends
 *
 * MySQL tells the place and the GTIDs before it in one statement.  MariaDB
 * tells them in two, between which something may be written; or it computes
 * the GTIDs of any place, for which it reads the file up to it, a GB maybe.  So
 * we ask for a while until two looks find the same place, and the GTIDs read
 * between them are its own.
 */
#include "postgres.h"

#include "source/mysql/mysql_internal.h"

/* How often we look before MariaDB has to compute */
#define GTID_ATTEMPTS		10

static void read_status(MysqlSource *source, MysqlConn *conn,
						MysqlPosition *position);
static bool read_snapshot_status(MysqlConn *conn, MysqlPosition *position);
static bool take_gtids(MysqlSource *source, MysqlConn *conn,
					   MysqlPosition *position);
static void compute_gtids(MysqlConn *conn, MysqlPosition *position);

MysqlPosition *
sdb_mysql_log_position(MysqlSource *source, MysqlConn *conn)
{
	MysqlPosition *position = palloc(sizeof(MysqlPosition));

	for (int attempt = 1; attempt <= GTID_ATTEMPTS; attempt++)
	{
		read_status(source, conn, position);
		if (!source->is_mariadb || take_gtids(source, conn, position))
			return position;
	}
	compute_gtids(conn, position);
	return position;
}

MysqlPosition *
sdb_mysql_log_snapshot(MysqlSource *source, MysqlConn *conn,
					   void (*start) (MysqlConn *conn))
{
	MysqlPosition *position = palloc0(sizeof(MysqlPosition));

	for (int attempt = 1; attempt <= GTID_ATTEMPTS; attempt++)
	{
		start(conn);
		position->server = source->server;
		if (!read_snapshot_status(conn, position))
			read_status(source, conn, position);	/* says why */
		if (take_gtids(source, conn, position))
			return position;
	}
	compute_gtids(conn, position);
	return position;
}

/* Where the log ends now; of MySQL with its GTIDs. */
static void
read_status(MysqlSource *source, MysqlConn *conn, MysqlPosition *position)
{
	char	  **row;

	memset(position, 0, sizeof(MysqlPosition));
	position->server = source->server;
	/* MySQL 8.2 renamed the statement */
	sdb_mysql_conn_query(conn,
						 !source->is_mariadb && source->version >= 80200 ?
						 "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS");
	while ((row = sdb_mysql_conn_fetch(conn, NULL)) != NULL)
	{
		position->file = pstrdup(row[0]);
		position->pos = strtou64(row[1], NULL, 10);
		if (!source->is_mariadb && row[4] != NULL && row[4][0] != '\0')
			position->gtids = pstrdup(row[4]);
	}
	if (position->file == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the binary log of \"%s\" is off",
						source->base.address),
				 errhint("Put log_bin = mysql-bin and server_id = 1 into section [mysqld] of the server's configuration and restart it.")));
}

/* The place in the log that MariaDB's snapshot stands for; false if none. */
static bool
read_snapshot_status(MysqlConn *conn, MysqlPosition *position)
{
	char	  **row;

	position->file = NULL;
	sdb_mysql_conn_query(conn, "SHOW STATUS LIKE 'binlog_snapshot_%'");
	while ((row = sdb_mysql_conn_fetch(conn, NULL)) != NULL)
	{
		if (pg_strcasecmp(row[0], "binlog_snapshot_file") == 0)
			position->file = pstrdup(row[1]);
		else if (pg_strcasecmp(row[0], "binlog_snapshot_position") == 0)
			position->pos = strtou64(row[1], NULL, 10);
	}
	return position->file != NULL && position->file[0] != '\0';
}

/* The GTIDs of a place in MariaDB's log; false unless it is the log's end. */
static bool
take_gtids(MysqlSource *source, MysqlConn *conn, MysqlPosition *position)
{
	MysqlPosition now;

	position->gtids =
		sdb_mysql_conn_scalar(conn, "SELECT @@global.gtid_binlog_pos");
	read_status(source, conn, &now);
	return now.pos == position->pos && strcmp(now.file, position->file) == 0;
}

/* Of any place; MariaDB reads the file from its start for that. */
static void
compute_gtids(MysqlConn *conn, MysqlPosition *position)
{
	position->gtids =
		sdb_mysql_conn_scalar(conn,
							  psprintf("SELECT BINLOG_GTID_POS(%s, "
									   UINT64_FORMAT ")",
									   sdb_mysql_conn_literal(conn,
															  position->file),
									   position->pos));
}
