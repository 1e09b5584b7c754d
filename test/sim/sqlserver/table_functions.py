"""Functions in FROM: builders of (columns, row -> rows)."""

from .result import SqlError
from .sql_convert import convert, converter
from .sql_types import BIGINT, INT, NVARCHAR_MAX, common_type
from .types import Type


def generate_series(session, database, args):
    type = common_type(args[0].type, args[1].type)
    if len(args) > 2:
        type = common_type(type, args[2].type)
    runs = []
    for arg in args:
        step = converter(arg.type, type)
        runs.append(arg.run if step is None
                    else lambda row, run=arg.run, step=step: step(run(row)))

    def rows(row):
        start, stop = runs[0](row), runs[1](row)
        step = runs[2](row) if len(runs) > 2 else 1 if start <= stop else -1
        if None in (start, stop, step):
            return
        if step == 0:
            raise SqlError(4199, "Argument value 0 is invalid for argument 3 "
                           "of generate_series function.")
        if isinstance(start, int):
            yield from zip(range(start, stop + (1 if step > 0 else -1), step))
            return
        while start <= stop if step > 0 else start >= stop:
            yield (start,)
            start += step
    return [("value", type)], rows


def string_split(session, database, args):
    def rows(row):
        text = convert(args[0].run(row), args[0].type, NVARCHAR_MAX)
        separator = args[1].run(row)
        if text is None:
            return
        for number, part in enumerate(text.split(separator), 1):
            yield (part, number)
    return [("value", Type("nvarchar", 4000)), ("ordinal", BIGINT)], rows


def log_stats(session, database, args):
    """sys.dm_db_log_stats: of the database with that number"""
    from .cdc_log import lsn_bytes, lsn_text
    from .functions_meta import database_by_id

    def rows(row):
        number = args[0].run(row)
        found = database if number is None else database_by_id(session,
                                                               number)
        if found is None:
            return []
        if not (session.server_permission("VIEW SERVER STATE") or
                session.access(found).may_in_database("VIEW DATABASE STATE")):
            raise SqlError(262, "VIEW DATABASE STATE permission denied in "
                           "database '%s'." % found.name, class_=14)
        return [(found.database_id, "FULL",
                 lsn_text(lsn_bytes(found.log.end())))]
    return [("database_id", INT), ("recovery_model", Type("nvarchar", 60)),
            ("log_end_lsn", Type("nvarchar", 24))], rows


def cdc_changes(net):
    def builder(database, name):
        from .cdc_functions import all_changes, net_changes
        return (net_changes if net else all_changes)(database, name)
    return builder


CHANGE_FUNCTIONS = {"fn_cdc_get_all_changes_": cdc_changes(False),
                    "fn_cdc_get_net_changes_": cdc_changes(True)}


def change_function(database, name):
    """The builder of cdc.fn_cdc_get_..._changes_<instance>, or None."""
    for prefix, builder in CHANGE_FUNCTIONS.items():
        if name.startswith(prefix):
            return builder(database, name[len(prefix):])
    return None


TABLE_FUNCTIONS = {
    ("", "generate_series"): generate_series,
    ("", "string_split"): string_split,
    ("sys", "dm_db_log_stats"): log_stats,
}
