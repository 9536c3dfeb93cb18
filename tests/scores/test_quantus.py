"""Our scores beside those of Quantus 0.6.0, and where Quantus is wrong."""

import numpy as np
import pytest
import torch

from audit.scores import mass, pointing, ranks
from audit.scores.grid import project, upsample

quantus = pytest.importorskip("quantus", reason="quantus is missing: requirements-peers.txt")

SIZE = (48, 40)


@pytest.fixture(scope="module")
def drawn():
    """Sixty 6×5 maps as 48×40 pixels, and a random box and blob of each image as its region."""
    rng = np.random.default_rng(3)
    grids = torch.from_numpy(np.maximum(rng.normal(0.3, 1, (60, 6, 5)), 0).astype(np.float32))
    regions = torch.zeros(60, *SIZE, dtype=torch.bool)
    for region in regions:
        top, left = rng.integers(0, 30), rng.integers(0, 25)
        region[top : top + rng.integers(2, 18), left : left + rng.integers(2, 15)] = True
        region.logical_or_(torch.from_numpy(rng.random(SIZE) < 0.02))
    return grids, upsample(grids, SIZE), regions


def _theirs(name, heat, regions, **options):
    metric = getattr(quantus, name)(abs=False, normalise=False, disable_warnings=True, **options)
    found = metric.evaluate_batch(a_batch=heat[:, None].numpy(), s_batch=regions[:, None].numpy())
    return np.asarray(found, dtype=np.float64).reshape(-1)


def test_mass_equals_quantus(drawn):
    grids, heat, regions = drawn
    whole = project(torch.ones(1, *SIZE), (6, 5))
    ours = mass.mass_inside(grids, project(regions, (6, 5)), whole)
    assert ours.numpy() == pytest.approx(_theirs("RelevanceMassAccuracy", heat, regions), abs=1e-6)


def test_rank_accuracy_equals_quantus_where_no_ties_are_cut(drawn):
    """Quantus takes tied pixels as its sort leaves them: a small jitter breaks the ties."""
    _, heat, regions = drawn
    heat = heat + torch.rand(heat.shape, generator=torch.Generator().manual_seed(0)) * 1e-3
    ours = ranks.rank_accuracy(ranks.ranked(heat, regions.float(), torch.ones_like(heat)))
    theirs = _theirs("RelevanceRankAccuracy", heat, regions)
    assert ours.numpy() == pytest.approx(theirs, abs=1e-6)


def test_pointing_game_equals_quantus(drawn):
    _, heat, regions = drawn
    peak = pointing.Peak.of(heat)
    ours = peak.hits(pointing.inside(regions.float())).numpy()
    theirs = _theirs("PointingGame", heat, regions)
    assert 5 < ours.sum() < 55
    assert ours.tolist() == (theirs > 0).tolist()


def test_roc_area_equals_quantus(drawn):
    _, heat, regions = drawn
    ours = ranks.roc_area(ranks.ranked(heat, regions.float(), torch.ones_like(heat)))
    assert ours.numpy() == pytest.approx(_theirs("AUC", heat, regions), abs=1e-5)


def test_quantus_calls_a_zero_map_a_hit_and_we_do_not_score_it():
    """Every pixel of a zero map is its maximum; ``score_map`` nulls what we return for one."""
    region = torch.zeros(1, *SIZE, dtype=torch.bool)
    region[0, 3:6, 3:6] = True
    assert _theirs("PointingGame", torch.zeros(1, *SIZE), region).tolist() == [1]
    assert mass.mass_inside(
        torch.zeros(1, 6, 5), project(region, (6, 5)), torch.ones(1, 6, 5)
    ).isnan()
