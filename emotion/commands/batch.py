"""Read very many pictures and videos with Ray, on this machine or a cluster.

SOURCE is a picture, a video, a parquet file with a column of pictures, a folder or glob of these, or the
address of any of them in an object store (s3://…). Results are parquet files with the columns of
`emotion analyze --csv`, and _manifest.json names what failed. A run that was stopped goes on where it was:
give the same command again. Needs Ray: pip install "emotion[ray]".
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.classifier import DEFAULT_RUNTIME, RUNTIMES
from emotion.commands import PRIOR_HELP, count, no_chatter, prior, score, seconds
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.prior import DEFAULT_PRIOR

if TYPE_CHECKING:
    from emotion.batch.items import FoundItems
    from emotion.batch.manifest import Batch
    from emotion.batch.reading import BatchSettings

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``emotion batch``."""
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="what to read: see above")
    parser.add_argument(
        "--out", required=True, metavar="DIR|s3://…", help="a new folder, or one to go on with"
    )
    parser.add_argument(
        "--address", metavar="HOST:PORT", help="of a Ray cluster; default: this machine"
    )
    parser.add_argument(
        "--jobs",
        type=count,
        metavar="N",
        help="processes that read side by side; default: all cores",
    )
    parser.add_argument(
        "--part-size", type=count, metavar="N", help="pictures of a part; default: up to 1,000"
    )
    parser.add_argument(
        "--column", metavar="NAME", help="of parquet files with pictures in several columns"
    )
    parser.add_argument(
        "--every",
        type=seconds,
        default=1.0,
        metavar="SECONDS",
        help="look at videos this often; 0: every frame",
    )
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULT_DETECTOR)
    parser.add_argument("--min-score", type=score, metavar="0..1")
    parser.add_argument("--weights", help="a folder, a name in weights/, or hf://owner/name")
    parser.add_argument("--runtime", choices=(DEFAULT_RUNTIME, *RUNTIMES), default=DEFAULT_RUNTIME)
    parser.add_argument("--prior", type=prior, default=DEFAULT_PRIOR, help=PRIOR_HELP)


def run(args: argparse.Namespace) -> int:
    """Read everything that is not yet in a finished part, and say whether anything failed."""
    from emotion.batch.cluster import check_installed, started_ray
    from emotion.batch.items import find_items
    from emotion.batch.manifest import open_batch
    from emotion.batch.places import absolute, open_place
    from emotion.batch.run import Sizes, read_left

    check_installed()
    settings = _settings(args)
    out = absolute(args.out)
    found = find_items(args.sources, args.column, without=out)
    _check_found(found)
    batch = open_batch(open_place(out), _identity(settings), args.sources)
    batch.unread += found.problems
    left = [item for item in found.items if item.name not in batch.done]
    if left:
        batch.save(complete=False)
        with ExitStack() as stack:
            bar = stack.enter_context(_progress_bar(len(left)))
            with no_chatter():
                ray = stack.enter_context(started_ray(args.jobs, args.address))
            sizes = Sizes(args.jobs, args.part_size)
            read_left(ray, left, settings, batch, sizes=sizes, progress=bar.update)
    batch.save(complete=True)
    return _report(batch)


def _settings(args: argparse.Namespace) -> BatchSettings:
    """How to read, after a trial: what is wrong with it is said once, here."""
    from emotion.batch.reading import BatchSettings
    from emotion.pictures import ReadSettings
    from emotion.weights.find import find_weights

    find_weights(args.weights, runtime=args.runtime)  # its warnings are for people
    weights = args.weights
    if weights and "://" not in weights and Path(weights).is_dir():
        weights = str(Path(weights).absolute())  # the actors are started elsewhere
    read = ReadSettings(args.detector, weights, args.runtime, args.prior, args.min_score)
    with no_chatter():
        read.load().close()
    return BatchSettings(read, args.every, args.column)


def _identity(settings: BatchSettings) -> dict[str, Any]:
    """What the results depend on."""
    from emotion.weights.config import read_spec
    from emotion.weights.find import find_weights

    read = settings.read
    spec = read_spec(find_weights(read.weights, runtime=read.runtime))
    runtime = spec.runtime(read.runtime)
    file = spec.files.get(runtime)
    prior_choice = read.prior if isinstance(read.prior, str) else dict(read.prior)
    return {
        "detector": read.detector,
        "min_score": read.min_score,
        "weights": spec.name,
        "weights_sha256": file.sha256 if file else None,
        "runtime": runtime,
        "prior": prior_choice,
        "every_s": settings.every_s,
        "column": settings.column,
    }


def _check_found(found: FoundItems) -> None:
    """Something must be there to read; what is not is named, and the rest goes on."""
    from emotion.errors import ImageError

    for _, problem in found.problems:
        print(problem, file=sys.stderr, flush=True)
    if not found.items:
        raise ImageError(
            "SOURCE must be a picture, a video, a parquet file of pictures, or a folder, a glob or an "
            "address of such. Nothing was found."
        )


def _progress_bar(total: int) -> Any:
    """A bar that counts pictures; only for terminals."""
    from tqdm import tqdm

    quiet = not sys.stderr.isatty()
    return tqdm(total=total, unit="picture", disable=quiet, file=sys.stderr, dynamic_ncols=True)


def _report(batch: Batch) -> int:
    """What is in the folder now; the exit status."""
    from emotion.batch.parts import MANIFEST

    where = batch.out.name(batch.out.path)
    counts = (batch.items, "item"), (batch.faces, "face"), (batch.parts, "part")
    print(f"{', '.join(_count(*pair) for pair in counts)} in {where}")
    failed = len(batch.damaged) + len(batch.unread)
    if failed:
        print(
            f"{len(batch.damaged):,} damaged, {len(batch.unread):,} could not be fetched: "
            f"{where.rstrip('/')}/{MANIFEST} names them.",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
