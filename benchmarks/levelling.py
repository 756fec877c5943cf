"""What levelling by the eyes gives and costs, at every angle at which a head may lean.

    python -m benchmarks.levelling --data validation.parquet
    python -m benchmarks.levelling --data validation.parquet --markdown benchmarks/results/levelling.md

Validation faces are placed on canvases as ``benchmarks/framing.py`` does, the canvas is turned about the
face, and the MediaPipe detector finds it. Each face found is read twice: turned back by the roll that its
eyes say, as the pipeline does, and as it leans.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.framing import SAME_PLACE, judge, place
from emotion.classifier import load_classifier
from emotion.errors import EmotionError
from emotion.faces import load_detector
from emotion.pipeline import EmotionPipeline
from emotion.preprocess import crop_face
from emotion.training.datasets import FerDataset, read_parquet
from emotion.types import BoundingBox, Image

ANGLES = (-45, -30, -20, -10, 0, 10, 20, 30, 45)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="parquet file of labelled faces")
    parser.add_argument("--sample", type=int, default=400, help="faces at each angle")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    args = parser.parse_args()
    try:
        classifier, data = load_classifier(), read_parquet(args.data)
        data = data.select(np.random.default_rng(args.seed).permutation(len(data))[: args.sample])
        with EmotionPipeline(load_detector("mediapipe"), classifier) as pipeline:
            rows = {
                angle: measure(pipeline, data, angle, args.seed)
                for angle in tqdm(ANGLES, unit="angle", disable=None)
            }
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    report = {"faces": len(data), "seed": args.seed, "angles": rows}
    table = to_markdown(report)
    print(table)
    for path, text in ((args.json, json.dumps(report, indent=2)), (args.markdown, table)):
        if path:
            path.write_text(text + "\n", encoding="utf-8")
    return 0


def measure(pipeline: EmotionPipeline, data: FerDataset, angle: int, seed: int) -> dict[str, float]:
    """Faces found at one angle, the error of their roll, and how many are read as labelled."""
    rng, spec = np.random.default_rng(seed), pipeline.classifier.spec
    found, rolls, levelled, leaning = [], [], [], []
    for row in range(len(data)):
        canvas, square = place(data.images[row], rng)
        image = turned(canvas, square, angle)
        best = max(pipeline(image), key=lambda face: square.iou(face.face.box), default=None)
        if best is not None and square.iou(best.face.box) >= SAME_PLACE:
            found.append(row)
            rolls.append(abs((best.roll - angle + 180) % 360 - 180))
            levelled.append(pipeline.crop(image, best))
            leaning.append(
                crop_face(image, best.face.box, spec.input_size, scale=spec.crop_scale, roll=0.0)
            )
    faces = data.select(np.asarray(found))
    sources = {"original": faces.images, "levelled": levelled, "leaning": leaning}
    right = {
        name: judge(np.asarray(crops), faces, pipeline.classifier)["shown_labels"]
        for name, crops in sources.items()
    }
    return {
        "found": len(found) / len(data),
        "roll_error": float(np.median(rolls)),
        **{name: float(share.mean()) for name, share in right.items()},
    }


def turned(image: Image, square: BoundingBox, angle: int) -> Image:
    """The picture turned clockwise by degrees about the middle of a square."""
    centre = (square.centre.x, square.centre.y)
    matrix = cv2.getRotationMatrix2D(centre, -angle, 1.0)
    size = (image.shape[1], image.shape[0])
    whole = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(whole, np.uint8)


def to_markdown(report: dict[str, Any]) -> str:
    lines = [
        "# Levelling of heads that lean",
        "",
        f"{report['faces']} validation faces of FER-2013 at each angle (seed {report['seed']}), MediaPipe. "
        "Made by `benchmarks/levelling.py`, whose first lines say how. Accuracy is that of what "
        "the app shows, by FER-2013's labels, of the faces that were found.",
        "",
        "| degrees | found | median error of the roll | original pixels | as it leans | levelled | gained |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {angle} | {row['found']:.1%} | {row['roll_error']:.1f}° | {row['original']:.1%} "
        f"| {row['leaning']:.1%} | {row['levelled']:.1%} "
        f"| {100 * (row['levelled'] - row['leaning']):+.1f} |"
        for angle, row in report["angles"].items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
