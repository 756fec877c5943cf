"""Ours beside its peers: the same pictures, each in a process and an environment of its own.

The pictures are validation faces of FER-2013, enlarged and placed as ``benchmarks/framing.py`` does. A face
counts as read correctly if it is found (the box over its square by a quarter) and gets the label of the data
set; what is not found counts as wrong in ``of all``.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from benchmarks.framing import SAME_PLACE, place
from benchmarks.measured import percentiles
from benchmarks.peers.environments import PEERS, PROGRAMS, installed_mb, prepare
from benchmarks.start_up import installed_mb as our_size
from emotion.training.datasets import FerDataset
from emotion.types import BoundingBox, Emotion

__all__ = ["PEERS", "compare_peers", "to_markdown"]

ROOT = Path(__file__).resolve().parents[2]


def compare_peers(
    names: Sequence[str], data: FerDataset, environments: Path, count: int, seed: int
) -> dict[str, Any]:
    """The figures of ours and of each peer; the reason where one cannot be had."""
    rng = np.random.default_rng(seed)
    chosen = data.select(rng.permutation(len(data))[:count])
    labels = [list(Emotion)[int(label)] for label in chosen.labels]
    with tempfile.TemporaryDirectory(prefix="emotion-peers-") as name:
        folder, squares = Path(name), list[BoundingBox]()
        for number, face in enumerate(chosen.images):
            canvas, square = place(face, rng)
            Pillow.fromarray(canvas).save(folder / f"{number:05}.png")
            squares.append(square)
        report = {}
        ours = _figures([sys.executable, str(PROGRAMS / "ours.py"), name], ROOT, squares, labels)
        report["ours"] = ours | {"installed_mb": our_size([])}
        for peer in names:
            try:
                place_of, words = prepare(peer, environments)
                arguments = [name, *PEERS[peer].arguments]
                figures = _figures([*words, *arguments], place_of, squares, labels)
                report[peer] = figures | {"installed_mb": installed_mb(place_of)}
            except (subprocess.CalledProcessError, OSError) as error:
                said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
                report[peer] = {"left_out": said[-1] if said else "It cannot be run."}
    return {"faces": len(squares), "programs": report}


def _figures(
    words: list[str], folder: Path, squares: list[BoundingBox], labels: list[Emotion]
) -> dict[str, Any]:
    """Run a program over the pictures and compare what it says with what is true."""
    variables = {"CUDA_VISIBLE_DEVICES": "-1"} | (
        {"PYTHONPATH": str(ROOT)} if folder == ROOT else {}
    )
    done = subprocess.run(
        words,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | variables,
    )
    marked = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    lines = [json.loads(line.removeprefix("RESULT ")) for line in marked]
    times, found, right = list[float](), 0, 0
    for line, square, label in zip(lines[:-1], squares, labels, strict=True):
        times.append(line["seconds"])
        boxes = [(_box(corners), answer) for corners, answer in line["faces"]]
        read = [(box, answer) for box, answer in boxes if box is not None]
        best = max(read, key=lambda pair: square.iou(pair[0]), default=None)
        if best is not None and square.iou(best[0]) >= SAME_PLACE:
            found += 1
            right += best[1] == label
    return {
        **percentiles(times),
        "pictures_s": round(1 / statistics.median(times), 2),
        "found": round(found / len(squares), 4),
        "accuracy_found": round(right / max(found, 1), 4),
        "accuracy_all": round(right / len(squares), 4),
        "peak_mb": round(lines[-1]["peak_mb"], 1),
    }


def _box(corners: Sequence[float]) -> BoundingBox | None:
    x1, y1, x2, y2 = (round(corner) for corner in corners)
    return BoundingBox(x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def to_markdown(result: dict[str, Any]) -> list[str]:
    """The comparison as a table."""
    ours = result["programs"]["ours"]
    lines = [
        "## Beside what people would install instead",
        "",
        f"{result['faces']:,} validation faces in pictures of 640×480, one process each.",
        "",
        "| | ms a picture | times ours | found | accuracy of these | of all | memory, MB | installed, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in result["programs"].items():
        if "left_out" in row:
            lines.append(f"| {name} | left out: {row['left_out']} |" + " |" * 6)
            continue
        cells = (
            name,
            f"{row['p50_ms']} / {row['p95_ms']}",
            f"{row['p50_ms'] / ours['p50_ms']:.1f}",
            f"{row['found']:.1%}",
            f"{row['accuracy_found']:.1%}",
            f"{row['accuracy_all']:.1%}",
            row["peak_mb"],
            row["installed_mb"],
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines
