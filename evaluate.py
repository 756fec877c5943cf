"""Measure trained weights on labelled faces.

    python evaluate.py --data validation.parquet
    python evaluate.py --data test.parquet --weights weights/compact --json metrics.json --plots figures
    python evaluate.py --data fer2013.csv --ferplus fer2013new.csv --split validation
    python evaluate.py --images PICTURES --labels labels.csv

The layouts of labelled faces are described in docs/data.md. ``--images`` takes whole pictures of your own
through detector and network; each line of the csv file names a picture and what its largest face shows:
``party/anna.jpg,happy``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emotion.classifier import DEFAULT_RUNTIME, RUNTIMES, load_classifier
from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.pipeline import EmotionPipeline
from emotion.training.datasets import FerDataset, Split, read_parquet, read_split
from emotion.training.evaluation import evaluate
from emotion.training.labelled_pictures import read_labels, score_pictures
from emotion.training.robustness import robustness
from emotion.weights.figures import headline_figures, read_history
from emotion.weights.find import find_weights


def main() -> int:
    args = parse_arguments()
    try:
        metrics, folder = score_own(args) if args.images else score_faces(args)
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    print(describe_own(metrics) if args.images else describe(metrics))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    if args.plots and not args.images:
        draw(metrics, folder, args.plots)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", help="parquet file of labelled faces, or what train.py reads")
    what.add_argument("--images", type=Path, help="folder of whole pictures, with --labels")
    parser.add_argument(
        "--labels",
        type=Path,
        help="csv of --images: a picture's name, and what its largest face shows",
    )
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULT_DETECTOR)
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
    if (args.images is None) != (args.labels is None):
        parser.error("--images and --labels belong together")
    return args


def score_faces(args: argparse.Namespace) -> tuple[dict[str, Any], Path]:
    """The figures on faces that are cut out already, and the weights folder."""
    folder = find_weights(args.weights)
    classifier, data = load_classifier(folder, args.runtime), read_faces(args)
    metrics = evaluate(classifier, data)
    if args.robustness:
        metrics["robustness"] = robustness(classifier, data)
    return metrics, folder


def score_own(args: argparse.Namespace) -> tuple[dict[str, Any], Path]:
    """The figures on whole pictures, and the weights folder."""
    pictures = read_labels(args.labels, args.images)
    folder = find_weights(args.weights)
    with EmotionPipeline.from_pretrained(
        folder, detector=args.detector, runtime=args.runtime
    ) as pipeline:
        return score_pictures(pipeline, pictures), folder


def read_faces(args: argparse.Namespace) -> FerDataset:
    """The faces of one parquet file, or of one split of anything else."""
    if args.data.endswith(".parquet"):
        return read_parquet(Path(args.data), ferplus=args.ferplus)
    return read_split(args.data, args.split, ferplus=args.ferplus)


def describe(metrics: Mapping[str, Any]) -> str:
    """The figures as lines of text: what the app shows, with the heads of the network beside it."""
    shown = metrics["shown"]
    lines = [f"{metrics['n']:7,} faces{'':44} {'shown':>8} {'head':>8}"]
    for figure in headline_figures(metrics):
        values = [figure.text(figure.shown), figure.text(figure.head)]
        lines.append(f"{figure.name:57} {values[0]:>8} {values[1]:>8}")
    lines += ["", f"{'shown':10} {'precision':>9} {'recall':>9} {'F1':>9} {'head':>9} {'faces':>7}"]
    for name, figures in shown["per_class"].items():
        lines.append(
            f"{name:10} {figures['precision']:9.3f} {figures['recall']:9.3f} {figures['f1']:9.3f} "
            f"{metrics['per_class'][name]['recall']:9.3f} {figures['support']:7}"
        )
    lines += ["", *_confusion(shown["confusion_matrix"], metrics["labels"]), "", *_coverage(shown)]
    if "robustness" in metrics:
        changed = {"ten views": metrics["robustness"]["ten_crop"]}
        changed |= metrics["robustness"]["changed"]
        lines += [
            "",
            *(f"{name:34} {figures['accuracy']:.4f}" for name, figures in changed.items()),
        ]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return f"{'':8}" if value is None else f"{value:8.4f}"


def _confusion(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> list[str]:
    """Rows are labels, columns what is shown."""
    lines = [f"{'label':10}" + "".join(f"{name[:8]:>9}" for name in labels)]
    for name, row in zip(labels, counts, strict=True):
        lines.append(f"{name:10}" + "".join(f"{count:9}" for count in row))
    return lines


def _coverage(shown: Mapping[str, Any]) -> list[str]:
    """What is left, and how often it is right, if less sure answers are not given."""
    votes = {p["threshold"]: p for p in (shown["ferplus"] or {}).get("coverage", [])}
    lines = [f"{'sure from':>9} {'faces':>9} {'labels':>9} {'FER+':>9}"]
    for point in shown["coverage"]:
        agree = votes.get(point["threshold"])
        lines.append(
            f"{point['threshold']:9.2f} {point['coverage']:9.3f} {point['accuracy']:9.3f}"
            + (f" {agree['accuracy']:9.3f}" if agree else "")
        )
    return lines


def describe_own(metrics: Mapping[str, Any]) -> str:
    """The figures on whole pictures as lines of text."""
    lines = [
        f"pictures          {metrics['n']}",
        f"face found        {metrics['found']:.4f}",
        f"right, of those  {_figure(metrics['accuracy'])}",
        f"right, of all     {metrics['right']:.4f}",
        f"mean recall      {_figure(metrics['mean_recall'])}",
        f"{'':10} {'recall':>9} {'faces':>7}",
    ]
    for name, figures in metrics["per_class"].items():
        if figures["support"]:
            lines.append(f"{name:10} {figures['recall']:9.3f} {figures['support']:7}")
    return "\n".join([*lines, "", *_confusion(metrics["confusion_matrix"], metrics["labels"])])


def draw(metrics: Mapping[str, Any], weights: Path, folder: Path) -> None:
    """Write the confusion matrix, the reliability diagram and, where known, the training curves."""
    from emotion.training.plots import plot_confusion, plot_curves, plot_reliability

    plot_confusion(metrics, folder / "confusion.png")
    plot_reliability(metrics, folder / "reliability.png")
    if history := read_history(weights):
        plot_curves(history, folder / "curves.png")


if __name__ == "__main__":
    sys.exit(main())
