"""What a process uses, as the kernel sees it."""

import threading


def private_bytes(pid):
    """Memory that is the process's alone, beyond shared buffers and files."""
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("process %d tells no RssAnon" % pid)


def cpu_seconds(pid):
    with open("/proc/%d/schedstat" % pid) as schedstat:
        return int(schedstat.read().split()[0]) / 1e9


class MemoryWatch:
    """The largest private memory of some processes while the block runs.

    pids -- called again and again, gives the processes to look at
    """

    def __init__(self, pids):
        self.pids = pids
        self.peak = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.done.wait(0.02):
            for pid in self.pids():
                try:
                    self.peak = max(self.peak, private_bytes(pid))
                except (FileNotFoundError, ProcessLookupError, RuntimeError):
                    pass            # it has just ended

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.done.set()
        self.thread.join()
