/*
 * conninfo_extra.c --- SQL functions that add groups of settings to connectors
 *
 * Each group is a constant table of arguments; adding sets their keys in the
 * connector's data, deleting removes them.
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"

#include "checkpoint/connector.h"
#include "checkpoint/tls_file.h"
#include "sqlapi/sqlapi.h"
#include "worker/shmem.h"

#define PATH_BYTES		127
#define PASSWORD_BYTES	127

static const Argument tls_arguments[] = {
	{"ssl_mode", "ssl mode", ARGUMENT_NAME, false, 63},
	{"ssl_keystore", "ssl keystore", ARGUMENT_TEXT, false, PATH_BYTES},
	{"ssl_keystore_pass", "ssl keystore password", ARGUMENT_PASSWORD, false,
	PASSWORD_BYTES},
	{"ssl_truststore", "ssl truststore", ARGUMENT_TEXT, false, PATH_BYTES},
	{"ssl_truststore_pass", "ssl truststore password", ARGUMENT_PASSWORD,
	false, PASSWORD_BYTES}
};

static const Argument olr_arguments[] = {
	{"olr_host", "olr host", ARGUMENT_TEXT, true, 255},
	{"olr_port", "olr port", ARGUMENT_PORT},
	{"olr_source", "olr source", ARGUMENT_TEXT, true, 63}
};

static const Argument jmx_arguments[] = {
	{"jmx_listenaddr", "jmx listen address", ARGUMENT_TEXT, true, 255},
	{"jmx_port", "jmx port", ARGUMENT_PORT},
	{"jmx_rmi_address", "jmx rmi address", ARGUMENT_TEXT, true, 255},
	{"jmx_rmi_port", "jmx rmi port", ARGUMENT_PORT},
	{"jmx_auth", "jmx auth", ARGUMENT_BOOL},
	{"jmx_auth_passwdfile", "jmx password file", ARGUMENT_TEXT, false, 255},
	{"jmx_auth_accessfile", "jmx access file", ARGUMENT_TEXT, false, 255},
	{"jmx_ssl", "jmx ssl", ARGUMENT_BOOL},
	{"jmx_ssl_keystore", "jmx keystore", ARGUMENT_TEXT, false, PATH_BYTES},
	{"jmx_ssl_keystore_pass", "jmx keystore password", ARGUMENT_PASSWORD,
	false, PASSWORD_BYTES},
	{"jmx_ssl_truststore", "jmx truststore", ARGUMENT_TEXT, false, PATH_BYTES},
	{"jmx_ssl_truststore_pass", "jmx truststore password", ARGUMENT_PASSWORD,
	false, PASSWORD_BYTES}
};

static const Argument exporter_arguments[] = {
	{"jmx_exporter", "jmx exporter path", ARGUMENT_TEXT, true, 255},
	{"jmx_exporter_port", "jmx exporter port", ARGUMENT_PORT},
	{"jmx_exporter_conf", "jmx exporter configuration path", ARGUMENT_TEXT,
	true, 255}
};

/* the first two are the function's arguments, the third is constant */
static const Argument infinispan_arguments[] = {
	{"ispn_memory_type", "infinispan memory type", ARGUMENT_NAME, true, 63},
	{"ispn_memory_size", "infinispan memory size", ARGUMENT_INT},
	{"ispn_cache_type", "infinispan cache type", ARGUMENT_TEXT}
};

#define NINFINISPAN_GIVEN 2

static void add_settings(FunctionCallInfo fcinfo, const Argument *arguments,
						 int narguments);
static void check_tls_file(FunctionCallInfo fcinfo, int number,
						   TlsFileKind kind);
static void notice_unused(const char *what);
static void check_infinispan(const char *memory_type, int32 memory_size);

PG_FUNCTION_INFO_V1(sdb_sql_add_extra_conninfo);
PG_FUNCTION_INFO_V1(sdb_sql_del_extra_conninfo);
PG_FUNCTION_INFO_V1(sdb_sql_add_olr_conninfo);
PG_FUNCTION_INFO_V1(sdb_sql_del_olr_conninfo);
PG_FUNCTION_INFO_V1(sdb_sql_add_jmx_conninfo);
PG_FUNCTION_INFO_V1(sdb_sql_del_jmx_conninfo);
PG_FUNCTION_INFO_V1(sdb_sql_add_jmx_exporter_conninfo);
PG_FUNCTION_INFO_V1(sdb_sql_del_jmx_exporter_conninfo);
PG_FUNCTION_INFO_V1(sdb_sql_add_infinispan);
PG_FUNCTION_INFO_V1(sdb_sql_del_infinispan);

/*
 * An unknown mode, or a file that is not there, is refused when the connector
 * starts; scripts that only store one shall go on working.
 */
