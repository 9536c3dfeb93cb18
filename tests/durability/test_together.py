"""Several processes on one folder of runs, and what a later command does with an earlier run."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from killing import COMMAND, assert_whole, command_with, contents

IN_USE = "is being written by another process: wait for it, or choose another --run"


@pytest.fixture
def paused(server, runs):
    """Start the command and let it stop itself before call ``at``; its process id."""
    started = []

    def start(at, *more):
        pid = server.start(*COMMAND, "--runs-dir", runs, *more, at=at, how="paused")
        started.append(pid)
        while (state := _state(pid)) not in "TZ":
            time.sleep(0.02)
        assert state == "T"
        return pid

    yield start
    for pid in started:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)


def _state(pid):
    """T where it is stopped, Z where it has ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _goes_on(server, pid):
    os.kill(pid, signal.SIGCONT)
    return server.wait(pid)


def first(whole, call):
    return next(k for k, one in enumerate(whole.calls) if one.startswith(call))


@pytest.mark.parametrize("name", [(), ("--run", "a")])
def test_a_second_process_is_refused_while_one_writes(name, whole, audit, paused, server):
    pid = paused(first(whole, "replace"), *name)
    refused = audit(*name)
    assert refused.code == 2
    assert IN_USE in refused.err
    assert_whole(_goes_on(server, pid), whole)


def test_a_second_process_may_be_first_with_the_manifest(whole, audit, paused, server):
    """Before the link nothing is named yet; the slower process finds a whole run and keeps it."""
    pid = paused(first(whole, "link"), "--run", "a")
    assert contents(audit("--run", "a").folder) == contents(whole.folder)
    ended = _goes_on(server, pid)
    assert "3 of 3 parts are done" in ended.err
    assert_whole(ended, whole)


def test_a_second_process_may_be_first_with_the_lock(whole, audit, paused, server):
    pid = paused(first(whole, "link") + 1, "--run", "a")
    assert contents(audit("--run", "a").folder) == contents(whole.folder)
    assert_whole(_goes_on(server, pid), whole)


def test_another_plan_may_be_first_with_the_manifest(whole, audit, paused, server):
    pid = paused(first(whole, "link"), "--run", "a")
    other = audit("--run", "a", "--seed", "1")
    kept = contents(other.folder)
    refused = _goes_on(server, pid)
    assert refused.code == 2
    assert "another plan: its options differ" in refused.err
    assert contents(other.folder) == kept


def test_two_started_at_once(whole, server, runs):
    """Without a name each may also have a folder of its own; whatever was reported is whole."""
    command = (*COMMAND, "--runs-dir", runs)
    for name in ((), ("--run", "a")):
        pids = [server.start(*command, *name) for _ in range(2)]
        ended = [server.wait(pid) for pid in pids]
        assert 0 in [one.code for one in ended]
        for one in ended:
            if one.code == 0:
                assert contents(one.folder) == contents(whole.folder)
            else:
                assert one.code == 2
                assert IN_USE in one.err


def test_the_lock_of_a_killed_process_holds_nobody_up(whole, audit, paused, server):
    pid = paused(first(whole, "replace"), "--run", "a")
    assert IN_USE in audit("--run", "a").err
    os.kill(pid, signal.SIGKILL)
    assert server.wait(pid).code == -signal.SIGKILL
    assert_whole(audit("--run", "a"), whole)


def test_reading_processes_that_outlive_a_killed_one_do_not_hold_its_lock(
    whole, audit, server, runs
):
    """They look for their parent every five seconds only."""
    pid = server.start(*command_with("--run", "a", "--workers", "2"), "--runs-dir", runs)
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while not (readers := children.read_text().split()):
        assert _state(pid) != "Z"
    os.kill(pid, signal.SIGKILL)
    assert server.wait(pid).code == -signal.SIGKILL
    assert any(Path(f"/proc/{reader}").exists() for reader in readers)
    assert_whole(audit("--run", "a"), whole)


def test_a_lock_file_that_nobody_holds_is_no_lock(whole, audit, runs):
    assert audit("--run", "a", at=first(whole, "replace")).code == -signal.SIGKILL
    (runs / "a" / ".lock").write_text("999999\n")
    assert_whole(audit("--run", "a"), whole)


def test_fresh_keeps_the_killed_run_aside(whole, audit, runs):
    assert audit("--run", "a", at=first(whole, "symlink")).code == -signal.SIGKILL
    assert_whole(audit("--run", "a", "--fresh"), whole)
    (old,) = runs.glob("a.*.old")
    assert contents(old) == contents(whole.folder)


def test_fresh_killed_between_the_two_names_loses_neither(whole, audit, runs):
    """The earlier run is aside under its new name, and the new one has no folder yet."""
    assert_whole(audit("--run", "a"), whole)
    assert audit("--run", "a", "--fresh", at=1).code == -signal.SIGKILL
    (old,) = runs.glob("a.*.old")
    assert contents(old) == contents(whole.folder)
    assert_whole(audit("--run", "a"), whole)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--seed", "1"), "its options differ .*--seed: 0 there, 1 now"),
        (("--limit", "24"), "its options differ .*--limit: None there, 24 now"),
        (("--regions", "none"), "its options, annotations differ .*--regions: None there, none"),
        (("--dataset", "cued:Repainted"), "its dataset.* differ .*cued:Cued there, cued:Repainted"),
        (("--model", "cued:Duller"), "its model.* differ .*cued:CornerNet there, cued:Duller now"),
    ],
)
def test_a_killed_run_of_another_plan_is_refused_and_kept(flags, said, whole, audit, runs):
    assert audit("--run", "a", at=first(whole, "symlink")).code == -signal.SIGKILL
    refused = audit("--run", "a", *flags)
    assert refused.code == 2
    assert re.search(said, refused.err)
    assert contents(runs / "a") == contents(whole.folder)


def test_an_unfinished_run_is_taken_up_unnamed_and_others_are_not(whole, audit, runs):
    at = first(whole, "replace") + 1
    assert audit("--run", "mine", at=at).code == -signal.SIGKILL
    assert audit("--run", "other", "--seed", "1", at=at).code == -signal.SIGKILL
    ended = audit()
    assert ended.folder == runs / "mine"
    assert "mine: going on; 1 of 3 parts are done" in ended.err
    assert_whole(ended, whole)
    assert not (runs / "other" / "cases.parquet").exists()
