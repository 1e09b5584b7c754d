"""The SQL Server test server in this process, and clients to talk to it.

A client reads a column of sqlserver.edges as values of Python; what() says
what it can make of a value, and names those it can make nothing of.
"""
import ctypes.util
import datetime
import decimal
import importlib.util
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import uuid

import pytest

TEST = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(TEST / "sim"))

from sqlserver.types import DAYS_TO_1900      # noqa: E402
from sqlserver.values import (TICKS_PER_DAY, TICKS_PER_MINUTE,  # noqa: E402
                              TICKS_PER_SECOND, DateTime, DateTimeOffset,
                              Time, Variant)

CLIENTS = TEST / "e2e" / "clients"
USER, PASSWORD, DATABASE = "sa", "Password!", "testDB"
EPOCH = DateTime.of(1970, 1, 1)
EPOCH_1900 = DateTime.of(1900, 1, 1)
TICKS_PER_MS = TICKS_PER_SECOND // 1000
TICKS_PER_US = 10
TIMEOUT = 120


def make_certificate(directory):
    """A certificate of 127.0.0.1, and its key."""
    certificate, key = directory / "server.pem", directory / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key,
         "-out", certificate], check=True, capture_output=True)
    return certificate, key


class Client:
    """A way to a server: its port, the size of packets, TLS."""

    missing = None              # why it cannot be used
    cannot = ()                 # columns of edges it cannot read
    read_only = False           # what it says it intends
    query = "edges %s"          # for the values of a column, in order

    def __init__(self, port, packet_size=4096, authority=None,
                 directory=None):
        self.port = port
        self.packet_size = packet_size
        self.authority = authority      # None: no TLS
        self.directory = directory      # for files

    def columns(self, names):
        """{name: values}"""
        raise NotImplementedError

    def what(self, type, value):
        """What the client makes of a value."""
        return value

    def rows(self, batch):
        """The rows of a batch's first result."""
        raise NotImplementedError


def missing_command(name, package):
    return None if shutil.which(name) else \
        "no %s (package %s)" % (name, package)


def missing_module(name, package):
    return None if importlib.util.find_spec(name) else \
        "no %s (package %s)" % (name, package)


# ---- FreeTDS --------------------------------------------------------------

class FreeTDS(Client):
    """Reads its server from a file."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.encryption = "require" if self.authority else "off"

    def environment(self):
        path = self.directory / "freetds.conf"
        path.write_text("\n".join((
            "[src]", "host = 127.0.0.1", "port = %d" % self.port,
            "tds version = 7.4", "client charset = UTF-8",
            "text size = 2147483647", "encryption = " + self.encryption,
            "initial block size = %d" % self.packet_size,
            "read-only intent = %s" % ("yes" if self.read_only else "no"),
            *(["ca file = %s" % self.authority] if self.authority else []),
            "")))
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith("TDS")}
        return {**kept, "FREETDSCONF": str(path), "LC_ALL": "C.UTF-8"}

    def run(self, command, text=""):
        return subprocess.run(
            command, input=text, env=self.environment(), timeout=TIMEOUT,
            capture_output=True, text=True)


def dblib_decimal(raw):
    precision, scale, negative = raw[:3]
    size = DECIMAL_BYTES[precision - 1]
    number = int.from_bytes(raw[3:2 + size], "big")
    return decimal.Decimal(-number if negative else number).scaleb(-scale)


# a sign, and what the digits need
DECIMAL_BYTES = [1 + ((10 ** digits - 1).bit_length() + 7) // 8
                 for digits in range(1, 39)]


def dblib_money(raw):
    high, low = struct.unpack("<iI", raw)
    return decimal.Decimal(high << 32 | low).scaleb(-4)


def dblib_instant(raw):
    """DBDATETIMEALL"""
    ticks, days, offset, flags = struct.unpack("<QihH", raw)
    instant = (days + DAYS_TO_1900) * TICKS_PER_DAY + ticks
    has_time, has_date, has_offset = (flags & bit for bit in
                                      (0x2000, 0x4000, 0x8000))
    if has_offset:
        return DateTimeOffset(instant, offset)
    if not has_date:
        return Time(ticks)
    return DateTime(instant) if has_time else DateTime(instant).date


def dblib_datetime(raw):
    days, steps = struct.unpack("<iI", raw)
    return DateTime((days + DAYS_TO_1900) * TICKS_PER_DAY
                    + round(steps * TICKS_PER_SECOND / 300))


def dblib_smalldatetime(raw):
    days, minutes = struct.unpack("<HH", raw)
    return DateTime((days + DAYS_TO_1900) * TICKS_PER_DAY
                    + minutes * TICKS_PER_MINUTE)


def unpacker(layout):
    return lambda raw: struct.unpack(layout, raw)[0]


# of what dbcoltype() tells
DBLIB_VALUES = {
    50: lambda raw: raw == b"\1", 48: unpacker("<B"), 52: unpacker("<h"),
    56: unpacker("<i"), 127: unpacker("<q"), 59: unpacker("<f"),
    62: unpacker("<d"), 60: dblib_money,
    122: lambda raw: decimal.Decimal(*struct.unpack("<i", raw)).scaleb(-4),
    106: dblib_decimal, 108: dblib_decimal, 61: dblib_datetime,
    58: dblib_smalldatetime, 40: dblib_instant, 41: dblib_instant,
    42: dblib_instant, 43: dblib_instant,
    36: lambda raw: uuid.UUID(bytes_le=raw), 98: bytes, 45: bytes,
    34: bytes, 240: bytes,
}


class DbLib(FreeTDS):
    """FreeTDS's db-lib, by ctypes, in a process of its own."""

    name = "dblib"
    missing = None if ctypes.util.find_library("sybdb") else \
        "no db-lib (package libsybdb5)"
    cannot = ("sql_variant",)   # db-lib does not tell the type inside

    user, password, database = USER, PASSWORD, DATABASE

    def batches(self, *batches, timeout=0):
        done = self.run([sys.executable, "-P", CLIENTS / "dblib.py", "src",
                         self.user, self.password, self.database,
                         str(timeout), *batches])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def rows(self, batch):
        told, = self.batches(batch)["batches"]
        return [list(map(self.value, row))
                for row in told["results"][0]["rows"]]

    def columns(self, names):
        told = self.batches(*[self.query % name for name in names])
        return {name: [self.value(row[1])
                       for row in batch["results"][0]["rows"]]
                for name, batch in zip(names, told["batches"])}

    def value(self, told):
        if isinstance(told, list):
            type, raw = told
            return DBLIB_VALUES[type](bytes.fromhex(raw))
        return told


