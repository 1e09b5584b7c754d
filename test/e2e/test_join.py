"""Tables that come in while the stream goes on: added to the list, or copied
again."""

import itertools
import json

import psycopg2
import pytest

from support.fake import Script
from support.writers import Writers
from support.workload import final_rows, sort_key, workload

NUMBERS = itertools.count(1)

COPY_FAILPOINTS = ["copy-before-load", "copy-before-commit",
                   "copy-after-commit"]
STREAM_FAILPOINTS = ["pipeline-before-commit", "pipeline-after-commit"]


@pytest.fixture
def script(tmp_path):
    """Three tables: t with a key, n without, and other."""
    script = Script(tmp_path / "script", "join%d" % next(NUMBERS))
    script.table("t", "id int, v text")
    script.table("n", "x int, v text", keys=())
    script.table("other", "id int, v text")
    return script


@pytest.fixture
def streaming(pg, script, connect):
    """A connector that knows of `other` alone."""
    connector = connect(pg, script, type="fake", tables=script.id("other"))
    connector.start()
    connector.wait_streaming()
    return connector


def set_tables(connector, *tables):
    connector.pg.query(
        "UPDATE synchdb_conninfo SET data = jsonb_set(data, '{table}',"
        " to_jsonb(%s::text)) WHERE name = %s",
        [",".join(tables), connector.name])


def stages(connector):
    return dict(connector.pg.query(
        "SELECT source_table, stage FROM synchdb_table WHERE name = %s",
        [connector.name]))


def wait_all(connector, transactions, tables="tn"):
    expected = final_rows(transactions)
    for table in tables:
        connector.wait(lambda: connector.exists(table) and
                       sorted(connector.rows(table), key=sort_key) ==
                       expected[table], "equal rows in " + table)


def add_others(script, numbers):
    script.transactions(*[[script.insert("other", number, "x")]
                          for number in numbers])


def wait_others(connector, numbers):
    connector.wait_rows("other", [(number, "x") for number in numbers])


def test_table_added_to_the_list(script, streaming):
    transactions = list(workload(51, 60))
    script.transactions(*map(script.changes, transactions[:30]))
    pid = streaming.pid()
    set_tables(streaming, script.id("other"), script.id("t"), script.id("n"))
    wait_all(streaming, transactions[:30])
    script.transactions(*map(script.changes, transactions[30:]))
    wait_all(streaming, transactions)
    add_others(script, [1])
    wait_others(streaming, [1])
    # that row may have come with the copy; the next one passes its point
    add_others(script, [2])
    wait_others(streaming, [1, 2])
    streaming.wait(lambda: set(stages(streaming).values()) == {"streaming"},
                   "all tables to be the stream's")
    assert streaming.pid() == pid
    assert streaming.state()["err"] == "no error"


def test_stream_goes_on_meanwhile(script, streaming, failpoint):
    """While the copy is held up, other tables are followed; what changed in
    the new one comes after the copy."""
    transactions = list(workload(52, 60))
    script.transactions(*map(script.changes, transactions[:20]))
    failpoint.arm("copy-before-load", "wait")
    set_tables(streaming, ".*")
    failpoint.wait_reached()
    for number in range(1, 4):
        script.transactions(*map(script.changes, transactions[
            10 + number * 10:20 + number * 10]))
        add_others(script, [number])
        wait_others(streaming, range(1, number + 1))
    assert "pending" in stages(streaming).values()
    failpoint.clear()
    script.transactions(*map(script.changes, transactions[50:]))
    wait_all(streaming, transactions)
    wait_others(streaming, range(1, 4))


@pytest.mark.parametrize("name", COPY_FAILPOINTS)
def test_stop_while_a_table_comes_in(script, streaming, failpoint, name):
    transactions = list(workload(53, 60))
    script.transactions(*map(script.changes, transactions[:20]))
    failpoint.arm(name, "wait")
    set_tables(streaming, ".*")
    failpoint.wait_reached()
    script.transactions(*map(script.changes, transactions[20:40]))
    streaming.stop()
    failpoint.clear()
    script.transactions(*map(script.changes, transactions[40:]))
    add_others(script, [1])
    streaming.start()
    wait_others(streaming, [1])
    wait_all(streaming, transactions)


@pytest.mark.parametrize("seed", range(60, 66))
def test_window_of_a_table_that_comes_in(script, streaming, seed):
    """A copy without an exact point, behind which the stream is already."""
    transactions = list(workload(seed, 100))
    positions = script.transactions(*map(script.changes, transactions))
    add_others(script, [1])
    wait_others(streaming, [1])
    script.point("t", positions[30], positions[70])
    script.point("n", positions[50])
    set_tables(streaming, ".*")
    wait_all(streaming, transactions)
    more = list(workload(seed, 120))[100:]
    script.transactions(*map(script.changes, more))
    wait_all(streaming, transactions + more)


