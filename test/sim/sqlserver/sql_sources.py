"""What FROM reads: tables, catalog views, functions, derived tables, joins.

A source has fields and open(row) -> an iterator of row tuples, where `row` is
the row of the sources left of it in a join.
"""

from bisect import bisect_left, bisect_right
from itertools import chain

from .sql_scope import Field, Scope
from .sql_types import HIGH, key_function

FIRST_CHUNK, LARGEST_CHUNK = 64, 4096
DIRTY = frozenset(["NOLOCK", "READUNCOMMITTED"])
RANGE = frozenset(["HOLDLOCK", "SERIALIZABLE"])


class Source:
    def __init__(self, fields):
        self.fields = fields
        self.scope = Scope()
        self.scope.extend(fields)

    def sorted_by(self):
        """The columns whose order the rows have: (column, descending)."""
        return []


class RowsSource(Source):
    """Rows that a function makes: catalog views, VALUES, functions."""

    def __init__(self, fields, make):
        super().__init__(fields)
        self.make = make

    def open(self, row):
        return iter(self.make(row))


class PlanSource(Source):
    """A derived table, a common table expression or a view."""

    def __init__(self, fields, plan):
        super().__init__(fields)
        self.plan = plan

    def open(self, row):
        return self.plan.open()


class ApplySource(Source):
    """A derived table that reads the row left of it."""

    def __init__(self, fields, plan, scope):
        super().__init__(fields)
        self.plan = plan
        self.outer = scope

    def open(self, row):
        kept = self.outer.cell[0]
        self.outer.cell[0] = row
        try:
            return iter(list(self.plan.open()))
        finally:
            self.outer.cell[0] = kept


def reading_modes(session, hints):
    """How a table is read: (kind, table lock, its tag, row lock).

    kind: dirty, locked or snapshot; tag None: held to the transaction's end;
    the row lock is one that is held, None if rows need only be free.
    """
    level = session.level
    statement = session.statement_tag
    if session.secondary:
        hints = hints - DIRTY - RANGE
    if hints & DIRTY:
        level = "READ UNCOMMITTED"
    elif hints & RANGE:
        level = "SERIALIZABLE"
    elif "REPEATABLEREAD" in hints:
        level = "REPEATABLE READ"
    elif hints & {"READCOMMITTED", "READCOMMITTEDLOCK"}:
        level = "READ COMMITTED LOCK"
    held = None if level in ("REPEATABLE READ", "SERIALIZABLE") else statement
    if "TABLOCKX" in hints or {"TABLOCK", "XLOCK"} <= hints:
        return "locked", "X", None, None
    if "XLOCK" in hints:
        return "locked", "IX", None, "X"
    if "UPDLOCK" in hints:
        return "locked", "IX", None, "U"
    if level == "READ UNCOMMITTED":
        return "dirty", "SCH-S", statement, None
    if level == "SNAPSHOT":
        return "snapshot", "SCH-S", statement, None
    if "TABLOCK" in hints:
        return "locked", "S", held, None
    if level == "READ COMMITTED" \
            and session.current_database.read_committed_snapshot:
        return "committed", "SCH-S", statement, None
    if level == "SERIALIZABLE":
        return "locked", "S", None, None
    if level == "REPEATABLE READ":
        return "locked", "IS", None, "S"
    return "locked", "IS", statement, None


