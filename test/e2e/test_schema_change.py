"""Schema changes of the stream, from the definition to the commit, with a
source that does as it is told."""

import itertools

import pytest

from support.crash import Crash, make_durable
from support.failpoint import Failpoint
from support.fake import Script

NUMBERS = itertools.count(1)

FAILPOINTS = ["pipeline-before-schema-change", "pipeline-after-schema-change",
              "pipeline-before-checkpoint", "pipeline-before-commit",
              "pipeline-after-commit"]


@pytest.fixture
def script(tmp_path):
    script = Script(tmp_path / "script", "change%d" % next(NUMBERS))
    script.table("t", "id int, v text")
    return script


@pytest.fixture
def connector(pg, script, connect):
    return connect(pg, script, type="fake")


@pytest.fixture
def streaming(connector):
    connector.start()
    connector.wait_streaming()
    return connector


@pytest.fixture(scope="module")
def pg_crash(start_postgres):
    """A server that crashes in these tests alone."""
    return start_postgres()


def columns(connector, table):
    """Names and types of the target's columns."""
    return connector.pg.query(
        "SELECT attname::text, format_type(atttypid, atttypmod)"
        " FROM pg_attribute WHERE attrelid = to_regclass(%s)"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [connector.target(table)])


def attributes(connector):
    """Of synchdb_att_view: table here, column there and here, type there."""
    return connector.pg.query(
        "SELECT pg_tbname, ext_tbname::text, ext_attname::text,"
        " pg_attname::text, ext_atttypename::text"
        " FROM synchdb_att_view WHERE name = %s", [connector.name])


def stored(connector):
    """The definitions: table -> (names of columns, stage)."""
    return {table: ([column["name"] for column in definition["columns"]],
                    stage)
            for table, definition, stage in connector.pg.query(
                "SELECT source_table, definition, stage FROM synchdb_table"
                " WHERE name = %s", [connector.name])}


def ddls(connector):
    return connector.counters()["ddls"]


def test_rows_before_and_after(script, streaming):
    """Each row is applied with the definition that it was written with."""
    script.transaction(script.insert("t", 1, "a"), script.insert("t", 2, "b"))
    script.transaction(
        script.insert("t", 3, "c"),
        script.alter("t", "id int, v text, n int 7", (0, 1, None)),
        script.insert("t", 4, "d", None),
        script.update("t", (1, "a", 7), (1, "a", 1)),
        script.alter("t", "n int, id int, w text", (2, 0, 1), keys=(1,)),
        script.insert("t", 5, 5, "e"),
        script.delete("t", 7, 2, "b"),
        script.alter("t", "id int, w text", (1, 2)),
        script.insert("t", 6, "f"))
    streaming.wait_rows("t", [(1, "a"), (3, "c"), (4, "d"), (5, "e"),
                              (6, "f")])
    assert columns(streaming, "t") == [("id", "integer"), ("w", "text")]
    assert stored(streaming) == {script.id("t"): (["id", "w"], "streaming")}
    assert ddls(streaming) == 3


def test_the_definition_serves_the_next_start(script, streaming):
    script.transaction(
        script.alter("t", "x text, id int", (None, 0), keys=(1,)),
        script.insert("t", "a", 1))
    streaming.wait_rows("t", [(1, "a")])
    streaming.stop()
    script.transaction(script.update("t", ("a", 1), ("b", 1)))
    streaming.start()
    streaming.wait_rows("t", [(1, "b")])


def test_rename(script, streaming):
    """Names that change places; the identity of a table is its name."""
    script.transaction(script.create("u", "id int, w text"),
                       script.insert("u", 1, "u"), script.insert("t", 1, "t"))
    script.transaction(
        script.alter("t", "id int, v text", (0, 1), to="passing"),
        script.alter("u", "id int, w text", (0, 1), to="t"),
        script.alter("passing", "id int, v text", (0, 1), to="u"),
        script.insert("t", 2, "t"), script.insert("u", 2, "u"))
    streaming.wait_rows("t", [(1, "u"), (2, "t")])
    streaming.wait_rows("u", [(1, "t"), (2, "u")])
    assert stored(streaming) == {
        script.id("t"): (["id", "w"], "streaming"),
        script.id("u"): (["id", "v"], "streaming")}
    assert {row[0] for row in attributes(streaming)} == \
        {script.id("t"), script.id("u")}
    assert all(row[0] == row[1] for row in attributes(streaming))


