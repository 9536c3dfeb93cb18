from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audit.records import UNCLASSED, Listing, Reading
from audit.regions.pseudo import estimate as module
from audit.regions.pseudo.cache import Place
from audit.regions.pseudo.estimate import PseudoAnnotations, estimate

CPU = torch.device("cpu")
SIDE = 32


def pixels_of(index: int) -> np.ndarray:
    """A bright square on a dark ground; its left edge is at column 8 + ``index``."""
    noise = np.random.default_rng(index).integers(0, 20, (SIDE, SIDE, 3), dtype=np.uint8)
    noise[8:24, 8 + index : 24] += 200
    return noise


def mask_of(index: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[8:24, 8 + index : 24] = True
    return mask


@dataclass
class Pictures:
    """Images read one by one; those of ``broken`` cannot be."""

    classes: tuple[str, ...] = ("spanner", "gear")
    broken: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    n_read: list[int] = field(default_factory=list)

    @property
    def listing(self) -> Listing:
        return Listing(self.classes, np.array([0, 1, 0, 1, -1]), None, np.full(5, 9))

    def read(self, index: int) -> Reading:
        self.n_read.append(index)
        return Reading(None if index in self.broken else pixels_of(index), "00")

    def slices(self, index: int) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class Stored:
    """The same images as one array."""

    warnings: tuple[str, ...] = ()
    masks: None = None

    @property
    def listing(self) -> Listing:
        return Pictures().listing

    @property
    def images(self) -> np.ndarray:
        return np.stack([pixels_of(i).transpose(2, 0, 1) for i in range(5)])


class Corner:
    """A detector that sees category 5 in the upper left corner, and no other."""

    def mask(self, pixels: np.ndarray, category: int) -> np.ndarray:
        found = np.zeros(pixels.shape[:2], dtype=bool)
        found[:4, :4] = category == 5
        return found


def make(source: object, tmp_path: Path, indices: list[int], said: list[str]) -> PseudoAnnotations:
    return estimate(source, np.array(indices), Place(tmp_path, "x-test"), CPU, said.append)


@pytest.mark.parametrize("source", [Pictures(), Stored()])
def test_regions_are_found_and_told(source: object, tmp_path: Path) -> None:
    said: list[str] = []
    found = make(source, tmp_path, [0, 3], said)
    one = found.of(3, (SIDE, SIDE), 1)
    assert one.source == "pseudo:grabcut"
    assert one.objects[0].label == UNCLASSED
    assert np.array_equal(one.objects[0].mask, mask_of(3))
    assert found.of(1, (SIDE, SIDE), 1).objects == ()  # was not asked for
    assert said[0].startswith("estimating regions of 2 images by GrabCut (made once: ")
    assert found.warnings == (
        "regions are estimates, not annotations: 2 by pseudo:grabcut",
        "regions: Mask R-CNN was not used, GrabCut was: no class of the dataset is a COCO category",
    )


def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    first, again = Pictures(), Pictures()
    before = make(first, tmp_path, [0, 1], [])
    said: list[str] = []
    after = make(again, tmp_path, [0, 1, 2], said)
    assert (first.n_read, again.n_read) == ([0, 1], [2])
    assert said[0].startswith("estimating regions of 1 images")
    assert before.digest == after.digest
    assert before.estimates[1] == after.estimates[1]
    made = make(Pictures(), tmp_path / "new", [2, 1, 0], [])
    assert made.estimates == after.estimates


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopping(Pictures):
        def read(self, index: int) -> Reading:
            if index == 4:
                raise KeyboardInterrupt
            return super().read(index)

    monkeypatch.setattr(module.os, "cpu_count", lambda: 1)  # so two pictures wait
    with pytest.raises(KeyboardInterrupt):
        make(Stopping(), tmp_path, [0, 1, 2, 3, 4], [])
    again = Pictures()
    make(again, tmp_path, [0, 1, 2, 3, 4], [])
    # 0 and 1 were written when 2 and 3 had been read: more than two waited
    assert again.n_read == [2, 3, 4]


def test_an_image_that_cannot_be_read_has_no_region(tmp_path: Path) -> None:
    found = make(Pictures(broken=(1,)), tmp_path, [0, 1], [])
    assert found.of(1, (SIDE, SIDE), 1).objects == ()
    assert found.warnings[0] == (
        "regions are estimates, not annotations: 1 by pseudo:grabcut; 1 images have none"
    )


def test_the_detector_goes_first_where_it_knows_the_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.mask_rcnn, "load_detector", lambda device: Corner())
    said: list[str] = []
    # 5 is COCO's airplane, which Corner sees; the deer is no category; a bird it does not see
    source = Pictures(classes=("airplane", "deer"))
    found = make(source, tmp_path, [0, 1, 4], said)
    assert [found.of(i, (SIDE, SIDE), 1).source for i in (0, 1, 4)] == [
        "pseudo:maskrcnn_resnet50_fpn",
        "pseudo:grabcut",
        "pseudo:grabcut",
    ]
    assert found.of(0, (SIDE, SIDE), 1).objects[0].mask.sum() == 16
    birds = make(Pictures(classes=("bird", "deer")), tmp_path, [0], [])
    assert birds.of(0, (SIDE, SIDE), 1).source == "pseudo:grabcut"
    assert found.warnings == (
        "regions are estimates, not annotations: 2 by pseudo:grabcut, "
        "1 by pseudo:maskrcnn_resnet50_fpn",
    )
    assert said[0].startswith("loading Mask R-CNN")

    def fail(device: torch.device) -> None:
        raise AssertionError("everything is kept: nothing needs to be loaded")

    monkeypatch.setattr(module.mask_rcnn, "load_detector", fail)
    assert make(source, tmp_path, [1, 0], []).digest == found.digest


def test_weights_that_cannot_be_had_leave_grabcut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(device: torch.device) -> None:
        raise OSError("no network")

    source = Pictures(classes=("airplane", "deer"))
    monkeypatch.setattr(module.mask_rcnn, "load_detector", lambda device: Corner())
    detected = make(source, tmp_path, [0], [])
    monkeypatch.setattr(module.mask_rcnn, "load_detector", fail)
    found = make(source, tmp_path, [0, 2], [])
    assert found.of(0, (SIDE, SIDE), 1).source == "pseudo:grabcut"
    assert found.warnings[1].endswith("its weights cannot be loaded (no network)")
    assert found.digest != detected.digest


def test_a_cpu_is_not_asked_to_detect_in_many_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CPU_PICTURES", 1)
    found = make(Pictures(classes=("airplane", "deer")), tmp_path, [0, 1], [])
    assert "2 images would take hours on a CPU" in found.warnings[1]


def test_an_estimate_of_another_size_is_not_used(tmp_path: Path) -> None:
    found = make(Pictures(), tmp_path, [0], [])
    other = found.of(0, (SIDE, SIDE + 1), 1)
    assert other.objects == ()
    assert "32×32" in other.note
    assert replace(found, estimates={}).of(0, (SIDE, SIDE), 1).objects == ()
