"""One forward, a leaf at the target layer: gradients cost the head alone.

A forward hook replaces the target layer's output by a clone of a leaf. With every parameter frozen
for the time of the tap, nothing before the leaf builds a graph, so ``torch.autograd.grad`` with
respect to it runs through the head only. The clone keeps in-place activations after the layer from
writing into the leaf.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from audit.errors import ModelError

__all__ = ["Tap", "gradient", "tap"]


@dataclass
class Tap:
    """What a tapped forward leaves behind."""

    layer: str
    leaves: list[Tensor] = field(default_factory=list)

    @property
    def activation(self) -> Tensor:
        """The target layer's output, B×K×h×w, a leaf of the head's graph.

        Raises ModelError where the forward called the layer never, or more than once.
        """
        if len(self.leaves) != 1:
            raise ModelError(
                f"target layer {self.layer!r} ran {len(self.leaves)} times in one forward; it must "
                "run exactly once: choose another with --target-layer"
            )
        return self.leaves[0]


@contextmanager
def tap(module: nn.Module, layer: str) -> Iterator[Tap]:
    """Tap ``layer`` (a name in ``module.named_modules()``) for the forwards inside the block.

    On leaving, whether by return or exception, the hook is removed and every parameter's
    ``requires_grad`` is what it was; no ``.grad`` is touched. Raises ModelError where the layer's
    output is not one tensor of shape B×K×h×w.
    """
    tapped = Tap(layer)

    def keep(_module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:  # noqa: PLR2004 - B×K×h×w
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ModelError(
                f"target layer {layer!r} puts out {got}; a CAM needs feature maps B×K×h×w: choose "
                "a convolutional layer with --target-layer"
            )
        leaf = output.detach().requires_grad_()
        tapped.leaves.append(leaf)
        return leaf.clone()

    asked = [parameter for parameter in module.parameters() if parameter.requires_grad]
    handle = module.get_submodule(layer).register_forward_hook(keep)
    try:
        for parameter in asked:
            parameter.requires_grad_(False)
        with torch.enable_grad():
            yield tapped
    finally:
        handle.remove()
        for parameter in asked:
            parameter.requires_grad_(True)


def gradient(scores: Tensor, chosen: Tensor, activation: Tensor, *, last: bool) -> Tensor:
    """∂ scores[i, chosen[i]] / ∂ activation[i] of every image i of the batch at once.

    ``scores`` B×C, ``chosen`` int64[B], ``activation`` B×K×h×w; returns B×K×h×w. Summing over the
    batch before differentiating couples nothing: image i's score depends on image i's activation
    alone. ``last`` frees the graph.
    """
    picked = scores.gather(1, chosen[:, None]).sum()
    (grad,) = torch.autograd.grad(picked, activation, retain_graph=not last)
    return grad
