"""What a network is trained with: every setting by name, kept in a TOML file, changed by options.

``recipes/*.toml`` hold one file for each network that was really trained. A file names what differs from
the defaults below, and an option of the command line (``--learning-rate 0.05``) what differs from the file.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.errors import TrainingError
from emotion.training.augment import Augmentation

__all__ = ["RECIPES", "Recipe", "add_options", "from_options", "read_recipe"]

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
"""The recipes of the repository; a name of one of its files is a recipe's name."""


@dataclass(frozen=True)
class Recipe:
    """The whole recipe. Each field is a key of a recipe's file and an option of ``train.py``."""

    name: str = "compact"  # folder under --out, and the name that the app shows
    architecture: str = "compact"  # a key of emotion.training.architectures.ARCHITECTURES
    precision: str = "float32"  # or mixed_bfloat16, which is faster where the processor knows it
    seed: int = 1
    start_from: str = ""  # checkpoint of another run: go on from there with this recipe
    faces: int = 0  # train on this many only; 0 means all

    epochs: int = 88
    batch_size: int = 128
    crop: int = 40  # side of the random crops; smaller ones train faster and generalise better
    full_size_epochs: int = 34  # the last epochs see whole 48-pixel faces, as the app does
    mixup_off_epochs: int = 18  # the last epochs see faces that are neither blended nor cut

    optimizer: str = "sgd"  # with Nesterov momentum; or "adam", as the earlier designs were trained
    learning_rate: float = 0.1
    warmup_epochs: int = 3
    decay: float = 0.386  # share of the epochs, at the end, over which the rate falls to zero
    momentum: float = 0.9
    weight_decay: float = 5e-3  # Keras decouples it: torch's 5e-4 (Loshchilov & Hutter, 2019)
    ema: float = 0.999  # the shipped weights are this moving average of the trained ones

    label_smoothing: float = 0.1
    teacher: str = ""  # trained weights, or several as a,b, that have a say in the targets; or none
    soft_targets: str = (
        ""  # .npz with a soft target for each training face (emotion.training.targets)
    )
    teacher_share: float = 0.5  # share of the teachers or soft targets in every target
    vote_weight: float = 0.75  # weight of the FER+ head's loss beside the FER-2013 head's
    class_balance: float = 0.25  # rare classes count (frequency ** -this) as much; 0: all alike
    logit_adjustment: float = 0.0  # tau of Menon et al. (2021): rare classes get wider margins

    label_prior: float = 1.0  # share of logit_adjustment that the label head gets back; 0: balanced
    label_share: float = 0.6  # weight of the labels beside the votes where what is shown is fitted
    recall_floor: float = 0.35  # share of the faces of each label that the shown answer must find

    rotation: float = 12.0  # degrees; from here on the fields of Augmentation
    scale: float = 0.15
    shift: float = 0.1
    contrast: float = 0.25
    gamma: float = 0.0
    gradient: float = 0.0
    soften: float = 0.15
    noise: float = 0.0
    webcam: float = 0.0
    erase: float = 0.2
    occlude: float = 0.0
    mixup: float = 0.2
    cutmix: float = 0.0

    def augmentation(self, epoch: int) -> Augmentation:
        """What happens to the pictures in one epoch."""
        names = [field.name for field in dataclasses.fields(Augmentation)]
        how = Augmentation(**{name: getattr(self, name) for name in names})
        if epoch >= self.epochs - self.mixup_off_epochs:
            how = dataclasses.replace(how, mixup=0.0, cutmix=0.0)
        return how

    def crop_size(self, epoch: int) -> int:
        """Side in pixels of the faces in one epoch."""
        return 48 if epoch >= self.epochs - self.full_size_epochs else self.crop

    def rate(self, epoch: float) -> float:
        """Learning rate after a (fractional) number of epochs: warm-up, constant, 1 − √ decay."""
        if epoch < self.warmup_epochs:
            return self.learning_rate * (0.05 + 0.95 * epoch / self.warmup_epochs)
        start = self.decay_start
        if epoch < start:
            return self.learning_rate
        done = (epoch - start) / (self.epochs - start)
        return self.learning_rate * max(1.0 - math.sqrt(done), 1e-3)

    @property
    def decay_start(self) -> int:
        """The first epoch of the decay; checkpoints before it can be resumed with more epochs."""
        return round(self.epochs * (1.0 - self.decay))


FIELDS: Mapping[str, type] = {f.name: type(f.default) for f in dataclasses.fields(Recipe)}


def read_recipe(which: str) -> Recipe:
    """Read a recipe.

    Args:
        which: The name of a file in ``recipes/`` without its suffix, or a path of a TOML file.

    Raises:
        TrainingError: If there is no such recipe, or a value in it is unknown or of another kind.
    """
    path = Path(which) if which.endswith(".toml") else RECIPES / f"{which}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
        raise TrainingError(
            f"A recipe must be one of {known or 'none here'}, or the path of a .toml file. "
            f"Received: {which!r} ({error})"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(f"{path} must be a TOML file. Received: {error}") from error
    return Recipe(**{key: _value(path, key, value) for key, value in values.items()})


def _value(path: Path, key: str, value: Any) -> Any:
    """One value of a file, of the type that its field has; whole numbers may stand for others."""
    wanted = FIELDS.get(key)
    if wanted is None:
        raise TrainingError(
            f"{path}: unknown setting {key!r}. Settings are: {', '.join(FIELDS)}. "
            "The class Recipe in emotion/training/recipe.py explains them."
        )
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise TrainingError(f"{path}: {key} must be of type {wanted.__name__}. Received: {value!r}")
    return value


def add_options(parser: argparse.ArgumentParser, defaults: Recipe) -> None:
    """Add an option for each setting, with the recipe's value as its default."""
    group = parser.add_argument_group("settings", "explained in emotion/training/recipe.py")
    for name, kind in FIELDS.items():
        option = f"--{name.replace('_', '-')}"
        group.add_argument(option, type=kind, default=getattr(defaults, name), help=" ")


def from_options(options: argparse.Namespace) -> Recipe:
    """The recipe with what the options of :func:`add_options` changed."""
    return Recipe(**{name: getattr(options, name) for name in FIELDS})
