import numpy as np
import pytest
import torch
from torch import nn

from audit.errors import ModelError
from audit.findings import examine, unpack
from audit.map_scores import CAM_STATUS
from audit.models.classifier import Classifier
from audit.models.label_space import match_labels
from audit.records import UNCLASSED, Batch, Groups, Preprocessing
from audit.tasks.among import Classes

CPU = torch.device("cpu")


class Pooled(nn.Module):
    """Feature maps are the image's channels; the head sums their means with given weights."""

    def __init__(self, weights, grid=8):
        super().__init__()
        self.maps = nn.AdaptiveAvgPool2d(grid)
        self.fc = nn.Linear(3, len(weights), bias=False)
        self.fc.weight.data = torch.tensor(weights, dtype=torch.float32)

    def forward(self, x):
        return self.fc(self.maps(x).mean((2, 3)))


def _classifier(module):
    return Classifier(module.eval(), "toy", "toy", Preprocessing(), None, None, ("maps",), "0", ())


def _batch(pixels, labels, region=None, n_regions=None):
    n = len(pixels)
    return Batch(
        index=np.arange(n),
        pixels=pixels,
        to_view=None,
        readable=np.ones(n, dtype=bool),
        label=np.array(labels),
        groups=_unclassed(region, n_regions or [1] * n),
        ignore=None,
        source=("annotation",) * n,
        size=np.full((n, 2), 16, dtype=np.int32),
        frame=np.tile(np.array([0, 0, 16, 16], dtype=np.float32), (n, 1)),
        digest=("d",) * n,
        texts=({},) * n,
        detail=("",) * n,
        path=(None,) * n,
        slices=({},) * n,
        present=(None,) * n,
    )


def _unclassed(region, n_regions):
    """One object of no said class in each image that has a region."""
    if region is None:
        return None
    image = np.flatnonzero(n_regions)
    n = len(image)
    return Groups(
        image=image,
        label=np.full(n, UNCLASSED),
        raster=region[torch.from_numpy(image)],
        n_objects=np.ones(n, dtype=np.int32),
        visible=np.ones(n, dtype=np.float32),
        boxes=(np.empty((0, 4)),) * n,
    )


def _found(module, batch, classes=("red", "green", "blue")):
    space = match_labels(classes, None, None, len(classes))
    packed = examine(batch, _classifier(module), Classes(space), "grad-cam", CPU)
    return unpack(packed.matrix.numpy(), packed.layout)


@pytest.fixture
def spots():
    """Image 0: red top-left quarter; image 1: the same and a fainter blue bottom-right quarter."""
    pixels = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    pixels[:, 0, :8, :8] = 255
    pixels[1, 2, 8:, 8:] = 51
    return pixels


@pytest.fixture
def top_left():
    region = torch.zeros(2, 16, 16, dtype=torch.bool)
    region[:, :8, :8] = True
    return region


IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_each_class_is_explained_by_its_own_channel(spots, top_left):
    found = _found(Pooled(IDENTITY), _batch(spots, [0, 2], top_left))
    assert found["pred"].tolist() == [0, 0]
    assert found["true"].tolist() == [0, 2]
    # Grad-CAM is CAM / Z here (Z = 64 cells): channel value × weight / 64
    assert found["true_cam_max"][0] == pytest.approx(1 / 64)
    assert found["true_cam_max"][1] == pytest.approx(0.2 / 64)
    cam = found["true_cam"].reshape(2, 8, 8)
    assert (cam[0, :4, :4] == 1).all()
    assert cam[0].sum() == 16
    assert (cam[1, 4:, 4:] == 1).all()
    # the halo of bilinear upsampling puts some of the sharp map beside the region
    assert 0.85 < found["true_relevance_mass_accuracy"][0] < 0.95
    assert found["true_relevance_mass_accuracy"][1] < 0.01
    assert found["pred_relevance_mass_accuracy"][1] == found["true_relevance_mass_accuracy"][0]
    assert found["true_mass_guard"][0] == pytest.approx(1)
    assert found["true_pointing_game_hit"].tolist() == [1, 0]
    assert found["cam_agreement"].tolist() == [1, 0]


