/*
 * error.c --- SQL functions about changes that were left out
 *
 * A change in synchdb_error is applied again in the caller's backend, as the
 * worker would: as the connector's owner, with the settings of a worker that
 * matter to it.  Nobody but those who may control the connector gets that far.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "apply/apply.h"
#include "checkpoint/catalog.h"
#include "checkpoint/connector.h"
#include "sqlapi/sqlapi.h"
#include "worker/control.h"

static const struct
{
	const char *name;
	const char *value;
}			apply_settings[] = {
	{"search_path", "pg_catalog"},
	{"session_replication_role", "replica"},
	{"row_security", "on"},
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "postgres"},
	{"TimeZone", "UTC"},
	{"bytea_output", "hex"},
	{"extra_float_digits", "1"}
};

static char *load_change(int64 id, StringInfo packed);
static void apply_change(const char *connector, const Change *change);
static void delete_error(int64 id);

PG_FUNCTION_INFO_V1(sdb_sql_retry_error);

Datum
sdb_sql_retry_error(PG_FUNCTION_ARGS)
{
	int64		id = PG_GETARG_INT64(0);
	StringInfoData packed;
	Change		change;
	char	   *connector = load_change(id, &packed);

	sdb_sql_check_control(connector);
	if (packed.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("change " INT64_FORMAT " of connector \"%s\" was not kept in a form that can be applied",
						id, connector)));
	sdb_change_unpack(&packed, &change);
	apply_change(connector, &change);
	delete_error(id);
	PG_RETURN_INT32(0);
}

/* Gives the connector's name, and locks the row. */
static char *
load_change(int64 id, StringInfo packed)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[1] = {INT8OID};
	Datum		values[1];
	CatalogAccess access;
	char	   *connector = NULL;

	initStringInfo(packed);
	values[0] = Int64GetDatum(id);
	sdb_catalog_enter(&access);
	if (sdb_catalog_execute("SELECT name, kept FROM @extschema@.synchdb_error"
							" WHERE id = $1 FOR UPDATE",
							1, types, values, NULL) > 0)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		Datum		kept = SPI_getbinval(tuple, desc, 2, &isnull);

		connector = MemoryContextStrdup(caller, SPI_getvalue(tuple, desc, 1));
		if (!isnull)
		{
			bytea	   *bytes = DatumGetByteaPP(kept);

			appendBinaryStringInfo(packed, VARDATA_ANY(bytes),
								   VARSIZE_ANY_EXHDR(bytes));
		}
	}
	sdb_catalog_leave(&access);
	if (connector == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no change " INT64_FORMAT " in synchdb_error",
						id)));
	return connector;
}

/* An error ends the (sub)transaction, which takes all of this back. */
static void
apply_change(const char *connector, const Change *change)
{
	Apply	   *apply;
	Oid			userid;
	int			sec_context;
	int			nestlevel = NewGUCNestLevel();

	sdb_rules_load(connector);
	for (int i = 0; i < lengthof(apply_settings); i++)
		(void) set_config_option(apply_settings[i].name,
								 apply_settings[i].value,
								 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(sdb_connector_owner(connector),
						   sec_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);

	apply = sdb_apply_create();
	sdb_apply_begin(apply, true);
	sdb_apply_change(apply, change, APPLY_STRICT);
	sdb_apply_end(apply);

	SetUserIdAndSecContext(userid, sec_context);
	AtEOXact_GUC(false, nestlevel);
}

static void
delete_error(int64 id)
{
	Oid			types[1] = {INT8OID};
	Datum		values[1];
	CatalogAccess access;

	values[0] = Int64GetDatum(id);
	sdb_catalog_enter(&access);
	(void) sdb_catalog_execute("DELETE FROM @extschema@.synchdb_error"
							   " WHERE id = $1", 1, types, values, NULL);
	sdb_catalog_leave(&access);
}
