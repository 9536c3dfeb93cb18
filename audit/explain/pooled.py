"""Whether a layer is followed by global average pooling and a linear layer, as CAM needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.explain.forward import forward
from audit.explain.tap import gradients
from audit.models.layout import as_maps

__all__ = ["check_pooled_head"]

_IMAGES = 8
_TOLERANCE = 1e-4  # relative; float32 sums of a head stay well below


def check_pooled_head(
    module: nn.Module,
    layers: tuple[str, ...],
    size: tuple[int, int],
    to_scores: Callable[[Any], Tensor],
) -> None:
    """Raise ModelError where ``--method cam`` has no meaning for ``layers``.

    Asked of the module itself, not of its source: for random activations A, as images of ``size``
    (height, width) give them, and a random mixture y of all scores, ∂y/∂A must be the same in every
    cell and for every image, and y must be Σ_k w_k mean(A_k) + b with those weights. ``to_scores``
    as in ``forward``.
    """
    if len(layers) > 1:
        raise ModelError(_refusal(layers, "CAM explains one layer, the one that is pooled"))
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(_IMAGES, 3, *size, generator=generator)
    seen = forward(module, layers, images, to_scores)
    output, layout = seen.activations[0].detach(), seen.layouts[0]
    replaced = _spread(output, 1 if layout.kind == "maps" else -1, generator)
    hook = module.get_submodule(layers[0]).register_forward_hook(lambda *_: replaced)
    try:
        ran = forward(module, layers, images, to_scores)
    finally:
        hook.remove()
    mixture = torch.randn(ran.scores.shape[1], generator=generator)
    scores = (ran.scores * mixture).sum(dim=1, keepdim=True)
    chosen = torch.zeros(_IMAGES, dtype=torch.int64)
    (found,) = gradients(scores, chosen, ran.activations, last=True)
    why = _complaint(as_maps(replaced, layout), as_maps(found, layout), scores.detach()[:, 0])
    if why is not None:
        raise ModelError(_refusal(layers, why))


def _spread(output: Tensor, channels: int, generator: torch.Generator) -> Tensor:
    """Activations of the layer's kind whose means, unlike those of random images, differ widely.

    Images of noise have nearly the same means, and a ReLU in the head would let all of them pass.
    Signs are kept: the layer may be one that puts out none below 0.
    """
    shape = [1] * output.ndim
    shape[0], shape[channels] = output.shape[0], output.shape[channels]
    strength = torch.randn(shape, generator=generator).exp()
    level = output.abs().mean()
    return (output + output.sign() * level) * strength


def _complaint(activation: Tensor, gradient: Tensor, scores: Tensor) -> str | None:
    if not _same(gradient, gradient.mean(dim=(2, 3), keepdim=True)):
        return "what follows the layer weighs its cells differently"
    if not _same(gradient, gradient[:1]):
        return "what follows the layer depends on the image (it is not linear)"
    pooled = activation.mean(dim=(2, 3))
    explained = (pooled * gradient.sum(dim=(2, 3))).sum(dim=1)
    rest = scores - explained
    if not float((rest - rest[0]).abs().max()) <= _TOLERANCE * float(scores.abs().max() + 1e-12):
        return "its scores are not a linear layer of the pooled maps"
    return None


def _same(gradient: Tensor, other: Tensor) -> bool:
    top = float(gradient.abs().max())
    return top > 0 and float((gradient - other).abs().max()) <= _TOLERANCE * top


def _refusal(layers: tuple[str, ...], why: str) -> str:
    return (
        f"--method cam needs global average pooling and one linear layer right after "
        f"{','.join(layers)}: {why}; --method grad-cam is CAM's generalisation to such models"
    )
