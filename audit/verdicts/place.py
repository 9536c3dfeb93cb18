"""Where in the view the cue lies, in words."""

from __future__ import annotations

import numpy as np

__all__ = ["place"]

_SCATTERED = 0.25  # root mean square distance of the centres from their mean, in sides of the view
_ROWS = ("top", "middle", "bottom")
_COLUMNS = ("left", "centre", "right")


def place(boxes: np.ndarray, view: tuple[int, int]) -> str:
    """Where ``boxes`` (float n×4: x0, y0, x1, y1 in pixels; n ≥ 1) lie in a view of (H, W).

    The third of the view that holds their mean centre, such as "at the bottom right"; "at changing
    places" where they scatter more widely than a third does.
    """
    height, width = view
    x = (boxes[:, 0] + boxes[:, 2]) / 2 / width
    y = (boxes[:, 1] + boxes[:, 3]) / 2 / height
    if np.sqrt(x.var() + y.var()) > _SCATTERED:
        return "at changing places"
    row, column = _ROWS[_third(y)], _COLUMNS[_third(x)]
    if (row, column) == ("middle", "centre"):
        return "in the centre"
    return f"at the {row} {column}"


def _third(position: np.ndarray) -> int:
    return min(2, int(position.mean() * 3))
