/*
 * scalar.c --- text, bytes, bits, addresses and geometries
 *
 * Also the way by text, for every pair without one of its own: the canonical
 * text of a value goes through the target type's input function.  The text is
 * written here and not by the types' output functions, because those follow
 * settings (DateStyle, extra_float_digits, bytea_output) and this must not.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "catalog/pg_type.h"
#include "common/base64.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/uuid.h"
#include "utils/varbit.h"

#include "convert/convert_internal.h"

/* EWKB: the bit of the geometry's type that says an SRID follows */
#define EWKB_HAS_SRID		0x20000000
#define WKB_HEADER_SIZE		5	/* byte order, type */
#define WKB_BIG_ENDIAN		0	/* byte order; 1 is little endian */

#ifdef WORDS_BIGENDIAN
#define WORDS_ARE_BIG_ENDIAN true
#else
#define WORDS_ARE_BIG_ENDIAN false
#endif

static void append_value(StringInfo buf, const ConvertColumn *column,
						 const SourceValue *value);
static Size text_size_limit(const SourceValue *value);
static void append_hex(StringInfo buf, const void *data, int len);
static void append_bits(StringInfo buf, const SourceBits *bits);
static void append_uuid(StringInfo buf, const char *data);
static void append_inet(StringInfo buf, Datum address);
static void append_geometry(StringInfo buf, const SourceGeometry *geometry);
static void append_geometry_json(StringInfo buf,
								 const SourceGeometry *geometry);
static void append_base64(StringInfo buf, const char *data, int len);
static void check_has_wkb(const ConvertColumn *column,
						  const SourceValue *value);
static int	clip_characters(const ConvertColumn *column,
							const SourceBytes *text, int limit);
static int	count_characters(const char *text, int nbytes);
static Datum make_bits(const uint8 *data, int nbytes, int nbits);
pg_noreturn static void fail_bit_length(const ConvertColumn *column);

Datum
sdb_convert_by_text(const ConvertColumn *column, const SourceValue *value)
{
	ConvertTarget *target = column->target;
	StringInfoData buf;

	sdb_convert_check_size(column, text_size_limit(value));
	initStringInfo(&buf);
	append_value(&buf, column, value);
	return InputFunctionCall(&target->input, buf.data, target->ioparam,
							 column->typmod);
}

Datum
sdb_bytes_to_varlena(const ConvertColumn *column, const SourceValue *value)
{
	const SourceBytes *bytes = &value->u.bytes;
	bytea	   *result;

	sdb_convert_check_size(column, bytes->len);
	result = palloc(bytes->len + VARHDRSZ);
	SET_VARSIZE(result, bytes->len + VARHDRSZ);
	memcpy(VARDATA(result), bytes->data, bytes->len);
	return PointerGetDatum(result);
}

Datum
sdb_text_to_varchar(const ConvertColumn *column, const SourceValue *value)
{
	int			limit = column->typmod - VARHDRSZ;
	SourceValue clipped;

	if (column->typmod < 0 || value->u.bytes.len <= limit)
		return sdb_bytes_to_varlena(column, value);
	clipped = *value;
	clipped.u.bytes.len = clip_characters(column, &value->u.bytes, limit);
	return sdb_bytes_to_varlena(column, &clipped);
}

Datum
sdb_text_to_bpchar(const ConvertColumn *column, const SourceValue *value)
{
	int			limit = column->typmod - VARHDRSZ;
	int			nbytes = value->u.bytes.len;
	int			nblanks;
	BpChar	   *result;

	if (column->typmod < 0)
		return sdb_bytes_to_varlena(column, value);

	sdb_convert_check_size(column, nbytes);
	if (nbytes > limit)
		nbytes = clip_characters(column, &value->u.bytes, limit);
	nblanks = limit - count_characters(value->u.bytes.data, nbytes);
	sdb_convert_check_size(column, (Size) nbytes + nblanks);
	result = palloc(nbytes + nblanks + VARHDRSZ);
	SET_VARSIZE(result, nbytes + nblanks + VARHDRSZ);
	memcpy(VARDATA(result), value->u.bytes.data, nbytes);
	memset(VARDATA(result) + nbytes, ' ', nblanks);
	return PointerGetDatum(result);
}

