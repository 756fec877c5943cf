"""Measure trained weights on labelled faces.

    python evaluate.py --data validation.parquet
    python evaluate.py --data test.parquet --weights weights/compact --json metrics.json --plots figures
    python evaluate.py --data fer2013.csv --ferplus fer2013new.csv --split validation

The layouts of the data are described in docs/data.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emotion.classifier import DEFAULT_RUNTIME, RUNTIMES, load_classifier
from emotion.datasets import FerDataset, Split, read_parquet, read_split
from emotion.errors import EmotionError
from emotion.evaluation import evaluate
from emotion.robustness import robustness
from emotion.weights import find_weights, read_history, read_spec


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="parquet file, or what train.py reads")
    parser.add_argument(
        "--split", choices=list(Split), default=Split.VALIDATION, help="if --data holds several"
    )
    parser.add_argument("--ferplus", type=Path, help="fer2013new.csv, if --data holds no votes")
    parser.add_argument("--weights", help="a folder, a name in weights/, or hf://owner/name")
    parser.add_argument("--runtime", choices=(DEFAULT_RUNTIME, *RUNTIMES), default=DEFAULT_RUNTIME)
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument(
        "--robustness", action="store_true", help="measure changed faces and ten views as well"
    )
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="draw the figures into this folder"
    )
    args = parser.parse_args()
    try:
        folder = find_weights(args.weights)
        classifier, data = load_classifier(read_spec(folder), args.runtime), read_faces(args)
        metrics = evaluate(classifier, data)
        if args.robustness:
            metrics["robustness"] = robustness(classifier, data)
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    print(describe(metrics))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    if args.plots:
        draw(metrics, folder, args.plots)
    return 0


def read_faces(args: argparse.Namespace) -> FerDataset:
    """The faces of one parquet file, or of one split of anything else."""
    if args.data.endswith(".parquet"):
        return read_parquet(Path(args.data), ferplus=args.ferplus)
    return read_split(args.data, args.split, ferplus=args.ferplus)


def describe(metrics: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    lines = [
        f"faces                        {metrics['n']}",
        f"accuracy                     {metrics['accuracy']:.4f}",
        f"accuracy without duplicates  {_without_duplicates(metrics)}",
        f"macro F1                     {metrics['macro_f1']:.4f}",
        f"negative log-likelihood      {metrics['nll']:.4f}",
        f"expected calibration error   {metrics['ece']:.4f}",
    ]
    if metrics["ferplus"]:
        ferplus = metrics["ferplus"]
        lines.append(
            f"FER+ strict majority         {ferplus['accuracy']:.4f}  (n = {ferplus['n']})"
        )
    shown = metrics["shown"]
    lines.append(f"what the app shows           {shown['accuracy']:.4f} on FER-2013 labels")
    if shown["ferplus"]:
        lines.append(f"                             {shown['ferplus']['accuracy']:.4f} on FER+")
    lines.append(f"{'':10} {'precision':>9} {'recall':>9} {'F1':>9} {'faces':>7}")
    for name, figures in metrics["per_class"].items():
        lines.append(
            f"{name:10} {figures['precision']:9.3f} {figures['recall']:9.3f} "
            f"{figures['f1']:9.3f} {figures['support']:7}"
        )
    if "robustness" in metrics:
        changed = {"ten views": metrics["robustness"]["ten_crop"]}
        changed |= metrics["robustness"]["changed"]
        lines += [f"{name:28} {figures['accuracy']:.4f}" for name, figures in changed.items()]
    return "\n".join(lines)


def _without_duplicates(metrics: Mapping[str, Any]) -> str:
    value = metrics["accuracy_without_duplicates"]
    if value is None:
        return "unknown: no face is marked as one"
    return f"{value:.4f}  (n = {metrics['n_without_duplicates']})"


def draw(metrics: Mapping[str, Any], weights: Path, folder: Path) -> None:
    """Write the confusion matrix, the reliability diagram and, where known, the training curves."""
    from emotion.plots import plot_confusion, plot_curves, plot_reliability

    plot_confusion(metrics, folder / "confusion.png")
    plot_reliability(metrics, folder / "reliability.png")
    if history := read_history(weights):
        plot_curves(history, folder / "curves.png")


if __name__ == "__main__":
    sys.exit(main())
