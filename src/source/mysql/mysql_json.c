/*
 * mysql_json.c --- MySQL's binary JSON as JSON text
 *
 * source: the format at the head of json_binary.h of MySQL 8.4; checked with
 * MySQL 9.7.  All numbers are little-endian.
 *
 *	document	type (1 byte), value
 *	container	count, size, key entries (objects only), value entries, data
 *	key entry	offset of the key, its length (2 bytes)
 *	value entry	type (1 byte), offset of the value or a small value itself
 *
 * Counts, sizes and offsets have 2 bytes in small containers, 4 in large ones;
 * offsets are from the container's count on.
 *
 * Since offsets may point anywhere, a forged document could share parts and
 * blow up.  A true one holds each part once, so the parts read must not take
 * more bytes than the document has.
 *
 * The text is the server's own, to the letter, so that it equals what a
 * snapshot reads.  It is built in UTF-8 with all control characters escaped,
 * and converted to the server encoding as a whole.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "common/base64.h"
#include "common/shortest_dec.h"

#include "change/change.h"
#include "source/mysql/mysql_json.h"
#include "source/mysql/mysql_json_parts.h"
#include "source/mysql/mysql_row_values.h"
#include "util/bytes.h"
#include "util/charset.h"

#define MAX_PRECISION		68	/* of a decimal; columns have up to 65 */

/*
 * A double is shown without exponent if its point is in this range, or among
 * its digits
 */
#define MIN_PLAIN_POINT		(-14)
#define MAX_PLAIN_POINT		15

/* Base64 is broken into lines */
#define BASE64_LINE_BYTES	57
#define BASE64_LINE_CHARS	76

static const char *const literals[] = {"null", "true", "false"};

static void append_container(JsonReader *reader, JsonType type,
							 ByteCursor cur);
static bool is_inlined(JsonType type, int width);
static void append_opaque(JsonReader *reader, ByteCursor cur);
static void append_decimal(JsonReader *reader, ByteCursor cur);
static void append_temporal(JsonReader *reader, int stored, ByteCursor cur);
static void append_base64(JsonReader *reader, int stored, ByteCursor cur);
static void append_double(StringInfo buf, ByteCursor *cur);
static int	shortest_digits(double number, char *digits, int *point);
static int	split_digits(const char *text, char *digits, int *point);
static ByteCursor take_counted(JsonReader *reader, ByteCursor *cur);
static uint32 read_width(ByteCursor *cur, int width);
static ByteCursor seek(const ByteCursor *base, Size offset);
static void spend(JsonReader *reader, const ByteCursor *cur, Size nbytes);

void
sdb_mysql_json_to_text(StringInfo buf, const char *data, int len)
{
	JsonReader	reader = {buf, 0, len};
	int			start = buf->len;
	ByteCursor	cur;
	JsonType	type;

	if (len == 0)
	{
		appendStringInfoString(buf, "null");
		return;
	}
	sdb_bytes_init(&cur, data, len, "JSON document");
	type = sdb_bytes_u8(&cur);
	sdb_mysql_json_value(&reader, type, cur);
	sdb_mysql_json_convert(buf, start);
}

void
sdb_mysql_json_value(JsonReader *reader, JsonType type, ByteCursor cur)
{
	StringInfo	buf = reader->buf;
	ByteCursor	string;
	uint8		literal;

	switch (type)
	{
		case JSON_SMALL_OBJECT:
		case JSON_LARGE_OBJECT:
		case JSON_SMALL_ARRAY:
		case JSON_LARGE_ARRAY:
			append_container(reader, type, cur);
			return;
		case JSON_LITERAL:
			literal = sdb_bytes_u8(&cur);
			if (literal >= lengthof(literals))
				sdb_mysql_malformed(&cur, "There is no literal %d.", literal);
			appendStringInfoString(buf, literals[literal]);
			return;
		case JSON_INT16:
			appendStringInfo(buf, "%d", (int16) sdb_bytes_le16(&cur));
			return;
		case JSON_UINT16:
			appendStringInfo(buf, "%u", sdb_bytes_le16(&cur));
			return;
		case JSON_INT32:
			appendStringInfo(buf, "%d", (int32) sdb_bytes_le32(&cur));
			return;
		case JSON_UINT32:
			appendStringInfo(buf, "%u", sdb_bytes_le32(&cur));
			return;
		case JSON_INT64:
			appendStringInfo(buf, INT64_FORMAT, (int64) sdb_bytes_le64(&cur));
			return;
		case JSON_UINT64:
			appendStringInfo(buf, UINT64_FORMAT, sdb_bytes_le64(&cur));
			return;
		case JSON_DOUBLE:
			append_double(buf, &cur);
			return;
		case JSON_STRING:
			string = take_counted(reader, &cur);
			sdb_mysql_json_string(buf, string.pos, sdb_bytes_left(&string));
			return;
		case JSON_OPAQUE:
			append_opaque(reader, cur);
			return;
	}
	sdb_mysql_malformed(&cur, "There is no type %d.", type);
}

