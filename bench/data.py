"""The tables that are copied and changed, and how to tell that two sides hold
the same rows.

Contents are made by expressions over MariaDB's sequence tables, without
chance where a second server must be filled alike.
"""

from dataclasses import dataclass, field

# MySQL's type, PostgreSQL's, and the kind of text that both give
TYPES = {
    "int": ("INT", "integer", "plain"),
    "bigint": ("BIGINT", "bigint", "plain"),
    "smallint": ("SMALLINT", "smallint", "plain"),
    "double": ("DOUBLE", "double precision", "plain"),
    "decimal": ("DECIMAL(12,2)", "numeric(12,2)", "plain"),
    "char120": ("CHAR(120)", "character(120)", "padded"),
    "char60": ("CHAR(60)", "character(60)", "padded"),
    "char9": ("CHAR(9)", "character(9)", "padded"),
    "char2": ("CHAR(2)", "character(2)", "padded"),
    "varchar24": ("VARCHAR(24)", "character varying(24)", "plain"),
    "varchar60": ("VARCHAR(60)", "character varying(60)", "plain"),
    "varchar200": ("VARCHAR(200)", "character varying(200)", "plain"),
    "varchar500": ("VARCHAR(500)", "character varying(500)", "plain"),
    "text": ("TEXT", "text", "plain"),
    "json": ("JSON", "jsonb", "plain"),
    "blob": ("BLOB", "bytea", "bytes"),
    "date": ("DATE", "date", "plain"),
    "datetime": ("DATETIME(3)", "timestamp(3) without time zone", "moment"),
}

# text of a column by kind: MariaDB, PostgreSQL
TEXTS = {
    "plain": ("%s", "%s::text"),
    "padded": ("RTRIM(%s)", "rtrim(%s::text)"),
    "bytes": ("HEX(%s)", "upper(encode(%s, 'hex'))"),
    "moment": ("DATE_FORMAT(%s, '%%Y-%%m-%%d %%H:%%i:%%s.%%f')",
               "to_char(%s::timestamp, 'YYYY-MM-DD HH24:MI:SS.US')"),
}


@dataclass
class Table:
    name: str
    columns: str                    # "id int, v text": of TYPES
    key: str = "id"
    rows: int = 0                   # at scale 1
    values: list = field(default_factory=list)  # over seq, one a column

    def __post_init__(self):
        self.columns = [tuple(column.split())
                        for column in self.columns.split(",")]

    def names(self):
        return ", ".join(name for name, _ in self.columns)

    def create(self, dialect, schema="", key=True):
        """dialect -- 0 for MariaDB, 1 for PostgreSQL"""
        keys = [name.strip() for name in self.key.split(",") if name]
        lines = ["%s %s%s" % (name, TYPES[kind][dialect],
                              " NOT NULL" if name in keys else "")
                 for name, kind in self.columns]
        if key and self.key:
            lines.append("PRIMARY KEY (%s)" % self.key)
        return "CREATE TABLE %s%s (%s)" % (schema, self.name,
                                           ", ".join(lines))

    def fill(self, rows):
        """A statement for MariaDB."""
        return "INSERT INTO %s SELECT %s FROM seq_1_to_%d" % (
            self.name, ", ".join(self.values), rows)

    def fingerprint(self, dialect, schema=""):
        """A query for the number of rows and a hash, whatever their order."""
        texts = ", ".join(
            "COALESCE(%s, '~')" % (TEXTS[TYPES[kind][2]][dialect] % name)
            for name, kind in self.columns)
        hashed = ("CAST(CONV(LEFT(MD5(CONCAT_WS('|', %s)), 12), 16, 10)"
                  " AS UNSIGNED)",
                  "('x' || left(md5(concat_ws('|', %s)), 12))"
                  "::bit(48)::bigint")[dialect] % texts
        return "SELECT COUNT(*), COALESCE(SUM(%s), 0) FROM %s%s" % (
            hashed, schema, self.name)


