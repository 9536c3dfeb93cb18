"""Any scene of a dataset, rendered alone: its objects, their exact masks, its pixels.

Every random number comes from a stream keyed by (seed, dataset, split, index, purpose), as in the
decoy: a scene needs no other scene, and what it shows is the same whatever is drawn of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from audit.data.decoy.backgrounds import paint_background
from audit.data.decoy.drawing import (
    Pose,
    cast_shadow,
    develop,
    quantise,
    rasterise,
    relief,
    unit_coordinates,
)
from audit.data.decoy.streams import stream
from audit.data.scenes.layout import place_objects
from audit.data.scenes.objects import SceneObject, draw_objects
from audit.data.scenes.patterns import paint
from audit.data.scenes.spec import ScenesSpec

__all__ = ["Purpose", "Scene", "objects_of", "render_scene", "scene_stream"]

_GREY: Final = 0.55  # how far a background is drawn towards grey: the objects keep the colours
_DIMMED: Final = 0.8


class Purpose(IntEnum):
    """What a stream of random numbers is for."""

    OBJECTS = 0
    PICTURE = 1
    QUESTIONS = 2


@dataclass(frozen=True)
class Scene:
    """One rendered scene with everything that is known of it."""

    pixels: np.ndarray  # H×W×3 uint8 RGB
    objects: tuple[SceneObject, ...]  # from left to right
    masks: np.ndarray  # n×H×W bool: at least half of the pixel is the object; disjoint


def scene_stream(spec: ScenesSpec, split: str, index: int, purpose: Purpose) -> np.random.Generator:
    """The random numbers of one scene for one purpose.

    Raises ConfigError for an unknown split, IndexError for an index outside it.
    """
    if not 0 <= index < spec.count(split):
        known = spec.count(split) - 1
        raise IndexError(f"{spec.name} {split} has scenes 0 to {known}, not {index}")
    return stream(spec.seed, spec.number, spec.splits.index(split), index, purpose)


def objects_of(spec: ScenesSpec, split: str, index: int) -> tuple[SceneObject, ...]:
    """What scene ``index`` of ``split`` shows, in the order in which it was drawn."""
    rng = scene_stream(spec, split, index, Purpose.OBJECTS)
    return draw_objects(rng, spec.n_objects, spec.own_share(split))


def render_scene(spec: ScenesSpec, split: str, index: int) -> Scene:
    """Render scene ``index`` of ``split``; raises what ``scene_stream`` does."""
    objects = objects_of(spec, split, index)
    rng = scene_stream(spec, split, index, Purpose.PICTURE)
    background = _toned_down(paint_background(rng, spec.size))
    poses = place_objects(rng, objects, spec.size)
    alphas = np.stack(
        [rasterise(pose, spec.size, one.shape) for pose, one in zip(poses, objects, strict=True)]
    )
    masks = alphas >= 0.5  # noqa: PLR2004  half a pixel
    pixels = _drawn(rng, background, objects, poses, alphas)
    order = np.argsort([_centre_x(mask) for mask in masks])
    return Scene(quantise(pixels), tuple(objects[i] for i in order), masks[order])


def _centre_x(mask: np.ndarray) -> float:
    """The middle of a mask's box, in pixels."""
    columns = np.flatnonzero(mask.any(axis=0))
    return float(columns[0] + columns[-1] + 1) / 2


def _toned_down(background: np.ndarray) -> np.ndarray:
    grey = background.mean(axis=0, keepdims=True)
    return np.asarray((background + (grey - background) * np.float32(_GREY)) * np.float32(_DIMMED))


def _drawn(
    rng: np.random.Generator,
    background: np.ndarray,
    objects: tuple[SceneObject, ...],
    poses: tuple[Pose, ...],
    alphas: np.ndarray,
) -> np.ndarray:
    """All objects on their ground under one light; 3×H×W float32 in [0, 1]."""
    size = background.shape[-1]
    light = rng.uniform(np.deg2rad(200), np.deg2rad(340))  # from above; y points down
    towards = np.array([np.cos(light), np.sin(light)], np.float32)
    covered = alphas.max(axis=0)
    pixels = cast_shadow(background, covered, towards, rng.uniform(0.25, 0.6))
    shade = relief(covered, covered >= 0.5, towards)  # noqa: PLR2004  half a pixel
    for one, pose, alpha in zip(objects, poses, alphas, strict=True):
        u, v = unit_coordinates(pose, size)
        surface = paint(one.colour, one.pattern, u, v, rng.uniform(0, 2 * np.pi)) * shade
        pixels = pixels + (surface - pixels) * alpha
    return develop(rng, pixels)
