"""Make a weights folder from a network that ``scripts/train_on_gpu.py`` trained with PyTorch.

    python scripts/convert_torch.py --weights student.npz --data FOLDER --recipe distilled --name compact

The recipe says what the network was trained with and how its heads become what the app shows; each setting
is an option as well. Rows are calibrated, and everything is measured, on the validation split of the data.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emotion.errors import EmotionError, TrainingError
from emotion.training.architectures import build
from emotion.training.datasets import read_splits
from emotion.training.from_torch import read_state, set_torch_weights
from emotion.training.recipe import add_options, from_options, read_recipe
from emotion.training.write_weights import write_weights


def main() -> int:
    choice = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    choice.add_argument("--recipe", default="distilled", help="a name in recipes/, or a .toml file")
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], allow_abbrev=False, parents=[choice]
    )
    parser.add_argument(
        "--weights", type=Path, required=True, help="a state_dict as .npz, or .pt where PyTorch is"
    )
    parser.add_argument("--data", required=True, help="what it was trained on: see docs/data.md")
    parser.add_argument("--ferplus", type=Path, help="fer2013new.csv, if --data holds no votes")
    parser.add_argument("--history", type=Path, help="JSON list of the figures of each epoch")
    parser.add_argument(
        "--no-robustness", action="store_true", help="leave out the faces that are changed"
    )
    parser.add_argument("--out", type=Path, default=Path("weights"), help="folder of weights")
    try:
        add_options(parser, read_recipe(choice.parse_known_args()[0].recipe))
        options = parser.parse_args()
        recipe = from_options(options)
        history = read_json(options.history) if options.history else []
        network = build(recipe.architecture)
        set_torch_weights(network, read_state(options.weights))
        splits = read_splits(options.data, ferplus=options.ferplus)
        faces = splits["train"]
        metrics = write_weights(
            network,
            options.out / recipe.name,
            recipe,
            faces=faces.select(~faces.duplicated),
            validation=splits["validation"],
            history=history,
            changed_faces=not options.no_robustness,
        )
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Wrote {options.out / recipe.name}. On validation, what the app shows:")
    print(json.dumps(metrics["shown"], indent=2))
    return 0


def read_json(path: Path) -> Any:
    """The contents of a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} must be a JSON file. Received: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
