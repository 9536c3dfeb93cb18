"""Agreement of maps that lie in other parts, and in another order."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audit.comparison.agreement import map_agreement


def _run(folder, parts):
    (folder / "images").mkdir(parents=True)
    kind = pa.list_(pa.uint8(), 2)
    for number, maps in enumerate(parts):
        table = pa.table({"true_cam": pa.array(maps, kind)})
        pq.write_table(table, folder / f"images/part-{number:05}.parquet")
    return folder


def test_agreement_by_hand(tmp_path):
    base = _run(tmp_path / "base", [[(200, 0), (100, 100)], [(30, 10), (0, 0), None]])
    candidate = _run(tmp_path / "candidate", [[(5, 5), (0, 9), (7, 7)], [(1, 3), (0, 77)]])
    # base rows 0, 1, 2, 3, 4 and none; the candidate's in another order
    ours, theirs = np.array([0, 1, 2, 3, 4, -1]), np.array([4, 1, 3, 0, 2, 2])
    found = map_agreement(base, candidate, ours, theirs)
    # (1, 0)·(0, 1): 0; (½, ½)·(0, 1): ½; (¾, ¼)·(¼, ¾): ½; a zero map, no map, no image: none
    np.testing.assert_allclose(found, [0, 0.5, 0.5, np.nan, np.nan, np.nan])
