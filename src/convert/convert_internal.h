/*
 * convert_internal.h --- what the converters and the plan share
 *
 * A converter turns one value of one kind into a Datum of one base type.  It
 * never sees NULL, UNCHANGED or ZERODATE: plan.c deals with these.  Converters
 * for several kinds look at value->kind; the others trust it.
 *
 * Text and numbers that do not fit are errors; fractions of seconds that the
 * target does not keep are cut, never rounded, so that no value moves into
 * the next second, day or year.
 */
#ifndef SDB_CONVERT_INTERNAL_H
#define SDB_CONVERT_INTERNAL_H

#include "change/table.h"
#include "fmgr.h"
#include "util/compat.h"
#include "utils/memutils.h"

typedef struct ConvertColumn ConvertColumn;

typedef Datum (*Converter) (const ConvertColumn *column,
							const SourceValue *value);

/* ConvertTarget --- what is needed of a column off the fast path */
typedef struct ConvertTarget
{
	const SourceTable *table;
	const SourceColumn *source;
	Oid			type;			/* of the target column */
	Oid			base_type;		/* below domains; type if it is none */
	char		category;		/* TYPCATEGORY_* of base_type */
	bool		is_postgis;		/* base_type is PostGIS's geometry */
	bool		not_null;		/* the target column is */
	FmgrInfo	input;			/* of base_type */
	Oid			ioparam;
	Converter	base;			/* converter to base_type; set for domains */
	struct Transform *transform;	/* a rule decides the value; or NULL */
	struct ConvertColumn *value;	/* of transform: what it takes */
	void	   *domain_cache;	/* domain_check's */
	MemoryContext context;		/* of the plan */
} ConvertTarget;

/* ConvertColumn --- one column of a plan, as small as the loop allows */
struct ConvertColumn
{
	Converter	convert;		/* for values of `kind` */
	const char *name;			/* source's name of the column */
	ValueKind	kind;
	int16		source_idx0;
	int16		target_idx0;
	int32		typmod;			/* of base_type; -1 if none */
	int32		unit_us;		/* temporal: last digit kept, in microseconds;
								 * 1 if all are */
	ConvertTarget *target;
};

/* plan.c */

/*
 * sdb_convert_fail --- "<what> for column "x" of table "t"", with both types
 * in the detail.
 */
pg_noreturn extern void sdb_convert_fail(const ConvertColumn *column,
										 int sqlerrcode, const char *what,
										 const char *hint);
pg_noreturn extern void sdb_convert_out_of_range(const ConvertColumn *column);
pg_noreturn extern void sdb_convert_too_large(const ConvertColumn *column);

/* Refuse a varlena whose content has that many bytes, before allocating. */
static inline void
sdb_convert_check_size(const ConvertColumn *column, Size nbytes)
{
	if (unlikely(nbytes > MaxAllocSize - VARHDRSZ))
		sdb_convert_too_large(column);
}

/*
 * scalar.c: text, bytes, bits, addresses, geometries
 */
extern Datum sdb_convert_by_text(const ConvertColumn *column,
								 const SourceValue *value);
extern Datum sdb_bytes_to_varlena(const ConvertColumn *column,
								  const SourceValue *value);
extern Datum sdb_text_to_varchar(const ConvertColumn *column,
								 const SourceValue *value);
extern Datum sdb_text_to_bpchar(const ConvertColumn *column,
								const SourceValue *value);
extern Datum sdb_bits_to_bit(const ConvertColumn *column,
							 const SourceValue *value);
extern Datum sdb_bits_to_varbit(const ConvertColumn *column,
								const SourceValue *value);
extern Datum sdb_bits_to_bool(const ConvertColumn *column,
							  const SourceValue *value);
extern Datum sdb_integer_to_bit(const ConvertColumn *column,
								const SourceValue *value);
extern Datum sdb_bytes_to_uuid(const ConvertColumn *column,
							   const SourceValue *value);
extern Datum sdb_inet_to_inet(const ConvertColumn *column,
							  const SourceValue *value);
extern Datum sdb_geometry_to_bytea(const ConvertColumn *column,
								   const SourceValue *value);
extern Datum sdb_geometry_to_postgis(const ConvertColumn *column,
									 const SourceValue *value);

/*
 * numeric.c: truth values and numbers.  "number" is any of BOOL, INT, UINT,
 * FLOAT4, FLOAT8, DECIMAL and BITS.
 */
extern Datum sdb_bool_to_bool(const ConvertColumn *column,
							  const SourceValue *value);
extern Datum sdb_integer_to_bool(const ConvertColumn *column,
								 const SourceValue *value);
extern Datum sdb_int_to_int2(const ConvertColumn *column,
							 const SourceValue *value);
extern Datum sdb_int_to_int4(const ConvertColumn *column,
							 const SourceValue *value);
extern Datum sdb_int_to_int8(const ConvertColumn *column,
							 const SourceValue *value);
extern Datum sdb_number_to_int2(const ConvertColumn *column,
								const SourceValue *value);
extern Datum sdb_number_to_int4(const ConvertColumn *column,
								const SourceValue *value);
extern Datum sdb_number_to_int8(const ConvertColumn *column,
								const SourceValue *value);
extern Datum sdb_integer_to_float4(const ConvertColumn *column,
								   const SourceValue *value);
extern Datum sdb_integer_to_float8(const ConvertColumn *column,
								   const SourceValue *value);
extern Datum sdb_float_to_float4(const ConvertColumn *column,
								 const SourceValue *value);
extern Datum sdb_float_to_float8(const ConvertColumn *column,
								 const SourceValue *value);
extern Datum sdb_integer_to_numeric(const ConvertColumn *column,
									const SourceValue *value);
extern Datum sdb_decimal_to_numeric(const ConvertColumn *column,
									const SourceValue *value);
extern Datum sdb_number_to_money(const ConvertColumn *column,
								 const SourceValue *value);
extern void sdb_append_number(StringInfo buf, const ConvertColumn *column,
							  const SourceValue *value);

/* The value of at most 64 bits as a number. */
extern uint64 sdb_bits_value(const ConvertColumn *column,
							 const SourceBits *bits);

/*
 * temporal.c: a timestamp without time zone and one with meet in UTC.
 */
extern Datum sdb_date_to_date(const ConvertColumn *column,
							  const SourceValue *value);
extern Datum sdb_date_to_timestamp(const ConvertColumn *column,
								   const SourceValue *value);
extern Datum sdb_timestamp_to_timestamp(const ConvertColumn *column,
										const SourceValue *value);
extern Datum sdb_timestamp_to_time(const ConvertColumn *column,
								   const SourceValue *value);
extern Datum sdb_time_to_time(const ConvertColumn *column,
							  const SourceValue *value);
extern Datum sdb_time_to_interval(const ConvertColumn *column,
								  const SourceValue *value);
extern Datum sdb_interval_to_interval(const ConvertColumn *column,
									  const SourceValue *value);
extern void sdb_append_temporal(StringInfo buf, const ConvertColumn *column,
								const SourceValue *value);

/* ConvertColumn.unit_us for a base type and its modifier. */
extern int32 sdb_temporal_unit(Oid base_type, int32 typmod);

#endif							/* SDB_CONVERT_INTERNAL_H */
