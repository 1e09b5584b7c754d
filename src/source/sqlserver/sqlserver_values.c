/*
 * sqlserver_values.c --- from fields of a result to SourceValues
 *
 * Each column has one decoder, chosen by its type when the plan is made, and
 * the wire type that the decoder reads, compared when a result is opened.
 * Most columns are read as they are.  Types whose bytes mean nothing outside
 * of the server, or less than their text, are read through an expression.
 *
 * The client library's forms (FreeTDS, sybdb.h), in the machine's byte order:
 *
 *		decimal			uint8 precision, uint8 scale, uint8 is_negative, then
 *						the magnitude, most significant byte first, in as many
 *						bytes as the precision needs
 *		money			int32 high, uint32 low: ten-thousandths
 *		datetime		int32 days since 1900, uint32 1/300 seconds
 *		smalldatetime	uint16 days since 1900, uint16 minutes
 *		date, time, datetime2, datetimeoffset
 *						uint64 100 ns of the day, int32 days since 1900, both
 *						in UTC, and 4 bytes that do not matter here
 *		uuid			the first three groups have their bytes reversed
 *
 * Fractions of a second beyond microseconds are cut.  Three-hundredths are
 * shown as milliseconds, rounded as the server rounds them.
 */
#include "postgres.h"

#include "change/change.h"
#include "port/pg_bswap.h"
#include "utils/timestamp.h"

#include "source/sqlserver/sqlserver_clr.h"
#include "source/sqlserver/sqlserver_types.h"
#include "source/sqlserver/sqlserver_values.h"
#include "util/bytes.h"
#include "util/charset.h"
#include "util/compat.h"
#include "util/error_position.h"

#define UUID_BYTES				16
#define DAYS_1900_TO_2000		36524
#define TICKS_100NS_PER_USEC	10

/* decimal: 38 digits, in groups of four around the point */
#define MAX_PRECISION			38
#define DECIMAL_GROUP			4
#define DECIMAL_BASE			10000
#define MAX_DECIMAL_GROUPS		(MAX_PRECISION / DECIMAL_GROUP + 2)
#define DECIMAL_HEADER			3	/* precision, scale, sign */
#define DECIMAL_WORDS			5	/* of 32 bits: 16 bytes times 1000 */

typedef struct PlanColumn PlanColumn;

typedef void (*FieldDecoder) (PlanColumn *column, const uint8 *data, int len,
							  SourceValue *value);

struct PlanColumn
{
	FieldDecoder decode;
	SqlServerWireType wire;
	const SourceColumn *column;
	SqlServerPlan *plan;
	int			field;			/* idx0 of the open result; -1 if not there */
	SourceDecimal decimal;		/* the value of the row, where needed */
	int16		digits[MAX_DECIMAL_GROUPS];
	char		uuid[UUID_BYTES];
};

struct SqlServerPlan
{
	const SourceTable *table;
	SqlServerConn *conn;		/* of the open result */
	const Charset *charset;		/* of text that the library gives: UTF-8 */
	PlanColumn	columns[FLEXIBLE_ARRAY_MEMBER];
};

/* Decoding --- how values of a type are read */
typedef struct Decoding
{
	SqlServerWireType wire;
	FieldDecoder decode;
	const char *expression;		/* %s is the column; NULL for itself */
} Decoding;

static void decode_bit(PlanColumn *column, const uint8 *data, int len,
					   SourceValue *value);
static void decode_tinyint(PlanColumn *column, const uint8 *data, int len,
						   SourceValue *value);
static void decode_smallint(PlanColumn *column, const uint8 *data, int len,
							SourceValue *value);
static void decode_int(PlanColumn *column, const uint8 *data, int len,
					   SourceValue *value);
static void decode_bigint(PlanColumn *column, const uint8 *data, int len,
						  SourceValue *value);
static void decode_real(PlanColumn *column, const uint8 *data, int len,
						SourceValue *value);
static void decode_float(PlanColumn *column, const uint8 *data, int len,
						 SourceValue *value);
static void decode_decimal(PlanColumn *column, const uint8 *data, int len,
						   SourceValue *value);
static void decode_money(PlanColumn *column, const uint8 *data, int len,
						 SourceValue *value);
static void decode_smallmoney(PlanColumn *column, const uint8 *data, int len,
							  SourceValue *value);
static void decode_date(PlanColumn *column, const uint8 *data, int len,
						SourceValue *value);
static void decode_time(PlanColumn *column, const uint8 *data, int len,
						SourceValue *value);
