"""ALTER TABLE, and what change data capture makes of it."""

from dataclasses import replace

from .cdc_instance import change_type
from .cdc_log import lsn_bytes
from .complain import unknown
from .model_table import Column
from .result import SqlError
from .sql_convert import converter
from .sql_rows import RowMaker, null_refused


def alter(session, table, node):
    run = ACTIONS.get(node.action)
    if run is None:
        raise unknown("statement", "ALTER TABLE " + node.action)
    run(session, table, node)


class Shape:
    """Keeps what a table was, for a rollback."""

    def __init__(self, session, table):
        self.table = table
        self.columns = table.columns
        self.types = [(column, column.type, column.default, column.user_type)
                      for column in table.columns]
        self.constraints = list(table.constraints)
        self.rows = dict(table.rows)
        session.current.undo.append(self.restore)

    def restore(self):
        table = self.table
        for column, type, default, user_type in self.types:
            column.type, column.default = type, default
            column.user_type = user_type
        table.constraints[:] = self.constraints
        table.rows = self.rows
        table.set_columns(self.columns)
        for index in table.indexes:
            if index.unique:
                table.fill_unique(index)


def rewrite(session, table, columns, change):
    """Gives every row its new shape."""
    if table.dirty and any(owner is not session.current for owner, _
                           in table.dirty.values()):
        raise AssertionError("a table is altered under another transaction")
    rows = {rid: change(row) for rid, row in table.rows.items()}
    table.rows = rows
    if session.engine.snapshots:
        table.history.clear()
    table.set_columns(columns)
    for index in table.indexes:
        if index.unique:
            table.fill_unique(index)


def captured(session, table, node, column=None):
    """Tells the capture job of a definition that changed."""
    if not table.captures:
        return
    now = session.engine.now()
    text = node.text
    instances = table.captures
    new_type = column.type if column is not None else None

    def event(start_lsn, change):
        for instance in instances:
            if instance.dropped:
                continue
            altered = column is not None and alter_capture(instance, column,
                                                           new_type)
            instance.database.cdc.history.append((
                table.object_id, instance.change_table.object_id,
                instance, altered, text, lsn_bytes(change.seqval), now))
        return True
    session.current.log(table.database).event(event)


def alter_capture(instance, column, type):
    """Gives the change table's column the type that the source's has."""
    for one in instance.columns:
        if one.source is not column or one.computed:
            continue
        table = instance.change_table
        target = table.column(one.name)
        wanted = change_type(type)
        if target.type == wanted:
            return False
        step = converter(target.type, wanted)
        place = target.place
        target.type = wanted
        one.type_name = type.name
        if step is not None:
            table.rows = {rid: row[:place] + (step(row[place]),)
                          + row[place + 1:]
                          for rid, row in table.rows.items()}
        instance.projections.clear()
        return True
    return False


# ---- ADD --------------------------------------------------------------------

def add(session, table, node):
    from .sql_define import TableBuilder
    Shape(session, table)
    builder = TableBuilder(session, table)
    if node.columns:
        add_columns(session, table, node, builder)
    for constraint in node.constraints:
        builder.constraint(constraint)
    for definition in node.columns:
        for constraint in definition.constraints:
            builder.constraint(constraint)
    captured(session, table, node)


def add_columns(session, table, node, builder):
    kept = table.rows
    known = len(table.columns)
    builder.add_columns(node.columns)
    added = table.columns[known:]
    maker = RowMaker(session, table)
    fills = []
    for definition, column in zip(node.columns, added):
        fill = maker.default(column)
        filled = (not column.type.nullable
                  or getattr(definition, "with_values", False))
        if not filled:
            fills.append(lambda values: None)
            continue
        if column.default is None and column.identity is None \
                and column.type.name != "rowversion" and kept \
                and column.computed is None:
            raise SqlError(4901, "ALTER TABLE only allows columns to be added "
                           "that can contain nulls, or have a DEFAULT "
                           "definition specified, or the column being added "
                           "is an identity or timestamp column, or "
                           "alternatively if none of the previous conditions "
                           "are satisfied the table must be empty to allow "
                           "addition of this column. Column '%s' cannot be "
                           "added to non-empty table '%s' because it does not "
                           "satisfy these conditions." % (column.name,
                                                          table.name))
        fills.append(fill)
    complete = maker.completion()
    rewrite(session, table, table.columns, lambda row: complete(
        list(row) + [fill(()) for fill in fills]))


