"""In what two runs differ: what forbids a comparison, and what its reader should know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audit.comparison.sides import Side
from audit.errors import ConfigError

__all__ = ["Difference", "differences", "notes", "refuse"]


@dataclass(frozen=True)
class Difference:
    """One thing in which two runs differ, as a reader says it."""

    what: str
    base: str
    candidate: str

    def __str__(self) -> str:
        """``the model's view: 224×224 against 96×96``."""
        return f"{self.what}: {self.base} against {self.candidate}"


_Reading = tuple[str, Callable[[Side], object]]


def _fingerprint(name: str) -> Callable[[Side], object]:
    return lambda side: str(side.manifest["fingerprint"].get(name))[:12]


def _preprocessing(name: str) -> Callable[[Side], object]:
    return lambda side: (side.manifest["model"].get("preprocessing") or {}).get(name)


def _config(name: str) -> Callable[[Side], object]:
    return lambda side: (side.manifest.get("config") or {}).get(name)


# With any of these unlike, a difference between two scores says nothing of the two models.
_DECISIVE: tuple[_Reading, ...] = (
    ("dataset", lambda side: side.manifest["dataset"]["name"]),
    ("split", lambda side: side.manifest["dataset"].get("split")),
    ("dataset's listing (files, sizes, labels)", _fingerprint("dataset")),
    ("regions", lambda side: side.manifest.get("regions")),
    ("annotations", _fingerprint("annotations")),
    ("model's view", lambda side: _sides(side.manifest["view"])),
    ("resize", _preprocessing("resize")),
    ("crop", _preprocessing("crop")),
    ("map's grid", lambda side: _sides(side.manifest["model"]["grid"])),
    ("method", lambda side: side.manifest["method"]),
    ("score version", lambda side: side.manifest.get("score_version")),
    ("verdict version", lambda side: side.verdicts.get("version")),
)
_WORTH_KNOWING: tuple[_Reading, ...] = (
    ("architecture", lambda side: side.manifest["model"].get("architecture")),
    ("target layer", lambda side: side.manifest["model"].get("target_layer")),
    ("label space", lambda side: side.manifest["model"].get("label_space")),
    ("closed set", _config("closed_set")),
    ("limit", _config("limit")),
    ("seed", lambda side: side.manifest.get("seed")),
    ("device", _fingerprint("device")),
    ("fill of the interventions", lambda side: side.verdicts.get("fill")),
)


def differences(base: Side, candidate: Side) -> tuple[Difference, ...]:
    """What forbids comparing the two: data, regions, geometry, method, versions of the scores."""
    return _unlike(_DECISIVE, base, candidate)


def notes(base: Side, candidate: Side) -> tuple[Difference, ...]:
    """What differs, and may explain a difference of results, but forbids nothing."""
    return _unlike(_WORTH_KNOWING, base, candidate)


def refuse(found: tuple[Difference, ...]) -> None:
    """Raise ConfigError, naming each difference, where there is one."""
    if found:
        raise ConfigError(
            "the two runs differ in more than their models: "
            + "; ".join(str(one) for one in found)
            + "; audit both alike, or --force to compare them all the same"
        )


def _unlike(readings: tuple[_Reading, ...], base: Side, candidate: Side) -> tuple[Difference, ...]:
    pairs = ((what, read(base), read(candidate)) for what, read in readings)
    return tuple(Difference(what, _said(a), _said(b)) for what, a, b in pairs if a != b)


def _said(value: object) -> str:
    return "none" if value is None else str(value)


def _sides(lengths: object) -> str:
    return "×".join(str(length) for length in lengths) if isinstance(lengths, list) else "none"
