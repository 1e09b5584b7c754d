/*
 * mysql_check.c --- is the server set up for a connector?
 *
 * Each item reads one setting and says what was found and which statement
 * mends it.  Nothing is changed at the server.
 */
#include "postgres.h"

#include "source/mysql/mysql_internal.h"

#define SECONDS_PER_DAY	86400

/* What a privilege is called in the output of SHOW GRANTS */
typedef struct Privilege
{
	const char *name;			/* of the check item */
	const char *const *grants;	/* any of these will do; NULL ends the list */
	const char *purpose;
	bool		global;			/* must be granted ON *.* */
} Privilege;

static const char *const grants_stream[] = {
	"REPLICATION SLAVE", "REPLICATION REPLICA", "ALL PRIVILEGES", NULL
};
static const char *const grants_position[] = {
	"REPLICATION CLIENT", "BINLOG MONITOR", "SUPER", "ALL PRIVILEGES", NULL
};
static const char *const grants_select[] = {
	"SELECT", "ALL PRIVILEGES", NULL
};

static const Privilege privileges[] = {
	{"REPLICATION SLAVE", grants_stream, "to read the binary log", true},
	{"REPLICATION CLIENT", grants_position,
	"to read the position in the binary log", true},
	{"SELECT", grants_select, "to copy the tables", false},
};

static char *setting(MysqlConn *conn, const char *name);
static CheckItem *item(const char *name, bool passed, bool fatal,
					   char *detail, char *hint);
static CheckItem *check_log_bin(MysqlSource *source);
static CheckItem *check_format(MysqlSource *source);
static CheckItem *check_row_image(MysqlSource *source);
static CheckItem *check_server_id(MysqlSource *source);
static CheckItem *check_retention(MysqlSource *source);
static CheckItem *check_privilege(MysqlSource *source, List *grants,
								  const Privilege *privilege);
static char *grant_statement(const MysqlSource *source,
							 const Privilege *privilege);
static char *account(MysqlConn *conn);
static List *read_grants(MysqlConn *conn);
static bool grant_gives(const MysqlSource *source, const char *grant,
						const Privilege *privilege);
static bool names_table(const char *grant);
static bool scope_matches(const MysqlSource *source, const char *scope,
						  bool global);

List *
sdb_mysql_check(Source *base)
{
	MysqlSource *source = (MysqlSource *) base;
	List	   *items = NIL;
	List	   *grants;
	Size		i;

	items = lappend(items, check_log_bin(source));
	items = lappend(items, check_format(source));
	items = lappend(items, check_row_image(source));
	items = lappend(items, check_server_id(source));
	items = lappend(items, check_retention(source));
	grants = read_grants(sdb_mysql_source_conn(source));
	for (i = 0; i < lengthof(privileges); i++)
		items = lappend(items, check_privilege(source, grants,
											   &privileges[i]));
	return items;
}

/* A global variable; NULL if the server does not know it. */
static char *
setting(MysqlConn *conn, const char *name)
{
	char	   *value = NULL;
	char	  **row;

	sdb_mysql_conn_query(conn, psprintf("SHOW GLOBAL VARIABLES LIKE '%s'",
										name));
	while ((row = sdb_mysql_conn_fetch(conn, NULL)) != NULL)
	{
		if (row[1] != NULL)
			value = pstrdup(row[1]);
	}
	return value;
}

static CheckItem *
item(const char *name, bool passed, bool fatal, char *detail, char *hint)
{
	CheckItem  *result = palloc(sizeof(CheckItem));

	result->name = name;
	result->passed = passed;
	result->fatal = fatal;
	result->detail = detail;
	result->hint = passed ? NULL : hint;
	return result;
}

static CheckItem *
check_log_bin(MysqlSource *source)
{
	char	   *value = setting(sdb_mysql_source_conn(source), "log_bin");

	return item("log_bin", value != NULL && strcmp(value, "ON") == 0, true,
				psprintf("The binary log is %s.", value ? value : "OFF"),
				"Put log_bin = mysql-bin and server_id = 1 into section [mysqld] of the server's configuration and restart it.");
}

static CheckItem *
check_format(MysqlSource *source)
{
	char	   *value = setting(sdb_mysql_source_conn(source),
								"binlog_format");

	/* newer servers know rows only and may drop the setting */
	return item("binlog_format",
				value == NULL || strcmp(value, "ROW") == 0, true,
				psprintf("The format of the binary log is %s.",
						 value ? value : "ROW"),
				"SET GLOBAL binlog_format = 'ROW'; sessions that are open keep the old format until they reconnect.");
}

static CheckItem *
check_row_image(MysqlSource *source)
{
	char	   *value = setting(sdb_mysql_source_conn(source),
								"binlog_row_image");
	bool		full = value == NULL || pg_strncasecmp(value, "FULL", 4) == 0;

	return item("binlog_row_image", true, false,
				full ? psprintf("Rows are logged whole.") :
				psprintf("Rows are logged with image %s: columns that did not change are not sent and keep the value stored here.",
						 value),
				NULL);
}

