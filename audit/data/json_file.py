"""JSON files of lists, as COCO's and VQA's are: read whole, and checked before they are used."""

from __future__ import annotations

import json
import reprlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.data.decode import digest_of, one_line
from audit.errors import DataError
from audit.regions.files import no_file
from audit.regions.join import examples

__all__ = ["Form", "plain_text", "read_lists", "refuse", "twice"]

_LARGEST = 2**30  # bytes of the file: parsed, it takes several times as much memory


@dataclass(frozen=True)
class Form:
    """What a file should be: its family and kind in messages, and the lists that it must hold."""

    family: str  # "COCO"
    kind: str  # "instances"
    lists: tuple[str, ...]


def read_lists(
    file: Path, form: Form, hook: Callable[[dict[str, Any]], object] | None = None
) -> tuple[dict[str, Any], str]:
    """What ``file`` holds, and the digest of its bytes.

    ``hook`` replaces every JSON object as soon as it is read, so that what is not needed is never
    held. Raises DataError: no such file, too large, no JSON, a list missing.
    """
    data = _bytes(file, form)
    held = _parsed(file, data, hook)
    if not isinstance(held, dict):
        what = type(held).__name__
        raise DataError(f"{str(file)!r} is not a {form.family} file: it holds a {what}")
    missing = [name for name in form.lists if not isinstance(held.get(name), list)]
    if missing:
        present = ", ".join(map(reprlib.repr, held)) or "none"
        raise DataError(
            f"{str(file)!r} is not a {form.family} {form.kind} file: it lacks the lists "
            f"{', '.join(missing)}; its keys: {present}"
        )
    return held, digest_of(data)


def _bytes(file: Path, form: Form) -> bytes:
    named = f"{form.family} file {str(file)!r}"
    if not file.is_file():
        article = "an" if form.kind[0] in "aeiou" else "a"
        raise DataError(f"{named} {no_file(file)}: {article} {form.kind} JSON is needed")
    try:
        size = file.stat().st_size
        if size > _LARGEST:
            raise DataError(
                f"{named} has {size} bytes, the limit is {_LARGEST}: split it, or leave out "
                "what is not needed"
            )
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"{named} cannot be read: {error.strerror}") from error


def _parsed(file: Path, data: bytes, hook: Callable[[dict[str, Any]], object] | None) -> object:
    try:
        return json.loads(data, object_hook=hook)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise DataError(f"{str(file)!r} is not JSON: {error.msg} at {where}") from error
    except (ValueError, RecursionError) as error:  # not text, a number too long, nested too deep
        raise DataError(f"{str(file)!r} is not JSON: {one_line(str(error))}") from error


def refuse(file: Path, rule: str, bad: Sequence[object]) -> None:
    """Raise DataError where anything breaks the ``rule``, with the first few of them."""
    if bad:
        raise DataError(f"{str(file)!r}: {rule}: {len(bad)} ({examples(map(reprlib.repr, bad))})")


def twice(keys: Iterable[Hashable]) -> list[Hashable]:
    """The keys that occur more than once."""
    return [key for key, count in Counter(keys).items() if count > 1]


def plain_text(value: object) -> str | None:
    """``value`` in one line, white space as single spaces; None where it is no text for a table.

    A text has something else than white space, no control character and no half of a surrogate
    pair.
    """
    if not isinstance(value, str):
        return None
    line = " ".join(value.split())
    if not line or not (line.isprintable() or _is_plain(line)):
        return None
    return line


def _is_plain(line: str) -> bool:
    return not any(unicodedata.category(char) in ("Cc", "Cs") for char in line)
