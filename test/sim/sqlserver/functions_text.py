"""Functions of character and binary strings."""

import hashlib
from dataclasses import replace

from .functions_common import simple
from .result import SqlError
from .sql_convert import bytes_from_text, units
from .sql_scope import Compiled
from .sql_types import (BIGINT, INT, NVARCHAR_MAX, VARBINARY_MAX, family,
                        is_wide)
from .types import KINDS, MAX, Type

TEXT = Type("nvarchar", 4000)


def text_build(function, *others, least=None):
    """A function whose first argument is a text and whose result too."""
    def build(compiler, node):
        args = [compiler.compile(arg) for arg in node.args]
        if not args:
            raise SqlError(174, "The %s function requires arguments."
                           % node.parts[-1].lower(), class_=15)
        args[0] = compiler.as_text(args[0])
        args[1:] = [arg if type is None else compiler.coerce(arg, type)
                    for arg, type in zip(args[1:], others)]
        runs = [arg.run for arg in args]

        def run(row):
            values = [run(row) for run in runs]
            return None if None in values else function(*values)
        type = args[0].type
        name = {"char": "varchar", "nchar": "nvarchar", "text": "varchar",
                "ntext": "nvarchar"}.get(type.name, type.name)
        length = type.length if type.name in ("varchar", "nvarchar") else MAX
        if node.parts[-1].upper() in ("REPLACE", "REPLICATE", "STUFF"):
            length = MAX if length == MAX else 4000 if is_wide(type) else 8000
        return Compiled(run, replace(type, name=name, length=length or 1,
                                     nullable=True),
                        all(arg.constant for arg in args))
    return build


def length(compiler, node):
    """LEN: characters without trailing blanks; of bytes, all of them"""
    arg = compiler.compile(node.args[0])
    run = arg.run
    if family(arg.type) == "bin":
        def count(value):
            return len(value)
    else:
        run = compiler.as_text(arg).run

        def count(value):
            return units(value.rstrip(" "))
    type = BIGINT if arg.type.length == MAX else INT
    return Compiled(lambda row: None if (value := run(row)) is None
                    else count(value), type, arg.constant)


def data_length(compiler, node):
    """DATALENGTH: bytes of the value as stored"""
    arg = compiler.compile(node.args[0])
    measure = size_function(arg.type)
    run = arg.run
    type = BIGINT if arg.type.length == MAX else INT
    return Compiled(lambda row: None if (value := run(row)) is None
                    else measure(value), type, arg.constant)


def size_function(type):
    kind = family(type)
    if kind == "str":
        if is_wide(type):
            return lambda value: 2 * units(value)
        return lambda value: len(bytes_from_text(value, type))
    if kind in ("bin", "clr"):
        return len
    if kind == "variant":
        return lambda value: size_function(value.type)(value.value)
    if kind == "null":
        return lambda value: 0
    if type.name in ("time", "datetime2", "datetimeoffset", "decimal",
                     "numeric"):
        from .sql_types import catalog_size
        size = catalog_size(type)[0]
        return lambda value: size
    encode = KINDS[type.name].codec.data(type)
    return lambda value: len(encode(value))


def substring(compiler, node):
    args = [compiler.compile(arg) for arg in node.args]
    value, start, size = args
    if family(value.type) != "bin":
        value = compiler.as_text(value)
        name = "nvarchar" if is_wide(value.type) else "varchar"
    else:
        name = "varbinary"
    start, size = (compiler.coerce(arg, BIGINT) for arg in (start, size))
    type = replace(value.type, name=name, nullable=True,
                   length=value.type.length or MAX)
    runs = [value.run, start.run, size.run]

    def run(row):
        text, at, count = [run(row) for run in runs]
        if text is None or at is None or count is None:
            return None
        if count < 0:
            raise SqlError(537, "Invalid length parameter passed to the LEFT "
                           "or SUBSTRING function.")
        return text[max(at - 1, 0):max(at - 1 + count, 0)]
    return Compiled(run, type, all(arg.constant for arg in args))


def left(compiler, node):
    from . import sql_ast as ast
    return substring(compiler, ast.Call(("SUBSTRING",), [
        node.args[0], ast.Literal("1", "num"), node.args[1]]))


def right(text, count):
    return text[len(text) - count:] if 0 < count <= len(text) else (
        text if count else "")


def stuff(text, start, count, new):
    if not 1 <= start <= len(text) or count < 0:
        return None
    return text[:start - 1] + new + text[start - 1 + count:]


def replace_text(text, old, new):
    if not old:
        return text
    lowered, wanted = text.lower(), old.lower()
    out, at = [], 0
    while True:
        found = lowered.find(wanted, at)
        if found < 0:
            return "".join(out) + text[at:]
        out += text[at:found], new
        at = found + len(old)


