"""VQA v2's questions and answers, read from files that are not trusted.

Of a file only what the audit needs is kept: the ten people's answers to each question are let go
while the JSON is read.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audit.data.coco import is_id
from audit.data.json_file import Form, plain_text, read_lists, refuse, twice
from audit.errors import DataError

__all__ = ["Answers", "Questions", "read_answers", "read_questions"]

_QUESTIONS = Form("VQA", "questions", ("questions",))
_ANSWERS = Form("VQA", "annotations", ("annotations",))
_LARGEST_IMAGE_ID = 10**12 - 1  # twelve digits of a file name


@dataclass(frozen=True)
class Questions:
    """A questions file, checked; N questions in its order."""

    ids: tuple[Hashable, ...]
    texts: tuple[str, ...]
    images: np.ndarray  # int64[N]: COCO's image ids
    subset: str | None  # ``data_subtype``, where it is a text


@dataclass(frozen=True)
class Answers:
    """An annotations file, brought into the order of N questions; None where it says nothing."""

    answers: tuple[str | None, ...]
    question_types: tuple[str | None, ...]
    answer_types: tuple[str | None, ...]


def read_questions(file: Path) -> Questions:
    """Read and check a questions file; raises DataError for one that cannot be used."""
    held, _ = read_lists(file, _QUESTIONS)
    entries = held["questions"]
    rule = (
        "questions need a question_id, an image_id (a whole number of up to twelve digits) and a "
        "question (a text without control characters)"
    )
    refuse(file, rule, [one for one in entries if not _is_question(one)])
    if not entries:
        raise DataError(f"{str(file)!r} holds no questions")
    refuse(file, "question ids that occur twice", twice(one["question_id"] for one in entries))
    stated = held.get("data_subtype")
    return Questions(
        ids=tuple(one["question_id"] for one in entries),
        texts=tuple(" ".join(one["question"].split()) for one in entries),
        images=np.array([one["image_id"] for one in entries], dtype=np.int64),
        subset=stated if isinstance(stated, str) else None,
    )


def read_answers(file: Path, questions: Questions) -> Answers:
    """Read and check the annotations of ``questions``; raises DataError.

    An empty answer is none. Questions without an annotation keep None; annotations of other
    questions, or of another image than their question's, are an error: the files do not belong
    together.
    """
    held, _ = read_lists(file, _ANSWERS, _without_people)
    entries = held["annotations"]
    rule = (
        "annotations need a question_id, an image_id and a multiple_choice_answer (a text without "
        "control characters); a question_type and an answer_type, where given, are texts too"
    )
    refuse(file, rule, [one for one in entries if not _is_answer(one)])
    ids = [one["question_id"] for one in entries]
    refuse(file, "question ids that occur twice", twice(ids))
    place = {key: row for row, key in enumerate(questions.ids)}
    strange = [key for key in ids if key not in place]
    refuse(file, "annotations of questions that the questions file lacks", strange)
    rows = [place[key] for key in ids]
    images = questions.images.tolist()
    moved = [
        key
        for key, row, one in zip(ids, rows, entries, strict=True)
        if one["image_id"] != images[row]
    ]
    refuse(file, "annotations of another image than their question's", moved)
    columns = [
        _in_order(len(images), rows, [plain_text(one.get(name)) for one in entries])
        for name in ("multiple_choice_answer", "question_type", "answer_type")
    ]
    return Answers(*columns)


def _in_order(n: int, rows: Sequence[int], values: Sequence[str | None]) -> tuple[str | None, ...]:
    """N values, each text held once; None where there is none."""
    known: dict[str, str] = {}
    column: list[str | None] = [None] * n
    for row, value in zip(rows, values, strict=True):
        column[row] = None if value is None else known.setdefault(value, value)
    return tuple(column)


def _without_people(entry: dict[str, Any]) -> dict[str, Any] | None:
    """One JSON object without the people's answers: of VQA v2's they are nine tenths."""
    if "answer_id" in entry:
        return None
    entry.pop("answers", None)
    return entry


def _is_question(entry: Any) -> bool:
    return _has_ids(entry) and plain_text(entry.get("question")) is not None


def _is_answer(entry: Any) -> bool:
    if not _has_ids(entry):
        return False
    optional = (entry.get("question_type"), entry.get("answer_type"))
    return _is_line(entry.get("multiple_choice_answer")) and all(
        one is None or _is_line(one) for one in optional
    )


def _is_line(value: object) -> bool:
    """Whether a value is a text that a table can hold, empty or not."""
    return isinstance(value, str) and (not value.strip() or plain_text(value) is not None)


def _has_ids(entry: Any) -> bool:
    if not isinstance(entry, dict) or not is_id(entry.get("question_id")):
        return False
    image = entry.get("image_id")
    return type(image) is int and 0 <= image <= _LARGEST_IMAGE_ID
