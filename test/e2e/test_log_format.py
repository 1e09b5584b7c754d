"""What servers can be told to write into the log differently."""

import json
import random

import pytest

from support.memory import MemoryWatch
from support.source import MariaDB, MySQL


@pytest.fixture
def setting(source, request):
    """Changes global settings of the source; taken back after the test."""
    before = {}

    def change(**values):
        for name, value in values.items():
            if name not in before:
                before[name] = source.execute("SELECT @@global." + name)[0][0]
            source.execute("SET GLOBAL %s = %r" % (name, value))
    yield change
    for name, value in before.items():
        source.execute("SET GLOBAL %s = %r" % (name, value))


def only(source, flavor):
    if source.name != flavor.name:
        pytest.skip("%s has no such thing" % source.name)


@pytest.fixture
def compressed(source, setting):
    """Compresses; counts the compressed transactions written since."""
    only(source, MySQL)
    setting(binlog_transaction_compression=1)
    source.execute("FLUSH BINARY LOGS")
    nfiles = len(source.execute("SHOW BINARY LOGS"))

    def count():
        files = source.execute("SHOW BINARY LOGS")[nfiles - 1:]
        return sum(row[2] == "Transaction_payload" for name, *_ in files
                   for row in source.execute("SHOW BINLOG EVENTS IN '%s'"
                                             % name))
    return count


def test_compressed_transactions(compressed, db, connector):
    """Several tables and kinds of rows in one, DDL between them, a stop."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v TEXT)",
               "CREATE TABLE u (id INT PRIMARY KEY, t INT)",
               "INSERT INTO t VALUES (1, 'one')")
    connector.start()
    connector.wait_streaming()
    for n in range(2, 6):
        db.execute("BEGIN", "INSERT INTO t VALUES (%d, REPEAT('v', 1000))" % n,
                   "INSERT INTO u (id, t) VALUES (%d, %d)" % (n, n),
                   "UPDATE t SET v = CONCAT(v, '!') WHERE id < %d" % n,
                   "DELETE FROM t WHERE id = %d - 2" % n, "COMMIT")
        db.execute("ALTER TABLE u ADD c%d INT DEFAULT %d" % (n, n))
        if n == 3:
            connector.wait_equal("t")
            connector.stop()
        if n == 4:
            connector.start()
    connector.wait_equal("t")
    connector.wait_equal("u")
    assert compressed() > 4


def test_compressed_bulk(compressed, db, connector):
    """One transaction of many events, and rows larger than any step."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)")
    connector.start()
    connector.wait_streaming()
    db.execute(
        "SET SESSION cte_max_recursion_depth = 100000",
        "BEGIN",
        "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
        " SELECT i + 1 FROM n WHERE i < 50000)"
        " SELECT i, CONCAT(SHA2(i, 256), REPEAT('x', i % 300)) FROM n",
        "INSERT INTO t VALUES (100001, REPEAT('y', 20000000))",
        "UPDATE t SET v = SHA2(v, 256) WHERE id % 3 = 0", "COMMIT")
    connector.wait_equal("t", timeout=60)
    assert compressed() > 0


