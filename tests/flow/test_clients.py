"""Real mail programs against a running stack, as their users run them."""

import email
import email.policy
import imaplib
import re
import shutil
import smtplib
import subprocess
import textwrap
import time
from email.message import EmailMessage

import pytest
from stack import wait_for

COUNT = iter(range(1, 1000))


@pytest.fixture
def user(shared_stack):
    """A fresh account: (address, password)."""
    address = f"client{next(COUNT)}@example.test"
    shared_stack.add_account(address, "Secret 1")
    wait_for(lambda: login_works(shared_stack, address), 5, "new account")
    return address, "Secret 1"


def login_works(stack, address):
    try:
        stack.imap(address, "Secret 1").logout()
        return True
    except imaplib.IMAP4.error:
        return False


def run(*args, **kw):
    r = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=60, **kw)
    assert r.returncode == 0, f"{args}: {r.returncode}\n{r.stdout}"
    return r.stdout


def message(subject, body="hello\n", **headers):
    m = EmailMessage(policy=email.policy.SMTP)
    m["From"] = "Sender <sender@client.example.org>"
    m["To"] = "someone@example.test"
    m["Subject"] = subject
    for k, v in headers.items():
        m[k.replace("_", "-")] = v
    m.set_content(body)
    return m


@pytest.mark.parametrize("port,tls", [(25, []), (25, ["--tls"]), (587, ["--tls"]), (465, ["--tls-on-connect"])])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_sends(shared_stack, user, port, tls, mechanism):
    address, password = user
    auth = [] if port == 25 else ["--auth", mechanism, "--auth-user", address, "--auth-password", password]
    out = run("swaks", "--server", "127.0.0.1", "--port", shared_stack.port(port), *tls, *auth,
              "--from", address if auth else "a@client.example.org", "--to", address, "--ehlo", "c.example.org")
    assert "250 2.0.0 Ok: queued as" in out
    assert len(shared_stack.delivered(address)) == 1


def test_curl_sends_and_reads(shared_stack, user, tmp_path):
    address, password = user
    ca = ["--ssl-reqd", "--cacert", shared_stack.dir / "tls" / "cert.pem", "--silent", "--show-error",
          "--user", f"{address}:{password}"]
    letter = tmp_path / "letter"
    letter.write_text("From: me\nSubject: by curl\n\nline one\n.\n..dots\n")  # bare LF, as files have
    run("curl", *ca, f"smtp://localhost:{shared_stack.port(587)}", "--mail-from", address,
        "--mail-rcpt", address, "-T", letter)
    run("curl", *ca, f"smtps://localhost:{shared_stack.port(465)}", "--mail-from", address,
        "--mail-rcpt", address, "--crlf", "-T", letter)
    for url in (f"imap://localhost:{shared_stack.port(143)}", f"imaps://localhost:{shared_stack.port(993)}"):
        for n in (1, 2):
            out = run("curl", *ca, f"{url}/INBOX;MAILINDEX={n}")
            assert "Subject: by curl" in out and "line one\n.\n..dots\n" in out.replace("\r\n", "\n")
    assert "Subject" not in run("curl", *ca, f"{url}/INBOX", "-X", "SEARCH SUBJECT nothing")
    run("curl", *ca, f"imap://localhost:{shared_stack.port(143)}/Sent", "-T", letter)
    assert len(shared_stack.delivered(address, ".Sent")) == 1


def test_smtplib_and_imaplib_round_trip_exactly(shared_stack, user):
    address, password = user
    sent = message("Grüße", "Zeile mit Ümlaut\n.\n..\n" + "x" * 900 + "\n")
    with smtplib.SMTP_SSL("localhost", shared_stack.port(465), context=shared_stack.tls()) as c:
        c.login(address, password)
        c.send_message(sent, address, [address])
    with shared_stack.imap(address, password) as c:
        c.select("INBOX", readonly=True)
        raw = c.fetch("1", "(BODY.PEEK[])")[1][0][1]
        got = email.message_from_bytes(raw, policy=email.policy.SMTP)
        assert got["Subject"] == "Grüße"
        assert got.get_content().replace("\r\n", "\n") == sent.get_content().replace("\r\n", "\n")
        assert "\r\n" in raw.decode() and "\n" not in raw.decode().replace("\r\n", "")
        size = int(re.search(rb"RFC822.SIZE (\d+)", c.fetch("1", "(RFC822.SIZE)")[1][0]).group(1))
        assert size == len(raw)
        assert c.fetch("1", "(FLAGS)")[1][0].count(b"Seen") == 0


