"""A name server that misbehaves on purpose, each way by its own name:

    with EvilDns() as dns:
        dns.address          # of DNS_SERVERS
        # ask for "pointerloop.evil.test"; "good.evil.test" has A 192.0.2.1

The ways are the functions below that have no underscore in front: each gets an
Ask and answers it as it likes. Standard library only.
"""

import socket
import struct
import threading
import time

from fakedns import TYPES, decode_name, encode_name

GOOD = b"\xc0\0\2\1"
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
TC, AA, AD = 0x0200, 0x0400, 0x0020


class Ask:
    """A question and the way back."""

    def __init__(self, server, packet, reply, tcp):
        self.server, self.tcp, self.raw = server, tcp, reply
        self.id, self.flags = struct.unpack("!HH", packet[:4])
        self.name, at = decode_name(packet, 12)
        self.type, = struct.unpack("!H", packet[at:at + 2])
        self.question = packet[12:at + 4]

    def message(self, answers=(), rcode=NOERROR, flags=AA, question=None, authority=(),
                counts=None, ident=None):
        """answers: bytes of whole records."""
        counts = counts or (len(answers), len(authority), 0)
        return struct.pack("!6H", self.id if ident is None else ident,
                           0x8000 | (self.flags & 0x0100) | flags | rcode, 1, *counts) + (
                               question or self.question) + b"".join([*answers, *authority])

    def send(self, *args, **kw):
        self.raw(self.message(*args, **kw))

    def record(self, rdata, kind=None, name=b"\xc0\x0c", klass=1, ttl=0, length=None):
        """The owner is by default a pointer to the name of the question."""
        return name + struct.pack("!HHIH", TYPES[kind] if kind else self.type, klass, ttl,
                                  len(rdata) if length is None else length) + rdata


def good(ask):
    ask.send([ask.record(GOOD)])


def ns(ask):
    """The address of the server itself."""
    ask.send([ask.record(socket.inet_aton(ask.server.host))] if ask.type == TYPES["A"] else [])


# --- not the answer to the question


def wrong_id(ask):
    ask.send([ask.record(GOOD)], ident=ask.id ^ 0x5555)


def wrong_name(ask):
    ask.send([ask.record(GOOD)], question=encode_name("good.evil.test") + ask.question[-4:])


def wrong_type(ask):
    ask.send([ask.record(GOOD)], question=ask.question[:-4] + struct.pack("!HH", 16, 1))


def wrong_class(ask):
    ask.send([ask.record(GOOD, klass=3)])


def wrong_question_class(ask):
    ask.send([ask.record(GOOD)], question=ask.question[:-2] + b"\0\3")


def other_port(ask):
    ask.server.from_elsewhere(("127.0.0.1", 0), ask, ask.message([ask.record(GOOD)]))


def other_address(ask):
    ask.server.from_elsewhere(("127.0.0.2", ask.server.port), ask,
                              ask.message([ask.record(GOOD)]))


def a_question(ask):
    ask.raw(struct.pack("!6H", ask.id, 0x0100, 1, 0, 0, 0) + ask.question)


# --- packets that are none


def empty(ask):
    ask.raw(b"")


def header_alone(ask):
    ask.raw(struct.pack("!6H", ask.id, 0x8400, 1, 1, 0, 0))


def pointer_loop(ask):
    at = 12 + len(ask.question)
    ask.send([ask.record(GOOD, name=struct.pack("!H", 0xc000 | at))])


def pointer_ahead(ask):
    ask.send([ask.record(GOOD, name=b"\xff\xff")])


def pointers_to_each_other(ask):
    at = 12 + len(ask.question)
    name = struct.pack("!HH", 0xc000 | at + 2, 0xc000 | at)
    ask.send([ask.record(GOOD, name=name[:2]), name])


def pointer_loop_in_cname(ask):
    at = 12 + len(ask.question) + 12
    ask.send([ask.record(struct.pack("!H", 0xc000 | at), kind="CNAME")])


def many_records_said(ask):
    ask.send([ask.record(GOOD)], counts=(65535, 65535, 65535))


def record_too_long(ask):
    ask.send([ask.record(GOOD, length=65535)])


