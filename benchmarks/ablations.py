"""What single settings of the recipe change: short runs from one checkpoint.

    python -m benchmarks.ablations --data FOLDER --start-from runs/compact/stable.npz \\
        --json benchmarks/results/ablations.json --markdown benchmarks/results/ablations.md

Every run uses the recipe ``compact``, without teachers and mixup, and starts from the same checkpoint before
a decay through a decay of its own, and differs in one setting. One takes another seed instead: what it
changes is chance. Stopped, the command goes on where it was; results that the JSON file holds are kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.errors import EmotionError, TrainingError
from emotion.training.checkpoint import Checkpoint
from emotion.training.datasets import FerDataset, read_splits
from emotion.training.loop import agreeing, train
from emotion.training.metrics import class_figures, confusion_matrix
from emotion.training.network import head_logits
from emotion.training.recipe import read_recipe
from emotion.training.targets import make_targets

EPOCHS = 3
VARIANTS: dict[str, dict[str, Any]] = {
    "as in `train.py`": {},
    "another seed": {"seed": 2},
    "vote weight 0": {"vote_weight": 0.0},
    "vote weight 0.25": {"vote_weight": 0.25},
    "vote weight 1.5": {"vote_weight": 1.5},
    "class balance 0": {"class_balance": 0.0},
    "class balance 0.5": {"class_balance": 0.5},
    "adjusted loss": {"class_balance": 0.0, "logit_adjustment": 0.75},
    "gamma and gradient": {"gamma": 0.35, "gradient": 0.4},
    "occlusion": {"occlude": 0.15},
    "webcam and noise": {"webcam": 0.2, "noise": 0.1},
    "CutMix": {"cutmix": 0.25},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="as for train.py, with FER+ votes inside")
    parser.add_argument("--start-from", required=True, help="checkpoint before a decay")
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    try:
        table = run_all(args)
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    print(table)
    if args.markdown:
        args.markdown.write_text(table, encoding="utf-8")
    return 0


def run_all(args: argparse.Namespace) -> str:
    """Train what the JSON file does not hold yet; the table of everything."""
    splits = read_splits(args.data)
    data, validation = splits["train"], splits["validation"]
    data = data.select(~data.duplicated)
    if not data.votes.any():
        raise TrainingError("The data must hold FER+ votes, as parquet files do: see docs/data.md.")
    _, history = Checkpoint(Path(args.start_from)).about()
    base = replace(
        read_recipe("compact"),
        start_from=args.start_from,
        precision=args.precision,
        epochs=len(history) + EPOCHS,
        decay=EPOCHS / (len(history) + EPOCHS),
        full_size_epochs=1,
        mixup=0.0,
        ema=0.99,  # 0.999 reaches back behind so short a decay
    )
    about = {
        "start_from": Path(args.start_from).name,
        "epochs_before": len(history),
        "epochs": EPOCHS,
        "precision": args.precision,
        "faces": len(data.labels),
    }
    found: dict[str, Any] = {"about": about, "runs": {}}
    if args.json.is_file():
        found = json.loads(args.json.read_text(encoding="utf-8"))
    if found["about"] != about:
        raise TrainingError(
            f"All runs of a table must begin alike. {args.json} has {found['about']}. Received: {about}. "
            "Name another file."
        )
    for name, changes in VARIANTS.items():
        if name in found["runs"]:
            continue
        print(f"## {name}", flush=True)
        run = args.runs / name.replace(" ", "_").replace("`", "")
        recipe = replace(base, **changes)
        targets = make_targets(data, recipe.label_smoothing)
        resume = (run / "last.npz").is_file()
        network, _ = train(recipe, data, targets, validation, run, resume=resume)
        found["runs"][name] = figures(network, validation)
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return markdown(found["runs"])


def figures(network: Any, data: FerDataset) -> dict[str, Any]:
    """What the two heads get right, face by face, so that runs can be compared on the same faces."""
    labels, votes = head_logits(network, data)
    chosen = labels.argmax(1)
    classes = class_figures(confusion_matrix(chosen, data.labels))
    return {
        "recall": {str(emotion): own.recall for emotion, own in classes.items()},
        "fer2013_right": bits(chosen == data.labels),
        "ferplus_right": bits(agreeing(votes, data)),
    }


def bits(values: npt.NDArray[np.bool_]) -> str:
    """One character for each face: 1 where the network is right."""
    return "".join("1" if value else "0" for value in values)


def markdown(runs: dict[str, Any]) -> str:
    """A row for each run, with its difference to the first on the same faces."""
    lines = [
        "| run | FER-2013 | difference | FER+ | difference | mean recall | disgust | fear | neutral |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    first = next(iter(runs.values()))
    for name, row in runs.items():
        cells = [name]
        for key in ("fer2013_right", "ferplus_right"):
            own, base = (np.array(list(x[key]), int) for x in (row, first))
            gain = own - base
            error = 196 * gain.std() / len(gain) ** 0.5
            cells += [f"{own.mean():.1%}"]
            cells += ["—" if row is first else f"{100 * gain.mean():+.1f} ± {error:.1f}"]
        recalls = row["recall"]
        cells += [f"{np.mean(list(recalls.values())):.1%}"]
        cells += [f"{recalls[name]:.0%}" for name in ("disgust", "fear", "neutral")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
