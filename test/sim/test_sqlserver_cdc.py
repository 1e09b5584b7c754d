"""The test server's change data capture, as the documentation has it."""
import pytest

from sqlserver.model_engine import Engine
from sqlserver.result import SqlError
from sqlserver_model import Sql, database, new_engine

ZERO = bytes(10)
CHANGES = ("SELECT [__$operation], [__$command_id], [__$update_mask], %s"
           " FROM cdc.[%s_CT] ORDER BY [__$start_lsn], [__$command_id],"
           " [__$seqval], [__$operation]")


@pytest.fixture
def db():
    return database(new_engine(), cdc=True)


def create(db, columns="id int NOT NULL PRIMARY KEY, v varchar(20)", name="t",
           **options):
    db("CREATE TABLE dbo.%s (%s)" % (name, columns))
    enable(db, name, **options)


def enable(db, name="t", role="NULL", **options):
    db("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo',"
       " @source_name = N'%s', @role_name = %s%s" % (name, role, "".join(
           ", @%s = %s" % option for option in options.items())))


def changes(db, columns="id, v", instance="dbo_t"):
    return db(CHANGES % (columns, instance))


# ---- what the capture job writes --------------------------------------------

def test_operations(db):
    create(db)
    db("INSERT t VALUES (1, 'a'), (2, 'b')")
    db("BEGIN TRAN; UPDATE t SET v = 'c' WHERE id = 1; DELETE t WHERE id = 2;"
       " COMMIT")
    db("BEGIN TRAN; INSERT t VALUES (3, 'x'); ROLLBACK")
    assert changes(db) == [
        (2, 1, b"\3", 1, "a"), (2, 2, b"\3", 2, "b"),
        (3, 1, b"\2", 1, "a"), (4, 1, b"\2", 1, "c"),
        (1, 2, b"\3", 2, "b")]
    rows = db("SELECT [__$start_lsn], [__$seqval], [__$end_lsn]"
              " FROM cdc.dbo_t_CT")
    lsns = sorted({row[0] for row in rows})
    assert len(lsns) == 2
    assert all(seqval < lsn and end is None for lsn, seqval, end in rows)
    mapped = db("SELECT start_lsn, tran_begin_lsn, tran_id FROM"
                " cdc.lsn_time_mapping ORDER BY start_lsn")
    assert [row[0] for row in mapped][1:] == lsns
    assert all(begin < start and number > b"\0"
               for start, begin, number in mapped)


def test_an_update_that_changes_nothing_is_not_logged(db):
    create(db)
    db("INSERT t VALUES (1, 'a'); UPDATE t SET v = 'a'; DELETE t WHERE id = 9")
    assert len(changes(db)) == 1


def test_update_mask_counts_from_its_end(db):
    create(db, "id int PRIMARY KEY, " + ", ".join(
        "c%d int" % number for number in range(2, 10)))
    db("INSERT t (id) VALUES (1); UPDATE t SET c2 = 1; UPDATE t SET c9 = 1")
    assert changes(db, "id") == [
        (2, 1, b"\1\xff", 1), (3, 1, b"\0\2", 1), (4, 1, b"\0\2", 1),
        (3, 1, b"\1\0", 1), (4, 1, b"\1\0", 1)]
    assert db("SELECT sys.fn_cdc_is_bit_set(9, [__$update_mask]),"
              " sys.fn_cdc_has_column_changed('dbo_t', 'c9',"
              " [__$update_mask]), sys.fn_cdc_get_column_ordinal('dbo_t',"
              " 'c9') FROM cdc.dbo_t_CT WHERE [__$operation] = 4") == [
        (False, False, 9), (True, True, 9)]


def test_deferred_updates(db):
    """All deletes, then all inserts; the halves share their seqval."""
    create(db)
    db("INSERT t VALUES (1, 'a'), (2, 'b')")
    db("UPDATE t SET id = id + 1")
    assert changes(db)[2:] == [
        (1, 1, b"\3", 1, "a"), (1, 2, b"\3", 2, "b"),
        (2, 3, b"\3", 2, "a"), (2, 4, b"\3", 3, "b")]
    assert db("SELECT COUNT(*), COUNT(DISTINCT [__$seqval]) FROM cdc.dbo_t_CT"
              " WHERE [__$start_lsn] = sys.fn_cdc_get_max_lsn()") == [(4, 2)]
    db("EXEC sim.options @pair_seqval = 0; UPDATE t SET id = id + 1")
    assert db("SELECT COUNT(*), COUNT(DISTINCT [__$seqval]) FROM cdc.dbo_t_CT"
              " WHERE [__$start_lsn] = sys.fn_cdc_get_max_lsn()") == [(4, 4)]


