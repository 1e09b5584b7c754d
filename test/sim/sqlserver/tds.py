"""TDS 7.4: packets, prelogin, login, requests and tokens, as bytes.

Nothing here touches a socket.  Source of the layouts: [MS-TDS] 2.2.
"""
import struct
from dataclasses import dataclass, field

from .frames import Large, Malformed, Reader, b_varchar, us_varchar, utf16
from .types import (HAS_TABLE, USER_TYPES, canonical, encoder, null_size,
                    read_clr, read_type, read_value, type_info)

# ---- packets --------------------------------------------------------------

HEADER = struct.Struct(">BBHHBB")
SMALLEST_PACKET, DEFAULT_PACKET, LARGEST_PACKET = 512, 4096, 32767

BATCH, RPC, REPLY, ATTENTION = 0x01, 0x03, 0x04, 0x06
TRANSACTION, LOGIN, PRELOGIN = 0x0E, 0x10, 0x12

END_OF_MESSAGE, IGNORE, RESET, RESET_KEEP = 0x01, 0x02, 0x08, 0x10


def packets(payload, size, kind=REPLY, first=1, spid=0, last=True):
    """A message cut into packets; all but the last one are full."""
    room = size - HEADER.size
    starts = range(0, max(len(payload), 1), room)
    parts = []
    for number, start in enumerate(starts):
        part = payload[start:start + room]
        end = last and start + room >= len(payload)
        parts += HEADER.pack(kind, END_OF_MESSAGE if end else 0,
                             len(part) + HEADER.size, spid,
                             (first + number) & 0xFF, 0), part
    return b"".join(parts)


# ---- prelogin -------------------------------------------------------------

VERSION, ENCRYPTION, INSTANCE, THREAD, MARS = range(5)
ENCRYPT_OFF, ENCRYPT_ON, ENCRYPT_UNSUPPORTED, ENCRYPT_REQUIRED = range(4)
END_OF_OPTIONS = 0xFF

SERVER_VERSION = bytes([15, 0, *divmod(4430, 256)])    # 15.0.4430, 2019


def read_prelogin(data):
    """{option: bytes}"""
    options, reader = {}, Reader(data)
    while (option := reader.byte()) != END_OF_OPTIONS:
        offset, size = reader.unpack(">HH")
        options[option] = Reader(data, offset).take(size)
    return options


def prelogin(encryption):
    options = {VERSION: SERVER_VERSION + b"\0\0",
               ENCRYPTION: bytes([encryption]), INSTANCE: b"\0", THREAD: b"",
               MARS: b"\0"}
    offset = 5 * len(options) + 1
    head = b""
    for option, value in options.items():
        head += struct.pack(">BHH", option, offset, len(value))
        offset += len(value)
    return head + bytes([END_OF_OPTIONS]) + b"".join(options.values())


# ---- login ----------------------------------------------------------------

TDS_7_4 = 0x74000004
LOGIN_TEXTS = {"host": 36, "user": 40, "password": 44, "app": 48,
               "server": 52, "library": 60, "language": 64, "database": 68}
ODBC, INTEGRATED, READ_ONLY_INTENT, HAS_EXTENSION = 0x02, 0x80, 0x20, 0x10
DBLIB_TEXT_SIZE = 4096
UTF8_SUPPORT, END_OF_FEATURES = 0x0A, 0xFF


@dataclass
class Login:
    version: int = TDS_7_4
    packet_size: int = DEFAULT_PACKET
    host: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    app: str = ""
    server: str = ""
    library: str = ""
    language: str = ""
    database: str = ""
    read_only: bool = False
    integrated: bool = False        # asks for SSPI
    features: tuple = ()
    encrypted: bool = False         # set by the server, as is
    spid: int = 0                   # the number of the session
    trusted: bool = False           # of the control channel
    text_size: int = -1             # SET TEXTSIZE at first


def descrambled(data):
    return bytes(((byte ^ 0xA5) << 4 | (byte ^ 0xA5) >> 4) & 0xFF
                 for byte in data)


