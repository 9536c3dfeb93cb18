import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from audit.sanity.agreement import rank_correlation, ssim


def test_rank_correlation_by_hand():
    # d² = 1 + 1 + 0 + 0 of 4 cells: 1 - 6·2 / (4·15) = .8
    first, second = np.array([[1.0, 2, 3, 4]]), np.array([[20.0, 10, 30, 40]])
    assert rank_correlation(first, second)[0] == pytest.approx(0.8)


def test_rank_correlation_is_scipys_with_ties_too():
    rng = np.random.default_rng(0)
    first, second = np.maximum(rng.normal(size=(2, 6, 49)), 0)  # half of the cells are tied at 0
    expected = [spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(rank_correlation(first, second), expected, rtol=1e-12)


def test_a_constant_map_has_no_order():
    found = rank_correlation(np.ones((1, 9)), np.arange(9.0)[None])
    assert np.isnan(found).all()


def test_nothing_to_compare_gives_nothing():
    assert rank_correlation(np.ones((0, 9)), np.ones((0, 9))).shape == (0,)
    assert ssim(torch.ones(0, 20, 20), torch.ones(0, 20, 20)).shape == (0,)


def _pairs():
    """Equal noise, noise with more noise, two kinds of noise, and two smooth spots."""
    rng = np.random.default_rng(5)
    first = rng.random((3, 24, 20)).astype("float32")
    noisy = np.clip(first[1] + 0.2 * rng.standard_normal((24, 20)), 0, 1)
    second = np.stack([first[0], noisy, rng.random((24, 20))]).astype("float32")
    y, x = np.mgrid[:24, :20]
    spots = [
        np.exp(-((y - row) ** 2 + (x - column) ** 2) / width)[None].astype("float32")
        for row, column, width in ((8, 7, 18), (12, 10, 30))
    ]
    return np.concatenate([first, spots[0]]), np.concatenate([second, spots[1]])


def test_ssim_is_scikit_images():
    """Figures of scikit-image 0.26's structural_similarity.

    With gaussian_weights=True, sigma=1.5, use_sample_covariance=False and data_range=1.
    """
    first, second = map(torch.from_numpy, _pairs())
    peers = [1.0, 0.8230524098, 0.0491351596, 0.1311174476]
    np.testing.assert_allclose(ssim(first, second), peers, atol=1e-5)


def test_ssim_needs_one_whole_window():
    images = torch.rand(2, 10, 40, generator=torch.Generator().manual_seed(0))
    assert torch.isnan(ssim(images, images)).all()
