"""The tensors that a layer takes, under one name for each argument, whatever Keras and whatever file they come from.

Keras 3 records arguments as they were given, by place or by name; tf_keras writes all but the first by name, and the
initial state of a recurrent layer beside its first argument.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from graphdiag.graphs.layer_graph import LayerGraph, LayerTensor, TensorEdge
from graphdiag.modeldiff.snapshot import TakenTensor

_FIRST = re.compile(r"(0|inputs|sequences|sequence|query|x|x1)(?=\[|$)")
"""What the first argument is called: its place, or its name in Keras's own layers and operations."""
_PLACES = {
    "MultiHeadAttention": ("query", "value", "key"),
    "GroupQueryAttention": ("query", "value", "key"),
    "GroupedQueryAttention": ("query", "value", "key"),
}
"""The order of the arguments of layers that take several."""
_RECURRENT = re.compile("(CuDNN)?(LSTM|GRU)|SimpleRNN|RNN|ConvLSTM[123]D|Bidirectional")
_ORDER = {"value": "0value", "key": "1key"}


def taken_tensors(graph: LayerGraph) -> Mapping[str, Sequence[TakenTensor]]:
    """What each layer takes: by call, first the tensors of the first argument in order, then the others by name."""
    of_layer: dict[str, dict[int, list[TensorEdge]]] = defaultdict(lambda: defaultdict(list))
    for edge in graph.connections:
        of_layer[edge.target][edge.call].append(edge)
    found = {}
    for id_, calls in of_layer.items():
        class_name = graph.layers[id_].class_name
        found[id_] = [tensor for call in sorted(calls) for tensor in _of_call(class_name, calls[call])]
    return found


def given_tensors(tensors: Iterable[LayerTensor]) -> tuple[TakenTensor, ...]:
    """The tensors that a model gives."""
    return tuple(TakenTensor(tensor.layer, tensor.output, tensor.call) for tensor in tensors)


def _of_call(class_name: str, edges: Sequence[TensorEdge]) -> Sequence[TakenTensor]:
    first: list[TensorEdge] = []
    others: list[tuple[str, TensorEdge]] = []
    for edge in edges:
        argument = _argument(class_name, edge.argument)
        if argument:
            others.append((argument, edge))
        else:
            first.append(edge)
    if _RECURRENT.fullmatch(class_name) and len(first) > 1:
        others += [(f"initial_state[{number}]", edge) for number, edge in enumerate(first[1:])]
        del first[1:]
    others.sort(key=lambda other: _ORDER.get(other[0], other[0]))
    return [_taken(edge, "") for edge in first] + [_taken(edge, argument) for argument, edge in others]


def _taken(edge: TensorEdge, argument: str) -> TakenTensor:
    return TakenTensor(edge.source.layer, edge.source.output, edge.source.call, argument, edge.call)


def _argument(class_name: str, place: str) -> str:
    """The name of an argument; empty for the first one."""
    if _FIRST.match(place):
        return ""
    places = _PLACES.get(class_name)
    if places and place.isdecimal() and int(place) < len(places):
        return places[int(place)]
    if place == "initial_state":
        return "initial_state[0]"
    if place in ("1", "y", "x2"):
        # The second operand of an operation stands beside the first one.
        return "" if not _RECURRENT.fullmatch(class_name) else "initial_state[0]"
    return place
