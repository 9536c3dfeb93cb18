"""What a class's hot patches show."""

from dataclasses import replace

import pytest

from audit.errors import DataError
from audit.report.cues import MAX_CUES, cue_pictures, shown_cues
from audit.report.load import read_run


def test_a_cue_that_moves_is_drawn_where_its_examples_are(found):
    (cue,) = shown_cues(read_run(found), 1)
    assert cue["boxes"] == [("96.0", "72.0", "24.0", "18.0"), ("0.0", "0.0", "24.0", "18.0")]
    assert (cue["frame"], cue["where"]) == ("0 0 120 90", "at changing places")
    assert (cue["n"], cue["drop"], cue["src"]) == ("2 images", "0.62", "assets/cues/1-0.png")


def test_without_an_example_at_hand_the_mean_box_is_drawn(found):
    run = read_run(found)
    far = replace(run, cues=(replace(run.cues[0], examples=(999,), picture=None),))
    (cue,) = shown_cues(far, 1)
    assert (cue["boxes"], cue["where"]) == ([("48.0", "36.0", "24.0", "18.0")], "in the centre")
    assert cue["src"] == ""
    assert cue_pictures(far, [1]) == {}


def test_only_the_strongest_of_the_asked_classes(found):
    run = read_run(found)
    many = replace(run, cues=run.cues * (MAX_CUES + 1))
    assert len(shown_cues(many, 1)) == MAX_CUES
    assert shown_cues(many, 0) == []
    assert list(cue_pictures(run, [0, 1])) == ["assets/cues/1-0.png"]


def test_a_picture_that_cannot_be_decoded_is_named(found):
    run = read_run(found)
    broken = replace(run, cues=(replace(run.cues[0], picture=b"<svg onload=alert(1)>"),))
    with pytest.raises(DataError, match="cues: picture 1 of class 1 is no picture"):
        cue_pictures(broken, [1])
