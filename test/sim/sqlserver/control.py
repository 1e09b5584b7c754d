"""The control channel: JSON lines on a second port, for tests.

A request names what to "do"; the answer is {"ok": true, ...} or {"error": ..}.
What is not in REQUESTS goes to the engine.  Control is the client's side.
"""
import json
import re
import socket
import threading
from dataclasses import fields

from . import tds
from .result import Done, Info, ResultSet, SqlError
from .values import Variant


class Listener:
    def __init__(self, server, host="127.0.0.1", port=0):
        self.server = server
        self.listener = socket.create_server((host, port))
        self.port = self.listener.getsockname()[1]

    def start(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(sock,),
                             daemon=True).start()

    def serve(self, sock):
        session = Session(self.server)
        with sock, sock.makefile("rwb") as stream:
            for line in stream:
                answer = session.answer(json.loads(line))
                stream.write(json.dumps(answer, default=plain).encode()
                             + b"\n")
                stream.flush()
        session.close()


def plain(value):
    """Values that JSON does not have, as text."""
    if isinstance(value, (bytes, bytearray)):
        return "0x" + value.hex()
    if isinstance(value, Variant):
        return value.value
    return str(value)


class Session:
    """One control connection; its SQL runs in one session of the engine."""

    def __init__(self, server):
        self.server = server
        self.sql = None

    def answer(self, request):
        do = request.pop("do", None)
        try:
            if do in self.REQUESTS:
                told = self.REQUESTS[do](self, **request)
            else:
                told = self.server.engine.control({"do": do, **request})
            return {"ok": True, **(told or {})}
        except SqlError as error:
            return {"error": error.message, "number": error.number}
        except Exception as error:
            return {"error": "%s: %s" % (type(error).__name__, error)}

    def close(self):
        if self.sql:
            self.sql.close()

    def execute(self, sql, database=""):
        """Runs SQL; rows of all results, as lists, and messages."""
        if not self.sql:
            self.sql = self.server.engine.connect(tds.Login(
                app="control", user="sa", database=database, trusted=True,
                spid=self.server.new_spid()))
        results, messages = [], []
        for item in self.sql.execute(sql):
            if isinstance(item, SqlError):
                raise item
            if isinstance(item, ResultSet):
                rows = list(item.rows)
                messages += [row.message for row in rows
                             if isinstance(row, Info)]
                results.append({
                    "columns": [column.name for column in item.columns],
                    "rows": [row for row in rows
                             if not isinstance(row, Info)]})
            elif isinstance(item, Info):
                messages.append(item.message)
            elif isinstance(item, Done) and not results:
                results.append({"rowcount": item.rowcount})
        return {"results": results, "messages": messages}

    def fault(self, **what):
        return {"fault": self.server.faults.add(**what)}

    def release(self, fault):
        self.server.faults.release(fault)

    def clear(self):
        self.server.faults.clear()

    def wait(self, fault, state="hits", timeout=60):
        if not self.server.faults.wait(fault, state, timeout):
            raise TimeoutError("fault %d: no %s" % (fault, state))

    def options(self, **changes):
        """Changes options; for connections and requests that come then."""
        known = {field.name for field in fields(self.server.options)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError("no option %r" % name)
            setattr(self.server.options, name, value)
        self.server.tls_context = self.server.options.tls_context()

    def requests(self, match=""):
        """What clients have sent since the server was started."""
        return {"requests": [
            request for request in list(self.server.requests)
            if re.search(match, request["text"], re.I | re.S)]}

    def sessions(self):
        with self.server.lock:
            return {"sessions": [
                {"session": connection.channel.spid, "busy": connection.busy,
                 "app": connection.login.app, "user": connection.login.user,
                 "host": connection.login.host,
                 "database": connection.database,
                 "encrypted": connection.login.encrypted,
                 "packet_size": connection.channel.packet_size,
                 "read_only": connection.login.read_only}
                for connection in self.server.connections]}

    def disconnect(self, app=""):
        return {"disconnected": self.server.disconnect(app)}

    def forget(self):
        """Drops recorded responses."""
        self.server.recordings.clear()

    REQUESTS = {"execute": execute, "fault": fault, "release": release,
                "clear": clear, "wait": wait, "options": options,
                "requests": requests, "sessions": sessions,
                "disconnect": disconnect, "forget": forget}


class Control:
    """The client's side: control.fault(action="cut", at="row", after=3)."""

    def __init__(self, port, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port))
        self.stream = self.sock.makefile("rwb")

    def __call__(self, do, **request):
        self.stream.write(json.dumps({"do": do, **request}).encode() + b"\n")
        self.stream.flush()
        answer = json.loads(self.stream.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        del answer["ok"]
        return next(iter(answer.values())) if len(answer) == 1 else answer

    def __getattr__(self, do):
        if do.startswith("_"):
            raise AttributeError(do)
        return lambda **request: self(do, **request)

    def close(self):
        self.stream.close()
        self.sock.close()
