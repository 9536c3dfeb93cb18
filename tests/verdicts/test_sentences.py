import pytest

from audit.verdicts.sentences import verdict_sentence

ROW = {
    "label": "truck",
    "verdict": "clean",
    "verdict_estimated": False,
    "local_state": "tested",
    "local_passes": False,
    "background_state": "tested",
    "background_passes": False,
    "s1_holds": 41,
    "s1_tested": 60,
    "s1_untestable": 12,
    "s1_rate_high": 0.78,
    "s1_effect": 0.44,
    "s1_drop": 0.46,
    "s1_control_drop": 0.02,
    "cue_place": "at the bottom right",
    "s2_effect": 0.31,
    "s2_turned": 0.37,
    "necessity_n": 30,
    "necessity_effect": 0.41,
    "sufficiency_n": 29,
    "sufficiency_effect": 0.38,
    "background_check": 0.3,
}
PATCH = (
    "decides by a patch at the bottom right in 41 of 60 tested images: covering it lowers the "
    "probability by 0.46 (controls 0.02); pasted into other images it raises it by 0.31 more than "
    "controls do and turns 37% of them into 'truck'"
)
BACKGROUND = (
    "decides by the background: its objects lose 0.41 of probability on other backgrounds "
    "(30 objects); other objects gain 0.38 on its backgrounds (29 objects)"
)


def _said(**more):
    return verdict_sentence(ROW | more)


def test_a_patch():
    assert _said(verdict="spurious", local_passes=True) == f"class 'truck': {PATCH}"


def test_a_background():
    assert _said(verdict="spurious", background_passes=True) == f"class 'truck': {BACKGROUND}"


def test_both():
    said = _said(verdict="spurious", local_passes=True, background_passes=True)
    background = BACKGROUND.removeprefix("decides by ")
    assert said == f"class 'truck': {PATCH}; moved with the patches on it, so does {background}"


def test_a_clean_class_has_its_numbers():
    said = _said(s1_holds=1, s1_rate_high=0.076, s1_effect=0.012, s2_effect=-0.003)
    assert "covering one matters in 1 of 60 tested images (at most 8% with 95% confidence)" in said
    assert "lowers the probability by 0.01 more than controls on average" in said
    assert "pasting one raises it by 0.00 more" in said
    assert "no background found to decide it" in said


@pytest.mark.parametrize(
    ("way", "state", "expected"),
    [
        ("local", None, "patches were not tested"),
        ("local", "too_few_images", "60 sampled images are too few"),
        ("local", "no_room", "12 sampled images"),
        ("local", "no_hosts", "too few images are predicted otherwise"),
        ("background", None, "backgrounds were not swapped"),
        ("background", "too_few_objects", "30 of its objects and 29 others are too few"),
        ("background", "no_usable_regions", "too few objects can be lifted"),
        ("background", "check_failed", "only 30% of the swaps within the class"),
    ],
)
def test_what_was_not_tested_is_named_with_its_reason(way, state, expected):
    assert expected in _said(**{f"{way}_state": state})


def test_not_enough_images_names_both_gaps():
    said = _said(
        verdict="not_enough_images",
        local_state="too_few_images",
        background_state="too_few_objects",
    )
    assert said.startswith("class 'truck': patches were not tested: 60 sampled images are too few;")
    assert said.endswith("are too few")


def test_estimated_regions_are_said_so():
    said = _said(
        verdict="spurious", local_passes=True, background_passes=True, verdict_estimated=True
    )
    assert "at the bottom right outside the estimated region in 41" in said
    assert "so does the background (outside the estimated regions)" in said


def test_an_untested_class_has_no_sentence():
    assert _said(verdict="not_tested") == ""
