"""Tables of MariaDB with system versioning: their present is copied."""

import datetime

import psycopg2
import pytest

from support.source import MariaDB

END = "GENERATED ALWAYS AS ROW END"
START = "GENERATED ALWAYS AS ROW START"
COLUMNS = ("s TIMESTAMP(6) %s, e TIMESTAMP(6) %s,"
           " PERIOD FOR SYSTEM_TIME (s, e)" % (START, END))
KEEP = "SET system_versioning_alter_history = KEEP"

FORMS = {
    "hidden": "id INT PRIMARY KEY, v INT, w VARCHAR(10)"
              ") WITH SYSTEM VERSIONING",
    "columns": "id INT PRIMARY KEY, v INT, w VARCHAR(10), " + COLUMNS +
               ") WITH SYSTEM VERSIONING",
    "key": "id INT, v INT, w VARCHAR(10), " + COLUMNS +
           ", PRIMARY KEY (id, e)) WITH SYSTEM VERSIONING",
    "keyless": "id INT, v INT, w VARCHAR(10)) WITH SYSTEM VERSIONING",
    "keyless columns": "id INT, v INT, w VARCHAR(10), " + COLUMNS +
                       ") WITH SYSTEM VERSIONING",
    "one column": "id INT PRIMARY KEY, v INT WITH SYSTEM VERSIONING,"
                  " w VARCHAR(10))",
    "without": "id INT PRIMARY KEY, v INT, w VARCHAR(10)"
               " WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING",
    "hash": "id INT PRIMARY KEY, v INT, w VARCHAR(10), b TEXT UNIQUE"
            ") WITH SYSTEM VERSIONING",
    "partitions": "id INT PRIMARY KEY, v INT, w VARCHAR(10)"
                  ") WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME"
                  " (PARTITION h HISTORY, PARTITION c CURRENT)",
}

CHANGES = ["INSERT INTO t (id, v, w) VALUES (10, 1, 'a'), (11, 2, 'b'),"
           " (12, 3, 'c')",
           "INSERT INTO t (id) VALUES (13)",
           "UPDATE t SET v = v + 100 WHERE id IN (1, 10)",
           "UPDATE t SET w = 'other' WHERE id IN (2, 11)",
           "UPDATE t SET id = 20 WHERE id = 10",
           "DELETE FROM t WHERE id IN (1, 11)",
           "REPLACE INTO t (id, v, w) VALUES (2, 7, 'r'), (14, 7, 'r')",
           "INSERT INTO t (id, v) VALUES (12, 5)"
           " ON DUPLICATE KEY UPDATE v = 55",
           "INSERT INTO t (id, v, w) VALUES (1, 1, 'again')",
           "DELETE HISTORY FROM t",
           "UPDATE t SET v = 77 WHERE id = 1"]


@pytest.fixture(autouse=True)
def mariadb(source):
    if source.name != MariaDB.name:
        pytest.skip("%s has no such tables" % source.name)


def wait_equal(db, connector, columns="*"):
    """As the connector's, for times with a zone, too."""
    rows = [tuple(value.replace(tzinfo=datetime.timezone.utc)
                  if isinstance(value, datetime.datetime) else value
                  for value in row) for row in
            db.execute("SELECT %s FROM t ORDER BY id, v" % columns)]
    connector.wait_rows("t", rows, columns=columns, order="ORDER BY id, v")


def columns(pg, connector):
    return pg.value("SELECT string_agg(attname, ' ' ORDER BY attnum)"
                    " FROM pg_attribute WHERE attrelid = %s::regclass"
                    " AND attnum > 0 AND NOT attisdropped",
                    [connector.target("t")])


@pytest.mark.parametrize("image", ["FULL", "MINIMAL"])
@pytest.mark.parametrize("form", FORMS)
def test_present_is_here(pg, source, db, connector, form, image):
    """History made before the copy and after it stays at the source."""
    db.execute("CREATE TABLE t (" + FORMS[form],
               "INSERT INTO t (id, v, w) VALUES (1, 1, 'x'), (2, 2, 'x'),"
               " (3, 3, 'x')", "UPDATE t SET v = 4 WHERE id = 1",
               "DELETE FROM t WHERE id = 3")
    connector.start()
    connector.wait_streaming()
    wait_equal(db, connector)
    db.execute("SET binlog_row_image = " + image, *CHANGES)
    wait_equal(db, connector)
    names = "id v w" + (" s e" if "PERIOD" in FORMS[form] else "")
    assert columns(pg, connector) == names + (" b" if form == "hash" else "")
    key = pg.value("SELECT string_agg(attname, ' ') FROM pg_index"
                   " JOIN pg_attribute ON attrelid = indrelid"
                   " AND attnum = ANY (indkey) WHERE indisprimary"
                   " AND indrelid = %s::regclass", [connector.target("t")])
    assert key == (None if "keyless" in form else "id")


