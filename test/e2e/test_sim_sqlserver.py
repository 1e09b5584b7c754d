"""The SQL Server test server against clients that nobody here wrote: values.

FreeTDS (tsql, bsqldb, db-lib), python3-tds and tedious read every type's edge
values, with the smallest and the largest packets, with TLS and without, and
each is compared with all that the client can represent.
"""
import itertools
from decimal import Decimal

import pytest

from support.tds import (DATABASE, DbLib, Pytds, Tedious, client_parameters,
                         needs)

from sqlserver import edges                                # noqa: E402
from sqlserver.control import Control                      # noqa: E402
from sqlserver.tds import ALWAYS, NEVER                    # noqa: E402
from sqlserver.types import MAX                            # noqa: E402
from sqlserver.values import Variant                       # noqa: E402

pytest_plugins = "support.tds_server"

SIZES = (512, 32767)
WIRES = [(size, tls) for size in SIZES for tls in ("off", "force")]


def readable(client):
    return [name for name in getattr(client, "can", edges.EDGES)
            if name not in client.cannot]


def differences(client):
    """{column: (value read, value expected)}, of all that it can read."""
    differing = {}
    for name, got in client.columns(readable(client)).items():
        type, values = edges.EDGES[name]
        expected = [client.what(type, value) for value in values]
        if got != expected:
            differing[name] = [
                pair for pair in itertools.zip_longest(got, expected)
                if pair[0] != pair[1]]
    return differing


@pytest.mark.parametrize("size,tls", WIRES)
@pytest.mark.parametrize("kind", client_parameters())
def test_edge_values(client, kind, size, tls):
    assert differences(client(kind, size, tls)) == {}


# ---- shapes of responses --------------------------------------------------

EXACT = client_parameters(DbLib, Pytds, Tedious)
NEEDS_DBLIB, NEEDS_PYTDS, NEEDS_TEDIOUS = map(needs, (DbLib, Pytds, Tedious))


@pytest.mark.parametrize("null_bitmap", (NEVER, ALWAYS))
@pytest.mark.parametrize("kind", client_parameters())
def test_nulls_with_and_without_bitmap(client, kind, null_bitmap):
    assert differences(client(kind, null_bitmap=null_bitmap)) == {}


@pytest.mark.parametrize("known", (True, False))
@pytest.mark.parametrize("kind", client_parameters())
def test_large_values_in_chunks(client, kind, known):
    assert differences(client(kind, plp_known=known, plp_chunk=333)) == {}


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("null_bitmap", (NEVER, ALWAYS))
def test_all_types_in_one_row(client, kind, null_bitmap):
    one = client(kind, 512, null_bitmap=null_bitmap)
    told = edges.all_rows()
    got = one.rows("edges *")
    assert len(got) == len(told.rows)
    for row, values in zip(got, told.rows):
        for column, value, seen in zip(told.columns, values, row):
            if column.name not in one.cannot:
                assert seen == one.what(column.type, value), column.name


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("size", SIZES)
def test_1024_columns_with_odd_names(client, kind, size):
    one = client(kind, size)
    told = edges.wide_row()
    assert one.rows("wide") == [list(told.rows[0])]


@pytest.mark.parametrize("kind", EXACT)
def test_names_of_columns(client, kind):
    one = client(kind)
    if kind is Pytds:
        with one.connect() as connection:
            cursor = connection.cursor()
            cursor.execute("wide")
            names = [column[0] for column in cursor.description]
    elif kind is DbLib:
        names = one.batches("wide")["batches"][0]["results"][0]["columns"]
    else:
        names = one.steps({"batch": "wide"})["steps"][0]["results"][0][
            "columns"]
    assert names == [column.name for column in edges.wide_row().columns]


@pytest.mark.parametrize("size,tls", WIRES)
@pytest.mark.parametrize("kind", EXACT)
def test_values_of_10_megabytes(client, kind, size, tls):
    one = client(kind, size, tls)
    assert one.rows("large 10485760") == [
        list(edges.large_row(10485760).rows[0])]


@NEEDS_DBLIB
def test_text_size_cuts_large_values(client):
    one = client(DbLib)
    told = one.batches("set textsize 10", "edges varchar_max", "edges xml",
                       "edges varchar", "set textsize -1",
                       "edges varchar_max")["batches"]
    lengths = [[row[1] and len(row[1]) for row in batch["results"][0]["rows"]]
               for batch in told if batch["results"]]
    full = [value and len(value) for value in
            edges.EDGES["varchar_max"][1]]
    assert lengths == [
        [value and min(value, 10) for value in full],
        [value and len(value) for value in edges.EDGES["xml"][1]],
        [value and len(value) for value in edges.EDGES["varchar"][1]], full]


