"""Plans queries: SELECT with grouping, windows and order; set operations."""

from itertools import chain, islice
from operator import itemgetter

from . import sql_ast as ast
from .result import Column, SqlError
from .sql_aggregates import (Aggregate, Window, find_calls, is_aggregate,
                             is_window)
from .sql_compile import Compiler, undeclared
from .sql_from import FromBuilder
from .sql_scope import Compiled, Scope, once
from .sql_types import BIGINT, common_type, comparable, order_key, output_type


class Plan:
    """A query that can be run: columns, and open() -> a generator."""

    def __init__(self, columns, make, outer_used=False, assigns=()):
        self.columns = columns
        self.make = make
        self.outer_used = outer_used
        self.assigns = assigns      # [(variable name, place)]

    def open(self):
        return (row for row in self.make())


class Planner:
    """Plans the queries of one statement."""

    def __init__(self, session):
        self.session = session
        self.ctes = {}

    def subplan(self, query, scope):
        return self.plan(query, scope, self.ctes)

    def plan(self, query, parent=None, ctes=None):
        kept = self.ctes
        self.ctes = dict(kept if ctes is None else ctes)
        try:
            for cte in query.ctes:
                self.ctes[cte.name.lower()] = (cte, dict(self.ctes))
            return self.body(query.body, query, parent)
        finally:
            self.ctes = kept

    def body(self, body, query, parent):
        if isinstance(body, ast.Select):
            return SelectPlanner(self, body, query, parent).plan()
        return self.set_operation(body, query, parent)

    # UNION and its kin

    def set_operation(self, body, query, parent):
        empty = ast.Query(None)
        left = self.body(body.left, empty, parent)
        right = self.body(body.right, empty, parent)
        if len(left.columns) != len(right.columns):
            raise SqlError(205, "All queries combined using a UNION, "
                           "INTERSECT or EXCEPT operator must have an equal "
                           "number of expressions in their target lists.")
        types = [common_type(a.type, b.type)
                 for a, b in zip(left.columns, right.columns)]
        columns = [Column(column.name, type)
                   for column, type in zip(left.columns, types)]
        sides = [converted(plan, types, self.session)
                 for plan in (left, right)]
        make = set_maker(body.op, sides, types)
        make = self.ordered_output(make, columns, query)
        return Plan(columns, make, left.outer_used or right.outer_used)

    def ordered_output(self, make, columns, query):
        """ORDER BY over the names and numbers of output columns."""
        if query.order:
            names = [column.name.lower() for column in columns]
            keys = []
            for item in query.order:
                place = output_place(item.expr, names)
                if place is None:
                    raise SqlError(104, "ORDER BY items must appear in the "
                                   "select list if the statement contains a "
                                   "UNION, INTERSECT or EXCEPT operator.")
                keys.append((itemgetter(place), columns[place].type,
                             item.descending))
            make = sorted_maker(make, keys)
        return limited_maker(make, *offset_and_fetch(self.session, query))


def output_place(expr, names):
    """The output column that an ORDER BY item means, or None."""
    if isinstance(expr, ast.Literal) and expr.kind == "num":
        place = int(expr.value) - 1
        if not 0 <= place < len(names):
            raise SqlError(108, "The ORDER BY position number %s is out of "
                           "range of the number of items in the select list."
                           % expr.value)
        return place
    if isinstance(expr, ast.Name) and len(expr.parts) == 1:
        name = expr.parts[0].lower()
        if name in names:
            return names.index(name)
    return None


def converted(plan, types, session):
    """A function that gives a plan's rows as other types."""
    compiler = Compiler(session, Scope())
    runs = []
    changed = False
    for place, (column, type) in enumerate(zip(plan.columns, types)):
        source = Compiled(itemgetter(place), column.type)
        target = compiler.coerce(source, type)
        changed = changed or target.run is not source.run
        runs.append(target.run)
    if not changed:
        return plan.open
    return lambda: (tuple([run(row) for run in runs]) for row in plan.open())


def row_key(types):
    keys = [order_key(type) for type in types]
    return lambda row: tuple([key(value) for key, value in zip(keys, row)])


def set_maker(op, sides, types):
    left, right = sides
    if op == "UNION ALL":
        return lambda: chain(left(), right())
    for type in types:
        comparable(type)
    key = row_key(types)

    def make():
        if op == "UNION":
            return iter({key(row): row for row
                         in chain(left(), right())}.values())
        others = {key(row) for row in right()}
        wanted = op == "INTERSECT"
        found = {key(row): row for row in left()}
        return (row for one, row in found.items()
                if (one in others) == wanted)
    return make


def sorted_maker(make, keys):
    """keys: [(row -> value, type, descending)]"""
    parts = []
    for run, type, descending in keys:
        comparable(type)
        parts.append((run, order_key(type), descending))

    def sort():
        rows = list(make())
        for run, key, descending in reversed(parts):
            rows.sort(key=lambda row: key(run(row)), reverse=descending)
        return iter(rows)
    return sort


