"""Object mapping rules: where tables and columns land, with which types, and
what becomes of values on the way."""

import itertools
from datetime import date

import psycopg2
import pytest

from support.source import Database

NUMBERS = itertools.count(1)


@pytest.fixture
def rules(pg, db, connector):
    """Adds rules; names at the source are given without the database."""
    def add(*rules):
        for kind, source, target in rules:
            if "." in source or kind in ("table", "column", "transform"):
                source = "%s.%s" % (db.name, source)
            pg.query("SELECT synchdb_add_objmap(%s, %s, %s, %s)",
                     [connector.name, kind, source, target])
    return add


@pytest.fixture
def schema(pg, db):
    """A schema that a rule names."""
    name = "mapped_" + db.name
    yield name
    pg.query("DROP SCHEMA IF EXISTS %s CASCADE" % name)


def column_types(pg, table):
    return dict(pg.query(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        [table]))


def reload(pg, connector):
    return pg.value("SELECT synchdb_reload_objmap(%s)", [connector.name])


def test_names(pg, db, connector, rules, schema):
    db.execute("CREATE TABLE orders (id INT PRIMARY KEY, `a b` INT, c INT)",
               "INSERT INTO orders VALUES (1, 2, 3)")
    rules(("table", "orders", schema + ".Sales"),
          ("column", "Orders.A B", '"Two Words"'),
          ("column", "orders.c", "see"))
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO orders VALUES (4, 5, 6)",
               "UPDATE orders SET c = 7 WHERE id = 1")

    def rows():
        return pg.query('SELECT id, "Two Words", see FROM %s.sales ORDER BY 1'
                        % schema)
    connector.wait(lambda: rows() == [(1, 2, 7), (4, 5, 6)], "changes")
    assert pg.query("SELECT DISTINCT pg_tbname FROM synchdb_att_view"
                    " WHERE name = %s", [connector.name]) == \
        [(schema + ".sales",)]


def test_table_without_a_schema_goes_to_public(pg, db, connector, rules):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)",
               "INSERT INTO t VALUES (1)")
    name = "public_" + db.name
    rules(("table", "t", name))
    try:
        connector.start()
        connector.wait_streaming()
        assert pg.query("SELECT id FROM public.%s" % name) == [(1,)]
    finally:
        connector.delete()
        pg.query("DROP TABLE IF EXISTS public.%s" % name)


def test_rules_before_their_connector(pg, db, connect, schema):
    """Each kind counts from the first start."""
    name = "early_" + db.name
    table = "%s.t" % db.name
    for kind, source, target in (("table", table, schema + ".u"),
                                 ("column", table + ".a", "b"),
                                 ("datatype", table + ".id|true", "bigint"),
                                 ("datatype", "varchar", "text|0"),
                                 ("transform", table + ".a", "%d * 2")):
        assert pg.value("SELECT synchdb_add_objmap(%s, %s, %s, %s)",
                        [name, kind, source, target]) == 0
    db.execute("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT,"
               " v VARCHAR(5))", "INSERT INTO t VALUES (1, 10, 'x')")
    connector = connect(pg, db)
    connector.delete()
    connector.name = name
    connector.add()
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (2, 20, 'y')")
    connector.wait(lambda: pg.query("SELECT id, b, v FROM %s.u ORDER BY 1"
                                    % schema) == [(1, 20, "x"), (2, 40, "y")],
                   "rows under the rules")
    assert column_types(pg, schema + ".u") == {
        "id": "bigint", "b": "integer", "v": "text"}


@pytest.mark.parametrize("casing, expected", [
    ("lowercase", ("casing%d", "mixed", ["id", "both", "upper"])),
    ("uppercase", ("CASING%d", "MIXED", ["ID", "BOTH", "UPPER"])),
    ("asis", ("Casing%d", "Mixed", ["id", "Both", "UPPER"]))])
