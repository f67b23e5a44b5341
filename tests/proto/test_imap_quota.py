"""QUOTA (RFC 9208) of the IMAP worker, with a fake auth that has the limits."""

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from imapworker import ImapWorker  # noqa: E402

LETTER = "From: a\r\nSubject: x\r\n\r\n" + ("y" * 98 + "\r\n") * 30


@pytest.fixture
def worker(tmp_path):
    tmp_path.chmod(0o755)
    root = tmp_path / "mail"
    root.mkdir()
    root.chmod(0o777)
    with ImapWorker(root, {"enable_quotas": "1"}) as w:
        w.auth.quota = (10240, 0)
        yield w


def quota(c):
    return [line for line in c.ok('GETQUOTA "User quota"') if line.startswith("* QUOTA")]


def test_answers_come_in_order_when_pipelined(worker):
    c = worker.client("u@example.test")
    c.send('a GETQUOTAROOT INBOX\r\nb NOOP\r\nc GETQUOTA "User quota"\r\nd GETQUOTA other\r\ne NOOP\r\n')
    lines, _ = c.until("e")
    assert [line.split()[0] for line in lines] == ["*", "*", "a", "b", "*", "c", "d"]
    assert lines[:2] == ['* QUOTAROOT INBOX "User quota"', '* QUOTA "User quota" (STORAGE 0 10)']
    assert "NONEXISTENT" in lines[-1]


def test_the_limit_of_now_is_told(worker):
    c = worker.client("u@example.test")
    assert quota(c) == ['* QUOTA "User quota" (STORAGE 0 10)']
    worker.auth.quota = (0, 3)
    assert quota(c) == ['* QUOTA "User quota" (MESSAGE 0 3)']
    worker.auth.quota = (1, 3)
    assert quota(c) == ['* QUOTA "User quota" (STORAGE 0 1 MESSAGE 0 3)']
    worker.auth.quota = (0, 0)
    assert quota(c) == ['* QUOTA "User quota" ()']


def test_what_is_held_is_reported(worker):
    c = worker.client("u@example.test")
    c.append("INBOX", LETTER)
    end = time.monotonic() + 5
    while "u@example.test" not in worker.auth.held and time.monotonic() < end:
        time.sleep(0.02)
    assert worker.auth.held["u@example.test"] == (len(LETTER), 1)
    assert quota(c) == ['* QUOTA "User quota" (STORAGE 3 10)']


def test_a_multiappend_is_all_or_nothing(worker):
    c = worker.client("u@example.test")
    text = c.do("APPEND INBOX ", (LETTER, " "), (LETTER, " "), (LETTER, " "), (LETTER, ""))[1]
    assert text == "NO [OVERQUOTA] Quota exceeded (mailbox for user is full)"
    assert c.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 0)"]


def test_too_much_is_refused_before_it_comes(worker):
    c = worker.client("u@example.test")
    c.send("a APPEND INBOX {11000}\r\n")
    assert c.line() == "a NO [OVERQUOTA] Quota exceeded (mailbox for user is full)"
    c.send("b APPEND INBOX {11000+}\r\n" + "x" * 11000 + "\r\nc APPEND INBOX {6+}\r\nA: b\r\n\r\n")
    assert c.line() == "b NO [OVERQUOTA] Quota exceeded (mailbox for user is full)"
    assert c.line().startswith("c OK [APPENDUID")
    c.append("Trash", "x" * 11000)  # 50 MiB more


def test_mistakes(worker):
    c = worker.client("u@example.test")
    c.bad("GETQUOTA")
    c.bad("GETQUOTAROOT")
    c.bad('GETQUOTA "User quota" x')
    c.bad('SETQUOTA "User quota"')
    assert "NOPERM" in c.no('SETQUOTA "User quota" (STORAGE 1)')
    assert "NONEXISTENT" in c.no("GETQUOTAROOT none")
    c.no('GETQUOTAROOT ""')


def test_without_quotas_the_commands_are_unknown(tmp_path):
    root = tmp_path / "mail"
    root.mkdir()
    tmp_path.chmod(0o755)
    root.chmod(0o777)
    with ImapWorker(root, {"enable_quotas": "0"}) as w:
        c = w.client("u@example.test")
        assert "QUOTA" not in "".join(c.ok("CAPABILITY"))
        c.bad('GETQUOTA "User quota"')
        c.bad("GETQUOTAROOT INBOX")
