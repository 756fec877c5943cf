"""Read the expressions in a video: an annotated copy, a table, a summary.

Any video that FFmpeg's libraries decode can be read. The copy is an mp4 (H.264) with the audio kept. Ctrl-C
and SIGTERM stop; a copy or table that is not complete is removed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from emotion.commands import PRIOR_HELP, no_chatter, prior, score, seconds
from emotion.errors import VideoError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.prior import DEFAULT_PRIOR

if TYPE_CHECKING:
    from emotion.pipeline import EmotionPipeline
    from emotion.storage.recorder import Recording
    from emotion.streams.session import Summary

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``emotion video``."""
    parser.add_argument("video", type=Path, metavar="IN", help="the video to read")
    parser.add_argument("--out", type=Path, metavar="OUT.mp4", help="write an annotated copy here")
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="OUT.csv",
        help="write one line per face and analysed frame here; -: stdout",
    )
    parser.add_argument("--record", metavar="URL", help="also keep what was seen in this database")
    parser.add_argument(
        "--force", action="store_true", help="replace OUT.mp4 and OUT.csv where they exist"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.add_argument(
        "--every",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="seconds between analysed frames; 0: every frame",
    )
    parser.add_argument(
        "--smoothing", type=seconds, default=0.3, metavar="SECONDS", help="half-life; 0: none"
    )
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULT_DETECTOR)
    parser.add_argument("--min-score", type=score, metavar="0..1")
    parser.add_argument("--prior", type=prior, default=DEFAULT_PRIOR, help=PRIOR_HELP)
    parser.add_argument("--weights", help="a folder, a name in weights/, or hf://owner/name")


def run(args: argparse.Namespace) -> int:
    """Read the video, write what was asked for and print the summary."""
    from emotion.streams.analyze_video import VideoSettings
    from emotion.streams.video_analysis import VideoAnalysis

    _check_targets(args)
    with ExitStack() as stack:
        pipeline = stack.enter_context(_load(args))
        min_score = args.min_score
        if min_score is None:
            min_score = pipeline.detector.default_min_score
        analysis = stack.enter_context(
            VideoAnalysis(
                args.video,
                pipeline,
                VideoSettings(min_score, every_s=args.every, half_life_s=args.smoothing),
                copy=args.out,
                table=sys.stdout if _is_stdout(args.csv) else args.csv,
            )
        )
        recording = _recording(args, pipeline, stack) if args.record else None
        bar = stack.enter_context(_progress_bar(analysis.video.duration_s))
        for step in analysis:
            bar.update(max(step.time_s - bar.n, 0))
            if recording and step.moment:
                recording.add(step.moment)
    if analysis.damaged:
        print(
            f"emotion video: {args.video.name} is damaged or cut short; what could be read is included.",
            file=sys.stderr,
        )
    if args.json:
        print(json.dumps(analysis.as_dict()))
    else:
        _print_summary(analysis.summary(), sys.stderr if _is_stdout(args.csv) else sys.stdout)
    return 0


def _recording(args: argparse.Namespace, pipeline: EmotionPipeline, stack: ExitStack) -> Recording:
    """A recording in a database; at the end everything that waits is written."""
    from emotion.storage.command_line import COMMAND_OWNER, open_recorder
    from emotion.storage.recorder import Origin

    recorder = stack.enter_context(open_recorder(args.record))
    return recorder.start(Origin.of(pipeline, COMMAND_OWNER, "video", args.video.name))


def _load(args: argparse.Namespace) -> EmotionPipeline:
    """The pipeline, after a trial: what its libraries print on their first run is not for the user."""
    import numpy as np

    from emotion.pipeline import EmotionPipeline

    with no_chatter():
        pipeline = EmotionPipeline.from_pretrained(
            detector=args.detector, weights=args.weights, prior=args.prior
        )
        pipeline(np.zeros((64, 64, 3), np.uint8))
        pipeline.classifier.classify(
            [np.zeros((pipeline.classifier.spec.input_size,) * 2, np.uint8)]
        )
    return pipeline


def _progress_bar(duration_s: float | None) -> Any:
    """A bar that counts the seconds of the video; only for terminals."""
    from tqdm import tqdm

    return tqdm(
        total=round(duration_s, 2) if duration_s else None,
        unit="s",
        bar_format="{l_bar}{bar}| {n:.0f}/{total:.0f} s of video, {remaining} left"
        if duration_s
        else None,
        disable=not sys.stderr.isatty(),
    )


def _is_stdout(target: Path | None) -> bool:
    """Whether a table goes to where the program prints."""
    if target is None or str(target) == "-":
        return target is not None
    try:
        return os.path.samestat(target.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        return False


def _check_targets(args: argparse.Namespace) -> None:
    """What could not be written at the end is refused before the video is read."""
    if args.json and _is_stdout(args.csv):
        raise VideoError(
            "Summary and table cannot both be printed. Give --csv a file, or leave --json out."
        )
    for option, target in (("--out", args.out), ("--csv", args.csv)):
        if target is None or (option == "--csv" and _is_stdout(target)):
            continue
        if target.is_dir():
            raise VideoError(
                f"{option} must name a file. Received: {target}, which is a folder. "
                f"Add a name, such as {target / args.video.stem}.{'mp4' if option == '--out' else 'csv'}"
            )
        if target.exists() and args.video.exists() and target.samefile(args.video):
            raise VideoError(
                f"The video must not be overwritten. Received: {target} as output, too."
            )
        if target.is_file() and not args.force:
            raise VideoError(
                f"{target} exists already. Choose another name for {option}, or add --force to replace it."
            )
    if args.out and args.out.suffix.lower() != ".mp4":
        raise VideoError(f"The annotated copy must be an .mp4 file. Received: {args.out.name}")


def _print_summary(summary: Summary, to: TextIO) -> None:
    print(
        f"{summary.duration_s:.1f} s, {summary.frames} frames analysed, a face in view in "
        f"{summary.frames_with_faces} of them, at most {summary.most_faces} at once.",
        file=to,
    )
    for person in summary.people:
        shown = sorted(person.seconds.items(), key=lambda item: -item[1])
        times = ", ".join(f"{emotion} {seconds:.1f} s" for emotion, seconds in shown if seconds)
        print(f"face {person.track_id}: {times or 'one moment'}", file=to)
