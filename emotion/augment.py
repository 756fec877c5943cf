"""Random views of training faces: the changes that a real camera makes and that keep the expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emotion.preprocess import Normalisation, to_batch

__all__ = ["Augmentation", "Batch", "random_views", "training_batches"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges of the random changes; zero switches one off.

    Attributes:
        rotation: Degrees to either side.
        scale: Relative change of size to either side.
        shift: Share of the side, in every direction.
        contrast: Relative change of brightness and of contrast to either side.
        soften: Probability that fine detail is lost, as in small, blurred or compressed faces.
        erase: Probability that a random rectangle is filled with noise (Zhong et al., 2017).
        mixup: Alpha of the Beta distribution (Zhang et al., 2017), applied to every second batch.
    """

    rotation: float = 12.0
    scale: float = 0.15
    shift: float = 0.1
    contrast: float = 0.25
    soften: float = 0.2
    erase: float = 0.35
    mixup: float = 0.2


@dataclass(frozen=True, slots=True)
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


def random_views(
    images: npt.NDArray[np.uint8],
    size: int,
    how: Augmentation,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """Change each image at random and cut a square of ``size`` pixels out of it.

    The geometric changes and the cut are one affine map, so that each image is resampled once.

    Args:
        images: (N, S, S) uint8, grey.
        size: Side of the result, at most S.
        how: The ranges.
        rng: Source of randomness.

    Returns:
        (N, size, size) uint8.
    """
    count, side = len(images), images.shape[1]
    angles = np.deg2rad(rng.uniform(-how.rotation, how.rotation, count))
    scales = 1.0 + rng.uniform(-how.scale, how.scale, count)
    flips = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    shifts = rng.uniform(-how.shift, how.shift, (count, 2)) * side
    if size < side:
        # The random crop: its own freedom of place is part of the shift, so that the reach is shared.
        shifts = np.clip(shifts, -(side - size), side - size)
    gains = 1.0 + rng.uniform(-how.contrast, how.contrast, count)
    offsets = rng.uniform(-how.contrast, how.contrast, count) * 128.0
    views = np.empty((count, size, size), np.uint8)
    for index in range(count):
        cos = np.cos(angles[index]) / scales[index]
        sin = np.sin(angles[index]) / scales[index]
        matrix = np.array([[cos * flips[index], -sin, 0.0], [sin * flips[index], cos, 0.0]])
        # Maps the centre of the result to the (shifted) centre of the source.
        centre = np.full(2, (size - 1) / 2)
        matrix[:, 2] = (side - 1) / 2 + shifts[index] - matrix[:, :2] @ centre
        view = cv2.warpAffine(
            images[index],
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        views[index] = np.clip(
            (view.astype(np.float32) - 128.0) * gains[index] + 128.0 + offsets[index], 0, 255
        )
    for index in np.flatnonzero(rng.random(count) < how.soften).tolist():
        views[index] = _soften(views[index], rng)
    for index in np.flatnonzero(rng.random(count) < how.erase).tolist():
        height, width = rng.integers(size // 6, size // 2, 2)
        top, left = rng.integers(0, size - height), rng.integers(0, size - width)
        noise = rng.integers(0, 256, (height, width), dtype=np.uint8)
        views[index, top : top + height, left : left + width] = noise
    return views


def _soften(view: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Take fine detail out of a view: blurred, as if it had been a smaller face, or compressed."""
    softer: Any
    kind, amount = rng.integers(3), rng.random()
    if kind == 0:
        softer = cv2.GaussianBlur(view, (0, 0), 0.5 + amount)
    elif kind == 1:
        side = round(len(view) * (0.5 + 0.4 * amount))
        small = cv2.resize(view, (side, side), interpolation=cv2.INTER_AREA)
        softer = cv2.resize(small, view.shape[::-1], interpolation=cv2.INTER_LINEAR)
    else:
        quality = [cv2.IMWRITE_JPEG_QUALITY, round(20 + 60 * amount)]
        softer = cv2.imdecode(cv2.imencode(".jpg", view, quality)[1], cv2.IMREAD_GRAYSCALE)
    return np.asarray(softer, np.uint8)


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
        if augmentation.mixup > 0 and rng.random() < 0.5:
            batch = _mixup(batch, float(rng.beta(augmentation.mixup, augmentation.mixup)), rng)
        yield batch


def _mixup(batch: Batch, share: float, rng: np.random.Generator) -> Batch:
    """Blend each image and its targets with another one of the batch."""
    other = rng.permutation(len(batch.inputs))

    def blend(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(share * values + (1.0 - share) * values[other], dtype=np.float32)

    return Batch(blend(batch.inputs), blend(batch.labels), blend(batch.votes))
