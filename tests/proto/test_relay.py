"""relay with the real resolver: the queue is played, the DNS and the servers are
those of tests/tools."""

import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns  # noqa: E402
from harness import PEER, Harness, Inbound, get, put, receive, send  # noqa: E402
from smtpsink import Sink, make_cert  # noqa: E402

RELAY, RESULT, END = 1, 2, 3
DONE, LATER, NEVER = range(3)
BODY = b"Subject: x\r\n\r\n.dot\r\ntext\r\n"


class Queue(Inbound):
    def start(self, rcpts, hop, sender="a@we.test", body=BODY, user="", password="",
              prefix="", cuts=(), body_8bit=False, smtputf8=False, ret="", envid="",
              notify=0, orcpt=""):
        self.ident += 1
        flat = [n for c in cuts for n in (("u64", c[0]), ("u64", c[1]))]
        rows = [f for r in rcpts for f in (r, orcpt, ("u8", notify))]
        payload = put("QID", sender, prefix, len(cuts), *flat, ("u64", len(body)),
                      body_8bit, smtputf8, ret, envid, hop, user, password,
                      len(rcpts), *rows)
        with tempfile.TemporaryFile() as file:
            file.write(body)
            file.flush()
            send(self.sock, RELAY, self.ident, payload, file.fileno())
        return self.ident

    def finish(self, count):
        """([(outcome, enhanced, text, remote)] by index, unreachable)"""
        results = {}
        while True:
            kind, _, payload = receive(self.sock)
            if kind == END:
                assert sorted(results) == list(range(count)), results
                return [results[i] for i in range(count)], bool(get(payload, "b")[0])
            index, outcome, enhanced, text, remote, _ = get(payload, "ibsssb")
            assert index not in results
            results[index] = (outcome, enhanced, text, remote)

    def send(self, rcpts, hop, **more):
        self.start(rcpts, hop, **more)
        return self.finish(len(rcpts))


class ToResolver:
    """Connects relay to the resolver's harness."""

    def __init__(self, harness):
        self.harness = harness

    def attach(self, sock):
        send(self.harness.control, PEER, 0, put("relay", "", False), sock.fileno())
        sock.close()


class World:
    """relay, resolver, DNS, and a port on which sinks listen."""

    def __init__(self, folder, **settings):
        self.cert, self.key = make_cert(str(folder))
        self.sinks = []
        self.dns = FakeDns().start()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.resolver = Harness("resolver", "resolver", {
            "hostname": "we.test", "dns": self.dns.address, "dns_validate": "0"}, [], {}).start()
        self.relay = Harness("relay", "relay", {
            "hostname": "we.test", "relay_port": self.port, "log_level": "debug",
            **settings}, [], {"resolver": ToResolver(self.resolver)}).start()
        self.queue = Queue(self.relay, "queue")

    def sink(self, host="127.0.0.1", port=None, tls=False, **more):
        if tls:
            more.update(cert=self.cert, key=self.key)
        s = Sink(host=host, port=self.port if port is None else port, **more).start()
        self.sinks.append(s)
        return s

    def stop(self):
        for s in self.sinks:
            s.stop()
        assert self.relay.stop() == 0, self.relay.text()
        assert self.resolver.stop() == 0, self.resolver.text()
        self.dns.stop()
        for text in (self.relay.text(), self.resolver.text()):
            assert "Sanitizer" not in text and "panic" not in text, text


@pytest.fixture
def world(tmp_path):
    w = World(tmp_path)
    yield w
    w.stop()


@pytest.fixture
def make_world(tmp_path):
    made = []

    def make(**settings):
        made.append(World(tmp_path, **settings))
        return made[-1]

    yield make
    for w in made:
        w.stop()


# --- relay


ZONE = "x.test MX 10 mx.x.test\nmx.x.test A 127.0.0.1\n"


def test_delivers_to_the_exchanger_over_tls(world):
    world.dns.set_zone(ZONE)
    sink = world.sink(tls=True)
    results, unreachable = world.queue.send(
        ["u@x.test", "v@x.test"], "x.test", prefix="Received: by we\r\n", cuts=[(0, 12)])
    assert [r[:2] for r in results] == [(DONE, "2.0.0")] * 2 and not unreachable
    assert results[0][3] == f"mx.x.test [127.0.0.1]:{world.port}"
    m = sink.wait(1)[0]
    assert m.tls and m.helo == "we.test" and m.sender == "a@we.test"
    assert [r["address"] for r in m.rcpts] == ["u@x.test", "v@x.test"]
    assert m.body == b"Received: by we\r\n\r\n.dot\r\ntext\r\n"
    log = world.relay.text()
    assert "event=relay id=QID to=u@x.test" in log and "TLSv1.3" in log
    assert "status=sent" in log


