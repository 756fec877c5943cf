"""The sound of a video, beside the pictures of its copy."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av.container
import av.error

from emotion.streams.clock import SteadyPackets
from emotion.streams.container import audio_stream, open_container, watched_streams
from emotion.streams.reader import VideoReader

__all__ = ["Sound"]

BROWSER_AUDIO = ("aac", "mp3")
"""Sound that every browser plays inside mp4, so it is copied; any other is converted to AAC."""

AAC_RATES = (
    *(96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025),
    *(8_000, 7_350),
)
"""Samples per second that AAC knows; sound of any other rate is converted to 48,000."""

ROUNDING_S = 0.1
"""Time stamps of sound may be rounded; from here on a difference is a gap, or a step back."""


class Sound:
    """Copies the audio of a video while the frames are written, never ahead of them.

    The frames matter more: audio that cannot be copied is left out, and audio that turns out to be
    damaged ends there.

    Args:
        video: The open video whose sound is kept.
        out: The copy, before its encoding starts.

    Raises:
        VideoError: If the video cannot be opened a second time.
    """

    def __init__(self, video: VideoReader, out: av.container.OutputContainer) -> None:
        self._out = out
        self._start_s = video.start_s
        self._source = open_container(video.path)
        self._input = audio_stream(self._source)
        # The same streams as the pictures' reader: so the clock is moved for both alike.
        self._packets = iter(SteadyPackets(self._source, watched_streams(self._source)))
        self._waiting: Any = None
        self._stream: Any = None
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
        """Copy what sounds before ``time_s``, in seconds from the start of the video."""
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
        packet = self._waiting or self._next()
        self._waiting = None
        if packet is None:
            stream, self._stream = self._stream, None
            if not self._copied:
                self._out.mux(stream.encode())
            return False
        if packet.pts is not None and packet.time_base is not None:
            starts_s = float(packet.pts * packet.time_base) - self._start_s
            if starts_s > time_s:
                self._waiting = packet
                return False
        if self._copied:
            self._pass_on(packet)
        else:
            self._convert(packet)
        return True

    def _next(self) -> Any:
        """The next packet of the audio, or None."""
        for packet in self._packets:
            if self._input is not None and packet.stream_index == self._input.index:
                return packet
        return None

    def _pass_on(self, packet: Any) -> None:
        """Copy as it is. Time stamps must rise in an mp4; those of old files may not."""
        if packet.dts is None or packet.pts is None:
            return
        shift = round(self._start_s / packet.time_base)
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
                pts = round((frame.time - self._start_s) * rate)
            if pts < self._next_pts - ROUNDING_S * rate:
                continue
            if pts < self._next_pts + ROUNDING_S * rate:
                pts = self._next_pts
            frame.pts, frame.time_base = pts, Fraction(1, rate)
            self._next_pts = pts + frame.samples
            self._out.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Close the video that the sound comes from."""
        self._source.close()
