"""One IMAP worker alone, with a fake auth and ourselves as login.

    with ImapWorker(tmp_path) as w:
        c = w.client("u@example.test")       # raw lines
        m = w.imaplib("u@example.test")      # imaplib.IMAP4
"""

import imaplib
import os
import re
import socket

from harness import PEER, Harness, Peer, get, put, send


class TicketAuth(Peer):
    """redeem door: the ticket is the address, cut and padded."""

    USER, REDEEM, USAGE = 7, 11, 13
    IMAP = 1

    def __init__(self):
        super().__init__()
        self.tickets = {}
        self.quota = (0, 0)  # bytes and messages, of everybody
        self.held = {}       # as reported
        self.gone = set()    # accounts that do not exist

    def on_frame(self, kind, ident, payload):
        quota = [("u64", n) for n in self.quota]
        if kind == self.USER:
            user, = get(payload, "s")
            self.send(self.USER + 1, ident, put(user not in self.gone, *quota))
            return
        if kind == self.USAGE:
            user, *held = get(payload, "sqq")
            self.held[user] = tuple(held)
            return
        assert kind == self.REDEEM
        ticket, = get(payload, "s")
        user = self.tickets.pop(ticket, None)
        self.send(self.REDEEM + 1, ident,
                  put(user is not None, user or "", ("u8", self.IMAP), *quota))


class ImapClient:
    """Sends lines, reads responses with their literals."""

    def __init__(self, sock):
        self.sock = sock
        self.pending = b""
        self.count = 0

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def _more(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError(self.pending)
        self.pending += data

    def line(self):
        """A response line with the literals in it, without the last CRLF."""
        out = b""
        while True:
            while b"\r\n" not in self.pending:
                self._more()
            line, self.pending = self.pending.split(b"\r\n", 1)
            out += line
            m = re.search(rb"\{(\d+)\}$", line)
            if not m:
                return out.decode("utf-8", "surrogateescape")
            n = int(m.group(1))
            while len(self.pending) < n:
                self._more()
            out += b"\r\n" + self.pending[:n]
            self.pending = self.pending[n:]

    def do(self, command, *literals):
        """(untagged lines, tagged text) of one command; literals are sent as
        their "+" comes, each ending the line so far."""
        self.count += 1
        tag = f"t{self.count}"
        parts = [command.encode() if isinstance(command, str) else command]
        self.send(tag.encode() + b" " + parts[0])
        untagged = []
        for literal, rest in literals:
            literal = literal.encode() if isinstance(literal, str) else literal
            self.send(b"{%d}\r\n" % len(literal))
            while not (line := self.line()).startswith("+"):
                if line.startswith(tag):
                    return untagged, line[len(tag) + 1:]
                untagged.append(line)
            self.send(literal + rest.encode())
        self.send(b"\r\n")
        return untagged + self.until(tag)[0], self.last

    def until(self, tag):
        lines = []
        while not (line := self.line()).startswith(tag + " "):
            lines.append(line)
        self.last = line[len(tag) + 1:]
        return lines, self.last

    def ok(self, command, *literals):
        untagged, text = self.do(command, *literals)
        assert text.startswith("OK"), (command, untagged, text)
        return untagged

    def no(self, command, *literals):
        untagged, text = self.do(command, *literals)
        assert text.startswith("NO"), (command, untagged, text)
        return text

    def bad(self, command, *literals):
        untagged, text = self.do(command, *literals)
        assert text.startswith("BAD"), (command, untagged, text)
        return text

    def append(self, mailbox, message, args=""):
        self.ok(f"APPEND {mailbox} {args}", (message, ""))
        m = re.search(r"APPENDUID (\d+) (\S+)\]", self.last)
        return int(m.group(2).split(":")[0])

    def close(self):
        self.sock.close()


class _Lib(imaplib.IMAP4):
    def __init__(self, client, greeting):
        self._client, self._greeting = client, greeting
        super().__init__()

    def open(self, host="", port=0, timeout=None):
        self.sock = self._client.sock
        self.file = self

    def readline(self, limit=-1):
        if self._greeting:
            line, self._greeting = self._greeting, None
            return line
        c = self._client
        while b"\n" not in c.pending:
            c._more()
        line, c.pending = c.pending.split(b"\n", 1)
        return line + b"\n"

    def read(self, size=-1):
        c = self._client
        while len(c.pending) < size:
            c._more()
        data, c.pending = c.pending[:size], c.pending[size:]
        return data

    def close_file(self):
        pass

    def shutdown(self):
        self.sock.close()


class ImapWorker(Harness):
    def __init__(self, folder, settings=None):
        self.auth = TicketAuth()
        super().__init__("imap", "imap", {"log_level": "debug", **(settings or {})}, [],
                         {"auth.redeem": self.auth})
        self.root = str(folder)
        self.sessions = 0

    def start(self):
        super().start()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        send(self.control, PEER, 0, put("login", "", False), theirs.fileno())
        theirs.close()
        self.login = ours
        return self

    def arrive(self, user, tag="L1", early=b"", ticket=None):
        self.sessions += 1
        if ticket is None:
            ticket = f"ticket-{self.sessions:09d}"
            self.auth.tickets[ticket] = user
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        send(self.login, 1, self.sessions,
             put(ticket, "192.0.2.1", True, tag, early, f"s{self.sessions}"),
             theirs.fileno())
        theirs.close()
        ours.settimeout(120)
        return ours

    def client(self, user="u@example.test", early=b""):
        c = ImapClient(self.arrive(user, early=early))
        assert c.line().startswith("L1 OK [CAPABILITY IMAP4rev1 ")
        return c

    def imaplib(self, user="u@example.test"):
        c = ImapClient(self.arrive(user))
        greeting = c.line().replace("L1 OK", "* PREAUTH", 1)
        return _Lib(c, greeting.encode() + b"\r\n")

    def maildir(self, user="u@example.test"):
        local, domain = user.split("@")
        return os.path.join(self.root, domain, local)
