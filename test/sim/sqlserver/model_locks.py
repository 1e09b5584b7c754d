"""Locks on tables and rows, waiting, deadlocks.

One condition, the engine's latch, guards the whole model; who waits for a
lock waits on it.  A holder is (transaction, tag): tag None is held to the
transaction's end, others by a statement.
"""

import time

from .result import SqlError

# mode: the modes of others that it cannot be together with
CONFLICTS = {
    "SCH-S": {"SCH-M"},
    "IS": {"X", "SCH-M"},
    "IX": {"S", "SIX", "X", "SCH-M"},
    "S": {"IX", "SIX", "X", "SCH-M"},
    "SIX": {"IX", "S", "SIX", "X", "SCH-M"},
    "U": {"U", "X"},
    "X": {"IS", "IX", "S", "SIX", "U", "X", "SCH-M"},
    "SCH-M": {"SCH-S", "IS", "IX", "S", "SIX", "U", "X", "SCH-M"},
}
STRENGTH = ["SCH-S", "IS", "S", "U", "IX", "SIX", "X", "SCH-M"]
ROW_CONFLICTS = {"S": {"X"}, "U": {"U", "X"}, "X": {"S", "U", "X"}}


def combined(held, wanted):
    if held is None:
        return wanted
    if {held, wanted} == {"S", "IX"}:
        return "SIX"
    return max(held, wanted, key=STRENGTH.index)


def lock_timeout():
    return SqlError(1222, "Lock request time out period exceeded.", state=51)


def deadlock(session):
    return SqlError(1205, "Transaction (Process ID %d) was deadlocked on lock "
                    "resources with another process and has been chosen as "
                    "the deadlock victim. Rerun the transaction."
                    % session.spid, class_=13, state=51)


class LockManager:
    """All waits of an engine."""

    def __init__(self, latch):
        self.latch = latch
        self.waiting = {}       # transaction -> transactions it waits for

    # tables

    def table(self, session, table, mode, tag=None):
        """Takes a lock on a table, waiting for it."""
        transaction = session.current
        holder = (transaction, tag)
        conflicts = CONFLICTS[mode]

        def rivals():
            return [other for (other, _), held in table.locks.items()
                    if other is not transaction and held in conflicts]

        if table.locks:
            self.wait(session, rivals)
        table.locks[holder] = combined(table.locks.get(holder), mode)
        transaction.held.add((table, tag))

    def release(self, transaction, tag):
        """Ends what a statement held."""
        for table, held in list(transaction.held):
            if held is tag:
                table.locks.pop((transaction, tag), None)
                transaction.held.discard((table, tag))
        self.latch.notify_all()

    def release_all(self, transaction):
        for table, tag in transaction.held:
            table.locks.pop((transaction, tag), None)
        for table, rids in transaction.row_held.items():
            for rid in rids:
                holders = table.row_locks.get(rid)
                if holders is not None:
                    holders.pop(transaction, None)
                    if not holders:
                        del table.row_locks[rid]
        transaction.held.clear()
        transaction.row_held.clear()
        self.latch.notify_all()

    # rows

    def row_rivals(self, table, rid, mode, transaction):
        owner = table.dirty.get(rid)
        if owner is not None and owner[0] is not transaction:
            return [owner[0]]
        holders = table.row_locks.get(rid)
        if not holders:
            return []
        conflicts = ROW_CONFLICTS[mode]
        return [other for other, held in holders.items()
                if other is not transaction and held in conflicts]

    def rows_free(self, session, table, rids, mode):
        """Waits until nobody else holds the rows; returns whether it had to
        wait, so that what was read before is stale."""
        if not table.dirty and not table.row_locks:
            return False
        transaction = session.current
        waited = False
        for rid in rids:
            if self.row_rivals(table, rid, mode, transaction):
                self.wait(session, lambda: self.row_rivals(
                    table, rid, mode, transaction))
                waited = True
        return waited

    def hold_row(self, session, table, rid, mode):
        transaction = session.current
        holders = table.row_locks.setdefault(rid, {})
        held = holders.get(transaction)
        if held is None or "SUX".index(held) < "SUX".index(mode):
            holders[transaction] = mode
        transaction.row_held.setdefault(table, set()).add(rid)

    # waiting

    def wait(self, session, rivals):
        """Until rivals() is empty; 1222, 1205 or a cancellation end it."""
        blocked = rivals()
        if not blocked:
            return
        transaction = session.current
        timeout = session.lock_timeout
        deadline = time.monotonic() + timeout / 1000 if timeout > 0 else None
        try:
            while blocked:
                if timeout == 0:
                    raise lock_timeout()
                self.waiting[transaction] = blocked
                self.break_deadlock(transaction)
                if transaction.victim:
                    raise deadlock(session)
                session.check_cancelled()
                left = None
                if deadline is not None:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise lock_timeout()
                self.latch.wait(left)
                blocked = rivals()
        finally:
            self.waiting.pop(transaction, None)

    def break_deadlock(self, transaction):
        """Chooses a victim if the transaction waits for itself."""
        cycle = self.cycle(transaction, transaction, [], set())
        if cycle:
            victim = min(cycle, key=lambda one: (one.session.deadlock_priority,
                                                 len(one.undo)))
            victim.victim = True
            self.latch.notify_all()

    def cycle(self, start, at, path, seen):
        for other in self.waiting.get(at, ()):
            if other is start:
                return path + [at]
            if other not in seen:
                seen.add(other)
                found = self.cycle(start, other, path + [at], seen)
                if found:
                    return found
        return None
