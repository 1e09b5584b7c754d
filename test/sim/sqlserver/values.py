"""Values that Python has no exact type for.

Times count ticks of 100 ns, as datetime2(7) does; all of year 1 to 9999 fits.
"""
import datetime
from dataclasses import dataclass
from typing import Any

TICKS_PER_SECOND = 10_000_000
TICKS_PER_MINUTE = 60 * TICKS_PER_SECOND
TICKS_PER_DAY = 86_400 * TICKS_PER_SECOND


def clock(ticks, scale=7):
    """HH:MM:SS.fffffff, cut to scale digits."""
    seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
    minutes, second = divmod(seconds, 60)
    text = "%02d:%02d:%02d" % (*divmod(minutes, 60), second)
    return text + ("." + ("%07d" % fraction)[:scale] if scale else "")


@dataclass(frozen=True, order=True, slots=True)
class Time:
    """time(n): ticks since midnight."""
    ticks: int

    @classmethod
    def of(cls, hour, minute=0, second=0, fraction=0):
        """fraction is in ticks."""
        return cls(((hour * 60 + minute) * 60 + second) * TICKS_PER_SECOND
                   + fraction)

    def text(self, scale=7):
        return clock(self.ticks, scale)

    __str__ = text


@dataclass(frozen=True, order=True, slots=True)
class DateTime:
    """datetime2(n), datetime, smalldatetime: ticks since 0001-01-01."""
    ticks: int

    @classmethod
    def of(cls, year, month, day, hour=0, minute=0, second=0, fraction=0):
        """fraction is in ticks."""
        return cls.join(datetime.date(year, month, day),
                        Time.of(hour, minute, second, fraction))

    @classmethod
    def join(cls, date, time=Time(0)):
        return cls((date.toordinal() - 1) * TICKS_PER_DAY + time.ticks)

    @property
    def days(self):
        """Days since 0001-01-01."""
        return self.ticks // TICKS_PER_DAY

    @property
    def date(self):
        return datetime.date.fromordinal(self.days + 1)

    @property
    def time(self):
        return Time(self.ticks % TICKS_PER_DAY)

    def text(self, scale=7):
        return self.date.isoformat() + " " + self.time.text(scale)

    __str__ = text


@dataclass(frozen=True, order=True, slots=True)
class DateTimeOffset:
    """datetimeoffset(n): ticks since 0001-01-01 in UTC, and the offset.

    Two of them with one instant but different offsets are not equal here;
    SQL compares the ticks alone.
    """
    ticks: int
    offset: int                 # minutes east of UTC

    @classmethod
    def at(cls, local, offset):
        """From a DateTime that is local time at the offset."""
        return cls(local.ticks - offset * TICKS_PER_MINUTE, offset)

    @property
    def local(self):
        return DateTime(self.ticks + self.offset * TICKS_PER_MINUTE)

    def text(self, scale=7):
        sign = "-" if self.offset < 0 else "+"
        return "%s %s%02d:%02d" % (self.local.text(scale), sign,
                                   *divmod(abs(self.offset), 60))

    __str__ = text


@dataclass(frozen=True, slots=True)
class Variant:
    """A value of sql_variant: a value and the type it has (a types.Type)."""
    type: Any
    value: Any
