"""Films as frames: upright, RGB, with their true time, one at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import av
import av.container
import av.error
import numpy as np
from av.video.reformatter import Colorspace

from emotion.errors import VideoError
from emotion.types import Image

__all__ = ["MAX_SIDE", "FilmFrame", "FilmReader", "open_container"]

MAX_SIDE = 1920
"""Frames with a longer side are reduced to it: 8K shows no face better, but costs sixteen times as much."""

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,h264,hevc,flv,ogg,asf,gif,mjpeg,"
    "mp3,wav,flac,aac"
)
"""FFmpeg's names of what may be opened. Playlists are left out: they could make us open other files."""

MAX_PIXELS = 8192 * 8192
"""Frames beyond this are not decoded: a small file could otherwise ask for any amount of memory."""

CUT_SHORT_S = 2.0
"""A film that ends this much before its stated length was cut short."""

SD_LINES = 576
"""Films of more lines are HD. If they do not name their colours, those of BT.709 are meant."""

WIDEST_PIXEL = 4.0
"""Pixels of real films are up to twice as wide as high, or half as wide; other ratios are mistakes."""

COLOURS_NOT_NAMED = 2
"""FFmpeg's number for a frame that does not say how its RGB became YUV."""

_MATROSKA_LENGTH = re.compile(r"(\d+):(\d+):(\d+(?:\.\d*)?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """One frame of a film.

    Attributes:
        index: Its number, from 0.
        time_s: When it is shown, in seconds from the start of the film.
        image: Shape (H, W, 3), uint8, RGB, as it is shown: upright, with square pixels; sides at most
            :data:`MAX_SIDE`.
        size: Width and height of the film as it is shown, which is upright with square pixels: 720×576 with
            the ratio 64:45 is shown as 1024×576.
        scale: Pixels of ``image`` for each pixel of ``size``.
        duration_s: For how long it is shown, in seconds; 0 where the file does not say.
    """

    index: int
    time_s: float
    image: Image
    size: tuple[int, int]
    scale: float
    duration_s: float


class FilmReader:
    """An open film. Use it in a ``with`` statement and iterate over it once.

    Attributes:
        duration_s: Length in seconds as the file states it, or None.
        fps: Mean frames per second as the file states it, or None.
        damaged: Whether parts could not be read; complete only after the iteration.

    Raises:
        VideoError: If the file is no film that can be read, or holds no moving picture.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = False
        self._container = open_container(path)
        try:
            self._stream = _picture_stream(self._container, path)
        except VideoError:
            self._container.close()
            raise
        self._stream.thread_type = "AUTO"
        # The header may say less than the frames have.
        self._stream.codec_context.options = _decoder_limit()
        self.start_s = (self._container.start_time or 0) / av.time_base
        length = self._container.duration
        self.duration_s = length / av.time_base if length and length > 0 else None
        self._pictures_end_s = self._stated_end_s()
        rate = self._stream.average_rate
        self.fps = float(rate) if rate else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __iter__(self) -> Iterator[FilmFrame]:
        """The frames in the order in which they are shown.

        What cannot be decoded is skipped and sets :attr:`damaged`.

        Raises:
            VideoError: If not a single frame can be decoded.
        """
        index, last_s, end_s = 0, -math.inf, -math.inf
        pixel_ratio = float(self._stream.sample_aspect_ratio or 1)
        if not 1 / WIDEST_PIXEL <= pixel_ratio <= WIDEST_PIXEL:
            pixel_ratio = 1.0
        for frame in self._decoded():
            time_s = frame.time - self.start_s if frame.time is not None else -math.inf
            if not time_s > last_s:
                # Missing or repeated time stamps occur in old containers: go on at the usual pace.
                time_s = max(last_s, -1 / (self.fps or 25)) + 1 / (self.fps or 25)
            duration_s = max(float(frame.duration * (frame.time_base or 0)), 0.0)
            image, size, scale = _as_shown(frame, pixel_ratio)
            yield FilmFrame(index, max(time_s, 0.0), image, size, scale, duration_s)
            index, last_s = index + 1, max(time_s, 0.0)
            end_s = last_s + duration_s
        if self._pictures_end_s is not None and end_s < self._pictures_end_s - CUT_SHORT_S:
            self.damaged = True
        if index == 0:
            raise VideoError(
                f"A film must hold at least one frame that can be read. {self.path.name} holds none; "
                "it may be damaged or cut short."
            )

    def _stated_end_s(self) -> float | None:
        """When the pictures end as the file states it; the sound may go on for longer."""
        stream = self._stream
        if stream.duration is None or stream.time_base is None:
            # Matroska has it as text; where that is missing or cut off, the end of everything must do.
            text = _MATROSKA_LENGTH.fullmatch(stream.metadata.get("DURATION", ""))
            if text is None:
                return self.duration_s
            hours, minutes, seconds = map(float, text.groups())
            return hours * 3600 + minutes * 60 + seconds - self.start_s
        begin = stream.start_time or 0
        return float((begin + stream.duration) * stream.time_base) - self.start_s

    def _decoded(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.error.FFmpegError, OSError):
                self.damaged = True
                return
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, OSError):
                self.damaged = True
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    yield frame


