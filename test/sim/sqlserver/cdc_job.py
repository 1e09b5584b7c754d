"""The capture job: when the logs are read.

Automatic with no lag: at every commit, by the thread that commits.  With a
lag: by a timer, that long after a commit.  Not automatic, or with the agent
stopped: when told.
"""

import threading


class CaptureJob:
    def __init__(self, engine):
        self.engine = engine
        self.running = True         # the agent
        self.automatic = True
        self.lag = 0                # seconds
        self.timer = None
        self.capturing = False

    def notice(self, databases):
        """Transactions were committed in these databases."""
        if not self.running or not self.automatic or self.capturing:
            return
        if self.lag == 0:
            self.capture(databases)
        elif self.timer is None:
            self.timer = threading.Timer(self.lag, self.tick)
            self.timer.daemon = True
            self.timer.start()

    def tick(self):
        with self.engine.latch:
            self.timer = None
            if self.running and self.automatic:
                self.capture(list(self.engine.databases.values()))

    def capture(self, databases, most=None):
        """The caller holds the latch."""
        self.capturing = True
        try:
            return sum(database.cdc.capture(most) for database in databases
                       if database.cdc is not None and not database.dropped)
        finally:
            self.capturing = False

    def capture_all(self, most=None):
        return self.capture(list(self.engine.databases.values()), most)

    def catch_up(self):
        """After the agent was started or made automatic."""
        if self.running and self.automatic:
            self.capture_all()
