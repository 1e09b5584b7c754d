"""Pause, resume, restart, positions, the launcher."""

import json

import psycopg2
import pytest

from support.process import process_exists
from support.source import Database
from support.wait import wait_until


@pytest.fixture
def running(db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)",
               "INSERT INTO t VALUES (1)")
    connector.start()
    connector.wait_streaming()
    return connector


def ask(connector, function, *arguments):
    return connector.pg.value(
        "SELECT %s(%s)" % (function, ", ".join(["%s"] *
                                               (len(arguments) + 1))),
        [connector.name, *arguments])


def wait_state(connector, state):
    connector.wait(lambda: connector.state()["state"] == state, state)


def test_pause_and_resume(db, running):
    assert ask(running, "synchdb_pause_engine") == 0
    wait_state(running, "paused")
    pid = running.pid()
    db.execute("INSERT INTO t VALUES (2)")
    assert ask(running, "synchdb_resume_engine") == 0
    running.wait_equal("t")
    assert running.pid() == pid


def test_restart_keeps_the_process(db, running):
    pid = running.pid()
    assert ask(running, "synchdb_restart_connector", "initial") == 0
    running.wait_streaming()
    db.execute("INSERT INTO t VALUES (2)")
    running.wait_equal("t")
    assert running.pid() == pid
    assert running.counters()["reads"] == 1


def test_set_offset(db, running):
    """Back to an earlier position: the change comes again."""
    old = running.state()["last_dbz_offset"]
    db.execute("INSERT INTO t VALUES (2)")
    running.wait_equal("t")
    with pytest.raises(psycopg2.Error):
        ask(running, "synchdb_set_offset", old)
    ask(running, "synchdb_pause_engine")
    wait_state(running, "paused")
    with pytest.raises(psycopg2.Error):
        ask(running, "synchdb_set_offset", "nonsense")
    running.pg.query("DELETE FROM %s WHERE id = 2" % running.target("t"))
    short = json.loads(old)
    short = {"ts_sec": 0, "file": short["file"], "pos": short["pos"]}
    assert ask(running, "synchdb_set_offset", json.dumps(short)) == 0
    ask(running, "synchdb_resume_engine")
    running.wait_equal("t")


