"""The engine, from copy to commit, with a source that does as it is told."""

import itertools
import json
import time

import psycopg2
import pytest

from support.crash import Crash, make_durable, survive
from support.failpoint import Failpoint
from support.fake import Script
from support.wait import wait_until
from support.workload import final_rows, sort_key, workload

NUMBERS = itertools.count(1)

STREAM_FAILPOINTS = ["pipeline-before-apply", "pipeline-after-apply",
                     "pipeline-before-checkpoint", "pipeline-before-commit",
                     "pipeline-after-commit"]
COPY_FAILPOINTS = ["copy-before-load", "copy-before-commit"]


@pytest.fixture
def script(tmp_path):
    """Two tables: t with a key, n without."""
    script = Script(tmp_path / "script", "fake%d" % next(NUMBERS))
    script.table("t", "id int, v text")
    script.table("n", "x int, v text", keys=())
    return script


@pytest.fixture
def connector(pg, script, connect):
    return connect(pg, script, type="fake")


@pytest.fixture
def streaming(connector):
    connector.start()
    connector.wait_streaming()
    return connector


@pytest.fixture(scope="module")
def pg_crash(start_postgres):
    """A server that crashes in these tests alone."""
    return start_postgres()


@pytest.fixture
def crashing(pg_crash, script, connect):
    return connect(pg_crash, script, type="fake")


@pytest.fixture
def failpoint(request):
    """Of the server that the test's connector runs in."""
    name = "pg_crash" if "crashing" in request.fixturenames else "pg"
    point = Failpoint(request.getfixturevalue(name))
    yield point
    point.clear()


def position_text(position):
    return '{"pos":%d}' % position


def stored_position(connector):
    return connector.pg.value("SELECT position FROM synchdb_checkpoint"
                              " WHERE name = %s", [connector.name])


def stages(connector):
    return dict(connector.pg.query(
        "SELECT source_table, stage FROM synchdb_table WHERE name = %s",
        [connector.name]))


def errors(connector):
    return connector.pg.query(
        "SELECT position, source_table, change, sqlstate, message"
        " FROM synchdb_error WHERE name = %s ORDER BY id", [connector.name])


def found_rows(connector):
    return {table: sorted(connector.rows(table), key=sort_key)
            for table in "tn" if connector.exists(table)}


def wait_all(connector, transactions, timeout=30):
    """Until both tables hold what the transactions make of them."""
    expected = final_rows(transactions)
    for table in "tn":
        connector.wait(lambda: found_rows(connector).get(table) ==
                       expected[table], "equal rows in " + table, timeout)


def wait_position(connector, position):
    """Until all before that position is committed here."""
    connector.wait(lambda: json.loads(stored_position(connector) or
                                      '{"pos":-1}')["pos"] >= position,
                   "the end of the script")


def numbers(transactions):
    """What the counters must say of these."""
    verbs = [change[0] for one in transactions for change in one]
    return {"creates": verbs.count("insert"),
            "updates": verbs.count("update"),
            "deletes": verbs.count("delete"),
            "truncates": verbs.count("truncate"),
            "dmls": len(verbs) - verbs.count("truncate"),
            "txs": len(transactions), "bad_events": 0}


def counted(connector, names):
    counters = connector.counters()
    return {name: counters[name] for name in names}


# Copy and stream

def test_copy_then_stream(script, connector):
    before = list(workload(11, 40))
    script.transactions(*map(script.changes, before[:20]))
    connector.start()
    connector.wait_streaming()
    assert found_rows(connector) == final_rows(before[:20])
    for one in before[20:]:
        script.transaction(*script.changes(one))
    wait_all(connector, before)
    wait_position(connector, script.position())
    expected = numbers(before[20:])
    assert counted(connector, expected) == expected
    copied = final_rows(before[:20])
    assert connector.counters()["reads"] == sum(map(len, copied.values()))
    assert set(stages(connector).values()) == {"streaming"}


def test_null_and_unchanged(script, streaming):
    script.transaction(
        script.insert("t", 1, "one"), script.insert("t", 2, None),
        script.insert("t", 3, ""), script.insert("n", 1, None),
        script.insert("n", 1, "x"))
    script.transaction(
        script.update("t", (1, ...), (11, ...)),
        script.update("t", (2, ...), (2, "two")),
        script.update("t", (3, ...), (3, None)),
        script.delete("n", 1, None))
    streaming.wait_rows("t", [(2, "two"), (3, None), (11, "one")])
    streaming.wait_rows("n", [(1, "x")])


