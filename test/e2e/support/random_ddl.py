"""Random statements that change tables: each kind gives a statement and what
it makes of the tables of random_tables.py, if the source runs it."""

from .random_tables import (TABLE_NAMES, Column, Table, expression, name_sql,
                            new_column, new_table)
from .random_types import CHARSETS, FRESH, KIND_OF, constant

STRICT = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION"
LAX = ""


# Clauses of ALTER TABLE: they change the copy of the table that will be, and
# give the clause; None where there is nothing to do.  `old` are the columns
# that no other clause has touched.

def add(random, table, old):
    name = table.free_name(random.chance)
    column = new_column(name, random.types, random.chance)
    table.columns.append(column)
    table.partial |= column.has_unknown_default()
    return "ADD COLUMN %s%s" % (column.clause(), place(random, old))


def add_numbered(random, table, old):
    """All rows get the same value, so it is no key before it is filled."""
    column = Column(table.free_name(random.chance),
                    random.types.fresh(random.chance), numbered=True)
    table.columns.append(column)
    return "ADD %s%s" % (column.clause(), place(random, old))


def add_generated(random, table, old):
    if not old:
        return None
    column = Column(table.free_name(random.chance), random.types.all["normal"],
                    expression=expression(old, random.chance))
    table.columns.append(column)
    table.partial = True
    return "ADD %s" % column.clause()


def add_key_column(random, table, old):
    """Rows are numbered by the source."""
    if table.key:
        return None
    column = Column(table.free_name(random.chance), random.types.all["normal"],
                    not_null=True, numbered=True, auto=True)
    table.columns.append(column)
    table.key = [column.name]
    table.partial = True
    return "ADD %s PRIMARY KEY" % column.clause()


def drop(random, table, old):
    droppable = [column for column in old if table.key in
                 ([], [column.name]) or column.name not in table.key]
    if len(table.columns) < 3 or not droppable:
        return None
    column = random.chance.choice(droppable)
    old.remove(column)
    table.columns.remove(column)
    if column.name in table.key:
        table.key = []
    return "DROP COLUMN %s" % name_sql(column.name)


def modify(random, table, old, name=None):
    """Another type, mostly one near to what it was."""
    plain = [column for column in old if column.expression is None]
    if not plain:
        return None
    column = random.chance.choice(plain)
    old.remove(column)
    type, otherwise = random.types.conversion(column.type, random.chance)
    if column.name in table.key and type.name not in FRESH and \
            KIND_OF[type.name] in ("date", "moment", "instant"):
        return None             # dates that name no day are one and the same
    # what is generated from a column is generated again
    table.partial |= otherwise or any(other.expression is not None
                                      for other in table.columns)
    before = name_sql(column.name)
    rename(table, column, name or column.name)
    redefine(random, column, type)
    return "%s%s%s" % ("MODIFY " if name is None else "CHANGE %s " % before,
                       column.clause(), place(random, old))


def redefine(random, column, type):
    if column.kind in ("label", "set") and column.charset in (None, "utf16"):
        column.charset = "utf8mb4"  # MySQL garbles them as text in UTF-16
    column.auto = column.auto and type.name in ("normal", "normal_u", "big_u")
    column.__init__(column.name, type, column.not_null, column.numbered,
                    default=constant(type, random.chance) if column.default
                    else None, charset=column.charset, auto=column.auto)


def change(random, table, old):
    return modify(random, table, old, table.free_name(random.chance))


def rename(table, column, name):
    table.key = [name if part == column.name else part for part in table.key]
    column.name = name


def rename_column(random, table, old):
    if not old:
        return None
    column = random.chance.choice(old)
    old.remove(column)
    before = name_sql(column.name)
    rename(table, column, table.free_name(random.chance))
    return "RENAME COLUMN %s TO %s" % (before, name_sql(column.name))


def swap_names(random, table, old):
    """Two columns take each other's name."""
    if len(old) < 2:
        return None
    one, other = random.chance.sample(old, 2)
    old.remove(one)
    old.remove(other)
    names = one.name, other.name
    table.key = [dict(zip(names, reversed(names))).get(part, part)
                 for part in table.key]
    one.name, other.name = reversed(names)
    return "RENAME COLUMN {0} TO {1}, RENAME COLUMN {1} TO {0}".format(
        *map(name_sql, names))


