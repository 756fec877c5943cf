"""Read pictures of any common kind into the one form that the program uses."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from emotion.errors import ImageError
from emotion.image_files import kind_of, open_picture, repaired, without_notes
from emotion.pixels import Picture, rgb_array, upright
from emotion.types import Image

__all__ = [
    "ACCEPTED",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_READ_PIXELS",
    "PICTURE_SUFFIXES",
    "Picture",
    "read_image",
    "read_picture",
    "to_rgb",
]

PICTURE_SUFFIXES = frozenset(
    [
        *(
            ".jpg",
            ".jpeg",
            ".jpe",
            ".jfif",
            ".mpo",
            ".png",
            ".apng",
            ".webp",
            ".gif",
            ".bmp",
            ".dib",
        ),
        *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
        *(".avif", ".heic", ".heif", ".jp2", ".j2k", ".jpx", ".jpf"),
    ]
)
"""Endings of file names that are taken for pictures when a folder is searched."""

ACCEPTED = "JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF and JPEG 2000"

MAX_PIXELS = 150_000_000
"""Pixels of the largest picture that is decoded: 12,000 × 12,000 fits, a decompression bomb does not. A JPEG
can be decoded at half to an eighth of its size, so it may have up to 64 times as many."""

MAX_BYTES = 600_000_000
"""Bytes of the largest file that is opened: more than such a picture takes as an uncompressed BMP."""

MAX_READ_PIXELS = 36_000_000
"""Larger pictures are reduced to this many pixels, whatever their shape: 108 MB of memory each."""

CUT_SHORT = "The file is cut short; what is there was read."
ONLY_A_THUMBNAIL = (
    "Only the small preview in this camera file was read. Export the photo as JPEG to have it read."
)

PREVIEW_PIXELS = 640 * 480
"""A camera's raw file that holds no larger picture in a common form is read by its preview."""

SUB_IFDS = 330
"""TIFF tag of pictures inside a picture, as cameras' raw files have them."""


def read_image(source: str | os.PathLike[str] | bytes | BinaryIO) -> Image:
    """Read a picture; see :func:`read_picture`.

    Returns:
        Shape (H, W, 3), uint8, RGB.
    """
    return read_picture(source).image


def read_picture(source: str | os.PathLike[str] | bytes | BinaryIO) -> Picture:
    """Read a picture, with its size in the file and what people should know about it.

    EXIF rotation is applied; grey, palette, CMYK and 16-bit pictures become RGB; transparent parts
    become white; of an animation the first frame is read, of a camera's raw file the largest picture; one
    of more than 36 megapixels is reduced. A JPEG or PNG that is cut short is read as far as it goes.

    Args:
        source: Path, the bytes of a file, or a file opened for reading in binary.

    Raises:
        ImageError: If there is no such file, or it is empty, damaged, too large or no picture.
    """
    name, data = _load(source)
    if not data:
        raise ImageError(f"{name} is empty (0 bytes). Please choose a picture: {ACCEPTED}.")
    try:
        data = without_notes(data)
        try:
            return _decoded(data, name)
        except (OSError, SyntaxError) as error:
            whole = None if isinstance(error, UnidentifiedImageError) else repaired(data)
            if whole is None:
                raise
            return replace(_decoded(whole, name), note=CUT_SHORT)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is not a picture that can be read ({kind_of(data)}). Accepted: {ACCEPTED}."
        ) from error
    except ImageError:
        raise
    except Exception as error:  # Pillow's readers raise many kinds on damaged files
        raise ImageError(_damaged(name, error)) from error


def _decoded(data: bytes, name: str) -> Picture:
    with open_picture(data) as picture:
        return _first_frame(picture, name)


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
    try:
        return _first_frame(picture, name).image
    except ImageError:
        raise
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


def _damaged(name: str, error: Exception) -> str:
    return f"{name} is damaged and cannot be read ({error}). Save it again as JPEG or PNG."


def _first_frame(picture: Pillow.Image, name: str) -> Picture:
    """The frame to read, upright, within MAX_READ_PIXELS, in RGB."""
    note = _choose_frame(picture)
    width, height = picture.size
    if picture.format in ("JPEG", "MPO"):
        step = 8
        while step > 1 and width * height < MAX_READ_PIXELS * step**2:
            step //= 2
        picture.draft("RGB", (width // step, height // step))  # decodes at this fraction
    pixels = picture.width * picture.height
    if pixels > MAX_PIXELS:
        raise ImageError(
            f"{name} is too large: at most {MAX_PIXELS // 1_000_000} megapixels are read. "
            f"Received: {width * height:,} pixels. Reduce it first."
        )
    share = math.sqrt(MAX_READ_PIXELS / pixels)
    if share < 1.0:
        # Whole factors first, by averaging: a third of the time and of the memory of one long step.
        wanted = (max(int(picture.width * share), 1), max(int(picture.height * share), 1))
        picture.thumbnail(wanted, reducing_gap=1.0)
    turned, size = upright(picture), picture.size
    if turned.size != size and turned.size == size[::-1]:
        width, height = height, width
    return Picture(rgb_array(turned), width, height, note)


def _choose_frame(picture: Pillow.Image) -> str | None:
    """Go to the first frame; in a TIFF to the largest, as raw files of cameras begin with a thumbnail."""
    picture.seek(0)
    if picture.format != "TIFF":
        return None
    sizes = []
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        sizes.append(picture.width * picture.height)
    picture.seek(sizes.index(max(sizes)))
    raw = SUB_IFDS in getattr(picture, "tag_v2", {})
    return ONLY_A_THUMBNAIL if raw and max(sizes) <= PREVIEW_PIXELS else None
