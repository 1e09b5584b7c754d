"""Ranges of an index that a condition confines a table to.

A condition such as (a = 1 AND b > 2 OR a > 1) AND a <= 9 gives the keys from
(1, 2, HIGH) to (9, HIGH).  The range may be wider than the condition, which
is tested again on every row.
"""

from . import sql_ast as ast
from .model_index import part_key
from .result import SqlError
from .sql_compile import SWAPPED
from .sql_convert import converter
from .sql_types import HIGH, family

NUMERIC = ("int", "dec", "float")
NOTHING = (HIGH,), ()


def conjuncts(condition):
    """The parts of a condition that AND connects."""
    if condition is None:
        return []
    if isinstance(condition, ast.Logic) and condition.op == "AND":
        return [part for item in condition.items for part in conjuncts(item)]
    return [condition]


class Seek:
    """The range of one index, computed when a scan begins."""

    def __init__(self, index, parts, score):
        self.index = index
        self.parts = parts          # functions: row -> (lower, upper)
        self.score = score

    def bounds(self, row):
        """lower <= keys < upper"""
        lower, upper = (), (HIGH,)
        for part in self.parts:
            low, high = part(row)
            lower, upper = max(lower, low), min(upper, high)
        return lower, upper


class SeekFinder:
    """Finds the seeks that conditions allow on one table."""

    def __init__(self, scan, compiler):
        self.scan = scan
        self.compiler = compiler        # for what is not of this table

    def best(self, conditions, indexes):
        found = [self.seek(index, conditions) for index in indexes]
        found = [seek for seek in found if seek is not None]
        return max(found, key=lambda seek: seek.score, default=None)

    def seek(self, index, conditions):
        parts, score = self.ranges(index, conditions)
        return Seek(index, parts, score) if parts else None

    def ranges(self, index, conditions):
        equal, lows, highs, others = {}, {}, {}, []
        best = 0
        for condition in conditions:
            if isinstance(condition, ast.Logic):
                part, score = self.either(index, condition)
                if part is not None:
                    others.append(part)
                    best = max(best, score)
                continue
            self.collect(index, condition, equal, lows, highs)
        prefix = []
        for column in index.columns:
            if column.place not in equal:
                break
            prefix.append(equal[column.place])
        following = None
        if len(prefix) < len(index.columns):
            column = index.columns[len(prefix)]
            if not index.descending[len(prefix)]:
                following = column.place
        low, high = lows.get(following), highs.get(following)
        if prefix or low or high:
            others.append(range_function(prefix, low, high))
            best = max(best, 10 * len(prefix) + 4 * (low is not None)
                       + 4 * (high is not None)
                       + 2 * (index.unique
                              and len(prefix) == len(index.columns)))
        return others, best

    def either(self, index, condition):
        """The hull of the branches of an OR."""
        if condition.op != "OR":
            return None, 0
        branches, scores = [], []
        for item in condition.items:
            parts, score = self.ranges(index, conjuncts(item))
            if not parts:
                return None, 0
            branches.append(Seek(index, parts, score))
            scores.append(score)

        def hull(row):
            ranges = [branch.bounds(row) for branch in branches]
            ranges = [(low, high) for low, high in ranges if low < high]
            if not ranges:
                return NOTHING
            return (min(low for low, _ in ranges),
                    max(high for _, high in ranges))
        return hull, min(scores)

    def collect(self, index, condition, equal, lows, highs):
        if not isinstance(condition, ast.Compare) or condition.op == "<>":
            return
        for op, mine, other in (
                (condition.op, condition.left, condition.right),
                (SWAPPED[condition.op], condition.right, condition.left)):
            column = self.own_column(mine)
            if column is None or not any(column is one
                                         for one in index.columns):
                continue
            value = self.key_value(column, other)
            if value is None:
                continue
            if op == "=":
                if not index.descending[index.columns.index(column)]:
                    equal.setdefault(column.place, value)
            elif op in (">", ">="):
                lows.setdefault(column.place, []).append((value, op == ">"))
            else:
                highs.setdefault(column.place, []).append((value, op == "<="))

    def own_column(self, node):
        if not isinstance(node, ast.Name):
            return None
        field = self.scan.scope.find(node.parts) \
            if self.scan.scope.matches(node.parts) else None
        return field.column if field is not None else None

    def key_value(self, column, node):
        """row -> the key to compare with, if the expression has another
        source than the table and compares by the column's keys."""
        if mentions(node, self.scan.scope):
            return None
        try:
            compiled = self.compiler.compile(node)
        except SqlError:
            return None
        kind, other = family(column.type), family(compiled.type)
        key = part_key(column)
        run = compiled.run
        if kind in NUMERIC and other in NUMERIC:
            return run
        if other == "null":
            return None
        if kind != other and other != "str":
            return None
        if kind == other == "str" and compiled.type.name in ("text", "ntext"):
            return None
        if kind != other:
            step = converter(compiled.type, column.type)
        elif column.type.name == "binary":
            length = column.type.length

            def step(value):
                return None if value is None else value.ljust(length, b"\0")
        else:
            step = None
        return keyed(run, step, key)


def keyed(run, step, key):
    def value(row):
        found = run(row)
        if step is not None:
            found = step(found)
        if found is None:
            return None
        return key(found) if key is not None else found
    return value


def mentions(node, scope):
    """Whether an expression names a field of the scope."""
    if isinstance(node, ast.Name):
        return bool(scope.matches(node.parts))
    if isinstance(node, (ast.Subquery, ast.Exists, ast.InQuery)):
        return True
    if isinstance(node, (list, tuple)):
        return any(mentions(item, scope) for item in node)
    if hasattr(node, "__dataclass_fields__"):
        return any(mentions(getattr(node, name), scope)
                   for name in node.__dataclass_fields__)
    return False


def range_function(prefix, lows, highs):
    def bounds(row):
        start = []
        for value in prefix:
            key = value(row)
            if key is None:
                return NOTHING
            start.append(key)
        start = tuple(start)
        lower, upper = start, start + (HIGH,)
        for value, strict in lows or ():
            key = value(row)
            if key is None:
                return NOTHING
            lower = max(lower, start + ((key, HIGH) if strict else (key,)))
        for value, inclusive in highs or ():
            key = value(row)
            if key is None:
                return NOTHING
            upper = min(upper, start + ((key, HIGH) if inclusive
                                        else (key,)))
        return lower, upper
    return bounds
