"""An mp4 that browsers play: H.264 pictures with the sound of the film they come from."""

from __future__ import annotations

import math
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import av.container
import av.error
import numpy as np

from emotion.errors import VideoError
from emotion.types import Image
from emotion.video.reader import FilmReader, open_container

__all__ = ["FilmWriter"]

TICKS = 90_000
"""Time base of written films per second: fine enough for every frame rate, also a changing one."""

BROWSER_AUDIO = ("aac", "mp3")
"""Sound that every browser plays inside mp4, so it is copied; any other is converted to AAC."""

AAC_RATES = (
    *(96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025),
    *(8_000, 7_350),
)
"""Samples per second that AAC knows; sound of any other rate is converted to 48,000."""

ROUNDING_S = 0.1
"""Time stamps of sound may be rounded; from here on a difference is a gap, or a step back."""

JOINED_S = 1.0
"""Sound whose time stamps go back by more begins anew: two films were joined."""


class FilmWriter:
    """Writes an mp4 that browsers play: H.264 pictures, with the sound of another film.

    Use it in a ``with`` statement. The file appears under its name only when it is complete; after an
    error nothing is left.

    Args:
        path: The mp4 file to write.
        sound: The open film whose sound is kept, or None.

    Raises:
        VideoError: If the file cannot be written.
    """

    def __init__(self, path: Path, *, sound: FilmReader | None = None) -> None:
        if not path.parent.is_dir():
            raise VideoError(f"{path} cannot be written: there is no folder {path.parent}.")
        self.path = path
        self._part = path.with_name(f".{path.stem}.part{os.getpid()}.mp4")
        try:
            self._out = av.open(str(self._part), "w", options={"movflags": "+faststart"})
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"{path} cannot be written: {error}") from error
        self._unwanted = False
        self._stream: Any = None
        self._size = (0, 0)
        self._last_pts = -1
        self._film_with_sound = sound
        self._sound: _Sound | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        complete = kind is None and self._stream is not None and not self._unwanted
        try:
            try:
                if complete:
                    self._out.mux(self._stream.encode())
                    if self._sound:
                        self._sound.copy_until(math.inf)
            finally:
                if self._sound:
                    self._sound.close()
                self._out.close()  # writes, too
            if complete:
                self._part.replace(self.path)
        except (av.error.FFmpegError, OSError) as failure:
            if complete:
                raise VideoError(f"{self.path} cannot be written: {failure}") from failure
        finally:
            self._part.unlink(missing_ok=True)

    def write(self, image: Image, time_s: float) -> None:
        """Add a frame.

        Args:
            image: Shape (H, W, 3), uint8, RGB; all of the same shape. H.264 wants even sides, so an odd
                last row or column is repeated.
            time_s: When it is shown, in seconds; must rise.

        Raises:
            VideoError: If it cannot be written, for instance because the disk is full.
        """
        try:
            self._write(image, time_s)
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"{self.path} cannot be written: {error}") from error

    def _write(self, image: Image, time_s: float) -> None:
        if self._stream is None:
            self._start(image)
        height, width = self._size
        extra = ((0, max(height - image.shape[0], 0)), (0, max(width - image.shape[1], 0)), (0, 0))
        padded = np.pad(image, extra, mode="edge") if any(map(any, extra)) else image
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(padded[:height, :width]), format="rgb24"
        )
        frame.pts = self._last_pts = max(round(time_s * TICKS), self._last_pts + 1)
        frame.time_base = Fraction(1, TICKS)
        self._out.mux(self._stream.encode(frame))
        if self._sound:
            self._sound.copy_until(time_s)

    def discard(self) -> None:
        """Leave no file behind at the end, although no error occurred."""
        self._unwanted = True

    def _start(self, image: Image) -> None:
        """Set up the encoder for the first frame's size."""
        height, width = image.shape[:2]
        self._size = (height + height % 2, width + width % 2)
        options = {"preset": "veryfast", "crf": "23"}
        stream = self._out.add_stream("libx264", rate=30, options=options)
        stream.height, stream.width = self._size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        self._stream = stream
        if self._film_with_sound:
            self._sound = _Sound(self._film_with_sound, self._out)
        self._out.start_encoding()


class _Sound:
    """Copies the sound of a film beside the pictures, no further ahead than they are.

    The pictures matter more: what cannot be copied is left out, and a sound that cannot be gone on with
    ends there.
    """

    def __init__(self, film: FilmReader, out: av.container.OutputContainer) -> None:
        self._out = out
        self._start_s = film.start_s
        self._source = open_container(film.path)
        self._input = next(iter(self._source.streams.audio), None)
        self._packets = self._source.demux(self._input) if self._input else iter(())
        self._waiting: Any = None
        self._stream: Any = None
        self._reached_s = 0.0
        self._late_s = 0.0
        self._last_dts: int | None = None
        self._next_pts = 0
        if self._input is None:
            return
        self._copied = self._input.codec_context.name in BROWSER_AUDIO
        if self._copied:
            self._stream = out.add_stream_from_template(self._input)
        else:
            rate = self._input.codec_context.sample_rate
            self._stream = out.add_stream("aac", rate=rate if rate in AAC_RATES else 48_000)

    def copy_until(self, time_s: float) -> None:
        """Copy what sounds before ``time_s``, in seconds from the start of the film."""
        while self._stream is not None:
            try:
                if not self._copy_one(time_s):
                    return
            except av.error.InvalidDataError:
                continue  # damaged
            except (av.error.FFmpegError, OSError, ValueError):
                # A full disk ends up here, too; the next picture, or closing the file, then reports it.
                self._stream = None

    def _copy_one(self, time_s: float) -> bool:
        """Copy one packet; False if it is not its time yet, or there is none."""
        packet = self._waiting or next(self._packets, None)
        self._waiting = None
        if packet is None:
            stream, self._stream = self._stream, None
            if not self._copied:
                self._out.mux(stream.encode())
            return False
        if packet.pts is not None and packet.time_base is not None:
            starts_s = float(packet.pts * packet.time_base) - self._start_s + self._late_s
            if starts_s < self._reached_s - JOINED_S:
                self._late_s += self._reached_s - starts_s  # go on from there, as the pictures do
                starts_s = self._reached_s
            if starts_s > time_s:
                self._waiting = packet
                return False
            self._reached_s = starts_s
        if self._copied:
            self._pass_on(packet)
        else:
            self._convert(packet)
        return True

    def _pass_on(self, packet: Any) -> None:
        """Copy as it is. Time stamps must rise in an mp4; those of old or joined files may not."""
        if packet.dts is None or packet.pts is None:
            return
        shift = round((self._start_s - self._late_s) / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        if self._last_dts is not None and packet.dts <= self._last_dts:
            return
        self._last_dts = packet.dts
        packet.stream = self._stream
        self._out.mux(packet)

    def _convert(self, packet: Any) -> None:
        """Convert; each frame keeps its time, so that a late start and gaps stay as long as they are."""
        for frame in packet.decode():
            rate, pts = frame.sample_rate, self._next_pts
            if frame.time is not None:
                pts = round((frame.time - self._start_s + self._late_s) * rate)
            if pts < self._next_pts - ROUNDING_S * rate:
                continue
            if pts < self._next_pts + ROUNDING_S * rate:
                pts = self._next_pts
            frame.pts, frame.time_base = pts, Fraction(1, rate)
            self._next_pts = pts + frame.samples
            self._out.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._source.close()
