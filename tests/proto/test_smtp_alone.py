"""The SMTP server with scripted peers: what a whole stack cannot be made to do."""

import base64
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from harness import Client, FakeAuth, FakeQueue, FakeResolver, FakeSpf, Harness, put  # noqa: E402

NAME = "mail.b.test"
USER = "u@b.test"


def wait_for(condition, timeout=30):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


class Mx(Harness):
    def __init__(self, address="127.0.0.1", **settings):
        self.auth, self.queue = FakeAuth(users=[USER, "v@b.test"]), FakeQueue()
        self.resolver, self.spf = FakeResolver(), FakeSpf()
        super().__init__("smtp", "smtp-mx", {"hostname": NAME, **settings}, ["25"], {
            "auth.lookup": self.auth, "queue.submit": self.queue,
            "resolver": self.resolver, "dkim.spf": self.spf}, address=address)

    def client(self, helo="EHLO client.example.org"):
        c = Client(self.connect("25"))
        assert c.reply() == f"220 {NAME} ESMTP"
        if helo:
            assert c.do(helo).startswith("250")
        return c

    def envelope(self, c=None, rcpt=USER):
        c = c or self.client()
        assert c.do("MAIL FROM:<s@client.example.org>") == "250 2.1.0 Ok"
        assert c.do(f"RCPT TO:<{rcpt}>") == "250 2.1.5 Ok"
        return c


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    return {"tls-cert": (folder / "cert.pem").read_bytes(),
            "tls-key": (folder / "key.pem").read_bytes(),
            "tls": b""}  # the pair is whole


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


class Submit(Harness):
    def __init__(self, files, **settings):
        self.auth = FakeAuth(users=[USER], owners={USER: [USER, "alias@b.test"]})
        self.verify = FakeAuth(users=[USER], passwords={USER: "secret", "busy@b.test": None})
        self.queue = FakeQueue()
        super().__init__("smtp", "smtp-submit", {"hostname": NAME, **settings}, ["465", "587"], {
            "auth.lookup": self.auth, "auth.verify": self.verify,
            "queue.submit": self.queue, "resolver": FakeResolver()}, files)

    def context(self):
        return ssl.create_default_context(cadata=self.files["tls-cert"].decode())

    def client(self, login=True):
        sock = self.context().wrap_socket(self.connect("465"), server_hostname="localhost")
        c = Client(sock)
        assert c.reply() == f"220 {NAME} ESMTP"
        assert c.do("EHLO client").startswith("250")
        if login:
            assert c.do("AUTH PLAIN " + plain(USER, "secret")).startswith("235")
        return c


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def test_the_queue_gets_what_the_client_said():
    with Mx() as h:
        h.auth.aliases["list@b.test"] = [(True, USER), (False, "far@away.example")]
        c = h.client()
        assert c.do("MAIL FROM:<S@client.example.org> SIZE=77 BODY=8BITMIME SMTPUTF8 "
                    "RET=FULL ENVID=e+2Bf") == "250 2.1.0 Ok"
        assert c.do(f"RCPT TO:<{USER}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o@b.test") == "250 2.1.5 Ok"
        assert c.do("RCPT TO:<list@b.test>") == "250 2.1.5 Ok"
        assert c.do("DATA").startswith("354")
        c.send(b"Subject: x\r\n\r\n..dot\r\n.\r\n")
        m = wait_message(h, c)
        assert m["data"] == b"Subject: x\r\n\r\n.dot\r\n"
        want = {"submission": 0, "user": "", "ip": "127.0.0.1", "rdns": "localhost",
                "helo": "client.example.org", "esmtp": 1, "tls": "",
                "sender": "S@client.example.org", "size": 77, "body_8bit": 1,
                "smtputf8": 1, "ret": "FULL", "envid": "e+2Bf"}
        assert {k: m[k] for k in want} == want
        assert m["rcpts"] == [
            {"address": USER, "orcpt": "rfc822;o@b.test", "notify": 2 | 8,
             "targets": [(1, USER)]},
            {"address": "list@b.test", "orcpt": "", "notify": 0,
             "targets": [(1, USER), (0, "far@away.example")]}]
        assert "event=accept" in h.text() and m["id"] in h.text()


def wait_message(h, c):
    line = c.reply()
    assert line.startswith("250 2.0.0 Ok: queued as "), line
    return h.queue.messages[-1]


