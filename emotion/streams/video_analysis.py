"""One video from file to results: the loop that command line, video tab and API share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from emotion.streams.analyze_video import FaceReader, VideoSettings, VideoStep, analyze_video
from emotion.streams.reader import VideoReader
from emotion.streams.session import Session, Summary, video_dict
from emotion.streams.table import MomentTable
from emotion.streams.timeline import Timeline
from emotion.streams.writer import VideoWriter

__all__ = ["VideoAnalysis"]


class VideoAnalysis:
    """Reads one video and keeps what is asked for. Use it in a ``with`` statement and iterate over it once::

        with VideoAnalysis(path, pipeline, settings, table=Path("faces.csv")) as analysis:
            for step in analysis:
                ...
        analysis.summary()

    Copy and table appear under their names when the ``with`` statement ends after the last step. If the
    loop is left earlier, by ``break``, ``return`` or an error, no file is left behind.

    Args:
        path: The video.
        read: Finds and reads the faces of an RGB image.
        settings: How the video is read.
        copy: The annotated mp4 to write, or None.
        table: The CSV file to write, or a stream of text, or None.

    Attributes:
        video: The open video.
        timeline: Expressions over time.

    Raises:
        VideoError: If the video cannot be read, or copy or table cannot be written.
    """

    def __init__(
        self,
        path: Path,
        read: FaceReader,
        settings: VideoSettings,
        *,
        copy: Path | None = None,
        table: Path | TextIO | None = None,
    ) -> None:
        self.timeline = Timeline.of_video(settings.every_s)
        self._session = Session.of_video()
        self._read = read
        self._settings = settings
        self._complete = False
        with ExitStack() as stack:
            self.video = stack.enter_context(VideoReader(path))
            self._table = stack.enter_context(MomentTable(table)) if table else None
            self._copy = stack.enter_context(VideoWriter(copy, sound=self.video)) if copy else None
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._complete:
            for output in (self._table, self._copy):
                if output:
                    output.discard()
        self._open.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[VideoStep]:
        """Each frame of the video, after what it shows was taken in.

        Raises:
            VideoError: If the video cannot be read any further, or copy or table cannot be written.
        """
        for step in analyze_video(self.video, self._read, self._settings, copy=self._copy):
            if step.moment:
                self._session.add(step.moment)
                self.timeline.add(step.time_s, step.moment.faces)
                if self._table:
                    self._table.write(step.moment)
            yield step
        self._session.finish(self.video.end_s)
        self._complete = True

    @property
    def damaged(self) -> bool:
        """Whether parts of the video could not be read; true only after the last step."""
        return self.video.damaged

    def summary(self) -> Summary:
        """What the video shows."""
        return self._session.summary()

    def as_dict(self) -> dict[str, Any]:
        """The summary as ``emotion video --json`` and ``/analyze_video`` give it."""
        return video_dict(self.video.path.name, self.summary(), damaged=self.damaged)
