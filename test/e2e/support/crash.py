"""Workers that are killed, which takes the server down for a moment."""

import random

import psycopg2

from .wait import wait_until


def survive(function):
    """None while the server is down or restarts."""
    try:
        return function()
    except psycopg2.InterfaceError:
        return None
    except psycopg2.DatabaseError as error:
        # of the connection, not of a statement
        if error.pgcode is not None and not error.pgcode.startswith("57P"):
            raise
        return None


def wait_running(connector, old_pid=-1):
    """Started again, unless it came back by itself meanwhile."""
    def running():
        if connector.state().get("pid", -1) not in (-1, old_pid):
            return True
        try:
            connector.start()
        except psycopg2.Error:
            pass                # it is being started, or not yet gone
        return False
    wait_until(running, 60, "the connector to run again", connector.explain)


def wait_progress(connector, last, count=1):
    """So many events more have been applied than at the last look; gives how
    many in all."""
    def more():
        events = connector.counters().get("total_events", 0)
        return events if events >= last + count else None
    return connector.wait(more, "progress")


def kill_and_kill(connector, workers, postmasters):
    """The worker and the postmaster so often, in a mixed order and each
    wherever the worker just is; some source must be written to meanwhile."""
    chance = random.Random(42)
    kills = ["worker"] * workers + ["postmaster"] * postmasters
    chance.shuffle(kills)
    applied = 0
    for victim in kills:
        applied = wait_progress(connector, applied, chance.randrange(1, 300))
        pid = connector.pid()
        if victim == "worker":
            connector.pg.kill_worker(pid)
        else:
            connector.pg.kill()
            connector.pg.start()
        wait_running(connector, pid)
    wait_progress(connector, applied)


def check_counters(connector, copied, writers):
    """Every row was counted once."""
    counters = connector.counters()
    assert counters["reads"] == copied
    assert {kind: counters[kind] for kind in writers.changed} \
        == dict(writers.changed)
    assert counters["dmls"] == sum(writers.changed.values())
    assert counters["bad_events"] == 0


class Crash:
    """Arms a failpoint to kill the worker; wait() until the server has gone
    down and the postmaster has started the worker again."""

    def __init__(self, connector, failpoint, name):
        self.connector = connector
        self.failpoint = failpoint
        self.witness = connector.pg.connect().cursor()
        failpoint.arm(name, "kill")

    def wait(self):
        self.failpoint.wait_reached()
        wait_until(lambda: survive(self.answers) is None, 30,
                   "the server to go down")
        # other sessions may have outlived the witness
        self.connector.pg.disconnect()
        wait_until(self.streams, 60, "the worker to be back and to stream")

    def answers(self):
        self.witness.execute("SELECT 1")
        return True

    def streams(self):
        state = survive(self.connector.state)
        return state and state["stage"] == "change data capture"


def make_durable(pg):
    """The worker commits without waiting for the disk, so what it did last
    before a crash may have to be done again."""
    pg.query("CHECKPOINT")
