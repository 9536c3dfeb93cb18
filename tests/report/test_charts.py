"""Places on the drawings, worked out by hand."""

from audit.report.charts import charts


def test_a_histogram_becomes_steps_on_one_scale():
    group = {"counts": [3, 1], "n": 4, "median": 0.25}
    empty = {"counts": [0, 0], "n": 0, "median": None}
    mass = charts({"mass": {"right": group, "wrong": empty, "area": group}})["mass"]
    assert [one["name"] for one in mass["groups"]] == [
        "area",
        "right",
    ]  # what is empty is not drawn
    # 3 of 4 is the highest bar, so 180 high; 1 of 4 is a third of it: y = 180 − 60 = 120
    assert mass["groups"][1]["path"] == "M0 180V0H200V120H400V180"
    assert mass["groups"][1]["tick"] == "100"  # 400 · 0.25
    assert mass["top"] == "75%"


def test_a_bin_becomes_a_dot_with_its_interval():
    bins = [
        {"from": 0, "to": 0.5, "n": 1, "confidence": 0.5, "accuracy": 0.0, "low": 0.0, "high": 0.5},
        {"from": 0.5, "to": 1, "n": 4, "confidence": 0.75, "accuracy": 1.0, "low": 0.5, "high": 1},
        {
            "from": 1,
            "to": 1,
            "n": 0,
            "confidence": None,
            "accuracy": None,
            "low": None,
            "high": None,
        },
    ]
    found = {"bins": bins, "ece": 0.3, "confidence": 0.7, "accuracy": 0.8, "n": 5}
    drawn = charts({"reliability": found})["reliability"]
    assert drawn["dots"] == [
        {"x": "90", "y": "180", "low": "180", "high": "90", "r": "4.5"},  # 9 · √(1/4)
        {"x": "135", "y": "0", "low": "90", "high": "0", "r": "9"},
    ]
    assert drawn["said"].endswith("is right in 80.0%: less sure than right.")
    assert drawn["ece"] == "30.0%"


def test_a_run_of_before_has_no_drawings():
    assert charts(None) == {"mass": None, "reliability": None}
