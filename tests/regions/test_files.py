import os

from audit.regions.files import no_file


def test_what_a_path_is_instead_of_a_file(tmp_path):
    assert no_file(tmp_path) == "is a folder"
    assert no_file(tmp_path / "a.json") == "does not exist"
    os.mkfifo(tmp_path / "pipe")
    assert no_file(tmp_path / "pipe") == "is not a regular file"
    (tmp_path / "loop").symlink_to("loop")
    assert no_file(tmp_path / "loop") == "is not a regular file"
