"""From commit at the source to visible here, at fixed rates.

load.c makes the transactions and notes when each commit returned.  When a row
became visible is read from the write-ahead log of whoever applied it: commit
records carry the time (pg_xact_commit_timestamp would not do, which shows
the origin's for logical replication).  So nothing polls, and both clocks are
the machine's.  A value may be below zero: a change can be here before its
commit has returned there.
"""

import os
import re
import statistics
import subprocess
from datetime import datetime, timezone

import data
from report import figure
from servers import until
from support.connector import Connector
from support.source import Database

TICKS = data.Table("ticks", "id int, note varchar60")
CONNECTIONS = 16
SECONDS = {10: 30}                  # 10 at other rates
QUICK_SECONDS = {10: 4}             # 2 at other rates
COMMIT = re.compile(r"tx: +(\d+), .* COMMIT (\S+ \S+) UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
LIMITS = {1000: {"median": ("<=", 2), "99 %": ("<=", 15)}}


class Latency:
    def __init__(self, rig, options):
        self.rig = rig
        self.quick = options.quick
        self.next_id = 1
        data.fill_source(rig.source, "latency", [TICKS], 1)
        for server in (rig.publisher, rig.subscriber):
            server.query("CREATE SCHEMA latency")
            server.query(TICKS.create(1, "latency."))
        rig.publisher.query("CREATE PUBLICATION latency FOR TABLE"
                            " latency.ticks")
        rig.subscriber.query("CREATE SUBSCRIPTION latency CONNECTION '%s'"
                             " PUBLICATION latency" % rig.publisher.tcp_dsn())
        until(lambda: rig.subscriber.value(
            "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel"),
            "the subscription")
        self.connector = Connector(rig.target,
                                   Database(rig.source, "latency"), "latency")
        self.connector.add()
        self.connector.start()
        self.connector.wait_streaming()

    def run(self, kind, where, applier, rate):
        """Milliseconds, sorted, and transactions a second that were made."""
        length = (QUICK_SECONDS.get(rate, 2) if self.quick
                  else SECONDS.get(rate, 10))
        first = self.next_id
        self.next_id += int(rate * length)
        begin_lsn = applier.value("SELECT pg_current_wal_insert_lsn()")
        output = subprocess.run(
            [os.environ["SYNCHDB_BENCH_LOAD"], kind, where, str(rate),
             str(length), str(CONNECTIONS), str(first)], check=True,
            stdout=subprocess.PIPE, text=True).stdout
        returned = {}
        for line in output.splitlines():
            number, moment = line.split()
            returned[int(number)] = int(moment)
        until(lambda: applier.value("SELECT count(*) FROM latency.ticks WHERE"
                                    " id >= %d" % first) == len(returned),
              "all rows")
        # a synchronous commit, which flushes what came before
        applier.query("CREATE TABLE flushed (); DROP TABLE flushed")
        end_lsn = applier.value("SELECT pg_current_wal_flush_lsn()")
        commits = read_commits(applier, begin_lsn, end_lsn)
        delays = sorted(
            (commits[xmin] - returned[number]) / 1000 for number, xmin in
            applier.query("SELECT id, xmin::text::bigint FROM latency.ticks"
                          " WHERE id >= %d" % first))
        moments = sorted(returned.values())
        made = (len(moments) - 1) / (moments[-1] - moments[0]) * 1e6
        return delays, made

    def check(self):
        """What one side's load made is on its other side."""
        pairs = {
            "ours": (lambda sql: self.rig.source.execute(
                sql, database="latency"), 0, self.rig.target.query),
            "logical": (self.rig.publisher.query, 1,
                        self.rig.subscriber.query)}
        return ["latency, " + data.compare(
            name, data.read_fingerprints(read, [TICKS], dialect, "latency."),
            data.read_fingerprints(query, [TICKS], 1, "latency."))
                for name, (read, dialect, query) in pairs.items()]

    def drop(self):
        self.connector.clean()
        self.rig.subscriber.query("DROP SUBSCRIPTION latency")
        self.rig.publisher.query("DROP PUBLICATION latency")
        for server in (self.rig.publisher, self.rig.subscriber):
            server.query("DROP SCHEMA latency CASCADE")
        self.rig.source.execute("DROP DATABASE latency")


def read_commits(server, begin_lsn, end_lsn):
    """Microseconds since 1970 of each commit, by transaction id."""
    text = subprocess.run(
        [os.path.join(server.bin, "pg_waldump"), "-r", "Transaction",
         "-p", os.path.join(server.data, "pg_wal"), "-s", begin_lsn,
         "-e", end_lsn], check=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
        env=dict(os.environ, TZ="UTC")).stdout
    commits = {}
    for line in text.splitlines():
        match = COMMIT.search(line)
        if match:
            moment = datetime.fromisoformat(match.group(2)).replace(
                tzinfo=timezone.utc)
            commits[int(match.group(1))] = round(
                (moment - EPOCH).total_seconds() * 1e6)
    return commits


def percentile(delays, share):
    return delays[min(len(delays) - 1, int(len(delays) * share))]


def measure(rig, options):
    latency = Latency(rig, options)
    rivals = {"ours": ("mariadb", rig.source.socket, rig.target),
              "logical": ("postgres", rig.publisher.dsn(), rig.subscriber)}
    measures = {"median": statistics.median,
                "99 %": lambda delays: percentile(delays, 0.99),
                "maximum": max}
    rows = []
    for rate in map(int, options.rates):
        samples = {(rival, name): [] for rival in rivals for name in measures}
        made = {rival: [] for rival in rivals}
        for number in range(options.rounds):
            for rival, arguments in rivals.items():
                delays, actual = latency.run(*arguments, rate)
                made[rival].append(actual)
                for name, take in measures.items():
                    samples[rival, name].append(take(delays))
                options.say("latency at %d, run %d, %s: %s" % (
                    rate, number + 1, rival, ", ".join(
                        "%s %.2f ms" % (name, samples[rival, name][-1])
                        for name in measures)))
        note = "transactions a second really made: %s" % ", ".join(
            "%s %.0f" % (rival, statistics.median(some))
            for rival, some in made.items())
        for name in measures:
            limit = LIMITS.get(rate, {}).get(name)
            rows.append(figure(
                "at %s tx/s, %s" % (format(rate, ","), name), "ms",
                samples["ours", name], "logical", samples["logical", name],
                limit=limit, below=limit is not None,
                note=note if name == "median" else None))
    checks = latency.check()
    latency.drop()
    return rows, checks
