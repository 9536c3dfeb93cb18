"""``--dataset package.module:function``: a user's own map-style dataset.

The function is called without arguments, with the current folder first on the module path, and once
more in a worker process that is not forked. It returns an object with ``__len__`` and
``__getitem__``, whose items are ``audit.records.Sample`` or torchvision's (image, label) pairs; the
targets of those of its datasets that carry regions are read by ``audit.data.torchvision_items``.

- ``classes``, if it has them, are the names in label order; without, classes are "0" to "K-1".
- Labels must be known before images are decoded. They come from an attribute ``targets`` or
  ``labels`` (N integers), as torchvision's datasets have it, also through a ``Subset``. Without
  one, or where it disagrees with the first item, every item is fetched once, which is said.
- ``paths``, N names to show, is optional too.
- Arrays, tensors and PIL images are taken as they are; the path of a file is read like any other
  image. uint8 is expected. Floats in [0, 1] are accepted, because torchvision's ``ToTensor`` makes
  them and ×255 undoes it exactly; normalised ones are refused: preprocessing is the audit's.

An item that raises, or does not fit, makes that one image unreadable; if the first item does not
fit, so will the others, and that is an error. The digest is that of the pixels, or of the file.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image

from audit.data.decode import UnreadableImage, digest_of, one_line, read_file, shown_name, to_rgb
from audit.data.torchvision_items import adapter_of, raster_of
from audit.errors import DataError
from audit.records import AnnotatedObject, Annotation, Listing, Reading, Sample
from audit.regions.boxes import objects_of
from audit.user_code import call_named

__all__ = ["CustomSource"]

_LABELS = ("targets", "labels")
_MAX_CLASSES = 100_000  # without names; a larger number is an identifier
_HELD = 4096  # more than a batch
_NO_MAP = "expected a map-style dataset, with __len__ and __getitem__"
_EXPECTED = (
    "expected uint8 RGB of shape H×W×3, 3×H×W or H×W, floats in [0, 1] (before any Normalize), "
    "a PIL image, or the path of a file"
)


class CustomSource:
    """The dataset that ``spec`` (``package.module:function``) makes.

    ``warnings`` says where every item had to be fetched to learn the labels. Raises DataError where
    the function is missing or fails, or returns what is no such dataset.
    """

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._dataset = _dataset(spec)
        self._adapter = adapter_of(self._dataset)
        self._held: dict[int, Mapping[str, str]] = {}  # slices of the images read lately
        self._listing, self.warnings = self._listed()

    def __getstate__(self) -> dict[str, Any]:
        """Without the dataset: it may hold open files or functions that cannot travel."""
        return {**self.__dict__, "_dataset": None, "_adapter": bool(self._adapter), "_held": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._dataset = _dataset(self._spec)
        self._adapter = adapter_of(self._dataset) if state["_adapter"] else None

    @property
    def listing(self) -> Listing:
        """Sizes are 0: what an item takes is not known without fetching it."""
        return self._listing

    def read(self, index: int) -> Reading:
        """Fetch item ``index``; whatever it raises becomes the Reading's detail."""
        name = self._listing.paths[index] if self._listing.paths else f"{self._spec}[{index}]"
        try:
            label, reading = self._understood(index, self._sample(index), name)
            _check_label(label, int(self._listing.labels[index]))
        except UnreadableImage as error:
            detail = str(error)
        except (Exception, SystemExit) as error:  # the user's code may raise anything
            detail = one_line(f"{type(error).__name__}: {error}")
        else:
            return reading
        return Reading(None, digest_of(b"no pixels\0", name.encode()), detail)

    def slices(self, index: int) -> Mapping[str, str]:
        """The item's own ``slices``, as text; none where it cannot be fetched."""
        try:
            if index not in self._held:
                self._sample(index)
            return self._held[index]
        except (Exception, SystemExit):  # read() tells why
            return {}

    def _sample(self, index: int) -> Sample:
        """Fetch item ``index``, and keep its slices: they are asked for after a batch was read."""
        sample = _as_sample(self._dataset[index])
        if len(self._held) >= _HELD:
            self._held.clear()
        self._held[index] = {str(name): str(value) for name, value in sample.slices.items()}
        return sample

    def _understood(self, index: int, sample: Sample, name: str) -> tuple[int, Reading]:
        """The label of item ``index``, and its image with its objects.

        Raises UnreadableImage for what does not fit, and whatever an odd object raises.
        """
        if self._adapter is None:
            return _label(sample), _reading(sample, name)
        reading = _image(sample.image)
        height, width = cast(np.ndarray, reading.pixels).shape[:2]
        label, annotation = self._adapter.annotation(index, sample.label, (height, width))
        return label, replace(reading, annotation=annotation)

    def _listed(self) -> tuple[Listing, tuple[str, ...]]:
        first = self._first()
        n = len(self._dataset)
        sizes = np.zeros(n, np.int64)
        annotations = digest_of(self._spec.encode())  # whether there are any, the items will tell
        paths: Iterable[Any] | None = _attribute(self._dataset, "paths")
        if self._adapter is not None:
            found = self._adapter.listed()
            names = _names(found.names if paths is None else paths, n)
            classes = self._adapter.classes
            listing = Listing(classes, found.labels, names, sizes, annotations, found.present)
            return listing, found.warnings
        targets = _integers(self._dataset, n)
        warnings: tuple[str, ...] = ()
        if targets is None or first not in (None, targets[0]):
            disagree = "" if targets is None else " (its own list disagrees with its first item)"
            warnings = (f"all {n} items were fetched once to learn their labels{disagree}",)
            targets, fetched = self._fetch_all(n)
            paths = fetched if paths is None else paths
        classes = _classes(self._dataset, targets)
        listing = Listing(classes, targets, _names(paths, n), sizes, annotations)
        return listing, warnings

    def _first(self) -> int | None:
        """Item 0's label; None where it raises, DataError where it cannot be audited at all."""
        try:
            sample = self._sample(0)
            if self._adapter is not None and not self._adapter.fits(sample.label):
                self._adapter = None  # its targets are not as torchvision makes them
            return self._understood(0, sample, "")[0]
        except NotImplementedError as error:
            raise DataError(f"--dataset {self._spec}: {_NO_MAP}") from error
        except UnreadableImage as error:
            raise DataError(f"--dataset {self._spec}: item 0: {error}") from error
        except (Exception, SystemExit):  # that image is unreadable; the next ones may be fine
            return None

    def _fetch_all(self, n: int) -> tuple[np.ndarray, list[str] | None]:
        """Every item's label (-1 where it cannot be fetched) and name, if any has one."""
        labels, names = np.full(n, -1, dtype=np.int64), [""] * n
        for index in range(n):
            try:
                sample = self._sample(index)
                labels[index] = _label(sample)
            except (Exception, SystemExit):  # noqa: S112 - read() will tell
                continue
            names[index] = sample.path or ""
        return labels, [name or f"[{i}]" for i, name in enumerate(names)] if any(names) else None


