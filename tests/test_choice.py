import pytest
import torch

from audit import choice
from audit.config import RunConfig
from audit.models.architectures import build_module
from audit.models.sidecar import Sidecar, write_checkpoint


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ("decoy", "small_resnet"),
        ("decoy-vqa", "small_vqa"),
        ("decoy-captions", "small_captioner"),
    ],
)
def test_the_reference_model_of_a_drawn_dataset_is_fitted_once(
    dataset, model, tmp_path, monkeypatch
):
    fits, said = [], []

    def fit(config, _say):
        fits.append((config.dataset, config.data_root, config.model, config.device))
        path = tmp_path / "models" / dataset / f"{model}.safetensors"
        torch.manual_seed(0)
        write_checkpoint(path, build_module(model, 2, ("a",)), Sidecar(model, words=("a",)))
        return path

    monkeypatch.setattr(choice, "fit", fit)
    config = RunConfig(dataset=dataset, data_root=tmp_path, device="cpu")
    first = choice.choose_classifier(config, said.append)
    assert first.architecture == model
    assert choice.choose_classifier(config, said.append).weights_hash == first.weights_hash
    assert fits == [(dataset, tmp_path, model, "cpu")]
    assert len(said) == 1
