"""What the copy of a SQL Server table contains, whatever the database and the
user allow."""

import pytest

ROWS = [(n, "row %d" % n) for n in range(1, 201)]


def fill(database):
    database.execute(
        "CREATE TABLE dbo.keyed (id int NOT NULL PRIMARY KEY, v nvarchar(20))",
        "CREATE TABLE dbo.keyless (id int, v nvarchar(20))")
    for table in ("keyed", "keyless"):
        database.execute("INSERT INTO dbo.%s VALUES %s" % (table, ", ".join(
            "(%d, N'%s')" % row for row in ROWS)))
    database.capture("keyed", "keyless")
    return database


@pytest.fixture(params=["snapshot isolation", "locks"])
def filled(request, mdb):
    if request.param == "locks":
        mdb.server.execute("ALTER DATABASE %s SET ALLOW_SNAPSHOT_ISOLATION OFF"
                           % mdb.name)
    return fill(mdb)


def change(database, n):
    """Changes that come out wrong if one is lost or done twice."""
    database.execute(
        "UPDATE dbo.keyed SET v = N'changed' WHERE id = %d" % n,
        "DELETE FROM dbo.keyed WHERE id = %d" % (n + 50),
        "INSERT INTO dbo.keyed VALUES (%d, N'new')" % (1000 + n),
        "UPDATE dbo.keyed SET id = %d WHERE id = %d" % (2000 + n, n + 100),
        "INSERT INTO dbo.keyless VALUES (%d, N'new')" % n,
        "DELETE TOP (1) FROM dbo.keyless WHERE id = %d" % (n + 50))


def wait_same(connector, database):
    for table in ("keyed", "keyless"):
        connector.wait_rows(table, sorted(database.execute(
            "SELECT id, v FROM dbo.%s" % table)), order="ORDER BY id, v")


def test_changes_beside_the_copy(pg, filled, connect):
    """Some before the snapshot that are not captured yet, some within it,
    some after it."""
    for n in range(1, 11):
        change(filled, n)
    control = filled.server.control
    fault = control.fault(action="stall", at="request",
                          match="SELECT t[.].*FROM .dbo.[.].keyed.")
    connector = connect(pg, filled)
    connector.start()
    control.wait(fault=fault)
    if filled.execute("SELECT snapshot_isolation_state FROM sys.databases"
                      " WHERE name = '%s'" % filled.name) == [(1,)]:
        for n in range(11, 21):
            change(filled, n)
    control.release(fault=fault)
    connector.wait_streaming()
    for n in range(21, 31):
        change(filled, n)
    wait_same(connector, filled)


@pytest.fixture
def reader(filled):
    """A user who may not see the end of the log."""
    name = "reader_" + filled.name
    filled.server.execute("CREATE LOGIN %s WITH PASSWORD = N'Reader!1'" % name)
    filled.execute("CREATE USER %s FOR LOGIN %s" % (name, name),
                   "GRANT SELECT ON SCHEMA::dbo TO %s" % name,
                   "GRANT SELECT ON SCHEMA::cdc TO %s" % name)
    return {"user": name, "password": "Reader!1"}


def test_a_table_without_key_needs_the_end_of_the_log(pg, filled, connect,
                                                      reader):
    connector = connect(pg, filled, **reader)
    connector.start()
    error = connector.wait_failed()
    assert "cannot copy table" in error
    assert "%s.dbo.keyless" % filled.name in error
    assert "GRANT VIEW DATABASE STATE TO [%s];" % reader["user"] in error


def test_without_the_end_of_the_log_capture_is_awaited(pg, filled, connect,
                                                       reader):
    connector = connect(pg, filled, tables="dbo.keyed", **reader)
    asked = dict(match="FROM cdc.lsn_time_mapping WHERE tran_end_time >")
    before = len(filled.server.control.requests(**asked))
    connector.start()
    connector.wait(lambda: len(filled.server.control.requests(**asked)) >
                   before, "the wait for the capture job")
    assert not connector.exists("keyed") or connector.rows("keyed") == []
    filled.execute("UPDATE dbo.keyed SET v = N'later' WHERE id = 1")
    connector.wait_rows("keyed", [(1, "later")] + ROWS[1:])


def test_a_table_that_is_locked_at_the_source(pg, filled, connect):
    """The copy waits for it and is tried again."""
    session = filled.session()
    session.execute("BEGIN TRANSACTION",
                    "UPDATE dbo.keyless SET v = N'held' WHERE id = 1")
    connector = connect(pg, filled, tables="dbo.keyless")
    connector.start()
    connector.wait(lambda: "could not lock table" in
                   connector.state()["err"], "the lock to time out")
    session.execute("COMMIT TRANSACTION")
    session.close()
    connector.wait_rows("keyless", sorted([(1, "held")] + ROWS[1:]))
