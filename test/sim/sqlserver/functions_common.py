"""Helpers to declare scalar functions."""

from .result import SqlError
from .sql_scope import Compiled


def wrong_arguments(name, count):
    return SqlError(174, "The %s function requires %s argument(s)."
                    % (name, count), class_=15)


def compiled_args(compiler, node, types):
    """The arguments, as the types wanted; None leaves one as it is."""
    args = [compiler.compile(arg) for arg in node.args]
    return [arg if place >= len(types) or types[place] is None
            else compiler.coerce(arg, types[place])
            for place, arg in enumerate(args)]


def simple(returns, function, *types, least=None, constant=True):
    """A builder of a function that gives NULL for a NULL argument.

    returns: a Type, or a function of the compiled arguments that gives one.
    """
    least = len(types) if least is None else least

    def build(compiler, node):
        if not least <= len(node.args) <= len(types):
            raise wrong_arguments(node.parts[-1].lower(), len(types))
        args = compiled_args(compiler, node, types)
        type = returns(*args) if callable(returns) else returns
        runs = [arg.run for arg in args]
        fixed = constant and all(arg.constant for arg in args)
        if len(runs) == 1:
            one = runs[0]

            def run(row):
                value = one(row)
                return None if value is None else function(value)
        else:
            def run(row):
                values = [run(row) for run in runs]
                return None if None in values else function(*values)
        return Compiled(run, type, fixed)
    return build


def with_session(returns, function, *types, least=None, constant=True):
    """A builder of function(session, arguments...); NULLs are passed on."""
    least = len(types) if least is None else least

    def build(compiler, node):
        if not least <= len(node.args) <= len(types):
            raise wrong_arguments(node.parts[-1].lower(), len(types))
        args = compiled_args(compiler, node, types)
        type = returns(*args) if callable(returns) else returns
        runs = [arg.run for arg in args]
        session = compiler.session
        fixed = constant and all(arg.constant for arg in args)
        return Compiled(lambda row: function(session, *[run(row)
                                                        for run in runs]),
                        type, fixed)
    return build