def read_login(data):
    login = Login()
    fixed = Reader(data)
    if fixed.unpack("<I") != len(data):
        raise Malformed("login of another length than told")
    login.version, login.packet_size = fixed.unpack("<II")
    _, flags2, type_flags, flags3 = Reader(data, 24).unpack("<4B")
    login.read_only = bool(type_flags & READ_ONLY_INTENT)
    login.integrated = bool(flags2 & INTEGRATED)
    login.text_size = -1 if flags2 & ODBC else DBLIB_TEXT_SIZE
    for name, position in LOGIN_TEXTS.items():
        offset, size = Reader(data, position).unpack("<HH")
        raw = Reader(data, offset).take(2 * size)
        if name == "password":
            raw = descrambled(raw)
        setattr(login, name, raw.decode("utf-16-le", "surrogatepass"))
    if flags3 & HAS_EXTENSION:
        offset, = struct.unpack("<H", data[56:58])
        features = Reader(data, Reader(data, offset).unpack("<I"))
        while (feature := features.byte()) != END_OF_FEATURES:
            features.take(features.unpack("<I"))
            login.features += feature,
    return login


# ---- requests -------------------------------------------------------------

PROCEDURES = {1: "sp_cursor", 2: "sp_cursoropen", 3: "sp_cursorprepare",
              4: "sp_cursorexecute", 5: "sp_cursorprepexec",
              6: "sp_cursorunprepare", 7: "sp_cursorfetch",
              8: "sp_cursoroption", 9: "sp_cursorclose",
              10: "sp_executesql", 11: "sp_prepare", 12: "sp_execute",
              13: "sp_prepexec", 14: "sp_prepexecrpc", 15: "sp_unprepare"}
NO_METADATA = 0x02
BY_REFERENCE = 0x01
BATCH_FLAGS = (0x80, 0xFE, 0xFF)

BEGIN, COMMIT, ROLLBACK, SAVE = 5, 7, 8, 9


@dataclass
class Argument:
    name: str
    type: object
    value: object
    output: bool


@dataclass
class Call:
    name: str
    arguments: list

    def __str__(self):
        """For the eye, and for patterns."""
        return "%s %s" % (self.name, ", ".join(
            "%s%s" % (one.name and one.name + " = ", one.value)
            for one in self.arguments))


def without_headers(data):
    """What is behind ALL_HEADERS."""
    return data[Reader(data).unpack("<I"):]


def read_batch(data):
    return without_headers(data).decode("utf-16-le", "surrogatepass")


def read_calls(data):
    """The procedure calls of an RPC message."""
    reader = Reader(without_headers(data))
    calls = []
    while reader:
        size = reader.unpack("<H")
        name = (PROCEDURES.get(number := reader.unpack("<H"), str(number))
                if size == 0xFFFF else reader.text(size))
        reader.unpack("<H")
        arguments = []
        while reader and reader.data[reader.position] not in BATCH_FLAGS:
            parameter = reader.b_varchar()
            output = bool(reader.byte() & BY_REFERENCE)
            type = read_type(reader, read_clr)
            arguments.append(Argument(
                parameter, type, read_value(reader, type, True), output))
        if reader:
            reader.byte()
        calls.append(Call(name, arguments))
    return calls


@dataclass
class TransactionRequest:
    kind: int
    isolation: int = 0
    name: str = ""


def read_transaction(data):
    reader = Reader(without_headers(data))
    request = TransactionRequest(reader.unpack("<H"))
    if request.kind == BEGIN:
        request.isolation = reader.byte()
    if request.kind in (BEGIN, COMMIT, ROLLBACK, SAVE):
        request.name = reader.take(reader.byte()).decode("utf-16-le")
    return request


# ---- tokens ---------------------------------------------------------------

DONE, DONE_PROC, DONE_IN_PROC = 0xFD, 0xFE, 0xFF
MORE, ERROR, IN_TRANSACTION, COUNT, ATTENTION_ACK = 0x1, 0x2, 0x4, 0x10, 0x20
NULLABLE, UPDATABLE, IDENTITY, COMPUTED = 0x1, 0x8, 0x10, 0x20

