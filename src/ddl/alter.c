/*
 * alter.c --- a target follows its source table's new definition
 *
 * In this order, since each step needs the names that the one before left:
 *
 *	1. The table gets its new name and schema.
 *	2. Columns that are gone at the source are dropped.
 *	3. Columns are renamed; names that move in a circle by way of a name of
 *	   ours.
 *	4. One ALTER TABLE does the rest: new columns, types, NOT NULL, defaults,
 *	   the primary key.  So rows are written anew at most once.
 *	5. What could not be said in it follows: defaults that are not those that
 *	   rows got, sequences, comments.
 *
 * Only what changed at the source is changed here, so what users have made of
 * their table stays: columns of their own, a type or a primary key that they
 * replaced.  PostgreSQL cannot put columns in another order; they are found by
 * name.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "nodes/bitmapset.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "ddl/ddl_internal.h"

static Oid	find_target(const SchemaChange *change, const TargetTable *old,
						const TargetTable *target, char *relkind);
static void init_alteration(Alteration *alteration,
							const SchemaChange *change,
							const TargetTable *old, Oid relid);
static Bitmapset *key_columns(Oid relid, Oid *constraint);
static void drop_columns(Alteration *alteration, const TargetTable *old);
static bool survives(const Alteration *alteration, int idx0);
static void rename_columns(Alteration *alteration, const TargetTable *old);
static void rename_column(const TargetTable *target, const char *name,
						  const char *new_name);
static void alter_key(Alteration *alteration);
static bool same_key(const Alteration *alteration);
static Bitmapset *wanted_key(const Alteration *alteration);
static void keep_relation(const SourceTable *table,
						  const TargetTable *target);

bool
sdb_ddl_alter_table(const SchemaChange *change, const SourceType *types)
{
	TargetTable *old = sdb_naming_target(change->before);
	TargetTable *target = sdb_naming_target(change->after);
	Alteration	alteration = {.types = types, .target = target};
	char		relkind;
	Oid			relid = find_target(change, old, target, &relkind);
	ListCell   *cell;

	LockRelationOid(relid, AccessExclusiveLock);
	sdb_ddl_move_table(old, target, relid);
	if (!sdb_ddl_is_table(relkind))
	{
		keep_relation(change->after, target);
		return true;
	}

	init_alteration(&alteration, change, old, relid);
	sdb_ddl_drop_foreign_keys(change, relid);
	sdb_ddl_drop_indexes(change, relid);
	drop_columns(&alteration, old);
	rename_columns(&alteration, old);
	alter_key(&alteration);
	for (int i = 0; i < change->after->ncolumns; i++)
	{
		if (change->origins[i] < 0)
			sdb_ddl_add_column(&alteration, i);
		else
			sdb_ddl_alter_column(&alteration, i);
	}
	if (alteration.clauses.len > 0)
		sdb_ddl_run_on_rows(target, psprintf("ALTER TABLE %s %s",
											 sdb_ddl_name(target),
											 alteration.clauses.data));
	foreach(cell, alteration.later)
		sdb_ddl_run_on_rows(target, lfirst(cell));
	sdb_ddl_set_comments(change->after, target, change->before,
						 change->origins);
	sdb_ddl_check_columns(change->after, target);
	sdb_ddl_create_plain_indexes(change->after, target);
	sdb_ddl_create_unique_indexes(change->after, target);
	if (alteration.new_sequence)
		sdb_ddl_set_identity(change->after, target);
	return alteration.known || !alteration.has_rows;
}

void
sdb_ddl_add_clause(Alteration *alteration, const char *format,...)
{
	StringInfo	buf = &alteration->clauses;
	int			needed = 0;

	if (buf->len > 0)
		appendStringInfoString(buf, ", ");
	do
	{
		va_list		args;

		if (needed > 0)
			enlargeStringInfo(buf, needed);
		va_start(args, format);
		needed = appendStringInfoVA(buf, format, args);
		va_end(args);
	} while (needed > 0);
}

/* Somebody may have given it its new name already. */
static Oid
find_target(const SchemaChange *change, const TargetTable *old,
			const TargetTable *target, char *relkind)
{
	Oid			relid = sdb_ddl_find(old, relkind);

	if (!OidIsValid(relid))
		relid = sdb_ddl_find(target, relkind);
	if (OidIsValid(relid))
		return relid;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("table \"%s.%s\" does not exist", old->schema, old->name),
			 errdetail("It is the target of source table \"%s\", which was altered.",
					   change->before->id),
			 errhint("Create it again with its columns, or take the table out of the connector.")));
}

static void
init_alteration(Alteration *alteration, const SchemaChange *change,
				const TargetTable *old, Oid relid)
{
	const SourceTable *before = change->before;
	Bitmapset  *key = NULL;
	Oid			constraint;

	alteration->before = before;
	alteration->after = change->after;
	alteration->origins = change->origins;
	alteration->cuts_fractions = change->cuts_fractions;
	alteration->relid = relid;
	alteration->has_rows =
		sdb_ddl_finds(psprintf("SELECT FROM %s LIMIT 1",
							   sdb_ddl_name(alteration->target)));
	alteration->attnums = palloc(before->ncolumns * sizeof(AttrNumber));
	for (int i = 0; i < before->ncolumns; i++)
		alteration->attnums[i] = get_attnum(relid, old->columns[i]);
	for (int i = 0; i < before->nkeys; i++)
		key = bms_add_member(key, alteration->attnums[before->keys[i]] -
							 FirstLowInvalidHeapAttributeNumber);
	alteration->key_is_ours = bms_equal(key, key_columns(relid, &constraint));
	initStringInfo(&alteration->clauses);
	alteration->known = true;
}

