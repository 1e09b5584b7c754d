"""Every SQL Server type with edge values, and what must come out.

A value is a pair: how it is written in T-SQL, and the text PostgreSQL must
show.  What the engine makes of a value plays no part in what is expected.
"""

import base64


class Column:
    """
    ddl     -- type at the source
    values  -- pairs; NULL is always tried as well
    synchdb -- type under synchdb.type_mapping = 'synchdb', if another
    """

    def __init__(self, name, ddl, pg_type, values, synchdb=None):
        self.name = name
        self.ddl = ddl
        self.pg_type = pg_type
        self.values = list(values) + [("NULL", None)]
        self.synchdb = synchdb or pg_type

    def value(self, index):
        return self.values[index % len(self.values)]


def numbers(*texts):
    return [(text, text) for text in texts]


def texts(*values, pad=None, prefix="N"):
    return [("%s'%s'" % (prefix, value.replace("'", "''")),
             value if pad is None else value.rstrip(" "))
            for value in values]


def binary(*hexadecimal, size=None):
    """Padded with zeros to size, if there is one."""
    return [("0x" + one, "\\x" + one.lower().ljust(2 * (size or 0), "0"))
            for one in hexadecimal]


def quoted(*pairs):
    return [("'%s'" % literal, shown) for literal, shown in pairs]


def same(*values):
    return quoted(*((value, value) for value in values))


def native(*hexadecimal):
    """A spatial value arrives as its bytes in base64."""
    return [("CONVERT(%s, 0x" + one + ")",
             base64.b64encode(bytes.fromhex(one)).decode())
            for one in hexadecimal]


def spatial(type_name, *hexadecimal):
    return [(literal % type_name, shown)
            for literal, shown in native(*hexadecimal)]


TEXTS = ["", "null", "NULL", "plain", "it's", 'a "b" c', "tab\there",
         "new\nline", "back\\slash", "Grüße", "%d %s", "{}",
         "'); DROP TABLE x; --"]
WIDE = TEXTS + ["日本語", "😀 𝄞", "\ufeffmark", "\uffff"]
POINT = "00000000010C000000000000F03F000000000000F03F"
POINT_4326 = "E6100000010C000000000000F03F000000000000F03F"
LINE = ("00000000011400000000000000400000000000000040"
        "00000000000008400000000000001040")

