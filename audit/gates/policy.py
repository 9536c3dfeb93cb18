"""A policy: the gates of a TOML file, each checked as it is read.

::

    [[gate]]
    metric = "accuracy"      # a column of classes.parquet, or a dotted name of summary.json
    min = 0.8                # or max
    scope = "class"          # default "overall"; "slice": each value of the further columns
    slice = "camera"         # only that column's values; default: all columns'
    min_n = 30               # classes or slices with fewer images are left out, by name
    against = "baseline"     # test the change against --baseline
    severity = "warn"        # default "fail"
    missing = "warn"         # severity where the figure does not exist; default: the above
    prove = "broken"         # default "kept"
    level = 0.95             # of the interval; a class's (slice's) is 1 − (1 − level)/m for m
    name = "…"               # default: made of the above
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from audit.errors import ConfigError, nearest
from audit.gates.units import unit_of
from audit.gates.words import number
from audit.report.text import clean

__all__ = ["Gate", "Policy", "Prove", "Scope", "Severity", "default_policy", "read_policy"]

Scope = Literal["overall", "class", "slice"]
Severity = Literal["fail", "warn"]
Prove = Literal["kept", "broken"]
_WORDS = {
    "scope": get_args(Scope),
    "severity": get_args(Severity),
    "missing": get_args(Severity),
    "prove": get_args(Prove),
}
_TEXTS = ("metric", "name", "against", "slice", *_WORDS)
_NUMBERS = ("min", "max", "level")
_KEYS = (*_TEXTS, *_NUMBERS, "min_n")
_LONGEST_NAME, _LONGEST_NUMBER = 200, 60
# Unit of the metrics that lie in [0, 1] → several of it.
_BETWEEN = {"share": "shares", "probability": "probabilities"}
_MOST_GATES = 1000


@dataclass(frozen=True)
class Gate:
    """One threshold: ``metric`` at least (``side`` min) or at most (max) ``limit``."""

    metric: str
    side: Literal["min", "max"]
    limit: float  # in the metric's unit, as summary.json and docs/columns.md give it
    scope: Scope = "overall"
    slice: str = ""  # the one further column whose values are tested; "": every one's
    min_n: int = 1  # of a class or slice, counted in what its metric is made of
    change: bool = False  # the metric's change against the baseline, not the metric
    severity: Severity = "fail"
    missing: Severity | None = None  # severity where the figure does not exist; None: the same
    prove: Prove = "kept"
    level: float = 0.95
    title: str = ""

    @property
    def name(self) -> str:
        """The title, or else what is tested in a few words."""
        if self.title:
            return self.title
        what = f"change of {self.metric}" if self.change else self.metric
        each = self.slice or self.scope
        where = "" if self.scope == "overall" else f" in each {each}"
        return f"{what}{where} {'≥' if self.side == 'min' else '≤'} {number(self.limit)}"


@dataclass(frozen=True)
class Policy:
    """Gates, in the order of their file."""

    name: str
    gates: tuple[Gate, ...]

    @property
    def needs_baseline(self) -> bool:
        """Whether some gate tests a change."""
        return any(gate.change for gate in self.gates)


def read_policy(path: Path) -> Policy:
    """The policy in the TOML file ``path``.

    Raises ConfigError where it cannot be read, is no TOML (with the line), or has a gate that
    cannot be understood (with its number).
    """
    try:
        text = path.read_text("utf-8-sig")  # some editors begin a file with a mark
    except OSError as error:
        raise ConfigError(f"--policy {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"--policy {path} is no text in UTF-8: {error.reason}") from error
    return _parsed(text, path.name, f"--policy {path}")


def default_policy(*, with_baseline: bool) -> Policy:
    """The policy that comes with the program; gates on a change only ``with_baseline``."""
    text = files("audit.gates").joinpath("default.toml").read_text("utf-8")
    found = _parsed(text, "default", "default.toml")
    kept = tuple(gate for gate in found.gates if with_baseline or not gate.change)
    return Policy(found.name, kept)


def _parsed(text: str, name: str, where: str) -> Policy:
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not TOML: {error}") from error
    for key in content:
        if key != "gate":
            raise ConfigError(f"{where}: key {key!r}: a policy is a list of [[gate]] tables")
    tables = content.get("gate")
    if not isinstance(tables, list) or not tables:
        raise ConfigError(f"{where} has no [[gate]]: it would pass anything")
    if len(tables) > _MOST_GATES:
        raise ConfigError(f"{where} has {len(tables)} gates; at most {_MOST_GATES} are read")
    gates = tuple(_gate(table, f"{where}: gate {i}") for i, table in enumerate(tables, 1))
    _refuse_repeats(gates, where)
    return Policy(name, gates)


def _gate(table: object, where: str) -> Gate:
    if not isinstance(table, dict):
        raise ConfigError(f"{where} is no table")
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; {nearest(key, _KEYS)}")
    metric = _text(table, "metric", where)
    if not metric:
        raise ConfigError(f"{where} names no metric, such as metric = 'accuracy.value'")
    where = f"{where} ({metric[:_LONGEST_NAME]})"
    side, limit = _limit(table, where)
    gate = Gate(
        metric=metric,
        side=side,
        limit=limit,
        scope=_word(table, "scope", "overall", where),
        slice=_slice(table, where),
        min_n=_min_n(table, where),
        change=_against(table, where),
        severity=_word(table, "severity", "fail", where),
        missing=_word(table, "missing", "", where) or None,
        prove=_word(table, "prove", "kept", where),
        level=_level(table, where),
        title=_text(table, "name", where).strip(),
    )
    _refuse_beyond(gate, where)
    return gate


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise ConfigError(
            f"{where}: {key} must be a text of at most {_LONGEST_NAME} characters in quotes"
        )
    return value


def _word(table: Mapping[str, Any], key: str, default: str, where: str) -> Any:
    value = _text(table, key, where) or default
    if value and value not in _WORDS[key]:
        raise ConfigError(f"{where}: {key} {value!r}; {nearest(value, _WORDS[key])}")
    return value


def _number(table: Mapping[str, Any], key: str, where: str) -> float:
    value = table[key]
    found = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):  # whole numbers in TOML have any size
            found = float(value)
    if not math.isfinite(found):
        shown = clean(repr(value), _LONGEST_NUMBER)
        raise ConfigError(f"{where}: {key} = {shown} is no finite number")
    return found


def _limit(table: Mapping[str, Any], where: str) -> tuple[Literal["min", "max"], float]:
    if ("min" in table) == ("max" in table):
        raise ConfigError(f"{where} needs one of min and max (two gates make a range)")
    if "min" in table:
        return "min", _number(table, "min", where)
    return "max", _number(table, "max", where)


def _refuse_beyond(gate: Gate, where: str) -> None:
    """A share asked for as a percentage would fail, or pass, every run."""
    unit = unit_of(gate.metric, gate.scope)
    least = -1 if gate.change else 0
    if not unit or least <= gate.limit <= 1:
        return
    several = _BETWEEN[unit]
    if gate.change:
        rule = f"changes of {several} run from −1 to 1: a point is 0.01"
    else:
        rule = f"{several} run from 0 to 1: 90% is 0.9"
    raise ConfigError(
        f"{where}: {gate.side} = {number(gate.limit)}: {gate.metric} is a {unit}, and {rule}"
    )


def _min_n(table: Mapping[str, Any], where: str) -> int:
    value = table.get("min_n", 1)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{where}: min_n = {value!r}: a whole number of at least 1 is needed")
    if "min_n" in table and table.get("scope", "overall") == "overall":
        raise ConfigError(
            f'{where}: min_n counts the images of a class or slice: add scope = "class" or "slice"'
        )
    return value


def _slice(table: Mapping[str, Any], where: str) -> str:
    value = _text(table, "slice", where)
    if value and table.get("scope") != "slice":
        raise ConfigError(f'{where}: slice names a further column: add scope = "slice"')
    return value


def _against(table: Mapping[str, Any], where: str) -> bool:
    value = _text(table, "against", where)
    if value not in ("", "baseline"):
        raise ConfigError(f"{where}: against {value!r}; known: baseline")
    return value == "baseline"


def _level(table: Mapping[str, Any], where: str) -> float:
    level = _number(table, "level", where) if "level" in table else 0.95
    if not 0.5 <= level < 1:  # noqa: PLR2004 - below it the two bounds mean little
        raise ConfigError(f"{where}: level = {level:g}: a share from 0.5 to under 1, such as 0.95")
    return level


def _refuse_repeats(gates: tuple[Gate, ...], where: str) -> None:
    seen: dict[str, int] = {}
    for i, gate in enumerate(gates, 1):
        first = seen.setdefault(gate.name, i)
        if first != i:
            raise ConfigError(
                f"{where}: gates {first} and {i} are both called {gate.name!r}: give one a name"
            )