@pytest.mark.parametrize("index", ["UNIQUE (v)", "INDEX u UNIQUE (v)"])
def test_any_unique_index_defers_an_update(db, index):
    create(db, "id int PRIMARY KEY, v int, w int, " + index)
    db("INSERT t VALUES (1, 1, 1); UPDATE t SET v = 2, w = 2;"
       " UPDATE t SET w = 3")
    assert [row[0] for row in changes(db, "id, v, w")] == [2, 1, 2, 3, 4]


def test_large_values(db):
    create(db, "id int PRIMARY KEY, a text, b ntext, c image, d varchar(max),"
           " e nvarchar(max), f varbinary(max), g xml, h varchar(20)")
    db("INSERT t VALUES (1, 'a', N'b', 0x0c, 'd', N'e', 0x0f, N'<g/>', 'h')")
    db("UPDATE t SET h = 'i'; UPDATE t SET a = 'A', d = 'D'; DELETE t")
    columns = "a, b, c, d, e, f, g, h"
    full = ("a", "b", b"\x0c", "d", "e", b"\x0f", "<g/>", "h")
    assert [row[:1] + row[3:] for row in changes(db, columns)] == [
        (2,) + full,
        (3,) + (None,) * 7 + ("h",),
        (4,) + full[:7] + ("i",),
        (3, None, None, None, "d", None, None, None, "i"),
        (4, "A", "b", b"\x0c", "D", "e", b"\x0f", "<g/>", "i"),
        (1, None, None, None, "D", "e", b"\x0f", "<g/>", "i")]


def test_columns_that_are_not_as_in_the_table(db):
    create(db, "id bigint IDENTITY PRIMARY KEY, a int, b AS (a + 1) PERSISTED,"
           " c rowversion, d int SPARSE")
    db("INSERT t (a) VALUES (5); UPDATE t SET a = 6")
    rows = changes(db, "id, a, b, c, d")
    assert [row[:1] + row[3:6] for row in rows] == [
        (2, 1, 5, None), (3, 1, 5, None), (4, 1, 6, None)]
    stamps = [row[6] for row in rows]
    assert stamps[0] == stamps[1] < stamps[2] and len(stamps[0]) == 8
    assert rows[1][2] == b"\x0a"            # a and c
    assert db("SELECT c.name, ty.name, c.max_length, c.is_identity,"
              " c.is_computed, c.is_nullable FROM sys.columns c"
              " JOIN sys.types ty ON ty.user_type_id = c.user_type_id"
              " WHERE c.object_id = OBJECT_ID('cdc.dbo_t_CT')"
              " ORDER BY c.column_id") == [
        ("__$start_lsn", "binary", 10, False, False, False),
        ("__$end_lsn", "binary", 10, False, False, True),
        ("__$seqval", "binary", 10, False, False, False),
        ("__$operation", "int", 4, False, False, False),
        ("__$update_mask", "varbinary", 128, False, False, True),
        ("id", "bigint", 8, False, False, True),
        ("a", "int", 4, False, False, True),
        ("b", "int", 4, False, False, True),
        ("c", "binary", 8, False, False, True),
        ("d", "int", 4, False, False, True),
        ("__$command_id", "int", 4, False, False, True)]
    assert db("SELECT column_name, column_type, column_ordinal, is_computed"
              " FROM cdc.captured_columns ORDER BY column_ordinal") == [
        ("id", "bigint", 1, False), ("a", "int", 2, False),
        ("b", "int", 3, True), ("c", "timestamp", 4, False),
        ("d", "int", 5, False)]


def test_without_command_ids(db):
    db("EXEC sim.options @command_id = 0")
    create(db)
    db("INSERT t VALUES (1, 'a')")
    assert db.error("SELECT [__$command_id] FROM cdc.dbo_t_CT") == 207
    assert db("SELECT [__$operation], id FROM cdc.dbo_t_CT") == [(2, 1)]


