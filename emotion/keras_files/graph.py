"""From the description of a network to the network, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emotion.errors import WeightsError
from emotion.keras_files.layers import make_layer, read_layer

__all__ = ["build_network", "describe_network"]

Tensor = tuple[str, int]
"""An output in a description: name of its layer, and the number of that layer's call."""

_FUNCTIONAL = ("Functional", "Model")


def build_network(description: Mapping[str, Any]) -> Any:
    """Build an untrained network from its description.

    Args:
        description: What ``model.to_json()`` of Keras 1, 2 or 3 wrote, parsed.

    Returns:
        A Keras model in float32.

    Raises:
        WeightsError: If it is no network of known layers with one input; says what stands in the way.
    """
    kind, config = description.get("class_name"), description.get("config")
    if kind == "Sequential" and isinstance(config, list | Mapping):
        return _sequential(config)
    if kind in _FUNCTIONAL and isinstance(config, Mapping):
        return _functional(config)
    raise WeightsError(
        f"The network must be a Sequential or functional model of Keras. Received: {kind!r}; a class of "
        "its own would need code, and code from a file is never run."
    )


def _part(entry: Mapping[str, Any]) -> Any:
    """A layer, or a network inside the network."""
    if entry.get("class_name") in ("Sequential", *_FUNCTIONAL):
        return build_network(entry)
    return make_layer(read_layer(entry))


def _sequential(config: Sequence[Any] | Mapping[str, Any]) -> Any:
    import keras

    named = config if isinstance(config, Mapping) else {}
    entries = list(named["layers"]) if named else list(config)  # a plain list until Keras 2.2.2
    shape = named.get("build_input_shape")
    if entries:
        shape = _batch_shape(entries[0]) or shape
    if entries and entries[0].get("class_name") == "InputLayer":
        entries = entries[1:]
    inputs = [keras.Input(tuple(shape[1:]))] if shape else []
    model = keras.Sequential(inputs + [_part(entry) for entry in entries], name=_name(named))
    return _frozen_like(model, named)


def _functional(config: Mapping[str, Any]) -> Any:
    """Connect the layers as described, each call as soon as its inputs exist."""
    import keras

    parts: dict[str, Any] = {}
    found: dict[Tensor, Any] = {}
    waiting: list[tuple[Tensor, list[Tensor]]] = []
    for entry in config["layers"]:
        name = str(entry.get("name") or entry["config"]["name"])
        if entry["class_name"] == "InputLayer":
            shape = _batch_shape(entry) or ()
            found[name, 0] = keras.Input(tuple(shape[1:]), name=name.replace("/", "_"))
            continue
        parts[name] = _part(entry)
        calls = enumerate(entry["inbound_nodes"])
        waiting += [((name, number), list(_sources(call, name))) for number, call in calls]
    while waiting:
        ready = [(tensor, took) for tensor, took in waiting if all(t in found for t in took)]
        if not ready:
            raise WeightsError(
                "The layers must be connected. Received: "
                f"{waiting[0][0][0]!r}, which takes what no layer gives."
            )
        for tensor, took in ready:
            values = [found[source] for source in took]
            found[tensor] = parts[tensor[0]](values if len(values) > 1 else values[0])
        waiting = [call for call in waiting if call not in ready]
    ends = [
        [found[source] for source in _tensors(config[key])]
        for key in ("input_layers", "output_layers")
    ]
    inputs, outputs = (end[0] if len(end) == 1 else end for end in ends)
    return _frozen_like(keras.Model(inputs, outputs, name=_name(config)), config)


def _sources(call: Any, name: str) -> Iterator[Tensor]:
    """The inputs of a layer's call, as Keras 2 (lists) or Keras 3 (``args`` and ``kwargs``) writes them."""
    if isinstance(call, Mapping):
        options, tensors = call.get("kwargs") or {}, _histories(call.get("args"))
    else:
        entries = [call] if call and isinstance(call[0], str) else call
        options = {
            k: v for entry in entries for k, v in (entry[3] if len(entry) > 3 else {}).items()
        }
        tensors = iter(entries)
    # Whether the network is training is decided by its caller.
    extra = {key for key, value in options.items() if value is not None and key != "training"}
    if extra:
        raise WeightsError(
            f"The layer {name!r} must take tensors only. Received: also {sorted(extra)}"
        )
    yield from _tensors(list(tensors))


def _histories(value: Any) -> Iterator[Any]:
    """The places of all tensors in Keras 3's description of a call's arguments."""
    if isinstance(value, list):
        for item in value:
            yield from _histories(item)
    elif isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        yield value["config"]["keras_history"]
    else:
        raise WeightsError(f"A layer must take tensors only. Received: {str(value)[:80]!r}")


def _tensors(places: Any) -> Iterator[Tensor]:
    """The outputs that places ``[layer, call, output]`` name; Keras 3 does not wrap a single one."""
    for place in [places] if places and isinstance(places[0], str) else places:
        if place[2] != 0:
            raise WeightsError(
                f"Each layer must have one output. Received: several of {place[0]!r}"
            )
        yield str(place[0]), int(place[1])


def _batch_shape(entry: Mapping[str, Any]) -> Any:
    config = entry.get("config")
    if not isinstance(config, Mapping):
        return None
    if entry.get("class_name") == "Sequential":  # a network at the start of a network
        return _batch_shape(config["layers"][0])
    return config.get("batch_shape") or config.get("batch_input_shape")


def _name(config: Mapping[str, Any]) -> str | None:
    name = config.get("name")
    return str(name).replace("/", "_") if name else None


def _frozen_like(model: Any, config: Mapping[str, Any]) -> Any:
    if config.get("trainable") is False:
        model.trainable = False
    return model


def describe_network(model: Any) -> dict[str, Any]:
    """Describe a functional network of known layers so that Keras 2 and Keras 3 can both build it.

    Raises:
        WeightsError: If a layer is not a known one, or the network is not functional.
    """
    description = json.loads(model.to_json())
    if description["class_name"] not in _FUNCTIONAL:
        raise WeightsError(
            f"Only functional networks are written as JSON. Received: {type(model).__name__}"
        )
    config = description["config"]
    layers = []
    for entry in config["layers"]:
        name = entry["config"]["name"]
        if entry["class_name"] == "InputLayer":
            kind, options = "InputLayer", {"batch_input_shape": entry["config"]["batch_shape"]}
        else:
            plan = read_layer(entry)
            kind, options = plan.kind, dict(plan.options)
        calls = [[[*place, 0, {}] for place in _sources(c, name)] for c in entry["inbound_nodes"]]
        layers.append(
            {
                "module": "keras.layers",
                "class_name": kind,
                "config": {"name": name, "dtype": "float32", **options},
                "registered_name": None,
                "name": name,
                "inbound_nodes": calls,
            }
        )
    ends = {k: [[*t, 0] for t in _tensors(config[k])] for k in ("input_layers", "output_layers")}
    plain = {"name": config["name"], "trainable": True, "layers": layers, **ends}
    return {
        "module": "keras",
        "class_name": "Model",  # every Keras knows this one
        "config": plain,
        "registered_name": None,
        "keras_version": "2.15.0",  # the words it is written in
        "backend": "tensorflow",
    }
