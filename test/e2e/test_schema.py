"""Schema changes of real servers reach the tables here."""

import pymysql
import pytest

from support.source import Database
from support.twins import Twins
from support.types import columns_of


@pytest.fixture
def started(db, connector):
    """Starts the connector after the given statements; gives a function that
    runs statements at the source in one session."""
    def start(*sql):
        db.execute(*sql)
        connector.start()
        connector.wait_streaming()
        return db.execute
    return start


TABLE = "CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20))"


def columns(pg, connector, table):
    return [row[0] for row in pg.query(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [connector.target(table)])]


def stage(pg, connector, table):
    return pg.value("SELECT stage FROM synchdb_table WHERE name = %s AND"
                    " source_table LIKE %s", [connector.name, "%." + table])


def wait_stage(pg, connector, table, *stages):
    connector.wait(lambda: stage(pg, connector, table) in stages,
                   "the table to be one of the stream's")


def test_columns_come_go_and_change(pg, connector, started):
    run = started(TABLE, "INSERT INTO t VALUES (1, 1, 'one'), (2, NULL, NULL)")
    run("ALTER TABLE t ADD c INT NOT NULL DEFAULT 7 AFTER id,"
        " CHANGE a aa BIGINT, ADD d VARCHAR(5) DEFAULT 'd'",
        "INSERT INTO t VALUES (3, 8, 5000000000, 'three', 'x')",
        "ALTER TABLE t DROP b, MODIFY d VARCHAR(50) FIRST",
        "UPDATE t SET d = 'a longer text than before' WHERE id = 2",
        "ALTER TABLE t RENAME COLUMN aa TO z, ADD e DATE",
        "INSERT INTO t (id, c, e) VALUES (4, 9, '2020-01-02')")
    connector.wait(lambda: "e" in columns(pg, connector, "t"), "the column")
    connector.wait_equal("t", "id, c, z, d, e")


def test_keys_change(pg, connector, started):
    run = started(TABLE, "INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two')")
    run("ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a)",
        "UPDATE t SET id = 5 WHERE a = 10",
        "ALTER TABLE t DROP PRIMARY KEY",
        "UPDATE t SET a = 10 WHERE a = 20",
        "DELETE FROM t WHERE id = 5",
        "ALTER TABLE t ADD PRIMARY KEY (a, id)",
        "INSERT INTO t VALUES (6, 10, 'six')")
    connector.wait_equal("t")


def test_renames(pg, connector, started):
    run = started(TABLE, "CREATE TABLE u (x INT PRIMARY KEY)",
                  "INSERT INTO t VALUES (1, 1, 'one')",
                  "INSERT INTO u VALUES (1)")
    run("RENAME TABLE t TO w, u TO t, w TO u",
        "INSERT INTO t VALUES (2)", "INSERT INTO u VALUES (2, 2, 'two')",
        "ALTER TABLE u RENAME TO v, ADD c INT",
        "INSERT INTO v VALUES (3, 3, 'three', 3)")
    connector.wait(lambda: connector.exists("v"), "the new name")
    connector.wait_equal("v")
    connector.wait_equal("t")
    assert not connector.exists("u")
    assert not connector.exists("w")


def test_several_tables_in_one_drop(connector, started):
    run = started(TABLE, "CREATE TABLE u (x INT)", "CREATE TABLE v (x INT)")
    run("DROP TABLE t, u", "INSERT INTO v VALUES (1)")
    connector.wait_equal("v")
    assert not connector.exists("t")
    assert not connector.exists("u")


def test_a_new_table_is_what_it_was_when_it_was_made(connector, started):
    """However late the stream comes to it."""
    run = started(TABLE)
    connector.stop()
    run("CREATE TABLE n (id INT PRIMARY KEY, a VARCHAR(10) CHARACTER SET"
        " latin1)", "INSERT INTO n VALUES (1, 'é')",
        "ALTER TABLE n ADD b INT FIRST, MODIFY a TEXT CHARACTER SET utf8mb4",
        "INSERT INTO n VALUES (5, 2, '☃')",
        "CREATE TABLE l LIKE n", "ALTER TABLE n DROP b",
        "INSERT INTO n VALUES (3, 'x')", "INSERT INTO l VALUES (1, 2, 'y')",
        "CREATE TABLE gone (x INT)", "INSERT INTO gone VALUES (1)",
        "DROP TABLE gone")
    connector.start()
    connector.wait(lambda: connector.exists("l"), "the last table")
    connector.wait_equal("n")
    connector.wait_equal("l")
    assert not connector.exists("gone")