def test_copy_beside_that_fails(pg, script, streaming):
    """The stream goes on, err says why, and it is tried again."""
    script.transaction(script.insert("t", 1, "a"))
    pg.query("CREATE TABLE %s (id int PRIMARY KEY, v text)"
             % streaming.target("t"))
    pg.query("INSERT INTO %s VALUES (7, 'mine')" % streaming.target("t"))
    set_tables(streaming, script.id("other"), script.id("t"))
    streaming.wait(lambda: "already holds rows" in streaming.state()["err"],
                   "the error")
    add_others(script, [1])
    wait_others(streaming, [1])
    assert "already holds rows" in streaming.state()["err"]
    pg.query("DELETE FROM %s" % streaming.target("t"))
    streaming.wait_rows("t", [(1, "a")])
    streaming.wait(lambda: streaming.state()["err"] == "no error",
                   "the error to be gone")


def test_table_taken_off_the_list(pg, script, streaming):
    """Its rows stay, and it comes back as a new one."""
    set_tables(streaming, ".*")
    script.transaction(script.insert("t", 1, "a"))
    streaming.wait_rows("t", [(1, "a")])
    set_tables(streaming, script.id("other"))
    streaming.wait(lambda: list(stages(streaming)) == [script.id("other")],
                   "the tables to be forgotten")
    script.transaction(script.insert("t", 2, "b"),
                       script.insert("other", 1, "x"))
    wait_others(streaming, [1])
    assert streaming.rows("t") == [(1, "a")]
    pg.query("DROP TABLE %s" % streaming.target("t"))
    set_tables(streaming, ".*")
    streaming.wait_rows("t", [(1, "a"), (2, "b")])


def test_list_that_cannot_be(script, streaming):
    """A definition that is broken now does not stop what runs."""
    pid = streaming.pid()
    set_tables(streaming, "(")
    add_others(script, [1])
    wait_others(streaming, [1])
    assert streaming.pid() == pid


def test_list_file_is_read_again(pg, script, connect, tmp_path):
    listed = tmp_path / "tables.json"
    listed.write_text(json.dumps({"table_list": [script.id("other")]}))
    connector = connect(pg, script, type="fake", tables="file:%s" % listed)
    connector.start()
    connector.wait_streaming()
    script.transaction(script.insert("t", 1, "a"))
    listed.write_text(json.dumps({"table_list": [script.id("other"),
                                                 script.id("t")]}))
    pg.query("SELECT pg_reload_conf()")
    connector.wait_rows("t", [(1, "a")])


# synchdb_resync_table

def resync(connector, table):
    return connector.pg.value("SELECT synchdb_resync_table(%s, %s)",
                              [connector.name, table])


@pytest.fixture
def complete(pg, script, connect):
    """A connector that streams all tables, and what they hold."""
    transactions = list(workload(71, 30))
    script.transactions(*map(script.changes, transactions))
    connector = connect(pg, script, type="fake")
    connector.start()
    connector.wait_streaming()
    wait_all(connector, transactions)
    return connector, transactions


@pytest.mark.parametrize("damage", ["TRUNCATE %s", "DROP TABLE %s",
                                    "DELETE FROM %s", "UPDATE %s SET v = 'x'"])
@pytest.mark.parametrize("table", "tn")
def test_resync(pg, script, complete, damage, table):
    connector, transactions = complete
    pid = connector.pid()
    pg.query(damage % connector.target(table))
    assert resync(connector, script.id(table)) == 0
    wait_all(connector, transactions)
    more = list(workload(71, 60))[30:]
    script.transactions(*map(script.changes, more))
    wait_all(connector, transactions + more)
    assert connector.pid() == pid


def test_resync_under_changes(pg, script, complete, failpoint):
    """Changes of the table before, during and after its copy."""
    connector, transactions = complete
    transactions = list(workload(71, 90))
    failpoint.arm("copy-before-load", "wait")
    pg.query("TRUNCATE %s" % connector.target("t"))
    assert resync(connector, script.id("t")) == 0
    failpoint.wait_reached()
    script.transactions(*map(script.changes, transactions[30:60]))
    add_others(script, [1])
    wait_others(connector, [1])
    failpoint.clear()
    script.transactions(*map(script.changes, transactions[60:]))
    wait_all(connector, transactions)


def test_caught_up_with_once(pg, script, complete, failpoint):
    """A new session of the stream finds a copy worker at the changes that the
    stream has left out."""
    connector, transactions = complete
    failpoint.arm("copy-after-commit", "wait")
    assert resync(connector, script.id("n")) == 0
    failpoint.wait_reached()
    script.transactions([script.insert("n", 12345, "x")])
    add_others(script, [1])
    wait_others(connector, [1])
    failpoint.arm("pipeline-before-apply", "wait")
    failpoint.wait_reached()
    assert stages(connector)[script.id("n")] == "ready"
    pg.query("SELECT synchdb_reload_objmap(%s)", [connector.name])
    add_others(script, [2])
    wait_others(connector, [1, 2])
    failpoint.clear()
    connector.wait(lambda: not pg.query(
        "SELECT pid FROM pg_stat_activity"
        " WHERE backend_type = 'synchdb copy'"), "the end of the copy")
    wait_all(connector, transactions + [[("insert", "n", 12345, "x")]])