static void
append_container(JsonReader *reader, JsonType type, ByteCursor cur)
{
	JsonBox		box;

	if (++reader->depth > MAX_JSON_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				 errmsg("JSON document is nested more than %d levels deep",
						MAX_JSON_DEPTH)));
	sdb_mysql_json_box(reader, type, cur, &box);
	appendStringInfoChar(reader->buf, box.is_object ? '{' : '[');
	for (uint32 i = 0; i < box.count; i++)
	{
		ByteCursor	member;

		if (i > 0)
			appendStringInfoString(reader->buf, ", ");
		if (box.is_object)
		{
			ByteCursor	key = sdb_mysql_json_key(reader, &box, i);

			sdb_mysql_json_string(reader->buf, key.pos, sdb_bytes_left(&key));
			appendStringInfoString(reader->buf, ": ");
		}
		member = sdb_mysql_json_member(&box, i, &type);
		sdb_mysql_json_value(reader, type, member);
	}
	appendStringInfoChar(reader->buf, box.is_object ? '}' : ']');
	reader->depth--;
}

void
sdb_mysql_json_box(JsonReader *reader, JsonType type, ByteCursor cur, JsonBox *box)
{
	uint32		size;

	box->width = type == JSON_LARGE_OBJECT || type == JSON_LARGE_ARRAY ? 4 : 2;
	box->is_object = type == JSON_SMALL_OBJECT || type == JSON_LARGE_OBJECT;
	box->all = cur;
	box->count = read_width(&cur, box->width);
	size = read_width(&cur, box->width);
	if (size > sdb_bytes_left(&box->all))
		sdb_mysql_malformed(&box->all, "A part of %u bytes has %zu.", size,
							sdb_bytes_left(&box->all));
	box->all.end = box->all.pos + size;
	box->keys = 2 * box->width;
	box->values = box->keys;
	if (box->is_object)
		box->values += (Size) box->count * (box->width + 2);
	spend(reader, &box->all,
		  box->values + (Size) box->count * (1 + box->width));
}

ByteCursor
sdb_mysql_json_key(JsonReader *reader, const JsonBox *box, uint32 idx0)
{
	ByteCursor	entry = seek(&box->all,
							 box->keys + (Size) idx0 * (box->width + 2));
	uint32		offset = read_width(&entry, box->width);
	uint16		len = sdb_bytes_le16(&entry);
	ByteCursor	key = seek(&box->all, offset);

	spend(reader, &key, len);
	key.end = sdb_bytes_take(&key, len) + len;
	key.pos = key.end - len;
	return key;
}

ByteCursor
sdb_mysql_json_member(const JsonBox *box, uint32 idx0, JsonType *type)
{
	ByteCursor	entry = seek(&box->all,
							 box->values + (Size) idx0 * (1 + box->width));

	*type = sdb_bytes_u8(&entry);
	if (is_inlined(*type, box->width))
		return entry;
	return seek(&box->all, read_width(&entry, box->width));
}

/* Does a value stand in the entry itself? */
static bool
is_inlined(JsonType type, int width)
{
	switch (type)
	{
		case JSON_LITERAL:
		case JSON_INT16:
		case JSON_UINT16:
			return true;
		case JSON_INT32:
		case JSON_UINT32:
			return width == 4;
		default:
			return false;
	}
}

/* A value of an SQL type: the type as stored in the log, length, bytes */
static void
append_opaque(JsonReader *reader, ByteCursor cur)
{
	uint8		stored = sdb_bytes_u8(&cur);
	ByteCursor	value = take_counted(reader, &cur);

	switch (stored)
	{
		case MYSQL_STORED_NEWDECIMAL:
			append_decimal(reader, value);
			break;
		case MYSQL_STORED_DATE:
		case MYSQL_STORED_TIME:
		case MYSQL_STORED_DATETIME:
		case MYSQL_STORED_TIMESTAMP:
			append_temporal(reader, stored, value);
			break;
		default:
			append_base64(reader, stored, value);
			break;
	}
}

