"""Every type with its edge values arrives exactly, copied and streamed."""

import datetime
import decimal

import pytest

from support.types import columns_of


class TypeTable:
    """A table with a column of every type."""

    def __init__(self, database):
        self.database = database
        self.columns = columns_of(database.server.name)
        self.height = max(len(column.values) for column in self.columns)
        database.execute("CREATE TABLE types (id INT PRIMARY KEY, %s)"
                         % ", ".join("`%s` %s" % (column.name, column.ddl)
                                     for column in self.columns))

    def insert(self, first):
        """A row for each edge value, every column's in its turn."""
        self.database.execute(*(
            "INSERT INTO types VALUES (%d, %s)"
            % (first + n, ", ".join(column.value(n)
                                    for column in self.columns))
            for n in range(self.height)))

    def update(self, first):
        self.database.execute(*(
            "UPDATE types SET %s WHERE id = %d"
            % (", ".join("`%s` = %s" % (column.name, column.value(n + 1))
                         for column in self.columns), first + n)
            for n in range(self.height)))

    def delete(self, first):
        self.database.execute("DELETE FROM types WHERE id BETWEEN %d AND %d"
                              " AND id %% 2 = 0"
                              % (first, first + self.height))

    def source_rows(self):
        """What the source's own text output says, converted as expected."""
        connection = self.database.connect(conv={})
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, %s FROM types ORDER BY id" % ", ".join(
                column.read % ("`%s`" % column.name)
                for column in self.columns))
            rows = cursor.fetchall()
        connection.close()
        return {int(row[0]): self.convert(row[1:], "expect") for row in rows}

    def target_rows(self, connector):
        rows = connector.rows("types", "id, " + ", ".join(
            '"%s"::text' % column.name for column in self.columns))
        return {row[0]: self.convert(row[1:], "actual") for row in rows}

    def convert(self, row, side):
        return [None if value is None else getattr(column, side)(value)
                for value, column in zip(row, self.columns)]

    def compare(self, connector):
        """Waits until all rows are there, then compares value by value."""
        expected = self.source_rows()
        connector.wait(
            lambda: connector.exists("types") and
            [row[0] for row in connector.rows("types", "id",
                                              "ORDER BY id")]
            == sorted(expected), "the rows of types")
        last = max(expected)
        connector.wait(lambda: self.target_rows(connector)[last][:3]
                       == expected[last][:3], "the last change")
        actual = self.target_rows(connector)
        wrong = ["%s %s, row %d: %.80r should be %.80r"
                 % (column.name, column.ddl[:40], key, actual[key][n],
                    expected[key][n])
                 for key in sorted(expected)
                 for n, column in enumerate(self.columns)
                 if actual[key][n] != expected[key][n]]
        assert not wrong, "\n".join(["%d values differ" % len(wrong)]
                                    + wrong[:40])


def test_every_type(pg, db, connector):
    table = TypeTable(db)
    table.insert(0)
    connector.start()
    connector.wait_streaming()
    table.compare(connector)

    found = dict(pg.query(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0",
        [connector.target("types")]))
    wrong = ["%s: %s, not %s" % (column.name, found[column.name],
                                 column.pg_type)
             for column in table.columns
             if found[column.name] != column.pg_type]
    assert not wrong, "\n".join(wrong)

    table.insert(1000)
    table.compare(connector)
    table.update(0)
    table.update(1000)
    table.compare(connector)
    table.delete(0)
    table.delete(1000)
    table.compare(connector)


