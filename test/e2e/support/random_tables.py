"""What a random test knows of the tables it made: enough to write statements
that the source mostly accepts, and to read the rows back."""

import copy
import re

from .random_types import FRESH, KIND_OF, constant, key_value, value

TABLE_NAMES = ["t%d" % n for n in range(6)] + ["tMixed", "t odd name", "t`q"]
COLUMN_NAMES = ["c%d" % n for n in range(12)] + ["Mixed", "a b", "select",
                                                 "ü", "q`t", 'd"q']


def name_sql(name):
    return "`%s`" % name.replace("`", "``")


class Column:
    """
    type         -- of support/types.py
    numbered     -- its values are made of numbers that are not used again
    expression   -- of a generated column; None if it is none
    """

    def __init__(self, name, type, not_null=False, numbered=False,
                 expression=None, default=None, charset=None, auto=False):
        self.name = name
        self.type = type
        self.not_null = not_null
        self.numbered = numbered and type.name in FRESH
        self.expression = expression
        self.default = default
        self.charset = charset
        self.auto = auto

    @property
    def kind(self):
        return KIND_OF[self.type.name]

    def has_unknown_default(self):
        """One that has no counterpart here, see the manual."""
        text = self.default or ""
        return self.may_be_no_day() and "-00" in text or \
            self.kind == "clock" and re.match(r"'(-|24|\d{3})", text) is not None

    def may_be_no_day(self):
        """Dates that name no day are lost here, see the manual."""
        return self.kind in ("date", "moment", "instant")

    def definition(self):
        """All that follows its name."""
        parts = [self.type.ddl.replace(" NULL", "")]
        if self.charset is not None and self.kind == "text":
            parts.append("CHARACTER SET " + self.charset)
        if self.expression is not None:
            return " ".join(parts + ["AS (%s) STORED" % self.expression])
        if self.not_null:
            parts.append("NOT NULL")
        elif self.kind == "instant":
            parts.append("NULL")
        if self.default is not None:
            parts.append("DEFAULT " + self.default)
        if self.auto:
            parts.append("AUTO_INCREMENT")
        return " ".join(parts)

    def clause(self):
        return "%s %s" % (name_sql(self.name), self.definition())


class Table:
    """
    is_fixed   -- keeps its name and stays
    partial    -- rows may differ from the source's, as documented
    """

    def __init__(self, name, columns, key, is_fixed=False):
        self.name = name
        self.columns = columns
        self.key = key              # names of columns
        self.is_fixed = is_fixed
        self.partial = False

    @property
    def sql(self):
        return name_sql(self.name)

    def copy(self):
        return copy.deepcopy(self, {id(column.type): column.type
                                    for column in self.columns})

    def column(self, name):
        return next(column for column in self.columns if column.name == name)

    def plain(self):
        """Columns that take values."""
        return [column for column in self.columns
                if column.expression is None]

    def others(self):
        """Columns that are not of the key."""
        return [column for column in self.columns
                if column.name not in self.key]

    def numbered(self):
        return [column for column in self.columns if column.numbered]

    def free_name(self, chance):
        taken = {column.name for column in self.columns}
        return chance.choice([name for name in COLUMN_NAMES
                              if name not in taken])

    def create_sql(self, suffix=""):
        parts = [column.clause() for column in self.columns]
        if self.key:
            parts.append("PRIMARY KEY (%s)" % ", ".join(map(name_sql,
                                                            self.key)))
        return "CREATE TABLE %s (%s)%s" % (self.sql, ", ".join(parts), suffix)


def new_column(name, types, chance):
    column = Column(name, types.any(chance), not_null=chance.random() < 0.25)
    # MariaDB would put texts there that are no JSON, and that it then refuses
    column.not_null = column.not_null and column.kind != "document"
    if column.kind == "text" and chance.random() < 0.3:
        column.charset = chance.choice(["latin1", "utf8mb3", "utf16",
                                        "latin2"])
    if chance.random() < 0.4:
        column.default = constant(column.type, chance)
    return column


def new_table(name, types, chance, is_fixed=False):
    """With a key of one or two columns, or none."""
    names = list(COLUMN_NAMES)
    chance.shuffle(names)
    nkeys = chance.choice([0, 1, 1, 1, 1, 2])
    columns = [Column(names.pop(), types.fresh(chance), not_null=True,
                      numbered=True) for _ in range(nkeys)]
    if nkeys == 1 and columns[0].type.name in ("normal", "normal_u", "big_u") \
            and chance.random() < 0.5:
        columns[0].auto = True
    if chance.random() < 0.5:
        columns.append(Column(names.pop(), types.fresh(chance), not_null=True,
                              numbered=True))
    columns += [new_column(names.pop(), types, chance)
                for _ in range(chance.randrange(1, 6))]
    key = [column.name for column in columns[:nkeys]]
    if chance.random() < 0.3:
        columns.append(Column(names.pop(), types.all["normal"],
                              expression=expression(columns, chance)))
    chance.shuffle(columns)
    columns.sort(key=lambda column: column.expression is not None)
    return Table(name, columns, key, is_fixed)


def expression(columns, chance):
    """For a generated column."""
    return chance.choice(["CHAR_LENGTH(%s)", "%s IS NULL", "CRC32(%s) %% 9"]) \
        % name_sql(chance.choice([column for column in columns
                                 if not column.auto]).name)


def column_value(column, chance, number):
    """A literal for the column in a new row with this number."""
    if column.auto and chance.random() < 0.5:
        return "DEFAULT"
    if column.numbered:
        return key_value(column.type, number)
    if chance.random() < 0.1:
        return "DEFAULT"
    return value(column.type, chance)