def test_letter_casing(pg, source, connect, settings, casing, expected):
    """Of schema, table and columns; a rule names what it names all the same,
    and is found in any case."""
    settings(synchdb__letter_casing_strategy=casing)
    number = next(NUMBERS)
    database = Database(source, "Casing%d" % number)
    database.create()
    database.execute("CREATE TABLE Mixed (id INT PRIMARY KEY, `Both` INT,"
                     " UPPER INT)", "CREATE TABLE Mapped (id INT PRIMARY KEY)",
                     "INSERT INTO Mixed VALUES (1, 2, 3)",
                     "INSERT INTO Mapped VALUES (1)")
    connector = connect(pg, database)
    pg.query("SELECT synchdb_add_objmap(%s, 'table', %s, 'casing.mapped')",
             [connector.name, database.name.upper() + ".MAPPED"])
    schema, table, columns = expected
    if source.execute("SELECT @@lower_case_table_names") != ((0,),):
        pytest.skip("this server has lower-case names only")
    try:
        connector.start()
        connector.wait_streaming()
        database.execute("INSERT INTO Mixed VALUES (4, 5, 6)",
                         "INSERT INTO Mapped VALUES (2)")
        where = '"%s"."%s"' % (schema % number, table)
        connector.wait(lambda: pg.query("SELECT * FROM %s ORDER BY 1" % where)
                       == [(1, 2, 3), (4, 5, 6)], "rows")
        connector.wait(lambda: pg.query("SELECT * FROM casing.mapped"
                                        " ORDER BY 1") == [(1,), (2,)], "rows")
        assert list(column_types(pg, where)) == columns
    finally:
        connector.delete()
        pg.query('DROP SCHEMA IF EXISTS "%s", casing CASCADE'
                 % (schema % number))
        database.drop()


def test_types(pg, db, connector, rules):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT,"
               " b VARCHAR(20), c VARCHAR(20), d VARCHAR(20), e DECIMAL(9,3),"
               " f BIT(1), g INT UNSIGNED, h DATETIME(3), i VARCHAR(7))",
               "INSERT INTO t VALUES (1, 2, 'b', 'c', 'd', 1.5, 1, 3,"
               " '2024-02-29 12:00:00.125', 'i')")
    rules(("datatype", "int", "bigint"),
          ("datatype", "t.b", "text|0"),
          ("datatype", "t.c", "varchar|30"),
          ("datatype", "t.d", "varchar|-1"),
          ("datatype", "decimal(9,3)", "numeric(12,4)"),
          ("datatype", "bit(1)", "bool"),
          ("datatype", "int unsigned|false", "int8"),
          ("datatype", "t.h", "timestamp with time zone"),
          ("datatype", "t.id|true", "int8"))
    connector.start()
    connector.wait_streaming()
    assert column_types(pg, connector.target("t")) == {
        "id": "bigint", "a": "bigint", "b": "text",
        "c": "character varying(30)", "d": "character varying(20)",
        "e": "numeric(12,4)", "f": "boolean", "g": "bigint",
        "h": "timestamp(3) with time zone", "i": "character varying(7)"}
    db.execute("INSERT INTO t (a, f) VALUES (9, 0)")
    connector.wait_rows("t", [(1, 2, True), (2, 9, False)], "id, a, f")


def test_numbered_column_keeps_its_sequence(pg, db, connector, rules):
    """A rule for a type is not meant for what the source numbers, unless it
    says so."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT)",
               "INSERT INTO t VALUES (5, 5)")
    rules(("datatype", "int", "numeric|12"))
    connector.start()
    connector.wait_streaming()
    assert column_types(pg, connector.target("t")) == {
        "id": "integer", "a": "numeric(12,0)"}
    assert pg.value("SELECT pg_get_serial_sequence(%s, 'id') IS NOT NULL",
                    [connector.target("t")])


TRANSFORMS = [
    # type, value at the source, expression, type here, result
    ("INT", "5", "%d + 1000000", None, "1000005"),
    ("INT", "5", "'%d'::int * 2", None, "10"),
    ("INT", "11", "%d %% 4", None, "3"),
    ("INT", "-3", "%d*%d", None, "9"),
    ("VARCHAR(30)", "'it''s'", "'>>>>>' || '%d' || '<<<<<'", None,
     ">>>>>it's<<<<<"),
    ("VARCHAR(30)", "'a'", "'100%% %d, \"%d\"'", None, '100% a, "a"'),
    ("VARCHAR(30)", "'a'", r"E'x\t%d\\'", None, "x\ta\\"),
    ("VARCHAR(30)", "'a'", "$q$it's %d$q$", None, "it's a"),
    ("VARCHAR(30)", "'Ab'", "upper(%d) /* %d */ -- %d", None, "AB"),
    ("VARCHAR(30)", "'x'", "NULL", None, None),
    ("VARCHAR(30)", "'x'", "CASE '%d' WHEN 'x' THEN 'y' ELSE '%d' END", None,
     "y"),
    ("DECIMAL(10,2)", "12.50", "round(%d / 3, 1)", None, "4.20"),
    ("DATE", "'2024-02-29'", "%d + 1", None, "2024-03-01"),
    ("DATETIME", "'2024-02-29 10:00:00'", "date_trunc('month', %d)", None,
     "2024-02-01 00:00:00"),
    ("INT", "7", "'<' || %d || '>'", "text", "<7>"),
    ("VARBINARY(9)", "x'00ff'", "encode(%d, 'hex')", "text", "00ff"),
    ("JSON", "'{\"a\": [1, 2]}'", "'%d'::jsonb #>> '{a,1}'", "text", "2"),
    ("POINT", "ST_GeomFromText('POINT(1 2)', 3857)",
     "encode(decode('%w', 'base64'), 'hex') || ' ' || %s || ' ' || '%s'",
     "text", "0101000000000000000000f03f0000000000000040 3857 3857"),
    ("INT", "NULL", "coalesce(%d, 1)", None, None),
]


def test_transforms(pg, db, connector, rules):
    """In the copy and in the stream, as a list of columns of one table."""
    names = range(len(TRANSFORMS))
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, %s)" % ", ".join(
        "c%d %s" % (n, TRANSFORMS[n][0]) for n in names))
    row = ", ".join(TRANSFORMS[n][1] for n in names)
    db.execute("INSERT INTO t VALUES (1, %s)" % row)
    for n in names:
        rules(("transform", "t.c%d" % n, TRANSFORMS[n][2]))
        if TRANSFORMS[n][3] is not None:
            rules(("datatype", "t.c%d" % n, TRANSFORMS[n][3] + "|0"))
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (2, %s)" % row)
    expected = tuple(TRANSFORMS[n][4] for n in names)
    connector.wait_rows("t", [(1,) + expected, (2,) + expected], "id, %s"
                        % ", ".join("c%d::text" % n for n in names))


def test_transformed_key(db, connector, rules):
    """The old row is found by its transformed key."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)",
               "INSERT INTO t VALUES (1, 1), (2, 2)")
    rules(("transform", "t.id", "%d + 100"))
    connector.start()
    connector.wait_streaming()
    db.execute("UPDATE t SET v = 9 WHERE id = 1",
               "UPDATE t SET id = 7 WHERE id = 2", "DELETE FROM t WHERE id = 1")
    connector.wait_rows("t", [(107, 2)])


