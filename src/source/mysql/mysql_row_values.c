/*
 * mysql_row_values.c --- values in rows of the binary log, but for times
 *
 * One decoder for each way in which a type is stored.  Bytes and text point
 * into the event wherever they stand there as they are wanted.
 *
 * Formats: those of Field::pack in both servers; decimals as described at
 * decimal2bin, compressed columns as MariaDB's field_comp.cc has them; checked
 * against captures in test/golden/mysql.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "source/mysql/mysql_json.h"
#include "source/mysql/mysql_row_values.h"

#define DECIMAL_GROUP_DIGITS	9	/* in 4 bytes */
#define DECIMAL_GROUP_BYTES		4
#define DECIMAL_MAX_BYTES		32	/* of 65 digits, rounded up */
#define NUMERIC_DIGITS			4	/* decimal digits in one of ours */
#define NUMERIC_BASE			10000

/* most of our digits left and right of the point, with room for a part each */
#define NUMERIC_MAX_BEFORE		18
#define NUMERIC_MAX_AFTER		18

#define SRID_BYTES				4

/* first byte of a compressed value */
#define COMPRESSED_METHOD		0xf0
#define COMPRESSED_NONE			0x00
#define COMPRESSED_ZLIB			0x80
#define COMPRESSED_RAW			0x08	/* without zlib's header */
#define COMPRESSED_NLENGTH		0x07

/* bytes that hold so many decimal digits */
static const uint8 digits_bytes[DECIMAL_GROUP_DIGITS + 1] = {
	0, 1, 1, 2, 2, 3, 3, 4, 4, 4
};

static const uint32 power_of_10[DECIMAL_GROUP_DIGITS + 1] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000
};

static uint32 decimal_group(ByteCursor *cur, int ndigits);
static int	decimal_before_point(ByteCursor *cur, int ndigits, int16 *last);
static int	decimal_after_point(ByteCursor *cur, int ndigits, int16 *first);
static void decimal_set(SourceValue *value, int16 *digits, int nbefore,
						int nafter, bool negative, int scale);
static const char *take_counted(ByteCursor *cur, const RowColumn *column,
								int *len);
static const char *take_padded(ByteCursor *cur, const RowColumn *column);
static const char *take_compressed(ByteCursor *cur, const RowColumn *column,
								   int *len);
static uint64 take_le(ByteCursor *cur, int nbytes);
static void set_text(const RowColumn *column, const char *data, int len,
					 SourceValue *value);

void
sdb_mysql_row_int8(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	value->kind = VALUE_INT;
	value->u.sint = (int8) sdb_bytes_u8(cur);
}

void
sdb_mysql_row_int16(ByteCursor *cur, const RowColumn *column,
					SourceValue *value)
{
	value->kind = VALUE_INT;
	value->u.sint = (int16) sdb_bytes_le16(cur);
}

void
sdb_mysql_row_int24(ByteCursor *cur, const RowColumn *column,
					SourceValue *value)
{
	int32		n = (int32) sdb_bytes_le24(cur);

	value->kind = VALUE_INT;
	value->u.sint = (n & 0x800000) ? n - 0x1000000 : n;
}

void
sdb_mysql_row_int32(ByteCursor *cur, const RowColumn *column,
					SourceValue *value)
{
	value->kind = VALUE_INT;
	value->u.sint = (int32) sdb_bytes_le32(cur);
}

void
sdb_mysql_row_int64(ByteCursor *cur, const RowColumn *column,
					SourceValue *value)
{
	value->kind = VALUE_INT;
	value->u.sint = (int64) sdb_bytes_le64(cur);
}

void
sdb_mysql_row_uint8(ByteCursor *cur, const RowColumn *column,
					SourceValue *value)
{
	value->kind = VALUE_UINT;
	value->u.uint = sdb_bytes_u8(cur);
}

void
sdb_mysql_row_uint16(ByteCursor *cur, const RowColumn *column,
					 SourceValue *value)
{
	value->kind = VALUE_UINT;
	value->u.uint = sdb_bytes_le16(cur);
}

void
sdb_mysql_row_uint24(ByteCursor *cur, const RowColumn *column,
					 SourceValue *value)
{
	value->kind = VALUE_UINT;
	value->u.uint = sdb_bytes_le24(cur);
}

void
sdb_mysql_row_uint32(ByteCursor *cur, const RowColumn *column,
					 SourceValue *value)
{
	value->kind = VALUE_UINT;
	value->u.uint = sdb_bytes_le32(cur);
}

