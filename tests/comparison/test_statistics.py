"""Paired tests and intervals against values worked by hand, and the metrics' reference figures."""

import numpy as np
import pytest

from audit.comparison.statistics import (
    MOST_RESAMPLED,
    adjusted_wald,
    flips_interval,
    holm,
    mcnemar,
    mean_interval,
    sign_flip,
    wilson,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_mcnemar_is_the_reference():
    found = mcnemar(12, 29)
    assert found.exact_p == pytest.approx(0.0115078, abs=5e-8)
    assert found.mid_p == pytest.approx(0.0079159, abs=5e-8)


@pytest.mark.parametrize(
    ("negative", "positive", "exact", "mid"),
    [
        (0, 0, 1, 1),
        (2, 2, 1, 1),
        # 2·P(X ≤ 0) of three throws = 2/8; mid-p takes P(X = 0) = 1/8 away
        (3, 0, 0.25, 0.125),
        (0, 3, 0.25, 0.125),
        # 2·(1 + 4)/16; less P(X = 1) = 4/16
        (1, 3, 0.625, 0.375),
    ],
)
def test_mcnemar_by_hand(negative, positive, exact, mid):
    found = mcnemar(negative, positive)
    assert (found.exact_p, found.mid_p) == (pytest.approx(exact), pytest.approx(mid))


def test_the_bootstrap_agrees_with_the_reference_wald_interval(rng):
    found = flips_interval(400, 12, 29, rng)
    assert found.method == "paired bootstrap, BCa"
    assert found.low == pytest.approx(0.01140, abs=0.003)
    assert found.high == pytest.approx(0.07360, abs=0.003)


def test_many_pairs_are_drawn_as_counts(rng):
    # a hundred times the reference: the Wald interval is a tenth as wide, .0425 ± .00311
    found = flips_interval(40_000, 1_200, 2_900, rng)
    assert found.method.startswith("multinomial")
    assert found.low == pytest.approx(0.0425 - 0.00311, abs=2e-4)
    assert found.high == pytest.approx(0.0425 + 0.00311, abs=2e-4)


def test_without_a_flip_the_interval_still_has_a_width(rng):
    # p = q = 1/(98 + 2): half = 1.95996·√(.02/100) = .027718
    found = flips_interval(98, 0, 0, rng)
    assert (found.low, found.high) == (
        pytest.approx(-0.027718, abs=1e-6),
        pytest.approx(0.027718, abs=1e-6),
    )
    assert "Bonett" in found.method


def test_the_adjusted_wald_interval_by_hand():
    # (0 + 1)/10 − (3 + 1)/10 = −.3; variance (.5 − .09)/10 = .041; half = 1.95996·.202485 = .396863
    found = adjusted_wald(8, 3, 0)
    assert found.low == pytest.approx(-0.696863, abs=1e-5)
    assert found.high == pytest.approx(0.096863, abs=1e-5)
    assert adjusted_wald(1, 1, 0).low == -1
    assert adjusted_wald(0, 0, 0).low is None


def test_the_mean_of_equal_differences_needs_no_interval(rng):
    found = mean_interval(np.full(5, 0.25), rng)
    assert (found.low, found.high) == (0.25, 0.25)
    assert mean_interval(np.array([0.1]), rng).low is None


def test_many_differences_have_the_normal_interval(rng):
    # ±1 in equal numbers: mean 0, variance n/(n − 1), half = 1.95996/√(n − 1)
    n = MOST_RESAMPLED
    found = mean_interval(np.tile([1.0, -1.0], n // 2), rng)
    assert found.method == "normal"
    assert found.high == pytest.approx(1.959964 / np.sqrt(n - 1))


def test_the_bootstrap_of_a_mean_holds_it(rng):
    differences = np.linspace(-0.1, 0.3, 41)  # mean .1, deviation .1198, half about 1.96·.0187
    found = mean_interval(differences, rng)
    assert found.low == pytest.approx(0.1 - 0.0367, abs=0.004)
    assert found.high == pytest.approx(0.1 + 0.0367, abs=0.004)


def test_signs_are_enumerated_for_few(rng):
    # 1 + 2 + 3 = 6: of eight sign patterns only +++ and −−− reach it
    assert sign_flip(np.array([1.0, 2.0, 3.0, 0.0]), rng).p == 0.25
    # −1 + 2 + 3 = 4: ±6 and ±4 reach it, four of eight
    assert sign_flip(np.array([-1.0, 2.0, 3.0]), rng).p == 0.5


def test_signs_are_drawn_for_more(rng):
    # fourteen equal ones: 2/2¹⁴ = .00012, and at least 1/10,000 is ever said
    found = sign_flip(np.ones(14), rng)
    assert found.method == "sign-flip, 9,999 resamples"
    assert 1e-4 <= found.p <= 6e-4
    # half up, half down: nothing is less extreme
    assert sign_flip(np.tile([1.0, -1.0], 10), rng).p == 1


def test_signs_are_approximated_for_very_many(rng):
    # Σd = 20, Σd² = 100: z = 2, p = 2·.0227501
    differences = np.array([1.0] * 60 + [-1.0] * 40)
    found = sign_flip(differences, rng, resamples=1000, draws=10_000)
    assert found.method == "sign-flip, normal"
    assert found.p == pytest.approx(0.0455003, abs=1e-6)


def test_no_difference_cannot_be_flipped(rng):
    assert sign_flip(np.zeros(4), rng).p == 1
    assert sign_flip(np.zeros(0), rng).p is None


def test_holm_by_hand():
    # sorted .01·3 = .03, .03·2 = .06, .04·1 = .04, which may not be less than .06
    found = holm(np.array([0.01, 0.04, np.nan, 0.03]))
    np.testing.assert_allclose(found, [0.03, 0.06, np.nan, 0.06])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])
    assert len(holm(np.zeros(0))) == 0


def test_wilson_by_hand():
    # 0 of 4: the upper end is z²/(n + z²) = 3.84146/7.84146
    assert wilson(0, 4) == (pytest.approx(0, abs=1e-12), pytest.approx(0.489891, abs=1e-5))
    assert wilson(0, 0) == (None, None)
