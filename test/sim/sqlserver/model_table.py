"""A table's rows: current, uncommitted and past versions.

rows holds the newest version of every row, committed or not, by row id.
dirty tells of the uncommitted ones who changed them and what they were
before; that is at once the exclusive lock on the row.  history keeps what
snapshot transactions may still want to see.
"""

from dataclasses import dataclass
from typing import Any, Optional

from .model_index import Index
from .result import SqlError
from .types import Type


@dataclass(eq=False)
class Column:
    name: str
    type: Type
    column_id: int
    place: int = 0                  # in the row tuple
    user_type: Any = None           # an AliasType, if of one
    identity: Optional[tuple] = None
    default: Any = None             # Constraint
    computed: Any = None            # an expression
    computed_text: Optional[str] = None
    persisted: bool = False
    sparse: bool = False
    rowguidcol: bool = False
    column_set: bool = False
    hidden: bool = False
    generated: int = 0
    sysname: bool = False


@dataclass(eq=False)
class Constraint:
    name: str
    kind: str                       # D, C, F, PK, UQ
    object_id: int
    text: str = ""
    expr: Any = None
    columns: tuple = ()
    index: Any = None
    references: Any = None          # (table, columns)
    actions: Any = None
    system_named: bool = False



class Table:
    kind = "U"

    def __init__(self, database, schema, name, object_id, now):
        self.database = database
        self.schema = schema
        self.name = name
        self.object_id = object_id
        self.create_date = self.modify_date = now
        self.columns = []
        self.indexes = []
        self.constraints = []
        self.max_column_id = 0
        self.shipped = False            # is_ms_shipped
        self.identity_value = None      # the last one given
        self.temporal_type = 0
        self.dropped = False
        self.rows = {}
        self.dirty = {}                 # row id -> (transaction, before)
        self.ghosts = set()     # committed before, deleted, not committed
        self.history = {}               # row id -> [(commit number, row)]
        self.locks = {}                 # (transaction, tag) -> mode
        self.row_locks = {}             # row id -> {transaction: mode}
        self.next_rid = 1
        self.heap = Index(None, [])
        self.captures = ()              # active capture instances

    # shape

    def set_columns(self, columns):
        self.columns = columns
        for place, column in enumerate(columns):
            column.place = place
        for index in self.all_indexes():
            index.rebind()

    def all_indexes(self):
        return [self.heap] + self.indexes

    def column(self, name):
        """The column of that name, or None."""
        name = name.lower()
        for column in self.columns:
            if column.name.lower() == name:
                return column
        return None

    @property
    def unique(self):
        return [index for index in self.indexes if index.unique]

    @property
    def clustered(self):
        """The index in whose order the rows are."""
        for index in self.indexes:
            if index.clustered:
                return index
        return self.heap

    @property
    def primary_key(self):
        for index in self.indexes:
            if index.primary:
                return index
        return None

    @property
    def identity_column(self):
        for column in self.columns:
            if column.identity is not None:
                return column
        return None

    def add_index(self, index):
        if index.clustered:
            index.index_id = 1
        else:
            index.index_id = max([1] + [other.index_id for other
                                        in self.indexes]) + 1
        if index.unique:
            self.fill_unique(index)
        self.indexes.append(index)
        self.indexes.sort(key=lambda index: index.index_id)

    def fill_unique(self, index):
        rids = {}
        for rid, row in self.rows.items():
            if index.predicate is not None and not index.predicate(row):
                continue
            key = index.key(row)
            if key in rids:
                raise self.duplicate(index, row, 1505)
            rids[key] = rid
        index.rids = rids

    def qualified(self):
        return "%s.%s" % (self.schema.name, self.name)

    def duplicate(self, index, row, number=None):
        shown = ", ".join(shown_key(row[column.place])
                          for column in index.columns)
        if number == 1505:
            return SqlError(1505, "The CREATE UNIQUE INDEX statement "
                            "terminated because a duplicate key was found "
                            "for the object name '%s' and the index name "
                            "'%s'. The duplicate key value is (%s)."
                            % (self.qualified(), index.name, shown))
        if index.constraint:
            kind = "PRIMARY KEY" if index.primary else "UNIQUE KEY"
            return SqlError(2627, "Violation of %s constraint '%s'. Cannot "
                            "insert duplicate key in object '%s'. The "
                            "duplicate key value is (%s)." % (
                                kind, index.name, self.qualified(), shown),
                            class_=14)
        return SqlError(2601, "Cannot insert duplicate key row in object '%s' "
                        "with unique index '%s'. The duplicate key value is "
                        "(%s)." % (self.qualified(), index.name, shown),
                        class_=14)

    # changes; the caller holds the latch and the locks

    def unique_rival(self, row, transaction):
        """What stops a row from coming in: None, a transaction to wait for,
        or the index whose key it duplicates."""
        for index in self.unique:
            if index.predicate is not None and not index.predicate(row):
                continue
            key = index.key(row)
            rid = index.rids.get(key)
            if rid is None:
                continue
            owner = self.dirty.get(rid)
            if owner is not None and owner[0] is not transaction:
                return owner[0]
            current = self.rows.get(rid)
            if current is not None and index.key(current) == key:
                return index
        return None

    def touch(self, transaction, rid, before):
        """Marks a row as changed by a transaction."""
        if rid not in self.dirty:
            self.dirty[rid] = transaction.inserted if before is None \
                else (transaction, before)
            transaction.touched(self).append(rid)

    def put(self, rid, row):
        self.rows[rid] = row
        if self.ghosts:
            self.ghosts.discard(rid)
        if self.heap.entries is not None:
            self.heap.add(rid, row)
        for index in self.indexes:
            if index.predicate is not None and not index.predicate(row):
                continue
            if index.entries is not None:
                index.add(rid, row)
            if index.unique:
                index.rids[index.key(row)] = rid

    def take(self, rid):
        """Removes the current version; the unique keys of a committed one
        stay reserved."""
        row = self.rows.pop(rid)
        if rid in self.dirty:
            self.release_key(rid, row, self.dirty[rid][1])
        if self.heap.entries is not None:
            self.heap.remove(rid, row)
        for index in self.indexes:
            if index.predicate is None or index.predicate(row):
                index.remove(rid, row)
        return row

    def release_key(self, rid, row, kept=None):
        """A version of a row is gone for good: its unique keys are free,
        unless the current version has them, or the one that is kept."""
        current = self.rows.get(rid, kept)
        for index in self.unique:
            if index.predicate is not None and not index.predicate(row):
                continue
            key = index.key(row)
            if index.rids.get(key) == rid and (
                    current is None or index.key(current) != key):
                del index.rids[key]

    def insert(self, transaction, row):
        rid = self.next_rid
        self.next_rid += 1
        self.touch(transaction, rid, None)
        self.put(rid, row)
        transaction.undo.append((self, rid, None, row))
        return rid

    def delete(self, transaction, rid):
        row = self.take(rid)
        self.touch(transaction, rid, row)
        if self.dirty[rid][1] is not None:
            self.ghosts.add(rid)
        transaction.undo.append((self, rid, row, None))
        return row

    def reinsert(self, transaction, rid, before, row):
        """The second half of an update, after delete()."""
        self.put(rid, row)
        transaction.undo.append((self, rid, None, row))

    def undo(self, rid, before, after):
        """Takes back one change, the newest first."""
        if after is not None:
            row = self.take(rid)
            self.release_key(rid, row)
        if before is not None:
            self.put(rid, before)
        elif self.dirty.get(rid, (None, None))[1] is not None:
            self.ghosts.add(rid)

    def forget(self, rids, number):
        """Ends the changes of a transaction; number: of its commit if
        snapshots may want the former versions, else None."""
        for rid in rids:
            _, before = self.dirty.pop(rid)
            self.ghosts.discard(rid)
            if number is not None:
                self.history.setdefault(rid, [(0, before)]).append(
                    (number, self.rows.get(rid)))
            if before is not None:
                self.release_key(rid, before)

    # versions

    def committed(self, rid):
        """The last committed version of a row, or None."""
        owner = self.dirty.get(rid)
        return owner[1] if owner is not None else self.rows.get(rid)

    def version(self, rid, transaction):
        """What a snapshot transaction sees of a row, or None."""
        owner = self.dirty.get(rid)
        if owner is not None and owner[0] is transaction:
            return self.rows.get(rid)
        past = self.history.get(rid)
        if past is not None:
            for number, row in reversed(past):
                if number <= transaction.snapshot:
                    return row
        return self.committed(rid)

    def changed_since(self, rid, number):
        past = self.history.get(rid)
        return past is not None and past[-1][0] > number


def shown_key(value):
    return "<NULL>" if value is None else str(value)
