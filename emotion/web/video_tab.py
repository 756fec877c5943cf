"""The video tab: a film goes in; an annotated copy, a table, a timeline and a summary come out."""

from __future__ import annotations

import csv
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.film import FilmSettings, read_film
from emotion.session import CSV_COLUMNS, Session, csv_rows
from emotion.timeline import Timeline
from emotion.video import FilmReader, FilmWriter
from emotion.web.api import FILM_QUEUE
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

Update = tuple[Any, ...]


class FilmJob:
    """Whether a viewer's film is being read, and whether that should end."""

    def __init__(self) -> None:
        self.cancelled = False


def build_video_tab(pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR) -> None:
    """Add the contents of the tab to the open ``gr.Tab``.

    Args:
        pipelines: Of the server.
        detector_name: The detector that is chosen at first.
    """

    def on_read(
        job: FilmJob, path: str | None, detector: str, min_score: float, every_s: float
    ) -> Iterator[Update]:
        job.cancelled = False
        if path is None:
            yield _news(progress_html("Choose a film first."))
            return
        # What is written here is copied by Gradio when it is handed over, and deleted at the end.
        folder = Path(tempfile.mkdtemp(prefix="film-"))
        try:
            settings = FilmSettings(min_score, every_s=every_s)
            yield from _read(job, pipelines, detector, Path(path), settings, folder)
        except EmotionError as error:
            yield _news(progress_html(str(error), problem=True), busy=False)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def on_cancel(job: FilmJob) -> None:
        job.cancelled = True

    def default_score(detector: str) -> float:
        try:
            return pipelines.get(detector).detector.default_min_score
        except EmotionError:
            return 0.5  # reading a film shows the message

    job = gr.State(FilmJob())
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
                min_score = gr.Slider(
                    0.05, 1, default_score(detector_name), step=0.05, label="Minimum score"
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

    start.click(
        on_read,
        [job, film, detector, min_score, every],
        [progress, start, stop, copy, table, report],
        **FILM_QUEUE,
        show_progress="hidden",
        api_visibility="private",
        trigger_mode="once",
    )
    direct = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    stop.click(on_cancel, job, None, **direct)
    detector.input(default_score, detector, min_score, **direct)


def _read(
    job: FilmJob,
    pipelines: Pipelines,
    detector: str,
    path: Path,
    settings: FilmSettings,
    folder: Path,
) -> Iterator[Update]:
    """Read one film; the last update hands over everything."""
    session, timeline = Session(keep=1), Timeline()
    copy_path, table_path = folder / f"{path.stem}-expressions.mp4", folder / f"{path.stem}.csv"
    began = told = time.monotonic()
    pipeline = pipelines.get(detector)
    yield _news(progress_html("Opening the film …", 0.0), busy=True, clear=True)
    with FilmReader(path) as film, table_path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        with FilmWriter(copy_path, sound=film) as copy:
            steps = read_film(
                film,
                pipeline,
                settings,
                copy=copy,
            )
            for step in steps:
                if step.moment:
                    session.add(step.moment)
                    timeline.add(step.time_s, step.moment.faces)
                    writer.writerows(csv_rows(step.moment))
                if job.cancelled:
                    break
                now = time.monotonic()
                if now - told >= NEWS_EVERY_S:
                    told = now
                    yield _news(_progress(step.time_s, film.duration_s, now - began))
            if job.cancelled:
                copy.discard()
    if job.cancelled:
        yield _news(progress_html("Stopped. Nothing was kept."), busy=False)
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
        return progress_html(f"{time_s:.0f} s of film are read.")
    share = min(time_s / duration_s, 1.0)
    left = elapsed_s * (1 - share) / share if share > 0 else 0.0
    return progress_html(
        f"{time_s:.0f} of {duration_s:.0f} s are read, about {left:.0f} s left.", share
    )


def _news(progress: str, *, busy: bool | None = None, clear: bool = False) -> Update:
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
