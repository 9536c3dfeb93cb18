"""One forward, then the map of any class: the seam between a model and what reads its maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from audit.device import full_float32
from audit.errors import ModelError
from audit.explain.methods import method_of
from audit.explain.tap import gradients, tap
from audit.models.layout import Layout, as_maps, finest, layout_of, prefix_tokens
from audit.models.logits import logits_of
from audit.scores.grid import upsample

__all__ = ["Forward", "class_map", "explain", "forward", "tapped"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Forward:
    """What one tapped forward leaves: scores whose graph begins at the first target layer."""

    scores: Tensor  # B×C
    activations: tuple[Tensor, ...]  # one a target layer, as the layer puts it out
    layouts: tuple[Layout, ...]  # how to read them as maps


def explain(
    module: nn.Module,
    layers: tuple[str, ...],
    inputs: Tensor,
    target: int | Tensor,
    method: str = "grad-cam",
) -> Tensor:
    """The raw maps B×h×w of class ``target`` for ``inputs``, of any classifier.

    ``inputs`` are what ``module`` takes, float B×3×H×W; ``target`` is one class for all, or
    int64[B]. ``layers`` are names in ``module.named_modules()``, ``method`` one of
    ``audit.explain.methods.METHODS`` (``cam`` is not checked to be applicable here; see
    ``audit.explain.pooled``). The module is left as it was: mode, hooks, gradients. Values are ≥ 0
    and not normalised, except that several layers' maps are averaged (``class_map``).

    Raises
    ------
    ConfigError
        For an unknown method.
    ModelError
        Where a layer's output is no grid, or is not made exactly once in a forward, or the module
        returns no logits.
    """
    ran = forward(module, layers, inputs, logits_of)
    chosen = torch.as_tensor(target, device=ran.scores.device).expand(len(ran.scores))
    return class_map(ran, chosen, method, last=True)


def forward(
    module: nn.Module,
    layers: tuple[str, ...],
    inputs: Tensor,
    to_scores: Callable[[Any], Tensor],
) -> Forward:
    """Run ``module`` on normalised ``inputs`` B×3×H×W; ``to_scores`` makes B×C of its output.

    The module runs in evaluation mode and gets its own mode back. A part of it that is compiled
    stays so, unless a target layer lies within: then it runs as written, for hooks are not seen in
    compiled code.
    """
    view = (inputs.shape[-2], inputs.shape[-1])
    return Forward(*tapped(module, layers, view, lambda: to_scores(module(inputs.detach()))))


def tapped(
    module: nn.Module, layers: tuple[str, ...], view: tuple[int, int], run: Callable[[], _T]
) -> tuple[_T, tuple[Tensor, ...], tuple[Layout, ...]]:
    """What ``run`` gives, which runs ``module`` once, and each target layer's output and layout.

    ``view`` is the images' (height, width); modes and compiled parts as in ``forward``.
    """
    compiled = any(_within_compiled(module, layer) for layer in layers)
    eager = torch.compiler.set_stance("force_eager") if compiled else nullcontext()
    with _evaluating(module), eager, tap(module, layers) as held:
        result = run()
    activations = held.activations
    layouts = tuple(
        _layout(module, layer, activation, view)
        for layer, activation in zip(layers, activations, strict=True)
    )
    return result, activations, layouts


def class_map(ran: Forward, chosen: Tensor, method: str, *, last: bool) -> Tensor:
    """The raw map B×h×w of class ``chosen[i]`` (int64[B]) for each image i.

    One target layer: the method's own values. Several: each layer's map divided by its own maximum,
    as gradients differ between depths by orders of magnitude and one layer would drown the others,
    upsampled (bilinear, half-pixel centres) to the finest grid, and averaged. Computed in float32
    at least, whatever the model computes in. ``last`` frees the graph: no further map can be had of
    this forward.
    """
    with full_float32():
        found = gradients(ran.scores, chosen, ran.activations, last=last)
    make = method_of(method)
    with torch.no_grad(), torch.autocast(ran.scores.device.type, enabled=False):
        maps = [
            make(_wide(as_maps(activation, layout)), _wide(as_maps(gradient, layout)))
            for activation, gradient, layout in zip(
                ran.activations, found, ran.layouts, strict=True
            )
        ]
        return maps[0] if len(maps) == 1 else _averaged(maps, finest(ran.layouts))


def _averaged(maps: list[Tensor], grid: tuple[int, int]) -> Tensor:
    return torch.stack([upsample(_to_unit(one), grid) for one in maps]).mean(dim=0)


def _to_unit(cam: Tensor) -> Tensor:
    top = cam.amax(dim=(-2, -1), keepdim=True)
    return cam / torch.where(top == 0, 1, top)


def _wide(tensor: Tensor) -> Tensor:
    """``tensor`` in float32 or wider: sums over a map overflow and round in half precision."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _layout(module: nn.Module, layer: str, output: Tensor, view: tuple[int, int]) -> Layout:
    found = layout_of(output.shape, view, prefix_tokens(module, layer))
    if found is None:
        raise ModelError(
            f"target layer {layer!r} puts out {tuple(output.shape)}, which is no grid over images "
            f"of {view[0]}x{view[1]} pixels; choose another with --target-layer"
        )
    return found


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for the block; every part gets its own mode back."""
    training = [part for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _within_compiled(module: nn.Module, layer: str) -> bool:
    """Whether ``layer`` lies inside a part that torch.compile took (its own call stays hooked)."""
    names = layer.split(".")
    around = [module.get_submodule(".".join(names[:depth])) for depth in range(len(names))]
    own = module.get_submodule(layer)
    return any(_is_compiled(part) for part in around) or own._compiled_call_impl is not None


def _is_compiled(part: nn.Module) -> bool:
    return "_orig_mod" in part._modules or part._compiled_call_impl is not None
