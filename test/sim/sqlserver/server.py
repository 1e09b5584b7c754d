"""The server: connections, the requests of clients, prepared statements.

Two threads a connection: one reads, so that an attention and a client's end
are noticed while a statement runs; the other one runs statements and writes.
"""
import queue
import re
import socket
import ssl
import struct
import threading
from collections import deque
from dataclasses import dataclass

from . import tds
from .collation import DEFAULT, collation
from .complain import complain
from .faults import IN_RESPONSES, Faults
from .frames import Malformed
from .response import Cancelled, Response
from .result import Info, Output, Parameter, SqlError
from .transport import Channel, Closed
from .types import Type

BANNER = ("This is the synchdb test server, a simulator for tests. "
          "It is not SQL Server.")

# what the server can do: what the client asks for -> what is answered
ENCRYPTION = {
    "off": {asked: tds.ENCRYPT_UNSUPPORTED for asked in range(4)},
    "offer": {tds.ENCRYPT_OFF: tds.ENCRYPT_OFF,
              tds.ENCRYPT_ON: tds.ENCRYPT_ON,
              tds.ENCRYPT_UNSUPPORTED: tds.ENCRYPT_UNSUPPORTED,
              tds.ENCRYPT_REQUIRED: tds.ENCRYPT_ON},
    "force": {tds.ENCRYPT_OFF: tds.ENCRYPT_REQUIRED,
              tds.ENCRYPT_ON: tds.ENCRYPT_ON,
              tds.ENCRYPT_UNSUPPORTED: tds.ENCRYPT_REQUIRED,
              tds.ENCRYPT_REQUIRED: tds.ENCRYPT_ON},
}

ISOLATION = {1: "READ UNCOMMITTED", 2: "READ COMMITTED", 3: "REPEATABLE READ",
             4: "SERIALIZABLE", 5: "SNAPSHOT"}
TRANSACTION_REQUESTS = {tds.BEGIN: "BEGIN TRANSACTION %s",
                        tds.COMMIT: "COMMIT TRANSACTION %s",
                        tds.ROLLBACK: "ROLLBACK TRANSACTION %s",
                        tds.SAVE: "SAVE TRANSACTION %s"}

REMEMBERED_REQUESTS = 10_000


@dataclass
class Options:
    """What tests may set; see README.md."""
    tls: str = "off"            # off, offer, force
    certificate: str = ""
    key: str = ""
    packet_size: int = 0        # forced; 0: what the client asks for
    null_bitmap: str = tds.AUTOMATIC
    plp_chunk: int = 8000
    plp_known: bool = True
    record: str = ""            # of requests that match, keep the response

    def tls_context(self):
        if self.tls == "off":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key or None)
        return context


