"""torchvision's datasets whose items carry regions: their targets as labels and objects.

- ``OxfordIIITPet``: value 1 of the trimap is the pet, of the image's class; 3, the border, is
  ignored.
- ``VOCDetection``: boxes; ``difficult`` ones are ignored, and give the label only where there is
  no other. The label is the class of the largest.
- ``VOCSegmentation``: one object a class; 255 is ignored. The label is the class of most pixels.
- ``CocoDetection``: masks where given, else boxes; ``iscrowd`` is ignored. The label is the class
  of the largest other object, by ``area``.

Labels come from the annotations: no image is decoded for them. A transform that leaves an image of
another size than its annotation makes the item unusable; one that moves pixels within the image
cannot be noticed.
"""

from __future__ import annotations

import operator
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from PIL import Image

from audit.data.coco import CocoFile, CocoImage, is_size
from audit.data.decode import UnreadableImage, one_line, shown_name
from audit.data.voc import VOC_CLASSES
from audit.errors import DataError
from audit.records import OTHER, AnnotatedObject, Annotation, Listing
from audit.regions.boxes import union_area
from audit.regions.coco import CocoAnnotations
from audit.regions.join import examples
from audit.regions.voc import VocFiles

__all__ = ["Adapter", "Listed", "adapter_of", "raster_of"]

_PET, _BACKGROUND, _BORDER = 1, 2, 3  # values of a trimap
_IGNORED = 255  # of a class-index mask

_Shown = tuple[int, tuple[int, ...]]  # an image's label (-1: none), and its further classes


@dataclass(frozen=True)
class Listed:
    """What the annotations say of all N items."""

    labels: np.ndarray  # int64[N]; -1: no object of a class
    present: tuple[tuple[int, ...], ...]  # N: further classes shown
    names: tuple[str, ...]  # N
    warnings: tuple[str, ...]


class Adapter(ABC):
    """What the targets of one torchvision dataset mean.

    ``positions`` are those that are audited: item i is the dataset's item ``positions[i]``.
    """

    classes: tuple[str, ...]
    _warnings: tuple[str, ...] = ()

    def __init__(self, dataset: Any, positions: Sequence[int]) -> None:
        self._dataset = dataset
        self._positions = positions

    def listed(self) -> Listed:
        """Labels, further classes and names of all items, without decoding their images.

        An item whose annotation cannot be read has the label -1, and is warned of.
        """
        shown, bad = [], []
        names = [shown_name(self._name(position)) for position in self._positions]
        for position, name in zip(self._positions, names, strict=True):
            try:
                shown.append(self._shown(position))
            except Exception as error:  # read() will tell of this item
                shown.append((-1, ()))
                bad.append(one_line(f"{name}: {type(error).__name__}: {error}"))
        labels = np.array([label for label, _ in shown], dtype=np.int64)
        without = [name for name, label in zip(names, labels, strict=True) if label < 0]
        counted = {"annotations that cannot be read": bad, "images without label": without}
        warnings = [
            f"{what}: {len(them)} ({examples(them)})" for what, them in counted.items() if them
        ]
        return Listed(
            labels,
            tuple(present for _, present in shown),
            tuple(names),
            (*self._warnings, *warnings),
        )

    def annotation(self, index: int, target: Any, size: tuple[int, int]) -> tuple[int, Annotation]:
        """The label of item ``index``, and its objects on its image of ``size`` (height, width).

        Raises UnreadableImage for a target of an image of another size or of another form than
        torchvision's, and what Pillow raises for a damaged mask.
        """
        return self._found(self._positions[index], target, size)

    @abstractmethod
    def fits(self, target: Any) -> bool:
        """Whether ``target`` has torchvision's form: a ``target_transform`` may make another."""

    @abstractmethod
    def _name(self, position: int) -> str: ...

    @abstractmethod
    def _shown(self, position: int) -> _Shown: ...

    @abstractmethod
    def _found(
        self, position: int, target: Any, size: tuple[int, int]
    ) -> tuple[int, Annotation]: ...


def adapter_of(dataset: Any) -> Adapter | None:
    """The adapter of a torchvision dataset that carries regions, also through ``Subset``.

    None for any other dataset. Raises DataError where its annotations cannot be used.
    """
    datasets = sys.modules.get("torchvision.datasets")  # which whoever made one has imported
    positions: Sequence[int] = range(len(dataset))
    while isinstance(dataset, torch.utils.data.Subset):
        positions = [int(dataset.indices[i]) for i in positions]
        dataset = dataset.dataset
    for name, adapter, carries in _ADAPTERS if datasets else ():
        if isinstance(dataset, getattr(datasets, name)) and carries(dataset):
            try:
                return adapter(dataset, positions)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                said = one_line(f"{type(error).__name__}: {error}")
                raise DataError(f"the annotations of a {name} cannot be used: {said}") from error
    return None


