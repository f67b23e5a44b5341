"""The resolver alone, before name servers that misbehave."""

import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns, encode_name  # noqa: E402
from harness import Harness, ResolverClient, put, receive, send  # noqa: E402
from signeddns import SignedDns  # noqa: E402

OK, NODATA, NXDOMAIN, SERVFAIL, BOGUS = range(5)
A, CNAME, PTR, MX, TXT, AAAA, TLSA = 1, 5, 12, 15, 16, 28, 52


class World:
    def __init__(self, server, files=None, **settings):
        self.dns = server
        self.resolver = Harness("resolver", "resolver", {
            "hostname": "we.test", "log_level": "debug", **{"dns": server.address, **settings}},
            [], {}, files).start()
        self.client = ResolverClient(self.resolver, "test")
        self.ask = self.client.ask

    def stop(self):
        assert self.resolver.stop() == 0, self.resolver.text()
        text = self.resolver.text()
        assert "Sanitizer" not in text and "panic" not in text, text


@pytest.fixture
def make_world():
    made = []

    def make(*args, **settings):
        made.append(World(*args, **settings))
        return made[-1]

    yield make
    for w in made:
        w.stop()


@pytest.fixture
def dns():
    d = FakeDns().start()
    yield d
    d.stop()


@pytest.fixture
def world(make_world, dns):
    return make_world(dns, dns_validate="0")


def test_answers_every_type(world):
    world.dns.set_zone('''
        x.test MX 10 mx.x.test
        mx.x.test A 192.0.2.1
        mx.x.test AAAA 2001:db8::1
        x.test TXT "v=spf1 " "-all"
        alias.test CNAME x.test
        _25._tcp.mx.x.test TLSA 3 1 1 aabb
        1.2.0.192.in-addr.arpa PTR mx.x.test
        broken.test SERVFAIL
        refused.test REFUSED
        big.test TXT "%s"
    ''' % ("y" * 3000))
    assert world.ask("X.test.", MX) == (OK, [b"\0\x0a\2mx\1x\4test\0"])
    assert world.ask("mx.x.test", A) == (OK, [b"\xc0\0\2\1"])
    assert world.ask("mx.x.test", AAAA)[1][0][:4] == b"\x20\x01\x0d\xb8"
    assert world.ask("x.test", TXT) == (OK, [b"\7v=spf1 \4-all"])
    assert world.ask("alias.test", MX) == (OK, [b"\0\x0a\2mx\1x\4test\0"])
    assert world.ask("_25._tcp.mx.x.test", TLSA) == (OK, [b"\3\1\1\xaa\xbb"])
    assert world.ask("1.2.0.192.in-addr.arpa", PTR) == (OK, [b"\2mx\1x\4test\0"])
    assert len(world.ask("big.test", TXT)[1][0]) == 3012
    assert world.ask("mx.x.test", MX) == (NODATA, [])
    assert world.ask("no.test", A) == (NXDOMAIN, [])
    assert world.ask("broken.test", A) == (SERVFAIL, [])
    assert world.ask("refused.test", A) == (SERVFAIL, [])
    assert world.ask("localhost", A) == (OK, [b"\x7f\0\0\1"])
    assert world.ask("x.invalid", A) == (NXDOMAIN, [])
    assert world.ask("a..b", A) == (NXDOMAIN, [])


def test_asks_equal_questions_once_and_gives_up_in_time(world):
    world.dns.set_zone("slow.test TIMEOUT")
    sock = world.client.sock
    start = time.monotonic()
    for i in range(50):
        send(sock, 1, i + 1, put("slow.test", A))
    seen = {receive(sock)[1:3] for _ in range(50)}
    assert time.monotonic() - start < 12
    assert {i for i, _ in seen} == set(range(1, 51))
    assert all(p[0] == SERVFAIL for _, p in seen)
    assert len(world.dns.queries) < 20


def test_silence_about_one_name_is_not_silence_about_the_next(world):
    world.dns.set_zone("slow.test TIMEOUT\ngood.test A 192.0.2.1")
    for _ in range(2):
        assert world.ask("slow.test", A) == (SERVFAIL, [])
        start = time.monotonic()
        assert world.ask("good.test", A) == (OK, [b"\xc0\0\2\1"])
        assert time.monotonic() - start < 3


def test_shares_answers_between_processes(make_world):
    dns = FakeDns("x.test A 192.0.2.1", ttl=60).start()
    world = make_world(dns, dns_validate="0")
    other = ResolverClient(world.resolver, "other")
    assert world.ask("x.test", A) == other.ask("X.TEST", A) == (OK, [b"\xc0\0\2\1"])
    assert dns.queries.count(("x.test", "A")) == 1
    dns.stop()