def char_index(what, where, start=1):
    return where.lower().find(what.lower(), max(start - 1, 0)) + 1


def pattern_index(pattern, text):
    from .sql_compile import like_pattern
    core = pattern
    open_start, open_end = core.startswith("%"), core.endswith("%")
    core = core[1:] if open_start else core
    core = core[:-1] if open_end and core else core
    found = like_pattern(core, None, False)
    import re
    body = found.pattern[:-2]
    body = body if open_start else r"\A" + body
    body = body if open_end else body + r"\Z"
    match = re.search(body, text, found.flags)
    return match.start() + 1 if match else 0


def concat(compiler, node, separator=None):
    """CONCAT: NULL is an empty text"""
    args = [compiler.coerce(compiler.compile(arg), TEXT)
            if family(compiler.compile(arg).type) != "str"
            else compiler.compile(arg) for arg in node.args]
    runs = [arg.run for arg in args]
    lengths = [arg.type.length for arg in args]
    length = MAX if MAX in lengths else min(sum(lengths), 4000)
    return Compiled(lambda row: "".join([run(row) or "" for run in runs]),
                    Type("nvarchar", length or 1),
                    all(arg.constant for arg in args))


def concat_ws(compiler, node):
    args = [compiler.as_text(compiler.compile(arg)) for arg in node.args]
    runs = [arg.run for arg in args]

    def run(row):
        separator, *values = [run(row) for run in runs]
        return (separator or "").join(value for value in values
                                      if value is not None)
    return Compiled(run, TEXT, all(arg.constant for arg in args))


def quote_name(text, quote="["):
    if len(text) > 128:
        return None
    if quote in "[]":
        return "[" + text.replace("]", "]]") + "]"
    return quote + text.replace(quote, 2 * quote) + quote


ALGORITHMS = {"MD5": "md5", "SHA": "sha1", "SHA1": "sha1",
              "SHA2_256": "sha256", "SHA2_512": "sha512"}


def hash_bytes(compiler, node):
    algorithm = compiler.constant(node.args[0], TEXT)
    value = compiler.compile(node.args[1])
    if family(value.type) != "bin":
        value = compiler.coerce(value, VARBINARY_MAX)
    make = getattr(hashlib, ALGORITHMS[algorithm.upper()])
    run = value.run
    return Compiled(lambda row: None if (data := run(row)) is None
                    else make(data).digest(), Type("varbinary", 8000),
                    value.constant)


def unicode_of(text):
    if not text:
        return None
    first = text.encode("utf-16-le", "surrogatepass")[:2]
    return int.from_bytes(first, "little")


def nchar(number):
    return number.to_bytes(2, "little").decode(
        "utf-16-le", "surrogatepass") if 0 <= number <= 0xFFFF else None


TEXT_FUNCTIONS = {
    "LEN": length, "DATALENGTH": data_length, "SUBSTRING": substring,
    "LEFT": left, "HASHBYTES": hash_bytes, "CONCAT": concat,
    "CONCAT_WS": concat_ws,
    "RIGHT": text_build(right, INT),
    "UPPER": text_build(str.upper), "LOWER": text_build(str.lower),
    "LTRIM": text_build(lambda text: text.lstrip(" ")),
    "RTRIM": text_build(lambda text: text.rstrip(" ")),
    "TRIM": text_build(lambda text: text.strip(" ")),
    "REVERSE": text_build(lambda text: text[::-1]),
    "REPLACE": text_build(replace_text, TEXT, TEXT),
    "STUFF": text_build(stuff, INT, INT, TEXT),
    "REPLICATE": text_build(lambda text, count: text * max(count, 0), INT),
    "SPACE": simple(TEXT, lambda count: " " * count, INT),
    "CHARINDEX": simple(INT, char_index, TEXT, NVARCHAR_MAX, INT, least=2),
    "PATINDEX": simple(INT, pattern_index, TEXT, NVARCHAR_MAX),
    "QUOTENAME": simple(Type("nvarchar", 258), quote_name, TEXT, TEXT,
                        least=1),
    "CHAR": simple(Type("char", 1), lambda number: bytes([number]).decode(
        "cp1252", "replace") if 0 <= number < 256 else None, INT),
    "NCHAR": simple(Type("nchar", 1), nchar, INT),
    "ASCII": simple(INT, lambda text: text.encode("cp1252", "replace")[0]
                    if text else None, TEXT),
    "UNICODE": simple(INT, unicode_of, TEXT),
    "STR": simple(Type("varchar", 38), lambda value, size=10, digits=0:
                  ("%.*f" % (digits, value)).rjust(size), Type("float"), INT,
                  INT, least=1),
    "STRING_ESCAPE": simple(NVARCHAR_MAX, lambda text, kind: text.replace(
        "\\", "\\\\").replace('"', '\\"'), NVARCHAR_MAX, TEXT),
}
