"""The verdict on types of question, from interventions made by hand."""

from itertools import cycle, islice

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, ttest_1samp

from audit.looking import SEEN, attention, question_table, verdicts_of
from audit.tables.schema import arrow_schema
from audit.tables.sliced import Sliced
from audit.verdicts.cutoffs import Cutoffs

SMALL = (0.0, 0.125)  # falls of probability, in turn: .0625 on average
LARGE = (0.375, 0.5)


class Asked:
    """Questions of several types, and what covering and asking elsewhere did to them."""

    def __init__(self):
        self.types, self.codes, self.seen, self.rows = [], [], [], []

    def add(self, name, n, *, tested=None, stays=0, drops=SMALL, same=0, **more):
        """``n`` questions, of which the first ``tested`` (None: all) were; ``stays`` keep their
        answer when covered, ``same`` of them have it for another image too.
        """
        self.types.append(name)
        for k in range(n):
            index = len(self.seen)
            self.codes.append(len(self.types) - 1)
            self.seen.append(dict.fromkeys(SEEN) | {"index": index, "path": f"{index}.jpg"} | more)
            if k < (n if tested is None else tested):
                drop = next(islice(cycle(drops), k, None))
                self._look("cover", index, drop, stays=k < stays)
                self._look("control", index, 0.0625, stays=True)
                self._look("control", index, 0.0, stays=True)
                self._look("other_image", index, 0.5, stays=k < same)
        return self

    def _look(self, kind, index, drop, *, stays):
        row = dict.fromkeys(arrow_schema("interventions").names) | {"test": "look", "kind": kind}
        row |= {"index": index, "watched_class": 3, "pred_after": 3 if stays else 4}
        self.rows.append(row | {"p_before": 0.75, "p_after": 0.75 - drop})

    def interventions(self):
        frame = pd.DataFrame(self.rows, columns=arrow_schema("interventions").names)
        return frame.astype({"p_before": "float32", "p_after": "float32", "pred_after": "float64"})

    def table(self, interventions=None):
        types = Sliced("question_type", tuple(self.types), np.array(self.codes, dtype=np.int16))
        rows = self.interventions() if interventions is None else interventions
        return question_table(pd.DataFrame(self.seen, columns=SEEN), types, rows, Cutoffs())

    def one(self):
        (row,) = self.table().to_dict("records")
        return row


def _p(stays, n, drops):
    """The larger p, by scipy on the counts and the values themselves."""
    falls = list(islice(cycle(drops), n))
    stay = binomtest(stays, n, 0.5, alternative="greater").pvalue
    return max(stay, ttest_1samp(falls, 0.2, alternative="less").pvalue)


def test_answers_that_stay_are_given_without_looking():
    row = Asked().add("what colour", 20, stays=18, same=15).one()
    assert row["verdict"] == "spurious"
    assert (row["questions"], row["tested"], row["unchanged"]) == (20, 20, 18)
    assert (row["asked_elsewhere"], row["same_elsewhere"]) == (20, 15)
    assert (row["drop"], row["control_drop"]) == (0.0625, 0.03125)
    assert row["control_unchanged"] == 1
    # Clopper and Pearson, one-sided: P(X ≥ 18 | 20, bound) = .05
    assert row["unchanged_low"] == pytest.approx(0.7174, abs=1e-4)
    assert row["drop_low"] < 0.0625 < row["drop_high"]
    assert row["p_value"] == row["q_value"] == pytest.approx(_p(18, 20, SMALL))
    assert row["verdict_sentence"] == (
        "question type 'what colour': answered without looking: with the asked object covered, "
        "18 of 20 answers stay and their probability falls by 0.06 (controls 0.03); asked of "
        "another image, the answer is the same in 15 of 20"
    )


def test_answers_that_fall_with_the_object_are_clean():
    row = Asked().add("what colour", 20, stays=2, drops=LARGE, same=1).one()
    assert row["verdict"] == "clean"
    assert row["p_value"] == pytest.approx(_p(2, 20, LARGE))
    assert row["verdict_sentence"] == (
        "question type 'what colour': no language shortcut found: covering the asked object "
        "changes 18 of 20 answers and lowers the probability by 0.44 (controls 0.03); asked of "
        "another image, the answer is the same in 1 of 20"
    )


@pytest.mark.parametrize("stays", [5, 10, 14])
def test_yes_or_no_at_chance_is_not_blind(stays):
    # 14 of 20: P(X ≥ 14 | 20, .5) = .0577, although the probability hardly falls
    row = Asked().add("is it", 20, stays=stays, same=20).one()
    assert row["p_value"] == pytest.approx(binomtest(stays, 20, 0.5, alternative="greater").pvalue)
    assert row["verdict"] == "clean"