def test_edited_definition_counts(pg, db, connector):
    """Users change the jsonb by hand and restart."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    pg.query("UPDATE synchdb_conninfo SET data = jsonb_set(data, '{hostname}',"
             " '\"no-such-host.invalid\"') WHERE name = %s", [connector.name])
    with pytest.raises(psycopg2.Error):
        connector.start()
    pg.query("UPDATE synchdb_conninfo SET data = jsonb_set(data, '{hostname}',"
             " '\"127.0.0.1\"') WHERE name = %s", [connector.name])
    connector.start()
    connector.wait_streaming()


def test_reset_stats(db, running):
    assert running.counters()["reads"] == 1
    assert ask(running, "synchdb_reset_stats") == 0
    running.wait(lambda: running.counters()["reads"] == 0, "zero")
    db.execute("INSERT INTO t VALUES (2)")
    running.wait(lambda: running.counters()["creates"] == 1, "the insert")


def test_launcher_starts_active_connectors(pg_preload, db, connect):
    connector = connect(pg_preload, db)
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector.start()
    connector.wait_streaming()
    pg_preload.restart()
    db.execute("INSERT INTO t VALUES (1)")
    wait_until(lambda: connector.state().get("pid", -1) > 0, 60,
               "the launcher to start it", connector.explain)
    connector.wait_equal("t")
    connector.stop()
    pg_preload.restart()
    assert connector.state().get("pid", -1) == -1


def test_two_connectors_in_parallel(pg, source, db, connect):
    other = Database(source, "second")
    other.create()
    try:
        for database in (db, other):
            database.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        first, second = connect(pg, db), connect(pg, other)
        first.start()
        second.start()
        for n in range(20):
            db.execute("INSERT INTO t VALUES (%d)" % n)
            other.execute("INSERT INTO t VALUES (%d)" % (n + 100))
        first.wait_equal("t")
        second.wait_equal("t")
    finally:
        other.drop()


def test_drop_extension_needs_no_leftovers(start_postgres, db, connect):
    """DROP EXTENSION and CREATE EXTENSION again, with nothing running."""
    pg = start_postgres()
    connector = connect(pg, db)
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector.start()
    connector.wait_streaming()
    connector.stop()
    pg.query("DROP EXTENSION synchdb")
    pg.query("CREATE EXTENSION synchdb")
    connector.add()
    connector.start()
    connector.wait_streaming()


def test_pause_outlives_the_server(pg_preload, db, connect):
    connector = connect(pg_preload, db)
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector.start()
    connector.wait_streaming()
    ask(connector, "synchdb_pause_engine")
    pg_preload.restart()
    wait_until(lambda: connector.state()["state"] == "paused", 60,
               "the launcher to start it", connector.explain)
    db.execute("INSERT INTO t VALUES (1)")
    assert connector.rows("t") == []
    ask(connector, "synchdb_resume_engine")
    connector.wait_equal("t")


def test_start_rolled_back_to_a_savepoint(pg, db, connector):
    """A start that waits for the commit goes with its subtransaction."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    touch = ("UPDATE synchdb_conninfo SET isactive = false WHERE name = '%s'"
             % connector.name)
    start = "SELECT synchdb_start_engine_bgw('%s')" % connector.name
    for statement in ("BEGIN", touch, "SAVEPOINT s", start, "ROLLBACK TO s",
                      "COMMIT"):
        pg.query(statement)
    assert connector.state()["pid"] == -1
    for statement in ("BEGIN", touch, "SAVEPOINT s", start, "RELEASE s",
                      "COMMIT"):
        pg.query(statement)
    connector.wait_streaming()


def test_impossible_requests(running):
    for function in ("synchdb_resume_engine", "synchdb_set_offset"):
        with pytest.raises(psycopg2.Error, match="paused"):
            ask(running, function, *(["{}"] if "offset" in function else []))
    ask(running, "synchdb_pause_engine")
    for function in ("synchdb_pause_engine", "synchdb_restart_connector"):
        with pytest.raises(psycopg2.Error, match="paused"):
            ask(running, function, *(["initial"] if "restart" in function
                                     else []))
    running.stop()
    for function in ("synchdb_pause_engine", "synchdb_resume_engine"):
        with pytest.raises(psycopg2.Error, match="not running"):
            ask(running, function)


def test_reasons_of_a_refusal(running):
    """Stand in the detail, and what to do in the hint."""
    ask(running, "synchdb_pause_engine")
    with pytest.raises(psycopg2.Error) as error:
        ask(running, "synchdb_restart_connector", "initial")
    said = error.value.diag
    assert said.message_primary == \
        'could not restart connector "%s"' % running.name
    assert said.message_detail == "It is paused."
    assert "synchdb_resume_engine()" in said.message_hint


def test_when_needed(pg, start_source, source, connect):
    """The log that the stream would go on with is gone: copied again."""
    server = start_source(type(source))
    database = Database(server, "purged")
    database.create()
    database.execute("CREATE TABLE t (id INT PRIMARY KEY)",
                     "INSERT INTO t VALUES (1)")
    connector = connect(pg, database)
    connector.start("when_needed")
    connector.wait_equal("t")
    connector.wait_streaming()
    connector.stop()
    database.execute("INSERT INTO t VALUES (2)", "FLUSH BINARY LOGS",
                     "DELETE FROM t WHERE id = 1", "FLUSH BINARY LOGS")
    logs = server.execute("SHOW BINARY LOGS")
    wait_until(lambda: server.execute("PURGE BINARY LOGS TO '%s'"
                                      % logs[-1][0]) is not None and
               len(server.execute("SHOW BINARY LOGS")) == 1, 30,
               "the logs to be purged")
    connector.start("when_needed")
    connector.wait_equal("t")
    connector.wait_streaming()
    server.end()