def test_tables_that_are_not_captured_do_not_matter(source, pg, db, connect):
    connector = connect(pg, db, tables="%s.t" % db.name)
    db.execute(TABLE)
    connector.start()
    connector.wait_streaming()
    other = Database(source, "other_" + db.name)
    other.create()
    try:
        db.execute("CREATE TABLE u (x INT)", "ALTER TABLE u ADD y INT",
                   "RENAME TABLE u TO v", "ALTER TABLE v RENAME TO `%s`.t"
                   % other.name, "TRUNCATE `%s`.t" % other.name,
                   "ALTER TABLE `%s`.t DROP y" % other.name,
                   "CREATE DATABASE IF NOT EXISTS `%s`" % other.name,
                   "DROP TABLE `%s`.t" % other.name,
                   "INSERT INTO t VALUES (1, 1, 'one')")
        connector.wait_equal("t")
        assert not connector.exists("u")
        assert stage(pg, connector, "t") == "streaming"
    finally:
        other.drop()


def test_rebuilt_by_a_tool_in_sight(connector, started):
    """As pt-online-schema-change does it: all tables are captured."""
    run = started(TABLE, "INSERT INTO t VALUES (1, 1, 'one'), (2, 2, 'two')")
    run("CREATE TABLE _t_new LIKE t", "ALTER TABLE _t_new ADD c INT DEFAULT 5",
        "INSERT INTO _t_new (id, a, b) SELECT id, a, b FROM t",
        "UPDATE t SET a = 11 WHERE id = 1",
        "REPLACE INTO _t_new (id, a, b) SELECT id, a, b FROM t WHERE id = 1",
        "RENAME TABLE t TO _t_old, _t_new TO t", "DROP TABLE _t_old",
        "INSERT INTO t VALUES (3, 3, 'three', 3)")
    connector.wait_equal("t")
    assert not connector.exists("_t_old")
    assert not connector.exists("_t_new")


def test_rebuilt_by_a_tool_out_of_sight(pg, db, connect):
    """As gh-ost does it, with a table list that does not name its tables: the
    table is copied again, since its rows were not seen."""
    connector = connect(pg, db, tables="%s.t" % db.name)
    db.execute(TABLE, "INSERT INTO t VALUES (1, 1, 'one')")
    connector.start()
    connector.wait_streaming()
    db.execute("CREATE TABLE _t_gho LIKE t", "ALTER TABLE _t_gho ADD c INT",
               "INSERT INTO _t_gho SELECT id, a, b, 7 FROM t",
               "INSERT INTO t VALUES (2, 2, 'two')",
               "REPLACE INTO _t_gho SELECT id, a, b, 8 FROM t WHERE id = 2",
               "RENAME TABLE t TO _t_del, _t_gho TO t",
               "INSERT INTO t VALUES (3, 3, 'three', 9)")
    connector.wait_equal("t")
    db.execute("DROP TABLE _t_del", "UPDATE t SET c = c + 1",
               "DELETE FROM t WHERE id = 1")
    connector.wait_equal("t")
    wait_stage(pg, connector, "t", "copied", "streaming")


PARTITIONED = ("CREATE TABLE t (id INT PRIMARY KEY, a INT) PARTITION BY RANGE"
               " (id) (PARTITION p VALUES LESS THAN (10), PARTITION q VALUES"
               " LESS THAN (20), PARTITION r VALUES LESS THAN (30))")


@pytest.mark.parametrize("statement", [
    "ALTER TABLE t DROP PARTITION p", "ALTER TABLE t TRUNCATE PARTITION q",
    "ALTER TABLE t EXCHANGE PARTITION q WITH TABLE u"])
