"""The resolver before name servers that lie, loop, dawdle and break the format:
every question ends in time with the right kind of answer, and no other question
suffers."""

import contextlib
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import dns.flags
import dns.rdatatype
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from evildns import WAYS, EvilDns  # noqa: E402
from fakedns import FakeDns, encode_name  # noqa: E402
from harness import ResolverClient, put, receive, send  # noqa: E402
from test_resolver import (A, AAAA, BOGUS, MX, NODATA, NXDOMAIN, OK, PTR,  # noqa: E402
                           ROOT_SERVERS, SERVFAIL, TXT, World, make_world)
from zonedns import ZoneDns  # noqa: E402

assert make_world
ADDRESS = b"\xc0\0\2\1"
IN_TIME = 13    # the resolver's ten seconds, and a machine that has other work
RSS_MAX = 64 << 10    # KB, far above what it takes; a sanitizer takes more

# What an address is answered with; what is not here is SERVFAIL.
EXPECTED = {
    "good": OK, "ns": OK, "poison": OK, "forged_ad": OK, "lifetime": OK, "dot_in_label": OK,
    "nxdomain_with_answer": NXDOMAIN,
    "nothing_at_all": NODATA, "another_type": NODATA,
    # A server that was named is not asked whether it is the right one.
    "lame": NODATA, "lame_upwards": NODATA, "wrong_class": NODATA,
}
BY_TCP = [w for w in WAYS if w.startswith(("tcp_", "text_", "strings_", "records_"))]


def rss(world):
    for line in Path(f"/proc/{world.resolver.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")


def test_each_way_to_misbehave(make_world):
    ways = [w for w in WAYS if w not in BY_TCP]
    with EvilDns() as server:
        world = make_world(server, dns_validate="0")
        other = ResolverClient(world.resolver, "other")
        start = time.monotonic()
        for i, way in enumerate(ways):
            send(world.client.sock, 1, i + 1, put(way.replace("_", "-") + ".evil.test", A))
        # Beside all that:
        assert other.ask("x.good.evil.test", A) == (OK, [ADDRESS])
        assert time.monotonic() - start < 3
        found = {}
        for _ in ways:
            _, ident, payload = receive(world.client.sock)
            found[ways[ident - 1]] = payload[0]
        assert time.monotonic() - start < IN_TIME
        assert found == {way: EXPECTED.get(way, SERVFAIL) for way in ways}
        assert world.ask("good.evil.test", A) == (OK, [ADDRESS])
        assert world.ask("forged-ad.evil.test", A) == (OK, [ADDRESS]) and not world.client.secure
        assert len(server.queries) < 1000
        if "libasan" not in Path(f"/proc/{world.resolver.process.pid}/maps").read_text():
            assert rss(world) < RSS_MAX


@pytest.mark.parametrize("way, records", [
    ("tcp_refused", None), ("tcp_hangs", None), ("tcp_drips", None), ("tcp_truncated_too", None),
    ("text_of_64k", None),
    ("strings_500", [b"".join(b"\4%04d" % i for i in range(500))]),
    ("strings_empty", [b"\0" * 60000]),
])
def test_texts_by_tcp(make_world, way, records):
    assert way in BY_TCP
    with EvilDns() as server:
        world = make_world(server, dns_validate="0")
        start = time.monotonic()
        name = way.replace("_", "-") + ".evil.test"
        assert world.ask(name, TXT) == ((SERVFAIL, []) if records is None else (OK, records))
        assert time.monotonic() - start < IN_TIME
        assert world.ask("good.evil.test", A) == (OK, [ADDRESS])


def test_of_many_addresses_some(make_world):
    with EvilDns() as server:
        world = make_world(server, dns_validate="0")
        status, records = world.ask("records-5000.evil.test", A)
        assert status == OK and len(records) == 256


