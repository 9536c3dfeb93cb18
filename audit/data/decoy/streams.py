"""Random numbers by what they are for, so that each drawn thing stands alone.

Philox (Salmon et al. 2011, doi:10.1145/2063384.2063405) under a SeedSequence that is keyed by
whole numbers: a split, an index, a purpose.
"""

from __future__ import annotations

import numpy as np

__all__ = ["stream"]


def stream(seed: int, *key: int) -> np.random.Generator:
    """The generator of ``key`` under ``seed``; different keys share no draws."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))
