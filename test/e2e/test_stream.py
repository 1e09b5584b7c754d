"""Changes follow, whatever form the source's log gives them."""

import pytest

from support.source import Database


@pytest.fixture
def started(db, connector):
    """Starts the connector after the given statements; gives a function
    that runs statements at the source in one session."""
    def start(*sql):
        db.execute(*sql)
        connector.start()
        connector.wait_streaming()
        return db.execute
    return start


TABLE = ("CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(50),"
         " c TEXT, d BLOB)")


@pytest.mark.parametrize("image", ["FULL", "MINIMAL", "NOBLOB"])
def test_row_images(db, connector, started, image):
    """A column that is not sent keeps its value."""
    run = started(TABLE, "CREATE TABLE bare (a INT, b TEXT, c INT)",
                  "INSERT INTO t VALUES (1, 1, 'one', 'text', x'00FF'),"
                  " (2, 2, 'two', NULL, x''), (3, 3, NULL, REPEAT('x', 9999),"
                  " REPEAT('y', 9999))",
                  "INSERT INTO bare VALUES (1, 'x', 1), (1, 'x', 1),"
                  " (2, NULL, NULL)")
    run("SET SESSION binlog_row_image = '%s'" % image,
        "INSERT INTO t (id, b) VALUES (4, 'four')",
        "INSERT INTO t (id) VALUES (5)",
        "UPDATE t SET a = 10 WHERE id = 1",
        "UPDATE t SET c = 'new' WHERE id = 2",
        "UPDATE t SET b = NULL, d = NULL WHERE id = 3",
        "UPDATE t SET id = 40, a = 4 WHERE id = 4",
        "DELETE FROM t WHERE id = 5",
        "UPDATE bare SET c = 2 WHERE a = 1 LIMIT 1",
        "UPDATE bare SET b = 'y' WHERE a = 2",
        "INSERT INTO bare (c) VALUES (9)",
        "DELETE FROM bare WHERE c = 1")
    columns = "id, a, b, c"
    connector.wait_equal("t", columns)
    rows = db.execute("SELECT id, HEX(d) FROM t ORDER BY id")
    connector.wait_rows("t", rows, "id, upper(encode(d, 'hex'))")
    connector.wait_rows("bare", [(1, "x", 2), (2, "y", None),
                                 (None, None, 9)])


def test_rotation(source, db, connector, started):
    run = started(TABLE)
    for n in range(5):
        run("INSERT INTO t (id) VALUES (%d)" % n, "FLUSH BINARY LOGS")
    source.execute("SET GLOBAL max_binlog_size = 4096")
    try:
        for n in range(5, 60):
            run("INSERT INTO t (id, c) VALUES (%d, REPEAT('x', 500))" % n)
    finally:
        source.execute("SET GLOBAL max_binlog_size = 1073741824")
    connector.wait_equal("t", "id, c")
    connector.stop()
    run("FLUSH BINARY LOGS", "INSERT INTO t (id) VALUES (100)")
    connector.start()
    connector.wait_equal("t", "id, c")


def test_checksums(source, db, connector, started):
    run = started(TABLE)
    try:
        for n, checksum in enumerate(["NONE", "CRC32", "NONE"]):
            source.execute("SET GLOBAL binlog_checksum = %s" % checksum)
            run("INSERT INTO t (id) VALUES (%d)" % n)
        connector.wait_equal("t", "id")
        connector.stop()
        run("UPDATE t SET a = 1")
        connector.start()
        connector.wait_equal("t", "id, a")
    finally:
        source.execute("SET GLOBAL binlog_checksum = CRC32")


