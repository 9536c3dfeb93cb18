"""The first screen's answer: what its figures must show to be called better or worse."""

import pytest

from audit.comparison.answer import answer

SHARE = {"count": 0, "value": 0.9}


def _accuracy(low, high, p=0.01):
    delta = (low + high) / 2
    flips = {"negative_flips": SHARE, "positive_flips": SHARE}
    told = {"base": SHARE, "candidate": SHARE, "delta": delta, "low": low, "high": high}
    return told | flips | {"mcnemar_exact_p": p}


def _attention(delta, half=0.01):
    found = {"base": 0.5, "candidate": 0.5 + delta, "delta": delta, "p": 0.0001}
    found |= {"low": delta - half, "high": delta + half}
    return {"true": {"relevance_mass_accuracy": found}}


def _class(name="cat", delta=0.0, p=1.0, change=None, index=0):
    return {
        "true_class": index,
        "label": name,
        "n": 100,
        "base_accuracy": 0.9,
        "candidate_accuracy": 0.9 + delta,
        "delta_accuracy": delta,
        "mcnemar_holm_p": p,
        "verdict_change": change,
    }


def _state(accuracy, attention=0.0, *classes):
    found = answer(accuracy, _attention(attention), classes, {})
    return found.state, [one.kind for one in found.worse], [one.kind for one in found.better]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((_accuracy(0.01, 0.03),), ("better", [], ["accuracy"])),
        ((_accuracy(-0.03, -0.01),), ("worse", ["accuracy"], [])),
        ((_accuracy(-0.01, 0.01),), ("alike", [], [])),
        # 3 of 2,000 lost and none won: no resample reaches 0, but McNemar's p is 2·(1/2)³ = .25
        ((_accuracy(-0.004, -0.001, p=0.25),), ("alike", [], [])),
        ((_accuracy(0.001, 0.004, p=0.051),), ("alike", [], [])),
        ((_accuracy(0.001, 0.004, p=0.05),), ("better", [], ["accuracy"])),
        ((None,), ("alike", [], [])),
        ((_accuracy(-0.01, 0.01), -0.06), ("worse", ["attention"], [])),
        ((_accuracy(-0.01, 0.01), -0.04), ("alike", [], [])),  # no more than a refit moves
        ((_accuracy(0.01, 0.03), -0.06), ("mixed", ["attention"], ["accuracy"])),
        ((_accuracy(-0.01, 0.01), 0.06), ("better", [], ["attention"])),
        (
            (_accuracy(-0.01, 0.01), 0.0, _class(delta=-0.1, p=0.05)),
            ("worse", ["class_accuracy"], []),
        ),
        ((_accuracy(-0.01, 0.01), 0.0, _class(delta=-0.1, p=0.051)), ("alike", [], [])),
        (
            (_accuracy(-0.01, 0.01), 0.0, _class(change="newly_spurious")),
            ("worse", ["verdict"], []),
        ),
        ((_accuracy(-0.01, 0.01), 0.0, _class(change="cured")), ("better", [], ["verdict"])),
        ((_accuracy(-0.01, 0.01), 0.0, _class(change="untested_now")), ("alike", [], [])),
    ],
)
def test_what_makes_a_state(arguments, wanted):
    assert _state(*arguments) == wanted


def test_the_largest_loss_comes_first_and_leads_to_its_class():
    classes = [_class("cat", -0.1, 0.01), _class("dog", -0.3, 0.02, index=1)]
    found = answer(_accuracy(-0.01, 0.01), _attention(0), classes, {})
    assert [(one.subject, one.true_class) for one in found.worse] == [("dog", 1), ("cat", 0)]
    assert found.worse[0].sentence == (
        "60.0% right instead of 90.0% of 100 images (−30.0 points; Holm’s p = 0.020)"
    )
    assert found.headline.endswith("the candidate is worse in places.")


def test_a_verdict_is_told_by_what_was_found():
    row = _class(change="newly_spurious")
    found = answer(None, _attention(0), [row], {0: "decides by the background"})
    assert found.worse[0].sentence == "now found spurious: it decides by the background"


def test_a_slice_that_got_worse_is_a_reason_by_its_column_and_value():
    row = _class(delta=-0.2, p=0.01) | {"slice": "camera", "value": "north"}
    found = answer(_accuracy(-0.01, 0.01), _attention(0), (), {}, [row])
    (reason,) = found.worse
    assert (found.state, reason.kind, reason.subject) == (
        "worse",
        "slice_accuracy",
        "camera = north",
    )
    assert reason.sentence.startswith("70.0% right instead of 90.0% of 100 images (−20.0 points")


@pytest.mark.parametrize(
    ("accuracy", "changes", "headline"),
    [
        (_accuracy(-0.3, -0.1), ("cured",), "less accurate on the whole, and better in places"),
        (_accuracy(-0.3, -0.1), ("newly_spurious",), "The candidate is less accurate."),
        (
            _accuracy(0.1, 0.3),
            ("newly_spurious",),
            "more accurate on the whole, and worse in places",
        ),
        (_accuracy(-0.1, 0.1), ("cured",), "was found; the candidate is better in places."),
        (
            _accuracy(-0.1, 0.1),
            ("cured", "newly_spurious"),
            "was found; the candidate is better in places and worse in others.",
        ),
        (
            None,
            ("cured", "newly_spurious"),
            "cannot be compared; the candidate is better in places",
        ),
    ],
)
def test_the_headline_leaves_neither_side_out(accuracy, changes, headline):
    classes = [_class(change=change, index=at) for at, change in enumerate(changes)]
    assert headline in answer(accuracy, _attention(0), classes, {}).headline