def test_records_that_break_their_format_are_no_answer(make_world):
    """Each type has its own; one bad record makes the whole answer doubtful."""
    with EvilDns() as server:
        world = make_world(server, dns_validate="0")
        for way, kind in (("address-of-3", A), ("address-of-400", A), ("string-too-long", TXT),
                          ("good", MX), ("good", PTR), ("good", AAAA)):
            assert world.ask(f"{way}.evil.test", kind) == (SERVFAIL, []), (way, kind)


def test_a_thousand_dead_names_stall_nobody_else(make_world):
    server = FakeDns("*.dead.test TIMEOUT\n*.good.test A 192.0.2.1").start()
    world = make_world(server, dns_validate="0")
    others = [ResolverClient(world.resolver, f"other{i}") for i in range(2)]
    counts = {}

    def flood():
        for i in range(1000):
            send(world.client.sock, 1, i + 1, put(f"n{i}.dead.test", A))
        for _ in range(1000):
            status = receive(world.client.sock)[2][0]
            counts[status] = counts.get(status, 0) + 1

    start = time.monotonic()
    thread = threading.Thread(target=flood)
    thread.start()
    asked = 0
    while thread.is_alive() or asked < 20:
        for client in others:
            before = time.monotonic()
            assert client.ask(f"n{asked}.good.test", A) == (OK, [ADDRESS])
            assert time.monotonic() - before < 3
            asked += 1
        thread.join(0.05)
    assert time.monotonic() - start < IN_TIME
    assert counts == {SERVFAIL: 1000}
    assert world.resolver.text().count("event=dns-busy") == 1
    assert world.ask("x.good.test", A) == (OK, [ADDRESS])
    server.stop()


def test_who_left_frees_its_share(make_world):
    server = FakeDns("*.dead.test TIMEOUT\nx.test A 192.0.2.1").start()
    world = make_world(server, dns_validate="0")
    for i in range(300):
        send(world.client.sock, 1, i + 1, put(f"n{i}.dead.test", A))
    world.client.sock.close()
    assert ResolverClient(world.resolver, "test").ask("x.test", A) == (OK, [ADDRESS])
    server.stop()


# --- DNSSEC, with a zone that another program signed


ZONE = "good.example. 60 IN A 192.0.2.1\nmore.example. 60 IN A 192.0.2.2\n"


def drop_signatures(question, reply):
    for section in (reply.answer, reply.authority):
        section[:] = [s for s in section if s.rdtype != dns.rdatatype.RRSIG]


def drop_proofs(question, reply):
    reply.authority[:] = [s for s in reply.authority if s.rdtype == dns.rdatatype.SOA]


def forge_address(question, reply):
    for rrset in reply.answer:
        if rrset.rdtype == dns.rdatatype.A:
            rdata = list(rrset)[0]
            rrset.clear()
            rrset.add(type(rdata)(1, 1, "10.0.0.1"))


def forge_ad(question, reply):
    drop_signatures(question, reply)
    reply.flags |= dns.flags.AD


def deny_everything(question, reply):
    reply.answer.clear()
    reply.set_rcode(3)


@pytest.fixture
def zone(tmp_path):
    with ZoneDns(tmp_path, ZONE) as server:
        yield server


def test_what_is_signed_and_what_is_proven_not_to_be_there(make_world, zone):
    world = make_world(zone, {"trust-anchor": zone.anchor.encode()})
    for name, kind, answer in (("good.example", A, (OK, [ADDRESS])),
                               ("good.example", MX, (NODATA, [])),
                               ("none.example", A, (NXDOMAIN, [])),
                               ("a.b.c", A, (NXDOMAIN, []))):
        assert world.ask(name, kind) == answer and world.client.secure, name


@pytest.mark.parametrize("spoil", [drop_signatures, forge_address, forge_ad, deny_everything])
def test_forged_answers_are_bogus(make_world, zone, spoil):
    world = make_world(zone, {"trust-anchor": zone.anchor.encode()})
    assert world.ask("more.example", A)[0] == OK and world.client.secure
    zone.spoil = lambda q, r: spoil(q, r) if q.rdtype == A else None
    assert world.ask("good.example", A) == (BOGUS, []) and not world.client.secure
    assert "event=dns-bogus name=good.example" in world.resolver.text()


