"""The SQL Server test server: logins, faults, the control channel.

As seen by clients that nobody here wrote.
"""
import os
import socket
import subprocess
import sys
import threading

import pytest

from support.tds import (PASSWORD, TEST, TIMEOUT, DbLib, Pytds, Tedious,
                         client_parameters, needs)

from sqlserver import edges, tds                           # noqa: E402
from sqlserver.control import Control                      # noqa: E402
from sqlserver.server import BANNER                        # noqa: E402

pytest_plugins = "support.tds_server"

SIZES = (512, 32767)
NEEDS_DBLIB, NEEDS_PYTDS, NEEDS_TEDIOUS = map(needs, (DbLib, Pytds, Tedious))


# ---- logins ---------------------------------------------------------------

REFUSED = None
# server, what db-lib asks for: whether statements come encrypted
ENCRYPTION = [
    ("off", "off", False), ("off", "request", False),
    ("off", "require", REFUSED),
    ("offer", "off", False), ("offer", "request", False),
    ("offer", "require", True),
    ("force", "off", True), ("force", "request", True),
    ("force", "require", True),
]


@pytest.mark.parametrize("tls,asked,encrypted", ENCRYPTION)
@NEEDS_DBLIB
def test_encryption_of_dblib(client, tls, asked, encrypted):
    one = client(DbLib, tls=tls)
    one.encryption = asked
    told = one.batches("edges bit")
    if encrypted is REFUSED:
        assert "batches" not in told and not one.server.requests
    else:
        assert len(told["batches"][0]["results"][0]["rows"]) == 3
        assert one.server.requests[-1] == {
            "session": 51, "text": "edges bit", "encrypted": encrypted}


@NEEDS_TEDIOUS
@pytest.mark.parametrize("tls,encrypt,connects", [
    # tedious goes on in plain text where a server has no TLS
    ("off", False, True), ("off", True, True), ("offer", False, True),
    ("offer", True, True), ("force", False, False), ("force", True, True)])
def test_encryption_of_tedious(client, tls, encrypt, connects):
    one = client(Tedious, tls=tls)
    told = one.steps(
        {"batch": "edges bit"}, options={
            "encrypt": encrypt, "trustServerCertificate": True})
    assert ("failure" not in told) == connects
    if connects:
        assert len(told["steps"][0]["results"][0]["rows"]) == 3
        assert one.server.requests[-1]["encrypted"] == (tls != "off"
                                                        and encrypt)


@NEEDS_PYTDS
@pytest.mark.parametrize("login_only", (True, False))
def test_encryption_of_pytds(client, login_only):
    one = client(Pytds, tls="offer")
    with one.connect(enc_login_only=login_only) as connection:
        cursor = connection.cursor()
        cursor.execute("edges bit")
        assert len(cursor.fetchall()) == 3
    assert one.server.requests[-1]["encrypted"] != login_only


# The client's user, password and database: what the server says of it.
LOGINS = [
    ("sa", "wrong", "testDB", [18456]), ("nobody", "x", "testDB", [18456]),
    ("sa", PASSWORD, "missing", [4060, 18456]),
    ("sä日", "pässwörd日", "master", []),
    ("other", "x" * 120, "", []),
]


@pytest.mark.parametrize("user,password,database,errors", LOGINS)
@NEEDS_DBLIB
def test_logins_of_dblib(client, user, password, database, errors):
    one = client(DbLib)
    one.user, one.password, one.database = user, password, database
    told = one.batches("edges bit")
    assert [number for kind, number, *_ in told["messages"]
            if kind == "message" and number > 10000 or number == 4060] \
        == errors
    assert ("batches" in told) == (not errors)


@NEEDS_TEDIOUS
@pytest.mark.parametrize("user,password,database,errors", LOGINS)
def test_logins_of_tedious(client, user, password, database, errors):
    told = client(Tedious).steps({"batch": "edges bit"}, user=user,
                                 password=password, database=database)
    assert ("failure" not in told) == (not errors)
    if errors:
        assert told["failure"]["code"] == "ELOGIN"


@NEEDS_PYTDS
@pytest.mark.parametrize("user,password,database,errors", LOGINS)
def test_logins_of_pytds(client, user, password, database, errors):
    import pytds
    one = client(Pytds)
    told = {"user": user, "password": password, "database": database}
    if errors:
        with pytest.raises(pytds.Error):
            # how long it tries again
            one.connect(login_timeout=1, **told)
    else:
        one.connect(**told).close()


@pytest.mark.parametrize("read_only", (False, True))
@pytest.mark.parametrize("kind", client_parameters(DbLib, Tedious))
def test_read_only_intent(client, kind, read_only):
    one = client(kind)
    one.read_only = read_only
    assert one.rows("select read_only") == [[read_only]]