def test_takes_large_answers_by_tcp_up_to_its_limits(world):
    strings = " ".join(f'"{i:03}{"s" * 40}"' for i in range(500))
    world.dns.set_zone(f'many.test TXT {strings}\n'
                       f'long.test TXT "{"x" * 60000}"\n' +
                       "".join(f'crowd.test A 192.0.{i // 256}.{i % 256}\n' for i in range(300)) +
                       "".join(f'heavy.test TXT "{i}{"z" * 20000}"\n' for i in range(3)))
    status, records = world.ask("many.test", TXT)
    assert status == OK and len(records[0]) == 500 * 44
    status, records = world.ask("long.test", TXT)
    assert status == OK and len(records[0]) > 60000
    status, records = world.ask("crowd.test", A)
    assert status == OK and len(records) == 256
    status, records = world.ask("heavy.test", TXT)
    assert status == OK and len(records) == 3
    # A text that is cut would be another one; and part of them, another policy.
    world.dns.set_zone(f'huge.test TXT "{"x" * 64900}"\n' +
                       "".join(f'four.test TXT "{i}{"z" * 15900}"\n' for i in range(4)))
    assert world.ask("huge.test", TXT)[0] == SERVFAIL
    assert world.ask("four.test", TXT)[0] == SERVFAIL


def test_loops_of_aliases_end(world):
    world.dns.set_zone("a.test CNAME b.test\nb.test CNAME a.test\nc.test CNAME c.test\n" +
                       "".join(f"n{i}.test CNAME n{i + 1}.test\n" for i in range(60)))
    for name in ("a.test", "c.test", "n0.test"):
        start = time.monotonic()
        assert world.ask(name, A)[0] in (SERVFAIL, NODATA)
        assert time.monotonic() - start < 11
    assert len(world.dns.queries) < 200


def test_takes_no_answer_to_another_question(world):
    world.dns.set_zone("good.test A 192.0.2.1\nlie.test A 192.0.2.1\nid.test A 192.0.2.1\n"
                       "name.test A 192.0.2.1\nextra.test A 192.0.2.1")
    forged = struct.pack("!HHIH", A, 1, 3600, 4) + b"\x0a\x0a\x0a\x0a"

    def spoil(name, _, reply):
        if name == "id.test":
            return bytes([reply[0] ^ 0x55]) + reply[1:]
        if name == "name.test":    # the question of another name
            return reply.replace(b"\4name\4test", b"\4nome\4test")
        if name == "extra.test":   # and what nobody asked about, at no extra cost
            counts = struct.pack("!H", struct.unpack("!H", reply[6:8])[0] + 1)
            end = reply.rindex(b"\xc0\0\2\1") + 4
            return (reply[:6] + counts + reply[8:end] + encode_name("good.test") + forged +
                    reply[end:])
        if name == "short.test":
            return reply[:13]
        return reply

    world.dns.spoil = spoil
    assert world.ask("id.test", A) == (SERVFAIL, [])
    assert world.ask("name.test", A) == (SERVFAIL, [])
    assert world.ask("extra.test", A) == (OK, [b"\xc0\0\2\1"])
    assert world.ask("good.test", A) == (OK, [b"\xc0\0\2\1"])
    assert world.ask("short.test", A) == (SERVFAIL, [])


def test_closes_on_a_malformed_question(world):
    send(world.client.sock, 1, 1, b"\0\0")
    assert receive(world.client.sock) is None
    assert ResolverClient(world.resolver, "test").ask("localhost", A)[0] == OK


# --- DNSSEC


GOOD = "good.example. 60 IN A 192.0.2.1\nevil.example. 60 IN A 192.0.2.2\n"


def test_validates(make_world):
    with SignedDns(GOOD) as dns:
        evil = dns.sets[next(k for k in dns.sets if k[0].to_text() == "evil.example.")]
        evil[0].clear()
        evil[0].add(type(list(dns.sets[next(
            k for k in dns.sets if k[0].to_text() == "good.example.")][0])[0])(1, 1, "10.0.0.1"))
        w = make_world(dns, {"trust-anchor": dns.anchor.encode()})
        assert w.ask("good.example", A) == (OK, [b"\xc0\0\2\1"])
        assert w.client.secure
        assert w.ask("evil.example", A) == (BOGUS, [])
        assert "dns-bogus name=evil.example" in w.resolver.text()
        assert f"dns-upstream ask={dns.address} dnssec=yes\n" in w.resolver.text()


def test_a_server_without_dnssec_is_used_without(make_world):
    with SignedDns(GOOD) as dns:
        dns.strip = True
        w = make_world(dns, {"trust-anchor": dns.anchor.encode()})
        start = time.monotonic()
        assert w.ask("good.example", A) == (OK, [b"\xc0\0\2\1"])
        assert not w.client.secure
        assert time.monotonic() - start < 4
        assert w.resolver.text().count("dns-upstream") == 1
        assert 'dnssec=no reason="they give no answers with DNSSEC"' in w.resolver.text()