def test_nothing_depends_on_how_the_bytes_are_cut():
    text = b"MAIL FROM:<>\r\nRCPT TO:<u@b.test>\r\n"
    body = b"A: b\r\n\r\n..\r\n.x\r\n\r\n.\r\nQUIT\r\n"
    with Mx() as h:
        c = h.client()
        for i in range(len(text)):
            c.send(text[i:i + 1])
        assert [c.reply()[:3] for _ in range(2)] == ["250"] * 2
        assert c.do("DATA").startswith("354")
        for i in range(len(body)):
            c.send(body[i:i + 1])
        assert wait_message(h, c)["data"] == b"A: b\r\n\r\n.\r\nx\r\n\r\n"
        assert c.reply() == "221 2.0.0 Bye"


def test_a_large_message_arrives_whole_and_dotted_lines_too():
    body = b"".join(b"..line %d\r\n" % i for i in range(300000))
    with Mx() as h:
        c = h.envelope()
        assert c.do("DATA").startswith("354")
        c.send(body + b".\r\n")
        assert wait_message(h, c)["data"] == body.replace(b"..line", b".line")


def test_chunks_are_octets():
    with Mx() as h:
        c = h.envelope()
        c.send(b"BDAT 9\r\nA: b\r\n\r\n.BDAT 5\r\n\r\n.\r\nBDAT 6 LAST\r\n..end.")
        assert [c.reply() for _ in range(2)] == ["250 2.0.0 Ok"] * 2
        assert wait_message(h, c)["data"] == b"A: b\r\n\r\n.\r\n.\r\n..end.\r\n"
        assert c.do("NOOP") == "250 2.0.0 Ok"


def test_an_unused_file_is_given_back():
    with Mx() as h:
        c = h.envelope()
        wait_for(lambda: h.queue.open)
        assert c.do("RSET") == "250 2.0.0 Ok"
        wait_for(lambda: h.queue.aborted == 1)
        h.envelope(c)
        c.sock.close()
        wait_for(lambda: h.queue.aborted == 2)
        assert not h.queue.open and not h.queue.messages


def test_data_waits_for_the_queue():
    with Mx() as h:
        h.queue.hold = True
        c = h.envelope()
        c.send("DATA\r\n")
        assert c.quiet()
        h.queue.hold = False
        kind, ident, payload = h.queue.frames[-1]
        h.queue.on_open(ident, payload)
        assert c.reply().startswith("354")
        c.send(b"x\r\n.\r\n")
        wait_message(h, c)


def test_the_queue_refuses_before_data():
    with Mx() as h:
        h.queue.refuse = (452, "4.3.1", "Insufficient system storage")
        c = h.envelope()
        assert c.do("DATA") == "452 4.3.1 Insufficient system storage"
        h.queue.refuse = None
        h.envelope(c)
        assert c.do("DATA").startswith("354")


