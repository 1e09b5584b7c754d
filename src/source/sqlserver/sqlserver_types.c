/*
 * sqlserver_types.c --- types of SQL Server columns
 *
 * Reads what sys.columns says of a column, and lists the PostgreSQL types that
 * columns get by default.
 *
 * A default is an expression in parentheses, of which only constants and the
 * current time are carried over: ((0)), ('a'), (N'it''s'), (getdate()).  The
 * constant is written in the session's own form at the source and converted
 * to the column's type there, so only those whose text means the same here
 * are taken.
 */
#include "postgres.h"

#include "source/source_text.h"
#include "source/sqlserver/sqlserver_types.h"
#include "util/calendar.h"
#include "util/compat.h"

const SourceType sdb_sqlserver_source_types[] = {
	/* columns that the source numbers */
	{"tinyint", -1, true, "smallserial"},
	{"smallint", -1, true, "smallserial"},
	{"int", -1, true, "serial"},
	{"bigint", -1, true, "bigserial"},

	/* numbers */
	{"bit", -1, false, "boolean"},
	{"tinyint", -1, false, "smallint"},
	{"smallint", -1, false, "smallint"},
	{"int", -1, false, "integer"},
	{"bigint", -1, false, "bigint"},
	{"decimal", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"numeric", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"money", -1, false, "numeric(19,4)", TYPMOD_NONE, "money"},
	{"smallmoney", -1, false, "numeric(10,4)", TYPMOD_NONE, "money"},
	{"real", -1, false, "real"},
	{"float", -1, false, "double precision", TYPMOD_NONE, "real"},

	/* dates and times */
	{"date", -1, false, "date"},
	{"time", -1, false, "time", TYPMOD_SCALE},
	{"smalldatetime", -1, false, "timestamp", TYPMOD_SCALE},
	{"datetime", -1, false, "timestamp", TYPMOD_SCALE},
	{"datetime2", -1, false, "timestamp", TYPMOD_SCALE},
	{"datetimeoffset", -1, false, "timestamptz", TYPMOD_SCALE},

	/* text */
	{"char", -1, false, "char", TYPMOD_LENGTH},
	{"nchar", -1, false, "char", TYPMOD_LENGTH},
	{"varchar", -1, false, "varchar", TYPMOD_LENGTH},
	{"nvarchar", -1, false, "varchar", TYPMOD_LENGTH},
	{"sysname", -1, false, "varchar(128)"},
	{"text", -1, false, "text"},
	{"ntext", -1, false, "text"},
	{"xml", -1, false, "xml"},
	{"json", -1, false, "jsonb"},

	/* bytes */
	{"binary", -1, false, "bytea"},
	{"varbinary", -1, false, "bytea"},
	{"image", -1, false, "bytea"},
	{"rowversion", -1, false, "bytea"},
	{"timestamp", -1, false, "bytea"},

	/* others */
	{"uniqueidentifier", -1, false, "uuid"},
	{"sql_variant", -1, false, "text"},
	{"hierarchyid", -1, false, "text"},
	{"vector", -1, false, "text"},
	{"geometry", -1, false, "text"},
	{"geography", -1, false, "text"},
	{NULL}
};

/* What becomes of sys.columns' max_length, precision and scale */
typedef enum LengthUse
{
	LENGTH_NONE,
	LENGTH_BYTES,				/* max_length */
	LENGTH_CHARACTERS,			/* max_length of two bytes each */
	LENGTH_PRECISION,			/* precision and scale */
	LENGTH_FRACTION				/* scale */
} LengthUse;

typedef struct TypeName
{
	const char *name;
	SqlServerType type;
	ValueKind	kind;
	LengthUse	length;
} TypeName;

