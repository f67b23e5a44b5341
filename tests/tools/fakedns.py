#!/usr/bin/python3
"""A DNS server for tests: UDP and TCP on one loopback port, answers from a
small zone text. Standard library only.

    fakedns.py --port 5353 zone.txt        (the file is read again when it changes)

or inside a test:

    dns = FakeDns("a.test MX 10 mx.a.test\\nmx.a.test A 127.0.0.1").start()
    dns.address        # "127.0.0.1@34567", the form of DNS_SERVERS
    dns.set_zone("..."); dns.queries; dns.spoil = f; dns.stop()

The zone: one record a line, "#" or ";" starts a comment.

    NAME A 192.0.2.1            NAME AAAA 2001:db8::1
    NAME MX 10 host             NAME MX 0 .          (null MX)
    NAME CNAME other            NAME PTR host        NAME NS host
    NAME TXT "one" "two"        (or TXT text without quotes)
    NAME TLSA 3 1 1 aabbcc...   NAME SRV 0 1 465 host
    NAME CAA 0 issue "ca.test"
    NAME EMPTY                  exists, has no records
    NAME NXDOMAIN | SERVFAIL | REFUSED | TIMEOUT [TYPE]
                                that result, for all types or one
    *.NAME TYPE ...             for names below NAME that have no line

A name that has no line, and no line below it, is NXDOMAIN. TTLs are 0 unless
--ttl says otherwise, so that a changed zone is seen at once.
"""
import argparse
import ipaddress
import os
import shlex
import socket
import socketserver
import struct
import sys
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16,
         "AAAA": 28, "SRV": 33, "TLSA": 52, "CAA": 257}
NAMES = {number: name for name, number in TYPES.items()}
RCODES = {"NXDOMAIN": 3, "SERVFAIL": 2, "REFUSED": 5, "TIMEOUT": None}
OPT = 41


def encode_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            raw = label.encode("utf-8", "surrogateescape")
            out += bytes([len(raw)]) + raw
    return out + b"\0"


def decode_name(packet, at):
    """The name at an offset and the offset behind it; no compression."""
    labels = []
    while packet[at]:
        n = packet[at]
        if n > 63:
            raise ValueError("compressed question")
        labels.append(packet[at + 1:at + 1 + n].decode("latin-1"))
        at += 1 + n
    return ".".join(labels).lower(), at + 1


def encode_rdata(kind, words, text):
    if kind == "A":
        return ipaddress.IPv4Address(words[0]).packed
    if kind == "AAAA":
        return ipaddress.IPv6Address(words[0]).packed
    if kind == "MX":
        return struct.pack("!H", int(words[0])) + encode_name(words[1])
    if kind in ("CNAME", "PTR", "NS"):
        return encode_name(words[0])
    if kind == "TXT":
        strings = shlex.split(text) if text.startswith('"') else [text]
        out = b""
        for string in strings:
            raw = string.encode()
            parts = [raw[i:i + 255] for i in range(0, len(raw), 255)] or [b""]
            out += b"".join(bytes([len(p)]) + p for p in parts)
        return out
    if kind == "SRV":
        return struct.pack("!3H", *map(int, words[:3])) + encode_name(words[3])
    if kind == "CAA":
        tag, value = words[1].encode(), shlex.split(words[2])[0].encode()
        return bytes([int(words[0]), len(tag)]) + tag + value
    if kind == "TLSA":
        return bytes(int(w) for w in words[:3]) + bytes.fromhex("".join(words[3:]))
    raise ValueError("unknown type " + kind)


class Zone:
    def __init__(self, text):
        self.records = {}   # (name, type number) -> [rdata]
        self.special = {}   # (name, type number or None) -> word
        self.names = set()
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line[0] in "#;":
                continue
            try:
                self.add(line)
            except (ValueError, IndexError) as error:
                raise ValueError(f"zone line {number}: {error}: {line}") from error

    def add(self, line):
        name, kind, *rest = line.split(None, 2)
        text = rest[0].strip() if rest else ""
        name, kind = name.lower().rstrip("."), kind.upper()
        if kind == "IN":
            kind, *rest = text.split(None, 1)
            text = rest[0] if rest else ""
        self.names.add(name)
        if kind in RCODES:
            self.special[(name, TYPES[text.upper()] if text else None)] = kind
        elif kind != "EMPTY":
            self.records.setdefault((name, TYPES[kind]), []).append(
                encode_rdata(kind, text.split(), text))

    def owner(self, name):
        """The name whose lines answer for name, or None."""
        if name in self.names:
            return name
        if any(n.endswith("." + name) for n in self.names):
            return name
        labels = name.split(".")
        for i in range(1, len(labels)):
            wild = "*." + ".".join(labels[i:])
            if wild in self.names:
                return wild
        return None

    def lookup(self, name, qtype):
        """(rcode or None for silence, [(name, type, rdata)])"""
        answers = []
        for _ in range(10):
            owner = self.owner(name)
            if owner is None:
                return 3, answers
            for key in ((owner, qtype), (owner, None)):
                if key in self.special:
                    return RCODES[self.special[key]], answers
            alias = self.records.get((owner, 5))
            if alias and qtype != 5:
                answers.append((name, 5, alias[0]))
                name = decode_name(alias[0], 0)[0]
                continue
            answers += [(name, qtype, r) for r in self.records.get((owner, qtype), [])]
            return 0, answers
        return 0, answers   # a loop, or nearly one


