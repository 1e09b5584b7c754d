"""Says loudly what the simulator does not know: an error, and a line for the
person who runs it."""

import sys
import traceback

from .result import SqlError

NUMBERS = {"function": 50001, "statement": 50002, "option": 50003,
           "procedure": 50004, "request": 50004}
FAILED = 50099


def complain(text):
    print("sqlserver simulator: " + text, file=sys.stderr, flush=True)


def unknown(kind, name):
    """The error for something that SQL Server may know."""
    complain("unknown %s %s" % (kind, name))
    return SqlError(NUMBERS[kind], "The simulator does not know the %s '%s'."
                    % (kind, name))


def failure(error):
    """The error for one of the simulator's own."""
    complain("".join(traceback.format_exception(error)))
    return SqlError(FAILED, "The simulator failed: %s: %s."
                    % (type(error).__name__, error))
