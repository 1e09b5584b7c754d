"""Runs the statements of a batch: control flow, variables, transactions,
queries.  Changes of data: sql_change.py; definitions: sql_define.py."""

from . import procedures, sql_ast as ast
from .complain import failure, unknown
from .model_names import parse_parts
from .result import Done, Info, ReturnStatus, SqlError
from .sql_change import CHANGES
from .sql_compile import Compiler, undeclared
from .sql_define import DEFINITIONS
from .sql_scope import Scope
from .sql_select import Planner
from .sql_statements import parse_batch
from .sql_types import INT, NVARCHAR_MAX
from .types import Type

# After these the batch goes on with its next statement.
CONTINUED = frozenset([
    220, 229, 515, 544, 547, 1505, 1779, 1785, 1913, 2601, 2627, 2628, 2705,
    2714, 2812, 3701, 3728, 3902, 3903, 4701, 4711, 4902, 4922, 4924, 4928,
    5074, 8115, 8134, 8152, 8180, 15151, 15225, 1222, 50000, 4712, 7139, 22901,
    22926, 22931, 22985, 22962, 22963, 5064, 15336, 15248, 15023, 15025])
ROLLS_BACK = frozenset([1205, 3960, 3961])
DEADLOCK_PRIORITIES = {"LOW": -5, "NORMAL": 0, "HIGH": 5}


class JumpOut(Exception):
    """BREAK, CONTINUE or RETURN on its way to where it leads."""

    def __init__(self, kind, value=None):
        super().__init__(kind)
        self.kind = kind
        self.value = value