def open_container(path: Path) -> av.container.InputContainer:
    """Open a film with FFmpeg's libraries, local files only.

    Raises:
        VideoError: If it is no file, or none of the formats that may be read.
    """
    if not path.is_file():
        raise VideoError(f"There must be a film. Received: {path}, which is not a file.")
    safe = {
        "protocol_whitelist": "file",
        "format_whitelist": CONTAINERS,
        **_decoder_limit(),  # for a look at the first frames; what reads them all has its own options
    }
    try:
        return av.open(str(path), "r", options=safe, metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"{path.name} cannot be read as a film: it is damaged, cut short, or something else. "
            "mp4, mov, webm, mkv, avi, mpeg, ogg, wmv, flv and gif can be read."
        ) from error


def _decoder_limit() -> dict[str, str]:
    """The option of FFmpeg's decoders; they count rows rounded up to 64 pixels, hence more than ours."""
    return {"max_pixels": str(2 * MAX_PIXELS)}


def _picture_stream(container: av.container.InputContainer, path: Path) -> Any:
    """The first stream of moving pictures; the cover of a song is none."""
    cover = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & cover]
    if streams:
        width, height = streams[0].codec_context.width, streams[0].codec_context.height
        if width * height > MAX_PIXELS:
            raise VideoError(
                f"Frames may have at most {MAX_PIXELS:,} pixels. Those of {path.name} have "
                f"{width}x{height}. Save the film in a smaller size."
            )
        return streams[0]
    kind = "sound only" if container.streams.audio else "no stream of pictures"
    raise VideoError(f"A film must hold moving pictures. {path.name} holds {kind}.")


def _as_shown(frame: av.VideoFrame, pixel_ratio: float) -> tuple[Image, tuple[int, int], float]:
    """A decoded frame as RGB, with square pixels and turned upright; its size, and how it was reduced.

    Args:
        frame: The frame.
        pixel_ratio: Width of its pixels divided by their height. Their shorter side is stretched, so that
            nothing is lost.
    """
    width, height = frame.width * max(pixel_ratio, 1), frame.height / min(pixel_ratio, 1)
    scale = min(1.0, MAX_SIDE / max(width, height))
    unnamed_hd = frame.colorspace == COLOURS_NOT_NAMED and frame.height > SD_LINES
    image = frame.to_ndarray(
        format="rgb24",
        width=max(round(width * scale), 1),
        height=max(round(height * scale), 1),
        src_colorspace=Colorspace.ITU709 if unnamed_hd else None,
    )
    turns = round(frame.rotation / 90) % 4
    size = (round(height), round(width)) if turns % 2 else (round(width), round(height))
    return np.ascontiguousarray(np.rot90(image, turns)), size, scale
