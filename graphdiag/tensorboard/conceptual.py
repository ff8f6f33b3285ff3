"""The conceptual graph: what TensorBoard makes of the Keras model in the ``keras`` tag.

Follows ``keras_model_to_graph_def`` in ``tensorboard/plugins/graph/keras_util.py``. Since TensorBoard 2.17 it reads the
shape in which Keras 3 writes a model, and that only in part; before, it read the shape of Keras 2. What that comes to:

* Every layer that is not a model is a node under the names of the models around it, the outermost included:
  ``model/encoder/dense``. A node has no op type.
* A layer with ``inbound_nodes`` is connected to the tensors in ``args`` of each, at the first or second level. Tensors
  in ``kwargs`` and in dictionaries are passed over; a number there, or a tensor further down, makes it fail.
* Keras 2 writes ``inbound_nodes`` as lists. Those are passed over, and with them all edges of a functional model.
* A layer without ``inbound_nodes`` (in a Sequential model) is connected to the node before it, wherever that is.
* The input layer of a functional model is connected to what the model is called on; of several input layers none is,
  because Keras writes them as lists. A layer that reads a model is connected to that model's output layer.
* The JSON of Keras 2.0 and 2.1 has a list for the ``config`` of a Sequential model, on which it fails.

Where it fails, the words are those that Python has for an access that the JSON does not bear. `conceptual_graph` makes
the same accesses in the same order, and so fails on the same models with the same words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphdiag.tensorboard.merge import UndrawableGraphError

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef


class ConceptualGraphError(UndrawableGraphError):
    """TensorBoard fails on the JSON of a model.

    Raised by `conceptual_graph`, the message is what TensorBoard's server logs, as ``'float' object has no attribute
    'get'``; raised by `graphdiag.tensorboard.draw_conceptual`, it is a whole sentence for the user.
    """


def conceptual_graph(keras_json: Mapping[str, Any]) -> GraphDef:
    """The graph that TensorBoard's server makes of a Keras model, before it is drawn.

    Args:
        keras_json: The parsed JSON of the model.

    Returns:
        One node for each layer that is not a model, with its inputs and without a type; the Keras class is in the
        attribute ``keras_class``, where TensorBoard puts it.

    Raises:
        ConceptualGraphError: TensorBoard fails on the model.
    """
    try:
        return _Builder().build(keras_json)
    except (AssertionError, AttributeError, LookupError, NameError, RecursionError, TypeError, ValueError) as error:
        # The JSON may hold anything anywhere, and so TensorBoard's server may fail in any of these ways.
        raise ConceptualGraphError(" ".join(str(error).split())) from error


class _Builder:
    """What is known while the layers are gone through.

    Attributes:
        outside: For the input layer of a nested model, the node that the model is called on.
        outputs: Output layers of each model seen so far.
        previous: The node before, to which a layer of a Sequential model is connected.
    """

    def __init__(self) -> None:
        self.outside: dict[str, str] = {}
        self.outputs: dict[str, list[str]] = {}
        self.previous: str | None = None

    def build(self, keras_json: Mapping[str, Any]) -> GraphDef:
        """Go through the model and all that is in it."""
        from tensorboard.compat.proto.graph_pb2 import GraphDef

        graph = GraphDef()
        for scope, layer in _layers(keras_json):
            if layer.get("config").get("layers") is not None:
                self._enter_model(scope, layer)
                continue
            node = graph.node.add()
            node.name = _scoped(scope, layer.get("config").get("name"))
            if layer.get("class_name") is not None:
                node.attr["keras_class"].s = layer.get("class_name").encode("ascii")
            _check_policy(layer.get("config").get("dtype"))
            node.input.extend(self._inputs(scope, layer, node.name))
            self.previous = node.name
        return graph

    def _inputs(self, scope: Any, layer: Any, name: str) -> Iterator[str]:
        if layer.get("inbound_nodes") is not None:
            for source, _, index in _keras3_inbound(layer):
                outputs = self.outputs.get(_scoped(scope, source), [_scoped(scope, source)])
                yield outputs[index] if index < len(outputs) else outputs[-1]
        elif self.previous is not None:
            yield self.previous
        if name in self.outside:
            yield self.outside[name]

    def _enter_model(self, scope: Any, model: Any) -> None:
        config = model.get("config")
        if not config.get("layers"):
            raise ValueError("layer is not a model.")
        name = _scoped(scope, config.get("name"))
        inputs, outputs = config.get("input_layers"), config.get("output_layers")
        called_on = _keras3_inbound(model)
        is_functional = bool(inputs and outputs)
        if called_on and is_functional:
            for inner, outer in zip(inputs, called_on, strict=False):
                self.outside[_scoped(name, inner)] = _scoped(scope, outer[0])
        elif called_on:
            self.previous = _scoped(scope, called_on[0][0])
        elif self.previous and is_functional:
            if len(inputs) != 1:
                raise UnboundLocalError(_UNBOUND)
            self.outside[_scoped(name, inputs[0])] = self.previous
        if is_functional:
            several = outputs if isinstance(outputs[0], list) else [outputs]
            self.outputs[name] = [_scoped(name, output[0]) for output in several]
        else:
            self.outputs[name] = [_scoped(name, config.get("layers")[-1].get("config").get("name"))]


# On a functional model of several inputs inside a Sequential one TensorBoard has an assertion, whose own message fails.
_UNBOUND = (
    "local variable 'input_layer' referenced before assignment"
    if sys.version_info < (3, 11)
    else "cannot access local variable 'input_layer' where it is not associated with a value"
)


def _layers(layer: Any, *models: Any) -> Iterator[tuple[Any, Any]]:
    """Every layer with the scope it stands in, a model before its layers; ``models`` are the names around it."""
    scope = models[-1] if models else ""
    for name in reversed(models[:-1]):
        scope = f"{name}/{scope}" if scope else name
    yield scope, layer
    if layer.get("config").get("layers"):
        name = layer.get("config").get("name")
        for sublayer in layer.get("config").get("layers"):
            yield from _layers(sublayer, *models, name)


def _check_policy(policy: Any) -> None:
    """Fail where TensorBoard fails on a data type, which it does not draw."""
    if isinstance(policy, dict) and "config" in policy:
        policy["config"].get("name")


def _scoped(scope: Any, name: Any) -> Any:
    return f"{scope}/{name}" if scope else name


def _keras3_inbound(layer: Any) -> list[list[Any]]:
    """Name, node and tensor index of each input, where the JSON has it in the shape that TensorBoard reads."""
    found: list[list[Any]] = []
    if layer.get("inbound_nodes") is None:
        return found
    for node in layer.get("inbound_nodes"):
        if isinstance(node, dict):
            for argument in node.get("args", []):
                for tensor in argument if isinstance(argument, list) else [argument]:
                    history = tensor.get("config", {}).get("keras_history", [])
                    if len(history) >= 3:
                        found.append(history[:3])
    return found
