"""Definitions that the stream follows are those that the source would show.

No worker and no local table is involved: the source is reached through SQL
functions of a test build.
"""

import json

import pymysql
import pytest

from support.ddl import Session, statements


class Follower:
    """Definitions, as the stream has them and as the source has them."""

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


def differences(path, one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        keys = list(one) + [key for key in other if key not in one]
        # a statement does not tell the time zone of such a constant
        if one.get("type") == "timestamp" and one.get("default") == "other":
            keys = [key for key in keys if not key.startswith("default")]
        return [line for key in keys for line in
                differences("%s.%s" % (path, key), one.get(key),
                            other.get(key))]
    if isinstance(one, list) and isinstance(other, list) and \
            len(one) == len(other):
        return [line for n, (a, b) in enumerate(zip(one, other))
                for line in differences("%s[%d]" % (path, n), a, b)]
    return [] if one == other else \
        ["%s: followed %s, described %s" % (path, one, other)]


def test_every_statement(pg, functions, source, db, connector):
    follower = Follower(pg, connector)
    session = Session(db)
    wrong = []
    for sql, fails in statements(source.name):
        if fails:
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