# test_charsets: the name, and text that exercises it
CHARSETS = [
    ("ascii", "plain"), ("latin1", "é € ‘x’ Ÿ"), ("latin2", "łŁčž"),
    ("latin5", "ğışĞ"), ("latin7", "ąčęėį"), ("greek", "αβγΩ"),
    ("hebrew", "שלום"), ("cp1250", "łŁčž€"), ("cp1251", "Привет"),
    ("cp1256", "مرحبا"), ("cp1257", "ąčęėį"), ("cp866", "Привет"),
    ("koi8r", "Привет"), ("koi8u", "Привіт"), ("tis620", "สวัสดี"),
    ("sjis", "日本語ｶﾅ"), ("cp932", "日本語①"), ("ujis", "日本語"),
    ("eucjpms", "日本語"), ("gbk", "中文測試"), ("gb2312", "中文"),
    ("gb18030", "中文😀"), ("big5", "中文"), ("euckr", "한국어"),
    ("ucs2", "日本語é"), ("utf16", "日本語😀"), ("utf16le", "日本語😀"),
    ("utf32", "日本語😀"), ("utf8mb3", "日本語é"), ("utf8mb4", "日本語😀"),
]


def test_charsets(pg, db, connector):
    known = {row[0] for row in db.execute("SELECT character_set_name FROM"
                                          " information_schema.character_sets")}
    sets = [(name, text) for name, text in CHARSETS if name in known]
    # servers describe labels in utf8mb3, so those have no emoji
    labels = {name: text.replace("😀", "") for name, text in sets}
    assert len(sets) >= 29
    db.execute("CREATE TABLE letters (id INT PRIMARY KEY, %s)" % ", ".join(
        "v_%s VARCHAR(30) CHARACTER SET %s, c_%s CHAR(30) CHARACTER SET %s,"
        " t_%s TEXT CHARACTER SET %s,"
        " e_%s ENUM('x', '%s') CHARACTER SET %s"
        % (name, name, name, name, name, name, name, labels[name],
           name)
        for name, text in sets))
    values = ", ".join("'%s', '%s', '%s', '%s'"
                       % (text, text, text, labels[name])
                       for name, text in sets)

    def wrong(key):
        """Columns of a row that are not as they should be."""
        columns = [(kind + name, labels[name] if kind == "e_" else text)
                   for name, text in sets
                   for kind in ("v_", "c_", "t_", "e_")]
        row = connector.rows("letters", ", ".join(
            column + "::text" for column, text in columns),
            "WHERE id = %d" % key)[0]
        return [(column, text, found) for (column, text), found
                in zip(columns, row) if text != found.rstrip(" ")]

    db.execute("INSERT INTO letters VALUES (1, %s)" % values)
    connector.start()
    connector.wait_rows("letters", [(1,)], "id")
    assert wrong(1) == []
    connector.wait_streaming()
    db.execute("INSERT INTO letters VALUES (2, %s)" % values)
    connector.wait_rows("letters", [(1,), (2,)], "id")
    assert wrong(2) == []


def test_unconvertible_charset_is_named(pg, db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY,"
               " bad VARCHAR(10) CHARACTER SET dec8)")
    with pytest.raises(Exception) as error:
        connector.start()
        connector.wait_streaming()
    assert "bad" in str(error.value) and "dec8" in str(error.value)


def test_defaults_keys_and_not_null(pg, db, connector):
    db.execute("CREATE TABLE t (b INT NOT NULL, a BIGINT UNSIGNED NOT NULL"
               " AUTO_INCREMENT, c VARCHAR(20) NOT NULL DEFAULT 'it''s',"
               " d INT DEFAULT 5, e DECIMAL(6,2) DEFAULT -1.50,"
               " f DATE DEFAULT '2020-02-02',"
               " PRIMARY KEY (a, b))",
               "INSERT INTO t (b) VALUES (1), (2)")
    connector.start()
    connector.wait_equal("t", order="ORDER BY a")
    pg.query("INSERT INTO %s (a, b) VALUES (100, 1)" % connector.target("t"))
    assert connector.rows("t", "c, d, e, f", "WHERE a = 100") == [
        ("it's", 5, decimal.Decimal("-1.50"), datetime.date(2020, 2, 2))]
    assert pg.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                    " WHERE conrelid = %s::regclass AND contype = 'p'",
                    [connector.target("t")]) == "PRIMARY KEY (a, b)"
    assert pg.value("SELECT count(*) FROM pg_attribute WHERE attnotnull"
                    " AND attnum > 0 AND attrelid = %s::regclass",
                    [connector.target("t")]) == 3


