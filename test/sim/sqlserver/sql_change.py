"""INSERT, UPDATE, DELETE, MERGE, TRUNCATE, SELECT INTO."""


from . import sql_ast as ast
from .functions_text import size_function
from .model_database import no_permission
from .model_table import Table
from .result import Column, Done, SqlError
from .sql_compile import Compiler
from .sql_from import FromBuilder
from .sql_rows import Checks, RowMaker, null_refused
from .sql_scope import Field, Scope
from .sql_select import Planner
from .sql_seek import conjuncts
from .sql_sources import TableScan
from .sql_types import is_large


class Change:
    """One statement that changes a table."""

    def __init__(self, executor, node, permission):
        self.executor = executor
        self.session = executor.session
        self.node = node
        self.planner = Planner(self.session)
        for cte in getattr(node, "ctes", ()):
            self.planner.ctes[cte.name.lower()] = (cte, dict(
                self.planner.ctes))
        self.permission = permission
        self.results = []

    def open_table(self, table):
        if not isinstance(table, Table):
            raise SqlError(4405, "View or function '%s' is not updatable."
                           % table.name)
        self.session.need_writable(table)
        access = self.session.access(table.database)
        if not access.may(self.permission, table):
            raise no_permission(self.permission, table)
        mode = "X" if self.node.table.hints & {"TABLOCKX", "TABLOCK"} \
            else "IX"
        self.session.lock_table(table, mode)
        self.table = table
        self.rows = RowMaker(self.session, table)
        self.too_long = size_check(self.session, table)
        self.checks = Checks(self.session, table)

    def compiler(self, scope):
        return Compiler(self.session, scope, self.planner.subplan)

    # the three elementary changes

    def insert(self, row):
        table, transaction = self.table, self.session.current
        if self.too_long is not None:
            self.too_long(row)
        if table.unique_rival(row, transaction) is not None:
            self.await_unique(row)
        table.insert(transaction, row)
        if table.captures:
            transaction.log(table.database).insert(table, row)

    def await_unique(self, row):
        """Waits for rivals of the row's unique keys."""
        table, session = self.table, self.session
        while True:
            rival = table.unique_rival(row, session.current)
            if rival is None:
                return
            if not hasattr(rival, "undo"):
                raise table.duplicate(rival, row)
            session.locks.wait(session, lambda: [
                one for one in [table.unique_rival(row, session.current)]
                if hasattr(one, "undo")])

    def delete_rows(self, targets):
        table, transaction = self.table, self.session.current
        for rid, _ in targets:
            self.conflict(rid)
        for rid, row in targets:
            self.checks.deleted(row)
            table.delete(transaction, rid)
        if table.captures:
            log = transaction.log(table.database)
            for _, row in targets:
                log.delete(table, row)

    def update_rows(self, pairs):
        """pairs: [(row id, before, after)]"""
        table, transaction = self.table, self.session.current
        pairs = [(rid, before, self.rows.touched(after))
                 for rid, before, after in pairs]
        for rid, before, after in pairs:
            self.conflict(rid)
            self.checks.row(after)
            if self.too_long is not None:
                self.too_long(after, before)
            self.checks.key_changed(before, after)
        for rid, before, after in pairs:
            table.delete(transaction, rid)
        for rid, before, after in pairs:
            self.await_unique(after)
            table.reinsert(transaction, rid, before, after)
        if table.captures:
            transaction.log(table.database).update(table, [
                (before, after) for _, before, after in pairs])

    def conflict(self, rid):
        """A snapshot transaction must not overwrite what it cannot see."""
        transaction = self.session.current
        if self.session.level != "SNAPSHOT":
            return
        table = self.table
        self.session.locks.rows_free(self.session, table, [rid], "X")
        if transaction.snapshot is not None and table.changed_since(
                rid, transaction.snapshot):
            raise SqlError(3960, "Snapshot isolation transaction aborted due "
                           "to update conflict. You cannot use snapshot "
                           "isolation to access table '%s' directly or "
                           "indirectly in database '%s' to update, delete, or "
                           "insert the row that has been modified or deleted "
                           "by another transaction." % (
                               table.qualified(), table.database.name))

    # OUTPUT

    def prepare_output(self):
        self.output = None
        if not self.node.output:
            return
        scope = Scope()
        for name in ("inserted", "deleted"):
            scope.extend([Field(column.name, column.type, (name,),
                                column=column)
                          for column in self.table.columns])
        compiler = self.compiler(scope)
        names, runs, types = [], [], []
        for item in self.node.output:
            if isinstance(item, ast.Star):
                for field in scope.qualifier_fields(item.qualifier):
                    found = compiler.field(scope, field)
                    names.append(field.name)
                    runs.append(found.run)
                    types.append(found.type)
                continue
            found = compiler.compile(item.expr)
            name = item.alias or (item.expr.parts[-1] if isinstance(
                item.expr, ast.Name) else "")
            names.append(name)
            runs.append(found.run)
            types.append(found.type)
        self.output = runs
        self.output_columns = [Column(name, type)
                               for name, type in zip(names, types)]
        self.blank = (None,) * len(self.table.columns)

    def put_out(self, inserted, deleted):
        if self.output is not None:
            row = (inserted or self.blank) + (deleted or self.blank)
            self.results.append(tuple([run(row) for run in self.output]))

    def finish(self, count):
        session = self.session
        session.rowcount = count
        if self.output is not None:
            from .result import ResultSet
            yield ResultSet(self.output_columns, iter(self.results))
        yield Done(self.executor.counted())


