"""``--dataset`` → an open source: one literal dict, and the three forms that carry a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audit.config import DATASETS
from audit.data.base import ArraySource, Source
from audit.errors import ConfigError, nearest
from audit.user_code import is_function_name

__all__ = ["open_source"]

Opened = Source | ArraySource


def open_source(dataset: str, data_root: Path, split: str) -> Opened:
    """Open ``dataset`` (see ``audit.config.DATASETS``).

    Raises ConfigError for a name that is none of them, DataError where it cannot be read.
    """
    kind, _, rest = dataset.partition(":")
    if kind == "table" and rest:
        return _table(Path(rest), data_root)
    if kind in _OPENERS and not rest:
        return _OPENERS[kind](data_root, split)
    if is_function_name(dataset):
        return _custom(dataset)
    raise ConfigError(f"--dataset {dataset}: no such dataset; {nearest(dataset, DATASETS)}")


def _decoy(data_root: Path, split: str) -> Opened:
    from audit.data.stl10 import open_decoy  # noqa: PLC0415 - each dataset brings its own imports

    return open_decoy(data_root, split)


def _stl10(data_root: Path, split: str) -> Opened:
    from audit.data.stl10 import open_stl10  # noqa: PLC0415

    return open_stl10(data_root, split)


def _folder(data_root: Path, split: str) -> Opened:
    from audit.data.folder import FolderSource  # noqa: PLC0415

    return FolderSource(data_root, split)


def _photos(_data_root: Path, _split: str) -> Opened:
    from audit.data.photos import PhotosSource  # noqa: PLC0415

    return PhotosSource()


def _coco(data_root: Path, split: str) -> Opened:
    from audit.data.coco import CocoSource  # noqa: PLC0415

    return CocoSource(data_root, split)


def _voc(data_root: Path, split: str) -> Opened:
    from audit.data.voc import VocSource  # noqa: PLC0415

    return VocSource(data_root, split)


def _vqa(data_root: Path, split: str) -> Opened:
    from audit.data.vqa import VqaSource  # noqa: PLC0415

    return VqaSource(data_root, split)


def _captions(data_root: Path, split: str) -> Opened:
    from audit.data.coco_captions import CaptionsSource  # noqa: PLC0415

    return CaptionsSource(data_root, split)


def _decoy_vqa(data_root: Path, split: str) -> Opened:
    from audit.data.vqa import open_decoy_vqa  # noqa: PLC0415

    return open_decoy_vqa(data_root, split)


def _decoy_captions(data_root: Path, split: str) -> Opened:
    from audit.data.coco_captions import open_decoy_captions  # noqa: PLC0415

    return open_decoy_captions(data_root, split)


def _table(file: Path, data_root: Path) -> Opened:
    from audit.data.table import TableSource  # noqa: PLC0415

    return TableSource(file, data_root)


def _custom(spec: str) -> Opened:
    from audit.data.custom import CustomSource  # noqa: PLC0415

    return CustomSource(spec)


_OPENERS: dict[str, Callable[[Path, str], Opened]] = {
    "decoy": _decoy,
    "photos": _photos,
    "stl10": _stl10,
    "folder": _folder,
    "coco": _coco,
    "voc": _voc,
    "vqa": _vqa,
    "coco-captions": _captions,
    "decoy-vqa": _decoy_vqa,
    "decoy-captions": _decoy_captions,
}