def address_of_3(ask):
    ask.send([ask.record(GOOD[:3])])


def address_of_400(ask):
    ask.send([ask.record(GOOD * 100)])


def string_too_long(ask):
    ask.send([ask.record(b"\xffshort")])


def name_of_400(ask):
    ask.send([ask.record((b"\x3f" + b"a" * 63) * 6 + b"\0", kind="CNAME")])


def label_of_100(ask):
    ask.send([ask.record(b"\x64" + b"a" * 100 + b"\0", kind="CNAME")])


# --- names that are odd


def nul_in_label(ask):
    _alias(ask, b"\4go\0d\4evil\4test\0")


def dot_in_label(ask):
    _alias(ask, b"\11good.evil\4test\0")


def backslash_in_label(ask):
    _alias(ask, b"\4go\\d\4evil\4test\0")


def alias_to_root(ask):
    _alias(ask, b"\0")


def _alias(ask, target):
    """And an address of the target beside, that a careless reader takes."""
    ask.send([ask.record(target, kind="CNAME"), ask.record(GOOD, name=target)])


# --- chains


def loop(ask):
    ask.send([ask.record(encode_name("loop.evil.test"), kind="CNAME")])


def ring(ask):
    names = [encode_name(f"{n}ring.evil.test") for n in ["", *"abcdefgh"]]
    ask.send([ask.record(names[(i + 1) % len(names)], kind="CNAME", name=names[i])
              for i in range(len(names))])


def chain_of_50(ask):
    names = [encode_name("chain-of-50.evil.test")] + [
        encode_name(f"c{i}.evil.test") for i in range(50)]
    ask.send([ask.record(names[i + 1], kind="CNAME", name=names[i]) for i in range(50)] +
             [ask.record(GOOD, name=names[-1])])


def step(ask):
    """step.evil.test, 1.step.evil.test and so on for ever."""
    first = ask.name.split(".")[0]
    n = int(first) if first.isdigit() else 0
    ask.send([ask.record(encode_name(f"{n + 1}.step.evil.test"), kind="CNAME")])


# --- results that contradict themselves


def nxdomain_with_answer(ask):
    ask.send([ask.record(GOOD)], rcode=NXDOMAIN)


def servfail_with_answer(ask):
    ask.send([ask.record(GOOD)], rcode=SERVFAIL)


def servfail(ask):
    ask.send(rcode=SERVFAIL)


def refused(ask):
    ask.send(rcode=REFUSED)


def formerr(ask):
    ask.send(rcode=FORMERR)


def notimp(ask):
    ask.send(rcode=NOTIMP)


def rcode_15(ask):
    ask.send(rcode=15)


def nothing_at_all(ask):
    ask.send()


def lame(ask):
    """A referral to somebody who is not there."""
    ask.send(flags=0, authority=[ask.record(encode_name("ns.elsewhere.test"), kind="NS")])


def lame_upwards(ask):
    ask.send(flags=0, authority=[ask.record(encode_name("ns.evil.test"), kind="NS", name=b"\0")])


def another_type(ask):
    ask.send([ask.record(b"\4text", kind="TXT")])


def poison(ask):
    """Something that nobody asked about, to be kept for a day."""
    ask.send([ask.record(GOOD), ask.record(b"\x0a\x0a\x0a\x0a", name=encode_name("good.evil.test"),
                                           ttl=86400)])


def forged_ad(ask):
    ask.send([ask.record(GOOD)], flags=AA | AD)


def lifetime(ask):
    ask.send([ask.record(GOOD, ttl=0xffffffff)])


# --- slow, and by TCP


def silent(ask):
    pass


def late(ask):
    ask.server.later(20, lambda: ask.send([ask.record(GOOD)]))


def tcp_refused(ask):
    if ask.tcp:
        raise ConnectionError
    ask.send(flags=AA | TC)


