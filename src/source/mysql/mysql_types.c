/*
 * mysql_types.c --- types of MySQL and MariaDB columns
 *
 * Reads what information_schema.columns says of a column, and lists the
 * PostgreSQL types that columns get by default.
 *
 * COLUMN_TYPE is the type in the server's own words: a name, arguments in
 * parentheses, then words and comments ("unsigned zerofill",
 * "mariadb-5.3" for the old storage of temporal types, "COMPRESSED").
 *
 * COLUMN_DEFAULT differs: MariaDB shows an expression, in which text is a
 * quoted literal; MySQL shows the bare value of a constant, and an expression
 * if EXTRA has DEFAULT_GENERATED.  A default is carried over only where its
 * value is certain:
 *
 *	- Of expressions, the current time alone.
 *	- Both servers show text in a character set without U+10000 and above, and
 *	  a question mark for what that lacks.  A default with a question mark in a
 *	  set that has such characters is left out.
 *	- MySQL shows a TIMESTAMP in the time zone of the session that made the
 *	  table, which it does not tell: left to mysql_catalog.c.  MariaDB shows it
 *	  in ours, UTC.
 *	- MySQL ends a binary default at its first zero byte: left to
 *	  mysql_catalog.c as well.
 *	- Dates and times that PostgreSQL lacks are left out.
 *
 * Known limit, because the server shows no more: a label of an ENUM or SET has
 * question marks for characters above U+FFFF.
 */
#include "postgres.h"

#include <ctype.h>

#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "source/mysql/mysql_types.h"
#include "source/source_text.h"
#include "util/calendar.h"
#include "util/charset.h"
#include "util/compat.h"

/* The lossless type of an unsigned bigint; no sequence reaches its end */
#define NUMERIC_20 "numeric(20)"

const SourceType sdb_mysql_source_types[] = {
	/* columns that the source numbers */
	{"tinyint", -1, true, "smallserial"},
	{"tinyint unsigned", -1, true, "smallserial"},
	{"smallint", -1, true, "smallserial"},
	{"smallint unsigned", -1, true, "serial", TYPMOD_NONE, "smallserial"},
	{"mediumint", -1, true, "serial"},
	{"mediumint unsigned", -1, true, "serial"},
	{"int", -1, true, "serial"},
	{"int unsigned", -1, true, "bigserial", TYPMOD_NONE, "serial"},
	{"bigint", -1, true, "bigserial"},
	{"bigint unsigned", -1, true, NUMERIC_20, TYPMOD_NONE, "bigserial"},

	/* numbers */
	{"tinyint", -1, false, "smallint"},
	{"tinyint unsigned", -1, false, "smallint"},
	{"smallint", -1, false, "smallint"},
	{"smallint unsigned", -1, false, "integer"},
	{"mediumint", -1, false, "integer"},
	{"mediumint unsigned", -1, false, "integer"},
	{"int", -1, false, "integer"},
	{"int unsigned", -1, false, "bigint"},
	{"bigint", -1, false, "bigint"},
	{"bigint unsigned", -1, false, NUMERIC_20, TYPMOD_NONE, "numeric"},
	{"decimal", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"decimal unsigned", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"float", -1, false, "real"},
	{"float unsigned", -1, false, "real"},
	{"double", -1, false, "double precision"},
	{"double unsigned", -1, false, "double precision"},
	{"bit", 1, false, "boolean"},
	{"bit", -1, false, "bit", TYPMOD_LENGTH},
	{"year", -1, false, "integer"},

	/* dates and times */
	{"date", -1, false, "date"},
	{"time", -1, false, "time", TYPMOD_SCALE},
	{"datetime", -1, false, "timestamp", TYPMOD_SCALE},
	{"timestamp", -1, false, "timestamptz", TYPMOD_SCALE},

	/* text */
	{"char", -1, false, "char", TYPMOD_LENGTH},
	{"varchar", -1, false, "varchar", TYPMOD_LENGTH},
	{"tinytext", -1, false, "text"},
	{"text", -1, false, "text"},
	{"mediumtext", -1, false, "text"},
	{"longtext", -1, false, "text"},
	{"enum", -1, false, "text"},
	{"set", -1, false, "text"},
	{"json", -1, false, "jsonb"},

	/* bytes */
	{"binary", -1, false, "bytea"},
	{"varbinary", -1, false, "bytea"},
	{"tinyblob", -1, false, "bytea"},
	{"blob", -1, false, "bytea"},
	{"mediumblob", -1, false, "bytea"},
	{"longblob", -1, false, "bytea"},
	{"vector", -1, false, "bytea"},

	/* geometry: a JSON object with wkb and srid */
	{"geometry", -1, false, "text"},
	{"point", -1, false, "text"},
	{"linestring", -1, false, "text"},
	{"polygon", -1, false, "text"},
	{"multipoint", -1, false, "text"},
	{"multilinestring", -1, false, "text"},
	{"multipolygon", -1, false, "text"},
	{"geometrycollection", -1, false, "text"},

	/* MariaDB's own */
	{"uuid", -1, false, "uuid"},
	{"inet4", -1, false, "inet"},
	{"inet6", -1, false, "inet"},

	/* other names of the above, which a server never reports */
	{"integer", -1, false, "integer"},
	{"integer unsigned", -1, false, "bigint"},
	{"bool", -1, false, "smallint", TYPMOD_NONE, "boolean"},
	{"boolean", -1, false, "smallint", TYPMOD_NONE, "boolean"},
	{"dec", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"dec unsigned", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"fixed", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"fixed unsigned", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"numeric", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"numeric unsigned", -1, false, "numeric", TYPMOD_PRECISION_SCALE},
	{"real", -1, false, "double precision", TYPMOD_NONE, "real"},
	{"real unsigned", -1, false, "double precision", TYPMOD_NONE, "real"},
	{"double precision", -1, false, "double precision"},
	{"double precision unsigned", -1, false, "double precision"},
	{"long varchar", -1, false, "text"},
	{"geomcollection", -1, false, "text"},
	{NULL}
};

