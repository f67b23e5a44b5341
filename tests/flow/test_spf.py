"""SPF through the whole stack. The client has to come from an address of this
machine that is not loopback: for loopback SPF is not asked. Where it has none
the tests run in a network of their own."""

import os
import re
import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns  # noqa: E402
from stack import wait_for  # noqa: E402

DEMO = "demo@example.test"


def own_address():
    """The address this machine would use to reach others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("198.51.100.1", 9))
        except OSError:
            return None
        return s.getsockname()[0]


US = own_address()
ALONE = US is None or US.startswith("127.")
NETWORK = """
    ip link set lo up && ip address add 192.0.2.77/32 dev lo &&
    ip route add 198.51.100.0/24 dev lo src 192.0.2.77 && exec "$@"
"""


@pytest.fixture(autouse=True)
def where_there_is_an_address(request):
    own_network = request.node.name == "test_in_a_network_of_its_own"
    if own_network != ALONE:
        pytest.skip("it runs in test_in_a_network_of_its_own" if ALONE else
                    "this machine has an address")


def test_in_a_network_of_its_own(tmp_path):
    """All others, where this machine has only loopback addresses."""
    unshare = ["unshare", "-n"]
    if os.geteuid() != 0:
        unshare += ["--map-current-user", "--keep-caps"]
    run = subprocess.run(
        [*unshare, "sh", "-ec", NETWORK, "sh", sys.executable, "-m", "pytest", "-q", "-c",
         Path(__file__).parent.parent / "pytest.ini", "-p", "no:cacheprovider",
         f"--basetemp={tmp_path / 'inside'}", __file__],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout and "failed" not in run.stdout


@pytest.fixture
def dns():
    d = FakeDns(f"""
        pass.test TXT v=spf1 ip4:{US} -all
        fail.test TXT v=spf1 -all exp=why.fail.test
        why.fail.test TXT Only our own servers send mail, not %{{i}}.
        bare.test TXT v=spf1 -all
        soft.test TXT v=spf1 ~all
        neutral.test TXT v=spf1 ?all
        broken.test TXT v=spf1 moo -all
        twice.test TXT v=spf1 +all
        twice.test TXT v=spf1 -all
        later.test SERVFAIL TXT
        silent.test TIMEOUT TXT
        include.test TXT v=spf1 include:pass.test -all
        helo.pass.test TXT v=spf1 a -all
        helo.pass.test A {US}
        helo.fail.test TXT v=spf1 -all
    """).start()
    yield d
    d.stop()


def stack_with(make_stack, dns, **env):
    return make_stack(env={"DNS_SERVERS": dns.address,
                           "PILLARBOX_LISTEN": f"127.0.0.1,::1,{US}", **env})


def connect(stack, helo="helo.pass.test", host=None):
    return smtplib.SMTP(host or US, stack.port(25), local_hostname=helo, timeout=60)


def message(subject):
    return f"From: a@author.test\r\nSubject: {subject}\r\n\r\nx\r\n"


def deliver(stack, sender, subject, **where):
    with connect(stack, **where) as c:
        c.sendmail(sender, [DEMO], message(subject))
    return arrived(stack, subject)


def arrived(stack, subject):
    def found():
        for p in stack.delivered(DEMO):
            text = p.read_text()
            if f"Subject: {subject}\n" in text.replace("\r\n", "\n"):
                return re.sub(r"\r?\n[ \t]+", " ", text)
        return None
    return wait_for(found, what=subject)


def refused(stack, sender, **where):
    """The reply to RCPT, of one recipient."""
    with connect(stack, **where) as c:
        assert c.ehlo()[0] == 250
        assert c.mail(sender)[0] == 250
        code, text = c.rcpt(DEMO)
        assert c.docmd("DATA")[0] == 554  # there is nobody to send it to
    return code, text.decode()


def field(text, name):
    return re.search(rf"^{name}: (.*)$", text, re.M).group(1)


def test_results_are_noted(make_stack, dns):
    stack = stack_with(make_stack, dns)
    for domain, result in (("pass", "pass"), ("include", "pass"), ("soft", "softfail"),
                           ("neutral", "neutral"), ("broken", "permerror"),
                           ("twice", "permerror"), ("later", "temperror"), ("none", "none")):
        text = deliver(stack, f"a@{domain}.test", domain)
        results = field(text, "Authentication-Results")
        assert re.search(rf"; spf={result} \(.*\) smtp.mailfrom=a@{domain}\.test", results), results
        assert re.search(r"; spf=pass \(.*\) smtp.helo=helo\.pass\.test", results), results
        if result == "none":  # the HELO name says more
            assert field(text, "Received-SPF").startswith("Pass (helo) identity=helo; ")
            continue
        assert field(text, "Received-SPF") == (
            f"{result.capitalize()} (mailfrom) identity=mailfrom; client-ip={US}; "
            f"helo=helo.pass.test; envelope-from=a@{domain}.test; receiver=<UNKNOWN>")
        # It stands above our own Received (RFC 7208 9.1).
        assert text.index("Received-SPF:") < text.index("\nReceived: from")
    log = stack.log()
    assert re.search(r'event=spf result=softfail action=accept identity=mailfrom client=\S+ '
                     r'helo=helo.pass.test from=a@soft.test reason="soft.test says that', log)


def test_fail_is_refused(make_stack, dns):
    stack = stack_with(make_stack, dns)
    code, text = refused(stack, "a@fail.test")
    assert code == 550
    assert text == (f"5.7.23 <{DEMO}>: Recipient address rejected: "
                    "Message rejected due to: SPF fail - not authorized. "
                    f'fail.test forbids {US} to send for it: "-all"; '
                    f"fail.test explains: Only our own servers send mail, not {US}.")
    code, text = refused(stack, "a@bare.test")
    assert code == 550 and text.endswith('to send for it: "-all"')
    # HELO counts for itself, whatever the sender; and for the null sender.
    code, text = refused(stack, "a@pass.test", helo="helo.fail.test")
    assert code == 550 and "SPF fail" in text and "helo.fail.test" in text
    code, text = refused(stack, "", helo="helo.fail.test")
    assert code == 550 and "SPF fail" in text
    assert "event=spf result=fail action=refuse identity=helo" in stack.log()
    # No DNS is asked for who tries to relay.
    dns.queries.clear()
    with connect(stack) as c:
        c.ehlo()
        c.mail("a@fail.test")
        assert c.rcpt("far@away.example") == (
            554, b"5.7.1 <far@away.example>: Relay access denied")
        assert "fail.test" not in [name for name, _ in dns.queries]
        # An unknown user's mail is refused for the same reason.
        assert c.rcpt("nobody@example.test")[1].startswith(b"5.7.23")
        assert "fail.test" in [name for name, _ in dns.queries]
    assert not stack.delivered(DEMO)


def test_the_answer_of_rcpt_holds_for_its_message(make_stack, dns):
    stack = stack_with(make_stack, dns)
    text = deliver(stack, "a@pass.test", "once")
    assert "spf=pass" in field(text, "Authentication-Results")
    once = [q for q in dns.queries if q == ("pass.test", "TXT")]
    assert len(once) == 1  # the zone's TTL is 0
    # The next mail asks anew, and is judged by what it says itself.
    dns.set_zone("pass.test TXT v=spf1 ~all\nother.test TXT v=spf1 ?all")
    text = deliver(stack, "a@pass.test", "again")
    assert "spf=softfail" in field(text, "Authentication-Results")
    with connect(stack) as c:
        c.ehlo()
        c.mail("a@pass.test")
        c.rcpt(DEMO)
        c.rset()
        c.sendmail("a@other.test", [DEMO], message("other"))
    assert "smtp.mailfrom=a@other.test" in field(arrived(stack, "other"),
                                                 "Authentication-Results")
    assert "spf=neutral" in arrived(stack, "other")


def test_fail_is_refused_at_the_end_too(make_stack, dns):
    """What RCPT let pass: dkim died meanwhile, and the record changed."""
    stack = stack_with(make_stack, dns)
    dns.set_zone("late.test TXT v=spf1 ?all")
    with connect(stack, helo="h") as c:
        c.ehlo()
        c.mail("a@late.test")
        assert c.rcpt(DEMO)[0] == 250
        dns.set_zone("late.test TXT v=spf1 -all")
        stack.kill("dkim")
        code, text = c.data(message("late"))
    assert code == 550
    assert text.startswith(b"5.7.23 Message rejected due to: SPF fail - not authorized. late.test")
    assert "action=refuse" in stack.log() and not stack.delivered(DEMO)


def test_null_sender_is_postmaster_of_helo(make_stack, dns):
    stack = stack_with(make_stack, dns)
    text = deliver(stack, "", "bounce")
    results = field(text, "Authentication-Results")
    assert "smtp.mailfrom" not in results
    assert re.search(r"; spf=pass \(.*\) smtp.helo=helo\.pass\.test", results)
    assert field(text, "Received-SPF") == (
        f"Pass (helo) identity=helo; client-ip={US}; helo=helo.pass.test; "
        "envelope-from=<>; receiver=<UNKNOWN>")


def test_policy_off(make_stack, dns):
    stack = stack_with(make_stack, dns, ENABLE_POLICYD_SPF="0")
    text = deliver(stack, "a@fail.test", "off")
    assert "spf=fail" in field(text, "Authentication-Results")
    assert "Received-SPF" not in text


def test_who_is_not_judged(make_stack, dns):
    stack = stack_with(make_stack, dns)
    # loopback
    text = deliver(stack, "a@fail.test", "loopback", host="127.0.0.1")
    assert "spf=" not in field(text, "Authentication-Results") and "Received-SPF" not in text
    # logged in
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, [DEMO], message("login"))
    assert "spf=" not in arrived(stack, "login")


def test_trusted_networks_are_not_judged(make_stack, dns):
    stack = stack_with(make_stack, dns, PILLARBOX_TRUSTED_NETWORKS=f"{US}/32")
    assert "spf=" not in deliver(stack, "a@fail.test", "trusted")


def test_silent_dns_is_a_temperror_in_time(make_stack, dns):
    stack = stack_with(make_stack, dns)
    start = time.monotonic()
    text = deliver(stack, "a@silent.test", "silent")
    assert time.monotonic() - start < 28
    assert "spf=temperror" in field(text, "Authentication-Results")
    assert "smtp.mailfrom=a@silent.test" in field(text, "Authentication-Results")
    assert field(text, "Received-SPF").startswith("Temperror (mailfrom)")


def test_hostile_records_are_bounded(make_stack, dns):
    wide = " ".join(f'" ip4:203.0.113.{i % 250}"' for i in range(500))
    dns.set_zone(f"""
        loop.test TXT v=spf1 include:loop.test -all
        wide.test TXT "v=spf1" {wide} " -all"
        deep.test TXT v=spf1 include:a.%{{d}} -all
        *.deep.test TXT v=spf1 include:a.%{{d}} -all
        huge.test TXT v=spf1 exists:{"%{s}." * 400}%{{d}} ?all
    """)
    stack = stack_with(make_stack, dns)
    for domain in ("loop", "deep"):
        text = deliver(stack, f"a@{domain}.test", domain, helo="h")
        assert "spf=permerror" in field(text, "Authentication-Results")
    text = deliver(stack, "a@huge.test", "huge", helo="h")
    assert "spf=neutral" in field(text, "Authentication-Results")
    assert refused(stack, "a@wide.test", helo="h")[0] == 550
    assert len([q for q in dns.queries if not q[0].startswith("_dmarc.")]) < 60