def test_reload(pg, db, connector, rules, schema):
    """On a running connector: targets follow, rows stay as they are."""
    db.execute("CREATE TABLE orders (number INT PRIMARY KEY AUTO_INCREMENT,"
               " a INT, b INT)", "INSERT INTO orders VALUES (1, 10, 20)")
    connector.start()
    connector.wait_streaming()
    pid = connector.pid()
    rules(("table", "orders", schema + ".sold"),
          ("column", "orders.a", "b"), ("column", "orders.b", "a"),
          ("datatype", "orders.number", "bigint"),
          ("transform", "orders.a", "%d + 1000"))
    assert reload(pg, connector) == 0
    assert connector.pid() == pid
    db.execute("INSERT INTO orders VALUES (2, 30, 40)")

    def rows():
        return pg.query("SELECT number, b, a FROM %s.sold ORDER BY 1" % schema)
    connector.wait(lambda: rows() == [(1, 10, 20), (2, 1030, 40)], "rows")
    assert column_types(pg, schema + ".sold")["number"] == "bigint"

    # and back
    for kind, name in (("table", "orders"), ("column", "orders.a"),
                       ("column", "orders.b"), ("transform", "orders.a")):
        pg.query("SELECT synchdb_del_objmap(%s, %s, %s)",
                 [connector.name, kind, "%s.%s" % (db.name, name)])
    reload(pg, connector)
    db.execute("INSERT INTO orders VALUES (3, 50, 60)")
    connector.wait_rows("orders", [(1, 10, 20), (2, 1030, 40), (3, 50, 60)],
                        "number, a, b")


