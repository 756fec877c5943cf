"""A network while it is trained: its optimizer and losses, its averaged weights, its answers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emotion.errors import TrainingError
from emotion.preprocess import Normalisation, to_batch
from emotion.training.architectures import build
from emotion.training.datasets import FerDataset
from emotion.training.recipe import Recipe
from emotion.training.targets import log_prior

__all__ = ["AdjustedCrossentropy", "build_network", "compile_network", "head_logits", "use_average"]


class AdjustedCrossentropy(keras.losses.Loss):  # type: ignore[misc] # Keras has no types
    """Cross-entropy of logits to which a constant was added (Menon et al., 2021, section 5.2).

    With tau · log(frequency) added while training, a rare class must win by a wider margin; the logits
    themselves then belong to classes that are all equally frequent (at tau = 1).
    """

    def __init__(self, shift: npt.NDArray[np.float32] | None = None) -> None:
        super().__init__()
        self.shift = None if shift is None else keras.ops.convert_to_tensor(shift, "float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        logits = y_pred if self.shift is None else y_pred + self.shift
        return keras.ops.categorical_crossentropy(y_true, logits, from_logits=True)


def build_network(recipe: Recipe, *, size: int | None, lib: Any, voted: bool) -> Any:
    """The untrained network; without a head for votes if no face was voted on."""
    network = build(recipe.architecture, size=size, lib=lib)
    if voted:
        return network
    return keras.Model(network.inputs[0], network.outputs[:1], name=network.name)


def compile_network(recipe: Recipe, data: FerDataset) -> Any:
    """The network with its optimizer and a cross-entropy for each head.

    Args:
        recipe: Its seed decides the initial weights.
        data: The training faces: whether any was voted on, and how frequent each expression is.
    """
    keras.utils.set_random_seed(recipe.seed)
    keras.mixed_precision.set_global_policy(recipe.precision)
    lib: Any = keras.layers
    if keras.backend.backend() == "torch":
        from emotion.training import torch_layers as lib
    network = build_network(recipe, size=None, lib=lib, voted=bool(data.votes.any()))
    optimizer = _make_optimizer(recipe)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(network.trainable_variables)
    shift = None
    if recipe.logit_adjustment:
        shift = np.float32(recipe.logit_adjustment) * log_prior(data.labels)
    heads = len(network.outputs)
    network.compile(
        optimizer,
        loss=[AdjustedCrossentropy(shift), AdjustedCrossentropy()][:heads],
        loss_weights=[1.0, recipe.vote_weight][:heads],
    )
    return network


def _make_optimizer(recipe: Recipe) -> Any:
    """The optimizer of the recipe, which also keeps the moving average of the weights."""
    shared = {
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "use_ema": True,
        "ema_momentum": recipe.ema,
    }
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(momentum=recipe.momentum, nesterov=True, **shared)
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(**shared)
    raise TrainingError(f"The optimizer must be sgd or adam. Received: {recipe.optimizer!r}")


def use_average(network: Any, data: FerDataset) -> None:
    """Replace the weights by their moving average, as shipped.

    The statistics of batch normalisation belong to the weights of the last steps, so they are measured again
    on a few thousand training faces (Izmailov et al., 2018, do so for averaged weights).
    """
    network.optimizer.finalize_variable_values(network.trainable_variables)
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    rows = np.random.default_rng(0).permutation(len(data))[:4096]
    # This momentum makes the mean over all batches: each counts the same, the old statistics nothing.
    for count, part in enumerate(np.array_split(rows, max(len(rows) // 128, 1))):
        for layer in norms:
            layer.momentum = count / (count + 1)
        network(to_batch(data.images[part], Normalisation.STANDARDISE), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def head_logits(network: Any, data: FerDataset) -> list[npt.NDArray[np.float32]]:
    """Logits of each head: (N, 7) for FER-2013 and, where there is a head for votes, (N, 8) for FER+."""
    batch = to_batch(data.images, Normalisation.STANDARDISE)
    outputs = network.predict(batch, batch_size=256, verbose=0)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list) else [outputs])]
