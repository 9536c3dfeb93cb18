"""How an object comes into a picture: its outline, its shadow, its relief, and the photograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from audit.data.decoy.outlines import OUTLINES

__all__ = [
    "Pose",
    "cast_shadow",
    "develop",
    "quantise",
    "rasterise",
    "relief",
    "rotation",
    "squeeze",
    "unit_coordinates",
]

_FINE: Final = 4  # supersampling of the outline


@dataclass(frozen=True)
class Pose:
    """Where an outline lies in the frame."""

    matrix: np.ndarray  # 2×2 float64: unit coordinates to pixels
    centre: np.ndarray  # x, y in pixels


def rotation(angle: float) -> np.ndarray:
    """The 2×2 matrix that turns by ``angle`` radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])


def squeeze(rng: np.random.Generator) -> np.ndarray:
    """Foreshorten along a random axis; the area stays."""
    axis, ratio = rotation(rng.uniform(0, np.pi)), np.exp(rng.uniform(-0.16, 0.16))
    return np.asarray(axis @ np.diag([ratio, 1 / ratio]) @ axis.T)


def rasterise(pose: Pose, size: int, class_name: str) -> np.ndarray:
    """Share of each pixel that the outline covers; size×size float32 in [0, 1]."""
    fine = np.zeros((size * _FINE, size * _FINE), np.uint8)
    contours = [
        np.rint((contour @ pose.matrix.T + pose.centre) * _FINE * 16 - 8).astype(np.int32)
        for contour in OUTLINES[class_name]
    ]
    cv2.fillPoly(fine, contours, 255, shift=4)
    alpha = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(alpha, np.float32) / np.float32(255)


def cast_shadow(
    background: np.ndarray, alpha: np.ndarray, towards: np.ndarray, depth: float
) -> np.ndarray:
    """Darken the ground beside the object, away from the light."""
    size = len(alpha)
    dx, dy = -towards * 0.035 * size
    moved = cv2.warpAffine(alpha, np.array([[1, 0, dx], [0, 1, dy]], np.float32), (size, size))
    shadow = cv2.GaussianBlur(moved, (0, 0), 0.03 * size)
    return np.asarray(background * (1 - np.float32(depth) * np.asarray(shadow)))


def relief(alpha: np.ndarray, mask: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Brightness of a softly rounded body under the light; H×W float32 about 1."""
    size = len(alpha)
    depth = np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5))
    height = np.sqrt(np.minimum(depth / (0.11 * size), 1.0))
    height = np.asarray(cv2.GaussianBlur(height, (0, 0), 0.014 * size)) * np.float32(0.055 * size)
    slope_y, slope_x = np.gradient(height)
    facing = -(slope_x * towards[0] + slope_y * towards[1])
    normal = np.sqrt(1.0 + slope_x**2 + slope_y**2)
    return np.asarray(0.42 + (0.62 + 0.5 * facing) / normal, np.float32)


def develop(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """Photograph it: focus, vignette, exposure and grain differ by picture; clips to [0, 1]."""
    size = pixels.shape[-1]
    blur, exposure = rng.uniform(0.001, 0.008) * size, np.float32(rng.uniform(0.75, 1.1))
    r = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    vignette = 1 - np.float32(rng.uniform(0.0, 0.5)) * (r[:, None] ** 2 + r**2)
    grain = rng.standard_normal((size, size), dtype=np.float32) * np.float32(0.015)
    photograph = np.stack([cv2.GaussianBlur(channel, (0, 0), blur) for channel in pixels])
    photograph *= exposure * vignette
    photograph += grain
    return np.clip(photograph, 0.0, 1.0, out=photograph)


def unit_coordinates(pose: Pose, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel lies in the outline's own coordinates: u and v, size×size float32."""
    to_unit = np.linalg.inv(pose.matrix).astype(np.float32)
    x, y = (np.arange(size, dtype=np.float32) + np.float32(0.5 - c) for c in pose.centre)
    u, v = (across * x + down * y[:, None] for across, down in to_unit)
    return u, v


def quantise(pixels: np.ndarray) -> np.ndarray:
    """3×H×W float in [0, 1] to H×W×3 uint8."""
    return np.asarray(np.rint(pixels * 255).astype(np.uint8).transpose(1, 2, 0))