def test_attributes(script, streaming):
    """Columns that are gone stay, marked; those of dropped tables vanish."""
    t = script.id("t")
    assert attributes(streaming) == [(t, t, "id", "id", "int"),
                                     (t, t, "v", "v", "text")]
    script.transaction(
        script.alter("t", "id int, v text, n int", (0, 1, None)))
    script.transaction(script.alter("t", "id int, w int", (0, 2)),
                       script.insert("t", 1, 2))
    streaming.wait_rows("t", [(1, 2)])
    assert attributes(streaming) == [
        (t, t, "id", "id", "int"),
        (t, t, "........synchdb.dropped.2........",
         "........pg.dropped.2........", "null"),
        (t, t, "w", "w", "int")]
    script.transaction(script.create("u", "id int"), script.drop("t"),
                       script.insert("u", 1))
    streaming.wait_rows("u", [(1,)])
    u = script.id("u")
    assert attributes(streaming) == [(u, u, "id", "id", "int")]


def test_attributes_of_targets_made_anew(pg, script, streaming):
    """Oids that are of another time, as after a restore, are put right."""
    t = script.id("t")
    streaming.stop()
    pg.query("DROP TABLE %s" % streaming.target("t"))
    pg.query("CREATE TABLE %s (v text, id int PRIMARY KEY)"
             % streaming.target("t"))
    pg.query("UPDATE synchdb_attribute SET attrelid = 'pg_class'::regclass"
             " WHERE name = %s AND attnum = 2", [streaming.name])
    streaming.start()
    streaming.wait_streaming()
    assert attributes(streaming) == [(t, t, "v", "v", "text"),
                                     (t, t, "id", "id", "int")]


def test_copied_again(pg, script, streaming):
    """A target that was dropped here, and copied anew."""
    streaming.stop()
    pg.query("DROP TABLE %s" % streaming.target("t"))
    streaming.start("always")
    streaming.wait_streaming()
    assert len(attributes(streaming)) == 2


def test_changes_that_the_copy_shows(script, connector):
    """The stream begins before the snapshot; its changes are not repeated."""
    script.transaction(script.insert("t", 1, "a"))
    begin = script.position()
    script.transaction(
        script.alter("t", "id int, w text, n int", (0, 1, None), to="u"),
        script.insert("u", 2, "b", 3))
    script.transaction(script.create("x", "id int"), script.insert("x", 1))
    script.point("none", begin)
    connector.start()
    connector.wait_streaming()
    end = script.transaction(script.insert("u", 4, "d", 5))
    connector.wait_rows("u", [(1, "a", None), (2, "b", 3), (4, "d", 5)])
    connector.wait_rows("x", [(1,)])
    assert end > begin
    assert ddls(connector) == 0


@pytest.mark.parametrize("kind", ["create", "alter"])
def test_incomplete(script, streaming, settings, kind):
    """Rows that the stream does not bring are not missed when they change."""
    settings(synchdb__resync_incomplete="off")
    if kind == "create":
        script.transaction(script.create("u", "id int, v text", (0,),
                                         "incomplete"),
                           script.update("u", (1, "a"), (1, "b")),
                           script.delete("u", 2, "a"))
        table = "u"
    else:
        script.transaction(
            script.alter("t", "id int, v text", (0, 1), "incomplete"),
            script.update("t", (1, "a"), (1, "b")), script.delete("t", 2, "a"))
        table = "t"
    streaming.wait_rows(table, [(1, "b")])
    assert stored(streaming)[script.id(table)][1] == "partial"
    # also under another name, and after a restart
    script.transaction(
        script.alter(table, "id int, v text", (0, 1), to="w"),
        script.update("w", (3, "a"), (3, "b")))
    streaming.wait_rows("w", [(1, "b"), (3, "b")])
    streaming.stop()
    streaming.start()
    script.transaction(script.delete("w", 4, "x"), script.delete("w", 3, "x"))
    streaming.wait_rows("w", [(1, "b")])


