"""Which images a comparison's report shows, and their pictures and maps from both runs' folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from audit.comparison.content import Comparison
from audit.comparison.sides import Side
from audit.errors import DataError
from audit.report.tables import Row, parts_of, read, rows_of

__all__ = ["SHELVES", "Case", "Shot", "cases_of", "choose"]

#: Bucket → its share of the shown cases, in the page's order; what one leaves the next may take.
SHELVES = {
    "regressed": 0.3,
    "attention_moved": 0.25,
    "fixed": 0.15,
    "still_wrong": 0.15,
    "unchanged": 0.15,
}
_TARGETS = ("true", "pred")


@dataclass(frozen=True)
class Shot:
    """One run's side of a case."""

    view: bytes  # JPEG of the model's view
    region: bytes | None  # PNG of the region on it
    maps: Mapping[str, bytes | None]  # true, pred: h·w grid values, row-major
    statuses: Mapping[str, str | None]


@dataclass(frozen=True)
class Case:
    """One image that both runs have. ``row`` holds the columns of the images table."""

    row: Row
    at: int  # its place among the joined images
    base: Shot
    candidate: Shot
    shared_view: bool  # one picture serves both


def cases_of(found: Comparison, limit: int, seed: int) -> list[Case]:
    """At most ``limit`` cases, bucket by bucket, the most telling first.

    Only images whose picture a run's ``media`` keeps can be shown. Raises DataError where a run
    names a picture of an image that it has no row of.
    """
    sides = {"base": found.base, "candidate": found.candidate}
    kept = {name: _media_index(side) for name, side in sides.items()}
    alike = _same_view(found)
    chosen = choose(found.images, kept["base"], kept["candidate"], limit, seed, either=alike)
    media = {name: _media(side, chosen[f"{name}_index"]) for name, side in sides.items()}
    maps = {name: _maps(side, chosen[f"{name}_index"]) for name, side in sides.items()}
    rows = chosen.astype(object).where(chosen.notna(), None).to_dict("records")
    return [
        _case({str(k): v for k, v in row.items()}, int(at), media, maps, alike)
        for at, row in zip(chosen.index, rows, strict=True)
    ]


def choose(
    images: pd.DataFrame,
    base_kept: np.ndarray,
    candidate_kept: np.ndarray,
    limit: int,
    seed: int,
    *,
    either: bool = True,
) -> pd.DataFrame:
    """The rows of ``images`` to show, bucket by bucket in SHELVES' order.

    ``base_kept`` and ``candidate_kept`` are the indices with a picture; ``either``: one run's
    picture is enough, since both see the image alike.
    """
    ours = images["base_index"].isin(base_kept)
    theirs = images["candidate_index"].isin(candidate_kept)
    shared = images["base_index"].notna() & images["candidate_index"].notna()
    there = images[shared & ((ours | theirs) if either else (ours & theirs))]
    shelves = {name: _ranked(there[there["bucket"] == name], name, seed) for name in SHELVES}
    sizes = _sizes({name: len(shelf) for name, shelf in shelves.items()}, limit)
    return pd.concat([shelf.head(sizes[name]) for name, shelf in shelves.items()])


def _sizes(have: Mapping[str, int], limit: int) -> dict[str, int]:
    sizes = {name: min(have[name], int(share * limit)) for name, share in SHELVES.items()}
    for name in SHELVES:
        sizes[name] += min(have[name] - sizes[name], limit - sum(sizes.values()))
    return sizes


def _ranked(shelf: pd.DataFrame, name: str, seed: int) -> pd.DataFrame:
    """The most telling first: the surest wrong answer, the farthest move; unchanged: at random."""
    if name == "unchanged":
        return shelf.sample(frac=1, random_state=seed)
    if name == "attention_moved":  # off the object first, and of like moves the least alike
        return shelf.sort_values(
            ["delta_true_relevance_mass_accuracy", "map_agreement"], kind="stable"
        )
    surer = "base_pred_probability" if name == "fixed" else "candidate_pred_probability"
    return shelf.sort_values(surer, ascending=False, kind="stable")


def _same_view(found: Comparison) -> bool:
    """Whether both runs see an image through the same crop, so that one picture serves both."""
    geometry = {"model's view", "resize", "crop"}
    return not geometry & {one["what"] for one in found.summary["differences"]}


def _media_index(side: Side) -> np.ndarray:
    parts = parts_of(side.root / "media")
    if not parts:
        return np.zeros(0, np.int64)
    found: np.ndarray = read(parts, ("index",))["index"].to_numpy()
    return found


def _media(side: Side, indices: pd.Series) -> dict[int, Row]:
    parts = parts_of(side.root / "media")
    if not parts or indices.empty:
        return {}
    wanted = pc.field("index").isin(indices.tolist())
    return _by_index(rows_of(read(parts, ("index", "view", "region"), wanted)))


def _maps(side: Side, indices: pd.Series) -> dict[int, Row]:
    if indices.empty:
        return {}
    columns = tuple(f"{target}_{name}" for target in _TARGETS for name in ("cam", "cam_status"))
    wanted = pc.field("index").isin(indices.tolist())
    table = read(parts_of(side.root / "images"), ("index", *columns), wanted)
    return _by_index(table.to_pylist())


def _by_index(rows: Sequence[Row]) -> dict[int, Row]:
    return {row["index"]: row for row in rows}


def _case(
    row: Row,
    at: int,
    media: Mapping[str, Mapping[int, Row]],
    maps: Mapping[str, Mapping[int, Row]],
    alike: bool,
) -> Case:
    pictures = {name: media[name].get(row[f"{name}_index"]) for name in media}
    either = pictures["base"] or pictures["candidate"]
    if either is None:
        raise DataError(f"media of neither run holds image {row['sample_id']}")
    shots = {
        name: _shot(either if alike else pictures[name] or either, maps[name][row[f"{name}_index"]])
        for name in media
    }
    return Case(row, at, shots["base"], shots["candidate"], alike)


def _shot(picture: Row, found: Row) -> Shot:
    return Shot(
        view=picture["view"],
        region=picture["region"],
        maps={
            target: None if found[f"{target}_cam"] is None else bytes(found[f"{target}_cam"])
            for target in _TARGETS
        },
        statuses={target: found[f"{target}_cam_status"] for target in _TARGETS},
    )