def test_drop_extension_ends_workers(start_postgres, db, connect):
    pg = start_postgres()
    connector = connect(pg, db)
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)",
               "INSERT INTO t VALUES (1)")
    connector.start()
    connector.wait_streaming()
    pid = connector.pid()
    pg.query("DROP EXTENSION synchdb")
    db.execute("INSERT INTO t VALUES (2)")
    wait_until(lambda: not process_exists(pid), 60, "the worker to end")
    log = pg.log_text()
    assert 'ends: extension "synchdb" was dropped' in log
    assert len([line for line in log.splitlines() if "ERROR:" in line]) == 1
    pg.query("CREATE EXTENSION synchdb")
    connector.schema = "again"
    connector.add()


def test_alter_extension_update_beside_a_worker(pg, db, running):
    pid = running.pid()
    pg.query("ALTER EXTENSION synchdb UPDATE")
    db.execute("INSERT INTO t VALUES (2)")
    running.wait_equal("t")
    assert running.pid() == pid


@pytest.fixture
def shop(pg):
    """A database of its own, with the extension."""
    pg.query("DROP DATABASE IF EXISTS shop")
    pg.query("CREATE DATABASE shop")
    connection = pg.connect("shop")
    with connection.cursor() as cursor:
        cursor.execute("SET client_min_messages = warning")
        cursor.execute("CREATE EXTENSION synchdb CASCADE")
    connection.close()
    yield "shop"
    pg.query("DROP DATABASE IF EXISTS shop WITH (FORCE)")


def test_worker_that_may_not_connect(start_postgres, db, connect):
    """Is not started again and again, but said to be down."""
    pg = start_postgres()
    pg.query("CREATE ROLE keeper LOGIN SUPERUSER")
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector = connect(pg, db)
    pg.query("UPDATE synchdb_conninfo SET data = data ||"
             " '{\"owner\": \"keeper\"}'")
    connector.start()
    connector.wait_streaming()
    pid = connector.pid()
    pg.query("ALTER ROLE keeper NOLOGIN")
    pg.query("CHECKPOINT")
    pg.kill_worker(pid)
    wait_until(lambda: "is not started again by itself" in pg.log_text(), 30,
               "the worker to give up")
    assert connector.state()["pid"] == -1
    with pytest.raises(psycopg2.Error, match="ended unexpectedly"):
        connector.start()
    pg.query("ALTER ROLE keeper LOGIN")
    connector.start()
    db.execute("INSERT INTO t VALUES (1)")
    connector.wait_equal("t")
    assert pg.log_text().count("is not permitted to log in") == 2


def worker_of(pg, database):
    return pg.query("SELECT pid, query FROM pg_stat_activity WHERE datname ="
                    " %s AND backend_type = 'synchdb stream'", [database])


def test_drop_database(pg, db, shop):
    """A connector is a session like any other: it is in the way, it is seen,
    and FORCE ends it."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    server = db.server
    connection = pg.connect(shop)
    with connection.cursor() as cursor:
        cursor.execute("SELECT synchdb_add_conninfo('c', %s, %s, %s, %s, %s,"
                       " %s, '', '', 'mysql')",
                       [server.host, server.port, server.user,
                        server.password, db.name, shop])
        cursor.execute("SELECT synchdb_start_engine_bgw('c')")
    connection.close()
    wait_until(lambda: "stream" in "".join(
        row[1] for row in worker_of(pg, shop)), 60, "the stream")
    with pytest.raises(psycopg2.Error, match="accessed by other users"):
        pg.query("DROP DATABASE shop")
    ((pid, activity),) = worker_of(pg, shop)
    assert activity.startswith("c: ")
    pg.query("DROP DATABASE shop WITH (FORCE)")
    wait_until(lambda: not process_exists(pid), 30, "the worker to end")
    assert pg.value("SELECT count(*) FROM pg_stat_activity"
                    " WHERE backend_type LIKE 'synchdb%'") == 0