def test_rows_that_are_not_logged(pg, db, connector, statement):
    """The table is copied again."""
    db.execute(PARTITIONED, "CREATE TABLE u (id INT PRIMARY KEY, a INT)",
               "INSERT INTO t VALUES (1, 1), (11, 2), (21, 3)",
               "INSERT INTO u VALUES (12, 4), (13, 5)")
    connector.start()
    connector.wait_streaming()
    db.execute(statement, "INSERT INTO t VALUES (15, 6)",
               "UPDATE t SET a = a + 1", "INSERT INTO u VALUES (1, 1)")
    for table in "tu":
        connector.wait_equal(table)
        wait_stage(pg, connector, table, "copied", "streaming")


@pytest.mark.parametrize("how", ["setting", "mode", "list"])
def test_what_is_not_copied_stays(pg, db, connect, settings, how):
    """Where the user wants no copy, the table is marked."""
    connector = connect(pg, db, snapshot_tables="%s.other" % db.name
                        if how == "list" else "null")
    if how == "setting":
        settings(synchdb__resync_incomplete="off")
    db.execute(PARTITIONED, "INSERT INTO t VALUES (1, 1), (11, 2)")
    connector.start("no_data" if how == "mode" else None)
    connector.wait_streaming()
    db.execute("ALTER TABLE t DROP PARTITION p", "INSERT INTO t VALUES (12, 3)")
    kept = [(1, 1), (11, 2)] if how == "setting" else []
    connector.wait_rows("t", kept + [(12, 3)])
    assert stage(pg, connector, "t") == "partial"


def test_a_table_that_leaves_is_gone(source, pg, db, connect):
    connector = connect(pg, db, tables="%s.t" % db.name)
    db.execute(TABLE, "INSERT INTO t VALUES (1, 1, 'one')")
    connector.start()
    connector.wait_streaming()
    db.execute("RENAME TABLE t TO u")
    connector.wait(lambda: not connector.exists("t"), "the table's end")


def test_list_that_grows_while_the_stream_is_behind(pg, db, connect):
    """Only what the list did not match before is copied; the stream comes to
    the other new tables by itself."""
    connector = connect(pg, db, tables="%s.t.*" % db.name)
    db.execute("CREATE TABLE t1 (id INT PRIMARY KEY, a INT)",
               "INSERT INTO t1 VALUES (1, 1), (2, 1)",
               "CREATE TABLE later (id INT PRIMARY KEY)",
               "INSERT INTO later VALUES (5)")
    connector.start()
    connector.wait_streaming()
    connector.stop()
    db.execute("CREATE TABLE t2 (k VARCHAR(5) PRIMARY KEY)",
               "INSERT INTO t2 VALUES ('x')",
               "RENAME TABLE t2 TO t_passing, t1 TO t2, t_passing TO t1",
               "INSERT INTO t1 VALUES ('y')", "DELETE FROM t2 WHERE id = 1")
    pg.query("UPDATE synchdb_conninfo SET data = jsonb_set(data, '{table}',"
             " to_jsonb(%s::text)) WHERE name = %s",
             ["{0}.t.*,{0}.later".format(db.name), connector.name])
    connector.start()
    for table in "t1", "t2", "later":
        connector.wait_equal(table)
        wait_stage(pg, connector, table, "copied", "streaming")


def test_what_cannot_be_resolved_is_read_from_the_source(pg, db, connector,
                                                         started):
    """Names of columns that differ by the case of a letter beyond ASCII are
    the same for the source, but not found here."""
    run = started("CREATE TABLE t (id INT PRIMARY KEY, `ü` INT, x INT)",
                  "INSERT INTO t VALUES (1, 1, 1)")
    run("ALTER TABLE t DROP COLUMN `Ü`")
    connector.wait(lambda: columns(pg, connector, "t") == ["id", "x"],
                   "the new definition")
    assert stage(pg, connector, "t") != "streaming"
    assert connector.state()["err"] == "no error"


MOMENTS = ["'2024-12-31 23:59:59.999'", "'1969-12-31 23:59:59.999999'",
           "'1999-01-01 10:00:00.555555'", "'2000-01-01'"]
DATES = ["'2024-02-29'", "'0000-00-00'", "'2024-00-15'"]

