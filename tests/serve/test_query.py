"""An address is parsed, checked, and written back as the same query."""

import math
from urllib.parse import parse_qsl

import pytest

from audit.errors import DataError
from audit.serve.query import Query, parse


def test_nothing_asked_is_every_row_by_index():
    assert parse([]) == Query()
    assert Query().address() == ""
    assert not Query(sort="path").is_filtered


def test_an_address_survives_the_way_there_and_back():
    address = (
        "pred=a+%26+b&label=cat&correct=no&flag=no_region&flag=off_object&q=x%2Fy"
        "&min.loss=0.5&max.loss=1.25&slice.site=south+%26+more&sort=path&order=desc&page=3&size=25"
    )
    query = parse(parse_qsl(address))
    assert parse(parse_qsl(query.address())) == query
    assert query.value_of("pred_label") == "a & b"
    assert query.flags == ("no_region", "off_object")
    assert query.bounds == (("loss", 0.5, 1.25),)
    assert query.slices == (("site", "south & more"),)
    assert (query.sort, query.order, query.page, query.size) == ("path", "desc", 3, 25)
    assert query.is_filtered


def test_an_empty_field_is_no_filter():
    assert parse([("label", ""), ("min.loss", ""), ("q", "")]) == Query()


def test_a_bound_comes_back_to_the_last_digit():
    bound = 1 / 3 + 2**-54
    query = parse([("min.loss", repr(bound)), ("max.loss", "1e-300")])
    assert parse(parse_qsl(query.address())).bounds == (("loss", bound, 1e-300),)


def test_words_are_kept_one_space_apart():
    assert parse([("q", "  two \t words ")]).words == "two words"
    assert parse([("q", "   ")]) == Query()


def test_one_bound_alone_leaves_the_other_end_open():
    (bound,) = parse([("min.loss", "-2e3")]).bounds
    assert bound == ("loss", -2000.0, math.inf)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sort", "true_lable", "true_label"),
        ("sort", 'index"; DROP TABLE images; --', "is no value of 'sort'"),
        ("min.los", "1", "loss"),
        ("min.sample_id", "1", "is no figure"),
        ("between.loss", "1", "is no parameter"),
        ("flag", "off_objet", "off_object"),
        ("lable", "cat", "label"),
        ("order", "up", "asc, desc"),
        ("correct", "maybe", "yes, no, none"),
        ("page", "0", "'0' is no value of 'page': whole numbers from 1 to 1,000,000,000"),
        ("page", "-1", "whole number"),
        ("page", "9" * 30, "whole number"),
        ("page", "²", "whole number"),
        ("size", "1000000", "is no value of 'size'"),
        ("min.loss", "nan", "is no number"),
        ("max.loss", "inf", "is no number"),
        ("max.loss", "1; --", "is no number"),
        ("q", "x" * 501, "501 characters"),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(name, value, said):
    with pytest.raises(DataError, match=r"^[^\n]*$") as caught:
        parse([(name, value)])
    assert said in str(caught.value)


def test_an_address_of_very_many_parameters_is_refused():
    with pytest.raises(DataError, match="65 parameters; the most is 64"):
        parse([("flag", "off_object")] * 65)
