"""How a layer's output holds its grid: maps, channels last, or a sequence of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

__all__ = ["Layout", "as_maps", "finest", "layout_of", "prefix_tokens"]

_IMAGE_LIKE = 4
_SEQUENCE = 3
_SLACK = 2  # cells by which strides and paddings may bend a grid's aspect


@dataclass(frozen=True)
class Layout:
    """One layer's grid, and where it is in the layer's output.

    ``maps`` B×K×h×w, ``channels-last`` B×h×w×K, ``tokens`` B×(prefix + h·w)×K with the patches row
    by row after ``prefix`` class and register tokens, which have no place in the image.
    """

    kind: Literal["maps", "channels-last", "tokens"]
    grid: tuple[int, int]  # h, w
    prefix: int = 0

    def __str__(self) -> str:
        dropped = f", {self.prefix} without a place dropped" if self.prefix else ""
        return f"{self.kind} {self.grid[0]}×{self.grid[1]}{dropped}"


def layout_of(
    shape: Sequence[int], view: tuple[int, int], prefixes: Sequence[int] = (0, 1)
) -> Layout | None:
    """The layout of an output of ``shape`` for images of ``view`` (height, width), else None.

    Four dimensions are B×K×h×w, unless only the first two after B have the view's aspect. Three are
    tokens where their number, less one of ``prefixes``, is the view divided into square patches.
    """
    if len(shape) == _IMAGE_LIKE:
        return _image_like(shape, view)
    if len(shape) == _SEQUENCE:
        return _tokens(shape[1], view, prefixes)
    return None


def as_maps(output: Tensor, layout: Layout) -> Tensor:
    """``output`` as B×K×h×w; tokens without a place are left out."""
    if layout.kind == "channels-last":
        return output.permute(0, 3, 1, 2)
    if layout.kind == "tokens":
        patches = output[:, layout.prefix :].transpose(1, 2)
        return patches.reshape(*patches.shape[:2], *layout.grid)
    return output


def prefix_tokens(module: nn.Module, layer: str) -> tuple[int, ...]:
    """How many class and register tokens may come before the patches in ``layer``'s output.

    What timm's models declare (``num_prefix_tokens``; none in the layers before they are added),
    looked up from ``layer`` outwards; without a declaration none or one, the class token.
    """
    parents = layer.split(".")
    for depth in range(len(parents), -1, -1):
        declared = getattr(
            module.get_submodule(".".join(parents[:depth])), "num_prefix_tokens", None
        )
        if isinstance(declared, int):
            return (declared, 0)
    return (0, 1)


def finest(layouts: Sequence[Layout]) -> tuple[int, int]:
    """The grid with the most cells, h×w: the one that several layers' maps are averaged on."""
    return max((layout.grid for layout in layouts), key=lambda grid: grid[0] * grid[1])


def _image_like(shape: Sequence[int], view: tuple[int, int]) -> Layout:
    _, first, second, third = shape
    if _has_aspect((first, second), view) and not _has_aspect((second, third), view):
        return Layout("channels-last", (first, second))
    return Layout("maps", (second, third))


def _has_aspect(grid: tuple[int, int], view: tuple[int, int]) -> bool:
    fits = grid[0] <= view[0] and grid[1] <= view[1]
    return fits and abs(grid[0] * view[1] / view[0] - grid[1]) <= _SLACK


def _tokens(count: int, view: tuple[int, int], prefixes: Sequence[int]) -> Layout | None:
    height, width = view
    grids = {
        (height // side) * (width // side): (height // side, width // side)
        for side in range(1, min(view) + 1)
        if height % side == 0 and width % side == 0
    }
    found = (Layout("tokens", grids[count - n], n) for n in prefixes if count - n in grids)
    return next(found, None)
