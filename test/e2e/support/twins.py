"""A source database and its schema here, compared in every respect.

What must be here is told from the source's information_schema and its rows;
what the engine makes of them plays no part.
"""

import json
import re
import struct
from decimal import Decimal

import pymysql

from .ddl import Session
from .types import (address, bits, boolean, date, datetime, document, float4,
                    fraction, geometry, hexadecimal, same, timestamp, unblank,
                    whole)

COLUMNS = """
SELECT c.table_name, c.column_name, c.data_type, c.column_type, c.is_nullable,
       c.column_default, c.extra, c.character_set_name,
       c.character_maximum_length, c.numeric_precision, c.numeric_scale,
       c.datetime_precision, %s
FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE t.table_schema = %%s AND t.table_type IN ('BASE TABLE',
                                                   'SYSTEM VERSIONED')
ORDER BY c.table_name, c.ordinal_position"""

SRS = {"mysql": "c.srs_id", "mariadb": "NULL"}

# a JSON column of MariaDB is text with json_valid(`column`)
CHECKS = """
SELECT table_name, check_clause FROM information_schema.check_constraints
WHERE constraint_schema = %s"""

KEYS = """
SELECT table_name, column_name FROM information_schema.statistics
WHERE table_schema = %s AND index_name = 'PRIMARY'
ORDER BY table_name, seq_in_index"""

TARGETS = """
SELECT c.relname::text, a.attname::text, format_type(atttypid, atttypmod),
       a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
       (SELECT array_position(k.conkey, a.attnum) FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'p')
FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND
          NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r'
ORDER BY a.attnum"""

INTEGERS = {"tinyint": ("smallint", "smallint"),
            "smallint": ("smallint", "integer"),
            "mediumint": ("integer", "integer"),
            "int": ("integer", "bigint"),
            "bigint": ("bigint", "numeric(20,0)")}
SHAPES = {"geometry": "POINT(1 %d)", "point": "POINT(1 %d)",
          "linestring": "LINESTRING(0 0, 1 %d)",
          "polygon": "POLYGON((0 0, 9 %d, 9 0, 0 0))",
          "multipoint": "MULTIPOINT(1 1, 2 %d)",
          "multilinestring": "MULTILINESTRING((0 0, 1 %d))",
          "multipolygon": "MULTIPOLYGON(((0 0, 9 %d, 9 0, 0 0)))",
          "geometrycollection": "GEOMETRYCOLLECTION(POINT(1 %d))",
          "geomcollection": "GEOMETRYCOLLECTION(POINT(1 %d))"}
NOW = re.compile(r"(current_timestamp|localtimestamp|curtime)(\(\d*\))?$",
                 re.IGNORECASE)
