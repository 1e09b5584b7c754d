/*
 * column_type.c --- types of columns, and values from one type to another
 *
 * When the type of a column changes at the source, the source converts the
 * values of the rows it holds, and does not log them.  The rows here are
 * converted alike, by an expression that depends on the two types of
 * PostgreSQL.  Where the source may have made something else of a value (text
 * of a floating-point number, an instant by the time zone of a session), the
 * caller is told so.  Where there is no expression, there is an error: values
 * are never dropped.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"

#include "convert/typemap.h"
#include "ddl/ddl_internal.h"
#include "util/compat.h"

/* TypeClass --- types between which conversions do not differ */
typedef enum TypeClass
{
	CLASS_OTHER,
	CLASS_INTEGER,
	CLASS_NUMERIC,
	CLASS_FLOAT,
	CLASS_BOOL,
	CLASS_BIT,
	CLASS_TEXT,
	CLASS_BYTES,
	CLASS_JSON,
	CLASS_DATE,
	CLASS_TIME,
	CLASS_TIMESTAMP,
	CLASS_TIMESTAMPTZ,
	CLASS_UUID,
	CLASS_INET
} TypeClass;

static const struct
{
	Oid			type;
	TypeClass	class;
}			classes[] = {
	{INT2OID, CLASS_INTEGER},
	{INT4OID, CLASS_INTEGER},
	{INT8OID, CLASS_INTEGER},
	{NUMERICOID, CLASS_NUMERIC},
	{FLOAT4OID, CLASS_FLOAT},
	{FLOAT8OID, CLASS_FLOAT},
	{BOOLOID, CLASS_BOOL},
	{BITOID, CLASS_BIT},
	{VARBITOID, CLASS_BIT},
	{TEXTOID, CLASS_TEXT},
	{VARCHAROID, CLASS_TEXT},
	{BPCHAROID, CLASS_TEXT},
	{BYTEAOID, CLASS_BYTES},
	{JSONOID, CLASS_JSON},
	{JSONBOID, CLASS_JSON},
	{DATEOID, CLASS_DATE},
	{TIMEOID, CLASS_TIME},
	{TIMESTAMPOID, CLASS_TIMESTAMP},
	{TIMESTAMPTZOID, CLASS_TIMESTAMPTZ},
	{UUIDOID, CLASS_UUID},
	{INETOID, CLASS_INET},
};

#define BIT_NUMBER \
	"((($ >> 1)::bigint)::numeric * 2 + get_bit($, length($) - 1))"

/*
 * Conversions; $ stands for the column, and the result is cast to the new
 * type.  Rounding is that of SQL on both sides.  TimeZone is UTC.
 */
