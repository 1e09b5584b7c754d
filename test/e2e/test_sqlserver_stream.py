"""The stream of SQL Server's change tables: order, brackets, values that are
left out, positions, clean-up, capture instances, schema changes."""

import json
import os

import pytest

from support.memory import MemoryWatch
from support.reader import Stream
from support.wait import wait_until

MILLION = int(os.environ.get("SYNCHDB_SQLSERVER_CHANGES", 50000))
PRIVATE_BYTES = 64 * 1024 * 1024


@pytest.fixture
def stream(pg, functions, mdb, connect):
    """Starts to look at the stream of mdb."""
    def make(**arguments):
        return Stream(pg, connect(pg, mdb, **arguments))
    return make


def create(db, name, columns, **arguments):
    db.execute("CREATE TABLE %s (%s)" % (name, columns))
    db.capture(name, **arguments)


@pytest.fixture(autouse=True)
def ordinary(request):
    """What a test changed for all databases of the server is taken back."""
    yield
    if "sqlserver" in request.fixturenames:
        control = request.getfixturevalue("sqlserver").control
        control.agent(running=True, automatic=True, lag_ms=0)
        control("sim.options", command_id=True)
        control.clear()


def stop_capture(db):
    db.execute("EXEC sim.agent @automatic = 0")


def start_capture(db):
    db.execute("EXEC sim.agent @automatic = 1")


def max_lsn(db):
    """As hexadecimal digits."""
    found = db.execute("SELECT sys.fn_cdc_get_max_lsn()")[0][0]
    return found and found[2:]


def clean_up(db, *instances):
    """Removes all changes but those of the last transaction."""
    for instance in instances:
        db.execute("DECLARE @lsn binary(10) = sys.fn_cdc_get_max_lsn();"
                   " EXEC sys.sp_cdc_cleanup_change_table"
                   " @capture_instance = N'%s', @low_water_mark = @lsn"
                   % instance)


def texts(db, *lines):
    """Short forms with the names of tables filled in."""
    return [line.replace("@", '"%s".dbo.' % db.name) for line in lines]


# ---- rows and their order -------------------------------------------------------

def test_rows_in_whole_transactions(mdb, stream):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v nvarchar(20)")
    create(mdb, "n", "x int")
    log = stream()
    mdb.execute("INSERT INTO t VALUES (1, N'one'), (2, NULL)",
                "BEGIN TRANSACTION; UPDATE t SET v = N'ONE' WHERE id = 1;"
                " INSERT INTO n VALUES (7); DELETE FROM t WHERE id = 2;"
                " INSERT INTO n VALUES (8); UPDATE n SET x = 9 WHERE x = 7;"
                " COMMIT",
                "BEGIN TRANSACTION; INSERT INTO t VALUES (5, N'x'); ROLLBACK",
                "DELETE FROM n WHERE x = 8")
    steps = log.steps()
    assert [change for _, change in steps] == texts(
        mdb, "BEGIN", "INSERT @t id=1 v='one'", "INSERT @t id=2 v=NULL",
        "COMMIT",
        "BEGIN", "UPDATE @t id=1 v='one' -> id=1 v='ONE'", "INSERT @n x=7",
        "DELETE @t id=2 v=NULL", "INSERT @n x=8", "UPDATE @n x=7 -> x=9",
        "COMMIT",
        "BEGIN", "DELETE @n x=8", "COMMIT")
    # the position stays until a transaction has ended, then it is its LSN
    positions = [position for position, _ in steps]
    assert len(set(positions)) == 6
    assert positions == sorted(positions)
    last = json.loads(positions[-1])["commit_lsn"]
    assert last.replace(":", "") == max_lsn(mdb)
    # from anywhere the rest follows
    for number in (3, 10):
        assert log.steps(since=positions[number]) == steps[number + 1:]
    assert log.steps(since=positions[5]) == steps[4:]


@pytest.mark.parametrize("key", ["PRIMARY KEY", "UNIQUE"])
def test_keys_that_move_are_deleted_and_inserted(mdb, stream, key):
    create(mdb, "t", "id int NOT NULL %s, v varchar(5)" % key)
    mdb.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    log = stream()
    mdb.execute("UPDATE t SET id = id + 1",
                "UPDATE t SET id = 5 - id WHERE id < 4")
    assert log.rows() == texts(
        mdb, "DELETE @t id=1 v='a'", "DELETE @t id=2 v='b'",
        "DELETE @t id=3 v='c'", "INSERT @t id=2 v='a'", "INSERT @t id=3 v='b'",
        "INSERT @t id=4 v='c'",
        "DELETE @t id=2 v='a'", "DELETE @t id=3 v='b'",
        "INSERT @t id=3 v='a'", "INSERT @t id=2 v='b'") or key


