"""Every kind of picture becomes RGB, and everything else a message that helps."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import textwrap
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image as Pillow
from PIL import ImageFile
from PIL.PngImagePlugin import PngInfo
from support.places import ROOT

from emotion.errors import ImageError
from emotion.images import (
    ACCEPTED,
    MAX_BYTES,
    MAX_READ_PIXELS,
    PICTURE_SUFFIXES,
    read_image,
    read_picture,
)
from emotion.types import BoundingBox, Face, FaceEmotion, Point, Prediction, check_image


def saved(picture: Pillow.Image, kind: str, **settings: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **settings)
    return file.getvalue()


def halves(left: object, right: object, mode: str = "RGB") -> Pillow.Image:
    """A picture of 40×20 pixels whose halves differ."""
    picture = Pillow.new(mode, (40, 20), left)
    picture.paste(right, (20, 0, 40, 20))
    return picture


def colours(data: bytes) -> tuple[list[int], list[int]]:
    """Colour in the middle of the left and of the right half."""
    image = check_image(read_image(data))
    assert image.shape == (20, 40, 3)
    assert image.flags.writeable
    assert image.flags.c_contiguous
    return image[10, 10].tolist(), image[10, 30].tolist()


RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_formats_without_loss(kind: str) -> None:
    assert colours(saved(halves(RED, BLUE), kind)) == ([255, 0, 0], [0, 0, 255])


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_formats_with_loss(kind: str) -> None:
    left, right = colours(saved(halves(RED, BLUE), kind))
    assert np.abs(np.array([left, right]) - [RED, BLUE]).max() < 6


def test_every_listed_ending_belongs_to_a_format_that_is_read() -> None:
    heif = {".heic", ".heif"}  # by pillow-heif
    assert set(Pillow.registered_extensions()) | heif >= PICTURE_SUFFIXES


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "tl"), (2, "tr"), (3, "br"), (4, "bl"), (5, "tl"), (6, "tr"), (7, "br"), (8, "bl")],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_rotation(orientation: int, corner: str, kind: str) -> None:
    """A red mark in the stored top left corner ends where the EXIF standard says."""
    stored = Pillow.new("RGB", (48, 32), "white")
    stored.paste(RED, (0, 0, 8, 8))
    exif = Pillow.Exif()
    exif[274] = orientation
    image = read_image(saved(stored, kind, exif=exif))
    assert image.shape[:2] == ((32, 48) if orientation < 5 else (48, 32))
    y = 3 if corner[0] == "t" else -4
    x = 3 if corner[1] == "l" else -4
    red = image[y, x].astype(int)
    assert red[0] - red[1] > 150
    assert (image[..., 1] < 128).sum() < 100, "the mark is in one corner only"


def test_damaged_exif_does_not_matter() -> None:
    data = saved(halves(RED, BLUE), "JPEG", exif=b"Exif\0\0" + b"garbage" * 9, quality=95)
    assert colours(data)[0][0] > 240


def test_odd_notes_beside_the_rotation_do_not_matter() -> None:
    """A resolution written as text: such a block of notes can be read, but not be written anew."""
    note = b"72 dpi\0"
    entries = struct.pack("<HHHII", 2, 274, 3, 1, 6)
    entries += struct.pack("<HHIII", 282, 2, len(note), 8 + 2 + 2 * 12 + 4, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + entries + note
    assert read_image(saved(halves(RED, BLUE), "JPEG", exif=exif)).shape == (40, 20, 3)


def test_grey() -> None:
    assert colours(saved(halves(10, 240, "L"), "PNG")) == ([10] * 3, [240] * 3)


def test_black_and_white() -> None:
    assert colours(saved(halves(0, 1, "1"), "PNG")) == ([0] * 3, [255] * 3)


def test_transparent_grey_lies_on_white() -> None:
    assert colours(saved(halves((0, 0), (50, 255), "LA"), "PNG")) == ([255] * 3, [50] * 3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparent_colours_lie_on_white(kind: str) -> None:
    settings = {"lossless": True} if kind == "WEBP" else {}
    left, right = colours(saved(halves((0, 0, 0, 0), (0, 0, 255, 128), "RGBA"), kind, **settings))
    assert left == [255, 255, 255]
    assert np.abs(np.array(right) - [127, 127, 255]).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_palette_with_a_transparent_colour(kind: str) -> None:
    picture = Pillow.new("P", (40, 20), 0)
    picture.putpalette([0, 0, 0, 0, 128, 0])
    picture.paste(1, (20, 0, 40, 20))
    assert colours(saved(picture, kind, transparency=0)) == ([255] * 3, [0, 128, 0])
    assert colours(saved(picture, kind)) == ([0] * 3, [0, 128, 0])


def test_sixteen_bit_grey_keeps_its_range() -> None:
    values = np.zeros((20, 40), np.uint16)
    values[:, :20], values[:, 20:] = 16_384, 49_152
    for kind in ("PNG", "TIFF"):
        assert colours(saved(Pillow.fromarray(values), kind)) == ([63] * 3, [191] * 3)


def test_sixteen_bit_colour_keeps_its_range() -> None:
    """Pillow cannot write this kind, so the file is put together here."""
    row = b"\0" + np.array([[16_384, 0, 49_152]] * 40, ">u2").tobytes()
    data = png(40, 20, depth=16, kind=2, pixels=row * 20)
    left, _ = colours(data)
    assert np.abs(np.array(left) - [64, 0, 192]).max() <= 1


def test_floating_point_grey() -> None:
    values = np.zeros((20, 40), np.float32)
    values[:, 20:] = 0.5
    assert colours(saved(Pillow.fromarray(values), "TIFF")) == ([0] * 3, [255] * 3)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, -3.4e38, 3.4e38])
def test_a_pixel_without_a_value_does_not_spoil_floating_point_grey(odd: float) -> None:
    values = np.zeros((20, 40), np.float32)
    values[:, 20:] = 0.5
    values[0, 0] = odd
    assert colours(saved(Pillow.fromarray(values), "TIFF")) == ([0] * 3, [255] * 3)


def test_floating_point_grey_without_any_value_is_black() -> None:
    values = np.full((20, 40), np.nan, np.float32)
    assert not read_image(saved(Pillow.fromarray(values), "TIFF")).any()


def test_whole_numbers_beyond_sixteen_bits_keep_their_range() -> None:
    values = np.full((20, 40), 1_000_000, np.int32)
    values[:, 20:] = 2_000_000
    assert colours(saved(Pillow.fromarray(values), "TIFF")) == ([127] * 3, [255] * 3)


def test_cmyk() -> None:
    for kind in ("JPEG", "TIFF"):
        left, right = colours(saved(halves((0, 255, 255, 0), (255, 255, 0, 0), "CMYK"), kind))
        assert np.abs(np.array([left, right]) - [RED, BLUE]).max() < 6


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_several(kind: str) -> None:
    frames = [halves(RED, BLUE), halves("white", "white"), halves("black", "black")]
    settings = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **settings)
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.n_frames == 3
    assert np.abs(np.array(colours(data)) - [RED, BLUE]).max() < 6


def test_one_pixel() -> None:
    image = read_image(saved(Pillow.new("RGB", (1, 1), RED), "PNG"))
    assert image.tolist() == [[[255, 0, 0]]]


def test_a_very_long_picture() -> None:
    """Only the area is limited: a screenshot of a whole page keeps its pixels."""
    assert read_image(saved(Pillow.new("L", (1, 30_000)), "PNG")).shape == (30_000, 1, 3)


def test_a_large_picture_remembers_its_size(tmp_path: Path) -> None:
    """Boxes are counted in the file's own, upright pixels."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    data = saved(Pillow.new("L", (12_000, 9_000)), "JPEG", exif=exif)
    picture = read_picture(data)
    assert (picture.width, picture.height) == (9_000, 12_000)
    height, width = picture.image.shape[:2]
    assert width * height <= MAX_READ_PIXELS
    seen = Face(BoundingBox(0, 0, width, height), 0.9, (Point(width / 2, height / 4),))
    prediction = Prediction((0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1))
    (face,) = picture.in_file_pixels([FaceEmotion(seen, prediction)])
    assert face.face.box == BoundingBox(0, 0, 9_000, 12_000)
    assert face.face.landmarks == (Point(4_500, 3_000),)


