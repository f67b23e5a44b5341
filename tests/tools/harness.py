"""Plays the supervisor, and the peers, for one service program.

For tests of one process alone with scripted answers of its peers:

    auth, queue = FakeAuth(users={"u@b.test"}), FakeQueue()
    with Harness("smtp", "smtp-mx", {"hostname": "mx.b.test"},
                 ports=["25"], peers={"auth.lookup": auth, ...}) as h:
        s = h.connect("25")

The frames are those of lib/wire: SOCK_SEQPACKET, u16 type, u32 id, payload,
at most one descriptor.
"""

import array
import os
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("PILLARBOX_BIN", ROOT / "build" / "bin")).resolve()
VERSION = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M).group(1)

CONFIG, FILE, LISTEN, PEER, GO, STOP, STATUS, READY, STATUS_REPLY, FILE_BAD = range(1, 11)


def put(*fields):
    """str and bytes become slices, bool a byte, int (u32), ("u8"|"u64", int)."""
    out = b""
    for f in fields:
        if isinstance(f, str):
            f = f.encode()
        if isinstance(f, bytes):
            out += struct.pack(">I", len(f)) + f
        elif isinstance(f, bool):
            out += bytes([f])
        elif isinstance(f, tuple):
            out += struct.pack({"u8": ">B", "u64": ">Q"}[f[0]], f[1])
        else:
            out += struct.pack(">I", f)
    return out


def get(payload, form):
    """form: b bool or u8, i u32, q u64, s slice. All of it, or an error."""
    out, at = [], 0
    for f in form:
        if f == "s":
            n = struct.unpack_from(">I", payload, at)[0]
            out.append(payload[at + 4:at + 4 + n].decode(errors="replace"))
            at += 4 + n
        else:
            kind = {"b": ">B", "i": ">I", "q": ">Q"}[f]
            out.append(struct.unpack_from(kind, payload, at)[0])
            at += struct.calcsize(kind)
    assert at == len(payload), f"{len(payload) - at} bytes left"
    return out


def send(sock, kind, ident, payload=b"", fd=None):
    rights = [] if fd is None else \
        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
    sock.sendmsg([struct.pack(">HI", kind, ident) + payload], rights)


def receive(sock):
    """(type, id, payload), or None when the other side is gone."""
    try:
        frame = sock.recv(1 << 17)
    except OSError:
        return None
    if not frame:
        return None
    return (*struct.unpack_from(">HI", frame), frame[6:])


class Peer:
    """A fake peer: on_frame answers with self.send, on its own thread."""

    def __init__(self):
        self.sock = None
        self.frames = []
        self.silent = False

    def attach(self, sock):
        self.sock = sock
        threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock):
        while frame := receive(sock):
            self.frames.append(frame)
            if not self.silent:
                self.on_frame(*frame)

    def send(self, kind, ident, payload=b"", fd=None):
        try:
            send(self.sock, kind, ident, payload, fd)
        except OSError:
            pass  # the service is gone already; its test will see that

    def on_frame(self, kind, ident, payload):
        raise NotImplementedError


class FakeAuth(Peer):
    """lookup and verify doors of wire/auth.h."""

    RCPT, SENDER, VERIFY = 1, 3, 9
    OK, UNKNOWN, NOT_OURS, LOOP, LATER = range(5)

    def __init__(self, users=(), passwords=None, owners=None):
        super().__init__()
        self.users = set(users)
        self.domains = {u.split("@")[1] for u in users}
        self.passwords = passwords or {}  # or None for LATER
        self.owners = owners or {}
        self.results = {}  # address: result, to force one
        self.aliases = {}  # address: [(local, address)]

    def on_frame(self, kind, ident, payload):
        {self.RCPT: self.rcpt, self.SENDER: self.sender,
         self.VERIFY: self.verify}[kind](ident, payload)

    def rcpt(self, ident, payload):
        address, = get(payload, "s")
        targets = self.aliases.get(address, [])
        if address in self.results:
            result = self.results[address]
        elif targets:
            result = self.OK
        elif address in self.users:
            result, targets = self.OK, [(True, address)]
        elif address.rsplit("@", 1)[1] in self.domains:
            result = self.UNKNOWN
        else:
            result = self.NOT_OURS
        body = put(("u8", result), len(targets))
        for local, target in targets:
            body += put(("u8", 0 if local else 1), target)
        self.send(self.RCPT + 1, ident, body)

    def sender(self, ident, payload):
        user, address = get(payload, "ss")
        self.send(self.SENDER + 1, ident, put(address in self.owners.get(user, ())))

    def verify(self, ident, payload):
        service, ip, authzid, user, password = get(payload, "bssss")
        known = self.passwords.get(user, "")
        result = 3 if known is None else 0 if known and known == password else 1
        self.send(self.VERIFY + 1, ident,
                  put(("u8", result), user if result == 0 else "", "", b"", b""))