/* What the numbers in parentheses after a type name mean */
typedef enum ArgumentUse
{
	ARGS_IGNORED,				/* display width, or none */
	ARGS_LENGTH,
	ARGS_PRECISION_SCALE,
	ARGS_FRACTION,				/* digits of fractional seconds */
	ARGS_LABELS
} ArgumentUse;

typedef struct TypeName
{
	const char *name;
	MysqlType	type;
	ValueKind	kind;			/* of a signed one */
	ArgumentUse args;
	const char *canonical;		/* SourceColumn.type_name; NULL if the same */
} TypeName;

static const TypeName type_names[] = {
	{"tinyint", MYSQL_T_TINYINT, VALUE_INT},
	{"smallint", MYSQL_T_SMALLINT, VALUE_INT},
	{"mediumint", MYSQL_T_MEDIUMINT, VALUE_INT},
	{"int", MYSQL_T_INT, VALUE_INT},
	{"bigint", MYSQL_T_BIGINT, VALUE_INT},
	{"float", MYSQL_T_FLOAT, VALUE_FLOAT4},
	{"double", MYSQL_T_DOUBLE, VALUE_FLOAT8},
	{"decimal", MYSQL_T_DECIMAL, VALUE_DECIMAL, ARGS_PRECISION_SCALE},
	{"bit", MYSQL_T_BIT, VALUE_BITS, ARGS_LENGTH},
	{"year", MYSQL_T_YEAR, VALUE_INT},
	{"date", MYSQL_T_DATE, VALUE_DATE},
	{"time", MYSQL_T_TIME, VALUE_TIME, ARGS_FRACTION},
	{"datetime", MYSQL_T_DATETIME, VALUE_TIMESTAMP, ARGS_FRACTION},
	{"timestamp", MYSQL_T_TIMESTAMP, VALUE_TIMESTAMPTZ, ARGS_FRACTION},
	{"char", MYSQL_T_CHAR, VALUE_TEXT, ARGS_LENGTH},
	{"varchar", MYSQL_T_VARCHAR, VALUE_TEXT, ARGS_LENGTH},
	{"tinytext", MYSQL_T_TEXT, VALUE_TEXT},
	{"text", MYSQL_T_TEXT, VALUE_TEXT},
	{"mediumtext", MYSQL_T_TEXT, VALUE_TEXT},
	{"longtext", MYSQL_T_TEXT, VALUE_TEXT},
	{"binary", MYSQL_T_BINARY, VALUE_BYTES, ARGS_LENGTH},
	{"varbinary", MYSQL_T_VARBINARY, VALUE_BYTES, ARGS_LENGTH},
	{"tinyblob", MYSQL_T_BLOB, VALUE_BYTES},
	{"blob", MYSQL_T_BLOB, VALUE_BYTES},
	{"mediumblob", MYSQL_T_BLOB, VALUE_BYTES},
	{"longblob", MYSQL_T_BLOB, VALUE_BYTES},
	{"enum", MYSQL_T_ENUM, VALUE_TEXT, ARGS_LABELS},
	{"set", MYSQL_T_SET, VALUE_TEXT, ARGS_LABELS},
	{"json", MYSQL_T_JSON, VALUE_JSON},
	{"geometry", MYSQL_T_GEOMETRY, VALUE_GEOMETRY},
	{"point", MYSQL_T_GEOMETRY, VALUE_GEOMETRY},
	{"linestring", MYSQL_T_GEOMETRY, VALUE_GEOMETRY},
	{"polygon", MYSQL_T_GEOMETRY, VALUE_GEOMETRY},
	{"multipoint", MYSQL_T_GEOMETRY, VALUE_GEOMETRY},
	{"multilinestring", MYSQL_T_GEOMETRY, VALUE_GEOMETRY},
	{"multipolygon", MYSQL_T_GEOMETRY, VALUE_GEOMETRY},
	{"geometrycollection", MYSQL_T_GEOMETRY, VALUE_GEOMETRY},
	{"geomcollection", MYSQL_T_GEOMETRY, VALUE_GEOMETRY, ARGS_IGNORED,
	"geometrycollection"},
	{"uuid", MYSQL_T_UUID, VALUE_UUID},
	{"inet4", MYSQL_T_INET4, VALUE_INET},
	{"inet6", MYSQL_T_INET6, VALUE_INET},
	{"vector", MYSQL_T_VECTOR, VALUE_BYTES, ARGS_LENGTH},
};