def test_transactions_share_a_commit(script, streaming):
    """What is ready at once is committed at once."""
    streaming.stop()
    before = streaming.counters()
    script.transactions([script.insert("t", 1, "a")],
                        [script.update("t", (1, "a"), (1, "b"))],
                        [script.delete("t", 1, "b"),
                         script.insert("t", 2, "c")])
    streaming.start()
    streaming.wait_rows("t", [(2, "c")])
    after = streaming.counters()
    assert after["txs"] - before["txs"] == 3
    assert after["batches_done"] - before["batches_done"] == 1


def test_a_quiet_source_commits_at_once(script, streaming):
    """WAIT between two transactions ends the local one."""
    streaming.stop()
    before = streaming.counters()
    for key in range(3):
        script.transaction(script.insert("t", key, "a"))
        script.append(("WAIT",))
    streaming.start()
    streaming.wait_rows("t", [(0, "a"), (1, "a"), (2, "a")])
    after = streaming.counters()
    assert after["txs"] - before["txs"] == 3
    assert after["batches_done"] - before["batches_done"] == 3


def test_batch_limit(script, streaming, settings):
    """A batch ends with the transaction that makes it full."""
    settings(synchdb__dbz_batch_size="3")
    streaming.stop()
    before = streaming.counters()
    script.transactions(*[[script.insert("t", 2 * key, "a"),
                           script.insert("t", 2 * key + 1, "b")]
                          for key in range(5)])
    streaming.start()
    streaming.wait_rows("t", [(key, "ab"[key % 2]) for key in range(10)])
    after = streaming.counters()
    assert after["txs"] - before["txs"] == 5
    assert after["batches_done"] - before["batches_done"] == 3


def test_half_a_transaction_is_not_seen(script, streaming):
    """A source may stall inside a transaction; a stop does not wait."""
    position = script.position()
    script.append(("BEGIN",), script.insert("t", 1, "a"), ("WAIT",),
                  script.insert("t", 2, "b"))
    streaming.pg.query("SELECT 1")
    begun = time.monotonic()
    streaming.stop()
    assert time.monotonic() - begun < 1
    assert streaming.rows("t") == []
    assert stored_position(streaming) <= position_text(position)
    streaming.start()
    streaming.wait_streaming()
    assert streaming.rows("t") == []
    script.append(script.insert("t", 3, "c"), ("COMMIT",))
    streaming.wait_rows("t", [(1, "a"), (2, "b"), (3, "c")])
    assert counted(streaming, ["creates", "txs"]) == {"creates": 3, "txs": 1}


def test_create_and_drop_follow(script, streaming):
    script.transaction(script.create("c", "id int, v text, w text"),
                       script.insert("c", 1, "a", None),
                       script.insert("t", 1, "a"))
    streaming.wait_rows("c", [(1, "a", None)])
    assert stages(streaming)[script.id("c")] == "streaming"
    # the stored definition serves the next start
    streaming.stop()
    script.transaction(script.update("c", (1, "a", None), (2, "b", "x")))
    streaming.start()
    streaming.wait_rows("c", [(2, "b", "x")])
    script.transaction(script.drop("c"), script.insert("t", 2, "b"))
    streaming.wait_rows("t", [(1, "a"), (2, "b")])
    assert not streaming.exists("c")
    assert script.id("c") not in stages(streaming)
    script.transaction(script.create("c", "id int, other text"),
                       script.insert("c", 7, "new"))
    streaming.wait_rows("c", [(7, "new")])
    assert counted(streaming, ["ddls", "bad_events"]) == \
        {"ddls": 3, "bad_events": 0}


def test_only_captured_tables(pg, script, connect):
    connector = connect(pg, script, type="fake", tables=script.id("t"))
    connector.start()
    connector.wait_streaming()
    script.transaction(script.insert("n", 1, "x"))
    end = script.transaction(script.insert("t", 1, "a"),
                             script.insert("n", 2, "x"))
    connector.wait_rows("t", [(1, "a")])
    wait_position(connector, end + 1)
    assert not connector.exists("n")
    assert connector.counters()["creates"] == 1


