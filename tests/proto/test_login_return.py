"""UNAUTHENTICATE (RFC 8437): login's half, with ourselves as a worker that may
do anything."""

import array
import socket
import struct
import subprocess
import time

import pytest
from harness import FakeAuth, Harness, Peer, get, put

LEAVE, LEFT = 2, 3
USER, PASSWORD = "u@example.test", "pw"


class FakeImap(Peer):
    """Keeps the pair of each client."""

    def __init__(self):
        super().__init__()
        self.sessions = []  # (id, pair, tag, input)

    def _run(self, sock):
        while True:
            try:
                data, rights, _, _ = sock.recvmsg(1 << 17, socket.CMSG_SPACE(4))
            except OSError:
                return
            if not data:
                return
            fds = array.array("i")
            fds.frombytes(rights[0][2][:4])
            _, ident = struct.unpack_from(">HI", data)
            _, _, _, tag, early, _ = get(data[6:], "ssbsss")
            pair = socket.socket(fileno=fds[0])
            pair.settimeout(20)
            self.sessions.append((ident, pair, tag, early))
            pair.sendall(f"{tag} OK [CAPABILITY X] in\r\n".encode())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    d = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", d / "key", "-out", d / "cert", "-subj", "/CN=localhost"], check=True,
                   stderr=subprocess.DEVNULL)
    return {"tls-cert": (d / "cert").read_bytes(), "tls-key": (d / "key").read_bytes(), "tls": b""}


@pytest.fixture
def imap():
    return FakeImap()


@pytest.fixture
def login(certificate, imap):
    with Harness("login", "login", {"log_level": "debug"}, ["143"],
                 {"auth.verify": FakeAuth(passwords={USER: PASSWORD}), "imap": imap}, certificate) as h:
        yield h


class Client:
    def __init__(self, login):
        self.sock = login.connect("143")
        self.sock.settimeout(20)
        self.file = self.sock.makefile("rb")
        assert self.line().startswith("* OK [CAPABILITY ")

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def send(self, text):
        self.sock.sendall(text.encode())

    def enter(self, imap, tag="a"):
        """Logs in; what the worker knows of it."""
        before = len(imap.sessions)
        self.send(f"{tag} LOGIN {USER} {PASSWORD}\r\n")
        assert self.line() == f"{tag} OK [CAPABILITY X] in"
        return imap.sessions[before][:2]


@pytest.fixture
def c(login):
    return Client(login)


def until_end(pair):
    data = b""
    while more := pair.recv(65536):
        data += more
    return data


@pytest.mark.parametrize("close_first", [True, False])
def test_there_and_back(imap, c, close_first):
    for tag in "xyz":
        ident, pair = c.enter(imap)
        pair.sendall(b"* 1 EXISTS\r\n")
        imap.send(LEAVE, ident)
        assert until_end(pair) == b""
        pair.sendall(b"* 2 EXISTS\r\n")
        if close_first:
            pair.close()
            time.sleep(0.2)
        imap.send(LEFT, ident, put(True, tag, f"{tag}1 NOOP\r\n{tag}2 NO"))
        if not close_first:
            time.sleep(0.2)
            pair.close()
        # Sent long ago, and so behind what went to the worker.
        c.send("OP\r\n")
        assert [c.line() for _ in range(2)] == ["* 1 EXISTS", "* 2 EXISTS"]
        assert c.line().startswith(f"{tag} OK [CAPABILITY IMAP4rev1 ")
        assert [c.line() for _ in range(2)] == [f"{tag}1 OK NOOP completed.", f"{tag}2 OK NOOP completed."]


def test_an_answer_that_is_given_is_not_given_again(imap, c):
    ident, pair = c.enter(imap)
    imap.send(LEAVE, ident)
    until_end(pair)
    imap.send(LEFT, ident, put(True, "", ""))
    pair.close()
    c.send("n NOOP\r\n")
    assert c.line() == "n OK NOOP completed."


