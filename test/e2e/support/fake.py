"""A scripted source: a text file that a connector of type "fake" plays.

See test/fake/fake_script.h for what the file may hold.
"""

import json
import os

TYPES = {"int": "int", "text": "text"}      # type -> kind of its values
FLAGS = ("identity",)


def field(value):
    """None is NULL, ... is "not sent"."""
    if value is None:
        return r"\N"
    if value is ...:
        return r"\U"
    return str(value)


def default_of(words):
    if not words:
        return {}
    if words[0] in FLAGS:
        return {words[0]: True}
    return {"default": "constant", "default_value": words[0]}


class Script:
    """Stands in for a source database where the fixtures take one."""

    host = None                             # the path, see below
    port = 1
    connector = "fake"                      # the connector type
    user = "somebody"
    password = "secret"

    def __init__(self, path, name):
        self.path = str(path)
        self.host = self.path
        self.name = name
        self.server = self
        open(self.path, "w").close()

    def position(self):
        """Where the next statement will begin."""
        return os.path.getsize(self.path)

    def id(self, table):
        return "%s.%s" % (self.name, table)

    def append(self, *statements):
        """Statements are tuples; all of them become visible at once."""
        text = "".join("\t".join(statement) + "\n"
                       for statement in statements)
        with open(self.path, "a") as script:
            script.write(text)

    def definition(self, table, columns, keys=(0,), **more):
        """columns: "id int, v text"; what follows a type is one of FLAGS or
        the default."""
        words = [column.split() for column in columns.split(",")]
        return json.dumps(dict({
            "catalog": self.name, "name": table, "keys": list(keys),
            "columns": [dict({"name": name, "type": kind,
                              "kind": TYPES[kind], "not_null": number in keys},
                             **default_of(value))
                        for number, (name, kind, *value)
                        in enumerate(words)]}, **more))

    def table(self, table, columns, keys=(0,), **more):
        self.append(("TABLE", self.definition(table, columns, keys, **more)))

    def point(self, table, since, until=None):
        """What copies of that table contain."""
        self.append(("SNAPSHOT", self.id(table), str(since))
                    + ((str(until),) if until is not None else ()))

    # changes, to be given to transaction()

    def insert(self, table, *row):
        return ("INSERT", self.id(table), *map(field, row))

    def update(self, table, before, after):
        return ("UPDATE", self.id(table), *map(field, before),
                *map(field, after))

    def delete(self, table, *row):
        return ("DELETE", self.id(table), *map(field, row))

    def truncate(self, table):
        return ("TRUNCATE", self.id(table))

    def create(self, table, columns, keys=(0,), *flags, **more):
        return ("CREATE", self.definition(table, columns, keys, **more),
                *flags)

    def alter(self, table, columns, origins, *flags, keys=(0,), to=None,
              **more):
        """columns and key are the new ones; origins say which column each
        was, None for a new one."""
        return ("ALTER", self.id(table),
                self.definition(to or table, columns, keys, **more),
                ",".join(str(-1 if origin is None else origin)
                         for origin in origins), *flags)

    def drop(self, table):
        return ("DROP", self.id(table))

    def changes(self, transaction):
        """Statements for one of support.workload."""
        return [getattr(self, verb)(*arguments)
                for verb, *arguments in transaction]

    def transaction(self, *changes):
        """Appends it; gives its position."""
        return self.transactions(changes)[0]

    def transactions(self, *transactions):
        """Appends them at once; gives their positions."""
        positions = []
        statements = []
        end = self.position()
        for changes in transactions:
            one = [("BEGIN",), *changes, ("COMMIT",)]
            positions.append(end)
            end += sum(len("\t".join(statement).encode()) + 1
                       for statement in one)
            statements += one
        self.append(*statements)
        return positions
