"""The files of a network: where they are, and the hashes they are checked against before they are opened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.errors import WeightsError

__all__ = ["FORMATS", "ModelFile", "file_entry", "model_file", "sha256_of"]

FORMATS = {"json-h5": "keras", "litert": "litert", "litert-int8": "litert", "onnx": "onnx"}
"""What weights can be exported to, and the runtime that each format is for. They are written by
:mod:`emotion.training.export`, which loads Keras when it is imported."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a network.

    Attributes:
        path: Where it lies.
        sha256: What it must hash to before it is opened.
        architecture: The file that describes the network, if this one holds its weights only.
    """

    path: Path
    sha256: str
    architecture: ModelFile | None = None

    @property
    def parts(self) -> tuple[ModelFile, ...]:
        """This file and, where there is one, its architecture."""
        return (self,) if self.architecture is None else (self, self.architecture)

    def verified(self) -> Path:
        """The path, once the file's hash has been checked.

        Raises:
            WeightsError: If the file is missing or its hash differs.
        """
        if not self.path.is_file():
            raise WeightsError(
                f"The weights file {self.path} is missing. Restore it from the repository, "
                "or choose another folder with --weights."
            )
        found = sha256_of(self.path)
        if found != self.sha256:
            raise WeightsError(
                f"The weights file {self.path} is damaged or was changed: its sha256 must be "
                f"{self.sha256}. Received: {found}. Restore it, or train it again."
            )
        return self.path


def file_entry(path: Path) -> dict[str, Any]:
    """The entry for one file in the ``files`` of the ``config.json`` beside it."""
    return {"file": path.name, "sha256": sha256_of(path)}


def model_file(folder: Path, entry: Mapping[str, Any]) -> ModelFile:
    """The file that an entry of :func:`file_entry` describes.

    Raises:
        KeyError: If the entry lacks a field.
        ValueError: If it names a file outside of ``folder``.
    """
    described = entry.get("architecture")
    architecture = None if described is None else model_file(folder, described)
    return ModelFile(folder / _plain_name(entry["file"]), str(entry["sha256"]), architecture)


def _plain_name(name: str) -> str:
    """Refuse a file name that leads out of the weights folder."""
    if Path(name).name != name or name in ("", ".."):
        raise ValueError(f"a file must lie in the weights folder itself. Received: {name!r}")
    return name


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
