"""Make a weights folder from somebody's existing classifier.

The order of the expressions and the normalisation of the pictures are not in the file, so the user gives
them; everything else is found out by loading and trying the network. Needs Keras.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emotion.classifier import load_classifier
from emotion.errors import WeightsError
from emotion.keras_files import load_model
from emotion.preprocess import Normalisation, to_batch
from emotion.types import Emotion
from emotion.weights.config import Activation, ModelSpec, read_spec
from emotion.weights.files import file_entry
from emotion.weights.shapes import check_size, input_side

__all__ = ["import_keras", "read_labels"]

TRIAL_FACES = 16


def read_labels(text: str) -> tuple[Emotion, ...]:
    """Read ``angry,disgust,fear,happy,sad,surprise,neutral`` in the order of a network's outputs.

    Raises:
        WeightsError: If it does not name each expression once.
    """
    words = [word.strip().lower() for word in text.split(",")]
    if sorted(words) != sorted(Emotion):
        raise WeightsError(
            f"The labels must name each of {', '.join(Emotion)} once, in the order of the network's outputs, "
            f"with commas between. Received: {text!r}"
        )
    return tuple(map(Emotion, words))


def import_keras(
    file: Path,
    folder: Path,
    *,
    labels: Sequence[Emotion],
    normalisation: Normalisation,
    architecture: Path | None = None,
) -> ModelSpec:
    """Copy a network into a new weights folder and write its ``config.json``.

    Args:
        file: Whole network (HDF5, ``.keras``), or weights only if ``architecture`` is given.
        folder: The weights folder to make; its name becomes the name of the weights.
        labels: The expression of each output, in output order.
        normalisation: How the network was given its pictures when it was trained.
        architecture: What ``model.to_json()`` wrote.

    Returns:
        The description, as read back; the network has been loaded from it and has answered.

    Raises:
        WeightsError: If a file is missing or refused, the network is no classifier of one grey face into
            seven expressions, or ``folder`` already holds weights or a file of the same name.
    """
    _check_paths(file, folder, architecture)
    model = load_model(file, architecture)
    side = input_side(model)
    check_size(model, side=side, rows=1, classes=len(Emotion))
    # Noise of every brightness: the kind of values does not depend on the picture.
    noise = np.random.default_rng(0).integers(0, 256, (TRIAL_FACES, side, side), dtype=np.uint8)
    values = np.asarray(model.predict_on_batch(to_batch(noise, normalisation)))
    activation = _activation_of(values, file)  # may refuse, so nothing has been written yet
    folder.mkdir(parents=True, exist_ok=True)
    entry = file_entry(Path(shutil.copyfile(file, folder / file.name)))
    if architecture is not None:
        entry["architecture"] = file_entry(
            Path(shutil.copyfile(architecture, folder / "model.json"))
        )
    config = {
        "name": folder.resolve().name,
        "labels": [str(label) for label in labels],
        "input_size": side,
        "normalisation": str(normalisation),
        "activation": str(activation),
        "files": {"keras": entry},
        "licence": "unknown",
        "data": "unknown",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    spec = read_spec(folder)
    load_classifier(spec, "keras").classify(list(noise[:2]))
    return spec


def _check_paths(file: Path, folder: Path, architecture: Path | None) -> None:
    """Refuse files that are not there, and a folder in which something would be overwritten."""
    for path in (file, architecture):
        if path is not None and not path.is_file():
            raise WeightsError(
                f"There must be a file of the network. Received: {path}, which is none."
            )
    for name in ("config.json", file.name, *(["model.json"] if architecture else [])):
        if (folder / name).exists():
            raise WeightsError(
                f"The weights folder must be a new one. Received: {folder}, which has a file {name}."
            )


def _activation_of(values: npt.NDArray[np.float32], file: Path) -> Activation:
    """The activation of a network's output, judged from its values."""
    if not np.isfinite(values).all():
        raise WeightsError(
            f"The network of {file} must answer with numbers. Received: infinite or no numbers; its weights "
            "are damaged, or it wants another normalisation."
        )
    if values.min() < 0.0 or values.max() > 1.0:
        return Activation.LOGITS
    alike = np.abs(values.sum(axis=-1) - 1.0).max() < 1e-3
    return Activation.SOFTMAX if alike else Activation.SIGMOID
