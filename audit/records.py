"""The records that travel from the dataset to the tables: frozen, shapes in comments.

N images, C classes of the label space, h×w the CAM's grid, H×W the model's view in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = [
    "OTHER",
    "UNCLASSED",
    "AnnotatedObject",
    "Annotation",
    "Batch",
    "Groups",
    "Listing",
    "Preprocessing",
    "Reading",
    "Sample",
]

#: ``AnnotatedObject.label`` of an object whose class is not said: it is the labelled object.
UNCLASSED = -1
#: ``AnnotatedObject.label`` of an object of a category that is none of the dataset's classes.
OTHER = -2


@dataclass(frozen=True)
class AnnotatedObject:
    """One annotated object, in pixels of the upright image: its mask where given, else its box.

    ``label`` is an index into the dataset's classes, UNCLASSED or OTHER. ``ignore`` marks what is
    neither object nor background (VOC ``difficult``, COCO ``iscrowd``, value 255 of a class-index
    mask): it leaves every sum.
    """

    box: tuple[float, float, float, float] | None = None  # x0, y0, x1, y1; half-open
    mask: np.ndarray | None = None  # H×W bool, of the whole image
    label: int = UNCLASSED
    ignore: bool = False


@dataclass(frozen=True)
class Annotation:
    """What is annotated in one image.

    ``source`` is a row's ``region_source`` (``annotation`` or ``pseudo:<method>``); ``note`` one
    line for its ``status_detail``, where something was turned or could not be used.
    """

    objects: tuple[AnnotatedObject, ...] = ()
    source: str = "annotation"
    note: str = ""


@dataclass(frozen=True)
class Sample:
    """One item of a user's map-style dataset (``--dataset package.module:function``).

    ``image`` is RGB: a uint8 array or tensor of shape H×W×3, 3×H×W or H×W, a PIL image, or the
    path of an image file. ``label`` is an index into the dataset's ``classes`` (None or -1: no
    label). ``boxes`` are N×4 as (x0, y0, x1, y1) in pixels of the upright image, half-open;
    ``mask`` is a boolean H×W raster of the object; at most one of the two. ``path`` is only a
    name to show; ``slices`` are further attributes to group by (camera, site, …).
    """

    image: Any
    label: int | None = None
    boxes: Any = None
    mask: Any = None
    path: str | None = None
    slices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """One image as it was read: pixels, or the reason why there are none.

    ``pixels`` is None where the source could not be read; ``detail`` then says why. It may also
    hold a note on a readable image (an animation's first frame was taken, say).
    """

    pixels: np.ndarray | None  # H×W×3 uint8 RGB, upright (EXIF orientation applied)
    digest: str  # hex, 128 bit: hash of the source's bytes, as stored
    detail: str = ""
    orientation: int = 1  # the file's EXIF orientation, 1 to 8, already applied to the pixels
    annotation: Annotation = field(default_factory=Annotation)  # what came with the dataset


@dataclass(frozen=True)
class Listing:
    """What a dataset holds, in its frozen order, known without decoding one image."""

    classes: tuple[str, ...]  # names, in label order
    labels: np.ndarray  # int64[N]; -1: no label
    paths: tuple[str, ...] | None  # N paths relative to the root; None: the images share a file
    sizes: np.ndarray  # int64[N]: bytes of each source
    annotations: str = ""  # hash of whatever says where the objects are; "" where nothing does
    present: tuple[tuple[int, ...], ...] | None = None  # N: further classes shown; None: not known
    #: N: what comes with each image: its "question", or its reference "caption"; None: nothing.
    texts: tuple[Mapping[str, str], ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Groups:
    """A batch's annotated objects on the model's view, those of one image and class together.

    G groups in the order of their images; at most one for each image and class.
    """

    image: np.ndarray  # int64[G]: place in the batch
    label: np.ndarray  # int64[G]: index of the class, UNCLASSED or OTHER
    raster: torch.Tensor  # G×H×W bool: the union of the group's objects
    n_objects: np.ndarray  # int32[G]
    visible: np.ndarray  # float32[G]: share of the union that the view keeps
    boxes: tuple[np.ndarray, ...]  # G arrays n×4: the objects' boxes in the view's pixels

    def __len__(self) -> int:
        return len(self.image)


@dataclass(frozen=True)
class Batch:
    """What the loader hands to the engine: one model view an image, and what its row needs."""

    index: np.ndarray  # int64[B]: position in the dataset's order
    pixels: torch.Tensor  # B×3×H×W uint8
    to_view: Callable[[torch.Tensor], torch.Tensor] | None  # still to be applied; None: done
    readable: np.ndarray  # bool[B]; pixels are zero where False
    label: np.ndarray  # int64[B]; -1: no label
    groups: Groups | None  # None: nothing is annotated in any image
    ignore: torch.Tensor | None  # B×H×W bool on the model's view; None: nothing is to be ignored
    source: tuple[str, ...]  # what said where the objects are: a row's region_source
    size: np.ndarray  # int32[B×2]: height, width of the upright source; 0 where unreadable
    frame: np.ndarray  # float32[B×4]: x0, y0, x1, y1 of the view, in the source's pixels
    digest: tuple[str, ...]  # of image and texts
    detail: tuple[str, ...]
    texts: tuple[Mapping[str, str], ...]  # what comes with each image; empty for most datasets
    path: tuple[str | None, ...]
    slices: tuple[Mapping[str, str], ...]
    present: tuple[tuple[int, ...] | None, ...]  # further classes shown; None: not known

    def __len__(self) -> int:
        return len(self.index)

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """What of the batch is large: pixels, rasters of the objects, areas to ignore."""
        raster = None if self.groups is None else self.groups.raster
        return tuple(one for one in (self.pixels, raster, self.ignore) if one is not None)

    def to(self, device: torch.device) -> Batch:
        """The batch with its tensors on ``device``; the copy may still be under way."""
        return self._with(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """The batch with its tensors in pinned memory; the loader calls it for a GPU."""
        return self._with(lambda tensor: tensor.pin_memory())

    def _with(self, moved: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
        held = self.groups
        return replace(
            self,
            pixels=moved(self.pixels),
            groups=None if held is None else replace(held, raster=moved(held.raster)),
            ignore=None if self.ignore is None else moved(self.ignore),
        )

    def view_on(self, device: torch.device) -> torch.Tensor:
        """The model's view of every image, B×3×H×W uint8 on ``device``; resized there."""
        pixels = self.pixels.to(device, non_blocking=True)
        return pixels if self.to_view is None else self.to_view(pixels)


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its images: the geometry of its view, then the normalisation.

    ``resize`` is the shorter side (aspect ratio kept), or an exact (height, width), or None (the
    image's own size); ``crop`` a centred (height, width) taken afterwards, padded with black where
    the image is smaller, as torchvision does; ``interpolation`` one of ``nearest``, ``bilinear``,
    ``bicubic`` (antialiased on uint8, as torchvision's). Then (x / 255 - mean) / std, RGB.
    ``source`` says where the values came from, for the manifest.
    """

    resize: int | tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    interpolation: str = "bilinear"
    source: str = "none: RGB in [0, 1]"
