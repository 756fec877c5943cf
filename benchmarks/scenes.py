"""Scenes with faces in known places, composed of labelled faces on drawn backgrounds.

FER-2013 cuts faces off at brow and chin, where a detector wants to see hair and neck; so the face's own edge
goes on around it, blurred, and fades into the background. That is harder than a photograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from emotion.types import BoundingBox, Image

__all__ = ["PATTERNS", "Grey", "Placed", "Scene", "background", "compose", "spoiled", "turned"]

Grey: TypeAlias = npt.NDArray[np.uint8]
Rng: TypeAlias = np.random.Generator

PATTERNS = ("noise", "stripes", "checks", "blobs", "bars", "gradient", "bricks", "text")
"""Kinds of drawn backgrounds."""
HALO = 3
"""A face's surroundings reach this part of its side beyond it."""
TRIES = 40


@dataclass(frozen=True, slots=True)
class Placed:
    """A face in a scene: the row of its picture and its true square, which may leave the scene."""

    row: int
    square: BoundingBox


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture (H, W, 3), uint8, RGB, and the faces in it."""

    image: Image
    faces: tuple[Placed, ...]


def background(kind: str, size: tuple[int, int], rng: Rng) -> Image:
    """A picture without people of a width and height, shape (H, W, 3), uint8."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    period = float(rng.uniform(12, 60))
    grey: npt.NDArray[Any]
    match kind:
        case "noise":
            grey = rng.normal(120, 50, (height, width))
        case "stripes":
            angle = rng.uniform(0, np.pi)
            grey = 128 + 80 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 6.28 / period)
        case "checks":
            grey = ((x // period + y // period) % 2) * 180 + 30
        case "blobs":
            coarse = rng.integers(0, 255, (max(height // 40, 2), max(width // 40, 2)), np.uint8)
            grey = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))
        case "bars":
            grey = np.tile(np.linspace(235, 16, 8).repeat(-(-width // 8))[:width], (height, 1))
        case "gradient":
            grey = (x / width + y / height) * 127
        case "bricks":
            row = y // (period / 2)
            joint = (y % (period / 2) < 3) | ((x + row % 2 * period / 2) % period < 3)
            grey = np.where(joint, 190, 100) + rng.normal(0, 8, (height, width))
        case _:
            page = np.full((height, width), 240, np.uint8)
            for line in range(14, height, 18):
                words = "".join(rng.choice(list("abcdefgh   xyz0O8%&"), max(width // 9, 1)))
                cv2.putText(page, words, (4, line), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 20, 1)
            grey = page
    tint = rng.uniform(0.8, 1.2, 3)
    return np.clip(np.asarray(grey)[..., None] * tint, 0, 255).astype(np.uint8)


def compose(
    faces: Grey, sides: list[int], size: tuple[int, int], rng: Rng, *, roll: float = 0.0
) -> Scene:
    """Lay faces on a drawn background, none over another.

    Args:
        faces: (N, 48, 48), uint8: what is chosen from.
        sides: Side of each face in the scene, in pixels.
        size: Width and height of the scene.
        roll: Degrees by which each head is turned clockwise.
    """
    image = background(str(rng.choice(PATTERNS)), size, rng).astype(np.float32)
    placed: list[Placed] = []
    for side in sorted(sides, reverse=True):
        square = _free_place(side, size, placed, rng)
        if square is not None:
            placed.append(Placed(int(rng.integers(len(faces))), square))
            _lay(image, faces[placed[-1].row], square, roll)
    return Scene(np.clip(image, 0, 255).astype(np.uint8), tuple(placed))


def turned(scene: Scene, quarters: int) -> Scene:
    """The scene turned clockwise by quarters."""
    image, faces = scene.image, list(scene.faces)
    for _ in range(quarters % 4):
        height = image.shape[0]
        image = np.ascontiguousarray(np.rot90(image, -1))
        faces = [Placed(f.row, _quarter(f.square, height)) for f in faces]
    return Scene(image, tuple(faces))


def spoiled(scene: Scene, how: str, rng: Rng) -> Scene:
    """The scene ``dark``, ``noisy`` or as a bad ``jpeg``."""
    image: npt.NDArray[Any] = scene.image
    if how == "dark":
        image = image * 0.2
    elif how == "noisy":
        image = image + rng.normal(0, 25, image.shape)
    else:
        ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])
        assert ok
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return Scene(np.clip(image, 0, 255).astype(np.uint8), scene.faces)


def _free_place(
    side: int, size: tuple[int, int], placed: list[Placed], rng: Rng
) -> BoundingBox | None:
    for _ in range(TRIES):
        left = int(rng.integers(0, max(size[0] - side, 1)))
        top = int(rng.integers(0, max(size[1] - side, 1)))
        square = BoundingBox(left, top, left + side, top + side)
        around = BoundingBox(
            left - side // 2, top - side // 2, left + side * 3 // 2, top + side * 3 // 2
        )
        if all(not around.intersection(other.square) for other in placed):
            return square
    return None


def _lay(image: npt.NDArray[np.float32], face: Grey, square: BoundingBox, roll: float) -> None:
    """Draw a face and its surroundings into a float image, in place."""
    side = square.width
    working = max(
        side, 96
    )  # drawn large and reduced, so that blur and turn are not made of a few pixels
    halo = working // HALO
    large = cv2.resize(face, (working, working), interpolation=cv2.INTER_CUBIC)
    around = cv2.copyMakeBorder(large, halo, halo, halo, halo, cv2.BORDER_REPLICATE)
    around = cv2.GaussianBlur(around, (0, 0), working / 12)
    around[halo:-halo, halo:-halo] = large
    whole = around.shape[0]
    mask = np.zeros((whole, whole), np.float32)
    axes = (int(working * 0.72), int(working * 0.8))
    cv2.ellipse(mask, (whole // 2, whole // 2), axes, 0, 0, 360, 1, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), working / 16)
    if roll:
        turn = cv2.getRotationMatrix2D(((whole - 1) / 2, (whole - 1) / 2), -roll, 1.0)
        around = cv2.warpAffine(around, turn, (whole, whole), borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.warpAffine(mask, turn, (whole, whole))
    shown = round(side * whole / working)
    around = cv2.resize(around, (shown, shown), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, (shown, shown), interpolation=cv2.INTER_AREA)[..., None]
    x, y = square.x1 - (shown - side) // 2, square.y1 - (shown - side) // 2
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + shown, image.shape[1]), min(y + shown, image.shape[0])
    share = mask[top - y : bottom - y, left - x : right - x]
    drawn = around[top - y : bottom - y, left - x : right - x, None]
    image[top:bottom, left:right] = image[top:bottom, left:right] * (1 - share) + drawn * share


def _quarter(square: BoundingBox, height: int) -> BoundingBox:
    """A square after its scene of that height was turned clockwise by a quarter."""
    return BoundingBox(height - square.y2, square.x1, height - square.y1, square.x2)
