"""Which annotated objects the answer to a question rests on: our extension of VQA v2's files.

``regions_<subset>.json`` beside the questions is ``{"format": "cam-audit-vqa-regions/1",
"regions": [{"question_id": 1, "annotation_ids": [11, 12]}]}``; the ids are those of COCO's
``annotations/instances_<subset>.json``.
"""

from __future__ import annotations

import reprlib
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from audit.data.coco import CocoFile, is_id, read_coco
from audit.data.decode import digest_of
from audit.data.json_file import Form, read_lists, refuse, twice
from audit.data.vqa_files import Questions
from audit.data.vqa_layout import FORMAT
from audit.errors import DataError
from audit.records import Annotation, Listing
from audit.regions.coco import CocoAnnotations

__all__ = ["AnswerRegions"]

_FORM = Form("VQA", "regions", ("regions",))


class AnswerRegions:
    """The objects in the images of ``questions``, and which of them each answer rests on.

    Raises DataError for files that cannot be used, or that do not belong together.
    """

    def __init__(self, file: Path, instances: Path, questions: Questions) -> None:
        held, digest = read_lists(file, _FORM)
        if held.get("format") != FORMAT:
            found = reprlib.repr(held.get("format"))
            raise DataError(f"{str(file)!r}: its format is {found}; known: {FORMAT!r}")
        coco = read_coco(instances)
        self._objects = CocoAnnotations(coco, _of_images(coco))
        self._digest = digest_of(digest.encode(), coco.digest.encode())
        place = {image.id: i for i, image in enumerate(coco.images)}
        self._image = [place.get(key, -1) for key in questions.images.tolist()]
        self._rests_on = _checked(file, held["regions"], questions, _owners(coco))

    @property
    def digest(self) -> str:
        """Hash of both files' bytes."""
        return self._digest

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the instances was left out."""
        return self._objects.warnings

    def of(self, index: int, size: tuple[int, int], orientation: int) -> Annotation:
        """The objects in the image of question ``index``: UNCLASSED what the answer rests on.

        Every other one is OTHER. Nothing where the file does not say what the answer rests on.
        ``size`` is (height, width) of the upright image.
        """
        rests_on = self._rests_on.get(index)
        if rests_on is None:
            return Annotation()
        return self._objects.of(self._image[index], size, orientation, rests_on)


def _of_images(coco: CocoFile) -> Listing:
    """The images of a COCO file as a dataset of its own."""
    n = len(coco.images)
    return Listing(
        classes=tuple(dict.fromkeys(name for _, name in coco.categories)),
        labels=np.full(n, -1, dtype=np.int64),
        paths=tuple(image.name for image in coco.images),
        sizes=np.zeros(n, dtype=np.int64),
    )


def _owners(coco: CocoFile) -> dict[Hashable, Hashable]:
    """The image of each annotation, by its id."""
    those = [one for one in coco.annotations if isinstance(one, dict) and is_id(one.get("id"))]
    return {one["id"]: one["image_id"] for one in those if is_id(one.get("image_id"))}


def _checked(
    file: Path, entries: list[Any], questions: Questions, owners: Mapping[Hashable, Hashable]
) -> dict[int, frozenset[Hashable]]:
    """The annotations that each question's answer rests on, by the question's place."""
    rule = "regions need a question_id and annotation_ids (a list of ids)"
    refuse(file, rule, [one for one in entries if not _is_region(one)])
    ids = [one["question_id"] for one in entries]
    refuse(file, "question ids that occur twice", twice(ids))
    place = {key: row for row, key in enumerate(questions.ids)}
    strange = [key for key in ids if key not in place]
    refuse(file, "regions of questions that the questions file lacks", strange)
    named = [key for one in entries for key in one["annotation_ids"]]
    unknown = [key for key in named if key not in owners]
    refuse(file, "annotation ids that the instances file lacks", unknown)
    images = questions.images.tolist()
    moved = [
        one["question_id"]
        for one in entries
        if any(owners[key] != images[place[one["question_id"]]] for key in one["annotation_ids"])
    ]
    refuse(file, "questions with annotations of another image than their own", moved)
    return {place[one["question_id"]]: frozenset(one["annotation_ids"]) for one in entries}


def _is_region(entry: object) -> bool:
    if not isinstance(entry, dict) or not is_id(entry.get("question_id")):
        return False
    ids = entry.get("annotation_ids")
    return isinstance(ids, list) and all(map(is_id, ids))
