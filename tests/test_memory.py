import ctypes
from types import SimpleNamespace

import pandas as pd

from audit.memory import give_back


def test_what_is_in_use_stays(make_images):
    images = make_images({}, "unreadable")
    before = images.copy()
    give_back()
    pd.testing.assert_frame_equal(images, before)


def test_glibc_is_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(malloc_trim=asked.append))
    give_back()
    assert asked == [0]


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    give_back()
