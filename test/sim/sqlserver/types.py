"""The types of TDS 7.4: TYPE_INFO, and values to bytes and back.

KINDS says all there is to know about a type, a line each.  A type has a token,
perhaps another one where a column is NOT NULL, a frame (how the length of a
value and NULL are told), what its TYPE_INFO holds, and the conversion between
values and the bytes inside the frame.

    encoder(type)           value -> bytes, as in rows
    type_info(type)         what COLMETADATA, RETURNVALUE say of the type
    read_type(reader)       the type that a TYPE_INFO tells
    read_value(reader, ..)  the value that follows

Source of the layouts: [MS-TDS] 2.2.5.4 to 2.2.5.6.
"""
import datetime
import decimal
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from . import collation as collations
from .frames import (BARE, BYTE, LIMITED_PLP, LONG, ONE_BYTE, PLP, SHORT, TEXT,
                     Frame, Large, Malformed, Reader, b_varchar,
                     unframe_text_parameter, us_varchar, utf16)
from .values import (TICKS_PER_DAY, TICKS_PER_MINUTE, TICKS_PER_SECOND,
                     DateTime, DateTimeOffset, Time, Variant)

# 38 digits, in every thread
decimal.DefaultContext.prec = 80
decimal.setcontext(decimal.DefaultContext)

MAX = -1


@dataclass(frozen=True)
class Type:
    """A type as declared; what a type does not have stays at its default.

    length is in characters for nchar and nvarchar and in bytes for char,
    varchar, binary and varbinary; MAX for (max).  For hierarchyid, geography
    and geometry nothing needs to be said.
    """
    name: str
    length: int = 0
    precision: int = 18
    scale: int = 0
    collation: str = ""         # the default one
    nullable: bool = True
    identity: bool = False
    computed: bool = False
    table: tuple = ()           # of text, ntext, image: where it comes from

    @property
    def page(self):
        return collations.collation(self.collation or collations.DEFAULT)


# ---- values: each function takes a type and gives a converter -------------

class Codec(NamedTuple):
    """Converters between values and the bytes inside the frame."""
    data: Callable              # type -> (value -> bytes)
    value: Callable             # type -> (bytes -> value)


def packed(layout, kind=int):
    """A number that struct knows."""
    both = struct.Struct(layout)
    return Codec(lambda type: lambda value: both.pack(kind(value)),
                 lambda type: lambda raw: kind(*both.unpack(raw)))


def scaled(value, scale):
    """The integer of a number with that many digits after the point."""
    number = decimal.Decimal(value).scaleb(scale)
    return int(number.to_integral_value(decimal.ROUND_HALF_UP))


def unscaled(number, scale):
    return decimal.Decimal(number).scaleb(-scale)


def money_data(type):
    def data(value):
        number = scaled(value, 4)
        return struct.pack("<iI", number >> 32, number & 0xFFFFFFFF)
    return data


def money_value(type):
    def value(raw):
        high, low = struct.unpack("<iI", raw)
        return unscaled(high << 32 | low, 4)
    return value


MONEY = Codec(money_data, money_value)

SMALLMONEY = Codec(
    lambda type: lambda value: struct.pack("<i", scaled(value, 4)),
    lambda type: lambda raw: unscaled(*struct.unpack("<i", raw), 4))


def magnitude_size(precision):
    return next(size for digits, size in ((9, 4), (19, 8), (28, 12), (38, 16))
                if precision <= digits)


def decimal_data(type):
    size = magnitude_size(type.precision)
    limit = 10 ** type.precision

    def data(value):
        number = scaled(value, type.scale)
        if abs(number) >= limit:
            raise OverflowError("%s does not fit %s(%d, %d)" % (
                value, type.name, type.precision, type.scale))
        return ONE_BYTE[number >= 0] + abs(number).to_bytes(size, "little")
    return data


def decimal_value(type):
    def value(raw):
        number = int.from_bytes(raw[1:], "little")
        return unscaled(number if raw[0] else -number, type.scale)
    return value


