"""Turn a trained network into a complete weights folder. Needed for training only.

The folder holds ``model.keras`` (the source), ``model.tflite`` (what the app runs), ``config.json``,
``metrics.json`` (measured on the LiteRT file, as people get it), ``history.json``, ``README.md``, and what
the network looks like: ``architecture.png`` and ``summary.txt``.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emotion.classifier import load_classifier
from emotion.preprocess import Normalisation
from emotion.training.architectures import deployable, output_rows
from emotion.training.calibrate import fit_calibration
from emotion.training.datasets import FerDataset
from emotion.training.evaluation import evaluate
from emotion.training.export import shipped_quantisation, to_litert
from emotion.training.model_card import model_card
from emotion.training.network_picture import draw_network, summary_of
from emotion.training.recipe import Recipe
from emotion.training.robustness import robustness
from emotion.training.targets import log_prior
from emotion.types import Emotion
from emotion.weights.config import read_spec
from emotion.weights.files import file_entry

__all__ = ["write_weights"]


def write_weights(
    network: Any,
    folder: Path,
    recipe: Recipe,
    *,
    faces: FerDataset,
    validation: FerDataset,
    history: Sequence[Mapping[str, float]],
    changed_faces: bool = True,
) -> dict[str, Any]:
    """Write a weights folder and measure what was written.

    Files of older weights there are replaced together, at the end: whatever goes wrong before leaves the
    older weights as they were. Their comparison with other designs goes with them.

    Args:
        network: Trained network of standard layers, float32, with a fixed input size.
        folder: Where to write; its name becomes the name of the weights.
        recipe: What it was trained with.
        faces: What it was trained on.
        validation: Validation faces, to calibrate and to measure with.
        history: Figures of each epoch.
        changed_faces: Whether to measure :func:`robustness` too, which takes most of the time.

    Returns:
        The figures on validation; see :func:`emotion.training.evaluation.evaluate`. ``robustness`` is added.
    """
    fitted = fit_calibration(network, validation, recipe, log_prior(faces.labels))
    model = deployable(network, fitted.rows)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as place:
        new = Path(place)
        model.save(new / "model.keras")
        (new / "model.tflite").write_bytes(to_litert(model, shipped_quantisation(model)))
        draw_network(model, new / "architecture.png")
        (new / "summary.txt").write_text(summary_of(model), encoding="utf-8")
        config = _config(network, new, name=folder.name) | {
            "frequencies": {str(e): round(share, 4) for e, share in fitted.frequencies.items()},
            "sure_above": round(fitted.sure_above, 4),
            "data": _about(faces, voted=len(network.outputs) > 1),
            "training": {
                **dataclasses.asdict(recipe),
                "faces_per_class": _per_class(faces),
                "rows": {name: row.as_dict() for name, row in fitted.rows.items()},
                "parameters": network.count_params(),
            },
        }
        _write_json(new / "config.json", config)
        _write_json(new / "history.json", list(history))
        classifier = load_classifier(read_spec(new))
        metrics = evaluate(classifier, validation)
        if changed_faces:
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


def _about(faces: FerDataset, *, voted: bool) -> str:
    """What the network learned from, in words."""
    about = f"FER-2013 training split, {len(faces):,} faces that stand in no other split"
    return about + ("; FER+ votes as a second target" if voted else "")


def _per_class(faces: FerDataset) -> dict[str, int]:
    counts = np.bincount(faces.labels, minlength=len(Emotion)).tolist()
    return dict(zip(map(str, Emotion), counts, strict=True))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
