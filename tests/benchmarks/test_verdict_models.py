import numpy as np
import pytest
import torch

from audit.data.custom import CustomSource
from audit.data.decoy import CLASSES, DecoySpec, Plant
from audit.errors import DataError
from audit.models.classifier import load_classifier
from audit.models.probe import probe
from benchmarks.verdicts import audited, designs, models
from benchmarks.verdicts.models import PlainCnn, fit_cell, load_cell, model_name, probabilities

RES, PLAIN, _ = designs.designs("smoke")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The smoke cells' datasets with 40 images a split, fitted in one pass."""
    monkeypatch.setattr(models, "_EPOCHS", 1)
    monkeypatch.setattr(models, "spec_of", _small)
    monkeypatch.setenv(audited.DATA_VARIABLE, str(tmp_path))
    return tmp_path


def _small(cell):
    plants = tuple(Plant(kind, name, cell.rate) for kind, name in cell.plants)
    return DecoySpec(32, cell.seed, train=40, test=40, plants=plants)


def test_the_plain_network_explains_a_grid_of_8_by_8_cells():
    found = probe(PlainCnn().eval(), ("features",), (64, 64))
    assert found.grid == (8, 8)
    assert found.outputs == 10


@pytest.mark.parametrize("cell", [RES, PLAIN], ids=lambda cell: cell.architecture)
def test_a_cells_checkpoint_is_what_the_audit_loads(root, cell):
    checkpoint = fit_cell(cell, root)
    loaded = load_classifier(model_name(cell), checkpoint)
    assert loaded.outputs == CLASSES
    assert loaded.target_layer == models._LAYERS[cell.architecture]
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
    with torch.inference_mode():
        views = (torch.from_numpy(pixels) / 255 - 0.5) / 0.25
        expected = loaded.module(views).softmax(dim=1).numpy()
    assert probabilities(load_cell(cell, root), pixels) == pytest.approx(expected, abs=1e-5)


def test_a_fit_is_not_repeated(root):
    before = fit_cell(PLAIN, root).stat().st_mtime_ns
    assert fit_cell(PLAIN, root).stat().st_mtime_ns == before


def test_a_cells_images_are_a_dataset_with_masks(root):
    source = CustomSource(audited.dataset_name(RES))
    stored = models.source_of(RES, root, "test")
    assert source.listing.classes == CLASSES
    assert np.array_equal(source.listing.labels, stored.listing.labels)
    reading = source.read(5)
    assert np.array_equal(reading.pixels, stored.images[5].transpose(1, 2, 0))
    assert np.array_equal(reading.annotation.objects[0].mask, stored.masks[5] > 0)


def test_a_dataset_of_no_cell_is_refused():
    with pytest.raises(DataError, match="has no function 'c0'"):
        CustomSource("benchmarks.verdicts.audited:c0")
