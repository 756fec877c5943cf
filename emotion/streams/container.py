"""Which videos may be opened, and which of their streams are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import av.container
import av.error

from emotion.errors import VideoError

__all__ = [
    "MAX_PIXELS",
    "audio_stream",
    "decoder_limit",
    "open_container",
    "picture_stream",
    "watched_streams",
]

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,h264,hevc,m4v,h263,flv,ogg,asf,gif,apng,"
    "mjpeg,dv,mxf,ivf,obu,yuv4mpegpipe,nut,mp3,wav,flac,aac"
)
"""FFmpeg's names of what may be opened. Playlists are left out: they could make us open other files."""

MAX_PIXELS = 8192 * 8192
"""Frames beyond this are not decoded: a small file could otherwise ask for any amount of memory."""


def watched_streams(container: av.container.InputContainer) -> list[Any]:
    """The moving pictures of a video and its audio, where it has them."""
    return [*_moving_pictures(container)[:1], *_decodable(container.streams.audio)[:1]]


def open_container(path: Path) -> av.container.InputContainer:
    """Open a video with FFmpeg's libraries, local files only.

    Raises:
        VideoError: If it is no file, or none of the formats that may be read.
    """
    if not path.is_file():
        raise VideoError(f"There must be a video. Received: {path}, which is not a file.")
    safe = {
        "protocol_whitelist": "file",
        "format_whitelist": CONTAINERS,
        **decoder_limit(),  # for a look at the first frames; what reads them all has its own options
    }
    try:
        # FFmpeg takes what stands before a colon for a protocol, but not behind a slash.
        return av.open(str(path.absolute()), "r", options=safe, metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"{path.name} cannot be read as a video: it is damaged, cut short, or of another kind. mp4, mov, "
            "webm, mkv, avi, mpeg, ogg, wmv, flv, gif, mxf, dv, ivf and y4m can be read."
        ) from error


def decoder_limit() -> dict[str, str]:
    """The option of FFmpeg's decoders; they count rows rounded up to 64 pixels, hence more than ours."""
    return {"max_pixels": str(2 * MAX_PIXELS)}


def _moving_pictures(container: av.container.InputContainer) -> list[Any]:
    """The streams of moving pictures that can be decoded; the cover of a song is none."""
    cover = av.stream.Disposition.attached_pic
    return [s for s in _decodable(container.streams.video) if not s.disposition & cover]


def _decodable(streams: Iterable[Any]) -> list[Any]:
    """Without those whose codec FFmpeg does not know: PyAV gives them no context."""
    return [stream for stream in streams if stream.codec_context is not None]


def audio_stream(container: av.container.InputContainer) -> Any:
    """The first audio stream that can be decoded, or None."""
    return next(iter(_decodable(container.streams.audio)), None)


def picture_stream(container: av.container.InputContainer, path: Path) -> Any:
    """The first stream of moving pictures."""
    streams = _moving_pictures(container)
    if streams:
        width, height = streams[0].codec_context.width, streams[0].codec_context.height
        if width * height > MAX_PIXELS:
            raise VideoError(
                f"Frames may have at most {MAX_PIXELS:,} pixels. Those of {path.name} have "
                f"{width}x{height}. Save the video in a smaller size."
            )
        return streams[0]
    kind = "audio only" if container.streams.audio else "no stream of pictures that can be decoded"
    raise VideoError(f"A video must hold moving pictures. {path.name} holds {kind}.")
