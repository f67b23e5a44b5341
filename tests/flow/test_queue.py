"""The queue on the running stack: what is acknowledged arrives, what cannot
arrive is reported, whatever is killed meanwhile."""

import os
import random
import re
import signal
import smtplib
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from smtpsink import Sink  # noqa: E402
from stack import wait_for  # noqa: E402

DEMO = "demo@example.test"


@pytest.fixture
def sink():
    s = Sink(without=("STARTTLS",)).start()
    yield s
    s.stop()


@pytest.fixture
def stack(make_stack):
    return make_stack(env={"ENABLE_IMAP": "0"})


def relaying(sink, **more):
    env = {"DEFAULT_RELAY_HOST": f"[127.0.0.1]:{sink.port}", "ENABLE_IMAP": "0",
           "PILLARBOX_QUEUE_RETRY_MIN": "1s", "PILLARBOX_QUEUE_RETRY_MAX": "2s"}
    env.update(more)
    return env


def text(subject, more=""):
    return f"From: {DEMO}\r\nSubject: {subject}\r\n{more}\r\nbody of {subject}\r\n"


def subjects(stack, address=DEMO):
    found = []
    for path in stack.delivered(address):
        for line in path.read_text(errors="replace").split("\n"):
            if line.startswith("Subject: "):
                found.append(line[9:])
                break
    return found


def spool(stack):
    return sorted(p.name for p in (stack.dir / "spool").iterdir())


def queue(stack, *words, check=True):
    return stack.setup("queue", *words, check=check)


def empty(stack):
    return wait_for(lambda: "Mail queue is empty" in queue(stack, "list").stdout
                    and not spool(stack), 20, "empty queue")


def report(stack, n=1):
    def look():
        found = [p.read_text() for p in stack.delivered(DEMO)
                 if "multipart/report" in p.read_text()]
        return found if len(found) >= n else None
    return wait_for(look, 20, "report")


def test_local_mail_is_delivered_before_the_reply_and_leaves_no_file(stack):
    with stack.smtp() as c:
        c.sendmail("a@remote.test", [DEMO], text("direct"))
    assert subjects(stack) == ["direct"]
    assert spool(stack) == []
    message = stack.delivered(DEMO)[0].read_text()
    assert message.startswith("Return-Path: <a@remote.test>\nDelivered-To: <demo@example.test>\n")


def test_submitted_mail_is_relayed_and_delivered_without_its_bcc(make_stack, sink):
    stack = make_stack(env=relaying(sink))
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, ["r@far.test", DEMO],
                   text("both", "Bcc: hidden@far.test\r\nX-Mailer: spy\r\n"))
    sink.wait(1)
    empty(stack)
    assert subjects(stack) == ["both"]
    body = sink.messages[0].body
    for word in (b"hidden", b"spy", b"client.example.org", b"127.0.0.1"):
        assert word not in body
    for word in (b"Date: ", b"Message-ID: <"):
        assert word in body


def test_a_later_is_tried_again_until_it_is_taken(make_stack, sink):
    sink.set_script("RCPT#1 450 4.2.0 greylisted\nRCPT#2 450 4.2.0 greylisted")
    stack = make_stack(env=relaying(sink))
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, ["r@far.test"], text("patience"))
    wait_for(lambda: "greylisted" in queue(stack, "list").stdout, 10, "reply in the list")
    sink.wait(1)
    empty(stack)


def test_a_refusal_is_reported_to_the_sender(make_stack, sink):
    sink.set_script("RCPT~bad@ 550 5.1.1 no such user here")
    stack = make_stack(env=relaying(sink))
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, ["bad@far.test", "good@far.test"], text("half"))
    sink.wait(1)
    r = report(stack)[0]
    assert "bad@far.test" in r and "good@far.test" not in r.split("Subject: half")[0]
    assert "5.1.1" in r and "no such user here" in r
    assert r.startswith("Return-Path: <>\n")
    empty(stack)