/*
 * The columns of the primary key here, as attnum -
 * FirstLowInvalidHeapAttributeNumber.
 */
static Bitmapset *
key_columns(Oid relid, Oid *constraint)
{
	return get_primary_key_attnos(relid, false, constraint);
}

static void
drop_columns(Alteration *alteration, const TargetTable *old)
{
	StringInfoData clauses;

	initStringInfo(&clauses);
	for (int i = 0; i < alteration->before->ncolumns; i++)
	{
		if (survives(alteration, i) ||
			alteration->attnums[i] == InvalidAttrNumber)
			continue;
		appendStringInfo(&clauses, "%s DROP COLUMN %s",
						 clauses.len > 0 ? "," : "",
						 quote_identifier(old->columns[i]));
	}
	if (clauses.len > 0)
		sdb_ddl_run_on_rows(alteration->target,
							psprintf("ALTER TABLE %s%s",
									 sdb_ddl_name(alteration->target),
									 clauses.data));
}

/* Is a column of before among those of after? */
static bool
survives(const Alteration *alteration, int idx0)
{
	for (int i = 0; i < alteration->after->ncolumns; i++)
	{
		if (alteration->origins[i] == idx0)
			return true;
	}
	return false;
}

/* First those away whose name another column is to get. */
static void
rename_columns(Alteration *alteration, const TargetTable *old)
{
	const TargetTable *target = alteration->target;
	int			ncolumns = alteration->after->ncolumns;
	const char **names = palloc0(ncolumns * sizeof(char *));

	for (int i = 0; i < ncolumns; i++)
	{
		int			origin = alteration->origins[i];

		if (origin < 0 || alteration->attnums[origin] == InvalidAttrNumber ||
			strcmp(old->columns[origin], target->columns[i]) == 0)
			continue;
		names[i] = old->columns[origin];
		for (int j = 0; j < ncolumns; j++)
		{
			if (j == i || strcmp(names[i], target->columns[j]) != 0)
				continue;
			names[i] = psprintf(PASSING_NAME, (uint32) i);
			rename_column(target, old->columns[origin], names[i]);
		}
	}
	for (int i = 0; i < ncolumns; i++)
	{
		if (names[i] != NULL)
			rename_column(target, names[i], target->columns[i]);
	}
}

static void
rename_column(const TargetTable *target, const char *name,
			  const char *new_name)
{
	sdb_ddl_run_on_rows(target,
						psprintf("ALTER TABLE %s RENAME COLUMN %s TO %s",
								 sdb_ddl_name(target), quote_identifier(name),
								 quote_identifier(new_name)));
}

/*
 * The primary key follows if it was the source's before.  One that users have
 * put in its place stays, unless it is what the source has now.
 */
static void
alter_key(Alteration *alteration)
{
	const TargetTable *target = alteration->target;
	Oid			constraint;
	Bitmapset  *key;

	if (same_key(alteration))
		return;
	key = key_columns(alteration->relid, &constraint);
	if (!alteration->key_is_ours)
	{
		if (!bms_equal(key, wanted_key(alteration)))
			ereport(WARNING,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the primary key of table \"%s.%s\" stays as it is although that of source table \"%s\" has changed",
							target->schema, target->name,
							alteration->after->id),
					 errdetail("It was not the source's before.")));
		return;
	}

	if (OidIsValid(constraint))
		sdb_ddl_add_clause(alteration, "DROP CONSTRAINT %s",
						   quote_identifier(get_constraint_name(constraint)));
	if (alteration->after->nkeys > 0)
	{
		StringInfoData definition;

		initStringInfo(&definition);
		sdb_ddl_append_key(&definition, alteration->after, target);
		sdb_ddl_add_clause(alteration, "ADD %s", definition.data);
	}
}

static bool
same_key(const Alteration *alteration)
{
	const SourceTable *before = alteration->before;
	const SourceTable *after = alteration->after;

	if (before->nkeys != after->nkeys)
		return false;
	for (int i = 0; i < after->nkeys; i++)
	{
		if (alteration->origins[after->keys[i]] != before->keys[i])
			return false;
	}
	return true;
}

static Bitmapset *
wanted_key(const Alteration *alteration)
{
	const SourceTable *after = alteration->after;
	Bitmapset  *key = NULL;

	for (int i = 0; i < after->nkeys; i++)
	{
		const char *name = alteration->target->columns[after->keys[i]];

		key = bms_add_member(key, get_attnum(alteration->relid, name) -
							 FirstLowInvalidHeapAttributeNumber);
	}
	return key;
}

/* Views and foreign tables are not ours to alter. */
static void
keep_relation(const SourceTable *table, const TargetTable *target)
{
	sdb_ddl_check_columns(table, target);
	ereport(WARNING,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s.%s\" stays as it is although its source table was altered",
					target->schema, target->name),
			 errdetail("It is a view or a foreign table.")));
}
