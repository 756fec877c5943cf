"""How many faces each detector finds, how many false ones it reports, and how long it takes.

    python -m benchmarks.detection --data validation.parquet --without-people FOLDER \
        --json benchmarks/results/detection.json --markdown benchmarks/results/detection.md

Scenes are composed of labelled faces (``benchmarks/scenes.py``). A face is found if a box overlaps its true
square by 0.3 (intersection over union); every other box is false. Pictures without people are the drawn
backgrounds, ``examples/cat.jpg`` and, if given, those of a folder, such as Debian's ``opencv-doc``,
``gnome-backgrounds`` and ``mate-backgrounds`` unpacked with ``dpkg-deb -x``; ``detection_people.txt`` names
the pictures there that do show people or drawn faces. Times are of the processor, in all threads together.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.scene_kinds import KINDS, Make
from benchmarks.scenes import PATTERNS, Grey, background, compose
from emotion.faces import DETECTORS, FaceDetector, load_detector
from emotion.faces.orientation import find_faces
from emotion.training.datasets import read_parquet
from emotion.types import BoundingBox, Image

HERE = Path(__file__).resolve().parent
FOUND_IOU = 0.3
LARGEST_WITHOUT_PEOPLE = 800
"""Pictures without people are reduced to this side: a web photograph."""
SIDES_TIMED = (320, 640, 1280, 4000)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="parquet file of labelled faces")
    parser.add_argument("--without-people", type=Path, help="a folder of pictures")
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=list(DETECTORS))
    parser.add_argument("--scenes", type=int, default=40, help="scenes of each kind")
    parser.add_argument("--every", type=int, default=1, help="take each n-th picture of the folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--markdown", type=Path, help="write the tables here")
    args = parser.parse_args()
    faces = read_parquet(args.data).images
    report: dict[str, Any] = {"scenes": args.scenes, "seed": args.seed, "every": args.every}
    report["detectors"] = {}
    for name in args.detectors:
        detector = load_detector(name)
        report["detectors"][name] = {
            "kinds": {
                kind: measure(detector, make, faces, args.scenes, args.seed)
                for kind, make in tqdm(KINDS.items(), desc=name, disable=None)
            },
            "without_people": without_people(detector, args.without_people, args.every, args.seed),
            "times": [timed(detector, faces, side, args.seed) for side in SIDES_TIMED],
            "crowd": crowd(detector, faces, args.seed),
        }
        detector.close()
    table = to_markdown(report)
    print(table)
    for path, text in ((args.json, json.dumps(report, indent=2)), (args.markdown, table)):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
    return 0


def measure(
    detector: FaceDetector, make: Make, faces: Grey, scenes: int, seed: int
) -> dict[str, Any]:
    """Found, false and box overlap in scenes of one kind."""
    rng = np.random.default_rng(seed)
    overlaps: list[float] = []
    labelled = false = 0
    begin = time.process_time()
    for _ in range(scenes):
        scene = make(faces, rng)
        boxes = find(detector, scene.image)
        labelled += len(scene.faces)
        for placed in scene.faces:
            best = max(boxes, key=placed.square.iou, default=None)
            if best is not None and placed.square.iou(best) >= FOUND_IOU:
                overlaps.append(placed.square.iou(best))
                boxes.remove(best)
        false += len(boxes)
    return {
        "labelled": labelled,
        "found": len(overlaps),
        "false": false,
        "iou": float(np.mean(overlaps)) if overlaps else None,
        "processor_ms": (time.process_time() - begin) * 1000 / scenes,
    }


def find(detector: FaceDetector, image: Image) -> list[BoundingBox]:
    """The boxes of a picture, as the pipeline takes them."""
    found = find_faces(detector, image, min_score=detector.default_min_score)
    return [turned_face.face.box for turned_face in found]


def without_people(
    detector: FaceDetector, folder: Path | None, every: int, seed: int
) -> dict[str, Any]:
    """Pictures without people, and those with a box in them all the same."""
    names, wrong = 0, list[str]()
    for name, image in _pictures(folder, every, seed):
        names += 1
        if find(detector, image):
            wrong.append(name)
    return {"pictures": names, "with_a_box": len(wrong), "names": wrong}


def _pictures(folder: Path | None, every: int, seed: int) -> Iterator[tuple[str, Image]]:
    rng = np.random.default_rng(seed)
    for kind in PATTERNS:
        for number in range(12 // every or 1):
            yield f"{kind} {number}", background(kind, (640, 480), rng)
    paths = [HERE.parent / "examples" / "cat.jpg"]
    if folder:
        people = set((HERE / "detection_people.txt").read_text(encoding="utf-8").split())
        kinds = {".jpg", ".jpeg", ".png", ".webp"}
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in kinds)
        paths += [path for path in found if path.name not in people][::every]
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if image is None or min(image.shape[:2]) < 100:
            continue
        scale = LARGEST_WITHOUT_PEOPLE / max(image.shape[:2])
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        yield path.name, np.asarray(image, np.uint8)


def timed(detector: FaceDetector, faces: Grey, side: int, seed: int) -> dict[str, Any]:
    """Milliseconds for a picture with three faces, searched and as a live frame; medians of five."""
    rng = np.random.default_rng(seed)
    share = side // 8
    image = compose(faces, [share, share, share], (side, side * 3 // 4), rng).image
    live = side * detector.live_share
    searched, looked = list[float](), list[float]()
    for _ in range(6):
        begin = time.process_time()
        detector.detect(image)
        middle = time.process_time()
        detector.detect(image, smallest=live)
        searched.append((middle - begin) * 1000)
        looked.append((time.process_time() - middle) * 1000)
    # The first run sets up the network's buffers.
    return {"side": side, "search_ms": float(np.median(searched[1:]))} | {
        "live_ms": float(np.median(looked[1:]))
    }


def crowd(detector: FaceDetector, faces: Grey, seed: int) -> dict[str, Any]:
    """500 faces of 48 pixels in 2,500×2,000."""
    rng = np.random.default_rng(seed)
    tile = [compose(faces, [48], (100, 100), rng).image for _ in range(500)]
    image = np.vstack([np.hstack(tile[row * 25 : row * 25 + 25]) for row in range(20)])
    detector.detect(image)
    begin = time.process_time()
    found = sum(f.score >= detector.default_min_score for f in detector.detect(image))
    return {"found": found, "processor_s": time.process_time() - begin}


def to_markdown(report: dict[str, Any]) -> str:
    names = list(report["detectors"])
    lines = [
        "# Face detection",
        "",
        f"Made by `benchmarks/detection.py`, whose first lines say how: {report['scenes']} composed scenes "
        "of each kind; found of labelled, false boxes, mean overlap with the true square.",
        "",
        "| scenes | " + " | ".join(f"{n} found | false | IoU" for n in names) + " |",
        "|---" * (1 + 3 * len(names)) + "|",
    ]
    for kind in KINDS:
        cells = [_cells(report["detectors"][name]["kinds"][kind]) for name in names]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    lines += ["", "| | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    results = [report["detectors"][name] for name in names]
    rows = {
        "pictures without people that get a box": [
            f"{r['without_people']['with_a_box']} of {r['without_people']['pictures']}"
            for r in results
        ],
        "500 faces of 48 px in 2,500×2,000: found": [str(r["crowd"]["found"]) for r in results],
        "the same: processor seconds": [f"{r['crowd']['processor_s']:.1f}" for r in results],
    }
    for index, side in enumerate(SIDES_TIMED):
        rows[f"{side} px: processor ms, search / live frame"] = [
            f"{r['times'][index]['search_ms']:.0f} / {r['times'][index]['live_ms']:.1f}"
            for r in results
        ]
    lines += [f"| {label} | " + " | ".join(values) + " |" for label, values in rows.items()]
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> str:
    overlap = "–" if row["iou"] is None else f"{row['iou']:.2f}"
    return f"{row['found']} of {row['labelled']} | {row['false']} | {overlap}"


if __name__ == "__main__":
    sys.exit(main())
