"""Patches and cues as the run folder holds them."""

import pyarrow.parquet as pq
import pytest

from audit.errors import DataError
from audit.report.evidence import Box, read_cues, read_patches

VIEW = (90, 120)


def test_a_patch_with_what_covering_it_did(found):
    patches = read_patches(found, [10, 12], VIEW, "blur")
    assert sorted(patches) == [10, 12]
    # x 96 of 120, y 72 of 90, 24 of 120 wide, 18 of 90 high
    assert (patches[12].box.x, patches[12].box.y) == pytest.approx((0.8, 0.8))
    assert (patches[12].box.width, patches[12].box.height) == pytest.approx((0.2, 0.2))
    assert (patches[12].before, patches[12].after) == (0.75, 0.125)


def test_an_image_without_a_covered_patch_has_none(found):
    assert read_patches(found, [0], VIEW, "blur") == {}
    assert read_patches(found, [10], VIEW, "inpaint") == {}
    assert read_patches(found, [], VIEW, "blur") == {}


def test_cues_of_a_class_in_their_order(found):
    (cue,) = read_cues(found, VIEW)
    assert (cue.pred_class, cue.n, cue.drop, cue.examples) == (1, 2, 0.625, (12, 10))
    assert cue.box == Box(0.4, 0.4, 0.2, 0.2)


def test_a_run_of_before_has_neither(run):
    assert read_cues(run, VIEW) == ()
    assert read_patches(run, [1], VIEW, "blur") == {}


def test_a_table_that_lacks_a_column_is_named(found):
    path = found / "cues.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["drop"]), path)
    with pytest.raises(DataError, match=r"cues\.parquet has no column 'drop'"):
        read_cues(found, VIEW)
