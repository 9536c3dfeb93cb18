"""Whole runs on a device with memory of its own, which PyTorch's ``meta`` is made to pretend.

Here the tensors of ``meta`` hold numbers, in a CPU tensor beside each, so that an audit runs on it
as it would on a GPU. As there, NumPy cannot read such a tensor, and an operation over tensors of
both devices is an error. What is CUDA's own (streams, pinned memory, precision) is in
``test_gpu.py``.
"""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torchvision.models import resnet18

from audit.auditing import run_audit
from audit.config import ExplainConfig, FitConfig, RunConfig
from audit.data.scenes import CaptionsSpec, VqaSpec, prepare_captions, prepare_vqa
from audit.fit import fit
from audit.pictures.explaining import explain_images

_DEVICE = torch.device("meta")
_MAY_MIX = {  # as on CUDA
    torch.ops.aten._to_copy.default,
    torch.ops.aten.copy_.default,
    torch.ops.aten.index.Tensor,
    torch.ops.aten.index_put_.default,
    torch.ops.aten._index_put_impl_.default,
}


class _Pretended(torch.Tensor):
    held: torch.Tensor

    @staticmethod
    def __new__(cls, held):
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=_DEVICE,
            dispatch_sizes_strides_policy="sizes",  # they are held's, also after transpose_()
        )
        made.held = held
        return made

    def tolist(self):
        return self.held.tolist()

    def __repr__(self):
        return f"pretended({self.held!r})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


def _run(func, args, kwargs):
    given = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, torch.Tensor)]
    ours = [one for one in given if isinstance(one, _Pretended)]
    asked = kwargs.get("device")
    if asked is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    if ours and func not in _MAY_MIX:
        for one in given:
            if not isinstance(one, _Pretended) and one.ndim:
                raise RuntimeError(f"{func}: all tensors must be on the same device")
    target = ours[0].device if asked is None and ours else asked
    if func is torch.ops.aten.copy_.default:  # stays where its first argument is
        target = given[0].device
    owner = {id(one.held): one for one in ours}
    args, kwargs = tree_map(_held, (args, kwargs))
    made = func(*args, **kwargs)
    if target is None or torch.device(target) != _DEVICE:
        return made

    def shown(one):
        if not isinstance(one, torch.Tensor):
            return one
        return owner[id(one)] if id(one) in owner else _Pretended(one)

    return tree_map(shown, made)


def _held(one):
    return one.held if isinstance(one, _Pretended) else one


@pytest.fixture
def device(monkeypatch):
    """The name of the pretended device."""
    autocast = torch.autocast

    def known(device_type, *args, **kwargs):
        return nullcontext() if device_type == "meta" else autocast(device_type, *args, **kwargs)

    monkeypatch.setattr(torch, "autocast", known)
    for make in (torch.tensor, torch.as_tensor):
        monkeypatch.setattr(torch, make.__name__, _moved(make))
    with _Mode():
        yield "meta"


def _moved(make):
    """``make``, which passes dispatch by, as one that makes a tensor here and then moves it."""

    def made(data, *args, device=None, **kwargs):
        found = make(data, *args, **kwargs)
        return found if device is None else found.to(device)

    return made


def test_tensors_of_two_devices_do_not_meet(device):
    here, there = torch.ones(3), torch.ones(3, device=device)
    assert (there + 1).cpu().tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="same device"):
        here + there
    with pytest.raises(RuntimeError, match="numpy"):
        there.numpy()


@pytest.fixture
def config(masked_config, tmp_path):
    """That audit, checks included, of a ResNet-18, whose grid is coarse."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = resnet18(num_classes=10).state_dict()
    checkpoint = tmp_path / "resnet18.pth"
    torch.save(state, checkpoint)
    return replace(masked_config, sanity=True, model="resnet18", checkpoint=checkpoint)


def _equal(first, second):
    """Whether two runs have the same tables, to what sums in another order may change."""
    for name in ("images", "media"):
        tables = [
            pq.ParquetDataset(report.parents[1] / name).read().to_pandas()
            for report in (first, second)
        ]
        for column in tables[0]:
            theirs, ours = (table[column] for table in tables)
            if theirs.dtype == np.float32:
                np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=column)
            elif column.endswith(("_cam", "_grid", "frame", "topk_probability")):
                assert ours.isna().equals(theirs.isna()), column
                least = 1 if column.endswith("_cam") else 1e-5
                for one, other in zip(theirs.dropna(), ours.dropna(), strict=True):
                    np.testing.assert_allclose(other * 1.0, one, atol=least, err_msg=column)
            else:
                assert ours.equals(theirs), column


def test_an_audit_with_its_checks_is_that_of_the_cpu(config, request):
    here = run_audit(replace(config, run="here"))
    there = replace(config, run="there", device=request.getfixturevalue("device"))
    _equal(here, run_audit(there))


@pytest.mark.parametrize(
    ("dataset", "prepare", "spec"),
    [("vqa", prepare_vqa, VqaSpec), ("coco-captions", prepare_captions, CaptionsSpec)],
)
def test_texts_are_learned_and_audited(dataset, prepare, spec, tmp_path, request):
    root = prepare(tmp_path, spec(size=64, train=24, test=4))
    device = request.getfixturevalue("device")
    config = FitConfig(
        dataset, root, epochs=1, workers=0, output=tmp_path / "m.safetensors", device=device
    )
    checkpoint = fit(config)
    run = RunConfig(dataset, root, checkpoint=checkpoint, runs_dir=tmp_path, workers=0)
    _equal(*(run_audit(replace(run, run=name, device=name)) for name in ("cpu", device)))


def test_pictures_are_explained(config, request, tmp_path):
    photo = tmp_path / "photo.png"
    Image.effect_noise((96, 96), 60).convert("RGB").save(photo)
    drawn = []
    for device in ("cpu", request.getfixturevalue("device")):
        asked = ExplainConfig(model="resnet18", checkpoint=config.checkpoint, device=device)
        written = explain_images([photo], replace(asked, output=tmp_path / f"{device}.png"))
        with Image.open(written) as picture:
            drawn.append(np.asarray(picture, dtype=float))
    np.testing.assert_allclose(*drawn, atol=2)  # levels of 255