Datum
sdb_bits_to_bit(const ConvertColumn *column, const SourceValue *value)
{
	const SourceBits *bits = &value->u.bits;

	if (column->typmod >= 0 && bits->nbits != column->typmod)
		fail_bit_length(column);
	return make_bits(bits->data, (bits->nbits + 7) / 8, bits->nbits);
}

Datum
sdb_bits_to_varbit(const ConvertColumn *column, const SourceValue *value)
{
	const SourceBits *bits = &value->u.bits;

	if (column->typmod >= 0 && bits->nbits > column->typmod)
		fail_bit_length(column);
	return make_bits(bits->data, (bits->nbits + 7) / 8, bits->nbits);
}

Datum
sdb_bits_to_bool(const ConvertColumn *column, const SourceValue *value)
{
	if (value->u.bits.nbits != 1)
		fail_bit_length(column);
	return BoolGetDatum(sdb_bits_value(column, &value->u.bits) != 0);
}

Datum
sdb_integer_to_bit(const ConvertColumn *column, const SourceValue *value)
{
	int			nbits = column->typmod >= 0 ? column->typmod : 64;
	uint64		number;

	if (value->kind == VALUE_BOOL)
		number = value->u.boolean;
	else if (value->kind == VALUE_INT && value->u.sint < 0)
		sdb_convert_out_of_range(column);
	else
		number = value->u.uint;

	if (nbits < 64 && (number >> nbits) != 0)
		sdb_convert_out_of_range(column);
	number = pg_hton64(number);
	return make_bits((const uint8 *) &number, sizeof(number), nbits);
}

Datum
sdb_bytes_to_uuid(const ConvertColumn *column, const SourceValue *value)
{
	pg_uuid_t  *result;

	if (value->u.bytes.len != UUID_LEN)
		sdb_convert_fail(column, ERRCODE_INVALID_BINARY_REPRESENTATION,
						 "value that is not 16 bytes",
						 "Give the target column type bytea.");
	result = palloc(sizeof(pg_uuid_t));
	memcpy(result->data, value->u.bytes.data, UUID_LEN);
	return UUIDPGetDatum(result);
}

Datum
sdb_inet_to_inet(const ConvertColumn *column, const SourceValue *value)
{
	inet	   *result = palloc0(sizeof(inet));

	switch (value->u.bytes.len)
	{
		case 4:
			ip_family(result) = PGSQL_AF_INET;
			ip_bits(result) = 32;
			break;
		case 16:
			ip_family(result) = PGSQL_AF_INET6;
			ip_bits(result) = 128;
			break;
		default:
			sdb_convert_fail(column, ERRCODE_INVALID_BINARY_REPRESENTATION,
							 "network address that is neither 4 nor 16 bytes",
							 NULL);
	}
	memcpy(ip_addr(result), value->u.bytes.data, value->u.bytes.len);
	SET_INET_VARSIZE(result);
	return InetPGetDatum(result);
}

Datum
sdb_geometry_to_bytea(const ConvertColumn *column, const SourceValue *value)
{
	SourceValue bytes = {.kind = VALUE_BYTES};

	check_has_wkb(column, value);
	bytes.u.bytes.data = value->u.geometry.wkb;
	bytes.u.bytes.len = value->u.geometry.len;
	return sdb_bytes_to_varlena(column, &bytes);
}

/* By hexadecimal EWKB, which is WKB with the SRID after its header. */
Datum
sdb_geometry_to_postgis(const ConvertColumn *column, const SourceValue *value)
{
	const SourceGeometry *geometry = &value->u.geometry;
	ConvertTarget *target = column->target;
	StringInfoData buf;
	bool		swap;
	uint32		type;
	uint32		srid;

	check_has_wkb(column, value);
	if (geometry->len < WKB_HEADER_SIZE || (uint8) geometry->wkb[0] > 1)
		sdb_convert_fail(column, ERRCODE_INVALID_BINARY_REPRESENTATION,
						 "malformed geometry",
						 "Give the target column type bytea.");
	sdb_convert_check_size(column, text_size_limit(value));
	initStringInfo(&buf);
	if (geometry->srid == 0)
		append_hex(&buf, geometry->wkb, geometry->len);
	else
	{
		swap = (geometry->wkb[0] == WKB_BIG_ENDIAN) != WORDS_ARE_BIG_ENDIAN;
		memcpy(&type, geometry->wkb + 1, sizeof(type));
		type |= swap ? pg_bswap32(EWKB_HAS_SRID) : EWKB_HAS_SRID;
		srid = swap ? pg_bswap32(geometry->srid) : geometry->srid;
		append_hex(&buf, geometry->wkb, 1);
		append_hex(&buf, &type, sizeof(type));
		append_hex(&buf, &srid, sizeof(srid));
		append_hex(&buf, geometry->wkb + WKB_HEADER_SIZE,
				   geometry->len - WKB_HEADER_SIZE);
	}
	return InputFunctionCall(&target->input, buf.data, target->ioparam,
							 column->typmod);
}

