"""Data sets for many machines: the cued one, slowly; and one that other machines see otherwise."""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "durability"))
from cued import CornerNet, Cued

__all__ = ["CornerNet", "Cued", "Gathered", "Slow", "Unlike"]


class Slow(Cued):
    """Takes 0.2 s an image, so that a machine can be lost in the middle of a part."""

    def __getitem__(self, index):
        time.sleep(0.2)
        return super().__getitem__(index)


class Unlike(Cued):
    """Has another second label where the head's environment is not."""

    def __init__(self):
        if "HEAD_OF_THE_RUN" not in os.environ:
            self.targets = (0, 0, *Cued.targets[2:])


class Gathered(Cued):
    """Lets no process but the head go on into a part until as many are in one as are expected.

    The folder GATHERING has the file ``expected`` (how many, the head's number), and one file for
    each process that came.
    """

    def __getitem__(self, index):
        folder = Path(os.environ["GATHERING"])
        expected, head = map(int, (folder / "expected").read_text().split())
        if index > 0 and os.getpid() != head:
            (folder / f"came-{os.getpid()}").touch()
            until = time.monotonic() + 100
            while len(list(folder.glob("came-*"))) < expected and time.monotonic() < until:
                time.sleep(0.02)
        return super().__getitem__(index)
