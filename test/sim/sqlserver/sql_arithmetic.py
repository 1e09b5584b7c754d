"""The arithmetic of T-SQL: result types, overflow, truncating division."""

import operator
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from .result import SqlError
from .sql_convert import converter, overflow
from .sql_scope import Compiled, once
from .sql_types import (INT, INT_RANGES, common_type, decimal_of, family,
                        is_wide, limited_decimal)
from .types import MAX, Type
from .values import DateTime


def divide_by_zero():
    return SqlError(8134, "Divide by zero error encountered.")


def incompatible(left, right, op):
    return SqlError(402, "The data types %s and %s are incompatible in the "
                    "%s operator." % (left.name, right.name, op))


def int_divide(a, b):
    if b == 0:
        raise divide_by_zero()
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def int_remainder(a, b):
    return a - b * int_divide(a, b)


def number_divide(a, b):
    if b == 0:
        raise divide_by_zero()
    return a / b


def decimal_remainder(a, b):
    if b == 0:
        raise divide_by_zero()
    return a % b                    # Decimal keeps the sign of the dividend


INT_OPS = {"+": operator.add, "-": operator.sub, "*": operator.mul,
           "/": int_divide, "%": int_remainder, "&": operator.and_,
           "|": operator.or_, "^": operator.xor}
FLOAT_OPS = {"+": operator.add, "-": operator.sub, "*": operator.mul,
             "/": number_divide}
DECIMAL_OPS = {"+": operator.add, "-": operator.sub, "*": operator.mul,
               "/": number_divide, "%": decimal_remainder}


def decimal_result(op, a, b):
    """The documented rules for precision and scale."""
    p1, s1, p2, s2 = a.precision, a.scale, b.precision, b.scale
    if op == "*":
        return limited_decimal(p1 + p2 + 1, s1 + s2)
    if op == "/":
        scale = max(6, s1 + p2 + 1)
        return limited_decimal(p1 - s1 + s2 + scale, scale)
    scale = max(s1, s2)
    if op == "%":
        return limited_decimal(min(p1 - s1, p2 - s2) + scale, scale)
    return limited_decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)


def nullable_op(left, right, apply):
    def run(row):
        a = left(row)
        if a is None:
            return None
        b = right(row)
        return None if b is None else apply(a, b)
    return run


def literal_op(left, value, apply):
    def run(row):
        a = left(row)
        return None if a is None else apply(a, value)
    return run


def build(compiler, left, right, type, apply):
    constant = left.constant and right.constant
    if right.literal and right.value is not None:
        run = literal_op(left.run, right.value, apply)
    else:
        run = nullable_op(once(left), once(right), apply)
    return Compiled(run, type, constant)


def int_op(compiler, op, left, right, type):
    if type.name == "bit":
        type = INT if op not in "&|^" else type
    left, right = (compiler.coerce(side, type) for side in (left, right))
    apply = INT_OPS[op]
    if type.name == "bit":
        return build(compiler, left, right, type, apply)
    low, high = INT_RANGES[type.name]

    def checked(a, b):
        value = apply(a, b)
        if low <= value <= high:
            return value
        raise overflow(type)
    return build(compiler, left, right, type, checked)


def decimal_op(compiler, op, left, right, type):
    if "money" in type.name:
        left, right = (compiler.coerce(side, type) for side in (left, right))
        result = type
    else:
        sides = []
        for side in (left, right):
            wanted = decimal_of(side.type)
            if side.literal and isinstance(side.value, int):
                wanted = Type("numeric", precision=len(str(abs(side.value))),
                              scale=0)
            if family(wanted) != "dec":
                wanted = type
            sides.append(compiler.coerce(side, wanted))
        left, right = sides
        result = decimal_result(op, left.type, right.type)
    apply = DECIMAL_OPS.get(op)
    if apply is None:
        raise incompatible(left.type, right.type, op)
    scale = 4 if "money" in result.name else result.scale
    step = Decimal(1).scaleb(-scale)
    rounding = ROUND_DOWN if op == "/" else ROUND_HALF_UP
    limit = Decimal(10) ** ((19 if "money" in result.name
                             else result.precision) - scale)

    def checked(a, b):
        value = apply(a, b).quantize(step, rounding)
        if abs(value) >= limit:
            raise overflow(result)
        return value
    return build(compiler, left, right, result, checked)


def float_op(compiler, op, left, right, type):
    left, right = (compiler.coerce(side, type) for side in (left, right))
    apply = FLOAT_OPS.get(op)
    if apply is None:
        raise incompatible(left.type, right.type, op)
    return build(compiler, left, right, type, apply)


def text_op(compiler, op, left, right, type):
    if op != "+":
        raise incompatible(left.type, right.type, op)
    if left.type.length == MAX or right.type.length == MAX:
        length = MAX
    else:
        length = min(left.type.length + right.type.length,
                     4000 if is_wide(type) else 8000)
    name = "nvarchar" if is_wide(type) else "varchar"
    result = Type(name, length, collation=type.collation)
    left = as_text(compiler, left)
    right = as_text(compiler, right)
    return build(compiler, left, right, result, operator.add)


def as_text(compiler, side):
    if family(side.type) == "str":
        return side
    return compiler.coerce(side, Type("nvarchar", 4000))


def bytes_op(compiler, op, left, right, type):
    if op in "&|^":
        return int_op(compiler, op, left, right, INT)
    if op != "+":
        raise incompatible(left.type, right.type, op)
    lengths = left.type.length, right.type.length
    length = MAX if MAX in lengths else min(sum(lengths), 8000)
    return build(compiler, left, right, Type("varbinary", length),
                 operator.add)


def datetime_op(compiler, op, left, right, type):
    """datetime + days, datetime - datetime"""
    if op not in "+-" or type.name not in ("datetime", "smalldatetime"):
        raise incompatible(left.type, right.type, op)
    left, right = (compiler.coerce(side, type) for side in (left, right))
    zero = DateTime.of(1900, 1, 1).ticks
    sign = 1 if op == "+" else -1
    fit = converter(Type("datetime2", scale=7), type)
    return build(compiler, left, right, type, lambda a, b: fit(
        DateTime(a.ticks + sign * (b.ticks - zero))))


OPS = {"int": int_op, "dec": decimal_op, "float": float_op, "str": text_op,
       "bin": bytes_op, "datetime": datetime_op}


def arithmetic(compiler, op, left, right):
    type = common_type(left.type, right.type)
    if type.name == "null":
        type = INT
    if op in "&|^" and family(type) in ("int", "bin") \
            and "bin" in (family(left.type), family(right.type)):
        return int_op(compiler, op, left, right,
                      INT if family(type) == "bin" else type)
    kind = family(type)
    if kind == "str" and op != "+" and "str" in (family(left.type),
                                                 family(right.type)):
        raise incompatible(left.type, right.type, op)
    build_op = OPS.get(kind)
    if build_op is None:
        raise incompatible(left.type, right.type, op)
    found = build_op(compiler, op, left, right, type)
    return found