def read_fingerprints(execute, tables, dialect, schema=""):
    """execute -- runs a query and gives its rows"""
    result = {}
    for table in tables:
        (count, total), = execute(table.fingerprint(dialect, schema))
        result[table.name] = (int(count), int(total))
    return result


def compare(what, expected, found):
    """A line for the report; an error if rows differ."""
    wrong = sorted(name for name in expected
                   if expected[name] != found.get(name))
    if wrong:
        raise RuntimeError("%s: other rows than the source's in %s"
                           % (what, ", ".join(
                               "%s (%s, not %s)" % (name, found.get(name),
                                                    expected[name])
                               for name in wrong)))
    return "%s: same rows as the source, %s in %d table%s" % (
        what, format(sum(count for count, _ in expected.values()), ","),
        len(expected), "" if len(expected) == 1 else "s")


WIDE = Table(
    "wide", "id int, n int, a char120, b char60, price decimal, at datetime",
    rows=1000000, values=[
        "seq", "seq * 7919 % 1000003",
        "LEFT(CONCAT(MD5(seq), MD5(seq + 1), MD5(seq + 2)), 80)",
        "LEFT(CONCAT(MD5(seq + 3), MD5(seq + 4)), 40)",
        "seq % 100000000 / 100",
        "'2020-01-01' + INTERVAL seq * 1001 * 1000 MICROSECOND"])

NARROW = Table(
    "narrow", "id int, a int, b int, c int, d date",
    rows=5000000, values=[
        "seq", "seq * 7919 % 1000003", "seq % 100", "-seq",
        "'2000-01-01' + INTERVAL seq % 9000 DAY"])

# One GB in twenty tables of four kinds
MIXED_KINDS = [
    Table("note", "id int, title varchar200, body text, at datetime",
          rows=50000, values=[
              "seq", "CONCAT('caf\N{LATIN SMALL LETTER E WITH ACUTE} ', seq)",
              "REPEAT(CONCAT(MD5(seq), '\\t'), 10 + seq % 40)",
              "'2020-01-01' + INTERVAL seq SECOND"]),
    Table("document", "id bigint, body json", rows=100000, values=[
        "seq",
        "CONCAT('{\"id\": ', seq, ', \"tags\": [\"', MD5(seq), '\", \"',"
        " MD5(seq + 1), '\"], \"text\": \"', REPEAT(MD5(-seq), 12),"
        " '\", \"price\": ', seq % 1000, '.5}')"]),
    Table("file", "id int, name varchar200, content blob", rows=5000, values=[
        "seq", "CONCAT('file', seq)",
        "CONCAT(%s)" % ", ".join(["RANDOM_BYTES(1000)"] * 10)]),
    Table("item", "id int, parent bigint, rank smallint, price decimal,"
          " weight double, name varchar200, note varchar200, at datetime,"
          " day date", rows=250000, values=[
              "seq", "seq * 1000003", "seq % 30000", "seq % 100000000 / 100",
              "seq % 1000 / 2", "REPEAT(MD5(seq), 3)",
              "IF(seq % 3 = 0, NULL, MD5(-seq))",
              "IF(seq % 5 = 0, NULL, '2020-01-01' + INTERVAL seq SECOND)",
              "'2000-01-01' + INTERVAL seq % 9000 DAY"]),
]

MIXED = [Table("%s%d" % (kind.name, n),
               ",".join(" ".join(column) for column in kind.columns),
               rows=kind.rows, values=kind.values)
         for n in range(1, 6) for kind in MIXED_KINDS]

SNAPSHOTS = {"wide": [WIDE], "narrow": [NARROW], "mixed": MIXED}


def fill_source(source, name, tables, scale):
    """A database of that name with these tables and their rows."""
    source.execute("DROP DATABASE IF EXISTS %s" % name,
                   "CREATE DATABASE %s CHARACTER SET utf8mb4" % name)
    connection = source.connect(name)
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(table.create(0))
            rows = int(table.rows * scale)
            if rows > 0:
                cursor.execute(table.fill(rows))
    connection.close()
