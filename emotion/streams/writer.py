"""An mp4 that browsers play: H.264 pictures with the sound of the video they come from."""

from __future__ import annotations

import math
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import av.error
import numpy as np
from av.codec.context import Flags

from emotion.errors import VideoError
from emotion.streams.audio import Sound
from emotion.streams.reader import VideoReader
from emotion.types import Image

__all__ = ["VideoWriter"]

TICKS = 90_000
"""Time base of written videos per second: fine enough for every frame rate, also a changing one."""

LONGEST_TICKS = 2**31 - 1
"""No frame of an mp4 may be shown for longer."""

MATRIX, PRIMARIES, CURVE, LIMITED = 6, 1, 1, 1
"""Colours as FFmpeg numbers them: RGB becomes YUV as in BT.601, otherwise it stays what it was, BT.709's."""


class VideoWriter:
    """Writes an mp4 that browsers play: H.264 pictures, with the sound of another video.

    Use it in a ``with`` statement. The file appears under its name only when it is complete; after an
    error nothing is left.

    Args:
        path: The mp4 file to write; if it is a link, what it leads to is written.
        sound: The open video whose sound is kept, or None.

    Raises:
        VideoError: If the file cannot be written.
    """

    def __init__(self, path: Path, *, sound: VideoReader | None = None) -> None:
        if not path.parent.is_dir():
            raise VideoError(f"{path} cannot be written: there is no folder {path.parent}.")
        if path.exists() and not path.is_file():
            raise VideoError(
                f"A video must be written into a file. Received: {path}, which is a folder, pipe or device."
            )
        self.path = path = path.resolve()
        self._part = path.with_name(f".{path.stem}.part{os.getpid()}.mp4")
        try:
            self._out = av.open(str(self._part), "w", options={"movflags": "+faststart"})
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"{path} cannot be written: {error}") from error
        self._unwanted = False
        self._stream: Any = None
        self._size = (0, 0)
        self._last_pts = -1
        self._video_with_sound = sound
        self._sound: Sound | None = None

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

    def write(self, image: Image, time_s: float, duration_s: float = 0.0) -> None:
        """Add a frame.

        Args:
            image: Shape (H, W, 3), uint8, RGB; all of the same shape. H.264 wants even sides, so an odd
                last row or column is repeated.
            time_s: When it is shown, in seconds; must rise.
            duration_s: For how long, in seconds, 0 if unknown. All but the last stay until the next one.

        Raises:
            VideoError: If it cannot be written, for instance because the disk is full.
        """
        try:
            self._write(image, time_s, duration_s)
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"{self.path} cannot be written: {error}") from error

    def _write(self, image: Image, time_s: float, duration_s: float) -> None:
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
        frame.duration = min(round(duration_s * TICKS), LONGEST_TICKS)
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
        # Only the duration of the picture that is last in the file counts. Without B-frames, which costs some
        # room, that is the one shown last, also where the frame rate changes.
        options = {"preset": "veryfast", "crf": "23", "bf": "0"}
        stream = self._out.add_stream("libx264", rate=30, options=options)
        stream.height, stream.width = self._size
        stream.pix_fmt = "yuv420p"
        coder = stream.codec_context
        stream.time_base = coder.time_base = Fraction(1, TICKS)
        coder.flags |= Flags.frame_duration
        # What is not named is guessed from the size, and for HD wrongly.
        coder.colorspace, coder.color_primaries = MATRIX, PRIMARIES
        coder.color_trc, coder.color_range = CURVE, LIMITED
        self._stream = stream
        if self._video_with_sound:
            self._sound = Sound(self._video_with_sound, self._out)
        self._out.start_encoding()
