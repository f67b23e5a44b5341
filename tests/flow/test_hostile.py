"""Clients that do what no client should: nothing crashes, nothing grows, and
whoever behaves is served as if they were not there."""

import os
import re
import signal
import socket
import time

import pytest

MB = 1024


def memory(stack, process):
    """Resident memory in KB."""
    text = open(f"/proc/{stack.pid_of(process)}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))


def connect(stack, port, timeout=10):
    """A socket that has read the greeting."""
    sock = socket.create_connection(("127.0.0.1", stack.port(port)), timeout=timeout)
    if port in (465, 993):
        sock = stack.tls().wrap_socket(sock, server_hostname="localhost")
    assert sock.recv(1000)
    return sock


def everything(sock):
    """All that comes until the other side closes."""
    out = b""
    try:
        while data := sock.recv(65536):
            out += data
    except ConnectionError:
        pass
    return out


def alive(stack):
    return "process-died" not in stack.log()


# asking and never reading


@pytest.mark.parametrize("port,process,command", [
    (25, "smtp-mx", b"EHLO client.example.org\r\n"),
    (587, "smtp-submit", b"EHLO client.example.org\r\n"),
    (143, "login", b"a CAPABILITY\r\n"),
])
def test_who_asks_and_never_reads_is_not_listened_to(shared_stack, port, process, command):
    before = memory(shared_stack, process)
    sock = connect(shared_stack, port)
    sock.settimeout(0.5)
    sent = 0
    with pytest.raises(TimeoutError):  # and not a reset
        while sent < 64 << 20:
            sent += sock.send(command * 1000)
    assert memory(shared_stack, process) - before < 16 * MB
    # who reads at last gets every answer
    sock.settimeout(10)
    sock.shutdown(socket.SHUT_WR)
    got = everything(sock)
    asked = sent // len(command)
    assert got.count(b"CHUNKING\r\n" if port != 143 else b"a OK") == asked
    sock.close()


# TLS


@pytest.mark.parametrize("port,said,last", [
    (993, b"\r\n" * 100, b"* BYE Too many errors.\r\n"),
    (993, b"a LOGOUT\r\n", b"a OK Logout completed.\r\n"),
    (465, b"GET / HTTP/1.0\r\n\r\n", b"221 2.7.0 Error: I can break rules, too. Goodbye.\r\n"),
])
def test_words_behind_the_handshake_are_answered(shared_stack, port, said, last):
    for _ in range(10):
        plain = socket.create_connection(("127.0.0.1", shared_stack.port(port)), timeout=10)
        with shared_stack.tls().wrap_socket(plain, server_hostname="localhost") as sock:
            sock.sendall(said)
            assert everything(sock).endswith(last)


# disks


def test_a_maildir_without_its_empty_folders_is_mended(stack):
    user, _ = stack.demo
    message = b"Subject: x\r\n\r\nbody\r\n"

    def send():
        with stack.smtp() as c:
            c.sendmail("a@client.example.org", [user], message)

    send()
    stack.maildir(user, "tmp").rmdir()
    send()
    with stack.imap() as c:
        c.select()
        stack.maildir(user, "tmp").rmdir()
        assert c.append("INBOX", None, None, message)[0] == "OK"
        for path in stack.delivered(user):
            path.rename(stack.maildir(user, "cur") / path.name)
        stack.maildir(user, "new").rmdir()
        assert c.noop()[0] == "OK"
        send()
        assert c.select() == ("OK", [b"4"])
    assert "event=defer" not in stack.log()


def test_a_message_file_that_shrinks_while_it_is_read_harms_nobody(stack):
    user, password = stack.demo
    with stack.imap() as c:
        c.append("INBOX", None, None, b"Subject: x\r\n\r\n" + b"line of text\r\n" * 2000000)
    worker = stack.pid_of("imap")
    sock = connect(stack, 143)
    sock.sendall(b"a LOGIN %s %s\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\n"
                 % (user.encode(), password.encode()))
    got = b""
    while b"BODY[] {" not in got:
        got = sock.recv(1000)
    time.sleep(0.2)
    path, = stack.delivered(user)
    os.truncate(path, 20)
    sock.sendall(b"d LOGOUT\r\n")
    assert b"d OK" in everything(sock)[-100:]
    assert stack.pid_of("imap") == worker
    assert "message-shrank" in stack.log()


def test_nothing_of_an_upload_is_forgotten_while_the_worker_is_slow(stack):
    user, password = stack.demo
    worker = stack.pid_of("imap")
    sock = connect(stack, 993)
    sock.sendall(b"a LOGIN %s %s\r\n" % (user.encode(), password.encode()))
    assert b"a OK" in sock.recv(1000)
    for size in range(200000, 330000, 5000):  # the last record is cut anywhere
        os.kill(worker, signal.SIGSTOP)
        sock.sendall(b"b APPEND INBOX {%d+}\r\n" % size + b"x" * size + b"\r\n")
        time.sleep(0.02)
        os.kill(worker, signal.SIGCONT)
        assert b"b OK" in sock.recv(1000)
