"""The bytes of CLR types: geometry, geography (points, lines, polygons) and
hierarchyid, from their text and back.

Source: [MS-SSCLRT].
"""

import re
import struct

from .result import SqlError

VALID, SINGLE_POINT, SINGLE_LINE = 0x04, 0x08, 0x10
SHAPES = {"POINT": 1, "LINESTRING": 2, "POLYGON": 3}
NAMES = {number: name for name, number in SHAPES.items()}
STROKE, INTERIOR_RING, EXTERIOR_RING = 1, 0, 2
WKT = re.compile(r"\s*(POINT|LINESTRING|POLYGON)\s*\((.*)\)\s*$", re.I | re.S)
GEOGRAPHY_SRIDS = range(4120, 5000)


def points_of(text):
    return [tuple(map(float, point.split())) for point in text.split(",")]


def wkt_value(text, srid, geography):
    """The bytes of well-known text."""
    found = WKT.match(text)
    if not found:
        raise SqlError(6522, "A .NET Framework error occurred during "
                       "execution of user-defined routine or aggregate "
                       "\"geometry\": FormatException: 24114: The label %s in "
                       "the input well-known text (WKT) is not valid."
                       % text[:20])
    name, body = found.group(1).upper(), found.group(2)
    if name == "POLYGON":
        rings = [points_of(ring) for ring
                 in re.findall(r"\(([^()]*)\)", body)]
    else:
        rings = [points_of(body)]
    return serialized(SHAPES[name], rings, srid, geography)


def serialized(shape, rings, srid, geography):
    points = [point for ring in rings for point in ring]
    if geography:
        points = [(y, x) for x, y in points]
    data = b"".join(struct.pack("<2d", *point) for point in points)
    flags = VALID
    if shape == 1:
        return struct.pack("<iBB", srid, 1, flags | SINGLE_POINT) + data
    if shape == 2 and len(points) == 2:
        return struct.pack("<iBB", srid, 1, flags | SINGLE_LINE) + data
    out = [struct.pack("<iBBI", srid, 1, flags, len(points)), data,
           struct.pack("<I", len(rings))]
    offset = 0
    for number, ring in enumerate(rings):
        kind = STROKE if shape == 2 else (
            INTERIOR_RING if number else EXTERIOR_RING)
        out.append(struct.pack("<BI", kind, offset))
        offset += len(ring)
    out.append(struct.pack("<IiiB", 1, -1, 0, shape))
    return b"".join(out)


def parsed(data):
    """(shape, rings of points as x, y)

    Geography keeps latitude first; what has the SRID of one is one."""
    srid, _, flags = struct.unpack_from("<iBB", data)
    if flags & (SINGLE_POINT | SINGLE_LINE):
        count = 1 if flags & SINGLE_POINT else 2
        shape, offsets, start = count, [0], 6
    else:
        count, start = struct.unpack_from("<I", data, 6)[0], 10
        at = start + 16 * count
        nrings, = struct.unpack_from("<I", data, at)
        offsets = [struct.unpack_from("<BI", data, at + 4 + 5 * number)[1]
                   for number in range(nrings)]
        shape = data[at + 4 + 5 * nrings + 4 + 8]
    points = [struct.unpack_from("<2d", data, start + 16 * number)
              for number in range(count)]
    if srid in GEOGRAPHY_SRIDS:
        points = [(x, y) for y, x in points]
    ends = offsets[1:] + [count]
    return shape, [points[a:b] for a, b in zip(offsets, ends)]


def number_text(value):
    return "%d" % value if value == int(value) else repr(value)


def wkt_of(data):
    shape, rings = parsed(data)
    texts = [", ".join(" ".join(map(number_text, point)) for point in ring)
             for ring in rings]
    body = ", ".join("(%s)" % text for text in texts)
    return "%s %s" % (NAMES[shape], "(%s)" % body if shape == 3 else body)


def wkb_of(data):
    shape, rings = parsed(data)
    out = [struct.pack("<BI", 1, shape)]
    if shape == 3:
        out.append(struct.pack("<I", len(rings)))
    for ring in rings:
        if shape != 1:
            out.append(struct.pack("<I", len(ring)))
        out += [struct.pack("<2d", *point) for point in ring]
    return b"".join(out)


# ---- hierarchyid ------------------------------------------------------------

# Ranges of a label, their prefix, and where the bits of its number go; T tells
# whether the label ends a level.
LABELS = (
    (-8, -1, "00111xxxT"),
    (0, 3, "01xxT"),
    (4, 7, "100xxT"),
    (8, 15, "101xxxT"),
    (16, 79, "110xx0x1xxxT"),
    (80, 1103, "1110xxx0xxx0x1xxxT"),
    (1104, 5199, "11110xxxxx0xxx0x1xxxT"),
)


def hierarchy_bytes(text):
    """/1/2.1/ to bytes"""
    bits = []
    for level in text.strip("/").split("/") if text.strip("/") else ():
        labels = [int(label) for label in level.split(".")]
        for place, label in enumerate(labels):
            bits.append(label_bits(label + (place < len(labels) - 1),
                                   place == len(labels) - 1))
    joined = "".join(bits)
    joined += "0" * (-len(joined) % 8)
    return bytes(int(joined[at:at + 8], 2)
                 for at in range(0, len(joined), 8))


def label_bits(label, last):
    for low, high, pattern in LABELS:
        if low <= label <= high:
            break
    else:
        raise SqlError(6522, "The label %d of a hierarchyid is not "
                       "simulated." % label)
    digits = iter(format(label - low, "0%db" % pattern.count("x")))
    return "".join(next(digits) if character == "x" else
                   ("1" if last else "0") if character == "T" else character
                   for character in pattern)


def hierarchy_text(data):
    bits = "".join(format(byte, "08b") for byte in data)
    out, level, at = "/", [], 0
    while "1" in bits[at:]:
        label, last, size = read_label(bits, at)
        at += size
        level.append(label if last else label - 1)
        if last:
            out += ".".join(map(str, level)) + "/"
            level = []
    return out


def read_label(bits, at):
    for low, _, pattern in LABELS:
        part = bits[at:at + len(pattern)]
        if len(part) == len(pattern) and all(
                wanted in "xT" or wanted == bit
                for wanted, bit in zip(pattern, part)):
            number = "".join(bit for wanted, bit in zip(pattern, part)
                             if wanted == "x")
            return low + int(number, 2), part[-1] == "1", len(pattern)
    raise SqlError(6522, "The bytes are not those of a hierarchyid.")
