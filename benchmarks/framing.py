"""Calibrate each detector's framing on FER-2013 faces and measure what detection costs in accuracy.

    python -m benchmarks.framing --data validation.parquet
    python -m benchmarks.framing --data validation.parquet --weights weights/compact \
        --json benchmarks/results/framing.json --markdown benchmarks/results/framing.md

Each 48×48 face is enlarged to 180–260 pixels and laid somewhere on a canvas of 640×480. FER-2013 cuts
faces off at brow and chin, where a detector wants to see hair and neck; so the face's own edge is drawn on
over the canvas and blurred there. On half of the faces the framing is fitted: the scale and the vertical
shift at which the network is least surprised by the labels, the framing in the code among them. The other
half is reported: the faces found, and the accuracy of their original pixels against that of detect, crop,
classify. Rows: "true square" cuts where the face was laid, "none" the detector's box as it is, "median" the
box moved as the true squares lie in the median, "calibrated" as fitted, "in the code" as in the detector.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from emotion.classifier import Classifier, load_classifier
from emotion.datasets import FerDataset, read_parquet
from emotion.errors import EmotionError
from emotion.faces import DETECTORS, FaceDetector, load_detector
from emotion.preprocess import Framing, crop_face
from emotion.types import BoundingBox, Emotion, Image
from emotion.weights import find_weights, read_spec

CANVAS = (640, 480)
SIDES = (180, 260)
SAME_PLACE = 0.25
"""Intersection over union with the true square from which a find counts as that face."""
SCALES = tuple(np.linspace(0.80, 1.28, 13).round(2).tolist())
SHIFTS = tuple(np.linspace(-0.16, 0.16, 9).round(2).tolist())
"""Tried in all combinations; wide enough that the best one lies inside."""


@dataclass
class Found:
    """Faces found in some rows: the row, the picture, the detector's box and the true square of each."""

    rows: list[int] = field(default_factory=list)
    canvases: list[Image] = field(default_factory=list)
    boxes: list[BoundingBox] = field(default_factory=list)
    squares: list[BoundingBox] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="parquet file of labelled faces")
    parser.add_argument("--weights", help="a folder, or a name in weights/")
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=list(DETECTORS))
    parser.add_argument("--sample", type=int, default=1500, help="faces, half of them to fit on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    args = parser.parse_args()
    try:
        classifier = load_classifier(read_spec(find_weights(args.weights)))
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


def find(detector: FaceDetector, data: FerDataset, seed: int) -> Found:
    """Place and look for every face; the same canvases for the same seed."""
    rng = np.random.default_rng(seed)
    found = Found()
    for row in tqdm(range(len(data)), desc=detector.name, unit="face", disable=None):
        canvas, square = place(data.images[row], rng)
        faces = [f for f in detector.detect(canvas) if f.score >= detector.default_min_score]
        best = max((face.box for face in faces), key=square.iou, default=None)
        if best is not None and square.iou(best) >= SAME_PLACE:
            found.rows.append(row)
            found.canvases.append(canvas)
            found.boxes.append(best)
            found.squares.append(square)
    return found


def measure(name: str, data: FerDataset, classifier: Classifier, seed: int) -> dict[str, Any]:
    """Fit a framing on the even rows, and report on the odd ones."""
    detector = load_detector(name)
    try:
        rows = np.arange(len(data))
        fitting, reporting = data.select(rows[::2]), data.select(rows[1::2])
        for_fit, for_report = find(detector, fitting, seed), find(detector, reporting, seed + 1)
    finally:
        detector.close()
    best = best_framing(for_fit, fitting, classifier, detector.framing)
    original = judge(reporting.images[for_report.rows], reporting, for_report, classifier)
    framings = {
        "none": Framing(),
        "median": median_framing(for_fit),
        "calibrated": best,
        "in the code": detector.framing,
    }
    return {
        "found": len(for_report.rows) / len(reporting),
        "faces_reported": len(reporting),
        "accuracy_all_originals": whole_accuracy(reporting, classifier),
        "accuracy_original": original["accuracy"],
        "accuracy_true_square": judge(
            crops_of(for_report, Framing(), classifier, true_squares=True),
            reporting,
            for_report,
            classifier,
        )["accuracy"],
        "framings": {
            key: asdict(framing)
            | judge(crops_of(for_report, framing, classifier), reporting, for_report, classifier)
            for key, framing in framings.items()
        },
    }


def median_framing(found: Found) -> Framing:
    """The framing that turns the detector's boxes into the true squares, as the median of each value."""
    pairs = list(zip(found.boxes, found.squares, strict=True))
    scale = float(np.median([s.width / ((b.width + b.height) / 2) for b, s in pairs]))
    shift_y = float(np.median([(s.centre.y - b.centre.y) / s.width for b, s in pairs]))
    # Faces know no left and right: any sideways shift would be chance.
    return Framing(round(scale, 3), 0.0, round(shift_y, 3))


def best_framing(
    found: Found, data: FerDataset, classifier: Classifier, current: Framing
) -> Framing:
    """Of all framings tried and the current one, the one with the least negative log-likelihood."""
    tried = [current, *(Framing(scale, 0.0, shift) for scale in SCALES for shift in SHIFTS)]
    return min(
        tried,
        key=lambda framing: judge(crops_of(found, framing, classifier), data, found, classifier)[
            "nll"
        ],
    )


def crops_of(
    found: Found, framing: Framing, classifier: Classifier, *, true_squares: bool = False
) -> npt.NDArray[np.uint8]:
    """(N, S, S) crops, as the pipeline makes them; of the true squares to see what cropping alone costs."""
    spec = classifier.spec
    framing = Framing(framing.scale * spec.crop_scale, framing.shift_x, framing.shift_y)
    boxes = found.squares if true_squares else found.boxes
    pairs = zip(found.canvases, boxes, strict=True)
    return np.stack([crop_face(canvas, box, framing, spec.input_size) for canvas, box in pairs])


def judge(
    crops: Sequence[npt.NDArray[np.uint8]] | npt.NDArray[np.uint8],
    data: FerDataset,
    found: Found,
    classifier: Classifier,
) -> dict[str, float]:
    """Accuracy and negative log-likelihood of crops of the rows found."""
    labels = data.labels[found.rows]
    probabilities = fer_probabilities(np.asarray(crops), classifier)
    right = probabilities[np.arange(len(labels)), labels]
    return {
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "nll": float(-np.log(np.maximum(right, 1e-7)).mean()),
    }


def whole_accuracy(data: FerDataset, classifier: Classifier) -> float:
    chosen = fer_probabilities(data.images, classifier).argmax(axis=1)
    return float((chosen == data.labels).mean())


def fer_probabilities(
    crops: npt.NDArray[np.uint8], classifier: Classifier
) -> npt.NDArray[np.float32]:
    """(N, 7) of the output that answers FER-2013's labels, in the order of ``Emotion``."""
    spec = classifier.spec
    output = "fer2013" if "fer2013" in spec.outputs else "shown"
    order = [spec.labels.index(emotion) for emotion in Emotion]
    return classifier.probabilities(crops, output)[:, order]


def to_markdown(report: dict[str, Any]) -> str:
    """The figures as a table, with what was fitted."""
    lines = [
        "# Framing of the detectors",
        "",
        f"Weights `{report['weights']}`, {report['faces']} validation faces of FER-2013 (seed "
        f"{report['seed']}), half to fit on and half reported here. Made by `benchmarks/framing.py`, "
        "whose first lines say how. Accuracy is that of the faces that were found.",
        "",
        "| detector | faces found | framing | scale | shift y | accuracy, original pixels "
        "| accuracy, detected and cropped | points lost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, result in report["detectors"].items():
        original, true = result["accuracy_original"], result["accuracy_true_square"]
        lines.append(
            f"| {name} | {result['found']:.1%} | true square | 1.000 | +0.000 "
            f"| {original:.1%} | {true:.1%} | {(original - true) * 100:.1f} |"
        )
        for key, row in result["framings"].items():
            lines.append(
                f"| {name} | {result['found']:.1%} | {key} | {row['scale']:.3f} "
                f"| {row['shift_y']:+.3f} | {original:.1%} | {row['accuracy']:.1%} "
                f"| {(original - row['accuracy']) * 100:.1f} |"
            )
    lines += ["", 'Fitted; to be taken only where the row "calibrated" beats "in the code":', ""]
    for name, result in report["detectors"].items():
        row = result["framings"]["calibrated"]
        lines.append(f"`{name}`: `Framing({row['scale']}, {row['shift_x']}, {row['shift_y']})`  ")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
