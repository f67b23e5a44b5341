"""Mail of every form that is met: hand-made messages by name, and a generator.

WELL_FORMED: {name: message} that follow RFC 5322 and MIME. BROKEN: what is
met all the same. random_mail(seed) is well-formed and of any shape.
"""

import base64
import quopri
import random

CRLF = "\r\n"


def mail(*header, body="body\r\n"):
    text = "".join(line + CRLF for line in header) + CRLF + body
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def typed(content_type, body="body\r\n", *more):
    return mail("From: a@b.test", "MIME-Version: 1.0", f"Content-Type: {content_type}", *more, body=body)


def multi(kind, boundary, *parts, preamble="", epilogue="", more=(), params=""):
    """Each part is its header and body as one text."""
    body = preamble + "".join(f"--{boundary}{CRLF}{part}{CRLF}" for part in parts) + f"--{boundary}--{CRLF}" + epilogue
    return typed(f"multipart/{kind}; boundary=\"{boundary}\"{params}", body, *more)


def part(*header, body="part"):
    return "".join(line + CRLF for line in header) + CRLF + body


INNER = "From: in@ner.test\r\nTo: x@y.test\r\nSubject: inner\r\nDate: 1 Jan 2001 01:01:01 +0000\r\n" \
    "Message-ID: <inner@x>\r\n"

PLAIN = part("Content-Type: text/plain; charset=utf-8", body="plain")
HTML = part("Content-Type: text/html; charset=utf-8", body="<p>html</p>")