/* The canonical text of a value. */
static void
append_value(StringInfo buf, const ConvertColumn *column,
			 const SourceValue *value)
{
	switch (value->kind)
	{
		case VALUE_BOOL:
			appendStringInfoString(buf, value->u.boolean ? "true" : "false");
			break;
		case VALUE_INT:
		case VALUE_UINT:
		case VALUE_FLOAT4:
		case VALUE_FLOAT8:
		case VALUE_DECIMAL:
			sdb_append_number(buf, column, value);
			break;
		case VALUE_TEXT:
		case VALUE_JSON:
		case VALUE_ZERODATE:
			appendBinaryStringInfo(buf, value->u.bytes.data,
								   value->u.bytes.len);
			break;
		case VALUE_BYTES:
			appendStringInfoString(buf, "\\x");
			append_hex(buf, value->u.bytes.data, value->u.bytes.len);
			break;
		case VALUE_BITS:
			append_bits(buf, &value->u.bits);
			break;
		case VALUE_DATE:
		case VALUE_TIME:
		case VALUE_TIMESTAMP:
		case VALUE_TIMESTAMPTZ:
		case VALUE_INTERVAL:
			sdb_append_temporal(buf, column, value);
			break;
		case VALUE_UUID:
			append_uuid(buf, value->u.bytes.data);
			break;
		case VALUE_INET:
			append_inet(buf, sdb_inet_to_inet(column, value));
			break;
		case VALUE_GEOMETRY:
			append_geometry(buf, &value->u.geometry);
			break;
		case VALUE_NULL:
		case VALUE_UNCHANGED:
			elog(ERROR, "value of kind %d has no text", value->kind);
	}
}

/* At least the size of what append_value writes, where that can be large. */
static Size
text_size_limit(const SourceValue *value)
{
	const Size	frame = 64;		/* "\x", {"wkb":"","srid":4294967295} */

	switch (value->kind)
	{
		case VALUE_TEXT:
		case VALUE_JSON:
			return (Size) value->u.bytes.len + 1;
		case VALUE_BYTES:
			return 2 * (Size) value->u.bytes.len + frame;
		case VALUE_GEOMETRY:
			return 2 * (Size) value->u.geometry.len + frame +
				(value->u.geometry.native ?
				 2 * (Size) value->u.geometry.native_len : 0);
		case VALUE_BITS:
			return (Size) value->u.bits.nbits + 1;
		default:
			return 0;
	}
}

static void
append_hex(StringInfo buf, const void *data, int len)
{
	enlargeStringInfo(buf, 2 * len);
	buf->len += hex_encode(data, len, buf->data + buf->len);
	buf->data[buf->len] = '\0';
}

static void
append_bits(StringInfo buf, const SourceBits *bits)
{
	int			nbytes = (bits->nbits + 7) / 8;

	for (int i = bits->nbits - 1; i >= 0; i--)
	{
		uint8		byte = bits->data[nbytes - 1 - i / 8];

		appendStringInfoChar(buf, '0' + ((byte >> (i % 8)) & 1));
	}
}

static void
append_uuid(StringInfo buf, const char *data)
{
	static const int group_sizes[] = {4, 2, 2, 2, 6};

	for (int i = 0; i < lengthof(group_sizes); i++)
	{
		if (i > 0)
			appendStringInfoChar(buf, '-');
		append_hex(buf, data, group_sizes[i]);
		data += group_sizes[i];
	}
}

static void
append_inet(StringInfo buf, Datum address)
{
	Datum		text = DirectFunctionCall1(inet_out, address);

	appendStringInfoString(buf, DatumGetCString(text));
}

