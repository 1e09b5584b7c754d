/*
 * numeric.c --- truth values and numbers
 *
 * Exact numbers become numeric through numeric_recv, on a message made here:
 * no text, and the type modifier is applied on the way.  Its external form is
 * a documented interface; the stored form is not, so it is left alone.
 *
 * A number that does not fit is an error.  One with decimals becomes an
 * integer as an assignment in SQL would do it, by rounding.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/cash.h"
#include "utils/numeric.h"

#include "convert/convert_internal.h"

#define DECIMAL_BASE			10000
#define UINT64_DECIMAL_DIGITS	5	/* base 10000, of the largest uint64 */

/* numeric_recv's message: ndigits, weight, sign, dscale, digits */
#define MESSAGE_HEADER			4
#define MESSAGE_NEGATIVE		0x4000
#define MESSAGE_INLINE_DIGITS	60	/* 240 decimal digits without palloc */

static int64 number_to_integer(const ConvertColumn *column,
							   const SourceValue *value);
static bool integer_parts(const ConvertColumn *column,
						  const SourceValue *value, uint64 *magnitude);
static Datum make_numeric(const SourceDecimal *decimal, int32 typmod);

Datum
sdb_bool_to_bool(const ConvertColumn *column, const SourceValue *value)
{
	return BoolGetDatum(value->u.boolean);
}

Datum
sdb_integer_to_bool(const ConvertColumn *column, const SourceValue *value)
{
	return BoolGetDatum(value->u.uint != 0);
}

Datum
sdb_int_to_int2(const ConvertColumn *column, const SourceValue *value)
{
	int64		number = value->u.sint;

	if (unlikely(number != (int16) number))
		sdb_convert_out_of_range(column);
	return Int16GetDatum((int16) number);
}

Datum
sdb_int_to_int4(const ConvertColumn *column, const SourceValue *value)
{
	int64		number = value->u.sint;

	if (unlikely(number != (int32) number))
		sdb_convert_out_of_range(column);
	return Int32GetDatum((int32) number);
}

Datum
sdb_int_to_int8(const ConvertColumn *column, const SourceValue *value)
{
	return Int64GetDatum(value->u.sint);
}

Datum
sdb_number_to_int2(const ConvertColumn *column, const SourceValue *value)
{
	int64		number = number_to_integer(column, value);

	if (unlikely(number != (int16) number))
		sdb_convert_out_of_range(column);
	return Int16GetDatum((int16) number);
}

Datum
sdb_number_to_int4(const ConvertColumn *column, const SourceValue *value)
{
	int64		number = number_to_integer(column, value);

	if (unlikely(number != (int32) number))
		sdb_convert_out_of_range(column);
	return Int32GetDatum((int32) number);
}

Datum
sdb_number_to_int8(const ConvertColumn *column, const SourceValue *value)
{
	return Int64GetDatum(number_to_integer(column, value));
}

Datum
sdb_integer_to_float4(const ConvertColumn *column, const SourceValue *value)
{
	uint64		magnitude;
	bool		negative = integer_parts(column, value, &magnitude);

	return Float4GetDatum(negative ? -(float) magnitude : (float) magnitude);
}

Datum
sdb_integer_to_float8(const ConvertColumn *column, const SourceValue *value)
{
	uint64		magnitude;
	bool		negative = integer_parts(column, value, &magnitude);

	return Float8GetDatum(negative ? -(double) magnitude : (double) magnitude);
}

Datum
sdb_float_to_float4(const ConvertColumn *column, const SourceValue *value)
{
	float		result;

	if (value->kind == VALUE_FLOAT4)
		return Float4GetDatum(value->u.float4);

	result = (float) value->u.float8;
	if ((isinf(result) && !isinf(value->u.float8)) ||
		(result == 0.0 && value->u.float8 != 0.0))
		sdb_convert_out_of_range(column);
	return Float4GetDatum(result);
}

Datum
sdb_float_to_float8(const ConvertColumn *column, const SourceValue *value)
{
	if (value->kind == VALUE_FLOAT4)
		return Float8GetDatum((double) value->u.float4);
	return Float8GetDatum(value->u.float8);
}

Datum
sdb_integer_to_numeric(const ConvertColumn *column, const SourceValue *value)
{
	int16		digits[UINT64_DECIMAL_DIGITS];
	SourceDecimal decimal = {.digits = digits + UINT64_DECIMAL_DIGITS};
	uint64		magnitude;

	decimal.negative = integer_parts(column, value, &magnitude);
	for (; magnitude > 0; magnitude /= DECIMAL_BASE)
	{
		*--decimal.digits = (int16) (magnitude % DECIMAL_BASE);
		decimal.ndigits++;
	}
	decimal.weight = decimal.ndigits - 1;
	return make_numeric(&decimal, column->typmod);
}

Datum
sdb_decimal_to_numeric(const ConvertColumn *column, const SourceValue *value)
{
	return make_numeric(value->u.decimal, column->typmod);
}

/*
 * By numeric: money's own input reads the point and the comma as lc_monetary
 * has them.
 */
