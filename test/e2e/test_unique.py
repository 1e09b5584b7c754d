"""Unique indexes of tables whose copy shows rows of several moments."""

import itertools
import random

import pytest

from support.fake import Script

NUMBERS = itertools.count(1)

UNIQUE = [{"name": "once", "unique": True, "parts": [{"column": 1}]},
          {"name": "plain", "parts": [{"column": 1}, {"column": 0}]}]


@pytest.fixture
def script(tmp_path):
    script = Script(tmp_path / "script", "unique%d" % next(NUMBERS))
    script.table("t", "id int, v int", indexes=UNIQUE)
    return script


@pytest.fixture
def indexed(settings):
    settings(synchdb__replicate_indexes="on",
             synchdb__snapshot_range_size="5")


def moving(script, seed, ntransactions=120):
    """Values that are unique after each change move from row to row."""
    chance = random.Random(seed)
    rows = {}

    def change():
        free = [key for key in range(40) if key not in rows]
        unused = sorted(set(range(40)) - set(rows.values()))
        verb = chance.choice(["insert", "insert", "update", "move",
                              "delete"])
        if len(rows) < 12 or (verb == "insert" and len(rows) < 35):
            key = chance.choice(free)
            rows[key] = chance.choice(unused)
            return [script.insert("t", key, rows[key])]
        key = chance.choice(sorted(rows))
        old = rows.pop(key)
        gone = script.delete("t", key, old)
        if verb == "delete":
            return [gone]
        if verb == "move":
            other = chance.choice(free)
            rows[other] = old
            return [gone, script.insert("t", other, old)]
        rows[key] = chance.choice(unused)
        return [script.update("t", (key, old), (key, rows[key]))]

    transactions = [sum((change() for _ in range(chance.randrange(1, 4))), [])
                    for _ in range(ntransactions)]
    return transactions, sorted(rows.items())


def indexes(connector):
    return [name for name, in connector.pg.query(
        "SELECT obj_description(indexrelid, 'pg_class') FROM pg_index"
        " WHERE indrelid = %s::regclass AND NOT indisprimary AND indisvalid"
        " ORDER BY 1", [connector.target("t")])]


def wait_indexes(connector):
    connector.wait(lambda: indexes(connector) ==
                   ["synchdb: index once", "synchdb: index plain"],
                   "both indexes")


@pytest.mark.parametrize("seed", range(8))
def test_window(pg, script, connect, indexed, seed):
    """Inside it two rows may have the same value for a while."""
    transactions, rows = moving(script, seed)
    positions = script.transactions(*transactions)
    script.point("t", positions[30], positions[90])
    connector = connect(pg, script, type="fake")
    connector.start()
    connector.wait_rows("t", rows)
    wait_indexes(connector)
    assert connector.counters()["bad_events"] == 0
    assert connector.state()["err"] == "no error"


@pytest.mark.parametrize("seed", range(20, 24))
def test_copied_again(pg, script, connect, indexed, seed):
    """Its indexes are there already."""
    transactions, rows = moving(script, seed, 60)
    script.transactions(*transactions)
    connector = connect(pg, script, type="fake")
    connector.start()
    connector.wait_rows("t", rows)
    wait_indexes(connector)
    transactions, rows = moving(script, seed)
    positions = script.transactions(*transactions[60:])
    script.point("t", positions[10], positions[50])
    pg.query("SELECT synchdb_resync_table(%s, %s)",
             [connector.name, script.id("t")])
    connector.wait_rows("t", rows)
    wait_indexes(connector)
    assert connector.state()["err"] == "no error"


def test_unique_index_of_a_user(pg, script, connect, indexed):
    """A table that has one is copied as a whole."""
    transactions, rows = moving(script, 7)
    script.transactions(*transactions)
    connector = connect(pg, script, type="fake")
    pg.query("CREATE SCHEMA %s" % connector.schema)
    pg.query("CREATE TABLE %s (id int PRIMARY KEY, v int UNIQUE)"
             % connector.target("t"))
    connector.start()
    connector.wait_rows("t", rows)
    assert None in indexes(connector)
