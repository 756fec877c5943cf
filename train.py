"""Train a network on FER-2013 and write it, complete, to ``weights/<name>/``.

    python train.py --data FOLDER                  # recipes/compact.toml: on a processor
    python train.py --data FOLDER --recipe NAME    # another one of recipes/, or a .toml file of your own
    python train.py --data FOLDER --quick          # two minutes, to see it work
    python train.py --data FOLDER --resume         # go on after Ctrl-C or a crash

Every setting of a recipe is an option as well. On two CPU cores an epoch takes one and a half to two
minutes with KERAS_BACKEND=torch and ``--precision mixed_bfloat16``, and longer with the default TensorFlow
backend; what each recipe reached is listed in docs/experiments.md. The schedule is warm-up, constant, decay
(Hägele et al., 2024), so that a finished run can be made longer: --resume with more --epochs goes on from the
last checkpoint before the decay.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from emotion.errors import EmotionError, TrainingError
from emotion.training.data_report import describe_splits, draw_samples
from emotion.training.datasets import FerDataset, FerSplits, read_splits
from emotion.training.recipe import Recipe, add_options, from_options, read_recipe
from emotion.training.targets import (
    Targets,
    blend,
    make_targets,
    read_soft_targets,
    teacher_targets,
)
from emotion.weights.files import FORMATS
from emotion.weights.find import DEFAULT_WEIGHTS

# Keras and its backend take seconds to import: options and data are checked before that.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> int:
    recipe, options = parse_arguments()
    try:
        splits = read_splits(options.data, ferplus=options.ferplus)
        if options.describe is not None:
            return describe(splits, options.describe)
        return train_and_write(recipe, options, splits)
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Finished epochs are kept: go on with --resume.", file=sys.stderr)
        return 130


def parse_arguments(arguments: list[str] | None = None) -> tuple[Recipe, argparse.Namespace]:
    """The recipe and where things lie; unknown options are refused."""
    choice = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    which = choice.add_mutually_exclusive_group()
    which.add_argument(
        "--recipe", default=DEFAULT_WEIGHTS, help="a name in recipes/, or a .toml file"
    )
    which.add_argument(
        "--quick", action="store_true", help="short for --recipe quick --out runs: two minutes"
    )
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        parents=[choice],
    )
    parser.add_argument("--data", required=True, help="csv, folder or hf://: see docs/data.md")
    parser.add_argument("--ferplus", type=Path, help="fer2013new.csv, if --data holds no votes")
    parser.add_argument(
        "--describe", metavar="PNG", nargs="?", const="", help="describe the data, draw samples"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of checkpoints")
    parser.add_argument("--out", type=Path, default=Path("weights"), help="folder of weights")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument(
        "--export", choices=FORMATS, action="append", default=[], help="also write this; repeatable"
    )
    chosen, _ = choice.parse_known_args(arguments)
    try:
        recipe = read_recipe("quick" if chosen.quick else chosen.recipe)
    except TrainingError as error:
        parser.error(str(error))
    if chosen.quick:
        parser.set_defaults(out=Path("runs"))
    add_options(parser, recipe)
    options = parser.parse_args(arguments)
    return from_options(options), options


def describe(splits: FerSplits, picture: str) -> int:
    """Print what the data holds, and draw faces of each class where a file is named."""
    print(describe_splits(splits))
    if picture:
        _, faces = next(iter(splits))
        draw_samples(faces, Path(picture))
        print(f"\nWrote {picture}: people's faces, not to be published.")
    return 0


def train_and_write(recipe: Recipe, options: argparse.Namespace, splits: FerSplits) -> int:
    """Train, write the weights folder and the exports beside it, and say what was reached."""
    import keras

    from emotion.training.export import export_weights
    from emotion.training.loop import train
    from emotion.training.network import build_network
    from emotion.training.write_weights import write_weights

    data, targets = training_faces(recipe, splits["train"])
    validation, run = splits["validation"], options.runs / recipe.name
    network, history = train(recipe, data, targets, validation, run, resume=options.resume)
    if keras.backend.backend() != "tensorflow":
        return finish_with_tensorflow()
    keras.mixed_precision.set_global_policy("float32")
    voted = len(network.outputs) > 1
    shipped = build_network(recipe, size=48, lib=keras.layers, voted=voted)
    shipped.set_weights(network.get_weights())
    folder = options.out / recipe.name
    metrics = write_weights(
        shipped, folder, recipe, faces=data, validation=validation, history=history
    )
    print(f"Wrote {folder}. On validation: {metrics['accuracy']:.2%} of FER-2013 labels.")
    print("What each recipe reached is listed in docs/experiments.md.")
    for target in options.export:
        export_weights(folder, target, folder / target, faces=data.images)
        print(f"Wrote {folder / target}.")
    return 0


def training_faces(recipe: Recipe, split: FerDataset) -> tuple[FerDataset, Targets]:
    """The faces to train on, and what each of them teaches."""
    # Twins of validation or test faces would make every later figure dishonest.
    rows = np.flatnonzero(~split.duplicated)
    if recipe.faces:
        rows = rows[np.random.default_rng(recipe.seed).permutation(len(rows))[: recipe.faces]]
    data = split.select(rows)
    targets = make_targets(data, recipe.label_smoothing)
    if recipe.teacher and recipe.soft_targets:
        raise TrainingError("A recipe has either a teacher or soft_targets. Received: both.")
    if recipe.teacher:
        taught = teacher_targets(recipe.teacher.split(","), data)
        targets = blend(targets, taught, recipe.teacher_share)
    if recipe.soft_targets:
        soft = read_soft_targets(Path(recipe.soft_targets), len(split)).select(rows)
        targets = blend(targets, soft, recipe.teacher_share)
    return data, targets


def finish_with_tensorflow() -> int:
    """LiteRT files are written by TensorFlow: resume there, where no epoch is left to train."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--resume"]
    command = [sys.executable, __file__, *arguments, "--resume"]
    print("Writing the weights with TensorFlow.")
    status = subprocess.run(command, env={**os.environ, "KERAS_BACKEND": "tensorflow"}).returncode
    if status:
        print("Failed. Once TensorFlow is installed, run again with --resume.", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