def test_transactions_keep_the_order_of_their_commits(db):
    create(db)
    other = Sql(db.session.engine, "d")
    db("BEGIN TRAN; INSERT t VALUES (1, 'early')")
    other("INSERT t VALUES (2, 'late')")
    db("COMMIT")
    assert [row[3] for row in changes(db)] == [2, 1]


# ---- the job ----------------------------------------------------------------

def test_lag(db):
    create(db)
    db("EXEC sim.agent @automatic = 0")
    former = db.value("sys.fn_cdc_get_max_lsn()")
    db("INSERT t VALUES (1, 'a')")
    db("INSERT t VALUES (2, 'a')")
    assert changes(db) == [] and db.value("sys.fn_cdc_get_max_lsn()") == former
    assert db("EXEC sim.capture @transactions = 1") == [(1,)]
    assert len(changes(db)) == 1
    db("EXEC sim.agent @automatic = 1")
    assert len(changes(db)) == 2
    db("EXEC sim.agent @running = 0; INSERT t VALUES (3, 'a')")
    assert len(changes(db)) == 2
    assert db("SELECT status FROM sys.dm_server_services"
              " WHERE servicename LIKE N'SQL Server Agent (%'") == [(1,)]
    db("EXEC sim.agent @running = 1")
    assert len(changes(db)) == 3


def test_lag_by_time(db):
    create(db)
    db("EXEC sim.agent @lag_ms = 20; INSERT t VALUES (1, 'a')")
    engine = db.session.engine
    with engine.latch:
        assert engine.latch.wait_for(
            lambda: db.session.current_database.cdc.instances[0]
            .change_table.rows, 30)
    assert len(changes(db)) == 1


def test_idle_entries(db):
    create(db)
    db("INSERT t VALUES (1, 'a')")
    last = db.value("MAX(start_lsn) FROM cdc.lsn_time_mapping"
                    " WHERE tran_id <> 0x00")
    db("EXEC sim.idle")
    assert db.value("sys.fn_cdc_get_max_lsn()") > last
    assert db.value("MAX(start_lsn) FROM cdc.lsn_time_mapping"
                    " WHERE tran_id <> 0x00") == last
    assert db("SELECT tran_id, tran_begin_lsn FROM cdc.lsn_time_mapping"
              " WHERE start_lsn > 0x%s" % last.hex()) == [(b"\0", None)]


def test_the_end_of_the_log(db):
    create(db)
    end = "log_end_lsn FROM sys.dm_db_log_stats(DB_ID())"
    before = db.value(end)
    assert before == "00000025:00000010:0005"
    assert db.value("sys.fn_cdc_get_max_lsn()") < bytes.fromhex(
        before.replace(":", ""))
    db("EXEC sim.agent @automatic = 0; INSERT t VALUES (1, 'a')")
    assert db.value(end) > before


def test_max_lsn_is_null_while_nothing_was_captured():
    db = database(new_engine())
    assert db.value("sys.fn_cdc_get_max_lsn()") is None
    db("EXEC sys.sp_cdc_enable_db; EXEC sim.agent @running = 0")
    assert db.value("sys.fn_cdc_get_max_lsn()") is None
    create(db)
    assert db.value("sys.fn_cdc_get_max_lsn()") is None
    assert db("SELECT start_lsn FROM cdc.change_tables") == [(None,)]
    assert db.value("sys.fn_cdc_get_min_lsn('dbo_t')") == ZERO
    db("INSERT t VALUES (1, 'a'); EXEC sim.agent @running = 1")
    assert db.value("sys.fn_cdc_get_min_lsn('dbo_t')") \
        < db.value("sys.fn_cdc_get_max_lsn()")
    assert len(changes(db)) == 1


def test_others_go_on_while_much_is_captured(db):
    create(db)
    other = Sql(db.session.engine, "d")
    before = db.value("sys.fn_cdc_get_max_lsn()")
    running = db.start("INSERT t SELECT value, 'x' FROM"
                       " GENERATE_SERIES(1, 40000)")
    seen = set()
    while running.thread.is_alive():
        # a transaction is there as a whole or not at all
        (row,) = other("DECLARE @m binary(10) = sys.fn_cdc_get_max_lsn();"
                       " SELECT COUNT(*), @m FROM cdc.dbo_t_CT"
                       " WHERE [__$start_lsn] <= @m")
        seen.add((row[0], row[1] > before))
    running.done()
    assert seen <= {(0, False), (40000, True)} and (0, False) in seen
    assert other.value("COUNT(*) FROM cdc.dbo_t_CT") == 40000


