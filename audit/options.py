"""The options of ``audit.run``: the fields of RunConfig, checked by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from numbers import Integral
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypedDict, get_args, get_origin, get_type_hints

from audit.config import RunConfig
from audit.errors import ConfigError, nearest

__all__ = ["RunOptions", "run_config"]

_LENGTHS = ("resize", "crop")
_TRIPLES = ("mean", "std")
_KINDS = {str: "a text", Path: "a path", bool: "True or False", int: "a whole number"}


class RunOptions(TypedDict, total=False):
    """What ``audit.run`` takes by name; ``help(audit.config.RunConfig)`` says what each is."""

    dataset: str
    data_root: str | Path
    split: str
    model: str | None
    checkpoint: str | Path | None
    target_layer: str | None
    method: str
    regions: str | None
    class_map: str | None
    closed_set: bool
    input_size: int | None
    resize: str | int | None
    crop: str | int | None
    mean: str | Sequence[float] | None
    std: str | Sequence[float] | None
    run: str | None
    runs_dir: str | Path
    device: str
    dtype: Literal["auto", "float32", "bfloat16"]
    batch_size: int | None
    workers: int | None
    limit: int | None
    part_size: int | None
    max_cases: int
    seed: int
    budget: int | None
    fill: Literal["blur", "inpaint", "mean"]
    sanity: bool
    policy: str | Path | None
    engine: Literal["local", "ray"]
    fresh: bool


def run_config(options: Mapping[str, Any]) -> RunConfig:
    """``options`` as a RunConfig.

    Raises ConfigError for a name that is no option, and for a value of another kind than the
    option takes. Paths may be texts, lengths (``resize``, ``crop``) whole numbers, and colours
    (``mean``, ``std``) three numbers.
    """
    hints = get_type_hints(RunConfig)
    known = [field.name for field in fields(RunConfig)]
    for name in options:
        if name not in known:
            raise ConfigError(f"run() has no option {name!r}; {nearest(name, known)}")
    return RunConfig(
        **{name: _checked(name, value, hints[name]) for name, value in options.items()}
    )


def _checked(name: str, value: object, hint: Any) -> Any:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    value = _written(name, value, kinds)
    for kind in kinds:
        if get_origin(kind) is Literal:
            if isinstance(value, str) and value in get_args(kind):
                return value
            raise ConfigError(f"{name} {value!r}; {nearest(str(value), get_args(kind))}")
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
    wanted = " or ".join("None" if kind is NoneType else _KINDS[kind] for kind in kinds)
    note = ""
    if name in ("model", "dataset"):
        note = "; name a function of your own as 'package.module:function'"
    raise ConfigError(f"{name} {value!r} is a {type(value).__name__}: {wanted} is needed{note}")


def _written(name: str, value: object, kinds: Sequence[Any]) -> object:
    """``value`` as the option is written, where Python has a more natural form of it."""
    if isinstance(value, str) and Path in kinds and str not in kinds:
        return Path(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):  # NumPy's and pandas' too
        return str(value) if name in _LENGTHS else int(value)
    if name in _TRIPLES and isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(str(one) for one in value)
    return value