COLUMNS = [
    Column("flag", "bit", "boolean", [("0", "false"), ("1", "true")]),
    Column("tiny", "tinyint", "smallint", numbers("0", "1", "255")),
    Column("small", "smallint", "smallint", numbers("-32768", "0", "32767")),
    Column("normal", "int", "integer",
           numbers("-2147483648", "0", "2147483647")),
    Column("big", "bigint", "bigint",
           numbers("-9223372036854775808", "0", "9223372036854775807")),
    Column("dec0", "decimal(5,0)", "numeric(5,0)",
           numbers("0", "99999", "-99999")),
    Column("dec1", "decimal(1,1)", "numeric(1,1)",
           numbers("0.0", "0.9", "-0.1")),
    Column("dec4", "decimal(10,4)", "numeric(10,4)",
           numbers("-12345.6789", "0.0000", "0.0001", "-0.0001",
                   "999999.9999", "1000.0000")),
    Column("dec38", "decimal(38,0)", "numeric(38,0)",
           numbers("9" * 38, "-" + "9" * 38, "0", "1", "10000", "1" + "0" * 37)),
    Column("dec38_38", "numeric(38,38)", "numeric(38,38)",
           numbers("0." + "9" * 38, "-0." + "0" * 37 + "1")),
    Column("dec30_8", "numeric(30,8)", "numeric(30,8)",
           numbers("-9999999999999999999999.99999999",
                   "1234567890123456789012.12345678", "-0.00000001")),
    Column("dec19_5", "decimal(19,5)", "numeric(19,5)",
           numbers("12345678901234.56789", "-0.00001", "10000.00000")),
    Column("cash", "money", "numeric(19,4)",
           numbers("922337203685477.5807", "-922337203685477.5808", "0.0000",
                   "-0.0001", "1234567.8900"), "money"),
    Column("small_cash", "smallmoney", "numeric(10,4)",
           numbers("214748.3647", "-214748.3648", "0.0000", "-0.0001"),
           "money"),
    Column("single", "real", "real",
           [("0", "0"), ("3.14", "3.14"), ("-3.402823E+38", "-3.402823e+38"),
            ("1.1754944E-38", "1.1754944e-38"), ("16777216", "1.6777216e+07")]),
    Column("twice", "float", "double precision",
           [("0", "0"), ("0.1", "0.1"), ("123456.789", "123456.789"),
            ("-1.7976931348623157E+308", "-1.7976931348623157e+308"),
            ("2.2250738585072014E-308", "2.2250738585072014e-308")], "real"),
    Column("day", "date", "date",
           same("0001-01-01", "1582-10-14", "1899-12-31", "1900-01-01",
                "1969-12-31", "2000-02-29", "2024-08-28", "9999-12-31")),
    Column("clock0", "time(0)", "time(0) without time zone",
           same("00:00:00", "14:30:00", "23:59:59")),
    Column("clock6", "time(6)", "time(6) without time zone",
           quoted(("13:45:50.123456", "13:45:50.123456"),
                  ("23:59:59.999999", "23:59:59.999999"),
                  ("00:00:00.000001", "00:00:00.000001"))),
    Column("clock7", "time(7)", "time(6) without time zone",
           quoted(("14:30:00.1234567", "14:30:00.123456"),
                  ("23:59:59.9999999", "23:59:59.999999"),
                  ("00:00:00.0000009", "00:00:00"))),
    Column("minute", "smalldatetime", "timestamp(0) without time zone",
           same("1900-01-01 00:00:00", "2079-06-06 23:59:00",
                "2024-08-28 14:30:00")),
    Column("old", "datetime", "timestamp(3) without time zone",
           quoted(("17530101 00:00:00", "1753-01-01 00:00:00"),
                  ("99991231 23:59:59.997", "9999-12-31 23:59:59.997"),
                  ("20240828 14:30:00.003", "2024-08-28 14:30:00.003"),
                  ("18991231 23:59:59.990", "1899-12-31 23:59:59.99"),
                  ("20240828 14:30:00.007", "2024-08-28 14:30:00.007"))),
    Column("moment0", "datetime2(0)", "timestamp(0) without time zone",
           same("0001-01-01 00:00:00", "9999-12-31 23:59:59")),
    Column("moment3", "datetime2(3)", "timestamp(3) without time zone",
           same("2024-08-28 14:30:00.123", "1969-12-31 23:59:59.999")),
    Column("moment6", "datetime2(6)", "timestamp(6) without time zone",
           same("2024-08-28 14:30:00.654321", "1899-12-31 23:59:59.999999")),
    Column("moment7", "datetime2(7)", "timestamp(6) without time zone",
           quoted(("2024-08-28 14:30:00.1234567", "2024-08-28 14:30:00.123456"),
                  ("9999-12-31 23:59:59.9999999",
                   "9999-12-31 23:59:59.999999"),
                  ("1969-12-31 23:59:59.9999999",
                   "1969-12-31 23:59:59.999999"),
                  ("0001-01-01 00:00:00.0000001", "0001-01-01 00:00:00"))),
    Column("instant7", "datetimeoffset(7)", "timestamp(6) with time zone",
           quoted(("2024-08-28 14:30:00.1234567 +02:00",
                   "2024-08-28 12:30:00.123456+00"),
                  ("2024-08-28 00:00:00.0000000 -08:00",
                   "2024-08-28 08:00:00+00"),
                  ("0001-01-02 00:00:00.0000000 +14:00",
                   "0001-01-01 10:00:00+00"),
                  ("1969-12-31 23:59:59.9999999 +00:00",
                   "1969-12-31 23:59:59.999999+00"))),
    Column("instant0", "datetimeoffset(0)", "timestamp(0) with time zone",
           quoted(("2024-08-28 14:30:00 +05:30", "2024-08-28 09:00:00+00"))),
    Column("fixed", "char(20)", "character(20)",
           texts(*(one for one in TEXTS if len(one) <= 20), pad=20,
                 prefix="")),
    Column("fixed_wide", "nchar(20)", "character(20)",
           texts(*(one for one in WIDE if len(one) <= 19), pad=20)),
    Column("varying", "varchar(255)", "character varying(255)",
           texts(*TEXTS, "trailing  ", prefix="")),
    Column("varying_wide", "nvarchar(255)", "character varying(255)",
           texts(*WIDE, "trailing  ")),
    Column("cyrillic", "varchar(40) COLLATE Cyrillic_General_CI_AS",
           "character varying(40)", texts("Привет", "abc", "")),
    Column("max", "varchar(max)", "character varying",
           texts(*TEXTS, "long " * 5000, prefix="")),
    Column("max_wide", "nvarchar(max)", "character varying",
           texts(*WIDE, "lang ü " * 5000)),
    Column("fixed_bytes", "binary(10)", "bytea",
           binary("1234567890", "00", "FFFFFFFFFFFFFFFFFFFF", size=10)),
    Column("bytes", "varbinary(50)", "bytea",
           binary("", "00", "DEADBEEF", "000100", "5C783431", "FF00")),
    Column("max_bytes", "varbinary(max)", "bytea",
           binary("", "00", "DEADBEEF", "00FF7F80" * 5000)),
    Column("ident", "uniqueidentifier", "uuid",
           same("00000000-0000-0000-0000-000000000000",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
                "6f9619ff-8b86-d011-b42d-00c04fc964ff",
                "01234567-89ab-cdef-0123-456789abcdef")),
    Column("markup", "xml", "xml",
           [("N'%s'" % one, one) for one in
            ("<root><element>Value</element></root>", "<a>Grüße 日本語</a>",
             "<a b=\"1\"/>")]),
    Column("path", "hierarchyid", "text",
           [("CONVERT(hierarchyid, N'%s')" % one, one)
            for one in ("/", "/1/", "/1/2/", "/0.5/-3/", "/1/1/1/1/")]),
    Column("shape", "geometry", "text", spatial("geometry", POINT, LINE)),
    Column("place", "geography", "text", spatial("geography", POINT_4326)),
    Column("any", "sql_variant", "text",
           [("CONVERT(int, 42)", "42"), ("N'日本語 text'", "日本語 text"),
            ("CONVERT(varchar(10), 'plain')", "plain"),
            ("CONVERT(decimal(10,4), -12.3456)", "-12.3456"),
            ("CONVERT(bit, 1)", "1"),
            ("CONVERT(bigint, -9223372036854775808)", "-9223372036854775808"),
            ("CONVERT(money, 12.3456)", "12.3456"),
            ("CONVERT(date, '2024-08-28')", "2024-08-28"),
            ("CONVERT(datetime2(7), '2024-08-28 14:30:00.1234567')",
             "2024-08-28 14:30:00.1234567"),
            ("CONVERT(uniqueidentifier,"
             " '6F9619FF-8B86-D011-B42D-00C04FC964FF')",
             "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
            ("CONVERT(varbinary(8), 0xDEADBEEF)", "0xDEADBEEF")]),
]

# Never in a change table, so after an UPDATE of them they are read again.
OLD_LOBS = [
    Column("old_text", "text", "text", texts(*TEXTS, prefix="")),
    Column("old_wide", "ntext", "text", texts(*WIDE)),
    Column("old_bytes", "image", "bytea", binary("", "00", "DEADBEEF")),
]
