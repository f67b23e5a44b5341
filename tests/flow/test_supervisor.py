"""The supervisor as its user sees it: status, restarts, live changes, errors."""

import os
import re
import signal
import subprocess
import time

import pytest
from stack import BIN, ROOT, wait_for

PROCESSES = ["keys", "resolver", "auth", "reports", "dkim", "relay", "deliver", "queue", "imap", "login",
             "smtp-submit", "smtp-mx"]


def states(stack):
    out = stack.setup("status", check=False).stdout
    return {w[0]: w for w in (line.split() for line in out.splitlines()) if w and w[0] in PROCESSES}


def test_status_shows_every_process_and_port(shared_stack):
    r = shared_stack.setup("status")
    for name in PROCESSES:
        assert re.search(rf"^{name} +up +\d+ +\d+s +\d+ +\d+", r.stdout, re.M), r.stdout
    for port in (25, 143, 465, 587, 993):
        assert re.search(rf"^{shared_stack.port(port)} +127\.0\.0\.1 ", r.stdout, re.M)
    assert re.search(r"^queue .*deferred=0", r.stdout, re.M)


def test_the_log_says_that_it_is_up(shared_stack):
    assert "mail.example.test is up and running" in shared_stack.log()


@pytest.mark.parametrize("process", PROCESSES)
def test_a_killed_process_comes_back_and_mail_flows(stack, process):
    old = stack.pid_of(process)
    stack.kill(process)
    wait_for(lambda: states(stack)[process][1] == "up" and stack.pid_of(process) != old,
             15, f"restart of {process}")
    user, _ = stack.demo
    with stack.smtp() as c:
        c.sendmail("a@client.example.org", [user], b"Subject: after\r\n\r\nhello\r\n")
    assert len(stack.delivered(user)) == 1
    with stack.imap() as c:
        assert c.select("INBOX")[1] == [b"1"]


def test_a_process_that_keeps_dying_stops_everything_with_an_error(stack):
    pid = int((stack.dir / "pid").read_text())
    for _ in range(5):
        wait_for(lambda: stack.pid_of("auth"), 40, "auth")
        stack.kill("auth")
        wait_for(lambda: not stack.pid_of("auth"), 5, "death of auth")
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 30, "end of the supervisor")
    assert "event=give-up process=auth" in stack.log()
    assert "event=stopped status=1" in stack.log()


def test_accounts_and_aliases_work_at_once_without_a_restart(stack):
    pids = {n: w[2] for n, w in states(stack).items()}

    def accepts(address):
        with stack.smtp() as c:
            c.ehlo()
            c.mail("a@client.example.org")
            return c.rcpt(address)[0] == 250

    assert not accepts("new@example.test")
    stack.add_account("new@example.test", "secret")
    wait_for(lambda: accepts("new@example.test"), 2, "new account")
    stack.setup("alias", "add", "team@example.test", "new@example.test")
    wait_for(lambda: accepts("team@example.test"), 2, "new alias")
    stack.setup("email", "del", "-y", "new@example.test")
    wait_for(lambda: not accepts("new@example.test"), 2, "deleted account")
    assert pids == {n: w[2] for n, w in states(stack).items()}


def test_a_bad_change_is_reported_and_the_old_configuration_stays(stack):
    accounts = stack.config("postfix-accounts.cf")
    good = accounts.read_text()
    accounts.write_text(good + "nobody@example.test\n")
    stack.wait_log("postfix-accounts.cf:2")
    stack.wait_log("the previous configuration stays")
    with stack.imap() as c:
        assert c.select("INBOX")[0] == "OK"
    accounts.write_text(good)


def test_a_new_certificate_is_served_without_a_restart(stack):
    import ssl

    tls = stack.dir / "tls"
    before = ssl.get_server_certificate(("127.0.0.1", stack.port(993)))
    other = stack.dir / "other"
    subprocess.run([BIN / "setup", "tls", "selfsign", other, "mail.example.test"], check=True)
    with stack.imap() as open_session:
        for name in ("key.pem", "cert.pem"):
            os.replace(other / name, tls / name)
        for port in (993, 465):
            wait_for(lambda: ssl.get_server_certificate(("127.0.0.1", stack.port(port))) != before,
                     10, f"the new certificate on {port}")
        assert open_session.noop()[0] == "OK"


