"""COMPRESS=DEFLATE (RFC 4978) over a socket pair."""

import os
import time
import zlib

import pytest

from imapworker import ImapClient

MESSAGE = b"From: a@b.test\r\nSubject: pressed\r\n\r\n" + b"the same line again\r\n" * 2000


class ZipClient(ImapClient):
    """Talks DEFLATE from the OK of COMPRESS on."""

    def __init__(self, sock, flush=zlib.Z_SYNC_FLUSH):
        super().__init__(sock)
        self.out, self.back, self.flush = None, None, flush
        self.raw_in = self.raw_out = 0

    def compress(self):
        self.ok("COMPRESS DEFLATE")
        self.start()

    def start(self):
        self.out = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.back = zlib.decompressobj(-15)

    def send(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        if self.out is not None:
            data = self.out.compress(data) + self.out.flush(self.flush)
        self.raw_out += len(data)
        self.sock.sendall(data)

    def _more(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError(self.pending)
        self.raw_in += len(data)
        self.pending += self.back.decompress(data) if self.back is not None else data


def zipped(worker, user="u@example.test", **how):
    c = ZipClient(worker.arrive(user), **how)
    assert "COMPRESS=DEFLATE" in c.line()
    c.compress()
    return c


@pytest.fixture
def c(worker):
    c = zipped(worker)
    c.ok("SELECT INBOX")
    return c


def test_a_session_in_both_directions(c):
    assert c.append("INBOX", MESSAGE) == 1
    line, = c.ok("FETCH 1 BODY.PEEK[]")
    assert line == f"* 1 FETCH (BODY[] {{{len(MESSAGE)}}}\r\n{MESSAGE.decode()})"
    assert c.raw_in < len(MESSAGE) / 10 and c.raw_out < len(MESSAGE) / 10
    c.send("i IDLE\r\n")
    assert c.line().startswith("+")
    c.send("DONE\r\n")
    assert c.line().startswith("i OK")
    c.send("x LOGOUT\r\n")
    assert c.line() == "* BYE Logging out"
    assert c.line().startswith("x OK")


def test_only_once_and_only_deflate(worker, c):
    assert c.no("COMPRESS DEFLATE").startswith("NO [COMPRESSIONACTIVE]")
    c.ok("NOOP")
    plain = worker.client()
    for args in ("", " ", " LZMA", " DEFLATE x", ' "DEFLATE"'):
        plain.bad("COMPRESS" + args)
    plain.ok("NOOP")


def test_what_is_pipelined_behind_it_is_compressed(worker):
    c = ZipClient(worker.arrive("u@example.test"))
    c.line()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = deflate.compress(b"b NOOP\r\nc NOOP\r\n") + deflate.flush(zlib.Z_SYNC_FLUSH)
    c.send(b"a COMPRESS DEFLATE\r\n" + rest)
    assert c.line().startswith("a OK")
    # The answer that follows may have come with the OK.
    held, c.pending = c.pending, b""
    c.start()
    c.out = deflate
    c.pending = c.back.decompress(held)
    assert c.line().startswith("b OK")
    assert c.line().startswith("c OK")
    c.ok("NOOP")


def test_what_came_with_the_login_may_go_on_compressed(worker):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = deflate.compress(b"b NOOP\r\n" * 20) + deflate.flush(zlib.Z_SYNC_FLUSH)
    c = ZipClient(worker.arrive("u@example.test", early=b"a COMPRESS DEFLATE\r\n" + rest))
    c.line()
    assert c.line().startswith("a OK")
    held, c.pending = c.pending, b""
    c.start()
    c.out = deflate
    c.pending = c.back.decompress(held)
    for _ in range(20):
        assert c.line().startswith("b OK")
    c.ok("NOOP")


def test_plain_text_behind_it_ends_the_session(worker):
    c = zipped(worker)
    c.out = None
    c.send(b"\xff\xff\xff\xff\r\n")
    assert c.line().startswith("* BYE Not a compressed stream")
    with pytest.raises(EOFError):
        c.line()


def test_a_bomb_of_commands_is_served_in_turn_with_others(worker, c):
    """A few KB that stand for 50,000 commands."""
    other = worker.client()
    other.ok("SELECT INBOX")
    start = worker.memory()
    deflate = c.out
    bomb = deflate.compress(b"b NOOP\r\n" * 50000) + deflate.flush(zlib.Z_SYNC_FLUSH)
    c.sock.sendall(bomb)
    for _ in range(20):
        other.ok("NOOP")
        assert worker.memory() - start < 32 << 20
    for _ in range(50000):
        assert c.line().startswith("b OK")
    c.ok("NOOP")


def test_a_bomb_that_is_one_line_meets_the_cap(c):
    deflate = c.out
    c.sock.sendall(deflate.compress(b"a" * (100 << 20)) + deflate.flush(zlib.Z_SYNC_FLUSH))
    assert "too long" in c.line()
    assert c.line().startswith("* BYE")


def test_a_client_that_never_reads_costs_little(worker, c):
    start = worker.memory()
    c.append("INBOX", b"Subject: x\r\n\r\n" + os.urandom(1000000).hex().encode() + b"\r\n")
    c.send("".join(f"f{i} FETCH 1 BODY.PEEK[]\r\n" for i in range(12)))
    other = worker.client()
    for _ in range(20):
        other.ok("NOOP")
        assert worker.memory() - start < 32 << 20
    for i in range(12):
        assert c.until(f"f{i}")[1].startswith("OK")


def test_they_go_on_after_a_sleep(worker):
    clients = [zipped(worker, flush=flush)
               for flush in (zlib.Z_SYNC_FLUSH, zlib.Z_PARTIAL_FLUSH, zlib.Z_FULL_FLUSH)]
    for c in clients:
        c.ok("SELECT INBOX")
    for _ in range(2):
        for c in clients:
            c.append("INBOX", MESSAGE)
        time.sleep(3.5)  # longer than they are kept awake
        for c in clients:
            assert any(line.startswith("* SEARCH 1") for line in c.ok("SEARCH SUBJECT pressed"))


def test_an_idle_connection_gives_its_memory_back(worker):
    """What one compressed connection costs while nothing is said."""
    plain = [worker.client(f"p{i}@example.test") for i in range(100)]
    for c in plain:
        c.ok("NOOP")
    base = worker.memory()
    clients = [zipped(worker, f"z{i}@example.test") for i in range(100)]
    for c in clients:
        for _ in range(20):
            c.ok("CAPABILITY")
    # A sanitizer keeps what was freed for a while.
    most = 100 * (2048 if worker.sanitized() else 16) << 10
    end = time.monotonic() + 60
    while (asleep := worker.memory() - base) > most and time.monotonic() < end:
        time.sleep(0.2)
    print(f"a compressed connection that sleeps: {asleep // 100} bytes")
    assert asleep <= most
    for c in clients:
        c.ok("NOOP")