# ---- clean-up ---------------------------------------------------------------

def test_cleanup(db):
    create(db)
    create(db, name="u")
    for number in range(3):
        db("INSERT t VALUES (%d, 'a')" % number)
    low = db.value("sys.fn_cdc_get_min_lsn('dbo_t')")
    db("EXEC sim.cleanup")
    last = db.value("sys.fn_cdc_get_max_lsn()")
    assert db.value("sys.fn_cdc_get_min_lsn('dbo_t')") == last > low
    assert db.value("sys.fn_cdc_get_min_lsn('dbo_u')") == last
    assert [row[3] for row in changes(db)] == [2]
    assert db("SELECT start_lsn FROM cdc.lsn_time_mapping") == [(last,)]
    assert db.error("SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_t(0x%s,"
                    " 0x%s, 'all')" % (low.hex(), last.hex())) == 313
    db("EXEC sim.cleanup @everything = 1")
    assert db.value("sys.fn_cdc_get_max_lsn()") is None
    assert changes(db) == []


def test_cleanup_of_one_instance(db):
    create(db)
    create(db, name="u")
    db("INSERT t VALUES (1, 'a'); INSERT u VALUES (1, 'a')")
    db("DECLARE @l binary(10) = sys.fn_cdc_get_max_lsn(); EXEC"
       " sys.sp_cdc_cleanup_change_table 'dbo_t', @l, 5000")
    assert changes(db) == []
    assert len(changes(db, instance="dbo_u")) == 1
    assert db.error("EXEC sys.sp_cdc_cleanup_change_table 'dbo_t', 0x01") \
        == 22965


def test_cleanup_by_age(db):
    create(db)
    db("INSERT t VALUES (1, 'a'); EXEC sim.clock @offset_seconds = 86400;"
       " INSERT t VALUES (2, 'a'); EXEC sim.cleanup @retention_minutes = 60")
    assert [row[3] for row in changes(db)] == [2]


# ---- functions --------------------------------------------------------------

def test_functions_of_lsns(db):
    create(db)
    db("INSERT t VALUES (1, 'a')")
    assert db.value("sys.fn_cdc_increment_lsn(0x000000000000000000FF)") \
        == ZERO[:8] + b"\1\0"
    assert db.value("d.sys.fn_cdc_decrement_lsn(0x00000000000000000100)") \
        == ZERO[:9] + b"\xff"
    last = db.value("sys.fn_cdc_get_max_lsn()")
    ended = db.value("sys.fn_cdc_map_lsn_to_time(sys.fn_cdc_get_max_lsn())")
    assert db("SELECT tran_end_time FROM cdc.lsn_time_mapping WHERE"
              " start_lsn = 0x" + last.hex()) == [(ended,)]
    assert db.value("sys.fn_cdc_map_time_to_lsn('largest less than or equal',"
                    " GETDATE())") == last
    assert db.value("sys.fn_cdc_get_min_lsn('nix')") == ZERO


def test_all_changes(db):
    create(db)
    db("INSERT t VALUES (1, 'a'); UPDATE t SET v = 'b'; INSERT t VALUES"
       " (2, 'x'); DELETE t WHERE id = 2")
    call = ("DECLARE @a binary(10) = sys.fn_cdc_get_min_lsn('dbo_t'),"
            " @b binary(10) = sys.fn_cdc_get_max_lsn(); SELECT * FROM"
            " cdc.fn_cdc_get_%s_changes_dbo_t(@a, @b, N'%s')")
    rows = db(call % ("all", "all update old"))
    assert [column.name for column in db.columns] == [
        "__$start_lsn", "__$seqval", "__$operation", "__$update_mask", "id",
        "v"]
    assert [row[2] for row in rows] == [2, 3, 4, 2, 1]
    assert [row[2] for row in db(call % ("all", "all"))] == [2, 4, 2, 1]
    assert [row[1:] for row in db(call % ("net", "all"))] == [
        (2, None, 1, "b")]
    for args in ("0x00, @b, 'all'", "@a, 0xFF, 'all'", "NULL, @b, 'all'",
                 "@a, @b, 'nix'"):
        assert db.error((call % ("all", "all")).replace("@a, @b, N'all'",
                                                        args)) == 313
    with pytest.raises(SqlError, match="Invalid object name 'd.cdc.fn_cdc_get"
                       "_all_changes_nix'"):
        db("SELECT * FROM d.cdc.fn_cdc_get_all_changes_nix(0x, 0x, 'all')")


