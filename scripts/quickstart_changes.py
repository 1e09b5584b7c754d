"""Change rows of the sample database at the source; show them arrive.

usage: quickstart_changes.py MARIADB_PORT POSTGRES_PORT

The time shown for a change runs from the moment at which the source confirms
it until a query in PostgreSQL sees it.
"""

import sys
import time

import psycopg2
import pymysql

TIMEOUT = 10

# statement at the source, query here, the result that it must come to
CHANGES = [
    ("INSERT INTO orders (order_date, purchaser, quantity, product_id)"
     " VALUES ('2024-08-26', 1004, 3, 101)",
     "SELECT quantity, product_id FROM inventory.orders"
     " WHERE order_number = 10005", [(3, 101)]),
    ("UPDATE orders SET quantity = 7 WHERE order_number = 10005",
     "SELECT quantity, product_id FROM inventory.orders"
     " WHERE order_number = 10005", [(7, 101)]),
    ("DELETE FROM orders WHERE order_number = 10005",
     "SELECT quantity, product_id FROM inventory.orders"
     " WHERE order_number = 10005", []),
    ("TRUNCATE TABLE addresses",
     "SELECT count(*) FROM inventory.addresses", [(0,)]),
]


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
    source = pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]),
                             user="root", database="inventory",
                             autocommit=True).cursor()
    target = psycopg2.connect(host="127.0.0.1", port=sys.argv[2],
                              user="postgres", dbname="postgres")
    target.autocommit = True
    target = target.cursor()

    for statement, query, expected in CHANGES:
        print("\nMariaDB> %s;" % statement)
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
