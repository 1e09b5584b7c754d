/*
 * mysql_row_temporal.c --- dates and times in rows of the binary log and of
 * result sets
 *
 * In the log, the types with a 2 in their name (MySQL 5.6, MariaDB 10.1) are big-endian
 * bit fields with a fraction behind them.  Of the older ones those without a
 * fraction are little-endian decimal numbers such as 20240131102030; MariaDB
 * also has some with a fraction, from before mysql56_temporal_format: those
 * are big-endian counts.
 *
 * In a result set, dates and times are sent as their parts, as many as are
 * needed: trailing ones that are zero may be left out.  A byte before them
 * says how many bytes they have.
 *
 * A date that no calendar has, such as 0000-00-00 or 2024-02-31, which the
 * servers let in under some modes, becomes VALUE_ZERODATE with the text the
 * server would print.  Numbers that no mode lets in are corruption.
 *
 * Formats: my_time_packed_to_binary of both servers, and Field_time_hires and
 * its kin in MariaDB; checked against captures in test/golden/mysql.
 */
#include "postgres.h"

#include "source/mysql/mysql_row_values.h"
#include "util/calendar.h"

#define MAX_YEAR			9999
#define MAX_HOUR			838
#define UNIX_TO_2000_SECS	INT64CONST(946684800)
#define TIME_OFFSET			0x800000	/* so that times sort as bytes do */
#define DATETIME_OFFSET		INT64CONST(0x8000000000)
#define HIRES_ZERO_SECS		INT64CONST(3020400)	/* 838:59:59, and one more */

/* bytes of parts: year, month and day; hour, minute and second; fraction */
#define DATE_PARTS			4
#define DATETIME_PARTS		7
#define DATETIME_PARTS_ALL	11
#define TIME_PARTS			8		/* sign and days before */
#define TIME_PARTS_ALL		12

/* A date and time as its parts, which need not be a date of the calendar */
typedef struct Parts
{
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second;
	int			micros;
} Parts;

/* by fractional digits: bytes that MariaDB's older types take */
static const uint8 hires_fraction_bytes[] = {0, 1, 1, 2, 2, 3, 3};
static const uint8 hires_time_bytes[] = {3, 4, 4, 5, 5, 5, 6};
static const uint8 hires_datetime_bytes[] = {5, 6, 6, 7, 7, 7, 8};

static const int micros_of_unit[] = {
	1000000, 100000, 10000, 1000, 100, 10, 1
};

static void take_parts(ByteCursor *cur, Parts *parts);
static int	fraction_bytes(const RowColumn *column);
static int	take_fraction(ByteCursor *cur, const RowColumn *column);
static int	check_fraction(const ByteCursor *cur, uint64 fraction, int unit);
static void set_timestamp(SourceValue *value, const RowColumn *column,
						  uint32 seconds, int micros);
static void set_date(const ByteCursor *cur, SourceValue *value,
					 const Parts *parts);
static void set_datetime(const ByteCursor *cur, SourceValue *value,
						 const RowColumn *column, const Parts *parts);
static void set_time(const ByteCursor *cur, SourceValue *value, bool negative,
					 const Parts *parts);
static void set_zero_date(SourceValue *value, const char *format,
						  const Parts *parts, int scale);
static int64 day_micros(const Parts *parts);

/* Years since 1900; 0 is the year 0000. */
void
sdb_mysql_row_year(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	uint8		year = sdb_bytes_u8(cur);

	value->kind = VALUE_INT;
	value->u.sint = year == 0 ? 0 : 1900 + year;
}

/* 15 bits year, 4 month, 5 day */
void
sdb_mysql_row_date(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	uint32		bits = sdb_bytes_le24(cur);
	Parts		parts = {0};

	parts.day = bits & 0x1f;
	parts.month = (bits >> 5) & 0x0f;
	parts.year = bits >> 9;
	set_date(cur, value, &parts);
}

/*
 * Sign, an unused bit, 10 bits hour, 6 minute, 6 second, fraction; negative
 * times as the complement of it all.
 */
