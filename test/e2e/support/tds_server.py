"""Fixtures: the SQL Server test server, in this process or as a command."""
import json
import os
import subprocess
import sys

import pytest

from .tds import TEST, make_certificate

from sqlserver import edges                                # noqa: E402
from sqlserver.control import Control, Listener            # noqa: E402
from sqlserver.server import Options, Server               # noqa: E402


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def serve(certificate):
    """Starts servers with the edge values; stopped after the test."""
    started = []

    def start(**options):
        if options.get("tls", "off") != "off":
            options["certificate"], options["key"] = map(str, certificate)
        server = Server(edges.Edges(), Options(**options)).start()
        started.append(server)
        return server
    yield start
    for server in started:
        server.stop()


@pytest.fixture
def control():
    made = []

    def make(server):
        made.append(Control(Listener(server).start().port))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def client(serve, certificate, tmp_path):
    """A client of a server that is started for it."""
    def make(kind, packet_size=4096, tls="off", **options):
        server = serve(tls=tls, packet_size=packet_size, **options)
        one = kind(server.port, packet_size,
                   None if tls == "off" else certificate[0], tmp_path)
        one.server = server
        return one
    return make


@pytest.fixture(scope="session")
def command():
    """Starts the server as a process; what it printed, and its Control."""
    processes = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "sqlserver", "--port", "0", *arguments],
            env={**os.environ, "PYTHONPATH": str(TEST / "sim")}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        processes.append(process)
        told = json.loads(process.stdout.readline())
        return process, told
    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def demo(command, tmp_path):
    """A client of the sample database; client.control is its Control."""
    made = []

    def make(kind):
        _, told = command("--data", "demo")
        one = kind(told["port"], directory=tmp_path)
        one.control = Control(told["control"])
        made.append(one.control)
        return one
    yield make
    for one in made:
        one.close()