def raster_of(mask: Any, size: tuple[int, int]) -> np.ndarray:
    """``mask`` as an array; UnreadableImage where it is not of ``size`` (height, width)."""
    array = np.asarray(mask)
    if array.shape != size:
        raise UnreadableImage(f"the mask is of shape {array.shape}, the image {size[0]}×{size[1]}")
    return array


class _Pets(Adapter):
    """Classes are the breeds; where only ``binary-category`` is asked for, cat and dog."""

    def __init__(self, dataset: Any, positions: Sequence[int]) -> None:
        super().__init__(dataset, positions)
        self._types: list[str] = dataset._target_types
        binary = "binary-category" in self._types and "category" not in self._types
        self._category = "binary-category" if binary else "category"
        self._labels: list[int] = dataset._bin_labels if binary else dataset._labels
        self.classes = tuple(dataset.bin_classes if binary else dataset.classes)

    def fits(self, target: Any) -> bool:
        if len(self._types) > 1:
            return isinstance(target, (tuple, list)) and len(target) == len(self._types)
        return _is_raster(target) == ("segmentation" in self._types)

    def _name(self, position: int) -> str:
        return PurePath(self._dataset._images[position]).name

    def _shown(self, position: int) -> _Shown:
        return self._labels[position], ()

    def _found(self, position: int, target: Any, size: tuple[int, int]) -> tuple[int, Annotation]:
        parts = dict(zip(self._types, target if len(self._types) > 1 else [target], strict=True))
        label = operator.index(parts.get(self._category, self._labels[position]))
        if "segmentation" not in parts:
            return label, Annotation()
        return label, Annotation(_pet(_indices(parts["segmentation"], size)))


class _VocBoxes(Adapter):
    classes = VOC_CLASSES

    def __init__(self, dataset: Any, positions: Sequence[int]) -> None:
        super().__init__(dataset, positions)
        files = [Path(file) for file in dataset.annotations]
        self._files = VocFiles(files[0].parent, {i: files[i].name for i in positions})
        index = {name: i for i, name in enumerate(VOC_CLASSES)}
        self._labels = {name: index.get(name, OTHER) for name in self._files.categories}
        self._warnings = self._files.warnings

    def fits(self, target: Any) -> bool:
        return isinstance(target, dict) and isinstance(target.get("annotation"), dict)

    def _name(self, position: int) -> str:
        return PurePath(self._dataset.images[position]).name

    def _shown(self, position: int) -> _Shown:
        return _ranked(
            (one.difficult, union_area(np.array([one.box])), self._labels.get(one.name, OTHER))
            for one in self._files.objects(position)
        )

    def _found(self, position: int, target: Any, size: tuple[int, int]) -> tuple[int, Annotation]:
        stated = target["annotation"].get("size") or {}
        _check_size(stated.get("height"), stated.get("width"), size)
        return self._shown(position)[0], self._files.of(position, self._labels, size, 1)


class _VocMasks(Adapter):
    classes = VOC_CLASSES

    def __init__(self, dataset: Any, positions: Sequence[int]) -> None:
        super().__init__(dataset, positions)
        self._warnings = (f"all {len(positions)} masks were opened once to learn the labels",)

    def fits(self, target: Any) -> bool:
        return _is_raster(target)

    def _name(self, position: int) -> str:
        return PurePath(self._dataset.images[position]).name

    def _shown(self, position: int) -> _Shown:
        with Image.open(self._dataset.masks[position]) as mask:
            return _most_pixels(_indices(mask))

    def _found(
        self,
        position: int,  # noqa: ARG002 - the target says it all
        target: Any,
        size: tuple[int, int],
    ) -> tuple[int, Annotation]:
        mask = _indices(target, size)
        found = [int(value) for value in np.unique(mask) if value]
        objects = tuple(
            AnnotatedObject(
                mask=mask == value,
                label=value - 1 if value <= len(VOC_CLASSES) else OTHER,
                ignore=value == _IGNORED,
            )
            for value in found
        )
        return _most_pixels(mask)[0], Annotation(objects)


