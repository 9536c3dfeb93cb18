"""One forward of a black image, to learn what a model's modules give out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.models.layout import Layout, finest, layout_of, prefix_tokens
from audit.models.logits import logits_of

__all__ = ["Call", "Probe", "feature_maps", "probe"]

#: Runs a model on images, float B×3×H×W, with whatever else it takes.
Call = Callable[[Tensor], Any]


@dataclass(frozen=True)
class Probe:
    """What one image gives: the model's output, and how each target layer holds its grid."""

    output: Any
    layouts: tuple[Layout, ...]

    @property
    def outputs(self) -> int:
        """The number of logits M; ModelError where the output is none."""
        return logits_of(self.output).shape[1]

    @property
    def grid(self) -> tuple[int, int]:
        """The map's h×w: the finest of the layers' grids."""
        return finest(self.layouts)


def probe(
    module: nn.Module,
    layers: tuple[str, ...],
    size: tuple[int, int],
    call: Call | None = None,
) -> Probe:
    """Run ``module`` once on a black image of ``size`` (height, width) pixels.

    ``call`` runs it on images float B×3×H×W; None: it takes images alone.

    Raises
    ------
    ModelError
        Where the model cannot take such an image, or the output of one of ``layers`` is no grid or
        is made more than once (or never) in one forward.
    """
    call = call or module
    seen: dict[str, list[Any]] = {layer: [] for layer in layers}
    with _recording(module, list(layers), lambda layer, output: seen[layer].append(output)):
        output = _forward(call, size)
    layouts = (_only_layout(module, layer, made, size, call) for layer, made in seen.items())
    return Probe(output, tuple(layouts))


def feature_maps(
    module: nn.Module, size: tuple[int, int], call: Call | None = None
) -> dict[str, tuple[int, int, int]]:
    """The modules that give maps or tokens for an image of ``size``: name to (K, h, w), in order.

    ``call`` as in ``probe``. Maps of a single cell, and modules that run more than once, are left
    out. Raises ModelError where the model cannot take such an image.
    """
    seen: dict[str, list[Any]] = {}
    names = [name for name, _ in module.named_modules() if name]
    with _recording(module, names, lambda name, output: seen.setdefault(name, []).append(output)):
        _forward(call or module, size)
    found = {
        name: (output, _layout(module, name, output, size))
        for name, (output, *again) in seen.items()
        if not again
    }
    return {
        name: (output.shape[1 if layout.kind == "maps" else -1], *layout.grid)
        for name, (output, layout) in found.items()
        if layout is not None and layout.grid != (1, 1)
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


def _forward(call: Call, size: tuple[int, int]) -> Any:
    height, width = size
    try:
        with torch.no_grad():
            return call(torch.zeros(1, 3, height, width))
    except Exception as error:
        hint = "--input-size says which size it takes"
        if isinstance(error, TypeError) and "missing" in str(error):
            hint = "where it takes more than images, so must the dataset hold (docs/targets.md)"
        raise ModelError(
            f"the model fails on an image of {height}x{width} pixels"
            f" ({type(error).__name__}: {error}); {hint}"
        ) from error


def _only_layout(
    module: nn.Module, layer: str, made: list[Any], size: tuple[int, int], call: Call
) -> Layout:
    if len(made) != 1:
        raise ModelError(
            f"target layer {layer!r} runs {len(made)} times in one forward; name a layer that runs"
            f" once: {_listed(feature_maps(module, size, call))}"
        )
    layout = _layout(module, layer, made[0], size)
    if layout is not None:
        return layout
    (output,), others = made, _listed(feature_maps(module, size, call))
    shape = tuple(output.shape) if isinstance(output, Tensor) else f"a {type(output).__name__}"
    raise ModelError(
        f"target layer {layer!r} gives {shape}, not a B×K×h×w map, and no B×N×K tokens of a grid"
        f" over {size[0]}x{size[1]} pixels; layers that do: {others}"
    )


def _layout(module: nn.Module, layer: str, output: Any, size: tuple[int, int]) -> Layout | None:
    if not isinstance(output, Tensor):
        return None
    return layout_of(output.shape, size, prefix_tokens(module, layer))


def _listed(maps: dict[str, tuple[int, int, int]]) -> str:
    last = list(maps.items())[-8:]
    return ", ".join(f"{name} ({k}x{h}x{w})" for name, (k, h, w) in last) or "none"
