"""Law 1, from the inside: a service that another one turned against it closes
that channel and goes on serving the rest."""

import os
import random
import socket
import struct
import tempfile

import pytest
from harness import PEER, STATUS, STATUS_REPLY, Harness, Peer, put, receive, send

DOORS = {"keys": [""], "resolver": [""], "auth": ["lookup", "verify", "redeem", "mailbox"],
         "dkim": [""], "relay": [""], "deliver": [""], "queue": ["submit", "admin"], "imap": [""],
         "reports": ["mail", "note", "admin"]}
DIALS = {"dkim": ["keys", "resolver", "reports.note"], "relay": ["resolver"], "deliver": ["auth.mailbox"],
         "queue": ["deliver", "relay", "dkim", "auth.lookup", "reports.mail"], "imap": ["auth.redeem"],
         "reports": ["auth.lookup", "resolver"]}
FILES = {"auth": {"accounts": b"u@example.test|{PLAIN}x\n", "virtual": b"", "quotas": b""},
         "dkim": {"dkim-keytable": b"", "dkim-signingtable": b""},
         "deliver": {"mailboxes": b"u@example.test\n"}}
WORDS = [b"", b"u@example.test", b"../../etc", b"u@../x", b"\0", b"\xff" * 10, b"x" * 5000,
         b"127.0.0.1", b"Subject: x\r\n\r\nbody\r\n"]


class Liar(Peer):
    """Answers every question with whatever comes to mind."""

    def __init__(self, dice):
        super().__init__()
        self.dice = dice

    def on_frame(self, kind, ident, payload):
        self.send(kind + self.dice.randrange(2), ident, nonsense(self.dice))


def nonsense(dice):
    """Fields of the right shapes in no order at all."""
    out = b""
    for _ in range(dice.randrange(12)):
        out += dice.choice([
            put(dice.choice(WORDS)), put(dice.choice([True, False])),
            struct.pack(">I", dice.choice([0, 1, 3, 250, 65536, 2**32 - 1])),
            struct.pack(">Q", dice.choice([0, 100, 2**63, 2**64 - 1]))])
    return out[:dice.randrange(len(out) + 1)] if out and dice.random() < 0.1 else out


def some_file(dice):
    kind = dice.randrange(4)
    if kind == 0:
        return os.open("/", os.O_RDONLY)
    if kind == 1:
        return os.open("/dev/zero", os.O_RDONLY)
    if kind == 2:
        ends = socket.socketpair()
        ends[1].close()
        return ends[0].detach()
    with tempfile.TemporaryFile() as f:
        f.truncate(2**40)
        return os.dup(f.fileno())


def attack(harness, door, dice):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        send(harness.control, PEER, 0, put("evil", door, False), theirs.fileno())
        theirs.close()
        try:
            for _ in range(dice.randrange(1, 20)):
                fd = some_file(dice) if dice.random() < 0.3 else None
                try:
                    send(ours, dice.randrange(15), dice.randrange(4), nonsense(dice), fd)
                finally:
                    if fd is not None:
                        os.close(fd)
        except OSError:
            pass  # it has seen enough


@pytest.mark.parametrize("service", DOORS)
def test_nonsense_on_a_channel_ends_the_channel_only(service, tmp_path):
    dice = random.Random(service)
    peers = {name: Liar(dice) for name in DIALS.get(service, [])}
    h = Harness(service, service, {"hostname": "mail.example.test", "log_level": "warn"}, [],
                peers, FILES.get(service))
    h.root = str(tmp_path)
    h.start()
    try:
        for _ in range(300):
            attack(h, dice.choice(DOORS[service]), dice)
        send(h.control, STATUS, 77)
        h.control.settimeout(10)
        while (frame := receive(h.control))[:2] != (STATUS_REPLY, 77):
            pass
        assert "channel-bad-frame" in h.text()
        assert len(os.listdir(f"/proc/{h.process.pid}/fd")) < 60
    finally:
        h.kill()
        h.stop()
