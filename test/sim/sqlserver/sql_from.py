"""Builds the sources of a FROM clause and finds seeks for its tables."""

from dataclasses import replace

from . import sql_ast as ast
from .result import SqlError
from .sql_compile import Compiler
from .sql_scope import Field, Scope
from .sql_seek import SeekFinder, conjuncts, mentions
from .sql_sources import (ApplySource, JoinSource, PlanSource,
                          ReorderedSource, RowsSource, TableScan, tuple_key)
from .sql_types import common_type, comparable, output_type


class FromBuilder:
    """Of one query level; `planner` plans inner queries."""

    def __init__(self, planner, parent, ctes):
        self.planner = planner
        self.session = planner.session
        self.parent = parent        # the scope of the outer query
        self.ctes = ctes

    def build(self, node, where):
        """The source of a FROM clause, with the seeks that WHERE allows."""
        if node is None:
            return RowsSource([], lambda row: [()])
        return self.source(node, conjuncts(where))

    def source(self, node, conditions):
        return BUILDERS[type(node)](self, node, conditions)

    def find_seek(self, source, conditions, left=()):
        """left: the fields of the row that the seek may depend on."""
        if not isinstance(source, TableScan):
            return
        scope = Scope(self.parent)
        scope.extend(left)
        finder = SeekFinder(source, self.compiler(scope))
        source.use(finder.best(conditions, source.table.indexes))

    def compiler(self, scope):
        return Compiler(self.session, scope, self.planner.subplan)

    # tables

    def table(self, node, conditions):
        name = node.parts[-1].lower()
        if len(node.parts) == 1 and name in self.ctes:
            return self.cte(name, node.alias or node.parts[0])
        source = self.session.names.source(node, self.planner)
        self.find_seek(source, conditions)
        return source

    def cte(self, name, alias):
        cte, outer = self.ctes[name]
        plan = self.planner.plan(cte.query, None, outer)
        return PlanSource(named_fields(plan, alias, cte.columns), plan)

    def function(self, node, conditions):
        return self.session.names.function_source(
            node, self.compiler(self.function_scope()))

    def function_scope(self):
        return Scope(self.parent)

    def derived(self, node, conditions):
        plan = self.planner.plan(node.query, self.parent, self.ctes)
        return PlanSource(named_fields(plan, node.alias, node.columns), plan)

    def values(self, node, conditions):
        compiler = self.compiler(Scope(self.parent))
        rows = [[compiler.compile(item) for item in row] for row in node.rows]
        types = [item.type for item in rows[0]]
        for row in rows[1:]:
            types = [common_type(a, b.type) for a, b in zip(types, row)]
        types = [output_type(type) for type in types]
        runs = [[compiler.coerce(item, type).run
                 for item, type in zip(row, types)] for row in rows]
        names = node.columns or ["" for _ in types]
        fields = [Field(name, type, ((node.alias or "").lower(),))
                  for name, type in zip(names, types)]
        return RowsSource(fields, lambda row: [tuple([run(()) for run in one])
                                               for one in runs])

    # joins

    def join(self, node, conditions):
        if "APPLY" in node.kind:
            return self.apply(node, conditions)
        if node.kind == "RIGHT":
            swapped = self.join(ast.Join("LEFT", node.right, node.left,
                                         node.on), conditions)
            return ReorderedSource(swapped, len(swapped.right.fields)
                                   if isinstance(swapped, JoinSource) else 0)
        outer = node.kind in ("LEFT", "FULL")
        left = self.source(node.left, conditions if node.kind != "FULL"
                           else [])
        right = self.source(node.right, [] if outer else conditions)
        scope = Scope(self.parent)
        scope.extend(left.fields + right.fields)
        test, keys = None, None
        if node.on is not None:
            test = self.compiler(scope).compile(node.on).run
        on = conjuncts(node.on)
        if node.kind != "FULL":
            self.find_seek(right, on if outer else on + conditions,
                           left.fields)
            if not isinstance(right, TableScan) or right.seek is None:
                keys = self.hash_keys(left, right,
                                      on if outer else on + conditions)
        return JoinSource(node.kind, left, right, test, keys)

    def hash_keys(self, left, right, conditions):
        """Equalities between the sides."""
        mine, theirs = [], []
        left_compiler = self.compiler(self.side_scope(left))
        right_compiler = self.compiler(self.side_scope(right))
        for condition in conditions:
            if not isinstance(condition, ast.Compare) or condition.op != "=":
                continue
            for a, b in ((condition.left, condition.right),
                         (condition.right, condition.left)):
                if self.only(a, left, right) and self.only(b, right, left):
                    mine.append(left_compiler.compile(a))
                    theirs.append(right_compiler.compile(b))
                    break
        if not mine:
            return None
        types = [common_type(a.type, b.type) for a, b in zip(mine, theirs)]
        for type in types:
            comparable(type)

        def runs(compiler, items):
            return [compiler.coerce(item, type).run
                    for item, type in zip(items, types)]
        return (tuple_key(runs(left_compiler, mine), types),
                tuple_key(runs(right_compiler, theirs), types))

    def side_scope(self, source):
        scope = Scope(self.parent)
        scope.extend(source.fields)
        return scope

    def only(self, node, source, other):
        """Whether an expression reads one side of a join alone."""
        if not mentions(node, source.scope) or mentions(node, other.scope):
            return False
        try:
            self.compiler(source.scope).compile(node)
        except SqlError:
            return False
        return True

    def apply(self, node, conditions):
        left = self.source(node.left, conditions)
        outer = Scope(self.parent)
        outer.extend(left.fields)
        right = node.right
        if isinstance(right, ast.FunctionRef):
            source = self.session.names.function_source(
                right, self.compiler(outer))
        elif isinstance(right, ast.Derived):
            plan = self.planner.plan(right.query, outer, self.ctes)
            source = ApplySource(named_fields(plan, right.alias,
                                              right.columns), plan, outer)
        elif isinstance(right, ast.ValuesRef):
            source = self.values_of(right, outer)
        else:
            source = self.source(right, [])
        return JoinSource(node.kind, left, source, None)

    def values_of(self, node, outer):
        inner = FromBuilder(self.planner, outer, self.ctes)
        source = inner.values(node, [])
        make = source.make

        def rows(row):
            kept, outer.cell[0] = outer.cell[0], row
            try:
                return make(row)
            finally:
                outer.cell[0] = kept
        return RowsSource(source.fields, rows)


BUILDERS = {
    ast.TableRef: FromBuilder.table,
    ast.FunctionRef: FromBuilder.function,
    ast.Derived: FromBuilder.derived,
    ast.ValuesRef: FromBuilder.values,
    ast.Join: FromBuilder.join,
}


def named_fields(plan, alias, columns):
    names = columns or [column.name for column in plan.columns]
    if len(names) != len(plan.columns):
        raise SqlError(8158, "'%s' has more columns than were specified in "
                       "the column list." % alias)
    return [Field(name, replace(column.type, identity=False),
                  ((alias or "").lower(),))
            for name, column in zip(names, plan.columns)]