# ---- DROP -------------------------------------------------------------------

def drop(session, table, node):
    Shape(session, table)
    for kind, name, if_exists in node.dropped:
        if kind == "COLUMN":
            drop_column(session, table, name, if_exists)
        else:
            drop_constraint(session, table, name, if_exists)
    captured(session, table, node)


def drop_column(session, table, name, if_exists):
    column = table.column(name)
    if column is None:
        if if_exists:
            return
        raise SqlError(4924, "ALTER TABLE DROP COLUMN failed because column "
                       "'%s' does not exist in table '%s'."
                       % (name, table.name))
    users = [constraint.name for constraint in table.constraints
             if any(column is one for one in constraint.columns)]
    users += [index.name for index in table.indexes if column in index]
    if users:
        raise SqlError(5074, "The object '%s' is dependent on column '%s'."
                       % (users[0], column.name))
    check_capture_key(table, column)
    place = column.place
    columns = [one for one in table.columns if one is not column]
    rewrite(session, table, columns,
            lambda row: row[:place] + row[place + 1:])


def check_capture_key(table, column):
    for instance in table.captures:
        if any(one.source is column for one in instance.index_columns):
            raise SqlError(4928, "Cannot alter column '%s' because it is "
                           "'REPLICATED'." % column.name)


def drop_constraint(session, table, name, if_exists):
    for constraint in table.constraints:
        if constraint.name.lower() == name.lower():
            break
    else:
        if if_exists:
            return
        raise SqlError(3728, "'%s' is not a constraint." % name)
    if constraint.kind == "PK" and table.captures and any(
            instance.index_columns and instance.index_name is None
            or instance.index_name == constraint.name
            for instance in table.captures):
        raise SqlError(22964, "Cannot drop the primary key constraint '%s' "
                       "on table '%s' because it is used by Change Data "
                       "Capture." % (constraint.name, table.qualified()))
    table.constraints.remove(constraint)
    if constraint.kind == "D":
        for column in constraint.columns:
            column.default = None
    if constraint.index is not None:
        index = constraint.index
        table.indexes.remove(index)
        session.current.undo.append(lambda: table.indexes.append(index))


# ---- ALTER COLUMN -----------------------------------------------------------

def alter_column(session, table, node):
    from .sql_define import TableBuilder
    definition = node.columns[0]
    column = table.column(definition.name)
    if column is None:
        raise SqlError(4924, "ALTER TABLE ALTER COLUMN failed because column "
                       "'%s' does not exist in table '%s'."
                       % (definition.name, table.name))
    if column.computed is not None or column.type.name == "rowversion":
        raise SqlError(4928, "Cannot alter column '%s' because it is '%s'."
                       % (column.name, "COMPUTED" if column.computed
                          else "timestamp"))
    Shape(session, table)
    probe = Column(column.name, None, 0)
    TableBuilder(session, table).set_type(probe, definition)
    wanted = replace(probe.type, identity=column.type.identity)
    key = table.primary_key
    if definition.nullable is None and key is not None and column in key:
        wanted = replace(wanted, nullable=False)
    step = converter(column.type, wanted, None, True)
    place = column.place

    def change(row):
        value = row[place]
        if value is None and not wanted.nullable:
            raise null_refused(table, column, "UPDATE")
        if step is None:
            return row
        return row[:place] + (step(value),) + row[place + 1:]
    column.type = wanted
    column.user_type = probe.user_type
    rewrite(session, table, list(table.columns), change)
    captured(session, table, node, column)


def switch(session, table, node):
    """Moves all rows to an empty table of the same shape; CDC sees none."""
    target = session.names.table(node.dropped[0][1])
    session.lock_table(target, "SCH-M")
    if target.rows:
        raise SqlError(4905, "ALTER TABLE SWITCH statement failed. The target "
                       "table '%s' must be empty." % target.name)
    if any(not instance.partition_switch for instance
           in table.captures + target.captures):
        raise SqlError(22997, "ALTER TABLE SWITCH statement failed because "
                       "the table '%s' is enabled for Change Data Capture "
                       "with @allow_partition_switch set to 0." % table.name)
    for rid, row in list(table.rows.items()):
        table.delete(session.current, rid)
        target.insert(session.current, row)


ACTIONS = {"ADD": add, "DROP": drop, "ALTER COLUMN": alter_column,
           "SWITCH": switch}
