import pandas as pd
import pytest

from audit.verdicts.label_suspects import label_suspects, thresholds


def _images(*rows):
    """rows: true class, p of it, predicted class, p of it; the map sits on the object."""
    names = ["true_class", "true_probability", "pred_class", "pred_probability"]
    frame = pd.DataFrame(rows, columns=names).astype({"true_class": "Int32", "pred_class": "Int32"})
    frame["pred_mass_lift"] = 2.0
    frame["pred_pointing_game_hit_guard"] = pd.Series(True, index=frame.index, dtype="boolean")
    return frame


# t_0 = (.9 + .7 + .2 + .2) / 4 = .5, t_1 = (.8 + .6 + .1 + .3) / 4 = .45
IMAGES = _images(
    (0, 0.9, 0, 0.9),
    (0, 0.7, 0, 0.7),
    (0, 0.2, 1, 0.7),  # .7 >= .45: suspect, margin .5
    (0, 0.2, 1, 0.4),  # .4 < .45: not sure enough of class 1
    (1, 0.8, 1, 0.8),
    (1, 0.6, 1, 0.6),
    (1, 0.1, 0, 0.9),  # .9 >= .5: suspect, margin .8
    (1, 0.3, 0, 0.5),  # .5 >= .5: suspect, margin .2
)


def _found(images=IMAGES):
    return label_suspects(images, images["true_class"] != images["pred_class"])


def test_thresholds_are_the_mean_confidence_in_a_class_s_own_images():
    assert thresholds(IMAGES).to_dict() == pytest.approx({0: 0.5, 1: 0.45})


def test_suspects_reach_the_other_class_s_threshold_and_rank_by_margin():
    found = _found()
    assert found["label_suspect"].tolist() == [False] * 2 + [True] + [False] * 3 + [True] * 2
    assert found["rank"].dropna().to_dict() == {6: 1, 2: 2, 7: 3}
    assert found["margin"].dropna().to_dict() == pytest.approx({2: 0.5, 6: 0.8, 7: 0.2})


def test_a_map_beside_the_object_speaks_against_the_model():
    images = IMAGES.copy()
    images.loc[6, "pred_mass_lift"] = 0.9
    images.loc[7, "pred_pointing_game_hit_guard"] = False
    found = _found(images)
    assert found.index[found["label_suspect"]].tolist() == [2]
    assert found.loc[2, "rank"] == 1


def test_without_a_region_nothing_is_said():
    images = IMAGES.assign(
        pred_mass_lift=float("nan"), pred_pointing_game_hit_guard=pd.array([pd.NA] * 8, "boolean")
    )
    assert _found(images)["label_suspect"].isna().all()


def test_a_second_object_of_the_image_is_no_label_error():
    found = label_suspects(IMAGES, pd.Series(False, index=IMAGES.index))
    assert not found["label_suspect"].any()
    assert found["rank"].isna().all()


def test_unlabelled_images_are_null_and_unknown_outputs_no_suspects():
    images = pd.concat([IMAGES, _images((None, None, 1, 0.9), (1, 0.0, 7, 1.0))], ignore_index=True)
    found = label_suspects(images, pd.Series([False] * 8 + [False, True]))
    assert pd.isna(found.loc[8, "label_suspect"])
    assert not found.loc[9, "label_suspect"]