def _dataset(spec: str) -> Any:
    made = call_named(spec, "--dataset", DataError)
    whole = all(hasattr(type(made), method) for method in ("__len__", "__getitem__"))
    if not whole or isinstance(made, Mapping | str):
        raise DataError(f"--dataset {spec} returned a {type(made).__name__}: {_NO_MAP}")
    if not len(made):
        raise DataError(f"--dataset {spec} returned an empty {type(made).__name__}")
    return made


def _attribute(dataset: Any, name: str) -> Any:
    """An attribute of the dataset, or of the one that it is a ``torch.utils.data.Subset`` of."""
    value = getattr(dataset, name, None)
    if value is not None or not isinstance(dataset, torch.utils.data.Subset):
        return value
    inner = _attribute(dataset.dataset, name)
    if inner is None or name == "classes":
        return inner
    return [inner[i] for i in dataset.indices]


def _integers(dataset: Any, n: int) -> np.ndarray | None:
    """int64[N] of the first attribute that holds N integers (VOC's ``targets`` are file names)."""
    for name in _LABELS:
        try:
            values = np.asarray(_attribute(dataset, name))
        except Exception:  # noqa: S112 - not a list of labels, then
            continue
        if values.shape == (n,) and values.dtype.kind in "iu":
            return values.astype(np.int64)
    return None


def _classes(dataset: Any, labels: np.ndarray) -> tuple[str, ...]:
    held = _attribute(dataset, "classes")
    limit = _MAX_CLASSES if held is None else len(held)
    wrong = np.flatnonzero((labels < -1) | (labels >= limit))
    if len(wrong):
        raise DataError(
            f"item {wrong[0]} has the label {labels[wrong[0]]}: "
            f"expected 0 to {limit - 1}, or -1 for none"
        )
    if held is None:
        return tuple(map(str, range(int(labels.max()) + 1)))
    # torchvision's ImageNet holds a tuple of synonyms a class
    return tuple(str(one[0] if isinstance(one, tuple) else one) for one in held)


def _names(paths: Iterable[Any] | None, n: int) -> tuple[str, ...] | None:
    names = None if paths is None else tuple(shown_name(str(path)) for path in paths)
    if names is not None and len(names) != n:
        raise DataError(f"the dataset holds {n} items, its attribute paths {len(names)}")
    return names


