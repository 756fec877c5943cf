"""The detectors' own model files, which ship in ``emotion/faces/models`` and are checked before use;
and the networks among them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emotion.errors import DetectorError
from emotion.litert import Network

__all__ = ["MODELS_FOLDER", "ModelNetwork", "read_model"]

MODELS_FOLDER = Path(__file__).resolve().parent / "models"


def read_model(name: str, sha256: str) -> bytes:
    """The content of a shipped model file, once its hash has been checked.

    Args:
        name: File name in :data:`MODELS_FOLDER`.
        sha256: What the content must hash to, in hexadecimal.

    Raises:
        DetectorError: If the file is missing, cannot be read, or its hash differs.
    """
    path = MODELS_FOLDER / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DetectorError(
            f"The detector's model file {path} cannot be read ({error.strerror}). "
            "Restore it from the repository: git checkout -- emotion/faces/models"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DetectorError(
            f"The detector's model file {path} is damaged or was changed: its sha256 must be "
            f"{sha256}. Received: {found}. Restore it: git checkout -- emotion/faces/models"
        )
    return content


class ModelNetwork:
    """A shipped LiteRT network. Safe for threads and in a forked child.

    Args:
        name: File name in :data:`MODELS_FOLDER`.
        sha256: As for :func:`read_model`.

    Raises:
        DetectorError: If the model file is missing or damaged.
        ImportError: If LiteRT is not installed.
        ValueError, RuntimeError: If LiteRT cannot use the network.
    """

    def __init__(self, name: str, sha256: str) -> None:
        self._network = Network(read_model(name, sha256))

    def run(self, batch: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        """The outputs for one batch, in the order of the file.

        Raises:
            DetectorError: If LiteRT fails.
        """
        try:
            return self._network.run(batch)
        except (ValueError, RuntimeError) as error:
            raise DetectorError(f"LiteRT failed on this picture: {error}") from error
