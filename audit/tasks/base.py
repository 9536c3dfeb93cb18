"""The seam between the audit and the kind of model that is audited: images in, answers out.

Whatever gives a differentiable score can be audited: a class, an answer to a question, a caption's
log-probability. What the engine needs to know is which scores there are, and for each image which
of them is the true one and which the model's own answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor, nn

__all__ = ["Answering", "Answers", "Asked", "Task", "Word"]


@dataclass(frozen=True)
class Asked:
    """What comes with a batch of images, and which answers the dataset holds to be true."""

    texts: tuple[Mapping[str, str], ...]  # B: "question" or "caption" where the dataset has one
    label: Tensor  # int64[B]: index into the dataset's classes; -1: none


@dataclass(frozen=True)
class Word:
    """One word of a caption whose own log-probability is a column of the scores."""

    image: int  # place in the batch
    column: int  # of the scores: log p(word | the words before it)
    caption: Literal["true", "pred"]  # the reference, or what the model says
    position: int  # in its caption, from 0
    word: str


@dataclass(frozen=True)
class Answers:
    """What a model answers to B images, C scores each.

    ``true`` and ``predicted`` name a column for each image; where an image has no true answer,
    ``true`` is ``predicted``. Where the columns are classes of the dataset, ``said`` is None. Where
    every image has texts of its own, ``said`` holds them as (true, predicted), equal texts in one
    column; ``words`` may then name further columns, in any order.
    """

    scores: Tensor  # float B×C: what maps are made of, differentiable
    log_probability: Tensor  # float B×C
    true: Tensor  # int64[B]
    predicted: Tensor  # int64[B]
    said: tuple[tuple[str | None, str], ...] | None = None
    words: tuple[Word, ...] = ()


class Task(Protocol):
    """How a kind of model is asked."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns of the scores are called; empty where each image has its own texts."""
        ...

    @property
    def nouns(self) -> tuple[str, ...]:
        """The classes whose objects the words of a text are judged by; empty: words are not."""
        ...

    def ask(self, module: nn.Module, inputs: Tensor, asked: Asked) -> Answers:
        """The answers of ``module`` to normalised ``inputs``, float B×3×H×W.

        Raises ModelError where the module returns something else than this kind of model does.
        """
        ...


@runtime_checkable
class Answering(Protocol):
    """A ``torch.nn.Module`` of a kind of its own: it brings its answers itself."""

    def ask(self, images: Tensor, asked: Asked) -> Answers:
        """The answers to normalised ``images``, float B×3×H×W.

        Columns are the dataset's classes in their order, unless ``said`` has texts. Called once a
        batch, with gradients of the target layer recorded: ``scores`` must depend on it, and each
        image's scores on that image alone.
        """
        ...
