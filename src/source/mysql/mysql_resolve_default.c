/*
 * mysql_resolve_default.c --- values of DEFAULT, as the server keeps them
 *
 * A constant is converted to the column's type: rounded, padded, its label or
 * date spelled as the server would.  What is not certain to come out as the
 * server has it is DEFAULT_OTHER: expressions, dates in unusual forms.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "source/mysql/mysql_charset.h"
#include "source/mysql/mysql_resolve.h"
#include "source/mysql/mysql_types.h"
#include "util/calendar.h"
#include "util/charset.h"

static char *convert(const MysqlResolver *resolver, const MysqlDefault *value,
					 const SourceColumn *column);
static char *as_number(const char *text, int scale);
static char *as_float(const char *text, bool is_single);
static char *as_bits(const MysqlDefault *value, int nbits);
static char *as_bytes(const MysqlResolver *resolver, const MysqlDefault *value,
					  const SourceColumn *column);
static char *as_text(char *text, const MysqlDefault *value,
					 const SourceColumn *column);
static char *as_label(const char *text, const MysqlDefault *value,
					  const SourceColumn *column);
static char *as_set(const char *text, const SourceColumn *column);
static char *as_year(const char *text, bool is_number);
static char *as_date(const char *text, bool has_time, int scale, bool cuts);
static char *as_instant(const MysqlResolver *resolver, const char *text,
						int scale);
static char *as_time(const char *text, int scale, bool cuts);
static const char *take_digits(const char *text, int max, int *value);
static bool append_fraction(StringInfo buf, const char *text, int scale,
							bool cuts);
static char *literal_bytes(const MysqlDefault *value, int *len);
static char *number_text(const MysqlDefault *value);

char *
sdb_mysql_resolve_text(const MysqlResolver *resolver, const MysqlText *text)
{
	const Charset *charset = resolver->dialect->charset;
	const char *result;
	int			len;

	if (text->charset != NULL)
	{
		const char *name = sdb_mysql_charset_name(text->charset);

		charset = name != NULL ? sdb_charset_find(name) : NULL;
	}
	if (charset == NULL)
		charset = sdb_charset_find("latin1");
	result = sdb_charset_to_server(charset, text->bytes, text->len, &len);
	return pnstrdup(result, len);
}

void
sdb_mysql_resolve_default(const MysqlResolver *resolver,
						  const MysqlDefault *value, SourceColumn *column)
{
	MysqlType	type = sdb_mysql_types_of(column);

	column->default_kind = DEFAULT_NONE;
	column->default_value = NULL;
	if (value->kind == MYSQL_DEFAULT_ABSENT ||
		value->kind == MYSQL_DEFAULT_NULL ||
		column->generated || column->identity)
		return;

	column->default_kind = DEFAULT_OTHER;
	if (value->kind == MYSQL_DEFAULT_EXPRESSION)
		return;
	if (value->kind == MYSQL_DEFAULT_NOW)
	{
		if (type == MYSQL_T_DATETIME || type == MYSQL_T_TIMESTAMP)
			column->default_kind = DEFAULT_NOW;
		return;
	}
	column->default_value = convert(resolver, value, column);
	if (column->default_value != NULL)
		column->default_kind = DEFAULT_CONSTANT;
}

/* MySQL rounds and MariaDB cuts, unless the session has it otherwise. */
bool
sdb_mysql_resolve_cuts_fractions(const MysqlDialect *dialect)
{
	if (dialect->is_mariadb)
		return !(dialect->sql_mode & MYSQL_MODE_ROUND_FRACTIONAL);
	return (dialect->sql_mode & MYSQL_MODE_TRUNCATE_FRACTIONAL) != 0;
}

