"""The manifest of an output folder: what was asked for, how it went, what failed and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import emotion
from emotion.batch.parts import MANIFEST, PartSummary, finished
from emotion.batch.places import Place
from emotion.errors import StorageError

__all__ = ["Batch", "open_batch"]

FORMAT = "emotion batch 1"


@dataclass
class Batch:
    """An output folder and what is in it so far.

    Attributes:
        out: The folder.
        settings: What the results depend on; the same for all of its parts.
        sources: The arguments of this run.
        done: Names of the items in finished parts.
        items, faces, parts: How many are in finished parts.
        damaged: Source and reason of what is in a part but could not be read.
        unread: Source and reason of what is in no part.
    """

    out: Place
    settings: dict[str, Any]
    sources: Sequence[str]
    done: set[str] = field(default_factory=set)
    items: int = 0
    faces: int = 0
    parts: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)

    def add(self, summary: PartSummary) -> None:
        """Take in a part that is done."""
        self.items += summary.sources
        self.faces += summary.faces
        self.parts += summary.sources > 0
        self.damaged += summary.damaged
        self.unread += summary.unread

    def save(self, *, complete: bool) -> None:
        """Write the manifest.

        Raises:
            StorageError: If it cannot be written.
        """
        values = {
            "format": FORMAT,
            "emotion": emotion.__version__,
            "settings": self.settings,
            "sources": list(self.sources),
            "complete": complete,
            "items": self.items,
            "faces": self.faces,
            "parts": self.parts,
            "damaged": _named(self.damaged),
            "unread": _named(self.unread),
        }
        self.out.write(MANIFEST, (json.dumps(values, indent=1) + "\n").encode())


def open_batch(out: Place, settings: dict[str, Any], sources: Sequence[str]) -> Batch:
    """The batch of a folder, with what earlier runs finished; a new one where there is none.

    Raises:
        StorageError: If the folder holds something else, or results of other settings.
    """
    batch, names = Batch(out, settings, sources), out.names()
    where = out.name(out.path)
    if MANIFEST not in names:
        if shown := [name for name in names if not name.startswith(".")]:
            raise StorageError(
                f"--out must be a new or empty folder, or one that emotion batch wrote. Received: {where}, "
                f"which holds {shown[0]}{' and more' if len(shown) > 1 else ''}. Choose another one."
            )
        batch.save(complete=False)
        return batch
    _check_same(where, out.read(MANIFEST) or b"", settings)
    for name in names:
        if name.startswith("part-") and name.endswith(".parquet"):
            summary, done = finished(out, name)
            batch.add(summary)
            batch.done |= done
    return batch


def _check_same(where: str, manifest: bytes, settings: dict[str, Any]) -> None:
    try:
        values = json.loads(manifest)
        earlier = dict(values["settings"]) if values["format"] == FORMAT else None
    except (ValueError, KeyError, TypeError):
        earlier = None
    if earlier is None:
        raise StorageError(
            f"--out must be a folder that emotion batch wrote, or a new one. Received: {where}, whose "
            f"{MANIFEST} is of another kind. Choose another folder."
        )
    wanted = json.loads(json.dumps(settings))
    if changed := [name for name, value in wanted.items() if earlier.get(name) != value]:
        name = changed[0]
        raise StorageError(
            f"A folder holds results of the same settings only. In {where}, {name} is {earlier.get(name)!r}. "
            f"Received: {wanted[name]!r}. Choose another folder, or the same settings."
        )


def _named(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"source": source, "error": error} for source, error in pairs]
