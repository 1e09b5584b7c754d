"""A response: tokens, as what a statement gives comes along."""
import traceback

from . import tds
from .faults import IN_RESPONSES, NOT_A_TOKEN
from .frames import Large
from .result import Done, Info, Output, ResultSet, ReturnStatus, SqlError
from .transport import Closed

COMMAND_SELECT = 0xC1
DEADLOCK_VICTIM = 1205


class Cancelled(Exception):
    """The client sent an attention."""


class Response:
    """Writes one message.

    A DONE is kept back until it is known whether more follows.
    """

    def __init__(self, connection, faults=(), procedure=False,
                 record=None):
        self.connection = connection
        self.channel = connection.channel
        self.options = connection.options
        self.room = self.channel.packet_size - tds.HEADER.size
        self.code = tds.DONE_IN_PROC if procedure else tds.DONE
        self.faults = {at: [] for at in IN_RESPONSES}
        for fault in faults:
            self.faults[fault.at].append(fault)
        self.record = record        # is given the payload, if all is well
        self.recording = []
        self.buffer = bytearray()
        self.kept = None            # a DONE not sent
        self.failed = False         # an error came since the last DONE
        self.fatal = False
        self.columns = None
        self.outputs = []
        self.status = 0
        self.packets = 0
        self.bytes = 0

    def large(self):
        """How large values go now; a statement may change the limit."""
        return Large(self.options.plp_chunk, self.options.plp_known,
                     self.connection.session.text_size)

    # ---- tokens ----

    def run(self, items):
        """Everything that a request yields."""
        try:
            for fault in self.faults["request"]:
                self.fault(fault)
            for item in items:
                self.connection.check()
                self.WRITERS[type(item)](self, item)
                self.connection.tell_changes(self)
            for fault in self.faults["done"]:
                self.fault(fault)
        except SqlError as error:
            # what a cancelled statement says does not matter
            self.connection.check()
            items.close()
            if error.number == DEADLOCK_VICTIM and self.connection.transaction:
                self.connection.roll_back()
            self.error(error)
            self.connection.tell_changes(self)
            self.keep_done(None)
        except (Cancelled, Closed):
            raise
        except Exception as failure:
            traceback.print_exc()
            self.error(SqlError(50000, "the test server failed: %r" % failure,
                                20))

    def token(self, data):
        if self.kept:
            self._send_done(tds.MORE)
        self.write(data)

    def error(self, error):
        self.token(tds.message(error, True))
        self.failed = True
        self.fatal |= error.class_ >= 20
        self.record = None

    def info(self, info):
        self.token(tds.message(info, False))

    def done(self, item):
        self.keep_done(item.rowcount)

    def result_set(self, result):
        self.columns = result.columns
        self.token(tds.column_metadata(result.columns))
        encode = tds.row_encoder(result.columns, self.options.null_bitmap,
                                 self.large())
        faults = self.faults["row"]
        count = -1
        for row in result.rows:
            if type(row) is Info:
                self.info(row)
                continue
            count += 1
            data = encode(row)
            for fault in faults:
                if fault.after == count:
                    self.fault(fault, data[:len(data) // 2])
            self.write(data)
            if not count & 0xFF:
                self.connection.check()
        for fault in faults:
            if fault.after == count + 1:
                self.fault(fault)

    def cancelled(self):
        self.keep_done(None)
        self.record = None

    def output(self, output):
        self.outputs.append(output)

    def return_status(self, item):
        """In a batch it ends the results of EXECUTE."""
        self.status = item.value
        if self.code == tds.DONE:
            self.token(tds.return_status(item.value))
            self.keep_done(None, tds.DONE_PROC)

    WRITERS = {ResultSet: result_set, Done: done, Info: info,
               SqlError: error, Output: output, ReturnStatus: return_status}

    # ---- ends ----

    def keep_done(self, count, code=None):
        if self.kept:
            self._send_done(tds.MORE)
        status = tds.ERROR if self.failed else 0
        if self.connection.transaction:
            status |= tds.IN_TRANSACTION
        command = COMMAND_SELECT if self.columns else 0
        self.kept = code or self.code, status, count, command
        self.failed = False
        self.columns = None

    def _send_done(self, more):
        (code, status, count, command), self.kept = self.kept, None
        self.write(tds.done(code, status | more, count, command))

    def finish(self):
        """The last DONE and the last packet."""
        if self.code == tds.DONE_IN_PROC:
            self.end_procedure()
        if not self.kept:
            self.keep_done(None)
        self._send_done(0)
        self.flush(last=True)

    def end_procedure(self):
        """Status, output parameters and DONEPROC of a procedure call."""
        failed = self.failed or self.kept and self.kept[1] & tds.ERROR
        self.token(tds.return_status(self.status))
        for ordinal, output in enumerate(self.outputs):
            self.token(tds.return_value(ordinal, output.name, output.type,
                                        output.value, self.large()))
        self.outputs, self.status = [], 0
        self.failed = bool(failed)
        self.keep_done(None, tds.DONE_PROC)

    # ---- bytes ----

    def write(self, data):
        self.buffer += data
        if len(self.buffer) > self.room:
            self.flush()

    def flush(self, last=False, part=False):
        """Sends the packets that are full, also one that is not if asked."""
        size = len(self.buffer)
        if not (last or part):
            size -= size % self.room or self.room
        payload = bytes(self.buffer[:size])
        del self.buffer[:size]
        if not payload and not last:
            return
        if self.record:
            self.recording.append(payload)
            if last:
                self.record(b"".join(self.recording))
        data = tds.packets(payload, self.channel.packet_size,
                           first=self.packets + 1, spid=self.channel.spid,
                           last=last)
        if self.faults["packet"] or self.faults["byte"]:
            self._send_with_faults(data)
        else:
            self.channel.send(data)
            self.packets += -(-len(payload) // self.room)

    def _send_with_faults(self, data):
        while data:
            size = tds.HEADER.unpack(data[:tds.HEADER.size])[2]
            packet, data = data[:size], data[size:]
            for fault in self.faults["packet"]:
                if fault.after == self.packets:
                    packet = self._packet_fault(fault, packet)
            for fault in self.faults["byte"]:
                if self.bytes <= fault.after < self.bytes + size:
                    at = fault.after - self.bytes
                    self.channel.send(packet[:at])
                    self.bytes, size = self.bytes + at, size - at
                    packet = packet[at:]
                    self.fault(fault)
            self.channel.send(packet)
            self.packets += 1
            self.bytes += size

    def _packet_fault(self, fault, packet):
        if fault.action != "length":
            self.fault(fault)
            return packet
        if not self.connection.faults.happens(fault):
            return packet
        head = list(tds.HEADER.unpack(packet[:tds.HEADER.size]))
        head[2] = fault.value
        return tds.HEADER.pack(*head) + packet[tds.HEADER.size:]

    # ---- faults ----

    def fault(self, fault, part=b""):
        """part is of the token that comes now, for a cut in its middle."""
        faults = self.connection.faults
        if not faults.happens(fault):
            return
        in_row = fault.at not in ("packet", "byte")
        if fault.action == "error":
            raise fault.error(self.channel.spid)
        if fault.action == "token":
            self.write(bytes([fault.value or NOT_A_TOKEN]))
        if fault.action == "cut":
            if in_row:
                self.buffer += part
                self.flush(part=True)
            raise Closed
        if fault.action == "stall":
            if in_row:
                self.flush(part=True)
            faults.stall(fault, self.connection.interrupted)
            # what has begun to be sent cannot be cancelled
            if in_row or self.connection.closed:
                self.connection.check()
