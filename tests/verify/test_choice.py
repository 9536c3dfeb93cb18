import numpy as np
import pytest

from audit import triage
from audit.verify.choice import FORWARDS, LEAST, choose, default_budget

#: What forty images of one class take: 2 tries × (1 + 4 covered + 1 null + 2·4 pasted) = 28, and
#: 2·2 swaps for each of necessity and sufficiency = 8, together 36 an image.
A_CLASS = 40 * 36


@pytest.fixture
def chosen(make_images):
    """A choice among ``sizes[c]`` images predicted c, every ``nth[c]``-th of them off object."""

    def choose_from(sizes, budget, seed=0, nth=None, **changes):
        images = _images(make_images, sizes, nth or {}, changes)
        return choose(images, triage.flag(images), budget, seed)

    return choose_from


def _images(make_images, sizes, nth, changes):
    rows = []
    for cls, size in sizes.items():
        for k in range(size):
            off = k % nth.get(cls, 2) == 0
            lift = 0.9 - k / 1000 if off else 2.0  # the later, the worse
            rows.append({"pred_class": cls, "pred_mass_lift": lift} | changes)
    return make_images(*rows)


def test_an_image_takes_36_forwards():
    assert FORWARDS == 36


@pytest.mark.parametrize(
    ("images", "classes", "budget"),
    [
        (100, 2, 2 * A_CLASS),
        (100, 1000, 20 * A_CLASS),
        (200_000, 20, 100_000),  # half the main pass is more than 28,800
        (0, 0, 0),
    ],
)
def test_default_budget(images, classes, budget):
    assert default_budget(images, classes) == budget


@pytest.mark.parametrize("budget", [0, 1, LEAST * 36 - 1])
def test_too_small_a_budget_tests_nothing(chosen, budget):
    assert chosen({0: 60, 1: 60}, budget).classes == ()


@pytest.mark.parametrize(
    ("sizes", "budget", "expected"),
    [
        # class: (sample, suspects): three quarters of the class's images are sampled
        ({0: 60, 1: 60}, LEAST * 36, {0: (10, 0)}),  # ten images of one class
        ({0: 60, 1: 60}, 20 * 36, {0: (15, 5)}),  # 20 images of one class
        ({0: 60, 1: 60}, A_CLASS, {0: (30, 10)}),
        ({0: 60, 1: 60}, 2 * A_CLASS - 1, {0: (30, 10)}),
        ({0: 60, 1: 60}, 2 * A_CLASS, {0: (30, 10), 1: (30, 10)}),
        ({0: 300, 1: 300}, 4 * A_CLASS, {0: (60, 20), 1: (60, 20)}),  # 80 of each
        ({0: 300, 1: 300}, 10**9, {0: (90, 30), 1: (90, 30)}),  # 120 of each at most
        ({0: 12, 1: 60}, 2 * A_CLASS, {0: (12, 0), 1: (30, 10)}),  # no more than there are
    ],
)
def test_what_a_budget_pays_for(chosen, sizes, budget, expected):
    found = {one.cls: (len(one.sample), len(one.suspects)) for one in chosen(sizes, budget).classes}
    assert found == expected


def test_the_most_suspect_classes_come_first(chosen):
    # a third, all, and half of the images are off object
    nth = {0: 3, 1: 1, 2: 2}
    for budget, order in ((A_CLASS, [1]), (2 * A_CLASS, [1, 2]), (3 * A_CLASS, [1, 2, 0])):
        choice = chosen({0: 60, 1: 60, 2: 60}, budget, nth=nth)
        assert [one.cls for one in choice.classes] == order


def test_many_classes(chosen):
    choice = chosen(dict.fromkeys(range(30), 12), 20 * A_CLASS)
    assert [one.cls for one in choice.classes] == list(range(20))


def test_classes_of_few_images_are_left_out(chosen):
    choice = chosen({0: LEAST - 1, 1: LEAST}, 10**6)
    assert [one.cls for one in choice.classes] == [1]
    assert choice.classes[0].sample.tolist() == list(range(9, 19))