def size_check(session, table):
    """A function that refuses large values that cannot be captured, or None.
    It takes a row and its former version."""
    limit = session.engine.settings["max text repl size (B)"]
    large = [(column.place, size_function(column.type))
             for column in table.columns if is_large(column.type)]
    if limit < 0 or not large or not table.captures:
        return None

    def check(row, before=None):
        for place, size in large:
            value = row[place]
            if value is None or before is not None \
                    and value == before[place] or size(value) <= limit:
                continue
            raise SqlError(7139, "Length of LOB data (%d) to be replicated "
                           "exceeds configured maximum %d. Use the stored "
                           "procedure sp_configure to increase the configured "
                           "maximum value for max text repl size option, "
                           "which defaults to 65536. A configured value of -1 "
                           "indicates no limit, other that the limit imposed "
                           "by the data type." % (size(value), limit))
    return check


# ---- INSERT -----------------------------------------------------------------

def insert(executor, node):
    change = Change(executor, node, "INSERT")
    session = executor.session
    with session.latch:
        change.open_table(session.names.table(node.table.parts))
        change.prepare_output()
        source = node.source
        if isinstance(source, ast.Exec):
            rows, types = procedure_rows(executor, source)
        elif isinstance(source, list):
            rows, types = value_rows(change, source)
        elif source is None:
            rows, types = [()], []
        else:
            plan = change.planner.plan(source)
            rows = plan.open()
            types = [column.type for column in plan.columns]
        names = node.columns
        if source is None:
            names = []
        make = change.rows.maker(names, types)
        count = insert_all(change, rows, make)
    yield from change.finish(count)


def value_rows(change, rows):
    """Rows of VALUES as values; each has the types of its own."""
    compiler = change.compiler(Scope())
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise SqlError(10709, "The number of columns for each row in a table "
                       "value constructor must be the same.", class_=15)
    return [[None if item is None else compiler.compile(item)
             for item in row] for row in rows], None


def procedure_rows(executor, node):
    from .result import ResultSet
    rows, types = [], []
    for item in executor.procedure(node):
        if isinstance(item, ResultSet):
            types = [column.type for column in item.columns]
            rows += list(item.rows)
    return rows, types


def insert_all(change, rows, make):
    count = 0
    checks = change.checks
    session = change.session
    for source in rows:
        row = make(source)
        if checks.needed:
            checks.row(row)
        change.insert(row)
        if change.output is not None:
            change.put_out(row, None)
        count += 1
        if not count & 0xFFF:
            session.check_cancelled()
            session.engine.breathe()
    return count


# ---- UPDATE, DELETE ---------------------------------------------------------

def targets(change, node):
    """The rows to change, locked: [(row id, row, row of all sources)]"""
    session = change.session
    reference, source = target_reference(change, node)
    table = session.names.table(reference.parts)
    change.open_table(table)
    alias = (reference.alias or "").lower()
    qualifier = (alias,) if alias else session.names.qualifier(
        reference.parts, table)
    if source is None:
        found = simple_targets(change, node, table, qualifier)
    else:
        found = joined_targets(change, node, table, reference, source)
    top = getattr(node, "top", None)
    if top is not None:
        limit = change.compiler(Scope()).constant(top)
        found = found[:limit]
    return found


