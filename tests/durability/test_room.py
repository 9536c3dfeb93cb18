"""No room or no right to write: exit code 4 or 2 with one line, and the run goes on later."""

import stat
import subprocess
from contextlib import contextmanager

import pytest
from killing import COMMAND, assert_whole


@contextmanager
def _mounted(folder):
    """A disk of its own at ``folder``; whether there is one."""
    folder.mkdir()
    options = "-osize=64k,nr_inodes=1000"
    made = subprocess.run(
        ["mount", "-t", "tmpfs", options, "tmpfs", folder], capture_output=True, check=False
    )
    try:
        yield made.returncode == 0
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_up_again_and_again(whole, server, tmp_path):
    """The disk grows by little after each failure, so that it fills up in one stage after another.

    Where the system lets nobody mount one, files may not grow beyond a limit that grows instead.
    """
    disk = tmp_path / "disk"
    failed = []
    with _mounted(disk) as mounted:
        command = (*COMMAND, "--runs-dir", disk / "runs", "--run", "a")
        for size in (16 * 2**k for k in range(1, 14)):  # KiB
            order = {} if mounted else {"file_size": size * 64}
            if mounted:
                subprocess.run(["mount", "-o", f"remount,size={size}k", disk], check=True)
            ended = server.run(*command, **order)
            if ended.code == 0:
                break
            failed.append(ended)
        assert_whole(ended, whole)
    assert len(failed) >= 2
    for one in failed:
        assert one.code == 4, one.err
        (line,) = [line for line in one.err.splitlines() if line.startswith("cam-audit: ")]
        assert "could not be written" in line
        assert "run the same command again to go on" in line
        assert "Traceback" not in one.err


@pytest.mark.parametrize("limit", [500, 3000, 9000, 15_000])
def test_a_quota_is_exit_code_4(limit, whole, audit):
    ended = audit("--run", "a", file_size=limit)
    assert ended.code == 4, ended.err
    assert "could not be written" in ended.err
    assert_whole(audit("--run", "a"), whole)


@contextmanager
def _read_only(folder):
    mode = stat.S_IMODE(folder.stat().st_mode)
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(mode)


def test_a_read_only_folder_of_runs_is_refused_at_once(whole, audit, runs):
    runs.mkdir()
    with _read_only(runs):
        ended = audit("--run", "a", without_privileges=True)
    assert ended.code == 2
    assert "cannot be made a run folder: Permission denied" in ended.err
    assert_whole(audit("--run", "a"), whole)


@pytest.mark.parametrize("folder", ["images", "interventions", "media", "."])
def test_a_folder_that_becomes_read_only(folder, whole, audit, runs):
    """The run is stopped after its first part of images; each folder is there, and closed."""
    parts = [k for k, call in enumerate(whole.calls) if call.startswith("replace")]
    assert audit("--run", "a", at=parts[1]).code == -9
    closed = runs / "a" / folder
    closed.mkdir(exist_ok=True)
    with _read_only(closed):
        ended = audit("--run", "a", without_privileges=True)
    assert ended.code == 4, ended.err
    assert "Permission denied" in ended.err
    assert "Traceback" not in ended.err
    assert_whole(audit("--run", "a"), whole)