static const struct
{
	TypeClass	from;
	TypeClass	to;
	bool		known;			/* is it certainly what the source did? */
	const char *expression;
}			conversions[] = {
	{CLASS_INTEGER, CLASS_INTEGER, true, "$"},
	{CLASS_INTEGER, CLASS_NUMERIC, true, "$"},
	{CLASS_INTEGER, CLASS_FLOAT, true, "$"},
	{CLASS_INTEGER, CLASS_BOOL, true, "($ <> 0)"},
	{CLASS_INTEGER, CLASS_BIT, true, "$::bigint"},
	{CLASS_INTEGER, CLASS_TEXT, true, "$::text"},
	{CLASS_NUMERIC, CLASS_INTEGER, true, "$"},
	{CLASS_NUMERIC, CLASS_NUMERIC, true, "$"},
	{CLASS_NUMERIC, CLASS_FLOAT, true, "$"},
	{CLASS_NUMERIC, CLASS_BOOL, true, "(round($) <> 0)"},
	{CLASS_NUMERIC, CLASS_BIT, true, "$::bigint"},
	{CLASS_NUMERIC, CLASS_TEXT, true, "$::text"},
	{CLASS_FLOAT, CLASS_INTEGER, true, "$"},
	{CLASS_FLOAT, CLASS_NUMERIC, false, "$"},
	{CLASS_FLOAT, CLASS_FLOAT, true, "$"},
	{CLASS_FLOAT, CLASS_TEXT, false, "$::text"},
	{CLASS_BOOL, CLASS_INTEGER, true, "$::integer"},
	{CLASS_BOOL, CLASS_NUMERIC, true, "$::integer"},
	{CLASS_BOOL, CLASS_FLOAT, true, "$::integer"},
	{CLASS_BOOL, CLASS_BIT, true, "$::integer"},
	{CLASS_BIT, CLASS_INTEGER, true, BIT_NUMBER},
	{CLASS_BIT, CLASS_NUMERIC, true, BIT_NUMBER},
	{CLASS_BIT, CLASS_FLOAT, true, BIT_NUMBER},
	{CLASS_BIT, CLASS_BOOL, true, "($::bigint <> 0)"},
	{CLASS_BIT, CLASS_BIT, true, "$::bigint"},
	{CLASS_TEXT, CLASS_INTEGER, true, "btrim($)::numeric"},
	{CLASS_TEXT, CLASS_NUMERIC, true, "btrim($)"},
	{CLASS_TEXT, CLASS_FLOAT, true, "btrim($)"},
	{CLASS_TEXT, CLASS_TEXT, true, "$"},
	{CLASS_TEXT, CLASS_BYTES, false, "convert_to($, 'UTF8')"},
	{CLASS_TEXT, CLASS_JSON, true, "$"},
	{CLASS_TEXT, CLASS_DATE, true, "btrim($)"},
	{CLASS_TEXT, CLASS_TIME, true, "btrim($)"},
	{CLASS_TEXT, CLASS_TIMESTAMP, true, "btrim($)"},
	{CLASS_TEXT, CLASS_TIMESTAMPTZ, false, "btrim($)"},
	{CLASS_TEXT, CLASS_UUID, true, "btrim($)"},
	{CLASS_TEXT, CLASS_INET, true, "btrim($)"},
	{CLASS_BYTES, CLASS_BYTES, true, "$"},
	{CLASS_BYTES, CLASS_TEXT, false, "convert_from($, 'UTF8')"},
	{CLASS_JSON, CLASS_JSON, true, "$"},
	{CLASS_JSON, CLASS_TEXT, false, "$::text"},
	{CLASS_DATE, CLASS_DATE, true, "$"},
	{CLASS_DATE, CLASS_TIMESTAMP, true, "$"},
	{CLASS_DATE, CLASS_TIMESTAMPTZ, false, "$"},
	{CLASS_DATE, CLASS_TEXT, true, "$::text"},
	{CLASS_TIME, CLASS_TIME, true, "$"},
	{CLASS_TIME, CLASS_TEXT, false, "$::text"},
	{CLASS_TIMESTAMP, CLASS_TIMESTAMP, true, "$"},
	{CLASS_TIMESTAMP, CLASS_DATE, true, "$"},
	{CLASS_TIMESTAMP, CLASS_TIME, true, "$"},
	{CLASS_TIMESTAMP, CLASS_TIMESTAMPTZ, false, "$"},
	{CLASS_TIMESTAMP, CLASS_TEXT, false, "$::text"},
	{CLASS_TIMESTAMPTZ, CLASS_TIMESTAMPTZ, true, "$"},
	{CLASS_TIMESTAMPTZ, CLASS_TIMESTAMP, false, "$"},
	{CLASS_TIMESTAMPTZ, CLASS_DATE, false, "$"},
	{CLASS_TIMESTAMPTZ, CLASS_TIME, false, "$"},
	{CLASS_TIMESTAMPTZ, CLASS_TEXT, false, "$::text"},
	{CLASS_UUID, CLASS_UUID, true, "$"},
	{CLASS_UUID, CLASS_TEXT, true, "$::text"},
	{CLASS_INET, CLASS_INET, true, "$"},
	{CLASS_INET, CLASS_TEXT, true, "host($)"},
};

/* Types with a sequence, which only CREATE TABLE and ADD COLUMN know */
static const struct
{
	const char *name;
	Oid			type;
}			serials[] = {
	{"smallserial", INT2OID},
	{"serial", INT4OID},
	{"bigserial", INT8OID},
};

static TypeClass find_class(Oid type);
static bool has_cast(Oid from, Oid to);
static bool is_labelled(const SourceColumn *column);
static char *labels_sql(const SourceColumn *column);
static char *label_number(const SourceColumn *column, const char *name);
static char *put_name(const char *expression, const char *name);

