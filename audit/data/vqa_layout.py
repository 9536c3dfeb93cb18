"""What the files of VQA v2 (https://visualqa.org) are called, and of our extension of it."""

from __future__ import annotations

from typing import Final

__all__ = [
    "FORMAT",
    "YEARS",
    "annotations_name",
    "image_stem",
    "instances_name",
    "questions_name",
    "regions_name",
]

#: ``format`` of the file that says which annotated objects an answer rests on.
FORMAT: Final = "cam-audit-vqa-regions/1"

#: What may follow a split's name: ``val`` is ``val2014``, ``test`` is ``test2015``.
YEARS: Final = ("", "2014", "2015")


def questions_name(subset: str) -> str:
    """The file of the questions, below the data root."""
    return f"v2_OpenEnded_mscoco_{subset}_questions.json"


def annotations_name(subset: str) -> str:
    """The file of the answers; a test split may have none."""
    return f"v2_mscoco_{subset}_annotations.json"


def regions_name(subset: str) -> str:
    """Our file of the objects that answers rest on; VQA v2 itself has none."""
    return f"regions_{subset}.json"


def instances_name(subset: str) -> str:
    """COCO's file of the objects in the images."""
    return f"annotations/instances_{subset}.json"


def image_stem(subset: str, image_id: int) -> str:
    """The name of an image without its type."""
    return f"COCO_{subset}_{image_id:012d}"