def to_minute(ticks):
    return ticks // TICKS_PER_MINUTE * TICKS_PER_MINUTE


def printed_date(value):
    """FreeTDS prints dates to the minute."""
    if isinstance(value, DateTimeOffset):
        value = value.local
    if isinstance(value, Time):
        value = DateTime(EPOCH_1900.ticks + value.ticks)
    elif isinstance(value, datetime.date):
        value = DateTime.join(value)
    hour, minute = divmod(value.time.ticks // TICKS_PER_MINUTE, 60)
    return "%s %2d %d %02d:%02d%s" % (
        "JanFebMarAprMayJunJulAugSepOctNovDec"[
            3 * value.date.month - 3:3 * value.date.month],
        value.date.day, value.date.year, hour % 12 or 12, minute,
        "PM" if hour >= 12 else "AM")


DATES = (datetime.date, Time, DateTime, DateTimeOffset)


def printed(value):
    """What tsql shows."""
    if isinstance(value, Variant):
        value = value.value
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, DATES):
        return printed_date(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, uuid.UUID):
        return str(value).upper()
    return value if isinstance(value, float) else str(value)


class Tsql(FreeTDS):
    """FreeTDS's tsql: all as text."""

    name = "tsql"
    missing = missing_command("tsql", "freetds-bin")
    cannot = ("hierarchyid", "geometry", "geography")
    FIELD, ROW = "\x1d", "\x1e"

    def columns(self, names):
        done = self.run(
            ["tsql", "-S", "src", "-U", USER, "-P", PASSWORD, "-D", DATABASE,
             "-o", "fhq", "-t", self.FIELD, "-r", self.ROW],
            "".join(self.query % name + "\ngo\n" for name in names))
        assert done.returncode == 0, done.stderr
        rows = re.findall(r"(\d+)%s([^%s]*)%s" % (self.FIELD, self.ROW,
                                                  self.ROW), done.stdout)
        columns = []
        for number, value in rows:
            if number == "0":
                columns.append([])
            columns[-1].append(value)
        return {name: [self.read(name, value) for value in values]
                for name, values in zip(names, columns, strict=True)}

    def read(self, name, value):
        """Numbers that are not exact as numbers."""
        inexact = name.startswith(("real", "float"))
        return float(value) if inexact and value != "NULL" else value

    def what(self, type, value):
        if type.name == "real" and value is not None:
            return float("%.9g" % value)
        if type.name == "sql_variant" and value is not None \
                and isinstance(value.value, float):
            return "%.17g" % value.value
        if type.name == "decimal" and value is not None:
            return "{:f}".format(value)
        return printed(value)


class Bsqldb(FreeTDS):
    """FreeTDS's bsqldb: db-lib, for those types that it prints."""

    name = "bsqldb"
    missing = missing_command("bsqldb", "freetds-bin")
    can = ("bit", "tinyint", "smallint", "int", "bigint", "money",
           "smallmoney", "varchar", "nvarchar", "varchar_cyrillic",
           "varchar_japanese", "varchar_utf8", "binary")

    def columns(self, names):
        return {name: self.column(name) for name in names}

    def column(self, name):
        done = self.run(
            ["bsqldb", "-S", "src", "-U", USER, "-P", PASSWORD,
             "-D", DATABASE, "-h", "-t", "\x1d"], self.query % name + "\n")
        assert done.returncode == 0, done.stderr
        return re.findall("^\\d+\x1d(.*)$", done.stdout, re.M)

    def what(self, type, value):
        if isinstance(value, bytes):
            return "0x" + value.hex()
        # blanks at the end are not printed
        return printed(value).rstrip(" ")