def test_prefers_and_falls_back(world):
    world.dns.set_zone("x.test MX 20 b.test\nx.test MX 10 a.test\n"
                       "a.test A 127.0.0.2\na.test A 127.0.0.3\nb.test A 127.0.0.4")
    second = world.sink("127.0.0.4")
    assert world.queue.send(["u@x.test"], "x.test")[0][0][0] == DONE
    second.wait(1)
    third = world.sink("127.0.0.3", script="MAIL 451 4.3.0 not now")
    world.relay.stop_service()
    world.relay.process.wait(10)
    world.relay.start()
    queue = Queue(world.relay, "queue")
    assert queue.send(["u@x.test"], "x.test")[0][0][0] == DONE
    second.wait(2)
    assert any("MAIL" in c for _, c in third.commands)


def test_uses_the_domain_itself_without_mx(world):
    world.dns.set_zone("x.test A 127.0.0.1")
    sink = world.sink()
    assert world.queue.send(["u@x.test"], "x.test")[0][0][0] == DONE
    sink.wait(1)


@pytest.mark.parametrize("zone, outcome, enhanced, unreachable", [
    ("x.test MX 0 .", NEVER, "5.1.10", False),
    ("y.test A 127.0.0.1", NEVER, "5.1.2", False),
    ("x.test TXT nothing", NEVER, "5.1.2", False),
    ("x.test SERVFAIL", LATER, "4.4.3", True),
    ("x.test MX 10 we.test\nx.test MX 20 b.test", NEVER, "5.4.6", False),
    ("x.test MX 10 gone.test", NEVER, "5.4.4", False),
    ("x.test MX 10 b.test\nb.test SERVFAIL", LATER, "4.4.3", True),
    ("x.test MX 10 b.test\nb.test A 127.0.0.9", LATER, "4.4.1", True),
    ("x.test MX 10 b.test\nb.test A 0.0.0.0", NEVER, "5.4.4", False),
    ("x.test MX 10 gone.test\nx.test MX 20 b.test\nb.test A 127.0.0.9", LATER, "4.4.1", True),
])
def test_says_why_there_is_no_way(world, zone, outcome, enhanced, unreachable):
    world.dns.set_zone(zone)
    results, rest = world.queue.send(["u@x.test"], "x.test")
    assert results[0][:2] == (outcome, enhanced), results
    assert rest == unreachable


def test_answers_for_each_recipient(world):
    world.dns.set_zone(ZONE)
    sink = world.sink(script="RCPT~u1@ 450 4.2.0 greylisted\nRCPT~u2@ 550 5.1.1 unknown\n"
                             "RCPT~u3@ 552 too many")
    results, _ = world.queue.send([f"u{i}@x.test" for i in range(5)] + ["bad address"], "x.test")
    assert [r[:2] for r in results] == [
        (DONE, "2.0.0"), (LATER, "4.2.0"), (NEVER, "5.1.1"), (LATER, "4.5.3"),
        (DONE, "2.0.0"), (NEVER, "5.1.3")]
    assert [r["address"] for r in sink.wait(1)[0].rcpts] == ["u0@x.test", "u4@x.test"]


def test_addresses_that_fit_in_no_command_are_refused(world):
    for _ in range(3):
        results, unreachable = world.queue.send(["no address", "a@b.test> x"], "[127.0.0.1]:1")
        assert [r[:2] for r in results] == [(NEVER, "5.1.3")] * 2 and not unreachable
    results, _ = world.queue.send(["u@b.test"], "[127.0.0.1]:1", sender="a b")
    assert results[0][:2] == (NEVER, "5.1.7")


def test_goes_on_in_clear_when_the_handshake_fails(world):
    world.dns.set_zone(ZONE)
    sink = world.sink(tls=True, script="TLS drop")
    assert world.queue.send(["u@x.test"], "x.test")[0][0][0] == DONE
    assert not sink.wait(1)[0].tls and sink.connections == 2


