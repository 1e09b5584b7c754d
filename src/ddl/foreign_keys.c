/*
 * foreign_keys.c --- foreign keys, with synchdb.replicate_indexes
 *
 * They are made NOT VALID: the source has checked them, and the rows of two
 * tables are copied at different moments.  Like an index of ours, a foreign
 * key of ours is known by its comment.  One whose other table is not here
 * (yet) is left out; it comes when that table does.
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "ddl/ddl_internal.h"
#include "guc.h"

#define COMMENT_START	"synchdb: foreign key "

static const char *const actions[] = {
	[FOREIGN_KEY_NO_ACTION] = "NO ACTION",
	[FOREIGN_KEY_RESTRICT] = "RESTRICT",
	[FOREIGN_KEY_CASCADE] = "CASCADE",
	[FOREIGN_KEY_SET_NULL] = "SET NULL",
	[FOREIGN_KEY_SET_DEFAULT] = "SET DEFAULT",
};

static void create_foreign_key(const SourceTable *table,
							   const TargetTable *target, Oid relid,
							   const SourceForeignKey *key);
static TargetTable *referenced_target(const SourceForeignKey *key);
static char *choose_name(const TargetTable *target, Oid relid,
						 const SourceForeignKey *key);
static char *comment_literal(const SourceForeignKey *key);
static bool same_key(const SourceForeignKey *before,
					 const SourceForeignKey *after, const int *origins);

void
sdb_ddl_create_foreign_keys(const SourceTable *table)
{
	TargetTable *target;
	char		relkind;
	Oid			relid;

	if (!sdb_guc_replicate_indexes || table->nforeign_keys == 0)
		return;
	target = sdb_naming_target(table);
	relid = sdb_ddl_find(target, &relkind);
	if (!OidIsValid(relid) || !sdb_ddl_is_table(relkind))
		return;
	for (int i = 0; i < table->nforeign_keys; i++)
	{
		const SourceForeignKey *key = &table->foreign_keys[i];

		if (!sdb_ddl_finds(psprintf("SELECT FROM pg_catalog.pg_constraint"
									" WHERE conrelid = %u AND contype = 'f'"
									" AND pg_catalog.obj_description(oid, 'pg_constraint') = %s",
									relid, comment_literal(key))))
			create_foreign_key(table, target, relid, key);
	}
}

void
sdb_ddl_drop_foreign_keys(const SchemaChange *change, Oid relid)
{
	const SourceTable *before = change->before;

	for (int i = 0; i < before->nforeign_keys; i++)
	{
		const SourceForeignKey *key = &before->foreign_keys[i];
		const SourceForeignKey *after =
			sdb_table_find_foreign_key(change->after, key->name);

		if (after == NULL || !same_key(key, after, change->origins))
			sdb_ddl_run_each(psprintf("SELECT pg_catalog.format('ALTER TABLE %%s DROP CONSTRAINT %%I',"
									  " conrelid::pg_catalog.regclass, conname)"
									  " FROM pg_catalog.pg_constraint"
									  " WHERE conrelid = %u AND contype = 'f'"
									  " AND pg_catalog.obj_description(oid, 'pg_constraint') = %s",
									  relid, comment_literal(key)));
	}
}

void
sdb_ddl_release_references(Oid relid)
{
	sdb_ddl_run_each(psprintf("SELECT pg_catalog.format('ALTER TABLE %%s DROP CONSTRAINT %%I',"
							  " conrelid::pg_catalog.regclass, conname)"
							  " FROM pg_catalog.pg_constraint"
							  " WHERE confrelid = %u AND conrelid <> %u"
							  " AND contype = 'f' AND conparentid = 0"
							  " AND pg_catalog.starts_with("
							  "pg_catalog.obj_description(oid, 'pg_constraint'), %s)",
							  relid, relid,
							  quote_literal_cstr(COMMENT_START)));
}

static void
create_foreign_key(const SourceTable *table, const TargetTable *target,
				   Oid relid, const SourceForeignKey *key)
{
	TargetTable *referenced = referenced_target(key);
	char	   *name = choose_name(target, relid, key);
	StringInfoData sql;
	ErrorData  *error;
	char		relkind;

	if (!OidIsValid(sdb_ddl_find(referenced, &relkind)))
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY",
					 sdb_ddl_name(target), quote_identifier(name));
	for (int i = 0; i < key->ncolumns; i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? " (" : ", ",
						 quote_identifier(target->columns[key->columns[i]]));
	appendStringInfo(&sql, ") REFERENCES %s", sdb_ddl_name(referenced));
	for (int i = 0; i < key->ncolumns; i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? " (" : ", ",
						 quote_identifier(referenced->columns[i]));
	appendStringInfo(&sql, ") ON DELETE %s ON UPDATE %s NOT VALID;"
					 " COMMENT ON CONSTRAINT %s ON %s IS %s",
					 actions[key->on_delete], actions[key->on_update],
					 quote_identifier(name), sdb_ddl_name(target),
					 comment_literal(key));
	error = sdb_ddl_attempt_sql(sql.data);
	if (error == NULL)
		return;
	if (!sdb_ddl_is_refusal(error))
		ReThrowError(error);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("foreign key \"%s\" of source table \"%s\" is left out: %s",
					key->name, table->id, error->message)));
}

/* Names of the other table and of the columns there. */
static TargetTable *
referenced_target(const SourceForeignKey *key)
{
	SourceTable table = {
		.catalog = key->catalog, .schema = key->schema, .name = key->table
	};

	table.id = sdb_table_make_id(key->catalog, key->schema, key->table);
	table.ncolumns = key->ncolumns;
	table.columns = palloc0(key->ncolumns * sizeof(SourceColumn));
	for (int i = 0; i < key->ncolumns; i++)
		table.columns[i].name = key->referenced[i];
	return sdb_naming_target(&table);
}

/* The source's name if it can be. */
static char *
choose_name(const TargetTable *target, Oid relid, const SourceForeignKey *key)
{
	if (strlen(key->name) < NAMEDATALEN &&
		!ConstraintNameIsUsed(CONSTRAINT_RELATION, relid, key->name))
		return key->name;
	return ChooseConstraintName(target->name, key->name, "fkey",
								get_rel_namespace(relid), NIL);
}

static char *
comment_literal(const SourceForeignKey *key)
{
	return quote_literal_cstr(psprintf(COMMENT_START "%s", key->name));
}

static bool
same_key(const SourceForeignKey *before, const SourceForeignKey *after,
		 const int *origins)
{
	char	   *old_id = sdb_table_make_id(before->catalog, before->schema,
										   before->table);
	char	   *new_id = sdb_table_make_id(after->catalog, after->schema,
										   after->table);

	if (strcmp(old_id, new_id) != 0 ||
		before->ncolumns != after->ncolumns ||
		before->on_delete != after->on_delete ||
		before->on_update != after->on_update)
		return false;
	for (int i = 0; i < after->ncolumns; i++)
	{
		if (origins[after->columns[i]] != before->columns[i] ||
			strcmp(before->referenced[i], after->referenced[i]) != 0)
			return false;
	}
	return true;
}
