"""What goes wrong is said: where, what, and what to do."""

import socket
import time

import psycopg2
import pymysql
import pytest

from support.connector import Connector
from support.process import free_port
from support.source import Database
from support.wait import wait_until

SOON = 15           # seconds; well below the default connect timeout


@pytest.fixture
def table(db):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, a INT)",
               "INSERT INTO t VALUES (1, 10)")


def failure(connector):
    """The text of the error that start raises or leaves in err."""
    begin = time.monotonic()
    try:
        connector.start()
        text = connector.wait_failed()
    except psycopg2.Error as error:
        text = str(error)
    assert time.monotonic() - begin < SOON
    assert "mysqlpwd" not in text and "wrong" not in text
    return text


@pytest.mark.parametrize("overrides, words", [
    ({"port": None}, ["127.0.0.1"]),
    ({"host": "no-such-host.invalid"}, ["no-such-host.invalid"]),
    ({"password": "wrong-one"}, ["mysqluser", "synchdb_set_password()"]),
    ({"user": "nobody"}, ["nobody"]),
    ({"srcdb": "no_such_database"}, ["no_such_database"]),
], ids=["port", "host", "password", "user", "database"])
def test_bad_connection(pg, db, connect, table, overrides, words):
    overrides = dict(overrides)
    if "port" in overrides:
        overrides["port"] = free_port()
        words = words + [str(overrides["port"])]
    connector = connect(pg, db, **overrides)
    text = failure(connector)
    for word in words:
        assert word in text
    state = connector.state()
    assert state["pid"] == -1 and state["state"] == "stopped"
    assert "mysqlpwd" not in pg.log_text()


def test_server_that_never_answers(pg, db, connect, settings):
    """A listening port behind which nobody is: the timeout counts."""
    settings(synchdb__dbz_connect_timeout_ms="2000")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        connector = connect(pg, db, port=port)
        assert str(port) in failure(connector)


def test_without_binlog(pg, start_source, source, connect):
    server = start_source(type(source), "--skip-log-bin")
    database = Database(server, "nolog")
    database.create()
    database.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector = connect(pg, database)
    assert "log_bin" in failure(connector)
    server.end()


def test_statement_format(pg, start_source, source, connect):
    server = start_source(type(source), "--binlog-format=STATEMENT")
    database = Database(server, "byword")
    database.create()
    database.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector = connect(pg, database)
    assert "binlog_format" in failure(connector)
    server.end()


def test_missing_privileges(pg, source, db, connect, table):
    source.execute("CREATE USER 'poor'@'%' IDENTIFIED BY 'mysqlpwd'",
                   "GRANT SELECT ON *.* TO 'poor'@'%'")
    try:
        connector = connect(pg, db, user="poor")
        text = failure(connector)
        assert "REPLICATION" in text.upper()
        grants = [part for part in text.split("; ") if "GRANT" in part]
        source.execute(*(part[part.index("GRANT"):].partition(";")[0]
                         for part in grants))
        connector.start()
        connector.wait_streaming()
        connector.stop()
    finally:
        source.execute("DROP USER 'poor'@'%'")


def test_tables_that_are_hidden(pg, source, db, connect, table):
    """Who wants all tables and may see some is told so."""
    db.execute("CREATE TABLE hidden (id INT PRIMARY KEY)")
    source.execute("CREATE USER 'some'@'%' IDENTIFIED BY 'mysqlpwd'",
                   "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.*"
                   " TO 'some'@'%'",
                   "GRANT SELECT ON `{}`.t TO 'some'@'%'".format(db.name))
    check = ("SELECT passed, fatal, detail, hint FROM"
             " synchdb_check_connector(%s) WHERE name = 'SELECT'")
    try:
        ((passed, fatal, detail, hint),) = pg.query(
            check, [connect(pg, db, user="some").name])
        assert (passed, fatal) == (False, False) and "not seen" in detail
        assert pg.query(check, [connect(
            pg, db, user="some", tables=db.name + ".t").name])[0][0]
        source.execute(hint)
        connector = connect(pg, db, user="some")
        assert pg.query(check, [connector.name])[0][0]
        connector.start()
        connector.wait_streaming()
        assert connector.exists("hidden")
        connector.stop()
    finally:
        source.execute("DROP USER 'some'@'%'")


