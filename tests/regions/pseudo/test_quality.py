import pytest

from audit.regions.pseudo import detector, grabcut
from audit.regions.pseudo.quality import measured_quality


def test_grabcut_was_measured_on_both_sets() -> None:
    measured = measured_quality()
    assert set(measured) <= {grabcut.SOURCE, detector.SOURCE}
    assert set(measured[grabcut.SOURCE]) == {"decoy", "photos"}


@pytest.mark.parametrize("pictures", ["decoy", "photos"])
def test_the_figures_hold_together(pictures: str) -> None:
    held = measured_quality()[grabcut.SOURCE][pictures]
    assert set(held) == {"mean", "low", "high", "n", "centre_box"}
    assert 0 <= held["low"] <= held["mean"] <= held["high"] <= 1
    assert 0 < held["centre_box"] < held["mean"]  # better than no method at all
    assert held["n"] >= 20
