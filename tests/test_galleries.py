import numpy as np
import pandas as pd

from audit.galleries import choose


def _cases(n, wrong=(), off=(), unreadable=()):
    rng = np.random.default_rng(0)
    index = np.arange(n) * 3  # positions in the dataset, not in the table
    return pd.DataFrame(
        {
            "index": index,
            "misclassified": np.isin(np.arange(n), list(wrong)),
            "off_object": np.isin(np.arange(n), list(off)),
            "unreadable": np.isin(np.arange(n), list(unreadable)),
            "severity": rng.random(n),
        }
    )


def _chosen(cases, limit, seed=0):
    everything = pd.Series(data=True, index=cases.index)
    return choose(cases, everything, ~cases["misclassified"].astype("boolean"), limit, seed)


def test_totals_count_the_whole_run():
    _, totals = _chosen(_cases(100, range(10), range(5, 30)), 20)
    assert totals == {
        "misclassified": 10,
        "off_object": 25,
        "on_object_correct": 70,
        "control": 100,
    }


def test_never_more_than_the_limit_and_the_worst_first():
    cases = _cases(1000, range(300), range(200, 600))
    chosen, _ = _chosen(cases, 100)
    assert len(chosen) <= 100
    shown = chosen[[("misclassified" in g) for g in chosen["galleries"]]]["index"]
    severity = cases.set_index("index")["severity"]
    hidden = cases[cases["misclassified"] & ~cases["index"].isin(shown)]
    assert severity.loc[shown].min() >= hidden["severity"].max()


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
