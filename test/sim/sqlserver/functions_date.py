"""Functions of dates and times."""

import calendar
import datetime

from . import sql_ast as ast
from .functions_common import simple
from .result import SqlError
from .sql_convert import converter
from .sql_scope import Compiled
from .sql_types import (BIGINT, DATE, DATETIME, DATETIME2, INT, OFFSET,
                        family)
from .types import Type
from .values import (TICKS_PER_DAY, TICKS_PER_MINUTE, TICKS_PER_SECOND,
                     DateTime, DateTimeOffset, Time)

# part: its names
PARTS = {name: part for part, names in {
    "year": "year yy yyyy", "quarter": "quarter qq q", "month": "month mm m",
    "dayofyear": "dayofyear dy y", "day": "day dd d", "week": "week wk ww",
    "weekday": "weekday dw w", "hour": "hour hh", "minute": "minute mi n",
    "second": "second ss s", "millisecond": "millisecond ms",
    "microsecond": "microsecond mcs", "nanosecond": "nanosecond ns",
    "tzoffset": "tzoffset tz", "iso_week": "iso_week isowk isoww",
}.items() for name in names.split()}

TICKS = {"week": 7 * TICKS_PER_DAY, "day": TICKS_PER_DAY,
         "dayofyear": TICKS_PER_DAY, "weekday": TICKS_PER_DAY,
         "hour": 60 * TICKS_PER_MINUTE, "minute": TICKS_PER_MINUTE,
         "second": TICKS_PER_SECOND, "millisecond": 10_000,
         "microsecond": 10}


def part_of(node):
    name = node.parts[-1].lower() if isinstance(node, ast.Name) else ""
    part = PARTS.get(name)
    if part is None:
        raise SqlError(155, "'%s' is not a recognized datepart option." % name,
                       class_=15)
    return part


def moment(compiler, node):
    """An argument that is a date or time, as (Compiled, its own type)."""
    arg = compiler.compile(node)
    if family(arg.type) in ("date", "time", "datetime", "offset"):
        return arg
    return compiler.coerce(arg, DATETIME if family(arg.type) == "int"
                           else DATETIME2)


def as_datetime(arg):
    """A function from the argument's values to DateTime."""
    kind = family(arg.type)
    if kind == "datetime":
        return arg.run
    step = converter(arg.type, DATETIME2)
    run = arg.run
    return lambda row: step(run(row))


def date_part_value(part, when):
    date, ticks = when.date, when.time.ticks
    if part == "year":
        return date.year
    if part == "quarter":
        return (date.month + 2) // 3
    if part == "month":
        return date.month
    if part == "day":
        return date.day
    if part == "dayofyear":
        return date.timetuple().tm_yday
    if part == "week":
        first = date.replace(month=1, day=1)
        return (date.timetuple().tm_yday + (first.isoweekday() % 7) - 1) \
            // 7 + 1
    if part == "iso_week":
        return date.isocalendar()[1]
    if part == "weekday":
        return date.isoweekday() % 7 + 1
    return CLOCK_PARTS[part](ticks)


CLOCK_PARTS = {
    "hour": lambda ticks: ticks // (60 * TICKS_PER_MINUTE),
    "minute": lambda ticks: ticks // TICKS_PER_MINUTE % 60,
    "second": lambda ticks: ticks // TICKS_PER_SECOND % 60,
    "millisecond": lambda ticks: ticks % TICKS_PER_SECOND // 10_000,
    "microsecond": lambda ticks: ticks % TICKS_PER_SECOND // 10,
    "nanosecond": lambda ticks: ticks % TICKS_PER_SECOND * 100,
}


def date_part(compiler, node):
    part = part_of(node.args[0])
    arg = moment(compiler, node.args[1])
    if part == "tzoffset":
        if family(arg.type) != "offset":
            arg = compiler.coerce(arg, OFFSET)
        run = arg.run
        return Compiled(lambda row: None if (value := run(row)) is None
                        else value.offset, INT, arg.constant)
    run = as_datetime(arg)
    return Compiled(lambda row: None if (value := run(row)) is None
                    else date_part_value(part, value), INT, arg.constant)