static void decode_moment(PlanColumn *column, const uint8 *data, int len,
						  SourceValue *value);
static void decode_datetime(PlanColumn *column, const uint8 *data, int len,
							SourceValue *value);
static void decode_smalldatetime(PlanColumn *column, const uint8 *data,
								 int len, SourceValue *value);
static void decode_text(PlanColumn *column, const uint8 *data, int len,
						SourceValue *value);
static void decode_bytes(PlanColumn *column, const uint8 *data, int len,
						 SourceValue *value);
static void decode_uuid(PlanColumn *column, const uint8 *data, int len,
						SourceValue *value);
static void decode_geometry(PlanColumn *column, const uint8 *data, int len,
							SourceValue *value);
static void decode_geography(PlanColumn *column, const uint8 *data, int len,
							 SourceValue *value);

/* The text of an XML value, of JSON or of a vector */
#define AS_TEXT "CONVERT(nvarchar(max), %s)"

/*
 * A variant as text that loses nothing.  By default numbers are cut to six
 * digits, money to two, and times follow the language.
 */
#define VARIANT_AS_TEXT \
	"CASE CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(%s, 'BaseType'))" \
	" WHEN 'float' THEN CONVERT(nvarchar(4000), CONVERT(float, %s), 3)" \
	" WHEN 'real' THEN CONVERT(nvarchar(4000), CONVERT(real, %s), 3)" \
	" WHEN 'money' THEN CONVERT(nvarchar(4000), CONVERT(money, %s), 2)" \
	" WHEN 'smallmoney' THEN CONVERT(nvarchar(4000), CONVERT(money, %s), 2)" \
	" WHEN 'datetime' THEN CONVERT(nvarchar(4000), CONVERT(datetime2(3), %s), 121)" \
	" WHEN 'smalldatetime' THEN CONVERT(nvarchar(4000), CONVERT(datetime2(0), %s), 121)" \
	" WHEN 'datetime2' THEN CONVERT(nvarchar(4000), CONVERT(datetime2(7), %s), 121)" \
	" WHEN 'datetimeoffset' THEN CONVERT(nvarchar(4000), CONVERT(datetimeoffset(7), %s), 121)" \
	" WHEN 'date' THEN CONVERT(nvarchar(4000), CONVERT(date, %s), 121)" \
	" WHEN 'time' THEN CONVERT(nvarchar(4000), CONVERT(time(7), %s), 121)" \
	" WHEN 'binary' THEN CONVERT(nvarchar(max), CONVERT(varbinary(8000), %s), 1)" \
	" WHEN 'varbinary' THEN CONVERT(nvarchar(max), CONVERT(varbinary(8000), %s), 1)" \
	" WHEN 'varchar' THEN CONVERT(nvarchar(max), CONVERT(varchar(8000), %s))" \
	" WHEN 'char' THEN CONVERT(nvarchar(max), CONVERT(varchar(8000), %s))" \
	" ELSE CONVERT(nvarchar(4000), %s) END"

