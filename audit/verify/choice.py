"""Which images are tested: a uniform sample of each predicted class, then its worst suspects.

The class verdicts rest on the uniform sample alone: chosen suspects would bias them. What a budget
cannot pay for is left untested, the classes that the triage suspects least first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.triage import judged, of_one_kind
from audit.verify import local, swap

__all__ = ["FORWARDS", "LEAST", "Choice", "Tested", "choose", "default_budget"]

#: Extra forwards that one image of the sample takes: S1, its null and S2, and B both ways.
FORWARDS = local.FORWARDS + 2 * swap.FORWARDS
#: Images of a class below which nothing is tested.
LEAST = 10
_A_CLASS = 40  # images tested of a class where the budget is the default
_MOST = 120
_CLASSES = 20  # that the default budget pays for
_SAMPLE_SHARE = 0.75  # of a class's images; the rest are suspects
_POOL = 100  # images that are pasted into and swapped with


@dataclass(frozen=True)
class Tested:
    """The images tested of one predicted class, as positions in the dataset."""

    cls: int
    sample: np.ndarray  # int64: uniform among those predicted so
    suspects: np.ndarray  # int64: the worst by triage beyond the sample


@dataclass(frozen=True)
class Choice:
    """What is tested, and with what: ``pool`` (int64) holds images of every predicted class."""

    classes: tuple[Tested, ...]
    pool: np.ndarray


def default_budget(images: int, classes: int) -> int:
    """Extra forwards: half the main pass, or 40 images of each of up to 20 classes if more."""
    return max(images // 2, _A_CLASS * min(classes, _CLASSES) * FORWARDS)


def choose(images: pd.DataFrame, cases: pd.DataFrame, budget: int, seed: int) -> Choice:
    """Choose from ``images`` (columns audit.triage.READ) and their ``cases`` within ``budget``."""
    fit = images[judged(images) & of_one_kind(images)]
    groups = _by_class(fit)
    off = cases["off_object"].astype(bool)
    by_triage = sorted(groups, key=lambda cls: (-off.loc[groups[cls]].mean(), cls))
    paid, each = _paid(len(groups), budget)
    tested = [
        _tested(cls, cases.loc[groups[cls]], each, np.random.default_rng([seed, cls]))
        for cls in by_triage[:paid]
    ]
    return Choice(tuple(tested), _pool(fit, seed))


def _by_class(fit: pd.DataFrame) -> dict[int, pd.Index]:
    """The rows of each predicted class that has enough of them."""
    n = fit["pred_class"].value_counts()
    classes = sorted(n[n >= LEAST].index.astype(int))
    return {cls: fit.index[(fit["pred_class"] == cls).to_numpy(dtype=bool)] for cls in classes}


def _paid(classes: int, budget: int) -> tuple[int, int]:
    """How many classes the budget pays for, and how many images of each."""
    affordable = budget // (_A_CLASS * FORWARDS)
    if affordable >= classes > 0:
        return classes, min(budget // (classes * FORWARDS), _MOST)
    if affordable == 0 and budget >= LEAST * FORWARDS:
        return 1, budget // FORWARDS
    return affordable, _A_CLASS


def _tested(cls: int, cases: pd.DataFrame, each: int, rng: np.random.Generator) -> Tested:
    index = cases["index"].to_numpy(dtype=np.int64)
    most = max(LEAST, round(each * _SAMPLE_SHARE))
    sample = np.sort(rng.choice(index, size=min(most, len(index)), replace=False))
    beyond = cases[cases["off_object"].astype(bool) & ~cases["index"].isin(sample)]
    worst = beyond.sort_values(["severity", "index"], ascending=[False, True], kind="stable")
    suspects = worst["index"].to_numpy(dtype=np.int64)[: max(each - most, 0)]
    return Tested(cls, sample, np.sort(suspects))


def _pool(fit: pd.DataFrame, seed: int) -> np.ndarray:
    """Images of every predicted class in turn, uniform within each."""
    rng = np.random.default_rng([seed, 1])
    shuffled = fit.sample(frac=1, random_state=rng)
    turn = shuffled.groupby("pred_class").cumcount()
    first = shuffled.assign(turn=turn).sort_values("turn", kind="stable")
    return np.sort(first["index"].to_numpy(dtype=np.int64)[:_POOL])
