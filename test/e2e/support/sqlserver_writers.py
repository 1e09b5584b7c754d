"""Sessions of the SQL Server test server as a database driver has them, for
support/writers.py."""

import datetime
import decimal

from .sqlserver import Session, text

# deadlock victim, lock timeout, snapshot conflict
RETRIED = ("deadlock", "Lock request time out", "Snapshot isolation")
ROWS_PER_INSERT = 1000


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return text(value)
    if isinstance(value, (bytes, bytearray)):
        return "0x" + value.hex()
    if isinstance(value, (datetime.date, datetime.time)):
        return "'%s'" % value.isoformat()
    assert isinstance(value, (int, float, decimal.Decimal))
    return str(value)


class Writable:
    """A database for Writers."""

    def __init__(self, database):
        self.database = database

    def connect(self, autocommit=False):
        return Connection(self.database.session())

    @staticmethod
    def passes(error):
        """May the transaction be tried again?"""
        return any(text in str(error) for text in RETRIED)


class Connection:
    """A session and its only cursor."""

    def __init__(self, session: Session):
        self.session = session
        self.is_open = False
        self.rowcount = 0

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        pass

    def execute(self, sql, parameters=None):
        if not self.is_open:
            self.session.execute("BEGIN TRANSACTION")
        self.is_open = True
        if parameters:
            sql %= tuple(map(literal, parameters))
        self.rowcount = self.session.execute(
            sql + "; SELECT @@ROWCOUNT")[0][0]

    def executemany(self, sql, rows):
        """INSERT ... VALUES (...)"""
        head, _, values = sql.partition(" VALUES ")
        count = 0
        for start in range(0, len(rows), ROWS_PER_INSERT):
            self.execute("%s VALUES %s" % (head, ", ".join(
                values % tuple(map(literal, row))
                for row in rows[start:start + ROWS_PER_INSERT])))
            count += self.rowcount
        self.rowcount = count

    def commit(self):
        if self.is_open:
            self.session.execute("COMMIT")
        self.is_open = False

    def rollback(self):
        self.session.execute("IF @@TRANCOUNT > 0 ROLLBACK")
        self.is_open = False

    def close(self):
        self.session.close()