@pytest.mark.parametrize(
    "unfit",
    [
        {"pred_cam_status": "zero"},
        {"pred_region_area_fraction": 0.0},
        {"pred_region_visible_fraction": 0.2},
        {"pred_guard_area_fraction": 0.9},
        {"status": "unreadable", "pred_cam_status": None, "pred_class": None},
    ],
)
def test_what_triage_does_not_judge_is_not_tested(chosen, unfit):
    choice = chosen({0: 30}, 10**6, **unfit)
    assert choice.classes == ()
    assert len(choice.pool) == 0


def test_annotated_images_alone_where_there_are_any(make_images):
    images = _images(make_images, {0: 30}, {}, {})
    images.loc[:11, "region_source"] = "pseudo:grabcut"
    choice = choose(images, triage.flag(images), 10**6, 0)
    assert choice.classes[0].sample.min() == 12
    images["region_source"] = "pseudo:grabcut"
    choice = choose(images, triage.flag(images), 10**6, 0)
    assert len(choice.classes[0].sample) == 30


def test_suspects_are_the_worst_beyond_the_sample(chosen):
    # images 0, 2, … 98 are off object, the later the worse
    (only,) = chosen({0: 100}, A_CLASS).classes
    assert len(np.intersect1d(only.sample, only.suspects)) == 0
    beyond = sorted(set(range(0, 100, 2)) - set(only.sample.tolist()))
    assert only.suspects.tolist() == beyond[-10:]


def test_fewer_suspects_where_fewer_are_off_object(chosen):
    (only,) = chosen({0: 100}, A_CLASS, nth={0: 50}).classes  # 0 and 50 are
    assert set(only.suspects.tolist()) == {0, 50} - set(only.sample.tolist())


def test_the_sample_is_uniform(make_images):
    # 30 of 60 images, 200 seeds: each is drawn 100 ± 5σ times, σ = √(200·.5·.5) = 7.1
    images = _images(make_images, {0: 60}, {}, {})
    cases = triage.flag(images)
    counts = np.zeros(60)
    for seed in range(200):
        counts[choose(images, cases, A_CLASS, seed).classes[0].sample] += 1
    assert counts.sum() == 200 * 30
    assert np.abs(counts - 100).max() < 36
    # suspects do not come more often: 100 · 30 draws of the 30 that are off object
    assert abs(counts[::2].sum() - 3000) < 5 * np.sqrt(200 * 30 * 0.25)


def test_the_seed_decides(chosen):
    def drawn(seed):
        choice = chosen({0: 60, 1: 60}, 2 * A_CLASS, seed)
        return [one.sample.tolist() for one in choice.classes], choice.pool.tolist()

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


def test_positions_are_those_in_the_dataset(make_images):
    images = _images(make_images, {0: 20}, {}, {})
    images["index"] = 1000 + 7 * images["index"]
    choice = choose(images, triage.flag(images), 10**6, 0)
    assert choice.classes[0].sample.tolist() == [1000 + 7 * k for k in range(20)]
    assert choice.pool.tolist() == [1000 + 7 * k for k in range(20)]


def test_the_pool_takes_every_class_in_turn(chosen):
    sizes = {0: 200, 1: 200, 2: 5}
    pool = chosen(sizes, 0).pool
    assert len(pool) == len(set(pool.tolist())) == 100
    # 5 of the third class are all it has; 95 are left to the two others: 48 and 47
    of_class = np.searchsorted([200, 400], pool, side="right")
    assert sorted(np.bincount(of_class)) == [5, 47, 48]
    assert len(chosen({0: 3, 1: 4}, 0).pool) == 7


def test_whole_numbers_throughout(chosen):
    choice = chosen({0: 60}, A_CLASS)
    assert choice.pool.dtype == np.int64
    (only,) = choice.classes
    assert (only.sample.dtype, only.suspects.dtype) == (np.int64, np.int64)
    assert isinstance(only.cls, int)
    assert list(only.sample) == sorted(only.sample)
    assert list(only.suspects) == sorted(only.suspects)