def test_a_jpeg_of_two_hundred_megapixels_is_read_at_a_fraction() -> None:
    picture = read_picture(saved(Pillow.new("L", (20_000, 10_000), 200), "JPEG"))
    assert (picture.width, picture.height) == (20_000, 10_000)
    assert picture.image.shape[0] * picture.image.shape[1] <= MAX_READ_PIXELS
    assert abs(int(picture.image[5, 5, 0]) - 200) < 3


def test_heic_is_read() -> None:
    file = io.BytesIO()
    pillow_heif.from_pillow(halves(RED, BLUE).resize((80, 64))).save(file)
    image = read_image(file.getvalue())
    assert image.shape == (64, 80, 3)
    assert np.abs(image[32, 10].astype(int) - RED).max() < 40


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000"])
def test_newer_formats(kind: str) -> None:
    image = read_image(saved(halves(RED, BLUE).resize((80, 64)), kind))
    assert image.shape == (64, 80, 3)


@pytest.mark.parametrize("note", ["text", "profile"])
def test_long_notes_are_skipped(note: str) -> None:
    """Image generators write their settings into a PNG, Photoshop colour profiles of megabytes."""
    noise = np.random.default_rng(1).integers(0, 255, 3_000_000, dtype=np.uint8).tobytes()
    notes = PngInfo()
    settings: dict[str, object] = {"icc_profile": noise} if note == "profile" else {}
    if note == "text":
        notes.add_text("parameters", noise.decode("latin-1"), zip=True)
    assert colours(saved(halves(RED, BLUE), "PNG", pnginfo=notes, **settings)) == ([*RED], [*BLUE])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("progressive", [False, True])
