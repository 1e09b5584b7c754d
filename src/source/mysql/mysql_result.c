/*
 * mysql_result.c --- rows of a result set, as a snapshot reads them
 *
 * A row of the protocol's binary form is a packet: a zero byte, a bitmap of
 * what is NULL (its first two bits stand for nothing), and the values one
 * after the other.  Numbers are little-endian and of the size of their type,
 * so they are read as those of the binary log are; dates and times have
 * decoders of their own in mysql_row_temporal.c.  All else is counted: a
 * packed length and so many bytes, often text, whose decoders are here.
 *
 * Each column has one decoder, chosen when the plan is made.  Those of counted
 * values allocate nothing, except where text goes to a server encoding other
 * than UTF8: decimals, addresses and the like are built in the plan, one slot
 * a column, and last until the next row.
 *
 * Format: "Binary Protocol Resultset Row" in the documentation of both
 * servers.
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "source/mysql/mysql_result.h"
#include "source/mysql/mysql_row_values.h"
#include "source/mysql/mysql_types.h"
#include "util/charset.h"
#include "util/compat.h"
#include "util/error_position.h"

/* Decimal digits in one of base 10000, and how many of these 65 can fill */
#define DECIMAL_GROUP		4
#define MAX_DECIMAL_GROUPS	((65 + 2 * (DECIMAL_GROUP - 1)) / DECIMAL_GROUP)

#define UUID_BYTES			16
#define SRID_BYTES			4

#define NULLS_OFFSET		2		/* of the bitmap's first column, in bits */

typedef struct ResultColumn ResultColumn;

/* Reads a value from its bytes; value->kind is set as declared. */
typedef void CountedDecoder(ResultColumn *column, const char *data, int len,
							SourceValue *value);

struct ResultColumn
{
	RowDecoder *read;			/* NULL if the value is counted */
	RowColumn	plan;			/* for read */
	CountedDecoder *decode;		/* NULL if read is set */
	const SourceTable *table;	/* for messages */
	const SourceColumn *column;
	const Charset *charset;		/* of the session: utf8mb4 */
	SourceDecimal decimal;		/* the value of the row, where needed */
	int16		digits[MAX_DECIMAL_GROUPS];
	char		bytes[UUID_BYTES];	/* of a UUID or an address */
};

struct MysqlResultPlan
{
	int			ncolumns;
	ResultColumn columns[FLEXIBLE_ARRAY_MEMBER];
};

/* ResultType --- how values of a type arrive */
typedef struct ResultType
{
	uint8		sent;			/* type that the result has; 0 if counted */
	RowDecoder *read;
	RowDecoder *read_unsigned;	/* NULL if the same */
	CountedDecoder *decode;
} ResultType;

static CountedDecoder decode_decimal;
static CountedDecoder decode_bits;
static CountedDecoder decode_text;
static CountedDecoder decode_bytes;
static CountedDecoder decode_geometry;
static CountedDecoder decode_uuid;
static CountedDecoder decode_inet4;
static CountedDecoder decode_inet6;

