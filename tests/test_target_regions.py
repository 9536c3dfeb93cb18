import numpy as np
import pytest
import torch

from audit.records import OTHER, UNCLASSED, Batch, Groups
from audit.target_regions import BASIS, AnnotatedBatch, Regions

CAT, DOG, OWL = range(3)
SIZE, GRID = (8, 8), (4, 4)


def _batch(n, groups, ignore=None):
    """``groups``: (image, label, rows of the view that the objects cover)."""
    raster = torch.zeros(len(groups), *SIZE, dtype=torch.bool)
    for g, (_, _, rows) in enumerate(groups):
        raster[g, rows] = True
    return Batch(
        index=np.arange(n),
        pixels=torch.zeros(n, 3, *SIZE, dtype=torch.uint8),
        to_view=None,
        readable=np.ones(n, dtype=bool),
        label=np.zeros(n, dtype=np.int64),
        groups=Groups(
            image=np.array([image for image, _, _ in groups]),
            label=np.array([label for _, label, _ in groups]),
            raster=raster,
            n_objects=np.ones(len(groups), dtype=np.int32),
            visible=np.ones(len(groups), dtype=np.float32),
            boxes=(np.empty((0, 4)),) * len(groups),
        )
        if groups
        else None,
        ignore=ignore,
        source=("annotation",) * n,
        size=np.full((n, 2), 8, dtype=np.int32),
        frame=np.tile(np.array([0, 0, 8, 8], dtype=np.float32), (n, 1)),
        digest=("d",) * n,
        texts=({},) * n,
        detail=("",) * n,
        path=(None,) * n,
        slices=({},) * n,
        present=(None,) * n,
    )


def _regions(batch, target, label):
    annotated = AnnotatedBatch.of(batch, SIZE, GRID, torch.device("cpu"))
    return Regions.of(annotated, torch.tensor(target), torch.tensor(label))


@pytest.mark.parametrize(
    ("target", "label", "basis", "area"),
    [
        (CAT, CAT, "class", 1 / 8),
        (DOG, CAT, "class", 2 / 8),  # the predicted class is in the picture as well
        (OWL, CAT, "label", 1 / 8),  # it is not: judged by the labelled object
        (OWL, OWL, None, 0),  # neither is
    ],
)
def test_the_region_is_the_targets_own_where_objects_have_classes(target, label, basis, area):
    batch = _batch(1, [(0, CAT, slice(0, 1)), (0, DOG, slice(4, 6)), (0, OTHER, slice(7, 8))])
    found = _regions(batch, [target], [label])
    assert BASIS[found.basis[0]] == basis
    assert found.has.tolist() == [basis is not None]
    assert found.area.tolist() == [area]
    # whatever is not the region is another object: 4 rows are annotated
    assert found.other_grid.sum().item() == pytest.approx(8 * (4 - 8 * area))


def test_objects_without_a_class_are_the_labelled_one_for_every_target():
    batch = _batch(1, [(0, UNCLASSED, slice(0, 2))])
    for target in (CAT, OWL):
        found = _regions(batch, [target], [CAT])
        assert BASIS[found.basis[0]] == "unclassed"
        assert found.area.tolist() == [0.25]
        assert found.other_grid is None


def test_images_of_a_batch_do_not_mix():
    groups = [(1, DOG, slice(0, 4)), (2, CAT, slice(0, 1)), (2, DOG, slice(2, 4))]
    found = _regions(_batch(4, groups), [DOG] * 4, [CAT] * 4)
    assert found.area.tolist() == [0, 0.5, 0.25, 0]
    assert found.has_other.tolist() == [False, False, True, False]
    assert [BASIS[code] for code in found.basis] == [None, "class", "class", None]


def test_other_objects_do_not_count_where_they_overlap_the_region():
    batch = _batch(1, [(0, CAT, slice(0, 4)), (0, DOG, slice(2, 6))])
    assert _regions(batch, [CAT], [CAT]).other_grid.sum().item() == pytest.approx(16)


def test_ignored_pixels_leave_region_guard_and_whole():
    ignore = torch.zeros(2, *SIZE, dtype=torch.bool)
    ignore[0, :2] = True
    batch = _batch(2, [(0, CAT, slice(0, 4)), (1, CAT, slice(0, 4))], ignore)
    found = _regions(batch, [CAT, CAT], [CAT, CAT])
    assert found.ignored.tolist() == [0.25, 0]
    assert found.area.tolist() == pytest.approx([2 / 6, 4 / 8])
    assert found.guard_area.tolist() == pytest.approx([4 / 6, 6 / 8])  # a cell is two rows
    assert found.valid_grid.sum(dim=(1, 2)).tolist() == pytest.approx([48, 64])
    assert found.raster_valid.sum(dim=(1, 2)).tolist() == [48, 64]
    assert found.merged.sum(dim=(1, 2)).tolist() == [16, 32]
    assert found.merged_valid.sum(dim=(1, 2)).tolist() == [48, 64]
    assert found.inside.sum(dim=(1, 2)).tolist() == [16, 32]
    assert found.inside_guard.sum(dim=(1, 2)).tolist() == [32, 48]


def test_an_image_that_is_ignored_as_a_whole_has_no_area():
    found = _regions(_batch(1, [(0, CAT, slice(0, 4))], torch.ones(1, *SIZE) > 0), [CAT], [CAT])
    assert np.isnan(found.area.item())
    assert np.isnan(found.centre.item())


def test_the_centre_weighs_more():
    ignore = torch.zeros(3, *SIZE, dtype=torch.bool)
    ignore[2, :4] = True
    batch = _batch(3, [(k, CAT, rows) for k, rows in enumerate(3 * [slice(2, 6)])], ignore)
    batch.groups.raster[1] = batch.groups.raster[1].T.clone()
    at = (np.arange(8) + 0.5) / 8 - 0.5  # the Gaussian of σ = ¼ acts on rows and columns apart
    weight = np.exp(-(at**2) / (2 * 0.25**2))
    middle = weight[2:6].sum() / weight.sum()
    found = _regions(batch, [CAT] * 3, [CAT] * 3)
    # of the third image the lower half is valid, and half of its region's mass lies there
    assert found.centre.tolist() == pytest.approx([middle] * 3)


def test_nothing_annotated():
    found = _regions(_batch(2, []), [CAT, DOG], [CAT, CAT])
    assert not found.has.any()


def test_taking_images_is_as_if_they_came_alone():
    groups = [(0, CAT, slice(0, 4)), (1, DOG, slice(0, 1)), (2, CAT, slice(6, 8))]
    annotated = AnnotatedBatch.of(_batch(3, groups), SIZE, GRID, torch.device("cpu"))
    rows = torch.tensor([0, 2])
    target, label = torch.tensor([CAT, CAT]), torch.tensor([CAT, CAT])
    taken = Regions.of(annotated.take(rows), target, label)
    whole = Regions.of(annotated, torch.tensor([CAT] * 3), torch.tensor([CAT] * 3)).take(rows)
    assert taken.area.tolist() == whole.area.tolist() == [0.5, 0.25]
    assert torch.equal(taken.grid, whole.grid)
