"""A private PostgreSQL cluster with the extension under test."""

import os
import signal

import psycopg2

from .process import Server, children, process_exists, run
from .wait import wait_until


def bindir():
    """Of the PostgreSQL that the extension was installed into."""
    pg_config = os.environ.get("PG_CONFIG", "pg_config")
    return run(pg_config, "--bindir").strip()


class Postgres(Server):
    name = "PostgreSQL"

    def __init__(self, directory, **settings):
        super().__init__(directory)
        self.bin = bindir()
        self.data = os.path.join(directory, "data")
        self.connection = None
        run(os.path.join(self.bin, "initdb"), "-D", self.data, "-N",
            "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8")
        self.configure(listen_addresses="", fsync="on",
                       unix_socket_directories=directory,
                       log_line_prefix="%m [%p] %b ", timezone="UTC",
                       max_worker_processes="40", **settings)

    @classmethod
    def standby_of(cls, primary, directory):
        """A copy of a running cluster that follows it by streaming."""
        standby = cls.__new__(cls)
        Server.__init__(standby, directory)
        standby.bin = primary.bin
        standby.data = os.path.join(directory, "data")
        standby.connection = None
        run(os.path.join(standby.bin, "pg_basebackup"), "-D", standby.data,
            "-h", primary.directory, "-U", "postgres", "-R", "-X", "stream",
            "-c", "fast")
        standby.configure(unix_socket_directories=directory)
        return standby

    def configure(self, **settings):
        """Takes effect at the next start, or reload()."""
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            for name, value in settings.items():
                conf.write("%s = '%s'\n" % (name.replace("__", "."), value))

    def start(self):
        def spawn_and_wait():
            # after a kill -9 the old children may still hold shared memory
            self.spawn(os.path.join(self.bin, "postgres"), "-D", self.data)
            try:
                self.await_start(self.accepts)
                return True
            except RuntimeError:
                if "is still in use" not in self.log_text()[-3000:] and \
                        "lock file" not in self.log_text()[-3000:]:
                    raise
                return False
        wait_until(spawn_and_wait, 60, "PostgreSQL to start again")

    def stop(self, how=signal.SIGINT):
        self.disconnect()
        self.end(how)

    def restart(self):
        self.stop()
        self.start()

    def kill(self):
        """kill -9 of the postmaster; its children notice and end."""
        self.disconnect()
        children = self.children()
        self.end(signal.SIGKILL)
        wait_until(lambda: not any(map(process_exists, children)), 60,
                   "the children of the postmaster to end")

    def kill_worker(self, pid):
        """kill -9 of a worker: the server resets itself, as after a crash."""
        os.kill(pid, signal.SIGKILL)
        self.disconnect()
        wait_until(lambda: not os.path.exists("/proc/%d" % pid), 30,
                   "the postmaster to notice")
        wait_until(self.accepts, 60, "crash recovery to end")

    def children(self):
        return children(self.process.pid)

    def reload(self):
        """Returns when the postmaster has told its children."""
        def loaded():
            connection = self.connect()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_conf_load_time()")
                when = cursor.fetchone()[0]
            connection.close()
            return when

        before = loaded()
        self.query("SELECT pg_reload_conf()")
        wait_until(lambda: loaded() > before, 30, "the configuration to load")

    def accepts(self):
        try:
            self.connect().close()
            return True
        except psycopg2.OperationalError:
            return False

    def connect(self, database="postgres", user="postgres"):
        # a lock that is never given up must fail a test, not hang it
        connection = psycopg2.connect(host=self.directory, dbname=database,
                                      user=user,
                                      options="-c statement_timeout=60s")
        connection.autocommit = True
        return connection

    def disconnect(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def query(self, sql, parameters=None):
        """Rows of a statement, run in one connection that stays open."""
        if self.connection is None or self.connection.closed:
            self.connection = self.connect()
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def dictionary(self, sql, parameters=None):
        """One row by column name; empty if there is none."""
        if self.connection is None or self.connection.closed:
            self.connection = self.connect()
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            row = cursor.fetchone()
            names = [column.name for column in cursor.description]
        return dict(zip(names, row)) if row else {}

    def value(self, sql, parameters=None):
        rows = self.query(sql, parameters)
        assert len(rows) == 1, "%s gave %d rows" % (sql, len(rows))
        return rows[0][0]

    def notices(self):
        return "".join(self.connection.notices)
