import pandas as pd
import pytest

from audit.tables.schema import FLAGS
from audit.verdicts.cases import evidence_reasons, with_evidence
from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import per_image

VERDICTS = pd.DataFrame(
    {
        "true_class": [0, 1, 2],
        "label": ["fish", "truck", "horse"],
        "verdict": ["spurious", "clean", "not_tested"],
        "verdict_by": ["local", None, None],
        "verdict_estimated": False,
        "local_passes": [True, False, None],
    }
)
CORNER = {"x0": 80, "y0": 80, "x1": 90, "y1": 90}


def _marked(table, predicted, verdicts=VERDICTS, severity=0.1):
    """Cases 10, 11, … with these predictions: flags, severity and what is said, by index."""
    index = list(range(10, 10 + len(predicted)))
    cases = pd.DataFrame({"index": index, "sample_id": "x", "severity": severity})
    for name in FLAGS:
        cases[name] = pd.Series(pd.NA, index=cases.index, dtype="boolean")
    images = per_image(table.frame(), "blur", Cutoffs())
    answered = pd.Series(predicted, dtype="Int32")
    marked = with_evidence(cases, answered, images, verdicts)
    reason = evidence_reasons(marked, answered, images, verdicts, (90, 90))
    return marked.assign(reason=reason).set_index("index")


def test_a_cause_is_verified_only_in_a_class_that_passes(table):
    truck = {"watched_class": 1, "watched_label": "truck"}
    found = _marked(table.s1(10, 0.5, **CORNER).s1(11, 0.5, **truck).s1(12, 0.1), [0, 1, 0])
    assert found["spurious_verified"].tolist() == [True, False, False]
    assert found["local_cause"].tolist() == [False, True, False]
    assert found["untestable"].tolist() == [False] * 3
    assert found.loc[10, "reason"] == (
        "covering the patch at the bottom right (3% of the view) lowers 'fish' by 0.50, controls "
        "0.00; 'fish' is a class found to decide by a patch outside its region"
    )
    assert "lowers 'truck' by 0.50" in found.loc[11, "reason"]


def test_untested_images_keep_null(table):
    found = _marked(table, [0, 1, 2, None])
    for name in ("local_cause", "spurious_verified", "untestable"):
        assert found[name].isna().all()


def test_every_image_predicted_a_spurious_class_is_told(table):
    found = _marked(table, [0, 1, 2, None])["spurious_class"]
    assert found[:2].tolist() == [True, False]
    assert found[2:].isna().all()


def test_a_background_marks_the_class_and_no_case(table):
    verdicts = VERDICTS.assign(
        verdict_by=["background", None, None], local_passes=[False, False, None]
    )
    found = _marked(table.s1(10, 0.5), [0], verdicts).loc[10]
    assert (found["spurious_class"], found["local_cause"]) == (True, True)
    assert not found["spurious_verified"]
    assert found["reason"].endswith("'fish' is a class found to decide by the background")


def test_on_estimated_regions_nothing_is_called_found(table):
    found = _marked(table.s1(10, 0.5), [0], VERDICTS.assign(verdict_estimated=True)).loc[10]
    assert found["reason"].endswith(
        "'fish' is a class that may decide by a patch outside its region, if the estimated regions "
        "are right"
    )


def test_an_untestable_image_says_why(table):
    found = _marked(table.add("S1", "untestable", 10), [1]).loc[10]
    assert found["untestable"]
    assert not found["local_cause"]
    assert found["reason"].startswith("untestable: no room for controls")


def test_another_object_is_told_and_not_flagged(table):
    found = _marked(table.s1(10, 0.5, on_other_object=True), [1]).loc[10]
    assert not found["local_cause"]
    assert "lies on another annotated object" in found["reason"]


def test_severity_is_the_larger_of_the_old_one_and_the_drop(table):
    found = _marked(table.s1(10, 0.5).s1(11, 0.1), [0, 0])["severity"]
    assert found.tolist() == pytest.approx([0.5, 0.1])
    assert _marked(table, [0], severity=0.75)["severity"].tolist() == [0.75]


def test_of_an_image_that_was_not_tested_nothing_is_said(table):
    found = _marked(table.s1(10, 0.5), [1, 1, None])
    assert found["reason"].tolist()[1:] == ["", ""]


def test_the_given_cases_are_left_alone(table):
    cases = _marked(table, [1]).reset_index()
    images = per_image(table.s1(10, 0.5).frame(), "blur", Cutoffs())
    with_evidence(cases, pd.Series([1]), images, VERDICTS)
    assert cases["local_cause"].isna().all()
