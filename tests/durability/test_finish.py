"""What needs every part is equal whatever is held at a time, and however often it is done."""

import numpy as np
import pytest
from cued import TWINS, N

from audit import finish
from audit.config import RunConfig
from audit.engine import audit_part, part_metadata
from audit.plan import make_plan
from audit.sampling import partners
from audit.tables.parts import fixed_lists, read_parts


@pytest.fixture
def plan(tmp_path):
    return make_plan(
        RunConfig(
            dataset="cued:Cued",
            model="cued:CornerNet",
            target_layer="features",
            device="cpu",
            batch_size=8,
            workers=0,
            part_size=13,
            runs_dir=tmp_path,
        )
    )


@pytest.fixture
def folder(plan, tmp_path):
    """Three parts of images (13, 13 and 4 rows) that are not finished."""
    for k in range(plan.n_parts):
        audit_part(plan, tmp_path / "images", k)
    return tmp_path / "images"


def column(folder, name):
    return [value for _, table in read_parts(folder, [name]) for value in table[name].to_pylist()]


def test_the_baseline_is_the_partners_map_in_the_images_own_region(plan, folder):
    finish.finish_parts(folder, plan, part_metadata(plan))
    found = column(folder, "permuted_baseline_mass")
    tables = [table for _, table in read_parts(folder, ["true_cam", "region_grid", "valid_grid"])]
    cams, regions = (
        np.concatenate([fixed_lists(table[name], plan.cells) for table in tables]).astype(float)
        for name in ("true_cam", "region_grid")
    )
    partner = partners(plan.source.listing.labels, plan.config.seed)
    # UᵀV of a whole view is the number of pixels that a cell stands for: 32·32 over 8·8 cells, but
    # for clamped edges; the map's mass in the view is ⟨L, UᵀV⟩.
    whole = finish._valid(tables[0], plan)[0]
    assert whole.sum() == pytest.approx(32 * 32)
    expected = [
        (cams[j] * regions[i]).sum() / (cams[j] * whole).sum() for i, j in enumerate(partner)
    ]
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("block", [1, 5, 13, 29, 30, 10**9])
def test_how_many_maps_are_held_changes_no_bit(block, plan, folder):
    expected = finish._baselines(folder, plan, N)
    found = finish._baselines(folder, plan, block)
    assert not np.isnan(found).any()
    assert found.tobytes() == expected.tobytes()


def test_finishing_twice_changes_no_byte(plan, folder):
    finish.finish_parts(folder, plan, part_metadata(plan))
    once = {path.name: path.read_bytes() for path in folder.iterdir()}
    audited = sorted(once)[1]
    (folder / audited).unlink()  # of a part that is whole, a late writer changes nothing
    audit_part(plan, folder, 1)
    assert (folder / audited).read_bytes() != once[audited]
    finish.finish_parts(folder, plan, part_metadata(plan))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == once


def test_copies_are_numbered_in_order_even_where_every_hash_collides(plan, folder, monkeypatch):
    monkeypatch.setattr(finish, "hash", lambda _text: 0, raising=False)
    finish.finish_parts(folder, plan, part_metadata(plan))
    ids = column(folder, "sample_id")
    assert TWINS == {20: 2, 28: 2}
    assert (ids[20], ids[28]) == (f"{ids[2]}#2", f"{ids[2]}#3")
    assert sum("#" in one for one in ids) == 2
    assert len(set(ids)) == N
