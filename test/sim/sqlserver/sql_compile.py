"""Compiles expressions to Python closures: row -> value.

A condition gives True, False or None (unknown).  A Compiled knows its type,
and whether it depends on the row at all.
"""

import operator
import re
from dataclasses import replace
from decimal import Decimal

from . import sql_ast as ast
from .result import SqlError
from .sql_arithmetic import arithmetic
from .sql_convert import converter, units
from .sql_scope import Compiled, once, unknown_column
from .sql_types import (BIT, INT, NULL, common_type, comparable, family,
                        key_function, literal_decimal)
from .types import MAX, Type

OPERATORS = {"=": operator.eq, "<>": operator.ne, "<": operator.lt,
             ">": operator.gt, "<=": operator.le, ">=": operator.ge}
SWAPPED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def literal(value, type):
    return Compiled(lambda row: value, type, True, value, True)


class Compiler:
    """Compiles for a scope; `session` gives variables and functions."""

    def __init__(self, session, scope, subqueries=None, assigning=False):
        self.session = session
        self.scope = scope
        self.subqueries = subqueries    # (query, scope) -> plan
        self.assigning = assigning      # variables change from row to row
        self.replaced = []              # [(node, Compiled)]: aggregates etc.

    def compile(self, node):
        for known, compiled in self.replaced:
            if known is node or known == node:
                return compiled
        return COMPILERS[type(node)](self, node)

    # conversions

    def coerce(self, compiled, type, style=None, strict=False):
        step = converter(compiled.type, type, style, strict)
        if step is None:
            return replace(compiled, type=type)
        if compiled.literal:
            try:
                return literal(step(compiled.value), type)
            except SqlError:
                pass                    # raised if a row needs it
        run = compiled.run
        return Compiled(lambda row: step(run(row)), type, compiled.constant)

    def as_text(self, compiled):
        if family(compiled.type) == "str":
            return compiled
        return self.coerce(compiled, Type("nvarchar", 4000))

    def constant(self, node, type=INT):
        """The value of an expression that needs no row."""
        return self.coerce(self.compile(node), type).run(())

    # leaves

    def literal_node(self, node):
        kind, value = node.kind, node.value
        if kind == "null":
            return literal(None, NULL)
        if kind == "num":
            return self.number(value)
        if kind == "money":
            return literal(Decimal(value[1:]).quantize(Decimal("0.0001")),
                           Type("money", nullable=False))
        if kind == "bin":
            return literal(value, Type("varbinary", max(len(value), 1)
                                       if len(value) <= 8000 else MAX,
                                       nullable=False))
        wide = kind == "nstr"
        size = units(value)
        limit = 4000 if wide else 8000
        collation = self.session.database_collation
        found = Type("nvarchar" if wide else "varchar",
                     max(size, 1) if size <= limit else MAX,
                     collation=collation, nullable=False)
        if not wide and not value.isascii():
            value = found.page.decode(found.page.encode(value))
        return literal(value, found)

    def number(self, text):
        if "e" in text.lower():
            return literal(float(text), Type("float", nullable=False))
        if "." not in text:
            value = int(text)
            if value < 2**31:
                return literal(value, Type("int", nullable=False))
        value, type = literal_decimal(text.rstrip(".") or "0")
        if type.precision > 38:
            raise SqlError(1007, "The number '%s' is out of the range for "
                           "numeric representation (maximum precision 38)."
                           % text, class_=15)
        return literal(value, type)

    def name(self, node):
        field = self.scope.find(node.parts)
        if field is not None:
            return self.field(self.scope, field)
        outer = self.scope.parent
        while outer is not None:
            field = outer.find(node.parts)
            if field is not None:
                return self.outer_field(outer, field)
            outer = outer.parent
        if len(node.parts) > 1:         # c.STSrid
            column = self.scope.find(node.parts[:-1])
            if column is not None:
                return self.call(ast.Call(("." + node.parts[-1],),
                                          [ast.Name(node.parts[:-1])]))
        raise unknown_column(node.parts)

    def field(self, scope, field):
        if scope.slots is not None and field.place not in scope.slots:
            raise SqlError(8120, "Column '%s' is invalid in the select list "
                           "because it is not contained in either an "
                           "aggregate function or the GROUP BY clause."
                           % ".".join(field.qualifier[-1:] + (field.name,)))
        place = field.place if scope.slots is None \
            else scope.slots[field.place]
        return Compiled(operator.itemgetter(place), field.type)

    def outer_field(self, outer, field):
        scope = self.scope
        while scope is not outer:
            scope.outer_used = True
            scope = scope.parent
        cell = outer.cell
        place = self.field(outer, field).run
        return Compiled(lambda row: place(cell[0]), field.type)

    def variable(self, node):
        if node.name.startswith("@@"):
            return self.session.global_variable(node.name)
        variables = self.session.variables
        if node.name not in variables:
            raise undeclared(node.name)
        cell = variables[node.name]
        return Compiled(lambda row: cell.value, cell.type,
                        not self.assigning)

    # operators

    def unary(self, node):
        if node.op == "+":
            return self.compile(node.operand)
        if node.op == "-" and isinstance(node.operand, ast.Literal) \
                and node.operand.kind == "num":
            return self.negative(node.operand)
        operand = self.compile(node.operand)
        if node.op == "-":
            return arithmetic(self, "-", literal(0, Type("tinyint")),
                              operand) if family(operand.type) == "int" \
                else self.negated(operand)
        run = operand.run
        return Compiled(lambda row: None if (value := run(row)) is None
                        else ~value, operand.type, operand.constant)

    def negative(self, node):
        positive = self.number(node.value)
        if positive.value == 2**31:
            return literal(-2**31, Type("int", nullable=False))
        return literal(-positive.value, positive.type)

    def negated(self, operand):
        run = operand.run
        return Compiled(lambda row: None if (value := run(row)) is None
                        else -value, operand.type, operand.constant)

    def binary(self, node):
        return arithmetic(self, node.op, self.compile(node.left),
                          self.compile(node.right))

    def compare(self, node):
        return self.comparison(node.op, self.compile(node.left),
                               self.compile(node.right))

    def comparison(self, op, left, right):
        type = common_type(left.type, right.type)
        comparable(type)
        left, right = self.coerce(left, type), self.coerce(right, type)
        key = key_function(type)
        compare = OPERATORS[op]
        constant = left.constant and right.constant
        if right.literal:
            run = against_literal(compare, left.run, right.value, key)
        elif key is None:
            run = against_run(compare, once(left), once(right))
        else:
            run = against_key(compare, once(left), once(right), key)
        return Compiled(run, BIT, constant)

    def logic(self, node):
        parts = [self.compile(item) for item in node.items]
        runs = [once(part) for part in parts]
        run = all_of(runs) if node.op == "AND" else any_of(runs)
        return Compiled(run, BIT, all(part.constant for part in parts))

    def not_(self, node):
        operand = self.compile(node.operand)
        run = operand.run

        def negate(row):
            value = run(row)
            return None if value is None else not value
        return Compiled(negate, BIT, operand.constant)

    def is_null(self, node):
        operand = self.compile(node.operand)
        run = operand.run
        return Compiled(lambda row: run(row) is None, BIT, operand.constant)

    def in_list(self, node):
        left = self.compile(node.operand)
        items = [self.compile(item) for item in node.items]
        if all(item.literal for item in items):
            return self.in_literals(left, items)
        tests = [self.comparison("=", left, item) for item in items]
        return Compiled(any_of([test.run for test in tests]), BIT,
                        left.constant and all(item.constant
                                              for item in items))

    def in_literals(self, left, items):
        type = left.type
        for item in items:
            type = common_type(type, item.type)
        left = self.coerce(left, type)
        key = key_function(type) or (lambda value: value)
        values = [self.coerce(item, type).run(()) for item in items]
        known = {key(value) for value in values if value is not None}
        missing = None if None in values else False
        run = left.run

        def member(row):
            value = run(row)
            if value is None:
                return None
            return True if key(value) in known else missing
        return Compiled(member, BIT, left.constant)

    def like(self, node):
        left = self.as_text(self.compile(node.operand))
        pattern = self.as_text(self.compile(node.pattern))
        escape = self.constant(node.escape, Type("nvarchar", 1)) \
            if node.escape is not None else None
        sensitive = "_CS_" in (left.type.collation or "").upper() or \
            "_BIN" in (left.type.collation or "").upper()
        made = {}

        def matches(row):
            value, text = left.run(row), pattern.run(row)
            if value is None or text is None:
                return None
            found = made.get(text)
            if found is None:
                found = made[text] = like_pattern(text, escape, sensitive)
            return found.fullmatch(value) is not None
        return Compiled(matches, BIT, left.constant and pattern.constant)

    def case(self, node):
        whens = []
        for test, result in node.whens:
            if node.operand is not None:
                test = ast.Compare("=", node.operand, test)
            whens.append((self.compile(test), self.compile(result)))
        default = literal(None, NULL) if node.default is None \
            else self.compile(node.default)
        type = default.type
        for _, result in whens:
            type = common_type(type, result.type)
        tests = [(test.run, self.coerce(result, type).run)
                 for test, result in whens]
        otherwise = self.coerce(default, type).run

        def choose(row):
            for test, result in tests:
                if test(row):
                    return result(row)
            return otherwise(row)
        constant = default.constant and all(
            test.constant and result.constant for test, result in whens)
        return Compiled(choose, replace(type, nullable=True), constant)

    def cast(self, node):
        operand = self.compile(node.operand)
        type = self.session.resolve_type(node.type, 30)
        if family(type) == "str" and not type.collation:
            type = replace(type, collation=self.session.database_collation)
        type = replace(type, nullable=True)
        style = None
        if node.style is not None:
            style = self.constant(node.style)
        if not node.tries:
            return self.coerce(operand, type, style)
        step = converter(operand.type, type, style)
        run = operand.run

        def attempt(row):
            value = run(row)
            try:
                return step(value) if step is not None else value
            except SqlError:
                return None
        return Compiled(attempt, type, operand.constant)

    def collate(self, node):
        operand = self.compile(node.operand)
        name = node.collation
        if name.upper() == "DATABASE_DEFAULT":
            name = self.session.database_collation
        self.session.check_collation(name)
        return replace(operand, type=replace(operand.type, collation=name))

    def call(self, node):
        return self.session.functions.compile(self, node)

    # subqueries

    def plan(self, query):
        """The inner query; whether it depends on a row of ours."""
        plan = self.subqueries(query, self.scope)
        return plan, plan.outer_used or self.assigning

    def inner(self, query, use):
        """A Compiled that gives use(rows of the query)."""
        plan, depends = self.plan(query)
        cell = self.scope.cell

        def run(row):
            kept = cell[0]
            cell[0] = row
            try:
                rows = plan.open()
                try:
                    return use(rows)
                finally:
                    rows.close()
            finally:
                cell[0] = kept
        return plan, run, depends

    def scalar(self, node):
        plan, run, depends = self.inner(node.query, single_value)
        if len(plan.columns) != 1:
            raise one_column()
        found = Compiled(run, replace(plan.columns[0].type, nullable=True,
                                      identity=False), not depends)
        return replace(found, run=once(found))

    def exists(self, node):
        _, run, depends = self.inner(
            node.query, lambda rows: next(rows, None) is not None)
        found = Compiled(run, BIT, not depends)
        return replace(found, run=once(found))

    def in_query(self, node):
        left = self.compile(node.operand)
        plan, run, depends = self.inner(node.query, list)
        if len(plan.columns) != 1:
            raise one_column()
        rows = once(Compiled(run, NULL, not depends))
        type = common_type(left.type, plan.columns[0].type)
        key = key_function(type) or (lambda value: value)
        mine = self.coerce(left, type).run
        theirs = converter(plan.columns[0].type, type)
        sets = {}

        def member(row):
            value = mine(row)
            found = rows(row)
            known = sets.get(id(found)) if not depends else None
            if known is None:
                values = [one[0] for one in found]
                if theirs is not None:
                    values = [theirs(one) for one in values]
                known = ({key(one) for one in values if one is not None},
                         None in values)
                if not depends:
                    sets[id(found)] = known
            if not found:
                return False
            if value is None:
                return None
            return True if key(value) in known[0] else (
                None if known[1] else False)
        return Compiled(member, BIT, left.constant and not depends)

    def quantified(self, node):
        left = self.compile(node.left)
        plan, run, depends = self.inner(node.query, list)
        cell = [None]
        value = Compiled(lambda row: cell[0], plan.columns[0].type)
        test = self.comparison(node.op, left, value).run
        rows = once(Compiled(run, NULL, not depends))

        def quantify(row):
            result = node.all
            for one in rows(row):
                cell[0] = one[0]
                answer = test(row)
                if answer is None:
                    result = None
                elif answer != node.all:
                    return answer
            return result
        return Compiled(quantify, BIT)


