"""Snapshot modes and control of a connector, on real servers."""

import json

import psycopg2
import pytest

TABLES = ["CREATE TABLE t (id INT PRIMARY KEY, v INT)",
          "CREATE TABLE n (v INT)",
          "INSERT INTO t VALUES (1, 10), (2, 20)", "INSERT INTO n VALUES (1)"]


@pytest.fixture
def filled(db, connector):
    db.execute(*TABLES)
    return connector


def call(connector, function, *arguments):
    return connector.pg.value(
        "SELECT %s(%s)" % (function, ", ".join(
            ["%s"] * (len(arguments) + 1))), [connector.name, *arguments])


def wait_equal(connector):
    connector.wait_equal("t")
    connector.wait_equal("n")


@pytest.mark.parametrize("mode", ["initial", "when_needed", "always", "",
                                  "null", "INITIAL"])
def test_modes_that_copy(db, filled, mode):
    filled.start(mode)
    wait_equal(filled)
    filled.wait_streaming()
    db.execute("INSERT INTO t VALUES (3, 30)", "DELETE FROM n")
    wait_equal(filled)


def test_always_replaces_what_is_there(db, filled):
    """Twice, with rows in place and changes at the source in between."""
    filled.start()
    wait_equal(filled)
    filled.wait_streaming()
    db.execute("UPDATE t SET v = v + 1", "INSERT INTO n VALUES (2), (2)")
    assert call(filled, "synchdb_restart_connector", "always") == 0
    filled.wait_streaming()
    wait_equal(filled)
    filled.stop()
    db.execute("DELETE FROM t WHERE id = 1", "INSERT INTO n VALUES (3)")
    filled.start("always")
    wait_equal(filled)
    filled.wait_streaming()
    db.execute("INSERT INTO t VALUES (9, 9)")
    wait_equal(filled)
    assert filled.state()["err"] == "no error"
    assert filled.counters()["bad_events"] == 0


@pytest.mark.parametrize("mode", ["never", "recovery"])
def test_modes_that_make_nothing(pg, db, filled, mode):
    """The user has made the tables that count."""
    pg.query("CREATE SCHEMA %s" % filled.schema)
    pg.query("CREATE TABLE %s (id int PRIMARY KEY, v int)"
             % filled.target("t"))
    filled.start(mode)
    filled.wait_streaming()
    db.execute("INSERT INTO t VALUES (3, 30)")
    filled.wait_rows("t", [(3, 30)])
    assert not filled.exists("n")
    filled.stop()
    db.execute("UPDATE t SET v = 31 WHERE id = 3")
    filled.start()
    filled.wait_rows("t", [(3, 31)])


def test_no_data_then_always(db, filled):
    filled.start("no_data")
    filled.wait_streaming()
    assert filled.rows("t") == filled.rows("n") == []
    call(filled, "synchdb_restart_connector", "always")
    wait_equal(filled)


def test_initial_only_ends_and_goes_on(db, filled):
    """It ends without an error and is not active; a later start streams what
    has happened since."""
    filled.start("initial_only")
    assert filled.wait_failed() == "no error"
    wait_equal(filled)
    assert filled.pg.value("SELECT isactive FROM synchdb_conninfo"
                           " WHERE name = %s", [filled.name]) is False
    db.execute("INSERT INTO t VALUES (3, 30)", "INSERT INTO n VALUES (2)")
    filled.start()
    wait_equal(filled)


def test_schemasync_then_stop_and_start(db, filled):
    """The pause is kept; what happened since the start is streamed."""
    filled.start("schemasync")
    filled.wait(lambda: filled.state()["state"] == "paused", "a pause")
    assert filled.state()["stage"] in ("schema sync", "change data capture")
    db.execute("INSERT INTO t VALUES (3, 30)")
    filled.stop()
    filled.start()
    filled.wait_rows("t", [(3, 30)])


def test_restart_in_each_mode(db, filled):
    """The process stays, whatever the mode."""
    filled.start()
    wait_equal(filled)
    filled.wait_streaming()
    pid = filled.pid()
    for number, mode in enumerate(["initial", "when_needed", "always",
                                   "no_data", "never"]):
        assert call(filled, "synchdb_restart_connector", mode) == 0
        db.execute("INSERT INTO n VALUES (%d)" % (number + 10))
        filled.wait(lambda: (number + 10,) in filled.rows("n"), mode)
        filled.wait_streaming()
        assert filled.pid() == pid
    for mode in ("inital", "always; DROP TABLE t", "x" * 40):
        with pytest.raises(psycopg2.Error, match="invalid snapshot mode"):
            call(filled, "synchdb_restart_connector", mode)


def short_form(position):
    return {"file": position["file"], "pos": position["pos"]}


def debezium_form(position):
    return {"ts_sec": 1725644339, "file": position["file"],
            "pos": position["pos"], "row": 1, "server_id": 223344, "event": 2}


def snapshot_form(position):
    return dict(debezium_form(position), snapshot=True)


def with_gtids(position):
    return dict(debezium_form(position), gtids=position["gtids"])


def only_gtids(position):
    return {"gtids": position["gtids"]}


@pytest.mark.parametrize("form", [short_form, debezium_form, snapshot_form,
                                  with_gtids, only_gtids, dict])
