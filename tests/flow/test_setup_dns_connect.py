"""setup dns check tries what the records lead to: the mail server on port 25 and
the policy file of MTA-STS, here servers of the test."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from flow.test_setup_dns import DOMAIN, HOST, Box  # noqa: E402
from stack import port_is_free  # noqa: E402

PTR = f"1.0.0.127.in-addr.arpa PTR {HOST}"


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A folder with an authority, and a chain and key for several names."""
    d = tmp_path_factory.mktemp("pki")
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(d, *new, "-subj", "/CN=Test authority", "-days", "30", "-keyout", "ca.key", "-out",
            "ca.pem")
    for name, days in ((HOST, "30"), ("mta-sts." + DOMAIN, "30"), ("other.test", "30")):
        openssl(d, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=" + name, "-addext", "subjectAltName=DNS:" + name, "-keyout", name + ".key",
                "-out", name + ".csr")
        openssl(d, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-copy_extensions", "copyall", "-days", days, "-out", name + ".pem")
    openssl(d, *new, "-subj", "/CN=" + HOST, "-addext", "subjectAltName=DNS:" + HOST, "-days", "30",
            "-keyout", "self.key", "-out", "self.pem")
    openssl(d, "x509", "-req", "-in", HOST + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-copy_extensions", "copyall", "-days", "-1", "-out", "old.pem")
    (d / "old.key").write_bytes((d / (HOST + ".key")).read_bytes())
    return d


class Server:
    """One thread, one connection after the other: serve(socket) talks."""

    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.stopped = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while not self.stopped.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(30)
            with connection:
                try:
                    self.serve(connection)
                except (OSError, EOFError):
                    pass

    def stop(self):
        self.stopped.set()
        self.listener.close()


def under_tls(pki, name, connection):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / (name + ".pem"), pki / (name + ".key"))
    return context.wrap_socket(connection, server_side=True)


def smtp(pki, name=HOST, greeting="220 " + HOST + " ESMTP", starttls=True):
    def serve(connection):
        stream = connection.makefile("rb")
        connection.sendall(greeting.encode() + b"\r\n")
        while line := stream.readline():
            if line.startswith(b"EHLO"):
                connection.sendall(b"250-" + HOST.encode() +
                                   (b"\r\n250-STARTTLS" if starttls else b"") + b"\r\n250 SIZE\r\n")
            elif line.startswith(b"STARTTLS"):
                connection.sendall(b"220 go\r\n")
                connection = under_tls(pki, name, connection)
                connection.read(1)
                return
    return serve


POLICY = f"version: STSv1\r\nmode: enforce\r\nmx: {HOST}\r\nmax_age: 604800\r\n"
PLAIN = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"


def https(pki, reply, name="mta-sts." + DOMAIN, asked=None):
    def serve(connection):
        with under_tls(pki, name, connection) as tls:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += tls.recv(4096) or b"\r\n\r\n"
            if asked is not None:
                asked.append(request.decode())
            tls.sendall(reply if isinstance(reply, bytes) else reply.encode())
    return serve


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    b = Box(tmp_path_factory.mktemp("dns"))
    yield b
    b.dns.stop()


@pytest.fixture
def box(shared):
    shared.publish(r"\tA\t|PTR", f"{HOST} A 127.0.0.1", PTR)
    return shared


@pytest.fixture
def check(box, pki):
    """check(serve port 25, serve port 443): the findings, and the bulk rules."""
    servers = []

    def run(mail=None, web=None):
        ports = []
        for serve, option in ((mail, "--smtp-port"), (web, "--https-port")):
            port = 1
            if serve is not None:
                servers.append(Server(serve))
                port = servers[-1].port
            ports += [option, str(port)]
        return box.check(connect=ports, SSL_CERT_FILE=str(pki / "ca.pem"))

    yield run
    for s in servers:
        s.stop()


STS = "MTA-STS policy", DOMAIN
SMTP = "port 25", HOST


def test_all_is_well(check, pki):
    asked = []
    status, found, bulk = check(smtp(pki), https(pki, PLAIN + POLICY, asked=asked))
    assert status == 0
    assert found[SMTP]["state"] == "right" and "good certificate" in found[SMTP]["text"]
    assert found[STS]["state"] == "right" and "mode enforce" in found[STS]["text"]
    assert all(bulk.values())
    assert asked[0].startswith("GET /.well-known/mta-sts.txt HTTP/1.0\r\n")
    assert f"\r\nHost: mta-sts.{DOMAIN}\r\n" in asked[0]


def test_what_cannot_be_tried_is_no_mistake(check):
    assert port_is_free(1)
    start = time.monotonic()
    status, found, _ = check()
    assert status == 0 and time.monotonic() - start < 30
    for key in (SMTP, STS):
        assert found[key]["state"] == "hint"
        assert "could not be tried from here: Connection refused" in found[key]["text"].replace(
            "connection", "Connection"), found[key]


@pytest.mark.parametrize("how, state, words, tls", [
    ({"greeting": "220 other.test ESMTP"}, "wrong", "greets as other.test", True),
    ({"greeting": "220"}, "wrong", "greets as nobody", True),
    ({"greeting": "554 no service"}, "wrong", "refuses to talk", True),
    ({"greeting": "SSH-2.0-OpenSSH"}, "wrong", "does not speak SMTP", True),
    ({"greeting": "220-x\r\n" * 200 + "220 x"}, "wrong", "breaks the talk off", True),
    ({"greeting": "220 \x1b[2J"}, "wrong", "greets as ?[2J", True),
    ({"starttls": False}, "wrong", "STARTTLS", False),
    ({"name": "other.test"}, "wrong", "not for this name", False),
    ({"name": "old"}, "wrong", "expired", False),
    ({"name": "self"}, "hint", "authority", True),
])
def test_port_25(check, pki, how, state, words, tls):
    status, found, bulk = check(smtp(pki, **how), https(pki, PLAIN + POLICY))
    assert found[SMTP]["state"] == state and words in found[SMTP]["text"], found[SMTP]
    assert found[SMTP]["change"] and bulk["tls"] == tls
    assert status == (state == "wrong")


def line(start, new):
    return "".join(new if x.startswith(start) else x for x in POLICY.splitlines(True))


@pytest.mark.parametrize("policy, state, words", [
    (line("mode", "mode: testing\r\n"), "hint", "deliver without TLS"),
    (line("mode", "mode: none\r\n"), "hint", "turned off"),
    (line("max_age", "max_age: 600\r\n"), "hint", "so short"),
    (line("max_age", "max_age: 99999999999999999999\r\n"), "wrong", "max_age is not a number"),
    (line("mode", "mode: enforced\r\n"), "wrong", "mode is not"),
    (line("mx", "mx: elsewhere.test\r\n"), "wrong", f"does not name {HOST}"),
    (line("mx", ""), "wrong", "names no mx"),
    (line("mx", f"mx: *.{HOST.split('.', 1)[1]}\r\nsome: thing\r\n"), "right", "enforce"),
    (line("mx", "mx: *.test\r\n"), "wrong", "does not name"),
    (POLICY.replace("\r\n", "\n"), "right", "enforce"),
    (line("version", "version: STSv2\r\n"), "wrong", "version"),
    (line("version", ""), "wrong", "missing"),
    ("<html>nothing here</html>", "wrong", "no name and colon"),
    ("", "wrong", "missing"),
    ("mx: x\r\n" * 5000, "wrong", "missing"),
])
def test_policies(check, pki, policy, state, words):
    _, found, _ = check(smtp(pki), https(pki, PLAIN + policy))
    assert found[STS]["state"] == state and words in found[STS]["text"], found[STS]
    if state == "wrong":
        assert f"mx: {HOST}" in found[STS]["change"]


@pytest.mark.parametrize("reply, words", [
    ("HTTP/1.1 404 Not Found\r\n\r\n", "no such file"),
    ("HTTP/1.1 301 Moved\r\nLocation: https://x.test/\r\n\r\n", "do not follow"),
    ("HTTP/1.1 500 Oops\r\n\r\n", "does not give the file"),
    ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + POLICY, "text/plain"),
    ("hello", "no web server"),
    ("", "no web server"),
    (PLAIN + "x" * 200000, "does not end"),
])
def test_web_servers(check, pki, reply, words):
    status, found, _ = check(smtp(pki), https(pki, reply))
    assert status == 1 and found[STS]["state"] == "wrong"
    assert words in found[STS]["text"], found[STS]


def test_the_certificate_of_the_web_server(check, pki):
    status, found, _ = check(smtp(pki), https(pki, PLAIN + POLICY, name="other.test"))
    assert status == 1
    assert "not for this name" in found["MTA-STS", f"mta-sts.{DOMAIN}"]["text"]
    assert STS not in found


def test_servers_that_say_nothing(check):
    held = threading.Event()
    start = time.monotonic()
    status, found, _ = check(lambda c: held.wait(20), lambda c: held.wait(20))
    held.set()
    assert status == 1 and time.monotonic() - start < 30
    assert "no answer in time" in found[SMTP]["text"]
    assert "no answer in time" in found[STS]["text"]
