"""setup dns and setup dns check: what is printed, published in the DNS of the
tests, is found right; each way to get it wrong is found and named."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns  # noqa: E402
from flow.test_setup_cli import Instance  # noqa: E402

HOST, DOMAIN, ADDRESS = "mail.example.test", "one.test", "192.0.2.1"
PTR = f"1.2.0.192.in-addr.arpa PTR {HOST}"


class Box(Instance):
    """An instance with one domain, its keys and a certificate."""

    def __init__(self, root):
        super().__init__(root)
        self.write("postfix-accounts.cf", f"a@{DOMAIN}|h\n")
        self.ok("config", "dkim")
        self.ok("config", "dkim", "keytype", "ed25519", "selector", "ed")
        self.ok("tls", "selfsign", str(root / "state" / "tls"), HOST)
        self.dns = FakeDns().start()
        self.lines = [line for line in self.ok("dns", "--address", ADDRESS).stdout.splitlines()
                      if line and line[0] not in ";$"] + [PTR]

    def publish(self, drop="", *add):
        """What setup dns printed, without the lines that match, and more."""
        kept = [line for line in self.lines if not drop or not re.search(drop, line)]
        self.dns.set_zone("\n".join([*kept, *add]))

    def check(self, *args, connect=("--no-connect",), **env):
        """(exit status, {(topic, name): finding}, bulk senders)"""
        done = self("dns", "check", *connect, "--json", "--dns", self.dns.address, *args, **env)
        assert "Sanitizer" not in done.stderr, done.stderr
        found = json.loads(done.stdout)
        records = {}
        for group in [found["host"], *found["domains"]]:
            for r in group["records"]:
                key = r["topic"], r["name"]
                if key not in records or records[key]["state"] == "right":
                    records[key] = r
        return done.returncode, records, found["domains"][0]["bulk_senders"]

    def finding(self, topic, name, **env):
        """The one finding that is not right, which must be this."""
        status, records, bulk = self.check(**env)
        bad = {k: r for k, r in records.items() if r["state"] not in ("right", "hint")}
        assert list(bad) == [(topic, name)], bad
        assert status == 1 and bad[topic, name]["change"]
        r = bad[topic, name]
        return r["state"], r["text"], r["change"], bulk

    def hint(self, topic, name):
        status, records, _ = self.check()
        assert status == 0 and records[topic, name]["state"] == "hint", records
        return records[topic, name]["text"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    b = Box(tmp_path_factory.mktemp("dns"))
    yield b
    b.dns.stop()


@pytest.fixture
def box(shared):
    shared.dns.spoil = None
    shared.publish()
    return shared


# --- setup dns


def test_a_zone_file_that_others_read(box):
    text = box.ok("dns", "--address", ADDRESS, "--address", "2001:db8::1").stdout
    zone = dns.zone.from_text(text, origin=".", relativize=False, check_origin=False)
    found = {(n.to_text().rstrip("."), dns.rdatatype.to_text(t.rdtype)): [r.to_text() for r in t]
             for n, t in zone.iterate_rdatasets()}
    assert found[HOST, "A"] == [ADDRESS] and found[HOST, "AAAA"] == ["2001:db8::1"]
    assert found[HOST, "TXT"] == ['"v=spf1 a -all"']
    assert found[DOMAIN, "MX"] == [f"10 {HOST}."]
    assert found[DOMAIN, "TXT"] == ['"v=spf1 mx -all"']
    key = found["mail._domainkey." + DOMAIN, "TXT"][0]
    assert key.startswith('"v=DKIM1; h=sha256; k=rsa; p=MII')
    assert all(len(s) <= 255 for s in re.findall(r'"([^"]*)"', key)) and '" "' in key
    assert "k=ed25519" in found["ed._domainkey." + DOMAIN, "TXT"][0]
    assert found["_dmarc." + DOMAIN, "TXT"] == [
        f'"v=DMARC1; p=quarantine; rua=mailto:postmaster@{DOMAIN}"']
    assert re.fullmatch(r'"v=STSv1; id=[0-9a-f]+"', found["_mta-sts." + DOMAIN, "TXT"][0])
    assert found["mta-sts." + DOMAIN, "CNAME"] == [HOST + "."]
    assert found["_smtp._tls." + DOMAIN, "TXT"] == [
        f'"v=TLSRPTv1; rua=mailto:postmaster@{DOMAIN}"']
    assert found["_submissions._tcp." + DOMAIN, "SRV"] == [f"0 1 465 {HOST}."]
    assert found["_imaps._tcp." + DOMAIN, "SRV"] == [f"0 1 993 {HOST}."]
    assert found["autoconfig." + DOMAIN, "CNAME"] == [HOST + "."]
    assert found["autodiscover." + DOMAIN, "CNAME"] == [HOST + "."]
    assert found[HOST, "CAA"] == ['0 iodef "mailto:postmaster@example.test"']
    assert f"1.2.0.192.in-addr.arpa.\tIN\tPTR\t{HOST}." in text
    der = subprocess.run(
        f"openssl x509 -in {box.root}/state/tls/cert.pem -pubkey -noout | "
        "openssl pkey -pubin -outform DER | sha256sum", shell=True, check=True,
        capture_output=True, text=True).stdout.split()[0]
    assert found[f"_25._tcp.{HOST}", "TLSA"] == ["3 1 1 " + der]


def test_named_checkzone_takes_it(box, tmp_path):
    file = tmp_path / "zone"
    file.write_text("$TTL 60\n@ SOA ns root 1 60 60 60 60\n@ NS " + HOST + ".\n" +
                    box.ok("dns").stdout)
    r = subprocess.run(["/usr/bin/named-checkzone", "-k", "fail", "-i", "local", DOMAIN, file],
                       capture_output=True, text=True)
    assert r.returncode == 0, r.stdout


def test_only_what_the_configuration_has(box):
    text = box.ok("dns", ENABLE_IMAP="0").stdout
    assert "_imaps" not in text and "autoconfig" not in text and "_submissions" in text
    assert "CAA\t0 issue" not in text
    assert f'{HOST}.\tIN\tCAA\t0 issue "letsencrypt.org"' in box.ok(
        "dns", SSL_TYPE="letsencrypt").stdout
    text = box.ok("dns", PILLARBOX_STATE_DIR="/none", RELAY_HOST="out.test").stdout
    assert "TLSA" not in text and "out.test" in text


def test_rows_for_a_web_page(box):
    text = box.ok("dns", "--panel", DOMAIN).stdout
    lines = text.splitlines()
    rows = [line.split(None, 2) for line in lines if re.match(r"\S+ +[A-Z]+ +\S", line)]
    assert ["HOST", "TYPE", "PRIO  VALUE"] in rows
    assert ["@", "MX", f"10    {HOST}"] in rows
    assert ["_imaps._tcp", "SRV", f"0     1 993 {HOST}"] in rows
    assert ["@", "TXT", "v=spf1 mx -all"] in rows
    assert ["_dmarc", "TXT", f"v=DMARC1; p=quarantine; rua=mailto:postmaster@{DOMAIN}"] in rows
    assert ["mail", "TXT", "v=spf1 a -all"] in rows
    assert "TLSA counts only if example.test is signed with DNSSEC" in text
    # The values stand below each other.
    starts = {line.index(row[2].split()[-1]) for line in lines for row in rows
              if line.startswith(row[0] + " ") and row[1] == "CNAME"
              and line.split(None, 2) == row}
    assert len(starts) == 1
    at = next(i for i, line in enumerate(lines) if line.startswith("mail._domainkey "))
    whole = lines[at].split(None, 2)[2]
    assert len(whole) > 255
    assert "".join(re.findall(r'"([^"]*)"', lines[at + 2])) == whole
    assert "version: STSv1" in text


def rows_of(text, title):
    """{(host, type): rest of the row} of the table below a title."""
    table = text.split("\n" + title + "\n\n")[1].split("\n\n")[0].splitlines()
    return {tuple(line.split()[:2]): line.split(None, 2)[2] for line in table[1:]
            if line[0] != " "}


def issued(folder):
    """A certificate of an authority where SSL_TYPE=letsencrypt looks for it."""
    live = folder / "live" / HOST
    live.mkdir(parents=True)
    ca = ["-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial"]
    for words in (["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=An Authority",
                   "-keyout", folder / "ca.key", "-out", folder / "ca.pem"],
                  ["req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST}",
                   "-keyout", live / "privkey.pem", "-out", folder / "csr.pem"],
                  ["x509", "-req", "-in", folder / "csr.pem", *ca, "-out", live / "fullchain.pem"]):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    return folder


def test_mta_sts_is_enforced_only_with_a_certificate_that_others_accept(box, tmp_path):
    env = {"SSL_TYPE": "letsencrypt", "PILLARBOX_LETSENCRYPT_DIR": str(issued(tmp_path))}
    name = re.escape(f"_mta-sts.{DOMAIN}.") + '.*id=([0-9a-f]+)'
    ids = set()
    for settings, mode in (({}, "testing"), (env, "enforce")):
        for words in ((), ("--panel",)):
            assert f"mode: {mode}\n" in box.ok("dns", *words, **settings).stdout
        ids.add(re.search(name, box.ok("dns", **settings).stdout)[1])
    assert len(ids) == 2


def test_hosts_are_relative_to_the_page_they_are_for(box):
    """A domain below the one that is registered, a host further below."""
    text = box.ok("dns", "--panel", "--address", "192.0.2.1", "--address", "2001:db8::1",
                  "Team.EU.example.test", OVERRIDE_HOSTNAME="mx.eu.example.test").stdout
    host = rows_of(text, "mx.eu.example.test, the mail server, on the page of example.test:")
    assert host["mx.eu", "A"].strip() == "192.0.2.1" and host["mx.eu", "AAAA"] == "2001:db8::1"
    assert ("_25._tcp.mx.eu", "TLSA") in host
    rows = rows_of(text, "team.eu.example.test, on the page of example.test:")
    assert rows["team.eu", "MX"].split() == ["10", "mx.eu.example.test"]
    assert rows["_dmarc.team.eu", "TXT"].startswith("v=DMARC1")
    assert ("@", "MX") not in rows
    # A public suffix of more than one label.
    assert "shop.co.uk, on the page of shop.co.uk:" in box.ok("dns", "--panel", "shop.co.uk").stdout


def test_names_beyond_ascii(box):
    text = box.ok("dns", "B\u00fccher.test").stdout
    assert "xn--bcher-kva.test.\tIN\tMX\t" in text
    assert "\n\nxn--bcher-kva.test, on the page of" in box.ok(
        "dns", "--panel", "b\u00fccher.test").stdout
    done = box("dns", "b\u00fccher..test")
    assert done.returncode == 1 and "is not a domain" in done.stderr


def test_named_checkzone_takes_every_zone(box, tmp_path):
    """Long keys beside Ed25519, IPv6, a domain below another, A-labels."""
    names = "big.test", "sub.big.test", "xn--bcher-kva.test"
    tables = {name: box.read("opendkim/" + name) for name in ("KeyTable", "SigningTable")}
    try:
        box.ok("config", "dkim", "domain", ",".join(names), "keysize", "4096", "selector", "long")
        box.ok("config", "dkim", "domain", ",".join(names), "keytype", "ed25519", "selector", "ed")
        for name in names:
            text = box.ok("dns", "--address", "2001:db8::1", name).stdout
            assert text.count("._domainkey.") == 2
            long = next(line for line in text.splitlines() if line.startswith("long._domainkey"))
            strings = re.findall(r'"([^"]*)"', long)
            assert len(strings) == 3 and max(map(len, strings)) == 255
            file = tmp_path / name
            file.write_text("$TTL 60\n@ SOA ns root 1 60 60 60 60\n@ NS " + HOST + ".\n" + text)
            r = subprocess.run(["/usr/bin/named-checkzone", "-k", "fail", "-i", "local", name, file],
                               capture_output=True, text=True)
            assert r.returncode == 0, r.stdout
            ours = [x for x in r.stdout.splitlines() if "ignoring out-of-zone" in x
                    and HOST not in x]
            assert not ours, ours
    finally:
        for name, kept in tables.items():
            box.write("opendkim/" + name, kept)


def test_a_domain_that_is_the_host_has_one_spf_record(box):
    text = box.ok("dns", HOST).stdout
    assert text.count("v=spf1") == 1 and f'{HOST}.\tIN\tTXT\t"v=spf1 a mx -all"' in text


def test_misuse(box):
    for args in (["--panle"], ["--address"], ["--address", "x"], [DOMAIN, "b.test"]):
        assert box("dns", *args).returncode == 1
    for args in (["--dns"], ["--jsn"], ["--dns", "x@y"], [DOMAIN, "b.test"], ["a b"],
                 ["--smtp-port", "0"], ["--https-port", "x"], ["--smtp-port"]):
        assert box("dns", "check", *args).returncode == 2, args


# --- setup dns check


def test_what_is_printed_is_right(box):
    status, records, bulk = box.check()
    assert status == 0, records
    hints = {k for k, r in records.items() if r["state"] == "hint"}
    assert hints == {("TLS", HOST)}  # it is self-made
    assert len(records) >= 17 and all(bulk.values())
    text = box.ok("dns", "check", "--no-connect", "--dns", box.dns.address).stdout
    assert "Nothing has to be changed." in text and "without DNSSEC" in text


@pytest.mark.parametrize("topic, name, drop", [
    ("reverse name", "1.2.0.192.in-addr.arpa", "PTR"),
    ("SPF", HOST, "v=spf1 a -all"),
    ("CAA", HOST, "CAA"),
    ("MX", DOMAIN, r"\tMX\t"),
    ("DKIM", f"mail._domainkey.{DOMAIN}", "^mail._domainkey"),
    ("DKIM", f"ed._domainkey.{DOMAIN}", "^ed._domainkey"),
    ("DMARC", f"_dmarc.{DOMAIN}", "^_dmarc"),
    ("MTA-STS", f"_mta-sts.{DOMAIN}", "^_mta-sts"),
    ("MTA-STS", f"mta-sts.{DOMAIN}", "^mta-sts"),
    ("TLSRPT", f"_smtp._tls.{DOMAIN}", "TLSRPT"),
    ("SRV", f"_imaps._tcp.{DOMAIN}", "^_imaps"),
    ("SRV", f"_submissions._tcp.{DOMAIN}", "^_submissions"),
    ("autoconfig", f"autodiscover.{DOMAIN}", "^autodiscover"),
])
def test_missing(box, topic, name, drop):
    box.publish(drop)
    state, _, change, _ = box.finding(topic, name)
    assert state == "missing"
    line = next(line for line in box.lines if re.search(drop, line))
    if topic != "reverse name":
        assert change == "publish: " + line.replace("\t", " ")


def test_no_spf_of_the_domain(box):
    box.publish("v=spf1 mx")
    state, _, change, bulk = box.finding("SPF", DOMAIN)
    assert state == "missing" and change == f'publish: {DOMAIN}. IN TXT "v=spf1 mx -all"'
    assert not bulk["spf"] and bulk["aligned"]


def test_no_address(box):
    box.publish(r"\tA\t")
    status, records, bulk = box.check()
    assert status == 1 and records["address", HOST]["state"] == "missing"
    assert records["MX", DOMAIN]["state"] == "wrong" and not bulk["reverse"]


def test_spf_that_waits_for_the_mx(box):
    box.publish(r"\tMX\t", f"{DOMAIN} MX 10 mx.elsewhere.test", "mx.elsewhere.test A 192.0.2.3")
    _, records, bulk = box.check()
    assert records["SPF", DOMAIN]["state"] == "hint" and not bulk["spf"]
    assert "MX" in records["SPF", DOMAIN]["change"]


@pytest.mark.parametrize("topic, name, drop, add, words", [
    ("SPF", DOMAIN, "", f'{DOMAIN} TXT "v=spf1 a -all"', ["There are 2 SPF records", "one of them"]),
    ("SPF", DOMAIN, "v=spf1 mx", f'{DOMAIN} TXT "v=spf1 ip4:192.0.2.9 -all"',
     [ADDRESS, "fail", 'put "mx" in front']),
    ("SPF", DOMAIN, "v=spf1 mx", f'{DOMAIN} TXT "v=spf1 mx +all"', ["everybody", '"-all"']),
    ("SPF", DOMAIN, "v=spf1 mx", f'{DOMAIN} TXT "v=spf1 {"".join(f"a:x{i}.test " for i in range(11))}'
     'mx -all"', ["permerror", "ten terms"]),
    ("SPF", DOMAIN, "v=spf1 mx", f'{DOMAIN} TXT "v=spf1 mx {"".join(f"a:x{i}.test " for i in range(11))}'
     '-all"\n' + "".join(f"x{i}.test A 192.0.2.{i + 20}\n" for i in range(11)),
     ["permerror", "ten terms"]),
    ("SPF", DOMAIN, "v=spf1 mx", f'{DOMAIN} TXT "v=spf1 foo:x -all"', ["permerror"]),
    ("DMARC", f"_dmarc.{DOMAIN}", "", f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=none"',
     ["2 records", "keep one"]),
    ("DMARC", f"_dmarc.{DOMAIN}", "^_dmarc", f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=refuse"',
     ["no policy", "publish"]),
    ("DMARC", f"_dmarc.{DOMAIN}", "^_dmarc", f'_dmarc.{DOMAIN} TXT "v=DMARC1"',
     ["no policy", "publish"]),
    ("DMARC", f"_dmarc.{DOMAIN}", "^_dmarc", f'_dmarc.{DOMAIN} TXT "v=DMARC1; =;;p"',
     ["no policy", "publish"]),
    ("DMARC", f"_dmarc.{DOMAIN}", "^_dmarc",
     f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=none; sp=maybe; rua=mailto:x@{DOMAIN}"', ["no valid sp=", "publish"]),
    ("DMARC reports", f"_dmarc.{DOMAIN}", "^_dmarc",
     f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=reject; rua=mailto:x@{DOMAIN}!much"', ["not mailto:"]),
    ("DMARC reports", f"{DOMAIN}._report._dmarc.other.test", "^_dmarc",
     f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=reject; rua=mailto:x@other.test!10m"',
     ["other.test does not say", f"{DOMAIN}._report._dmarc.other.test. IN TXT"]),
    ("DMARC reports", f"_dmarc.{DOMAIN}", "^_dmarc",
     f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=reject; rua=x@{DOMAIN}"', ["not mailto:"]),
    ("MX", DOMAIN, r"\tMX\t", f"{DOMAIN} MX 10 mx.elsewhere.test\nmx.elsewhere.test A 192.0.2.3",
     ["another server: 10 mx.elsewhere.test", f"10 {HOST}."]),
    ("MX", DOMAIN, "", f"{DOMAIN} MX 20 192.0.2.1", ["names the address 192.0.2.1"]),
    ("MX", DOMAIN, "", f"{DOMAIN} MX 20 alias.test\nalias.test CNAME {HOST}", ["alias (CNAME)"]),
    ("MX", DOMAIN, "", f"{DOMAIN} MX 20 gone.test", ["gone.test has no address"]),
    ("MTA-STS", f"_mta-sts.{DOMAIN}", "^_mta-sts", f'_mta-sts.{DOMAIN} TXT "v=STSv1;"', ["no id="]),
    ("SRV", f"_imaps._tcp.{DOMAIN}", "^_imaps", f"_imaps._tcp.{DOMAIN} SRV 0 1 143 {HOST}",
     ["elsewhere: 143"]),
    ("TLSA", f"_25._tcp.{HOST}", "TLSA", f"_25._tcp.{HOST} TLSA 3 1 1 {'ab' * 32}",
     ["not for the key"]),
    ("reverse name", "1.2.0.192.in-addr.arpa", "PTR",
     "1.2.0.192.in-addr.arpa PTR x.isp.test\nx.isp.test A 192.0.2.77", ["not lead back"]),
])
def test_wrong(box, topic, name, drop, add, words):
    box.publish(drop, *add.splitlines())
    state, text, change, _ = box.finding(topic, name)
    assert state == ("missing" if "_report" in name else "wrong")
    for word in words:
        assert word in text + change, (word, text, change)
    assert "(null)" not in text + change


def key_of(box, selector):
    line = next(line for line in box.lines if line.startswith(f"{selector}._domainkey"))
    return "".join(re.findall(r'"([^"]*)"', line))


@pytest.mark.parametrize("change, words", [
    (lambda t: t.replace("p=", "t=y; p="), "testing flag"),
    (lambda t: t[:t.index("p=") + 2], "revoked"),
    (lambda t: t.replace("k=rsa", "k=ed25519"), "another type"),
    (lambda t: t.replace("sha256", "sha1"), "not for sha256"),
    (lambda t: t.replace("p=MIIB", "p=M@@B"), "not base64"),
    (lambda t: "v=DKIM1; k=rsa; p=" + SHORT, "too short"),
    (lambda t: "v=DKIM1; k=rsa; p=" + OTHER, "not the key that we sign with"),
])
def test_wrong_key(box, change, words):
    name = f"mail._domainkey.{DOMAIN}"
    box.publish("^mail._domainkey", f'{name} TXT "{change(key_of(box, "mail"))}"')
    state, text, todo, bulk = box.finding("DKIM", name)
    assert state == "wrong" and words in text and "publish" in todo
    assert bulk["dkim"]  # the other key is good


def rsa(bits):
    return subprocess.run(
        f"openssl genrsa {bits} 2>/dev/null | openssl rsa -pubout -outform DER 2>/dev/null |"
        " base64 -w0", shell=True, check=True, capture_output=True, text=True).stdout


SHORT, OTHER = rsa(512), rsa(2048)


def test_two_records_of_one_key(box):
    name = f"mail._domainkey.{DOMAIN}"
    box.publish("", f'{name} TXT "v=DKIM1; p={OTHER}"')
    assert "There are 2 records" in box.finding("DKIM", name)[1]


def test_hints(box):
    box.publish("^_dmarc", f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=none; rua=mailto:a@{DOMAIN}"')
    assert "watches only" in box.hint("DMARC", f"_dmarc.{DOMAIN}")
    box.publish("^_dmarc", f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=reject"')
    assert "no reports" in box.hint("DMARC", f"_dmarc.{DOMAIN}")
    box.publish("^_dmarc", f'_dmarc.{DOMAIN} TXT "v = DMARC1; p = reject; t = y"')
    assert "is a test" in box.hint("DMARC", f"_dmarc.{DOMAIN}")
    box.publish("v=spf1 mx", f'{DOMAIN} TXT "v=spf1 mx ?all"')
    assert "nothing about other servers" in box.hint("SPF", DOMAIN)
    box.publish("PTR", "1.2.0.192.in-addr.arpa PTR x.isp.test", f"x.isp.test A {ADDRESS}")
    assert "not the name" in box.hint("reverse name", "1.2.0.192.in-addr.arpa")
    box.publish("TLSA")
    assert "DNSSEC" in box.hint("TLSA", f"_25._tcp.{HOST}")
    box.publish(f"{HOST}.\tIN\tA|PTR", f"{HOST} A 10.0.0.1", f"1.0.0.10.in-addr.arpa PTR {HOST}")
    assert "private network" in box.hint("address", HOST)


def test_consent_that_was_given(box):
    box.publish("^_dmarc", f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=reject; rua=mailto:x@other.test"',
                '*._report._dmarc.other.test TXT "v=DMARC1"')
    assert box.check()[0] == 0


def test_without_keys_and_without_signing(box, tmp_path):
    status, records, bulk = box.check(ENABLE_OPENDKIM="0")
    assert status == 1 and "not signed" in records["DKIM", DOMAIN]["text"] and not bulk["dkim"]
    signing = box.read("opendkim/SigningTable")
    try:
        box.write("opendkim/SigningTable", "")
        _, text, change, bulk = box.finding("DKIM", DOMAIN)
        assert "SigningTable" in text and "config dkim" in change and not bulk["dkim"]
    finally:
        box.write("opendkim/SigningTable", signing)
    other = json.loads(box("dns", "check", "--no-connect", "--json", "--dns", box.dns.address,
                           "two.test").stdout)["domains"][0]
    text = {r["topic"]: r for r in other["records"]}["DKIM"]
    assert text["state"] == "missing" and "config dkim" in text["change"]


def test_a_domain_below_is_signed_with_the_key_above(box):
    line = next(x for x in box.lines if x.startswith("mail._domainkey." + DOMAIN))
    text = box.ok("dns", "sub." + DOMAIN).stdout
    assert line in text.splitlines() and "There is no DKIM key yet" not in text
    found = json.loads(box("dns", "check", "--no-connect", "--json", "--dns", box.dns.address,
                           "sub." + DOMAIN).stdout)["domains"][0]
    states = {r["name"]: r["state"] for r in found["records"] if r["topic"] == "DKIM"}
    assert states == {f"mail._domainkey.{DOMAIN}": "right", f"ed._domainkey.{DOMAIN}": "right"}
    assert found["bulk_senders"]["dkim"] and found["bulk_senders"]["aligned"]
    dmarc = next(r for r in found["records"] if r["topic"] == "DMARC")
    assert dmarc["state"] == "right" and f"That of {DOMAIN} counts" in dmarc["text"]
    assert found["bulk_senders"]["dmarc"]
    box.publish("", f'_dmarc.sub.{DOMAIN} TXT "v=DMARC1; p=reject; adkim=s"')
    found = json.loads(box("dns", "check", "--no-connect", "--json", "--dns", box.dns.address,
                           "sub." + DOMAIN).stdout)["domains"][0]
    dmarc = next(r for r in found["records"] if r["topic"] == "DMARC")
    assert dmarc["state"] == "wrong" and "adkim=s" in dmarc["text"]
    assert not found["bulk_senders"]["aligned"]


def test_a_key_that_waits_is_a_hint(box):
    tables = {name: box.read("opendkim/" + name) for name in ("KeyTable", "SigningTable")}
    box.ok("dkim", "rotate", DOMAIN, "--selector", "next", "--no-wait", "--dns", box.dns.address)
    try:
        assert "not there yet" in box.hint("DKIM", "next._domainkey." + DOMAIN)
        box.publish("", box.ok("dkim", "show", DOMAIN, "next").stdout.splitlines()[1])
        box.ok("dkim", "rotate", DOMAIN, "--dns", box.dns.address)
        assert box.check()[0] == 0
        box.publish("^mail._domainkey", box.ok("dkim", "show", DOMAIN, "next").stdout)
        box.hint("DKIM", "mail._domainkey." + DOMAIN)
    finally:
        for name, text in tables.items():
            box.write("opendkim/" + name, text)


def test_caa_that_forbids(box):
    box.publish("CAA", 'example.test CAA 0 issue "other.test"')
    _, text, _, _ = box.finding("CAA", "example.test", SSL_TYPE="letsencrypt",
                                PILLARBOX_LETSENCRYPT_DIR=str(letsencrypt(box)))
    assert "forbids letsencrypt.org" in text


def letsencrypt(box):
    """The certificate of the box where SSL_TYPE=letsencrypt looks for it."""
    live = box.root / "le" / "live" / HOST
    live.mkdir(parents=True, exist_ok=True)
    for ours, theirs in (("cert.pem", "fullchain.pem"), ("key.pem", "privkey.pem")):
        (live / theirs).write_bytes((box.root / "state" / "tls" / ours).read_bytes())
    return box.root / "le"


def test_no_answer_is_not_missing(box):
    box.publish("", f"{DOMAIN} SERVFAIL MX", f"_dmarc.{DOMAIN} SERVFAIL")
    status, records, _ = box.check()
    assert status == 1
    assert records["MX", DOMAIN]["state"] == "unknown"
    assert records["DMARC", f"_dmarc.{DOMAIN}"]["state"] == "unknown"


def test_asks_where_the_settings_say(box):
    done = box.ok("dns", "check", "--no-connect", DNS_SERVERS=box.dns.address)
    assert f"asked {box.dns.address}, without DNSSEC" in done.stdout
    # The root proves that test. does not exist, so DNSSEC is not asked of it.
    done = box.ok("dns", "check", "--no-connect", DNS_SERVERS=box.dns.address,
                  PILLARBOX_DNS_STRICT="1")
    assert f"asked {box.dns.address}, with DNSSEC" in done.stdout


def test_nobody_there_ends_soon(box):
    start = time.monotonic()
    done = box("dns", "check", "--no-connect", "--dns", "127.0.0.1@1")
    assert done.returncode == 1 and "unknown" in done.stdout
    assert time.monotonic() - start < 40


def test_words_of_strangers_do_not_reach_the_terminal(box):
    box.publish("v=spf1 mx", f'{DOMAIN} TXT "v=spf1 \x1b[2J\x07 -all"')
    out = box("dns", "check", "--no-connect", "--dns", box.dns.address).stdout
    assert "\x1b" not in out and "\x07" not in out and "permerror" in out