# names of support/types.py: what a column was and is, its values, and whether
# it can be known what became of them
CONVERSIONS = [
    ("clock6", "clock0", ["'11:59:59.987654'", "'00:00:00'"], True),
    ("clock6", "clock2", ["'11:59:59.987654'", "'24:00:00'"], True),
    ("moment6", "moment3", MOMENTS, True),
    ("moment3", "moment0", MOMENTS, True),
    ("moment6", "clock2", MOMENTS, True),
    ("moment6", "day", MOMENTS[2:], True),
    ("moment6", "day", MOMENTS, False),
    ("moment0", "clock0", ["'0000-00-00 10:00:00'"], False),
    ("instant6", "instant4", MOMENTS[2:], True),
    ("varying", "moment0", ["'2024-02-03 04:05:06.789'"], True),
    ("varying", "moment0", ["'01-02-03 04:05:06'"], False),
    ("varying", "day", ["'2024-02-03'"], True),
    ("varying", "clock0", ["'11:12:13.987'"], True),
    ("day", "varying", DATES[:1], True),
    ("day", "varying", DATES, False),
    ("day", "moment0", DATES, True),
    ("normal", "years", ["0", "1", "69", "70", "99", "1901"], True),
    ("dec4", "years", ["1.4", "69.5", "2155"], True),
    ("years", "varying", ["0", "2024"], True),
    ("big_u", "bit64", ["0", "1", "9223372036854775808",
                        "18446744073709551615"], True),
    ("twice", "single", ["5e-324", "0.1", "1e-44", "-2.5", "NULL"], True),
    ("bit64", "twice", ["1", "0xFFFFFFFFFFFFFFFF"], False),
    ("varying", "labels", ["'a'", "'Grüße'"], True),
    ("varying", "labels", ["'A'", "'5'"], False),
    ("labels", "normal", ["'a'", "'b c'"], True),
    ("labels", "normal", ["''", "'none of it'"], False),
]


def test_conversions(pg, db, connector):
    """As the source converts, or a copy is asked for."""
    types = {column.name: column for column in columns_of(db.server.name)}
    for number, (old, new, values, is_known) in enumerate(CONVERSIONS):
        db.execute("CREATE TABLE t%d (v %s)" % (number, types[old].ddl),
                   "INSERT INTO t%d VALUES (%s)" % (number,
                                                    "), (".join(values)))
    connector.start()
    connector.wait_streaming()
    db.execute("SET sql_mode = 'STRICT_ALL_TABLES'", *(
        "ALTER TABLE t%d MODIFY v %s" % (number, types[new].ddl)
        for number, (old, new, values, is_known) in enumerate(CONVERSIONS)),
        "CREATE TABLE last (id INT)")
    connector.wait(lambda: connector.exists("last"), "the last statement")
    stages = [stage(pg, connector, "t%d" % number)
              for number in range(len(CONVERSIONS))]
    assert stages == ["streaming" if is_known else "partial"
                      for old, new, values, is_known in CONVERSIONS]
    twins = Twins(db, connector)
    twins.describe()
    wrong = twins.differences(["t%d" % number for number in
                               range(len(CONVERSIONS))
                               if stages[number] == "streaming"])
    twins.close()
    assert not wrong, "\n".join(wrong)


def test_a_lost_date_becomes_what_cannot_be_null(connector, started):
    run = started("CREATE TABLE t (id INT PRIMARY KEY, v DATETIME NOT NULL)",
                  "INSERT INTO t VALUES (1, '0000-00-00 00:00:00')")
    run("ALTER TABLE t MODIFY v TIME NOT NULL",
        "INSERT INTO t VALUES (2, '10:11:12')")
    connector.wait_rows("t", [(1, "00:00:00"), (2, "10:11:12")], "id, v::text")


def test_a_lost_date_that_may_be_null(pg, connector, started):
    """It is another value here from then on."""
    run = started("CREATE TABLE t (v TIMESTAMP NOT NULL, n INT)",
                  "INSERT INTO t VALUES ('0000-00-00 00:00:00', 1)")
    run("ALTER TABLE t MODIFY v TIMESTAMP NULL", "UPDATE t SET n = 2")
    wait_stage(pg, connector, "t", "partial")
    pg.query("SELECT synchdb_resync_table(%s, %s)",
             [connector.name, connector.database.id("t")])
    connector.wait_rows("t", [(None, 2)])


