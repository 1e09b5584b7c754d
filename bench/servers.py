"""The servers of a bench, each started when it is first asked for.

Source and target are what the connector joins; publisher and subscriber are
PostgreSQL's logical replication, replica is MariaDB's own.  All are private,
on unix sockets and 127.0.0.1, with fsync on.
"""

import functools
import os
import time

import psycopg2

from support.postgres import Postgres
from support.process import free_port
from support.source import MariaDB

# The same for every PostgreSQL.  No autovacuum: it would hit one run of five.
POSTGRES = {"fsync": "on", "synchronous_commit": "on", "autovacuum": "off",
            "shared_buffers": "1GB", "max_wal_size": "8GB",
            "checkpoint_timeout": "30min", "max_wal_senders": "20",
            "max_replication_slots": "20", "wal_level": "replica",
            "log_min_messages": "warning", "log_checkpoints": "off",
            "listen_addresses": "127.0.0.1"}
MARIADB = ["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=2G",
           "--binlog-expire-logs-seconds=0"]
DURABLE = ["--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1"]

DURABILITY = """\
fsync is on in every server. Where commits are timed they are durable at the
source: `synchronous_commit = on` at the publisher,
`innodb_flush_log_at_trx_commit = 1` and `sync_binlog = 1` in MariaDB. Whoever
applies commits asynchronously, since a lost tail is fetched again: that is
built into the connector, the default of a subscription, and
`innodb_flush_log_at_trx_commit = 0` at the MariaDB replica. Nothing is
unlogged and all keys stand at the end."""


class Source(MariaDB):
    server_id = 223344
    durable = DURABLE

    def start(self):
        super().start("--server-id=%d" % self.server_id, *MARIADB,
                      *self.durable)

    def relax(self, relaxed=True):
        """Preparing a log need not wait for the disk."""
        self.execute("SET GLOBAL innodb_flush_log_at_trx_commit = %d"
                     % (0 if relaxed else 1),
                     "SET GLOBAL sync_binlog = %d" % (0 if relaxed else 1))


class Replica(Source):
    server_id = 223345
    durable = ["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin",
               "--read-only=OFF"]


class Cluster(Postgres):
    """PostgreSQL with a port, for clients that know no unix sockets."""

    def __init__(self, directory, **settings):
        super().__init__(directory)
        self.port = free_port()
        self.configure(**{**POSTGRES, **settings, "port": self.port})

    def connect(self, database="postgres", user="postgres"):
        connection = psycopg2.connect(host=self.directory, port=self.port,
                                      dbname=database, user=user)
        connection.autocommit = True
        return connection

    def dsn(self, database="postgres"):
        return "host=%s port=%d user=postgres dbname=%s" % (
            self.directory, self.port, database)

    def tcp_dsn(self):
        """For who reads the log: the connector and the replica use TCP too."""
        return "host=127.0.0.1 port=%d user=postgres dbname=postgres" % (
            self.port)

    def create_database(self, name):
        """A new one; gives a connection to it."""
        self.query("DROP DATABASE IF EXISTS %s" % name)
        self.query("CREATE DATABASE %s" % name)
        return self.connect(name)


class Rig:
    """All servers, by the part they play."""

    def __init__(self, directory):
        self.directory = directory
        self.running = []

    def start(self, kind, name, **settings):
        directory = os.path.join(self.directory, name)
        os.mkdir(directory)
        server = kind(directory, **settings)
        self.running.append(server)
        server.start()
        return server

    @functools.cached_property
    def source(self):
        return self.start(Source, "source")

    @functools.cached_property
    def replica(self):
        return self.start(Replica, "replica")

    @functools.cached_property
    def target(self):
        target = self.start(Cluster, "target")
        target.query("SET client_min_messages = warning")
        target.query("CREATE EXTENSION synchdb CASCADE")
        return target

    @functools.cached_property
    def publisher(self):
        return self.start(Cluster, "publisher", wal_level="logical")

    @functools.cached_property
    def subscriber(self):
        # else a subscription may wait 5 s for its worker
        return self.start(Cluster, "subscriber",
                          wal_retrieve_retry_interval="1ms")

    def stop(self):
        for server in reversed(self.running):
            (server.stop if isinstance(server, Cluster) else server.end)()
        self.running = []


def until(predicate, what, timeout=600, interval=0.002):
    """Poll until predicate() is true; gives what it gave."""
    deadline = time.monotonic() + timeout
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > deadline:
            raise RuntimeError("not within %d s: %s" % (timeout, what))
        time.sleep(interval)


def seconds(action):
    begin = time.monotonic()
    action()
    return time.monotonic() - begin
