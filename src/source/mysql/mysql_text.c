/*
 * mysql_text.c --- values of the text protocol, as a snapshot reads them
 *
 * Each column has one decoder, chosen when the plan is made.  A decoder
 * allocates nothing, except where text goes to a server encoding other than
 * UTF8: decimals, addresses and the like are built in the plan, one slot a
 * column, and last until the next row.
 *
 * The text of a FLOAT is rounded to six digits by the server, that of a DOUBLE
 * reads back exactly.  So a FLOAT is selected as a product with 1e0, which is
 * a DOUBLE (tried with 40,000 random values on MariaDB 10.11 and MySQL 9.7; a
 * sum with 0e0 would lose the sign of -0).
 *
 * A date that the calendar does not have (zero, with a zero part, or invalid
 * as ALLOW_INVALID_DATES lets in) is VALUE_ZERODATE.
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "common/int.h"

#include "source/mysql/mysql_conn.h"
#include "source/mysql/mysql_text.h"
#include "source/mysql/mysql_types.h"
#include "util/bytes.h"
#include "util/calendar.h"
#include "util/charset.h"
#include "util/compat.h"
#include "util/error_position.h"

/* Decimal digits in one of base 10000, and how many of these 65 can fill */
#define DECIMAL_GROUP		4
#define MAX_DECIMAL_GROUPS	((65 + 2 * (DECIMAL_GROUP - 1)) / DECIMAL_GROUP)

#define UUID_BYTES			16
#define SRID_BYTES			4

typedef struct TextColumn TextColumn;

typedef void (*TextDecoder) (TextColumn *column, const char *data, int len,
							 SourceValue *value);

struct TextColumn
{
	TextDecoder decode;
	const SourceTable *table;	/* for messages */
	const SourceColumn *column;
	const Charset *charset;		/* of the session: utf8mb4 */
	SourceDecimal decimal;		/* the value of the row, where needed */
	int16		digits[MAX_DECIMAL_GROUPS];
	char		bytes[UUID_BYTES];	/* of a UUID or an address */
};

struct MysqlTextPlan
{
	int			ncolumns;
	TextColumn	columns[FLEXIBLE_ARRAY_MEMBER];
};

static void decode_int(TextColumn *column, const char *data, int len,
					   SourceValue *value);
static void decode_uint(TextColumn *column, const char *data, int len,
						SourceValue *value);
static void decode_float(TextColumn *column, const char *data, int len,
						 SourceValue *value);
static void decode_double(TextColumn *column, const char *data, int len,
						  SourceValue *value);
static void decode_decimal(TextColumn *column, const char *data, int len,
						   SourceValue *value);
static void decode_bits(TextColumn *column, const char *data, int len,
						SourceValue *value);
static void decode_date(TextColumn *column, const char *data, int len,
						SourceValue *value);
static void decode_time(TextColumn *column, const char *data, int len,
						SourceValue *value);
static void decode_datetime(TextColumn *column, const char *data, int len,
							SourceValue *value);
static void decode_text(TextColumn *column, const char *data, int len,
						SourceValue *value);
static void decode_bytes(TextColumn *column, const char *data, int len,
						 SourceValue *value);
static void decode_geometry(TextColumn *column, const char *data, int len,
							SourceValue *value);
static void decode_uuid(TextColumn *column, const char *data, int len,
						SourceValue *value);
static void decode_inet4(TextColumn *column, const char *data, int len,
						 SourceValue *value);
static void decode_inet6(TextColumn *column, const char *data, int len,
						 SourceValue *value);

