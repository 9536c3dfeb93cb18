from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from audit.tables.schema import arrow_schema
from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import per_image
from audit.verify.cues import clusters, cues

HERE = [0.1, 0.1]


def _alike(angles, places=None):
    """Clusters of features at these angles (degrees) in a plane, all in one place unless said."""
    turn = np.deg2rad(angles)
    features = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return clusters(features, np.array(places or [HERE] * len(angles))).tolist()


def test_one_patch_is_one_cluster():
    assert _alike([30]) == [0]


def test_patches_apart_by_more_than_the_distance_of_features():
    # unit features at an angle t are 2·sin(t/2) apart: .68 at 40°, .72 at 42°
    assert _alike([0, 40]) == [0, 0]
    assert sorted(_alike([0, 42])) == [0, 1]


def test_the_largest_cluster_comes_first():
    assert _alike([90, 0, 1, 2, 180, 181]) == [2, 0, 0, 0, 1, 1]


def test_clusters_of_one_size_keep_different_numbers():
    assert sorted(set(_alike([0, 90, 180]))) == [0, 1, 2]


def test_scale_does_not_matter():
    features = np.array([[1.0, 0], [100, 1], [0, 1], [0, 0.01]])
    first, second, third, fourth = clusters(features, np.array([HERE] * 4))
    assert first == second != third == fourth


def test_places_count_half():
    # alike, and the frame's width apart: .5 is not enough; its diagonal: .5·√2 = .707 is
    assert _alike([0, 0], [[0.0, 0.5], [1.0, 0.5]]) == [0, 0]
    assert sorted(_alike([0, 0], [[0.0, 0.0], [1.0, 1.0]])) == [0, 1]


def test_features_that_are_all_zero():
    # nothing to tell the first two apart by; each is 1 from the third
    assert clusters(np.array([[0.0, 0], [0, 0], [3, 4]]), np.array([HERE] * 3)).tolist() == [
        0,
        0,
        1,
    ]


def test_neither_order_nor_repetition_changes_who_belongs_together():
    angles = np.array([0, 90, 2, 91, 4, 180])
    found = np.array(_alike(angles))
    assert found.tolist() == _alike(angles)
    order = np.random.default_rng(0).permutation(len(angles))
    assert np.array_equal(np.array(_alike(angles[order])), found[order])


@pytest.fixture
def ready(intervened):
    """The plan, its parts, the evidence on each image, and verdicts that all passed."""
    plan, images, tested = intervened
    verdicts = pd.DataFrame({"true_class": [0, 1, 2], "local_passes": True})
    return plan, images, per_image(tested.rows, tested.fill, Cutoffs()), verdicts


def test_each_class_has_its_own_corner(ready):
    plan, images, evidence, verdicts = ready
    found = cues(plan, images, evidence, verdicts)
    assert found.schema.equals(arrow_schema("cues"), check_metadata=False)
    rows = found.to_pylist()
    assert [(row["pred_class"], row["label"], row["cue"], row["n"]) for row in rows] == [
        (0, "red", 1, 12),
        (1, "green", 1, 12),
        (2, "blue", 1, 12),
    ]
    for cls, row in enumerate(rows):
        mine = evidence[evidence["watched_class"] == cls]
        assert (row["x0"], row["y0"], row["x1"], row["y1"]) == tuple(
            pytest.approx(mine[name].mean()) for name in ("x0", "y0", "x1", "y1")
        )
        assert (row["x0"], row["y0"]) == (0, 0)
        assert row["spread"] == pytest.approx(0, abs=0.05)
        assert row["drop"] == pytest.approx(mine["drop"].mean())
        assert sorted(row["examples"]) == list(range(cls, 36, 3))
        drops = mine.set_index("index")["drop"].loc[row["examples"]]
        assert (drops.diff().dropna() <= 0).all()  # the strongest first


def test_the_picture_shows_the_cue_in_its_surroundings(ready):
    row = cues(*ready).to_pylist()[0]
    coded = np.frombuffer(row["picture"], dtype=np.uint8)
    picture = cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1].astype(int)
    assert picture.shape == (64, 64, 3)
    # the box is 5×5 pixels, red in its first 4: 6.5 of them are shown from −.75 on, 9.85 pixels
    # each: red to (4 + .75) · 9.85 = 46.8; what lies before the frame is mirrored, and red too
    red = picture[:41, :41]
    assert (red[..., 0] > 200).all()
    assert (red[..., 1:] < 60).all()
    assert np.abs(picture[-6:, -6:] - 100).max() < 20  # the ground


def test_only_classes_that_a_patch_decides(ready):
    plan, images, evidence, verdicts = ready
    some = verdicts.assign(local_passes=pd.Series([False, True, None], dtype="boolean"))
    assert set(cues(plan, images, evidence, some)["pred_class"].to_pylist()) == {1}
    none = cues(plan, images, evidence, verdicts.assign(local_passes=None))
    assert none.num_rows == 0
    assert none.schema.equals(arrow_schema("cues"), check_metadata=False)


def test_only_images_on_which_s1_holds(ready):
    plan, images, evidence, verdicts = ready
    held = evidence.assign(holds=evidence["index"].isin([0, 6, 7]))
    rows = cues(plan, images, held, verdicts).to_pylist()
    assert {row["pred_class"]: sorted(row["examples"]) for row in rows} == {0: [0, 6], 1: [7]}


def test_neither_batches_nor_repetition_move_a_cue(ready):
    plan, images, evidence, verdicts = ready
    first = cues(plan, images, evidence, verdicts)
    assert cues(plan, images, evidence, verdicts).equals(first)
    wide = replace(plan, batch_size=64)
    assert cues(wide, images, evidence, verdicts).equals(first)


def test_no_evidence(ready):
    plan, images, evidence, verdicts = ready
    assert cues(plan, images, evidence[:0], verdicts).num_rows == 0