def test_xa(db, connector, started):
    run = started(TABLE)
    run("XA START 'one'", "INSERT INTO t (id) VALUES (1)", "XA END 'one'",
        "XA PREPARE 'one'", "XA COMMIT 'one'")
    run("XA START 'two'", "INSERT INTO t (id) VALUES (2)", "XA END 'two'",
        "XA PREPARE 'two'", "XA ROLLBACK 'two'")
    run("XA START 'three'", "INSERT INTO t (id) VALUES (3)", "XA END 'three'",
        "XA COMMIT 'three' ONE PHASE")
    # another transaction commits between prepare and commit
    run("XA START 'four'", "INSERT INTO t (id) VALUES (4)", "XA END 'four'",
        "XA PREPARE 'four'")
    run("INSERT INTO t (id) VALUES (5)")
    connector.wait_rows("t", [(1,), (3,), (5,)], "id")
    run("XA COMMIT 'four'")
    connector.wait_rows("t", [(1,), (3,), (4,), (5,)], "id")


def test_xa_over_a_restart(db, connector, started):
    """Prepared before the connector stops, committed after."""
    run = started(TABLE)
    run("XA START 'x'", "INSERT INTO t (id) VALUES (1)", "XA END 'x'",
        "XA PREPARE 'x'")
    run("INSERT INTO t (id) VALUES (2)")
    connector.wait_rows("t", [(2,)], "id")
    connector.stop()
    run("XA COMMIT 'x'")
    connector.start()
    connector.wait_rows("t", [(1,), (2,)], "id")


def test_engine_without_transactions(connector, started):
    run = started("CREATE TABLE m (id INT PRIMARY KEY, a INT) ENGINE=MyISAM",
                  "CREATE TABLE i (id INT PRIMARY KEY)",
                  "INSERT INTO m VALUES (1, 1)")
    run("INSERT INTO m VALUES (2, 2), (3, 3)", "UPDATE m SET a = a + 1",
        "DELETE FROM m WHERE id = 1")
    run("BEGIN", "INSERT INTO m VALUES (4, 4)", "INSERT INTO i VALUES (4)",
        "ROLLBACK")
    connector.wait_equal("m")
    assert connector.rows("i") == []


def test_savepoints(connector, started):
    run = started(TABLE)
    run("BEGIN", "INSERT INTO t (id) VALUES (1)", "SAVEPOINT s",
        "INSERT INTO t (id) VALUES (2)", "ROLLBACK TO s",
        "INSERT INTO t (id) VALUES (3)", "RELEASE SAVEPOINT s", "COMMIT")
    run("BEGIN", "INSERT INTO t (id) VALUES (4)", "ROLLBACK")
    run("INSERT INTO t (id) VALUES (5)")
    connector.wait_rows("t", [(1,), (3,), (5,)], "id")


def test_statements_in_the_log(source, connector, started):
    """Rows_query and annotate events."""
    run = started(TABLE)
    setting = {"mysql": "binlog_rows_query_log_events",
               "mariadb": "binlog_annotate_row_events"}[source.name]
    run("SET SESSION %s = ON" % setting,
        "INSERT INTO t (id, b) VALUES (1, 'x')", "UPDATE t SET b = 'ü'",
        "INSERT INTO t (id) VALUES (2)", "DELETE FROM t WHERE id = 2")
    connector.wait_rows("t", [(1, "ü")], "id, b")


def test_several_tables_in_one_statement(connector, started):
    run = started("CREATE TABLE a (id INT PRIMARY KEY, v INT)",
                  "CREATE TABLE b (id INT PRIMARY KEY, v INT)",
                  "CREATE TABLE log (n INT PRIMARY KEY AUTO_INCREMENT, v INT)",
                  "CREATE TRIGGER tr AFTER UPDATE ON a FOR EACH ROW"
                  " INSERT INTO log (v) VALUES (NEW.v)",
                  "INSERT INTO a VALUES (1, 1), (2, 2), (3, 3)",
                  "INSERT INTO b VALUES (1, 1), (2, 2), (3, 3)")
    run("UPDATE a JOIN b USING (id) SET a.v = 10, b.v = 20 WHERE id < 3",
        "DELETE a, b FROM a JOIN b USING (id) WHERE id = 2")
    for table in ("a", "b", "log"):
        connector.wait_equal(table)