def test_a_strong_prior_that_needs_the_object_is_not_blind():
    # every answer stays, but the probability falls by .44: more than .2
    row = Asked().add("how many", 20, stays=20, drops=LARGE, same=20).one()
    assert row["p_value"] == pytest.approx(_p(20, 20, LARGE)) == pytest.approx(1)
    assert row["verdict"] == "clean"


@pytest.mark.parametrize(("same", "verdict"), [(0, "clean"), (10, "clean"), (11, "spurious")])
def test_who_answers_otherwise_for_another_image_is_cleared(same, verdict):
    row = Asked().add("what", 20, stays=20, same=same).one()
    assert row["q_value"] < 0.001
    assert row["verdict"] == verdict


def test_who_was_asked_of_no_other_image_is_not_found():
    asked = Asked().add("what", 20, stays=20)
    rows = asked.interventions()
    (row,) = asked.table(rows[rows["kind"] != "other_image"]).to_dict("records")
    assert (row["asked_elsewhere"], row["same_elsewhere"], row["verdict"]) == (0, 0, "clean")


@pytest.mark.parametrize("tested", [1, 9])
def test_few_questions_are_too_few(tested):
    row = Asked().add("why", 40, tested=tested, stays=tested, same=tested).one()
    assert row["verdict"] == "not_enough_images"
    assert pd.isna(row["p_value"])
    assert pd.isna(row["q_value"])
    said = f"question type 'why': {tested} questions are too few to test"
    assert row["verdict_sentence"] == said


def test_what_was_not_tested_has_no_sentence():
    row = Asked().add("why", 40, tested=0).one()
    assert (row["verdict"], row["verdict_sentence"], row["tested"]) == ("not_tested", "", 0)
    assert row["questions"] == 40
    for name in ("unchanged_low", "drop", "control_drop", "p_value", "q_value"):
        assert pd.isna(row[name]), name


def test_no_intervention_at_all_is_a_table_of_untested_types():
    asked = Asked().add("why", 3, tested=0).add("what", 2, tested=0)
    table = asked.table(arrow_schema("interventions").empty_table().to_pandas())
    assert table["verdict"].tolist() == ["not_tested", "not_tested"]
    assert table["questions"].tolist() == [3, 2]


def test_other_interventions_do_not_count():
    asked = Asked().add("what", 12, stays=12, same=12)
    (row,) = asked.table(asked.interventions().assign(test="S1")).to_dict("records")
    assert (row["tested"], row["verdict"]) == (0, "not_tested")


def test_falls_without_any_spread():
    assert Asked().add("a", 10, stays=10, drops=(0.0,), same=10).one()["p_value"] == 0.5**10
    row = Asked().add("a", 10, stays=10, drops=(0.5,), same=10).one()
    assert (row["p_value"], row["verdict"]) == (1, "clean")


def test_q_values_are_over_the_types_that_were_tested():
    asked = Asked().add("a", 20, stays=20, same=20).add("b", 20, stays=15, same=20)
    table = asked.add("c", 9, stays=9).add("d", 5, tested=0).table()
    p = table["p_value"]
    # Benjamini and Hochberg by hand: the smaller p times 2 over 1, the larger times 2 over 2
    assert table["q_value"][:2].tolist() == pytest.approx([2 * p[0], p[1]])
    assert p[1] == pytest.approx(_p(15, 20, SMALL)) == pytest.approx(0.0207, abs=1e-4)
    assert table["verdict"].tolist() == ["spurious", "spurious", "not_enough_images", "not_tested"]


def test_a_find_among_many_types_has_to_be_stronger():
    asked = Asked().add("blind", 20, stays=15, same=20)
    assert asked.table()["verdict"].tolist() == ["spurious"]
    for k in range(9):
        asked.add(f"looks {k}", 20, stays=1, drops=LARGE)
    table = asked.table()
    assert table["q_value"][0] == pytest.approx(10 * _p(15, 20, SMALL))
    assert set(table["verdict"]) == {"clean"}


def test_an_outcome_that_is_no_number_is_no_outcome():
    asked = Asked().add("what", 12, stays=12, same=12)
    rows = asked.interventions()
    rows.loc[(rows["index"] < 2) & (rows["kind"] == "cover"), "p_after"] = np.nan
    rows.loc[(rows["index"] < 3) & (rows["kind"] == "other_image"), "p_after"] = np.nan
    (row,) = asked.table(rows).to_dict("records")
    assert (row["tested"], row["unchanged"], row["asked_elsewhere"]) == (10, 10, 9)
    assert row["p_value"] == pytest.approx(_p(10, 10, SMALL))
    rows["p_after"] = np.nan
    (row,) = asked.table(rows).to_dict("records")
    assert (row["tested"], row["verdict"]) == (0, "not_tested")


