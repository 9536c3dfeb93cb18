"""The project's own reference network: small enough to train on a laptop, with a fine CAM grid."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

__all__ = ["SmallResNet"]


class SmallResNet(nn.Module):
    """A residual network of torchvision's ``BasicBlock`` for images of 64 to 128 pixels.

    A 3×3 stem of stride 2 and three stages of 16, 32 and 64 channels with two blocks each (the
    widths of He et al. 2016, section 4.2), global average pooling and one linear layer. An image
    of 96×96 gives 12×12 cells in ``layer3``, the stage that Grad-CAM explains: because only
    pooling and a linear layer follow, Grad-CAM there equals CAM (Zhou et al. 2016).

    ``forward`` takes float B×3×H×W and returns logits B×``num_classes``.
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _stage(16, 16, stride=1)
        self.layer2 = _stage(16, 32, stride=2)
        self.layer3 = _stage(32, 64, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, num_classes)
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Logits B×num_classes of images B×3×H×W."""
        x = self.relu(self.bn1(self.conv1(images)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits


def _stage(inputs: int, channels: int, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or inputs != channels:
        shortcut = nn.Sequential(
            nn.Conv2d(inputs, channels, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm2d(channels),
        )
    return nn.Sequential(
        BasicBlock(inputs, channels, stride, shortcut), BasicBlock(channels, channels)
    )


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
