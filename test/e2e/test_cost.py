"""Memory, latency and idle cost stay within what the manual promises."""

import os
import statistics
import time

from support.memory import MemoryWatch, cpu_seconds, private_bytes

ROWS = int(os.environ.get("SYNCHDB_ROWS_TRANSACTION", 200000))
LATENCY_MS = float(os.environ.get("SYNCHDB_LATENCY_MS", 10))
IDLE_SECONDS = 3


def test_memory_of_a_large_transaction(pg, db, connector):
    """A transaction is streamed, not collected."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, pad VARCHAR(400))")
    connector.start()
    connector.wait_streaming()
    pid = connector.pid()
    with MemoryWatch(lambda: [pid]) as watch:
        db.execute("INSERT INTO t WITH RECURSIVE n AS (SELECT 1 AS i UNION"
                   " ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT k,"
                   " REPEAT('m', 400) FROM (SELECT (a.i - 1) * 1000 + b.i AS k"
                   " FROM n a, n b) c WHERE k <= %d" % ROWS)
        connector.wait(lambda: connector.rows("t", "count(*)") == [(ROWS,)],
                       "all rows", timeout=300)
        db.execute("UPDATE t SET pad = 'short'", "DELETE FROM t")
        connector.wait(lambda: connector.rows("t", "count(*)") == [(0,)],
                       "no rows", timeout=300)
    assert 0 < watch.peak < 64 * 1024 * 1024
    assert connector.counters()["dmls"] == 3 * ROWS


def test_memory_of_large_values(db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB)")
    connector.start()
    connector.wait_streaming()
    for n in range(4):
        db.execute("INSERT INTO t VALUES (%d, REPEAT('%d', 20000000))"
                   % (n, n))
    connector.wait_rows("t", db.execute("SELECT id, SHA2(v, 256) FROM t"),
                        "id, encode(sha256(v), 'hex')", timeout=60)


def test_idle(db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)",
               "INSERT INTO t VALUES (1)")
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (2)")
    connector.wait_equal("t")
    pid = connector.pid()
    before, begin = cpu_seconds(pid), time.monotonic()
    time.sleep(IDLE_SECONDS)        # the time over which is measured
    used = cpu_seconds(pid) - before
    assert used / (time.monotonic() - begin) < 0.005
    assert private_bytes(pid) < 20 * 1024 * 1024


def test_latency(pg, db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector.start()
    connector.wait_streaming()
    source = db.connect()
    target = pg.connect()
    delays = []
    with source.cursor() as write, target.cursor() as read:
        for n in range(100):
            write.execute("INSERT INTO t VALUES (%d)" % n)
            begin = time.monotonic()
            while True:
                read.execute("SELECT 1 FROM %s WHERE id = %d"
                             % (connector.target("t"), n))
                if read.fetchone():
                    break
                assert time.monotonic() - begin < 5
            delays.append((time.monotonic() - begin) * 1000)
    source.close()
    target.close()
    assert statistics.median(delays) < LATENCY_MS