def test_defaults_that_servers_show_badly(pg, db, connector):
    """A TIMESTAMP's default is an instant, in whatever zone it was given."""
    with db.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+05:00'")
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, a TIMESTAMP NULL"
                       " DEFAULT '2024-06-01 03:00:00', b TIMESTAMP(3) NOT NULL"
                       " DEFAULT '2001-02-03 04:05:06.789', c YEAR DEFAULT"
                       " '0000', d TIMESTAMP NULL,"
                       " e VARBINARY(4) DEFAULT 0x410042)")
        cursor.execute("INSERT INTO t (id) VALUES (1)")
    connector.start()
    connector.wait_rows("t", [(1,)], "id")
    pg.query("INSERT INTO %s (id) VALUES (2)" % connector.target("t"))
    rows = connector.rows("t", "a AT TIME ZONE 'UTC', b AT TIME ZONE 'UTC',"
                          " c, d, encode(e, 'hex')")
    assert rows == 2 * [(datetime.datetime(2024, 5, 31, 22),
                         datetime.datetime(2001, 2, 2, 23, 5, 6, 789000),
                         0, None, "410042")]


ZERO = {"null": (None, "-infinity"), "infinity": ("-infinity", "-infinity")}


@pytest.mark.parametrize("policy", ["null", "infinity"])
def test_zero_date(pg, db, connector, settings, policy):
    settings(synchdb__zero_date=policy)
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, a DATE, b DATETIME(6),"
               " c TIMESTAMP NULL, d DATE NOT NULL, e DATETIME NOT NULL)")
    row = ("'0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00',"
           " '0000-00-00'")
    db.execute("INSERT INTO t VALUES (1, %s)" % row)
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (2, %s)" % row)
    nullable, strict = ZERO[policy]
    expected = [(key,) + (nullable,) * 3 + (strict,) * 2 for key in (1, 2)]
    connector.wait_rows("t", expected,
                        "id, a::text, b::text, c::text, d::text, e::text")


def test_zero_date_error(pg, db, connector, settings):
    settings(synchdb__zero_date="error")
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, day DATE)")
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t VALUES (7, '0000-00-00')")
    connector.wait_failed()
    error = connector.state()["err"]
    assert "day" in error and "t" in error


@pytest.mark.parametrize("ddl, value", [
    ("TIME", "'-01:00:00'"), ("TIME(3)", "'25:00:00'"),
    ("VARCHAR(5)", "CONCAT('a', CHAR(0))")])
def test_what_postgres_cannot_hold(pg, db, connector, ddl, value):
    """An error that names table, column and key; nothing is skipped."""
    db.execute("CREATE TABLE narrow (id INT PRIMARY KEY, culprit %s)" % ddl)
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO narrow VALUES (4711, %s)" % value)
    connector.wait_failed()
    log = pg.log_text()
    error = connector.state()["err"]
    assert "narrow" in error or "narrow" in log
    assert "culprit" in error or "culprit" in log
    assert connector.rows("narrow") == []