# ---- instances --------------------------------------------------------------

def test_instances(db):
    create(db, supports_net_changes=0)
    first = db("SELECT object_id, start_lsn FROM cdc.change_tables")[0]
    db("INSERT t VALUES (1, 'a'); ALTER TABLE t ADD w int")
    enable(db, capture_instance="'v2'", captured_column_list="'w, [id]'")
    db("INSERT t VALUES (2, 'b', 3)")
    assert [row[3:] for row in changes(db)] == [(1, "a"), (2, "b")]
    assert changes(db, "id, w", "v2") == [(2, 1, b"\3", 2, 3)]
    rows = db("SELECT capture_instance, source_object_id, start_lsn,"
              " supports_net_changes, index_name, end_lsn FROM"
              " cdc.change_tables ORDER BY start_lsn")
    assert [row[0] for row in rows] == ["dbo_t", "v2"]
    assert rows[0][2] == first[1] < rows[1][2]
    assert [row[3] for row in rows] == [False, True]
    assert db("SELECT column_name, index_ordinal, column_id FROM"
              " cdc.index_columns WHERE object_id ="
              " OBJECT_ID('cdc.v2_CT')") == [("id", 1, 1)]
    assert db.error("EXEC sys.sp_cdc_enable_table 'dbo', 't', NULL, 'v3'") \
        == 22962
    db("EXEC sys.sp_cdc_disable_table 'dbo', 't', 'dbo_t'")
    assert db.error("SELECT * FROM cdc.dbo_t_CT") == 208
    assert db.value("sys.fn_cdc_get_min_lsn('dbo_t')") == ZERO
    assert db.error("EXEC sys.sp_cdc_enable_table 'dbo', 't', NULL, 'v2'") \
        == 22926
    db("EXEC sys.sp_cdc_enable_table 'dbo', 't', NULL")
    again = db("SELECT object_id, start_lsn FROM cdc.change_tables WHERE"
               " capture_instance = 'dbo_t'")[0]
    assert again[0] != first[0] and again[1] > first[1]
    assert changes(db) == []
    db("EXEC sys.sp_cdc_disable_table 'dbo', 't', 'all'")
    assert db("SELECT is_tracked_by_cdc FROM sys.tables WHERE name = 't'") \
        == [(False,)]


def test_refusals(db):
    assert db.error("EXEC sys.sp_cdc_enable_db") == 22906
    assert db.error("EXEC sys.sp_cdc_enable_table 'dbo', 'nix', NULL") == 22931
    assert db.error("EXEC sys.sp_cdc_disable_table 'dbo', 't', 'x'") == 22985
    create(db)
    assert db.error("TRUNCATE TABLE t") == 4711
    assert db.error("EXEC sp_rename 't.v', 'w', 'COLUMN'") == 4928
    db("CREATE TABLE n (a int)")
    assert db.error("EXEC sys.sp_cdc_enable_table 'dbo', 'n', NULL,"
                    " @supports_net_changes = 1") == 22939
    assert db.error("EXEC sys.sp_cdc_enable_table @source_schema = 'dbo'") \
        == 201
    db("CREATE DATABASE plain; USE plain; CREATE TABLE t (a int)")
    assert db.error("EXEC sys.sp_cdc_enable_table 'dbo', 't', NULL") == 22901
    assert db.error("SELECT * FROM cdc.change_tables") == 208
    assert db("SELECT name, is_cdc_enabled FROM sys.databases WHERE name IN"
              " ('d', 'plain')") == [("d", True), ("plain", False)]


def test_disable_db(db):
    create(db)
    db("INSERT t VALUES (1, 'a'); EXEC sys.sp_cdc_disable_db")
    assert db.error("SELECT * FROM cdc.lsn_time_mapping") == 208
    db("EXEC sys.sp_cdc_enable_db")
    enable(db)
    assert changes(db) == []


