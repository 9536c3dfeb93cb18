"""Decoy datasets on disk: made once, whole or not at all, in STL10's binary format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from audit.data.decoy.render import draw_labels, render
from audit.data.decoy.spec import CLASSES, SPLITS, DecoySpec
from audit.data.once import Made

__all__ = ["prepare"]


def prepare(data_root: Path, spec: DecoySpec | None = None) -> Path:
    """Return the folder of a decoy dataset, making it first if it is not there.

    The folder is ``<data_root>/decoy/<spec.key>``. For each split it holds ``<split>_X.bin``
    (N×3×size×size uint8, each channel stored column by column, as STL10 does), ``<split>_y.bin``
    (uint8 labels 1 to 10) and ``<split>_mask.bin`` (N×size×size uint8, 1 on the object, column by
    column); beside them ``class_names.txt`` (one name a line) and ``decoy.json`` (spec with the
    generator's version, bytes and SHA-256 of each file). It is built under another name and
    renamed when complete. ``spec`` defaults to ``DecoySpec()``. Raises DataError where the folder
    cannot be written.
    """
    spec = spec or DecoySpec()
    return Made(
        folder=Path(data_root) / "decoy" / spec.key,
        what="decoy",
        record="decoy.json",
        spec=spec.as_json(),
        n_bytes=_total_bytes(spec),
        write=lambda folder: _write_all(folder, spec),
    ).ready()


def _total_bytes(spec: DecoySpec) -> int:
    return sum(spec.count(split) for split in SPLITS) * (4 * spec.size**2 + 1)


def _write_all(folder: Path, spec: DecoySpec) -> None:
    total = sum(spec.count(split) for split in SPLITS)
    with tqdm(total=total, desc="decoy images", unit="img", disable=None) as progress:
        for split in SPLITS:
            _write_split(folder, spec, split, progress)
    (folder / "class_names.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")


def _write_split(folder: Path, spec: DecoySpec, split: str, progress: Any) -> None:
    labels = draw_labels(spec, split)
    (folder / f"{split}_y.bin").write_bytes((labels + 1).astype(np.uint8).tobytes())
    with (
        (folder / f"{split}_X.bin").open("wb") as x,
        (folder / f"{split}_mask.bin").open("wb") as m,
    ):
        for index in range(len(labels)):
            scene = render(spec, split, index)
            x.write(scene.pixels.transpose(2, 1, 0).tobytes())
            m.write(scene.mask.astype(np.uint8).T.tobytes())
            progress.update()
