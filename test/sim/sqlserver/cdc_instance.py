"""Capture instances: their change tables, and the rows that go there."""

from dataclasses import dataclass, field, replace
from typing import Any

from .cdc_log import AFTER, BEFORE, DELETE, INSERT, lsn_bytes
from .model_index import Index
from .model_table import Column, Table
from .sql_types import INT, LSN
from .types import MAX, Type

OLD_LARGE = ("text", "ntext", "image")
MASK = Type("varbinary", 128)
NOT_NULL_LSN = replace(LSN, nullable=False)


@dataclass(eq=False)
class CapturedColumn:
    source: Any                 # the Column of the source table
    name: str
    column_id: int
    type_name: str
    ordinal: int                # from 1
    computed: bool


@dataclass(eq=False)
class CaptureInstance:
    name: str
    table: Table
    columns: list
    create_date: Any
    role: Any = None
    supports_net: bool = False
    index_name: Any = None
    index_columns: list = field(default_factory=list)   # CapturedColumns
    filegroup: Any = None
    partition_switch: bool = True
    start_lsn: Any = None       # bytes once the capture job has seen it
    change_table: Any = None
    dropped: bool = False
    projections: dict = field(default_factory=dict)

    @property
    def database(self):
        return self.table.database

    def ordinal(self, name):
        for column in self.columns:
            if column.name.lower() == name.lower():
                return column.ordinal
        return None

    def may_read(self, access):
        """Whether a user has the gating role and may select the columns."""
        if access.is_owner:
            return True
        if self.role is not None and not access.is_member(self.role):
            return False
        return access.may("SELECT", self.table)

    def readable(self, session):
        access = session.access(self.database)
        return access.user is not None and self.may_read(access)

    # the change table

    def make_change_table(self, schema, now, command_id):
        database = self.database
        table = Table(database, schema, self.name + "_CT",
                      database.new_object_id(), now)
        table.shipped = True
        columns = [("__$start_lsn", NOT_NULL_LSN), ("__$end_lsn", LSN),
                   ("__$seqval", NOT_NULL_LSN),
                   ("__$operation", replace(INT, nullable=False)),
                   ("__$update_mask", MASK)]
        columns += [(column.name, change_type(column.source.type))
                    for column in self.columns]
        if command_id:
            columns.append(("__$command_id", INT))
        table.set_columns([Column(name, type, number) for number,
                           (name, type) in enumerate(columns, 1)])
        table.max_column_id = len(columns)
        keys = ["__$start_lsn", "__$seqval", "__$operation"]
        if command_id:
            keys.insert(1, "__$command_id")
        table.add_index(Index(self.name + "_CT_clustered_idx",
                              [table.column(name) for name in keys],
                              clustered=True))
        self.change_table = table
        self.has_command = command_id
        return table

    def projection(self, shape):
        """How rows of a shape become captured columns."""
        found = self.projections.get(id(shape))
        if found is None or found.shape is not shape:
            found = Projection(self, shape)
            self.projections[id(shape)] = found
        return found

    def rows(self, change, start_lsn):
        """The change table's rows of one logged change."""
        project = self.projection(change.shape)
        seqval = lsn_bytes(change.seqval)
        command = (change.command,) if self.has_command else ()
        if change.operation == INSERT:
            return [(start_lsn, None, seqval, INSERT, project.all_bits)
                    + project.new(change.after) + command]
        if change.operation == DELETE:
            return [(start_lsn, None, seqval, DELETE, project.all_bits)
                    + project.deleted(change.before) + command]
        before, after = change.before, change.after
        mask = project.mask(before, after)
        return [(start_lsn, None, seqval, BEFORE, mask)
                + project.before(before, after) + command,
                (start_lsn, None, seqval, AFTER, mask)
                + project.new(after) + command]


def change_type(type):
    """The type of a column in a change table."""
    if type.name == "rowversion":
        return Type("binary", 8)
    return replace(type, nullable=True, identity=False, computed=False)


class Projection:
    """From the rows of a table's shape to the columns of an instance."""

    def __init__(self, instance, shape):
        self.shape = shape              # kept alive: its id is a key
        places = {id(column): place for place, column in enumerate(shape)}
        self.places = []
        self.large, self.old_large = [], []
        for number, column in enumerate(instance.columns):
            place = places.get(id(column.source))
            if column.computed:
                place = None
            self.places.append(place)
            if place is None:
                continue
            type = column.source.type
            if type.name in OLD_LARGE:
                self.old_large.append(number)
            elif type.length == MAX or type.name == "xml":
                self.large.append(number)
        self.size = (len(self.places) + 7) // 8
        self.all_bits = ((1 << len(self.places)) - 1).to_bytes(self.size,
                                                               "big")
        self.bits = [(1 << number, place)
                     for number, place in enumerate(self.places)
                     if place is not None]
        self.new = self.getter()

    def getter(self):
        places = self.places
        if places == list(range(len(self.shape))):
            return lambda row: row
        return lambda row: tuple([None if place is None else row[place]
                                  for place in places])

    def deleted(self, row):
        return self.blanked(self.new(row), self.old_large)

    def before(self, row, after):
        """Large values are absent unless the update changed them."""
        unchanged = [number for number in self.large
                     if row[self.places[number]] == after[self.places[number]]]
        return self.blanked(self.new(row), self.old_large + unchanged)

    @staticmethod
    def blanked(row, numbers):
        if not numbers:
            return row
        row = list(row)
        for number in numbers:
            row[number] = None
        return tuple(row)

    def mask(self, before, after):
        bits = 0
        for bit, place in self.bits:
            if before[place] != after[place]:
                bits |= bit
        return bits.to_bytes(self.size, "big")
