from dataclasses import replace

import numpy as np
import pytest

from audit.plan import make_plan
from audit.records import OTHER, AnnotatedObject, Annotation
from audit.region_choice import RegionChoice
from audit.verify.subjects import read_subjects

SIZE = 32


@pytest.fixture
def plan(cued_config):
    return make_plan(cued_config)


def _mask(rows, columns, size=(SIZE, SIZE)):
    mask = np.zeros(size, dtype=bool)
    mask[rows, columns] = True
    return mask


def _read(plan, indices, predicted):
    """The subjects of ``indices``, each map hot in the one cell of its place in the order."""
    n = len(indices)
    cams = np.zeros((n, 8, 8), dtype=np.uint8)
    cams[np.arange(n), 0, np.arange(n)] = 255
    before = np.linspace(0.1, 0.9, n).astype(np.float32)
    return list(read_subjects(plan, np.array(indices), np.array(predicted), cams, before))


def test_each_image_with_what_is_known_of_it(plan):
    # more than a batch of four, in an order of their own
    indices = [5, 2, 9, 1, 0, 30]
    subjects = _read(plan, indices, [2, 2, 0, 1, 0, 0])
    assert [one.index for one in subjects] == indices
    assert [one.predicted for one in subjects] == [2, 2, 0, 1, 0, 0]
    np.testing.assert_allclose([one.probability for one in subjects], np.linspace(0.1, 0.9, 6))
    for k, one in enumerate(subjects):
        assert np.array_equal(one.picture, plan.source.read(one.index).pixels)
        assert one.picture.dtype == np.uint8
        # a cell is 4 pixels; its peak lies round its centre: a hat's largest weight is 7/8 twice
        assert one.heat.shape == (SIZE, SIZE)
        assert np.unravel_index(one.heat.argmax(), one.heat.shape)[1] // 4 == k
        assert 0.76 < one.heat.max() <= 1


def test_the_region_and_its_guard(plan):
    (one,) = _read(plan, [0], [0])
    assert np.array_equal(one.region, _mask(slice(14, 22), slice(14, 22)))
    grown = _mask(slice(10, 26), slice(10, 26))  # by a cell: 32/8 = 4 pixels
    assert np.array_equal(one.guard, grown)
    assert np.array_equal(one.outside, ~grown)
    assert not one.other.any()
    assert not one.ignore.any()


def test_no_images(plan):
    assert _read(plan, [], []) == []


class _Annotated:
    """Image 0 shows an object of class 1, one of class 2, one of no class, and a crowd."""

    digest = ""
    warnings = ()

    def of(self, index, size, orientation):
        if index:
            return Annotation()
        told = [((2, 2, 8, 8), 1), ((20, 2, 26, 8), 2), ((24, 2, 30, 8), OTHER)]
        objects = [AnnotatedObject(box=box, label=label) for box, label in told]
        return Annotation((*objects, AnnotatedObject(box=(0, 28, 32, 32), ignore=True)))


def test_the_other_objects_and_what_is_to_be_ignored(plan):
    plan = replace(plan, regions=RegionChoice(_Annotated(), "coco"))
    one, two, three, empty = _read(plan, [0, 0, 0, 5], [1, 2, 0, 1])
    small, large = _mask(slice(2, 8), slice(2, 8)), _mask(slice(2, 8), slice(20, 26))
    both = _mask(slice(2, 8), slice(20, 30))
    assert np.array_equal(one.region, small)
    assert np.array_equal(one.other, both)
    assert np.array_equal(two.region, large)
    assert np.array_equal(two.other, small | (both & ~large))
    assert not three.region.any()  # neither of the predicted class 0 nor of the label's, 0
    assert np.array_equal(three.other, small | both)
    crowd = _mask(slice(28, 32), slice(0, 32))
    for subject in (one, two, three):
        assert np.array_equal(subject.ignore, crowd)
        assert np.array_equal(subject.outside, ~(subject.guard | crowd))
    assert not (empty.region | empty.guard | empty.other | empty.ignore).any()


def test_views_that_are_not_square_and_grids_that_do_not_divide_them(cued_config):
    # 30×44 pixels, maps of 7×11 cells: a guard of ⌈30/7⌉ = 5 rows and 44/11 = 4 columns
    plan = make_plan(replace(cued_config, resize="30x44"))
    assert (plan.size, plan.grid) == ((30, 44), (7, 11))
    cam = np.zeros((1, 7, 11), dtype=np.uint8)
    cam[0, 6, 10] = 255
    predicted, before = np.array([0]), np.array([0.5])
    (one,) = read_subjects(plan, np.array([0]), predicted, cam, before)
    assert one.picture.shape == (30, 44, 3)
    row, column = np.unravel_index(one.heat.argmax(), one.heat.shape)
    assert row >= 28  # the last cell's centre is at 27.9 and 42, and what lies beyond is as hot
    assert column >= 41
    rows, columns = np.nonzero(one.region)
    # rows 14 to 22 of 32 are 13.1 to 20.6 of 30, columns 19.25 to 30.25 of 44
    assert (rows.min(), rows.max() + 1) in {(13, 21), (13, 20)}
    assert (columns.min(), columns.max() + 1) == (19, 30)
    grown = _mask(
        slice(rows.min() - 5, rows.max() + 6), slice(columns.min() - 4, columns.max() + 5), (30, 44)
    )
    assert np.array_equal(one.guard, grown)