@NEEDS_TEDIOUS
def test_lone_surrogates_reach_the_client(client):
    one = client(Tedious)
    assert one.rows("surrogates") == [[value] for value in
                                       edges.LONE_SURROGATES[1]]


# ---- messages, errors, attentions -----------------------------------------

@NEEDS_DBLIB
def test_message_between_results_of_dblib(client):
    told = client(DbLib).batches("print x")["batches"][0]
    assert [len(result["rows"]) for result in told["results"]] == [6, 3, 0, 2]
    assert told["messages"] == [["message", 50000, "half of it", 1, 0],
                                ["message", 50000, "inside", 1, 10]]


@NEEDS_TEDIOUS
def test_message_between_results_of_tedious(client):
    told = client(Tedious).steps({"batch": "print x"})
    assert [len(result["rows"]) for result in told["steps"][0]["results"]] \
        == [6, 3, 0, 2]
    assert [info["message"] for info in told["infos"][-2:]] == [
        "half of it", "inside"]


@NEEDS_DBLIB
def test_error_after_rows(client):
    told = client(DbLib).batches("fail x", "edges bit")["batches"]
    assert len(told[0]["results"][0]["rows"]) == 2
    assert told[0]["messages"][0] == [
        "message", 1205, "You are the deadlock victim.", 45, 13]
    assert len(told[1]["results"][0]["rows"]) == 3 and not told[1]["dead"]


@NEEDS_PYTDS
def test_error_of_pytds(client):
    import pytds
    with client(Pytds).connect() as connection:
        cursor = connection.cursor()
        with pytest.raises(pytds.Error) as caught:
            cursor.execute("nonsense")
        assert caught.value.msg_no == 102
        cursor.execute("edges bit")
        assert len(cursor.fetchall()) == 3


@NEEDS_TEDIOUS
def test_attentions_of_tedious(client):
    one = client(Tedious)
    told = one.steps({"cancel": "rows 100000000", "after": 10},
                     {"cancel": "wait"}, {"batch": "edges bit"})["steps"]
    assert [step["error"] and step["error"]["code"] for step in told] == [
        "ECANCEL", "ECANCEL", None]
    assert len(told[2]["results"][0]["rows"]) == 3


@NEEDS_DBLIB
def test_attention_of_dblib_after_a_time_out(client):
    told = client(DbLib).batches("wait", "edges bit", timeout=1)["batches"]
    assert told[0]["messages"][0][1] == 20003
    assert len(told[1]["results"][0]["rows"]) == 3 and not told[1]["dead"]


# ---- procedure calls and transactions -------------------------------------

PARAMETERS = [
    ["bit", "Bit", True], ["tiny", "TinyInt", 255], ["small", "SmallInt", -5],
    ["int", "Int", -2**31], ["big", "BigInt", str(2**63 - 1)],
    ["real", "Real", 1.5], ["float", "Float", 0.1],
    ["decimal", "Decimal", -1.25, False, {"precision": 10, "scale": 3}],
    ["nvarchar", "NVarChar", "日本 O'Neil"], ["varchar", "VarChar", "ä€"],
    ["long", "NVarChar", "日" * 9000], ["none", "NVarChar", None],
    ["bytes", "VarBinary", {"bytes": "00ff"}],
    ["guid", "UniqueIdentifier", "00112233-4455-6677-8899-AABBCCDDEEFF"],
    ["date", "Date", {"ms": 0}], ["instant", "DateTime2", {"ms": 1234}],
    ["offset", "DateTimeOffset", {"ms": 1234}],
    ["old", "DateTime", {"ms": 1000}], ["xml", "NText", "<a/>"],
]


@NEEDS_TEDIOUS
@pytest.mark.parametrize("size", SIZES)
def test_parameters_of_tedious(client, size):
    one = client(Tedious, size)
    told, = one.steps({"sql": "params", "parameters": PARAMETERS})["steps"]
    assert told["error"] is None
    seen = dict(zip(told["results"][0]["columns"],
                    told["results"][0]["rows"][0]))
    assert {name.lstrip("@"): {key: part for key, part in value.items()
                               if key != "delta"}
            if isinstance(value, dict) else value
            for name, value in seen.items()} \
        == {name: value for name, _, value, *_ in PARAMETERS}


