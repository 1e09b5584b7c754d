"""Change data capture of one database: its schema, instances, clean-up."""

from bisect import bisect_left, bisect_right
from dataclasses import replace

from .cdc_log import lsn_bytes
from .model_database import Schema
from .model_index import Index
from .model_table import Column, Table
from .model_transaction import Transaction
from .sql_convert import converter
from .sql_types import DATETIME, DATETIME2, HIGH, LSN
from .types import Type

RETENTION, THRESHOLD = 4320, 5000
IDLE = b"\0"                    # tran_id of an entry without changes
TO_DATETIME = converter(DATETIME2, DATETIME)


class SystemSession:
    """Who owns the transactions of the capture job."""
    spid = 0
    deadlock_priority = 10


class ChangeCapture:
    def __init__(self, database, now):
        self.database = database
        self.instances = []
        self.history = []           # rows of cdc.ddl_history
        self.errors = []
        self.scans = 0              # sys.dm_cdc_log_scan_sessions
        self.last_scan = None
        self.pollinginterval, self.maxtrans, self.maxscans = 5, 500, 10
        self.retention, self.threshold = RETENTION, THRESHOLD
        self.schema = Schema("cdc", database.new_schema_id(), "cdc")
        self.mapping = self.make_mapping(now)

    def make_mapping(self, now):
        database = self.database
        table = Table(database, self.schema, "lsn_time_mapping",
                      database.new_object_id(), now)
        table.shipped = True
        types = (("start_lsn", replace(LSN, nullable=False)),
                 ("tran_begin_time", DATETIME), ("tran_end_time", DATETIME),
                 ("tran_id", Type("varbinary", 10)), ("tran_begin_lsn", LSN))
        table.set_columns([Column(name, type, number) for number,
                           (name, type) in enumerate(types, 1)])
        table.max_column_id = len(types)
        table.add_index(Index("lsn_time_mapping_clustered_idx",
                              table.columns[:1], unique=True, clustered=True))
        return table

    def instance(self, name):
        for instance in self.instances:
            if instance.name.lower() == name.lower():
                return instance
        return None

    def of_table(self, table):
        return [instance for instance in self.instances
                if instance.table is table]

    # reading

    def entries(self):
        return self.mapping.clustered.ordered(self.mapping.rows)

    def max_lsn(self):
        entries = self.entries()
        return entries[-1][0] if entries else None

    def end_time(self, lsn):
        entries = self.entries()
        place = bisect_left(entries, (lsn,))
        if place < len(entries) and entries[place][0] == lsn:
            return self.mapping.rows[entries[place][-1]][2]
        return None

    def lsn_at(self, when, direction, inclusive):
        rows = self.mapping.rows
        times = [rows[entry[-1]][2].ticks for entry in self.entries()]
        if direction < 0:
            find = bisect_right if inclusive else bisect_left
            place = find(times, when.ticks) - 1
        else:
            find = bisect_left if inclusive else bisect_right
            place = find(times, when.ticks)
        if not 0 <= place < len(times):
            return None
        return self.entries()[place][0]

    # capturing; the caller holds the latch

    def capture(self, most=None):
        """Moves committed transactions from the log to the change tables;
        returns how many.  Each appears there at once."""
        queue = self.database.log.queue
        engine = self.database.server
        count = 0
        while queue and (most is None or count < most):
            transaction = Transaction(SystemSession, True, engine.now())
            self.capture_one(queue.popleft(), transaction)
            engine.commit(transaction)
            count += 1
        self.scans += 1
        self.last_scan = (engine.now(), count)
        return count

    def capture_one(self, committed, transaction):
        start_lsn = lsn_bytes(committed.commit_lsn)
        captured = False
        tables = {}
        for number, change in enumerate(committed.changes, 1):
            if not number & 0x1FFF:
                self.database.server.breathe()
            if change.operation == 0:
                captured |= bool(change.after(start_lsn, change))
                continue
            for instance in change.captures:
                if instance.dropped:
                    continue
                captured = True
                rows = tables.setdefault(instance, [])
                rows += instance.rows(change, start_lsn)
        for instance, rows in tables.items():
            insert = instance.change_table.insert
            for number, row in enumerate(rows, 1):
                insert(transaction, row)
                if not number & 0x1FFF:
                    self.database.server.breathe()
        if captured:
            self.map(committed.commit_lsn, committed.begin_time,
                     committed.end_time, committed.number.to_bytes(6, "big"),
                     committed.begin_lsn, transaction)

    def map(self, lsn, begin_time, end_time, number, begin_lsn, transaction):
        self.mapping.insert(transaction, (
            lsn_bytes(lsn), TO_DATETIME(begin_time), TO_DATETIME(end_time),
            number, lsn_bytes(begin_lsn) if begin_lsn else None))

    def idle(self):
        """An entry that says that nothing happened."""
        engine = self.database.server
        transaction = Transaction(SystemSession, True, engine.now())
        now = engine.now()
        self.map(self.database.log.take(), now, now, IDLE, None, transaction)
        engine.commit(transaction)

    # clean-up

    def low_water(self, retention):
        """The first entry younger than the retention, else the last one."""
        rows = self.mapping.rows
        newest = self.max_lsn()
        if newest is None:
            return None
        limit = (self.database.server.now().ticks
                 - retention * 60 * 10_000_000)
        for entry in self.entries():
            if rows[entry[-1]][2].ticks >= limit:
                return entry[0]
        return newest

    def clean(self, low, instances=None, empty=False):
        """Removes changes before an LSN; empty: the last ones too."""
        engine = self.database.server
        transaction = Transaction(SystemSession, True, engine.now())
        upper = (low, HIGH) if empty else (low,)
        for instance in instances or self.instances:
            remove_before(instance.change_table, upper, transaction)
            if instance.start_lsn is not None and instance.start_lsn < low:
                instance.start_lsn = low
        starts = [instance.start_lsn for instance in self.instances
                  if instance.start_lsn is not None]
        remove_before(self.mapping, upper if empty else
                      (min(starts, default=low),), transaction)
        engine.commit(transaction)


def remove_before(table, upper, transaction):
    index = table.clustered
    entries = index.ordered(table.rows)
    for entry in entries[:bisect_left(entries, upper)]:
        table.delete(transaction, entry[-1])
