"""Every type with its edge values, for tests of clients.

EDGES has a column of each name: its type and values, NULL among them where it
may be.  Edges is an engine that knows these columns instead of SQL:

    edges NAME      rows (n int, v) with the values of one column, in order
    edges *         rows of all columns at once
    wide            one row of 1,024 columns
    large N         one row: nvarchar(max), varchar(max), varbinary(max) of
                    about N bytes, xml
    print           rows, a message, rows, a message inside of rows
    fail            rows, an error, rows
    rows N          N rows (n int), for attentions
    wait            ends when it is cancelled
"""
import datetime
import itertools
import math
import threading
import uuid
from decimal import Decimal

from .result import (Column, DateTime, DateTimeOffset, Done, Info, Output,
                     ResultSet, SqlError, Time, Type, Variant)
from .values import TICKS_PER_SECOND

FIRST, LAST = DateTime.of(1, 1, 1), DateTime.of(9999, 12, 31, 23, 59, 59,
                                                9_999_999)
LEAP = DateTime.of(2024, 2, 29, 13, 45, 50, 1_234_567)
NINES = Decimal("9" * 38)
BYTES = bytes(range(256))
WORDS = ["", "a", " x ", "O'Neil", 'say "ä"', "tab\there"]
WORLD = WORDS + ["日本", "\U0001F600 \U00010348", "e\u0301", "\u00a0\u200b"]
GUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
POINT = bytes.fromhex("00000000010c000000000000f03f000000000000f03f")

PAGES = {
    "latin": ("Latin1_General_CI_AS", "äöüß€ÿ"),
    "cp437": ("SQL_Latin1_General_CP437_CI_AS", "é║Ω"),
    "cp850": ("SQL_Latin1_General_CP850_CI_AS", "éÐ║"),
    "polish": ("Polish_CI_AS", "Łódź"),
    "cyrillic": ("Cyrillic_General_CI_AS", "Привет"),
    "greek": ("Greek_CI_AS", "Ελλάδα"),
    "turkish": ("Turkish_CI_AS", "İstanbulğ"),
    "hebrew": ("Hebrew_CI_AS", "שלום"),
    "arabic": ("Arabic_CI_AS", "سلام"),
    "baltic": ("Lithuanian_CI_AS", "ąčęėįšųū"),
    "vietnamese": ("Vietnamese_CI_AS", "ăđơư₫"),
    "thai": ("Thai_CI_AS", "สวัสดี"),
    "japanese": ("Japanese_CI_AS", "日本語カナ"),
    "chinese": ("Chinese_PRC_CI_AS", "中文简体"),
    "taiwan": ("Chinese_Taiwan_Stroke_CI_AS", "中文繁體"),
    "korean": ("Korean_Wansung_CI_AS", "한국어"),
    "utf8": ("Latin1_General_100_CI_AS_SC_UTF8", "ä日本\U0001F600"),
}


def integers(bits, low=None):
    low = -2 ** (bits - 1) if low is None else low
    return [low, -1 if low else 1, 0, 1, 2 ** bits + low - 1, None]


def numbers(precision, scale):
    most = Decimal(10 ** precision - 1).scaleb(-scale)
    least = Decimal(1).scaleb(-scale)
    return [most, -most, least, -least, 0 * least, None]