/* In base64, the source's own bytes if its text is these; else what is below. */
static void
append_geometry(StringInfo buf, const SourceGeometry *geometry)
{
	if (geometry->native != NULL)
		append_base64(buf, geometry->native, geometry->native_len);
	else
		append_geometry_json(buf, geometry);
}

/* {"wkb":"<base64>","srid":4326}, or null for no reference system */
static void
append_geometry_json(StringInfo buf, const SourceGeometry *geometry)
{
	appendStringInfoString(buf, "{\"wkb\":\"");
	append_base64(buf, geometry->wkb, geometry->len);
	if (geometry->srid == 0)
		appendStringInfoString(buf, "\",\"srid\":null}");
	else
		appendStringInfo(buf, "\",\"srid\":%u}", geometry->srid);
}

static void
append_base64(StringInfo buf, const char *data, int len)
{
	int			room = pg_b64_enc_len(len);
	int			written;

	enlargeStringInfo(buf, room);
	written = pg_b64_encode((const void *) data, len, buf->data + buf->len,
							room);
	if (written < 0)
		elog(ERROR, "could not encode geometry");
	buf->len += written;
	buf->data[buf->len] = '\0';
}

static void
check_has_wkb(const ConvertColumn *column, const SourceValue *value)
{
	if (value->u.geometry.wkb == NULL)
		sdb_convert_fail(column, ERRCODE_INVALID_BINARY_REPRESENTATION,
						 "geometry that has no well-known binary form",
						 "Give the target column type text.");
}

/*
 * Bytes of the first `limit` characters.  As in SQL, what is cut off may only
 * be blanks.
 */
static int
clip_characters(const ConvertColumn *column, const SourceBytes *text,
				int limit)
{
	int			nbytes = text->len;

	if (count_characters(text->data, nbytes) <= limit)
		return nbytes;
	nbytes = pg_mbcharcliplen(text->data, nbytes, limit);
	for (int i = nbytes; i < text->len; i++)
	{
		if (text->data[i] != ' ')
			sdb_convert_fail(column, ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
							 "text too long",
							 "Give the target column more characters, or type text.");
	}
	return nbytes;
}

/* As pg_mbstrlen_with_len, which takes a call for each character. */
static int
count_characters(const char *text, int nbytes)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	const char *end = text + nbytes;
	int			ncontinued = 0;

	if (nbytes == 0)
		return 0;
	if (GetDatabaseEncoding() != PG_UTF8)
		return pg_mbstrlen_with_len(text, nbytes);

	/* bytes 10xxxxxx continue a character: add them up, eight at a time */
	for (; end - text >= sizeof(uint64); text += sizeof(uint64))
	{
		uint64		word;

		memcpy(&word, text, sizeof(word));
		word = (word >> 7) & (~word >> 6) & ones;
		ncontinued += (int) ((word * ones) >> 56);
	}
	for (; text < end; text++)
		ncontinued += (*text & 0xC0) == 0x80;
	return nbytes - ncontinued;
}

/* The low nbits of data as a bit string, with zeros before it if too short. */
static Datum
make_bits(const uint8 *data, int nbytes, int nbits)
{
	int			size = VARBITTOTALLEN(nbits);
	int			nresult = VARBITTOTALLEN(nbits) - VARHDRSZ - VARBITHDRSZ;
	int			shift = nresult * BITS_PER_BYTE - nbits;
	int			skip = nbytes - nresult;	/* if negative, zeros are added */
	VarBit	   *result = palloc(size);
	bits8	   *out = VARBITS(result);

	SET_VARSIZE(result, size);
	VARBITLEN(result) = nbits;
	for (int i = 0; i < nresult; i++)
	{
		int			in = skip + i;
		int			high = in >= 0 ? data[in] : 0;
		int			low = in + 1 >= 0 && in + 1 < nbytes ? data[in + 1] : 0;

		out[i] = (bits8) (((high << 8) | low) >> (8 - shift));
	}
	return VarBitPGetDatum(result);
}

static void
fail_bit_length(const ConvertColumn *column)
{
	sdb_convert_fail(column, ERRCODE_STRING_DATA_LENGTH_MISMATCH,
					 "bit string of another length",
					 "Give the target column the length of the source column.");
}
