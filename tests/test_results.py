"""Two classes: fish, whose ten images are decided by a patch, and truck, of which none is."""

from dataclasses import replace

import pandas as pd
import pytest

from audit import results as results_module
from audit.results import Interventions, results_of, triaged, with_reasons
from audit.tables.schema import arrow_schema
from audit.verdicts.cutoffs import VERDICT_VERSION

CLASSES = ("fish", "truck", "horse")
FISH = {"pred_class": 0, "pred_label": "fish", "true_class": 0, "true_label": "fish"}
TRUCK = {"pred_class": 1, "pred_label": "truck", "true_class": 1, "true_label": "truck"}
HORSE = {"pred_class": 2, "pred_label": "horse", "true_class": 2, "true_label": "horse"}
BOX = {"x0": 80, "y0": 80, "x1": 90, "y1": 90, "area_fraction": 0.01}


def _rows(index, cls, drop, *, role="sample", fill="blur", hosts=True):
    """One image's try: its patch costs ``drop``, controls nothing; pasted it gives as much."""
    held = {
        "index": index,
        "sample_id": f"{index}",
        "role": role,
        "watched_class": cls,
        "watched_label": CLASSES[cls],
        "attempt": 1,
        "fill": fill,
        "other_index": None,
        "on_other_object": False,
        "p_before": 0.9,
        "pred_after": cls,
        **BOX,
    }
    kinds = [("S1", "cover", 0.9 - drop), *[("S1", "control", 0.9)] * 4]
    rows = [held | {"test": test, "kind": kind, "p_after": p} for test, kind, p in kinds]
    for host in (100, 101) if hosts else ():
        other = held | {"test": "S2", "fill": None, "other_index": host, "p_before": 0.0}
        rows += [other | {"kind": "paste", "p_after": drop}, other | {"kind": "control"}]
        rows[-1]["p_after"] = 0.0
    return rows


def _tested(rows, **changes):
    frame = pd.DataFrame(rows, columns=arrow_schema("interventions").names)
    return replace(Interventions(frame, 720, "blur", (90, 90)), **changes)


@pytest.fixture
def images(make_images):
    """Ten fish (0 to 9), ten trucks (10 to 19), and five horses (20 to 24), all right."""
    return make_images(*[FISH] * 10, *[TRUCK] * 10, *[HORSE] * 5)


@pytest.fixture
def evidence():
    """Fish lose .3 and more, each another drop; trucks lose nothing: 0.

    The eleventh image of fish is no sample: its drop counts for itself alone.
    """
    rows = [row for k in range(10) for row in _rows(k, 0, 0.3 + k / 100)]
    rows += [row for k in range(10, 20) for row in _rows(k, 1, 0.0)]
    return rows


def _results(images, tested, **changes):
    how = {"limit": 10, "seed": 0} | changes
    return results_of(images, triaged(images), tested, CLASSES, **how)


def test_verdicts_reach_the_class_table(images, evidence):
    classes = _results(images, _tested(evidence)).classes
    assert list(classes.columns) == arrow_schema("classes").names
    assert classes["label"].tolist() == list(CLASSES)
    assert classes["verdict"].tolist() == ["spurious", "not_enough_images", "not_tested"]
    assert classes["verdict_by"].tolist()[0] == "local"
    # ten differences of one sign: p = 1/1024 for each of S1 and S2, doubled for the two tries,
    # doubled for the two ways, and twice that for the first of two classes
    fish = classes.iloc[0]
    assert fish["local_p"] == pytest.approx(2 / 1024)
    assert fish["p_value"] == pytest.approx(4 / 1024)
    assert fish["q_value"] == pytest.approx(8 / 1024)
    # drops .30, .31, … .39
    assert fish["s1_effect"] == pytest.approx(0.345)
    assert fish["s1_rate"] == 1
    assert classes.iloc[1]["q_value"] == 1
    # what the summary says of a class is left as it was: all are right
    assert classes["n"].tolist() == [10, 10, 5]
    assert classes["accuracy"].tolist() == [1, 1, 1]


def test_cases_get_flags_and_reasons(images, evidence):
    suspect = _rows(24, 2, 0.5, role="suspect")
    results = _results(images, _tested(evidence + suspect))
    cases = pd.concat(with_reasons(results, images, (90, 90))).set_index("index")
    assert cases["spurious_verified"][:10].eq(other=True).all()
    assert cases["spurious_verified"][10:20].eq(other=False).all()
    assert cases["spurious_verified"][20:24].isna().all()
    assert cases.loc[24, "local_cause"]  # S1 holds, and its class has no verdict
    assert cases["spurious_class"].dropna().tolist() == [True] * 10  # trucks: backgrounds untested
    assert cases.loc[3, "reason"].startswith(
        "covering the patch at the bottom right (1% of the view) lowers 'fish' by 0.33"
    )
    assert cases.loc[12, "reason"] == ""
    assert cases.loc[9, "severity"] == pytest.approx(0.39)
    assert {"index", *cases.columns} == set(arrow_schema("cases").names)


def test_reasons_do_not_depend_on_the_block_that_a_case_is_in(images, evidence, monkeypatch):
    images.loc[2, "correct"] = False  # an error, which its patch explains
    results = _results(images, _tested(evidence))
    (whole,) = with_reasons(results, images, (90, 90))
    assert whole["reason"][2].startswith("predicted 'fish' at 0.90, labelled 'fish' (0.90); cover")
    monkeypatch.setattr(results_module, "_BLOCK", 7)  # the last of four holds four
    blocks = list(with_reasons(results, images, (90, 90)))
    assert [len(block) for block in blocks] == [7, 7, 7, 4]
    pd.testing.assert_frame_equal(pd.concat(blocks), whole)


