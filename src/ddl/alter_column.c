/*
 * alter_column.c --- one column follows its source's new definition
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "convert/objmap.h"
#include "convert/typemap.h"
#include "ddl/ddl_internal.h"

/* ColumnChange --- a column that was there and is there */
typedef struct ColumnChange
{
	const SourceColumn *before;
	const SourceColumn *after;
	const char *name;			/* here, quoted */
	FormData_pg_attribute att;	/* as it is here */
	ColumnType	type;			/* that it shall have */
	bool		type_changes;
	bool		becomes_not_null;
} ColumnChange;

static void number_rows(Alteration *alteration, const char *name,
						const char *type);
static bool read_attribute(Oid relid, const char *name,
						   FormData_pg_attribute *att);
static void alter_type(Alteration *alteration, ColumnChange *change);
static char *type_using(Alteration *alteration, const ColumnChange *change);
static void alter_null(Alteration *alteration, ColumnChange *change,
					   bool is_key);
static bool source_may_choose(const Alteration *alteration,
							  const ColumnChange *change);
static bool has_generated(const SourceTable *table);
static void alter_default(Alteration *alteration, const ColumnChange *change,
						  int idx0);
static void alter_identity(Alteration *alteration,
						   const ColumnChange *change, int idx0);
static void add_identity(Alteration *alteration, const ColumnChange *change);
static bool is_transformed(const SourceTable *table,
						   const SourceColumn *column);
static bool same_default(const SourceColumn *a, const SourceColumn *b);
static bool is_key(const SourceTable *table, int idx0);
static bool is_type(const ColumnType *type, Oid oid, int32 typmod);
static char *type_sql(const ColumnType *type);
static void add_later(Alteration *alteration, char *clause);

void
sdb_ddl_add_column(Alteration *alteration, int idx0)
{
	const SourceColumn *column = &alteration->after->columns[idx0];
	const TargetTable *target = alteration->target;
	const char *name = quote_identifier(target->columns[idx0]);
	char	   *type_text;
	ColumnType	type;
	char	   *value;
	char	   *fill;
	bool		known = true;
	bool		not_null;

	if (get_attnum(alteration->relid, target->columns[idx0]) !=
		InvalidAttrNumber)
	{
		ereport(WARNING,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column \"%s\" of table \"%s.%s\" exists already",
						target->columns[idx0], target->schema, target->name),
				 errdetail("Source table \"%s\" was given that column. The rows here keep what they hold in it.",
						   alteration->after->id)));
		return;
	}

	type_text = sdb_typemap_column(alteration->types, alteration->after,
								   column);
	sdb_ddl_column_type(alteration->types, alteration->after, column, &type);
	value = sdb_ddl_default(alteration->after, idx0, &type);
	if (!alteration->has_rows)
		fill = value;
	else if (column->identity && !type.serial)
	{
		number_rows(alteration, name, type_text);
		return;
	}
	else
		fill = sdb_ddl_fill(alteration->after, idx0, &type, &known);
	if (type.serial)
		fill = NULL;			/* the sequence fills it */
	alteration->known &= known &&
		(fill == NULL || !is_transformed(alteration->after, column));
	not_null = column->not_null &&
		(fill != NULL || type.serial || !alteration->has_rows);

	sdb_ddl_add_clause(alteration, "ADD COLUMN %s %s%s%s%s", name, type_text,
					   not_null ? " NOT NULL" : "",
					   fill != NULL ? " DEFAULT " : "",
					   fill != NULL ? fill : "");
	if (value != NULL && (fill == NULL || strcmp(fill, value) != 0))
		add_later(alteration, psprintf("ALTER COLUMN %s SET DEFAULT %s",
									   name, value));
	else if (value == NULL && fill != NULL)
		add_later(alteration, psprintf("ALTER COLUMN %s DROP DEFAULT", name));
}

void
sdb_ddl_alter_column(Alteration *alteration, int idx0)
{
	const char *name = alteration->target->columns[idx0];
	ColumnChange change = {0};

	if (!read_attribute(alteration->relid, name, &change.att))
		return;
	change.before = &alteration->before->columns[alteration->origins[idx0]];
	change.after = &alteration->after->columns[idx0];
	change.name = quote_identifier(name);
	change.becomes_not_null = !change.before->not_null &&
		change.after->not_null;
	sdb_ddl_column_type(alteration->types, alteration->after, change.after,
						&change.type);

	alter_type(alteration, &change);
	alter_null(alteration, &change, is_key(alteration->after, idx0));
	alter_default(alteration, &change, idx0);
	alter_identity(alteration, &change, idx0);
	if (change.after->generated && !change.before->generated)
		alteration->known = false;
}

/*
 * The source numbered its rows in an order of its own, in a column whose type
 * here has no sequence.  Numbers they must have, since they may be the key.
 */
