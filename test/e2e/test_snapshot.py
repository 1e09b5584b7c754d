"""The first copy is one consistent state, whatever the source allows."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest

from support.memory import MemoryWatch
from support.process import title
from support.wait import wait_until
from support.writers import Writers

ROWS = int(os.environ.get("SYNCHDB_ROWS_SNAPSHOT", 200000))
LIMIT_BYTES = 64 * 1024 * 1024

NUMBERS = ("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL"
           " SELECT i + 1 FROM n WHERE i < 1000)")


def fill(table, columns, rows):
    """A statement that inserts up to ten million rows; columns is made of a
    counter k."""
    return ("INSERT INTO %s %s SELECT %s FROM (SELECT (c.i - 1) * 1000000"
            " + (a.i - 1) * 1000 + b.i AS k FROM n a, n b, n c"
            " WHERE c.i <= %d) d WHERE k <= %d"
            % (table, NUMBERS, columns, (rows - 1) // 1000000 + 1, rows))


def move(work):
    """Keeps the sum of both tables; their row counts as well."""
    key = work.chance.randrange(1, 2001)
    work.execute("UPDATE one SET v = v - 1 WHERE id = %s", key)
    work.execute("UPDATE two SET v = v + 1 WHERE id = %s", key)


def turn_over(work):
    work.execute("DELETE FROM two WHERE id = %s",
                 work.chance.randrange(2001, 3000))
    work.execute("INSERT INTO one (v) VALUES (0)")
    work.execute("INSERT INTO one (v) VALUES (0)")


@pytest.fixture
def busy(db):
    """Tables that writers change while they are copied."""
    db.execute("CREATE TABLE one (id INT PRIMARY KEY AUTO_INCREMENT, v INT)",
               "CREATE TABLE two (id INT PRIMARY KEY, v INT)",
               "CREATE TABLE pad (id INT PRIMARY KEY, s CHAR(200))",
               fill("one", "k, 0", 3000), fill("two", "k, 0", 3000),
               fill("pad", "k, 'x'", 50000))
    return Writers(db, move, move, turn_over)


def copy_while_busy(connector, busy):
    with busy:
        connector.start()
        connector.wait_streaming()
    connector.wait_equal("one")
    connector.wait_equal("two")
    assert connector.counters()["bad_events"] == 0


def test_concurrent_writes(busy, connector):
    copy_while_busy(connector, busy)


def test_concurrent_writes_to_ranges(pg, db, connector, busy, settings):
    """Rows move between ranges while these are copied one by one."""
    settings(synchdb__snapshot_range_size="200",
             synchdb__snapshot_workers="3")
    db.execute("ANALYZE TABLE one, two, pad")

    def change_key(work):
        work.execute("UPDATE IGNORE two SET id = %s WHERE id = %s",
                     work.chance.randrange(1, 6000),
                     work.chance.randrange(2001, 6000))
    copy_while_busy(connector, Writers(db, move, turn_over, change_key,
                                       change_key))


@pytest.fixture
def user(source):
    """Makes a user with the given privileges and no others."""
    def make(privileges, database):
        source.execute("CREATE USER 'limited'@'%' IDENTIFIED BY 'mysqlpwd'",
                       "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.*"
                       " TO 'limited'@'%'",
                       "GRANT %s ON `%s`.* TO 'limited'@'%%'"
                       % (privileges, database.name))
        return "limited"
    yield make
    source.execute("DROP USER IF EXISTS 'limited'@'%'")


def failure(connector):
    try:
        connector.start()
        return connector.wait_failed()
    except psycopg2.Error as error:
        return str(error)


@pytest.mark.parametrize("privileges", ["SELECT", "SELECT, LOCK TABLES"])
def test_concurrent_writes_with_few_privileges(pg, db, connect, busy, user,
                                               privileges):
    # without a lock the stream starts at the head of the log file
    db.server.execute("FLUSH BINARY LOGS")
    copy_while_busy(connect(pg, db, user=user(privileges, db)), busy)


def test_keyless_table_that_cannot_be_fixed(pg, source, db, connect, user):
    """Without a key and without a lock there is no exact point on MySQL."""
    db.execute("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1), (1)")
    connector = connect(pg, db, user=user("SELECT", db))
    if source.name == "mariadb":
        connector.start()
        connector.wait_equal("t")
        return
    text = failure(connector)
    assert "%s.t" % db.name in text.replace('"', "").replace("`", "")
    assert "LOCK TABLES" in text or "RELOAD" in text or "key" in text


def test_keyless_table_without_transactions(db, connector):
    """Nothing fixes what a copy of it contains, so it is refused."""
    db.execute("CREATE TABLE t (a INT) ENGINE=MyISAM")
    text = failure(connector)
    assert "%s.t" % db.name in text and "ENGINE = InnoDB" in text


def test_no_lock_is_held(pg, db, connector):
    """The source goes on writing while rows are copied."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(200))",
               fill("t", "k, REPEAT('x', 200)", ROWS))
    connector.start()
    during = 0
    while connector.state()["stage"] == "initial snapshot":
        db.execute("UPDATE t SET s = 'changed' WHERE id = 1",
                   "INSERT INTO t VALUES (%d, 'new')" % (ROWS + 1 + during))
        during += 1
    connector.wait_streaming()
    assert during > 1
    connector.wait(lambda: connector.rows(
        "t", "count(*), count(*) FILTER (WHERE s = 'changed')")
        == [(ROWS + during, 1)], "all rows")


