import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.scores import ranks
from audit.scores.grid import merge, upsample, upsample_merged

REFERENCE = {  # Quantus 0.6.0 and Shared Interest's code on the four maps of parity.npz
    "rank": [0.328125, 0.340909, 1, 1],
    "auroc": [0.548096, 0.491004, None, 1],
    "iou": [0.16, 0.139344, 0.191406, 1],
    "truth": [0.25, 0.193182, 0.191406, 1],
    "saliency": [0.307692, 0.333333, 1, 1],
}


def _ranked(heat, region, valid=None):
    return ranks.ranked(heat, region, torch.ones_like(heat) if valid is None else valid)


def _coverages(heat, region, valid=None):
    return ranks.coverages(heat, region, torch.ones_like(heat) if valid is None else valid)


def _close(found, expected):
    for value, wanted in zip(found.tolist(), expected, strict=True):
        if wanted is None:
            assert math.isnan(value)
        else:
            assert value == pytest.approx(wanted, abs=1e-6)


def test_reference_values(parity_maps):
    maps, masks = parity_maps[0], parity_maps[1].float()
    _close(ranks.rank_accuracy(_ranked(maps, masks)), REFERENCE["rank"])
    _close(ranks.roc_area(_ranked(maps, masks)), REFERENCE["auroc"])
    for name, found in zip(("iou", "truth", "saliency"), _coverages(maps, masks), strict=True):
        _close(found, REFERENCE[name])


def test_ties_share_what_they_earn():
    # two of four tied pixels are in the region; the region asks for the two highest
    heat = torch.tensor([[[2.0, 1.0, 1.0, 1.0, 0.0]]])
    region = torch.tensor([[[0.0, 1.0, 1.0, 0.0, 0.0]]])
    assert ranks.rank_accuracy(_ranked(heat, region)).item() == pytest.approx((0 + 2 / 3) / 2)
    # pairs (in, out): each 1 beats the 0, ties with one 1, loses to the 2: (0 + .5 + 1) / 3
    assert ranks.roc_area(_ranked(heat, region)).item() == pytest.approx(0.5)
    # at value 1 four pixels are taken and two of them hit
    assert ranks.average_precision(_ranked(heat, region)).item() == pytest.approx(0.5)


def test_what_does_not_exist_is_nan():
    flat, empty, full = torch.ones(1, 4, 4), torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    ramp = torch.arange(16.0).reshape(1, 4, 4)
    half = (ramp > 7).float()
    assert math.isnan(ranks.rank_accuracy(_ranked(flat, half)).item())
    for region in (empty, full):
        assert math.isnan(ranks.roc_area(_ranked(ramp, region)).item())
        assert math.isnan(ranks.average_precision(_ranked(ramp, region)).item())
    assert math.isnan(ranks.rank_accuracy(_ranked(ramp, empty)).item())
    iou, truth, saliency = _coverages(flat, half)
    assert (iou.item(), truth.item()) == (0, 0)
    assert math.isnan(saliency.item())


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_areas_equal_scikit_learn(seed, levels):
    """Coarse levels make many ties."""
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    heat = rng.integers(0, levels + 1, (1, 6, 7)).astype(np.float32)
    region = rng.random((1, 6, 7)) < rng.uniform(0.1, 0.9)
    region[0, 0, :2] = [True, False]
    truth, score = region.ravel(), heat.ravel()
    tensors = torch.from_numpy(heat), torch.from_numpy(region).float()
    auroc, precision = (
        ranks.roc_area(_ranked(*tensors)).item(),
        ranks.average_precision(_ranked(*tensors)).item(),
    )
    assert auroc == pytest.approx(metrics.roc_auc_score(truth, score), abs=1e-5)
    assert precision == pytest.approx(metrics.average_precision_score(truth, score), abs=1e-5)


def test_a_fractional_region_is_a_weight():
    # doubling every pixel with a half-covered region equals one binary pair in and out
    heat = torch.tensor([[[3.0, 2.0, 1.0]]])
    region = torch.tensor([[[0.5, 1.0, 0.0]]])
    doubled = torch.tensor([[[3.0, 3.0, 2.0, 2.0, 1.0, 1.0]]])
    binary = torch.tensor([[[1.0, 0.0, 1.0, 1.0, 0.0, 0.0]]])
    for score in (ranks.roc_area, ranks.average_precision):
        assert score(_ranked(heat, region)).item() == pytest.approx(
            score(_ranked(doubled, binary)).item()
        )


