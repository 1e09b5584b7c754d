"""What may happen to the server that a connector reads from: its log is reset,
its settings change, it restarts, another replica takes its id."""

import os
import struct

import psycopg2
import pytest

from support.source import Database
from support.wait import wait_until

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, v INT)"
COM_BINLOG_DUMP = 0x12
RESET = {"mysql": "RESET BINARY LOGS AND GTIDS", "mariadb": "RESET MASTER"}


@pytest.fixture
def serve(source, start_source, pg, connect):
    """A server of its own with a table, and a connector that streams it."""
    servers = []

    def make(*options):
        server = start_source(type(source), *options)
        servers.append(server)
        database = Database(server, "own")
        database.create()
        database.execute(TABLE, "INSERT INTO t VALUES (0, 0)")
        connector = connect(pg, database)
        connector.start()
        connector.wait_streaming()
        return database, connector
    yield make
    for server in servers:
        server.end()


def insert(database, first, last):
    database.execute(*("INSERT INTO t VALUES (%d, %d)" % (n, n)
                       for n in range(first, last)))


def failure(connector):
    """The text of an error at start or soon after."""
    try:
        connector.start()
    except psycopg2.Error as error:
        return str(error)
    return connector.wait_failed()


@pytest.mark.parametrize("nrows", [1, 40], ids=["shorter", "longer"])
def test_log_reset_while_stopped(serve, nrows):
    """The file has its old name and is another one: nothing may be missed,
    whether or not it has grown beyond the position."""
    database, connector = serve()
    insert(database, 1, 20)
    connector.wait_equal("t")
    connector.stop()
    database.server.execute(RESET[database.server.name])
    insert(database, 100, 100 + nrows)
    text = failure(connector)
    assert "always" in text
    connector.start("always")
    connector.wait_equal("t")
    connector.wait_streaming()
    insert(database, 1000, 1002)
    connector.wait_equal("t")


def test_log_reset_and_when_needed(serve):
    database, connector = serve()
    insert(database, 1, 20)
    connector.wait_equal("t")
    connector.stop()
    database.server.execute(RESET[database.server.name])
    insert(database, 100, 140)
    connector.start("when_needed")
    connector.wait_equal("t")


def test_log_reset_while_streaming(serve):
    database, connector = serve()
    insert(database, 1, 20)
    connector.wait_equal("t")
    database.server.execute(RESET[database.server.name])
    insert(database, 100, 140)
    text = connector.wait_failed(60)
    assert "always" in text or "new snapshot" in text
    connector.start("always")
    connector.wait_equal("t")


def test_restart_of_the_source(serve):
    """Also while changes are on their way, and with a crash."""
    database, connector = serve("--sync-binlog=1",
                                "--innodb-flush-log-at-trx-commit=1")
    for number, signal in ((100, 15), (200, 9)):
        insert(database, number, number + 50)
        database.server.end(signal)
        database.server.start()
        insert(database, number + 50, number + 60)
        connector.wait_equal("t", timeout=60)


def test_other_replica_with_the_same_id(serve):
    """The server ends the dump that came first: the connector says so and
    goes on with another id, and so often it takes."""
    database, connector = serve()
    number = connector.pg.value(
        "SELECT hashtext(format('%%s/%%s/%%s', (pg_control_system())."
        "system_identifier, oid, %s)) & 4294967295 FROM pg_database"
        " WHERE datname = current_database()", [connector.name])
    links = []
    for n in range(2):
        links.append(database.connect())
        links[n].query("SET @master_binlog_checksum = 'CRC32',"
                       " @source_binlog_checksum = 'CRC32'")
        links[n]._execute_command(COM_BINLOG_DUMP, struct.pack(
            "<IHI", 4, 0, (number + n) % 2 ** 32) + b"mysql-bin.000001")
        connector.wait(lambda: "another server id" in connector.state()["err"],
                       "the connector to lose its connection")
        insert(database, 1 + n, 2 + n)
        connector.wait_streaming()
        connector.wait_equal("t")
    assert database.execute(
        "SELECT COUNT(*) FROM information_schema.processlist"
        " WHERE command = 'Binlog Dump'") == ((len(links) + 1,),)
    for link in links:
        link.close()


def test_statements_instead_of_rows(serve):
    """Of a captured table: an error that names them, and what to do."""
    database, connector = serve()
    database.execute("CREATE TABLE u (id INT PRIMARY KEY)",
                     "SET SESSION binlog_format = STATEMENT",
                     "INSERT INTO u VALUES (1)")
    text = connector.wait_failed()
    assert "binlog_format" in text and "always" in text
    database.execute("DROP TABLE u")
    connector.start("always")
    connector.wait_equal("t")


def test_row_format_is_left_and_comes_back(serve):
    """The setting alone does no harm."""
    database, connector = serve()
    database.server.execute("SET GLOBAL binlog_format = STATEMENT")
    database.server.execute("SET GLOBAL binlog_format = ROW")
    insert(database, 1, 3)
    connector.wait_equal("t")


def test_gtid_mode_changes(serve, source):
    """Step by step to ON and back, streaming and with restarts."""
    if source.name == "mariadb":
        pytest.skip("MariaDB has GTIDs always")
    database, connector = serve()
    number = 1
    steps = ["OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"]
    if database.server.execute("SELECT @@gtid_mode") == (("ON",),):
        steps = ["ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF"]
    database.server.execute("SET GLOBAL enforce_gtid_consistency = ON")
    for mode in steps + steps[-2::-1]:
        database.server.execute("SET GLOBAL gtid_mode = " + mode)
        insert(database, number, number + 3)
        connector.wait_equal("t")
        connector.stop()
        insert(database, number + 3, number + 5)
        connector.start()
        connector.wait_equal("t")
        number += 5


def test_domains_of_gtids(serve, source):
    if source.name == "mysql":
        pytest.skip("MySQL has no domains")
    database, connector = serve()
    for number, setting in enumerate(["gtid_domain_id = 7", "server_id = 99",
                                      "gtid_domain_id = 0",
                                      "gtid_seq_no = 100000"]):
        database.execute("SET SESSION " + setting,
                         "INSERT INTO t VALUES (%d, 1)" % (number * 2 + 1),
                         "INSERT INTO t VALUES (%d, 1)" % (number * 2 + 2))
        connector.wait_equal("t")
        connector.stop()
        connector.start()
    insert(database, 50, 52)
    connector.wait_equal("t")


def encryption(server, directory):
    """Options for a log that is encrypted on disk; None if impossible."""
    key = os.path.join(directory, "keys")
    if server.name == "mariadb":
        with open(key, "w") as file:
            file.write("1;" + "0123456789abcdef" * 4 + "\n")
        return ["--plugin-load-add=file_key_management",
                "--file-key-management-filename=" + key, "--encrypt-binlog"]
    return None


def test_encrypted_log(source, serve, tmp_path):
    options = encryption(source, str(tmp_path))
    if options is None:
        pytest.skip("needs a keyring, which is configured by files beside"
                    " mysqld")
    try:
        database, connector = serve(*options)
    except RuntimeError:
        pytest.skip("this server has no plugin for keys")
    insert(database, 1, 5)
    database.execute("FLUSH BINARY LOGS")
    insert(database, 5, 9)
    connector.wait_equal("t")
    connector.stop()
    insert(database, 9, 12)
    connector.start()
    connector.wait_equal("t")
