"""The section of the tested classes."""

from dataclasses import replace

import pytest

from audit.report.context import cards_of
from audit.report.load import read_run
from audit.report.suspicions import MAX_BLOCKS, MAX_CLEAN, examples, links, suspicions


@pytest.fixture
def section():
    def build(folder, **more):
        run = read_run(folder)
        run = replace(run, **more) if more else run
        return suspicions(run, cards_of(run))

    return build


def test_a_class_that_was_found_has_its_block(found, section):
    (block,) = section(found)["blocks"]
    assert (block["id"], block["name"], block["q"]) == (
        "verdict-1",
        "<script>alert(1)</script>",
        "< 0.001",
    )
    assert block["sentence"].startswith("Decides by a patch at the top left in 12 of 30")
    assert [card.id for card in block["cards"]] == [12, 10]  # verified, the worst first
    assert block["verified"] is True
    assert [cue["n"] for cue in block["cues"]] == ["2 images"]


def test_effects_stand_beside_their_intervals(found, section):
    local, background = section(found)["blocks"][0]["ways"]
    assert (local["passes"], local["said"]) == (True, "decides the class")
    assert (background["passes"], background["said"]) == (False, "not found to decide the class")
    cover, paste = local["rows"]
    assert (cover["effect"], cover["interval"], cover["n"]) == ("0.25", "0.12 to 0.38", "30 images")
    assert cover["strip"] == {"low": "12.50%", "high": "37.50%", "dot": "25.00%"}
    assert cover["note"] == "matters in 12 of 30; there it costs 0.50, controls 0.00"
    assert paste["note"] == "turns 25% of them into the class"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "not tested"),
        ("too_few_objects", "not tested: too few objects"),
        ("check_failed", "cannot be tested: swapping within the class changes the prediction"),
    ],
)
def test_a_way_that_was_not_tested_says_why(found, section, judged_row, state, said):
    row = judged_row(1, ("local",), background_state=state, background_passes=None)
    background = section(found, classes=(row,))["blocks"][0]["ways"][1]
    assert (background["said"], background["rows"]) == (said, [])


def test_a_background_shows_images_and_calls_none_verified(found, section, judged_row):
    block = section(found, classes=(judged_row(1, ("background",)),))["blocks"][0]
    assert block["verified"] is False
    assert [card.id for card in block["cards"]] == [12, 11, 10]  # any predicted so


def test_the_largest_effect_comes_first(found, judged_row):
    small = judged_row(0, ("local",), s2_effect=0.1)
    both = judged_row(2, ("local", "background"), s1_effect=0.05)
    run = replace(read_run(found), classes=(small, judged_row(1, ("local",)), both))
    # of the two effects that a way needs the smaller, of the ways that pass the larger:
    # 0.1; 0.25; the larger of 0.05 and 0.25
    assert list(links(run)) == [1, 2, 0]
    assert examples(run)["verdict-1-cases"] == [12, 10]


def test_clean_classes_are_a_table_with_the_least_q_first(found, section, judged_row):
    rows = (judged_row(0), judged_row(1, (), q_value=0.01, local_state="no_room"))
    clean = section(found, classes=rows)["clean"]
    assert clean["total"] == "2"
    first, second = clean["rows"]
    assert (first["q"], first["held"], first["patch"]) == ("0.010", "", [])
    assert first["local"] == "not tested: no room for controls beside the objects"
    assert (second["held"], second["ground"]) == ("12 of 30 (at most 50%)", ["0.25", "0.25"])
    assert clean["below"] == ""  # the summary holds no cutoffs


@pytest.mark.parametrize(
    ("q", "floor", "said"),
    [(0.01, "necessity", True), (0.06, "necessity", False), (0.01, "another rule", False)],
)
def test_a_small_q_without_a_verdict_is_explained(
    tmp_path, write_run, judged_row, verdicts, section, q, floor, said
):
    cutoffs = {"q": 0.05, "s1_rate": 0.1, floor: 0.2, "sufficiency": 0.15}
    folder = write_run(
        tmp_path / "run",
        classes=[judged_row(0, q_value=q)],
        summary={"verdicts": verdicts(counts={"clean": 1}, cutoffs=cutoffs)},
    )
    below = section(folder)["clean"]["below"]
    assert bool(below) is said
    assert not said or "take 0.20 of probability from its objects, and its own give 0.15" in below


def test_very_many_classes_stay_within_bounds(found, section, judged_row):
    spurious = [judged_row(at, ("background",)) for at in range(MAX_BLOCKS + 3)]
    clean = [judged_row(at) for at in range(100, 100 + MAX_CLEAN + 2)]
    made = section(found, classes=(*spurious, *clean))
    assert len(made["blocks"]) == MAX_BLOCKS
    assert made["left"] == "class 20, class 21, class 22"
    assert len(made["clean"]["rows"]) == MAX_CLEAN
    assert made["clean"]["rest"] == "class 150, class 151"


def test_without_a_tested_class_there_is_no_section(run, section, tmp_path, write_run, verdicts):
    assert section(run) is None
    untested = verdicts(counts={"not_tested": 4}, budget=0)
    assert section(write_run(tmp_path / "none", summary={"verdicts": untested})) is None
