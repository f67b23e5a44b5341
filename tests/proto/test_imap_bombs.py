"""Messages made to cost: no crash, no growth, nobody else waits."""

import base64
import os
import threading
import time

import pytest

CRLF = b"\r\n"
LINE = base64.b64encode(b"x" * 57) + CRLF
LINES = 1300000  # 100 MB
FIRST = b"From: a@b.test\r\nSubject: bomb\r\nDate: 1 Jan 2001 01:01:01 +0000\r\nMIME-Version: 1.0\r\n"


def typed(kind):
    return FIRST + b"Content-Type: " + kind + CRLF + CRLF


def nested(n):
    out = FIRST
    for i in range(n):
        out += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i)
    return out + b"\r\nneedle\r\n"


BOMBS = {
    "parts": typed(b"multipart/mixed; boundary=b") + b"--b\r\n\r\nneedle\r\n" * 10000 + b"--b--\r\n",
    "parts of much": typed(b"multipart/mixed; boundary=b")
    + b"--b\r\nContent-Type: application/pdf; name=\"a\"\r\nContent-Disposition: attachment\r\n\r\nx\r\n" * 10000 + b"--b--\r\n",
    "depth": nested(1000),
    "messages in messages": typed(b"message/rfc822") * 1000 + b"needle\r\n",
    "digests": typed(b"multipart/digest; boundary=b") + (b"--b\r\n\r\n" + FIRST) * 5000 + b"\r\nneedle\r\n",
    "fields": FIRST + b"".join(b"X-%d: y\r\n" % i for i in range(100000)) + b"\r\nneedle\r\n",
    "equal fields": FIRST + b"To: a@b.test\r\nContent-Type: text/plain; a=b\r\n" * 50000 + b"\r\nneedle\r\n",
    "header": FIRST + b"X: " + b"y" * (1 << 20) + b"\r\n\r\nneedle\r\n",
    "folded header": FIRST + b"X: a\r\n" + b" yyyyyyyyyyyyyyyyy\r\n" * 60000 + b"\r\nneedle\r\n",
    "addresses": FIRST + b"To: " + b"a@b.test, " * 100000 + b"c@d.test\r\n\r\nneedle\r\n",
    "parameters": FIRST + b"Content-Type: text/plain" + b"; a*0=b; c=d" * 50000 + b"\r\n\r\nneedle\r\n",
    "references": FIRST + b"References: " + b"<a@b> " * 100000 + b"\r\n\r\nneedle\r\n",
    "encoded words": FIRST + b"Subject: " + b"=?utf-8?q?=C3=A4?= " * 50000 + b"\r\n\r\nneedle\r\n",
    "boundaries": typed(b"multipart/mixed; boundary=" + b"-" * 200) + b"-" * 200 + CRLF + (b"-" * 150 + CRLF) * 50000 + b"needle",
    "comments": FIRST + b"To: " + b"(" * 500000 + b"\r\nContent-Type: " + b"(" * 100000 + b"\r\n\r\nneedle\r\n",
    "HTML": typed(b"text/html") + b"<p>" * 300000 + b"needle" + b"<" * 300000,
    "line": typed(b"text/plain") + b"a" * (5 << 20) + b" needle",
}
COMMANDS = ("FETCH 1 (ENVELOPE BODY BODYSTRUCTURE RFC822.SIZE)", "FETCH 1 PREVIEW", "FETCH 1 BODY.PEEK[HEADER]<0.1000>",
            "FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT TO X X-99999)]", "FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (X)]<0.100>",
            "FETCH 1 BODY.PEEK[1.1.1.1.1.1]<0.100>", "FETCH 1 BODY.PEEK[1000]<0.100>", "FETCH 1 BINARY.SIZE[1]",
            "SEARCH TEXT needle", "SEARCH BODY nothing", "SEARCH SUBJECT bomb TO b FROM a@b HEADER X y",
            "SORT (SUBJECT FROM TO CC DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL")


class Beside:
    """Another session that says NOOP all the time; worst is its longest wait."""

    def __init__(self, worker):
        self.c = worker.client("other@example.test")
        self.c.ok("SELECT INBOX")
        self.worst, self.done = 0, False

    def run(self):
        while not self.done:
            start = time.monotonic()
            self.c.ok("NOOP")
            self.worst = max(self.worst, time.monotonic() - start)
            time.sleep(0.002)

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.done = True
        self.thread.join()


def put(worker, message):
    """Into new/, as another program does it; APPEND is not the subject here."""
    folder = worker.maildir()
    for name in ("cur", "new", "tmp"):
        os.makedirs(f"{folder}/{name}", exist_ok=True)
    with open(f"{folder}/new/1000000000.M1P1.host", "wb") as f:
        for piece in message:
            f.write(piece)


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(worker, name):
    slow = 10 if worker.sanitized() else 1
    put(worker, [BOMBS[name]])
    with Beside(worker) as beside:
        c = worker.client()
        before = worker.memory()
        c.ok("SELECT INBOX")
        for command in COMMANDS:
            start = time.monotonic()
            lines = c.ok(command)
            assert time.monotonic() - start < 2 * slow, command
            assert sum(map(len, lines)) < 4 << 20, command
        grown = worker.memory() - before
    assert grown < slow * 8 << 20
    assert beside.worst < slow * 0.2  # 0.01 on an idle machine


def test_an_attachment_of_100_mb(worker):
    slow = 10 if worker.sanitized() else 1
    text = b"--b\r\nContent-Type: text/plain\r\n\r\nfirst words\r\n"
    head = b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    thousand = LINE * 1000
    pieces = [typed(b"multipart/mixed; boundary=b"), text, head, *[thousand] * (LINES // 1000), b"--b--\r\n"]
    size = sum(map(len, pieces))
    put(worker, pieces)
    with Beside(worker) as beside:
        c = worker.client()
        before = worker.memory()
        c.ok("SELECT INBOX")
        line, = c.ok("FETCH 1 (RFC822.SIZE BODYSTRUCTURE)")
        assert f"RFC822.SIZE {size} " in line and f'NIL NIL "base64" {len(LINE) * LINES - 2} NIL' in line
        assert c.ok("FETCH 1 BODY.PEEK[2]<0.1000>")[0].endswith("{1000}\r\n" + thousand[:1000].decode() + ")")
        line, = c.ok("FETCH 1 BODY.PEEK[2]<100000000.10>")
        assert line.endswith((LINE * 2)[100000000 % len(LINE):][:10].decode() + ")")
        assert c.ok("FETCH 1 PREVIEW") == ["* 1 FETCH (PREVIEW {11}\r\nfirst words)"]
        assert c.ok("SEARCH TEXT nowhere") == ["* SEARCH"]
        assert c.ok("FETCH 1 BINARY.SIZE[2]") == [f"* 1 FETCH (BINARY.SIZE[2] {57 * LINES})"]
        # decoded as it goes out, and the client reads slowly at first
        c.send("big FETCH 1 BINARY.PEEK[2]\r\n")
        time.sleep(0.3)
        head = b"* 1 FETCH (BINARY[2] {%d}\r\n" % (57 * LINES)
        got, peak = 0, worker.memory()
        while got < len(head) + 57 * LINES:
            got += len(c.sock.recv(min(1 << 20, len(head) + 57 * LINES - got)))
            if got % 16 == 0:
                peak = max(peak, worker.memory())
        assert c.line() == ")"
        assert c.until("big")[1].startswith("OK")
    assert worker.sanitized() or max(peak, worker.memory()) - before < 8 << 20
    assert beside.worst < slow * 0.2
