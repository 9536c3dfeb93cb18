"""The JSON files of a drawn dataset: VQA v2's, COCO's, and our own that ties answers to objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.data.scenes.objects import SceneObject
from audit.data.scenes.questions import ask, caption_of
from audit.data.scenes.scene import Purpose, Scene, scene_stream
from audit.data.scenes.spec import SHAPES, ScenesSpec
from audit.data.vqa_layout import (
    FORMAT,
    annotations_name,
    image_stem,
    instances_name,
    questions_name,
    regions_name,
)

__all__ = ["Shown", "captions_files", "image_name", "shown", "vqa_files"]

_LICENSE = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
_ASKED = 10  # people who answer a question in VQA v2
_MOST_OBJECTS = 10  # of a scene, in the numbering of annotations


@dataclass(frozen=True)
class Shown:
    """A scene without its pixels."""

    objects: tuple[SceneObject, ...]
    size: tuple[int, int]  # height, width
    runs: tuple[list[int], ...]  # each object's mask as COCO's uncompressed RLE
    boxes: tuple[list[int], ...]  # each object's x, y, width, height


def shown(scene: Scene) -> Shown:
    """What the JSON files say of a scene."""
    height, width = scene.masks.shape[1:]
    runs, boxes = (tuple(map(of, scene.masks)) for of in (_runs, _box))
    return Shown(scene.objects, (height, width), runs, boxes)


def image_name(split: str, index: int) -> str:
    """The file of scene ``index``; its image id is one more."""
    return f"{image_stem(split, index + 1)}.png"


def vqa_files(spec: ScenesSpec, split: str, scenes: Sequence[Shown]) -> dict[str, Any]:
    """Questions, annotations, regions and instances of a split, by file name."""
    asked = [
        (1000 * (index + 1) + number, index, question)
        for index, scene in enumerate(scenes)
        for number, question in enumerate(
            ask(scene_stream(spec, split, index, Purpose.QUESTIONS), scene.objects)
        )
    ]
    said = {"info": _info(spec), "data_type": "mscoco", "data_subtype": split, "license": _LICENSE}
    questions = [
        {"image_id": index + 1, "question": question.text, "question_id": key}
        for key, index, question in asked
    ]
    annotations = [
        {
            "image_id": index + 1,
            "question_id": key,
            "question_type": question.type,
            "answer_type": "other",
            "multiple_choice_answer": question.answer,
            "answers": [
                {"answer": question.answer, "answer_confidence": "yes", "answer_id": person}
                for person in range(1, _ASKED + 1)
            ],
        }
        for key, index, question in asked
    ]
    regions = [
        {"question_id": key, "annotation_ids": [_annotation_id(index, question.about)]}
        for key, index, question in asked
    ]
    return {
        questions_name(split): said | {"task_type": "Open-Ended", "questions": questions},
        annotations_name(split): said | {"annotations": annotations},
        regions_name(split): {"format": FORMAT, "regions": regions},
        instances_name(split): _instances(spec, split, scenes),
    }


def captions_files(spec: ScenesSpec, split: str, scenes: Sequence[Shown]) -> dict[str, Any]:
    """Captions and instances of a split, by file name."""
    captions = [
        {"id": index + 1, "image_id": index + 1, "caption": caption_of(scene.objects)}
        for index, scene in enumerate(scenes)
    ]
    images = _images(split, scenes)
    return {
        f"annotations/captions_{split}.json": {
            "info": _info(spec),
            "licenses": [_LICENSE],
            "images": images,
            "annotations": captions,
        },
        instances_name(split): _instances(spec, split, scenes),
    }


def _info(spec: ScenesSpec) -> dict[str, Any]:
    return {"description": f"{spec.name}: drawn scenes", "version": str(spec.as_json()["version"])}


def _annotation_id(index: int, place: int) -> int:
    return (index + 1) * _MOST_OBJECTS + place


def _images(split: str, scenes: Sequence[Shown]) -> list[dict[str, Any]]:
    return [
        {
            "id": index + 1,
            "file_name": image_name(split, index),
            "height": scene.size[0],
            "width": scene.size[1],
        }
        for index, scene in enumerate(scenes)
    ]


def _instances(spec: ScenesSpec, split: str, scenes: Sequence[Shown]) -> dict[str, Any]:
    return {
        "info": _info(spec),
        "licenses": [_LICENSE],
        "images": _images(split, scenes),
        "categories": [{"id": number, "name": name} for number, name in enumerate(SHAPES, 1)],
        "annotations": [
            {
                "id": _annotation_id(index, place),
                "image_id": index + 1,
                "category_id": SHAPES.index(one.shape) + 1,
                "iscrowd": 0,
                "segmentation": {"size": list(scene.size), "counts": scene.runs[place]},
                "bbox": scene.boxes[place],
                "area": sum(scene.runs[place][1::2]),
            }
            for index, scene in enumerate(scenes)
            for place, one in enumerate(scene.objects)
        ],
    }


def _runs(mask: np.ndarray) -> list[int]:
    """The uncompressed RLE of an H×W mask: pixels outside and inside in turn, by columns."""
    changes = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=False))
    edges = np.concatenate([[0], changes, [mask.size]])
    return [int(length) for length in np.diff(edges)]


def _box(mask: np.ndarray) -> list[int]:
    """x, y, width and height of the box round a mask that is not empty."""
    x, y = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    return [int(x[0]), int(y[0]), int(x[-1] - x[0] + 1), int(y[-1] - y[0] + 1)]
