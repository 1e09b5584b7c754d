/*
 * sqlserver_login.c --- connecting to a SQL Server
 *
 * What can be set of TLS stands in a configuration file only, so each login
 * writes one of its own, without password, and removes it afterwards.  Other
 * files and the environment are kept from having a say.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/fd.h"
#include "storage/pmsignal.h"

#include "source/hosts.h"
#include "source/sqlserver/sqlserver_dblib.h"
#include "util/wait_event.h"

/* What a server sends in one piece; with TLS 16 kB is its limit. */
#define PACKET_BYTES		32767
#define TLS_PACKET_BYTES	16383

/* These would steer the library behind our back. */
static const char *const steering_variables[] = {
	"TDSVER", "TDSPORT", "TDSHOST", "TDSDUMP", "TDSDUMPCONFIG", "TDSQUERY",
	"DSQUERY", "FREETDS", "FREETDSCONF"
};

static const char *const encryption_words[] = {
	[SQLSERVER_TLS_OFF] = "off",
	[SQLSERVER_TLS_TRY] = "request",
	[SQLSERVER_TLS_REQUIRE] = "require",
	[SQLSERVER_TLS_VERIFY_CA] = "require",
	[SQLSERVER_TLS_VERIFY_HOST] = "require"
};

static bool connect_to(SqlServerConn *conn, const char *address,
					   const SqlServerConnOptions *options);
static LOGINREC *make_login(const SqlServerConnOptions *options);
static void set_login(const SqlServerConnOptions *options, RETCODE result,
					  const char *what);
static File write_config(const char *address,
						 const SqlServerConnOptions *options);
static void check_config_value(const char *what, const char *value);
static int	must_stop(void *process);
static int	stop(void *process);

void
sdb_sqlserver_login(SqlServerConn *conn, const SqlServerConnOptions *options)
{
	const char *address = NULL;
	ListCell   *cell;

	foreach(cell, sdb_hosts_parse(options->hosts, options->port))
	{
		const SourceHost *host = lfirst(cell);

		check_config_value("host name", host->name);
		address = psprintf("%s:%d", host->name, host->port);
		CHECK_FOR_INTERRUPTS();
		if (connect_to(conn, address, options))
			break;
	}
	if (conn->process == NULL)
		sdb_sqlserver_error_login(options, address);
	conn->address = pstrdup(address);
}

/* False, with a note, if that host does not let us in. */
static bool
connect_to(SqlServerConn *conn, const char *address,
		   const SqlServerConnOptions *options)
{
	LOGINREC   *login;
	File		config;
	char		seconds[12];
	int			i;

	if (dbinit() == FAIL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	sdb_sqlserver_error_clear();
	for (i = 0; i < lengthof(steering_variables); i++)
		(void) unsetenv(steering_variables[i]);
	dbsetlogintime(Max(1, (options->connect_timeout_ms + 999) / 1000));

	login = make_login(options);
	config = write_config(address, options);
	dbsetifile(FilePathName(config));
	conn->process = dbopen(login, "synchdb");
	FileClose(config);
	dbloginfree(login);
	if (conn->process == NULL)
		return false;

	dbsetinterrupt(conn->process, must_stop, stop);
	snprintf(seconds, sizeof(seconds), "%d",
			 Max(1, (conn->query_timeout_ms + 999) / 1000));
	(void) dbsetopt(conn->process, DBSETTIME, seconds, 0);
	return true;
}

static LOGINREC *
make_login(const SqlServerConnOptions *options)
{
	LOGINREC   *login = dblogin();

	if (login == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	set_login(options, DBSETLUSER(login, options->user), "user name");
	set_login(options, DBSETLPWD(login, options->password), "password");
	set_login(options, DBSETLDBNAME(login, options->database),
			  "database name");
	set_login(options, DBSETLAPP(login, "synchdb"), "application name");
	set_login(options, DBSETLCHARSET(login, "UTF-8"), "character set");
	DBSETLVERSION(login, DBVERSION_74);
	DBSETLPACKET(login, options->tls == SQLSERVER_TLS_OFF ?
				 PACKET_BYTES : TLS_PACKET_BYTES);
	DBSETLREADONLY(login, options->read_only);
	return login;
}

static void
set_login(const SqlServerConnOptions *options, RETCODE result,
		  const char *what)
{
	if (result == FAIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s for \"%s\" is too long", what,
						options->hosts)));
}

/* The library's configuration for one login; gone when the file is closed. */
static File
write_config(const char *address, const SqlServerConnOptions *options)
{
	const char *colon = strrchr(address, ':');
	StringInfoData text;
	File		file;

	initStringInfo(&text);
	appendStringInfo(&text,
					 "[synchdb]\n"
					 "host = %.*s\n"
					 "port = %s\n"
					 "tds version = 7.4\n"
					 "client charset = UTF-8\n"
					 "encryption = %s\n",
					 (int) (colon - address), address, colon + 1,
					 encryption_words[options->tls]);
	if (options->tls >= SQLSERVER_TLS_VERIFY_CA)
	{
		if (options->tls_ca != NULL)
			check_config_value("truststore", options->tls_ca);
		appendStringInfo(&text,
						 "ca file = %s\n"
						 "check certificate hostname = %s\n",
						 options->tls_ca ? options->tls_ca : "system",
						 options->tls == SQLSERVER_TLS_VERIFY_HOST ?
						 "yes" : "no");
	}

	file = OpenTemporaryFile(true);
	if (FileWrite(file, text.data, text.len, 0,
				  sdb_wait_event(WAIT_SOURCE)) != text.len)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m",
						FilePathName(file))));
	return file;
}

/* Characters that mean something in the library's configuration */
static void
check_config_value(const char *what, const char *value)
{
	const char *p;

	for (p = value; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ' || strchr(";#[]=", *p) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the %s \"%s\" contains a character that is not allowed",
							what, value)));
	}
}

/* Asked by the library while it waits. */
static int
must_stop(void *process)
{
	return ProcDiePending || QueryCancelPending || !PostmasterIsAlive();
}

static int
stop(void *process)
{
	return INT_CANCEL;
}
