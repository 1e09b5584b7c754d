/*
 * catalog.c --- access to the extension's own tables
 */
#include "postgres.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "checkpoint/catalog.h"
#include "util/extension.h"

#define EXTENSION_NAME "synchdb"
#define SCHEMA_MARK "@extschema@"

static void find_synchdb(Oid *schema, Oid *owner);

void
sdb_catalog_enter(CatalogAccess *access)
{
	Oid			schema;
	Oid			owner;

	find_synchdb(&schema, &owner);

	GetUserIdAndSecContext(&access->userid, &access->sec_context);
	SetUserIdAndSecContext(owner,
						   access->sec_context | SECURITY_LOCAL_USERID_CHANGE);
	access->guc_nestlevel = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/* values of the tables may be toasted, and a worker may have none yet */
	access->pushed_snapshot = !ActiveSnapshotSet();
	if (access->pushed_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
sdb_catalog_leave(CatalogAccess *access)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	if (access->pushed_snapshot)
		PopActiveSnapshot();
	AtEOXact_GUC(false, access->guc_nestlevel);
	SetUserIdAndSecContext(access->userid, access->sec_context);
}

char *
sdb_catalog_sql(const char *sql)
{
	StringInfoData buf;
	Oid			schema;
	Oid			owner;
	const char *quoted;
	const char *mark;

	find_synchdb(&schema, &owner);
	quoted = quote_identifier(get_namespace_name(schema));

	initStringInfo(&buf);
	while ((mark = strstr(sql, SCHEMA_MARK)) != NULL)
	{
		appendBinaryStringInfo(&buf, sql, mark - sql);
		appendStringInfoString(&buf, quoted);
		sql = mark + strlen(SCHEMA_MARK);
	}
	appendStringInfoString(&buf, sql);
	return buf.data;
}

uint64
sdb_catalog_execute(const char *sql, int nargs, Oid *types, Datum *values,
					const char *nulls)
{
	char	   *command = sdb_catalog_sql(sql);
	int			result;

	result = SPI_execute_with_args(command, nargs, types, values, nulls,
								   false, 0);
	if (result < 0)
		elog(ERROR, "%s: %s", SPI_result_code_string(result), command);
	return SPI_processed;
}

Oid
sdb_catalog_relation(const char *name)
{
	Oid			schema;
	Oid			owner;
	Oid			relid;

	find_synchdb(&schema, &owner);
	relid = get_relname_relid(name, schema);
	if (!OidIsValid(relid))
		elog(ERROR, "extension \"%s\" has no table \"%s\"", EXTENSION_NAME,
			 name);
	return relid;
}

bool
sdb_catalog_installed(void)
{
	Oid			schema;
	Oid			owner;

	return sdb_extension_find(EXTENSION_NAME, &schema, &owner);
}

static void
find_synchdb(Oid *schema, Oid *owner)
{
	if (!sdb_extension_find(EXTENSION_NAME, schema, owner))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"%s\" is not installed in this database",
						EXTENSION_NAME),
				 errhint("Use CREATE EXTENSION synchdb CASCADE.")));
}
