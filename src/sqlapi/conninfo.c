/*
 * conninfo.c --- SQL functions that define connectors
 *
 * A definition is one row of synchdb_conninfo, whose data is a JSON object.
 * Texts are data: nothing of them becomes part of an SQL statement, and
 * passwords are encrypted before they leave this process.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "checkpoint/catalog.h"
#include "checkpoint/connector.h"
#include "checkpoint/list_file.h"
#include "source/filter.h"
#include "source/source.h"
#include "sqlapi/sqlapi.h"
#include "worker/control.h"

/* Arguments of synchdb_add_conninfo after the name; checked in this order */
static const Argument source_arguments[] = {
	{"hostname", "hostname", ARGUMENT_TEXT, true, 255},
	{"port", "port", ARGUMENT_PORT},
	{"user", "username", ARGUMENT_TEXT, true, 63},
	{"pwd", "password", ARGUMENT_PASSWORD, true, 127},
	{"srcdb", "source database", ARGUMENT_TEXT, false, 63, "null"}
};

static const Argument destination_argument =
{"dstdb", "destination database", ARGUMENT_TEXT, true, 63};

static const Argument selection_arguments[] = {
	{"table", "table list", ARGUMENT_TEXT},
	{"snapshottable", "snapshot table list", ARGUMENT_TEXT},
	{"connector", "connector type", ARGUMENT_TEXT, true}
};

/* Numbers of arguments of synchdb_add_conninfo */
#define ARG_SOURCE			1
#define ARG_DESTINATION		6
#define ARG_SELECTION		7
#define ARG_TABLES			7
#define ARG_SNAPSHOT_TABLES	8
#define ARG_CONNECTOR		9

/* Tables that hold rows of a connector */
static const char *const connector_tables[] = {
	"synchdb_conninfo",
	"synchdb_objmap",
	"synchdb_attribute",
	"synchdb_checkpoint",
	"synchdb_table",
	"synchdb_range",
	"synchdb_error"
};

static const char *adjusted_destination(const char *given);
static void check_list(const char *list);
static void check_type(const char *type);
static void insert_connector(const char *name, Jsonb *data);

PG_FUNCTION_INFO_V1(sdb_sql_add_conninfo);
PG_FUNCTION_INFO_V1(sdb_sql_set_password);
PG_FUNCTION_INFO_V1(sdb_sql_del_conninfo);

Datum
sdb_sql_add_conninfo(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	JsonbParseState *state = NULL;
	char	   *destination;
	JsonbValue *data;

	sdb_sql_hide_statement("SELECT synchdb_add_conninfo(...)");

	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("connection name cannot be empty")));

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	sdb_sql_push_arguments(&state, fcinfo, ARG_SOURCE, source_arguments,
						   lengthof(source_arguments));

	destination = sdb_sql_text_argument(fcinfo, ARG_DESTINATION,
										&destination_argument);
	sdb_sql_push_text(&state, destination_argument.key,
					  adjusted_destination(destination));

	sdb_sql_push_arguments(&state, fcinfo, ARG_SELECTION, selection_arguments,
						   lengthof(selection_arguments));
	check_list(text_to_cstring(PG_GETARG_TEXT_PP(ARG_TABLES)));
	check_list(text_to_cstring(PG_GETARG_TEXT_PP(ARG_SNAPSHOT_TABLES)));
	check_type(text_to_cstring(PG_GETARG_TEXT_PP(ARG_CONNECTOR)));

	sdb_sql_push_text(&state, "owner", GetUserNameFromId(GetUserId(), false));
	data = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	insert_connector(name, JsonbValueToJsonb(data));
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_set_password(PG_FUNCTION_ARGS)
{
	static const Argument argument =
	{"pwd", "password", ARGUMENT_PASSWORD, true, 127};
	const char *name = NameStr(*PG_GETARG_NAME(0));
	JsonbParseState *state = NULL;
	JsonbValue *data;

	sdb_sql_hide_statement("SELECT synchdb_set_password(...)");
	sdb_sql_check_control(name);

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	sdb_sql_push_arguments(&state, fcinfo, 1, &argument, 1);
	data = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	sdb_sql_merge_data(name, JsonbValueToJsonb(data));
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_del_conninfo(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	CatalogAccess access;
	int			i;

	if (!sdb_connector_exists(name))
	{
		ereport(NOTICE,
				(errmsg("connector \"%s\" does not exist, skipping", name)));
		PG_RETURN_INT32(0);
	}
	sdb_sql_check_control(name);
	(void) sdb_worker_stop(name);

	values[0] = CStringGetTextDatum(name);
	sdb_catalog_enter(&access);
	for (i = 0; i < lengthof(connector_tables); i++)
		(void) sdb_catalog_execute(psprintf("DELETE FROM @extschema@.%s"
											" WHERE name = $1",
											connector_tables[i]),
								   1, types, values, NULL);
	sdb_catalog_leave(&access);

	sdb_shmem_forget(MyDatabaseId, name);
	PG_RETURN_INT32(0);
}

/*
 * adjusted_destination --- the database a connector writes to: always the
 * present one.
 */
static const char *
adjusted_destination(const char *given)
{
	char	   *current = get_database_name(MyDatabaseId);

	if (pg_strcasecmp(given, current) != 0)
		ereport(WARNING,
				(errmsg("adjusting destination database from %s to the current database %s",
						given, current)));
	return current;
}

/* check_list --- a list in a file is read at start only */
static void
check_list(const char *list)
{
	if (pg_strcasecmp(list, "null") != 0 && sdb_list_file_path(list) == NULL)
		(void) sdb_filter_make(list);
}

static void
check_type(const char *type)
{
	if (sdb_source_find(type) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unsupported connector \"%s\"", type),
				 errhint("Known types: %s.", sdb_source_names())));
}

static void
insert_connector(const char *name, Jsonb *data)
{
	Oid			types[2] = {TEXTOID, JSONBOID};
	Datum		values[2];
	CatalogAccess access;
	uint64		nrows;

	values[0] = CStringGetTextDatum(name);
	values[1] = JsonbPGetDatum(data);

	sdb_catalog_enter(&access);
	nrows = sdb_catalog_execute("INSERT INTO @extschema@.synchdb_conninfo"
								" (name, isactive, data)"
								" VALUES ($1, false, $2)"
								" ON CONFLICT (name) DO NOTHING",
								2, types, values, NULL);
	sdb_catalog_leave(&access);
	if (nrows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("connector \"%s\" already exists", name),
				 errhint("Choose another name, or delete it with synchdb_del_conninfo().")));
}
