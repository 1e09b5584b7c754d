"""What every source promises, see src/source/source.h: the scripted one and
each server that there is, under one workload.

The sources are reached through SQL functions of a test build; no worker and
no local table is involved.
"""

import itertools
import os
import threading
import time

import psycopg2
import pytest

from support.fake import Script
from support.source import FLAVORS, Database
from support.sqlserver import SqlServer, SqlServerDatabase
from support.sqlserver_writers import Connection, literal
from support.wait import wait_until
from support.workload import COLUMNS, final_rows, row_text, workload

NUMBERS = itertools.count(1)


class Subject:
    """A source with two tables, t with a key and n without."""

    truncates = True            # it can

    @staticmethod
    def seen(change):
        """A change as the stream has it, perhaps as several."""
        return [change]


class Fake(Subject):
    type = "fake"

    def __init__(self, path):
        self.db = Script(path, "conf%d" % next(NUMBERS))
        self.db.table("t", "id int, v text")
        self.db.table("n", "x int, v text", keys=())

    def run(self, changes):
        self.db.transaction(*self.db.changes(changes))

    def connections(self):
        return 0

    def drop(self):
        pass


class Server(Subject):
    type = "mysql"

    def __init__(self, server):
        self.db = Database(server, "conf%d" % next(NUMBERS))
        self.db.create()
        self.db.execute(
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(40))",
            "CREATE TABLE n (x INT, v VARCHAR(40))")

    def run(self, changes):
        connection = self.db.connect(autocommit=False)
        with connection.cursor() as cursor:
            for verb, table, *rows in changes:
                self.execute(cursor, verb, table, rows)
        connection.commit()
        connection.close()

    def execute(self, cursor, verb, table, rows):
        one, two = COLUMNS[table]
        same = "WHERE %s <=> %%s AND %s <=> %%s LIMIT 1" % (one, two)
        if verb == "insert":
            cursor.execute("INSERT INTO %s VALUES (%%s, %%s)" % table, rows)
        elif verb == "update":
            before, after = rows
            cursor.execute("UPDATE %s SET %s = %%s, %s = %%s %s"
                           % (table, one, two, same), after + before)
        elif verb == "delete":
            cursor.execute("DELETE FROM %s %s" % (table, same), rows)
        else:
            cursor.execute("TRUNCATE %s" % table)

    def connections(self):
        return self.db.server.execute(
            "SELECT COUNT(*) FROM information_schema.processlist"
            " WHERE user = '%s'" % self.db.server.user)[0][0]

    def drop(self):
        self.db.drop()


class SqlServerSubject(Subject):
    type = "sqlserver"
    truncates = False           # refused for tables that are captured

    def __init__(self, server):
        self.db = SqlServerDatabase(server, "conf%d" % next(NUMBERS))
        self.db.create("ALLOW_SNAPSHOT_ISOLATION ON")
        self.db.execute(
            "CREATE TABLE t (id int NOT NULL PRIMARY KEY, v nvarchar(40))",
            "CREATE TABLE n (x int, v nvarchar(40))")
        self.db.capture("t", "n")

    def run(self, changes):
        connection = Connection(self.db.session())
        for verb, table, *rows in changes:
            self.execute(connection, verb, table, rows)
        connection.commit()
        connection.close()

    def execute(self, connection, verb, table, rows):
        if verb == "insert":
            connection.execute("INSERT INTO %s VALUES (%%s, %%s)" % table,
                               rows)
            return
        old = rows if verb == "delete" else rows[0]
        same = " AND ".join(
            "%s IS NULL" % name if value is None else
            "%s = %s" % (name, literal(value))
            for name, value in zip(COLUMNS[table], old))
        if verb == "delete":
            connection.execute("DELETE TOP (1) FROM %s WHERE %s"
                               % (table, same))
        else:
            connection.execute("UPDATE TOP (1) %s SET %s WHERE %s" % (
                table, ", ".join("%s = %s" % (name, literal(value))
                                 for name, value in zip(COLUMNS[table],
                                                        rows[1])), same))

    @staticmethod
    def seen(change):
        """A key that changes is a delete and an insert."""
        verb, table, *rows = change
        if verb != "update" or table != "t" or rows[0][0] == rows[1][0]:
            return [change]
        return [("delete", table, *rows[0]), ("insert", table, *rows[1])]

    def connections(self):
        return len(self.db.server.control.sessions())

    def drop(self):
        self.db.drop()


@pytest.fixture(params=["fake"] + FLAVORS + [SqlServer],
                ids=lambda p: p if isinstance(p, str) else p.name)
