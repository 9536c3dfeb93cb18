"""ImageNet-1k's 1,000 outputs in their usual order: WordNet ids and names.

``imagenet_wnids.txt`` is the list that timm ships (``timm/data/_info/imagenet_synsets.txt``,
Apache-2.0): the ids in alphabetical order, which is the order of the outputs.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from torchvision.models import ResNet18_Weights

__all__ = ["imagenet_names", "imagenet_wnids"]


@cache
def imagenet_wnids() -> tuple[str, ...]:
    """The 1,000 WordNet ids (``n01440764`` …), by output index."""
    text = resources.files("audit.models").joinpath("imagenet_wnids.txt").read_text("ascii")
    return tuple(text.split())


@cache
def imagenet_names() -> tuple[str, ...]:
    """The 1,000 names that torchvision's weights carry (``tench`` …), by output index."""
    return tuple(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])