/* NULL if it is not certain what comes out. */
static char *
convert(const MysqlResolver *resolver, const MysqlDefault *value,
		const SourceColumn *column)
{
	MysqlType	type = sdb_mysql_types_of(column);
	char	   *text;

	if (type == MYSQL_T_BIT)
		return as_bits(value, column->length);
	if (type == MYSQL_T_BINARY || type == MYSQL_T_VARBINARY ||
		type == MYSQL_T_BLOB)
		return as_bytes(resolver, value, column);

	if (value->kind == MYSQL_DEFAULT_TEXT ||
		value->kind == MYSQL_DEFAULT_NUMBER)
	{
		/* a zero byte cannot be stored */
		if (memchr(value->value->bytes, '\0', value->value->len) != NULL)
			return NULL;
		text = sdb_mysql_resolve_text(resolver, value->value);
	}
	else
		text = number_text(value);

	switch (type)
	{
		case MYSQL_T_TINYINT:
		case MYSQL_T_SMALLINT:
		case MYSQL_T_MEDIUMINT:
		case MYSQL_T_INT:
		case MYSQL_T_BIGINT:
			return as_number(text, 0);
		case MYSQL_T_DECIMAL:
			return as_number(text, column->scale);
		case MYSQL_T_FLOAT:
		case MYSQL_T_DOUBLE:
			return as_float(text, type == MYSQL_T_FLOAT);
		case MYSQL_T_YEAR:
			return as_year(text, value->kind == MYSQL_DEFAULT_NUMBER);
		case MYSQL_T_DATE:
		case MYSQL_T_DATETIME:
			return as_date(text, type == MYSQL_T_DATETIME, column->scale,
						   sdb_mysql_resolve_cuts_fractions(resolver->dialect));
		case MYSQL_T_TIMESTAMP:
			return as_instant(resolver, text, column->scale);
		case MYSQL_T_TIME:
			return as_time(text, column->scale,
						   sdb_mysql_resolve_cuts_fractions(resolver->dialect));
		case MYSQL_T_ENUM:
			return as_label(text, value, column);
		case MYSQL_T_SET:
			return value->kind == MYSQL_DEFAULT_TEXT ? as_set(text, column) :
				NULL;
		case MYSQL_T_CHAR:
			text = as_text(text, value, column);
			if (text == NULL)
				return NULL;
			for (int len = strlen(text); len > 0 && text[len - 1] == ' ';)
				text[--len] = '\0';
			return text;
		case MYSQL_T_VARCHAR:
		case MYSQL_T_TEXT:
			return as_text(text, value, column);
		case MYSQL_T_JSON:
		case MYSQL_T_UUID:
		case MYSQL_T_INET4:
		case MYSQL_T_INET6:
			return value->kind == MYSQL_DEFAULT_HEX ||
				value->kind == MYSQL_DEFAULT_BITS ? NULL : text;
		default:
			return NULL;
	}
}

/* Rounded, half away from zero, as numeric and the servers do it. */
static char *
as_number(const char *text, int scale)
{
	Datum		number;

	if (text == NULL || strlen(text) != strspn(text, "+-.0123456789eE") ||
		strpbrk(text, "0123456789") == NULL)
		return NULL;
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
								 ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	number = DirectFunctionCall2(numeric_round, number, Int32GetDatum(scale));
	return DatumGetCString(DirectFunctionCall1(numeric_out, number));
}

/* The shortest decimal that means the same number */
static char *
as_float(const char *text, bool is_single)
{
	char	   *end;
	double		number;

	if (text == NULL)
		return NULL;
	number = strtod(text, &end);
	if (*text == '\0' || *end != '\0')
		return NULL;
	return sdb_mysql_types_float_text(number, is_single);
}

/* The digits of a bit string of nbits */
static char *
as_bits(const MysqlDefault *value, int nbits)
{
	const char *text = value->value->bytes;
	char	   *bits = palloc(nbits + 1);
	uint64		number = 0;
	char	   *end = NULL;

	if (value->kind == MYSQL_DEFAULT_TEXT || value->value->len > 64)
		return NULL;
	number = strtoull(text, &end, value->kind == MYSQL_DEFAULT_NUMBER ? 10 :
					  value->kind == MYSQL_DEFAULT_HEX ? 16 : 2);
	if (*end != '\0' || *text == '-')
		return NULL;
	for (int i = nbits - 1; i >= 0; i--, number >>= 1)
		bits[i] = '0' + (number & 1);
	bits[nbits] = '\0';
	return bits;
}

/*
 * Bytes as \x and digits; BINARY is padded with zeros.  Where MariaDB writes a
 * statement itself (CREATE TABLE ... SELECT), question marks stand for bytes
 * that are not UTF-8.
 */
