"""Videos that the server reads for its viewers: one after the other, found again by their token.

A job does not hang on the request that began it: a line that breaks or a page that is reloaded asks for it
again, until an hour after the last request.
"""

from __future__ import annotations

import logging
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from emotion.errors import EmotionError, VideoError
from emotion.pipeline import EmotionPipeline
from emotion.storage.recorder import Recording
from emotion.streams.analyze_video import VideoSettings
from emotion.streams.video_analysis import VideoAnalysis
from emotion.web.kept import FORGET_AFTER_S, Kept
from emotion.web.languages import Words
from emotion.web.session_report import summary_html

__all__ = ["Progress", "VideoJob", "VideoJobs", "VideoLine"]

NEWS_EVERY_S = 0.25
"""How often the progress is told."""

CLEAN_UP_EVERY_S = 600.0

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        text: What is going on, for people.
        share: How much is done (0–1), where that is known.
        ended: Whether nothing more will happen.
        problem: Whether the text says what went wrong.
        aloud: Whether a screen reader should say the text.
    """

    text: str
    share: float | None = None
    ended: bool = False
    problem: bool = False
    aloud: bool = True


class VideoLine:
    """One video at a time: reading one keeps two cores busy, and webcams must stay fast. Others wait in line.

    Args:
        on_idle: Called every few minutes.
    """

    def __init__(self, on_idle: Callable[[], None] = lambda: None) -> None:
        self._on_idle = on_idle
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, work: Callable[[], None]) -> None:
        """Do some work, which must not raise, when its turn comes."""
        with self._lock:
            if self._thread is None:
                # A daemon: a server that is told to end does not wait for the end of a video.
                self._thread = threading.Thread(target=self._work, name="videos", daemon=True)
                self._thread.start()
        self._waiting.put(work)

    def wait_for(self, work: Callable[[], T]) -> T:
        """Do some work when its turn comes, and return what it returns or raise what it raises."""
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(work())
            except BaseException as error:
                result.set_exception(error)

        self.put(run)
        return result.result()

    def _work(self) -> None:
        while True:
            try:
                self._waiting.get(timeout=CLEAN_UP_EVERY_S)()
            except queue.Empty:
                self._on_idle()


class VideoJob:
    """One video of one viewer, from the press of the button until its results are no longer asked for.

    Args:
        path: The video; None if none was chosen.
        settings: How to read it.
        pipeline_of: Loads the pipeline.
        words: In the viewer's language.

    Attributes:
        words: The same.
        progress: How far it is.
        copy, table: The annotated copy and the CSV file; None unless it is done.
        report: The summary as HTML.
        record: Begins the recording of this video; by default there is none.
    """

    def __init__(
        self,
        path: Path | None,
        settings: VideoSettings,
        pipeline_of: Callable[[], EmotionPipeline],
        words: Words,
    ) -> None:
        self.words = words
        self._path = path
        self._settings = settings
        self._pipeline_of = pipeline_of
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._stopped = threading.Event()
        self.asked_at = time.monotonic()
        self._waiting = Progress(words["video_waiting"])
        self.progress = self._waiting
        self.copy: Path | None = None
        self.table: Path | None = None
        self.report = ""
        self.record: Callable[[EmotionPipeline], Recording | None] = lambda _: None

    def stop(self) -> None:
        """End as soon as possible, and keep nothing. What is done stays done."""
        self._stopped.set()
        if self.progress is self._waiting:
            self.progress = Progress(self.words["video_stopped"], ended=True)

    def close(self) -> None:
        """Stop, and delete the results."""
        self.stop()
        if self._folder:
            self._folder.cleanup()

    def run(self) -> None:
        """Read the video. Never raises; :attr:`progress` says what went wrong."""
        if self._stopped.is_set():
            return
        try:
            if self._path is None:
                raise VideoError(self.words["video_choose"])
            self.progress = Progress(self.words["video_opening"], 0.0)
            self._folder = tempfile.TemporaryDirectory(prefix="video-", ignore_cleanup_errors=True)
            self.progress = self._read(self._path, Path(self._folder.name))
        except EmotionError as error:
            self.progress = Progress(str(error), ended=True, problem=True)
        except Exception:
            log.exception("A video could not be read")
            self.progress = Progress(self.words["video_fault"], ended=True, problem=True)
        if self._folder and self.copy is None:
            self._folder.cleanup()

    def _read(self, path: Path, folder: Path) -> Progress:
        """Write copy and table; returns the last progress."""
        pipeline, words = self._pipeline_of(), self.words
        copy, table = folder / f"{path.stem}-expressions.mp4", folder / f"{path.stem}.csv"
        began = told = time.monotonic()
        with VideoAnalysis(path, pipeline, self._settings, copy=copy, table=table) as analysis:
            recording = self.record(pipeline)
            for step in analysis:
                if recording and step.moment:
                    recording.add(step.moment)
                now = time.monotonic()
                if self._stopped.is_set() or now - self.asked_at > FORGET_AFTER_S:
                    return Progress(words["video_stopped"], ended=True)
                if now - told >= NEWS_EVERY_S:
                    told = now
                    self.progress = _on_the_way(
                        words, step.time_s, analysis.video.duration_s, now - began
                    )
        self.report = summary_html(analysis.summary(), analysis.timeline, words)
        self.copy, self.table = copy, table
        notes = [words["video_done"].format(seconds=f"{time.monotonic() - began:.0f}")]
        if recording:
            notes.append(words["video_recorded"].format(session=recording.name))
        if analysis.damaged:
            notes.append(words["video_damaged"])
        return Progress(" ".join(notes), 1.0, ended=True)


class VideoJobs:
    """The jobs of all viewers, under their tokens.

    Attributes:
        line: In which videos are read one after the other; the API's wait there, too.
    """

    def __init__(self) -> None:
        self._jobs = Kept[VideoJob](on_forget=VideoJob.close)
        self.line = VideoLine(on_idle=self._jobs.clean_up)

    def begin(self, key: Hashable, job: VideoJob) -> VideoJob:
        """Put a job into the line; one that was begun under the same key already stays."""
        kept = self._jobs.get_or_make(key, lambda: job)
        if kept is job:
            self.line.put(job.run)
        return kept

    def get(self, key: Hashable) -> VideoJob | None:
        """The job of a viewer."""
        job = self._jobs.get(key)
        if job:
            job.asked_at = time.monotonic()
        return job

    def forget(self, key: Hashable) -> None:
        """Stop a job and delete what it left."""
        self._jobs.forget(key)


def _on_the_way(
    words: Words, time_s: float, duration_s: float | None, elapsed_s: float
) -> Progress:
    done = f"{time_s:.0f}"
    if not duration_s:
        return Progress(words["video_read_so_far"].format(done=done), aloud=False)
    share = min(time_s / duration_s, 1.0)
    left = elapsed_s * (1 - share) / share if share > 0 else 0.0
    text = words["video_left"].format(done=done, length=f"{duration_s:.0f}", left=f"{left:.0f}")
    return Progress(text, share, aloud=False)