# the client asks, the server has a say
PACKET_SIZES = [(512, 0, 512), (4096, 0, 4096), (32767, 0, 32767),
                (4096, 512, 512), (512, 32767, 32767)]


@NEEDS_TEDIOUS
@pytest.mark.parametrize("asked,forced,agreed", PACKET_SIZES)
def test_packet_sizes(client, control, asked, forced, agreed):
    one = client(Tedious, forced)
    one.packet_size = asked
    fault = control(one.server)
    number = fault.fault(action="stall", at="request", match="^edges")
    told = []
    thread = threading.Thread(target=lambda: told.append(
        one.steps({"batch": "edges nvarchar_max"})))
    thread.start()
    fault.wait(fault=number, state="stalled")
    session, = fault.sessions()
    fault.release(fault=number)
    thread.join()
    assert session["packet_size"] == agreed
    assert len(told[0]["steps"][0]["results"][0]["rows"]) == len(
        edges.EDGES["nvarchar_max"][1])


# ---- faults ---------------------------------------------------------------

@NEEDS_DBLIB
def test_refused_logins(client, control):
    one = client(DbLib)
    control(one.server).fault(action="error", at="login", number=18456,
                              times=2)
    told = [one.batches("edges bit") for _ in range(3)]
    assert [t["messages"][0][1] for t in told] == [18456, 18456, 5701]
    assert ["batches" in t for t in told] == [False, False, True]


@pytest.mark.parametrize("fault", [
    {"action": "cut", "at": "prelogin"}, {"action": "cut", "at": "login"},
    {"action": "cut", "at": "tls"}, {"action": "token", "at": "tls"}], ids=str)
@NEEDS_DBLIB
def test_logins_that_break_off(client, control, fault):
    one = client(DbLib, tls="force")
    control(one.server).fault(**fault)
    assert "batches" not in one.batches("edges bit")
    assert len(one.batches("edges bit")["batches"]) == 1


BREAKS = [
    {"action": "cut", "at": "request"}, {"action": "cut", "at": "done"},
    {"action": "cut", "at": "row", "after": 0},
    {"action": "cut", "at": "row", "after": 700},
    {"action": "cut", "at": "packet", "after": 5},
    {"action": "cut", "at": "byte", "after": 1000},
    {"action": "token", "at": "row", "after": 700, "value": 1},
    {"action": "length", "at": "packet", "after": 3, "value": 4},
]


@pytest.mark.parametrize("fault", BREAKS, ids=str)
@pytest.mark.parametrize("tls", ("off", "force"))
@NEEDS_DBLIB
def test_responses_that_break_off(client, control, fault, tls):
    """db-lib notices, and another connection works."""
    one = client(DbLib, 512, tls)
    control(one.server).fault(match="^rows", **fault)
    told = one.batches("edges bit", "rows 1000")["batches"]
    assert len(told[0]["results"][0]["rows"]) == 3
    assert told[1]["dead"]
    got = sum(len(result["rows"]) for result in told[1]["results"])
    assert got <= fault["after"] if fault["at"] == "row" else got < 1001
    assert not any(result["whole"] for result in told[1]["results"]) or (
        fault["at"] == "done")
    told, = one.batches("rows 1000")["batches"]
    assert len(told["results"][0]["rows"]) == 1000


@pytest.mark.parametrize("number", (1205, 1222, 50000))
@pytest.mark.parametrize("at,after,rows", [("request", 0, 0), ("row", 0, 0),
                                           ("row", 7, 7), ("row", 10, 10)])
@NEEDS_DBLIB
def test_errors_on_request(client, control, number, at, after, rows):
    one = client(DbLib)
    control(one.server).fault(action="error", at=at, after=after, skip=1,
                              number=number, match="rows 10")
    told = one.batches("rows 10", "rows 10", "rows 10")["batches"]
    assert [sum(len(result["rows"]) for result in batch["results"])
            for batch in told] == [10, rows, 10]
    assert [message[1] for message in told[1]["messages"]] == [number, 20018]


@pytest.mark.parametrize("at,after", [
    ("request", 0), ("row", 3), ("row", 1000), ("packet", 2), ("byte", 700),
    ("done", 0)])
@NEEDS_DBLIB
def test_a_stalled_response_ends_with_an_attention(client, control, at,
                                                   after):
    one = client(DbLib, 512)
    control(one.server).fault(action="stall", at=at, after=after,
                              match="^rows")
    told = one.batches("rows 1000", "rows 1000", timeout=1)["batches"]
    assert told[0]["messages"][0][1] == 20003
    assert len(told[1]["results"][0]["rows"]) == 1000