def test_shifted_keys_are_applied(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, u int UNIQUE")
    mdb.execute("INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("UPDATE t SET id = id + 1", "UPDATE t SET u = 40 - u",
                "UPDATE t SET id = 6 - id, u = u + 1")
    connector.wait_rows("t", mdb.execute("SELECT * FROM t ORDER BY id"))


def test_change_tables_without_command_ids(sqlserver, mdb, stream):
    mdb.execute("EXEC sim.options @command_id = 0")
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v varchar(5)")
    mdb.execute("EXEC sim.options @command_id = 1")
    create(mdb, "n", "x int")
    assert mdb.execute("SELECT COUNT(*) FROM sys.columns"
                       " WHERE name = N'__$command_id'") == [(1,)]
    log = stream()
    mdb.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')",
                "BEGIN TRANSACTION; UPDATE t SET v = 'c';"
                " INSERT INTO n VALUES (1); DELETE FROM t WHERE id = 1; COMMIT",
                "UPDATE t SET id = 3")
    rows = log.rows()
    assert [row for row in rows if ".t " in row] == texts(
        mdb, "INSERT @t id=1 v='a'", "INSERT @t id=2 v='b'",
        "UPDATE @t id=1 v='a' -> id=1 v='c'",
        "UPDATE @t id=2 v='b' -> id=2 v='c'", "DELETE @t id=1 v='c'",
        "DELETE @t id=2 v='c'", "INSERT @t id=3 v='c'")
    assert texts(mdb, "INSERT @n x=1")[0] in rows


def test_large_values_that_did_not_change(pg, mdb, stream, connect):
    """Behind the eighth column, so that the mask has two bytes."""
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, " + ", ".join(
        "c%d int" % n for n in range(7)) + ", a nvarchar(max),"
        " b varbinary(max), x xml")
    mdb.execute("INSERT INTO t (id, a, b, x) VALUES"
                " (1, N'a', 0x01, N'<x/>'), (2, NULL, NULL, NULL)")
    log = stream(tables="dbo.t")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("UPDATE t SET c3 = 4 WHERE id = 1",
                "UPDATE t SET a = N'new' WHERE id = 1",
                "UPDATE t SET a = NULL WHERE id = 1",
                "UPDATE t SET b = 0x02, c0 = 1")
    before = [change.partition(" -> ")[0] for change in log.rows()]
    assert ["a=" in old for old in before] == [False, True, True, False,
                                               False]
    assert not any("x=" in old for old in before)
    connector.wait_rows("t", [(1, 4, None, "\\x02", "<x/>"),
                              (2, None, None, "\\x02", None)],
                        "id, c3, a, b::text, x::text")


def test_absent_large_values_are_kept(pg, mdb, connect):
    """Some builds have NULL in the new row, too, where nothing changed."""
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v int, a nvarchar(max)")
    mdb.execute("INSERT INTO t VALUES (1, 1, N'stays')")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    connector.stop()
    stop_capture(mdb)
    mdb.execute("UPDATE t SET v = 2", "EXEC sim.capture",
                "UPDATE cdc.dbo_t_CT SET a = NULL WHERE [__$operation] = 4")
    start_capture(mdb)
    connector.start()
    connector.wait_rows("t", [(1, 2, "stays")])


def test_computed_columns_are_read_from_the_table(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v int, twice AS v * 2,"
           " thrice AS v * 3 PERSISTED")
    mdb.execute("INSERT INTO t VALUES (1, 1)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("INSERT INTO t VALUES (2, 2), (3, 3)",
                "UPDATE t SET v = 10 WHERE id = 1",
                "DELETE FROM t WHERE id = 3")
    connector.wait_rows("t", [(1, 10, 20, 30), (2, 2, 4, 6)])


