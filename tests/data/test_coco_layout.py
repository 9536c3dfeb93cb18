import pytest

from audit.data.coco_layout import YEARS, told, without_year


@pytest.mark.parametrize(
    ("subset", "split"),
    [("val2014", "val"), ("val2017", "val"), ("val", "val"), ("2017", ""), ("val2015", "val2015")],
)
def test_the_split_of_a_subset(subset, split):
    assert without_year(subset) == split
    assert without_year("test2015", ("", "2015")) == "test"
    assert YEARS == ("", "2017", "2014")


def test_what_is_below_0_is_told_with_examples():
    assert told("missing", ["a", "b", "c"], [-1, 0, -1]) == ("missing: 2 ('a', 'c')",)
    assert told("missing", ["a"], [0]) == ()