class FakeQueue(Peer):
    """submit door of wire/queue.h; keeps what was committed in messages."""

    OPEN, OPENED, RCPT, COMMIT, ABORT, RESULT = range(1, 7)

    def __init__(self):
        super().__init__()
        self.open = {}
        self.messages = []
        self.aborted = 0
        self.result = (250, "2.0.0", None)  # None: Ok: queued as ID
        self.refuse = None                  # answer OPEN with this result
        self.file = None                    # path to give instead of a real file
        self.hold = False                   # do not answer OPEN

    def on_frame(self, kind, ident, payload):
        {self.OPEN: self.on_open, self.RCPT: self.on_rcpt,
         self.COMMIT: self.on_commit, self.ABORT: self.on_abort}[kind](ident, payload)

    def on_open(self, ident, payload):
        names = ("submission", "user", "ip", "rdns", "helo", "esmtp", "tls", "sender",
                 "size", "body_8bit", "smtputf8", "ret", "envid")
        m = dict(zip(names, get(payload, "bssssbssqbbss")), rcpts=[])
        m["id"] = f"QID{ident:07d}"
        if self.refuse:
            self.send(self.RESULT, ident, put(*self.refuse))
            return
        if self.hold:
            return
        m["file"] = tempfile.TemporaryFile()
        fd = os.open(self.file, os.O_WRONLY) if self.file else os.dup(m["file"].fileno())
        self.open[ident] = m
        self.send(self.OPENED, ident, put(m["id"]), fd)
        os.close(fd)

    def on_rcpt(self, ident, payload):
        address, orcpt, notify, count = get(payload[:self._head(payload)], "ssbi")
        targets = get(payload[self._head(payload):], "bs" * count)
        self.open[ident]["rcpts"].append({
            "address": address, "orcpt": orcpt, "notify": notify,
            "targets": list(zip(targets[::2], targets[1::2]))})

    @staticmethod
    def _head(payload):
        n = 0
        for _ in range(2):
            n += 4 + struct.unpack_from(">I", payload, n)[0]
        return n + 5

    def on_commit(self, ident, payload):
        m = self.open.pop(ident)
        m["file"].seek(0)
        m["data"] = m["file"].read()
        assert get(payload, "q") == [len(m["data"])]
        self.messages.append(m)
        code, enhanced, text = self.result
        self.send(self.RESULT, ident,
                  put(code, enhanced, text or f"Ok: queued as {m['id']}"))

    def on_abort(self, ident, payload):
        self.open.pop(ident, None)
        self.aborted += 1


class FakeResolver(Peer):
    """names: {(name, type): [rdata]}; anything else does not exist."""

    def __init__(self, names=None):
        super().__init__()
        self.names = names or {}

    def on_frame(self, kind, ident, payload):
        name, rtype = get(payload, "si")
        found = self.names.get((name, rtype), [])
        self.send(2, ident, put(("u8", 0 if found else 2), False, 60, "", len(found), *found))


class FakeSpf(Peer):
    """The door spf of wire/dkim.h. refused: {sender: why}."""

    def __init__(self, refused=None):
        super().__init__()
        self.refused = refused or {}

    def on_frame(self, kind, ident, payload):
        assert kind == 5
        ip, helo, sender = get(payload, "sss")
        self.send(6, ident, put(self.refused.get(sender, "")))