def test_an_error_stops_at_the_change(pg, script, streaming):
    """What stands in the way is named, nothing is lost, and it goes on."""
    script.transaction(script.insert("t", 1, "a"))
    streaming.wait_rows("t", [(1, "a")])
    pg.query("CREATE VIEW %s AS SELECT v FROM %s"
             % (streaming.target("stands"), streaming.target("t")))
    script.transaction(script.insert("t", 2, "b"),
                       script.alter("t", "id int", (0,)),
                       script.insert("t", 3))
    text = streaming.wait_failed()
    assert "cannot drop column v" in text
    assert "view %s.stands depends on column v" % streaming.schema in text
    assert "CASCADE" not in text
    assert streaming.rows("t") == [(1, "a")]
    pg.query("DROP VIEW %s" % streaming.target("stands"))
    streaming.start()
    streaming.wait_rows("t", [(1,), (2,), (3,)])
    assert ddls(streaming) == 1


@pytest.mark.parametrize("name", FAILPOINTS)
@pytest.mark.parametrize("action", ["error", "kill"])
def test_exactly_once(pg, pg_crash, script, connect, name, action):
    """Whatever ends the worker, a change is applied with its commit, once."""
    connector = connect(pg_crash if action == "kill" else pg, script,
                        type="fake")
    failpoint = Failpoint(connector.pg)
    connector.start()
    connector.wait_streaming()
    script.transaction(script.insert("t", 1, "a"))
    connector.wait_rows("t", [(1, "a")])
    make_durable(connector.pg)
    if action == "kill":
        crash = Crash(connector, failpoint, name)
    else:
        failpoint.arm(name, action)
    script.transaction(
        script.insert("t", 2, "b"),
        script.alter("t", "id int, w text, v text new", (0, 1, None), to="u"),
        script.insert("u", 3, "c", "d"),
        script.create("t", "x int"), script.insert("t", 1))
    if action == "kill":
        crash.wait()
    else:
        failpoint.wait_reached()
    connector.wait_rows("u", [(1, "a", "new"), (2, "b", "new"),
                              (3, "c", "d")])
    connector.wait_rows("t", [(1,)])
    assert ddls(connector) == 2
    assert stored(connector) == {
        script.id("u"): (["id", "w", "v"], "streaming"),
        script.id("t"): (["x"], "streaming")}


# What comes along with a table

@pytest.fixture
def shop(pg, script, connect, settings):
    """Tables with indexes and foreign keys, the setting on."""
    settings(synchdb__replicate_indexes="on")
    script.table("parent", "id int, code int", indexes=[
        {"name": "code", "unique": True, "parts": [{"column": 1}]}])
    script.table("child", "id int, parent int",
                 foreign_keys=[foreign_key(script)])
    script.transaction(script.insert("parent", 1, 10),
                       script.insert("child", 1, 1))
    return connect(pg, script, type="fake")


def foreign_key(script, **more):
    return dict({"name": "up", "columns": [1], "catalog": script.name,
                 "table": "parent", "referenced": ["code"]}, **more)


def indexes(connector):
    return [row[0] for row in connector.pg.query(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c"
        " ON c.oid = indrelid WHERE relnamespace = %s::regnamespace"
        " ORDER BY 1", [connector.schema])]


def foreign_keys(connector):
    return [row[0] for row in connector.pg.query(
        "SELECT format('%%s: %%s', conrelid::regclass,"
        " pg_get_constraintdef(oid)) FROM pg_constraint WHERE contype = 'f'"
        " AND connamespace = %s::regnamespace ORDER BY 1",
        [connector.schema])]


def expected_key(connector, columns="parent", action=""):
    return "%s.child: FOREIGN KEY (%s) REFERENCES %s.parent(code)%s" \
        " NOT VALID" % (connector.schema, columns, connector.schema, action)


