"""Going on at another server after the source has failed over to it."""

import itertools

import pytest

from support.source import FLAVORS, Database
from support.wait import wait_until
from support.writers import Writers

NUMBERS = itertools.count(1)

OPTIONS = {"mysql": ["--gtid-mode=ON", "--enforce-gtid-consistency=ON",
                     "--log-replica-updates=ON"],
           "mariadb": ["--gtid-strict-mode=ON", "--log-slave-updates=ON"]}
FORGET = {"mysql": ["RESET BINARY LOGS AND GTIDS"],
          "mariadb": ["RESET MASTER", "SET GLOBAL gtid_slave_pos = ''"]}
FOLLOW = {
    "mysql": ["CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1',"
              " SOURCE_PORT = %d, SOURCE_USER = 'replicator',"
              " SOURCE_PASSWORD = 'x', SOURCE_AUTO_POSITION = 1,"
              " SOURCE_CONNECT_RETRY = 1, GET_SOURCE_PUBLIC_KEY = 1",
              "START REPLICA"],
    "mariadb": ["CHANGE MASTER TO MASTER_HOST = '127.0.0.1',"
                " MASTER_PORT = %d, MASTER_USER = 'replicator',"
                " MASTER_PASSWORD = 'x', MASTER_USE_GTID = slave_pos,"
                " MASTER_CONNECT_RETRY = 1", "START SLAVE"]}
PROMOTE = {"mysql": ["STOP REPLICA", "RESET REPLICA ALL"],
           "mariadb": ["STOP SLAVE", "RESET SLAVE ALL"]}
APPLIED = {"mysql": "SELECT @@global.gtid_executed",
           "mariadb": "SELECT @@global.gtid_binlog_pos"}


class Pair:
    """A primary and its replica."""

    def __init__(self, start_source, flavor):
        self.flavor = flavor
        self.primary, self.replica = (
            start_source(flavor, "--server-id=%d" % (1000 + next(NUMBERS)),
                         *OPTIONS[flavor.name]) for _ in range(2))
        for server in (self.primary, self.replica):
            server.execute("CREATE USER 'replicator'@'%' IDENTIFIED BY 'x'",
                           "GRANT REPLICATION SLAVE ON *.* TO 'replicator'@'%'",
                           *FORGET[flavor.name])
        self.follow()

    def follow(self):
        statements = FOLLOW[self.flavor.name]
        self.replica.execute(statements[0] % self.primary.port, *statements[1:])

    def applied(self, server):
        return server.execute(APPLIED[self.flavor.name])[0][0]

    def wait_caught_up(self):
        wait_until(lambda: self.applied(self.primary) ==
                   self.applied(self.replica), 60, "the replica to catch up")

    def promote(self):
        """The primary is gone; the replica has all that it had."""
        self.replica.execute(*PROMOTE[self.flavor.name])

    def hosts(self):
        return ",".join("127.0.0.1:%d" % server.port
                        for server in (self.primary, self.replica))

    def end(self):
        self.primary.end()
        self.replica.end()


@pytest.fixture(params=FLAVORS, ids=lambda f: f.name)
def pair(request, start_source):
    pair = Pair(start_source, request.param)
    yield pair
    pair.end()


@pytest.fixture
def db(pair):
    database = Database(pair.primary, "failover%d" % next(NUMBERS))
    database.create()
    database.execute("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)",
                     "CREATE TABLE n (x INT, v INT)")
    return database


def work(transaction):
    transaction.execute("INSERT INTO t (v) VALUES (%s)",
                        transaction.chance.randrange(1000))
    transaction.execute("UPDATE t SET v = v + 1 WHERE id = %s",
                        transaction.chance.randrange(1, 500))
    transaction.execute("DELETE FROM t WHERE id = %s",
                        transaction.chance.randrange(1, 500))
    transaction.execute("INSERT INTO n VALUES (%s, 1)",
                        transaction.chance.randrange(1000))


def check_equal(connector):
    connector.wait_equal("t")
    connector.wait_equal("n", order="ORDER BY x, v")
    assert connector.counters()["bad_events"] == 0