# Where a copy's point is not the stream's

def windowed(script, seed=12, at=(30, 50, 70)):
    """A workload whose copies have a window (t) and an older point (n)."""
    transactions = list(workload(seed, 100))
    positions = script.transactions(*map(script.changes, transactions))
    since, exact, until = (positions[number] for number in at)
    script.point("t", since, until)
    script.point("n", exact)
    return transactions


@pytest.mark.parametrize("seed", range(12, 20))
def test_window(script, connector, seed):
    """Rows copied at any moment of the window come out right."""
    transactions = windowed(script, seed)
    connector.start()
    wait_all(connector, transactions)
    wait_position(connector, script.position())
    connector.wait(lambda: set(stages(connector).values()) == {"streaming"},
                   "the tables to be past their points")
    assert errors(connector) == []


def test_window_survives_restarts(script, connector, settings, failpoint):
    """Every commit inside it is a point to go on from."""
    settings(synchdb__dbz_batch_size="6")
    transactions = windowed(script)
    reached = set()
    for number in range(10):
        failpoint.arm(("pipeline-after-commit",
                       "pipeline-before-commit")[number % 2], "wait")
        connector.start()
        failpoint.wait_reached()
        connector.stop()
        reached.add(stored_position(connector))
    assert len(reached) > 4
    assert stages(connector)[script.id("t")] == "copied"
    failpoint.clear()
    connector.start()
    wait_all(connector, transactions)


def test_strict_after_the_window(script, connector):
    """What the window forgives is an error once it is over."""
    windowed(script)
    script.truncate("t")
    connector.start()
    wait_position(connector, script.position())
    at = script.transaction(script.update("t", (1000, "a"), (1000, "b")))
    text = connector.wait_failed()
    assert script.id("t") in text
    assert stored_position(connector) == position_text(at)
    assert (1000, "b") not in connector.rows("t")


def test_tables_that_were_never_copied(script, connector):
    """no_data: what is not there need not be there."""
    script.transaction(script.insert("t", 1, "a"), script.insert("t", 2, "b"),
                       script.insert("t", 3, "c"))
    connector.start("no_data")
    connector.wait_streaming()
    assert connector.rows("t") == []
    script.transaction(script.update("t", (1, "a"), (1, "A")),
                       script.delete("t", 2, "b"),
                       script.insert("t", 4, "d"))
    script.transaction(script.update("t", (3, "c"), (33, "c")))
    connector.wait_rows("t", [(1, "A"), (4, "d"), (33, "c")])
    assert set(stages(connector).values()) == {"partial"}
    assert errors(connector) == []


# Errors

@pytest.fixture
def in_conflict(pg, script, streaming):
    """A stopped connector; the second of three transactions meets a row
    that is in its way.  Gives the position of that transaction."""
    streaming.stop()
    pg.query("INSERT INTO %s VALUES (5, 'mine')" % streaming.target("t"))
    return script.transactions(
        [script.insert("t", 4, "a")],
        [script.insert("t", 6, "b"), script.insert("t", 5, "theirs"),
         script.insert("n", 1, "c")],
        [script.insert("t", 7, "d"), script.delete("t", 4, "a")])[1]


def test_exit_names_the_change(pg, script, streaming, in_conflict):
    """What precedes it is applied, and it is tried again at the next start."""
    streaming.start()
    text = streaming.wait_failed()
    assert "duplicate key" in text
    assert script.id("t") in text
    assert position_text(in_conflict) in text
    assert streaming.rows("t", order="ORDER BY 1") == [(4, "a"), (5, "mine")]
    assert streaming.rows("n") == []
    assert stored_position(streaming) == position_text(in_conflict)
    assert errors(streaming) == []
    assert counted(streaming, ["creates", "txs"]) == {"creates": 1, "txs": 1}

    pg.query("DELETE FROM %s WHERE id = 5" % streaming.target("t"))
    streaming.start()
    streaming.wait_rows("t", [(5, "theirs"), (6, "b"), (7, "d")])
    streaming.wait_rows("n", [(1, "c")])
    assert counted(streaming, ["creates", "deletes", "txs", "bad_events"]) \
        == {"creates": 5, "deletes": 1, "txs": 3, "bad_events": 0}
    assert streaming.state()["err"] == "no error"