Datum
sdb_number_to_money(const ConvertColumn *column, const SourceValue *value)
{
	StringInfoData buf;
	Datum		numeric;

	initStringInfo(&buf);
	sdb_append_number(&buf, column, value);
	numeric = DirectFunctionCall3(numeric_in, CStringGetDatum(buf.data),
								  ObjectIdGetDatum(InvalidOid),
								  Int32GetDatum(-1));
	return DirectFunctionCall1(numeric_cash, numeric);
}

/* The shortest text that reads back as the same number. */
void
sdb_append_number(StringInfo buf, const ConvertColumn *column,
				  const SourceValue *value)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];
	Datum		numeric;

	switch (value->kind)
	{
		case VALUE_INT:
			appendStringInfo(buf, INT64_FORMAT, value->u.sint);
			break;
		case VALUE_UINT:
			appendStringInfo(buf, UINT64_FORMAT, value->u.uint);
			break;
		case VALUE_FLOAT4:
			float_to_shortest_decimal_buf(value->u.float4, text);
			appendStringInfoString(buf, text);
			break;
		case VALUE_FLOAT8:
			double_to_shortest_decimal_buf(value->u.float8, text);
			appendStringInfoString(buf, text);
			break;
		case VALUE_DECIMAL:
			numeric = make_numeric(value->u.decimal, -1);
			numeric = DirectFunctionCall1(numeric_out, numeric);
			appendStringInfoString(buf, DatumGetCString(numeric));
			break;
		default:
			elog(ERROR, "value of kind %d is not a number", value->kind);
	}
}

uint64
sdb_bits_value(const ConvertColumn *column, const SourceBits *bits)
{
	int			nbytes = (bits->nbits + 7) / 8;
	uint64		result = 0;

	if (bits->nbits > 64)
		sdb_convert_out_of_range(column);
	for (int i = 0; i < nbytes; i++)
		result = (result << 8) | bits->data[i];
	if (bits->nbits < 64)
		result &= (UINT64CONST(1) << bits->nbits) - 1;
	return result;
}

static int64
number_to_integer(const ConvertColumn *column, const SourceValue *value)
{
	uint64		result;
	double		rounded;
	Datum		numeric;

	switch (value->kind)
	{
		case VALUE_INT:
			return value->u.sint;
		case VALUE_BOOL:
			return value->u.boolean;
		case VALUE_UINT:
			result = value->u.uint;
			break;
		case VALUE_BITS:
			result = sdb_bits_value(column, &value->u.bits);
			break;
		case VALUE_FLOAT4:
		case VALUE_FLOAT8:
			rounded = rint(value->kind == VALUE_FLOAT4 ?
						   (double) value->u.float4 : value->u.float8);
			if (isnan(rounded) || !FLOAT8_FITS_IN_INT64(rounded))
				sdb_convert_out_of_range(column);
			return (int64) rounded;
		case VALUE_DECIMAL:
			numeric = make_numeric(value->u.decimal, -1);
			return DatumGetInt64(DirectFunctionCall1(numeric_int8, numeric));
		default:
			elog(ERROR, "value of kind %d is not a number", value->kind);
	}
	if (result > (uint64) PG_INT64_MAX)
		sdb_convert_out_of_range(column);
	return (int64) result;
}

/* Sign and magnitude of a BOOL, INT, UINT or BITS; true if negative. */
static bool
integer_parts(const ConvertColumn *column, const SourceValue *value,
			  uint64 *magnitude)
{
	switch (value->kind)
	{
		case VALUE_BOOL:
			*magnitude = value->u.boolean;
			return false;
		case VALUE_INT:
			if (value->u.sint >= 0)
				break;
			*magnitude = 0 - (uint64) value->u.sint;
			return true;
		case VALUE_BITS:
			*magnitude = sdb_bits_value(column, &value->u.bits);
			return false;
		default:
			break;
	}
	*magnitude = value->u.uint;
	return false;
}

static Datum
make_numeric(const SourceDecimal *decimal, int32 typmod)
{
	uint16		inline_message[MESSAGE_HEADER + MESSAGE_INLINE_DIGITS];
	uint16	   *message = inline_message;
	StringInfoData buf;

	if (decimal->ndigits > MESSAGE_INLINE_DIGITS)
		message = palloc((MESSAGE_HEADER + decimal->ndigits) * sizeof(uint16));

	message[0] = pg_hton16(decimal->ndigits);
	message[1] = pg_hton16(decimal->weight);
	message[2] = pg_hton16(decimal->negative ? MESSAGE_NEGATIVE : 0);
	message[3] = pg_hton16(decimal->dscale);
	for (int i = 0; i < decimal->ndigits; i++)
		message[MESSAGE_HEADER + i] = pg_hton16(decimal->digits[i]);

	buf.data = (char *) message;
	buf.len = (MESSAGE_HEADER + decimal->ndigits) * sizeof(uint16);
	buf.maxlen = buf.len;
	buf.cursor = 0;
	return DirectFunctionCall3(numeric_recv, PointerGetDatum(&buf),
							   ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(typmod));
}