def test_controls_that_found_no_room_are_left_out_of_the_sentence():
    asked = Asked().add("what", 20, stays=20, same=20)
    rows = asked.interventions()
    (row,) = asked.table(rows[rows["kind"] != "control"]).to_dict("records")
    assert pd.isna(row["control_drop"])
    assert "falls by 0.06; asked of another image" in row["verdict_sentence"]


def test_accuracy_is_over_the_questions_with_an_answer():
    asked = Asked().add("a", 3, tested=0, correct=True).add("b", 2, tested=0)
    asked.seen[0]["correct"] = False
    asked.seen[1]["correct"] = None
    table = asked.table()
    assert table["accuracy"][0] == 0.5
    assert table["accuracy_low"][0] < 0.5 < table["accuracy_high"][0]
    assert table.loc[1, ["accuracy", "accuracy_low", "accuracy_high"]].isna().all()


def test_questions_without_a_type_are_in_no_row():
    asked = Asked().add("a", 12, stays=12, same=12)
    asked.codes[0] = -1
    row = asked.one()
    assert (row["questions"], row["tested"]) == (11, 11)


def test_questions_are_found_by_their_index_in_any_order():
    asked = Asked().add("a", 10, stays=10, same=10).add("b", 10, stays=1, drops=LARGE)
    shuffled = asked.interventions().sample(frac=1, random_state=0)
    assert asked.table(shuffled).equals(asked.table())


@pytest.mark.parametrize("name", ["où est", "'", "a\nb", "<b>", "{0}%s", "\u202ehsiw", ""])
def test_a_hostile_type_is_quoted_in_one_line(name):
    row = Asked().add(name, 20, stays=20, same=20).one()
    assert row["question_type"] == name
    assert row["verdict_sentence"].startswith(f"question type {name!r}: answered")
    assert not {"\n", "\u202e"} & set(row["verdict_sentence"])


def test_many_types():
    asked = Asked()
    for k in range(60):
        asked.add(f"type {k}", 1, tested=k % 2)
    table = asked.table()
    assert table["question_type"].tolist() == asked.types
    assert verdicts_of(table)["counts"] == {"not_tested": 30, "not_enough_images": 30}


def test_the_table_has_the_documented_columns():
    table = Asked().add("a", 20, stays=20, same=20).table()
    assert table.columns.tolist() == arrow_schema("questions").names


def test_what_the_summary_says():
    asked = Asked().add("a", 20, stays=20, same=20).add("b", 20, drops=LARGE)
    asked.add("c", 12, tested=9).add("d", 7, tested=0)
    assert verdicts_of(asked.table()) == {
        "groups": "question type",
        "measured": None,
        "counts": {"spurious": 1, "clean": 1, "not_enough_images": 1, "not_tested": 1},
        "spurious": ["a"],
        "not_tested": [{"label": "d", "images": 7}],
        "images_tested": 49,
    }


def _seen(*rows):
    """path, mass, area, other objects' mass of each question."""
    names = [
        *("path", "true_relevance_mass_accuracy", "region_area_fraction"),
        "true_other_region_mass",
    ]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(index=np.arange(len(frame)), correct=None)


def test_attention_is_a_mean_over_images_of_the_mean_over_their_questions():
    found = attention(
        _seen(
            ("a.jpg", 0.25, 0.125, 0.5),
            ("a.jpg", 0.75, 0.375, None),
            ("b.jpg", 1.0, 0.25, 0.0),
            ("c.jpg", None, None, 0.5),  # not scored: no region
        )
    )
    # a: mass .5, area .25, others .5; b: 1, .25, 0
    assert (found["images"], found["area"], found["other"]) == (2, 0.25, 0.25)
    assert (found["mass"]["value"], found["mass"]["n"]) == (0.75, 2)
    # t of one degree of freedom at .975 is 12.706; the two differ by .5: s/√2 = .25
    assert found["mass"]["low"] == pytest.approx(0.75 - 12.7062 * 0.25, abs=1e-3)
    assert found["above_area"]["value"] == 0.5
    assert found["above_other"]["value"] == 0.5


def test_attention_without_paths_is_over_questions():
    found = attention(_seen((None, 0.5, 0.25, None), (None, 1.0, 0.25, None)))
    assert (found["images"], found["mass"]["value"], found["other"]) == (2, 0.75, None)


def test_attention_of_a_type_is_in_its_row():
    more = {"true_relevance_mass_accuracy": 0.5, "region_area_fraction": 0.25}
    table = Asked().add("a", 2, tested=0, **more).add("b", 1, tested=0).table()
    assert table.loc[0, ["mass", "mass_low", "mass_high", "area"]].tolist() == [0.5, 0.5, 0.5, 0.25]
    assert table.loc[1, ["mass", "mass_low", "mass_high", "area", "other_mass"]].isna().all()


def test_nothing_scored_is_none():
    assert attention(_seen(("a.jpg", None, None, None))) is None
    assert attention(_seen()) is None
