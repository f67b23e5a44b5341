"""What the image is, before anything runs in it for long."""

import json

from box import IMAGE, PORTS, docker

LIMIT_MB = 40


def image():
    return json.loads(docker("image", "inspect", IMAGE).stdout)[0]


def test_image_is_small(figure):
    size = image()["Size"] / 1e6
    figure("image size", f"{size:.1f} MB")
    assert size <= LIMIT_MB


def test_image_says_what_docker_mailserver_says():
    c = image()["Config"]
    assert c["Labels"]["org.opencontainers.image.title"] == "docker-mailserver"
    assert set(c["ExposedPorts"]) == {f"{p}/tcp" for p in PORTS}
    assert c["Cmd"] == ["pillarbox"] and not c.get("Entrypoint")
    assert c["StopSignal"] == "SIGTERM"
    assert c["Healthcheck"]["Test"] == ["CMD", "setup", "status"]
    assert not c.get("Volumes")


def test_programs_find_all_their_libraries():
    r = docker("run", "--rm", IMAGE, "sh", "-c",
               "for p in /usr/lib/pillarbox/* /usr/bin/bash /usr/bin/grep; do"
               " LD_TRACE_LOADED_OBJECTS=1 $p; done")
    assert "libcrypto" in r.stdout
    assert "not found" not in r.stdout


def test_no_program_is_setuid():
    r = docker("run", "--rm", IMAGE, "find", "/", "-xdev", "-type", "f", "-perm", "/6000")
    assert r.stdout == ""


def test_shells_and_tools_are_there():
    for words in (["sh", "-c", "true"], ["bash", "-c", "[[ a == a ]]"], ["head", "/etc/passwd"],
                  ["tail", "/etc/group"], ["vi", "--help"], ["date"]):
        docker("run", "--rm", IMAGE, *words)


def test_zones_and_authorities_are_there():
    r = docker("run", "--rm", "-e", "TZ=Asia/Kolkata", IMAGE, "date", "+%z")
    assert r.stdout == "+0530\n"
    r = docker("run", "--rm", IMAGE, "grep", "-c", "BEGIN CERTIFICATE", "/usr/lib/ssl/cert.pem")
    assert int(r.stdout) > 100


def test_a_command_in_place_of_the_server_is_all_that_runs(make_box):
    box = make_box()
    r = box.once("setup", "email", "add", "user@example.com", "secret-1")
    assert "up and running" not in r.stdout + r.stderr
    assert "user@example.com" in box.once("setup", "email", "list").stdout
    assert "user@example.com" in box.once("listmailuser").stdout
    assert box.once("setup", "lol", check=False).returncode == 2
    assert box.once("setup", "email", "add", "not-an-address", "x", check=False).returncode == 1


def test_an_argument_to_the_server_is_refused():
    assert docker("run", "--rm", IMAGE, "pillarbox", "--help", check=False).returncode != 0