/* By the type of a column; integers that are unsigned have decode_uint */
static const TextDecoder decoders[] = {
	[MYSQL_T_TINYINT] = decode_int,
	[MYSQL_T_SMALLINT] = decode_int,
	[MYSQL_T_MEDIUMINT] = decode_int,
	[MYSQL_T_INT] = decode_int,
	[MYSQL_T_BIGINT] = decode_int,
	[MYSQL_T_FLOAT] = decode_float,
	[MYSQL_T_DOUBLE] = decode_double,
	[MYSQL_T_DECIMAL] = decode_decimal,
	[MYSQL_T_BIT] = decode_bits,
	[MYSQL_T_YEAR] = decode_int,
	[MYSQL_T_DATE] = decode_date,
	[MYSQL_T_TIME] = decode_time,
	[MYSQL_T_DATETIME] = decode_datetime,
	[MYSQL_T_TIMESTAMP] = decode_datetime,
	[MYSQL_T_CHAR] = decode_text,
	[MYSQL_T_VARCHAR] = decode_text,
	[MYSQL_T_TEXT] = decode_text,
	[MYSQL_T_BINARY] = decode_bytes,
	[MYSQL_T_VARBINARY] = decode_bytes,
	[MYSQL_T_BLOB] = decode_bytes,
	[MYSQL_T_ENUM] = decode_text,
	[MYSQL_T_SET] = decode_text,
	[MYSQL_T_JSON] = decode_text,
	[MYSQL_T_GEOMETRY] = decode_geometry,
	[MYSQL_T_UUID] = decode_uuid,
	[MYSQL_T_INET4] = decode_inet4,
	[MYSQL_T_INET6] = decode_inet6,
	[MYSQL_T_VECTOR] = decode_bytes,
};

static int	number_of_groups(int ndigits);
static void set_zero_date(SourceValue *value, const char *data, int len);
static bool read_calendar(const char **pos, const char *end, int *days,
						  bool *is_date);
static bool read_clock(const char **pos, const char *end, int64 *usecs);
static bool read_digits(const char **pos, const char *end, int max_digits,
						int *number);
static bool read_char(const char **pos, const char *end, char expected);
static double read_double(TextColumn *column, const char *data, int len);
pg_noreturn static void report_malformed(const TextColumn *column);

MysqlTextPlan *
sdb_mysql_text_plan(const SourceTable *table)
{
	MysqlTextPlan *plan = palloc0(offsetof(MysqlTextPlan, columns) +
								  table->ncolumns * sizeof(TextColumn));

	plan->ncolumns = table->ncolumns;
	for (int i = 0; i < table->ncolumns; i++)
	{
		TextColumn *column = &plan->columns[i];

		column->table = table;
		column->column = &table->columns[i];
		column->charset = sdb_charset_find("utf8mb4");
		column->decode = decoders[sdb_mysql_types_of(column->column)];
		if (column->column->kind == VALUE_UINT)
			column->decode = decode_uint;
	}
	return plan;
}

void
sdb_mysql_text_select(StringInfo buf, const SourceTable *table)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		const SourceColumn *column = &table->columns[i];

		if (i > 0)
			appendStringInfoString(buf, ", ");
		appendStringInfoString(buf, sdb_mysql_conn_identifier(column->name));
		if (sdb_mysql_types_of(column) == MYSQL_T_FLOAT)
			appendStringInfoString(buf, "*1e0");
	}
}

void
sdb_mysql_text_row(MysqlTextPlan *plan, char **fields,
				   const unsigned long *lengths, SourceValue *row)
{
	for (int i = 0; i < plan->ncolumns; i++)
	{
		TextColumn *column = &plan->columns[i];

		if (!fields[i])
		{
			row[i].kind = VALUE_NULL;
			continue;
		}
		if (lengths[i] > PG_INT32_MAX)
			report_malformed(column);
		sdb_error_position.column = column->column->name;
		row[i].kind = column->column->kind;
		column->decode(column, fields[i], (int) lengths[i], &row[i]);
	}
	sdb_error_position.column = NULL;
}

static void
decode_int(TextColumn *column, const char *data, int len, SourceValue *value)
{
	bool		negative = len > 0 && data[0] == '-';
	int64		result = 0;

	if (len == (negative ? 1 : 0))
		report_malformed(column);
	for (int i = negative ? 1 : 0; i < len; i++)
	{
		int			digit = data[i] - '0';

		/* downwards, since the least number has no counterpart */
		if (digit < 0 || digit > 9 ||
			pg_mul_s64_overflow(result, 10, &result) ||
			pg_sub_s64_overflow(result, digit, &result))
			report_malformed(column);
	}
	if (!negative && result == PG_INT64_MIN)
		report_malformed(column);
	value->u.sint = negative ? result : -result;
}

static void
decode_uint(TextColumn *column, const char *data, int len, SourceValue *value)
{
	uint64		result = 0;

	if (len == 0)
		report_malformed(column);
	for (int i = 0; i < len; i++)
	{
		int			digit = data[i] - '0';

		if (digit < 0 || digit > 9 ||
			pg_mul_u64_overflow(result, 10, &result) ||
			pg_add_u64_overflow(result, digit, &result))
			report_malformed(column);
	}
	value->u.uint = result;
}

