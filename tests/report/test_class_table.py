"""The verdict columns of the table of classes."""

import pytest

from audit.report.class_table import MAX_CLASSES, class_table


def test_a_tested_class_has_its_effects_and_the_others_have_none(judged_row, class_row):
    found = judged_row(1, ("local",), background_state="too_few_objects", s1_effect=-0.014)
    rows = class_table([class_row(0), found], {1: "verdict-1"}, ())["rows"]
    shown = [
        {name: row[name] for name in ("mark", "verdict", "q", "patch", "ground", "place")}
        for row in rows
    ]
    assert shown == [
        {
            "mark": "not_tested",
            "verdict": "not tested",
            "q": "",
            "patch": "",
            "ground": "",
            "place": "",
        },
        {
            "mark": "spurious",
            "verdict": "spurious",
            "q": "<0.001",
            "patch": "−0.01 / 0.25",
            "ground": "",
            "place": "verdict-1",
        },
    ]


@pytest.mark.parametrize(
    ("by", "more", "said"),
    [
        (("local",), {}, ("40.0%", "12 of 30")),
        (("background",), {}, ("0.0%", "0 of 30")),  # S1 holds in single images, and proves nothing
        (("local",), {"local_state": "too_few_images"}, ("", "")),
        (("local",), {"s1_tested": 0}, ("", "")),
    ],
)
def test_only_a_class_that_a_patch_decides_has_verified_images(judged_row, by, more, said):
    row = class_table([judged_row(0, by, **more)], {}, ())["rows"][0]
    assert (row["verified"], row["verified_of"]) == said


@pytest.mark.parametrize(("by", "said"), [(("local",), "warning"), ((), "clean")])
def test_on_estimated_regions_the_word_is_warning(judged_row, by, said):
    row = class_table([judged_row(0, by, verdict_estimated=True)], {}, ())["rows"][0]
    assert row["verdict"] == said


def test_of_very_many_those_found_come_first(judged_row, class_row):
    rows = [class_row(at, accuracy=at / 1000) for at in range(999)]
    table = class_table([*rows, judged_row(999, ("local",), accuracy=1.0)], {}, ())
    assert len(table["rows"]) == MAX_CLASSES
    assert [row["label"] for row in table["rows"][:2]] == ["class 999", "cat"]
    assert table["capped"] is True
