/*
 * calendar.h --- dates of the proleptic Gregorian calendar as day numbers
 *
 * Pure arithmetic for decoders and for the text form of changes, which must
 * work without the server's own date functions.  Year 0 is the year before
 * year 1.  Day 0 is 2000-01-01.
 */
#ifndef SDB_CALENDAR_H
#define SDB_CALENDAR_H

#define SDB_DAYS_PER_ERA	146097	/* 400 years */
#define SDB_EPOCH_FROM_ERA	730425	/* 2000-01-01, counted from 0000-03-01 */

/*
 * Day number of a date.  A year is taken to begin in March here, so that the
 * leap day is its last; 400 of them are one era.
 */
static inline int32
sdb_calendar_to_days(int year, int month, int day)
{
	int			y = month > 2 ? year : year - 1;
	int			era = (y >= 0 ? y : y - 399) / 400;
	int			year_of_era = y - era * 400;
	int			march_month = month > 2 ? month - 3 : month + 9;
	int			day_of_year = (153 * march_month + 2) / 5 + day - 1;

	return era * SDB_DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 -
		year_of_era / 100 + day_of_year - SDB_EPOCH_FROM_ERA;
}

/* The date of a day number, the inverse of the above. */
static inline void
sdb_calendar_from_days(int64 days, int64 *year, int *month, int *day)
{
	int64		n = days + SDB_EPOCH_FROM_ERA;
	int64		era = (n >= 0 ? n : n - (SDB_DAYS_PER_ERA - 1)) /
		SDB_DAYS_PER_ERA;
	int			day_of_era = (int) (n - era * SDB_DAYS_PER_ERA);
	int			year_of_era = (day_of_era - day_of_era / 1460 +
							   day_of_era / 36524 - day_of_era / 146096) / 365;
	int			day_of_year = day_of_era - (365 * year_of_era +
											year_of_era / 4 -
											year_of_era / 100);
	int			march_month = (5 * day_of_year + 2) / 153;

	*day = day_of_year - (153 * march_month + 2) / 5 + 1;
	*month = march_month < 10 ? march_month + 3 : march_month - 9;
	*year = era * 400 + year_of_era + (*month <= 2 ? 1 : 0);
}

/* Does the calendar have that day? */
static inline bool
sdb_calendar_is_date(int year, int month, int day)
{
	static const uint8 month_days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	bool		leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= month_days[month - 1] + (month == 2 && leap ? 1 : 0);
}

#endif							/* SDB_CALENDAR_H */
