"""A session: its settings, variables, transaction, and the batch it runs."""

from dataclasses import dataclass, replace
from typing import Any

from . import sql_functions
from .collation import collation
from .model_database import Access
from .model_names import Names
from .model_transaction import Transaction
from .result import Output, ResultSet, SqlError
from .sql_execute import Executor
from .sql_statements import parse_batch
from .sql_types import INT, family, is_large, make_type
from .types import Type

AZURE = 5                       # an engine edition


@dataclass(eq=False)
class Cell:
    """A variable."""
    value: Any
    type: Type


class Session:
    functions = sql_functions

    def __init__(self, engine, login, principal, database, spid):
        self.engine = engine
        self.login = login
        self.principal = principal
        self.spid = spid
        self.latch = engine.latch
        self.locks = engine.locks
        self.current_database = self.first_database = database
        # reads a secondary of an availability group: nothing but snapshots
        self.secondary = engine.secondary and login.read_only
        self.names = Names(self)
        self.cancelled = False
        self.closed = False
        self.temporary = {}             # #tables, lower names
        self.rolled_back = False        # how the last transaction ended
        self.open = None                # the explicit Transaction
        self.current = None             # open, or that of the statement
        self.count = 0                  # @@TRANCOUNT
        self.rowcount = 0
        self.error = 0
        self.trying = 0                 # BEGIN TRY blocks around
        self.caught = None              # the error that CATCH handles
        self.identity = None            # SCOPE_IDENTITY()
        self.variables = {}
        self.accesses = {}
        self.statement_tag = None
        self.defaults()

    def defaults(self):
        self.isolation = "READ COMMITTED"
        self.lock_timeout = -1
        self.deadlock_priority = 0
        self.text_size = self.login.text_size
        self.quoted_identifier = True
        self.switches = {}
        self.identity_insert = None

    # what the wire half sees

    @property
    def database(self):
        return self.current_database.name

    @property
    def transaction(self):
        return self.open.number if self.open is not None else 0

    def execute(self, text, params=None):
        self.cancelled = False
        params = params or {}
        self.variables = {name.lower(): Cell(one.value, one.type or INT)
                          for name, one in params.items()}
        batch = parse_batch(text, self.quoted_identifier)
        yield from Executor(self).batch(batch)
        for name, one in params.items():
            if one.output:
                cell = self.variables[name.lower()]
                yield Output(name, cell.type, cell.value)

    def cancel(self):
        self.cancelled = True
        with self.latch:
            self.latch.notify_all()

    def reset(self):
        with self.latch:
            if self.open is not None:
                self.abort()
            self.temporary.clear()
            self.current_database = self.first_database
            self.defaults()

    def close(self):
        with self.latch:
            self.closed = True
            if self.open is not None:
                self.abort()
            if self.current is not None:
                self.engine.roll_back(self.current)
                self.current = None
            self.engine.forget(self)
            self.latch.notify_all()

    def check_cancelled(self):
        if self.cancelled:
            raise SqlError(0, "Operation cancelled by user.", class_=11)

    # transactions

    @property
    def level(self):
        """The isolation level that holds."""
        return "SNAPSHOT" if self.secondary else self.isolation

    def begin(self):
        self.count += 1
        if self.open is None:
            self.open = Transaction(self, True, self.engine.now())
            self.current = self.open

    def commit(self):
        if self.open is None:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no "
                           "corresponding BEGIN TRANSACTION.")
        self.count -= 1
        if self.count == 0:
            done, self.open, self.current = self.open, None, None
            self.rolled_back = False
            self.engine.commit(done)

    def abort(self):
        """Rolls the open transaction back."""
        undone, self.open, self.current = self.open, None, None
        self.count = 0
        self.rolled_back = True
        self.engine.roll_back(undone)

    def begin_statement(self):
        self.statement_tag = object()
        if self.open is not None:
            self.current = self.open
        elif self.current is None:
            self.current = Transaction(self, False, self.engine.now())
            return True
        return False

    def need_writable(self, table):
        if self.secondary and table.database.database_id > 4:
            raise SqlError(3906, "Failed to update database \"%s\" because "
                           "the database is read-only."
                           % table.database.name)

    def lock_table(self, table, mode, tag=None):
        self.locks.table(self, table, mode, tag)
        if table.dropped:
            from .model_database import invalid_object
            raise invalid_object(table.name)

    def start_snapshot(self, table):
        database = table.database
        if not self.secondary and not database.snapshot_isolation \
                and not table.shipped \
                and database.database_id > 4:
            raise SqlError(3952, "Snapshot isolation transaction failed "
                           "accessing database '%s' because snapshot "
                           "isolation is not allowed in this database. Use "
                           "ALTER DATABASE to allow snapshot isolation."
                           % database.name)
        if self.current.snapshot is None:
            with self.latch:
                self.current.snapshot = self.engine.commit_number
                self.engine.snapshots.add(self.current)

    # databases

    @property
    def database_collation(self):
        return self.current_database.collation

    def access(self, database=None):
        return Access(database or self.current_database, self.principal)

    def use(self, name):
        if self.engine.edition == AZURE:
            raise SqlError(40508, "USE statement is not supported to switch "
                           "between databases. Use a new connection to "
                           "connect to a different database.")
        database = self.find_database(name)
        if self.access(database).user is None:
            raise SqlError(916, "The server principal \"%s\" is not able to "
                           "access the database \"%s\" under the current "
                           "security context." % (self.principal.name, name),
                           class_=14)
        self.current_database = database

    def find_database(self, name):
        """Of a name in a statement; '' is the current one."""
        if not name:
            return self.current_database
        database = self.engine.database(name)
        if self.engine.edition == AZURE and database not in (
                self.current_database, None):
            raise SqlError(40515, "Reference to database and/or server name "
                           "in '%s' is not supported in this version of SQL "
                           "Server." % name)
        if database is None:
            raise SqlError(911, "Database '%s' does not exist. Make sure that "
                           "the name is entered correctly." % name)
        return database

    def server_permission(self, permission):
        return ("sysadmin" in self.principal.roles
                or permission in self.principal.permissions
                or "CONTROL SERVER" in self.principal.permissions)

    # types, variables

    def check_collation(self, name):
        try:
            collation(name)
        except KeyError:
            raise SqlError(448, "Invalid collation '%s'." % name) from None

    def resolve_type(self, node, default_length=1):
        """The type of a TypeName; alias types give their base."""
        alias = self.names.alias_type(node)
        if alias is not None:
            return alias.type
        return make_type(node.parts[-1], node.args, default_length)

    def declare(self, name, type, value=None):
        if family(type) == "str" and not type.collation:
            type = replace(type, collation=self.database_collation)
        self.variables[name] = Cell(value, replace(type, nullable=True))

    def global_variable(self, name):
        return sql_functions.global_variable(self, name)

    def result(self, plan, rows):
        """A ResultSet, with long values cut to TEXTSIZE."""
        if 0 < self.text_size < 2**31 - 1:
            rows = self.cut_texts(plan.columns, rows)
        return ResultSet(plan.columns, rows)

    def cut_texts(self, columns, rows):
        large = [(place, self.text_size // 2 if column.type.name in (
            "nvarchar", "ntext", "xml") else self.text_size)
            for place, column in enumerate(columns) if is_large(column.type)]
        if not large:
            return rows

        def cut(row):
            row = list(row)
            for place, size in large:
                if row[place] is not None:
                    row[place] = row[place][:size]
            return tuple(row)
        return map(cut, rows)
