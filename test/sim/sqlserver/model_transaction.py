"""Transactions: undo, savepoints, commit, and what they wrote for the log."""

import itertools

NUMBERS = itertools.count(1)


class Transaction:
    """Of one session; a statement outside BEGIN TRAN has one of its own."""

    def __init__(self, session, explicit, now):
        self.session = session
        self.explicit = explicit
        self.number = next(NUMBERS)
        self.begin_time = now
        self.inserted = (self, None)    # Table.dirty of rows it inserts
        self.undo = []              # (table, row id, before, after), callables
        self.tables = {}            # table -> row ids it changed
        self.held = set()           # (table, tag)
        self.row_held = {}          # table -> row ids
        self.savepoints = []        # (name, length of undo, of the log, ...)
        self.snapshot = None        # commit number that SNAPSHOT reads at
        self.logs = {}              # database -> LogBuffer
        self.victim = False
        self.doomed = False         # can only be rolled back

    def touched(self, table):
        rids = self.tables.get(table)
        if rids is None:
            rids = self.tables[table] = []
        return rids

    def log(self, database):
        """Where changes of CDC tables of a database are noted."""
        buffer = self.logs.get(database)
        if buffer is None:
            buffer = self.logs[database] = database.log.begin(self)
        return buffer

    def save(self, name):
        marks = {database: buffer.mark()
                 for database, buffer in self.logs.items()}
        self.savepoints.append((name.lower(), len(self.undo), marks))

    def find_savepoint(self, name):
        for place in range(len(self.savepoints) - 1, -1, -1):
            if self.savepoints[place][0] == name.lower():
                return place
        return None

    def rollback_to(self, length, marks=None):
        """Undoes down to a length of the undo list."""
        while len(self.undo) > length:
            entry = self.undo.pop()
            if callable(entry):
                entry()
            else:
                table, rid, before, after = entry
                table.undo(rid, before, after)
        for database, buffer in self.logs.items():
            buffer.cut((marks or {}).get(database, buffer.start))

    def mark(self):
        """For undoing a statement that fails."""
        return len(self.undo), {database: buffer.mark() for database, buffer
                                in self.logs.items()}