void
sdb_mysql_row_uint64(ByteCursor *cur, const RowColumn *column,
					 SourceValue *value)
{
	value->kind = VALUE_UINT;
	value->u.uint = sdb_bytes_le64(cur);
}

void
sdb_mysql_row_float(ByteCursor *cur, const RowColumn *column,
					SourceValue *value)
{
	uint32		bits = sdb_bytes_le32(cur);

	value->kind = VALUE_FLOAT4;
	memcpy(&value->u.float4, &bits, sizeof(bits));
}

void
sdb_mysql_row_double(ByteCursor *cur, const RowColumn *column,
					 SourceValue *value)
{
	uint64		bits = sdb_bytes_le64(cur);

	value->kind = VALUE_FLOAT8;
	memcpy(&value->u.float8, &bits, sizeof(bits));
}

int
sdb_mysql_decimal_size(int precision, int scale)
{
	int			before = precision - scale;

	return before / DECIMAL_GROUP_DIGITS * DECIMAL_GROUP_BYTES +
		digits_bytes[before % DECIMAL_GROUP_DIGITS] +
		scale / DECIMAL_GROUP_DIGITS * DECIMAL_GROUP_BYTES +
		digits_bytes[scale % DECIMAL_GROUP_DIGITS];
}

/*
 * Groups of nine digits, big-endian, aligned to the decimal point, so that the
 * first and the last group may be shorter.  The highest bit is set unless the
 * value is negative, in which case all bits are the complement.
 */
void
sdb_mysql_row_decimal(ByteCursor *cur, const RowColumn *column,
					  SourceValue *value)
{
	const uint8 *wire = sdb_bytes_take(cur, column->size);
	bool		negative = (wire[0] & 0x80) == 0;
	uint8		mask = negative ? 0xff : 0;
	uint8		plain[DECIMAL_MAX_BYTES];
	int16		digits[NUMERIC_MAX_BEFORE + NUMERIC_MAX_AFTER];
	int16	   *point = digits + NUMERIC_MAX_BEFORE;
	ByteCursor	groups;
	int			nbefore;
	int			nafter;

	for (int i = 0; i < column->size; i++)
		plain[i] = wire[i] ^ mask;
	plain[0] ^= 0x80;

	sdb_bytes_init(&groups, plain, column->size, "decimal");
	nbefore = decimal_before_point(&groups, column->precision - column->scale,
								   point);
	nafter = decimal_after_point(&groups, column->scale, point);
	decimal_set(value, point - nbefore, nbefore, nafter, negative,
				column->scale);
}

static uint32
decimal_group(ByteCursor *cur, int ndigits)
{
	uint64		group = sdb_bytes_be(cur, digits_bytes[ndigits]);

	if (group >= power_of_10[ndigits])
		sdb_mysql_malformed(cur, "%d decimal digits are out of range.", ndigits);
	return (uint32) group;
}

/*
 * The digits before the point, put to the left of *end; how many they are.
 *
 * A group's nine digits are no multiple of our four, so the groups are first
 * read and then regrouped from the point leftwards.
 */
static int
decimal_before_point(ByteCursor *cur, int ndigits, int16 *end)
{
	uint32		groups[DECIMAL_MAX_BYTES / DECIMAL_GROUP_BYTES + 1];
	int			ngroups = 0;
	uint64		rest = 0;		/* digits not yet put */
	int			nrest = 0;
	int16	   *pos = end;

	if (ndigits % DECIMAL_GROUP_DIGITS > 0)
		groups[ngroups++] = decimal_group(cur, ndigits % DECIMAL_GROUP_DIGITS);
	for (int i = 0; i < ndigits / DECIMAL_GROUP_DIGITS; i++)
		groups[ngroups++] = decimal_group(cur, DECIMAL_GROUP_DIGITS);

	while (ngroups > 0)
	{
		rest += (uint64) groups[--ngroups] * power_of_10[nrest];
		nrest += DECIMAL_GROUP_DIGITS;
		for (; nrest >= NUMERIC_DIGITS; nrest -= NUMERIC_DIGITS)
		{
			*--pos = (int16) (rest % NUMERIC_BASE);
			rest /= NUMERIC_BASE;
		}
	}
	if (rest > 0)
		*--pos = (int16) rest;
	return (int) (end - pos);
}