def test_skip_records_the_change(script, streaming, settings, in_conflict):
    settings(synchdb__error_handling_strategy="skip")
    streaming.start()
    streaming.wait_rows("t", [(5, "mine"), (6, "b"), (7, "d")])
    streaming.wait_rows("n", [(1, "c")])
    found = errors(streaming)
    assert [row[:4] for row in found] == [
        (position_text(in_conflict), script.id("t"),
         "INSERT %s id=5 v='theirs'" % script.id("t"), "23505")]
    assert "duplicate key" in found[0][4]
    assert counted(streaming, ["creates", "deletes", "txs", "bad_events"]) \
        == {"creates": 4, "deletes": 1, "txs": 3, "bad_events": 1}
    # and it goes on in batches
    before = streaming.counters()["batches_done"]
    streaming.stop()
    script.transactions(*[[script.insert("t", key, "z")]
                          for key in range(100, 105)])
    streaming.start()
    streaming.wait(lambda: len(streaming.rows("t")) == 8, "five more rows")
    assert streaming.counters()["batches_done"] == before + 1
    assert len(errors(streaming)) == 1


def test_skip_of_rows_that_are_not_there(script, streaming, settings):
    settings(synchdb__error_handling_strategy="skip")
    script.transaction(script.insert("t", 1, "a"),
                       script.update("t", (2, "x"), (2, "y")),
                       script.delete("t", 3, "x"),
                       script.delete("n", 4, "x"),
                       script.insert("t", 5, "b"))
    streaming.wait_rows("t", [(1, "a"), (5, "b")])
    assert [row[2:4] for row in errors(streaming)] == [
        ("UPDATE %s id=2 v='x' -> id=2 v='y'" % script.id("t"), "P0002"),
        ("DELETE %s id=3 v='x'" % script.id("t"), "P0002"),
        ("DELETE %s x=4 v='x'" % script.id("n"), "P0002")]
    assert counted(streaming, ["creates", "bad_events", "total_events"]) == \
        {"creates": 2, "bad_events": 3, "total_events": 5}


def test_retry_waits_for_help(pg, script, streaming, settings, in_conflict):
    """The worker stays, and goes on once the row is out of the way."""
    settings(synchdb__error_handling_strategy="retry")
    streaming.start()
    wait_until(lambda: "duplicate key" in streaming.state()["err"], 30,
               "the error to be seen", streaming.explain)
    assert streaming.pid() > 0
    pg.query("DELETE FROM %s WHERE id = 5" % streaming.target("t"))
    streaming.wait_rows("t", [(5, "theirs"), (6, "b"), (7, "d")])
    wait_until(lambda: streaming.state()["err"] == "no error", 10,
               "the error to be gone", streaming.explain)
    assert errors(streaming) == []


@pytest.mark.parametrize("strategy", ["exit", "skip", "retry"])
def test_lost_link_is_tried_again(script, streaming, settings, strategy):
    """In the middle of a transaction, after another one."""
    settings(synchdb__error_handling_strategy=strategy)
    pid = streaming.pid()
    script.append(("BEGIN",), script.insert("t", 1, "a"), ("COMMIT",),
                  ("BEGIN",), script.insert("t", 2, "b"), ("ERROR", "link"))
    wait_until(lambda: "lost connection" in streaming.state()["err"], 30,
               "the error to be seen", streaming.explain)
    script.append(script.insert("t", 3, "c"), ("COMMIT",))
    streaming.wait_rows("t", [(1, "a"), (2, "b"), (3, "c")])
    wait_until(lambda: streaming.state()["err"] == "no error", 10,
               "the error to be gone", streaming.explain)
    assert streaming.pid() == pid
    assert errors(streaming) == []
    assert counted(streaming, ["creates", "txs", "bad_events"]) == \
        {"creates": 3, "txs": 2, "bad_events": 0}


