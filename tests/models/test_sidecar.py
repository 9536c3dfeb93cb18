import json

import pytest
import torch
from safetensors.torch import load_file

from audit.errors import ConfigError, ModelError
from audit.models.reference import SmallResNet
from audit.models.sidecar import Sidecar, read_sidecar, write_checkpoint
from audit.records import Preprocessing

FULL = Sidecar(
    architecture="small_resnet",
    classes=("kingfisher", 'naïve "owl"'),
    preprocessing=Preprocessing(
        resize=96,
        crop=(96, 80),
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.2, 0.25),
        interpolation="bicubic",
        source="sidecar net.json",
    ),
    target_layer="layer3",
    trained_on="decoy/train, 6 epochs",
    words=("what", "naïve"),
)


def written(tmp_path, **changes):
    content = {"format": "cam-audit-model/1", **changes}
    (tmp_path / "net.json").write_text(json.dumps(content))
    return tmp_path / "net.pth"


class TestRoundTrip:
    @pytest.mark.parametrize("sidecar", [FULL, Sidecar()])
    def test_what_is_written_is_read(self, tmp_path, sidecar):
        module = SmallResNet(2)
        path = tmp_path / "new" / "net.safetensors"
        write_checkpoint(path, module, sidecar)
        assert read_sidecar(path) == sidecar
        state = load_file(path)
        assert state.keys() == module.state_dict().keys()
        assert all(torch.equal(state[name], t) for name, t in module.state_dict().items())

    def test_only_the_two_files_are_left(self, tmp_path):
        for _ in range(2):  # the second time over the first
            write_checkpoint(tmp_path / "net.safetensors", SmallResNet(2), FULL)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["net.json", "net.safetensors"]

    def test_a_failed_write_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / "net.safetensors"
        write_checkpoint(path, SmallResNet(2), FULL)
        before = path.read_bytes()

        def full_disk(_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full_disk)
        with pytest.raises(OSError, match="No space left"):
            write_checkpoint(path, SmallResNet(2), Sidecar())
        assert path.read_bytes() == before
        assert len(list(tmp_path.iterdir())) == 2

    def test_other_suffixes_are_refused(self, tmp_path):
        with pytest.raises(ConfigError, match=r"written as \.safetensors"):
            write_checkpoint(tmp_path / "net.pth", SmallResNet(2), FULL)


class TestReading:
    def test_none_beside(self, tmp_path):
        assert read_sidecar(tmp_path / "net.pth") is None

    def test_somebody_elses_json_is_left_alone(self, tmp_path):
        (tmp_path / "net.json").write_text('{"lr": 0.1}')
        assert read_sidecar(tmp_path / "net.pth") is None

    def test_square_crops_and_missing_keys(self, tmp_path):
        checkpoint = written(tmp_path, preprocessing={"resize": [64, 48], "crop": 32})
        known = read_sidecar(checkpoint).preprocessing
        assert (known.resize, known.crop) == ((64, 48), (32, 32))
        assert (known.mean, known.std) == ((0, 0, 0), (1, 1, 1))

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"format": "cam-audit-model/2"}, "has the format 'cam-audit-model/2'"),
            ({"clases": ["a"]}, "unknown key 'clases'; did you mean 'classes'"),
            ({"classes": ["a", "a"]}, "different names"),
            ({"classes": []}, "different names"),
            ({"classes": [1]}, "different names"),
            ({"words": ["a", "a"]}, "words must be a list of different words"),
            ({"words": "a b"}, "words must be a list of different words"),
            ({"words": []}, "words must be a list of different words"),
            ({"target_layer": 3}, "target_layer must be a text"),
            ({"preprocessing": 224}, "must be an object"),
            ({"preprocessing": {"sdt": [1, 1, 1]}}, "did you mean 'std'"),
            ({"preprocessing": {"crop": 0}}, "crop must be N or"),
            ({"preprocessing": {"resize": [1, 2, 3]}}, "resize must be N or"),
            ({"preprocessing": {"resize": True}}, "resize must be N or"),
            ({"preprocessing": {"mean": [0.5]}}, "mean has 1 value"),
            ({"preprocessing": {"mean": "0.5"}}, "mean must be three numbers"),
            ({"preprocessing": {"std": [0, 1, 1]}}, "above 0"),
            ({"preprocessing": {"interpolation": "cubic"}}, "did you mean 'bicubic'"),
        ],
    )
    def test_says_what_is_wrong(self, tmp_path, changes, told):
        with pytest.raises(ModelError, match=told):
            read_sidecar(written(tmp_path, **changes))

    def test_broken_json(self, tmp_path):
        (tmp_path / "net.json").write_text("{")
        with pytest.raises(ModelError, match="is not readable JSON"):
            read_sidecar(tmp_path / "net.pth")
