/*
 * temporal.c --- dates, times, timestamps and intervals
 *
 * Units and epoch are PostgreSQL's own, so most of it is a range check and
 * the cutting of digits that the target does not keep.  A timestamp is cut
 * towards the past, as its written form would be; a duration towards zero.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "convert/convert_internal.h"

static const int32 unit_of_precision[MAX_TIMESTAMP_PRECISION + 1] = {
	1000000, 100000, 10000, 1000, 100, 10, 1
};

static void check_date(const ConvertColumn *column, int64 days);
static void check_timestamp(const ConvertColumn *column, Timestamp timestamp);
static Datum cut_interval(const ConvertColumn *column,
						  const Interval *interval);
static void append_time(StringInfo buf, int64 time_us);
static void append_timestamp(StringInfo buf, Timestamp timestamp, bool utc);
pg_noreturn static void fail_range(const ConvertColumn *column);

/* Rounded towards minus infinity to whole units. */
static inline int64
floor_to_unit(int64 value_us, int32 unit_us)
{
	int64		rest;

	if (unit_us == 1)
		return value_us;
	rest = value_us % unit_us;
	if (rest < 0)
		rest += unit_us;
	return value_us - rest;
}

int32
sdb_temporal_unit(Oid base_type, int32 typmod)
{
	int			precision = MAX_TIMESTAMP_PRECISION;

	if (typmod >= 0)
	{
		switch (base_type)
		{
			case TIMEOID:
			case TIMETZOID:
			case TIMESTAMPOID:
			case TIMESTAMPTZOID:
				precision = typmod;
				break;
			case INTERVALOID:
				if (INTERVAL_PRECISION(typmod) != INTERVAL_FULL_PRECISION)
					precision = INTERVAL_PRECISION(typmod);
				break;
		}
	}
	Assert(precision >= 0 && precision <= MAX_TIMESTAMP_PRECISION);
	return unit_of_precision[precision];
}

Datum
sdb_date_to_date(const ConvertColumn *column, const SourceValue *value)
{
	check_date(column, value->u.sint);
	return DateADTGetDatum((DateADT) value->u.sint);
}

Datum
sdb_date_to_timestamp(const ConvertColumn *column, const SourceValue *value)
{
	Timestamp	result;

	check_date(column, value->u.sint);
	if (value->u.sint >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
		fail_range(column);
	result = value->u.sint * USECS_PER_DAY;
	return TimestampGetDatum(result);
}

Datum
sdb_timestamp_to_timestamp(const ConvertColumn *column,
						   const SourceValue *value)
{
	check_timestamp(column, value->u.sint);
	return TimestampGetDatum(floor_to_unit(value->u.sint, column->unit_us));
}

Datum
sdb_timestamp_to_time(const ConvertColumn *column, const SourceValue *value)
{
	int64		time_us = value->u.sint % USECS_PER_DAY;

	if (time_us < 0)
		time_us += USECS_PER_DAY;
	return TimeADTGetDatum(floor_to_unit(time_us, column->unit_us));
}

Datum
sdb_time_to_time(const ConvertColumn *column, const SourceValue *value)
{
	if (unlikely(value->u.sint < 0 || value->u.sint > USECS_PER_DAY))
		sdb_convert_fail(column, ERRCODE_DATETIME_FIELD_OVERFLOW,
						 "time outside 00:00:00 to 24:00:00",
						 "Map the column to interval, which holds any time.");
	return TimeADTGetDatum(floor_to_unit(value->u.sint, column->unit_us));
}

Datum
sdb_time_to_interval(const ConvertColumn *column, const SourceValue *value)
{
	Interval	interval = {.time = value->u.sint};

	return cut_interval(column, &interval);
}

Datum
sdb_interval_to_interval(const ConvertColumn *column, const SourceValue *value)
{
	return cut_interval(column, value->u.interval);
}

void
sdb_append_temporal(StringInfo buf, const ConvertColumn *column,
					const SourceValue *value)
{
	char		text[MAXDATELEN + 1];
	struct pg_tm tm;
	struct pg_itm itm;

	switch (value->kind)
	{
		case VALUE_DATE:
			check_date(column, value->u.sint);
			j2date((int) value->u.sint + POSTGRES_EPOCH_JDATE,
				   &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
			EncodeDateOnly(&tm, USE_ISO_DATES, text);
			appendStringInfoString(buf, text);
			break;
		case VALUE_TIME:
			append_time(buf, value->u.sint);
			break;
		case VALUE_TIMESTAMP:
			check_timestamp(column, value->u.sint);
			append_timestamp(buf, value->u.sint, false);
			break;
		case VALUE_TIMESTAMPTZ:
			check_timestamp(column, value->u.sint);
			append_timestamp(buf, value->u.sint, true);
			break;
		case VALUE_INTERVAL:
			interval2itm(*value->u.interval, &itm);
			EncodeInterval(&itm, INTSTYLE_POSTGRES, text);
			appendStringInfoString(buf, text);
			break;
		default:
			elog(ERROR, "value of kind %d is not temporal", value->kind);
	}
}

static void
check_date(const ConvertColumn *column, int64 days)
{
	if (unlikely(!IS_VALID_DATE(days)))
		fail_range(column);
}

static void
check_timestamp(const ConvertColumn *column, Timestamp timestamp)
{
	if (unlikely(!IS_VALID_TIMESTAMP(timestamp)))
		fail_range(column);
}

static Datum
cut_interval(const ConvertColumn *column, const Interval *interval)
{
	Interval   *result = palloc(sizeof(Interval));

	*result = *interval;
	result->time -= result->time % column->unit_us;

	/* a range such as "day to second" takes away other fields */
	if (column->typmod >= 0 &&
		INTERVAL_RANGE(column->typmod) != INTERVAL_FULL_RANGE)
		return DirectFunctionCall2(interval_scale, IntervalPGetDatum(result),
								   Int32GetDatum(column->typmod));
	return IntervalPGetDatum(result);
}

/* Any duration: -838:59:59.000001 */
static void
append_time(StringInfo buf, int64 time_us)
{
	uint64		rest = time_us < 0 ? 0 - (uint64) time_us : (uint64) time_us;
	char		text[MAXDATELEN + 1];
	struct pg_tm tm;
	fsec_t		fsec;

	fsec = (fsec_t) (rest % USECS_PER_SEC);
	rest /= USECS_PER_SEC;
	tm.tm_sec = rest % SECS_PER_MINUTE;
	rest /= SECS_PER_MINUTE;
	tm.tm_min = rest % MINS_PER_HOUR;
	rest /= MINS_PER_HOUR;
	if (time_us < 0)
		appendStringInfoChar(buf, '-');
	tm.tm_hour = (int) rest;
	EncodeTimeOnly(&tm, fsec, false, 0, USE_ISO_DATES, text);
	appendStringInfoString(buf, text);
}

/* Always in UTC, marked +00 if it is an instant. */
static void
append_timestamp(StringInfo buf, Timestamp timestamp, bool utc)
{
	char		text[MAXDATELEN + 1];
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(timestamp, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	EncodeDateTime(&tm, fsec, utc, 0, NULL, USE_ISO_DATES, text);
	appendStringInfoString(buf, text);
}

static void
fail_range(const ConvertColumn *column)
{
	sdb_convert_fail(column, ERRCODE_DATETIME_FIELD_OVERFLOW,
					 "date or time out of range",
					 "Correct the value at the source, or give the target column type text.");
}
