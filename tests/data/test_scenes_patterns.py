from itertools import combinations

import numpy as np
import pytest

from audit.data.scenes.patterns import PAINTS, TONES, paint
from audit.data.scenes.spec import COLOURS, PATTERNS

V, U = np.mgrid[-1:1:200j, -1:1:200j].astype(np.float32)


def test_there_is_a_paint_for_every_word():
    assert set(PAINTS) == set(PATTERNS)
    assert set(TONES) == set(COLOURS)


def test_light_tones_are_well_apart():
    for one, other in combinations(TONES.values(), 2):
        assert np.linalg.norm(np.subtract(one[1], other[1])) > 0.4


def test_plain_is_one_tone_and_the_others_show_both():
    fields = {name: PAINTS[name](U, V, 0.3) for name in PATTERNS}
    assert np.ptp(fields["plain"]) == 0
    for name in ("dotted", "striped"):
        assert fields[name].min() < -0.9
        assert fields[name].max() > 0.9


def test_stripes_run_along_one_line_and_dots_along_none():
    """Along the direction (0.6, -0.8) stripes do not change; dots change along it as across it."""
    t = np.linspace(-1, 1, 300, dtype=np.float32)
    along = {name: PAINTS[name](0.6 * t, -0.8 * t, 0.0) for name in ("dotted", "striped")}
    assert np.ptp(along["striped"]) == pytest.approx(0, abs=1e-5)
    assert np.ptp(along["dotted"]) > 1


def test_a_surface_runs_from_the_dark_tone_to_the_light_one():
    surface = paint("red", "striped", U, V, 0.0)
    dark, light = TONES["red"]
    assert surface.shape == (3, 200, 200)
    assert surface.dtype == np.float32
    assert surface.min(axis=(1, 2)) == pytest.approx(dark, abs=0.01)
    assert surface.max(axis=(1, 2)) == pytest.approx(light, abs=0.01)
