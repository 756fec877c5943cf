"""The video tab: a film goes in; an annotated copy, a table, a timeline and a summary come out."""

from __future__ import annotations

import csv
import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.errors import EmotionError, VideoError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.film import FilmSettings, read_film
from emotion.moments import CSV_COLUMNS, csv_rows
from emotion.pipeline import EmotionPipeline
from emotion.session import Session
from emotion.timeline import Timeline
from emotion.video import FilmReader, FilmWriter
from emotion.web.api import FILM_QUEUE
from emotion.web.fields import slider
from emotion.web.pipelines import Pipelines
from emotion.web.session_report import progress_html, summary_html

__all__ = ["FilmJob", "build_video_tab"]

NEWS_EVERY_S = 0.5
"""How often the progress bar moves."""

LOOKS = [
    ("every frame", 0.0),
    ("5 times a second", 0.2),
    ("once a second", 1.0),
    ("every 5 seconds", 5.0),
]

FAULT = "This film could not be read. The server's log says why. Another film or detector may work."
NO_FILM = "Choose a film first."
STOPPED = "Stopped. Nothing was kept."

Update = tuple[Any, ...]

log = logging.getLogger(__name__)


class FilmJob:
    """Which film a viewer waits for.

    A film that waits in Gradio's line cannot be taken out of it. So each press of the start button gets a
    number, and a film whose turn comes is passed over if its number is no longer the wanted one.

    Attributes:
        wanted: Number of the press whose film is to be read, or None.
        reading: Whether a film of this viewer is being read right now.
    """

    def __init__(self) -> None:
        self.wanted: int | None = None
        self.reading = False
        self._presses = 0

    def press(self) -> int:
        """Begin to wait for another film; its number."""
        self._presses += 1
        self.wanted = self._presses
        return self.wanted


def build_video_tab(pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR) -> None:
    """Add the contents of the tab to the open ``gr.Tab``.

    Args:
        pipelines: Of the server.
        detector_name: The detector that is chosen at first.
    """

    def on_start(job: FilmJob, path: str | None) -> Update:
        if path is None:
            return 0, *_news(progress_html(NO_FILM))
        waits = progress_html("Waiting for its turn: one film is read after the other.")
        return job.press(), *_news(waits, busy=True, clear=True)

    def on_read(
        job: FilmJob,
        number: int,
        path: str | None,
        detector: str,
        min_score: float,
        every_s: float,
    ) -> Iterator[Update]:
        if job.wanted != number:
            yield _news(gr.skip())
            return
        job.reading = True
        try:
            if path is None:
                raise VideoError(NO_FILM)
            settings, pipeline = FilmSettings(min_score, every_s=every_s), pipelines.get(detector)
            # What is written here is copied by Gradio when it is handed over, and deleted at the end.
            with tempfile.TemporaryDirectory(prefix="film-", ignore_cleanup_errors=True) as folder:
                yield from _read(job, number, pipeline, Path(path), settings, Path(folder))
        except EmotionError as error:
            yield _news(progress_html(str(error), problem=True), busy=False)
        except Exception:
            log.exception("A film could not be read")
            yield _news(progress_html(FAULT, problem=True), busy=False)
        finally:
            job.reading = False

    def on_cancel(job: FilmJob) -> Update:
        job.wanted = None
        # A film that is being read ends by itself and says so.
        return _news(gr.skip()) if job.reading else _news(progress_html(STOPPED), busy=False)

    job = gr.State(FilmJob())
    # Goes to the browser and back with the film: the state alone would always be that of the last press.
    number = gr.Number(0, precision=0, visible="hidden")
    with gr.Row():
        with gr.Column(min_width=320):
            film = gr.File(
                label="Film: mp4, mov, webm, mkv, avi and many more", elem_id="film", height=180
            )
            with gr.Row(elem_id="video-settings"):
                detector = gr.Dropdown(
                    [(title, name) for name, title in DETECTORS.items()],
                    value=detector_name,
                    label="Face detector",
                )
                min_score = slider(
                    0.05,
                    1,
                    pipelines.default_score(detector_name),
                    step=0.05,
                    label="Minimum score",
                )
                every = gr.Dropdown(
                    LOOKS,
                    value=0.0,
                    label="Look",
                    info="Less often is faster; boxes stay until the next look.",
                )
            with gr.Row():
                start = gr.Button("Read the film", variant="primary", elem_id="film-start")
                stop = gr.Button("Cancel", interactive=False, elem_id="film-cancel")
            progress = gr.HTML(progress_html(""), elem_id="film-progress", apply_default_css=False)
        with gr.Column(min_width=320):
            copy = gr.Video(
                label="Annotated film", interactive=False, height=360, elem_id="film-copy"
            )
            table = gr.DownloadButton("Download CSV", interactive=False, elem_id="film-csv")
    report = gr.HTML(elem_id="film-report", apply_default_css=False)

    shown = [progress, start, stop, copy, table, report]
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    direct = {"queue": False, **quiet}
    # Two steps: the first one answers at once, also while another viewer's film is read.
    start.click(on_start, [job, film], [number, *shown], trigger_mode="once", **direct).then(
        on_read,
        [job, number, film, detector, min_score, every],
        shown,
        **FILM_QUEUE,
        **quiet,
        trigger_mode="multiple",
    )
    stop.click(on_cancel, job, shown, **direct)
    detector.input(
        pipelines.default_score, detector, min_score, trigger_mode="always_last", **direct
    )


