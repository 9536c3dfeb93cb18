"""What a command is asked to do: frozen records, and the only home of their defaults.

A value is taken from the flag, else the environment (``CAM_AUDIT_DATA_ROOT``), else the TOML file
named by ``--config`` (``data-root = "…"``), else from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["DATASETS", "REGIONS", "ExplainConfig", "FitConfig", "RegionsConfig", "RunConfig"]

#: What ``--dataset`` understands, as messages and the documentation show it.
DATASETS = (
    "decoy",
    "photos",
    "stl10",
    "folder",
    "table:FILE.csv|.parquet",
    "coco",
    "voc",
    "vqa",
    "coco-captions",
    "decoy-vqa",
    "decoy-captions",
    "package.module:function",
)

#: What ``--regions`` understands.
REGIONS = (
    "native",
    "none",
    "auto",
    "coco:FILE",
    "voc:FOLDER",
    "masks:FOLDER",
    "boxes:FILE.csv|.parquet",
)


@dataclass(frozen=True)
class RunConfig:
    """One audit: which images, which model, how, and where the results go.

    Attributes
    ----------
    dataset
        decoy, photos, stl10, folder, table:FILE.csv|.parquet (path, label, optional boxes), coco,
        voc, vqa, coco-captions, decoy-vqa, decoy-captions, or package.module:function.
    data_root
        Folder that holds the datasets; for 'folder', the dataset itself.
    split
        Which part of the dataset. [decoy, decoy-vqa: train, test, test-decorrelated;
        decoy-captions: train, test]
    model
        A torchvision name (resnet18), timm:NAME, small_resnet, efficientnet_lite0, or
        package.module:function. Default: the dataset's own reference model, where it has one.
    checkpoint
        Weights: .safetensors, or .pt/.pth that torch reads with weights_only=True.
    target_layer
        The module whose output is explained, by its name; several with commas between, and their
        maps are averaged. Default: by a table per architecture.
    method
        How the map is made: grad-cam, grad-cam++, xgrad-cam, layer-cam, hires-cam, cam, or
        counterfactual (what speaks against the class).
    regions
        Where the evidence should lie: native (what the dataset brings), coco:FILE, voc:FOLDER,
        masks:FOLDER, boxes:FILE.csv|.parquet, auto (native, else estimated by a detector or
        GrabCut) or none. [default: native; stl10: auto]
    class_map
        Which model outputs make up each dataset class: a JSON or TOML file, or a built-in name
        (stl10_imagenet).
    closed_set
        Drop the model outputs that no dataset class claims.
    input_size
        Short for --resize N --crop N.
    resize
        Shorter side in pixels (aspect ratio kept), or HxW.
    crop
        Centred crop in pixels, N or HxW.
    mean
        Three numbers to subtract from RGB in [0, 1]: r,g,b.
    std
        Three numbers to divide by: r,g,b.
    run
        Name of the run, or of the unfinished run to take up. Default:
        <dataset>-<model>-<UTC time>, or an unfinished run of the same plan.
    runs_dir
        Folder of the run folders, or a URL of an object store (s3://bucket/runs; docs/scale.md).
    device
        auto, cpu, cuda or cuda:N.
    dtype
        What the model computes in: float32, bfloat16 (autocast; the run measures what that changes)
        or auto: bfloat16 on a GPU that has it, else float32. Scores are float32 always.
    batch_size
        Images a forward; halved where a GPU's memory does not hold it. Default: 64, on a GPU 512.
    workers
        Processes that read images; 0 reads in the main process. Default: by the dataset's kind.
    limit
        Audit only this many images: a seeded sample, stratified by class.
    part_size
        Rows a part file. Default: 16384, fewer for small sets.
    max_cases
        How many images the report may show.
    seed
        Key of every random choice.
    budget
        Extra forwards that the interventions may take; 0: none. Default: half as many as there are
        images, or what 40 images of each of up to 20 classes need, if that is more.
    fill
        What a suspect patch is covered with: blur (of its surroundings, with their grain), inpaint
        or mean.
    sanity
        Check on 64 images whether the maps depend on the model, and whether their cells matter to
        it.
    policy
        Release policy (TOML file of gates) of the report's verdict; it never changes the exit code.
        Default: the policy that comes with this program.
    engine
        Who does it: local (this process) or ray (every device of a Ray cluster; docs/scale.md).
    fresh
        Move an existing run of that name aside and start again.
    """

    dataset: str = "decoy"
    data_root: Path = Path("data")
    split: str = "test"
    model: str | None = None
    checkpoint: Path | None = None
    target_layer: str | None = None
    method: str = "grad-cam"
    regions: str | None = None
    class_map: str | None = None
    closed_set: bool = False
    input_size: int | None = None
    resize: str | None = None
    crop: str | None = None
    mean: str | None = None
    std: str | None = None
    run: str | None = None
    runs_dir: str | Path = Path("runs")
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    batch_size: int | None = None
    workers: int | None = None
    limit: int | None = None
    part_size: int | None = None
    max_cases: int = 2000
    seed: int = 0
    budget: int | None = None
    fill: Literal["blur", "inpaint", "mean"] = "blur"
    sanity: bool = True
    policy: Path | None = None
    engine: Literal["local", "ray"] = "local"
    fresh: bool = False


@dataclass(frozen=True)
class FitConfig:
    """One short reference fit on a dataset's train split.

    Attributes
    ----------
    dataset
        decoy, stl10, folder, table:FILE.csv|.parquet, or package.module:function.
    data_root
        Folder that holds the datasets; for 'folder', the dataset itself.
    split
        Which part of the dataset to learn from.
    model
        small_resnet (made for 64 to 128 px) or a torchvision name (resnet18); small_vqa for
        questions, small_captioner for captions. Default: by what the dataset teaches.
    output
        The .safetensors file to write; its JSON goes beside it. Default:
        DATA_ROOT/models/DATASET/MODEL.safetensors.
    input_size
        Short for --resize N --crop N; needed where the images differ in size.
    epochs
        Passes over the images. [default: small_resnet 6, small_vqa 8, small_captioner 6]
    batch_size
        Images a step. [default: 64; small_vqa and small_captioner 16]
    workers
        Processes that read images. Default: by the dataset's kind.
    device
        auto, cpu, cuda or cuda:N.
    seed
        Key of the initial weights and of the order.
    """

    dataset: str = "decoy"
    data_root: Path = Path("data")
    split: str = "train"
    model: str | None = None
    output: Path | None = None
    input_size: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    workers: int | None = None
    device: str = "auto"
    seed: int = 0


@dataclass(frozen=True)
class ExplainConfig:
    """Pictures of single images: where the model looks, and for which class.

    Attributes
    ----------
    model
        A torchvision name (resnet18), timm:NAME, small_resnet, efficientnet_lite0, or
        package.module:function. Default: what the checkpoint's JSON names.
    checkpoint
        Weights: .safetensors, or .pt/.pth that torch reads with weights_only=True.
    class_
        The class explained: pred (the predicted one), true (named by the image's folder), or an
        output by its name, WordNet id or index.
    target_layer
        The module whose output is explained, by its name; several with commas between, and their
        maps are averaged. Default: by a table per architecture.
    method
        How the map is made: grad-cam, grad-cam++, xgrad-cam, layer-cam, hires-cam, cam, or
        counterfactual (what speaks against the class).
    input_size
        Short for --resize N --crop N.
    resize
        Shorter side in pixels (aspect ratio kept), or HxW.
    crop
        Centred crop in pixels, N or HxW.
    mean
        Three numbers to subtract from RGB in [0, 1]: r,g,b.
    std
        Three numbers to divide by: r,g,b.
    output
        Folder of the pictures; for one image it may be a .png file.
    colormap
        Colours of the map: inferno and viridis are perceptually uniform; jet-mix is the JET
        overlay of many posts (0.3 map + 0.5 image).
    guided
        Draw Guided Grad-CAM beside the map, where the model allows it.
    device
        auto, cpu, cuda or cuda:N.
    """

    model: str | None = None
    checkpoint: Path | None = None
    class_: str = "pred"
    target_layer: str | None = None
    method: str = "grad-cam"
    input_size: int | None = None
    resize: str | None = None
    crop: str | None = None
    mean: str | None = None
    std: str | None = None
    output: Path = Path("explain")
    colormap: Literal["inferno", "viridis", "jet-mix"] = "inferno"
    guided: bool = True
    device: str = "auto"


@dataclass(frozen=True)
class RegionsConfig:
    """Estimated regions written as a COCO file, to be corrected in an annotation tool.

    Attributes
    ----------
    dataset
        decoy, photos, stl10, folder, table:FILE.csv|.parquet, coco, voc, or
        package.module:function.
    data_root
        Folder that holds the datasets; for 'folder', the dataset itself.
    split
        Which part of the dataset.
    output
        The JSON file to write. Default: regions/DATASET-SPLIT.json in the data root; for 'folder'
        beside it.
    limit
        Only this many images: a seeded sample, stratified by class.
    device
        auto, cpu, cuda or cuda:N; for the detector.
    seed
        Key of the sample.
    """

    dataset: str = "stl10"
    data_root: Path = Path("data")
    split: str = "test"
    output: Path | None = None
    limit: int | None = None
    device: str = "auto"
    seed: int = 0
