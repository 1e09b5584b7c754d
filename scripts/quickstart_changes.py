"""Change rows of the sample database at the source; show them arrive.

usage: quickstart_changes.py mysql|sqlserver SOURCE_PORT POSTGRES_PORT

The time shown for a change runs from the moment at which the source confirms
it until a query in PostgreSQL sees it.
"""

import subprocess
import sys
import time

import psycopg2

TIMEOUT = 10


class MariaDB:
    prompt = "MariaDB"
    order = ("SELECT quantity, product_id FROM inventory.orders"
             " WHERE order_number = 10005")
    # statement at the source, query here, the result that it must come to
    changes = [
        ("INSERT INTO orders (order_date, purchaser, quantity, product_id)"
         " VALUES ('2024-08-26', 1004, 3, 101)", order, [(3, 101)]),
        ("UPDATE orders SET quantity = 7 WHERE order_number = 10005", order,
         [(7, 101)]),
        ("DELETE FROM orders WHERE order_number = 10005", order, []),
        ("TRUNCATE TABLE addresses",
         "SELECT count(*) FROM inventory.addresses", [(0,)]),
    ]

    def __init__(self, port):
        import pymysql
        self.cursor = pymysql.connect(
            host="127.0.0.1", port=int(port), user="root",
            database="inventory", autocommit=True).cursor()

    def execute(self, statement):
        self.cursor.execute(statement)


class SqlServer:
    """By FreeTDS's client, as a user would; each statement takes a login."""

    prompt = "SQL Server (simulator)"
    order = "SELECT quantity, product_id FROM testdb.orders WHERE id = 10005"
    changes = [
        ("INSERT INTO orders (order_date, purchaser, quantity, product_id)"
         " VALUES ('2024-08-26', 1004, 3, 101)", order, [(3, 101)]),
        ("UPDATE orders SET quantity = 7 WHERE id = 10005", order,
         [(7, 101)]),
        ("DELETE FROM orders WHERE id = 10005", order, []),
    ]

    def __init__(self, port):
        self.command = ["tsql", "-H", "127.0.0.1", "-p", port, "-U", "sa",
                        "-P", "Password!", "-D", "testDB", "-o", "qf"]

    def execute(self, statement):
        done = subprocess.run(self.command, input="%s\nGO\n" % statement,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode != 0 or "Msg " in done.stdout:
            sys.exit("the source refused the change: %s" % done.stdout)


SOURCES = {"mysql": MariaDB, "sqlserver": SqlServer}


def wait_for_rows(cursor, query, expected):
    deadline = time.monotonic() + TIMEOUT
    while True:
        cursor.execute(query)
        rows = cursor.fetchall()
        if rows == expected:
            return rows
        if time.monotonic() > deadline:
            cursor.execute("SELECT state, err FROM synchdb_state_view")
            sys.exit("the change did not arrive within %d s: %s"
                     % (TIMEOUT, cursor.fetchall()))


def main():
    source = SOURCES[sys.argv[1]](sys.argv[2])
    target = psycopg2.connect(host="127.0.0.1", port=sys.argv[3],
                              user="postgres", dbname="postgres")
    target.autocommit = True
    target = target.cursor()

    for statement, query, expected in source.changes:
        print("\n%s> %s;" % (source.prompt, statement))
        source.execute(statement)
        begin = time.monotonic()
        rows = wait_for_rows(target, query, expected)
        elapsed_ms = (time.monotonic() - begin) * 1000
        print("postgres=# %s;" % query)
        for row in rows:
            print("   " + " | ".join(str(value) for value in row))
        print("   (%d row%s, arrived after %.1f ms)"
              % (len(rows), "" if len(rows) == 1 else "s", elapsed_ms))


main()
