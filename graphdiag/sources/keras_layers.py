"""The layer graph of a live model, from Keras's own records: which layer was called on which tensors.

Every symbolic tensor of Keras knows the layer call that made it (``_keras_history``, the same triple in Keras 3 and
tf_keras), and every layer its calls (``inbound_nodes``; Keras 3 keeps them as ``_inbound_nodes``). The graph is what is
reached from the model's outputs through these. Nothing is imported here: both Keras packages are met as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphdiag.graphs.layer_graph import Layer, LayerGraph, NestedModel


@dataclass(frozen=True, eq=False)
class Call:
    """One recorded call of a layer.

    Attributes:
        layer: The layer (in Keras 3 also a bare operation).
        first: Its first argument as given: a tensor, or lists or dicts of them.
        tensors: All symbolic tensors among its arguments.
        outputs: The tensors it gave, flat.
    """

    layer: Any
    first: Any
    tensors: Sequence[Any]
    outputs: Sequence[Any]


@dataclass(frozen=True, eq=False)
class Network:
    """A Functional or Sequential model as Keras records it.

    Attributes:
        model: The model object.
    """

    model: Any

    @cached_property
    def graph(self) -> Any:
        """The object that holds the records: Keras 3's Sequential keeps them in a Functional model of its own."""
        return getattr(self.model, "_functional", None) or self.model

    @property
    def inputs(self) -> Sequence[Any]:
        """Tensors that the model takes, flat."""
        return flat(self.graph.inputs)

    @property
    def outputs(self) -> Sequence[Any]:
        """Tensors that the model gives, flat."""
        return flat(self.graph.outputs)

    @cached_property
    def position(self) -> Mapping[int, int]:
        """Position of each input tensor, by its ``id``."""
        return {id(tensor): position for position, tensor in enumerate(self.inputs)}

    @cached_property
    def calls(self) -> Mapping[int, Mapping[int, Call]]:
        """Calls by ``id`` of the layer, then by Keras's number of the call; input layers have none."""
        found: dict[int, dict[int, Call]] = {}
        waiting = list(self.outputs)
        while waiting:
            tensor = waiting.pop()
            if id(tensor) in self.position:
                continue
            layer, number, _ = tensor._keras_history
            numbered = found.setdefault(id(layer), {})
            if number in numbered:
                continue
            numbered[number] = _call(layer, number)
            waiting.extend(numbered[number].tensors)
        return {key: dict(sorted(numbered.items())) for key, numbered in found.items()}

    @cached_property
    def layers(self) -> Sequence[Any]:
        """Input layers and called layers, in Keras's order."""
        ordered = list(getattr(self.graph, "operations", None) or self.graph.layers)
        known = {id(layer) for layer in ordered}
        # tf_keras's Sequential leaves its input layer out of `layers`.
        missing = [owner for owner in map(layer_of, self.inputs) if id(owner) not in known]
        wanted = self.calls.keys() | {id(layer_of(tensor)) for tensor in self.inputs}
        return [layer for layer in missing + ordered if id(layer) in wanted]

    def arrange(self, given: Any) -> list[Any]:
        """Put what a call gave into the order of `inputs`, as Keras matches dicts by key or by input name."""
        if isinstance(given, Mapping):
            structure = self.graph.input
            if isinstance(structure, Mapping):
                names = sorted(structure)
            else:
                names = [layer_of(tensor).name for tensor in self.inputs]
            if all(name in given for name in names):
                return [leaf for name in names for leaf in flat(given[name])]
        return flat(given)


def is_network(layer: Any) -> bool:
    """Whether Keras records a graph inside this layer: a Functional model, or a Sequential one that is built."""
    if getattr(layer, "_functional", None) is not None:
        return True
    if hasattr(layer, "operations") and hasattr(layer, "inputs"):
        return True
    return bool(getattr(layer, "_is_graph_network", False))


def layer_of(tensor: Any) -> Any:
    """The layer that made a symbolic tensor."""
    return tensor._keras_history[0]


