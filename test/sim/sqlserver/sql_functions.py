"""Finds the functions that expressions call.

Tables of functions are in functions_*.py: a name has a builder that takes the
compiler and the compiled arguments.
"""

from .functions_date import DATE_FUNCTIONS
from .functions_meta import GLOBALS, META_FUNCTIONS
from .functions_text import TEXT_FUNCTIONS
from .functions_value import METHODS, STATIC_METHODS, VALUE_FUNCTIONS
from .functions_cdc import CDC_FUNCTIONS
from .complain import unknown
from .result import SqlError
from .sql_aggregates import AGGREGATES
from .sql_scope import Compiled

FUNCTIONS = {**DATE_FUNCTIONS, **META_FUNCTIONS, **TEXT_FUNCTIONS,
             **VALUE_FUNCTIONS}


def compile(compiler, node):
    """The Compiled of a call."""
    name = node.parts[-1].upper()
    if node.parts[0].startswith(".") or node.parts[-1].startswith("::"):
        method = METHODS.get(node.parts[-1].lower())
        if method is None and len(node.parts) > 1:
            method = STATIC_METHODS.get((node.parts[-2].lower(),
                                         node.parts[-1][2:].lower()))
        if method is None:
            raise unknown("function", node.parts[-1])
        return method(compiler, node)
    if len(node.parts) == 1:
        if name in AGGREGATES:
            raise SqlError(147, "An aggregate may not appear in the WHERE "
                           "clause unless it is in a subquery contained in a "
                           "HAVING clause or a select list, and the column "
                           "being aggregated is an outer reference.",
                           class_=15)
        build = FUNCTIONS.get(name)
    else:
        build = qualified(compiler, node)
    if build is None:
        raise unknown("function", ".".join(node.parts))
    return build(compiler, node)


def qualified(compiler, node):
    """sys.f, db.sys.f, and methods of columns: c.ToString()"""
    schema = node.parts[-2].lower()
    if schema == "sys":
        return CDC_FUNCTIONS.get(node.parts[-1].lower()) or FUNCTIONS.get(
            node.parts[-1].upper())
    column = node.parts[:-1]
    if compiler.scope.matches(column):
        from . import sql_ast as ast
        call = ast.Call(("." + node.parts[-1],),
                        [ast.Name(column)] + node.args)
        return lambda compiler, _: compile(compiler, call)
    return None


def global_variable(session, name):
    found = GLOBALS.get(name)
    if found is None:
        raise SqlError(137, "Must declare the scalar variable \"%s\"." % name,
                       class_=15)
    type, get = found
    return Compiled(lambda row: get(session), type)
