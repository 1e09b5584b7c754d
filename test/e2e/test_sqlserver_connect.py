"""Reaching a SQL Server: hosts, logins, encryption, and what is missing
there."""

import psycopg2
import pytest

from support.process import free_port
from support.sqlserver import SqlServer, SqlServerDatabase
from support.tds import make_certificate


def fails(connector, *texts):
    with pytest.raises(psycopg2.Error) as raised:
        connector.start()
    error = str(raised.value)
    for text in texts:
        assert text in error
    assert connector.database.server.password not in error
    return error


@pytest.fixture
def captured(mdb):
    mdb.execute("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY,"
                " v nvarchar(20))", "INSERT INTO dbo.t VALUES (1, N'one')")
    mdb.capture("t")
    return mdb


def test_nobody_listens(pg, captured, connect):
    port = free_port()
    fails(connect(pg, captured, port=port),
          'could not connect to "127.0.0.1:%d": Connection refused' % port)


def test_the_first_host_that_answers(pg, captured, connect):
    hosts = "127.0.0.1:%d, 127.0.0.1" % free_port()
    connector = connect(pg, captured, host=hosts)
    connector.start()
    connector.wait_rows("t", [(1, "one")])


def test_the_last_host_that_does_not(pg, captured, connect):
    port = free_port()
    fails(connect(pg, captured, host="127.0.0.1:%d,127.0.0.1:%d"
                  % (free_port(), port)),
          'could not connect to "127.0.0.1:%d"' % port)


@pytest.mark.parametrize("host", ["bad#host", "a;b", "a]b"])
def test_host_names_that_are_none(pg, captured, connect, host):
    fails(connect(pg, captured, host=host), "a character that is not allowed")


def test_wrong_password(pg, captured, connect):
    fails(connect(pg, captured, password="wrong"),
          "could not connect", "Login failed for user 'sa'")


def test_unknown_database(pg, captured, connect):
    fails(connect(pg, captured, srcdb="nosuch"), "could not connect",
          "nosuch")


def test_a_server_of_another_kind(pg, captured, connect, start_source):
    from support.source import FLAVORS
    if not FLAVORS:
        pytest.skip("no MySQL or MariaDB server")
    fails(connect(pg, captured, port=start_source(FLAVORS[0]).port),
          "could not connect")


def test_a_login_that_the_server_does_not_answer(pg, captured, connect,
                                                 settings):
    settings(synchdb__dbz_connect_timeout_ms="1000")
    control = captured.server.control
    fault = control.fault(action="stall", at="login")
    fails(connect(pg, captured), "could not connect", "timeout")
    control.release(fault=fault)


def test_stop_while_the_server_does_not_answer(pg, captured, connect):
    control = captured.server.control
    fault = control.fault(action="stall", at="request",
                          match="SELECT t[.].*FROM .dbo.[.].t.")
    connector = connect(pg, captured)
    connector.start()
    control.wait(fault=fault)
    connector.stop()
    control.release(fault=fault)
    assert connector.state()["err"] == "no error"


@pytest.mark.parametrize("fault", [
    {"action": "cut", "at": "row", "after": 50},
    {"action": "cut", "at": "packet", "after": 1},
    {"action": "token", "at": "row", "after": 50},
    {"action": "error", "at": "row", "after": 50, "number": 1205},
    {"action": "cut", "at": "request"}], ids=lambda f: " ".join(
        str(value) for value in f.values()))
def test_a_copy_that_is_cut_off(pg, captured, connect, fault):
    """It is tried again, and no row is lost or doubled."""
    captured.execute("INSERT INTO dbo.t VALUES %s" % ", ".join(
        "(%d, N'row')" % n for n in range(2, 900)))
    captured.server.control.fault(match="SELECT t[.].*FROM .dbo.[.].t.",
                                  **fault)
    connector = connect(pg, captured)
    connector.start()
    connector.wait_rows("t", [(1, "one")] + [(n, "row")
                                             for n in range(2, 900)])
    connector.wait_streaming()


def test_reads_with_read_only_intent(pg, captured, connect):
    connector = connect(pg, captured,
                        host="127.0.0.1;ApplicationIntent=ReadOnly")
    connector.start()
    connector.wait_streaming()
    sessions = captured.server.control.sessions()
    assert {one["read_only"] for one in sessions
            if one["app"] == "synchdb" and one["database"] == captured.name} \
        == {True}