def test_failover_under_writes(pg, pair, db, connect):
    """Also back again, and with restarts of the connector in between."""
    connector = connect(pg, db, host=pair.hosts())
    with Writers(db, work, work):
        connector.start()
        connector.wait_streaming()
        connector.wait(lambda: connector.counters()["creates"] > 200, "rows")
    # the last of it may reach the connector only by way of the replica
    pair.wait_caught_up()
    pair.primary.end()
    pair.promote()

    db.server = pair.replica
    with Writers(db, work, work):
        before = connector.counters()["creates"]
        connector.wait(lambda: connector.counters()["creates"] > before + 200,
                       "rows of the new primary", 60)
        connector.stop()
        connector.start()
        connector.wait_streaming()
    check_equal(connector)

    # the former primary follows, and takes over again
    pair.primary, pair.replica = pair.replica, pair.primary
    pair.replica.start()
    pair.follow()
    pair.wait_caught_up()
    connector.stop()
    db.execute("INSERT INTO t (v) VALUES (-1)")
    pair.wait_caught_up()
    pair.primary.end()
    pair.promote()
    db.server = pair.replica
    db.execute("UPDATE t SET v = -2 WHERE v = -1", "INSERT INTO n VALUES (0, 0)")
    connector.start()
    check_equal(connector)
    db.execute("INSERT INTO n VALUES (0, 0)")
    check_equal(connector)


def test_replica_that_lacks_applied_transactions(pg, pair, db, connect):
    connector = connect(pg, db, host=pair.hosts())
    connector.start()
    connector.wait_streaming()
    pair.wait_caught_up()
    pair.replica.execute(PROMOTE[pair.flavor.name][0])
    db.execute("INSERT INTO t (v) VALUES (1)")
    connector.wait_equal("t")
    pair.primary.end()
    text = connector.wait_failed(60)
    assert "lacks transactions that are applied here" in text
    assert "mode \"always\"" in text


def test_replica_that_purged_what_is_missing(pg, pair, db, connect):
    connector = connect(pg, db, host=pair.hosts())
    connector.start()
    connector.wait_streaming()
    connector.stop()
    db.execute("INSERT INTO t (v) VALUES (1)")
    pair.wait_caught_up()
    pair.replica.execute("FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
    last = pair.replica.execute("SHOW BINARY LOGS")[-1][0]
    wait_until(lambda: pair.replica.execute(
        "PURGE BINARY LOGS TO '%s'" % last) or len(
        pair.replica.execute("SHOW BINARY LOGS")) == 1, 30, "the purge")
    pair.primary.end()
    with pytest.raises(Exception, match="no longer has all"):
        connector.start()
        raise Exception(connector.wait_failed())


def test_position_of_gtids_alone(pg, pair, db, connect):
    """What a user sets may be a set of GTIDs, and nothing else."""
    connector = connect(pg, db)
    db.execute("INSERT INTO t (v) VALUES (1), (2)")
    connector.start()
    connector.wait_equal("t")
    connector.stop()
    gtids = pair.applied(pair.primary)
    db.execute("INSERT INTO t (v) VALUES (3)", "FLUSH BINARY LOGS",
               "UPDATE t SET v = v + 1")
    pg.query("SELECT synchdb_set_offset(%s, %s)", [
        connector.name, '{"gtids": "%s"}' % gtids.replace("\n", "")])
    connector.start()
    check_equal(connector)
    pg.query("SELECT synchdb_stop_engine_bgw(%s)", [connector.name])
    with pytest.raises(Exception, match="no set of GTIDs"):
        pg.query("SELECT synchdb_set_offset(%s, %s)", [
            connector.name, '{"gtids": "nonsense"}'])


def test_log_file_is_gone(pg, pair, db, connect):
    connector = connect(pg, db)
    connector.start()
    connector.wait_streaming()
    connector.stop()
    for _ in range(2):
        db.execute("FLUSH BINARY LOGS")
    files = [row[0] for row in pair.primary.execute("SHOW BINARY LOGS")]
    connector.start()
    connector.wait_streaming()
    assert "needs the oldest file" in pg.log_text()
    connector.stop()
    connector.pg.query("SELECT 1")
    pair.replica.execute(PROMOTE[pair.flavor.name][0])
    db.execute("INSERT INTO t (v) VALUES (1)", "FLUSH BINARY LOGS")
    last = pair.primary.execute("SHOW BINARY LOGS")[-1][0]
    wait_until(lambda: pair.primary.execute(
        "PURGE BINARY LOGS TO '%s'" % last) or len(
        pair.primary.execute("SHOW BINARY LOGS")) == 1, 30, "the purge")
    assert len(files) > 1
    with pytest.raises(Exception, match="no longer has file"):
        connector.start()
        raise Exception(connector.wait_failed())
