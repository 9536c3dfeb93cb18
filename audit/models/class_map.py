"""Class maps: which model outputs make up each dataset class, from a JSON or TOML file.

::

    {"format": "cam-audit-class-map/1", "closed_set": true,
     "classes": {"airplane": [404, 895], "cat": ["tabby", "n02124075"]},
     "names": {"airplane": ["airliner", "warplane"]},
     "notes": {"airplane": "…"}}

An output is said by its index, its name or its WordNet id. ``closed_set`` drops the outputs that
no class claims. ``names``, optional, repeats a class's outputs by name, in the same order: where
the model has names too they must agree, so that indices meant for one model are not used on
another.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from audit.errors import ModelError, nearest

__all__ = ["BUILTIN_CLASS_MAPS", "ClassMap", "load_class_map"]

#: Maps that come with the package, by the name that ``--class-map`` takes.
BUILTIN_CLASS_MAPS = ("stl10_imagenet",)

_FORMAT = "cam-audit-class-map/1"
_FIELDS = ("format", "closed_set", "classes", "names", "notes")


@dataclass(frozen=True)
class ClassMap:
    """Dataset class to model outputs (index, name or WordNet id), as a file says it."""

    source: str
    classes: Mapping[str, tuple[int | str, ...]]
    closed_set: bool = False
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def load_class_map(name: str) -> ClassMap:
    """Read a class map: a built-in name, or the path of a ``.json`` or ``.toml`` file.

    Raises
    ------
    ModelError
        For a missing or unreadable file, and for one that is not of the format above.
    """
    if name in BUILTIN_CLASS_MAPS:
        text = resources.files("audit.models").joinpath(f"{name}.json").read_text("utf-8")
        return _parsed(json.loads(text), name)
    return _parsed(_content(Path(name)), name)


def _content(path: Path) -> Any:
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise ModelError(
            f"class map {str(path)!r} is neither a .json or .toml file nor built in;"
            f" {nearest(str(path), BUILTIN_CLASS_MAPS)}"
        )
    try:
        return parse(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ModelError(f"class map {path} does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: not JSON, not TOML, not UTF-8
        raise ModelError(f"class map {path} cannot be read: {error}") from error


def _parsed(content: Any, source: str) -> ClassMap:
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ModelError(f'class map {source} needs "format": "{_FORMAT}"')
    for key in content:
        if key not in _FIELDS:
            raise ModelError(f"class map {source}: unknown key {key!r}; {nearest(key, _FIELDS)}")
    closed = content.get("closed_set", False)
    if not isinstance(closed, bool):
        raise ModelError(f"class map {source}: closed_set is true or false, not {closed!r}")
    classes = _table(content, "classes", source, _is_output)
    names = _table(content, "names", source, lambda value: isinstance(value, str))
    _check(classes, names, source)
    return ClassMap(source, classes, closed, names, _notes(content, source))


def _table(
    content: dict[str, Any], key: str, source: str, is_member: Callable[[Any], bool]
) -> dict[str, tuple[Any, ...]]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise ModelError(f"class map {source}: {key} must map class names to lists")
    for name, members in table.items():
        if not (isinstance(members, list) and members and all(map(is_member, members))):
            raise ModelError(
                f"class map {source}: {key}[{name!r}] must be a list of outputs (index, name or"
                f" WordNet id), not {members!r}"
            )
    return {name: tuple(members) for name, members in table.items()}


def _is_output(value: Any) -> bool:
    return type(value) is str or (type(value) is int and value >= 0)


def _check(
    classes: Mapping[str, tuple[int | str, ...]], names: Mapping[str, tuple[str, ...]], source: str
) -> None:
    if not classes:
        raise ModelError(f"class map {source} has no classes")
    for name, listed in names.items():
        if len(listed) != len(classes.get(name, ())):
            raise ModelError(
                f"class map {source}: names[{name!r}] has {len(listed)} entries, classes[{name!r}]"
                f" {len(classes.get(name, ()))}"
            )


def _notes(content: dict[str, Any], source: str) -> dict[str, str]:
    notes = content.get("notes", {})
    if isinstance(notes, dict) and all(isinstance(text, str) for text in notes.values()):
        return notes
    raise ModelError(f"class map {source}: notes must map names to texts")


_PARSERS: dict[str, Callable[[str], Any]] = {".json": json.loads, ".toml": tomllib.loads}
