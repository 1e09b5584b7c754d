"""Aggregate and window functions."""

from decimal import ROUND_DOWN, Decimal

from . import sql_ast as ast
from .result import SqlError
from .sql_convert import converter, overflow
from .sql_types import (BIGINT, FLOAT, INT, INT_RANGES, comparable, family,
                        key_function, order_key)
from .types import MAX, Type

AGGREGATES = frozenset("""COUNT COUNT_BIG SUM AVG MIN MAX STRING_AGG
    APPROX_COUNT_DISTINCT CHECKSUM_AGG STDEV VAR""".split())
WINDOWS = frozenset("ROW_NUMBER RANK DENSE_RANK LAG LEAD".split())


def call_name(node):
    if isinstance(node, ast.Call) and len(node.parts) == 1:
        return node.parts[0].upper()
    return None


def find_calls(node, test, found):
    """All calls in an expression that pass, not those of subqueries."""
    if isinstance(node, ast.Call) and test(node):
        found.append(node)
        return found
    if isinstance(node, (ast.Subquery, ast.Exists)):
        return found
    if isinstance(node, (list, tuple)):
        for item in node:
            find_calls(item, test, found)
    elif hasattr(node, "__dataclass_fields__"):
        for name in node.__dataclass_fields__:
            find_calls(getattr(node, name), test, found)
    return found


def is_aggregate(node):
    return node.over is None and call_name(node) in AGGREGATES \
        or node.over is not None and call_name(node) == "STRING_AGG"


def is_window(node):
    return node.over is not None and (call_name(node) in WINDOWS
                                      or call_name(node) in AGGREGATES)


def sum_type(type):
    kind = family(type)
    if kind == "int":
        return BIGINT if type.name == "bigint" else INT
    if kind == "dec":
        if "money" in type.name:
            return Type("money")
        return Type("numeric", precision=38, scale=type.scale)
    if kind == "float":
        return FLOAT
    raise SqlError(8117, "Operand data type %s is invalid for sum operator."
                   % type.name)


def average_type(type):
    found = sum_type(type)
    if found.name == "numeric":
        return Type("numeric", precision=38, scale=max(6, type.scale))
    return found


class Aggregate:
    """One aggregate of a query: values of a group -> its result."""

    def __init__(self, compiler, node):
        self.name = call_name(node)
        self.distinct = node.distinct
        self.argument = None
        if self.name not in ("COUNT", "COUNT_BIG") and not node.args:
            raise SqlError(174, "The %s function requires 1 argument(s)."
                           % self.name.lower(), class_=15)
        if node.args:
            self.argument = compiler.compile(node.args[0])
            if self.distinct or self.name in ("MIN", "MAX"):
                comparable(self.argument.type)
        self.type = self.result_type()
        self.key = key_function(self.argument.type) if self.argument else None
        if self.name == "STRING_AGG":
            self.separator = compiler.constant(node.args[1],
                                               Type("nvarchar", 4000))
            self.argument = compiler.coerce(self.argument, self.type)
            self.order = []
            if node.over is not None:
                self.order = [(compiler.compile(item.expr), item.descending)
                              for item in node.over.order]

    def result_type(self):
        if self.name in ("COUNT", "APPROX_COUNT_DISTINCT", "CHECKSUM_AGG"):
            return INT
        if self.name == "COUNT_BIG":
            return BIGINT
        if self.name == "SUM":
            return sum_type(self.argument.type)
        if self.name == "AVG":
            return average_type(self.argument.type)
        if self.name in ("STDEV", "VAR"):
            return FLOAT
        if self.name == "STRING_AGG":
            return Type("nvarchar", MAX if self.argument.type.length == MAX
                        else 4000)
        return self.argument.type

    def result(self, rows):
        if self.argument is None:
            return len(rows)
        if self.name == "STRING_AGG":
            return self.joined(rows)
        run = self.argument.run
        values = [value for value in map(run, rows) if value is not None]
        if self.distinct or self.name == "APPROX_COUNT_DISTINCT":
            key = self.key or (lambda value: value)
            values = list({key(value): value for value in values}.values())
        return RESULTS[self.name](self, values)

    def joined(self, rows):
        for compiled, descending in reversed(self.order):
            key = order_key(compiled.type)
            rows = sorted(rows, key=lambda row: key(compiled.run(row)),
                          reverse=descending)
        values = [self.argument.run(row) for row in rows]
        values = [value for value in values if value is not None]
        return self.separator.join(values) if values else None

    def count(self, values):
        return len(values)

    def extreme(self, values):
        if not values:
            return None
        best = min if self.name == "MIN" else max
        return best(values, key=self.key) if self.key else best(values)

    def total(self, values):
        if not values:
            return None
        found = sum(values[1:], values[0] + 0)
        limits = INT_RANGES.get(self.type.name)
        if limits and not limits[0] <= found <= limits[1]:
            raise overflow(self.type)
        step = converter(self.argument.type, self.type)
        return step(found) if step and family(self.type) == "dec" else found

    def average(self, values):
        if not values:
            return None
        found = sum(values[1:], values[0] + 0)
        if family(self.type) == "int":
            return abs(found) // len(values) * (-1 if found < 0 else 1)
        if family(self.type) == "dec":
            scale = 4 if "money" in self.type.name else self.type.scale
            return (found / len(values)).quantize(Decimal(1).scaleb(-scale),
                                                  ROUND_DOWN)
        return found / len(values)

    def checksum(self, values):
        found = 0
        for value in values:
            found ^= value
        return found

    def deviation(self, values):
        if len(values) < 2:
            return None
        values = [float(value) for value in values]
        mean = sum(values) / len(values)
        found = sum((value - mean) ** 2 for value in values) / (
            len(values) - 1)
        return found ** 0.5 if self.name == "STDEV" else found


