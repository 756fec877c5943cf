"""One even clock for a video whose own clock jumps.

Joined recordings restart their time stamps, and some cameras set their clock while they record. Players go
on without a gap, and so does what is read here: pictures and audio are moved together, so they stay in step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import av.container
from av.format import Flags

__all__ = ["LONGEST_FRAME_S", "SteadyPackets"]

LONGEST_FRAME_S = 3600.0
"""A frame may stay this long, as in slideshows. A longer gap is a jump of the clock (ffplay draws the same
line, ``max_frame_duration`` in FFmpeg's ``fftools/ffplay.c``)."""

LONGEST_GAP_S = 10.0
"""The same for formats that may restart at any time: MPEG-TS, MPEG-PS and Ogg (ffplay's value, too)."""

JOINED_S = 1.0
"""In these formats, time stamps that go back by more than this belong to another recording, joined on."""


class SteadyPackets:
    """The packets of some streams in the order of the file, with time stamps that never jump.

    Two readers of one file that name the same streams get the same time stamps.

    Args:
        container: The open video.
        streams: Those to read. All of them are watched: a pause of the pictures that audio goes on through
            is no jump.

    Attributes:
        offset_s: Seconds that were added to the file's own time stamps, up to the last packet.
    """

    def __init__(
        self, container: av.container.InputContainer, streams: Sequence[av.stream.Stream]
    ) -> None:
        self.offset_s = 0.0
        self._container = container
        self._streams = streams
        self._may_restart = bool(Flags.ts_discont & Flags(container.format.flags))
        self._longest_s = LONGEST_GAP_S if self._may_restart else LONGEST_FRAME_S
        self._before_jump_s = 0.0
        self._jumped_to_s = -math.inf
        self._ends_s: dict[int, float] = {}
        self._usual_s: dict[int, float] = {}

    def __iter__(self) -> Iterator[Any]:
        """The packets; each stream ends with an empty one that has no time.

        Raises:
            av.error.FFmpegError: If the file cannot be read any further.
        """
        for packet in self._container.demux(*self._streams):
            if packet.dts is not None and packet.time_base:
                self._move(packet)
            yield packet

    def _move(self, packet: Any) -> None:
        """Move a packet's time stamps, and the clock if they jump."""
        base, stream = packet.time_base, packet.stream_index
        # A picture that is decoded before a jump may be shown after it.
        times_s = [
            self._follow(float(stamp * base), stream)
            for stamp in (packet.dts, packet.pts)
            if stamp is not None
        ]
        packet.dts = round(times_s[0] / base)
        if packet.pts is not None:
            packet.pts = round(times_s[-1] / base)
        length_s = float((packet.duration or 0) * base)
        # An mp4 has no lengths of its own: there the frame before a jump lasts until after it.
        if 0 < length_s <= self._longest_s:
            self._usual_s[stream] = length_s
        self._ends_s[stream] = max(times_s) + self._usual_s.get(stream, 0.0)

    def _follow(self, file_s: float, stream: int) -> float:
        """The even time of a time stamp of the file, in seconds."""
        early = file_s < self._jumped_to_s - JOINED_S
        time_s = file_s + (self._before_jump_s if early else self.offset_s)
        latest_s = max(self._ends_s.values(), default=time_s)
        restarts = self._may_restart and time_s < self._ends_s.get(stream, time_s) - JOINED_S
        if restarts or time_s > latest_s + self._longest_s:
            self._before_jump_s, self.offset_s = self.offset_s, latest_s - file_s
            self._jumped_to_s = -math.inf if restarts else file_s
            return latest_s
        return time_s