/* Character sets with characters above U+FFFF */
static const char *const wide_charsets[] = {
	"utf8mb4", "utf16", "utf16le", "utf32", "gb18030"
};

static const TypeName *find_type(const char *name, int len);
static const char *parse_arguments(const MysqlColumnInfo *info,
								   const TypeName *type, const char *text,
								   SourceColumn *column);
static void parse_labels(const MysqlColumnInfo *info, const char *text,
						 SourceColumn *column);
static const char *parse_literal(const char *text, char **value, int *len);
static const char *parse_hex_literal(const char *text, char **value,
									 int *len);
static void set_period(const MysqlColumnInfo *info, const TypeName *type,
					   SourceColumn *column);
static void set_charset(const MysqlColumnInfo *info, const TypeName *type,
						SourceColumn *column);
static void set_default(const MysqlColumnInfo *info, const TypeName *type,
						SourceColumn *column);
static char *default_text(const MysqlColumnInfo *info, const TypeName *type,
						  const SourceColumn *column, char *value, int len);
static char *bits_default(const char *value, int nbits);
static char *bytes_default(const MysqlColumnInfo *info,
						   const SourceColumn *column, const char *value,
						   int len);
static bool is_now(const char *text);
static void warn_of_labels(const MysqlColumnInfo *info,
						   const SourceColumn *column);
static bool is_safe_text(const SourceColumn *column, const char *text,
						 int len);
static bool is_safe_bytes(const char *text, int len);
static bool is_real_date(const char *text);
static bool is_time_of_day(const char *text);
pg_noreturn static void report_type(const MysqlColumnInfo *info);

