"""Random transactions on two tables, and what they make of them."""

import itertools
import random

# keyed and without a key
COLUMNS = {"t": ("id", "v"), "n": ("x", "v")}


def workload(seed, ntransactions, truncates=True):
    """Transactions, each a list of (verb, table, row...); they begin with
    empty tables."""
    chance = random.Random(seed)
    rows = {"t": {}, "n": []}
    texts = ("%s '%d' \N{SNOWMAN}" % (word, number) for number, word in
             enumerate(itertools.cycle(["", "plain", "NULL", "x" * 20])))

    def change():
        table = chance.choice("tn")
        text = None if chance.random() < 0.1 else next(texts)
        verb = chance.choice(["insert", "insert", "update", "delete"])
        if table == "n":
            if verb == "insert" or not rows["n"]:
                rows["n"].append((chance.randrange(3), text))
                return ("insert", "n", *rows["n"][-1])
            old = rows["n"].pop(chance.randrange(len(rows["n"])))
            if verb == "delete":
                return ("delete", "n", *old)
            rows["n"].append((old[0], next(texts)))
            return ("update", "n", old, rows["n"][-1])
        free = [key for key in range(300) if key not in rows["t"]]
        if verb == "insert" or not rows["t"]:
            key = chance.choice(free)
            rows["t"][key] = text
            return ("insert", "t", key, text)
        key = chance.choice(list(rows["t"]))
        old = (key, rows["t"].pop(key))
        if verb == "delete":
            return ("delete", "t", *old)
        new = (chance.choice(free) if chance.random() < 0.3 else key,
               next(texts))
        rows["t"][new[0]] = new[1]
        return ("update", "t", old, new)

    for number in range(ntransactions):
        if truncates and number % 15 == 14:
            rows["t"].clear()
            yield [("truncate", "t")]
        else:
            yield [change() for _ in range(chance.randrange(1, 7))]


def final_rows(transactions):
    """The rows of each table after all of them, sorted."""
    rows = {"t": [], "n": []}
    for verb, table, *values in itertools.chain(*transactions):
        if verb == "truncate":
            rows[table] = []
            continue
        if verb in ("update", "delete"):
            rows[table].remove(values[0] if verb == "update"
                               else tuple(values))
        if verb in ("update", "insert"):
            rows[table].append(values[1] if verb == "update"
                               else tuple(values))
    return {table: sorted(some, key=sort_key)
            for table, some in rows.items()}


def sort_key(row):
    return [(value is not None, value) for value in row]


def value_text(value):
    """As sdb_value_to_text writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return "'%s'" % value.replace("'", "''")


def row_text(table, row):
    return " ".join("%s=%s" % (name, value_text(value))
                    for name, value in zip(COLUMNS[table], row))
