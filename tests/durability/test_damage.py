"""A table that somebody or something damaged is made again, or named so that it can be."""

import re
import shutil
from pathlib import Path

import pytest
from killing import COMMAND, assert_whole

TABLES = (
    *("images/part-00001.parquet", "interventions/part-00001.parquet", "media/part-00000.parquet"),
    *("cases.parquet", "classes.parquet", "slices.parquet", "pairs.parquet", "cues.parquet"),
    "swaps.parquet",
    "summary.json",
)


def truncated(data):
    return data[: len(data) // 2]


def flipped(data):
    """One bit changed in a page; the footer, at the end, is as it was."""
    at = len(data) // 4
    return data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :]


def emptied(_data):
    return b""


@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_table(name, whole, server, tmp_path):
    """Made again, or named: then it is made again once it is removed."""
    run, damages = whole.folder.name, (truncated, flipped, emptied)
    files = [tmp_path / damage.__name__ / run / name for damage in damages]
    commands = [
        (*COMMAND, "--runs-dir", tmp_path / damage.__name__, "--run", run) for damage in damages
    ]
    for file, damage in zip(files, damages, strict=True):
        shutil.copytree(whole.folder, tmp_path / damage.__name__ / run)
        file.write_bytes(damage(file.read_bytes()))
    for file, command, ended in zip(files, commands, server.run_all(commands), strict=True):
        if ended.code != 0:
            assert ended.code == 3, ended.err
            named = re.search(r"cam-audit: (\S+) cannot be read .*: remove it, and", ended.err)
            assert Path(named[1]) == file
            file.unlink()
            assert_whole(server.run(*command), whole)
        else:
            assert_whole(ended, whole)


@pytest.mark.parametrize("name", ["images", "interventions", "media"])
def test_every_part_of_a_table_lost(name, whole, audit, runs):
    shutil.copytree(whole.folder, runs / whole.folder.name)
    shutil.rmtree(runs / whole.folder.name / name)
    assert_whole(audit("--run", whole.folder.name), whole)


def test_damage_of_a_run_that_is_not_finished_yet(whole, audit, runs):
    """Killed while the parts are being finished: one is finished, one is broken, one is as made."""
    finished = [k for k, call in enumerate(whole.calls) if "replace" in call and "images/" in call]
    assert audit("--run", "a", at=finished[4]).code == -9  # three made, one finished
    part = runs / "a" / "images" / "part-00001.parquet"
    part.write_bytes(truncated(part.read_bytes()))
    ended = audit("--run", "a")
    assert "2 of 3 parts are done" in ended.err
    assert_whole(ended, whole)


@pytest.mark.parametrize("damage", [truncated, emptied])
def test_a_damaged_manifest_is_named(damage, whole, audit, runs):
    shutil.copytree(whole.folder, runs / "a")
    file = runs / "a" / "manifest.json"
    file.write_bytes(damage(file.read_bytes()))
    ended = audit("--run", "a")
    assert ended.code == 3
    assert f"{file} is not readable JSON" in ended.err
