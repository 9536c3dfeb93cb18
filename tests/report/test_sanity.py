"""The sentences, from figures as ``summary.json`` holds them."""

import pytest

from audit.report.render import render_report
from audit.report.sanity import sanity


def _estimate(value, low, high):
    return {"value": value, "low": low, "high": high, "n": 64}


def _stage(stage, modules, estimate, without_map=0):
    return {
        "stage": stage,
        "modules": modules,
        "without_map": without_map,
        "spearman": estimate,
        "ssim": None,
    }


def _curve(auc, random_auc, low, high):
    difference = _estimate(auc - random_auc, low, high)
    return {"auc": auc, "random_auc": random_auc, "difference": difference}


def _found(**more):
    return {
        "n": 64,
        "randomisation": [
            _stage("fc", 1, _estimate(0.275, 0.16, 0.385)),
            _stage("layer2", 9, _estimate(0.2, 0.1, 0.3), without_map=2),
            _stage("conv1", 31, _estimate(-0.001, -0.02, 0.112)),
        ],
        "depends": True,
        "deletion": _curve(0.21, 0.51, -0.35, -0.246),
        "insertion": _curve(0.89, 0.51, 0.324, 0.428),
        "unavailable": None,
    } | more


def test_the_lines_hold_the_figures():
    found = sanity(_found())
    randomised, covered = found["lines"]
    assert (
        "On 64 images these maps fell to r = 0.28 (0.16 to 0.39) when the head (fc) was randomised;"
        " with those of all 31 layers random, r = 0.00 (−0.02 to 0.11)."
    ) in randomised
    assert "Up to 2 maps became zero" in randomised
    assert "keeps 21% of probability on average, and 51% in a random order" in covered
    assert "(difference −30 points (−35 to −25))" in covered
    assert "89% against 51% (38 points (32 to 43))" in covered
    assert found["failed"] == []


def test_maps_that_stay_are_a_failure_and_not_a_fall():
    stages = [
        _stage("fc", 1, _estimate(0.97, 0.96, 0.98)),
        _stage("conv1", 31, _estimate(0.9, 0.8, 0.92)),
    ]
    found = sanity(_found(depends=False, randomisation=stages))
    assert "these maps stayed at r = 0.97" in found["lines"][0]
    (failed,) = found["failed"]
    assert "r = 0.97 (0.96 to 0.98)" in failed


@pytest.mark.parametrize(
    ("deletion", "insertion", "fails"),
    [
        ((-0.1, 0.1), (-0.1, 0.1), True),
        ((0.1, 0.2), (-0.2, -0.1), True),
        ((-0.2, -0.1), (-0.1, 0.1), False),  # one of the two curves is enough
        ((-0.1, 0.1), (0.1, 0.2), False),
        ((None, None), (None, None), False),  # of one image: not known
    ],
)
def test_cells_that_matter_no_more_than_others_are_a_failure(deletion, insertion, fails):
    found = _found(deletion=_curve(0.5, 0.5, *deletion), insertion=_curve(0.5, 0.5, *insertion))
    assert bool(sanity(found)["failed"]) is fails


def test_what_is_not_there_is_said_or_left_out():
    assert sanity(None)["lines"] == ["These maps were not checked (--no-sanity)."]
    why = sanity(_found(unavailable="TypeError: cannot pickle"))
    assert why == {"lines": ["Not available: TypeError: cannot pickle."], "failed": []}
    bare = sanity(_found(randomisation=[_stage("fc", 1, None, 64)], deletion=None, depends=None))
    assert len(bare["lines"]) == 1
    assert "r = not available when the head (fc)" in bare["lines"][0]
    assert bare["failed"] == []


def test_the_page_says_a_failure_above_its_figures(tmp_path, write_run):
    stages = [_stage("<b>fc</b>", 1, _estimate(0.97, 0.96, 0.98))]
    found = _found(depends=False, randomisation=stages)
    page = render_report(write_run(tmp_path / "run", summary={"sanity": found})).read_text()
    assert page.index("Do not trust these maps.") < page.index("How accurate")
    assert "(&lt;b&gt;fc&lt;/b&gt;)" in page
    older = render_report(write_run(tmp_path / "older")).read_text()
    assert "Do not trust these maps." not in older
    assert "These maps were not checked" in older
