"""Audits an image classifier: what it gets wrong, where it looked, and what that proves.

``audit.run(...)`` audits, ``audit.load_run(path)`` opens a run folder as tables and drawn cases.
Both are imported when they are first asked for, so that ``import audit`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.inline import Case
    from audit.library import Run, load_run, run

__all__ = ["Case", "Run", "load_run", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from audit import inline, library  # noqa: PLC0415 - at the first use, not at import

    return getattr(inline if name == "Case" else library, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