def test_cascade(source, connector, started):
    version = source.execute("SELECT version()")[0][0]
    if source.name == "mariadb" or \
            tuple(map(int, version.split("-")[0].split(".")[:2])) < (9, 6):
        pytest.skip("this server does not log what a foreign key cascades")
    run = started("CREATE TABLE p (id INT PRIMARY KEY)",
                  "CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p)"
                  " REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
                  "INSERT INTO p VALUES (1), (2)",
                  "INSERT INTO c VALUES (1, 1), (2, 2), (3, 2)")
    run("DELETE FROM p WHERE id = 1", "UPDATE p SET id = 20 WHERE id = 2")
    connector.wait_equal("p")
    connector.wait_equal("c")


def test_keys(connector, started):
    """Without a key, with a unique one, and with keys that change."""
    run = started("CREATE TABLE none (a INT, b VARCHAR(9), c FLOAT)",
                  "CREATE TABLE uniq (a INT NOT NULL UNIQUE, b INT)",
                  "CREATE TABLE loose (a INT UNIQUE, b INT)",
                  "CREATE TABLE pair (a INT, b VARCHAR(9), c INT,"
                  " PRIMARY KEY (b, a))",
                  "INSERT INTO none VALUES (1, 'x', 0.1), (1, 'x', 0.1),"
                  " (NULL, NULL, NULL), (2, '', 1e10)",
                  "INSERT INTO uniq VALUES (1, 1), (2, 2)",
                  "INSERT INTO loose VALUES (NULL, 1), (NULL, 2), (3, 3)",
                  "INSERT INTO pair VALUES (1, 'x', 1), (1, 'y', 1)")
    run("UPDATE none SET b = 'y' WHERE a = 1 LIMIT 1",
        "UPDATE none SET c = 5 WHERE a IS NULL",
        "DELETE FROM none WHERE a = 2",
        "UPDATE uniq SET a = a + 10 ORDER BY a DESC",
        "DELETE FROM uniq WHERE a = 11",
        "UPDATE loose SET b = b + 1",
        "DELETE FROM loose WHERE b = 2 LIMIT 1",
        "UPDATE pair SET a = 2, b = 'z' WHERE b = 'x'",
        "DELETE FROM pair WHERE b = 'y'")
    for table in ("none", "uniq", "loose", "pair"):
        connector.wait_equal(table, "a, b", "ORDER BY a IS NULL, a, b")


def test_create_drop_truncate(pg, db, connector, started):
    run = started(TABLE, "INSERT INTO t (id) VALUES (1)")
    run("CREATE TABLE new (id INT PRIMARY KEY, v VARCHAR(20))",
        "INSERT INTO new VALUES (1, 'one'), (2, 'two')",
        "CREATE TABLE alike LIKE new", "INSERT INTO alike VALUES (7, 'x')",
        "CREATE TABLE derived AS SELECT * FROM new",
        "TRUNCATE t", "INSERT INTO t (id) VALUES (2)",
        "TRUNCATE TABLE new", "INSERT INTO new VALUES (3, 'three')",
        "INSERT INTO derived VALUES (4, 'four')")
    connector.wait_rows("new", [(3, "three")])
    connector.wait_rows("alike", [(7, "x")])
    connector.wait_rows("t", [(2,)], "id")
    connector.wait_rows("derived", [(1, "one"), (2, "two"), (4, "four")])
    assert connector.counters()["truncates"] == 2
    run("DROP TABLE alike")
    connector.wait(lambda: not connector.exists("alike"), "the drop")
    run("CREATE TABLE alike (a DATE PRIMARY KEY)",
        "INSERT INTO alike VALUES ('2020-01-01')")
    connector.wait(lambda: connector.exists("alike") and
                   len(connector.rows("alike")) == 1, "the new table")


def test_create_as_select_in_one_transaction(connector, started):
    run = started(TABLE)
    run("CREATE TABLE made (id INT PRIMARY KEY) SELECT 1 AS id UNION SELECT 2",
        "INSERT INTO made VALUES (3)")
    connector.wait_rows("made", [(1,), (2,), (3,)])