def test_enabling_rolls_back(db):
    db("CREATE TABLE t (id int)")
    db("BEGIN TRAN; EXEC sys.sp_cdc_enable_table 'dbo', 't', NULL; ROLLBACK")
    assert db("SELECT * FROM cdc.change_tables") == []
    db("INSERT t VALUES (1)")
    assert db.error("SELECT * FROM cdc.dbo_t_CT") == 208


def test_a_reader_keeps_an_instance(db):
    create(db)
    other = Sql(db.session.engine, "d")
    other("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; BEGIN TRAN;"
          " SELECT * FROM cdc.dbo_t_CT")
    running = db.start("EXEC sys.sp_cdc_disable_table 'dbo', 't', 'all'")
    running.wait_blocked()
    other("ROLLBACK")
    running.done()
    assert other.error("SELECT * FROM cdc.dbo_t_CT") == 208


def test_a_snapshot_does_not_see_new_changes(db):
    create(db)
    db("ALTER DATABASE d SET ALLOW_SNAPSHOT_ISOLATION ON;"
       " INSERT t VALUES (1, 'a')")
    other = Sql(db.session.engine, "d")
    other("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN;"
          " SELECT * FROM cdc.dbo_t_CT")
    db("INSERT t VALUES (2, 'a')")
    assert len(other("SELECT * FROM cdc.dbo_t_CT")) == 1
    other("COMMIT")
    assert len(other("SELECT * FROM cdc.dbo_t_CT")) == 2


# ---- schema changes ---------------------------------------------------------

def test_alter_table(db):
    create(db, "id int PRIMARY KEY, a int, b varchar(5)")
    db("INSERT t VALUES (1, 2, 'x')")
    db("ALTER TABLE t ADD c int")
    db("INSERT t VALUES (2, 3, 'y', 4)")
    db("ALTER TABLE t ALTER COLUMN a bigint")
    db("INSERT t VALUES (3, 5000000000, 'z', 4)")
    db("ALTER TABLE t DROP COLUMN b")
    db("INSERT t VALUES (4, 6, 7)")
    assert [row[3:] for row in changes(db, "id, a, b")] == [
        (1, 2, "x"), (2, 3, "y"), (3, 5000000000, "z"), (4, 6, None)]
    assert db("SELECT max_length FROM sys.columns WHERE object_id ="
              " OBJECT_ID('cdc.dbo_t_CT') AND name = 'a'") == [(8,)]
    history = db("EXEC sys.sp_cdc_get_ddl_history 'dbo_t'")
    assert [row[:5] for row in history] == [
        ("dbo", "t", "dbo_t", False, "ALTER TABLE t ADD c int"),
        ("dbo", "t", "dbo_t", True, "ALTER TABLE t ALTER COLUMN a bigint"),
        ("dbo", "t", "dbo_t", False, "ALTER TABLE t DROP COLUMN b")]
    assert [row[5] for row in history] == sorted(row[5] for row in history)
    assert db("SELECT source_object_id, required_column_update, ddl_lsn FROM"
              " cdc.ddl_history") == [
        (db.value("OBJECT_ID('t')"), row[3], row[5]) for row in history]


def test_ddl_waits_for_the_capture_job(db):
    create(db, "id int PRIMARY KEY, a int")
    db("EXEC sim.agent @automatic = 0")
    db("INSERT t VALUES (1, 2); ALTER TABLE t ALTER COLUMN a bigint;"
       " INSERT t VALUES (2, 3)")
    assert db("SELECT * FROM cdc.ddl_history") == []
    db("EXEC sim.capture @transactions = 1")
    assert db("SELECT * FROM cdc.ddl_history") == []
    assert len(changes(db, "id")) == 1
    db("EXEC sim.capture")
    assert len(db("SELECT * FROM cdc.ddl_history")) == 1
    assert len(changes(db, "id")) == 2


def test_renamed_and_dropped_tables(db):
    create(db)
    db("EXEC sp_rename 't', 'u'; INSERT u VALUES (1, 'a')")
    assert len(changes(db)) == 1
    db("DROP TABLE u")
    assert db("SELECT * FROM cdc.change_tables") == []


# ---- who may see what -------------------------------------------------------