void
sdb_ddl_column_type(const SourceType *types, const SourceTable *table,
					const SourceColumn *column, ColumnType *type)
{
	char	   *text = sdb_typemap_column(types, table, column);

	for (int i = 0; i < lengthof(serials); i++)
	{
		if (strcmp(text, serials[i].name) == 0)
		{
			type->oid = serials[i].type;
			type->typmod = -1;
			type->serial = true;
			return;
		}
	}
	sdb_parse_type_string(text, &type->oid, &type->typmod);
	type->serial = false;
}

bool
sdb_ddl_padded(const SourceColumn *before, const SourceColumn *after)
{
	return after->kind == VALUE_BYTES &&
		strcmp(after->type_name, "binary") == 0 &&
		(strcmp(before->type_name, "binary") != 0 ||
		 after->length > before->length);
}

char *
sdb_ddl_type_using(const SourceColumn *before, const SourceColumn *after,
				   const ColumnType *from, const ColumnType *to,
				   const char *name, bool *known)
{
	TypeClass	from_class = find_class(from->oid);
	TypeClass	to_class = find_class(to->oid);
	bool		to_number = to_class == CLASS_INTEGER ||
		to_class == CLASS_NUMERIC || to_class == CLASS_FLOAT;
	char	   *expression = NULL;

	*known = true;
	if (from_class == CLASS_TEXT && to_number && before->nlabels > 0)
	{
		if (is_labelled(before))
			expression = label_number(before, name);
	}
	else if (from_class == CLASS_INTEGER && to_class == CLASS_TEXT &&
			 after->nlabels > 0)
	{
		if (is_labelled(after))
			expression = psprintf("(%s)[%s]", labels_sql(after), name);
	}
	else
	{
		for (int i = 0; i < lengthof(conversions); i++)
		{
			if (from_class == CLASS_OTHER ||
				conversions[i].from != from_class ||
				conversions[i].to != to_class)
				continue;
			*known = conversions[i].known;
			expression = put_name(conversions[i].expression, name);
		}
		if (expression == NULL && has_cast(from->oid, to->oid))
		{
			*known = from->oid == to->oid;
			expression = pstrdup(name);
		}
	}
	if (expression == NULL)
		return NULL;
	if (to_class == CLASS_BYTES && sdb_ddl_padded(before, after))
		expression = psprintf("%s || decode(repeat('00', %d - length(%s)), 'hex')",
							  expression, after->length, expression);
	return psprintf("(%s)::%s", expression,
					format_type_extended(to->oid, to->typmod,
										 FORMAT_TYPE_TYPEMOD_GIVEN |
										 FORMAT_TYPE_FORCE_QUALIFY));
}

static TypeClass
find_class(Oid type)
{
	for (int i = 0; i < lengthof(classes); i++)
	{
		if (classes[i].type == type)
			return classes[i].class;
	}
	return CLASS_OTHER;
}

/* One of the types is not of ours: what does PostgreSQL say? */
static bool
has_cast(Oid from, Oid to)
{
	Oid			function;

	if (from == to)
		return true;
	if (find_class(from) != CLASS_OTHER && find_class(to) != CLASS_OTHER)
		return false;
	return find_coercion_pathway(to, from, COERCION_EXPLICIT, &function) !=
		COERCION_PATH_NONE;
}

/* An enum, whose labels have numbers; a set is a sum of them. */
static bool
is_labelled(const SourceColumn *column)
{
	return column->nlabels > 0 && strcmp(column->type_name, "enum") == 0;
}

static char *
labels_sql(const SourceColumn *column)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "ARRAY[");
	for (int i = 0; i < column->nlabels; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? ", " : "",
						 quote_literal_cstr(column->labels[i]));
	appendStringInfoString(&buf, "]::text[]");
	return buf.data;
}

/* The number of a label, 0 for the empty text of a value that was none. */
static char *
label_number(const SourceColumn *column, const char *name)
{
	return psprintf("CASE WHEN %s IS NOT NULL THEN"
					" coalesce(array_position(%s, %s::text), 0) END",
					name, labels_sql(column), name);
}

static char *
put_name(const char *expression, const char *name)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (; *expression != '\0'; expression++)
	{
		if (*expression == '$')
			appendStringInfoString(&buf, name);
		else
			appendStringInfoChar(&buf, *expression);
	}
	return buf.data;
}
