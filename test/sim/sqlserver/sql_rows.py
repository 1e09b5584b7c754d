"""Makes the rows of INSERT and UPDATE: conversion, defaults, identity,
computed columns, rowversion; and checks constraints."""

from operator import itemgetter

from .result import SqlError
from .sql_compile import Compiler
from .sql_convert import TRUNCATED, converter
from .sql_scope import Field, Scope
from .sql_types import family


def null_refused(table, column, verb):
    return SqlError(515, "Cannot insert the value NULL into column '%s', "
                    "table '%s.%s'; column does not allow nulls. %s fails."
                    % (column.name, table.database.name, table.qualified(),
                       verb), state=2)


def table_scope(table, qualifier=None):
    scope = Scope()
    scope.extend([Field(column.name, column.type,
                        qualifier or (table.schema.name.lower(),
                                      table.name.lower()), column=column)
                  for column in table.columns])
    return scope


class RowMaker:
    def __init__(self, session, table):
        self.session = session
        self.table = table

    def strict(self, type, column):
        """The conversion of a value for a column; None: nothing to do."""
        step = converter(type, column.type, None, True)
        if step is None or family(column.type) not in ("str", "bin"):
            return step
        table = self.table

        def convert(value):
            try:
                return step(value)
            except SqlError as error:
                if error.number != TRUNCATED:
                    raise
                raise SqlError(2628, "String or binary data would be "
                               "truncated in table '%s.%s', column '%s'. "
                               "Truncated value: '%s'." % (
                                   table.database.name, table.qualified(),
                                   column.name, str(value)[:20])) from None
        return convert

    def settable(self, column, name):
        if column is None:
            raise SqlError(207, "Invalid column name '%s'." % name)
        if column.computed is not None:
            raise SqlError(271, "The column \"%s\" cannot be modified because "
                           "it is either a computed column or is the result "
                           "of a UNION operator." % column.name)
        if column.type.name == "rowversion":
            raise SqlError(272, "Cannot update a timestamp column.")
        if column.generated:
            raise SqlError(13537, "Cannot update GENERATED ALWAYS columns in "
                           "table '%s'." % self.table.qualified())

    # INSERT

    def target_columns(self, names):
        table = self.table
        on = self.session.identity_insert is table
        if names is None:
            return [column for column in table.columns
                    if column.computed is None and not column.generated
                    and column.type.name != "rowversion"
                    and (column.identity is None or on)]
        columns = []
        for name in names:
            column = table.column(name)
            if column is None:
                raise SqlError(207, "Invalid column name '%s'." % name)
            if column.type.name == "rowversion":
                raise SqlError(273, "Cannot insert an explicit value into a "
                               "timestamp column.")
            if column.identity is not None and not on:
                raise SqlError(544, "Cannot insert explicit value for "
                               "identity column in table '%s' when "
                               "IDENTITY_INSERT is set to OFF." % table.name)
            self.settable(column, name)
            columns.append(column)
        return columns

    def maker(self, names, types):
        """A function from the source's values to a row of the table.

        types None: the values of a row are Compiled, or None for DEFAULT."""
        columns = self.target_columns(names)
        if types is not None and len(types) != len(columns):
            raise wrong_count(len(types), len(columns))
        given = {column: place for place, column in enumerate(columns)}
        steps = [self.step(column, given.get(column), types)
                 for column in self.table.columns]
        complete = self.completion()
        table = self.table
        required = [column for column in table.columns
                    if not column.type.nullable and column.computed is None]
        places = [column.place for column in required]

        def make(values):
            if types is None and len(values) != len(columns):
                raise wrong_count(len(values), len(columns))
            row = [step(values) for step in steps]
            for place in places:
                if row[place] is None:
                    raise null_refused(table, table.columns[place], "INSERT")
            return complete(row)
        return make

    def step(self, column, place, types):
        """A function that gives the column's value from the source's."""
        if place is None:
            return self.default(column)
        if column.identity is not None:
            return self.explicit_identity(column, place, types)
        if types is None:
            return self.compiled_step(column, place)
        convert = self.strict(types[place], column)
        if convert is None:
            return itemgetter(place)
        return lambda values: convert(values[place])

    def compiled_step(self, column, place):
        default = self.default(column)

        def step(values):
            compiled = values[place]
            if compiled is None:
                return default(values)
            value = compiled.run(())
            convert = self.strict(compiled.type, column)
            return value if convert is None else convert(value)
        return step

    def explicit_identity(self, column, place, types):
        if types is None:
            step = self.compiled_step(column, place)
        else:
            convert = self.strict(types[place], column) or (lambda v: v)

            def step(values):
                return convert(values[place])
        table = self.table

        def keep(values):
            value = step(values)
            increment = column.identity[1]
            known = table.identity_value
            if known is None or (value - known) * increment > 0:
                table.identity_value = value
            return value
        return keep

    def default(self, column):
        """A function that gives the value of a column that is not given."""
        if column.identity is not None:
            return self.identity(column)
        if column.type.name == "rowversion":
            database = self.table.database
            return lambda values: database.next_rowversion()
        if column.default is None or column.computed is not None:
            return lambda values: None
        compiled = Compiler(self.session, Scope()).compile(
            column.default.expr)
        convert = self.strict(compiled.type, column)
        run = compiled.run
        if compiled.literal:
            value = run(()) if convert is None else convert(run(()))
            return lambda values: value
        if convert is None:
            return lambda values: run(())
        return lambda values: convert(run(()))

    def identity(self, column):
        table, session = self.table, self.session
        seed, increment = column.identity

        def following(values):
            last = table.identity_value
            value = seed if last is None else last + increment
            table.identity_value = value
            session.identity = value
            return value
        return following

    # both

    def completion(self):
        """A function that fills in computed columns: list -> row."""
        computed = [column for column in self.table.columns
                    if column.computed is not None]
        if not computed:
            return tuple
        compiler = Compiler(self.session, table_scope(self.table))
        runs = []
        for column in computed:
            compiled = compiler.coerce(compiler.compile(column.computed),
                                       column.type)
            runs.append((column.place, compiled.run))

        def complete(row):
            for place, run in runs:
                row[place] = run(row)
            return tuple(row)
        return complete

    def touched(self, row):
        """An updated row: its rowversion moves on."""
        for column in self.table.columns:
            if column.type.name == "rowversion":
                place = column.place
                return (row[:place] + (self.table.database.next_rowversion(),)
                        + row[place + 1:])
        return row


