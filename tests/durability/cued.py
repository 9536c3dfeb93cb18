"""A data set and a model that the killed processes import: tiny, seeded, with a known shortcut."""

import numpy as np
import torch

from audit.records import Sample

CLASSES = ("red", "green")
N = 30  # 15 a class: below 14, each exact test of ranks with ties takes half a second
TWINS = {20: 2, 28: 2}  # these pictures are copies of an earlier one, in another part


class Cued:
    """30 pictures of noise, whose corner alone says the class: red or green."""

    classes = CLASSES
    targets = tuple(TWINS.get(k, k) % 2 for k in range(N))

    def __len__(self):
        return N

    def __getitem__(self, index):
        seen = TWINS.get(index, index)
        rng = np.random.default_rng([3, seen])
        image = rng.integers(90, 110, (32, 32, 3), dtype=np.uint8)
        image[:4, :4] = 0
        image[:4, :4, seen % 2] = 255
        y, x = rng.integers(8, 20, 2)
        mask = np.zeros((32, 32), dtype=bool)
        mask[y : y + 8, x : x + 8] = True
        return Sample(image, seen % 2, mask=mask)


class CornerNet(torch.nn.Module):
    """Looks at the corner alone: the logit of a class is 8 × that colour's level there."""

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Conv2d(3, 2, 4, stride=4, bias=False)
        with torch.no_grad():
            self.features.weight.copy_(torch.eye(3)[:2, :, None, None].expand(2, 3, 4, 4) / 16)

    def forward(self, x):
        return 8 * self.features(x)[:, :, 0, 0]


class Repainted(Cued):
    """The same pictures, of which one has another label."""

    targets = (1, *Cued.targets[1:])


class Duller(CornerNet):
    """Other weights."""

    def __init__(self):
        super().__init__()
        with torch.no_grad():
            self.features.weight.mul_(0.5)
