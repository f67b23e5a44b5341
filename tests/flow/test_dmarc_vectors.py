"""DMARC as a table: setup explain dmarc --spf --dkim, each line with what
RFC 7489 (np=: RFC 9091; tree walk, psd= and t=: DMARCbis, now RFC 9989) asks for.

Where receivers differ, or RFCs do, this is what was decided:

- Several records: 6.6.3 step 5 and DMARCbis 4.10 say that none of them counts,
  so the result is none (OpenDMARC takes the first one it meets).
- A record without a valid p= and without rua=: permerror, the word that 11.2
  has for a broken record, and no policy. mailauth says none.
- v=dmarc1 is no record, 6.3 wants those letters; OpenDMARC and mailauth read it
  as one.
- Of a tag that is there twice the first counts; OpenDMARC and mailauth take the
  last. DKIM, whose syntax it is, forbids it.
- An invalid value of pct=, adkim=, aspf=, fo=, rf= or ri= is as if the tag were
  absent (6.3: defaults); mailauth and OpenDMARC read pct=x as 0.
- np= is for a name without MX, A and AAAA (RFC 9091 2.7); DMARCbis has it for
  NXDOMAIN only.
- An invalid np= counts as absent: 6.6.3 step 6 speaks of p= and sp=.
- Beside the tree walk the Public Suffix List stands: it decides which names are
  of one organization where no psd= does, and a record of a public suffix that
  does not say psd=y speaks for that name alone. DMARCbis without the list would
  take blogspot.com's record for all that is below.
- DNS trouble in a walk for alignment leaves it to the list; mailauth says
  temperror.
- From with several domains, with a group, a source route, an address literal:
  permerror, and refused (6.6.1: typically rejected or ignored). Addresses of one
  domain are one author. A comma that should have been in quotes is forgiven, so
  is an "@" in an encoded word or between words: no other domain can come of it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns  # noqa: E402
from stack import BIN  # noqa: E402

ZONE = """
_dmarc.r.test TXT "v=DMARC1; p=reject"
_dmarc.q.test TXT "v=DMARC1; p=quarantine"
_dmarc.n.test TXT "v=DMARC1; p=none"
_dmarc.s.test TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
_dmarc.sd.test TXT "v=DMARC1; p=reject; adkim=s"
_dmarc.ss.test TXT "v=DMARC1; p=reject; aspf=s"
_dmarc.own.r.test TXT "v=DMARC1; p=none"
_dmarc.brand.co.uk TXT "v=DMARC1; p=reject"
_dmarc.co.uk TXT "v=DMARC1; p=reject"
_dmarc.alice.github.io TXT "v=DMARC1; p=reject"
_dmarc.shop.city.ck TXT "v=DMARC1; p=reject"
_dmarc.www.ck TXT "v=DMARC1; p=reject"
_dmarc.blogspot.com TXT "v=DMARC1; p=reject; sp=reject"
_dmarc.com TXT "v=DMARC1; p=reject"
_dmarc.xn--bcher-kva.test TXT "v=DMARC1; p=reject"

_dmarc.sp.test TXT "v=DMARC1; p=reject; sp=quarantine"
_dmarc.spn.test TXT "v=DMARC1; p=none; sp=reject"
_dmarc.np.test TXT "v=DMARC1; p=none; sp=quarantine; np=reject"
real.np.test A 192.0.2.1
mx.np.test MX 10 a.test
six.np.test AAAA 2001:db8::1
txt.np.test TXT "nothing else"
_dmarc.has.np.test TXT "v=DMARC1; p=none"
has.np.test A 192.0.2.1
down.np.test SERVFAIL
_dmarc.down.np.test EMPTY
_dmarc.soft.test TXT "v=DMARC1; p=reject; np=none"
down.soft.test SERVFAIL
_dmarc.down.soft.test EMPTY

