"""Shuffled batches of changed training faces, the same ones again for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from emotion.preprocess import Normalisation, to_batch
from emotion.training.augment import Augmentation, random_views

__all__ = ["Batch", "training_batches"]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one training step needs.

    Attributes:
        inputs: (N, S, S, 1) float32, normalised.
        labels: (N, 7) float32, FER-2013 label distribution.
        votes: (N, 8) float32, FER+ vote distribution; all 0 where there are no votes.
    """

    inputs: npt.NDArray[np.float32]
    labels: npt.NDArray[np.float32]
    votes: npt.NDArray[np.float32]


def training_batches(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.float32],
    votes: npt.NDArray[np.float32],
    *,
    batch_size: int,
    size: int,
    augmentation: Augmentation,
    normalisation: Normalisation,
    seed: tuple[int, ...],
) -> Iterator[Batch]:
    """One epoch of shuffled, augmented batches; the same ones again for the same seed.

    The last images that do not fill a batch are left out of this epoch.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    for start in range(0, len(order) - batch_size + 1, batch_size):
        rows = order[start : start + batch_size]
        inputs = to_batch(random_views(images[rows], size, augmentation, rng), normalisation)
        batch = Batch(inputs, labels[rows], votes[rows])
        if augmentation.cutmix > 0 and rng.random() < augmentation.cutmix:
            batch = _cutmix(batch, rng)
        elif augmentation.mixup > 0 and rng.random() < 0.5:
            batch = _mixup(batch, float(rng.beta(augmentation.mixup, augmentation.mixup)), rng)
        yield batch


def _mixup(batch: Batch, share: float, rng: np.random.Generator) -> Batch:
    """Blend each image and its targets with another one of the batch."""
    other = rng.permutation(len(batch.inputs))
    inputs = share * batch.inputs + (1.0 - share) * batch.inputs[other]
    return _blend_targets(replace(batch, inputs=inputs.astype(np.float32)), share, other)


def _cutmix(batch: Batch, rng: np.random.Generator) -> Batch:
    """Put the same square window of another face into each, and blend targets by the share of its pixels."""
    count, side = batch.inputs.shape[:2]
    other = rng.permutation(count)
    window = round(side * np.sqrt(rng.random()))
    top, left = rng.integers(0, side - window + 1, 2)
    inputs = batch.inputs.copy()
    part = (slice(None), slice(top, top + window), slice(left, left + window))
    inputs[part] = batch.inputs[other][part]
    return _blend_targets(replace(batch, inputs=inputs), 1.0 - (window / side) ** 2, other)


def _blend_targets(batch: Batch, share: float, other: npt.NDArray[np.int64]) -> Batch:
    """The targets of each face, with a share of 1 − ``share`` of another one's."""

    def blend(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(share * values + (1.0 - share) * values[other], dtype=np.float32)

    return replace(batch, labels=blend(batch.labels), votes=blend(batch.votes))