static char *
as_bytes(const MysqlResolver *resolver, const MysqlDefault *value,
		 const SourceColumn *column)
{
	StringInfoData buf;
	int			len;
	char	   *bytes = literal_bytes(value, &len);

	if (bytes == NULL ||
		(value->kind == MYSQL_DEFAULT_TEXT && resolver->dialect->is_mariadb &&
		 memchr(bytes, '?', len) != NULL))
		return NULL;
	initStringInfo(&buf);
	appendStringInfoString(&buf, "\\x");
	for (int i = 0; i < len; i++)
		appendStringInfo(&buf, "%02X", (unsigned char) bytes[i]);
	if (strcmp(column->type_name, "binary") == 0)
	{
		for (; len < column->length; len++)
			appendStringInfoString(&buf, "00");
	}
	return buf.data;
}

/* X'4142' are bytes in the column's character set. */
static char *
as_text(char *text, const MysqlDefault *value, const SourceColumn *column)
{
	const Charset *charset = column->charset != NULL ?
		sdb_charset_find(column->charset) : NULL;
	const char *result;
	char	   *bytes;
	int			len;

	if (value->kind == MYSQL_DEFAULT_TEXT ||
		value->kind == MYSQL_DEFAULT_NUMBER)
		return text;
	bytes = literal_bytes(value, &len);
	if (bytes == NULL || charset == NULL || memchr(bytes, '\0', len) != NULL)
		return NULL;
	result = sdb_charset_to_server(charset, bytes, len, &len);
	return pnstrdup(result, len);
}

/* A label in the spelling of its declaration */
static char *
as_label(const char *text, const MysqlDefault *value,
		 const SourceColumn *column)
{
	if (value->kind != MYSQL_DEFAULT_TEXT)
	{
		int			number = text != NULL ? atoi(text) : 0;

		return number > 0 && number <= column->nlabels ?
			pstrdup(column->labels[number - 1]) : NULL;
	}
	for (int i = 0; i < column->nlabels; i++)
	{
		if (strcmp(column->labels[i], text) == 0)
			return pstrdup(column->labels[i]);
	}
	for (int i = 0; i < column->nlabels; i++)
	{
		if (pg_strcasecmp(column->labels[i], text) == 0)
			return pstrdup(column->labels[i]);
	}
	return NULL;
}

/* Labels with commas between, in the order of their declaration */
static char *
as_set(const char *text, const SourceColumn *column)
{
	bool	   *chosen = palloc0((column->nlabels + 1) * sizeof(bool));
	char	   *rest = pstrdup(text);
	StringInfoData buf;

	initStringInfo(&buf);
	while (*rest)
	{
		char	   *comma = strchr(rest, ',');
		int			i = 0;

		if (comma != NULL)
			*comma = '\0';
		while (i < column->nlabels &&
			   pg_strcasecmp(column->labels[i], rest) != 0)
			i++;
		if (i == column->nlabels)
			return NULL;
		chosen[i] = true;
		rest = comma != NULL ? comma + 1 : rest + strlen(rest);
	}
	for (int i = 0; i < column->nlabels; i++)
	{
		if (chosen[i])
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? "," : "",
							 column->labels[i]);
	}
	return buf.data;
}

/* 70 is 1970, 20 is 2020; 0 is 0000 and '0' is 2000 */
static char *
as_year(const char *text, bool is_number)
{
	int			year;

	if (text == NULL || *take_digits(text, 4, &year) != '\0')
		return NULL;
	if (strlen(text) == 4)
		return psprintf("%d", year);
	if (strlen(text) > 2)
		return NULL;
	if (year == 0 && is_number)
		return pstrdup("0");
	return psprintf("%d", year < 70 ? 2000 + year : 1900 + year);
}

/* YYYY-MM-DD or YYYYMMDD, perhaps with a time */
static char *
as_date(const char *text, bool has_time, int scale, bool cuts)
{
	int			part[6] = {0};
	int			ndigits = text != NULL ? strspn(text, "0123456789") : 0;
	bool		packed = ndigits == 8 || ndigits == 14;
	StringInfoData buf;

	if (ndigits != 4 && !packed)
		return NULL;
	for (int i = 0; i < 6 && *text; i++)
	{
		const char *digits = text;

		text = take_digits(text, i == 0 ? 4 : 2, &part[i]);
		if (text == digits)
			return NULL;
		if (i == 2 && (*text == ' ' || *text == 'T') && text[1] != '\0')
			text++;
		else if (i < 5 && i != 2 && !packed && *text == (i < 2 ? '-' : ':'))
			text++;
		else if (*text != '\0' && !packed && i < 5)
			return NULL;
	}
	if (part[0] == 0 || !sdb_calendar_is_date(part[0], part[1], part[2]) ||
		(!has_time && *text != '\0'))
		return NULL;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%04d-%02d-%02d", part[0], part[1], part[2]);
	if (!has_time)
		return part[3] + part[4] + part[5] == 0 ? buf.data : NULL;
	if (part[3] > 23 || part[4] > 59 || part[5] > 59)
		return NULL;
	appendStringInfo(&buf, " %02d:%02d:%02d", part[3], part[4], part[5]);
	return append_fraction(&buf, text, scale, cuts) ? buf.data : NULL;
}

