"""What the names in statements stand for: tables, views, types, functions."""

import re
from dataclasses import replace

from . import catalog
from .model_database import View, invalid_object, no_permission
from .model_table import Column, Table
from .result import SqlError
from .sql_scope import Field
from .sql_sources import PlanSource, RowsSource, TableScan
from .sql_types import BIGINT
from .table_functions import TABLE_FUNCTIONS, change_function

PART = re.compile(r'\s*(?:\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|([^.\[\]"]*))'
                  r'\s*(\.|$)')
TEMPORARY = 2           # the id of tempdb
NUMBER = "%rid"


def parse_parts(text):
    """The parts of a name in a string, such as OBJECT_ID's argument."""
    parts, position = [], 0
    while True:
        found = PART.match(text, position)
        if not found:
            return (text,)
        bracketed, quoted, plain, dot = found.groups()
        if bracketed is not None:
            parts.append(bracketed.replace("]]", "]"))
        elif quoted is not None:
            parts.append(quoted.replace('""', '"'))
        else:
            parts.append(plain.strip())
        position = found.end()
        if not dot:
            return tuple(parts)


class NumberedScan(TableScan):
    """A scan whose rows have their ids as a last field."""

    def __init__(self, session, table, qualifier, hints):
        super().__init__(session, table, qualifier, hints)
        field = Field(NUMBER, BIGINT, qualifier)
        self.fields = self.fields + [field]
        self.scope.add(field)

    def chunks(self, lower, upper):
        from bisect import bisect_left
        session, table = self.session, self.table
        entries = self.index.ordered(table.rows)
        start = bisect_left(entries, lower)
        stop = bisect_left(entries, upper, start)
        rids = [entry[-1] for entry in entries[start:stop]]
        while session.locks.rows_free(session, table, rids, "X"):
            rids = [rid for rid in rids if rid in table.rows]
        yield [table.rows[rid] + (rid,) for rid in rids if rid in table.rows]


class Names:
    def __init__(self, session):
        self.session = session
        self.numbered = None        # the TableRef of an UPDATE with FROM

    # objects

    def split(self, parts):
        """(database, schema name, name)"""
        if len(parts) > 3:
            if parts[0]:
                raise SqlError(7202, "Could not find server '%s' in "
                               "sys.servers." % parts[0], class_=11)
            parts = parts[1:]
        name = parts[-1]
        schema = parts[-2] if len(parts) > 1 else ""
        database = self.session.find_database(
            parts[-3] if len(parts) > 2 else "")
        return database, schema, name

    def find(self, parts):
        """The table or view of a name, or None."""
        name = parts[-1]
        if name.startswith("@"):
            cell = self.session.variables.get(name.lower())
            return cell if isinstance(cell, Table) else None
        if name.startswith("#"):
            return self.session.temporary.get(name.lower())
        database, schema, name = self.split(parts)
        return database.find(schema or "dbo", name)

    def table(self, parts):
        found = self.find(parts)
        if found is None:
            if parts[-1].startswith("@"):
                raise SqlError(1087, "Must declare the table variable \"%s\"."
                               % parts[-1], class_=15)
            raise invalid_object(".".join(parts))
        return found

    def qualifier(self, parts, table):
        return (table.database.name.lower(), table.schema.name.lower(),
                table.name.lower())

    # FROM

    def source(self, node, planner):
        parts = node.parts
        thing = self.find(parts)
        if thing is None and not parts[-1].startswith(("@", "#")):
            found = self.catalog_source(node)
            if found is not None:
                return found
        if thing is None:
            self.table(parts)           # raises
        alias = (node.alias.lower(),) if node.alias \
            else self.qualifier(parts, thing)
        self.check_select(thing)
        if isinstance(thing, View):
            return self.view_source(thing, alias, planner)
        if node is self.numbered:
            return NumberedScan(self.session, thing, alias, node.hints)
        scan = TableScan(self.session, thing, alias, node.hints)
        scan.lock()
        return scan

    def check_select(self, thing):
        access = self.session.access(thing.database)
        if access.user is None:
            raise SqlError(916, "The server principal \"%s\" is not able to "
                           "access the database \"%s\" under the current "
                           "security context." % (
                               self.session.principal.name,
                               thing.database.name), class_=14)
        if not access.may("SELECT", thing):
            raise no_permission("SELECT", thing)

    def view_source(self, view, qualifier, planner):
        session = self.session
        kept = session.current_database
        session.current_database = view.database
        try:
            plan = planner.plan(view.query, None, {})
        finally:
            session.current_database = kept
        names = view.columns or [column.name for column in plan.columns]
        return PlanSource([Field(name, column.type, qualifier) for name, column
                           in zip(names, plan.columns)], plan)

    def catalog_source(self, node):
        database, schema, name = self.split(node.parts)
        view = catalog.find(schema or "dbo", name, database)
        if view is None:
            return None
        session = self.session
        view.check(session, database)
        qualifier = ((node.alias.lower(),) if node.alias
                     else (database.name.lower(), schema.lower(),
                           name.lower()))

        def rows(row):
            with session.latch:
                return list(view.rows(session, database))
        return RowsSource([Field(column, type, qualifier)
                           for column, type in view.columns], rows)

    def function_source(self, node, compiler):
        """A table function with arguments."""
        name = node.parts[-1].lower()
        database, schema, _ = self.split(node.parts)
        args = [compiler.compile(arg) for arg in node.args]
        build = TABLE_FUNCTIONS.get((schema.lower(), name))
        if build is None and schema.lower() == "cdc":
            build = change_function(database, name)
        if build is None:
            raise invalid_object(".".join(node.parts))
        columns, make = build(self.session, database, args)
        names = node.columns or [column for column, _ in columns]
        qualifier = ((node.alias or name).lower(),)
        return RowsSource([Field(column, type, qualifier) for column, (_, type)
                           in zip(names, columns)], make)

    # types

    def alias_type(self, node):
        """The AliasType of a type name, or None."""
        parts = node.parts
        database = self.session.current_database
        if len(parts) == 3:
            database = self.session.find_database(parts[0])
        schema = parts[-2].lower() if len(parts) > 1 else "dbo"
        return database.types.get((schema, parts[-1].lower()))

    # tables of a session

    def new_temporary(self, name):
        session = self.session
        database = session.engine.database("tempdb")
        table = Table(database, database.schema("dbo"), name,
                      database.new_object_id(), session.engine.now())
        return table

    def declare_table(self, name, columns, constraints):
        from .sql_define import build_table
        table = self.new_temporary(name)
        build_table(self.session, table, columns, constraints)
        self.session.variables[name] = table

    def create_from_types(self, parts, columns):
        """SELECT INTO: a table of these columns."""
        from .sql_define import new_table
        table = new_table(self.session, parts)
        if None in [name or None for name, _ in columns]:
            raise SqlError(1038, "An object or column name is missing or "
                           "empty. For SELECT INTO statements, verify each "
                           "column has a name.", class_=15)
        table.set_columns([
            Column(name, replace(type, computed=False, identity=False),
                   number) for number, (name, type) in enumerate(columns, 1)])
        for column in table.columns:
            if column.type.identity:
                column.identity = (1, 1)
        table.max_column_id = len(columns)
        return table
