"""The actor that reads parts: one pipeline each."""

from __future__ import annotations

from typing import Any

import numpy as np

import emotion
from emotion.batch.items import items_from_json
from emotion.batch.parts import Part, PartSummary, write_part
from emotion.batch.places import open_place
from emotion.batch.reading import BatchSettings, read_items
from emotion.errors import EmotionError
from emotion.pictures import use_one_core

__all__ = ["PartReader"]


class PartReader:
    """Reads the items of a part and writes its file; for ``map_batches`` of Ray Data.

    Args:
        settings: How to read.
        out: Name of the output folder.
        version: Of the program that hands out the parts.

    Raises:
        EmotionError: If this machine has another version, or the detector or weights cannot be loaded.
    """

    def __init__(self, settings: BatchSettings, out: str, version: str) -> None:
        if emotion.__version__ != version:
            raise EmotionError(
                "All machines of a cluster need the same version of emotion. Received: "
                f"{version} where the command was given, {emotion.__version__} on a node."
            )
        use_one_core()
        self._settings = settings
        self._out = open_place(out)
        self._pipeline = settings.read.load()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Do the parts of a batch: their items as JSON in ``items``; summaries as JSON in ``summary``."""
        done = [self._do(str(text)) for text in batch["items"]]
        return {"summary": np.array([summary.to_json() for summary in done], dtype=object)}

    def _do(self, text: str) -> PartSummary:
        part = Part(tuple(items_from_json(text)))
        try:
            return write_part(
                self._out, part, read_items(part.items, self._pipeline, self._settings)
            )
        except EmotionError as error:
            return PartSummary(part.name, 0, 0, fatal=str(error))
