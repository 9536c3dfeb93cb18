import numpy as np
import pytest
from pycocotools import mask as rle
from scipy.ndimage import gaussian_filter

from audit.regions.pseudo.outline import polygons_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def drawn(polygons: list[list[int]], mask: np.ndarray) -> np.ndarray:
    return rle.decode(rle.merge(rle.frPyObjects(polygons, *mask.shape))).astype(bool)


def test_a_rectangle_has_its_four_corners() -> None:
    mask = np.zeros((5, 8), dtype=bool)
    mask[1:4, 2:7] = True  # columns 2 to 6, rows 1 to 3: edges at x 2 and 7, y 1 and 4
    (polygon,) = polygons_of(mask)
    corners = {tuple(polygon[i : i + 2]) for i in range(0, len(polygon), 2)}
    assert corners == {(2, 1), (7, 1), (7, 4), (2, 4)}
    assert len(polygon) == 8


def test_parts_that_touch_by_a_corner_are_polygons_of_their_own() -> None:
    mask = np.eye(3, dtype=bool)
    polygons = polygons_of(mask)
    assert [len(one) for one in polygons] == [8, 8, 8]
    assert np.array_equal(drawn(polygons, mask), mask)


def test_a_hole_belongs_to_the_polygon_of_its_part() -> None:
    mask = np.ones((5, 5), dtype=bool)
    mask[2, 2] = False
    (polygon,) = polygons_of(mask)
    assert len(polygon) == 20  # 4 corners, 4 of the hole, and 2 to come back through the cut: 10
    assert np.array_equal(drawn([polygon], mask), mask)


def test_an_island_in_a_hole() -> None:
    mask = np.ones((7, 7), dtype=bool)
    mask[1:6, 1:6] = False
    mask[3, 3] = True
    polygons = polygons_of(mask)
    assert sorted(map(len, polygons)) == [8, 20]
    assert np.array_equal(drawn(polygons, mask), mask)


@pytest.mark.parametrize("seed", range(30))
def test_decoding_gives_the_mask_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    field = rng.random(rng.integers(3, 80, 2))
    mask = gaussian_filter(field, seed % 3) > rng.uniform(0.4, 0.6)
    mask[0, 0] = True
    assert np.array_equal(drawn(polygons_of(mask), mask), mask)