def test_smarthost_with_login_insists_on_tls(world):
    smart = world.sink(port=0, tls=True, auth="me:secret")
    clear = world.sink(port=0, auth="me:secret")
    broken = world.sink(port=0, tls=True, auth="me:secret", script="TLS drop")
    login = {"user": "me", "password": "secret"}
    assert world.queue.send(["u@x.test"], f"[127.0.0.1]:{smart.port}", **login)[0][0][0] == DONE
    assert smart.wait(1)[0].user == "me" and smart.messages[0].tls
    results, _ = world.queue.send(["u@x.test"], f"[127.0.0.1]:{clear.port}", **login)
    assert results[0][:2] == (LATER, "4.7.4")
    results, _ = world.queue.send(["u@x.test"], f"[127.0.0.1]:{broken.port}", **login)
    assert results[0][:2] == (LATER, "4.7.5")
    results, _ = world.queue.send(["u@x.test"], f"[127.0.0.1]:{smart.port}",
                                  user="me", password="wrong")
    assert results[0][:2] == (LATER, "4.7.8")
    for s in (clear, broken):
        assert not any("AUTH" in c for _, c in s.commands)
    assert "secret" not in world.relay.text()


def test_auth_login_where_plain_is_missing(world):
    smart = world.sink(port=0, tls=True, auth="me:secret", auth_mechs="LOGIN")
    assert world.queue.send(["u@x.test"], f"[127.0.0.1]:{smart.port}", user="me",
                            password="secret")[0][0][0] == DONE
    assert smart.wait(1)[0].user == "me"


def test_own_credentials_go_only_to_the_host_they_are_for(make_world):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    w = make_world(default_relay_host=f"[127.0.0.1]:{port}", relay_user="me",
                   relay_password="secret")
    smart = w.sink(port=port, tls=True, auth="me:secret")
    other = w.sink(port=0, tls=True)
    clear = w.sink(port=0)
    assert w.queue.send(["u@x.test"], f"[127.0.0.1]:{port}")[0][0][0] == DONE
    assert smart.wait(1)[0].user == "me"
    assert w.queue.send(["u@x.test"], f"[127.0.0.1]:{other.port}")[0][0][0] == DONE
    assert other.wait(1)[0].user is None and other.messages[0].tls
    # With credentials around, nothing goes out in clear.
    assert w.queue.send(["u@x.test"], f"[127.0.0.1]:{clear.port}")[0][0][:2] == (LATER, "4.7.4")


def test_named_smarthost_with_and_without_mx(world):
    one = world.sink("127.0.0.2", port=0)
    world.dns.set_zone("smart.test MX 1 mx.smart.test\nmx.smart.test A 127.0.0.2\n"
                       "smart.test A 127.0.0.9")
    assert world.queue.send(["u@x.test"], f"smart.test:{one.port}")[0][0][0] == DONE
    results, _ = world.queue.send(["u@x.test"], f"[smart.test]:{one.port}")
    assert results[0][:2] == (LATER, "4.4.1")
    assert world.queue.send(["u@x.test"], f"[mx.smart.test]:{one.port}")[0][0][0] == DONE


@pytest.mark.parametrize("script, result", [
    ("CONNECT 554 5.7.1 listed", (LATER, "4.7.1")),
    ("CONNECT 521 5.3.2 no mail", (NEVER, "5.3.2")),
    ("CONNECT drop", (LATER, "4.4.2")),
    ("EHLO 502 what", (DONE, "2.0.0")),
    ("MAIL 550 5.7.1 no", (NEVER, "5.7.1")),
    ("MAIL drop", (LATER, "4.4.2")),
    ("RCPT 421 4.3.2 bye", (LATER, "4.3.2")),
    ("RCPT drop", (LATER, "4.4.2")),
    ("DATA 451 4.3.0 no", (LATER, "4.3.0")),
    ("BODY drop", (LATER, "4.4.2")),
    ("END 554 5.6.0 spam", (NEVER, "5.6.0")),
    ("END 452 4.2.2 full", (LATER, "4.2.2")),
    ("END drop", (LATER, "4.4.2")),
    ("END delay=1 250 2.6.0 late", (DONE, "2.6.0")),
    ("END nonsense", (LATER, "4.5.0")),
])
@pytest.mark.parametrize("without", [(), ("PIPELINING",)])
def test_whatever_the_server_does_has_an_answer(world, script, result, without):
    world.dns.set_zone(ZONE)
    world.sink(script=script, without=without)
    assert world.queue.send(["u@x.test"], "x.test")[0][0][:2] == result


