/*
 * column_type.c --- types of columns, and values from one type to another
 *
 * When the type of a column changes at the source, the source converts the
 * values of the rows it holds, and does not log them.  The rows here are
 * converted alike, by an expression that depends on the two types of
 * PostgreSQL.  Where the source may have made something else of a value (text
 * of a floating-point number, an instant by the time zone of a session), the
 * caller is told of which rows that is so.  Where there is no expression, there
 * is an error: values are never dropped.
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
 * Doubts: a text of another form may mean something else to the source, and a
 * date that named no day is not known here.
 */
#define DATE_FORM	"[0-9]{4}-[0-9]{2}-[0-9]{2}"
#define TIME_FORM	"[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?"
#define NOT_LIKE(form)	"btrim($) !~ '^" form "\\Z'"
#define LOST_DATE	"($ IS NULL OR NOT isfinite($))"
#define ALWAYS		"true"

/*
 * Conversions; $ stands for the column, and the result is cast to the new
 * type.  Rounding is that of SQL on both sides.  TimeZone is UTC.
 */
static const struct
{
	TypeClass	from;
	TypeClass	to;
	const char *doubt;			/* of which rows it is not certain what the
								 * source did; NULL: of none */
	const char *expression;
}			conversions[] = {
	{CLASS_INTEGER, CLASS_INTEGER, NULL, "$"},
	{CLASS_INTEGER, CLASS_NUMERIC, NULL, "$"},
	{CLASS_INTEGER, CLASS_FLOAT, NULL, "$"},
	{CLASS_INTEGER, CLASS_BOOL, NULL, "($ <> 0)"},
	{CLASS_INTEGER, CLASS_BIT, NULL, "$::bigint"},
	{CLASS_INTEGER, CLASS_TEXT, NULL, "$::text"},
	{CLASS_NUMERIC, CLASS_INTEGER, NULL, "$"},
	{CLASS_NUMERIC, CLASS_NUMERIC, NULL, "$"},
	{CLASS_NUMERIC, CLASS_FLOAT, NULL, "$"},
	{CLASS_NUMERIC, CLASS_BOOL, NULL, "(round($) <> 0)"},
	{CLASS_NUMERIC, CLASS_BIT, NULL,
		"(CASE WHEN round($) >= 2::numeric ^ 63"
		" THEN $ - 2::numeric ^ 64 ELSE $ END)::bigint"},
	{CLASS_NUMERIC, CLASS_TEXT, NULL, "$::text"},
	{CLASS_FLOAT, CLASS_INTEGER, NULL, "$"},
	{CLASS_FLOAT, CLASS_NUMERIC, ALWAYS, "$"},
	{CLASS_FLOAT, CLASS_FLOAT, NULL,
		"CASE WHEN abs($) > 7e-46 THEN $ ELSE $ * 0 END"},
	{CLASS_FLOAT, CLASS_TEXT, ALWAYS, "$::text"},
	{CLASS_BOOL, CLASS_INTEGER, NULL, "$::integer"},
	{CLASS_BOOL, CLASS_NUMERIC, NULL, "$::integer"},
	{CLASS_BOOL, CLASS_FLOAT, NULL, "$::integer"},
	{CLASS_BOOL, CLASS_BIT, NULL, "$::integer"},
	{CLASS_BIT, CLASS_INTEGER, NULL, BIT_NUMBER},
	{CLASS_BIT, CLASS_NUMERIC, NULL, BIT_NUMBER},
	{CLASS_BIT, CLASS_FLOAT, "$::bigint < 0 AND length($) = 64",
		BIT_NUMBER},
	{CLASS_BIT, CLASS_BOOL, NULL, "($::bigint <> 0)"},
	{CLASS_BIT, CLASS_BIT, NULL, "$::bigint"},
	{CLASS_TEXT, CLASS_INTEGER, NULL, "btrim($)::numeric"},
	{CLASS_TEXT, CLASS_NUMERIC, NULL, "btrim($)"},
	{CLASS_TEXT, CLASS_FLOAT, NULL, "btrim($)"},
	{CLASS_TEXT, CLASS_TEXT, NULL, "$"},
	{CLASS_TEXT, CLASS_BYTES, ALWAYS, "convert_to($, 'UTF8')"},
	{CLASS_TEXT, CLASS_JSON, NULL, "$"},
	{CLASS_TEXT, CLASS_DATE, NOT_LIKE(DATE_FORM), "btrim($)"},
	{CLASS_TEXT, CLASS_TIME, NOT_LIKE(TIME_FORM), "btrim($)"},
	{CLASS_TEXT, CLASS_TIMESTAMP, NOT_LIKE(DATE_FORM "( " TIME_FORM ")?"),
		"btrim($)"},
	{CLASS_TEXT, CLASS_TIMESTAMPTZ, ALWAYS, "btrim($)"},
	{CLASS_TEXT, CLASS_UUID, NULL, "btrim($)"},
	{CLASS_TEXT, CLASS_INET, NULL, "btrim($)"},
	{CLASS_BYTES, CLASS_BYTES, NULL, "$"},
	{CLASS_BYTES, CLASS_TEXT, ALWAYS, "convert_from($, 'UTF8')"},
	{CLASS_JSON, CLASS_JSON, NULL, "$"},
	{CLASS_JSON, CLASS_TEXT, ALWAYS, "$::text"},
	{CLASS_DATE, CLASS_DATE, NULL, "$"},
	{CLASS_DATE, CLASS_TIMESTAMP, NULL, "$"},
	{CLASS_DATE, CLASS_TIMESTAMPTZ, ALWAYS, "$"},
	{CLASS_DATE, CLASS_TEXT, LOST_DATE, "$::text"},
	{CLASS_TIME, CLASS_TIME, NULL, "$"},
	{CLASS_TIME, CLASS_TEXT, ALWAYS, "$::text"},
	{CLASS_TIMESTAMP, CLASS_TIMESTAMP, NULL, "$"},
	{CLASS_TIMESTAMP, CLASS_DATE, "$::timestamp(0)::date <> $::date", "$"},
	{CLASS_TIMESTAMP, CLASS_TIME, LOST_DATE, "$"},
	{CLASS_TIMESTAMP, CLASS_TIMESTAMPTZ, ALWAYS, "$"},
	{CLASS_TIMESTAMP, CLASS_TEXT, ALWAYS, "$::text"},
	{CLASS_TIMESTAMPTZ, CLASS_TIMESTAMPTZ, NULL, "$"},
	{CLASS_TIMESTAMPTZ, CLASS_TIMESTAMP, ALWAYS, "$"},
	{CLASS_TIMESTAMPTZ, CLASS_DATE, ALWAYS, "$"},
	{CLASS_TIMESTAMPTZ, CLASS_TIME, ALWAYS, "$"},
	{CLASS_TIMESTAMPTZ, CLASS_TEXT, ALWAYS, "$::text"},
	{CLASS_UUID, CLASS_UUID, NULL, "$"},
	{CLASS_UUID, CLASS_TEXT, NULL, "$::text"},
	{CLASS_INET, CLASS_INET, NULL, "$"},
	{CLASS_INET, CLASS_TEXT, NULL, "host($)"},
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
static bool is_padded(const SourceColumn *before, const SourceColumn *after);
static bool is_year(const SourceColumn *column);
static bool becomes_year(const SourceColumn *before,
						 const SourceColumn *after);
static bool becomes_labels(const SourceColumn *before,
						   const SourceColumn *after);
static char *year_of_number(const char *expression);
static char *labels_sql(const SourceColumn *column);
static char *label_number(const SourceColumn *column, const char *name);
static char *cut_fraction(char *expression, TypeClass class, int32 digits);
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
sdb_ddl_changes_values(const SourceColumn *before, const SourceColumn *after)
{
	return is_padded(before, after) || becomes_year(before, after) ||
		becomes_labels(before, after);
}

char *
sdb_ddl_type_using(const TypeChange *change, const char *name, char **doubt)
{
	const SourceColumn *before = change->before;
	const SourceColumn *after = change->after;
	const ColumnType *from = change->from;
	const ColumnType *to = change->to;
	TypeClass	from_class = find_class(from->oid);
	TypeClass	to_class = find_class(to->oid);
	bool		to_number = to_class == CLASS_INTEGER ||
		to_class == CLASS_NUMERIC || to_class == CLASS_FLOAT;
	char	   *expression = NULL;

	*doubt = NULL;
	if (from_class == CLASS_TEXT && to_number && before->nlabels > 0)
	{
		if (is_labelled(before))
		{
			expression = label_number(before, name);
			*doubt = psprintf("%s = ''", name);
		}
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
			expression = put_name(conversions[i].expression, name);
			if (conversions[i].doubt != NULL)
				*doubt = put_name(conversions[i].doubt, name);
		}
		if (expression == NULL && has_cast(from->oid, to->oid))
		{
			expression = pstrdup(name);
			if (from->oid != to->oid)
				*doubt = ALWAYS;
		}
	}
	if (expression == NULL)
		return NULL;
	if (from_class == CLASS_TEXT && becomes_labels(before, after))
		*doubt = psprintf("rtrim(%s) <> ALL (%s)", name, labels_sql(after));
	if (is_year(before) && to_class == CLASS_TEXT)
		expression = psprintf("lpad(%s, 4, '0')", expression);
	if (becomes_year(before, after))
	{
		expression = year_of_number(expression);
		if (from_class == CLASS_TEXT)
			*doubt = ALWAYS;
	}
	if (change->cuts_fractions)
		expression = cut_fraction(expression, to_class, to->typmod);
	if (to_class == CLASS_BYTES && is_padded(before, after))
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

/* Do values end in zero bytes that they did not have before? */
static bool
is_padded(const SourceColumn *before, const SourceColumn *after)
{
	return after->kind == VALUE_BYTES &&
		strcmp(after->type_name, "binary") == 0 &&
		(strcmp(before->type_name, "binary") != 0 ||
		 after->length > before->length);
}

static bool
is_year(const SourceColumn *column)
{
	return strcmp(column->type_name, "year") == 0;
}

static bool
becomes_year(const SourceColumn *before, const SourceColumn *after)
{
	return is_year(after) && !is_year(before);
}

/* Is there a value that might be none of the labels? */
static bool
becomes_labels(const SourceColumn *before, const SourceColumn *after)
{
	if (after->nlabels == 0 || before->nlabels == 0)
		return after->nlabels > 0;
	for (int i = 0; i < before->nlabels; i++)
	{
		bool		stays = false;

		for (int j = 0; j < after->nlabels && !stays; j++)
			stays = strcmp(before->labels[i], after->labels[j]) == 0;
		if (!stays)
			return true;
	}
	return false;
}

/* Two digits are a year between 1970 and 2069. */
static char *
year_of_number(const char *expression)
{
	return psprintf("(%s)::integer + CASE"
					" WHEN (%s)::integer BETWEEN 1 AND 69 THEN 2000"
					" WHEN (%s)::integer BETWEEN 70 AND 99 THEN 1900"
					" ELSE 0 END", expression, expression, expression);
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

/* Without those digits of a second that a cast would round. */
static char *
cut_fraction(char *expression, TypeClass class, int32 digits)
{
	static const char *const steps[] = {
		"1 s", "0.1 s", "0.01 s", "0.001 s", "0.0001 s", "0.00001 s"
	};

	if (digits < 0 || digits >= lengthof(steps))
		return expression;
	switch (class)
	{
		case CLASS_TIME:
			return psprintf("left((%s)::time::text, %d)", expression,
							(int) strlen("00:00:00") +
							(digits > 0 ? digits + 1 : 0));
		case CLASS_TIMESTAMP:
			return psprintf("date_bin('%s', (%s)::timestamp, '0001-01-01')",
							steps[digits], expression);
		case CLASS_TIMESTAMPTZ:
			return psprintf("date_bin('%s', (%s)::timestamptz, '0001-01-01')",
							steps[digits], expression);
		default:
			return expression;
	}
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
