"""The layer graph of a live model, from Keras's own records: which layer was called on which tensors.

Every symbolic tensor of Keras knows the layer call that made it (``_keras_history``, the same triple in Keras 3 and
tf_keras), and every layer its calls (``inbound_nodes``; Keras 3 keeps them as ``_inbound_nodes``). The graph is what is
reached from the model's outputs through these. Nothing is imported here: both Keras packages are met as they come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphdiag.graphs.layer_graph import Layer, LayerGraph, LayerTensor, NestedModel, TensorEdge, unique_id
from graphdiag.sources.keras_structures import keys_in


@dataclass(frozen=True, eq=False)
class Call:
    """One recorded call of a layer.

    Attributes:
        layer: The layer (in Keras 3 also a bare operation).
        number: Keras's number of the call.
        first: Its first argument as given: a tensor, or lists or dicts of them.
        arguments: All symbolic tensors among its arguments, each with its place (see `TensorEdge.argument`).
        outputs: The tensors it gave, flat.
    """

    layer: Any
    number: int
    first: Any
    arguments: Sequence[tuple[str, Any]]
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

    def keys(self, which: str) -> tuple[str, ...]:
        """The keys of its ``inputs`` or ``outputs``: see `keys_in`. Both Keras packages keep what the user gave."""
        kept = (getattr(self.graph, name, None) for name in (f"_{which}_struct", f"_nested_{which}"))
        structure = next((value for value in kept if value is not None), ())
        return keys_in(structure, lambda value: hasattr(value, "_keras_history"))

    @cached_property
    def position(self) -> Mapping[int, int]:
        """Position of each input tensor, by its ``id``."""
        return {id(tensor): position for position, tensor in enumerate(self.inputs)}

    @cached_property
    def calls(self) -> Mapping[int, Sequence[Call]]:
        """Calls by ``id`` of the layer, in the order of Keras's numbers; input layers have none."""
        found: dict[int, list[Call]] = {}
        for call in self.run:
            found.setdefault(id(call.layer), []).append(call)
        return {key: sorted(calls, key=lambda call: call.number) for key, calls in found.items()}

    @cached_property
    def ranks(self) -> Mapping[int, Mapping[int, int]]:
        """By ``id`` of the layer, the place of each of its calls in `calls`, by Keras's number of the call."""
        return {key: {call.number: rank for rank, call in enumerate(calls)} for key, calls in self.calls.items()}

    @cached_property
    def run(self) -> Sequence[Call]:
        """All calls in the order in which Keras makes them when the model is run, those for losses alone included."""
        by_depth = self.graph._nodes_by_depth
        nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
        return [_call(node) for node in nodes if not node.is_input and not self._is_given(node)]

    def _is_given(self, node: Any) -> bool:
        """Whether the results of a call are inputs of the model, which begins in the middle of another."""
        outputs = flat(node.outputs)
        return bool(outputs) and all(id(tensor) in self.position for tensor in outputs)

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


def _call(node: Any) -> Call:
    if hasattr(node, "operation"):
        layer, args, kwargs = node.operation, node.arguments.args, node.arguments.kwargs
    else:
        layer, args, kwargs = node.layer, node.call_args, node.call_kwargs
    nodes = layer.inbound_nodes if hasattr(layer, "inbound_nodes") else layer._inbound_nodes
    number = next(number for number, other in enumerate(nodes) if other is node)
    first = args[0] if args else next(iter(kwargs.values()), None)
    arguments = [leaf for position, value in enumerate(args) for leaf in _symbolic(str(position), value)]
    arguments += [leaf for name, value in kwargs.items() for leaf in _symbolic(name, value)]
    return Call(layer, number, first, arguments, flat(node.outputs))


