"""Objects on other backgrounds, as the page shows them."""

from dataclasses import replace

import pytest

from audit.errors import DataError
from audit.report.load import read_run
from audit.report.swaps import shown_swaps, swap_pictures

SCRIPT = "<script>alert(1)</script>"


def test_the_background_that_decides_comes_last(found):
    own, other = shown_swaps(read_run(found), 1)
    assert own["title"] == "Image 12: its object on another background"
    assert [(tile["words"], tile["probability"]) for tile in own["tiles"]] == [
        (f"As it is, predicted “{SCRIPT}”", "0.500"),
        (f"On the background of “{SCRIPT}”, image 21", "0.750"),
        ('On that of “the "quoted" dog”, image 22', "0.125"),
    ]
    assert other["title"] == "Image 3: another object on its background"
    assert [(tile["words"], tile["probability"]) for tile in other["tiles"]] == [
        ("As it is, predicted “cat”", "0.500"),
        ('On that of “the "quoted" dog”, image 22', "0.125"),
        (f"On the background of “{SCRIPT}”, image 21", "0.750"),
    ]


def test_every_tile_has_its_picture(found):
    run = read_run(found)
    shown = [tile["src"] for one in shown_swaps(run, 1) for tile in one["tiles"]]
    pictures = swap_pictures(run, [0, 1])
    assert sorted(shown) == sorted(pictures)
    assert len(set(shown)) == 6
    assert pictures["assets/swaps/1-0-own.jpg"] == run.swaps[0]["picture"]


def test_another_class_has_none(found):
    assert shown_swaps(read_run(found), 0) == []


def test_a_run_of_before_has_none(found):
    (found / "swaps.parquet").unlink()
    assert read_run(found).swaps == ()


def test_a_test_of_another_version_is_left_out(found):
    run = read_run(found)
    other = replace(run, swaps=tuple(row | {"test": "B-later"} for row in run.swaps))
    assert shown_swaps(other, 1) == []
    assert swap_pictures(other, [1]) == {}


def test_a_picture_that_is_none(found):
    run = read_run(found)
    broken = replace(run, swaps=(run.swaps[0] | {"same_picture": b"<svg onload=alert(1)>"},))
    with pytest.raises(DataError, match="swaps: same_picture of image 12 is no picture"):
        swap_pictures(broken, [1])
