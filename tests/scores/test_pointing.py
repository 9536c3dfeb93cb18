import pytest
import torch
from torch.nn import functional as F

from audit.scores import pointing


def _region(size, rows, columns):
    region = torch.zeros(1, *size, dtype=torch.bool)
    region[0, rows, columns] = True
    return region


def _hits(heat, region, valid=None):
    return pointing.Peak.of(heat, valid).hits(pointing.inside(region))


def _within(heat, region, frame, tolerance, valid=None):
    peak, inside = pointing.Peak.of(heat, valid), pointing.inside(region)
    return peak.hits(inside) | peak.near(inside, frame, tolerance)


def test_hits_equals_quantus_reference(parity_maps):
    maps, masks = parity_maps
    assert _hits(maps, masks.float()).tolist() == [False, False, True, True]


def test_any_tied_maximum_counts():
    heat = torch.tensor([[[2.0, 0.0], [0.0, 2.0]]])
    assert _hits(heat, _region((2, 2), 1, 1).float()).item()
    assert not _hits(heat, _region((2, 2), 0, 1).float()).item()


def test_half_covered_pixel_is_in():
    heat = torch.tensor([[[1.0, 0.0]]])
    assert _hits(heat, torch.tensor([[[0.5, 0.0]]])).item()
    assert not _hits(heat, torch.tensor([[[0.49, 1.0]]])).item()


@pytest.mark.parametrize(("tolerance", "near"), [(29.9, False), (30.0, True)])
def test_tolerance_is_in_source_pixels(tolerance, near):
    # maximum at column 0, region at column 3 of a row of 4 that spans 40 source pixels: 30 apart
    heat = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    frame = torch.tensor([[0.0, 0.0, 40.0, 10.0]])
    region = _region((1, 4), 0, 3).float()
    assert _within(heat, region, frame, tolerance).item() is near


@pytest.mark.parametrize("reach", [(0, 0), (1, 2), (3, 1), (40, 40)])
def test_dilate_equals_max_pool(reach):
    region = torch.rand(2, 17, 23, generator=torch.Generator().manual_seed(0)) > 0.97
    kernel, padding = (2 * reach[0] + 1, 2 * reach[1] + 1), reach
    padded = F.pad(region.float(), (padding[1], padding[1], padding[0], padding[0]))
    peer = F.max_pool2d(padded[:, None], kernel, stride=1)[:, 0] > 0
    assert torch.equal(pointing.dilate(region, reach), peer)


def test_raster_keeps_small_views_and_shares_of_large_ones():
    assert pointing.raster_size((48, 64)) == (48, 64)
    assert pointing.raster_size((224, 60)) == (64, 60)
    region = _region((128, 128), slice(0, 3), slice(0, 2))
    raster = pointing.to_raster(region, (64, 64))
    assert raster[0, 0, 0].item() == 1
    assert raster[0, 1, 0].item() == 0.5
    assert raster.sum().item() == pytest.approx(6 / 4)


def test_an_object_smaller_than_a_raster_pixel_can_be_hit():
    # 8×8 pixels of a 512 px view cover a quarter of four raster pixels at most
    region = _region((512, 512), slice(252, 260), slice(252, 260))
    raster = pointing.to_raster(region, (64, 64))
    assert raster.max().item() == 0.25
    heat = torch.zeros(1, 64, 64)
    heat[0, 31, 31] = 1
    frame = torch.tensor([[0.0, 0.0, 512.0, 512.0]])
    assert _hits(heat, raster).item()
    assert _within(heat, raster, frame, 15).item()
    assert not _hits(heat.roll(9, -1), raster).item()
    assert not _hits(heat, torch.zeros(1, 64, 64)).item()


def test_tolerance_follows_each_axis_own_scale():
    # one row of the raster is 10 source pixels high, one column 40 wide; the region lies one below
    heat = torch.zeros(1, 4, 2)
    heat[0, 0, 0] = 1
    region = _region((4, 2), 1, 0).float()
    frame = torch.tensor([[0.0, 0.0, 80.0, 40.0]])
    assert _within(heat, region, frame, 10).item()
    assert not _within(heat, region, frame, 9.9).item()
    tied = heat.clone()
    tied[0, 3, 1] = 1  # a tied maximum inside is a hit, however far the first one lies
    assert _within(tied, _region((4, 2), 3, 1).float(), frame, 1).item()


def test_the_raster_holds_exact_shares():
    # 7 columns on 2: the middle one is halved, so 3 of 3.5 columns are 6/7 of the first
    region = _region((64, 448), slice(None), slice(0, 3))
    assert pointing.raster_size((64, 448)) == (64, 64)
    raster = pointing.to_raster(_region((1, 7), 0, slice(0, 3)), (1, 2))
    assert raster[0, 0].tolist() == pytest.approx([6 / 7, 0])
    # 224 on 64: 3.5 pixels each; whatever lies where, the area is kept
    drawn = torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(1)) > 0.7
    kept = pointing.to_raster(drawn, (64, 64)).sum(dim=(1, 2)) * 3.5**2
    assert kept.tolist() == pytest.approx(drawn.sum(dim=(1, 2)).tolist(), rel=1e-5)
    assert pointing.to_raster(region, (64, 64)).sum().item() == pytest.approx(64 * 3 / 7)


def test_an_ignored_maximum_is_none():
    heat = torch.tensor([[[9.0, 2.0, 1.0]]])
    valid = torch.tensor([[[0.4, 1.0, 1.0]]])
    second, third = _region((1, 3), 0, 1).float(), _region((1, 3), 0, 2).float()
    frame = torch.tensor([[0.0, 0.0, 30.0, 10.0]])
    assert _hits(heat, second, valid).item()
    assert not _hits(heat, third, valid).item()
    assert _within(heat, third, frame, 10, valid).item()  # from the second, not first
    assert not _within(heat, third, frame, 10).item()
