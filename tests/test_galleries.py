import numpy as np
import pandas as pd
import pytest

from audit.galleries import choose


def _cases(n, wrong=(), off=(), unreadable=(), *, tested=None):
    """``tested``: flag → rows that raise it; the other rows were not tested, or lack the flag."""
    rng = np.random.default_rng(0)
    index = np.arange(n) * 3  # positions in the dataset, not in the table
    tested = tested or {}
    evidence = {
        flag: pd.array([True if at in tested.get(flag, ()) else pd.NA for at in range(n)])
        for flag in ("spurious_verified", "label_suspect", "local_cause")
    }
    return pd.DataFrame(
        evidence
        | {
            "index": index,
            "misclassified": np.isin(np.arange(n), list(wrong)),
            "off_object": np.isin(np.arange(n), list(off)),
            "unreadable": np.isin(np.arange(n), list(unreadable)),
            "severity": rng.random(n),
        }
    )


def _shown(chosen, name):
    held = [name in galleries for galleries in chosen["galleries"]]
    return chosen["index"][held].tolist()


def _images(cases, **more):
    """No error is sure and no image has two maps, where ``more`` does not say so."""
    found = {"correct": ~cases["misclassified"].astype("boolean")}
    found |= {"true_class": 0, "pred_class": 1}
    found |= {"pred_probability": 0.5, "cam_agreement": float("nan")} | more
    return pd.DataFrame(found, index=cases.index)


def _chosen(cases, limit, seed=0):
    everything = pd.Series(data=True, index=cases.index)
    return choose(cases, _images(cases), everything, limit, seed)


def test_totals_count_the_whole_run():
    _, totals = _chosen(_cases(100, range(10), range(5, 30)), 20)
    assert totals == {
        "verified": 0,
        "confident_errors": 0,
        "label_suspects": 0,
        "disagreement": 0,
        "local_cause": 0,
        "misclassified": 10,
        "off_object": 25,
        "on_object_correct": 70,
        "control": 100,
    }


def test_never_more_than_the_limit_and_the_worst_first():
    cases = _cases(1000, range(300), range(200, 600))
    chosen, _ = _chosen(cases, 100)
    assert len(chosen) <= 100
    wrong, off = cases["misclassified"], cases["off_object"]
    picked = cases["index"].isin([*_shown(chosen, "misclassified"), *_shown(chosen, "off_object")])
    for cell in (wrong & off, wrong & ~off, off & ~wrong):  # 100, 200 and 300 of 600
        shown, hidden = cases[cell & picked], cases[cell & ~picked]
        assert len(shown) >= 25  # a third of the 77 that control, examples and one pair leave
        assert shown["severity"].min() >= hidden["severity"].max()


def test_the_most_frequent_confusions_have_images():
    cases = _cases(2000, range(1000))
    images = _images(cases, true_class=np.arange(2000) % 500, pred_class=np.arange(2000) % 250)
    images.loc[:29, ["true_class", "pred_class"]] = [7, 8]  # thirty of one pair
    cases.loc[:29, "severity"] = 0.0  # none of them among the worst
    everything = pd.Series(data=True, index=cases.index)
    chosen, _ = choose(cases, images, everything, 100, 0)
    assert len(chosen) <= 100
    assert {0, 3, 6} <= set(_shown(chosen, "misclassified"))
    assert 9 not in _shown(chosen, "misclassified")


def test_unused_room_goes_to_the_other_gallery():
    chosen, _ = _chosen(_cases(1000, range(3), range(500, 900)), 100)
    names = [name for galleries in chosen["galleries"] for name in galleries]
    assert names.count("misclassified") >= 3
    assert names.count("off_object") >= 77


def test_everything_fits_and_an_image_may_stand_in_several():
    chosen, _ = _chosen(_cases(10, [0, 1], [1, 2]), 2000)
    by_index = dict(zip(chosen["index"], chosen["galleries"], strict=True))
    assert {"misclassified", "off_object"} <= set(by_index[3])


def test_what_cannot_be_read_is_not_shown():
    chosen, totals = _chosen(_cases(10, unreadable=range(8)), 2000)
    control = [
        i for i, g in zip(chosen["index"], chosen["galleries"], strict=True) if "control" in g
    ]
    assert set(control) <= {24, 27}
    assert totals["control"] == 2


def test_a_limit_of_nothing_shows_nothing():
    chosen, totals = _chosen(_cases(10, [0], [1]), 0)
    assert len(chosen) == 0
    assert totals["misclassified"] == 1


def test_the_control_sample_is_random_and_seeded():
    def control(seed):
        chosen, _ = _chosen(_cases(1000), 200, seed)
        return chosen[[("control" in g) for g in chosen["galleries"]]]["index"].tolist()

    assert control(0) == control(0) != control(1)
    assert len(control(0)) == 20


def test_what_was_verified_comes_first_up_to_a_quarter():
    tested = {
        "spurious_verified": range(400),
        "label_suspect": range(400, 600),
        "local_cause": range(600, 605),
    }
    cases = _cases(1000, range(500), range(1000), tested=tested)
    chosen, totals = _chosen(cases, 80)
    assert [totals[name] for name in ("verified", "label_suspects", "local_cause")] == [400, 200, 5]
    # 80 / 4, 80 / 8, the five there are (of 80 / 8), a tenth at random; 80 − 20 − 10 − 5 − 8 = 37
    shown = {name: len(_shown(chosen, name)) for name in totals}
    assert shown == {
        "verified": 20,
        "label_suspects": 10,
        "local_cause": 5,
        "confident_errors": 0,
        "disagreement": 0,
        "misclassified": 20,  # three of the one pair there is, and half of 34: off the object too
        "off_object": 37,
        "on_object_correct": 0,
        "control": 8,
    }
    severity = cases.set_index("index")["severity"]
    hidden = severity.drop(_shown(chosen, "verified")).iloc[: 400 - 20]
    assert severity[_shown(chosen, "verified")].min() >= hidden.max()


@pytest.mark.parametrize("limit", range(1, 20))
def test_a_small_limit_holds_too(limit):
    everything = dict.fromkeys(("spurious_verified", "label_suspect", "local_cause"), range(100))
    chosen, _ = _chosen(_cases(100, range(50), range(100), tested=everything), limit)
    assert 0 < len(chosen) <= limit
    assert _shown(chosen, "verified")


def test_the_surest_errors_and_the_least_alike_maps_come_first():
    # ten errors at rows 0 to 9: surety .90, .91 … .99; agreement .9, .8 … .1, none for row 9
    cases = _cases(100, range(10))
    surety = [0.90 + at / 100 if at < 10 else 0.99 for at in range(100)]
    alike = [0.9 - at / 10 if at < 9 else None for at in range(100)]
    images = _images(cases, pred_probability=surety, cam_agreement=alike)
    everything = pd.Series(data=True, index=cases.index)
    chosen, totals = choose(cases, images, everything, 64, 0)
    assert (totals["confident_errors"], totals["disagreement"]) == (10, 9)
    # a sixteenth of 64 is 4; index is three times the row
    assert _shown(chosen, "confident_errors") == [18, 21, 24, 27]
    assert _shown(chosen, "disagreement") == [15, 18, 21, 24]
