"""Catching up: changes are made while nobody listens, then one after the other
reads the same log from the same place.

ours     from synchdb_start_engine_bgw
logical  PostgreSQL's logical replication, from ALTER SUBSCRIPTION ... ENABLE,
         with default settings
replica  MariaDB's replication, from START SLAVE, with default settings

each until a query shows the row that the last transaction inserts.  Before
each run the tables are put back and the reader is set to where the log began.
"""

import io
import os

from pymysql.constants import CLIENT

import data
from report import figure
from servers import seconds, until
from support.connector import Connector
from support.memory import cpu_seconds
from support.source import Database
from workloads import WORKLOADS

TICK = os.sysconf("SC_CLK_TCK")
BATCH = 500                         # transactions sent at once
MUST = {"transactions": (">=", 2), "single": (">=", 3), "large": (">=", 3)}


class Catching:
    """A workload, the logs that hold it, and who replays them."""

    def __init__(self, rig, workload, scale):
        self.workload = workload
        self.tables = workload.tables
        self.schema = "stream_" + workload.name
        self.rig = rig
        self.runs = 0
        self.cpu = {"source": [], "ours": [], "publisher": [], "logical": []}
        source = rig.source
        source.relax()
        for server in (source, rig.replica):
            data.fill_source(server, self.schema, self.tables, 1)
        self.prepare_connector()
        self.prepare_logical()
        self.prepare_replica()
        self.change(scale)
        source.relax(False)

    # who replays

    def prepare_connector(self):
        """Its own snapshot fills the target."""
        self.connector = Connector(
            self.rig.target, Database(self.rig.source, self.schema),
            self.schema)
        self.connector.add()
        self.connector.start()
        self.connector.wait_streaming()
        self.connector.stop()
        self.position = self.rig.target.value(
            "SELECT position FROM synchdb_checkpoint WHERE name = %s",
            [self.schema])
        self.save(self.rig.target)

    def prepare_logical(self):
        for server in (self.rig.publisher, self.rig.subscriber):
            server.query("CREATE SCHEMA %s" % self.schema)
            for table in self.tables:
                server.query(table.create(1, self.schema + "."))
                with self.rig.target.connect().cursor() as read, \
                        server.connect().cursor() as write:
                    name = "%s.%s" % (self.schema, table.name)
                    pipe_rows(read, write, name)
        self.save(self.rig.subscriber)
        self.rig.publisher.query("CREATE PUBLICATION %s FOR TABLES IN SCHEMA"
                                 " %s" % (self.schema, self.schema))
        self.rig.publisher.query(
            "SELECT pg_create_logical_replication_slot('%s', 'pgoutput')"
            % self.schema)

    def prepare_replica(self):
        (self.log_file, self.log_position, *_), = \
            self.rig.source.execute("SHOW MASTER STATUS")
        self.rig.replica.execute("DROP DATABASE IF EXISTS base_" + self.schema,
                                 "CREATE DATABASE base_" + self.schema)
        for table in self.tables:
            self.rig.replica.execute(
                "CREATE TABLE base_%s.%s AS SELECT * FROM %s.%s"
                % (self.schema, table.name, self.schema, table.name))

    def save(self, server):
        server.query("CREATE SCHEMA base_" + self.schema)
        for table in self.tables:
            server.query("CREATE TABLE base_%s.%s AS TABLE %s.%s"
                         % (self.schema, table.name, self.schema, table.name))

    # what is replayed

    def change(self, scale):
        source = self.rig.source.connect(
            self.schema, client_flag=CLIENT.MULTI_STATEMENTS)
        publisher = self.rig.publisher.connect()
        with source.cursor() as write:
            for text in self.scripts(scale, 0):
                write.execute(text)
                while write.nextset():
                    pass
        with publisher.cursor() as write:
            write.execute("SET search_path = %s; SET synchronous_commit = off"
                          % self.schema)
            for text in self.scripts(scale, 1):
                write.execute(text)
            write.execute("SET synchronous_commit = on; CREATE TABLE %s.flushed"
                          " (); DROP TABLE %s.flushed"
                          % (self.schema, self.schema))
        source.close()
        publisher.close()

    def scripts(self, scale, dialect):
        """Transactions as text, several at once."""
        texts = []
        for statements in self.workload.transactions(scale, dialect):
            text = ";".join(statements)
            if dialect == 1 or len(statements) > 1:
                text = "BEGIN;%s;COMMIT" % text
            texts.append(text)
            if len(texts) == BATCH:
                yield ";".join(texts)
                texts = []
        if texts:
            yield ";".join(texts)

    # runs

    def restore(self, server):
        for table in self.tables:
            name = "%s.%s" % (self.schema, table.name)
            server.query("TRUNCATE %s" % name)
            server.query("INSERT INTO %s SELECT * FROM base_%s"
                         % (name, name))
        server.query("CHECKPOINT")

    def done(self, query):
        return until(lambda: query("SELECT 1 FROM %s.marker" % self.schema),
                     "the last change", interval=0.005)

    def ours(self):
        target = self.rig.target
        self.restore(target)
        target.query("UPDATE synchdb_checkpoint SET position = %s"
                     " WHERE name = %s", [self.position, self.schema])
        target.query("SELECT synchdb_reset_stats(%s)", [self.schema])
        source = process_cpu(self.rig.source.process.pid)

        def catch_up():
            self.connector.start()
            self.done(target.query)
        taken = seconds(catch_up)
        self.cpu["source"].append(
            process_cpu(self.rig.source.process.pid) - source)
        self.cpu["ours"].append(cpu_seconds(self.connector.pid()))
        self.connector.stop()
        self.changes = self.connector.counters()["dmls"]
        return taken

    def logical(self):
        publisher, subscriber = self.rig.publisher, self.rig.subscriber
        self.restore(subscriber)
        self.runs += 1
        slot = "%s_%d" % (self.schema, self.runs)
        publisher.query("SELECT pg_copy_logical_replication_slot(%s, %s)",
                        [self.schema, slot])
        subscriber.query(
            "CREATE SUBSCRIPTION bench CONNECTION '%s' PUBLICATION %s WITH"
            " (create_slot = false, slot_name = '%s', enabled = false,"
            " copy_data = false)" % (publisher.tcp_dsn(), self.schema, slot))

        def catch_up():
            subscriber.query("ALTER SUBSCRIPTION bench ENABLE")
            self.done(subscriber.query)
        taken = seconds(catch_up)
        self.cpu["publisher"].append(cpu_seconds(publisher.value(
            "SELECT pid FROM pg_stat_replication")))
        self.cpu["logical"].append(cpu_seconds(subscriber.value(
            "SELECT pid FROM pg_stat_subscription WHERE pid IS NOT NULL")))
        subscriber.query("ALTER SUBSCRIPTION bench DISABLE")
        until(lambda: not publisher.query("SELECT 1 FROM pg_replication_slots"
                                          " WHERE active"), "an idle slot")
        subscriber.query("ALTER SUBSCRIPTION bench SET (slot_name = NONE)")
        subscriber.query("DROP SUBSCRIPTION bench")
        publisher.query("SELECT pg_drop_replication_slot(%s)", [slot])
        return taken

    def replica(self):
        source, replica = self.rig.source, self.rig.replica
        connection = replica.connect()

        def query(sql):
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()
        query("STOP SLAVE")
        query("RESET SLAVE ALL")
        for table in self.tables:
            query("TRUNCATE %s.%s" % (self.schema, table.name))
            query("INSERT INTO %s.%s SELECT * FROM base_%s.%s" % (
                self.schema, table.name, self.schema, table.name))
        query("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = %d,"
              " MASTER_USER = '%s', MASTER_PASSWORD = '%s', MASTER_LOG_FILE ="
              " '%s', MASTER_LOG_POS = %d, MASTER_USE_GTID = no"
              % (source.port, source.user, source.password, self.log_file,
                 self.log_position))

        def catch_up():
            query("START SLAVE")
            self.done(query)
        taken = seconds(catch_up)
        query("STOP SLAVE")
        connection.close()
        return taken

    # the end

    def check(self):
        expected = data.read_fingerprints(
            lambda sql: self.rig.source.execute(sql, database=self.schema),
            self.tables, 0)
        readers = {
            "ours": (self.rig.target.query, 1),
            "publisher": (self.rig.publisher.query, 1),
            "logical": (self.rig.subscriber.query, 1),
            "replica": (self.rig.replica.execute, 0)}
        return ["%s, %s" % (self.workload.title, data.compare(
            name, expected, data.read_fingerprints(
                query, self.tables, dialect, self.schema + ".")))
                for name, (query, dialect) in readers.items()]

    def drop(self):
        self.connector.clean()
        self.rig.publisher.query("SELECT pg_drop_replication_slot(%s)",
                                 [self.schema])
        self.rig.publisher.query("DROP PUBLICATION " + self.schema)
        for server in (self.rig.target, self.rig.subscriber,
                       self.rig.publisher):
            for prefix in ("", "base_"):
                server.query("DROP SCHEMA IF EXISTS %s%s CASCADE"
                             % (prefix, self.schema))
        for server in (self.rig.source, self.rig.replica):
            for prefix in ("", "base_"):
                server.execute("DROP DATABASE IF EXISTS %s%s"
                               % (prefix, self.schema))


