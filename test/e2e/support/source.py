"""MariaDB and MySQL servers to copy from."""

import os
import shutil
import subprocess

import pymysql

from .process import Server, free_port, run

FIXTURES = os.path.join(os.path.dirname(__file__), "..", "..", "fixtures")

# A time zone unlike PostgreSQL's, so that a mix-up shows.
OPTIONS = ["--log-bin=mysql-bin", "--binlog-format=ROW", "--server-id=223344",
           "--bind-address=127.0.0.1", "--skip-name-resolve",
           "--default-time-zone=+05:30", "--max-allowed-packet=256M",
           "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0"]

RETRIED = (1020, 1205, 1213)        # changed meanwhile, lock timeout, deadlock


class SourceServer(Server):
    connector = "mysql"         # the connector type
    user = "mysqluser"
    password = "mysqlpwd"
    host = "127.0.0.1"
    templates = {}          # class -> an initialised data directory

    def __init__(self, directory):
        super().__init__(directory)
        self.data = os.path.join(directory, "data")
        self.socket = os.path.join(directory, "s")
        self.port = free_port()
        self.options = []

    def start(self, *options):
        """Options stay for later restarts."""
        self.options = list(options) or self.options
        first = not os.path.exists(self.data)
        if first:
            self.make_data()
        self.spawn(*self.command(), "--no-defaults", "--datadir=" + self.data,
                   "--socket=" + self.socket, "--port=%d" % self.port,
                   "--pid-file=" + os.path.join(self.directory, "pid"),
                   *OPTIONS, *self.own_options, *self.options)
        self.await_start(self.accepts)
        if first:
            for statement in statements("mysqluser.sql"):
                self.execute(statement)

    def make_data(self):
        template = self.templates.get(type(self))
        if template is None:
            template = os.path.join(self.directory, "template")
            self.initialise(template)
            self.templates[type(self)] = template
        # each MySQL server makes a uuid of its own
        shutil.copytree(template, self.data,
                        ignore=shutil.ignore_patterns("auto.cnf"))

    def accepts(self):
        try:
            self.connect().close()
            return True
        except pymysql.err.OperationalError:
            return False

    def connect(self, database=None, **options):
        """A connection as root, in UTC, without strictness."""
        settings = {"unix_socket": self.socket, "user": "root",
                    "charset": "utf8mb4", "autocommit": True,
                    "read_timeout": 120,
                    "init_command": "SET time_zone = '+00:00', sql_mode = ''"}
        settings.update(options)
        return pymysql.connect(database=database, **settings)

    def execute(self, *sql, database=None):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in sql:
                    cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()


class MariaDB(SourceServer):
    name = "mariadb"
    own_options = ["--character-set-server=utf8mb4"]

    @staticmethod
    def available():
        return os.path.exists("/usr/sbin/mariadbd")

    def command(self):
        return ["/usr/sbin/mariadbd"]

    def initialise(self, data):
        run("mariadb-install-db", "--no-defaults", "--datadir=" + data,
            "--auth-root-authentication-method=normal", "--skip-test-db")


class MySQL(SourceServer):
    """mysqld of this system, or of another one's tree through its loader."""

    name = "mysql"
    root = os.environ.get("SYNCHDB_TEST_MYSQL_ROOT", "")
    own_options = ["--mysqlx=OFF", "--secure-file-priv="]

    @classmethod
    def available(cls):
        if cls.root:
            return os.path.exists(cls.root + "/usr/sbin/mysqld")
        if shutil.which("mysqld", path="/usr/sbin") is None:
            return False
        text = subprocess.run(["/usr/sbin/mysqld", "--version"],
                              stdout=subprocess.PIPE, text=True).stdout
        return "MariaDB" not in text

    def command(self):
        if not self.root:
            return ["/usr/sbin/mysqld"]
        lib = self.root + "/usr/lib/x86_64-linux-gnu"
        return [self.root + "/lib64/ld-linux-x86-64.so.2",
                "--library-path", lib, self.root + "/usr/sbin/mysqld"]

    def start(self, *options):
        if self.root:
            share = self.root + "/usr/share/mysql"
            self.own_options = type(self).own_options + [
                "--basedir=" + self.root + "/usr",
                "--lc-messages-dir=" + share,
                "--character-sets-dir=" + share + "/charsets",
                "--plugin-dir=" + self.root + "/usr/lib/mysql/plugin"]
        super().start(*options)

    def initialise(self, data):
        run(*self.command(), "--no-defaults", "--initialize-insecure",
            "--datadir=" + data, *self.own_options)


FLAVORS = [flavor for flavor in (MariaDB, MySQL) if flavor.available()]


def statements(fixture):
    """The statements of a file in test/fixtures, none of which has a ';'."""
    with open(os.path.join(FIXTURES, fixture)) as sql:
        lines = [line for line in sql if not line.startswith("--")]
    return [text for text in "".join(lines).split(";") if text.strip()]


class Database:
    """A database at a source, dropped after the test."""

    def __init__(self, server, name):
        self.server = server
        self.name = name

    def id(self, table):
        """As the connector calls the table."""
        return "%s.%s" % (self.name, table)

    def create(self, options=""):
        self.drop()
        self.server.execute("CREATE DATABASE `%s` %s" % (self.name, options))

    def drop(self):
        self.server.execute("DROP DATABASE IF EXISTS `%s`" % self.name)

    def connect(self, **options):
        return self.server.connect(self.name, **options)

    def execute(self, *sql):
        return self.server.execute(*sql, database=self.name)

    @staticmethod
    def passes(error):
        """May a transaction be tried again that ended with this?"""
        return isinstance(error, pymysql.err.OperationalError) and \
            error.args[0] in RETRIED