class Server:
    def __init__(self, engine, options=None, host="127.0.0.1", port=0):
        self.engine = engine
        self.options = options or Options()
        self.tls_context = self.options.tls_context()
        self.faults = Faults()
        self.requests = deque(maxlen=REMEMBERED_REQUESTS)
        self.recordings = {}
        self.connections = set()
        self.lock = threading.Lock()
        self.last_spid = 50
        self.listener = socket.create_server((host, port))
        self.port = self.listener.getsockname()[1]

    def start(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            connection = Connection(self, sock, self.new_spid())
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    def new_spid(self):
        with self.lock:
            self.last_spid = self.last_spid % 32000 + 1
            return self.last_spid

    def stop(self):
        # shutdown() wakes accept(), close() does not
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.faults.clear()
        self.disconnect()

    def disconnect(self, app=""):
        """Cuts connections; gives their number."""
        with self.lock:
            concerned = [connection for connection in self.connections
                         if not app or connection.login.app == app]
        for connection in concerned:
            connection.channel.close()
        return len(concerned)


class Connection:
    def __init__(self, server, sock, spid):
        self.server = server
        self.options = server.options
        self.faults = server.faults
        self.channel = Channel(sock, spid)
        self.login = tds.Login()
        self.session = None
        self.inbox = queue.Queue()
        self.attention = False
        self.closed = False
        self.busy = False
        self.database = ""
        self.transaction = 0
        self.prepared = {}
        self.handles = 0

    def run(self):
        try:
            if self.connect():
                threading.Thread(target=self.listen, daemon=True).start()
                self.serve()
        except Closed:
            pass
        except Malformed as error:
            complain("session %d sent what is not TDS: %s"
                     % (self.channel.spid, error))
        finally:
            self.closed = True
            self.channel.close()
            if self.session:
                self.session.close()
            with self.server.lock:
                self.server.connections.discard(self)

    # ---- connecting ----

    def connect(self):
        self.fail_at("prelogin")
        kind, _, data = self.channel.read_message()
        if kind != tds.PRELOGIN:
            raise Malformed("packet %#x instead of prelogin" % kind)
        options = parsed(tds.read_prelogin, data)
        asked = (options.get(tds.ENCRYPTION) or b"\2")[0] & 3
        answer = ENCRYPTION[self.options.tls][asked]
        self.channel.send_message(tds.prelogin(answer))
        if answer != tds.ENCRYPT_UNSUPPORTED:
            self.fail_at("tls")
            self.channel.start_tls(self.server.tls_context)
        kind, _, data = self.channel.read_message()
        if kind != tds.LOGIN:
            raise Malformed("packet %#x instead of login" % kind)
        self.login = parsed(tds.read_login, data)
        self.login.encrypted = self.channel.tls is not None
        self.login.spid = self.channel.spid
        if answer == tds.ENCRYPT_OFF:
            self.channel.stop_tls()
        return self.log_in()

    def fail_at(self, point):
        """Faults before there is a session."""
        for fault in self.faults.concerning((point,), app=self.login.app):
            if not self.faults.happens(fault):
                continue
            if fault.action == "cut":
                raise Closed
            if fault.action == "token":
                self.channel.send(tds.packets(b"\x02" * 64, 512, tds.PRELOGIN))
            if fault.action == "stall":
                self.faults.stall(fault, lambda: self.closed)
            if fault.action == "error":
                raise fault.error(self.channel.spid, self.login.user)

    def log_in(self):
        try:
            if self.login.version < tds.TDS_7_4:
                raise SqlError(18456, "The test server speaks TDS 7.4 and "
                               "nothing older.", 14)
            self.fail_at("login")
            self.session = self.server.engine.connect(self.login)
        except SqlError as error:
            self.channel.send_message(self.refusal(error))
            return False
        size = self.options.packet_size or min(max(
            self.login.packet_size or tds.DEFAULT_PACKET,
            tds.SMALLEST_PACKET), tds.LARGEST_PACKET)
        old_size = self.channel.packet_size
        self.channel.send_message(self.welcome(size, old_size))
        self.channel.packet_size = size
        return True

    def refusal(self, error):
        errors = [error]
        if error.number == 4060:
            errors.append(SqlError(
                18456, "Login failed for user '%s'." % self.login.user, 14))
        return b"".join([tds.message(error, True) for error in errors]
                        + [tds.done(status=tds.ERROR)])

    def welcome(self, size, old_size):
        self.database = self.session.database
        return b"".join((
            tds.environment(tds.CHANGE_DATABASE, self.database, "master"),
            tds.message(context_changed(self.database), False),
            tds.environment(tds.CHANGE_COLLATION,
                            collation(DEFAULT).bytes(), b""),
            tds.environment(tds.CHANGE_LANGUAGE, "us_english"),
            tds.message(Info(5703, 1, 10, "Changed language setting to "
                             "us_english."), False),
            tds.message(Info(0, 1, 0, BANNER), False),
            tds.login_ack(),
            tds.environment(tds.CHANGE_PACKET, str(size), str(old_size)),
            tds.feature_ack(self.login.features), tds.done()))

    # ---- the reading thread ----

    def listen(self):
        try:
            while True:
                message = self.channel.read_message()
                if message[0] == tds.ATTENTION:
                    self.attention = True
                    self.interrupt()
                self.inbox.put(message)
        except (Closed, Malformed):
            self.closed = True
            self.interrupt()
            self.inbox.put(None)

    def interrupt(self):
        self.faults.wake()
        if self.busy:
            self.session.cancel()

    def interrupted(self):
        return self.attention or self.closed

    def check(self):
        """Called now and then while a statement runs."""
        if self.closed:
            raise Closed
        if self.attention:
            raise Cancelled

    # ---- the running thread ----

    def serve(self):
        while message := self.inbox.get():
            kind, status, data = message
            if kind == tds.ATTENTION:
                self.attention = False
                self.channel.send_message(tds.done(status=tds.ATTENTION_ACK))
            elif status & tds.IGNORE:
                continue
            elif not self.request(kind, status, data):
                return

    def request(self, kind, status, data):
        """Answers one request; false ends the connection."""
        if kind not in REQUESTS:
            raise Malformed("packet %#x" % kind)
        read, describe, run = REQUESTS[kind]
        asked = parsed(read, data)
        text = describe(asked)
        self.server.requests.append({
            "session": self.channel.spid, "text": text,
            "encrypted": self.channel.tls is not None})
        faults = self.faults.concerning(IN_RESPONSES, text, self.login.app)
        recording = None
        if not faults and not status & tds.RESET:
            recording = self.recording(kind, data, text)
        if recording and recording.payload:
            self.channel.send(recording.packets(self.channel))
            return True
        response = Response(self, faults, kind == tds.RPC,
                            recording and recording.keep)
        self.perform(run(self, asked, response), status, response)
        response.finish()
        return not response.fatal

    def perform(self, items, status, response):
        """Runs a request until it ends or is cancelled."""
        self.busy = True
        try:
            self.check()
            if status & (tds.RESET | tds.RESET_KEEP):
                self.session.reset()
                response.write(tds.environment(tds.CHANGE_RESET, ""))
            response.run(items)
        except Cancelled:
            response.cancelled()
        finally:
            self.busy = False
            items.close()

    def recording(self, kind, data, text):
        """That of the request, perhaps empty; None: it is not to be kept."""
        pattern = self.options.record
        if not pattern or not re.search(pattern, text, re.I | re.S):
            return None
        return self.server.recordings.setdefault(
            (kind, self.database, bool(self.transaction),
             tds.without_headers(data)), Recording())

    def tell_changes(self, response):
        """Of the database and of transactions; they are not recorded."""
        database = self.session.database
        if database != self.database:
            response.record = None
            response.token(tds.environment(tds.CHANGE_DATABASE, database,
                                           self.database))
            response.token(tds.message(context_changed(database), False))
            self.database = database
        transaction = self.session.transaction
        if transaction != self.transaction:
            response.record = None
            old, self.transaction = self.transaction, transaction
            if old:
                kind = (tds.CHANGE_ROLLBACK if self.session.rolled_back
                        else tds.CHANGE_COMMIT)
                response.token(tds.environment(kind, b"", descriptor(old)))
            if transaction:
                response.token(tds.environment(
                    tds.CHANGE_BEGIN, descriptor(transaction), b""))

    def roll_back(self):
        """What a deadlock victim suffers, where a fault made it one."""
        for _ in self.session.execute("ROLLBACK TRANSACTION"):
            pass

    # ---- requests: each gives the items of its results ----

    def run_batch(self, text, response):
        yield from self.session.execute(text)

    def run_transaction(self, request, response):
        if request.kind not in TRANSACTION_REQUESTS:
            raise SqlError(3998, "Transaction manager request %d is not "
                           "supported." % request.kind)
        name = "[%s]" % request.name.replace("]", "]]") if request.name else ""
        if request.isolation:
            yield from self.session.execute(
                "SET TRANSACTION ISOLATION LEVEL "
                + ISOLATION[request.isolation])
        yield from self.session.execute(
            (TRANSACTION_REQUESTS[request.kind] % name).strip())

    def run_calls(self, calls, response):
        for number, call in enumerate(calls):
            if number:
                response.end_procedure()
            run = SPECIAL.get(call.name.lower().removeprefix("sys."),
                              Connection.run_procedure)
            yield from run(self, call, response)

    def run_procedure(self, call, response):
        """Any procedure, as EXECUTE with parameters."""
        parameters, words = {}, []
        for number, argument in enumerate(call.arguments):
            variable = argument.name or "@p%d" % (number + 1)
            parameters[variable] = parameter(argument)
            words.append("%s%s%s" % (
                argument.name + " = " if argument.name else "", variable,
                " OUTPUT" if argument.output else ""))
        yield from self.session.execute(
            "EXECUTE %s %s" % (call.name, ", ".join(words)), parameters)

    def execute_sql(self, call, response):
        statement, declared, values = split_arguments(call.arguments)
        yield from self.session.execute(statement,
                                        bound(declared, values))

    def prepare(self, call, response):
        handle, declared, statement, *_ = call.arguments
        yield self.new_handle(handle, statement.value, declared.value)

    def prepare_and_execute(self, call, response):
        handle, declared, statement, *values = call.arguments
        yield self.new_handle(handle, statement.value, declared.value)
        yield from self.session.execute(statement.value,
                                        bound(declared.value, values))

    def execute_prepared(self, call, response):
        handle, *values = call.arguments
        statement, declared = self.handle(handle)
        yield from self.session.execute(statement, bound(declared, values))

    def unprepare(self, call, response):
        self.handle(call.arguments[0])
        del self.prepared[call.arguments[0].value]
        return
        yield

    def new_handle(self, argument, statement, declared):
        self.handles += 1
        self.prepared[self.handles] = statement, declared
        return Output(argument.name, Type("int"), self.handles)

    def handle(self, argument):
        try:
            return self.prepared[argument.value]
        except KeyError:
            raise SqlError(8179, "Could not find prepared statement with "
                           "handle %s." % argument.value) from None


# a packet's type: how it is read, its text, how it is run
REQUESTS = {
    tds.BATCH: (tds.read_batch, str, Connection.run_batch),
    tds.RPC: (tds.read_calls, lambda calls: "; ".join(map(str, calls)),
              Connection.run_calls),
    tds.TRANSACTION: (tds.read_transaction, str, Connection.run_transaction),
}

SPECIAL = {
    "sp_executesql": Connection.execute_sql,
    "sp_prepare": Connection.prepare,
    "sp_execute": Connection.execute_prepared,
    "sp_prepexec": Connection.prepare_and_execute,
    "sp_unprepare": Connection.unprepare,
}


class Recording:
    """A response kept as bytes, so that replaying it costs next to nothing."""

    def __init__(self):
        self.payload = b""
        self.rendered = {}

    def keep(self, payload):
        self.payload = payload

    def packets(self, channel):
        key = channel.packet_size
        if key not in self.rendered:
            self.rendered[key] = tds.packets(self.payload, key)
        return self.rendered[key]


def parsed(read, data):
    """read(data), with whatever it stumbles over as Malformed."""
    try:
        return read(data)
    except (ArithmeticError, LookupError, ValueError, struct.error) as error:
        raise Malformed("%s: %s" % (type(error).__name__, error)) from error


def descriptor(transaction):
    return transaction.to_bytes(8, "little")


def context_changed(database):
    return Info(5701, 2, 10, "Changed database context to '%s'." % database)


def parameter(argument):
    return Parameter(argument.type or Type("nvarchar", 4000), argument.value,
                     argument.output)


def split_arguments(arguments):
    """Statement, declaration and values of sp_executesql."""
    statement, *rest = arguments
    declared, *values = rest or [None]
    return statement.value, declared and declared.value, values


def bound(declared, values):
    """Names to parameters; values without a name go by the declaration."""
    names = re.findall(r"(?:^|,)\s*(@[\w@#$]+)", declared or "")
    return {value.name or names[number]: parameter(value)
            for number, value in enumerate(values)}