/* The digits after the point, put from *start on; how many they are. */
static int
decimal_after_point(ByteCursor *cur, int ndigits, int16 *start)
{
	uint64		rest = 0;
	int			nrest = 0;
	int16	   *pos = start;

	while (ndigits > 0)
	{
		int			n = Min(ndigits, DECIMAL_GROUP_DIGITS);

		rest = rest * power_of_10[n] + decimal_group(cur, n);
		ndigits -= n;
		for (nrest += n; nrest >= NUMERIC_DIGITS; nrest -= NUMERIC_DIGITS)
		{
			uint64		unit = power_of_10[nrest - NUMERIC_DIGITS];

			*pos++ = (int16) (rest / unit);
			rest %= unit;
		}
	}
	if (nrest > 0)
		*pos++ = (int16) (rest * power_of_10[NUMERIC_DIGITS - nrest]);
	return (int) (pos - start);
}

static void
decimal_set(SourceValue *value, int16 *digits, int nbefore, int nafter,
			bool negative, int scale)
{
	int			ndigits = nbefore + nafter;
	int			weight = nbefore - 1;
	SourceDecimal *decimal;

	while (ndigits > 0 && digits[0] == 0)
	{
		digits++;
		ndigits--;
		weight--;
	}
	while (ndigits > 0 && digits[ndigits - 1] == 0)
		ndigits--;

	decimal = palloc(sizeof(SourceDecimal) + ndigits * sizeof(int16));
	decimal->ndigits = ndigits;
	decimal->weight = ndigits > 0 ? weight : 0;
	decimal->negative = negative && ndigits > 0;
	decimal->dscale = scale;
	decimal->digits = (int16 *) (decimal + 1);
	memcpy(decimal->digits, digits, ndigits * sizeof(int16));

	value->kind = VALUE_DECIMAL;
	value->u.decimal = decimal;
}

void
sdb_mysql_row_bits(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	value->kind = VALUE_BITS;
	value->u.bits.data = sdb_bytes_take(cur, column->size);
	value->u.bits.nbits = column->precision;
}

void
sdb_mysql_row_text(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	int			len;
	const char *data = take_counted(cur, column, &len);

	set_text(column, data, len, value);
}

void
sdb_mysql_row_text_compressed(ByteCursor *cur, const RowColumn *column,
							  SourceValue *value)
{
	int			len;
	const char *data = take_compressed(cur, column, &len);

	set_text(column, data, len, value);
}

void
sdb_mysql_row_bytes(ByteCursor *cur, const RowColumn *column,
					SourceValue *value)
{
	value->kind = VALUE_BYTES;
	value->u.bytes.data = take_counted(cur, column, &value->u.bytes.len);
}

void
sdb_mysql_row_bytes_compressed(ByteCursor *cur, const RowColumn *column,
							   SourceValue *value)
{
	value->kind = VALUE_BYTES;
	value->u.bytes.data = take_compressed(cur, column, &value->u.bytes.len);
}

void
sdb_mysql_row_binary(ByteCursor *cur, const RowColumn *column,
					 SourceValue *value)
{
	value->kind = VALUE_BYTES;
	value->u.bytes.data = take_padded(cur, column);
	value->u.bytes.len = column->size;
}

/* A number: 0 for the empty text of a wrong value, else the label's. */
void
sdb_mysql_row_enum(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	uint64		number = take_le(cur, column->size);

	value->kind = VALUE_TEXT;
	if (number == 0)
	{
		value->u.bytes.data = "";
		value->u.bytes.len = 0;
		return;
	}
	if (number > (uint64) column->nlabels)
		sdb_mysql_malformed(cur, "Label %u of an enum of %d is not there.",
							(unsigned) number, column->nlabels);
	value->u.bytes = column->labels[number - 1];
}

/* One bit for each label, the first label lowest. */
void
sdb_mysql_row_set(ByteCursor *cur, const RowColumn *column,
				  SourceValue *value)
{
	uint64		bits = take_le(cur, column->size);
	StringInfoData buf;

	if (column->nlabels < 64 && (bits >> column->nlabels) != 0)
		sdb_mysql_malformed(cur, "A set of %d labels has none for its bits.",
							column->nlabels);

	value->kind = VALUE_TEXT;
	value->u.bytes.data = "";
	value->u.bytes.len = 0;
	if (bits == 0)
		return;

	initStringInfo(&buf);
	for (int i = 0; i < column->nlabels; i++)
	{
		if ((bits & (UINT64CONST(1) << i)) == 0)
			continue;
		if (bits & ((UINT64CONST(1) << i) - 1))
			appendStringInfoChar(&buf, ',');
		appendBinaryStringInfo(&buf, column->labels[i].data,
							   column->labels[i].len);
	}
	value->u.bytes.data = buf.data;
	value->u.bytes.len = buf.len;
}