@pytest.mark.parametrize("strategy", ["exit", "skip"])
def test_malformed_log_is_not_skipped(script, streaming, settings, strategy):
    """Nothing can be left out of a log that cannot be read."""
    settings(synchdb__error_handling_strategy=strategy)
    script.append(("BEGIN",), script.insert("t", 1, "a"), ("COMMIT",),
                  ("BEGIN",), script.insert("t", 2, "b"), ("ERROR", "data"))
    assert "malformed" in streaming.wait_failed()
    assert streaming.rows("t") == [(1, "a")]
    assert errors(streaming) == []
    script.append(("COMMIT",))
    streaming.start()
    streaming.wait_rows("t", [(1, "a"), (2, "b")])
    assert counted(streaming, ["creates", "txs"]) == {"creates": 2, "txs": 2}


@pytest.mark.parametrize("name", STREAM_FAILPOINTS)
def test_error_between_changes_is_mended(script, streaming, failpoint, name):
    """A batch that fails for no change's fault is applied change by change."""
    transactions = list(workload(21, 30))
    streaming.stop()
    failpoint.arm(name, "error")
    script.transactions(*map(script.changes, transactions))
    streaming.start()
    failpoint.wait_reached()
    wait_all(streaming, transactions)
    wait_position(streaming, script.position())
    expected = numbers(transactions)
    assert counted(streaming, expected) == expected
    assert errors(streaming) == []


@pytest.mark.parametrize("name", COPY_FAILPOINTS)
def test_error_while_copying(script, connector, failpoint, name):
    """Named, and the next start copies what is missing."""
    transactions = list(workload(22, 10))
    script.transactions(*map(script.changes, transactions))
    failpoint.arm(name, "error")
    try:
        connector.start()
    except psycopg2.Error as error:
        assert "failpoint" in str(error)
    assert "failpoint" in connector.wait_failed()
    connector.start()
    connector.wait_streaming()
    assert found_rows(connector) == final_rows(transactions)
    rows = final_rows(transactions)
    assert counted(connector, ["reads", "tables"]) == \
        {"reads": sum(map(len, rows.values())), "tables": 2}


@pytest.mark.parametrize("name", COPY_FAILPOINTS + STREAM_FAILPOINTS[:4])
def test_stop_at_any_moment(script, connector, failpoint, name):
    transactions = list(workload(23, 20))
    if name in COPY_FAILPOINTS:
        script.transactions(*map(script.changes, transactions))
        failpoint.arm(name, "wait")
        connector.start()
    else:
        connector.start()
        connector.wait_streaming()
        failpoint.arm(name, "wait")
        script.transactions(*map(script.changes, transactions))
    failpoint.wait_reached()
    begun = time.monotonic()
    connector.stop()
    assert time.monotonic() - begun < 1
    assert connector.pid() == -1
    failpoint.clear()
    connector.start()
    wait_all(connector, transactions)


# Exactly once

@pytest.mark.parametrize("name", STREAM_FAILPOINTS)
def test_kill_while_streaming(pg_crash, script, crashing, failpoint, name):
    transactions = list(workload(31, 60))
    script.transactions(*map(script.changes, transactions[:20]))
    crashing.start()
    crashing.wait_streaming()
    make_durable(pg_crash)
    crash = Crash(crashing, failpoint, name)
    script.transactions(*map(script.changes, transactions[20:40]))
    crash.wait()
    script.transactions(*map(script.changes, transactions[40:]))
    wait_all(crashing, transactions)
    wait_position(crashing, script.position())
    expected = numbers(transactions[20:])
    assert counted(crashing, expected) == expected


@pytest.mark.parametrize("name", COPY_FAILPOINTS)
def test_kill_while_copying(script, crashing, failpoint, name):
    transactions = list(workload(32, 30))
    script.transactions(*map(script.changes, transactions[:20]))
    crash = Crash(crashing, failpoint, name)
    survive(crashing.start)     # the server goes down under the call
    crash.wait()
    script.transactions(*map(script.changes, transactions[20:]))
    wait_all(crashing, transactions)
    wait_position(crashing, script.position())
    expected = numbers(transactions[20:])
    assert counted(crashing, expected) == expected
    copied = final_rows(transactions[:20])
    assert counted(crashing, ["reads", "tables"]) == \
        {"reads": sum(map(len, copied.values())), "tables": 2}


@pytest.mark.parametrize("name", ["pipeline-before-commit",
                                  "pipeline-after-commit"])