/* Precision, scale, and the digits as a column has them */
static void
append_decimal(JsonReader *reader, ByteCursor cur)
{
	RowColumn	column = {0};
	SourceValue value;

	column.precision = sdb_bytes_u8(&cur);
	column.scale = sdb_bytes_u8(&cur);
	if (column.precision < 1 || column.precision > MAX_PRECISION ||
		column.scale > column.precision)
		sdb_mysql_malformed(&cur, "There is no decimal(%d,%d).",
							column.precision, column.scale);
	column.size = sdb_mysql_decimal_size(column.precision, column.scale);
	sdb_mysql_row_decimal(&cur, &column, &value);
	sdb_value_to_text(reader->buf, &value);
}

/*
 * A packed number: of dates and datetimes ((year * 13 + month) << 5 | day)
 * << 17, plus hour << 12 | minute << 6 | second, all << 24, plus microseconds;
 * of times without the date, and negative as a whole.
 */
static void
append_temporal(JsonReader *reader, int stored, ByteCursor cur)
{
	int64		packed = (int64) sdb_bytes_le64(&cur);
	bool		negative = packed < 0;
	uint64		rest = negative ? -(uint64) packed : (uint64) packed;
	uint32		usecs = rest & 0xffffff;
	uint64		seconds = rest >> 24;
	uint64		days = seconds >> 17;
	uint32		months = days >> 5;
	StringInfo	buf = reader->buf;

	appendStringInfoChar(buf, '"');
	if (stored == MYSQL_STORED_TIME)
		appendStringInfo(buf, "%s%02u:", negative ? "-" : "",
						 (uint32) (seconds >> 12) & 0x3ff);
	else
		appendStringInfo(buf, "%04u-%02u-%02u", months / 13, months % 13,
						 (uint32) days & 0x1f);
	if (stored == MYSQL_STORED_DATETIME || stored == MYSQL_STORED_TIMESTAMP)
		appendStringInfo(buf, " %02u:", (uint32) (seconds >> 12) & 0x1f);
	if (stored != MYSQL_STORED_DATE)
		appendStringInfo(buf, "%02u:%02u.%06u",
						 (uint32) (seconds >> 6) & 0x3f,
						 (uint32) seconds & 0x3f, usecs);
	appendStringInfoChar(buf, '"');
}

/* "base64:type252:...", with the line breaks that the server makes */
static void
append_base64(JsonReader *reader, int stored, ByteCursor cur)
{
	StringInfo	buf = reader->buf;

	appendStringInfo(buf, "\"base64:type%d:", stored);
	while (sdb_bytes_left(&cur) > 0)
	{
		int			nbytes = Min(sdb_bytes_left(&cur), BASE64_LINE_BYTES);
		const void *line = sdb_bytes_take(&cur, nbytes);

		enlargeStringInfo(buf, BASE64_LINE_CHARS);
		buf->len += pg_b64_encode(line, nbytes, buf->data + buf->len,
								  BASE64_LINE_CHARS);
		buf->data[buf->len] = '\0';
		if (sdb_bytes_left(&cur) > 0)
			appendStringInfoString(buf, "\\n");
	}
	appendStringInfoChar(buf, '"');
}

/*
 * The shortest digits that read back, with a point or an exponent, so that it
 * stays a double: 1.0, 0.000015, 1.5e16.
 */
static void
append_double(StringInfo buf, ByteCursor *cur)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];
	int			ndigits;
	int			point;
	union
	{
		uint64		bits;
		double		value;
	}			number;

	number.bits = sdb_bytes_le64(cur);
	if (!isfinite(number.value))
		sdb_mysql_malformed(cur, "A number is not finite.");
	if (signbit(number.value))
		appendStringInfoChar(buf, '-');
	ndigits = shortest_digits(fabs(number.value), digits, &point);

	if (ndigits == 0)
		appendStringInfoString(buf, "0.0");
	else if (point < MIN_PLAIN_POINT ||
			 (point > MAX_PLAIN_POINT && point >= ndigits))
		appendStringInfo(buf, "%c%s%.*se%d", digits[0],
						 ndigits > 1 ? "." : "", ndigits - 1, digits + 1,
						 point - 1);
	else if (point <= 0)
		appendStringInfo(buf, "0.%.*s%.*s", -point, "00000000000000",
						 ndigits, digits);
	else if (point < ndigits)
		appendStringInfo(buf, "%.*s.%.*s", point, digits,
						 ndigits - point, digits + point);
	else
		appendStringInfo(buf, "%.*s%.*s.0", ndigits, digits,
						 point - ndigits, "00000000000000");
}