def test_notify_is_obeyed(make_stack, sink):
    sink.set_script("RCPT~bad@ 550 5.1.1 no such user here")
    sink.without.add("DSN")
    stack = make_stack(env=relaying(sink))
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, ["bad@far.test"], text("silent"), rcpt_options=["NOTIFY=NEVER"])
    empty(stack)
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, ["good@far.test", DEMO], text("told"),
                   rcpt_options=["NOTIFY=SUCCESS"])
    wait_for(lambda: sum(r.count("\nAction: ") for r in report(stack)) == 2, 10, "two successes")
    empty(stack)
    assert not any("silent" in r for r in report(stack))
    actions = "".join(report(stack))
    assert "Action: relayed" in actions and "Action: delivered" in actions


def test_what_expires_is_reported(make_stack, sink):
    sink.set_script("RCPT 450 4.2.0 never ready")
    stack = make_stack(env=relaying(sink, PILLARBOX_QUEUE_LIFETIME="3"))
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, ["r@far.test"], text("late"))
    r = report(stack)[0]
    assert "never ready" in r and "Action: failed" in r
    empty(stack)


def test_an_unreachable_hop_rests_and_comes_back(make_stack):
    sink = Sink().start()
    port = sink.port
    sink.stop()
    stack = make_stack(env=relaying(sink))
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, ["r@far.test"], text("patience"))
    stack.wait_log("event=rest")
    again = Sink(port=port, without=("STARTTLS",)).start()
    try:
        again.wait(1)
        empty(stack)
    finally:
        again.stop()


def test_what_fails_side_by_side_is_one_failure(make_stack):
    with socket.create_server(("127.0.0.1", 0)) as hop:
        hop.settimeout(20)
        stack = make_stack(env={
            "DEFAULT_RELAY_HOST": f"[127.0.0.1]:{hop.getsockname()[1]}", "ENABLE_IMAP": "0",
            "PILLARBOX_QUEUE_RETRY_MIN": "100s", "PILLARBOX_QUEUE_RETRY_MAX": "9000s"})
        with stack.smtp_submit() as c:
            for n in range(3):
                c.sendmail(DEMO, [f"r{n}@far.test"], text(f"n{n}"))
        for s in [hop.accept()[0] for _ in range(3)]:
            s.close()
        wait_for(lambda: "deferred=3" in stack.setup("status").stdout, 10, "three deferred")
    assert stack.log().count("event=rest") == 1
    waits = re.findall(r"event=defer .* next_s=(\d+)", stack.log())
    assert len(waits) == 3 and all(int(w) < 120 for w in waits), waits


def test_the_admin_sees_and_changes_the_queue(make_stack, sink):
    sink.set_script("RCPT 450 4.2.0 not now")
    stack = make_stack(env=relaying(sink, PILLARBOX_QUEUE_RETRY_MIN="1h",
                                    PILLARBOX_QUEUE_RETRY_MAX="1h"))
    assert "Mail queue is empty" in queue(stack, "list").stdout
    for n in range(3):
        with stack.smtp_submit() as c:
            c.sendmail(DEMO, [f"r{n}@far.test"], text(f"n{n}"))
    wait_for(lambda: queue(stack, "list").stdout.count("not now") == 3, 10, "three deferred")
    out = queue(stack, "list").stdout
    ids = [line.split()[0] for line in out.splitlines()[1:] if DEMO in line]
    assert len(ids) == 3 and "3 Requests." in out
    assert "Subject: n0" in queue(stack, "show", ids[0]).stdout
    queue(stack, "hold", ids[0])
    assert ids[0] + "!" in queue(stack, "list").stdout
    queue(stack, "delete", ids[1])
    assert ids[1] not in queue(stack, "list").stdout
    wrong = queue(stack, "show", "AAAAAAAAAA", check=False)
    assert wrong.returncode == 1 and "queue id 'AAAAAAAAAA' not found" in wrong.stdout + wrong.stderr
    sink.set_script("")
    queue(stack, "flush")
    sink.wait(1)
    wait_for(lambda: len(spool(stack)) == 1, 10, "only the held one")
    queue(stack, "release", ids[0])
    sink.wait(2)
    empty(stack)


