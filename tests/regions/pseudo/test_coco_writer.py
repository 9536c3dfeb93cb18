import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audit.errors import DataError
from audit.records import Listing, Reading
from audit.regions.coco import CocoAnnotations
from audit.regions.pseudo.cache import Estimate, estimate_of
from audit.regions.pseudo.coco_writer import write_coco, write_pictures

CUT, SEEN = "pseudo:grabcut", "pseudo:maskrcnn_resnet50_fpn"
LISTING = Listing(("cat", "dog"), np.array([0, 1, 1, -1]), None, np.full(4, 9))


def ring(height: int, width: int) -> np.ndarray:
    """A frame of one pixel, one pixel away from the picture's edges."""
    mask = np.zeros((height, width), dtype=bool)
    mask[1:-1, 1:-1] = True
    mask[2:-2, 2:-2] = False
    return mask


def estimates(second: str = CUT) -> dict[int, Estimate]:
    return {
        0: estimate_of(0, CUT, ring(6, 9)),
        1: estimate_of(1, second, ring(7, 5)),
        2: estimate_of(2, CUT, np.zeros((4, 4), dtype=bool)),
        3: estimate_of(3, CUT, ring(5, 5)),
    }


def test_the_file_says_what_was_found(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er.json"
    write_coco(file, LISTING, estimates())
    held = json.loads(file.read_text())
    assert held["info"]["region_source"] == CUT
    assert held["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    assert held["images"][1] == {"id": 2, "file_name": "000001.png", "width": 5, "height": 7}
    assert len(held["images"]) == 4
    first, second = held["annotations"]  # nothing was found in 2, and 3 has no label
    # the ring of 6×9 covers rows 1 to 4 and columns 1 to 7: 28 pixels less the inner 10
    assert first["bbox"] == [1, 1, 7, 4]
    assert first["area"] == 18
    assert (first["image_id"], first["category_id"], first["iscrowd"]) == (1, 1, 0)
    assert (second["image_id"], second["category_id"]) == (2, 2)
    assert [path.name for path in file.parent.iterdir()] == ["er.json"]


def test_the_file_is_read_back_to_the_same_masks(tmp_path: Path) -> None:
    file = tmp_path / "regions.json"
    write_coco(file, LISTING, estimates())
    found = CocoAnnotations(file, LISTING)
    for index, one in list(estimates().items())[:2]:
        held = found.of(index, one.size, 1)
        assert np.array_equal(held.objects[0].mask, one.mask())
        assert held.objects[0].label == LISTING.labels[index]
        assert held.source == CUT
    assert found.of(2, (4, 4), 1).objects == ()


def test_regions_of_two_methods_are_called_mixed(tmp_path: Path) -> None:
    write_coco(tmp_path / "a.json", LISTING, estimates(SEEN))
    assert json.loads((tmp_path / "a.json").read_text())["info"]["region_source"] == "pseudo:mixed"


def test_an_unreadable_image_is_left_out(tmp_path: Path) -> None:
    write_coco(tmp_path / "a.json", LISTING, estimates() | {2: Estimate(2, "none", (0, 0), b"")})
    held = json.loads((tmp_path / "a.json").read_text())
    assert [image["id"] for image in held["images"]] == [1, 2, 4]


class Pictures:
    """Three pictures of one colour each, the second of which cannot be read."""

    warnings = ()
    listing = LISTING

    def read(self, index: int) -> Reading:
        return Reading(None if index == 1 else np.full((2, 3, 3), 40 * index, np.uint8), "00")

    def slices(self, index: int) -> dict[str, str]:
        return {}


def test_pictures_get_the_names_of_the_file(tmp_path: Path) -> None:
    write_pictures(tmp_path / "new", Pictures(), np.array([1, 2]))
    (file,) = (tmp_path / "new").iterdir()
    assert file.name == "000002.png"
    assert np.array_equal(np.asarray(Image.open(file)), np.full((2, 3, 3), 80))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write '.*regions\.json': (Not a dir|File exists)"):
        write_coco(tmp_path / "file" / "regions.json", LISTING, estimates())
    with pytest.raises(DataError, match="cannot write pictures to"):
        write_pictures(tmp_path / "file" / "new", Pictures(), np.array([0]))
