"""A standby of the PostgreSQL server takes over.

The primary is killed under writes at the source; the standby is promoted, and
its launcher starts the connectors, which go on from the position that came
with the data.  SYNCHDB_TEST_PROMOTIONS says how often.
"""

import os

import pytest

from support.postgres import Postgres
from support.wait import wait_until
from support.writers import Writers

PROMOTIONS = int(os.environ.get("SYNCHDB_TEST_PROMOTIONS", "2"))


@pytest.fixture
def clusters(directory):
    """Servers with the launcher: a primary, and standbys of a server."""
    made = []

    def make(primary=None):
        if primary is None:
            cluster = Postgres(directory(), shared_preload_libraries="synchdb")
        else:
            cluster = Postgres.standby_of(primary, directory())
        made.append(cluster)
        cluster.start()
        return cluster
    yield make
    for cluster in made:
        cluster.stop()


def workers(pg):
    """Types of the extension's processes."""
    return [row[0] for row in pg.query(
        "SELECT backend_type FROM pg_stat_activity"
        " WHERE backend_type LIKE 'synchdb%'")]


def write(transaction):
    chance = transaction.chance
    key = chance.randrange(1000)
    transaction.execute("INSERT INTO t (v) VALUES (%s)", "x" * key)
    transaction.execute("UPDATE counts SET n = n + 1 WHERE id = %s", key % 10)
    transaction.execute("DELETE FROM t WHERE id = %s", key)
    transaction.execute("UPDATE t SET v = CONCAT(v, '!') WHERE id = %s",
                        key * 2)


def highest(connector):
    return connector.rows("t", "coalesce(max(id), 0)")[0][0]


def test_promotion(clusters, source, db, connect):
    primary = clusters()
    primary.query("SET client_min_messages = warning")
    primary.query("CREATE EXTENSION synchdb CASCADE")
    db.execute("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v TEXT)",
               "CREATE TABLE counts (id INT PRIMARY KEY, n INT)",
               "INSERT INTO counts VALUES (0, 0), (1, 0), (2, 0), (3, 0),"
               " (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0)")
    connector = connect(primary, db)
    connector.start()
    connector.wait_streaming()

    with Writers(db, write, write):
        for _ in range(PROMOTIONS):
            standby = clusters(primary)
            reached = highest(connector)
            connector.pg = standby
            wait_until(lambda: highest(connector) > reached, 60,
                       "changes to come to the standby")
            assert workers(standby) == []
            primary.kill()
            standby.query("SELECT pg_promote()")
            connector.wait_streaming()
            reached = highest(connector)
            wait_until(lambda: highest(connector) > reached, 60,
                       "changes after the promotion", connector.explain)
            primary = standby
    connector.wait_equal("t", timeout=60)
    connector.wait_equal("counts")
    assert connector.counters()["bad_events"] == 0


def test_standby_refuses_to_start_a_connector(clusters, source, db, connect):
    primary = clusters()
    primary.query("SET client_min_messages = warning")
    primary.query("CREATE EXTENSION synchdb CASCADE")
    connector = connect(primary, db)
    standby = clusters(primary)
    with standby.connect().cursor() as cursor:
        with pytest.raises(Exception) as raised:
            cursor.execute("SELECT synchdb_start_engine_bgw(%s)",
                           [connector.name])
    assert "recovery" in str(raised.value) or "read-only" in str(raised.value)