NOW_HERE = ("CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "CURRENT_DATE", "LOCALTIME")
CHECK_FAILED = 4025     # of MariaDB, in spite of IGNORE
PLACES = 4      # numbers between those of two rows

# character sets with a letter beyond ASCII that all of them have
ACCENTED = ("latin1", "latin2", "utf8", "utf8mb3", "utf8mb4", "utf16",
            "utf16le", "utf32", "ucs2")


def quoted(name, mark):
    return mark + name.replace(mark, 2 * mark) + mark


def json_text(value):
    return json.dumps(spelled(value), sort_keys=True)


def spelled(value):
    """Numbers as text, so that equal ones are the same."""
    if isinstance(value, dict):
        return {key: spelled(part) for key, part in value.items()}
    if isinstance(value, list):
        return [spelled(part) for part in value]
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return value
    text = format(Decimal(value), "f")
    return [text.rstrip("0").rstrip(".") if "." in text else text]


class Column:
    """A column at the source; `name` as it is there."""

    def __init__(self, row):
        (self.name, self.type, self.full_type, nullable, self.default,
         self.extra, self.charset, self.length, self.precision, self.scale,
         self.fraction, self.srs) = row
        self.not_null = nullable == "NO"
        self.is_unsigned = "unsigned" in self.full_type
        self.is_numbered = "auto_increment" in self.extra
        self.is_generated = "GENERATED" in self.extra.replace(
            "DEFAULT_GENERATED", "")
        self.labels = self.full_type.count("','") + 1

    def dimensions(self):
        return int(re.search(r"\d+", self.full_type).group())

    def pg_type(self):
        if self.type in INTEGERS:
            return INTEGERS[self.type][self.is_unsigned]
        if self.type == "bit":
            return "boolean" if self.precision == 1 else \
                "bit(%d)" % self.precision
        if self.type == "decimal":
            return "numeric(%d,%d)" % (self.precision, self.scale)
        if self.length == 0 and self.type in ("char", "varchar"):
            return {"char": "character(1)", "varchar": "character varying"}[
                self.type]
        if self.type in ("char", "varchar"):
            return "character%s(%d)" % (
                " varying" if self.type == "varchar" else "", self.length)
        if self.type in ("time", "datetime", "timestamp"):
            return "time%s(%d) with%s time zone" % (
                "" if self.type == "time" else "stamp", self.fraction,
                "" if self.type == "timestamp" else "out")
        if self.type in SHAPES or self.type in ("enum", "set") or \
                self.type.endswith("text"):
            return "text"
        if self.type.endswith(("blob", "binary")) or self.type == "vector":
            return "bytea"
        return {"float": "real", "double": "double precision",
                "year": "integer", "date": "date", "json": "jsonb",
                "uuid": "uuid", "inet4": "inet", "inet6": "inet"}[self.type]

    def read(self):
        """How to read a value at the source without loss."""
        forms = {"float": "%s + 0e0", "vector": "HEX(%s)"}
        return forms.get(self.type, "%s") % quoted(self.name, "`")

    def literal(self, n):
        """A value that is unlike those of other small n, where there are as
        many."""
        if self.type in INTEGERS:
            return str(n)
        if self.type == "bit":
            return str(n % 2 ** min(self.precision, 8))
        if self.type == "decimal":
            whole_digits = self.precision - self.scale
            return str(n) if whole_digits > 1 else \
                "0.%d" % n if whole_digits == 0 else str(n % 10)
        if self.type in ("float", "double"):
            return "%d.5" % n
        if self.type == "year":
            return str(2000 + n)
        if self.type == "date":
            return "'2024-05-%02d'" % (n % 28 + 1)
        if self.type == "time":
            return "'10:11:%02d.654321'" % (n % 60)
        if self.type in ("datetime", "timestamp"):
            return "'2024-05-06 07:08:%02d.654321'" % (n % 60)
        if self.type == "enum":
            return str(n % self.labels + 1)
        if self.type == "set":
            return str(n % 2 ** min(self.labels, 6))
        if self.type == "json":
            return "'{\"n\": [%d, \"é\"]}'" % n
        if self.type in SHAPES:
            return "ST_GeomFromText('%s', %d)" % (SHAPES[self.type] % n,
                                                  self.srs or 0)
        if self.type == "vector":
            return "x'%s'" % (struct.pack("<f", n) * self.dimensions()).hex()
        if self.type == "uuid":
            return "'00000000-0000-0000-0000-%012d'" % n
        if self.type == "inet4":
            return "'10.0.0.%d'" % n
        if self.type == "inet6":
            return "'::%d'" % n
        text = str(n)
        if self.charset in ACCENTED and n % 2 == 0 and \
                self.length >= len(text) + 1:
            text = "é" + text
        return "'%s'" % text[:self.length]

    def expect(self, raw):
        """From the source's text or bytes to what must be here."""
        if raw is None:
            return None
        if self.type in SHAPES:
            return json_text(geometry(raw))
        if self.type == "json":
            return json_text(document(raw))
        if self.type == "vector":
            return "\\x" + raw.lower()
        if self.type == "bit":
            convert = boolean if self.precision == 1 else bits(self.precision)
        elif self.type in INTEGERS or self.type == "year":
            convert = whole
        elif isinstance(raw, bytes):
            convert = hexadecimal
        else:
            convert = {"float": float4, "double": float, "date": date,
                       "time": fraction, "datetime": datetime,
                       "timestamp": timestamp, "char": unblank}.get(self.type,
                                                                    same)
        return convert(raw)

    def actual(self, text):
        """From the text here to the same form."""
        if text is None or text == "-infinity":
            return None
        convert = {"float": float4, "double": float, "inet4": address,
                   "inet6": address}.get(self.type, same)
        if self.type in SHAPES:
            return json_text(json.loads(text))
        if self.type == "json":
            return json_text(document(text))
        return convert(text)


class Twins:
    """The source's side `database` and the connector's side."""

    def __init__(self, database, connector):
        self.database = database
        self.connector = connector
        self.pg = connector.pg
        self.catalog = database.connect()
        self.session = Session(database, conv={})
        self.session.run("SET foreign_key_checks = OFF")
        self.tables = {}
        self.keys = {}              # of tables: names of columns
        self.numbers = {}           # of tables: that of the last row

    def describe(self):
        """Read the source's definitions."""
        self.tables = {}
        self.keys = {}
        for row in self.ask(COLUMNS % SRS[self.database.server.name]):
            self.tables.setdefault(row[0], []).append(Column(row[1:]))
        checks = self.ask(CHECKS) if self.is_mariadb() else []
        for table, columns in self.tables.items():
            for column in columns:
                if column.type.endswith("text") and \
                        (table, "json_valid(%s)" % quoted(column.name, "`")) \
                        in checks:
                    column.type = "json"
        # the end of a row's time, which a server adds to a key, is left out
        ends = [(table, column.name)
                for table, columns in self.tables.items()
                for column in columns if column.is_generated and
                column.full_type == "timestamp(6)"]
        for table, column in self.ask(KEYS):
            if (table, column) not in ends:
                self.keys.setdefault(table, []).append(column)

    def ask(self, sql):
        with self.catalog.cursor() as cursor:
            cursor.execute(sql, [self.database.name])
            return cursor.fetchall()

    def named_in(self, sql):
        """Tables that are there and whose names occur in a statement."""
        return [table for table in self.tables
                if re.search(r"(?<!\w)%s(?!\w)" % re.escape(
                    table.replace("`", "``")), sql, re.IGNORECASE)]

    def work(self, tables, last):
        """Put rows into tables and change some; `last` is a statement to end
        the transaction with."""
        self.session.run("BEGIN")
        self.put_rows(tables)
        self.change_rows(tables)
        self.session.run(last)
        self.session.run("COMMIT")

    def put_rows(self, tables):
        """A row in each of the tables; in those that have none, two, and one
        with all the NULLs that can be."""
        for table in tables:
            if self.session.rows("SELECT 1 FROM %s LIMIT 1"
                                 % quoted(table, "`")) == []:
                self.put_row(table, True)
                self.put_row(table)
            self.put_row(table)

    def put_row(self, table, with_nulls=False):
        n = self.next_number(table)
        keys = self.keys.get(table, ())
        columns = [(place, column) for place, column
                   in enumerate(self.tables[table])
                   if not column.is_numbered and not column.is_generated]
        sql = "INSERT IGNORE INTO %s (%s) VALUES (%s)" % (
            quoted(table, "`"),
            ", ".join(quoted(column.name, "`") for _, column in columns),
            ", ".join("NULL" if with_nulls and not column.not_null and
                      column.name not in keys
                      else column.literal(n + place % PLACES)
                      for place, column in columns))
        try:
            self.session.run(sql)
        except pymysql.err.OperationalError as error:
            if error.args[0] != CHECK_FAILED:
                raise

    def next_number(self, table):
        """A new one; columns get numbers from it on, by their places."""
        self.numbers[table] = self.numbers.get(table, 6 - PLACES) + PLACES
        return self.numbers[table]

    def change_rows(self, tables):
        """Change a row of each, and take one away if there are many."""
        for table in tables:
            name = quoted(table, "`")
            changed = [(place, column) for place, column
                       in enumerate(self.tables[table])
                       if not column.is_numbered and not column.is_generated]
            for place, column in changed[-1:]:
                self.session.run("UPDATE IGNORE %s SET %s = %s LIMIT 1" % (
                    name, quoted(column.name, "`"),
                    column.literal(self.next_number(table) +
                                   place % PLACES)))
            if len(self.session.rows("SELECT 1 FROM %s" % name)) > 5:
                self.session.run("DELETE FROM %s LIMIT 1" % name)

    def differences(self, whole_tables):
        """All definitions, of some tables also defaults and rows: what
        differs, in words."""
        found = {}
        for row in self.pg.query(TARGETS, [quoted(self.connector.schema,
                                                  '"')]):
            found.setdefault(row[0], {})[row[1]] = row[2:]
        wrong = ["table %s is missing here" % table for table in self.tables
                 if table.lower() not in found]
        names = {table.lower() for table in self.tables}
        wrong += ["table %s is here" % table for table in found
                  if table not in names]
        for table, columns in self.tables.items():
            if table.lower() in found:
                wrong += self.compare_columns(table, columns,
                                              found[table.lower()])
                if table in whole_tables:
                    wrong += self.compare_defaults(table, columns,
                                                   found[table.lower()])
                    wrong += self.compare_rows(table, columns)
        return wrong + self.compare_stored()

    def compare_columns(self, table, columns, found):
        wrong = ["%s.%s is here" % (table, name) for name in found
                 if name not in {column.name.lower() for column in columns}]
        keys = self.keys.get(table, [])
        for column in columns:
            if column.name.lower() not in found:
                wrong.append("%s.%s is missing here" % (table, column.name))
                continue
            pg_type, not_null, _, key = found[column.name.lower()]
            place = keys.index(column.name) + 1 if column.name in keys \
                else None
            for what, here, there in (
                    ("type", pg_type, column.pg_type()),
                    ("NOT NULL", not_null, column.not_null),
                    ("place in the primary key", key, place)):
                if here != there:
                    wrong.append("%s.%s: %s is %s, should be %s" % (
                        table, column.name, what, here, there))
        return wrong

    def compare_defaults(self, table, columns, found):
        return [line for column in columns if column.name.lower() in found
                for line in self.compare_default(
                    table, column, found[column.name.lower()][2])]

    def compare_default(self, table, column, default):
        place = "%s.%s: default is %s, " % (table, column.name, default)
        if column.is_numbered:
            return []
        if column.default is None or column.is_generated or \
                column.default == "NULL" and self.is_mariadb():
            return [place + "should be none"] if default else []
        if NOW.match(column.default) and column.type in ("datetime",
                                                         "timestamp"):
            return [] if default in NOW_HERE else [place + "should be now"]
        if default is None and not self.must_have_default(column):
            return []
        if default is None:
            return [place + "should be " + column.default]
        if self.is_expression(column):
            return [place + "should be none"]
        rows = self.session.rows("SELECT DEFAULT(%s) FROM %s LIMIT 1" % (
            quoted(column.name, "`"), quoted(table, "`")))
        if not rows:
            return []
        there = column.expect(rows[0][0])
        here = column.actual(self.pg.value("SELECT (%s)::text" % default))
        if column.type == "float" and here is not None and there is not None:
            # all digits that the source shows
            here, there = "%g" % here, "%g" % there
        return [] if here == there else [place + "should be %s" % there]

    def is_mariadb(self):
        return self.database.server.name == "mariadb"

    def is_expression(self, column):
        if not self.is_mariadb():
            return "DEFAULT_GENERATED" in column.extra
        return not re.match(r"('.*'|x'.*'|b'.*'|[-+0-9.e]*)$", column.default,
                            re.DOTALL)

    def must_have_default(self, column):
        """Is it one that doc/schema-changes.md promises to carry over?"""
        text = column.default.strip("'")
        if self.is_expression(column) or "?" in text:
            return False
        if column.type in ("date", "datetime", "timestamp"):
            return date(text[:10]) is not None
        if column.type == "time":
            return re.match(r"([01]\d|2[0-3]):", text) is not None
        return True

    def compare_rows(self, table, columns):
        there = sorted(str([column.expect(value) for column, value
                            in zip(columns, row)])
                       for row in self.session.rows("SELECT %s FROM %s" % (
                           ", ".join(column.read() for column in columns),
                           quoted(table, "`"))))
        names = [quoted(column.name.lower(), '"') + "::text"
                 for column in columns]
        here = sorted(str([column.actual(value) for column, value
                           in zip(columns, row)])
                      for row in self.connector.rows(table, ", ".join(names)))
        if here == there:
            return []
        missing = [row for row in there if row not in here]
        surplus = [row for row in here if row not in there]
        return ["%s: rows are not\n    %s\n  but\n    %s" % (
            table, "\n    ".join(missing[:3]), "\n    ".join(surplus[:3]))]

    def compare_stored(self):
        """Order is that of the stored definition, since PostgreSQL cannot
        move columns."""
        stored = dict(self.pg.query(
            "SELECT definition ->> 'name', ARRAY(SELECT c ->> 'name' FROM"
            " jsonb_array_elements(definition -> 'columns') c)"
            " FROM synchdb_table WHERE name = %s", [self.connector.name]))
        return ["%s: order of columns is %s" % (table, stored[table])
                for table, columns in self.tables.items()
                if table in stored and
                stored[table] != [column.name for column in columns]]

    def close(self):
        self.catalog.close()
        self.session.close()


def differences(database, connector):
    """Between both sides as they are now: all tables and rows, in words."""
    twins = Twins(database, connector)
    try:
        twins.describe()
        return twins.differences(twins.tables)
    finally:
        twins.close()