def subject(request, functions, servers, tmp_path):
    """A source with two empty tables."""
    if request.param == "fake":
        made = Fake(tmp_path / "script")
    else:
        kind = SqlServerSubject if request.param is SqlServer else Server
        made = kind(servers(request.param))
    yield made
    made.drop()


@pytest.fixture(scope="session")
def servers(start_source):
    running = {}

    def get(flavor):
        if flavor not in running:
            running[flavor] = start_source(flavor)
        return running[flavor]
    return get


class Reader:
    """The source interface of a connector, by SQL."""

    def __init__(self, pg, subject, connector):
        self.pg = pg
        self.type = subject.type
        self.name = connector.name

    def position(self):
        return self.pg.value("SELECT test_source_position(%s)", [self.name])

    def stream(self, start, steps, wait_ms=10000):
        """Pairs of the position after a step and the step as text."""
        return self.pg.query("SELECT * FROM test_source_stream(%s, %s, %s,"
                             " %s)", [self.name, start, steps, wait_ms])

    def nothing_follows(self, start):
        return self.stream(start, 1, 300) == []

    def snapshot(self, parts=1):
        """Per table: its rows as text, and the points of its copy."""
        rows, points = {}, {}
        for table, since, until, row in self.pg.query(
                "SELECT * FROM test_source_snapshot(%s, %s)",
                [self.name, parts]):
            if row is None:
                points[table] = (since, until)
                rows.setdefault(table, [])
            else:
                rows.setdefault(table, []).append(row.split(" ", 2)[2])
        return rows, points

    def covers(self, position, before):
        return self.pg.value("SELECT test_position_covers(%s, %s, %s)",
                             [self.type, position, before])


@pytest.fixture
def reader(pg, subject, connect):
    connector = connect(pg, subject.db, type=subject.type)
    return Reader(pg, subject, connector)


def step_texts(subject, transaction):
    """A transaction as its steps' texts."""
    steps = ["BEGIN"]
    for verb, table, *rows in itertools.chain.from_iterable(
            map(subject.seen, transaction)):
        text = "%s %s" % (verb.upper(), subject.db.id(table))
        if verb == "update":
            text += " %s -> %s" % tuple(row_text(table, row) for row in rows)
        elif verb != "truncate":
            text += " " + row_text(table, rows)
        steps.append(text)
    return steps + ["COMMIT"]


def all_texts(subject, transactions):
    return [text for one in transactions for text in step_texts(subject, one)]


def final_texts(db, transactions):
    """The rows of each table after all transactions."""
    return {db.id(table): sorted(row_text(table, row) for row in rows)
            for table, rows in final_rows(transactions).items()}


def by_transaction(steps):
    """(position before, position after, steps between BEGIN and COMMIT)"""
    result = []
    for position, change in steps:
        if change == "BEGIN":
            result.append([position, None, []])
        elif change == "COMMIT":
            result[-1][1] = position
        else:
            result[-1][2].append(change)
    return result


@pytest.fixture
def played(subject, reader):
    """A workload that the source has in its log: where it starts, the
    transactions, and the steps that the stream gave."""
    start = reader.position()
    transactions = list(workload(1, 40, subject.truncates))
    for one in transactions:
        subject.run(one)
    steps = reader.stream(start, len(all_texts(subject, transactions)))
    return start, transactions, steps


def test_whole_transactions_in_order(subject, reader, played):
    _, transactions, steps = played
    assert [change for _, change in steps] == \
        all_texts(subject, transactions)
    assert reader.nothing_follows(steps[-1][0])


def test_restart_after_any_commit_yields_the_rest(subject, reader, played):
    """With the same positions, so nothing more and nothing less."""
    _, transactions, steps = played
    commits = [number for number, (_, change) in enumerate(steps)
               if change == "COMMIT"]
    assert len(commits) == len(transactions)
    for number in commits[::7] + commits[-2:-1]:
        rest = steps[number + 1:]
        assert reader.stream(steps[number][0], len(rest)) == rest


def test_restart_inside_a_transaction_repeats_it(subject, reader, played):
    _, transactions, steps = played
    begins = [number for number, (_, change) in enumerate(steps)
              if change == "BEGIN"]
    begin, end = max(zip(begins, begins[1:]),
                     key=lambda span: span[1] - span[0])
    before = steps[begin][0]
    assert end - begin > 5
    assert {position for position, _ in steps[begin:end - 1]} == {before}
    assert steps[end - 1][1] == "COMMIT"
    rest = steps[begin:]
    assert reader.stream(before, len(rest)) == rest


