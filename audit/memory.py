"""Memory that is no longer used goes back to the system, where the allocators would keep it.

NumPy's arrays and Arrow's lie with two allocators, each of which keeps what was freed for itself:
between two stages of a run, the one would grow beside what the other does not use.
"""

from __future__ import annotations

import ctypes

import pyarrow as pa

__all__ = ["give_back"]


def give_back() -> None:
    """Hand unused memory back: Arrow's, and the C library's where that is glibc."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