def test_list_that_matches_nothing(pg, db, connect, table):
    connector = connect(pg, db, tables="%s.nothing" % db.name)
    assert "nothing" in failure(connector) or "table" in failure(connector)


def test_parts_of_a_failed_start(pg, db, connect, table):
    """What happened, where and what to do stand where psql looks for them."""
    connector = connect(pg, db, password="wrong-one")
    with pytest.raises(psycopg2.Error) as error:
        connector.start()
    said = error.value.diag
    assert error.value.pgcode == "28000"
    assert "Access denied" in said.message_primary
    assert said.message_detail.startswith("Error 1045")
    assert "synchdb_set_password()" in said.message_hint
    assert "\n" not in said.message_primary + said.message_hint


def test_long_error_of_a_failed_start(pg, db, connect):
    """Is whole, though it does not fit into shared memory."""
    value = "\u00fc\u20ac" * 900
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v TEXT)",
               "INSERT INTO t VALUES (1, '%s')" % value)
    connector = connect(pg, db)
    connector.start()
    connector.wait_streaming()
    connector.stop()
    pg.query("SELECT synchdb_add_objmap(%s, 'datatype', %s, 'int')",
             [connector.name, "%s.t.v" % db.name])
    with pytest.raises(psycopg2.Error, match="integer") as error:
        connector.start()
    assert value in error.value.diag.message_primary
    assert error.value.pgcode == "22P02"


def test_second_start_names_the_pid(pg, connector, table):
    connector.start()
    with pytest.raises(psycopg2.Error) as error:
        connector.start()
    assert str(connector.pid()) in str(error.value)
    connector.wait_streaming()


def test_stop_when_not_running(pg, connector):
    """A connector that has failed can be marked inactive."""
    pg.query("UPDATE synchdb_conninfo SET isactive = true WHERE name = %s",
             [connector.name])
    assert connector.stop() == 0
    assert pg.query("SELECT isactive FROM synchdb_conninfo WHERE name = %s",
                    [connector.name]) == [(False,)]


def test_connector_that_exists(pg, db, connector):
    with pytest.raises(psycopg2.Error, match="already exists") as error:
        connector.add()
    assert error.value.pgcode == "23505"
    assert "synchdb_del_conninfo()" in error.value.diag.message_hint


def test_mariadb_is_of_type_mysql(pg, db):
    with pytest.raises(psycopg2.Error) as error:
        Connector(pg, db, "elsewhere").add(type="mariadb")
    assert '"mysql" (MySQL and MariaDB)' in error.value.diag.message_hint


def test_unknown_connector(pg):
    for call in ("synchdb_start_engine_bgw('nobody')",
                 "synchdb_stop_engine_bgw('nobody')",
                 "synchdb_pause_engine('nobody')"):
        with pytest.raises(psycopg2.Error):
            pg.query("SELECT " + call)
    assert pg.value("SELECT synchdb_del_conninfo('nobody')") == 0


def test_stop_during_snapshot(pg, db, connector):
    """In under a second, and the next start completes the copy."""
    db.execute("CREATE TABLE big (id INT PRIMARY KEY, pad VARCHAR(200))",
               "INSERT INTO big WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL"
               " SELECT i + 1 FROM n WHERE i < 900) SELECT a.i * 1000 + b.i,"
               " REPEAT('x', 200) FROM n a, n b WHERE b.i <= 400")
    connector.start()
    assert connector.state()["stage"] == "initial snapshot"
    begin = time.monotonic()
    connector.stop()
    assert time.monotonic() - begin < 1
    assert connector.pid() == -1
    connector.start()
    connector.wait_streaming()
    assert pg.value("SELECT count(*) FROM %s" % connector.target("big")) \
        == 360000