static const Decoding decodings[] = {
	[SQLSERVER_T_BIT] = {WIRE_BIT, decode_bit},
	[SQLSERVER_T_TINYINT] = {WIRE_TINYINT, decode_tinyint},
	[SQLSERVER_T_SMALLINT] = {WIRE_SMALLINT, decode_smallint},
	[SQLSERVER_T_INT] = {WIRE_INT, decode_int},
	[SQLSERVER_T_BIGINT] = {WIRE_BIGINT, decode_bigint},
	[SQLSERVER_T_DECIMAL] = {WIRE_DECIMAL, decode_decimal},
	[SQLSERVER_T_MONEY] = {WIRE_MONEY, decode_money},
	[SQLSERVER_T_SMALLMONEY] = {WIRE_SMALLMONEY, decode_smallmoney},
	[SQLSERVER_T_REAL] = {WIRE_REAL, decode_real},
	[SQLSERVER_T_FLOAT] = {WIRE_FLOAT, decode_float},
	[SQLSERVER_T_DATE] = {WIRE_DATE, decode_date},
	[SQLSERVER_T_TIME] = {WIRE_TIME, decode_time},
	[SQLSERVER_T_SMALLDATETIME] = {WIRE_SMALLDATETIME, decode_smalldatetime},
	[SQLSERVER_T_DATETIME] = {WIRE_DATETIME, decode_datetime},
	[SQLSERVER_T_DATETIME2] = {WIRE_DATETIME2, decode_moment},
	[SQLSERVER_T_DATETIMEOFFSET] = {WIRE_DATETIMEOFFSET, decode_moment},
	[SQLSERVER_T_CHAR] = {WIRE_TEXT, decode_text},
	[SQLSERVER_T_VARCHAR] = {WIRE_TEXT, decode_text},
	[SQLSERVER_T_TEXT] = {WIRE_TEXT, decode_text},
	[SQLSERVER_T_BINARY] = {WIRE_BYTES, decode_bytes},
	[SQLSERVER_T_VARBINARY] = {WIRE_BYTES, decode_bytes},
	[SQLSERVER_T_IMAGE] = {WIRE_BYTES, decode_bytes},
	[SQLSERVER_T_ROWVERSION] = {WIRE_BYTES, decode_bytes},
	[SQLSERVER_T_UNIQUEIDENTIFIER] = {WIRE_UUID, decode_uuid},
	[SQLSERVER_T_XML] = {WIRE_TEXT, decode_text, AS_TEXT},
	[SQLSERVER_T_JSON] = {WIRE_TEXT, decode_text, AS_TEXT},
	[SQLSERVER_T_VECTOR] = {WIRE_TEXT, decode_text, AS_TEXT},
	[SQLSERVER_T_VARIANT] = {WIRE_TEXT, decode_text, VARIANT_AS_TEXT},
	[SQLSERVER_T_HIERARCHYID] = {WIRE_TEXT, decode_text, "%s.ToString()"},
	[SQLSERVER_T_GEOMETRY] = {WIRE_BYTES, decode_geometry},
	[SQLSERVER_T_GEOGRAPHY] = {WIRE_BYTES, decode_geography},
};

static void set_decimal(PlanColumn *column, uint32 *words, int scale,
						bool negative, SourceValue *value);
static uint32 divide(uint32 *words, uint32 divisor);
static void multiply(uint32 *words, uint32 factor);
static void set_moment(SourceValue *value, int64 days, int64 usecs);
static char *describe_row(SqlServerPlan *plan);
pg_noreturn static void report_damaged(SqlServerPlan *plan);
static char *name_texts(SqlServerPlan *plan, bool with_question_marks);
pg_noreturn static void report_malformed(const PlanColumn *column);

void
sdb_sqlserver_values_select(StringInfo buf, const SourceColumn *column,
							const char *qualifier)
{
	const Decoding *decoding = &decodings[sdb_sqlserver_types_of(column)];
	const char *expression =
		decoding->expression ? decoding->expression : "%s";
	char	   *name = sdb_sqlserver_conn_identifier(column->name);
	const char *p;

	if (qualifier != NULL)
		name = psprintf("%s.%s", qualifier, name);
	for (p = expression; *p != '\0'; p++)
	{
		if (p[0] == '%' && p[1] == 's')
		{
			appendStringInfoString(buf, name);
			p++;
		}
		else
			appendStringInfoChar(buf, *p);
	}
}

SqlServerPlan *
sdb_sqlserver_values_plan(const SourceTable *table)
{
	SqlServerPlan *plan = palloc0(offsetof(SqlServerPlan, columns) +
								  table->ncolumns * sizeof(PlanColumn));

	plan->table = table;
	plan->charset = sdb_charset_find("utf8mb4");
	if (plan->charset == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot copy from SQL Server into a database with this encoding"),
				 errdetail("PostgreSQL has no conversion from UTF8 to it.")));
	for (int i = 0; i < table->ncolumns; i++)
	{
		PlanColumn *column = &plan->columns[i];
		const Decoding *decoding;

		column->plan = plan;
		column->column = &table->columns[i];
		decoding = &decodings[sdb_sqlserver_types_of(column->column)];
		column->decode = decoding->decode;
		column->wire = decoding->wire;
		column->field = -1;
	}
	return plan;
}

void
sdb_sqlserver_values_begin(SqlServerPlan *plan, SqlServerConn *conn,
						   const int *fields)
{
	int			nfields = sdb_sqlserver_conn_nfields(conn);

	plan->conn = conn;
	for (int i = 0; i < plan->table->ncolumns; i++)
	{
		PlanColumn *column = &plan->columns[i];

		column->field = fields != NULL ? fields[i] : i;
		if (column->field < 0)
			continue;
		if (column->field >= nfields)
			report_malformed(column);
		if (sdb_sqlserver_conn_type(conn, column->field) != column->wire)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("column \"%s\" of table \"%s\" is not of type \"%s\" any more",
							column->column->name, plan->table->id,
							column->column->type_name)));
	}
}

