import numpy as np

from audit.data.geometry import view_of
from audit.records import AnnotatedObject, Preprocessing
from audit.regions.on_view import ignored, on_view

WHOLE = view_of(8, 200, Preprocessing())
MIDDLE = view_of(8, 16, Preprocessing(crop=(8, 8)))  # columns 4 to 11


def mask(*columns):
    held = np.zeros((8, 16), dtype=bool)
    held[:, columns] = True
    return held


def test_many_boxes_are_one_region():
    """150 boxes of one column each, drawn 64 at a time: every column is there, 8 rows each."""
    boxes = [AnnotatedObject((x, 0, x + 1, 8), label=1) for x in range(150)]
    (group,) = on_view(boxes, WHOLE)
    assert group.n_objects == 150
    assert group.raster[:, :150].all()
    assert not group.raster[:, 150:].any()
    assert group.visible == 1


def test_boxes_and_masks_of_a_class_join():
    """Columns 2 to 5 as a box, 5 and 12 as a mask: 4 and 5 of five columns are seen: 2 of 5."""
    objects = [AnnotatedObject((2, 0, 6, 8), label=0), AnnotatedObject(mask=mask(5, 12), label=0)]
    (group,) = on_view(objects, MIDDLE)
    assert group.raster.any(axis=0).tolist() == [True, True, *[False] * 6]
    assert group.visible == np.float64(2 / 5)
    assert group.boxes.tolist() == [[0, 0, 2, 8], [1, 0, 8, 8]]  # round the mask: columns 5 to 12


def test_a_mask_goes_before_its_box():
    (group,) = on_view([AnnotatedObject((4, 0, 12, 8), mask(6), label=0)], MIDDLE)
    assert group.raster.any(axis=0).tolist() == [i == 2 for i in range(8)]
    assert group.boxes.tolist() == [[0, 0, 8, 8]]


def test_what_the_crop_cuts_away_is_a_region_that_is_not_seen():
    (group,) = on_view([AnnotatedObject((0, 0, 3, 8), label=0)], MIDDLE)
    assert not group.raster.any()
    assert group.visible == 0
    assert len(group.boxes) == 0


def test_ignored_areas_are_apart():
    crowd = AnnotatedObject((4, 0, 6, 8), label=0, ignore=True)
    outside = AnnotatedObject((90, 0, 99, 8), label=0, ignore=True)
    assert on_view([crowd], MIDDLE) == []
    assert ignored([crowd, outside], MIDDLE).any(axis=0).tolist() == [True, True, *[False] * 6]
    assert ignored([outside], MIDDLE) is None
