"""IMAP on the running stack, the way Python's imaplib uses it: TLS, login, the
worker, and mail that arrives by SMTP meanwhile."""

import imaplib
import re
import time

import pytest

from stack import wait_for

MESSAGE = b"From: a@example.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nbody text\r\n"


@pytest.fixture
def user(shared_stack, request):
    """A fresh account on the shared stack."""
    name = re.sub(r"[^a-z0-9]", "-", request.node.name.lower())[:50]
    address = f"{name}@example.test"
    shared_stack.add_account(address, "secret-word")

    def login():
        try:
            return shared_stack.imap(address, "secret-word")
        except imaplib.IMAP4.error:
            return None
    wait_for(login, what="account").logout()
    return address, "secret-word"


def test_append_fetch_search_store_expunge(shared_stack, user):
    with shared_stack.imap(*user) as m:
        assert m.select()[0] == "OK"
        for i in range(3):
            assert m.append("INBOX", None, None, MESSAGE)[0] == "OK"
        assert m.noop()[0] == "OK"
        m.literal = "GRÜSSE".replace("SS", "ß").encode()
        assert m.search("UTF-8", "SUBJECT")[1] == [b"1 2 3"]
        assert m.search(None, "UNSEEN")[1] == [b"1 2 3"]
        assert m.fetch("2", "(RFC822)")[1][0][1] == MESSAGE
        assert m.search(None, "UNSEEN")[1] == [b"1 3"]
        m.store("1:2", "+FLAGS", "\\Deleted")
        assert m.expunge()[1] == [b"1", b"1"]
        assert m.status("INBOX", "(MESSAGES UNSEEN)")[1] == [b"INBOX (MESSAGES 1 UNSEEN 1)"]


def test_starttls_and_pipelined_login(shared_stack, user):
    m = imaplib.IMAP4("localhost", shared_stack.port(143), timeout=30)
    m.starttls(shared_stack.tls())
    address, password = user
    m.send(f'x1 LOGIN {address} {password}\r\nx2 SELECT INBOX\r\nx3 LOGOUT\r\n'.encode())
    text = b""
    while b"x3 OK" not in text:
        data = m.sock.recv(65536)
        assert data, text
        text += data
    assert b"x1 OK [CAPABILITY" in text and b"x2 OK [READ-WRITE]" in text and b"* BYE" in text


def talk(m, line, *more):
    """The lines that answer one command; more is sent as each "+" comes."""
    m.send(f"x {line}\r\n".encode())
    lines = []
    while not lines or not lines[-1].startswith(("x ", "* BAD")):
        lines.append(m.readline().decode().rstrip())
        assert lines[-1], lines
        if lines[-1].startswith("+"):
            m.send(more[0].encode() + b"\r\n")
            more = more[1:]
    return lines


@pytest.mark.parametrize("tls", [False, True])
def test_before_the_login(shared_stack, user, tls):
    """RFC 9051 3.1, 6.1, 6.2: the not authenticated state."""
    m = imaplib.IMAP4_SSL("localhost", shared_stack.port(993), ssl_context=shared_stack.tls(), timeout=10) if tls else \
        imaplib.IMAP4("localhost", shared_stack.port(143), timeout=10)
    with m:
        line, done = talk(m, "capability")
        told = line.split()
        assert {"IMAP4rev1", "IMAP4rev2", "AUTH=PLAIN", "SASL-IR"} <= set(told) and ("STARTTLS" in told) != tls
        for command in ("NOOP", "Id NIL", "ID (\"name\" \"x\")", "noop"):
            assert talk(m, command)[-1].startswith("x OK"), command
        for command in ("NOOP x", "LOGIN", "LOGIN a", "LOGIN a b c", "SELECT INBOX", "FETCH 1 FLAGS", "LIST \"\" *"):
            assert talk(m, command)[-1].startswith("x BAD"), command
        assert talk(m, "AUTHENTICATE X-NONE")[-1].startswith("x NO")
        for command in ("NONSENSE", "STARTTLS x", " NOOP", "AUTHENTICATE", "ENABLE QRESYNC"):
            assert talk(m, command)[-1].startswith("x BAD"), command
        assert talk(m, "NOOP")[-1].startswith("x OK")
        if tls:
            assert talk(m, "STARTTLS")[-1].startswith("x BAD")
            # 6.2.2: "*" cancels; what is no base64 is BAD too
            for answer in ("*", "!!!", ""):
                lines = talk(m, "AUTHENTICATE PLAIN", answer)
                assert lines[0].rstrip() == "+" and lines[-1].startswith("x BAD")
        lines = talk(m, "LOGOUT")
        assert lines[0].startswith("* BYE") and lines[-1].startswith("x OK")
        assert m.readline() == b""
        m.state = "LOGOUT"


