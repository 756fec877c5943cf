"""Folders of pictures by split and class, as on Kaggle: ``train/happy/Training_3908.jpg``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from emotion.errors import DatasetError
from emotion.training.datasets.faces import (
    FerDataset,
    Part,
    Split,
    class_number,
    decode_face,
)
from emotion.training.datasets.ferplus import VOTE_COLUMNS
from emotion.training.datasets.ferplus_csv import FerPlus
from emotion.types import Emotion

__all__ = ["has_image_folders", "read_image_folders"]

PUBLIC = "publictest"
"""How Kaggle's names of validation faces begin, in lower case; they lie in ``test/`` with the test faces."""


def has_image_folders(source: Path) -> bool:
    """Whether there is a folder for at least one split."""
    return bool(_split_folders(source))


def read_image_folders(source: Path, *, ferplus: FerPlus | None = None) -> dict[Split, Part]:
    """Read ``train/``, ``validation/`` and ``test/``, each with a folder for each class.

    Without ``validation/``, pictures in ``test/`` whose names begin with PublicTest are the validation
    split, as they are in FER-2013. Faces are in the order of their file names.

    Args:
        source: The folder of these folders.
        ferplus: Votes, joined by file name.

    Raises:
        DatasetError: If a folder is no class or a picture is not as described; names it.
    """
    folders = _split_folders(source)
    pictures = {split: _pictures(folder) for split, folder in folders.items()}
    if Split.TEST in pictures and Split.VALIDATION not in pictures:
        test = pictures.pop(Split.TEST)
        public = [file for file in test if file.name.lower().startswith(PUBLIC)]
        private = [file for file in test if not file.name.lower().startswith(PUBLIC)]
        pictures |= {Split.VALIDATION: public} if public else {}
        pictures |= {Split.TEST: private} if private else {}
    return {
        split: Part(_read(pictures[split], folders.get(split, source), ferplus))
        for split in Split
        if split in pictures
    }


def _split_folders(source: Path) -> dict[Split, Path]:
    found: dict[Split, Path] = {}
    for folder in _visible(source):
        if folder.is_dir() and folder.name.lower() in list(Split):
            split = Split(folder.name.lower())
            if split in found:
                raise DatasetError(
                    f"{source} must have one folder for {split}. Received: {found[split].name} "
                    f"and {folder.name}. Put their pictures into one."
                )
            found[split] = folder
    return found


def _pictures(folder: Path) -> list[Path]:
    """All pictures of a split, in the order of their names whatever their class."""
    files: list[Path] = []
    for entry in _visible(folder):
        if not entry.is_dir():
            continue  # a list or a note beside the classes
        try:
            class_number(entry.name)
        except KeyError:
            raise DatasetError(
                f"{entry} is not the folder of a class. It must be one of {', '.join(Emotion)}. "
                "Rename it, or move it elsewhere."
            ) from None
        files += _visible(entry)
    if not files:
        raise DatasetError(
            f"{folder} must hold a folder of pictures for each class ({', '.join(Emotion)}). "
            "Received: none with a picture."
        )
    return sorted(files, key=lambda file: (file.name, file.parent.name))


def _read(files: list[Path], folder: Path, ferplus: FerPlus | None) -> FerDataset:
    images = np.stack([decode_face(_bytes(file), str(file)) for file in files])
    labels = np.array([class_number(file.parent.name) for file in files], np.int64)
    votes = np.zeros((len(files), VOTE_COLUMNS), np.uint8)
    if ferplus is not None:
        votes = ferplus.by_name([file.name for file in files], str(folder))
    return FerDataset(images, labels, votes, np.zeros(len(files), bool))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DatasetError(f"{file} cannot be read as a picture: {error.strerror}") from error


def _visible(folder: Path) -> Iterator[Path]:
    """What lies in a folder, without what systems hide there (.DS_Store, Thumbs.db)."""
    for entry in sorted(folder.iterdir()):
        if not entry.name.startswith(".") and entry.name.lower() != "thumbs.db":
            yield entry
