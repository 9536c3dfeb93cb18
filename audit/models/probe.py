"""One forward of a black image, to learn what a model's modules give out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.models.logits import logits_of

__all__ = ["Probe", "feature_maps", "probe"]

_IMAGE_LIKE = 4  # B×K×h×w


@dataclass(frozen=True)
class Probe:
    """What one image gives: the number of logits M, and the target layer's K×h×w."""

    outputs: int
    channels: int
    grid: tuple[int, int]  # h, w


def probe(module: nn.Module, layer: str, size: tuple[int, int]) -> Probe:
    """Run ``module`` once on a black image of ``size`` (height, width) pixels.

    Raises
    ------
    ModelError
        Where the model cannot take such an image, returns no logits, or the output of ``layer`` is
        no B×K×h×w map or is made more than once (or never) in one forward.
    """
    seen: list[Any] = []
    with _recording(module, [layer], lambda _, output: seen.append(output)):
        outputs = logits_of(_forward(module, size)).shape[1]
    if len(seen) != 1:
        raise ModelError(
            f"target layer {layer!r} runs {len(seen)} times in one forward; name a layer that runs"
            f" once: {_listed(feature_maps(module, size))}"
        )
    return Probe(outputs, *_map_shape(module, layer, seen[0], size))


def feature_maps(module: nn.Module, size: tuple[int, int]) -> dict[str, tuple[int, int, int]]:
    """The modules that give B×K×h×w maps for an image of ``size``: name to (K, h, w), in order.

    Maps of a single cell, and modules that run more than once, are left out. Raises ModelError
    where the model cannot take such an image.
    """
    seen: dict[str, list[Any]] = {}
    names = [name for name, _ in module.named_modules() if name]
    with _recording(module, names, lambda name, output: seen.setdefault(name, []).append(output)):
        _forward(module, size)
    return {
        name: (output.shape[1], output.shape[2], output.shape[3])
        for name, (output, *again) in seen.items()
        if not again and _is_map(output) and output.shape[2] * output.shape[3] > 1
    }


@contextmanager
def _recording(
    module: nn.Module, names: list[str], record: Callable[[str, Any], None]
) -> Iterator[None]:
    def hook(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: record(name, output)

    with ExitStack() as hooks:
        for name in names:
            handle = module.get_submodule(name).register_forward_hook(hook(name))
            hooks.callback(handle.remove)
        yield


def _forward(module: nn.Module, size: tuple[int, int]) -> Any:
    height, width = size
    try:
        with torch.no_grad():
            return module(torch.zeros(1, 3, height, width))
    except Exception as error:
        raise ModelError(
            f"the model fails on an image of {height}x{width} pixels"
            f" ({type(error).__name__}: {error}); --input-size says which size it takes"
        ) from error


def _map_shape(
    module: nn.Module, layer: str, output: Any, size: tuple[int, int]
) -> tuple[int, tuple[int, int]]:
    if _is_map(output):
        return output.shape[1], (output.shape[2], output.shape[3])
    shape = tuple(output.shape) if isinstance(output, Tensor) else f"a {type(output).__name__}"
    raise ModelError(
        f"target layer {layer!r} gives {shape}, not a B×K×h×w map (grids of tokens are not"
        f" supported yet); layers that do: {_listed(feature_maps(module, size))}"
    )


def _is_map(output: Any) -> bool:
    return isinstance(output, Tensor) and output.ndim == _IMAGE_LIKE


def _listed(maps: dict[str, tuple[int, int, int]]) -> str:
    last = list(maps.items())[-8:]
    return ", ".join(f"{name} ({k}x{h}x{w})" for name, (k, h, w) in last) or "none"
