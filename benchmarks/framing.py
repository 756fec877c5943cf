"""What it costs that a face is found and cut out by a detector instead of given by FER-2013.

    python -m benchmarks.framing --data validation.parquet
    python -m benchmarks.framing --data validation.parquet --weights weights/compact \
        --json benchmarks/results/framing.json --markdown benchmarks/results/framing.md

Each 48×48 face is enlarged to 180–260 pixels and laid somewhere on a canvas of 640×480. FER-2013 cuts
faces off at brow and chin, where a detector wants to see hair and neck; so the face's own edge is drawn on
over the canvas and blurred there. Reported are the faces found, and how many of them are read right from
their original pixels, from their true squares cut out of the canvas, and from the crops that the pipeline
itself makes.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from emotion.classifier import Classifier, load_classifier
from emotion.errors import EmotionError
from emotion.faces import DETECTORS, load_detector
from emotion.pipeline import EmotionPipeline
from emotion.preprocess import crop_face
from emotion.training.datasets import FerDataset, read_parquet
from emotion.training.datasets.ferplus import ferplus_majority
from emotion.types import BoundingBox, Emotion, Image

CANVAS = (640, 480)
SIDES = (180, 260)
SAME_PLACE = 0.25
"""Intersection over union with the true square from which a detection counts as that face."""
JUDGES = {
    "shown_labels": "what the app shows, by FER-2013's labels",
    "shown_majority": "what the app shows, by FER+'s majority",
    "head_labels": "the head for these labels, by them",
}
"""What is compared with what; the last two where the weights and the data have it."""


@dataclass
class Found:
    """Faces found in some rows: the row, the crop of the pipeline, and the crop of its true square."""

    rows: list[int] = field(default_factory=list)
    crops: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    squares: list[npt.NDArray[np.uint8]] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="parquet file of labelled faces")
    parser.add_argument("--weights", help="a folder, or a name in weights/")
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=list(DETECTORS))
    parser.add_argument("--sample", type=int, default=750, help="faces to place and look for")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    args = parser.parse_args()
    try:
        classifier = load_classifier(args.weights)
        data = read_parquet(args.data)
        rng = np.random.default_rng(args.seed)
        data = data.select(rng.permutation(len(data))[: args.sample])
        results = {name: measure(name, data, classifier, args.seed) for name in args.detectors}
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    report = {
        "weights": classifier.spec.name,
        "sha256": {runtime: file.sha256 for runtime, file in classifier.spec.files.items()},
        "faces": len(data),
        "seed": args.seed,
        "judges": JUDGES,
        "detectors": results,
    }
    table = to_markdown(report)
    print(table)
    for path, text in ((args.json, json.dumps(report, indent=2)), (args.markdown, table)):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
    return 0


def place(face: npt.NDArray[np.uint8], rng: np.random.Generator) -> tuple[Image, BoundingBox]:
    """A face (48, 48) enlarged, on a canvas that goes on as the face's edge does; and its square."""
    side = int(rng.integers(*SIDES, endpoint=True))
    left = int(rng.integers(0, CANVAS[0] - side, endpoint=True))
    top = int(rng.integers(0, CANVAS[1] - side, endpoint=True))
    large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
    right, bottom = left + side, top + side
    borders = (top, CANVAS[1] - bottom, left, CANVAS[0] - right)
    canvas = cv2.copyMakeBorder(large, *borders, cv2.BORDER_REPLICATE)
    canvas = cv2.GaussianBlur(canvas, (0, 0), side / 12)
    canvas[top:bottom, left:right] = large
    colour = np.asarray(cv2.cvtColor(canvas, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    return colour, BoundingBox(left, top, right, bottom)


def find(pipeline: EmotionPipeline, data: FerDataset, seed: int) -> Found:
    """Place and look for every face; the same canvases for the same seed."""
    rng = np.random.default_rng(seed)
    found, spec = Found(), pipeline.classifier.spec
    for row in tqdm(range(len(data)), desc=pipeline.detector.name, unit="face", disable=None):
        canvas, square = place(data.images[row], rng)
        best = max(pipeline(canvas), key=lambda face: square.iou(face.face.box), default=None)
        if best is not None and square.iou(best.face.box) >= SAME_PLACE:
            found.rows.append(row)
            found.crops.append(pipeline.crop(canvas, best))
            found.squares.append(
                crop_face(canvas, square, spec.input_size, scale=spec.crop_scale, roll=0.0)
            )
    return found


def measure(name: str, data: FerDataset, classifier: Classifier, seed: int) -> dict[str, Any]:
    """The figures of one detector."""
    with EmotionPipeline(load_detector(name), classifier) as pipeline:
        found = find(pipeline, data, seed)
    faces = data.select(np.asarray(found.rows))
    sources = {"original": faces.images, "true_square": found.squares, "cut_out": found.crops}
    right = {name: judge(np.asarray(crops), faces, classifier) for name, crops in sources.items()}
    return {
        "found": len(found.rows) / len(data),
        "faces_reported": len(data),
        "read_right": {
            judged: {name: float(right[name][judged].mean()) for name in sources}
            | points_lost(right["original"][judged], right["cut_out"][judged])
            for judged in right["original"]
        },
    }


def judge(
    crops: npt.NDArray[np.uint8], faces: FerDataset, classifier: Classifier
) -> dict[str, npt.NDArray[np.bool_]]:
    """Which of the crops (N, 48, 48) are read right, by each of :data:`JUDGES`."""
    counted, majority = ferplus_majority(faces.votes)
    shown = answers(crops, classifier, "shown")
    right = {"shown_labels": shown == faces.labels}
    if counted.any():
        right["shown_majority"] = (shown == majority)[counted]
    if "fer2013" in classifier.spec.outputs:
        right["head_labels"] = answers(crops, classifier, "fer2013") == faces.labels
    return right


def answers(
    crops: npt.NDArray[np.uint8], classifier: Classifier, output: str
) -> npt.NDArray[np.int64]:
    """(N,) the most probable expression of each crop, by its number in ``Emotion``."""
    spec = classifier.spec
    order = [spec.labels.index(emotion) for emotion in Emotion]
    return np.asarray(classifier.probabilities(crops, output)[:, order].argmax(axis=1), np.int64)


def points_lost(before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> dict[str, float]:
    """How much less is right of the same faces, and the half width of its 95 % interval, in points."""
    lost = before.astype(float) - after
    return {
        "points_lost": 100 * float(lost.mean()),
        "interval": 196 * float(lost.std() / np.sqrt(len(lost))),
    }


def to_markdown(report: dict[str, Any]) -> str:
    """The figures as a table."""
    lines = [
        "# Framing of the detectors",
        "",
        f"Weights `{report['weights']}`, {report['faces']} validation faces of FER-2013 (seed "
        f"{report['seed']}). Made by `benchmarks/framing.py`, whose first lines say how. Accuracy is that "
        "of the faces that were found; ± is the 95 % interval of the difference on the same faces.",
        "",
        "| detector | found | judged | original pixels | true square | found and cut out | points lost |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, result in report["detectors"].items():
        for judged, figures in result["read_right"].items():
            lines.append(
                f"| {name} | {result['found']:.1%} | {report['judges'][judged]} | {figures['original']:.1%} "
                f"| {figures['true_square']:.1%} | {figures['cut_out']:.1%} "
                f"| {figures['points_lost']:.1f} ± {figures['interval']:.1f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
