"""Indexes of a table: ordered, for seeks and scans, and unique.

An entry of the ordered list is a tuple of the keys and, last, the row's id,
so that entries are unique.  The list is built when it is first read and then
follows the table; changes that are not appended wait until the next reading.
"""

from bisect import bisect_left, insort
from operator import itemgetter

from .sql_types import HIGH, Backwards, key_function, order_key

FEW = 64        # up to so many waiting changes are made one by one


class Backward(Backwards):
    """A descending key that may meet HIGH in a comparison."""
    __slots__ = ()

    def __lt__(self, other):
        return other is HIGH or other.key < self.key

    def __gt__(self, other):
        return other is not HIGH and self.key < other.key

    def __hash__(self):
        return hash(self.key)


def part_key(column):
    """The function that makes a column's value a key; None: identity."""
    if column.type.nullable:
        return order_key(column.type)
    return key_function(column.type)


def key_maker(columns, parts):
    """A function from a row to its key tuple."""
    places = [(column.place, part_key(column), descending)
              for column, descending in zip(columns, parts)]
    if not places:
        return lambda row: ()
    if not any(key or descending for _, key, descending in places):
        if len(places) == 1:
            place = places[0][0]
            return lambda row: (row[place],)
        return itemgetter(*[place for place, _, _ in places])

    def one(value, key, descending):
        value = key(value) if key else value
        return Backward(value) if descending else value
    return lambda row: tuple([one(row[place], key, descending)
                              for place, key, descending in places])


class Index:
    def __init__(self, name, columns, descending=(), unique=False,
                 primary=False, constraint=False, clustered=False,
                 included=(), predicate=None, predicate_text=None):
        self.name = name
        self.columns = columns
        self.descending = tuple(descending) or (False,) * len(columns)
        self.unique = unique
        self.primary = primary
        self.constraint = constraint    # made by UNIQUE or PRIMARY KEY
        self.clustered = clustered
        self.included = included
        self.predicate = predicate      # row -> whether it is indexed
        self.predicate_text = predicate_text
        self.index_id = 0               # given by the table
        self.create_id = 0
        self.entries = None             # None: not built
        self.added = []
        self.removed = set()
        self.rids = {}                  # of a unique one: key -> row id
        self.version = 0                # changes when entries may have moved
        self.rebind()

    def rebind(self):
        """After the places or types of columns changed."""
        self.key = key_maker(self.columns, self.descending)
        self.entries = None
        self.added, self.removed = [], set()
        self.version += 1

    def __contains__(self, column):
        return column in self.columns

    # the ordered list

    def add(self, rid, row):
        if self.entries is None:
            return
        entry = self.key(row) + (rid,)
        entries = self.entries
        if self.removed and entry in self.removed:
            self.removed.discard(entry)
        elif not self.added and (not entries or entries[-1] < entry):
            entries.append(entry)
        else:
            self.added.append(entry)

    def remove(self, rid, row):
        if self.entries is not None:
            self.removed.add(self.key(row) + (rid,))

    def ordered(self, rows):
        """The sorted entries, up to date."""
        if self.entries is None:
            key, predicate = self.key, self.predicate
            self.entries = [key(row) + (rid,) for rid, row in rows.items()
                            if predicate is None or predicate(row)]
            self.entries.sort()
            self.version += 1
        if self.added or self.removed:
            self.merge()
        return self.entries

    def merge(self):
        entries = self.entries
        if len(self.added) <= FEW:
            for entry in self.added:
                insort(entries, entry)
        else:
            entries.extend(self.added)
            entries.sort()
        if len(self.removed) <= FEW:
            for entry in self.removed:
                place = bisect_left(entries, entry)
                if place < len(entries) and entries[place] == entry:
                    del entries[place]
        else:
            removed = self.removed
            entries[:] = [entry for entry in entries if entry not in removed]
        self.added, self.removed = [], set()
        self.version += 1
