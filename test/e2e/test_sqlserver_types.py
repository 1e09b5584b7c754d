"""Every SQL Server type with its edge values arrives exactly, copied and
streamed."""

import pytest

from support.sqlserver import bracketed
from support.sqlserver_types import COLUMNS, OLD_LOBS

ALL = COLUMNS + OLD_LOBS


class TypeTable:
    """A table with a column of every type."""

    def __init__(self, database):
        self.database = database
        self.height = max(len(column.values) for column in ALL)
        database.execute(
            "CREATE TABLE dbo.types (id int NOT NULL PRIMARY KEY, %s)"
            % ", ".join("%s %s NULL" % (bracketed(column.name), column.ddl)
                        for column in ALL))
        database.capture("types")

    def insert(self, first):
        """A row for each edge value, every column's in its turn."""
        self.database.execute(*(
            "INSERT INTO dbo.types VALUES (%d, %s)"
            % (first + n, ", ".join(column.value(n)[0] for column in ALL))
            for n in range(self.height)))

    def update(self, first):
        self.database.execute(*(
            "UPDATE dbo.types SET %s WHERE id = %d"
            % (", ".join("%s = %s" % (bracketed(column.name),
                                      column.value(n + 1)[0])
                         for column in ALL), first + n)
            for n in range(self.height)))

    def expected(self, first, offset=0):
        return [(first + n, *(column.value(n + offset)[1] for column in ALL))
                for n in range(self.height)]


def target_columns():
    return ", ".join(["id"] + ['"%s"::text' % column.name for column in ALL])


@pytest.fixture
def types(mdb):
    mdb.server.execute("EXEC sp_configure N'max text repl size', -1;"
                       " RECONFIGURE;")
    return TypeTable(mdb)


def test_copied(pg, mdb, types, connect):
    types.insert(0)
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_rows("types", types.expected(0), target_columns())


def test_streamed(pg, mdb, types, connect):
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    types.insert(100)
    connector.wait_rows("types", types.expected(100), target_columns())
    types.update(100)
    connector.wait_rows("types", types.expected(100, 1), target_columns())


@pytest.mark.parametrize("mapping", ["lossless", "synchdb"])
def test_target_types(pg, mdb, types, connect, settings, mapping):
    settings(synchdb__type_mapping=mapping)
    connector = connect(pg, mdb)
    connector.start()
    connector.wait_streaming()
    found = pg.query(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 1 ORDER BY attnum",
        [connector.target("types")])
    assert found == [(column.name, column.synchdb if mapping == "synchdb"
                      else column.pg_type) for column in ALL]


SHAPE = ("CONVERT(geometry, 0x00000000010C00000000000000400000000000000840),"
         " CONVERT(geography,"
         " 0xE6100000010C00000000000000400000000000000840)")
# a geography has latitude before longitude, WKB the other way round
SHAPE_WKB = ("\\x010100000000000000000000400000000000000840",
             "\\x010100000000000000000008400000000000000040")


@pytest.fixture
def shapes(mdb):
    mdb.execute("CREATE TABLE dbo.shapes (id int NOT NULL PRIMARY KEY,"
                " g geometry, h geography)",
                "INSERT INTO dbo.shapes VALUES (1, %s)" % SHAPE)
    mdb.capture("shapes")


def test_spatial_values_as_wkb(pg, mdb, shapes, connect):
    connector = connect(pg, mdb)
    pg.query('CREATE SCHEMA "%s"' % connector.schema)
    pg.query("CREATE TABLE %s (id int PRIMARY KEY, g bytea, h bytea)"
             % connector.target("shapes"))
    connector.start()
    connector.wait_rows("shapes", [(1,) + SHAPE_WKB], "id, g::text, h::text")


@pytest.mark.parametrize("rules", [
    [("datatype", "%s.dbo.shapes.g", "bytea|0"),
     ("datatype", "%s.dbo.shapes.h", "bytea|0")],
    [("datatype", "geometry", "bytea|0"), ("datatype", "geography", "bytea")],
    [("transform", "%s.dbo.shapes.g", "decode('%%w', 'base64')::text"),
     ("transform", "%s.dbo.shapes.h", "decode('%%w', 'base64')::text")]],
    ids=["columns", "types", "expressions"])
def test_spatial_values_as_wkb_by_rule(pg, mdb, shapes, connect, rules):
    connector = connect(pg, mdb)
    for kind, source, target in rules:
        pg.query("SELECT synchdb_add_objmap(%s, %s, %s, %s)",
                 [connector.name, kind, source.replace("%s", mdb.name),
                  target.replace("%%", "%")])
    connector.start()
    connector.wait_streaming()
    mdb.execute("INSERT INTO dbo.shapes VALUES (2, %s), (3, NULL, NULL)"
                % SHAPE, "UPDATE dbo.shapes SET g = NULL WHERE id = 1")
    connector.wait_rows("shapes", [
        (1, None, SHAPE_WKB[1]), (2,) + SHAPE_WKB, (3, None, None)],
        "id, g::text, h::text")


@pytest.mark.parametrize("literal", [
    "NCHAR(0xD800)", "NCHAR(0xDC00)", "N'x' + NCHAR(0xD800) + N'y'",
    "NCHAR(0) + N'x'"])
@pytest.mark.parametrize("when", ["copied", "streamed"])
def test_text_that_cannot_be_stored(pg, mdb, connect, literal, when):
    mdb.execute("CREATE TABLE dbo.bad (id int NOT NULL PRIMARY KEY,"
                " a nvarchar(10), b nvarchar(10))")
    mdb.capture("bad")
    connector = connect(pg, mdb)
    if when == "streamed":
        connector.start()
        connector.wait_streaming()
    mdb.execute("INSERT INTO dbo.bad VALUES (1, N'a', N'b'),"
                " (77, N'a', %s)" % literal)
    if when == "copied":
        connector.start()
    error = connector.wait_failed()
    assert "%s.dbo.bad" % mdb.name in error
    assert '"b"' in error
    assert "id=77" in error
