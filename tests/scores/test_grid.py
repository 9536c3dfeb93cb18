import pytest
import torch
from torch.nn import functional as F

from audit.scores.grid import axis_weights, project, upsample

CPU = torch.device("cpu")


def test_axis_weights_by_hand():
    # 2 cells over 4 pixels: pixel centres at .25, .75, 1.25, 1.75 cells, cell centres at .5, 1.5
    expected = [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    assert axis_weights(2, 4, CPU).tolist() == expected


@pytest.mark.parametrize(
    ("grid", "size"), [((3, 5), (96, 64)), ((7, 7), (224, 224)), ((4, 4), (3, 5))]
)
def test_upsample_equals_torch(grid, size):
    cam = torch.rand(2, *grid, generator=torch.Generator().manual_seed(0))
    peer = F.interpolate(cam[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
    torch.testing.assert_close(upsample(cam, size), peer, atol=1e-6, rtol=1e-5)


def test_project_is_the_adjoint_of_upsample():
    generator = torch.Generator().manual_seed(1)
    cam = torch.rand(3, 5, 4, generator=generator)
    region = torch.rand(3, 40, 30, generator=generator) > 0.6
    on_grid = (cam * project(region, (5, 4))).sum((-2, -1))
    on_pixels = (upsample(cam, (40, 30)) * region).sum((-2, -1))
    torch.testing.assert_close(on_grid, on_pixels, rtol=1e-5, atol=0)


def test_project_keeps_the_area():
    region = torch.zeros(1, 12, 12, dtype=torch.bool)
    region[0, 2:5, 7:11] = True
    assert project(region, (3, 3)).sum().item() == pytest.approx(12)
