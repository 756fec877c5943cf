"""Folders on disks and in object stores, by fsspec, under one name: a local path, or ``s3://bucket/folder``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from emotion.errors import StorageError

__all__ = ["Place", "absolute", "open_place"]


class Place:
    """A file or folder somewhere.

    Attributes:
        files: Its file system, of fsspec.
        path: Its path there.
        local: Whether it lies on a disk of this machine.
    """

    def __init__(self, name: str) -> None:
        import fsspec.core

        try:
            self.files, self.path = fsspec.core.url_to_fs(name)
        except (ImportError, ValueError) as error:
            raise StorageError(
                "Sources and --out must be paths, or addresses that fsspec can open, such as "
                f"s3://bucket/folder with the package s3fs. Received: {name}: {error}."
            ) from error
        self.local = "file" in _protocols(self.files)

    def name(self, path: str) -> str:
        """A path of this file system as people write it: local ones without ``file://``."""
        return path if self.local else str(self.files.unstrip_protocol(path))

    def write(self, name: str, data: bytes) -> None:
        """Write a file of this folder; it appears complete or not at all.

        Raises:
            StorageError: If it cannot be written.
        """
        path = f"{self.path}/{name}"
        try:
            if not self.local:
                self.files.pipe_file(path, data)  # object stores show an upload when it is complete
                return
            Path(self.path).mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(prefix=f".{name}.", dir=self.path)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(part).chmod(0o644)
                Path(part).replace(path)
            except BaseException:
                Path(part).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise StorageError(f"{self.name(path)} cannot be written: {error}.") from error

    def read(self, name: str) -> bytes | None:
        """The content of a file of this folder, or None if it is not there."""
        try:
            data: bytes = self.files.cat_file(f"{self.path}/{name}")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(
                f"{self.name(f'{self.path}/{name}')} cannot be read: {error}."
            ) from error
        return data

    def names(self) -> list[str]:
        """Names of what lies in this folder; none if it is not there."""
        self.files.invalidate_cache()
        try:
            found = self.files.ls(self.path, detail=False)
        except FileNotFoundError:
            return []
        except NotADirectoryError as error:
            raise StorageError(f"{self.name(self.path)} must be a folder.") from error
        return sorted(str(path).rstrip("/").rpartition("/")[2] for path in found)


def open_place(name: str) -> Place:
    """A file or folder by its name.

    Raises:
        StorageError: If there is no file system of that kind.
    """
    return Place(name)


def absolute(name: str) -> str:
    """A name that means the same wherever it is read: addresses stay as they are."""
    if name.startswith("file://"):
        name = name.removeprefix("file://")
    return name if "://" in name else os.path.abspath(name)  # noqa: PTH100  # resolve() follows links


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
