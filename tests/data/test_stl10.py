import pickle

import numpy as np
import pytest

from audit.data import stl10
from audit.errors import ConfigError, DataError


def test_reads_the_published_layout(tmp_path):
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    image = np.zeros((1, 3, 96, 96), dtype=np.uint8)  # file order: channel, column, row
    image[0, 1, 7, 3] = 200  # green, column 7, row 3
    image.tofile(folder / "test_X.bin")
    np.array([10], dtype=np.uint8).tofile(folder / "test_y.bin")
    source = stl10.open_stl10(tmp_path, "test")
    assert source.images.shape == (1, 3, 96, 96)
    assert source.images[0, 1, 3, 7] == 200
    assert source.listing.labels.tolist() == [9]
    assert source.listing.classes[9] == "truck"
    assert source.masks is None


def test_reads_what_torchvision_reads(stl10_root):
    """Against torchvision's own reader, which checks md5s: that check alone is passed by."""
    from torchvision.datasets import STL10

    class Unchecked(STL10):
        def _check_integrity(self):
            return True

    (stl10_root / "stl10_binary" / "class_names.txt").write_text("a\n" * 10)
    peer = Unchecked(str(stl10_root), split="test")
    source = stl10.open_stl10(stl10_root, "test")
    assert np.array_equal(source.images, peer.data)
    assert np.array_equal(source.listing.labels, peer.labels)


def test_generated_files_are_said_not_to_be_the_published_ones(stl10_root):
    assert "md5" in stl10.open_stl10(stl10_root, "test").warnings[0]


def test_pickles_without_its_memory_map(stl10_root):
    source = stl10.open_stl10(stl10_root, "test")
    assert source.images.shape[0] == 24
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301
    assert np.array_equal(copy.images, source.images)
    assert len(pickle.dumps(source)) < 2000


@pytest.mark.parametrize(("extra", "match"), [(b"x", "whole number of images"), (b"", "24 images")])
def test_files_that_do_not_fit(stl10_root, extra, match):
    folder = stl10_root / "stl10_binary"
    with (folder / "test_X.bin").open("ab") as stream:
        stream.write(extra)
    (folder / "test_y.bin").write_bytes(bytes([1] * 23))
    with pytest.raises(DataError, match=match):
        _ = stl10.open_stl10(stl10_root, "test").listing


@pytest.mark.parametrize("wrong", [0, 11])
def test_a_label_out_of_range_is_named(stl10_root, wrong):
    file = stl10_root / "stl10_binary" / "test_y.bin"
    labels = np.fromfile(file, dtype=np.uint8)
    labels[5] = wrong
    labels.tofile(file)
    with pytest.raises(DataError, match=f"outside 1 to 10, the first being {wrong} of image 5"):
        _ = stl10.open_stl10(stl10_root, "test").listing


def test_unlabelled_split(stl10_root):
    folder = stl10_root / "stl10_binary"
    (folder / "test_X.bin").rename(folder / "unlabeled_X.bin")
    assert set(stl10.open_stl10(stl10_root, "unlabeled").listing.labels) == {-1}


def test_an_unknown_split_names_the_known_ones(stl10_root):
    with pytest.raises(ConfigError, match="'test'"):
        stl10.open_stl10(stl10_root, "tset")


def test_without_files_and_network_it_says_what_to_put_where(tmp_path, monkeypatch):
    def no_network(*_args, **_kwargs):
        raise OSError("name resolution failed")

    monkeypatch.setattr("torchvision.datasets.utils.download_and_extract_archive", no_network)
    with pytest.raises(DataError, match=r"stl10_binary\.tar\.gz.*test_X\.bin.*--data-root"):
        stl10.open_stl10(tmp_path, "test")


def test_the_download_is_torchvisions(tmp_path, monkeypatch):
    """The real call, with the archive's published name and md5; only the transfer is replaced."""
    asked = {}

    def fetch(url, root, filename, md5):
        asked.update(url=url, filename=filename, md5=md5)
        folder = tmp_path / "stl10_binary"
        folder.mkdir()
        np.zeros(3 * 96 * 96, dtype=np.uint8).tofile(folder / "test_X.bin")
        np.ones(1, dtype=np.uint8).tofile(folder / "test_y.bin")

    monkeypatch.setattr("torchvision.datasets.utils.download_and_extract_archive", fetch)
    assert len(stl10.open_stl10(tmp_path, "test").listing) == 1
    assert asked["filename"] == "stl10_binary.tar.gz"
    assert asked["md5"] == "91f7769df0f17e558f3565bffb0c7dfb"