WELL_FORMED = {
    # addresses
    "plain": mail("From: Ann Other <ann@b.test>", "To: bob@c.test", "Subject: hello", "Date: 1 Jan 2001 01:01:01 +0000",
                  "Message-ID: <1@x>", "In-Reply-To: <0@x>", "Sender: sec@b.test", "Reply-To: rep@b.test",
                  "Cc: c1@d.test, c2@d.test", "Bcc: b@d.test"),
    "groups": mail("From: a@b.test", "To: A Group:Ed <joe@where.test>, joe@one.test,John <jdoe@one.test>;",
                   "Cc: Undisclosed recipients:;", "Bcc: one@x.test, g: a@x.test, b@x.test;, two@x.test"),
    "group only": mail("From: a@b.test", "To: undisclosed-recipients:;"),
    "comments": mail("From: Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
                     "To: john@b.test (John (jr) Doe), (before) jane@b.test", "Cc: jim@b.test (Jim), Joe <joe@b.test> (not)",
                     "Subject: sub (no comment)"),
    "comment names": mail("From: <a@b.test> (Name A)", "To: a@(in)b.test, a(in)@b.test, (x) <c@d.test> (y)",
                          "Cc: d@e.test (one) (two), \"\" <f@g.test> (Name F)"),
    "quoted names": mail('From: "Joe Q. Public" <john.q.public@example.test>',
                         'To: "Giant; \\"Big\\" Box" <sysservices@example.test>, "a\\\\b" <c@d.test>',
                         'Cc: "quoted local"@x.test, <"a b\\"c"@x.test>, "x.y"@z.test'),
    "dots in phrases": mail("From: Joe Q. Public <john.q.public@example.test>", "To: Dr. A. B <a@b.test>"),
    "literals": mail("From: <a@[192.0.2.1]>", "To: b@[IPv6:2001:db8::1]"),
    "routes": mail("From: a@b.test", "To: <@one.test,@two.test:joe@three.test>, Name <@r.test:x@y.test>"),
    "encoded words": mail("From: =?iso-8859-1?Q?Andr=E9?= Pirard <pirard@x.test>",
                          "To: =?utf-8?b?w6RiYw==?= =?utf-8?q?def?= <a@b.test>",
                          "Subject: =?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
                          " =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="),
    "split character": mail("From: a@b.test", "Subject: =?utf-8?q?a=C3?= =?utf-8?q?=A4b?= tail"),
    "language in encoded word": mail("From: =?us-ascii*en?q?Keith_Moore?= <k@x.test>", "Subject: =?US-ASCII*EN?Q?Keith?="),
    "folded": mail("From: a@b.test", "Subject: one\r\n two\r\n\tthree\r\n   four", "To: x@y.test,\r\n\tz@y.test",
                   "References: <a@b>\r\n <c@d>", "Date: 1 Jan\r\n 2001 01:01:01 +0000", "Message-ID:\r\n <1@x>"),
    "odd capitals": mail("FROM: a@b.test", "sUBJECT: low", "content-type: TEXT/HTML; CHARSET=UTF-8",
                         "CONTENT-TRANSFER-ENCODING: QUOTED-PRINTABLE", "mime-version: 1.0", body="=41=42\r\n"),
    "empty fields": mail("From: a@b.test", "Subject:", "To: b@c.test", "X-Empty:", "X-Blank: "),
    "quotes in subject": mail("From: a@b.test", 'Subject: say "hi" \\ there', "Message-ID: <\"q\"@x>"),
    "long subject": mail("From: a@b.test", "Subject: " + CRLF.join([" " + "word " * 15] * 40).strip()),
    "many recipients": mail("From: a@b.test", "To: " + ",\r\n ".join(f"P{i} <p{i}@x.test>" for i in range(300))),
    # dates
    **{f"date {i}": mail("From: a@b.test", f"Date: {d}") for i, d in enumerate([
        "Fri, 21 Nov 1997 09:55:06 -0600", "21 Nov 97 09:55 GMT", "Thu, 13 Feb 1969 23:32:54 -0330 (Newfoundland Time)",
        "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330"])},
    # single parts
    "text type only": typed("text/plain", "one\r\ntwo\r\n\r\n"),
    "comment in type": typed("text/plain (a comment); (another) charset (x) = (y) us-ascii (done)"),
    "parameters": typed('text/plain; charset="utf-8"; format=flowed; delsp=yes; x="a \\"b\\" c"; name="n;m"', "flowed \r\ntext\r\n"),
    "empty parameter": typed('text/plain; name=""; charset=us-ascii'),
    "2231 continuations": typed("application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n"
                                " title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\""),
    "2231 order": typed("application/x-stuff; name*1=\"b\"; name*0=\"a\"; name*2*=%20c"),
    "2231 charset": mail("From: a@b.test", "Content-Type: application/pdf; name*=iso-8859-1'de'gr%FC%DFe.pdf",
                         "Content-Disposition: attachment; filename*=utf-8''gr%C3%BC%C3%9Fe.pdf; filename=grusse.pdf",
                         "Content-Transfer-Encoding: base64", body="AAECAwQ=\r\n"),
    "2231 percent": typed("application/x; a*0=\"50%\"; a*1*=%41; a*2=\"x'y*z%42\"; b*0=\"100%\"; b*1=more; b*2=\"%41\""),
    "encoded word in parameter": typed('application/pdf; name="=?utf-8?q?gr=C3=BC=C3=9Fe=2Epdf?="'),
    "all fields": mail("From: a@b.test", "Content-Type: image/png; name=a.png", "Content-Transfer-Encoding: base64",
                       "Content-ID: <id@x>", "Content-Description: a\r\n picture", "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",
                       "Content-Disposition: inline; filename=\"a.png\"; size=5; creation-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"",
                       "Content-Language: en, de-AT", "Content-Location: http://x.test/a.png", body="AAECAwQ=\r\n"),
    "one language": typed("text/plain", "x\r\n", "Content-Language: en"),
    "base64 text": typed("text/plain; charset=utf-8", base64.encodebytes("grüße\r\n".encode() * 99).decode()
                         .replace("\n", CRLF), "Content-Transfer-Encoding: base64"),
    "quoted-printable": typed("text/plain; charset=utf-8", quopri.encodestring("grüße und =\r\nlang ".encode() * 9).decode()
                              .replace("\r\n", "\n").replace("\n", CRLF), "Content-Transfer-Encoding: quoted-printable"),
    "binary": typed("application/octet-stream", "".join(map(chr, range(1, 128))) + CRLF, "Content-Transfer-Encoding: binary"),
    "8bit": typed("text/plain; charset=utf-8", "grüße\r\n", "Content-Transfer-Encoding: 8bit"),
    "partial": typed('message/partial; id="ABC@host.com"; number=1; total=2', "X-Header: x\r\n\r\nbody\r\n"),
    "external-body": typed('message/external-body; access-type=URL; URL="ftp://x.test/y"', "Content-type: image/jpeg\r\n\r\n"),
    "delivery-status": typed("message/delivery-status", "Reporting-MTA: dns; x.test\r\n\r\nFinal-Recipient: rfc822;a@b\r\n"),
    "empty body": mail("From: a@b.test", "Subject: empty", body=""),
    "blank body": mail("From: a@b.test", body="\r\n\r\n\r\n"),
    "long lines": mail("From: a@b.test", body="x" * 5000 + CRLF + "y" * 70000 + CRLF),
    "no last line end": mail("From: a@b.test", body="no line end"),
    "dots and dashes": mail("From: a@b.test", body=".\r\n..\r\n--\r\n--b\r\n--b--\r\n"),
    # multiparts
    "mixed": multi("mixed", "b", PLAIN, HTML, preamble="preamble\r\n", epilogue="epilogue\r\n"),
    "alternative": multi("alternative", "b", PLAIN, HTML),
    "related": multi("related", "b", HTML, part("Content-Type: image/gif", "Content-ID: <i@x>",
                     "Content-Transfer-Encoding: base64", body="R0lGODlh"), params="; type=\"text/html\"; start=\"<i@x>\""),
    "signed": multi("signed", "b", PLAIN, part("Content-Type: application/pgp-signature; name=s.asc", body="sig\r\n"),
                    params="; micalg=pgp-sha1; protocol=\"application/pgp-signature\""),
    "report": multi("report", "b", PLAIN, part("Content-Type: message/delivery-status", body="Reporting-MTA: dns; x\r\n"),
                    part("Content-Type: text/rfc822-headers", body=INNER), params="; report-type=delivery-status"),
    "defaults": multi("mixed", "b", part(body="no header"), part("X-Other: x", body="other"), part("Content-Type: text/plain", body="")),
    "digest": multi("digest", "b", part(body=INNER + "\r\nfirst\r\n"), part(body=INNER + "\r\nsecond"),
                    part("Content-Type: text/plain", body="told text")),
    "digest of multiparts": multi("digest", "b", part(body=INNER + "Content-Type: multipart/mixed; boundary=c\r\n\r\n"
                                  "--c\r\n\r\nx\r\n--c\r\n\r\ny\r\n--c--\r\n")),
    "message": multi("mixed", "b", PLAIN, part("Content-Type: message/rfc822", body=INNER + "\r\ninner body\r\n")),
    "message alone": typed("message/rfc822", INNER + "\r\ninner body\r\n"),
    "message of html": typed("message/rfc822", INNER + "Content-Type: text/html; charset=utf-8\r\n\r\n<b>inner</b>\r\n"),
    "message in message": typed("message/rfc822", INNER + "Content-Type: message/rfc822\r\n\r\n" + INNER + "\r\nx\r\n"),
    "message of parts": typed("message/rfc822", INNER + "Content-Type: multipart/mixed; boundary=\"q\"\r\n\r\n"
                              "--q\r\n\r\none\r\n--q\r\nContent-Type: text/html\r\n\r\ntwo\r\n--q--\r\n"),
    "boundary prefixes": multi("mixed", "b", part("Content-Type: multipart/alternative; boundary=\"bb\"",
                               body="--bb\r\n\r\nin\r\n--bb\r\n\r\nin two\r\n--bb--\r\n"), PLAIN),
    "boundary prefixes turned": multi("mixed", "bb", part("Content-Type: multipart/alternative; boundary=\"b\"",
                                      body="--b\r\n\r\nin\r\n--b\r\n\r\nin two\r\n--b--\r\n"), PLAIN),
    "boundary with blanks": multi("mixed", "gc0 y8'()+_,-./:=?x", PLAIN, HTML),
    "boundary of 70": multi("mixed", "x" * 70, PLAIN, HTML),
    "boundary with dashes": multi("mixed", "----=_Part", PLAIN, HTML),
    "boundary that closes another": multi("mixed", "b", part("Content-Type: multipart/mixed; boundary=\"b--\"",
                                          body="--b----\r\n")),
    "blanks behind boundaries": typed("multipart/mixed; boundary=b", "--b \t\r\n\r\none\r\n--b  \r\n\r\ntwo\r\n--b-- \r\n"),
    "blank lines in parts": multi("mixed", "b", part(body="\r\n\r\nx\r\n\r\n"), part(body="\r\n")),
    "preamble only blank": multi("mixed", "b", PLAIN, preamble="\r\n", epilogue="\r\n\r\n"),
    "deep": multi("mixed", "b0", part("Content-Type: multipart/mixed; boundary=b1", body="--b1\r\n" + part(
        "Content-Type: multipart/alternative; boundary=b2", body="--b2\r\n" + PLAIN + "\r\n--b2\r\n" + HTML + "\r\n--b2--\r\n")
        + "\r\n--b1\r\n" + PLAIN + "\r\n--b1--\r\n"), PLAIN),
    "multipart fields": mail("From: a@b.test", "Content-Type: multipart/mixed; boundary=b; x=y", "Content-Language: de",
                             "Content-Disposition: inline; a=b", "Content-Location: x", "Content-ID: <m@x>",
                             body="--b\r\n\r\nx\r\n--b--\r\n"),
    "encoded parts": multi("mixed", "b", part("Content-Type: text/plain; charset=utf-8",
                           "Content-Transfer-Encoding: quoted-printable", body="gr=C3=BC=C3=9Fe=\r\n joined\r\nline"),
                           part("Content-Type: application/octet-stream", "Content-Transfer-Encoding: base64",
                                body="AAECAwQFBgcICQ==\r\n")),
}

