"""One mailbox under fifty sessions, deliveries and another program at once:
every operation succeeds, and in the end all sessions see the same.

STORM_SECONDS=60 makes it longer."""

import os
import random
import re
import threading
import time

from stack import wait_for

SECONDS = float(os.environ.get("STORM_SECONDS", 12))
SESSIONS = 50
SENDERS = 6
USER = "storm@example.test"


class Session(threading.Thread):
    def __init__(self, stack, n, end):
        super().__init__()
        self.stack, self.end_at, self.rnd = stack, end, random.Random(n)
        self.n, self.done, self.error = n, 0, None
        self.appended = 0

    def ok(self, answer):
        if answer[0] != "OK":
            raise AssertionError(f"session {self.n}: {answer}")
        self.done += 1
        return answer[1]

    def run(self):
        try:
            self.c = self.stack.imap(USER, "secret")
            self.ok(self.c.select("INBOX"))
            while time.monotonic() < self.end_at:
                self.rnd.choice([self.noop, self.fetch, self.fetch, self.store, self.store, self.search,
                                 self.append, self.copy, self.expunge])()
        except Exception as e:  # shown by the test
            self.error = e

    def some(self):
        uids = self.ok(self.c.uid("SEARCH", "ALL"))[0].split()
        return self.rnd.choice(uids).decode() if uids else "1"

    def noop(self):
        self.ok(self.c.noop())

    def fetch(self):
        self.ok(self.c.uid("FETCH", self.some() + ":*", "(UID FLAGS RFC822.SIZE)"))

    def store(self):
        flag = self.rnd.choice(["\\Seen", "\\Flagged", "\\Answered", "$Label1", f"word{self.n % 5}"])
        self.ok(self.c.uid("STORE", self.some(), self.rnd.choice("+-") + "FLAGS", f"({flag})"))

    def search(self):
        self.ok(self.c.uid("SEARCH", "UNSEEN"))

    def append(self):
        self.ok(self.c.append("INBOX", "", None, b"Subject: appended\r\n\r\nx\r\n"))
        self.appended += 1

    def copy(self):
        self.ok(self.c.uid("COPY", self.some(), "Archive"))

    def expunge(self):
        if self.rnd.random() < 0.2:
            self.ok(self.c.uid("STORE", self.some(), "+FLAGS", "(\\Deleted)"))
            self.ok(self.c.expunge())

    def view(self):
        self.ok(self.c.noop())
        # what came unasked before is told again, or was expunged since
        self.c.untagged_responses.clear()
        out = {}
        for item in self.ok(self.c.uid("FETCH", "1:*", "(UID FLAGS)")):
            if item is None:
                continue
            uid, flags = re.search(rb"UID (\d+) FLAGS \(([^)]*)\)", item).groups()
            out[int(uid)] = frozenset(flags.split()) - {b"\\Recent"}
        return out


class Sender(threading.Thread):
    def __init__(self, stack, end):
        super().__init__()
        self.stack, self.end_at, self.sent, self.error = stack, end, 0, None

    def run(self):
        try:
            with self.stack.smtp() as c:
                while time.monotonic() < self.end_at:
                    c.sendmail("a@b.test", [USER], b"Subject: delivered\r\n\r\nbody\r\n")
                    self.sent += 1
        except Exception as e:
            self.error = e


def test_fifty_sessions_and_a_delivery_storm_on_one_mailbox(stack):
    stack.add_account(USER, "secret")
    wait_for(lambda: "accounts=2" in stack.log(), 5, "accounts")
    with stack.imap(USER, "secret") as c:
        c.create("Archive")
    end = time.monotonic() + SECONDS
    sessions = [Session(stack, n, end) for n in range(SESSIONS)]
    senders = [Sender(stack, end) for _ in range(SENDERS)]
    for t in sessions + senders:
        t.start()
    # and a program that knows only Maildir
    root, dropped = stack.maildir(USER), 0
    while time.monotonic() < end:
        dropped += 1
        path = root / "tmp" / f"17000000{dropped}.drop.host"
        path.write_text("Subject: dropped\n\nx\n")
        os.chown(path, root.stat().st_uid, root.stat().st_gid)
        path.rename(root / "new" / path.name)
        time.sleep(0.3)
    for t in sessions + senders:
        t.join()
    assert not [t.error for t in sessions + senders if t.error]
    views = [s.view() for s in sessions]
    added = sum(s.appended for s in sessions) + sum(s.sent for s in senders) + dropped
    done = sum(s.done for s in sessions)
    for s, view in zip(sessions, views):
        assert view == views[0], f"session {s.n} sees something else"
        s.c.logout()
    print(f"{done} commands, {added} messages added, {len(views[0])} left")
    assert done > 20 * SECONDS and sum(s.sent for s in senders) > SECONDS
    # UIDs were given out once each, in order
    assert len(stack.delivered(USER)) == len(views[0])
    assert max(views[0]) == added
    log = stack.log()
    assert "level=error" not in log, re.findall(r".*level=error.*", log)[:3]