def test_indexes_come_with_the_copy(script, shop):
    shop.start()
    shop.wait_streaming()
    assert indexes(shop) == [shop.schema + name for name in (
        ".child_pkey", ".parent_code_key", ".parent_pkey", ".t_pkey")]
    assert foreign_keys(shop) == [expected_key(shop)]


def test_indexes_follow_the_stream(script, shop):
    """A table made anew gets back what referenced it."""
    shop.start()
    shop.wait_streaming()
    script.transaction(
        script.alter("child", "id int, n int, parent int", (0, None, 1),
                     indexes=[{"name": "n", "parts": [{"column": 1}]}],
                     foreign_keys=[foreign_key(script, columns=[2],
                                               on_delete="cascade")]),
        script.drop("parent"),
        script.create("parent", "id int, code int", indexes=[
            {"name": "other", "unique": True, "parts": [{"column": 1}]}]),
        script.insert("parent", 1, 1))
    shop.wait_rows("parent", [(1, 1)])
    assert indexes(shop) == [shop.schema + name for name in (
        ".child_n_idx", ".child_pkey", ".parent_other_key", ".parent_pkey",
        ".t_pkey")]
    assert foreign_keys(shop) == [expected_key(
        shop, action=" ON DELETE CASCADE")]


def test_indexes_survive_a_copy_made_anew(script, shop):
    shop.start()
    shop.wait_streaming()
    before = indexes(shop)
    shop.stop()
    shop.start("always")
    shop.wait_streaming()
    assert indexes(shop) == before
    assert foreign_keys(shop) == [expected_key(shop)]
    assert shop.rows("child") == [(1, 1)]


def test_no_indexes_unless_asked_for(pg, script, connect):
    script.table("i", "id int, v int", indexes=[
        {"name": "v", "parts": [{"column": 1}]}])
    connector = connect(pg, script, type="fake")
    connector.start()
    connector.wait_streaming()
    assert indexes(connector) == [connector.schema + ".i_pkey",
                                  connector.schema + ".t_pkey"]


def test_sequences_keep_up(pg, script, connect):
    """With copied rows and with those of the stream, and never go back."""
    script.table("s", "id int identity, v text")
    script.transaction(script.insert("s", 41, "a"))
    connector = connect(pg, script, type="fake")
    connector.start()
    connector.wait_streaming()

    def next_number():
        return pg.value("SELECT nextval(pg_get_serial_sequence(%s, 'id'))",
                        [connector.target("s")])
    assert next_number() == 42
    script.transaction(script.insert("s", 100, "b"), script.insert("t", 9, ""))
    connector.wait_rows("s", [(41, "a"), (100, "b")])
    assert next_number() == 101
    script.transaction(script.insert("s", 50, "c"),
                       script.update("s", (50, "c"), (60, "c")))
    connector.wait_rows("s", [(41, "a"), (60, "c"), (100, "b")])
    assert next_number() == 102
    script.transaction(
        script.alter("s", "id int, v text", (0, 1)),
        script.insert("s", 200, "d"))
    connector.wait(lambda: (200, "d") in connector.rows("s"), "the row")
    script.transaction(
        script.alter("s", "id int identity, v text", (0, 1)),
        script.insert("s", 300, "e"))
    connector.wait(lambda: (300, "e") in connector.rows("s"), "the row")
    assert next_number() == 301


def test_a_sequence_of_others_is_left_alone(pg, script, connect):
    """It is no reason to stop."""
    script.table("s", "id int identity, v text")
    pg.query("CREATE SCHEMA %s" % script.name)
    pg.query("CREATE TABLE %s.s (id int PRIMARY KEY GENERATED BY DEFAULT"
             " AS IDENTITY (MAXVALUE 10), v text)" % script.name)
    connector = connect(pg, script, type="fake")
    connector.start()
    connector.wait_streaming()
    script.transaction(script.insert("s", 100, "b"))
    connector.wait_rows("s", [(100, "b")])
    assert pg.value("SELECT nextval(pg_get_serial_sequence(%s, 'id'))",
                    [connector.target("s")]) == 1