class TableScan(Source):
    """Reads a table in the order of an index, a range of it at a time."""

    def __init__(self, session, table, qualifier, hints=frozenset()):
        super().__init__([Field(column.name, column.type, qualifier,
                                column=column) for column in table.columns])
        self.session = session
        self.table = table
        self.hints = hints
        self.seek = None
        self.index = table.clustered
        self.last = None            # of the last lookup: bounds, its rows
        self.mode = None

    def lock(self):
        """Takes the table's lock, before any row is asked for."""
        kind, lock, tag, row_lock = reading_modes(self.session, self.hints)
        self.session.lock_table(self.table, lock, tag)
        self.mode = kind, kind == "dirty" or lock in ("S", "X"), row_lock

    def use(self, seek):
        if seek is not None and (self.seek is None
                                 or seek.score > self.seek.score):
            self.seek = seek
            self.index = seek.index

    def sorted_by(self):
        return list(zip(self.index.columns, self.index.descending))

    def open(self, row):
        lower, upper = (), (HIGH,)
        if self.seek is not None:
            lower, upper = self.seek.bounds(row)
            if not lower < upper:
                return iter(())
        return chain.from_iterable(self.chunks(lower, upper))

    def lookup(self, row):
        """The rows of a seek as a list; repeated seeks are remembered."""
        bounds = self.seek.bounds(row)
        if self.last is None or self.last[0] != bounds:
            lower, upper = bounds
            rows = []
            if lower < upper:
                for chunk in self.chunks(lower, upper):
                    rows += chunk
            self.last = bounds, rows
        return self.last[1]

    def chunks(self, lower, upper):
        session, table = self.session, self.table
        kind, free, row_lock = self.mode
        if kind in ("snapshot", "committed"):
            if kind == "snapshot":
                session.start_snapshot(table)
            yield self.versions(kind, lower, upper)
            return
        size = FIRST_CHUNK
        last = None
        while True:
            session.check_cancelled()
            with session.latch:
                batch = self.chunk(lower, upper, last, size, free, row_lock)
                rows = [table.rows[entry[-1]] for entry in batch]
            if rows:
                yield rows
                last = batch[-1]
            if len(batch) < size:
                return
            size = min(2 * size, LARGEST_CHUNK)

    def chunk(self, lower, upper, last, size, free, row_lock):
        """The next entries, none of which another transaction holds."""
        session, table = self.session, self.table
        locks = session.locks
        while True:
            entries = self.index.ordered(table.rows)
            start = (bisect_left(entries, lower) if last is None
                     else bisect_right(entries, last))
            stop = bisect_left(entries, upper, start)
            batch = entries[start:min(stop, start + size)]
            if free:
                return batch
            ghosts = [rid for rid in table.ghosts
                      if table.dirty[rid][0] is not session.current
                      and lower <= self.index.key(table.dirty[rid][1])
                      < upper] if table.ghosts else []
            rids = [entry[-1] for entry in batch]
            if not locks.rows_free(session, table, ghosts + rids,
                                   row_lock or "S"):
                break
        if row_lock is not None:
            for rid in rids:
                locks.hold_row(session, table, rid, row_lock)
        return batch

    def versions(self, kind, lower, upper):
        """The rows that a snapshot contains."""
        session, table, index = self.session, self.table, self.index
        with session.latch:
            entries = index.ordered(table.rows)
            start = bisect_left(entries, lower)
            stop = bisect_left(entries, upper, start)
            entries = entries[start:stop]
            if not table.dirty and not table.history:
                return [table.rows[entry[-1]] for entry in entries]
            changed = table.dirty.keys() | table.history.keys()
            transaction = session.current
            found = [(entry, table.rows[entry[-1]]) for entry in entries
                     if entry[-1] not in changed]
            for rid in changed:
                if kind == "snapshot":
                    row = table.version(rid, transaction)
                elif table.dirty.get(rid, (None,))[0] is transaction:
                    row = table.rows.get(rid)
                else:
                    row = table.committed(rid)
                if row is not None:
                    entry = index.key(row) + (rid,)
                    if lower <= entry < upper:
                        found.append((entry, row))
            found.sort(key=lambda pair: pair[0])
            return [row for _, row in found]

    def targets(self, test):
        """For UPDATE and DELETE: [(row id, row)] that pass, locked.  The
        caller holds the latch and the table lock."""
        session, table, index = self.session, self.table, self.index
        lower, upper = (), (HIGH,)
        if self.seek is not None:
            lower, upper = self.seek.bounds(())
            if not lower < upper:
                return []
        snapshot = session.level == "SNAPSHOT"
        while True:
            entries = index.ordered(table.rows)
            start = bisect_left(entries, lower)
            stop = bisect_left(entries, upper, start)
            found = [(entry[-1], table.rows[entry[-1]])
                     for entry in entries[start:stop]]
            if snapshot:
                return [(rid, row) for rid, row
                        in self.snapshot_rows(lower, upper) if test(row)]
            rids = [rid for rid, _ in found]
            rids += [rid for rid in table.ghosts
                     if lower <= index.key(table.dirty[rid][1]) < upper]
            if session.locks.rows_free(session, table, rids, "U"):
                continue
            found = [(rid, row) for rid, row in found if test(row)]
            if not session.locks.rows_free(
                    session, table, [rid for rid, _ in found], "X"):
                return found

    def snapshot_rows(self, lower, upper):
        table, transaction = self.table, self.session.current
        self.session.start_snapshot(table)
        rids = (table.rows.keys() | table.dirty.keys()
                | table.history.keys())
        found = []
        for rid in rids:
            row = table.version(rid, transaction)
            if row is not None and lower <= self.index.key(row) < upper:
                found.append((rid, row))
        found.sort()
        return found