void
sdb_mysql_types_column(const MysqlColumnInfo *info, SourceColumn *column)
{
	int			name_len = strspn(info->column_type,
								  "abcdefghijklmnopqrstuvwxyz0123456789");
	const TypeName *type = find_type(info->column_type, name_len);
	const char *rest;
	const char *name;
	bool		is_unsigned;

	if (!type)
		report_type(info);
	memset(column, 0, sizeof(*column));
	column->length = column->scale = -1;
	column->name = pstrdup(info->column_name);
	rest = parse_arguments(info, type, info->column_type + name_len, column);
	if (info->is_json && type->type == MYSQL_T_TEXT)
		type = find_type("json", strlen("json"));

	is_unsigned = strstr(rest, " unsigned") != NULL;
	name = type->canonical ? type->canonical : type->name;
	column->type_name = psprintf("%s%s", name, is_unsigned ? " unsigned" : "");
	column->kind = type->kind;
	if (column->kind == VALUE_INT && is_unsigned)
		column->kind = VALUE_UINT;
	column->not_null = strcmp(info->is_nullable, "NO") == 0;
	column->identity = strstr(info->extra, "auto_increment") != NULL;
	column->generated = strstr(info->extra, "VIRTUAL GENERATED") != NULL ||
		strstr(info->extra, "STORED GENERATED") != NULL ||
		strstr(info->extra, "PERSISTENT") != NULL;
	set_period(info, type, column);
	if (info->comment && info->comment[0] != '\0')
		column->comment = pstrdup(info->comment);
	set_charset(info, type, column);
	set_default(info, type, column);
	if (!info->is_exact)
		warn_of_labels(info, column);
}

MysqlType
sdb_mysql_types_of(const SourceColumn *column)
{
	const char *name = column->type_name;
	const TypeName *type = find_type(name, strcspn(name, " "));

	if (!type)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored definition of column \"%s\" has the unknown type \"%s\"",
						column->name, name)));
	return type->type;
}

bool
sdb_mysql_types_is_unsigned(const SourceColumn *column)
{
	return strstr(column->type_name, " unsigned") != NULL;
}

char *
sdb_mysql_types_float_text(double number, bool is_single)
{
	char	   *text = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	if (is_single)
		float_to_shortest_decimal_buf((float) number, text);
	else
		double_to_shortest_decimal_buf(number, text);
	return text;
}

static const TypeName *
find_type(const char *name, int len)
{
	for (int i = 0; i < lengthof(type_names); i++)
	{
		if (strlen(type_names[i].name) == len &&
			memcmp(type_names[i].name, name, len) == 0)
			return &type_names[i];
	}
	return NULL;
}

/*
 * What stands in parentheses after the type name; result: what follows them.
 */
static const char *
parse_arguments(const MysqlColumnInfo *info, const TypeName *type,
				const char *text, SourceColumn *column)
{
	int			arguments[2] = {-1, -1};
	char	   *end = NULL;

	if (type->args == ARGS_LABELS)
	{
		parse_labels(info, text, column);
		return "";
	}

	if (*text == '(')
	{
		arguments[0] = strtol(text + 1, &end, 10);
		if (*end == ',')
			arguments[1] = strtol(end + 1, &end, 10);
		if (*end != ')')
			report_type(info);
		text = end + 1;
	}

	switch (type->args)
	{
		case ARGS_LENGTH:
			column->length = arguments[0];
			break;
		case ARGS_PRECISION_SCALE:
			column->length = arguments[0];
			column->scale = Max(arguments[1], 0);
			break;
		case ARGS_FRACTION:
			column->scale = Max(arguments[0], 0);
			break;
		case ARGS_IGNORED:
		case ARGS_LABELS:
			break;
	}
	return text;
}