def test_pages(mdb, stream):
    """Three tables in one transaction of many pages, and behind it."""
    for name in "abc":
        create(mdb, name, "id int NOT NULL PRIMARY KEY, v varchar(2000)")
    log = stream()
    expected = []
    session = mdb.session()
    session.execute("BEGIN TRANSACTION")
    for start in range(0, 3000, 500):
        for name in "abc":
            session.execute("INSERT INTO %s VALUES %s" % (name, ", ".join(
                "(%d, REPLICATE('%s', 1500))" % (start + n, name)
                for n in range(500))))
            expected += [(name, "INSERT", start + n) for n in range(500)]
        session.execute("UPDATE b SET v = 'short' WHERE id >= %d" % start)
        expected += [("b", "UPDATE", start + n) for n in range(500)]
    session.execute("COMMIT")
    session.close()
    mdb.execute("INSERT INTO a VALUES (-1, '')", "DELETE FROM c WHERE id < 5")
    expected += [("a", "INSERT", -1)] + [("c", "DELETE", n) for n in range(5)]
    found = [change.split(" ")[:3] for change in log.rows()]
    assert [(table.rpartition(".")[2], verb, int(key[3:]))
            for verb, table, key in found] == expected


def test_many_tables_take_few_statements(sqlserver, mdb, stream):
    for number in range(250):
        create(mdb, "t%d" % number, "id int NOT NULL PRIMARY KEY")
    log = stream()
    before = len(sqlserver.control.requests())
    assert log.rows() == []
    idle = len(sqlserver.control.requests()) - before
    mdb.execute("INSERT INTO t7 VALUES (1)", "INSERT INTO t123 VALUES (1)",
                "INSERT INTO t7 VALUES (2)")
    before = len(sqlserver.control.requests())
    assert log.rows() == texts(mdb, "INSERT @t7 id=1", "INSERT @t123 id=1",
                               "INSERT @t7 id=2")
    assert len(sqlserver.control.requests()) - before < idle + 20


def test_a_large_transaction(pg, mdb, connect):
    """A million changes when asked for; memory does not grow with them."""
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v nvarchar(100)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    session = mdb.session()
    session.execute("BEGIN TRANSACTION")
    for start in range(0, MILLION, 1000):
        session.execute("INSERT INTO t VALUES " + ", ".join(
            "(%d, N'the row with the number %d')" % (n, n)
            for n in range(start, min(start + 1000, MILLION))))
    with MemoryWatch(lambda: [connector.pid()]) as watch:
        session.execute("COMMIT")
        connector.wait(lambda: pg.value(
            "SELECT count(*) FROM %s" % connector.target("t")) == MILLION,
            "all rows", timeout=60 + MILLION / 2000)
    session.close()
    assert watch.peak < PRIVATE_BYTES


# ---- positions ----------------------------------------------------------------------

def position_of(connector):
    offset = connector.state()["last_dbz_offset"]
    return json.loads(offset)["commit_lsn"] if offset[0] == "{" else ""


