"""Tables that are altered at the source while they are looked at or copied."""

import glob
import os
import threading

import pytest

ROWS = 4000

CHANGES = {
    "add": ["ALTER TABLE t ADD c BIGINT DEFAULT 7 AFTER id"],
    "drop": ["ALTER TABLE t DROP a"],
    "type": ["ALTER TABLE t MODIFY a BIGINT, MODIFY b VARCHAR(300)"],
    "rename column": ["ALTER TABLE t CHANGE a other INT"],
    "exchange names": ["ALTER TABLE t CHANGE a b INT,"
                       " CHANGE b a VARCHAR(20)"],
    "key": ["ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)"],
    "twice": ["ALTER TABLE t ADD c INT DEFAULT 1",
              "UPDATE t SET c = 2 WHERE id < 10",
              "ALTER TABLE t MODIFY c VARCHAR(10), DROP a"],
    "truncate": ["TRUNCATE t"],
    "anew": ["DROP TABLE t", "CREATE TABLE t (id INT PRIMARY KEY, x TEXT)"],
    "by a tool": ["CREATE TABLE n LIKE t", "ALTER TABLE n ADD c INT",
                  "INSERT INTO n (id, a, b) SELECT * FROM t",
                  "RENAME TABLE t TO o, n TO t", "DROP TABLE o"],
    "to and fro": ["RENAME TABLE t TO o", "ALTER TABLE o ADD c INT",
                   "RENAME TABLE o TO t"],
    "other name": ["RENAME TABLE t TO u"],
    "other name, altered": ["RENAME TABLE t TO u", "ALTER TABLE u DROP a"],
}


@pytest.fixture
def full(db):
    """A table of some thousand rows, and one besides."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20))",
               "CREATE TABLE other (id INT PRIMARY KEY)",
               "INSERT INTO t WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL"
               " SELECT i + 1 FROM n WHERE i < 1000) SELECT a.i * 10 + b.i,"
               " 1, 'x' FROM n a, n b WHERE a.i <= %d AND b.i <= 10"
               % (ROWS // 10), "ANALYZE TABLE t")
    return db


def some_rows(db, table, first):
    """Changes of the first rows and the last ones."""
    db.execute(*["INSERT INTO %s (id) VALUES (%d)" % (table, first + number)
                 for number in range(3)],
               "DELETE FROM %s WHERE id = %d" % (table, first),
               "DELETE FROM %s WHERE id = %d" % (table, first // 1000),
               "UPDATE %s SET id = %d WHERE id = %d"
               % (table, first + 10, first + 1))


def alter(db, change):
    """Does the change among others; gives the name of the table then."""
    db.execute("UPDATE t SET a = 5 WHERE id < 50")
    some_rows(db, "t", 10100000)
    for statement in CHANGES[change]:
        db.execute(statement)
    table = "u" if "other name" in change else "t"
    some_rows(db, table, 10200000)
    return table


def wait_right(db, connector, table):
    """What changes after it comes right as well."""
    some_rows(db, table, 10300000)
    db.execute("INSERT INTO other VALUES (1), (2)",
               "ALTER TABLE %s ADD last INT" % table,
               "UPDATE %s SET last = 3 WHERE id > 10200000" % table)
    connector.wait(lambda: connector.pg.query(
        "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s)"
        " AND attname = 'last'", [connector.target(table)]),
        "the last column", timeout=60)
    names = ", ".join(column[0] for column in db.execute(
        "SHOW COLUMNS FROM " + table))
    connector.wait_equal(table, names)
    connector.wait_equal("other")
    connector.wait(lambda: connector.state()["err"] == "no error",
                   "what was tried again to succeed")


def alter_while_it_starts(full, connector, failpoint, change, name):
    """The source changes when the first copy has come to that place."""
    failpoint.arm(name, "wait")
    starting = threading.Thread(target=connector.start)
    starting.start()
    failpoint.wait_reached()
    table = alter(full, change)
    failpoint.clear()
    starting.join()
    wait_right(full, connector, table)


@pytest.mark.parametrize("name", ["snapshot-before-describe",
                                  "copy-before-snapshot", "copy-before-load"])
@pytest.mark.parametrize("change", CHANGES)
def test_before_it_is_copied(full, connector, failpoint, change, name):
    """The stream begins before it is described, and before the copy."""
    alter_while_it_starts(full, connector, failpoint, change, name)


@pytest.mark.parametrize("change", CHANGES)
def test_between_two_ranges(full, connector, failpoint, settings, change):
    settings(synchdb__snapshot_range_size="500",
             synchdb__snapshot_workers="2")
    alter_while_it_starts(full, connector, failpoint, change,
                          "copy-before-range")


@pytest.mark.parametrize("change", CHANGES)
def test_in_the_stream(full, connector, change):
    connector.start()
    connector.wait_streaming()
    wait_right(full, connector, alter(full, change))


@pytest.mark.parametrize("name, stop", [
    ("copy-before-load", "goes on"), ("copy-before-load", "stops"),
    ("copy-before-commit", "stops"), ("copy-after-commit", "goes on")])
@pytest.mark.parametrize("change", CHANGES)
def test_while_it_is_copied_again(full, connector, failpoint, change, name,
                                  stop):
    """Beside the stream."""
    connector.start()
    connector.wait_streaming()
    failpoint.arm(name, "wait")
    connector.pg.query("SELECT synchdb_resync_table(%s, %s)",
                       [connector.name, full.id("t")])
    failpoint.wait_reached()
    if stop == "stops":
        connector.stop()
    elif name != "copy-before-load":
        # it was read, so nobody may alter it before the snapshot's end
        failpoint.clear()
    table = alter(full, change)
    failpoint.clear()
    if stop == "stops":
        connector.start()
    wait_right(full, connector, table)


@pytest.mark.parametrize("name", ["t", 'o"d.d'])
def test_a_table_that_is_not_listed(pg, source, db, connector, name):
    """MariaDB lists no table whose file is being exchanged, as at the end of
    an ALTER; here that takes as long as the copy."""
    if source.name != "mariadb":
        pytest.skip("MySQL's lists have every table")
    db.execute("CREATE TABLE `%s` (id INT PRIMARY KEY)" % name,
               "INSERT INTO `%s` VALUES (1), (2)" % name)
    connector.start()
    connector.wait_streaming()
    pg.query("TRUNCATE " + connector.target(name))
    file, = glob.glob(os.path.join(source.data, db.name, "*.frm"))
    os.rename(file, file + ".away")
    try:
        pg.query("SELECT synchdb_resync_table(name, source_table)"
                 " FROM synchdb_table WHERE name = %s", [connector.name])
        connector.wait_rows(name, [(1,), (2,)])
    finally:
        os.rename(file + ".away", file)
    db.execute("INSERT INTO `%s` VALUES (3)" % name)
    connector.wait_rows(name, [(1,), (2,), (3,)])
