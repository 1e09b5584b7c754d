"""The scalar functions sys.fn_cdc_*."""

from .functions_common import simple, with_session
from .result import SqlError
from .sql_types import BIT, DATETIME, INT, LSN
from .types import Type

ZERO = bytes(10)
TEXT = Type("nvarchar", 4000)
MASK = Type("varbinary", 128)
ALL_ONES = 2**80 - 1


def instance(session, database, name):
    """A capture instance that the caller may read, or None."""
    if database.cdc is None or name is None:
        return None
    found = database.cdc.instance(name)
    if found is None or not found.readable(session):
        return None
    return found


def max_lsn(session, database):
    if database.cdc is None:
        return None
    return database.cdc.max_lsn()


def min_lsn(session, database, name):
    found = instance(session, database, name)
    if found is None or found.start_lsn is None:
        return ZERO
    return found.start_lsn


def moved(step):
    def move(session, database, lsn):
        if lsn is None:
            return None
        number = int.from_bytes(lsn, "big") + step
        return (number & ALL_ONES).to_bytes(10, "big")
    return move


def map_lsn_to_time(session, database, lsn):
    if database.cdc is None or lsn is None:
        return None
    return database.cdc.end_time(lsn)


OPERATORS = {"largest less than": (-1, False),
             "largest less than or equal": (-1, True),
             "smallest greater than": (1, False),
             "smallest greater than or equal": (1, True)}


def map_time_to_lsn(session, database, operator, when):
    if database.cdc is None or operator is None or when is None:
        return None
    known = OPERATORS.get(operator.lower())
    if known is None:
        raise SqlError(313, "An insufficient number of arguments were "
                       "supplied for the procedure or function "
                       "sys.fn_cdc_map_time_to_lsn.")
    return database.cdc.lsn_at(when, *known)


def is_bit_set(session, database, position, mask):
    if position is None or mask is None:
        return None
    place = len(mask) - 1 - (position - 1) // 8
    if position < 1 or place < 0:
        return False
    return bool(mask[place] >> (position - 1) % 8 & 1)


def has_column_changed(session, database, name, column, mask):
    ordinal = column_ordinal(session, database, name, column)
    return None if ordinal is None else is_bit_set(
        session, database, ordinal, mask)


def column_ordinal(session, database, name, column):
    found = instance(session, database, name)
    return found.ordinal(column) if found and column else None


def in_database(returns, function, *types):
    """A builder of function(session, database, arguments...)."""
    def build(compiler, node):
        database = compiler.session.find_database(
            node.parts[-3] if len(node.parts) > 2 else "")
        inner = with_session(returns, lambda session, *args: function(
            session, database, *args), *types)
        return inner(compiler, node)
    return build


CDC_FUNCTIONS = {
    "fn_cdc_get_max_lsn": in_database(LSN, max_lsn),
    "fn_cdc_get_min_lsn": in_database(LSN, min_lsn, TEXT),
    "fn_cdc_increment_lsn": in_database(LSN, moved(1), LSN),
    "fn_cdc_decrement_lsn": in_database(LSN, moved(-1), LSN),
    "fn_cdc_map_lsn_to_time": in_database(DATETIME, map_lsn_to_time, LSN),
    "fn_cdc_map_time_to_lsn": in_database(LSN, map_time_to_lsn, TEXT,
                                          DATETIME),
    "fn_cdc_is_bit_set": in_database(BIT, is_bit_set, INT, MASK),
    "fn_cdc_has_column_changed": in_database(BIT, has_column_changed, TEXT,
                                             TEXT, MASK),
    "fn_cdc_get_column_ordinal": in_database(INT, column_ordinal, TEXT,
                                             TEXT),
}
for _name in ("fn_varbintohexstr", "fn_varbintohexsubstring"):
    CDC_FUNCTIONS[_name] = simple(Type("nvarchar", 4000),
                                  lambda value: "0x" + value.hex(),
                                  Type("varbinary", 8000))