BROKEN = {
    "only header": b"From: a@b.test\r\nSubject: x\r\n",
    "only header, no end": b"From: a@b.test\r\nSubject: x",
    "only body": b"\r\nbody\r\n",
    "one line end": b"\r\n",
    "no separator": b"From: a@b.test\r\nthis is no field\r\nSubject: x\r\n\r\nbody\r\n",
    "mbox line": b"From a@b.test Mon Jan  1 00:00:00 2001\r\nFrom: a@b.test\r\nSubject: x\r\n\r\nbody\r\n",
    "bare LF": WELL_FORMED["deep"].replace(b"\r\n", b"\n"),
    "mixed line ends": WELL_FORMED["mixed"].replace(b"\r\n", b"\n", 5),
    "bare CR": b"From: a@b.test\r\nSubject: a\rb\r\n\r\nbody\rmore\r\r\nend\r\n",
    "CR before the separator": b"From: a@b.test\r\nSubject: x\r\n\r\r\nbody\r\n",
    "NULs": b"From: a\0b@c.test\r\nSubject: x\0y\r\nContent-Type: text/plain; name=\"a\0b\"\r\n\r\nbody\0more\r\n",
    "8-bit header": "From: Jörg <j@b.test>\r\nTo: Zoë <ö@ö.test>\r\nSubject: grüße\r\n\r\nbody\r\n".encode("latin-1"),
    "utf-8 header": "From: Jörg <j@b.test>\r\nTo: Zoë <ö@ö.test>\r\nSubject: grüße\r\n"
                    "Content-Type: text/plain; name=\"ö.txt\"\r\n\r\nbody\r\n".encode(),
    "broken encoded words": mail("From: =?utf-8?q?a?b?= <a@b.test>", "Subject: =?utf-8?x?abc?= =?utf-8?q?open =??q?x?= =?utf-8?b?!!?="),
    "second fields": mail("From: a@b.test", "From: b@b.test", "Subject: one", "Subject: two", "To: a@x.test", "To: b@x.test",
                          "Content-Type: text/html", "Content-Type: text/plain", "Date: 1 Jan 2001 01:01:01 +0000", "Date: x",
                          "Message-ID: <1@x>", "Message-ID: <2@x>", "Cc: c@x", "Cc: d@x", "In-Reply-To: <3@x>", "In-Reply-To: <4@x>",
                          "Reply-To: r@x", "Reply-To: s@x", "Sender: q@x", "Sender: w@x", "Bcc: e@x", "Bcc: f@x"),
    "empty addresses": mail("From: <>", "To: , ,a@b.test,,", "Cc:", "Bcc: ;", "Reply-To: ", "Sender: ()"),
    "no domains": mail("From: root", "To: Joe <joe>, bob, <tom>", "Cc: \"only a name\"", "Bcc: only words here"),
    "open addresses": mail("From: Joe <joe@x.test", "To: \"open <a@b.test>, c@d.test", "Cc: (open a@b.test"),
    "odd addresses": mail("From: a@b@c.test", "To: <a@b.test> <c@d.test>", "Cc: a b@c.test", "Bcc: x@y.test z@w.test"),
    "odd addresses 2": mail("From: <a@>", "To: <@b.test>", "Cc: @", "Bcc: a@, b@c.test", "Reply-To: <a b@c.test>"),
    "odd addresses 3": mail("From: a..b@c.test", "To: .a@c.test, a.@c.test", "Cc: a@b..test", "Bcc: <<a@b.test>>"),
    "open group": mail("From: a@b.test", "To: group: a@b.test, c@d.test"),
    "group in group": mail("From: a@b.test", "To: g1: g2: a@b.test;, c@d.test;", "Cc: ; a@b.test"),
    "semicolons": mail("From: a@b.test", "To: a@b.test; c@d.test; e@f.test"),
    "odd dates": mail("From: a@b.test", "Date: whenever"),
    "blank before colon": b"From : a@b.test\r\nSubject\t: x\r\nContent-Type : text/html\r\n\r\nbody\r\n",
    "first line folded": b" folded\r\nFrom: a@b.test\r\nSubject: x\r\n\r\nbody\r\n",
    "blank line in header": b"From: a@b.test\r\n \r\nSubject: x\r\n \r\n\r\nbody\r\n",
    "empty name": b": value\r\nFrom: a@b.test\r\n\r\nbody\r\n",
    # types
    "empty type": typed(""), "no subtype": typed("text"), "no subtype 2": typed("text/"), "no type": typed("/plain"),
    "odd type": typed("text/plain/extra; a=b"), "type of words": typed("text / plain"), "bad type": typed("foo; charset=x"),
    "type with 8-bit": typed("text/plän; a=ö"), "quoted type": typed('"text/plain"'),
    "odd parameters": typed("text/plain; charset; =x; name=a b c; ; x = y ;"),
    "open quote": typed('text/plain; name="open; charset=utf-8'),
    "unquoted specials": typed("application/pdf; name=a(b)[c].pdf; x=<y>; z=a/b"),
    "parameter without semicolon": typed("text/plain charset=utf-8"),
    "twice a parameter": typed("text/plain; charset=utf-8; charset=latin1; CHARSET=x"),
    "2231 broken": typed("application/pdf; name*0*=utf-8''%C3; name*1*=%BC; name*3=lost; x*=nocharset; y*=a'b; z*0*=%zz"),
    "unknown encoding": typed("text/plain", "x\r\n", "Content-Transfer-Encoding: x-uuencode"),
    "odd encoding": typed("text/plain", "x\r\n", "Content-Transfer-Encoding: 7bit; x=y"),
    "quoted encoding": typed("text/plain", "eA==\r\n", "Content-Transfer-Encoding: \"base64\""),
    "wrong encoding": typed("text/plain", "not base64 at all!\r\nmore\r\n", "Content-Transfer-Encoding: base64"),
    "broken quoted-printable": typed("text/plain", "a=zz=4\r\nb= \r\nc=\r\n=", "Content-Transfer-Encoding: quoted-printable"),
    "base64 padding inside": typed("text/plain", "YQ==\r\nYg==\r\n", "Content-Transfer-Encoding: base64"),
    "base64 cut": typed("text/plain", "YWJjZ\r\n", "Content-Transfer-Encoding: base64"),
    "odd disposition": typed("text/plain", "x\r\n", "Content-Disposition: ; filename=x"),
    "no MIME-Version": mail("From: a@b.test", "Content-Type: text/html; charset=utf-8"),
    "encoded multipart": typed("multipart/mixed; boundary=b", "LS1iDQo=\r\n--b\r\n\r\nx\r\n--b--\r\n", "Content-Transfer-Encoding: base64"),
    "encoded message": typed("message/rfc822", base64.encodebytes(INNER.encode() + b"\r\nx\r\n").decode().replace("\n", CRLF),
                             "Content-Transfer-Encoding: base64"),
    # multiparts
    "no boundary": typed("multipart/mixed", "--b\r\n\r\nx\r\n--b--\r\n"),
    "empty boundary": typed('multipart/mixed; boundary=""', "--\r\n\r\nx\r\n----\r\n"),
    "boundary with blank end": typed('multipart/mixed; boundary="b "', "--b\r\n\r\nx\r\n--b--\r\n"),
    "boundary of 200": multi("mixed", "x" * 200, PLAIN, HTML),
    "boundary of 300": multi("mixed", "x" * 300, PLAIN, HTML),
    "no end": typed("multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n"),
    "no inner end": multi("mixed", "b", part("Content-Type: multipart/mixed; boundary=c", body="--c\r\n\r\nx\r\n--c\r\n\r\ny"), PLAIN),
    "never begun": typed("multipart/mixed; boundary=b", "no parts here\r\n"),
    "nothing in it": typed("multipart/mixed; boundary=b", "--b--\r\n"),
    "empty parts": typed("multipart/mixed; boundary=b", "--b\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b--\r\n"),
    "empty multipart": typed("multipart/mixed; boundary=b", ""),
    "multipart without body": b"From: a@b.test\r\nContent-Type: multipart/mixed; boundary=b\r\n",
    "header cut by boundary": multi("mixed", "b", "Content-Type: text/html\r\nX: y", PLAIN),
    "part without blank line": multi("mixed", "b", "no field here\r\nmore", PLAIN),
    "garbage behind boundary": typed("multipart/mixed; boundary=b", "--bx\r\n\r\none\r\n--b junk\r\n\r\ntwo\r\n--b--junk\r\nthree\r\n--b--\r\n"),
    "boundary in the middle": typed("multipart/mixed; boundary=b", "--b\r\n\r\nx--b\r\n --b\r\n--b--\r\n"),
    "same boundary twice": multi("mixed", "b", part("Content-Type: multipart/mixed; boundary=b", body="--b\r\n\r\nx\r\n--b--\r\n"), PLAIN),
    "parts behind the end": multi("mixed", "b", PLAIN, epilogue="--b\r\n\r\nlate\r\n--b--\r\n"),
    "empty message": typed("message/rfc822", ""),
    "message without body": multi("mixed", "b", part("Content-Type: message/rfc822", body="Subject: x\r\n")),
    "message cut": multi("mixed", "b", "Content-Type: message/rfc822", PLAIN),
    "message of only body": typed("message/rfc822", "\r\nx\r\n"),
    "global": typed("message/global", "Subject: grüße\r\nFrom: ö@ö.test\r\n\r\nbody\r\n"),
    "unquoted boundary": typed("multipart/mixed; boundary=a=_b:c/d", "--a=_b:c/d\r\n\r\nx\r\n--a=_b:c/d--\r\n"),
    "boundary then more": typed("multipart/mixed; boundary=b c", "--b\r\n\r\nx\r\n--b--\r\n"),
    "boundary in comment": typed('multipart/mixed (boundary=a); boundary="b" (c)', "--b\r\n\r\nx\r\n--b--\r\n"),
    "multipart of no subtype": typed("multipart; boundary=b", "--b\r\n\r\nx\r\n--b--\r\n"),
    "odd languages": typed("text/plain", "x\r\n", "Content-Language: , en (English),,de;q=1"),
    "odd ids": typed("text/plain", "x\r\n", "Content-ID: no brackets", "Content-Description: ", "Content-MD5:", "Content-Location: a\r\n  b"),
    "charset unknown": typed("text/plain; charset=x-nobody-knows", "x\r\n"),
}


