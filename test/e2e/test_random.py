"""Random tables, statements and transactions while the connector is killed,
paused, stopped and cut off: both sides are equal at the end.

SYNCHDB_RANDOM_EVENTS sets how much happens; for the seeds see support/seeds.py.
The statements of a seed are the same each time; how far they were followed when
something happened is not.
"""

import contextlib
import os
import random
import threading

import psycopg2
import pytest

from support.crash import Crash, survive, wait_running
from support.failpoint import Failpoint
from support.random_rounds import BRANCHES, MARKER, Random
from support.seeds import seeds
from support.twins import differences
from support.wait import wait_until

EVENTS = int(os.environ.get("SYNCHDB_RANDOM_EVENTS", 5))
LATER = ("later",)          # tables that come into the list

ROW_FAILPOINTS = ["pipeline-before-apply", "pipeline-after-apply",
                  "pipeline-before-checkpoint", "pipeline-before-commit",
                  "pipeline-after-commit"]
DDL_FAILPOINTS = ["pipeline-before-schema-change",
                  "pipeline-after-schema-change"]


class World:
    """One source database that is written to, and its connector.

    random   -- decides about statements
    chance   -- decides about all else, so that events can be left out or
                added without a change of the statements before them
    """

    def __init__(self, pg, db, connect, seed, log):
        self.pg = pg
        self.db = db
        self.log = log
        self.chance = random.Random(seed)
        self.connection = db.connect()
        self.listed = self.chance.random() < 0.5
        self.random = Random(seed, db.server.name, self.run, db.name,
                             LATER if self.listed else ())
        self.connector = connect(pg, db, tables=self.table_list())
        self.failpoint = Failpoint(pg)
        self.marks = 0

    def table_list(self, *more):
        if not self.listed:
            return "null"
        return ",".join(self.db.id(name) for name in
                        ("t.*", MARKER, BRANCHES, *more))

    # the source

    def run(self, sql):
        """A statement of the writing session; None for a new session."""
        if sql is None:
            self.reconnect()
            return
        self.log.write(sql + ";\n")
        self.log.flush()
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
        except Exception as error:
            self.log.write("-- refused: %s\n" % error)
            raise

    def reconnect(self):
        """MariaDB may lose what is committed for a session that still ends."""
        thread = self.connection.thread_id()
        self.connection.close()
        wait_until(lambda: thread not in self.threads(), 30,
                   "the end of the old session")
        self.connection = self.db.connect()

    def threads(self):
        """Of the source, with their users.  A query of the table that has them
        fails at MySQL where another one holds characters of 4 bytes."""
        return {row[0]: row[1] for row in self.db.execute("SHOW PROCESSLIST")}

    def write(self, rounds):
        for _ in range(rounds):
            self.random.round()

    @contextlib.contextmanager
    def writing(self):
        """The source is written to while the block runs."""
        errors = []

        def write(rounds):
            try:
                self.write(rounds)
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=write,
                                  args=(self.chance.randrange(1, 9),))
        thread.start()
        try:
            yield
        finally:
            thread.join()
        if errors:
            raise errors[0]

    def meanwhile(self, function, *arguments):
        with self.writing():
            return function(*arguments)

    def close(self):
        self.failpoint.clear()
        self.connection.close()
        for branch in self.random.prepared:
            self.db.execute("XA ROLLBACK '%s'" % branch)

    def mark(self):
        """A change that waits for nothing."""
        self.marks += 1
        self.db.execute("INSERT INTO %s VALUES (%d)" % (MARKER, self.marks))

    # the connector

    def catch_up(self):
        """The stream has all that was written."""
        self.mark()
        self.connector.wait(
            lambda: survive(lambda: self.connector.has(MARKER,
                                                       (self.marks,))),
            "the stream to catch up", 60)

    def stages(self):
        return dict(self.pg.query(
            "SELECT source_table, CASE WHEN resync THEN 'resync' ELSE stage"
            " END FROM synchdb_table WHERE name = %s", [self.connector.name]))

    def wait_joined(self):
        """No table is copied beside the stream any more."""
        def joined():
            self.mark()
            return set(self.stages().values()) <= {"streaming", "partial"}
        self.catch_up()
        self.connector.wait(joined, "all tables to be the stream's", 60)
        self.catch_up()
        self.random.copied_apart = False

    def resync(self, names):
        for name in names:
            self.pg.query("SELECT synchdb_resync_table(%s, %s)",
                          [self.connector.name, self.db.id(name)])

    # what happens

    def kill_worker(self):
        pid = self.connector.pid()
        self.meanwhile(self.pg.kill_worker, pid)
        self.meanwhile(wait_running, self.connector, pid)

    def kill_postmaster(self):
        self.meanwhile(self.pg.kill)
        self.meanwhile(self.pg.start)
        self.meanwhile(wait_running, self.connector)

    def stop(self):
        self.meanwhile(self.connector.stop)
        self.meanwhile(self.connector.start)

    def pause(self):
        name = [self.connector.name]
        self.meanwhile(self.pg.query, "SELECT synchdb_pause_engine(%s)", name)
        self.meanwhile(self.pg.query, "SELECT synchdb_resume_engine(%s)",
                       name)

    def cut(self):
        """The source ends the connector's session."""
        with self.writing():
            for thread, user in self.threads().items():
                if user != self.db.server.user:
                    continue
                with contextlib.suppress(Exception):    # it may have ended
                    self.db.execute("KILL %d" % thread)

    def rotate(self):
        for _ in range(self.chance.randrange(1, 4)):
            self.meanwhile(self.db.execute, "FLUSH BINARY LOGS")

    def fail(self):
        """An error inside of the worker.  One that met nothing else before
        ends it; then it is started again."""
        names = [name for name in ROW_FAILPOINTS if "after-commit" not in name]
        self.failpoint.arm(self.chance.choice(names), "error")
        with self.writing():
            self.mark()
            self.failpoint.wait_reached()
            wait_until(self.has_recovered, 60, "the mark after an error",
                       self.connector.explain)

    def has_recovered(self):
        state = self.connector.state()
        if state["pid"] == -1 and "failpoint" in state["err"]:
            with contextlib.suppress(psycopg2.Error):   # not yet gone
                self.connector.start()
        return self.connector.has(MARKER, (self.marks,))

    def crash(self):
        """A kill at a certain place."""
        name = self.chance.choice(ROW_FAILPOINTS + DDL_FAILPOINTS)
        crash = Crash(self.connector, self.failpoint, name)
        with self.writing():
            if name in DDL_FAILPOINTS:
                self.db.execute("CREATE TABLE passing (id INT)",
                                "DROP TABLE passing") if not self.listed \
                    else self.db.execute("ALTER TABLE %s COMMENT 'mark %d'"
                                         % (MARKER, self.marks))
            self.mark()
            crash.wait()

    def copy_again(self):
        """A table is copied again while the stream goes on."""
        self.catch_up()
        names = [name for name, stage in sorted(self.stages().items())]
        self.random.calm = True
        self.meanwhile(self.resync, [
            self.chance.choice(names).partition(".")[2]])
        self.meanwhile(self.wait_joined)
        self.random.calm = False

    def lengthen(self):
        """The list gets longer while the stream goes on."""
        self.random.calm = True
        self.meanwhile(self.pg.query,
                       "UPDATE synchdb_conninfo SET data = jsonb_set(data,"
                       " '{table}', to_jsonb(%s::text)) WHERE name = %s",
                       [self.table_list(*LATER), self.connector.name])
        self.connector.wait(
            lambda: {self.db.id(name) for name in LATER} <=
            set(self.stages()), "the longer list")
        self.meanwhile(self.wait_joined)
        self.random.calm = False

    def event(self):
        events = {self.kill_worker: 4, self.kill_postmaster: 1, self.stop: 3,
                  self.pause: 3, self.cut: 3, self.rotate: 3, self.fail: 3,
                  self.crash: 3, self.copy_again: 3, self.wait_joined: 2}
        event = self.chance.choices(list(events), list(events.values()))[0]
        self.happens(event)

    def happens(self, event):
        self.log.write("-- %s\n" % event.__name__)
        event()

    # the test

    def live(self):
        self.happens(self.random.begin)
        self.write(3)
        self.happens(self.start)
        lengthened = self.chance.randrange(EVENTS)
        for number in range(EVENTS):
            self.event()
            if self.listed and number == lengthened:
                self.connector.wait_streaming()
                self.happens(self.lengthen)
        self.random.end()
        self.check()

    def start(self):
        self.random.copying = True
        self.meanwhile(self.connector.start)
        self.meanwhile(self.connector.wait_streaming)
        self.random.copying = False

    def check(self):
        self.log.write("-- the end\n")
        self.catch_up()
        self.connector.wait_streaming()
        may_differ = {self.db.id(table.name)
                      for table in self.random.tables.values()
                      if table.partial}
        partial = {name for name, stage in self.stages().items()
                   if stage == "partial"}
        assert partial <= may_differ
        self.resync(name.partition(".")[2] for name in partial)
        self.wait_joined()
        lines = differences(self.db, self.connector)
        assert not lines, "\n".join(lines)
        assert self.connector.counters()["bad_events"] == 0
        assert self.connector.state()["err"] == "no error"


@pytest.mark.parametrize("seed", seeds(20))
def test_random(pg, db, connect, tmp_path, seed):
    path = tmp_path / "statements.sql"
    with open(path, "w") as log:
        world = World(pg, db, connect, seed, log)
        try:
            world.live()
        except Exception as error:
            raise AssertionError(
                "SYNCHDB_RANDOM_SEED=%d fails: %s\nits statements are in %s,"
                " the last are\n%s" % (seed, error, path, last(path))) \
                from error
        finally:
            world.close()
    print("%d statements, %d refused" % (world.random.accepted
                                         + world.random.refused,
                                         world.random.refused))


def last(path, count=30, width=200):
    with open(path) as lines:
        return "".join(line if len(line) < width else line[:width] + " ...\n"
                       for line in lines.readlines()[-count:])
