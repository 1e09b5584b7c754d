/*
 * ddl.c --- targets made, completed and dropped
 *
 * Statements are built as text and run through SPI as the current user.
 * Identifiers are quoted and qualified, constants are quoted literals.  Type
 * names are SQL text such as "character varying(20)": the caller runs with
 * search_path set to pg_catalog, so that no other type can stand in their way.
 *
 * A default is tried on the new column before it is set, in a subtransaction,
 * because the two databases do not agree on what is a value: one that the
 * column rejects is left out with a WARNING.  Rows from the source bring all
 * their values along, so only local inserts notice.
 *
 * The primary key is left for PostgreSQL to name: <table>_pkey, cut to what
 * fits, and numbered if that name is taken.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"

#include "convert/typemap.h"
#include "ddl/ddl.h"

/* DefaultNow --- "the time of the statement" by type of the column */
typedef struct DefaultNow
{
	Oid			type;
	const char *expression;
} DefaultNow;

/*
 * A DATETIME of a source is what the clock on the wall of the session shows,
 * and so is LOCALTIMESTAMP.
 */
static const DefaultNow default_now[] = {
	{TIMESTAMPTZOID, "CURRENT_TIMESTAMP"},
	{TIMESTAMPOID, "LOCALTIMESTAMP"},
	{DATEOID, "CURRENT_DATE"},
	{TIMEOID, "LOCALTIME"},
};

/* InputTrial --- a text and the type that may reject it */
typedef struct InputTrial
{
	Oid			type;
	int32		typmod;
	char	   *text;
} InputTrial;

static Oid	find_relation(const TargetTable *target, char *relkind);
static char *create_table_sql(const SourceTable *table,
							  const TargetTable *target,
							  const SourceType *types, KeyTime key_time);
static void set_defaults(const SourceTable *table, const TargetTable *target,
						 Oid relid);
static char *default_expression(const SourceTable *table, int idx0,
								Form_pg_attribute att);
static void set_comments(const SourceTable *table, const TargetTable *target);
static void check_columns(const SourceTable *table, const TargetTable *target);
static void drop_table(const TargetTable *target);
static void append_key(StringInfo buf, const SourceTable *table,
					   const TargetTable *target);
static const char *target_sql(const TargetTable *target);
static void run(const char *sql);
static ErrorData *attempt(void (*action) (void *arg), void *arg);
static void attempt_run(void *sql);
static void attempt_input(void *trial);

void
sdb_ddl_create_schema(const char *schema)
{
	ErrorData  *error;

	if (OidIsValid(get_namespace_oid(schema, true)))
		return;

	/* somebody may be creating it at this moment */
	error = attempt(attempt_run,
					psprintf("CREATE SCHEMA %s", quote_identifier(schema)));
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

	if (OidIsValid(find_relation(target, &relkind)))
		return InvalidOid;

	run(create_table_sql(table, target, types, key_time));
	relid = find_relation(target, &relkind);
	set_defaults(table, target, relid);
	set_comments(table, target);
	return relid;
}

void
sdb_ddl_create_key(const SourceTable *table, const TargetTable *target)
{
	StringInfoData sql;

	if (table->nkeys == 0)
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s ADD ", target_sql(target));
	append_key(&sql, table, target);
	run(sql.data);
}

void
sdb_ddl_set_identity(const SourceTable *table, const TargetTable *target)
{
	const char *name = target_sql(target);

	for (int i = 0; i < table->ncolumns; i++)
	{
		const char *column = target->columns[i];

		if (!table->columns[i].identity)
			continue;
		run(psprintf("SELECT pg_catalog.setval(sequence::pg_catalog.regclass,"
					 " least(top, " INT64_FORMAT ")::pg_catalog.int8)"
					 " FROM (SELECT pg_catalog.pg_get_serial_sequence(%s, %s)"
					 " AS sequence, pg_catalog.max(%s) AS top FROM %s) AS t"
					 " WHERE top >= 1",
					 PG_INT64_MAX, quote_literal_cstr(name),
					 quote_literal_cstr(column), quote_identifier(column),
					 name));
	}
}

void
sdb_ddl_truncate(const TargetTable *target)
{
	run(psprintf("TRUNCATE TABLE %s", target_sql(target)));
}

void
sdb_ddl_apply(const SchemaChange *change, const SourceType *types)
{
	TargetTable *target;

	switch (change->kind)
	{
		case SCHEMA_CREATE_TABLE:
			target = sdb_naming_target(change->after);
			sdb_ddl_create_schema(target->schema);
			if (!OidIsValid(sdb_ddl_create_table(change->after, target, types,
												 KEY_NOW)))
				check_columns(change->after, target);
			break;
		case SCHEMA_DROP_TABLE:
			drop_table(sdb_naming_target(change->before));
			break;
	}
}

/*
 * The target's Oid and relkind; InvalidOid if there is none.  What can hold no
 * rows (an index may well have a table's name) is an error.
 */
static Oid
find_relation(const TargetTable *target, char *relkind)
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

