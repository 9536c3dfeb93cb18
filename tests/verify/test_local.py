from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from audit.verify.fills import feathered
from audit.verify.local import FORWARDS, HOSTS, Host, LocalTest, local_changes

SIZE = (20, 20)


def _mask(rows, columns):
    mask = np.zeros(SIZE, dtype=bool)
    mask[rows, columns] = True
    return mask


CORNER = _mask(slice(0, 2), slice(0, 2))


@pytest.fixture
def hosts(make_subject):
    """Six images predicted 0, with a probability of class 1 of .1, .11, ….

    Two have their object where every other image's patch is.
    """
    over = _mask(slice(0, 3), slice(0, 3))
    return [
        Host(
            make_subject(10 + k, 0, **({"region": over} if k < 2 else {})),
            np.array([0.9 - k / 100, 0.1 + k / 100]),
        )
        for k in range(6)
    ]


def _how(hosts=(), **changes):
    return replace(LocalTest("sample", ("blur",), hosts, None, 0), **changes)


def _kinds(changes):
    return Counter((one.test, one.kind, one.attempt, one.fill) for one in changes)


def test_every_row_of_one_image(make_subject, hosts):
    changes = list(local_changes(make_subject(), _how(hosts, stranger=make_subject(1))))
    assert _kinds(changes) == {
        (test, kind, attempt, fill): n
        for attempt in (1, 2)
        for test, kind, fill, n in [
            ("S1", "cover", "blur", 1),
            ("S1", "control", "blur", 4),
            ("S2", "paste", "", 4),
            ("S2", "control", "", 4),
            ("S1-null", "cover", "blur", 1),
        ]
    }
    assert len(changes) == FORWARDS
    assert {(one.index, one.role, one.cls) for one in changes} == {(0, "sample", 1)}


def test_each_fill_covers_the_same_places(make_subject):
    changes = list(local_changes(make_subject(), _how(fills=("mean", "inpaint"))))
    assert _kinds(changes)["S1", "control", 2, "inpaint"] == 4
    places = {
        fill: [one.patch.tolist() for one in changes if one.fill == fill]
        for fill in ("mean", "inpaint")
    }
    assert places["mean"] == places["inpaint"]
    assert len(places["mean"]) == 10


def test_no_null_without_a_stranger_and_no_paste_without_hosts(make_subject):
    assert {one.test for one in local_changes(make_subject(), _how())} == {"S1"}


def test_the_patch_is_covered_and_the_object_is_left_alone(make_subject):
    subject = make_subject()
    changes = list(local_changes(subject, _how(fills=("mean",))))
    cover = changes[0]
    assert np.array_equal(cover.patch, CORNER)
    assert (cover.picture[CORNER] != subject.picture[CORNER]).any(axis=1).all()
    away = feathered(CORNER) == 0
    assert np.array_equal(cover.picture[away], subject.picture[away])
    for control in changes[1:5]:
        assert not (control.patch & (subject.region | CORNER)).any()
        assert control.patch.sum() == 4
        assert (control.picture[control.patch] != subject.picture[control.patch]).any()


def test_before_is_the_images_own_for_covers_and_the_hosts_for_pastes(make_subject, hosts):
    how = _how(hosts, stranger=make_subject(1))
    for one in local_changes(make_subject(), how):
        expected = 0.75 if one.test != "S2" else 0.1 + (one.other_index - 10) / 100
        assert one.p_before == pytest.approx(expected)


def test_pastes_come_in_pairs_over_no_hosts_object(make_subject, hosts):
    subject = make_subject()
    pastes = [one for one in local_changes(subject, _how(hosts)) if one.test == "S2"]
    pairs = list(zip(pastes[::2], pastes[1::2], strict=True))
    assert len(pairs) == 2 * HOSTS
    by_index = {host.subject.index: host.subject for host in hosts}
    for attempt in (1, 2):
        used = {one.other_index for one, _ in pairs if one.attempt == attempt}
        assert used == {12, 13, 14, 15}  # 10 and 11 have their object where the patch is
    for paste, control in pairs:
        assert (paste.kind, control.kind) == ("paste", "control")
        assert paste.other_index == control.other_index
        host = by_index[paste.other_index]
        for one in (paste, control):
            assert not (one.patch & host.region).any()
            assert np.array_equal(one.picture[one.patch], subject.picture[one.patch])
            away = feathered(one.patch) == 0
            assert np.array_equal(one.picture[away], host.picture[away])
            assert one.picture.dtype == np.uint8


