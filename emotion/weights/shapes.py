"""The shapes of a network's input and output: one grey square in, rows of probabilities out. Any runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from emotion.errors import WeightsError

__all__ = ["Shape", "check_input", "check_outputs", "check_size", "input_side"]

Shape: TypeAlias = tuple[int | None, ...]
"""The shape of an input or output, the number of faces first; None where any size is accepted."""


def input_side(model: Any) -> int:
    """Side of the square grey picture that a network takes, in pixels.

    Raises:
        WeightsError: If it takes anything else than one grey square of a fixed size, channels last.
    """
    return _side([tuple(tensor.shape) for tensor in model.inputs])


def _side(shapes: Sequence[Shape]) -> int:
    if len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][3] == 3:
        raise WeightsError(
            f"The network must take grey pictures, (N, S, S, 1). Received: {shapes[0]}: colour pictures, of "
            "which FER-2013 and this pipeline have none."
        )
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] != 1 or not shapes[0][1]:
        raise WeightsError(
            f"The network must take one grey square of a fixed size, (N, S, S, 1). Received: {shapes}"
        )
    height, width = shapes[0][1:3]
    if not height or height != width:
        raise WeightsError(f"The network must take squares. Received: {height}×{width} pixels")
    return height


def check_size(model: Any, *, side: int, rows: int, classes: int) -> None:
    """Check that a Keras model has the input and output that its ``config.json`` describes.

    Raises:
        WeightsError: If it does not.
    """
    check_input([tuple(tensor.shape) for tensor in model.inputs], side)
    check_outputs([tuple(tensor.shape) for tensor in model.outputs], rows=rows, classes=classes)


def check_input(shapes: Sequence[Shape], side: int) -> None:
    """Check that a network of any runtime takes one grey square of ``side`` pixels.

    Raises:
        WeightsError: If the shapes of its inputs are others.
    """
    if _side(shapes) != side:
        raise WeightsError(
            f"input_size in config.json must be what the network takes: {_side(shapes)} pixels. "
            f"Received: {side}"
        )


def check_outputs(shapes: Sequence[Shape], *, rows: int, classes: int) -> None:
    """Check that a network of any runtime gives ``rows`` of ``classes`` values for any number of faces.

    Raises:
        WeightsError: If the shapes of its outputs are others.
    """
    wanted: list[Shape] = [(None, classes)] if rows == 1 else []
    if list(shapes) not in (wanted, [(None, rows, classes)]):
        raise WeightsError(
            f"The network must give one row of {classes} values for each of its outputs, {rows} in all. "
            f"Received: {list(shapes)}. Networks for other sets of expressions cannot be used."
        )
