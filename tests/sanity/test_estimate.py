import numpy as np
import pytest

from audit.sanity.estimate import bootstrap_mean


def test_the_interval_of_ones_and_zeros_is_the_binomials():
    # the resampled mean is binomial(100, .4) / 100: its 2.5% and 97.5% points are .31 and .50
    found = bootstrap_mean(np.repeat([1.0, 0.0], [40, 60]), seed=0)
    assert (found.value, found.n) == (0.4, 100)
    assert found.low == pytest.approx(0.31, abs=0.015)
    assert found.high == pytest.approx(0.50, abs=0.015)


def test_equal_seeds_give_equal_bounds():
    values = np.random.default_rng(1).normal(size=20)
    assert bootstrap_mean(values, 3) == bootstrap_mean(values, 3)
    assert bootstrap_mean(values, 3) != bootstrap_mean(values, 4)


def test_what_is_not_finite_is_left_out_and_counted():
    found = bootstrap_mean(np.array([1.0, np.nan, 3.0, np.inf]), 0)
    assert (found.value, found.n) == (2.0, 2)


def test_one_value_has_no_interval_and_none_no_mean():
    found = bootstrap_mean(np.array([0.5]), 0)
    assert (found.value, found.low, found.high, found.n) == (0.5, None, None, 1)
    assert bootstrap_mean(np.array([np.nan]), 0) is None
    assert bootstrap_mean(np.array([]), 0) is None
