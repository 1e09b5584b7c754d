"""What names mean while a query is compiled."""

from dataclasses import dataclass, replace
from typing import Any

from .result import SqlError
from .types import Type


@dataclass(eq=False)
class Field:
    """A column of a source."""
    name: str
    type: Type
    qualifier: tuple            # lower-case parts: (alias,) or (db, schema, t)
    place: int = 0              # in the row
    column: Any = None          # the table's Column, if it is one


@dataclass
class Compiled:
    """An expression as a function of a row."""
    run: Any
    type: Type
    constant: bool = False      # does not read the row
    value: Any = None           # of a literal
    literal: bool = False


def once(compiled):
    """A constant expression that is evaluated at its first use."""
    if compiled.literal or not compiled.constant:
        return compiled.run
    run = compiled.run
    kept = []

    def cached(row):
        if not kept:
            kept.append(run(row))
        return kept[0]
    return cached


class Scope:
    """The fields of a query level; the outer level for correlated ones."""

    def __init__(self, parent=None):
        self.fields = []
        self.by_name = {}
        self.parent = parent
        self.cell = [()]            # the current row, for inner levels
        self.slots = None           # Grouped: see sql_select
        self.outer_used = False     # an inner level read this one's parent

    def add(self, field):
        """Adds a copy, whose place counts in this scope's rows."""
        field = replace(field, place=len(self.fields))
        self.fields.append(field)
        self.by_name.setdefault(field.name.lower(), []).append(field)

    def extend(self, fields):
        for field in fields:
            self.add(field)

    def matches(self, parts):
        name = parts[-1].lower()
        found = self.by_name.get(name, ())
        qualifier = tuple(part.lower() for part in parts[:-1])
        if not qualifier:
            return list(found)
        return [field for field in found
                if qualified_by(field.qualifier, qualifier)]

    def find(self, parts):
        """The field of a name at this level, or None."""
        found = self.matches(parts)
        if len(found) > 1:
            raise SqlError(209, "Ambiguous column name '%s'." % parts[-1])
        return found[0] if found else None

    def qualifier_fields(self, qualifier):
        """The fields that alias.* stands for."""
        wanted = tuple(part.lower() for part in qualifier)
        return [field for field in self.fields
                if qualified_by(field.qualifier, wanted)]


def qualified_by(qualifier, wanted):
    """Whether 't', 's.t' or 'd.s.t' names a table ('d','s','t')."""
    if len(wanted) > len(qualifier):
        return False
    tail = qualifier[len(qualifier) - len(wanted):]
    return all(part == other or not other
               for part, other in zip(tail, wanted))


def unknown_column(parts):
    if len(parts) > 1:
        return SqlError(4104, "The multi-part identifier \"%s\" could not be "
                        "bound." % ".".join(parts))
    return SqlError(207, "Invalid column name '%s'." % parts[-1])