def test_what_is_there_of_a_file_cut_short_is_read(kind: str, progressive: bool) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    data = saved(Pillow.fromarray(noise), kind, progressive=progressive)
    whole = read_picture(data)
    assert whole.note is None
    for share in (0.75, 0.999):
        part = read_picture(data[: int(len(data) * share)])
        assert part.note is not None
        assert "cut short" in part.note
        assert part.image.shape == whole.image.shape
        if not progressive:
            assert np.array_equal(part.image[:40], whole.image[:40])


def test_the_photo_of_a_raw_file_is_read_not_its_thumbnail() -> None:
    thumbnail, photo = Pillow.new("RGB", (160, 120), RED), Pillow.new("RGB", (1024, 768), BLUE)
    data = saved(thumbnail, "TIFF", save_all=True, append_images=[photo])
    picture = read_picture(data)
    assert picture.image.shape == (768, 1024, 3)
    assert picture.image[5, 5].tolist() == [*BLUE]


def test_reading_leaves_the_warnings_of_the_process_alone() -> None:
    """In threads, a filter that each read puts back would end up as whichever ended last."""
    before = list(warnings.filters)
    data = saved(halves(RED, BLUE), "PNG")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: read_image(data), range(200)))
    assert warnings.filters == before
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_every_kind_of_source_gives_the_same(tmp_path: Path) -> None:
    data = saved(halves(RED, BLUE), "PNG")
    path = tmp_path / "ein Bild – été.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        images = [read_image(source) for source in (path, str(path), data, file, io.BytesIO(data))]
    assert all(np.array_equal(image, images[0]) for image in images)


def test_the_ending_of_the_name_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "picture.txt"
    path.write_bytes(saved(halves(RED, BLUE), "PNG"))
    assert read_image(path).shape == (20, 40, 3)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the largest size")
