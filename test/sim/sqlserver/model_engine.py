"""The engine: databases and logins of the server, shared by all sessions.

One condition, the latch, guards the model.  Statements that change anything
hold it; queries hold it for a chunk of rows at a time.
"""

import gc
import itertools
import threading
import time

from .cdc_job import CaptureJob
from .cdc_log import Log
from .collation import DEFAULT as DEFAULT_COLLATION
from .model_database import Access, Database, Login
from .model_locks import LockManager
from .model_session import Session
from .result import SqlError
from .values import DateTime, DateTimeOffset

SYSTEM_DATABASES = ("master", "tempdb", "model", "msdb")
PASSWORD = "Password!"

BREATH = 0.001          # seconds

# Millions of rows live long: looking through them for cycles takes minutes.
gc.set_threshold(200_000, 50, 1000)


class Engine:
    def __init__(self, data="empty", clock=None):
        self.latch = threading.Condition(threading.RLock())
        self.locks = LockManager(self.latch)
        self.clock = clock or time.time_ns
        self.clock_offset = 0           # ticks, for tests
        self.databases = {}
        self.logins = {"sa": Login("sa", PASSWORD, {"sysadmin"})}
        self.sessions = {}
        self.spids = itertools.count(51)
        self.commit_number = 0
        self.snapshots = set()          # transactions with a snapshot
        self.historical = set()         # tables that keep versions
        self.settings = {"max text repl size (B)": 65536}
        self.edition = 3                # Enterprise, SERVERPROPERTY
        self.secondary = False          # where read-only logins go
        self.command_id = True          # whether CTs have __$command_id
        for name in SYSTEM_DATABASES:
            self.create_database(name)
        self.job = CaptureJob(self)
        if data == "demo":
            from .demo import load
            load(self)

    # time

    def offset_minutes(self):
        return time.localtime().tm_gmtoff // 60

    def now(self):
        """Local time as a DateTime."""
        return DateTimeOffset(self.utc_ticks(), self.offset_minutes()).local

    def now_offset(self):
        return DateTimeOffset(self.utc_ticks(), self.offset_minutes())

    def utc_ticks(self):
        return (DateTime.of(1970, 1, 1).ticks + self.clock() // 100
                + self.clock_offset)

    # databases and logins

    def create_database(self, name, collation=DEFAULT_COLLATION):
        number = max([0] + [one.database_id for one
                            in self.databases.values()]) + 1
        database = Database(self, name, number, self.now(), collation)
        database.log = Log(database)
        self.databases[name.lower()] = database
        return database

    def database(self, name):
        """The database of that name, or None."""
        return self.databases.get(name.lower())

    def connect(self, login):
        """A session; SqlError 18456 or 4060."""
        with self.latch:
            known = self.logins.get(login.user.lower())
            if known is None or not (login.trusted
                                     or known.password == login.password):
                raise SqlError(18456, "Login failed for user '%s'."
                               % login.user, class_=14)
            name = login.database or "master"
            database = self.database(name)
            if database is None or (
                    Access(database, known).user is None):
                raise SqlError(4060, "Cannot open database \"%s\" requested "
                               "by the login. The login failed." % name,
                               class_=11)
            spid = login.spid or next(self.spids)
            session = Session(self, login, known, database, spid)
            self.sessions[spid] = session
            return session

    def forget(self, session):
        if self.sessions.get(session.spid) is session:
            del self.sessions[session.spid]

    def breathe(self):
        """Lets other sessions go on for a moment, in the midst of something
        that takes long.  The caller holds the latch."""
        self.latch.wait(BREATH)

    # commits

    def commit(self, transaction):
        """Makes a transaction's changes visible and writes its log.  The
        caller holds the latch."""
        self.commit_number += 1
        self.snapshots.discard(transaction)
        number = self.commit_number if self.snapshots else None
        for table, rids in transaction.tables.items():
            table.forget(rids, number)
            if number is not None:
                self.historical.add(table)
        for database, buffer in transaction.logs.items():
            database.log.commit(buffer, self.now())
        self.finish(transaction)

    def roll_back(self, transaction):
        transaction.rollback_to(0)
        for table, rids in transaction.tables.items():
            table.forget(rids, None)
        self.finish(transaction)

    def finish(self, transaction):
        self.locks.release_all(transaction)
        self.snapshots.discard(transaction)
        if not self.snapshots and self.historical:
            for table in self.historical:
                table.history.clear()
            self.historical.clear()
        if transaction.logs:
            self.job.notice(list(transaction.logs))

    # the control channel

    def control(self, request):
        """Requests of the control channel are simulator procedures."""
        from .sim_procedures import control
        return control(self, request)

