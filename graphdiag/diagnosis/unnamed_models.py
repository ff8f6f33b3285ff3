"""Names of nested Sequential models that Keras did not record, found in the op graph.

Up to 2.1, Keras writes the list of layers in place of a Sequential model's configuration, so its name is lost. The op
graph has it: each call of the model opens a scope of that name, and in it lie scopes of the model's layers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from graphdiag.diagnosis.roles import NUMBERED
from graphdiag.graphs.layer_graph import LayerGraph, LayerTensor
from graphdiag.graphs.op_graph import OpGraph

_MADE_UP = re.compile(r"sequential_[0-9]+")


def named_as_in(graph: OpGraph, layers: LayerGraph) -> LayerGraph:
    """Give nested Sequential models the names that they have in the op graph.

    Args:
        graph: The op graph.
        layers: The layer graph. Only models whose names were made up when it was read, and that no scope has, are
            renamed; and only where exactly one name will do.

    Returns:
        The layer graph, with the new names in ids and paths; the same object where nothing is renamed.
    """
    unnamed = [
        id_
        for id_, model in layers.nested.items()
        if model.class_name == "Sequential" and _MADE_UP.fullmatch(model.name)
    ]
    if not unnamed:
        return layers
    inside = _scopes_inside(graph)
    for id_ in unnamed:
        model = layers.nested[id_]
        path = (*model.path, model.name)
        members = {layer.name for layer in layers.layers.values() if layer.path == path}
        taken = {layer.name for layer in layers.layers.values()} | {nested.name for nested in layers.nested.values()}
        names = {
            _without_number(scope, inside)
            for scope, children in inside.items()
            if len(members) > 1 and members <= children
        } - taken
        if model.name not in inside and len(names) == 1:
            layers = _renamed(layers, path, names.pop())
    return layers


def _scopes_inside(graph: OpGraph) -> Mapping[str, set[str]]:
    """For the last name of each scope, the names of the scopes in it, with and without their numbers."""
    found: dict[str, set[str]] = defaultdict(set)
    seen = set()
    for name in graph.names:
        scope = name.rpartition("/")[0]
        while scope and scope not in seen:
            seen.add(scope)
            scope, _, last = scope.rpartition("/")
            found[scope.rpartition("/")[2]].update((last, _base(last)))
    found.pop("", None)
    return found


def _base(name: str) -> str:
    numbered = NUMBERED.fullmatch(name)
    return numbered[1] if numbered else name


def _without_number(scope: str, inside: Mapping[str, set[str]]) -> str:
    """``inner`` for the scope ``inner_1`` of a later call."""
    return _base(scope) if _base(scope) in inside else scope


def _renamed(layers: LayerGraph, path: tuple[str, ...], name: str) -> LayerGraph:
    """The layer graph with another name for the model at a path, and for the input that is named after it."""
    old, new = "/".join(path), "/".join((*path[:-1], name))
    ids = {
        id_: new + id_.removeprefix(old) if id_ == old or id_.startswith(f"{old}/") or id_ == f"{old}_input" else id_
        for id_ in (*layers.layers, *layers.nested)
    }
    if len(set(ids.values())) < len(ids):
        return layers

    def moved(inner: tuple[str, ...]) -> tuple[str, ...]:
        return (*path[:-1], name, *inner[len(path) :]) if inner[: len(path)] == path else inner

    def called(own: str, id_: str) -> str:
        return own if ids[id_] == id_ or id_.startswith(f"{old}/") else name + own.removeprefix(path[-1])

    def tensor(old_tensor: LayerTensor) -> LayerTensor:
        return replace(old_tensor, layer=ids[old_tensor.layer])

    return replace(
        layers,
        layers={
            ids[id_]: replace(layer, id=ids[id_], name=called(layer.name, id_), path=moved(layer.path))
            for id_, layer in layers.layers.items()
        },
        nested={
            ids[id_]: replace(model, id=ids[id_], name=called(model.name, id_), path=moved(model.path))
            for id_, model in layers.nested.items()
        },
        edges=tuple((ids[source], ids[target]) for source, target in layers.edges),
        inputs=tuple(ids[id_] for id_ in layers.inputs),
        outputs=tuple(ids[id_] for id_ in layers.outputs),
        tensors=tuple(replace(edge, source=tensor(edge.source), target=ids[edge.target]) for edge in layers.tensors),
        output_tensors=tuple(map(tensor, layers.output_tensors)),
        same_layer={ids[id_]: ids[same] for id_, same in layers.same_layer.items()},
    )
