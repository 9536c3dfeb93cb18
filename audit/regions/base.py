"""What every form of annotation offers the loader: the objects of one image at a time."""

from __future__ import annotations

from typing import Protocol

from audit.records import Annotation

__all__ = ["Annotations"]


class Annotations(Protocol):
    """Where the objects of a dataset's images are, said by something beside the dataset.

    An implementation is made from a file or folder and the dataset's ``Listing``, reads what it can
    check without the images at once, raises DataError where nothing fits, and travels to worker
    processes.
    """

    @property
    def digest(self) -> str:
        """Hash of all that decides where the objects are; part of a run's fingerprint."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is missing, left out or doubtful: counts, with the first examples."""
        ...

    def of(self, index: int, size: tuple[int, int], orientation: int) -> Annotation:
        """What is annotated in image ``index``, upright, ``size`` = (height, width) pixels.

        ``orientation`` is the EXIF orientation that turned the file's pixels upright (1: none).
        Never raises for a bad annotation: the note says what could not be used, and why.
        """
        ...
