"""Weights of a PyTorch network for the same network in Keras: other orders of the axes, the same answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.errors import TrainingError

__all__ = ["read_state", "set_torch_weights"]

State = Mapping[str, npt.NDArray[np.float32]]
"""A PyTorch ``state_dict`` as arrays, in the order of its modules."""


def read_state(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Read a ``state_dict`` from an ``.npz`` file, or with PyTorch installed from a ``.pt`` file.

    Raises:
        TrainingError: If it cannot be read.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        import torch

        stored = torch.load(path, map_location="cpu", weights_only=True)
        return {name: np.asarray(value.float()) for name, value in stored.items()}
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"{path} can only be read with PyTorch, which is not installed. Where it is, write the arrays: "
            "numpy.savez('weights.npz', **{k: v.numpy() for k, v in torch.load('weights.pt').items()})"
        ) from error
    except Exception as error:  # what torch.load raises is not documented
        raise TrainingError(
            f"Weights must be a state_dict in an .npz or .pt file. Received: {path} ({error})"
        ) from error


def set_torch_weights(network: Any, state: State) -> None:
    """Put the weights of a PyTorch network into a Keras network of the same layers.

    Convolutions and batch normalisations are taken in their order. Dense heads share PyTorch's one last
    linear layer: its first rows belong to the first head. The epsilon of batch normalisation must be
    Keras's, 0.001.

    Args:
        network: From :func:`emotion.training.architectures.build`.
        state: Of a network with 3×3 convolutions without biases and one linear layer.

    Raises:
        TrainingError: If the two differ in their layers.
    """
    wanted = {
        name: array.shape
        for name, array in zip(_names(network), network.get_weights(), strict=True)
    }
    found = _in_keras_order(network, state)
    if {name: array.shape for name, array in found.items()} != wanted:
        raise TrainingError(
            f"The weights must be those of {network.name!r}: {wanted}. "
            f"Received: { {name: array.shape for name, array in state.items()} }"
        )
    network.set_weights(list(found.values()))


def _names(network: Any) -> list[str]:
    """A name for each array of ``network.get_weights()``: its layer's and its own."""
    return [f"{layer.name}/{v.name}" for layer in network.layers for v in layer.weights]


def _in_keras_order(network: Any, state: State) -> dict[str, npt.NDArray[np.float32]]:
    """The arrays of a PyTorch network by the names of :func:`_names`, as far as there are any."""
    from keras import layers  # here, because train_on_gpu.py only reads states and needs no Keras

    kernels = (np.transpose(v, (2, 3, 1, 0)) for v in state.values() if v.ndim == 4)
    norms = (name.removesuffix("running_mean") for name in state if "running_mean" in name)
    linear = next((name.removesuffix("weight") for name, v in state.items() if v.ndim == 2), "")
    found: dict[str, npt.NDArray[np.float32]] = {}
    begin = 0
    for layer in network.layers:
        arrays: list[npt.NDArray[np.float32]] = []
        if isinstance(layer, layers.Conv2D):
            arrays = [kernel for kernel in [next(kernels, None)] if kernel is not None]
        elif isinstance(layer, layers.BatchNormalization) and (norm := next(norms, None)):
            parts = ("weight", "bias", "running_mean", "running_var")
            arrays = [state[norm + part] for part in parts]
        elif isinstance(layer, layers.Dense) and linear:
            own = slice(begin, begin + layer.units)
            arrays = [state[linear + "weight"][own].T, state[linear + "bias"][own]]
            begin += layer.units
        names = [f"{layer.name}/{variable.name}" for variable in layer.weights]
        found |= dict(zip(names, arrays, strict=False))
    # What nothing in the network asked for must not pass unseen.
    left = [*kernels, *norms, *state.get(linear + "bias", ())[begin:]]
    return found | {f"left over {number}": np.zeros(0, np.float32) for number in range(len(left))}
