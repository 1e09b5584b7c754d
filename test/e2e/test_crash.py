"""Exactly once: kill -9 of worker and postmaster while the source is busy."""

import os

import pytest

from support.crash import check_counters, kill_and_kill, wait_running
from support.writers import Writers

KILLS_WORKER = int(os.environ.get("SYNCHDB_KILLS_WORKER", 5))
KILLS_POSTMASTER = int(os.environ.get("SYNCHDB_KILLS_POSTMASTER", 2))

# how to put the rows of each table in an order that both sides agree on
TABLES = {"accounts": "ORDER BY id", "journal": "ORDER BY 1, 2, 3",
          "notes": "ORDER BY id"}


def create_tables(db):
    db.execute(
        "CREATE TABLE accounts (id INT PRIMARY KEY AUTO_INCREMENT,"
        " owner VARCHAR(40) NOT NULL, balance DECIMAL(12,2) NOT NULL)",
        # no key at all, and equal rows
        "CREATE TABLE journal (account INT, amount INT, remark VARCHAR(20))",
        "CREATE TABLE notes (id INT PRIMARY KEY AUTO_INCREMENT, body TEXT)",
        "INSERT INTO accounts (owner, balance) WITH RECURSIVE n AS"
        " (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
        " SELECT CONCAT('owner ', i), i FROM n",
        "INSERT INTO journal VALUES (0, 0, 'same'), (0, 0, 'same')")


def transfer(work):
    """Several tables in one transaction."""
    one, other = sorted(work.chance.sample(range(1, 501), 2))
    amount = work.chance.randrange(1, 5)
    work.execute("UPDATE accounts SET balance = balance - %s WHERE id = %s",
                 amount, one)
    work.execute("UPDATE accounts SET balance = balance + %s WHERE id = %s",
                 amount, other)
    work.execute("INSERT INTO journal VALUES (%s, %s, 'transfer'),"
                 " (%s, %s, 'transfer')", one, -amount, other, amount)


def write_notes(work):
    """Transactions of 1 to 5000 rows, with updates and deletes."""
    size = work.chance.choice([1, 1, 2, 2, 3, 10, 100, 1000, 5000])
    work.executemany("INSERT INTO notes (body) VALUES (%s)",
                     [("note %d" % n,) for n in range(size)])
    work.execute("DELETE FROM notes ORDER BY id LIMIT %s", int(size * 0.9))
    work.execute("UPDATE notes SET body = CONCAT(body, '!')"
                 " ORDER BY id DESC LIMIT %s", min(size, 50))


def write_journal(work):
    """A table without a key: of several equal rows, one changes."""
    work.execute("INSERT INTO journal VALUES (0, 0, 'same'), (0, 0, 'same')")
    work.execute("UPDATE journal SET remark = %s WHERE account = 0"
                 " AND remark = 'same' LIMIT 1",
                 "r%d" % work.chance.randrange(9))
    work.execute("DELETE FROM journal WHERE account = 0 LIMIT 1")


def check(db, connector, copied, writers):
    for table, order in TABLES.items():
        connector.wait_equal(table, order=order, timeout=120)
    check_counters(connector, copied, writers)


@pytest.mark.parametrize("preload", [False, True],
                         ids=["manual", "launcher"])
def test_kill(request, db, connect, preload):
    pg = request.getfixturevalue("pg_preload" if preload else "pg")
    connector = connect(pg, db)
    create_tables(db)
    connector.start()
    connector.wait_streaming()
    with Writers(db, transfer, write_notes, write_journal) as writers:
        kill_and_kill(connector, KILLS_WORKER, KILLS_POSTMASTER)
    check(db, connector, 502, writers)


@pytest.mark.parametrize("range_size", [0, 2000])
def test_kill_during_snapshot(pg, db, connect, settings, range_size):
    """What was copied is neither lost nor copied twice."""
    settings(synchdb__snapshot_range_size=str(range_size))
    connector = connect(pg, db)
    create_tables(db)
    for n in range(6):
        db.execute("CREATE TABLE bulk%d (id INT PRIMARY KEY, pad CHAR(100))"
                   % n,
                   "INSERT INTO bulk%d WITH RECURSIVE n AS (SELECT 1 AS i"
                   " UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
                   " SELECT a.i * 1000 + b.i, 'x' FROM n a, n b"
                   " WHERE b.i <= 20" % n)
    with Writers(db, transfer, write_notes, write_journal):
        connector.start()
        for _ in range(2):
            pid = connector.pid()
            if pid == -1:
                break
            pg.kill_worker(pid)
            wait_running(connector, pid)
        connector.wait_streaming()
    for table, order in TABLES.items():
        connector.wait_equal(table, order=order, timeout=120)
    for n in range(6):
        assert pg.value("SELECT count(*) FROM %s"
                        % connector.target("bulk%d" % n)) == 18000
