"""Exactly once from SQL Server: kill -9 of worker and postmaster while the
source is busy."""

import os

import pytest

from support.crash import check_counters, kill_and_kill
from support.sqlserver_writers import Writable
from support.writers import Writers
from test_crash import transfer

KILLS_WORKER = int(os.environ.get("SYNCHDB_KILLS_WORKER", 3))
KILLS_POSTMASTER = int(os.environ.get("SYNCHDB_KILLS_POSTMASTER", 1))

TABLES = {"accounts": ("id, owner, balance::text", "id, owner,"
                       " CONVERT(varchar(20), balance)", "ORDER BY 1"),
          "journal": ("*", "*", "ORDER BY 1, 2, 3"),
          "notes": ("*", "*", "ORDER BY 1")}


def create_tables(db):
    db.execute(
        "CREATE TABLE accounts (id int NOT NULL PRIMARY KEY,"
        " owner nvarchar(40) NOT NULL, balance decimal(12,2) NOT NULL)",
        # no key at all, and equal rows
        "CREATE TABLE journal (account int, amount int, remark varchar(20))",
        "CREATE TABLE notes (id int IDENTITY PRIMARY KEY, body nvarchar(max))",
        "INSERT INTO accounts VALUES " + ", ".join(
            "(%d, N'owner %d', %d)" % (n, n, n) for n in range(1, 501)),
        "INSERT INTO journal VALUES (0, 0, 'same'), (0, 0, 'same')")
    db.capture("accounts", "journal", "notes")


def write_notes(work):
    """Transactions of 1 to 1000 rows, with updates and deletes."""
    size = work.chance.choice([1, 1, 2, 2, 3, 10, 100, 1000])
    work.executemany("INSERT INTO notes (body) VALUES (%s)",
                     [("note %d" % n,) for n in range(size)])
    work.execute("DELETE FROM notes WHERE id IN"
                 " (SELECT TOP (%s) id FROM notes ORDER BY id)",
                 int(size * 0.9))
    work.execute("UPDATE notes SET body = body + '!' WHERE id IN"
                 " (SELECT TOP (%s) id FROM notes ORDER BY id DESC)",
                 min(size, 50))


def write_journal(work):
    """A table without a key: of several equal rows, one changes."""
    work.execute("INSERT INTO journal VALUES (0, 0, 'same'), (0, 0, 'same')")
    work.execute("UPDATE TOP (1) journal SET remark = %s WHERE account = 0"
                 " AND remark = 'same'", "r%d" % work.chance.randrange(9))
    work.execute("DELETE TOP (1) FROM journal WHERE account = 0")


def check(db, connector, copied, writers):
    for table, (here, there, order) in TABLES.items():
        connector.wait_rows(table, db.execute("SELECT %s FROM %s %s" % (
            there, table, order)), here, order, timeout=120)
    check_counters(connector, copied, writers)


@pytest.mark.parametrize("preload", [False, True],
                         ids=["manual", "launcher"])
def test_kill(request, mdb, connect, preload):
    pg = request.getfixturevalue("pg_preload" if preload else "pg")
    connector = connect(pg, mdb)
    create_tables(mdb)
    connector.start()
    connector.wait_streaming()
    with Writers(Writable(mdb), transfer, write_notes,
                 write_journal) as writers:
        kill_and_kill(connector, KILLS_WORKER, KILLS_POSTMASTER)
    check(mdb, connector, 502, writers)
