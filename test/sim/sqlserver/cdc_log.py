"""The log of a database, as far as change data capture reads it.

An LSN is a number of 80 bits: log file, block, slot.  A row change takes one
when it is made (its seqval), a transaction one when it begins and one when it
commits; by the last they are queued for the capture job.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

DELETE, INSERT, BEFORE, AFTER = 1, 2, 3, 4
EVENT = 0                       # a definition changed; `row` runs at capture
FIRST_LSN = 0x25 << 48 | 0x10 << 16 | 1
LAST_SLOT = 0xC8
BLOCK_STEP = 8


def lsn_bytes(number):
    return number.to_bytes(10, "big")


def lsn_text(lsn):
    """vlf:block:slot"""
    text = (lsn or bytes(10)).hex()
    return ":".join((text[:8], text[8:16], text[16:]))


class Change(NamedTuple):
    seqval: int
    command: int
    operation: int              # DELETE, INSERT, AFTER (an update), EVENT
    shape: Any                  # the table's columns at the time
    captures: tuple             # capture instances that want it
    before: Any
    after: Any


@dataclass
class Committed:
    """A transaction that waits for the capture job."""
    commit_lsn: int
    begin_lsn: int
    begin_time: Any
    end_time: Any
    number: int
    changes: list


class Log:
    def __init__(self, database):
        self.database = database
        self.last = FIRST_LSN
        self.queue = deque()
        self.pair_seqval = True     # of deferred updates: one for both halves

    def end(self):
        """The LSN that the next record will have."""
        number = self.last + 1
        if number & 0xFFFF > LAST_SLOT:
            number = ((number >> 16) + BLOCK_STEP) << 16 | 1
        return number

    def take(self):
        self.last = number = self.end()
        return number

    def begin(self, transaction):
        return LogBuffer(self, transaction)

    def commit(self, buffer, now):
        if buffer.changes:
            self.queue.append(Committed(
                self.take(), buffer.begin_lsn, buffer.transaction.begin_time,
                now, buffer.transaction.number, buffer.changes))


class LogBuffer:
    """The changes of one transaction in one database."""
    start = (0, 0)

    def __init__(self, log, transaction):
        self.log = log
        self.transaction = transaction
        self.begin_lsn = log.take()
        self.changes = []
        self.command = 0

    def mark(self):
        return len(self.changes), self.command

    def cut(self, mark):
        length, self.command = mark
        del self.changes[length:]

    def note(self, table, operation, before, after, seqval=None):
        self.command += 1
        self.changes.append(Change(
            seqval or self.log.take(), self.command, operation,
            table.columns, table.captures, before, after))

    def insert(self, table, row):
        self.note(table, INSERT, None, row)

    def delete(self, table, row):
        self.note(table, DELETE, row, None)

    def update(self, table, pairs):
        """Rows that one statement updated.  Where a column of a unique index
        changed, the update is deferred: all deletes, then all inserts."""
        keys = sorted({column.place for index in table.indexes
                       if index.unique for column in index.columns})
        deferred = []
        for before, after in pairs:
            if before == after:
                continue
            if any(before[place] != after[place] for place in keys):
                deferred.append((before, after))
            else:
                self.note(table, AFTER, before, after)
        seqvals = []
        for before, _ in deferred:
            self.note(table, DELETE, before, None)
            seqvals.append(self.changes[-1].seqval)
        for (_, after), seqval in zip(deferred, seqvals):
            self.note(table, INSERT, None, after,
                      seqval if self.log.pair_seqval else None)

    def event(self, run):
        """run(commit LSN, change) is called by the capture job."""
        self.command += 1
        self.changes.append(Change(self.log.take(), self.command, EVENT,
                                   None, (), None, run))