Datum
sdb_sql_add_extra_conninfo(PG_FUNCTION_ARGS)
{
	const char *mode = NameStr(*PG_GETARG_NAME(1));
	TlsMode		unused;

	sdb_sql_hide_statement("SELECT synchdb_add_extra_conninfo(...)");
	add_settings(fcinfo, tls_arguments, lengthof(tls_arguments));
	check_tls_file(fcinfo, 2, TLS_FILE_KEYSTORE);
	check_tls_file(fcinfo, 4, TLS_FILE_TRUSTSTORE);
	if (mode[0] != '\0' && pg_strcasecmp(mode, "null") != 0 &&
		!sdb_connector_tls_mode(mode, &unused))
		ereport(WARNING,
				(errmsg("unknown ssl mode \"%s\"", mode),
				 errdetail("The connector cannot start with it."),
				 errhint("Known modes: %s.", TLS_MODE_NAMES)));
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_del_extra_conninfo(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));

	sdb_sql_check_control(name);
	sdb_sql_remove_data(name, tls_arguments, lengthof(tls_arguments));
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_add_olr_conninfo(PG_FUNCTION_ARGS)
{
	add_settings(fcinfo, olr_arguments, lengthof(olr_arguments));
	notice_unused("OpenLogReplicator");
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_del_olr_conninfo(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));

	sdb_sql_check_control(name);
	sdb_sql_remove_data(name, olr_arguments, lengthof(olr_arguments));
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_add_jmx_conninfo(PG_FUNCTION_ARGS)
{
	sdb_sql_hide_statement("SELECT synchdb_add_jmx_conninfo(...)");
	add_settings(fcinfo, jmx_arguments, lengthof(jmx_arguments));
	notice_unused("JMX");
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_del_jmx_conninfo(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));

	sdb_sql_check_control(name);
	sdb_sql_remove_data(name, jmx_arguments, lengthof(jmx_arguments));
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_add_jmx_exporter_conninfo(PG_FUNCTION_ARGS)
{
	add_settings(fcinfo, exporter_arguments, lengthof(exporter_arguments));
	notice_unused("JMX exporter");
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_del_jmx_exporter_conninfo(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));

	sdb_sql_check_control(name);
	sdb_sql_remove_data(name, exporter_arguments,
						lengthof(exporter_arguments));
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_add_infinispan(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	JsonbParseState *state = NULL;
	JsonbValue *data;

	sdb_sql_check_control(name);
	check_infinispan(NameStr(*PG_GETARG_NAME(1)), PG_GETARG_INT32(2));

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	sdb_sql_push_arguments(&state, fcinfo, 1, infinispan_arguments,
						   NINFINISPAN_GIVEN);
	sdb_sql_push_text(&state, infinispan_arguments[NINFINISPAN_GIVEN].key,
					  "embedded");
	data = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	sdb_sql_merge_data(name, JsonbValueToJsonb(data));
	notice_unused("Infinispan");
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_del_infinispan(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	ConnectorStatus status;

	sdb_sql_check_control(name);
	if (sdb_shmem_status(name, &status) && status.pid > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("connector \"%s\" is running", name),
				 errhint("Stop it first with synchdb_stop_engine_bgw().")));
	sdb_sql_remove_data(name, infinispan_arguments,
						lengthof(infinispan_arguments));
	PG_RETURN_INT32(0);
}

/* add_settings --- all arguments after the connector's name */
static void
add_settings(FunctionCallInfo fcinfo, const Argument *arguments,
			 int narguments)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	JsonbParseState *state = NULL;
	JsonbValue *data;

	sdb_sql_check_control(name);
	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	sdb_sql_push_arguments(&state, fcinfo, 1, arguments, narguments);
	data = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	sdb_sql_merge_data(name, JsonbValueToJsonb(data));
}

/*
 * Of a file that can be read, the format.  Its password is the next argument.
 */
static void
check_tls_file(FunctionCallInfo fcinfo, int number, TlsFileKind kind)
{
	const char *path = sdb_sql_text_argument(fcinfo, number,
											 &tls_arguments[number - 1]);
	const char *password = sdb_sql_text_argument(fcinfo, number + 1,
												 &tls_arguments[number]);

	if (path == NULL)
		return;
	sdb_tls_file_allow(path, kind, GetUserId());
	if (access(path, R_OK) == 0)
		sdb_tls_file_check(path, kind, password != NULL);
	else
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", path),
				 errdetail("The connector cannot start without it.")));
}

static void
notice_unused(const char *what)
{
	ereport(NOTICE,
			(errmsg("%s settings are stored, but nothing needs them", what)));
}

static void
check_infinispan(const char *memory_type, int32 memory_size)
{
	if (pg_strcasecmp(memory_type, "heap") != 0 &&
		pg_strcasecmp(memory_type, "off heap") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid infinispan memory type \"%s\"", memory_type),
				 errhint("Known types: heap, off heap.")));
	if (memory_size <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid infinispan memory size"),
				 errdetail("%d is not a positive number of megabytes.",
						   memory_size)));
}
