"""What is asked and said of a scene, in the words of VQA v2 and COCO captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.data.scenes.objects import SceneObject

__all__ = ["QUESTION_TYPES", "Question", "ask", "caption_of"]

#: VQA v2's question types that occur, in the order in which they are asked.
QUESTION_TYPES = ("what color is", "what is the", "is the", "what pattern")


@dataclass(frozen=True)
class Question:
    """One question of a scene with its answer."""

    text: str
    type: str  # one of QUESTION_TYPES
    answer: str
    about: int  # place of the object that the answer rests on


def ask(rng: np.random.Generator, objects: Sequence[SceneObject]) -> tuple[Question, ...]:
    """One question of every type, each about an object drawn at random."""
    places = rng.integers(len(objects), size=len(QUESTION_TYPES)).tolist()
    return tuple(
        Question(*_worded(kind, objects[place]), about=place)
        for kind, place in zip(QUESTION_TYPES, places, strict=True)
    )


def _worded(kind: str, one: SceneObject) -> tuple[str, str, str]:
    """Text, type and answer of a question about ``one``."""
    text, answer = {
        "what color is": (f"what color is the {one.shape}?", one.colour),
        "what is the": (f"what is the {one.colour} thing?", one.shape),
        "is the": (f"is the {one.shape} on the left or on the right?", one.side),
        "what pattern": (f"what pattern does the {one.shape} have?", one.pattern),
    }[kind]
    return text, kind, answer


def caption_of(objects: Sequence[SceneObject]) -> str:
    """Names the objects in their order: "a red star and a blue moon". Patterns are not said."""
    return " and ".join(f"a {one.colour} {one.shape}" for one in objects)
