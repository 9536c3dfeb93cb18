"""What a comparison looked at, and what it could not: so that "nothing worse" claims no more."""

from __future__ import annotations

from dataclasses import dataclass

from audit.comparison.answer import NOTABLE_MASS
from audit.comparison.content import Comparison
from audit.comparison.sides import Side
from audit.comparison.words import points
from audit.report.banner import of
from audit.tables.verdict_columns import TESTED

__all__ = ["Examined", "examined"]


@dataclass(frozen=True)
class Examined:
    """``held``: what was compared and not found worse; ``missing``: what could not be compared."""

    held: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """For a candidate of which nothing was found to be worse."""
        looked = f": {', '.join(self.held)}" if self.held else ""
        gaps = f" Not compared: {'; '.join(self.missing)}." if self.missing else ""
        return (
            f"Nothing was found to be worse{looked}.{gaps} What was not found may still be there."
        )


def examined(found: Comparison) -> Examined:
    """Accuracy, what decides, and attention: each among the one or among the other."""
    held, missing = [], []
    if found.summary["accuracy"]:
        held.append("accuracy did not fall, nor that of any class (Holm’s p ≤ 0.05)")
    else:
        missing.append("accuracy (no image has a label in both runs)")
    one, several, both = _tested(found)
    if both:
        held.append(f"none of the {of(both, one, several)} tested in both runs became spurious")
    else:
        missing.append(f"what decides (no {one} was tested in both runs)")
    if found.summary["attention"]["true"]["relevance_mass_accuracy"]:
        least = points(NOTABLE_MASS).lstrip("+")
        held.append(f"the heat on the objects did not fall by {least} points or more")
    else:
        missing.append("attention (no image has maps of both runs and a region)")
    return Examined(tuple(held), tuple(missing))


def _tested(found: Comparison) -> tuple[str, str, int]:
    """What verdicts are on, one and several, and how many of them both runs have tested."""
    if found.base.questions or found.candidate.questions:
        names = [_of_types(side) for side in (found.base, found.candidate)]
        return "type of question", "types of question", len(names[0] & names[1])
    both = sum(
        row["base_verdict"] in TESTED and row["candidate_verdict"] in TESTED
        for row in found.classes
    )
    return "class", "classes", both


def _of_types(side: Side) -> set[str]:
    return {str(row["question_type"]) for row in side.questions if row["verdict"] in TESTED}
