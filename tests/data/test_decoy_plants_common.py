import numpy as np

from audit.data.decoy.plants_common import free_place


def _places(mask, height, width, gap, n=200):
    rng = np.random.default_rng(0)
    return {free_place(mask, height, width, gap, rng) for _ in range(n)}


def test_a_place_keeps_the_gap_from_the_object():
    """The object's columns 0 to 3 and the gap's 4 to 5 leave columns 6 to 9 of ten, rows 0 to 4."""
    mask = np.zeros((6, 10), bool)
    mask[:, :4] = True
    assert _places(mask, 2, 4, 2.0) == {(top, 6) for top in range(5)}


def test_a_place_that_cannot_keep_the_gap_covers_least_of_the_object():
    """Only column 9 is free: 3 wide, a place at column 7 covers two of the object's columns."""
    mask = np.ones((4, 10), bool)
    mask[:, 9] = False
    assert _places(mask, 4, 3, 0.0) == {(0, 7)}


def test_every_place_of_an_empty_frame_is_met():
    assert _places(np.zeros((4, 5), bool), 3, 4, 1.0) == {(r, c) for r in (0, 1) for c in (0, 1)}
