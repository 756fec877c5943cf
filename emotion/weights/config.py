"""What the ``config.json`` of a weights folder says about a network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from emotion.errors import WeightsError
from emotion.preprocess import Normalisation
from emotion.types import Emotion
from emotion.weights.files import ModelFile, model_file

__all__ = [
    "DEFAULT_RUNTIME",
    "Activation",
    "ModelSpec",
    "read_spec",
]


DEFAULT_RUNTIME = "auto"
"""LiteRT where the weights have a file for it, else the first runtime that they have one for."""


class Activation(StrEnum):
    """The activation of a network's output; softmax unless ``config.json`` says otherwise."""

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
        frequencies: How often the network expects each expression; see :mod:`emotion.prior`.
        sure_above: From which probability on a shown label counts as sure.
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
    frequencies: Mapping[Emotion, float]
    sure_above: float
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
        if not 0.0 <= self.sure_above <= 1.0:
            raise ValueError(f"sure_above must be from 0 to 1. Received: {self.sure_above}")

    def runtime(self, wanted: str) -> str:
        """The runtime to use: ``wanted``, or for :data:`DEFAULT_RUNTIME` the best one with a file."""
        if wanted != DEFAULT_RUNTIME:
            return wanted
        return "litert" if "litert" in self.files else next(iter(self.files), "litert")


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
            frequencies=_frequencies(config.get("frequencies")),
            sure_above=float(config.get("sure_above", 0.0)),
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


def _frequencies(given: Mapping[str, float] | None) -> Mapping[Emotion, float]:
    """Frequencies of the expressions from ``config.json``; equal ones if it has none."""
    if given is None:
        return dict.fromkeys(Emotion, 1.0 / len(Emotion))
    frequencies = {Emotion(name): float(value) for name, value in given.items()}
    if set(frequencies) != set(Emotion) or not all(0 < f < math.inf for f in frequencies.values()):
        raise ValueError(
            f"frequencies must give each expression a number above 0. Received: {given}"
        )
    return frequencies