static void
parse_labels(const MysqlColumnInfo *info, const char *text,
			 SourceColumn *column)
{
	int			allocated = 8;

	column->labels = palloc(allocated * sizeof(char *));
	do
	{
		char	   *label;
		int			len;

		text = parse_literal(text + 1, &label, &len);
		if (!text)
			report_type(info);
		if (column->nlabels == allocated)
		{
			allocated *= 2;
			column->labels = repalloc(column->labels,
									  allocated * sizeof(char *));
		}
		if (strlen(label) != len)
			ereport(ERROR,
					(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
					 errmsg("a label of column \"%s\" of table \"%s\" contains the character U+0000, which PostgreSQL cannot store",
							info->column_name, info->table_id)));
		column->labels[column->nlabels++] = label;
	} while (*text == ',');
	if (*text != ')')
		report_type(info);
}

/*
 * A quoted literal as the servers write it: quotes doubled, some characters
 * after a backslash.
 *
 * out:    *value, palloc'd and NUL-terminated, of *len bytes
 * result: what follows it; NULL if text does not begin with one
 */
static const char *
parse_literal(const char *text, char **value, int *len)
{
	char	   *out;

	if (*text != '\'')
		return NULL;
	*value = out = palloc(strlen(text));
	for (text++; *text; text++)
	{
		char		c = *text;

		if (c == '\'' && *++text != '\'')
		{
			*out = '\0';
			*len = out - *value;
			return text;
		}
		if (c == '\\' && text[1] != '\0')
		{
			c = *++text;
			c = c == '0' ? '\0' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
		}
		*out++ = c;
	}
	return NULL;
}

/* As parse_literal: x'00ff', which newer servers show for binary columns. */
static const char *
parse_hex_literal(const char *text, char **value, int *len)
{
	static const char digits[] = "0123456789abcdef";
	char	   *out;

	if (text[0] != 'x' || text[1] != '\'')
		return NULL;
	*value = out = palloc(strlen(text));
	for (text += 2; isxdigit((unsigned char) text[0]) &&
		 isxdigit((unsigned char) text[1]); text += 2)
		*out++ = (char) ((strchr(digits, pg_tolower(text[0])) - digits) << 4 |
						 (strchr(digits, pg_tolower(text[1])) - digits));
	*out = '\0';
	*len = out - *value;
	return *text == '\'' ? text + 1 : NULL;
}

/*
 * Changes of a table whose versions are numbered by transactions are logged as
 * statements, whatever binlog_format says.
 */
static void
set_period(const MysqlColumnInfo *info, const TypeName *type,
		   SourceColumn *column)
{
	if (info->period == NULL)
		return;
	if (type->type != MYSQL_T_TIMESTAMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot capture table \"%s\": its versions are numbered by transactions",
						info->table_id),
				 errdetail("Column \"%s\" is of type %s; the server logs changes of such a table as statements.",
						   info->column_name, info->column_type),
				 errhint("Leave it out of the list of tables, or give it columns of type timestamp(6) for ROW START and ROW END.")));
	column->row_end = strcmp(info->period, "ROW END") == 0;
}

static void
set_charset(const MysqlColumnInfo *info, const TypeName *type,
			SourceColumn *column)
{
	bool		is_text = type->kind == VALUE_TEXT || type->kind == VALUE_JSON;

	if (!is_text || !info->charset)
		return;
	if (!sdb_charset_find(info->charset))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot convert character set \"%s\" of column \"%s\" of table \"%s\"",
						info->charset, column->name, info->table_id),
				 errdetail("PostgreSQL has no conversion from it to the server encoding \"%s\".",
						   GetDatabaseEncodingName()),
				 errhint("Leave the table out of the connector's table list, or change the column to CHARACTER SET utf8mb4 at the source.")));
	column->charset = pstrdup(info->charset);
}

