"""Rounds of random statements: what a seed makes of a source database.

A seed gives the same statements at the same kind of server, however fast they
are followed: what a statement does to the tables is known from the statement
and from whether the source ran it.
"""

import random

import pymysql

from . import random_ddl, random_rows
from .random_tables import TABLE_NAMES, new_table
from .random_types import Types

MARKER = "marker"           # for the test's own use
BRANCHES = "branches"       # for transactions that are prepared


class Random:
    """Tables that are there, and chance.

    run   -- executes a statement; raises pymysql's error if it is refused
    """

    def __init__(self, seed, flavor, run, name, extra=()):
        self.chance = random.Random(seed)
        self.types = Types(flavor)
        self.run = run
        self.name = name        # of the database: XIDs are the server's
        self.tables = {}
        self.last = 0
        self.mode = None
        self.prepared = []
        self.branches = 0
        self.refused = 0
        self.accepted = 0
        self.calm = False       # no table may move
        self.copying = False    # the first copies, as of some moment
        self.copied_apart = False   # a table may be copied by itself
        self.extra = extra      # names of tables that keep them

    def numbers(self, count):
        """That were not used before."""
        first = self.last + 1
        self.last += count
        return list(range(first, first + count))

    # tables, for random_ddl.py

    def table(self):
        return self.chance.choice(list(self.tables.values()))

    def movable(self):
        tables = [table for table in self.tables.values()
                  if not table.is_fixed]
        self.chance.shuffle(tables)
        return tables

    def free_name(self):
        return self.chance.choice([name for name in TABLE_NAMES
                                   if name not in self.tables])

    def put(self, table):
        self.tables[table.name] = table

    def put_copied(self, table):
        """One that the engine may copy beside the stream."""
        self.put(table)
        self.copied_apart = True

    def remove(self, table):
        del self.tables[table.name]

    def rename(self, names):
        tables = {name: self.tables.pop(name) for name in names}
        for old, new in names.items():
            tables[old].name = new
            self.put(tables[old])

    # statements

    def execute(self, sql, effect=None):
        """False if the source refuses it, as it may."""
        try:
            self.run(sql)
        except pymysql.err.Error:
            self.refused += 1
            return False
        self.accepted += 1
        if effect is not None:
            effect()
        return True

    def set_mode(self, mode):
        if mode != self.mode:
            self.run("SET sql_mode = '%s'" % mode)
            self.mode = mode

    def begin(self):
        """The first tables, with rows."""
        self.set_mode(random_ddl.LAX)
        self.run("CREATE TABLE %s (id INT PRIMARY KEY)" % MARKER)
        self.run("CREATE TABLE %s (id INT PRIMARY KEY, v TEXT)" % BRANCHES)
        for name in self.extra:
            self.create(new_table(name, self.types, self.chance, True))
        while len(self.tables) < 4 + len(self.extra):
            self.create(new_table(self.free_name(), self.types, self.chance))
        for table in self.tables.values():
            for sql in random_rows.insert(self, table, count=20):
                self.execute(sql)

    def create(self, table):
        self.execute(table.create_sql(), lambda: self.put(table))

    def round(self):
        kinds = {self.transaction: 6, self.single: 3, self.change_tables: 6,
                 self.prepare: 1, self.decide: 1}
        self.chance.choices(list(kinds), list(kinds.values()))[0]()

    def rows(self):
        self.set_mode(random_ddl.LAX)
        for sql in random_rows.statements(self, self.table()):
            self.execute(sql)

    def single(self):
        self.rows()

    def transaction(self):
        self.set_mode(random_ddl.LAX)
        self.run("BEGIN")
        for _ in range(self.chance.randrange(1, 7)):
            self.rows()
            if self.chance.random() < 0.2:
                self.run("SAVEPOINT s")
                self.rows()
                self.run("ROLLBACK TO s")
        self.run(self.chance.choice(["COMMIT"] * 9 + ["ROLLBACK"]))

    def change_tables(self):
        sql, effect, mode = random_ddl.statement(self, self.calm)
        self.set_mode(mode)
        self.execute(sql, effect)

    def prepare(self):
        """A transaction that other rounds decide upon."""
        if len(self.prepared) == 3:
            return
        self.branches += 1
        name = "%s x%d" % (self.name, self.branches)
        self.run("XA START '%s'" % name)
        self.execute("INSERT INTO %s VALUES %s" % (BRANCHES, ", ".join(
            "(%d, '%s')" % (number, name) for number in
            self.numbers(self.chance.choice([1, 2, 200])))))
        self.run("XA END '%s'" % name)
        if self.chance.random() < 0.2:
            self.run("XA COMMIT '%s' ONE PHASE" % name)
            return
        self.run("XA PREPARE '%s'" % name)
        self.prepared.append(name)
        self.run(None)          # a new connection: the old one has it at hand
        self.mode = None

    def decide(self):
        if self.prepared:
            name = self.prepared.pop(self.chance.randrange(len(self.prepared)))
            self.run("XA %s '%s'" % (self.chance.choice(
                ["COMMIT", "COMMIT", "ROLLBACK"]), name))

    def end(self):
        while self.prepared:
            self.decide()
