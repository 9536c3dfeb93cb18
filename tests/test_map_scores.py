import pytest
import torch

from audit.map_scores import score_map
from audit.target_regions import AnnotatedBatch, Regions

SIZE, GRID = (64, 64), (7, 7)


def _regions():
    """The upper half of one image's view."""
    raster = torch.zeros(2, *SIZE, dtype=torch.bool)
    raster[0, :32] = True
    annotated = AnnotatedBatch(
        size=SIZE,
        grid=GRID,
        image=torch.tensor([0]),
        label=torch.tensor([0]),
        raster=raster,
        ignore=None,
        frame=torch.tensor([[0.0, 0.0, 64.0, 64.0]]),
        told_apart=True,
    )
    return Regions.of(annotated, torch.tensor([0]), torch.tensor([0]))


@pytest.mark.parametrize("value", [1.0, 0.3, 0.7123, 1e-6, 3e4])
def test_a_flat_map_ranks_nothing_and_is_hottest_everywhere(value):
    """Upsampled as it is, .7123 would have ripples of a last place, and they would be ranked."""
    found = {
        name: score.squeeze()
        for name, score in score_map(torch.full((1, *GRID), value), _regions()).items()
    }
    assert found["relevance_rank_accuracy"].isnan()
    assert found["saliency_coverage"].isnan()  # nothing lies above the mean
    assert (found["iou_coverage"], found["ground_truth_coverage"]) == (0, 0)
    assert found["pixel_auroc"] == pytest.approx(0.5)
    assert found["pixel_ap"] == pytest.approx(0.5)
    assert found["pointing_game_hit"] == 1
    assert found["relevance_mass_accuracy"] == pytest.approx(0.5)
    assert found["cam_max"] == pytest.approx(value)
