"""Accounts, aliases and logins, through the whole stack."""

import smtplib
import time

import pytest
from stack import wait_for

ALIASES = (
    "team@example.test demo@example.test,second@example.test\n"
    "one@example.test two@example.test\n"
    "two@example.test one@example.test\n"
    "@catch.test second@example.test\n")


@pytest.fixture
def aliased(make_stack):
    s = make_stack(files={"postfix-virtual.cf": ALIASES})
    s.add_account("second@example.test", "secret2")
    wait_for(lambda: rcpt(s, "second@example.test")[0] == 250, what="new account")
    return s


def rcpt(stack, address):
    with stack.smtp() as c:
        c.ehlo()
        c.mail("a@other.test")
        return c.rcpt(address)


@pytest.mark.parametrize("address,code,text", [
    ("demo@example.test", 250, ""),
    ("DEMO+detail@Example.Test", 250, ""),
    ("team@example.test", 250, ""),
    ("anything@catch.test", 250, ""),
    ("postmaster@catch.test", 250, ""),
    ("postmaster", 250, ""),
    ("postmaster@example.test", 250, ""),
    ("nobody@example.test", 550, "5.1.1"),
    ("one@example.test", 550, "5.4.6"),
    ("demo%other.test@example.test", 550, "5.1.1"),
])
def test_recipients(aliased, address, code, text):
    reply = rcpt(aliased, address)
    assert reply[0] == code and text in reply[1].decode()


def test_relaying_is_refused(aliased):
    assert rcpt(aliased, "demo@other.test")[0] in (550, 554)
    assert rcpt(aliased, "demo%example.test@other.test")[0] in (550, 554)


def test_alias_reaches_all_its_targets(aliased):
    with aliased.smtp() as c:
        c.sendmail("a@other.test", ["team@example.test", "demo@example.test"],
                   "From: a@other.test\r\nSubject: to all\r\n\r\nx\r\n")
    for address in ("demo@example.test", "second@example.test"):
        assert wait_for(lambda: len(aliased.delivered(address)) == 1, what=address)


def test_wrong_password_is_slow_and_logged(stack):
    user, password = stack.demo
    before = time.monotonic()
    with pytest.raises(smtplib.SMTPAuthenticationError):
        stack.smtp_submit(user, "wrong")
    assert time.monotonic() - before >= 1.9
    stack.wait_log("event=login-failed")
    line = [x for x in stack.log().splitlines() if "event=login-failed" in x][0]
    assert f"user={user}" in line and "service=smtp" in line and "wrong password" in line
    assert "wrong " + "wrong" not in line
    with pytest.raises(smtplib.SMTPAuthenticationError):
        stack.smtp_submit("nobody@example.test", password)
    before = time.monotonic()
    with stack.smtp_submit(user.upper(), password):
        assert time.monotonic() - before < 1.5


def test_changed_password_counts_at_once(stack):
    stack.add_account("third@example.test", "first-password")
    wait_for(lambda: rcpt(stack, "third@example.test")[0] == 250, what="account")
    for _ in range(2):
        stack.smtp_submit("third@example.test", "first-password").quit()
    stack.setup("email", "update", "third@example.test", "second-password")
    stack.wait_log("event=directory")

    def new_one_works():
        try:
            stack.smtp_submit("third@example.test", "second-password").quit()
            return True
        except smtplib.SMTPAuthenticationError:
            return False
    assert wait_for(new_one_works, timeout=30, what="new password")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        stack.smtp_submit("third@example.test", "first-password")


def test_bad_account_file_leaves_the_old_accounts(stack):
    path = stack.config("postfix-accounts.cf")
    path.write_text(path.read_text() + "this is no account\n")
    stack.wait_log("postfix-accounts.cf:")
    assert rcpt(stack, "demo@example.test")[0] == 250


def test_spoof_protection(make_stack):
    s = make_stack(env={"SPOOF_PROTECTION": "1"}, files={"postfix-virtual.cf": ALIASES})
    with s.smtp_submit() as c:
        for sender, fine in (("demo@example.test", True), ("team@example.test", True), ("", True),
                             ("demo+x@example.test", False), ("x@example.test", False),
                             ("x@other.test", False)):
            c.rset()
            code = c.mail(sender)[0]
            if code == 250:
                code = c.rcpt("demo@example.test")[0]
            assert code == (250 if fine else 553), sender
