"""The layers that a file may name, in the words of Keras 1, 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emotion.errors import WeightsError

__all__ = ["LayerPlan", "make_layer", "read_layer"]

_CONVOLUTION = "kernel_size strides padding dilation_rate activation use_bias"
_POOLING = "pool_size strides padding"

LAYERS: dict[str, str] = {
    "Activation": "activation",
    "Add": "",
    "AlphaDropout": "rate",
    "Average": "",
    "AveragePooling2D": _POOLING,
    "BatchNormalization": "axis momentum epsilon center scale",
    "Concatenate": "axis",
    "Conv2D": f"filters groups {_CONVOLUTION}",
    "Cropping2D": "cropping",
    "Dense": "units activation use_bias",
    "DepthwiseConv2D": f"depth_multiplier {_CONVOLUTION}",
    "Dropout": "rate",
    "ELU": "alpha",
    "Flatten": "",
    "GaussianDropout": "rate",
    "GaussianNoise": "stddev",
    "GlobalAveragePooling2D": "keepdims",
    "GlobalMaxPooling2D": "keepdims",
    "Identity": "",
    "LayerNormalization": "axis epsilon center scale",
    "LeakyReLU": "negative_slope",
    "MaxPooling2D": _POOLING,
    "Maximum": "",
    "Multiply": "",
    "PReLU": "shared_axes",
    "Permute": "dims",
    "ReLU": "max_value negative_slope threshold",
    "Rescaling": "scale offset",
    "Reshape": "target_shape",
    "SeparableConv2D": f"filters depth_multiplier {_CONVOLUTION}",
    "Softmax": "axis",
    "SpatialDropout2D": "rate",
    "Subtract": "",
    "UpSampling2D": "size interpolation",
    "ZeroPadding2D": "padding",
}
"""Each layer of ``keras.layers`` that may be built, with the options that change its answer."""

_AUGMENTATION = (
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomContrast",
)
"""Built as Identity: they pass pictures on unchanged except in training."""

_OLD_LAYERS = {
    "AtrousConvolution2D": "Conv2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Convolution2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
    **dict.fromkeys(_AUGMENTATION, "Identity"),
}

_OLD_OPTIONS = {
    "atrous_rate": "dilation_rate",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "nb_filter": "filters",
    "output_dim": "units",
    "p": "rate",
    "sigma": "stddev",
    "subsample": "strides",
}
"""Options as Keras 1 called them."""

_ONLY_IN_TRAINING = (
    *("_constraint", "_init", "_initializer", "_regularizer", "init", "noise_shape", "seed"),
    *("dtype", "fused", "optional", "ragged", "rank", "sparse", "synchronized", "trainable"),
    *("renorm_clipping", "renorm_momentum"),  # renorm itself is refused
    *("_input_shape", "autocast", "batch_shape", "input_dim", "input_shape", "name"),
)
"""Endings of the names of options that do not change a trained network's answers."""

_NEUTRAL = {"groups": 1, "keepdims": False}
"""Options of newer Keras, left out where they change nothing, so that older Keras reads what is written."""