def test_kill_inside_a_window(script, crashing, failpoint, name):
    """States of tables roll back with the data."""
    transactions = windowed(script)
    crash = Crash(crashing, failpoint, name)
    survive(crashing.start)
    crash.wait()
    wait_all(crashing, transactions)
    crashing.wait(lambda: set(stages(crashing).values()) == {"streaming"},
                  "the tables to be past their points")


def test_crash_after_crash_ends(pg_crash, script, crashing, failpoint):
    """A worker that only ever crashes must not keep the server down."""
    crashing.start()
    crashing.wait_streaming()
    make_durable(pg_crash)

    def gave_up():
        state = survive(crashing.state)
        return state and state["pid"] == -1 and \
            "crashed 10 times in a row" in state["err"]

    failpoint.arm("pipeline-before-apply", "crash")
    script.transactions(script.changes(next(iter(workload(33, 1)))))
    wait_until(gave_up, 120, "the worker to stay down")
    failpoint.clear()
    crashing.start()
    wait_position(crashing, script.position())
    assert crashing.state()["err"] == "no error"


# Key ranges

RANGE_FAILPOINTS = ["copy-before-split", "copy-before-range",
                    "copy-before-commit", "copy-after-commit",
                    "copy-before-completion"]


@pytest.fixture
def in_ranges(request, settings):
    """Tables of more than five rows are copied in ranges."""
    if "pg_crash" in request.fixturenames:
        pg = request.getfixturevalue("pg_crash")
        pg.query("ALTER SYSTEM SET synchdb.snapshot_range_size = 5")
        pg.reload()
    else:
        settings(synchdb__snapshot_range_size="5")


def many_changes(seed):
    """Transactions that leave some dozens of rows, and more after them."""
    transactions = list(workload(seed, 200, truncates=False))
    return transactions[:150], transactions[150:]


def test_ranges(script, connector, in_ranges):
    """Ranges of one table come together as one."""
    before, after = many_changes(41)
    script.transactions(*map(script.changes, before))
    connector.start()
    connector.wait_streaming()
    copied = final_rows(before)
    assert found_rows(connector) == copied
    assert counted(connector, ["reads", "tables"]) == \
        {"reads": sum(map(len, copied.values())), "tables": 2}
    assert connector.pg.query("SELECT * FROM synchdb_range") == []
    assert connector.pg.value(
        "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass AND"
        " indisprimary", [connector.target("t")]) == 1
    script.transactions(*map(script.changes, after))
    wait_all(connector, before + after)
    assert set(stages(connector).values()) == {"streaming"}


@pytest.mark.parametrize("name", RANGE_FAILPOINTS)
def test_kill_while_copying_ranges(script, crashing, failpoint, in_ranges,
                                   name):
    """Each range once, and what is copied later shows a later point."""
    before, after = many_changes(42)
    script.transactions(*map(script.changes, before))
    crash = Crash(crashing, failpoint, name)
    survive(crashing.start)
    failpoint.wait_reached()
    script.transactions(*map(script.changes, after[:25]))
    crash.wait()
    script.transactions(*map(script.changes, after[25:]))
    wait_all(crashing, before + after)
    crashing.wait(lambda: set(stages(crashing).values()) == {"streaming"},
                  "the tables to be past their points")
    assert errors(crashing) == []


# Modes outlive crashes

def test_initial_only_outlives_a_crash(script, crashing, failpoint):
    """The worker that the postmaster starts again knows what was asked."""
    transactions = list(workload(81, 20))
    script.transactions(*map(script.changes, transactions))
    failpoint.arm("copy-before-commit", "kill")
    survive(lambda: crashing.start("initial_only"))
    failpoint.wait_reached()

    def ended():
        crashing.pg.disconnect()
        state = survive(crashing.state)
        return state and state["pid"] == -1 and set(
            stages(crashing).values()) == {"copied"}
    wait_until(ended, 60, "the copy to be complete, and the worker to end")
    assert found_rows(crashing) == final_rows(transactions)
    assert not crashing.pg.value("SELECT isactive FROM synchdb_conninfo"
                                 " WHERE name = %s", [crashing.name])


