"""The earlier designs beside the shipped network: what each one scores, weighs and costs.

    python train.py --data FOLDER --out runs/weights --recipe four_block
    python -m benchmarks.architectures --data FOLDER weights/compact runs/weights/four_block

Accuracies are those of the Keras file on the validation split; what the int8 LiteRT file scores was measured
by ``train.py``. The time of one face is measured here, the LiteRT files in turn, as a ratio to the first one.
The result lies beside the weights, where the app's model tab and ``benchmarks.tables`` find it; designs that
are not given keep the figures that stand there.
"""

from __future__ import annotations

import argparse
import inspect
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from emotion.classifier import Classifier, load_classifier
from emotion.training.architectures import ARCHITECTURES
from emotion.training.datasets import FerDataset, Split, read_split
from emotion.training.evaluation import evaluate
from emotion.weights.config import read_spec
from emotion.weights.figures import weakest_class

ROUNDS, FACES = 30, 20
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="what train.py reads: see docs/data.md")
    parser.add_argument("folders", type=Path, nargs="+", help="weights folders, the shipped first")
    args = parser.parse_args()
    validation = read_split(args.data, Split.VALIDATION)
    rows = [row(folder, validation) for folder in args.folders]
    classifiers = [load_classifier(read_spec(folder)) for folder in args.folders]
    for figures, slower in zip(rows, relative_times(classifiers), strict=True):
        figures["relative_time"] = round(slower, 2)
        print(f"{figures['architecture']:12} {figures['accuracy']:.1%} {slower:5.2f} × the time")
    out = args.folders[0] / "architectures.json"
    measured = {figures["architecture"] for figures in rows}
    before = json.loads(out.read_text(encoding="utf-8")) if out.exists() else []
    rows += [figures for figures in before if figures["architecture"] not in measured]
    out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def row(folder: Path, validation: FerDataset) -> dict[str, Any]:
    """The figures of one weights folder, with the first line about its design."""
    spec = read_spec(folder)
    float32 = evaluate(load_classifier(spec, "keras"), validation)
    int8 = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    recipe = spec.training
    weakest = weakest_class(float32["per_class"])
    about = inspect.getdoc(ARCHITECTURES[recipe["architecture"]]) or ""
    return {
        "architecture": recipe["architecture"],
        "about": about.splitlines()[0],
        "parameters": recipe["parameters"],
        "bytes": spec.files["litert"].path.stat().st_size,
        "accuracy": float32["accuracy"],
        "int8_accuracy": int8["accuracy"],
        "training_accuracy": history[-1].get("training_accuracy") if history else None,
        "weakest": {"expression": weakest, "recall": float32["per_class"][weakest]["recall"]},
        "n": float32["n"],
        "optimizer": OPTIMIZERS[recipe["optimizer"]],
        **{key: recipe[key] for key in ("learning_rate", "batch_size", "epochs")},
    }


def relative_times(classifiers: list[Classifier]) -> list[float]:
    """Median time of one face, batch of one, each as a multiple of the first network's."""
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (FACES, 1, 48, 48), np.uint8)
    ratios: list[list[float]] = [[] for _ in classifiers]
    for _ in range(ROUNDS):
        spent = []
        for classifier in classifiers:
            begin = time.perf_counter()
            for face in faces:
                classifier.all_probabilities(face)
            spent.append(time.perf_counter() - begin)
        for own, seconds in zip(ratios, spent, strict=True):
            own.append(seconds / spent[0])
    return [statistics.median(own) for own in ratios]


if __name__ == "__main__":
    main()