DECIMAL = Codec(decimal_data, decimal_value)

DAYS_TO_1900 = datetime.date(1900, 1, 1).toordinal() - 1
# a third of a millisecond
TICKS_PER_STEP = TICKS_PER_SECOND / 300


def datetime_data(type):
    def data(value):
        days, ticks = divmod(value.ticks, TICKS_PER_DAY)
        steps = round(ticks / TICKS_PER_STEP)
        if steps == 300 * 86_400:
            days, steps = days + 1, 0
        return struct.pack("<iI", days - DAYS_TO_1900, steps)
    return data


def datetime_value(type):
    def value(raw):
        days, steps = struct.unpack("<iI", raw)
        return DateTime((days + DAYS_TO_1900) * TICKS_PER_DAY
                        + round(steps * TICKS_PER_STEP))
    return value


DATETIME = Codec(datetime_data, datetime_value)


def smalldatetime_data(type):
    def data(value):
        days, ticks = divmod(value.ticks, TICKS_PER_DAY)
        return struct.pack("<HH", days - DAYS_TO_1900,
                           ticks // TICKS_PER_MINUTE)
    return data


def smalldatetime_value(type):
    def value(raw):
        days, minutes = struct.unpack("<HH", raw)
        return DateTime((days + DAYS_TO_1900) * TICKS_PER_DAY
                        + minutes * TICKS_PER_MINUTE)
    return value


SMALLDATETIME = Codec(smalldatetime_data, smalldatetime_value)


def day_bytes(days):
    return days.to_bytes(3, "little")


DATE = Codec(
    lambda type: lambda value: day_bytes(value.toordinal() - 1),
    lambda type: lambda raw: datetime.date.fromordinal(
        int.from_bytes(raw, "little") + 1))


def clock_size(scale):
    return 3 if scale <= 2 else 4 if scale <= 4 else 5


def clock_bytes(ticks, scale):
    return (ticks // 10 ** (7 - scale)).to_bytes(clock_size(scale), "little")


def clock_ticks(raw, scale):
    return int.from_bytes(raw, "little") * 10 ** (7 - scale)


TIME = Codec(
    lambda type: lambda value: clock_bytes(value.ticks, type.scale),
    lambda type: lambda raw: Time(clock_ticks(raw, type.scale)))


def instant_bytes(ticks, scale):
    days, clock = divmod(ticks, TICKS_PER_DAY)
    return clock_bytes(clock, scale) + day_bytes(days)


def instant_ticks(raw, scale):
    return (int.from_bytes(raw[-3:], "little") * TICKS_PER_DAY
            + clock_ticks(raw[:-3], scale))


DATETIME2 = Codec(
    lambda type: lambda value: instant_bytes(value.ticks, type.scale),
    lambda type: lambda raw: DateTime(instant_ticks(raw, type.scale)))

DATETIMEOFFSET = Codec(
    lambda type: lambda value: (instant_bytes(value.ticks, type.scale)
                                + struct.pack("<h", value.offset)),
    lambda type: lambda raw: DateTimeOffset(
        instant_ticks(raw[:-2], type.scale),
        *struct.unpack("<h", raw[-2:])))

GUID = Codec(
    lambda type: lambda value: value.bytes_le,
    lambda type: lambda raw: uuid.UUID(bytes_le=bytes(raw)))

NARROW = Codec(
    lambda type: type.page.encode,
    lambda type: lambda raw: type.page.decode(bytes(raw)))

WIDE = Codec(
    lambda type: utf16,
    lambda type: lambda raw: raw.decode("utf-16-le", "surrogatepass"))

BYTES = Codec(lambda type: bytes, lambda type: bytes)


def padded(codec, filler, unit=1):
    """char, nchar, binary: filled up to their length."""
    def data(type):
        convert, width = codec.data(type), type.length * unit
        return lambda value: convert(value).ljust(width, filler)

    def wide_data(type):
        convert, width = codec.data(type), type.length * unit

        def pad(value):
            raw = convert(value)
            return raw + filler * ((width - len(raw)) // unit)
        return pad
    return Codec(data if unit == 1 else wide_data, codec.value)


def variant_data(type):
    def data(value):
        kind = KINDS[value.type.name]
        properties = kind.shape.properties(value.type)
        return b"".join((ONE_BYTE[kind.fixed or kind.token],
                         ONE_BYTE[len(properties)], properties,
                         kind.codec.data(value.type)(value.value)))
    return data


def variant_value(type):
    def value(raw):
        reader = Reader(raw)
        name = VARIANT_NAMES[reader.byte()]
        properties = Reader(reader.take(reader.byte()))
        inner = KINDS[name].shape.read_properties(name, properties)
        return Variant(inner, KINDS[name].codec.value(inner)(
            reader.take(len(raw) - reader.position)))
    return value


# ---- TYPE_INFO after the token --------------------------------------------

class Shape(NamedTuple):
    """What a TYPE_INFO says after the token, and a sql_variant of the type."""
    info: Callable                      # type -> bytes
    read: Callable                      # (name, reader) -> type
    properties: Callable = lambda type: b""
    read_properties: Callable = lambda name, reader: Type(name)


def told_alike(info, read):
    """Said by columns and by sql_variants in the same way."""
    return Shape(info, read, info, read)


NOTHING = Shape(lambda type: b"", lambda name, reader: Type(name))


def size_shape(size):
    """One byte, the size; which of the types of a token it is follows it."""
    def read(name, reader):
        told = reader.byte()
        for other in KINDS:
            if KINDS[other].token == KINDS[name].token \
                    and KINDS[other].shape.info(None) == ONE_BYTE[told]:
                return Type(other)
        raise Malformed("%s of %d bytes" % (name, told))
    return Shape(lambda type: ONE_BYTE[size], read)


def decimal_properties(type):
    return bytes([type.precision, type.scale])


def read_decimal_properties(name, reader):
    precision, scale = reader.unpack("BB")
    return Type(name, precision=precision, scale=scale)


def read_decimal(name, reader):
    reader.byte()
    return read_decimal_properties(name, reader)


DECIMAL_SHAPE = Shape(
    lambda type: (ONE_BYTE[1 + magnitude_size(type.precision)]
                  + decimal_properties(type)),
    read_decimal, decimal_properties, read_decimal_properties)

SCALE_SHAPE = told_alike(
    lambda type: ONE_BYTE[type.scale],
    lambda name, reader: Type(name, scale=reader.byte()))


def short_size(type, unit):
    size = 0xFFFF if type.length == MAX else type.length * unit
    return struct.pack("<H", size)


def read_short_size(reader, unit):
    size = reader.unpack("<H")
    return MAX if size == 0xFFFF else size // unit


def character_shape(unit):
    """Characters of `unit` bytes, with a collation."""
    def read(name, reader):
        length = read_short_size(reader, unit)
        return Type(name, length,
                    collation=collations.from_bytes(reader.take(5)).name)

    def read_properties(name, reader):
        collation = collations.from_bytes(reader.take(5)).name
        return Type(name, read_short_size(reader, unit), collation=collation)
    return Shape(
        lambda type: short_size(type, unit) + type.page.bytes(), read,
        lambda type: type.page.bytes() + short_size(type, unit),
        read_properties)


BINARY_SHAPE = told_alike(
    lambda type: short_size(type, 1),
    lambda name, reader: Type(name, read_short_size(reader, 1)))

ROWVERSION_SHAPE = Shape(lambda type: struct.pack("<H", 8), None)


def long_shape(has_collation):
    """text, ntext, image."""
    def info(type):
        return (struct.pack("<I", 0x7FFFFFFF)
                + (type.page.bytes() if has_collation else b""))

    def read(name, reader):
        reader.take(4)
        if has_collation:
            return Type(name, collation=collations.from_bytes(
                reader.take(5)).name)
        return Type(name)
    return Shape(info, read)


def read_xml(name, reader):
    if reader.byte():
        reader.b_varchar(), reader.b_varchar(), reader.us_varchar()
    return Type(name)


XML_SHAPE = Shape(lambda type: b"\0", read_xml)

VARIANT_SIZE = 8009
VARIANT_SHAPE = Shape(
    lambda type: struct.pack("<I", VARIANT_SIZE),
    lambda name, reader: (reader.take(4), Type(name))[1])

# CLR types: largest size, class
CLR_ASSEMBLY = ("Microsoft.SqlServer.Types.%s, Microsoft.SqlServer.Types, "
                "Version=11.0.0.0, Culture=neutral, "
                "PublicKeyToken=89845dcd8080cc91")
CLR_TYPES = {"hierarchyid": (892, "SqlHierarchyId"),
             "geography": (0xFFFF, "SqlGeography"),
             "geometry": (0xFFFF, "SqlGeometry")}


def clr_info(type):
    size, name = CLR_TYPES[type.name]
    return b"".join((struct.pack("<H", size), b_varchar("master"),
                     b_varchar("sys"), b_varchar(type.name),
                     us_varchar(CLR_ASSEMBLY % name)))


def read_clr(name, reader):
    """Parameters say nothing of size and assembly, columns do."""
    names = reader.b_varchar(), reader.b_varchar(), reader.b_varchar()
    return Type(names[2] or name)


def read_clr_column(name, reader):
    reader.take(2)
    type = read_clr(name, reader)
    reader.us_varchar()
    return type


CLR_SHAPE = Shape(clr_info, read_clr_column)


# ---- the types ------------------------------------------------------------

class Kind(NamedTuple):
    token: int                  # where the column may be NULL
    fixed: int                  # where it may not, 0: the same
    frame: Frame
    shape: Shape
    codec: Codec


KINDS = {
    "bit": Kind(0x68, 0x32, BYTE, size_shape(1), packed("<B", bool)),
    "tinyint": Kind(0x26, 0x30, BYTE, size_shape(1), packed("<B")),
    "smallint": Kind(0x26, 0x34, BYTE, size_shape(2), packed("<h")),
    "int": Kind(0x26, 0x38, BYTE, size_shape(4), packed("<i")),
    "bigint": Kind(0x26, 0x7F, BYTE, size_shape(8), packed("<q")),
    "real": Kind(0x6D, 0x3B, BYTE, size_shape(4), packed("<f", float)),
    "float": Kind(0x6D, 0x3E, BYTE, size_shape(8), packed("<d", float)),
    "smallmoney": Kind(0x6E, 0x7A, BYTE, size_shape(4), SMALLMONEY),
    "money": Kind(0x6E, 0x3C, BYTE, size_shape(8), MONEY),
    "smalldatetime": Kind(0x6F, 0x3A, BYTE, size_shape(4), SMALLDATETIME),
    "datetime": Kind(0x6F, 0x3D, BYTE, size_shape(8), DATETIME),
    "uniqueidentifier": Kind(0x24, 0, BYTE, size_shape(16), GUID),
    "decimal": Kind(0x6A, 0, BYTE, DECIMAL_SHAPE, DECIMAL),
    "numeric": Kind(0x6C, 0, BYTE, DECIMAL_SHAPE, DECIMAL),
    "date": Kind(0x28, 0, BYTE, NOTHING, DATE),
    "time": Kind(0x29, 0, BYTE, SCALE_SHAPE, TIME),
    "datetime2": Kind(0x2A, 0, BYTE, SCALE_SHAPE, DATETIME2),
    "datetimeoffset": Kind(0x2B, 0, BYTE, SCALE_SHAPE, DATETIMEOFFSET),
    "char": Kind(0xAF, 0, SHORT, character_shape(1), padded(NARROW, b" ")),
    "varchar": Kind(0xA7, 0, SHORT, character_shape(1), NARROW),
    "nchar": Kind(0xEF, 0, SHORT, character_shape(2),
                  padded(WIDE, b" \0", 2)),
    "nvarchar": Kind(0xE7, 0, SHORT, character_shape(2), WIDE),
    "binary": Kind(0xAD, 0, SHORT, BINARY_SHAPE, padded(BYTES, b"\0")),
    "varbinary": Kind(0xA5, 0, SHORT, BINARY_SHAPE, BYTES),
    "rowversion": Kind(0xAD, 0, SHORT, ROWVERSION_SHAPE, BYTES),
    "text": Kind(0x23, 0, TEXT, long_shape(True), NARROW),
    "ntext": Kind(0x63, 0, TEXT, long_shape(True), WIDE),
    "image": Kind(0x22, 0, TEXT, long_shape(False), BYTES),
    "xml": Kind(0xF1, 0, PLP, XML_SHAPE, WIDE),
    "hierarchyid": Kind(0xF0, 0, PLP, CLR_SHAPE, BYTES),
    "geography": Kind(0xF0, 0, PLP, CLR_SHAPE, BYTES),
    "geometry": Kind(0xF0, 0, PLP, CLR_SHAPE, BYTES),
    "sql_variant": Kind(0x62, 0, LONG, VARIANT_SHAPE,
                        Codec(variant_data, variant_value)),
}

ALIASES = {"timestamp": "rowversion", "sysname": "nvarchar"}
LARGE = ("varchar", "nvarchar", "varbinary")
HAS_TABLE = ("text", "ntext", "image")
USER_TYPES = {"rowversion": 80}
NULL_TOKEN = 0x1F

# the first of several types of one token; TYPE_INFO then says which
NULLABLE_NAMES = {kind.token: name for name, kind in reversed(KINDS.items())}
FIXED_NAMES = {kind.fixed: name for name, kind in KINDS.items() if kind.fixed}
VARIANT_NAMES = {**NULLABLE_NAMES, **FIXED_NAMES}


def canonical(type):
    """The same type by the name that KINDS has."""
    return replace(type, name=ALIASES.get(type.name, type.name))


def frame_of(type):
    kind = KINDS[type.name]
    if kind.fixed and not type.nullable:
        return BARE
    if type.name in LARGE and type.length == MAX:
        return LIMITED_PLP
    return kind.frame


def type_info(type):
    type = canonical(type)
    kind = KINDS[type.name]
    if kind.fixed and not type.nullable:
        return ONE_BYTE[kind.fixed]
    return ONE_BYTE[kind.token] + kind.shape.info(type)


def encoder(type, large=Large()):
    """A function that gives a value's bytes in a row."""
    type = canonical(type)
    return frame_of(type).encode(KINDS[type.name].codec.data(type), large)


def null_size(type):
    """How many bytes NULL takes in a ROW."""
    return len(encoder(type)(None))


def read_type(reader, clr=read_clr_column):
    """The type of a TYPE_INFO; None for the type of a bare NULL.

    clr reads what is said of a UDT, which differs in parameters.
    """
    token = reader.byte()
    if token == NULL_TOKEN:
        return None
    if token in FIXED_NAMES:
        return Type(FIXED_NAMES[token], nullable=False)
    if token not in NULLABLE_NAMES:
        raise Malformed("type 0x%02x" % token)
    name = NULLABLE_NAMES[token]
    read = clr if KINDS[name].shape is CLR_SHAPE else KINDS[name].shape.read
    return read(name, reader)


def read_value(reader, type, parameter=False):
    """The value that follows, in a row or as a parameter."""
    if type is None:
        return None
    codec = KINDS[type.name].codec
    frame = frame_of(type)
    if frame is BARE:
        raw = reader.take(*KINDS[type.name].shape.info(type))
    elif frame is TEXT and parameter:
        raw = unframe_text_parameter(reader)
    else:
        raw = frame.decode(reader)
    return None if raw is None else codec.value(type)(raw)
