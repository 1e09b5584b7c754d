/*
 * move.c --- a target gets another name or schema
 *
 * Its indexes and sequences move to the schema with it, where their names may
 * be taken: then they get others first.  A primary key that is named after
 * its table goes on being so.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "ddl/ddl_internal.h"

static bool key_bears_name(Oid relid, const char *name, Oid *constraint);
static void move_to_schema(const TargetTable *old, const TargetTable *target,
						   Oid relid, const char *name);
static void free_names(const TargetTable *old, const TargetTable *target,
					   Oid relid);
static List *find_parts(Oid relid);
static void rename_relation(const TargetTable *target, const char *kind,
							const char *schema, const char *name,
							const char *new_name);

void
sdb_ddl_move_table(const TargetTable *old, const TargetTable *target,
				   Oid relid)
{
	const char *name = old->name;
	char		relkind;
	Oid			constraint;
	bool		rename_key;

	if (sdb_ddl_find(old, &relkind) != relid)
		return;
	rename_key = key_bears_name(relid, old->name, &constraint);
	if (strcmp(old->schema, target->schema) != 0)
	{
		sdb_ddl_create_schema(target->schema);
		/* neither schema may have the other's name free */
		if (strcmp(name, target->name) != 0)
		{
			name = psprintf(PASSING_NAME, relid);
			rename_relation(target, "TABLE", old->schema, old->name, name);
		}
		move_to_schema(old, target, relid, name);
	}
	if (strcmp(name, target->name) == 0)
		return;
	rename_relation(target, "TABLE", target->schema, name, target->name);
	if (rename_key)
	{
		Oid			namespace = get_rel_namespace(relid);

		rename_relation(target, "INDEX", target->schema,
						get_constraint_name(constraint),
						ChooseRelationName(target->name, NULL, "pkey",
										   namespace, true));
	}
}

/* Is the primary key called what PostgreSQL calls it? */
static bool
key_bears_name(Oid relid, const char *name, Oid *constraint)
{
	(void) get_primary_key_attnos(relid, false, constraint);
	return OidIsValid(*constraint) &&
		strcmp(get_constraint_name(*constraint),
			   makeObjectName(name, NULL, "pkey")) == 0;
}

static void
move_to_schema(const TargetTable *old, const TargetTable *target, Oid relid,
			   const char *name)
{
	free_names(old, target, relid);
	sdb_ddl_run_on_rows(target,
						psprintf("ALTER TABLE %s SET SCHEMA %s",
								 quote_qualified_identifier(old->schema, name),
								 quote_identifier(target->schema)));
}

/* What belongs to the table and has a name that the new schema has. */
static void
free_names(const TargetTable *old, const TargetTable *target, Oid relid)
{
	Oid			namespace = get_namespace_oid(target->schema, false);
	ListCell   *cell;

	foreach(cell, find_parts(relid))
	{
		Oid			part = lfirst_oid(cell);
		char	   *name = get_rel_name(part);

		if (OidIsValid(get_relname_relid(name, namespace)))
			rename_relation(target, get_rel_relkind(part) == RELKIND_SEQUENCE ?
							"SEQUENCE" : "INDEX", old->schema, name,
							ChooseRelationName(name, NULL, psprintf("%u", relid),
											   namespace, true));
	}
}

/* Oids of its indexes and sequences. */
static List *
find_parts(Oid relid)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *parts = NIL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(psprintf("SELECT indexrelid FROM pg_catalog.pg_index"
							 " WHERE indrelid = %u UNION"
							 " SELECT c.oid FROM pg_catalog.pg_depend"
							 " JOIN pg_catalog.pg_class c ON c.oid = objid"
							 " WHERE refobjid = %u AND relkind = 'S'"
							 " AND deptype IN ('a', 'i')"
							 " AND classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
							 " AND refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass",
							 relid, relid), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the indexes of relation %u", relid);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		part = SPI_getbinval(SPI_tuptable->vals[i],
										 SPI_tuptable->tupdesc, 1, &isnull);
		MemoryContext old = MemoryContextSwitchTo(context);

		parts = lappend_oid(parts, DatumGetObjectId(part));
		MemoryContextSwitchTo(old);
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return parts;
}

static void
rename_relation(const TargetTable *target, const char *kind,
				const char *schema, const char *name, const char *new_name)
{
	sdb_ddl_run_on_rows(target,
						psprintf("ALTER %s %s RENAME TO %s", kind,
								 quote_qualified_identifier(schema, name),
								 quote_identifier(new_name)));
}
