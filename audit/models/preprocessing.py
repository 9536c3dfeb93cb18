"""How a model wants its images: what the options change, and the normalisation itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from audit.errors import AuditError, ConfigError
from audit.records import Preprocessing

__all__ = [
    "PreprocessingOverrides",
    "merge_preprocessing",
    "normalise",
    "parse_overrides",
    "preprocessing_notes",
    "valid_mean",
    "valid_std",
]

Size = tuple[int, int]  # height, width
Triple = tuple[float, float, float]  # red, green, blue

_CHANNELS = 3


@dataclass(frozen=True)
class PreprocessingOverrides:
    """What the options ask for; None leaves the model's own value. Shapes as in Preprocessing."""

    resize: int | Size | None = None
    crop: Size | None = None
    mean: Triple | None = None
    std: Triple | None = None


def parse_overrides(
    input_size: int | None = None,
    resize: str | None = None,
    crop: str | None = None,
    mean: str | None = None,
    std: str | None = None,
) -> PreprocessingOverrides:
    """Read ``--input-size S --resize N|HxW --crop N|HxW --mean r,g,b --std r,g,b``.

    ``--input-size S`` is short for ``--resize S --crop S``. Mean and standard deviation are in
    units of RGB in [0, 1].

    Raises
    ------
    ConfigError
        For a value that is no size or no three numbers in range, or for ``--input-size`` beside
        ``--resize`` or ``--crop``.
    """
    if input_size is not None and (resize is not None or crop is not None):
        raise ConfigError(
            f"--input-size {input_size} stands for --resize {input_size} --crop {input_size}:"
            " give it alone, or give those two"
        )
    if input_size is not None:
        resize = crop = str(input_size)
        _size(resize, "--input-size")
    return PreprocessingOverrides(
        resize=None if resize is None else _size(resize, "--resize"),
        crop=None if crop is None else _square(_size(crop, "--crop")),
        mean=None if mean is None else valid_mean(_numbers(mean, "--mean"), "--mean"),
        std=None if std is None else valid_std(_numbers(std, "--std"), "--std"),
    )


def merge_preprocessing(known: Preprocessing, asked: PreprocessingOverrides) -> Preprocessing:
    """``known`` with the options' values in place; its ``source`` then says which those are."""
    changed = {key: value for key, value in vars(asked).items() if value is not None}
    if not changed:
        return known
    flags = " ".join(f"--{key}" for key in changed)
    return replace(known, **changed, source=f"{known.source}; options {flags}")


def preprocessing_notes(preprocessing: Preprocessing) -> tuple[str, ...]:
    """What a reader should know about these values, in whole sentences."""
    resize, crop = preprocessing.resize, preprocessing.crop
    if resize is None or crop is None:
        return ()
    height, width = (resize, resize) if isinstance(resize, int) else resize
    if crop[0] <= height and crop[1] <= width:
        return ()
    side = f"{height} px" if isinstance(resize, int) else f"{height}x{width}"
    return (
        f"images are resized to {side} and then cropped to {crop[0]}x{crop[1]}: where an image is"
        " smaller than the crop, the model sees a black border",
    )


def normalise(
    view: Tensor, preprocessing: Preprocessing, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Turn uint8 B×3×H×W views into the model's input: (x / 255 - mean) / std.

    The result has the shape of ``view``, lies on its device in channels-last order, and is
    computed in float32 whatever ``dtype`` it is returned in.
    """
    scale, shift = _affine(preprocessing.mean, preprocessing.std, view.device)
    pixels = view.to(torch.float32, memory_format=torch.channels_last)
    return pixels.mul_(scale).sub_(shift).to(dtype)


def valid_mean(
    values: tuple[float, ...], name: str, error: type[AuditError] = ConfigError
) -> Triple:
    """Check a mean: three numbers in [0, 1]. Raises ``error``, naming ``name``."""
    red, green, blue = _triple(values, name, error)
    if not all(0 <= value <= 1 for value in values):
        raise error(f"{name} {_shown(values)}: a mean lies in [0, 1], as RGB does{_hint(values)}")
    return red, green, blue


def valid_std(
    values: tuple[float, ...], name: str, error: type[AuditError] = ConfigError
) -> Triple:
    """Check a standard deviation: three numbers in (0, 1]. Raises ``error``, naming ``name``."""
    red, green, blue = _triple(values, name, error)
    if not all(0 < value <= 1 for value in values):
        raise error(
            f"{name} {_shown(values)}: a standard deviation is above 0 and at most 1, because it"
            f" divides RGB in [0, 1]{_hint(values)}"
        )
    return red, green, blue


def _triple(values: tuple[float, ...], name: str, error: type[AuditError]) -> Triple:
    if len(values) != _CHANNELS:
        raise error(f"{name} has {len(values)} value(s): it needs three (red, green, blue)")
    red, green, blue = values
    return red, green, blue


def _hint(values: tuple[float, ...]) -> str:
    return "; divide values for 0..255 by 255" if max(values) > 1 else ""


def _shown(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in values)


def _numbers(text: str, flag: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"{flag} {text!r} is not three numbers r,g,b such as 0.485,0.456,0.406"
        ) from None


def _size(text: str, flag: str) -> int | Size:
    found = re.fullmatch(r"([1-9]\d*)(?:[xX]([1-9]\d*))?", text.strip())
    if found is None:
        raise ConfigError(f"{flag} {text!r} is not a size in pixels: N, or HxW such as 224x160")
    height, width = found.groups()
    return int(height) if width is None else (int(height), int(width))


def _square(size: int | Size) -> Size:
    return (size, size) if isinstance(size, int) else size


@lru_cache(maxsize=8)
def _affine(mean: Triple, std: Triple, device: torch.device) -> tuple[Tensor, Tensor]:
    # Cached, so that a batch on an accelerator waits for no copy; made outside inference mode,
    # because an inference tensor could never take part in a later graph.
    with torch.inference_mode(mode=False):
        deviation = torch.tensor(std, dtype=torch.float64).view(_CHANNELS, 1, 1)
        scale = 1 / (255 * deviation)
        shift = torch.tensor(mean, dtype=torch.float64).view(_CHANNELS, 1, 1) / deviation
        return scale.float().to(device), shift.float().to(device)