def test_keeps_a_connection_for_the_next_message(world):
    world.dns.set_zone(ZONE)
    sink = world.sink(tls=True)
    for _ in range(5):
        assert world.queue.send(["u@x.test"], "x.test")[0][0][0] == DONE
    assert sink.connections == 1
    # A server that hangs up meanwhile costs nothing but a new connection.
    sink.set_script("RSET drop")
    assert world.queue.send(["u@x.test"], "x.test")[0][0][0] == DONE
    assert len(sink.wait(6)) == 6 and sink.connections == 2


def test_large_message_arrives_whole(world):
    world.dns.set_zone(ZONE)
    sink = world.sink(tls=True)
    body = b"Subject: large\r\n\r\n" + b"".join(
        b".%07d " % i + os.urandom(30).hex().encode() + b"\r\n" for i in range(200000))
    assert world.queue.send(["u@x.test"], "x.test", body=body)[0][0][0] == DONE
    assert sink.wait(1)[0].body == body


def test_many_at_once(world):
    world.dns.set_zone(ZONE)
    sink = world.sink()
    for _ in range(300):
        world.queue.start(["u@x.test"], "x.test")
    ends = results = 0
    while ends < 300:
        kind, _, payload = receive(world.queue.sock)
        ends += kind == END
        results += kind == RESULT and get(payload, "ibsssb")[1] == DONE
    assert results == 300 and len(sink.messages) == 300
    # At most 100 at a time; a slow machine may close an idle one in between.
    assert sink.connections < 200


def test_esmtp_parameters_and_what_needs_them(world):
    world.dns.set_zone(ZONE)
    sink = world.sink()
    queue = world.queue
    assert queue.send(["u@x.test"], "x.test", body_8bit=True, ret="HDRS", envid="E1", notify=6,
                      orcpt="rfc822;o@x.test")[0][0][0] == DONE
    m = sink.wait(1)[0]
    assert {"BODY=8BITMIME", "RET=HDRS", "ENVID=E1"} < set(m.sender_params)
    assert m.rcpts[0]["params"] == ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;o@x.test"]
    assert queue.send(["\u00fc@x.test"], "x.test")[0][0][0] == DONE
    assert "SMTPUTF8" in sink.wait(2)[1].sender_params
    old = world.sink(port=0, without=("SMTPUTF8", "8BITMIME"))
    hop = f"[127.0.0.1]:{old.port}"
    assert queue.send(["\u00fc@x.test"], hop)[0][0][:2] == (NEVER, "5.6.7")
    assert queue.send(["u@x.test"], hop, smtputf8=True)[0][0][0] == DONE
    text = "A: b\r\n\r\n\u00fc\r\n".encode()
    assert queue.send(["u@x.test"], hop, body=text, body_8bit=True)[0][0][:2] == (NEVER, "5.6.3")
    assert queue.send(["u@x.test"], hop, body=text)[0][0][0] == DONE
    small = world.sink(port=0, size=10)
    assert queue.send(["u@x.test"], f"[127.0.0.1]:{small.port}")[0][0][:2] == (NEVER, "5.3.4")


def test_finishes_what_is_under_way_when_stopped(world):
    world.dns.set_zone(ZONE)
    sink = world.sink(script="END delay=1")
    world.queue.start(["u@x.test"], "x.test")
    while not any("DATA" in c for _, c in sink.commands):
        threading.Event().wait(0.02)
    world.relay.stop_service()
    assert world.queue.finish(1)[0][0][0] == DONE
    assert world.relay.process.wait(10) == 0


def test_forgets_the_work_of_a_queue_that_died(world):
    world.dns.set_zone(ZONE)
    sink = world.sink(script="MAIL#1 delay=1")
    world.queue.start(["u@x.test"], "x.test")
    while not any("MAIL" in c for _, c in sink.commands):
        threading.Event().wait(0.02)
    world.queue.sock.close()
    queue = Queue(world.relay, "queue")
    assert queue.send(["v@x.test"], "x.test")[0][0][0] == DONE
    assert [m.rcpts[0]["address"] for m in sink.wait(1)] == ["v@x.test"]
