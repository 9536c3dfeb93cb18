import numpy as np
import pytest
from PIL import Image, ImageOps

from audit.data.decode import read_file
from audit.records import AnnotatedObject
from audit.regions import turn
from audit.regions.boxes import mask_boxes
from audit.regions.turn import settle, turned

ORIENTATION = 0x0112
STORED = (5, 8)  # height, width


def blob():
    """A random mask without symmetry: rows 1 to 3, columns 1 to 3 of 5 rows and 8 columns."""
    mask = np.zeros(STORED, dtype=bool)
    mask[1:4, 1:4] = np.random.default_rng(2).random((3, 3)) < 0.6
    mask[1, 1:4] = mask[1:4, 1] = True
    mask[3, 3] = False
    return mask


def box_of(mask):
    return tuple(mask_boxes(mask[None])[0].tolist())


@pytest.mark.parametrize("kind", ["png", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_and_boxes_turn_as_pillow_turns_the_photo(tmp_path, orientation, kind):
    """Each mask pixel is 16×16 pixels of the photo, so that JPEG keeps it."""
    mask = blob().repeat(16, axis=0).repeat(16, axis=1)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    file = tmp_path / f"photo.{kind}"
    Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0))).save(file, exif=exif)
    with Image.open(file) as photo:
        upright = np.asarray(ImageOps.exif_transpose(photo)) > 127
    reading = read_file(file, "photo")
    assert reading.orientation == orientation
    assert np.array_equal(reading.pixels[:, :, 0] > 127, upright)
    one = turned(AnnotatedObject(box_of(mask), mask, 3, ignore=True), mask.shape, orientation)
    assert np.array_equal(one.mask, upright)
    assert one.mask.flags.c_contiguous
    assert one.box == box_of(upright)
    assert (one.label, one.ignore) == (3, True)


def test_a_box_turned_by_hand():
    """EXIF 6, stored 5 rows × 8 columns: row r is upright column 4 - r, so y 1–3 is x 2–4.

    EXIF 8: column c is upright row 7 - c, so x 0–2 is y 6–8.
    """
    box = AnnotatedObject((0.0, 1.0, 2.0, 3.0))
    assert turned(box, STORED, 6).box == (2.0, 0.0, 4.0, 2.0)
    assert turned(box, STORED, 8).box == (1.0, 6.0, 3.0, 8.0)


@pytest.mark.parametrize("stated", [None, STORED])
@pytest.mark.parametrize("orientation", [1, 3])
def test_objects_in_the_upright_frame_stay(stated, orientation):
    objects = [AnnotatedObject((0.0, 1.0, 2.0, 3.0)), AnnotatedObject(mask=blob())]
    found = settle(objects, stated, STORED, orientation)
    assert found.objects == tuple(objects)
    assert found.note == ""


def test_objects_of_the_unturned_photo_are_turned():
    found = settle([AnnotatedObject((0.0, 1.0, 2.0, 3.0))], STORED, STORED[::-1], 6)
    assert [one.box for one in found.objects] == [(2.0, 0.0, 4.0, 2.0)]
    assert found.note == (
        "annotations of the unturned photo (8×5 pixels (width×height)) turned upright"
    )


@pytest.mark.parametrize(
    ("size", "orientation"),
    [((8, 5), 1), ((8, 5), 3), ((10, 16), 1), ((9, 5), 6)],
    ids=["sideways, not turned", "sideways, turned over", "of another scale", "one row more"],
)
def test_objects_of_another_image_are_not_used(size, orientation):
    found = settle([AnnotatedObject((0.0, 1.0, 2.0, 3.0))], STORED, size, orientation)
    assert found.objects == ()
    assert found.note == (
        "annotations not used: they are of an image of 8×5 pixels (width×height), "
        f"this one has {size[1]}×{size[0]} pixels (width×height)"
    )


def test_objects_outside_are_left_out():
    """A box from the last column on, the same with its empty mask, one of a quarter inside."""
    objects = [
        AnnotatedObject((8.0, 0.0, 9.0, 5.0)),
        AnnotatedObject((8.0, 0.0, 9.0, 5.0), np.zeros(STORED, dtype=bool)),
        AnnotatedObject((-1.0, -1.0, 1.0, 1.0)),
    ]
    found = settle(objects, STORED, STORED, 1)
    assert found.objects == (objects[2],)
    assert found.note == "2 of 3 annotated objects lie outside the image"


def test_objects_too_small_for_a_pixel_are_not_said_to_lie_outside():
    empty = np.zeros(STORED, dtype=bool)
    objects = [
        AnnotatedObject((1.1, 1.1, 1.2, 1.2), empty),
        AnnotatedObject(mask=empty),
        AnnotatedObject((8.0, 0.0, 9.0, 5.0)),
    ]
    found = settle(objects, STORED, STORED, 1)
    assert found.objects == ()
    assert found.note == (
        "2 of 3 annotated objects hold no pixel's centre; "
        "1 of 3 annotated objects lie outside the image"
    )


def test_more_objects_than_can_be_scored_are_not_used(monkeypatch):
    objects = [AnnotatedObject((0.0, 0.0, 2.0, 2.0))] * 3
    monkeypatch.setattr(turn, "_MOST_OBJECTS", 3)
    assert len(settle(objects, None, STORED, 1).objects) == 3
    monkeypatch.setattr(turn, "_MOST_OBJECTS", 2)
    found = settle(objects, None, STORED, 1)
    assert found.objects == ()
    assert found.note == "annotations not used: 3 of one image, the limit is 2"
