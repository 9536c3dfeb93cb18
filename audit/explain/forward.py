"""One forward, then the map of any class: the seam between a model and what reads its maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from audit.explain.methods import grad_cam
from audit.explain.tap import gradient, tap

__all__ = ["Forward", "class_map", "forward"]


@dataclass(frozen=True)
class Forward:
    """What one tapped forward leaves: scores whose graph ends at the target layer."""

    scores: Tensor  # B×C
    activation: Tensor  # B×K×h×w, a leaf


def forward(
    module: nn.Module, layer: str, inputs: Tensor, to_scores: Callable[[Any], Tensor]
) -> Forward:
    """Run ``module`` on normalised ``inputs`` B×3×H×W; ``to_scores`` makes B×C of its output."""
    with tap(module, layer) as tapped:
        scores = to_scores(module(inputs))
    return Forward(scores, tapped.activation)


def class_map(ran: Forward, chosen: Tensor, *, last: bool) -> Tensor:
    """The raw map B×h×w of class ``chosen[i]`` (int64[B]) for each image i.

    ``last`` frees the graph: no further map can be had of this forward.
    """
    found = gradient(ran.scores, chosen, ran.activation, last=last)
    return grad_cam(ran.activation, found).detach()
