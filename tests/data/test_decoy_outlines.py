import numpy as np
import pytest

from audit.data.decoy.outlines import OUTLINES, outline_area
from audit.data.decoy.surfaces import SURFACES


def test_areas_worked_out_by_hand():
    regular_180_gon = 90 * np.sin(np.pi / 90)  # n/2 sin(2π/n)
    assert outline_area(OUTLINES["ball"]) == pytest.approx(regular_180_gon)
    assert outline_area(OUTLINES["ring"]) == pytest.approx(regular_180_gon * (1 - 0.52**2))
    bar = 2 * 0.72  # two bars 2 long and 0.72 wide, less the square they share
    assert outline_area(OUTLINES["cross"]) == pytest.approx(2 * bar - 0.72**2)


@pytest.mark.parametrize("name", OUTLINES)
def test_every_outline_is_round_the_origin(name):
    radius = np.hypot(*OUTLINES[name][0].T)
    assert 0.9 < radius.max() < 1.3
    assert np.abs(OUTLINES[name][0].mean(axis=0)).max() < 0.35


@pytest.mark.parametrize("name", OUTLINES)
def test_every_outline_is_its_own_mirror_image(name):
    """So that mirrored pictures stay pictures of the class: about the x axis or the y axis."""
    points = OUTLINES[name][0]

    def farthest(mirror):
        return np.abs(points[:, None] * mirror - points).sum(axis=2).min(axis=1).max()

    assert min(farthest((1, -1)), farthest((-1, 1))) < 0.05


def test_every_class_has_a_surface():
    assert set(SURFACES) == set(OUTLINES)


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("phase", [0.0, 1.0, 6.2])
def test_surfaces_are_fields_in_unit_range_with_both_tones(name, phase):
    u, v = np.meshgrid(*[np.linspace(-1.3, 1.3, 101, dtype=np.float32)] * 2)
    field = SURFACES[name](u, v, phase)
    assert field.shape == u.shape
    assert np.isfinite(field).all()
    assert -1 <= field.min() < -0.5
    assert 0.5 < field.max() <= 1


def test_surface_values_worked_out_by_hand():
    at = {name: np.float32([[value]]) for name, value in {"zero": 0.0, "arm": 0.5}.items()}
    assert SURFACES["gear"](at["zero"], at["zero"], 0.0).item() == pytest.approx(np.tanh(2.0))
    assert SURFACES["leaf"](at["arm"], at["zero"], 3.0).item() == 1.0  # the midrib
    right = SURFACES["star"](at["arm"], -at["arm"], 0.0)
    left = SURFACES["star"](-at["arm"], -at["arm"], 0.0)
    assert right.item() == pytest.approx(-left.item(), abs=1e-5)  # the halves of the upper point