def date_name(compiler, node):
    part = part_of(node.args[0])
    inner = date_part(compiler, node)
    when = as_datetime(moment(compiler, node.args[1]))

    def run(row):
        value = inner.run(row)
        if value is None:
            return None
        if part == "month":
            return calendar.month_name[value]
        if part == "weekday":
            return when(row).date.strftime("%A")
        if part == "tzoffset":
            return "%s%02d:%02d" % ("-" if value < 0 else "+",
                                    *divmod(abs(value), 60))
        return str(value)
    return Compiled(run, Type("nvarchar", 30), inner.constant)


def single_part(part):
    def build(compiler, node):
        return date_part(compiler, ast.Call(("DATEPART",), [
            ast.Name((part,)), node.args[0]]))
    return build


def shifted_months(when, months):
    date = when.date
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise out_of_range()
    day = min(date.day, calendar.monthrange(year, month + 1)[1])
    return DateTime.join(datetime.date(year, month + 1, day), when.time)


def out_of_range():
    return SqlError(517, "Adding a value to a 'datetime' column caused an "
                    "overflow.")


def shifted(part, number, when):
    if part in ("year", "quarter", "month"):
        return shifted_months(when, number * {"year": 12, "quarter": 3,
                                              "month": 1}[part])
    if part == "nanosecond":
        return DateTime(when.ticks + number // 100)
    ticks = when.ticks + number * TICKS[part]
    if not 0 <= ticks <= DateTime.of(9999, 12, 31).ticks + TICKS_PER_DAY:
        raise out_of_range()
    return DateTime(ticks)


def date_add(compiler, node):
    part = part_of(node.args[0])
    number = compiler.coerce(compiler.compile(node.args[1]), BIGINT)
    arg = compiler.compile(node.args[2])
    if family(arg.type) == "str" or family(arg.type) == "int":
        arg = compiler.coerce(arg, DATETIME)
    kind = family(arg.type)
    back = converter(DATETIME2, arg.type)
    a, b = number.run, arg.run
    forth = as_datetime(arg)

    def run(row):
        count, value = a(row), b(row)
        if count is None or value is None:
            return None
        if kind == "offset":
            return DateTimeOffset.at(shifted(part, count, value.local),
                                     value.offset)
        if kind == "time":
            moved = shifted(part, count, DateTime(value.ticks
                                                  + 10**6 * TICKS_PER_DAY))
            return moved.time
        moved = shifted(part, count, forth(row))
        return back(moved) if back is not None else moved
    return Compiled(run, arg.type, number.constant and arg.constant)


def boundaries(part, when):
    """How many boundaries of the part lie before a moment."""
    if part == "year":
        return when.date.year
    if part == "quarter":
        return when.date.year * 4 + (when.date.month - 1) // 3
    if part == "month":
        return when.date.year * 12 + when.date.month
    if part == "week":
        return (when.days + 1) // 7
    if part == "nanosecond":
        return when.ticks * 100
    return when.ticks // TICKS[part]


def date_diff(type):
    def build(compiler, node):
        part = part_of(node.args[0])
        args = [moment(compiler, arg) for arg in node.args[1:]]
        a, b = [as_datetime(arg) for arg in args]

        def run(row):
            start, end = a(row), b(row)
            if start is None or end is None:
                return None
            count = boundaries(part, end) - boundaries(part, start)
            if type is INT and not -2**31 <= count < 2**31:
                raise SqlError(535, "The datediff function resulted in an "
                               "overflow. The number of dateparts separating "
                               "two date/time instances is too large.")
            return count
        return Compiled(run, type, all(arg.constant for arg in args))
    return build


def clock(type, get):
    """The current time: one value for a whole statement."""
    def build(compiler, node):
        session = compiler.session
        step = converter(DATETIME2 if type.name != "datetimeoffset"
                         else OFFSET, type)

        def run(row):
            value = get(session.engine)
            return step(value) if step is not None else value
        return Compiled(run, type, True)
    return build


def utc_now(engine):
    return DateTime(engine.utc_ticks())


def offset_minutes(zone):
    if isinstance(zone, int):
        return zone
    sign = -1 if zone.startswith("-") else 1
    hours, _, minutes = zone.lstrip("+-").partition(":")
    return sign * (int(hours) * 60 + int(minutes or 0))


def offset_function(apply):
    """TODATETIMEOFFSET, SWITCHOFFSET: (moment, zone as text or minutes)"""
    def build(compiler, node):
        value, zone = [compiler.compile(arg) for arg in node.args]
        scale = {"datetime": 3, "smalldatetime": 0}.get(
            value.type.name, value.type.scale if family(value.type) in (
                "datetime", "offset") else 7)
        kind = "datetimeoffset" if apply is switched else "datetime2"
        value = compiler.coerce(value, Type(kind, scale=scale))
        a, b = value.run, zone.run

        def run(row):
            when, where = a(row), b(row)
            if when is None or where is None:
                return None
            return apply(when, offset_minutes(where))
        return Compiled(run, Type("datetimeoffset", scale=scale),
                        value.constant and zone.constant)
    return build


def switched(when, minutes):
    return DateTimeOffset(when.ticks, minutes)


def at_time_zone(compiler, node):
    value, zone = [compiler.compile(arg) for arg in node.args]
    session = compiler.session

    def minutes(name):
        if name.upper() in ("UTC", "GMT STANDARD TIME"):
            return 0
        raise SqlError(9820, "The time zone parameter '%s' provided to AT "
                       "TIME ZONE clause is invalid." % name)
    shifts = family(value.type) == "offset"
    target = OFFSET if shifts else DATETIME2
    value = compiler.coerce(value, target)
    a, b = value.run, zone.run

    def run(row):
        when, where = a(row), b(row)
        if when is None or where is None:
            return None
        if shifts:
            return DateTimeOffset(when.ticks, minutes(where))
        return DateTimeOffset.at(when, minutes(where))
    return Compiled(run, OFFSET)


def last_of_month(date, months=0):
    moved = shifted_months(DateTime.join(date), months).date
    return moved.replace(day=calendar.monthrange(moved.year, moved.month)[1])


def from_parts(year, month, day, *rest):
    try:
        return datetime.date(year, month, day)
    except ValueError:
        raise SqlError(289, "Cannot construct data type date, some of the "
                       "arguments have values which are not valid.") from None


def datetime_from_parts(year, month, day, hour, minute, second, ms):
    return DateTime.join(from_parts(year, month, day),
                         Time.of(hour, minute, second, ms * 10_000))


def datetime2_from_parts(year, month, day, hour, minute, second, fraction,
                         precision):
    return DateTime.join(from_parts(year, month, day), Time.of(
        hour, minute, second, fraction * 10 ** (7 - precision)))


def is_date(value):
    from .sql_convert import Unconvertible, datetime_from_text
    try:
        datetime_from_text(value, None)
        return 1
    except Unconvertible:
        return 0


DATE_FUNCTIONS = {
    "GETDATE": clock(DATETIME, lambda engine: engine.now()),
    "CURRENT_TIMESTAMP": clock(DATETIME, lambda engine: engine.now()),
    "GETUTCDATE": clock(DATETIME, utc_now),
    "SYSDATETIME": clock(DATETIME2, lambda engine: engine.now()),
    "SYSUTCDATETIME": clock(DATETIME2, utc_now),
    "SYSDATETIMEOFFSET": clock(OFFSET, lambda engine: engine.now_offset()),
    "DATEPART": date_part, "DATENAME": date_name, "DATEADD": date_add,
    "DATEDIFF": date_diff(INT), "DATEDIFF_BIG": date_diff(BIGINT),
    "YEAR": single_part("year"), "MONTH": single_part("month"),
    "DAY": single_part("day"),
    "TODATETIMEOFFSET": offset_function(DateTimeOffset.at),
    "SWITCHOFFSET": offset_function(switched),
    "AT_TIME_ZONE": at_time_zone,
    "EOMONTH": simple(DATE, last_of_month, DATE, INT, least=1),
    "DATEFROMPARTS": simple(DATE, from_parts, INT, INT, INT),
    "DATETIMEFROMPARTS": simple(DATETIME, datetime_from_parts, INT, INT, INT,
                                INT, INT, INT, INT),
    "DATETIME2FROMPARTS": simple(DATETIME2, datetime2_from_parts, INT, INT,
                                 INT, INT, INT, INT, INT, INT),
    "ISDATE": simple(INT, is_date, Type("nvarchar", 4000)),
}
