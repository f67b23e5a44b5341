"""A name server for a signed root zone: every name is in it, so that its key is
all that a validator needs. Its answers to what exists are signed; what does not
exist is denied without proof, which a validator calls bogus.

    with SignedDns("good.example. 60 IN A 192.0.2.1") as dns:
        dns.address, dns.anchor     # of DNS_SERVERS, of the file trust-anchor
        dns.strip = True            # as a server that does not know DNSSEC

Needs python3-dnspython and python3-cryptography.
"""

import socketserver
import threading

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = """
. 60 IN SOA ns.example. root.example. 1 60 60 60 60
. 60 IN NS ns.example.
"""


class SignedDns:
    def __init__(self, text="", hosts=("127.0.0.1",), port=0):
        self.hosts, self.port = hosts, port
        key = ec.generate_private_key(ec.SECP256R1())
        dnskey = dns.dnssec.make_dnskey(
            key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
        zone = dns.zone.from_text(ROOT + text, origin=".", relativize=False)
        self.sets = {}
        rrsets = [dns.rrset.from_rdata_list(name, rdataset.ttl, rdataset)
                  for name, rdataset in zone.iterate_rdatasets()]
        rrsets.append(dns.rrset.from_rdata(dns.name.root, 60, dnskey))
        for rrset in rrsets:
            sig = dns.dnssec.sign(rrset, key, dns.name.root, dnskey, lifetime=86400)
            self.sets[rrset.name, rrset.rdtype] = (
                rrset, dns.rrset.from_rdata(rrset.name, rrset.ttl, sig))
        self.anchor = f". IN DS {dns.dnssec.make_ds('.', dnskey, 'SHA256').to_text()}\n"
        self.strip = False      # no signatures and no keys
        self.silent = False
        self.queries = []

    def answer(self, packet):
        query = dns.message.from_wire(packet)
        question = query.question[0]
        self.queries.append((question.name.to_text(), question.rdtype))
        if self.silent:
            return None
        reply = dns.message.make_response(query)
        found = self.sets.get((question.name, question.rdtype))
        if found is None or (self.strip and question.rdtype == dns.rdatatype.DNSKEY):
            reply.set_rcode(dns.rcode.NXDOMAIN if found is None else dns.rcode.NOERROR)
        else:
            reply.answer.append(found[0])
            if query.ednsflags & dns.flags.DO and not self.strip:
                reply.answer.append(found[1])
        return reply.to_wire()

    def __enter__(self):
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                packet, sock = self.request
                reply = outer.answer(packet)
                if reply is not None:
                    sock.sendto(reply, self.client_address)

        self.servers = [socketserver.UDPServer((host, self.port), Udp) for host in self.hosts]
        self.address = f"{self.hosts[0]}@{self.servers[0].server_address[1]}"
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *exc):
        for server in self.servers:
            server.shutdown()
            server.server_close()
