"""One forward, a leaf at the target layer: gradients cost the head alone.

A forward hook replaces the target layer's output by a clone of a leaf. With every parameter frozen
for the time of the tap, nothing before the leaf builds a graph, so ``torch.autograd.grad`` with
respect to it runs through the head only. The clone keeps in-place activations after the layer from
writing into the leaf. Of several layers in one path only the first begins a graph; the outputs of
the later ones are held within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from audit.errors import ModelError

__all__ = ["Tap", "gradients", "tap"]

_RANKS = (3, 4)  # tokens, maps


@dataclass(frozen=True)
class Tap:
    """What a tapped forward leaves behind: every output of every target layer, by name."""

    held: dict[str, list[Tensor]]

    @property
    def activations(self) -> tuple[Tensor, ...]:
        """Each target layer's output, as the head's graph begins with or goes through it.

        Raises ModelError where the forward called a layer never, or more than once.
        """
        return tuple(self._once(layer) for layer in self.held)

    def _once(self, layer: str) -> Tensor:
        outputs = self.held[layer]
        if len(outputs) != 1:
            raise ModelError(
                f"target layer {layer!r} ran {len(outputs)} times in one forward; it must run "
                "exactly once: choose another with --target-layer"
            )
        return outputs[0]


@contextmanager
def tap(module: nn.Module, layers: tuple[str, ...]) -> Iterator[Tap]:
    """Tap ``layers`` (names in ``module.named_modules()``) for the forwards inside the block.

    On leaving, whether by return or exception, the hooks are removed and every parameter's
    ``requires_grad`` is what it was; no ``.grad`` is touched. Raises ModelError where a layer's
    output is not one tensor of three (tokens) or four dimensions (maps).
    """
    tapped = Tap({layer: [] for layer in layers})
    asked = [parameter for parameter in module.parameters() if parameter.requires_grad]
    with ExitStack() as undo:
        for layer, outputs in tapped.held.items():
            hook = _keep(layer, outputs)
            undo.callback(module.get_submodule(layer).register_forward_hook(hook).remove)
        undo.callback(_require_grad, asked, wanted=True)
        _require_grad(asked, wanted=False)
        undo.enter_context(torch.inference_mode(mode=False))
        undo.enter_context(torch.enable_grad())
        yield tapped


def gradients(
    scores: Tensor, chosen: Tensor, activations: Sequence[Tensor], *, last: bool
) -> tuple[Tensor, ...]:
    """∂ scores[i, chosen[i]] / ∂ activation[i] of every image i at once, for each activation.

    ``scores`` B×C, ``chosen`` int64[B]; returns a tensor of each activation's shape. Summing over
    the batch before differentiating couples nothing: image i's score depends on image i's
    activation alone. ``last`` frees the graph. Raises ModelError where the scores do not depend on
    an activation.
    """
    picked = scores.gather(1, chosen[:, None]).sum()
    if not picked.requires_grad:
        raise ModelError(_CUT)
    found = torch.autograd.grad(picked, activations, retain_graph=not last, allow_unused=True)
    if any(gradient is None for gradient in found):
        raise ModelError(_CUT)
    return found


_CUT = (
    "the scores do not depend on the target layer in a way that can be differentiated: its output "
    "is not used, or the forward detaches it; choose another with --target-layer"
)


def _keep(layer: str, outputs: list[Tensor]) -> Callable[..., Tensor]:
    def keep(_module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim not in _RANKS:
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ModelError(
                f"target layer {layer!r} puts out {got}; a CAM needs maps B×K×h×w or tokens B×N×K: "
                "choose another layer with --target-layer"
            )
        held = output if output.requires_grad else output.detach().requires_grad_()
        outputs.append(held)
        return held.clone()

    return keep


def _require_grad(parameters: Sequence[nn.Parameter], *, wanted: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(wanted)