def test_gating_role(db):
    create(db, role="N'readers'")
    db("INSERT t VALUES (1, 'a'); CREATE LOGIN joe WITH PASSWORD = 'p';"
       " CREATE USER joe FOR LOGIN joe; GRANT SELECT ON t TO joe")
    joe = Sql(db.session.engine, "d", "joe")
    call = ("DECLARE @a binary(10) = sys.fn_cdc_get_min_lsn('dbo_t'),"
            " @b binary(10) = sys.fn_cdc_get_max_lsn(); SELECT * FROM"
            " cdc.fn_cdc_get_all_changes_dbo_t(@a, @b, 'all')")
    assert joe.value("sys.fn_cdc_get_min_lsn('dbo_t')") == ZERO
    assert joe.value("sys.fn_cdc_get_max_lsn()") is not None
    assert joe.error(call) == 229
    assert joe("EXEC sys.sp_cdc_help_change_data_capture") == []
    assert joe.error("SELECT * FROM cdc.dbo_t_CT") == 229
    assert joe.error("SELECT * FROM cdc.change_tables") == 229
    assert joe.error("EXEC sys.sp_cdc_help_jobs") == 22904
    assert joe.error("EXEC sys.sp_cdc_disable_db") == 22904
    db("ALTER ROLE readers ADD MEMBER joe")
    assert len(joe(call)) == 1
    assert len(joe("EXEC sys.sp_cdc_help_change_data_capture")) == 1
    db("GRANT SELECT ON SCHEMA::cdc TO joe")
    assert len(joe("SELECT * FROM cdc.dbo_t_CT")) == 1
    assert len(joe("SELECT * FROM cdc.change_tables")) == 1
    assert joe.error("SELECT log_end_lsn FROM sys.dm_db_log_stats(DB_ID())") \
        == 262
    db("GRANT VIEW DATABASE STATE TO joe")
    assert len(joe("SELECT log_end_lsn FROM"
                   " sys.dm_db_log_stats(DB_ID())")) == 1


def test_help(db):
    create(db)
    (row,) = db("EXEC [d].sys.sp_cdc_help_change_data_capture 'dbo', 't'")
    assert [column.name for column in db.columns] == [
        "source_schema", "source_table", "capture_instance", "object_id",
        "source_object_id", "start_lsn", "end_lsn", "supports_net_changes",
        "has_drop_pending", "role_name", "index_name", "filegroup_name",
        "create_date", "index_column_list", "captured_column_list"]
    assert row[:3] == ("dbo", "t", "dbo_t")
    assert row[13:] == ("[id]", "[id], [v]")
    jobs = {row[1]: row for row in db("EXEC sys.sp_cdc_help_jobs")}
    assert [column.name for column in db.columns] == [
        "job_id", "job_type", "job_name", "maxtrans", "maxscans",
        "continuous", "pollinginterval", "retention", "threshold"]
    assert jobs["capture"][3:7] == (500, 10, True, 5)
    assert jobs["cleanup"][7:] == (4320, 5000)
    db("EXEC sys.sp_cdc_change_job @job_type = 'cleanup', @retention = 60")
    assert db("SELECT retention FROM msdb.dbo.cdc_jobs WHERE job_type ="
              " 'cleanup' AND database_id = DB_ID()") == [(60,)]


# ---- keyset pages -----------------------------------------------------------

def test_pages(db):
    create(db)
    for number in range(4):
        db("INSERT t SELECT value, 'x' FROM GENERATE_SERIES(%d, %d)"
           % (number * 5, number * 5 + 4))
    db("UPDATE t SET v = 'y'; UPDATE t SET id = id + 1")
    wanted = db("SELECT * FROM cdc.dbo_t_CT")
    page = ("SELECT TOP (7) x.*, m.tran_end_time FROM [d].cdc.[dbo_t_CT] AS x"
            " WITH (NOLOCK) LEFT JOIN d.cdc.lsn_time_mapping m"
            " ON m.start_lsn = x.[__$start_lsn] WHERE"
            " (([__$start_lsn] = {l} AND [__$command_id] = {c} AND"
            " [__$seqval] = {s} AND [__$operation] > {o})"
            " OR ([__$start_lsn] = {l} AND [__$command_id] = {c} AND"
            " [__$seqval] > {s})"
            " OR ([__$start_lsn] = {l} AND [__$command_id] > {c})"
            " OR [__$start_lsn] > {l}) AND [__$start_lsn] <= 0xFF"
            " AND [__$start_lsn] >= 0x00 ORDER BY x.[__$start_lsn] ASC,"
            " x.[__$command_id], x.[__$seqval], x.[__$operation]")
    found = []
    at = dict(l="0x", c=0, s="0x", o=0)
    while rows := db(page.format(**at)):
        found += rows
        last = rows[-1]
        at = dict(l="0x" + last[0].hex(), c=last[-2], s="0x" + last[2].hex(),
                  o=last[3])
    assert [row[:-1] for row in found] == wanted
    assert all(row[-1] is not None for row in found)
    assert len(found) == 20 + 40 + 40


