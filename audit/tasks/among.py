"""Answers that are among the classes of a dataset: a classifier's, or those to a question."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from audit.errors import ModelError
from audit.models.label_space import LabelSpace
from audit.models.logits import logits_of
from audit.tasks.base import Answers, Asked

__all__ = ["Classes", "Questions"]


@dataclass(frozen=True)
class _Among:
    """Answers are the entries of ``space``: the label is true, the highest score predicted."""

    space: LabelSpace

    @property
    def names(self) -> tuple[str, ...]:
        """The label space's."""
        return self.space.names

    @property
    def nouns(self) -> tuple[str, ...]:
        """None: an answer is one class."""
        return ()


class Classes(_Among):
    """A classifier: ``module(images)`` gives logits, which ``space`` makes the classes' scores."""

    def ask(self, module: nn.Module, inputs: Tensor, asked: Asked) -> Answers:
        """See ``Task``."""
        return _among(self.space, module(inputs), asked.label)


class Questions(_Among):
    """Answers to questions: ``module(images, questions)`` gives logits of its answers.

    ``questions`` are B texts; ``space`` makes the scores of the dataset's answers of the logits.
    """

    def ask(self, module: nn.Module, inputs: Tensor, asked: Asked) -> Answers:
        """See ``Task``."""
        questions = [text.get("question", "") for text in asked.texts]
        return _among(self.space, module(inputs, questions), asked.label)


def _among(space: LabelSpace, output: object, label: Tensor) -> Answers:
    scores = space.scores(logits_of(output).float())
    if len(scores) != len(label):
        raise ModelError(f"the model gave {len(scores)} rows of scores for {len(label)} images")
    known = scores.detach()
    predicted = known.argmax(dim=1)
    return Answers(
        scores=scores,
        log_probability=known.log_softmax(dim=1),
        true=label.where(label >= 0, predicted),
        predicted=predicted,
    )