def test_what_is_returned_goes_on_to_the_next_worker(imap, c):
    ident, pair = c.enter(imap)
    imap.send(LEAVE, ident)
    until_end(pair)
    rest = "".join(f"r{i} NOOP\r\n" for i in range(3000))[:32000]
    imap.send(LEFT, ident, put(True, "u", f"b LOGIN {USER} {PASSWORD}\r\n" + rest))
    pair.close()
    c.send("and more\r\n")
    assert c.line().startswith("u OK")
    assert c.line() == "b OK [CAPABILITY X] in"
    _, pair, _, early = imap.sessions[1]
    pair.settimeout(1)
    while len(early) < len(rest) + 10:
        early += pair.recv(65536).decode()
    assert early == rest + "and more\r\n"


@pytest.mark.parametrize("payload", [put(False, "u", ""), b"", b"\x02", put(True, "u"), put(True, "u", "", ""),
                                     put(True, "u" * 300, ""), put(True, "u", "x" * 40000)])
def test_a_worker_that_cannot_or_talks_nonsense(login, imap, c, payload):
    ident, pair = c.enter(imap)
    imap.send(LEAVE, ident)
    until_end(pair)
    pair.sendall(b"* BYE sorry\r\n")
    imap.send(LEFT, ident, payload)
    pair.close()
    assert [c.line(), c.line()] == ["* BYE sorry", ""]
    Client(login).enter(imap)


def test_a_worker_that_dies_in_the_middle(login, imap, c):
    ident, pair = c.enter(imap)
    imap.send(LEAVE, ident)
    until_end(pair)
    pair.close()
    time.sleep(0.2)
    login.lose_peer(imap)
    assert c.line() == ""


def test_words_that_make_no_sense_are_ignored(imap, c):
    ident, pair = c.enter(imap)
    imap.send(LEAVE, ident + 1000)
    imap.send(LEFT, ident + 1000, put(True, "x", "y NOOP\r\n"))
    imap.send(77, ident + 1000)
    imap.send(LEFT, ident, put(True, "x", "y NOOP\r\n"))  # it was not leaving
    imap.send(LEAVE, ident)  # and now it is over
    c.send("z NOOP\r\n")
    assert pair.recv(100) == b"z NOOP\r\n"
    pair.close()
    assert c.line() == ""


def test_leaving_twice_is_leaving(imap, c):
    ident, pair = c.enter(imap)
    for _ in range(3):
        imap.send(LEAVE, ident)
    until_end(pair)
    pair.close()
    imap.send(LEFT, ident, put(True, "u", ""))
    assert c.line().startswith("u OK")


def test_clients_that_go_in_the_middle(login, imap):
    for i in range(20):
        c = Client(login)
        ident, pair = c.enter(imap)
        imap.send(LEAVE, ident)
        if i % 2:
            until_end(pair)
        c.file.close()
        c.sock.close()
        imap.send(LEFT, ident, put(True, "u", "x NOOP\r\n"))
        pair.close()
    Client(login).enter(imap)


def test_a_stop_in_the_middle(login, imap, c):
    ident, pair = c.enter(imap)
    imap.send(LEAVE, ident)
    until_end(pair)
    login.stop_service()
    time.sleep(0.2)
    pair.close()
    assert c.line() in ("", "* BYE Server shutting down.")
    assert login.process.wait(25) == 0


def test_a_stop_when_only_the_word_is_missing(login, imap, c):
    ident, pair = c.enter(imap)
    imap.send(LEAVE, ident)
    until_end(pair)
    pair.close()
    time.sleep(0.3)
    login.stop_service()
    assert c.line() == "* BYE Server shutting down."
    assert login.process.wait(25) == 0


def test_the_worker_s_peer_is_away(login, imap, c):
    """A login waits for a worker that is being restarted, and finds the next."""
    login.lose_peer(imap)
    time.sleep(0.2)
    c.send(f"a LOGIN {USER} {PASSWORD}\r\n")
    time.sleep(0.2)
    login.give_peer("imap", imap)
    assert c.line() == "a OK [CAPABILITY X] in"
    ident, pair = imap.sessions[0][:2]
    time.sleep(1.5)  # its deadline is none any more
    imap.send(LEAVE, ident)
    until_end(pair)
    pair.close()
    imap.send(LEFT, ident, put(True, "u", ""))
    assert c.line().startswith("u OK")
