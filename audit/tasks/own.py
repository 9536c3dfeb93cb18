"""Models that bring their answers themselves: captioners, and whatever a user builds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.tasks.base import Answering, Answers, Asked

__all__ = ["OwnAnswers"]


@dataclass(frozen=True)
class OwnAnswers:
    """A module with an ``ask`` of its own (``Answering``).

    ``names`` are the dataset's classes, which its columns stand for; where its answers are texts
    they are empty, and the classes are ``nouns`` of these texts.
    """

    names: tuple[str, ...]
    nouns: tuple[str, ...] = ()

    def ask(self, module: nn.Module, inputs: Tensor, asked: Asked) -> Answers:
        """See ``Task``.

        Raises ModelError where what comes back is no Answers, or does not fit images and classes.
        """
        if not isinstance(module, Answering):
            raise ModelError(f"{type(module).__name__} has no method ask(images, asked)")
        answers = module.ask(inputs, asked)
        if not isinstance(answers, Answers):
            raise ModelError(
                f"{type(module).__name__}.ask returned a {type(answers).__name__}; it must return "
                "audit.tasks.base.Answers"
            )
        for complaint in _complaints(answers, len(inputs), self.names):
            raise ModelError(f"{type(module).__name__}.ask: {complaint}")
        return answers


def _complaints(answers: Answers, n: int, names: tuple[str, ...]) -> list[str]:
    """What does not fit ``n`` images and the classes ``names``."""
    scores = answers.scores
    if scores.ndim != 2 or not scores.is_floating_point():  # noqa: PLR2004 - B×C
        return [f"scores must be floating point B×C, not {tuple(scores.shape)} {scores.dtype}"]
    found = []
    if len(scores) != n:
        found.append(f"{len(scores)} rows of scores for {n} images")
    if answers.log_probability.shape != scores.shape:
        shape = tuple(answers.log_probability.shape)
        found.append(f"log_probability has the shape {shape}, scores {tuple(scores.shape)}")
    for name in ("true", "predicted"):
        column = getattr(answers, name)
        if column.shape != (n,) or column.dtype != torch.int64:
            shape = tuple(column.shape)
            found.append(f"{name} must be one int64 column an image, not {shape} {column.dtype}")
        elif bool(((column < 0) | (column >= scores.shape[1])).any()):
            found.append(f"{name} must name one of the {scores.shape[1]} columns of the scores")
    found += [
        f"the word {word.word!r} has image {word.image} of {n}, column {word.column} of "
        f"{scores.shape[1]}"
        for word in answers.words
        if not (0 <= word.image < n and 0 <= word.column < scores.shape[1])
    ]
    return found + _of_texts(answers, n, names)


def _of_texts(answers: Answers, n: int, names: tuple[str, ...]) -> list[str]:
    """The same of ``said``: a model's answers are classes in every batch, or texts in every one."""
    if answers.said is None:
        if not names:
            return ["said is None; the answers to the first image were texts"]
        scores = answers.scores.shape[1]
        return (
            []
            if scores == len(names)
            else [f"{scores} scores an image for the dataset's {len(names)} classes"]
        )
    if names:
        return ["said holds texts; the answers to the first image were classes"]
    if len(answers.said) != n:
        return [f"{len(answers.said)} pairs of texts for {n} images"]
    return []
