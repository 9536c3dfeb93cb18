"""What every page is made with: its templates, and its data as a script."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import jinja2

__all__ = ["environment", "script", "template"]

_TEMPLATES: Final = files("audit.templates")
# U+2028 and U+2029 are escaped by json itself; these three would end or open markup in a script.
_UNSAFE: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def template(name: str) -> str:
    """The text of one of the program's own templates, scripts or style sheets."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@functools.cache
def environment() -> jinja2.Environment:
    """Jinja that escapes everything, and stops at a missing name and at a null that is printed."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )


def script(name: str, data: Mapping[str, Any]) -> str:
    """``data`` as a classic script that sets ``window.<name>``.

    A page that is opened from the disk may not fetch a JSON file.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    return f"window.{name} = {text};\n"


def _printable(value: object) -> object:
    """Stops a null from being printed as ``None``: the context has words for it."""
    if value is None:
        raise TypeError("a template prints None")
    return value