def test_reload_of_types(pg, db, connector, rules):
    """Rows that are there are converted, also where it takes a cast."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9), b INT,"
               " c VARCHAR(20), d BLOB)",
               "INSERT INTO t VALUES (1, '12', 34, '2024-02-29', x'41')")
    connector.start()
    connector.wait_streaming()
    rules(("datatype", "t.a", "int"), ("datatype", "t.b", "text|0"),
          ("datatype", "t.c", "date|0"))
    reload(pg, connector)
    db.execute("INSERT INTO t VALUES (2, '56', 78, '2024-03-01', x'42')")
    connector.wait_rows("t", [(1, 12, "34", date(2024, 2, 29)),
                              (2, 56, "78", date(2024, 3, 1))], "id, a, b, c")


def test_rules_change_while_stopped(pg, db, connector, rules, schema):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector.start()
    connector.wait_streaming()
    connector.stop()
    rules(("table", "t", schema + ".u"))
    db.execute("INSERT INTO t VALUES (1)")
    connector.start()
    connector.wait(lambda: pg.value("SELECT to_regclass(%s) IS NOT NULL",
                                    [schema + ".u"]), "the new name")
    connector.wait(lambda: pg.query("SELECT id FROM %s.u" % schema) == [(1,)],
                   "the row")


def test_reload_that_fails(pg, db, connector, rules):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9))",
               "INSERT INTO t VALUES (1, 'text')")
    connector.start()
    connector.wait_streaming()
    rules(("datatype", "t.v", "varchar|2"))
    with pytest.raises(psycopg2.Error, match="too long"):
        reload(pg, connector)
    assert "too long" in connector.wait_failed()


def test_rule_that_matches_nothing_is_reported(pg, db, connector, rules):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    rules(("column", "t.absent", "x"), ("table", "t", db.name + ".t"))
    connector.start()
    connector.wait_streaming()
    text = pg.log_text()
    assert 'the rule for column "%s.t.absent" matches nothing' % db.name in text
    assert 'the rule for table "%s.t" matches' % db.name not in text


@pytest.mark.parametrize("kind, target, words", [
    ("table", "", "not a name"),
    ("table", "a.b.c", "not a name"),
    ("table", "two words", "double quotes"),
    ("column", "a.b", "not a name"),
    ("column", "x" * 64, "longer than 63"),
    ("datatype", "no_such_type", "no_such_type"),
    ("datatype", "int); DROP TABLE x; --", "invalid type name"),
    ("datatype", "varchar|many", "no length"),
    ("transform", "%d +", "syntax error"),
    ("transform", "1) FROM pg_class WHERE (true", "not one SQL expression"),
    ("transform", "%d; DELETE FROM x", "syntax error"),
    ("transform", "'%d", "does not end"),
    ("transform", "$1", "parameter of its own"),
])
def test_rules_that_cannot_work(pg, connector, kind, target, words):
    with pytest.raises(psycopg2.Error) as error:
        pg.query("SELECT synchdb_add_objmap(%s, %s, 'a.b.c', %s)",
                 [connector.name, kind, target])
    assert words in str(error.value)


@pytest.mark.parametrize("expression, words", [
    ("(SELECT 1)", "subquery"),
    ("no_such_function(%d)", "no_such_function"),
    ("no_such_column", "no_such_column"),
])
def test_expression_that_cannot_be_compiled(db, connector, rules, expression,
                                            words):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)",
               "INSERT INTO t VALUES (1)")
    rules(("transform", "t.id", expression))
    with pytest.raises((psycopg2.Error, AssertionError)) as error:
        connector.start()
        connector.wait_streaming()
    assert words in str(error.value)


ATTACKS = ["'; DROP TABLE victim; --", "\\'; DROP TABLE victim; --", "%d", "%%",
           "%s %n %w", "$1", "$$", "') || pg_sleep(10) || ('", '"', "\\", "'",
           "''", "{}", "NULL", "\r\n\t", "e'\\x27'", "\u2019", "a" * 3000]


def test_values_are_never_sql(pg, db, connector, rules):
    """Whatever stands in names and values changes its own column only."""
    pg.query("CREATE TABLE IF NOT EXISTS victim (x int)")
    names = ["v", "we'ird", 'qu"oted', "per%d", "semi;--", "back\\slash"]
    db.execute("CREATE TABLE `%%d; '\"` (id INT PRIMARY KEY, %s)" % ", ".join(
        "`%s` TEXT" % name for name in names))
    expressions = ["'%d'", "'<%d>'", "%d || ''", "E'\\'%d'", "$x$%d$x$",
                   "replace('%d', 'no', '%d')"]
    for name, expression in zip(names, expressions):
        part = '"%s"' % name.replace('"', '""') if '"' in name else name
        pg.query("SELECT synchdb_add_objmap(%s, 'transform', %s, %s)",
                 [connector.name, '%s."%%d; \'""".%s' % (db.name, part),
                  expression])

    connection = db.connect()
    with connection.cursor() as cursor:
        def insert(first):
            for n, attack in enumerate(ATTACKS):
                cursor.execute(
                    "INSERT INTO `%%%%d; '\"` VALUES (%%s%s)"
                    % (", %s" * len(names)),
                    [first + n] + [attack] * len(names))
        insert(0)
        connector.start()
        connector.wait_streaming()
        insert(100)
    connection.close()
    expected = [(first + n, a, "<%s>" % a, a, "'" + a, a, a.replace("no", a))
                for first in (0, 100) for n, a in enumerate(ATTACKS)]
    connector.wait_rows("%d; '\"", expected)
    assert pg.query("SELECT * FROM victim") == []
    pg.query("DROP TABLE victim")