@pytest.mark.parametrize("form", FORMS)
def test_table_made_meanwhile(source, db, connector, form):
    connector.start()
    connector.wait_streaming()
    db.execute("CREATE TABLE t (" + FORMS[form],
               "INSERT INTO t (id, v, w) VALUES (1, 1, 'x'), (2, 2, 'x')",
               *CHANGES)
    wait_equal(db, connector)


def test_versioning_comes_and_goes(pg, source, db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)",
               "INSERT INTO t VALUES (1, 1), (2, 2)")
    connector.start()
    connector.wait_streaming()
    db.execute("ALTER TABLE t ADD SYSTEM VERSIONING",
               "UPDATE t SET v = 3", "DELETE FROM t WHERE id = 2")
    connector.wait_equal("t")
    db.execute(KEEP, "ALTER TABLE t ADD COLUMN c INT DEFAULT 9",
               "UPDATE t SET c = 5",
               "INSERT INTO t VALUES (4, 4, 4)",
               "ALTER TABLE t DROP COLUMN v, ADD KEY (c)",
               "UPDATE t SET c = 6 WHERE id = 1")
    connector.wait_equal("t")
    db.execute(KEEP, "ALTER TABLE t DROP SYSTEM VERSIONING",
               "UPDATE t SET c = 7 WHERE id = 1", "DELETE FROM t WHERE id = 4",
               "INSERT INTO t VALUES (5, 5)")
    connector.wait_equal("t")


def test_columns_come_and_go(pg, source, db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)",
               "INSERT INTO t VALUES (1, 1), (2, 2)")
    connector.start()
    connector.wait_streaming()
    db.execute("ALTER TABLE t ADD COLUMN s TIMESTAMP(6) %s,"
               " ADD COLUMN e TIMESTAMP(6) %s,"
               " ADD PERIOD FOR SYSTEM_TIME (s, e), ADD SYSTEM VERSIONING"
               % (START, END))
    wait_equal(db, connector, "id, v")
    connector.pg.query("SELECT synchdb_resync_table(%s, %s)",
                       [connector.name, db.id("t")])
    wait_equal(db, connector)
    db.execute("UPDATE t SET v = 3", "DELETE FROM t WHERE id = 2", KEEP,
               "ALTER TABLE t RENAME COLUMN e TO ends, ADD COLUMN w INT",
               "UPDATE t SET v = 4", "INSERT INTO t (id) VALUES (6)")
    wait_equal(db, connector)
    db.execute("SET system_versioning_alter_history = KEEP",
               "ALTER TABLE t DROP SYSTEM VERSIONING, DROP COLUMN s,"
               " DROP COLUMN ends", "UPDATE t SET v = 5",
               "INSERT INTO t (id) VALUES (7)")
    wait_equal(db, connector)


def test_written_history(source, db, connector):
    """Rows of the past can be written, and the past can be looked at."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)"
               " WITH SYSTEM VERSIONING", "INSERT INTO t VALUES (1, 1)")
    source.execute("SET GLOBAL system_versioning_asof = '2001-01-01'")
    try:
        connector.start()
        connector.wait_streaming()
    finally:
        source.execute("SET GLOBAL system_versioning_asof = DEFAULT")
    connector.wait_equal("t")
    db.execute("SET system_versioning_insert_history = 1",
               "INSERT INTO t (id, v, row_start, row_end) VALUES"
               " (2, 2, '2000-01-01', '2001-01-01')",
               "INSERT INTO t VALUES (4, 4)")
    connector.wait_equal("t")


@pytest.mark.parametrize("when", ["copied", "streamed"])
def test_numbered_by_transactions(source, db, connector, when):
    """The server logs their changes as statements, so they are refused."""
    table = ("CREATE TABLE t (id INT PRIMARY KEY, s BIGINT UNSIGNED %s,"
             " e BIGINT UNSIGNED %s, PERIOD FOR SYSTEM_TIME (s, e))"
             " WITH SYSTEM VERSIONING ENGINE = InnoDB" % (START, END))
    if when == "copied":
        db.execute(table)
        with pytest.raises(psycopg2.Error, match="numbered by transactions"):
            connector.start()
        return
    connector.start()
    connector.wait_streaming()
    db.execute(table)
    assert "numbered by transactions" in connector.wait_failed()


def test_long_unique_values(source, db, connector):
    """Their hashes are in the log, in a column that nobody sees."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, a BLOB UNIQUE,"
               " b TEXT, UNIQUE (b))", "INSERT INTO t VALUES (1, 'a', 'b')")
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (2, 'c', 'd')",
               "UPDATE t SET b = 'e' WHERE id = 1", "DELETE FROM t WHERE id = 2",
               "CREATE TABLE u (id INT, a LONGTEXT UNIQUE)",
               "INSERT INTO u VALUES (1, 'a')")
    connector.wait_equal("t", columns="id, b")
    connector.wait_equal("u")
