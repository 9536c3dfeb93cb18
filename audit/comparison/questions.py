"""What became of the verdicts on types of question."""

from __future__ import annotations

from dataclasses import dataclass

from audit.comparison.classes import verdict_change
from audit.comparison.sides import Side
from audit.report.text import clean

__all__ = ["QuestionChange", "question_changes"]


@dataclass(frozen=True)
class QuestionChange:
    """A type whose verdict is spurious in either run.

    ``change`` as of classes; ``sentence`` is that of the run that found it, the candidate first.
    """

    name: str
    change: str
    sentence: str


def question_changes(base: Side, candidate: Side) -> tuple[QuestionChange, ...]:
    """The types of question of both runs, in the candidate's order."""
    before = {str(row["question_type"]): row for row in base.questions}
    found = []
    for row in candidate.questions:
        name = str(row["question_type"])
        other = before.get(name)
        change = verdict_change(None if other is None else other["verdict"], row["verdict"])
        if change is not None:
            told = row if row["verdict"] == "spurious" else other
            said = str((told or row)["verdict_sentence"] or "")
            sentence = clean(said.removeprefix(f"question type {name!r}: "), 900)
            found.append(QuestionChange(clean(name, 60), change, sentence))
    return tuple(found)
