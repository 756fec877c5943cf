"""A picture of a network's layers and Keras's own summary, made from the network itself."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import visualkeras
from keras import layers
from PIL import ImageFont

__all__ = ["draw_network", "summary_of"]

COLOURS: dict[type, str] = {
    layers.InputLayer: "#999999",
    layers.Conv2D: "#0072B2",
    layers.MaxPooling2D: "#E69F00",
    layers.GlobalAveragePooling2D: "#009E73",
    layers.Flatten: "#009E73",
    layers.Dense: "#CC79A7",
    layers.Softmax: "#D55E00",
}
"""Of the palette of Okabe and Ito, which people with any colour vision can tell apart."""

UNDRAWN = [layers.BatchNormalization, layers.ReLU, layers.Dropout, layers.Reshape]
"""They change no shape that a drawing could show, and would hide the layers that do."""


def draw_network(model: Any, path: Path) -> None:
    """Draw each layer as a box of its height, width and channels.

    The background is white, so that the picture is as readable on a dark page as on a light one.

    Args:
        model: A Keras model of layers one after another.
        path: Where to write the PNG.
    """
    colours = {kind: {"fill": colour, "outline": "#333333"} for kind, colour in COLOURS.items()}
    with warnings.catch_warnings():  # it warns of the default of an option of its own
        warnings.simplefilter("ignore")
        picture = _layered(model, colours)
    picture.convert("RGB").save(path, optimize=True)


def _layered(model: Any, colours: dict[type, dict[str, str]]) -> Any:
    return visualkeras.layered_view(
        model,
        legend=True,
        text_callable=_shape,
        type_ignore=UNDRAWN,
        color_map=colours,
        background_fill="white",
        font=ImageFont.load_default(size=16),
        font_color="#222222",
        min_z=14,
        max_z=120,
        scale_z=0.35,
        scale_xy=5,
        max_xy=260,
        spacing=64,
        padding=32,
    )


def _shape(index: int, layer: Any) -> tuple[str, bool]:
    """The height, width and channels under a box, and that they do not stand above it."""
    shape = layer.output.shape[1:]
    return " x ".join(map(str, shape)), False  # the font has no multiplication sign


def summary_of(model: Any) -> str:
    """Keras's table of the layers, their shapes and parameters."""
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text), line_length=76)
    return "\n".join(lines).rstrip() + "\n"