@pytest.mark.parametrize("form", ["{%d}", "{%d+}"])
def test_login_by_literals(shared_stack, user, form):
    """RFC 9051 4.3: the server says of each that it may come."""
    with imaplib.IMAP4_SSL("localhost", shared_stack.port(993), ssl_context=shared_stack.tls(), timeout=10) as m:
        for password in ("", "wrong", user[1]):
            m.send(b"a LOGIN ")
            for i, text in enumerate((user[0], password)):
                m.send(b" "[:i] + (form % len(text)).encode() + b"\r\n")
                if "+" not in form:
                    assert m.readline().startswith(b"+ ")
                m.send(text.encode())
            m.send(b"\r\n")
            assert m.readline().startswith(b"a OK" if password == user[1] else b"a NO")
        m.send(b"b SELECT INBOX\r\n")
        while not (line := m.readline()).startswith(b"b "):
            pass
        assert line.startswith(b"b OK")


def test_large_append_and_fetch_through_tls(shared_stack, user):
    big = MESSAGE + b"a line that is one of very many lines\r\n" * 100000
    with shared_stack.imap(*user) as m:
        assert m.append("INBOX", None, None, big)[0] == "OK"
        m.select()
        assert m.fetch("1", "(BODY.PEEK[])")[1][0][1] == big


def test_idle_hears_a_delivery_by_smtp(shared_stack, user):
    address, _ = user
    with shared_stack.imap(*user) as m:
        m.select()
        m.send(b"i1 IDLE\r\n")
        assert m.readline().startswith(b"+")
        with shared_stack.smtp_submit(*user) as c:
            start = time.monotonic()
            c.sendmail(address, [address], f"From: {address}\r\nSubject: hi\r\n\r\nhi\r\n")
        while b"EXISTS" not in m.readline():
            pass
        assert time.monotonic() - start < 2
        m.send(b"DONE\r\n")
        while not m.readline().startswith(b"i1 OK"):
            pass


def test_another_session_is_not_disturbed_by_a_slow_reader(shared_stack, user):
    big = MESSAGE + b"x" * 70 + b"\r\n" + b"a line that is one of very many lines\r\n" * 200000
    with shared_stack.imap(*user) as slow, shared_stack.imap(*user) as other:
        assert slow.append("INBOX", None, None, big)[0] == "OK"
        slow.select()
        slow.send(b"s FETCH 1 BODY.PEEK[]\r\ns2 FETCH 1 BODY.PEEK[]\r\n")
        other.select()
        for _ in range(20):
            start = time.monotonic()
            other.noop()
            assert time.monotonic() - start < 0.5
        while not slow.readline().startswith(b"s2 OK"):
            pass


def test_worker_killed_loses_nothing_acknowledged(stack):
    m = stack.imap()
    assert m.append("INBOX", "(\\Flagged)", None, MESSAGE)[0] == "OK"
    stack.kill("imap")
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        m.noop()

    def again():
        try:
            return stack.imap()
        except (imaplib.IMAP4.error, OSError):
            return None
    with wait_for(again, what="login after the restart") as m:
        m.select()
        assert m.search(None, "FLAGGED")[1] == [b"1"]
