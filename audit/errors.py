"""Every error this package raises for a reason a user can act on.

AuditError                 base; ``exit_code`` is what the command line returns
├── ConfigError        2   a flag, variable, file key or combination that cannot be honoured
├── DataError          3   a dataset, image folder, table or annotation that cannot be used
├── ModelError         3   a model, checkpoint or class mapping that cannot be used
└── IncompleteError    4   the run stopped before every part was written; it can be taken up again

A message names the value, the rule it breaks and the alternatives.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["AuditError", "ConfigError", "DataError", "IncompleteError", "ModelError", "nearest"]


class AuditError(Exception):
    """Base of the package's errors; its message is one clear line for the user."""

    exit_code = 3


class ConfigError(AuditError):
    """A flag, environment variable, TOML key or combination of them cannot be honoured."""

    exit_code = 2


class DataError(AuditError):
    """A dataset, table or annotation file cannot be used."""


class ModelError(AuditError):
    """A model, checkpoint, target layer or class mapping cannot be used."""


class IncompleteError(AuditError):
    """The run stopped before all parts were written (full disk, lost folder); resume it."""

    exit_code = 4


def nearest(word: str, known: Iterable[str], limit: int = 12) -> str:
    """Say what ``word`` may have meant: the closest known words, else a list of them.

    Returns a clause such as ``did you mean 'decoy'?`` or ``known: a, b, c``.
    """
    names = [str(name) for name in known]
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(name) for name in close) + "?"
    shown = ", ".join(names[:limit])
    return f"known: {shown}" + (f" and {len(names) - limit} more" if len(names) > limit else "")