void
sdb_sqlserver_values_row(SqlServerPlan *plan, SourceValue *row)
{
	if (sdb_sqlserver_conn_damaged(plan->conn))
		report_damaged(plan);
	for (int i = 0; i < plan->table->ncolumns; i++)
	{
		PlanColumn *column = &plan->columns[i];
		const uint8 *data;
		int			len;

		if (column->field < 0)
		{
			row[i].kind = VALUE_UNCHANGED;
			continue;
		}
		data = sdb_sqlserver_conn_field(plan->conn, column->field, &len);
		if (data == NULL)
		{
			row[i].kind = VALUE_NULL;
			continue;
		}
		sdb_error_position.column = column->column->name;
		row[i].kind = column->column->kind;
		column->decode(column, data, len, &row[i]);
	}
	sdb_error_position.column = NULL;
}

static void
decode_bit(PlanColumn *column, const uint8 *data, int len, SourceValue *value)
{
	if (len != sizeof(uint8))
		report_malformed(column);
	value->u.boolean = data[0] != 0;
}

static void
decode_tinyint(PlanColumn *column, const uint8 *data, int len,
			   SourceValue *value)
{
	if (len != sizeof(uint8))
		report_malformed(column);
	value->u.sint = data[0];
}

static void
decode_smallint(PlanColumn *column, const uint8 *data, int len,
				SourceValue *value)
{
	int16		number;

	if (len != sizeof(number))
		report_malformed(column);
	memcpy(&number, data, sizeof(number));
	value->u.sint = number;
}

static void
decode_int(PlanColumn *column, const uint8 *data, int len, SourceValue *value)
{
	int32		number;

	if (len != sizeof(number))
		report_malformed(column);
	memcpy(&number, data, sizeof(number));
	value->u.sint = number;
}

static void
decode_bigint(PlanColumn *column, const uint8 *data, int len,
			  SourceValue *value)
{
	if (len != sizeof(int64))
		report_malformed(column);
	memcpy(&value->u.sint, data, sizeof(int64));
}

static void
decode_real(PlanColumn *column, const uint8 *data, int len,
			SourceValue *value)
{
	if (len != sizeof(float))
		report_malformed(column);
	memcpy(&value->u.float4, data, sizeof(float));
}

static void
decode_float(PlanColumn *column, const uint8 *data, int len,
			 SourceValue *value)
{
	if (len != sizeof(double))
		report_malformed(column);
	memcpy(&value->u.float8, data, sizeof(double));
}

static void
decode_decimal(PlanColumn *column, const uint8 *data, int len,
			   SourceValue *value)
{
	uint32		words[DECIMAL_WORDS] = {0};
	int			precision;
	int			nbytes;

	if (len <= DECIMAL_HEADER || data[0] < 1 || data[0] > MAX_PRECISION ||
		data[1] > data[0])
		report_malformed(column);
	precision = data[0];
	/* bits of 10 ^ precision, in whole bytes */
	nbytes = ((precision * 33220 + 9999) / 10000 + 7) / 8;
	if (len < DECIMAL_HEADER + nbytes)
		report_malformed(column);

	for (int i = 0; i < nbytes; i++)
	{
		int			place = nbytes - 1 - i;	/* least significant is 0 */
		uint32		byte = data[DECIMAL_HEADER + i];

		words[place / 4] |= byte << (place % 4 * 8);
	}
	set_decimal(column, words, data[1], data[2] != 0, value);
}

static void
decode_money(PlanColumn *column, const uint8 *data, int len,
			 SourceValue *value)
{
	uint32		words[DECIMAL_WORDS] = {0};
	int32		high;
	uint32		low;
	uint64		magnitude;

	if (len != sizeof(high) + sizeof(low))
		report_malformed(column);
	memcpy(&high, data, sizeof(high));
	memcpy(&low, data + sizeof(high), sizeof(low));
	magnitude = (uint64) (uint32) high << 32 | low;
	if (high < 0)
		magnitude = -magnitude;
	words[0] = (uint32) magnitude;
	words[1] = (uint32) (magnitude >> 32);
	set_decimal(column, words, DECIMAL_GROUP, high < 0, value);
}