static void
number_rows(Alteration *alteration, const char *name, const char *type)
{
	const char *sequence =
		quote_qualified_identifier(alteration->target->schema,
								   psprintf(PASSING_NAME, alteration->relid));

	sdb_ddl_run(psprintf("CREATE SEQUENCE %s", sequence));
	sdb_ddl_add_clause(alteration,
					   "ADD COLUMN %s %s NOT NULL DEFAULT pg_catalog.nextval(%s)",
					   name, type, quote_literal_cstr(sequence));
	add_later(alteration, psprintf("ALTER COLUMN %s DROP DEFAULT", name));
	alteration->later = lappend(alteration->later,
								psprintf("DROP SEQUENCE %s", sequence));
	alteration->known = false;
}

/* False if there is no such column. */
static bool
read_attribute(Oid relid, const char *name, FormData_pg_attribute *att)
{
	HeapTuple	tuple = SearchSysCacheAttName(relid, name);

	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(att, GETSTRUCT(tuple), ATTRIBUTE_FIXED_PART_SIZE);
	ReleaseSysCache(tuple);
	return true;
}

static void
alter_type(Alteration *alteration, ColumnChange *change)
{
	const FormData_pg_attribute *att = &change->att;
	ColumnType	previous;

	sdb_ddl_column_type(alteration->types, alteration->before, change->before,
						&previous);
	if (!sdb_ddl_changes_values(change->before, change->after) &&
		(is_type(&change->type, previous.oid, previous.typmod) ||
		 is_type(&change->type, att->atttypid, att->atttypmod)))
		return;
	if (!is_type(&previous, att->atttypid, att->atttypmod))
	{
		ereport(WARNING,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s.%s\" stays of type %s although its source column has changed",
						NameStr(att->attname), alteration->target->schema,
						alteration->target->name,
						format_type_with_typemod(att->atttypid,
												 att->atttypmod)),
				 errdetail("Its type was not the one that the source column had, %s.",
						   format_type_with_typemod(previous.oid,
													previous.typmod))));
		change->type.oid = att->atttypid;
		change->type.typmod = att->atttypmod;
		return;
	}
	change->type_changes = true;
	sdb_ddl_add_clause(alteration, "ALTER COLUMN %s TYPE %s USING %s",
					   change->name, type_sql(&change->type),
					   type_using(alteration, change));
}

static char *
type_using(Alteration *alteration, const ColumnChange *change)
{
	const FormData_pg_attribute *att = &change->att;
	ColumnType	from = {att->atttypid, att->atttypmod, false};
	TypeChange	types = {change->before, change->after, &from, &change->type};
	char	   *zero = NULL;
	char	   *using;
	char	   *doubt;

	if (!alteration->has_rows)
		return pstrdup("NULL");
	types.cuts_fractions = alteration->cuts_fractions;
	using = sdb_ddl_type_using(&types, change->name, &doubt);
	if (using == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CANNOT_COERCE),
				 errmsg("cannot change column \"%s\" of table \"%s.%s\" from type %s to type %s",
						NameStr(att->attname), alteration->target->schema,
						alteration->target->name,
						format_type_with_typemod(from.oid, from.typmod),
						format_type_with_typemod(change->type.oid,
												 change->type.typmod)),
				 errdetail("No conversion is known that keeps the values as the source does."),
				 errhint("Change the column with ALTER TABLE ... TYPE ... USING and an expression of yours, and start the connector again.")));
	if (is_transformed(alteration->after, change->after) ||
		(doubt != NULL &&
		 sdb_ddl_finds(psprintf("SELECT FROM %s WHERE %s LIMIT 1",
								sdb_ddl_name(alteration->target), doubt))))
		alteration->known = false;
	if (change->after->not_null)
		zero = sdb_ddl_zero(change->after, &change->type);
	return zero == NULL ? using : psprintf("coalesce(%s, %s)", using, zero);
}

/*
 * The source has no NULLs where it says NOT NULL; but some values of it are
 * NULL here, such as dates that name no day, as far as NULL may be.
 */
static void
alter_null(Alteration *alteration, ColumnChange *change, bool is_key)
{
	const FormData_pg_attribute *att = &change->att;
	bool		becomes_null = change->before->not_null &&
		!change->after->not_null;
	char	   *zero;

	if (change->becomes_not_null && !att->attnotnull)
	{
		zero = sdb_ddl_zero(change->after, &change->type);
		if (alteration->has_rows &&
			source_may_choose(alteration, change) &&
			sdb_ddl_finds(psprintf("SELECT FROM %s WHERE %s IS NULL LIMIT 1",
								   sdb_ddl_name(alteration->target),
								   change->name)))
			alteration->known = false;
		if (alteration->has_rows && !change->type_changes && zero != NULL)
			sdb_ddl_run_on_rows(alteration->target,
								psprintf("UPDATE %s SET %s = %s WHERE %s IS NULL",
										 sdb_ddl_name(alteration->target),
										 change->name, zero, change->name));
		sdb_ddl_add_clause(alteration, "ALTER COLUMN %s SET NOT NULL",
						   change->name);
	}
	/* NULL stands for a date that names no day, and another day until now */
	if (becomes_null && alteration->has_rows &&
		sdb_ddl_may_lose_date(change->before))
	{
		ColumnType	previous = {att->atttypid, att->atttypmod, false};

		zero = sdb_ddl_zero(change->before, &previous);
		if (zero != NULL &&
			sdb_ddl_finds(psprintf("SELECT FROM %s WHERE %s = %s LIMIT 1",
								   sdb_ddl_name(alteration->target),
								   change->name, zero)))
			alteration->known = false;
	}
	/* of columns of a key that users made, NOT NULL is theirs */
	if (becomes_null && att->attnotnull && !is_key &&
		alteration->key_is_ours)
		sdb_ddl_add_clause(alteration, "ALTER COLUMN %s DROP NOT NULL",
						   change->name);
}

