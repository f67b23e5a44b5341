"""Law 2 and law 4 under fire: processes are killed with -9 during load, and
afterwards every acknowledged message is there, once, with a UID of its own."""

import os
import re
import signal
import smtplib
import threading
import time
from collections import Counter

import pytest
from stack import wait_for

USERS = [f"user{n}@example.test" for n in range(4)]
KILLS = ["deliver", "queue", "smtp-mx", "auth", "dkim", "imap"]


class Load:
    """Senders that never retry: what was not acknowledged is forgotten."""

    def __init__(self, stack, name, threads=4):
        self.stack, self.name = stack, name
        self.acked, self.lock = [], threading.Lock()
        self.ending = False
        self.threads = [threading.Thread(target=self.send, args=(n,)) for n in range(threads)]
        for t in self.threads:
            t.start()

    def send(self, thread):
        n = 0
        client = None
        while not self.ending:
            n += 1
            token = f"{self.name}-{thread}-{n}"
            to = USERS[n % len(USERS)]
            try:
                if client is None:
                    client = self.stack.smtp()
                client.sendmail("a@client.example.org", [to],
                                f"Subject: {token}\r\n\r\n{'body ' * 200}\r\n".encode())
                with self.lock:
                    self.acked.append((token, to))
            except (smtplib.SMTPException, OSError):
                client = None
                time.sleep(0.05)

    def end(self):
        self.ending = True
        for t in self.threads:
            t.join()
        return self.acked


def found(stack):
    """{user: Counter of tokens} of the Maildirs as they are on disk."""
    out = {}
    for user in USERS:
        tokens = Counter()
        for path in stack.delivered(user):
            m = re.search(r"^Subject: (\S+)$", path.read_text(), re.M)
            assert m and path.read_text().count("body ") == 200, f"{path} is not whole"
            tokens[m.group(1)] += 1
        out[user] = tokens
    return out


def uids(stack, user):
    with stack.imap(user, "secret") as c:
        c.select("INBOX", readonly=True)
        data = c.fetch("1:*", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        out = {}
        for item in data:
            if isinstance(item, tuple):
                uid = int(re.search(rb"UID (\d+)", item[0]).group(1))
                assert uid not in out
                out[uid] = item[1].split(b"Subject: ")[1].strip().decode()
        return out


def check(stack, acked):
    have = found(stack)
    missing = [(t, u) for t, u in acked if have[u][t] == 0]
    twice = [t for u in USERS for t, n in have[u].items() if n > 1]
    assert not missing, f"{len(missing)} of {len(acked)} acknowledged messages are gone: {missing[:5]}"
    assert not twice, f"delivered twice: {twice[:5]}"


@pytest.fixture
def loaded(stack):
    for user in USERS:
        stack.add_account(user, "secret")
    wait_for(lambda: "accounts=5" in stack.log(), 5, "accounts")
    return stack


@pytest.mark.parametrize("process", KILLS)
def test_no_acknowledged_message_is_lost_when_a_process_is_killed(loaded, process):
    load = Load(loaded, process)
    for _ in range(3):
        time.sleep(0.7)
        wait_for(lambda: loaded.pid_of(process), 15, process)
        loaded.kill(process)
    wait_for(lambda: loaded.pid_of(process), 15, process)
    time.sleep(1)
    acked = load.end()
    assert len(acked) > 20
    wait_for(lambda: re.search(r"^queue .* incoming=0 active=0 deferred=0",
                               loaded.setup("status", check=False).stdout, re.M), 60, "empty queue")
    check(loaded, acked)


def test_killing_everything_loses_nothing_and_reuses_no_uid(loaded):
    acked, seen = [], {u: {} for u in USERS}
    for turn in range(3):
        load = Load(loaded, f"turn{turn}")
        time.sleep(1.5)
        os.kill(int((loaded.dir / "pid").read_text()), signal.SIGKILL)
        acked += load.end()
        time.sleep(0.3)
        loaded.start()
        for user in USERS:
            now = uids(loaded, user)
            for uid, token in now.items():
                assert seen[user].setdefault(uid, token) == token, f"UID {uid} of {user} changed"
            assert set(seen[user]) == set(now), "a UID disappeared"
        check(loaded, acked)
    assert len(acked) > 20


def test_a_deleted_index_is_rebuilt_with_the_same_uids_flags_and_keywords(loaded):
    with loaded.smtp() as c:
        for n in range(10):
            c.sendmail("a@client.example.org", [USERS[0]],
                       f"Subject: keep-{n}\r\n\r\n{'body ' * 200}\r\n".encode())

    def state():
        with loaded.imap(USERS[0], "secret") as c:
            c.select("INBOX")
            validity = c.response("UIDVALIDITY")[1]
            flags = {}
            for item in c.fetch("1:*", "(UID FLAGS)")[1]:
                uid, words = re.search(rb"UID (\d+) FLAGS \(([^)]*)\)", item).groups()
                flags[uid] = set(words.split()) - {b"\\Recent"}
            return validity, flags

    with loaded.imap(USERS[0], "secret") as c:
        c.select("INBOX")
        c.store("2", "+FLAGS", r"(\Seen \Flagged)")
        c.store("3", "+FLAGS", "($label1 Work)")
        c.store("4", "+FLAGS", r"(\Deleted)")
        c.expunge()
    before = state()
    loaded.stop()
    for path in loaded.maildir(USERS[0]).glob("pillarbox.db*"):
        path.unlink()
    loaded.start()
    assert state() == before
    # and a corrupt one repairs itself
    loaded.stop()
    (loaded.maildir(USERS[0]) / "pillarbox.db").write_bytes(b"not a database" * 1000)
    for path in loaded.maildir(USERS[0]).glob("pillarbox.db-*"):
        path.unlink()
    loaded.start()
    assert state() == before