/*
 * The digits of a number that is not negative, without zeros at either end.
 *
 * out:    *point: where the point stands, from the first digit on; may lie
 *         outside of the digits
 * result: how many there are; 0 for zero
 */
static int
shortest_digits(double number, char *digits, int *point)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];
	char		shorter[DOUBLE_SHORTEST_DECIMAL_LEN];
	int			ndigits;

	double_to_shortest_decimal_buf(number, text);
	ndigits = split_digits(text, digits, point);

	/* PostgreSQL's may have a digit too many where one less is just exact */
	if (ndigits > DBL_DIG)
	{
		snprintf(shorter, sizeof(shorter), "%.*e", ndigits - 2, number);
		if (strtod(shorter, NULL) == number)
			ndigits = split_digits(shorter, digits, point);
	}
	return ndigits;
}

static int
split_digits(const char *text, char *digits, int *point)
{
	int			ndigits = 0;
	bool		point_seen = false;

	*point = 0;
	for (; (*text >= '0' && *text <= '9') || *text == '.'; text++)
	{
		if (*text == '.')
			point_seen = true;
		else if (ndigits == 0 && *text == '0')
			*point -= point_seen ? 1 : 0;
		else
		{
			digits[ndigits++] = *text;
			*point += point_seen ? 0 : 1;
		}
	}
	if (*text == 'e')
		*point += atoi(text + 1);
	while (ndigits > 0 && digits[ndigits - 1] == '0')
		ndigits--;
	return ndigits;
}

void
sdb_mysql_json_string(StringInfo buf, const uint8 *data, Size len)
{
	appendStringInfoChar(buf, '"');
	for (Size i = 0; i < len; i++)
	{
		switch (data[i])
		{
			case '"':
			case '\\':
				appendStringInfoChar(buf, '\\');
				appendStringInfoChar(buf, data[i]);
				break;
			case '\b':
				appendStringInfoString(buf, "\\b");
				break;
			case '\f':
				appendStringInfoString(buf, "\\f");
				break;
			case '\n':
				appendStringInfoString(buf, "\\n");
				break;
			case '\r':
				appendStringInfoString(buf, "\\r");
				break;
			case '\t':
				appendStringInfoString(buf, "\\t");
				break;
			default:
				if (data[i] < 0x20)
					appendStringInfo(buf, "\\u%04x", data[i]);
				else
					appendStringInfoCharMacro(buf, data[i]);
				break;
		}
	}
	appendStringInfoChar(buf, '"');
}

/* Bytes after their number, which has 7 bits a byte, the lowest first */
static ByteCursor
take_counted(JsonReader *reader, ByteCursor *cur)
{
	uint64		len = 0;
	uint8		byte;
	int			shift = 0;
	ByteCursor	result;

	do
	{
		if (shift > 28)
			sdb_mysql_malformed(cur, "A length has more than 5 bytes.");
		byte = sdb_bytes_u8(cur);
		len |= (uint64) (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);

	spend(reader, cur, len);
	result = *cur;
	result.end = sdb_bytes_take(cur, len) + len;
	return result;
}

static uint32
read_width(ByteCursor *cur, int width)
{
	return width == 4 ? sdb_bytes_le32(cur) : sdb_bytes_le16(cur);
}

/* A cursor at an offset from base on. */
static ByteCursor
seek(const ByteCursor *base, Size offset)
{
	ByteCursor	cur = *base;

	sdb_bytes_take(&cur, offset);
	return cur;
}

/* See the file header. */
static void
spend(JsonReader *reader, const ByteCursor *cur, Size nbytes)
{
	if (nbytes > reader->budget)
		sdb_mysql_malformed(cur, "Its parts take more bytes than it has.");
	reader->budget -= nbytes;
}

void
sdb_mysql_json_convert(StringInfo buf, int start)
{
	const char *utf8 = buf->data + start;
	int			len;
	const char *text = sdb_charset_to_server(sdb_charset_find("utf8mb4"), utf8,
											 buf->len - start, &len);

	if (text == utf8)
		return;
	buf->len = start;
	appendBinaryStringInfo(buf, text, len);
}
