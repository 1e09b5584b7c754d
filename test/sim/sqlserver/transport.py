"""A connection's bytes: packets in and out, TLS around them.

One thread reads, another one writes; TLS state is shared and locked.
"""
import socket
import ssl
import threading

from . import tds
from .frames import Malformed


class Closed(Exception):
    """The other side has gone, or a fault cut the connection."""


class Channel:
    def __init__(self, sock, spid):
        self.sock = sock
        self.spid = spid
        self.packet_size = tds.DEFAULT_PACKET
        self.tls = None             # ssl.SSLObject
        self.tls_lock = threading.Lock()
        self.send_lock = threading.Lock()
        self.read = bytearray()     # received and deciphered
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # ---- in ----

    def read_packet(self):
        """Type, status and contents of the next packet."""
        kind, status, size, *_ = tds.HEADER.unpack(
            self._take(tds.HEADER.size))
        if not tds.HEADER.size <= size <= 32768:
            raise Malformed("packet of %d bytes" % size)
        return kind, status, self._take(size - tds.HEADER.size)

    def read_message(self):
        """Type, status bits and contents of the next message."""
        contents = bytearray()
        seen = 0
        while True:
            kind, status, part = self.read_packet()
            contents += part
            seen |= status
            if status & tds.END_OF_MESSAGE or kind == tds.ATTENTION:
                return kind, seen, bytes(contents)

    def _take(self, size):
        while len(self.read) < size:
            self._receive()
        taken = bytes(self.read[:size])
        del self.read[:size]
        return taken

    def _receive(self):
        try:
            data = self.sock.recv(65536)
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        if not self.tls:
            self.read += data
            return
        with self.tls_lock:
            self.incoming.write(data)
            try:
                while part := self.tls.read(65536):
                    self.read += part
            except ssl.SSLWantReadError:
                return
            except ssl.SSLError as error:
                raise Closed from error
        raise Closed                # the other side ended TLS

    # ---- out ----

    def send(self, data):
        """Packets, as they are."""
        with self.send_lock:
            try:
                self.sock.sendall(self._sealed(data) if self.tls else data)
            except OSError as error:
                raise Closed from error

    def send_message(self, payload):
        self.send(tds.packets(payload, self.packet_size, spid=self.spid))

    def _sealed(self, data):
        view = memoryview(data)
        with self.tls_lock:
            while view:
                view = view[self.tls.write(view):]
            return self.outgoing.read()

    # ---- TLS ----

    def start_tls(self, context):
        """The handshake, inside of prelogin packets."""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        done = False
        while not done:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                self._send_handshake()
                raise Closed from error
            self._send_handshake()
            if not done:
                kind, _, data = self.read_packet()
                if kind != tds.PRELOGIN:
                    raise Malformed("packet %#x during the handshake" % kind)
                self.incoming.write(data)
        self.tls = tls

    def _send_handshake(self):
        if self.outgoing.pending:
            self.send(tds.packets(self.outgoing.read(), self.packet_size,
                                  tds.PRELOGIN))

    def stop_tls(self):
        """TLS was for the login message alone."""
        self.tls = None

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