/*
 * What the source puts where NULL was is not always a zero: MariaDB puts its
 * time where an instant was, and the default that the column had if it changes
 * the table in place.  What is generated from that is generated anew.
 */
static bool
source_may_choose(const Alteration *alteration, const ColumnChange *change)
{
	return change->after->kind == VALUE_TIMESTAMPTZ ||
		change->before->default_kind != DEFAULT_NONE ||
		has_generated(alteration->after);
}

static bool
has_generated(const SourceTable *table)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (table->columns[i].generated)
			return true;
	}
	return false;
}

/* A default that users have set where the source has none stays. */
static void
alter_default(Alteration *alteration, const ColumnChange *change, int idx0)
{
	const SourceColumn *before = change->before;
	char	   *value;

	if (change->att.attgenerated != '\0' ||
		(same_default(before, change->after) && !change->type_changes))
		return;
	value = sdb_ddl_default(alteration->after, idx0, &change->type);
	if (change->att.atthasdef && before->default_kind != DEFAULT_NONE &&
		(change->type_changes || value == NULL))
		sdb_ddl_add_clause(alteration, "ALTER COLUMN %s DROP DEFAULT",
						   change->name);
	if (value != NULL)
		sdb_ddl_add_clause(alteration, "ALTER COLUMN %s SET DEFAULT %s",
						   change->name, value);
}

static void
alter_identity(Alteration *alteration, const ColumnChange *change, int idx0)
{
	bool		was = change->before->identity;
	bool		is = change->after->identity;
	ColumnType	bigint = {INT8OID, -1, false};
	char	   *sequence;

	if (!was && !is)
		return;
	sequence = sdb_ddl_sequence(alteration->target,
								alteration->target->columns[idx0]);
	if (is && sequence == NULL && change->type.serial)
		add_identity(alteration, change);
	if (sequence == NULL)
		return;
	if (!is && change->att.attidentity != '\0')
		sdb_ddl_add_clause(alteration, "ALTER COLUMN %s DROP IDENTITY",
						   change->name);
	else if (!is)
	{
		sdb_ddl_add_clause(alteration, "ALTER COLUMN %s DROP DEFAULT",
						   change->name);
		alteration->later = lappend(alteration->later,
									psprintf("DROP SEQUENCE %s", sequence));
	}
	else if (change->type_changes)
		alteration->later =
			lappend(alteration->later,
					psprintf("ALTER SEQUENCE %s AS %s", sequence,
							 type_sql(change->type.serial ? &change->type :
									  &bigint)));
}

/* PostgreSQL names and owns the sequence. */
static void
add_identity(Alteration *alteration, const ColumnChange *change)
{
	if (!change->after->not_null || change->att.attgenerated != '\0')
		return;
	if (change->att.atthasdef)
		sdb_ddl_add_clause(alteration, "ALTER COLUMN %s DROP DEFAULT",
						   change->name);
	sdb_ddl_add_clause(alteration,
					   "ALTER COLUMN %s ADD GENERATED BY DEFAULT AS IDENTITY",
					   change->name);
	alteration->new_sequence = true;
}

/* By a rule of the user's: then its values here are not the source's. */
static bool
is_transformed(const SourceTable *table, const SourceColumn *column)
{
	return sdb_objmap_column(RULE_TRANSFORM, table, column) != NULL;
}

static bool
same_default(const SourceColumn *a, const SourceColumn *b)
{
	return a->default_kind == b->default_kind &&
		a->identity == b->identity && a->generated == b->generated &&
		(a->default_kind != DEFAULT_CONSTANT ||
		 strcmp(a->default_value, b->default_value) == 0);
}

static bool
is_key(const SourceTable *table, int idx0)
{
	for (int i = 0; i < table->nkeys; i++)
	{
		if (table->keys[i] == idx0)
			return true;
	}
	return false;
}

static bool
is_type(const ColumnType *type, Oid oid, int32 typmod)
{
	return type->oid == oid && type->typmod == typmod;
}

static char *
type_sql(const ColumnType *type)
{
	return format_type_extended(type->oid, type->typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN |
								FORMAT_TYPE_FORCE_QUALIFY);
}

static void
add_later(Alteration *alteration, char *clause)
{
	alteration->later =
		lappend(alteration->later,
				psprintf("ALTER TABLE %s %s",
						 sdb_ddl_name(alteration->target), clause));
}