/* A time in the statement's time zone, in UTC */
static char *
as_instant(const MysqlResolver *resolver, const char *text, int scale)
{
	char	   *local = as_date(text, true, scale,
								sdb_mysql_resolve_cuts_fractions(resolver->dialect));
	int			len = strlen("YYYY-MM-DD HH:MM:SS");
	char	   *utc;

	if (local == NULL)
		return NULL;
	utc = resolver->to_utc(resolver->arg, pnstrdup(local, len));
	return utc != NULL ? psprintf("%s%s+00", utc, local + len) : NULL;
}

/* HH:MM:SS or HHMMSS, within a day */
static char *
as_time(const char *text, int scale, bool cuts)
{
	int			part[3] = {0};
	bool		packed = text != NULL && strspn(text, "0123456789") == 6;
	StringInfoData buf;

	if (text == NULL)
		return NULL;
	for (int i = 0; i < 3; i++)
	{
		const char *digits = text;

		text = take_digits(text, 2, &part[i]);
		if (text == digits)
			return NULL;
		if (i < 2 && !packed && *text++ != ':')
			return NULL;
	}
	if (part[0] > 23 || part[1] > 59 || part[2] > 59)
		return NULL;
	initStringInfo(&buf);
	appendStringInfo(&buf, "%02d:%02d:%02d", part[0], part[1], part[2]);
	return append_fraction(&buf, text, scale, cuts) ? buf.data : NULL;
}

/* Up to max digits; result: what follows them */
static const char *
take_digits(const char *text, int max, int *value)
{
	*value = 0;
	for (int i = 0; i < max && isdigit((unsigned char) *text); i++)
		*value = *value * 10 + (*text++ - '0');
	return text;
}

/* Exactly so many digits; false where the server would have to round up. */
static bool
append_fraction(StringInfo buf, const char *text, int scale, bool cuts)
{
	int			ndigits = 0;

	if (*text == '.')
		ndigits = strspn(++text, "0123456789");
	if (text[ndigits] != '\0')
		return false;
	if (ndigits > Max(scale, 0))
	{
		ndigits = Max(scale, 0);
		if (!cuts && text[ndigits] >= '5')
			return false;
	}
	if (scale > 0)
	{
		appendStringInfo(buf, ".%.*s", ndigits, text);
		for (int i = ndigits; i < scale; i++)
			appendStringInfoChar(buf, '0');
	}
	return true;
}

/* The bytes that a literal stands for; NULL for what is not taken over. */
static char *
literal_bytes(const MysqlDefault *value, int *len)
{
	const MysqlText *text = value->value;
	char	   *bytes;

	*len = text->len;
	if (value->kind == MYSQL_DEFAULT_TEXT ||
		value->kind == MYSQL_DEFAULT_NUMBER)
		return unconstify(char *, text->bytes);
	if (value->kind != MYSQL_DEFAULT_HEX || text->len % 2 != 0)
		return NULL;
	*len = text->len / 2;
	bytes = palloc(*len + 1);
	for (int i = 0; i < *len; i++)
	{
		char		digits[3] = {text->bytes[2 * i], text->bytes[2 * i + 1], 0};

		bytes[i] = (char) strtol(digits, NULL, 16);
	}
	return bytes;
}

/* X'1F' and B'101' as a number; NULL if it is too large */
static char *
number_text(const MysqlDefault *value)
{
	bool		is_hex = value->kind == MYSQL_DEFAULT_HEX;

	if (value->value->len > (is_hex ? 16 : 64))
		return NULL;
	return psprintf(UINT64_FORMAT,
					(uint64) strtoull(value->value->bytes, NULL,
									  is_hex ? 16 : 2));
}
