"""SQL Server's change tables against MariaDB's binary log: the same rows,
streamed into the same PostgreSQL.

The test server's responses are recorded in the first round and replayed in the
others, so that its Python is not what is measured.  Prints, for each round,
wall and worker CPU seconds of both, and the medians' ratio.  Run as the user
that servers run as, from the top of the tree, with PG_CONFIG naming a
PostgreSQL that has the extension:

    PG_CONFIG=... python3 bench/sqlserver.py [rows] [rounds]
"""

import os
import statistics
import sys
import tempfile
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TOP, "test", "e2e"))

from support.connector import Connector                     # noqa: E402
from support.memory import cpu_seconds                      # noqa: E402
from support.postgres import Postgres                       # noqa: E402
from support.source import Database, MariaDB                # noqa: E402
from support.sqlserver import SqlServer, SqlServerDatabase  # noqa: E402
from support.wait import wait_until                         # noqa: E402

BATCH = 50                      # rows of a transaction
COLUMNS = "(id INT PRIMARY KEY, a INT, v %s(60), d %s(3))"
RECORDED = "_CT"                # reads of change tables


def values(first):
    return ", ".join(
        "(%d, %d, N'value number %d of many', '2024-02-29 12:34:56.%03d')"
        % (n, n * 7 % 1000003, n, n % 1000)
        for n in range(first, first + BATCH))


class Side:
    """A connector that streams the rows from one position, again and again."""

    def __init__(self, pg, database, kind):
        self.pg = pg
        self.connector = Connector(pg, database, kind)
        self.connector.add(type=kind)
        self.connector.start()
        self.connector.wait_streaming()
        self.connector.stop()
        self.position = pg.value("SELECT position FROM synchdb_checkpoint"
                                 " WHERE name = %s", [kind])
        self.streamed = 0
        self.wall = []
        self.cpu = []

    def stream(self, rows):
        self.streamed += rows
        begin = time.monotonic()
        self.connector.start()
        pid = self.connector.pid()
        wait_until(lambda: self.connector.counters()["creates"] >=
                   self.streamed, 600, "%d rows" % rows)
        self.wall.append(time.monotonic() - begin)
        self.cpu.append(cpu_seconds(pid))
        self.connector.stop()
        table = self.connector.target("t")
        assert self.pg.value("SELECT count(*) FROM " + table) == rows
        self.pg.query("TRUNCATE " + table)
        self.pg.query("SELECT synchdb_set_offset(%s, %s)",
                      [self.connector.name, self.position])

    def medians(self):
        """Of all rounds but the first."""
        return statistics.median(self.wall[1:]), statistics.median(self.cpu[1:])


def make_mariadb(pg, directory, rows):
    server = MariaDB(directory)
    server.start()
    database = Database(server, "bench")
    database.create()
    database.execute("CREATE TABLE t " + COLUMNS % ("VARCHAR", "DATETIME"))
    side = Side(pg, database, "mysql")
    connection = database.connect(autocommit=False)
    with connection.cursor() as cursor:
        for first in range(1, rows + 1, BATCH):
            cursor.execute("INSERT INTO t VALUES " + values(first))
            connection.commit()
    connection.close()
    return server, side


def make_sqlserver(pg, directory, rows):
    server = SqlServer(directory)
    server.start("--record", RECORDED)
    database = SqlServerDatabase(server, "cdcbench")
    database.create("ALLOW_SNAPSHOT_ISOLATION ON")
    database.execute("CREATE TABLE t " + COLUMNS % ("NVARCHAR", "DATETIME2"))
    database.capture("t")
    side = Side(pg, database, "sqlserver")
    for first in range(1, rows + 1, BATCH):
        database.execute("INSERT INTO t VALUES " + values(first))
    database.execute("EXEC sim.capture")
    return server, side


def main(rows=200000, rounds=6):
    with tempfile.TemporaryDirectory(prefix="sdb") as directory:
        directories = [os.path.join(directory, name)
                       for name in ("pg", "mariadb", "sqlserver")]
        for name in directories:
            os.mkdir(name)
        pg = Postgres(directories[0], shared_buffers="512MB")
        pg.start()
        pg.query("CREATE EXTENSION synchdb CASCADE")
        log, one = make_mariadb(pg, directories[1], rows)
        simulator, two = make_sqlserver(pg, directories[2], rows)
        for number in range(rounds):
            one.stream(rows)
            two.stream(rows)
            print("round %d: MariaDB %.2f s (CPU %.2f), SQL Server %.2f s"
                  " (CPU %.2f)%s" % (number, one.wall[-1], one.cpu[-1],
                                     two.wall[-1], two.cpu[-1],
                                     "" if number else ", being recorded"),
                  flush=True)
        wall, cpu = (a / b for a, b in zip(one.medians(), two.medians()))
        print("rows a second, SQL Server / MariaDB: %.2f; rows a CPU second"
              " of the worker: %.2f" % (wall, cpu))
        pg.stop()
        log.end()
        simulator.end()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