# ---- encryption ---------------------------------------------------------------

@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module", params=["off", "offer"])
def encrypting(request, start_source, certificate):
    """A server without and one with a certificate."""
    options = [] if request.param == "off" else [
        "--tls", "offer", "--certificate", str(certificate[0]),
        "--key", str(certificate[1])]
    return start_source(SqlServer, "--data", "demo", *options)


class Elsewhere(SqlServer):
    host = "127.0.0.2"


def secured(connect, pg, server, mode, truststore="", **arguments):
    connector = connect(pg, SqlServerDatabase(server, "testDB"), **arguments)
    pg.value("SELECT synchdb_add_extra_conninfo(%s, %s, '', '', %s, '')",
             [connector.name, mode, str(truststore)])
    return connector


def is_encrypted(server):
    return {one["encrypted"] for one in server.control.sessions()
            if one["app"] == "synchdb"}


@pytest.mark.parametrize("mode", ["disabled", "preferred", "required",
                                  "verify_ca", "verify_identity"])
def test_tls_modes(pg, encrypting, connect, certificate, mode):
    has_tls = "--tls" in encrypting.options
    truststore = certificate[0] if mode.startswith("verify") else ""
    connector = secured(connect, pg, encrypting, mode, truststore)
    if not has_tls and mode not in ("disabled", "preferred"):
        fails(connector, "could not connect", "TLS"
              if mode == "required" else "certificate")
        return
    connector.start()
    connector.wait_streaming()
    assert is_encrypted(encrypting) == {has_tls and mode != "disabled"}


@pytest.mark.parametrize("mode", ["verify_ca", "verify_identity"])
def test_a_certificate_of_somebody_else(pg, encrypting, connect, stranger,
                                        mode):
    fails(secured(connect, pg, encrypting, mode, stranger[0]),
          "could not connect", "certificate")


def test_a_certificate_for_another_host(pg, start_source, connect,
                                        certificate):
    """127.0.0.1 and localhost are in it, 127.0.0.2 is not."""
    server = start_source(Elsewhere, "--data", "demo", "--host", "127.0.0.2",
                          "--tls", "offer", "--certificate",
                          str(certificate[0]), "--key", str(certificate[1]))
    fails(secured(connect, pg, server, "verify_identity", certificate[0]),
          "could not connect", "certificate")
    connector = secured(connect, pg, server, "verify_ca", certificate[0])
    connector.start()
    connector.wait_streaming()


# ---- what is missing at the source ----------------------------------------------

@pytest.fixture
def bare(sqlserver):
    """A database without change data capture."""
    database = SqlServerDatabase(sqlserver, "Bare")
    sqlserver.execute("CREATE DATABASE [Bare]")
    yield database
    database.drop()


def test_without_change_data_capture(pg, bare, connect):
    fails(connect(pg, bare), 'not enabled on database "Bare"',
          "USE [Bare]; EXEC sys.sp_cdc_enable_db;")


def test_a_table_without_change_data_capture(pg, mdb, connect):
    mdb.execute("CREATE TABLE dbo.[odd ']]name] (id int)")
    fails(connect(pg, mdb, tables="dbo.odd.*"), "[dbo].[odd ']]name]",
          "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo',"
          " @source_name = N'odd '']name', @role_name = NULL;")


def test_a_list_that_matches_nothing(pg, captured, connect):
    fails(connect(pg, captured, tables="dbo.nosuch"),
          "no table of the source matches")


def test_two_schemas_with_one_name(pg, captured, connect):
    captured.execute("CREATE SCHEMA other",
                     "CREATE TABLE other.T (id int NOT NULL PRIMARY KEY)")
    captured.capture("T", schema="other")
    fails(connect(pg, captured), "would land on the same table",
          "%s.dbo.t" % captured.name, "%s.other.T" % captured.name)


def test_a_user_who_may_not_read_changes(pg, captured, connect):
    captured.server.execute(
        "CREATE LOGIN reader WITH PASSWORD = N'Reader!1'")
    captured.execute("CREATE USER reader FOR LOGIN reader",
                     "GRANT SELECT ON SCHEMA::dbo TO reader")
    fails(connect(pg, captured, user="reader", password="Reader!1"),
          "GRANT SELECT ON SCHEMA::cdc TO [reader];")