static const TypeName type_names[] = {
	{"bit", SQLSERVER_T_BIT, VALUE_BOOL},
	{"tinyint", SQLSERVER_T_TINYINT, VALUE_INT},
	{"smallint", SQLSERVER_T_SMALLINT, VALUE_INT},
	{"int", SQLSERVER_T_INT, VALUE_INT},
	{"bigint", SQLSERVER_T_BIGINT, VALUE_INT},
	{"decimal", SQLSERVER_T_DECIMAL, VALUE_DECIMAL, LENGTH_PRECISION},
	{"numeric", SQLSERVER_T_DECIMAL, VALUE_DECIMAL, LENGTH_PRECISION},
	{"money", SQLSERVER_T_MONEY, VALUE_DECIMAL},
	{"smallmoney", SQLSERVER_T_SMALLMONEY, VALUE_DECIMAL},
	{"real", SQLSERVER_T_REAL, VALUE_FLOAT4},
	{"float", SQLSERVER_T_FLOAT, VALUE_FLOAT8},
	{"date", SQLSERVER_T_DATE, VALUE_DATE},
	{"time", SQLSERVER_T_TIME, VALUE_TIME, LENGTH_FRACTION},
	{"smalldatetime", SQLSERVER_T_SMALLDATETIME, VALUE_TIMESTAMP,
	LENGTH_FRACTION},
	{"datetime", SQLSERVER_T_DATETIME, VALUE_TIMESTAMP, LENGTH_FRACTION},
	{"datetime2", SQLSERVER_T_DATETIME2, VALUE_TIMESTAMP, LENGTH_FRACTION},
	{"datetimeoffset", SQLSERVER_T_DATETIMEOFFSET, VALUE_TIMESTAMPTZ,
	LENGTH_FRACTION},
	{"char", SQLSERVER_T_CHAR, VALUE_TEXT, LENGTH_BYTES},
	{"nchar", SQLSERVER_T_CHAR, VALUE_TEXT, LENGTH_CHARACTERS},
	{"varchar", SQLSERVER_T_VARCHAR, VALUE_TEXT, LENGTH_BYTES},
	{"nvarchar", SQLSERVER_T_VARCHAR, VALUE_TEXT, LENGTH_CHARACTERS},
	{"text", SQLSERVER_T_TEXT, VALUE_TEXT},
	{"ntext", SQLSERVER_T_TEXT, VALUE_TEXT},
	{"binary", SQLSERVER_T_BINARY, VALUE_BYTES, LENGTH_BYTES},
	{"varbinary", SQLSERVER_T_VARBINARY, VALUE_BYTES, LENGTH_BYTES},
	{"image", SQLSERVER_T_IMAGE, VALUE_BYTES},
	{"rowversion", SQLSERVER_T_ROWVERSION, VALUE_BYTES},
	{"timestamp", SQLSERVER_T_ROWVERSION, VALUE_BYTES},
	{"uniqueidentifier", SQLSERVER_T_UNIQUEIDENTIFIER, VALUE_UUID},
	{"xml", SQLSERVER_T_XML, VALUE_TEXT},
	{"json", SQLSERVER_T_JSON, VALUE_JSON},
	{"vector", SQLSERVER_T_VECTOR, VALUE_TEXT},
	{"sql_variant", SQLSERVER_T_VARIANT, VALUE_TEXT},
	{"hierarchyid", SQLSERVER_T_HIERARCHYID, VALUE_TEXT},
	{"geometry", SQLSERVER_T_GEOMETRY, VALUE_GEOMETRY},
	{"geography", SQLSERVER_T_GEOGRAPHY, VALUE_GEOMETRY},
};

/* Functions that give the current time, as catalogs spell them */
static const char *const now_functions[] = {
	"getdate()", "sysdatetime()", "current_timestamp", "sysdatetimeoffset()"
};

static const TypeName *find_type(const char *name);
static void set_default(const SqlServerColumnInfo *info,
						const TypeName *type, SourceColumn *column);
static char *strip_parentheses(const char *text);
static bool is_now(const TypeName *type, const char *text);
static char *parse_literal(const char *text);
static char *default_text(const TypeName *type, const char *text);
static bool is_date(const char *text);

void
sdb_sqlserver_types_column(const SqlServerColumnInfo *info,
						   SourceColumn *column)
{
	const TypeName *type = find_type(info->type_name);

	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of table \"%s\" has type \"%s\", which is not supported",
						info->name, info->table_id, info->type_name),
				 errhint("Leave the table out of the connector's table list, or make a capture instance without the column (@captured_column_list of sys.sp_cdc_enable_table).")));

	memset(column, 0, sizeof(*column));
	column->name = pstrdup(info->name);
	column->type_name = pstrdup(type->name);
	column->kind = type->kind;
	column->length = column->scale = -1;
	switch (type->length)
	{
		case LENGTH_NONE:
			break;
		case LENGTH_BYTES:
			column->length = info->max_length;
			break;
		case LENGTH_CHARACTERS:
			column->length = info->max_length < 0 ? -1 : info->max_length / 2;
			break;
		case LENGTH_PRECISION:
			column->length = info->precision;
			column->scale = info->scale;
			break;
		case LENGTH_FRACTION:
			column->scale = info->scale;
			break;
	}
	column->identity = info->is_identity;
	column->generated = info->is_computed;
	column->not_null = !info->is_nullable && !info->is_computed;
	if (info->collation != NULL)
		column->charset = pstrdup(info->collation);
	if (info->comment != NULL)
		column->comment = pstrdup(info->comment);
	set_default(info, type, column);
}

SqlServerType
sdb_sqlserver_types_of(const SourceColumn *column)
{
	const TypeName *type = find_type(column->type_name);

	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored definition of column \"%s\" has the unknown type \"%s\"",
						column->name, column->type_name)));
	return type->type;
}

