"""Faults: what goes wrong, and when.

    {"action": "cut", "at": "row", "after": 3, "match": "FROM .*orders"}

action  cut     ends the connection
        stall   waits until the fault is released
        error   an error message: number, class, message, state
        token   a byte that is no token: value
        length  a packet header with a wrong length: value (packet only)
at      prelogin, tls, login   while a client connects
        request                before a request runs
        row, packet, byte      of a response, once `after` of them are out;
                               a row is cut in its middle
        done                   when all rows are out, but not the end
match   a regular expression, searched for in the text of requests
app     the client's application name
skip    so many times it does not happen, and then
times   so many times it does (default 1, 0: always)
"""
import re
import threading
from dataclasses import dataclass, field

from .result import SqlError

ACTIONS = ("cut", "stall", "error", "token", "length")
WHILE_CONNECTING = ("prelogin", "tls", "login")
IN_RESPONSES = ("request", "row", "packet", "byte", "done")

POINTS_OF_ALL = WHILE_CONNECTING + IN_RESPONSES
# actions that are not for all points
POINTS = {"error": ("login", "request", "row"),
          "token": ("tls", "request", "row", "done"),
          "length": ("packet",)}

NOT_A_TOKEN = 0x02

# number: class, message
ERRORS = {
    1205: (13, "Transaction (Process ID %d) was deadlocked on lock resources "
           "with another process and has been chosen as the deadlock victim. "
           "Rerun the transaction."),
    1222: (16, "Lock request time out period exceeded."),
    18456: (14, "Login failed for user '%s'."),
}


@dataclass
class Fault:
    action: str
    at: str
    after: int = 0
    match: str = ""
    app: str = ""
    skip: int = 0
    times: int = 1
    number: int = 50000
    class_: int = 16
    state: int = 1
    message: str = "A fault of the test server."
    value: int = 0
    # not for the asking
    hits: int = 0
    stalled: int = 0
    released: bool = False
    over: bool = field(default=False)

    def __post_init__(self):
        if self.action not in ACTIONS:
            raise ValueError("no action %r" % self.action)
        if self.at not in WHILE_CONNECTING + IN_RESPONSES:
            raise ValueError("no point %r" % self.at)
        if self.at not in POINTS.get(self.action, POINTS_OF_ALL):
            raise ValueError("no %s at %s" % (self.action, self.at))
        if self.number in ERRORS and self.message == Fault.message:
            self.class_, self.message = ERRORS[self.number]

    def concerns(self, at, text, app):
        return (not self.over and self.at in at
                and (not self.app or self.app == app)
                and re.search(self.match, text, re.I | re.S))

    def error(self, spid=0, user=""):
        message = self.message.replace("%d", str(spid)).replace("%s", user)
        return SqlError(self.number, message, self.class_, self.state)


class Faults:
    """All faults of a server; any thread may ask."""

    def __init__(self):
        self.known = {}
        self.changed = threading.Condition()

    def add(self, **what):
        if "class" in what:
            what["class_"] = what.pop("class")
        fault = Fault(**what)
        with self.changed:
            number = len(self.known) + 1
            self.known[number] = fault
        return number

    def concerning(self, at, text="", app=""):
        """Those that may happen at one of these points."""
        if not self.known:
            return []
        with self.changed:
            return [fault for fault in self.known.values()
                    if fault.concerns(at, text, app)]

    def happens(self, fault):
        """Whether it happens this time; it is counted."""
        with self.changed:
            if fault.over:
                return False
            if fault.skip:
                fault.skip -= 1
                return False
            fault.hits += 1
            fault.over = fault.hits == fault.times
            self.changed.notify_all()
            return True

    def stall(self, fault, gone):
        """Waits until it is released, or gone() is true."""
        with self.changed:
            fault.stalled += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: fault.released or gone())
            fault.stalled -= 1
            self.changed.notify_all()

    def wake(self):
        """What gone() says may have changed."""
        with self.changed:
            self.changed.notify_all()

    def wait(self, number, state, timeout):
        """Waits until the fault has hits, or something stalled on it."""
        fault = self.known[number]
        with self.changed:
            return self.changed.wait_for(lambda: getattr(fault, state),
                                         timeout)

    def release(self, number):
        with self.changed:
            self.known[number].released = self.known[number].over = True
            self.changed.notify_all()

    def clear(self):
        with self.changed:
            for fault in self.known.values():
                fault.released = fault.over = True
            self.changed.notify_all()
