"""The training itself: epochs of changed faces, a checkpoint and figures after each."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from emotion.classifier import softmax
from emotion.errors import TrainingError
from emotion.preprocess import Normalisation
from emotion.training.batches import training_batches
from emotion.training.checkpoint import Checkpoint, History, resume_run
from emotion.training.datasets import FerDataset
from emotion.training.datasets.ferplus import FERPLUS_COLUMNS, ferplus_majority
from emotion.training.metrics import mean_recall, negative_log_likelihood, recalls
from emotion.training.network import compile_network, head_logits, use_average
from emotion.training.recipe import Recipe
from emotion.training.targets import Targets, class_weights, log_prior

__all__ = ["agreeing", "train", "validate"]


def train(
    recipe: Recipe,
    data: FerDataset,
    targets: Targets,
    validation: FerDataset,
    run: Path,
    *,
    resume: bool,
) -> tuple[Any, History]:
    """Train, keeping ``run/last.npz`` after every epoch and ``run/stable.npz`` before the decay.

    Args:
        recipe: What to train with.
        data: The training faces.
        targets: What each of them teaches.
        validation: Faces to measure with after each epoch.
        run: The folder of the checkpoints.
        resume: Whether to go on from the last checkpoint there.

    Returns:
        The network with its averaged weights, and the figures of every epoch.
    """
    if len(data) < recipe.batch_size:
        raise TrainingError(
            f"There must be at least one batch of training faces. Received: {len(data)} faces for batches "
            f"of {recipe.batch_size}. Give more, or a smaller --batch-size."
        )
    network = compile_network(recipe, data)
    last, stable = Checkpoint(run / "last.npz"), Checkpoint(run / "stable.npz")
    history = resume_run(recipe, network, last, stable, resume=resume)
    if history:
        _say(f"Resuming after {len(history)} of {recipe.epochs} epochs.")
    prior = recipe.logit_adjustment * log_prior(data.labels)
    sample = data.select(np.arange(0, len(data), 8))
    for epoch in range(len(history), recipe.epochs):
        begin = time.monotonic()
        figures = {"loss": _run_epoch(network, data, targets, recipe, epoch)}
        last_weights = network.get_weights()
        use_average(network, data)
        figures |= validate(network, validation, prior)
        figures["training_accuracy"] = validate(network, sample, prior)["accuracy"]
        network.set_weights(last_weights)
        history.append(figures | {"seconds": time.monotonic() - begin})
        last.save(network, recipe, history)
        if epoch + 1 == recipe.decay_start:
            stable.save(network, recipe, history)
        _say(" ".join([f"epoch {epoch + 1:3}", *(f"{k} {v:.4f}" for k, v in history[-1].items())]))
    use_average(network, data)
    return network, history


def _say(line: str) -> None:
    """A line above the progress bar, flushed at once, as stdout may be a pipe."""
    tqdm.write(line)
    sys.stdout.flush()


def _run_epoch(
    network: Any, data: FerDataset, targets: Targets, recipe: Recipe, epoch: int
) -> float:
    """Train for one epoch. Depends on the weights, the recipe and the epoch's number only."""
    for index, layer in enumerate(network.layers):
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign([recipe.seed * 1000 + index, epoch])
    balance = class_weights(data.labels, recipe.class_balance)
    batches = training_batches(
        data.images,
        targets.labels,
        targets.votes,
        batch_size=recipe.batch_size,
        size=recipe.crop_size(epoch),
        augmentation=recipe.augmentation(epoch),
        normalisation=Normalisation.STANDARDISE,
        seed=(recipe.seed, epoch),
    )
    steps = len(data) // recipe.batch_size
    losses = []
    bar = tqdm(batches, f"epoch {epoch + 1}/{recipe.epochs}", steps, leave=False, mininterval=2)
    for step, batch in enumerate(bar):
        network.optimizer.learning_rate = recipe.rate(epoch + step / steps)
        answers = [batch.labels, batch.votes][: len(network.outputs)]
        weights = [batch.labels @ balance, batch.votes.sum(axis=1)][: len(network.outputs)]
        loss = network.train_on_batch(batch.inputs, answers, sample_weight=weights)
        losses.append(float(np.ravel(loss)[0]))
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
    return float(np.mean(losses))


def validate(network: Any, data: FerDataset, prior: Any = 0.0) -> dict[str, float]:
    """Figures of a network as it is: FER-2013 of head one, FER+ strict majority of head two.

    Args:
        network: One or two heads of logits.
        data: Labelled faces.
        prior: What the loss added to the logits of head one, (7,). With it the head answers as often as
            the labels come, which is what accuracy asks for; ``mean_recall`` is that of the bare logits.
    """
    outputs = head_logits(network, data)
    natural = outputs[0] + prior
    result = {
        "accuracy": float((natural.argmax(1) == data.labels).mean()),
        "mean_recall": mean_recall(outputs[0].argmax(1), data.labels),
        "weakest_recall": min(recalls(natural.argmax(1), data.labels).values()),
        "validation_loss": negative_log_likelihood(softmax(natural), data.labels),
    }
    if len(outputs) > 1:
        result["ferplus"] = float(agreeing(outputs[1], data).mean())
    return result


def agreeing(votes: Any, data: FerDataset) -> Any:
    """Of the faces with a strict majority in FER+, (M,) bool: whether the head for votes meets it."""
    counted, winners = ferplus_majority(data.votes)
    return (votes[:, FERPLUS_COLUMNS].argmax(1) == winners)[counted]
