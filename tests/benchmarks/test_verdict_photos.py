import numpy as np
import pytest

from benchmarks.verdicts import photos
from benchmarks.verdicts.photos import Cutout, chosen, cut, drops, has_room, paste

GREY, RED = 100, (200, 0, 0)


@pytest.fixture
def photo():
    """A grey picture of 64×64 whose object is its right half."""
    region = np.zeros((64, 64), dtype=bool)
    region[:, 32:] = True
    return np.full((64, 64, 3), GREY, dtype=np.uint8), region


@pytest.fixture
def square():
    """A red square of 20×20."""
    return Cutout("square", np.full((20, 20, 3), RED, dtype=np.uint8), np.ones((20, 20), bool))


def _rng(seed=0):
    return np.random.default_rng(seed)


def test_cutting_takes_the_box_round_the_mask():
    pixels = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    mask = np.zeros((6, 8), dtype=bool)
    mask[1, 2] = mask[4, 5] = True
    found = cut(pixels, mask, "two points", 3)
    assert np.array_equal(found.pixels, pixels[1:5, 2:6])
    assert np.array_equal(found.mask, mask[1:5, 2:6])
    assert (found.name, found.photo) == ("two points", 3)


def test_a_paste_arrives_beside_the_region(photo, square):
    """A tenth of 64·64 is 409.6 pixels: a square of 20.2, cut to 20, of 400."""
    picture, region = photo
    changed, where = paste(picture, region, square, 0.1, _rng())
    assert where.sum() == 400
    assert not (where & region).any()
    assert (changed[~where] == GREY).all()
    rows, columns = np.nonzero(where)
    inside = changed[rows.min() + 2 : rows.max() - 1, columns.min() + 2 : columns.max() - 1]
    assert (inside == RED).all()
    assert (picture == GREY).all()


def test_the_edge_fades_inside_the_mask(photo, square):
    """One pixel from outside it is 1/1.5 of the object: 100 + (200 - 100)·2/3 = 167 of red."""
    changed, where = paste(*photo, square, 0.1, _rng())
    rows, columns = np.nonzero(where)
    edge = changed[rows.min(), columns.min() + 5]
    assert edge == pytest.approx([167, 33, 33], abs=4)  # OpenCV's distances are approximate


def test_what_the_mask_leaves_out_is_not_pasted(photo):
    """A ring whose middle belongs to no object: the picture shows through."""
    mask = np.ones((20, 20), dtype=bool)
    mask[6:14, 6:14] = False
    ring = Cutout("ring", np.full((20, 20, 3), RED, dtype=np.uint8), mask)
    area = mask.sum() / 64**2  # 336 pixels: at its own size
    changed, where = paste(*photo, ring, area, _rng())
    assert where.sum() == 336
    assert (changed[~where] == GREY).all()


def test_pastes_are_the_same_each_time_and_lie_elsewhere_with_another_seed(photo, square):
    one, again, other = (paste(*photo, square, 0.1, _rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])
    assert not np.array_equal(one[1], other[1])


def test_an_object_shrinks_until_it_fits(photo, square):
    """A quarter of the frame is 32 pixels wide; 18 are free, so 32·.85⁴ = 16.7, cut to 16."""
    picture, region = photo
    region[:, 18:] = True
    _, where = paste(picture, region, square, 0.25, _rng())
    assert where.sum() == 16**2
    assert not (where & region).any()


def test_no_place_no_paste(photo, square):
    picture, region = photo
    region[:, 15:] = True
    assert paste(picture, region, square, 0.1, _rng()) is None


def test_every_free_place_is_known():
    """A 2×2 box beside a pixel in the corner of 4×4: 3·3 places less the one that holds it."""
    region = np.zeros((4, 4), dtype=bool)
    region[0, 0] = True
    assert photos._free(region, 2, 2).tolist() == [
        [top, left] for top in range(3) for left in range(3) if (top, left) != (0, 0)
    ]
    assert len(photos._free(region, 5, 2)) == 0


def test_drops_are_of_the_class_that_is_predicted_before():
    before = np.array([[0.7, 0.3], [0.1, 0.9]])
    after = np.array([[0.2, 0.8], [0.0, 1.0]])
    assert drops(before, after) == pytest.approx([0.5, -0.1])


def test_decided_candidates_are_kept_first():
    """Of 60 with 20 decided, DECIDED of these, and PASTES - DECIDED of the others."""
    drop = np.where(np.arange(60) % 3 == 0, 0.2, 0.1)
    kept = chosen(drop, _rng())
    assert len(set(kept.tolist())) == photos.PASTES
    assert (drop[kept] >= 0.2).sum() == photos.DECIDED
    assert kept.tolist() == sorted(kept)
    assert np.array_equal(kept, chosen(drop, _rng()))


def test_without_decided_candidates_others_fill_up():
    assert len(chosen(np.zeros(60), _rng())) == photos.PASTES
    assert chosen(np.zeros(5), _rng()).tolist() == [0, 1, 2, 3, 4]


def test_room_is_measured_beside_the_guard():
    """The guard grows 100 columns by 32 at the side: 132 of 224 leave .41, 180 + 32 leave .05."""
    region = np.zeros((224, 224), dtype=bool)
    region[:, :100] = True
    assert has_room(region)
    region[:, :180] = True
    assert not has_room(region)
