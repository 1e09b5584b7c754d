"""Changes to be replicated, as transactions: lists of SQL statements that
MariaDB and PostgreSQL understand alike.  Chance is seeded, so that all get the
same.

The last transaction inserts into `marker`: who shows its row shows all.
"""

import random

from data import Table

MARKER = Table("marker", "id int", rows=0)
DONE = ["INSERT INTO marker VALUES (1)"]
EVENTS = Table("events",
               "id int, grp int, name varchar60, price decimal, at datetime")


def events(changes_per_transaction, transactions):
    """Of five changes, two insert, two update and one deletes."""
    chance = random.Random(1)
    alive = []
    free = 0
    clock = 0
    for _ in range(transactions):
        statements = []
        for _ in range(changes_per_transaction):
            clock += 1
            verb = ("insert", "update", "insert", "update",
                    "delete")[clock % 5]
            if verb == "insert" or not alive:
                free += 1
                alive.append(free)
                statements.append(
                    "INSERT INTO events VALUES (%d, %d, 'name of %d', %d.%02d,"
                    " '2024-03-%02d 10:%02d:%02d.%03d')" % (
                        free, free % 97, free * 7919, free, free % 100,
                        1 + free % 28, free % 60, clock % 60, clock % 1000))
                continue
            place = chance.randrange(len(alive))
            if verb == "update":
                statements.append(
                    "UPDATE events SET grp = %d, price = %d.25 WHERE id = %d"
                    % (clock % 97, clock, alive[place]))
            else:
                alive[place], alive[-1] = alive[-1], alive[place]
                statements.append("DELETE FROM events WHERE id = %d"
                                  % alive.pop())
        yield statements


class Events:
    """Transactions of one size on one table."""

    def __init__(self, name, title, size, transactions):
        self.name = name
        self.title = title
        self.size = size
        self.tables = [EVENTS, MARKER]
        self.count = transactions

    def transactions(self, scale, dialect):
        yield from events(self.size, int(self.count * scale))
        yield DONE


class Large:
    """One transaction that inserts many rows by one statement."""

    name = "large"
    title = "one transaction of 1,000,000 inserts"
    tables = [EVENTS, MARKER]

    def transactions(self, scale, dialect):
        numbers = ("(SELECT seq AS n FROM seq_1_to_%d) s",
                   "generate_series(1, %d) n")[dialect] % int(1000000 * scale)
        yield ["INSERT INTO events SELECT n, n %% 97, CONCAT('name of ', n),"
               " n, TIMESTAMP '2024-03-01 10:00:00.125' FROM %s" % numbers]
        yield DONE


# --- nine tables after TPC-C, smaller; only the changes matter here

DISTRICTS = 10
CUSTOMERS = 300                     # in a district
ITEMS = 10000

WAREHOUSE = Table("warehouse", "w_id int, w_name varchar24, w_ytd decimal",
                  key="w_id", rows=2, values=["seq", "'warehouse'", "0"])
DISTRICT = Table(
    "district", "d_w_id int, d_id int, d_name varchar24, d_ytd decimal,"
    " d_next_o_id int", key="d_w_id, d_id", rows=2 * DISTRICTS, values=[
        "1 + (seq - 1) DIV 10", "1 + (seq - 1) % 10", "'district'", "0", "1"])
CUSTOMER = Table(
    "customer", "c_w_id int, c_d_id int, c_id int, c_last varchar24,"
    " c_credit char2, c_balance decimal, c_ytd_payment decimal,"
    " c_payment_cnt int, c_data varchar500", key="c_w_id, c_d_id, c_id",
    rows=2 * DISTRICTS * CUSTOMERS, values=[
        "1 + (seq - 1) DIV 3000", "1 + (seq - 1) DIV 300 % 10",
        "1 + (seq - 1) % 300", "CONCAT('name', seq)", "'GC'", "-10", "10",
        "1", "REPEAT(MD5(seq), 10)"])
HISTORY = Table(
    "history", "h_c_id int, h_c_d_id int, h_c_w_id int, h_date datetime,"
    " h_amount decimal, h_data varchar24", key="")
NEW_ORDERS = Table("new_orders", "no_w_id int, no_d_id int, no_o_id int",
                   key="no_w_id, no_d_id, no_o_id")
ORDERS = Table(
    "orders", "o_w_id int, o_d_id int, o_id int, o_c_id int,"
    " o_entry_d datetime, o_carrier_id int, o_ol_cnt int",
    key="o_w_id, o_d_id, o_id")
ORDER_LINE = Table(
    "order_line", "ol_w_id int, ol_d_id int, ol_o_id int, ol_number int,"
    " ol_i_id int, ol_delivery_d datetime, ol_quantity int,"
    " ol_amount decimal, ol_dist_info varchar24",
    key="ol_w_id, ol_d_id, ol_o_id, ol_number")
