"""Read the expressions in pictures: files, folders and globs.

A folder means every picture in it and below, hidden files left out. What cannot be read is named and the
rest goes on; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import codecs
import csv
import itertools
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from emotion.classifier import DEFAULT_RUNTIME, RUNTIMES
from emotion.commands import PRIOR_HELP, count, no_chatter, prior, score
from emotion.drawing import label_text
from emotion.errors import ImageError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.pictures import ReadSettings, find_pictures, read_pictures
from emotion.prior import DEFAULT_PRIOR
from emotion.results import CSV_COLUMNS, PictureRecord, summarise
from emotion.weights.config import read_spec
from emotion.weights.find import find_weights

__all__ = ["ResumableLog", "add_arguments", "run"]


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
    parser.add_argument("--prior", type=prior, default=DEFAULT_PRIOR, help=PRIOR_HELP)
    parser.add_argument(
        "--jobs",
        type=count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that read pictures side by side; default: the cores",
    )
    parser.add_argument(
        "--excel", action="store_true", help="begin the CSV so that Excel reads it as UTF-8"
    )
    output = parser.add_mutually_exclusive_group()
    parser.add_argument("--record", metavar="URL", help="also keep what was seen in this database")
    output.add_argument("--json", action="store_true", help="one JSON object per picture and line")
    output.add_argument("--csv", action="store_true", help="one line per face, with a header")
    output.add_argument(
        "--annotated",
        type=Path,
        metavar="DIR",
        help="write the pictures with boxes and labels here",
    )
    output.add_argument(
        "--resume",
        type=Path,
        metavar="OUT.jsonl",
        help="write JSON lines here, and go on where an earlier run stopped",
    )


def run(args: argparse.Namespace) -> int:
    """Analyse all pictures, print one result after the other, and say whether any failed."""
    from tqdm import tqdm

    found = [find_pictures(path) for path in args.paths]
    pictures = list(dict.fromkeys(file for part in found for file in part.files))
    problems = [problem for part in found for problem in part.problems]
    for problem in problems:
        print(problem, file=sys.stderr, flush=True)
    find_weights(args.weights, runtime=args.runtime)  # its warnings are for people
    settings = ReadSettings(
        *(args.detector, args.weights, args.runtime, args.prior, args.min_score, args.annotated)
    )
    failed = len(problems)
    with ExitStack() as stack:
        show: Callable[[PictureRecord], None] = _show_text
        if args.resume:
            log = stack.enter_context(ResumableLog(args.resume))
            pictures, show = [p for p in pictures if str(p) not in log.done], log.add
        elif args.json:
            show = _show_json
        elif args.csv:
            show = _csv_writer(excel=args.excel)
        if not pictures:
            return 1 if failed else 0
        with no_chatter():
            records = read_pictures(pictures, settings, jobs=args.jobs)
            first = next(records)
        quiet = len(pictures) < 2 or not sys.stderr.isatty()
        every = itertools.chain([first], records)
        keep = _recorder(args, stack) if args.record else None
        for record in tqdm(every, total=len(pictures), unit="picture", disable=quiet):
            failed += record.error is not None
            if keep:
                keep(record)
            with tqdm.external_write_mode():
                show(record)
    return 1 if failed else 0


def _recorder(args: argparse.Namespace, stack: ExitStack) -> Callable[[PictureRecord], None]:
    """Keeps each picture as a session of one frame."""
    from emotion.storage.command_line import COMMAND_OWNER, open_recorder, record_picture
    from emotion.storage.recorder import Origin

    spec = read_spec(find_weights(args.weights, runtime=args.runtime))
    file = spec.files.get(spec.runtime(args.runtime))
    sha256 = file.sha256 if file else ""
    origin = Origin(COMMAND_OWNER, "image", "", args.detector, spec.name, sha256)
    return partial(record_picture, stack.enter_context(open_recorder(args.record)), origin)


class ResumableLog:
    """A file of records, a line each, that a later run goes on with.

    Args:
        path: Made if it is not there. A last line that was cut off is removed.

    Raises:
        ImageError: If it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.done: set[str] = set()
        whole = 0
        if path.exists():
            with path.open("rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    try:
                        self.done.add(json.loads(line)["source"])
                    except (ValueError, KeyError, TypeError) as error:
                        raise ImageError(
                            "--resume must name a file that an earlier run wrote, or a new one. "
                            f"Received: {path}, whose line {len(self.done) + 1} is no record."
                        ) from error
                    whole += len(line)
        self._file = path.open("ab")
        self._file.truncate(whole)

    def __enter__(self) -> ResumableLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, record: PictureRecord) -> None:
        """Write a record at once: what is in the file survives whatever comes next."""
        self._file.write(record.to_json().encode() + b"\n")
        self._file.flush()


def _show_text(record: PictureRecord) -> None:
    if record.error is not None:
        print(f"{record.source}: {record.error}", file=sys.stderr, flush=True)
        return
    print(f"{record.source}: {summarise(record.faces)}{f'. {record.note}' if record.note else ''}")
    for number, result in enumerate(record.faces, start=1):
        box = result.face.box
        label, share = label_text(result)
        print(f"  {number}  {label:8} {share:>4}  at x {box.x1}–{box.x2}, y {box.y1}–{box.y2}")
    sys.stdout.flush()


def _show_json(record: PictureRecord) -> None:
    # A terminal or pipe that is not UTF-8 gets escapes, from which a JSON parser restores the name.
    unicode = codecs.lookup(sys.stdout.encoding or "ascii").name.startswith("utf")
    print(record.to_json(only_ascii=not unicode), flush=True)


def _csv_writer(*, excel: bool) -> Callable[[PictureRecord], None]:
    if excel:
        sys.stdout.write("\ufeff")
    writer = csv.DictWriter(sys.stdout, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()

    def show(record: PictureRecord) -> None:
        writer.writerows(record.csv_rows())
        sys.stdout.flush()

    return show
