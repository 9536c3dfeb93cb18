import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audit.verify.maps import read_maps

INDEX = [3, 9, 4, 7]


def _write(folder, rows):
    """Images whose every value says their index: class 1·, map 6·, probability ·/10."""
    folder.mkdir(exist_ok=True)
    table = pa.table(
        {
            "index": pa.array(rows, pa.int64()),
            "sample_id": [f"s{k}" for k in rows],
            "pred_class": pa.array(rows, pa.int32()),
            "pred_probability": pa.array([k / 10 for k in rows], pa.float32()),
            "pred_cam": pa.array([[k] * 6 for k in rows], pa.list_(pa.uint8(), 6)),
        }
    )
    pq.write_table(table, folder / f"part-0000{len(list(folder.iterdir()))}.parquet")


def _check(maps, expected):
    assert maps.index.tolist() == expected
    assert maps.sample_id == [f"s{k}" for k in expected]
    assert maps.predicted.dtype == np.int64
    assert maps.predicted.tolist() == expected
    np.testing.assert_allclose(maps.probability, [k / 10 for k in expected], rtol=1e-6)
    assert maps.cam.dtype == np.uint8
    assert maps.cam.shape == (len(expected), 2, 3)
    assert maps.cam[:, 1, 2].tolist() == expected


def test_maps_of_some_images_of_several_parts(tmp_path):
    folder = tmp_path / "images"
    _write(folder, INDEX[:2])
    _write(folder, INDEX[2:])
    _check(read_maps(folder, np.array(INDEX), (2, 3)), sorted(INDEX))
    _check(read_maps(folder, np.array([7, 3, 7]), (2, 3)), [3, 7])
    _check(read_maps(folder, np.array([4]), (2, 3)), [4])


def test_found_by_index_in_any_order(tmp_path):
    _write(tmp_path / "images", INDEX)
    maps = read_maps(tmp_path / "images", np.array(INDEX), (2, 3))
    predicted, cam, probability = maps.of(np.array([9, 4, 9]))
    assert predicted.tolist() == [9, 4, 9]
    assert cam[:, 0, 0].tolist() == [9, 4, 9]
    np.testing.assert_allclose(probability, [0.9, 0.4, 0.9], rtol=1e-6)


def test_none_wanted(tmp_path):
    _write(tmp_path / "images", INDEX)
    maps = read_maps(tmp_path / "images", np.array([], dtype=np.int64), (2, 3))
    assert maps.cam.shape == (0, 2, 3)
    assert [len(part) for part in maps.of(np.array([], dtype=np.int64))] == [0, 0, 0]
