"""Folders of files that come with the program: trained weights and example pictures."""

from __future__ import annotations

from pathlib import Path

__all__ = ["EXAMPLES", "WEIGHTS"]

_PACKAGE = Path(__file__).resolve().parent


def _folder(in_clone: str, in_wheel: str) -> Path:
    """A folder of the repository; in an installed package, the copy that travels in the wheel."""
    copy = _PACKAGE / in_wheel
    return copy if copy.is_dir() else _PACKAGE.parent / in_clone


WEIGHTS = _folder("weights", "weights_shipped")
EXAMPLES = _folder("examples", "examples")