static char *
create_table_sql(const SourceTable *table, const TargetTable *target,
				 const SourceType *types, KeyTime key_time)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", target_sql(target));
	for (int i = 0; i < table->ncolumns; i++)
	{
		const SourceColumn *column = &table->columns[i];

		appendStringInfo(&sql, "%s%s %s%s", i > 0 ? ", " : "",
						 quote_identifier(target->columns[i]),
						 sdb_typemap_column(types, column),
						 column->not_null ? " NOT NULL" : "");
	}
	if (key_time == KEY_NOW && table->nkeys > 0)
	{
		appendStringInfoString(&sql, ", ");
		append_key(&sql, table, target);
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
	appendStringInfo(&sql, "ALTER TABLE %s", target_sql(target));
	for (int i = 0; i < table->ncolumns; i++)
	{
		char	   *expression = default_expression(table, i,
													TupleDescAttr(desc, i));

		if (expression == NULL)
			continue;
		appendStringInfo(&sql, "%sALTER COLUMN %s SET DEFAULT %s", separator,
						 quote_identifier(target->columns[i]), expression);
		separator = ", ";
	}
	if (separator[0] == ',')
		run(sql.data);
}

/* SQL of a column's default; NULL if there is none or the type rejects it. */
static char *
default_expression(const SourceTable *table, int idx0, Form_pg_attribute att)
{
	const SourceColumn *column = &table->columns[idx0];
	InputTrial	trial;
	ErrorData  *error;

	if (column->default_kind == DEFAULT_NOW)
	{
		for (int i = 0; i < lengthof(default_now); i++)
		{
			if (default_now[i].type == att->atttypid)
				return pstrdup(default_now[i].expression);
		}
	}
	if (column->default_kind != DEFAULT_CONSTANT || column->identity ||
		column->generated)
		return NULL;

	trial.type = att->atttypid;
	trial.typmod = att->atttypmod;
	trial.text = column->default_value;
	error = attempt(attempt_input, &trial);
	if (error == NULL)
		return quote_literal_cstr(column->default_value);
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
		ReThrowError(error);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("column \"%s\" of table \"%s\" is created without its default",
					column->name, table->id),
			 errdetail("Type %s rejects it: %s.",
					   format_type_with_typemod(att->atttypid, att->atttypmod),
					   error->message)));
	return NULL;
}

static void
set_comments(const SourceTable *table, const TargetTable *target)
{
	const char *name = target_sql(target);

	if (table->comment != NULL)
		run(psprintf("COMMENT ON TABLE %s IS %s", name,
					 quote_literal_cstr(table->comment)));
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (table->columns[i].comment != NULL)
			run(psprintf("COMMENT ON COLUMN %s.%s IS %s", name,
						 quote_identifier(target->columns[i]),
						 quote_literal_cstr(table->columns[i].comment)));
	}
}

/* An existing target must have every column of the source table. */
static void
check_columns(const SourceTable *table, const TargetTable *target)
{
	char		relkind;
	Oid			relid = find_relation(target, &relkind);

	for (int i = 0; i < table->ncolumns; i++)
	{
		if (get_attnum(relid, target->columns[i]) == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table \"%s.%s\" exists without column \"%s\"",
							target->schema, target->name, target->columns[i]),
					 errdetail("Source table \"%s\" has been created with that column.",
							   table->id),
					 errhint("Add the column, or drop or rename the table.")));
	}
}

/* Other kinds of relations are not ours to drop. */
static void
drop_table(const TargetTable *target)
{
	char		relkind;

	if (!OidIsValid(find_relation(target, &relkind)))
		return;
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
	{
		ereport(WARNING,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s.%s\" stays although its source table was dropped",
						target->schema, target->name),
				 errdetail("It is a view or a foreign table.")));
		return;
	}
	run(psprintf("DROP TABLE %s", target_sql(target)));
}

static void
append_key(StringInfo buf, const SourceTable *table, const TargetTable *target)
{
	appendStringInfoString(buf, "PRIMARY KEY (");
	for (int i = 0; i < table->nkeys; i++)
		appendStringInfo(buf, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(target->columns[table->keys[i]]));
	appendStringInfoChar(buf, ')');
}

static const char *
target_sql(const TargetTable *target)
{
	return quote_qualified_identifier(target->schema, target->name);
}

static void
run(const char *sql)
{
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	result = SPI_execute(sql, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

/*
 * Run action in a subtransaction of its own.  NULL if that went well, else the
 * error, with the subtransaction rolled back: the caller throws it again
 * unless it is one that it expects.
 */
static ErrorData *
attempt(void (*action) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		action(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

static void
attempt_run(void *sql)
{
	run(sql);
}

static void
attempt_input(void *arg)
{
	InputTrial *trial = arg;
	Oid			input;
	Oid			ioparam;

	getTypeInputInfo(trial->type, &input, &ioparam);
	(void) OidInputFunctionCall(input, trial->text, ioparam, trial->typmod);
}
