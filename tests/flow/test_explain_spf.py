"""setup explain spf, without a running stack."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns  # noqa: E402
from stack import BIN  # noqa: E402

MANY = "".join(f"many{n}.test TXT junk {i}\n" for n in (100, 300) for i in range(n))
ZONE = MANY + f"""
    many100.test TXT v=spf1 -all
    many300.test TXT v=spf1 -all
    huge.test TXT v=spf1 x={"y" * 60000} -all
    hugetwo.test TXT v=spf1 x={"y" * 32000} +all
    hugetwo.test TXT v=spf1 x={"z" * 31000} -all
""" + """
    a.test TXT v=spf1 mx include:b.test -all exp=why.a.test
    a.test MX 10 mx.a.test
    mx.a.test A 192.0.2.1
    mx.a.test AAAA 2001:db8::1
    b.test TXT v=spf1 ip4:198.51.100.0/24 -all
    why.a.test TXT See http://a.test/?ip=%{I}
    bad.test TXT v=spf1 ip4:1.2.3.4/33
    none.test A 192.0.2.9
    later.test SERVFAIL
    silent.test TIMEOUT
    xn--bcher-kva.test TXT v=spf1 +all
"""


@pytest.fixture(scope="module")
def dns():
    d = FakeDns(ZONE).start()
    yield d
    d.stop()


def explain(*words):
    r = subprocess.run([BIN / "setup", "explain", "spf", *words], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                       env={"PATH": "/usr/bin:/bin"})
    return r.returncode, r.stdout, r.stderr


@pytest.mark.parametrize("ip,sender,result", [
    ("192.0.2.1", "u@a.test", "pass"), ("2001:db8::1", "u@a.test", "pass"),
    ("::ffff:192.0.2.1", "<u@a.test>", "pass"), ("198.51.100.9", "u@a.test", "pass"),
    ("192.0.2.7", "u@a.test", "fail"), ("192.0.2.7", "u@bad.test", "permerror"),
    ("192.0.2.7", "u@none.test", "none"), ("192.0.2.7", "u@gone.test", "none"),
    ("192.0.2.7", "u@later.test", "temperror"), ("192.0.2.7", "u@bücher.test", "pass"),
    ("192.0.2.7", "u@many100.test", "fail"), ("192.0.2.7", "u@many300.test", "temperror"),
    ("192.0.2.7", "u@huge.test", "fail"), ("192.0.2.7", "u@hugetwo.test", "permerror"),
    ("192.0.2.1", "<>", "pass"), ("192.0.2.1", "", "pass")])
def test_the_result_is_the_first_word(dns, ip, sender, result):
    code, out, _ = explain("--ip", ip, "--helo", "a.test", "--mail-from", sender,
                           "--dns", dns.address)
    assert code == 0 and out.split()[0] == result, out


def test_rule_and_lookups_are_told(dns):
    code, out, _ = explain("--ip", "198.51.100.9", "--mail-from", "u@a.test", "--dns", dns.address)
    assert code == 0
    assert 'Rule:     "include:b.test" in the SPF record of a.test\n' in out
    assert 'because "ip4:198.51.100.0/24" in the record of b.test matches' in out
    for line in ('TXT a.test: "v=spf1 mx include:b.test -all exp=why.a.test"',
                 'MX a.test, for "mx" of a.test: mx.a.test',
                 'A mx.a.test, for "mx" of a.test: 192.0.2.1',
                 'TXT b.test, for "include:b.test" of a.test: "v=spf1 ip4:198.51.100.0/24 -all"'):
        assert "\n  " + line + "\n" in out, out
    code, out, _ = explain("--ip", "192.0.2.7", "--mail-from", "u@a.test", "--dns", dns.address)
    assert "a.test explains: See http://a.test/?ip=192.0.2.7\n" in out
    # Without a sender it is the HELO name that is checked.
    code, out, _ = explain("--ip", "192.0.2.7", "--helo", "gone.test", "--dns", dns.address)
    assert out.startswith("none\n\nReason:   gone.test does not exist\n")


def test_json(dns):
    code, out, _ = explain("--json", "--ip=192.0.2.7", "--mail-from=u@a.test", "--helo=h.test",
                           "--dns", dns.address)
    j = json.loads(out)
    assert code == 0
    assert (j["result"], j["rule"], j["rule_domain"]) == ("fail", "-all", "a.test")
    assert [x["name"] for x in j["lookups"]] == [
        "a.test", "a.test", "mx.a.test", "b.test", "why.a.test"]
    assert j["lookups"][1] == {"name": "a.test", "type": "MX", "result": "ok",
                               "answer": "mx.a.test", "term": "mx", "term_domain": "a.test"}


def test_a_silent_dns_is_not_waited_for_forever(dns):
    start = time.monotonic()
    code, out, _ = explain("--ip", "192.0.2.7", "--mail-from", "u@silent.test",
                           "--dns", dns.address)
    assert code == 0 and out.startswith("temperror\n")
    assert time.monotonic() - start < 25


@pytest.mark.parametrize("words", [
    (), ("--ip", "192.0.2.7"), ("--mail-from", "u@a.test"), ("--ip",),
    ("--ip", "192.0.2.300", "--mail-from", "u@a.test"), ("--what", "x"), ("word",),
    ("--ip", "192.0.2.7", "--mail-from", "u@a.test", "--json=1"),
    ("--ip", "192.0.2.7", "--mail-from", "u@a.test", "--dns", "127.0.0.1@0")])
def test_misuse(words):
    code, out, err = explain(*words)
    assert code == 2 and out == "" and "setup explain spf --ip" in err
