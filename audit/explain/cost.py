"""What a map costs beside its forward: multiply-adds, counted, so that the answer is always one."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from audit.explain.forward import tapped
from audit.explain.tap import gradients
from audit.models.probe import Call
from audit.tasks.choice import scores_of

__all__ = ["gradient_share"]


def gradient_share(
    module: nn.Module, layers: tuple[str, ...], size: tuple[int, int], call: Call | None = None
) -> float:
    """The multiply-adds of one score's gradient at ``layers``, as a share of the forward's.

    ``call`` runs ``module`` on images; None: it takes images alone. Counted on one black image of
    ``size`` (height, width): convolutions and matrix products; the rest is
    small. Raises ModelError as ``tapped`` does.
    """
    image = torch.zeros(1, 3, *size)
    with FlopCounterMode(display=False) as whole:
        scores, held, _ = tapped(module, layers, size, lambda: scores_of((call or module)(image)))
    with FlopCounterMode(display=False) as head:
        gradients(scores, torch.zeros(1, dtype=torch.int64), held, last=True)
    return float(head.get_total_flops() / max(1, whole.get_total_flops()))