def wrong_count(given, wanted):
    if given > wanted:
        return SqlError(213, "Column name or number of supplied values does "
                        "not match table definition.")
    return SqlError(213, "Column name or number of supplied values does not "
                    "match table definition.")


class Checks:
    """CHECK and FOREIGN KEY constraints of a table."""

    def __init__(self, session, table):
        self.session = session
        self.table = table
        self.tests = []
        self.foreign = []
        for constraint in table.constraints:
            if constraint.kind == "C":
                run = Compiler(session, table_scope(table)).compile(
                    constraint.expr).run
                self.tests.append((constraint, run))
            elif constraint.kind == "F":
                self.foreign.append(constraint)
        self.referring = [
            (other, constraint) for other in table.database.tables()
            for constraint in other.constraints
            if constraint.kind == "F" and constraint.references[0] is table]
        self.needed = bool(self.tests or self.foreign)

    def row(self, row):
        for constraint, run in self.tests:
            if run(row) is False:
                raise self.conflict(constraint, "INSERT", "CHECK", self.table)
        for constraint in self.foreign:
            target, columns = constraint.references
            values = [row[column.place] for column in constraint.columns]
            if None not in values and not exists(target, columns, values):
                raise self.conflict(constraint, "INSERT", "FOREIGN KEY",
                                    target)

    def deleted(self, row):
        for other, constraint in self.referring:
            values = [row[column.place]
                      for column in constraint.references[1]]
            if exists(other, constraint.columns, values):
                raise self.conflict(constraint, "DELETE", "REFERENCE", other)

    def key_changed(self, before, after):
        for other, constraint in self.referring:
            columns = constraint.references[1]
            values = [before[column.place] for column in columns]
            if values != [after[column.place] for column in columns] \
                    and exists(other, constraint.columns, values):
                raise self.conflict(constraint, "UPDATE", "REFERENCE", other)

    def conflict(self, constraint, verb, kind, table):
        return SqlError(547, "The %s statement conflicted with the %s "
                        "constraint \"%s\". The conflict occurred in database "
                        "\"%s\", table \"%s\"." % (
                            verb, kind, constraint.name, table.database.name,
                            table.qualified()))


def exists(table, columns, values):
    for index in table.indexes:
        if index.unique and list(index.columns) == list(columns) \
                and index.predicate is None:
            probe = [None] * len(table.columns)
            for column, value in zip(columns, values):
                probe[column.place] = value
            return index.rids.get(index.key(probe)) in table.rows
    places = [column.place for column in columns]
    return any([row[place] for place in places] == values
               for row in table.rows.values())
