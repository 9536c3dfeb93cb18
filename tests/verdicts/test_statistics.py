import math

import numpy as np
import pytest

from audit.verdicts.statistics import (
    lower_bound,
    mean_interval,
    q_values,
    signed_rank,
    upper_bound,
)


def test_five_positive_differences_have_one_sign_pattern_of_32():
    assert signed_rank(np.array([0.1, 0.2, 0.3, 0.4, 0.5])) == 1 / 32


def test_a_small_negative_difference_leaves_two_of_eight_patterns():
    # |d| ranks 1, 2, 3; W+ = 5; patterns with W+ >= 5: {1,2,3}, {2,3}: 2 of 8
    assert signed_rank(np.array([-0.1, 0.2, 0.3])) == 0.25


def test_negative_differences_speak_for_nothing():
    assert signed_rank(np.array([-0.1, -0.2, -0.3])) == 1.0


@pytest.mark.parametrize("differences", [[], [0.0], [0.0] * 60])
def test_nothing_but_zeros_is_p_1(differences):
    assert signed_rank(np.array(differences)) == 1.0


def test_zeros_are_left_out():
    assert signed_rank(np.array([0.0] * 40 + [0.1, 0.2, 0.3, 0.4, 0.5])) == 1 / 32


def test_ties_do_not_stop_the_test():
    # eight equal differences, each of them positive in one of 2^8 patterns; ties are not worse
    # than a normal approximation of it: z = 36 / sqrt(Σ4.5²) = 2.83, p = .0023
    assert 1 / 256 >= signed_rank(np.full(8, 0.5)) >= 0.002


def test_q_values_step_up():
    # sorted p .01, .02, .03, .5; 4·.01/1 = .04, 4·.02/2 = .04, 4·.03/3 = .04, .5
    assert q_values(np.array([0.03, 0.5, 0.01, 0.02])) == pytest.approx([0.04, 0.5, 0.04, 0.04])
    assert q_values(np.array([])).shape == (0,)


def test_the_mean_has_students_interval():
    # 1, 2, 3: mean 2, s = 1, t(.975, 2) = 4.3027, half = 4.3027/√3 = 2.4841
    found = mean_interval(np.array([1.0, 2.0, 3.0]))
    assert (found.n, found.value) == (3, 2.0)
    assert found.low == pytest.approx(2 - 2.4841, abs=1e-4)
    assert found.high == pytest.approx(2 + 2.4841, abs=1e-4)


def test_too_few_values_have_no_interval():
    assert mean_interval(np.array([])).value is None
    one = mean_interval(np.array([0.5]))
    assert (one.n, one.value, one.low, one.high) == (1, 0.5, None, None)


def test_one_sided_bounds_by_the_closed_forms():
    assert lower_bound(5, 5) == pytest.approx(math.pow(0.05, 1 / 5))  # L^5 = .05
    assert upper_bound(0, 10) == pytest.approx(1 - math.pow(0.05, 1 / 10))  # (1-U)^10 = .05
    assert lower_bound(0, 10) == 0.0
    assert upper_bound(5, 5) == 1.0
    assert (lower_bound(0, 0), upper_bound(0, 0)) == (0.0, 1.0)


def test_p_is_no_smaller_than_it_says_where_nothing_is_true():
    # 200 classes of 12 symmetric differences, p doubled for two tries as the verdicts do it
    rng = np.random.default_rng(3)
    single = np.array([signed_rank(rng.standard_t(3, 12)) for _ in range(200)])
    assert (single <= 0.05).mean() <= 0.08
    assert 0.4 <= single.mean() <= 0.6
    two = np.array(
        [
            2 * min(signed_rank(rng.normal(size=12)), signed_rank(rng.normal(size=12)))
            for _ in single
        ]
    )
    assert (two <= 0.05).mean() <= 0.08
