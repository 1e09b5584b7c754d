"""Rules of T-SQL's types: names, precedence, comparison keys, defaults.
Conversion of values: sql_convert.py."""

import unicodedata
from dataclasses import replace
from decimal import Decimal

from .result import SqlError
from .types import MAX, Type

FAMILIES = {
    "bit": "int", "tinyint": "int", "smallint": "int", "int": "int",
    "bigint": "int",
    "decimal": "dec", "numeric": "dec", "money": "dec", "smallmoney": "dec",
    "float": "float", "real": "float",
    "char": "str", "varchar": "str", "nchar": "str", "nvarchar": "str",
    "text": "str", "ntext": "str", "xml": "str",
    "binary": "bin", "varbinary": "bin", "image": "bin", "rowversion": "bin",
    "hierarchyid": "clr", "geography": "clr", "geometry": "clr",
    "date": "date", "time": "time", "datetime": "datetime",
    "smalldatetime": "datetime", "datetime2": "datetime",
    "datetimeoffset": "offset",
    "uniqueidentifier": "guid", "sql_variant": "variant", "null": "null",
}

# Lowest precedence first: of two types the later one wins.
PRECEDENCE = {name: rank for rank, name in enumerate("""
    null binary varbinary char varchar nchar nvarchar uniqueidentifier
    rowversion image text ntext bit tinyint smallint int bigint smallmoney
    money numeric decimal real float time date smalldatetime datetime
    datetime2 datetimeoffset xml sql_variant hierarchyid geometry geography
    """.split())}

INT_RANGES = {"bit": (0, 1), "tinyint": (0, 255),
              "smallint": (-2**15, 2**15 - 1), "int": (-2**31, 2**31 - 1),
              "bigint": (-2**63, 2**63 - 1)}
