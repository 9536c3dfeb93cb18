"""torchvision's Mask R-CNN with COCO weights: the instances of one category in a picture."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

import numpy as np
import torch
from torch import nn
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights, maskrcnn_resnet50_fpn

from audit.models.output_names import folded

__all__ = ["SOURCE", "VERSION", "Detector", "coco_categories", "load_detector"]

SOURCE = "pseudo:maskrcnn_resnet50_fpn"
#: Changes where the same picture gets another region.
VERSION = "maskrcnn_resnet50_fpn-coco-v1-1"

_WEIGHTS = MaskRCNN_ResNet50_FPN_Weights.COCO_V1
_LEAST = 0.5  # of an instance's score, and of a pixel's probability
_PATIENCE = 20.0  # seconds without an answer from the server of the weights
#: What datasets call a COCO category otherwise, folded.
_SYNONYMS = {
    "aeroplane": "airplane",
    "automobile": "car",
    "ship": "boat",
    "motorbike": "motorcycle",
    "tvmonitor": "tv",
    "sofa": "couch",
    "diningtable": "dining table",
    "pottedplant": "potted plant",
}


class Detector:
    """A detection model of torchvision's kind, on ``device``."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self._model = model.eval().to(device)
        self._device = device

    def mask(self, pixels: np.ndarray, category: int) -> np.ndarray:
        """The union of the instances of ``category`` (an output of the model): H×W bool.

        ``pixels`` is H×W×3 uint8 RGB. All False where there is none.
        """
        picture = torch.from_numpy(np.ascontiguousarray(pixels)).to(self._device)
        with torch.inference_mode():
            (found,) = self._model([picture.permute(2, 0, 1).float() / 255])
        kept = (found["labels"] == category) & (found["scores"] >= _LEAST)
        union = (found["masks"][kept, 0] >= _LEAST).any(dim=0)
        mask: np.ndarray = union.cpu().numpy()
        return mask


def load_detector(device: torch.device) -> Detector:
    """The model with its COCO weights, fetched where they are not in torch's cache.

    Raises OSError where they cannot be fetched, RuntimeError where the file is damaged.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        with redirect_stdout(sys.stderr):  # torch says there that it downloads
            weights = _WEIGHTS.get_state_dict(
                progress=sys.stderr.isatty(), check_hash=True, map_location="cpu", weights_only=True
            )
    finally:
        socket.setdefaulttimeout(before)
    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    model.load_state_dict(weights)
    return Detector(model, device)


def coco_categories(classes: Sequence[str]) -> tuple[int | None, ...]:
    """The model's output for each class, by its name; None where COCO has no such category."""
    known = {folded(name): i for i, name in enumerate(_WEIGHTS.meta["categories"])}
    for unused in ("__background__", "N/A"):
        known.pop(folded(unused))
    names = [folded(name) for name in classes]
    return tuple(known.get(folded(_SYNONYMS.get(name, name))) for name in names)