class Executor:
    def __init__(self, session):
        self.session = session

    # blocks

    def batch(self, statements):
        try:
            yield from self.block(statements)
        except JumpOut as jump:
            if jump.value is not None:
                yield ReturnStatus(jump.value)

    def block(self, statements):
        for node in statements:
            yield from self.statement(node)

    def statement(self, node):
        control = CONTROL.get(type(node))
        if control is not None:
            yield from control(self, node)
        else:
            yield from self.plain(node)

    def plain(self, node):
        """A statement without others inside."""
        self.session.check_cancelled()
        try:
            yield from self.guarded(node)
        except SqlError as error:
            error.line = getattr(node, "line", 1)
            self.session.error = error.number
            if error.number not in CONTINUED or self.session.trying \
                    or self.session.switches.get("XACT_ABORT"):
                raise
            yield error
        except (GeneratorExit, JumpOut, MemoryError):
            raise
        except Exception as error:
            raise failure(error) from error

    def guarded(self, node):
        """One statement, undone if it fails, with its own transaction if
        there is none."""
        session = self.session
        with session.latch:
            automatic = session.begin_statement()
            if automatic and self.implicit(node):
                session.current = None
                session.begin()
                automatic = False
            transaction = session.current
            mark = transaction.mark()
        try:
            yield from RUNNERS[type(node)](self, node)
        except BaseException as error:
            with session.latch:
                self.failed(transaction, automatic, mark, error)
            raise
        with session.latch:
            self.succeeded(transaction, automatic)

    def implicit(self, node):
        return (self.session.switches.get("IMPLICIT_TRANSACTIONS")
                and not isinstance(node, (ast.SetVariable, ast.SetOption,
                                          ast.Declare, ast.Tran, ast.Use)))

    def succeeded(self, transaction, automatic):
        session = self.session
        session.error = 0
        if automatic and session.current is transaction:
            session.current = None
            session.engine.commit(transaction)
        else:
            session.locks.release(transaction, session.statement_tag)

    def failed(self, transaction, automatic, mark, error):
        session = self.session
        if automatic:
            if session.current is transaction:
                session.current = None
                session.engine.roll_back(transaction)
            return
        if transaction is not session.open:
            return                      # ended by the statement itself
        number = getattr(error, "number", None)
        if isinstance(error, SqlError) and (
                number in ROLLS_BACK
                or session.switches.get("XACT_ABORT")
                and not isinstance(error, Cancelled)):
            session.abort()
            return
        transaction.rollback_to(*mark)
        session.locks.release(transaction, session.statement_tag)

    # control flow

    def begin(self, node):
        yield from self.block(node.statements)

    def if_(self, node):
        if self.holds(node.condition):
            yield from self.statement(node.then)
        elif node.otherwise is not None:
            yield from self.statement(node.otherwise)

    def while_(self, node):
        while self.holds(node.condition):
            self.session.check_cancelled()
            try:
                yield from self.statement(node.body)
            except JumpOut as jump:
                if jump.kind == "BREAK":
                    return
                if jump.kind != "CONTINUE":
                    raise

    def try_(self, node):
        session = self.session
        session.trying += 1
        try:
            try:
                yield from self.block(node.body)
                return
            finally:
                session.trying -= 1
        except SqlError as error:
            if error.class_ >= 20 or error.number == 0:
                raise
            kept, session.caught = session.caught, error
        try:
            yield from self.block(node.handler)
        finally:
            session.caught = kept

    def jump(self, node):
        value = None
        if node.expr is not None:
            value = self.value(node.expr, INT)
        raise JumpOut(node.kind, value)
        yield

    # expressions

    def compiler(self):
        return Compiler(self.session, Scope(),
                        Planner(self.session).subplan)

    def value(self, node, type=None):
        """The value of an expression outside a query."""
        return self.with_transaction(lambda: self.compute(node, type))

    def compute(self, node, type):
        compiler = self.compiler()
        compiled = compiler.compile(node)
        if type is not None:
            compiled = compiler.coerce(compiled, type)
        return compiled.run(())

    def with_transaction(self, function):
        """Runs a part of a statement that may read tables."""
        session = self.session
        with session.latch:
            automatic = session.begin_statement()
            transaction = session.current
        try:
            return function()
        finally:
            with session.latch:
                if session.current is transaction:
                    self.succeeded(transaction, automatic)

    def holds(self, condition):
        return bool(self.value(condition))

    # variables and settings

    def declare(self, node):
        for name, type_name, expr in node.variables:
            if isinstance(type_name, tuple):
                self.session.names.declare_table(name, *type_name)
                continue
            type = self.session.resolve_type(type_name)
            value = None
            if expr is not None:
                value = self.compute(expr, type)
            self.session.declare(name, type, value)
        return
        yield

    def set_variable(self, node):
        assign = node.assign
        cell = self.session.variables.get(assign.target.name)
        if cell is None:
            raise undeclared(assign.target.name)
        expr = assign.expr if assign.op == "=" else ast.Binary(
            assign.op[0], assign.target, assign.expr)
        cell.value = self.compute(expr, cell.type)
        return
        yield

    def set_option(self, node):
        SETTERS.get(node.name if isinstance(node.name, str) else None,
                    set_switches)(self, node)
        yield Done()

    def use(self, node):
        self.session.use(node.name)
        yield Done()

    def nothing(self, node):
        yield Done()

    # queries

    def query(self, node):
        session = self.session
        planner = Planner(session)
        with session.latch:
            plan = planner.plan(node)
        into = getattr(node.body, "into", None)
        if into is not None:
            yield from CHANGES["INTO"](self, into, plan)
            return
        if plan.assigns:
            session.rowcount = sum(1 for _ in plan.open())
            yield Done(self.counted())
            return
        counter = Counter(plan.open())
        try:
            yield session.result(plan, counter)
            counter.drain()
        finally:
            counter.close()
        if counter.error is not None:
            raise counter.error
        session.rowcount = counter.count
        yield Done(self.counted())

    def counted(self):
        """@@ROWCOUNT, unless NOCOUNT is on."""
        if self.session.switches.get("NOCOUNT"):
            return None
        return self.session.rowcount

    # transactions

    def transaction(self, node):
        session = self.session
        name = node.name
        if isinstance(name, ast.Variable):
            name = self.compute(name, Type("nvarchar", 32))
        with session.latch:
            if not session.current.explicit:
                self.drop_automatic()
            TRANSACTIONS[node.action](self, name)
        yield Done()

    def drop_automatic(self):
        """The transaction of the statement makes way for a real one."""
        self.session.engine.roll_back(self.session.current)
        self.session.current = None

    def begin_transaction(self, name):
        self.session.begin()
        if name:
            self.session.open.name = name

    def commit(self, name):
        self.session.commit()

    def roll_back(self, name):
        session = self.session
        if session.open is None:
            raise SqlError(3903, "The ROLLBACK TRANSACTION request has no "
                           "corresponding BEGIN TRANSACTION.")
        transaction = session.open
        if name and getattr(transaction, "name", "").lower() != name.lower():
            place = transaction.find_savepoint(name)
            if place is None:
                raise SqlError(6401, "Cannot roll back %s. No transaction or "
                               "savepoint of that name was found." % name)
            _, length, marks = transaction.savepoints[place]
            transaction.rollback_to(length, marks)
            del transaction.savepoints[place + 1:]
            return
        session.abort()

    def save(self, name):
        session = self.session
        if session.open is None:
            raise SqlError(628, "Cannot issue SAVE TRANSACTION when there is "
                           "no active transaction.")
        session.open.save(name)

    # messages

    def print_(self, node):
        text = self.value(node.expr, NVARCHAR_MAX)
        yield Info(0, 1, 0, text if text is not None else " ")

    def raise_error(self, node):
        values = [self.value(arg) for arg in node.args]
        text, class_, state = (values + [16, 1])[:3]
        number = 50000
        if isinstance(text, int):
            number, text = text, "Error %d" % text
        elif len(values) > 3:
            text = formatted(text, values[3:])
        if class_ <= 10:
            yield Info(number, max(state, 1), class_, text)
            return
        raise SqlError(number, text, class_=class_, state=max(state, 1))

    def throw(self, node):
        if not node.args:
            if self.session.caught is None:
                raise SqlError(10704, "To rethrow an error, a THROW statement "
                               "must be used inside a CATCH block.")
            raise self.session.caught
        number, text, state = [self.value(arg) for arg in node.args]
        raise Thrown(number, text, state=state)
        yield

    def wait_for(self, node):
        """WAITFOR DELAY: until it is over or the session is cancelled."""
        session = self.session
        if node.kind != "DELAY":
            raise unknown("statement", "WAITFOR " + node.kind)
        ticks = self.value(node.expr, Type("time", scale=7)).ticks
        with session.latch:
            session.latch.wait_for(lambda: session.cancelled
                                   or session.closed, ticks / 10**7)
        session.check_cancelled()
        yield Done()

    # procedures

    def execute(self, node):
        name = node.name
        if isinstance(name, ast.Variable):
            name = parse_parts(self.value(name, NVARCHAR_MAX))
            node = ast.Exec(name, node.args, node.result)
        if name[-1].lower() == "sp_executesql":
            yield from self.execute_sql(node)
        else:
            yield from self.plain(node)

    def procedure(self, node):
        yield from procedures.call(self, node)

    def execute_text(self, node):
        text = self.value(node.expr, NVARCHAR_MAX)
        yield from self.inner_batch(text or "", {})

    def execute_sql(self, node):
        """sp_executesql @text, @declaration, values"""
        values = [self.value(expr) for _, expr, _ in node.args[:2]]
        declared = values[1] if len(values) > 1 else ""
        variables = self.parameters(declared or "", node.args[2:])
        yield from self.inner_batch(values[0] or "", variables)
        for (name, expr, output), cell in zip(node.args[2:],
                                              variables.values()):
            if output:
                self.session.variables[expr.name].value = cell.value

    def parameters(self, declared, args):
        """The variables of a declaration such as '@a int, @b bigint'."""
        session = self.session
        kept, session.variables = session.variables, {}
        try:
            if declared.strip():
                for node in parse_batch("DECLARE " + declared.replace(
                        " OUTPUT", "").replace(" output", "")):
                    for _ in self.declare(node):
                        pass
            variables = session.variables
        finally:
            session.variables = kept
        names = list(variables)
        for place, (name, expr, _) in enumerate(args):
            cell = variables[name or names[place]]
            if expr is not None:
                cell.value = self.value(expr, cell.type)
        return variables

    def inner_batch(self, text, variables):
        """A batch within the batch, with variables of its own."""
        session = self.session
        statements = parse_batch(text, session.quoted_identifier)
        kept, session.variables = session.variables, variables
        database = session.current_database
        try:
            yield from self.batch(statements)
        finally:
            session.variables = kept
            session.current_database = database