def test_writers_that_wait_for_each_other(pg, source, db, connector):
    """A lock that stalls one of them gives way, or none would get on."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)",
               "INSERT INTO t VALUES (1, 1), (2, 2)")

    def runs(statement):
        return db.execute("SELECT COUNT(*) FROM information_schema.processlist"
                          " WHERE info LIKE '%s%%' AND state <> ''"
                          % statement)[0][0]

    def second():
        with closing(db.connect(autocommit=True)) as connection:
            connection.cursor().execute("UPDATE t SET v = v * 2 WHERE id = 1")

    with ThreadPoolExecutor() as pool, \
            closing(db.connect(autocommit=False)) as first:
        first.cursor().execute("UPDATE t SET v = v + 10 WHERE id = 1")
        waits = pool.submit(second)
        wait_until(lambda: runs("UPDATE t SET v = v * 2"), 30,
                   "a writer that waits")
        start = pool.submit(connector.start)
        if source.name == "mysql":
            wait_until(lambda: runs("FLUSH TABLES"), 30,
                       "a lock that is waited for")
        first.cursor().execute("UPDATE t SET v = v + 10 WHERE id = 2")
        first.commit()
        waits.result()
        start.result()
    connector.wait_streaming()
    connector.wait_rows("t", [(1, 22), (2, 12)])


def test_other_engines_and_shapes(pg, source, db, connector):
    db.execute("CREATE TABLE isam (id INT PRIMARY KEY, a INT) ENGINE=MyISAM",
               "CREATE TABLE keyless (a INT, b VARCHAR(9))",
               "CREATE TABLE nothing (id INT PRIMARY KEY)",
               "CREATE TABLE base (id INT PRIMARY KEY, a INT,"
               " doubled INT AS (a * 2) STORED, tripled INT AS (a * 3))",
               "CREATE VIEW look AS SELECT * FROM base",
               "INSERT INTO isam VALUES (1, 2), (3, 4)",
               "INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (NULL, NULL)",
               "INSERT INTO base (id, a) VALUES (1, 5), (2, NULL)")
    if source.name == "mariadb":
        db.execute("CREATE SEQUENCE numbers")
    connector.start()
    connector.wait_streaming()
    tables = pg.query("SELECT relname FROM pg_class WHERE relkind = 'r' AND"
                      " relnamespace = %s::regnamespace ORDER BY 1",
                      [connector.schema])
    assert [name for name, in tables] == ["base", "isam", "keyless",
                                          "nothing"]
    connector.wait_equal("isam")
    connector.wait_equal("base")
    connector.wait_rows("keyless", [(1, "x"), (1, "x"), (None, None)])
    db.execute("INSERT INTO base (id, a) VALUES (3, 7)",
               "UPDATE base SET a = 6 WHERE id = 1",
               "INSERT INTO nothing VALUES (1)",
               "DELETE FROM keyless WHERE a IS NULL",
               "DELETE FROM keyless LIMIT 1")
    connector.wait_equal("base")
    connector.wait_equal("nothing")
    connector.wait_rows("keyless", [(1, "x")])


KEYS = {
    "negative": ("BIGINT", "k - 1000000"),
    "text": ("VARCHAR(40)", "CONCAT('kéy ', k)"),
    "blank": ("CHAR(12) CHARACTER SET latin1", "CONCAT(k, '''')"),
    "binary": ("BINARY(32)", "UNHEX(SHA2(k, 256))"),
    "decimal": ("DECIMAL(20,5)", "k / 7"),
    "moment": ("DATETIME(6)", "FROM_UNIXTIME(k * 1000.5)"),
}


@pytest.mark.parametrize("key", KEYS)
def test_keys_that_a_split_must_respect(db, connector, settings, key):
    """Every row once, whatever orders the ranges of a big table."""
    settings(synchdb__snapshot_range_size="5000")
    ddl, expression = KEYS[key]
    db.execute("CREATE TABLE t (id %s, n INT, pad VARCHAR(99),"
               " PRIMARY KEY (id, n))" % ddl,
               fill("t", expression + ", k, REPEAT('p', 99)", 60000))
    connector.start()
    connector.wait_streaming()
    assert connector.rows("t", "count(*), count(DISTINCT n), sum(n)") \
        == [(60000, 60000, 60000 * 60001 // 2)]


def workers(pg):
    """Processes of all connectors."""
    return [pid for pid in pg.children() if "synchdb" in title(pid)]


def test_memory_of_a_large_table(pg, db, connector):
    db.execute("CREATE TABLE large (id INT PRIMARY KEY, pad VARCHAR(400))",
               fill("large", "k, REPEAT('m', 400)", ROWS))
    with MemoryWatch(lambda: workers(pg)) as watch:
        connector.start()
        connector.wait_streaming(timeout=300)
    assert connector.rows("large", "count(*)") == [(ROWS,)]
    assert 0 < watch.peak < LIMIT_BYTES


def test_table_lists(pg, db, connect):
    db.execute(*("CREATE TABLE %s (id INT PRIMARY KEY)" % name
                 for name in ("a1", "a2", "b1", "b2")),
               *("INSERT INTO %s VALUES (1)" % name
                 for name in ("a1", "a2", "b1", "b2")))
    listed = "%s.a.*,%s.B2" % (db.name, db.name)
    connector = connect(pg, db, tables=listed,
                        snapshot_tables="%s.a1" % db.name)
    connector.start()
    connector.wait_streaming()
    tables = pg.query("SELECT relname FROM pg_class WHERE relkind = 'r' AND"
                      " relnamespace = %s::regnamespace ORDER BY 1",
                      [connector.schema])
    assert [name for name, in tables] == ["a1", "a2", "b2"]
    assert connector.rows("a1") == [(1,)]
    assert connector.rows("a2") == connector.rows("b2") == []
    db.execute("INSERT INTO b1 VALUES (2)", "INSERT INTO b2 VALUES (2)",
               "INSERT INTO a2 VALUES (2)")
    connector.wait_rows("a2", [(2,)])
    connector.wait_rows("b2", [(2,)])
    assert not connector.exists("b1")


def test_list_in_a_file(pg, db, connect, tmp_path):
    db.execute(*("CREATE TABLE t%d (id INT PRIMARY KEY)" % n
                 for n in range(40)))
    listed = tmp_path / "tables.json"
    listed.write_text(json.dumps({"table_list": [
        "%s.t%d" % (db.name, n) for n in range(0, 40, 2)]}))
    connector = connect(pg, db, tables="file:%s" % listed)
    connector.start()
    connector.wait_streaming()
    assert pg.value("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND"
                    " relnamespace = %s::regnamespace",
                    [connector.schema]) == 20


def test_modes(pg, db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)",
               "INSERT INTO t VALUES (1), (2)")
    connector.start("no_data")
    connector.wait_streaming()
    assert connector.rows("t") == []
    db.execute("INSERT INTO t VALUES (3)")
    connector.wait_rows("t", [(3,)])
    connector.stop()
    connector.start()               # a position is there: straight on
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (4)")
    connector.wait_rows("t", [(3,), (4,)])
    connector.stop()
    pg.query("TRUNCATE %s" % connector.target("t"))
    connector.start("always")
    connector.wait_streaming()
    connector.wait_equal("t")


def test_initial_only(db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)",
               "INSERT INTO t VALUES (1)")
    connector.start("initial_only")
    connector.wait_failed()         # it ends, with or without a remark
    assert connector.rows("t") == [(1,)]


def test_schemasync(db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)",
               "INSERT INTO t VALUES (1)")
    connector.start("schemasync")
    connector.wait(lambda: connector.state()["state"] == "paused", "a pause")
    assert connector.state()["err"] == "no error"
    assert connector.rows("t") == []
    db.execute("INSERT INTO t VALUES (2)")
    connector.pg.query("SELECT synchdb_resume_engine(%s)", [connector.name])
    connector.wait_rows("t", [(2,)])