class JoinSource(Source):
    """Nested loops; the right side by a seek, a hash or a list."""

    def __init__(self, kind, left, right, test, keys=None):
        super().__init__(left.fields + right.fields)
        self.kind = kind
        self.left = left
        self.right = right
        self.test = test            # combined row -> condition, or None
        self.keys = keys            # (left row -> key, right row -> key)
        self.blank = (None,) * len(right.fields)

    def sorted_by(self):
        return self.left.sorted_by() if self.kind != "FULL" else []

    def matches(self):
        """A function: left row -> right rows to test."""
        right = self.right
        if "APPLY" in self.kind:
            return right.open
        if isinstance(right, TableScan) and right.seek is not None:
            return right.lookup
        if self.keys is None:
            rows = []

            def everything(row):
                if not rows:
                    rows.append(list(right.open(())))
                return rows[0]
            return everything
        return self.hashed()

    def hashed(self):
        left_key, right_key = self.keys
        buckets = {}
        built = []

        def probe(row):
            if not built:
                built.append(True)
                for other in self.right.open(()):
                    key = right_key(other)
                    if key is not None:
                        buckets.setdefault(key, []).append(other)
            key = left_key(row)
            return buckets.get(key, ()) if key is not None else ()
        return probe

    def open(self, row):
        if self.kind == "FULL":
            return self.full()
        return self.loop()

    def loop(self):
        matches, test, blank = self.matches(), self.test, self.blank
        outer = self.kind in ("LEFT", "OUTER APPLY")
        for left in self.left.open(()):
            found = False
            for right in matches(left):
                row = left + right
                if test is None or test(row):
                    found = True
                    yield row
            if outer and not found:
                yield left + blank

    def full(self):
        rights = list(self.right.open(()))
        used = [False] * len(rights)
        for left in self.left.open(()):
            found = False
            for place, right in enumerate(rights):
                row = left + right
                if self.test is None or self.test(row):
                    found = used[place] = True
                    yield row
            if not found:
                yield left + self.blank
        blank = (None,) * len(self.left.fields)
        for place, right in enumerate(rights):
            if not used[place]:
                yield blank + right


class ReorderedSource(Source):
    """A RIGHT JOIN is a LEFT JOIN whose columns change places."""

    def __init__(self, source, nfirst):
        fields = source.fields
        super().__init__(fields[nfirst:] + fields[:nfirst])
        self.source = source
        self.nfirst = nfirst

    def open(self, row):
        n = self.nfirst
        return (one[n:] + one[:n] for one in self.source.open(row))


def tuple_key(runs, types):
    """A function of a row that gives a hashable key; None if part is NULL."""
    keys = [key_function(type) for type in types]

    def make(row):
        parts = []
        for run, key in zip(runs, keys):
            value = run(row)
            if value is None:
                return None
            parts.append(key(value) if key is not None else value)
        return tuple(parts)
    return make
