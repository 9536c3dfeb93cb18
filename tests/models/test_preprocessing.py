import pytest
import torch
from torchvision.transforms import functional

from audit.errors import ConfigError
from audit.models.preprocessing import (
    PreprocessingOverrides,
    merge_preprocessing,
    normalise,
    parse_overrides,
    preprocessing_notes,
)
from audit.records import Preprocessing

IMAGENET = Preprocessing(
    resize=256,
    crop=(224, 224),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    source="weights",
)


class TestParsing:
    def test_nothing_asked_changes_nothing(self):
        assert parse_overrides() == PreprocessingOverrides()

    def test_input_size_stands_for_resize_and_crop(self):
        assert parse_overrides(input_size=128) == PreprocessingOverrides(128, (128, 128))

    def test_sizes(self):
        asked = parse_overrides(resize="256x192", crop="224")
        assert asked == PreprocessingOverrides(resize=(256, 192), crop=(224, 224))

    def test_numbers(self):
        asked = parse_overrides(mean="0.5, 0.4,0", std="1,.25,0.5")
        assert asked.mean == (0.5, 0.4, 0.0)
        assert asked.std == (1.0, 0.25, 0.5)

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ({"resize": "0"}, "--resize '0' is not a size"),
            ({"resize": "-5"}, "--resize '-5' is not a size"),
            ({"crop": "224x"}, "--crop '224x' is not a size"),
            ({"input_size": 0}, "--input-size '0' is not a size"),
            ({"mean": "0.5"}, "--mean has 1 value.* needs three"),
            ({"mean": "a,b,c"}, "--mean 'a,b,c' is not three numbers"),
            ({"mean": "-0.1,0,0"}, "a mean lies in"),
            ({"mean": "nan,0,0"}, "a mean lies in"),
            ({"mean": "123.7,116.3,103.5"}, "divide values for 0..255 by 255"),
            ({"std": "0.2,0,0.2"}, "--std 0.2,0,0.2: a standard deviation is above 0"),
            ({"std": "58,57,57"}, "divide values for 0..255 by 255"),
            ({"input_size": 96, "crop": "96"}, "give it alone"),
        ],
    )
    def test_says_what_is_wrong(self, asked, told):
        with pytest.raises(ConfigError, match=told):
            parse_overrides(**asked)


class TestMerging:
    def test_options_win_and_are_recorded(self):
        merged = merge_preprocessing(IMAGENET, parse_overrides(input_size=96))
        assert (merged.resize, merged.crop) == (96, (96, 96))
        assert (merged.mean, merged.std) == (IMAGENET.mean, IMAGENET.std)
        assert merged.source == "weights; options --resize --crop"

    def test_without_options_it_is_the_same(self):
        assert merge_preprocessing(IMAGENET, PreprocessingOverrides()) is IMAGENET


class TestNotes:
    @pytest.mark.parametrize(
        ("resize", "crop", "noted"),
        [
            (256, (224, 224), False),
            (224, (224, 224), False),
            (128, (224, 224), True),
            ((256, 100), (224, 224), True),
            (None, (224, 224), False),
            (256, None, False),
        ],
    )
    def test_a_crop_beyond_the_image_is_noted(self, resize, crop, noted):
        notes = preprocessing_notes(Preprocessing(resize=resize, crop=crop))
        assert bool(notes) == noted
        assert not noted or "black border" in notes[0]


class TestNormalise:
    def test_by_hand(self):
        view = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1)
        known = Preprocessing(mean=(0.5, 0.2, 0.5), std=(0.5, 1.0, 0.25))
        # (0 - .5) / .5, (51 / 255 - .2) / 1, (1 - .5) / .25
        expected = torch.tensor([-1.0, 0.0, 2.0]).view(1, 3, 1, 1)
        torch.testing.assert_close(normalise(view, known), expected, rtol=0, atol=1e-6)

    def test_equals_torchvision_on_every_value(self):
        view = torch.arange(256, dtype=torch.uint8).repeat(3).view(1, 3, 16, 16)
        theirs = functional.normalize(
            functional.convert_image_dtype(view), IMAGENET.mean, IMAGENET.std
        )
        torch.testing.assert_close(normalise(view, IMAGENET), theirs, rtol=1e-6, atol=1e-6)

    def test_result_is_channels_last_and_leaves_the_view_alone(self):
        view = torch.full((2, 3, 4, 5), 7, dtype=torch.uint8)
        result = normalise(view, IMAGENET)
        assert result.is_contiguous(memory_format=torch.channels_last)
        assert view.eq(7).all()

    def test_lower_precision_is_rounded_once(self):
        view = torch.arange(256, dtype=torch.uint8).repeat(3).view(1, 3, 16, 16)
        half = normalise(view, IMAGENET, torch.bfloat16)
        assert torch.equal(half, normalise(view, IMAGENET).to(torch.bfloat16))

    def test_works_after_a_first_call_in_inference_mode(self):
        known = Preprocessing(mean=(0.1, 0.1, 0.1))
        view = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
        with torch.inference_mode():
            normalise(view, known)
        weight = torch.ones(3, 1, 1, requires_grad=True)
        (normalise(view, known) * weight).sum().backward()
        torch.testing.assert_close(weight.grad, torch.full((3, 1, 1), -0.4))
