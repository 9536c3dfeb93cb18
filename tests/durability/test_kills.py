"""A run killed anywhere is taken up by the same command and leaves what an undisturbed one does.

The points are the calls by which files become final, as an uninterrupted run made them: each file
is killed half written, before its rename, and between the rename and the folder's sync.
"""

import os
import signal
import time
from collections import Counter

import numpy as np
import pytest
from killing import COMMAND, assert_whole

KILLED = -signal.SIGKILL
AT_RANDOM = 10
STAGES = {
    "manifest": ("manifest.json",),
    "images": ("/images/", "/images "),
    "interventions": ("/interventions/", "/interventions "),
    "tables": ("cases.", "classes.", "slices.", "pairs.", "summary.json"),
    "media": ("/media/", "/media ", "cues.parquet", "swaps.parquet"),
    "report": ("/report ",),
    "latest": ("latest",),
}


def points(calls):
    """Every (number of the call, how) at which a process is killed."""
    return [(k, "torn" if call.startswith("fsync f") else "before") for k, call in enumerate(calls)]


def stage_of(call):
    """The stage in whose files a call is made; a run folder's own sync belongs to the manifest."""
    found = [name for name, marks in STAGES.items() if any(mark in f"{call} " for mark in marks)]
    return found[0] if found else "folders"


def done_parts(calls):
    """How many parts of images are final after ``calls``."""
    return len(
        {call.split()[-1] for call in calls if call.startswith("replace") and "images/" in call}
    )


def test_the_points_cover_every_stage_and_are_forty(whole):
    stages = Counter(stage_of(whole.calls[k]) for k, _ in points(whole.calls))
    assert set(STAGES) <= set(stages)
    assert stages["images"] >= 18  # three parts, written and finished: three points each
    assert stages["interventions"] >= 6
    assert len(points(whole.calls)) + AT_RANDOM >= 40


@pytest.mark.parametrize("stage", [*STAGES, "folders"])
def test_killed_at_a_commit_point(stage, whole, server, tmp_path):
    at, how = zip(
        *(p for p in points(whole.calls) if stage_of(whole.calls[p[0]]) == stage), strict=True
    )
    commands = [(*COMMAND, "--runs-dir", tmp_path / str(k) / "runs") for k in at]
    for killed in server.run_all(commands, at=at, how=how):
        assert killed.code == KILLED, killed.err
    for k, ended in zip(at, server.run_all(commands), strict=True):
        assert_whole(ended, whole)
        if "going on" in ended.err:
            assert f"{done_parts(whole.calls[:k])} of 3 parts are done" in ended.err


def test_killed_at_random_moments(whole, server, tmp_path):
    started = time.perf_counter()
    server.run(*COMMAND, "--runs-dir", tmp_path / "runs")
    seconds = time.perf_counter() - started
    moments = np.random.default_rng(7).uniform(0, seconds, 4 * AT_RANDOM)
    killed = []
    for k, moment in enumerate(moments):
        command = (*COMMAND, "--runs-dir", tmp_path / str(k) / "runs")
        pid = server.start(*command)
        time.sleep(moment)
        os.kill(pid, signal.SIGKILL)  # a process that has ended is still there until waited for
        if server.wait(pid).code == KILLED:
            killed.append(command)
        if len(killed) == AT_RANDOM:
            break
    assert len(killed) == AT_RANDOM
    for ended in server.run_all(killed):
        assert_whole(ended, whole)


def test_killed_again_and_again_on_the_way(whole, audit):
    """One run, killed four calls later each time, until it gets through."""
    kills = 0
    while (ended := audit("--run", "a", at=4 * (kills + 1))).code == KILLED:
        kills += 1
        assert kills <= len(whole.calls)
    assert kills >= 3
    assert_whole(ended, whole)


def test_files_are_synced_before_their_name_and_folders_after(whole):
    """So that a power cut, which forgets what was not synced, is no worse than a kill."""
    named = [
        (k, *call.split()[2:])
        for k, call in enumerate(whole.calls)
        if call.startswith(("replace", "link")) and "latest" not in call
    ]
    assert len(named) >= 16
    for k, temporary, final in named:
        assert whole.calls[k - 1] == f"fsync f {temporary}"
        assert whole.calls[k + 1] == f"fsync d {final.rpartition('/')[0]}"


def test_a_new_folder_is_synced_into_its_parent(whole):
    run = f"runs/{whole.folder.name}"
    for folder in ("images", "interventions", "media"):
        first = next(k for k, call in enumerate(whole.calls) if f"{run}/{folder}/" in call)
        assert whole.calls[first - 1] == f"fsync d {run}"
    assert "fsync d runs" in whole.calls