@pytest.mark.parametrize("setting,where", [
    ("POSTFIX_MESSAGE_SIZE_LIMIT=lots", "POSTFIX_MESSAGE_SIZE_LIMIT"),
    ("SSL_TYPE=none", "SSL_TYPE"),
    ("OVERRIDE_HOSTNAME=nodots", "OVERRIDE_HOSTNAME"),
    ("PILLARBOX_IMAP_WORKERS=0", "PILLARBOX_IMAP_WORKERS"),
])
def test_a_bad_setting_is_one_line_and_status_78(tmp_path, setting, where):
    env = {"PILLARBOX_CONFIG_DIR": str(tmp_path / "config"), "PILLARBOX_MAIL_DIR": str(tmp_path / "mail"),
           "PILLARBOX_STATE_DIR": str(tmp_path / "state"), "PILLARBOX_RUN_DIR": str(tmp_path / "run"),
           "OVERRIDE_HOSTNAME": "mail.example.test", "PATH": os.environ["PATH"]}
    name, value = setting.split("=")
    env[name] = value
    r = subprocess.run([BIN / "pillarbox"], env=env, stdout=subprocess.PIPE, text=True, timeout=10)
    assert r.returncode == 78
    lines = [x for x in r.stdout.splitlines() if "level=error event=config" in x]
    assert len(lines) == 1 and where in lines[0], r.stdout
    assert not (tmp_path / "run" / "control.sock").exists()


def test_sighup_reopens_the_log(stack):
    log = stack.dir / "log" / "mail.log"
    log.rename(log.with_suffix(".1"))
    os.kill(int((stack.dir / "pid").read_text()), signal.SIGHUP)
    wait_for(log.exists, 5, "new mail.log")
    with stack.smtp() as c:
        c.ehlo()
    wait_for(lambda: "event=connect" in log.read_text(), 5, "line in the new log")


def test_stop_is_orderly_and_leaves_no_process(stack):
    pids = [int(w[2]) for w in states(stack).values()]
    began = time.monotonic()
    stack.stop()
    assert time.monotonic() - began < 10
    assert not [p for p in pids if os.path.exists(f"/proc/{p}")]
    assert "event=stopped status=0" in stack.log()
    stack.start()


def test_no_service_has_the_environment_with_its_secrets(make_stack):
    stack = make_stack(env={"RELAY_HOST": "relay.example.org", "RELAY_USER": "u", "RELAY_PASSWORD": "hunter22"})
    for name, words in states(stack).items():
        with open(f"/proc/{words[2]}/environ") as f:
            assert "hunter22" not in f.read(), name


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has none of these")
def test_the_capabilities_of_the_compose_file_are_enough(make_stack):
    text = (ROOT / "compose.yaml").read_text()
    wanted = re.findall(r"- ([A-Z_]{3,})", text[text.index("cap_add"):])
    assert "SETUID" in wanted
    s = make_stack(under=["setpriv", "--bounding-set", "-all," + ",".join("+" + x.lower() for x in wanted)])
    for name, words in states(s).items():
        text = open(f"/proc/{words[2]}/status").read()
        assert re.search(r"^CapPrm:\s+0+$", text, re.M) and re.search(r"^CapInh:\s+0+$", text, re.M), name
        assert re.search(r"^NoNewPrivs:\s+1$", text, re.M), name
    with s.smtp_submit() as c:
        c.sendmail(s.demo[0], s.demo[0], "Subject: few rights\n\nx\n")
    assert len(s.delivered(s.demo[0])) == 1


def test_services_run_as_different_users_without_privileges(stack):
    if os.geteuid() != 0:
        pytest.skip("an ordinary user runs everything under one identity, by design")
    uids = {}
    for name, words in states(stack).items():
        text = open(f"/proc/{words[2]}/status").read()
        uids[name] = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", text, re.M).groups()
        assert set(uids[name]) == {uids[name][0]} and uids[name][0] != "0"
        for capabilities in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
            assert re.search(rf"^Cap{capabilities}:\s+0+$", text, re.M), (name, capabilities)
        assert re.search(r"^NoNewPrivs:\s+1$", text, re.M)
        root = os.readlink(f"/proc/{words[2]}/root")
        assert root != "/", name
    assert uids["smtp-mx"] == uids["smtp-submit"]
    assert uids["imap"] == uids["deliver"] == ("5000",) * 4
    assert len(set(uids.values())) == 10