/* By the type of a column */
static const ResultType types[] = {
	[MYSQL_T_TINYINT] = {MYSQL_STORED_TINY,
	sdb_mysql_row_int8, sdb_mysql_row_uint8},
	[MYSQL_T_SMALLINT] = {MYSQL_STORED_SHORT,
	sdb_mysql_row_int16, sdb_mysql_row_uint16},
	[MYSQL_T_MEDIUMINT] = {MYSQL_STORED_INT24,
	sdb_mysql_row_int32, sdb_mysql_row_uint32},
	[MYSQL_T_INT] = {MYSQL_STORED_LONG,
	sdb_mysql_row_int32, sdb_mysql_row_uint32},
	[MYSQL_T_BIGINT] = {MYSQL_STORED_LONGLONG,
	sdb_mysql_row_int64, sdb_mysql_row_uint64},
	[MYSQL_T_FLOAT] = {MYSQL_STORED_FLOAT, sdb_mysql_row_float},
	[MYSQL_T_DOUBLE] = {MYSQL_STORED_DOUBLE, sdb_mysql_row_double},
	[MYSQL_T_DECIMAL] = {.decode = decode_decimal},
	[MYSQL_T_BIT] = {.decode = decode_bits},
	[MYSQL_T_YEAR] = {MYSQL_STORED_YEAR, sdb_mysql_row_int16},
	[MYSQL_T_DATE] = {MYSQL_STORED_DATE, sdb_mysql_row_date_parts},
	[MYSQL_T_TIME] = {MYSQL_STORED_TIME, sdb_mysql_row_time_parts},
	[MYSQL_T_DATETIME] = {MYSQL_STORED_DATETIME,
	sdb_mysql_row_datetime_parts},
	[MYSQL_T_TIMESTAMP] = {MYSQL_STORED_TIMESTAMP,
	sdb_mysql_row_timestamp_parts},
	[MYSQL_T_CHAR] = {.decode = decode_text},
	[MYSQL_T_VARCHAR] = {.decode = decode_text},
	[MYSQL_T_TEXT] = {.decode = decode_text},
	[MYSQL_T_BINARY] = {.decode = decode_bytes},
	[MYSQL_T_VARBINARY] = {.decode = decode_bytes},
	[MYSQL_T_BLOB] = {.decode = decode_bytes},
	[MYSQL_T_ENUM] = {.decode = decode_text},
	[MYSQL_T_SET] = {.decode = decode_text},
	[MYSQL_T_JSON] = {.decode = decode_text},
	[MYSQL_T_GEOMETRY] = {.decode = decode_geometry},
	[MYSQL_T_UUID] = {.decode = decode_uuid},
	[MYSQL_T_INET4] = {.decode = decode_inet4},
	[MYSQL_T_INET6] = {.decode = decode_inet6},
	[MYSQL_T_VECTOR] = {.decode = decode_bytes},
};

static bool is_sent_as(const ResultColumn *column, int sent,
					   bool is_unsigned);
static void read_counted(ResultColumn *column, ByteCursor *cur,
						 SourceValue *value);
static void decode_address(ResultColumn *column, int family,
						   const char *data, int len, SourceValue *value);
static int	number_of_groups(int ndigits);
pg_noreturn static void report_malformed(const ResultColumn *column);

MysqlResultPlan *
sdb_mysql_result_plan(const SourceTable *table)
{
	MysqlResultPlan *plan = palloc0(offsetof(MysqlResultPlan, columns) +
									table->ncolumns * sizeof(ResultColumn));

	plan->ncolumns = table->ncolumns;
	for (int i = 0; i < table->ncolumns; i++)
	{
		ResultColumn *column = &plan->columns[i];
		const ResultType *type =
			&types[sdb_mysql_types_of(&table->columns[i])];

		column->table = table;
		column->column = &table->columns[i];
		column->charset = sdb_charset_find("utf8mb4");
		column->plan.name = column->column->name;
		column->plan.scale = Max(column->column->scale, 0);
		column->decode = type->decode;
		column->read = type->read;
		if (type->read_unsigned != NULL &&
			sdb_mysql_types_is_unsigned(column->column))
			column->read = type->read_unsigned;
	}
	return plan;
}

void
sdb_mysql_result_check(const MysqlResultPlan *plan, int idx0, int sent,
					   bool is_unsigned)
{
	const ResultColumn *column = &plan->columns[idx0];

	if (is_sent_as(column, sent, is_unsigned))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("column \"%s\" of table \"%s\" is not of its type any more",
					column->column->name, column->table->id),
			 errdetail("It is defined as %s, the source sends type %d.",
					   column->column->type_name, sent)));
}

