from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.detection import maskrcnn_resnet50_fpn

from audit.regions.pseudo import detector
from audit.regions.pseudo.detector import Detector, coco_categories, load_detector

CPU = torch.device("cpu")
PIXELS = np.zeros((4, 6, 3), dtype=np.uint8)


class Fixed(nn.Module):
    """A detector's answer: three instances on a picture of 4×6 pixels."""

    def forward(self, pictures: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        (picture,) = pictures
        assert picture.shape == (3, 4, 6)
        assert picture.dtype == torch.float32
        masks = torch.zeros(4, 1, 4, 6)
        masks[0, 0, 0, 0] = 0.5  # a bird, as sure as needed
        masks[0, 0, 0, 1] = 0.49  # not of it
        masks[1, 0, 3, 5] = 1  # another bird
        masks[2, 0, 2] = 1  # a bird that is not sure enough
        masks[3, 0, 1] = 1  # a car
        labels, scores = torch.tensor([16, 16, 16, 3]), torch.tensor([0.5, 0.9, 0.49, 0.9])
        return [{"masks": masks, "labels": labels, "scores": scores}]


def test_the_mask_is_the_union_of_the_sure_instances_of_the_category() -> None:
    found = Detector(Fixed(), CPU).mask(PIXELS, 16)
    assert found.shape == (4, 6)
    assert np.argwhere(found).tolist() == [[0, 0], [3, 5]]


def test_a_category_that_is_not_seen_gives_an_empty_mask() -> None:
    found = Detector(Fixed(), CPU).mask(PIXELS, 17)
    assert found.shape == (4, 6)
    assert not found.any()


def test_classes_are_found_by_name_and_synonym() -> None:
    names = ("Airplane", "aeroplane", "ship", "Dining_Table", "tvmonitor", "deer", "N/A", "monkey")
    # torchvision's list: 5 airplane, 9 boat, 67 dining table, 72 tv
    assert coco_categories(names) == (5, 5, 9, 67, 72, None, None, None)
    assert coco_categories(("__background__", "background")) == (None, None)


def test_every_synonym_is_a_category() -> None:
    assert None not in coco_categories(tuple(detector._SYNONYMS))


def test_weights_that_cannot_be_fetched_raise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", offline)
    with pytest.raises(OSError, match="not known"):
        load_detector(CPU)
    said = capsys.readouterr()
    assert said.out == ""  # the command's own: a path
    assert "Downloading" in said.err


@pytest.mark.slow
def test_cached_weights_are_loaded_without_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    torch.save(model.state_dict(), folder / "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth")
    found = load_detector(CPU).mask(np.zeros((32, 32, 3), dtype=np.uint8), 1)
    assert found.shape == (32, 32)
