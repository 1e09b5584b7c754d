"""Collations: their name, their five bytes on the wire, their code page.

A name is read from its parts, as in Cyrillic_General_100_CI_AS_SC: a family,
which has a locale and a code page, a version, and sensitivities.
"""
import codecs
import functools
import struct
from dataclasses import dataclass

DEFAULT = "SQL_Latin1_General_CP1_CI_AS"

# family: locale, Python's codec
FAMILIES = {
    "Latin1_General": (0x0409, "cp1252"),
    "Albanian": (0x041C, "cp1250"),
    "Arabic": (0x0401, "cp1256"),
    "Chinese_PRC": (0x0804, "cp936"),
    "Chinese_Taiwan_Stroke": (0x0404, "cp950"),
    "Croatian": (0x041A, "cp1250"),
    "Cyrillic_General": (0x0419, "cp1251"),
    "Czech": (0x0405, "cp1250"),
    "Danish_Norwegian": (0x0406, "cp1252"),
    "Estonian": (0x0425, "cp1257"),
    "Finnish_Swedish": (0x040B, "cp1252"),
    "French": (0x040C, "cp1252"),
    "Greek": (0x0408, "cp1253"),
    "Hebrew": (0x040D, "cp1255"),
    "Hungarian": (0x040E, "cp1250"),
    "Icelandic": (0x040F, "cp1252"),
    "Japanese": (0x0411, "cp932"),
    "Korean_Wansung": (0x0412, "cp949"),
    "Latvian": (0x0426, "cp1257"),
    "Lithuanian": (0x0427, "cp1257"),
    "Modern_Spanish": (0x0C0A, "cp1252"),
    "Polish": (0x0415, "cp1250"),
    "Romanian": (0x0418, "cp1250"),
    "Thai": (0x041E, "cp874"),
    "Turkish": (0x041F, "cp1254"),
    "Ukrainian": (0x0422, "cp1251"),
    "Vietnamese": (0x042A, "cp1258"),
}

# the collations older than Windows': locale, sort id, codec
SORT_ORDERS = {
    "SQL_Latin1_General_CP437_CI_AS": (0x0409, 32, "cp437"),
    "SQL_Latin1_General_CP850_CI_AS": (0x0409, 42, "cp850"),
    "SQL_Latin1_General_CP1_CS_AS": (0x0409, 51, "cp1252"),
    "SQL_Latin1_General_CP1_CI_AS": (0x0409, 52, "cp1252"),
    "SQL_Latin1_General_CP1250_CI_AS": (0x0409, 82, "cp1250"),
    "SQL_Latin1_General_CP1251_CI_AS": (0x0409, 106, "cp1251"),
    "SQL_Latin1_General_CP1253_CI_AS": (0x0408, 114, "cp1253"),
}

VERSIONS = {"90": 1, "100": 2, "140": 3, "160": 4}

# what the flags ignore is what the name does not mention
IGNORE_CASE, IGNORE_ACCENT, IGNORE_KANA, IGNORE_WIDTH = 0x1, 0x2, 0x4, 0x8
BINARY, BINARY2, UTF8 = 0x10, 0x20, 0x40
SENSITIVITIES = {"CS": IGNORE_CASE, "AS": IGNORE_ACCENT, "KS": IGNORE_KANA,
                 "WS": IGNORE_WIDTH}


@dataclass(frozen=True)
class Collation:
    name: str
    locale: int
    flags: int
    version: int
    sort_id: int
    codec: str

    def bytes(self):
        return struct.pack("<IB", self.locale | self.flags << 20
                           | self.version << 28, self.sort_id)

    def encode(self, text):
        """What the code page has no character for becomes '?'."""
        return text.encode(self.codec, "windows")

    def decode(self, data):
        return data.decode(self.codec, "windows")


def windows(error):
    """Maps the C1 controls, which Windows does and Python does not."""
    unit = error.object[error.start]
    if isinstance(error, UnicodeDecodeError):
        text = chr(unit) if 0x80 <= unit <= 0x9F else "\uFFFD"
        return text, error.start + 1
    data = bytes([ord(unit)]) if "\x80" <= unit <= "\x9f" else b"?"
    return data, error.start + 1


codecs.register_error("windows", windows)


@functools.cache
def collation(name):
    """The collation of a name; KeyError if there is none."""
    for known, (locale, sort_id, codec) in SORT_ORDERS.items():
        if name.lower() == known.lower():
            flags = IGNORE_KANA | IGNORE_WIDTH
            if "_CI_" in known:
                flags |= IGNORE_CASE
            return Collation(known, locale, flags, 0, sort_id, codec)
    family = max((known for known in FAMILIES
                  if name.lower().startswith(known.lower() + "_")),
                 key=len, default=None)
    if family is None:
        raise KeyError(name)
    locale, codec = FAMILIES[family]
    flags = sum(SENSITIVITIES.values())
    version = 0
    for part in name[len(family) + 1:].upper().split("_"):
        if part in VERSIONS:
            version = VERSIONS[part]
        elif part in SENSITIVITIES:
            flags &= ~SENSITIVITIES[part]
        elif part in ("BIN", "BIN2"):
            flags = BINARY if part == "BIN" else BINARY2
        elif part == "UTF8":
            flags |= UTF8
            codec = "utf-8"
        elif part not in ("CI", "AI", "SC"):
            raise KeyError(name)
    return Collation(name, locale, flags, version, 0, codec)


@functools.cache
def from_bytes(data):
    """A collation that has these five bytes, for parameters of clients."""
    bits, sort_id = struct.unpack("<IB", data)
    for known, (_, known_id, _) in SORT_ORDERS.items():
        if sort_id == known_id:
            return collation(known)
    locale, flags, version = bits & 0xFFFFF, bits >> 20 & 0xFF, bits >> 28
    families = [family for family, (known_locale, _) in FAMILIES.items()
                if known_locale == locale]
    parts = families[:1] or ["Latin1_General"]
    parts += [digits for digits, known in VERSIONS.items() if known == version]
    if flags & (BINARY | BINARY2):
        parts.append("BIN2" if flags & BINARY2 else "BIN")
    else:
        parts += ["CI" if flags & IGNORE_CASE else "CS",
                  "AI" if flags & IGNORE_ACCENT else "AS"]
        parts += [part for part in ("KS", "WS")
                  if not flags & SENSITIVITIES[part]]
    if flags & UTF8:
        parts.append("UTF8")
    return collation("_".join(parts))
