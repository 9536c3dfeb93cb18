"""The drawn datasets on disk: made once, whole or not at all, in VQA v2's and COCO's layouts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from audit.data.once import Made
from audit.data.scenes.files import Shown, captions_files, image_name, shown, vqa_files
from audit.data.scenes.scene import render_scene
from audit.data.scenes.spec import CaptionsSpec, ScenesSpec, VqaSpec

__all__ = ["prepare_captions", "prepare_vqa"]

_BYTES_PER_PIXEL = 2.5  # of a scene's PNG and JSON, about

#: The JSON files of a split by their names below the folder, from its scenes.
_Files = Callable[[ScenesSpec, str, Sequence[Shown]], Mapping[str, Any]]


def prepare_vqa(data_root: Path, spec: VqaSpec | None = None) -> Path:
    """Return the folder of ``decoy-vqa``, making it first if it is not there.

    The folder is ``<data_root>/decoy-vqa/<spec.key>``. For each split it holds what
    ``audit.data.vqa`` reads: questions, annotations, regions, instances, and the images below
    ``<split>``. Raises DataError where the folder cannot be written.
    """
    return _made(data_root, spec or VqaSpec(), vqa_files)


def prepare_captions(data_root: Path, spec: CaptionsSpec | None = None) -> Path:
    """Return the folder of ``decoy-captions``, making it first if it is not there.

    As ``prepare_vqa``, with what ``audit.data.coco_captions`` reads.
    """
    return _made(data_root, spec or CaptionsSpec(), captions_files)


def _made(data_root: Path, spec: ScenesSpec, files: _Files) -> Path:
    return Made(
        folder=Path(data_root) / spec.name / spec.key,
        what=spec.name,
        record=f"{spec.name}.json",
        spec=spec.as_json(),
        n_bytes=round(_total(spec) * spec.size**2 * _BYTES_PER_PIXEL),
        write=lambda folder: _write_all(folder, spec, files),
    ).ready()


def _total(spec: ScenesSpec) -> int:
    return sum(spec.count(split) for split in spec.splits)


def _write_all(folder: Path, spec: ScenesSpec, files: _Files) -> None:
    with tqdm(total=_total(spec), desc=spec.name, unit="img", disable=None) as progress:
        for split in spec.splits:
            (folder / split).mkdir()
            scenes = list(_write_images(folder / split, spec, split, progress))
            for name, content in files(spec, split, scenes).items():
                file = folder / name
                file.parent.mkdir(exist_ok=True)
                file.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def _write_images(folder: Path, spec: ScenesSpec, split: str, progress: Any) -> Iterator[Shown]:
    for index in range(spec.count(split)):
        scene = render_scene(spec, split, index)
        image = Image.fromarray(scene.pixels)
        image.save(folder / image_name(split, index), compress_level=1)
        progress.update()
        yield shown(scene)
