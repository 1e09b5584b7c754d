"""Converts values from one T-SQL type to another.

A conversion has two steps: PARSERS gives, by the families of the two types,
a value of the target's kind; FINISHERS makes it fit the target's length,
scale or range.
"""

import datetime
import functools
import re
import struct
import uuid
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from .clr import hierarchy_bytes, hierarchy_text, wkt_of, wkt_value
from .result import SqlError
from .sql_types import INT_RANGES, family, is_wide
from .types import MAX, Type
from .values import (TICKS_PER_DAY, TICKS_PER_MINUTE, TICKS_PER_SECOND,
                     DateTime, DateTimeOffset, Time, Variant)

TRUNCATED = 8152
ERA_1900 = DateTime.of(1900, 1, 1).ticks
LAST_TICK = DateTime.of(9999, 12, 31).ticks + TICKS_PER_DAY
OFFSETS = re.compile(r"\s*(?:(Z)|([+-])(\d\d?):?(\d\d))$", re.I)
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DATES = (
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"),
    re.compile(r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?!\d)"),
    re.compile(r"(?P<m>\d{1,2})[-/.](?P<d>\d{1,2})[-/.](?P<y>\d{4})"),
    re.compile(r"(?P<n>[A-Za-z]{3})[A-Za-z]*\.?\s+(?P<d>\d{1,2}),?\s+"
               r"(?P<y>\d{4})"),
    re.compile(r"(?P<d>\d{1,2})[\s-]+(?P<n>[A-Za-z]{3})[A-Za-z]*\.?,?[\s-]+"
               r"(?P<y>\d{4})"),
)
CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.:](\d{1,9}))?)?"
                   r"\s*(AM|PM)?$|(\d{1,2})\s*(AM|PM)$", re.I)


class Unconvertible(Exception):
    """A value that has no counterpart of the target type."""


# ---- parsers: (value, source type) -> value of the target's family ----------

def number_from_text(value, source):
    text = value.strip()
    if not re.fullmatch(r"[+-]?\d+", text or "0"):
        raise Unconvertible
    return int(text or "0")


def decimal_from_text(value, source):
    try:
        found = Decimal(value.strip().replace(",", "").lstrip("$") or "0")
    except InvalidOperation:
        raise Unconvertible from None
    if not found.is_finite():
        raise Unconvertible
    return found


def float_from_text(value, source):
    try:
        return float(value.strip() or 0)
    except ValueError:
        raise Unconvertible from None


def guid_from_text(value, source):
    text = value.strip().strip("{}")[:36]
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Unconvertible from None


def split_moment(text):
    """date, ticks of the day, offset or None; each None if it is absent."""
    text = text.strip()
    offset = None
    found = OFFSETS.search(text) if ":" in text else None
    if found and (found.group(1) or found.group().startswith(" ")
                  or ":" in text[:found.start()]):
        offset = 0
        if not found.group(1):
            offset = int(found.group(3)) * 60 + int(found.group(4))
            offset = -offset if found.group(2) == "-" else offset
        text = text[:found.start()].rstrip()
    date = None
    for pattern in DATES:
        found = pattern.match(text)
        if found:
            date = make_date(found.groupdict())
            text = text[found.end():].lstrip(" T")
            break
    ticks = clock_ticks(text) if text else None
    return date, ticks, offset


def make_date(parts):
    try:
        month = (MONTHS.index(parts["n"].lower()) + 1 if parts.get("n")
                 else int(parts["m"]))
        return datetime.date(int(parts["y"]), month, int(parts["d"]))
    except ValueError:
        raise Unconvertible from None


