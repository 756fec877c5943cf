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

from emotion.metrics import weakest_class

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"
BEGIN, END = "<!-- metrics:begin -->", "<!-- metrics:end -->"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def accuracy_table() -> str:
    """Ours beside the `fer` package, on the same faces with the same code."""
    weights = ROOT / "weights" / "compact"
    ours, config, fer = (
        read(weights / "metrics.json"),
        read(weights / "config.json"),
        read(RESULTS / "fer_package.json"),
    )
    shown = ours["shown"]
    recalls = {name: c["recall"] for name, c in ours["per_class"].items()}
    weakest = weakest_class(ours["per_class"])
    other = {name: c["recall"] for name, c in fer["per_class"].items()}
    other_weakest = weakest_class(fer["per_class"])
    rows = [
        ("FER-2013 labels", f"{ours['accuracy']:.1%}", f"{shown['accuracy']:.1%}", fer["accuracy"]),
        (
            "FER-2013 labels, duplicated images left out",
            f"{ours['accuracy_without_duplicates']:.1%}",
            "",
            fer["accuracy_without_duplicates"],
        ),
        (
            f"FER+ majority of ten people ({ours['ferplus']['n']:,} faces)",
            f"{ours['ferplus']['accuracy']:.1%}",
            f"{shown['ferplus']['accuracy']:.1%}",
            fer["ferplus"]["accuracy"],
        ),
    ]
    parameters = config["training"]["parameters"]
    macro = [f"{figures['macro_f1']:.3f}" for figures in (ours, shown, fer)]
    calibration = [f"{figures['ece']:.3f}" for figures in (ours, shown, fer)]
    shown_weakest = min(shown["recall"], key=shown["recall"].__getitem__)
    weak = [
        f"{name} {found[name]:.0%}"
        for name, found in (
            (weakest, recalls),
            (shown_weakest, shown["recall"]),
            (other_weakest, other),
        )
    ]
    lines = [
        f"Measured on the {ours['n']:,} faces of FER-2013's validation split (PublicTest), one view",
        f"each, with the int8 file that the app runs ({parameters:,} parameters). Temperatures were",
        "fitted on the same split. The network has a head for FER-2013's labels and one for the votes of",
        "FER+'s ten people; each benchmark is scored with its own head, and the app shows a mix of both,",
        f"with {config['training']['vote_share']:.0%} of the second:",
        "",
        _row("accuracy on", "our network's head for it", "what the app shows", "`fer` 25.10"),
        "|---|---|---|---|",
        *(_row(name, head, mixed, f"{theirs:.1%}") for name, head, mixed, theirs in rows),
        _row("macro F1, FER-2013 labels", *macro),
        _row("weakest class, recall", *weak),
        _row("calibration error (15 bins)", *calibration),
        "",
        _row("recall on FER-2013 labels", *recalls),
        "|---|" + "---|" * len(recalls),
        _row("our network", *(f"{value:.0%}" for value in recalls.values())),
        _row("`fer` 25.10", *(f"{value:.0%}" for value in other.values())),
    ]
    return "\n".join(lines)


def framing_table() -> str:
    """What finding and cutting out a face costs, for each detector."""
    result = read(RESULTS / "framing.json")
    lines = [
        f"Through the whole pipeline, with {result['faces']:,} of those faces enlarged and placed in larger",
        "pictures (half of them to calibrate the cut, half reported):",
        "",
        _row(
            "detector",
            "faces found",
            "accuracy, original pixels",
            "found and cut out",
            "points lost",
        ),
        "|---|---|---|---|---|",
    ]
    for name, figures in result["detectors"].items():
        original = figures["accuracy_original"]
        cut = figures["framings"]["in the code"]["accuracy"]
        shares = (figures["found"], original, cut)
        lines.append(
            _row(name, *(f"{share:.1%}" for share in shares), f"{100 * (original - cut):.1f}")
        )
    return "\n".join(lines)


def architectures_table() -> str:
    """The earlier designs beside ours: benchmarks/architectures.py."""
    designs = read(ROOT / "weights" / "compact" / "architectures.json")
    lines = [
        "The designs of earlier apps, trained by `train.py` on the same faces with the same changes to them.",
        "Their makers' recipe is Adam at 0.0001 with batches of 64 for 35 epochs; what was run stands in the",
        "last column and in [docs/experiments.md](docs/experiments.md):",
        "",
        _row(
            "architecture",
            "accuracy",
            "as int8 file",
            "on training faces",
            "weakest recall",
            "parameters",
            "size",
            "time of a face",
            "trained with",
        ),
        "|---|" + "---|" * 8,
    ]
    for design in designs:
        weakest = design["weakest"]
        lines.append(
            _row(
                f"`{design['architecture']}`",
                f"{design['accuracy']:.1%}",
                f"{design['int8_accuracy']:.1%}",
                f"{design['training_accuracy']:.1%}",
                f"{weakest['expression']} {weakest['recall']:.0%}",
                f"{design['parameters']:,}",
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
    tables = (accuracy_table(), framing_table(), architectures_table())
    block = "\n".join([BEGIN, "\n\n".join(tables), END])
    updated = before + block + after
    if args.check:
        return 0 if updated == text else 1
    README.write_text(updated, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
