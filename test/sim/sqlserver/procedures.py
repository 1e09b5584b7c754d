"""System procedures: how they are declared and called.

A procedure is a function of (session, database, arguments) that yields result
items, or returns None.  It runs with the latch held.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from .complain import unknown
from .result import Column, Done, ReturnStatus, ResultSet, SqlError
from .sql_compile import Compiler
from .sql_convert import converter
from .sql_scope import Scope
from .sql_types import make_type

PROCEDURES = {}


@dataclass
class Parameter:
    name: str
    type: Any
    required: bool
    default: Any


@dataclass
class Procedure:
    name: str
    parameters: list
    run: Any


def procedure(name, parameters=""):
    """Registers a function; parameters: "name type [= default], ..." """
    def register(function):
        declared = [parse_parameter(part) for part in parameters.split(",")
                    if part.strip()]
        PROCEDURES[name.lower()] = Procedure(name, declared, function)
        return function
    return register


def parse_parameter(text):
    from .sql_statements import parse_type
    head, has_default, default = text.partition("=")
    name, type_name = head.split()
    node = parse_type(type_name)
    value = None
    if has_default:
        value = eval_default(default.strip())
    return Parameter(name, make_type(node.parts[-1], node.args),
                     not has_default, value)


def eval_default(text):
    return None if text.upper() == "NULL" else int(text)


def table(columns, rows):
    """A result set of a procedure: "name type, ..." and rows."""
    from .catalog import declared
    rows = list(rows)
    return [ResultSet([Column(name, type) for name, type
                       in declared(columns)], iter(rows)), Done(len(rows))]


def call(executor, node):
    """Runs EXEC of a procedure."""
    load()
    session = executor.session
    found = find(node.name)
    database = session.find_database(node.name[-3] if len(node.name) > 2
                                     else "")
    arguments = bind(executor, found, node.args)
    with session.latch:
        items = list(found.run(session, database, arguments) or ())
    yield from items
    if node.result is not None:
        session.variables[node.result].value = 0
    yield ReturnStatus(0)
    if not items:
        yield Done()


def find(parts):
    name = parts[-1].lower()
    schema = parts[-2].lower() if len(parts) > 1 else ""
    if schema == "sim":
        name = "sim." + name
    found = PROCEDURES.get(name)
    if found is not None:
        return found
    if schema in ("sys", "sim") or name.startswith(("sp_", "xp_")):
        raise unknown("procedure", ".".join(parts))
    raise SqlError(2812, "Could not find stored procedure '%s'."
                   % ".".join(parts), state=62)


def bind(executor, found, args):
    """The arguments by name, converted."""
    values = {parameter.name: parameter.default
              for parameter in found.parameters}
    given = set()
    for place, (name, expr, _) in enumerate(args):
        parameter = find_parameter(found, name, place)
        given.add(parameter.name)
        if expr is None:
            continue
        compiled = Compiler(executor.session, Scope()).compile(expr)
        value = executor.value(expr)
        step = converter(compiled.type, parameter.type)
        values[parameter.name] = step(value) if step else value
    for parameter in found.parameters:
        if parameter.required and parameter.name not in given:
            raise SqlError(201, "Procedure or function '%s' expects parameter "
                           "'@%s', which was not supplied."
                           % (found.name, parameter.name), state=4)
    return SimpleNamespace(given=given, **values)


def find_parameter(found, name, place):
    if name is None:
        if place < len(found.parameters):
            return found.parameters[place]
        raise SqlError(8144, "Procedure or function %s has too many arguments "
                       "specified." % found.name, state=2)
    for parameter in found.parameters:
        if parameter.name == name[1:].lower():
            return parameter
    raise SqlError(8145, "@%s is not a parameter for procedure %s."
                   % (name[1:], found.name))


def load():
    """Registers the procedures of the other modules, once."""
    from . import procedures_cdc, procedures_meta, sim_procedures


def need_database_owner(session, database):
    if not session.access(database).is_owner:
        raise SqlError(22904, "Caller is not authorized to initiate the "
                       "requested action. DBO privileges are required.")
