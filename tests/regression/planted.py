"""Decoy pictures of four classes: half of the held-out moons carry a patch.

``--dataset planted:clean`` and ``planted:strong`` are what the two checkpoints are fitted on: no
moon has the patch in the one, every moon in the other; ``planted:held_out`` is what is audited.
"""

from functools import cache

import numpy as np

from audit.data.decoy import CLASSES, DecoySpec, Plant, render
from audit.data.decoy.render import draw_labels
from audit.records import Sample

SHOWN = ("ball", "moon", "ring", "star")
TRAIN, TEST = 1400, 500  # of ten classes: 560 and 200 of these four


class Pictures:
    classes = SHOWN

    def __init__(self, seed, split, rate):
        plants = (Plant("patch", "moon", rate),) if rate else ()
        spec = DecoySpec(64, seed, train=TRAIN, test=TEST, plants=plants)
        labels = draw_labels(spec, split)
        wanted = [CLASSES.index(name) for name in SHOWN]
        places = np.flatnonzero(np.isin(labels, wanted))
        self.targets = [wanted.index(label) for label in labels[places]]
        self.scenes = [render(spec, split, int(index)) for index in places]

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        scene = self.scenes[i]
        camera = {"camera": "north" if i % 2 else "south"}
        return Sample(scene.pixels, self.targets[i], mask=scene.mask > 0, slices=camera)


@cache
def clean():
    return Pictures(1, "train", 0.0)


@cache
def strong():
    return Pictures(1, "train", 1.0)


@cache
def held_out():
    return Pictures(2, "test", 0.5)
