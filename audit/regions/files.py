"""Why a path is not the file that was asked for."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["no_file"]


def no_file(path: Path) -> str:
    """What ``path``, which is no regular file, is instead: a clause for an error."""
    if path.is_dir():
        return "is a folder"
    return "is not a regular file" if os.path.lexists(path) else "does not exist"
