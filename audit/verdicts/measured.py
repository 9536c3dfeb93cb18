"""How often the verdicts were right on planted shortcuts, measured by ``benchmarks/verdicts``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from audit.verdicts.cutoffs import VERDICT_VERSION

__all__ = ["MEASURED", "measured"]

#: Written by ``python -m benchmarks.verdicts.report --write``.
MEASURED: Final = Path(__file__).with_name("measured.json")


def measured() -> dict[str, Any] | None:
    """Rates with 95% bounds of the present ``verdict_version``; None where it was not measured."""
    if not MEASURED.exists():
        return None
    found: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return found if found["verdict_version"] == VERDICT_VERSION else None
