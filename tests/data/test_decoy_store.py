import hashlib
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from audit.data.decoy import CLASSES, SPLITS, DecoySpec, prepare, render
from audit.data.decoy import store as store_module
from audit.errors import DataError

SPEC = DecoySpec(size=32, train=30, test=20)
PREPARE = """
import sys
from pathlib import Path
from audit.data.decoy import DecoySpec, prepare
print(prepare(Path(sys.argv[1]), DecoySpec(size=32, train=int(sys.argv[2]), test=20)))
"""


def _start(root, train):
    command = [sys.executable, "-c", PREPARE, str(root), str(train)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _digests(folder):
    files = json.loads((folder / "decoy.json").read_text())["files"]
    return {name: entry["sha256"] for name, entry in files.items()}


def test_files_are_in_stl10s_format(tmp_path):
    folder = prepare(tmp_path, SPEC)
    assert folder == tmp_path / "decoy" / SPEC.key
    for split in SPLITS:
        n = SPEC.count(split)
        # read as torchvision's STL10 does: N×3×width×height, then the last two axes swapped
        stored = np.fromfile(folder / f"{split}_X.bin", np.uint8)
        images = stored.reshape(n, 3, 32, 32).transpose(0, 1, 3, 2)
        labels = np.fromfile(folder / f"{split}_y.bin", np.uint8)
        masks = (
            np.fromfile(folder / f"{split}_mask.bin", np.uint8).reshape(n, 32, 32).swapaxes(1, 2)
        )
        for index in (0, n - 1):
            scene = render(SPEC, split, index)
            assert np.array_equal(images[index].transpose(1, 2, 0), scene.pixels)
            assert labels[index] == scene.label + 1
            assert np.array_equal(masks[index], scene.mask.astype(np.uint8))
    assert (folder / "class_names.txt").read_text().splitlines() == list(CLASSES)


def test_the_record_tells_spec_and_hashes(tmp_path):
    folder = prepare(tmp_path, SPEC)
    record = json.loads((folder / "decoy.json").read_text())
    assert record["spec"] == SPEC.as_json()
    assert {"size": 32, "seed": 0, "train": 30, "test": 20, "version": 1}.items() <= (
        record["spec"].items()
    )
    assert set(record["files"]) | {"decoy.json"} == {path.name for path in folder.iterdir()}
    for name, entry in record["files"].items():
        stored = (folder / name).read_bytes()
        assert entry == {"bytes": len(stored), "sha256": hashlib.sha256(stored).hexdigest()}


def test_it_is_made_once(tmp_path, monkeypatch):
    folder = prepare(tmp_path, SPEC)
    monkeypatch.setattr(store_module, "render", lambda *_: pytest.fail("made again"))
    assert prepare(tmp_path, SPEC) == folder


def test_another_spec_never_reads_these_files(tmp_path):
    assert prepare(tmp_path, SPEC) != prepare(tmp_path, DecoySpec(size=32, train=31, test=20))


@pytest.mark.parametrize("damage", ["truncate", "missing file", "no record", "not a record"])
def test_a_damaged_folder_is_made_again(tmp_path, damage):
    folder = prepare(tmp_path, SPEC)
    before = _digests(folder)
    if damage == "truncate":
        (folder / "test_X.bin").write_bytes(b"short")
    elif damage == "missing file":
        (folder / "test_mask.bin").unlink()
    elif damage == "no record":
        (folder / "decoy.json").unlink()
    else:
        (folder / "decoy.json").write_text("[]")
    assert _digests(prepare(tmp_path, SPEC)) == before
    assert (folder / "test_X.bin").stat().st_size == 20 * 3 * 32 * 32


@pytest.mark.parametrize(
    ("failure", "raised"),
    [(OSError(28, "No space left on device"), DataError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_a_failure_leaves_nothing(tmp_path, monkeypatch, failure, raised):
    def fail(_spec, _split, index):
        if index == 7:
            raise failure
        return render(_spec, _split, index)

    monkeypatch.setattr(store_module, "render", fail)
    with pytest.raises(raised) as error:
        prepare(tmp_path, SPEC)
    if raised is DataError:
        assert "No space left on device" in str(error.value)
        assert "--data-root" in str(error.value)
    assert [path.name for path in (tmp_path / "decoy").iterdir() if path.is_dir()] == []


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "decoy").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot write the decoy dataset to"):
        prepare(tmp_path, SPEC)


def test_a_killed_process_leaves_nothing_that_is_taken_for_whole(tmp_path):
    process = _start(tmp_path, 100_000)
    key = DecoySpec(size=32, train=100_000, test=20).key
    partial = tmp_path / "decoy" / f"{key}.partial" / "train_X.bin"
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert partial.exists()
    assert not (tmp_path / "decoy" / key).exists()


def test_what_a_killed_process_left_is_cleared(tmp_path):
    left = tmp_path / "decoy" / f"{SPEC.key}.partial"
    left.mkdir(parents=True)
    (left / "train_X.bin").write_bytes(b"half")
    folder = prepare(tmp_path, SPEC)
    assert not left.exists()
    assert (folder / "train_X.bin").stat().st_size == 30 * 3 * 32 * 32


def test_two_processes_at_once_make_one_and_the_same(tmp_path):
    processes = [_start(tmp_path / "shared", 30) for _ in range(2)]
    answers = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert all(process.returncode == 0 for process in processes)
    (folder,) = {tmp_path / "shared" / "decoy" / SPEC.key}
    assert answers == {str(folder)}
    assert _digests(folder) == _digests(prepare(tmp_path / "own", SPEC))