def test_other_databases_are_left_alone(source, pg, connector, started):
    run = started(TABLE)
    other = Database(source, "elsewhere")
    other.create()
    try:
        other.execute(TABLE, "INSERT INTO t (id) VALUES (1)",
                      "INSERT INTO `%s`.t (id) VALUES (2)"
                      % connector.database.name)
        run("INSERT INTO elsewhere.t (id) VALUES (3)",
            "CREATE TABLE elsewhere.u (id INT)",
            "INSERT INTO t (id) VALUES (4)")
        connector.wait_rows("t", [(2,), (4,)], "id")
        assert pg.value("SELECT to_regnamespace('elsewhere')") is None
    finally:
        other.drop()


def test_empty_transactions_and_noise(connector, started):
    run = started(TABLE)
    run("CREATE USER IF NOT EXISTS 'passer'@'%'", "DROP USER 'passer'@'%'",
        "CREATE VIEW v AS SELECT 1 AS one", "DROP VIEW v",
        "CREATE PROCEDURE p() SELECT 1", "DROP PROCEDURE p",
        "CREATE TEMPORARY TABLE tmp (a INT)", "INSERT INTO tmp VALUES (1)",
        "DROP TEMPORARY TABLE tmp", "CREATE INDEX i ON t (a)",
        "ANALYZE TABLE t", "BEGIN", "COMMIT", "DELETE FROM t",
        "INSERT INTO t (id) VALUES (1)")
    connector.wait_rows("t", [(1,)], "id")


def test_gtid(pg, start_source, source, connect):
    options = {"mysql": ["--gtid-mode=ON", "--enforce-gtid-consistency=ON"],
               "mariadb": ["--gtid-domain-id=7", "--gtid-strict-mode=ON"]}
    server = start_source(type(source), *options[source.name])
    database = Database(server, "byid")
    database.create()
    database.execute(TABLE, "INSERT INTO t (id) VALUES (1)")
    connector = connect(pg, database)
    connector.start()
    connector.wait_streaming()
    database.execute("INSERT INTO t (id) VALUES (2)",
                     "UPDATE t SET a = 1 WHERE id = 1")
    connector.wait_rows("t", [(1, 1), (2, None)], "id, a")
    connector.stop()
    database.execute("INSERT INTO t (id) VALUES (3)")
    connector.start()
    connector.wait_rows("t", [(1,), (2,), (3,)], "id")
    server.end()


COMPRESSION = {"mysql": ("binlog_transaction_compression", "ON"),
               "mariadb": ("log_bin_compress", "ON")}


def test_compressed_events(source, db, connector, started):
    """Applied, or refused by an error; never skipped."""
    run = started(TABLE)
    name, value = COMPRESSION[source.name]
    source.execute("SET GLOBAL %s = %s" % (name, value))
    try:
        run("INSERT INTO t (id, c) VALUES (1, REPEAT('x', 5000))")
        connector.wait(
            lambda: connector.state()["pid"] == -1 or
            connector.rows("t", "id") == [(1,)], "the row or an error")
    except AssertionError:
        if connector.pid() != -1:
            raise
        assert "compress" in connector.state()["err"]
    finally:
        source.execute("SET GLOBAL %s = OFF" % name)


NAMES = ["select", "Mixed Case", 'quo"te', "back`tick", "a.b", "it's", "ünïcödé",
         "日本", "semi;colon", "per%cent", "x" * 63, "-", "user", "{}"]


def test_names(pg, db, connector, started):
    """Any identifier, of tables and columns."""
    def tick(name):
        return "`%s`" % name.replace("`", "``")
    columns = ", ".join("%s INT" % tick(name) for name in NAMES)
    run = started(*("CREATE TABLE %s (id INT PRIMARY KEY, %s)"
                    % (tick(name), columns) for name in NAMES),
                  *("INSERT INTO %s (id) VALUES (1)" % tick(name)
                    for name in NAMES))
    for name in NAMES:
        run("INSERT INTO %s VALUES (2, %s)"
            % (tick(name), ", ".join(map(str, range(len(NAMES))))),
            "UPDATE %s SET %s = 5 WHERE id = 1" % (tick(name), tick(name)))
    for name in NAMES:
        connector.wait_equal(name)
    run("CREATE TABLE `order by` (`group` INT PRIMARY KEY, `a b``c\"d` INT)",
        "INSERT INTO `order by` VALUES (1, 2)")
    connector.wait_rows("order by", [(1, 2)])


