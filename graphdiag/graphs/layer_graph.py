"""The layer graph: what the user wrote, as Keras itself records it.

Nested models are flattened: a layer inside a nested model is a node of its own, known by its path, and an edge that
enters or leaves the nested model ends at the layer inside it that really takes or gives the tensor. A shared layer is
one node with its number of calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx as nx


def unique_id(path: tuple[str, ...], name: str, taken: Collection[str]) -> str:
    """The id of a layer or nested model.

    Args:
        path: Names of the nested models around it, outermost first.
        name: Its own name.
        taken: The ids that are in use.

    Returns:
        The names joined by ``/``; with ``#2``, ``#3`` and so on where that id is taken, because a layer named ``a/b``
        can stand beside a layer ``b`` of a nested model ``a``.
    """
    wanted = "/".join((*path, name))
    own = wanted
    number = 2
    while own in taken:
        own = f"{wanted}#{number}"
        number += 1
    return own


@dataclass(frozen=True)
class Layer:
    """One Keras layer.

    Attributes:
        id: Unique in the graph: the names of the nested models around it and its own name, joined by ``/``; see
            `unique_id`.
        name: The layer's own Keras name. May contain ``/`` itself (DenseNet's ``conv1/bn``).
        class_name: Keras class, as ``Conv1D``.
        path: Names of the nested models that hold it, outermost first; empty at the top level.
        calls: How often the layer is called in the model: once for most, more for a shared layer.
        is_input: Whether it is one of the model's inputs (an ``InputLayer`` at the top level).
        output_shape: Shape as text, ``(None, 64)``; empty when the source does not record it.
        parameters: Number of weights, trainable or not; ``None`` when the source does not record it and it does not
            follow from the settings.
        parameters_computed: Whether that number follows from the settings, if the class is Keras's own, as its name
            says; a source without modules may have a class of the user's by the same name.
        inner: Names of the layers that it wraps, as ``TimeDistributed`` does, at every depth.
        custom: Whether its class is recorded to be the user's own, whatever it is called; unknown up to Keras 2.3.
        is_operation: Whether it is recorded to be an operation of Keras 3 between layers (``keras.ops``), which opens
            no name scope.
        settings: Its configuration, JSON-ready, without names and without what has its default; ``None`` when the
            source does not record it.
    """

    id: str
    name: str
    class_name: str
    path: tuple[str, ...] = ()
    calls: int = 1
    is_input: bool = False
    output_shape: str = ""
    parameters: int | None = None
    inner: tuple[str, ...] = ()
    custom: bool = False
    is_operation: bool = False
    settings: Mapping[str, Any] | None = field(default=None, hash=False)
    parameters_computed: bool = False


@dataclass(frozen=True)
class NestedModel:
    """A model used as a layer.

    Attributes:
        id: Path and name joined by ``/``; see `unique_id`.
        name: Its own Keras name.
        class_name: Keras class.
        path: Names of the nested models that hold it, outermost first.
        calls: How often it is called.
        settings: What its calls are given besides tensors, as ``training=False``; ``None`` when the source does not
            record it. The settings of its layers are theirs.
    """

    id: str
    name: str
    class_name: str
    path: tuple[str, ...] = ()
    calls: int = 1
    settings: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class LayerTensor:
    """One tensor as Keras names it.

    Attributes:
        layer: Id of the layer that gives it.
        call: Which of the layer's calls, counted from 0 in Keras's order. A layer inside a nested model is called in
            each call of that model: the calls within the first of these come first.
        output: Which of the call's results.
    """

    layer: str
    call: int
    output: int


@dataclass(frozen=True, slots=True)
class TensorEdge:
    """One tensor that Keras gives to a call of a layer.

    Attributes:
        source: The tensor.
        target: Id of the layer that takes it.
        call: Which of the layer's calls.
        argument: As what: ``0`` for the first argument, ``0[1]`` inside a list, ``mask`` for one given by name.
    """

    source: LayerTensor
    target: str
    call: int
    argument: str


@dataclass(frozen=True)
class LayerGraph:
    """Layers and the edges between them.

    Attributes:
        model_name: Keras name of the model.
        layers: Layer by id, in Keras's order.
        edges: ``(source id, target id)`` pairs, each once, in Keras's order.
        nested: Nested model by id, outermost first.
        inputs: Ids of the model's inputs, in the order in which Keras takes them.
        outputs: Ids of the layers that give the model's outputs.
        keras_version: As recorded in the file, as ``2.1.6``; empty when unknown.
        tensors: What Keras gives to each call; the edges are the pairs of layers in it. Empty where only the edges are
            known, as in a saved report.
        output_tensors: The tensors that the model gives, in order.
        same_layer: For a layer that several nested models share, and that therefore has an id in each of them, the
            first of its ids by each; as far as that is recorded.
        input_keys: The keys under which it takes its inputs, in Keras's order; empty if none of them has one, ``None``
            when the source does not record it.
        output_keys: The same of what it gives.
    """

    model_name: str
    layers: Mapping[str, Layer]
    edges: tuple[tuple[str, str], ...]
    nested: Mapping[str, NestedModel] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    keras_version: str = ""
    tensors: tuple[TensorEdge, ...] = ()
    output_tensors: tuple[LayerTensor, ...] = ()
    same_layer: Mapping[str, str] = field(default_factory=dict)
    input_keys: tuple[str, ...] | None = None
    output_keys: tuple[str, ...] | None = None

    @cached_property
    def connections(self) -> Sequence[TensorEdge]:
        """What Keras gives to each call. Where only the edges are known, each is taken for one tensor."""
        if self.tensors:
            return self.tensors
        arguments: Counter[str] = Counter()
        found = []
        for source, target in self.edges:
            argument = f"0[{arguments[target]}]"
            arguments[target] += 1
            found += [
                TensorEdge(LayerTensor(source, 0, 0), target, call, argument) for call in range(self.uses(target))
            ]
        return found

    @cached_property
    def unrecorded(self) -> frozenset[str]:
        """Operations of which Keras's JSON does not say what they are given.

        Of a function that takes any number of tensors, as ``tf.einsum``, tf_keras records the first argument alone.
        """
        taking = {edge.target for edge in self.connections}
        return frozenset(
            id_ for id_, layer in self.layers.items() if layer.class_name == "TFOpLambda" and id_ not in taking
        )

    def uses(self, layer: str) -> int:
        """How often a layer is called, the calls of the models that hold it included."""
        place = self.layers[layer]
        around = ("/".join(place.path[:depth]) for depth in range(1, len(place.path) + 1))
        return place.calls * prod(self.nested[model].calls for model in around if model in self.nested)

    def namesakes(self) -> Sequence[Sequence[str]]:
        """Ids of layers that name scopes cannot tell apart: see `unique_id`."""
        found: dict[str, list[str]] = {}
        for layer in self.layers.values():
            found.setdefault("/".join((*layer.path, layer.name)), []).append(layer.id)
        return [ids for ids in found.values() if len(ids) > 1]

    def to_networkx(self) -> nx.DiGraph:
        """The layer graph as a ``networkx.DiGraph``.

        Returns:
            Nodes are layer ids with the attributes ``name``, ``class_name``, ``path`` (joined by ``/``), ``calls``,
            ``is_input``, ``output_shape`` and ``parameters``; edges carry no attributes. The graph's own attributes
            are ``model_name`` and ``keras_version``.
        """
        import networkx as nx

        graph = nx.DiGraph(model_name=self.model_name, keras_version=self.keras_version)
        for layer in self.layers.values():
            graph.add_node(
                layer.id,
                name=layer.name,
                class_name=layer.class_name,
                path="/".join(layer.path),
                calls=layer.calls,
                is_input=layer.is_input,
                output_shape=layer.output_shape,
                parameters=layer.parameters,
            )
        graph.add_edges_from(self.edges)
        return graph