def test_the_guard_grows_by_a_cell_of_each_axis():
    """A 16×24 view under an 8×8 map: a cell is 2 px high and 3 px wide."""
    pixels = torch.zeros(1, 3, 16, 24, dtype=torch.uint8)
    pixels[0, 0, 4:6, 9:12] = 255
    region = torch.zeros(1, 16, 24, dtype=torch.bool)
    region[0, 8:10, 12:15] = True
    found = _found(Pooled(IDENTITY), _batch(pixels, [0], region))
    assert found["guard_area_fraction"][0] == pytest.approx((2 + 4) * (3 + 6) / (16 * 24))
    assert not found["pred_pointing_game_hit"][0]
    # the hottest cell's centre lies 4 rows above the region: a cell's reach does not get there
    assert not found["pred_pointing_game_hit_guard"][0]
    nearer = region.roll(-2, 1)
    found = _found(Pooled(IDENTITY), _batch(pixels, [0], nearer))
    assert not found["pred_pointing_game_hit"][0]
    assert found["pred_pointing_game_hit_guard"][0]


def test_maps_are_scaled_to_their_maximum(spots):
    found = _found(Pooled([[1, 0, 0.999], [0, 1, 0], [0, 0, 1]]), _batch(spots[1:], [0]))
    # the blue quarter is .2 × .999 of the red one's 1
    assert found["true_cam"].reshape(8, 8)[7, 7] == pytest.approx(0.1998)


def test_a_region_that_the_view_does_not_show_is_neither_hit_nor_missed(spots, top_left):
    found = _found(Pooled(IDENTITY), _batch(spots, [0, 0], top_left & False, n_regions=[1, 1]))
    assert np.isnan(found["true_pointing_game_hit"]).all()
    assert (found["true_relevance_mass_accuracy"] == 0).all()


def test_a_model_that_ignores_the_batch_is_named(spots):
    class First(Pooled):
        def forward(self, x):
            return super().forward(x)[:1]

    with pytest.raises(ModelError, match="1 rows of scores for 2 images"):
        _found(First(IDENTITY), _batch(spots, [0, 0]))


def test_rank_scores_of_a_sharp_map(spots, top_left):
    found = _found(Pooled(IDENTITY), _batch(spots, [0, 2], top_left))
    # true of image 0: the hot quarter is the region; true of image 1: it is the opposite quarter
    assert found["true_relevance_rank_accuracy"].tolist() == [1, 0]
    assert found["true_pixel_auroc"][0] == 1
    assert found["true_pixel_ap"][0] == pytest.approx(1)
    assert found["true_pixel_auroc"][1] < 0.4
    assert found["true_ground_truth_coverage"][0] > 0.9
    assert found["true_ground_truth_coverage"][1] == 0
    assert found["true_saliency_coverage"][1] == 0
    assert 0.5 < found["true_iou_coverage"][0] <= 1


def test_a_mixed_batch_gives_each_image_what_it_has_alone(spots, top_left):
    """The predicted class's scores are computed for a part of the batch alone."""
    pixels = torch.cat([spots, spots.flip(-1), spots])
    region = torch.cat([top_left, top_left.flip(-2), top_left])
    labels = [0, 2, 1, 0, 2, 1]
    whole = _found(Pooled(IDENTITY), _batch(pixels, labels, region))
    for i, label in enumerate(labels):
        alone = _found(Pooled(IDENTITY), _batch(pixels[[i]], [label], region[[i]]))
        for name, values in alone.items():
            np.testing.assert_allclose(whole[name][i], values[0], atol=1e-6, err_msg=f"{name} {i}")


def test_probabilities_by_hand(spots):
    found = _found(Pooled(IDENTITY), _batch(spots, [0, 2]))
    scores = np.array([0.25, 0, 0.05])  # means of image 1's channels
    softmax = np.exp(scores) / np.exp(scores).sum()
    assert found["pred_probability"][1] == pytest.approx(softmax[0])
    assert found["true_probability"][1] == pytest.approx(softmax[2])
    assert found["loss"][1] == pytest.approx(-np.log(softmax[2]))
    assert found["entropy"][1] == pytest.approx(-(softmax * np.log(softmax)).sum())
    assert found["topk_class"][1].tolist() == [0, 2, 1]


