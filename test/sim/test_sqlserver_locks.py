"""The test server's transactions: locks, time-outs, deadlocks, snapshots."""
import pytest

from sqlserver.result import SqlError
from sqlserver_model import Sql, database, new_engine


@pytest.fixture
def a():
    sql = database(new_engine())
    sql("CREATE TABLE t (id int PRIMARY KEY, v int);"
        "INSERT t VALUES (1, 10), (2, 20), (3, 30)")
    return sql


@pytest.fixture
def b(a):
    return Sql(a.session.engine, "d")


@pytest.fixture
def c(a):
    return Sql(a.session.engine, "d")


def snapshots(a):
    a("ALTER DATABASE d SET ALLOW_SNAPSHOT_ISOLATION ON")


def test_a_reader_waits_for_a_writer(a, b):
    a("BEGIN TRAN; UPDATE t SET v = 11 WHERE id = 1")
    running = b.start("SELECT v FROM t WHERE id = 1")
    running.wait_blocked()
    a("COMMIT")
    assert running.done() == [(11,)]


def test_a_reader_does_not_wait_for_other_rows(a, b):
    a("BEGIN TRAN; UPDATE t SET v = 11 WHERE id = 1")
    assert b("SELECT v FROM t WHERE id = 2") == [(20,)]
    assert b("SELECT v FROM t WITH (NOLOCK) WHERE id = 1") == [(11,)]
    a("ROLLBACK")
    assert b("SELECT v FROM t WHERE id = 1") == [(10,)]


@pytest.mark.parametrize("change", ["INSERT t VALUES (0, 0)",
                                    "DELETE t WHERE id = 2",
                                    "UPDATE t SET id = 9 WHERE id = 3"])
def test_a_scan_waits_for_any_row(a, b, change):
    a("BEGIN TRAN; " + change)
    b("SET LOCK_TIMEOUT 0")
    assert b.error("SELECT * FROM t") == 1222
    a("ROLLBACK")
    assert b("SELECT * FROM t") == [(1, 10), (2, 20), (3, 30)]


def test_a_row_that_came_and_went_in_one_transaction(a, b):
    a("BEGIN TRAN; INSERT t VALUES (5, 50); UPDATE t SET v = 51 WHERE id = 5;"
      " DELETE t WHERE id = 5")
    b("SET LOCK_TIMEOUT 0; UPDATE t SET v = v + 1")
    assert b("SELECT * FROM t") == [(1, 11), (2, 21), (3, 31)]
    a("ROLLBACK")
    assert len(b("SELECT * FROM t")) == 3


def test_lock_timeout(a, b):
    a("BEGIN TRAN; UPDATE t SET v = 11 WHERE id = 1")
    b("SET LOCK_TIMEOUT 20")
    assert b.error("UPDATE t SET v = 12 WHERE id = 1") == 1222
    assert b.error("INSERT t VALUES (1, 1)") == 1222
    assert b.error("DROP TABLE t") == 1222
    assert b.value("@@TRANCOUNT") == 0
    b("UPDATE t SET v = 21 WHERE id = 2")
    a("ROLLBACK")
    assert b("SELECT v FROM t ORDER BY id") == [(10,), (21,), (30,)]


def test_an_insert_waits_for_its_key(a, b):
    a("BEGIN TRAN; DELETE t WHERE id = 1")
    running = b.start("INSERT t VALUES (1, 99)")
    running.wait_blocked()
    a("ROLLBACK")
    with pytest.raises(SqlError, match="2627"):
        running.done()
    a("BEGIN TRAN; INSERT t VALUES (4, 40)")
    running = b.start("INSERT t VALUES (4, 41)")
    running.wait_blocked()
    a("ROLLBACK")
    running.done()
    assert a("SELECT v FROM t WHERE id = 4") == [(41,)]


@pytest.mark.parametrize("hints", ["TABLOCKX", "TABLOCK, HOLDLOCK"])
def test_table_locks(a, b, hints):
    a("BEGIN TRAN; SELECT TOP (0) * FROM t WITH (%s)" % hints)
    b("SET LOCK_TIMEOUT 0")
    assert b.error("UPDATE t SET v = 1 WHERE id = 3") == 1222
    reads = b.error("SELECT * FROM t")
    assert reads == (1222 if hints == "TABLOCKX" else None)
    a("COMMIT")
    b("UPDATE t SET v = 1 WHERE id = 3")


def test_a_savepoint_gives_no_table_lock_back_but_a_rollback(a, b):
    a("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; BEGIN TRAN;"
      " SAVE TRAN s; SELECT TOP (0) * FROM t WITH (TABLOCKX)")
    b("SET LOCK_TIMEOUT 0")
    assert b.error("SELECT * FROM t") == 1222
    a("ROLLBACK")
    assert len(b("SELECT * FROM t")) == 3


def test_repeatable_read(a, b):
    a("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; BEGIN TRAN;"
      " SELECT * FROM t WHERE id = 1")
    b("SET LOCK_TIMEOUT 0")
    assert b.error("UPDATE t SET v = 1 WHERE id = 1") == 1222
    b("UPDATE t SET v = 1 WHERE id = 2; INSERT t VALUES (7, 7)")
    a("COMMIT")
    b("UPDATE t SET v = 1 WHERE id = 1")


