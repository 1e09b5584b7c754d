/*
 * value.h --- one typed value as a source sends it
 *
 * A value is typed from the wire on: NULL and "not sent" are kinds, never
 * strings.  A SourceValue owns nothing.  What its pointers name lives in the
 * source's buffer or in the memory context of the call that made it, and is
 * valid until the next call of that source.
 *
 * This header is the whole vocabulary of values between a source and the
 * converters in convert/.  It knows neither databases nor PostgreSQL types.
 */
#ifndef SDB_VALUE_H
#define SDB_VALUE_H

#include "datatype/timestamp.h"

typedef enum ValueKind
{
	VALUE_NULL,					/* SQL NULL */
	VALUE_UNCHANGED,			/* not sent: the stored value stays */
	VALUE_BOOL,					/* u.boolean */
	VALUE_INT,					/* u.sint */
	VALUE_UINT,					/* u.uint */
	VALUE_FLOAT4,				/* u.float4 */
	VALUE_FLOAT8,				/* u.float8 */
	VALUE_DECIMAL,				/* u.decimal */
	VALUE_TEXT,					/* u.bytes: valid in the server encoding */
	VALUE_BYTES,				/* u.bytes */
	VALUE_BITS,					/* u.bits */
	VALUE_JSON,					/* u.bytes: JSON text, server encoding */
	VALUE_DATE,					/* u.sint: days since 2000-01-01 */
	VALUE_TIME,					/* u.sint: microseconds, signed, may leave
								 * the day */
	VALUE_TIMESTAMP,			/* u.sint: microseconds since 2000-01-01 */
	VALUE_TIMESTAMPTZ,			/* u.sint: likewise, UTC */
	VALUE_INTERVAL,				/* u.interval */
	VALUE_UUID,					/* u.bytes, 16 of them */
	VALUE_INET,					/* u.bytes: 4 (IPv4) or 16 (IPv6) */
	VALUE_GEOMETRY,				/* u.geometry */
	VALUE_ZERODATE				/* u.bytes: the text of a date that names no
								 * day, such as 0000-00-00 */
} ValueKind;

#define VALUE_NKINDS (VALUE_ZERODATE + 1)

/*
 * SourceDecimal --- an exact decimal in base 10000, as numeric_send writes it:
 * sum(digits[i] * 10000 ^ (weight - i)), shown with dscale decimals.
 */
typedef struct SourceDecimal
{
	int16		ndigits;		/* 0 for zero */
	int16		weight;			/* of the first digit */
	bool		negative;
	int16		dscale;			/* decimal digits after the point */
	int16	   *digits;			/* 0..9999 each, neither leading nor trailing
								 * zeros required to be stripped */
} SourceDecimal;

/* SourceBytes --- a counted byte string, not NUL-terminated */
typedef struct SourceBytes
{
	const char *data;
	int			len;			/* bytes */
} SourceBytes;

/* SourceBits --- a bit string, most significant bit first */
typedef struct SourceBits
{
	const uint8 *data;			/* (nbits + 7) / 8 bytes; the value stands at
								 * the low end, as the wire has it: unused
								 * bits are the high bits of data[0] */
	int			nbits;
} SourceBits;

/* SourceGeometry --- well-known binary and its reference system */
typedef struct SourceGeometry
{
	const char *wkb;			/* NULL if native has no such form */
	int			len;			/* bytes */
	uint32		srid;			/* 0 if none */
	const char *native;			/* the source's own bytes, where the value's
								 * text is these; else NULL */
	int			native_len;		/* bytes */
} SourceGeometry;

typedef struct SourceValue
{
	ValueKind	kind;
	union
	{
		bool		boolean;
		int64		sint;
		uint64		uint;
		float		float4;
		double		float8;
		SourceBytes bytes;
		SourceBits	bits;
		SourceGeometry geometry;
		const SourceDecimal *decimal;
		const Interval *interval;
	}			u;
} SourceValue;

/* The name of a kind as the catalog stores it: "int", "timestamptz", ... */
extern const char *sdb_value_kind_name(ValueKind kind);

/* The kind of that name; false if there is none. */
extern bool sdb_value_kind_parse(const char *name, ValueKind *kind);

#endif							/* SDB_VALUE_H */
