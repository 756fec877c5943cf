"""Find, check and describe trained weights: a folder with a ``config.json`` beside its model files."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from emotion import hub
from emotion.errors import WeightsError
from emotion.network_files import ModelFile, model_file
from emotion.preprocess import Normalisation
from emotion.types import Emotion

__all__ = [
    "ABOUT_WEIGHTS",
    "DEFAULT_RUNTIME",
    "DEFAULT_WEIGHTS",
    "WEIGHTS_VARIABLE",
    "Activation",
    "ModelSpec",
    "find_weights",
    "read_figures",
    "read_history",
    "read_spec",
    "shipped_weights",
]

WEIGHTS_VARIABLE = "EMOTION_WEIGHTS"
"""Environment variable that names the weights when nothing else does."""

DEFAULT_WEIGHTS = "compact"
"""The shipped weights that are used unless others are asked for."""

DEFAULT_RUNTIME = "auto"
"""LiteRT where the weights have a file for it, else the first runtime that they have one for."""

ABOUT_WEIGHTS = ("README.md", "metrics.json", "history.json", "architectures.json")
"""What may lie beside the model files: the card and the figures, which the model tab shows."""

_IN_WHEEL = Path(__file__).resolve().with_name("weights_shipped")

WEIGHTS_FOLDER = _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_WHEEL.parent.parent / "weights"
"""The repository's ``weights/``; in an installed package, the copy that travels in the wheel."""


class Activation(StrEnum):
    """What a network's values have been through; softmax unless ``config.json`` says otherwise."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"  # divided by their sum
    LOGITS = "logits"  # softmax is still to come


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What ``config.json`` says about a network.

    Attributes:
        name: Name of the weights, shown to people.
        labels: The expression of each output, in output order.
        input_size: Side of the square grey input, in pixels.
        normalisation: How grey values become inputs.
        outputs: Names of the network's rows of seven probabilities. ``shown`` is what people see;
            others (``fer2013``, ``ferplus``) are there for the benchmark of that name.
        activation: What the network's values have been through.
        crop_scale: Side of the crop, relative to FER-2013's framing of a face (brow to chin).
        files: The model file of each runtime (``litert``, ``keras``).
        licence: Licence of the weights.
        data: What they were trained on.
        training: How they were trained: the recipe, as plain values.
    """

    name: str
    labels: tuple[Emotion, ...]
    outputs: tuple[str, ...]
    input_size: int
    normalisation: Normalisation
    activation: Activation
    crop_scale: float
    files: Mapping[str, ModelFile]
    licence: str
    data: str
    training: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.input_size < 1 or not 0.0 < self.crop_scale < math.inf:
            raise ValueError(
                "input_size and crop_scale must be above 0 and finite. "
                f"Received: {self.input_size} and {self.crop_scale}"
            )

    def runtime(self, wanted: str) -> str:
        """The runtime that a wish means: itself, or for :data:`DEFAULT_RUNTIME` the best there is."""
        if wanted != DEFAULT_RUNTIME:
            return wanted
        return "litert" if "litert" in self.files else next(iter(self.files), "litert")


def shipped_weights() -> list[str]:
    """Names of the weights in the repository's ``weights/`` folder, the default one first."""
    names = sorted(path.parent.name for path in WEIGHTS_FOLDER.glob("*/config.json"))
    return sorted(names, key=lambda name: name != DEFAULT_WEIGHTS)


def find_weights(
    which: str | os.PathLike[str] | None = None, *, runtime: str | None = None
) -> Path:
    """The folder of some weights.

    Args:
        which: A folder, a name in ``weights/``, or ``hf://owner/name[@revision]``. None means the
            environment variable ``EMOTION_WEIGHTS`` or, without it, the shipped default. The network is
            touched only for ``hf://``, and only if the weights are not in the cache.
        runtime: Of weights on a hub, only what this runtime needs is fetched; by default all files.

    Raises:
        WeightsError: If there are no such weights; lists what there is. Nothing is ever guessed: without
            trained weights the program does not answer.
    """
    text = os.fspath(which or os.environ.get(WEIGHTS_VARIABLE) or DEFAULT_WEIGHTS)
    if text.startswith(hub.SCHEME):
        return _find_on_hub(hub.HubReference.parse(text), runtime)
    wanted = Path(text)
    for folder in (wanted, WEIGHTS_FOLDER / wanted):
        if (folder / "config.json").is_file():
            return folder
    raise WeightsError(
        "Weights must be a folder with a config.json, one of the shipped ones "
        f"({', '.join(shipped_weights()) or 'none here'}), or hf://owner/name[@revision]. "
        f"Received: {text!r}. Train some with: python train.py --data FOLDER"
    )


