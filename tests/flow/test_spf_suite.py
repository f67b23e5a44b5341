"""openspf.org's test suite for RFC 7208, as Debian's python3-spf brings it, asked
through `setup explain spf`."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import TYPES, FakeDns, Zone, encode_rdata  # noqa: E402
from stack import BIN  # noqa: E402

yaml = pytest.importorskip("yaml")

SUITE = Path("/usr/share/doc/python3-spf/rfc7208-tests.yml.gz")


def sections():
    if not SUITE.exists():
        return []
    with gzip.open(SUITE, "rt", encoding="utf-8") as f:
        return [doc for doc in yaml.safe_load_all(f) if doc]


def txt(parts):
    """Its strings one by one: their number is part of some tests."""
    out = b""
    for part in [parts] if not isinstance(parts, list) else parts or [""]:
        raw = str(part).encode()
        for at in range(0, max(1, len(raw)), 255):
            out += bytes([len(raw[at:at + 255])]) + raw[at:at + 255]
    return out


def zone_of(data):
    """The suite says SPF for what is in TXT, unless TXT is there as well."""
    zone = Zone("")
    for name, records in data.items():
        name = str(name).lower().rstrip(".")
        zone.names.add(name)
        pairs = [next(iter(r.items())) for r in records if r != "TIMEOUT"]
        has_txt = any(kind == "TXT" for kind, _ in pairs)
        for kind, value in pairs:
            if value == "NONE" or (kind == "SPF" and has_txt):
                continue
            if kind in ("SPF", "TXT"):
                kind, rdata = "TXT", txt(value)
            else:
                words = [str(w) or "." for w in value] if kind == "MX" else [str(value)]
                rdata = encode_rdata(kind, words, words[0])
            zone.records.setdefault((name, TYPES[kind]), []).append(rdata)
        if "TIMEOUT" in records and not any(owner == name for owner, _ in zone.records):
            zone.special[(name, None)] = "TIMEOUT"
    return zone


def judge(dns, test):
    r = subprocess.run(
        [BIN / "setup", "explain", "spf", "--ip", str(test["host"]), "--helo", str(test.get("helo") or ""),
         "--mail-from", test.get("mailfrom") or "", "--dns", dns.address, "--json"],
        capture_output=True, text=True, timeout=120)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


@pytest.mark.parametrize("section", sections(), ids=lambda s: s["description"].replace(" ", "-"))
def test_suite(section):
    wrong = []
    dns = FakeDns("").start()
    dns.zone = zone_of(section["zonedata"])
    try:
        for name, test in section["tests"].items():
            got = judge(dns, test)
            want = test["result"] if isinstance(test["result"], list) else [test["result"]]
            explanation = test.get("explanation", "DEFAULT")
            if got["result"] not in want or (
                    explanation != "DEFAULT" and got["result"] == "fail" and got["explanation"] != explanation):
                wrong.append((name, test.get("spec"), want, explanation, got["result"], got.get("explanation")))
    finally:
        dns.stop()
    assert not wrong, wrong
