"""A name server for a root zone that dnssec-signzone (bind9-utils) signed: what
does not exist is denied with the proof that a validator wants.

    with ZoneDns(folder, "good.example. 60 IN A 192.0.2.1") as dns:
        dns.address, dns.anchor
        dns.spoil = f       # f(question, dns.message) changes a reply

    ZoneDns(folder, text, expired=True)     its signatures are from last month
"""

import subprocess

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.zone
from signeddns import ROOT, SignedDns


def run(folder, *command):
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


class ZoneDns(SignedDns):
    def __init__(self, folder, text, expired=False):
        self.hosts, self.port = ("127.0.0.1",), 0
        self.queries = []
        self.spoil = None
        (folder / "zone").write_text(ROOT + text)
        key = run(folder, "dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", ".").strip()
        run(folder, "dnssec-signzone", "-q", "-z", "-S", "-P", "-o", ".", "-f", "signed",
            "-s", "now-2592000", "-e", "now-864000" if expired else "now+86400", "zone",
            key + ".key")
        self.zone = dns.zone.from_file(str(folder / "signed"), origin=".", relativize=False)
        self.names = sorted(self.zone.nodes)
        self.anchor = run(folder, "dnssec-dsfromkey", "-2", key + ".key").replace(". IN", ". 60 IN")

    def _add(self, section, name, rdtype):
        """The records of a name with their signatures."""
        for kind, covers in ((rdtype, 0), (dns.rdatatype.RRSIG, rdtype)):
            rdataset = self.zone.get_rdataset(name, kind, covers)
            section.append(dns.rrset.from_rdata_list(name, rdataset.ttl, rdataset))

    def _deny(self, reply, *names):
        """That nothing of the names is there: what stands before each."""
        self._add(reply.authority, dns.name.root, dns.rdatatype.SOA)
        before = {max(n for n in self.names if n <= name) for name in names}
        for name in before:
            self._add(reply.authority, name, dns.rdatatype.NSEC)

    def answer(self, packet):
        query = dns.message.from_wire(packet)
        question = query.question[0]
        self.queries.append((question.name.to_text(), question.rdtype))
        reply = dns.message.make_response(query)
        reply.use_edns(0, dns.flags.DO, 1232)
        encloser = question.name
        while not any(n.is_subdomain(encloser) for n in self.names):
            encloser = encloser.parent()
        if encloser != question.name:
            reply.set_rcode(dns.rcode.NXDOMAIN)
            self._deny(reply, question.name, dns.name.Name((b"*", *encloser.labels)))
        elif self.zone.get_rdataset(question.name, question.rdtype) is not None:
            self._add(reply.answer, question.name, question.rdtype)
        else:
            self._deny(reply, question.name)
        if self.spoil is not None:
            self.spoil(question, reply)
        return reply.to_wire()
