"""A first look at a network's file, in a process of its own.

Some damaged HDF5 files make the library that reads them crash or loop for ever, and no exception can be
caught then.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from emotion.errors import WeightsError

__all__ = ["check_hdf5"]

PATIENCE_S = 30
"""A file of 100 MB takes less than a second."""

MOST_BYTES = 2**30
"""Of one data set; larger ones are left to who asks for them."""

WALK = """
import sys, zipfile
import h5py
path, most = sys.argv[1], int(sys.argv[2])
if zipfile.is_zipfile(path):
    path = zipfile.ZipFile(path).open("model.weights.h5")
def look(name, found):
    for attribute in found.attrs:
        found.attrs[attribute]
    if isinstance(found, h5py.Dataset) and not found.external and not found.is_virtual:
        if found.nbytes <= most:
            found[()]
with h5py.File(path, "r") as file:
    look("", file)
    file.visititems(look)
"""


def check_hdf5(path: Path) -> None:
    """Read everything in an HDF5 file, or in that of a ``.keras`` archive, once.

    Links to other files are not followed.

    Raises:
        WeightsError: If that fails, ends the process, or does not come to an end.
    """
    command: list[Any] = [sys.executable, "-I", "-c", WALK, path, str(MOST_BYTES)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise WeightsError(f"{path} is damaged: reading it does not come to an end.") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        why = said[-1] if said else f"its reader ended with {done.returncode}"
        raise WeightsError(f"{path} is damaged or no network of Keras: {why}")