_dmarc.low.test TXT "v=dmarc1; p=reject"
_dmarc.upv.test TXT "V=DMARC1; p=reject"
_dmarc.spaces.test TXT " v = DMARC1 ;  p = reject ; sp	=	none "
_dmarc.dense.test TXT "v=DMARC1;p=reject;"
_dmarc.semis.test TXT "v=DMARC1;; ;p=reject;;;"
_dmarc.upper.test TXT "v=DMARC1; P=REJECT; ADKIM=S; Pct=100"
_dmarc.v2.test TXT "v=DMARC2; p=reject"
_dmarc.v10.test TXT "v=DMARC10; p=reject"
_dmarc.nosemi.test TXT "v=DMARC1 p=reject"
_dmarc.late.test TXT "p=reject; v=DMARC1"
_dmarc.second.test TXT "v=DMARC1; rua=mailto:a@second.test; p=reject"
_dmarc.nop.test TXT "v=DMARC1; sp=reject"
_dmarc.noprua.test TXT "v=DMARC1; sp=reject; rua=mailto:a@noprua.test"
_dmarc.badp.test TXT "v=DMARC1; p=block"
_dmarc.badprua.test TXT "v=DMARC1; p=block; rua=mailto:a@badprua.test!10m"
_dmarc.badpbadrua.test TXT "v=DMARC1; p=block; rua=a@badpbadrua.test"
_dmarc.badsp.test TXT "v=DMARC1; p=reject; sp=block"
_dmarc.badsprua.test TXT "v=DMARC1; p=reject; sp=block; rua=mailto:a@badsprua.test"
_dmarc.badnp.test TXT "v=DMARC1; p=reject; np=block"
_dmarc.emptyp.test TXT "v=DMARC1; p="
_dmarc.only.test TXT "v=DMARC1"
_dmarc.sub.badorg.test TXT "v=DMARC1; p=block"
_dmarc.badorg.test TXT "v=DMARC1; p=reject"
_dmarc.two.test TXT "v=DMARC1; p=reject"
_dmarc.two.test TXT "v=DMARC1; p=none"
_dmarc.sub.twoorg.test TXT "v=DMARC1; p=none"
_dmarc.sub.twoorg.test TXT "v=DMARC1; p=none; pct=1"
_dmarc.twoorg.test TXT "v=DMARC1; p=reject"
_dmarc.noise.test TXT "google-site-verification=x"
_dmarc.noise.test TXT "v=DMARC1; p=reject"
_dmarc.noise.test TXT "v=spf1 -all"
_dmarc.alone.test TXT "not a record"
_dmarc.twice.test TXT "v=DMARC1; p=quarantine; p=reject; sp=none; sp=reject"
_dmarc.unknown.test TXT "v=DMARC1; p=reject; x=y; foo; =bar; b==c"
_dmarc.strings.test TXT "v=DMA" "RC1; p=rej" "ect; adki" "m=s"
_dmarc.alias.test CNAME policy.elsewhere.test
policy.elsewhere.test TXT "v=DMARC1; p=reject"
_dmarc.loop.test CNAME _dmarc.loop.test
_dmarc.fail.test SERVFAIL
_dmarc.refused.test REFUSED
_dmarc.sub.failorg.test TXT "v=DMARC1; p=reject"
_dmarc.failorg.test SERVFAIL
_dmarc.silent.test TIMEOUT
_dmarc.quoted.test TXT "v=DMARC1; p='reject'"

