"""What a connector costs: memory, CPU, time to start, and how these grow.

Memory is private memory (RssAnon) of the connector's processes: all of them
together in a snapshot, else its one worker.  What a million changes cost in
CPU is measured where they are made, in stream.py.
"""

import time

import data
from report import figure
from servers import seconds, until
from support.connector import Connector
from support.memory import MemoryWatch, cpu_seconds, private_bytes
from support.source import Database
from workloads import DONE, EVENTS, MARKER, events

MB = 1024 * 1024
IDLE_SECONDS = 10
TABLES = [10, 100, 1000, 10000]
CONNECTORS = [1, 5, 20]
SMALL_TABLES = 10                   # of a connector that is to be small
LARGE_TEXT = 1000                   # bytes a row in the transaction of 1 GB
WORKERS = ("SELECT pid FROM pg_stat_activity"
           " WHERE backend_type IN ('synchdb stream', 'synchdb copy')")


class Cost:
    def __init__(self, rig, options):
        self.rig = rig
        self.options = options
        self.rows = []
        self.checks = []
        rig.source.relax()

    def connector(self, name, tables, scale=1):
        """A connector for a new database with these tables."""
        data.fill_source(self.rig.source, name, tables, scale)
        connector = Connector(self.rig.target,
                              Database(self.rig.source, name), name)
        connector.add()
        return connector

    def start(self, connector):
        """Seconds until it streams."""
        def action():
            connector.start()
            wait_streaming(connector)
        return seconds(action)

    def drop(self, connector):
        connector.clean()
        connector.database.drop()

    def memory(self, connector):
        return private_bytes(connector.pid()) / MB

    def add(self, name, unit, samples, **more):
        self.rows.append(figure(name, unit, samples, **more))
        self.options.say("cost, %s: %.4g %s"
                         % (name, self.rows[-1]["ours"]["median"], unit))

    def check(self, connector, tables):
        expected = data.read_fingerprints(
            lambda sql: connector.database.execute(sql), tables, 0)
        self.checks.append(data.compare(
            connector.name, expected, data.read_fingerprints(
                self.rig.target.query, tables, 1, connector.name + ".")))

    # one connector

    def measure_start(self):
        tables = small_tables(SMALL_TABLES)
        first, again, idle, cpu = [], [], [], []
        for _ in range(self.options.rounds):
            connector = self.connector("cost_start", tables)
            first.append(self.start(connector) * 1000)
            connector.stop()
            again.append(self.start(connector) * 1000)
            self.touch(connector, tables)
            idle.append(self.memory(connector))
            cpu.append(self.idle_cpu([connector]))
            self.check(connector, tables)
            self.drop(connector)
        self.checks = self.checks[-1:]
        self.add("start to streaming, %d tables" % SMALL_TABLES, "ms", first)
        self.add("restart to streaming", "ms", again, limit=("<=", 200))
        self.add("private memory, idle", "MB", idle, limit=("<=", 16))
        self.add("CPU, idle", "% of a core", cpu)

    def touch(self, connector, tables):
        """One change in each table, and wait for them."""
        before = connector.counters()["dmls"]
        connection = connector.database.connect()
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute("INSERT INTO %s VALUES (0, 'touched')"
                               % table.name)
        connection.close()
        until(lambda: connector.counters()["dmls"] == before + len(tables),
              "a change in each table")

    def idle_cpu(self, connectors):
        """Of their workers while nothing happens, percent of one core."""
        length = IDLE_SECONDS / (5 if self.options.quick else 1)
        pids = [connector.pid() for connector in connectors]
        before = sum(map(cpu_seconds, pids))
        time.sleep(length)
        return (sum(map(cpu_seconds, pids)) - before) / length * 100

    def measure_snapshot_memory(self):
        peaks = []
        tables = [data.WIDE, data.NARROW]
        connector = self.connector("cost_snapshot", tables,
                                   self.options.scale)
        for _ in range(self.options.rounds):
            connector.clean()
            connector.add()
            with Peak(self.rig.target) as watch:
                self.start(connector)
            peaks.append(watch.peak / MB)
        self.check(connector, tables)
        self.drop(connector)
        self.add("private memory, snapshot, all processes", "MB", peaks)

    def measure_streaming_memory(self):
        tables = [EVENTS, MARKER]
        peaks = []
        for _ in range(self.options.rounds):
            connector = self.connector("cost_stream", tables)
            self.start(connector)
            with Peak(self.rig.target) as watch:
                connection = connector.database.connect(autocommit=False)
                with connection.cursor() as cursor:
                    for statements in events(50, int(2000 *
                                                     self.options.scale)):
                        for statement in statements:
                            cursor.execute(statement)
                        connection.commit()
                    cursor.execute(DONE[0])
                    connection.commit()
                connection.close()
                self.wait_marker(connector)
            peaks.append(watch.peak / MB)
            self.check(connector, tables)
            self.drop(connector)
        self.checks[1 - self.options.rounds:] = []
        self.add("private memory, streaming", "MB", peaks, limit=("<=", 48))

    def measure_large_transaction(self):
        rows = int(1e9 / LARGE_TEXT * self.options.scale)
        tables = [data.Table("large", "id int, body text"), MARKER]
        peaks = []
        for _ in range(self.options.rounds):
            connector = self.connector("cost_large", tables)
            self.start(connector)
            with Peak(self.rig.target) as watch:
                connector.database.execute(
                    "INSERT INTO large SELECT seq, RPAD(seq, %d, MD5(seq))"
                    " FROM seq_1_to_%d" % (LARGE_TEXT, rows), DONE[0])
                self.wait_marker(connector)
            peaks.append(watch.peak / MB)
            self.check(connector, tables)
            self.drop(connector)
        self.checks[1 - self.options.rounds:] = []
        self.add("private memory, transaction of %g GB" % self.options.scale,
                 "MB", peaks, limit=("<=", 64))

    def wait_marker(self, connector):
        until(lambda: self.rig.target.query(
            "SELECT 1 FROM %s.marker" % connector.name), "the last change",
            interval=0.01)

    # growth

    def measure_tables(self):
        for count in TABLES[:2 if self.options.quick else None]:
            tables = small_tables(count)
            connector = self.connector("cost_%d_tables" % count, tables)
            title = "%s tables: " % format(count, ",")
            self.add(title + "start to streaming", "ms",
                     [self.start(connector) * 1000])
            times = []
            for _ in range(3):
                connector.stop()
                times.append(self.start(connector) * 1000)
            self.add(title + "restart to streaming", "ms", times)
            self.add(title + "memory, idle", "MB", [self.memory(connector)])
            self.touch(connector, tables)
            self.add(title + "memory, all tables changed", "MB",
                     [self.memory(connector)])
            self.check(connector, tables)
            self.drop_piecewise(connector, tables)

    def drop_piecewise(self, connector, tables):
        """All at once would need more locks than a server has by default."""
        for table in tables:
            self.rig.target.query("DROP TABLE %s.%s"
                                  % (connector.name, table.name))
        self.drop(connector)

    def measure_connectors(self):
        tables = small_tables(SMALL_TABLES)
        for count in CONNECTORS[:2 if self.options.quick else None]:
            connectors = [self.connector("cost_connector_%d" % number, tables)
                          for number in range(count)]

            def start():
                for connector in connectors:
                    connector.start()
                for connector in connectors:
                    wait_streaming(connector)
            taken = seconds(start)
            title = "%d connector%s: " % (count, "" if count == 1 else "s")
            self.add(title + "start to streaming of all", "ms", [taken * 1000])
            self.add(title + "memory, idle, all", "MB",
                     [sum(map(self.memory, connectors))])
            self.add(title + "CPU, idle, all", "% of a core",
                     [self.idle_cpu(connectors)])
            for connector in connectors:
                self.drop(connector)


