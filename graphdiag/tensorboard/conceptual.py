"""The conceptual graph: what TensorBoard makes of the Keras model in the ``keras`` tag.

Follows ``tensorboard/plugins/graph/keras_util.py``. Its reading of the JSON has three traits that a user sees:

- of `inbound_nodes` only the form of Keras 3 is read, so the edges of functional models of Keras 2 are lost;
- every argument of a call is taken for a tensor, so a Python number among them is an error;
- a layer without `inbound_nodes` is taken for one of a Sequential model, and joined with the layer before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphdiag.tensorboard.merge import UndrawableGraphError

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef


class ConceptualGraphError(UndrawableGraphError):
    """TensorBoard fails on the JSON of a model; the message holds the words in its server's log."""


def conceptual_graph(keras_json: Mapping[str, Any]) -> GraphDef:
    """The graph that TensorBoard's server makes of a Keras model, before it is drawn.

    Args:
        keras_json: The parsed JSON of the model.

    Returns:
        One node for each layer that is no model, named by the models around it and itself; the Keras class is in the
        attribute ``keras_class``, as TensorBoard puts it.

    Raises:
        ConceptualGraphError: TensorBoard fails on it.
    """
    reading = _Reading()
    try:
        for scope, layer in _layers(keras_json, ""):
            reading.add(scope, layer)
    except Exception as error:  # Whatever the JSON makes go wrong here goes wrong in the same way in the server.
        raise ConceptualGraphError(str(error)) from error
    return reading.graph


def _layers(layer: Mapping[str, Any], scope: str) -> Iterator[tuple[str, Any]]:
    """All layers, models before what is in them, each with the names of the models around it."""
    yield scope, layer
    config = layer.get("config")
    members = config.get("layers")  # type: ignore[union-attr]  # fails as in the server if there is no config
    if members:
        inside = _named(scope, config.get("name"))  # type: ignore[union-attr]
        for member in members:
            yield from _layers(member, inside)


def _named(scope: str, name: Any) -> str:
    return f"{scope}/{name}" if scope else name


class _Reading:
    """What is known when a layer is read: everything that stood before it."""

    def __init__(self) -> None:
        from tensorboard.compat.proto.graph_pb2 import GraphDef

        self.graph = GraphDef()
        self.before: str | None = None
        self.feeds_input: dict[str, str] = {}
        self.outputs_of_model: dict[str, list[str]] = {}

    def add(self, scope: str, layer: Mapping[str, Any]) -> None:
        if layer.get("config").get("layers") is not None:  # type: ignore[union-attr]
            self._add_model(scope, layer)
            return
        name = _named(scope, layer.get("config").get("name"))  # type: ignore[union-attr]
        node = self.graph.node.add()
        node.name = name
        if layer.get("class_name") is not None:
            node.attr["keras_class"].s = layer.get("class_name").encode("ascii")  # type: ignore[union-attr]
        if layer.get("inbound_nodes") is not None:
            for source, _, position in _inbound(layer):
                inputs = self.outputs_of_model.get(_named(scope, source), [_named(scope, source)])
                node.input.append(inputs[position] if position < len(inputs) else inputs[-1])
        elif self.before is not None:
            node.input.append(self.before)
        if name in self.feeds_input:
            node.input.append(self.feeds_input[name])
        self.before = node.name

    def _add_model(self, scope: str, model: Mapping[str, Any]) -> None:
        config = model["config"]
        if not config.get("layers"):
            raise ValueError("layer is not a model.")
        name = _named(scope, config.get("name"))
        inputs, outputs = config.get("input_layers"), config.get("output_layers")
        inbound = _inbound(model)
        functional = bool(inputs and outputs)
        if functional and inbound:
            for input_layer, source in zip(inputs, inbound, strict=False):
                self.feeds_input[_named(name, input_layer)] = _named(scope, source[0])
        elif inbound:
            # A Sequential model inside a functional one: its first layer is joined with what it is called on.
            self.before = _named(scope, inbound[0][0])
        elif functional and self.before:
            if len(inputs) != 1:
                raise ValueError("Cannot have multi-input Functional model when parent model is not Functional.")
            self.feeds_input[_named(name, inputs[0])] = self.before
        if functional:
            listed = outputs if isinstance(outputs[0], list) else [outputs]
            self.outputs_of_model[name] = [_named(name, output[0]) for output in listed]
        else:
            self.outputs_of_model[name] = [_named(name, config["layers"][-1].get("config").get("name"))]


def _inbound(layer: Mapping[str, Any]) -> list[list[Any]]:
    """Name, node and tensor index of everything that a layer is called on, as far as the form of Keras 3 says."""
    found: list[list[Any]] = []
    for call in layer.get("inbound_nodes") or []:
        if isinstance(call, dict):
            for argument in call.get("args", []):
                for tensor in argument if isinstance(argument, list) else [argument]:
                    history = tensor.get("config", {}).get("keras_history", [])
                    if len(history) >= 3:
                        found.append(history[:3])
    return found
