"""The kinds of scenes in which detectors are tried: sizes, crowds, crops, turned heads, bad pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from benchmarks.scenes import Grey, Placed, Scene, compose, spoiled, turned
from emotion.types import BoundingBox

__all__ = ["KINDS", "Make"]

SIZE = (500, 375)
"""Width and height of most scenes: a small web photograph."""

Make = Callable[[Grey, np.random.Generator], Scene]


def _sized(low: int, high: int, count: int, faces: Grey, rng: np.random.Generator) -> Scene:
    sides = np.exp(rng.uniform(np.log(low), np.log(high), count)).astype(int).tolist()
    return compose(faces, sides, SIZE, rng)


def _one(roll: float, quarters: int, faces: Grey, rng: np.random.Generator) -> Scene:
    scene = compose(faces, [int(rng.integers(60, 140))], SIZE, rng, roll=roll)
    return turned(scene, quarters)


def _tight(faces: Grey, rng: np.random.Generator) -> Scene:
    row, side = int(rng.integers(len(faces))), int(rng.integers(64, 220))
    large = cv2.resize(faces[row], (side, side), interpolation=cv2.INTER_CUBIC)
    image = np.asarray(np.repeat(large[..., None], 3, axis=2), np.uint8)
    whole = compose(faces[row : row + 1], [side], (side + 1, side + 1), rng)
    return Scene(image, whole.faces)


def _half(faces: Grey, rng: np.random.Generator) -> Scene:
    """The face lies at the left edge, which cuts a third of it off."""
    scene = compose(faces, [int(rng.integers(60, 140))], SIZE, rng)
    square = scene.faces[0].square
    cut = square.x1 + square.width // 3
    kept = BoundingBox(0, square.y1, square.x2 - cut, square.y2)
    return Scene(np.ascontiguousarray(scene.image[:, cut:]), (Placed(scene.faces[0].row, kept),))


def _spoiled(how: str, faces: Grey, rng: np.random.Generator) -> Scene:
    return spoiled(_sized(40, 160, 2, faces, rng), how, rng)


KINDS: dict[str, Make] = {
    "16–24 px": partial(_sized, 16, 24, 4),
    "24–32 px": partial(_sized, 24, 32, 4),
    "32–64 px": partial(_sized, 32, 64, 3),
    "64–128 px": partial(_sized, 64, 128, 2),
    "128–340 px": partial(_sized, 128, 340, 1),
    "60 faces of 24–40 px": partial(_sized, 24, 40, 60),
    "fills the picture": _tight,
    "a third cut off": _half,
    "turned by 30°": partial(_one, 30.0, 0),
    "turned by −45°": partial(_one, -45.0, 0),
    "picture on its side": partial(_one, 0.0, 1),
    "picture upside down": partial(_one, 0.0, 2),
    "dark": partial(_spoiled, "dark"),
    "noisy": partial(_spoiled, "noisy"),
    "JPEG 30": partial(_spoiled, "jpeg"),
}
