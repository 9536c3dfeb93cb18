"""Tests and intervals for paired results, each by its published form and named in the output.

McNemar 1947, exact and mid-p (Fagerland, Lydersen and Laake 2013); BCa bootstrap (Efron 1987) by
scipy; adjusted Wald interval for paired shares (Bonett and Price 2012); sign-flip permutation test
(Fisher 1935); step-down correction (Holm 1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, binomtest, bootstrap, norm

__all__ = [
    "MOST_RESAMPLED",
    "RESAMPLES",
    "Interval",
    "McNemar",
    "SignFlip",
    "adjusted_wald",
    "flips_interval",
    "holm",
    "mcnemar",
    "mean_interval",
    "sign_flip",
    "wilson",
]

LEVEL = 0.95
RESAMPLES = 9_999
#: Pairs from which on the BCa bootstrap is too slow: its jackknife is quadratic.
MOST_RESAMPLED = 10_000
_ENUMERATED = 13  # 2¹³ sign patterns are fewer than RESAMPLES
_BATCH = 2_000_000  # numbers of one resampling batch in memory
_DRAWS = 200_000_000  # sign draws that a test may take before the normal form takes over


@dataclass(frozen=True)
class Interval:
    """A two-sided 95% interval and how it was made; None: there is none."""

    low: float | None
    high: float | None
    method: str


@dataclass(frozen=True)
class McNemar:
    """p-values of the two-sided test that neither direction of change is the likelier."""

    exact_p: float
    mid_p: float


@dataclass(frozen=True)
class SignFlip:
    """p of the two-sided test that the differences' signs are exchangeable; None: no difference."""

    p: float | None
    method: str


def mcnemar(negative: int, positive: int) -> McNemar:
    """McNemar's test of ``negative`` (right, then wrong) against ``positive`` (the reverse)."""
    discordant = negative + positive
    if not discordant:
        return McNemar(1.0, 1.0)
    exact = float(binomtest(negative, discordant, 0.5).pvalue)
    fewer = min(negative, positive)
    mid = 2 * float(binom.cdf(fewer, discordant, 0.5)) - float(binom.pmf(fewer, discordant, 0.5))
    return McNemar(exact, min(1.0, mid))


def wilson(successes: int, n: int) -> tuple[float | None, float | None]:
    """The 95% Wilson interval of a share; None without any trial."""
    if not n:
        return None, None
    found = binomtest(successes, n).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def adjusted_wald(n: int, negative: int, positive: int) -> Interval:
    """The interval of (positive − negative)/n with one flip of each kind and two pairs added.

    It keeps its level with few pairs, and says something where nothing flipped.
    """
    if not n:
        return Interval(None, None, "none: no pairs")
    p, q = (positive + 1) / (n + 2), (negative + 1) / (n + 2)
    half = _quantile() * np.sqrt(max(p + q - (p - q) ** 2, 0.0) / (n + 2))
    low, high = float(p - q - half), float(p - q + half)
    return Interval(max(-1.0, low), min(1.0, high), "adjusted Wald (Bonett-Price)")


def flips_interval(n: int, negative: int, positive: int, rng: np.random.Generator) -> Interval:
    """The interval of the difference of accuracies, (positive − negative)/n.

    BCa paired bootstrap below MOST_RESAMPLED pairs; above, the same bootstrap drawn as multinomial
    counts, with percentile bounds; without any flip, where no resample differs, the adjusted Wald.
    """
    if not negative + positive or n == max(negative, positive):
        return adjusted_wald(n, negative, positive)
    if n < MOST_RESAMPLED:
        return _bca(np.repeat([-1.0, 1.0, 0.0], [negative, positive, n - negative - positive]), rng)
    shares = np.array([negative, positive, n - negative - positive]) / n
    drawn = rng.multinomial(n, shares, size=RESAMPLES)
    low, high = np.quantile((drawn[:, 1] - drawn[:, 0]) / n, _tails())
    return Interval(float(low), float(high), "multinomial bootstrap, percentile")


def mean_interval(differences: np.ndarray, rng: np.random.Generator) -> Interval:
    """The interval of the mean of paired ``differences`` (float[n]): BCa, or normal for many."""
    n = len(differences)
    if n <= 1:
        return Interval(None, None, "none: fewer than two pairs")
    if np.ptp(differences) == 0:
        value = float(differences[0])
        return Interval(value, value, "none needed: all differences are equal")
    if n < MOST_RESAMPLED:
        return _bca(differences, rng)
    half = _quantile() * differences.std(ddof=1) / np.sqrt(n)
    mean = float(differences.mean())
    return Interval(mean - float(half), mean + float(half), "normal")


def sign_flip(
    differences: np.ndarray,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    draws: int = _DRAWS,
) -> SignFlip:
    """Test the mean of paired ``differences`` (float[n]) against random signs.

    All sign patterns for few pairs, ``resamples`` random ones for more, and where those would take
    over ``draws`` signs, the normal form of the same law (variance Σd²).
    """
    signed = differences[differences != 0].astype(np.float64)  # a zero has no sign to flip
    if not len(signed):
        return SignFlip(1.0 if len(differences) else None, "sign-flip, nothing to flip")
    if len(signed) <= _ENUMERATED:
        return SignFlip(_enumerated(signed), "sign-flip, exact")
    if len(signed) * resamples <= draws:
        return SignFlip(_sampled(signed, rng, resamples), f"sign-flip, {resamples:,} resamples")
    z = abs(signed.sum()) / np.sqrt((signed**2).sum())
    return SignFlip(float(2 * norm.sf(z)), "sign-flip, normal")


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (float[m], the order of ``p``); NaN: not tested, and not counted.

    The i-th smallest of m is multiplied by m − i + 1, made no smaller than those before it.
    """
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def _bca(differences: np.ndarray, rng: np.random.Generator) -> Interval:
    found = bootstrap(
        (differences,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, _BATCH // len(differences)),
        confidence_level=LEVEL,
        method="BCa",
        random_state=rng,
    ).confidence_interval
    return Interval(float(found.low), float(found.high), "paired bootstrap, BCa")


def _enumerated(signed: np.ndarray) -> float:
    n = len(signed)
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return float(_extreme(bits.astype(np.float64), signed).mean())


def _sampled(signed: np.ndarray, rng: np.random.Generator, resamples: int) -> float:
    n, hits, left = len(signed), 0, resamples
    while left:
        size = min(left, max(1, _BATCH // n))
        packed = np.frombuffer(rng.bytes(-(-size * n // 8)), np.uint8)
        bits = np.unpackbits(packed)[: size * n].reshape(size, n)
        hits += int(_extreme(bits.astype(np.float64), signed).sum())
        left -= size
    return (hits + 1) / (resamples + 1)


def _extreme(bits: np.ndarray, signed: np.ndarray) -> np.ndarray:
    """Which rows of ``bits`` (1: the sign is +) give a sum as far from zero as the observed one."""
    total, size = signed.sum(), np.abs(signed)
    flipped = 2 * (bits @ size) - size.sum()
    found: np.ndarray = np.abs(flipped) >= abs(total) - 1e-12 * size.sum()
    return found


def _quantile() -> float:
    return float(norm.ppf((1 + LEVEL) / 2))


def _tails() -> tuple[float, float]:
    return (1 - LEVEL) / 2, (1 + LEVEL) / 2