def test_the_controls_take_turns_in_the_hosts(make_subject, hosts):
    changes = list(local_changes(make_subject(), _how(hosts)))
    for attempt in (1, 2):
        mine = [one for one in changes if one.attempt == attempt and one.kind == "control"]
        covered = {one.patch.tobytes() for one in mine if one.test == "S1"}
        pasted = {one.patch.tobytes() for one in mine if one.test == "S2"}
        assert covered == pasted
        assert len(covered) == 4


def test_fewer_hosts_where_there_are_fewer(make_subject, hosts):
    changes = list(local_changes(make_subject(), _how(hosts[:3])))
    assert _kinds(changes)["S2", "paste", 1, ""] == 1


def test_the_null_is_chosen_by_the_strangers_map_on_ones_own_picture(make_subject):
    elsewhere = _mask(slice(17, 20), slice(17, 20))
    stranger = make_subject(9, heat=elsewhere.astype(np.float32))
    subject = make_subject()
    changes = local_changes(subject, _how(fills=("mean", "blur"), stranger=stranger))
    nulls = [one for one in changes if one.test == "S1-null"]
    assert [(one.attempt, one.fill, one.other_index) for one in nulls] == [
        (1, "mean", 9),
        (2, "mean", 9),
    ]
    for null in nulls:
        assert np.array_equal(null.patch, elsewhere)
        away = feathered(elsewhere) == 0
        assert np.array_equal(null.picture[away], subject.picture[away])


def test_no_null_where_the_strangers_map_says_nothing(make_subject):
    stranger = make_subject(9, heat=np.zeros(SIZE, dtype=np.float32))
    assert {one.test for one in local_changes(make_subject(), _how(stranger=stranger))} == {"S1"}


def test_nothing_outside(make_subject, hosts):
    subject = make_subject(heat=_mask(slice(6, 14), slice(6, 14)).astype(np.float32))
    changes = list(local_changes(subject, _how(hosts, stranger=make_subject(1), role="suspect")))
    assert [(one.test, one.kind, one.attempt, one.role) for one in changes] == [
        ("S1", "nothing_outside", 1, "suspect"),
        ("S1", "nothing_outside", 2, "suspect"),
    ]
    assert {(one.picture is None, one.patch is None, one.p_before) for one in changes} == {
        (True, True, None)
    }


def test_heat_on_what_is_to_be_ignored_is_not_suspected(make_subject):
    subject = make_subject(ignore=CORNER)
    assert [one.kind for one in local_changes(subject, _how())] == ["nothing_outside"] * 2


def test_controls_avoid_what_is_to_be_ignored(make_subject):
    ignore = _mask(slice(0, 20), slice(10, 20))
    for one in local_changes(make_subject(ignore=ignore), _how()):
        assert not (one.patch & ignore).any()


def test_untestable_where_controls_have_no_room(make_subject):
    # H is the top row of 16 pixels (4% of 400); with the region on all but rows 0 to 3, three more
    # rows are left; in the second try H is the whole of rows 0 and 1, and one more pair of rows
    region = _mask(slice(4, 20), slice(0, 20))
    heat = np.zeros(SIZE, dtype=np.float32)
    heat[0], heat[1] = 1, 0.9
    heat[:, 16:] = 0
    changes = list(local_changes(make_subject(region=region, guard=region, heat=heat), _how()))
    assert [(one.kind, one.attempt) for one in changes] == [("untestable", 1), ("untestable", 2)]
    assert [int(one.patch.sum()) for one in changes] == [16, 32]
    assert all(one.picture is None for one in changes)


@pytest.mark.parametrize(("pixels", "on_other"), [(2, True), (1, False)])
def test_a_patch_is_on_another_object_when_half_of_it_is(make_subject, pixels, on_other):
    other = _mask(0, slice(0, pixels))
    changes = list(local_changes(make_subject(other=other), _how()))
    covers = [one for one in changes if one.kind == "cover"]
    assert [one.on_other_object for one in covers] == [on_other] * 2
    assert not any(one.on_other_object for one in changes if one.kind == "control")


def test_the_seed_decides(make_subject, hosts):
    def drawn(seed):
        changes = local_changes(make_subject(), _how(hosts, seed=seed))
        return [(one.kind, one.patch.tobytes(), one.picture.tobytes()) for one in changes]

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)
