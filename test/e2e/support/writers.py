"""Threads that write to a source while something else goes on."""

import collections
import random
import threading

COUNTED = {"INSERT": "creates", "UPDATE": "updates", "DELETE": "deletes"}

class Transaction:
    """Executes statements and counts the rows that they change."""

    def __init__(self, cursor, chance):
        self.cursor = cursor
        self.chance = chance        # a random number generator of its own
        self.changed = collections.Counter()

    def execute(self, sql, *parameters):
        self.cursor.execute(sql, parameters or None)
        self.count(sql)

    def executemany(self, sql, rows):
        self.cursor.executemany(sql, rows)
        self.count(sql)

    def count(self, sql):
        kind = COUNTED.get(sql.split()[0])
        if kind is not None:
            self.changed[kind] += self.cursor.rowcount


class Writers:
    """Runs functions of a Transaction in threads, each in a loop.

    Use as a context manager; leaving it ends the threads and raises what went
    wrong in them.  `changed` counts the rows that committed transactions
    changed, by the name of the connector's counter.
    """

    def __init__(self, database, *functions):
        self.database = database
        self.done = threading.Event()
        self.lock = threading.Lock()
        self.errors = []
        self.changed = collections.Counter()
        self.threads = [threading.Thread(target=self.work, args=(n, function))
                        for n, function in enumerate(functions)]

    def work(self, number, function):
        chance = random.Random(number)
        try:
            connection = self.database.connect(autocommit=False)
            with connection.cursor() as cursor:
                while not self.done.is_set():
                    transaction = Transaction(cursor, chance)
                    try:
                        function(transaction)
                        connection.commit()
                    except Exception as error:
                        if not self.database.passes(error):
                            raise
                        connection.rollback()
                        continue
                    with self.lock:
                        self.changed += transaction.changed
            connection.close()
        except Exception as error:
            self.errors.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *ignored):
        self.done.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]
