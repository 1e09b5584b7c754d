"""The quick start on the sample database of the SQL Server test server."""

import os
import re

import pytest

from support.sqlserver import SqlServer, SqlServerDatabase

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "doc",
                    "source-sqlserver.md")

ORDERS = [(10001, "2016-01-16", 1001, 1, 102),
          (10002, "2016-01-17", 1002, 2, 105),
          (10003, "2016-02-19", 1002, 2, 106),
          (10004, "2016-02-21", 1003, 1, 107)]
SHOWN = "id, order_date::text, purchaser, quantity, product_id"


@pytest.fixture
def sample(start_source):
    return SqlServerDatabase(start_source(SqlServer, "--data", "demo"),
                             "testDB")


def test_the_quick_start(pg, sample, connect):
    connector = connect(pg, sample)
    connector.start()
    connector.wait_rows("orders", ORDERS, SHOWN)
    assert connector.target("orders") == '"testdb"."orders"'
    assert [len(connector.rows(table)) for table in
            ("products", "products_on_hand", "customers")] == [9, 9, 4]
    connector.wait_streaming()

    sample.execute("INSERT INTO dbo.orders (order_date, purchaser, quantity,"
                   " product_id) VALUES ('2024-01-01', 1003, 2, 107)",
                   "UPDATE dbo.orders SET quantity = 5"
                   " WHERE id = 10001",
                   "DELETE FROM dbo.orders WHERE id = 10002")
    connector.wait_rows("orders", [
        (10001, "2016-01-16", 1001, 5, 102), ORDERS[2], ORDERS[3],
        (10005, "2024-01-01", 1003, 2, 107)], SHOWN)
    assert '"commit_lsn"' in connector.state()["last_dbz_offset"]

    # what is written while it is stopped comes later
    connector.stop()
    sample.execute("UPDATE dbo.customers SET first_name = N'Zoë'"
                   " WHERE id = 1001")
    connector.start()
    connector.wait_rows("customers", [("Zoë",)], "first_name",
                        "WHERE id = 1001")


def test_the_name_of_the_database_in_another_case(pg, sample, connect):
    connector = connect(pg, sample, srcdb="TESTDB")
    connector.start()
    connector.wait_rows("orders", ORDERS, SHOWN)
    assert pg.value("SELECT ext_tbname FROM synchdb_att_view WHERE name = %s"
                    " AND pg_tbname = 'testdb.orders' LIMIT 1",
                    [connector.name]).lower() == "testdb.dbo.orders"


@pytest.mark.parametrize("tables", ["dbo.orders", "testDB.dbo.orders",
                                    "DBO[.]ORD.*"])
def test_lists_of_tables(pg, sample, connect, tables):
    connector = connect(pg, sample, tables=tables)
    connector.start()
    connector.wait_rows("orders", ORDERS, SHOWN)
    connector.wait_streaming()
    assert not connector.exists("customers")


def test_the_manual(pg, start_source, connect):
    """Its T-SQL sets a database up, for a user who may do no more."""
    server = start_source(SqlServer)
    server.execute("CREATE DATABASE testDB")
    database = SqlServerDatabase(server, "testDB")
    database.execute("CREATE TABLE dbo.orders (id int NOT NULL PRIMARY KEY)",
                     "INSERT INTO dbo.orders VALUES (1)")
    with open(PAGE, encoding="utf-8") as text:
        *prepare, add, remove = re.findall(r"^```tsql\n(.*?)^```$",
                                           text.read(), re.M | re.S)
    database.execute(*prepare)
    connector = connect(pg, database, user="synchdb", password="Password!1")
    connector.start()
    connector.wait_streaming()
    assert "source 127.0.0.1:%d" % server.port not in pg.log_text()

    database.execute(add, "INSERT INTO dbo.orders VALUES (2, N'new')")
    connector.wait_rows("orders", [(1, None), (2, "new")])
    database.execute(remove, "INSERT INTO dbo.orders VALUES (3, N'last')")
    connector.wait_rows("orders", [(1, None), (2, "new"), (3, "last")])
    assert 'table "testDB.dbo.orders" was disabled' not in pg.log_text()
