"""DMARC policies and alignment at random, against mailauth. DMARC_SEED and
DMARC_CASES ask for others.

Not compared, because mailauth does otherwise: strict alignment (it compares
with the organizational domain of the one that vouches), and records between the
author's domain and the organizational domain (it does not look there)."""

import json
import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

pytest.importorskip("dkim")

from judges import Ours  # noqa: E402

SEED = int(os.environ.get("DMARC_SEED", "7489"))
CASES = int(os.environ.get("DMARC_CASES", "80"))
DOMAINS = ("far.com", "a.far.com", "b.a.far.com", "x.co.uk", "y.x.co.uk", "other.com", "z.other.com")
BETWEEN = "a.far.com"


def some_record(r, domain):
    tags = ["v=DMARC1", "p=" + r.choice(("none", "quarantine", "reject"))]
    for tag in ("sp=none", "sp=quarantine", "sp=reject", "adkim=r", "aspf=r", "pct=100", "foo=bar",
                f"rua=mailto:x@{domain}", "ri=86400", "fo=1"):
        if r.random() < 0.15 and tag[:3] not in [t[:3] for t in tags]:
            tags.append(tag)
    return r.choice(("; ", ";", " ; ")).join(tags) + r.choice(("", ";", "; "))


def test_at_random(dns, judges, tmp_path):
    ours, r = Ours(dns, tmp_path), random.Random(SEED)
    if judges.mailauth is None:
        pytest.skip(f"without mailauth: {judges.absent}")
    for n in range(CASES):
        author = r.choice(DOMAINS)
        dns.set_zone("\n".join(f"{d} A 192.0.2.1" for d in DOMAINS))
        records = {d: some_record(r, d) for d in DOMAINS if r.random() < 0.5 and
                   not (d == BETWEEN and author.endswith("." + BETWEEN))}
        for domain, record in records.items():
            judges.publish(f"_dmarc.{domain}", record)
        spf = r.choice(DOMAINS) if r.random() < 0.5 else None
        signers = [r.choice(DOMAINS) for _ in range(r.randrange(3))]
        words = ["--spf", f"pass:{spf}" if spf else "fail:other.com"]
        if signers:
            words += ["--dkim", ",".join(f"pass:{d}" for d in signers)]
        said = json.loads(ours.run("explain", "dmarc", "-", "--json", *words,
                                   message=f"From: a@{author}\r\n\r\nx\r\n".encode()))
        theirs = judges.mailauth.ask("dmarc", b"", **{
            "from": f"a@{author}", "spf": [spf] if spf else [], "dkim": signers})
        assert (said["result"], said["disposition"]) == (
            theirs["result"], theirs["policy"] if theirs["result"] == "fail" else "none"), (
            SEED, n, author, words, records)
    judges.stop()