def test_an_update_waits_for_readers_of_its_rows_alone(a, b):
    a("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; BEGIN TRAN;"
      " SELECT * FROM t WHERE id = 1")
    b("SET LOCK_TIMEOUT 0; UPDATE t SET v = 1 WHERE v = 20")
    assert b.error("UPDATE t SET v = 1 WHERE v = 10") == 1222


def test_read_committed_holds_nothing(a, b):
    a("BEGIN TRAN; SELECT * FROM t")
    b("SET LOCK_TIMEOUT 0; UPDATE t SET v = 1; TRUNCATE TABLE t")
    assert a("SELECT * FROM t") == []


def test_serializable(a, b):
    a("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; BEGIN TRAN;"
      " SELECT * FROM t WHERE id > 2")
    b("SET LOCK_TIMEOUT 0")
    assert b.error("INSERT t VALUES (7, 7)") == 1222


def test_deadlock(a, b):
    b("SET DEADLOCK_PRIORITY LOW")
    a("BEGIN TRAN; UPDATE t SET v = 11 WHERE id = 1")
    b("BEGIN TRAN; UPDATE t SET v = 21 WHERE id = 2")
    running = b.start("UPDATE t SET v = 12 WHERE id = 1")
    running.wait_blocked()
    a("UPDATE t SET v = 22 WHERE id = 2; COMMIT")
    with pytest.raises(SqlError, match="1205"):
        running.done()
    assert b.value("@@TRANCOUNT") == 0
    assert a("SELECT v FROM t ORDER BY id") == [(11,), (22,), (30,)]


def test_cancel_ends_a_wait(a, b):
    a("BEGIN TRAN; UPDATE t SET v = 11")
    running = b.start("SELECT * FROM t")
    running.wait_blocked()
    b.session.cancel()
    with pytest.raises(SqlError):
        running.done()
    a("ROLLBACK")
    assert len(b("SELECT * FROM t")) == 3


def test_close_rolls_back(a, b):
    a("BEGIN TRAN; DELETE t")
    running = b.start("SELECT COUNT(*) FROM t")
    running.wait_blocked()
    a.session.close()
    assert running.done() == [(3,)]


# ---- row versions -----------------------------------------------------------

def test_snapshot_must_be_allowed(a):
    a("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN")
    assert a.error("SELECT * FROM t") == 3952


def test_a_snapshot_stays(a, b, c):
    snapshots(a)
    c("BEGIN TRAN; INSERT t VALUES (8, 80); UPDATE t SET v = 31 WHERE id = 3")
    a("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN")
    b("INSERT t VALUES (5, 50)")        # before the first row is read
    first = a("SELECT * FROM t")
    assert first == [(1, 10), (2, 20), (3, 30), (5, 50)]
    b("UPDATE t SET v = 12 WHERE id = 1; UPDATE t SET v = 13 WHERE id = 1;"
      " DELETE t WHERE id = 2; INSERT t VALUES (6, 60);"
      " UPDATE t SET id = 7 WHERE id = 5")
    c("COMMIT")
    assert a("SELECT * FROM t") == first
    assert a("SELECT v FROM t WHERE id = 1") == [(10,)]
    assert a("SELECT v FROM t WHERE id = 5") == [(50,)]
    assert a("SELECT v FROM t WHERE id >= 6") == []
    a("COMMIT")
    assert a("SELECT * FROM t") == [(1, 13), (3, 31), (6, 60), (7, 50),
                                    (8, 80)]
    a("COMMIT") if a.session.open else None
    assert not a.session.engine.historical


def test_a_snapshot_sees_its_own_changes(a, b):
    snapshots(a)
    a("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN;"
      " UPDATE t SET v = 11 WHERE id = 1; DELETE t WHERE id = 2;"
      " INSERT t VALUES (4, 40)")
    b("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    assert a("SELECT * FROM t") == [(1, 11), (3, 30), (4, 40)]
    assert b("SELECT * FROM t") == [(1, 10), (2, 20), (3, 30)]


def test_update_conflict(a, b):
    snapshots(a)
    a("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT * FROM t")
    b("UPDATE t SET v = 12 WHERE id = 1")
    assert a.error("UPDATE t SET v = v + 1 WHERE id = 1") == 3960
    assert a.value("@@TRANCOUNT") == 0
    assert b("SELECT v FROM t WHERE id = 1") == [(12,)]


def test_read_committed_snapshot(a, b):
    a("ALTER DATABASE d SET READ_COMMITTED_SNAPSHOT ON")
    a("BEGIN TRAN; UPDATE t SET v = 11 WHERE id = 1; DELETE t WHERE id = 2")
    assert b("SELECT * FROM t") == [(1, 10), (2, 20), (3, 30)]
    assert a("SELECT * FROM t") == [(1, 11), (3, 30)]
    a("COMMIT")
    assert b("SELECT * FROM t") == [(1, 11), (3, 30)]
