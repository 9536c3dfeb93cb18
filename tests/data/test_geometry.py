import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms._presets import ImageClassification
from torchvision.transforms.v2 import functional as F

from audit.data.geometry import view_of
from audit.errors import ConfigError
from audit.records import Preprocessing

IMAGENET = Preprocessing(resize=256, crop=(224, 224))


def test_frame_of_the_usual_preset_by_hand():
    # 500×375 (width × height): height to 256, width to int(256 * 500 / 375) = 341; margins 16 and
    # round(58.5) = 58, carried back by 375/256 and 500/341
    view = view_of(375, 500, IMAGENET)
    assert view.resized == (256, 341)
    assert (view.top, view.left) == (16, 58)
    expected = (58 * 500 / 341, 16 * 375 / 256, 282 * 500 / 341, 240 * 375 / 256)
    assert view.frame == pytest.approx(expected)


def test_pixels_equal_torchvisions():
    photo = torch.randint(0, 256, (3, 75, 100), dtype=torch.uint8, generator=_seeded())
    mine = view_of(75, 100, Preprocessing(resize=64, crop=(56, 56))).pixels(photo)
    assert torch.equal(v2.Compose([v2.Resize(64), v2.CenterCrop(56)])(photo), mine)
    # The presets of the weights go through float32 instead, and round to the same within one level.
    preset = ImageClassification(crop_size=56, resize_size=64, mean=(0, 0, 0), std=(1, 1, 1))
    assert (preset(photo) * 255 - mine).abs().max() <= 1.001


def test_resize_is_pils_within_one_grey_level():
    photo = torch.randint(0, 256, (3, 75, 100), dtype=torch.uint8, generator=_seeded())
    mine = view_of(75, 100, Preprocessing(resize=(32, 48))).pixels(photo)
    image = Image.fromarray(photo.permute(1, 2, 0).numpy())
    peer = np.asarray(image.resize((48, 32), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    assert np.abs(mine.numpy().astype(int) - peer.astype(int)).max() <= 1


def test_a_small_image_is_padded_and_padding_is_no_region():
    view = view_of(4, 10, Preprocessing(crop=(8, 8)))
    assert view.frame == (1, -2, 9, 6)
    assert view.pixels(torch.full((3, 4, 10), 9, dtype=torch.uint8))[0, :, 0].tolist() == [
        *(0, 0, 9, 9, 9, 9, 0, 0)
    ]
    everything = view.of_boxes(np.array([[-9.0, -9, 99, 99]]))
    assert everything.any(axis=1).tolist() == [False, False, True, True, True, True, False, False]
    assert np.array_equal(view.of_mask(np.ones((4, 10), dtype=bool)), everything)


def test_a_pixel_is_in_when_its_centre_is():
    view = view_of(4, 4, Preprocessing())
    assert view.of_boxes(np.array([[0.5, 0, 2.5, 1]]))[0].tolist() == [True, True, False, False]
    assert view.of_boxes(np.array([[0.6, 0, 2.6, 1]]))[0].tolist() == [False, True, True, False]


def test_an_empty_image_is_refused():
    with pytest.raises(ConfigError, match="0×7"):
        view_of(0, 7, IMAGENET)


side = st.integers(16, 90)


@settings(max_examples=60, deadline=None)
@given(side, side, st.integers(24, 64), st.integers(16, 80), st.booleans(), st.data())
def test_a_painted_region_lands_where_the_painted_pixels_land(
    height, width, resize, crop, exact, data
):
    """White pixels under black ones, through the picture's way and through the region's way."""
    x0 = data.draw(st.integers(0, width - 8))
    y0 = data.draw(st.integers(0, height - 8))
    x1, y1 = data.draw(st.integers(x0 + 8, width)), data.draw(st.integers(y0 + 8, height))
    wanted = Preprocessing(resize=(resize, resize + 7) if exact else resize, crop=(crop, crop + 3))
    view = view_of(height, width, wanted)
    painted = torch.zeros(3, height, width, dtype=torch.uint8)
    painted[:, y0:y1, x0:x1] = 255
    seen = view.pixels(painted)[0].numpy()
    region = view.of_boxes(np.array([[x0, y0, x1, y1]], dtype=float))
    mask = view.of_mask(painted[0].numpy() > 0)
    # A view pixel that is all white or all black lies clear of the edges: both ways must agree.
    for found in (region, mask):
        assert not (found & (seen == 0)).any()
        assert not (~found & (seen == 255)).any()
    assert abs(int(region.sum()) - float(seen.sum()) / 255) <= 2 + 2 * sum(seen.shape)


def test_identity_takes_nothing_through_a_resize():
    pixels = torch.zeros(3, 12, 12, dtype=torch.uint8)
    assert view_of(12, 12, Preprocessing()).pixels(pixels) is pixels
    assert F.get_size(pixels) == [12, 12]


def _seeded():
    return torch.Generator().manual_seed(0)
