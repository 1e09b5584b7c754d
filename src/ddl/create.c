/*
 * create.c --- targets made and completed
 *
 * The primary key is left for PostgreSQL to name: <table>_pkey, cut to what
 * fits, and numbered if that name is taken.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "convert/typemap.h"
#include "ddl/ddl_internal.h"

static char *create_table_sql(const SourceTable *table,
							  const TargetTable *target,
							  const SourceType *types, KeyTime key_time);
static void set_defaults(const SourceTable *table, const TargetTable *target,
						 Oid relid);
static bool same_text(const char *a, const char *b);
static char *comment_literal(const char *comment);

void
sdb_ddl_create_schema(const char *schema)
{
	ErrorData  *error;

	if (OidIsValid(get_namespace_oid(schema, true)))
		return;

	/* somebody may be creating it at this moment */
	error = sdb_ddl_attempt_sql(psprintf("CREATE SCHEMA %s",
										 quote_identifier(schema)));
	if (error != NULL &&
		error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION &&
		error->sqlerrcode != ERRCODE_DUPLICATE_SCHEMA)
		ReThrowError(error);
}

Oid
sdb_ddl_create_table(const SourceTable *table, const TargetTable *target,
					 const SourceType *types, KeyTime key_time)
{
	char		relkind;
	Oid			relid;

	if (OidIsValid(sdb_ddl_find(target, &relkind)))
		return InvalidOid;

	sdb_ddl_run(create_table_sql(table, target, types, key_time));
	relid = sdb_ddl_find(target, &relkind);
	set_defaults(table, target, relid);
	sdb_ddl_set_comments(table, target, NULL, NULL);
	if (key_time == KEY_NOW)
	{
		sdb_ddl_create_plain_indexes(table, target);
		sdb_ddl_create_unique_indexes(table, target);
	}
	return relid;
}

void
sdb_ddl_create_key(const SourceTable *table, const TargetTable *target)
{
	StringInfoData sql;

	if (table->nkeys == 0)
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s ADD ", sdb_ddl_name(target));
	sdb_ddl_append_key(&sql, table, target);
	sdb_ddl_run(sql.data);
}

void
sdb_ddl_set_identity(const SourceTable *table, const TargetTable *target)
{
	const char *name = sdb_ddl_name(target);

	for (int i = 0; i < table->ncolumns; i++)
	{
		const char *column = target->columns[i];

		if (!table->columns[i].identity)
			continue;
		sdb_ddl_run(psprintf("SELECT pg_catalog.setval(sequence::pg_catalog.regclass,"
							 " least(top, " INT64_FORMAT ")::pg_catalog.int8)"
							 " FROM (SELECT pg_catalog.pg_get_serial_sequence(%s, %s)"
							 " AS sequence, pg_catalog.max(%s) AS top FROM %s) AS t"
							 " WHERE top >= 1",
							 PG_INT64_MAX, quote_literal_cstr(name),
							 quote_literal_cstr(column),
							 quote_identifier(column), name));
	}
}

void
sdb_ddl_set_comments(const SourceTable *table, const TargetTable *target,
					 const SourceTable *before, const int *origins)
{
	const char *name = sdb_ddl_name(target);

	if (!same_text(table->comment, before ? before->comment : NULL))
		sdb_ddl_run(psprintf("COMMENT ON TABLE %s IS %s", name,
							 comment_literal(table->comment)));
	for (int i = 0; i < table->ncolumns; i++)
	{
		const char *comment = table->columns[i].comment;
		const char *old_comment = origins == NULL || origins[i] < 0 ? NULL :
			before->columns[origins[i]].comment;

		if (!same_text(comment, old_comment))
			sdb_ddl_run(psprintf("COMMENT ON COLUMN %s.%s IS %s", name,
								 quote_identifier(target->columns[i]),
								 comment_literal(comment)));
	}
}

void
sdb_ddl_append_key(StringInfo buf, const SourceTable *table,
				   const TargetTable *target)
{
	appendStringInfoString(buf, "PRIMARY KEY (");
	for (int i = 0; i < table->nkeys; i++)
		appendStringInfo(buf, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(target->columns[table->keys[i]]));
	appendStringInfoChar(buf, ')');
}

static char *
create_table_sql(const SourceTable *table, const TargetTable *target,
				 const SourceType *types, KeyTime key_time)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", sdb_ddl_name(target));
	for (int i = 0; i < table->ncolumns; i++)
	{
		const SourceColumn *column = &table->columns[i];

		appendStringInfo(&sql, "%s%s %s%s", i > 0 ? ", " : "",
						 quote_identifier(target->columns[i]),
						 sdb_typemap_column(types, table, column),
						 column->not_null ? " NOT NULL" : "");
	}
	if (key_time == KEY_NOW && table->nkeys > 0)
	{
		appendStringInfoString(&sql, ", ");
		sdb_ddl_append_key(&sql, table, target);
	}
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

static void
set_defaults(const SourceTable *table, const TargetTable *target, Oid relid)
{
	Relation	relation = table_open(relid, NoLock);
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(relation));
	StringInfoData sql;
	const char *separator = " ";

	table_close(relation, NoLock);
	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s", sdb_ddl_name(target));
	for (int i = 0; i < table->ncolumns; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ColumnType	type = {att->atttypid, att->atttypmod, false};
		char	   *expression = sdb_ddl_default(table, i, &type);

		if (expression == NULL)
			continue;
		appendStringInfo(&sql, "%sALTER COLUMN %s SET DEFAULT %s", separator,
						 quote_identifier(target->columns[i]), expression);
		separator = ", ";
	}
	if (separator[0] == ',')
		sdb_ddl_run(sql.data);
}

static bool
same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static char *
comment_literal(const char *comment)
{
	return comment != NULL ? quote_literal_cstr(comment) : pstrdup("NULL");
}