COMPILERS = {
    ast.Literal: Compiler.literal_node,
    ast.Name: Compiler.name,
    ast.Variable: Compiler.variable,
    ast.Unary: Compiler.unary,
    ast.Binary: Compiler.binary,
    ast.Compare: Compiler.compare,
    ast.Logic: Compiler.logic,
    ast.Not: Compiler.not_,
    ast.IsNull: Compiler.is_null,
    ast.In: Compiler.in_list,
    ast.InQuery: Compiler.in_query,
    ast.Like: Compiler.like,
    ast.Exists: Compiler.exists,
    ast.Quantified: Compiler.quantified,
    ast.Case: Compiler.case,
    ast.Cast: Compiler.cast,
    ast.Collate: Compiler.collate,
    ast.Call: Compiler.call,
    ast.Subquery: Compiler.scalar,
}


def undeclared(name):
    return SqlError(137, "Must declare the scalar variable \"%s\"." % name,
                    class_=15)


def one_column():
    return SqlError(116, "Only one expression can be specified in the select "
                    "list when the subquery is not introduced with EXISTS.")


def single_value(rows):
    first = next(rows, None)
    if first is None:
        return None
    if next(rows, None) is not None:
        raise SqlError(512, "Subquery returned more than 1 value. This is not "
                       "permitted when the subquery follows =, !=, <, <= , >, "
                       ">= or when the subquery is used as an expression.")
    return first[0]


