"""A part of the benchmark: SEARCH of texts in one large mailbox, before and
with the search index, beside Dovecot without full text search."""

import imaplib
import os
import random
import ssl
import statistics
import threading
import time

import stacks

USER = "usearch"
MOST = 100000
RARE = "xylophonist"
FAST = "≥ 20x"


def vocabulary(rand, n):
    parts = [c + v for c in "bcdfghklmnprstvwz" for v in ("a", "e", "i", "o", "u", "ai", "er", "in", "on")]
    return ["".join(rand.choices(parts, k=rand.choice((1, 2, 2, 3, 3, 4)))) for _ in range(n)]


def messages(n):
    """Texts of 3 to 7 KB in words as frequent as those of a language; one in 20,000 has a rare word."""
    rand = random.Random(5)
    words = vocabulary(rand, 20000)
    weights = [1 / (i + 3) for i in range(len(words))]
    pool = rand.choices(words, weights, k=400000)
    for i in range(n):
        at = rand.randrange(len(pool) - 1500)
        text = pool[at:at + rand.randrange(500, 1200)]
        if i % 20000 == 17:
            text.insert(100, RARE)
        body = "\n".join(" ".join(text[k:k + 12]) for k in range(0, len(text), 12))
        key = "".join(rand.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/", k=344))
        yield (f"Return-Path: <s{i % 5000}@example.org>\n"
               f"Received: from mx{i % 97}.example.org by mail.example.test with ESMTPS id {i:x};\n"
               f"\tMon, 1 Jan 2024 12:{i % 60:02}:00 +0000\n"
               f"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s1; bh={key[:44]};\n\tb={key}\n"
               f"From: Sender {i % 5000} <s{i % 5000}@example.org>\nTo: <{USER}@{stacks.DOMAIN}>\n"
               f"Subject: {' '.join(text[:4])}\nDate: Mon, 1 Jan 2024 12:{i % 60:02}:00 +0000\n"
               f"Message-ID: <{i}.{key[:12].encode().hex()}@example.org>\nMIME-Version: 1.0\n"
               f"Content-Type: text/plain; charset=utf-8\n\n{body}\n")


def fill(all_stacks, n):
    """The same files for all, as links."""
    roots = [s.maildir(USER[1:]) for s in all_stacks]
    for root in roots:
        for d in (root, *(root / p for p in ("tmp", "new", "cur"))):
            d.mkdir(parents=True)
    for i, text in enumerate(messages(n)):
        first = roots[0] / "cur" / f"{1700000000 + i}.M{i}P1.bench:2,S"
        first.write_text(text)
        os.chown(first, stacks.VMAIL, stacks.VMAIL)
        for root in roots[1:]:
            os.link(first, root / "cur" / first.name)
    for root in roots:
        for d in (root.parent, root, *(root / p for p in ("tmp", "new", "cur"))):
            os.chown(d, stacks.VMAIL, stacks.VMAIL)


def connect(s):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    c = imaplib.IMAP4_SSL("127.0.0.1", s.imaps_port, ssl_context=context)
    c.login(f"{USER}@{stacks.DOMAIN}", stacks.PASSWORD)
    c.select("INBOX")
    return c


def timed(c, program, times=1):
    """(milliseconds, answer)"""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        kind, data = c.search(None, program)
        took.append((time.perf_counter() - began) * 1e3)
        assert kind == "OK", data
    return statistics.median(took), data[0].split()


def until_built(bench, n, noops):
    """Seconds until the index is complete; meanwhile NOOPs of another user are timed into noops."""
    done = threading.Event()
    other = imaplib.IMAP4_SSL("127.0.0.1", bench.ours.imaps_port, ssl_context=ssl._create_unverified_context())
    other.login(f"u0@{stacks.DOMAIN}", stacks.PASSWORD)
    other.select("INBOX")

    def ask():
        while not done.is_set():
            began = time.perf_counter()
            other.noop()
            noops.append((time.perf_counter() - began) * 1e3)
            time.sleep(0.01)
    thread = threading.Thread(target=ask)
    thread.start()
    began = time.monotonic()
    try:
        while f"in the search index {n}\n" not in bench.ours.stack.setup(
                "mailbox", "status", f"{USER}@{stacks.DOMAIN}", "INBOX").stdout:
            assert time.monotonic() - began < 600, "the search index is not complete within 10 minutes"
            time.sleep(0.5)
    finally:
        done.set()
        thread.join()
        other.logout()
    return time.monotonic() - began


def measure(bench, table):
    n = min(bench.options.many, MOST)
    bench.ours.stack.add_account(f"{USER}@{stacks.DOMAIN}", stacks.PASSWORD)
    fill(bench.both(), n)
    time.sleep(1.5)
    clients = {s: connect(s) for s in bench.both()}
    time.sleep(3)  # Dovecot reads a folder again that changed just now

    def row(what, program, times=3, target=""):
        answers = []

        def ask(s):
            ms, answer = timed(clients[s], program, times)
            answers.append(answer)
            return ms
        ours, theirs = bench.pair(ask)
        assert all(a == answers[0] for a in answers), what
        table.row(f"{what} ({len(answers[0])} found)", ours, theirs, "ms", True, target)

    row(f"{n} messages, while indexing: BODY rare", f"BODY {RARE}", 1)
    noops = []
    seconds = until_built(bench, n, noops)
    table.row("then until the search index is complete", seconds, None, "s", True)
    table.row("NOOP of another meanwhile, 99th percentile", statistics.quantiles(noops, n=100)[98], None, "ms",
              True, "≤ 50")
    size = (bench.ours.maildir(USER[1:]) / "pillarbox-search.db").stat().st_size
    table.row("search index, bytes per message", size / n)
    row("SEARCH BODY a rare word", f"BODY {RARE}", target=FAST)
    row("SEARCH TEXT a rare word", f"TEXT {RARE}", target=FAST)
    row("SEARCH BODY a word that is nowhere", "BODY zyxomma")
    row("SEARCH NOT BODY a rare word", f"NOT BODY {RARE}")
    row("SEARCH OR BODY rare FROM", f'OR BODY {RARE} FROM "sender 4711"')
    row("SEARCH FROM", 'FROM "sender 4711"')
    row("SEARCH HEADER of one that is not cached", 'HEADER Received "mx96.example"', 1)
    for c in clients.values():
        c.logout()
