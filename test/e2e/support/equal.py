"""Compares a source database and its copy: tables, columns, rows."""

import collections
import json

from .connector import difference, quoted
from .ddl import differences
from .random_tables import name_sql


def hashable(value):
    if isinstance(value, dict):
        return frozenset((key, hashable(part)) for key, part in value.items())
    if isinstance(value, list):
        return tuple(map(hashable, value))
    return (value,) if isinstance(value, bool) else value


def converted(row, columns, side):
    return tuple(None if value is None else
                 hashable(getattr(column.type, side)(value))
                 for value, column in zip(row, columns))


def source_rows(database, table):
    """What the source's own text output says, converted as expected."""
    connection = database.connect(conv={})
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s FROM %s" % (
            ", ".join(column.type.read % name_sql(column.name)
                      for column in table.columns), table.sql))
        rows = cursor.fetchall()
    connection.close()
    return [converted(row, table.columns, "expect") for row in rows]


def target_rows(connector, table):
    """A date that names no day is NULL, or this where NULL cannot be."""
    rows = connector.rows(table.name, ", ".join(
        quoted(column.name.lower()) + "::text" for column in table.columns))
    return [converted([None if value == "-infinity" else value
                       for value in row], table.columns, "actual")
            for row in rows]


def wrong_rows(connector, table):
    expected = source_rows(connector.database, table)
    found = target_rows(connector, table)
    missing = collections.Counter(expected) - collections.Counter(found)
    surplus = collections.Counter(found) - collections.Counter(expected)
    if not missing and not surplus:
        return []
    return ["%s: %d rows expected, %d found, columns %s\n%s" % (
        table.name, len(expected), len(found),
        [column.name for column in table.columns],
        difference(list(missing.elements()), list(surplus.elements())))]


def wrong_columns(connector, table, definition):
    """Names, types, NOT NULL and primary key."""
    expected = {column["name"].lower(): column.get("not_null", False)
                for column in definition["columns"]}
    types = {column.name.lower(): column.type.pg_type
             for column in table.columns}
    found = {name: (type, not_null) for name, type, not_null in
             connector.pg.query(
                 "SELECT attname::text, format_type(atttypid, atttypmod),"
                 " attnotnull FROM pg_attribute WHERE attrelid = %s::regclass"
                 " AND attnum > 0 AND NOT attisdropped",
                 [connector.target(table.name)])}
    wrong = {name: (types.get(name), expected.get(name), found.get(name))
             for name in {*expected, *types, *found}
             if found.get(name) != (types.get(name), expected.get(name))}
    key = connector.pg.query(
        "SELECT array(SELECT attname::text FROM pg_attribute JOIN"
        " unnest(conkey) WITH ORDINALITY AS k (n, i) ON attnum = n"
        " WHERE attrelid = conrelid ORDER BY i) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'p'",
        [connector.target(table.name)])
    lines = ["%s.%s: type and NOT NULL should be %s, %s; are %s"
             % (table.name, name, *parts) for name, parts in wrong.items()]
    should_be = [(([name.lower() for name in table.key]),)] \
        if table.key else []
    if key != should_be:
        lines.append("%s: key should be %s, is %s"
                     % (table.name, should_be, key))
    return lines


def wrong_definitions(connector, described):
    """Of those that the stream has followed."""
    followed = {id: json.loads(text) for id, text in connector.pg.query(
        "SELECT source_table, definition::text FROM synchdb_table"
        " WHERE name = %s", [connector.name])}
    lines = ["%s: followed %s, described %s"
             % (id, id in followed, id in described)
             for id in {*followed} ^ {*described}]
    for id in {*followed} & {*described}:
        lines += differences(id, followed[id], described[id])
    return lines


def wrong(connector, tables, described):
    """All that differs, in words.

    tables     -- those of random_tables.py that are captured
    described  -- the source's definitions, by id
    """
    targets = {name for name, in connector.pg.query(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = %s::regnamespace", [connector.schema])}
    names = {id.partition(".")[2].lower() for id in described}
    lines = ["table %s: at the source %s, here %s"
             % (name, name in names, name in targets)
             for name in names ^ targets]
    if lines:
        return lines
    lines = wrong_definitions(connector, described)
    for table in tables:
        lines += wrong_columns(connector, table, described[
            connector.database.id(table.name)])
        lines += wrong_rows(connector, table)
    return lines
