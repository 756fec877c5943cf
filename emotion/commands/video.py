"""Read the expressions in a film: an annotated copy, a table, a summary.

Any film that FFmpeg's libraries decode can be read. The copy is an mp4 (H.264) with the sound kept. Ctrl-C
stops; a copy or table that is not complete is removed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

    for target in (args.out, args.csv):
        if target and target.exists() and args.film.exists() and target.samefile(args.film):
            raise VideoError(
                f"The film must not be overwritten. Received: {target} as output, too."
            )
    if args.out and args.out.suffix.lower() != ".mp4":
        raise VideoError(f"The annotated copy must be an .mp4 file. Received: {args.out.name}")
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
        table = stack.enter_context(_table(args.csv)) if args.csv else None
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
                if table:
                    table.writerows(csv_rows(step.moment))
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
def _table(path: Path) -> Iterator[Any]:
    """A CSV writer whose file appears under its name only when it is complete."""
    from emotion.moments import CSV_COLUMNS

    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(CSV_COLUMNS)
            yield writer
        part.replace(path)
    except OSError as error:
        raise VideoError(f"{path} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def _seconds(text: str) -> float:
    """A time in seconds, not negative."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be seconds, 0 or more. Received: {text!r}")
    return value
