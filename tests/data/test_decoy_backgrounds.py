import numpy as np
import pytest

from audit.data.decoy.backgrounds import fractal_noise, paint_background


def _power(field, low, high):
    """Mean spectral power between two radial frequencies, in cycles a frame."""
    spectrum = np.abs(np.fft.fft2(field - field.mean())) ** 2
    frequency = np.fft.fftfreq(len(field), 1 / len(field))
    radius = np.hypot(frequency[:, None], frequency)
    return spectrum[(radius >= low) & (radius < high)].mean()


@pytest.mark.parametrize(("gain", "exponent"), [(0.5, 1.7), (0.6, 1.65), (0.8, 1.4)])
def test_amplitude_falls_a_little_faster_than_1_over_f(gain, exponent):
    """Four octaves up, power falls by 16 to twice the exponent."""
    fields = [fractal_noise(np.random.default_rng(seed), 96, gain) for seed in range(30)]
    low, high = (np.mean([_power(f, at, 2 * at) for f in fields]) for at in (1, 16))
    assert np.log2(low / high) / 4 / 2 == pytest.approx(exponent, abs=0.1)


def test_noise_has_the_spread_that_backgrounds_count_on():
    fields = np.stack([fractal_noise(np.random.default_rng(seed), 64) for seed in range(50)])
    # octave k brings 1.2 × 0.6^k, less what cubic interpolation takes: at most the root sum square
    assert 1.2 < fields.std() < 1.2 / np.sqrt(1 - 0.36)


@pytest.mark.parametrize("size", [32, 64, 97])
def test_every_kind_of_background_is_a_picture(size):
    for seed in range(20):
        picture = paint_background(np.random.default_rng(seed), size)
        assert picture.shape == (3, size, size)
        assert picture.dtype == np.float32
        assert picture.min() > -0.2
        assert picture.max() < 3.0  # lights may be overexposed
        assert picture.std() > 0.005