def test_but_not_when_that_is_forbidden(make_world):
    with SignedDns(GOOD) as dns:
        dns.strip = True
        w = make_world(dns, {"trust-anchor": dns.anchor.encode()}, dns_strict="1")
        assert w.ask("good.example", A)[0] in (BOGUS, SERVFAIL)


def test_dnssec_that_was_there_is_not_given_up_later(make_world):
    with SignedDns(GOOD) as dns:
        w = make_world(dns, {"trust-anchor": dns.anchor.encode()})
        assert w.ask("good.example", A) == (OK, [b"\xc0\0\2\1"])
        dns.strip = True
        assert w.ask("evil.example", A)[0] in (BOGUS, SERVFAIL)


def test_fake_server_with_default_settings(make_world, dns):
    dns.set_zone("x.test A 192.0.2.1\ny.example A 192.0.2.1")
    w = make_world(dns)
    start = time.monotonic()
    assert w.ask("x.test", A) == (OK, [b"\xc0\0\2\1"])
    assert w.ask("y.example", A) == (OK, [b"\xc0\0\2\1"])
    assert time.monotonic() - start < 4


# --- the network decides whom we may ask


ROOT_SERVERS = [  # a to m.root-servers.net
    "198.41.0.4", "170.247.170.2", "192.33.4.12", "199.7.91.13", "192.203.230.10",
    "192.5.5.241", "192.112.36.4", "198.97.190.53", "192.36.148.17", "192.58.128.30",
    "193.0.14.129", "199.7.83.42", "202.12.27.33", "199.9.14.201"]


def wait_for_upstream(world, line, seconds=40):
    end = time.monotonic() + seconds
    while not world.resolver.text().rstrip("\n").endswith(line):
        assert time.monotonic() < end, world.resolver.text()
        world.ask("other.example", A)   # who asks finds out what broke
        time.sleep(0.5)


def only_the_hosts_resolver(folder):
    """In a network of its own: nobody but the server of /etc/resolv.conf is
    there; then the root servers are; then they are gone again."""
    resolv = folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    for command in (["ip", "link", "set", "lo", "up"],
                    ["mount", "--bind", resolv, "/etc/resolv.conf"]):
        subprocess.run(command, check=True)
    dns = FakeDns("good.example A 192.0.2.9\n. NS ns.example", port=53).start()
    zone = GOOD + f"ns.example. 60 IN A {ROOT_SERVERS[0]}\n"
    root = SignedDns(zone, ROOT_SERVERS, 53)
    w = World(dns, {"trust-anchor": root.anchor.encode()}, dns="recurse")
    start = time.monotonic()
    assert w.ask("good.example", A) == (OK, [b"\xc0\0\2\x09"])
    assert not w.client.secure
    assert time.monotonic() - start < 10
    assert w.resolver.text().count("dns-upstream") == 1
    assert ('dns-upstream ask=127.0.0.1 dnssec=no reason="only the servers of '
            '/etc/resolv.conf answer from here, and without DNSSEC"') in w.resolver.text()
    for address in ROOT_SERVERS:
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    with root:
        wait_for_upstream(w, "dns-upstream ask=recurse dnssec=yes")
        assert w.ask("good.example", A) == (OK, [b"\xc0\0\2\1"])
        assert w.client.secure
    dns.stop()
    for address in ROOT_SERVERS:
        subprocess.run(["ip", "address", "del", address, "dev", "lo"], check=True)
    with SignedDns(GOOD, port=53) as dns:
        # What it says must be as sure as what the root servers said.
        dns.sets, dns.strip = root.sets, True
        time.sleep(11)
        assert w.ask("evil.example", A) == (SERVFAIL, [])
        time.sleep(2)
        assert w.resolver.text().count("dns-upstream") == 2, w.resolver.text()
        dns.strip = False
        wait_for_upstream(w, "dns-upstream ask=127.0.0.1 dnssec=yes reason="
                          '"only the servers of /etc/resolv.conf answer from here"')
        assert w.ask("evil.example", A) == (OK, [b"\xc0\0\2\2"])
        assert w.client.secure
    w.stop()


def test_falls_back_to_the_hosts_resolver_and_returns(tmp_path):
    if subprocess.run(["unshare", "-rnm", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no right to make a network")
    r = subprocess.run(["unshare", "-rnm", sys.executable, __file__, tmp_path], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180)
    assert r.returncode == 0, r.stdout


if __name__ == "__main__":
    only_the_hosts_resolver(Path(sys.argv[1]))
