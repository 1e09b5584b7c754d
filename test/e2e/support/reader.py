"""The stream of a source as text, by the SQL functions of a test build; no
worker and no local table is involved."""

import os

FUNCTIONS = os.path.join(os.path.dirname(__file__), "..", "..", "fake",
                         "test_source.sql")


class Stream:
    """Steps of a connector's source, from one position to the next."""

    def __init__(self, pg, connector):
        self.pg = pg
        self.name = connector.name
        self.tables = self.describe()
        self.at = self.position()

    def position(self):
        return self.pg.value("SELECT test_source_position(%s)", [self.name])

    def describe(self):
        """The definitions as they are now, JSON."""
        return [row[0] for row in self.pg.query(
            "SELECT definition FROM test_source_describe(%s)", [self.name])]

    def steps(self, since=None, wait_ms=300, most=100000):
        """Pairs of the position after a step and the step as text."""
        return self.pg.query(
            "SELECT * FROM test_source_stream(%s, %s, %s, %s, %s)",
            [self.name, since or self.at, most, wait_ms, self.tables])

    def changes(self, **how):
        """What follows the last call, as text."""
        steps = self.steps(**how)
        if steps:
            assert steps[-1][1] == "COMMIT"
            self.at = steps[-1][0]
        return [change for _, change in steps]

    def rows(self, **how):
        """Likewise, without BEGIN and COMMIT."""
        return [change for change in self.changes(**how)
                if change not in ("BEGIN", "COMMIT")]