ACTIVATIONS = (
    *("elu", "exponential", "gelu", "leaky_relu", "linear", "mish", "relu", "relu6"),
    *("selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "swish", "tanh"),
)
"""Activations that every version of Keras computes alike."""


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """One layer as this package understands it.

    Attributes:
        kind: A key of the table of known layers, which is a class of ``keras.layers``.
        name: Its name in the network.
        trainable: Whether it was trained; decides the order of its numbers in old files.
        options: Numbers, words and lists of them, by Keras 3's names.
    """

    kind: str
    name: str
    trainable: bool
    options: Mapping[str, Any]


def read_layer(entry: Mapping[str, Any]) -> LayerPlan:
    """Understand the description of a layer, in the words of any Keras.

    Raises:
        WeightsError: If the layer is not a known one, or has an option that is not understood and that
            may change what it answers. Code, functions and classes in the description are never run.
    """
    found = str(entry.get("class_name"))
    config: dict[str, Any] = dict(entry.get("config") or {})
    kind = _OLD_LAYERS.get(found, found)
    name = str(config.get("name") or entry.get("name") or found.lower())
    if found == "Lambda":
        raise WeightsError(
            f"The network must consist of known layers. Received: the Lambda layer {name!r}, which holds "
            "program code; code from a file is never run. Build the network again with a layer of Keras "
            "in its place (for scaling: none at all, and normalisation in config.json)."
        )
    registered = entry.get("registered_name")
    if kind not in LAYERS or registered not in (None, found):
        raise WeightsError(
            f"The network must consist of known layers ({', '.join(sorted(LAYERS))}). Received: the layer "
            f"{name!r} of the class {registered or found!r}, which would need code of its own."
        )
    if found in _AUGMENTATION:
        return LayerPlan(kind, name, False, {})
    renamed = {_OLD_OPTIONS.get(k, k): value for k, value in config.items()}
    if "nb_row" in renamed:
        renamed["kernel_size"] = [renamed.pop("nb_row"), renamed.pop("nb_col")]
    if kind == "LeakyReLU" and "alpha" in renamed:
        renamed["negative_slope"] = renamed.pop("alpha")
    options = _checked_options(kind, name, renamed)
    return LayerPlan(kind, name, bool(config.get("trainable", True)), options)


def _checked_options(kind: str, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are passed on; those left out must not change the answers."""
    options = {}
    for key, value in config.items():
        if key in _NEUTRAL and value == _NEUTRAL[key]:
            continue
        if key in LAYERS[kind].split():
            value = _word_of(value) if key == "activation" else _number_of(value)
            if key == "activation" and value == "hard_sigmoid":
                raise WeightsError(
                    f"The layer {name!r} must have an activation that every Keras computes alike. Received: "
                    "'hard_sigmoid', which is clip(0.2 x + 0.5) until Keras 2 and relu6(x + 3) / 6 in Keras "
                    "3; the description does not say which. Train the network with another one."
                )
            if not _is_plain(value) or (key == "activation" and value not in ACTIVATIONS):
                raise WeightsError(
                    f"{key} of the layer {name!r} must be "
                    + (
                        "one of " + ", ".join(ACTIVATIONS)
                        if key == "activation"
                        else "plain numbers"
                    )
                    + f". Received: {str(value)[:80]!r}. Functions from a file are never run."
                )
            options[key] = value
        elif key == "data_format":
            if value not in (None, "channels_last", "default", "tf"):
                raise WeightsError(
                    f"The layer {name!r} must have its channels last. Received: {value!r}. Convert the "
                    "network with the Keras that made it."
                )
        elif not key.endswith(_ONLY_IN_TRAINING) and value not in (None, False, 0, [], ""):
            raise WeightsError(
                f"The option {key} of the layer {name!r} ({kind}) is not known here. Received: "
                f"{str(value)[:80]!r}"
            )
    if kind == "BatchNormalization" and isinstance(options.get("axis"), list):
        options["axis"] = options["axis"][0]  # as TensorFlow's Keras 2 wrote it
    return options


def _word_of(activation: Any) -> Any:
    """The name of an activation, also where Keras 3 wraps it as a function."""
    if isinstance(activation, Mapping) and activation.get("class_name") == "function":
        return activation.get("config")
    return activation


def _number_of(value: Any) -> Any:
    """A number, also where Keras 2 wrapped it as an array."""
    if isinstance(value, Mapping) and value.get("type") == "ndarray":
        return value.get("value")
    return value


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def make_layer(plan: LayerPlan) -> Any:
    """Build a layer of Keras in float32, not yet connected.

    Raises:
        WeightsError: If Keras refuses its options.
    """
    import keras

    options = {k: tuple(v) if isinstance(v, list) else v for k, v in plan.options.items()}
    # A slash is a folder to Keras 3; old networks have it in names.
    options |= {"name": plan.name.replace("/", "_"), "dtype": "float32"}
    try:
        layer = getattr(keras.layers, plan.kind)(**options)
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"The layer {plan.name!r} ({plan.kind}) cannot be built: {error}"
        ) from error
    layer.trainable = plan.trainable
    return layer
