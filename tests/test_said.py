"""What captions say: counts and means by hand."""

import json

import pyarrow as pa
import pytest

from audit.said import noun_table, read_words, words_summary
from audit.tables.parts import part_path, write_table
from audit.tables.schema import arrow_schema

CLASSES = ("dog", "cat", "bus")
DOG, CAT, BUS = range(3)


def said(index, cls, present, mass=None, *, caption="pred", area=0.25, other=None):
    """One noun: ``present`` None: nothing is annotated; ``mass`` None: its map was not scored."""
    return {
        "index": index,
        "caption": caption,
        "position": 0,
        "word": CLASSES[cls],
        "class": cls,
        "present": present,
        "relevance_mass_accuracy": mass,
        "region_area_fraction": None if mass is None else area,
        "other_region_mass": other,
    }


def true(index, cls):
    return said(index, cls, True, 0.75, caption="true")


@pytest.fixture
def words(tmp_path):
    """Lists of nouns, one list a part → what is read of them."""

    def written(*parts):
        for k, rows in enumerate(parts):
            table = pa.Table.from_pylist(list(rows), schema=arrow_schema("words", 4))
            write_table(table, part_path(tmp_path, k), {})
        return read_words(tmp_path)

    return written


def _row(words, cls):
    return noun_table(words, CLASSES).iloc[cls]


def test_every_class_has_a_row_in_the_documented_form(words):
    table = noun_table(words([said(0, CAT, True, 0.5)]), CLASSES)
    assert table["label"].tolist() == list(CLASSES)
    assert table["class"].tolist() == [0, 1, 2]
    assert table["said"].tolist() == [0, 1, 0]
    schema = arrow_schema("nouns")
    assert table.columns.tolist() == schema.names
    assert pa.Table.from_pandas(table, schema=schema, preserve_index=False).num_rows == 3


def test_images_are_counted_and_not_words(words):
    row = _row(
        words([said(0, DOG, True, 0.5), said(0, DOG, True, 0.5)], [said(1, DOG, False)]), DOG
    )
    assert (row["said"], row["hallucinated"]) == (2, 1)


def test_what_the_reference_names_and_the_model_does_not_is_missed(words):
    nouns = [true(0, DOG), true(1, DOG), true(1, DOG), true(2, DOG), said(0, DOG, True, 0.5)]
    row = _row(words([*nouns, said(2, CAT, False)]), DOG)
    assert (row["referred"], row["missed"], row["said"]) == (3, 2, 1)


def test_where_nothing_is_annotated_nothing_is_known_to_be_hallucinated(words):
    table = noun_table(
        words([said(0, DOG, None), said(1, CAT, None), said(2, CAT, False)]), CLASSES
    )
    assert table["said"].tolist() == [1, 2, 0]
    assert table["hallucinated"].isna().tolist() == [True, False, False]
    assert table["hallucinated"][1:].tolist() == [1, 0]


def test_a_class_that_is_never_said_hallucinates_never(words):
    row = _row(words([true(0, BUS)]), BUS)
    assert (row["said"], row["hallucinated"], row["referred"], row["missed"]) == (0, 0, 1, 1)


def test_the_mass_is_of_the_models_words_over_images(words):
    nouns = [
        said(0, DOG, True, 0.25, other=0.5),
        said(0, DOG, True, 0.75, other=0.5),
        said(1, DOG, True, 1.0, area=0.75, other=0.0),
        said(2, DOG, False, other=0.875),  # hallucinated: no region, so it counts in no mean
        true(3, DOG),
        said(3, CAT, True, 0.0),
    ]
    row = _row(words(nouns), DOG)
    # image 0: .5 of .25 with .5 beside; image 1: 1 of .75 with 0 beside
    assert (row["mass"], row["area"], row["other_mass"]) == (0.75, 0.5, 0.25)
    assert row["mass_low"] < 0.75 < row["mass_high"]


def test_a_class_without_a_scored_map_has_null_means(words):
    row = _row(words([said(0, DOG, False)]), DOG)
    assert row[["mass", "mass_low", "mass_high", "area", "other_mass"]].isna().all()


def test_one_image_has_no_interval(words):
    row = _row(words([said(0, DOG, True, 0.5)]), DOG)
    assert row["mass"] == 0.5
    assert row[["mass_low", "mass_high"]].isna().all()


def test_the_summary_counts_pairs_of_image_and_class(words):
    nouns = [
        said(0, DOG, True, 0.5),
        said(0, DOG, True, 1.0),  # the same dog again
        said(0, CAT, False),
        said(1, CAT, False),
        said(1, CAT, False),
        said(2, BUS, None),  # nothing is annotated
        true(0, DOG),
    ]
    found = words_summary(words(nouns[:3], nouns[3:]))
    assert found["said"] == 3
    assert (found["hallucinated"]["n"], found["hallucinated"]["value"]) == (2, 2 / 3)
    # Wilson's interval of 2 of 3, z² = 3.8415: (2/3 + z²/6 ± z√(2/27 + z²/36)) / (1 + z²/3)
    assert found["hallucinated"]["low"] == pytest.approx(0.2077, abs=1e-4)
    assert found["hallucinated"]["high"] == pytest.approx(0.9385, abs=1e-4)
    assert found["attention"]["images"] == 1
    assert found["attention"]["mass"]["value"] == 0.75
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("nouns", [[], [said(0, DOG, None)], [true(0, DOG)]])
def test_where_the_model_says_no_noun_that_can_be_judged_there_is_no_rate(words, nouns):
    found = words_summary(words(nouns))
    nothing = {"n": 0, "value": None, "low": None, "high": None}
    assert found == {"said": 0, "hallucinated": nothing, "attention": None}


def test_no_parts_at_all_are_no_words(tmp_path):
    table = noun_table(read_words(tmp_path / "words"), CLASSES)
    assert table["said"].tolist() == [0, 0, 0]
    assert table["hallucinated"].tolist() == [0, 0, 0]
    assert words_summary(read_words(tmp_path / "words"))["said"] == 0


def test_without_classes_there_is_no_row(words):
    assert len(noun_table(words([]), ())) == 0