def test_rows_that_moved(script, streaming):
    """Where a row was is a hint and no more."""
    numbers = range(1, 1001)
    target = streaming.target("t")

    def change(ids, old, new):
        script.transaction(*[script.update("t", (n, old), (n, new))
                             for n in ids])

    def put_back(ids):
        """Rows of the target, in another order and in fewer pages."""
        streaming.pg.query("CREATE TABLE kept AS TABLE %s; TRUNCATE %s"
                           % (target, target))
        streaming.pg.query("INSERT INTO %s SELECT * FROM kept WHERE id ="
                           " ANY (%%s) ORDER BY id DESC" % target, [list(ids)])
        streaming.pg.query("DROP TABLE kept")

    script.transaction(*[script.insert("t", n, "a" * 100) for n in numbers])
    streaming.wait_rows("t", [(n, "a" * 100) for n in numbers])
    put_back(numbers)
    change(numbers, "a" * 100, "b" * 100)
    streaming.wait_rows("t", [(n, "b" * 100) for n in numbers])
    put_back([5, 1000])
    change([5, 1000], "b" * 100, "c")
    streaming.wait_rows("t", [(5, "c"), (1000, "c")])
    assert streaming.state()["err"] == "no error"


def test_schemasync_outlives_a_crash(script, crashing, failpoint):
    script.transaction(script.insert("t", 1, "a"))
    failpoint.arm("snapshot-before-end", "kill")
    survive(lambda: crashing.start("schemasync"))
    failpoint.wait_reached()

    def paused():
        crashing.pg.disconnect()
        state = survive(crashing.state)
        return state and state["state"] == "paused"
    wait_until(paused, 60, "the pause")
    assert crashing.rows("t") == []
    crashing.pg.query("SELECT synchdb_resume_engine(%s)", [crashing.name])
    script.transaction(script.insert("t", 2, "b"))
    crashing.wait_rows("t", [(2, "b")])


def test_always_twice(script, streaming):
    """No key is there twice."""
    transactions = list(workload(82, 20))
    script.transactions(*map(script.changes, transactions))
    for _ in range(2):
        streaming.pg.query("SELECT synchdb_restart_connector(%s, 'always')",
                           [streaming.name])
        wait_all(streaming, transactions)
        streaming.wait_streaming()
    assert streaming.state()["err"] == "no error"


@pytest.mark.parametrize("mode", ["never", "recovery"])
def test_never(pg, script, connector, mode):
    """Nothing is created or copied."""
    script.transaction(script.insert("t", 1, "a"))
    pg.query("CREATE SCHEMA %s" % connector.schema)
    pg.query("CREATE TABLE %s (id int PRIMARY KEY, v text)"
             % connector.target("t"))
    connector.start(mode)
    connector.wait_streaming()
    assert not connector.exists("n")
    script.transaction(script.insert("t", 2, "b"))
    connector.wait_rows("t", [(2, "b")])


def test_own_strategy(pg, script, streaming, settings, in_conflict):
    """That of the connector counts, whatever the setting says."""
    pg.query("UPDATE synchdb_conninfo SET data = data ||"
             " '{\"error_handling_strategy\": \"Skip\"}' WHERE name = %s",
             [streaming.name])
    streaming.start()
    streaming.wait_rows("t", [(5, "mine"), (6, "b"), (7, "d")])
    assert len(errors(streaming)) == 1
    pg.query("UPDATE synchdb_conninfo SET data = data ||"
             " '{\"error_handling_strategy\": \"hope\"}' WHERE name = %s",
             [streaming.name])
    streaming.stop()
    with pytest.raises(psycopg2.Error, match="strategy \"hope\""):
        streaming.start()


def test_check_connector(pg, script, connect):
    connector = connect(pg, script, type="fake",
                        tables="%s,%s" % (script.id("t"),
                                          script.id("nothing")))
    rows = pg.query("SELECT * FROM synchdb_check_connector(%s)",
                    [connector.name])
    assert rows[0] == ("script", True, True, "The script can be read.", None)
    assert rows[1][:3] == ("tables", False, False)
    assert "matches 1 table;" in rows[1][3] and 'nothing"' in rows[1][3]
    connector.start()
    assert ('entry "%s" in the table list' % script.id("nothing")
            in pg.log_text())
