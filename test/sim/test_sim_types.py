"""The test server's types: what is encoded is decoded again."""
import datetime
import random
import string
import uuid
from decimal import Decimal

import pytest

from sqlserver.collation import FAMILIES, SORT_ORDERS, collation, from_bytes
from sqlserver.edges import EDGES, LONE_SURROGATES
from sqlserver.frames import Large, Malformed, Reader
from sqlserver.types import (KINDS, Type, encoder, frame_of, read_type,
                             read_value, type_info)
from sqlserver.values import (TICKS_PER_DAY, DateTime, DateTimeOffset, Time,
                              Variant)

SEED = 20240229
ROUNDS = 300
ALL_DAYS = datetime.date.max.toordinal()
LARGES = [Large(), Large(chunk=7), Large(chunk=1, known=False)]


def round_trip(type, value, large=Large()):
    """The type and the value as a reader sees them."""
    reader = Reader(type_info(type) + encoder(type, large)(value))
    seen = read_type(reader)
    result = read_value(reader, seen)
    assert not reader
    return seen, result


def plain(variant):
    """Without what a variant of a client's does not tell."""
    if not isinstance(variant, Variant):
        return variant
    return (variant.type.name, variant.type.scale, variant.value)


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("large", LARGES, ids=str)
def test_edge_values(name, large):
    type, values = EDGES[name]
    for value in values:
        seen, result = round_trip(type, value, large)
        assert plain(result) == plain(value)
        assert frame_of(seen) == frame_of(type)


def test_lone_surrogates():
    type, values = LONE_SURROGATES
    assert [round_trip(type, value)[1] for value in values] == values


def test_every_type_has_edges():
    assert {type.name for type, _ in EDGES.values()} == set(KINDS)


def number(random, type):
    return Decimal(random.randrange(-10 ** type.precision + 1,
                                    10 ** type.precision)).scaleb(-type.scale)


def word(random, type):
    alphabet = string.printable + "äß€日本\U0001F600\ud800"
    return "".join(random.choices(alphabet, k=random.randrange(25)))


def cut(ticks, type):
    return ticks - ticks % 10 ** (7 - type.scale)


def any_ticks(random):
    return random.randrange(ALL_DAYS * TICKS_PER_DAY)


RANDOM = {
    "bigint": lambda r, type: r.randrange(-2**63, 2**63),
    "float": lambda r, type: r.uniform(-1, 1) * 10.0 ** r.randrange(-300, 300),
    "money": lambda r, type: Decimal(r.randrange(-2**63, 2**63)).scaleb(-4),
    "decimal": number,
    "date": lambda r, type: datetime.date.fromordinal(
        r.randrange(ALL_DAYS) + 1),
    "time": lambda r, type: Time(cut(r.randrange(TICKS_PER_DAY), type)),
    "datetime2": lambda r, type: DateTime(cut(any_ticks(r), type)),
    "datetimeoffset": lambda r, type: DateTimeOffset(
        cut(any_ticks(r), type), r.randrange(-840, 841)),
    "uniqueidentifier": lambda r, type: uuid.UUID(int=r.getrandbits(128)),
    "nvarchar": word,
    "varbinary": lambda r, type: r.randbytes(r.randrange(50)),
    "image": lambda r, type: r.randbytes(r.randrange(50)),
    "ntext": word,
    "xml": word,
}


def declared(random, name):
    precision = random.randint(1, 38)
    scale = random.randint(0, precision if name == "decimal" else 7)
    return Type(name, random.choice((50, -1)), precision, scale)


@pytest.mark.parametrize("name", RANDOM)
def test_random_values(name):
    source = random.Random(SEED)
    for _ in range(ROUNDS):
        type = declared(source, name)
        value = RANDOM[name](source, type)
        large = Large(source.choice((1, 5, 8000)), source.random() < .5)
        assert round_trip(type, value, large)[1] == value


def test_datetime_counts_thirds_of_milliseconds():
    type = Type("datetime")
    for steps in random.Random(SEED).sample(range(300 * 86400), ROUNDS):
        ticks = round(steps * 100_000 / 3)
        assert round_trip(type, DateTime(ticks))[1] == DateTime(ticks)


def test_datetime_rounds_into_the_next_day():
    value = DateTime.of(2024, 12, 31, 23, 59, 59, 9_999_999)
    assert round_trip(Type("datetime"), value)[1] == DateTime.of(2025, 1, 1)


def test_text_size_cuts():
    large = Large(limit=5)
    for name in ("varchar_max", "text", "image", "varbinary_max"):
        type, values = EDGES[name]
        assert [round_trip(type, value, large)[1] for value in values] == [
            value and value[:5] for value in values]
    assert round_trip(Type("xml"), "<abcdef/>", large)[1] == "<abcdef/>"
    assert round_trip(Type("varchar", 50), "abcdef", large)[1] == "abcdef"


@pytest.mark.parametrize("name", [
    "%s_%s" % (family, rest) for family in FAMILIES
    for rest in ("CI_AS", "CS_AI", "BIN2", "100_CI_AS_KS_WS_SC")
] + list(SORT_ORDERS))
def test_collations_keep_their_bytes(name):
    one = collation(name)
    again = from_bytes(one.bytes())
    assert again.bytes() == one.bytes()
    assert again.codec == one.codec


def test_default_collation_has_its_known_bytes():
    assert collation("SQL_Latin1_General_CP1_CI_AS").bytes() \
        == bytes.fromhex("0904d00034")


def test_code_pages_map_what_they_cannot_hold():
    page = collation("Latin1_General_CI_AS")
    assert page.encode("日\x81€") == b"?\x81\x80"
    assert page.decode(b"\x81\x80") == "\x81€"
    assert collation("Latin1_General_100_CI_AS_SC_UTF8").encode("\ud800") \
        == b"?"


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(OverflowError):
        encoder(Type("decimal", precision=3, scale=1))(Decimal("100"))


@pytest.mark.parametrize("name", EDGES)
def test_cut_values_are_malformed(name):
    type, values = EDGES[name]
    head = type_info(type)
    for value in values:
        whole = encoder(type)(value)
        for end in range(0, len(whole), max(1, len(whole) // 50)):
            reader = Reader(head + whole[:end])
            with pytest.raises(Malformed):
                read_value(reader, read_type(reader))
