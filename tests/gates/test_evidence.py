import math

from audit.gates.evidence import Counted, Evidence, Group, changes, measures_of
from audit.gates.measures import Bounds, Plain, Recorded, Share


def test_every_number_of_a_document_has_a_dotted_name():
    found = measures_of({"a": {"b": 1, "c": True, "d": None, "e": "text", "f": [1]}, "g": 2.5})
    assert found == {"a.b": Plain(1.0), "a.c": Plain(1.0), "a.d": Plain(None), "g": Plain(2.5)}


def test_a_value_between_low_and_high_has_that_interval():
    found = measures_of({"a": {"value": 0.5, "low": 0.4, "high": 0.7, "n": 9}})
    assert found["a.value"] == Recorded("a.value", 0.5, 0.4, 0.7)
    assert found["a.n"] == Plain(9.0)
    assert found["a.low"] == Plain(0.4)


def test_a_bound_on_one_side_leaves_the_other_open():
    found = measures_of({"a": {"rate": 0.0, "high": 0.01}})
    assert found["a.rate"].bounds(0.95) == Bounds(-math.inf, 0.01)


def test_what_is_not_finite_is_no_figure():
    assert measures_of({"a": math.nan}) == {"a": Plain(None)}


def test_a_change_needs_both_and_names_only_new_classes():
    now = Evidence(
        "summary.json",
        {"x": Plain(3), "only": Plain(1)},
        {"accuracy": (Group(0, "cat", 9, Share(9, 9)), Group(7, "new", 5, Share(1, 5)))},
        named={"x": ((0, "cat", "old"), (1, "dog", "new"))},
    )
    before = Evidence(
        "summary.json",
        {"x": Plain(1)},
        {"accuracy": (Group(0, "cat", 4, Share(3, 4)),)},
        named={"x": ((0, "cat", "old"),)},
    )
    found = changes(now, before, same=False)
    assert found.overall["x"].value == 2
    assert found.overall["only"].value is None
    (cat,) = found.classes["accuracy"]
    assert (cat.label, cat.n, cat.measure.value) == ("cat", 4, 0.25)
    assert found.named["x"] == ((1, "dog", "new"),)


def test_a_change_of_groups_says_why_either_run_has_no_figure():
    why = Counted("n_scored", why="no map could be scored")
    groups = {False: (Group(0, "cat", 9, Plain(1)),)}
    groups[True] = (Group(0, "cat", 0, Plain(None), counted=why),)
    for now, before in ((True, False), (False, True)):
        found = changes(
            Evidence("summary.json", {}, {"x": groups[now]}),
            Evidence("summary.json", {}, {"x": groups[before]}),
            same=False,
        )
        assert found.classes["x"][0].counted is why
