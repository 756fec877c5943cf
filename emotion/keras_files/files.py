"""Files of networks: whole ones (HDF5, ``.keras``), and an architecture's JSON beside its weights."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emotion.errors import WeightsError
from emotion.keras_files.graph import build_network, describe_network
from emotion.keras_files.numbers import is_old_layout, read_numbers, write_numbers
from emotion.keras_files.probe import check_hdf5

__all__ = [
    "load_model",
    "write_json_h5",
]


MAX_ARCHITECTURE = 16 * 2**20
"""Bytes of the largest architecture that is unpacked; a thousand layers need about one million."""

_DAMAGED = (
    *(EOFError, KeyError, OSError, RuntimeError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What h5py, zipfile, json and Keras raise on damaged, encrypted and malformed files."""


def load_model(path: Path, architecture: Path | None = None) -> Any:
    """Build a network and load its trained weights. No code from the files is run.

    Args:
        path: HDF5 or ``.keras`` file; its content decides, not its name.
        architecture: What ``model.to_json()`` wrote, if ``path`` holds weights only.

    Returns:
        A Keras model, float32, not compiled.

    Raises:
        WeightsError: If a file is none of these, is damaged, or needs code of its own.
    """
    if not zipfile.is_zipfile(path) and not _is_hdf5(path):
        raise WeightsError(
            f"{path} must be a Keras network in HDF5 (.h5, .hdf5) or as .keras. Received: something else. "
            "Pickles (.pkl, .pt, .joblib) are never opened, because opening one runs code; LiteRT files need "
            "no Keras; a SavedModel folder is converted with model.save('model.h5')."
        )
    description = _parse(_description(path) if architecture is None else _text(architecture), path)
    try:
        model = build_network(description)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise WeightsError(f"The network of {path} cannot be built: {error}") from error
    if not model.built:
        raise WeightsError(f"The network of {path} must say its input size. Received: none.")
    check_hdf5(path)
    try:
        if _is_hdf5(path) and is_old_layout(path):
            read_numbers(path, model)
        else:
            _check_new_name(path)
            model.load_weights(path)
    except _DAMAGED as error:
        raise WeightsError(
            f"The numbers of {path} do not fit its network: {' '.join(str(error).split())}"
        ) from error
    return model


def write_json_h5(model: Any, folder: Path) -> None:
    """Write ``model.json`` and ``model.h5``, readable by Keras 2 and by Keras 3.

    ``keras.models.model_from_json(text)`` builds the network, ``load_weights("model.h5")`` fills it.
    """
    import keras

    functional = keras.Model(model.inputs, model.outputs, name=model.name)
    text = json.dumps(describe_network(functional), indent=1)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")
    write_numbers(functional, folder / "model.h5")


def _is_hdf5(path: Path) -> bool:
    import h5py

    return bool(h5py.is_hdf5(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"The architecture {path} cannot be read as JSON: {error}") from error


def _description(path: Path) -> str:
    """The architecture inside a whole-model file, as JSON text."""
    import h5py

    try:
        if _is_hdf5(path):
            check_hdf5(path)
            with h5py.File(path, "r") as file:
                text = file.attrs.get("model_config")
        else:
            text = _unpacked(path)
        if isinstance(text, bytes):
            text = text.decode("utf-8")
    except _DAMAGED as error:
        raise WeightsError(f"{path} is damaged or no network of Keras: {error}") from error
    if text is None:
        raise WeightsError(
            f"{path} holds weights only. Give the architecture, too: the JSON of model.to_json()."
        )
    return str(text)


def _unpacked(path: Path) -> bytes:
    """``config.json`` of an archive; a few packed bytes may stand for more than fits into memory."""
    with zipfile.ZipFile(path) as archive:
        method = archive.getinfo("config.json").compress_type
        # Other methods cannot be unpacked in part, and Keras uses none of them.
        if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("config.json must be stored or deflated")
        with archive.open("config.json") as file:
            text = file.read(MAX_ARCHITECTURE + 1)
    if len(text) > MAX_ARCHITECTURE:
        raise ValueError(f"config.json must have at most {MAX_ARCHITECTURE:,} bytes")
    return text


def _parse(text: str, path: Path) -> Mapping[str, Any]:
    try:
        description = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise WeightsError(f"The architecture of {path} is not JSON: {error}") from error
    if isinstance(description, str):  # some programs wrote json.dumps(model.to_json())
        return _parse(description, path)
    if not isinstance(description, Mapping):
        raise WeightsError(
            f"The architecture of {path} must be a JSON object. Received: {text[:40]!r}"
        )
    return description


def _check_new_name(path: Path) -> None:
    """Keras tells its two current layouts apart by the file's name."""
    wanted = ".keras" if zipfile.is_zipfile(path) else ".weights.h5"
    if not path.name.endswith(wanted):
        raise WeightsError(f"{path} must be renamed so that its name ends in {wanted}.")
