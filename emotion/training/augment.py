"""Random views of training faces: the changes that a real camera makes and that keep the expression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from emotion.training.camera import add_noise, soften, through_webcam
from emotion.training.occlude import occlude

__all__ = ["Augmentation", "random_views"]

View = npt.NDArray[np.uint8]
"""One grey face: (S, S) uint8."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges of the random changes; zero switches one off.

    Attributes:
        rotation: Degrees to either side.
        scale: Relative change of size to either side.
        shift: Share of the side, in every direction.
        contrast: Relative change of brightness and of contrast to either side.
        gamma: Largest logarithm, to either side, of the power that grey values from 0 to 1 are raised to.
        gradient: Largest share by which light from one side makes its edge brighter and the other darker.
        soften: Probability that fine detail is lost: blurred, taken from a smaller face, or compressed.
        noise: Probability of a sensor's noise.
        webcam: Probability of a small, noisy and compressed face, all at once.
        erase: Probability that a random rectangle is filled with noise (Zhong et al., 2017).
        occlude: Probability that a mask, sunglasses or a hand covers a part.
        mixup: Alpha of the Beta distribution (Zhang et al., 2017), applied to every second batch.
        cutmix: Probability that a batch gets a window of other faces instead (Yun et al., 2019).
    """

    rotation: float = 12.0
    scale: float = 0.15
    shift: float = 0.1
    contrast: float = 0.25
    gamma: float = 0.0
    gradient: float = 0.0
    soften: float = 0.2
    noise: float = 0.0
    webcam: float = 0.0
    erase: float = 0.35
    occlude: float = 0.0
    mixup: float = 0.2
    cutmix: float = 0.0


def random_views(
    images: npt.NDArray[np.uint8],
    size: int,
    how: Augmentation,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """Change each image at random and cut a square of ``size`` pixels out of it.

    Args:
        images: (N, S, S) uint8, grey.
        size: Side of the result, at most S.
        how: The ranges.
        rng: Source of randomness.

    Returns:
        (N, size, size) uint8.
    """
    views = _placed(images, size, how, rng)
    _light(views, how, rng)
    # In the order of a real picture: what is before the face, then what the camera makes of both. A change
    # that is switched off draws no random number, so that older recipes still see the same faces.
    for probability, change in (
        (how.occlude, occlude),
        (how.soften, soften),
        (how.noise, add_noise),
        (how.webcam, through_webcam),
        (how.erase, _erase),
    ):
        if probability:
            for index in np.flatnonzero(rng.random(len(views)) < probability).tolist():
                views[index] = change(views[index], rng)
    return views


def _placed(
    images: npt.NDArray[np.uint8], size: int, how: Augmentation, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """The geometric changes and the cut: one affine map, so that each image is resampled once."""
    count, side = len(images), images.shape[1]
    angles = np.deg2rad(rng.uniform(-how.rotation, how.rotation, count))
    scales = 1.0 + rng.uniform(-how.scale, how.scale, count)
    flips = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    shifts = rng.uniform(-how.shift, how.shift, (count, 2)) * side
    if size < side:
        # The random crop: its own freedom of place is part of the shift, so that the reach is shared.
        shifts = np.clip(shifts, -(side - size), side - size)
    views = np.empty((count, size, size), np.uint8)
    for index in range(count):
        cos = np.cos(angles[index]) / scales[index]
        sin = np.sin(angles[index]) / scales[index]
        matrix = np.array([[cos * flips[index], -sin, 0.0], [sin * flips[index], cos, 0.0]])
        # Maps the centre of the result to the (shifted) centre of the source.
        centre = np.full(2, (size - 1) / 2)
        matrix[:, 2] = (side - 1) / 2 + shifts[index] - matrix[:, :2] @ centre
        views[index] = cv2.warpAffine(
            images[index],
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return views


def _light(views: npt.NDArray[np.uint8], how: Augmentation, rng: np.random.Generator) -> None:
    """Brightness, contrast, gamma, and light that falls off to one side; in place."""
    count, size = len(views), views.shape[1]
    gains = 1.0 + rng.uniform(-how.contrast, how.contrast, count)
    offsets = rng.uniform(-how.contrast, how.contrast, count) * 128.0
    powers = np.exp(rng.uniform(-how.gamma, how.gamma, count)) if how.gamma else np.ones(count)
    greys = np.arange(256, dtype=np.float32)
    for index in range(count):
        grey = greys if powers[index] == 1.0 else 255.0 * (greys / 255.0) ** powers[index]
        table = np.clip((grey - 128.0) * gains[index] + 128.0 + offsets[index], 0, 255)
        views[index] = table.astype(np.uint8)[views[index]]
    if how.gradient:
        ramp = np.linspace(-1.0, 1.0, size, dtype=np.float32)
        angles = rng.uniform(0.0, 2.0 * np.pi, count)[:, None, None]
        slopes = rng.uniform(0.0, how.gradient, count)[:, None, None]
        light = 1.0 + slopes * (np.cos(angles) * ramp + np.sin(angles) * ramp[:, None])
        views[:] = np.clip(views * light, 0, 255)


def _erase(view: View, rng: np.random.Generator) -> View:
    """Fill a rectangle with noise."""
    size = len(view)
    height, width = rng.integers(size // 6, size // 2, 2)
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    erased = view.copy()
    erased[top : top + height, left : left + width] = rng.integers(
        0, 256, (height, width), dtype=np.uint8
    )
    return erased
