"""What the sanity checks found: what ``summary.json`` keeps under ``sanity``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.sanity.estimate import Estimate

__all__ = ["Curve", "Sanity", "Stage", "depends"]

_STILL_ALIKE = 0.5  # a mean rank correlation surely above this: the map has hardly changed


@dataclass(frozen=True)
class Stage:
    """How alike the maps are before and after the model became random down to module ``stage``."""

    stage: str
    modules: int  # with random weights, all stages so far together
    without_map: int  # images whose map became zero or not finite: counted, never scored
    spearman: Estimate | None
    ssim: Estimate | None


@dataclass(frozen=True)
class Curve:
    """Mean area under deletion or insertion curves: in the maps' order, and in a random one."""

    auc: float
    random_auc: float
    difference: Estimate  # of the two, image by image


@dataclass(frozen=True)
class Sanity:
    """The checks' figures on ``n`` images; None and () where they could not be had."""

    n: int
    randomisation: tuple[Stage, ...] = ()
    depends: bool | None = None
    deletion: Curve | None = None
    insertion: Curve | None = None
    unavailable: str | None = None  # why there are no figures


def depends(randomisation: Sequence[Stage]) -> bool | None:
    """Whether the maps depend on the model: their order is lost with the head, and with it all.

    False where, after the first or after the last stage, the interval of Spearman's r lies above
    .5 as a whole; None where neither can be said.
    """
    judged = [stage.spearman for stage in (*randomisation[:1], *randomisation[-1:])]
    lows = [found.low for found in judged if found is not None and found.low is not None]
    return all(low <= _STILL_ALIKE for low in lows) if lows else None