static void
set_default(const MysqlColumnInfo *info, const TypeName *type,
			SourceColumn *column)
{
	const char *text = info->column_default;
	const char *end = NULL;
	bool		is_exact = false;	/* shown byte by byte */
	char	   *value;
	int			len;

	if (!text || column->generated || column->identity ||
		(info->is_mariadb && strcmp(text, "NULL") == 0))
		return;

	column->default_kind = DEFAULT_OTHER;
	if ((type->type == MYSQL_T_DATETIME || type->type == MYSQL_T_TIMESTAMP) &&
		is_now(text))
	{
		column->default_kind = DEFAULT_NOW;
		return;
	}
	if (strstr(info->extra, "DEFAULT_GENERATED"))
		return;

	if (info->is_mariadb)
	{
		end = parse_literal(text, &value, &len);
		is_exact = end == NULL;
		if (!end)
			end = parse_hex_literal(text, &value, &len);
	}
	if (end ? *end != '\0' : info->is_mariadb && !sdb_source_text_is_number(text) &&
		type->type != MYSQL_T_BIT)
		return;					/* an expression */
	if (!end)
	{
		value = pstrdup(text);
		len = strlen(text);
	}

	if (info->is_mariadb && column->kind == VALUE_BYTES && !is_exact &&
		!is_safe_bytes(value, len))
		return;
	column->default_value = default_text(info, type, column, value, len);
	if (column->default_value)
		column->default_kind = DEFAULT_CONSTANT;
}

/* A constant in PostgreSQL's form; NULL if it is not to be carried over. */
static char *
default_text(const MysqlColumnInfo *info, const TypeName *type,
			 const SourceColumn *column, char *value, int len)
{
	switch (type->type)
	{
		case MYSQL_T_TINYINT:
		case MYSQL_T_SMALLINT:
		case MYSQL_T_MEDIUMINT:
		case MYSQL_T_INT:
		case MYSQL_T_BIGINT:
		case MYSQL_T_YEAR:
			/* the zeros of ZEROFILL say nothing, nor do those of year 0000 */
			while (*value == '0' && value[1] != '\0')
				value++;
			return sdb_source_text_is_number(value) ? value : NULL;
		case MYSQL_T_FLOAT:
		case MYSQL_T_DOUBLE:
			return !sdb_source_text_is_number(value) ? NULL :
				sdb_mysql_types_float_text(strtod(value, NULL),
										   type->type == MYSQL_T_FLOAT);
		case MYSQL_T_DECIMAL:
			return sdb_source_text_is_number(value) ? value : NULL;
		case MYSQL_T_BIT:
			return bits_default(value, column->length);
		case MYSQL_T_DATE:
		case MYSQL_T_DATETIME:
			return is_real_date(value) ? value : NULL;
		case MYSQL_T_TIMESTAMP:
			return info->is_mariadb && is_real_date(value) ?
				psprintf("%s+00", value) : NULL;
		case MYSQL_T_TIME:
			return is_time_of_day(value) ? value : NULL;
		case MYSQL_T_CHAR:
		case MYSQL_T_VARCHAR:
		case MYSQL_T_TEXT:
		case MYSQL_T_ENUM:
		case MYSQL_T_SET:
		case MYSQL_T_JSON:
			return is_safe_text(column, value, len) ? value : NULL;
		case MYSQL_T_BINARY:
		case MYSQL_T_VARBINARY:
		case MYSQL_T_BLOB:
			return bytes_default(info, column, value, len);
		case MYSQL_T_UUID:
		case MYSQL_T_INET4:
		case MYSQL_T_INET6:
			return value;
		case MYSQL_T_GEOMETRY:
		case MYSQL_T_VECTOR:
			return NULL;
	}
	return NULL;
}

/* b'101' as the digits of a bit string of nbits */
static char *
bits_default(const char *value, int nbits)
{
	int			ndigits;
	char	   *result;

	if (value[0] != 'b' || value[1] != '\'')
		return NULL;
	ndigits = strspn(value + 2, "01");
	if (ndigits == 0 || ndigits > nbits || strcmp(value + 2 + ndigits, "'") != 0)
		return NULL;
	result = palloc(nbits + 1);
	memset(result, '0', nbits - ndigits);
	memcpy(result + nbits - ndigits, value + 2, ndigits);
	result[nbits] = '\0';
	return result;
}