INT_DIGITS = {"bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}

NULL = Type("null")
BIT = Type("bit")
TINYINT = Type("tinyint")
SMALLINT = Type("smallint")
INT = Type("int")
BIGINT = Type("bigint")
FLOAT = Type("float")
DATE = Type("date")
DATETIME = Type("datetime")
DATETIME2 = Type("datetime2", scale=7)
OFFSET = Type("datetimeoffset", scale=7)
GUID = Type("uniqueidentifier")
SYSNAME = Type("nvarchar", 128)
NVARCHAR_MAX = Type("nvarchar", MAX)
VARBINARY_MAX = Type("varbinary", MAX)
LSN = Type("binary", 10)

# name: what an argument list means, and the length when it is left out
LENGTH_LIMITS = {"char": 8000, "varchar": 8000, "nchar": 4000,
                 "nvarchar": 4000, "binary": 8000, "varbinary": 8000}
MAY_BE_MAX = frozenset(["varchar", "nvarchar", "varbinary"])
SCALED = frozenset(["time", "datetime2", "datetimeoffset"])
SYNONYMS = {"integer": "int", "dec": "decimal", "timestamp": "rowversion",
            "character": "char"}
# max_length, precision and scale in the catalog, for types of fixed size
FIXED_SIZES = {
    "bit": (1, 1, 0), "tinyint": (1, 3, 0), "smallint": (2, 5, 0),
    "int": (4, 10, 0), "bigint": (8, 19, 0), "real": (4, 24, 0),
    "float": (8, 53, 0), "smallmoney": (4, 10, 4), "money": (8, 19, 4),
    "date": (3, 10, 0), "smalldatetime": (4, 16, 0), "datetime": (8, 23, 3),
    "uniqueidentifier": (16, 0, 0), "rowversion": (8, 0, 0),
    "text": (16, 0, 0), "ntext": (16, 0, 0), "image": (16, 0, 0),
    "xml": (-1, 0, 0), "sql_variant": (8016, 0, 0),
    "hierarchyid": (892, 0, 0), "geography": (-1, 0, 0),
    "geometry": (-1, 0, 0),
}


def family(type):
    return FAMILIES[type.name]


def is_large(type):
    """Whether a (max) type or one of the old large ones."""
    return type.length == MAX or type.name in ("text", "ntext", "image",
                                               "xml")


def is_wide(type):
    return type.name in ("nchar", "nvarchar", "ntext", "xml")


def invalid_type(name):
    return SqlError(2715, "Column, parameter, or variable #1: Cannot find "
                    "data type %s." % name)


def make_type(name, args=(), default_length=1):
    """The type of a name and its arguments in T-SQL."""
    name = SYNONYMS.get(name, name)
    if name == "sysname":
        return replace(SYSNAME, nullable=False)
    if name not in FAMILIES or name == "null":
        raise invalid_type(name)
    if name in LENGTH_LIMITS:
        length = args[0] if args else default_length
        if length == "max":
            if name not in MAY_BE_MAX:
                raise invalid_type(name)
            return Type(name, MAX)
        if not 0 < length <= LENGTH_LIMITS[name]:
            raise SqlError(131, "The size (%d) given to the type '%s' exceeds "
                           "the maximum allowed for any data type (8000)."
                           % (length, name), class_=15)
        return Type(name, length)
    if name in ("decimal", "numeric"):
        precision = args[0] if args else 18
        scale = args[1] if len(args) > 1 else 0
        if not 1 <= precision <= 38 or not 0 <= scale <= precision:
            raise SqlError(2750, "Column or parameter #1: Specified column "
                           "precision %d is greater than the maximum "
                           "precision of 38." % precision)
        return Type(name, precision=precision, scale=scale)
    if name in SCALED:
        scale = args[0] if args else 7
        if not 0 <= scale <= 7:
            raise SqlError(1002, "Line 1: Specified scale %d is invalid."
                           % scale, class_=15)
        return Type(name, scale=scale)
    if name == "float" and args and args[0] <= 24:
        return Type("real")
    return Type(name)


def catalog_size(type):
    """max_length, precision, scale as sys.columns shows them."""
    name = type.name
    if name in FIXED_SIZES:
        return FIXED_SIZES[name]
    if name in ("decimal", "numeric"):
        p = type.precision
        size = 5 if p <= 9 else 9 if p <= 19 else 13 if p <= 28 else 17
        return size, p, type.scale
    if name in SCALED:
        s = type.scale
        clock = 3 if s <= 2 else 4 if s <= 4 else 5
        dot = s + 1 if s else 0
        extra, digits = {"time": (0, 8), "datetime2": (3, 19),
                         "datetimeoffset": (5, 26)}[name]
        return clock + extra, digits + dot, s
    if type.length == MAX:
        return -1, 0, 0
    return type.length * (2 if is_wide(type) else 1), 0, 0


# ---- the common type of several ---------------------------------------------

def decimal_of(type):
    """A type as decimal(p, s)."""
    if type.name in INT_DIGITS:
        return Type("numeric", precision=INT_DIGITS[type.name], scale=0)
    if type.name == "money":
        return Type("numeric", precision=19, scale=4)
    if type.name == "smallmoney":
        return Type("numeric", precision=10, scale=4)
    return type


def limited_decimal(precision, scale, keep=6):
    """decimal(p, s) cut to 38 digits; division keeps six of the scale."""
    if precision > 38:
        scale = max(min(scale, keep), scale - (precision - 38))
        precision = 38
    return Type("numeric", precision=precision, scale=max(scale, 0))


def union_length(left, right):
    if left.length == MAX or right.length == MAX:
        return MAX
    return max(left.length, right.length, 1)


def common_type(left, right):
    """The type that both become in CASE, UNION, a comparison."""
    if left == right:
        return left
    if left.name == "null":
        return replace(right, nullable=True)
    if right.name == "null":
        return replace(left, nullable=True)
    nullable = left.nullable or right.nullable
    winner = max(left, right, key=lambda type: PRECEDENCE[type.name])
    kind = family(winner)
    if winner.name in ("decimal", "numeric"):
        a, b = decimal_of(left), decimal_of(right)
        if family(a) == family(b) == "dec":
            scale = max(a.scale, b.scale)
            digits = max(a.precision - a.scale, b.precision - b.scale)
            return replace(limited_decimal(digits + scale, scale),
                           nullable=nullable)
    elif winner.name in LENGTH_LIMITS and family(left) == family(right):
        name = winner.name
        if kind == "str" and not {left.name, right.name} <= {name}:
            name = "nvarchar" if is_wide(winner) else "varchar"
        length = union_length(left, right)
        limit = LENGTH_LIMITS[name]
        if length > limit:
            length = limit
        return Type(name, length, collation=left.collation or right.collation,
                    nullable=nullable)
    elif winner.name in SCALED and left.name == right.name:
        return replace(winner, scale=max(left.scale, right.scale),
                       nullable=nullable)
    return replace(winner, nullable=nullable, identity=False, computed=False,
                   table=())


def output_type(type):
    """The type of a result column: an untyped NULL is an int."""
    return INT if type.name == "null" else type


# ---- comparison -------------------------------------------------------------

def fold_accents(text):
    return "".join(c for c in unicodedata.normalize("NFD", text)
                   if not unicodedata.combining(c))


def text_key(collation):
    """A function whose results compare as texts of the collation do."""
    parts = collation.upper().split("_") if collation else ["CI"]
    if "BIN" in parts or "BIN2" in parts:
        return lambda value: value.rstrip(" ")
    fold_case = "CS" not in parts
    if "AI" in parts:
        if fold_case:
            return lambda value: fold_accents(value).casefold().rstrip(" ")
        return lambda value: fold_accents(value).rstrip(" ")
    if fold_case:
        return lambda value: value.casefold().rstrip(" ")
    return lambda value: value.rstrip(" ")


def guid_key(value):
    raw = value.bytes_le
    return raw[10:16] + raw[8:10] + raw[6:8] + raw[4:6] + raw[0:4]


VARIANT_RANKS = {"variant": 9, "offset": 8, "datetime": 8, "date": 8,
                 "time": 8, "float": 7, "dec": 6, "int": 6, "guid": 4,
                 "str": 3, "bin": 2, "clr": 1}


def variant_key(value):
    kind = family(value.type)
    key = key_function(value.type)
    return VARIANT_RANKS[kind], kind, key(value.value) if key else value.value


KEYS = {
    "int": None, "dec": None, "float": None, "date": None, "null": None,
    "time": lambda value: value.ticks,
    "datetime": lambda value: value.ticks,
    "offset": lambda value: value.ticks,
    "bin": lambda value: value.rstrip(b"\0"),
    "clr": lambda value: value,
    "guid": guid_key,
    "variant": variant_key,
}


def key_function(type):
    """value -> what compares as SQL does; None if values do so themselves."""
    kind = family(type)
    if kind == "str":
        return text_key(type.collation)
    if type.name == "binary":       # of one length, padded
        return None
    return KEYS[kind]


def comparable(type):
    if type.name in ("text", "ntext", "image", "xml", "geometry",
                     "geography"):
        raise SqlError(306, "The text, ntext, and image data types cannot be "
                       "compared or sorted, except when using IS NULL or LIKE "
                       "operator.")


class High:
    """Greater than every value; ends a range of keys."""

    def __lt__(self, other):
        return False

    def __gt__(self, other):
        return True

    def __le__(self, other):
        return False

    def __ge__(self, other):
        return True


HIGH = High()


class Low:
    """A NULL among keys: smaller than every value."""

    def __lt__(self, other):
        return other is not LOW

    def __gt__(self, other):
        return False

    def __le__(self, other):
        return True

    def __ge__(self, other):
        return other is LOW


LOW = Low()


def order_key(type):
    """Like key_function, with a place for NULL; never None."""
    key = key_function(type)
    if key is None:
        return lambda value: LOW if value is None else value
    return lambda value: LOW if value is None else key(value)


class Backwards:
    """A key in a descending order."""
    __slots__ = ("key",)

    def __init__(self, key):
        self.key = key

    def __lt__(self, other):
        return other.key < self.key

    def __eq__(self, other):
        return other.key == self.key


def literal_decimal(text):
    value = Decimal(text)
    digits = len(value.as_tuple().digits)
    scale = -value.as_tuple().exponent
    return value, Type("numeric", precision=max(digits, scale, 1),
                       scale=scale, nullable=False)
