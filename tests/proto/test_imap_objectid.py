"""OBJECTID (RFC 8474) over a socket pair."""

import os
import re
import shutil

from imapworker import ImapWorker

ROOT = b"Message-ID: <root@x>\r\nSubject: a\r\n\r\none\r\n"
REPLY = b"Message-ID: <r1@x>\r\nIn-Reply-To: <root@x>\r\nSubject: Re: a\r\n\r\ntwo\r\n"
DEEP = b"Message-ID: <r2@y>\r\nReferences: <root@x>\r\n <r1@x>\r\nSubject: b\r\n\r\nthree\r\n"
OTHER = b"Subject: a\r\n\r\none\r\n"


def mailboxid(lines):
    return re.search(r"MAILBOXID \((F[0-9a-f]{32})\)", "\n".join(lines)).group(1)


def ids(c, messages="1:*"):
    found = [re.search(r"EMAILID \((M[0-9a-f]{32})\) THREADID \((T[0-9a-f]{32})\)", x)
             for x in c.ok(f"UID FETCH {messages} (EMAILID THREADID)")]
    return [m.groups() for m in found if m]


def test_mailboxes(c):
    text = c.do("CREATE x")[1]
    assert text.startswith("OK [MAILBOXID (F")
    x = mailboxid([text])
    assert mailboxid(c.ok("STATUS x (MAILBOXID)")) == x
    assert mailboxid(c.ok('LIST "" x RETURN (STATUS (MAILBOXID MESSAGES))')) == x
    c.ok("RENAME x y")
    assert mailboxid(c.ok("SELECT y")) == mailboxid(c.ok("EXAMINE y")) == x
    c.ok("CREATE x")
    new = mailboxid(c.ok("STATUS x (MAILBOXID)"))
    inbox = mailboxid(c.ok("STATUS INBOX (MAILBOXID)"))
    assert len({x, new, inbox}) == 3
    c.ok("DELETE y")
    c.ok("CREATE y")
    assert mailboxid(c.ok("STATUS y (MAILBOXID)")) != x


def test_rename_of_inbox_makes_another(c):
    inbox = mailboxid(c.ok("STATUS INBOX (MAILBOXID)"))
    c.ok("RENAME INBOX old")
    assert mailboxid(c.ok("STATUS INBOX (MAILBOXID)")) == inbox
    assert mailboxid(c.ok("STATUS old (MAILBOXID)")) != inbox


def test_messages(worker, c):
    for mail in (ROOT, REPLY, DEEP, OTHER, OTHER):
        c.append("INBOX", mail)
    c.ok("NOOP")
    emails, threads = zip(*ids(c))
    assert len(set(emails)) == 4 and emails[3] == emails[4]
    assert threads[0] == threads[1] == threads[2] and threads[3] == threads[4] != threads[0]
    # Copies and moved messages are the same ones.
    c.ok("CREATE x")
    c.ok("UID COPY 2 x")
    c.ok("UID MOVE 3 x")
    c.ok("SELECT x")
    assert ids(c) == [(emails[1], threads[1]), (emails[2], threads[2])]
    c.ok("SELECT INBOX")
    assert c.ok(f"UID SEARCH EMAILID {emails[3]}") == ["* SEARCH 4 5"]
    assert c.ok(f"UID SEARCH THREADID {threads[0]}") == ["* SEARCH 1 2"]
    assert c.ok(f"UID SEARCH OR EMAILID {emails[0]} EMAILID {emails[1]}") == ["* SEARCH 1 2"]
    assert c.ok(f"UID SEARCH NOT THREADID {threads[0]} UID 4") == ["* SEARCH 4"]
    assert c.ok(f"UID SEARCH THREADID {threads[0]} BODY two") == ["* SEARCH 2"]
    for key in (emails[3].lower(), emails[3].replace("M", "T"), emails[3][:-1], "NIL", "x", "M",
                emails[3][0] + emails[3][1:].upper() if emails[3][1:].upper() != emails[3][1:] else "x"):
        assert c.ok(f"UID SEARCH EMAILID {key}") == ["* SEARCH"]
    for bad in ("EMAILID", "EMAILID a.b", 'THREADID ""', "EMAILID ()"):
        c.bad("SEARCH " + bad)


def test_they_outlive_the_index(tmp_path):
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        for mail in (ROOT, REPLY, OTHER):
            c.append("INBOX", mail)
        before = ids(c), mailboxid(c.ok("STATUS INBOX (MAILBOXID)"))
        root = w.maildir()
    for name in os.listdir(root):
        if name.startswith("pillarbox.db"):
            os.unlink(os.path.join(root, name))
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        assert (ids(c), mailboxid(c.ok("STATUS INBOX (MAILBOXID)"))) == before


def test_foreign_files_have_them(worker, c):
    c.append("INBOX", ROOT)
    cur = os.path.join(worker.maildir(), "cur")
    new = os.path.join(worker.maildir(), "new")
    source = next(os.path.join(d, n) for d in (cur, new) for n in os.listdir(d))
    shutil.copy(source, os.path.join(new, "1700000000.1.other"))
    c.ok("NOOP")
    first, second = ids(c)
    assert first == second