def _read(
    job: FilmJob,
    number: int,
    pipeline: EmotionPipeline,
    path: Path,
    settings: FilmSettings,
    folder: Path,
) -> Iterator[Update]:
    """Read one film; the last update hands over everything."""
    session, timeline = Session.of_film(), Timeline.of_film(settings.every_s)
    copy_path, table_path = folder / f"{path.stem}-expressions.mp4", folder / f"{path.stem}.csv"
    began = told = time.monotonic()
    yield _news(progress_html("Opening the film …", 0.0), busy=True, clear=True)
    with FilmReader(path) as film, table_path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        with FilmWriter(copy_path, sound=film) as copy:
            for step in read_film(film, pipeline, settings, copy=copy):
                if step.moment:
                    session.add(step.moment)
                    timeline.add(step.time_s, step.moment.faces)
                    writer.writerows(csv_rows(step.moment))
                if job.wanted != number:
                    break
                now = time.monotonic()
                if now - told >= NEWS_EVERY_S:
                    told = now
                    yield _news(_progress(step.time_s, film.duration_s, now - began))
            if job.wanted != number:
                copy.discard()
    if job.wanted != number:
        yield _news(progress_html(STOPPED), busy=False)
        return
    note = f"Done in {time.monotonic() - began:.0f} s."
    if film.damaged:
        note += " The film is damaged or cut short; what could be read is included."
    yield (
        progress_html(note, 1.0),
        gr.Button(interactive=True),
        gr.Button(interactive=False),
        str(copy_path),
        gr.DownloadButton(value=str(table_path), interactive=True),
        summary_html(session.summary(), timeline),
    )


def _progress(time_s: float, duration_s: float | None, elapsed_s: float) -> str:
    if not duration_s:
        return progress_html(f"{time_s:.0f} s of film are read.", aloud=False)
    share = min(time_s / duration_s, 1.0)
    left = elapsed_s * (1 - share) / share if share > 0 else 0.0
    return progress_html(
        f"{time_s:.0f} of {duration_s:.0f} s are read, about {left:.0f} s left.",
        share,
        aloud=False,
    )


def _news(progress: Any, *, busy: bool | None = None, clear: bool = False) -> Update:
    """An update of the progress bar; optionally of the buttons, and with the last results removed."""
    keep = gr.skip()
    return (
        progress,
        keep if busy is None else gr.Button(interactive=not busy),
        keep if busy is None else gr.Button(interactive=busy),
        None if clear else keep,
        gr.DownloadButton(value=None, interactive=False) if clear else keep,
        "" if clear else keep,
    )
