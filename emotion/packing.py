"""Turn a trained network into a complete weights folder. Needed for training only.

The folder holds ``model.keras`` (the source), ``model.tflite`` (int8, what the app runs), ``config.json``,
``metrics.json`` (measured on the LiteRT file, as people get it), ``history.json`` and ``README.md``.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emotion.card import model_card
from emotion.classifier import load_classifier
from emotion.datasets import FerDataset
from emotion.evaluation import evaluate
from emotion.exports import to_litert
from emotion.metrics import FERPLUS_COLUMNS, ferplus_majority, fit_offsets, fit_temperature
from emotion.model import Calibration, deployable, output_rows
from emotion.network_files import file_entry
from emotion.preprocess import Normalisation, to_batch
from emotion.robustness import robustness
from emotion.types import Emotion
from emotion.weights import read_spec

__all__ = ["fit_calibration", "write_weights"]


def fit_calibration(
    network: Any, validation: FerDataset, *, vote_share: float, recall_floor: float
) -> Calibration:
    """Offsets and a temperature for each row of the shipped network, on validation data.

    Every row is fitted to the labels it is scored on: ``ferplus`` to the majority of the voters, the
    others to the FER-2013 labels. Only the row ``fer2013`` gets offsets, from the floor.
    """
    batch = to_batch(validation.images, Normalisation.STANDARDISE)
    logits = network.predict(batch, batch_size=256, verbose=0)
    logits = [np.asarray(head) for head in (logits if isinstance(logits, list) else [logits])]
    shown = logits[0]
    temperatures = {}
    if len(logits) > 1:
        votes = logits[1][:, FERPLUS_COLUMNS]
        shown = (1.0 - vote_share) * logits[0] + vote_share * votes
        _, winners = ferplus_majority(validation.votes)
        named = winners >= 0
        temperatures["ferplus"] = fit_temperature(votes[named], winners[named])
    offsets = fit_offsets(logits[0], validation.labels, recall_floor)
    temperatures["fer2013"] = fit_temperature(logits[0] + offsets, validation.labels)
    temperatures["shown"] = fit_temperature(shown, validation.labels)
    return Calibration(temperatures, {"fer2013": offsets})


def write_weights(
    network: Any,
    folder: Path,
    *,
    data: str,
    recipe: Mapping[str, Any],
    history: Sequence[Mapping[str, float]],
    validation: FerDataset,
) -> dict[str, Any]:
    """Write a weights folder and measure what was written.

    Files of older weights there are replaced together, at the end: whatever goes wrong before leaves the
    older weights as they were. Their comparison with other designs goes with them.

    Args:
        network: Trained network of standard layers, float32, with a fixed input size.
        folder: Where to write; its name becomes the name of the weights.
        data: What it was trained on, in words.
        recipe: The settings of the training, as plain values; ``vote_share`` and
            ``recall_floor`` among them.
        history: Figures of each epoch.
        validation: Validation faces, to calibrate and to measure with.

    Returns:
        The figures on validation; see :func:`emotion.evaluation.evaluate`. ``robustness`` is added.
    """
    calibration = fit_calibration(
        network,
        validation,
        vote_share=recipe["vote_share"],
        recall_floor=recipe["recall_floor"],
    )
    model = deployable(network, vote_share=recipe["vote_share"], calibration=calibration)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as place:
        new = Path(place)
        model.save(new / "model.keras")
        (new / "model.tflite").write_bytes(to_litert(model))
        training = {**recipe, **dataclasses.asdict(calibration)}
        training["parameters"] = network.count_params()
        config = _config(network, new, name=folder.name) | {"data": data, "training": training}
        _write_json(new / "config.json", config)
        _write_json(new / "history.json", list(history))
        classifier = load_classifier(read_spec(new))
        metrics = evaluate(classifier, validation)
        metrics["robustness"] = robustness(classifier, validation)
        _write_json(new / "metrics.json", metrics)
        (new / "README.md").write_text(model_card(config, metrics), encoding="utf-8")
        for path in new.iterdir():
            path.replace(folder / path.name)
        (folder / "architectures.json").unlink(missing_ok=True)
    return metrics


def _config(network: Any, folder: Path, *, name: str) -> dict[str, Any]:
    """What ``config.json`` says of the network and of its files."""
    return {
        "name": name,
        "labels": [str(emotion) for emotion in Emotion],
        "outputs": list(output_rows(network)),
        "input_size": int(network.inputs[0].shape[1]),
        "normalisation": str(Normalisation.STANDARDISE),
        "crop_scale": 1.0,
        "files": {
            runtime: file_entry(folder / file)
            for runtime, file in (("litert", "model.tflite"), ("keras", "model.keras"))
        },
        "licence": "MIT",
    }


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
