"""Functions of numbers and of any values; methods of CLR types."""

import math
import random
import struct
import uuid
from dataclasses import replace
from decimal import (ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP,
                     Decimal)

from . import sql_ast as ast
from .clr import hierarchy_bytes, hierarchy_text, wkb_of, wkt_of, wkt_value
from .functions_common import compiled_args, simple
from .result import SqlError
from .sql_scope import Compiled
from .sql_types import (FLOAT, GUID, INT, NVARCHAR_MAX, VARBINARY_MAX,
                        common_type, family)
from .types import Type


def coalesce(compiler, node):
    args = [compiler.compile(arg) for arg in node.args]
    type = args[0].type
    for arg in args[1:]:
        type = common_type(type, arg.type)
    runs = [compiler.coerce(arg, type).run for arg in args]

    def run(row):
        for one in runs:
            value = one(row)
            if value is not None:
                return value
        return None
    return Compiled(run, type, all(arg.constant for arg in args))


def is_null(compiler, node):
    """ISNULL has the type of its first argument."""
    first, second = [compiler.compile(arg) for arg in node.args]
    type = first.type if first.type.name != "null" else second.type
    second = compiler.coerce(second, replace(type, nullable=True))
    a, b = first.run, second.run

    def run(row):
        value = a(row)
        return b(row) if value is None else value
    return Compiled(run, replace(type, nullable=second.type.nullable),
                    first.constant and second.constant)


def null_if(compiler, node):
    case = ast.Case(None, [(ast.Compare("=", *node.args),
                            ast.Literal(None, "null"))], node.args[0])
    return compiler.compile(case)


def choose(compiler, node):
    index = compiler.coerce(compiler.compile(node.args[0]), INT)
    items = [compiler.compile(arg) for arg in node.args[1:]]
    type = items[0].type
    for item in items[1:]:
        type = common_type(type, item.type)
    runs = [compiler.coerce(item, type).run for item in items]

    def run(row):
        place = index.run(row)
        if place is None or not 1 <= place <= len(runs):
            return None
        return runs[place - 1](row)
    return Compiled(run, type)


def extreme(best):
    def build(compiler, node):
        args = [compiler.compile(arg) for arg in node.args]
        type = args[0].type
        for arg in args[1:]:
            type = common_type(type, arg.type)
        runs = [compiler.coerce(arg, type).run for arg in args]

        def run(row):
            values = [value for value in [run(row) for run in runs]
                      if value is not None]
            return best(values) if values else None
        return Compiled(run, type, all(arg.constant for arg in args))
    return build


def numeric_type(*args):
    type = args[0].type
    return FLOAT if family(type) == "str" else replace(type, nullable=True)


def rounded(value, digits, cut=0):
    if isinstance(value, float):
        scale = 10.0 ** digits
        if cut:
            return math.trunc(value * scale) / scale
        return math.floor(abs(value) * scale + 0.5) / scale * (
            1 if value >= 0 else -1)
    exact = Decimal(value)
    step = Decimal(1).scaleb(-digits)
    found = exact.quantize(step, ROUND_DOWN if cut else ROUND_HALF_UP)
    if isinstance(value, int):
        return int(found)
    return found.quantize(Decimal(1).scaleb(exact.as_tuple().exponent))


def integral(rounding):
    def apply(value):
        if isinstance(value, float):
            return float(math.floor(value) if rounding == ROUND_FLOOR
                         else math.ceil(value))
        if isinstance(value, int):
            return value
        return value.to_integral_value(rounding)
    return apply


def integral_type(arg):
    type = arg.type
    if type.name in ("decimal", "numeric"):
        return Type("numeric", precision=type.precision, scale=0)
    return type


def power(base, exponent):
    if isinstance(base, float):
        return base ** exponent
    found = Decimal(base) ** Decimal(exponent)
    return int(found) if isinstance(base, int) else found


def power_build(compiler, node):
    base, exponent = [compiler.compile(arg) for arg in node.args]
    type = base.type
    if family(type) == "int" and type.name != "bigint":
        type = INT
    a, b = compiler.coerce(base, type).run, exponent.run

    def run(row):
        left, right = a(row), b(row)
        if left is None or right is None:
            return None
        return power(left, right)
    return Compiled(run, type, base.constant and exponent.constant)


def square_root(value):
    if value < 0:
        raise SqlError(3623, "An invalid floating point operation occurred.")
    return math.sqrt(value)


def new_id(compiler, node):
    return Compiled(lambda row: uuid.uuid4(), GUID)


def rand(compiler, node):
    if node.args:
        seed = compiler.coerce(compiler.compile(node.args[0]), INT)
        return Compiled(lambda row: random.Random(seed.run(row)).random(),
                        FLOAT)
    value = random.random()
    return Compiled(lambda row: value, FLOAT)


def checksum(compiler, node):
    args = [compiler.compile(arg) for arg in node.args]
    runs = [arg.run for arg in args]

    def run(row):
        import zlib
        data = repr([run(row) for run in runs]).encode()
        return struct.unpack("<i", struct.pack("<I", zlib.crc32(data)))[0]
    return Compiled(run, INT, all(arg.constant for arg in args))


VARIANT_PROPERTIES = {
    "basetype": lambda value: value.type.name,
    "precision": lambda value: _size(value.type)[1],
    "scale": lambda value: _size(value.type)[2],
    "maxlength": lambda value: _size(value.type)[0],
    "totalbytes": lambda value: _size(value.type)[0] + 2,
    "collation": lambda value: value.type.page.name
    if family(value.type) == "str" else None,
}


