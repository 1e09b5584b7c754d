"""Types that random tables are made of, with what ALTER may make of them."""

from .types import columns_of

# columns of support/types.py between which conversions do not differ
KINDS = {
    "number": "tiny tiny1 tiny_u small small_u medium medium_u normal normal_u"
              " filled big big_u dec0 dec4 dec_u dec_max dec_fraction",
    "float": "single single_u twice real8",
    "bool": "bit1",
    "bits": "bit7 bit33 bit64",
    "year": "years",
    "text": "fixed fixed255 varying varying_long text1 text2 text3 text4",
    "bytes": "binary16 varbinary255 blob1 blob2 blob3 blob4",
    "date": "day",
    "moment": "moment0 moment3 moment6",
    "instant": "instant0 instant4 instant6",
    "clock": "clock0 clock2 clock6",
    "label": "labels many",
    "set": "sets sets64",
    "document": "document opaque",
    "shape": "shape point line area points lines areas shapes",
    "uuid": "ident",
    "address": "ip4 ip6",
}
KIND_OF = {name: kind for kind, names in KINDS.items()
           for name in names.split()}

# What a kind may become; rows may come out otherwise for those marked by ?.
CONVERSIONS = {
    "number": "number float text bool bits year",
    "float": "float number? text?",
    "bool": "bool number float bits",
    "bits": "bits number float? bool",
    "year": "number text year",
    "text": "text number float bytes? document date? moment? clock? label?",
    "bytes": "bytes",
    "date": "date moment instant? text?",
    "moment": "moment date? clock? instant? text?",
    "instant": "instant moment? date? clock? text?",
    "clock": "clock text?",
    "label": "label text number?",
    "set": "set text",
    "document": "document text?",
    "shape": "shape",
    "uuid": "uuid text",
    "address": "address text",
}

# A value for each number: such columns can be keys.
FRESH = {
    "normal": "%d", "normal_u": "%d", "medium": "-%d", "big": "%d000000000",
    "big_u": "%d", "dec4": "%d.25", "dec_max": "-%d.5", "twice": "%d.5e0",
    "varying": "'key %d'", "fixed": "'Kü%d'", "varbinary255": "0x%08X00",
    "binary16": "0x%08X", "day": "'2000-01-01' + INTERVAL %d DAY",
    "moment6": "'2024-01-01 00:00:00.000001' + INTERVAL %d SECOND",
    "instant6": "'2020-01-01 00:00:00.5' + INTERVAL %d MINUTE",
    "ident": "'123e4567-e89b-12d3-a456-4266%08x'",
}

CHARSETS = ["latin1", "utf8mb3", "utf16", "utf8mb4", "latin2"]

# MySQL knows no constant default for these
WITHOUT_DEFAULT = ("text1", "text2", "text3", "text4", "blob1", "blob2",
                   "blob3", "blob4")

LONGEST = 1000          # of a literal
HUGE = "000000)"        # ends the literals of values that only take time


class Types:
    """The types of a flavor of server."""

    def __init__(self, flavor):
        self.all = {column.name: column for column in columns_of(flavor)}

    def any(self, chance):
        """Every kind as often as any other."""
        kinds = sorted({KIND_OF[name] for name in self.all})
        return self.of_kind(chance.choice(kinds), chance)

    def of_kind(self, kind, chance):
        return self.all[chance.choice([name for name in self.all
                                       if KIND_OF[name] == kind])]

    def fresh(self, chance):
        return self.all[chance.choice([name for name in FRESH
                                       if name in self.all])]

    def conversion(self, old, chance):
        """What the type may become, and whether its values then may come
        out otherwise than at the source."""
        kinds = CONVERSIONS[KIND_OF[old.name]].split()
        # mostly within its kind
        kind = chance.choice(kinds[:1] * 2 + kinds)
        return self.of_kind(kind.rstrip("?"), chance), kind.endswith("?")


def value(type, chance):
    """A literal, often at the edge of what the type can hold."""
    while True:
        text = chance.choice(type.values)
        if len(text) < LONGEST and not text.endswith(HUGE):
            return text


def constant(type, chance):
    """A literal for a default; None if there is none."""
    if type.name in WITHOUT_DEFAULT or \
            KIND_OF[type.name] in ("document", "shape"):
        return None
    text = value(type, chance)
    if text == "NULL" or text.startswith("REPEAT") or \
            rounds_up(type, text) or \
            (KIND_OF[type.name] in ("label", "set") and text[0] != "'"):
        return None
    return text


def rounds_up(type, text):
    """Some defaults that a source has to round up are left to it."""
    return ".9" in text or ".5" in text or \
        type.name == "instant4" and ".123456" in text


def key_value(type, number):
    return FRESH[type.name] % number