def test_the_queue_resumes_after_a_restart_and_a_kill(make_stack, sink):
    sink.set_script("RCPT 450 4.2.0 not now")
    stack = make_stack(env=relaying(sink))
    for n in range(5):
        with stack.smtp_submit() as c:
            c.sendmail(DEMO, [f"r{n}@far.test", DEMO], text(f"n{n}"))
    wait_for(lambda: len(subjects(stack)) == 5, 10, "local copies")
    (stack.dir / "spool" / "tmp.AAAAAAAAAA").write_text("left over")
    stack.kill("queue")
    wait_for(lambda: "event=resumed" in stack.log(), 10, "resumed")
    stack.stop()
    sink.set_script("")
    stack.start()
    sink.wait(5)
    empty(stack)
    assert sorted(subjects(stack)) == [f"n{n}" for n in range(5)]
    assert len({m.rcpts[0]["address"] for m in sink.messages}) == 5


def test_a_damaged_file_is_kept_aside(make_stack, sink):
    sink.set_script("RCPT 450 4.2.0 not now")
    stack = make_stack(env=relaying(sink))
    for n in range(2):
        with stack.smtp_submit() as c:
            c.sendmail(DEMO, [f"r{n}@far.test"], text(f"n{n}"))
    wait_for(lambda: queue(stack, "list").stdout.count("not now") == 2, 10, "deferred")
    stack.stop()
    first, second = [stack.dir / "spool" / name for name in spool(stack)]
    os.truncate(first, first.stat().st_size // 2)
    os.truncate(second, second.stat().st_size - 3)  # a torn journal record
    sink.set_script("")
    stack.start()
    sink.wait(1)
    wait_for(lambda: spool(stack) == ["bad." + first.name], 10, "quarantine")


def test_deliver_dies_and_mail_still_arrives_once(stack):
    for n in range(3):
        with stack.smtp() as c:
            c.ehlo()
            stack.kill("deliver")
            c.sendmail("a@remote.test", [DEMO], text(f"n{n}"))
    wait_for(lambda: len(subjects(stack)) == 3, 20, "three messages")
    time.sleep(0.5)
    assert sorted(subjects(stack)) == [f"n{n}" for n in range(3)]


class Load(threading.Thread):
    """Sends numbered messages until told to stop; remembers what got 250."""

    def __init__(self, connect, sender, recipients, tag):
        super().__init__(daemon=True)
        self.connect, self.sender, self.recipients, self.tag = connect, sender, recipients, tag
        self.acknowledged, self.stopping, self.n = [], False, 0

    def run(self):
        c = None
        while not self.stopping:
            name = f"{self.tag}-{self.n}"
            self.n += 1
            try:
                if c is None:
                    c = self.connect()
                c.sendmail(self.sender, self.recipients, text(name))
                self.acknowledged.append(name)
            except (smtplib.SMTPException, OSError):
                c = None
                time.sleep(0.05)


@pytest.mark.parametrize("victim", ["queue", "deliver", "dkim", "auth", "smtp-mx"])
def test_nothing_acknowledged_is_lost_when_a_process_is_killed(stack, victim):
    users = [f"u{n}@example.test" for n in range(4)]
    for u in users:
        stack.add_account(u, "secret")
    stack.wait_log("accounts=5")
    load = [Load(stack.smtp, "a@remote.test", [u], f"t{n}") for n, u in enumerate(users)]
    for t in load:
        t.start()
    for _ in range(3):
        time.sleep(1 + random.random() / 2)
        pid = stack.pid_of(victim)
        if pid:
            os.kill(pid, signal.SIGKILL)
    time.sleep(2.5)
    for t in load:
        t.stopping = True
    for t in load:
        t.join(60)
    empty(stack)
    for t, u in zip(load, users):
        there = subjects(stack, u)
        missing = set(t.acknowledged) - set(there)
        assert not missing, f"{len(missing)} of {len(t.acknowledged)} lost"
        assert len(there) == len(set(there)), "delivered twice"
        assert len(t.acknowledged) > 20


@pytest.mark.parametrize("victim", ["queue", "relay"])
def test_nothing_relayed_is_lost_when_a_process_is_killed(make_stack, sink, victim):
    stack = make_stack(env=relaying(sink))
    load = [Load(stack.smtp_submit, DEMO, [f"r{n}@far{n}.test"], f"t{n}") for n in range(3)]
    for t in load:
        t.start()
    for _ in range(3):
        time.sleep(1.2)
        pid = stack.pid_of(victim)
        if pid:
            os.kill(pid, signal.SIGKILL)
    time.sleep(2)
    for t in load:
        t.stopping = True
    for t in load:
        t.join(60)
    wait_for(lambda: "Mail queue is empty" in queue(stack, "list").stdout, 60, "empty queue")
    there = {line[9:].strip() for m in sink.messages
             for line in m.body.decode().split("\n") if line.startswith("Subject: ")}
    for t in load:
        missing = set(t.acknowledged) - there
        assert not missing, f"{len(missing)} of {len(t.acknowledged)} lost"
        assert len(t.acknowledged) > 5


def test_relay_host_takes_only_what_our_domains_send(make_stack, sink):
    other = Sink(without=("STARTTLS",)).start()
    try:
        stack = make_stack(env=relaying(sink, RELAY_HOST="127.0.0.1", RELAY_PORT=str(other.port)),
                           files={"postfix-virtual.cf": "fwd@example.test r@far.test\n"})
        with stack.smtp_submit() as c:
            c.sendmail(DEMO, ["r@far.test"], text("ours"))
        other.wait(1)
        with stack.smtp() as c:
            c.sendmail("a@remote.test", ["fwd@example.test"], text("forwarded"))
        sink.wait(1)
        empty(stack)
        assert b"Subject: ours" in other.messages[0].body
        assert b"Subject: forwarded" in sink.messages[0].body
    finally:
        other.stop()


def test_a_report_that_fails_goes_to_the_postmaster_and_no_further(make_stack, sink):
    sink.set_script("RCPT 550 5.1.1 nobody here")
    stack = make_stack(env=relaying(sink, POSTMASTER_ADDRESS="boss@example.test"),
                       files={"postfix-virtual.cf": "fwd@example.test r@far.test\n"})
    stack.add_account("boss@example.test", "secret")
    stack.wait_log("accounts=2")
    with stack.smtp() as c:
        c.sendmail("a@remote.test", ["fwd@example.test"], text("lost"))
    wait_for(lambda: len(subjects(stack, "boss@example.test")) == 1, 20, "double bounce")
    empty(stack)
    assert "a@remote.test" in stack.delivered("boss@example.test")[0].read_text()


def test_many_recipients_are_split_over_requests(make_stack, sink):
    stack = make_stack(env=relaying(sink))
    there = [f"r{n}@far.test" for n in range(250)]
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, there + [DEMO], text("crowd"))
    empty(stack)
    assert sorted(r["address"] for m in sink.messages for r in m.rcpts) == sorted(there)
    assert max(len(m.rcpts) for m in sink.messages) <= 100
    assert subjects(stack) == ["crowd"]


def test_a_mailbox_that_cannot_be_written_is_tried_again(stack):
    stack.add_account("u@example.test", "secret")
    stack.wait_log("accounts=2")
    blocked = stack.maildir("u@example.test")
    with stack.smtp() as c:
        c.sendmail("a@remote.test", ["u@example.test"], text("first"))
    aside = blocked.with_name("aside")
    time.sleep(1)
    blocked.rename(aside)
    blocked.write_text("a file where a folder should be")
    with stack.smtp() as c:
        c.sendmail("a@remote.test", ["u@example.test", DEMO], text("later"))
    assert subjects(stack) == ["later"]
    assert "u@example.test" in queue(stack, "list").stdout
    assert len(spool(stack)) == 1
    blocked.unlink()
    aside.rename(blocked)
    queue(stack, "flush")
    wait_for(lambda: sorted(subjects(stack, "u@example.test")) == ["first", "later"], 20,
             "second try")
    empty(stack)
    assert subjects(stack) == ["later"]