def target_reference(change, node):
    """The TableRef of the target, which FROM may name by an alias."""
    if node.source is None:
        return node.table, None
    name = node.table.parts[-1].lower()
    for reference in table_references(node.source):
        if (reference.alias or reference.parts[-1]).lower() == name \
                or reference.parts[-1].lower() == name:
            return reference, node.source
    return node.table, ast.Join("CROSS", node.table, node.source)


def table_references(node):
    if isinstance(node, ast.TableRef):
        return [node]
    if isinstance(node, ast.Join):
        return table_references(node.left) + table_references(node.right)
    return []


def simple_targets(change, node, table, qualifier):
    scan = TableScan(change.session, table, qualifier, node.table.hints)
    builder = FromBuilder(change.planner, None, change.planner.ctes)
    builder.find_seek(scan, conjuncts(node.where))
    change.scope = Scope()
    change.scope.extend(scan.fields)
    test = (lambda row: True)
    if node.where is not None:
        test = change.compiler(change.scope).compile(node.where).run
    return [(rid, row, row) for rid, row in scan.targets(test)]


def joined_targets(change, node, table, reference, source):
    """By way of a join in which the target's rows have a number."""
    session = change.session
    builder = FromBuilder(change.planner, None, change.planner.ctes)
    session.names.numbered = reference
    try:
        joined = builder.build(source, node.where)
    finally:
        session.names.numbered = None
    change.scope = Scope()
    change.scope.extend(joined.fields)
    test = (lambda row: True)
    if node.where is not None:
        test = change.compiler(change.scope).compile(node.where).run
    place = next(field.place for field in change.scope.fields
                 if field.name == NUMBER)
    found = {}
    for row in joined.open(()):
        if test(row):
            found.setdefault(row[place], row)
    session.locks.rows_free(session, table, list(found), "X")
    return [(rid, table.rows[rid], row) for rid, row in found.items()
            if rid in table.rows]


NUMBER = "%rid"         # the name of the field that holds a row's id


def update(executor, node):
    change = Change(executor, node, "UPDATE")
    with executor.session.latch:
        found = targets(change, node)
        change.prepare_output()
        apply = assignments(change, change.scope, node.assigns)
        pairs = [(rid, row, apply(row, joined))
                 for rid, row, joined in found]
        change.update_rows(pairs)
        for _, before, after in pairs:
            change.put_out(after, before)
    yield from change.finish(len(pairs))


def assignments(change, scope, assigns):
    """A function: (row, row of all sources) -> the row changed."""
    compiler = change.compiler(scope)
    table, session = change.table, change.session
    steps, variables = [], []
    for assign in assigns:
        expr = assign.expr
        if isinstance(assign.target, ast.Variable):
            cell = session.variables[assign.target.name]
            variables.append((cell, compiler.coerce(compiler.compile(expr),
                                                    cell.type).run))
            continue
        column = table.column(assign.target.parts[-1])
        change.rows.settable(column, assign.target.parts[-1])
        if assign.op != "=":
            expr = ast.Binary(assign.op[0], assign.target, expr)
        if expr is None:
            steps.append((column, change.rows.default(column)))
            continue
        compiled = compiler.compile(expr)
        run = change.rows.strict(compiled.type, column)
        steps.append((column, composed(compiled.run, run)))
    complete = change.rows.completion()

    def apply(row, joined):
        for cell, run in variables:
            cell.value = run(joined)
        changed = list(row)
        for column, run in steps:
            value = run(joined)
            if value is None and not column.type.nullable:
                raise null_refused(table, column, "UPDATE")
            changed[column.place] = value
        return complete(changed)
    return apply


def composed(run, step):
    return run if step is None else lambda row: step(run(row))


def delete(executor, node):
    change = Change(executor, node, "DELETE")
    with executor.session.latch:
        found = targets(change, node)
        change.prepare_output()
        change.delete_rows([(rid, row) for rid, row, _ in found])
        for _, row, _ in found:
            change.put_out(None, row)
    yield from change.finish(len(found))