def clock_ticks(text):
    found = CLOCK.match(text)
    if not found:
        raise Unconvertible
    hour = int(found.group(1) or found.group(6))
    minute, second = int(found.group(2) or 0), int(found.group(3) or 0)
    half = (found.group(5) or found.group(7) or "").upper()
    if half:
        if not 1 <= hour <= 12:
            raise Unconvertible
        hour = hour % 12 + (12 if half == "PM" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise Unconvertible
    digits = (found.group(4) or "").ljust(8, "0")
    fraction = (int(digits[:8]) + 5) // 10      # rounded to 100 ns
    return ((hour * 60 + minute) * 60 + second) * TICKS_PER_SECOND + fraction


FIRST_DAY = datetime.date(1900, 1, 1)


def date_from_text(value, source):
    date, _, _ = split_moment(value)
    return date or FIRST_DAY


def time_from_text(value, source):
    _, ticks, _ = split_moment(value)
    return Time(ticks or 0)


def datetime_from_text(value, source):
    date, ticks, _ = split_moment(value)
    return DateTime.join(date or FIRST_DAY, Time(ticks or 0))


def offset_from_text(value, source):
    date, ticks, offset = split_moment(value)
    local = DateTime.join(date or FIRST_DAY, Time(ticks or 0))
    return DateTimeOffset.at(local, offset or 0)


def text_from_float(value, source):
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    text = "%.6g" % value
    return re.sub(r"e([+-])(\d\d)$", r"e\g<1>0\2", text)


def text_from_decimal(value, source):
    if source.name in ("money", "smallmoney"):
        value = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return format(value, "f")


def scale_of(source):
    return {"datetime": 3, "smalldatetime": 0}.get(source.name, source.scale)


def text_from_datetime(value, source):
    if source.name in ("datetime", "smalldatetime"):
        return short_datetime(value)
    return value.text(source.scale)


def short_datetime(value):
    """Style 0: Aug 28 2024  2:30PM"""
    date, seconds = value.date, value.time.ticks // TICKS_PER_SECOND
    hour, minute = seconds // 3600, seconds // 60 % 60
    return "%s %2d %d %2d:%02d%s" % (
        MONTHS[date.month - 1].capitalize(), date.day, date.year,
        hour % 12 or 12, minute, "AM" if hour < 12 else "PM")


def number_from_bytes(value, source):
    return int.from_bytes(value[-8:], "big", signed=len(value) >= 8)


def bytes_from_int(value, source):
    size = {"bit": 1, "tinyint": 1, "smallint": 2, "int": 4}.get(
        source.name, 8)
    return int(value).to_bytes(size, "big", signed=source.name not in
                               ("bit", "tinyint"))


def bytes_from_text(value, source):
    if is_wide(source):
        return value.encode("utf-16-le", "surrogatepass")
    return source.page.encode(value)


def bytes_from_float(value, source):
    return struct.pack(">f" if source.name == "real" else ">d", value)


def bytes_from_time(value, source):
    """As stored: the scale, then little-endian clock and days."""
    from .types import KINDS
    return (bytes([source.scale]) if source.name in ("time", "datetime2",
                                                     "datetimeoffset")
            else b"") + KINDS[source.name].codec.data(source)(value)


def bytes_from_datetime(value, source):
    if source.name == "datetime":
        days, ticks = divmod(value.ticks - ERA_1900, TICKS_PER_DAY)
        return struct.pack(">iI", days, round(ticks * 3 / 100_000))
    if source.name == "smalldatetime":
        days, ticks = divmod(value.ticks - ERA_1900, TICKS_PER_DAY)
        return struct.pack(">HH", days, ticks // TICKS_PER_MINUTE)
    return bytes_from_time(value, source)


def text_from_bytes(value, source):
    return value        # finished below, where the target is known


def days_to_datetime(value, source):
    """datetime from a number: days since 1900."""
    return DateTime(ERA_1900 + round(Decimal(value) * TICKS_PER_DAY))


def days_from_datetime(value, source):
    return Decimal(value.ticks - ERA_1900) / TICKS_PER_DAY


def same(value, source):
    return value


PARSERS = {
    ("int", "dec"): lambda value, source: Decimal(int(value)),
    ("int", "float"): lambda value, source: float(value),
    ("int", "str"): lambda value, source: str(int(value)),
    ("int", "bin"): bytes_from_int,
    ("int", "datetime"): days_to_datetime,
    ("dec", "int"): lambda value, source: int(value),
    ("dec", "float"): lambda value, source: float(value),
    ("dec", "str"): text_from_decimal,
    ("dec", "datetime"): days_to_datetime,
    ("float", "int"): lambda value, source: int(value),
    ("float", "dec"): lambda value, source: Decimal(repr(value)),
    ("float", "str"): text_from_float,
    ("float", "bin"): bytes_from_float,
    ("float", "datetime"): days_to_datetime,
    ("str", "int"): number_from_text,
    ("str", "dec"): decimal_from_text,
    ("str", "float"): float_from_text,
    ("str", "bin"): bytes_from_text,
    ("str", "guid"): guid_from_text,
    ("str", "date"): date_from_text,
    ("str", "time"): time_from_text,
    ("str", "datetime"): datetime_from_text,
    ("str", "offset"): offset_from_text,
    ("bin", "int"): number_from_bytes,
    ("bin", "str"): text_from_bytes,
    ("bin", "clr"): same,
    ("clr", "bin"): same,
    ("bin", "guid"): lambda value, source: uuid.UUID(
        bytes_le=value[:16].ljust(16, b"\0")),
    ("guid", "str"): lambda value, source: str(value).upper(),
    ("guid", "bin"): lambda value, source: value.bytes_le,
    ("date", "str"): lambda value, source: value.isoformat(),
    ("date", "datetime"): lambda value, source: DateTime.join(value),
    ("date", "offset"): lambda value, source: DateTimeOffset.at(
        DateTime.join(value), 0),
    ("date", "bin"): bytes_from_time,
    ("time", "str"): lambda value, source: value.text(source.scale),
    ("time", "datetime"): lambda value, source: DateTime.join(
        FIRST_DAY, value),
    ("time", "offset"): lambda value, source: DateTimeOffset.at(
        DateTime.join(FIRST_DAY, value), 0),
    ("time", "bin"): bytes_from_time,
    ("datetime", "str"): text_from_datetime,
    ("datetime", "date"): lambda value, source: value.date,
    ("datetime", "time"): lambda value, source: value.time,
    ("datetime", "offset"): lambda value, source: DateTimeOffset.at(value, 0),
    ("datetime", "float"): lambda value, source: float(
        days_from_datetime(value, source)),
    ("datetime", "int"): lambda value, source: round(
        days_from_datetime(value, source)),
    ("datetime", "bin"): bytes_from_datetime,
    ("offset", "str"): lambda value, source: value.text(source.scale),
    ("offset", "date"): lambda value, source: value.local.date,
    ("offset", "time"): lambda value, source: value.local.time,
    ("offset", "datetime"): lambda value, source: value.local,
    ("offset", "bin"): bytes_from_time,
}


# ---- finishers: type -> (value -> value of exactly this type) ---------------

def overflow(type):
    return SqlError(8115, "Arithmetic overflow error converting expression to "
                    "data type %s." % type.name)


def finish_int(type, source, strict):
    if type.name == "bit":
        return lambda value: value != 0
    low, high = INT_RANGES[type.name]

    def finish(value):
        if low <= value <= high:
            return value + 0        # a bit becomes an int
        raise overflow(type)
    return finish


def finish_decimal(type, source, strict):
    money = type.name in ("money", "smallmoney")
    scale = 4 if money else type.scale
    step = Decimal(1).scaleb(-scale)
    limit = (Decimal(2**63 if type.name == "money" else 2**31).scaleb(-4)
             if money else Decimal(10) ** (type.precision - type.scale))

    def finish(value):
        value = value.quantize(step, ROUND_HALF_UP)
        if not -limit <= value <= limit or not money and abs(value) >= limit:
            raise overflow(type)
        return value
    return finish


REAL = struct.Struct("<f")


def finish_float(type, source, strict):
    if type.name == "float":
        return None

    def finish(value):
        try:
            return REAL.unpack(REAL.pack(value))[0]
        except OverflowError:
            raise overflow(type) from None
    return finish


def units(text):
    """How many UTF-16 units a text has."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut_units(text, length):
    raw = text.encode("utf-16-le", "surrogatepass")[:2 * length]
    return raw.decode("utf-16-le", "surrogatepass")


def truncated(value):
    return SqlError(TRUNCATED, "String or binary data would be truncated.")


def finish_text(type, source, strict):
    wide = is_wide(type)
    length = type.length
    limited = type.name in ("char", "varchar", "nchar", "nvarchar") \
        and length != MAX
    padded = type.name in ("char", "nchar")
    page = type.page
    if source is not None and family(source) == "bin":
        decode = ((lambda raw: raw[:len(raw) & ~1].decode("utf-16-le",
                                                          "surrogatepass"))
                  if wide else page.decode)
    else:
        decode = None

    def fits(value):
        if value.isascii():
            return len(value) <= length
        if wide:
            return units(value) <= length
        return len(page.encode(value)) <= length

    def cut(value):
        if wide:
            return cut_units(value, length)
        return page.decode(page.encode(value)[:length])

    def finish(value):
        if decode is not None and isinstance(value, bytes):
            value = decode(value)       # else CONVERT wrote it in digits
        elif not wide and not value.isascii():
            value = page.decode(page.encode(value))
        if limited and not fits(value):
            short = cut(value)
            if strict and value[len(short):].strip(" "):
                raise truncated(value)
            value = short
        if padded:
            size = (len(value) if value.isascii() else
                    units(value) if wide else len(page.encode(value)))
            value += " " * (length - size)
        return value
    return finish


def finish_bytes(type, source, strict):
    length = 8 if type.name == "rowversion" else type.length
    if type.name == "image" or length == MAX:
        return None
    padded = type.name in ("binary", "rowversion")
    from_left = source is not None and family(source) == "int"

    def finish(value):
        if len(value) > length:
            if from_left:
                return value[-length:]
            if strict:
                raise truncated(value)
            return value[:length]
        if padded and len(value) < length:
            return (value.rjust(length, b"\0") if from_left
                    else value.ljust(length, b"\0"))
        return value
    return finish


def rounded(ticks, scale):
    unit = 10 ** (7 - scale)
    return (ticks + unit // 2) // unit * unit


def datetime_range():
    return SqlError(242, "The conversion of a varchar data type to a datetime "
                    "data type resulted in an out-of-range value.")


def finish_datetime(type, source, strict):
    if type.name == "datetime":
        lowest = DateTime.of(1753, 1, 1).ticks

        def finish(value):
            days, ticks = divmod(value.ticks, TICKS_PER_DAY)
            steps = (ticks * 3 + 50_000) // 100_000
            ticks = days * TICKS_PER_DAY + (steps * 100_000 + 1) // 3
            # 300 steps a second: .003, .007 as ticks rounded to them
            if not lowest <= ticks < LAST_TICK:
                raise datetime_range()
            return DateTime(ticks)
        return finish
    if type.name == "smalldatetime":
        highest = DateTime.of(2079, 6, 7).ticks

        def finish(value):
            ticks = ((value.ticks + TICKS_PER_MINUTE // 2)
                     // TICKS_PER_MINUTE * TICKS_PER_MINUTE)
            if not ERA_1900 <= ticks < highest:
                raise datetime_range()
            return DateTime(ticks)
        return finish
    scale = type.scale
    if source is not None and source.name == type.name \
            and source.scale <= scale:
        return None

    def finish(value):
        ticks = rounded(value.ticks, scale)
        return DateTime(ticks if ticks < LAST_TICK else value.ticks)
    return finish


def finish_time(type, source, strict):
    scale = type.scale
    return lambda value: Time(rounded(value.ticks, scale) % TICKS_PER_DAY)


def finish_offset(type, source, strict):
    scale = type.scale
    return lambda value: DateTimeOffset(rounded(value.ticks, scale),
                                        value.offset)


FINISHERS = {"int": finish_int, "dec": finish_decimal, "float": finish_float,
             "str": finish_text, "bin": finish_bytes, "time": finish_time,
             "datetime": finish_datetime, "offset": finish_offset}


# ---- styles of CONVERT ------------------------------------------------------

def hex_text(prefix):
    return lambda value, source: prefix + value.hex().upper()


def hex_bytes(prefix):
    def parse(value, source):
        if not value.lower().startswith(prefix):
            raise Unconvertible
        try:
            return bytes.fromhex(value[len(prefix):])
        except ValueError:
            raise Unconvertible from None
    return parse


def moment(value, source):
    """Any date or time as (DateTime, its scale)."""
    kind = family(source)
    if kind == "datetime":
        return value, scale_of(source)
    parsed = PARSERS[kind, "datetime"](value, source)
    return parsed, 0 if kind == "date" else source.scale


def dated(pattern, digits=None):
    """A style by a pattern over date parts; digits: of the fraction, None =
    those the type has."""
    def convert(value, source):
        when, scale = moment(value, source)
        scale = scale if digits is None else digits
        clock = when.time.text(scale)
        # a date has no time in any style, and a time no date
        shown = {"date": pattern.rstrip("$T "), "time": "$"}.get(
            family(source), pattern)
        return when.date.strftime(shown).replace("$", clock)
    return convert


DATE_STYLES = {
    101: dated("%m/%d/%Y"), 102: dated("%Y.%m.%d"), 103: dated("%d/%m/%Y"),
    104: dated("%d.%m.%Y"), 23: dated("%Y-%m-%d"), 112: dated("%Y%m%d"),
    108: dated("$", 0), 114: dated("$"), 8: dated("$", 0),
    20: dated("%Y-%m-%d $", 0), 120: dated("%Y-%m-%d $", 0),
    21: dated("%Y-%m-%d $"), 25: dated("%Y-%m-%d $"),
    121: dated("%Y-%m-%d $"), 126: dated("%Y-%m-%dT$"),
    127: dated("%Y-%m-%dT$"),
}
EXACT_OFFSET_STYLES = (20, 21, 25, 120, 121, 126, 127)


def float_style(digits):
    return lambda value, source: "%.*e" % (digits, value)


def shortest_float(value, source):
    """Style 3: enough digits that the value comes back."""
    return repr(value) if source.name == "float" else "%.9g" % value


STYLES = {
    ("bin", "str"): {1: hex_text("0x"), 2: hex_text("")},
    ("str", "bin"): {1: hex_bytes("0x"), 2: hex_bytes("")},
    ("float", "str"): {1: float_style(7), 2: float_style(15),
                       3: shortest_float},
    ("dec", "str"): {1: lambda value, source: "%s" % format(
        value.quantize(Decimal("0.01"), ROUND_HALF_UP), ",f"),
        2: lambda value, source: format(value, "f")},
    ("date", "str"): DATE_STYLES, ("datetime", "str"): DATE_STYLES,
    ("time", "str"): DATE_STYLES, ("offset", "str"): DATE_STYLES,
}


# CLR types have texts, each its own
CLR_TEXTS = {
    "hierarchyid": (hierarchy_bytes, hierarchy_text),
    "geometry": (lambda text: wkt_value(text, 0, False), wkt_of),
    "geography": (lambda text: wkt_value(text, 4326, True), wkt_of),
}


def styled_parser(source, target, style):
    kinds = family(source), family(target)
    if kinds == ("str", "clr"):
        parse = CLR_TEXTS[target.name][0]
        return lambda value, source: parse(value)
    if kinds == ("clr", "str"):
        write = CLR_TEXTS[source.name][1]
        return lambda value, source: write(value)
    if style is None or kinds not in STYLES:
        return PARSERS.get(kinds)
    if kinds[0] == "offset" and style in EXACT_OFFSET_STYLES:
        joint = "T" if style >= 126 else " "
        return lambda value, source: value.text(source.scale).replace(
            " ", joint, 1).replace(" ", "") if joint == "T" \
            else value.text(source.scale)
    return STYLES[kinds].get(style, PARSERS.get(kinds))


# ---- conversion -------------------------------------------------------------

MESSAGES = {
    "int": (245, "Conversion failed when converting the %(source)s value "
            "'%(value)s' to data type %(target)s."),
    "dec": (8114, "Error converting data type %(source)s to %(target)s."),
    "float": (8114, "Error converting data type %(source)s to %(target)s."),
    "guid": (8169, "Conversion failed when converting from a character "
             "string to uniqueidentifier."),
    "bin": (8114, "Error converting data type %(source)s to %(target)s."),
}
DATE_MESSAGE = (241, "Conversion failed when converting date and/or time from "
                "character string.")


def failed(value, source, target):
    number, text = MESSAGES.get(family(target), DATE_MESSAGE)
    shown = {"source": source.name, "target": target.name, "value": value}
    return SqlError(number, text % shown)


def no_conversion(source, target):
    return SqlError(529, "Explicit conversion from data type %s to %s is not "
                    "allowed." % (source.name, target.name))


def inner_conversion(target, strict):
    """From sql_variant: by the type that the value itself has."""
    def convert(value):
        if value is None:
            return None
        step = converter(value.type, target, strict=strict)
        return step(value.value) if step else value.value
    return convert


@functools.lru_cache(maxsize=4096)
def converter(source, target, style=None, strict=False):
    """A function from values of one type to another; None: nothing to do.

    strict: as INSERT does it, where a text that is too long is an error.
    """
    if target.name == "null" or source.name == "null":
        return None
    if target.name == "sql_variant":
        if source.name == "sql_variant":
            return None
        return lambda value: None if value is None else Variant(source, value)
    if source.name == "sql_variant":
        return inner_conversion(target, strict)
    kinds = family(source), family(target)
    if kinds[0] == kinds[1] and kinds[0] != "bin" and style is None:
        if same_values(source, target):
            return None
        parse = same
    elif kinds == ("bin", "bin"):
        if same_values(source, target):
            return None
        parse = same
    else:
        parse = styled_parser(source, target, style)
    if parse is None:
        raise no_conversion(source, target)
    return composed(parse, source, target, strict)


def composed(parse, source, target, strict):
    finisher = FINISHERS.get(family(target))
    finish = finisher(target, source, strict) if finisher else None

    def convert(value):
        if value is None:
            return None
        try:
            value = parse(value, source)
        except Unconvertible:
            raise failed(value, source, target) from None
        return finish(value) if finish is not None else value

    def convert_same(value):
        return None if value is None else finish(value)

    if parse is same:
        return convert_same if finish is not None else None
    return convert


def same_values(source, target):
    """Whether every value of the source is one of the target."""
    a, b = source, target
    if family(a) == "int":
        return a.name == b.name or (
            a.name != "bit" and b.name != "bit"
            and INT_RANGES[b.name][0] <= INT_RANGES[a.name][0]
            and INT_RANGES[a.name][1] <= INT_RANGES[b.name][1])
    if family(a) == "float":
        return a.name == b.name or b.name == "float"
    if family(a) == "dec":
        if "money" in a.name or "money" in b.name:
            return a.name == b.name
        return (a.scale, a.precision) == (b.scale, b.precision)
    if family(a) == "str":
        if b.name in ("char", "nchar") or is_wide(a) != is_wide(b):
            return (a.name, a.length) == (b.name, b.length)
        if not is_wide(b) and a.page != b.page:
            return False
        unlimited = b.length == MAX or b.name in ("text", "ntext", "xml")
        return unlimited or (a.length != MAX and 0 < a.length <= b.length)
    if family(a) == "bin":
        if b.name in ("image", "varbinary"):
            return b.name == "image" or b.length == MAX or (
                a.name in ("binary", "varbinary")
                and a.length != MAX and a.length <= b.length)
        size = {"rowversion": 8}
        return (size.get(a.name, a.length), a.name == "varbinary") == (
            size.get(b.name, b.length), False)
    if family(a) in ("time", "datetime", "offset"):
        return (a.name, a.scale) == (b.name, b.scale)
    return True


def convert(value, source, target, style=None):
    step = converter(source, target, style)
    return step(value) if step is not None else value


def type_of_value(value):
    """The type of a value that Python code made."""
    if value is None:
        return Type("null")
    if isinstance(value, bool):
        return Type("bit")
    if isinstance(value, int):
        return Type("int" if -2**31 <= value < 2**31 else "bigint")
    if isinstance(value, str):
        size = units(value)
        return Type("nvarchar", max(size, 1) if size <= 4000 else MAX)
    if isinstance(value, bytes):
        return Type("varbinary", max(len(value), 1) if len(value) <= 8000
                    else MAX)
    if isinstance(value, float):
        return Type("float")
    if isinstance(value, Decimal):
        digits = value.as_tuple()
        scale = max(-digits.exponent, 0)
        return Type("numeric", precision=max(len(digits.digits), scale, 1),
                    scale=scale)
    simple = {datetime.date: "date", Time: "time", DateTime: "datetime2",
              DateTimeOffset: "datetimeoffset", uuid.UUID:
              "uniqueidentifier", Variant: "sql_variant"}
    return Type(simple[type(value)], scale=7)