void
sdb_mysql_row_time(ByteCursor *cur, const RowColumn *column,
				   SourceValue *value)
{
	int			nfraction = fraction_bytes(column);
	int64		number = (int64) sdb_bytes_be(cur, 3 + nfraction) -
		((int64) TIME_OFFSET << (8 * nfraction));
	bool		negative = number < 0;
	uint64		bits = negative ? -number : number;
	uint64		fraction = bits & ((UINT64CONST(1) << (8 * nfraction)) - 1);
	Parts		parts = {0};

	bits >>= 8 * nfraction;
	parts.hour = (int) (bits >> 12);
	parts.minute = (bits >> 6) & 0x3f;
	parts.second = bits & 0x3f;
	parts.micros = check_fraction(cur, fraction, micros_of_unit[2 * nfraction]);
	set_time(cur, value, negative, &parts);
}

void
sdb_mysql_row_time_old(ByteCursor *cur, const RowColumn *column,
					   SourceValue *value)
{
	int			unit = micros_of_unit[column->scale];
	Parts		parts = {0};
	bool		negative;

	if (column->scale == 0)
	{
		int32		number = (int32) sdb_bytes_le24(cur);

		if (number & 0x800000)
			number -= 0x1000000;
		negative = number < 0;
		number = abs(number);
		parts.hour = number / 10000;
		parts.minute = number / 100 % 100;
		parts.second = number % 100;
	}
	else
	{
		int			per_second = USECS_PER_SEC / unit;
		int64		number = (int64) sdb_bytes_be(cur,
												  hires_time_bytes[column->scale]) -
			HIRES_ZERO_SECS * per_second;
		int64		seconds;

		negative = number < 0;
		number = negative ? -number : number;
		parts.micros = (int) (number % per_second) * unit;
		seconds = number / per_second;
		if (seconds >= HIRES_ZERO_SECS)
			sdb_mysql_malformed(cur, "A time is out of range.");
		parts.hour = (int) (seconds / SECS_PER_HOUR);
		parts.minute = (int) (seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
		parts.second = (int) (seconds % SECS_PER_MINUTE);
	}
	set_time(cur, value, negative, &parts);
}

/*
 * Sign (always set), 17 bits year * 13 + month, 5 day, 5 hour, 6 minute, 6
 * second, fraction
 */
void
sdb_mysql_row_datetime(ByteCursor *cur, const RowColumn *column,
					   SourceValue *value)
{
	int64		bits = (int64) sdb_bytes_be(cur, 5) - DATETIME_OFFSET;
	int			year_month = (int) (bits >> 22);
	Parts		parts;

	if (bits < 0)
		sdb_mysql_malformed(cur, "A date is out of range.");
	parts.year = year_month / 13;
	parts.month = year_month % 13;
	parts.day = (bits >> 17) & 0x1f;
	parts.hour = (bits >> 12) & 0x1f;
	parts.minute = (bits >> 6) & 0x3f;
	parts.second = bits & 0x3f;
	parts.micros = take_fraction(cur, column);
	set_datetime(cur, value, column, &parts);
}

void
sdb_mysql_row_datetime_old(ByteCursor *cur, const RowColumn *column,
						   SourceValue *value)
{
	Parts		parts = {0};

	if (column->scale == 0)
	{
		uint64		number = sdb_bytes_le64(cur);
		uint64		date = number / 1000000;
		uint32		time = (uint32) (number % 1000000);

		if (date / 10000 > MAX_YEAR)
			sdb_mysql_malformed(cur, "A date is out of range.");
		parts.year = (int) (date / 10000);
		parts.month = (int) (date / 100 % 100);
		parts.day = (int) (date % 100);
		parts.hour = time / 10000;
		parts.minute = time / 100 % 100;
		parts.second = time % 100;
	}
	else
	{
		int			unit = micros_of_unit[column->scale];
		int			per_second = USECS_PER_SEC / unit;
		uint64		number = sdb_bytes_be(cur,
										  hires_datetime_bytes[column->scale]);

		parts.micros = (int) (number % per_second) * unit;
		number /= per_second;
		parts.second = (int) (number % 60);
		number /= 60;
		parts.minute = (int) (number % 60);
		number /= 60;
		parts.hour = (int) (number % 24);
		number /= 24;
		parts.day = (int) (number % 32);
		number /= 32;
		parts.month = (int) (number % 13);
		number /= 13;
		parts.year = (int) Min(number, MAX_YEAR + 1);
	}
	set_datetime(cur, value, column, &parts);
}

/* Seconds since 1970, fraction; MariaDB 11.5 uses the highest bit as well. */
void
sdb_mysql_row_timestamp(ByteCursor *cur, const RowColumn *column,
						SourceValue *value)
{
	uint32		seconds = (uint32) sdb_bytes_be(cur, 4);
	int			micros = take_fraction(cur, column);

	set_timestamp(value, column, seconds, micros);
}

void
sdb_mysql_row_timestamp_old(ByteCursor *cur, const RowColumn *column,
							SourceValue *value)
{
	uint32		seconds;
	uint64		fraction;

	if (column->scale == 0)
	{
		set_timestamp(value, column, sdb_bytes_le32(cur), 0);
		return;
	}
	seconds = (uint32) sdb_bytes_be(cur, 4);
	fraction = sdb_bytes_be(cur, hires_fraction_bytes[column->scale]);
	set_timestamp(value, column, seconds,
				  check_fraction(cur, fraction, micros_of_unit[column->scale]));
}

void
sdb_mysql_row_date_parts(ByteCursor *cur, const RowColumn *column,
						 SourceValue *value)
{
	Parts		parts = {0};

	take_parts(cur, &parts);
	set_date(cur, value, &parts);
}

void
sdb_mysql_row_datetime_parts(ByteCursor *cur, const RowColumn *column,
							 SourceValue *value)
{
	Parts		parts = {0};

	take_parts(cur, &parts);
	set_datetime(cur, value, column, &parts);
}

/* The session's time zone is UTC. */
void
sdb_mysql_row_timestamp_parts(ByteCursor *cur, const RowColumn *column,
							  SourceValue *value)
{
	sdb_mysql_row_datetime_parts(cur, column, value);
	if (value->kind == VALUE_TIMESTAMP)
		value->kind = VALUE_TIMESTAMPTZ;
}

void
sdb_mysql_row_time_parts(ByteCursor *cur, const RowColumn *column,
						 SourceValue *value)
{
	uint8		len = sdb_bytes_u8(cur);
	bool		negative = false;
	Parts		parts = {0};

	if (len != 0 && len != TIME_PARTS && len != TIME_PARTS_ALL)
		sdb_mysql_malformed(cur, "A time cannot have %u bytes.", len);
	if (len > 0)
	{
		uint32		days;

		negative = sdb_bytes_u8(cur) != 0;
		days = sdb_bytes_le32(cur);
		parts.hour = (int) Min(days, MAX_HOUR) * HOURS_PER_DAY +
			sdb_bytes_u8(cur);
		parts.minute = sdb_bytes_u8(cur);
		parts.second = sdb_bytes_u8(cur);
	}
	if (len == TIME_PARTS_ALL)
		parts.micros = check_fraction(cur, sdb_bytes_le32(cur), 1);
	set_time(cur, value, negative, &parts);
}

/* The parts of a date, or of a date and time. */
static void
take_parts(ByteCursor *cur, Parts *parts)
{
	uint8		len = sdb_bytes_u8(cur);

	if (len != 0 && len != DATE_PARTS && len != DATETIME_PARTS &&
		len != DATETIME_PARTS_ALL)
		sdb_mysql_malformed(cur, "A date cannot have %u bytes.", len);
	if (len >= DATE_PARTS)
	{
		parts->year = sdb_bytes_le16(cur);
		parts->month = sdb_bytes_u8(cur);
		parts->day = sdb_bytes_u8(cur);
	}
	if (len >= DATETIME_PARTS)
	{
		parts->hour = sdb_bytes_u8(cur);
		parts->minute = sdb_bytes_u8(cur);
		parts->second = sdb_bytes_u8(cur);
	}
	if (len == DATETIME_PARTS_ALL)
		parts->micros = check_fraction(cur, sdb_bytes_le32(cur), 1);
}

/* Two digits a byte, so a last odd digit counts tens. */
static int
fraction_bytes(const RowColumn *column)
{
	return (column->scale + 1) / 2;
}

static int
take_fraction(ByteCursor *cur, const RowColumn *column)
{
	int			nbytes = fraction_bytes(column);

	if (nbytes == 0)
		return 0;
	return check_fraction(cur, sdb_bytes_be(cur, nbytes),
						  micros_of_unit[2 * nbytes]);
}

/* In microseconds; unit is how many of them one of the fraction is. */
static int
check_fraction(const ByteCursor *cur, uint64 fraction, int unit)
{
	if (fraction >= (uint64) (USECS_PER_SEC / unit))
		sdb_mysql_malformed(cur, "A fraction of a second is out of range.");
	return (int) fraction * unit;
}

static void
set_timestamp(SourceValue *value, const RowColumn *column, uint32 seconds,
			  int micros)
{
	if (seconds == 0 && micros == 0)
	{
		Parts		zero = {0};

		set_zero_date(value, "%04d-%02d-%02d %02d:%02d:%02d", &zero,
					  column->scale);
		return;
	}
	value->kind = VALUE_TIMESTAMPTZ;
	value->u.sint = ((int64) seconds - UNIX_TO_2000_SECS) * USECS_PER_SEC +
		micros;
}

static void
set_date(const ByteCursor *cur, SourceValue *value, const Parts *parts)
{
	if (parts->year > MAX_YEAR || parts->month > 12 || parts->day > 31)
		sdb_mysql_malformed(cur, "A date is out of range.");

	if (!sdb_calendar_is_date(parts->year, parts->month, parts->day))
	{
		set_zero_date(value, "%04d-%02d-%02d", parts, 0);
		return;
	}
	value->kind = VALUE_DATE;
	value->u.sint = sdb_calendar_to_days(parts->year, parts->month, parts->day);
}

static void
set_datetime(const ByteCursor *cur, SourceValue *value,
			 const RowColumn *column, const Parts *parts)
{
	if (parts->year > MAX_YEAR || parts->month > 12 || parts->day > 31 ||
		parts->hour > 23 || parts->minute > 59 || parts->second > 59)
		sdb_mysql_malformed(cur, "A date and time is out of range.");

	if (!sdb_calendar_is_date(parts->year, parts->month, parts->day))
	{
		set_zero_date(value, "%04d-%02d-%02d %02d:%02d:%02d", parts,
					  column->scale);
		return;
	}
	value->kind = VALUE_TIMESTAMP;
	value->u.sint = day_micros(parts) +
		sdb_calendar_to_days(parts->year, parts->month, parts->day) *
		USECS_PER_DAY;
}

static void
set_time(const ByteCursor *cur, SourceValue *value, bool negative,
		 const Parts *parts)
{
	int64		micros = day_micros(parts);

	if (parts->hour > MAX_HOUR || parts->minute > 59 || parts->second > 59)
		sdb_mysql_malformed(cur, "A time is out of range.");
	value->kind = VALUE_TIME;
	value->u.sint = negative ? -micros : micros;
}

/* format takes the parts up to the second; the fraction is put behind it. */
static void
set_zero_date(SourceValue *value, const char *format, const Parts *parts,
			  int scale)
{
	char	   *text = palloc(sizeof("yyyy-mm-dd hh:mm:ss.ffffff"));
	int			len;

	len = sprintf(text, format, parts->year, parts->month, parts->day,
				  parts->hour, parts->minute, parts->second);
	if (scale > 0)
		len += sprintf(text + len, ".%0*d", scale,
					   parts->micros / micros_of_unit[scale]);

	value->kind = VALUE_ZERODATE;
	value->u.bytes.data = text;
	value->u.bytes.len = len;
}

static int64
day_micros(const Parts *parts)
{
	return ((parts->hour * MINS_PER_HOUR + parts->minute) *
			(int64) SECS_PER_MINUTE + parts->second) * USECS_PER_SEC +
		parts->micros;
}
