"""Read pictures of any common kind into the one form that the program uses."""

from __future__ import annotations

import codecs
import io
import os
import re
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, UnidentifiedImageError
from PIL import Image as Pillow

from emotion.errors import ImageError
from emotion.types import Image

__all__ = ["ACCEPTED", "MAX_PIXELS", "MAX_SIDE", "PICTURE_SUFFIXES", "read_image", "to_rgb"]

PICTURE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".png",
        ".apng",
        ".webp",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
    ]
)
"""Endings of file names that are taken for pictures when a folder is searched."""

ACCEPTED = "JPEG, PNG, WebP, GIF, BMP and TIFF"

HEIF_BRANDS = frozenset([b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif"])

MAX_PIXELS = 150_000_000
"""Pixels of the largest picture that is opened: 12,000 × 12,000 fits, a decompression bomb does not."""

MAX_BYTES = 600_000_000
"""Bytes of the largest file that is opened: more than such a picture takes as an uncompressed BMP."""

MAX_SIDE = 6_000
"""Longer sides are reduced to this many pixels; that bounds memory at 108 MB a picture."""

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


def read_image(source: str | os.PathLike[str] | bytes | BinaryIO) -> Image:
    """Read a picture.

    EXIF rotation is applied; grey, palette, CMYK and 16-bit pictures become RGB; transparent parts
    become white; of an animation the first frame is read; a side of more than 6,000 pixels is reduced.

    Args:
        source: Path, the bytes of a file, or a file opened for reading in binary.

    Returns:
        Shape (H, W, 3), uint8, RGB.

    Raises:
        ImageError: If there is no such file, or it is empty, damaged, too large or no picture.
    """
    name, data = _load(source)
    if not data:
        raise ImageError(f"{name} is empty (0 bytes). Please choose a picture: {ACCEPTED}.")
    with warnings.catch_warnings():
        # Pillow warns at half of its own limit for bombs; ours is checked before decoding.
        warnings.simplefilter("ignore")
        try:
            with Pillow.open(io.BytesIO(data)) as picture:
                return to_rgb(picture, name)
        except UnidentifiedImageError as error:
            raise ImageError(
                f"{name} is not a picture that can be read ({_kind(data)}). Accepted: {ACCEPTED}."
            ) from error
        except Pillow.DecompressionBombError as error:
            raise ImageError(_too_large(name, _pixels_in(error))) from error
        except ImageError:
            raise
        except Exception as error:  # Pillow's readers raise many kinds on damaged files
            raise ImageError(_damaged(name, error)) from error


def to_rgb(picture: Pillow.Image, name: str = "The picture") -> Image:
    """Bring an open picture of Pillow into the same form as :func:`read_image` does.

    Args:
        picture: Of any mode; it may be decoded and reduced in place.
        name: What to call it in messages.

    Returns:
        Shape (H, W, 3), uint8, RGB.

    Raises:
        ImageError: If it is too large, or damaged where it is still to be decoded.
    """
    _check_size(name, picture)
    try:
        return _first_frame(picture)
    except Exception as error:  # as above
        raise ImageError(_damaged(name, error)) from error


def _load(source: str | os.PathLike[str] | bytes | BinaryIO) -> tuple[str, bytes]:
    """What to call the source in messages, and its bytes."""
    name = "The picture"
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, str | os.PathLike):
        path = Path(source)
        name = path.name or str(path)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError as error:
            raise ImageError(
                f"There is no file {path}. A picture is needed: {ACCEPTED}."
            ) from error
        except IsADirectoryError as error:
            raise ImageError(f"{path} is a folder. A picture is needed: {ACCEPTED}.") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ImageError(f"{path!s} cannot be read: {reason}.") from error
    elif hasattr(source, "read"):
        data = source.read(MAX_BYTES + 1)
    else:
        raise ImageError(
            "A picture must be a path, bytes or a file opened for reading in binary. "
            f"Received: {type(source).__name__}."
        )
    if len(data) > MAX_BYTES:
        limit = f"{MAX_BYTES // 1_000_000} MB"
        raise ImageError(f"{name} is too large: at most {limit} are read. Reduce it first.")
    return name, data


def _check_size(name: str, picture: Pillow.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise ImageError(_too_large(name, f"{picture.width * picture.height:,} pixels"))


def _pixels_in(error: Pillow.DecompressionBombError) -> str:
    """Pillow tells the size in its message only."""
    match = re.search(r"\((\d+) pixels\)", str(error))
    return f"{int(match[1]):,} pixels" if match else "more"


def _too_large(name: str, received: str) -> str:
    limit = f"{MAX_PIXELS // 1_000_000} megapixels"
    return f"{name} is too large: at most {limit} are read. Received: {received}. Reduce it first."


def _damaged(name: str, error: Exception) -> str:
    return f"{name} is damaged and cannot be read ({error}). Save it anew as JPEG or PNG."


def _first_frame(picture: Pillow.Image) -> Image:
    """First frame, upright, within MAX_SIDE, in RGB."""
    if picture.format == "JPEG":
        picture.draft("RGB", (MAX_SIDE, MAX_SIDE))  # decodes at a fraction of the size
    picture.seek(0)
    # Whole factors first, by averaging: a third of the time and of the memory of one long step.
    picture.thumbnail((MAX_SIDE, MAX_SIDE), reducing_gap=1.0)
    picture = _upright(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_grey(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Pillow.new("RGBA", picture.size, "white")
        picture = Pillow.alpha_composite(white, picture)
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    return np.array(picture, dtype=np.uint8)


def _upright(picture: Pillow.Image) -> Pillow.Image:
    """Turned as EXIF says. Pillow's own function also writes EXIF anew, and fails on odd tags."""
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


def _kind(data: bytes) -> str:
    """What unreadable bytes seem to be, for a message."""
    if b"<svg" in data[:4096]:
        return "an SVG drawing; export it as PNG"
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return "a HEIC or AVIF picture; export it as JPEG"
    if data[4:8] == b"ftyp" or data[:4] == b"\x1a\x45\xdf\xa3":
        return "a video"
    if data.startswith(b"%PDF"):
        return "a PDF"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data[:512])
    except UnicodeDecodeError:
        return "unknown or damaged content"
    return "unknown or damaged content" if b"\0" in data[:512] else "text"
