"""What ``serve`` is asked to do, beside its run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["HOST", "ServeConfig"]

#: The only address that is ever listened on: no other machine can reach it.
HOST = "127.0.0.1"


@dataclass(frozen=True)
class ServeConfig:
    """Where a run is browsed, and whether the dataset's own pictures are shown.

    Attributes
    ----------
    port
        Port on 127.0.0.1; 0 takes a free one.
    data_root
        Folder of the dataset, for pictures of images that the run keeps none of; nothing outside
        it is read. Default: only the run's own pictures.
    """

    port: int = 8765
    data_root: Path | None = None
