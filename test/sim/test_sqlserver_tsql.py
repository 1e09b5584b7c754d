"""The test server's T-SQL: expressions, queries, changes, definitions."""
import datetime
import uuid
from decimal import Decimal

import pytest

from sqlserver.result import SqlError
from sqlserver.values import DateTime, DateTimeOffset, Time
from sqlserver_model import Sql, database, new_engine


@pytest.fixture(scope="module")
def db():
    return database(new_engine())


@pytest.fixture
def fresh():
    return database(new_engine())


# ---- expressions ------------------------------------------------------------

@pytest.mark.parametrize("text,value", [
    ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("-7 / 2", -3), ("-7 % 3", -1),
    ("7 / 2.0", Decimal("3.500000")), ("1.0 / 3", Decimal("0.333333")),
    ("1.10 + 2", Decimal("3.10")), ("1e0 / 4", 0.25),
    ("5 & 3 | 8 ^ 1", 8), ("~5", -6), ("-2147483648", -2**31),
    ("2147483648", Decimal("2147483648")),
    ("$1.5 + 1", Decimal("2.5000")),
    ("'a' + 'b'", "ab"), ("'it''s'", "it's"), ("N'\u2603'", "\u2603"),
    ("0x01 + 0x0203", b"\1\2\3"), ("0x", b""), ("0xABC", b"\x0a\xbc"),
    ("NULL", None), ("NULL + 1", None), ("'a' + NULL", None),
    ("CASE WHEN NULL = NULL THEN 1 ELSE 2 END", 2),
    ("CASE 3 WHEN 1 THEN 'a' WHEN 3 THEN 'b' END", "b"),
    ("CASE WHEN 'A' = 'a ' THEN 1 END", 1),
    ("CASE WHEN 1 IN (2, NULL) THEN 1 WHEN NOT 1 IN (2, NULL) THEN 2"
     " ELSE 3 END", 3),
    ("CASE WHEN 'abc' LIKE 'A_[a-d]' THEN 1 END", 1),
    ("CASE WHEN 'a%' LIKE 'a!%' ESCAPE '!' THEN 1 END", 1),
    ("CASE WHEN 5 BETWEEN 1 AND 5 AND NOT 5 BETWEEN 6 AND 7 THEN 1 END", 1),
    ("CASE WHEN 0x00 = 0x0000 THEN 1 END", 1),
    ("IIF(1 > 2, 'x', 'y')", "y"),
    ("COALESCE(NULL, NULL, 3)", 3), ("ISNULL(NULL, 'x')", "x"),
    ("NULLIF(1, 1)", None), ("CHOOSE(2, 'a', 'b')", "b"),
    ("LEN('ab  ')", 2), ("DATALENGTH('ab  ')", 4), ("DATALENGTH(N'ab')", 4),
    ("DATALENGTH(NULL)", None), ("DATALENGTH(CAST('a' AS char(5)))", 5),
    ("SUBSTRING('abcdef', 2, 3)", "bcd"), ("SUBSTRING(0x010203, 2, 1)", b"\2"),
    ("LEFT('abc', 2) + RIGHT('abc', 1)", "abc"), ("UPPER('a')", "A"),
    ("REPLACE('abcabc', 'B', 'x')", "axcaxc"), ("REPLICATE('ab', 2)", "abab"),
    ("CHARINDEX('C', 'abc')", 3), ("QUOTENAME('a]b')", "[a]]b]"),
    ("STUFF('abcd', 2, 2, 'X')", "aXd"), ("CONCAT('a', NULL, 1)", "a1"),
    ("ABS(-3)", 3), ("POWER(2, 10)", 1024), ("ROUND(1.25, 1)",
                                             Decimal("1.30")),
    ("FLOOR(-1.5)", Decimal(-2)), ("SIGN(-5)", -1),
    ("LEN(NEWID())", 36),
    ("HASHBYTES('MD5', 'a')",
     bytes.fromhex("0cc175b9c0f1b6a831c399e269772661")),
    ("{fn ABS(-1)}", 1),
])
def test_expressions(db, text, value):
    found = db.value(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("text,value", [
    ("CAST('2024-02-29' AS date)", datetime.date(2024, 2, 29)),
    ("CAST('20240229' AS date)", datetime.date(2024, 2, 29)),
    ("CAST('16-JAN-2016' AS date)", datetime.date(2016, 1, 16)),
    ("CAST('12:34:56.1234567' AS time)", Time.of(12, 34, 56, 1234567)),
    ("CAST('12:34:56.7895' AS time(3))", Time.of(12, 34, 56, 7900000)),
    ("CAST('2024-01-02T03:04:05' AS datetime2(0))",
     DateTime.of(2024, 1, 2, 3, 4, 5)),
    ("CAST('2024-01-02 03:04:05.998' AS datetime)",
     DateTime.of(2024, 1, 2, 3, 4, 5, 9966667)),
    ("CAST('2024-01-02 03:04:05.999' AS datetime)",
     DateTime.of(2024, 1, 2, 3, 4, 6)),
    ("CAST('2024-01-02 03:04:30' AS smalldatetime)",
     DateTime.of(2024, 1, 2, 3, 5)),
    ("CAST('2024-01-02 03:04:05 +05:30' AS datetimeoffset(0))",
     DateTimeOffset.at(DateTime.of(2024, 1, 2, 3, 4, 5), 330)),
    ("CAST(1.005 AS decimal(5, 2))", Decimal("1.01")),
    ("CAST('12' AS int)", 12), ("CAST(1.9 AS int)", 1),
    ("CAST(300 AS varchar(10))", "300"), ("CAST(5 AS bit)", True),
    ("CAST('abc' AS varchar(2))", "ab"), ("CAST('a' AS char(3))", "a  "),
    ("CAST(0x01 AS binary(3))", b"\1\0\0"), ("CAST(1 AS binary(4))",
                                             b"\0\0\0\1"),
    ("CAST(0x0102 AS int)", 258),
    ("CAST(1.5 AS real)", 1.5), ("CAST(1e20 AS varchar(30))", "1e+020"),
    ("CONVERT(varchar(30), 0x0AFF, 1)", "0x0AFF"),
    ("CONVERT(varbinary(4), '0x0AFF', 1)", b"\x0a\xff"),
    ("CONVERT(varchar(30), CAST('2024-08-28 14:30:00.5' AS datetime2(3)),"
     " 121)", "2024-08-28 14:30:00.500"),
    ("CONVERT(varchar(30), CAST('2024-08-28 14:30' AS datetime))",
     "Aug 28 2024  2:30PM"),
    ("CONVERT(varchar(30), CAST('2024-08-28' AS datetime), 112)", "20240828"),
    ("CONVERT(nvarchar(40), 0.1e0, 3)", "0.1"),
    ("CONVERT(nvarchar(30), CONVERT(date, '2024-08-28'), 121)", "2024-08-28"),
    ("CONVERT(nvarchar(30), CONVERT(time(3), '14:30'), 121)",
     "14:30:00.000"),
    ("TRY_CONVERT(int, 'x')", None), ("TRY_CAST('5' AS int)", 5),
    ("CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)",
     uuid.UUID("6F9619FF-8B86-D011-B42D-00C04FC964FF")),
    ("CAST(CAST(5 AS sql_variant) AS int)", 5),
    ("DATEADD(month, 1, CAST('2024-01-31' AS date))",
     datetime.date(2024, 2, 29)),
    ("DATEDIFF(day, '2024-02-28', '2024-03-01')", 2),
    ("DATEPART(year, '2024-02-28')", 2024),
    ("DATEPART(TZOFFSET, CAST('2024-01-01 +05:30' AS datetimeoffset))", 330),
    ("EOMONTH('2024-02-01')", datetime.date(2024, 2, 29)),
    ("TODATETIMEOFFSET(CAST('2024-01-01' AS datetime2(0)), 60)",
     DateTimeOffset.at(DateTime.of(2024, 1, 1), 60)),
    ("CAST(hierarchyid::Parse('/1/2/') AS varbinary(10))", b"\x5b\x40"),
    ("hierarchyid::Parse('/1/2.1/').ToString()", "/1/2.1/"),
    ("geometry::STGeomFromText('LINESTRING(1 2, 3 4, 5 6)', 0).STAsText()",
     "LINESTRING (1 2, 3 4, 5 6)"),
    ("geography::Point(47, -122, 4326).STAsText()", "POINT (-122 47)"),
])
def test_conversions(db, text, value):
    assert db.value(text) == value


@pytest.mark.parametrize("text,shown", [
    ("1", "int"), ("CAST(1 AS bigint) + 1", "bigint"), ("1.50", "numeric"),
    ("'ab'", "varchar"), ("N'ab'", "nvarchar"), ("0x01", "varbinary"),
    ("'a' + N'b'", "nvarchar"), ("1 + 1.5", "numeric"), ("1e0 + 1", "float"),
    ("GETDATE()", "datetime"), ("SYSDATETIME()", "datetime2"),
    ("NULL", "int"), ("@@SPID", "smallint"), ("COUNT(*)", "int"),
    ("SUM(CAST(1 AS bigint))", "bigint"),
    ("SERVERPROPERTY('Edition')", "sql_variant"),
])
def test_types_of_expressions(db, text, shown):
    assert db.type(text).name == shown


@pytest.mark.parametrize("text,number", [
    ("SELECT 1 / 0", 8134), ("SELECT 2147483647 + 1", 8115),
    ("SELECT CAST('x' AS int)", 245), ("SELECT CAST('x' AS date)", 241),
    ("SELECT CAST(300 AS tinyint)", 8115),
    ("SELECT CAST(123.4 AS decimal(2, 0))", 8115),
    ("SELECT FROM t", 102), ("SELECT 'a", 105), ("SELECT (1", 102),
    ("SELECT nix", 207), ("SELECT t.nix FROM (SELECT 1 AS a) AS t", 4104),
    ("SELECT * FROM nix", 208), ("SELECT @nix", 137),
    ("SELECT * FROM nix..t", 911), ("USE nix", 911),
    ("SELECT frob(1)", 50001), ("EXEC sp_frob", 50004), ("EXEC frob", 2812),
    ("SELECT (SELECT 1 UNION ALL SELECT 2)", 512),
    ("SELECT a, COUNT(*) FROM (SELECT 1 AS a) AS t", 8120),
    ("SELECT 1 UNION ALL SELECT 1, 2", 205),
    ("COMMIT", 3902), ("ROLLBACK", 3903), ("FROB THE TABLE", 102),
])
def test_errors(db, text, number):
    assert db.error(text) == number


def test_what_is_not_known_is_told_on_stderr(db, capsys):
    assert db.error("SELECT sys.fn_frob(1)") == 50001
    assert "fn_frob" in capsys.readouterr().err
    for text, number in (("CREATE TRIGGER x", 50002),
                         ("DROP ASSEMBLY x", 50002),
                         ("ALTER LOGIN x", 50002), ("WAITFOR TIME '1'", 50002),
                         ("CREATE TABLE x (a int) WITH (SYSTEM_VERSIONING ="
                          " ON)", 50003), ("DBCC CHECKDB", 50002)):
        assert db.error(text) == number
        assert "unknown" in capsys.readouterr().err


# ---- queries ----------------------------------------------------------------

@pytest.fixture(scope="module")
def shop():
    sql = database(new_engine(), "shop")
    sql("CREATE TABLE item (id int PRIMARY KEY, kind varchar(5), price int);"
        "CREATE TABLE sale (id int IDENTITY PRIMARY KEY, item int, n int);"
        "CREATE INDEX by_item ON sale (item);"
        "INSERT item VALUES (1, 'a', 10), (2, 'b', 20), (3, 'A', 30),"
        " (4, NULL, NULL);"
        "INSERT sale (item, n) VALUES (1, 5), (1, 6), (2, 7), (9, 8)")
    return sql


@pytest.mark.parametrize("text,rows", [
    ("SELECT * FROM item WHERE price > 10 ORDER BY price DESC",
     [(3, "A", 30), (2, "b", 20)]),
    ("SELECT TOP 2 id FROM item ORDER BY id", [(1,), (2,)]),
    ("SELECT TOP (1 + 1) id FROM item ORDER BY id DESC", [(4,), (3,)]),
    ("SELECT id FROM item ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY",
     [(2,), (3,)]),
    ("SELECT DISTINCT UPPER(kind) AS k FROM item ORDER BY k",
     [(None,), ("A",), ("B",)]),
    ("SELECT i.id, s.n FROM item i JOIN sale s ON s.item = i.id"
     " ORDER BY i.id, s.n", [(1, 5), (1, 6), (2, 7)]),
    ("SELECT i.id, s.n FROM item i LEFT JOIN sale s ON s.item = i.id"
     " WHERE i.id > 1", [(2, 7), (3, None), (4, None)]),
    ("SELECT i.id, s.n FROM item i RIGHT JOIN sale s ON s.item = i.id"
     " ORDER BY s.n", [(1, 5), (1, 6), (2, 7), (None, 8)]),
    ("SELECT i.id, s.n FROM item i FULL JOIN sale s ON s.item = i.id"
     " WHERE i.id IS NULL OR s.n IS NULL", [(3, None), (4, None), (None, 8)]),
    ("SELECT COUNT(*) FROM item, sale", [(16,)]),
    ("SELECT i.id, x.n FROM item i CROSS APPLY (SELECT TOP 1 n FROM sale s"
     " WHERE s.item = i.id ORDER BY n DESC) AS x", [(1, 6), (2, 7)]),
    ("SELECT i.id, x.n FROM item i OUTER APPLY (SELECT MAX(n) AS n FROM sale s"
     " WHERE s.item = i.id) AS x", [(1, 6), (2, 7), (3, None), (4, None)]),
    ("SELECT kind, COUNT(*), SUM(price), AVG(price), MIN(id), MAX(id)"
     " FROM item GROUP BY kind ORDER BY kind",
     [(None, 1, None, None, 4, 4), ("a", 2, 40, 20, 1, 3),
      ("b", 1, 20, 20, 2, 2)]),
    ("SELECT item FROM sale GROUP BY item HAVING COUNT(*) > 1", [(1,)]),
    ("SELECT COUNT(price), COUNT(DISTINCT kind) FROM item", [(3, 2)]),
    ("SELECT MAX(id) FROM item WHERE 1 = 0", [(None,)]),
    ("SELECT id FROM item WHERE id IN (SELECT item FROM sale)", [(1,), (2,)]),
    ("SELECT id FROM item i WHERE NOT EXISTS (SELECT * FROM sale s"
     " WHERE s.item = i.id)", [(3,), (4,)]),
    ("SELECT id, (SELECT SUM(n) FROM sale s WHERE s.item = i.id) FROM item i",
     [(1, 11), (2, 7), (3, None), (4, None)]),
    ("SELECT id FROM item WHERE price >= ALL (SELECT price FROM item"
     " WHERE price IS NOT NULL)", [(3,)]),
    ("WITH a AS (SELECT id FROM item WHERE id < 3), b (x) AS (SELECT id * 2"
     " FROM a) SELECT a.id, b.x FROM a JOIN b ON b.x = a.id", [(2, 2)]),
    ("SELECT id FROM item WHERE id < 3 UNION ALL SELECT item FROM sale"
     " ORDER BY 1", [(1,), (1,), (1,), (2,), (2,), (9,)]),
    ("SELECT id FROM item EXCEPT SELECT item FROM sale", [(3,), (4,)]),
    ("SELECT id FROM item INTERSECT SELECT item FROM sale", [(1,), (2,)]),
    ("SELECT id, ROW_NUMBER() OVER (PARTITION BY kind ORDER BY id DESC)"
     " FROM item WHERE kind = 'a' ORDER BY id", [(1, 2), (3, 1)]),
    ("SELECT n, SUM(n) OVER (ORDER BY id), LAG(n) OVER (ORDER BY id)"
     " FROM sale WHERE item = 1", [(5, 5, None), (6, 11, 5)]),
    ("SELECT v.a, v.b FROM (VALUES (1, 'x'), (2, NULL)) AS v (a, b)",
     [(1, "x"), (2, None)]),
    ("SELECT value FROM GENERATE_SERIES(1, 7, 3)", [(1,), (4,), (7,)]),
    ("SELECT STRING_AGG(kind, ',') FROM item", [("a,b,A",)]),
    ("SELECT [i].[id] FROM [shop].[dbo].[item] AS [i] WITH (NOLOCK)"
     " WHERE \"i\".id = 2", [(2,)]),
    ("SELECT id AS 'x' FROM shop..item WHERE id = 1", [(1,)]),
    ("SELECT n * 2 AS m FROM sale ORDER BY m DESC", [(16,), (14,), (12,),
                                                     (10,)]),
])
def test_queries(shop, text, rows):
    assert shop(text) == rows


@pytest.mark.parametrize("condition", [
    "a = 1 AND b > 2", "a > 1", "a >= 1 AND a <= 2", "a = 1 AND b = 1",
    "(a = 1 AND b = 2 AND c > 1) OR (a = 1 AND b > 2) OR (a > 1)",
    "((a = 1 AND b > 1) OR a > 1) AND a <= 2 AND a >= 1",
    "a = 2 OR a = 0", "1 < a", "a = NULL", "a BETWEEN 1 AND 1",
    "a = 1 AND b IN (1, 3)", "a > 0.5", "a = 5", "NOT a = 1", "a <> 1",
])
def test_a_seek_finds_what_a_scan_finds(fresh, condition):
    columns = "(a int NOT NULL, b int NOT NULL, c int NOT NULL"
    fresh("CREATE TABLE scan " + columns + ");"
          "CREATE TABLE seek " + columns + ", PRIMARY KEY (a, b, c))")
    for table in ("scan", "seek"):
        fresh("INSERT %s SELECT a.value, b.value, c.value FROM"
              " GENERATE_SERIES(0, 3) a, GENERATE_SERIES(0, 3) b,"
              " GENERATE_SERIES(0, 2) c" % table)
    query = "SELECT * FROM %s WHERE " + condition + " ORDER BY a, b, c"
    assert fresh(query % "seek") == fresh(query % "scan")


def test_a_page_reads_no_more_than_it_needs(fresh):
    fresh("CREATE TABLE t (id int NOT NULL PRIMARY KEY);"
          "INSERT t SELECT value FROM GENERATE_SERIES(1, 100000)")
    table = fresh.session.names.table(("t",))
    index = table.clustered
    assert fresh("SELECT TOP 2 id FROM t WHERE id > 50000 ORDER BY id") \
        == [(50001,), (50002,)]
    version = index.version
    assert fresh("SELECT TOP 1 id FROM t ORDER BY id") == [(1,)]
    assert index.version == version


# ---- changes ----------------------------------------------------------------

def test_insert_fills_in_the_rest(fresh):
    fresh("CREATE TABLE t (id int IDENTITY(10, 5), a int DEFAULT 7,"
          " b AS (a * 2), c rowversion, d varchar(3) NOT NULL)")
    fresh("INSERT t (d) VALUES ('x'); INSERT INTO t (a, d) VALUES"
          " (DEFAULT, 'y'), (1, 'z')")
    rows = fresh("SELECT id, a, b, d FROM t")
    assert rows == [(10, 7, 14, "x"), (15, 7, 14, "y"), (20, 1, 2, "z")]
    stamps = [row[0] for row in fresh("SELECT c FROM t")]
    assert stamps == sorted(set(stamps)) and len(stamps[0]) == 8
    assert fresh.value("SCOPE_IDENTITY()") == 20
    assert fresh("UPDATE t SET a = 2 WHERE id = 10;"
                 "SELECT b, CASE WHEN c > @@DBTS - 1 THEN 1 END FROM t"
                 " WHERE id = 10")[0][0] == 4


def test_insert_default_values_refuses_null(fresh):
    fresh("CREATE TABLE t (a int NOT NULL)")
    assert fresh.error("INSERT t DEFAULT VALUES") == 515
    assert fresh.error("INSERT t VALUES (NULL)") == 515
    assert fresh.error("INSERT t VALUES (1, 2)") == 213
    assert fresh.error("INSERT t VALUES ('x')") == 245


@pytest.mark.parametrize("text,number", [
    ("INSERT t (id, v) VALUES (1, 'x')", 544),
    ("INSERT t (v) VALUES ('too long')", 2628),
    ("INSERT t (v) VALUES ('a'); INSERT t (v) VALUES ('A')", 2627),
    ("INSERT t (v, k) VALUES ('b', 1), ('c', 1)", 2601),
    ("INSERT t (v, n) VALUES ('d', -1)", 547),
    ("INSERT c VALUES (99)", 547),
    ("UPDATE t SET w = 1", 271), ("UPDATE t SET nix = 1", 207),
])
def test_refused_changes(fresh, text, number):
    fresh("CREATE TABLE t (id int IDENTITY PRIMARY KEY, v varchar(3) UNIQUE,"
          " k int, n int CHECK (n > 0), w AS (n * 2));"
          "CREATE UNIQUE INDEX u ON t (k) WHERE k IS NOT NULL;"
          "CREATE TABLE c (t int REFERENCES t (id))")
    assert fresh.error(text) == number
    assert fresh.value("@@TRANCOUNT") == 0


def test_a_failed_statement_leaves_nothing(fresh):
    fresh("CREATE TABLE t (id int PRIMARY KEY)")
    assert fresh.error("INSERT t VALUES (1), (2), (1)") == 2627
    assert fresh("SELECT * FROM t") == []
    fresh("INSERT t VALUES (1), (2), (3)")
    fresh("UPDATE t SET id = id + 1")
    assert fresh("SELECT * FROM t") == [(2,), (3,), (4,)]
    assert fresh.error("UPDATE t SET id = 5") == 2627
    assert fresh("SELECT * FROM t") == [(2,), (3,), (4,)]
    assert fresh("SELECT * FROM t WHERE id = 4") == [(4,)]


def test_update_and_delete_with_joins(fresh):
    fresh("CREATE TABLE a (id int, v int); CREATE TABLE b (id int, v int);"
          "INSERT a VALUES (1, 1), (2, 2), (3, 3); INSERT b VALUES (1, 10),"
          " (2, 20)")
    fresh("UPDATE x SET v = b.v FROM a AS x JOIN b ON b.id = x.id"
          " WHERE b.id > 1")
    assert fresh("SELECT v FROM a ORDER BY id") == [(1,), (20,), (3,)]
    fresh("DELETE a FROM a JOIN b ON b.id = a.id")
    assert fresh("SELECT id FROM a") == [(3,)]
    fresh("DELETE TOP (1) FROM b")
    assert fresh.value("COUNT(*) FROM b") == 1


def test_output(fresh):
    fresh("CREATE TABLE t (id int IDENTITY, v int)")
    assert fresh("INSERT t (v) OUTPUT inserted.* VALUES (5), (6)") \
        == [(1, 5), (2, 6)]
    assert fresh("UPDATE t SET v += 1 OUTPUT deleted.v, inserted.v AS n") \
        == [(5, 6), (6, 7)]
    assert fresh("DELETE FROM t OUTPUT deleted.id WHERE v = 7") == [(2,)]


def test_merge(fresh):
    fresh("CREATE TABLE t (id int PRIMARY KEY, v int);"
          "INSERT t VALUES (1, 1), (2, 2), (3, 3)")
    fresh("MERGE INTO t USING (VALUES (1, 10), (4, 40)) AS s (id, v)"
          " ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v"
          " WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)"
          " WHEN NOT MATCHED BY SOURCE AND t.id = 3 THEN DELETE;")
    assert fresh("SELECT * FROM t") == [(1, 10), (2, 2), (4, 40)]


def test_truncate_and_select_into(fresh):
    fresh("CREATE TABLE t (id int IDENTITY, v int); INSERT t (v) VALUES (1)")
    fresh("SELECT id, v * 2 AS w INTO u FROM t; TRUNCATE TABLE t;"
          "INSERT t (v) VALUES (2)")
    assert fresh("SELECT * FROM u") == [(1, 2)]
    assert fresh("SELECT * FROM t") == [(1, 2)]


def test_identity_insert(fresh):
    fresh("CREATE TABLE t (id int IDENTITY, v int); SET IDENTITY_INSERT t ON;"
          "INSERT t (id, v) VALUES (7, 1); SET IDENTITY_INSERT t OFF;"
          "INSERT t (v) VALUES (2)")
    assert fresh("SELECT id FROM t") == [(7,), (8,)]


# ---- batches ----------------------------------------------------------------

def test_control_flow(db):
    assert db("DECLARE @i int = 0, @s varchar(20) = ''; WHILE 1 = 1 BEGIN"
              " SET @i += 1; IF @i = 2 CONTINUE; IF @i > 4 BREAK;"
              " SET @s = @s + CAST(@i AS varchar(2)); END; SELECT @s") \
        == [("134",)]
    assert db("BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH"
              " SELECT ERROR_NUMBER(), ERROR_MESSAGE() END CATCH") \
        == [(8134, "Divide by zero error encountered.")]
    assert db.error("RAISERROR('no %s', 16, 1, 'way')") == 50000
    assert db.error("THROW 50010, 'x', 1") == 50010
    db("PRINT 'hello ' + 'you'")
    assert db.messages[-1].message == "hello you"
    assert db("EXEC sp_executesql N'SELECT @a + @b', N'@a int, @b int', 1,"
              " @b = 2") == [(3,)]
    assert db("DECLARE @n int; EXEC sp_executesql N'SET @x = 5',"
              " N'@x int OUTPUT', @n OUTPUT; SELECT @n") == [(5,)]
    assert db("EXEC ('SELECT ' + '7')") == [(7,)]
    assert db("DECLARE @t TABLE (a int); INSERT @t VALUES (3);"
              " SELECT a FROM @t") == [(3,)]
    assert db("CREATE TABLE #t (a int); INSERT #t VALUES (4);"
              " SELECT * FROM #t; DROP TABLE #t;") == [(4,)]
    assert db("SELECT 1; RETURN; SELECT 2") == [(1,)]


def test_a_batch_goes_on_after_a_statement_that_failed(db):
    items = list(db.session.execute("PRINT 'a'; RAISERROR('b', 16, 1);"
                                    " PRINT 'c'"))
    assert [type(item).__name__ for item in items] == ["Info", "SqlError",
                                                       "Info"]


def test_savepoints(fresh):
    fresh("CREATE TABLE t (a int)")
    fresh("BEGIN TRAN; INSERT t VALUES (1); SAVE TRAN s; INSERT t VALUES (2);"
          " ROLLBACK TRAN s; INSERT t VALUES (3); COMMIT")
    assert fresh("SELECT a FROM t") == [(1,), (3,)]
    fresh("BEGIN TRAN; BEGIN TRAN; DELETE t; COMMIT")
    assert fresh.value("@@TRANCOUNT") == 1
    fresh("ROLLBACK")
    assert fresh("SELECT a FROM t") == [(1,), (3,)]


def test_definitions_roll_back(fresh):
    fresh("CREATE TABLE t (id int NOT NULL PRIMARY KEY, a int);"
          "INSERT t VALUES (1, 1)")
    fresh("BEGIN TRAN; ALTER TABLE t ADD b int NOT NULL DEFAULT 5;"
          " ALTER TABLE t ALTER COLUMN a varchar(9); CREATE TABLE u (a int);"
          " INSERT t VALUES (2, 'x', 6); EXEC sp_rename 't', 'v'; ROLLBACK")
    assert fresh("SELECT * FROM t") == [(1, 1)]
    assert fresh.value("OBJECT_ID('u')") is None
    assert fresh.value("COUNT(*) FROM sys.columns WHERE object_id ="
                       " OBJECT_ID('t')") == 2


# ---- definitions ------------------------------------------------------------

def test_alter_table(fresh):
    fresh("CREATE TABLE t (id int NOT NULL PRIMARY KEY, a int, b int);"
          "INSERT t VALUES (1, 2, 3)")
    fresh("ALTER TABLE t ADD c varchar(5) NOT NULL CONSTRAINT df DEFAULT 'x',"
          " d int")
    assert fresh("SELECT * FROM t") == [(1, 2, 3, "x", None)]
    fresh("ALTER TABLE t DROP COLUMN a")
    assert fresh("SELECT * FROM t") == [(1, 3, "x", None)]
    assert fresh.error("ALTER TABLE t DROP COLUMN c") == 5074
    assert fresh.error("ALTER TABLE t DROP COLUMN nix") == 4924
    fresh("ALTER TABLE t DROP CONSTRAINT df; ALTER TABLE t DROP COLUMN c")
    fresh("ALTER TABLE t ALTER COLUMN b bigint NOT NULL")
    assert fresh("SELECT name, column_id, is_nullable, max_length FROM"
                 " sys.columns WHERE object_id = OBJECT_ID('t')"
                 " ORDER BY column_id") == [
        ("id", 1, False, 4), ("b", 3, False, 8), ("d", 5, True, 4)]
    fresh("EXEC sp_rename 'dbo.t.d', 'e', 'COLUMN'; EXEC sp_rename 't', 'u'")
    assert fresh("SELECT e FROM u") == [(None,)]
    fresh("DROP TABLE u")
    assert fresh.error("DROP TABLE u") == 3701
    fresh("DROP TABLE IF EXISTS u")


def test_catalog(fresh):
    fresh("CREATE SCHEMA s"), fresh("CREATE TYPE phone FROM nvarchar(20)"
                                    " NOT NULL")
    fresh("""CREATE TABLE s.t (
          id int IDENTITY(5, 2) CONSTRAINT pk PRIMARY KEY,
          p phone, n numeric(10, 2) DEFAULT (0), x varchar(max),
          v AS (n + 1) PERSISTED, sp int SPARSE NULL, ts timestamp,
          name sysname, when_ datetime2(3) DEFAULT getdate(),
          g geometry, CONSTRAINT un UNIQUE (p, n DESC))""")
    assert fresh("""SELECT c.name, ty.name, bt.name, c.max_length,
                 c.precision, c.scale, c.is_nullable, c.is_identity,
                 c.is_computed, c.is_sparse, dc.definition
                 FROM sys.tables t
                 JOIN sys.schemas s ON s.schema_id = t.schema_id
                 JOIN sys.columns c ON c.object_id = t.object_id
                 JOIN sys.types ty ON ty.user_type_id = c.user_type_id
                 LEFT JOIN sys.types bt
                     ON bt.user_type_id = c.system_type_id
                     AND bt.system_type_id = bt.user_type_id
                 LEFT JOIN sys.default_constraints dc
                     ON dc.object_id = c.default_object_id
                 WHERE s.name = N's' AND t.name = N't'
                 ORDER BY c.column_id""") == [
        ("id", "int", "int", 4, 10, 0, False, True, False, False, None),
        ("p", "phone", "nvarchar", 40, 0, 0, False, False, False, False,
         None),
        ("n", "numeric", "numeric", 9, 10, 2, True, False, False, False,
         "((0))"),
        ("x", "varchar", "varchar", -1, 0, 0, True, False, False, False,
         None),
        ("v", "numeric", "numeric", 9, 11, 2, True, False, True, False, None),
        ("sp", "int", "int", 4, 10, 0, True, False, False, True, None),
        ("ts", "timestamp", "timestamp", 8, 0, 0, False, False, False, False,
         None),
        ("name", "sysname", "nvarchar", 256, 0, 0, False, False, False,
         False, None),
        ("when_", "datetime2", "datetime2", 7, 23, 3, True, False, False,
         False, "(getdate())"),
        ("g", "geometry", None, -1, 0, 0, True, False, False, False, None)]
    assert fresh("""SELECT i.name, i.is_primary_key, i.is_unique_constraint,
                 ic.key_ordinal, ic.is_descending_key, c.name
                 FROM sys.indexes i JOIN sys.index_columns ic
                 ON ic.object_id = i.object_id AND ic.index_id = i.index_id
                 JOIN sys.columns c ON c.object_id = ic.object_id
                 AND c.column_id = ic.column_id
                 WHERE i.object_id = OBJECT_ID(N'[s].[t]') AND i.is_unique = 1
                 ORDER BY i.is_primary_key DESC, i.index_id,
                 ic.key_ordinal""") == [
        ("pk", True, False, 1, False, "id"),
        ("un", False, True, 1, False, "p"), ("un", False, True, 2, True, "n")]
    assert fresh.value("OBJECT_NAME(OBJECT_ID('s.t'), DB_ID('D'))") == "t"
    assert fresh.value("OBJECT_SCHEMA_NAME(OBJECT_ID('s.t'))") == "s"
    assert fresh.value("DB_NAME()") == "d"


def test_collations(fresh):
    fresh("CREATE TABLE t (a varchar(9) COLLATE Latin1_General_CS_AS,"
          " b varchar(9) COLLATE Cyrillic_General_CI_AS, c nvarchar(9))")
    fresh("INSERT t VALUES ('A', N'\u0416', N'\u0416'), ('a', 'x', 'X')")
    assert fresh("SELECT a FROM t WHERE a = 'a'") == [("a",)]
    assert fresh("SELECT b FROM t WHERE c = N'\u0436'") == [("\u0416",)]
    assert fresh("SELECT DATALENGTH(b), DATALENGTH(c) FROM t"
                 " WHERE a = 'A'") == [(1, 2)]
    assert fresh.value("'\u2603'") == "?"
    assert fresh.error("SELECT 'a' COLLATE nix") == 448


def test_settings(db):
    assert db("SET TEXTSIZE 3; SELECT CAST('abcdef' AS varchar(max))") \
        == [("abc",)]
    db("SET TEXTSIZE -1; SET LOCK_TIMEOUT 5; SET NOCOUNT ON;"
       " SET ANSI_NULLS, QUOTED_IDENTIFIER ON; SET DATEFORMAT ymd;"
       " SET DEADLOCK_PRIORITY LOW; SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    assert db.value("@@LOCK_TIMEOUT") == 5
    assert db.error("SET FROB ON") == 102
    db.session.reset()
    assert db.value("@@LOCK_TIMEOUT") == -1


def test_implicit_transactions(fresh):
    fresh("CREATE TABLE t (a int)")
    fresh("SET IMPLICIT_TRANSACTIONS ON; INSERT t VALUES (1)")
    assert fresh.session.transaction != 0
    fresh("ROLLBACK; SET IMPLICIT_TRANSACTIONS OFF")
    assert fresh("SELECT * FROM t") == []


# ---- logins -----------------------------------------------------------------

def test_permissions(fresh):
    engine = fresh.session.engine
    fresh("CREATE TABLE t (a int); INSERT t VALUES (1);"
          "CREATE TABLE u (a int);"
          "CREATE LOGIN joe WITH PASSWORD = 'p';"
          "CREATE USER joe FOR LOGIN joe;"
          "GRANT SELECT ON dbo.t TO joe")
    with pytest.raises(SqlError, match="4060"):
        Sql(engine, "msdb2", "joe")
    joe = Sql(engine, "d", "joe")
    assert joe("SELECT a FROM t") == [(1,)]
    assert joe.error("SELECT * FROM u") == 229
    assert joe.error("INSERT t VALUES (2)") == 229
    assert joe.error("CREATE TABLE v (a int)") == 262
    assert joe("SELECT name FROM sys.tables") == [("t",)]
    assert joe.error("SELECT * FROM sys.dm_server_services") == 300
    assert joe.value("HAS_PERMS_BY_NAME('t', 'OBJECT', 'SELECT')") == 1
    assert joe.value("HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')") \
        == 0
    fresh("GRANT VIEW SERVER STATE TO joe;"
          "ALTER ROLE db_datareader ADD MEMBER joe")
    assert joe("SELECT * FROM u") == []
    assert len(joe("SELECT * FROM sys.dm_server_services")) == 2
    with pytest.raises(SqlError, match="4060"):
        fresh("CREATE DATABASE other")
        Sql(engine, "other", "joe")
