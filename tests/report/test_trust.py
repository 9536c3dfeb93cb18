"""How far the tests reached, and what speaks against trusting them."""

from audit.report.trust import chance, facts


def test_what_was_tested_and_what_it_cost(verdicts):
    agreement = {
        "fill": "inpaint",
        "n": 85,
        "holds_primary": 14,
        "holds_second": 13,
        "agreement": 0.9647,
        "kappa": 0.868,
    }
    told = dict(facts(verdicts(fill_agreement=[agreement])))
    assert told["Images"] == (
        "60 drawn evenly within each predicted class; 3 suspects beyond them, as evidence on that"
        " image alone"
    )
    assert told["Over the whole set"].startswith("An estimated 12.5% (95% interval 6.3–25.0%)")
    assert told["Another fill"] == (
        "Covered with blur and with inpaint, 85 images: a patch matters in 14 and in 13; the two"
        " agree on 96.5%; Cohen’s κ 0.87."
    )
    assert told["Forwards"] == "1,500 of a budget of 2,000"


def test_what_there_is_not_is_left_out(verdicts):
    nothing = dict.fromkeys(("rate", "low", "high")) | {"n": 0, "n_sampled": 0, "n_untested": 9}
    told = dict(facts(verdicts(whole_set=nothing, suspects_tested=0)))
    assert list(told) == ["Images", "Forwards"]
    assert told["Images"] == "60 drawn evenly within each predicted class"


def test_patches_that_nothing_chose_are_a_caution(judged_row):
    rows = [judged_row(0, s1_null_p=0.05), judged_row(1, s1_null_p=0.06), judged_row(2)]
    rows[2]["s1_null_p"] = None
    said = chance(rows)
    assert "(p ≤ 0.05) in 1 of 2 classes" in said
    assert chance(rows[2:]) == ""