/*
 * Bytes as \x and digits.  MariaDB shows them as text, with question marks for
 * what is not UTF-8; MySQL in hexadecimal.
 */
static char *
bytes_default(const MysqlColumnInfo *info, const SourceColumn *column,
			  const char *value, int len)
{
	bool		is_fixed = strcmp(column->type_name, "binary") == 0;
	bool		is_hex = !info->is_mariadb && strncmp(value, "0x", 2) == 0 &&
		value[2 + strspn(value + 2, "0123456789ABCDEFabcdef")] == '\0';
	StringInfoData buf;
	int			nbytes = is_hex ? (len - 2) / 2 : len;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "\\x");
	if (is_hex)
		appendStringInfoString(&buf, value + 2);
	else
		for (int i = 0; i < len; i++)
			appendStringInfo(&buf, "%02X", (unsigned char) value[i]);
	for (; is_fixed && nbytes < column->length; nbytes++)
		appendStringInfoString(&buf, "00");
	return buf.data;
}

/*
 * CURRENT_TIMESTAMP, current_timestamp(), localtimestamp(6); curtime() is how
 * MariaDB 11.8 shows LOCALTIME, which in such a column is today's.
 */
static bool
is_now(const char *text)
{
	static const char *const names[] = {
		"current_timestamp", "localtimestamp", "curtime"
	};

	for (int i = 0; i < lengthof(names); i++)
	{
		const char *rest = text + strlen(names[i]);

		if (pg_strncasecmp(text, names[i], strlen(names[i])) != 0)
			continue;
		return *rest == '\0' ||
			(*rest == '(' &&
			 strcmp(rest + 1 + strspn(rest + 1, "0123456789"), ")") == 0);
	}
	return false;
}

/*
 * The servers describe labels in a character set without characters above
 * U+FFFF: what looks like a question mark may be one of those.
 */
static void
warn_of_labels(const MysqlColumnInfo *info, const SourceColumn *column)
{
	for (int i = 0; i < column->nlabels; i++)
	{
		if (!is_safe_text(column, column->labels[i],
						  strlen(column->labels[i])))
			ereport(WARNING,
					(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
					 errmsg("a label of column \"%s\" of table \"%s\" may not be what its server shows",
							info->column_name, info->table_id),
					 errdetail("Servers show characters above U+FFFF in labels as question marks, and streamed values would have them too.")));
	}
}

/* No zero byte, and no question mark that may stand for something else */
static bool
is_safe_text(const SourceColumn *column, const char *text, int len)
{
	if (strlen(text) != len)
		return false;
	if (!column->charset || !strchr(text, '?'))
		return true;
	for (int i = 0; i < lengthof(wide_charsets); i++)
	{
		if (strcmp(column->charset, wide_charsets[i]) == 0)
			return false;
	}
	return true;
}

/* Bytes that MariaDB shows as text: are they what is shown? */
static bool
is_safe_bytes(const char *text, int len)
{
	for (int i = 0; i < len; i++)
	{
		if (text[i] == '?' ||
			(IS_HIGHBIT_SET(text[i]) && GetDatabaseEncoding() != PG_UTF8))
			return false;
	}
	return true;
}

/* YYYY-MM-DD, perhaps a time after it; not a zero date, nor of the year 0 */
static bool
is_real_date(const char *text)
{
	int			year;
	int			month;
	int			day;

	return sscanf(text, "%4d-%2d-%2d", &year, &month, &day) == 3 &&
		year > 0 && sdb_calendar_is_date(year, month, day);
}

/* HH:MM:SS within a day */
static bool
is_time_of_day(const char *text)
{
	return strlen(text) >= strlen("00:00:00") && text[2] == ':' &&
		isdigit((unsigned char) text[0]) && atoi(text) < HOURS_PER_DAY;
}

static void
report_type(const MysqlColumnInfo *info)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("column \"%s\" of table \"%s\" has type \"%s\", which is not supported",
					info->column_name, info->table_id, info->column_type),
			 errhint("Leave the table out of the connector's table list.")));
}
