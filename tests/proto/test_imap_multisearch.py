"""ESEARCH over several mailboxes (MULTISEARCH, RFC 7377) over the worker."""

import re

import pytest


@pytest.fixture
def c(worker):
    c = worker.client()
    for name in ("work", "work.a", "work.a.b", "workshop", "\"two words\""):
        c.ok(f"CREATE {name}")
    for name, subjects in (("INBOX", "xyx"), ("work", "x"), ("work.a", "yx"), ("work.a.b", "xx"), ("workshop", "x"),
                           ("\"two words\"", "zx")):
        for subject in subjects:
            c.append(name, f"Subject: {subject}\r\n\r\nbody\r\n".encode())
    return c


def found(lines):
    """{mailbox: data} of the ESEARCH responses."""
    out = {}
    for line in lines:
        m = re.fullmatch(r'\* ESEARCH \(TAG "(t\d+)" MAILBOX ("[^"]*"|\S+) UIDVALIDITY \d+\) UID (.*)', line)
        assert m, line
        assert m[2] not in out
        out[m[2]] = m[3]
    return out


def test_sources(c):
    def ask(sources):
        return found(c.ok(f"ESEARCH IN ({sources}) SUBJECT x"))

    assert ask("mailboxes INBOX") == {"INBOX": "ALL 1,3"}
    assert ask("mailboxes (work inbox)") == {"INBOX": "ALL 1,3", "work": "ALL 1"}
    assert ask("subtree work") == {"work": "ALL 1", "work.a": "ALL 2", "work.a.b": "ALL 1:2"}
    assert ask("subtree-one work") == {"work": "ALL 1", "work.a": "ALL 2"}
    assert ask("subtree-one (work work.a)") == {"work": "ALL 1", "work.a": "ALL 2", "work.a.b": "ALL 1:2"}
    assert ask('mailboxes "two words" inboxes') == {'"two words"': "ALL 2", "INBOX": "ALL 1,3"}
    assert len(ask("personal")) == 6
    c.ok("SUBSCRIBE work.a")
    assert ask("subscribed") == {"work.a": "ALL 2"}
    # nobody's name, or a parent without a mailbox, is no error
    assert ask("mailboxes (nobody work.a)") == {"work.a": "ALL 2"}
    # the same one twice is searched once
    assert ask("mailboxes work subtree work.a mailboxes work.a.b") == {
        "work": "ALL 1", "work.a": "ALL 2", "work.a.b": "ALL 1:2"}


def test_selected(c):
    c.bad("ESEARCH SUBJECT x")
    c.bad("ESEARCH IN (selected) SUBJECT x")
    c.bad("ESEARCH IN (mailboxes work) RETURN (UPDATE) SUBJECT x")
    c.ok("SELECT work.a")
    assert found(c.ok("ESEARCH SUBJECT x")) == {"work.a": "ALL 2"}
    assert found(c.ok("UID ESEARCH 1")) == {"work.a": "ALL 1"}
    assert found(c.ok("ESEARCH IN (selected mailboxes work subtree work.a) SUBJECT x")) == {
        "work": "ALL 1", "work.a": "ALL 2", "work.a.b": "ALL 1:2"}
    # it stays selected
    assert c.ok("SEARCH ALL") == ["* SEARCH 1 2"]
    c.bad("ESEARCH IN (mailboxes work) RETURN (SAVE) SUBJECT x")
    c.bad("ESEARCH IN (selected mailboxes work) RETURN (SAVE) SUBJECT x")
    assert c.ok("ESEARCH IN (selected) RETURN (SAVE) SUBJECT x") == []
    assert c.ok("SEARCH $") == ["* SEARCH 2"]


def test_return_options_are_of_each_mailbox(c):
    answer = found(c.ok("ESEARCH IN (mailboxes INBOX subtree work) RETURN (MIN MAX COUNT) SUBJECT x"))
    assert answer == {"INBOX": "MIN 1 MAX 3 COUNT 2", "work": "MIN 1 MAX 1 COUNT 1",
                      "work.a": "MIN 2 MAX 2 COUNT 1", "work.a.b": "MIN 1 MAX 2 COUNT 2"}
    answer = found(c.ok("ESEARCH IN (subtree work) RETURN (PARTIAL -1:-1) SUBJECT x"))
    assert answer["work.a.b"] == "PARTIAL (-1:-1 2)"
    # nothing found, nothing said, whatever was asked for
    assert c.ok("ESEARCH IN (personal) RETURN (COUNT) SUBJECT nothing") == []
    # numbers are those of the mailbox at hand
    assert found(c.ok("ESEARCH IN (mailboxes INBOX subtree work) 2:3")) == {
        "INBOX": "ALL 2:3", "work.a": "ALL 2", "work.a.b": "ALL 2"}
    assert found(c.ok("ESEARCH IN (subtree work) BODY body NOT UID 1")) == {"work.a": "ALL 2", "work.a.b": "ALL 2"}


def test_update_of_the_selected_one(worker, c):
    c.ok("SELECT work")
    lines = c.ok("ESEARCH IN (subtree work) RETURN (COUNT UPDATE) SUBJECT x")
    tag = c.count
    assert len(found(lines)) == 3
    other = worker.client()
    other.append("work.a", b"Subject: x\r\n\r\n")
    assert not [x for x in c.ok("NOOP") if "ESEARCH" in x]
    other.append("work", b"Subject: x\r\n\r\n")
    line = c.ok("NOOP")[-1]
    assert re.fullmatch(rf'\* ESEARCH \(TAG "t{tag}" MAILBOX work UIDVALIDITY \d+\) UID ADDTO \(0 2\)', line)
    lines = c.ok("ESEARCH IN (mailboxes work.a) RETURN (UPDATE) SUBJECT x")
    assert lines == [f'* NO [NOUPDATE "t{c.count}"] The selected mailbox is not searched']


def test_recent_is_not_taken(worker, c):
    c.ok("ESEARCH IN (personal) ALL")
    assert "* 1 RECENT" in c.ok("SELECT work")


def test_what_is_malformed_is_refused(c):
    for command in ("ESEARCH", "ESEARCH IN", "ESEARCH IN ()", "ESEARCH IN () ALL", "ESEARCH IN (mailboxes) ALL",
                    "ESEARCH IN (mailboxes ()) ALL", "ESEARCH IN (nonsense) ALL", "ESEARCH IN (subtree work ALL",
                    "ESEARCH IN (personal)", "ESEARCH IN (personal (option)) ALL", "ESEARCH IN (personal) NONSENSE",
                    "ESEARCH IN (selected-delayed) ALL", "ESEARCH IN (mailboxes work) RETURN (X) ALL",
                    "ESEARCH IN (mailboxes " + "a " * 300 + ") ALL"):
        c.bad(command)
        c.ok("NOOP")
    assert "BADCHARSET" in c.no("ESEARCH IN (personal) CHARSET x-none ALL")