def test_partitioned_target(pg, db, connector):
    """The target was there, partitioned; rows find their partition."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, a INT)",
               "INSERT INTO t VALUES (1, 1), (150, 2)")
    pg.query('CREATE SCHEMA "%s"' % connector.schema)
    pg.query("CREATE TABLE %s (id int PRIMARY KEY, a int)"
             " PARTITION BY RANGE (id)" % connector.target("t"))
    for name, low, high in (("low", 0, 100), ("high", 100, 1000)):
        pg.query("CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%d)"
                 " TO (%d)" % (connector.target(name), connector.target("t"),
                               low, high))
    connector.start()
    connector.wait_equal("t")
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (2, 3), (200, 4), (3, 5)",
               "UPDATE t SET id = 201 WHERE id = 1",
               "UPDATE t SET a = 9 WHERE id = 150",
               "DELETE FROM t WHERE id = 2")
    connector.wait_equal("t")
    connector.wait_rows("low", [(3, 5)])
    db.execute("TRUNCATE t")
    connector.wait_rows("t", [])


def test_view_as_target(pg, db, connector):
    """What is not a heap goes through SQL."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, a INT)")
    pg.query('CREATE SCHEMA "%s"' % connector.schema)
    pg.query("CREATE TABLE %s (id int PRIMARY KEY, a int)"
             % connector.target("real"))
    pg.query("CREATE VIEW %s AS SELECT * FROM %s"
             % (connector.target("t"), connector.target("real")))
    connector.start("no_data")
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (1, 1), (2, 2)",
               "UPDATE t SET a = 5 WHERE id = 1", "DELETE FROM t WHERE id = 2")
    connector.wait_rows("t", [(1, 5)])


def test_spi_setting(pg, db, connector, settings):
    settings(synchdb__dml_use_spi="on")
    db.execute(TABLE, "INSERT INTO t (id) VALUES (1), (2)")
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t (id, b) VALUES (3, 'it''s \\\\ %s')",
               "UPDATE t SET a = 3 WHERE id = 1", "DELETE FROM t WHERE id = 2")
    connector.wait_equal("t", "id, a, b")


def test_triggers_and_foreign_keys_of_the_target(pg, db, connector):
    """Users' additions to a copied table do not stop the stream."""
    db.execute("CREATE TABLE p (id INT PRIMARY KEY)",
               "CREATE TABLE c (id INT PRIMARY KEY, p INT)")
    connector.start()
    connector.wait_streaming()
    pg.query("ALTER TABLE %s ADD FOREIGN KEY (p) REFERENCES %s (id)"
             % (connector.target("c"), connector.target("p")))
    pg.query("CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS"
             " 'BEGIN RETURN NULL; END'" % connector.target("f"))
    pg.query("CREATE TRIGGER tr AFTER INSERT ON %s FOR EACH ROW"
             " EXECUTE FUNCTION %s()"
             % (connector.target("c"), connector.target("f")))
    pg.query("CREATE INDEX ON %s (p)" % connector.target("c"))
    db.execute("INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (1, 1)",
               "DELETE FROM p", "UPDATE c SET p = 2")
    connector.wait_equal("c")
    connector.wait_equal("p")


def test_checkpoint_changed_meanwhile(pg, db, connector, started):
    """Another session is changing the row that every commit changes."""
    run = started("CREATE TABLE t (id INT PRIMARY KEY)")
    other = pg.connect()
    other.autocommit = False
    with other.cursor() as cursor:
        cursor.execute("UPDATE synchdb_checkpoint SET dmls = dmls + 1000"
                       " WHERE name = %s", [connector.name])
        run("INSERT INTO t VALUES (1), (2), (3)")
        connector.wait(lambda: pg.value(
            "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s",
            [connector.pid()]) == "Lock", "the worker to wait")
    other.commit()
    other.close()
    run("INSERT INTO t VALUES (4)")
    connector.wait_equal("t")
    assert connector.counters()["dmls"] == 1004