def test_the_queue_refuses_a_chunk_and_its_octets_are_skipped():
    with Mx() as h:
        h.queue.refuse = (452, "4.3.1", "Insufficient system storage")
        c = h.envelope()
        c.send("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        assert c.reply() == "452 4.3.1 Insufficient system storage"
        assert c.reply() == "250 2.0.0 Ok"


def test_the_queue_dies_and_comes_back_before_data():
    with Mx() as h:
        c = h.envelope()
        wait_for(lambda: h.queue.open)
        h.lose_peer(h.queue)
        c.send("DATA\r\n")
        assert c.quiet()
        h.give_peer("queue.submit", h.queue)
        assert c.reply().startswith("354")
        c.send(b"x\r\n.\r\n")
        assert wait_message(h, c)["rcpts"][0]["address"] == USER


def test_the_queue_dies_during_data():
    with Mx() as h:
        c = h.envelope()
        assert c.do("DATA").startswith("354")
        h.lose_peer(h.queue)
        time.sleep(0.1)
        c.send(b"x\r\n.\r\n")
        assert c.reply().startswith("451 4.3.0")
        h.give_peer("queue.submit", h.queue)
        h.envelope(c)


def test_the_queue_dies_before_its_result():
    with Mx() as h:
        c = h.envelope()
        assert c.do("DATA").startswith("354")
        h.queue.silent = True
        c.send(b"x\r\n.\r\n")
        wait_for(lambda: h.queue.frames[-1][0] == FakeQueue.COMMIT)
        h.lose_peer(h.queue)
        assert c.reply().startswith("451 4.3.0")


def test_the_queues_words_cannot_break_the_dialogue():
    with Mx() as h:
        h.queue.result = (554, "5.7.1", "no\r\n250 2.0.0 yes\0")
        c = h.envelope()
        assert c.do("DATA").startswith("354")
        c.send(b"x\r\n.\r\n")
        assert c.reply() == "554 5.7.1 no??250 2.0.0 yes"
        assert c.do("NOOP") == "250 2.0.0 Ok"


def test_a_full_disk():
    with Mx() as h:
        h.queue.file = "/dev/full"
        c = h.envelope()
        assert c.do("DATA").startswith("354")
        c.send(b"x\r\n" * 100000 + b".\r\n")
        assert c.reply() == "452 4.3.1 Insufficient system storage"
        assert c.do("NOOP") == "250 2.0.0 Ok"
        wait_for(lambda: h.queue.aborted == 1)


def test_our_own_troubles_are_not_the_clients_errors():
    """More of them than a client may make errors, and it is still served."""
    with Mx() as h:
        c = h.client()
        h.auth.results[USER] = FakeAuth.LATER
        for _ in range(25):
            assert c.do("MAIL FROM:<>") == "250 2.1.0 Ok"
            assert c.do(f"RCPT TO:<{USER}>").startswith("451 4.3.0")
            assert c.do("RSET").startswith("250")
        del h.auth.results[USER]
        h.queue.refuse = (452, "4.3.1", "Insufficient system storage")
        for _ in range(25):
            h.envelope(c)
            assert c.do("DATA").startswith("452 4.3.1")
        h.queue.refuse, h.queue.file = None, "/dev/full"
        for _ in range(25):
            h.envelope(c)
            assert c.do("DATA").startswith("354")
            c.send(b"x\r\n" * 100000 + b".\r\n")
            assert c.reply().startswith("452 4.3.1")
        # Its own ones are still counted, and only they.
        for _ in range(20):
            assert c.do("NONSENSE").startswith("500 5.5.2")
        assert c.do("NOOP") == f"421 4.7.0 {NAME} Error: too many errors"
        wait_for(lambda: "event=disconnect" in h.text())
        assert "errors=20" in h.text()


def test_too_large_after_data():
    with Mx(message_size_limit="1000") as h:
        c = h.client()
        assert c.do("MAIL FROM:<> SIZE=1001") == "552 5.3.4 Message size exceeds fixed limit"
        assert c.do("MAIL FROM:<> SIZE=1000") == "250 2.1.0 Ok"
        assert c.do(f"RCPT TO:<{USER}>") == "250 2.1.5 Ok"
        assert c.do("DATA").startswith("354")
        c.send(b"123456789\r\n" * 1000 + b".\r\n")
        assert c.reply() == "552 5.3.4 Error: message file too big"
        h.envelope(c)
        c.send(b"BDAT 1001\r\n" + b"x" * 1001 + b"BDAT 5 LAST\r\nQUIT\n")
        assert c.reply().startswith("552 5.3.4")
        assert c.reply().startswith("503 5.5.1")
        assert c.do("NOOP") == "250 2.0.0 Ok"


@pytest.mark.parametrize("result,reply", [
    (FakeAuth.LOOP, "550 5.4.6"), (FakeAuth.LATER, "451 4.3.0"),
    (FakeAuth.UNKNOWN, "550 5.1.1"), (FakeAuth.NOT_OURS, "554 5.7.1")])
def test_what_auth_says_of_a_recipient(result, reply):
    with Mx() as h:
        h.auth.results[USER] = result
        c = h.client()
        assert c.do("MAIL FROM:<>") == "250 2.1.0 Ok"
        assert c.do(f"RCPT TO:<{USER}>").startswith(reply)
        assert c.do("DATA").startswith("554 5.5.1")
        assert "event=reject" in h.text()


def test_postmaster_needs_no_domain():
    with Mx() as h:
        h.auth.aliases["postmaster@" + NAME] = [(True, USER)]
        c = h.client()
        assert c.do("MAIL FROM:<>") == "250 2.1.0 Ok"
        assert c.do("RCPT TO:<postmaster>") == "250 2.1.5 Ok"


def test_recipients_have_a_limit():
    with Mx(recipients_max="2") as h:
        c = h.envelope()
        assert c.do("RCPT TO:<v@b.test>") == "250 2.1.5 Ok"
        assert c.do(f"RCPT TO:<{USER}>") == "452 4.5.3 Error: too many recipients"
        assert c.do("DATA").startswith("354")


def test_going_over_the_limit_of_recipients_loses_no_mail():
    with Mx(recipients_max="1") as h:
        c = h.envelope()
        for _ in range(50):
            assert c.do(f"RCPT TO:<{USER}>").startswith("452 4.5.3")
        assert c.do("DATA").startswith("354")
        c.send("x\r\n.\r\n")
        wait_message(h, c)


def test_going_over_the_limit_of_recipients_has_one_too():
    with Mx(recipients_max="1") as h:
        c = h.envelope()
        for _ in range(1020):
            assert c.do(f"RCPT TO:<{USER}>").startswith("452 4.5.3")
        assert c.do(f"RCPT TO:<{USER}>").startswith("421 4.7.0")


def own_address():
    """An address of this machine that is not loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("no network interface")
        return s.getsockname()[0]


@pytest.mark.parametrize("back", [True, False])
def test_a_client_has_its_name_if_the_name_has_its_address(back):
    ip = own_address()
    with Mx(address=ip) as h:
        arpa = ".".join(reversed(ip.split("."))) + ".in-addr.arpa"
        h.resolver.names[arpa, 12] = [b"\6Client\7example\3org\0"]
        address = socket.inet_aton(ip if back else "192.0.2.7")
        h.resolver.names["client.example.org", 1] = [b"\1\2\3\4", address]
        c = h.client()
        wait_for(lambda: len(h.resolver.frames) == 2)
        time.sleep(0.1)  # the second answer is on its way
        h.envelope(c)
        assert c.do("DATA").startswith("354")
        c.send("x\r\n.\r\n")
        assert wait_message(h, c)["rdns"] == ("client.example.org" if back else "")


def test_spf_is_asked_once_a_mail():
    with Mx(address=own_address()) as h:
        h.spf.refused["bad@x.test"] = "SPF fail \r\n250 Ok"
        c = h.client("EHLO h.test")
        for sender in ("bad@x.test", "good@x.test"):
            assert c.do(f"MAIL FROM:<{sender}>") == "250 2.1.0 Ok"
            assert c.do("RCPT TO:<far@away.example>").startswith("554 5.7.1")
            assert len(h.spf.frames) == (0 if sender.startswith("bad") else 1)
            for user in (USER, "v@b.test"):
                assert c.do(f"RCPT TO:<{user}>") == (
                    "250 2.1.5 Ok" if sender == "good@x.test" else
                    f"550 5.7.23 <{user}>: Recipient address rejected: SPF fail ??250 Ok")
            assert c.do("RSET").startswith("250")
        assert [f[2] for f in h.spf.frames] == [
            put(own_address(), "h.test", s) for s in ("bad@x.test", "good@x.test")]


def test_spf_that_goes_away_refuses_nothing():
    with Mx(address=own_address()) as h:
        h.spf.silent = True
        c = h.client()
        assert c.do("MAIL FROM:<s@x.test>") == "250 2.1.0 Ok"
        c.send(f"RCPT TO:<{USER}>\r\n")
        wait_for(lambda: h.spf.frames)
        h.lose_peer(h.spf)
        assert c.reply() == "250 2.1.5 Ok"


@pytest.mark.parametrize("settings", [{"enable_policyd_spf": "0"},
                                      {"trusted_networks": "0.0.0.0/0"}, {"address": "127.0.0.1"}])
def test_spf_is_not_asked(settings):
    with Mx(**{"address": own_address(), **settings}) as h:
        h.envelope()
        assert not h.spf.frames


def test_mail_does_not_wait_for_a_name():
    with Mx(address=own_address()) as h:
        h.resolver.silent = True
        c = h.envelope()
        assert c.do("DATA").startswith("354")
        c.send("x\r\n.\r\n")
        assert wait_message(h, c)["rdns"] == ""


def test_a_long_alias_is_split_into_frames():
    targets = [(True, f"{'x' * 180}{i:04d}@b.test") for i in range(330)]
    with Mx() as h:
        h.auth.aliases["all@b.test"] = targets
        c = h.client()
        assert c.do("MAIL FROM:<>") == "250 2.1.0 Ok"
        assert c.do("RCPT TO:<all@b.test> ORCPT=rfc822;" + "o" * 480) == "250 2.1.5 Ok"
        assert c.do("DATA").startswith("354")
        c.send(b"x\r\n.\r\n")
        rcpts = wait_message(h, c)["rcpts"]
        assert len(rcpts) > 1
        assert [(bool(a), t) for r in rcpts for a, t in r["targets"]] == targets


def test_a_trusted_network_may_relay():
    with Mx(trusted_networks="127.0.0.0/8") as h:
        c = h.client("EHLO localhost")
        assert c.do("MAIL FROM:<a@b.test>") == "250 2.1.0 Ok"
        assert c.do("RCPT TO:<far@away.example>") == "250 2.1.5 Ok"
        assert c.do("DATA").startswith("354")
        c.send(b"x\r\n.\r\n")
        m = wait_message(h, c)
        assert m["submission"] == 1
        assert m["rcpts"][0]["targets"] == [(0, "far@away.example")]


def test_a_command_line_has_a_limit():
    with Mx() as h:
        c = h.client()
        c.send(b"NOOP " + b"x" * 100000 + b"\r\nNOOP\r\n")
        assert c.reply() == "500 5.5.2 Error: line too long"
        assert c.reply() == "250 2.0.0 Ok"
        c.send(b"NOOP " + b"x" * 2100)
        assert c.reply() == "500 5.5.2 Error: line too long"
        c.send(b"MAIL FROM:<>\r\nNOOP\r\n")
        assert c.reply() == "250 2.0.0 Ok"


def test_a_body_line_has_a_limit():
    with Mx() as h:
        c = h.envelope()
        assert c.do("DATA").startswith("354")
        c.send(b"x" * 65537 + b"\r\n.\r\n")
        assert c.reply().startswith("500 5.6.0")
        h.envelope(c)
        assert c.do("DATA").startswith("354")
        c.send(b"x" * 65536 + b"\r\n.\r\n")
        assert len(wait_message(h, c)["data"]) == 65538


def test_connections_of_one_address_have_a_limit():
    with Mx(smtp_connections_per_address="2") as h:
        a, b = h.client(), h.client()
        c = Client(h.connect("25"))
        assert c.reply().startswith(f"421 4.7.0 {NAME} Error: too many connections")
        assert c.reply() is None
        assert a.do("QUIT") == "221 2.0.0 Bye"
        assert a.reply() is None
        a.sock.close()
        wait_for(lambda: "event=disconnect" in h.text())
        h.client()
        assert b.do("NOOP") == "250 2.0.0 Ok"


def test_connections_have_a_limit():
    with Mx(smtp_connections="1") as h:
        keep = h.client()
        assert Client(h.connect("25")).reply().startswith("421 ")
        assert keep.do("NOOP") == "250 2.0.0 Ok"


def test_who_speaks_before_the_banner_is_refused():
    h = Mx()
    early = Client(h.connect("25"))
    early.send("EHLO client.example.org\r\n")
    with h:
        assert early.reply() == "554 5.5.0 Error: SMTP protocol synchronization"
        assert early.reply() is None


def test_a_silent_client_is_told_and_closed():
    with Mx(smtp_timeout="1") as h:
        c = h.client()
        assert c.reply() == f"421 4.4.2 {NAME} Error: timeout exceeded"
        assert c.reply() is None
        d = h.envelope()
        assert d.do("DATA").startswith("354")
        d.send("begun")
        assert d.reply().startswith("421 4.4.2")
        assert d.reply() is None
        wait_for(lambda: h.queue.aborted == 1)


def test_dripping_bytes_does_not_keep_a_command_alive():
    with Mx(smtp_timeout="1") as h:
        c = h.client()
        for _ in range(8):
            c.send("X")
            time.sleep(0.2)
        assert c.reply().startswith("421 4.4.2")


def test_a_reset_behind_the_last_bytes_is_noticed():
    with Mx() as h:
        c = h.envelope()
        assert c.do("DATA").startswith("354")
        h.process.send_signal(signal.SIGSTOP)
        c.send("begun")
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.sock.close()
        h.process.send_signal(signal.SIGCONT)
        wait_for(lambda: "event=disconnect" in h.text())


def test_stop_says_goodbye_to_the_idle_and_lets_data_finish():
    h = Mx()
    h.start()
    idle, busy, nearly = h.client(), h.envelope(), h.envelope()
    assert busy.do("DATA").startswith("354")
    busy.send("x\r\n")
    time.sleep(0.1)
    h.stop_service()
    assert idle.reply() == f"421 4.3.2 {NAME} Service shutting down"
    assert idle.reply() is None
    assert nearly.reply().startswith("421 4.3.2")
    busy.send(".\r\n")
    wait_message(h, busy)
    assert busy.reply().startswith("421 4.3.2")
    assert busy.reply() is None
    assert h.process.wait(5) == 0
    h.stop()


def test_login_and_spoof_protection(certificate):
    with Submit(certificate, spoof_protection="1") as h:
        c = h.client()
        assert c.do("MAIL FROM:<other@b.test>") == \
            f"553 5.7.1 <other@b.test>: Sender address rejected: not owned by user {USER}"
        assert c.do("MAIL FROM:<>") == "250 2.1.0 Ok"
        assert c.do("RSET") == "250 2.0.0 Ok"
        assert c.do("MAIL FROM:<alias@b.test>") == "250 2.1.0 Ok"
        assert c.do("RCPT TO:<far@away.example>") == "250 2.1.5 Ok"
        assert c.do("DATA").startswith("354")
        c.send("x\r\n.\r\n")
        m = wait_message(h, c)
        assert m["user"] == USER and m["submission"] == 1 and m["tls"].startswith("TLSv1.3 ")
        assert "secret" not in h.text() and plain(USER, "secret") not in h.text()


def test_failed_logins_end_the_connection(certificate):
    with Submit(certificate) as h:
        c = h.client(False)
        assert c.do("AUTH PLAIN " + plain("busy@b.test", "x")) == \
            "454 4.7.0 Temporary authentication failure"
        for _ in range(5):
            assert c.do("AUTH PLAIN " + plain(USER, "hunter2")).startswith("535 5.7.8")
        assert c.reply().startswith("421 4.7.0")
        assert c.reply() is None
        assert "event=auth-failed" in h.text() and "hunter2" not in h.text()


def test_a_long_auth_line_is_taken_and_a_longer_one_not(certificate):
    with Submit(certificate) as h:
        c = h.client(False)
        assert c.do("AUTH PLAIN " + "A" * 2400).startswith("501 5.5.2 ")
        assert c.do("AUTH PLAIN " + "A" * 13000).startswith("500 5.5.6 ")
        # A line that is allowed, with a message that is not.
        assert c.do("AUTH PLAIN " + "A" * 12000).startswith("500 5.5.6 ")
        assert c.do("AUTH LOGIN") == "334 VXNlcm5hbWU6"
        assert c.do("A" * 13000).startswith("500 5.5.6 ")
        assert c.do("NOOP") == "250 2.0.0 Ok"


def test_who_leaves_while_auth_thinks_is_forgotten(certificate):
    with Submit(certificate) as h:
        h.verify.silent = True
        c = h.client(False)
        c.send("AUTH PLAIN " + plain(USER, "secret") + "\r\n")
        wait_for(lambda: h.verify.frames)
        c.sock.close()
        time.sleep(0.1)
        kind, ident, payload = h.verify.frames[-1]
        h.verify.silent = False
        h.verify.on_frame(kind, ident, payload)
        h.client()


def test_a_new_certificate_is_used_and_a_bad_one_not(certificate, tmp_path):
    fresh = make_certificate(tmp_path)

    def served(h):
        return ssl.get_server_certificate(("127.0.0.1", h.port("465"))).strip()
    with Submit(certificate) as h:
        assert served(h) == certificate["tls-cert"].decode().strip()
        h.give_file("tls-cert", fresh["tls-cert"])
        h.give_file("tls-key", b"nonsense")
        h.give_file("tls", b"")
        time.sleep(0.2)
        assert served(h) == certificate["tls-cert"].decode().strip()
        h.give_file("tls-cert", fresh["tls-cert"])
        h.give_file("tls-key", fresh["tls-key"])
        h.give_file("tls", b"")
        wait_for(lambda: served(h) == fresh["tls-cert"].decode().strip())


def test_without_a_certificate_there_is_no_starttls():
    with Mx() as h:
        c = h.client(None)
        c.send("EHLO client.example.org\r\n")
        lines = []
        while True:
            lines.append(c.line())
            if lines[-1][3] == " ":
                break
        assert not any("STARTTLS" in line for line in lines)
        assert c.do("STARTTLS").startswith("454 4.7.0")


def test_many_at_once():
    with Mx() as h:
        def one():
            c = h.client()
            for _ in range(20):
                h.envelope(c)
                assert c.do("DATA").startswith("354")
                c.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
                assert c.reply().startswith("250 2.0.0 Ok: queued")
            assert c.do("QUIT").startswith("221")
        threads = [threading.Thread(target=one) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(h.queue.messages) == 400 and not h.queue.open
