import numpy as np
import pytest

from audit.verify.swap import (
    FORWARDS,
    NECESSITY,
    SUFFICIENCY,
    SWAPS,
    Background,
    backgrounds,
    swaps,
)

OBJECT = (slice(8, 12), slice(8, 12))


def _flat(index, level):
    return Background(index, np.full((20, 20, 3), level, dtype=np.uint8))


DONORS = {
    "same": [_flat(index, 100) for index in (20, 21, 22)],
    "other": [_flat(index, 30) for index in (30, 31, 32, 33)],
}


def _swaps(subject, donors=None, seed=0, test=NECESSITY):
    return list(swaps(subject, (1, 0.75), test, DONORS if donors is None else donors, seed))


def test_rows_of_both_kinds(make_subject):
    changes = _swaps(make_subject(5), test=SUFFICIENCY)
    assert [one.kind for one in changes] == ["same"] * SWAPS + ["other"] * SWAPS
    assert len(changes) == FORWARDS
    assert {(one.index, one.cls, one.test, one.attempt, one.p_before) for one in changes} == {
        (5, 1, SUFFICIENCY, 0, 0.75)
    }
    for kind, known in (("same", {20, 21, 22}), ("other", {30, 31, 32, 33})):
        used = [one.other_index for one in changes if one.kind == kind]
        assert len(set(used)) == SWAPS
        assert set(used) <= known


def test_the_object_arrives_and_the_background_is_the_donors(make_subject):
    subject = make_subject(picture=np.full((20, 20, 3), 255, dtype=np.uint8))
    for one in _swaps(subject):
        level = 100 if one.kind == "same" else 30
        assert one.picture.dtype == np.uint8
        # σ .7: (10, 10) is 1.5 pixels from two edges: a share of Φ(1.5/.7)² = .97, of at most
        # 255 − 30; three pixels outside all is the donor's
        assert (one.picture[10, 10] >= 247).all()
        far = np.ones((20, 20), dtype=bool)
        far[5:15, 5:15] = False
        assert (one.picture[far] == level).all()


def test_the_edge_is_a_blur_of_the_region(make_subject):
    # white on black, region rows 8 to 11: just inside of a long edge the share is
    # Φ(.5/.7) = .76, just outside 1 − .76 = .24, one further 1 − Φ(1.5/.7) = .016
    region = np.zeros((20, 20), dtype=bool)
    region[8:12] = True
    subject = make_subject(region=region, picture=np.full((20, 20, 3), 255, dtype=np.uint8))
    donors = {"same": [_flat(1, 0)], "other": [_flat(2, 0)]}
    share = _swaps(subject, donors)[0].picture[:, 10, 0] / 255
    np.testing.assert_allclose(share[5:9], [0.0, 0.016, 0.24, 0.76], atol=0.03)


def test_an_object_never_keeps_its_own_background(make_subject):
    donors = {"same": [_flat(5, 1), _flat(6, 2)], "other": [_flat(7, 3)]}
    used = [one.other_index for seed in range(10) for one in _swaps(make_subject(5), donors, seed)]
    assert set(used) == {6, 7}


@pytest.mark.parametrize(
    ("rows", "kinds"),
    [
        (0, ["untestable"]),
        (12, ["same"] * SWAPS + ["other"] * SWAPS),  # 60% of 20 rows
        (13, ["untestable"]),
    ],
)
def test_regions_that_can_be_lifted(make_subject, rows, kinds):
    region = np.zeros((20, 20), dtype=bool)
    region[:rows] = True
    changes = _swaps(make_subject(region=region))
    assert [one.kind for one in changes] == kinds


@pytest.mark.parametrize("missing", ["same", "other"])
def test_untestable_without_backgrounds_of_both_kinds(make_subject, missing):
    (only,) = _swaps(make_subject(), DONORS | {missing: []})
    assert (only.kind, only.picture, only.p_before) == ("untestable", None, None)


def test_untestable_where_the_only_background_is_its_own(make_subject):
    (only,) = _swaps(make_subject(20), DONORS | {"same": [_flat(20, 100)]})
    assert only.kind == "untestable"


def test_fewer_swaps_where_there_are_fewer_backgrounds(make_subject):
    changes = _swaps(make_subject(), DONORS | {"same": [_flat(20, 100)]})
    assert [one.kind for one in changes] == ["same", "other", "other"]


def test_the_seed_decides(make_subject):
    def drawn(seed):
        return [one.other_index for one in _swaps(make_subject(), seed=seed)]

    assert drawn(0) == drawn(0)
    assert len({tuple(drawn(seed)) for seed in range(5)}) > 1


def test_backgrounds_hold_nothing_of_their_object(make_subject):
    picture = np.full((20, 20, 3), 60, dtype=np.uint8)
    picture[OBJECT] = 255
    empty = make_subject(2, region=np.zeros((20, 20), dtype=bool))
    whole = make_subject(3, region=np.ones((20, 20), dtype=bool))
    for fill in ("blur", "inpaint", "mean"):
        (only,) = backgrounds([make_subject(1, picture=picture), empty, whole], fill, 0)
        assert only.index == 1
        assert (only.picture == 60).all()


def test_a_background_keeps_neither_rim_nor_ignored_object(make_subject):
    """The object is drawn a pixel beyond its region, rows and columns 7 to 12; .03 of 20 is 1."""
    picture = np.full((20, 20, 3), 60, dtype=np.uint8)
    picture[7:13, 7:13] = 255
    picture[:4, 16:] = 255
    crowd = np.zeros((20, 20), dtype=bool)
    crowd[:4, 16:] = True
    (one,) = backgrounds([make_subject(1, picture=picture, ignore=crowd)], "mean", 0)
    assert (one.picture == 60).all()


def test_what_is_all_but_filled_is_no_background(make_subject):
    ignore = np.ones((20, 20), dtype=bool)
    ignore[:3] = False  # 15% is left
    assert backgrounds([make_subject(1, ignore=ignore)], "blur", 0) == []


def test_a_background_depends_on_its_image_and_the_seed_alone(make_subject):
    first, second = make_subject(1), make_subject(2)
    alone = backgrounds([second], "blur", 3)[0]
    among = backgrounds([first, second], "blur", 3)[1]
    assert np.array_equal(alone.picture, among.picture)
    assert not np.array_equal(alone.picture, backgrounds([second], "blur", 4)[0].picture)


def test_mixed_pixels_lie_between_the_object_and_the_background(make_subject):
    rng = np.random.default_rng(0)
    picture = rng.choice(np.array([0, 255], dtype=np.uint8), (20, 20, 3))
    region = rng.random((20, 20)) < 0.3
    donor = Background(1, rng.choice(np.array([0, 255], dtype=np.uint8), (20, 20, 3)))
    subject = make_subject(picture=picture, region=region)
    for one in _swaps(subject, {"same": [donor], "other": [donor]}):
        assert (one.picture >= np.minimum(picture, donor.picture)).all()
        assert (one.picture <= np.maximum(picture, donor.picture)).all()