class FakeDns:
    def __init__(self, zone="", path=None, host="127.0.0.1", port=0, ttl=0,
                 verbose=False):
        self.host, self.port, self.ttl, self.verbose = host, port, ttl, verbose
        self.path, self.stamp = path, None
        self.lock = threading.Lock()
        self.queries = []       # (name, type word), in order
        self.spoil = None       # f(name, type word, reply): what is sent instead
        self.zone = Zone(zone)
        self.servers = []
        self.reload()

    def set_zone(self, text):
        with self.lock:
            self.zone = Zone(text)

    def reload(self):
        if self.path is None:
            return
        try:
            status = os.stat(self.path)
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self.stamp:
                with open(self.path, encoding="utf-8") as file:
                    self.zone = Zone(file.read())
                self.stamp = stamp
        except (OSError, ValueError) as error:
            print("fakedns:", error, file=sys.stderr, flush=True)

    def answer(self, packet, room):
        """The reply to a packet, or None. room: bytes for UDP, None for TCP."""
        ident, flags, questions, _, _, extra = struct.unpack("!6H", packet[:12])
        if flags & 0x8000 or questions != 1:
            return None
        name, at = decode_name(packet, 12)
        qtype, _ = struct.unpack("!HH", packet[at:at + 4])
        question = packet[12:at + 4]
        edns = b""
        if extra and packet[at + 4:at + 7] == b"\0" + struct.pack("!H", OPT):
            if room is not None:
                room = max(room, struct.unpack("!H", packet[at + 7:at + 9])[0])
            edns = b"\0" + struct.pack("!HHIH", OPT, 1232, 0, 0)
        with self.lock:
            self.reload()
            self.queries.append((name, NAMES.get(qtype, str(qtype))))
            rcode, records = self.zone.lookup(name, qtype)
        if self.verbose:
            print("fakedns:", name, NAMES.get(qtype, qtype), rcode, len(records),
                  file=sys.stderr, flush=True)
        if rcode is None:
            return None
        body = b"".join(
            encode_name(n) + struct.pack("!HHIH", t, 1, self.ttl, len(r)) + r
            for n, t, r in records)
        authority = b""
        if rcode in (0, 3) and not any(t == qtype for _, t, _ in records):
            soa = (encode_name("ns.invalid") + encode_name("root.invalid") +
                   struct.pack("!5I", 1, 60, 60, 60, self.ttl))
            zone = name.rsplit(".", 1)[-1]
            authority = (encode_name(zone) +
                         struct.pack("!HHIH", 6, 1, self.ttl, len(soa)) + soa)
        flags = 0x8480 | (flags & 0x0100) | rcode
        counts = (1, len(records), 1 if authority else 0, 1 if edns else 0)
        reply = struct.pack("!6H", ident, flags, *counts) + question + body + authority + edns
        if self.spoil is not None:
            return self.spoil(name, NAMES.get(qtype, str(qtype)), reply)
        if room is not None and len(reply) > room:
            reply = struct.pack("!6H", ident, flags | 0x0200, 1, 0, 0,
                                counts[3]) + question + edns
        return reply

    def start(self):
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                packet, sock = self.request
                try:
                    reply = outer.answer(packet, 512)
                except (ValueError, IndexError, struct.error):
                    return
                if reply is not None:
                    sock.sendto(reply, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                while True:
                    head = self.rfile.read(2)
                    if len(head) < 2:
                        return
                    packet = self.rfile.read(struct.unpack("!H", head)[0])
                    try:
                        reply = outer.answer(packet, None)
                    except (ValueError, IndexError, struct.error):
                        return
                    if reply is not None:
                        self.wfile.write(struct.pack("!H", len(reply)) + reply)

        class TcpServer(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        for _ in range(20):
            udp = socketserver.UDPServer((self.host, self.port), Udp)
            port = udp.server_address[1]
            try:
                tcp = TcpServer((self.host, port), Tcp)
                break
            except OSError:     # the port is taken for TCP: draw another
                udp.server_close()
                if self.port:
                    raise
        udp.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.port = port
        self.servers = [udp, tcp]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.1,),
                             daemon=True).start()
        return self

    @property
    def address(self):
        return f"{self.host}@{self.port}"

    def stop(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()
        self.servers = []


def main():
    parser = argparse.ArgumentParser(description="DNS server for tests")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ttl", type=int, default=0)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("zone", help="zone file")
    args = parser.parse_args()
    dns = FakeDns(path=args.zone, host=args.host, port=args.port, ttl=args.ttl,
                  verbose=args.verbose).start()
    print(dns.address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
