import pytest

from audit.report.regions import maps, regions

QUALITY = {
    "decoy": {"mean": 0.412, "low": 0.38, "high": 0.445, "n": 200, "centre_box": 0.3},
    "photos": {"mean": 0.6, "low": 0.5, "high": 0.7, "n": 11, "centre_box": 0.41},
}


def _estimated(quality):
    sources = {"pseudo:grabcut": 1200, "none": 3}
    return regions({"sources": sources, "aggregated": ["pseudo:grabcut"], "quality": quality})


def test_annotations_need_no_notice():
    found = regions({"sources": {"annotation": 12, "none": 1}, "aggregated": ["annotation"]})
    assert found["estimated"] is False
    assert found["worth"] == []
    assert found["line"] == "annotated: 12 images; no region: 1 images"


def test_what_estimates_are_worth_stands_with_interval_and_rival():
    found = _estimated({"pseudo:grabcut": QUALITY})
    assert found["estimated"] is True
    (line,) = found["worth"]
    assert "0.41 [0.38, 0.45] on 200 images of the built-in decoy set (a centred box: 0.30)" in line
    assert "0.60 [0.50, 0.70] on 11 objects in real photos (a centred box: 0.41)" in line


@pytest.mark.parametrize("quality", [None, {}, {"pseudo:grabcut": None}])
def test_what_was_not_measured_says_so(quality):
    assert "not measured" in _estimated(quality)["worth"][0]


def test_maps_without_regions():
    assert maps(None) == []
    found = {
        "median_entropy": 0.9,
        "median_border_mass": 0.4375,
        "n": 3,
        "median_agreement": None,
        "agreement_n": 0,
    }
    assert [value for _, value in maps(found)] == ["0.90", "44%", "not available"]