def test_stop_when_idle_and_busy(db, connector, table):
    connector.start()
    connector.wait_streaming()
    begin = time.monotonic()
    connector.stop()
    assert time.monotonic() - begin < 1
    connector.start()
    db.execute("INSERT INTO t WITH RECURSIVE n AS (SELECT 2 AS i UNION ALL"
               " SELECT i + 1 FROM n WHERE i < 900) SELECT i, i FROM n")
    begin = time.monotonic()
    connector.stop()
    assert time.monotonic() - begin < 1
    connector.start()
    connector.wait_equal("t")


@pytest.mark.parametrize("names", [("Orders", "orders"), ("x y", "X Y")])
def test_collision(db, connector, names):
    try:
        db.execute(*("CREATE TABLE `%s` (id INT PRIMARY KEY)" % name
                     for name in names))
    except pymysql.err.Error:
        pytest.skip("this server ignores the case of table names")
    text = failure(connector)
    for name in names:
        assert name in text


def test_name_too_long(db, connector):
    name = "ü" * 40                 # 80 bytes in UTF-8
    db.execute("CREATE TABLE `%s` (id INT PRIMARY KEY)" % name)
    assert name in failure(connector)


def test_lost_target_table(pg, db, connector, table):
    connector.start()
    connector.wait_streaming()
    pg.query("DROP TABLE %s" % connector.target("t"))
    db.execute("INSERT INTO t VALUES (2, 20)")
    assert "%s.t" % db.name in connector.wait_failed().replace('"', "")


def test_duplicate_at_the_target(pg, db, connector, table):
    """The change at fault is found and named, strategy exit."""
    connector.start()
    connector.wait_streaming()
    pg.query("INSERT INTO %s VALUES (3, 0)" % connector.target("t"))
    db.execute("INSERT INTO t VALUES (2, 20), (3, 30), (4, 40)")
    text = connector.wait_failed()
    assert "t_pkey" in text
    assert pg.query("SELECT id FROM %s ORDER BY 1" % connector.target("t")) \
        == [(1,), (3,)]


def test_skip_strategy(pg, db, connector, table, settings):
    """The change at fault is recorded, all others are applied."""
    settings(synchdb__error_handling_strategy="skip")
    connector.start()
    connector.wait_streaming()
    pg.query("INSERT INTO %s VALUES (3, 0)" % connector.target("t"))
    db.execute("INSERT INTO t VALUES (2, 20), (3, 30), (4, 40)",
               "UPDATE t SET a = 11 WHERE id = 1")
    connector.wait_rows("t", [(1, 11), (2, 20), (3, 0), (4, 40)])
    rows = pg.query("SELECT * FROM synchdb_error WHERE name = %s",
                    [connector.name])
    assert len(rows) == 1
    assert "30" in str(rows[0])
    assert connector.counters()["bad_events"] == 1


def test_retry_strategy(pg, db, connector, table, settings):
    """Tries again until somebody helps, and says what it waits for."""
    settings(synchdb__error_handling_strategy="retry")
    connector.start()
    connector.wait_streaming()
    pid = connector.pid()
    pg.query("INSERT INTO %s VALUES (3, 0)" % connector.target("t"))
    db.execute("INSERT INTO t VALUES (2, 20), (3, 30), (4, 40)")
    wait_until(lambda: "t_pkey" in connector.state()["err"], 30,
               "the error to show", connector.explain)
    assert connector.pid() == pid
    pg.query("DELETE FROM %s WHERE id = 3" % connector.target("t"))
    connector.wait_equal("t")
    wait_until(lambda: connector.state()["err"] == "no error", 30,
               "the error to go", connector.explain)
    assert connector.counters()["bad_events"] == 0


