import numpy as np
import pytest
import torch
from torch.nn import functional as F

from audit.scores.grid import (
    axis_weights,
    merge,
    project,
    run_edges,
    upsample,
    upsample_merged,
)

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


def test_runs_by_hand():
    # 2 cells over 8 pixels of a quarter cell, whose centres are at .125, .375, ..., 1.875 cells:
    # two lie before the first cell's centre at .5, two after the second's at 1.5
    assert run_edges(2, 8).tolist() == [0, 2, 3, 4, 5, 6, 8]
    assert upsample_merged(torch.tensor([[[0.0, 8.0]]]), (3, 8)).tolist() == [[[0, 1, 3, 5, 7, 8]]]
    assert merge(torch.arange(24.0).reshape(1, 3, 8), (1, 2)).tolist() == [
        [[24 + 27, 30, 33, 36, 39, 42 + 45]]
    ]


@pytest.mark.parametrize(
    ("grid", "size"),
    [((3, 3), (64, 64)), ((7, 5), (48, 64)), ((64, 2), (64, 64)), ((4, 4), (3, 5))],
)
def test_every_pixel_has_its_runs_value_and_weight(grid, size):
    generator = torch.Generator().manual_seed(2)
    cam, raster = (
        torch.rand(2, *grid, generator=generator),
        torch.rand(2, *size, generator=generator),
    )
    edges = [run_edges(cells, pixels) for cells, pixels in zip(grid, size, strict=True)]
    down, across = (torch.from_numpy(edge).diff() for edge in edges)
    spread = upsample_merged(cam, size).repeat_interleave(down, 1).repeat_interleave(across, 2)
    torch.testing.assert_close(spread, upsample(cam, size), atol=1e-6, rtol=0)
    by_rows = np.add.reduceat(raster.numpy(), edges[0][:-1], axis=1)
    expected = np.add.reduceat(by_rows, edges[1][:-1], axis=2)
    np.testing.assert_allclose(merge(raster, grid).numpy(), expected, rtol=1e-5)
