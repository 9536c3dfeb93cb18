"""Single images from their files to their pictures: read, classify, explain, draw, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from audit.config import ExplainConfig
from audit.data.decode import read_file, shown_name
from audit.data.geometry import view_of
from audit.device import pick_device
from audit.errors import ConfigError, DataError, ModelError
from audit.explain.forward import class_map, forward
from audit.explain.guided import guided_backpropagation, guided_grad_cam
from audit.explain.methods import method_of
from audit.explain.pooled import check_pooled_head
from audit.models.classifier import Classifier, load_classifier
from audit.models.logits import logits_of
from audit.models.output_names import OutputNames
from audit.models.preprocessing import normalise, parse_overrides
from audit.models.probe import probe
from audit.pictures.files import Picture, find_images, place_pictures, write_png
from audit.pictures.sheet import Look, draw
from audit.records import Preprocessing
from audit.scores.grid import upsample

__all__ = ["explain_images"]

_TOP = 3
_PREDICTED, _TRUE = "pred", "true"


@dataclass(frozen=True)
class _Subject:
    """A classifier on its device, and what is asked of it."""

    classifier: Classifier
    names: OutputNames
    method: str
    guided: bool
    device: torch.device


def explain_images(
    given: Sequence[Path], config: ExplainConfig, say: Callable[[str], object] = lambda _line: None
) -> Path:
    """Draw one PNG for each image of ``given`` (files, or folders of them).

    ``say`` is told, line by line, what a person should know: an image that cannot be read, a
    Guided Grad-CAM that the model does not allow. Returns what was written: the file of a single
    image, else the folder. Raises an AuditError: ConfigError before anything is drawn, DataError
    where no image gave a picture.
    """
    method_of(config.method)
    pictures = place_pictures(find_images(given), config.output, _ending(config.class_))
    subject = _subject(config, pictures, say)
    targets = _targets(config.class_, subject.names, pictures)
    for note in subject.classifier.notes:
        say(f"note: {note}")
    failed = 0
    with tqdm(total=len(pictures), unit="img", desc="explain", disable=None) as bar:
        for picture, target in zip(pictures, targets, strict=True):
            try:
                look = _look(subject, picture.image, target)
                write_png(draw(look, config.colormap), picture.target)
            except (DataError, ModelError) as error:
                failed += 1
                bar.clear()
                say(f"{shown_name(str(picture.image))}: {error}")
            bar.update()
    return _written(pictures, failed, config.output, say)


def _written(
    pictures: tuple[Picture, ...], failed: int, output: Path, say: Callable[[str], object]
) -> Path:
    if failed == len(pictures):
        raise DataError(f"no picture was drawn: none of {failed} images could be explained")
    if failed:
        say(f"note: {failed} of {len(pictures)} images have no picture; each is named above")
    return pictures[0].target if len(pictures) == 1 else output


def _ending(asked: str) -> str:
    """What a class that was asked for adds to a picture's name: one image may have several."""
    slug = "".join(letter if letter.isalnum() else "-" for letter in asked)
    return "" if asked == _PREDICTED else f"-class-{slug}"


def _subject(
    config: ExplainConfig, pictures: tuple[Picture, ...], say: Callable[[str], object]
) -> _Subject:
    """The model that ``config`` names, tried once on an image of the first view's size."""
    asked = parse_overrides(config.input_size, config.resize, config.crop, config.mean, config.std)
    device = pick_device(config.device)
    classifier = load_classifier(config.model, config.checkpoint, config.target_layer, asked)
    size = _first_size(pictures, classifier.preprocessing)
    outputs = probe(classifier.module, classifier.target_layers, size).outputs
    if config.method == "cam":
        check_pooled_head(classifier.module, classifier.target_layers, size, _scores)
    names = OutputNames(outputs, classifier.outputs, classifier.wnids)
    guided = config.guided and _allows_guided(classifier, size, say)
    classifier.module.to(device)
    return _Subject(classifier, names, config.method, guided, device)


def _first_size(pictures: tuple[Picture, ...], preprocessing: Preprocessing) -> tuple[int, int]:
    """Height, width of the view of the first image that can be read."""
    detail = ""
    for picture in pictures:
        reading = read_file(picture.image, str(picture.image))
        if reading.pixels is not None:
            view = view_of(reading.pixels.shape[0], reading.pixels.shape[1], preprocessing)
            return view.height, view.width
        detail = detail or f"{shown_name(str(picture.image))}: {reading.detail}"
    count = len(pictures)
    raise DataError(detail if count == 1 else f"none of {count} images can be read; {detail}")


def _allows_guided(
    classifier: Classifier, size: tuple[int, int], say: Callable[[str], object]
) -> bool:
    try:
        guided_backpropagation(
            classifier.module, torch.zeros(1, 3, *size), torch.tensor([0]), _scores
        )
    except ModelError as error:
        say(f"note: no Guided Grad-CAM: {error}")
        return False
    return True


