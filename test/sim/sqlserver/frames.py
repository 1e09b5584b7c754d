"""Bytes of TDS: a reader, texts, and how lengths and NULL are told.

A frame puts a value's bytes into a row: with a length of one, two or four
bytes, in chunks (PLP), or behind a text pointer.
"""
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Malformed(Exception):
    """Bytes of a client that are not TDS."""


class Reader:
    """Takes bytes apart."""

    def __init__(self, data, position=0):
        self.data = data
        self.position = position

    def __bool__(self):
        return self.position < len(self.data)

    def take(self, size):
        end = self.position + size
        if size < 0 or end > len(self.data):
            raise Malformed("%d bytes wanted at %d of %d"
                            % (size, self.position, len(self.data)))
        taken = self.data[self.position:end]
        self.position = end
        return taken

    def unpack(self, layout):
        values = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return values[0] if len(values) == 1 else values

    def byte(self):
        return self.take(1)[0]

    def text(self, size):
        """size is in UTF-16 units."""
        return self.take(2 * size).decode("utf-16-le", "surrogatepass")

    def b_varchar(self):
        return self.text(self.byte())

    def us_varchar(self):
        return self.text(self.unpack("<H"))


def utf16(text):
    return text.encode("utf-16-le", "surrogatepass")


def b_varchar(text):
    data = utf16(text)
    return bytes([len(data) // 2]) + data


def us_varchar(text):
    data = utf16(text)
    return struct.pack("<H", len(data) // 2) + data


@dataclass(frozen=True)
class Large:
    """How values of unlimited length are sent."""
    chunk: int = 8000
    known: bool = True          # whether their length is told first
    limit: int = -1             # SET TEXTSIZE, not for xml and UDTs


UNKNOWN_LENGTH = struct.pack("<Q", 2**64 - 2)
PLP_NULL = struct.pack("<Q", 2**64 - 1)
ONE_BYTE = [bytes([size]) for size in range(256)]


def frame_bare(data, large):
    """Of types of a fixed size."""
    def encode(value):
        if value is None:
            raise ValueError("NULL in a NOT NULL column")
        return data(value)
    return encode


def prefixed(layout, null):
    """The frame of a length and the bytes."""
    pack = struct.Struct(layout).pack

    def frame(data, large):
        def encode(value):
            if value is None:
                return null
            raw = data(value)
            return pack(len(raw)) + raw
        return encode
    return frame


def limited(data, large):
    """data(), cut to the limit."""
    if large.limit < 0:
        return data
    return lambda value: data(value)[:large.limit]


def frame_plp(data, large):
    def encode(value):
        if value is None:
            return PLP_NULL
        raw = data(value)
        parts = [struct.pack("<Q", len(raw)) if large.known
                 else UNKNOWN_LENGTH]
        for start in range(0, len(raw), large.chunk):
            chunk = raw[start:start + large.chunk]
            parts += struct.pack("<I", len(chunk)), chunk
        parts.append(b"\0\0\0\0")
        return b"".join(parts)
    return encode


TEXT_POINTER = bytes(range(0xA0, 0xB0)) + b"rowstamp"


def frame_text(data, large):
    """text, ntext and image in rows: with a text pointer and a timestamp."""
    data = limited(data, large)

    def encode(value):
        if value is None:
            return b"\0"
        raw = data(value)
        return b"".join((b"\x10", TEXT_POINTER, struct.pack("<I", len(raw)),
                         raw))
    return encode


def frame_limited_plp(data, large):
    return frame_plp(limited(data, large), large)


def unframe_byte(reader):
    return reader.take(reader.byte()) or None


def unframe_short(reader):
    size = reader.unpack("<H")
    return None if size == 0xFFFF else reader.take(size)


def unframe_long(reader):
    return reader.take(reader.unpack("<I")) or None


def unframe_plp(reader):
    total = reader.take(8)
    if total == PLP_NULL:
        return None
    chunks = []
    while size := reader.unpack("<I"):
        chunks.append(reader.take(size))
    raw = b"".join(chunks)
    if total != UNKNOWN_LENGTH and struct.unpack("<Q", total) != (len(raw),):
        raise Malformed("a value of another length than told")
    return raw


def unframe_text(reader):
    size = reader.byte()
    if not size:
        return None
    reader.take(size + 8)
    return reader.take(reader.unpack("<I"))


def unframe_text_parameter(reader):
    """Parameters have no text pointer."""
    size = reader.unpack("<i")
    return None if size == -1 else reader.take(size)


class Frame(NamedTuple):
    encode: Callable
    decode: Callable


BARE = Frame(frame_bare, None)
BYTE = Frame(prefixed("<B", b"\0"), unframe_byte)
SHORT = Frame(prefixed("<H", b"\xff\xff"), unframe_short)
LONG = Frame(prefixed("<I", b"\0\0\0\0"), unframe_long)
PLP = Frame(frame_plp, unframe_plp)
LIMITED_PLP = Frame(frame_limited_plp, unframe_plp)
TEXT = Frame(frame_text, unframe_text)
