"""``--dataset vqa``: questions about images in VQA v2's layout (https://visualqa.org).

Below the root, ``v2_OpenEnded_mscoco_<subset>_questions.json`` holds the questions and
``v2_mscoco_<subset>_annotations.json`` their answers, where the subset is ``<split>``,
``<split>2014`` or ``<split>2015``; the images are ``COCO_<subset>_<image id>.jpg`` (or ``.jpeg``,
``.png``) in ``<subset>``, ``images/<subset>``, ``images`` or the root itself. VQA v2 does not say
what an answer rests on; a file of ours may (``audit.regions.vqa``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from audit.data.coco_layout import data_folder, file_size, first_file, told, without_year
from audit.data.decode import read_file
from audit.data.scenes import VqaSpec, prepare_vqa
from audit.data.splits import check_split
from audit.data.vqa_files import Answers, Questions, read_answers, read_questions
from audit.data.vqa_images import find_images
from audit.data.vqa_layout import (
    YEARS,
    annotations_name,
    instances_name,
    questions_name,
    regions_name,
)
from audit.records import Listing, Reading
from audit.regions.vqa import AnswerRegions

__all__ = ["VqaSource", "open_decoy_vqa"]

_UNANSWERED = "questions without an answer, kept without label"


class VqaSource:
    """The questions of ``split`` below ``data_root``, one row each, in the order of their file.

    Classes are the answers that occur, sorted; a question without an answer has no label. The rows
    of an image share its path. Raises DataError where there is no such file or image, and for
    files that cannot be used.
    """

    def __init__(self, data_root: Path, split: str) -> None:
        self._root = data_folder(data_root, "VQA")
        subset, file = _questions_file(self._root, split)
        questions = read_questions(file)
        answers, notes = _answers(self._root, subset, questions)
        shown = questions.images.tolist()
        subsets = dict.fromkeys((subset, questions.subset or subset))
        image = find_images(self._root, subsets, dict.fromkeys(shown))
        size = {key: file_size(self._root / path) for key, path in image.items()}
        self._regions = _regions(self._root, subset, questions)
        self._types = (answers.question_types, answers.answer_types)
        classes = sorted({answer for answer in answers.answers if answer is not None})
        index = {answer: i for i, answer in enumerate(classes)}
        labels = [-1 if answer is None else index[answer] for answer in answers.answers]
        self._listing = Listing(
            classes=tuple(classes),
            labels=np.array(labels, dtype=np.int64),
            paths=tuple(image[key] for key in shown),
            sizes=np.array([size[key] for key in shown], dtype=np.int64).clip(0),
            annotations="" if self._regions is None else self._regions.digest,
            texts=tuple({"question": text} for text in questions.texts),
        )
        self.warnings = (
            *(notes or told(_UNANSWERED, questions.texts, labels)),
            *told("images whose file is missing", list(image.values()), list(size.values())),
            *(() if self._regions is None else self._regions.warnings),
        )

    @property
    def listing(self) -> Listing:
        """Paths are relative to the data root."""
        return self._listing

    def read(self, index: int) -> Reading:
        """Decode the image of question ``index`` and give its objects.

        Those that the answer rests on are UNCLASSED, the others OTHER. A bad file is a Reading
        without pixels.
        """
        name = (self._listing.paths or ())[index]
        reading = read_file(self._root / name, name)
        if reading.pixels is None or self._regions is None:
            return reading
        size = (reading.pixels.shape[0], reading.pixels.shape[1])
        return replace(reading, annotation=self._regions.of(index, size, reading.orientation))

    def slices(self, index: int) -> Mapping[str, str]:
        """VQA v2's ``question_type`` and ``answer_type``, where they are known."""
        of_row = zip(("question_type", "answer_type"), self._types, strict=True)
        return {name: types[index] or "" for name, types in of_row if types[index]}


def open_decoy_vqa(data_root: Path, split: str) -> VqaSource:
    """The built-in drawn questions' ``split``, made below ``data_root`` on first use."""
    check_split(VqaSpec.name, split, VqaSpec.splits)
    return VqaSource(prepare_vqa(data_root.expanduser()), split)


def _questions_file(root: Path, split: str) -> tuple[str, Path]:
    """The subset that ``split`` means, and the file of its questions."""
    subsets = {questions_name(f"{split}{year}"): f"{split}{year}" for year in YEARS}
    file = first_file(root, split, list(subsets), "VQA questions file", _splits(root))
    return subsets[file.name], file


def _splits(root: Path) -> list[str]:
    """The splits that have a questions file."""
    before, after = questions_name("\0").split("\0")
    files = root.glob(questions_name("*"))
    found = [file.name.removeprefix(before).removesuffix(after) for file in files]
    return sorted({without_year(subset, YEARS) for subset in found})


def _answers(root: Path, subset: str, questions: Questions) -> tuple[Answers, tuple[str, ...]]:
    """The answers, and what to say where there is no file of them."""
    name = annotations_name(subset)
    if (root / name).is_file():
        return read_answers(root / name, questions), ()
    none = (None,) * len(questions.ids)
    return Answers(none, none, none), (
        f"there is no {name}: no question has an answer, so none has a label",
    )


def _regions(root: Path, subset: str, questions: Questions) -> AnswerRegions | None:
    """What the answers rest on; None where no file says so."""
    file = root / regions_name(subset)
    if not file.is_file():
        return None
    return AnswerRegions(file, root / instances_name(subset), questions)
