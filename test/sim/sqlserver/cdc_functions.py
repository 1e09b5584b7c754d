"""cdc.fn_cdc_get_all_changes_<instance> and its net sister."""

from bisect import bisect_left

from .cdc_log import AFTER, BEFORE, DELETE, INSERT
from .result import SqlError
from .sql_convert import converter
from .sql_types import HIGH, LSN
from .types import Type

TEXT = Type("nvarchar", 30)
ALL = {"all": (DELETE, INSERT, AFTER),
       "all update old": (DELETE, INSERT, BEFORE, AFTER)}
NET = ("all", "all with mask", "all with merge")
MERGED = 5


def insufficient(kind):
    return SqlError(313, "An insufficient number of arguments were supplied "
                    "for the procedure or function "
                    "cdc.fn_cdc_get_%s_changes_ ... ." % kind, state=3)


def denied(session, database, name):
    return SqlError(229, "The SELECT permission was denied on the object "
                    "'%s', database '%s', schema 'cdc'."
                    % (name, database.name), class_=14, state=5)


def arguments(args):
    """A function: row -> (from, to, option)"""
    runs = []
    for arg, type in zip(args, (LSN, LSN, TEXT)):
        step = converter(arg.type, type)
        runs.append((arg.run, step))

    def get(row):
        return [run(row) if step is None else step(run(row))
                for run, step in runs]
    return get


def check(session, database, instance, kind, args, options):
    if not instance.readable(session):
        raise denied(session, database,
                     "fn_cdc_get_%s_changes_%s" % (kind, instance.name))
    low, high, option = args
    highest = database.cdc.max_lsn()
    if (low is None or high is None or option is None
            or option.lower() not in options or highest is None
            or instance.start_lsn is None or low < instance.start_lsn
            or high > highest):
        raise insufficient(kind)


def changes(instance, low, high):
    table = instance.change_table
    entries = table.clustered.ordered(table.rows)
    start = bisect_left(entries, (low,))
    stop = bisect_left(entries, (high, HIGH), start)
    return [table.rows[entry[-1]] for entry in entries[start:stop]]


def find(database, name):
    return database.cdc.instance(name) if database.cdc is not None else None


def all_changes(database, name):
    instance = find(database, name)
    if instance is None:
        return None

    def build(session, database, args):
        get = arguments(args)
        columns = [(column.name, column.type) for column
                   in instance.change_table.columns]
        captured = columns[5:5 + len(instance.columns)]
        shown = [columns[0], columns[2], columns[3], columns[4]] + captured
        end = 5 + len(captured)

        def rows(row):
            low, high, option = given = get(row)
            with session.latch:
                check(session, database, instance, "all", given, ALL)
                operations = ALL[option.lower()]
                return [(one[0], one[2], one[3], one[4]) + one[5:end]
                        for one in changes(instance, low, high)
                        if one[3] in operations]
        return shown, rows
    return build


def net_changes(database, name):
    instance = find(database, name)
    if instance is None or not instance.supports_net:
        return None

    def build(session, database, args):
        get = arguments(args)
        columns = [(column.name, column.type) for column
                   in instance.change_table.columns]
        captured = columns[5:5 + len(instance.columns)]
        shown = [columns[0], columns[3], columns[4]] + captured
        end = 5 + len(captured)

        def rows(row):
            low, high, option = given = get(row)
            with session.latch:
                check(session, database, instance, "net", given, NET)
                return net(instance, changes(instance, low, high),
                           option.lower(), end)
        return shown, rows
    return build


def net(instance, rows, option, end):
    """One row a key: what happened from the first change to the last."""
    places = [4 + column.ordinal for column in instance.index_columns]
    firsts, lasts = {}, {}
    for row in rows:
        if row[3] == BEFORE:
            continue
        key = tuple([row[place] for place in places])
        firsts.setdefault(key, row)
        lasts[key] = row
    found = []
    for key, last in lasts.items():
        first = firsts[key]
        inserted, deleted = first[3] == INSERT, last[3] == DELETE
        if inserted and deleted:
            continue
        operation = DELETE if deleted else INSERT if inserted else AFTER
        if option == "all with merge" and operation != DELETE:
            operation = MERGED
        mask = last[4] if option == "all with mask" else None
        found.append((last[0], operation, mask) + last[5:end])
    return sorted(found, key=lambda row: row[0])