def test_a_denial_without_proof_is_bogus(make_world, zone):
    world = make_world(zone, {"trust-anchor": zone.anchor.encode()})
    assert world.ask("good.example", A)[0] == OK
    zone.spoil = drop_proofs
    assert world.ask("none.example", A) == (BOGUS, [])


@pytest.mark.parametrize("strict, answer", [("1", (BOGUS, [])), ("0", (OK, [ADDRESS]))])
def test_signatures_that_have_expired(make_world, tmp_path, strict, answer):
    with ZoneDns(tmp_path, ZONE, expired=True) as server:
        world = make_world(server, {"trust-anchor": server.anchor.encode()}, dns_strict=strict)
        assert world.ask("good.example", A) == answer and not world.client.secure


def test_another_key_than_the_anchor_says(make_world, zone, tmp_path):
    (tmp_path / "other").mkdir()
    with ZoneDns(tmp_path / "other", ZONE) as other:
        world = make_world(zone, {"trust-anchor": other.anchor.encode()}, dns_strict="1")
        assert world.ask("good.example", A) == (BOGUS, [])


def test_a_forged_ad_bit_proves_nothing(make_world):
    """Where nobody validates the bit of a stranger is not believed."""
    server = FakeDns("x.test A 192.0.2.1").start()
    server.spoil = lambda name, kind, reply: reply[:2] + struct.pack(
        "!H", struct.unpack("!H", reply[2:4])[0] | 0x0020) + reply[4:]
    for settings in ({"dns_validate": "0"}, {}):
        world = make_world(server, **settings)
        assert world.ask("x.test", A) == (OK, [ADDRESS]) and not world.client.secure
    server.stop()


# --- without a server in between: the zones of others, by delegation


EVIL = "192.0.2.53"


def as_root(ask):
    """Everything is delegated to the evil server."""
    if ask.name == "":
        ask.send([ask.record(encode_name("a.root-servers.net"), name=b"\0")])
        return
    if ask.name == "a.root-servers.net":
        ask.send([ask.record(bytes(map(int, ROOT_SERVERS[0].split("."))))] if ask.type == A else [])
        return
    zone, ns = encode_name("evil.example"), encode_name("ns.evil.example")
    ask.send(flags=0, counts=(0, 1, 1), authority=[
        ask.record(ns, kind="NS", name=zone, ttl=3600),
        ask.record(bytes(map(int, EVIL.split("."))), kind="A", name=ns, ttl=3600)])


def as_recursor():
    for command in (["link", "set", "lo", "up"],
                    *(["address", "add", address + "/32", "dev", "lo"]
                      for address in (*ROOT_SERVERS, EVIL))):
        subprocess.run(["ip", *command], check=True)
    with contextlib.ExitStack() as stack:
        for address in ROOT_SERVERS:
            stack.enter_context(EvilDns(address, 53, always=as_root))
        evil = stack.enter_context(EvilDns(EVIL, 53, "evil.example"))
        world = World(evil, dns="recurse", dns_validate="0")
        # A server that was lame once is not asked about its zone for a while.
        for way, status in (("good", OK), ("nxdomain_with_answer", NXDOMAIN),
                            ("refused", SERVFAIL), ("lame", SERVFAIL), ("lame_upwards", SERVFAIL)):
            start = time.monotonic()
            answer = world.ask(way.replace("_", "-") + ".evil.example", A)
            assert answer == (status, [ADDRESS] if status == OK else []), (way, answer)
            assert time.monotonic() - start < IN_TIME
        world.stop()


def test_delegated_to_one_that_misbehaves():
    if subprocess.run(["unshare", "-rnm", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no right to make a network")
    r = subprocess.run(["unshare", "-rnm", sys.executable, __file__], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    assert r.returncode == 0, r.stdout


if __name__ == "__main__":
    as_recursor()
