import os
import pickle

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from audit.data.folder import FolderSource
from audit.errors import DataError


def put(path, colour=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (3, 2), colour).save(path, "PNG")


@pytest.fixture
def pets(tmp_path):
    for name in ("dog/2.png", "dog/1.PNG", "dog/old/0.jpg", "dog/old-er/5.png", "cat/9.png"):
        put(tmp_path / name)
    return tmp_path


def test_listing_equals_torchvisions(pets):
    listing = FolderSource(pets).listing
    peer = ImageFolder(str(pets))
    assert list(listing.classes) == peer.classes == ["cat", "dog"]
    assert [str(pets / path) for path in listing.paths] == [path for path, _ in peer.samples]
    assert listing.labels.tolist() == peer.targets
    assert listing.labels.dtype == listing.sizes.dtype == np.int64
    assert listing.sizes.tolist() == [(pets / path).stat().st_size for path in listing.paths]
    assert listing.annotations == ""


def test_read_gives_the_pixels_of_the_listed_path(pets):
    put(pets / "dog" / "3.png", colour=200)
    source = FolderSource(pets)
    reading = source.read(source.listing.paths.index("dog/3.png"))
    assert reading.pixels.shape == (2, 3, 3)
    assert (reading.pixels == 200).all()
    assert source.slices(0) == {}


def test_a_split_is_a_folder_below_the_root_where_there_is_one(tmp_path):
    put(tmp_path / "train" / "a" / "1.png")
    put(tmp_path / "test" / "a" / "2.png")
    assert FolderSource(tmp_path, "test").listing.paths == ("a/2.png",)
    assert FolderSource(tmp_path / "test", "test").listing.paths == ("a/2.png",)


@pytest.mark.parametrize(("split", "says"), [("val", "no split 'val'"), (None, "no split was")])
def test_splits_are_never_taken_for_classes(tmp_path, split, says):
    put(tmp_path / "train" / "a" / "1.png")
    put(tmp_path / "test" / "a" / "2.png")
    with pytest.raises(DataError, match=rf"{says}.*choose --split from test, train"):
        FolderSource(tmp_path, split)


def test_a_clean_folder_warns_of_nothing(pets):
    assert FolderSource(pets).warnings == ()


def test_an_empty_class_keeps_its_index_and_is_said(pets):
    (pets / "bird").mkdir()
    source = FolderSource(pets)
    assert source.listing.classes == ("bird", "cat", "dog")
    assert source.listing.labels.tolist() == [1, 2, 2, 2, 2]
    assert source.warnings == ("class folders without an image: 1 ('bird')",)


def test_hidden_and_other_files_are_skipped_and_counted(pets):
    put(pets / ".ipynb_checkpoints" / "1.png")
    put(pets / "cat" / "._9.png")
    put(pets / "cat" / ".cache" / "1.png")
    put(pets / "stray.png")
    (pets / "cat" / "notes.txt").write_text("x")
    source = FolderSource(pets)
    assert source.listing.classes == ("cat", "dog")
    assert len(source.listing) == 5
    assert source.warnings == (
        "images outside every class folder, skipped: 1",
        "hidden files or folders, skipped: 3",
        "files that are not images, skipped: 1",
    )


def test_link_loops_end_and_linked_folders_are_read(pets):
    (pets / "cat" / "round").symlink_to(pets / "cat")
    (pets / "cat" / "self").symlink_to(pets / "cat" / "self")
    (pets / "wolf").symlink_to(pets / "dog")
    source = FolderSource(pets)
    assert source.listing.classes == ("cat", "dog", "wolf")
    assert np.bincount(source.listing.labels).tolist() == [1, 4, 4]
    assert "folders reached again through links, skipped: 1" in source.warnings


def test_broken_links_and_pipes_with_an_image_name_stay_rows(pets):
    (pets / "cat" / "gone.png").symlink_to(pets / "nowhere.png")
    os.mkfifo(pets / "cat" / "pipe.png")
    source = FolderSource(pets)
    assert source.listing.paths[:3] == ("cat/9.png", "cat/gone.png", "cat/pipe.png")
    assert source.listing.sizes[1] == 0
    assert "no such file" in source.read(1).detail
    assert "not a regular file" in source.read(2).detail


ODD = ["a b", 'it\'s "so"', "new\nline", "<script>alert(1)<", "100%", "ключ", "back\\slash"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_kept_as_they_are(tmp_path, name):
    put(tmp_path / name / f"{name}.png")
    source = FolderSource(tmp_path)
    assert source.listing.classes == (name,)
    assert source.listing.paths == (f"{name}/{name}.png",)
    assert source.read(0).pixels is not None


def test_names_that_are_not_utf8_are_escaped_and_still_read(tmp_path):
    put(tmp_path / os.fsdecode(b"caf\xe9") / os.fsdecode(b"\xff.png"))
    source = FolderSource(tmp_path)
    assert source.listing.classes == ("caf\\xe9",)
    assert source.listing.paths == ("caf\\xe9/\\xff.png",)
    assert pa.array(source.listing.paths).to_pylist() == list(source.listing.paths)
    assert source.read(0).pixels is not None


def test_a_bad_file_is_a_reading_not_an_error(pets):
    (pets / "cat" / "9.png").write_bytes(b"")
    reading = FolderSource(pets).read(0)
    assert reading.pixels is None
    assert reading.detail == "empty file (0 bytes)"


def test_a_missing_root_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere' does not exist: --data-root"):
        FolderSource(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        FolderSource(tmp_path / "file")


def test_no_class_folders_says_what_lies_there_instead(tmp_path):
    put(tmp_path / "1.png")
    with pytest.raises(DataError, match=r"no class folders.*directly in it: 1.*<class>/<image>"):
        FolderSource(tmp_path)


def test_no_image_at_all_says_what_was_looked_for(tmp_path):
    for name in "abcdefg":
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"7 class folders.*'e' and 2 more.*\.jpg"):
        FolderSource(tmp_path)


def test_a_folder_that_cannot_be_listed_is_an_error_not_a_gap(pets, monkeypatch):
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("old"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(DataError, match=r"cannot list folder .*dog/old'.*Permission denied"):
        FolderSource(pets)


def test_it_travels_to_worker_processes(pets):
    source = pickle.loads(pickle.dumps(FolderSource(pets)))  # noqa: S301 - our own bytes
    assert source.read(0).pixels is not None