_dmarc.p0.test TXT "v=DMARC1; p=reject; pct=0"
_dmarc.p0q.test TXT "v=DMARC1; p=quarantine; pct=0"
_dmarc.p50.test TXT "v=DMARC1; p=reject; pct=50"
_dmarc.p100.test TXT "v=DMARC1; p=reject; pct=100"
_dmarc.p101.test TXT "v=DMARC1; p=reject; pct=101"
_dmarc.pneg.test TXT "v=DMARC1; p=reject; pct=-1"
_dmarc.pbad.test TXT "v=DMARC1; p=reject; pct=some"
_dmarc.pempty.test TXT "v=DMARC1; p=reject; pct="
_dmarc.t.test TXT "v=DMARC1; p=reject; t=y"
_dmarc.tq.test TXT "v=DMARC1; p=quarantine; t=Y"
_dmarc.tn.test TXT "v=DMARC1; p=reject; t=n"
_dmarc.tbad.test TXT "v=DMARC1; p=reject; t=yes"
_dmarc.tsp.test TXT "v=DMARC1; p=none; sp=reject; t=y"
_dmarc.opt.test TXT "v=DMARC1; p=reject; fo=x; rf=zzz; ri=often; adkim=x; aspf=; rua=; ruf=://"

_dmarc.mid.gap.test TXT "v=DMARC1; p=quarantine"
_dmarc.deep.test TXT "v=DMARC1; p=reject"
_dmarc.8.deep.test TXT "v=DMARC1; p=none"
_dmarc.1.2.3.4.5.6.7.8.far.test TXT "v=DMARC1; p=quarantine"
_dmarc.2.3.4.5.6.7.8.skip.test TXT "v=DMARC1; p=reject"
_dmarc.unit.corp.test TXT "v=DMARC1; p=reject; psd=n"
_dmarc.corp.test TXT "v=DMARC1; p=none"
_dmarc.bank.test TXT "v=DMARC1; p=reject; sp=quarantine; psd=y"
_dmarc.giant.bank.test TXT "v=DMARC1; p=quarantine"
_dmarc.gov.uk TXT "v=DMARC1; p=none; np=reject; psd=y"
real.gov.uk A 192.0.2.1
_dmarc.u.test TXT "v=DMARC1; p=reject; psd=u"
_dmarc.psdbad.test TXT "v=DMARC1; p=reject; psd=z"
"""

# From (an address, or the field's value), --spf, --dkim, and the answer: result, disposition, and
# which tag with which policy decided. "" for an option leaves it out, unless both are.
ALIGNMENT = [
    ("a@r.test", "pass:r.test", "", "pass none p=reject"),
    ("a@r.test", "", "pass:r.test", "pass none p=reject"),
    ("a@r.test", "pass:R.TEST.", "", "pass none p=reject"),
    ("a@r.test", "pass:bounce@r.test", "", "pass none p=reject"),
    ("a@R.Test", "", "pass:r.tEST", "pass none p=reject"),
    ("a@r.test", "pass:sub.r.test", "", "pass none p=reject"),
    ("a@r.test", "", "pass:sub.r.test", "pass none p=reject"),
    ("a@sub.r.test", "pass:r.test", "", "pass none p=reject"),
    ("a@sub.r.test", "", "pass:r.test", "pass none p=reject"),
    ("a@x.r.test", "", "pass:y.r.test", "pass none p=reject"),
    ("a@x.r.test", "pass:y.r.test", "", "pass none p=reject"),
    ("a@x.y.z.r.test", "", "pass:k.l.r.test", "pass none p=reject"),
    ("a@r.test", "pass:q.test", "", "fail reject p=reject"),
    ("a@r.test", "", "pass:notr.test", "fail reject p=reject"),
    ("a@r.test", "", "pass:r.test.evil.test", "fail reject p=reject"),
    ("a@r.test", "", "pass:test", "fail reject p=reject"),
    ("a@r.test", "fail:r.test", "fail:r.test", "fail reject p=reject"),
    ("a@r.test", "softfail:r.test", "", "fail reject p=reject"),
    ("a@r.test", "neutral:r.test", "neutral:r.test", "fail reject p=reject"),
    ("a@r.test", "none", "none", "fail reject p=reject"),
    ("a@r.test", "permerror:r.test", "policy:r.test", "fail reject p=reject"),
    ("a@r.test", "fail:r.test", "pass:r.test", "pass none p=reject"),
    ("a@r.test", "pass:r.test", "fail:r.test", "pass none p=reject"),
    ("a@r.test", "pass:q.test", "pass:q.test,pass:r.test", "pass none p=reject"),
    ("a@r.test", "", "fail:r.test,pass:esp.test,pass:mail.r.test", "pass none p=reject"),
    ("a@r.test", "temperror:r.test", "", "temperror none p=reject"),
    ("a@r.test", "", "temperror:sub.r.test", "temperror none p=reject"),
    ("a@r.test", "temperror:q.test", "", "fail reject p=reject"),
    ("a@r.test", "temperror:r.test", "pass:r.test", "pass none p=reject"),
    ("a@q.test", "fail:q.test", "", "fail quarantine p=quarantine"),
    ("a@n.test", "fail:n.test", "", "fail none p=none"),
    ("a@nothing.test", "pass:nothing.test", "pass:nothing.test", "none none"),
    ("a@s.test", "pass:s.test", "", "pass none p=reject"),
    ("a@s.test", "", "pass:s.test", "pass none p=reject"),
    ("a@s.test", "pass:sub.s.test", "pass:sub.s.test", "fail reject p=reject"),
    ("a@sub.s.test", "pass:s.test", "pass:s.test", "fail reject p=reject"),
    ("a@sub.s.test", "", "pass:sub.s.test", "pass none p=reject"),
    ("a@sd.test", "", "pass:sub.sd.test", "fail reject p=reject"),
    ("a@sd.test", "pass:sub.sd.test", "", "pass none p=reject"),
    ("a@ss.test", "pass:sub.ss.test", "", "fail reject p=reject"),
    ("a@ss.test", "", "pass:sub.ss.test", "pass none p=reject"),
    ("a@s.test", "", "temperror:sub.s.test", "fail reject p=reject"),
    # Public suffixes
    ("a@brand.co.uk", "", "pass:mail.brand.co.uk", "pass none p=reject"),
    ("a@brand.co.uk", "", "pass:other.co.uk", "fail reject p=reject"),
    ("a@brand.co.uk", "pass:co.uk", "", "fail reject p=reject"),
    ("a@mail.brand.co.uk", "pass:brand.co.uk", "", "pass none p=reject"),
    ("a@co.uk", "pass:co.uk", "", "pass none p=reject"),
    ("a@co.uk", "", "pass:brand.co.uk", "fail reject p=reject"),
    ("a@other.co.uk", "fail:other.co.uk", "", "none none"),
    ("a@alice.github.io", "", "pass:bob.github.io", "fail reject p=reject"),
    ("a@alice.github.io", "pass:www.alice.github.io", "", "pass none p=reject"),
    ("a@alice.github.io", "", "pass:github.io", "fail reject p=reject"),
    ("a@carol.blogspot.com", "", "", "none none"),
    ("a@blogspot.com", "", "", "fail reject p=reject"),
    ("a@shop.city.ck", "", "pass:mail.shop.city.ck", "pass none p=reject"),
    ("a@shop.city.ck", "", "pass:city.ck", "fail reject p=reject"),
    ("a@www.ck", "", "pass:mail.www.ck", "pass none p=reject"),
    ("a@com", "pass:com", "", "pass none p=reject"),
    ("a@com", "", "pass:r.com", "fail reject p=reject"),
    ("a@example.com", "", "", "none none"),
    ("a@b\u00fccher.test", "", "pass:xn--bcher-kva.test", "pass none p=reject"),
    ("a@xn--bcher-kva.test", "pass:b\u00fccher.test", "", "pass none p=reject"),
    ("a@B\u00dcCHER.test", "", "pass:mail.b\u00fccher.test", "pass none p=reject"),
    ("a@xn--bcher-kva.test", "", "pass:bucher.test", "fail reject p=reject"),
]
POLICIES = [
    ("a@sp.test", "", "", "fail reject p=reject"),
    ("a@sub.sp.test", "", "", "fail quarantine sp=quarantine"),
    ("a@x.y.sp.test", "", "", "fail quarantine sp=quarantine"),
    ("a@spn.test", "", "", "fail none p=none"),
    ("a@sub.spn.test", "", "", "fail reject sp=reject"),
    ("a@own.r.test", "", "", "fail none p=none"),
    ("a@x.own.r.test", "", "", "fail reject p=reject"),
    ("a@np.test", "", "", "fail none p=none"),
    ("a@ghost.np.test", "", "", "fail reject np=reject"),
    ("a@real.np.test", "", "", "fail quarantine sp=quarantine"),
    ("a@mx.np.test", "", "", "fail quarantine sp=quarantine"),
    ("a@six.np.test", "", "", "fail quarantine sp=quarantine"),
    ("a@txt.np.test", "", "", "fail reject np=reject"),
    ("a@has.np.test", "", "", "fail none p=none"),
    ("a@down.np.test", "", "", "fail quarantine sp=quarantine"),
    ("a@ghost.soft.test", "", "", "fail none np=none"),
    ("a@down.soft.test", "", "", "fail none np=none"),
    ("a@ghost.np.test", "", "pass:np.test", "pass none np=reject"),
    ("a@p0.test", "", "", "fail quarantine p=reject"),
    ("a@p0q.test", "", "", "fail none p=quarantine"),
    ("a@p50.test", "", "", "fail reject p=reject"),
    ("a@p100.test", "", "", "fail reject p=reject"),
    ("a@p101.test", "", "", "fail reject p=reject"),
    ("a@pneg.test", "", "", "fail reject p=reject"),
    ("a@pbad.test", "", "", "fail reject p=reject"),
    ("a@pempty.test", "", "", "fail reject p=reject"),
    ("a@p0.test", "pass:p0.test", "", "pass none p=reject"),
    ("a@t.test", "", "", "fail quarantine p=reject"),
    ("a@tq.test", "", "", "fail none p=quarantine"),
    ("a@tn.test", "", "", "fail reject p=reject"),
    ("a@tbad.test", "", "", "fail reject p=reject"),
    ("a@sub.tsp.test", "", "", "fail quarantine sp=reject"),
]
RECORDS = [
    ("a@low.test", "", "", "none none"),
    ("a@upv.test", "", "", "fail reject p=reject"),
    ("a@spaces.test", "", "", "fail reject p=reject"),
    ("a@sub.spaces.test", "", "", "fail none sp=none"),
    ("a@dense.test", "", "", "fail reject p=reject"),
    ("a@semis.test", "", "", "fail reject p=reject"),
    ("a@upper.test", "", "pass:sub.upper.test", "fail reject p=reject"),
    ("a@v2.test", "", "", "none none"),
    ("a@v10.test", "", "", "none none"),
    ("a@nosemi.test", "", "", "none none"),
    ("a@late.test", "", "", "none none"),
    ("a@second.test", "", "", "fail reject p=reject"),
    ("a@nop.test", "", "", "permerror none"),
    ("a@sub.nop.test", "", "", "permerror none"),
    ("a@noprua.test", "", "", "fail none p=none"),
    ("a@sub.noprua.test", "", "", "fail none sp=none"),
    ("a@noprua.test", "", "pass:noprua.test", "pass none p=none"),
    ("a@badp.test", "", "", "permerror none"),
    ("a@badprua.test", "", "", "fail none p=none"),
    ("a@badpbadrua.test", "", "", "permerror none"),
    ("a@badsp.test", "", "", "permerror none"),
    ("a@badsprua.test", "", "", "fail none p=none"),
    ("a@badnp.test", "", "", "fail reject p=reject"),
    ("a@emptyp.test", "", "", "permerror none"),
    ("a@only.test", "", "", "permerror none"),
    ("a@quoted.test", "", "", "permerror none"),
    ("a@sub.badorg.test", "", "", "permerror none"),
    ("a@x.badorg.test", "", "", "fail reject p=reject"),
    ("a@two.test", "", "", "none none"),
    ("a@sub.twoorg.test", "", "", "fail reject p=reject"),
    ("a@noise.test", "", "", "fail reject p=reject"),
    ("a@alone.test", "", "", "none none"),
    ("a@twice.test", "", "", "fail quarantine p=quarantine"),
    ("a@sub.twice.test", "", "", "fail none sp=none"),
    ("a@unknown.test", "", "", "fail reject p=reject"),
    ("a@strings.test", "", "pass:sub.strings.test", "fail reject p=reject"),
    ("a@alias.test", "", "", "fail reject p=reject"),
    ("a@opt.test", "pass:x.opt.test", "", "pass none p=reject"),
    ("a@opt.test", "", "", "fail reject p=reject"),
    ("a@fail.test", "pass:fail.test", "", "temperror none"),
    ("a@fail.test", "", "", "temperror none"),
    ("a@sub.fail.test", "", "", "temperror none"),
    ("a@refused.test", "", "", "temperror none"),
    ("a@loop.test", "", "", "temperror none"),
    ("a@sub.failorg.test", "", "", "fail reject p=reject"),
    ("a@sub.failorg.test", "", "pass:failorg.test", "pass none p=reject"),
    ("a@x.failorg.test", "", "pass:failorg.test", "temperror none"),
]
TREES = [
    ("a@x.mid.gap.test", "", "", "fail quarantine p=quarantine"),
    ("a@x.mid.gap.test", "", "pass:gap.test", "pass none p=quarantine"),
    ("a@gap.test", "", "", "none none"),
    ("a@1.2.3.4.5.6.7.8.9.deep.test", "", "", "fail reject p=reject"),
    ("a@1.2.3.4.5.6.7.8.deep.test", "", "", "fail reject p=reject"),
    ("a@1.2.3.4.5.6.7.8.far.test", "", "", "fail quarantine p=quarantine"),
    ("a@0.1.2.3.4.5.6.7.8.far.test", "", "", "none none"),
    ("a@1.2.3.4.5.6.7.8.skip.test", "", "", "none none"),
    ("a@unit.corp.test", "", "pass:corp.test", "fail reject p=reject"),
    ("a@x.unit.corp.test", "", "pass:y.unit.corp.test", "pass none p=reject"),
    ("a@x.unit.corp.test", "", "pass:corp.test", "fail reject p=reject"),
    ("a@corp.test", "pass:unit.corp.test", "", "fail none p=none"),
    ("a@corp.test", "pass:other.corp.test", "", "pass none p=none"),
    ("a@giant.bank.test", "pass:mail.giant.bank.test", "", "pass none p=quarantine"),
    ("a@giant.bank.test", "", "pass:mail.mega.bank.test", "fail quarantine p=quarantine"),
    ("a@giant.bank.test", "", "pass:bank.test", "fail quarantine p=quarantine"),
    ("a@mega.bank.test", "", "", "fail quarantine sp=quarantine"),
    ("a@x.mega.bank.test", "", "pass:mega.bank.test", "pass none sp=quarantine"),
    ("a@bank.test", "", "pass:giant.bank.test", "fail reject p=reject"),
    ("a@bank.test", "", "pass:bank.test", "pass none p=reject"),
    ("a@ghost.gov.uk", "", "", "fail reject np=reject"),
    ("a@real.gov.uk", "", "", "fail none p=none"),
    ("a@u.test", "", "pass:x.u.test", "pass none p=reject"),
    ("a@psdbad.test", "", "pass:x.psdbad.test", "pass none p=reject"),
]
REFUSED = "permerror reject"
FIELDS = [
    ("From: Ann <a@r.test>", "", "", "fail reject p=reject"),
    ("From: \"q.test\" <a@r.test>", "", "", "fail reject p=reject"),
    ("From: \"a@q.test\" <a@r.test>", "", "pass:r.test", "pass none p=reject"),
    ("From: \"a@b\"@r.test", "", "pass:r.test", "pass none p=reject"),
    ("From: \"a@q.test\"@r.test", "", "pass:q.test", "fail reject p=reject"),
    ("From: \"a\\\"@q.test\"@r.test", "", "pass:q.test", "fail reject p=reject"),
    ("From: =?utf-8?q?a=40q=2Etest?= <a@r.test>", "", "pass:r.test", "pass none p=reject"),
    ("From: =?utf-8?b?PGFAcS50ZXN0Pg==?= <a@r.test>", "", "pass:q.test", "fail reject p=reject"),
    ("From: a@=?utf-8?q?r.test?=", "", "", REFUSED),
    ("From: (a@q.test) a@r.test (b@q.test)", "", "pass:q.test", "fail reject p=reject"),
    ("From: a(x)@(y)r(z).(w)test", "", "pass:r.test", "pass none p=reject"),
    ("From: a@r.test, b@r.test", "", "pass:r.test", "pass none p=reject"),
    ("From: a@r.test, B <b@R.TEST>", "", "", "fail reject p=reject"),
    ("From: a@nothing.test, b@r.test", "", "pass:nothing.test", REFUSED),
    ("From: a@r.test, b@sub.r.test", "", "pass:r.test", REFUSED),
    ("From: a@q.test <a@r.test>", "", "pass:r.test", REFUSED),
    ("From: a@r.test <a@r.test>", "", "pass:r.test", "pass none p=reject"),
    ("From: <a@q.test> <a@r.test>", "", "", REFUSED),
    ("From: <a@r.test> a@q.test", "", "", REFUSED),
    ("From: a@q.test a@r.test", "", "", REFUSED),
    ("From: a@q.test@r.test", "", "", REFUSED),
    ("From: a@q.test; b@r.test", "", "", REFUSED),
    ("From: Team: a@r.test;", "", "pass:r.test", REFUSED),
    ("From: Team: a@r.test, b@q.test;", "", "", REFUSED),
    ("From: undisclosed-recipients:;", "", "", REFUSED),
    ("From: <@q.test,@n.test:a@r.test>", "", "", REFUSED),
    ("From: a@r.test.", "", "pass:r.test", "pass none p=reject"),
    ("From: a@[192.0.2.1]", "", "", REFUSED),
    ("From: a@[IPv6:2001:db8::1]", "", "", REFUSED),
    ("From: a", "", "", REFUSED),
    ("From: MAILER-DAEMON (Mail System)", "", "", REFUSED),
    ("From: <>", "", "", REFUSED),
    ("From:", "", "", REFUSED),
    ("From: a@", "", "", REFUSED),
    ("From: @r.test", "", "", REFUSED),
    ("From: a@r..test", "", "", REFUSED),
    ("From: a@" + "l" * 64 + ".test", "", "", REFUSED),
    ("From: a@r\u3000.test", "", "", REFUSED),
    ("From: a@r\u200b.q.test", "", "", "fail quarantine p=quarantine"),
    ("From: a@r.test\x00.q.test", "", "", REFUSED),
    ("From: \"Ann <a@r.test>", "", "", REFUSED),
    ("From: Ann <a@r.test", "", "", REFUSED),
    ("From: (Ann a@r.test", "", "", REFUSED),
    ("From: Doe, Ann <a@r.test>", "", "pass:r.test", "pass none p=reject"),
    ("From: =?utf-8?q?a@q.test?= <a@r.test>", "", "pass:r.test", "pass none p=reject"),
    ("From: =?utf-8?q?<a@q.test>?= <a@r.test>", "", "pass:r.test", REFUSED),
    ("From: Pub @ Home <a@r.test>", "", "pass:r.test", "pass none p=reject"),
    ("From: Pub @ q.test <a@r.test>", "", "pass:r.test", REFUSED),
    ("From: a@r.test, Doe", "", "", REFUSED),
    ("From: [List] Ann <a@r.test>", "", "", "fail reject p=reject"),
    ("From: Ann\r\n\t<a@r.test>\r\n ", "", "", "fail reject p=reject"),
    ("From: a@q.test\r\n\t,a@r.test", "", "", REFUSED),
    ("From: " + "x" * 10240 + " <a@r.test>", "", "", "fail reject p=reject"),
    ("From: \"" + "a@q.test, " * 1000 + "\" <a@r.test>", "", "", "fail reject p=reject"),
    ("From: " + "(" * 5000 + ")" * 5000 + " a@r.test", "", "", "fail reject p=reject"),
    ("From: a@r.test\r\nFrom: a@r.test", "", "pass:r.test", REFUSED),
    ("From: a@nothing.test\r\nSubject: x\r\nfrom : a@r.test", "", "pass:nothing.test", REFUSED),
    ("Subject: nobody", "", "pass:r.test", REFUSED),
    ("Sender: a@r.test\r\nReply-To: a@r.test", "", "pass:r.test", REFUSED),
    ("Subject: x\r\n\r\nFrom: a@r.test", "", "", REFUSED),
    ("FROM: a@r.test", "", "", "fail reject p=reject"),
]
ALL = ALIGNMENT + POLICIES + RECORDS + TREES + FIELDS


@pytest.fixture(scope="module")
def dns():
    d = FakeDns(ZONE).start()
    yield d
    d.stop()


def explain(dns, folder, author, *words):
    header = author if ":" in author.split("@")[0] else "From: " + author
    (folder / "m.eml").write_bytes(header.encode() + b"\r\n\r\nHello\r\n")
    r = subprocess.run([BIN / "setup", "explain", "dmarc", folder / "m.eml", *words, "--dns",
                        dns.address], capture_output=True, timeout=60,
                       env={"PATH": os.environ["PATH"], "PILLARBOX_CONFIG_DIR": str(folder)})
    assert r.returncode == 0, r.stderr
    return r.stdout.decode("utf-8", "replace")


def label(vector):
    return ascii(" ".join(vector[:3]))[1:60]


@pytest.mark.parametrize("author, spf, dkim, want", ALL, ids=map(label, ALL))
def test_vector(dns, tmp_path, author, spf, dkim, want):
    words = (["--spf", spf] if spf else []) + (["--dkim", dkim] if dkim else [])
    words = words or ["--spf", "none"]
    said = json.loads(explain(dns, tmp_path, author, *words, "--json"))
    got = f"{said['result']} {said['disposition']}"
    if len(want.split()) == 3:
        got += f" {said['tag']}={said['policy']}"
    assert got == want, said
    text = explain(dns, tmp_path, author, *words)
    assert text.split()[:2] == [said["result"], "disposition=" + said["disposition"]]


def test_a_walk_asks_eight_names_at_most(dns, tmp_path):
    said = json.loads(explain(dns, tmp_path, "a@a.b.c.d.e.f.g.h.i.j.k.none.test", "--spf", "none",
                              "--json"))
    assert [q["name"] for q in said["lookups"]] == ["_dmarc." + n for n in (
        "a.b.c.d.e.f.g.h.i.j.k.none.test", "g.h.i.j.k.none.test", "h.i.j.k.none.test",
        "i.j.k.none.test", "j.k.none.test", "k.none.test", "none.test", "test")]


def test_servers_that_are_silent_are_a_temperror(dns, tmp_path):
    said = json.loads(explain(dns, tmp_path, "a@silent.test", "--spf", "none", "--json"))
    assert (said["result"], said["disposition"]) == ("temperror", "none")
