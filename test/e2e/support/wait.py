"""Waiting on conditions."""

import time


def wait_until(predicate, timeout, what, explain=None):
    """Poll predicate() until it is true and return what it gave.

    what     -- names the condition in the failure message
    explain  -- called without arguments on failure, its text is appended
    """
    deadline = time.monotonic() + timeout
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > deadline:
            text = "not within %g s: %s" % (timeout, what)
            if explain is not None:
                text += "\n" + explain()
            raise AssertionError(text)
        time.sleep(0.01)