class _Coco(Adapter):
    def __init__(self, dataset: Any, positions: Sequence[int]) -> None:
        super().__init__(dataset, positions)
        held = dataset.coco
        self._images = tuple(_coco_image(held.imgs[key]) for key in dataset.ids)
        categories = tuple((key, str(held.cats[key]["name"])) for key in sorted(held.cats))
        self.classes = tuple(dict.fromkeys(name for _, name in categories))
        source = str((held.dataset.get("info") or {}).get("region_source", ""))
        file = CocoFile(
            file=Path(type(dataset).__name__),
            digest="",
            source=source if source.startswith("pseudo:") else "annotation",
            images=self._images,
            categories=categories,
            annotations=held.dataset["annotations"],
        )
        none = np.zeros(len(self._images), np.int64)
        names = tuple(image.name for image in self._images)
        self._annotations = CocoAnnotations(file, Listing(self.classes, none, names, none))
        self._warnings = self._annotations.warnings

    def fits(self, target: Any) -> bool:
        return isinstance(target, list) and all(isinstance(one, dict) for one in target)

    def _name(self, position: int) -> str:
        return self._images[position].name

    def _shown(self, position: int) -> _Shown:
        areas = self._annotations.areas(position)
        return _ranked((False, area, label) for label, area in areas.items())

    def _found(
        self,
        position: int,
        target: Any,  # noqa: ARG002 - the annotations are read already, and checked
        size: tuple[int, int],
    ) -> tuple[int, Annotation]:
        _check_size(*(self._images[position].size or (0, 0)), size)
        return self._shown(position)[0], self._annotations.of(position, size, 1)


def _indices(target: Any, size: tuple[int, int] | None = None) -> np.ndarray:
    """A target as H×W class indices; also a tensor of 1×H×W, as ``PILToTensor`` makes it."""
    array = np.asarray(target)
    if array.ndim == 3 and len(array) == 1:  # noqa: PLR2004 - 1×H×W
        array = array[0]
    if array.dtype.kind not in "iu" or array.ndim != 2:  # noqa: PLR2004 - H×W
        raise UnreadableImage(
            f"the mask is {array.dtype} of shape {array.shape}: expected H×W class indices"
        )
    return array if size is None else raster_of(array, size)


def _is_raster(target: Any) -> bool:
    return isinstance(target, (Image.Image, np.ndarray, torch.Tensor))


def _pet(trimap: np.ndarray) -> tuple[AnnotatedObject, ...]:
    strange = set(np.unique(trimap).tolist()) - {_PET, _BACKGROUND, _BORDER}
    if strange:
        raise UnreadableImage(
            f"the trimap holds the value {min(strange)}: "
            "expected 1 (pet), 2 (background) and 3 (border)"
        )
    parts = ((trimap == _PET, False), (trimap == _BORDER, True))
    return tuple(AnnotatedObject(mask=mask, ignore=ignore) for mask, ignore in parts if mask.any())


def _most_pixels(mask: np.ndarray) -> _Shown:
    counts = np.bincount(mask.ravel(), minlength=_IGNORED + 1)
    return _ranked((False, int(counts[i + 1]), i) for i in range(len(VOC_CLASSES)) if counts[i + 1])


def _ranked(objects: Iterable[tuple[bool, float, int]]) -> _Shown:
    """The class of the first by (ignored, area, class), the largest area first, and the others."""
    order = [one[2] for one in sorted(objects, key=lambda one: (one[0], -one[1])) if one[2] >= 0]
    return (order[0], tuple(sorted({*order} - {order[0]}))) if order else (-1, ())


def _check_size(height: Any, width: Any, size: tuple[int, int]) -> None:
    """UnreadableImage where an annotation states another size than the image's; 0: it does not."""
    stated = int(float(height or 0)), int(float(width or 0))
    if all(stated) and stated != size:
        swapped = "; torchvision does not turn photos by their EXIF orientation"
        raise UnreadableImage(
            f"the objects are of an image of shape {stated}, this one is {size[0]}×{size[1]}: "
            f"leave out transforms that change its size{swapped if stated == size[::-1] else ''}"
        )


def _coco_image(held: dict[str, Any]) -> CocoImage:
    stated = held.get("height"), held.get("width")
    size = (int(held["height"]), int(held["width"])) if is_size(stated) else None
    return CocoImage(held["id"], str(held.get("file_name", held["id"])), size)


_ADAPTERS: tuple[tuple[str, type[Adapter], Callable[[Any], bool]], ...] = (
    ("OxfordIIITPet", _Pets, lambda held: held._target_types not in ([], ["category"])),
    ("VOCDetection", _VocBoxes, lambda _: True),
    ("VOCSegmentation", _VocMasks, lambda _: True),
    ("CocoDetection", _Coco, lambda held: bool(held.coco.cats and held.coco.anns)),
)