ITEM = Table("item", "i_id int, i_name varchar24, i_price decimal", key="i_id",
             rows=ITEMS, values=["seq", "CONCAT('item', seq)",
                                 "1 + seq % 100"])
STOCK = Table(
    "stock", "s_w_id int, s_i_id int, s_quantity int, s_dist varchar24,"
    " s_ytd int, s_order_cnt int", key="s_w_id, s_i_id", rows=2 * ITEMS,
    values=["1 + (seq - 1) DIV 10000", "1 + (seq - 1) % 10000", "50",
            "'somewhere'", "0", "0"])


class Tpcc:
    name = "tpcc"
    title = "TPC-C-like, nine tables"
    tables = [WAREHOUSE, DISTRICT, CUSTOMER, HISTORY, NEW_ORDERS, ORDERS,
              ORDER_LINE, ITEM, STOCK, MARKER]

    def transactions(self, scale, dialect):
        chance = random.Random(2)
        self.next_order = {}
        self.undelivered = {}
        for clock in range(int(20000 * scale)):
            district = (chance.randint(1, 2), chance.randint(1, DISTRICTS))
            dice = chance.random()
            if dice < 0.49:
                yield self.new_order(chance, clock, *district)
            elif dice < 0.96:
                yield self.payment(chance, clock, *district)
            else:
                yield from self.delivery(chance, clock, *district)
        yield DONE

    def new_order(self, chance, clock, w, d):
        order = self.next_order.get((w, d), 1)
        self.next_order[w, d] = order + 1
        lines = chance.randint(5, 15)
        self.undelivered.setdefault((w, d), []).append(order)
        here = (w, d, order)
        statements = [
            "UPDATE district SET d_next_o_id = d_next_o_id + 1"
            " WHERE d_w_id = %d AND d_id = %d" % (w, d),
            "INSERT INTO orders VALUES (%d, %d, %d, %d, %s, NULL, %d)" % (
                *here, chance.randint(1, CUSTOMERS), moment(clock), lines),
            "INSERT INTO new_orders VALUES (%d, %d, %d)" % here]
        for line, item in enumerate(chance.sample(range(1, ITEMS + 1), lines),
                                    1):
            statements += [
                "UPDATE stock SET s_quantity = s_quantity - 3,"
                " s_ytd = s_ytd + 3, s_order_cnt = s_order_cnt + 1"
                " WHERE s_w_id = %d AND s_i_id = %d" % (w, item),
                "INSERT INTO order_line VALUES (%d, %d, %d, %d, %d, NULL, 3,"
                " %d.5, 'dist info of a line')" % (*here, line, item, item)]
        return statements

    def payment(self, chance, clock, w, d):
        customer = (w, d, chance.randint(1, CUSTOMERS))
        amount = chance.randint(1, 5000)
        return [
            "UPDATE warehouse SET w_ytd = w_ytd + %d WHERE w_id = %d"
            % (amount, w),
            "UPDATE district SET d_ytd = d_ytd + %d WHERE d_w_id = %d AND"
            " d_id = %d" % (amount, w, d),
            "UPDATE customer SET c_balance = c_balance - %d,"
            " c_ytd_payment = c_ytd_payment + %d,"
            " c_payment_cnt = c_payment_cnt + 1 WHERE c_w_id = %d AND"
            " c_d_id = %d AND c_id = %d" % (amount, amount, *customer),
            "INSERT INTO history VALUES (%d, %d, %d, %s, %d, 'payment')"
            % (*reversed(customer), moment(clock), amount)]

    def delivery(self, chance, clock, w, d):
        waiting = self.undelivered.get((w, d))
        if not waiting:
            return
        here = (w, d, waiting.pop(0))
        yield [
            "DELETE FROM new_orders WHERE no_w_id = %d AND no_d_id = %d AND"
            " no_o_id = %d" % here,
            "UPDATE orders SET o_carrier_id = %d WHERE o_w_id = %d AND"
            " o_d_id = %d AND o_id = %d" % (chance.randint(1, 10), *here),
            "UPDATE order_line SET ol_delivery_d = %s WHERE ol_w_id = %d AND"
            " ol_d_id = %d AND ol_o_id = %d" % (moment(clock), *here),
            "UPDATE customer SET c_balance = c_balance + 100 WHERE c_w_id = %d"
            " AND c_d_id = %d AND c_id = %d"
            % (w, d, chance.randint(1, CUSTOMERS))]


def moment(clock):
    return "'2024-05-%02d %02d:%02d:%02d.%03d'" % (
        1 + clock // 86400 % 28, clock // 3600 % 24, clock // 60 % 60,
        clock % 60, clock % 1000)


WORKLOADS = {workload.name: workload for workload in (
    Events("transactions", "500,000 changes in 10,000 transactions", 50,
           10000),
    Events("single", "100,000 single-row transactions", 1, 100000),
    Large(), Tpcc())}
