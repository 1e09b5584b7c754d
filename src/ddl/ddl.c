/*
 * ddl.c --- targets found, emptied and dropped, and the schema changes sorted
 *
 * Creating is in create.c, altering in alter.c.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "ddl/ddl_internal.h"

static void create_table(const SourceTable *table, const SourceType *types);
static void drop_table(const TargetTable *target);

void
sdb_ddl_truncate(const TargetTable *target)
{
	const char *name = sdb_ddl_name(target);

	if (sdb_ddl_finds(psprintf("SELECT FROM pg_catalog.pg_constraint"
							   " WHERE contype = 'f' AND conrelid <> confrelid"
							   " AND confrelid = %s::pg_catalog.regclass",
							   quote_literal_cstr(name))))
		sdb_ddl_run(psprintf("DELETE FROM %s", name));
	else
		sdb_ddl_run(psprintf("TRUNCATE TABLE %s", name));
}

bool
sdb_ddl_apply(const SchemaChange *change, const SourceType *types)
{
	bool		known = true;

	switch (change->kind)
	{
		case SCHEMA_CREATE_TABLE:
			create_table(change->after, types);
			break;
		case SCHEMA_ALTER_TABLE:
			known = sdb_ddl_alter_table(change, types);
			break;
		case SCHEMA_DROP_TABLE:
			drop_table(sdb_naming_target(change->before));
			break;
	}
	return known && !change->incomplete;
}

Oid
sdb_ddl_find(const TargetTable *target, char *relkind)
{
	Oid			namespace = get_namespace_oid(target->schema, true);
	Oid			relid;

	if (!OidIsValid(namespace))
		return InvalidOid;
	relid = get_relname_relid(target->name, namespace);
	if (!OidIsValid(relid))
		return InvalidOid;

	*relkind = get_rel_relkind(relid);
	if (*relkind != RELKIND_RELATION &&
		*relkind != RELKIND_PARTITIONED_TABLE &&
		*relkind != RELKIND_FOREIGN_TABLE &&
		*relkind != RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s.%s\" cannot be a target: it is not a table",
						target->schema, target->name),
				 errhint("Rename it, or leave the source table out.")));
	return relid;
}

bool
sdb_ddl_is_table(char relkind)
{
	return relkind == RELKIND_RELATION ||
		relkind == RELKIND_PARTITIONED_TABLE;
}

void
sdb_ddl_check_columns(const SourceTable *table, const TargetTable *target)
{
	char		relkind;
	Oid			relid = sdb_ddl_find(target, &relkind);

	for (int i = 0; i < table->ncolumns; i++)
	{
		if (get_attnum(relid, target->columns[i]) == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table \"%s.%s\" exists without column \"%s\"",
							target->schema, target->name, target->columns[i]),
					 errdetail("Source table \"%s\" has that column.",
							   table->id),
					 errhint("Add the column, or drop or rename the table.")));
	}
}

static void
create_table(const SourceTable *table, const SourceType *types)
{
	TargetTable *target = sdb_naming_target(table);

	sdb_ddl_create_schema(target->schema);
	if (!OidIsValid(sdb_ddl_create_table(table, target, types, KEY_NOW)))
		sdb_ddl_check_columns(table, target);
}

/* Other kinds of relations are not ours to drop. */
static void
drop_table(const TargetTable *target)
{
	char		relkind;
	Oid			relid = sdb_ddl_find(target, &relkind);

	if (!OidIsValid(relid))
		return;
	if (!sdb_ddl_is_table(relkind))
	{
		ereport(WARNING,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s.%s\" stays although its source table was dropped",
						target->schema, target->name),
				 errdetail("It is a view or a foreign table.")));
		return;
	}
	sdb_ddl_release_references(relid);
	sdb_ddl_run_on_rows(target, psprintf("DROP TABLE %s",
										 sdb_ddl_name(target)));
}