def test_the_summary_tells_what_was_tested_and_found(images, evidence):
    suspect = _rows(24, 2, 0.5, role="suspect", hosts=False)
    found = _results(images, _tested(evidence + suspect)).summary["verdicts"]
    assert found["version"] == VERDICT_VERSION
    # horses have a suspect alone, and no sample that a class could be judged by
    assert found["counts"] == {"spurious": 1, "not_enough_images": 1, "not_tested": 1}
    assert found["spurious"] == [0]
    assert (found["images_tested"], found["suspects_tested"]) == (20, 1)
    # 20 images: 5 covered and 2·2 pasted each; the suspect: 5
    assert found["forwards"] == 20 * 9 + 5
    assert (found["budget"], found["fill"]) == (720, "blur")
    assert found["fill_agreement"] == []
    assert found["has_regions"]
    assert not found["estimated_regions"]
    assert found["cutoffs"]["q"] == 0.05


def test_the_rate_of_the_whole_set(images, evidence):
    # fish: all of ten; trucks: none of ten; horses were not tested: 10·1/20
    found = _results(images, _tested(evidence)).summary["verdicts"]["whole_set"]
    assert found["rate"] == pytest.approx(0.5)
    assert (found["n"], found["n_sampled"], found["n_untested"]) == (20, 20, 5)


def test_what_was_not_tested_is_named(images, evidence):
    found = _results(images, _tested(evidence)).summary["verdicts"]
    assert found["not_tested"] == [{"label": "horse", "images": 5}]
    assert found["counts"]["not_tested"] == 1


def test_no_intervention_is_no_verdict_and_no_flag(images):
    results = _results(images, _tested([], budget=0))
    assert results.classes["verdict"].tolist() == ["not_tested"] * 3
    assert results.classes["q_value"].isna().all()
    for name in ("spurious_verified", "local_cause", "spurious_class", "untestable"):
        assert results.cases[name].isna().all()
        assert name not in results.summary["flags"]
    found = results.summary["verdicts"]
    assert found["whole_set"]["rate"] is None
    assert found["whole_set"]["n_untested"] == 25
    assert (found["images_tested"], found["forwards"], found["budget"]) == (0, 0, 0)
    assert [one["images"] for one in found["not_tested"]] == [10, 10, 5]


def test_a_second_fill_is_compared_and_decides_nothing(images, evidence):
    second = [
        row
        for k in range(10)
        for row in _rows(k, 0, 0.5 if k < 8 else 0.0, fill="inpaint", hosts=False)
    ]
    alone = _results(images, _tested(evidence))
    both = _results(images, _tested(evidence + second))
    assert both.classes.equals(alone.classes)
    (agreement,) = both.summary["verdicts"]["fill_agreement"]
    assert agreement["fill"] == "inpaint"
    assert (agreement["n"], agreement["holds_primary"], agreement["holds_second"]) == (10, 10, 8)
    assert agreement["agreement"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("source", "estimated"), [("pseudo:grabcut", True), ("annotation", False), ("none", False)]
)
def test_verdicts_on_estimated_regions_are_marked(images, evidence, source, estimated):
    results = _results(images.assign(region_source=source), _tested(evidence))
    assert results.classes["verdict_estimated"].tolist() == [estimated] * 3
    assert results.summary["verdicts"]["estimated_regions"] == estimated


def test_evidence_moves_a_case_into_the_report(images, evidence):
    # nothing is wrong or off its object: without evidence only random examples are shown
    bare = _results(images, _tested([]), limit=4)
    assert bare.summary["galleries"]["verified"] == 0
    found = _results(images, _tested(evidence), limit=4)
    assert found.summary["galleries"]["verified"] == 10
    (place,) = [
        index
        for index, names in zip(found.chosen["index"], found.chosen["galleries"], strict=True)
        if "verified" in names
    ]
    assert place == 9  # the largest drop


def test_triage_and_label_suspects_come_before_any_intervention(make_images):
    # t of truck: the mean of .9 and .7 is .8; the horse is called a truck at .85, and the map lies
    # on its object
    wrong = HORSE | {
        "pred_class": 1,
        "pred_label": "truck",
        "correct": False,
        "pred_probability": 0.85,
        "true_probability": 0.1,
    }
    sure = TRUCK | {"true_probability": 0.9}
    images = make_images(sure, sure | {"true_probability": 0.7}, wrong, wrong)
    images.loc[3, "pred_probability"] = 0.79
    cases = triaged(images)
    assert {"reason", *cases.columns} == set(arrow_schema("cases").names)
    assert cases["misclassified"].tolist() == [False, False, True, True]
    assert cases["label_suspect"].tolist() == [False, False, True, False]
    assert cases["spurious_verified"].isna().all()


def test_the_evidence_is_one_row_an_image(images, evidence):
    found = _results(images, _tested(evidence)).evidence
    assert found["index"].tolist() == list(range(20))
    assert found["holds"].tolist() == [True] * 10 + [False] * 10


def test_triage_itself_is_left_as_it_was(images, evidence):
    cases = triaged(images)
    before = cases.copy()
    results_of(images, cases, _tested(evidence), CLASSES, limit=10, seed=0)
    pd.testing.assert_frame_equal(cases, before)