void
sdb_mysql_row_json(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	int			len;
	const char *data = take_counted(cur, column, &len);
	StringInfoData buf;

	initStringInfo(&buf);
	sdb_mysql_json_to_text(&buf, data, len);
	value->kind = VALUE_JSON;
	value->u.bytes.data = buf.data;
	value->u.bytes.len = buf.len;
}

void
sdb_mysql_row_json_text(ByteCursor *cur, const RowColumn *column,
						SourceValue *value)
{
	sdb_mysql_row_text(cur, column, value);
	value->kind = VALUE_JSON;
}

/* The reference system's number, then WKB; nothing for MariaDB's ''. */
void
sdb_mysql_row_geometry(ByteCursor *cur, const RowColumn *column,
					   SourceValue *value)
{
	int			len;
	const char *data = take_counted(cur, column, &len);

	if (len > 0 && len < SRID_BYTES)
		sdb_mysql_malformed(cur, "A geometry cannot have %d bytes.", len);

	value->kind = VALUE_GEOMETRY;
	value->u.geometry.native = NULL;
	value->u.geometry.srid = 0;
	value->u.geometry.wkb = data;
	value->u.geometry.len = len;
	if (len > 0)
	{
		value->u.geometry.srid = sdb_load_le32((const uint8 *) data);
		value->u.geometry.wkb += SRID_BYTES;
		value->u.geometry.len -= SRID_BYTES;
	}
}

void
sdb_mysql_row_uuid(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	sdb_mysql_row_binary(cur, column, value);
	value->kind = VALUE_UUID;
}

void
sdb_mysql_row_inet(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	sdb_mysql_row_binary(cur, column, value);
	value->kind = VALUE_INET;
}

/* A length and so many bytes, which stay where they are. */
static const char *
take_counted(ByteCursor *cur, const RowColumn *column, int *len)
{
	uint64		n = take_le(cur, column->length_bytes);
	const char *data = (const char *) sdb_bytes_take(cur, n);

	if (unlikely(n > MaxAllocSize))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value of " UINT64_FORMAT " bytes in column \"%s\" is too large",
						n, column->name),
				 errdetail("A field cannot be larger than 1 GB.")));
	*len = (int) n;
	return data;
}

/* Likewise, with the zeros restored that a fixed length lost at its end. */
static const char *
take_padded(ByteCursor *cur, const RowColumn *column)
{
	int			len;
	const char *data = take_counted(cur, column, &len);
	char	   *padded;

	if (len == column->size)
		return data;
	if (len > column->size)
		sdb_mysql_malformed(cur, "%d bytes stand where there can be %d.",
							len, column->size);
	padded = palloc0(column->size);
	memcpy(padded, data, len);
	return padded;
}

/*
 * Likewise, inflated.  The first byte is the method and the size of the
 * length that follows, big-endian; an empty value has none of it.
 */
static const char *
take_compressed(ByteCursor *cur, const RowColumn *column, int *len)
{
	const char *data = take_counted(cur, column, len);
	ByteCursor	value;
	uint8		head;
	int			nlength;

	if (*len == 0)
		return data;

	sdb_bytes_init(&value, data, *len, "compressed value");
	head = sdb_bytes_u8(&value);
	nlength = head & COMPRESSED_NLENGTH;
	if (head == COMPRESSED_NONE)
		*len = (int) sdb_bytes_left(&value);
	else if ((head & COMPRESSED_METHOD) == COMPRESSED_ZLIB &&
			 nlength >= 1 && nlength <= 4)
	{
		uint32		n = (uint32) sdb_bytes_be(&value, nlength);
		uint8	   *inflated;

		inflated = sdb_mysql_inflate(&value, (head & COMPRESSED_RAW) == 0, n);
		*len = (int) n;
		return (const char *) inflated;
	}
	else
		sdb_mysql_malformed(cur, "Compression header 0x%02x is not known.",
							head);
	return (const char *) value.pos;
}

/* Little-endian unsigned integer of up to 8 bytes. */
static uint64
take_le(ByteCursor *cur, int nbytes)
{
	const uint8 *p = sdb_bytes_take(cur, nbytes);
	uint64		result = 0;

	for (int i = nbytes - 1; i >= 0; i--)
		result = (result << 8) | p[i];
	return result;
}

static void
set_text(const RowColumn *column, const char *data, int len,
		 SourceValue *value)
{
	value->kind = VALUE_TEXT;
	value->u.bytes.data = sdb_charset_to_server(column->charset, data, len,
												&value->u.bytes.len);
}
