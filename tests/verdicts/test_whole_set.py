import pandas as pd
import pytest

from audit.verdicts.whole_set import whole_set_rate


def _verdicts(*passes, state="tested"):
    return pd.DataFrame(
        {"true_class": range(len(passes)), "local_state": state, "local_passes": list(passes)}
    )


def _predicted(*sizes):
    return pd.Series([cls for cls, n in enumerate(sizes) for _ in range(n)], dtype="Int32")


def _images(*strata):
    """strata: (sampled, held) of each class."""
    rows = [
        {"watched_class": cls, "role": "sample", "holds": k < held}
        for cls, (n, held) in enumerate(strata)
        for k in range(n)
    ]
    return pd.DataFrame(rows)


def test_strata_are_weighted_by_the_whole_set():
    # 300·(5/10) + 100·(9/10) + 600·0 verified of 1000: .24
    found = whole_set_rate(
        _predicted(300, 100, 600), _images((10, 5), (10, 9), (10, 0)), _verdicts(True, True, False)
    )
    assert found.rate == pytest.approx(0.24)
    assert (found.n, found.n_sampled, found.n_untested) == (1000, 30, 0)
    # z² = 3.8415; shares (5 + 1.9207)/13.8415 = .5, (9 + 1.9207)/13.8415 = .7890
    # variance .09·.25/13.8415·(29/30) + .01·.7890·.2110/13.8415·.9 = .0015714 + .0001082
    # half = 1.96·√.0016796 = .08033
    assert found.low == pytest.approx(0.24 - 0.08033, abs=1e-4)
    assert found.high == pytest.approx(0.24 + 0.08033, abs=1e-4)


def test_causes_in_a_class_that_does_not_pass_are_not_verified():
    found = whole_set_rate(_predicted(50), _images((10, 3)), _verdicts(False))
    assert (found.rate, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_single_class_has_clopper_pearsons_interval():
    # 10 of 10: low solves L^10 = .025: .6915; the class is half of the set
    found = whole_set_rate(_predicted(50, 50), _images((10, 10), (10, 0)), _verdicts(True, False))
    assert found.rate == 0.5
    assert found.low == pytest.approx(0.5 * 0.025**0.1)
    assert found.high == 0.5


def test_a_wholly_sampled_set_has_no_sampling_error():
    found = whole_set_rate(_predicted(10), _images((10, 4)), _verdicts(True))
    assert (found.rate, found.low, found.high) == (0.4, 0.4, 0.4)


def test_untested_classes_are_counted_apart():
    verdicts = _verdicts(True, None)
    verdicts["local_state"] = ["tested", None]
    predicted = pd.concat([_predicted(20, 30), pd.Series([7, None], dtype="Int32")])
    found = whole_set_rate(predicted, _images((10, 5)), verdicts)
    assert (found.n, found.n_untested) == (20, 31)
    assert found.rate == 0.5


def test_suspects_bias_no_rate():
    images = pd.concat(
        [_images((10, 5)), _images((10, 10)).assign(role="suspect")], ignore_index=True
    )
    found = whole_set_rate(_predicted(50), images, _verdicts(True))
    assert (found.rate, found.n_sampled) == (0.5, 10)


def test_nothing_tested_has_no_rate():
    found = whole_set_rate(_predicted(50), _images((10, 5)), _verdicts(None, state=None))
    assert (found.rate, found.low, found.high, found.n_untested) == (None, None, None, 50)
