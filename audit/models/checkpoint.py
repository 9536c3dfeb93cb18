"""Weights from a file: tensors only. Nothing a file says is ever run or imported."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from audit.errors import ModelError

__all__ = ["NESTED_KEYS", "read_weights"]

#: Where training scripts put the state dict inside what they save, in the order they are tried.
NESTED_KEYS = ("state_dict", "model", "model_state_dict")

_LFS = b"version https://git-lfs.github.com/spec/"
_REMOTE = re.compile(r"(hf[-_]hub|https?|s3|gs|file):", re.IGNORECASE)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a ``.safetensors``, or of a ``.pt``/``.pth`` with ``weights_only=True``.

    A ``.pt``/``.pth`` holds a plain state dict, or one nested under one of ``NESTED_KEYS``. Names
    are returned as stored; ``audit.models.weights.fit_weights`` deals with wrappers' prefixes.

    Raises
    ------
    ModelError
        For remote names, missing, empty and other files, Git LFS pointers, TorchScript archives,
        pickles that need code, and files without a state dict.
    """
    _refuse_remote(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ModelError(
            f"checkpoint {path} ends in {path.suffix or 'nothing'!r}; read are .safetensors, and"
            " .pt or .pth with tensors only"
        )
    _refuse_unreadable(path)
    weights = reader(path)
    if not weights:
        raise ModelError(f"checkpoint {path} holds no tensors")
    return weights


def _refuse_remote(path: Path) -> None:
    if _REMOTE.match(str(path)):
        raise ModelError(
            f"checkpoint {str(path)!r} is not a local file: nothing is fetched by name; download it"
            " and give the .safetensors, .pt or .pth file"
        )


def _refuse_unreadable(path: Path) -> None:
    if path.is_dir():
        raise ModelError(f"checkpoint {path} is a folder; give the weights file itself")
    try:
        with path.open("rb") as file:
            head = file.read(len(_LFS))
    except FileNotFoundError:
        raise ModelError(f"checkpoint {path} does not exist{_siblings(path)}") from None
    except OSError as error:
        raise ModelError(f"checkpoint {path} cannot be read: {error.strerror}") from error
    if not head:
        raise ModelError(f"checkpoint {path} is empty (0 bytes)")
    if head == _LFS:
        raise ModelError(
            f"checkpoint {path} is a Git LFS pointer, not the weights; fetch them with 'git lfs"
            " pull'"
        )


def _siblings(path: Path) -> str:
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}"
    found = sorted(p.name for p in path.parent.iterdir() if p.suffix.lower() in _READERS)
    return f"; beside it lie {', '.join(found[:8])}" if found else "; no weights lie beside it"


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path, device="cpu")
    except (SafetensorError, ValueError, OSError) as error:
        raise ModelError(f"checkpoint {path} is no complete safetensors file: {error}") from error
    return tensors


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        scripted = _is_torchscript(path)
        content = None if scripted else _loaded(path)
    except pickle.UnpicklingError as error:
        raise ModelError(_code_refused(path, str(error))) from error
    except Exception as error:  # damaged bytes make the unpickler fail in any way
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"checkpoint {path} is not a file torch.save wrote, or is damaged: {reason}"
        ) from error
    if scripted:
        raise ModelError(
            f"checkpoint {path} is a TorchScript archive (code and weights); save the weights with"
            " safetensors.torch.save_file(model.state_dict(), 'model.safetensors') and name the"
            " architecture with --model"
        )
    return _state_dict(content, path)


def _loaded(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on pickle protocols; what fails is told anyway
        return torch.load(path, map_location="cpu", weights_only=True)


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _code_refused(path: Path, reason: str) -> str:
    found = re.search(r"GLOBAL (\S+) was not an allowed global", reason)
    what = f"it needs {found.group(1)}" if found else "it is no pickle of tensors"
    return (
        f"checkpoint {path} is refused: {what}, and a checkpoint is read as tensors only"
        " (weights_only=True), because loading more would run its code; save it again with"
        " safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
    )


def _state_dict(content: Any, path: Path) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        raise ModelError(
            f"checkpoint {path} holds a {type(content).__name__}, not a state dict (tensor names to"
            " tensors)"
        )
    if _is_state_dict(content):
        return dict(content)
    for key in NESTED_KEYS:
        nested = content.get(key)
        if isinstance(nested, Mapping) and _is_state_dict(nested):
            return dict(nested)
    keys = ", ".join(repr(key) for key in list(content)[:8]) or "nothing"
    raise ModelError(
        f"checkpoint {path} holds {keys}, but no state dict: neither itself nor under"
        f" {', '.join(NESTED_KEYS)}"
    )


def _is_state_dict(content: Mapping[Any, Any]) -> bool:
    return bool(content) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )


_READERS: dict[str, Callable[[Path], dict[str, Tensor]]] = {
    ".safetensors": _read_safetensors,
    ".pt": _read_pickle,
    ".pth": _read_pickle,
}