def _size(type):
    from .sql_types import catalog_size
    return catalog_size(type)


def variant_property(compiler, node):
    value = compiler.compile(node.args[0])
    if value.type.name != "sql_variant":
        value = compiler.coerce(value, Type("sql_variant"))
    name = compiler.compile(node.args[1])

    def run(row):
        from .result import Variant
        from .sql_convert import type_of_value
        one, what = value.run(row), name.run(row)
        if one is None or what is None:
            return None
        find = VARIANT_PROPERTIES.get(what.lower())
        found = find(one) if find else None
        return None if found is None else Variant(type_of_value(found), found)
    return Compiled(run, Type("sql_variant"))


def is_numeric(value):
    from .sql_convert import Unconvertible, decimal_from_text
    if not isinstance(value, str):
        return int(isinstance(value, (int, float, Decimal)))
    try:
        decimal_from_text(value, None)
        return int(bool(value.strip()))
    except Unconvertible:
        return 0


VALUE_FUNCTIONS = {
    "COALESCE": coalesce, "ISNULL": is_null, "NULLIF": null_if,
    "CHOOSE": choose, "GREATEST": extreme(max), "LEAST": extreme(min),
    "ABS": simple(numeric_type, abs, None),
    "SIGN": simple(numeric_type, lambda value: (value > 0) - (value < 0),
                   None),
    "ROUND": simple(numeric_type, rounded, None, INT, INT, least=2),
    "FLOOR": simple(integral_type, integral(ROUND_FLOOR), None),
    "CEILING": simple(integral_type, integral(ROUND_CEILING), None),
    "POWER": power_build,
    "SQRT": simple(FLOAT, square_root, FLOAT),
    "SQUARE": simple(FLOAT, lambda value: value * value, FLOAT),
    "EXP": simple(FLOAT, math.exp, FLOAT),
    "LOG": simple(FLOAT, math.log, FLOAT, FLOAT, least=1),
    "LOG10": simple(FLOAT, math.log10, FLOAT),
    "SIN": simple(FLOAT, math.sin, FLOAT),
    "COS": simple(FLOAT, math.cos, FLOAT),
    "PI": simple(FLOAT, lambda: math.pi),
    "NEWID": new_id, "NEWSEQUENTIALID": new_id, "RAND": rand,
    "CHECKSUM": checksum, "BINARY_CHECKSUM": checksum,
    "SQL_VARIANT_PROPERTY": variant_property,
    "ISNUMERIC": simple(INT, is_numeric, None),
}


# ---- methods: the target is the first argument ------------------------------

def method(returns, function, *types):
    def build(compiler, node):
        args = compiled_args(compiler, node, (None,) + types)
        runs = [arg.run for arg in args]

        def run(row):
            values = [run(row) for run in runs]
            return None if None in values else function(*values)
        return Compiled(run, returns, all(arg.constant for arg in args))
    return build


def to_text(compiler, node):
    """ToString() of a hierarchyid, or of a geometry."""
    arg = compiler.compile(node.args[0])
    convert = hierarchy_text if arg.type.name == "hierarchyid" else wkt_of
    run = arg.run
    return Compiled(lambda row: None if (value := run(row)) is None
                    else convert(value), NVARCHAR_MAX, arg.constant)


def static(type_name, function, *types):
    """geometry::STGeomFromText(...), hierarchyid::Parse(...)"""
    def build(compiler, node):
        args = compiled_args(compiler, node, types)
        runs = [arg.run for arg in args]

        def run(row):
            values = [run(row) for run in runs]
            return None if None in values else function(*values)
        return Compiled(run, Type(type_name), all(arg.constant
                                                  for arg in args))
    return build


    def find(self, type, name):
        return self.get((type, name))


METHODS = {
    ".tostring": to_text,
    ".stastext": method(NVARCHAR_MAX, wkt_of),
    ".stasbinary": method(VARBINARY_MAX, wkb_of),
    ".stsrid": method(INT, lambda value: struct.unpack("<i", value[:4])[0]),
}
STATIC_METHODS = {
    ("geometry", "stgeomfromtext"): static(
        "geometry", lambda text, srid: wkt_value(text, srid, False),
        NVARCHAR_MAX, INT),
    ("geometry", "parse"): static(
        "geometry", lambda text: wkt_value(text, 0, False), NVARCHAR_MAX),
    ("geography", "stgeomfromtext"): static(
        "geography", lambda text, srid: wkt_value(text, srid, True),
        NVARCHAR_MAX, INT),
    ("geography", "parse"): static(
        "geography", lambda text: wkt_value(text, 4326, True), NVARCHAR_MAX),
    ("geometry", "point"): static(
        "geometry", lambda x, y, srid: wkt_value(
            "POINT(%r %r)" % (x, y), srid, False), FLOAT, FLOAT, INT),
    ("geography", "point"): static(
        "geography", lambda lat, long, srid: wkt_value(
            "POINT(%r %r)" % (long, lat), srid, True), FLOAT, FLOAT, INT),
    ("hierarchyid", "parse"): static("hierarchyid", hierarchy_bytes,
                                     NVARCHAR_MAX),
    ("hierarchyid", "getroot"): static("hierarchyid", lambda: b""),
}
