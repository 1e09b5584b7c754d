"""A connector between a source database and PostgreSQL."""

import psycopg2

from .wait import wait_until

# a table or a column that may come; it may also go between two looks
NOT_YET = (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn)


def quoted(name):
    return '"%s"' % name.replace('"', '""')


def difference(expected, found):
    """What is wrong, in a few lines."""
    missing = [row for row in expected if row not in found]
    surplus = [row for row in found if row not in expected]
    lines = ["%d rows expected, %d found" % (len(expected), len(found))]
    for wanted, row in list(zip(missing, surplus))[:3]:
        lines.append("should be %s, is %s" % tuple(zip(*(
            pair for pair in zip(wanted, row) if pair[0] != pair[1]))))
    for title, rows in (("missing", missing[len(surplus):]),
                        ("surplus", surplus[len(missing):])):
        lines.extend("%s: %s" % (title, row) for row in rows[:3])
    return "\n".join(lines)


class Connector:
    def __init__(self, pg, database, name):
        self.pg = pg
        self.database = database
        self.name = name
        self.schema = database.name.lower()

    def add(self, tables="null", snapshot_tables="null", **overrides):
        server = self.database.server
        arguments = {"host": server.host, "port": server.port,
                     "user": server.user, "password": server.password,
                     "srcdb": self.database.name, "dstdb": "postgres",
                     "tables": tables, "snapshot_tables": snapshot_tables,
                     "type": server.connector}
        arguments.update(overrides)
        return self.pg.value(
            "SELECT synchdb_add_conninfo(%s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " %s)", [self.name] + list(arguments.values()))

    def start(self, mode=None):
        if mode is None:
            return self.pg.value("SELECT synchdb_start_engine_bgw(%s)",
                                 [self.name])
        return self.pg.value("SELECT synchdb_start_engine_bgw(%s, %s)",
                             [self.name, mode])

    def stop(self):
        return self.pg.value("SELECT synchdb_stop_engine_bgw(%s)",
                             [self.name])

    def delete(self):
        return self.pg.value("SELECT synchdb_del_conninfo(%s)", [self.name])

    def clean(self):
        self.delete()
        self.pg.query("DROP SCHEMA IF EXISTS %s CASCADE" % quoted(self.schema))

    def state(self):
        """Its row of synchdb_state_view; empty if there is none."""
        return self.pg.dictionary("SELECT * FROM synchdb_state_view"
                                  " WHERE name = %s", [self.name])

    def pid(self):
        return self.state().get("pid")

    def counters(self):
        """All counters of the connector, by column name."""
        values = {}
        for view in ("stats_view", "cdcstats", "snapstats", "genstats"):
            values.update(self.pg.dictionary(
                "SELECT * FROM synchdb_%s WHERE name = %%s" % view,
                [self.name]))
        return values

    def explain(self):
        return "state: %s\ncounters: %s" % (self.state(), self.counters())

    def wait(self, predicate, what, timeout=30):
        """Fails at once when the worker has ended in an error."""
        def check():
            result = predicate()
            if not result:
                state = self.state()
                if state and state["pid"] == -1 and \
                        state["err"] != "no error":
                    raise AssertionError("%s: the connector has stopped: %s"
                                         % (what, state["err"]))
            return result
        return wait_until(check, timeout, what, self.explain)

    def wait_streaming(self, timeout=60):
        """The snapshot is complete and the stream runs."""
        self.wait(lambda: self.state().get("stage") == "change data capture" and
                  self.state().get("state") == "polling", "streaming", timeout)

    def wait_failed(self, timeout=30):
        """The worker has ended in an error; gives its text."""
        wait_until(lambda: self.state().get("pid") == -1, timeout,
                   "an error that ends the worker", self.explain)
        return self.state()["err"]

    def target(self, table):
        return "%s.%s" % (quoted(self.schema), quoted(table.lower()))

    def rows(self, table, columns="*", order=""):
        return self.pg.query("SELECT %s FROM %s %s"
                             % (columns, self.target(table), order))

    def exists(self, table):
        return self.pg.value("SELECT to_regclass(%s) IS NOT NULL",
                             [self.target(table)])

    def has(self, table, row):
        """Is the row in the table, as far as that is there?"""
        return self.exists(table) and row in self.rows(table)

    def wait_rows(self, table, expected, columns="*", order="ORDER BY 1",
                  timeout=30):
        """Until the target holds exactly these rows."""
        expected = [tuple(row) for row in expected]
        found = []

        def equal():
            try:
                found[:] = self.rows(table, columns, order)
            except NOT_YET:
                return False
            return found == expected
        try:
            self.wait(equal, "equal rows in %s" % table, timeout)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, difference(
                expected, found))) from None

    def wait_equal(self, table, columns="*", order="ORDER BY 1", timeout=30):
        """Until both sides hold the same rows, which must be of types that
        both drivers read alike."""
        rows = self.database.execute("SELECT %s FROM `%s` %s"
                                     % (columns, table.replace("`", "``"),
                                        order))
        self.wait_rows(table, rows, columns, order, timeout)