def test_no_label_becomes_what_cannot_be_null(connector, started):
    """Rows that are there get no label; those of a new column the first."""
    run = started("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9),"
                  " e ENUM('x', 'y'))",
                  "INSERT INTO t VALUES (1, NULL, NULL), (2, 'y', 'y')")
    run("ALTER TABLE t MODIFY v ENUM('x', 'y') NOT NULL,"
        " MODIFY e ENUM('x', 'y') NOT NULL, ADD n ENUM('x', 'y') NOT NULL",
        "INSERT INTO t (id) VALUES (3)")
    connector.wait_equal("t")


def test_generated_from_what_becomes_zero(pg, connector, started):
    """The source generates it anew, which is not logged; the row is found
    nevertheless."""
    run = started("CREATE TABLE t (v INT, g INT AS (v + 1) STORED)",
                  "INSERT INTO t (v) VALUES (NULL), (5)")
    run("ALTER TABLE t MODIFY v INT NOT NULL", "UPDATE t SET v = 7 WHERE v = 0")
    connector.wait_equal("t")
    assert stage(pg, connector, "t") == "partial"


def test_replacement_that_fails(source, db, connector, started):
    """MariaDB has dropped the old table by then, where it is not atomic."""
    if source.name != "mariadb":
        pytest.skip("MySQL has no CREATE OR REPLACE TABLE")
    run = started(TABLE, "INSERT INTO t VALUES (1, 1, 'one')")
    with pytest.raises(pymysql.err.MySQLError):
        run("CREATE OR REPLACE TABLE t (id INT, v INT AS (nope) STORED)")
    run("CREATE TABLE last (id INT)")
    connector.wait(lambda: connector.exists("last"), "the last statement")
    assert connector.exists("t") == bool(db.execute("SHOW TABLES LIKE 't'"))


def test_instants_that_were_null(pg, source, connector, started):
    """MariaDB puts its time there; the row is found nevertheless."""
    if source.name != "mariadb":
        pytest.skip("MySQL refuses it")
    run = started("CREATE TABLE t (id INT, v TIMESTAMP(6) NULL)",
                  "INSERT INTO t VALUES (1, NULL)")
    run("ALTER TABLE t MODIFY v TIMESTAMP(6) NOT NULL",
        "UPDATE t SET id = 2", "CREATE TABLE last (id INT)")
    connector.wait(lambda: connector.exists("last"), "the last statement")
    assert stage(pg, connector, "t") == "partial"


def test_defaults_where_null_was(pg, connector, started):
    """MariaDB puts the default that the column had, where it changes the table
    in place; the row is found nevertheless."""
    run = started("CREATE TABLE t (id INT, v INT DEFAULT 5, w INT DEFAULT 6,"
                  " x INT DEFAULT 7)",
                  "INSERT INTO t VALUES (1, NULL, NULL, 7)")
    run("ALTER TABLE t MODIFY x INT NOT NULL DEFAULT 7",
        "CREATE TABLE certain (id INT)")
    connector.wait(lambda: connector.exists("certain"), "the statement")
    assert stage(pg, connector, "t") == "streaming"
    run("ALTER TABLE t MODIFY v INT NOT NULL DEFAULT 5,"
        " MODIFY w INT NOT NULL DEFAULT 8",
        "UPDATE t SET id = 2", "CREATE TABLE last (id INT)")
    connector.wait(lambda: connector.exists("last"), "the last statement")
    assert stage(pg, connector, "t") == "partial"


def test_nothing_as_a_shape(source, connector, started):
    """NULLs of MariaDB become shapes without bytes."""
    if source.name != "mariadb":
        pytest.skip("MySQL refuses it")
    run = started("CREATE TABLE t (id INT PRIMARY KEY, v GEOMETRY, p POINT)",
                  "INSERT INTO t VALUES (1, NULL, NULL)")
    run("ALTER TABLE t MODIFY v GEOMETRY NOT NULL, MODIFY p POINT NOT NULL",
        "INSERT INTO t VALUES (2, POINT(1, 2), POINT(3, 4))",
        "INSERT INTO t (id) VALUES (3)")
    connector.wait_rows("t", [(1, 2), (2, 1)],
                        "min(id), count(*)", "GROUP BY v, p ORDER BY 1")