# test_synchdb_mapping: type at the source, literal, type and text here
SYNCHDB_MAPPING = [
    ("DEC(20,4) UNSIGNED", "12345.6789", "numeric", "12345.6789"),
    ("DECIMAL(10,4)", "-12345.6789", "numeric", "-12345.6789"),
    ("VARCHAR(20)", "'Sample Text'", "character varying", "Sample Text"),
    ("FIXED", "12345.67", "numeric", "12346"),
    ("FIXED(5,2) UNSIGNED", "123.45", "numeric", "123.45"),
    ("BIT(64)",
     "b'0000000100000011000001110000111100011111001111110111111100000001'",
     "bit",
     "0000000100000011000001110000111100011111001111110111111100000001"),
    ("BOOL", "true", "smallint", "1"),
    ("DOUBLE", "123456.789", "double precision", "123456.789"),
    ("DOUBLE PRECISION", "98765.4321", "double precision", "98765.4321"),
    ("DOUBLE PRECISION UNSIGNED", "54321.1234", "double precision",
     "54321.1234"),
    ("DOUBLE UNSIGNED", "987654.321", "double precision", "987654.321"),
    ("REAL", "12345.67", "double precision", "12345.67"),
    ("REAL UNSIGNED", "54321.12", "double precision", "54321.12"),
    ("FLOAT", "12345.67", "real", "12345.67"),
    ("FLOAT UNSIGNED", "54321.12", "real", "54321.12"),
    ("INT", "123456789", "integer", "123456789"),
    ("INT UNSIGNED", "4294967295", "bigint", "4294967295"),
    ("INTEGER UNSIGNED", "2147483647", "bigint", "2147483647"),
    ("MEDIUMINT", "8388607", "integer", "8388607"),
    ("MEDIUMINT UNSIGNED", "16777215", "integer", "16777215"),
    ("YEAR", "2024", "integer", "2024"),
    ("SMALLINT", "-32768", "smallint", "-32768"),
    ("SMALLINT UNSIGNED", "65535", "integer", "65535"),
    ("TINYINT", "-128", "smallint", "-128"),
    ("TINYINT UNSIGNED", "255", "smallint", "255"),
    ("DATE", "'2024-08-26'", "date", "2024-08-26"),
    ("DATETIME", "'2024-08-26 12:34:56'", "timestamp without time zone",
     "2024-08-26 12:34:56"),
    ("TIME", "'12:34:56'", "time without time zone", "12:34:56"),
    ("TIMESTAMP(6) NULL", "'2024-08-29T15:30:00.123456'",
     "timestamp with time zone", "2024-08-29 15:30:00.123456+00"),
    ("TIME(6)", "'12:34:56.111122'", "time without time zone",
     "12:34:56.111122"),
    ("BINARY(16)", "0x1234567890ABCDEF1234567890ABCDEF", "bytea",
     "\\x1234567890abcdef1234567890abcdef"),
    ("VARBINARY(255)", "0xDEADBEEF", "bytea", "\\xdeadbeef"),
    ("BLOB", "'blob'", "bytea", "\\x626c6f62"),
    ("LONGBLOB", "'long'", "bytea", "\\x6c6f6e67"),
    ("TINYBLOB", "'tiny'", "bytea", "\\x74696e79"),
    ("LONG VARCHAR", "'long varchar'", "text", "long varchar"),
    ("LONGTEXT", "'longtext'", "text", "longtext"),
    ("MEDIUMTEXT", "'mediumtext'", "text", "mediumtext"),
    ("TINYTEXT", "'tinytext'", "text", "tinytext"),
    ("BIGINT UNSIGNED", "18446744073709551615", "numeric",
     "18446744073709551615"),
]


def test_synchdb_mapping(pg, db, connector, settings):
    """The row that SynchDB's own tests insert, created while streaming."""
    settings(synchdb__type_mapping="synchdb")
    connector.start("no_data")
    connector.wait_streaming()
    db.execute(
        "CREATE TABLE types (nn INT NOT NULL AUTO_INCREMENT PRIMARY KEY, %s)"
        % ", ".join("c%d %s" % (n, case[0])
                    for n, case in enumerate(SYNCHDB_MAPPING)),
        "INSERT INTO types VALUES (1, %s)"
        % ", ".join(case[1] for case in SYNCHDB_MAPPING))
    connector.wait(lambda: connector.exists("types") and
                   connector.rows("types", "nn") == [(1,)], "the row")
    found = pg.query("SELECT pg_atttypename FROM synchdb_att_view"
                     " WHERE name = %s ORDER BY attnum", [connector.name])
    values = connector.rows("types", ", ".join(
        "c%d::text" % n for n in range(len(SYNCHDB_MAPPING))))[0]
    wrong = [(case[0], type_name, value)
             for case, (type_name,), value
             in zip(SYNCHDB_MAPPING, found[1:], values)
             if (type_name, value) != case[2:]]
    assert not wrong
    assert len(found) == len(SYNCHDB_MAPPING) + 1