# ---- limits and environments ------------------------------------------------

def test_large_values_may_be_too_large_to_capture(db):
    create(db, "id int PRIMARY KEY, v nvarchar(max)")
    db("CREATE TABLE u (v nvarchar(max)); INSERT u VALUES"
       " (REPLICATE(CAST(N'x' AS nvarchar(max)), 40000))")
    assert db.error("INSERT t SELECT 1, v FROM u") == 7139
    db("INSERT t VALUES (1, 'x')")
    assert db.error("UPDATE t SET v = u.v FROM t CROSS JOIN u") == 7139
    db("EXEC sp_configure 'max text repl size', -1; RECONFIGURE;"
       " UPDATE t SET v = u.v FROM t CROSS JOIN u; UPDATE t SET id = 2")
    assert db.value("LEN(v) FROM t") == 40000


def test_a_readable_secondary(db):
    create(db)
    db("EXEC sim.options @secondary = 1; INSERT t VALUES (1, 'a')")
    reader = Sql(db.session.engine, "d", read_only=True)
    assert reader.value("CONVERT(nvarchar(20), DATABASEPROPERTYEX('d',"
                        " 'Updateability'))") == "READ_ONLY"
    assert reader.error("INSERT t VALUES (2, 'a')") == 3906
    reader("BEGIN TRAN")
    assert len(reader("SELECT * FROM cdc.dbo_t_CT WITH (NOLOCK)")) == 1
    db("INSERT t VALUES (2, 'a')")
    assert len(reader("SELECT * FROM cdc.dbo_t_CT WITH (NOLOCK)")) == 1
    reader("COMMIT")
    assert len(reader("SELECT * FROM cdc.dbo_t_CT")) == 2


def test_azure(db):
    create(db)
    db("CREATE DATABASE other; EXEC sim.options @engine_edition = 5")
    assert db.value("CONVERT(int, SERVERPROPERTY('EngineEdition'))") == 5
    assert db.error("USE other") == 40508
    assert db.error("SELECT * FROM other.dbo.t") == 40515
    assert db("SELECT * FROM d.dbo.t") == []
    assert db.error("SELECT * FROM sys.dm_server_services") == 208


# ---- demo data, control channel ---------------------------------------------

def test_demo():
    engine = Engine(data="demo")
    sql = Sql(engine, "testDB")
    assert sql("SELECT id, name, weight FROM products WHERE id > 106") == [
        (107, "rocks", 5.3), (108, "jacket", 0.1), (109, "spare tire", 22.2)]
    assert [sql.value("COUNT(*) FROM " + name) for name in (
        "products", "products_on_hand", "customers", "orders")] == [9, 9, 4, 4]
    assert sql("SELECT capture_instance, supports_net_changes FROM"
               " cdc.change_tables") == [
        ("dbo_products", False), ("dbo_products_on_hand", False),
        ("dbo_customers", False), ("dbo_orders", False)]
    assert sql.value("COUNT(*) FROM cdc.dbo_orders_CT") == 0


def test_control_requests(db):
    create(db)
    engine = db.session.engine
    engine.control({"do": "agent", "running": False})
    db("INSERT t VALUES (1, 'a')")
    assert changes(db) == []
    assert engine.control({"do": "sim.capture", "database": "d"}) \
        == {"rows": [[1]]}
    assert len(changes(db)) == 1
    with pytest.raises(SqlError, match="50004"):
        engine.control({"do": "frob"})
    with pytest.raises(SqlError, match="8145"):
        engine.control({"do": "agent", "frob": 1})
