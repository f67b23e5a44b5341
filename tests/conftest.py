import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from stack import Stack  # noqa: E402


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory):
    """One stack for tests that only use it; each test adds its own accounts."""
    with Stack(tmp_path_factory.mktemp("stack")) as s:
        yield s


@pytest.fixture
def stack(tmp_path):
    """A stack of its own, for tests that break or configure it."""
    with Stack(tmp_path) as s:
        yield s


@pytest.fixture
def make_stack(tmp_path):
    """make_stack(env={...}) starts one with other settings."""
    made = []

    def make(**args):
        s = Stack(tmp_path / str(len(made)), **args)
        made.append(s)
        return s.start()

    yield make
    for s in made:
        s.stop()
