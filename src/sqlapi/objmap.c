/*
 * objmap.c --- SQL functions about rules and types
 *
 * Rules may be made before their connector.  The kind of object and its name
 * at the source are folded to lower case, as names here are by default; the
 * connector's name and the destination are kept as given.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "checkpoint/catalog.h"
#include "checkpoint/connector.h"
#include "convert/objmap.h"
#include "convert/typemap.h"
#include "source/source.h"
#include "sqlapi/sqlapi.h"

static Name checked_object_type(Name given, RuleKind *kind);
static Name folded(Name given);
static uint64 change_rule(const char *sql, int nargs, Datum *values);

PG_FUNCTION_INFO_V1(sdb_sql_add_objmap);
PG_FUNCTION_INFO_V1(sdb_sql_del_objmap);
PG_FUNCTION_INFO_V1(sdb_sql_translate_datatype);

Datum
sdb_sql_add_objmap(PG_FUNCTION_ARGS)
{
	Datum		values[4];
	RuleKind	kind;

	values[0] = PG_GETARG_DATUM(0);
	values[1] = NameGetDatum(checked_object_type(PG_GETARG_NAME(1), &kind));
	values[2] = NameGetDatum(folded(PG_GETARG_NAME(2)));
	values[3] = PG_GETARG_DATUM(3);

	/* what can never work is an error here, not in the worker */
	(void) sdb_objmap_parse(kind, NameStr(*DatumGetName(values[2])),
							TextDatumGetCString(values[3]));
	(void) change_rule("INSERT INTO @extschema@.synchdb_objmap"
					   " (name, objtype, enabled, srcobj, dstobj)"
					   " VALUES ($1, $2, true, $3, $4)"
					   " ON CONFLICT (name, objtype, srcobj) DO UPDATE"
					   " SET enabled = true, dstobj = excluded.dstobj",
					   4, values);
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_del_objmap(PG_FUNCTION_ARGS)
{
	Datum		values[3];
	RuleKind	kind;

	values[0] = PG_GETARG_DATUM(0);
	values[1] = NameGetDatum(checked_object_type(PG_GETARG_NAME(1), &kind));
	values[2] = NameGetDatum(folded(PG_GETARG_NAME(2)));
	if (change_rule("UPDATE @extschema@.synchdb_objmap SET enabled = false"
					" WHERE name = $1 AND objtype = $2 AND srcobj = $3",
					3, values) == 0)
	{
		/* an unknown connector is an error */
		(void) sdb_connector_owner(NameStr(*PG_GETARG_NAME(0)));
		ereport(NOTICE,
				(errmsg("there is no such rule, skipping")));
	}
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_translate_datatype(PG_FUNCTION_ARGS)
{
	const char *connector = NameStr(*PG_GETARG_NAME(0));
	Name		type = folded(PG_GETARG_NAME(1));
	const SourceRoutine *routine = sdb_source_find(connector);
	char	   *translated;

	if (routine == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unsupported connector \"%s\"", connector),
				 errhint("Known types: %s.", sdb_source_names())));

	translated = sdb_typemap_translate(routine->types, NameStr(*type),
									   PG_GETARG_INT64(2), PG_GETARG_INT64(3),
									   PG_GETARG_INT64(4));
	if (translated == NULL)
	{
		ereport(WARNING,
				(errmsg("data type \"%s\" of %s is not known, using text",
						NameStr(*type), routine->name)));
		translated = "text";
	}
	PG_RETURN_TEXT_P(cstring_to_text(translated));
}

static Name
checked_object_type(Name given, RuleKind *kind)
{
	Name		type = folded(given);

	if (!sdb_objmap_kind(NameStr(*type), kind))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unsupported object type %s", NameStr(*given)),
				 errhint("Known types: %s.", RULE_KIND_NAMES)));
	return type;
}

static Name
folded(Name given)
{
	char	   *text = sdb_objmap_fold(NameStr(*given));

	return DatumGetName(DirectFunctionCall1(namein, CStringGetDatum(text)));
}

/*
 * change_rule --- values: connector, kind of object, name, destination.
 * Returns the number of rules changed.
 */
static uint64
change_rule(const char *sql, int nargs, Datum *values)
{
	Oid			types[4] = {NAMEOID, NAMEOID, NAMEOID, TEXTOID};
	const char *connector = NameStr(*DatumGetName(values[0]));
	CatalogAccess access;
	uint64		nrows;

	if (sdb_connector_exists(connector))
		sdb_sql_check_control(connector);

	sdb_catalog_enter(&access);
	nrows = sdb_catalog_execute(sql, nargs, types, values, NULL);
	sdb_catalog_leave(&access);
	return nrows;
}
