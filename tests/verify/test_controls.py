import time

import numpy as np
import pytest

from audit.verify.controls import CONTROLS, placements

NOTHING = np.zeros((12, 12), dtype=bool)


def _corner(*shape, rows=2, columns=2):
    patch = np.zeros(shape, dtype=bool)
    patch[:rows, :columns] = True
    return patch


def _shape_of(patch):
    rows, columns = np.nonzero(patch)
    return sorted(zip(rows - rows.min(), columns - columns.min(), strict=True))


def test_copies_of_the_patch_that_share_no_pixel():
    patch = np.zeros((12, 17), dtype=bool)
    patch[4:7, 3] = patch[6, 3:6] = True  # an L
    blocked = np.zeros_like(patch)
    blocked[:, 10:12] = True
    found = placements(patch, blocked, CONTROLS, np.random.default_rng(0))
    assert len(found) == CONTROLS
    for one in found:
        assert _shape_of(one) == _shape_of(patch)
    assert np.sum([patch, blocked, *found], axis=0).max() == 1


def test_the_last_rows_and_columns_are_reached():
    # 3×3 frame, 1×1 patch at the top left, all but the bottom right blocked
    blocked = np.ones((3, 3), dtype=bool)
    blocked[2, 2] = False
    (only,) = placements(_corner(3, 3, rows=1, columns=1), blocked, 4, np.random.default_rng(0))
    assert np.argwhere(only).tolist() == [[2, 2]]


def test_every_free_place_is_as_likely():
    # a 1×1 patch in a row of six: five free places, 1000 draws: 200 ± 5σ, σ = √(1000·.2·.8) = 12.6
    patch = _corner(1, 6, rows=1, columns=1)
    rng = np.random.default_rng(0)
    counts = np.zeros(6)
    for _ in range(1000):
        (one,) = placements(patch, np.zeros_like(patch), 1, rng)
        counts += one[0]
    assert counts[0] == 0
    assert np.abs(counts[1:] - 200).max() < 63


def test_the_generator_decides():
    def drawn(seed):
        found = placements(_corner(12, 12), NOTHING, 4, np.random.default_rng(seed))
        return [int(one.argmax()) for one in found]

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


@pytest.mark.parametrize(
    ("free", "found"),
    [
        (0, 0),  # nothing is left
        (1, 1),  # rows 4 to 5 and columns 4 to 5: one place of 2×2
        (3, 3),  # three such blocks, apart
    ],
)
def test_fewer_where_there_is_no_room(free, found):
    blocked = ~NOTHING
    for k in range(free):
        blocked[4:6, 3 * k + 3 : 3 * k + 5] = False
    assert len(placements(_corner(12, 12), blocked, 4, np.random.default_rng(0))) == found


def test_a_patch_as_large_as_the_frame_has_no_place():
    assert placements(~NOTHING, NOTHING, 4, np.random.default_rng(0)) == []


def test_full_frames_are_searched_quickly():
    patch = np.zeros((224, 224), dtype=bool)
    patch[:60, :60] = True  # 7% of the frame
    start = time.perf_counter()
    found = placements(patch, np.zeros_like(patch), 4, np.random.default_rng(1))
    assert len(found) == 4
    assert np.sum([patch, *found], axis=0).max() == 1
    assert time.perf_counter() - start < 2