def test_a_message_of_the_largest_size_and_one_more(shared_stack, user):
    address, password = user
    with shared_stack.smtp_submit(address, password) as c:
        limit = int(c.esmtp_features["size"])
        head = b"From: a\r\nSubject: big\r\n\r\n"
        body = head + (b"y" * 998 + b"\r\n") * ((limit - len(head)) // 1000)
        c.sendmail(address, [address], body)
        with pytest.raises(smtplib.SMTPSenderRefused) as e:
            c.sendmail(address, [address], body + b"z" * 2000)
        assert e.value.smtp_code == 552
    assert len(shared_stack.delivered(address)) == 1


def mbsyncrc(stack, address, password, near, extra=""):
    return textwrap.dedent(f"""\
        IMAPAccount a
        Host localhost
        Port {stack.port(993)}
        User {address}
        Pass "{password}"
        SSLType IMAPS
        CertificateFile {stack.dir}/tls/cert.pem

        IMAPStore far
        Account a

        MaildirStore near
        Path {near}/
        Inbox {near}/INBOX
        SubFolders Verbatim

        Channel c
        Far :far:
        Near :near:
        Patterns *
        Create Both
        Expunge Both
        SyncState *
        {extra}
        """)


def test_mbsync_syncs_both_ways(shared_stack, user, tmp_path):
    address, password = user
    near = tmp_path / "near"
    near.mkdir()
    rc = tmp_path / "mbsyncrc"
    rc.write_text(mbsyncrc(shared_stack, address, password, near))
    with shared_stack.smtp() as c:
        for n in range(20):
            c.sendmail("a@client.example.org", [address], message(f"m{n}").as_bytes())
    run("mbsync", "-c", rc, "-a")
    got = sorted((near / "INBOX" / "new").iterdir()) + sorted((near / "INBOX" / "cur").iterdir())
    assert len(got) == 20
    # a flag and a deletion on the near side, a new message and a folder too
    first, second = got[:2]
    for path, flags in ((first, "FS"), (second, "ST")):
        base = path.name.split(":")[0]
        path.rename(near / "INBOX" / "cur" / f"{base}:2,{flags}")
    (near / "INBOX" / "new" / "1.near.x").write_bytes(message("from near").as_bytes().replace(b"\r\n", b"\n"))
    for d in ("cur", "new", "tmp"):
        (near / "Projekte" / d).mkdir(parents=True)
    (near / "Projekte" / "new" / "2.near.x").write_bytes(message("in a folder").as_bytes().replace(b"\r\n", b"\n"))
    run("mbsync", "-c", rc, "-a")
    with shared_stack.imap(address, password) as c:
        assert c.select("INBOX")[1] == [b"20"]
        assert c.search(None, "FLAGGED SEEN")[1][0].split().__len__() == 1
        assert c.search(None, "SUBJECT", '"from near"')[1][0].split().__len__() == 1
        assert c.select("Projekte")[1] == [b"1"]
    run("mbsync", "-c", rc, "-a")
    with shared_stack.imap(address, password) as c:
        assert c.select("INBOX")[1] == [b"20"]


def test_offlineimap_syncs_both_ways(shared_stack, user, tmp_path):
    address, password = user
    near = tmp_path / "near"
    rc = tmp_path / "offlineimaprc"
    rc.write_text(textwrap.dedent(f"""\
        [general]
        accounts = a
        metadata = {tmp_path}/state
        socktimeout = 30

        [Account a]
        localrepository = near
        remoterepository = far

        [Repository near]
        type = Maildir
        localfolders = {near}

        [Repository far]
        type = IMAP
        remotehost = localhost
        remoteport = {shared_stack.port(993)}
        ssl = yes
        sslcacertfile = {shared_stack.dir}/tls/cert.pem
        remoteuser = {address}
        remotepass = {password}
        idlefolders = []
        """))

    def sync():
        out = run("offlineimap", "-o", "-c", rc, "-u", "basic")
        assert "ERROR" not in out and "WARNING" not in out, out

    with shared_stack.imap(address, password) as c:
        assert c.create("Ablage.&AOQ-lter")[0] == "OK"
        for n in range(10):
            flags = "(\\Seen)" if n % 2 else None
            assert c.append("INBOX" if n < 7 else "Ablage.&AOQ-lter", flags, None, message(f"m{n}").as_bytes())[0] == "OK"
    sync()
    inbox = [*(near / "INBOX" / "new").iterdir(), *(near / "INBOX" / "cur").iterdir()]
    assert len(inbox) == 7 and len(list((near / "Ablage.&AOQ-lter").rglob("*:2,*"))) == 3
    # a flag, a deletion, a message and a folder of the near side
    unseen = sorted((near / "INBOX" / "new").iterdir())
    unseen[0].rename(near / "INBOX" / "cur" / (unseen[0].name.split(":")[0] + ":2,FS"))
    unseen[1].unlink()
    (near / "INBOX" / "new" / "1.near.x:2,").write_bytes(message("from near").as_bytes().replace(b"\r\n", b"\n"))
    for d in ("cur", "new", "tmp"):
        (near / "Projekte" / d).mkdir(parents=True)
    (near / "Projekte" / "new" / "2.near.x:2,").write_bytes(message("in a folder").as_bytes().replace(b"\r\n", b"\n"))
    for _ in range(2):
        sync()
        with shared_stack.imap(address, password) as c:
            assert c.select("INBOX")[1] == [b"7"]
            assert len(c.search(None, "FLAGGED SEEN")[1][0].split()) == 1
            assert len(c.search(None, "SUBJECT", '"from near"')[1][0].split()) == 1
            assert c.select("Projekte")[1] == [b"1"]


def test_mutt_reads_and_sends(shared_stack, user, tmp_path):
    address, password = user
    rc = tmp_path / "muttrc"
    rc.write_text(textwrap.dedent(f"""\
        set ssl_ca_certificates_file="{shared_stack.dir}/tls/cert.pem"
        set certificate_file="{shared_stack.dir}/tls/cert.pem"
        set ssl_force_tls=yes
        set imap_user="{address}"
        set imap_pass="{password}"
        set smtp_url="smtp://{address.replace('@', '%40')}@localhost:{shared_stack.port(587)}/"
        set smtp_pass="{password}"
        set from="{address}"
        set realname="Mutt"
        set folder="imap://localhost:{shared_stack.port(143)}/"
        set spoolfile="imap://localhost:{shared_stack.port(143)}/INBOX"
        set record="=Sent"
        set hostname="client.example.org"
        set tmpdir="{tmp_path}"
        """))
    run("mutt", "-F", rc, "-s", "by mutt", "--", address, input="written in mutt\n",
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TERM": "xterm"})
    assert len(shared_stack.delivered(address)) == 1
    assert len(shared_stack.delivered(address, ".Sent")) == 1
    # reading: pipe the message through cat and quit
    out = tmp_path / "out"
    run("mutt", "-F", rc, "-n", "-e", f'set wait_key=no; push "<pipe-message>cat >{out}<enter><exit>y"',
        stdin=subprocess.DEVNULL, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TERM": "xterm"}) \
        if shutil.which("script") is None else \
        run("script", "-qec", f"""mutt -F {rc} -n -e 'set wait_key=no; push "<pipe-message>cat >{out}<enter><quit>"'""",
            tmp_path / "typescript", stdin=subprocess.DEVNULL,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TERM": "xterm"})
    assert "written in mutt" in out.read_text()


def test_fetchmail_takes_mail_out(shared_stack, user, tmp_path):
    address, password = user
    with shared_stack.smtp() as c:
        for n in range(3):
            c.sendmail("a@client.example.org", [address], message(f"f{n}").as_bytes())
    box = tmp_path / "box"
    rc = tmp_path / "fetchmailrc"
    rc.write_text(f"""poll localhost protocol IMAP service {shared_stack.port(993)}
        user "{address}" password "{password}" ssl sslcertck sslcertfile "{shared_stack.dir}/tls/cert.pem"
        mda "/bin/cat >>{box}" no rewrite\n""")
    rc.chmod(0o600)
    run("fetchmail", "-f", rc, "--nosyslog", "--pidfile", tmp_path / "pid",
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert box.read_text().count("Subject: f") == 3
    assert shared_stack.delivered(address) == []


def test_idle_sees_a_new_message_at_once(shared_stack, user):
    address, password = user
    with shared_stack.imap(address, password) as c:
        c.select("INBOX")
        c.send(b"i1 IDLE\r\n")
        assert c.readline().startswith(b"+ ")
        with shared_stack.smtp() as s:
            began = time.monotonic()
            s.sendmail("a@client.example.org", [address], message("now").as_bytes())
        assert c.readline().strip() == b"* 1 EXISTS"
        assert time.monotonic() - began < 1
        c.send(b"DONE\r\n")
        while not c.readline().startswith(b"i1 OK"):
            pass


def test_a_file_dropped_into_new_appears(shared_stack, user):
    address, password = user
    with shared_stack.imap(address, password) as c:
        c.select("INBOX")
        box = shared_stack.maildir(address)
        tmp = box / "tmp" / "1700000000.M1P1.other"
        tmp.write_bytes(b"Subject: dropped\n\nby rsync\n")
        shutil.chown(tmp, box.stat().st_uid, box.stat().st_gid)
        tmp.rename(box / "new" / tmp.name)
        wait_for(lambda: c.noop() and c.search(None, "SUBJECT", "dropped")[1][0], 5, "dropped message")


def test_thunderbird_s_first_questions(shared_stack, user):
    """The dialogue of a fresh Thunderbird profile: capabilities, folders with
    special use, then flags of all and envelopes of the new."""
    address, password = user
    with shared_stack.smtp() as s:
        for n in range(3):
            s.sendmail("a@client.example.org", [address], message(f"t{n}").as_bytes())
    c = shared_stack.imap(address, password)

    def ask(line):
        c.send(b"t1 " + line + b"\r\n")
        out = []
        while True:
            got = c.readline()
            assert got, out
            out.append(got)
            m = re.search(rb"\{(\d+)\}\r\n$", got)
            if m:
                out.append(c.read(int(m.group(1))))
            if got.startswith(b"t1 "):
                assert got.startswith(b"t1 OK"), (line, out)
                return b"".join(out)

    ask(b'ID ("name" "Thunderbird" "version" "128.0")')
    assert b'"" "."' in ask(b"NAMESPACE")
    ask(b"ENABLE CONDSTORE")
    listing = ask(b'LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)')
    for use in (b"\\Sent", b"\\Drafts", b"\\Trash", b"\\Junk"):
        assert use in listing
    ask(b'LIST "" "INBOX"')
    assert b"UIDVALIDITY" in ask(b'SELECT "INBOX" (CONDSTORE)')
    flags = ask(b"UID FETCH 1:* (FLAGS)")
    assert flags.count(b" FETCH (UID") == 3
    heads = ask(b"UID FETCH 1:3 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date "
                b"Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])")
    assert heads.count(b"Subject: t") == 3
    assert b"hello" in ask(b"UID FETCH 2 (UID RFC822.SIZE BODY[]<0.20480>)")
    ask(b'UID STORE 1 +FLAGS (\\Seen $label1 NonJunk)')
    ask(b'UID MOVE 1 "Trash"')
    assert b"MESSAGES 2" in ask(b'STATUS "INBOX" (UIDNEXT MESSAGES UNSEEN RECENT)')
    ask(b"CLOSE")
    c.logout()
