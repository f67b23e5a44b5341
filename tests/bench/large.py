"""Parts of the bench with large mailboxes: every command over 100,000 messages
warm and cold, NOOP beside the heaviest of them, and a million messages."""

import multiprocessing
import os
import statistics
import time
from pathlib import Path

import corpus
import stacks
from common import Failed
from imapclient import Imap

USER = "large"
OTHER = "other"
TIMES = 3
APPENDS = 1000

READS = (
    ("FETCH 1:* (FLAGS)", b"FETCH 1:* (FLAGS)"),
    ("FETCH 1:* (UID ... ENVELOPE)",
     b"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"),
    ("FETCH 1:* BODYSTRUCTURE", b"FETCH 1:* (BODYSTRUCTURE)"),
    ("FETCH of 1,000 bodies", b"FETCH 50001:51000 (BODY.PEEK[])"),
    ("SEARCH UNSEEN", b"SEARCH UNSEEN"),
    ("SEARCH FROM", b"SEARCH FROM \"sender77@\""),
    ("SEARCH BODY, a rare word", b"SEARCH BODY " + corpus.RARE.encode()),
    ("SORT (DATE)", b"SORT (DATE) UTF-8 ALL"),
    ("SORT (SUBJECT)", b"SORT (SUBJECT) UTF-8 ALL"),
    ("THREAD REFERENCES", b"THREAD REFERENCES UTF-8 ALL"),
)
# What must stay out of the way of others, in a loop.
HEAVY = (
    ("SEARCH BODY", b"SEARCH BODY " + corpus.RARE.encode()),
    ("FETCH 1:* BODY[]", b"FETCH 1:* (BODY.PEEK[])"),
    ("SORT", b"SORT (SUBJECT) UTF-8 ALL"),
)


def place(bench):
    """The mailbox of 100,000 messages, in both stacks; once."""
    if bench.large:
        return
    bench.large = True
    messages = bench.options.large
    mails = corpus.Corpus(bench.options.data or bench.tools / "data", messages)
    bench.ours.stack.add_account(f"u{OTHER}@{stacks.DOMAIN}", stacks.PASSWORD)
    bench.ours.stack.add_account(f"u{USER}@{stacks.DOMAIN}", stacks.PASSWORD)
    for s in bench.both():
        mails.place(s, USER)
    time.sleep(1.5)


def client(s, user=USER, select=True):
    c = Imap(s.imaps_port, f"u{user}@{stacks.DOMAIN}")
    if select:
        c.command(b"SELECT INBOX")
    return c


class Rows:
    """Rows of the table, and the median of their ratios."""

    def __init__(self, bench, table):
        self.bench, self.table = bench, table
        self.ratios = []

    def row(self, what, measure, target="≥ 1x"):
        ours, theirs = self.bench.pair(measure)
        if theirs:
            self.ratios.append(theirs / ours)
        self.table.row(what, ours * 1e3, theirs and theirs * 1e3, "ms", True, target)

    def end(self, what):
        if self.ratios:
            print(f"    {what}: median of the ratios {statistics.median(self.ratios):.1f}x"
                  f" (≥ 2x), lowest {min(self.ratios):.1f}x (≥ 1x)", flush=True)


def first(bench, rows):
    def select(s):
        with_new = client(s, select=False)
        took = with_new.command(b"SELECT INBOX")
        if with_new.exists != bench.options.large:
            raise Failed(f"{s.name}: {with_new.exists} messages in the mailbox")
        with_new.close()
        return took

    def read(text):
        def measure(s):
            c = client(s)
            took = c.command(text)
            c.close()
            return took
        return measure
    rows.row("first SELECT", select, "")
    for what, text in READS:
        rows.row(f"first {what}", read(text), "")


def select_new(s):
    took = []
    for _ in range(TIMES):
        c = client(s, select=False)
        took.append(c.command(b"SELECT INBOX"))
        c.close()
    return statistics.median(took)


def warm(bench, rows):
    clients = {s: client(s) for s in bench.both()}

    def times(text):
        return lambda s: statistics.median(clients[s].command(text) for _ in range(TIMES))
    rows.row("SELECT in a new session", select_new)
    for what, text in READS:
        rows.row(what, times(text))
    changes(rows, clients)
    for c in clients.values():
        c.close()
    rows.end("warm")


def changes(rows, clients):
    """Each on copies of its own; both see the same commands."""
    def command(what, text, before):
        def measure(s):
            took = []
            for n in range(TIMES):
                for line in before:
                    clients[s].command(line.replace(b"%", b"%d" % n))
                took.append(clients[s].command(text.replace(b"%", b"%d" % n)))
            return statistics.median(took)
        rows.row(what, measure)

    def append(s):
        return sum(clients[s].append(Imap.MESSAGE) for _ in range(APPENDS))
    command("STORE 1:* +FLAGS", b"STORE 1:* +FLAGS.SILENT (\\Flagged)",
            (b"STORE 1:* -FLAGS.SILENT (\\Flagged)",))
    command("COPY 1:*", b"COPY 1:* Copy%", (b"CREATE Copy%",))
    command("MOVE 1:*", b"MOVE 1:* Move%", (b"CREATE Move%", b"SELECT Copy%"))
    for c in clients.values():
        c.command(b"SELECT INBOX")
    rows.row(f"APPEND of {APPENDS}", append)


