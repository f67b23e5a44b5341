"""An IMAP client that only looks for the end of a reply, to measure the server."""

import socket
import ssl
import time

import stacks
from common import Failed

PIECE = 1 << 18
KEPT = 8192  # bytes of a long reply, at its start and at its end


class Imap:
    MESSAGE = (b"From: a@example.org\r\nTo: b@example.org\r\nSubject: appended\r\n\r\n"
               + b"x" * 70 + b"\r\n") + (b"y" * 70 + b"\r\n") * 55

    def __init__(self, port, user):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.s = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 300))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.n = 0
        self.exists = 0
        self.head = b""  # of the last reply
        self.piece = bytearray(PIECE)
        self.s.recv(65536)
        self.command(b"LOGIN %s %s" % (user.encode(), stacks.PASSWORD.encode()))

    def command(self, text):
        """Seconds until the tagged OK."""
        self.n += 1
        began = time.perf_counter()
        self.s.sendall(b"t%d %s\r\n" % (self.n, text))
        self.reply()
        return time.perf_counter() - began

    def reply(self):
        tag = b"t%d " % self.n
        head = tail = b""
        while True:
            n = self.s.recv_into(self.piece)
            if n == 0:
                raise Failed("IMAP connection lost")
            if len(head) < KEPT:
                head += self.piece[:KEPT - len(head)][:n]
            tail = (tail + self.piece[max(0, n - KEPT):n])[-KEPT:]
            at = 0 if tail.startswith(tag) else tail.rfind(b"\r\n" + tag) + 2
            if tail.endswith(b"\r\n") and tail[at:].startswith(tag):
                break
        if not tail[at:].startswith(tag + b"OK"):
            raise Failed(f"IMAP: {tail[at:][:200]}")
        self.head = head
        for line in head.split(b"\r\n", 12)[:12]:
            if line.endswith(b" EXISTS"):
                self.exists = int(line.split()[1])

    def value(self, code):
        """The number of a response code, such as UIDVALIDITY, in the last reply."""
        return int(self.head.split(b"[" + code.encode() + b" ", 1)[1].split(b"]")[0])

    def idle(self):
        self.n += 1
        self.s.sendall(b"t%d IDLE\r\n" % self.n)
        self.line(b"+")

    def line(self, mark):
        """Waits for a line with the mark."""
        text = b""
        while mark not in text or not text.endswith(b"\r\n"):
            data = self.s.recv(65536)
            if not data:
                raise Failed("IMAP connection lost")
            text += data

    def done(self):
        self.s.sendall(b"DONE\r\n")
        self.reply()

    def append(self, message):
        self.n += 1
        began = time.perf_counter()
        self.s.sendall(b"t%d APPEND INBOX {%d}\r\n" % (self.n, len(message)))
        if not self.s.recv(4096).startswith(b"+"):
            raise Failed("no continuation for APPEND")
        self.s.sendall(message + b"\r\n")
        self.reply()
        return time.perf_counter() - began

    def close(self):
        self.s.close()