class _Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.boundaries = 0

    def word(self):
        return "".join(self.r.choice("abcdefghij") for _ in range(self.r.randrange(1, 9)))

    def text(self, lines=9):
        return CRLF.join(" ".join(self.word() for _ in range(self.r.randrange(12)))
                         for _ in range(self.r.randrange(lines)))

    def comment(self):
        return self.r.choice(["", "", "", "", f" ({self.word()})", f" ({self.word()} (in) \\) {self.word()})"])

    def fold(self):
        return self.r.choice([" ", " ", " ", "\r\n ", "\r\n\t", "  "])

    def encoded(self):
        text = self.r.choice(["grüße", "日本語", "plain", "ä", "?=_ "])
        charset = self.r.choice(["utf-8", "UTF-8", "utf-8*de"])
        if self.r.random() < 0.5:
            return f"=?{charset}?{self.r.choice('bB')}?{base64.b64encode(text.encode()).decode()}?="
        q = "".join("_" if c == 32 else chr(c) if chr(c).isalnum() and c < 128 else f"={c:02X}" for c in text.encode())
        return f"=?{charset}?{self.r.choice('qQ')}?{q}?="

    def phrase(self):
        return self.r.choice([self.word, lambda: f"{self.word()} {self.word()}", self.encoded,
                              lambda: f'"{self.word()}, \\"{self.word()}\\" \\\\"', lambda: f'"{self.word()}.{self.word()}"',
                              lambda: f"{self.encoded()}{self.fold()}{self.encoded()}"])()

    def spec(self):
        local = self.r.choice([self.word(), f"{self.word()}.{self.word()}", f'"{self.word()} {self.word()}"'])
        domain = self.r.choice([f"{self.word()}.test", "[192.0.2.1]", f"{self.word()}.{self.word()}.test"])
        return f"{local}@{domain}"

    def mailbox(self):
        return self.r.choice([lambda: self.spec() + self.comment(), lambda: f"<{self.spec()}>",
                              lambda: f"{self.phrase()} <{self.spec()}>", lambda: f"{self.phrase()}{self.fold()}<{self.spec()}>",
                              lambda: f"{self.phrase()} <@{self.word()}.test:{self.spec()}>"])()

    def addresses(self):
        one = []
        for _ in range(self.r.randrange(1, 5)):
            if self.r.random() < 0.15:
                inside = ", ".join(self.mailbox() for _ in range(self.r.randrange(3)))
                one.append(f"{self.word()}: {inside};" if inside else f"{self.word()}:;")
            else:
                one.append(self.mailbox())
        return f",{self.fold()}".join(one)

    def header(self):
        lines = [f"From: {self.mailbox()}", f"Subject: {self.fold()}{self.phrase()}{self.fold()}{self.word()}",
                 f"Date: {self.r.randrange(1, 29)} Mar {self.r.randrange(1990, 2024)} 01:02:03 +0100",
                 f"Message-ID: <{self.word()}@{self.word()}.test>"]
        for name in ("To", "Cc", "Bcc", "Reply-To"):
            if self.r.random() < 0.6:
                lines.append(f"{name}: {self.addresses()}")
        if self.r.random() < 0.3:
            lines.append(f"Sender: {self.mailbox()}")
        if self.r.random() < 0.3:
            lines.append(f"In-Reply-To: <{self.word()}@{self.word()}>")
        if self.r.random() < 0.3:
            lines.append(f"X-{self.word()}: {self.text(3).replace(CRLF, CRLF + ' x')}")
        self.r.shuffle(lines)
        return lines

    def params(self, most=3):
        out, some = "", self.r.randrange(2)
        for _ in range(self.r.randrange(most + 1)):
            name = self.word() + str(self.r.randrange(99))
            out += ";" + self.fold() + self.r.choice([
                f"{name}={self.word()}", f'{name}="{self.word()} {self.word()}"', f'{name}="\\"{self.word()}"',
                f"{name}*=utf-8''%C3%A4{self.word()}" if some else
                f"{name}*0*=utf-8''%C3%A4;{self.fold()}{name}*1={self.word()}"])
        return out

    def fields(self):
        lines = []
        if self.r.random() < 0.3:
            lines.append(f"Content-ID: <{self.word()}@x>")
        if self.r.random() < 0.3:
            lines.append(f"Content-Description: {self.word()}{self.fold()}{self.word()}")
        if self.r.random() < 0.4:
            lines.append(f"Content-Disposition: {self.r.choice(['inline', 'attachment', 'ATTACHMENT'])}{self.params()}")
        if self.r.random() < 0.2:
            lines.append(f"Content-Language: {self.r.choice(['en', 'de-AT', 'en, fr', 'en,de-CH,fr'])}")
        if self.r.random() < 0.2:
            lines.append(f"Content-Location: http://{self.word()}.test/{self.word()}")
        if self.r.random() < 0.1:
            lines.append("Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==")
        return lines

    def leaf(self):
        kind = self.r.choice(["text/plain", "text/html", "TEXT/Plain", "image/png", "application/pdf", "audio/x-y", "text/calendar",
                              "message/delivery-status", None])
        raw = self.text().encode()
        encoding = self.r.choice([None, "7bit", "8bit", "base64", "BASE64", "quoted-printable", "binary"])
        if encoding in ("base64", "BASE64"):
            body = base64.encodebytes(raw + "ü".encode()).decode().replace("\n", CRLF)
        elif encoding == "quoted-printable":
            body = quopri.encodestring(raw.replace(b"\r\n", b"\n") + "ü".encode()).decode().replace("\n", CRLF)
        else:
            body = raw.decode()
        lines = self.fields()
        if kind:
            charset = self.r.choice(["", "; charset=utf-8", '; charset="us-ascii"', "; format=flowed"]) if "text" in kind.lower() else ""
            lines.append(f"Content-Type: {kind}{self.comment()}{charset}{self.params()}")
        if encoding:
            lines.append(f"Content-Transfer-Encoding: {encoding}{self.comment()}")
        self.r.shuffle(lines)
        return lines, body

    def entity(self, depth):
        """Header lines and body of anything."""
        x = self.r.random()
        if depth == 0 or x < 0.4:
            return self.leaf()
        if x < 0.6:
            lines, body = self.message(depth - 1)
            return self.fields() + [self.r.choice(["Content-Type: message/rfc822", "Content-Type: Message/RFC822"])
                                    + self.params(1)], CRLF.join([*lines, "", body])
        self.boundaries += 1
        boundary = self.r.choice([f"b{self.boundaries}", f"=_x {self.boundaries}", f"--{self.boundaries}'()", "b" * self.boundaries])
        kind = self.r.choice(["mixed", "alternative", "related", "signed", "digest", "x-unknown", "MIXED"])
        body = self.r.choice(["", "", f"{self.text(3)}{CRLF}"])
        for _ in range(self.r.randrange(1, 5)):
            if kind == "digest":
                lines, text = [], CRLF.join(["\r\n".join((m := self.message(depth - 1))[0]), "", m[1]])
            else:
                lines, text = self.entity(depth - 1)
            body += f"--{boundary}" + self.r.choice(["", "", "", " "]) + CRLF + CRLF.join([*lines, "", text]) + CRLF
        body += f"--{boundary}--{CRLF}" + self.r.choice(["", "", self.text(3)])
        return self.fields() + [f"Content-Type: multipart/{kind};{self.fold()}boundary=\"{boundary}\"{self.params(2)}"], body

    def message(self, depth):
        lines, body = self.entity(depth)
        return self.header() + ["MIME-Version: 1.0"] + lines, body


def random_mail(seed):
    lines, body = _Maker(seed).message(4)
    return CRLF.join([*lines, "", body]).encode()


def damaged_mail(seed):
    """One with a few bytes or lines gone, doubled or changed."""
    r, message = random.Random(seed), random_mail(seed)
    for _ in range(r.randrange(1, 5)):
        lines = message.split(b"\r\n")
        i, at = r.randrange(len(lines)), r.randrange(len(message))
        what = r.randrange(5)
        if what == 0:
            del lines[i]
            message = b"\r\n".join(lines)
        elif what == 1:
            lines.insert(i, lines[r.randrange(len(lines))])
            message = b"\r\n".join(lines)
        elif what == 2:
            message = message[:at] + message[at + 1:]
        elif what == 3:
            message = message[:at] + r.choice([b'"', b"(", b")", b"\\", b"\xff", b"\n", b"\r", b";", b"=", b"<", b"-", b" "]) + message[at:]
        else:
            message = message[:at]
        message = message or b"x"
    return message
