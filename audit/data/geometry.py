"""One geometry for image and region: how a model's view lies in the source image.

A view is made by an antialiased resize and a centred crop (padded with black where the image is
smaller), exactly as torchvision's presets do. A region is never resized as a picture: a view pixel
belongs to it when the pixel's centre, carried back to the source, does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from audit.errors import ConfigError
from audit.records import Preprocessing
from audit.regions.boxes import clip, clip_each

__all__ = ["View", "view_of"]


@dataclass(frozen=True)
class View:
    """How the model's view (``height`` × ``width``) lies in a source image, all in pixels.

    The source is resized to ``resized``; the view's corner is then at (``top``, ``left``) of the
    resized image, negative where the view is padded.
    """

    source: tuple[int, int]  # height, width
    resized: tuple[int, int]
    top: int
    left: int
    height: int
    width: int
    interpolation: str

    @classmethod
    def of_source(cls, size: tuple[int, int]) -> View:
        """The view that shows a source of ``size`` (height, width) as it is."""
        return cls(size, size, 0, 0, *size, "bilinear")

    @property
    def is_identity(self) -> bool:
        """Whether the view is the source itself, pixel for pixel."""
        return self.source == self.resized == (self.height, self.width)

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """The view's rectangle (x0, y0, x1, y1) in the source's pixels."""
        y, x = self.source[0] / self.resized[0], self.source[1] / self.resized[1]
        return (
            self.left * x,
            self.top * y,
            (self.left + self.width) * x,
            (self.top + self.height) * y,
        )

    def pixels(self, source: torch.Tensor) -> torch.Tensor:
        """The view of ``source`` (uint8 …×3×H×W) as uint8 …×3×height×width."""
        if self.is_identity:
            return source
        if self.source != self.resized:
            mode = InterpolationMode(self.interpolation)
            try:
                source = F.resize(source, list(self.resized), interpolation=mode, antialias=True)
            except RuntimeError as error:
                raise ConfigError(
                    f"an image of {self.source[0]}×{self.source[1]} pixels cannot be resized to "
                    f"{self.resized[0]}×{self.resized[1]}: choose another --input-size or --resize"
                ) from error
        cropped: torch.Tensor = F.center_crop(source, [self.height, self.width])
        return cropped

    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """The view's pixel centres in the source: y (float64[height]), x (float64[width])."""
        x0, y0, x1, y1 = self.frame
        rows = y0 + (np.arange(self.height) + 0.5) * (y1 - y0) / self.height
        columns = x0 + (np.arange(self.width) + 0.5) * (x1 - x0) / self.width
        return rows, columns

    def of_mask(self, mask: np.ndarray) -> np.ndarray:
        """A source mask (…×H×W) read at the view's pixel centres: bool …×height×width."""
        if self.is_identity:
            return mask.astype(bool)
        rows, columns = self.centres()
        inside_y = (rows >= 0) & (rows < self.source[0])
        inside_x = (columns >= 0) & (columns < self.source[1])
        y = np.clip(rows.astype(np.int64), 0, self.source[0] - 1)
        x = np.clip(columns.astype(np.int64), 0, self.source[1] - 1)
        taken = mask[..., y[:, None], x[None, :]].astype(bool)
        return taken & inside_y[:, None] & inside_x[None, :]

    def of_boxes(self, boxes: np.ndarray) -> np.ndarray:
        """The union of half-open boxes (n×4) at the view's pixel centres: bool height×width.

        Boxes are clipped to the source first: padding is never part of a region.
        """
        rows, columns = self.centres()
        x0, y0, x1, y1 = clip(boxes, (0, 0, self.source[1], self.source[0])).T
        in_y = (rows[None, :] >= y0[:, None]) & (rows[None, :] < y1[:, None])  # n×height
        in_x = (columns[None, :] >= x0[:, None]) & (columns[None, :] < x1[:, None])  # n×width
        union: np.ndarray = (in_y[:, :, None] & in_x[:, None, :]).any(axis=0)
        return union

    def boxes_on(self, boxes: np.ndarray) -> np.ndarray:
        """Source boxes (n×4) in the view's pixels, clipped to it: m×4, m ≤ n."""
        return np.concatenate([np.empty((0, 4)), *self.each_box_on(boxes)])

    def each_box_on(self, boxes: np.ndarray) -> tuple[np.ndarray, ...]:
        """The same of each box apart: n arrays of one row, or of none."""
        x0, y0, x1, y1 = self.frame
        across, down = self.width / (x1 - x0), self.height / (y1 - y0)
        moved = (np.asarray(boxes, dtype=np.float64).reshape(-1, 4) - [x0, y0, x0, y0]) * [
            across,
            down,
            across,
            down,
        ]
        return clip_each(moved, (0, 0, self.width, self.height))

    def inside(self, masks: np.ndarray) -> np.ndarray:
        """What the view shows of source masks (n×H×W): the pixels whose centre lies in it."""
        x0, y0, x1, y1 = (math.ceil(max(edge, 0) - 0.5) for edge in self.frame)
        return masks[:, y0:y1, x0:x1]


def view_of(height: int, width: int, preprocessing: Preprocessing) -> View:
    """The view that ``preprocessing`` makes of a ``height`` × ``width`` image.

    Sizes follow torchvision's ``resize`` (the longer side is cut to a whole number) and
    ``center_crop`` (half the margin, rounded). Raises ConfigError for an empty image.
    """
    if height <= 0 or width <= 0:
        raise ConfigError(f"an image of {height}×{width} pixels has no view")
    resized = _resized(height, width, preprocessing.resize)
    out_h, out_w = preprocessing.crop or resized
    return View(
        source=(height, width),
        resized=resized,
        top=_offset(resized[0], out_h),
        left=_offset(resized[1], out_w),
        height=out_h,
        width=out_w,
        interpolation=preprocessing.interpolation,
    )


def _resized(height: int, width: int, resize: int | tuple[int, int] | None) -> tuple[int, int]:
    if resize is None:
        return height, width
    if isinstance(resize, tuple):
        return resize
    if height <= width:
        return resize, int(resize * width / height)
    return int(resize * height / width), resize


def _offset(have: int, want: int) -> int:
    """Where a centred crop of ``want`` starts in ``have``; negative where it is padded.

    torchvision pads (want - have) // 2 before the image, and rounds the margin when it crops.
    """
    if want > have:
        return -((want - have) // 2)
    return round((have - want) / 2.0)
