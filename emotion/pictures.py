"""Many pictures: which files a path means, and reading them with all cores."""

from __future__ import annotations

import glob
import io
import itertools
import mimetypes
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
from PIL import Image as Pillow

from emotion.classifier import DEFAULT_RUNTIME
from emotion.drawing import annotate
from emotion.errors import EmotionError, ImageError
from emotion.faces import DEFAULT_DETECTOR
from emotion.images import PICTURE_SUFFIXES, read_picture
from emotion.pipeline import EmotionPipeline
from emotion.prior import DEFAULT_PRIOR, PriorChoice
from emotion.results import PictureRecord
from emotion.types import Image

__all__ = [
    "OUTPUT_MARK",
    "FoundPictures",
    "ReadSettings",
    "find_pictures",
    "is_picture",
    "read_pictures",
    "use_one_core",
]

OUTPUT_MARK = ".emotion-output"
"""A hidden file that names the annotated pictures of its folder, so that they are not analysed themselves."""

WAITING = 8
"""Pictures that are handed out ahead to each process."""

WORTH_A_PROCESS = 8
"""Pictures for each process from which on it is worth starting."""


@dataclass(frozen=True, slots=True)
class FoundPictures:
    """What a path means: files to read, and why some of it cannot be read."""

    files: tuple[Path, ...]
    problems: tuple[str, ...] = ()


def find_pictures(path: str, wanted: Callable[[str], bool] | None = None) -> FoundPictures:
    """The files that an argument means.

    Args:
        path: A file (whatever its name), a folder, or a glob such as ``photos/**/*.jpg``. Links to folders
            are followed, hidden files and our own annotated pictures are left out.
        wanted: Whether the file of a folder with this name is looked for; by default :func:`is_picture`.

    Returns:
        Files in alphabetical order. What matches nothing is returned as it is: it gets its error when it is
        read, like any file.
    """
    found, wanted = Path(path), wanted or is_picture
    if found.is_dir():
        return _in_folder(found, wanted)
    if not found.exists() and glob.has_magic(path):
        matches = sorted(glob.glob(_with_literal_folders(path), recursive=True))  # noqa: PTH207
        parts = [find_pictures(match, wanted) for match in matches] or [FoundPictures((found,))]
        return FoundPictures(
            tuple(dict.fromkeys(file for part in parts for file in part.files)),
            tuple(problem for part in parts for problem in part.problems),
        )
    return FoundPictures((found,))


def _with_literal_folders(pattern: str) -> str:
    """A glob in which folders that exist mean themselves, also where they have brackets in their names."""
    parts = Path(pattern).parts
    for count in range(len(parts) - 1, 0, -1):
        folder = Path(*parts[:count])
        if folder.is_dir():
            return str(Path(glob.escape(str(folder)), *parts[count:]))
    return pattern


def _in_folder(folder: Path, wanted: Callable[[str], bool]) -> FoundPictures:
    files: list[Path] = []
    problems: list[str] = []
    seen: set[str] = set()

    def report(error: OSError) -> None:
        problems.append(f"{error.filename} cannot be searched: {error.strerror}.")

    for place, folders, names in os.walk(folder, followlinks=True, onerror=report):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()  # a link back to where we were
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        own = _own_outputs(Path(place)) if OUTPUT_MARK in names else set()
        files += [Path(place, name) for name in names if wanted(name) and name not in own]
    if not files and not problems:
        files.append(folder)  # its error says that it is a folder
    return FoundPictures(tuple(sorted(files)), tuple(problems))


def _own_outputs(folder: Path) -> set[str]:
    text = (folder / OUTPUT_MARK).read_text(encoding="utf-8", errors="surrogateescape")
    return set(text.split("\n"))


