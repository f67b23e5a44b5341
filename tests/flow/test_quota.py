"""Quotas: limits from the config folder, at RCPT, at delivery, in IMAP."""

import imaplib
import re
import smtplib
import sqlite3

import pytest
from stack import wait_for

USER = "full@example.test"
STRANGER = "a@client.example.org"


def letter(size, subject="big"):
    head = f"From: a\r\nSubject: {subject}\r\n\r\n".encode()
    return head + (b"y" * 98 + b"\r\n") * max(1, (size - len(head)) // 100)


@pytest.fixture
def box(stack):
    stack.add_account(USER, "pw")
    stack.config("dovecot-quotas.cf").write_text(f"{USER}:100k\n")
    wait_for(lambda: quota(stack) == (0, 100), what="quota")
    return stack


def quota(stack):
    """(used, limit) in KiB, or () without a limit."""
    try:
        with stack.imap(USER, "pw") as c:
            root = c.getquotaroot("INBOX")[1]
    except imaplib.IMAP4.error:
        return None
    assert root[0] == [b'INBOX "User quota"'], root
    m = re.fullmatch(rb'"User quota" \((?:STORAGE (\d+) (\d+))?\)', root[1][0])
    return tuple(int(n) for n in m.groups() if n is not None)


def send(stack, size, rcpt=USER, login=False):
    with stack.smtp_submit() if login else stack.smtp() as c:
        c.sendmail(stack.demo[0] if login else STRANGER, [rcpt], letter(size))


def subjects(stack):
    return [re.search(r"^Subject: (.*)", p.read_text(), re.M).group(1) for p in stack.delivered(USER)]


def warnings(stack):
    texts = [p.read_text() for p in stack.delivered(USER)]
    return sorted(re.search(r"is now (\S+) full", t).group(1) for t in texts if "Subject: quota warning" in t)


def test_mail_is_refused_when_the_mailbox_is_full(box):
    send(box, 70000)
    assert warnings(box) == []
    send(box, 15000)
    assert warnings(box) == ["80%"]
    with pytest.raises(smtplib.SMTPDataError) as e:
        send(box, 40000)  # more than the grace of 10 %
    assert (e.value.smtp_code, e.value.smtp_error) == (
        552, b"5.2.2 Quota exceeded (mailbox for user is full)")
    send(box, 22000)  # within the grace
    assert warnings(box) == ["80%", "95%"]
    warning = next(p for p in box.delivered(USER) if "95%" in p.read_text()).read_text()
    assert warning == ("From: postmaster@example.test\nSubject: quota warning\n\n"
                       "Your mailbox is now 95% full.\n")

    # Now it is known to be full: refused at RCPT for strangers only.
    with pytest.raises(smtplib.SMTPRecipientsRefused) as e:
        send(box, 100)
    assert e.value.recipients[USER] == (
        552, f"5.2.2 <{USER}>: Recipient address rejected: Mailbox is full".encode())
    with pytest.raises(smtplib.SMTPDataError) as e:
        send(box, 100, login=True)
    assert e.value.smtp_code == 552
    # An alias with another target still gets it there.
    box.setup("alias", "add", "both@example.test", f"{USER},{box.demo[0]}")
    wait_for(lambda: accepts(box, "both@example.test"), what="alias")

    # Expunging makes room at once and tells so.
    with box.imap(USER, "pw") as c:
        c.select("INBOX")
        c.store("1", "+FLAGS", "\\Deleted")
        c.expunge()
    wait_for(lambda: accepts(box, USER), what="room")
    assert "below%" in warnings(box)
    send(box, 100)
    assert "big" in subjects(box)


def accepts(stack, rcpt):
    with stack.smtp() as c:
        c.ehlo()
        c.mail(STRANGER)
        return c.rcpt(rcpt)[0] == 250


def test_a_larger_quota_counts_within_a_second(box):
    send(box, 105000)
    assert not accepts(box, USER)
    box.setup("quota", "set", USER, "10M")
    wait_for(lambda: accepts(box, USER), 3, "larger quota")
    send(box, 1000)
    box.setup("quota", "set", USER, "1k")
    wait_for(lambda: not accepts(box, USER), 3, "smaller quota")
    box.setup("quota", "del", USER)
    wait_for(lambda: accepts(box, USER), 3, "no quota")
    assert quota(box) == ()
    # A mistake in the file leaves the old limits.
    box.setup("quota", "set", USER, "1k")
    wait_for(lambda: not accepts(box, USER), 3, "smaller quota")
    with open(box.config("dovecot-quotas.cf"), "a") as f:
        f.write("nonsense\n")
    box.wait_log("dovecot-quotas.cf:2: 'nonsense' is not user@domain:SIZE")
    assert not accepts(box, USER)


def test_imap_refuses_what_does_not_fit(box):
    with box.imap(USER, "pw") as c:
        assert "QUOTA" in c.capabilities or b"QUOTA" in c.capability()[1][0].split()
        assert c.append("INBOX", None, None, letter(60000))[0] == "OK"
        r, text = c.append("Sent", None, None, letter(60000))
        assert (r, text[0]) == ("NO", b"[OVERQUOTA] Quota exceeded (mailbox for user is full)")
        c.select("INBOX")
        r, text = c.copy("1", "Sent")
        assert (r, text[0]) == ("NO", b"[OVERQUOTA] Quota exceeded (mailbox for user is full)")
        assert c.copy("1", "Trash")[0] == "OK"  # 50 MiB more
        assert c.uid("MOVE", "1", "Sent")[0] == "OK"
        used = c.getquota('"User quota"')[1][0]
        assert used.startswith(b'"User quota" (STORAGE 118 100)'), used
        assert c.setquota('"User quota"', "(STORAGE 10)")[0] == "NO"
        r, text = c.getquota("other")
        assert r == "NO"
        # The limit of an open session follows the file.
        box.setup("quota", "set", USER, "1M")
        wait_for(lambda: b" 1024)" in c.getquota('"User quota"')[1][0], what="new limit")
        assert c.append("INBOX", None, None, letter(60000))[0] == "OK"
        r, status = c.status("INBOX", "(DELETED DELETED-STORAGE)")
        assert status == [b"INBOX (DELETED 0 DELETED-STORAGE 0)"]


def test_default_and_messages(make_stack):
    s = make_stack(env={"POSTFIX_MAILBOX_SIZE_LIMIT": "4096000", "PILLARBOX_QUOTA_MESSAGES": "2"})
    s.add_account(USER, "pw")
    wait_for(lambda: accepts(s, USER), what="account")
    send(s, 100)
    send(s, 100)
    with pytest.raises(smtplib.SMTPException):
        send(s, 100)
    with s.imap(USER, "pw") as c:
        assert c.getquota('"User quota"')[1][0] == b'"User quota" (STORAGE 1 4096 MESSAGE 2 2)'
    assert "( 1.0K / 4.0M ) [0%]" in s.setup("email", "list").stdout


def test_quotas_can_be_off(make_stack):
    s = make_stack(env={"ENABLE_QUOTAS": "0"}, files={"dovecot-quotas.cf": f"{USER}:1k\n"})
    s.add_account(USER, "pw")
    wait_for(lambda: accepts(s, USER), what="account")
    send(s, 5000)
    send(s, 5000)
    with s.imap(USER, "pw") as c:
        assert b"QUOTA" not in c.capability()[1][0]
        with pytest.raises(imaplib.IMAP4.error):
            c.getquota('"User quota"')
    assert f"* {USER}\n\n" in s.setup("email", "list").stdout


def test_usage_is_listed_from_the_index(box):
    send(box, 12000)
    out = box.setup("email", "list").stdout
    db = sqlite3.connect(box.maildir(USER) / "pillarbox.db")
    total = db.execute("SELECT sum(bytes) FROM mailbox").fetchone()[0]
    db.close()
    assert total == sum(len(p.read_bytes().replace(b"\n", b"\r\n")) for p in box.delivered(USER))
    held = (total + 1023) // 1024
    assert f"* {USER} ( {held}K / 100K ) [{held}%]\n\n" in out


def test_usage_survives_kill_of_deliver(box):
    for _ in range(3):
        send(box, 10000)
        box.kill("deliver")
        wait_for(lambda: box.pid_of("deliver") > 0 and accepts(box, USER), 20, "deliver")
    total = sum(len(p.read_bytes().replace(b"\n", b"\r\n")) for p in box.delivered(USER))
    assert quota(box) == ((total + 1023) // 1024, 100)
