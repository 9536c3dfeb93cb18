"""What a map costs beside its forward: multiply-adds, counted, so that the answer is always one."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from audit.explain.forward import forward
from audit.explain.tap import gradients
from audit.models.logits import logits_of

__all__ = ["gradient_share"]


def gradient_share(module: nn.Module, layers: tuple[str, ...], size: tuple[int, int]) -> float:
    """The multiply-adds of one class's gradient at ``layers``, as a share of the forward's.

    Counted on one black image of ``size`` (height, width): convolutions and matrix products; the
    rest is small. Raises ModelError as ``forward`` does.
    """
    image = torch.zeros(1, 3, *size)
    with FlopCounterMode(display=False) as whole:
        ran = forward(module, layers, image, logits_of)
    with FlopCounterMode(display=False) as head:
        gradients(ran.scores, torch.zeros(1, dtype=torch.int64), ran.activations, last=True)
    return float(head.get_total_flops() / max(1, whole.get_total_flops()))
