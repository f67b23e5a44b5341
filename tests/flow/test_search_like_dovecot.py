"""SEARCH, SORT and THREAD answer what a real Dovecot answers."""

import imaplib
import random
import sys
from pathlib import Path

import pytest
from dovecot import Dovecot

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from imapworker import ImapWorker  # noqa: E402

USER = "user@example.test"
NAMES = ["Ann <ann@b.test>", "bob@a.test", "\"Zoë, Dr.\" <Zed@c.test>", "=?utf-8?q?=C3=84rger?= <e@f.test>",
         "Ann <ANN@z.test>", "", "friends: x@y.test, z@y.test;", "=?iso-8859-1?q?=E9mile?= <y@b.test>"]
SUBJECTS = ["hello", "Hello", "Re: hello", "Fwd: hello", "[list] hello", "hello (fwd)", "", "Re:",
            "=?utf-8?q?W=C3=B6rld?=", "=?utf-8?q?Re=3A_w=C3=B6rld?=", "[fwd: other]", "other",
            "Re[2]: other", "re: [x] Re: other", "zebra", "Ähnlich".encode().decode("latin-1")]


def thread_mail(rnd, n, count):
    """A message in some conversation, with mistakes that mail programs make."""
    lines = [f"From: {rnd.choice(NAMES)}", f"To: {rnd.choice(NAMES)}", f"Cc: {rnd.choice(NAMES)}",
             f"Subject: {rnd.choice(SUBJECTS)}"]
    lines = [line for line in lines if not line.endswith(": ")]
    if rnd.random() < 0.9:
        lines.append(f"Date: {rnd.randrange(1, 28)} Jul 2003 {rnd.randrange(24):02}:00:00 "
                     f"{rnd.choice(['+0000', '+0200', '-0800'])}")
    if rnd.random() < 0.95:
        lines.append(f"Message-ID: <{rnd.randrange(count) if rnd.random() < 0.05 else n}@x>")
    # mostly to earlier ones, some to what was never there
    refs = [f"<{rnd.randrange(count + 20)}@x>" for _ in range(rnd.randrange(4))]
    if n and rnd.random() < 0.8:
        refs = sorted(rnd.sample(range(n), min(n, rnd.randrange(4))))
        refs = [f"<{r}@x>" for r in refs]
    if refs and rnd.random() < 0.7:
        lines.append("References: " + " ".join(refs))
    elif refs:
        lines.append(f"In-Reply-To: {refs[-1]}")
    return ("\r\n".join(lines) + "\r\n\r\n" + "x" * rnd.randrange(99) + "\r\n").encode("latin-1")


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    with ImapWorker(folder / "ours") as w, Dovecot(folder / "dovecot", folder / "mail") as d:
        with d.imap(USER) as theirs:
            ours = w.imaplib(USER)
            yield ours, theirs
            ours.logout()


def fill(servers, name, messages):
    for c in servers:
        assert c.create(name)[0] == "OK"
        for i, message in enumerate(messages):
            day = imaplib.Time2Internaldate(1056000000 + (i * 7919) % len(messages) * 86413)
            assert c.append(name, "", day, message)[0] == "OK"
        assert c.select(name)[0] == "OK"


def ask(c, command):
    name = command.split()[0]
    kind, data = c._simple_command("UID", *command.split(" ", 1))
    return kind, c._untagged_response(kind, data, name)[1]


def same(servers, command):
    ours, theirs = (ask(c, command) for c in servers)
    assert ours == theirs, command


def threads(line):
    """The threads of a THREAD response, one by one."""
    out, depth = [b""], 0
    for c in line:
        out[-1] += bytes([c])
        depth += {40: 1, 41: -1}.get(c, 0)
        if depth == 0:
            out.append(b"")
    return out[:-1]


@pytest.mark.parametrize("seed", range(6))
def test_sort_and_thread(servers, seed):
    rnd = random.Random(seed)
    count = [1, 5, 20, 60, 200, 300][seed]
    fill(servers, f"t{seed}", [thread_mail(rnd, n, count) for n in range(count)])
    for keys in ("ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "REVERSE SIZE", "SUBJECT", "TO",
                 "SUBJECT DATE", "REVERSE FROM SUBJECT REVERSE DATE"):
        same(servers, f"SORT ({keys}) UTF-8 ALL")
    for algorithm in ("ORDEREDSUBJECT", "REFERENCES"):
        same(servers, f"THREAD {algorithm} UTF-8 ALL")
        same(servers, f"THREAD {algorithm} US-ASCII SUBJECT hello")
    # Dovecot puts these threads in the order of the newest sent date
    ours, theirs = (ask(c, "THREAD REFS UTF-8 ALL")[1][0] for c in servers)
    assert sorted(threads(ours)) == sorted(threads(theirs))
