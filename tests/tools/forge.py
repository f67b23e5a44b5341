"""Makes signatures of DKIM and ARC that no honest signer makes: any tags, any
white space, but really signed, so that only the quirk decides.

    dkim(message, key, "v=1; a=rsa-sha256; ... bh={bh}; b={b}")
    arc(message, key, 1, seal="...{b}", ams="...{bh}...{b}", aar="i=1; x.test; none")

A template is the value of the field, {bh} and {b} are filled in. What the
hashes cover is said beside it (h=, c=, l=), since the tags may say nonsense.
"""
import base64
import functools
import hashlib
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

DKIM = ("v=1; a={a}; c=relaxed/relaxed; d=far.test; s={s}; h=from:to:subject; bh={bh}; b={b}")
AMS = ("i={i}; a={a}; c=relaxed/relaxed; d=near.test; s={s}; h=from:to:subject; bh={bh}; b={b}")
SEAL = "i={i}; a={a}; cv={cv}; d=near.test; s={s}; b={b}"
AAR = "i={i}; near.test; spf=pass smtp.mailfrom=far.test"


def split(message):
    """The fields, each as it is without its last CRLF, and the body."""
    header, _, body = message.partition(b"\r\n\r\n")
    if message.startswith(b"\r\n"):
        header, body = b"", message[2:]
    return re.split(rb"\r\n(?![ \t])", header.removesuffix(b"\r\n")) if header else [], body


def canon_field(field, relaxed):
    """RFC 6376 3.4.1 and 3.4.2, without the CRLF."""
    if not relaxed:
        return field
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", re.sub(rb"\r\n(?=[ \t])", b"", value)).strip(b" ")
    return name.strip(b" \t").lower() + b":" + value


def canon_body(body, relaxed):
    """RFC 6376 3.4.3 and 3.4.4"""
    if relaxed:
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
        body = b"\r\n".join(lines)
    end = len(body)
    while body[max(end - 2, 0):end] == b"\r\n":
        end -= 2
    body = body[:end]
    return body + b"\r\n" if body or not relaxed else b""


def select(fields, names):
    """RFC 6376 5.4.2: each name takes the last one not yet taken."""
    left, out = list(fields), []
    for name in names:
        for i in range(len(left) - 1, -1, -1):
            if left[i].partition(b":")[0].strip(b" \t").lower() == name.strip().lower().encode():
                out.append(left.pop(i))
                break
    return out


@functools.cache
def private_key(pem):
    return serialization.load_pem_private_key(pem, None)


def signature(key, data):
    if key.kind == "ed25519":
        made = private_key(key.pem).sign(hashlib.sha256(data).digest())
    else:
        made = private_key(key.pem).sign(data, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(made).decode()


def fill(template, **words):
    for name, word in words.items():
        template = template.replace("{" + name + "}", str(word))
    return template


def field(name, template, covered, key, relaxed):
    """The field with its b=, which covers the canonical fields and itself."""
    bare = f"{name}: {fill(template, b='')}".encode()
    data = b"".join(canon_field(f, relaxed) + b"\r\n" for f in covered) + canon_field(bare, relaxed)
    return f"{name}: {fill(template, b=signature(key, data))}\r\n".encode()


def message_signature(name, message, key, template, h, canon, length, **words):
    fields, body = split(message)
    relaxed_header, relaxed_body = (w == "relaxed" for w in canon.split("/"))
    bh = hashlib.sha256(canon_body(body, relaxed_body)[:length]).digest()
    template = fill(template, a=key.algorithm, s=key.selector,
                    bh=base64.b64encode(bh).decode(), **words)
    return field(name, template, select(fields, h.split(":")), key, relaxed_header)


def dkim(message, key, template=DKIM, h="from:to:subject", canon="relaxed/relaxed", length=None):
    return message_signature("DKIM-Signature", message, key, template, h, canon, length)


def instance_of(line):
    found = re.search(rb"(?i)[:;\s]i\s*=\s*(\d+)", line)
    return int(found.group(1)) if found else 0


def arc(message, key, i, seal=SEAL, ams=AMS, aar=AAR, cv=None, h="from:to:subject",
        canon="relaxed/relaxed", length=None, below=None):
    """The three fields of set i, newest on top; below: sets that the seal
    covers, those of the message unless said."""
    words = {"i": i, "cv": cv or ("pass" if i > 1 else "none")}
    results = f"ARC-Authentication-Results: {fill(aar, **words)}\r\n".encode()
    made = message_signature("ARC-Message-Signature", results + message, key, ams, h, canon, length,
                             **words)
    if below is None:
        order = ("arc-authentication-results", "arc-message-signature", "arc-seal")
        below = [f for f in split(message)[0] if f.lower().startswith(b"arc-")]
        below.sort(key=lambda f: (instance_of(f), order.index(
            f.partition(b":")[0].strip().lower().decode())))
    seal = fill(seal, a=key.algorithm, s=key.selector, **words)
    covered = below + [results.removesuffix(b"\r\n"), made.removesuffix(b"\r\n")]
    return field("ARC-Seal", seal, covered, key, True) + made + results