static CheckItem *
check_server_id(MysqlSource *source)
{
	char	   *value = setting(sdb_mysql_source_conn(source), "server_id");
	bool		set = value != NULL && strcmp(value, "0") != 0;

	if (set && strtoul(value, NULL, 10) == source->options.client_id)
		return item("server_id", false, true,
					psprintf("The server's server_id, %s, is also the connector's.",
							 value),
					"SET GLOBAL server_id to another number.");
	return item("server_id", set, true,
				psprintf("The server_id is %s.", value ? value : "not set"),
				"SET GLOBAL server_id = 1;");
}

static CheckItem *
check_retention(MysqlSource *source)
{
	MysqlConn  *conn = sdb_mysql_source_conn(source);
	char	   *seconds = setting(conn, "binlog_expire_logs_seconds");
	char	   *days = setting(conn, "expire_logs_days");
	double		kept = 0;		/* seconds; 0 for ever */

	if (seconds != NULL)
		kept = strtod(seconds, NULL);
	if (kept == 0 && days != NULL)
		kept = strtod(days, NULL) * SECONDS_PER_DAY;
	return item("log retention", kept == 0 || kept >= SECONDS_PER_DAY, false,
				kept == 0 ?
				psprintf("The binary log is kept until it is purged by hand.") :
				psprintf("The binary log is kept for %.1f hours; a connector that is stopped for longer needs a new snapshot.",
						 kept / 3600),
				seconds != NULL ?
				"SET GLOBAL binlog_expire_logs_seconds = 604800;" :
				"SET GLOBAL expire_logs_days = 7;");
}

static CheckItem *
check_privilege(MysqlSource *source, List *grants, const Privilege *privilege)
{
	ListCell   *lc;
	bool		passed = false;
	bool		whole = false;
	bool		has_roles = false;

	foreach(lc, grants)
	{
		if (grant_gives(source, lfirst(lc), privilege))
		{
			passed = true;
			whole = whole || !names_table(lfirst(lc));
		}
		if (strstr(lfirst(lc), " ON ") == NULL)
			has_roles = true;
	}
	/* all tables are wanted, and the server hides those without it */
	if (passed && !whole && sdb_filter_is_all(source->options.filter))
		return item(privilege->name, false, false,
					psprintf("User \"%s\" has the privilege %s for some tables only; others are not seen.",
							 source->options.user, privilege->purpose),
					grant_statement(source, privilege));
	/* what a role gives is not always shown, so this is no proof then */
	return item(privilege->name, passed, privilege->global && !has_roles,
				psprintf("User \"%s\" %s the privilege %s.",
						 source->options.user,
						 passed ? "has" : "does not have",
						 privilege->purpose),
				passed ? NULL : grant_statement(source, privilege));
}

static char *
grant_statement(const MysqlSource *source, const Privilege *privilege)
{
	return psprintf("GRANT %s ON %s TO %s;", privilege->name,
					privilege->global ? "*.*" :
					psprintf("%s.*",
							 sdb_mysql_conn_identifier(source->database)),
					account(source->conn));
}

/* 'user'@'host', as the server knows us. */
static char *
account(MysqlConn *conn)
{
	char	   *user = sdb_mysql_conn_scalar(conn, "SELECT CURRENT_USER()");
	char	   *at = user != NULL ? strrchr(user, '@') : NULL;

	if (at == NULL)
		return pstrdup("CURRENT_USER()");
	*at = '\0';
	return psprintf("%s@%s", sdb_mysql_conn_literal(conn, user),
					sdb_mysql_conn_literal(conn, at + 1));
}

/* "GRANT a, b ON x TO ...", with those of roles where the server says so. */
static List *
read_grants(MysqlConn *conn)
{
	List	   *grants = NIL;
	char	  **row;

	sdb_mysql_conn_query(conn, "SHOW GRANTS");
	while ((row = sdb_mysql_conn_fetch(conn, NULL)) != NULL)
	{
		if (row[0] != NULL)
			grants = lappend(grants, pstrdup(sdb_mysql_from_utf8(row[0])));
	}
	return grants;
}

static bool
grant_gives(const MysqlSource *source, const char *grant,
			const Privilege *privilege)
{
	const char *on = strstr(grant, " ON ");
	char	   *list;
	int			i;

	if (on == NULL || strncmp(grant, "GRANT ", 6) != 0 ||
		!scope_matches(source, on + 4, privilege->global))
		return false;
	list = psprintf(", %s, ", pnstrdup(grant + 6, on - grant - 6));
	for (i = 0; privilege->grants[i] != NULL; i++)
	{
		if (strstr(list, psprintf(", %s, ", privilege->grants[i])) != NULL)
			return true;
	}
	return false;
}

/* "GRANT ... ON `db`.`table` TO ..." */
static bool
names_table(const char *grant)
{
	const char *to = strstr(grant, " TO ");

	return to == NULL || to[-1] != '*';
}

/*
 * Does "*.* TO ..." or "`db`.* TO ..." apply?  For what need not be global, a
 * table of the database is enough to pass: which ones count is found out when
 * they are copied.
 */
static bool
scope_matches(const MysqlSource *source, const char *scope, bool global)
{
	char	   *database;

	if (strncmp(scope, "*.* ", 4) == 0)
		return true;
	if (global)
		return false;
	database = psprintf("%s.", sdb_mysql_conn_identifier(source->database));
	if (strncmp(scope, database, strlen(database)) == 0)
		return true;
	/* a pattern, or an underscore that was escaped: leave it to the copy */
	return strpbrk(scope, "%\\") != NULL;
}
