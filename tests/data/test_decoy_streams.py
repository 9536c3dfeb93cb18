import numpy as np

from audit.data.decoy.streams import stream


def test_a_stream_is_numpys_philox_under_its_key():
    key = np.random.SeedSequence(7, spawn_key=(1, 2))
    expected = np.random.Generator(np.random.Philox(key)).integers(1000, size=5)
    assert stream(7, 1, 2).integers(1000, size=5).tolist() == expected.tolist()
    assert stream(7, 2, 1).integers(1000, size=5).tolist() != expected.tolist()
    assert stream(8, 1, 2).integers(1000, size=5).tolist() != expected.tolist()
