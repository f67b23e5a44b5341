"""Mail to other servers, through the whole stack: submitted on 587, signed or
not, looked up in a fake DNS, delivered to servers of ours on loopback."""

import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns  # noqa: E402
from smtpsink import Sink, make_cert  # noqa: E402
from stack import wait_for  # noqa: E402

DEMO = "demo@example.test"


class Internet:
    """A DNS and one port on which servers listen, each on an address of its
    own in 127/8."""

    def __init__(self, folder):
        self.cert, self.key = make_cert(str(folder))
        self.dns = FakeDns().start()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.sinks = []

    def server(self, host, tls=False, **more):
        if tls:
            more.update(cert=self.cert, key=self.key)
        self.sinks.append(Sink(host=host, port=self.port, **more).start())
        return self.sinks[-1]

    def env(self, **more):
        return {"DNS_SERVERS": self.dns.address, "PILLARBOX_RELAY_PORT": self.port,
                "PILLARBOX_QUEUE_RETRY_MIN": "1s", "PILLARBOX_QUEUE_RETRY_MAX": "2s", **more}

    def stop(self):
        for s in self.sinks:
            s.stop()
        self.dns.stop()


@pytest.fixture
def internet(tmp_path):
    i = Internet(tmp_path)
    yield i
    i.stop()


def submit(stack, to, subject, user=None, password=None):
    with stack.smtp_submit(user, password) as c:
        return c.sendmail(user or DEMO, to, f"From: {user or DEMO}\r\nSubject: {subject}\r\n"
                                            "\r\n.first line\r\ntext\r\n")


def bounces(stack):
    return [t for t in (p.read_text(errors="replace") for p in stack.delivered(DEMO))
            if "Undelivered Mail Returned to Sender" in t]


def test_mail_to_another_server_by_mx_over_tls(make_stack, internet):
    internet.dns.set_zone("other.test MX 20 b.other.test\nother.test MX 10 a.other.test\n"
                          "a.other.test A 127.0.0.2\nb.other.test A 127.0.0.3")
    first, second = internet.server("127.0.0.2", tls=True), internet.server("127.0.0.3")
    stack = make_stack(env=internet.env())
    submit(stack, ["u@other.test", "v@other.test"], "by mx")
    m = first.wait(1)[0]
    assert m.tls and m.helo == "mail.example.test" and m.sender == DEMO
    assert sorted(r["address"] for r in m.rcpts) == ["u@other.test", "v@other.test"]
    assert m.body.endswith(b"\r\n\r\n.first line\r\ntext\r\n") and b"Subject: by mx" in m.body
    assert m.body.startswith(b"Received: ")
    assert second.connections == 0
    stack.wait_log("status=sent")


def test_next_exchanger_when_the_first_is_down_or_busy(make_stack, internet):
    internet.dns.set_zone("other.test MX 10 down.other.test\nother.test MX 20 busy.other.test\n"
                          "other.test MX 30 good.other.test\ndown.other.test A 127.0.0.2\n"
                          "busy.other.test A 127.0.0.3\ngood.other.test A 127.0.0.4")
    busy = internet.server("127.0.0.3", script="CONNECT 421 4.3.2 too busy")
    good = internet.server("127.0.0.4")
    stack = make_stack(env=internet.env())
    submit(stack, ["u@other.test"], "falls back")
    good.wait(1)
    assert busy.connections == 1


def test_null_mx_and_unknown_domains_bounce_at_once(make_stack, internet):
    internet.dns.set_zone("null.test MX 0 .\nnull.test A 127.0.0.2")
    sink = internet.server("127.0.0.2")
    stack = make_stack(env=internet.env())
    submit(stack, ["u@null.test"], "null")
    submit(stack, ["u@nowhere.test"], "nowhere")
    wait_for(lambda: len(bounces(stack)) == 2, what="two bounces")
    text = "".join(bounces(stack))
    assert "5.1.10" in text and "5.1.2" in text
    assert sink.connections == 0


def test_temporary_refusal_is_tried_again(make_stack, internet):
    internet.dns.set_zone("other.test MX 10 a.other.test\na.other.test A 127.0.0.2")
    sink = internet.server("127.0.0.2", script="RCPT#1~slow 451 4.7.1 greylisted")
    stack = make_stack(env=internet.env())
    submit(stack, ["slow@other.test", "fast@other.test"], "again")
    messages = sink.wait(2, 20)
    assert [[r["address"] for r in m.rcpts] for m in messages] == [
        ["fast@other.test"], ["slow@other.test"]]
    wait_for(lambda: "Mail queue is empty" in stack.setup("queue", "list").stdout,
             what="an empty queue")
    assert bounces(stack) == []


def test_permanent_refusal_bounces_with_the_words_of_the_server(make_stack, internet):
    internet.dns.set_zone("other.test MX 10 a.other.test\na.other.test A 127.0.0.2")
    internet.server("127.0.0.2", script="RCPT 550 5.1.1 no such user here")
    stack = make_stack(env=internet.env())
    submit(stack, ["u@other.test"], "refused")
    text = wait_for(lambda: bounces(stack), what="a bounce")[0]
    assert "no such user here" in text and "5.1.1" in text
    assert "a.other.test" in text and "u@other.test" in text


def test_server_that_hangs_up_after_the_message_gets_it_again(make_stack, internet):
    internet.dns.set_zone("other.test MX 10 a.other.test\na.other.test A 127.0.0.2")
    sink = internet.server("127.0.0.2", script="END#1 drop")
    stack = make_stack(env=internet.env())
    submit(stack, ["u@other.test"], "twice")
    sink.wait(1, 20)


def test_smarthost_with_login(make_stack, internet):
    smart = internet.server("127.0.0.2", tls=True, auth="relay-user:relay-password")
    stack = make_stack(env=internet.env(
        DEFAULT_RELAY_HOST=f"[127.0.0.2]:{internet.port}", RELAY_USER="relay-user",
        RELAY_PASSWORD="relay-password"))
    submit(stack, ["u@anywhere.test"], "smart")
    m = smart.wait(1)[0]
    assert m.user == "relay-user" and m.tls
    assert "relay-password" not in stack.log()


def test_address_literal_needs_no_dns(make_stack, internet):
    sink = internet.server("127.0.0.2")
    stack = make_stack(env=internet.env())
    submit(stack, ["u@[127.0.0.2]"], "literal")
    assert sink.wait(1)[0].rcpts[0]["address"] == "u@[127.0.0.2]"
