import numpy as np
import pytest
import torch

from audit.sanity.curves import areas, blurred

SEED, INDEX = 3, 11


@pytest.fixture
def view():
    """One image of noise: blurring changes (nearly) every pixel of it."""
    return torch.randint(0, 256, (1, 3, 12, 18), generator=torch.Generator().manual_seed(0)).byte()


def _sees(view, row, column):
    """Probability 1 while most of one cell of 6×6 pixels is as it was, else 0."""
    cell = (..., slice(6 * row, 6 * row + 6), slice(6 * column, 6 * column + 6))
    return lambda shown: (
        (shown[cell] == view[cell]).flatten(1).float().mean(1).round()  # blur keeps some by chance
    )


def test_curves_by_hand(view):
    """Six cells in six steps; the probability falls with the cell (1, 0), the map's hottest."""
    cams = np.array([[[0.1, 0.2, 0.3], [0.9, 0.0, 0.4]]])
    found = areas(_sees(view, 1, 0), view, cams, np.array([INDEX]), SEED)
    # deletion 1 0 0 0 0 0 0 and insertion 0 1 1 1 1 1 1, by trapezoids of width 1/6
    assert found.deletion[0] == pytest.approx(1 / 12)
    assert found.insertion[0] == pytest.approx(11 / 12)
    # in the random order the cell, number 3, is covered at some place k: 1 for the steps 0 … k
    order = np.random.default_rng([SEED, INDEX]).permutation(6).tolist()
    assert found.random[0] == pytest.approx((order.index(3) + 0.5) / 6)


def test_a_map_that_ranks_the_cell_last_is_worse_than_chance(view):
    cams = np.array([[[0.1, 0.2, 0.3], [0.0, 0.5, 0.4]]])
    found = areas(_sees(view, 1, 0), view, cams, np.array([INDEX]), SEED)
    assert found.deletion[0] == pytest.approx(11 / 12)
    assert found.insertion[0] == pytest.approx(1 / 12)


def test_a_flat_map_is_no_better_than_the_random_order(view):
    found = areas(_sees(view, 0, 2), view, np.ones((1, 2, 3)), np.array([INDEX]), SEED)
    assert found.deletion == found.random


def test_an_images_order_does_not_hang_on_its_batch(view):
    two = view.repeat(2, 1, 1, 1)
    cams, index = np.ones((2, 2, 3)), np.array([INDEX, INDEX + 1])
    batch = areas(_sees(two, 0, 2), two, cams, index, SEED)
    alone = areas(_sees(view, 0, 2), view, cams[1:], index[1:], SEED)
    assert batch.random[1] == alone.random[0]


def test_blurring_keeps_the_colour_and_loses_the_detail(view):
    flat = torch.full((1, 3, 20, 20), 77, dtype=torch.uint8)
    assert torch.equal(blurred(flat), flat)
    soft = blurred(view)
    assert soft.shape == view.shape
    assert soft.float().mean() == pytest.approx(view.float().mean(), abs=3)
    assert soft.float().std() < 0.4 * view.float().std()