static void
decode_float(TextColumn *column, const char *data, int len, SourceValue *value)
{
	value->u.float4 = (float) read_double(column, data, len);
}

static void
decode_double(TextColumn *column, const char *data, int len,
			  SourceValue *value)
{
	value->u.float8 = read_double(column, data, len);
}

static void
decode_decimal(TextColumn *column, const char *data, int len,
			   SourceValue *value)
{
	SourceDecimal *decimal = &column->decimal;
	const char *end = data + len;
	const char *point;
	int			place;			/* decimal places, from the first group's on */

	decimal->negative = len > 0 && *data == '-';
	data += decimal->negative ? 1 : 0;
	if (data == end)
		report_malformed(column);
	while (data < end && *data == '0')
		data++;
	point = memchr(data, '.', end - data);
	if (!point)
		point = end;
	if (end - data > MAX_DECIMAL_GROUPS * DECIMAL_GROUP)
		report_malformed(column);
	decimal->weight = number_of_groups(point - data) - 1;
	decimal->dscale = point < end ? end - point - 1 : 0;
	decimal->ndigits = decimal->weight + 1 + number_of_groups(decimal->dscale);
	decimal->digits = column->digits;
	if (decimal->ndigits > MAX_DECIMAL_GROUPS)
		report_malformed(column);

	/* the point lies between groups: the first may be short, and the last */
	memset(column->digits, 0, decimal->ndigits * sizeof(int16));
	place = (decimal->weight + 1) * DECIMAL_GROUP - (point - data);
	for (; data < end; data++)
	{
		int			digit = *data - '0';

		if (data == point)
			continue;
		if (digit < 0 || digit > 9)
			report_malformed(column);
		column->digits[place / DECIMAL_GROUP] =
			column->digits[place / DECIMAL_GROUP] * 10 + digit;
		place++;
	}
	for (; place % DECIMAL_GROUP != 0; place++)
		column->digits[place / DECIMAL_GROUP] *= 10;
	value->u.decimal = decimal;
}

static void
decode_bits(TextColumn *column, const char *data, int len, SourceValue *value)
{
	int			nbits = column->column->length;

	if (len != (nbits + 7) / 8)
		report_malformed(column);
	value->u.bits.data = (const uint8 *) data;
	value->u.bits.nbits = nbits;
}

static void
decode_date(TextColumn *column, const char *data, int len, SourceValue *value)
{
	const char *pos = data;
	bool		is_date;
	int			days;

	if (!read_calendar(&pos, data + len, &days, &is_date) ||
		pos != data + len)
		report_malformed(column);
	if (is_date)
		value->u.sint = days;
	else
		set_zero_date(value, data, len);
}

static void
decode_time(TextColumn *column, const char *data, int len, SourceValue *value)
{
	const char *pos = data;
	bool		negative = len > 0 && *pos == '-';
	int64		usecs;

	pos += negative ? 1 : 0;
	if (!read_clock(&pos, data + len, &usecs) || pos != data + len)
		report_malformed(column);
	value->u.sint = negative ? -usecs : usecs;
}

static void
decode_datetime(TextColumn *column, const char *data, int len,
				SourceValue *value)
{
	const char *pos = data;
	const char *end = data + len;
	bool		is_date;
	int			days;
	int64		usecs;

	if (!read_calendar(&pos, end, &days, &is_date) ||
		!read_char(&pos, end, ' ') ||
		!read_clock(&pos, end, &usecs) || pos != end)
		report_malformed(column);
	if (is_date)
		value->u.sint = days * USECS_PER_DAY + usecs;
	else
		set_zero_date(value, data, len);
}

static void
decode_text(TextColumn *column, const char *data, int len, SourceValue *value)
{
	value->u.bytes.data = sdb_charset_to_server(column->charset, data, len,
												&value->u.bytes.len);
}

static void
decode_bytes(TextColumn *column, const char *data, int len, SourceValue *value)
{
	value->u.bytes.data = data;
	value->u.bytes.len = len;
}

/* The servers' own format: the SRID, then WKB; nothing for MariaDB's ''. */
static void
decode_geometry(TextColumn *column, const char *data, int len,
				SourceValue *value)
{
	int			head = len == 0 ? 0 : SRID_BYTES;

	if (len < head)
		report_malformed(column);
	value->u.geometry.native = NULL;
	value->u.geometry.srid = 0;
	if (head > 0)
		value->u.geometry.srid = sdb_load_le32((const uint8 *) data);
	value->u.geometry.wkb = data + head;
	value->u.geometry.len = len - head;
}

