"""Videos that tests make for themselves with PyAV, independently of the code under test."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from emotion.types import Image

__all__ = ["FPS", "add_tone", "corner_colours", "make_video", "quadrants"]

FPS = 25


def quadrants(width: int = 160, height: int = 120) -> Image:
    """Red, green, blue and white quarters: shows which way is up."""
    image = np.zeros((height, width, 3), np.uint8)
    x, y = width // 2, height // 2
    image[:y, :x], image[:y, x:] = (255, 0, 0), (0, 255, 0)
    image[y:, :x], image[y:, x:] = (0, 0, 255), (255, 255, 255)
    return image


def corner_colours(image: Image) -> list[str]:
    """Names of the colours near the four corners, in reading order."""
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}
    at_y, at_x = (4, image.shape[0] - 5), (4, image.shape[1] - 5)
    pixels = [image[y, x] > 128 for y in at_y for x in at_x]
    return [names.get(tuple(map(int, pixel)), str(pixel)) for pixel in pixels]


def make_video(
    path: Path,
    images: Sequence[Image],
    *,
    codec: str = "libx264",
    sound: str | None = None,
    sounding_s: Sequence[tuple[float, float]] | None = None,
    rate: int = 48_000,
    times_s: Sequence[float] | None = None,
    pix_fmt: str = "yuv420p",
    pixel_ratio: Fraction | None = None,
    turned: int = 0,
) -> Path:
    """Write a video; it sounds throughout by default."""
    times_s = times_s or [n / FPS for n in range(len(images))]
    # AVI knows frame numbers only; elsewhere times are free.
    base = Fraction(1, FPS) if path.suffix == ".avi" else Fraction(1, 1000)
    with av.open(str(path), "w") as out:
        picture = out.add_stream(codec, rate=FPS)
        picture.height, picture.width = images[0].shape[:2] if images else (120, 160)
        picture.pix_fmt = pix_fmt
        picture.codec_context.time_base = base
        if pixel_ratio:
            picture.codec_context.sample_aspect_ratio = pixel_ratio
        if turned:
            picture.set_display_rotation(turned)
        tone = out.add_stream(sound, rate=rate) if sound else None
        for image, time_s in zip(images, times_s, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(time_s / base), base
            out.mux(picture.encode(frame))
        out.mux(picture.encode())
        if tone:
            add_tone(out, tone, sounding_s or [(0.0, len(images) / FPS)])
    return path


def add_tone(
    out: av.container.OutputContainer,
    stream: av.AudioStream,
    sounding_s: Sequence[tuple[float, float]],
) -> None:
    """A tone in these parts of the video, and no packets at all between them."""
    for begin, end in sounding_s:
        first, last = round(begin * stream.rate), round(end * stream.rate)
        wave = (8000 * np.sin(np.arange(last) * 2400 / stream.rate)).astype(np.int16)
        for start in range(first, last, 960):
            samples = np.ascontiguousarray(wave[None, start : start + 960])
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = stream.rate, start
            frame.time_base = Fraction(1, stream.rate)
            out.mux(stream.encode(frame))
    out.mux(stream.encode())
