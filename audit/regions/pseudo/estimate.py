"""Regions estimated from pictures alone, made once: a detector where it knows the class, GrabCut.

Reading and the detector run in the calling thread, GrabCut in a thread a core (OpenCV lets the
others work meanwhile). What was made is kept on disk as it is made, so a stopped run goes on.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from audit.data.base import ArraySource, Source
from audit.records import AnnotatedObject, Annotation
from audit.regions.pseudo import detector as mask_rcnn
from audit.regions.pseudo import grabcut as cutting
from audit.regions.pseudo.cache import (
    UNREADABLE,
    Estimate,
    Place,
    append,
    cache_file,
    estimate_of,
    locked,
    read_estimates,
)
from audit.regions.pseudo.detector import Detector, coco_categories
from audit.regions.turn import settle

__all__ = ["PseudoAnnotations", "estimate", "picture"]

_WAITING = 2  # pictures a thread that are read ahead
_CPU_PICTURES = 500  # so many the detector sees on a CPU, at seconds each
_DETECTING = f"{mask_rcnn.VERSION}+{cutting.VERSION}"

Say = Callable[[str], object]


@dataclass(frozen=True)
class PseudoAnnotations:
    """Estimated regions as annotations: one object an image, without a class of its own."""

    estimates: Mapping[int, Estimate]
    digest: str
    warnings: tuple[str, ...]

    def of(self, index: int, size: tuple[int, int], orientation: int) -> Annotation:
        """The estimate of image ``index``; see ``audit.regions.base.Annotations``."""
        one = self.estimates.get(index)
        if one is None or not one.found:
            return Annotation()
        settled = settle([AnnotatedObject(mask=one.mask())], one.size, size, orientation)
        return replace(settled, source=one.source)


def estimate(
    source: Source | ArraySource,
    indices: np.ndarray,
    place: Place,
    device: torch.device,
    say: Say,
) -> PseudoAnnotations:
    """The estimated regions of the images ``indices``; only what is missing is made.

    They are kept in ``pseudo_regions`` at ``place``; the detector runs on ``device``. Raises
    DataError where nothing can be kept there.
    """
    listing = source.listing
    file, digest = cache_file(place, listing, _DETECTING)
    wanted = [int(i) for i in indices]
    held, note = read_estimates(file), ""
    categories = coco_categories(listing.classes)
    if any(i not in held for i in wanted):
        found, note = _detector(categories, len(wanted), device, say)
        if found is None:
            file, digest = cache_file(place, listing, cutting.VERSION)
        held = _completed(file, source, _asked(wanted, listing.labels, categories), found, say)
    kept = {i: held[i] for i in wanted}
    return PseudoAnnotations(kept, digest, (*_told(kept), *filter(None, [note])))


def picture(source: Source | ArraySource, index: int) -> np.ndarray | None:
    """Image ``index`` as H×W×3 uint8 RGB, upright; None where it cannot be read."""
    if isinstance(source, ArraySource):
        return np.ascontiguousarray(source.images[index].transpose(1, 2, 0))
    return source.read(index).pixels


def _asked(
    wanted: Sequence[int], labels: np.ndarray, categories: Sequence[int | None]
) -> dict[int, int | None]:
    """The detector's category of each image wanted; None where it has none."""
    return {i: categories[labels[i]] if labels[i] >= 0 else None for i in wanted}


def _detector(
    categories: Sequence[int | None], n: int, device: torch.device, say: Say
) -> tuple[Detector | None, str]:
    """The detector where it can be used, else why it is not."""
    not_used = "regions: Mask R-CNN was not used, GrabCut was: "
    if not any(categories):
        return None, not_used + "no class of the dataset is a COCO category"
    if device.type == "cpu" and n > _CPU_PICTURES:
        return None, not_used + (
            f"{n} images would take hours on a CPU; it is used on a GPU (--device cuda), and for "
            f"up to {_CPU_PICTURES} images (--limit)"
        )
    say("loading Mask R-CNN's weights (fetched once: 170 MB)")
    try:
        return mask_rcnn.load_detector(device), ""
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        return None, not_used + f"its weights cannot be loaded ({why})"


def _completed(
    file: Path,
    source: Source | ArraySource,
    asked: Mapping[int, int | None],
    detector: Detector | None,
    say: Say,
) -> dict[int, Estimate]:
    """What ``file`` holds, with the missing ones of ``asked`` made and added."""
    with locked(file, say):
        held = read_estimates(file)
        missing = {i: category for i, category in asked.items() if i not in held}
        if not missing:
            return held
        how = "GrabCut" if detector is None else "Mask R-CNN, else by GrabCut"
        say(f"estimating regions of {len(missing)} images by {how} (made once: {file})")
        with (
            append(file) as lines,
            tqdm(total=len(missing), unit="img", desc="regions", disable=None) as bar,
        ):
            for one in _made(source, missing, detector):
                held[one.index] = one
                lines.write(one.line())
                lines.flush()
                bar.update()
    return held


def _made(
    source: Source | ArraySource, missing: Mapping[int, int | None], detector: Detector | None
) -> Iterator[Estimate]:
    """An estimate for each of ``missing``, in its order."""
    threads = os.cpu_count() or 1
    waiting: deque[Future[Estimate]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for index, category in missing.items():
            waiting.append(_begun(pool, index, picture(source, index), category, detector))
            if len(waiting) > _WAITING * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _begun(
    pool: ThreadPoolExecutor,
    index: int,
    pixels: np.ndarray | None,
    category: int | None,
    detector: Detector | None,
) -> Future[Estimate]:
    if pixels is None:
        return _done(Estimate(index, UNREADABLE, (0, 0), b""))
    if detector is not None and category is not None:
        mask = detector.mask(pixels, category)
        if mask.any():
            return _done(estimate_of(index, mask_rcnn.SOURCE, mask))
    return pool.submit(_cut, index, pixels)


def _cut(index: int, pixels: np.ndarray) -> Estimate:
    return estimate_of(index, cutting.SOURCE, cutting.grabcut(pixels))


def _done(one: Estimate) -> Future[Estimate]:
    future: Future[Estimate] = Future()
    future.set_result(one)
    return future


def _told(kept: Mapping[int, Estimate]) -> tuple[str, ...]:
    """How many regions each method gave, and how many images have none."""
    counts = Counter(one.source for one in kept.values() if one.found)
    none = len(kept) - counts.total()
    by = ", ".join(f"{n} by {source}" for source, n in sorted(counts.items())) or "none found"
    said = f"regions are estimates, not annotations: {by}"
    return (said + (f"; {none} images have none" if none else ""),)
