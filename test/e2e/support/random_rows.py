"""Random statements that change rows: each kind gives statements for a table
of random_tables.py."""

from .random_tables import column_value, name_sql
from .random_types import key_value, value


def names(columns):
    return ", ".join(name_sql(column.name) for column in columns)


def rows_sql(random, columns, numbers):
    return ", ".join("(%s)" % ", ".join(
        column_value(column, random.chance, number) for column in columns)
        for number in numbers)


def insert(random, table, verb="INSERT", count=None, tail=""):
    columns = table.plain()
    if random.chance.random() < 0.3:
        columns = [column for column in columns
                   if column.numbered or random.chance.random() < 0.7]
    numbers = random.numbers(count or random.chance.choice([1, 1, 2, 3, 7]))
    return ["%s INTO %s (%s) VALUES %s%s" % (
        verb, table.sql, names(columns), rows_sql(random, columns, numbers),
        tail)]


def insert_many(random, table):
    return insert(random, table,
                  count=random.chance.choice([30, 30, 100, 300, 1500]))


def used(random):
    """Numbers of rows that may be there, and one that is not."""
    return [random.chance.randrange(1, random.last + 2)
            for _ in range(random.chance.choice([1, 2, 5]))] \
        + random.numbers(1)


def upsert(random, table):
    columns = table.plain()
    changed = random.chance.choice(columns)
    return ["INSERT INTO %s (%s) VALUES %s ON DUPLICATE KEY UPDATE %s = %s" % (
        table.sql, names(columns), rows_sql(random, columns, used(random)),
        name_sql(changed.name), new_value(random, changed))]


def replace(random, table):
    columns = table.plain()
    return ["REPLACE INTO %s (%s) VALUES %s" % (
        table.sql, names(columns), rows_sql(random, columns, used(random)))]


def insert_ignore(random, table):
    columns = table.plain()
    return ["INSERT IGNORE INTO %s (%s) VALUES %s" % (
        table.sql, names(columns), rows_sql(random, columns, used(random)))]


def copy_rows(random, table):
    """From the table into itself, keys made anew."""
    columns = table.plain()
    if any(column.numbered for column in columns):
        return insert(random, table)
    return ["INSERT INTO %s (%s) SELECT %s FROM %s LIMIT 20" % (
        table.sql, names(columns), names(columns), table.sql)]


def new_value(random, column):
    if column.numbered:
        return key_value(column.type, random.numbers(1)[0])
    return value(column.type, random.chance)


def some(random, table, most=20):
    """WHERE, ORDER BY and LIMIT"""
    chance = random.chance
    column = chance.choice(table.columns)
    name = name_sql(column.name)
    where = chance.choice(["", "", " WHERE CRC32(%s) %% 5 = %d"
                           % (name, chance.randrange(5)),
                           " WHERE %s IS NULL" % name,
                           " WHERE %s = %s" % (name, new_value(random,
                                                               column))])
    order = chance.choice(["", " ORDER BY " + name,
                           " ORDER BY %s DESC" % name])
    return "%s%s LIMIT %d" % (where, order, chance.choice([1, 2, 5, most]))


def update(random, table):
    changed = [column for column in table.plain() if not column.numbered]
    if not changed:
        return renumber(random, table)
    random.chance.shuffle(changed)
    changed = changed[:random.chance.randrange(1, 4)]
    return ["UPDATE %s SET %s%s" % (table.sql, ", ".join(
        "%s = %s" % (name_sql(column.name), new_value(random, column))
        for column in changed), some(random, table, 500))]


def renumber(random, table):
    """One row gets another key."""
    columns = table.numbered()
    if not columns:
        return update(random, table) if table.plain() else []
    column = random.chance.choice(columns)
    return ["UPDATE %s SET %s = %s LIMIT 1" % (
        table.sql, name_sql(column.name), new_value(random, column))]


def shift(random, table):
    """Every key moves to the next one, which may be in use."""
    columns = [column for column in table.numbered()
               if column.kind == "number"]
    if not columns:
        return renumber(random, table)
    name = name_sql(random.chance.choice(columns).name)
    random.numbers(1)
    return ["UPDATE %s SET %s = %s + 1 ORDER BY %s DESC"
            % (table.sql, name, name, name)]


def swap(random, table):
    """Two keys change places."""
    columns = table.numbered()
    if not columns:
        return update(random, table)
    column = random.chance.choice(columns)
    name, passing = name_sql(column.name), new_value(random, column)
    change = "UPDATE %s SET %s = %%s WHERE %s = %%s" % (table.sql, name, name)
    return ["SELECT MIN(%s), MAX(%s) INTO @low, @high FROM %s"
            % (name, name, table.sql),
            change % (passing, "@low"), change % ("@low", "@high"),
            change % ("@high", passing)]


def delete(random, table):
    return ["DELETE FROM %s%s" % (table.sql, some(random, table))]


def delete_most(random, table):
    return ["DELETE FROM %s LIMIT 400" % table.sql]


KINDS = {insert: 8, insert_many: 1, copy_rows: 1, upsert: 2, replace: 2,
         insert_ignore: 1, update: 10, renumber: 2, shift: 1, swap: 2,
         delete: 5, delete_most: 1}


def statements(random, table):
    kind = random.chance.choices(list(KINDS), list(KINDS.values()))[0]
    return kind(random, table)
