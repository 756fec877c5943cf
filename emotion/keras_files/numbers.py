"""The trained weights in HDF5 files in the layout of Keras 1 and 2: one group for each layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from emotion.errors import WeightsError

__all__ = ["is_old_layout", "read_numbers", "write_numbers"]

_UNTIL_CHUNKED = ("", *map(str, range(100)))
"""Keras cuts attributes that are too long for HDF5 into ``layer_names0``, ``layer_names1``…"""


def is_old_layout(path: Path) -> bool:
    """Whether an HDF5 file has a group for each layer, as until Keras 2."""
    import h5py

    with h5py.File(path, "r") as file:
        return "model_weights" in file or bool(_names(file, "layer_names"))


def read_numbers(path: Path, model: Any) -> None:
    """Fill a network with the numbers of a file.

    Layers are matched by name; where the names differ, because the network was saved in another session than
    its numbers, by their order.

    Raises:
        WeightsError: If the file leads to other files, or numbers are missing or of another shape.
    """
    import h5py

    with h5py.File(path, "r") as file:
        group = _member(file, "model_weights") if "model_weights" in file else file
        if _text(group.attrs.get("backend", "")) == "theano":
            raise WeightsError(
                f"{path} was written with Theano, whose convolutions are mirrored. Convert it with the Keras "
                "that made it."
            )
        stored = {name: list(_arrays(group, name)) for name in _names(group, "layer_names")}
        stored = {name.replace("/", "_"): arrays for name, arrays in stored.items() if arrays}
        layers = [layer for layer in model.layers if layer.weights]
        if not all(layer.name in stored for layer in layers):
            if len(layers) != len(stored):
                raise WeightsError(
                    f"{path} must hold numbers for the {len(layers)} layers that need some. "
                    f"Received: numbers for {len(stored)}."
                )
            stored = dict(zip((layer.name for layer in layers), stored.values(), strict=True))
        for layer in layers:
            _fill(layer, stored[layer.name])


def _fill(layer: Any, arrays: list[Any]) -> None:
    variables = layer.trainable_weights + layer.non_trainable_weights
    shapes = [tuple(variable.shape) for variable in variables]
    if [array.shape for array in arrays] != shapes:
        raise WeightsError(
            f"The numbers of the layer {layer.name!r} must have the shapes {shapes}. "
            f"Received: {[array.shape for array in arrays]}"
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(np.asarray(array[()], np.float32))


def write_numbers(model: Any, path: Path) -> None:
    """Write the weights of a network as Keras 2 does."""
    import h5py
    import keras

    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["backend"] = b"tensorflow"  # channels last, kernels not mirrored
        file.attrs["keras_version"] = keras.__version__.encode()
        for layer in model.layers:
            group = file.create_group(layer.name)
            variables = layer.trainable_weights + layer.non_trainable_weights
            names = [f"{layer.name}/{variable.name}:0" for variable in variables]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, variable in zip(names, variables, strict=True):
                group[name] = np.asarray(variable)


def _arrays(group: Any, layer: str) -> Iterator[Any]:
    """The data sets of a layer, not yet read."""
    import h5py

    part = _member(group, layer)
    for name in _names(part, "weight_names"):
        found = _member(part, name)
        if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
            raise WeightsError(f"The numbers {name!r} must lie in the file itself.")
        yield found


def _member(group: Any, path: str) -> Any:
    """A member of a group, of a group in it, and so on; links that lead elsewhere are not followed."""
    import h5py

    for name in path.split("/"):
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            found = "nothing" if link is None else f"a link of the kind {type(link).__name__}"
            raise WeightsError(f"The file must hold {path!r} itself. Received: {found}")
        group = group[name]
    return group


def _names(group: Any, attribute: str) -> list[str]:
    parts = (group.attrs.get(f"{attribute}{end}", ()) for end in _UNTIL_CHUNKED)
    return [_text(name) for part in parts for name in part]


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
