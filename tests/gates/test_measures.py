import math

import pytest

from audit.errors import ConfigError
from audit.gates.measures import Bounds, Change, Mean, Pairs, Plain, Recorded, Share


def test_a_share_has_wilsons_interval_at_the_level_asked_for():
    # 8 of 10, z = 1.96: (8 + z²/2 ± z·√(8·2/10 + z²/4)) / (10 + z²) = .4902, .9433
    found = Share(8, 10).bounds(0.95)
    assert (found.low, found.high) == (
        pytest.approx(0.4902, abs=1e-4),
        pytest.approx(0.9433, abs=1e-4),
    )
    # z = 2.5758: (8 + 3.3175 ± 2.5758·√(1.6 + 1.6587)) / 16.635 = (11.3175 ± 4.6498) / 16.635
    wider = Share(8, 10).bounds(0.99)
    assert wider.low == pytest.approx(0.4008, abs=1e-3)
    assert wider.high == pytest.approx(0.9599, abs=1e-3)


def test_a_share_of_nothing_does_not_exist():
    assert Share(0, 0).value is None
    assert Share(0, 0).bounds(0.95) is None


def test_a_means_interval_is_scaled_by_the_t_quantiles():
    # n = 11: t(.975, 10) = 2.2281, t(.995, 10) = 3.1693, ratio 1.42241; half .1 becomes .142241
    found = Mean(0.5, 0.4, 0.6, 11).bounds(0.99)
    assert found.low == pytest.approx(0.5 - 0.142241, abs=1e-5)
    assert found.high == pytest.approx(0.5 + 0.142241, abs=1e-5)
    assert Mean(0.5, 0.4, 0.6, 11).bounds(0.95) == Bounds(pytest.approx(0.4), pytest.approx(0.6))


@pytest.mark.parametrize("mean", [Mean(None, None, None, 0), Mean(0.5, None, None, 1)])
def test_a_mean_of_one_value_has_no_interval(mean):
    assert mean.bounds(0.95) is None


def test_a_recorded_interval_is_known_at_its_own_level_only():
    measure = Recorded("a.rate", 0.1, 0.05, 0.2)
    assert measure.bounds(0.95) == Bounds(0.05, 0.2)
    with pytest.raises(ConfigError, match=r"a\.rate: level 0\.99.* recorded at 0\.95 only"):
        measure.bounds(0.99)
    assert Recorded("a.rate", 0.1, None, 0.2).bounds(0.95) is None


def test_pairs_have_the_adjusted_wald_interval():
    # n = 400, lost 12, won 29: (30 − 13)/402 = .042289;
    # √((43/402 − .042289²)/402) = √(.105177/402) = .016175; ·1.96 = .031703
    found = Pairs(400, 12, 29)
    assert found.value == pytest.approx(0.0425)
    bounds = found.bounds(0.95)
    assert bounds.low == pytest.approx(0.042289 - 0.031703, abs=1e-5)
    assert bounds.high == pytest.approx(0.042289 + 0.031703, abs=1e-5)


def test_pairs_that_all_agree_still_leave_a_little_open():
    # √((2/102)/102) = .013865; ·1.96 = .027174
    bounds = Pairs(100, 0, 0).bounds(0.95)
    assert bounds.high == pytest.approx(0.027174, abs=1e-5)
    assert bounds.low == -bounds.high


def test_the_same_checkpoint_leaves_nothing_open():
    assert Pairs(100, 0, 0, same=True).bounds(0.95) == Bounds(0.0, 0.0)
    change = Change(Share(8, 10), Share(8, 10), same=True)
    assert change.bounds(0.95) == Bounds(0.0, 0.0)


def test_pairs_never_leave_the_scale():
    assert Pairs(3, 0, 3).bounds(0.99).high == 1.0
    assert Pairs(0, 0, 0).value is None


def test_a_change_squares_and_adds_the_two_halves():
    # low: .3 − √((.5 − .4)² + (.25 − .2)²) = .3 − .111803; high: .3 + √(.15² + .08²) = .3 + .17
    now, before = Recorded("x", 0.5, 0.4, 0.65), Recorded("x", 0.2, 0.12, 0.25)
    found = Change(now, before)
    assert found.value == pytest.approx(0.3)
    assert found.bounds(0.95).low == pytest.approx(0.3 - math.sqrt(0.0125))
    assert found.bounds(0.95).high == pytest.approx(0.47)


def test_a_change_of_plain_figures_has_no_interval():
    assert Change(Plain(3), Plain(1)).value == 2
    assert not Change(Plain(3), Plain(1)).has_interval
    assert Change(Plain(3), Plain(None)).value is None