def test_a_region_of_a_quarter(spots, top_left):
    found = _found(Pooled(IDENTITY), _batch(spots, [0, 0], top_left))
    assert found["region_area_fraction"].tolist() == [0.25, 0.25]
    assert found["region_grid"].sum(axis=1) == pytest.approx([64, 64])
    # one cell is 2 px: the region grows from 8×8 to 10×10 of 16×16 pixels
    assert found["guard_area_fraction"][0] == pytest.approx(100 / 256)
    mass = found["true_relevance_mass_accuracy"][0]
    assert found["true_mass_lift"][0] == pytest.approx(mass / 0.25)
    assert found["true_mass_excess"][0] == pytest.approx((mass - 0.25) / 0.75)


def test_without_a_region_its_scores_do_not_exist(spots, top_left):
    top_left[1] = False
    found = _found(Pooled(IDENTITY), _batch(spots, [0, 0], top_left, n_regions=[1, 0]))
    absent = [
        *("true_relevance_mass_accuracy", "true_mass_lift", "true_pointing_game_hit"),
        *("region_area_fraction", "center_baseline_mass", "true_mass_guard"),
    ]
    for name in absent:
        assert not np.isnan(found[name][0]), name
        assert np.isnan(found[name][1]), name
    assert not np.isnan(found["true_border_mass"][1])
    assert not np.isnan(found["true_cam_entropy"][1])


def test_a_zero_map_is_a_status_and_no_score(spots, top_left):
    found = _found(Pooled([[-1, 0, 0], [-2, 0, 0], [-3, 0, 0]]), _batch(spots, [0, 1], top_left))
    assert [CAM_STATUS[int(code)] for code in found["true_cam_status"]] == ["zero", "zero"]
    assert np.isnan(found["true_relevance_mass_accuracy"]).all()
    assert np.isnan(found["true_pointing_game_hit"]).all()
    assert (found["true_cam"] == 0).all()
    assert found["true_cam_max"].tolist() == [0, 0]


def test_a_single_cell_is_degenerate(spots, top_left):
    found = _found(Pooled(IDENTITY, grid=1), _batch(spots, [0, 0], top_left))
    assert [CAM_STATUS[int(code)] for code in found["true_cam_status"]] == ["degenerate"] * 2
    assert np.isnan(found["true_relevance_mass_accuracy"]).all()
    assert np.isnan(found["true_cam"]).all()


def test_nonfinite_scores_and_maps_do_not_touch_their_neighbours(spots, top_left):
    class Overflow(Pooled):
        def forward(self, x):
            maps = self.maps(x)
            return (
                self.fc(maps.mean((2, 3)))
                + torch.where(x[:, 2].amax((1, 2)) > 0, torch.inf, 0.0)[:, None]
            )

    found = _found(Overflow(IDENTITY), _batch(spots, [0, 0], top_left))
    assert found["finite"].tolist() == [1, 0]
    alone = _found(Overflow(IDENTITY), _batch(spots[:1], [0], top_left[:1]))
    for name, values in alone.items():
        np.testing.assert_allclose(found[name][:1], values, rtol=1e-6, err_msg=name)


def test_a_nonfinite_map_is_said(spots, top_left):
    class BadMap(Pooled):
        def forward(self, x):
            return super().forward(x.where(x > 0, torch.nan)).nan_to_num()

    found = _found(BadMap(IDENTITY), _batch(spots, [0, 0], top_left))
    assert [CAM_STATUS[int(code)] for code in found["pred_cam_status"]] == ["nonfinite"] * 2
    assert np.isnan(found["pred_relevance_mass_accuracy"]).all()
    assert np.isnan(found["pred_cam_max"]).all()


def test_an_unlabelled_image_is_explained_by_its_prediction(spots):
    found = _found(Pooled(IDENTITY), _batch(spots, [-1, 2]))
    assert found["true"].tolist() == [0, 2]
    assert np.array_equal(found["true_cam"][0], found["pred_cam"][0])
