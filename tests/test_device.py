import ctypes
from types import SimpleNamespace

import pytest
import torch

from audit.device import autocast, keep_memory, pick_device, pick_dtype
from audit.errors import ConfigError

CPU = torch.device("cpu")


def test_a_cpu_computes_in_float32_unless_asked():
    assert pick_dtype("auto", CPU) == torch.float32
    assert pick_dtype("float32", CPU) == torch.float32
    assert pick_dtype("bfloat16", CPU) == torch.bfloat16


def test_a_gpu_computes_in_bfloat16_only_where_it_has_it(monkeypatch):
    gpu = torch.device("cuda")
    for has_it, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has_it=has_it, **_: has_it)
        assert pick_dtype("auto", gpu) == dtype
    assert pick_dtype("bfloat16", gpu) == torch.bfloat16


def test_autocast_changes_products_and_nothing_in_float32():
    a = torch.rand(4, 4)
    with autocast(CPU, torch.bfloat16):
        assert (a @ a).dtype == torch.bfloat16
    with autocast(CPU, torch.float32):
        assert (a @ a).dtype == torch.float32
    assert (a @ a).dtype == torch.float32


def test_an_unknown_device_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"--device abacus cannot be used .*known: auto, cpu"):
        pick_device("abacus")


def test_memory_is_kept_once_where_the_library_can(monkeypatch):
    asked = []
    library = SimpleNamespace(mallopt=lambda *setting: asked.append(setting))
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: library)
    keep_memory.cache_clear()
    keep_memory()
    keep_memory()
    # malloc.h: M_MMAP_MAX is -4, M_TRIM_THRESHOLD -1
    assert asked == [(-4, 0), (-1, 2**31 - 1)]


def test_another_library_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    keep_memory.cache_clear()
    keep_memory()