void
sdb_mysql_result_row(MysqlResultPlan *plan, const uint8 *data, Size len,
					 SourceValue *row)
{
	ByteCursor	cur;
	const uint8 *nulls;

	sdb_bytes_init(&cur, data, len, "row");
	if (sdb_bytes_u8(&cur) != 0)
		sdb_mysql_malformed(&cur, "A row does not begin with %u.", data[0]);
	nulls = sdb_bytes_take(&cur, (plan->ncolumns + NULLS_OFFSET + 7) / 8);

	for (int i = 0; i < plan->ncolumns; i++)
	{
		ResultColumn *column = &plan->columns[i];
		int			bit = i + NULLS_OFFSET;

		if (nulls[bit / 8] & (1 << (bit % 8)))
		{
			row[i].kind = VALUE_NULL;
			continue;
		}
		sdb_error_position.column = column->plan.name;
		if (column->read != NULL)
			column->read(&cur, &column->plan, &row[i]);
		else
			read_counted(column, &cur, &row[i]);
	}
	sdb_error_position.column = NULL;
	if (sdb_bytes_left(&cur) != 0)
		sdb_mysql_malformed(&cur, "%zu bytes stand behind the last column.",
							sdb_bytes_left(&cur));
}

/* Of the types that servers send, those up to NEWDATE are not counted. */
static bool
is_sent_as(const ResultColumn *column, int sent, bool is_unsigned)
{
	const ResultType *type = &types[sdb_mysql_types_of(column->column)];

	if (type->sent == 0)
		return sent > MYSQL_STORED_NEWDATE;
	if (type->sent != sent)
		return false;
	return type->read_unsigned == NULL ||
		is_unsigned == sdb_mysql_types_is_unsigned(column->column);
}

static void
read_counted(ResultColumn *column, ByteCursor *cur, SourceValue *value)
{
	ByteCursor	block = sdb_mysql_packed_block(cur);
	Size		len = sdb_bytes_left(&block);

	if (len > PG_INT32_MAX)
		report_malformed(column);
	value->kind = column->column->kind;
	column->decode(column, (const char *) block.pos, (int) len, value);
}

static void
decode_decimal(ResultColumn *column, const char *data, int len,
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
decode_bits(ResultColumn *column, const char *data, int len,
			SourceValue *value)
{
	int			nbits = column->column->length;

	if (len != (nbits + 7) / 8)
		report_malformed(column);
	value->u.bits.data = (const uint8 *) data;
	value->u.bits.nbits = nbits;
}

static void
decode_text(ResultColumn *column, const char *data, int len,
			SourceValue *value)
{
	value->u.bytes.data = sdb_charset_to_server(column->charset, data, len,
												&value->u.bytes.len);
}

static void
decode_bytes(ResultColumn *column, const char *data, int len,
			 SourceValue *value)
{
	value->u.bytes.data = data;
	value->u.bytes.len = len;
}

/* The servers' own format: the SRID, then WKB; nothing for MariaDB's ''. */
static void
decode_geometry(ResultColumn *column, const char *data, int len,
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
decode_uuid(ResultColumn *column, const char *data, int len,
			SourceValue *value)
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
decode_inet4(ResultColumn *column, const char *data, int len,
			 SourceValue *value)
{
	decode_address(column, AF_INET, data, len, value);
}

static void
decode_inet6(ResultColumn *column, const char *data, int len,
			 SourceValue *value)
{
	decode_address(column, AF_INET6, data, len, value);
}

static void
decode_address(ResultColumn *column, int family, const char *data, int len,
			   SourceValue *value)
{
	char		text[INET6_ADDRSTRLEN];

	if (len >= sizeof(text))
		report_malformed(column);
	memcpy(text, data, len);
	text[len] = '\0';
	if (inet_pton(family, text, column->bytes) != 1)
		report_malformed(column);
	value->u.bytes.data = column->bytes;
	value->u.bytes.len = family == AF_INET ? sizeof(struct in_addr) :
		sizeof(struct in6_addr);
}

static int
number_of_groups(int ndigits)
{
	return (ndigits + DECIMAL_GROUP - 1) / DECIMAL_GROUP;
}

static void
report_malformed(const ResultColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("malformed value of type \"%s\" for column \"%s\" of table \"%s\"",
					column->column->type_name, column->column->name,
					column->table->id)));
}
