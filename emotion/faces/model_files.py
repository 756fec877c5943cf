"""The detectors' own model files, which ship in ``emotion/faces/models`` and are checked before use."""

from __future__ import annotations

import hashlib
from pathlib import Path

from emotion.errors import DetectorError

__all__ = ["MODELS_FOLDER", "read_model"]

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
