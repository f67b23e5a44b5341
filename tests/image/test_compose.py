"""The stack as compose.yaml and mailserver.env start it."""

import time

from box import CAPABILITIES, docker, message, run, wait_for

USER = ("user@example.com", "secret-1")
BITS = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7,
        "NET_BIND_SERVICE": 10, "SYS_CHROOT": 18}


def test_account_added_while_it_runs_can_log_in(mail):
    mail.setup("email", "add", "second@example.com", "secret-2")
    wait_for(lambda: mail.can_login("second@example.com", "secret-2"), 10, "login")
    assert "second@example.com" in mail.setup("email", "list").stdout


def test_account_added_at_a_terminal_asks_for_the_password_twice(mail):
    status, seen = mail.dialogue("setup", "email", "add", "third@example.com",
                                 answers=["secret-3", "secret-3"])
    assert status == 0, seen
    assert "secret-3" not in seen
    wait_for(lambda: mail.can_login("third@example.com", "secret-3"), 10, "login")


def test_account_added_through_a_pipe(mail):
    mail.setup("email", "add", "fourth@example.com", input="secret-4\nsecret-4\n")
    wait_for(lambda: mail.can_login("fourth@example.com", "secret-4"), 10, "login")


def test_dkim_keys_and_dns_records(mail):
    mail.setup("config", "dkim", "keysize", "2048")
    assert mail.data("config", "opendkim", "KeyTable").exists()
    records = mail.setup("dns", "example.com").stdout
    assert "v=DKIM1" in records and "MX" in records
    wait_for(lambda: "keys=1" in mail.setup("status").stdout, 10, "loaded key")
    with mail.submit(*USER) as c:
        c.send_message(message("signed", USER[0]))
    mail.wait_subject("signed", *USER)


def test_mail_arrives_on_25_and_is_read_on_993(mail):
    with mail.mx() as c:
        c.send_message(message("from outside"))
    mail.wait_subject("from outside", *USER)


def test_mail_is_submitted_on_587_and_465_and_read_on_143(mail):
    for port in (587, 465):
        with mail.submit(*USER, port=port) as c:
            c.send_message(message(f"by {port}", USER[0]))
        mail.wait_subject(f"by {port}", *USER, port=143)


def test_swaks_is_served(mail):
    run("swaks", "--server", "127.0.0.1", "--port", mail.ports[587], "--tls",
        "--auth", "PLAIN", "--auth-user", USER[0], "--auth-password", USER[1],
        "--from", USER[0], "--to", USER[0], "--header", "Subject: by swaks", "--timeout", "20")
    mail.wait_subject("by swaks", *USER)


def test_nobody_relays_through_it(mail):
    with mail.mx() as c:
        c.ehlo()
        c.mail("friend@example.org")
        assert c.rcpt("other@example.net")[0] // 100 == 5


def test_logs_are_in_the_zone_and_in_the_volume(mail):
    first = mail.logs().splitlines()[0]
    assert "+05:30" in first, first
    assert "is up and running" in mail.data("mail-logs", "mail.log").read_text()


def test_health_is_told(mail):
    wait_for(lambda: mail.state()["Health"]["Status"] == "healthy", 60, "health")


def test_health_check_of_docker_mailserver_works(mail):
    mail.exec("sh", "-c", "ss --listening --ipv4 --tcp | grep --silent ':smtp' || exit 1")


def test_rights_are_only_those_asked_for(mail):
    status = mail.exec("cat", "/proc/1/status").stdout
    rights = {k: v.strip() for k, v in (x.split(":", 1) for x in status.splitlines())}
    assert int(rights["CapBnd"], 16) == sum(1 << BITS[c] for c in CAPABILITIES)
    assert rights["NoNewPrivs"] == "1"
    assert mail.exec("touch", "/x", check=False).returncode != 0
    assert mail.exec("touch", "/etc/passwd", check=False).returncode != 0


def test_services_have_users_of_their_own_and_no_rights(mail):
    ids = {}
    for name, pid in mail.processes().items():
        text = mail.exec("cat", f"/proc/{pid}/status").stdout
        rows = dict(x.split(":", 1) for x in text.splitlines())
        ids[name] = int(rows["Uid"].split()[0])
        assert ids[name] >= 5000, name
        assert int(rows["CapEff"], 16) == 0, name
    assert len(set(ids.values())) == 10, ids
    assert "unconfined" not in mail.logs()


def test_killed_service_comes_back(mail):
    for name in ("smtp-mx", "imap", "queue", "auth"):
        old = mail.processes()[name]
        mail.exec("kill", "-9", old)
        wait_for(lambda: mail.processes().get(name, old) != old, 20, f"new {name}")
    with mail.mx() as c:
        c.send_message(message("after the kills"))
    mail.wait_subject("after the kills", *USER)


def test_orphans_are_reaped(mail):
    mail.exec("sh", "-c", "(sleep 0.3 & exec sleep 0.2) & exit 0")
    time.sleep(0.8)

    def states():
        return docker("top", mail.name, "-eo", "pid,stat,args").stdout.splitlines()[1:]
    wait_for(lambda: not any(x.split()[1] == "Z" or "sleep" in x for x in states()), 5,
             "end of the orphans")


def test_hangup_opens_the_log_again(mail):
    log = mail.data("mail-logs", "mail.log")
    log.rename(log.with_name("mail.log.1"))
    docker("kill", "--signal", "HUP", mail.name)
    mail.can_login("nobody@example.com", "wrong")
    wait_for(lambda: log.exists() and log.stat().st_size > 0, 10, "new log")
    assert mail.state()["Running"]


def send_one(mail, subject):
    with mail.mx() as c:
        c.send_message(message(subject))
    mail.wait_subject(subject, *USER)


def test_restart_keeps_mail(mail):
    send_one(mail, "before the restart")
    before = mail.subjects(*USER)
    up = mail.logs().count("is up and running")
    mail.compose("restart", "-t", "30")
    mail.wait_up(up + 1)
    assert mail.subjects(*USER) == before


def test_new_container_keeps_mail_and_certificate(mail):
    send_one(mail, "before the new container")
    before = mail.subjects(*USER)
    certificate = mail.data("mail-state", "tls", "cert.pem").read_text()
    mail.compose("down", "-t", "30")
    mail.compose("up", "-d")
    mail.wait_up()
    assert mail.subjects(*USER) == before
    assert mail.data("mail-state", "tls", "cert.pem").read_text() == certificate
