"""What is asked or said about a row's image, as its columns of ``images`` tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["CAPTIONS", "caption_of", "texts_of"]

#: SQL of the reference caption and of the model's, of ``images i``: labels that are of no class.
CAPTIONS = tuple(
    f"CASE WHEN i.{side}_class IS NULL THEN i.{side}_label END" for side in ("true", "pred")
)


def caption_of(row: Mapping[str, Any], side: str) -> str | None:
    """The reference caption (``side`` true) or the model's (pred); None where the label is none.

    A caption is a label that is of no class.
    """
    label: str | None = row.get(f"{side}_label")
    return label if row.get(f"{side}_class") is None else None


def texts_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The texts that the dataset gave with the image, by the names that ``sample_id`` hashes.

    That is the question, or the reference caption; none where the image stands alone.
    """
    question = row.get("question")
    if question is not None:
        return {"question": question}
    caption = caption_of(row, "true")
    return {} if caption is None else {"caption": caption}