def test_strategy_of_a_connector(pg, source, db, connector, table, settings):
    """Each has its own, whatever the setting."""
    settings(synchdb__error_handling_strategy="retry")
    strategy = ("UPDATE synchdb_conninfo SET data = data ||"
                " jsonb_build_object('error_handling_strategy', %s::text)"
                " WHERE name = %s")
    pg.query(strategy, ["skip", connector.name])
    connector.start()
    connector.wait_streaming()
    pg.query("INSERT INTO %s VALUES (2, 0), (3, 0)" % connector.target("t"))
    db.execute("INSERT INTO t VALUES (2, 20), (4, 40)")
    connector.wait_rows("t", [(1, 10), (2, 0), (3, 0), (4, 40)])
    assert connector.counters()["bad_events"] == 1
    connector.stop()
    pg.query(strategy, ["exit", connector.name])
    connector.start()
    db.execute("INSERT INTO t VALUES (3, 30)")
    assert "t_pkey" in connector.wait_failed()


@pytest.mark.parametrize("value", [True, False])
def test_log_change_on_error(start_postgres, db, connect, table, value):
    """Values of rows stand in the log only where they are asked for."""
    pg = start_postgres()
    pg.query("ALTER SYSTEM SET synchdb.log_change_on_error = %s", [value])
    pg.query("ALTER SYSTEM SET log_min_messages = debug1")
    pg.reload()
    connector = connect(pg, db)
    connector.start()
    connector.wait_streaming()
    pg.query("INSERT INTO %s VALUES (3, 0)" % connector.target("t"))
    db.execute("INSERT INTO t VALUES (3, 987654321)")
    connector.wait_failed()
    assert ("987654321" in pg.log_text()) == value


@pytest.mark.parametrize("skipped, expected", [
    ("none", [(1, 11), (3, 30)]), ("t", [(1, 11), (3, 30)]),
    ("c", [(1, 11)]), ("u", [(1, 10), (3, 30)]),
    ("d", [(1, 11), (2, 20), (3, 30)]), ("c,u,d", [(1, 10), (2, 20)])])
def test_skipped_operations(db, connector, table, settings, skipped,
                            expected):
    settings(synchdb__dbz_skipped_oeprations=skipped)
    db.execute("INSERT INTO t VALUES (2, 20)", "CREATE TABLE u (id INT)",
               "INSERT INTO u VALUES (1)", "CREATE TABLE last (id INT)")
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (3, 30)", "UPDATE t SET a = 11 WHERE"
               " id = 1", "DELETE FROM t WHERE id = 2", "TRUNCATE u",
               "ALTER TABLE last ADD x INT")
    connector.wait(lambda: connector.counters()["ddls"] == 1, "the end")
    assert connector.rows("t", order="ORDER BY 1") == expected
    assert connector.rows("u") == ([] if skipped != "t" else [(1,)])


def test_server_goes_away(pg, start_source, source, connect):
    """A source that restarts is found again, or the error says where."""
    server = start_source(type(source))
    database = Database(server, "fleeting")
    database.create()
    database.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector = connect(pg, database)
    connector.start()
    connector.wait_streaming()
    server.end()
    wait_until(lambda: connector.state()["pid"] == -1 or
               connector.state()["err"] != "no error", 30,
               "the loss to be noticed", connector.explain)
    assert str(server.port) in connector.state()["err"]
    server.start()
    if connector.pid() == -1:
        connector.start()
    database.execute("INSERT INTO t VALUES (1)")
    connector.wait_rows("t", [(1,)])
    server.end()


def test_password_is_nowhere(pg, db, connect, table):
    connector = connect(pg, db)
    connector.start()
    connector.wait_streaming()
    for sql in ("SELECT data::text FROM synchdb_conninfo",
                "SELECT query FROM pg_stat_activity WHERE pid <>"
                " pg_backend_pid()",
                "SELECT t::text FROM synchdb_state_view t"):
        assert "mysqlpwd" not in str(pg.query(sql))
    with open("/proc/%d/cmdline" % connector.pid()) as title:
        assert "mysqlpwd" not in title.read()


