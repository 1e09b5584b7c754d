"""Every statement of the corpus on a real server: definitions that the stream
follows are those that the source would show, and tables and rows on both sides
are equal after each.
"""

import json
import re

import pymysql
import pytest

from support.ddl import ERROR, PARTIAL, Session, differences, statements
from support.twins import Twins


# what the worker says of a table whose rows it cannot tell
DOUBT = re.compile('rows of table "[^"]*" may differ|table "[^"]*" (was not'
                   ' copied|is to be copied)')


class Follower:
    """Definitions, as the stream has them and as the source has them.

    No worker and no local table is involved: the source is reached through
    SQL functions of a test build.
    """

    def __init__(self, pg, connector):
        self.pg = pg
        self.name = connector.name
        self.position = pg.value("SELECT test_source_position(%s)",
                                 [self.name])
        self.definitions = {}

    def follow(self):
        rows = dict(self.pg.query(
            "SELECT * FROM test_source_follow(%s, %s, %s::text[])",
            [self.name, self.position, list(self.definitions.values())]))
        self.position = rows.pop(None)
        self.definitions = rows

    def described(self):
        return dict(self.pg.query("SELECT * FROM test_source_describe(%s)",
                                  [self.name]))

    def difference(self):
        """What differs, in words; empty if nothing does."""
        followed = {id: json.loads(text)
                    for id, text in self.definitions.items()}
        described = {id: json.loads(text)
                     for id, text in self.described().items()}
        lines = ["not followed: " + id for id in described
                 if id not in followed]
        for id, table in followed.items():
            lines += differences(id, table, described.get(id, {}))
        return lines


def test_every_statement(pg, functions, source, db, connector):
    follower = Follower(pg, connector)
    session = Session(db)
    wrong = []
    for sql, marks in statements(source.name):
        if ERROR in marks:
            with pytest.raises(pymysql.err.Error):
                session.run(sql)
            continue
        session.run(sql)
        follower.follow()
        lines = follower.difference()
        if lines:
            wrong.append("\n  ".join([sql] + lines))
            follower.definitions = follower.described()
    session.close()
    assert not wrong, "\n".join(wrong)


class Streaming:
    """A connector at work, and both sides of it."""

    def __init__(self, db, connector):
        db.execute("CREATE TABLE synced (n INT PRIMARY KEY)")
        connector.start()
        connector.wait_streaming()
        self.db = db
        self.connector = connector
        self.pg = connector.pg
        self.twins = Twins(db, connector)
        self.session = Session(db)
        self.session.run("SET foreign_key_checks = OFF")
        self.nruns = 0
        self.logged = len(self.pg.log_text())

    def run(self, sql):
        """A statement, then rows for the tables that it names, unless it was
        about rows itself; gives these when the connector has come so far."""
        self.nruns += 1
        self.session.run(sql)
        self.twins.describe()
        tables = self.twins.named_in(sql)
        is_dml = sql.startswith(("UPDATE ", "DELETE "))
        self.twins.work([] if is_dml else tables,
                        "INSERT INTO synced VALUES (%d)" % self.nruns)
        self.connector.wait(
            lambda: self.connector.rows("synced", "max(n)") ==
            [(self.nruns,)], "statement number %d" % self.nruns)
        return tables

    def settle(self):
        """Have copied again what may differ; was there such a table?"""
        found = DOUBT.search(self.pg.log_text()[self.logged:])
        for table, in self.pg.query(
                "SELECT source_table FROM synchdb_table WHERE name = %s"
                " AND stage = 'partial' AND NOT resync",
                [self.connector.name]):
            self.pg.query("SELECT synchdb_resync_table(%s, %s)",
                          [self.connector.name, table])
        if found:
            self.connector.wait(lambda: self.pg.value(
                "SELECT bool_and(stage IN ('copied', 'streaming')"
                " AND NOT resync) FROM synchdb_table WHERE name = %s",
                [self.connector.name]), "the copies")
        self.logged = len(self.pg.log_text())
        return found is not None

    def close(self):
        self.session.close()
        self.twins.close()


def test_both_sides_after_every_statement(source, db, connector, settings):
    settings(synchronous_commit="off")
    streaming = Streaming(db, connector)
    wrong = []
    known = set()
    for sql, marks in statements(source.name):
        if ERROR in marks:
            with pytest.raises(pymysql.err.Error):
                streaming.session.run(sql)
            continue
        tables = streaming.run(sql)
        lines = []
        if streaming.settle() != (PARTIAL in marks):
            lines.append("rows %s differ" % ("do not" if PARTIAL in marks
                                             else "may"))
        lines += [line for line in streaming.twins.differences(tables)
                  if line not in known]
        known.update(lines)
        if lines:
            wrong.append("\n  ".join([sql] + lines))
    wrong += [line for line in
              streaming.twins.differences(streaming.twins.tables)
              if line not in known]
    streaming.close()
    assert not wrong, "\n".join(wrong)
    assert streaming.nruns >= 300