def flat(structure: Any) -> list[Any]:
    """Leaves of nested lists, tuples and dicts; dicts in the order of their keys, as both Keras packages do."""
    if isinstance(structure, Mapping):
        return [leaf for key in sorted(structure) for leaf in flat(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in flat(part)]
    return [] if structure is None else [structure]


def _call(layer: Any, number: int) -> Call:
    nodes = layer.inbound_nodes if hasattr(layer, "inbound_nodes") else layer._inbound_nodes
    node = nodes[number]
    if hasattr(node, "operation"):
        args, kwargs, tensors = node.arguments.args, node.arguments.kwargs, node.input_tensors
    else:
        args, kwargs, tensors = node.call_args, node.call_kwargs, node.keras_inputs
    first = args[0] if args else next(iter(kwargs.values()), None)
    return Call(layer, first, list(tensors), flat(node.outputs))


@dataclass(frozen=True, eq=False)
class LayerIds:
    """Which id stands for which layer object.

    Attributes:
        graph: The layer graph; ``None`` where Keras records none (a subclassed model).
        by_object: For each layer, by ``id``: ``(names of the nested models around it, layer id)``, more than one pair
            when the same object is part of several models.
        nested: ``id`` of each nested model.
        made: Each recorded output tensor of a layer, with the layer's id. In TF 1 graph mode it is a tensor of the
            op graph.
        objects: The layers, by ``id``.
    """

    graph: LayerGraph | None
    by_object: Mapping[int, Sequence[tuple[tuple[str, ...], str]]]
    nested: frozenset[int] = frozenset()
    made: Sequence[tuple[Any, str]] = ()
    objects: Mapping[int, Any] = field(default_factory=dict)

    def owner(self, chain: Sequence[Any]) -> str | None:
        """Id of the outermost layer of the model among open calls.

        Nested models do not count. A layer that another one calls is part of that one's work, though the model may
        have it, too: Keras calls only the outer one.

        Args:
            chain: Layers whose calls are open, outermost first.

        Returns:
            The layer's id, or ``None`` when no layer of the model is among them.
        """
        for position, layer in enumerate(chain):
            places = self.by_object.get(id(layer))
            if not places:
                continue
            if len(places) == 1:
                return places[0][1]
            around = tuple(model.name for model in chain[:position] if id(model) in self.nested)
            return next((layer_id for path, layer_id in places if path == around), None)
        return None

    def same_layer(self) -> Mapping[str, str]:
        """For each id of a layer that several nested models have, the first of its ids."""
        return {
            layer_id: places[0][1] for places in self.by_object.values() if len(places) > 1 for _, layer_id in places
        }

    def trackers(self, called: Iterable[Any] = ()) -> Sequence[tuple[Any, Sequence[str]]]:
        """Who tracks each variable, so that it is saved and trained.

        Args:
            called: Whatever was called while the model was built or traced: layers of the model, and others.

        Returns:
            The variables of all these layers, each with the ids of the model's layers that track it.
        """
        found: dict[int, tuple[Any, list[str]]] = {}
        for key, layer in self.objects.items():
            for variable in getattr(layer, "variables", ()):
                _, ids = found.setdefault(id(variable), (variable, []))
                ids += [layer_id for _, layer_id in self.by_object[key]]
        for layer in called:
            # A model may have variables beside those of its layers.
            if id(layer) not in self.objects and not hasattr(layer, "layers"):
                for variable in getattr(layer, "variables", ()):
                    found.setdefault(id(variable), (variable, []))
        return list(found.values())


def functional_ids(model: Any, keras_version: str) -> LayerIds:
    """Layer graph and ids of a Functional or built Sequential model.

    Args:
        model: A live model for which `is_network` holds.
        keras_version: Goes into the layer graph.

    Returns:
        The ids, with the layer graph. Edges that enter or leave a nested model end at the layer inside it that takes
        or gives the tensor; the nested model's own input layers are passed over.
    """
    return _Flattener(model, keras_version).run()


def subclassed_ids(model: Any) -> LayerIds:
    """Ids of the layers of a model whose ``call`` is the user's own, so that Keras records no edges.

    Args:
        model: A live model.

    Returns:
        The ids of its layers, those inside nested models too; no layer graph.
    """
    by_object: dict[int, list[tuple[tuple[str, ...], str]]] = {}
    nested: set[int] = set()

    def visit(parent: Any, path: tuple[str, ...]) -> None:
        for layer in parent.layers:
            if hasattr(layer, "layers") and layer.layers:
                nested.add(id(layer))
                visit(layer, (*path, layer.name))
            else:
                by_object.setdefault(id(layer), []).append((path, "/".join((*path, layer.name))))

    visit(model, ())
    return LayerIds(None, by_object, frozenset(nested))


@dataclass(frozen=True, eq=False)
class _Frame:
    """A model on the way from the outermost to the one looked at.

    ``call`` is the one call through which it was entered from outside, or None for all its calls.
    """

    network: Network
    path: tuple[str, ...]
    call: int | None = None
    parent: _Frame | None = None


class _Flattener:
    def __init__(self, model: Any, keras_version: str) -> None:
        self._model = model
        self._keras_version = keras_version
        self._networks: dict[int, Network] = {}
        self._layers: dict[str, Layer] = {}
        self._nested: dict[str, NestedModel] = {}
        self._edges: dict[tuple[str, str], None] = {}
        self._by_object: dict[int, list[tuple[tuple[str, ...], str]]] = {}
        self._made: list[tuple[Any, str]] = []
        self._objects: dict[int, Any] = {}

    def run(self) -> LayerIds:
        root = _Frame(self._network(self._model), ())
        self._collect(root)
        self._connect(root)
        outputs = [source for tensor in root.network.outputs for source in self._sources(tensor, root)]
        graph = LayerGraph(
            model_name=self._model.name,
            layers=self._layers,
            edges=tuple(self._edges),
            nested=self._nested,
            inputs=tuple(dict.fromkeys(layer_of(tensor).name for tensor in root.network.inputs)),
            outputs=tuple(dict.fromkeys(outputs)),
            keras_version=self._keras_version,
        )
        nested = frozenset(self._networks) - {id(self._model)}
        return LayerIds(graph, self._by_object, nested, self._made, self._objects)

    def _network(self, model: Any) -> Network:
        return self._networks.setdefault(id(model), Network(model))

    def _inside(self, frame: _Frame, model: Any, call: int | None) -> _Frame:
        return _Frame(self._network(model), (*frame.path, model.name), call, frame)

    def _collect(self, frame: _Frame) -> None:
        network, path = frame.network, frame.path
        entries = {id(layer_of(tensor)) for tensor in network.inputs}
        for layer in network.layers:
            layer_id = "/".join((*path, layer.name))
            calls = len(network.calls.get(id(layer), ())) or 1
            if is_network(layer):
                self._nested[layer_id] = NestedModel(layer_id, layer.name, type(layer).__name__, path, calls)
                self._collect(self._inside(frame, layer, None))
                continue
            is_input = id(layer) in entries
            if is_input and path:
                continue
            self._by_object.setdefault(id(layer), []).append((path, layer_id))
            self._objects[id(layer)] = layer
            outputs = _outputs(network, layer)
            self._made.extend((tensor, layer_id) for tensor in outputs)
            self._layers[layer_id] = Layer(
                id=layer_id,
                name=layer.name,
                class_name=type(layer).__name__,
                path=path,
                calls=calls,
                is_input=is_input,
                output_shape=_shape(outputs[: len(outputs) // calls]),
                parameters=_parameters(layer),
            )

    def _connect(self, frame: _Frame) -> None:
        for layer in frame.network.layers:
            if is_network(layer):
                self._connect(self._inside(frame, layer, None))
                continue
            layer_id = "/".join((*frame.path, layer.name))
            for call in frame.network.calls.get(id(layer), {}).values():
                for tensor in call.tensors:
                    for source in self._sources(tensor, frame):
                        self._edges[source, layer_id] = None

    def _sources(self, tensor: Any, frame: _Frame) -> Iterator[str]:
        """Ids of the layers that really give a tensor, seen from inside a model."""
        position = frame.network.position.get(id(tensor))
        layer, number, slot = tensor._keras_history
        if position is None:
            if not is_network(layer):
                yield "/".join((*frame.path, layer.name))
                return
            inner = self._inside(frame, layer, number)
            yield from self._sources(inner.network.outputs[slot], inner)
        elif frame.parent is None:
            yield layer.name
        else:
            calls = frame.parent.network.calls[id(frame.network.model)]
            for call in calls.values() if frame.call is None else [calls[frame.call]]:
                given = frame.network.arrange(call.first)
                if position < len(given):
                    yield from self._sources(given[position], frame.parent)


def _outputs(network: Network, layer: Any) -> list[Any]:
    calls = network.calls.get(id(layer))
    if calls is None:
        return [tensor for tensor in network.inputs if layer_of(tensor) is layer]
    return [tensor for call in calls.values() for tensor in call.outputs]


def _shape(tensors: Sequence[Any]) -> str:
    shapes = [_sizes(tensor.shape) for tensor in tensors]
    return shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"


def _sizes(shape: Any) -> str:
    if not hasattr(shape, "as_list"):
        return str(tuple(shape))
    return str(tuple(shape.as_list())) if shape.rank is not None else ""  # tf.TensorShape


def _parameters(layer: Any) -> int | None:
    if not hasattr(layer, "count_params"):
        return 0
    try:
        return int(layer.count_params())
    except ValueError:  # Keras's answer for a layer that has no weights yet
        return None