@pytest.mark.parametrize(("kind", "megabytes"), [("JPEG", 600), ("PNG", 1200)])
def test_memory_stays_bounded_with_144_megapixels(
    kind: str, megabytes: int, tmp_path: Path
) -> None:
    """In a process of its own, whose largest size Linux tells."""
    path = tmp_path / "large"
    Pillow.new("RGB", (12_000, 12_000), "orange").save(path, kind, compress_level=1)
    code = """
        import sys
        from emotion.images import read_image
        image = read_image(sys.argv[1])
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        print(*image.shape, *image[0, 0], status["VmHWM"].split()[0])
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    *seen, peak = map(int, result.stdout.split())
    assert seen[:3] == [6000, 6000, 3]
    assert np.abs(np.array(seen[3:]) - [255, 165, 0]).max() < 6
    assert peak * 1024 < megabytes * 1e6


def png(width: int, height: int, *, depth: int = 8, kind: int = 2, pixels: bytes = b"") -> bytes:
    """A PNG with this header, whatever the pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def refused(source: object) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(source)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(("side", "pixels"), [(50_000, "2,500,000,000"), (12_500, "156,250,000")])
def test_a_decompression_bomb_is_refused_by_its_header(side: int, pixels: str) -> None:
    message = refused(png(side, side))
    assert "too large" in message
    assert "at most 150 megapixels" in message
    assert f"Received: {pixels} pixels" in message


def test_a_text_bomb_in_a_picture_is_refused() -> None:
    """Half a gigabyte of letters beside one pixel."""
    notes = PngInfo()
    notes.add_text("comment", "x" * 80_000_000, zip=True)
    message = refused(saved(Pillow.new("L", (1, 1)), "PNG", pnginfo=notes))
    assert "unpack to 64 MB at most" in message


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_truncated_file_says_that_it_is_damaged(kind: str, share: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    data = saved(Pillow.fromarray(noise), kind)
    path = tmp_path / "holiday.jpg"
    path.write_bytes(data[: int(len(data) * share)])
    message = refused(path)
    assert message.startswith("holiday.jpg is ")
    assert "damaged" in message
    assert "JPEG" in message


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"Dear diary, today was a good day.", "text"),
        ("Grüße an alle – été".encode() * 40, "text"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64, "a damaged HEIC or AVIF picture"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2" + b"\0" * 64, "a video"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        (bytes(range(256)) * 4, "unknown or damaged content"),
        (b"\xff\xd8\xff", "unknown or damaged content"),
    ],
)
def test_no_picture_says_what_it_is_and_what_is_accepted(
    data: bytes, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(data)
    message = refused(path)
    assert message.startswith("holiday.jpg is not a picture")
    assert kind in message
    assert ACCEPTED in message


@pytest.mark.parametrize("source", [b"", io.BytesIO()])
def test_nothing_at_all(source: bytes | io.BytesIO) -> None:
    assert refused(source).startswith("The picture is empty (0 bytes).")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    message = refused(path)
    assert message.startswith("empty.png is empty (0 bytes).")
    assert ACCEPTED in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "a.jpg"
    assert f"There is no file {path}." in refused(path)


def test_a_folder_is_named(tmp_path: Path) -> None:
    message = refused(tmp_path)
    assert message.startswith(f"{tmp_path} is a folder.")
    assert ACCEPTED in message


@pytest.mark.parametrize("source", ["a\0b.jpg", "x" * 5000])
def test_an_impossible_name(source: str) -> None:
    assert "cannot be read" in refused(source)


@pytest.mark.parametrize("source", [None, 3, np.zeros((4, 4, 3), np.uint8)])
def test_something_else_is_named(source: object) -> None:
    message = refused(source)
    assert f"Received: {type(source).__name__}" in message
    assert "path, bytes or a file" in message


def test_a_file_that_never_ends_is_not_read_to_its_end() -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= MAX_BYTES + 1, "reads no more than is accepted"
            return bytes(size)

    message = refused(Endless())
    assert "at most 600 MB" in message
