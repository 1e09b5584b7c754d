"""The story of the README: the sample database, copied and followed."""

import base64
import json
import time

import pytest

from support.source import Database, statements

TABLES = ["addresses", "customers", "orders", "products", "products_on_hand"]

STATE_COLUMNS = ["name", "connector_type", "pid", "stage", "state", "err",
                 "last_dbz_offset"]
STATS_COLUMNS = ["name", "ddls", "dmls", "reads", "creates", "updates",
                 "deletes", "bad_events", "total_events", "batches_done",
                 "avg_batch_size", "first_src_ts", "first_dbz_ts",
                 "first_pg_ts", "last_src_ts", "last_dbz_ts", "last_pg_ts"]


@pytest.fixture
def inventory(source):
    source.execute(*statements("inventory.sql"))
    yield Database(source, "inventory")
    source.execute("DROP DATABASE inventory")


def geometry(value):
    """MySQL stores SRID and WKB in one value."""
    if value is None:
        return None
    return {"wkb": base64.b64encode(value[4:]).decode(),
            "srid": int.from_bytes(value[:4], "little") or None}


def wait_all_equal(connector):
    for table in TABLES:
        connector.wait_equal(table)
    expected = [(key, geometry(g), geometry(h)) for key, g, h in
                connector.database.execute("SELECT * FROM geom ORDER BY id")]
    connector.wait(lambda: connector.exists("geom"), "table geom")
    connector.wait(
        lambda: [(key, g and json.loads(g), h and json.loads(h)) for key, g, h
                 in connector.rows("geom", order="ORDER BY id")] == expected,
        "equal rows in geom")


def test_story(pg, inventory, connect):
    connector = connect(pg, inventory)
    assert connector.start() == 0
    assert connector.pid() > 0
    connector.wait_streaming()
    wait_all_equal(connector)

    state = connector.state()
    assert list(state) == STATE_COLUMNS
    assert state["connector_type"] == "mysql"
    assert state["err"] == "no error"
    offset = json.loads(state["last_dbz_offset"])
    assert offset["file"].startswith("mysql-bin.")
    assert offset["pos"] > 0

    before = int(time.time() * 1000)
    inventory.execute(
        "INSERT INTO orders VALUES (10005, '2024-08-26', 1004, 3, 101)",
        "UPDATE orders SET quantity = 7 WHERE order_number = 10005",
        "UPDATE products SET weight = 2.5, description = NULL WHERE id = 104",
        "DELETE FROM orders WHERE order_number = 10001",
        "INSERT INTO geom VALUES (9, ST_GeomFromText('POINT(5 -5)', 4326),"
        " ST_GeomFromText('MULTIPOINT(1 2, 3 4)'))",
        "UPDATE geom SET h = ST_GeomFromText('POINT(0 0)') WHERE id = 1",
        "DELETE FROM geom WHERE id = 2",
        "TRUNCATE TABLE addresses")
    wait_all_equal(connector)
    assert connector.rows("addresses") == []

    counters = connector.counters()
    assert {name: counters[name] for name in
            ("reads", "creates", "updates", "deletes", "truncates", "dmls",
             "bad_events", "tables", "rows")} == {
        "reads": 36, "creates": 2, "updates": 3, "deletes": 2,
        "truncates": 1, "dmls": 7, "bad_events": 0, "tables": 6, "rows": 36}
    stats = pg.dictionary("SELECT * FROM synchdb_stats_view WHERE name = %s",
                          [connector.name])
    assert list(stats) == STATS_COLUMNS
    after = int(time.time() * 1000)
    assert before <= stats["last_dbz_ts"] <= stats["last_pg_ts"] <= after
    # the source tells whole seconds in an event's head
    assert before - 1000 <= stats["last_src_ts"] <= after

    assert connector.stop() == 0
    state = connector.state()
    assert (state["pid"], state["state"]) == (-1, "stopped")
    assert connector.delete() == 0
    assert connector.state() == {}
    assert pg.query("SELECT 1 FROM synchdb_conninfo WHERE name = %s",
                    [connector.name]) == []
    # replicated tables stay
    assert len(connector.rows("products")) == 9


def test_types_of_the_sample(pg, inventory, connect):
    connector = connect(pg, inventory)
    connector.start()
    connector.wait_streaming()
    columns = dict(pg.query(
        "SELECT c.relname || '.' || a.attname,"
        " format_type(a.atttypid, a.atttypmod) ||"
        " CASE WHEN a.attnotnull THEN ' not null' ELSE '' END"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'inventory'::regnamespace"
        " AND c.relkind = 'r' AND a.attnum > 0"))
    assert columns["orders.order_number"] == "integer not null"
    assert columns["orders.order_date"] == "date not null"
    assert columns["products.name"] == "character varying(255) not null"
    assert columns["products.description"] == "character varying(512)"
    assert columns["products.weight"] == "real"
    assert columns["addresses.type"] == "text not null"
    assert columns["geom.h"] == "text"
    keys = pg.query(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'inventory'::regnamespace AND contype = 'p'"
        " ORDER BY 1")
    assert keys == [
        ("addresses_pkey", "PRIMARY KEY (id)"),
        ("customers_pkey", "PRIMARY KEY (id)"),
        ("geom_pkey", "PRIMARY KEY (id)"),
        ("orders_pkey", "PRIMARY KEY (order_number)"),
        ("products_on_hand_pkey", "PRIMARY KEY (product_id)"),
        ("products_pkey", "PRIMARY KEY (id)")]


def test_restart_continues(pg, inventory, connect):
    """Changes made while the connector is down arrive, none twice."""
    connector = connect(pg, inventory)
    connector.start()
    connector.wait_streaming()
    connector.stop()
    inventory.execute(
        "INSERT INTO products (name) VALUES ('bell'), ('lamp')",
        "DELETE FROM products_on_hand WHERE product_id > 106",
        "UPDATE orders SET quantity = quantity + 1")
    connector.start()
    wait_all_equal(connector)
    counters = connector.counters()
    assert counters["reads"] == 36
    assert (counters["creates"], counters["updates"],
            counters["deletes"]) == (2, 4, 3)
