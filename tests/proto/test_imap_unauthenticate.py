"""UNAUTHENTICATE (RFC 8437): the worker's half, with ourselves as login."""

import socket
import time

import pytest
from harness import get, receive

from imapworker import ImapClient, ImapWorker

LEAVE, LEFT = 2, 3


@pytest.fixture
def c(worker):
    worker.login.settimeout(20)
    return worker.client()


def left(worker):
    kind, ident, payload = receive(worker.login)
    assert kind == LEFT
    return ident, *get(payload, "bss")


def end(c):
    """All that is still said, up to the end."""
    data = c.pending
    while more := c.sock.recv(65536):
        data += more
    return data


def test_the_client_goes_back_with_what_it_sent(worker, c):
    c.ok("SELECT INBOX")
    c.send(b"u UNAUTHENTICATE\r\nx LOGIN a b\r\n")
    assert receive(worker.login) == (LEAVE, 1, b"")
    # On its way while login is told.
    c.send(b"y NOO")
    c.sock.shutdown(socket.SHUT_WR)
    assert left(worker) == (1, 1, "u", "x LOGIN a b\r\ny NOO")
    assert end(c) == b""
    assert "reason=unauthenticate" in worker.text()


def test_what_it_said_before_comes_out_first(worker, c):
    c.send(b"".join(b"a CAPABILITY\r\n" for _ in range(500)) + b"u UNAUTHENTICATE\r\n")
    # It waits for a client that does not read; then most of it is on its way.
    for _ in range(2 * 450):
        c.line()
    assert receive(worker.login) == (LEAVE, 1, b"")
    c.sock.shutdown(socket.SHUT_WR)
    assert left(worker) == (1, 1, "u", "")
    assert end(c).count(b"a OK ") == 50


def test_input_that_came_with_the_session(worker):
    worker.login.settimeout(20)
    c = worker.client(early=b"u UNAUTHENTICATE\r\nrest")
    assert receive(worker.login) == (LEAVE, 1, b"")
    c.send(b"more")
    c.sock.shutdown(socket.SHUT_WR)
    assert left(worker) == (1, 1, "u", "restmore")


@pytest.mark.parametrize("n,ok", [(32768, 1), (32769, 0), (400000, 0)])
def test_more_than_is_returned(worker, c, n, ok):
    c.send(b"u UNAUTHENTICATE\r\n")
    assert receive(worker.login) == (LEAVE, 1, b"")
    c.send(b"x" * n)
    c.sock.shutdown(socket.SHUT_WR)
    assert left(worker) == (1, ok, "u", "x" * n if ok else "")
    assert end(c) == (b"" if ok else b"* BYE Too much input behind UNAUTHENTICATE.\r\n")


def test_login_closes_the_pair_in_the_middle(worker, c):
    c.send(b"u UNAUTHENTICATE\r\n")
    assert receive(worker.login) == (LEAVE, 1, b"")
    c.sock.close()
    assert left(worker)[0] == 1
    worker.client().ok("NOOP")


def test_login_dies_in_the_middle(worker, c):
    c.send(b"u UNAUTHENTICATE\r\n")
    assert receive(worker.login) == (LEAVE, 1, b"")
    worker.login.close()
    time.sleep(0.3)
    c.send(b"more")
    c.sock.shutdown(socket.SHUT_WR)
    assert end(c) == b""
    assert worker.process.poll() is None


def test_login_died_before(worker, c):
    worker.login.close()
    time.sleep(0.3)
    c.send(b"u UNAUTHENTICATE\r\n")
    c.sock.shutdown(socket.SHUT_WR)
    assert end(c) == b""
    assert worker.process.poll() is None


def test_the_service_stops_in_the_middle(worker, c):
    c.send(b"u UNAUTHENTICATE\r\n")
    assert receive(worker.login) == (LEAVE, 1, b"")
    worker.stop_service()
    time.sleep(0.3)
    assert worker.process.poll() is None
    c.sock.shutdown(socket.SHUT_WR)
    assert left(worker) == (1, 1, "u", "")
    assert worker.process.wait(10) == 0


def test_idle_and_notify_say_nothing_more(worker, c):
    other = worker.client()
    c.ok("NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))")
    c.ok("SELECT INBOX")
    c.send(b"u UNAUTHENTICATE\r\n")
    assert receive(worker.login) == (LEAVE, 1, b"")
    other.append("INBOX", b"x: y\r\n\r\n")
    other.ok("CREATE new")
    c.sock.shutdown(socket.SHUT_WR)
    assert left(worker) == (1, 1, "u", "")
    assert end(c) == b""


def test_switched_off(tmp_path):
    with ImapWorker(tmp_path, settings={"imap_unauthenticate": 0}) as w:
        c = ImapClient(w.arrive("u@example.test"))
        assert "UNAUTHENTICATE" not in c.line()
        assert c.bad("UNAUTHENTICATE") == "BAD Unknown command"
