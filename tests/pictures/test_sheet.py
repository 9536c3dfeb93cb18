from dataclasses import replace
from typing import get_type_hints

import cv2
import numpy as np
import pytest

from audit.config import ExplainConfig
from audit.pictures.sheet import COLORMAPS, Look, draw

LEFT, TOP, STEP = 12, 36, 12 + 224  # where panels begin, and how far apart they are


@pytest.fixture
def look():
    """A view of 2×2 colours, and a map whose maximum is its lower right cell."""
    view = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [40, 80, 120]]], np.uint8)
    cam = np.array([[0.0, 1.0], [2.0, 4.0]], np.float32)
    return Look(view, cam, cam, None, "tabby  97.0 %", ("more",))


def _cells(sheet, panel):
    """The middles of a panel's four quarters, RGB."""
    x, y = LEFT + panel * STEP, TOP
    middles = [(y + dy, x + dx) for dy in (56, 168) for dx in (56, 168)]
    return [tuple(int(value) for value in sheet[at][::-1]) for at in middles]


def _colours(values, table):
    image = cv2.applyColorMap(np.array([values], np.uint8), table)
    return [tuple(int(value) for value in bgr[::-1]) for bgr in image[0]]


def test_panels_show_view_grid_and_overlay(look):
    sheet = draw(look, "inferno")
    assert sheet.shape[1] == 12 + 4 * STEP
    assert _cells(sheet, 0) == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (40, 80, 120)]
    # 0, 1, 2, 4 of 4 are 0, 63.75, 127.5 and 255 of 255; halves go to the even number
    colours = _colours([0, 64, 128, 255], cv2.COLORMAP_INFERNO)
    assert _cells(sheet, 1) == _cells(sheet, 2) == colours
    mixed = [
        tuple(0.5 * c + 0.5 * v for c, v in zip(colour, seen, strict=True))
        for colour, seen in zip(colours, _cells(sheet, 0), strict=True)
    ]
    assert np.abs(np.array(_cells(sheet, 3)) - np.array(mixed)).max() <= 0.5


def test_jet_mix_is_three_tenths_of_the_map_and_half_the_image(look):
    sheet = draw(look, "jet-mix")
    assert _colours([255], cv2.COLORMAP_JET) == [(128, 0, 0)]
    assert _cells(sheet, 3)[3] == (round(0.3 * 128 + 0.5 * 40), 40, 60)


def test_guided_panel_is_grey_where_nothing_is(look):
    guided = np.zeros((2, 2, 3), np.float32)
    guided[0, 0] = [2, -2, 0]
    sheet = draw(replace(look, guided=guided), "inferno")
    assert _cells(sheet, 4) == [(255, 1, 128), *[(128, 128, 128)] * 3]


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_map_that_shows_nothing_is_dark(look, value):
    cam = np.full((2, 2), value, np.float32)
    sheet = draw(replace(look, cam=cam, heat=cam, guided=np.full((2, 2, 3), value)), "inferno")
    assert _cells(sheet, 1) == _colours([0] * 4, cv2.COLORMAP_INFERNO)


@pytest.mark.parametrize(
    ("height", "width", "panel"),
    [(224, 224, (224, 224)), (96, 64, (288, 192)), (1000, 500, (384, 192)), (300, 1, (300, 1))],
)
def test_panels_keep_their_shape(look, height, width, panel):
    view = np.zeros((height, width, 3), np.uint8)
    heat = np.zeros((height, width), np.float32)
    sheet = draw(replace(look, view=view, heat=heat), "inferno")
    assert sheet.shape[0] == TOP + panel[0] + 2 * 22 + 12
    assert sheet.shape[1] == 12 + 4 * (panel[1] + 12)


def test_letters_beyond_ascii_are_drawn_as_themselves(look):
    """OpenCV puts a question mark for a letter that its font does not have."""
    drawn = {
        letter: draw(replace(look, headline=letter), "inferno").tobytes() for letter in "?éßЯ中"
    }
    assert len(set(drawn.values())) == 5


def test_long_text_is_cut_at_the_margin(look):
    sheet = draw(replace(look, headline="W" * 500), "inferno")
    assert (sheet[TOP + 224 :, -LEFT:] == 255).all()


def test_every_colour_map_of_the_flag_is_there():
    assert set(get_type_hints(ExplainConfig)["colormap"].__args__) == set(COLORMAPS)
