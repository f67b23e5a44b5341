import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from box import ComposeBox, DockerBox, docker, unique, wait_for  # noqa: E402

figures = []


@pytest.fixture
def figure():
    """figure("what", value): printed behind the results."""
    return lambda what, value: figures.append((what, value))


def pytest_terminal_summary(terminalreporter):
    for what, value in figures:
        terminalreporter.write_line(f"{what}: {value}")


@pytest.fixture(scope="module")
def mail(tmp_path_factory):
    """The stack as the sample files start it, with one account."""
    box = ComposeBox(tmp_path_factory.mktemp("compose"),
                     {"TZ": "Asia/Kolkata", "LOG_LEVEL": "debug"})
    try:
        box.compose("up", "-d")
        box.wait_up()
        box.setup("email", "add", "user@example.com", "secret-1")
        wait_for(lambda: box.can_login("user@example.com", "secret-1"), 10, "login")
        yield box
    finally:
        box.close()


@pytest.fixture
def make_box():
    made = []

    def make(**options):
        made.append(DockerBox(**options))
        return made[-1]

    yield make
    for box in made:
        box.close()


@pytest.fixture
def network():
    name = unique("net")
    docker("network", "create", name)
    yield name
    docker("network", "rm", name, check=False)