def nullness(random, table, old):
    """NOT NULL comes or goes."""
    plain = [column for column in old if column.expression is None and
             column.name not in table.key and column.kind != "document"]
    if not plain:
        return None
    column = random.chance.choice(plain)
    old.remove(column)
    column.not_null = not column.not_null
    if column.not_null:     # the source puts something there
        table.partial |= column.kind == "instant" or \
            column.default is not None or any(
                other.expression is not None for other in table.columns)
    else:
        table.partial |= column.may_be_no_day()
    return "MODIFY %s%s" % (column.clause(), place(random, old))


def set_default(random, table, old):
    plain = [column for column in old if column.expression is None and
             not column.auto]
    if not plain:
        return None
    column = random.chance.choice(plain)
    old.remove(column)
    column.default = constant(column.type, random.chance)
    return "ALTER %s %s" % (
        name_sql(column.name), "DROP DEFAULT" if column.default is None
        else "SET DEFAULT " + column.default)


def change_key(random, table, old):
    """The key goes, comes, or is of other columns."""
    candidates = [column for column in old if column.numbered]
    parts = random.chance.sample(candidates, min(
        len(candidates), random.chance.choice([0, 1, 1, 2])))
    clauses = ["DROP PRIMARY KEY"] if table.key else []
    table.key = [column.name for column in parts]
    for column in parts:
        column.not_null = True
    if parts:
        clauses.append("ADD PRIMARY KEY (%s)"
                       % ", ".join(map(name_sql, table.key)))
    old[:] = [column for column in old if column not in parts]
    return ", ".join(clauses) or None


def add_index(random, table, old):
    if not old:
        return None
    column = random.chance.choice(old)
    name = name_sql(column.name)
    if column.numbered and random.chance.random() < 0.5:
        return "ADD UNIQUE (%s)" % name
    if column.kind in ("text", "bytes"):
        name += "(7)"
    return "ADD INDEX i%d (%s)" % (random.numbers(1)[0], name)


def comment(random, table, old):
    return "COMMENT 'it''s number %d'" % random.numbers(1)[0]


CLAUSES = {add: 6, add_numbered: 1, add_generated: 1, add_key_column: 1,
           drop: 4, modify: 7, change: 3, rename_column: 3, swap_names: 1,
           nullness: 2, set_default: 1, change_key: 2, add_index: 2,
           comment: 1}

# These tell the same of old rows whether values that do not fit are refused.
LAX_CLAUSES = (rename_column, swap_names, nullness, comment)


def place(random, old):
    where = random.chance.choice(["", "", "", " FIRST", " AFTER"])
    if where != " AFTER":
        return where
    return where + " " + name_sql(random.chance.choice(old).name) if old \
        else ""


# Statements: (sql, what it does to the tables, sql_mode)

def alter(random):
    before = random.table()
    table = before.copy()
    old = list(table.columns)
    kinds = random.chance.choices(list(CLAUSES), list(CLAUSES.values()),
                                  k=random.chance.choice([1, 1, 1, 2, 3]))
    if len(kinds) > 1:          # at most one clause about the key
        kinds = [kind for kind in kinds if kind not in
                 (change_key, add_key_column)] or [add]
    clauses = [kind(random, table, old) for kind in kinds]
    clauses = [clause for clause in clauses if clause is not None]
    is_lax = all(kind in LAX_CLAUSES for kind in kinds) and \
        random.chance.random() < 0.5

    def effect():
        # what is generated anew may be copied
        if any(column.expression is not None for column in before.columns):
            random.put_copied(table)
        else:
            random.put(table)
    return ("ALTER TABLE %s %s" % (before.sql, ", ".join(clauses)), effect,
            LAX if is_lax else STRICT)


def convert(random):
    """Of the text that is there, to another character set."""
    table = random.table().copy()
    charset = random.chance.choice(CHARSETS)
    if any(column.kind in ("label", "set") for column in table.columns):
        charset = charset.replace("utf16", "utf8mb4")   # see redefine
    for column in table.columns:
        if column.charset is not None:
            column.charset = charset
    return ("ALTER TABLE %s CONVERT TO CHARACTER SET %s"
            % (table.sql, charset), lambda: random.put(table), STRICT)


