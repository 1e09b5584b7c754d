"""What the servers under test have in common."""

import itertools
import os
import random
import signal
import socket
import subprocess

from .wait import wait_until

RUNNING = []        # servers, for their logs when a test fails


# Below the ports that the kernel gives to outgoing connections: one of those
# could take a server's port while the server is down.
PORTS = range(10000, 32768)
TRIED = itertools.count(random.randrange(len(PORTS)))


def free_port():
    """A port that nobody listens on, a new one at each call."""
    for number in TRIED:
        port = PORTS[number % len(PORTS)]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def tail(path, lines=60):
    if not os.path.exists(path):
        return ""
    with open(path, errors="replace") as log:
        return "".join(log.readlines()[-lines:])


def process_exists(pid):
    """A zombie has ended, whether or not somebody collected it."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(parent):
    """The processes of a parent."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as stat:
                if int(stat.read().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(name))
        except (FileNotFoundError, ProcessLookupError):
            pass            # it has just ended
    return found


def title(pid):
    """What a process calls itself; empty if it has ended."""
    try:
        with open("/proc/%d/cmdline" % pid) as cmdline:
            return cmdline.read().strip("\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError("%s ended with %d:\n%s"
                           % (command[0], done.returncode, done.stdout))
    return done.stdout


class Server:
    """A server process whose files are all in one directory."""

    name = None             # set by subclasses

    def __init__(self, directory):
        self.directory = directory
        self.log = os.path.join(directory, "server.log")
        self.process = None

    def spawn(self, *command, **options):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **options)
        if self not in RUNNING:
            RUNNING.append(self)

    def await_start(self, ready, timeout=60):
        def started():
            if self.process.poll() is not None:
                raise RuntimeError("%s did not start:\n%s"
                                   % (self.name, tail(self.log)))
            return ready()
        wait_until(started, timeout, "%s to start" % self.name,
                   lambda: tail(self.log))

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM, timeout=60):
        """Stop by a signal and wait; nothing if it does not run.

        A server that does not end in time is killed, so that one crash does
        not take all later tests with it.
        """
        if self.process is None:
            return
        if self.process.poll() is None:
            self.send(number)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.process.wait(timeout)
        self.process = None
        if self in RUNNING:
            RUNNING.remove(self)

    def log_text(self):
        with open(self.log, errors="replace") as log:
            return log.read()


def log_tails():
    return [("log of %s" % server.name, tail(server.log))
            for server in RUNNING]
