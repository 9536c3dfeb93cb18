"""``package.module:function``: a user's own code, named on the command line and nowhere else."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from audit.errors import AuditError, nearest

__all__ = ["call_named", "is_function_name"]

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_function_name(name: str) -> bool:
    """Whether ``name`` has the form ``package.module:function``."""
    return _FUNCTION.fullmatch(name) is not None


def call_named(name: str, flag: str, error: type[AuditError]) -> Any:
    """Import the module that ``name`` says, the current folder first, and call its function.

    Raises ``error``, its message beginning with ``flag`` and ``name``, where the module cannot be
    imported, holds no such function, or the function fails; ``sys.exit()`` is a failure like any
    other.
    """
    module_name, _, function_name = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as cause:
        raise error(
            f"{flag} {name}: importing {module_name!r} failed ({_said(cause)}); it must be "
            f"installed, or lie in {here}"
        ) from cause
    function = getattr(module, function_name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value)]
        raise error(
            f"{flag} {name}: {module_name} has no function {function_name!r}; "
            f"{nearest(function_name, known)}"
        )
    try:
        return function()
    except AuditError:
        raise  # it says itself what is wrong
    except (Exception, SystemExit) as cause:
        raise error(f"{flag} {name}: {function_name}() failed: {_said(cause)}") from cause


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it called sys.exit({'' if error.code is None else repr(error.code)})"
    return " ".join(f"{type(error).__name__}: {error}".split())
