"""Which images are shown: each bucket's share, what is left over, and the order within."""

import numpy as np
import pandas as pd

from audit.comparison.cases import choose


def _images(buckets):
    n = len(buckets)
    return pd.DataFrame(
        {
            "base_index": np.arange(n),
            "candidate_index": np.arange(n) + 100,
            "bucket": buckets,
            "base_pred_probability": np.linspace(0.1, 0.9, n),
            "candidate_pred_probability": np.linspace(0.1, 0.9, n),
            "delta_true_relevance_mass_accuracy": np.linspace(0.4, -0.4, n),
            "map_agreement": 0.5,
        }
    )


def test_what_one_bucket_leaves_another_takes():
    images = _images(["regressed"] * 10 + ["unchanged"] * 10)
    chosen = choose(images, images["base_index"].to_numpy(), np.zeros(0), 10, 0)
    # of ten, three are for regressed and one for unchanged; regressed takes what is left
    assert chosen["bucket"].value_counts().to_dict() == {"regressed": 9, "unchanged": 1}
    assert chosen["base_index"].tolist()[:9] == [9, 8, 7, 6, 5, 4, 3, 2, 1]  # surest first


def test_a_move_off_the_object_comes_first():
    images = _images(["attention_moved"] * 4)
    chosen = choose(images, np.array([0, 2, 3]), np.zeros(0), 10, 0)
    assert chosen["base_index"].tolist() == [3, 2, 0]


def test_unlike_views_need_both_pictures():
    images = _images(["fixed"] * 3)
    ours, theirs = np.array([0, 1]), np.array([101, 102])
    assert len(choose(images, ours, theirs, 10, 0)) == 3
    assert choose(images, ours, theirs, 10, 0, either=False)["base_index"].tolist() == [1]
    assert choose(images, ours, theirs, 0, 0).empty