@NEEDS_TEDIOUS
def test_prepared_statements_and_outputs_of_tedious(client):
    told = client(Tedious).steps(
        {"prepare": "params", "parameters": [["a", "Int"]],
         "executions": [{"a": 1}, {"a": None}, {"a": 3}]},
        {"sql": "params", "parameters": [["a", "Int", 7, True],
                                         ["b", "NVarChar", "x", True]]})
    executions = told["steps"][0]["executions"]
    assert [one["results"][0]["rows"] for one in executions] == [
        [[1]], [[None]], [[3]]]
    assert told["steps"][1]["outputs"] == {"a": 7, "b": "x"}


@NEEDS_PYTDS
def test_parameters_of_pytds(client):
    with client(Pytds).connect() as connection:
        cursor = connection.cursor()
        cursor.execute("params %s %s %s", (1, "日", Decimal("-1.50")))
        assert cursor.fetchall() == [(1, "日", Decimal("-1.50"))]


@NEEDS_TEDIOUS
@pytest.mark.parametrize("end", ("commit", "rollback"))
def test_transactions_of_tedious(client, end):
    told, after = client(Tedious).steps(
        {"transaction": [{"batch": "edges bit"}], "end": end},
        {"batch": "edges bit"})["steps"]
    assert not told.get("begun") and not told.get("ended")
    assert told["inner"][0]["error"] is None and after["error"] is None


@NEEDS_PYTDS
def test_transactions_of_pytds(client):
    with client(Pytds).connect(autocommit=False) as connection:
        cursor = connection.cursor()
        cursor.execute("edges bit")
        cursor.fetchall()
        connection.commit()
        cursor.execute("edges bit")
        cursor.fetchall()
        connection.rollback()


# ---- tables that T-SQL made -------------------------------------------------

@pytest.mark.parametrize("kind", EXACT)
def test_sample_data(demo, kind):
    assert demo(kind).rows("SELECT id, last_name FROM dbo.customers "
                "ORDER BY id") == [[1001, "Thomas"], [1002, "Bailey"],
                                   [1003, "Walker"], [1004, "Kretchmar"]]


@pytest.mark.parametrize("kind", EXACT)
def test_version_says_what_it_is(demo, kind):
    (version,), = demo(kind).rows("SELECT @@VERSION")
    assert "synchdb test server, a simulator" in version


def declaration(type):
    """The type in T-SQL."""
    if type.name in ("decimal", "numeric"):
        size = "(%d, %d)" % (type.precision, type.scale)
    elif type.name in ("time", "datetime2", "datetimeoffset"):
        size = "(%d)" % type.scale
    elif type.length:
        size = "(max)" if type.length == MAX else "(%d)" % type.length
    else:
        size = ""
    return type.name + size


def literal(type, value):
    """A value in T-SQL."""
    if isinstance(value, Variant):
        return "CAST(%s AS %s)" % (literal(value.type, value.value),
                                   declaration(value.type))
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        text = "0x" + value.hex()
    elif isinstance(value, bool):
        text = str(int(value))
    elif isinstance(value, float):
        text = "%r" % value if "e" in repr(value) else "%re0" % value
    elif isinstance(value, (int, Decimal)):
        text = "'{:f}'".format(value) if isinstance(value, Decimal) \
            else str(value)
    else:
        text = "N'%s'" % str(value).replace("'", "''")
        if isinstance(value, str) and type.name != "xml":
            return text         # a CAST would go by the default code page
    if type.name in ("datetime", "smalldatetime"):
        text = "CAST(%s AS datetime2(7))" % text
    return "CAST(%s AS %s)" % (text, declaration(type))


# the server gives these values itself
GENERATED = ("rowversion",)


def fill(control):
    """A table for each column of edges, made and filled by T-SQL."""
    for name, (type, values) in edges.EDGES.items():
        if name in GENERATED:
            continue
        control.execute(database=DATABASE, sql=(
            "CREATE TABLE dbo.[%s] (n int NOT NULL PRIMARY KEY, v %s%s %s)"
            % (name, declaration(type),
               type.collation and " COLLATE " + type.collation,
               "NULL" if type.nullable else "NOT NULL")))
        for number, value in enumerate(values):
            control.execute(sql="INSERT dbo.[%s] VALUES (%d, %s)"
                            % (name, number, literal(type, value)))


@pytest.fixture(scope="session")
def filled(command):
    """The port of a server with such tables."""
    _, told = command("--data", "demo")
    control = Control(told["control"])
    fill(control)
    control.close()
    return told["port"]


@pytest.mark.parametrize("kind", client_parameters())
def test_edge_values_in_tables(filled, tmp_path, kind):
    one = kind(filled, directory=tmp_path)
    one.query = "SELECT n, v FROM dbo.[%s] ORDER BY n"
    one.cannot = (*one.cannot, *GENERATED)
    assert differences(one) == {}