def test_forms_of_a_position(db, filled, form):
    """Each brings the stream back to the same place."""
    filled.start()
    filled.wait_streaming()
    db.execute("INSERT INTO t VALUES (3, 30)")
    wait_equal(filled)
    position = json.loads(filled.state()["last_dbz_offset"])
    if "gtids" not in position and "gtids" in form.__name__:
        pytest.skip("this server has no GTIDs")
    db.execute("INSERT INTO t VALUES (4, 40)", "INSERT INTO n VALUES (4)")
    wait_equal(filled)
    call(filled, "synchdb_pause_engine")
    filled.pg.query("DELETE FROM %s WHERE id = 4" % filled.target("t"))
    filled.pg.query("DELETE FROM %s WHERE v = 4" % filled.target("n"))
    assert call(filled, "synchdb_set_offset", json.dumps(form(position))) == 0
    call(filled, "synchdb_resume_engine")
    wait_equal(filled)


@pytest.mark.parametrize("position", [
    "", "nonsense", "{}", "[]", "null", "1", '{"file": 3, "pos": 4}',
    '{"file": "mysql-bin.000001"}', '{"file": "mysql-bin.000001", "pos": -4}',
    '{"file": "mysql-bin.000001", "pos": 3}', '{"file": "", "pos": 4}',
    '{"file": "mysql-bin", "pos": 4}', '{"gtids": "nonsense"}',
    '{"gtids": 3}', '{"file": "mysql-bin.000001", "pos": 1e30}',
    '{"commit_lsn": "00000100:00000c00:0003"}', '{"pos": 1500}'])
def test_positions_that_are_none(filled, position):
    with pytest.raises(psycopg2.Error, match="invalid position") as error:
        call(filled, "synchdb_set_offset", position)
    assert error.value.diag.message_detail.endswith(".")


def test_position_that_the_log_does_not_have(filled):
    filled.start()
    filled.wait_streaming()
    position = json.loads(filled.state()["last_dbz_offset"])
    filled.stop()
    for change, words in (({"file": "mysql-bin.999999"}, "no longer has"),
                          ({"pos": 4000000000}, "Take a new snapshot")):
        call(filled, "synchdb_set_offset",
             json.dumps(dict(short_form(position), **change)))
        with pytest.raises(Exception, match=words):
            filled.start()
            raise Exception(filled.wait_failed())


def test_check_connector(pg, source, filled):
    rows = pg.query("SELECT name, passed FROM synchdb_check_connector(%s)",
                    [filled.name])
    checks = dict(rows)
    assert {"log_bin", "binlog_format", "server_id", "tables",
            "REPLICATION SLAVE"} <= set(checks)
    assert all(checks.values())
    source.execute("SET GLOBAL binlog_format = STATEMENT")
    try:
        rows = pg.query("SELECT fatal, detail, hint FROM"
                        " synchdb_check_connector(%s) WHERE NOT passed",
                        [filled.name])
    finally:
        source.execute("SET GLOBAL binlog_format = ROW")
    assert len(rows) == 1 and rows[0][0]
    assert "STATEMENT" in rows[0][1] and "binlog_format" in rows[0][2]
    assert filled.state()["pid"] == -1


def test_memory(pg, filled):
    filled.start()
    filled.wait_streaming()
    assert call(filled, "synchdb_log_jvm_meminfo") == 0
    assert "synchdb stream" in pg.log_text()
    call(filled, "synchdb_pause_engine")
    assert call(filled, "synchdb_log_jvm_meminfo") == 0


@pytest.mark.parametrize("damage", ["TRUNCATE %s", "DROP TABLE %s",
                                    "DELETE FROM %s", "UPDATE %s SET v = 0"])
@pytest.mark.parametrize("table", "tn")
def test_resync(pg, db, filled, damage, table):
    filled.start()
    filled.wait_streaming()
    pg.query("BEGIN")
    pg.query(damage % filled.target(table))
    assert call(filled, "synchdb_resync_table",
                "%s.%s" % (db.name, table)) == 0
    pg.query("COMMIT")
    db.execute("INSERT INTO t VALUES (3, 30)", "INSERT INTO n VALUES (3)")
    wait_equal(filled)


def test_deleted_while_running(pg, filled):
    filled.start()
    filled.wait_streaming()
    assert filled.delete() == 0
    assert filled.state() == {}
    assert len(filled.rows("t")) == 2
    for table in ("conninfo", "attribute", "checkpoint", "table", "error"):
        assert pg.query("SELECT 1 FROM synchdb_%s WHERE name = %%s" % table,
                        [filled.name]) == []


def test_lists_in_a_file_and_in_words(pg, db, connect, tmp_path):
    """Either list may be in a file, whatever the other one is."""
    db.execute(*TABLES)
    listed = tmp_path / "lists.json"
    listed.write_text(json.dumps({
        "table_list": ["%s.t" % db.name, "%s.n" % db.name],
        "snapshot_table_list": ["%s.n" % db.name]}))
    for tables in ("null", "file:%s" % listed):
        connector = connect(pg, db, tables=tables,
                            snapshot_tables="file:%s" % listed)
        connector.start()
        connector.wait_streaming()
        assert connector.rows("t") == [] and connector.rows("n") == [(1,)]
        connector.clean()
