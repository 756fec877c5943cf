"""Read the expressions in pictures: files, folders and globs.

A folder means every picture in it and below, hidden files left out. What cannot be read is named and the
rest goes on; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import csv
import glob
import io
import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from emotion.classifier import DEFAULT_RUNTIME, RUNTIMES
from emotion.commands import no_chatter, score
from emotion.drawing import annotate
from emotion.errors import EmotionError, ImageError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.images import PICTURE_SUFFIXES, read_image
from emotion.pipeline import EmotionPipeline
from emotion.records import CSV_COLUMNS, PictureRecord, summarise
from emotion.types import Image
from emotion.weights import find_weights

__all__ = ["add_arguments", "find_pictures", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``emotion analyze``."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a picture, a folder or a glob")
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULT_DETECTOR)
    parser.add_argument(
        "--min-score",
        type=score,
        metavar="0..1",
        help="leave out faces the detector is less sure of",
    )
    parser.add_argument("--weights", help="a folder, a name in weights/, or hf://owner/name")
    parser.add_argument("--runtime", choices=(DEFAULT_RUNTIME, *RUNTIMES), default=DEFAULT_RUNTIME)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object per picture and line")
    output.add_argument("--csv", action="store_true", help="one line per face, with a header")
    output.add_argument(
        "--annotated",
        type=Path,
        metavar="DIR",
        help="write the pictures with boxes and labels here",
    )


def run(args: argparse.Namespace) -> int:
    """Analyse all pictures, print one result after the other, and say whether any failed."""
    from tqdm import tqdm

    pictures = list(dict.fromkeys(found for path in args.paths for found in find_pictures(path)))
    quiet = len(pictures) < 2 or not sys.stderr.isatty()
    failed = 0
    weights = find_weights(args.weights, runtime=args.runtime)  # its warnings are for people
    with no_chatter():
        pipeline = EmotionPipeline.load(
            detector=args.detector, weights=weights, runtime=args.runtime
        )
        pipeline(np.zeros((64, 64, 3), np.uint8))
        size = pipeline.classifier.spec.input_size
        pipeline.classifier.classify([np.zeros((size, size), np.uint8)])
    with pipeline:
        show = _show_json if args.json else _csv_writer() if args.csv else _show_text
        for path in tqdm(pictures, unit="picture", disable=quiet):
            record = _analyze(pipeline, path, args)
            failed += record.error is not None
            with tqdm.external_write_mode():
                show(record)
    return 1 if failed else 0


def find_pictures(path: str) -> list[Path]:
    """The files that an argument means.

    Args:
        path: A file (whatever its name), a folder, or a glob such as ``photos/**/*.jpg``.

    Returns:
        Files in alphabetical order. What holds no picture or matches nothing is returned as it is: it
        gets its error when it is read, like any file.
    """
    found = Path(path)
    if found.is_dir():
        below = (p for p in found.rglob("*") if _is_picture(p.relative_to(found)) and p.is_file())
        return sorted(below) or [found]
    if not found.exists() and glob.has_magic(path):
        matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - takes absolute patterns
        return [file for match in matches for file in find_pictures(match)] or [found]
    return [found]


def _is_picture(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in PICTURE_SUFFIXES and not hidden


def _analyze(pipeline: EmotionPipeline, path: Path, args: argparse.Namespace) -> PictureRecord:
    try:
        if path.is_dir():
            raise ImageError(
                f"A folder must hold a picture ({', '.join(sorted(PICTURE_SUFFIXES))}). "
                "Received: none in it."
            )
        image = read_image(path)
        faces = pipeline(image, min_score=args.min_score)
        if args.annotated:
            _write_annotated(args.annotated, path, annotate(image, faces))
    except EmotionError as error:
        return PictureRecord.failed(str(path), str(error))
    return PictureRecord.of(str(path), image, faces)


def _write_annotated(folder: Path, source: Path, image: Image) -> None:
    """Write a picture under its source's name, or the first free one after it: nothing is overwritten."""
    suffix = source.suffix.lower()
    suffix = suffix if suffix in (".jpg", ".jpeg", ".webp") else ".png"
    encoded = io.BytesIO()
    format_name = PillowImage.registered_extensions()[suffix]
    PillowImage.fromarray(image).save(encoded, format_name, quality=95)
    folder.mkdir(parents=True, exist_ok=True)  # its error ends the run: no picture could be written
    for number in itertools.count(1):
        path = folder / f"{source.stem}{f'-{number}' if number > 1 else ''}{suffix}"
        try:
            _write_new(path, encoded.getvalue())
        except FileExistsError:
            continue
        except OSError as error:
            raise ImageError(f"{path} cannot be written: {error}") from error
        return


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that must not be there yet, completely or not at all."""
    path.touch(exist_ok=False)
    try:
        path.write_bytes(data)
    except BaseException:  # Ctrl-C, too
        path.unlink(missing_ok=True)
        raise


def _show_text(record: PictureRecord) -> None:
    if record.error is not None:
        print(f"{record.source}: {record.error}", file=sys.stderr, flush=True)
        return
    print(f"{record.source}: {summarise(record.faces)}")
    for number, result in enumerate(record.faces, start=1):
        box, prediction = result.face.box, result.prediction
        print(
            f"  {number}  {prediction.label:8} {prediction.confidence:4.0%}"
            f"  at x {box.x1}–{box.x2}, y {box.y1}–{box.y2}"
        )
    sys.stdout.flush()


def _show_json(record: PictureRecord) -> None:
    print(record.to_json(), flush=True)


def _csv_writer() -> Callable[[PictureRecord], None]:
    writer = csv.DictWriter(sys.stdout, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()

    def show(record: PictureRecord) -> None:
        writer.writerows(record.csv_rows())
        sys.stdout.flush()

    return show
