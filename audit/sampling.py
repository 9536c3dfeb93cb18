"""Seeded choices over a whole dataset: the limited sample, and each image's partner."""

from __future__ import annotations

import numpy as np

from audit.errors import ConfigError

__all__ = ["partners", "stratified"]


def stratified(labels: np.ndarray, limit: int | None, seed: int) -> np.ndarray:
    """Positions (sorted int64) of a sample of ``limit`` images, in proportion to the classes.

    Largest remainders fill the sample up; unlabelled images (-1) are a class of their own. All
    positions where ``limit`` is None or not below their number. Raises ConfigError for limit < 1.
    """
    n = len(labels)
    if limit is None or limit >= n:
        return np.arange(n, dtype=np.int64)
    if limit < 1:
        raise ConfigError(f"--limit {limit}: at least one image is needed")
    classes, counts = np.unique(labels, return_counts=True)
    share = counts * (limit / n)
    take = np.floor(share).astype(np.int64)
    ties = np.random.default_rng(seed).random(len(classes))  # equal remainders: the seed decides
    rest = np.lexsort((ties, take - share))[: limit - take.sum()]
    take[rest] += 1
    chosen = [
        _rng(seed, int(label)).choice(np.flatnonzero(labels == label), size=k, replace=False)
        for label, k in zip(classes, take, strict=True)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def partners(labels: np.ndarray, seed: int) -> np.ndarray:
    """For each image another of its class, by a seeded cycle through the class: int64[N].

    -1 where the class has one image. Every image is the partner of exactly one other.
    """
    partner = np.full(len(labels), -1, dtype=np.int64)
    for label in np.unique(labels):
        members = _rng(seed, int(label)).permutation(np.flatnonzero(labels == label))
        if len(members) > 1:
            partner[members] = np.roll(members, -1)
    return partner


def _rng(seed: int, label: int) -> np.random.Generator:
    return np.random.default_rng([seed, label + 1])