def against_literal(compare, run, value, key):
    if value is None:
        return lambda row: None
    if key is None:
        def test(row):
            mine = run(row)
            return None if mine is None else compare(mine, value)
        return test
    wanted = key(value)

    def test_key(row):
        mine = run(row)
        return None if mine is None else compare(key(mine), wanted)
    return test_key


def against_run(compare, left, right):
    def test(row):
        a, b = left(row), right(row)
        return None if a is None or b is None else compare(a, b)
    return test


def against_key(compare, left, right, key):
    def test(row):
        a, b = left(row), right(row)
        return None if a is None or b is None else compare(key(a), key(b))
    return test


def all_of(runs):
    def run(row):
        result = True
        for test in runs:
            value = test(row)
            if not value:
                if value is not None:
                    return False
                result = None
        return result
    return run


def any_of(runs):
    def run(row):
        result = False
        for test in runs:
            value = test(row)
            if value:
                return True
            if value is None:
                result = None
        return result
    return run


def like_pattern(text, escape, sensitive):
    """The regular expression of a LIKE pattern."""
    out = []
    at = 0
    while at < len(text):
        character = text[at]
        at += 1
        if escape and character == escape and at < len(text):
            out.append(re.escape(text[at]))
            at += 1
        elif character == "%":
            out.append(".*")
        elif character == "_":
            out.append(".")
        elif character == "[" and "]" in text[at:]:
            end = text.index("]", at + 1)
            body = text[at:end]
            negated = body.startswith("^")
            body = body[1:] if negated else body
            body = re.sub(r"([\\\[\]^])", r"\\\1", body)
            out.append("[%s%s]" % ("^" if negated else "", body))
            at = end + 1
        else:
            out.append(re.escape(character))
    flags = re.DOTALL | (0 if sensitive else re.IGNORECASE)
    return re.compile("".join(out) + " *", flags)
