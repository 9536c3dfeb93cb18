import cv2
import numpy as np
import pytest

from audit.report.picture import kind_of


@pytest.mark.parametrize(
    ("suffix", "mime"), [(".webp", "image/webp"), (".png", "image/png"), (".jpg", "image/jpeg")]
)
def test_an_encoded_picture_tells_its_kind(suffix, mime):
    encoded = cv2.imencode(suffix, np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    assert kind_of(encoded) == (suffix, mime)
