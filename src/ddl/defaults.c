/*
 * defaults.c --- defaults of columns, and what new columns hold in old rows
 *
 * A default is tried on the column's type before it is set, in a
 * subtransaction, because the two databases do not agree on what is a value:
 * one that the type rejects is left out with a WARNING.  Rows from the source
 * bring all their values along, so only local inserts notice.
 *
 * Rows that are there when a column is added get the value that the source
 * gave them: the default if it is a constant, else NULL, or what stands for
 * "nothing" in the column's type if that is NOT NULL.  A value that only the
 * source knows (its time, a number it counted, an expression) is not made up
 * where NULL can stand, and the caller hears of it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "ddl/ddl_internal.h"
#include "guc.h"

/* TypeExpression --- an expression for columns of a type */
typedef struct TypeExpression
{
	Oid			type;
	const char *expression;
} TypeExpression;

/*
 * "The time of the statement".  A DATETIME of a source is what the clock on
 * the wall of the session shows, and so is LOCALTIMESTAMP.
 */
static const TypeExpression now_expressions[] = {
	{TIMESTAMPTZOID, "CURRENT_TIMESTAMP"},
	{TIMESTAMPOID, "LOCALTIMESTAMP"},
	{DATEOID, "CURRENT_DATE"},
	{TIMEOID, "LOCALTIME"},
	{InvalidOid, NULL}
};

/* What a NOT NULL column without a default holds in rows that had none */
static const TypeExpression zero_expressions[] = {
	{INT2OID, "'0'"},
	{INT4OID, "'0'"},
	{INT8OID, "'0'"},
	{NUMERICOID, "'0'"},
	{FLOAT4OID, "'0'"},
	{FLOAT8OID, "'0'"},
	{BOOLOID, "'f'"},
	{TEXTOID, "''"},
	{VARCHAROID, "''"},
	{BPCHAROID, "''"},
	{BYTEAOID, "''"},
	{JSONOID, "'null'"},
	{JSONBOID, "'null'"},
	{DATEOID, "'-infinity'"},
	{TIMESTAMPOID, "'-infinity'"},
	{TIMESTAMPTZOID, "'-infinity'"},
	{TIMEOID, "'00:00'"},
	{INTERVALOID, "'0'"},
	{UUIDOID, "'00000000-0000-0000-0000-000000000000'"},
	{INETOID, "'::'"},
	{InvalidOid, NULL}
};

/* InputTrial --- a text and the type that may reject it */
typedef struct InputTrial
{
	const ColumnType *type;
	char	   *text;
} InputTrial;

static const char *find_expression(const TypeExpression *list, Oid type);
static char *constant_default(const SourceColumn *column,
							  const ColumnType *type, ErrorData **error);
static void try_input(void *arg);

char *
sdb_ddl_default(const SourceTable *table, int idx0, const ColumnType *type)
{
	const SourceColumn *column = &table->columns[idx0];
	ErrorData  *error;
	char	   *expression;

	if (column->identity || column->generated)
		return NULL;
	if (column->default_kind == DEFAULT_NOW)
	{
		const char *now = find_expression(now_expressions, type->oid);

		return now != NULL ? pstrdup(now) : NULL;
	}
	if (column->default_kind != DEFAULT_CONSTANT)
		return NULL;

	expression = constant_default(column, type, &error);
	if (expression == NULL)
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("column \"%s\" of table \"%s\" is created without its default",
						column->name, table->id),
				 errdetail("Type %s rejects it: %s.",
						   format_type_with_typemod(type->oid, type->typmod),
						   error->message)));
	return expression;
}

char *
sdb_ddl_zero(const SourceColumn *column, const ColumnType *type)
{
	const char *expression;

	if (type->oid == BITOID && type->typmod > 0)
	{
		char	   *zeros = palloc(type->typmod + 1);

		memset(zeros, '0', type->typmod);
		zeros[type->typmod] = '\0';
		return quote_literal_cstr(zeros);
	}
	if (strcmp(column->type_name, "binary") == 0 && column->length > 0)
		return psprintf("pg_catalog.decode(pg_catalog.repeat('00', %d), 'hex')",
						column->length);
	if (type->oid == INETOID && strcmp(column->type_name, "inet4") == 0)
		return pstrdup("'0.0.0.0'");
	if (type->oid == TEXTOID && column->kind == VALUE_GEOMETRY)
		return pstrdup("'{\"wkb\":\"\",\"srid\":null}'");
	expression = find_expression(zero_expressions, type->oid);
	return expression != NULL ? pstrdup(expression) : NULL;
}

char *
sdb_ddl_fill(const SourceTable *table, int idx0, const ColumnType *type,
			 bool *known)
{
	const SourceColumn *column = &table->columns[idx0];
	char	   *fill = NULL;
	const char *now;
	ErrorData  *error;

	*known = !column->identity && !column->generated &&
		column->default_kind != DEFAULT_NOW &&
		column->default_kind != DEFAULT_OTHER;

	if (*known && column->default_kind == DEFAULT_CONSTANT)
	{
		fill = constant_default(column, type, &error);
		/* a date that names no day is what rows may lose on their way */
		if (fill == NULL && !sdb_ddl_may_lose_date(column))
			*known = false;
		else if (fill == NULL &&
				 sdb_guc_zero_date == ZERO_DATE_INFINITY)
			fill = sdb_ddl_zero(column, type);
	}
	if (fill != NULL || !column->not_null)
		return fill;

	if (column->default_kind == DEFAULT_NOW &&
		(now = find_expression(now_expressions, type->oid)) != NULL)
		return pstrdup(now);
	if (column->nlabels > 0 && strcmp(column->type_name, "enum") == 0)
		return quote_literal_cstr(column->labels[0]);
	fill = sdb_ddl_zero(column, type);
	if (fill == NULL)
		*known = false;
	return fill;
}

bool
sdb_ddl_may_lose_date(const SourceColumn *column)
{
	return (column->kind == VALUE_DATE || column->kind == VALUE_TIMESTAMP ||
			column->kind == VALUE_TIMESTAMPTZ) &&
		sdb_guc_zero_date != ZERO_DATE_ERROR;
}

static const char *
find_expression(const TypeExpression *list, Oid type)
{
	while (list->expression != NULL && list->type != type)
		list++;
	return list->expression;
}

/* NULL and the error if the type rejects it. */
static char *
constant_default(const SourceColumn *column, const ColumnType *type,
				 ErrorData **error)
{
	InputTrial	trial = {type, column->default_value};

	*error = sdb_ddl_attempt(try_input, &trial);
	if (*error == NULL)
		return quote_literal_cstr(column->default_value);
	if (ERRCODE_TO_CATEGORY((*error)->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
		ReThrowError(*error);
	return NULL;
}

static void
try_input(void *arg)
{
	InputTrial *trial = arg;
	Oid			input;
	Oid			ioparam;

	getTypeInputInfo(trial->type->oid, &input, &ioparam);
	(void) OidInputFunctionCall(input, trial->text, ioparam,
								trial->type->typmod);
}