def limited_maker(make, offset, fetch):
    if offset is None and fetch is None:
        return make
    start = offset or 0
    stop = None if fetch is None else start + fetch
    return lambda: closing_slice(make(), start, stop)


def closing_slice(rows, start, stop):
    """islice that does not ask for a row too many."""
    if stop is not None and stop <= start:
        return
    yield from islice(rows, start, stop)


def offset_and_fetch(session, query):
    compiler = Compiler(session, Scope())
    offset = fetch = None
    if query.offset is not None:
        offset = compiler.constant(query.offset, BIGINT)
    if query.fetch is not None:
        fetch = compiler.constant(query.fetch, BIGINT)
    return offset, fetch


class SelectPlanner:
    """Plans one SELECT."""

    def __init__(self, planner, select, query, parent):
        self.planner = planner
        self.session = planner.session
        self.select = select
        self.query = query
        self.parent = parent
        self.assigning = any(isinstance(item, ast.Assign)
                             for item in select.items)

    def compiler(self, scope):
        return Compiler(self.session, scope, self.planner.subplan,
                        self.assigning)

    def plan(self):
        select = self.select
        builder = FromBuilder(self.planner, self.parent, self.planner.ctes)
        self.source = builder.build(select.source, select.where)
        self.scope = Scope(self.parent)
        self.scope.extend(self.source.fields)
        self.current = self.compiler(self.scope)
        make = self.filtered()
        if self.is_grouped():
            make = self.grouped(make)
        make = self.windows(make)
        items = self.items()
        columns = [Column(name, output_type(item.type))
                   for name, item in items]
        make = self.ordered(make, items)
        self.limit = self.top()
        plain = self.scope.slots is None and not self.current.replaced
        project = projection([item for _, item in items],
                             len(self.scope.fields) if plain else -1)
        make = self.projected(make, project, columns)
        return Plan(columns, make, self.outer_used(), self.assigned())

    def outer_used(self):
        return self.scope.outer_used

    def assigned(self):
        return [(item.target.name, place) for place, item
                in enumerate(self.select.items)
                if isinstance(item, ast.Assign)]

    # FROM, WHERE

    def filtered(self):
        source = self.source
        if self.select.where is None:
            return lambda: source.open(())
        condition = self.current.compile(self.select.where)
        test = condition.run
        if condition.constant:
            return lambda: source.open(()) if test(()) else iter(())
        return lambda: filter(test, source.open(()))

    # GROUP BY

    def expressions(self):
        found = [item.expr for item in self.select.items
                 if not isinstance(item, ast.Star)]
        found += [order.expr for order in self.query.order]
        if self.select.having is not None:
            found.append(self.select.having)
        return found

    def is_grouped(self):
        self.aggregates = find_calls(self.expressions(), is_aggregate, [])
        windows = find_calls(self.expressions(), is_window, [])
        for window in windows:
            find_calls([window.args, window.over.partition,
                        window.over.order], is_aggregate, self.aggregates)
        return bool(self.aggregates or self.select.group
                    or self.select.having is not None)

    def grouped(self, make):
        """Rows become (keys..., aggregates...); expressions follow suit."""
        keys = [self.current.compile(node) for node in self.select.group]
        for key in keys:
            comparable(key.type)
        found = []
        for node in self.aggregates:
            if node not in found:
                found.append(node)
        aggregates = [Aggregate(self.current, node) for node in found]
        self.regroup(keys, found, aggregates)
        key_of = row_key([key.type for key in keys])
        runs = [key.run for key in keys]
        always = not keys

        def groups():
            if always and all(one.argument is None for one in aggregates):
                count = sum(1 for _ in make())
                yield (count,) * len(aggregates)
                return
            collected = {}
            for row in make():
                values = tuple([run(row) for run in runs])
                key = key_of(values)
                group = collected.get(key)
                if group is None:
                    group = collected[key] = (values, [])
                group[1].append(row)
            if always and not collected:
                collected[()] = ((), [])
            for values, rows in collected.values():
                yield values + tuple([one.result(rows) for one in aggregates])
        if self.select.having is None:
            return groups
        having = self.current.compile(self.select.having).run
        return lambda: filter(having, groups())

    def regroup(self, keys, nodes, aggregates):
        """From here on, expressions are compiled for grouped rows."""
        slots = {}
        replaced = []
        for place, node in enumerate(self.select.group):
            field = self.scope.find(node.parts) \
                if isinstance(node, ast.Name) else None
            if field is not None:
                slots[field.place] = place
            else:
                replaced.append((node, Compiled(itemgetter(place),
                                                keys[place].type)))
        for place, (node, one) in enumerate(zip(nodes, aggregates),
                                            len(keys)):
            replaced.append((node, Compiled(itemgetter(place), one.type)))
        self.scope.slots = slots
        self.current.replaced = replaced
        self.width = len(keys) + len(nodes)

    # OVER

    def windows(self, make):
        calls = []
        for node in find_calls(self.expressions(), is_window, []):
            if node not in calls:
                calls.append(node)
        if not calls:
            return make
        windows = [Window(self.current, node) for node in calls]
        width = self.width if self.scope.slots is not None \
            else len(self.scope.fields)
        replaced = [(node, Compiled(itemgetter(width + place), one.type))
                    for place, (node, one) in enumerate(zip(calls, windows))]
        self.current.replaced = self.current.replaced + replaced

        def widened():
            rows = list(make())
            columns = [window.column(rows) for window in windows]
            return (row + values for row, values
                    in zip(rows, zip(*columns)))
        return widened

    # the select list

    def items(self):
        """[(name, Compiled)]"""
        found = []
        for item in self.select.items:
            if isinstance(item, ast.Star):
                found += self.star(item)
            elif isinstance(item, ast.Assign):
                found.append(("", self.assignment(item)))
            else:
                found.append((self.item_name(item),
                              self.current.compile(item.expr)))
        return found

    def item_name(self, item):
        if item.alias is not None:
            return item.alias
        expr = item.expr
        if isinstance(expr, ast.Name):
            field = self.scope.find(expr.parts)
            return field.name if field is not None else expr.parts[-1]
        return ""

    def star(self, item):
        if self.select.source is None:
            raise SqlError(263, "Must specify table to select from.")
        fields = self.scope.fields
        if item.qualifier:
            fields = self.scope.qualifier_fields(item.qualifier)
            if not fields:
                raise SqlError(107, "The column prefix '%s' does not match "
                               "with a table name or alias name used in the "
                               "query." % ".".join(item.qualifier),
                               class_=15)
        return [(field.name, self.current.field(self.scope, field))
                for field in fields
                if field.column is None or not field.column.hidden]

    def assignment(self, item):
        cell = self.session.variables.get(item.target.name)
        if cell is None:
            raise undeclared(item.target.name)
        expr = item.expr if item.op == "=" else ast.Binary(
            item.op[0], item.target, item.expr)
        found = self.current.coerce(self.current.compile(expr), cell.type)
        run = found.run

        def assign(row):
            cell.value = run(row)
            return cell.value
        return Compiled(assign, found.type)

    # ORDER BY, TOP, DISTINCT

    def ordered(self, make, items):
        order = self.query.order
        if not order:
            return make
        if self.select.distinct:
            return make             # sorted after DISTINCT, see projected()
        names = [name.lower() for name, _ in items]
        keys = []
        for item in order:
            place = output_place(item.expr, names)
            if place is not None and not self.is_field(item.expr):
                compiled = items[place][1]
            else:
                compiled = self.current.compile(item.expr)
            keys.append((compiled.run, compiled.type, item.descending))
        if self.in_order(items):
            return make
        return sorted_maker(make, keys)

    def is_field(self, expr):
        """A name of the source that no alias hides."""
        if not isinstance(expr, ast.Name):
            return False
        aliases = [item.alias.lower() for item in self.select.items
                   if isinstance(item, ast.Item) and item.alias]
        return expr.parts[-1].lower() not in aliases

    def in_order(self, items):
        """Whether the source already has the order that is asked for."""
        if self.scope.slots is not None or self.current.replaced:
            return False
        natural = self.source.sorted_by()
        if len(self.query.order) > len(natural):
            return False
        for item, (column, descending) in zip(self.query.order, natural):
            if not isinstance(item.expr, ast.Name):
                return False
            if not self.is_field(item.expr):
                return False
            field = self.scope.find(item.expr.parts)
            if field is None or field.column is not column:
                return False
            if item.descending != descending:
                return False
        return True

    def top(self):
        if self.select.top is None:
            return None
        return self.compiler(Scope(self.parent)).constant(self.select.top,
                                                          BIGINT)

    def projected(self, make, project, columns):
        offset, fetch = offset_and_fetch(self.session, self.query)
        limit = self.limit

        def rows():
            return map(project, make()) if project is not None else make()

        if self.select.distinct:
            key = row_key([column.type for column in columns])
            for column in columns:
                comparable(column.type)

            def distinct():
                seen = set()
                for row in rows():
                    one = key(row)
                    if one not in seen:
                        seen.add(one)
                        yield row
            found = distinct
            if self.query.order:
                unlimited = ast.Query(None, [], self.query.order)
                found = self.planner.ordered_output(found, columns, unlimited)
        else:
            found = rows
        if limit is not None:
            found = limited_maker(found, None, max(limit, 0))
        return limited_maker(found, offset, fetch)


def projection(items, width):
    """A function that makes the result row; None: the row itself."""
    runs = [once(item) for item in items]
    if runs and all(isinstance(run, itemgetter) for run in runs):
        places = [run.__reduce__()[1][0] for run in runs]
        if places == list(range(width)):
            return None
        if len(places) == 1:
            place = places[0]
            return lambda row: (row[place],)
        return itemgetter(*places)
    return lambda row: tuple([run(row) for run in runs])
