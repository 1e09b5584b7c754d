/*
 * sqlapi.c --- what the SQL-callable functions share
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"

#include "checkpoint/catalog.h"
#include "checkpoint/connector.h"
#include "sqlapi/sqlapi.h"
#include "util/secret.h"

static void push_value(JsonbParseState **state, const char *key,
					   JsonbValue *value);
static void push_argument(JsonbParseState **state, FunctionCallInfo fcinfo,
						  int number, const Argument *argument);
static void update_data(const char *connector, const char *sql, Oid type,
						Datum value);

void
sdb_sql_check_control(const char *connector)
{
	Oid			owner;

	/* a superuser may clean up after a role that is gone */
	if (superuser() && sdb_connector_exists(connector))
		return;

	owner = sdb_connector_owner(connector);
	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for connector \"%s\"", connector),
				 errdetail("Only superusers and members of role \"%s\" may control it.",
						   GetUserNameFromId(owner, false))));
}

void
sdb_sql_hide_statement(const char *replacement)
{
	debug_query_string = replacement;
	pgstat_report_activity(STATE_RUNNING, replacement);
}

void
sdb_sql_push_arguments(JsonbParseState **state, FunctionCallInfo fcinfo,
					   int first, const Argument *arguments, int narguments)
{
	int			i;

	for (i = 0; i < narguments; i++)
		push_argument(state, fcinfo, first + i, &arguments[i]);
}

char *
sdb_sql_text_argument(FunctionCallInfo fcinfo, int number,
					  const Argument *argument)
{
	char	   *given;
	bool		empty;
	bool		too_long;

	if (argument->kind == ARGUMENT_NAME)
		given = pstrdup(NameStr(*PG_GETARG_NAME(number)));
	else
		given = text_to_cstring(PG_GETARG_TEXT_PP(number));

	empty = argument->required && given[0] == '\0';
	too_long = argument->max_bytes > 0 && strlen(given) > argument->max_bytes;
	if (empty || too_long)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 argument->max_bytes == 0 ?
				 errmsg("%s cannot be empty", argument->what) :
				 argument->required ?
				 errmsg("%s cannot be empty or longer than %d",
						argument->what, argument->max_bytes) :
				 errmsg("%s cannot be longer than %d",
						argument->what, argument->max_bytes)));

	if (argument->required)
		return given;
	if (given[0] == '\0')
		return argument->if_empty ? pstrdup(argument->if_empty) : NULL;
	if (argument->if_empty == NULL && pg_strcasecmp(given, "null") == 0)
		return NULL;
	return given;
}

void
sdb_sql_push_text(JsonbParseState **state, const char *key, const char *text)
{
	JsonbValue	value;

	value.type = jbvNull;
	if (text != NULL)
	{
		value.type = jbvString;
		value.val.string.val = pstrdup(text);
		value.val.string.len = strlen(text);
	}
	push_value(state, key, &value);
}

void
sdb_sql_merge_data(const char *connector, Jsonb *data)
{
	update_data(connector,
				"UPDATE @extschema@.synchdb_conninfo"
				" SET data = coalesce(data, '{}') || $2 WHERE name = $1",
				JSONBOID, JsonbPGetDatum(data));
}

void
sdb_sql_remove_data(const char *connector, const Argument *arguments,
					int narguments)
{
	Datum	   *keys = palloc(narguments * sizeof(Datum));
	int			i;

	for (i = 0; i < narguments; i++)
		keys[i] = CStringGetTextDatum(arguments[i].key);
	update_data(connector,
				"UPDATE @extschema@.synchdb_conninfo"
				" SET data = data - $2 WHERE name = $1",
				TEXTARRAYOID,
				PointerGetDatum(construct_array(keys, narguments, TEXTOID,
												-1, false, TYPALIGN_INT)));
}

static void
push_value(JsonbParseState **state, const char *key, JsonbValue *value)
{
	JsonbValue	name;

	name.type = jbvString;
	name.val.string.val = pstrdup(key);
	name.val.string.len = strlen(key);
	(void) pushJsonbValue(state, WJB_KEY, &name);
	(void) pushJsonbValue(state, WJB_VALUE, value);
}

static void
push_argument(JsonbParseState **state, FunctionCallInfo fcinfo, int number,
			  const Argument *argument)
{
	JsonbValue	value;
	char	   *text;

	switch (argument->kind)
	{
		case ARGUMENT_NAME:
		case ARGUMENT_TEXT:
			text = sdb_sql_text_argument(fcinfo, number, argument);
			sdb_sql_push_text(state, argument->key, text);
			return;
		case ARGUMENT_PASSWORD:
			text = sdb_sql_text_argument(fcinfo, number, argument);
			sdb_sql_push_text(state, argument->key,
							  text == NULL ? NULL : sdb_secret_encrypt(text));
			return;
		case ARGUMENT_PORT:
			if (PG_GETARG_INT32(number) <= 0 ||
				PG_GETARG_INT32(number) > 65535)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("invalid port number"),
						 errdetail("%d is not between 1 and 65535.",
								   PG_GETARG_INT32(number))));
			/* FALLTHROUGH */
		case ARGUMENT_INT:
			value.type = jbvNumeric;
			value.val.numeric = int64_to_numeric(PG_GETARG_INT32(number));
			break;
		case ARGUMENT_BOOL:
			value.type = jbvBool;
			value.val.boolean = PG_GETARG_BOOL(number);
			break;
	}
	push_value(state, argument->key, &value);
}

static void
update_data(const char *connector, const char *sql, Oid type, Datum value)
{
	Oid			types[2] = {TEXTOID, InvalidOid};
	Datum		values[2];
	CatalogAccess access;

	types[1] = type;
	values[0] = CStringGetTextDatum(connector);
	values[1] = value;

	sdb_catalog_enter(&access);
	(void) sdb_catalog_execute(sql, 2, types, values, NULL);
	sdb_catalog_leave(&access);
}
