"""Decoded pictures in the one form that the program uses: upright, RGB, eight bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import ExifTags
from PIL import Image as Pillow

from emotion.types import BoundingBox, Face, FaceEmotion, Image, Point

__all__ = ["Picture", "rgb_array", "upright"]

UPRIGHT = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
"""What puts a picture upright, by its EXIF orientation; 1 is upright."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was read.

    Attributes:
        image: Shape (H, W, 3), uint8, RGB; large pictures are reduced.
        width, height: Size of the upright picture in the file, in pixels.
        note: What people should know about it, or None.
    """

    image: Image
    width: int
    height: int
    note: str | None = None

    def in_file_pixels(self, faces: Sequence[FaceEmotion]) -> list[FaceEmotion]:
        """Faces that were found in :attr:`image`, with boxes and landmarks in pixels of the file."""
        height, width = self.image.shape[:2]
        if (width, height) == (self.width, self.height):
            return list(faces)
        across, down = self.width / width, self.height / height
        return [replace(face, face=_enlarged(face.face, across, down)) for face in faces]


def _enlarged(face: Face, across: float, down: float) -> Face:
    box = face.box
    return replace(
        face,
        box=BoundingBox(
            *(round(box.x1 * across), round(box.y1 * down)),
            *(round(box.x2 * across), round(box.y2 * down)),
        ),
        landmarks=tuple(Point(p.x * across, p.y * down) for p in face.landmarks),
    )


def upright(picture: Pillow.Image) -> Pillow.Image:
    """Turned as EXIF says. Pillow's own function also rewrites EXIF, and fails on odd tags."""
    try:
        turn = UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # notes that cannot be read are no reason to refuse the picture
        return picture
    return picture if turn is None else picture.transpose(turn)


def _from_deep_grey(picture: Pillow.Image) -> Image:
    """Scale 16-bit, 32-bit or floating-point grey to 0–255; Pillow itself would clip it."""
    values = np.asarray(picture, dtype=np.float64)
    if picture.mode == "F":
        low, high = _range(values)
    else:
        low, high = 0.0, max(65535.0, float(values.max())) if values.max() > 255 else 255.0
    scaled = (values - low) / max(high - low, 1e-9) * 255.0
    grey = np.clip(np.nan_to_num(scaled), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def _range(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """What is to become black and white: without the few pixels that stand for "nothing measured"."""
    finite = values[np.abs(values) < 1e30]  # which also leaves out NaN and infinity
    if not finite.size:
        return 0.0, 1.0
    # The nearest value, as one halfway to -3.4e38 would be as useless as that itself.
    low, high = np.percentile(finite, (0.1, 99.9), method="nearest", overwrite_input=True)
    return float(low), float(high)


def rgb_array(picture: Pillow.Image) -> Image:
    """Shape (H, W, 3), uint8, RGB; transparent parts become white, deep grey is scaled to 0–255."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_grey(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Pillow.new("RGBA", picture.size, "white")
        picture = Pillow.alpha_composite(white, picture)
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    return np.array(picture, dtype=np.uint8)
