"""Places in a worker where a test makes it fail, see src/util/failpoint.h."""

import os

from .wait import wait_until


class Failpoint:
    def __init__(self, pg):
        self.armed_file = os.path.join(pg.data, "synchdb_failpoint")
        self.reached_file = self.armed_file + ".reached"
        self.clear()

    def arm(self, name, action):
        self.clear()
        new_file = self.armed_file + ".new"
        with open(new_file, "w") as file:
            file.write("%s %s" % (name, action))
        os.rename(new_file, self.armed_file)

    def clear(self):
        """Disarms it, and releases who waits there."""
        for path in (self.armed_file, self.reached_file):
            if os.path.exists(path):
                os.unlink(path)

    def wait_reached(self, timeout=30):
        wait_until(lambda: os.path.exists(self.reached_file), timeout,
                   "a worker to reach the failpoint")
