"""One image of a run, drawn where a notebook shows it: the view, and the maps laid over it."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from audit.errors import DataError
from audit.report.text import capital, clean, percent, probability, times
from audit.serve.pictures import region_png

__all__ = ["Case"]

_SIDE = 224  # px: the longest side of a drawn panel
_GAP = 8  # px
_FULL = 160  # of 255: where a map's colour hides the picture below
_GREY = 110
_OUTLINE = (242, 227, 123)  # BGR
_ROLES = {"true": "label", "pred": "prediction"}


@dataclass(frozen=True, repr=False)
class Case:
    """One image of a run. A notebook draws it: view, label's map and, where it differs, the
    prediction's map; in a plain shell, ``png()`` gives the same picture as bytes.

    Attributes
    ----------
    index
        Position in the dataset.
    row
        Its row of ``images``, maps included (lists of 0 to 255, row by row).
    flags
        Its row of ``cases``.
    media
        Its pictures: view, region, covered (encoded bytes); empty where the run keeps none.
    grid, view
        Height and width of a map in cells, and of the model's view in pixels.
    """

    index: int
    row: Mapping[str, Any]
    flags: Mapping[str, Any]
    media: Mapping[str, Any]
    grid: tuple[int, int]
    view: tuple[int, int]

    def png(self) -> bytes:
        """The panels side by side as a PNG; a grey ground where the run keeps no picture.

        Raises DataError where a kept picture cannot be decoded.
        """
        panels = [panel for _, panel in self._panels()]
        gap = np.full((panels[0].shape[0], _GAP, 3), 255, np.uint8)
        sheet = [part for panel in panels for part in (gap, panel)][1:]
        return _png(np.hstack(sheet))

    def _panels(self) -> list[tuple[str, np.ndarray]]:
        """Caption and picture (H×W×3 uint8 BGR): the view, then a map for each explained class."""
        view = self._view()
        name = "View" if self.media else "No picture is kept of this image"
        panels = [(name, self._outlined(view))]
        for side in self._sides():
            cells = self.row[f"{side}_cam"]
            words = f"{self._role(side)}, {clean(self.row[f'{side}_label'], 60)}"
            laid = view if cells is None else _laid(view, cells, self.grid)
            caption = f"{'No map' if cells is None else 'Map'} for the {words}"
            panels.append((caption, self._outlined(laid)))
        return panels

    def _sides(self) -> list[str]:
        """What is explained: one where label and prediction agree or there is no label."""
        named = [side for side in _ROLES if self.row[f"{side}_label"] is not None]
        return named[:1] if self._agree() else named

    def _agree(self) -> bool:
        true, pred = (
            (self.row[f"{side}_class"], self.row[f"{side}_label"]) for side in ("true", "pred")
        )
        return true == pred

    def _role(self, side: str) -> str:
        return "label and prediction" if self._agree() else _ROLES[side]

    def _view(self) -> np.ndarray:
        """H×W×3 uint8 BGR; without a picture grey, with a wash over the region's cells."""
        scale = _SIDE / max(self.view)
        size = max(1, round(self.view[1] * scale)), max(1, round(self.view[0] * scale))
        if not self.media:
            grey, region = np.full((size[1], size[0], 3), _GREY, np.uint8), self.row["region_grid"]
            if region is None:
                return grey
            return _washed(grey, region_png(region, self.row["valid_grid"], self.grid, self.view))
        view = cv2.imdecode(np.frombuffer(self.media["view"], np.uint8), cv2.IMREAD_COLOR)
        if view is None:
            raise DataError(f"media: the view of image {self.index} is no picture")
        return np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA))

    def _outlined(self, panel: np.ndarray) -> np.ndarray:
        """``panel`` with the region's outline, where a picture of it is kept."""
        size = panel.shape[1], panel.shape[0]
        region = self.media.get("region")
        if region is None:
            return panel
        mask = cv2.imdecode(np.frombuffer(region, np.uint8), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise DataError(f"media: the region of image {self.index} is no picture")
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        borders, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        return np.asarray(cv2.drawContours(panel.copy(), borders, -1, _OUTLINE, 1))

    def __repr__(self) -> str:
        sides = [f"{_ROLES[side]} {clean(self.row[f'{side}_label'], 60)}" for side in self._sides()]
        return f"<image {self.index}: {', '.join(sides) or 'not classified'}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(f"<td>{html.escape(text)}</td>" for text in self._figures(side))
            + "</tr>"
            for side in self._sides()
        )
        panels = "".join(
            "<figure style='display: inline-block; margin: 0 8px 8px 0; width: min-content; "
            "vertical-align: top'>"
            f"<img alt='' src='data:image/png;base64,{base64.b64encode(_png(panel)).decode()}'>"
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
            for caption, panel in self._panels()
        )
        name = clean(self.row["path"]) if self.row["path"] else f"image {self.index:,}"
        said = [self.row.get("question"), capital(self.flags.get("reason") or "")]
        lines = "".join(f"<br>{html.escape(clean(line, 300))}" for line in said if line)
        return (
            f"<div><b>{html.escape(name)}</b>{lines}</div><div>{panels}</div>"
            "<table><tr><th></th><th>class</th><th>probability</th><th>on object</th>"
            f"<th>lift</th></tr>{rows}</table>"
        )

    def _figures(self, side: str) -> tuple[str, ...]:
        return (
            self._role(side),
            clean(self.row[f"{side}_label"], 60),
            probability(self.row[f"{side}_probability"]),
            percent(self.row[f"{side}_relevance_mass_accuracy"]),
            times(self.row[f"{side}_mass_lift"]),
        )


def _laid(view: np.ndarray, cells: Iterable[int], grid: tuple[int, int]) -> np.ndarray:
    """The map over ``view`` (BGR): inferno, clear where it is cold."""
    size = view.shape[1], view.shape[0]
    values = cv2.resize(np.asarray(cells, np.float32).reshape(grid), size)
    colours = cv2.applyColorMap(np.rint(values).astype(np.uint8), cv2.COLORMAP_INFERNO)
    paint = 0.8 * np.minimum(1, values / _FULL)[..., None]
    return np.asarray(np.rint(view * (1 - paint) + colours * paint).astype(np.uint8))


def _washed(panel: np.ndarray, cells: bytes) -> np.ndarray:
    """``panel`` under a PNG with an alpha channel."""
    drawn = cv2.imdecode(np.frombuffer(cells, np.uint8), cv2.IMREAD_UNCHANGED)
    wash = cv2.resize(
        np.asarray(drawn), (panel.shape[1], panel.shape[0]), interpolation=cv2.INTER_NEAREST
    )
    paint = wash[..., 3:] / 255
    return np.asarray(np.rint(panel * (1 - paint) + wash[..., :3] * paint).astype(np.uint8))


def _png(panel: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", panel)[1])
