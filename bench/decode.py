"""Decoding alone, on one core: the decoder of test/fuzz, built with the
compiler's usual optimisation, runs over captured logs again and again.

Its memory contexts are malloc's, not the server's, so what allocates looks
worse here than it is.
"""

import os
import subprocess

import data
from report import figure
from workloads import EVENTS, events

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "test", "golden", "mysql")
SECONDS = 2
MUST = (">=", 1.5e6)
# the database whose tables definitions.sql lists
DATABASE = "golden"


def capture(rig, options, name, tables, change):
    """The log that change() makes, and its definitions: two paths."""
    source = rig.source
    data.fill_source(source, DATABASE, tables, 0)
    source.execute("FLUSH BINARY LOGS")
    log = source.execute("SHOW BINARY LOGS")[-1][0]
    change()
    source.execute("FLUSH BINARY LOGS")
    definitions = os.path.join(options.directory, name + ".tsv")
    with open(definitions, "w") as output, \
            open(os.path.join(GOLDEN, "definitions.sql")) as sql:
        subprocess.run(["mariadb", "--no-defaults", "-u", "root", "-S",
                        source.socket, "--batch", "--skip-column-names"],
                       stdin=sql, stdout=output, check=True)
    return os.path.join(source.data, log), definitions


def make_events(rig, options):
    connection = rig.source.connect(DATABASE, autocommit=False)
    with connection.cursor() as cursor:
        for statements in events(50, int(1000 * options.scale)):
            for statement in statements:
                cursor.execute(statement)
            connection.commit()
    connection.close()


def make_wide(rig, options):
    rig.source.execute(data.WIDE.fill(int(100000 * options.scale)),
                       database=DATABASE)


def rows_a_second(log, definitions, quick):
    output = subprocess.run(
        [os.environ["SYNCHDB_BENCH_DECODE"], "bench",
         str(SECONDS / (4 if quick else 1)), log, definitions],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(output.split()[0])


def measure(rig, options):
    rig.source.relax()
    captures = {
        "transactions of 50 single-row statements": capture(
            rig, options, "events", [EVENTS],
            lambda: make_events(rig, options)),
        "inserts of `wide`": capture(
            rig, options, "wide", [data.WIDE],
            lambda: make_wide(rig, options)),
        "every type (test/golden)": (os.path.join(GOLDEN, "mariadb.bin"),
                                     os.path.join(GOLDEN, "mariadb.tsv"))}
    rig.source.relax(False)
    samples = {name: [] for name in captures}
    for _ in range(options.rounds):
        for name, paths in captures.items():
            samples[name].append(rows_a_second(*paths, options.quick))
            options.say("decode, %s: %.0f rows/s" % (name, samples[name][-1]))
    rig.source.execute("DROP DATABASE " + DATABASE)
    return [figure(name, "rows/s", some,
                   limit=None if "golden" in name else MUST)
            for name, some in samples.items()], []
