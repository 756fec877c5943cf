"""Videos as frames: upright, RGB, with their true time, one at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import av
import av.error
from av.format import Flags

from emotion.errors import VideoError
from emotion.streams.canvas import Canvas
from emotion.streams.clock import LONGEST_FRAME_S, SteadyPackets
from emotion.streams.container import decoder_limit, open_container, picture_stream, watched_streams
from emotion.types import Image

__all__ = ["VideoFrame", "VideoReader"]

CUT_SHORT_S = 2.0  # a video that ends this much before its stated length was cut short

LOWEST_FPS = 0.1
"""Fewer frames per second are no pace to go on at."""

USUAL_FPS = 25.0
"""Frames per second of a video that does not state them."""

_MATROSKA_LENGTH = re.compile(r"(\d+):(\d+):(\d+(?:\.\d*)?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One frame of a video.

    Attributes:
        index: Its number, from 0.
        time_s: When it is shown, in seconds from the start of the video.
        image: Shape (H, W, 3), uint8, RGB, as it is shown: upright, with square pixels, and all of one
            shape; see :class:`emotion.streams.canvas.Canvas`.
        size: Width and height of the video as it is shown, which are those of its first frame.
        scale: Pixels of ``image`` for each pixel of ``size``.
        duration_s: For how long it is shown, in seconds; 0 where the file does not say.
    """

    index: int
    time_s: float
    image: Image
    size: tuple[int, int]
    scale: float
    duration_s: float


class VideoReader:
    """An open video. Use it in a ``with`` statement and iterate over it once.

    Attributes:
        duration_s: Length in seconds as the file states it, or None.
        fps: Mean frames per second as the file states it, or None.
        damaged: Whether parts could not be read; complete only after the iteration.
        end_s: When the video ends as players show it, in seconds from its start; of a damaged one, when the
            last frame that could be read ends. Complete only after the iteration.

    Raises:
        VideoError: If the file is no video that can be read, or holds no moving picture.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = False
        self.end_s = 0.0
        self._container = open_container(path)
        try:
            self._stream = picture_stream(self._container, path)
        except VideoError:
            self._container.close()
            raise
        self._stream.thread_type = "AUTO"
        # The header may say less than the frames have.
        self._stream.codec_context.options = decoder_limit()
        self._packets = SteadyPackets(self._container, watched_streams(self._container))
        self.start_s = (self._container.start_time or 0) / av.time_base
        length = self._container.duration
        # Without time stamps FFmpeg guesses the length from the bit rate, and may be far off.
        guessed = Flags.no_timestamps in Flags(self._container.format.flags)
        self.duration_s = length / av.time_base if length and length > 0 and not guessed else None
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

    def __iter__(self) -> Iterator[VideoFrame]:
        """The frames in the order in which they are shown.

        What cannot be decoded is skipped and sets :attr:`damaged`.

        Raises:
            VideoError: If not a single frame can be decoded.
        """
        # The mean of a file whose clock jumps may be minutes.
        pace_s = 1 / (self.fps if self.fps and self.fps >= LOWEST_FPS else USUAL_FPS)
        canvas, index, last_s = Canvas(), 0, -pace_s
        for frame in self._decoded():
            time_s = frame.time - self.start_s if frame.time is not None else -math.inf
            if not time_s > last_s:
                # Missing or repeated time stamps occur in old containers: go on at the usual pace.
                time_s = last_s + pace_s
            last_s = max(time_s, 0.0)
            duration_s = max(float(frame.duration * (frame.time_base or 0)), 0.0)
            image = canvas.show(frame, self._pixel_ratio(index))
            # FFmpeg's length of the last frame of a clock that jumps may be anything.
            self.end_s = last_s + (duration_s if 0 < duration_s <= LONGEST_FRAME_S else pace_s)
            yield VideoFrame(index, last_s, image, canvas.size, canvas.scale, duration_s)
            index += 1
        if index == 0:
            raise VideoError(
                f"A video must hold at least one frame that can be read. {self.path.name} holds none; "
                "it may be damaged or cut short."
            )
        self._finish()

    def _finish(self) -> None:
        """All frames are read: is that what the file states?"""
        skipped_s = self._packets.offset_s
        pictures_end_s, length_s = self._pictures_end_s, self.duration_s
        if pictures_end_s is not None and self.end_s < pictures_end_s + skipped_s - CUT_SHORT_S:
            self.damaged = True
        if not self.damaged and length_s is not None:
            self.end_s = max(self.end_s, length_s + skipped_s)

    def _pixel_ratio(self, index: int) -> float:
        """Width of a pixel divided by its height; it may change with the size of the frames."""
        first, now = (
            self._stream.sample_aspect_ratio,
            self._stream.codec_context.sample_aspect_ratio,
        )
        if index == 0:
            self._first_coded_ratio = now
        # What the container says of the first frames goes before what the frames themselves say.
        return float((first if now == self._first_coded_ratio else now) or 1)

    def _stated_end_s(self) -> float | None:
        """When the pictures end as the file states it; the audio may go on for longer."""
        stream = self._stream
        if self.duration_s is None:
            return None
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
        packets = iter(self._packets)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.error.FFmpegError, OSError):
                self.damaged = True
                return
            # An empty packet in the middle repeats the frame before it; the decoder takes it for the end.
            if packet.stream_index != self._stream.index or (
                packet.dts is not None and not packet.size
            ):
                continue
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, OSError):
                self.damaged = True
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    yield frame
