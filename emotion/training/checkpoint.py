"""Checkpoints of a training run, and which one a run resumes from."""

from __future__ import annotations

import dataclasses
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import keras
import numpy as np

from emotion.errors import TrainingError
from emotion.training.recipe import Recipe

__all__ = ["Checkpoint", "History", "resume_run"]

History = list[dict[str, float]]
"""The figures of every epoch."""

UNREADABLE = (
    *(EOFError, KeyError, OSError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What reading a file as a checkpoint raises where it is damaged or something else."""

MAY_CHANGE = {
    *("epochs", "full_size_epochs", "mixup_off_epochs", "decay", "precision"),
    *("label_share", "recall_floor"),
}
"""Settings that a resumed run may have changed: its length, and what is decided after training."""


class Checkpoint:
    """One ``.npz`` file: weights, optimizer, finished epochs, history and the recipe itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, network: Any, recipe: Recipe, history: History) -> None:
        """Write to a temporary file first, so that a crash never leaves half a checkpoint."""
        arrays = {f"weight_{i:03}": w for i, w in enumerate(network.get_weights())}
        variables = network.optimizer.variables
        arrays |= {
            f"optimizer_{i:03}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)
        }
        about = {"settings": dataclasses.asdict(recipe), "history": history}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, about=np.array(json.dumps(about)), **arrays)
        partial.replace(self.path)

    def about(self) -> tuple[dict[str, Any], History]:
        """The stored recipe, as plain values, and history."""
        try:
            # Opened here, because NumPy leaves open what is not a whole archive.
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                about = json.loads(str(stored["about"]))
            return about["settings"], about["history"]
        except FileNotFoundError:
            raise TrainingError(
                f"To go on there must be a checkpoint, written after each epoch. Received: {self.path}, "
                "which is not there. Check --name, --runs or --start-from, or start from scratch."
            ) from None
        except UNREADABLE as error:
            raise TrainingError(
                "A checkpoint must be a whole .npz file that this program wrote, such as "
                f"runs/compact/last.npz. Received: {self.path}, which is damaged or something else "
                f"({error}). Check --start-from, or start from scratch."
            ) from error

    def load(self, network: Any) -> None:
        """Put the stored weights and the state of the optimizer into the network."""
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                weights = [stored[k] for k in sorted(stored) if k.startswith("weight_")]
                values = [stored[k] for k in sorted(stored) if k.startswith("optimizer_")]
            network.set_weights(weights)
            for variable, value in zip(network.optimizer.variables, values, strict=True):
                variable.assign(value)
        except UNREADABLE as error:
            raise TrainingError(
                f"A checkpoint must fit the network and the optimizer. {self.path} is of others, of another "
                "version of this program, or damaged. Start from scratch."
            ) from error


def resume_run(
    recipe: Recipe, network: Any, last: Checkpoint, stable: Checkpoint, *, resume: bool
) -> History:
    """Load the checkpoint that the recipe asks for, if any; the figures of its epochs.

    Args:
        recipe: What this run is trained with.
        network: Compiled; gets the stored weights and the state of the optimizer.
        last: Of the last epoch of the run of this name.
        stable: Of the epoch before its decay. A run that shall become longer goes on from there, if the
            decay has begun.
        resume: Whether to go on with that run; otherwise ``recipe.start_from`` decides.
    """
    if not resume and not recipe.start_from:
        return []
    checkpoint = last if resume else Checkpoint(Path(recipe.start_from))
    stored, history = checkpoint.about()
    if resume:
        _check_recipe(stored, recipe)
        known = {field.name for field in dataclasses.fields(Recipe)}
        before = Recipe(**{key: value for key, value in stored.items() if key in known})
        longer = recipe.epochs > before.epochs
        if longer and len(history) > before.decay_start and stable.path.is_file():
            stored, begun = stable.about()
            # An earlier run of this name may have left it: one that starts in its decay writes none.
            if begun == history[: len(begun)] and not _changes(stored, recipe):
                checkpoint, history = stable, begun
    if len(history) > recipe.epochs or (not resume and len(history) == recipe.epochs):
        raise TrainingError(
            f"--epochs counts from the first one and must be more than the {len(history)} of "
            f"{checkpoint.path}. Received: {recipe.epochs}."
        )
    checkpoint.load(network)
    return history


def _changes(stored: dict[str, Any], recipe: Recipe) -> list[str]:
    """What differs from a checkpoint's recipe, apart from what may."""
    # What an older program did not know of yet, it did not do: the defaults of such settings say so.
    before = dataclasses.asdict(Recipe()) | stored
    wanted = dataclasses.asdict(recipe)
    changed = [key for key in wanted if key not in MAY_CHANGE and before[key] != wanted[key]]
    return [f"{key} (was {before[key]}, is {wanted[key]})" for key in changed]


def _check_recipe(stored: dict[str, Any], recipe: Recipe) -> None:
    """Refuse to go on with a checkpoint of another recipe; only the length may differ."""
    if changed := _changes(stored, recipe):
        raise TrainingError(
            f"A checkpoint can only be resumed with its own recipe. Changed: {', '.join(changed)}. "
            "Leave --resume out to start from scratch."
        )