class Thrown(SqlError):
    """An error of THROW: it ends the batch."""


class Cancelled(SqlError):
    """An attention of the client."""


class Counter:
    """Counts rows as they are taken; an error ends them and is kept for the
    statement."""

    def __init__(self, rows):
        self.rows = rows
        self.count = 0
        self.error = None

    def __iter__(self):
        return self

    def __next__(self):
        try:
            row = next(self.rows)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise StopIteration from None
        self.count += 1
        return row

    def drain(self):
        for _ in self:
            pass

    def close(self):
        self.rows.close()


def formatted(text, values):
    """RAISERROR's substitution: %s, %d, %i, %u."""
    values = iter(values)
    out = []
    parts = text.split("%")
    out.append(parts[0])
    for part in parts[1:]:
        if part[:1] in tuple("sdiu"):
            out.append(str(next(values, "(null)")) + part[1:])
        else:
            out.append("%" + part)
    return "".join(out)


# ---- SET --------------------------------------------------------------------

def set_switches(executor, node):
    for name in node.name:
        executor.session.switches[name] = node.value
        if name == "QUOTED_IDENTIFIER":
            executor.session.quoted_identifier = node.value


def set_isolation(executor, node):
    session = executor.session
    if session.open is not None and node.value == "SNAPSHOT" \
            and session.isolation != "SNAPSHOT" and session.open.tables:
        raise SqlError(3951, "Transaction failed in database '%s' because the "
                       "statement was run under snapshot isolation but the "
                       "transaction did not start in snapshot isolation."
                       % session.database)
    session.isolation = node.value