static void
decode_uuid(TextColumn *column, const char *data, int len, SourceValue *value)
{
	int			ndigits = 0;

	for (int i = 0; i < len; i++)
	{
		static const char digits[] = "0123456789abcdef";
		const char *digit;

		if (data[i] == '-')
			continue;
		digit = strchr(digits, pg_ascii_tolower((unsigned char) data[i]));
		if (!digit || *digit == '\0' || ndigits == 2 * UUID_BYTES)
			report_malformed(column);
		column->bytes[ndigits / 2] = (column->bytes[ndigits / 2] << 4) |
			(digit - digits);
		ndigits++;
	}
	if (ndigits != 2 * UUID_BYTES)
		report_malformed(column);
	value->u.bytes.data = column->bytes;
	value->u.bytes.len = UUID_BYTES;
}

static void
decode_inet4(TextColumn *column, const char *data, int len, SourceValue *value)
{
	if (inet_pton(AF_INET, data, column->bytes) != 1)
		report_malformed(column);
	value->u.bytes.data = column->bytes;
	value->u.bytes.len = sizeof(struct in_addr);
}

static void
decode_inet6(TextColumn *column, const char *data, int len, SourceValue *value)
{
	if (inet_pton(AF_INET6, data, column->bytes) != 1)
		report_malformed(column);
	value->u.bytes.data = column->bytes;
	value->u.bytes.len = sizeof(struct in6_addr);
}

static int
number_of_groups(int ndigits)
{
	return (ndigits + DECIMAL_GROUP - 1) / DECIMAL_GROUP;
}

static void
set_zero_date(SourceValue *value, const char *data, int len)
{
	value->kind = VALUE_ZERODATE;
	value->u.bytes.data = data;
	value->u.bytes.len = len;
}

/* YYYY-MM-DD; false if it does not look so. */
static bool
read_calendar(const char **pos, const char *end, int *days, bool *is_date)
{
	int			year;
	int			month;
	int			day;

	if (!read_digits(pos, end, 4, &year) || !read_char(pos, end, '-') ||
		!read_digits(pos, end, 2, &month) || !read_char(pos, end, '-') ||
		!read_digits(pos, end, 2, &day))
		return false;
	*is_date = sdb_calendar_is_date(year, month, day);
	*days = *is_date ? sdb_calendar_to_days(year, month, day) : 0;
	return true;
}

/* HH:MM:SS or HHH:MM:SS, perhaps a fraction; false if it is something else. */
static bool
read_clock(const char **pos, const char *end, int64 *usecs)
{
	int			hour;
	int			minute;
	int			second;
	int			fraction = 0;

	if (!read_digits(pos, end, 3, &hour) || !read_char(pos, end, ':') ||
		!read_digits(pos, end, 2, &minute) || !read_char(pos, end, ':') ||
		!read_digits(pos, end, 2, &second))
		return false;
	if (*pos < end)
	{
		const char *start = *pos + 1;

		if (!read_char(pos, end, '.') || !read_digits(pos, end, 6, &fraction))
			return false;
		for (int n = *pos - start; n < 6; n++)
			fraction *= 10;
	}
	*usecs = hour * USECS_PER_HOUR + minute * USECS_PER_MINUTE +
		second * USECS_PER_SEC + fraction;
	return true;
}

static bool
read_digits(const char **pos, const char *end, int max_digits, int *number)
{
	const char *start = *pos;

	*number = 0;
	while (*pos < end && *pos - start < max_digits &&
		   **pos >= '0' && **pos <= '9')
		*number = *number * 10 + (*(*pos)++ - '0');
	return *pos > start;
}

static bool
read_char(const char **pos, const char *end, char expected)
{
	if (*pos == end || **pos != expected)
		return false;
	(*pos)++;
	return true;
}

/* Fields are NUL-terminated. */
static double
read_double(TextColumn *column, const char *data, int len)
{
	char	   *end;
	double		result = strtod(data, &end);

	if (len == 0 || end != data + len)
		report_malformed(column);
	return result;
}

static void
report_malformed(const TextColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("malformed value of type \"%s\" for column \"%s\" of table \"%s\"",
					column->column->type_name, column->column->name,
					column->table->id)));
}