def test_the_end_is_a_position_too(subject, reader, played):
    _, _, steps = played
    end = steps[-1][0]
    assert reader.nothing_follows(end)
    more = list(workload(1, 41, subject.truncates))[40:]
    subject.run(more[0])
    texts = all_texts(subject, more)
    assert [change for _, change in reader.stream(end, len(texts))] == texts


def test_covers(reader, played):
    start, _, steps = played
    spans = by_transaction(steps)
    after = [start] + [span[1] for span in spans]
    before = [span[0] for span in spans]
    found = reader.pg.query(
        "SELECT i, j, test_position_covers(%s, a, b)"
        " FROM unnest(%s) WITH ORDINALITY x (a, i),"
        " unnest(%s) WITH ORDINALITY y (b, j)", [reader.type, after, before])
    assert len(found) == 41 * 40
    # the state after i - 1 transactions contains the first i - 1 of them
    assert [row for row in found if row[2] != (row[1] <= row[0] - 1)] == []


def test_position_check(reader, played):
    start, _, steps = played
    for position in {start} | {position for position, _ in steps}:
        assert reader.pg.value("SELECT test_position_check(%s, %s)",
                               [reader.type, position]) is None
    for wrong in ("", "nonsense", "{", "{}", "[]", '"x"', "7", "null",
                  '{"pos": "x"}', '{"pos": -1}', '{"pos": 1.5}',
                  start + "x", start[:-1]):
        assert reader.pg.value("SELECT test_position_check(%s, %s)",
                               [reader.type, wrong]), wrong


def replay(reader, steps, rows, points):
    """Brings a copy up to date as the engine does, invariant 2."""
    for before, _, changes in by_transaction(steps):
        for change in changes:
            verb, table, *text = change.split(" ", 2)
            since, until = points[table]
            if reader.covers(since, before):
                continue
            window = until is not None and reader.covers(until, before)
            here = rows[table]
            if verb == "TRUNCATE":
                here.clear()
                continue
            old, new = (text[0].split(" -> ") if verb == "UPDATE" else
                        (text[0], None) if verb == "DELETE" else
                        (None, text[0]))
            for gone in (old, new) if window else (old,):
                if gone is not None and window:
                    key = gone.split(" ")[0]
                    here[:] = [row for row in here
                               if row.split(" ")[0] != key]
                elif gone is not None:
                    here.remove(gone)
            if new is not None:
                here.append(new)


@pytest.mark.parametrize("parts", [1, 3])
def test_snapshot_and_what_follows(subject, reader, parts):
    """Copied while the source is being written to (rows only: servers refuse
    to read on in a table that was truncated)."""
    start = reader.position()
    transactions = list(workload(2, 120, truncates=False))
    for one in transactions[:60]:
        subject.run(one)
    writer = threading.Thread(target=lambda: [
        subject.run(one) for one in transactions[60:]])
    writer.start()
    rows, points = reader.snapshot(parts)
    writer.join()
    assert set(rows) == set(points) == {subject.db.id("t"),
                                        subject.db.id("n")}
    texts = all_texts(subject, transactions)
    steps = reader.stream(start, len(texts))
    assert [change for _, change in steps] == texts
    replay(reader, steps, rows, points)
    assert {table: sorted(some) for table, some in rows.items()} == \
        final_texts(subject.db, transactions)


def test_snapshot_with_a_window(pg, functions, connect, tmp_path):
    """The scripted source alone can have any window at will."""
    subject = Fake(tmp_path / "script")
    transactions = list(workload(3, 100))
    positions = []
    for one in transactions:
        positions.append(subject.db.position())
        subject.run(one)
    subject.db.point("t", positions[30], positions[70])
    subject.db.point("n", positions[50])
    reader = Reader(pg, subject, connect(pg, subject.db, type="fake"))
    start = reader.position()
    assert start == '{"pos":%d}' % positions[30]
    rows, points = reader.snapshot()
    at = [final_texts(subject.db, transactions[:n]) for n in (30, 50, 70)]
    t = subject.db.id("t")
    n = subject.db.id("n")
    assert sorted(rows[n]) == at[1][n]
    assert sorted(rows[t]) not in (at[0][t], at[2][t])
    replay(reader, reader.stream(start, 100000, 0), rows, points)
    assert {table: sorted(some) for table, some in rows.items()} == \
        final_texts(subject.db, transactions)


