"""Fill the README's figures from the result files, so that no number is typed by hand.

python -m benchmarks.tables            # rewrite the block between the markers
python -m benchmarks.tables --check    # exit status 1 if it is out of date
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from emotion.weights.figures import headline_figures

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"
SHOWN_SCENES = (
    *("24–32 px", "32–64 px", "64–128 px", "60 faces of 24–40 px", "fills the picture"),
    *("turned by 30°", "picture on its side", "dark", "JPEG 30"),
)
"""Of the detection benchmark."""

BEGIN, END = "<!-- metrics:begin -->", "<!-- metrics:end -->"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def accuracy_table() -> str:
    """Ours beside the `fer` package, on the same faces with the same code."""
    weights = ROOT / "weights" / "compact"
    ours, config = read(weights / "metrics.json"), read(weights / "config.json")
    fer = read(RESULTS / "fer_package.json")
    theirs = {figure.name: figure for figure in headline_figures(fer | {"shown": fer})}
    rows = [
        _row(
            figure.name,
            figure.text(figure.shown),
            figure.text(figure.head),
            theirs[figure.name].text(theirs[figure.name].head) if figure.name in theirs else "",
        )
        for figure in headline_figures(ours)
    ]
    parameters = config["training"]["parameters"]
    recalls = {
        "what the app shows": ours["shown"]["recall"],
        "the head for these labels": {n: c["recall"] for n, c in ours["per_class"].items()},
        "`fer` 25.10": {name: c["recall"] for name, c in fer["per_class"].items()},
    }
    lines = [
        f"Measured on the {ours['n']:,} faces of FER-2013's validation split (PublicTest), one view each,",
        f"with the LiteRT file that the app runs ({parameters:,} parameters). What the app shows was fitted",
        "on the same split, as were all temperatures. The network has a head for FER-2013's labels and one",
        "for the votes of FER+'s ten people; the app shows one answer made from both:",
        "",
        _row("measured on", "what the app shows", "its own head", "`fer` 25.10"),
        "|---|---|---|---|",
        *rows,
        "",
        _row("found, by FER-2013's labels", *ours["labels"]),
        "|---|" + "---|" * len(ours["labels"]),
        *(
            _row(name, *(f"{found[label]:.0%}" for label in ours["labels"]))
            for name, found in recalls.items()
        ),
    ]
    if votes := (ours["shown"]["ferplus"] or {}).get("per_class"):
        lines += [
            "",
            _row("found, by FER+'s majority", *votes),
            "|---|" + "---|" * len(votes),
            _row("what the app shows", *(f"{c['recall']:.0%}" for c in votes.values())),
        ]
    return "\n".join(lines)


def framing_table() -> str:
    """What finding and cutting out a face costs, for each detector."""
    result = read(RESULTS / "framing.json")
    lines = [
        f"Through the whole pipeline, with {result['faces']:,} of those faces enlarged and placed in larger",
        "pictures:",
        "",
        _row(
            "detector", "found", "read right", "original pixels", "found and cut out", "points lost"
        ),
        "|---|---|---|---|---|---|",
    ]
    for name, figures in result["detectors"].items():
        for judged, right in figures["read_right"].items():
            shares = (f"{right[source]:.1%}" for source in ("original", "cut_out"))
            lost = f"{right['points_lost']:.1f} ± {right['interval']:.1f}"
            lines.append(
                _row(name, f"{figures['found']:.1%}", result["judges"][judged], *shares, lost)
            )
    return "\n".join(lines)


def detection_table() -> str:
    """What each detector finds, and how long it takes: benchmarks/detection.py."""
    detectors = read(RESULTS / "detection.json")["detectors"]
    lines = [
        "Faces in composed scenes with labels, at the default score (all kinds of scene and the times:",
        "[benchmarks/results/detection.md](benchmarks/results/detection.md)):",
        "",
        _row("share found", *detectors),
        "|---|" + "---|" * len(detectors),
    ]
    for kind in SHOWN_SCENES:
        counts = (detector["kinds"][kind] for detector in detectors.values())
        lines.append(_row(kind, *(f"{c['found'] / c['labelled']:.0%}" for c in counts)))
    empty = [detector["without_people"] for detector in detectors.values()]
    lines.append(
        _row(
            f"of {empty[0]['pictures']:,} pictures without people, those with a box",
            *(f"{pictures['with_a_box'] / pictures['pictures']:.1%}" for pictures in empty),
        )
    )
    return "\n".join(lines)


def architectures_table() -> str:
    """The earlier designs beside ours: benchmarks/architectures.py."""
    designs = read(ROOT / "weights" / "compact" / "architectures.json")
    lines = [
        "Earlier apps' designs, trained by `train.py` on the same faces with the same augmentation.",
        "Their makers used Adam at 0.0001, batches of 64 and 35 epochs; what was run is in the",
        "last column and in [docs/experiments.md](docs/experiments.md):",
        "",
        _row(
            "architecture",
            "accuracy",
            "as LiteRT file",
            "weakest recall",
            "size",
            "time of a face",
            "trained with",
        ),
        "|---|" + "---|" * 6,
    ]
    for design in designs:
        weakest = design["weakest"]
        lines.append(
            _row(
                f"`{design['architecture']}`",
                f"{design['accuracy']:.1%}",
                f"{design['int8_accuracy']:.1%}",
                f"{weakest['expression']} {weakest['recall']:.0%}",
                f"{design['bytes'] / 1e6:.1f} MB",
                f"{design['relative_time']:.1f} ×",
                f"{design['optimizer']}, {design['epochs']} epochs",
            )
        )
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    args = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = (accuracy_table(), framing_table(), detection_table(), architectures_table())
    block = "\n".join([BEGIN, "\n\n".join(tables), END])
    updated = before + block + after
    if args.check:
        return 0 if updated == text else 1
    README.write_text(updated, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
