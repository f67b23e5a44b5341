"""Mailboxes that users share: with real accounts, and from a real Dovecot and back."""

import imaplib
import os
import re
import time
from pathlib import Path

import pytest
from dovecot import Dovecot, names, quoted
from stack import Stack, wait_for

ALICE, BOB, EVE, NEWS = "alice@example.test", "bob@example.test", "eve@example.test", "news@example.test"
THEIRS = f"Other Users/{ALICE}/"
LETTER = b"From: a@b.test\r\nSubject: shared\r\n\r\nhello\r\n"
ALL = "lrwstipekxacd"

DOVECOT = """
protocol imap {{
  mail_plugins = acl imap_acl
}}
plugin {{
  acl = vfile
  acl_anyone = allow
  acl_shared_dict = file:{mail}/shared-mailboxes.db
}}
namespace {{
  type = shared
  separator = .
  prefix = shared.%%n.
  location = maildir:{mail}/example.test/%%n
  subscriptions = no
  list = children
}}
"""


def mine(c, mailbox):
    typ, data = c.myrights(quoted(mailbox))
    return re.search(rb' (\S+)$', data[0])[1].decode() if typ == "OK" else typ


def listed(c):
    return {n for n in names(c.list()[1]) if "/" in n}


@pytest.fixture
def two(make_stack):
    stack = make_stack(env={"PILLARBOX_IMAP_SHARED_ACCOUNT": NEWS})
    for user in (ALICE, BOB, EVE, NEWS):
        stack.add_account(user, "secret")
    wait_for(lambda: can_log_in(stack, NEWS), what="accounts")
    return stack


def can_log_in(stack, user):
    try:
        stack.imap(user, "secret").logout()
        return True
    except imaplib.IMAP4.error:
        return False


def test_a_mailbox_is_shared_by_its_owner(two):
    with two.imap(ALICE, "secret") as a, two.imap(BOB, "secret") as b, two.imap(EVE, "secret") as e:
        assert a.create("Team")[0] == "OK"
        a.append("Team", "(\\Flagged)", None, LETTER)
        assert not listed(b)
        assert a.setacl("Team", BOB, "lrsi")[0] == "OK"
        assert a.getacl("Team")[1] == [f"Team {BOB} lrsi {ALICE} {ALL}".encode()]
        assert mine(a, "Team") == ALL and mine(b, THEIRS + "Team") == "lrsi" and mine(e, THEIRS + "Team") == "NO"
        assert THEIRS + "Team" in listed(b) and not listed(e)
        assert b.select(quoted(THEIRS + "Team"))[1] == [b"1"]
        assert b.fetch("1", "(BODY[])")[1][0][1] == LETTER
        b.append("INBOX", "", None, LETTER)
        b.select("INBOX")
        assert b.copy("1", quoted(THEIRS + "Team"))[0] == "OK"
        assert a.select("Team")[1] == [b"2"]
        assert a.deleteacl("Team", BOB)[0] == "OK"
        assert b.select(quoted(THEIRS + "Team"))[0] == "NO"
    assert not (two.maildir(ALICE) / ".Team" / "dovecot-acl").read_text()


def test_public_mailboxes_survive_a_restart(two):
    with two.imap(NEWS, "secret") as n:
        n.create("Local")
        n.setacl("Local", "anyone", "lr")
    for _ in range(2):
        with two.imap(EVE, "secret") as e:
            assert b'(("Shared/" "/"))' in e.namespace()[1][0]
            assert listed(e) == {"Shared/Local"}
            assert mine(e, "Shared/Local") == "lr"
            assert e.select("Shared/Local", readonly=True)[0] == "OK"
        two.stop()
        (two.dir / "mail" / "pillarbox-shares").unlink(missing_ok=True)
        two.start()


def test_the_quota_is_the_owners(two):
    two.config("dovecot-quotas.cf").write_text(f"{ALICE}:10k\n")
    with two.imap(ALICE, "secret") as a, two.imap(BOB, "secret") as b:
        wait_for(lambda: b"STORAGE" in a.getquotaroot("INBOX")[1][1][0], what="quota")
        a.create("Team")
        a.setacl("Team", BOB, "lri")
        team = quoted(THEIRS + "Team")
        assert b.append(team, "", None, LETTER + b"x" * 6000)[0] == "OK"
        assert b.append(team, "", None, LETTER + b"x" * 6000)[0] == "NO"
        b.append("INBOX", "", None, LETTER + b"x" * 6000)
        b.select("INBOX")
        typ, data = b.copy("1", team)
        assert typ == "NO" and b"OVERQUOTA" in data[0]
        root, quota = b.getquotaroot(team)[1]
        assert f"User quota of {ALICE}".encode() in root[0] and b"STORAGE 6 10" in quota[0]


def test_an_account_that_was_removed_shares_nothing(two):
    with two.imap(ALICE, "secret") as a, two.imap(BOB, "secret") as b:
        a.create("Team")
        a.setacl("Team", BOB, "lr")
        team = quoted(THEIRS + "Team")
        assert b.status(team, "(MESSAGES)")[0] == "OK"
        two.setup("email", "del", ALICE)
        wait_for(lambda: b.status(team, "(MESSAGES)")[0] == "NO", what="the account to be gone")
        assert not listed(b)
    assert (two.maildir(ALICE) / ".Team").is_dir()


def test_rights_of_dovecot_are_taken_over_and_given_back(tmp_path):
    stack = Stack(tmp_path)
    mail = stack.dir / "mail"

    def dovecot(name):
        return Dovecot(tmp_path / name, mail, plugins="acl", more=DOVECOT.format(mail=mail))
    with dovecot("before") as d, d.imap(ALICE) as a:
        a.append("INBOX", "", None, LETTER)
        for name in ("Team", "Team.Sub", "Open"):
            assert a.create(name)[0] == "OK"
            a.append(name, "", None, LETTER)
        a.setacl("Team", BOB, "lrws")
        a.setacl("Team.Sub", BOB, "lr")
        a.setacl("Team.Sub", "-" + BOB, "r")
        a.setacl("Open", "anyone", "lrip")
        a.setacl("Open", EVE, "lr")
        a.setacl("Open", EVE, '""')
        a.setacl("Open", ALICE, "lrwstip")
        before = {name: rights_of(a, name) for name in ("Team", "Team.Sub", "Open")}
    with stack:
        for user in (ALICE, BOB, EVE):
            stack.add_account(user, "secret")
        wait_for(lambda: can_log_in(stack, EVE), what="accounts")
        with stack.imap(ALICE, "secret") as a, stack.imap(BOB, "secret") as b, stack.imap(EVE, "secret") as e:
            assert {name: rights_of(a, name) for name in before} == before
            assert mine(a, "Open") == "lrwstipad"
            assert listed(b) == {f"Other Users/{ALICE}", THEIRS + "Team", THEIRS + "Team/Sub", THEIRS + "Open"}
            assert [mine(b, THEIRS + n) for n in ("Team", "Team/Sub", "Open")] == ["lrws", "l", "lrip"]
            assert not listed(e)
            a.setacl("Team", EVE, "lrk")
            a.deleteacl("Open", EVE)
            after = {name: rights_of(a, name) for name in before}
            assert after["Team"] == before["Team"] | {EVE: set("lrkc")}
    with dovecot("after") as d, d.imap(ALICE) as a:
        assert {name: rights_of(a, name) for name in before} == after


def rights_of(c, mailbox):
    """{identifier: letters} of GETACL."""
    words = c.getacl(mailbox)[1][0].decode().split()[1:]
    return {who: set(what.strip('"')) for who, what in zip(words[::2], words[1::2])}


def test_setup_shares_a_mailbox(two):
    def acl(*words, check=True):
        return two.setup("mailbox", "acl", *words, check=check)
    with two.imap(ALICE, "secret") as a, two.imap(BOB, "secret") as b:
        a.create("Entw&APw-rfe")
        acl("set", ALICE, "Entwürfe", BOB.upper(), "lrs")
        acl("set", ALICE, "Entwürfe", BOB, "+i")
        acl("set", ALICE, "Entwürfe", BOB, "-s")
        acl("set", ALICE, "Entwürfe", "-" + EVE, "l")
        acl("set", ALICE, "INBOX", "anyone", "l")
        assert mine(b, THEIRS + "Entw&APw-rfe") == "lri"
        assert THEIRS + "INBOX" in listed(b)
        assert acl("list", ALICE).stdout == \
            f"* INBOX\n    anyone l\n* Entwürfe\n    {BOB} lri\n    -{EVE} l\n"
        acl("del", ALICE, "Entwürfe", BOB)
        assert acl("list", ALICE, "Entwürfe").stdout == f"* Entwürfe\n    -{EVE} l\n"
        assert mine(b, THEIRS + "Entw&APw-rfe") == "NO"
    for words, why in ((("set", ALICE, "INBOX", BOB, "lrq"), "no rights"), (("set", ALICE, "INBOX", "fred", "l"), "no address"),
                       (("set", ALICE, "Nowhere", BOB, "l"), "no such mailbox"), (("list", "no@example.test"), "does not exist"),
                       (("set", ALICE, "INBOX", BOB), ""), (("grant", ALICE), ""), ((), "")):
        r = acl(*words, check=False)
        assert r.returncode == 1 and why in r.stdout + r.stderr, (words, r)