def test_the_position_follows_other_tables(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    create(mdb, "other", "x int")
    connector = connect(pg, mdb, tables="dbo.t")
    connector.start()
    connector.wait_streaming()
    mdb.execute("INSERT INTO other VALUES (1)")
    reached = max_lsn(mdb)
    connector.wait(lambda: position_of(connector).replace(":", "") == reached,
                   "the position", timeout=60)
    assert not connector.exists("other")


def test_the_position_follows_an_idle_database(sqlserver, pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("EXEC sim.idle")
    reached = max_lsn(mdb)
    connector.wait(lambda: position_of(connector).replace(":", "") == reached,
                   "the position", timeout=60)


def test_clean_up_of_an_idle_database_is_no_alarm(sqlserver, pg, mdb,
                                                  connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    create(mdb, "quiet", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("INSERT INTO t VALUES (1)")
    connector.wait_rows("t", [(1,)])
    mdb.execute("EXEC sim.idle")
    reached = max_lsn(mdb)
    connector.wait(lambda: position_of(connector).replace(":", "") == reached,
                   "the position", timeout=60)
    clean_up(mdb, "dbo_t", "dbo_quiet")
    connector.stop()
    connector.start()
    connector.wait_streaming()
    mdb.execute("INSERT INTO quiet VALUES (2)")
    connector.wait_rows("quiet", [(2,)])
    assert "no longer at the source" not in pg.log_text()


def test_changes_that_were_cleaned_up(pg, mdb, connect):
    """An error on each start, until the table is copied again."""
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    create(mdb, "other", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    connector.stop()
    mdb.execute("INSERT INTO t VALUES (1)", "INSERT INTO other VALUES (1)",
                "INSERT INTO t VALUES (2)", "INSERT INTO other VALUES (2)")
    clean_up(mdb, "dbo_t")
    for _ in range(2):
        connector.start()
        error = connector.wait_failed()
        assert 'changes of table "%s" are no longer at the source' \
            % mdb.id("t") in error
        assert "@retention" in error
        assert connector.rows("t") == connector.rows("other") == []
    assert pg.value("SELECT synchdb_resync_table(%s, %s)",
                    [connector.name, mdb.id("t")]) == 0
    connector.start()
    connector.wait_rows("other", [(1,), (2,)])
    connector.wait_rows("t", [(1,), (2,)])
    mdb.execute("DELETE FROM t WHERE id = 1")
    connector.wait_rows("t", [(2,)])


def test_clean_up_passes_a_running_stream(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    stop_capture(mdb)
    mdb.execute("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)",
                # all at once, so that nobody can read in between
                "EXEC sim.capture;"
                " DECLARE @lsn binary(10) = sys.fn_cdc_get_max_lsn();"
                " EXEC sys.sp_cdc_cleanup_change_table"
                " @capture_instance = N'dbo_t', @low_water_mark = @lsn")
    start_capture(mdb)

    def decided():
        return connector.rows("t") == [(1,), (2,)] or \
            "no longer at the source" in connector.state()["err"]
    wait_until(decided, 30, "all rows or an error", connector.explain)


def test_an_empty_mapping_is_no_news(sqlserver, pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    mdb.execute("INSERT INTO t VALUES (1)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("EXEC sim.cleanup @everything = 1")
    assert max_lsn(mdb) is None
    connector.stop()
    connector.start()
    connector.wait_streaming()
    mdb.execute("INSERT INTO t VALUES (2)")
    connector.wait_rows("t", [(1,), (2,)])


def test_a_position_that_the_source_has_not_reached(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    connector.stop()
    pg.query("UPDATE synchdb_checkpoint SET position ="
             " '{\"commit_lsn\":\"00ffffff:00000000:0001\"}'"
             " WHERE name = %s", [connector.name])
    connector.start()
    assert "has not come as far as the connector" in connector.wait_failed()


# ---- waiting ------------------------------------------------------------------------

def test_stop_and_pause_do_not_wait_for_the_next_poll(sqlserver, pg, mdb,
                                                      connect, settings):
    settings(synchdb__naptime="30000")
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)

    def polls():
        return len(sqlserver.control.requests(
            match="DATEPART.TZOFFSET"))

    before = polls()
    connector.start()
    missed = []
    for _ in range(10):
        connector.wait_streaming()
        connector.wait(lambda: polls() > before, "a poll")
        before = polls()
        assert pg.value("SELECT synchdb_pause_engine(%s)",
                        [connector.name]) == 0
        connector.wait(lambda: connector.state()["state"] == "paused",
                       "a pause", timeout=60)
        missed.append(polls() > before)
        before = polls()
        assert pg.value("SELECT synchdb_resume_engine(%s)",
                        [connector.name]) == 0
    # a poll may come by chance, if the one before had found something
    assert not all(missed)
    connector.wait_streaming()
    connector.stop()
    assert connector.state()["pid"] == -1


@pytest.mark.parametrize("number", [1205, 1222, 3960])
def test_passing_errors_are_tried_again(sqlserver, pg, mdb, connect, number):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    sqlserver.control.fault(action="error", number=number, at="request",
                            match="dbo_t_CT", times=1)
    mdb.execute("INSERT INTO t VALUES (1)")
    connector.wait_rows("t", [(1,)])


# ---- capture instances -------------------------------------------------------------

def test_a_table_that_is_no_longer_captured(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v int")
    create(mdb, "other", "id int NOT NULL PRIMARY KEY")
    mdb.execute("INSERT INTO t VALUES (1, 1)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo',"
                " @source_name = N't', @capture_instance = N'all'",
                "INSERT INTO other VALUES (1)")
    connector.wait_rows("other", [(1,)])
    wait_until(lambda: 'table "%s" is no longer captured' % mdb.id("t")
               in pg.log_text(), 10, "a warning")
    assert connector.rows("t") == [(1, 1)]

    mdb.capture("t")
    mdb.execute("UPDATE t SET v = 2")
    connector.wait_rows("t", [(1, 2)])
    assert 'capturing of table "%s" was disabled and enabled' % mdb.id("t") \
        in pg.log_text()


def test_captured_again_while_the_stream_was_down(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v int")
    create(mdb, "other", "id int NOT NULL PRIMARY KEY")
    mdb.execute("INSERT INTO t VALUES (1, 1)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    connector.stop()
    mdb.execute("INSERT INTO other VALUES (1)",
                "EXEC sys.sp_cdc_disable_table @source_schema = N'dbo',"
                " @source_name = N't', @capture_instance = N'all'")
    mdb.capture("t")
    mdb.execute("UPDATE t SET v = 2", "INSERT INTO other VALUES (2)")
    connector.start()
    connector.wait_rows("t", [(1, 2)])
    connector.wait_rows("other", [(1,), (2,)])
    assert 'capturing of table "%s" was disabled and enabled' % mdb.id("t") \
        in pg.log_text()


def test_a_second_instance_is_followed(mdb, stream):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v int")
    log = stream()
    mdb.execute("INSERT INTO t VALUES (1, 1)")
    mdb.capture("t", capture_instance="N'again'")
    mdb.execute("INSERT INTO t VALUES (2, 2)", "UPDATE t SET v = 3")
    expected = texts(mdb, "INSERT @t id=1 v=1", "INSERT @t id=2 v=2",
                     "UPDATE @t id=1 v=1 -> id=1 v=3",
                     "UPDATE @t id=2 v=2 -> id=2 v=3")
    assert log.rows() == expected
    mdb.execute("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo',"
                " @source_name = N't', @capture_instance = N'dbo_t'",
                "DELETE FROM t WHERE id = 1")
    assert log.rows() == texts(mdb, "DELETE @t id=1 v=3")


def test_a_database_that_is_no_longer_captured(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("EXEC sys.sp_cdc_disable_db")
    error = connector.wait_failed()
    assert "sp_cdc_enable_db" in error


# ---- schema changes -----------------------------------------------------------------

def test_a_new_table(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    create(mdb, "fresh", "id int NOT NULL PRIMARY KEY, v nvarchar(10)")
    connector.wait(lambda: connector.exists("fresh"), "the table")
    mdb.execute("INSERT INTO fresh VALUES (1, N'a'), (2, N'b')",
                "DELETE FROM fresh WHERE id = 1")
    connector.wait_rows("fresh", [(2, "b")])
    assert 'table "%s" was not copied' % mdb.id("fresh") not in pg.log_text()

    mdb.execute("CREATE TABLE filled (id int NOT NULL PRIMARY KEY)",
                "INSERT INTO filled VALUES (1)")
    mdb.capture("filled")
    connector.wait(lambda: connector.exists("filled"), "the table")
    mdb.execute("INSERT INTO filled VALUES (2)")
    connector.wait_rows("filled", [(1,), (2,)])


def test_a_table_outside_of_the_list(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb, tables="dbo.t,dbo.later")
    connector.start()
    connector.wait_streaming()
    create(mdb, "outside", "id int")
    create(mdb, "later", "id int NOT NULL PRIMARY KEY")
    mdb.execute("INSERT INTO outside VALUES (1)",
                "INSERT INTO later VALUES (1)")
    connector.wait_rows("later", [(1,)])
    assert not connector.exists("outside")


def test_a_dropped_table(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    create(mdb, "gone", "id int NOT NULL PRIMARY KEY")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("INSERT INTO gone VALUES (1)")
    connector.wait_rows("gone", [(1,)])
    mdb.execute("DROP TABLE gone", "INSERT INTO t VALUES (1)")
    connector.wait(lambda: not connector.exists("gone"), "the table to go")
    connector.wait_rows("t", [(1,)])
    create(mdb, "gone", "id int NOT NULL PRIMARY KEY, v int")
    mdb.execute("INSERT INTO gone VALUES (2, 3)")
    connector.wait(lambda: connector.exists("gone"), "the table")
    connector.wait_rows("gone", [(2, 3)])


def test_an_added_column(pg, mdb, connect):
    """Values that nobody captured are read again."""
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v int")
    mdb.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("ALTER TABLE t ADD age int, kind varchar(9) NOT NULL"
                " CONSTRAINT d DEFAULT 'none'",
                "INSERT INTO t VALUES (3, 3, 33, 'some')",
                "UPDATE t SET age = 11 WHERE id = 1",
                "UPDATE t SET v = 22, age = 22, kind = 'two' WHERE id = 2")
    mdb.capture("t", capture_instance="N't2'")
    mdb.execute("INSERT INTO t VALUES (4, 4, 44, 'four')",
                "UPDATE t SET age = age + 1",
                "DELETE FROM t WHERE id = 3")
    connector.wait_rows("t", mdb.execute(
        "SELECT id, v, age, kind FROM t ORDER BY id"))
    mdb.execute("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo',"
                " @source_name = N't', @capture_instance = N'dbo_t'",
                "UPDATE t SET kind = 'last' WHERE id = 1")
    connector.wait_rows("t", mdb.execute(
        "SELECT id, v, age, kind FROM t ORDER BY id"))


def test_an_added_column_with_the_instance_made_anew(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v int")
    mdb.execute("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("ALTER TABLE t ADD age int",
                "EXEC sys.sp_cdc_disable_table @source_schema = N'dbo',"
                " @source_name = N't', @capture_instance = N'all'")
    mdb.capture("t")
    mdb.execute("INSERT INTO t VALUES (4, 4, 35)")
    connector.wait_rows("t", [(1, 1, None), (2, 2, None), (3, 3, None),
                              (4, 4, 35)])


def test_a_dropped_column(pg, mdb, connect):
    """Without a new instance: the history of statements tells."""
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, v int, w int NOT NULL")
    mdb.execute("INSERT INTO t VALUES (1, 1, 1)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("INSERT INTO t VALUES (2, 2, 2)",
                "ALTER TABLE t DROP COLUMN w",
                "INSERT INTO t VALUES (3, 3)")
    connector.wait_rows("t", [(1, 1), (2, 2), (3, 3)])


def test_an_altered_column(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, a int, b varchar(5)")
    mdb.execute("INSERT INTO t VALUES (1, 1, 'a')")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("INSERT INTO t VALUES (2, 2, 'b')",
                "ALTER TABLE t ALTER COLUMN a bigint",
                "ALTER TABLE t ALTER COLUMN b nvarchar(50) NOT NULL",
                "INSERT INTO t VALUES (3, 30000000000, N'longer than five')")
    connector.wait_rows("t", [(1, 1, "a"), (2, 2, "b"),
                              (3, 30000000000, "longer than five")])
    wait_until(lambda: pg.query(
        "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull"
        " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " ORDER BY attnum", [connector.target("t")]) == [
            ("id", "integer", True), ("a", "bigint", False),
            ("b", "character varying(50)", True)], 30, "the definition")


def test_an_altered_column_while_the_stream_was_down(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY, a int, w int NOT NULL")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    connector.stop()
    mdb.execute("INSERT INTO t VALUES (1, 1, 1)",
                "ALTER TABLE t ALTER COLUMN a decimal(20, 5)",
                "INSERT INTO t VALUES (2, 2.5, 2)",
                "ALTER TABLE t DROP COLUMN w",
                "INSERT INTO t VALUES (3, 3.25)")
    connector.start()
    connector.wait_rows("t", [(1, "1.00000"), (2, "2.50000"), (3, "3.25000")],
                        "id, a::text")
    assert len(connector.rows("t")[0]) == 2


def test_a_primary_key_comes_later(pg, mdb, connect):
    """With an instance made anew, and no change."""
    create(mdb, "t", "id int NOT NULL, v int")
    mdb.execute("INSERT INTO t VALUES (1, 1)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    mdb.execute("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo',"
                " @source_name = N't', @capture_instance = N'all'",
                "ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY (id)")
    mdb.capture("t")
    connector.wait(lambda: pg.value(
        "SELECT count(*) FROM pg_constraint WHERE conrelid = %s::regclass"
        " AND contype = 'p'", [connector.target("t")]) == 1, "the key")


def test_a_renamed_table(pg, mdb, connect):
    create(mdb, "t", "id int NOT NULL PRIMARY KEY")
    mdb.execute("INSERT INTO t VALUES (1)")
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    connector.stop()
    mdb.execute("EXEC sp_rename N'dbo.t', N'u'", "INSERT INTO u VALUES (2)")
    connector.start()
    connector.wait(lambda: connector.exists("u"), "the new name")
    connector.wait_rows("u", [(1,), (2,)])
    assert not connector.exists("t")