def _targets(
    asked: str, names: OutputNames, pictures: tuple[Picture, ...]
) -> tuple[int | None, ...]:
    """The output explained in each picture; None: the predicted one. Raises ConfigError."""
    if asked == _PREDICTED:
        return (None,) * len(pictures)
    try:
        if asked != _TRUE:
            return (_output(asked, names, "--class"),) * len(pictures)
        return tuple(_true_class(picture.image, names) for picture in pictures)
    except ModelError as error:  # here it is the flag's value that is wrong
        raise ConfigError(str(error)) from error


def _output(asked: str, names: OutputNames, source: str) -> int:
    """A name goes before an index: classes may be called by numbers."""
    is_index = asked.isdecimal() and not names.lookup(asked)
    return names.find(int(asked) if is_index else asked, source)


def _true_class(image: Path, names: OutputNames) -> int:
    folder = image.absolute().parent.name
    return names.find(folder, f"--class true: the folder of {shown_name(str(image))}")


def _look(subject: _Subject, image: Path, target: int | None) -> Look:
    """Raises DataError for an image that cannot be read, ModelError where the model fails on it."""
    view = _view(image, subject.classifier.preprocessing).to(subject.device)
    inputs = normalise(view, subject.classifier.preprocessing)
    try:
        return _explained(subject, image, view, inputs, target)
    except RuntimeError as error:  # torch's own word for a size that does not fit
        height, width = view.shape[-2:]
        raise ModelError(
            f"the model fails on a view of {height}x{width} pixels"
            f" ({str(error).splitlines()[0]}); --input-size says which size it takes"
        ) from error


def _explained(
    subject: _Subject, image: Path, view: Tensor, inputs: Tensor, target: int | None
) -> Look:
    classifier = subject.classifier
    ran = forward(classifier.module, classifier.target_layers, inputs, _scores)
    probabilities = ran.scores.detach().softmax(dim=1)[0].cpu()
    if not bool(torch.isfinite(probabilities).all()):
        raise ModelError("the model's outputs for it are not finite")
    shown = int(probabilities.argmax()) if target is None else target
    chosen = torch.tensor([shown], device=subject.device)
    cam = class_map(ran, chosen, subject.method, last=True)
    heat = upsample(cam, (view.shape[-2], view.shape[-1]))
    return Look(
        view=_image(view[0]),
        cam=cam[0].float().cpu().numpy(),
        heat=heat[0].cpu().numpy(),
        guided=_guided(subject, inputs, chosen, cam) if subject.guided else None,
        headline=f"{subject.names.labels[shown]}  {_percent(probabilities[shown])}"
        + (f"  ({said})" if (said := _state(cam)) else ""),
        lines=(
            f"{subject.method} at {classifier.target_layer} of {classifier.name}   ·   "
            f"model's outputs: {_outputs(probabilities, subject.names)}",
            shown_name(str(image)),
        ),
    )


def _guided(subject: _Subject, inputs: Tensor, chosen: Tensor, cam: Tensor) -> np.ndarray:
    found = guided_backpropagation(subject.classifier.module, inputs, chosen, _scores)
    return _image(guided_grad_cam(found, cam)[0])


def _view(image: Path, preprocessing: Preprocessing) -> Tensor:
    """The model's view of an image file, 1×3×H×W uint8."""
    reading = read_file(image, str(image))
    if reading.pixels is None:
        raise DataError(reading.detail)
    pixels = torch.from_numpy(reading.pixels).permute(2, 0, 1)[None]
    return view_of(pixels.shape[-2], pixels.shape[-1], preprocessing).pixels(pixels)


def _scores(output: Any) -> Tensor:
    return logits_of(output).float()


def _image(tensor: Tensor) -> np.ndarray:
    """3×H×W as H×W×3 on the host."""
    image: np.ndarray = tensor.permute(1, 2, 0).cpu().numpy()
    return image


def _state(cam: Tensor) -> str:
    """What a reader must know before reading anything into the map."""
    if not bool(torch.isfinite(cam).all()):
        return "the map is not finite: nothing is shown"
    if not bool((cam > 0).any()):
        return "the map is zero: nothing at this layer speaks for the class"
    if cam.shape[-2:] == (1, 1):
        return "a grid of one cell cannot say where"
    return ""


def _outputs(probabilities: Tensor, names: OutputNames) -> str:
    top = probabilities.topk(min(_TOP, len(probabilities)))
    return ", ".join(
        f"{names.labels[int(i)]} {_percent(p)}"
        for p, i in zip(top.values, top.indices, strict=True)
    )


def _percent(probability: Tensor) -> str:
    return f"{100 * float(probability):.1f} %"