def _symbolic(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The symbolic tensors in a structure."""
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _symbolic(f"{place}[{key!r}]", value[key])
    elif isinstance(value, (list, tuple)):
        for position, part in enumerate(value):
            yield from _symbolic(f"{place}[{position}]", part)
    elif hasattr(value, "_keras_history"):
        yield place, value


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

    def owner(self, chain: Sequence[Any]) -> tuple[int, str] | None:
        """The outermost layer of the model among open calls.

        Nested models do not count. A layer that another one calls is part of that one's work, though the model may
        have it, too: Keras calls only the outer one.

        Args:
            chain: Layers whose calls are open, outermost first.

        Returns:
            Its position in the chain and its id, or ``None`` when no layer of the model is among them.
        """
        for position, layer in enumerate(chain):
            places = self.by_object.get(id(layer))
            if not places:
                continue
            if len(places) == 1:
                return position, places[0][1]
            around = tuple(model.name for model in chain[:position] if id(model) in self.nested)
            return next(((position, layer_id) for path, layer_id in places if path == around), None)
        return None

    def same_layer(self) -> Mapping[str, str]:
        """For each id of a layer that several nested models have, the first of its ids."""
        return {
            layer_id: places[0][1] for places in self.by_object.values() if len(places) > 1 for _, layer_id in places
        }


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
    """One call of a model, on the way from the outermost to the one looked at.

    Attributes:
        network: The model.
        path: Names of the nested models, itself included.
        number: Which call of the model it is, those in other calls of the models around it included.
        call: The call in the model around it; None for the outermost.
        parent: The call of the model around it.
    """

    network: Network
    path: tuple[str, ...] = ()
    number: int = 0
    call: Call | None = None
    parent: _Frame | None = None

    def numbered(self, call: Call) -> int:
        """Which of its layer's calls a call in this one is."""
        ranks = self.network.ranks[id(call.layer)]
        return self.number * len(ranks) + ranks[call.number]


class _Flattener:
    def __init__(self, model: Any, keras_version: str) -> None:
        self._model = model
        self._keras_version = keras_version
        self._networks: dict[int, Network] = {}
        self._ids: dict[tuple[tuple[str, ...], str], str] = {}
        self._taken: set[str] = set()
        self._layers: dict[str, Layer] = {}
        self._nested: dict[str, NestedModel] = {}
        self._tensors: list[TensorEdge] = []
        self._by_object: dict[int, list[tuple[tuple[str, ...], str]]] = {}
        self._made: list[tuple[Any, str]] = []
        self._objects: dict[int, Any] = {}

    def run(self) -> LayerIds:
        root = _Frame(self._network(self._model))
        self._collect(root.network, ())
        self._connect(root)
        place = {layer_id: position for position, layer_id in enumerate(self._layers)}
        self._tensors.sort(key=lambda edge: place[edge.target])
        sources = (self._source(tensor, root) for tensor in root.network.outputs)
        outputs = tuple(source for source in sources if source is not None)
        graph = LayerGraph(
            model_name=self._model.name,
            layers=self._layers,
            edges=tuple(dict.fromkeys((edge.source.layer, edge.target) for edge in self._tensors)),
            nested=self._nested,
            inputs=tuple(dict.fromkeys(self._ids[(), layer_of(tensor).name] for tensor in root.network.inputs)),
            outputs=tuple(dict.fromkeys(tensor.layer for tensor in outputs)),
            keras_version=self._keras_version,
            tensors=tuple(self._tensors),
            output_tensors=outputs,
            input_keys=root.network.keys("inputs"),
            output_keys=root.network.keys("outputs"),
        )
        nested = frozenset(self._networks) - {id(self._model)}
        return LayerIds(graph, self._by_object, nested, self._made, self._objects)

    def _network(self, model: Any) -> Network:
        return self._networks.setdefault(id(model), Network(model))

    def _inside(self, frame: _Frame, call: Call) -> _Frame:
        model = call.layer
        return _Frame(self._network(model), (*frame.path, model.name), frame.numbered(call), call, frame)

    def _collect(self, network: Network, path: tuple[str, ...]) -> None:
        entries = {id(layer_of(tensor)) for tensor in network.inputs}
        for layer in network.layers:
            calls = len(network.calls.get(id(layer), ())) or 1
            is_input = id(layer) in entries
            if is_input and path:
                continue
            layer_id = unique_id(path, layer.name, self._taken)
            self._taken.add(layer_id)
            self._ids[path, layer.name] = layer_id
            if is_network(layer):
                self._nested[layer_id] = NestedModel(layer_id, layer.name, type(layer).__name__, path, calls)
                self._collect(self._network(layer), (*path, layer.name))
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
            for call in frame.network.calls.get(id(layer), ()):
                if is_network(layer):
                    self._connect(self._inside(frame, call))
                    continue
                layer_id, number = self._ids[frame.path, layer.name], frame.numbered(call)
                for place, tensor in call.arguments:
                    source = self._source(tensor, frame)
                    if source is not None:
                        self._tensors.append(TensorEdge(source, layer_id, number, place))

    def _source(self, tensor: Any, frame: _Frame) -> LayerTensor | None:
        """The tensor of a layer that a symbolic tensor in a call of a model really is; None for a constant."""
        while hasattr(tensor, "_keras_history"):
            position = frame.network.position.get(id(tensor))
            layer, number, slot = tensor._keras_history
            if position is not None:
                if frame.parent is None or frame.call is None:
                    return LayerTensor(self._ids[(), layer.name], 0, slot)
                given = frame.network.arrange(frame.call.first)
                if position >= len(given):
                    return None
                tensor, frame = given[position], frame.parent
                continue
            network = frame.network
            call = network.calls[id(layer)][network.ranks[id(layer)][number]]
            if not is_network(layer):
                return LayerTensor(self._ids[frame.path, layer.name], frame.numbered(call), slot)
            frame = self._inside(frame, call)
            tensor = frame.network.outputs[slot]
        return None


def _outputs(network: Network, layer: Any) -> list[Any]:
    calls = network.calls.get(id(layer))
    if calls is None:
        return [tensor for tensor in network.inputs if layer_of(tensor) is layer]
    return [tensor for call in calls for tensor in call.outputs]


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