def test_resync_of_a_stopped_connector(pg, script, complete):
    connector, transactions = complete
    connector.stop()
    pg.query("TRUNCATE %s" % connector.target("t"))
    assert resync(connector, script.id("t")) == 0
    more = list(workload(71, 60))[30:]
    script.transactions(*map(script.changes, more))
    assert connector.rows("t") == []
    connector.start()
    wait_all(connector, transactions + more)


def test_resync_of_a_table_that_was_altered(pg, script, complete):
    """The target gets the definition that the copy has."""
    connector, transactions = complete
    connector.stop()
    resync(connector, script.id("t"))
    script.transaction(
        script.alter("t", "n int null, w text null, id int", (None, 1, 0),
                     keys=(2,)),
        script.insert("t", 5, None, 1000))
    connector.start()
    connector.wait(lambda: stages(connector)[script.id("t")] in
                   ("copied", "streaming"), "the copy")
    assert connector.rows("t", "n, w", "WHERE id = 1000") == [(5, None)]
    script.transaction(script.update("t", (5, None, 1000), (6, "x", 1000)))
    connector.wait(lambda: connector.rows("t", "n, w", "WHERE id = 1000")
                   == [(6, "x")], "the change")


def test_resync_while_only_that_table_changes(script, complete):
    """The stream, which leaves it out, gets to the point of the copy."""
    connector, transactions = complete
    numbers = itertools.count(1000)
    resync(connector, script.id("n"))

    def joined():
        script.transaction(script.insert("n", next(numbers), "x"))
        return stages(connector)[script.id("n")] in ("copied", "streaming")
    connector.wait(joined, "the table to be the stream's")


def test_resync_rolled_back(pg, script, complete):
    connector, transactions = complete
    session = pg.connect()
    session.autocommit = False
    with session.cursor() as cursor:
        cursor.execute("SAVEPOINT s")
        cursor.execute("SELECT synchdb_resync_table(%s, %s)",
                       [connector.name, script.id("t")])
        cursor.execute("ROLLBACK TO s")
    session.commit()
    session.close()
    assert stages(connector)[script.id("t")] in ("copied", "streaming")


def test_resync_refused(pg, script, complete, failpoint):
    connector, transactions = complete
    with pytest.raises(psycopg2.Error, match="has no table"):
        resync(connector, script.id("none"))
    with pytest.raises(psycopg2.Error, match="does not exist"):
        pg.query("SELECT synchdb_resync_table('nobody', 'x')")
    failpoint.arm("copy-before-commit", "wait")
    resync(connector, script.id("t"))
    failpoint.wait_reached()
    assert resync(connector, script.id("t")) == 0
    failpoint.clear()
    wait_all(connector, transactions)


# With a real source

@pytest.fixture
def busy(db):
    """Two tables, the second one large, and what writes to them."""
    db.execute("CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v INT)",
               "CREATE TABLE b (id INT PRIMARY KEY, v INT)",
               "CREATE TABLE c (id INT, v INT)",
               "INSERT INTO b WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL"
               " SELECT i + 1 FROM n WHERE i < 900) SELECT a.i * 1000 + b.i, 0"
               " FROM n a, n b WHERE b.i <= 20",
               "INSERT INTO c SELECT id, v FROM b LIMIT 300",
               "ANALYZE TABLE b")

    def write(work):
        key = 1000 * work.chance.randrange(1, 901) + work.chance.randrange(30)
        work.execute("INSERT INTO a (v) VALUES (%s)", key)
        work.execute("UPDATE b SET v = v + 1 WHERE id = %s", key)
        work.execute("DELETE FROM b WHERE id = %s", key + 1)
        work.execute("INSERT IGNORE INTO b VALUES (%s, 7)", key + 2)
        work.execute("INSERT INTO c VALUES (%s, 7)", key)
        work.execute("DELETE FROM c WHERE id = %s LIMIT 1", key)
    return Writers(db, write, write)


def wait_equal(connector):
    connector.wait_equal("a")
    connector.wait_equal("b")
    connector.wait_equal("c", order="ORDER BY 1, 2")
    assert connector.counters()["bad_events"] == 0


@pytest.mark.parametrize("range_size", [0, 1000])
def test_added_to_a_busy_source(pg, db, busy, connect, settings, range_size):
    settings(synchdb__snapshot_range_size=str(range_size))
    connector = connect(pg, db, tables="%s.a" % db.name)
    connector.start()
    connector.wait_streaming()
    with busy:
        set_tables(connector, "null")
        connector.wait(lambda: stages(connector).get("%s.b" % db.name) in
                       ("copied", "streaming"), "the copy")
    wait_equal(connector)


def test_resync_of_a_busy_source(pg, db, busy, connect):
    connector = connect(pg, db)
    connector.start()
    connector.wait_streaming()
    with busy:
        for table in "bc":
            # what the stream cannot apply meanwhile does not end it
            pg.query("BEGIN")
            pg.query("TRUNCATE %s" % connector.target(table))
            resync(connector, "%s.%s" % (db.name, table))
            pg.query("COMMIT")
            connector.wait(lambda: stages(connector)["%s.%s" % (
                db.name, table)] in ("copied", "streaming"), "the copy")
    wait_equal(connector)
