"""What the drawn scenes are made of: shapes, colours, patterns, and how many scenes there are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

from audit.data.decoy.outlines import OUTLINES
from audit.data.splits import check_split
from audit.errors import ConfigError

__all__ = [
    "COLOURS",
    "OWN_PATTERN",
    "PATTERNS",
    "SHAPES",
    "SIDES",
    "VERSION",
    "CaptionsSpec",
    "ScenesSpec",
    "VqaSpec",
]

#: Raised with every change to the generator that moves a byte of what it writes.
VERSION: Final = 1

COLOURS: Final = ("blue", "green", "purple", "red", "white", "yellow")
PATTERNS: Final = ("dotted", "plain", "striped")
SIDES: Final = ("left", "right")

#: The pattern that a shape has in the biased splits: two shapes a pattern.
OWN_PATTERN: Final = {
    "ball": "dotted",
    "cross": "striped",
    "fish": "striped",
    "heart": "plain",
    "moon": "plain",
    "star": "dotted",
}
SHAPES: Final = tuple(name for name in sorted(OUTLINES) if name in OWN_PATTERN)

_SMALLEST: Final = 64  # pixels a side: below it the patterns of small objects run together


@dataclass(frozen=True)
class ScenesSpec:
    """A dataset of drawn scenes, size×size RGB.

    ``train`` and ``test`` count scenes. Raises ConfigError for a size under 64, a negative seed or
    an empty split.
    """

    size: int = 96
    seed: int = 0
    train: int = 1
    test: int = 1

    name: ClassVar[str] = ""
    number: ClassVar[int] = -1  # of the dataset, in the key of its random streams
    splits: ClassVar[tuple[str, ...]] = ("train", "test")
    n_objects: ClassVar[tuple[int, int]] = (2, 3)  # least and most in a scene

    def __post_init__(self) -> None:
        least = {"size": (_SMALLEST, " pixels a side"), "seed": (0, "")}
        for field, (low, unit) in (least | dict.fromkeys(("train", "test"), (1, " scene"))).items():
            if getattr(self, field) < low:
                value = getattr(self, field)
                raise ConfigError(f"{self.name} {field} {value}: must be at least {low}{unit}")

    @property
    def key(self) -> str:
        """Twelve hex digits that differ for any two specs or generator versions."""
        canonical = json.dumps(self.as_json(), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def as_json(self) -> dict[str, Any]:
        """The spec and the generator's version in JSON's types, equal for equal content."""
        return asdict(self) | {"dataset": self.name, "version": VERSION}

    def count(self, split: str) -> int:
        """Number of scenes of a split; ConfigError if there is no such split."""
        check_split(self.name, split, self.splits)
        return self.train if split == "train" else self.test

    def own_share(self, split: str) -> float | None:  # noqa: ARG002 - captions have no bias
        """Share of the objects of ``split`` with their shape's own pattern; None: drawn freely."""
        return None


@dataclass(frozen=True)
class VqaSpec(ScenesSpec):
    """``decoy-vqa``: scenes of two to four objects, four questions each, with a language bias.

    In ``train`` and ``test`` a share ``tied`` of the objects has its shape's own pattern, the
    others one of the other two; in ``test-decorrelated`` patterns are drawn freely. Raises
    ConfigError for a ``tied`` that is no share, and as ScenesSpec does.
    """

    train: int = 2500
    test: int = 400
    tied: float = 1.0

    name: ClassVar[str] = "decoy-vqa"
    number: ClassVar[int] = 1
    splits: ClassVar[tuple[str, ...]] = ("train", "test", "test-decorrelated")
    n_objects: ClassVar[tuple[int, int]] = (2, 4)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.tied <= 1.0:
            raise ConfigError(
                f"{self.name} tied {self.tied!r}: must be a share of the objects, from 0 to 1; "
                "1/3 is no bias"
            )

    def as_json(self) -> dict[str, Any]:
        """As ScenesSpec; 1 and 1.0 are the same share."""
        return super().as_json() | {"tied": float(self.tied)}

    def own_share(self, split: str) -> float | None:
        """None in ``test-decorrelated``."""
        return None if split == "test-decorrelated" else self.tied


@dataclass(frozen=True)
class CaptionsSpec(ScenesSpec):
    """``decoy-captions``: scenes of two or three objects, one caption each, nothing biased."""

    train: int = 4000
    test: int = 800

    name: ClassVar[str] = "decoy-captions"
    number: ClassVar[int] = 2