(CHANGE_DATABASE, CHANGE_LANGUAGE, CHANGE_PACKET, CHANGE_COLLATION,
 CHANGE_BEGIN, CHANGE_COMMIT, CHANGE_ROLLBACK, CHANGE_RESET) = (
     1, 2, 4, 7, 8, 9, 10, 18)

SERVER_NAME = "SYNCHDB-TEST-SERVER"


def token(code, body):
    """A token whose length is told."""
    return struct.pack("<BH", code, len(body)) + body


def done(code=DONE, status=0, count=None, command=0):
    if count is not None:
        status |= COUNT
    return struct.pack("<BHHQ", code, status, command, count or 0)


def environment(kind, new, old=""):
    """Texts, or bytes (collation, transaction descriptors)."""
    def part(value):
        if isinstance(value, str):
            return b_varchar(value)
        return bytes([len(value)]) + value
    return token(0xE3, bytes([kind]) + part(new) + part(old))


def message(item, is_error):
    """A SqlError or an Info."""
    text = item.message
    while len(utf16(text)) > 8000:
        text = text[:len(text) * 9 // 10]
    return token(0xAA if is_error else 0xAB, b"".join((
        struct.pack("<iBB", item.number, item.state, item.class_),
        us_varchar(text), b_varchar(SERVER_NAME), b_varchar(item.procedure),
        struct.pack("<i", item.line))))


def login_ack(name="Microsoft SQL Server"):
    return token(0xAD, b"\1" + struct.pack(">I", TDS_7_4) + b_varchar(name)
                 + SERVER_VERSION)


def feature_ack(features):
    """Of what clients ask for, UTF-8 collations are there."""
    if UTF8_SUPPORT not in features:
        return b""
    return b"\xAE" + struct.pack("<BI", UTF8_SUPPORT, 1) + b"\1\xff"


def return_status(value):
    return struct.pack("<Bi", 0x79, value)


def return_value(ordinal, name, type, value, large=Large()):
    return b"".join((
        struct.pack("<BH", 0xAC, ordinal), b_varchar(name), b"\1",
        struct.pack("<IH", 0, NULLABLE), type_info(type),
        encoder(type, large)(value)))


def column_metadata(columns):
    parts = [struct.pack("<BH", 0x81, len(columns))]
    for column in columns:
        type = canonical(column.type)
        flags = (NULLABLE * type.nullable | IDENTITY * type.identity
                 | COMPUTED * type.computed)
        if not (type.identity or type.computed):
            flags |= UPDATABLE
        parts += (struct.pack("<IH", USER_TYPES.get(type.name, 0), flags),
                  type_info(type))
        if type.name in HAS_TABLE:
            parts.append(bytes([len(type.table)]))
            parts += map(us_varchar, type.table)
        parts.append(b_varchar(column.name))
    return b"".join(parts)


AUTOMATIC, NEVER, ALWAYS = "automatic", "never", "always"


def row_encoder(columns, null_bitmap=AUTOMATIC, large=Large()):
    """A function that gives the token of a row, ROW or NBCROW.

    SQL Server uses NBCROW where it is shorter; a client must take both.
    """
    encoders = [encoder(column.type, large) for column in columns]
    bitmap_size = (len(columns) + 7) // 8
    null_sizes = [null_size(column.type) if column.type.nullable else 0
                  for column in columns]

    def plain(row):
        return b"\xD1" + b"".join(
            [encode(value) for encode, value in zip(encoders, row)])

    def with_bitmap(row):
        bits = sum(1 << number for number, value in enumerate(row)
                   if value is None)
        return b"\xD2" + bits.to_bytes(bitmap_size, "little") + b"".join(
            [encode(value) for encode, value in zip(encoders, row)
             if value is not None])

    def shorter(row):
        if None in row:
            saved = sum(size for size, value in zip(null_sizes, row)
                        if value is None)
            if saved > bitmap_size:
                return with_bitmap(row)
        return plain(row)

    return {AUTOMATIC: shorter, NEVER: plain, ALWAYS: with_bitmap}[null_bitmap]
