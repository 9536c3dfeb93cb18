import hashlib
import json

import pytest

from audit.data.once import Made
from audit.errors import DataError


def _made(folder, write, spec=None):
    return Made(folder, "toy", "toy.json", spec or {"n": 1}, 2_000_000, write)


def _write(folder):
    (folder / "images").mkdir()
    (folder / "images" / "a.bin").write_bytes(b"abc")
    (folder / "list.txt").write_text("a")


def test_the_record_names_files_in_folders(tmp_path):
    folder = _made(tmp_path / "sets" / "one", _write).ready()
    assert folder == tmp_path / "sets" / "one"
    assert json.loads((folder / "toy.json").read_text()) == {
        "spec": {"n": 1},
        "files": {
            "images/a.bin": {"bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()},
            "list.txt": {"bytes": 1, "sha256": hashlib.sha256(b"a").hexdigest()},
        },
    }


def test_it_is_written_once_and_again_where_it_is_damaged_or_of_another_spec(tmp_path):
    written = []

    def write(folder):
        written.append(folder.name)
        _write(folder)

    for _ in range(2):
        folder = _made(tmp_path / "one", write).ready()
    assert written == ["one.partial"]
    (folder / "images" / "a.bin").write_bytes(b"ab")
    _made(tmp_path / "one", write).ready()
    assert (folder / "images" / "a.bin").read_bytes() == b"abc"
    _made(tmp_path / "one", write, {"n": 2}).ready()
    assert len(written) == 3


def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path):
    def fail(folder):
        _write(folder)
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError) as error:
        _made(tmp_path / "one", fail).ready()
    assert str(error.value) == (
        f"cannot write the toy dataset to {tmp_path / 'one'}: No space left on device; it takes "
        "2 MB; free some, or choose another --data-root"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["one.lock"]
