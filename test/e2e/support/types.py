"""Every MySQL and MariaDB type with edge values, and what must come out.

A Column says how its values are written at the source, how they are read
there, and how that reading compares with the text PostgreSQL shows.  What the
engine makes of a value plays no part in what is expected.
"""

import base64
import decimal
import json
import struct


def same(raw):
    return raw


def fraction(raw):
    """PostgreSQL shows no trailing zeros of a fraction of a second."""
    return raw.rstrip("0").rstrip(".") if "." in raw else raw


def date(raw):
    return None if "-00" in raw or raw.startswith("0000") else raw


def datetime(raw):
    return None if date(raw[:10]) is None else fraction(raw)


def timestamp(raw):
    return None if date(raw[:10]) is None else fraction(raw) + "+00"


def whole(raw):
    return str(int(raw))


def float4(raw):
    return struct.unpack("f", struct.pack("f", float(raw)))[0]


def hexadecimal(raw):
    return "\\x" + raw.hex()


def boolean(raw):
    return "true" if raw == b"\1" else "false"


def bits(count):
    return lambda raw: format(int.from_bytes(raw, "big"), "0%db" % count)


def unblank(raw):
    return raw.rstrip(" ")


def geometry(raw):
    return {"wkb": base64.b64encode(raw[4:]).decode(),
            "srid": int.from_bytes(raw[:4], "little") or None}


def document(text):
    """Numbers keep all their digits; null of JSON is not that of SQL."""
    return {"document": json.loads(text, parse_float=decimal.Decimal)}


def address(text):
    return text.split("/")[0]


class Column:
    """
    ddl     -- type at the source
    values  -- literals at the source; NULL is always tried as well
    expect  -- from the source's text (or bytes) to what must be here
    actual  -- from PostgreSQL's text to the same form
    read    -- how to read a value at the source without loss
    """

    def __init__(self, name, ddl, pg_type, values, expect=same, actual=same,
                 read="%s", only=None):
        self.name = name
        self.ddl = ddl
        self.pg_type = pg_type
        self.values = values + ["NULL"]
        self.expect = expect
        self.actual = actual
        self.read = read
        self.only = only            # a flavor's name, or None

    def value(self, index):
        return self.values[index % len(self.values)]


def integer(name, ddl, pg_type, *values):
    return Column(name, ddl, pg_type, list(map(str, values)))


def quoted(*values):
    return ["'%s'" % value.replace("\\", "\\\\").replace("'", "''")
            for value in values]


TEXTS = quoted("", "null", "NULL", "plain", "it's", 'a "b" c', "tab\there",
               "new\nline", "back\\slash", "Grüße", "日本語", "😀 𝄞",
               "trailing  ", "%d %s", "{}", "'); DROP TABLE x; --")
BYTES = ["''", "0x00", "0xDEADBEEF", "0x000100", "0xFF00", "'\\\\x41'",
         "0x" + "00FF7F80" * 16]
DATES = quoted("2024-08-26", "1970-01-01", "1969-12-31", "1000-01-01",
               "0001-01-01", "9999-12-31", "2000-02-29", "1999-12-31",
               "0000-00-00", "2024-00-15", "2024-08-00")
DATETIMES = quoted("2024-08-26 12:34:56.123456", "1969-12-31 23:59:59.999999",
                   "1000-01-01 00:00:00", "9999-12-31 23:59:59",
                   "2000-01-01 00:00:00.000001", "0001-01-01 00:00:01",
                   "0000-00-00 00:00:00", "2024-00-00 10:00:00")
TIMESTAMPS = quoted("2024-08-26 12:34:56.123456", "1970-01-01 00:00:01",
                    "2038-01-19 03:14:07.999999", "2024-03-31 01:30:00.5",
                    "0000-00-00 00:00:00")
TIMES = quoted("00:00:00", "12:34:56.123456", "23:59:59.999999",
               "00:00:00.000001", "24:00:00")
LABELS = "'a', '', 'b c', 'it''s', 'Grüße', 'x\\\"y'"
SHAPES = ["ST_GeomFromText('%s')" % shape for shape in (
    "POINT(1 1)", "LINESTRING(2 1, 6 6)", "POLYGON((0 5, 2 5, 2 7, 0 7, 0 5))",
    "MULTIPOINT(1 2, 3 4)", "MULTILINESTRING((1 1, 2 2), (3 3, 4 4))",
    "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))",
    "GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(1 1, 2 2))")]
