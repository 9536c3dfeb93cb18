"""What is known of an architecture before any weights are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from audit.records import Preprocessing

__all__ = ["Blueprint", "Weights"]

Weights = dict[str, Tensor]


def _unchanged(weights: Mapping[str, Tensor]) -> Weights:
    return dict(weights)


@dataclass(frozen=True)
class Blueprint:
    """How to build a named architecture, and what holds for its published weights.

    ``build(n)`` makes the module with ``n`` outputs and random weights; ``fetch`` gets the
    published weights, those of ``outputs`` outputs; ``adapt`` brings the names in older files up
    to date. ``preprocessing``, ``names`` and ``wnids`` belong to the published weights, and hold
    for another checkpoint only where it has the same number of outputs.
    """

    build: Callable[[int], nn.Module]
    outputs: int
    fetch: Callable[[], Weights]
    adapt: Callable[[Mapping[str, Tensor]], Weights] = _unchanged
    preprocessing: Preprocessing | None = None
    names: tuple[str, ...] | None = None
    wnids: tuple[str, ...] | None = None