# ---- python3-tds -----------------------------------------------------------

def to_microseconds(value):
    """Values of module datetime, cut."""
    if isinstance(value, Time):
        value = DateTime(EPOCH.ticks + value.ticks)
        return to_microseconds(value).time()
    if isinstance(value, DateTimeOffset):
        zone = datetime.timezone(datetime.timedelta(minutes=value.offset))
        return to_microseconds(value.local).replace(tzinfo=zone)
    date, ticks = value.date, value.time.ticks
    return (datetime.datetime(date.year, date.month, date.day)
            + datetime.timedelta(microseconds=ticks // TICKS_PER_US))


class Pytds(Client):
    name = "pytds"
    missing = missing_module("pytds", "python3-tds") \
        or missing_module("OpenSSL", "python3-openssl")
    cannot = ("varchar_utf8", "char_utf8")  # it does not know such collations

    def connect(self, **options):
        import pytds
        return pytds.connect(**{
            "dsn": "127.0.0.1", "port": self.port, "user": USER,
            "password": PASSWORD, "database": DATABASE, "autocommit": True,
            "blocksize": self.packet_size, "timeout": TIMEOUT,
            "cafile": self.authority and str(self.authority),
            "validate_host": False, **options})

    def rows(self, batch):
        with self.connect() as connection:
            cursor = connection.cursor()
            cursor.execute(batch)
            return list(map(list, cursor.fetchall()))

    def columns(self, names):
        with self.connect() as connection:
            cursor = connection.cursor()
            columns = {}
            for name in names:
                cursor.execute(self.query % name)
                columns[name] = [value for _, value in cursor.fetchall()]
            return columns

    def what(self, type, value):
        if isinstance(value, Variant):
            return self.what(value.type, value.value)
        if type.name == "datetime" and value is not None:
            # to the millisecond
            ticks = round(value.ticks / TICKS_PER_MS) * TICKS_PER_MS
            return to_microseconds(DateTime(ticks))
        if isinstance(value, (Time, DateTime, DateTimeOffset)):
            return to_microseconds(value)
        return value


# ---- tedious --------------------------------------------------------------

class Tedious(Client):
    """npm's tedious; TEDIOUS names the folder that has its node_modules."""

    name = "tedious"
    modules = os.environ.get("TEDIOUS_MODULES", "")
    missing = missing_command("node", "nodejs") or (
        not os.path.isdir(os.path.join(modules, "tedious"))
        and "no tedious (TEDIOUS_MODULES)")

    def steps(self, *steps, **told):
        options = {"encrypt": bool(self.authority),
                   "packetSize": self.packet_size,
                   "readOnlyIntent": self.read_only}
        if self.authority:
            options["cryptoCredentialsDetails"] = {
                "ca": pathlib.Path(self.authority).read_text()}
        options |= told.pop("options", {})
        done = subprocess.run(
            ["node", CLIENTS / "tedious.js"], input=json.dumps(
                {"port": self.port, "options": options, "steps": steps,
                 **told}),
            env={**os.environ, "NODE_PATH": self.modules}, text=True,
            capture_output=True, timeout=TIMEOUT)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def rows(self, batch):
        told, = self.steps({"batch": batch})["steps"]
        return [list(map(self.value, row))
                for row in told["results"][0]["rows"]]

    def columns(self, names):
        told = self.steps(*[{"batch": self.query % name} for name in names])
        return {name: [self.value(row[1])
                       for row in step["results"][0]["rows"]]
                for name, step in zip(names, told["steps"], strict=True)}

    def value(self, told):
        """Bytes and instants in ticks, from the objects that tell them."""
        if not isinstance(told, dict):
            return told
        if "bytes" in told:
            return bytes.fromhex(told["bytes"])
        return (EPOCH.ticks + told["ms"] * TICKS_PER_MS
                + round(told["delta"] * TICKS_PER_SECOND))

    def what(self, type, value):
        if isinstance(value, Variant):
            if value.type.name == "varchar":
                # it looks for the collation behind the length, and misses it
                return re.sub("[^\0-\x7f]", "\ufffd", value.value)
            return self.what(value.type, value.value)
        if isinstance(value, decimal.Decimal):
            return float(value)
        if type.name == "bigint":
            return value if value is None else str(value)
        if isinstance(value, uuid.UUID):
            return str(value).upper()
        if isinstance(value, Time):
            return EPOCH.ticks + value.ticks
        if type.name == "datetime" and value is not None:
            return round(value.ticks / TICKS_PER_MS) * TICKS_PER_MS
        if isinstance(value, (DateTime, DateTimeOffset)):
            return value.ticks
        if isinstance(value, datetime.date):
            return DateTime.join(value).ticks
        return value


ALL = (DbLib, Tsql, Bsqldb, Pytds, Tedious)


def needs(one):
    """Skips a test where the client is missing."""
    return pytest.mark.skipif(bool(one.missing), reason=str(one.missing))


def client_parameters(*classes):
    return [pytest.param(one, id=one.name, marks=needs(one))
            for one in classes or ALL]
