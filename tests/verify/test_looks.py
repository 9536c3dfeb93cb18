"""Which questions are asked again, and of which pictures."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from audit.tables.sliced import Sliced, Slices
from audit.verify import parts
from audit.verify.choice import LEAST
from audit.verify.choice import Tested as OfType
from audit.verify.looks import (
    FORWARDS,
    ONE_TYPE,
    choose_looks,
    default_budget,
    look_changes,
    types_of,
)

ASKED = {"question": "what colour is it?"}


@pytest.fixture
def asked(make_images):
    """Images with ``sizes[k]`` questions of type k, one after another, and their types."""

    def make(sizes, **changes):
        images = make_images(*[changes] * sum(sizes))
        codes = np.repeat(np.arange(len(sizes)), sizes).astype(np.int16)
        return images, Sliced("question_type", tuple(f"t{k}" for k in range(len(sizes))), codes)

    return make


def _sizes(choice):
    return {one.cls: len(one.sample) for one in choice.classes}


def test_a_question_takes_four_forwards():
    assert FORWARDS == 1 + 2 + 1  # covered, two controls, another image


def test_without_a_budget_a_hundred_questions_of_each_type_are_paid_for(asked):
    images, types = asked([120, 100, 12, 9])
    assert default_budget(4) == 4 * 100 * 4
    assert _sizes(choose_looks(images, types, default_budget(4), 0)) == {0: 100, 1: 100, 2: 12}


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (0, {}),
        (LEAST * 4 - 1, {}),
        (LEAST * 4, {0: 10}),  # ten questions of the commonest type
        (2 * LEAST * 4 - 1, {0: 10}),
        (2 * LEAST * 4, {0: 10, 1: 10}),
        (2 * 20 * 4, {0: 20, 1: 20}),
        (2 * 50 * 4, {0: 50, 1: 30}),  # no more than there are
        (10**9, {0: 60, 1: 30}),
    ],
)
def test_what_a_budget_pays_for(asked, budget, expected):
    choice = choose_looks(*asked([60, 30]), budget, 0)
    assert _sizes(choice) == expected
    assert sum(expected.values()) * FORWARDS <= budget


def test_a_hundred_of_a_type_are_the_most(asked):
    assert _sizes(choose_looks(*asked([300]), 10**9, 0)) == {0: 100}


def test_types_of_few_questions_are_left_out(asked):
    assert _sizes(choose_looks(*asked([LEAST - 1, LEAST]), 10**6, 0)) == {1: LEAST}
    assert _sizes(choose_looks(*asked([LEAST - 1]), 10**6, 0)) == {}


def test_the_commonest_types_come_first_and_of_equals_the_first(asked):
    images, types = asked([12, 40, 20, 20])
    for n, order in ((1, [1]), (2, [1, 2]), (3, [1, 2, 3])):
        choice = choose_looks(images, types, n * LEAST * FORWARDS, 0)
        assert [one.cls for one in choice.classes] == order
    every = choose_looks(images, types, 4 * LEAST * FORWARDS, 0)
    assert [one.cls for one in every.classes] == [1, 2, 3, 0]


def test_a_thousand_types(asked):
    images, types = asked([LEAST] * 1000)
    assert len(choose_looks(images, types, default_budget(1000), 0).classes) == 1000
    few = choose_looks(images, types, 7 * LEAST * FORWARDS, 0)
    assert _sizes(few) == dict.fromkeys(range(7), LEAST)


@pytest.mark.parametrize(
    "unfit",
    [
        {"pred_cam_status": "nonfinite"},
        {"pred_region_area_fraction": 0.0},
        {"pred_region_area_fraction": 0.9},
        {"region_source": "none"},
        {"region_source": "pseudo:grabcut"},  # of the picture, not of what is asked for
        {"status": "unreadable", "pred_cam_status": None, "pred_class": None},
    ],
)
def test_questions_whose_object_cannot_be_covered_are_not_asked_again(asked, unfit):
    choice = choose_looks(*asked([30], **unfit), 10**6, 0)
    assert choice.classes == ()
    assert len(choice.pool) == 0


def test_an_answer_that_no_part_of_the_picture_speaks_for_is_tested(asked):
    choice = choose_looks(*asked([30], pred_cam_status="zero"), 10**6, 0)
    assert [len(one.sample) for one in choice.classes] == [30]


def test_unreadable_images_among_the_questions_are_left_out(make_images):
    images = make_images(*[{}, "unreadable"] * 15)
    types = Sliced("question_type", ("what",), np.zeros(30, dtype=np.int16))
    choice = choose_looks(images, types, 10**6, 0)
    assert choice.classes[0].sample.tolist() == list(range(0, 30, 2))
    assert choice.pool.tolist() == list(range(0, 30, 2))


def test_questions_without_a_type_are_of_none(asked):
    images, types = asked([20, 20])
    types.codes[5:15] = -1
    assert _sizes(choose_looks(images, types, 10**6, 0)) == {0: 10, 1: 20}


def test_no_questions_at_all(asked):
    images, _ = asked([1])
    nothing = Sliced("question_type", ("what",), np.zeros(0, dtype=np.int16))
    choice = choose_looks(images[:0], nothing, 10**6, 0)
    assert (choice.classes, len(choice.pool)) == ((), 0)


def test_the_sample_of_each_type_is_uniform(asked):
    # 20 of 40 questions of each type, 200 seeds: each is drawn 100 ± 5σ times, σ = √(200/4) = 7.1
    images, types = asked([40, 40])
    counts = np.zeros(80)
    for seed in range(200):
        for one in choose_looks(images, types, 2 * 20 * FORWARDS, seed).classes:
            assert set(types.codes[one.sample].tolist()) == {one.cls}
            counts[one.sample] += 1
    assert counts.sum() == 2 * 200 * 20
    assert np.abs(counts - 100).max() < 36


def test_the_seed_decides(asked):
    def drawn(seed):
        choice = choose_looks(*asked([60, 300]), 2 * 20 * FORWARDS, seed)
        return [one.sample.tolist() for one in choice.classes], choice.pool.tolist()

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


def test_positions_are_those_in_the_dataset(asked):
    images, types = asked([20])
    images["index"] = 1000 + 7 * images["index"]
    choice = choose_looks(images, types, 10**6, 0)
    assert choice.classes[0].sample.tolist() == [1000 + 7 * k for k in range(20)]
    assert choice.pool.tolist() == [1000 + 7 * k for k in range(20)]


def test_other_images_are_two_hundred_at_most_and_suspects_none(asked):
    choice = choose_looks(*asked([300]), 0, 0)
    assert len(set(choice.pool.tolist())) == 200
    (only,) = choose_looks(*asked([10]), 10**6, 0).classes
    assert (only.sample.dtype, len(only.suspects)) == (np.int64, 0)


def test_types_are_the_column_of_that_name():
    first = Sliced("answer_type", ("yes/no",), np.zeros(3, dtype=np.int16))
    types = Sliced("question_type", ("how", "what"), np.array([0, 1, -1], dtype=np.int16))
    assert types_of(Slices((first, types), ()), 3) is types


@pytest.mark.parametrize("columns", [(), (Sliced("site", ("a",), np.zeros(3, np.int16)),)])
def test_without_that_column_all_are_of_one_type(columns):
    types = types_of(Slices(columns, ()), 3)
    assert types.texts == (ONE_TYPE,)
    assert types.codes.tolist() == [0, 0, 0]


def _changes(subject, others=(), fill="mean", seed=0):
    return list(look_changes(subject, ASKED, others, fill, seed))


def _kinds(changes):
    return [change.kind for change in changes]


def test_the_asked_object_is_covered_and_nothing_else(make_subject):
    """A bright object on an even ground becomes the ground."""
    picture = np.full((20, 20, 3), 100, dtype=np.uint8)
    picture[8:12, 8:12] = 200
    subject = make_subject(picture=picture)
    cover = _changes(subject)[0]
    assert cover.kind == "cover"
    assert np.array_equal(cover.patch, subject.region)
    assert (cover.picture == 100).all()


@pytest.mark.parametrize("fill", ["blur", "inpaint", "mean"])
def test_what_lies_beyond_the_covers_edge_is_as_it_was(make_subject, fill):
    subject = make_subject()
    cover = _changes(subject, fill=fill)[0]
    assert cover.fill == fill
    changed = (cover.picture != subject.picture).any(axis=2)
    assert changed[8:12, 8:12].mean() > 0.9  # on noise a filled pixel may be as before
    assert not changed[:6].any()
    assert not changed[14:].any()
    assert not changed[:, :6].any()
    assert not changed[:, 14:].any()


def test_what_is_to_be_ignored_is_not_covered(make_subject):
    ignore = np.zeros((20, 20), dtype=bool)
    ignore[8:10] = True
    cover, *controls = _changes(make_subject(ignore=ignore))
    assert np.argwhere(cover.patch)[:, 0].tolist() == [10] * 4 + [11] * 4
    for control in controls:
        assert not (control.patch & ignore).any()


def test_controls_have_the_objects_shape_off_every_object(make_subject):
    other = np.zeros((20, 20), dtype=bool)
    other[:, 12:] = True
    subject = make_subject(other=other)
    first, *controls = _changes(subject)
    assert _kinds(controls) == ["control", "control"]
    for control in controls:
        rows, columns = np.nonzero(control.patch)
        assert (np.ptp(rows), np.ptp(columns), len(rows)) == (3, 3, 16)
        assert not (control.patch & (subject.region | other)).any()
        assert (control.picture[subject.region] == subject.picture[subject.region]).mean() > 0.5
    assert not (controls[0].patch & controls[1].patch).any()
    assert first.fill == controls[0].fill


def test_without_room_there_are_no_controls(make_subject):
    full = np.ones((20, 20), dtype=bool)
    assert _kinds(_changes(make_subject(other=full))) == ["cover"]


@pytest.mark.parametrize(("name", "value"), [("region", False), ("ignore", True)])
def test_without_an_object_only_another_image_is_asked(make_subject, name, value):
    subject = make_subject(**{name: np.full((20, 20), value)})
    assert _kinds(_changes(subject, [make_subject(1)])) == ["other_image"]
    assert _changes(subject) == []


def test_an_object_that_fills_the_view_is_covered(make_subject):
    full = np.ones((20, 20), dtype=bool)
    (cover,) = _changes(make_subject(region=full))
    assert cover.patch.all()


def test_another_image_is_shown_as_it_is(make_subject):
    others = [make_subject(index) for index in (5, 6, 7)]
    shown = {}
    for seed in range(20):
        change = _changes(make_subject(), others, seed=seed)[-1]
        assert (change.kind, change.patch, change.fill) == ("other_image", None, "")
        shown[change.other_index] = change.picture
    assert set(shown) == {5, 6, 7}
    for other in others:
        assert shown[other.index] is other.picture


def test_every_change_is_of_the_question_and_its_answer(make_subject):
    changes = _changes(make_subject(3, predicted=2), [make_subject(4)])
    assert _kinds(changes) == ["cover", "control", "control", "other_image"]
    for change in changes:
        assert (change.index, change.cls, change.test) == (3, 2, "look")
        assert (change.role, change.attempt, change.p_before) == ("sample", 0, 0.75)
        assert change.texts == ASKED


def test_the_same_seed_makes_the_same_pictures(make_subject):
    others = [make_subject(index) for index in range(1, 9)]

    def made(seed):
        changes = _changes(make_subject(), others, "blur", seed)
        return [change.picture.tobytes() for change in changes]

    assert made(0) == made(0)
    assert made(0) != made(1)


@pytest.fixture
def looks(make_subject, monkeypatch):
    """The changes of the questions ``sample``, with the questions ``pool`` as other images."""

    def make(sample, pool, paths):
        n = max([*sample, *pool]) + 1
        texts = tuple({"question": f"number {k}?"} for k in range(n))
        plan = SimpleNamespace(
            source=SimpleNamespace(listing=SimpleNamespace(texts=texts, paths=paths)),
            config=SimpleNamespace(seed=0, fill="mean"),
        )
        monkeypatch.setattr(
            parts,
            "read_subjects",
            lambda _plan, indices, *_: [make_subject(int(i)) for i in indices],
        )
        tested = OfType(0, np.array(sample), np.zeros(0, dtype=np.int64))
        maps = SimpleNamespace(of=lambda _indices: ())
        with ThreadPoolExecutor(2) as threads:
            found = parts._looks(plan, tested, [make_subject(k) for k in pool], maps, threads)
            return list(found)

    return make


def test_each_question_is_asked_again_with_its_own_text_in_order(looks):
    changes = looks([4, 1], [0, 2], None)
    assert [change.index for change in changes] == [4] * 4 + [1] * 4
    assert {(change.index, change.texts["question"]) for change in changes} == {
        (4, "number 4?"),
        (1, "number 1?"),
    }


def test_another_image_is_never_the_same_one(looks):
    # questions 0 to 3 are of a.jpg, 4 and 5 of b.jpg
    paths = ("a.jpg",) * 4 + ("b.jpg",) * 2
    others = [
        change.other_index
        for change in looks([0, 1, 2, 3], [0, 1, 2, 4, 5], paths)
        if change.kind == "other_image"
    ]
    assert len(others) == 4
    assert set(others) <= {4, 5}


def test_where_there_is_but_one_image_no_other_is_asked(looks):
    assert {change.kind for change in looks([0, 1], [0, 1], ("a.jpg",) * 2)} == {"cover", "control"}
    assert {change.kind for change in looks([0], [0], None)} == {"cover", "control"}
