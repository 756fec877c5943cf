"""Read the expressions in a film: an annotated copy, a table, a summary.

Any film that FFmpeg's libraries decode can be read. The copy is an mp4 (H.264) with the sound kept. Ctrl-C
stops; a copy or table that is not complete is removed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from emotion.commands import score
from emotion.errors import VideoError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS

if TYPE_CHECKING:
    from emotion.session import Summary

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``emotion video``."""
    parser.add_argument("film", type=Path, metavar="IN", help="the film to read")
    parser.add_argument("--out", type=Path, metavar="OUT.mp4", help="write an annotated copy here")
    parser.add_argument(
        "--csv", type=Path, metavar="OUT.csv", help="write one line per face and look here"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.add_argument(
        "--every",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="look this often; 0: every frame",
    )
    parser.add_argument(
        "--smoothing", type=_seconds, default=0.3, metavar="SECONDS", help="half-life; 0: none"
    )
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULT_DETECTOR)
    parser.add_argument("--min-score", type=score, metavar="0..1")
    parser.add_argument("--weights", help="a folder, a name in weights/, or hf://owner/name")


def run(args: argparse.Namespace) -> int:
    """Read the film, write what was asked for and print the summary."""
    from tqdm import tqdm

    from emotion.film import FilmSettings, read_film
    from emotion.moments import csv_rows
    from emotion.pipeline import EmotionPipeline
    from emotion.session import Session, film_dict
    from emotion.video import FilmReader, FilmWriter

    _check_targets(args)
    session = Session.of_film()
    with ExitStack() as stack:
        film = stack.enter_context(FilmReader(args.film))
        pipeline = stack.enter_context(
            EmotionPipeline.load(detector=args.detector, weights=args.weights)
        )
        min_score = args.min_score
        if min_score is None:
            min_score = pipeline.detector.default_min_score
        copy = stack.enter_context(FilmWriter(args.out, sound=film)) if args.out else None
        add_rows = stack.enter_context(_table(args.csv)) if args.csv else None
        bar = stack.enter_context(
            tqdm(
                total=round(film.duration_s, 2) if film.duration_s else None,
                unit="s",
                bar_format="{l_bar}{bar}| {n:.0f}/{total:.0f} s of film, {remaining} left"
                if film.duration_s
                else None,
                disable=not sys.stderr.isatty(),
            )
        )
        steps = read_film(
            film,
            pipeline,
            FilmSettings(min_score, every_s=args.every, half_life_s=args.smoothing),
            copy=copy,
        )
        for step in steps:
            bar.update(max(step.time_s - bar.n, 0))
            if step.moment:
                session.add(step.moment)
                if add_rows:
                    add_rows(csv_rows(step.moment))
    if film.damaged:
        print(
            f"emotion video: {args.film.name} is damaged or cut short; what could be read is included.",
            file=sys.stderr,
        )
    if args.json:
        print(json.dumps(film_dict(args.film.name, session.summary(), damaged=film.damaged)))
    else:
        _print_summary(session.summary())
    return 0


def _check_targets(args: argparse.Namespace) -> None:
    """What could not be written at the end is refused before the film is read."""
    for option, target in (("--out", args.out), ("--csv", args.csv)):
        if target and target.is_dir():
            raise VideoError(
                f"{option} must name a file. Received: {target}, which is a folder. "
                f"Add a name, such as {target / args.film.stem}.{'mp4' if option == '--out' else 'csv'}"
            )
        if target and target.exists() and args.film.exists() and target.samefile(args.film):
            raise VideoError(
                f"The film must not be overwritten. Received: {target} as output, too."
            )
    if args.out and args.out.suffix.lower() != ".mp4":
        raise VideoError(f"The annotated copy must be an .mp4 file. Received: {args.out.name}")


def _print_summary(summary: Summary) -> None:
    print(
        f"{summary.duration_s:.1f} s, {summary.frames} frames looked at, a face in view in "
        f"{summary.frames_with_faces} of them, at most {summary.most_faces} at once."
    )
    for person in summary.people:
        shown = sorted(person.seconds.items(), key=lambda item: -item[1])
        times = ", ".join(f"{emotion} {seconds:.1f} s" for emotion, seconds in shown if seconds)
        print(f"face {person.track_id}: {times or 'one moment'}")


@contextmanager
def _table(path: Path) -> Iterator[Callable[[Iterable[Iterable[object]]], None]]:
    """Adds rows to a CSV file that appears under its name only when it is complete."""
    from emotion.moments import CSV_COLUMNS

    part = path.with_name(f".{path.name}.part")
    with _failures_of(path):
        file = part.open("w", encoding="utf-8", newline="")
    writer = csv.writer(file, lineterminator="\n")

    def add_rows(rows: Iterable[Iterable[object]]) -> None:
        with _failures_of(path):
            writer.writerows(rows)

    try:
        add_rows([CSV_COLUMNS])
        yield add_rows  # what fails meanwhile is not the table's fault, and keeps its own name
        with _failures_of(path):
            file.close()
            part.replace(path)
    finally:
        with suppress(OSError):  # a full disk refuses what is still to be written, here of no use
            file.close()
        part.unlink(missing_ok=True)


@contextmanager
def _failures_of(path: Path) -> Iterator[None]:
    """Say which file it was that could not be written."""
    try:
        yield
    except OSError as error:
        raise VideoError(f"{path} cannot be written: {error}") from error


def _seconds(text: str) -> float:
    """A time in seconds, not negative."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be seconds, 0 or more. Received: {text!r}")
    return value