@NEEDS_TEDIOUS
def test_a_deadlock_victim_is_rolled_back(client, control):
    one = client(Tedious)
    control(one.server).fault(action="error", at="request", number=1205,
                              match="^edges int$")
    told, after = one.steps(
        {"transaction": [{"batch": "edges bit"}, {"batch": "edges int"},
                         {"batch": "select in_transaction"}],
         "end": "rollback"},
        {"batch": "edges int"})["steps"]
    assert [step["error"] and step["error"]["number"]
            for step in told["inner"]] == [None, 1205, None]
    assert told["inner"][2]["results"][0]["rows"] == [[0]]
    assert after["error"] is None


@NEEDS_DBLIB
def test_disconnecting_all_clients(client, control):
    one = client(DbLib)
    server = control(one.server)
    number = server.fault(action="stall", at="row", after=3, match="^rows")
    told = []
    thread = threading.Thread(target=lambda: told.append(
        one.batches("rows 10")))
    thread.start()
    server.wait(fault=number, state="stalled")
    assert server.disconnect() == 1
    thread.join()
    assert told[0]["batches"][0]["dead"]


def test_control_says_what_is_wrong(serve, control):
    server = control(serve())
    for request, message in (
            ({"action": "burn", "at": "row"}, "no action 'burn'"),
            ({"action": "cut", "at": "night"}, "no point 'night'"),
            ({"action": "length", "at": "row"}, "no length at row"),
            ({"nonsense": 1}, "nonsense")):
        with pytest.raises(RuntimeError, match=message):
            server.fault(**request)
    with pytest.raises(RuntimeError, match="no option 'x'"):
        server.options(x=1)
    with pytest.raises(RuntimeError, match="102|Incorrect syntax"):
        server.execute(sql="nonsense")


def test_control_runs_statements(serve, control):
    server = control(serve())
    told = server.execute(sql="edges int")
    assert told["results"][0]["rows"][0] == [0, -2**31]
    told = server.execute(sql="print")
    assert told["messages"] == ["half of it", "inside"]
    assert told["results"][3]["rows"] == [[1], [2]]


def exchange(port, *packets):
    """What the server answers; at most until it ends the connection."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        for packet in packets:
            sock.sendall(packet)
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


HELLO = tds.packets(tds.prelogin(tds.ENCRYPT_UNSUPPORTED), 512, tds.PRELOGIN)
NONSENSE = [
    [b"GET / HTTP/1.1\r\n\r\n"], [b"\x16\x03\x01\x02\x00" * 10],
    [bytes(8)], [HELLO[:12]], [HELLO.replace(b"\xff", b"\x07")],
    [HELLO, tds.packets(b"", 512, tds.LOGIN)],
    [HELLO, tds.packets(bytes(200), 512, tds.LOGIN)],
    [HELLO, tds.packets(b"\xff\xff\xff\x7f" * 50, 512, tds.LOGIN)],
    [HELLO, tds.packets(bytes(20), 512, tds.BATCH)],
]


@pytest.mark.parametrize("packets", NONSENSE, ids=range(len(NONSENSE)))
@NEEDS_DBLIB
def test_nonsense_ends_the_connection_alone(client, packets):
    one = client(DbLib)
    exchange(one.port, *packets)
    assert all(connection.closed for connection in one.server.connections)
    assert len(one.batches("edges bit")["batches"][0]["results"]) == 1


# ---- recorded responses ---------------------------------------------------

@pytest.mark.parametrize("size", SIZES)
@NEEDS_DBLIB
def test_recorded_responses_are_replayed(client, monkeypatch, size):
    one = client(DbLib, size, record="^rows")
    first, = one.batches("rows 5000")["batches"]
    monkeypatch.setattr(edges.EdgeSession, "run_rows", None)
    again, = one.batches("rows 5000")["batches"]
    assert again == first
    other, = one.batches("rows 4999")["batches"]
    assert other["messages"][0][1] == 102


# ---- the command ----------------------------------------------------------

@NEEDS_DBLIB
def test_command(command, tmp_path):
    process, told = command("--data", "edges", "--packet-size", "512")
    assert told["simulator"]
    one = DbLib(told["port"], directory=tmp_path)
    session = one.batches("edges bit")
    assert len(session["batches"][0]["results"][0]["rows"]) == 3
    assert BANNER in str(session["messages"])
    control = Control(told["control"])
    assert control.requests(match="^edges")[0]["text"] == "edges bit"
    control.close()
    process.terminate()
    _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert errors.strip() == BANNER


def test_command_says_what_it_is():
    done = subprocess.run(
        [sys.executable, "-m", "sqlserver", "--help"], text=True,
        env={**os.environ, "PYTHONPATH": str(TEST / "sim")},
        capture_output=True)
    assert "a simulator" in done.stdout
    assert "not SQL Server" in " ".join(done.stdout.split())