def test_compressed_memory(compressed, db, connector):
    """Far more comes out of a payload than the worker ever holds."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, v TEXT)")
    connector.start()
    connector.wait_streaming()
    pid = connector.pid()
    with MemoryWatch(lambda: [pid]) as watch:
        db.execute("SET SESSION cte_max_recursion_depth = 100000",
                   "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
                   " SELECT i + 1 FROM n WHERE i < 100000)"
                   " SELECT i, REPEAT('x', 1500) FROM n")
        connector.wait(lambda: connector.rows("t", "count(*)") == [(100000,)],
                       "all rows", timeout=120)
    assert 0 < watch.peak < 64 * 1024 * 1024


def test_compressed_and_prepared(compressed, db, connector):
    """Nothing of a prepared transaction comes before its end."""
    db.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    connector.start()
    connector.wait_streaming()
    db.execute("XA START 'a'", "INSERT INTO t VALUES (1)", "XA END 'a'",
               "XA PREPARE 'a'")
    db.execute("INSERT INTO t VALUES (2)")
    connector.wait_rows("t", [(2,)])
    db.execute("XA COMMIT 'a'")
    connector.wait_rows("t", [(1,), (2,)])


def random_document(chance, depth=0):
    kind = chance.randrange(8 if depth < 3 else 6)
    if kind == 6:
        return [random_document(chance, depth + 1)
                for _ in range(chance.randrange(5))]
    if kind == 7:
        return {chance.choice(KEYS): random_document(chance, depth + 1)
                for _ in range(chance.randrange(5))}
    return chance.choice([None, True, chance.randrange(-2**40, 2**40),
                          chance.random(), "x" * chance.randrange(300),
                          "\u00e9\"\\\n'$.a[0]"])


KEYS = ["a", "b", "aa", "a b", "\u00e9", "q\"q", "", "last", "$", "0",
        "back\\slash", "tab\t", "\U0001f600", "long" * 20]


def random_path(chance):
    return "$" + "".join(
        chance.choice(["[%d]" % chance.randrange(4), "[last]", "[last-1]",
                       "." + json.dumps(chance.choice(KEYS))])
        for _ in range(chance.randrange(1, 4)))


def test_partial_json(source, db, connector, setting):
    """Random edits of random documents."""
    only(source, MySQL)
    setting(binlog_row_value_options="PARTIAL_JSON")
    chance = random.Random(5)
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, a JSON, n INT, b JSON)")
    connection = db.connect(autocommit=False)
    cursor = connection.cursor()
    for n in range(30):
        cursor.execute("INSERT INTO t VALUES (%s, %s, 0, %s)",
                       (n, json.dumps(random_document(chance)),
                        json.dumps(random_document(chance))))
    connection.commit()
    connector.start()
    connector.wait_streaming()
    for n in range(1000):
        edit = chance.choice(["JSON_SET({0}, %s, CAST(%s AS JSON))",
                              "JSON_REPLACE({0}, %s, CAST(%s AS JSON))",
                              "JSON_REMOVE({0}, %s)"])
        column = chance.choice("ab")
        values = [random_path(chance),
                  json.dumps(random_document(chance, 2))][:edit.count("%s")]
        cursor.execute("UPDATE t SET n = n + 1, %s = %s WHERE MOD(id, 10) = %%s"
                       % (column, edit.format(column)),
                       values + [chance.randrange(10)])
        if chance.randrange(20) == 0:
            connection.commit()
    connection.commit()
    connection.close()
    columns = "id, CAST(a AS CHAR), n, CAST(b AS CHAR)"
    connector.wait_rows("t", db.execute("SELECT %s FROM t" % columns),
                        columns="id, a::text, n, b::text")
    assert connector.counters()["bad_events"] == 0


def test_partial_json_without_the_value_before(source, db, connector,
                                               setting):
    only(source, MySQL)
    setting(binlog_row_value_options="PARTIAL_JSON",
            binlog_row_image="MINIMAL")
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, a JSON)",
               "INSERT INTO t VALUES (1, '{\"a\": \"some text\"}')")
    connector.start()
    connector.wait_streaming()
    db.execute("UPDATE t SET a = JSON_SET(a, '$.a', 'other')")
    message = connector.wait_failed()
    assert "has only what changed in column \"a\"" in message
    assert "binlog_row_value_options" in message


def test_invisible_and_generated_columns(source, db, connector):
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, secret INT INVISIBLE"
               " DEFAULT 7, twice INT GENERATED ALWAYS AS (id * 2) STORED,"
               " thrice INT GENERATED ALWAYS AS (id * 3) VIRTUAL)",
               "INSERT INTO t (id, secret) VALUES (1, 1)")
    connector.start()
    connector.wait_streaming()
    db.execute("INSERT INTO t (id) VALUES (2)",
               "INSERT INTO t (id, secret) VALUES (3, NULL), (4, 4)",
               "UPDATE t SET id = 5, secret = 8 WHERE id = 4")
    connector.wait_equal("t", columns="id, secret, twice, thrice")