def test_zeros_of_addresses(source, connector, started):
    """What NULLs and rows without a value get in columns of MariaDB."""
    if source.name != "mariadb":
        pytest.skip("types of MariaDB")
    run = started("CREATE TABLE t (id INT PRIMARY KEY, a INET4, b INET6,"
                  " c UUID)",
                  "INSERT INTO t VALUES (1, NULL, NULL, NULL),"
                  " (2, '10.0.0.1', '::1', UUID())")
    run("ALTER TABLE t MODIFY a INET4 NOT NULL, MODIFY b INET6 NOT NULL,"
        " MODIFY c UUID NOT NULL, ADD d INET4 NOT NULL, ADD e INET6 NOT NULL",
        "INSERT INTO t (id) VALUES (3)")
    connector.wait_equal("t")


@pytest.mark.parametrize("flavor, mode", [
    ("mariadb", "TIME_ROUND_FRACTIONAL"), ("mysql", "TIME_TRUNCATE_FRACTIONAL")])
def test_fractions_in_other_modes(source, db, connector, started, flavor,
                                  mode):
    """MariaDB cuts and MySQL rounds, unless the session says otherwise."""
    if source.name != flavor:
        pytest.skip("a mode of %s" % flavor)
    run = started("CREATE TABLE t (id INT PRIMARY KEY, v DATETIME(6))",
                  "INSERT INTO t VALUES (1, '2024-12-31 23:59:59.987654')")
    run("SET sql_mode = '%s'" % mode, "ALTER TABLE t MODIFY v DATETIME(2)",
        "INSERT INTO t (id) VALUES (2)")
    connector.wait_equal("t")


@pytest.fixture
def stopped_in_copy(db, connector, failpoint, settings):
    """Starts a connector of the tables t and u, and stops it when the first
    copy has come to a place; at the source something may happen there."""
    settings(synchdb__snapshot_workers="1")

    def stop(name, *meanwhile, u):
        db.execute(TABLE, u, "INSERT INTO t VALUES (1, 1, 'one')",
                   "INSERT INTO u VALUES (1)")
        failpoint.arm(name, "wait")
        connector.start()
        failpoint.wait_reached()
        if meanwhile:
            db.execute(*meanwhile)
        connector.stop()
        failpoint.clear()
        return connector
    return stop


def test_changes_that_a_copy_shows_already(pg, db, stopped_in_copy):
    """The stream begins before the copies, where tables were others."""
    connector = stopped_in_copy(
        "copy-before-load", "INSERT INTO t VALUES (2, 2, 'two')",
        "ALTER TABLE t ADD c DATE FIRST, DROP a",
        "INSERT INTO t (id) VALUES (3)",
        "RENAME TABLE t TO passing, u TO t, passing TO u",
        "INSERT INTO t VALUES (2)", "UPDATE u SET b = 'both'",
        "ALTER TABLE u RENAME COLUMN b TO x",
        u="CREATE TABLE u (x INT PRIMARY KEY)")
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (3)", "DELETE FROM u WHERE id = 1",
               "ALTER TABLE u ADD d INT", "UPDATE u SET d = 1")
    connector.wait_equal("t")
    connector.wait_equal("u", "id, x, c, d")
    assert stage(pg, connector, "t") == stage(pg, connector, "u") == \
        "streaming"


def test_a_table_that_moves_before_its_copy(db, stopped_in_copy):
    """One of two tables that change places was copied before that, the other
    one after it: what cannot be known is copied again."""
    connector = stopped_in_copy("copy-after-commit",
                                u="CREATE TABLE u (id INT PRIMARY KEY)")
    db.execute("RENAME TABLE t TO passing, u TO t, passing TO u",
               "INSERT INTO t VALUES (2)", "UPDATE u SET a = 5")
    connector.start()
    connector.wait_streaming()
    db.execute("CREATE TABLE last (id INT)")
    connector.wait(lambda: connector.exists("last"), "the last statement")
    connector.wait_equal("t")
    connector.wait_equal("u")
