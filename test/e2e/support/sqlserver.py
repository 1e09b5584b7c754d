"""The SQL Server test server as a source: databases, tables, capture."""

import os
import socket
import sys

from .process import Server, free_port
from .wait import wait_until

SIM = os.path.join(os.path.dirname(__file__), "..", "..", "sim")
sys.path.insert(0, SIM)

from sqlserver.control import Control       # noqa: E402


def bracketed(name):
    return "[%s]" % name.replace("]", "]]")


def text(value):
    return "N'%s'" % value.replace("'", "''")


class SqlServer(Server):
    name = "sqlserver"
    connector = "sqlserver"         # the connector type
    user = "sa"
    password = "Password!"
    host = "127.0.0.1"

    def __init__(self, directory):
        super().__init__(directory)
        self.port = free_port()
        self.control_port = free_port()
        self.options = []
        self.control = None
        self.sessions = {}              # by database

    def start(self, *options):
        """Options stay for later restarts; data does not."""
        self.options = list(options) or self.options
        self.spawn(sys.executable, "-m", "sqlserver", "--port", str(self.port),
                   "--control-port", str(self.control_port), *self.options,
                   cwd=SIM)
        self.await_start(self.accepts)
        self.control = Control(self.control_port, self.host)

    def accepts(self):
        try:
            socket.create_connection((self.host, self.control_port)).close()
            return True
        except ConnectionRefusedError:
            return False

    def execute(self, *sql, database="master"):
        """Rows of the last result of the last batch."""
        if database not in self.sessions:
            self.sessions[database] = self.session(database)
        return self.sessions[database].execute(*sql)

    def session(self, database):
        return Session(Control(self.control_port, self.host), database)


class Session:
    """One session in a database, for transactions."""

    def __init__(self, control, database):
        self.control = control
        self.database = database

    def execute(self, *sql):
        """Rows of the last result of the last batch."""
        rows = []
        for batch in sql:
            answer = self.control("execute", sql=batch,
                                  database=self.database)
            for result in answer["results"]:
                rows = result.get("rows", rows)
        return [tuple(row) for row in rows]

    def close(self):
        self.control.close()


class SqlServerDatabase:
    """A database with change data capture, dropped after the test."""

    def __init__(self, server, name):
        self.server = server
        self.name = name

    def id(self, table, schema="dbo"):
        """As the connector calls the table."""
        return "%s.%s.%s" % (self.name, schema, table)

    def create(self, *options):
        self.server.execute("CREATE DATABASE %s" % bracketed(self.name))
        for option in options:
            self.server.execute("ALTER DATABASE %s SET %s"
                                % (bracketed(self.name), option))
        self.execute("EXEC sys.sp_cdc_enable_db")

    def drop(self):
        session = self.server.sessions.pop(self.name, None)
        if session is not None:
            session.close()

        def dropped():
            try:
                self.server.execute("DROP DATABASE %s"
                                    % bracketed(self.name))
                return True
            except RuntimeError as error:
                if "in use" not in str(error):
                    raise
                return False        # a session of it is still ending
        wait_until(dropped, 10, "database %s to be dropped" % self.name)

    def execute(self, *sql):
        return self.server.execute(*sql, database=self.name)

    def session(self):
        """Another one, to be closed by the caller."""
        return self.server.session(self.name)

    def capture(self, *tables, schema="dbo", **arguments):
        """Enables capture; further arguments as the procedure has them."""
        for table in tables:
            more = "".join(", @%s = %s" % pair for pair in arguments.items())
            self.execute("EXEC sys.sp_cdc_enable_table @source_schema = %s,"
                         " @source_name = %s, @role_name = NULL%s"
                         % (text(schema), text(table), more))