def _find_on_hub(reference: hub.HubReference, runtime: str | None) -> Path:
    """The folder of weights in the hub's cache; fetches what is missing there.

    The commit vouches for ``config.json``, and the hashes in there for the model files.
    """
    folder = hub.fetch(reference, "config.json").parent
    pinned = reference.at(commit=folder.name)
    if not reference.is_pinned:
        logging.getLogger(__name__).warning(
            "%s is now commit %s. To use exactly these weights always: %s",
            *(reference, pinned.revision, pinned),
        )
    spec = read_spec(folder)
    chosen = spec.files.keys() if runtime is None else {spec.runtime(runtime)} & spec.files.keys()
    parts = [part for name in sorted(chosen) for part in spec.files[name].parts]
    complete = all((folder / part.path.name).is_file() for part in parts)
    for part in parts:
        hub.fetch(pinned, part.path.name, sha256=part.sha256)
    if not complete:
        _fetch_about(pinned)
    return folder


def _fetch_about(reference: hub.HubReference) -> None:
    """Fetch card and figures, along with the model files only, so that no later start waits for the hub.

    Weights without them, or a hub that breaks down meanwhile, cost the model tab its figures and no more.
    """
    for name in ABOUT_WEIGHTS:
        try:
            hub.fetch(reference, name)
        except WeightsError as error:
            logging.getLogger(__name__).info("%s", error)


def read_spec(folder: Path) -> ModelSpec:
    """Read and validate the ``config.json`` of a weights folder.

    Raises:
        WeightsError: If it is missing, not JSON, or a field is missing or not valid.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        files = {name: model_file(folder, entry) for name, entry in config["files"].items()}
        spec = ModelSpec(
            name=str(config["name"]),
            labels=tuple(Emotion(label) for label in config["labels"]),
            outputs=tuple(map(str, config.get("outputs", ["shown"]))),
            input_size=int(config["input_size"]),
            normalisation=Normalisation(config["normalisation"]),
            activation=Activation(config.get("activation", Activation.SOFTMAX)),
            crop_scale=float(config.get("crop_scale", 1.0)),
            files=files,
            licence=str(config.get("licence", "unknown")),
            data=str(config.get("data", "unknown")),
            training=dict(config.get("training", {})),
        )
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error
    except KeyError as error:
        raise WeightsError(f"{path} must have the field {error}.") from error
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise WeightsError(f"{path} is not a valid description of weights: {error}") from error
    if sorted(spec.labels) != sorted(Emotion):
        raise WeightsError(
            f"{path}: labels must name each of {', '.join(Emotion)} once. "
            f"Received: {', '.join(spec.labels)}"
        )
    if "shown" not in spec.outputs:
        raise WeightsError(f"{path}: outputs must contain 'shown'. Received: {spec.outputs}")
    return spec


def read_figures(path: Path, keys: Set[str]) -> list[dict[str, Any]]:
    """Read the objects of a JSON file of figures that lies beside a network.

    Other programs give the same names to other figures; what broke off in the middle would say nothing.

    Returns:
        The objects; none if the file cannot be read, or one of them lacks some of ``keys``.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError):
        return []
    rows = content if isinstance(content, list) else [content]
    return rows if all(isinstance(row, dict) and keys <= row.keys() for row in rows) else []


def read_history(folder: Path) -> list[dict[str, float]]:
    """Read the figures of each epoch from the ``history.json`` of a weights folder.

    Returns:
        The epochs; none if there is no such file, or one of another kind: Keras's own is one object of lists.
    """
    epochs = read_figures(folder / "history.json", {"loss"})
    figures = [figure for epoch in epochs for figure in epoch.values()]
    return epochs if all(isinstance(figure, int | float) for figure in figures) else []