static void
decode_smallmoney(PlanColumn *column, const uint8 *data, int len,
				  SourceValue *value)
{
	uint32		words[DECIMAL_WORDS] = {0};
	int32		number;

	if (len != sizeof(number))
		report_malformed(column);
	memcpy(&number, data, sizeof(number));
	words[0] = number < 0 ? -(uint32) number : (uint32) number;
	set_decimal(column, words, DECIMAL_GROUP, number < 0, value);
}

/* Signed days, then the time of the day; see the head of the file. */
static void
read_moment(PlanColumn *column, const uint8 *data, int len, int64 *usecs,
			int32 *days)
{
	uint64		time;

	if (len < sizeof(time) + sizeof(*days))
		report_malformed(column);
	memcpy(&time, data, sizeof(time));
	memcpy(days, data + sizeof(time), sizeof(*days));
	if (time >= (uint64) USECS_PER_DAY * TICKS_100NS_PER_USEC)
		report_malformed(column);
	*usecs = time / TICKS_100NS_PER_USEC;
}

static void
decode_date(PlanColumn *column, const uint8 *data, int len,
			SourceValue *value)
{
	int64		usecs;
	int32		days;

	read_moment(column, data, len, &usecs, &days);
	value->u.sint = (int64) days - DAYS_1900_TO_2000;
}

static void
decode_time(PlanColumn *column, const uint8 *data, int len,
			SourceValue *value)
{
	int32		days;

	read_moment(column, data, len, &value->u.sint, &days);
}

static void
decode_moment(PlanColumn *column, const uint8 *data, int len,
			  SourceValue *value)
{
	int64		usecs;
	int32		days;

	read_moment(column, data, len, &usecs, &days);
	set_moment(value, days, usecs);
}

static void
decode_datetime(PlanColumn *column, const uint8 *data, int len,
				SourceValue *value)
{
	int32		days;
	uint32		ticks;

	if (len != sizeof(days) + sizeof(ticks))
		report_malformed(column);
	memcpy(&days, data, sizeof(days));
	memcpy(&ticks, data + sizeof(days), sizeof(ticks));
	if (ticks >= SECS_PER_DAY * 300)
		report_malformed(column);
	set_moment(value, days, ((int64) ticks * 10 + 1) / 3 * 1000);
}

static void
decode_smalldatetime(PlanColumn *column, const uint8 *data, int len,
					 SourceValue *value)
{
	uint16		days;
	uint16		minutes;

	if (len != sizeof(days) + sizeof(minutes))
		report_malformed(column);
	memcpy(&days, data, sizeof(days));
	memcpy(&minutes, data + sizeof(days), sizeof(minutes));
	set_moment(value, days, minutes * USECS_PER_MINUTE);
}

static void
decode_text(PlanColumn *column, const uint8 *data, int len,
			SourceValue *value)
{
	if (memchr(data, '\0', len) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("column \"%s\" of table \"%s\" holds the character U+0000, which PostgreSQL cannot store",
						column->column->name, column->plan->table->id),
				 errdetail("The row is %s.", describe_row(column->plan)),
				 errhint("Correct the value at the source, or give the source column type varbinary.")));
	value->u.bytes.data = sdb_charset_to_server(column->plan->charset,
												(const char *) data, len,
												&value->u.bytes.len);
}

static void
decode_bytes(PlanColumn *column, const uint8 *data, int len,
			 SourceValue *value)
{
	value->u.bytes.data = (const char *) data;
	value->u.bytes.len = len;
}

static void
decode_uuid(PlanColumn *column, const uint8 *data, int len,
			SourceValue *value)
{
	static const uint8 order[UUID_BYTES] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
	};

	if (len != UUID_BYTES)
		report_malformed(column);
	for (int i = 0; i < UUID_BYTES; i++)
		column->uuid[i] = data[order[i]];
	value->u.bytes.data = column->uuid;
	value->u.bytes.len = UUID_BYTES;
}

static void
decode_geometry(PlanColumn *column, const uint8 *data, int len,
				SourceValue *value)
{
	sdb_sqlserver_clr_geometry(data, len, false, &value->u.geometry);
}

static void
decode_geography(PlanColumn *column, const uint8 *data, int len,
				 SourceValue *value)
{
	sdb_sqlserver_clr_geometry(data, len, true, &value->u.geometry);
}

/*
 * The number in words, least significant first, divided by 10 ^ scale.  Words
 * are used up.
 */
