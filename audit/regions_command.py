"""``cam-audit regions``: a dataset's estimated regions as a COCO file, to be corrected by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audit.config import RegionsConfig
from audit.data.catalogue import open_source
from audit.device import pick_device
from audit.errors import ConfigError
from audit.regions.pseudo.cache import place_of
from audit.regions.pseudo.coco_writer import write_coco, write_pictures
from audit.regions.pseudo.estimate import estimate
from audit.sampling import stratified

__all__ = ["write_regions"]


def write_regions(config: RegionsConfig, say: Callable[[str], object]) -> Path:
    """Estimate the regions of a dataset's images and write them; returns the COCO file.

    The images of a dataset without image files go to ``<output without .json>.images`` as PNG, so
    that an annotation tool can show them. Raises ConfigError where the file exists: it may hold
    corrections.
    """
    place = place_of(config.dataset, config.split, config.data_root)
    output = config.output or place.home / "regions" / f"{place.name}.json"
    output = output.expanduser()
    if output.exists():
        raise ConfigError(
            f"{str(output)!r} exists and may hold corrections: move it away, or write to another "
            "file with --output"
        )
    device = pick_device(config.device)
    source = open_source(config.dataset, config.data_root.expanduser(), config.split)
    listing = source.listing
    indices = stratified(listing.labels, config.limit, config.seed)
    found = estimate(source, indices, place, device, say)
    for line in (*source.warnings, *found.warnings):
        say(line)
    unlabelled = int((listing.labels[indices] < 0).sum())
    if unlabelled:
        say(f"images without a label, written without a region: {unlabelled}")
    if listing.paths is None:
        pictures = output.with_suffix(".images")
        write_pictures(pictures, source, indices)
        say(f"the images as files, for an annotation tool: {pictures}")
    write_coco(output, listing, found.estimates)
    return output