def test_split_is_the_whole_table(subject, reader):
    subject.run([("insert", "t", key, "row %d" % key)
                 for key in range(-20, 200, 3)])
    whole, _ = reader.snapshot()
    for parts in (2, 3, 7):
        split, _ = reader.snapshot(parts)
        for table, rows in whole.items():
            assert sorted(split[table]) == sorted(rows)


def test_describe(pg, subject, reader):
    names = {table: subject.db.id(table) for table in COLUMNS}
    both = dict(pg.query("SELECT * FROM test_source_describe(%s)",
                         [reader.name]))
    assert set(both) == set(names.values())
    one = pg.query("SELECT id, definition::jsonb -> 'keys',"
                   " definition::jsonb #>> '{columns,1,name}'"
                   " FROM test_source_describe(%s, %s)",
                   [reader.name, [names["t"], subject.db.id("missing")]])
    assert one == [(names["t"], [0], "v")]
    assert pg.query("SELECT definition::jsonb -> 'keys'"
                    " FROM test_source_describe(%s, %s)",
                    [reader.name, [names["n"]]]) == [([],)]


def test_check_passes(pg, reader):
    items = pg.query("SELECT name, detail FROM test_source_check(%s)",
                     [reader.name])
    assert items and all(name and detail for name, detail in items)
    assert pg.query("SELECT * FROM test_source_check(%s)"
                    " WHERE fatal AND NOT passed", [reader.name]) == []
    assert pg.query("SELECT * FROM test_source_check(%s)"
                    " WHERE passed AND hint IS NOT NULL", [reader.name]) == []


def test_only_captured_tables(pg, subject, connect):
    """Positions go on past transactions of which nothing is captured."""
    connector = connect(pg, subject.db, type=subject.type,
                        tables=subject.db.id("n"))
    reader = Reader(pg, subject, connector)
    start = reader.position()
    transactions = list(workload(4, 20, subject.truncates))
    for one in transactions:
        subject.run(one)
    assert set(reader.snapshot()[0]) == {subject.db.id("n")}
    captured = [change for change in all_texts(subject, transactions)
                if ".n " in change]
    steps = []

    def all_seen():
        steps[:] = reader.stream(start, 1000, 200)
        return steps and captured[-1] in [change for _, change in steps]
    wait_until(all_seen, 20, "the last change")
    assert [change for one in by_transaction(steps) for change in one[2]] \
        == captured


def test_idle_waits_at_once(pg, subject, reader, played):
    _, _, steps = played
    assert pg.value("SELECT test_source_idle(%s, %s, 20)",
                    [reader.name, steps[-1][0]]) < 50


def open_files(pid):
    """What is open beyond the server's own files."""
    found = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            name = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except FileNotFoundError:
            continue
        if "/base/" not in name and "/global/" not in name and \
                "/pg_wal/" not in name:
            found.append(name.split("[")[0])
    return sorted(found)


@pytest.mark.parametrize("cancel", [False, True], ids=["error", "cancel"])
def test_error_in_any_call_leaks_nothing(pg, subject, reader, cancel):
    """An error in the n-th call, and the end of what holds the source."""
    start = reader.position()
    for one in workload(5, 10, subject.truncates):
        subject.run(one)
    session = pg.connect()
    cursor = session.cursor()
    call = "SELECT test_source_fail(%s, %s, %s, %s)"
    cursor.execute(call, [reader.name, start, 0, False])
    ncalls = cursor.fetchone()[0]
    assert ncalls > 15

    def fail_everywhere():
        for number in range(1, ncalls + 1):
            begun = time.monotonic()
            with pytest.raises(psycopg2.errors.QueryCanceled):
                cursor.execute(call, [reader.name, start, number, cancel])
            assert time.monotonic() - begun < 2

    def used():
        cursor.execute("SELECT sum(total_bytes), test_heap()"
                       " FROM pg_backend_memory_contexts")
        return cursor.fetchone()

    pid = session.info.backend_pid
    connections = subject.connections()
    fail_everywhere()           # caches of the session grow the first time
    files = open_files(pid)
    memory, heap = used()
    for _ in range(2):
        fail_everywhere()
    assert open_files(pid) == files
    memory_after, heap_after = used()
    # a leak of 400 bytes a call would show
    assert memory_after - memory < 16 * 1024
    assert heap_after - heap < 16 * 1024
    cursor.execute("SELECT name FROM pg_backend_memory_contexts"
                   " WHERE name ILIKE '%source%'")
    assert cursor.fetchall() == []
    # those of an earlier test may have been ending when they were counted
    wait_until(lambda: subject.connections() <= connections, 10,
               "the connections to be gone")
    session.close()