SHAPES.append("ST_GeomFromText('POINT(2 3)', 4326)")
DOCUMENTS = quoted(
    "{}", "[]", "null", "true", "false", '"text"', "0", "-1", "65536",
    "9223372036854775807", "18446744073709551615", "-9223372036854775808",
    "1.5", "1e100", "-0.1", '{"key": "value", "b": [1, "2", null, {"c": {}}]}',
    '"Grüße 😀 \\" \\\\ \\n"', "[" * 30 + "]" * 30,
    '{"long": "%s"}' % ("x" * 70000),
    "[%s]" % ", ".join(str(n) for n in range(20000)))
OPAQUE = ["'%s'" % ("[" * 90 + "]" * 90),
          "JSON_OBJECT('d', CAST('2015-01-15 23:24:25.12' AS DATETIME(2)))",
          "JSON_ARRAY(CAST('2015-01-15' AS DATE), CAST('-10:11:12' AS TIME))",
          "JSON_ARRAY(CAST(1234567890.123456789 AS DECIMAL(30,9)), 0.10)",
          "JSON_OBJECT('big', CAST(-12.5 AS DECIMAL(65,30)))"]

COLUMNS = [
    integer("tiny", "TINYINT", "smallint", 0, 1, -128, 127),
    integer("tiny1", "TINYINT(1)", "smallint", 0, 1, -128, 127),
    integer("tiny_u", "TINYINT UNSIGNED", "smallint", 0, 255),
    integer("small", "SMALLINT", "smallint", 0, -32768, 32767),
    integer("small_u", "SMALLINT UNSIGNED", "integer", 0, 65535),
    integer("medium", "MEDIUMINT", "integer", 0, -8388608, 8388607, -1),
    integer("medium_u", "MEDIUMINT UNSIGNED", "integer", 0, 16777215),
    integer("normal", "INT", "integer", 0, -2147483648, 2147483647),
    integer("normal_u", "INT UNSIGNED", "bigint", 0, 4294967295),
    Column("filled", "INT(8) UNSIGNED ZEROFILL", "bigint", ["7", "4294967295"],
           whole),
    integer("big", "BIGINT", "bigint", 0, -2**63, 2**63 - 1),
    integer("big_u", "BIGINT UNSIGNED", "numeric(20,0)", 0, 2**63, 2**64 - 1),
    Column("dec0", "DECIMAL(5)", "numeric(5,0)", ["0", "99999", "-99999"]),
    Column("dec4", "DECIMAL(10,4)", "numeric(10,4)",
           ["-12345.6789", "0", "0.0001", "-0.0001", "999999.9999", "1000"]),
    Column("dec_u", "DECIMAL(20,4) UNSIGNED", "numeric(20,4)",
           ["12345.6789", "0", "9999999999999999.9999"]),
    Column("dec_max", "DECIMAL(65,30)", "numeric(65,30)",
           ["9" * 35 + "." + "9" * 30, "-" + "9" * 35 + "." + "9" * 30,
            "0." + "0" * 29 + "1", "0", "100000000", "1000000000"]),
    Column("dec_fraction", "DECIMAL(30,30)", "numeric(30,30)",
           ["0." + "123456789" * 3 + "123", "-0." + "0" * 29 + "9"]),
    Column("single", "FLOAT", "real",
           ["0", "3.14", "-12345.67", "3.4028234e38", "1.1754944e-38",
            "16777217"], float4, float4, "%s + 0e0"),
    Column("single_u", "FLOAT UNSIGNED", "real", ["54321.12"], float4, float4,
           "%s + 0e0"),
    Column("twice", "DOUBLE", "double precision",
           ["0", "123456.789", "-1.7976931348623157e308", "5e-324", "0.1",
            "2.2250738585072014e-308"], float, float),
    Column("real8", "REAL", "double precision", ["12345.678901234567"], float,
           float),
    Column("bit1", "BIT(1)", "boolean", ["0", "1"], boolean),
    Column("bit7", "BIT(7)", "bit(7)", ["0", "b'1000001'"], bits(7)),
    Column("bit33", "BIT(33)", "bit(33)",
           ["1", "b'100000000000000000000000000000010'"], bits(33)),
    Column("bit64", "BIT(64)", "bit(64)",
           ["0", "0x0103070F1F3F7F01", "0xFFFFFFFFFFFFFFFF"], bits(64)),
    Column("fixed", "CHAR(20)", "character(20)",
           [text for text in TEXTS if len(text) < 22], unblank),
    Column("fixed255", "CHAR(255)", "character(255)", TEXTS, unblank),
    Column("varying", "VARCHAR(255)", "character varying(255)", TEXTS),
    Column("varying_long", "VARCHAR(3000)", "character varying(3000)",
           TEXTS + ["REPEAT('ü', 3000)"]),
    Column("text1", "TINYTEXT", "text", TEXTS),
    Column("text2", "TEXT", "text", TEXTS + ["REPEAT('a', 65535)"]),
    Column("text3", "MEDIUMTEXT", "text", TEXTS + ["REPEAT('b', 70000)"]),
    Column("text4", "LONGTEXT", "text", TEXTS + ["REPEAT('c', 1000000)"]),
    Column("binary16", "BINARY(16)", "bytea",
           ["''", "0x1234567890ABCDEF1234567890ABCDEF", "0x0000", "0x4100"],
           hexadecimal),
    Column("varbinary255", "VARBINARY(255)", "bytea", BYTES, hexadecimal),
    Column("blob1", "TINYBLOB", "bytea", BYTES, hexadecimal),
    Column("blob2", "BLOB", "bytea", BYTES + ["REPEAT(0x00, 65535)"],
           hexadecimal),
    Column("blob3", "MEDIUMBLOB", "bytea", BYTES + ["REPEAT(0x01, 70000)"],
           hexadecimal),
    Column("blob4", "LONGBLOB", "bytea", BYTES + ["REPEAT(0xFF, 1000000)"],
           hexadecimal),
    Column("day", "DATE", "date", DATES, date),
    Column("moment0", "DATETIME", "timestamp(0) without time zone", DATETIMES,
           datetime),
    Column("moment3", "DATETIME(3)", "timestamp(3) without time zone",
           DATETIMES, datetime),
    Column("moment6", "DATETIME(6)", "timestamp(6) without time zone",
           DATETIMES, datetime),
    Column("instant0", "TIMESTAMP NULL", "timestamp(0) with time zone",
           TIMESTAMPS, timestamp),
    Column("instant4", "TIMESTAMP(4) NULL", "timestamp(4) with time zone",
           TIMESTAMPS, timestamp),
    Column("instant6", "TIMESTAMP(6) NULL", "timestamp(6) with time zone",
           TIMESTAMPS, timestamp),
    Column("clock0", "TIME", "time(0) without time zone", TIMES, fraction),
    Column("clock2", "TIME(2)", "time(2) without time zone", TIMES, fraction),
    Column("clock6", "TIME(6)", "time(6) without time zone", TIMES, fraction),
    Column("years", "YEAR", "integer", ["0", "1901", "2024", "2155"], whole),
    Column("labels", "ENUM(%s) CHARACTER SET utf8mb4" % LABELS, "text",
           quoted("a", "", "b c", "it's", "Grüße") + ["'nonexistent'"]),
    Column("many", "ENUM(%s)" % ", ".join("'v%d'" % n for n in range(300)),
           "text", quoted("v0", "v255", "v299")),
    Column("sets", "SET('a', 'b c', 'it''s', 'Grüße')", "text",
           quoted("", "a", "a,b c", "it's,Grüße", "a,b c,it's,Grüße")),
    Column("sets64", "SET(%s)" % ", ".join("'s%d'" % n for n in range(64)),
           "text", ["9223372036854775808", "1", "18446744073709551615"]),
    Column("document", "JSON", "jsonb", DOCUMENTS, document, document),
    Column("opaque", "JSON", "jsonb", OPAQUE, document, document,
           only="mysql"),
    Column("shape", "GEOMETRY", "text", SHAPES, geometry, json.loads),
    Column("point", "POINT", "text", SHAPES[:1], geometry, json.loads),
    Column("line", "LINESTRING", "text", SHAPES[1:2], geometry, json.loads),
    Column("area", "POLYGON", "text", SHAPES[2:3], geometry, json.loads),
    Column("points", "MULTIPOINT", "text", SHAPES[3:4], geometry, json.loads),
    Column("lines", "MULTILINESTRING", "text", SHAPES[4:5], geometry,
           json.loads),
    Column("areas", "MULTIPOLYGON", "text", SHAPES[5:6], geometry,
           json.loads),
    Column("shapes", "GEOMETRYCOLLECTION", "text", SHAPES[6:7], geometry,
           json.loads),
    Column("ident", "UUID", "uuid",
           quoted("123e4567-e89b-12d3-a456-426655440000",
                  "00000000-0000-0000-0000-000000000000",
                  "ffffffff-ffff-4fff-bfff-fffffffffffe",
                  "550e8400-e29b-41d4-a716-446655440000"), only="mariadb"),
    Column("ip4", "INET4", "inet", quoted("0.0.0.0", "192.168.1.254"),
           actual=address, only="mariadb"),
    Column("ip6", "INET6", "inet",
           quoted("::", "::1", "2001:db8::ff00:42:8329", "::ffff:192.0.2.128"),
           actual=address, only="mariadb"),
]


def columns_of(flavor):
    return [column for column in COLUMNS if column.only in (None, flavor)]