bool
sdb_sqlserver_types_is_lob(const SourceColumn *column)
{
	switch (sdb_sqlserver_types_of(column))
	{
		case SQLSERVER_T_VARCHAR:
		case SQLSERVER_T_VARBINARY:
			return column->length < 0;
		case SQLSERVER_T_TEXT:
		case SQLSERVER_T_IMAGE:
		case SQLSERVER_T_XML:
		case SQLSERVER_T_JSON:
		case SQLSERVER_T_VECTOR:
		case SQLSERVER_T_HIERARCHYID:
		case SQLSERVER_T_GEOMETRY:
		case SQLSERVER_T_GEOGRAPHY:
			return true;
		default:
			return false;
	}
}

bool
sdb_sqlserver_types_is_old_lob(const SourceColumn *column)
{
	SqlServerType type = sdb_sqlserver_types_of(column);

	return type == SQLSERVER_T_TEXT || type == SQLSERVER_T_IMAGE;
}

static const TypeName *
find_type(const char *name)
{
	for (int i = 0; i < lengthof(type_names); i++)
	{
		if (strcmp(type_names[i].name, name) == 0)
			return &type_names[i];
	}
	return NULL;
}

static void
set_default(const SqlServerColumnInfo *info, const TypeName *type,
			SourceColumn *column)
{
	char	   *text;

	if (info->definition == NULL || column->generated || column->identity)
		return;
	text = strip_parentheses(info->definition);
	if (pg_strcasecmp(text, "null") == 0)
		return;
	column->default_kind = DEFAULT_OTHER;
	if (is_now(type, text))
	{
		column->default_kind = DEFAULT_NOW;
		return;
	}
	column->default_value = default_text(type, text);
	if (column->default_value != NULL)
		column->default_kind = DEFAULT_CONSTANT;
}

/* Without the parentheses around the whole of it */
static char *
strip_parentheses(const char *text)
{
	char	   *result = pstrdup(text);
	int			len = strlen(result);

	while (len >= 2 && result[0] == '(' && result[len - 1] == ')')
	{
		int			depth = 0;
		bool		quoted = false;
		int			i;

		/* does the first one close at the end? */
		for (i = 0; i < len; i++)
		{
			if (result[i] == '\'')
				quoted = !quoted;
			else if (!quoted && result[i] == '(')
				depth++;
			else if (!quoted && result[i] == ')' && --depth == 0)
				break;
		}
		if (i != len - 1)
			break;
		result[len - 1] = '\0';
		result++;
		len -= 2;
	}
	return result;
}

static bool
is_now(const TypeName *type, const char *text)
{
	if (type->kind != VALUE_TIMESTAMP && type->kind != VALUE_TIMESTAMPTZ)
		return false;
	for (int i = 0; i < lengthof(now_functions); i++)
	{
		if (pg_strcasecmp(text, now_functions[i]) == 0)
			return true;
	}
	return false;
}

/* The text in 'it''s' or N'it''s'; NULL if it is anything else. */
static char *
parse_literal(const char *text)
{
	char	   *result;
	char	   *out;

	if (*text == 'N')
		text++;
	if (*text != '\'')
		return NULL;
	result = out = palloc(strlen(text));
	for (text++; *text != '\0'; text++)
	{
		if (*text == '\'' && *++text != '\'')
		{
			*out = '\0';
			return *text == '\0' ? result : NULL;
		}
		*out++ = *text;
	}
	return NULL;
}

/* A constant in PostgreSQL's form; NULL if it is not to be carried over. */
static char *
default_text(const TypeName *type, const char *text)
{
	char	   *literal;

	switch (type->kind)
	{
		case VALUE_BOOL:
			if (!sdb_source_text_is_number(text))
				return NULL;
			return pstrdup(strtod(text, NULL) != 0 ? "true" : "false");
		case VALUE_INT:
			/* 1.5 would be cut at the source and rounded here */
			return sdb_source_text_is_number(text) && strpbrk(text, ".eE") == NULL ?
				pstrdup(text) : NULL;
		case VALUE_FLOAT4:
		case VALUE_FLOAT8:
		case VALUE_DECIMAL:
			return sdb_source_text_is_number(text) ? pstrdup(text) : NULL;
		case VALUE_TEXT:
			if (type->type != SQLSERVER_T_CHAR &&
				type->type != SQLSERVER_T_VARCHAR &&
				type->type != SQLSERVER_T_TEXT)
				return NULL;
			return parse_literal(text);
		case VALUE_UUID:
			return parse_literal(text);
		case VALUE_DATE:
			literal = parse_literal(text);
			return literal != NULL && is_date(literal) ? literal : NULL;
		default:
			return NULL;
	}
}

/* 2024-08-26 and nothing else: other forms depend on the session */
static bool
is_date(const char *text)
{
	int			year;
	int			month;
	int			day;
	int			n = 0;

	return sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &n) == 3 &&
		n == 10 && text[n] == '\0' && year > 0 &&
		sdb_calendar_is_date(year, month, day);
}
