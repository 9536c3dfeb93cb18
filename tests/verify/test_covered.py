from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit import triage
from audit.engine import audit_part
from audit.plan import make_plan
from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.local import per_image
from audit.verify import parts
from audit.verify.changes import classified
from audit.verify.covered import covered
from audit.verify.maps import read_maps
from audit.verify.stage import intervene


@pytest.fixture
def ready(intervened):
    """The plan, the maps of all images, and what the interventions say of each image."""
    plan, images, tested = intervened
    maps = read_maps(images, np.arange(36), plan.grid)
    return plan, maps, per_image(tested.rows, tested.fill, Cutoffs())


def test_patch_drop_and_image_are_those_of_the_evidence(ready):
    plan, maps, evidence = ready
    found = list(covered(plan, evidence, maps))
    assert [one.subject.index for one in found] == list(range(36))
    for one, row in zip(found, evidence.itertuples(), strict=True):
        assert one.drop == row.drop
        assert one.patch.mean() == pytest.approx(row.area_fraction)
        rows, columns = np.nonzero(one.patch)
        box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert box == (row.x0, row.y0, row.x1, row.y1)


@pytest.mark.parametrize("fill", ["blur", "inpaint", "mean"])
def test_the_pixels_are_those_that_were_classified(cued_config, tmp_path, monkeypatch, fill):
    plan = make_plan(replace(cued_config, fill=fill))
    audit_part(plan, tmp_path / "images", 0)
    images = pd.read_parquet(tmp_path / "images")
    seen = {}

    def noting(changes, classify, batch_size):
        for outcome in classified(changes, classify, batch_size):
            change = outcome.change
            if (change.test, change.kind, change.fill) == ("S1", "cover", fill):
                seen[change.index, change.attempt] = change.picture
            yield outcome

    monkeypatch.setattr(parts, "classified", noting)
    tested = intervene(plan, tmp_path, images, triage.flag(images))
    evidence = per_image(tested.rows, fill, Cutoffs())
    maps = read_maps(tmp_path / "images", np.arange(36), plan.grid)
    attempt = evidence.set_index("index")["attempt"].astype(int)
    for one in covered(plan, evidence, maps):
        index = one.subject.index
        assert np.array_equal(one.picture, seen[index, attempt[index]])


def test_only_tested_images_and_by_index(ready):
    plan, maps, evidence = ready
    some = evidence[evidence["index"].isin([20, 4, 9])].sort_values("index", ascending=False)
    some.loc[some["index"] == 9, "state"] = "nothing_outside"
    assert [one.subject.index for one in covered(plan, some, maps)] == [4, 20]


def test_the_second_try_shows_the_second_patch(ready):
    plan, maps, evidence = ready
    # heat falls from the left to the right, so each try's limit cuts it: 4% are 40 pixels, 12% 122
    falling = np.broadcast_to(np.linspace(255, 128, 8).astype(np.uint8), maps.cam.shape)
    maps, row = replace(maps, cam=falling), evidence[evidence["index"] == 3]
    (first,) = covered(plan, row.assign(attempt=1), maps)
    (second,) = covered(plan, row.assign(attempt=2), maps)
    assert 0 < first.patch.sum() <= 40 < second.patch.sum() <= 122


def test_no_evidence(ready):
    plan, maps, evidence = ready
    assert list(covered(plan, evidence[:0], maps)) == []


def test_the_choice_of_images_moves_no_pixel(ready):
    plan, maps, evidence = ready
    whole = {one.subject.index: one.picture for one in covered(plan, evidence, maps)}
    (alone,) = covered(plan, evidence[evidence["index"] == 17], maps)
    assert np.array_equal(alone.picture, whole[17])


def test_suspects_too(ready):
    plan, maps, evidence = ready
    row = evidence[evidence["index"] == 5]
    (sampled,) = covered(plan, row, maps)
    (suspect,) = covered(plan, row.assign(role="suspect"), maps)
    assert np.array_equal(sampled.picture, suspect.picture)
