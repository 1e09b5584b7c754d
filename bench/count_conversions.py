"""Prints how many instructions a PostgreSQL server needs to convert the values
of a fixed set of rows: those in sdb_plan_row, counted by callgrind while a
connector copies the rows.  No JSON is among them: its parser is the server's,
and would hide the rest.

usage: count_conversions.py DIRECTORY       (PG_CONFIG as for bench.py)
"""

import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "test", "e2e"))

import data                     # noqa: E402
import servers                  # noqa: E402
from support.connector import Connector     # noqa: E402
from support.source import Database         # noqa: E402

NAME = "conversions"
ROWS = 1000                         # of each table


class Counted(servers.Cluster):
    """Every process of it leaves a file with its count at its end."""

    def spawn(self, *command, **options):
        super().spawn(
            "valgrind", "--tool=callgrind", "--toggle-collect=sdb_plan_row",
            "--callgrind-out-file=%s" % os.path.join(self.directory,
                                                     "callgrind.%p"),
            *command, **options)

    def total(self):
        total = 0
        for path in glob.glob(os.path.join(self.directory, "callgrind.*")):
            with open(path) as file:
                match = re.search(r"^totals: (\d+)", file.read(),
                                  re.MULTILINE)
            total += int(match.group(1)) if match else 0
        return total


def main():
    rig = servers.Rig(sys.argv[1])
    try:
        tables = [data.WIDE, data.NARROW, data.MIXED_KINDS[-1]]
        rig.source.execute("CREATE DATABASE " + NAME)
        for table in tables:
            rig.source.execute(table.create(0), table.fill(ROWS),
                               database=NAME)
        target = rig.start(Counted, "target", shared_buffers="64MB",
                           max_parallel_maintenance_workers="0",
                           synchdb__snapshot_workers="1")
        target.query("CREATE EXTENSION synchdb CASCADE")
        connector = Connector(target, Database(rig.source, NAME), NAME)
        connector.add()
        connector.start("initial_only")
        connector.wait(lambda: connector.state()["pid"] == -1, "the copy", 300)
        if connector.counters()["rows"] != ROWS * len(tables):
            raise RuntimeError(connector.explain())
    finally:
        rig.stop()
    print(target.total())


main()