def cold(bench, rows):
    """Page cache dropped, no session, no index held open."""
    if not drop_caches():
        print("    no rows with caches dropped: that needs root")
        return

    def measure(text):
        def one(s):
            took = []
            for _ in range(2):
                s.wait_closed(USER)
                drop_caches()
                c = client(s, select=False)
                took.append(c.command(text))
                c.close()
            return statistics.median(took)
        return one

    def selected(text):
        def one(s):
            s.wait_closed(USER)
            drop_caches()
            c = client(s)
            took = c.command(text)
            c.close()
            return took
        return one
    rows.row("cold SELECT", measure(b"SELECT INBOX"))
    for what, text in READS:
        rows.row(f"cold {what}", selected(text))
    rows.end("cold")


def drop_caches():
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError:
        return False
    return True


def large(bench, table):
    place(bench)
    print(f"    {bench.options.large} messages")
    first(bench, Rows(bench, table))
    warm(bench, Rows(bench, table))
    cold(bench, Rows(bench, table))


# ---- others meanwhile ----

def repeat(s, text, ready, stop):
    c = client(s)
    ready.set()
    while not stop.is_set():
        c.command(text)


def latencies(s, user, heavy, seconds):
    """NOOP beside another client that repeats a command; percentiles in s."""
    ready, stop = multiprocessing.Event(), multiprocessing.Event()
    c = client(s, user)
    c.command(b"NOOP")
    p = multiprocessing.Process(target=repeat, args=(s, heavy, ready, stop), daemon=True)
    p.start()
    ready.wait(60)
    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        took.append(c.command(b"NOOP"))
        time.sleep(0.01)
    p.terminate()
    p.join()
    c.close()
    took.sort()
    return took[len(took) * 99 // 100], took[len(took) // 2]


def beside(bench, table):
    """One connection while another one keeps the server busy."""
    place(bench)
    for what, text in HEAVY:
        for user, who in ((USER, "of the same user"), (OTHER, "of another")):
            ours, theirs = bench.pair(lambda s: latencies(s, user, text, 10))
            for at, name, target in ((0, "p99", "≤ 50"), (1, "p50", "")):
                table.row(f"NOOP {who} beside {what}, {name}", ours[at] * 1e3,
                          theirs and theirs[at] * 1e3, "ms", True, target)


# ---- a million ----

MILLION = "million"
GONE = "1000,500000:500004,999000"


def million(bench, table):
    messages = bench.options.million
    bench.ours.stack.add_account(f"u{MILLION}@{stacks.DOMAIN}", stacks.PASSWORD)
    for s in bench.both():
        corpus.place_many(s, MILLION, messages)
    time.sleep(1.5)
    print(f"    {messages} messages")

    def select(s):
        c = client(s, MILLION, False)
        return c, c.command(b"SELECT INBOX")

    def open_first(s):
        c, took = select(s)
        if c.exists != messages:
            raise Failed(f"{s.name}: {c.exists} messages in the mailbox")
        c.close()
        return took * 1e3
    ours, theirs = bench.pair(open_first)
    table.row("first SELECT", ours, theirs, "ms", True)
    time.sleep(3)  # what changed just now is looked at again

    def resync(s):
        c = client(s, MILLION, False)
        c.command(b"ENABLE QRESYNC")
        c.command(b"SELECT INBOX")
        validity, modseq = c.value("UIDVALIDITY"), c.value("HIGHESTMODSEQ")
        for text in (b"UID STORE 5,600000 +FLAGS.SILENT (\\Answered)",
                     b"UID STORE %s +FLAGS.SILENT (\\Deleted)" % GONE.encode(), b"EXPUNGE"):
            c.command(text)
        took = []
        for _ in range(7):
            d = client(s, MILLION, False)
            d.command(b"ENABLE QRESYNC")
            took.append(d.command(b"SELECT INBOX (QRESYNC (%d %d))" % (validity, modseq)))
            if b"VANISHED (EARLIER) " + GONE.encode() not in d.head:
                raise Failed(f"{s.name}: no VANISHED in {d.head[:400]}")
            d.close()
        c.close()
        return statistics.median(took) * 1e3

    def warm_select(s):
        took = []
        for _ in range(7):
            c, t = select(s)
            c.close()
            took.append(t)
        return statistics.median(took) * 1e3

    def memory(s):
        """Bytes for each message of each session."""
        sessions = [client(s, MILLION)]
        before = stacks.pss(s.pids())[0]
        sessions += [client(s, MILLION) for _ in range(5)]
        after = stacks.pss(s.pids())[0]
        for c in sessions:
            c.close()
        return (after - before) * 1024 / 5 / messages
    for what, measure, unit, target in (
            ("SELECT", warm_select, "ms", "≤ 50"), ("QRESYNC of a few changes", resync, "ms", "≤ 50"),
            ("a session's memory for a message", memory, "bytes", "≤ 8")):
        ours, theirs = bench.pair(measure)
        table.row(what, ours, theirs, unit, True, target)
