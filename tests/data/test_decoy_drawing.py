import numpy as np
import pytest

from audit.data.decoy.drawing import Pose, quantise, rasterise, rotation, squeeze, unit_coordinates

#: A ball of radius 10 pixels whose centre is the centre of pixel (row 20, column 12).
POSE = Pose(10 * np.eye(2), np.array([12.5, 20.5]))


def test_the_outline_is_where_its_coordinates_say():
    alpha = rasterise(POSE, 40, "ball")
    u, v = unit_coordinates(POSE, 40)
    assert (u[20, 12], v[20, 12]) == (0.0, 0.0)
    assert u[20, 22] == pytest.approx(1.0)  # ten pixels to the right
    assert v[30, 12] == pytest.approx(1.0)  # ten pixels down
    inside = np.hypot(u, v)
    assert (alpha[inside < 0.92] == 1).all()
    assert (alpha[inside > 1.08] == 0).all()
    assert alpha.sum() == pytest.approx(100 * np.pi, rel=0.03)  # OpenCV fills the edge too


def test_a_turn_keeps_lengths_and_a_squeeze_the_area():
    assert rotation(np.pi / 2) @ np.array([1.0, 0.0]) == pytest.approx(np.array([0.0, 1.0]))
    assert np.linalg.det(squeeze(np.random.default_rng(0))) == pytest.approx(1.0)


def test_pixels_are_rounded_and_channels_come_last():
    pixels = np.array([0.0, 0.5, 1.0], np.float32)[:, None, None]
    assert quantise(pixels).tolist() == [[[0, 128, 255]]]