def create(random, verb="CREATE TABLE"):
    table = new_table(random.free_name(), random.types, random.chance)
    suffix = ""
    if table.key and random.chance.random() < 0.3:
        suffix = " PARTITION BY KEY () PARTITIONS 3"
    elif random.chance.random() < 0.2:
        suffix = " DEFAULT CHARACTER SET latin1"
    return table.create_sql(suffix), lambda: random.put(table), LAX


def create_like(random):
    other = random.table()
    table = other.copy()
    table.name = random.free_name()
    table.partial = random.copying
    table.is_fixed = False
    return ("CREATE TABLE %s LIKE %s" % (table.sql, other.sql),
            lambda: random.put_copied(table), LAX)


def create_select(random):
    other = random.table()
    table = Table(random.free_name(), [], [])
    # what a query gives has no longer the check that makes JSON of a text
    columns = [column for column in other.columns if column.kind != "document"]
    for column in columns:
        table.columns.append(Column(column.name, column.type, column.not_null,
                                    column.numbered, charset=column.charset))
    return ("CREATE TABLE %s AS SELECT %s FROM %s LIMIT 50"
            % (table.sql, ", ".join(name_sql(column.name)
                                    for column in columns), other.sql),
            lambda: random.put_copied(table), LAX)


def replace_table(random):
    """CREATE OR REPLACE, which MySQL refuses."""
    other = random.table()
    table = new_table(other.name, random.types, random.chance, other.is_fixed)
    return (table.create_sql().replace("CREATE", "CREATE OR REPLACE", 1),
            lambda: random.put(table), LAX)


def drop_table(random):
    count = random.chance.choice([1, 1, 2])
    tables = random.movable()[:count]

    def effect():
        for table in tables:
            random.remove(table)
    return ("DROP TABLE %s" % ", ".join(table.sql for table in tables),
            effect, LAX)


def rename_table(random):
    table = random.movable()[0]
    name = random.free_name()
    sql = random.chance.choice(["RENAME TABLE %s TO %s",
                                "ALTER TABLE %s RENAME TO %s"])
    return (sql % (table.sql, name_sql(name)),
            lambda: random.rename({table.name: name}), LAX)


def rotate_tables(random):
    """Two or three take each other's names in one statement."""
    tables = random.movable()[:random.chance.choice([2, 2, 3])]
    names = [table.name for table in tables]
    targets = names[1:] + names[:1]
    passing = name_sql("t_passing")
    renames = ["%s TO %s" % (name_sql(names[-1]), passing)]
    renames += ["%s TO %s" % (name_sql(name), name_sql(target))
                for name, target in reversed(list(zip(names[:-1], targets)))]
    renames.append("%s TO %s" % (passing, name_sql(targets[-1])))
    return ("RENAME TABLE " + ", ".join(renames),
            lambda: random.rename(dict(zip(names, targets))), LAX)


def truncate(random):
    return "TRUNCATE TABLE %s" % random.table().sql, None, LAX


def partition(random):
    """How rows are spread is the source's own affair."""
    table = random.table()
    return ("ALTER TABLE %s %s" % (table.sql, random.chance.choice(
        ["PARTITION BY KEY () PARTITIONS 2", "REMOVE PARTITIONING"])),
        None, LAX)


def truncate_partition(random):
    table = random.table()
    return ("ALTER TABLE %s TRUNCATE PARTITION p0" % table.sql,
            lambda: random.put_copied(table), LAX)


def rebuild(random):
    return "ALTER TABLE %s FORCE" % random.table().sql, None, LAX


STATEMENTS = {alter: 24, convert: 1, create: 2, create_like: 1,
              create_select: 1, replace_table: 1, drop_table: 1,
              rename_table: 2, rotate_tables: 2, truncate: 2, partition: 1,
              truncate_partition: 1, rebuild: 1}

# Not while a table is copied beside the stream, see the manual
MOVES = (replace_table, drop_table, rename_table, rotate_tables)


def statement(random, calm):
    kinds = dict(STATEMENTS)
    if calm or random.copying or random.copied_apart or \
            len(random.movable()) < 3:
        kinds = {kind: weight for kind, weight in kinds.items()
                 if kind not in MOVES}
    if len(random.tables) >= len(TABLE_NAMES) - 2:
        kinds = {kind: weight for kind, weight in kinds.items()
                 if kind not in (create, create_like, create_select)}
    kind = random.chance.choices(list(kinds), list(kinds.values()))[0]
    return kind(random)