def set_lock_timeout(executor, node):
    executor.session.lock_timeout = executor.compute(node.value, INT)


def set_deadlock_priority(executor, node):
    value = node.value
    if not isinstance(value, str):
        value = executor.compute(value, INT)
    else:
        value = DEADLOCK_PRIORITIES[value.upper()]
    executor.session.deadlock_priority = value


def set_text_size(executor, node):
    executor.session.text_size = executor.compute(node.value, INT)


def set_identity_insert(executor, node):
    (parts, on) = node.value
    table = executor.session.names.table(parts)
    executor.session.identity_insert = table if on else None


def set_nothing(executor, node):
    """DATEFORMAT and the like: this server reads dates the ISO way."""


SETTERS = {
    "ISOLATION": set_isolation, "LOCK_TIMEOUT": set_lock_timeout,
    "DEADLOCK_PRIORITY": set_deadlock_priority, "TEXTSIZE": set_text_size,
    "IDENTITY_INSERT": set_identity_insert, "DATEFIRST": set_nothing,
    "DATEFORMAT": set_nothing, "LANGUAGE": set_nothing,
    "ROWCOUNT": set_nothing, "QUERY_GOVERNOR_COST_LIMIT": set_nothing,
    "CONTEXT_INFO": set_nothing,
}

TRANSACTIONS = {"BEGIN": Executor.begin_transaction,
                "COMMIT": Executor.commit, "ROLLBACK": Executor.roll_back,
                "SAVE": Executor.save}

CONTROL = {
    ast.Begin: Executor.begin, ast.If: Executor.if_,
    ast.While: Executor.while_, ast.Try: Executor.try_,
    ast.Jump: Executor.jump, ast.Exec: Executor.execute,
    ast.ExecText: Executor.execute_text,
}

RUNNERS = {
    ast.Query: Executor.query, ast.Declare: Executor.declare,
    ast.SetVariable: Executor.set_variable,
    ast.SetOption: Executor.set_option, ast.Use: Executor.use,
    ast.Nothing: Executor.nothing, ast.Tran: Executor.transaction,
    ast.Print: Executor.print_, ast.RaiseError: Executor.raise_error,
    ast.Throw: Executor.throw, ast.WaitFor: Executor.wait_for,
    ast.Exec: Executor.procedure,
    **{node: run for node, run in CHANGES.items() if not isinstance(node,
                                                                    str)},
    **DEFINITIONS,
}
