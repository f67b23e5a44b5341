"""Parts of the bench with many IMAP clients at once: a mixed load as of
ImapTest, and thousands in IDLE while mail arrives."""

import smtplib
import statistics
import subprocess
import time

import stacks
from common import Failed
from imapclient import Imap

CLIENTS = 50
USERS = 10
SECONDS = 30
DELIVERIES = 100


def load(bench, s, seconds):
    out = subprocess.run([bench.tools / "imapload", str(s.imaps_port), str(CLIENTS), str(USERS),
                          str(seconds), stacks.DOMAIN, stacks.PASSWORD],
                         stdout=subprocess.PIPE, text=True)
    if out.returncode != 0:
        raise Failed(f"{s.name}: wrong answers")
    lines = [line.split(None, 2) for line in out.stdout.splitlines()]
    return float(lines[0][0]) / float(lines[0][1]), {w[2]: float(w[1]) for w in lines[1:]}


def mixed(bench, table):
    for s in bench.both():
        load(bench, s, 3)  # mailboxes filled, processes started
    ours, theirs = bench.pair(lambda s: load(bench, s, SECONDS))
    table.row(f"{USERS} users, {CLIENTS} clients: commands per second", ours[0],
              theirs and theirs[0], target="≥ 2x")
    for what in ours[1]:
        table.row(f"  {what}", ours[1][what], theirs and theirs[1][what], "ms", True)


# ---- IDLE ----

def hold(bench, s, connections):
    """
    Memory of the stack for each of so many idle connections, KB; how many came
    in a second; how long a delivery takes to its client meanwhile, ms.
    """
    time.sleep(0.5)
    before = stacks.pss(s.pids())
    began = time.monotonic()
    p = subprocess.Popen([bench.tools / "imapidle", str(s.imaps_port), str(connections),
                          str(stacks.ACCOUNTS), stacks.DOMAIN, stacks.PASSWORD], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    idle = p.stdout.readline().split()
    took = time.monotonic() - began
    time.sleep(2)
    after = stacks.pss(s.pids())
    waits = sorted(reach(s, n) for n in range(DELIVERIES))
    p.stdin.write("\n")
    p.stdin.close()
    alive = p.stdout.readline().split()
    p.wait()
    if idle[1:] != [str(connections)] or alive[1:] != [str(connections)]:
        raise Failed(f"{s.name}: {idle} and {alive} of {connections} connections")
    if bench.options.verbose:
        for name in after[1]:
            grown = (after[1][name] - before[1].get(name, 0)) / connections
            print(f"    {s.name} {name:20}{grown:6.2f} KB for each")
    return ((after[0] - before[0]) / connections, connections / took,
            statistics.median(waits), waits[len(waits) * 99 // 100])


def reach(s, n):
    """From the last dot of a mail to the EXISTS of a client in IDLE, in ms."""
    user = f"u{n % stacks.ACCOUNTS}@{stacks.DOMAIN}"
    c = Imap(s.imaps_port, user)
    c.command(b"SELECT INBOX")
    c.idle()
    with smtplib.SMTP("127.0.0.1", s.smtp_port, local_hostname="client.example.org") as mail:
        mail.ehlo()
        mail.mail("a@example.org")
        mail.rcpt(user)
        if mail.docmd("DATA")[0] != 354:
            raise Failed(f"{s.name}: no mail for {user}")
        began = time.perf_counter()
        mail.send(Imap.MESSAGE + b".\r\n")
        c.line(b" EXISTS")
        took = time.perf_counter() - began
        mail.getreply()
    c.done()
    c.close()
    return took * 1e3


def idle(bench, table):
    n = bench.options.connections
    ours, theirs = hold(bench, bench.ours, n), [None] * 4
    few = min(n, 100)
    if bench.theirs:
        theirs = hold(bench, bench.theirs, few)
    for at, what, unit, less, target in (
            (0, f"memory for each of {n} in IDLE", "KB", True, "≤ 32"),
            (1, "TLS logins and SELECTs per second", "", False, ""),
            (2, "a delivery to its client in IDLE, p50", "ms", True, ""),
            (3, "a delivery to its client in IDLE, p99", "ms", True, "≤ 50")):
        table.row(what, ours[at], theirs[at], unit, less, target)
    if bench.theirs and few < n:
        print(f"    the reference with {few}")