RESULTS = {
    "COUNT": Aggregate.count, "COUNT_BIG": Aggregate.count,
    "APPROX_COUNT_DISTINCT": Aggregate.count, "MIN": Aggregate.extreme,
    "MAX": Aggregate.extreme, "SUM": Aggregate.total,
    "AVG": Aggregate.average, "CHECKSUM_AGG": Aggregate.checksum,
    "STDEV": Aggregate.deviation, "VAR": Aggregate.deviation,
}



class Window:
    """A function OVER (PARTITION BY .. ORDER BY ..): a column more."""

    def __init__(self, compiler, node):
        self.name = call_name(node)
        self.partition = [self.keyed(compiler.compile(item))
                          for item in node.over.partition]
        self.order = [(self.keyed(compiler.compile(item.expr)),
                       item.descending) for item in node.over.order]
        self.args = [compiler.compile(item) for item in node.args]
        self.aggregate = None
        if self.name in AGGREGATES:
            plain = ast.Call(node.parts, node.args, node.distinct, node.star)
            self.aggregate = Aggregate(compiler, plain)
        self.type = (self.aggregate.type if self.aggregate else
                     self.args[0].type if self.args else BIGINT)

    @staticmethod
    def keyed(compiled):
        key = order_key(compiled.type)
        run = compiled.run
        return lambda row: key(run(row))

    def column(self, rows):
        """The function's values, one a row."""
        groups = {}
        for place, row in enumerate(rows):
            key = tuple([part(row) for part in self.partition])
            groups.setdefault(key, []).append(place)
        values = [None] * len(rows)
        for places in groups.values():
            self.fill(values, rows, places)
        return values

    def fill(self, values, rows, places):
        for key, descending in reversed(self.order):
            places.sort(key=lambda place: key(rows[place]),
                        reverse=descending)
        if self.aggregate is not None:
            self.fill_aggregate(values, rows, places)
        elif self.name in ("LAG", "LEAD"):
            self.fill_neighbour(values, rows, places)
        else:
            self.fill_rank(values, rows, places)

    def peers(self, rows, place):
        return tuple([key(rows[place]) for key, _ in self.order])

    def fill_aggregate(self, values, rows, places):
        if not self.order:
            found = self.aggregate.result([rows[place] for place in places])
            for place in places:
                values[place] = found
            return
        at = 0
        while at < len(places):     # running, over whole groups of peers
            key, end = self.peers(rows, places[at]), at
            while end < len(places) and self.peers(rows, places[end]) == key:
                end += 1
            found = self.aggregate.result([rows[place]
                                           for place in places[:end]])
            for place in places[at:end]:
                values[place] = found
            at = end

    def fill_neighbour(self, values, rows, places):
        step = self.args[1].run(()) if len(self.args) > 1 else 1
        step = -step if self.name == "LAG" else step
        for at, place in enumerate(places):
            if 0 <= at + step < len(places):
                values[place] = self.args[0].run(rows[places[at + step]])
            elif len(self.args) > 2:
                values[place] = self.args[2].run(rows[place])

    def fill_rank(self, values, rows, places):
        rank = dense = 0
        former = None
        for number, place in enumerate(places, 1):
            peers = self.peers(rows, place)
            if peers != former:
                rank, dense, former = number, dense + 1, peers
            values[place] = {"ROW_NUMBER": number, "RANK": rank,
                             "DENSE_RANK": dense}[self.name]