def times(scale):
    step = 10 ** (7 - scale)
    return [Time(0), Time(86_400 * TICKS_PER_SECOND - step),
            Time(LEAP.time.ticks // step * step), Time(step), None]


def instants(scale):
    step = 10 ** (7 - scale)
    return [DateTime(ticks // step * step) for ticks in
            (FIRST.ticks, LAST.ticks, LEAP.ticks)] + [None]


def offsets(scale):
    return [DateTimeOffset.at(local, offset)
            for local, offset in zip(instants(scale), (0, 0, 120))] + [
        DateTimeOffset.at(instants(scale)[2], -14 * 60),
        DateTimeOffset.at(instants(scale)[2], 5 * 60 + 45), None]


def variants(*pairs):
    return [Variant(type, value) for type, value in pairs] + [None]


EDGES = {
    "bit": (Type("bit"), [True, False, None]),
    "tinyint": (Type("tinyint"), integers(8, 0)),
    "smallint": (Type("smallint"), integers(16)),
    "int": (Type("int"), integers(32)),
    "bigint": (Type("bigint"), integers(64)),
    "bit_not_null": (Type("bit", nullable=False), [True, False]),
    "tinyint_not_null": (Type("tinyint", nullable=False), [0, 255]),
    "smallint_not_null": (Type("smallint", nullable=False), [-32768, 32767]),
    "int_identity": (Type("int", nullable=False, identity=True),
                     [1, 2**31 - 1]),
    "bigint_not_null": (Type("bigint", nullable=False), [-2**63, 2**63 - 1]),
    "real": (Type("real"), [0.0, 1.5, -3.4028234663852886e38,
                            1.1754943508222875e-38, 123.4499969482421875,
                            None]),
    "float": (Type("float"), [0.0, 0.1, -1.7976931348623157e308,
                              2.2250738585072014e-308, math.pi, None]),
    "real_not_null": (Type("real", nullable=False), [0.5, -0.25]),
    "float_not_null": (Type("float", nullable=False), [0.1, 1e300]),
    "money": (Type("money"), [Decimal("922337203685477.5807"),
                              Decimal("-922337203685477.5808"),
                              Decimal("0.0001"), Decimal("-0.0001"), None]),
    "smallmoney": (Type("smallmoney"), [Decimal("214748.3647"),
                                        Decimal("-214748.3648"),
                                        Decimal("12345.6700"), None]),
    "money_not_null": (Type("money", nullable=False), [Decimal("-1.5000")]),
    "smallmoney_not_null": (Type("smallmoney", nullable=False),
                            [Decimal("-1.5000")]),
    **{"decimal_%d_%d" % both: (Type("decimal", precision=both[0],
                                     scale=both[1]), numbers(*both))
       for both in ((1, 0), (9, 2), (10, 4), (19, 0), (20, 20), (28, 10),
                    (38, 0), (38, 19), (38, 38))},
    "numeric_10_2": (Type("numeric", precision=10, scale=2),
                     numbers(10, 2)),
    "date": (Type("date"), [datetime.date(1, 1, 1), LEAP.date,
                            datetime.date(9999, 12, 31), None]),
    **{"time_%d" % scale: (Type("time", scale=scale), times(scale))
       for scale in range(8)},
    **{"datetime2_%d" % scale: (Type("datetime2", scale=scale),
                                instants(scale)) for scale in range(8)},
    **{"datetimeoffset_%d" % scale: (Type("datetimeoffset", scale=scale),
                                     offsets(scale)) for scale in (0, 3, 7)},
    "datetime": (Type("datetime"), [
        DateTime.of(1753, 1, 1), DateTime.of(1900, 1, 1),
        DateTime.of(9999, 12, 31, 23, 59, 59, 9_966_667),
        DateTime.of(2024, 2, 29, 23, 59, 59, 33_333), None]),
    "smalldatetime": (Type("smalldatetime"), [
        DateTime.of(1900, 1, 1), DateTime.of(2079, 6, 6, 23, 59),
        DateTime.of(2024, 2, 29, 13, 45), None]),
    "datetime_not_null": (Type("datetime", nullable=False),
                          [DateTime.of(2024, 8, 28, 14, 30)]),
    "smalldatetime_not_null": (Type("smalldatetime", nullable=False),
                               [DateTime.of(2024, 8, 28, 14, 30)]),
    "uniqueidentifier": (Type("uniqueidentifier"), [
        GUID, uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), None]),
    "char": (Type("char", 10), ["a".ljust(10), " " * 10, "0123456789", None]),
    "varchar": (Type("varchar", 50), WORDS + [None]),
    "varchar_max": (Type("varchar", -1), WORDS + ["x" * 20_001, None]),
    **{"varchar_" + page: (Type("varchar", 50, collation=name),
                           [text, "", None])
       for page, (name, text) in PAGES.items()},
    "char_utf8": (Type("char", 10, collation=PAGES["utf8"][0]),
                  ["ä日".ljust(7), None]),
    "nchar": (Type("nchar", 5), ["日本   ", "abcde", None]),
    "nvarchar": (Type("nvarchar", 50), WORLD + [None]),
    "nvarchar_max": (Type("nvarchar", -1), WORLD + ["日" * 20_001, None]),
    "text": (Type("text", table=("dbo", "old")), WORDS + ["x" * 20_001, None]),
    "text_cyrillic": (Type("text", collation="Cyrillic_General_CI_AS"),
                      ["Привет", "", None]),
    "ntext": (Type("ntext", table=("dbo", "old")),
              WORLD + ["日" * 20_001, None]),
    "xml": (Type("xml"), ["", "<a/>", '<r x="1">日本\U0001F600</r>',
                          "<r>" + "y" * 20_001 + "</r>", None]),
    "binary": (Type("binary", 4), [b"\0\0\0\0", b"\xde\xad\xbe\xef", None]),
    "varbinary": (Type("varbinary", 300), [b"", b"\0", BYTES, None]),
    "varbinary_max": (Type("varbinary", -1), [b"", BYTES, BYTES * 100, None]),
    "image": (Type("image", table=("dbo", "old")),
              [b"", BYTES, BYTES * 100, None]),
    "rowversion": (Type("rowversion", nullable=False),
                   [bytes(7) + b"\x01", b"\xff" * 8]),
    "hierarchyid": (Type("hierarchyid"), [b"", b"\x58", b"\x5a\xc0", None]),
    "geometry": (Type("geometry"), [POINT, None]),
    "geography": (Type("geography"), [b"\xe6\x10" + POINT[2:], None]),
    "sql_variant": (Type("sql_variant"), variants(
        (Type("bit"), True), (Type("tinyint"), 255),
        (Type("smallint"), -32768), (Type("int"), -2**31),
        (Type("bigint"), 2**63 - 1), (Type("real"), 1.5),
        (Type("float"), 0.1), (Type("money"), Decimal("-1.2345")),
        (Type("smallmoney"), Decimal("1.5000")),
        (Type("decimal", precision=38, scale=10),
         NINES.scaleb(-10)),
        (Type("numeric", precision=5, scale=2), Decimal("-123.45")),
        (Type("datetime"), DateTime.of(2024, 2, 29, 12, 30)),
        (Type("smalldatetime"), DateTime.of(2024, 2, 29, 12, 30)),
        (Type("date"), LEAP.date), (Type("time", scale=7), LEAP.time),
        (Type("datetime2", scale=7), LEAP),
        (Type("datetimeoffset", scale=7), DateTimeOffset.at(LEAP, 330)),
        (Type("uniqueidentifier"), GUID),
        (Type("varbinary", 10), b"\0\xff"), (Type("binary", 2), b"\0\1"),
        (Type("varchar", 10, collation="SQL_Latin1_General_CP1_CI_AS"),
         "Käse"),
        (Type("char", 3, collation="SQL_Latin1_General_CP1_CI_AS"), "ab "),
        (Type("nvarchar", 10, collation="SQL_Latin1_General_CP1_CI_AS"),
         "日本"),
        (Type("nchar", 3, collation="SQL_Latin1_General_CP1_CI_AS"),
         "日本 "))),
}

# for clients that show them at all
LONE_SURROGATES = (Type("nvarchar", 50), ["a\ud800b", "\udc00", "\0"])

NUMBER = Column("n", Type("int", nullable=False))
ODD_NAMES = ["", "a]b", "it's", 'say "x"', "\U0001F600", "a b", "n", "n",
             "x" * 128]


def column_rows(name):
    type, values = EDGES[name]
    return ResultSet([NUMBER, Column("v", type)], list(enumerate(values)))


def all_rows():
    """NOT NULL columns repeat their last value."""
    columns = [Column(name, type) for name, (type, _) in EDGES.items()]
    padding = [None if type.nullable else values[-1]
               for type, values in EDGES.values()]
    count = max(len(values) for _, values in EDGES.values())
    rows = []
    for number in range(count):
        rows.append((number, *(
            values[number] if number < len(values) else filler
            for (_, values), filler in zip(EDGES.values(), padding))))
    return ResultSet([NUMBER, *columns], rows)


def wide_row():
    count = 1024 - len(ODD_NAMES)
    columns = [Column(name, Type("int")) for name in ODD_NAMES] + [
        Column("c%d" % number, Type("varchar", 20)) for number in range(count)]
    row = (*range(len(ODD_NAMES)),
           *(None if number % 3 else "value %d" % number
             for number in range(count)))
    return ResultSet(columns, [row])


def large_row(size):
    return ResultSet(
        [Column("n", Type("nvarchar", -1)), Column("v", Type("varchar", -1)),
         Column("b", Type("varbinary", -1)), Column("x", Type("xml"))],
        [("日b" * (size // 4), "0123456789" * (size // 10),
          BYTES * (size // 256), "<r>" + "z" * (size // 2) + "</r>")])


class Edges:
    """An engine; see above."""

    def connect(self, login):
        if not login.trusted and (
                login.user == "nobody" or login.user == "sa"
                and login.password != "Password!"):
            raise SqlError(18456, "Login failed for user '%s'." % login.user,
                           14)
        if login.database not in ("", "master", "testDB"):
            raise SqlError(4060, "Cannot open database \"%s\" requested by "
                           "the login. The login failed." % login.database, 11)
        return EdgeSession(login)


class EdgeSession:
    rolled_back = False

    def __init__(self, login):
        self.login = login
        self.database = login.database or "master"
        self.text_size = login.text_size
        self.transaction = 0
        self.transactions = itertools.count(1)
        self.cancelled = threading.Event()

    def execute(self, text, params={}):
        self.cancelled.clear()
        words = text.split()
        run = getattr(self, "run_" + words[0].lower(), None)
        if not run:
            raise SqlError(102, "Incorrect syntax near '%s'." % words[0], 15)
        return run(words[1:], params)

    def run_edges(self, words, params):
        result = all_rows() if words[0] == "*" else column_rows(words[0])
        yield result
        yield Done(len(result.rows))

    def run_surrogates(self, words, params):
        type, values = LONE_SURROGATES
        yield ResultSet([Column("v", type)], [(value,) for value in values])
        yield Done(len(values))

    def run_wide(self, words, params):
        yield wide_row()
        yield Done(1)

    def run_large(self, words, params):
        yield large_row(int(words[0]))
        yield Done(1)

    def run_rows(self, words, params):
        yield ResultSet([NUMBER], ((n,) for n in range(int(words[0]))))
        yield Done(int(words[0]))

    def run_print(self, words, params):
        yield column_rows("int")
        yield Done(6)
        yield Info(50000, 1, 0, "half of it")
        yield column_rows("bit")
        yield Done(3)
        yield ResultSet([NUMBER], [])
        yield Done(0)
        yield ResultSet([NUMBER], [(1,), Info(50000, 1, 10, "inside"), (2,)])
        yield Done(2)

    def run_fail(self, words, params):
        def rows():
            yield 1,
            yield 2,
            raise SqlError(1205, "You are the deadlock victim.", 13, 45)
        yield ResultSet([NUMBER], rows())

    def run_wait(self, words, params):
        self.cancelled.wait()
        yield Done()

    def run_params(self, words, params):
        """Shows parameters as they came, and gives them back."""
        yield ResultSet([Column(name, one.type)
                         for name, one in params.items()],
                        [tuple(one.value for one in params.values())])
        yield Done(1)
        for name, one in params.items():
            if one.output:
                yield Output(name, one.type, one.value)

    def run_select(self, words, params):
        type = Type("smallint")
        if words[0].lower() == "@@spid":
            yield ResultSet([Column("", type)], [(self.login.spid,)])
        elif words[0] == "in_transaction":
            yield ResultSet([Column("", type)], [(self.transaction > 0,)])
        elif words[0] == "read_only":
            yield ResultSet([Column("", type)], [(self.login.read_only,)])
        yield Done(1)

    def run_use(self, words, params):
        self.database = words[0]
        yield Done()

    def run_set(self, words, params):
        """What FreeTDS and tedious send after the login."""
        words = [word.lower() for word in words]
        if "textsize" in words:
            self.text_size = int(words[words.index("textsize") + 1])
        yield Done()
        if "select" in words:
            yield from self.run_select(words[words.index("select") + 1:], {})

    def run_begin(self, words, params):
        self.transaction = self.transaction or next(self.transactions)
        yield Done()

    def run_commit(self, words, params):
        self.transaction, self.rolled_back = 0, False
        yield Done()

    def run_rollback(self, words, params):
        self.transaction, self.rolled_back = 0, True
        yield Done()

    run_save = run_set

    def cancel(self):
        self.cancelled.set()

    def reset(self):
        self.transaction = 0

    def close(self):
        pass
