"""Random changes, capture lag, clean-up and capture instances that come and
go: both sides are equal at the end.

SYNCHDB_RANDOM_ROUNDS sets how long; for the seeds see support/seeds.py.
"""

import os
import random

import pytest

from support.seeds import seeds

ROUNDS = int(os.environ.get("SYNCHDB_RANDOM_ROUNDS", 60))


class Table:
    """A table with a key, a unique column, a large one, and columns that are
    added and dropped."""

    def __init__(self, world, name):
        self.world = world
        self.db = world.db
        self.chance = world.chance
        self.name = name
        self.added = 0
        self.columns = []           # those beyond the first ones
        self.instances = 0
        self.current = None
        self.older = None
        self.db.execute("CREATE TABLE %s (id int NOT NULL PRIMARY KEY,"
                        " u int NOT NULL UNIQUE, v nvarchar(40), big"
                        " nvarchar(max))" % name)
        self.capture()

    def capture(self):
        self.instances += 1
        instance = "%s_%d" % (self.name, self.instances)
        self.db.capture(self.name, capture_instance="N'%s'" % instance)
        self.older, self.current = self.current, instance

    def drop_older(self):
        """Only once the stream is past it, as its operator would."""
        if self.older is None:
            return
        self.world.catch_up()
        self.db.execute(
            "EXEC sys.sp_cdc_disable_table @source_schema = N'dbo',"
            " @source_name = N'%s', @capture_instance = N'%s'"
            % (self.name, self.older))
        self.older = None

    # statements of a transaction

    def statement(self):
        kind = self.chance.choices(
            ["insert", "insert many", "update", "update big", "shift",
             "swap", "delete", "column"],
            [6, 2, 6, 3, 1, 1, 3, 3 if self.columns else 0])[0]
        return getattr(self, kind.replace(" ", "_"))()

    def insert(self, number=1):
        first = self.world.number(number)
        return "INSERT INTO %s (id, u, v, big) VALUES %s" % (
            self.name, ", ".join(
                "(%d, %d, N'row %d', %s)" % (n, -n, n, self.chance.choice(
                    ["NULL", "REPLICATE(N'x', %d)" % (n % 3000)]))
                for n in range(first, first + number)))

    def insert_many(self):
        return self.insert(self.chance.randrange(10, 200))

    def some(self):
        return "id IN (SELECT TOP (%d) id FROM %s ORDER BY id %% %d, id)" % (
            self.chance.choice([1, 1, 3, 20]), self.name,
            self.chance.choice([3, 7, 11, 101]))

    def update(self):
        return "UPDATE %s SET v = N'%s' WHERE %s" % (
            self.name, self.chance.random(), self.some())

    def update_big(self):
        return "UPDATE %s SET big = %s WHERE %s" % (
            self.name, self.chance.choice(["NULL", "N'changed'", "big"]),
            self.some())

    def shift(self):
        """Every key moves to one that is still in use."""
        self.world.number()
        return "UPDATE %s SET id = id + 1 WHERE id < %d" % (
            self.name, 1 << 30)

    def swap(self):
        return "UPDATE %s SET u = -u - 1" % self.name

    def delete(self):
        return "DELETE FROM %s WHERE %s" % (self.name, self.some())

    def column(self):
        return "UPDATE %s SET %s = %s WHERE %s" % (
            self.name, self.chance.choice(self.columns),
            self.chance.choice(["NULL", "1", str(self.chance.random())]),
            self.some())

    # changes of its definition

    def add_column(self):
        self.drop_older()
        self.added += 1
        name = "c%d" % self.added
        default = self.chance.choice(
            ["", " NOT NULL CONSTRAINT d_%s_%s DEFAULT '7'" % (self.name,
                                                              name)])
        self.db.execute("ALTER TABLE %s ADD %s varchar(30)%s"
                        % (self.name, name, default))
        self.world.change()
        if not default:
            self.columns.append(name)
            for _ in range(3):
                self.db.execute(self.column())
        self.capture()

    def drop_column(self):
        if not self.columns:
            return
        name = self.columns.pop(self.chance.randrange(len(self.columns)))
        self.db.execute("ALTER TABLE %s DROP COLUMN %s" % (self.name, name))

    def widen_column(self):
        self.db.execute("ALTER TABLE %s ALTER COLUMN v nvarchar(%d)"
                        % (self.name, 41 + self.world.number()))


class World:
    """Two tables and what happens to them."""

    def __init__(self, pg, db, connector, seed):
        self.pg = pg
        self.db = db
        self.connector = connector
        self.chance = random.Random(seed)
        self.last = 0
        self.is_lagging = False
        self.tables = [Table(self, name) for name in ("one", "two")]
        self.db.execute("CREATE TABLE nokey (x int, v varchar(9))")
        self.db.capture("nokey")

    def number(self, count=1):
        """Numbers that were not used before."""
        first = self.last + 1
        self.last += count + 1
        return first

    def change(self):
        statements = [self.chance.choice(self.tables).statement()
                      for _ in range(self.chance.randrange(1, 6))]
        if self.chance.random() < 0.3:
            statements.append("INSERT INTO nokey VALUES (%d, 'a'), (1, 'b')"
                              % self.chance.randrange(3))
        if self.chance.random() < 0.2:
            statements.append("DELETE TOP (1) FROM nokey WHERE x = 1")
        if self.chance.random() < 0.2:
            statements.append("UPDATE TOP (1) nokey SET v = 'c'")
        self.db.execute("BEGIN TRANSACTION; %s; %s" % (
            "; ".join(statements), self.chance.choice(
                ["COMMIT"] * 9 + ["ROLLBACK"])))

    def lag(self):
        self.is_lagging = not self.is_lagging
        self.db.execute("EXEC sim.agent @automatic = %d"
                        % (not self.is_lagging))

    def capture_some(self):
        self.db.execute("EXEC sim.capture @transactions = %d"
                        % self.chance.randrange(1, 4))

    def catch_up(self):
        """The stream has all that was written."""
        if self.is_lagging:
            self.lag()
        for name in ("one", "two", "nokey"):
            self.connector.wait_rows(
                name, self.db.execute("SELECT * FROM %s ORDER BY 1, 2"
                                      % name), order="ORDER BY 1, 2",
                timeout=60)

    def clean_up(self):
        self.catch_up()
        self.db.execute("EXEC sim.idle")
        reached = self.db.execute("SELECT sys.fn_cdc_get_max_lsn()")[0][0]
        self.connector.wait(lambda: self.connector.state()
                            ["last_dbz_offset"].replace(":", "")
                            [-22:-2] == reached[2:], "the position", 60)
        self.db.execute("EXEC sim.cleanup")

    def restart(self):
        self.connector.stop()
        self.connector.start()

    def event(self):
        table = self.chance.choice(self.tables)
        happens = self.chance.choices(
            [self.change, self.lag, self.capture_some, self.clean_up,
             self.restart, table.add_column, table.drop_column,
             table.widen_column, table.drop_older],
            [60, 8, 8, 1, 3, 2, 2, 1, 2])[0]
        happens()


@pytest.mark.parametrize("seed", seeds(2))
def test_random(pg, mdb, connect, seed):
    connector = connect(pg, mdb)
    world = World(pg, mdb, connector, seed)
    for _ in range(5):
        world.change()
    connector.start()
    connector.wait_streaming()
    try:
        for _ in range(ROUNDS):
            world.event()
        world.catch_up()
    finally:
        mdb.execute("EXEC sim.agent @automatic = 1")
    assert connector.counters()["bad_events"] == 0
