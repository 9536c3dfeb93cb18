"""The machine and the versions that a benchmark's figures belong to."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

__all__ = ["machine"]

_PACKAGES = ("torch", "torchvision", "numpy", "pandas", "pyarrow")


def machine() -> str:
    """One line of Markdown: date, processor, cores, memory, GPU, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d} · {_processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"{memory:.0f} GiB, {gpu} · Python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
