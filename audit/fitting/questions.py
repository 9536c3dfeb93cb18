"""The recipe of a model that answers questions: every image once, with all its questions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from audit.fitting.classes import labelled
from audit.fitting.recipe import Opened, Recipe
from audit.fitting.words import Mentions
from audit.models.small_vqa import SmallVqa
from audit.models.vocabulary import Vocabulary
from audit.records import Listing

__all__ = ["questions_recipe"]


def questions_recipe(source: Opened, name: str) -> Recipe:
    """SmallVqa learns the questions of ``source`` that have an answer.

    The loss is cross-entropy of the answers, and that of spotting the words which an image's
    questions and answers hold. Raises DataError where there are no two answers to learn from.
    """
    listing = source.listing
    answered = labelled(listing.labels, name)
    asked = [row.get("question", "") for row in listing.texts or ()]
    rows = _by_image(listing, answered)
    vocabulary = Vocabulary.of(asked[row] for row in answered)
    place = {row: i for i, row in enumerate(rows)}
    said = [" ".join(_said(listing, asked, row) for row in some) for some in rows.values()]
    mentions = Mentions.of(vocabulary, said)
    module = SmallVqa(len(listing.classes), vocabulary.words)

    def loss(inputs: Tensor, index: np.ndarray) -> tuple[Tensor, Tensor]:
        of_image = [rows[int(first)] for first in index]
        flat = [row for some in of_image for row in some]
        image = np.repeat(np.arange(len(index)), [len(some) for some in of_image])
        labels = torch.from_numpy(listing.labels[flat]).to(inputs.device)
        features = module.encode(inputs)
        logits = module.answer(features[image], [asked[row] for row in flat])
        spotting = mentions.loss(module.spotter(features), [place[int(row)] for row in index])
        return F.cross_entropy(logits, labels) + spotting, logits.argmax(1) == labels

    return Recipe(
        module,
        np.array(list(rows), dtype=np.int64),
        loss,
        rate=5e-3,
        epochs=8,
        batch_size=16,
        judged="answers",
        classes=listing.classes,
        words=vocabulary.words,
    )


def _by_image(listing: Listing, answered: np.ndarray) -> dict[int, list[int]]:
    """The answered rows of each image, by the first of them: the one whose image is read."""
    first: dict[object, int] = {}
    rows: dict[int, list[int]] = {}
    for row in answered.tolist():
        key = listing.paths[row] if listing.paths else row
        rows.setdefault(first.setdefault(key, row), []).append(row)
    return rows


def _said(listing: Listing, asked: list[str], row: int) -> str:
    return f"{asked[row]} {listing.classes[listing.labels[row]]}"
