"""What judging and signing cost: the code alone beside libopendkim and openssl
speed, and the whole stack with its verdicts on and off, beside Postfix with
opendkim."""

import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import stacks
from common import Failed

HERE = Path(__file__).resolve().parent
KEYS = 3
MAILS = ((4096, 1000), (1 << 20, 100))  # size, how many files; 1,000 are judged
ROUNDS = 3
CODE_ROUNDS = 5
SENDER = "sender.test"
CLIENT = "127.0.0.2"  # loopback itself is not judged


def run(*words):
    out = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    if out.returncode != 0:
        raise Failed(f"{words[0]} {words[1]} failed: {out.stderr.strip()}")
    return out.stdout


def rate(*words):
    """Of msgauth_work and opendkim_work: how many in a second of CPU."""
    done, seconds = run(*words).split()
    return int(done) / float(seconds)


def make_keys(folder):
    paths = [folder / f"rsa{n}.pem" for n in range(KEYS)]
    for p in paths:
        run("openssl", "genrsa", "-out", p, "2048")
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", folder / "ed25519.pem")
    return paths


def build_opendkim(folder):
    """The twin that uses libopendkim, or None."""
    if not stacks.install({"libopendkim-dev": "/usr/include/opendkim/dkim.h"}):
        run(os.environ.get("CC", "cc"), "-O2", "-Wall", "-Wextra", "-o", folder / "opendkim_work",
            HERE / "opendkim_work.c", "-lopendkim")
        return folder / "opendkim_work"
    print("no libopendkim to compare with")
    return None


def speed(algorithm):
    """Signatures per second by openssl speed."""
    out = run("openssl", "speed", "-seconds", "1", algorithm)
    return float(out.splitlines()[-1].split()[-2])


def best(*measures):
    """Each several times, in turns: what else the machine does only slows."""
    taken = [[] for _ in measures]
    for _ in range(CODE_ROUNDS):
        for m, t in zip(measures, taken):
            if m:
                t.append(m())
    return [max(t) if t else None for t in taken]


def code(bench, table):
    folder = bench.tools / "msgauth"
    folder.mkdir()
    ours = Path(bench.options.bin_dir).parent / "tests" / "bench" / "msgauth_work"
    theirs = build_opendkim(folder)
    keys = make_keys(folder)
    for size, files in MAILS:
        for signatures in (1, KEYS):
            mails = folder / f"{size}-{signatures}"
            mails.mkdir()
            run(ours, "make", mails, files, size, signatures, *keys)
            times = 1000 // files
            a, b = best(lambda: rate(ours, "verify", mails, times),
                           theirs and (lambda: rate(theirs, "verify", mails, times)))
            table.row(f"DKIM, {size >> 10} KB, {signatures} signatures verified", a, b,
                      "/s of CPU", target="≥ 2x")
    mails = folder / "4096-1"
    for key, algorithm, count in ((keys[0], "rsa2048", 1000), (folder / "ed25519.pem", "ed25519", 5000)):
        a, b, c = best(lambda: rate(ours, "raw", count, key), lambda: speed(algorithm),
                          lambda: rate(ours, "sign", mails, count // 1000, key))
        table.row(f"{algorithm} signatures beside openssl speed", a, b, "/s of CPU", target="≥ 0.9x")
        table.row("  the same, whole messages of 4 KB", c, b, "/s of CPU", target="≥ 0.9x")
    if theirs:
        a, b = best(lambda: rate(ours, "sign", mails, 1, keys[0]),
                       lambda: rate(theirs, "sign", mails, 1, keys[0]))
        table.row("messages of 4 KB signed, beside libopendkim", a, b, "/s of CPU")
    shutil.rmtree(folder)


# --- the whole stack ---------------------------------------------------------

def zone(records):
    lines = [f'{SENDER} TXT "v=spf1 a:none.{SENDER} ip4:{CLIENT} -all"',
             f'_dmarc.{SENDER} TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{SENDER}"']
    for line in records.read_text().splitlines():
        name, text = line.split(" ", 1)
        lines.append(f'{name} TXT "{text[:200]}" "{text[200:]}"')
    return "\n".join(lines)


def cpu(pids):
    """Seconds of CPU that these processes used."""
    ticks = 0
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(words[11]) + int(words[12])
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


class Milter:
    """opendkim, judging only, with the records in a file."""

    def __init__(self, folder, records, port):
        self.address = f"inet:127.0.0.1:{port}"  # as Postfix says it
        table = folder / "testdns"
        table.write_text(records.read_text())
        conf = folder / "opendkim.conf"
        conf.write_text(f"Mode v\nSyslog no\nSocket inet:{port}@127.0.0.1\nBackground no\n"
                        f"TestDNSData file:{table}\nPeerList /dev/null\nInternalHosts /dev/null\n")
        self.process = subprocess.Popen(["/usr/sbin/opendkim", "-f", "-x", conf],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def check(s, passed):
    """Were its messages judged, all that it should?"""
    path = next((s.maildir(0) / "new").iterdir())
    if passed != ("dkim=pass" in path.read_text()):
        raise Failed(f"{s.name}: {path}: judged {not passed}")


def stack(bench, table):
    sys.path.insert(0, str(HERE.parent / "tools"))
    from fakedns import FakeDns
    folder = bench.tools / "verdicts"
    folder.mkdir()
    folder.chmod(0o755)
    work = Path(bench.options.bin_dir).parent / "tests" / "bench" / "msgauth_work"
    run(work, "make", folder, 1, 10240, 1, *make_keys(folder))
    dns = FakeDns(zone(folder / "records"), ttl=3600).start()
    env = {"DNS_SERVERS": dns.address}
    off = {f"ENABLE_{name}": "0" for name in ("OPENDKIM", "OPENDMARC", "POLICYD_SPF")}
    bin_dir = Path(bench.options.bin_dir).resolve()
    all_stacks, milter = [], None
    try:
        for name, settings in (("judging", env), ("blind", {**env, **off})):
            all_stacks.append(stacks.Pillarbox(folder, bin_dir, name, settings))
            all_stacks[-1].start()
        judging, blind = all_stacks
        if bench.theirs and not stacks.install({"opendkim": "/usr/sbin/opendkim"}):
            milter = Milter(folder, folder / "records", judging.stack.base + 27)
            postfix = stacks.Reference(folder, judging.cert, judging.stack.base, milter.address)
            postfix.start()
            all_stacks.append(postfix)
        message = ["-c", CLIENT, "-r", f"sender@{SENDER}", "-f", str(folder / "0")]
        rates, costs = {}, {}
        for turn in range(ROUNDS + 1):
            for s in all_stacks:
                pids = s.pids() + (milter.pids() if s is all_stacks[-1] and milter else [])
                before = cpu(pids)
                seconds, _ = bench.load(s, 10, 1000, options=message)
                if turn > 0:  # the first one warms up
                    rates.setdefault(s, []).append(1000 / seconds)
                    costs.setdefault(s, []).append(cpu(pids) - before)  # ms a message
        for s in all_stacks:
            check(s, s is not blind)
        with_, without = (statistics.median(rates[s]) for s in (judging, blind))
        theirs = statistics.median(rates[all_stacks[2]]) if milter else None
        table.row("messages of 10 KB per second, judged", with_, theirs)
        table.row("  the same, part of the rate without verdicts", with_ / without, target="≥ 0.6")
        table.row("CPU for the verdicts of one of 10 KB",
                  statistics.median(costs[judging]) - statistics.median(costs[blind]),
                  unit="ms", target="≤ 1")
    finally:
        for s in all_stacks:
            s.stop()
        if milter:
            milter.stop()
        dns.stop()