def test_what_is_ignored_counts_for_no_score():
    """Scores with an ignored column equal those of the image without it."""
    rng = np.random.default_rng(5)
    heat = torch.from_numpy(rng.integers(0, 6, (8, 6, 7)).astype(np.float32))
    region = torch.from_numpy(rng.random((8, 6, 7)) < 0.3).float()
    valid = torch.ones(8, 6, 7)
    region[:, :, 2] = valid[:, :, 2] = 0
    heat[:, 0, 2] = 99  # the hottest pixel is ignored
    kept = [0, 1, 3, 4, 5, 6]
    whole = _ranked(heat, region, valid)
    without = _ranked(heat[:, :, kept], region[:, :, kept])
    for score in (ranks.rank_accuracy, ranks.roc_area, ranks.average_precision):
        assert score(whole).numpy() == pytest.approx(score(without).numpy(), abs=1e-6)
    pairs = zip(
        _coverages(heat, region, valid),
        _coverages(heat[:, :, kept], region[:, :, kept]),
        strict=True,
    )
    for ours, peer in pairs:
        assert ours.numpy() == pytest.approx(peer.numpy(), abs=1e-6)


def test_a_half_ignored_pixel_counts_half():
    # weights 1, .5, 1; the region is the half-valid pixel: k = 1 place, taken by the hottest pixel
    heat = torch.tensor([[[3.0, 2.0, 1.0]]])
    region, valid = torch.tensor([[[0.0, 0.5, 0.0]]]), torch.tensor([[[1.0, 0.5, 1.0]]])
    order = _ranked(heat, region, valid)
    assert ranks.rank_accuracy(order).item() == 0
    # of the 2 outside one is hotter, one colder
    assert ranks.roc_area(order).item() == pytest.approx(0.5)
    # .5 of the 1.5 that is at least as hot
    assert ranks.average_precision(order).item() == pytest.approx(1 / 3)


def test_a_map_that_is_flat_where_it_is_valid_has_no_rank_accuracy():
    heat, valid = torch.tensor([[[5.0, 1.0, 1.0]]]), torch.tensor([[[0.0, 1.0, 1.0]]])
    region = torch.tensor([[[0.0, 1.0, 0.0]]])
    assert math.isnan(ranks.rank_accuracy(_ranked(heat, region, valid)).item())


@pytest.mark.parametrize(
    ("grid", "size"), [((3, 3), (64, 64)), ((7, 5), (48, 64)), ((1, 4), (9, 8))]
)
def test_pixels_that_have_one_value_for_any_map_can_be_read_as_one(grid, size):
    generator = torch.Generator().manual_seed(7)
    cam = torch.rand(30, *grid, generator=generator).sub(0.3).relu()
    valid = torch.rand(30, *size, generator=generator)
    region = valid * (torch.rand(30, *size, generator=generator) > 0.8)
    whole = upsample(cam, size), region, valid
    merged = upsample_merged(cam, size), merge(region, grid), merge(valid, grid)
    assert merged[0].numel() < whole[0].numel()
    of_whole, of_merged = _ranked(*whole), _ranked(*merged)
    for score in (ranks.rank_accuracy, ranks.roc_area, ranks.average_precision):
        torch.testing.assert_close(score(of_merged), score(of_whole), atol=1e-5, rtol=0)
    for ours, peer in zip(_coverages(*merged), _coverages(*whole), strict=True):
        torch.testing.assert_close(ours, peer, atol=1e-5, rtol=0, equal_nan=True)


def test_a_region_that_is_all_there_is_but_for_rounding_is_full():
    heat = torch.arange(4096.0).reshape(1, 64, 64)
    valid = torch.full((1, 64, 64), 2 / 7)
    region = valid * (1 - 2e-7)
    for score in (ranks.roc_area, ranks.average_precision):
        assert math.isnan(score(_ranked(heat, region, valid)).item())
        region[0, 5, 5] -= 0.01  # a hundredth of a pixel is not rounding
        assert not math.isnan(score(_ranked(heat, region, valid)).item())
        region[0, 5, 5] += 0.01
