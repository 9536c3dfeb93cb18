"""Which device the model runs on, in what precision it computes, and how it keeps memory."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from audit.errors import ConfigError

__all__ = ["autocast", "full_float32", "keep_memory", "pick_device", "pick_dtype"]

# glibc's numbers of two settings (malloc.h).
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def pick_device(name: str) -> torch.device:
    """The device of that name; ``auto``: CUDA where there is one. Raises ConfigError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(
            f"--device {name} cannot be used ({str(error).splitlines()[0]}); "
            "known: auto, cpu, cuda, cuda:N"
        ) from error
    return device


def pick_dtype(name: Literal["auto", "float32", "bfloat16"], device: torch.device) -> torch.dtype:
    """What the model computes in; ``auto``: bfloat16 where a GPU has it, else float32.

    On a CPU bfloat16 is taken only where it is asked for: without matrix instructions it is slower
    than float32.
    """
    if name == "auto":
        has_it = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if has_it else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


@contextmanager
def autocast(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """The model's forward in ``dtype``: what loses by it, such as a softmax, stays in float32."""
    with full_float32(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        yield


@contextmanager
def full_float32() -> Iterator[None]:
    """Have a GPU's convolutions keep all bits of float32; cuDNN drops 13 by default (TF32).

    A run in float32 then has the maps that a CPU gives.
    """
    setting = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    kept = setting.fp32_precision
    setting.fp32_precision = "ieee"
    try:
        yield
    finally:
        setting.fp32_precision = kept


@functools.cache
def keep_memory() -> None:
    """Have this process keep what a layer's output took for the next one, once and for all.

    glibc gives each large block back to the system when it is freed, and takes the next one page by
    page, which costs a forward on the CPU much of its time. Another C library is left as it is.
    """
    setting = getattr(ctypes.CDLL(None), "mallopt", None)
    if setting is not None:
        setting(_M_MMAP_MAX, 0)
        setting(_M_TRIM_THRESHOLD, 2**31 - 1)