def truncate(executor, node):
    session = executor.session
    with session.latch:
        table = session.names.table(node.table)
        access = session.access(table.database)
        if not access.may("ALTER", table):
            raise SqlError(1088, "Cannot find the object \"%s\" because it "
                           "does not exist or you do not have permissions."
                           % table.name)
        if table.captures:
            raise SqlError(4711, "Cannot truncate table '%s' because it is "
                           "published for replication or enabled for Change "
                           "Data Capture." % table.name)
        if any(constraint.kind == "F" and constraint.references[0] is table
               for other in table.database.tables() if other is not table
               for constraint in other.constraints):
            raise SqlError(4712, "Cannot truncate table '%s' because it is "
                           "being referenced by a FOREIGN KEY constraint."
                           % table.name)
        session.lock_table(table, "SCH-M")
        kept = table.identity_value
        for rid in list(table.rows):
            table.delete(session.current, rid)
        table.identity_value = None
        session.current.undo.append(
            lambda: setattr(table, "identity_value", kept))
    session.rowcount = 0
    yield Done()


# ---- MERGE ------------------------------------------------------------------

def merge(executor, node):
    change = Change(executor, node, "UPDATE")
    session = executor.session
    with session.latch:
        table = session.names.table(node.table.parts)
        change.open_table(table)
        change.prepare_output()
        count = run_merge(change, node, table)
    yield from change.finish(count)


def run_merge(change, node, table):
    """Decides on every row first; then deletes, updates, inserts."""
    session = change.session
    alias = (node.table.alias or node.table.parts[-1]).lower()
    scan = TableScan(session, table, (alias,), node.table.hints)
    everything = scan.targets(lambda row: True)
    builder = FromBuilder(change.planner, None, change.planner.ctes)
    source = builder.build(node.source, None)
    scope = Scope()
    scope.extend(scan.fields + source.fields)
    compiler = change.compiler(scope)
    on = compiler.compile(node.on).run
    whens = [MergeAction(change, scope, when) for when in node.whens]
    blank = (None,) * len(scan.fields)
    source_blank = (None,) * len(source.fields)
    matched = set()
    deletes, updates, inserts = [], [], []
    for row in list(source.open(())):
        pairs = [(rid, one) for rid, one in everything if on(one + row)]
        if not pairs:
            act(whens, "TARGET", None, None, blank + row, deletes, updates,
                inserts)
        for rid, one in pairs:
            if rid in matched:
                raise SqlError(8672, "The MERGE statement attempted to UPDATE "
                               "or DELETE the same row more than once.")
            if act(whens, "MATCHED", rid, one, one + row, deletes, updates,
                   inserts):
                matched.add(rid)
            else:
                matched.add(rid)
    for rid, one in everything:
        if rid not in matched:
            act(whens, "SOURCE", rid, one, one + source_blank, deletes,
                updates, inserts)
    change.delete_rows(deletes)
    change.update_rows(updates)
    for row in inserts:
        change.checks.row(row)
        change.insert(row)
        change.put_out(row, None)
    for _, before, after in updates:
        change.put_out(after, before)
    for _, row in deletes:
        change.put_out(None, row)
    return len(deletes) + len(updates) + len(inserts)


class MergeAction:
    """One WHEN of a MERGE."""

    def __init__(self, change, scope, when):
        compiler = change.compiler(scope)
        self.kind = when.kind
        self.action = when.action
        self.test = (lambda row: True) if when.condition is None \
            else compiler.compile(when.condition).run
        if when.action == "UPDATE":
            self.apply = assignments(change, scope, when.assigns)
        elif when.action == "INSERT":
            compiled = [compiler.compile(item) for item in when.values]
            make = change.rows.maker(when.columns,
                                     [item.type for item in compiled])
            runs = [item.run for item in compiled]
            self.make = lambda row: make(tuple([run(row) for run in runs]))


def act(whens, kind, rid, row, joined, deletes, updates, inserts):
    for when in whens:
        if when.kind != kind or not when.test(joined):
            continue
        if when.action == "DELETE":
            deletes.append((rid, row))
        elif when.action == "UPDATE":
            updates.append((rid, row, when.apply(row, joined)))
        else:
            inserts.append(when.make(joined))
        return True
    return False


# ---- SELECT INTO ------------------------------------------------------------

def select_into(executor, parts, plan):
    session = executor.session
    with session.latch:
        columns = [(column.name, column.type) for column in plan.columns]
        table = session.names.create_from_types(parts, columns)
        count = 0
        for row in plan.open():
            table.insert(session.current, row)
            count += 1
    session.rowcount = count
    yield Done(executor.counted())


CHANGES = {ast.Insert: insert, ast.Update: update, ast.Delete: delete,
           ast.Truncate: truncate, ast.Merge: merge, "INTO": select_into}