class Peak(MemoryWatch):
    """The largest memory of all workers together."""

    def __init__(self, target):
        self.connection = target.connect()
        super().__init__(self.ask)

    def ask(self):
        with self.connection.cursor() as cursor:
            cursor.execute(WORKERS)
            return [pid for pid, in cursor.fetchall()]

    def watch(self):
        while not self.done.wait(0.02):
            total = 0
            for pid in self.pids():
                try:
                    total += private_bytes(pid)
                except (FileNotFoundError, ProcessLookupError, RuntimeError):
                    pass            # it has just ended
            self.peak = max(self.peak, total)

    def __exit__(self, *ignored):
        super().__exit__()
        self.connection.close()


def small_tables(count):
    return [data.Table("t%05d" % number, "id int, note varchar60", rows=1,
                       values=["seq", "'a row'"]) for number in range(count)]


def wait_streaming(connector):
    def streams():
        state = connector.state()
        if state["pid"] == -1 and state["err"] != "no error":
            raise RuntimeError(state["err"])
        return (state["stage"] == "change data capture" and
                state["state"] == "polling")
    until(streams, "streaming")


def measure(rig, options):
    cost = Cost(rig, options)
    cost.measure_start()
    cost.measure_streaming_memory()
    cost.measure_snapshot_memory()
    cost.measure_large_transaction()
    cost.measure_tables()
    cost.measure_connectors()
    rig.source.relax(False)
    return cost.rows, cost.checks
