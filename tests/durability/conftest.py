"""A server that forks audits, and the folder that an uninterrupted one leaves."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from killing import COMMAND, Server, Whole, command_with


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("logs"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def whole(server, tmp_path_factory):
    runs = tmp_path_factory.mktemp("whole") / "runs"
    trace = runs.parent / "trace"
    ended = server.run(*COMMAND, "--runs-dir", runs, trace=str(trace))
    assert ended.code == 0, ended.err
    calls = tuple(trace.read_text().replace(str(runs.parent) + "/", "").splitlines())
    return Whole(ended.folder, calls)


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def audit(server, runs):
    """The one command of every test: run it to its end, or to the stop that is ordered."""

    def run(*more, **order):
        return server.run(*command_with(*more), "--runs-dir", runs, **order)

    return run