def test_hostile_names_are_data(pg, db):
    """Quotes, newlines and unicode in a connector's name and settings."""
    connector = Connector(pg, db, "it's \"né\"\n;--")
    connector.add(user="o'neill", password="p'w\\d\"\n")
    try:
        assert pg.value("SELECT data->>'user' FROM synchdb_conninfo"
                        " WHERE name = %s", [connector.name]) == "o'neill"
        assert "o'neill" in failure(connector)
    finally:
        connector.clean()


EVERY_TYPE = ("id INT PRIMARY KEY, a BIGINT UNSIGNED, b DECIMAL(30,9),"
              " c FLOAT, d DOUBLE, e VARCHAR(40), f BLOB, g BIT(11), h DATE,"
              " i TIME(6), j DATETIME(6), k TIMESTAMP(6) NULL, l JSON, m YEAR,"
              " n ENUM('x', 'y'), o SET('p', 'q'), q POINT, r TEXT")
ROWS = ("(2, 18446744073709551615, -12345678901234567890.000000001, 1.5, 1e300,"
        " 'O''Hara \\\\ %d', x'00ff27', b'10000000001', '1000-01-01',"
        " '23:59:59.999999', '9999-12-31 23:59:59.999999',"
        " '2038-01-01 00:00:00.000001', '{\"a\": [1, null]}', 2155, 'y',"
        " 'p,q', ST_GeomFromText('POINT(1 2)'), ''),"
        " (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
        " NULL, NULL, NULL, NULL, NULL, NULL, NULL)")


def test_retry_error(pg, db, connect, settings):
    """What was left out is applied later, exactly as it was."""
    settings(synchdb__error_handling_strategy="skip")
    db.execute("CREATE TABLE t (%s)" % EVERY_TYPE,
               "CREATE TABLE good (%s)" % EVERY_TYPE)
    connector = connect(pg, db)
    connector.start()
    connector.wait_streaming()
    target = connector.target("t")
    pg.query("INSERT INTO %s (id) VALUES (2), (3)" % target)
    db.execute("INSERT INTO t VALUES " + ROWS, "INSERT INTO good VALUES "
               + ROWS)
    connector.wait(lambda: len(connector.rows("good")) == 2, "the other table")
    found = pg.query("SELECT id, key FROM synchdb_error WHERE name = %s"
                     " ORDER BY id", [connector.name])
    assert [key for _, key in found] == ["id=2", "id=3"]
    ids = [number for number, _ in found]
    with pytest.raises(psycopg2.Error, match="duplicate key"):
        pg.query("SELECT synchdb_retry_error(%s)", [ids[0]])
    pg.query("DELETE FROM %s" % target)
    for number in ids:
        assert pg.value("SELECT synchdb_retry_error(%s)", [number]) == 0
    assert pg.query("SELECT t::text FROM %s t ORDER BY id" % target) == \
        pg.query("SELECT t::text FROM %s t ORDER BY id"
                 % connector.target("good"))
    assert pg.query("SELECT id FROM synchdb_error WHERE name = %s",
                    [connector.name]) == []
    with pytest.raises(psycopg2.Error, match="no change"):
        pg.query("SELECT synchdb_retry_error(%s)", [ids[0]])

    # an UPDATE and a DELETE of rows that are not there
    pg.query("DELETE FROM %s" % target)
    db.execute("UPDATE t SET e = 'new' WHERE id = 2",
               "DELETE FROM t WHERE id = 3")
    connector.wait(lambda: pg.value(
        "SELECT count(*) FROM synchdb_error WHERE name = %s",
        [connector.name]) == 2, "two errors")
    pg.query("INSERT INTO %s (id) VALUES (2), (3)" % target)
    pg.query("SELECT synchdb_retry_error(id) FROM (SELECT id FROM"
             " synchdb_error WHERE name = %s ORDER BY id) e",
             [connector.name])
    assert connector.rows("t", "id, e") == [(2, "new")]
    assert pg.value("SHOW session_replication_role") == "origin"