class Harness:
    def __init__(self, program, name, settings, ports, peers, files=None, env=None,
                 address="127.0.0.1"):
        self.program, self.name = program, name
        self.settings, self.peers = dict(settings), peers
        self.files = files or {}
        self.env = env
        self.address = address
        self.root = ""  # folder the process may use
        self.log = tempfile.TemporaryFile()
        self.listeners = {}
        self.clients = []
        for port in ports:
            sock = socket.create_server((address, 0), backlog=200)
            sock.setblocking(False)
            self.listeners[port] = sock

    def start(self):
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        def take_three():
            os.dup2(theirs.fileno(), 3)
        self.process = subprocess.Popen(
            [BIN / self.program], stderr=self.log, close_fds=False,
            preexec_fn=take_three, env=self.env)
        theirs.close()
        pairs = "".join(f"{k}={v}\0" for k, v in self.settings.items())
        send(self.control, CONFIG, 0, put(VERSION, self.name, 0, 0, self.root, pairs))
        for name, content in self.files.items():
            self.give_file(name, content)
        for port, sock in self.listeners.items():
            send(self.control, LISTEN, 0, put(port), sock.fileno())
        for name, peer in self.peers.items():
            self.give_peer(name, peer)
        send(self.control, GO, 0)
        frame = receive(self.control)
        assert frame and frame[0] == READY, self.text()
        return self

    def give_file(self, name, content):
        with tempfile.TemporaryFile() as f:
            f.write(content)
            f.flush()
            send(self.control, FILE, 0, put(name), f.fileno())

    def give_peer(self, name, peer):
        """Also again: the peer was restarted."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.attach(ours)
        send(self.control, PEER, 0, put(name, "", True), theirs.fileno())
        theirs.close()

    def lose_peer(self, peer):
        peer.sock.shutdown(socket.SHUT_RDWR)
        peer.sock.close()

    def stop_service(self):
        """Asks it to stop; does not wait."""
        send(self.control, STOP, 0)

    def kill(self):
        """Ends it at once, and waits: a stop() behind it finds no process half gone."""
        self.process.kill()
        self.process.wait()

    def port(self, name):
        return self.listeners[name].getsockname()[1]

    def connect(self, name):
        s = socket.create_connection((self.address, self.port(name)), timeout=10)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.clients.append(s)
        return s

    def memory(self):
        """Bytes of the process that are no file's."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("RssAnon")) * 1024

    def sanitized(self):
        with open(f"/proc/{self.process.pid}/maps") as f:
            return "libasan" in f.read()

    def text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def stop(self):
        for s in self.clients:
            s.close()
        if self.process.poll() is None:
            self.stop_service()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        for sock in self.listeners.values():
            sock.close()
        self.control.close()
        return self.process.returncode

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        status = self.stop()
        if kind is not None:
            print(self.text(), file=sys.stderr)
        else:
            assert status == 0, f"exit {status}\n{self.text()}"


class Client:
    """A line at a time, for dialogues in Python."""

    def __init__(self, sock):
        self.sock = sock
        self.pending = b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        while b"\r\n" not in self.pending:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.pending += data
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line.decode()

    def reply(self):
        """The last line of a reply, or None at the end of the connection."""
        while (line := self.line()) is not None and line[3:4] == "-":
            pass
        return line

    def do(self, command):
        self.send(command + "\r\n")
        return self.reply()

    def quiet(self, seconds=0.2):
        """True if nothing comes for a while."""
        return not self.pending and not select.select([self.sock], [], [], seconds)[0]

    def tls(self, context, name="localhost"):
        self.sock = context.wrap_socket(self.sock, server_hostname=name)
        self.pending = b""


class Inbound:
    """Something that dials a service: our end of a channel into it."""

    def __init__(self, harness, name):
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(30)
        send(harness.control, PEER, 0, put(name, "", False), theirs.fileno())
        theirs.close()
        self.ident = 0


class ResolverClient(Inbound):
    """Asks the resolver, as another service does."""

    def ask(self, name, rtype):
        """(status, [rdata])"""
        self.ident += 1
        send(self.sock, 1, self.ident, put(name, rtype))
        kind, ident, payload = receive(self.sock)
        assert (kind, ident) == (2, self.ident)
        status, self.secure, at = payload[0], payload[1] == 1, 6
        n = int.from_bytes(payload[at:at + 4], "big")
        at += 4 + n
        count, records = int.from_bytes(payload[at:at + 4], "big"), []
        at += 4
        for _ in range(count):
            n = int.from_bytes(payload[at:at + 4], "big")
            records.append(payload[at + 4:at + 4 + n])
            at += 4 + n
        assert at == len(payload)
        return status, records
