"""The sound of a film, beside the pictures of its copy."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import av.container
import av.error

from emotion.video.reader import FilmReader, open_container

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

JOINED_S = 1.0
"""Sound whose time stamps go back by more begins anew: two films were joined."""


class Sound:
    """Copies the sound of a film beside the pictures, no further ahead than they are.

    The pictures matter more: what cannot be copied is left out, and a sound that cannot be gone on with
    ends there.

    Args:
        film: The open film whose sound is kept.
        out: The copy, before its encoding starts.

    Raises:
        VideoError: If the film cannot be opened a second time.
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
        """Close the film that the sound comes from."""
        self._source.close()
