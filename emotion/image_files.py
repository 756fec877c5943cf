"""Bytes of picture files before they are decoded: what they are, what is not needed, what is missing.

Pillow can be told to skip metadata or to accept files that are cut short, but only for the whole process and
all its threads. So both are done here, on the bytes of the one file.
"""

from __future__ import annotations

import codecs
import io
import re
import struct
import zlib
from collections.abc import Iterator

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from emotion.errors import ImageError

__all__ = ["kind_of", "open_picture", "repaired", "without_notes"]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

NOTES = frozenset([b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf"])
"""Chunks of a PNG that say something about the picture. Only its rotation, in EXIF, is of use here."""

LARGEST_NOTE = 64 * 1024
"""Bytes of the largest of these that Pillow gets to see; its own limit, of 1 MB, refuses the picture."""

MOST_TEXT = 64 * 2**20
"""Bytes to which the packed text of a picture may unpack; more is a bomb."""

HEIF_BRANDS = frozenset([b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"])

END_OF_JPEG = b"\xff\xd9"


def open_picture(data: bytes) -> Pillow.Image:
    """Open a picture without decoding it.

    Unlike ``PIL.Image.open`` this neither warns of nor refuses large pictures: who calls checks the size.

    Raises:
        UnidentifiedImageError: If it is of no kind that can be read.
    """
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return _open_heif(data)
    Pillow.preinit()
    for attempt in ("the usual kinds", "all kinds"):
        if attempt == "all kinds":
            Pillow.init()
        for name in Pillow.ID:
            factory, accept = Pillow.OPEN[name]
            try:
                accepted = accept is None or accept(data[:16])
                if accepted and not isinstance(accepted, str):
                    return factory(io.BytesIO(data), "")
            except (SyntaxError, IndexError, TypeError, struct.error):
                continue  # Pillow, too, takes these for "not of this kind"
    raise UnidentifiedImageError("of no known kind")


def _open_heif(data: bytes) -> Pillow.Image:
    from pillow_heif import HeifImageFile

    try:
        picture: Pillow.Image = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever the library raises on damaged files
        raise UnidentifiedImageError(str(error)) from error
    return picture


def without_notes(data: bytes) -> bytes:
    """A PNG without its long notes; other files as they are.

    Image generators write whole programs into them, Photoshop colour profiles of megabytes.

    Raises:
        ImageError: If its text would unpack to more than :data:`MOST_TEXT`.
    """
    if not data.startswith(PNG_SIGNATURE):
        return data
    kept, text = [PNG_SIGNATURE], 0
    for name, chunk in _chunks(data):
        if name in NOTES and len(chunk) > LARGEST_NOTE:
            text += _unpacked_size(chunk, MOST_TEXT - text)
            if text >= MOST_TEXT:
                raise ImageError(
                    "The notes in a picture may unpack to 64 MB at most. Received: more, as in a "
                    "decompression bomb. Save the picture again without its metadata."
                )
            continue
        kept.append(chunk)
    return b"".join(kept)


def repaired(data: bytes) -> bytes | None:
    """A file that was cut short, completed so that what is there can be decoded; None if it cannot be.

    What is missing becomes grey (JPEG) or black (PNG).
    """
    if data.startswith(b"\xff\xd8"):
        return data + END_OF_JPEG  # the decoder fills up what is missing before this
    if data.startswith(PNG_SIGNATURE):
        return _completed_png(data)
    return None


def kind_of(data: bytes) -> str:
    """What unreadable bytes seem to be, for a message."""
    if b"<svg" in data[:4096]:
        return "an SVG drawing; export it as PNG"
    if data[4:8] == b"ftyp" and (data[8:12] in HEIF_BRANDS or data[8:12] == b"avif"):
        return "a damaged HEIC or AVIF picture; export it as JPEG"
    if data[4:8] == b"ftyp" or data[:4] == b"\x1a\x45\xdf\xa3":
        return "a video"
    if data.startswith(b"%PDF"):
        return "a PDF"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data[:512])
    except UnicodeDecodeError:
        return "unknown or damaged content"
    return "unknown or damaged content" if b"\0" in data[:512] else "text"


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and bytes of each chunk of a PNG; the last one may be cut short."""
    place = len(PNG_SIGNATURE)
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 8], data[place : place + 12 + length]
        place += 12 + length


def _unpacked_size(chunk: bytes, most: int) -> int:
    """Bytes that the packed part of a note unpacks to, up to ``most``; 0 if nothing is packed."""
    for start in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", chunk[8:400]):
        try:
            return len(zlib.decompressobj().decompress(chunk[8 + start.start() :], most))
        except zlib.error:
            continue
    return 0


def _completed_png(data: bytes) -> bytes | None:
    """A PNG whose missing rows are black; None if it has no row, or rows of several passes."""
    before, packed = [PNG_SIGNATURE], []
    for name, chunk in _chunks(data):
        if name == b"IDAT":
            packed.append(chunk[8:-4] if len(chunk) == _whole(chunk) else chunk[8:])
        elif not packed and len(chunk) == _whole(chunk):
            before.append(chunk)
    if len(before) < 2 or not packed:
        return None
    width, height, depth, colour, _, _, passes = struct.unpack(">IIBBBBB", before[1][8:21])
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour)
    if passes or channels is None:
        return None
    size = height * (1 + (width * depth * channels + 7) // 8)
    unpack = zlib.decompressobj()
    try:
        rows = unpack.decompress(b"".join(packed), size)
    except zlib.error:
        return None
    if not rows:
        return None
    pixels = zlib.compress(rows.ljust(size, b"\0"), 1)
    return b"".join([*before, _chunk(b"IDAT", pixels), _chunk(b"IEND", b"")])


def _whole(chunk: bytes) -> int:
    return 12 + int.from_bytes(chunk[:4], "big")


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
