from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from audit.errors import ConfigError, DataError
from audit.pictures.files import Picture, find_images, is_ours, place_pictures, write_png

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def _touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_what_is_written_is_read_back_and_known_as_ours(tmp_path):
    path = tmp_path / "new" / "größe 中.png"
    write_png(PIXELS, path)
    data = np.frombuffer(path.read_bytes(), np.uint8)
    assert np.array_equal(cv2.imdecode(data, cv2.IMREAD_COLOR), PIXELS)
    with Image.open(path) as image:  # checks every chunk's sum
        image.verify()
    with Image.open(path) as image:
        assert image.text == {"Software": "cam-audit explain"}
    assert is_ours(path)


def test_another_file_is_not_ours(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    _touch(tmp_path, "b.png")
    assert not is_ours(tmp_path / "a.png")
    assert not is_ours(tmp_path / "b.png")
    assert not is_ours(tmp_path / "missing.png")


def test_folders_are_searched_at_any_depth_and_files_taken_as_named(tmp_path):
    _touch(tmp_path, "b/2.jpg", "b/1.PNG", "a.webp", "notes.txt", ".hidden.jpg", ".git/c.jpg")
    write_png(PIXELS, tmp_path / "explain" / "a.png")
    found = find_images([tmp_path, Path("x/odd.name")])
    assert found == [
        (tmp_path / "a.webp", Path("a")),
        (tmp_path / "b/1.PNG", Path("b/1")),
        (tmp_path / "b/2.jpg", Path("b/2")),
        (Path("x/odd.name"), Path("odd")),
    ]


def test_nothing_to_look_at_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="needs an image"):
        find_images([])
    with pytest.raises(DataError, match="no image in folder"):
        find_images([tmp_path])


def test_equal_names_are_told_apart():
    given = [(Path(f"{i}.jpg"), Path(name)) for i, name in enumerate(["a", "A", "a-2", "a", "b"])]
    targets = [picture.target for picture in place_pictures(given, Path("out"), "")]
    assert [target.name for target in targets] == [
        "a.png",
        "A-2.png",
        "a-2-2.png",
        "a-3.png",
        "b.png",
    ]


def test_one_image_may_go_to_a_file():
    one = [(Path("a.jpg"), Path("a"))]
    assert place_pictures(one, Path("out.png"), "-x") == (Picture(Path("a.jpg"), Path("out.png")),)
    with pytest.raises(ConfigError, match="2 images need a folder"):
        place_pictures(one * 2, Path("out.png"), "")


def test_only_pictures_of_ours_are_overwritten(tmp_path):
    write_png(PIXELS, tmp_path / "a.png")
    _touch(tmp_path, "b.png")
    place_pictures([(Path("a.jpg"), Path("a"))], tmp_path, "")
    with pytest.raises(ConfigError, match=r"b\.png exists and is no picture of cam-audit"):
        place_pictures([(Path("b.jpg"), Path("b"))], tmp_path, "")


@pytest.mark.parametrize("output", ["notes", "notes/sub", "notes/a.png"])
def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, output):
    _touch(tmp_path, "notes")
    with pytest.raises(ConfigError, match="notes is a file"):
        place_pictures([(Path("a.jpg"), Path("a"))], tmp_path / output, "")
