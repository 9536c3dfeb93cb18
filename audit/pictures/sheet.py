"""One image's picture: view, grid, upsampled map, overlay and Guided Grad-CAM side by side.

Arrays in, an array out; colours are BGR from here on, as OpenCV writes them. Maps are shown from 0
to their own maximum: the colours compare places of one map, never two maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["COLORMAPS", "Look", "draw"]

#: ``--colormap`` → OpenCV's table, and how much of map and view an overlay takes. Inferno and
#: viridis are perceptually uniform: equal steps of the map look equal. ``jet-mix`` is the mix that
#: many posts on Grad-CAM show, map · 0.3 + image · 0.5; JET invents edges at cyan and yellow.
COLORMAPS: dict[str, tuple[int, float, float]] = {
    "inferno": (cv2.COLORMAP_INFERNO, 0.5, 0.5),
    "viridis": (cv2.COLORMAP_VIRIDIS, 0.5, 0.5),
    "jet-mix": (cv2.COLORMAP_JET, 0.3, 0.5),
}

_LEAST, _MOST = 224, 384  # px: the longer side of a panel
_MARGIN, _TITLE, _LINE = 12, 24, 22  # px
_INK, _PALE, _PAPER = (30, 30, 30), (120, 120, 120), 255
_LETTER = 14  # px
_REGULAR, _BOLD = 400, 600
_CLIPPED = 99  # percentile of |Guided Grad-CAM| that full contrast stands for


@dataclass(frozen=True)
class Look:
    """What one picture shows. H×W: the model's view in pixels; h×w: the map's grid."""

    view: np.ndarray  # H×W×3 uint8 RGB
    cam: np.ndarray  # h×w float32, raw
    heat: np.ndarray  # H×W float32: the map upsampled, on the same scale
    guided: np.ndarray | None  # H×W×3 float32: Guided Grad-CAM, RGB; None: no such panel
    headline: str
    lines: tuple[str, ...]  # what else is written below it


def draw(look: Look, colormap: str) -> np.ndarray:
    """The picture, H'×W'×3 uint8 BGR; ``colormap`` is one of ``COLORMAPS``.

    A map without a positive, finite maximum is drawn as 0 everywhere.
    """
    panels = _panels(look, colormap)
    height, width = next(iter(panels.values())).shape[:2]
    sheet = _paper(height, width, len(panels), len(look.lines))
    for i, (title, panel) in enumerate(panels.items()):
        x, y = _MARGIN + i * (width + _MARGIN), _MARGIN + _TITLE
        sheet[y : y + height, x : x + width] = panel
        _write(sheet, title, (x, y - 7), width)
    texts = sheet.shape[1] - 2 * _MARGIN
    y = _MARGIN + _TITLE + height + _LINE + 4
    _write(sheet, look.headline, (_MARGIN, y), texts, weight=_BOLD)
    for i, line in enumerate(look.lines, start=1):
        _write(sheet, line, (_MARGIN, y + i * _LINE), texts, colour=_PALE)
    return sheet


def _panels(look: Look, colormap: str) -> dict[str, np.ndarray]:
    table, of_map, of_view = COLORMAPS[colormap]
    size = _panel_size(look.view.shape[0], look.view.shape[1])
    view = look.view[..., ::-1]
    top = float(look.cam.max(initial=0.0))
    grid, heat = (_coloured(values, top, table) for values in (look.cam, look.heat))
    overlay = cv2.addWeighted(heat, of_map, np.ascontiguousarray(view), of_view, 0)
    rows, columns = look.cam.shape
    panels = {
        f"view {view.shape[1]}×{view.shape[0]}": _resized(view, size),
        f"grid {columns}×{rows}": cv2.resize(grid, size, interpolation=cv2.INTER_NEAREST),
        "upsampled": _resized(heat, size),
        "overlay": _resized(overlay, size),
    }
    if look.guided is not None:
        panels["Guided Grad-CAM"] = _resized(_grey_centred(look.guided)[..., ::-1], size)
    return panels


def _panel_size(height: int, width: int) -> tuple[int, int]:
    """Width, height of a panel: small views grow by a whole factor, so that pixels stay square."""
    longer = max(height, width)
    scale = -(-_LEAST // longer) if longer < _LEAST else min(1.0, _MOST / longer)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _coloured(values: np.ndarray, top: float, table: int) -> np.ndarray:
    """``values`` from 0 to ``top`` in colours, uint8 BGR."""
    usable = np.isfinite(top) and top > 0
    scaled = np.nan_to_num(values / top if usable else np.zeros_like(values))
    return np.asarray(cv2.applyColorMap(np.rint(scaled.clip(0, 1) * 255).astype(np.uint8), table))


def _grey_centred(values: np.ndarray) -> np.ndarray:
    """Signed values as uint8 about a grey of 128, few of the largest clipped."""
    values = np.nan_to_num(values, posinf=0, neginf=0)
    reach = float(np.percentile(np.abs(values), _CLIPPED)) or float(np.abs(values).max())
    scaled = values / reach if reach > 0 else np.zeros_like(values)
    centred: np.ndarray = np.rint(128 + 127 * scaled.clip(-1, 1)).astype(np.uint8)
    return centred


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    smaller = size[0] < image.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=how))


def _paper(height: int, width: int, panels: int, lines: int) -> np.ndarray:
    below = _LINE * (1 + lines) + _MARGIN
    size = (_MARGIN + _TITLE + height + below, _MARGIN + panels * (width + _MARGIN), 3)
    return np.full(size, _PAPER, dtype=np.uint8)


def _write(
    sheet: np.ndarray,
    text: str,
    at: tuple[int, int],
    room: int,
    *,
    weight: int = _REGULAR,
    colour: tuple[int, int, int] = _INK,
) -> None:
    """Write on ``sheet`` from ``at`` (x, baseline), cut to ``room`` pixels.

    OpenCV's own scalable font has Latin, Greek, Cyrillic, Chinese, Japanese and Korean letters;
    its older line fonts know ASCII alone.
    """
    font = cv2.FontFace("sans")
    shown = _fitting(text, font, weight, room)
    cv2.putText(sheet, shown, at, colour, font, _LETTER, weight)


def _fitting(text: str, font: cv2.FontFace, weight: int, room: int) -> str:
    def fits(shown: str) -> bool:
        # The size given is what text wraps at: wider than anything, so that it never does.
        box = cv2.getTextSize((1 << 15, 1 << 10), shown, (0, 0), font, _LETTER, weight)
        return bool(box[2] <= room)

    if fits(text):
        return text
    keep = next((n for n in range(len(text) - 1, 0, -1) if fits(text[:n].rstrip() + "…")), 0)
    return text[:keep].rstrip() + "…"