static void
set_decimal(PlanColumn *column, uint32 *words, int scale, bool negative,
			SourceValue *value)
{
	static const uint32 powers[DECIMAL_GROUP] = {1, 1000, 100, 10};
	SourceDecimal *decimal = &column->decimal;
	int			nfraction = (scale + DECIMAL_GROUP - 1) / DECIMAL_GROUP;
	int			n = 0;
	int16		reversed[MAX_DECIMAL_GROUPS];

	/* the last group of the fraction is filled with zeros */
	multiply(words, powers[scale % DECIMAL_GROUP]);
	for (int i = 0; i < MAX_DECIMAL_GROUPS; i++)
	{
		reversed[i] = divide(words, DECIMAL_BASE);
		if (reversed[i] != 0)
			n = i + 1;
	}
	for (int i = 0; i < DECIMAL_WORDS; i++)
	{
		if (words[i] != 0)
			report_malformed(column);
	}

	for (int i = 0; i < n; i++)
		column->digits[i] = reversed[n - 1 - i];
	decimal->ndigits = n;
	decimal->weight = n - 1 - nfraction;
	decimal->negative = negative && n > 0;
	decimal->dscale = scale;
	decimal->digits = column->digits;
	value->u.decimal = decimal;
}

/* Divides in place; result: the remainder. */
static uint32
divide(uint32 *words, uint32 divisor)
{
	uint64		rest = 0;

	for (int i = DECIMAL_WORDS - 1; i >= 0; i--)
	{
		rest = rest << 32 | words[i];
		words[i] = (uint32) (rest / divisor);
		rest %= divisor;
	}
	return (uint32) rest;
}

static void
multiply(uint32 *words, uint32 factor)
{
	uint64		carry = 0;

	for (int i = 0; i < DECIMAL_WORDS; i++)
	{
		carry += (uint64) words[i] * factor;
		words[i] = (uint32) carry;
		carry >>= 32;
	}
}

static void
set_moment(SourceValue *value, int64 days, int64 usecs)
{
	value->u.sint = (days - DAYS_1900_TO_2000) * USECS_PER_DAY + usecs;
}

/* The row's key as text, for messages: id=1 part='a' */
static char *
describe_row(SqlServerPlan *plan)
{
	StringInfoData buf;

	if (plan->table->nkeys == 0)
		return "one of a table without primary key";
	initStringInfo(&buf);
	for (int i = 0; i < plan->table->nkeys; i++)
	{
		PlanColumn *column = &plan->columns[plan->table->keys[i]];
		SourceValue value = {.kind = VALUE_NULL};
		const uint8 *data = NULL;
		int			len;

		if (column->field >= 0)
			data = sdb_sqlserver_conn_field(plan->conn, column->field, &len);
		if (data != NULL && memchr(data, '\0', len) != NULL &&
			column->wire == WIRE_TEXT)
			len = strlen((const char *) data);
		if (data != NULL)
		{
			value.kind = column->column->kind;
			column->decode(column, data, len, &value);
		}
		appendStringInfo(&buf, "%s%s=", i > 0 ? " " : "",
						 column->column->name);
		sdb_value_to_text(&buf, &value);
	}
	return buf.data;
}

/*
 * The library does not say which text was damaged.  It puts question marks in
 * place of what it cannot read, or ends the text there.
 */
static void
report_damaged(SqlServerPlan *plan)
{
	char	   *names = name_texts(plan, true);

	if (names[0] == '\0')
		names = name_texts(plan, false);
	ereport(ERROR,
			(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			 errmsg("column %s of table \"%s\" holds text that is no valid Unicode",
					names, plan->table->id),
			 errdetail("The row is %s; it has half of a surrogate pair or bytes that are not of the column's code page.",
					   describe_row(plan)),
			 errhint("Correct the value at the source.")));
}

/* The row's texts that are not NULL: "a" or "b" */
static char *
name_texts(SqlServerPlan *plan, bool with_question_marks)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < plan->table->ncolumns; i++)
	{
		PlanColumn *column = &plan->columns[i];
		const uint8 *data;
		int			len;

		if (column->field < 0 || column->wire != WIRE_TEXT)
			continue;
		data = sdb_sqlserver_conn_field(plan->conn, column->field, &len);
		if (data != NULL &&
			(!with_question_marks || memchr(data, '?', len) != NULL))
			appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? " or " : "",
							 column->column->name);
	}
	return names.data;
}

static void
report_malformed(const PlanColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("malformed value in column \"%s\" of table \"%s\"",
					column->column->name, column->plan->table->id),
			 errdetail("It cannot be read as type \"%s\".",
					   column->column->type_name)));
}