def pipe_rows(read, write, table):
    """Between clusters."""
    rows = io.StringIO()
    read.copy_expert("COPY %s TO STDOUT" % table, rows)
    rows.seek(0)
    write.copy_expert("COPY %s FROM STDIN" % table, rows)


def process_cpu(pid):
    """Of all threads of a process, seconds."""
    with open("/proc/%d/stat" % pid) as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def cpu_figures(catching):
    """CPU seconds for a million changes."""
    def a_million(samples):
        return [value * 1e6 / catching.changes for value in samples]
    cpu = catching.cpu
    return [
        figure("CPU per million changes, who applies", "s",
               a_million(cpu["ours"]), "logical", a_million(cpu["logical"])),
        figure("CPU per million changes, the source's", "s",
               a_million(cpu["source"]), "logical",
               a_million(cpu["publisher"]))]


def measure(rig, options):
    rows, checks = [], []
    for name in options.workloads:
        workload = WORKLOADS[name]
        options.say("stream %s: preparing" % name)
        catching = Catching(rig, workload, options.scale)
        rivals = {"ours": catching.ours, "logical": catching.logical,
                  "replica": catching.replica}
        times = {rival: [] for rival in rivals}
        for number in range(options.rounds):
            for rival, run in rivals.items():
                times[rival].append(run())
                options.say("stream %s, run %d, %s: %.2f s" % (
                    name, number + 1, rival, times[rival][-1]))
        checks += catching.check()
        rates = {rival: [catching.changes / taken for taken in samples]
                 for rival, samples in times.items()}
        for rival in ("logical", "replica"):
            rows.append(figure(
                workload.title, "changes/s", rates["ours"], rival,
                rates[rival],
                ratio=MUST.get(name) if rival == "logical" else None))
        if name == "transactions":
            rows += cpu_figures(catching)
        catching.drop()
    return rows, checks