def _as_sample(item: Any) -> Sample:
    if isinstance(item, Sample):
        return item
    if isinstance(item, (tuple, list)) and len(item) == 2:  # noqa: PLR2004 - a pair
        return Sample(image=item[0], label=item[1])
    size = f" of length {len(item)}" if isinstance(item, (tuple, list)) else ""
    raise UnreadableImage(
        f"the item is a {type(item).__name__}{size}: "
        "expected an audit.records.Sample or an (image, label) pair"
    )


def _label(sample: Sample) -> int:
    if sample.label is None:
        return -1
    try:
        return operator.index(sample.label)
    except TypeError:
        said = _described(sample.label)
        raise UnreadableImage(f"the label is {said}: expected an integer class index") from None


def _check_label(label: int, listed: int) -> None:
    if label != listed:
        raise UnreadableImage(f"the item's label is {label}, the dataset lists it as {listed}")


def _reading(sample: Sample, name: str) -> Reading:
    """Raises UnreadableImage for what does not fit, and whatever an odd object raises."""
    if isinstance(sample.image, str | Path):
        reading = read_file(sample.image, name)
    else:
        reading = _image(sample.image)
    if reading.pixels is None:
        return reading
    if sample.boxes is not None and sample.mask is not None:
        raise UnreadableImage("the item has boxes and a mask: expected at most one of the two")
    height, width = reading.pixels.shape[:2]
    return replace(reading, annotation=Annotation(_objects(sample, height, width)))


def _objects(sample: Sample, height: int, width: int) -> tuple[AnnotatedObject, ...]:
    if sample.mask is not None:
        mask = _mask(sample.mask, height, width)
        return (AnnotatedObject(mask=mask),) if mask.any() else ()
    return objects_of(_boxes(sample.boxes))


def _image(image: Any) -> Reading:
    pixels, note = _pixels(image)
    shape = np.array(pixels.shape[:2], dtype=np.int64)
    return Reading(pixels, digest_of(shape.tobytes(), pixels.tobytes()), note)


def _pixels(image: Any) -> tuple[np.ndarray, str]:
    if isinstance(image, Image.Image):
        return to_rgb(image)
    array = np.asarray(image)
    if array.dtype.kind == "f" and array.size and array.min() >= 0 and array.max() <= 1:
        array = np.rint(array * 255).astype(np.uint8)
    if array.dtype != np.uint8 or not array.size:
        raise UnreadableImage(f"the image is {_described(image)}: {_EXPECTED}")
    rows = _channels_last(array, first=isinstance(image, torch.Tensor))
    if rows is None:
        raise UnreadableImage(f"the image is {_described(image)}: {_EXPECTED}")
    return np.array(np.broadcast_to(rows, (*rows.shape[:2], 3))), ""


def _channels_last(array: np.ndarray, first: bool) -> np.ndarray | None:
    """H×W×C of 1 or 3 channels, None where it is no image; ``first`` settles 3×H×3."""
    if array.ndim == 2:  # noqa: PLR2004 - H×W
        return array[:, :, None]
    if array.ndim != 3:  # noqa: PLR2004 - with channels
        return None
    may_be_first, may_be_last = array.shape[0] in (1, 3), array.shape[2] in (1, 3)
    if may_be_first and (first or not may_be_last):
        return array.transpose(1, 2, 0)
    return array if may_be_last else None


def _boxes(boxes: Any) -> np.ndarray:
    if boxes is None or not len(boxes):
        return np.empty((0, 4))
    array = np.asarray(boxes, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 4:  # noqa: PLR2004 - N×4
        raise UnreadableImage(f"boxes are of shape {array.shape}: expected N×4 (x0, y0, x1, y1)")
    whole = np.isfinite(array).all(axis=1) & (array[:, 2:] > array[:, :2]).all(axis=1)
    if not whole.all():
        box = ", ".join(f"{value:g}" for value in array[np.argmin(whole)])
        raise UnreadableImage(f"the box ({box}) is degenerate: expected x1 > x0 and y1 > y0")
    return array


def _mask(mask: Any, height: int, width: int) -> np.ndarray:
    array = raster_of(mask, (height, width))
    if array.dtype != np.bool_ and not set(np.unique(array)) <= {0, 1, 255}:
        raise UnreadableImage("the mask holds other values than 0 and 1 (or 255): expected boolean")
    return array.astype(bool)


def _described(value: Any) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None:
        return f"a {type(value).__name__}"
    array = np.asarray(value)
    span = f" from {array.min():g} to {array.max():g}" if array.size else ""
    return f"{dtype} of shape {'×'.join(map(str, shape))}{span}"
