import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from audit.errors import ModelError
from audit.models.checkpoint import read_weights

WEIGHTS = {"fc.weight": torch.arange(6.0).view(2, 3), "fc.bias": torch.tensor([1.0, -1.0])}


class Trap:
    """A pickle that would create a file, were it ever run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def agrees(read):
    return read.keys() == WEIGHTS.keys() and all(torch.equal(read[k], WEIGHTS[k]) for k in WEIGHTS)


class TestReading:
    def test_safetensors(self, tmp_path):
        save_file(WEIGHTS, tmp_path / "m.safetensors")
        assert agrees(read_weights(tmp_path / "m.safetensors"))

    @pytest.mark.parametrize("suffix", [".pt", ".pth"])
    @pytest.mark.parametrize("legacy", [False, True])
    def test_plain_state_dict(self, tmp_path, suffix, legacy):
        path = tmp_path / f"m{suffix}"
        torch.save(WEIGHTS, path, _use_new_zipfile_serialization=not legacy)
        assert agrees(read_weights(path))

    @pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
    def test_nested_state_dict(self, tmp_path, key):
        content = {"epoch": 3, "optimizer": {"lr": 0.1}, key: WEIGHTS}
        torch.save(content, tmp_path / "m.pth")
        assert agrees(read_weights(tmp_path / "m.pth"))


class TestRefusals:
    def test_a_malicious_pickle_is_not_run(self, tmp_path):
        mark = tmp_path / "ran"
        torch.save({"state_dict": WEIGHTS, "extra": Trap(mark)}, tmp_path / "m.pth")
        with pytest.raises(ModelError, match=r"needs pathlib.*\.touch|is refused.*safetensors"):
            read_weights(tmp_path / "m.pth")
        assert not mark.exists()

    def test_a_bare_malicious_pickle_is_not_run(self, tmp_path):
        mark = tmp_path / "ran"
        (tmp_path / "m.pt").write_bytes(pickle.dumps(Trap(mark)))
        with pytest.raises(ModelError, match=r"m\.pt"):
            read_weights(tmp_path / "m.pt")
        assert not mark.exists()

    def test_a_whole_pickled_module_names_its_class(self, tmp_path):
        torch.save(nn.Linear(2, 2), tmp_path / "m.pt")
        with pytest.raises(ModelError, match=r"it needs torch\.nn\.modules\.linear\.Linear"):
            read_weights(tmp_path / "m.pt")

    def test_torchscript(self, tmp_path):
        # The parts of such an archive that tell it: TorchScript itself is being retired.
        with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
            archive.writestr("m/data.pkl", b"")
            archive.writestr("m/code/__torch__.py", "class M: pass")
        with pytest.raises(ModelError, match="TorchScript archive"):
            read_weights(tmp_path / "m.pt")

    @pytest.mark.parametrize(
        "name", ["hf-hub:timm/resnet18", "https://example.org/m.pth", "s3://bucket/m.pt"]
    )
    def test_remote_names(self, name):
        with pytest.raises(ModelError, match="not a local file"):
            read_weights(Path(name))

    @pytest.mark.parametrize("name", ["m.ckpt", "m.pkl", "m.bin", "m"])
    def test_other_files(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(ModelError, match=r"read are \.safetensors"):
            read_weights(tmp_path / name)

    def test_a_missing_file_lists_its_neighbours(self, tmp_path):
        save_file(WEIGHTS, tmp_path / "best.safetensors")
        with pytest.raises(ModelError, match=r"does not exist; beside it lie best\.safetensors"):
            read_weights(tmp_path / "bset.safetensors")
        with pytest.raises(ModelError, match="there is no folder"):
            read_weights(tmp_path / "none" / "m.pth")

    def test_a_folder(self, tmp_path):
        (tmp_path / "m.pth").mkdir()
        with pytest.raises(ModelError, match="is a folder"):
            read_weights(tmp_path / "m.pth")

    @pytest.mark.parametrize("name", ["m.safetensors", "m.pth"])
    def test_empty_and_lfs_and_damaged(self, tmp_path, name):
        path = tmp_path / name
        path.write_bytes(b"")
        with pytest.raises(ModelError, match="is empty"):
            read_weights(path)
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n")
        with pytest.raises(ModelError, match="Git LFS pointer"):
            read_weights(path)
        path.write_bytes(b"\x80\x02no weights at all")
        with pytest.raises(ModelError, match=name):
            read_weights(path)

    @pytest.mark.parametrize("name", ["m.safetensors", "m.pth"])
    def test_cut_short(self, tmp_path, name):
        path = tmp_path / name
        if path.suffix == ".pth":
            torch.save(WEIGHTS, path)
        else:
            save_file(WEIGHTS, path)
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(ModelError, match=name):
            read_weights(path)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ({"net": WEIGHTS, "epoch": 3}, "holds 'net', 'epoch', but no state dict"),
            ([1, 2], "holds a list"),
            (torch.zeros(3), "holds a Tensor"),
            ({}, "holds nothing"),
        ],
    )
    def test_no_state_dict(self, tmp_path, content, told):
        torch.save(content, tmp_path / "m.pt")
        with pytest.raises(ModelError, match=told):
            read_weights(tmp_path / "m.pt")