def tcp_hangs(ask):
    if not ask.tcp:
        ask.send(flags=AA | TC)
        return
    whole = ask.message([ask.record(GOOD)])
    ask.server.tcp_write(ask, struct.pack("!H", len(whole)) + whole[:len(whole) // 2])
    ask.server.stopped.wait(30)


def tcp_drips(ask):
    if not ask.tcp:
        ask.send(flags=AA | TC)
        return
    whole = ask.message([ask.record(GOOD)])
    for byte in struct.pack("!H", len(whole)) + whole:
        ask.server.tcp_write(ask, bytes([byte]))
        if ask.server.stopped.wait(1):
            return


def tcp_truncated_too(ask):
    ask.send(flags=AA | TC)


def text_of_64k(ask):
    if not ask.tcp:
        ask.send(flags=AA | TC)
        return
    room = 65535 - len(ask.message([ask.record(b"")]))
    ask.send([ask.record((b"\xff" + b"x" * 255) * (room // 256))])


def strings_500(ask):
    if not ask.tcp:
        ask.send(flags=AA | TC)
        return
    ask.send([ask.record(b"".join(b"\4%04d" % i for i in range(500)))])


def strings_empty(ask):
    if not ask.tcp:
        ask.send(flags=AA | TC)
        return
    ask.send([ask.record(b"\0" * 60000)])


def records_5000(ask):
    if not ask.tcp:
        ask.send(flags=AA | TC)
        return
    ask.send([ask.record(struct.pack("!I", i)) for i in range(4000)])


WAYS = {name: f for name, f in list(globals().items())
        if callable(f) and f.__module__ == __name__ and name[0].islower() and name[0] != "_"}


class EvilDns:
    """always: a function for every question; domain: the two labels at the end."""

    def __init__(self, host="127.0.0.1", port=0, domain="evil.test", always=None):
        self.host, self.wanted, self.always = host, port, always
        self.domain = domain.split(".")

    def __enter__(self):
        self.stopped = threading.Event()
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self.udp.bind((self.host, self.wanted))
            self.port = self.udp.getsockname()[1]
            self.tcp = socket.socket()
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.tcp.bind((self.host, self.port))
                break
            except OSError:     # the port is taken for TCP: draw another
                self.udp.close()
                self.tcp.close()
                if self.wanted:
                    raise
        self.tcp.listen(64)
        self.address = f"{self.host}@{self.port}"
        self.queries = []
        for run in (self._run_udp, self._run_tcp):
            threading.Thread(target=run, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.stopped.set()
        self.udp.close()
        self.tcp.close()

    def later(self, seconds, fn):
        threading.Thread(target=lambda: self.stopped.wait(seconds) or fn(), daemon=True).start()

    def from_elsewhere(self, address, ask, message):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(address)
            s.sendto(message, ask.peer)

    def tcp_write(self, ask, data):
        try:
            ask.connection.sendall(data)
        except OSError:
            pass

    def _answer(self, packet, reply, tcp, peer, connection=None):
        try:
            ask = Ask(self, packet, reply, tcp)
        except (ValueError, IndexError, struct.error):
            return
        ask.peer, ask.connection = peer, connection
        self.queries.append(ask.name)
        labels = ask.name.split(".")
        way = labels[-3] if len(labels) > 2 and labels[-2:] == self.domain else ""
        (self.always or WAYS.get(way.replace("-", "_"), silent))(ask)

    def _run_udp(self):
        while not self.stopped.is_set():
            try:
                packet, peer = self.udp.recvfrom(65535)
            except OSError:
                return

            def reply(message, to=peer):
                try:
                    self.udp.sendto(message, to)
                except OSError:
                    pass

            self._answer(packet, reply, False, peer)

    def _run_tcp(self):
        while not self.stopped.is_set():
            try:
                connection, peer = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, peer), daemon=True).start()

    def _serve(self, connection, peer):
        with connection, connection.makefile("rb") as stream:
            try:
                while len(head := stream.read(2)) == 2:
                    packet = stream.read(struct.unpack("!H", head)[0])
                    self._answer(packet, lambda m: connection.sendall(
                        struct.pack("!H", len(m)) + m), True, peer, connection)
            except OSError:
                pass


if __name__ == "__main__":
    with EvilDns() as server:
        print(server.address, *WAYS, sep="\n", flush=True)
        while True:
            time.sleep(3600)
