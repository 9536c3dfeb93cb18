"""What a covered patch is filled with: something that could have been there.

A flat or black patch is itself a thing that a model may react to. Each fill takes a picture (H×W×3
uint8 RGB) and a patch (H×W bool), and returns the picture with the patch covered; its edge is
feathered, so that no outline is drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

__all__ = ["FILLS", "cover", "feathered"]

Fill = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]

_FEATHER = 0.015  # of the frame's side: the width of the edge
_RING = 0.08  # of the frame's side: the surroundings whose grain the noise is matched to
_INPAINT_RADIUS = 3.0  # pixels: OpenCV's own example value
_FINE = 256  # steps a level, while inpainting
_COARSE = 4.0  # σ of a wide blur, in the larger pixels that it is made of
_DETAIL = 1.5  # pixels: σ of the blur that grain is told from


def cover(
    picture: np.ndarray, patch: np.ndarray, fill: str, rng: np.random.Generator
) -> np.ndarray:
    """``picture`` with ``patch`` covered by ``fill`` (a key of FILLS), H×W×3 uint8.

    Every pixel of the patch is covered in full; the edge fades outside of it.
    """
    filled = FILLS[fill](picture, patch, rng)
    alpha = feathered(patch)[:, :, None]
    mixed = picture + (filled - picture) * alpha
    return np.asarray(np.clip(np.rint(mixed), 0, 255), dtype=np.uint8)


def feathered(patch: np.ndarray) -> np.ndarray:
    """1 on the patch, falling to 0 over a narrow edge outside of it: float32 H×W."""
    width = max(1.0, _FEATHER * max(patch.shape))
    away = cv2.distanceTransform((~patch).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(np.clip(1 - away / (2 * width), 0, 1), dtype=np.float32)


def _blur(picture: np.ndarray, patch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours of the surroundings, blurred into the patch, with noise of their own grain."""
    sigma = max(2.0, float(np.sqrt(patch.sum())) / 2)
    known = (feathered(patch) == 0).astype(np.float32)
    smooth = _spread(picture.astype(np.float32), known, sigma)
    return np.asarray(smooth + _grain(picture, patch, known, rng))


def _spread(values: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur of the known pixels alone (float32 H×W×3); where none is near, their mean.

    A wide blur is made of fewer, larger pixels.
    """
    height, width = known.shape
    shrink = max(1.0, sigma / _COARSE)
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    sigmas = sigma * size[0] / width, sigma * size[1] / height
    parts = [
        cv2.GaussianBlur(
            cv2.resize(part, size, interpolation=cv2.INTER_AREA),
            (0, 0),
            sigmaX=sigmas[0],
            sigmaY=sigmas[1],
            borderType=cv2.BORDER_REFLECT,
        )
        for part in (values * known[:, :, None], known)
    ]
    total, weight = parts[0], parts[1][:, :, None]
    mean = values[known > 0].mean(axis=0) if known.any() else values.mean(axis=(0, 1))
    near = weight > 1e-4  # noqa: PLR2004 - below it the quotient is rounding
    smooth = np.where(near, total / np.maximum(weight, 1e-4), mean).astype(np.float32)
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR))


def _grain(
    picture: np.ndarray, patch: np.ndarray, known: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Noise with the standard deviation that the fine detail round the patch has."""
    side = 2 * max(2, round(_RING * max(patch.shape))) + 1
    ring = (cv2.dilate(patch.astype(np.uint8), np.ones((side, side), np.uint8)) > 0) & (known > 0)
    if not ring.any():
        return np.zeros_like(picture, dtype=np.float32)
    values = picture.astype(np.float32)
    scale = (values - _spread(values, known, _DETAIL))[ring].std(axis=0)
    return np.asarray(rng.standard_normal(picture.shape, dtype=np.float32) * scale)


def _inpaint(picture: np.ndarray, patch: np.ndarray, _rng: np.random.Generator) -> np.ndarray:
    """OpenCV's fast marching inpainting (Telea 2004), of the patch and its feathered edge."""
    hole = (feathered(patch) > 0).astype(np.uint8)
    if hole.all():
        return np.full(picture.shape, picture.mean(axis=(0, 1)), dtype=np.float32)
    fine = (
        picture.astype(np.uint16) * _FINE
    )  # on bytes it rounds upwards, step by step into the hole
    channels = [
        cv2.inpaint(np.ascontiguousarray(fine[:, :, k]), hole, _INPAINT_RADIUS, cv2.INPAINT_TELEA)
        for k in range(fine.shape[2])
    ]
    return np.stack(channels, axis=2).astype(np.float32) / _FINE


def _mean(picture: np.ndarray, patch: np.ndarray, _rng: np.random.Generator) -> np.ndarray:
    """The mean colour of what is not covered."""
    known = feathered(patch) == 0
    kept = picture[known] if known.any() else picture.reshape(-1, 3)
    return np.broadcast_to(kept.mean(axis=0), picture.shape).astype(np.float32)


FILLS: dict[str, Fill] = {"blur": _blur, "inpaint": _inpaint, "mean": _mean}