def is_picture(name: str) -> bool:
    """Whether a file is a picture by its name, and not hidden."""
    kind = mimetypes.guess_type(name)[0] or ""
    known = Path(name).suffix.lower() in PICTURE_SUFFIXES or kind.startswith("image/")
    return known and not name.startswith(".")


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How pictures are read.

    Attributes:
        detector, weights, runtime, prior: As for :meth:`EmotionPipeline.from_pretrained`.
        min_score: Score from which a face counts; None for the detector's own.
        annotated: Folder for pictures with boxes and labels, or None.
    """

    detector: str = DEFAULT_DETECTOR
    weights: str | None = None
    runtime: str = DEFAULT_RUNTIME
    prior: PriorChoice = DEFAULT_PRIOR
    min_score: float | None = None
    annotated: Path | None = None

    def load(self) -> EmotionPipeline:
        """The pipeline that these settings ask for."""
        return EmotionPipeline.from_pretrained(
            self.weights, detector=self.detector, runtime=self.runtime, prior=self.prior
        )


def read_pictures(
    paths: Sequence[Path], settings: ReadSettings, *, jobs: int = 1
) -> Iterator[PictureRecord]:
    """Read pictures, in order.

    Args:
        paths: The files.
        settings: How.
        jobs: Processes to use at most; few pictures are read by this process alone.

    Yields:
        A record for each picture; what cannot be read has its error in there.

    Raises:
        EmotionError: If the detector or the weights cannot be loaded.
    """
    jobs = min(jobs, len(paths) // WORTH_A_PROCESS)
    if jobs < 2:
        with settings.load() as pipeline:
            for path in paths:
                yield _read(pipeline, settings, path)
        return
    settings.load().close()  # what is wrong with it is said once, here
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start_process, (settings,)) as pool:
        rest, under_way = iter(paths), deque[Future[PictureRecord]]()
        try:
            while True:
                free = jobs * WAITING - len(under_way)
                under_way += [pool.submit(_read_here, p) for p in itertools.islice(rest, free)]
                if not under_way:
                    return
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


_HERE: list[tuple[EmotionPipeline, ReadSettings]] = []
"""The pipeline of a process that reads pictures for another one."""


def _start_process(settings: ReadSettings) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's business
    use_one_core()
    _HERE.append((settings.load(), settings))


def use_one_core() -> None:
    """Keep this process to one core, before a pipeline is loaded: the others have processes of their own."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    cv2.setNumThreads(1)


def _read_here(path: Path) -> PictureRecord:
    return _read(*_HERE[0], path)


def _read(pipeline: EmotionPipeline, settings: ReadSettings, path: Path) -> PictureRecord:
    try:
        picture = read_picture(path)
        faces = pipeline(picture.image, min_score=settings.min_score)
        if settings.annotated:
            drawn = annotate(picture.image, faces)
            _write_annotated(settings.annotated, path, drawn)
        return PictureRecord.of(str(path), picture, faces)
    except EmotionError as error:
        return PictureRecord.failed(str(path), str(error))


def _write_annotated(folder: Path, source: Path, image: Image) -> None:
    """Write a picture under its source's name, or the first free one after it: nothing is overwritten."""
    suffix = source.suffix.lower()
    suffix = suffix if suffix in (".jpg", ".jpeg", ".webp") else ".png"
    encoded = io.BytesIO()
    Pillow.fromarray(image).save(encoded, Pillow.registered_extensions()[suffix], quality=95)
    folder.mkdir(parents=True, exist_ok=True)  # its error ends the run: no picture could be written
    for number in itertools.count(1):
        path = folder / f"{source.stem}{f'-{number}' if number > 1 else ''}{suffix}"
        try:
            _write_new(path, encoded.getvalue())
        except FileExistsError:
            continue
        except OSError as error:
            raise ImageError(f"{path} cannot be written: {error}") from error
        with (folder / OUTPUT_MARK).open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{path.name}\n")
        return


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that must not be there yet, completely or not at all."""
    path.touch(exist_ok=False)
    try:
        path.write_bytes(data)
    except BaseException:  # Ctrl-C, too
        path.unlink(missing_ok=True)
        raise
