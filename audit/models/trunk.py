"""The convolutional part of the models that read or write texts: images to a grid of features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

__all__ = ["PLACED", "Trunk", "with_places"]

_CHANNELS = 64
PLACED = _CHANNELS + 2  # features of a cell, and its place


class Trunk(nn.Module):
    """``SmallResNet``'s body at a third of its cost: two strided convolutions, then its last stage.

    An image of 96×96 gives 12×12 cells of 64 features, none below zero; a cell sees 63×63 pixels,
    most of all its own surroundings.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolved(3, 16), *_convolved(16, 32))
        self.layer3 = nn.Sequential(_halved(32, _CHANNELS), BasicBlock(_CHANNELS, _CHANNELS))
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Features B×64×h×w of images B×3×H×W."""
        features: Tensor = self.layer3(self.stem(images))
        return features


def with_places(features: Tensor) -> Tensor:
    """``features`` B×K×h×w with each cell's x and y as two more channels, from -1 to 1."""
    height, width = features.shape[-2:]
    x = torch.linspace(-1, 1, width).expand(height, width)
    y = torch.linspace(-1, 1, height)[:, None].expand(height, width)
    places = torch.stack([x, y]).to(features).expand(len(features), -1, -1, -1)
    return torch.cat([features, places], dim=1)


def _convolved(inputs: int, channels: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, channels, kernel_size=3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


def _halved(inputs: int, channels: int) -> BasicBlock:
    shortcut = nn.Sequential(
        nn.Conv2d(inputs, channels, kernel_size=1, stride=2, bias=False),
        nn.BatchNorm2d(channels),
    )
    return BasicBlock(inputs, channels, 2, shortcut)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
